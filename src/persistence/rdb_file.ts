// A snapshot file on its way to the disk: written under another name, made durable, then put in the
// place of the one before, so that a crash at any moment leaves the old one or the new one whole.
//
//   write ...          an fsync every so often, so that the last one does not have everything left to do
//   commit             fsync, close, rename, fsync of the directory
//
// One operation runs at a time. A file that is discarded loses its name at once, and is closed when the
// operation under way is over: closing it before would let another file have its descriptor.

import { joinPath } from '../storage/join_path.ts';
import type { Storage, StorageFile } from '../storage/storage.ts';
import type { SnapshotSink } from './snapshotter.ts';

export interface RdbFilePlace {
  readonly storage: Storage;
  readonly directory: string;
  readonly temporaryName: string;
  readonly name: string;
  /** Bytes between two fsyncs while the file is written, 0 for none of them. */
  readonly syncEveryBytes: number;
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

export class RdbFile implements SnapshotSink {
  private readonly place: RdbFilePlace;
  private readonly path: string;
  private readonly file: StorageFile;
  private unsyncedBytes = 0;
  private isBusy = false;
  /** Committed, discarded, or on the way there: nothing may be written any more. */
  private isOver = false;

  /** Throws RdbFileError when the file cannot be made. */
  constructor(place: RdbFilePlace) {
    this.place = place;
    this.path = joinPath(place.directory, place.temporaryName);
    this.file = attempt('open', () => place.storage.open(this.path, 'create'));
  }

  // --- In the background ---

  /** `bytes` must not change before the promise settles. After a failure only `discard` is of use. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.run('write', () => this.file.writeAsync(bytes));
    if (this.isDueForSync(bytes.length)) await this.run('fsync', () => this.file.syncAsync());
  }

  /** The file is in its place, durably, when this resolves; still to be discarded when it rejects. */
  async commit(): Promise<void> {
    await this.run('fsync', () => this.file.syncAsync());
    const { storage, directory } = this.place;
    this.isOver = true;
    try {
      attempt('close', () => this.file.close());
      await attemptSoon('rename', () => storage.renameAsync(this.path, this.target));
    } catch (error) {
      this.removeQuietly();
      throw error;
    }
    // From here on the new file may be what a crash leaves: it is not taken back.
    await attemptSoon('directory', () => storage.syncDirectoryAsync(directory));
  }

  private get target(): string {
    return joinPath(this.place.directory, this.place.name);
  }

  private async run(step: RdbFileStep, operation: () => Promise<void>): Promise<void> {
    if (this.isOver || this.isBusy) throw new Error('the snapshot file takes no operation now');
    this.isBusy = true;
    try {
      await operation();
    } catch (error) {
      throw new RdbFileError(step, error);
    } finally {
      this.isBusy = false;
      if (this.isOver) this.closeQuietly();
    }
    if (this.isOver) throw new Error('the snapshot file was discarded');
  }

  // --- While nothing else is served ---

  /** As `write`, at once. */
  writeNow(bytes: Uint8Array): void {
    attempt('write', () => this.file.write(bytes));
    if (this.isDueForSync(bytes.length)) attempt('fsync', () => this.file.sync());
  }

  /** As `commit`, at once. */
  commitNow(): void {
    attempt('fsync', () => this.file.sync());
    const { storage, directory } = this.place;
    this.isOver = true;
    try {
      attempt('close', () => this.file.close());
      attempt('rename', () => storage.rename(this.path, this.target));
    } catch (error) {
      this.removeQuietly();
      throw error;
    }
    attempt('directory', () => storage.syncDirectory(directory));
  }

  // --- The end ---

  /** Removes what was written so far, unless it is in its place already. */
  discard(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.removeQuietly();
    if (!this.isBusy) this.closeQuietly();
  }

  private isDueForSync(bytes: number): boolean {
    this.unsyncedBytes += bytes;
    const { syncEveryBytes } = this.place;
    if (syncEveryBytes === 0 || this.unsyncedBytes < syncEveryBytes) return false;
    this.unsyncedBytes = 0;
    return true;
  }

  private removeQuietly(): void {
    try {
      this.place.storage.remove(this.path);
    } catch {
      // The reason why it is not wanted any more is what counts.
    }
  }

  private closeQuietly(): void {
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

async function attemptSoon(step: RdbFileStep, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    throw new RdbFileError(step, error);
  }
}
