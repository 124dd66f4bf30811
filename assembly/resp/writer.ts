// RESP2 and RESP3 replies of the running batch.
//
// One buffer serves the connection whose batch is running; the host takes its bytes when the batch
// returns. Callers write an aggregate's head and then its elements. Where the protocols differ the
// writer asks the running client's version, so handlers say what they mean once.
//
// When the buffer cannot grow, the rest of the reply is dropped, `outputLost` is set and the
// connection is closed: a client never sees a reply with a hole in it.

import { tryAlloc, tryRealloc, usableSize } from '../memory/alloc';
import { copySmall } from '../util/bytes';
import { digits10, F64_CHARS_MAX, formatF64, formatI64, formatU64 } from '../util/number_format';
import { client } from './connection';

const OUTPUT_MIN_BYTES: usize = 262144;
const OUTPUT_MAX_BYTES: u64 = 0xfff00000;
const OUTPUT_DOUBLING_BYTES: u64 = 0x8000000;
const SLACK: usize = 64;

let base: usize = 0;
let end: usize = 0; // SLACK bytes before the real end
let pos: usize = 0;
export let outputLost: bool = false;

export function writerInit(): void {
  base = tryAlloc(OUTPUT_MIN_BYTES);
  assert(base != 0);
  pos = base;
  end = base + OUTPUT_MIN_BYTES - SLACK;
}

export function outputPtr(): usize {
  return base;
}

export function outputLen(): u32 {
  return <u32>(pos - base);
}

/** Forgets everything behind the first `length` bytes. */
export function outputRewind(length: u32): void {
  pos = base + length;
}

/** What was written behind the whole reply of another connection was lost, and only that. */
export function setOutputLost(on: bool): void {
  outputLost = on;
}

/** Starts over, giving back a buffer that one big reply had blown up. */
export function outputReset(): void {
  pos = base;
  outputLost = false;
  if (end - base > OUTPUT_MIN_BYTES << 2) {
    // Cutting a run of pages always succeeds, and in place.
    base = tryRealloc(base, OUTPUT_MIN_BYTES);
    assert(base != 0);
    pos = base;
    end = base + OUTPUT_MIN_BYTES - SLACK;
  }
}

/** Makes room for `bytes` and a little more. False: memory is exhausted, the reply is lost. */
export function tryReserve(bytes: usize): bool {
  if (bytes <= end - pos && pos <= end) return true;
  return tryGrow(bytes);
}

/**
 * Grows by doubling, and long outputs by a quarter, so that appending costs linear time. A single
 * large piece gets what it needs and no more.
 */
function tryGrow(bytes: usize): bool {
  const length = pos - base;
  const wanted = <u64>length + bytes + SLACK;
  const spare = wanted < OUTPUT_DOUBLING_BYTES ? wanted : wanted >> 2;
  const roomy = wanted + min(spare, <u64>length);
  let grown: usize = 0;
  if (!outputLost && wanted <= OUTPUT_MAX_BYTES) {
    grown = tryRealloc(base, <usize>min(roomy, OUTPUT_MAX_BYTES));
    if (grown == 0) grown = tryRealloc(base, <usize>wanted);
  }
  if (grown == 0) {
    outputLost = true;
    return false;
  }
  base = grown;
  pos = grown + length;
  end = grown + usableSize(grown) - SLACK;
  return true;
}

/** Address for `bytes` that the host is about to write; 0 when memory is exhausted. */
export function outputReserve(bytes: usize): usize {
  return tryReserve(bytes) ? pos : 0;
}

/** The host wrote `bytes` at the reserved address. */
export function outputCommit(bytes: usize): void {
  pos += bytes;
}

// --- Raw bytes ---

export function replyRaw(ptr: usize, len: u32): void {
  if (!tryReserve(len)) return;
  copySmall(pos, ptr, len);
  pos += len;
}

function put(word: u64, bytes: u32): void {
  if (!tryReserve(8)) return;
  store<u64>(pos, word);
  pos += bytes;
}

/** Appends a literal's characters as bytes. */
export function replyText(text: string): void {
  const len = <u32>text.length;
  if (!tryReserve(len)) return;
  const from = changetype<usize>(text);
  for (let i: u32 = 0; i < len; i++) store<u8>(pos + i, load<u8>(from + (i << 1)));
  pos += len;
}

/** Appends an integer's digits, without a type or an end: for texts put together of parts. */
export function replyDigits(value: i64): void {
  if (tryReserve(32)) pos += formatI64(value, pos);
}

function replyHead(kind: u8, count: u64): void {
  if (!tryReserve(32)) return;
  store<u8>(pos, kind);
  const len = formatU64(count, pos + 1);
  store<u16>(pos + 1 + len, 0x0a0d);
  pos += 3 + len;
}

export function replyCrlf(): void {
  put(0x0a0d, 2);
}

// --- Scalars ---

/** +OK */
export function replyOk(): void {
  put(0x0a0d4b4f2b, 5);
}

export function replySimple(text: string): void {
  put(0x2b, 1);
  replyText(text);
  replyCrlf();
}

/** No value: a null bulk string in RESP2. */
export function replyNull(): void {
  if (client.resp == 2) put(0x0a0d312d24, 5);
  else put(0x0a0d5f, 3);
}

/** No value where an array was due: a null array in RESP2. */
export function replyNullArray(): void {
  if (client.resp == 2) put(0x0a0d312d2a, 5);
  else put(0x0a0d5f, 3);
}

export function replyInt(value: i64): void {
  if (<u64>value < 10) {
    put(0x0a0d303a + ((<u64>value) << 8), 4);
    return;
  }
  if (!tryReserve(32)) return;
  store<u8>(pos, 58);
  const len = formatI64(value, pos + 1);
  store<u16>(pos + 1 + len, 0x0a0d);
  pos += 3 + len;
}

export function replyBulk(ptr: usize, len: u32): void {
  if (!tryReserve(<usize>len + 24)) return;
  let at = pos;
  store<u8>(at, 36);
  if (len < 10) {
    store<u32>(at + 1, 0x0a0d30 + len);
    at += 4;
  } else {
    const digits = formatU64(len, at + 1);
    store<u16>(at + 1 + digits, 0x0a0d);
    at += 3 + digits;
  }
  copySmall(at, ptr, len);
  store<u16>(at + len, 0x0a0d);
  pos = at + len + 2;
}

/** An integer as a bulk string. */
export function replyBulkInt(value: i64): void {
  if (!tryReserve(64)) return;
  const magnitude = value < 0 ? <u64>0 - <u64>value : <u64>value;
  replyHead(36, digits10(magnitude) + <u32>(value < 0));
  pos += formatI64(value, pos);
  replyCrlf();
}

/** An unsigned integer as a bulk string. */
export function replyBulkU64(value: u64): void {
  if (!tryReserve(64)) return;
  replyHead(36, digits10(value));
  pos += formatU64(value, pos);
  replyCrlf();
}

export function replyBulkText(text: string): void {
  replyHead(36, text.length);
  replyText(text);
  replyCrlf();
}

/** A double: its shortest digits, as a bulk string in RESP2. */
export function replyDouble(value: f64): void {
  if (!tryReserve(80)) return;
  const len = formatF64(value, doubleText);
  if (client.resp == 3) {
    store<u8>(pos, 44);
    memory.copy(pos + 1, doubleText, len);
    store<u16>(pos + 1 + len, 0x0a0d);
    pos += 3 + len;
  } else replyBulk(doubleText, len);
}

const doubleText: usize = memory.data(<i32>F64_CHARS_MAX, 8);

export function replyBool(value: bool): void {
  if (client.resp == 3) put(value ? 0x0a0d7423 : 0x0a0d6623, 4);
  else replyInt(value ? 1 : 0);
}

// --- Aggregates ---

export function replyArray(count: u32): void {
  if (count < 10) put(0x0a0d302a + ((<u64>count) << 8), 4);
  else replyHead(42, count);
}

/** `pairs` keys, each followed by its value. */
export function replyMap(pairs: u32): void {
  if (client.resp == 3) replyHead(37, pairs);
  else replyArray(pairs << 1);
}

export function replySet(count: u32): void {
  if (client.resp == 3) replyHead(126, count);
  else replyArray(count);
}

/** Out-of-band data: its own kind in RESP3, an array in RESP2. */
export function replyPush(count: u32): void {
  if (client.resp == 3) replyHead(62, count);
  else replyArray(count);
}

/** Opens an array whose length is known only at its end; pass the result to `replyArrayEnd`. */
export function replyArrayStart(): u32 {
  const at = outputLen();
  if (tryReserve(16)) pos += 16;
  return at;
}

/** Closes such an array: its head takes the place kept for it and the elements move up. */
export function replyArrayEnd(at: u32, count: u32): void {
  closeHead(42, at, count);
}

/** Closes what `replyArrayStart` opened as a map of `pairs` keys and values; an array in RESP2. */
export function replyMapEnd(at: u32, pairs: u32): void {
  if (client.resp == 3) closeHead(37, at, pairs);
  else closeHead(42, at, pairs << 1);
}

function closeHead(kind: u8, at: u32, count: u32): void {
  if (outputLost) return;
  const start = base + at;
  const body = start + 16;
  const bytes = pos - body;
  store<u8>(start, kind);
  const len = formatU64(count, start + 1);
  store<u16>(start + 1 + len, 0x0a0d);
  memory.copy(start + 3 + len, body, bytes);
  pos = start + 3 + len + bytes;
}

const HEAD_MAX_BYTES: u32 = 128;
const headCopy: usize = memory.data(128, 8);

/**
 * Moves what was written from `head` on, HEAD_MAX_BYTES at most, in front of what was written from
 * `body` to there: for a head that is only known when its body is complete.
 */
export function replyHeadFirst(body: u32, head: u32): void {
  if (outputLost) return;
  const bytes = outputLen() - head;
  assert(bytes <= HEAD_MAX_BYTES);
  memory.copy(headCopy, base + head, bytes);
  memory.copy(base + body + bytes, base + body, head - body);
  memory.copy(base + body, headCopy, bytes);
}

// --- Error replies: see errors.ts, which counts them ---

/** Where the reply bytes written since `from` start, for looking at what a command answered. */
export function outputAt(from: u32): usize {
  return base + from;
}
