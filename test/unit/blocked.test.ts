// Clients that wait, in the process of the test: many of them, their deadlines, their memory, and
// transactions that hold everybody back.

import { afterEach, describe, expect, it, vi } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import type { Engine } from '../../src/engine.ts';
import { type Clock, systemClock } from '../../src/util/clock.ts';
import { encodeCommand } from '../support/arguments.ts';
import {
  InProcessClient,
  newEngine,
  newForgetfulEngine,
  usedBytes,
} from '../support/in_process.ts';
import { Random } from '../support/random.ts';

const MANY = 10_000;

/** The system's clock as it is where nobody fakes it: a time is over when the clock shows the next millisecond. */
const clock: Clock = { ...systemClock, slackMs: 0 };

function command(...words: string[]): string {
  return encodeCommand(words).toString('latin1');
}

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

function pair(key: string, value: string): string {
  return `*2\r\n${bulk(key)}${bulk(value)}`;
}

/** Clients whose replies are noted, with the number of the client, in the order they are written. */
function crowd(engine: Engine, size: number) {
  const written: { client: number; text: string }[] = [];
  const clients = Array.from(
    { length: size },
    (_, client) =>
      new InProcessClient(engine, true, (bytes) => {
        written.push({ client, text: Buffer.from(bytes).toString('latin1') });
      }),
  );
  return { clients, written };
}

function blocked(engine: Engine) {
  const { exports } = engine.core;
  return {
    clients: exports.blockedClientCount(),
    keys: exports.blockingKeyCount(),
    deadlines: exports.deadlineCount(),
  };
}

const NOBODY = { clients: 0, keys: 0, deadlines: 0 };

describe('ten thousand clients', () => {
  it('that wait for a key each are served in the order of the pushes', () => {
    const engine = newForgetfulEngine();
    const pusher = new InProcessClient(engine);
    const { clients, written } = crowd(engine, MANY);
    pusher.feed('RPUSH warm up\r\nDEL warm\r\n');
    const before = usedBytes(engine);
    for (const [i, client] of clients.entries()) {
      client.feed(command('BLPOP', 'other', `key:${i}`, '0'));
    }
    expect(blocked(engine)).toEqual({ clients: MANY, keys: MANY + 1, deadlines: 0 });
    const order = Random.fresh().shuffle(clients.map((_, i) => i));
    pusher.feed(order.map((i) => command('RPUSH', `key:${i}`, `value:${i}`)).join(''));
    expect(written.map(({ client }) => client)).toEqual(order);
    for (const { client, text } of written) {
      expect(text).toBe(pair(`key:${client}`, `value:${client}`));
    }
    expect(blocked(engine)).toEqual(NOBODY);
    expect(engine.core.exports.databaseKeys(0)).toBe(0);
    expect(usedBytes(engine)).toBe(before);
  });

  it('that wait for one key are served in the order they came', () => {
    const engine = newEngine();
    const pusher = new InProcessClient(engine);
    const { clients, written } = crowd(engine, MANY);
    for (const client of clients) client.feed(command('BLPOP', 'k', '0'));
    const values = clients.map((_, i) => `value:${i}`);
    pusher.feed(command('RPUSH', 'k', ...values.slice(0, MANY / 2)));
    pusher.feed(
      values
        .slice(MANY / 2)
        .map((value) => command('RPUSH', 'k', value))
        .join(''),
    );
    expect(written.map(({ client, text }) => `${client} ${text}`)).toEqual(
      values.map((value, i) => `${i} ${pair('k', value)}`),
    );
    expect(blocked(engine)).toEqual(NOBODY);
  });

  it('with deadlines are told in the order of these, and the rest is served', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
    const engine = newEngine({}, {}, clock);
    const startMs = Date.now();
    const random = Random.fresh();
    const { clients, written } = crowd(engine, MANY);
    const told: number[] = [];
    const waits = clients.map((client, i) => {
      const ms = random.between(1, 5000);
      client.feed(command('BLPOP', `k${i % 7}`, `${ms / 1000}`));
      return ms;
    });
    expect(blocked(engine).deadlines).toBe(MANY);
    for (let past = 0; past < 2500; past += 500) {
      vi.advanceTimersByTime(500);
      for (const { client, text } of written.splice(0)) {
        expect(text).toBe('*-1\r\n');
        expect(waits[client]).toBeLessThan(Date.now() - startMs);
        expect(waits[client]).toBeGreaterThanOrEqual(past - 1);
        told.push(waits[client] as number);
      }
    }
    expect(told.length, `seed ${random.seed}`).toBeGreaterThan(MANY / 3);
    // The clock went on by a part of a millisecond while they came.
    for (const [i, ms] of told.entries()) {
      expect(ms).toBeGreaterThanOrEqual((told[i - 1] ?? 0) - 1);
    }
    const rest = blocked(engine).clients;
    expect(rest).toBe(MANY - told.length);
    const pusher = new InProcessClient(engine);
    for (let i = 0; i < 7; i++) {
      pusher.feed(command('RPUSH', `k${i}`, ...new Array<string>(MANY).fill('x')));
    }
    expect(written.length).toBe(rest);
    expect(blocked(engine)).toEqual(NOBODY);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that listen to a channel all get its messages', () => {
    const engine = newForgetfulEngine();
    const publisher = new InProcessClient(engine);
    const { clients, written } = crowd(engine, MANY);
    publisher.feed(command('PUBLISH', 'news', 'nobody'));
    const before = usedBytes(engine);
    for (const client of clients) client.feed(command('SUBSCRIBE', 'news'));
    written.length = 0;
    const { reply } = publisher.feed(command('PUBLISH', 'news', 'hello').repeat(3));
    expect(reply.toString()).toBe(`:${MANY}\r\n`.repeat(3));
    const message = `*3\r\n${bulk('message')}${bulk('news')}${bulk('hello')}`;
    const heard = new Array<string>(MANY).fill('');
    for (const { client, text } of written) heard[client] += text;
    expect(heard.every((text) => text === message.repeat(3))).toBe(true);
    for (const client of clients) client.feed(command('UNSUBSCRIBE'));
    // What is left is a listener's record of a few bytes per connection.
    expect(usedBytes(engine) - before).toBeLessThan(64 * MANY);
    expect(publisher.feed(command('PUBLISH', 'news', 'x')).reply.toString()).toBe(':0\r\n');
    for (const client of clients) client.close();
    expect(usedBytes(engine)).toBeLessThan(before);
  });
});

afterEach(() => {
  vi.useRealTimers();
});

describe('the deadline of a client that waits', () => {
  it('is never early, and moves with the clients that come and go', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
    const engine = newEngine({}, {}, clock);
    const [late, soon] = [new InProcessClient(engine), new InProcessClient(engine)];
    late.feed(command('BLPOP', 'k', '1'));
    soon.feed(command('BLPOP', 'k', '0.25'));
    vi.advanceTimersByTime(250);
    expect(soon.received().reply.toString()).toBe('');
    vi.advanceTimersByTime(1);
    expect(soon.received().reply.toString()).toBe('*-1\r\n');
    soon.feed(command('BLPOP', 'k', '0.1'));
    soon.close();
    vi.advanceTimersByTime(749);
    expect(late.received().reply.toString()).toBe('');
    vi.advanceTimersByTime(1);
    expect(late.received().reply.toString()).toBe('*-1\r\n');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('may be further away than a timer can wait', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
    const engine = newEngine({}, {}, clock);
    const client = new InProcessClient(engine);
    const days = 60;
    client.feed(command('BLPOP', 'k', `${days * 86_400}`));
    vi.advanceTimersByTime(days * 86_400_000);
    expect(blocked(engine).clients).toBe(1);
    vi.advanceTimersByTime(1);
    expect(client.received().reply.toString()).toBe('*-1\r\n');
  });

  it('lets the client go on with what it sent meanwhile', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
    const engine = newEngine({}, {}, clock);
    const client = new InProcessClient(engine);
    client.feed(`${command('BLPOP', 'k', '1')}PING\r\n${command('BLPOP', 'k', '1')}`);
    client.feed('ECHO a\r\n');
    vi.advanceTimersByTime(1001);
    expect(client.received().reply.toString()).toBe('*-1\r\n+PONG\r\n');
    vi.advanceTimersByTime(1001);
    expect(client.received().reply.toString()).toBe(`*-1\r\n${bulk('a')}`);
  });
});

describe('the memory of clients that wait', () => {
  it('is given back on every way out', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
    const engine = newForgetfulEngine();
    const { exports } = engine.core;
    const other = new InProcessClient(engine);
    const ways: Record<string, (client: InProcessClient) => void> = {
      served: () => other.feed(command('RPUSH', 'k', 'x')),
      'served with an error': () =>
        other.feed(`SET d x\r\nRPUSH s x\r\n${command('DEL', 'd', 's')}`),
      'time is up': () => vi.advanceTimersByTime(60_000),
      unblocked: ({ client }) => {
        engine.commands.register('client|unblock', ({ reply }) => {
          reply.integer(exports.unblockClient(client.ptr, 1));
        });
        expect(other.feed(command('CLIENT', 'UNBLOCK', '1')).reply.toString()).toBe(':1\r\n');
      },
      closed: () => {},
    };
    other.feed('PING\r\n');
    const before = usedBytes(engine);
    for (const [name, leave] of Object.entries(ways)) {
      const client = new InProcessClient(engine);
      const keys = Array.from({ length: 50 }, (_, i) => `key number ${i}`);
      client.feed(
        name === 'served with an error'
          ? command('BLMOVE', 's', 'd', 'LEFT', 'LEFT', '10')
          : command('BLPOP', ...keys, 'k', ...keys, '10'),
      );
      client.feed(command('ECHO', 'behind'));
      expect(blocked(engine).clients, name).toBe(1);
      leave(client);
      expect(client.received().reply.toString().endsWith(bulk('behind'))).toBe(name !== 'closed');
      client.close();
      expect(blocked(engine), name).toEqual(NOBODY);
      other.feed('FLUSHALL\r\n');
      expect(usedBytes(engine), name).toBe(before);
    }
  });

  it('that is not to be had is an error, and nothing is left behind', () => {
    const engine = newForgetfulEngine({ memoryLimitBytes: 16 * 1024 * 1024 });
    const pusher = new InProcessClient(engine);
    const client = new InProcessClient(engine);
    const keys = Array.from({ length: 75_000 }, (_, i) => `a key of some length with number ${i}`);
    const fewer = keys.slice(0, 3000);
    const before = usedBytes(engine);
    for (let round = 0; round < 3; round++) {
      const { reply } = client.feed(command('BLPOP', ...keys, '0'));
      expect(reply.toString()).toMatch(/^-OOM /);
      expect(blocked(engine)).toEqual(NOBODY);
      expect(usedBytes(engine)).toBe(before);
      expect(client.feed(command('BLPOP', ...fewer, '0')).reply.toString()).toBe('');
      expect(blocked(engine)).toEqual({ clients: 1, keys: fewer.length, deadlines: 0 });
      pusher.feed(command('RPUSH', fewer[777] as string, 'x'));
      expect(client.received().reply.toString()).toBe(pair(fewer[777] as string, 'x'));
      expect(usedBytes(engine)).toBe(before);
    }
  });
});

describe('a transaction that waits for the host', () => {
  /** LOLWUT answers when the function is called. */
  function slowHost(engine: Engine): { answer: () => void } {
    const host = { answer: () => {} };
    engine.commands.register(
      'lolwut',
      ({ reply }) =>
        new Promise((resolve) => {
          host.answer = () => {
            reply.ok();
            resolve();
          };
        }),
    );
    return host;
  }

  const turn = () => new Promise((resolve) => setImmediate(resolve));

  it("lets nobody else's commands run in the middle", async () => {
    const engine = newEngine();
    const host = slowHost(engine);
    const client = new InProcessClient(engine);
    const [other, waiting] = [new InProcessClient(engine), new InProcessClient(engine)];
    waiting.feed(command('BLPOP', 'list', '0'));
    client.feed('MULTI\r\nSET k 1\r\nRPUSH list x\r\nLOLWUT\r\nINCR k\r\nLOLWUT\r\nEXEC\r\n');
    other.feed('SET k 100\r\nGET k\r\n');
    other.feed('INCR k\r\nBLPOP list 0\r\n');
    expect(other.received().reply.toString()).toBe('');
    expect(waiting.received().reply.toString()).toBe('');
    expect(engine.cron(1000)).toBe(false);
    host.answer();
    await turn();
    expect(other.received().reply.toString()).toBe('');
    host.answer();
    await turn();
    expect(client.received().reply.toString()).toBe('+OK\r\n:2\r\n+OK\r\n');
    expect(waiting.received().reply.toString()).toBe(pair('list', 'x'));
    expect(other.received().reply.toString()).toBe(`+OK\r\n${bulk('100')}:101\r\n`);
    expect(blocked(engine).clients).toBe(1);
  });

  it('is shown to the slow log and to monitors with its arguments', async () => {
    const engine = newEngine();
    engine.core.exports.setConfig(abi.CFG_SLOWLOG_SLOWER_US, 0);
    const host = slowHost(engine);
    const [client, monitor] = [new InProcessClient(engine), new InProcessClient(engine)];
    monitor.feed('MONITOR\r\n');
    client.feed('MULTI\r\nLOLWUT VERSION 5\r\nPING\r\nEXEC\r\n');
    host.answer();
    await turn();
    const seen = monitor.received().reply.toString();
    expect(seen).toMatch(/"MULTI".*"LOLWUT" "VERSION" "5".*"PING".*"EXEC"/s);
    expect(client.feed('SLOWLOG GET -1\r\n').reply.toString()).toContain(
      `*3\r\n${bulk('LOLWUT')}${bulk('VERSION')}${bulk('5')}`,
    );
  });

  it('lets the others go on when its client goes', async () => {
    const engine = newEngine();
    slowHost(engine);
    const [client, other] = [new InProcessClient(engine), new InProcessClient(engine)];
    client.feed('MULTI\r\nSET k 1\r\nLOLWUT\r\nSET k 2\r\nEXEC\r\n');
    other.feed('GET k\r\n');
    expect(other.received().reply.toString()).toBe('');
    client.close();
    await turn();
    expect(other.received().reply.toString()).toBe(bulk('1'));
    expect(other.feed('PING\r\n').reply.toString()).toBe('+PONG\r\n');
  });
});
