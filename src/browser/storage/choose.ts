// Where a store is kept.
//
//   auto:  where it is already ─> else OPFS, if this thread or a worker can have it ─> else IndexedDB
//
// A store that is in one of them is never opened anew in the other because the one fails today: the data would
// seem to be gone, and what is written meanwhile would be, once the first works again. So a place counts as
// empty only when it says so, or is forbidden to this page altogether (private windows of some browsers have
// no OPFS, or nothing at all): any other failure is STORAGE.

import { RespiteError } from '../../embedded/errors.ts';
import { part } from '../part.ts';
import type { Backend, BackendName } from './backend.ts';

// Fetched when they are needed: no store needs all of them.
const indexedDbFiles = () => part(import('./indexeddb_backend.ts'));
const opfsFiles = () => part(import('./opfs_backend.ts'));

export type StorageOption = 'auto' | BackendName;

export interface Storages {
  readonly storage: StorageOption;
  /** Starts the program files_worker.ts; absent where there are no workers. */
  readonly startFilesWorker?: (() => Worker) | undefined;
}

/** Opens the files of a store. Throws STORAGE, LOCKED or QUOTA; NOT_LOADED for a part of the program. */
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
  return (await indexedDbFiles()).databaseExists(store);
}

async function openFiles(store: string, { startFilesWorker }: Storages): Promise<Backend> {
  const { hasAccessHandles, openOpfs } = await opfsFiles();
  if (hasAccessHandles()) return openOpfs(store);
  if (startFilesWorker === undefined || typeof Worker === 'undefined') {
    throw new RespiteError('STORAGE', 'This browser has no private file system here');
  }
  return (await part(import('./port_backend.ts'))).openInFilesWorker(store, startFilesWorker);
}

/** Removes what is kept of a store that nobody has open. */
export async function removeStored(store: string): Promise<void> {
  await (await opfsFiles()).removeFolder(store);
  await (await indexedDbFiles()).removeDatabase(store);
}
