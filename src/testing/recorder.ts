// What clients sent, in the order it came in, for a test to look at.

import { abortError, RespiteError } from '../embedded/errors.ts';
import { type CommandTarget, commandMatcher, type SentCommand } from './sent_command.ts';

/** The oldest are forgotten when there are more. */
const COMMANDS_MAX = 100_000;

interface Watcher {
  check(): void;
}

export class Recorder {
  readonly isOn: boolean;
  private commands: SentCommand[] = [];
  private readonly watchers = new Set<Watcher>();

  constructor(isOn: boolean) {
    this.isOn = isOn;
  }

  note(command: SentCommand): void {
    this.commands.push(command);
    if (this.commands.length > COMMANDS_MAX) this.commands = this.commands.slice(COMMANDS_MAX / 2);
    // Who waits goes on when the command has run, or has been refused.
    for (const watcher of this.watchers) watcher.check();
  }

  /** Commands so far that are meant. */
  list(target: CommandTarget = '*'): SentCommand[] {
    this.mustBeOn();
    return this.commands.filter(commandMatcher(target));
  }

  clear(): void {
    this.commands = [];
  }

  /** Resolves to the first `count` commands that are meant, once there are as many. */
  wait(target: CommandTarget, count: number, signal?: AbortSignal): Promise<SentCommand[]> {
    this.mustBeOn();
    const matches = commandMatcher(target);
    return new Promise((resolve, reject) => {
      const end = () => {
        this.watchers.delete(watcher);
        signal?.removeEventListener('abort', onAbort);
      };
      const onAbort = () => {
        end();
        reject(abortError(signal as AbortSignal));
      };
      const watcher = {
        check: () => {
          const found = this.commands.filter(matches);
          if (found.length < count) return;
          end();
          resolve(found.slice(0, count));
        },
      };
      if (signal?.aborted) return onAbort();
      signal?.addEventListener('abort', onAbort);
      this.watchers.add(watcher);
      watcher.check();
    });
  }

  private mustBeOn(): void {
    if (this.isOn) return;
    throw new RespiteError('BAD_OPTION', 'Commands are not recorded: the store has record: false');
  }
}
