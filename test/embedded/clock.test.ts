// Time that is moved by hand: nothing happens by itself, and everything in its order.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type OpenOptions, Respite } from '../../src/index.ts';

const START_MS = Date.UTC(2030, 0, 1);
const opened: Respite[] = [];
const folders: string[] = [];

async function open(options: OpenOptions = {}): Promise<Respite> {
  const store = await Respite.open({ clock: { startMs: START_MS }, ...options });
  opened.push(store);
  return store;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close().catch(() => {})));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** What a promise has come to, without waiting for it. */
async function state(promise: Promise<unknown>): Promise<unknown> {
  return Promise.race([promise, new Promise((resolve) => setImmediate(resolve, 'waiting'))]);
}

const coded = (code: string) => expect.objectContaining({ code });

describe('a manual clock', () => {
  it('stands still, and tells its time to commands', async () => {
    const db = await open();
    expect(db.clock.isManual).toBe(true);
    expect(await db.command('TIME')).toEqual([String(START_MS / 1000), '0']);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(db.clock.now()).toBe(START_MS);
    await db.clock.advance(1500);
    expect(db.clock.now()).toBe(START_MS + 1500);
    expect(await db.command('TIME')).toEqual([String(START_MS / 1000 + 1), '500000']);
  });

  it('begins now when nothing else is said', async () => {
    const before = Date.now();
    const db = await open({ clock: 'manual' });
    expect(db.clock.now()).toBeGreaterThanOrEqual(before);
    const stands = db.clock.now();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(db.clock.now()).toBe(stands);
  });

  it('lets keys and fields expire at their time and not before', async () => {
    const db = await open();
    await db.command('SET', 'k', 'v', 'PX', 100);
    await db.command('HSET', 'h', 'gone', 1, 'stays', 2);
    await db.command('HPEXPIRE', 'h', 100, 'FIELDS', 1, 'gone');
    await db.clock.advance(99);
    expect(await db.command('PTTL', 'k')).toBe(1);
    expect(await db.command('HLEN', 'h')).toBe(2);
    await db.clock.advance(1);
    expect(await db.command('GET', 'k')).toBe(null);
    expect(await db.command('DBSIZE')).toBe(1);
    expect(await db.command('HGETALL', 'h')).toEqual(new Map([['stays', '2']]));
  });

  it('removes all that is over, whatever their number', async () => {
    const db = await open();
    const sets = Array.from({ length: 5000 }, (_, i) => ['SET', `k${i}`, i, 'EX', 1 + (i % 7)]);
    await db.batch(sets);
    await db.clock.advance(3000);
    expect(await db.command('DBSIZE')).toBe(5000 - 3 * 715 + 1);
    await db.clock.advance(24 * 3600 * 1000);
    expect(await db.command('DBSIZE')).toBe(0);
    expect(await db.command('INFO', 'stats')).toContain('expired_keys:5000');
  });

  it('tells of what expires in the order of the times', async () => {
    const db = await open({ config: { 'notify-keyspace-events': 'Ex' } });
    const events = await db.subscribe('__keyevent@0__:expired');
    for (const seconds of [5, 1, 3, 2, 4])
      await db.command('SET', `in ${seconds}`, 1, 'EX', seconds);
    await db.clock.advance(10_000);
    await events.close();
    const names: string[] = [];
    for await (const { message } of events) names.push(message);
    expect(names).toEqual(['in 1', 'in 2', 'in 3', 'in 4', 'in 5']);
  });

  it('ends the wait of blocked commands, each at its time', async () => {
    const db = await open();
    const ended: string[] = [];
    const wait = (name: string, call: Promise<unknown>) =>
      call.then(() => ended.push(`${name} ${db.clock.now() - START_MS}`));
    const all = [
      wait('long', db.command('BLPOP', 'a', 3)),
      wait('short', db.command('BLPOP', 'a', 0.1)),
      wait('stream', db.command('XREAD', 'BLOCK', 2000, 'STREAMS', 's', '$')),
      wait('replicas', db.command('WAIT', 1, 500)),
    ];
    const forever = db.command('BRPOP', 'b', 0);
    await db.clock.advance(99);
    expect(ended).toEqual([]);
    await db.clock.advance(1);
    expect(ended).toEqual(['short 100']);
    await db.clock.advance(10_000);
    await Promise.all(all);
    expect(ended).toEqual(['short 100', 'replicas 500', 'stream 2000', 'long 3000']);
    expect(await state(forever)).toBe('waiting');
    await db.command('LPUSH', 'b', 'x');
    expect(await forever).toEqual(['b', 'x']);
  });

  it('lets whoever reacts act at the time of what happened', async () => {
    const db = await open();
    const turns: number[] = [];
    const worker = (async () => {
      for (let turn = 0; turn < 5; turn += 1) {
        await db.command('BLPOP', 'jobs', 1);
        turns.push(db.clock.now() - START_MS);
        await db.command('SET', `turn ${turn}`, 1, 'EX', 2);
      }
    })();
    await db.clock.advance(5000);
    await worker;
    expect(turns).toEqual([1000, 2000, 3000, 4000, 5000]);
    // Those of 1000, 2000 and 3000 are over.
    expect((await db.command('KEYS', '*')).sort()).toEqual(['turn 3', 'turn 4']);
  });

  it('ends CLIENT PAUSE', async () => {
    const db = await open();
    const other = await db.session();
    await db.command('CLIENT', 'PAUSE', 60_000, 'WRITE');
    const held = other.command('SET', 'k', 'v');
    await db.clock.advance(59_999);
    expect(await state(held)).toBe('waiting');
    await db.clock.advance(1);
    expect(await held).toBe('OK');
  });

  it('tells how long keys and clients were idle', async () => {
    const db = await open();
    await db.command('SET', 'k', 'v');
    const session = await db.session();
    const id = await session.command('CLIENT', 'ID');
    await db.clock.advance(3600_000);
    expect(await db.command('OBJECT', 'IDLETIME', 'k')).toBe(3600);
    expect(await db.command('CLIENT', 'LIST', 'ID', id)).toMatch(/ age=3600 idle=3600 /);
  });

  it('saves when a save point says so', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'respite-clock-'));
    folders.push(dir);
    const db = await open({ dir, appendonly: false, config: { save: '60 1' } });
    await db.clock.advance(3600_000);
    expect(readdirSync(dir)).not.toContain('dump.rdb');
    await db.command('SET', 'k', 'v');
    await db.clock.advance(61_000);
    expect(readdirSync(dir)).toContain('dump.rdb');
    expect(await db.command('LASTSAVE')).toBeGreaterThanOrEqual(START_MS / 1000 + 60);
    expect(await db.command('INFO', 'persistence')).toContain('rdb_changes_since_last_save:0');
  });

  it('is set to a time, also one that has been', async () => {
    const db = await open();
    await db.command('SET', 'k', 'v', 'EX', 10);
    await db.clock.set(START_MS + 4000);
    expect(await db.command('TTL', 'k')).toBe(6);
    const waiting = db.command('BLPOP', 'q', 1);
    await db.clock.set(new Date(START_MS));
    expect(await db.command('TTL', 'k')).toBe(10);
    expect(await state(waiting)).toBe('waiting');
    await db.clock.set(START_MS + 10_000);
    expect(await db.command('EXISTS', 'k')).toBe(0);
    expect(await state(waiting)).toBe(null);
  });

  it('moves one step after the other, whoever asks', async () => {
    const db = await open();
    const seen: number[] = [];
    await Promise.all([
      db.clock.advance(1000).then(() => seen.push(db.clock.now() - START_MS)),
      db.clock.advance(1000).then(() => seen.push(db.clock.now() - START_MS)),
      db.clock.set(START_MS + 5000).then(() => seen.push(db.clock.now() - START_MS)),
    ]);
    expect(seen).toEqual([1000, 2000, 5000]);
  });

  it('cannot be moved once the store is closed, and lets nobody wait', async () => {
    const db = await open();
    const moving = db.clock.advance(10 * 365 * 24 * 3600 * 1000);
    await Promise.all([db.close(), expect(moving).rejects.toEqual(coded('CLOSED'))]);
    await expect(db.clock.advance(1)).rejects.toEqual(coded('CLOSED'));
  });

  it('refuses what is no time', async () => {
    const db = await open();
    for (const wrong of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5' as never]) {
      await expect(db.clock.advance(wrong), String(wrong)).rejects.toEqual(coded('BAD_OPTION'));
      await expect(db.clock.set(wrong), String(wrong)).rejects.toEqual(coded('BAD_OPTION'));
    }
    const options = ['stopped', { startMs: -1 }, { start: 5 }, null] as never[];
    for (const clock of options) {
      await expect(open({ clock }), String(clock)).rejects.toEqual(coded('BAD_OPTION'));
    }
  });
});

it('a real clock goes by itself and cannot be moved', async () => {
  const db = await open({ clock: 'real' });
  expect(db.clock.isManual).toBe(false);
  expect(Math.abs(db.clock.now() - Date.now())).toBeLessThan(60_000);
  await expect(db.clock.advance(1)).rejects.toEqual(coded('BAD_OPTION'));
  await expect(db.clock.set(0)).rejects.toEqual(coded('BAD_OPTION'));
});
