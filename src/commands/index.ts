// All commands, compiled from their records: ids, full names, flag bits, implied categories and the
// key positions that COMMAND reports.
//
// Ids: top-level commands in alphabetical order, then the subcommands of each of them, so that a
// command's subcommands have consecutive ids. They are not stable from build to build and must not
// be stored; the core's table is generated from this same list (src/build/commands.ts).

import * as abi from '../../assembly/abi.ts';
import { type AclCategory, aclCategoryBit, withImpliedCategories } from './acl_categories.ts';
import { backupCommands } from './backup.ts';
import { bitmapCommands } from './bitmap.ts';
import { connectionCommands } from './connection.ts';
import { genericCommands } from './generic.ts';
import { geoCommands } from './geo.ts';
import { hashCommands } from './hash.ts';
import { hashExpiryCommands } from './hash_expiry.ts';
import { hyperloglogCommands } from './hyperloglog.ts';
import { introspectionCommands } from './introspection.ts';
import { listCommands } from './list.ts';
import { migrationCommands } from './migration.ts';
import { persistenceCommands } from './persistence.ts';
import { pubsubCommands } from './pubsub.ts';
import { serverCommands } from './server.ts';
import { setCommands } from './set.ts';
import type { CommandFlag, CommandSpec, KeySpec } from './spec.ts';
import { streamCommands } from './stream.ts';
import { stringCommands } from './string.ts';
import { transactionsCommands } from './transactions.ts';
import { zsetCommands } from './zset.ts';

const families: readonly CommandSpec[][] = [
  stringCommands,
  genericCommands,
  migrationCommands,
  listCommands,
  zsetCommands,
  bitmapCommands,
  setCommands,
  hashCommands,
  hashExpiryCommands,
  hyperloglogCommands,
  geoCommands,
  streamCommands,
  connectionCommands,
  introspectionCommands,
  serverCommands,
  backupCommands,
  persistenceCommands,
  transactionsCommands,
  pubsubCommands,
];

export interface CompiledCommand {
  readonly id: number;
  /** "get", or "config|get" for a subcommand. */
  readonly fullName: string;
  readonly spec: CommandSpec;
  readonly parent: CompiledCommand | undefined;
  /** In the order of their ids. */
  readonly subcommands: readonly CompiledCommand[];
  /** Core only: exported function of assembly/command/<file>.ts. */
  readonly handler: string | undefined;
  /** CMD_* bits of abi.ts. */
  readonly flagBits: number;
  readonly categories: readonly AclCategory[];
  readonly categoryBits: number;
  readonly movableKeys: boolean;
  /** As COMMAND reports them: 0, 0, 0 when no range of keys can be told. */
  readonly firstKey: number;
  readonly lastKey: number;
  readonly keyStep: number;
}

const FLAG_BITS: Readonly<Record<CommandFlag, number>> = {
  write: abi.CMD_WRITE,
  readonly: abi.CMD_READONLY,
  denyoom: abi.CMD_DENYOOM,
  admin: abi.CMD_ADMIN,
  pubsub: abi.CMD_PUBSUB,
  noscript: abi.CMD_NOSCRIPT,
  blocking: abi.CMD_BLOCKING,
  loading: abi.CMD_LOADING,
  stale: abi.CMD_STALE,
  skip_monitor: abi.CMD_SKIP_MONITOR,
  skip_slowlog: abi.CMD_SKIP_SLOWLOG,
  asking: abi.CMD_ASKING,
  fast: abi.CMD_FAST,
  no_auth: abi.CMD_NO_AUTH,
  may_replicate: abi.CMD_MAY_REPLICATE,
  no_mandatory_keys: abi.CMD_NO_MANDATORY_KEYS,
  no_async_loading: abi.CMD_NO_ASYNC_LOADING,
  no_multi: abi.CMD_NO_MULTI,
  allow_busy: abi.CMD_ALLOW_BUSY,
  protected: abi.CMD_PROTECTED,
  touches_arbitrary_keys: abi.CMD_TOUCHES_ARBITRARY_KEYS,
  timed: abi.CMD_TIMED,
  no_touch_keys: abi.CMD_NO_TOUCH_KEYS,
};

/** `setCommand`, `objectEncodingCommand`, `clientNoEvictCommand`, `bitfieldRoCommand`. */
function handlerName(fullName: string): string {
  const words = fullName.split(/[|_.-]/);
  const rest = words.slice(1).map((word) => word[0]!.toUpperCase() + word.slice(1));
  return `${words[0]}${rest.join('')}Command`;
}

interface LegacyRange {
  firstKey: number;
  lastKey: number;
  keyStep: number;
  movable: boolean;
}

/**
 * The single range of keys that COMMAND reports, from before key specs existed. Consecutive specs of
 * step 1 are joined; `movable` tells that the range leaves keys out.
 */
function legacyRange(keys: readonly KeySpec[]): LegacyRange {
  const range: LegacyRange = { firstKey: 0, lastKey: 0, keyStep: 0, movable: false };
  for (const { flags, begin, find } of keys) {
    if (begin.type !== 'index' || find.type !== 'range') {
      range.movable = true;
      continue;
    }
    const joined = range.firstKey !== 0;
    const adjacent = !joined || range.lastKey === begin.index - 1;
    if (!adjacent || (find.step !== 1 && keys.length > 1)) {
      range.movable = true;
      continue;
    }
    if (flags.includes('incomplete')) range.movable = true;
    if (!joined) range.firstKey = begin.index;
    range.lastKey = find.lastKey < 0 ? find.lastKey : begin.index + find.lastKey;
    range.keyStep = find.step;
  }
  return range;
}

function compile(spec: CommandSpec, id: number, parent: CompiledCommand | undefined) {
  const fullName = parent === undefined ? spec.name : `${parent.spec.name}|${spec.name}`;
  const { movable, ...range } = legacyRange(spec.keys);
  const categories = withImpliedCategories(spec.flags, spec.categories);
  let flagBits = movable ? abi.CMD_MOVABLEKEYS : 0;
  for (const flag of spec.flags) flagBits |= FLAG_BITS[flag];
  let categoryBits = 0;
  for (const category of categories) categoryBits += aclCategoryBit(category);
  const subcommands: CompiledCommand[] = [];
  return {
    id,
    fullName,
    spec,
    parent,
    subcommands,
    handler: spec.owner === 'core' ? (spec.handler ?? handlerName(fullName)) : undefined,
    flagBits,
    categories,
    categoryBits,
    movableKeys: movable,
    ...range,
  };
}

function byName(a: CommandSpec, b: CommandSpec): number {
  return a.name < b.name ? -1 : 1;
}

function compileAll(specs: readonly CommandSpec[]): CompiledCommand[] {
  const top = [...specs].sort(byName).map((spec, id) => compile(spec, id, undefined));
  const all: CompiledCommand[] = [...top];
  for (const parent of top) {
    for (const spec of [...(parent.spec.subcommands ?? [])].sort(byName)) {
      const command = compile(spec, all.length, parent);
      parent.subcommands.push(command);
      all.push(command);
    }
  }
  return all;
}

const compiled: readonly CompiledCommand[] = compileAll(families.flat());
const byFullName: ReadonlyMap<string, CompiledCommand> = new Map(
  compiled.map((command) => [command.fullName, command]),
);

/** Every command and subcommand; the index is the id. */
export function allCommands(): readonly CompiledCommand[] {
  return compiled;
}

/** `fullName` as in CompiledCommand, lower case. */
export function findCommand(fullName: string): CompiledCommand | undefined {
  return byFullName.get(fullName);
}
