// Tests beyond redis-benchmark's default list: commands of every family that applications lean on.
// Same rules as in benchmark_tests.ts: data beforehand, proof afterwards.

import { once } from 'node:events';
import net from 'node:net';
import {
  type BenchmarkTest,
  elementCount,
  load,
  nothing,
  plausible,
  RANDOM,
  same,
  scatteredScore,
  twelveDigits,
  variadic,
  WrongResult,
} from './benchmark_tests.ts';
import { encodeCommand } from './resp_client.ts';
import { expectedDistinct } from './stats.ts';

const DELIVERED_AT_ONCE = 1000;
const HASH_FIELDS = 50;
const SET_MEMBERS = 10_000;
const PLACES = 10_000;
const SUBSCRIBERS = 50;
const CHANNEL = 'news';
/** A HyperLogLog is off by 0.81% in one of three cases. */
const HLL_ERROR = 0.05;

const element = (index: number) => `element:${twelveDigits(index)}`;

/** Entries 0-1, 1-0, 2-0 ...: as many as `count`, one command each. */
function* entries(count: number, value: string): Generator<string[]> {
  for (let index = 0; index < count; index++)
    yield ['XADD', 'mystream', index === 0 ? '0-1' : `${index}-0`, 'myfield', value];
}

/** A read that changes nothing: its reply is the same before and after. */
function read(
  name: string,
  weight: number,
  command: string[],
  preload: BenchmarkTest['preload'],
  length: number,
): BenchmarkTest {
  const fixed = command.map((arg) => arg.replaceAll(RANDOM, twelveDigits(0)));
  return {
    ...{ name, weight, reloads: false, preload },
    command: () => command,
    observe: async (client) => {
      const before = await client.must(...fixed);
      if (!Array.isArray(before) || (length > 0 && before.length !== length))
        throw new WrongResult(`${name}: ${length} elements expected`);
      return async () => same(await client.must(...fixed), before, name);
    },
  };
}

/** PUBLISH answers how many got it; those who listen are connections of this process. */
async function subscribe(port: number): Promise<() => void> {
  const sockets = await Promise.all(
    Array.from({ length: SUBSCRIBERS }, async () => {
      const socket = net.connect({ port, host: '127.0.0.1' });
      await once(socket, 'connect');
      socket.write(encodeCommand(['SUBSCRIBE', CHANNEL]), 'latin1');
      await once(socket, 'data');
      return socket.resume();
    }),
  );
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

export const FAMILY_TESTS: readonly BenchmarkTest[] = [
  {
    name: 'xreadgroup',
    weight: 2,
    reloads: true,
    command: () => ['XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', '1', 'STREAMS', 'mystream', '>'],
    preload: async (client, shape) => {
      await load(client, entries(elementCount(shape), shape.value));
      await client.must('XGROUP', 'CREATE', 'mystream', 'g', '0');
    },
    observe: async (client, shape) => async () => {
      const summary = await client.must('XPENDING', 'mystream', 'g');
      same(
        Array.isArray(summary) ? (summary[0] ?? null) : summary,
        shape.requests,
        'pending entries',
      );
    },
  },
  {
    name: 'xack',
    weight: 1.5,
    reloads: true,
    command: () => ['XACK', 'mystream', 'g', `${RANDOM}-0`],
    preload: async (client, shape) => {
      await load(client, entries(shape.keyspace, shape.value));
      await client.must('XGROUP', 'CREATE', 'mystream', 'g', '0');
      const some = ['XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', `${DELIVERED_AT_ONCE}`];
      for (let given = 0; given < shape.keyspace; given += DELIVERED_AT_ONCE)
        await client.must(...some, 'STREAMS', 'mystream', '>');
    },
    observe: async (client, shape) => async () => {
      const summary = await client.must('XPENDING', 'mystream', 'g');
      const pending = Number(Array.isArray(summary) ? summary[0] : Number.NaN);
      const expected = expectedDistinct(shape.keyspace, shape.requests);
      plausible(shape.keyspace - pending, expected, 'entries acknowledged');
    },
  },
  read(
    'zrangebyscore',
    3,
    ['ZRANGEBYSCORE', 'myzset', RANDOM, '+inf', 'LIMIT', '0', '10'],
    async (client, shape) => {
      await load(
        client,
        variadic(['ZADD', 'myzset'], shape.keyspace, (index) => [
          scatteredScore(index, shape.keyspace),
          element(index),
        ]),
      );
    },
    10,
  ),
  read(
    'hgetall',
    8,
    ['HGETALL', 'myhash'],
    async (client, shape) => {
      await load(
        client,
        variadic(['HSET', 'myhash'], HASH_FIELDS, (index) => [element(index), shape.value]),
      );
    },
    HASH_FIELDS * 2,
  ),
  read(
    'sinter',
    400,
    ['SINTER', 'set:a', 'set:b'],
    async (client) => {
      await load(
        client,
        variadic(['SADD', 'set:a'], SET_MEMBERS, (index) => [element(index)]),
      );
      await load(
        client,
        variadic(['SADD', 'set:b'], SET_MEMBERS, (index) => [element(index * 2)]),
      );
    },
    SET_MEMBERS / 2,
  ),
  {
    name: 'pfadd',
    weight: 1,
    reloads: true,
    command: () => ['PFADD', 'myhll', `element:${RANDOM}`],
    preload: nothing,
    observe: async (client, shape) => async () => {
      const count = Number(await client.must('PFCOUNT', 'myhll'));
      const expected = expectedDistinct(shape.keyspace, shape.requests);
      if (!(Math.abs(count - expected) <= expected * HLL_ERROR))
        throw new WrongResult(`PFCOUNT: ${count}, expected about ${Math.round(expected)}`);
    },
  },
  read(
    'geosearch',
    20,
    ['GEOSEARCH', 'places', 'FROMLONLAT', '15', '37', 'BYRADIUS', '50', 'km', 'ASC'],
    async (client) => {
      await load(
        client,
        variadic(['GEOADD', 'places'], PLACES, (index) => [
          (10 + ((index * 7_919) % 10_000) / 1000).toFixed(3),
          (32 + ((index * 104_729) % 10_007) / 1000).toFixed(3),
          element(index),
        ]),
      );
    },
    0,
  ),
  {
    name: 'publish_50',
    weight: 30,
    reloads: true,
    command: (value) => ['PUBLISH', CHANNEL, value],
    preload: nothing,
    join: subscribe,
    observe: async (client) => async () =>
      same(await client.must('PUBLISH', CHANNEL, 'end'), SUBSCRIBERS, 'subscribers'),
  },
];
