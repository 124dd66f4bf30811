// Files of the origin's private file system, through access handles: the only way to append to a file and
// to have it on the disk. Only dedicated workers have them; a page asks one (port_backend.ts), because
// what a page has itself, `createWritable`, writes a copy of the whole file for each change.
//
//   respite/<store>/<name>
//
// Handles are held until `close`, and the browser gives each to one owner. So an owner that is about to end
// and one that comes after it never write at the same time: the second one waits for the first.

import { RespiteError } from '../../embedded/errors.ts';
import type { Backend } from './backend.ts';
import { storageError } from './backend.ts';

const FOLDER = 'respite';
/** How long one waits for the owner before, which was killed or is closing. */
const WAIT_MS_MAX = 10_000;
const WAIT_MS = 20;

/** As in the standard; the types of the DOM have it for workers only. */
interface AccessHandle {
  read(into: Uint8Array, options: { at: number }): number;
  write(bytes: Uint8Array, options: { at: number }): number;
  truncate(length: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}

type FileHandle = FileSystemFileHandle & { createSyncAccessHandle(): Promise<AccessHandle> };

/** Whether access handles can be had in this thread. */
export function hasAccessHandles(): boolean {
  return (
    typeof FileSystemFileHandle === 'function' &&
    'createSyncAccessHandle' in FileSystemFileHandle.prototype
  );
}

/** A folder's name for any name of a store. */
export const folderName = (store: string) => encodeURIComponent(store).replaceAll('.', '%2E');

async function stores(create: boolean): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(FOLDER, { create });
}

/**
 * Whether there are files of a store: none, too, where there is no OPFS, or none for this page, as in a private
 * window. Any other failure is STORAGE, because it may be over tomorrow, and the files be there.
 */
export async function folderExists(store: string): Promise<boolean> {
  if (navigator.storage?.getDirectory === undefined) return false;
  try {
    await (await stores(false)).getDirectoryHandle(folderName(store));
    return true;
  } catch (error) {
    if (isOneOf(error, 'NotFoundError', 'SecurityError')) return false;
    throw storageError(error, 'looking for files');
  }
}

/** Removes the files of a store that nobody has open. */
export async function removeFolder(store: string): Promise<void> {
  if (!(await folderExists(store))) return;
  try {
    const all = await stores(false);
    await patiently(() => all.removeEntry(folderName(store), { recursive: true }));
  } catch (error) {
    throw storageError(error, `removing ${store}`);
  }
}

export async function openOpfs(store: string): Promise<Backend> {
  if (!hasAccessHandles()) {
    throw new RespiteError('STORAGE', 'This browser has no access handles for private files');
  }
  const isNew = !(await folderExists(store));
  try {
    const all = await stores(true);
    // A folder says that the data are here: it is made when files can be had.
    if (isNew) await probe(all, store);
    const folder = await all.getDirectoryHandle(folderName(store), { create: true });
    const backend = new OpfsBackend(folder);
    await backend.takeAll();
    return backend;
  } catch (error) {
    throw storageError(error, 'opening files');
  }
}

/** Throws where handles cannot be had, or are those of an earlier standard, whose calls answer later. */
async function probe(all: FileSystemDirectoryHandle, store: string): Promise<void> {
  // No folder has a point in its name.
  const name = `${folderName(store)}.probe`;
  const file = (await all.getFileHandle(name, { create: true })) as FileHandle;
  const handle = await patiently(() => file.createSyncAccessHandle());
  const isKnown = typeof handle.getSize() === 'number';
  await handle.close();
  await all.removeEntry(name);
  if (!isKnown) throw new Error('its access handles are of an earlier standard');
}

const isOneOf = (error: unknown, ...names: string[]) => names.includes((error as Error).name);

class OpfsBackend implements Backend {
  private readonly folder: FileSystemDirectoryHandle;
  private readonly handles = new Map<string, AccessHandle>();
  /** Calls, one after the other. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(folder: FileSystemDirectoryHandle) {
    this.folder = folder;
  }

  /** Opens everything that is there: when this is done, nobody else has it. */
  async takeAll(): Promise<void> {
    try {
      for await (const name of this.folder.keys()) await this.handle(name);
    } catch (error) {
      this.closeAll();
      throw error;
    }
  }

  list(): Promise<Map<string, number>> {
    return this.run('listing files', () => {
      const files = [...this.handles].map(([name, handle]) => [name, handle.getSize()] as const);
      return new Map(files);
    });
  }

  read(name: string, position: number, length: number): Promise<Uint8Array> {
    return this.run(`reading ${name}`, async () => {
      const handle = await this.handle(name);
      const bytes = new Uint8Array(Math.max(Math.min(length, handle.getSize() - position), 0));
      return bytes.subarray(0, handle.read(bytes, { at: position }));
    });
  }

  write(name: string, position: number, bytes: Uint8Array, isDurable: boolean): Promise<void> {
    return this.run(`writing ${name}`, async () => {
      const handle = await this.handle(name);
      const size = handle.getSize();
      if (size < position) throw new Error(`it ends at ${size}, before ${position}`);
      for (let done = 0; done < bytes.length; ) {
        const written = handle.write(bytes.subarray(done), { at: position + done });
        if (written === 0) throw new RespiteError('QUOTA', `There is no room for ${name}`);
        done += written;
      }
      if (size > position + bytes.length) handle.truncate(position + bytes.length);
      if (isDurable) handle.flush();
    });
  }

  remove(name: string): Promise<void> {
    return this.run(`removing ${name}`, async () => {
      this.handles.get(name)?.close();
      this.handles.delete(name);
      try {
        await this.folder.removeEntry(name);
      } catch (error) {
        if (!isOneOf(error, 'NotFoundError')) throw error;
      }
    });
  }

  close(): Promise<void> {
    return this.run('closing files', () => this.closeAll());
  }

  private closeAll(): void {
    for (const handle of this.handles.values()) handle.close();
    this.handles.clear();
  }

  /** Runs what only may run when all before it is done. */
  private run<T>(doing: string, action: () => T | Promise<T>): Promise<T> {
    const done = this.last.then(action).catch((error) => {
      throw storageError(error, doing);
    });
    this.last = done.catch(() => {});
    return done;
  }

  private async handle(name: string): Promise<AccessHandle> {
    const known = this.handles.get(name);
    if (known !== undefined) return known;
    const file = (await this.folder.getFileHandle(name, { create: true })) as FileHandle;
    const handle = await patiently(() => file.createSyncAccessHandle());
    this.handles.set(name, handle);
    return handle;
  }
}

/** Tries until the owner before has let go. */
async function patiently<T>(open: () => Promise<T>): Promise<T> {
  const began = performance.now();
  for (;;) {
    try {
      return await open();
    } catch (error) {
      const isTaken = isOneOf(error, 'NoModificationAllowedError');
      if (!isTaken || performance.now() - began > WAIT_MS_MAX) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  }
}
