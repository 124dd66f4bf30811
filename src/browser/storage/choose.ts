// Where a store is kept, and getting rid of one.
//
//   auto:  where it is already ─> else OPFS, if this thread or a worker can have it ─> else IndexedDB
//
// A store that is in OPFS is never looked for in IndexedDB because OPFS fails today: the data would seem to be
// gone. Private windows of some browsers have no OPFS, or nothing at all: then the error is STORAGE.

import { RespiteError } from '../../embedded/errors.ts';
import { type Backend, type BackendName, storageError } from './backend.ts';
import type { Port } from './port_backend.ts';

// Fetched when they are needed: no store needs all of them.
const indexedDbFiles = () => import('./indexeddb_backend.ts');
const opfsFiles = () => import('./opfs_backend.ts');

export type StorageOption = 'auto' | BackendName;

export interface Storages {
  readonly storage: StorageOption;
  /** Starts the program files_worker.ts; absent where there are no workers. */
  readonly startFilesWorker?: (() => Worker) | undefined;
}

/** Opens the files of a store. Throws STORAGE, LOCKED or QUOTA. */
export async function openBackend(
  store: string,
  options: Storages,
): Promise<{ backend: Backend; name: BackendName }> {
  const { storage } = options;
  const isAuto = storage === 'auto';
  const isInOpfs = isAuto && (await (await opfsFiles()).folderExists(store));
  if (storage === 'opfs' || isInOpfs || (isAuto && !(await isInIndexedDb(store)))) {
    try {
      return { backend: await openFiles(store, options), name: 'opfs' };
    } catch (error) {
      if (!isAuto || isInOpfs || isOthers(error)) throw error;
    }
  }
  const { openIndexedDb } = await indexedDbFiles();
  return { backend: await openIndexedDb(store), name: 'indexeddb' };
}

/** It is there, and full or somebody's. */
function isOthers(error: unknown): boolean {
  const { code } = error as RespiteError;
  return code === 'QUOTA' || code === 'LOCKED';
}

async function isInIndexedDb(store: string): Promise<boolean> {
  try {
    const { databaseName } = await indexedDbFiles();
    const databases = await indexedDB.databases();
    return databases.some(({ name }) => name === databaseName(store));
  } catch {
    return false;
  }
}

async function openFiles(store: string, { startFilesWorker }: Storages): Promise<Backend> {
  const { hasAccessHandles, openOpfs } = await opfsFiles();
  if (hasAccessHandles()) return openOpfs(store);
  if (startFilesWorker === undefined || typeof Worker === 'undefined') {
    throw new RespiteError('STORAGE', 'This browser has no private file system here');
  }
  const { PortBackend } = await import('./port_backend.ts');
  let worker: Worker;
  try {
    worker = startFilesWorker();
  } catch (error) {
    throw storageError(error, 'starting a worker for files');
  }
  const backend = new PortBackend(worker as Port, () => worker.terminate());
  worker.onerror = (event) => {
    event.preventDefault();
    const reason = event.message || 'its program could not be loaded';
    backend.fail(new RespiteError('STORAGE', `The worker that has the files failed: ${reason}`));
  };
  try {
    worker.postMessage(store);
    await backend.opened();
    return backend;
  } catch (error) {
    worker.terminate();
    throw error;
  }
}

/** Removes what is kept of a store that nobody has open. */
export async function removeStored(store: string): Promise<void> {
  await (await opfsFiles()).removeFolder(store);
  if (!(await isInIndexedDb(store))) return;
  const { databaseName } = await indexedDbFiles();
  await new Promise<void>((resolve, reject) => {
    const request = indexedDB.deleteDatabase(databaseName(store));
    request.onsuccess = () => resolve();
    request.onerror = () => reject(storageError(request.error, `removing ${store}`));
  });
}
