// A snapshot file on its way to the disk: written under another name, made durable, then put in the
// place of the one before, so that a crash at any moment leaves the old one or the new one whole.
//
//   write ─> [ 1 MiB being filled ]      every 4 MiB: fsync, so that the last one does not have
//            [ 1 MiB being written ]     everything left to do
//   commit ─> rest, fsync, close, rename, fsync of the directory
//
// Bytes are copied: their source is linear memory, which commands change meanwhile. `write` answers
// with a promise only when both buffers are full.
//
// A file that is discarded loses its name at once, and is closed when the operation under way is over:
// closing it before would let another file have its descriptor.

import { joinPath } from '../storage/join_path.ts';
import type { Storage, StorageFile } from '../storage/storage.ts';
import type { SnapshotSink } from './parts.ts';

const BUFFER_BYTES = 1 << 20;
const SYNC_BYTES = 4 << 20;

export interface RdbFilePlace {
  readonly storage: Storage;
  readonly directory: string;
  readonly temporaryName: string;
  readonly name: string;
  /** `rdb-save-incremental-fsync` */
  readonly syncsWhileWriting: boolean;
}

/** At which step a file could not be saved. */
export type RdbFileStep = 'open' | 'write' | 'fsync' | 'close' | 'rename' | 'directory';

export class RdbFileError extends Error {
  readonly step: RdbFileStep;

  constructor(step: RdbFileStep, cause: unknown) {
    super(`the snapshot file failed at ${step}`, { cause });
    this.step = step;
  }
}

/** Not to be used after `commit` or `discard`, nor after it failed. */
export class RdbFile implements SnapshotSink {
  private readonly place: RdbFilePlace;
  private readonly path: string;
  private readonly file: StorageFile;
  private filling = new Uint8Array(0);
  private writing = new Uint8Array(0);
  private filledBytes = 0;
  private unsyncedBytes = 0;
  /** The operation under way; undefined while there is none. */
  private pending: Promise<void> | undefined;
  private failure: RdbFileError | undefined;
  private isDiscarded = false;

  /** Throws RdbFileError when the file cannot be made. */
  constructor(place: RdbFilePlace) {
    this.place = place;
    this.path = joinPath(place.directory, place.temporaryName);
    this.file = attempt('open', () => place.storage.open(this.path, 'create'));
  }

  // --- In the background ---

  write(bytes: Uint8Array): void | Promise<void> {
    let from = 0;
    for (;;) {
      if (this.failure) throw this.failure;
      from += this.take(bytes, from);
      if (this.filledBytes === BUFFER_BYTES && this.pending === undefined) this.startWriting();
      if (from === bytes.length) return;
      if (this.filledBytes === BUFFER_BYTES) return this.writeLater(bytes.subarray(from));
    }
  }

  /** The file is in its place, durably, when this resolves; nothing is left of it when it rejects. */
  async commit(): Promise<void> {
    try {
      await this.settled();
      if (this.filledBytes > 0) this.startWriting();
      await this.settled();
      this.begin(attemptLater('fsync', () => this.file.syncAsync()));
      await this.settled();
    } catch (error) {
      this.discard();
      throw error;
    }
    this.closeAndRename();
  }

  /** Copies what there is room for; returns how many bytes. */
  private take(bytes: Uint8Array, from: number): number {
    if (this.filling.length === 0) this.filling = new Uint8Array(BUFFER_BYTES);
    const count = Math.min(bytes.length - from, BUFFER_BYTES - this.filledBytes);
    this.filling.set(bytes.subarray(from, from + count), this.filledBytes);
    this.filledBytes += count;
    return count;
  }

  private async writeLater(rest: Uint8Array): Promise<void> {
    await this.settled();
    await this.write(rest);
  }

  /** Resolves when no operation is under way; rejects when one failed. */
  private async settled(): Promise<void> {
    while (this.pending) await this.pending;
    if (this.failure) throw this.failure;
    if (this.isDiscarded) throw new Error('the snapshot file was discarded');
  }

  /** Hands the buffer that was being filled to the disk. */
  private startWriting(): void {
    const full = this.filling.subarray(0, this.filledBytes);
    [this.filling, this.writing] = [this.writing, this.filling];
    this.filledBytes = 0;
    this.begin(this.writeOut(full));
  }

  private begin(operation: Promise<void>): void {
    this.pending = operation
      .catch((error: unknown) => {
        this.failure = error as RdbFileError;
      })
      .finally(() => {
        this.pending = undefined;
        if (this.isDiscarded) this.close();
        else if (this.filledBytes === BUFFER_BYTES && !this.failure) this.startWriting();
      });
  }

  private async writeOut(bytes: Uint8Array): Promise<void> {
    await attemptLater('write', () => this.file.writeAsync(bytes));
    this.unsyncedBytes += bytes.length;
    if (!this.place.syncsWhileWriting || this.unsyncedBytes < SYNC_BYTES) return;
    this.unsyncedBytes = 0;
    await attemptLater('fsync', () => this.file.syncAsync());
  }

  // --- While nothing else is served ---

  /** Throws RdbFileError; the file is still to be discarded then. */
  writeNow(bytes: Uint8Array): void {
    attempt('write', () => this.file.write(bytes));
    this.unsyncedBytes += bytes.length;
    if (!this.place.syncsWhileWriting || this.unsyncedBytes < SYNC_BYTES) return;
    this.unsyncedBytes = 0;
    attempt('fsync', () => this.file.sync());
  }

  /** As `commit`. */
  commitNow(): void {
    try {
      attempt('fsync', () => this.file.sync());
    } catch (error) {
      this.discard();
      throw error;
    }
    this.closeAndRename();
  }

  // --- The end ---

  /** Removes what was written so far. May be called at any time before `commit` is through. */
  discard(): void {
    if (this.isDiscarded) return;
    this.isDiscarded = true;
    this.removeQuietly();
    if (this.pending === undefined) this.close();
  }

  private closeAndRename(): void {
    const { storage, directory, name } = this.place;
    try {
      attempt('close', () => this.file.close());
      attempt('rename', () => storage.rename(this.path, joinPath(directory, name)));
    } catch (error) {
      this.isDiscarded = true;
      this.removeQuietly();
      throw error;
    }
    // From here on the new file may be what a crash leaves: it is not taken back.
    attempt('directory', () => storage.syncDirectory(directory));
  }

  private removeQuietly(): void {
    try {
      this.place.storage.remove(this.path);
    } catch {
      // The reason why it is not wanted any more is what counts.
    }
  }

  private close(): void {
    try {
      this.file.close();
    } catch {
      // The same.
    }
  }
}

function attempt<T>(step: RdbFileStep, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new RdbFileError(step, error);
  }
}

async function attemptLater(step: RdbFileStep, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    throw new RdbFileError(step, error);
  }
}
