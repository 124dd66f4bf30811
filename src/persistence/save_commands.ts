// SAVE, BGSAVE, LASTSAVE and BGREWRITEAOF.

import { CommandError, type HostCall, type HostCommands } from '../host_command.ts';
import type { RewriteOutcome } from './aof/append_only.ts';

export interface SaveHooks {
  /** A save in the background, to the disk or to a connection. */
  isSaving(): boolean;
  /** Any walk over the data set: a save, or a rewrite of the append-only file. */
  isWalking(): boolean;
  /** Resolves when no walk is under way. */
  whenIdle(): Promise<void>;
  /** Saves at once. False when that failed. */
  saveNow(): boolean;
  startBackground(): void;
  /** A background save as soon as one is possible. */
  schedule(): void;
  lastSaveSeconds(): number;
  /** Whether the command that runs is one of a transaction. */
  isInTransaction(): boolean;
  startRewrite(): RewriteOutcome;
}

const BUSY = 'ERR Background save already in progress';
const OTHER_BUSY =
  "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in " +
  'order to schedule a BGSAVE whenever possible.';

export function registerSave(commands: HostCommands, hooks: SaveHooks): void {
  commands.register('save', (call) => {
    if (hooks.isSaving()) throw new CommandError(BUSY);
    if (!hooks.isWalking()) {
      save(call, hooks);
      return undefined;
    }
    // Redis has a process for each; here they take turns.
    return hooks.whenIdle().then(() => save(call, hooks));
  });
  commands.register('bgsave', (call) => backgroundSave(call, hooks));
  commands.register('bgrewriteaof', ({ reply }) => {
    const outcome = hooks.startRewrite();
    if (typeof outcome === 'object') throw new CommandError(outcome.error);
    reply.simple(`Background append only file rewriting ${outcome}`);
  });
  commands.register('lastsave', ({ reply }) => {
    reply.integer(hooks.lastSaveSeconds());
  });
}

function save({ reply }: HostCall, hooks: SaveHooks): void {
  if (hooks.saveNow()) reply.ok();
  else reply.error('ERR');
}

function backgroundSave({ args, reply }: HostCall, hooks: SaveHooks): void {
  const isSchedule = args.length === 2 && /^schedule$/i.test(args[1]!.toString('latin1'));
  if (args.length > 1 && !isSchedule) throw new CommandError('ERR syntax error');
  if (hooks.isSaving()) throw new CommandError(BUSY);
  const isInTransaction = hooks.isInTransaction();
  if (!hooks.isWalking() && !isInTransaction) {
    hooks.startBackground();
    reply.simple('Background saving started');
  } else if (isSchedule || isInTransaction) {
    hooks.schedule();
    reply.simple('Background saving scheduled');
  } else throw new CommandError(OTHER_BUSY);
}
