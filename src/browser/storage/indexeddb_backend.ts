// Files as records of an IndexedDB database, which each store has one of.
//
//   files   name             -> length
//   chunks  [name, position] -> bytes from that position on, to the next chunk
//
// A write is one transaction, so it is there as a whole or not at all. Transactions on the same records take
// effect in the order in which they were begun, over all connections: a leader that comes after another
// one sees everything that one was told is there.

import { copyBytes } from '../../util/bytes.ts';
import type { Backend } from './backend.ts';
import { storageError } from './backend.ts';

const FILES = 'files';
const CHUNKS = 'chunks';
const VERSION = 1;
/** Chunks fetched with one request. */
const CHUNKS_AT_A_TIME = 64;

export interface IndexedDbEnvironment {
  readonly indexedDB: IDBFactory;
}

/** Name of the database of a store. */
export const databaseName = (store: string) => `respite:${store}`;

export async function openIndexedDb(
  store: string,
  environment: IndexedDbEnvironment = globalThis,
): Promise<Backend> {
  try {
    // A frame may be forbidden to read even the property.
    const { indexedDB } = environment;
    const request = indexedDB.open(databaseName(store), VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(FILES);
      request.result.createObjectStore(CHUNKS);
    };
    const database = await resultOf(request);
    return new IndexedDbBackend(database, () => openExisting(indexedDB, store));
  } catch (error) {
    throw storageError(error, 'opening a database');
  }
}

/**
 * Whether there is a database of a store: none, too, where there is no IndexedDB, or none for this page. Any
 * other failure is STORAGE, because it may be over tomorrow, and the database be there.
 */
export async function databaseExists(
  store: string,
  environment: Partial<IndexedDbEnvironment> = globalThis,
): Promise<boolean> {
  try {
    const { indexedDB } = environment;
    if (indexedDB === undefined) return false;
    // Firefox has not had it for long, and some browsers fail here only.
    const databases = await indexedDB.databases?.().catch(() => undefined);
    if (databases !== undefined) return databases.some(({ name }) => name === databaseName(store));
    (await openExisting(indexedDB, store)).close();
    return true;
  } catch (error) {
    const { name } = error as Error;
    if (name === GONE || name === 'SecurityError') return false;
    throw storageError(error, 'looking for a database');
  }
}

/** Removes the database of a store that nobody has open. */
export async function removeDatabase(
  store: string,
  environment: Partial<IndexedDbEnvironment> = globalThis,
): Promise<void> {
  if (!(await databaseExists(store, environment))) return;
  try {
    await resultOf(
      (environment as IndexedDbEnvironment).indexedDB.deleteDatabase(databaseName(store)),
    );
  } catch (error) {
    throw storageError(error, `removing ${store}`);
  }
}

const GONE = 'DatabaseGoneError';

/** Opens a database, and makes none where there is none: then the error's name is GONE. */
async function openExisting(indexedDB: IDBFactory, store: string): Promise<IDBDatabase> {
  const request = indexedDB.open(databaseName(store));
  let isNew = false;
  request.onupgradeneeded = () => {
    isNew = true;
    request.transaction?.abort();
  };
  try {
    return await resultOf(request);
  } catch (error) {
    throw isNew ? Object.assign(new Error('the database is gone'), { name: GONE }) : error;
  }
}

class IndexedDbBackend implements Backend {
  private readonly reopen: () => Promise<IDBDatabase>;
  /** Undefined when the browser has closed it. */
  private connected: Promise<IDBDatabase> | undefined;
  /** What `connected` gives, once it is there. */
  private database: IDBDatabase | undefined;
  private isEnded = false;
  private readonly lengths = new Map<string, number>();

  constructor(database: IDBDatabase, reopen: () => Promise<IDBDatabase>) {
    this.reopen = reopen;
    this.connected = Promise.resolve(this.adopt(database));
  }

  private adopt(database: IDBDatabase): IDBDatabase {
    this.database = database;
    // It may be told when there is another one already.
    database.onclose = () => {
      if (this.database === database) this.connected = undefined;
    };
    // Who deletes the store is not to wait for this connection; calls fail from then on.
    database.onversionchange = () => {
      this.isEnded = true;
      database.close();
    };
    return database;
  }

  async list(): Promise<Map<string, number>> {
    const stores = await this.begin('readonly', 'listing files');
    const [names, lengths] = await stores.done(
      Promise.all([resultOf(stores.files.getAllKeys()), resultOf(stores.files.getAll())]),
    );
    this.lengths.clear();
    names.forEach((name, i) => {
      this.lengths.set(String(name), lengths[i]);
    });
    return new Map(this.lengths);
  }

  async read(name: string, position: number, length: number): Promise<Uint8Array> {
    const end = Math.min(position + length, await this.lengthOf(name));
    const bytes = new Uint8Array(Math.max(end - position, 0));
    const stores = await this.begin('readonly', `reading ${name}`);
    await stores.done(this.copyInto(bytes, name, position, stores.chunks));
    return bytes;
  }

  private async copyInto(
    bytes: Uint8Array,
    name: string,
    position: number,
    chunks: IDBObjectStore,
  ): Promise<void> {
    const end = position + bytes.length;
    let at = position;
    while (at < end) {
      const first = await chunkAt(chunks, name, at);
      if (first === undefined) throw new Error(`${name} has a gap at ${at}`);
      const range = IDBKeyRange.bound([name, first], [name, end], false, true);
      const found: Uint8Array[] = await resultOf(chunks.getAll(range, CHUNKS_AT_A_TIME));
      let from = first;
      for (const chunk of found) {
        bytes.set(chunk.subarray(at - from, Math.min(chunk.length, end - from)), at - position);
        from += chunk.length;
        at = Math.min(from, end);
      }
      if (from <= first) throw new Error(`${name} has a gap at ${at}`);
    }
  }

  async write(
    name: string,
    position: number,
    bytes: Uint8Array,
    isDurable: boolean,
  ): Promise<void> {
    const isAtEnd = position === (this.lengths.get(name) ?? (position === 0 ? 0 : undefined));
    // Behind a failure it is not known what is there.
    this.lengths.delete(name);
    const stores = await this.begin(
      'readwrite',
      `writing ${name}`,
      isDurable ? 'strict' : 'relaxed',
    );
    if (!isAtEnd || position === 0) await this.cut(stores, name, position);
    const length = position + bytes.length;
    // Of a view the whole buffer would be kept.
    const chunk = bytes.length === bytes.buffer.byteLength ? bytes : copyBytes(bytes);
    if (chunk.length > 0) stores.chunks.put(chunk, [name, position]);
    stores.files.put(length, name);
    await stores.commit();
    this.lengths.set(name, length);
  }

  /** Takes away what is behind a position. */
  private async cut({ chunks }: Stores, name: string, position: number): Promise<void> {
    const first = position > 0 ? await chunkAt(chunks, name, position - 1) : undefined;
    if (first !== undefined) {
      const chunk: Uint8Array = await resultOf(chunks.get([name, first]));
      const kept = chunk.slice(0, position - first);
      if (kept.length < chunk.length) chunks.put(kept, [name, first]);
    }
    chunks.delete(IDBKeyRange.bound([name, position], [name, Number.POSITIVE_INFINITY]));
  }

  async remove(name: string): Promise<void> {
    this.lengths.delete(name);
    const stores = await this.begin('readwrite', `removing ${name}`);
    stores.chunks.delete(IDBKeyRange.bound([name, 0], [name, Number.POSITIVE_INFINITY]));
    stores.files.delete(name);
    await stores.commit();
  }

  async close(): Promise<void> {
    this.isEnded = true;
    (await this.connected?.catch(() => undefined))?.close();
  }

  private async lengthOf(name: string): Promise<number> {
    const known = this.lengths.get(name);
    if (known !== undefined) return known;
    const stores = await this.begin('readonly', `reading ${name}`);
    return (await stores.done(resultOf(stores.files.get(name)))) ?? 0;
  }

  /** Begins a transaction, over another connection when the browser has closed the one there was. */
  private async begin(
    mode: IDBTransactionMode,
    doing: string,
    durability: IDBTransactionDurability = 'default',
  ): Promise<Stores> {
    const open = (database: IDBDatabase) =>
      new Stores(database.transaction([FILES, CHUNKS], mode, { durability }), doing);
    try {
      const connected = this.connection();
      try {
        return open(await connected);
      } catch (error) {
        // It may be closed before that is told.
        if (this.isEnded || (error as Error).name !== 'InvalidStateError') throw error;
        if (this.connected === connected) this.connected = undefined;
        return open(await this.connection());
      }
    } catch (error) {
      throw storageError(error, doing);
    }
  }

  /** The connection that all calls wait for, so that they keep their order. */
  private connection(): Promise<IDBDatabase> {
    if (this.isEnded) return Promise.reject(new Error('the connection was closed'));
    if (this.connected === undefined) {
      this.database = undefined;
      const connected = this.reopen().then((database) => this.adopt(database));
      this.connected = connected;
      connected.catch(() => {
        if (this.connected === connected) this.connected = undefined;
      });
    }
    return this.connected;
  }
}

/** A transaction. */
class Stores {
  readonly files: IDBObjectStore;
  readonly chunks: IDBObjectStore;
  private readonly transaction: IDBTransaction;
  private readonly doing: string;
  private readonly completed: Promise<void>;

  constructor(transaction: IDBTransaction, doing: string) {
    this.files = transaction.objectStore(FILES);
    this.chunks = transaction.objectStore(CHUNKS);
    this.transaction = transaction;
    this.doing = doing;
    this.completed = new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error('it was aborted'));
    });
    // Whoever waits for a request first hears of it there.
    this.completed.catch(() => {});
  }

  /** Nothing comes behind what was asked for: it is done even if this thread ends now. */
  commit(): Promise<void> {
    this.transaction.commit?.();
    return this.done();
  }

  /** Resolves with the value once the transaction is complete. */
  async done<T>(value?: Promise<T>): Promise<T> {
    try {
      const found = await value;
      await this.completed;
      return found as T;
    } catch (error) {
      throw storageError(error, this.doing);
    }
  }
}

/** Where the chunk begins that a position lies in, or the last one before it. */
async function chunkAt(
  chunks: IDBObjectStore,
  name: string,
  position: number,
): Promise<number | undefined> {
  const range = IDBKeyRange.bound([name, 0], [name, position]);
  const cursor = await resultOf(chunks.openKeyCursor(range, 'prev'));
  return cursor === null ? undefined : (cursor.key as [string, number])[1];
}

function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
