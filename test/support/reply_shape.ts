// Whether a reply has the shape its command declares (ReplyShape in src/commands/spec.ts).
//
// An error reply fits every shape: any command may fail. Shapes that exist only in RESP3 are checked
// in RESP2 as what Redis sends there: a map or set as an array, a double or verbatim as a bulk
// string, a boolean as 0 or 1.

import { allCommands, type CompiledCommand } from '../../src/commands/index.ts';
import type { CommandSpec, ReplyShape } from '../../src/commands/spec.ts';
import { showReply } from './reply_notation.ts';
import type { Reply } from './resp_decoder.ts';

function isNull(reply: Reply, resp: 2 | 3, resp2Form: '$-1' | '*-1'): boolean {
  return reply.kind === 'null' && reply.form === (resp === 3 ? '_' : resp2Form);
}

function isDouble(reply: Reply, resp: 2 | 3): boolean {
  if (resp === 3) return reply.kind === 'double';
  if (reply.kind !== 'bulk') return false;
  return /^-?(?:inf|nan|\d+(?:\.\d+)?(?:e[+-]\d+)?)$/.test(reply.bytes.toString('latin1'));
}

function fits(reply: Reply, shape: ReplyShape, resp: 2 | 3): boolean {
  switch (shape) {
    case 'any':
      return true;
    case 'none':
      return false;
    case 'ok':
      return reply.kind === 'simple' && reply.text === 'OK';
    case 'simple-string':
      return reply.kind === 'simple';
    case 'bulk':
      return reply.kind === 'bulk';
    case 'bulk-or-null':
      return reply.kind === 'bulk' || isNull(reply, resp, '$-1');
    case 'integer':
      return reply.kind === 'integer';
    case 'integer-or-null':
      return reply.kind === 'integer' || isNull(reply, resp, '$-1');
    case 'array':
      return reply.kind === 'array';
    case 'array-or-null':
      return reply.kind === 'array' || isNull(reply, resp, '*-1');
    case 'map':
      return resp === 3
        ? reply.kind === 'map'
        : reply.kind === 'array' && reply.items.length % 2 === 0;
    case 'set':
      return reply.kind === (resp === 3 ? 'set' : 'array');
    case 'double':
      return isDouble(reply, resp);
    case 'double-or-null':
      return isDouble(reply, resp) || isNull(reply, resp, '$-1');
    case 'boolean':
      return resp === 3
        ? reply.kind === 'boolean'
        : reply.kind === 'integer' && (reply.value === 0n || reply.value === 1n);
    case 'verbatim':
      return reply.kind === (resp === 3 ? 'verbatim' : 'bulk');
    case 'null':
      return isNull(reply, resp, '$-1');
  }
}

/** The shapes a command declares for this protocol version: the reply has one of them. */
export function declaredShapes(reply: CommandSpec['reply'], resp: 2 | 3): ReplyShape[] {
  if (Array.isArray(reply)) return reply;
  if (typeof reply === 'string') return [reply];
  return declaredShapes(resp === 2 ? reply.resp2 : reply.resp3, resp);
}

/** Null when the reply fits, otherwise a sentence that says how it does not. */
export function shapeMismatch(
  reply: Reply,
  declared: CommandSpec['reply'],
  resp: 2 | 3,
): string | null {
  if (reply.kind === 'error') return null;
  const shapes = declaredShapes(declared, resp);
  if (shapes.some((shape) => fits(reply, shape, resp))) return null;
  return `RESP${resp} reply ${showReply(reply)} is not of the declared shape ${shapes.join(' | ')}`;
}

let byName: ReadonlyMap<string, CompiledCommand> | undefined;

/** The declaration of the command these arguments call, of a subcommand where there is one. */
export function declaredCommand(args: readonly string[]): CompiledCommand | undefined {
  byName ??= new Map(allCommands().map((command) => [command.fullName, command]));
  const [name = '', subcommand = ''] = args.map((arg) => arg.toLowerCase());
  const found = byName.get(name);
  return found?.subcommands.length ? (byName.get(`${name}|${subcommand}`) ?? found) : found;
}
