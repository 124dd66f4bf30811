// What clients sent, in the order it came in, for a test to look at.

import { abortError, RespiteError } from '../embedded/errors.ts';
import {
  type CommandNote,
  type CommandTarget,
  commandMatcher,
  type SentCommand,
} from './sent_command.ts';

/** The older half is forgotten when there are more, or they take more. */
const COMMANDS_MAX = 100_000;
const BYTES_MAX = 64 << 20;

/** Who waits for commands. */
interface Watcher {
  see(command: SentCommand): void;
  fail(reason: Error): void;
}

export class Recorder {
  readonly isOn: boolean;
  private notes: CommandNote[] = [];
  private bytes = 0;
  private readonly watchers = new Set<Watcher>();
  private closed: Error | undefined;

  constructor(isOn: boolean) {
    this.isOn = isOn;
  }

  note(note: CommandNote): void {
    this.notes.push(note);
    this.bytes += note.sizeBytes;
    if (this.notes.length > COMMANDS_MAX || this.bytes > BYTES_MAX) this.forget();
    for (const watcher of this.watchers) watcher.see(note.command);
  }

  /** Forgets the oldest, and at least half of what there is; the newest stays, however large. */
  private forget(): void {
    let kept = 0;
    let from = this.notes.length;
    while (this.notes.length - from < COMMANDS_MAX / 2) {
      const size = this.notes[from - 1]?.sizeBytes ?? Number.POSITIVE_INFINITY;
      if (kept + size > BYTES_MAX / 2 && from < this.notes.length) break;
      kept += size;
      from -= 1;
    }
    this.notes = this.notes.slice(from);
    this.bytes = kept;
  }

  /** Commands so far that are meant. */
  list(target: CommandTarget = '*'): SentCommand[] {
    this.mustBeOn();
    return this.notes.map(({ command }) => command).filter(commandMatcher(target));
  }

  clear(): void {
    this.notes = [];
    this.bytes = 0;
  }

  /** Resolves to the first `count` commands that are meant, once there are as many. */
  async wait(target: CommandTarget, count: number, signal?: AbortSignal): Promise<SentCommand[]> {
    const found = this.list(target);
    if (found.length >= count) return found.slice(0, count);
    if (signal?.aborted) throw abortError(signal);
    if (this.closed !== undefined) throw this.closed;
    const matches = commandMatcher(target);
    return new Promise((resolve, reject) => {
      const end = () => {
        this.watchers.delete(watcher);
        signal?.removeEventListener('abort', onAbort);
      };
      const fail = (reason: Error) => {
        end();
        reject(reason);
      };
      const onAbort = () => fail(abortError(signal as AbortSignal));
      const see = (command: SentCommand) => {
        try {
          if (matches(command)) found.push(command);
        } catch (error) {
          fail(error as Error);
          return;
        }
        if (found.length < count) return;
        end();
        resolve(found);
      };
      const watcher: Watcher = { see, fail };
      signal?.addEventListener('abort', onAbort);
      this.watchers.add(watcher);
    });
  }

  /** No further command comes: ends every wait with `reason`. */
  close(reason: Error): void {
    this.closed ??= reason;
    for (const watcher of [...this.watchers]) watcher.fail(reason);
  }

  private mustBeOn(): void {
    if (this.isOn) return;
    throw new RespiteError('BAD_OPTION', 'Commands are not recorded: the store has record: false');
  }
}
