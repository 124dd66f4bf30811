// Two servers that should hold the same data, and what is different when they do not.
//
//   all keys   DEBUG DIGEST, and how many there are in each database
//   a sample   encodings, expiries, clocks of LRU and LFU, groups of streams: DEBUG DIGEST says nothing of these
//
// When digests differ, all keys are compared by DEBUG DIGEST-VALUE, and the one with the shortest
// DUMP is shown.

import type { Reply, RespClient } from '../../bench/lib/resp_client.ts';
import { quote } from '../support/arguments.ts';
import { DATABASES } from './files_data.ts';

/** The data of two servers is not the same. */
export class FilesDiffer extends Error {}

export interface CompareOptions {
  /** Keys per database whose details are compared. */
  readonly sample: number;
  /** Whose clocks are compared too; null for none. */
  readonly policy: 'lru' | 'lfu' | null;
  readonly form: 'rdb' | 'aof';
}

const SCAN_COUNT = '1000';
const SHOWN_BYTES = 200;
/** Between two questions about the time since a key was used. */
const IDLE_TOLERANCE_SECONDS = 600;
const DIFFERENCES_LOOKED_AT = 500;
const NOTHING = '0'.repeat(40);

/** What another server may make of an encoding: values that were larger once come back compact. */
const ENCODINGS: Record<string, readonly string[]> = {
  'string int': ['int'],
  'string embstr': ['embstr', 'int'],
  'string raw': ['raw', 'embstr', 'int'],
  'list quicklist': ['quicklist', 'listpack'],
  'list listpack': ['quicklist', 'listpack'],
  'set intset': ['intset'],
  // Small sets are listpacks since Redis 7.2.
  'set listpack': ['listpack', 'hashtable', 'intset'],
  'set hashtable': ['hashtable', 'listpack', 'intset'],
  'hash listpack': ['listpack'],
  'hash hashtable': ['hashtable', 'listpack'],
  'zset listpack': ['listpack'],
  'zset skiplist': ['skiplist', 'listpack'],
  'stream stream': ['stream'],
};

/** Since Redis 7.2 a value made by one command of many arguments is not compact at first, even if they repeat. */
const ENCODINGS_FROM_COMMANDS: Record<string, readonly string[]> = {
  ...ENCODINGS,
  'set intset': ['intset', 'listpack', 'hashtable'],
  'hash listpack': ['listpack', 'hashtable'],
  'zset listpack': ['listpack', 'skiplist'],
};

/** Compares everything; returns how many sampled keys had which type and encoding. */
export async function compareServers(
  expected: RespClient,
  found: RespClient,
  options: CompareOptions,
): Promise<Map<string, number>> {
  const sizes = [await databaseSizes(expected), await databaseSizes(found)];
  const [digest, other] = await Promise.all([digestOf(expected), digestOf(found)]);
  if (digest !== other || sizes[0] !== sizes[1]) {
    const what = digest === other ? `keys ${sizes.join(', found ')}` : `digest ${digest}, ${other}`;
    throw new FilesDiffer(`${what}\n${await smallestDifference(expected, found)}`);
  }
  const encodings = new Map<string, number>();
  for (const database of DATABASES) {
    for (const client of [expected, found]) await client.must('SELECT', `${database}`);
    for await (const names of scan(expected, options.sample)) {
      await compareDetails(expected, found, names, options, encodings);
    }
  }
  return encodings;
}

async function digestOf(client: RespClient): Promise<string> {
  return String(await client.must('DEBUG', 'DIGEST'));
}

/** Databases and how many keys and expiries they have, as text. */
async function databaseSizes(client: RespClient): Promise<string> {
  const text = String(await client.must('INFO', 'keyspace'));
  return [...text.matchAll(/db(\d+):keys=(\d+),expires=(\d+)/g)]
    .map(([, database, keys, expires]) => `${database}:${keys}/${expires}`)
    .join(' ');
}

async function* scan(client: RespClient, most: number): AsyncGenerator<string[]> {
  let cursor = '0';
  let seen = 0;
  do {
    const reply = await client.must('SCAN', cursor, 'COUNT', SCAN_COUNT);
    const [next, names] = reply as [string, string[]];
    cursor = next;
    if (names.length > 0) yield names.slice(0, most - seen);
    seen += names.length;
  } while (cursor !== '0' && seen < most);
}

function ask(client: RespClient, commands: readonly string[][]): Promise<Reply[]> {
  return Promise.all(commands.map((command) => client.call(...command)));
}

// --- Details ---

async function compareDetails(
  expected: RespClient,
  found: RespClient,
  names: readonly string[],
  options: CompareOptions,
  encodings: Map<string, number>,
): Promise<void> {
  const both = (commands: string[][]) =>
    Promise.all([ask(expected, commands), ask(found, commands)]);
  // Clocks first: other questions may be a use of the key.
  const clock = options.policy === 'lfu' ? 'FREQ' : 'IDLETIME';
  const clocks = await both(names.map((name) => ['OBJECT', clock, name]));
  const expiries = await both(names.map((name) => ['PEXPIRETIME', name]));
  const layouts = await both(names.map((name) => ['OBJECT', 'ENCODING', name]));
  const types = await ask(
    expected,
    names.map((name) => ['TYPE', name]),
  );
  const check = (what: string, at: number, isRight: boolean, pair: readonly Reply[][]) => {
    if (isRight) return;
    const [one, other] = [pair[0]![at], pair[1]![at]].map((reply) => JSON.stringify(reply));
    throw new FilesDiffer(`${what} of ${shown(names[at]!)}: expected ${one}, found ${other}`);
  };
  const table = options.form === 'rdb' ? ENCODINGS : ENCODINGS_FROM_COMMANDS;
  for (const at of names.keys()) {
    check('PEXPIRETIME', at, expiries[0]![at] === expiries[1]![at], expiries);
    const layout = `${types[at]} ${layouts[0]![at]}`;
    encodings.set(layout, (encodings.get(layout) ?? 0) + 1);
    const allowed = table[layout] ?? [];
    check(`encoding (${types[at]})`, at, allowed.includes(String(layouts[1]![at])), layouts);
    // Redis shares the objects of small integers among keys, and their clocks with them.
    if (options.policy === null || layouts.some((replies) => replies[at] === 'int')) continue;
    const apart = Math.abs(Number(clocks[0]![at]) - Number(clocks[1]![at]));
    const mayBeApart = options.policy === 'lfu' ? 0 : IDLE_TOLERANCE_SECONDS;
    check(clock, at, apart <= mayBeApart, clocks);
  }
  const streams = names.filter((_, at) => types[at] === 'stream');
  const infos = await both(streams.map((name) => ['XINFO', 'STREAM', name, 'FULL', 'COUNT', '0']));
  for (const [at, name] of streams.entries()) {
    const [one, other] = infos.map((replies) => streamText(replies[at] as Reply, options.form));
    if (one !== other) {
      throw new FilesDiffer(`stream ${shown(name)}:\n  expected ${one}\n  found    ${other}`);
    }
  }
}

/** Names and values that alternate. */
function record(reply: Reply | undefined): Map<string, Reply> {
  const items = reply as Reply[];
  const fields = new Map<string, Reply>();
  for (let i = 0; i + 1 < items.length; i += 2) fields.set(String(items[i]), items[i + 1]!);
  return fields;
}

/**
 * What XINFO STREAM FULL says, but for the layout in memory and the clocks of consumers. Of what commands
 * have made less is compared: XCLAIM says neither how many entries a group has read nor anything of a
 * consumer that has nothing pending, and cannot bring back what is pending but no longer in the stream.
 */
function streamText(reply: Reply, form: CompareOptions['form']): string {
  if (!Array.isArray(reply)) return JSON.stringify(reply);
  const stream = record(reply);
  const own = ['length', 'last-generated-id', 'max-deleted-entry-id', 'entries-added'];
  const ids = new Set((stream.get('entries') as Reply[][]).map((entry) => entry[0]));
  const isKept = (pending: Reply) => form === 'rdb' || ids.has((pending as Reply[])[0]!);
  const groups = (stream.get('groups') as Reply[]).map((group) => {
    const fields = record(group);
    const consumers = (fields.get('consumers') as Reply[]).map((consumer) => {
      const { name, pending } = Object.fromEntries(record(consumer));
      return { name, pending: (pending as Reply[]).filter(isKept) };
    });
    const counted = form === 'rdb' ? ['entries-read', 'lag', 'pel-count'] : [];
    return {
      ...values(fields, ['name', 'last-delivered-id', ...counted]),
      consumers: consumers.filter(({ pending }) => form === 'rdb' || pending.length > 0),
    };
  });
  return JSON.stringify({ ...values(stream, own), groups });
}

function values(fields: Map<string, Reply>, names: readonly string[]): Record<string, Reply> {
  return Object.fromEntries(names.map((name) => [name, fields.get(name) ?? null]));
}

// --- The smallest difference ---

interface Different {
  readonly database: number;
  readonly name: string;
  readonly digests: readonly [string, string];
}

async function smallestDifference(expected: RespClient, found: RespClient): Promise<string> {
  const different: Different[] = [];
  const text = String(await expected.must('INFO', 'keyspace'));
  const more = String(await found.must('INFO', 'keyspace'));
  const databases = new Set([...`${text}${more}`.matchAll(/db(\d+):/g)].map((m) => Number(m[1])));
  for (const database of databases) {
    for (const client of [expected, found]) await client.must('SELECT', `${database}`);
    await collect(expected, found, database, (pair) => pair[0] !== pair[1], different);
    // Those that are in the second one only.
    await collect(found, expected, database, (pair) => pair[1] === NOTHING, different, true);
  }
  let smallest: { size: number; text: string } | undefined;
  for (const { database, name, digests } of different.slice(0, DIFFERENCES_LOOKED_AT)) {
    for (const client of [expected, found]) await client.must('SELECT', `${database}`);
    const dumps = [await expected.call('DUMP', name), await found.call('DUMP', name)];
    const size = Math.max(...dumps.map((dump) => (typeof dump === 'string' ? dump.length : 0)));
    if (smallest !== undefined && smallest.size <= size) continue;
    const lines = [
      `database ${database}, ${await expected.call('TYPE', name)} ${shown(name)}`,
      ...(await describe('expected', expected, name, digests[0], dumps[0]!)),
      ...(await describe('found', found, name, digests[1], dumps[1]!)),
    ];
    smallest = { size, text: lines.join('\n') };
  }
  const missing = different.filter(({ digests }) => digests[1] === NOTHING).length;
  const extra = different.filter(({ digests }) => digests[0] === NOTHING).length;
  const count = `${different.length} keys are different (${missing} missing, ${extra} too many)`;
  return smallest === undefined ? count : `${count}, the smallest: ${smallest.text}`;
}

async function collect(
  walked: RespClient,
  other: RespClient,
  database: number,
  isDifferent: (pair: readonly [string, string]) => boolean,
  into: Different[],
  isTurned = false,
): Promise<void> {
  for await (const names of scan(walked, Number.POSITIVE_INFINITY)) {
    const question = ['DEBUG', 'DIGEST-VALUE', ...names];
    const [ours, theirs] = await Promise.all([walked.must(...question), other.must(...question)]);
    for (const [at, name] of names.entries()) {
      const pair = [String((ours as Reply[])[at]), String((theirs as Reply[])[at])] as const;
      if (!isDifferent(pair)) continue;
      into.push({ database, name, digests: isTurned ? [pair[1], pair[0]] : pair });
    }
  }
}

async function describe(
  what: string,
  client: RespClient,
  name: string,
  digest: string,
  dump: Reply,
): Promise<string[]> {
  const encoding = await client.call('OBJECT', 'ENCODING', name);
  const expiry = await client.call('PEXPIRETIME', name);
  const bytes = typeof dump === 'string' ? `${dump.length} bytes ${shown(dump)}` : 'no such key';
  return [`  ${what}: ${encoding}, expires at ${expiry}, digest ${digest}`, `    ${bytes}`];
}

function shown(text: string): string {
  const quoted = quote(Buffer.from(text.slice(0, SHOWN_BYTES), 'latin1'));
  return text.length > SHOWN_BYTES ? `${quoted}...` : quoted;
}
