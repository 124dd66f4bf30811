// A store whose disk fails: nothing that is lost is passed over in silence, and nothing half made stays.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type OpenOptions, Respite } from '../../src/index.ts';
import { NodeStorage } from '../../src/storage/node_storage.node.ts';
import { startRespite } from '../../src/testing.ts';
import { FaultyStorage } from '../support/faulty_storage.ts';

class FullDisk extends FaultyStorage {
  /** Calls that find no room: "write path". */
  isFullFor = /^$/;

  override run<T>(call: string, path: string, whole: () => T, partly?: (part: number) => void): T {
    if (!this.isFullFor.test(`${call} ${path}`)) return super.run(call, path, whole, partly);
    throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  }
}

let dir = '';
let disk: FullDisk;

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'respite-failing-'));
  const { open, rename } = NodeStorage.prototype;
  disk = new FullDisk(Object.assign(new NodeStorage(), { open, rename }));
  vi.spyOn(NodeStorage.prototype, 'open').mockImplementation((file, mode) => disk.open(file, mode));
  vi.spyOn(NodeStorage.prototype, 'rename').mockImplementation((from, to) => disk.rename(from, to));
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true, force: true });
});

const storageError = (message: RegExp) =>
  expect.objectContaining({ code: 'STORAGE', message: expect.stringMatching(message) });

describe('close()', () => {
  const ways: [string, OpenOptions][] = [
    ['the last snapshot', { appendonly: false }],
    ['the append-only file', {}],
    ['the append-only file with appendfsync no', { config: { appendfsync: 'no' } }],
    ['a snapshot of save points', { appendonly: false, config: { save: '3600 1' } }],
  ];
  it.each(ways)('rejects when %s cannot be written', async (_, options) => {
    const db = await Respite.open({ dir, ...options });
    await db.command('SET', 'k', 'v');
    disk.isFullFor = /^(write|sync) /;
    await expect(db.close()).rejects.toEqual(storageError(/No space left/));
    // It is closed all the same: its folder is free.
    expect(db.isClosed).toBe(true);
    disk.isFullFor = /^$/;
    const again = await Respite.open({ dir, ...options });
    await again.close();
  });

  it('rejects while the first part of a log is not whole', async () => {
    const db = await Respite.open({ dir });
    await db.command('CONFIG', 'SET', 'appendonly', 'no');
    await db.command('SET', 'k', 'v');
    await db.command('CONFIG', 'SET', 'appendonly', 'yes');
    await expect(db.close()).rejects.toEqual(storageError(/Writing initial AOF/));
  });
});

/** A dump of a hundred keys. */
async function someDump(): Promise<Uint8Array> {
  const source = await Respite.open();
  for (let i = 0; i < 100; i += 1) await source.command('SET', `key:${i}`, 'x'.repeat(50));
  const rdb = await source.export();
  await source.close();
  return rdb;
}

describe('a dump', () => {
  const calls: [string, RegExp, RegExp][] = [
    ['its log cannot be written anew', /^write .*temp-rewriteaof-bg/, /durable: No space left/],
    ['a new log cannot be begun', /^open\(create\) .*\.2\.incr/, /durable: ERR Can't execute/],
    ['the new log cannot be put in its place', /^rename .*\.2\.base/, /durable: the new base/],
  ];
  it.each(calls)('is not taken for stored when %s', async (_, call, message) => {
    const rdb = await someDump();
    disk.isFullFor = call;
    await expect(Respite.open({ dir, rdb })).rejects.toEqual(storageError(message));
    disk.isFullFor = /^$/;
    const db = await Respite.open({ dir, rdb });
    await db.close();
    const again = await Respite.open({ dir });
    expect(await again.command('DBSIZE')).toBe(100);
    await again.close();
  });

  it('waits for a snapshot that is being written', async () => {
    const rdb = await someDump();
    const store = await startRespite({ dir });
    await store.command('BGSAVE');
    await store.seedDump(rdb);
    await store.close();
    const again = await Respite.open({ dir });
    expect(await again.command('DBSIZE')).toBe(100);
    await again.close();
  });
});

describe('a dump that is being made durable', () => {
  /** A rewrite then takes a fifth of a second. */
  const slowly = { 'rdb-key-save-delay': 2000 };

  async function expectStored(): Promise<void> {
    const again = await Respite.open({ dir });
    expect(await again.command('DBSIZE')).toBe(100);
    await again.close();
  }

  it('is written again when that was called off', async () => {
    const store = await startRespite({ dir, config: slowly });
    const seeding = store.seedDump(await someDump());
    await expect.poll(() => store.command('INFO', 'persistence')).toMatch(/rewrite_in_progress:1/);
    await store.command('CONFIG', 'SET', 'rdb-key-save-delay', 0);
    await store.command('DEBUG', 'RELOAD');
    await seeding;
    await store.close();
    await expectStored();
  });

  it('takes what somebody else has written since', async () => {
    const rdb = await someDump();
    const store = await startRespite({ dir, config: slowly });
    // One that begins before, and that both of the following wait for.
    await store.command('SET', 'k', 'v');
    await store.command('BGREWRITEAOF');
    await store.command('DEL', 'k');
    const first = store.seedDump(rdb);
    await store.command('FLUSHALL');
    const second = store.seedDump(rdb);
    await Promise.all([first, second]);
    const done = await store.command('INFO', 'persistence');
    expect(done).toMatch(/aof_rewrites:2\r/);
    await store.close();
    await expectStored();
  });
});

describe('a store that cannot be opened', () => {
  it('leaves nothing of a dump that is cut off', async () => {
    const rdb = await someDump();
    const cut = rdb.subarray(0, rdb.length - 500);
    await expect(Respite.open({ dir, appendonly: false, rdb: cut })).rejects.toMatchObject({
      code: 'DUMP_FORMAT',
    });
    expect(readdirSync(dir)).toEqual([]);
    const db = await Respite.open({ dir, appendonly: false, rdb });
    expect(await db.command('DBSIZE')).toBe(100);
    await db.close();
    expect(readFileSync(path.join(dir, 'dump.rdb')).subarray(0, 5).toString()).toBe('REDIS');
  });
});
