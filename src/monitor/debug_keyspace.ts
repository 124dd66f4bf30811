// The subcommands of DEBUG that look at keys or make many: DIGEST, DIGEST-VALUE, OBJECT, SDSLEN,
// HTSTATS, HTSTATS-KEY, LISTPACK, QUICKLIST, POPULATE.
//
// They find keys that have expired but are still stored, and change neither access clocks nor
// counters of hits.

import type { Core } from '../core/core.ts';
import { databaseFigures } from '../core/database_figures.ts';
import {
  datasetDigest,
  describeKey,
  type KeyDescription,
  populate,
  selectedDatabase,
  type TableChains,
  tableChains,
  valueDigest,
} from '../core/keyspace.ts';
import { CommandError, type HostCall } from '../host_command.ts';
import { parseI64 } from '../util/integers.ts';
import { ratio, twoDecimals } from './info_text.ts';

const DEFAULT_PREFIX = Buffer.from('key');
/** No engine can hold more keys: an entry with its share of the table takes over 24 bytes. */
const POPULATE_KEYS_MAX = 0x1_0000_0000n / 24n;
const VALUE_BYTES_MAX = 0xffff_ffffn;

export interface DebugKeyspace {
  readonly core: Core;
  rdbCompression(): boolean;
}

export function debugDigest({ reply }: HostCall, { core }: DebugKeyspace): void {
  reply.simple(datasetDigest(core).toString('hex'));
}

export function debugDigestValue({ args, client, reply }: HostCall, { core }: DebugKeyspace): void {
  const database = selectedDatabase(core, client.ptr);
  const keys = args.slice(2);
  reply.array(keys.length);
  for (const key of keys) reply.simple(valueDigest(core, database, key).toString('hex'));
}

/** The key that argument 2 names; throws when there is none. */
function keyOrError({ args, client }: HostCall, keyspace: DebugKeyspace): KeyDescription {
  const { core } = keyspace;
  const database = selectedDatabase(core, client.ptr);
  const found = describeKey(core, database, args[2]!, keyspace.rdbCompression());
  if (found === undefined) throw new CommandError('ERR no such key');
  return found;
}

export function debugObject(call: HostCall, keyspace: DebugKeyspace): void {
  const key = keyOrError(call, keyspace);
  call.reply.simple(
    `Value at:0x${key.address.toString(16)} refcount:1 encoding:${key.encoding} ` +
      `serializedlength:${key.serializedLength} lru:${key.clock} lru_seconds_idle:${key.idleSeconds}`,
  );
}

/** Redis's strings carry spare room; here only a value in a block of its own can. */
export function debugSdslen(call: HostCall, keyspace: DebugKeyspace): void {
  const key = keyOrError(call, keyspace);
  if (!key.isString || key.encoding === 'int') {
    throw new CommandError('ERR Not an sds encoded string.');
  }
  const blockBytes = key.valueBytes === 0 ? key.entryBytes : key.valueBytes;
  const spare = key.valueBytes === 0 ? 0 : Math.max(key.valueBytes - key.valueLength - 4, 0);
  call.reply.simple(
    `key_sds_len:${call.args[2]!.length}, key_sds_avail:0, key_zmalloc: ${key.entryBytes}, ` +
      `val_sds_len:${key.valueLength}, val_sds_avail:${spare}, val_zmalloc: ${blockBytes}`,
  );
}

/** LISTPACK and QUICKLIST: the log takes the place of the standard output, and a summary of a dump. */
export function debugLayout(
  call: HostCall,
  keyspace: DebugKeyspace & { log(message: string): void },
  name: string,
): void {
  const key = keyOrError(call, keyspace);
  if (!key.encoding.startsWith(name)) {
    throw new CommandError(`ERR Not a ${name} encoded object.`);
  }
  keyspace.log(`DEBUG: ${key.encoding} of ${key.serializedLength} bytes`);
  call.reply.simple(`${name[0]!.toUpperCase()}${name.slice(1)} structure printed on stdout`);
}

/** For an encoding that no value has yet: HTSTATS-KEY. */
export function debugEncodingOnly(
  call: HostCall,
  keyspace: DebugKeyspace,
  otherwise: string,
): void {
  keyOrError(call, keyspace);
  throw new CommandError(`ERR ${otherwise}`);
}

// --- HTSTATS ---

export function debugHtstats({ args, reply }: HostCall, { core }: DebugKeyspace): void {
  const database = parseI64(args[2]!);
  if (database === undefined) {
    throw new CommandError('ERR value is not an integer or out of range');
  }
  if (database < 0n || database >= BigInt(core.databases)) {
    throw new CommandError('ERR Out of range database');
  }
  const full = args[3]?.toString('latin1').toLowerCase() === 'full';
  const index = Number(database);
  reply.verbatim(
    `[Dictionary HT]\n${tableText(core, index, false, full)}` +
      `[Expires HT]\n${tableText(core, index, true, full)}`,
  );
}

/**
 * Expiries lie in the entries: the second table is the first, seen without the other entries. A
 * slot of it is a bucket, which holds up to twelve entries before it gets a chain.
 */
function tableText(core: Core, index: number, expiring: boolean, full: boolean): string {
  const figures = databaseFigures(core).find((database) => database.index === index);
  const elements = (expiring ? figures?.expires : figures?.keys) ?? 0;
  const lines = ['Hash table 0 stats (main hash table):'];
  if (elements === 0) lines.push('No stats available for empty dictionaries');
  else {
    const buckets = core.exports.databaseBuckets(index) >>> 0;
    lines.push(` table size: ${buckets}`, ` number of elements: ${elements}`);
    if (full) lines.push(...chainLines(tableChains(core, index, expiring), elements, buckets));
  }
  return lines.map((line) => `${line}\n`).join('');
}

function chainLines(chains: TableChains, elements: number, buckets: number): string[] {
  const slots = buckets - chains.counts[0]!;
  const average = twoDecimals(ratio(elements, slots));
  const distribution = chains.counts.flatMap((count, length) =>
    count === 0 ? [] : [`   ${length}: ${count} (${twoDecimals((count / buckets) * 100)}%)`],
  );
  return [
    ` different slots: ${slots}`,
    ` max chain length: ${chains.longest}`,
    ` avg chain length (counted): ${average}`,
    ` avg chain length (computed): ${average}`,
    ' Chain length distribution:',
    ...distribution,
  ];
}

// --- POPULATE ---

function positiveOrError(text: Uint8Array): bigint {
  const value = parseI64(text);
  if (value !== undefined && value >= 0n) return value;
  throw new CommandError('ERR value is out of range, must be positive');
}

/** DEBUG POPULATE count [prefix [size]] */
export function debugPopulate({ args, client, reply }: HostCall, { core }: DebugKeyspace): void {
  const count = positiveOrError(args[2]!);
  const size = args[4] === undefined ? 0n : positiveOrError(args[4]);
  const database = selectedDatabase(core, client.ptr);
  const isPossible = count <= POPULATE_KEYS_MAX && size <= VALUE_BYTES_MAX;
  const prefix = args[3] ?? DEFAULT_PREFIX;
  if (!isPossible || !populate(core, database, Number(count), prefix, Number(size))) {
    throw new CommandError('OOM out of memory: the 4 GiB of this engine are used up');
  }
  reply.ok();
}
