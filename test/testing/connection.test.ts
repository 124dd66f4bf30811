// Connections that tell commands and meet faults behave as others do.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { TestStore } from '../../src/testing.ts';
import { RespClient } from '../support/resp_client.ts';
import { openStore } from './support.ts';

const nextTurn = () => new Promise(setImmediate);

async function openRaw(store: TestStore): Promise<RespClient> {
  const client = await RespClient.connect({ port: store.port });
  onTestFinished(() => client.close());
  return client;
}

async function openRedis(store: TestStore): Promise<Redis> {
  const redis = new Redis(store.url);
  onTestFinished(() => redis.disconnect());
  await redis.ping();
  return redis;
}

describe.each([
  ['that is recorded', () => {}],
  ['with a fault for every command', (store: TestStore) => void store.faults.slice('*')],
] as const)('a connection %s', (_name, prepare) => {
  async function open(): Promise<TestStore> {
    const store = await openStore({ listen: true });
    prepare(store);
    return store;
  }

  it('carries transactions, watched keys and scans', async () => {
    const store = await open();
    const redis = await openRedis(store);
    await redis.mset(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, i])));
    const found = new Set<string>();
    for await (const keys of redis.scanStream({ count: 7 })) for (const key of keys) found.add(key);
    expect(found.size).toBe(100);
    await redis.watch('k1');
    await store.command('SET', 'k1', 'changed');
    expect(await redis.multi().set('k1', 'mine').exec()).toBe(null);
    expect(await redis.multi().incr('k2').get('k2').exec()).toEqual([
      [null, 3],
      [null, '3'],
    ]);
  });

  it('carries messages, also in RESP3 while it waits', async () => {
    const store = await open();
    const subscriber = await openRedis(store);
    const messages: string[] = [];
    subscriber.on('message', (channel, text) => messages.push(`${channel} ${text}`));
    expect(await subscriber.subscribe('a', 'b')).toBe(2);
    await store.command('PUBLISH', 'a', 'one');
    await store.command('PUBLISH', 'b', 'two');
    await expect.poll(() => messages).toEqual(['a one', 'b two']);
    expect(await subscriber.unsubscribe('a')).toBe(1);
    const session = await store.db.session();
    await session.command('CLIENT', 'TRACKING', 'ON', 'BCAST');
    const waiting = session.command('BLPOP', 'queue', 0);
    await store.commandsSeen('BLPOP');
    await nextTurn();
    await store.command('SET', 'k', 'invalidated');
    await nextTurn();
    await store.command('RPUSH', 'queue', 'job');
    expect(await waiting).toEqual(['queue', 'job']);
    expect(await session.command('PING')).toBe('PONG');
    await session.close();
  });

  it('waits while clients are paused', async () => {
    const store = await open();
    const redis = await openRedis(store);
    await store.command('CLIENT', 'PAUSE', 100_000, 'WRITE');
    const replies = Promise.all([redis.incr('n'), redis.incr('n')]);
    await store.commandsSeen('INCR');
    await nextTurn();
    await store.command('CLIENT', 'UNPAUSE');
    expect(await replies).toEqual([1, 2]);
  });

  it('is silent when it is told to be', async () => {
    const store = await open();
    const client = await openRaw(store);
    client.send('CLIENT REPLY OFF\r\nSET k v\r\nCLIENT REPLY ON\r\nPING\r\n');
    expect(await client.read()).toMatchObject({ reply: { kind: 'simple', text: 'OK' } });
    expect(await client.read()).toMatchObject({ reply: { kind: 'simple', text: 'PONG' } });
    expect(await store.command('GET', 'k')).toBe('v');
  });

  it('ends behind its last reply', async () => {
    const store = await open();
    const client = await openRaw(store);
    client.send('PING\r\nQUIT\r\nPING\r\n');
    expect(await client.read()).toMatchObject({ reply: { kind: 'simple', text: 'PONG' } });
    expect(await client.read()).toMatchObject({ reply: { kind: 'simple', text: 'OK' } });
    await expect(client.read()).rejects.toThrow();
  });

  it('waits for what is made durable', async () => {
    const dir = await mkdtemp(path.join(tmpdir(), 'respite-testing-'));
    onTestFinished(() => rm(dir, { recursive: true, force: true }));
    const store = await openStore({ listen: true, dir, config: { appendfsync: 'always' } });
    prepare(store);
    const redis = await openRedis(store);
    const results = await redis.pipeline().incr('n').incr('n').get('n').exec();
    expect(results).toEqual([
      [null, 1],
      [null, 2],
      [null, '2'],
    ]);
    store.faults.drop('INCR', { when: 'after', times: 1 });
    await redis.incr('n').catch(() => {});
    expect(Number(await store.command('GET', 'n'))).toBeGreaterThanOrEqual(3);
    const snapshot = await store.snapshot();
    await redis.flushall();
    await store.rollback(snapshot);
    expect(Number(await store.command('GET', 'n'))).toBeGreaterThanOrEqual(3);
    await store.close();
  });
});

it('a client that is killed is gone, and what it waited for is not done', async () => {
  const store = await openStore();
  const session = await store.db.session();
  const fault = store.faults.stall('SET');
  const lost = expect(session.command('SET', 'k', 'v')).rejects.toMatchObject({
    code: 'CONNECTION_LOST',
  });
  await store.commandsSeen('SET');
  expect(store.dropConnections({ client: 'nobody' })).toBe(0);
  await store.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
  await lost;
  fault.remove();
  await nextTurn();
  expect(await store.command('EXISTS', 'k')).toBe(0);
  expect(fault.hits).toBe(1);
});
