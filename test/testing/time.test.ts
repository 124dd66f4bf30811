// Time in tests: a clock that is moved by hand, and fake timers of the test framework.

import { Redis } from 'ioredis';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openStore } from './support.ts';

const nextTurn = () => new Promise(setImmediate);

describe('a manual clock', () => {
  it('expires keys, ends waits and lets faults go on', async () => {
    const store = await openStore({ clock: 'manual', listen: true });
    const redis = new Redis(store.url);
    onTestFinished(() => redis.disconnect());
    await redis.set('session', 'x', 'EX', 60);
    const waiting = redis.duplicate();
    onTestFinished(() => waiting.disconnect());
    const popped = waiting.blpop('queue', 30);
    await store.commandsSeen('BLPOP');
    await nextTurn();
    await store.clock.advance(30_000);
    expect(await popped).toBe(null);
    expect(await redis.pttl('session')).toBe(30_000);
    await store.clock.advance(30_000);
    expect(await redis.exists('session')).toBe(0);
    store.faults.latency('GET', 5_000, { times: 1 });
    const late = redis.get('k');
    await store.commandsSeen('GET');
    let isThere = false;
    void late.then(() => {
      isThere = true;
    });
    await store.clock.advance(4_999);
    expect(isThere).toBe(false);
    await store.clock.advance(1);
    expect(await late).toBe(null);
  });

  it('shows exact times in the view of the data and in what was recorded', async () => {
    const store = await openStore({ clock: { startMs: 1_000_000 } });
    await store.db.command('SET', 'k', 'v', 'PX', 500);
    await store.clock.advance(100);
    await store.db.command('GET', 'k');
    expect(await store.data()).toEqual({ k: { type: 'string', value: 'v', ttlMs: 400 } });
    expect(store.commands().map(({ name, atMs }) => [name, atMs])).toEqual([
      ['SET', 1_000_000],
      ['GET', 1_000_100],
    ]);
  });

  it('goes back with the data', async () => {
    const store = await openStore({ clock: { startMs: 1_000_000 } });
    await store.command('SET', 'k', 'v', 'PX', 500);
    const before = await store.snapshot();
    await store.clock.advance(1_000);
    expect(await store.command('EXISTS', 'k')).toBe(0);
    await store.rollback(before);
    expect(store.clock.now()).toBe(1_000_000);
    expect(await store.command('PTTL', 'k')).toBe(500);
  });

  it('is needed for moving the time', async () => {
    const store = await openStore();
    await expect(store.clock.advance(1)).rejects.toMatchObject({ code: 'BAD_OPTION' });
  });
});

describe('fake timers', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('do not hold up a store that is in use', async () => {
    const store = await openStore({ listen: true });
    const redis = new Redis(store.url);
    onTestFinished(() => redis.disconnect());
    await redis.ping();
    vi.useFakeTimers();
    expect(await redis.set('k', 'v')).toBe('OK');
    expect(await redis.pipeline().incr('n').incr('n').exec()).toEqual([
      [null, 1],
      [null, 2],
    ]);
    const subscription = await store.db.subscribe('news');
    await redis.publish('news', 'hello');
    expect((await subscription.next()).value).toMatchObject({ message: 'hello' });
    await subscription.close();
    const snapshot = await store.snapshot();
    await redis.flushall();
    await store.rollback(snapshot);
    expect(await redis.get('k')).toBe('v');
    await using other = await store.isolated();
    expect(await other.command('GET', 'k')).toBe('v');
  });

  it('do not hold up a store that is opened', async () => {
    vi.useFakeTimers();
    const store = await openStore({ listen: true, seed: { k: 'v' } });
    expect(await store.db.command('GET', 'k')).toBe('v');
  });

  it('move the time of the store', async () => {
    vi.useFakeTimers();
    const store = await openStore();
    const { db } = store;
    await db.command('SET', 'k', 'v', 'EX', 60);
    const popped = db.command('BLPOP', 'queue', 30);
    await store.commandsSeen('BLPOP');
    await vi.advanceTimersByTimeAsync(29_999);
    expect(await db.command('PTTL', 'k')).toBe(30_001);
    await vi.advanceTimersByTimeAsync(1);
    expect(await popped).toBe(null);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await db.command('EXISTS', 'k')).toBe(0);
    vi.setSystemTime(new Date('2031-01-01T00:00:00Z'));
    expect((await db.command('TIME'))[0]).toBe('1924992000');
  });

  it('let latency go by', async () => {
    vi.useFakeTimers();
    const store = await openStore();
    store.faults.latency('GET', 60_000);
    const late = store.db.command('GET', 'k');
    await store.commandsSeen('GET');
    await nextRealTurn();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await late).toBe(null);
  });

  it('that end leave nobody waiting', async () => {
    const store = await openStore();
    vi.useFakeTimers();
    const popped = store.db.command('BLPOP', 'queue', 0.2);
    await store.commandsSeen('BLPOP');
    vi.useRealTimers();
    expect(await popped).toBe(null);
    expect(await store.db.command('BLPOP', 'queue', 0.01)).toBe(null);
  });
});

const realSetImmediate = setImmediate;
const nextRealTurn = () => new Promise((resolve) => realSetImmediate(resolve));
