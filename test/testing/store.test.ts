// Stores for tests: what a test sees of them and does to them.

import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Respite } from '../../src/index.ts';
import {
  bitmap,
  expiring,
  geo,
  hyperloglog,
  type SeedData,
  startRespite,
  stream,
  zset,
} from '../../src/testing.ts';
import { openStore } from './support.ts';

const coded = (code: string) => expect.objectContaining({ code });

const EVERYTHING: SeedData = {
  text: 'värde',
  number: 12,
  large: 2n ** 70n,
  bytes: new Uint8Array([0, 255, 10]),
  list: ['a', 2, 'c'],
  set: new Set(['y', 'x']),
  hash: { name: 'Ada', age: 36 },
  map: new Map([['field', 'value']]),
  scores: zset({ low: 1.5, high: 3, top: Number.POSITIVE_INFINITY }),
  events: stream([
    ['1-1', { type: 'start' }],
    ['2-0', { type: 'stop', code: 0 }],
  ]),
  bits: bitmap(1, 3),
  brief: expiring('gone soon', 60_000),
};

describe('a store', () => {
  it('listens on a port of its own', async () => {
    const first = await openStore({ listen: true });
    const second = await openStore({ listen: true });
    expect(first.port).not.toBe(second.port);
    expect(first.url).toBe(`redis://127.0.0.1:${first.port}`);
    const redis = new Redis(first.url);
    onTestFinished(() => redis.disconnect());
    await redis.set('k', 'v');
    expect(await first.command('GET', 'k')).toBe('v');
    expect(await second.command('GET', 'k')).toBe(null);
  });

  it('that does not listen says so', async () => {
    const store = await openStore();
    for (const property of ['url', 'port', 'host'] as const) {
      expect(() => store[property]).toThrow(coded('BAD_OPTION'));
    }
    const port = await store.listen();
    expect(store.port).toBe(port);
    await expect(openStore({ listen: { port } })).rejects.toEqual(coded('BAD_OPTION'));
  });

  it('ends with its clients, and may be ended twice', async () => {
    const store = await openStore({ listen: true });
    const redis = new Redis(store.url, { retryStrategy: () => null });
    await redis.ping();
    const isClosed = new Promise((resolve) => redis.once('close', resolve));
    store.faults.stall('GET');
    const waiting = store.db.command('GET', 'k');
    const lost = expect(waiting).rejects.toEqual(coded('CLOSED'));
    await store.close();
    await isClosed;
    await lost;
    await store.close();
    expect(store.isClosed).toBe(true);
    await expect(store.command('PING')).rejects.toEqual(coded('CLOSED'));
    await expect(store.isolated()).rejects.toEqual(coded('CLOSED'));
  });

  it('refuses options that are none', async () => {
    await expect(startRespite({ lisen: true } as never)).rejects.toEqual(coded('BAD_OPTION'));
    await expect(startRespite({ seed: { k: [] } })).rejects.toEqual(coded('BAD_OPTION'));
  });
});

describe('data', () => {
  it('are seeded with values, and seen as JSON in a fixed order', async () => {
    const store = await openStore({ seed: EVERYTHING });
    const data = await store.data();
    expect(data).toEqual({
      bits: { type: 'string', value: 'P' },
      brief: { type: 'string', value: 'gone soon', expires: true },
      bytes: { type: 'string', value: '"\\x00\\xff\\n"' },
      events: {
        type: 'stream',
        value: {
          entries: [
            ['1-1', { type: 'start' }],
            ['2-0', { type: 'stop', code: '0' }],
          ],
        },
      },
      hash: { type: 'hash', value: { age: '36', name: 'Ada' } },
      large: { type: 'string', value: '1180591620717411303424' },
      list: { type: 'list', value: ['a', '2', 'c'] },
      map: { type: 'hash', value: { field: 'value' } },
      number: { type: 'string', value: '12' },
      scores: {
        type: 'zset',
        value: [
          ['low', 1.5],
          ['high', 3],
          ['top', 'inf'],
        ],
      },
      set: { type: 'set', value: ['x', 'y'] },
      text: { type: 'string', value: 'värde' },
    });
    expect(Object.keys(data)).toEqual(Object.keys(data).sort());
    expect(Object.keys((data.hash as { value: object }).value)).toEqual(['age', 'name']);
    const again = await openStore({ seed: new Map(Object.entries(EVERYTHING).reverse()) });
    expect(JSON.stringify(await again.data())).toBe(JSON.stringify(data));
  });

  it('of other kinds have their forms, too', async () => {
    const store = await openStore({
      seed: { cities: geo({ Palermo: [13.361389, 38.115556] }), visitors: hyperloglog('a', 'b') },
    });
    expect(await store.command('PFCOUNT', 'visitors')).toBe(2);
    expect(await store.command('GEOHASH', 'cities', 'Palermo')).toEqual(['sqc8b49rny0']);
    await store.command('HSET', 'h', 'a', 1, 'b', 2);
    await store.command('HPEXPIRE', 'h', 60_000, 'FIELDS', 1, 'b');
    await store.command('XADD', 's', '1-1', 'f', 1, 'f', 2);
    await store.command('XGROUP', 'CREATE', 's', 'workers', 0);
    await store.command('XREADGROUP', 'GROUP', 'workers', 'w1', 'STREAMS', 's', '>');
    expect(await store.data({ match: '?' })).toEqual({
      h: { type: 'hash', value: { a: '1', b: '2' }, expiringFields: ['b'] },
      s: {
        type: 'stream',
        value: {
          entries: [['1-1', ['f', '1', 'f', '2']]],
          groups: [
            {
              name: 'workers',
              lastDeliveredId: '1-1',
              pending: [['1-1', 'w1']],
              consumers: ['w1'],
            },
          ],
        },
      },
    });
  });

  it('may lie in any database, in any number', async () => {
    const store = await openStore();
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`k${i}`, i]));
    await store.seed(many, { database: 3 });
    expect(await store.data()).toEqual({});
    expect(Object.keys(await store.data({ database: 3 }))).toEqual(Object.keys(many).sort());
    expect(Object.keys(await store.data({ database: 3, match: 'k499?' }))).toHaveLength(10);
  });

  it('come from commands as redis-cli takes them', async () => {
    const store = await openStore();
    await store.seedCommands(`
      # users
      HSET user:1 name "Ada \\"the first\\"" born 1815

      select 2
      SET raw "\\xff\\x00"
      SET greeting 'hej då'
    `);
    expect(await store.data()).toEqual({
      'user:1': { type: 'hash', value: { born: '1815', name: 'Ada "the first"' } },
    });
    expect(await store.data({ database: 2 })).toEqual({
      greeting: { type: 'string', value: 'hej då' },
      raw: { type: 'string', value: '"\\xff\\x00"' },
    });
    await expect(store.seedCommands('SET a 1\nINCR user:1\nSET b 2')).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringMatching(/INCR \(line 2\): WRONGTYPE/),
    });
    await expect(store.seedCommands('SET a "1')).rejects.toThrow(/line 1/);
  });

  it('come from files, whatever is in them', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'respite-testing-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = (name: string, contents: string | Uint8Array) => {
      writeFileSync(path.join(folder, name), contents);
      return path.join(folder, name);
    };
    const source = await openStore({ seed: { k: 'v', list: ['a', 'b'] } });
    const wanted = await source.data();
    const files = [
      file('dump.rdb', await source.db.export()),
      file('lines.txt', 'SET k v\r\nRPUSH list a b\r\n'),
      file(
        'resp.aof',
        '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n*4\r\n$5\r\nRPUSH\r\n$4\r\nlist\r\n$1\r\na\r\n$1\r\nb\r\n',
      ),
    ];
    for (const name of files) {
      const store = await openStore();
      await store.seedFile(name);
      expect(await store.data(), name).toEqual(wanted);
    }
    const broken = file('broken.aof', '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n');
    await expect(source.seedFile(broken)).rejects.toEqual(coded('BAD_OPTION'));
    await expect(source.seedDump(await source.db.export())).rejects.toEqual(coded('BAD_OPTION'));
  });

  it('that cannot be are refused', async () => {
    const store = await openStore();
    for (const value of [null, undefined, true, [], {}, new Set(), [null], { a: {} }, () => {}]) {
      await expect(store.seed({ k: value as never }), String(value)).rejects.toEqual(
        coded('BAD_OPTION'),
      );
    }
    expect(await store.data()).toEqual({});
  });
});

describe('a snapshot', () => {
  it('brings back data and configuration under connected clients', async () => {
    const store = await openStore({ listen: true, seed: EVERYTHING });
    const redis = new Redis(store.url);
    onTestFinished(() => redis.disconnect());
    await redis.select(1);
    await redis.set('other', 'database');
    const digest = () => store.command('DEBUG', 'DIGEST');
    const [before, snapshot] = [await digest(), await store.snapshot()];
    const subscription = await store.db.subscribe('news');
    for (let round = 0; round < 3; round += 1) {
      await redis.set('new', round);
      await store.command('DEL', 'hash', 'events');
      await store.command('CONFIG', 'SET', 'maxmemory', '100mb');
      await redis.flushdb();
      expect(await digest()).not.toBe(before);
      await store.rollback(snapshot);
      expect(await digest()).toBe(before);
      expect(await store.command('CONFIG', 'GET', 'maxmemory')).toEqual(
        new Map([['maxmemory', '0']]),
      );
      expect(await redis.get('other')).toBe('database');
    }
    await redis.publish('news', 'still here');
    expect((await subscription.next()).value).toMatchObject({ message: 'still here' });
    await subscription.close();
  });

  it('is told to who watches keys', async () => {
    const store = await openStore({ seed: { k: 1 } });
    const snapshot = await store.snapshot();
    await store.command('SET', 'other', 1);
    await using session = await store.db.session();
    await session.command('WATCH', 'k');
    await store.rollback(snapshot);
    expect(await session.transaction().command('GET', 'k').run()).toBe(null);
  });

  it('may be taken to another store', async () => {
    const first = await openStore({ seed: { k: 'v' } });
    const second = await openStore({ seed: { other: 1 } });
    await second.rollback(await first.snapshot());
    expect(await second.data()).toEqual(await first.data());
  });

  it('is what reset goes back to', async () => {
    const store = await openStore({ seed: { k: 'v' } });
    await store.setBase();
    await store.db.command('SET', 'more', 1);
    const fault = store.faults.error('GET', 'x');
    await store.reset();
    expect(fault.isRetired).toBe(true);
    expect(store.commands()).toEqual([]);
    expect(Object.keys(await store.data())).toEqual(['k']);
    const empty = await openStore({ seed: { k: 'v' } });
    await empty.reset();
    expect(await empty.data()).toEqual({});
  });
});

describe('an isolated store', () => {
  it('begins with the data of the other, and changes nothing there', async () => {
    const store = await openStore({ listen: true, seed: EVERYTHING });
    store.faults.error('GET', 'x');
    const copies = await Promise.all([store.isolated(), store.isolated()]);
    for (const [i, copy] of copies.entries()) {
      expect(copy.port).not.toBe(store.port);
      expect(await copy.data()).toEqual(await store.data());
      await copy.db.command('SET', 'mine', i);
      expect(await copy.db.command('GET', 'mine')).toBe(String(i));
      expect(copy.commands().map(({ name }) => name)).toEqual(['SET', 'GET']);
    }
    expect(await store.command('EXISTS', 'mine')).toBe(0);
    expect(store.commands()).toEqual([]);
    await store.close();
    expect(copies.map(({ isClosed }) => isClosed)).toEqual([true, true]);
  });
});

describe('what clients send', () => {
  it('is recorded with its client, database and keys', async () => {
    const store = await openStore({ listen: true });
    const redis = new Redis(store.url, { connectionName: 'worker', db: 2 });
    onTestFinished(() => redis.disconnect());
    await redis.mset({ a: 1, b: 2 });
    await redis.multi().incr('a').exec();
    await store.command('SET', 'by', 'the test');
    const [mset] = store.commands('MSET');
    expect(mset).toMatchObject({
      name: 'MSET',
      args: ['a', '1', 'b', '2'],
      keys: ['a', 'b'],
      database: 2,
      client: { name: 'worker', address: expect.stringMatching(/^127\.0\.0\.1:\d+$/) },
      isQueued: false,
    });
    expect(store.commands({ key: 'a' }).map(({ name, isQueued }) => [name, isQueued])).toEqual([
      ['MSET', false],
      ['INCR', true],
    ]);
    expect(store.commands({ client: 'worker', command: ['SET', 'EXEC'] })).toHaveLength(1);
    expect(store.commands('CLIENT SETNAME')).toHaveLength(1);
    expect(store.commands({ where: ({ args }) => args.includes('the test') })).toEqual([]);
    store.clearCommands();
    expect(store.commands()).toEqual([]);
  });

  it('can be waited for', async () => {
    const store = await openStore();
    const seen = store.commandsSeen({ command: 'SET', key: /^job:/ }, { count: 2 });
    await store.db.command('SET', 'job:1', 1);
    await store.db.command('SET', 'other', 1);
    await store.db.command('SET', 'job:2', 1);
    expect((await seen).map(({ keys }) => keys[0])).toEqual(['job:1', 'job:2']);
    const controller = new AbortController();
    const never = store.commandsSeen('DEL', { signal: controller.signal });
    controller.abort();
    await expect(never).rejects.toEqual(coded('ABORTED'));
    await expect(store.commandsSeen('DLE')).rejects.toEqual(coded('BAD_OPTION'));
    const tooLate = expect(store.commandsSeen('DEL')).rejects.toEqual(coded('CLOSED'));
    await store.close();
    await tooLate;
    await expect(store.commandsSeen('DEL')).rejects.toEqual(coded('CLOSED'));
    expect(await store.commandsSeen('SET', { count: 3 })).toHaveLength(3);
  });

  it('is not kept without record', async () => {
    const store = await openStore({ record: false });
    await store.db.command('SET', 'k', 'v');
    expect(() => store.commands()).toThrow(coded('BAD_OPTION'));
    await expect(store.commandsSeen('GET')).rejects.toEqual(coded('BAD_OPTION'));
  });
});

it('serves any program through the store it is built on', async () => {
  const store = await openStore();
  expect(store.db).toBeInstanceOf(Respite);
  await store.db.command('SET', 'k', 'v');
  expect(await store.admin.command('GET', 'k')).toBe('v');
});
