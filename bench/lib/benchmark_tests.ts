// The tests: redis-benchmark's default list, each with the data it needs before a run and the
// proof, after it, that the server did what it answered.
//
// A run sends `requests` commands whose random part is a number below `keyspace`, twelve digits
// wide. Unless preloading is off, the random keys exist beforehand (GET, SET, INCR, MSET find all
// of them; HSET, SADD and ZADD find every other one), so that the memory a run touches does not
// depend on the pipeline depth. Tests that pop get as many elements as they will pop.
//
// Proofs: exact lengths where the commands determine them, else a count that must lie within the
// error of its random draws (stats.ts). Each run writes a value of its own, so a sampled key tells
// whether this run reached it.

import { packCommands, type Reply, ReplyError, type RespClient } from './resp_client.ts';
import { expectedDistinct, isPlausibleCount } from './stats.ts';

/** What a run is going to do; the same object is given to `preload`, `observe` and the check. */
export interface RunShape {
  requests: number;
  keyspace: number;
  /** Value that this run writes: no other run of the same server writes it. */
  value: string;
  preload: boolean;
}

/** What the tests need of a client. */
export type Commands = Pick<RespClient, 'must' | 'load'>;

/** Thrown when a count or a value is wrong: the point must not be compared. */
export class WrongResult extends Error {}

/** Called after a run; throws WrongResult. */
export type Check = () => Promise<void>;

export interface BenchmarkTest {
  /** As redis-benchmark's -t names it. */
  name: string;
  /** Requests that take as long as one simple command, for the first estimate of the run time. */
  weight: number;
  /** Whether the data is used up or outgrown by a run, so that each run needs it afresh. */
  reloads: boolean;
  command(value: string): string[] | { test: string };
  preload(client: Commands, shape: RunShape): Promise<void>;
  observe(client: Commands, shape: RunShape): Promise<Check>;
  /** Connections that take part in a run; what it returns ends them. */
  join?(port: number): Promise<() => void>;
}

/** Elements that a popped list or set keeps, so that its length can be checked. */
export const REMAINDER = 1000;
const LRANGE_ELEMENTS = 1000;
const SAMPLE_KEYS = 2000;
const ELEMENTS_PER_COMMAND = 100;
const MSET_KEYS = 10;
export const RANDOM = '__rand_int__';

export function twelveDigits(value: number): string {
  return value.toString().padStart(12, '0');
}

export function same(actual: Reply, expected: Reply, what: string): void {
  if (actual instanceof ReplyError) throw new WrongResult(`${what}: ${actual.message}`);
  if (JSON.stringify(actual) !== JSON.stringify(expected))
    throw new WrongResult(
      `${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)?.slice(0, 200)}`,
    );
}

export function plausible(observed: Reply, expected: number, what: string): void {
  if (typeof observed !== 'number' || !isPlausibleCount(observed, expected))
    throw new WrongResult(
      `${what}: expected about ${Math.round(expected)}, got ${JSON.stringify(observed)}`,
    );
}

/** `prefix` (a command and its key) followed by the elements of 0..count-1, many per command. */
export function* variadic(
  prefix: readonly string[],
  count: number,
  element: (index: number) => string[],
): Generator<string[]> {
  for (let index = 0; index < count; ) {
    const args = [...prefix];
    for (const end = Math.min(count, index + ELEMENTS_PER_COMMAND); index < end; index++)
      args.push(...element(index));
    yield args;
  }
}

export function load(client: Commands, commands: Iterable<readonly string[]>): Promise<number> {
  return client.load(packCommands(commands));
}

/** Evenly spaced indexes below `keyspace`: which ones does not matter, all are equally likely. */
function sampleIndexes(keyspace: number): number[] {
  const count = Math.min(SAMPLE_KEYS, keyspace);
  return Array.from({ length: count }, (_, index) => Math.floor((index * keyspace) / count));
}

async function sampleValues(client: Commands, prefix: string, keyspace: number) {
  const keys = sampleIndexes(keyspace).map((index) => prefix + twelveDigits(index));
  const values = await client.must('MGET', ...keys);
  if (!Array.isArray(values) || values.length !== keys.length)
    throw new WrongResult(`MGET of ${keys.length} keys gave ${JSON.stringify(values)}`);
  return values;
}

export const nothing = async () => {};

// --- Strings ---

function preloadKeys(prefix: string, value: (shape: RunShape) => string): BenchmarkTest['preload'] {
  return async (client, shape) => {
    if (!shape.preload) return;
    await load(
      client,
      variadic(['MSET'], shape.keyspace, (index) => [prefix + twelveDigits(index), value(shape)]),
    );
    same(await client.must('DBSIZE'), shape.keyspace, 'DBSIZE after loading');
  };
}

/** A value of the same size that no run writes. */
const loadedValue = (shape: RunShape) => '-'.repeat(shape.value.length);

/** `draws` random keys of `key:` were set to this run's value. */
function observeWrites(keysPerRequest: number): BenchmarkTest['observe'] {
  return async (client, shape) => {
    const { keyspace, value } = shape;
    return async () => {
      const draws = shape.requests * keysPerRequest;
      const values = await sampleValues(client, 'key:', keyspace);
      const written = values.filter((candidate) => candidate === value).length;
      const reached = expectedDistinct(keyspace, draws) / keyspace;
      plausible(written, reached * values.length, `sampled keys with the value ${value}`);
      const size = await client.must('DBSIZE');
      if (shape.preload) same(size, keyspace, 'DBSIZE');
      else if (typeof size !== 'number' || size < 1 || size > keyspace)
        throw new WrongResult(`DBSIZE: ${JSON.stringify(size)} of ${keyspace} possible keys`);
      for (const candidate of values)
        if (
          candidate !== null &&
          (typeof candidate !== 'string' || candidate.length !== value.length)
        )
          throw new WrongResult(`a key holds ${JSON.stringify(candidate)}`);
    };
  };
}

async function observeReads(client: Commands, shape: RunShape): Promise<Check> {
  const expected = shape.preload ? loadedValue(shape) : null;
  return async () => {
    for (const value of await sampleValues(client, 'key:', shape.keyspace))
      same(value, expected, 'value of a sampled key');
    same(await client.must('GET', `key:${twelveDigits(0)}`), expected, 'GET');
  };
}

async function observeCounters(client: Commands, shape: RunShape): Promise<Check> {
  const sum = async () => {
    const values = await sampleValues(client, 'counter:', shape.keyspace);
    return {
      total: values.reduce<number>((all, value) => all + Number(value), 0),
      of: values.length,
    };
  };
  const before = await sum();
  return async () => {
    const after = await sum();
    const expected = (shape.requests * after.of) / shape.keyspace;
    plausible(after.total - before.total, expected, 'growth of the sampled counters');
  };
}

// --- Lists, sets, hashes, sorted sets, streams ---

/** Elements of a list are what a run pushes: the test's value. */
function preloadList(count: (shape: RunShape) => number): BenchmarkTest['preload'] {
  return async (client, shape) => {
    await load(
      client,
      variadic(['RPUSH', 'mylist'], count(shape), () => [shape.value]),
    );
  };
}

export function observeLength(
  command: readonly string[],
  expected: (shape: RunShape) => number,
): BenchmarkTest['observe'] {
  return async (client, shape) => async () =>
    same(await client.must(...command), expected(shape), command.join(' '));
}

/** Every other element exists beforehand: half of a run's first writes insert, half update. */
function preloadEveryOther(
  prefix: readonly string[],
  element: (name: string, index: number, shape: RunShape) => string[],
): BenchmarkTest['preload'] {
  return async (client, shape) => {
    if (!shape.preload) return;
    await load(
      client,
      variadic(prefix, Math.ceil(shape.keyspace / 2), (index) =>
        element(`element:${twelveDigits(index * 2)}`, index, shape),
      ),
    );
  };
}

function observeGrowth(command: readonly string[]): BenchmarkTest['observe'] {
  return async (client, shape) => {
    const before = await client.must(...command);
    return async () => {
      const absent = shape.keyspace - Number(before);
      const added = (absent / shape.keyspace) * expectedDistinct(shape.keyspace, shape.requests);
      const after = await client.must(...command);
      plausible(Number(after) - Number(before), added, `growth of ${command.join(' ')}`);
    };
  };
}

/** A score that is spread over the keyspace but not in the order of the members. */
export function scatteredScore(index: number, keyspace: number): string {
  return `${(index * 7_368_787) % keyspace}`;
}

export function elementCount(shape: RunShape): number {
  return shape.requests + REMAINDER;
}

/** Distinct elements of the data size, never a number: those would be stored as integers. */
export function listElement(index: number, sizeBytes: number): string {
  return `x${index.toString(36).padStart(sizeBytes - 1, '0')}`;
}

function lrange(count: number): BenchmarkTest {
  const range = ['LRANGE', 'mylist', '0', `${count - 1}`];
  const elements = (shape: RunShape) =>
    Array.from({ length: LRANGE_ELEMENTS }, (_, index) => listElement(index, shape.value.length));
  return {
    name: `lrange_${count}`,
    weight: count / 14,
    reloads: false,
    command: () => range,
    preload: async (client, shape) => {
      await load(client, [['RPUSH', 'mylist', ...elements(shape)]]);
    },
    observe: async (client, shape) => async () =>
      same(await client.must(...range), elements(shape).slice(0, count), range.join(' ')),
  };
}

function ping(name: string, command: string[] | { test: string }): BenchmarkTest {
  return {
    name,
    weight: 1,
    reloads: false,
    command: () => command,
    preload: nothing,
    observe: async (client) => async () => same(await client.must('PING'), 'PONG', 'PING'),
  };
}

function push(name: string): BenchmarkTest {
  return {
    name,
    weight: 1,
    reloads: true,
    command: (value) => [name.toUpperCase(), 'mylist', value],
    preload: nothing,
    observe: observeLength(['LLEN', 'mylist'], (shape) => shape.requests),
  };
}

function pop(name: string): BenchmarkTest {
  return {
    name,
    weight: 1,
    reloads: true,
    command: () => [name.toUpperCase(), 'mylist'],
    preload: preloadList(elementCount),
    observe: observeLength(['LLEN', 'mylist'], () => REMAINDER),
  };
}

export const BENCHMARK_TESTS: readonly BenchmarkTest[] = [
  ping('ping_inline', { test: 'ping_inline' }),
  ping('ping_mbulk', ['PING']),
  {
    name: 'set',
    weight: 1,
    reloads: false,
    command: (value) => ['SET', `key:${RANDOM}`, value],
    preload: preloadKeys('key:', loadedValue),
    observe: observeWrites(1),
  },
  {
    name: 'get',
    weight: 1,
    reloads: false,
    command: () => ['GET', `key:${RANDOM}`],
    preload: preloadKeys('key:', loadedValue),
    observe: observeReads,
  },
  {
    name: 'incr',
    weight: 1,
    reloads: false,
    command: () => ['INCR', `counter:${RANDOM}`],
    preload: preloadKeys('counter:', () => '0'),
    observe: observeCounters,
  },
  push('lpush'),
  push('rpush'),
  pop('lpop'),
  pop('rpop'),
  {
    name: 'sadd',
    weight: 1,
    reloads: true,
    command: () => ['SADD', 'myset', `element:${RANDOM}`],
    preload: preloadEveryOther(['SADD', 'myset'], (name) => [name]),
    observe: observeGrowth(['SCARD', 'myset']),
  },
  {
    name: 'hset',
    weight: 1,
    reloads: true,
    command: (value) => ['HSET', 'myhash', `element:${RANDOM}`, value],
    preload: preloadEveryOther(['HSET', 'myhash'], (name, _, shape) => [name, loadedValue(shape)]),
    observe: observeGrowth(['HLEN', 'myhash']),
  },
  {
    name: 'spop',
    weight: 1,
    reloads: true,
    command: () => ['SPOP', 'myset'],
    preload: async (client, shape) => {
      await load(
        client,
        variadic(['SADD', 'myset'], elementCount(shape), (index) => [
          `element:${twelveDigits(index)}`,
        ]),
      );
    },
    observe: observeLength(['SCARD', 'myset'], () => REMAINDER),
  },
  {
    name: 'zadd',
    weight: 1.5,
    reloads: true,
    command: () => ['ZADD', 'myzset', RANDOM, `element:${RANDOM}`],
    preload: preloadEveryOther(['ZADD', 'myzset'], (name, index, shape) => [
      scatteredScore(index, shape.keyspace),
      name,
    ]),
    observe: observeGrowth(['ZCARD', 'myzset']),
  },
  {
    name: 'zpopmin',
    weight: 1.5,
    reloads: true,
    command: () => ['ZPOPMIN', 'myzset'],
    preload: async (client, shape) => {
      await load(
        client,
        variadic(['ZADD', 'myzset'], elementCount(shape), (index) => [
          scatteredScore(index, elementCount(shape)),
          `element:${twelveDigits(index)}`,
        ]),
      );
    },
    observe: observeLength(['ZCARD', 'myzset'], () => REMAINDER),
  },
  lrange(100),
  lrange(300),
  lrange(500),
  lrange(600),
  {
    name: 'mset',
    weight: 6,
    reloads: false,
    command: (value) => [
      'MSET',
      ...Array.from({ length: MSET_KEYS }, () => [`key:${RANDOM}`, value]).flat(),
    ],
    preload: preloadKeys('key:', loadedValue),
    observe: observeWrites(MSET_KEYS),
  },
  {
    name: 'xadd',
    weight: 1.5,
    reloads: true,
    command: (value) => ['XADD', 'mystream', '*', 'myfield', value],
    preload: nothing,
    observe: observeLength(['XLEN', 'mystream'], (shape) => shape.requests),
  },
];

/** The value that run number `run` writes: distinct for 36^3 runs, and never an integer. */
export function valueOfRun(run: number, sizeBytes: number): string {
  return listElement(run % 36 ** (sizeBytes - 1), sizeBytes);
}
