// What clients sent, in the order it came in, for a test to look at.

import { abortError, RespiteError } from '../embedded/errors.ts';
import {
  type CommandNote,
  type CommandTarget,
  commandMatcher,
  type SentCommand,
} from './sent_command.ts';

/** The oldest are forgotten when there are more. */
const COMMANDS_MAX = 100_000;

export class Recorder {
  readonly isOn: boolean;
  private notes: CommandNote[] = [];
  private readonly watchers = new Set<(command: SentCommand) => void>();

  constructor(isOn: boolean) {
    this.isOn = isOn;
  }

  note(note: CommandNote): void {
    this.notes.push(note);
    if (this.notes.length > COMMANDS_MAX) this.notes = this.notes.slice(COMMANDS_MAX / 2);
    for (const watch of this.watchers) watch(note.command);
  }

  /** Commands so far that are meant. */
  list(target: CommandTarget = '*'): SentCommand[] {
    this.mustBeOn();
    return this.notes.map(({ command }) => command).filter(commandMatcher(target));
  }

  clear(): void {
    this.notes = [];
  }

  /** Resolves to the first `count` commands that are meant, once there are as many. */
  async wait(target: CommandTarget, count: number, signal?: AbortSignal): Promise<SentCommand[]> {
    const found = this.list(target);
    if (found.length >= count) return found.slice(0, count);
    if (signal?.aborted) throw abortError(signal);
    const matches = commandMatcher(target);
    return new Promise((resolve, reject) => {
      const end = () => {
        this.watchers.delete(watch);
        signal?.removeEventListener('abort', onAbort);
      };
      const onAbort = () => {
        end();
        reject(abortError(signal as AbortSignal));
      };
      const watch = (command: SentCommand) => {
        if (matches(command)) found.push(command);
        if (found.length < count) return;
        end();
        resolve(found);
      };
      signal?.addEventListener('abort', onAbort);
      this.watchers.add(watch);
    });
  }

  private mustBeOn(): void {
    if (this.isOn) return;
    throw new RespiteError('BAD_OPTION', 'Commands are not recorded: the store has record: false');
  }
}
