// The benchmark's proofs must tell a server that did its work from one that did not. A plain model
// of a server plays both: the honest one applies what redis-benchmark would have sent, the others
// drop some of it or store something else.

import { describe, expect, test } from 'vitest';
import {
  BENCHMARK_TESTS,
  type BenchmarkTest,
  type Commands,
  type RunShape,
  twelveDigits,
  valueOfRun,
  WrongResult,
} from '../../bench/lib/benchmark_tests.ts';
import { type Reply, ReplyParser } from '../../bench/lib/resp_client.ts';

const KEYSPACE = 2000;

class ModelServer implements Commands {
  readonly strings = new Map<string, string>();
  readonly collections = new Map<string, string[]>();
  /** Members of collections without duplicates, each after its key. */
  private readonly known = new Set<string>();

  async load(chunks: Parameters<Commands['load']>[0]): Promise<number> {
    const parser = new ReplyParser();
    let count = 0;
    for (const { bytes } of chunks) {
      parser.push(bytes);
      for (let command = parser.next(); command !== undefined; command = parser.next()) {
        await this.must(...(command as string[]));
        count++;
      }
    }
    return count;
  }

  async must(...command: string[]): Promise<Reply> {
    const [name, ...args] = command;
    return this.string(name!, args) ?? this.collection(name!, args);
  }

  private string(name: string, args: string[]): Reply | undefined {
    const { strings } = this;
    switch (name) {
      case 'PING':
        return 'PONG';
      case 'DBSIZE':
        return strings.size;
      case 'MGET':
        return args.map((key) => strings.get(key) ?? null);
      case 'INCR':
        strings.set(args[0]!, `${Number(strings.get(args[0]!) ?? 0) + 1}`);
        return 1;
      case 'SET':
      case 'MSET':
        for (let at = 0; at < args.length; at += 2) strings.set(args[at]!, args[at + 1]!);
        return 'OK';
      default:
        return undefined;
    }
  }

  /** Every collection is a list of its members: enough for lengths and ranges. */
  private collection(name: string, args: string[]): Reply {
    const [key, ...rest] = args;
    if (name === 'GET') return this.strings.get(key!) ?? null;
    const members = this.collections.get(key!) ?? [];
    this.collections.set(key!, members);
    const addNew = (step: number, at: number) => {
      for (let index = at; index < rest.length; index += step) {
        const name = `${key}/${rest[index]}`;
        if (!this.known.has(name)) members.push(rest[index]!);
        this.known.add(name);
      }
    };
    if (/^.?LEN$|^.CARD$/.test(name)) return members.length;
    if (name.endsWith('PUSH')) return members.push(...rest);
    if (name.includes('POP')) return members.pop() ?? null;
    if (name === 'LRANGE') return members.slice(Number(rest[0]), Number(rest[1]) + 1);
    if (name === 'SADD') addNew(1, 0);
    else if (name === 'HSET') addNew(2, 0);
    else if (name === 'ZADD') addNew(2, 1);
    else if (name === 'XADD') members.push(`${members.length}`);
    else throw new Error(`the model has no ${name}`);
    return 0;
  }
}

function findTest(name: string): BenchmarkTest {
  return BENCHMARK_TESTS.find((candidate) => candidate.name === name)!;
}

let randomState = 7;
function random(below: number): number {
  randomState = (Math.imul(randomState, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((randomState / 2 ** 32) * below);
}

/** Sends what redis-benchmark would have sent, as far as `keep` says. */
async function play(
  server: ModelServer,
  subject: BenchmarkTest,
  shape: RunShape,
  keep: (request: number) => boolean,
): Promise<void> {
  const command = subject.command(shape.value);
  if (!Array.isArray(command)) return;
  for (let request = 0; request < shape.requests; request++) {
    const args = command.map((arg) =>
      arg.replaceAll('__rand_int__', () => twelveDigits(random(shape.keyspace))),
    );
    if (keep(request)) await server.must(...args);
  }
}

async function judge(
  name: string,
  run: (server: ModelServer, shape: RunShape, subject: BenchmarkTest) => Promise<void>,
  preload = true,
): Promise<void> {
  const subject = findTest(name);
  const server = new ModelServer();
  // Ten keys a request: more of them would reach every key even if half were dropped.
  const requests = name === 'mset' ? 300 : 3000;
  const shape = { requests, keyspace: KEYSPACE, value: valueOfRun(1, 3), preload };
  await subject.preload(server, shape);
  const check = await subject.observe(server, shape);
  await run(server, shape, subject);
  await check();
}

const names = BENCHMARK_TESTS.map((candidate) => candidate.name);
const writes = names.filter((name) => !/^(ping|get|lrange)/.test(name));

describe('the proof of a test', () => {
  test.each(names)('%s accepts a server that did its work', async (name) => {
    await judge(name, (server, shape, subject) => play(server, subject, shape, () => true));
  });

  test.each(names)('%s accepts it without preloaded data too', async (name) => {
    await judge(name, (server, shape, subject) => play(server, subject, shape, () => true), false);
  });

  test.each(writes)('%s refuses a server that drops half of the requests', async (name) => {
    const run = judge(name, (server, shape, subject) =>
      play(server, subject, shape, (request) => request % 2 === 0),
    );
    await expect(run).rejects.toThrow(WrongResult);
  });

  test.each(writes)('%s refuses a server that answers and does nothing', async (name) => {
    await expect(judge(name, async () => {})).rejects.toThrow(WrongResult);
  });

  test.each(['set', 'mset', 'get'])(
    '%s refuses a server that stores other values',
    async (name) => {
      const run = judge(name, async (server, shape, subject) => {
        await play(server, subject, shape, () => true);
        for (const key of server.strings.keys()) server.strings.set(key, '???');
      });
      await expect(run).rejects.toThrow(WrongResult);
    },
  );

  test.each(['set', 'mset'])('%s refuses a server that lost a preloaded key', async (name) => {
    const run = judge(name, async (server, shape, subject) => {
      await play(server, subject, shape, () => true);
      server.strings.delete(`key:${twelveDigits(1)}`);
    });
    await expect(run).rejects.toThrow('DBSIZE');
  });

  test('lrange refuses a server that returns a range of other elements', async () => {
    const run = judge('lrange_300', async (server) => {
      server.collections.get('mylist')!.reverse();
    });
    await expect(run).rejects.toThrow(WrongResult);
  });
});

test('every run writes a value of its own, of the wanted size, that is no number', () => {
  const values = Array.from({ length: 36 * 36 }, (_, run) => valueOfRun(run, 3));
  expect(new Set(values).size).toBe(values.length);
  expect(values.every((value) => value.length === 3 && Number.isNaN(Number(value)))).toBe(true);
  expect(valueOfRun(3, 32)).toHaveLength(32);
});

test('the list has every default test of redis-benchmark', () => {
  expect(names.join(',')).toBe(
    'ping_inline,ping_mbulk,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,' +
      'lrange_100,lrange_300,lrange_500,lrange_600,mset,xadd',
  );
});
