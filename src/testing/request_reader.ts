// Finds the commands in what a client sends, so that each can be looked at before it runs.
//
//   push(bytes) ─> requests, each with its own bytes; the rest waits for more
//
// Arrays of bulk strings and inline commands are read. What is neither is left to the engine: it knows the
// right error, and ends the connection. From there on everything is one request after the other without
// a name.

import { splitArguments } from '../config/quoting.ts';
import { concatBytes } from '../util/bytes.ts';

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

/** Where reading came to: behind a request, or nowhere yet. */
type Outcome = { readonly end: number; readonly args: Uint8Array[] } | 'incomplete' | 'broken';

export class RequestReader {
  private pieces: Uint8Array[] = [];
  private keptBytes = 0;
  /** Fewer bytes than this cannot make the request whole. */
  private wantedBytes = 0;
  private isBroken = false;

  /** Whether a request has begun that is not whole. */
  get hasPartial(): boolean {
    return this.keptBytes > 0;
  }

  /** Reads bytes that belong to the reader from now on; returns the requests that are whole. */
  push(bytes: Uint8Array): Request[] {
    this.pieces.push(bytes);
    this.keptBytes += bytes.length;
    if (this.keptBytes < this.wantedBytes) return [];
    const all = this.pieces.length === 1 ? bytes : concatBytes(this.pieces);
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
    this.keep(all.subarray(at));
    return requests;
  }

  private keep(rest: Uint8Array): void {
    this.pieces = rest.length === 0 ? [] : [rest];
    this.keptBytes = rest.length;
    if (rest.length === 0) this.wantedBytes = 0;
  }

  private read(bytes: Uint8Array, from: number): Outcome {
    this.wantedBytes = 0;
    return bytes[from] === ASTERISK ? this.readArray(bytes, from) : readInline(bytes, from);
  }

  private readArray(bytes: Uint8Array, from: number): Outcome {
    const head = readCount(bytes, from);
    if (typeof head === 'string') return head;
    const args: Uint8Array[] = [];
    let at = head.end;
    for (let left = head.count; left > 0; left -= 1) {
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
      args.push(bytes.subarray(length.end, end));
      at = end + 2;
    }
    return { end: at, args };
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
  if (end < 0) return 'incomplete';
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
