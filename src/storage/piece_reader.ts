// Reads a file from one position to another in pieces, and hands out what was read in order.
//
//   +--------- used up ---------+---- unread ----+
//   ^ taken by `onTaken` later  ^ at             ^ end of what is in the buffer
//
// `has` asks whether so many bytes are in the buffer, `fill` gets them there. Whoever parses asks first,
// so that only the end of a piece costs a promise. Between two pieces the event loop turns.

import { nextTurn } from '../util/next_turn.ts';
import type { StorageFile } from './storage.ts';

const PIECE_BYTES = 1 << 20;

/** A file, or several that are read as one. */
export type ReadableFile = Pick<StorageFile, 'size' | 'read'>;

export interface PieceReaderOptions {
  /** Offset of the first byte; 0 unless given. */
  readonly start?: number;
  /** Offset behind the last byte; the end of the file unless given. */
  readonly end?: number;
  /** Gets every byte once, in order, when it was used up. */
  onTaken?(bytes: Uint8Array): void;
  /** Offset up to which the file was read, after each piece. */
  onProgress?(offset: number): void;
}

export class PieceReader {
  private readonly file: ReadableFile;
  private readonly end: number;
  private readonly options: PieceReaderOptions;
  private bytes: Buffer = Buffer.alloc(0);
  /** The next unread byte in the buffer, and the end of the unread ones. */
  private at = 0;
  private stop = 0;
  /** From here on `onTaken` has not seen what was used up. */
  private untaken = 0;
  /** Offset in the file of the buffer's first byte. */
  private base: number;

  constructor(file: ReadableFile, options: PieceReaderOptions = {}) {
    this.file = file;
    this.options = options;
    this.base = options.start ?? 0;
    this.end = Math.min(options.end ?? Number.POSITIVE_INFINITY, file.size());
  }

  /** Offset in the file of the next unread byte. */
  get offset(): number {
    return this.base + this.at;
  }

  /** Unread bytes in the buffer. */
  get buffered(): number {
    return this.stop - this.at;
  }

  /** Bytes up to the end, in the buffer or not. */
  get left(): number {
    return this.end - this.offset;
  }

  has(count: number): boolean {
    return this.stop - this.at >= count;
  }

  /** Gets at least `count` bytes into the buffer; false when the end comes before. */
  async fill(count: number): Promise<boolean> {
    while (!this.has(count)) {
      if (this.base + this.stop >= this.end) return false;
      await nextTurn();
      this.read(count);
    }
    return true;
  }

  private read(count: number): void {
    this.take();
    const unread = this.stop - this.at;
    const capacity = Math.min(Math.max(PIECE_BYTES, 2 * count), this.left);
    const target = capacity > this.bytes.length ? Buffer.allocUnsafe(capacity) : this.bytes;
    this.bytes.copy(target, 0, this.at, this.stop);
    this.bytes = target;
    this.base += this.at;
    this.at = 0;
    this.untaken = 0;
    this.stop = unread;
    const wanted = Math.min(target.length - unread, this.end - this.base - unread);
    const got = this.file.read(target.subarray(unread, unread + wanted), this.base + unread);
    // The file became shorter meanwhile.
    if (got === 0) throw new RangeError('the file ends sooner than its size said');
    this.stop += got;
    this.options.onProgress?.(this.base + this.stop);
  }

  private take(): void {
    if (this.untaken < this.at) this.options.onTaken?.(this.bytes.subarray(this.untaken, this.at));
    this.untaken = this.at;
  }

  /** Tells `onTaken` of everything that was used up. */
  flush(): void {
    this.take();
  }

  /** A byte `distance` behind the next unread one; it has to be in the buffer. */
  peek(distance = 0): number {
    return this.bytes[this.at + distance]!;
  }

  /** The unread bytes in the buffer; valid until the next `fill` or `skip`. */
  view(): Buffer {
    return this.bytes.subarray(this.at, this.stop);
  }

  /** Uses up bytes that are in the buffer. */
  advance(count: number): void {
    this.at += count;
  }

  /** Uses up bytes wherever they are; false when the end comes before. */
  async skip(count: number): Promise<boolean> {
    let left = count;
    while (left > this.buffered) {
      left -= this.buffered;
      this.at = this.stop;
      if (!(await this.fill(1))) return false;
    }
    this.at += left;
    return true;
  }
}
