// Finds the commands in what a client sends, so that each can be looked at before it runs.
//
//   push(bytes) ─> requests, each with its own bytes; the rest waits for more
//
// Arrays of bulk strings and inline commands are read. What is neither is left to the engine: it knows the
// right error, and ends the connection. From there on everything is one request after the other without
// a name.

import { splitArguments } from '../config/quoting.ts';

export interface Request {
  /** The bytes as they were sent. */
  readonly bytes: Uint8Array;
  /** Name and arguments; none for what cannot be read. */
  readonly args: readonly Uint8Array[];
}

const ASTERISK = 42;
const DOLLAR = 36;
const CR = 13;
const LF = 10;
const EMPTY = new Uint8Array(0);
/** A longer line is none: the engine says so. */
const INLINE_BYTES_MAX = 64 * 1024;

/** Where reading came to: behind a request, or nowhere yet. */
type Outcome = { readonly end: number; readonly args: Uint8Array[] } | 'incomplete' | 'broken';

/** An array that is not whole: places count from where it begins. */
interface Progress {
  /** Arguments that are still to come. */
  left: number;
  at: number;
  /** Beginning and end of each argument, one after the other. */
  readonly places: number[];
}

export class RequestReader {
  /** The request that has begun, in room that may be larger. */
  private kept: Uint8Array = EMPTY;
  private keptBytes = 0;
  /** Fewer bytes than this cannot make the request whole. */
  private wantedBytes = 0;
  private progress: Progress | undefined;
  private isBroken = false;

  /** Whether a request has begun that is not whole. */
  get hasPartial(): boolean {
    return this.keptBytes > 0;
  }

  /** Reads bytes that belong to the reader from now on; returns the requests that are whole. */
  push(bytes: Uint8Array): Request[] {
    const all = this.keptBytes === 0 ? bytes : this.append(bytes);
    if (all.length < this.wantedBytes) return [];
    const requests: Request[] = [];
    let at = 0;
    while (at < all.length) {
      const outcome = this.isBroken ? 'broken' : this.read(all, at);
      if (outcome === 'incomplete') break;
      if (outcome === 'broken') {
        this.isBroken = true;
        requests.push({ bytes: all.subarray(at), args: [] });
        at = all.length;
      } else {
        requests.push({ bytes: all.subarray(at, outcome.end), args: outcome.args });
        at = outcome.end;
      }
    }
    this.keep(all, at);
    return requests;
  }

  /** What is kept, with `bytes` behind it. Room grows by doubling, so that no byte is copied often. */
  private append(bytes: Uint8Array): Uint8Array {
    const length = this.keptBytes + bytes.length;
    if (length > this.kept.length) {
      const larger = new Uint8Array(Math.max(length, this.kept.length * 2));
      larger.set(this.kept.subarray(0, this.keptBytes));
      this.kept = larger;
    }
    this.kept.set(bytes, this.keptBytes);
    this.keptBytes = length;
    return this.kept.subarray(0, length);
  }

  /** What is before `at` belongs to its requests, so nothing is written behind it in the same room. */
  private keep(all: Uint8Array, at: number): void {
    if (at > 0 || this.keptBytes === 0) this.kept = at === all.length ? EMPTY : all.subarray(at);
    this.keptBytes = all.length - at;
    if (this.keptBytes === 0) this.wantedBytes = 0;
  }

  private read(bytes: Uint8Array, from: number): Outcome {
    this.wantedBytes = 0;
    if (bytes[from] !== ASTERISK) return readInline(bytes, from);
    const outcome = this.readArray(bytes, from);
    if (outcome !== 'incomplete') this.progress = undefined;
    return outcome;
  }

  /** Goes on where the bytes ended last time. */
  private readArray(bytes: Uint8Array, from: number): Outcome {
    if (this.progress === undefined) {
      const head = readCount(bytes, from);
      if (typeof head === 'string') return head;
      this.progress = { left: head.count, at: head.end - from, places: [] };
    }
    const { progress } = this;
    for (; progress.left > 0; progress.left -= 1) {
      const at = from + progress.at;
      if (at >= bytes.length) return 'incomplete';
      if (bytes[at] !== DOLLAR) return 'broken';
      const length = readCount(bytes, at);
      if (typeof length === 'string') return length;
      const end = length.end + length.count;
      if (length.count < 0) return 'broken';
      if (end + 2 > bytes.length) {
        this.wantedBytes = end + 2 - from;
        return 'incomplete';
      }
      progress.places.push(length.end - from, end - from);
      progress.at = end + 2 - from;
    }
    const { places, at } = progress;
    const args: Uint8Array[] = [];
    for (let i = 0; i < places.length; i += 2) {
      args.push(bytes.subarray(from + (places[i] as number), from + (places[i + 1] as number)));
    }
    return { end: from + at, args };
  }
}

type Count = { readonly count: number; readonly end: number } | 'incomplete' | 'broken';

/** The number of a line such as "*3"; no count is longer than this. */
const COUNT_LINE_BYTES = 24;

function readCount(bytes: Uint8Array, from: number): Count {
  const end = bytes.indexOf(CR, from);
  if (end < 0 || end + 1 >= bytes.length) {
    return bytes.length - from > COUNT_LINE_BYTES ? 'broken' : 'incomplete';
  }
  const text = latin1(bytes.subarray(from + 1, Math.min(end, from + COUNT_LINE_BYTES)));
  return /^-?\d+$/.test(text) ? { count: Number(text), end: end + 2 } : 'broken';
}

function readInline(bytes: Uint8Array, from: number): Outcome {
  const end = bytes.indexOf(LF, from);
  if (end < 0) return bytes.length - from > INLINE_BYTES_MAX ? 'broken' : 'incomplete';
  const args = splitArguments(latin1(bytes.subarray(from, end)));
  if (args === null) return 'broken';
  return { end: end + 1, args: args.map(fromLatin1) };
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

function fromLatin1(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}
