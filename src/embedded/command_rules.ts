// Commands that need, or spoil, a connection of their own. src/commands is the source; a test compares.
// Not imported from there, because a browser loads the command records only when somebody asks for them.

import { RespiteError } from './errors.ts';
import type { CommandArg } from './reply.ts';

/** Commands that may wait, and with them hold back what comes behind them on the same connection. */
const BLOCKING: ReadonlySet<string> = new Set([
  'BLMOVE',
  'BLMPOP',
  'BLPOP',
  'BRPOP',
  'BRPOPLPUSH',
  'BZMPOP',
  'BZPOPMAX',
  'BZPOPMIN',
  'WAIT',
  'WAITAOF',
]);

/** These wait with the option BLOCK. */
const BLOCKING_WITH_OPTION: ReadonlySet<string> = new Set(['XREAD', 'XREADGROUP']);

/** What to use instead of commands that change what a connection is, or what its replies look like. */
const NOT_HERE: ReadonlyMap<string, string> = new Map([
  ['HELLO', 'replies come in RESP3; connect() gives a connection that speaks either version'],
  ['MONITOR', 'use monitor()'],
  ['PSUBSCRIBE', 'use psubscribe()'],
  ['PSYNC', 'use export()'],
  ['QUIT', 'use close()'],
  ['RESET', 'use a new session()'],
  ['SSUBSCRIBE', 'use ssubscribe()'],
  ['SUBSCRIBE', 'use subscribe()'],
  ['SYNC', 'use export()'],
  ['PUNSUBSCRIBE', 'close the subscription'],
  ['SUNSUBSCRIBE', 'close the subscription'],
  ['UNSUBSCRIBE', 'close the subscription'],
]);

/** Commands that can be sent nowhere. */
export const REFUSED_COMMANDS: ReadonlySet<string> = new Set(NOT_HERE.keys());

/** The same for commands whose effect lasts, on a connection that is shared by all callers. */
const NOT_SHARED: ReadonlyMap<string, string> = new Map([
  ['AUTH', 'use session()'],
  ['DISCARD', 'use transaction() or session()'],
  ['EXEC', 'use transaction() or session()'],
  ['MULTI', 'use transaction() or session()'],
  ['SELECT', 'use session()'],
  ['UNWATCH', 'use session()'],
  ['WATCH', 'use session()'],
]);

/** Whether the command may wait for data. */
export function mayBlock(command: readonly CommandArg[]): boolean {
  const name = nameOf(command);
  if (BLOCKING.has(name)) return true;
  return (
    BLOCKING_WITH_OPTION.has(name) &&
    command.some((argument) => typeof argument === 'string' && argument.toUpperCase() === 'BLOCK')
  );
}

/** Throws for a command that a session cannot send. */
export function checkCommand(command: readonly CommandArg[], isShared: boolean): void {
  const name = nameOf(command);
  const instead = NOT_HERE.get(name) ?? (isShared ? NOT_SHARED.get(name) : undefined);
  if (instead !== undefined) {
    throw new RespiteError('BAD_OPTION', `${name} cannot be sent here: ${instead}`);
  }
  if (name === 'CLIENT' && String(command[1]).toUpperCase() === 'REPLY') {
    throw new RespiteError('BAD_OPTION', 'CLIENT REPLY cannot be sent here: each call has a reply');
  }
}

function nameOf(command: readonly CommandArg[]): string {
  const [name] = command;
  if (typeof name !== 'string' || name === '') {
    throw new RespiteError('BAD_OPTION', 'A command begins with its name, as a string');
  }
  return name.toUpperCase();
}
