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

/** What holds for a command, by its name alone. */
interface Rule {
  /** What to use instead: on any connection, and on one that is shared. */
  readonly instead: string | undefined;
  readonly insteadShared: string | undefined;
  readonly blocks: 'always' | 'with option' | 'never';
}

/** Most commands. */
const NO_RULE: Rule = { instead: undefined, insteadShared: undefined, blocks: 'never' };

function ruleOf(name: string): Rule {
  const upper = name.toUpperCase();
  const instead = NOT_HERE.get(upper);
  const insteadShared = instead ?? NOT_SHARED.get(upper);
  let blocks: Rule['blocks'] = BLOCKING.has(upper) ? 'always' : 'never';
  if (BLOCKING_WITH_OPTION.has(upper)) blocks = 'with option';
  if (insteadShared === undefined && blocks === 'never') return NO_RULE;
  return { instead, insteadShared, blocks };
}

/** Rules by names as they were written, which are few. */
const known = new Map<string, Rule>();
const KNOWN_MAX = 1024;
/** The last one that was asked for: many commands of one name often follow each other. */
let lastName = '';
let lastRule = NO_RULE;

function rule(command: readonly CommandArg[]): Rule {
  const [name] = command;
  if (typeof name !== 'string' || name === '') {
    throw new RespiteError('BAD_OPTION', 'A command begins with its name, as a string');
  }
  if (name === lastName) return lastRule;
  let found = known.get(name);
  if (found === undefined) {
    found = ruleOf(name);
    if (known.size < KNOWN_MAX) known.set(name, found);
  }
  lastName = name;
  lastRule = found;
  return found;
}

/** Whether the command may wait for data. */
export function mayBlock(command: readonly CommandArg[]): boolean {
  const { blocks } = rule(command);
  if (blocks !== 'with option') return blocks === 'always';
  return command.some((argument) => typeof argument === 'string' && /^BLOCK$/i.test(argument));
}

/** Throws for a command that a session cannot send. Returns whether the command may wait for data. */
export function checkCommand(command: readonly CommandArg[], isShared: boolean): boolean {
  const found = rule(command);
  const name = command[0] as string;
  if (found === NO_RULE) {
    if (name.length === CLIENT_NAME.length) checkClientCommand(command);
    return false;
  }
  const instead = isShared ? found.insteadShared : found.instead;
  if (instead !== undefined) {
    throw new RespiteError('BAD_OPTION', `${name.toUpperCase()} cannot be sent here: ${instead}`);
  }
  return mayBlock(command);
}

/** Throws for a command that cannot be one of a transaction: its end comes from who runs it. */
export function checkQueued(command: readonly CommandArg[], isShared: boolean): void {
  checkCommand(command, isShared);
  const name = (command[0] as string).toUpperCase();
  if (name !== 'MULTI' && name !== 'EXEC' && name !== 'DISCARD') return;
  throw new RespiteError('BAD_OPTION', `${name} cannot be sent here: run() begins and ends it`);
}

const CLIENT_NAME = 'CLIENT';

function checkClientCommand([name, subcommand]: readonly CommandArg[]): void {
  if ((name as string).toUpperCase() !== CLIENT_NAME) return;
  if (typeof subcommand !== 'string' || subcommand.toUpperCase() !== 'REPLY') return;
  throw new RespiteError('BAD_OPTION', 'CLIENT REPLY cannot be sent here: each call has a reply');
}
