// The state of a value that is being written, and what all types need for it: see encode.ts.
//
// A string that is long and not compressed is not written at once: the rest of it (`tailPtr`,
// `tailLen`) goes out before anything else. Writers of elements ask `isPaused` after every string and
// leave when it says so; the next step brings them back to where they were.

import { formatI64, I64_CHARS_MAX } from '../util/number_format';
import { RdbOutput, tryWriteInteger, tryWriteShort, writeBytes, writeLength } from './rdb_output';

@unmanaged
export class Encoder {
  type: u32;
  encoding: u32;
  block: usize;
  stage: u32; // 0: nothing is written
  rest: u32; // elements that are not
  position: u64; // of the next element: in a table, a tree or a listpack, or a node's address
  half: bool; // the first string of the element is written
  tailPtr: usize;
  tailLen: u32;
  limit: usize; // the step ends when the output has so many bytes
  earliest: i64; // hashes: the first expiry of a field
  group: u64; // streams: positions of the group, the consumer and the pending entry
  consumer: u64;
  pending: u64;
}

/** Bytes of the record. */
export const ENCODER_BYTES: i32 = 80;

/** Strings up to this length are not cut. */
const WHOLE_MAX_BYTES: u32 = 4096;

const digits: usize = memory.data(<i32>I64_CHARS_MAX, 8);

export function putString(x: Encoder, out: RdbOutput, ptr: usize, len: u32): void {
  if (tryWriteShort(out, ptr, len)) return;
  writeLength(out, len);
  x.tailPtr = ptr;
  x.tailLen = len;
  drain(x, out);
}

/** A string that is the text of an integer. */
export function putInteger(x: Encoder, out: RdbOutput, value: i64): void {
  if (!tryWriteInteger(out, value)) putString(x, out, digits, formatI64(value, digits));
}

/** Writes what the step has room for of a string that was begun. */
function drain(x: Encoder, out: RdbOutput): void {
  const room = x.limit > out.used ? x.limit - out.used : 0;
  const bytes = x.tailLen <= WHOLE_MAX_BYTES ? x.tailLen : <u32>min<usize>(x.tailLen, room);
  writeBytes(out, x.tailPtr, bytes);
  x.tailPtr += bytes;
  x.tailLen -= bytes;
}

/** Whether the step is to end here: it has written its share, or memory for it is exhausted. */
export function isPaused(x: Encoder, out: RdbOutput): bool {
  if (x.tailLen != 0) drain(x, out);
  return x.tailLen != 0 || out.used >= x.limit || out.lost;
}
