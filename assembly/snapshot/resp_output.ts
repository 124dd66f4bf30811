// Commands in RESP written to an RdbOutput, with what a step of command_form.ts has room for.
//
// An argument of more than WHOLE_BYTES is not written at once: its head is, and the rest (`tailPtr`,
// `tailLen`) goes out before anything else. A second argument that comes while the first is not written waits
// behind it (`nextPtr`, `nextLen`), so that the two strings of an element are handed over together, while
// a walk is at them. Both have to stay where they are until they are written; texts of numbers, which do
// not, are copied to `text`.

import {
  F64_CHARS_MAX,
  formatF64Precise,
  formatI64,
  formatU64,
  I64_CHARS_MAX,
} from '../util/number_format';
import { ASTERISK, CRLF, DOLLAR, putHead } from '../util/resp_head';
import { putText } from '../util/text';
import { RdbOutput, writeBytes } from './rdb_output';

@unmanaged
export class RespTail {
  tailPtr: usize;
  tailLen: u32; // bytes not written
  hasTail: bool; // its line end is not
  hasNext: bool;
  nextPtr: usize;
  nextLen: u32;
  limit: usize; // the step ends when the output has so many bytes
  text0: u64; // digits of a number that waits: 24 bytes
  text1: u64;
  text2: u64;
}

/** Arguments up to this length are not cut. */
const WHOLE_BYTES: u32 = 4096;
const MINUS: u8 = 45;
const TEXT_BYTES: u32 = 24;

const scratch: usize = memory.data(64, 8);
const number: usize = memory.data(64, 8);

function writeHead(out: RdbOutput, kind: u8, value: u32): void {
  writeBytes(out, scratch, <u32>(putHead(scratch, kind, value) - scratch));
}

function writeLineEnd(out: RdbOutput): void {
  store<u16>(scratch, CRLF);
  writeBytes(out, scratch, 2);
}

/** Whether the step is to end here. What was begun is written on, as far as there is room. */
export function respPaused(x: RespTail, out: RdbOutput): bool {
  while (x.hasTail && !out.lost && out.used < x.limit) writeTail(x, out);
  return x.hasTail || out.lost || out.used >= x.limit;
}

function writeTail(x: RespTail, out: RdbOutput): void {
  const room = x.limit - out.used;
  const bytes = x.tailLen <= WHOLE_BYTES ? x.tailLen : <u32>min<usize>(x.tailLen, room);
  writeBytes(out, x.tailPtr, bytes);
  x.tailPtr += bytes;
  x.tailLen -= bytes;
  if (x.tailLen != 0) return;
  writeLineEnd(out);
  x.hasTail = x.hasNext;
  if (!x.hasNext) return;
  x.hasNext = false;
  x.tailPtr = x.nextPtr;
  x.tailLen = x.nextLen;
  writeHead(out, DOLLAR, x.tailLen);
}

/** Begins a command of `count` arguments. */
export function respStart(out: RdbOutput, count: u32): void {
  writeHead(out, ASTERISK, count);
}

/** An argument that is written now, however long it is. */
export function respWhole(out: RdbOutput, ptr: usize, len: u32): void {
  writeHead(out, DOLLAR, len);
  writeBytes(out, ptr, len);
  writeLineEnd(out);
}

/** An argument, of which the rest may be left to the next step. At most two in a row. */
export function respBytes(x: RespTail, out: RdbOutput, ptr: usize, len: u32): void {
  if (x.hasTail) {
    assert(!x.hasNext);
    x.hasNext = true;
    x.nextPtr = ptr;
    x.nextLen = len;
    return;
  }
  if (len <= WHOLE_BYTES) {
    respWhole(out, ptr, len);
    return;
  }
  writeHead(out, DOLLAR, len);
  x.tailPtr = ptr;
  x.tailLen = len;
  x.hasTail = true;
}

/** The text of a number as an argument, which may have to wait. */
export function respNumber(x: RespTail, out: RdbOutput, value: i64): void {
  const text = changetype<usize>(x) + offsetof<RespTail>('text0');
  if (I64_CHARS_MAX > TEXT_BYTES) ERROR('room for a number');
  respBytes(x, out, text, formatI64(value, text));
}

/** A number as an argument, when nothing can be waiting. */
export function respInt(out: RdbOutput, value: i64): void {
  respWhole(out, number, formatI64(value, number));
}

export function respU64(out: RdbOutput, value: u64): void {
  respWhole(out, number, formatU64(value, number));
}

/** A score, with all its digits. */
export function respScore(out: RdbOutput, value: f64): void {
  if (F64_CHARS_MAX > 64) ERROR('room for a score');
  respWhole(out, number, formatF64Precise(value, number));
}

/** The id of an entry of a stream. */
export function respId(out: RdbOutput, ms: u64, seq: u64): void {
  const len = formatU64(ms, number);
  store<u8>(number + len, MINUS);
  respWhole(out, number, len + 1 + formatU64(seq, number + len + 1));
}

/** A literal as an argument. */
export function respText(out: RdbOutput, text: string): void {
  const end = putText(number, text);
  respWhole(out, number, <u32>(end - number));
}
