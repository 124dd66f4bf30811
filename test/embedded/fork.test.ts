// Copies of a store, each with a life of its own.

import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type OpenOptions, Respite } from '../../src/index.ts';
import { freePort } from '../support/server.ts';

const opened: Respite[] = [];
const folders: string[] = [];

function track(store: Respite): Respite {
  opened.push(store);
  return store;
}

const open = async (options?: OpenOptions) => track(await Respite.open(options));
const fork = async (store: Respite) => track(await store.fork());
const digest = (store: Respite) => store.command('DEBUG', 'DIGEST');

function scratchFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'respite-fork-'));
  folders.push(folder);
  return folder;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close().catch(() => {})));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function fill(db: Respite): Promise<void> {
  await db.command('SET', 'text', 'värde');
  await db.command('SET', 'short', 'lived', 'EX', 100);
  await db.command('RPUSH', 'list', ...Array.from({ length: 500 }, (_, i) => `item ${i}`));
  await db.command('HSET', 'hash', 'a', 1, 'b', 2);
  await db.command('SADD', 'set', 1, 2, 3, 'x');
  await db.command('ZADD', 'zset', 1, 'a', 2.5, 'b');
  await db.command('XADD', 'stream', '1-1', 'f', 'v');
  await db.command('XGROUP', 'CREATE', 'stream', 'group', 0);
  await db.command('XREADGROUP', 'GROUP', 'group', 'me', 'STREAMS', 'stream', '>');
  await using other = await db.session({ database: 7 });
  await other.command('SET', 'elsewhere', 1);
}

describe('a fork', () => {
  it('has the data of its moment, and neither sees what the other does', async () => {
    const db = await open();
    await fill(db);
    const copy = await fork(db);
    expect(await digest(copy)).toBe(await digest(db));
    expect(await copy.command('XPENDING', 'stream', 'group')).toEqual(
      await db.command('XPENDING', 'stream', 'group'),
    );
    await copy.command('SET', 'text', 'other');
    await copy.command('DEL', 'list');
    await db.command('LPUSH', 'list', 'more');
    expect(await db.command('GET', 'text')).toBe('värde');
    expect(await db.command('LLEN', 'list')).toBe(501);
    expect(await copy.command('EXISTS', 'list')).toBe(0);
    await db.command('FLUSHALL');
    expect(await copy.command('ZRANGE', 'zset', 0, -1)).toEqual(['a', 'b']);
    await using session = await copy.session({ database: 7 });
    expect(await session.command('GET', 'elsewhere')).toBe('1');
  });

  it('has no clients, and leaves those of the original what they are doing', async () => {
    const db = await open();
    const waiting = db.command('BLPOP', 'queue', 0);
    const replicas = db.command('WAIT', 1, 0);
    const messages = await db.subscribe('news');
    const session = await db.session();
    await session.command('WATCH', 'k');
    await session.command('MULTI' as string);
    await session.command('SET', 'k', 1);
    const copy = await fork(db);
    expect(await copy.command('PUBLISH', 'news', 'nobody')).toBe(0);
    expect(await copy.command('RPUSH', 'queue', 'stays')).toBe(1);
    expect(await copy.command('LLEN', 'queue')).toBe(1);
    expect(await copy.command('CLIENT', 'LIST')).toMatch(/^id=1 [^\n]*\n$/);
    expect(await copy.command('INFO', 'clients')).toContain('blocked_clients:0');
    expect(await session.command('EXEC' as string)).toEqual(['OK']);
    await db.command('RPUSH', 'queue', 'job');
    expect(await waiting).toEqual(['queue', 'job']);
    expect(await db.command('PUBLISH', 'news', 'you')).toBe(1);
    expect((await messages.next()).value).toEqual({ channel: 'news', message: 'you' });
    await db.close();
    await expect(replicas).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('does everything a store does', async () => {
    const copy = await fork(await open());
    const waiting = copy.command('BLPOP', 'q', 0);
    await copy.command('RPUSH', 'q', 1);
    expect(await waiting).toEqual(['q', '1']);
    expect(await copy.command('BLPOP', 'q', 0.01)).toBe(null);
    expect(await copy.transaction().command('SET', 'a', 1).command('INCR', 'a').run()).toEqual([
      'OK',
      2,
    ]);
    const again = await open({ rdb: await copy.export() });
    expect(await digest(again)).toBe(await digest(copy));
    await copy.listen({ port: await freePort() });
    await copy.command('SET', 'k', 'v', 'PX', 20);
    while ((await copy.command('DBSIZE')) !== 1) await new Promise((done) => setTimeout(done, 5));
  });

  it('can be forked again, and closed in any order', async () => {
    const first = await open();
    await fill(first);
    const expected = await digest(first);
    const second = await fork(first);
    const third = await fork(second);
    await second.command('FLUSHALL');
    await first.close();
    const fourth = await fork(third);
    await third.close();
    await third.close();
    expect(await digest(fourth)).toBe(expected);
    expect(await second.command('DBSIZE')).toBe(0);
    await expect(first.fork()).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('has the configuration of its moment, and changes of one do not reach the other', async () => {
    const db = await open({ databases: 4, maxmemory: '50mb', config: { hz: 20 } });
    await db.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lfu');
    const copy = await fork(db);
    expect(await copy.command('CONFIG', 'GET', 'maxmemory*')).toEqual(
      await db.command('CONFIG', 'GET', 'maxmemory*'),
    );
    expect((await copy.command('CONFIG', 'GET', 'databases')).get('databases')).toBe('4');
    await copy.command('CONFIG', 'SET', 'maxmemory', 0);
    expect((await db.command('CONFIG', 'GET', 'maxmemory')).get('maxmemory')).toBe('52428800');
  });

  it('keeps renamed commands as they are', async () => {
    const db = await open({ config: { 'rename-command': 'flushall wipe' } });
    const copy = await fork(db);
    await copy.command('SET', 'k', 1);
    await expect(copy.command('FLUSHALL')).rejects.toMatchObject({ code: 'ERR' });
    expect(await copy.command('WIPE')).toBe('OK');
  });

  it('of a store with a folder has none', async () => {
    const dir = scratchFolder();
    const db = await open({ dir });
    await fill(db);
    const before = readdirSync(dir).sort();
    // A server that was started here may have left one.
    const savedHere = () => statSync('dump.rdb', { throwIfNoEntry: false })?.mtimeMs;
    const earlier = savedHere();
    const copy = await fork(db);
    expect((await copy.command('CONFIG', 'GET', 'appendonly')).get('appendonly')).toBe('no');
    expect((await copy.command('CONFIG', 'GET', 'dir')).get('dir')).not.toBe(dir);
    await copy.command('SET', 'only', 'in memory');
    await copy.command('SAVE');
    await copy.close();
    expect(readdirSync(dir).sort()).toEqual(before);
    expect(savedHere()).toBe(earlier);
    await db.command('SET', 'text', 'on disk');
    await db.close();
    const again = await open({ dir });
    expect(await again.command('MGET', 'text', 'only')).toEqual(['on disk', null]);
  });

  it('is whole while a snapshot is written', async () => {
    const db = await open();
    await db.command('DEBUG', 'POPULATE', 50_000);
    const expected = await digest(db);
    const writing = db.export();
    const copy = await fork(db);
    await db.command('FLUSHALL');
    expect(await digest(copy)).toBe(expected);
    const fromDump = await open({ rdb: await writing });
    expect(await digest(fromDump)).toBe(expected);
    expect((await copy.export()).length).toBeGreaterThan(50_000);
  });

  it('goes on from the time of a manual clock, by a clock of its own', async () => {
    const db = await open({ clock: { startMs: 1_000_000 } });
    await db.command('SET', 'k', 'v', 'EX', 10);
    await db.clock.advance(4000);
    const copy = await fork(db);
    expect(copy.clock.isManual).toBe(true);
    expect(copy.clock.now()).toBe(1_004_000);
    await copy.clock.advance(6000);
    expect(await copy.command('EXISTS', 'k')).toBe(0);
    expect(db.clock.now()).toBe(1_004_000);
    expect(await db.command('TTL', 'k')).toBe(6);
    const waiting = copy.command('BLPOP', 'q', 1);
    await db.close();
    await copy.clock.advance(1000);
    expect(await waiting).toBe(null);
  });
});

it('many forks of one store stay apart', async () => {
  const db = await open();
  await db.command('SET', 'n', 100);
  const forks = await Promise.all(Array.from({ length: 20 }, () => fork(db)));
  const counts = await Promise.all(
    forks.map(async (store, i) => {
      for (let turn = 0; turn < i; turn += 1) await store.command('INCR', 'n');
      return store.command('GET', 'n');
    }),
  );
  expect(counts).toEqual(forks.map((_, i) => String(100 + i)));
  expect(await db.command('GET', 'n')).toBe('100');
});
