// Saving a snapshot on a disk that fails, or that loses what was not made durable, at every single
// operation: the file is the old one or the new one, whole, and the next save works.

import { beforeEach, describe, expect, it } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { populate } from '../../src/core/keyspace.ts';
import type { Engine } from '../../src/engine.ts';
import { Logger } from '../../src/log.ts';
import { RdbSaver, type SaveOutcome } from '../../src/persistence/rdb_saver.ts';
import { Snapshotter } from '../../src/persistence/snapshotter.ts';
import { MemoryStorage } from '../../src/storage/memory_storage.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { createEngine, EngineTestClient } from '../support/engine_client.ts';
import { type Fault, FaultyStorage } from '../support/faulty_storage.ts';
import { Random } from '../support/random.ts';
import { isWholeRdb } from './rdb_checksum.ts';

const PID = 4711;
const TEMPORARY = `data/temp-${PID}.rdb`;
const FILE = 'data/dump.rdb';
/** Enough for several writes, and for an fsync between them. */
const KEYS = 20_000;
const VALUE_BYTES = 100;
const CRASHES = 6;
const WAYS = ['at once', 'in the background', 'held'] as const;

let engine: Engine;
let client: EngineTestClient;
let log: string[];

beforeEach(async () => {
  engine = createEngine();
  client = new EngineTestClient(engine);
  log = [];
  populate(engine.core, 0, KEYS, Buffer.from('key'), VALUE_BYTES);
});

function newStorage(): MemoryStorage {
  const storage = new MemoryStorage();
  storage.makeDirectory('data');
  storage.syncDirectory('.');
  return storage;
}

function newSaver(storage: Storage) {
  const snapshots = new Snapshotter(engine);
  const { core } = engine;
  return new RdbSaver({
    storage,
    snapshots,
    log: new Logger({ pid: PID, sink: { write: (text) => void log.push(text) } }),
    dirty: {
      get: () => core.stat(abi.STAT_DIRTY),
      set: (changes) => core.setStat(abi.STAT_DIRTY, changes),
    },
    now: () => 1_800_000_000_000,
    pid: PID,
    settings: () => ({
      directory: 'data',
      fileName: 'dump.rdb',
      compress: false,
      checksum: true,
      syncEveryBytes: 1 << 20,
      keyDelayUs: () => 0,
    }),
    claimDirectory: () => undefined,
    onChange: () => {},
  });
}

async function save(saver: RdbSaver, way: (typeof WAYS)[number]): Promise<SaveOutcome> {
  if (way === 'at once') return saver.saveNow() ? 'saved' : 'failed';
  return way === 'held' ? saver.saveHeld() : saver.startBackground();
}

/** The snapshot in a storage, undefined when there is none. One that is not `known` has to be whole. */
function snapshotIn(storage: Storage, ...known: Buffer[]): Buffer | undefined {
  if (storage.status(FILE) === undefined) return undefined;
  const bytes = Buffer.from(storage.readFile(FILE));
  const found = known.find((each) => each.equals(bytes));
  if (found) return found;
  expect(isWholeRdb(bytes)).toBe(true);
  return bytes;
}

describe.each(WAYS)('%s', (way) => {
  it('an error of any operation leaves the old file', async () => {
    for (let at = 1; ; at++) {
      const storage = new FaultyStorage(newStorage());
      const saver = newSaver(storage);
      expect(saver.saveNow()).toBe(true);
      const before = snapshotIn(storage.inner)!;
      await client.call('INCR', 'counter');
      log = [];
      storage.log.length = 0;
      const code = at % 2 === 0 ? 'EIO' : 'ENOSPC';
      storage.plan({ in: at, code, taken: 0.5 });
      const last = storage.operations + at;
      const outcome = await save(saver, way);
      // How many there are is a matter of time, too, in the background.
      if (storage.operations < last) {
        expect(outcome).toBe('saved');
        // Opened, written and flushed twice or more, renamed.
        expect(at).toBeGreaterThan(9);
        return;
      }
      expect(outcome, `operation ${at}`).toBe('failed');
      const failed = storage.log.at(-1) ?? '';
      // Once it has its name, the new file is not taken back.
      const isNew = failed.startsWith('syncDirectory');
      expect(snapshotIn(storage.inner, before) === before).toBe(!isNew);
      expect(storage.status(TEMPORARY)).toBeUndefined();
      expect(log.join('')).toMatch(code === 'EIO' ? /Input\/output error/ : /No space left/);
      expect(saver.isRunning).toBe(false);
      expect(saver.isLastBackgroundOk).toBe(way !== 'in the background');

      storage.heal();
      expect(await save(saver, way)).toBe('saved');
      expect(snapshotIn(storage.inner, before)).not.toBe(before);
      expect(saver.isLastBackgroundOk).toBe(true);
      expect(engine.core.stat(abi.STAT_DIRTY)).toBe(0);
    }
  }, 60_000);

  const random = Random.fresh();
  const draw = () => random.u32() / 2 ** 32;
  it(`a crash at any operation leaves the old file or the new one, seed ${random.seed}`, async () => {
    let isOver = false;
    for (let at = 1; !isOver; at++) {
      for (const after of [false, true]) {
        const inner = newStorage();
        expect(newSaver(inner).saveNow()).toBe(true);
        const before = snapshotIn(inner)!;
        await client.call('INCR', 'counter');
        const fault: Fault = { at, after, taken: draw() };
        const storage = new FaultyStorage(inner, fault);
        const outcome = await save(newSaver(storage), way);
        if (!storage.isDead) {
          expect(outcome).toBe('saved');
          isOver = true;
        }
        const now = snapshotIn(inner, before)!;
        for (let i = 0; i < CRASHES; i++) {
          const left = snapshotIn(inner.crash(draw), before, now);
          expect(left).toBeDefined();
          // What a client was told is saved stays saved.
          if (isOver) expect(left).not.toBe(before);
        }
      }
    }
  }, 60_000);
});

it('a save that is given up leaves nothing, and another one may follow at once', async () => {
  const storage = new FaultyStorage(newStorage());
  const saver = newSaver(storage);
  storage.holdsSyncs = true;
  const outcome = saver.startBackground();
  await waitUntil(() => storage.pendingSyncs > 0);
  saver.abort();
  expect(saver.isRunning).toBe(false);
  expect(storage.status(TEMPORARY)).toBeUndefined();
  expect(saver.saveNow()).toBe(true);
  const saved = snapshotIn(storage.inner)!;
  storage.releaseSyncs();
  expect(await outcome).toBe('aborted');
  expect(snapshotIn(storage.inner, saved)).toBe(saved);
  expect(saver.isLastBackgroundOk).toBe(true);
  expect(storage.inner.list('data')).toEqual(['dump.rdb']);
});

it('a save that is given up while its file is being put in place changes nothing', async () => {
  const storage = new FaultyStorage(newStorage());
  const saver = newSaver(storage);
  storage.holdsSyncs = true;
  const outcome = saver.startBackground();
  // Those in the middle, then the last one.
  await waitUntil(() => storage.pendingSyncs > 0);
  while (!isWholeRdb(Buffer.from(storage.inner.readFile(TEMPORARY)))) {
    storage.releaseSyncs();
    await waitUntil(() => storage.pendingSyncs > 0);
  }
  saver.abort();
  storage.releaseSyncs();
  expect(await outcome).toBe('aborted');
  expect(storage.inner.list('data')).toEqual([]);
});

it('changes that come during a background save count for the next one', async () => {
  const saver = newSaver(newStorage());
  await client.call('INCR', 'counter');
  const outcome = saver.startBackground();
  await client.call('INCR', 'counter');
  expect(await outcome).toBe('saved');
  expect(engine.core.stat(abi.STAT_DIRTY)).toBe(1);
});

async function waitUntil(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise(setImmediate);
}
