// Expiring listpack: a small hash whose fields may expire, a listpack of triples.
//
//   field, value, expiry | field, value, expiry | ...         expiry: Unix milliseconds, 0 for none
//
// Triples lie in the order of their expiries, those without one last; of two that expire at the same
// time, the one set later lies behind. So the field that is due next is the first, and the expired
// ones are a prefix. A triple whose expiry changes is rotated to its new place in the block, which
// needs no memory beyond the few bytes by which the expiry itself grows.
//
// A field is referred to by the address of its name. It is good until the next change; functions that
// change the listpack return its new address, or 0 without memory: then nothing changed.
//
// O(bytes) of a small block. The order is that of Redis 7.4, in which HGETALL shows it.

import { copySmall } from '../util/bytes';
import {
  ListpackPtr,
  LP_EOF,
  LP_HDR_SIZE,
  lpAppend,
  lpAppendInteger,
  lpBytes,
  lpDeleteRange,
  lpEncode,
  lpEncodedBytes,
  lpEntry,
  lpFind,
  lpGet,
  lpLength,
  lpNew,
  lpReplaceInteger,
  lpReserve,
  lpSkip,
  lpValueInt,
  lpValueLen,
} from './listpack';

/** Elements of a field. */
export const TRIPLE: u32 = 3;
/** Bytes of an expiry that is none. */
const NO_EXPIRY_BYTES: u32 = 2;
const NO_EXPIRY: i64 = 0;

const CHUNK_BYTES: usize = 256;
const chunk: usize = memory.data(256, 8);

/** The triples of the fields and values of a listpack of pairs, none with an expiry; 0: no memory. */
export function tryTriplesOf(pairs: ListpackPtr): ListpackPtr {
  const lp = lpNew(lpBytes(pairs) + (lpLength(pairs) >> 1) * NO_EXPIRY_BYTES);
  if (lp == 0) return 0;
  let isValue = false;
  for (let p = pairs + LP_HDR_SIZE; load<u8>(p) != LP_EOF; p = lpSkip(p)) {
    const text = lpGet(p);
    if (text != 0) lpAppend(lp, text, lpValueLen);
    else lpAppendInteger(lp, lpValueInt);
    if (isValue) lpAppendInteger(lp, NO_EXPIRY);
    isValue = !isValue;
  }
  return lp;
}

/** A field, or 0. */
export function tripleFind(lp: ListpackPtr, field: usize, len: u32): usize {
  return lpFind(lp + LP_HDR_SIZE, field, len, TRIPLE - 1);
}

/** When a field expires, -1 for never. */
export function tripleExpiry(p: usize): i64 {
  lpGet(lpSkip(lpSkip(p)));
  return lpValueInt != NO_EXPIRY ? lpValueInt : -1;
}

/** The field behind one, or the end. */
export function tripleSkip(p: usize): usize {
  return lpSkip(lpSkip(lpSkip(p)));
}

/** Adds a field that is known to be absent, without an expiry. */
export function tryTripleAppend(
  lp: ListpackPtr,
  field: usize,
  len: u32,
  value: usize,
  valueLen: u32,
): ListpackPtr {
  lpEncode(field, len);
  let bytes = lpEncodedBytes + NO_EXPIRY_BYTES;
  lpEncode(value, valueLen);
  bytes += lpEncodedBytes;
  const roomy = lpReserve(lp, bytes);
  if (roomy == 0) return 0;
  lpAppend(roomy, field, len);
  lpAppend(roomy, value, valueLen);
  lpAppendInteger(roomy, NO_EXPIRY);
  return roomy;
}

/** Sets the expiry of the field at `p`, or takes it away (negative), which always succeeds. */
export function tryTripleSetExpiry(lp: ListpackPtr, p: usize, atMs: i64): ListpackPtr {
  const offset = p - lp;
  const stored = atMs >= 0 ? atMs : NO_EXPIRY;
  const changed = lpReplaceInteger(lp, lpSkip(lpSkip(p)), stored);
  if (changed == 0) return 0;
  const from = changed + offset;
  const end = lpSkip(lpEntry);
  const place = placeFor(changed, from, stored);
  if (place < from) rotate(place, from, end);
  else if (place > end) rotate(from, end, place);
  return changed;
}

/** Where a triple with such an expiry belongs, the one at `self` not counted. */
function placeFor(lp: ListpackPtr, self: usize, stored: i64): usize {
  if (stored == NO_EXPIRY) return lp + lpBytes(lp) - 1;
  let p = lp + LP_HDR_SIZE;
  while (load<u8>(p) != LP_EOF) {
    if (p != self) {
      const at = tripleExpiry(p);
      if (at < 0 || at > stored) return p;
    }
    p = tripleSkip(p);
  }
  return p;
}

/** Exchanges the bytes before and from `middle` on; costs least when one part is short. */
function rotate(first: usize, middle: usize, end: usize): void {
  if (middle - first <= end - middle) {
    for (let left = middle - first; left > 0; ) {
      const bytes = min(left, CHUNK_BYTES);
      copySmall(chunk, first, bytes);
      memory.copy(first, first + bytes, end - first - bytes);
      copySmall(end - bytes, chunk, bytes);
      left -= bytes;
    }
    return;
  }
  for (let right = end - middle; right > 0; ) {
    const bytes = min(right, CHUNK_BYTES);
    copySmall(chunk, end - bytes, bytes);
    memory.copy(first + bytes, first, end - first - bytes);
    copySmall(first, chunk, bytes);
    right -= bytes;
  }
}

/** When the first field expires, -1 when none does. */
export function triplesMinExpiry(lp: ListpackPtr): i64 {
  const first = lp + LP_HDR_SIZE;
  return load<u8>(first) != LP_EOF ? tripleExpiry(first) : -1;
}

/** How many fields expire before a time: they are the first. */
export function triplesExpired(lp: ListpackPtr, nowMs: i64): u32 {
  let count: u32 = 0;
  for (let p = lp + LP_HDR_SIZE; load<u8>(p) != LP_EOF; p = tripleSkip(p)) {
    const at = tripleExpiry(p);
    if (at < 0 || at >= nowMs) break;
    count += 1;
  }
  return count;
}

/** Removes the first `count` fields. Returns the listpack's address. */
export function triplesRemoveFirst(lp: ListpackPtr, count: u32): ListpackPtr {
  return lpDeleteRange(lp, 0, count * TRIPLE);
}
