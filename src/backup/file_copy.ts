// Writes a file of a backup: counts and sums up what goes in, makes it durable at the end.

import { createHash } from 'node:crypto';
import type { ReadableFile } from '../storage/piece_reader.ts';
import type { Storage, StorageFile } from '../storage/storage.ts';
import { nextTurn } from '../util/next_turn.ts';
import { attempt, attemptLater } from './backup_error.ts';

const PIECE_BYTES = 1 << 20;
/** A flush now and then, so that the last one does not have everything left to do. */
const SYNC_BYTES = 32 << 20;

export interface Written {
  readonly bytes: number;
  readonly sha256: string;
}

export class FileCopy {
  private readonly path: string;
  private readonly file: StorageFile;
  private readonly hash = createHash('sha256');
  private bytes = 0;
  private unsynced = 0;

  constructor(storage: Storage, path: string) {
    this.path = path;
    this.file = attempt(`create ${path}`, () => storage.open(path, 'create'));
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.hash.update(bytes);
    this.bytes += bytes.length;
    this.unsynced += bytes.length;
    await attemptLater(`write ${this.path}`, async () => {
      await this.file.writeAsync(bytes);
      if (this.unsynced < SYNC_BYTES) return;
      this.unsynced = 0;
      await this.file.syncAsync();
    });
  }

  /** The file is whole and durable, but for its name. */
  async finish(): Promise<Written> {
    try {
      await attemptLater(`flush ${this.path}`, () => this.file.syncAsync());
    } finally {
      this.file.close();
    }
    return { bytes: this.bytes, sha256: this.hash.digest('hex') };
  }

  /** Gives up; what was written is left for whoever removes the folder. */
  abandon(): void {
    try {
      this.file.close();
    } catch {
      // Why it is given up counts more.
    }
  }
}

/** Hands out bytes of a file in order; they are valid until the next ones. */
export async function* piecesOf(
  file: ReadableFile,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(PIECE_BYTES, end - start)));
  for (let at = start; at < end; ) {
    await nextTurn();
    const got = file.read(buffer.subarray(0, Math.min(buffer.length, end - at)), at);
    if (got === 0) throw new RangeError('the file became shorter while it was read');
    at += got;
    yield buffer.subarray(0, got);
  }
}

/** Copies a part of a file into a new one. */
export async function copyRange(
  file: ReadableFile,
  range: { readonly start: number; readonly end: number },
  to: { readonly storage: Storage; readonly path: string },
  onBytes: (bytes: number) => void = () => {},
): Promise<Written> {
  const copy = new FileCopy(to.storage, to.path);
  try {
    for await (const piece of piecesOf(file, range.start, range.end)) {
      await copy.write(piece);
      onBytes(piece.length);
    }
  } catch (error) {
    copy.abandon();
    throw error;
  }
  return copy.finish();
}

/** Makes a file with this content. */
export async function writeWhole(
  storage: Storage,
  path: string,
  content: Uint8Array,
): Promise<Written> {
  const copy = new FileCopy(storage, path);
  try {
    await copy.write(content);
  } catch (error) {
    copy.abandon();
    throw error;
  }
  return copy.finish();
}

/** The sums of consecutive parts of a file, and of all of them together. */
export async function hashParts(
  file: ReadableFile,
  lengths: readonly number[],
  onBytes: (bytes: number) => void = () => {},
): Promise<{ readonly parts: readonly string[]; readonly whole: string }> {
  const whole = createHash('sha256');
  const parts: string[] = [];
  let at = 0;
  for (const length of lengths) {
    const hash = createHash('sha256');
    for await (const piece of piecesOf(file, at, at + length)) {
      hash.update(piece);
      whole.update(piece);
      onBytes(piece.length);
    }
    parts.push(hash.digest('hex'));
    at += length;
  }
  return { parts, whole: whole.digest('hex') };
}
