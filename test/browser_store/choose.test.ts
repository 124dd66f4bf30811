// Where a store is found, made and removed, when parts of the browser's storage fail or are missing.

import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openBackend, removeStored, type StorageOption } from '../../src/browser/storage/choose.ts';
import { MemoryFile, MemoryOpfs } from '../support/memory_opfs.ts';

const bytes = (...values: number[]) => Uint8Array.from(values);

let opfs: MemoryOpfs;
let indexedDB: IDBFactory;

beforeEach(() => {
  opfs = new MemoryOpfs();
  indexedDB = new IDBFactory();
  vi.stubGlobal('navigator', { storage: opfs });
  vi.stubGlobal('FileSystemFileHandle', MemoryFile);
  vi.stubGlobal('indexedDB', indexedDB);
  vi.stubGlobal('IDBKeyRange', IDBKeyRange);
});

afterEach(() => {
  vi.unstubAllGlobals();
});

/** Opens the store, leaves a file there, and tells where that is. */
async function keepIn(storage: StorageOption): Promise<string> {
  const { backend, name } = await openBackend('notes', { storage });
  await backend.write('log-0', 0, bytes(1, 2, 3), true);
  await backend.close();
  return name;
}

/** Where the store is opened, and whether it has the file; the error's code when it is not. */
async function found(storage: StorageOption = 'auto'): Promise<string> {
  try {
    const { backend, name } = await openBackend('notes', { storage });
    const files = await backend.list();
    await backend.close();
    return files.has('log-0') ? name : `a new one in ${name}`;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

const databases = async () => (await indexedDB.databases()).map(({ name }) => name);

function withoutList(databasesCall: unknown): void {
  Object.defineProperty(indexedDB, 'databases', { value: databasesCall, configurable: true });
}

describe('a store in OPFS', () => {
  beforeEach(async () => {
    expect(await keepIn('auto')).toBe('opfs');
  });

  it.each(['UnknownError', 'InvalidStateError', 'NotReadableError', 'TypeError'])(
    'is not begun anew elsewhere when OPFS fails with %s',
    async (fault) => {
      opfs.directoryFault = fault;
      expect(await found()).toBe('STORAGE');
      opfs.directoryFault = undefined;
      opfs.handleFault = fault;
      expect(await found()).toBe('STORAGE');
      expect(await databases()).toEqual([]);
      opfs.handleFault = undefined;
      expect(await found()).toBe('opfs');
    },
  );
});

describe('a store in IndexedDB', () => {
  beforeEach(async () => {
    expect(await keepIn('indexeddb')).toBe('indexeddb');
  });

  it.each([
    ['cannot list databases', undefined],
    ['fails at listing them', () => Promise.reject(new DOMException('no', 'UnknownError'))],
  ])('is found by a browser that %s', async (_, call) => {
    withoutList(call);
    expect(await found()).toBe('indexeddb');
    expect(opfs.names()).toEqual([]);
  });

  it('is not begun anew elsewhere when IndexedDB fails', async () => {
    withoutList(undefined);
    const { open } = indexedDB;
    indexedDB.open = () => {
      throw new DOMException('no', 'UnknownError');
    };
    expect(await found()).toBe('STORAGE');
    expect(opfs.names()).toEqual([]);
    indexedDB.open = open;
    expect(await found()).toBe('indexeddb');
  });
});

describe('a new store', () => {
  it('leaves no database behind where one was looked for', async () => {
    withoutList(undefined);
    expect(await found()).toBe('a new one in opfs');
    Reflect.deleteProperty(indexedDB, 'databases');
    expect(await databases()).toEqual([]);
  });

  it('is in OPFS where IndexedDB is forbidden', async () => {
    Object.defineProperty(globalThis, 'indexedDB', {
      get: () => {
        throw new DOMException('no', 'SecurityError');
      },
      configurable: true,
    });
    expect(await found()).toBe('a new one in opfs');
    expect(await found('indexeddb')).toBe('STORAGE');
  });

  it.each([
    ['forbids OPFS', () => Object.assign(opfs, { directoryFault: 'SecurityError' })],
    ['has no OPFS', () => vi.stubGlobal('navigator', { storage: {} })],
    ['gives no access handles', () => Object.assign(opfs, { handleFault: 'UnknownError' })],
    [
      'has access handles of an earlier standard',
      () => Object.assign(opfs, { isOfEarlierStandard: true }),
    ],
    ['has no access handles', () => vi.stubGlobal('FileSystemFileHandle', class {})],
  ])('is in IndexedDB where the browser %s, and found there later', async (_, arrange) => {
    arrange();
    expect(await keepIn('auto')).toBe('indexeddb');
    expect(await found('opfs')).toBe('STORAGE');
    opfs.directoryFault = undefined;
    opfs.handleFault = undefined;
    opfs.isOfEarlierStandard = false;
    vi.stubGlobal('navigator', { storage: opfs });
    vi.stubGlobal('FileSystemFileHandle', MemoryFile);
    expect(await found()).toBe('indexeddb');
  });
});

describe('removing a store', () => {
  it.each(['opfs', 'indexeddb'] as const)('takes it out of %s, and no other one', async (where) => {
    await keepIn(where);
    const { backend } = await openBackend('other', { storage: where });
    await backend.write('log-0', 0, bytes(1), true);
    await backend.close();
    await removeStored('notes');
    await removeStored('never there');
    expect(await found(where)).toBe(`a new one in ${where}`);
    const other = await openBackend('other', { storage: 'auto' });
    expect(other.name).toBe(where);
    expect((await other.backend.list()).has('log-0')).toBe(true);
    await other.backend.close();
  });
});
