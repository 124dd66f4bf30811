// Where persistence keeps its files: a directory tree with files that are appended to, and made
// durable when asked to.
//
// Most calls are synchronous: whoever has to act on them at once (a snapshot that a client waits for,
// the log of a write that is about to be acknowledged) would gain nothing from a promise but ways to be
// overtaken. Work in the background uses the `Async` forms, which leave the thread free.
//
// Failures are errors with a `code` as Node has it: ENOENT, ENOSPC, EIO, EACCES, EROFS ...
// What a crash leaves: of a file, what was written before its last `sync`, and any part of what came
// after; of a directory, the entries of its last `syncDirectory`, and any of the later ones.

export interface FileStatus {
  readonly sizeBytes: number;
  readonly isDirectory: boolean;
  readonly modifiedMs: number;
}

/**
 * How a file is opened: `read` an existing one; `create` an empty one, in place of what is there;
 * `exclusive` an empty one where there is none (else EEXIST); `append` at the end of one that is made
 * when missing; `update` an existing one from its beginning.
 */
export type OpenMode = 'read' | 'create' | 'exclusive' | 'append' | 'update';

export interface StorageFile {
  readonly path: string;
  /** Bytes in the file. */
  size(): number;
  /**
   * Writes all bytes behind what was written before (`append`: behind the end of the file). A failure
   * may leave a part of them: the caller knows from `size`.
   */
  write(bytes: Uint8Array): void;
  /** The same without holding up the thread; `bytes` must not change before the promise settles. */
  writeAsync(bytes: Uint8Array): Promise<void>;
  /** Reads up to `into.length` bytes from a position; 0 at the end. */
  read(into: Uint8Array, position: number): number;
  /** What was written, and its length, is on the disk when this returns. */
  sync(): void;
  syncAsync(): Promise<void>;
  /** Cuts the file; what is written next goes behind the new end. */
  truncate(sizeBytes: number): void;
  close(): void;
}

export interface Storage {
  open(path: string, mode: OpenMode): StorageFile;
  /** The whole content of a file. */
  readFile(path: string): Uint8Array;
  /** Undefined when there is nothing of that name. */
  status(path: string): FileStatus | undefined;
  /** Names in a directory, sorted. */
  list(path: string): string[];
  /** Makes a directory and those above it; one that is there is no error. */
  makeDirectory(path: string): void;
  /** Gives a file another name, in place of what has it; a crash leaves the one or the other. */
  rename(from: string, to: string): void;
  /** The same without holding up the thread, which freeing a large file that had the name would. */
  renameAsync(from: string, to: string): Promise<void>;
  /** Another name for the same file, where the system has that; else EPERM or ENOTSUP. */
  link(from: string, to: string): void;
  remove(path: string): void;
  /** Removes a directory with everything in it; a missing one is no error. */
  removeTree(path: string): void;
  /** Makes the directory's entries durable: what was created, renamed and removed in it. */
  syncDirectory(path: string): void;
  syncDirectoryAsync(path: string): Promise<void>;
}
