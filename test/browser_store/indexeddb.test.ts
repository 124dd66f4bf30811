// Files in IndexedDB, and what all backends have in common. The other one, OPFS, is tested in Chromium.

import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Backend } from '../../src/browser/storage/backend.ts';
import { openIndexedDb } from '../../src/browser/storage/indexeddb_backend.ts';
import { PortBackend, serveBackend } from '../../src/browser/storage/port_backend.ts';
import { RespiteError } from '../../src/embedded/errors.ts';
import { MemoryBackend } from '../support/memory_backend.ts';
import { MemoryLocks } from '../support/memory_locks.ts';
import { Random } from '../support/random.ts';
import { StoreRig } from './rig.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);
const text = (found: Uint8Array) => [...found].join(' ');

beforeAll(() => {
  Object.assign(globalThis, { IDBKeyRange });
});

afterAll(() => {
  Object.assign(globalThis, { IDBKeyRange: undefined });
});

const factory = () => ({ indexedDB: new IDBFactory() });

async function overPort(): Promise<Backend> {
  const { port1, port2 } = new MessageChannel();
  const close = () => {
    port1.close();
    port2.close();
  };
  const backend = new PortBackend(port1, close, 'lock');
  void serveBackend(port2, async () => new MemoryBackend());
  await backend.opened();
  return backend;
}

describe.each([
  ['IndexedDB', () => openIndexedDb('test', factory())],
  ['a worker', overPort],
] as const)('files in %s', (_, open) => {
  it('are there with their lengths, and gone when they are removed', async () => {
    const backend = await open();
    await backend.write('a', 0, bytes(1, 2, 3), true);
    await backend.write('b', 0, bytes(), true);
    expect([...(await backend.list())].sort()).toEqual([
      ['a', 3],
      ['b', 0],
    ]);
    await backend.remove('a');
    await backend.remove('never there');
    expect([...(await backend.list())]).toEqual([['b', 0]]);
    expect(text(await backend.read('a', 0, 10))).toBe('');
    await backend.close();
  });

  it('are what was written, piece by piece, over and cut', async () => {
    const random = Random.fresh();
    const backend = await open();
    let model = new Uint8Array(0);
    for (let i = 0; i < 300; i++) {
      const position = random.chance(0.7) ? model.length : random.below(model.length + 1);
      const piece = Uint8Array.from({ length: random.below(20) }, () => random.below(256));
      await backend.write('file', position, piece, random.chance(0.5));
      const next = new Uint8Array(position + piece.length);
      next.set(model.subarray(0, position));
      next.set(piece, position);
      model = next;
      const from = random.below(model.length + 1);
      const length = random.below(40);
      expect(text(await backend.read('file', from, length)), `seed ${random.seed}`).toBe(
        text(model.subarray(from, from + length)),
      );
    }
    expect((await backend.list()).get('file')).toBe(model.length);
    await backend.close();
  });

  it('take calls that are made at once in their order', async () => {
    const backend = await open();
    await Promise.all([
      backend.write('a', 0, bytes(1, 2, 3, 4), false),
      backend.write('a', 4, bytes(5), true),
      backend.write('a', 2, bytes(9), true),
    ]);
    expect(text(await backend.read('a', 0, 10))).toBe('1 2 9');
    await backend.close();
  });
});

/** A database whose connections the test can close, as a browser does that is short of something. */
function closableFactory() {
  const where = factory();
  const connections: IDBDatabase[] = [];
  const { indexedDB } = where;
  const open = indexedDB.open.bind(indexedDB);
  indexedDB.open = (...args) => {
    const request = open(...args);
    request.addEventListener('success', () => connections.push(request.result));
    return request;
  };
  return { ...where, connections };
}

describe('IndexedDB', () => {
  it.each([true, false])(
    'goes on over another connection when the browser has closed one; it says so: %s',
    async (isTold) => {
      const where = closableFactory();
      const backend = await openIndexedDb('test', where);
      await backend.write('a', 0, bytes(1, 2), true);
      for (let i = 0; i < 2; i++) {
        where.connections[i]?.close();
        if (isTold) where.connections[i]?.onclose?.(new Event('close'));
        await Promise.all([
          backend.write('a', 2 + i * 2, bytes(3), true),
          backend.write('a', 3 + i * 2, bytes(4), true),
        ]);
      }
      expect(text(await backend.read('a', 0, 10))).toBe('1 2 3 4 3 4');
      expect(where.connections.length).toBe(3);
      await backend.close();
    },
  );

  it('makes no other database when the one it had was deleted', async () => {
    const where = closableFactory();
    const backend = await openIndexedDb('test', where);
    await backend.write('a', 0, bytes(1, 2), true);
    where.connections[0]?.close();
    await new Promise((resolve) => {
      where.indexedDB.deleteDatabase('respite:test').onsuccess = resolve;
    });
    for (let i = 0; i < 2; i++) {
      await expect(backend.write('a', 2, bytes(3), true)).rejects.toMatchObject({
        code: 'STORAGE',
      });
    }
    expect(await where.indexedDB.databases()).toEqual([]);
  });

  it('has many small pieces, more than are fetched at a time', async () => {
    const backend = await openIndexedDb('test', factory());
    for (let i = 0; i < 200; i++) await backend.write('a', i * 2, bytes(i, 1), true);
    expect((await backend.read('a', 0, 1000)).length).toBe(400);
    expect(text(await backend.read('a', 301, 4))).toBe('1 151 1 152');
  });

  it('keeps a store', async () => {
    const where = factory();
    const rig = await StoreRig.open(await openIndexedDb('kept', where), {
      compactionBytesMin: 5000,
    });
    for (let i = 0; i < 300; i++) await rig.call('SET', `key:${i % 30}`, `value ${i}`);
    const before = await rig.contents();
    await rig.store.close();
    const second = await StoreRig.open(await openIndexedDb('kept', where));
    expect(await second.contents()).toBe(before);
    await second.store.close();
  });

  it('tells with a code that the connection was taken away', async () => {
    const where = factory();
    const backend = await openIndexedDb('gone', where);
    await backend.close();
    await expect(backend.write('a', 0, bytes(1), true)).rejects.toMatchObject({ code: 'STORAGE' });
  });
});

it('calls of a worker that was ended do not wait for ever', async () => {
  const locks = new MemoryLocks();
  vi.stubGlobal('navigator', { locks });
  let end = () => {};
  void locks.request(
    'lock',
    () =>
      new Promise<void>((resolve) => {
        end = resolve;
      }),
  );
  const { port1, port2 } = new MessageChannel();
  const backend = new PortBackend(port1, () => {}, 'lock');
  // As the worker tells it.
  port2.postMessage({ id: -1 });
  const waiting = backend.read('a', 0, 1);
  setTimeout(() => end(), 20);
  const wasEnded = { code: 'STORAGE', message: expect.stringContaining('was ended') };
  await expect(waiting).rejects.toMatchObject(wasEnded);
  await expect(backend.list()).rejects.toMatchObject({ code: 'STORAGE' });
  expect(await backend.ended).toMatchObject(wasEnded);
  // There is nothing left to be closed.
  await backend.close();
  port1.close();
  port2.close();
  vi.unstubAllGlobals();
});

it('a worker that is closed has not come to an end by itself', async () => {
  const backend = await overPort();
  let isEnded = false;
  void backend.ended?.then(() => {
    isEnded = true;
  });
  await backend.close();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(isEnded).toBe(false);
  await expect(backend.list()).rejects.toMatchObject({ code: 'CLOSED' });
});

it('calls of a worker that has failed do not wait for ever', async () => {
  const { port1, port2 } = new MessageChannel();
  const backend = new PortBackend(port1, () => {}, 'lock');
  const waiting = backend.read('a', 0, 1);
  backend.fail(new RespiteError('STORAGE', 'the worker failed'));
  await expect(waiting).rejects.toThrow('the worker failed');
  await expect(backend.write('a', 0, bytes(1), true)).rejects.toThrow('the worker failed');
  port1.close();
  port2.close();
});
