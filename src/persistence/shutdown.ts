// Ending the server in order, asked for by SHUTDOWN or by a signal.
//
//   hold writes ─> give up background work ─> append-only file ─> last snapshot ─> pid file, sockets
//        ^                                          │ failed, or SHUTDOWN ABORT
//        └── go on serving, tell who asked <────────┘
//
// The last snapshot is written between turns of the event loop, so that a second SIGINT, or an ABORT,
// finds somebody who listens; Redis hears the one in a signal handler and the other not at all.

import type { Logger } from '../log.ts';
import type { ShutdownRequest } from '../monitor/shutdown.ts';

export interface ExitRequest {
  readonly save: ShutdownRequest['save'];
  readonly isForced: boolean;
}

export interface ExitOutcome {
  /** False when data would be lost that need not be: the server goes on. */
  readonly mayEnd: boolean;
  /** Whether all that was to be saved is on the disk; an end by force comes without that, too. */
  readonly isStored: boolean;
}

export interface ShutdownOptions {
  readonly log: Logger;
  isLoading(): boolean;
  /** Holds commands that write, or lets them go on. */
  hold(on: boolean): void;
  /** Saves what has to be saved; the log tells what goes wrong. */
  prepareExit(request: ExitRequest): Promise<Pick<ExitOutcome, 'mayEnd'>>;
  /** Gives up a save under way: `prepareExit` then fails. */
  abortSave(): void;
  /** Closes the sockets. */
  stop(): void;
  /** False when there is none. */
  removePidFile(): boolean;
  exit(code: number): void;
}

export class Shutdown {
  private readonly options: ShutdownOptions;
  /** Those who asked, told when there will be no end. */
  private waiting: (() => void)[] = [];
  private state: 'serving' | 'ending' | 'aborted' = 'serving';
  /** What is to begin with the next tick. */
  private scheduled: ShutdownRequest | undefined;

  constructor(options: ShutdownOptions) {
    this.options = options;
  }

  get isUnderWay(): boolean {
    return this.state !== 'serving';
  }

  /** Begins with the next tick. Resolves only when the server goes on. */
  schedule(request: ShutdownRequest): Promise<void> {
    this.scheduled ??= request;
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Called by the server's timer. */
  tick(): void {
    const { scheduled } = this;
    this.scheduled = undefined;
    if (scheduled && this.state === 'serving') void this.run(scheduled);
  }

  /** Resolves only when the server goes on. */
  begin(request: ShutdownRequest): Promise<void> {
    const called = new Promise<void>((resolve) => this.waiting.push(resolve));
    if (this.state === 'serving') void this.run(request);
    return called;
  }

  /** False when no shutdown is under way. */
  abort(): boolean {
    const isScheduled = this.scheduled !== undefined;
    this.scheduled = undefined;
    if (this.state !== 'ending' && !isScheduled) return false;
    this.options.log.notice('Shutdown manually aborted.');
    if (this.state === 'ending') {
      this.state = 'aborted';
      this.options.abortSave();
    } else this.goOn();
    return true;
  }

  private async run({ save, isForced }: ShutdownRequest): Promise<void> {
    const { log } = this.options;
    this.state = 'ending';
    log.notice('User requested shutdown...');
    this.options.hold(true);
    const { mayEnd } = await this.options.prepareExit({
      save: this.options.isLoading() ? 'never' : save,
      isForced,
    });
    if (mayEnd && this.state === 'ending') {
      this.end();
      return;
    }
    if (this.state === 'ending') {
      log.warning('Errors trying to shut down the server. Check the logs for more information.');
    }
    this.options.hold(false);
    this.goOn();
  }

  private goOn(): void {
    this.state = 'serving';
    for (const tell of this.waiting.splice(0)) tell();
  }

  private end(): void {
    const { log } = this.options;
    if (this.options.removePidFile()) log.notice('Removing the pid file.');
    this.options.stop();
    log.warning('Respite is now ready to exit, bye bye...');
    this.options.exit(0);
  }
}
