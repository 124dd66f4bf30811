// The file system as Node gives it.

import {
  appendFile,
  closeSync,
  constants,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rename,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  write,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { errorCode } from '../util/system_error.ts';
import type { FileStatus, OpenMode, Storage, StorageFile } from './storage.ts';

const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_TRUNC } = constants;

/** Appending, also to new files: then the system puts everything behind the end, wherever that is. */
const FLAGS: Readonly<Record<OpenMode, number>> = {
  read: O_RDONLY,
  create: O_RDWR | O_CREAT | O_TRUNC | O_APPEND,
  exclusive: O_RDWR | O_CREAT | O_EXCL | O_APPEND,
  append: O_RDWR | O_CREAT | O_APPEND,
  update: O_RDWR,
};
const FILE_MODE = 0o644;

const fdatasyncAsync = promisify(fdatasync);
const fsyncSoon = promisify(fsync);
const renameSoon = promisify(rename);
const appendAsync = promisify(appendFile);
const writeAsync = promisify(write);

class NodeFile implements StorageFile {
  readonly path: string;
  private readonly fd: number;
  /**
   * For flushes in the background: the system tells each descriptor once that something could not be
   * written. One that two flushes shared would let the later one succeed with bytes that are lost.
   */
  private readonly backgroundFd: number | undefined;
  /** Where the next write goes; null leaves that to the system, which puts it behind the end. */
  private position: number | null;

  constructor(path: string, mode: OpenMode) {
    this.path = path;
    this.fd = openSync(path, FLAGS[mode], FILE_MODE);
    if (mode !== 'read') this.backgroundFd = this.openAgain();
    this.position = mode === 'update' ? 0 : null;
  }

  private openAgain(): number {
    try {
      return openSync(this.path, FLAGS.update);
    } catch (error) {
      closeSync(this.fd);
      throw error;
    }
  }

  size(): number {
    return fstatSync(this.fd).size;
  }

  write(bytes: Uint8Array): void {
    // The system may take less than it is given, for one when the disk is full.
    let at = 0;
    while (at < bytes.length) {
      const count = writeSync(this.fd, bytes, at, bytes.length - at, this.position);
      at += count;
      if (this.position !== null) this.position += count;
    }
  }

  writeAsync(bytes: Uint8Array): Promise<void> {
    if (this.position === null) return appendAsync(this.fd, bytes);
    return this.overwrite(bytes);
  }

  private async overwrite(bytes: Uint8Array): Promise<void> {
    let at = 0;
    while (at < bytes.length) {
      const { bytesWritten } = await writeAsync(
        this.fd,
        bytes,
        at,
        bytes.length - at,
        this.position,
      );
      at += bytesWritten;
      this.position = (this.position ?? 0) + bytesWritten;
    }
  }

  read(into: Uint8Array, position: number): number {
    return readSync(this.fd, into, 0, into.length, position);
  }

  sync(): void {
    fdatasyncSync(this.fd);
  }

  syncAsync(): Promise<void> {
    return fdatasyncAsync(this.backgroundFd ?? this.fd);
  }

  truncate(sizeBytes: number): void {
    ftruncateSync(this.fd, sizeBytes);
    if (this.position !== null) this.position = Math.min(this.position, sizeBytes);
  }

  close(): void {
    if (this.backgroundFd !== undefined) closeSync(this.backgroundFd);
    closeSync(this.fd);
  }
}

export class NodeStorage implements Storage {
  open(path: string, mode: OpenMode): StorageFile {
    return new NodeFile(path, mode);
  }

  readFile(path: string): Uint8Array {
    return readFileSync(path);
  }

  status(path: string): FileStatus | undefined {
    try {
      const found = statSync(path);
      return {
        sizeBytes: found.size,
        isDirectory: found.isDirectory(),
        modifiedMs: found.mtimeMs,
      };
    } catch (error) {
      if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
      throw error;
    }
  }

  list(path: string): string[] {
    return readdirSync(path).sort();
  }

  makeDirectory(path: string): void {
    mkdirSync(path, { recursive: true });
  }

  rename(from: string, to: string): void {
    renameSync(from, to);
  }

  renameAsync(from: string, to: string): Promise<void> {
    return renameSoon(from, to);
  }

  link(from: string, to: string): void {
    linkSync(from, to);
  }

  remove(path: string): void {
    unlinkSync(path);
  }

  removeTree(path: string): void {
    rmSync(path, { recursive: true, force: true });
  }

  syncDirectory(path: string): void {
    // Windows can neither open nor flush directories; renames are durable there by themselves.
    if (process.platform === 'win32') return;
    const fd = openSync(path, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }

  async syncDirectoryAsync(path: string): Promise<void> {
    if (process.platform === 'win32') return;
    const fd = openSync(path, 'r');
    try {
      await fsyncSoon(fd);
    } finally {
      closeSync(fd);
    }
  }
}
