// Random values of every type, carried by DUMP and RESTORE between two servers: there, back, and back
// from a key that was made by the same commands on the other side. After each of the three trips
// DEBUG DIGEST-VALUE says the same on both sides.
//
//   makers            which encodings come out depends on sizes and on the servers' thresholds, which
//                     change from round to round, and not together: a small hash of one server may
//                     be a large one of the other
//   streams           are made on the first server only where the second has no XADD yet

import type { Argument } from '../support/arguments.ts';
import { Random } from '../support/random.ts';
import { showReply } from '../support/reply_notation.ts';
import type { RespClient } from '../support/resp_client.ts';
import type { Reply } from '../support/resp_decoder.ts';

export interface ExchangeOptions {
  readonly keys: number;
  readonly seed: number;
  readonly onProgress?: (keys: number) => void;
}

export interface ExchangeFinding {
  readonly what: string;
  readonly key: string;
  readonly commands: readonly (readonly Argument[])[];
  readonly expected: string;
  readonly found: string;
}

export interface ExchangeResult {
  readonly finding: ExchangeFinding | null;
  /** How many keys of each type and encoding the first server had. */
  readonly encodings: ReadonlyMap<string, number>;
}

type Maker = (random: Random, key: string) => (readonly Argument[])[];

const KEYS_PER_ROUND = 100;
const FAR_FUTURE_MS = 4_000_000_000_000;
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789-_ ';

// --- Values ---

function integerText(random: Random): string {
  const bits = random.pick([3, 7, 12, 15, 16, 23, 31, 32, 40, 63]);
  const value = random.u64() >> BigInt(64 - bits);
  return String(random.oneIn(3) ? -value : value);
}

function element(random: Random): Argument {
  switch (random.below(8)) {
    case 0:
      return '';
    case 1:
    case 2:
      return integerText(random);
    case 3:
      return random.bytes(random.below(30));
    case 4:
      return 'ab'.repeat(random.below(200));
    case 5:
      return random.text(random.pick([63, 64, 65, 200, 300]), ALPHABET);
    default:
      return random.text(1 + random.below(24), ALPHABET);
  }
}

function size(random: Random): number {
  return random.weighted([
    { weight: 10, most: 6 },
    { weight: 6, most: 40 },
    { weight: 3, most: 200 },
    { weight: 1, most: 1500 },
  ]).most;
}

/** Some elements, of all kinds or alike. */
function elements(random: Random): Argument[] {
  const count = 1 + random.below(size(random));
  const make = random.pick([element, integerText, (r: Random) => r.text(8, ALPHABET)]);
  const list = Array.from({ length: count }, () => make(random));
  if (random.oneIn(40)) list.push(random.text(20_000, ALPHABET));
  return list;
}

/** Not -0, whose sign survives in a large sorted set only, here as in Redis. */
function score(random: Random): string {
  switch (random.below(6)) {
    case 0:
      return random.pick(['inf', '-inf', '0', '1e-310', '1.7976931348623157e308']);
    case 1:
      return String((random.u32() / 0x1_0000_0000 - 0.5) * 10 ** random.below(20));
    case 2:
      return integerText(random);
    default:
      return String(random.below(10));
  }
}

function stringCommands(random: Random, key: string): Argument[][] {
  if (random.oneIn(3)) return [['SET', key, integerText(random)]];
  if (random.oneIn(8)) return [['SETBIT', key, random.below(50_000), 1]];
  const value = random.oneIn(4)
    ? random.text(random.below(3000), random.pick(['ab', ALPHABET]))
    : element(random);
  return [['SET', key, value]];
}

function streamCommands(random: Random, key: string): Argument[][] {
  const commands: Argument[][] = [];
  const ids: string[] = [];
  const fields = [element(random), random.text(4, ALPHABET)];
  let ms = 1 + random.below(1000);
  const entries = 1 + random.below(random.pick([5, 50, 300]));
  for (let i = 0; i < entries; i++) {
    ms += random.below(3);
    const id = `${ms}-${i}`;
    ids.push(id);
    const pairs = random.oneIn(5) ? [element(random)] : fields;
    commands.push(['XADD', key, id, ...pairs.flatMap((field) => [field, element(random)])]);
  }
  for (let i = random.below(4); i > 0; i--) commands.push(['XDEL', key, random.pick(ids)]);
  for (let i = random.below(3); i > 0; i--) commands.push(...groupCommands(random, key, ids, i));
  return commands;
}

function groupCommands(random: Random, key: string, ids: string[], n: number): Argument[][] {
  const group = `group${n}`;
  const commands: Argument[][] = [['XGROUP', 'CREATE', key, group, random.pick(['0', '$', '5-5'])]];
  for (let i = random.below(4); i > 0; i--) {
    const consumer = `consumer${i}`;
    const read = ['XREADGROUP', 'GROUP', group, consumer, 'COUNT', random.below(20) + 1];
    commands.push([...read, 'STREAMS', key, '>']);
    if (random.oneIn(2)) commands.push(['XACK', key, group, random.pick(ids)]);
  }
  if (random.oneIn(3)) commands.push(['XGROUP', 'CREATECONSUMER', key, group, 'idle']);
  return commands;
}

const MAKERS: readonly Maker[] = [
  stringCommands,
  (random, key) => [['RPUSH', key, ...elements(random)]],
  (random, key) => [['SADD', key, ...elements(random)]],
  (random, key) => [['ZADD', key, ...elements(random).flatMap((name) => [score(random), name])]],
  (random, key) => [['HSET', key, ...elements(random).flatMap((name) => [name, element(random)])]],
  streamCommands,
];

// --- Servers ---

/** Thresholds for one server for a while. */
function thresholds(random: Random): Argument[] {
  const entries = () => random.pick([4, 30, 128, 512]);
  return [
    'CONFIG',
    'SET',
    ...['hash-max-listpack-entries', entries(), 'hash-max-listpack-value', random.pick([16, 64])],
    ...['zset-max-listpack-entries', entries(), 'zset-max-listpack-value', random.pick([16, 64])],
    ...['set-max-intset-entries', entries()],
    ...['list-max-listpack-size', random.pick([-2, -1, 5, 128])],
    ...['list-compress-depth', random.pick([0, 0, 1])],
    ...['stream-node-max-entries', random.pick([3, 100])],
    ...['rdbcompression', random.pick(['yes', 'yes', 'no'])],
  ];
}

class Difference extends Error {
  readonly finding: ExchangeFinding;

  constructor(finding: ExchangeFinding) {
    super(finding.what);
    this.finding = finding;
  }
}

interface Made {
  readonly key: string;
  readonly commands: (readonly Argument[])[];
  readonly ttl: number;
}

function bulkOf(reply: Reply): Uint8Array {
  if (reply.kind !== 'bulk') throw new Error(`no payload: ${showReply(reply)}`);
  return reply.bytes;
}

function restore(made: Made, key: string, bytes: Uint8Array): Argument[] {
  const command: Argument[] = ['RESTORE', key, made.ttl, bytes, 'REPLACE'];
  return made.ttl === 0 ? command : [...command, 'ABSTTL'];
}

/** Carries the keys `from` names from one server to the other, and compares digests. */
async function carry(
  what: string,
  list: readonly Made[],
  source: RespClient,
  target: RespClient,
  from: (made: Made) => string,
  to: (made: Made) => string,
): Promise<void> {
  const payloads = await source.pipeline(list.map((made) => ['DUMP', from(made)]));
  const restored = await target.pipeline(
    list.map((made, i) => restore(made, to(made), bulkOf(payloads[i]!))),
  );
  const expected = await source.pipeline(list.map((m) => ['DEBUG', 'DIGEST-VALUE', from(m)]));
  const found = await target.pipeline(list.map((m) => ['DEBUG', 'DIGEST-VALUE', to(m)]));
  for (const [i, { key, commands }] of list.entries()) {
    const answer = showReply(restored[i]!);
    if (answer !== '+OK') {
      throw new Difference({ what, key, commands, expected: '+OK', found: answer });
    }
    const digests = { expected: showReply(expected[i]!), found: showReply(found[i]!) };
    if (digests.expected !== digests.found) {
      throw new Difference({ what, key, commands, ...digests });
    }
  }
}

async function run(client: RespClient, list: readonly Made[]): Promise<void> {
  const commands = list.flatMap(({ key, commands, ttl }) =>
    ttl === 0 ? commands : [...commands, ['PEXPIREAT', key, ttl]],
  );
  for (const [i, reply] of (await client.pipeline(commands)).entries()) {
    if (reply.kind === 'error') throw new Error(`${commands[i]![0]}: ${showReply(reply)}`);
  }
}

async function hasStreams(client: RespClient): Promise<boolean> {
  const reply = showReply(await client.call('COMMAND', 'INFO', 'XREADGROUP'));
  return reply.includes('xreadgroup');
}

/** One round of keys: from a to b, back to a, and from b's own to a. */
async function round(a: RespClient, b: RespClient, list: Made[], both: Made[]): Promise<void> {
  const own = (made: Made) => made.key;
  const carried = (made: Made) => `carried:${made.key}`;
  const back = (made: Made) => `back:${made.key}`;
  const other = (made: Made) => `other:${made.key}`;
  await run(a, list);
  await carry('there', list, a, b, own, carried);
  await carry('back', list, b, a, carried, back);
  await run(b, both);
  await carry('from the other', both, b, a, own, other);
}

export async function runExchange(
  a: RespClient,
  b: RespClient,
  options: ExchangeOptions,
): Promise<ExchangeResult> {
  const random = new Random(options.seed);
  const encodings = new Map<string, number>();
  const streamsThere = await hasStreams(b);
  try {
    for (let done = 0; done < options.keys; done += KEYS_PER_ROUND) {
      await a.pipeline([['FLUSHALL'], thresholds(random)]);
      await b.pipeline([['FLUSHALL'], thresholds(random)]);
      const list = Array.from({ length: Math.min(KEYS_PER_ROUND, options.keys - done) }, (_, i) => {
        const key = `key:${i}`;
        const ttl = random.oneIn(4) ? FAR_FUTURE_MS + random.below(1e9) : 0;
        return { key, commands: random.pick(MAKERS)(random, key), ttl };
      });
      const isStream = ({ commands }: Made) => commands[0]![0] === 'XADD';
      const both = list.filter((made) => streamsThere || !isStream(made));
      await round(a, b, list, both);
      for (const reply of await a.pipeline(list.map(({ key }) => ['OBJECT', 'ENCODING', key]))) {
        const name = showReply(reply);
        encodings.set(name, (encodings.get(name) ?? 0) + 1);
      }
      options.onProgress?.(done + list.length);
    }
  } catch (error) {
    if (error instanceof Difference) return { finding: error.finding, encodings };
    throw error;
  }
  return { finding: null, encodings };
}
