// Files in IndexedDB, and what all backends have in common. The other one, OPFS, is tested in Chromium.

import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Backend } from '../../src/browser/storage/backend.ts';
import { openIndexedDb } from '../../src/browser/storage/indexeddb_backend.ts';
import { PortBackend, serveBackend } from '../../src/browser/storage/port_backend.ts';
import { MemoryBackend } from '../support/memory_backend.ts';
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
  const backend = new PortBackend(port1, () => {
    port1.close();
    port2.close();
  });
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

describe('IndexedDB', () => {
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

it('calls of a worker that has failed do not wait for ever', async () => {
  const { port1, port2 } = new MessageChannel();
  const backend = new PortBackend(port1, () => {});
  const waiting = backend.read('a', 0, 1);
  backend.fail(new Error('the worker failed'));
  await expect(waiting).rejects.toThrow('the worker failed');
  await expect(backend.write('a', 0, bytes(1), true)).rejects.toThrow('the worker failed');
  port1.close();
  port2.close();
});
