// Listpack: strings and integers one after the other in one block, readable from both ends.
//
//   0            4           6                                      bytes - 1
//   +------------+-----------+---------+---------+-- ... --+--------+------+
//   | bytes u32  | count u16 | element | element |         |element | 0xff |
//   +------------+-----------+---------+---------+-- ... --+--------+------+
//
//   element:  encoding and data | size of these, backwards ("backlen", 1 to 5 bytes)
//
//     0xxxxxxx                        integer 0 to 127
//     10llllll data                   string of up to 63 bytes
//     110xxxxx xxxxxxxx               13-bit integer, high bits first
//     1110llll llllllll data          string of up to 4095 bytes, high bits first
//     11110000 l l l l data           string, u32 length
//     11110001 .. 11110100 data       integer of 2, 3, 4 or 8 bytes
//     11111111                        the end
//
//   backlen:  seven bits to a byte, the highest first; all bytes but the first have the top bit set,
//             so that it can be read from its last byte. Its steps are at 127, 16382, 2097150 ...
//
// Numbers are little-endian. The bytes are Redis's: they go into DUMP payloads and files as they are.
//
// Invariants: `bytes` is the exact size; `count` is the number of elements, or LP_COUNT_UNKNOWN from
// 65,535 on (it may stay unknown when elements are removed, until somebody counts). A string that is
// the canonical text of an i64 is stored as an integer; foreign bytes may hold it either way, and
// integers in more bytes than needed, so comparisons are by value.
//
// A listpack is addressed by its block, which the caller owns. A call that adds or replaces returns
// the address from then on, or 0 when there is no memory or the size would exceed 32 bits: then
// nothing has changed. A call that removes returns the address and never fails. All of them
// invalidate element addresses; the one to go on with is in `lpEntry`. Strings to store must not lie
// in the listpack itself.
//
// Append O(1) amortized by the allocator's size classes; access by position, insertion and deletion
// O(bytes) with small factors: meant for some kilobytes.
//
// Two bytes beside a short string: twenty-byte elements take 22 bytes each. A block has the
// allocator's size for its bytes: 227 bytes (ten such elements) take 256.
//
// Foreign bytes must pass `lpValidate` before any other function sees them.
//
// Source: Sanfilippo, "Listpack specification". Differences from Redis: a block shrinks only when a
// quarter of it is idle, so that a queue does not copy itself with every element; random picks are
// exactly uniform.

import { free, tryAlloc, tryRealloc, usableSize } from '../memory/alloc';
import { bytesEqual, copySmall } from '../util/bytes';
import { formatI64 } from '../util/number_format';
import { parseI64, parseI64Value } from '../util/number_parse';
import { randomBelow } from '../util/prng';

/** The address of a listpack's block. */
export type ListpackPtr = usize;

export const LP_HDR_SIZE: usize = 6;
export const LP_EOF: u32 = 0xff;
/** Bytes of a listpack without elements. */
export const LP_EMPTY_BYTES: u32 = 7;
/** What `count` says when it cannot say. */
export const LP_COUNT_UNKNOWN: u32 = 0xffff;
/** No listpack grows beyond: users ask `lpSafeToAdd` where elements may be large. */
export const LP_MAX_BYTES: u32 = 1 << 30;
/** Room for an integer as text, for `lpGetText`. */
export const LP_INT_CHARS: u32 = 20;

/** Where `lpInsert` puts an element. */
export const LP_BEFORE: u32 = 0;
export const LP_AFTER: u32 = 1;
export const LP_REPLACE: u32 = 2;

const COUNT_OFFSET: usize = 4;

/** First bytes of elements; an encoding covers the values from its own to the next one. */
export const STR_6BIT: u32 = 0x80;
const INT_13BIT: u32 = 0xc0;
export const STR_6BIT_END: u32 = INT_13BIT;
const STR_12BIT: u32 = 0xe0;
const STR_32BIT: u32 = 0xf0;
const INT_16BIT: u32 = 0xf1;
const INT_24BIT: u32 = 0xf2;
const INT_32BIT: u32 = 0xf3;
const INT_64BIT: u32 = 0xf4;

const ASCII_ZERO: u32 = 48;
const ASCII_MINUS: u32 = 45;

/** The element that the last insertion wrote, or the one behind what was deleted (0: none is). */
export let lpEntry: usize = 0;
/** Length of the string that the last `lpGet` or `lpGetText` found. */
export let lpValueLen: u32 = 0;
/** The integer that the last `lpGet` found. */
export let lpValueInt: i64 = 0;
/** Position of the element that the last `lpNextRandom` found. */
export let lpRandomIndex: u32 = 0;

// --- The whole ---

/** An empty listpack with room for so many bytes, or 0 when there is no memory. */
export function lpNew(capacityBytes: usize): ListpackPtr {
  const lp = tryAlloc(max(capacityBytes, LP_EMPTY_BYTES));
  if (lp != 0) lpInit(lp);
  return lp;
}

/** Writes an empty listpack into memory of at least LP_EMPTY_BYTES. */
export function lpInit(lp: ListpackPtr): void {
  store<u32>(lp, LP_EMPTY_BYTES);
  store<u16>(lp, 0, COUNT_OFFSET);
  store<u8>(lp, LP_EOF, LP_HDR_SIZE);
}

export function lpFree(lp: ListpackPtr): void {
  free(lp);
}

/** Size of the listpack's contents. */
export function lpBytes(lp: ListpackPtr): u32 {
  return load<u32>(lp);
}

/** Size of the listpack's block: what it costs. */
export function lpBlockBytes(lp: ListpackPtr): usize {
  return usableSize(lp);
}

/** A copy, or 0 when there is no memory. */
export function lpDup(lp: ListpackPtr): ListpackPtr {
  const bytes = lpBytes(lp);
  const copy = tryAlloc(bytes);
  if (copy != 0) memory.copy(copy, lp, bytes);
  return copy;
}

/** Gives back what the block has beyond the contents. Returns the listpack's address. */
export function lpShrinkToFit(lp: ListpackPtr): ListpackPtr {
  const moved = tryRealloc(lp, lpBytes(lp));
  return moved != 0 ? moved : lp;
}

/** Whether the listpack (0: a new one) may grow by so many bytes. */
export function lpSafeToAdd(lp: ListpackPtr, addBytes: u64): bool {
  const bytes: u64 = lp != 0 ? lpBytes(lp) : 0;
  return bytes + addBytes <= LP_MAX_BYTES;
}

/**
 * The listpack with room for `addBytes` more, so that adding those cannot fail; 0 when there is no
 * memory, then it is as before.
 */
export function lpReserve(lp: ListpackPtr, addBytes: u64): ListpackPtr {
  return reserve(lp, addBytes + lpBytes(lp));
}

/** Number of elements. O(1) below 65,535; above it counts. */
export function lpLength(lp: ListpackPtr): u32 {
  const known: u32 = load<u16>(lp, COUNT_OFFSET);
  if (known != LP_COUNT_UNKNOWN) return known;
  let count: u32 = 0;
  for (let p = lp + LP_HDR_SIZE; load<u8>(p) != LP_EOF; p = lpSkip(p)) count++;
  if (count < LP_COUNT_UNKNOWN) store<u16>(lp, <u16>count, COUNT_OFFSET);
  return count;
}

function setHeader(lp: ListpackPtr, bytes: u32, count: u32): void {
  store<u32>(lp, bytes);
  store<u16>(lp, <u16>min(count, LP_COUNT_UNKNOWN), COUNT_OFFSET);
}

/** Adds to or takes from the number of elements, if that is known. */
function changeCount(lp: ListpackPtr, change: i32): void {
  const known: u32 = load<u16>(lp, COUNT_OFFSET);
  if (known != LP_COUNT_UNKNOWN) store<u16>(lp, <u16>(<i32>known + change), COUNT_OFFSET);
}

/** The block with room for `bytes`; 0 when there is no memory, then it is as before. */
function reserve(lp: ListpackPtr, bytes: u64): ListpackPtr {
  if (bytes <= usableSize(lp)) return lp;
  if (bytes > u32.MAX_VALUE) return 0;
  return tryRealloc(lp, <usize>bytes);
}

/** Shrinks the block when a quarter of it is idle. */
function release(lp: ListpackPtr): ListpackPtr {
  const usable = usableSize(lp);
  return <usize>lpBytes(lp) < usable - (usable >> 2) ? lpShrinkToFit(lp) : lp;
}

// --- Walking ---

/** Bytes of encoding and data of the element at `p`; 1 for the end. */
export function lpDataBytes(p: usize): u32 {
  const first: u32 = load<u8>(p);
  if (first < STR_6BIT) return 1;
  if (first < INT_13BIT) return 1 + (first & 0x3f);
  if (first < STR_12BIT) return 2;
  if (first < STR_32BIT) return 2 + (((first & 0xf) << 8) | load<u8>(p, 1));
  if (first == STR_32BIT) return 5 + load<u32>(p, 1);
  if (first <= INT_32BIT) return 2 + (first - STR_32BIT);
  return first == INT_64BIT ? 9 : 1;
}

/** Bytes of the backlen of an element of `size` bytes. */
export function lpBacklenBytes(size: u32): u32 {
  if (size <= 127) return 1;
  if (size < 16383) return 2;
  if (size < 2097151) return 3;
  return size < 268435455 ? 4 : 5;
}

/** The backlen whose last byte is at `p`. At most five bytes are read. */
function readBacklen(p: usize): u64 {
  let value: u64 = 0;
  let shift: u64 = 0;
  while (shift <= 28) {
    const byte: u64 = load<u8>(p);
    value |= (byte & 127) << shift;
    if (byte < 128) return value;
    shift += 7;
    p--;
  }
  return u64.MAX_VALUE;
}

/** The address behind the element at `p`: another element or the end. */
export function lpSkip(p: usize): usize {
  const first: u32 = load<u8>(p);
  if (first < STR_6BIT) return p + 2;
  if (first < INT_13BIT) return p + 2 + (first & 0x3f);
  const size = lpDataBytes(p);
  return p + size + lpBacklenBytes(size);
}

/** The first element, or 0. */
export function lpFirst(lp: ListpackPtr): usize {
  const p = lp + LP_HDR_SIZE;
  return load<u8>(p) != LP_EOF ? p : 0;
}

/** The last element, or 0. */
export function lpLast(lp: ListpackPtr): usize {
  return lpPrev(lp, lp + lpBytes(lp) - 1);
}

/** The element after the one at `p`, or 0. */
export function lpNext(p: usize): usize {
  const next = lpSkip(p);
  return load<u8>(next) != LP_EOF ? next : 0;
}

/** The element before the one at `p`, or 0; `p` may be the end. */
export function lpPrev(lp: ListpackPtr, p: usize): usize {
  if (p == lp + LP_HDR_SIZE) return 0;
  const last: u32 = load<u8>(p - 1);
  if (last < 128) return p - 1 - last;
  const size = <u32>readBacklen(p - 1);
  return p - size - lpBacklenBytes(size);
}

/**
 * The element at a position, from the last one backwards if that is negative (-1 the last), or 0.
 * Walks from the nearer end.
 */
export function lpSeek(lp: ListpackPtr, index: i64): usize {
  const count: i64 = load<u16>(lp, COUNT_OFFSET);
  let backwards = index < 0;
  if (count != LP_COUNT_UNKNOWN) {
    if (backwards) index += count;
    if (index < 0 || index >= count) return 0;
    backwards = index > count >> 1;
    if (backwards) index -= count;
  }
  if (!backwards) {
    let p = lp + LP_HDR_SIZE;
    while (index > 0 && load<u8>(p) != LP_EOF) {
      p = lpSkip(p);
      index--;
    }
    return load<u8>(p) != LP_EOF ? p : 0;
  }
  let p = lpLast(lp);
  while (index < -1 && p != 0) {
    p = lpPrev(lp, p);
    index++;
  }
  return p;
}

// --- Reading ---

/**
 * The address of the string at `p`, its length in `lpValueLen`; or 0 for an integer, which is then
 * in `lpValueInt`.
 */
export function lpGet(p: usize): usize {
  const first: u32 = load<u8>(p);
  if (first < STR_6BIT) {
    lpValueInt = first;
    return 0;
  }
  if (first < INT_13BIT) {
    lpValueLen = first & 0x3f;
    return p + 1;
  }
  return getLong(p, first);
}

/** `lpGet` for all but the two shortest encodings. */
function getLong(p: usize, first: u32): usize {
  if (first < STR_12BIT) {
    const bits = ((first & 0x1f) << 8) | load<u8>(p, 1);
    lpValueInt = <i32>(bits << 19) >> 19;
    return 0;
  }
  if (first < STR_32BIT) {
    lpValueLen = ((first & 0xf) << 8) | load<u8>(p, 1);
    return p + 2;
  }
  if (first == STR_32BIT) {
    lpValueLen = load<u32>(p, 1);
    return p + 5;
  }
  if (first == INT_16BIT) lpValueInt = load<i16>(p, 1);
  else if (first == INT_24BIT) lpValueInt = load<i32>(p) >> 8;
  else if (first == INT_32BIT) lpValueInt = load<i32>(p, 1);
  else {
    assert(first == INT_64BIT);
    lpValueInt = load<i64>(p, 1);
  }
  return 0;
}

/**
 * The address of the element at `p` as text, its length in `lpValueLen`. Integers are written to
 * `buffer`, which has room for LP_INT_CHARS.
 */
export function lpGetText(p: usize, buffer: usize): usize {
  const string = lpGet(p);
  if (string != 0) return string;
  lpValueLen = formatI64(lpValueInt, buffer);
  return buffer;
}

/** Whether the text may be an integer, after a look at its first byte. */
function looksInteger(s: usize, len: u32): bool {
  if (len - 1 >= LP_INT_CHARS) return false;
  const first: u32 = load<u8>(s);
  return first - ASCII_ZERO <= 9 || first == ASCII_MINUS;
}

/** Whether the element at `p` is equal to a string. */
export function lpCompare(p: usize, s: usize, len: u32): bool {
  const string = lpGet(p);
  if (string != 0) return lpValueLen == len && bytesEqual(string, s, len);
  return looksInteger(s, len) && parseI64(s, len) && parseI64Value == lpValueInt;
}

/**
 * The first element from `p` on that is equal to a string, or 0. Between two that are compared, `skip`
 * are passed over. `p` may be the end, not 0.
 */
export function lpFind(p: usize, s: usize, len: u32, skip: u32): usize {
  const isInt = looksInteger(s, len) && parseI64(s, len);
  const wanted = parseI64Value;
  while (true) {
    const first: u32 = load<u8>(p);
    if (first < STR_6BIT) {
      if (isInt && wanted == first) return p;
      p += 2;
    } else if (first < INT_13BIT) {
      const length = first & 0x3f;
      if (length == len && bytesEqual(p + 1, s, len)) return p;
      p += 2 + length;
    } else if (first == LP_EOF) {
      return 0;
    } else {
      const string = getLong(p, first);
      if (
        string != 0
          ? lpValueLen == len && bytesEqual(string, s, len)
          : isInt && wanted == lpValueInt
      )
        return p;
      p = lpSkip(p);
    }
    for (let i = skip; i != 0; i--) {
      if (load<u8>(p) == LP_EOF) return 0;
      p = lpSkip(p);
    }
  }
}

// --- Encoding ---

// The element that is about to be written: a string if `encodeString` is not 0, else an integer.
let encodeString: usize = 0;
let encodeLen: u32 = 0;
let encodeInt: i64 = 0;
/** Bytes of its encoding and data, and of these with the backlen. */
let encodeSize: u32 = 0;
/** Bytes of the element that the last `lpEncode` or `lpEncodeInteger` was given. */
export let lpEncodedBytes: u64 = 0;

/** Takes a string as the element to be written by `lpWriteEncoded`, and sets `lpEncodedBytes`. */
export function lpEncode(s: usize, len: u32): void {
  if (looksInteger(s, len) && parseI64(s, len)) {
    lpEncodeInteger(parseI64Value);
    return;
  }
  encodeString = s;
  encodeLen = len;
  if (len < 64) {
    encodeSize = 1 + len;
    lpEncodedBytes = 2 + len;
    return;
  }
  const size: u64 = <u64>len + (len < 4096 ? 2 : 5);
  encodeSize = <u32>size;
  lpEncodedBytes = size + lpBacklenBytes(encodeSize);
}

/** Takes an integer as the element to be written by `lpWriteEncoded`, and sets `lpEncodedBytes`. */
export function lpEncodeInteger(value: i64): void {
  encodeString = 0;
  encodeInt = value;
  encodeSize = integerSize(value);
  lpEncodedBytes = encodeSize + 1;
}

/** Bytes of the shortest encoding of an integer. */
function integerSize(value: i64): u32 {
  // The bits beside the sign, which also bound a negative value: -4096 has as many as 4095.
  const magnitude = <u64>(value ^ (value >> 63));
  if (magnitude <= 127 && value >= 0) return 1;
  if (magnitude <= 4095) return 2;
  if (magnitude <= 0x7fff) return 3;
  if (magnitude <= 0x7fffff) return 4;
  return magnitude <= 0x7fffffff ? 5 : 9;
}

/** Writes the element taken last, `lpEncodedBytes` bytes. */
export function lpWriteEncoded(p: usize): void {
  if (encodeString != 0) {
    if (encodeLen < 64) {
      store<u8>(p, STR_6BIT | encodeLen);
      copySmall(p + 1, encodeString, encodeLen);
      store<u8>(p + encodeSize, encodeSize);
      return;
    }
    writeLongString(p);
  } else {
    writeInteger(p);
  }
  lpWriteBacklen(p + encodeSize, encodeSize);
}

function writeLongString(p: usize): void {
  if (encodeLen < 4096) {
    store<u8>(p, STR_12BIT | (encodeLen >> 8));
    store<u8>(p, encodeLen, 1);
    memory.copy(p + 2, encodeString, encodeLen);
    return;
  }
  store<u8>(p, STR_32BIT);
  store<u32>(p, encodeLen, 1);
  memory.copy(p + 5, encodeString, encodeLen);
}

function writeInteger(p: usize): void {
  const value = encodeInt;
  if (encodeSize == 1) {
    store<u8>(p, <u8>value);
  } else if (encodeSize == 2) {
    store<u8>(p, INT_13BIT | ((<u32>value >> 8) & 0x1f));
    store<u8>(p, <u8>value, 1);
  } else if (encodeSize == 9) {
    store<u8>(p, INT_64BIT);
    store<i64>(p, value, 1);
  } else {
    store<u8>(p, STR_32BIT + encodeSize - 2);
    store<u16>(p, <u16>value, 1);
    if (encodeSize == 4) store<u8>(p, <u8>(value >> 16), 3);
    else if (encodeSize == 5) store<u16>(p, <u16>(value >> 16), 3);
  }
}

/** Writes the backlen of an element of `size` bytes. */
export function lpWriteBacklen(p: usize, size: u32): void {
  const count = lpBacklenBytes(size);
  let byte = p + count - 1;
  while (byte > p) {
    store<u8>(byte, (size & 127) | 128);
    size >>= 7;
    byte--;
  }
  store<u8>(p, size);
}

// --- Adding and replacing ---

/** Adds a string at the end. */
export function lpAppend(lp: ListpackPtr, s: usize, len: u32): ListpackPtr {
  lpEncode(s, len);
  return append(lp);
}

/** Adds an integer at the end. */
export function lpAppendInteger(lp: ListpackPtr, value: i64): ListpackPtr {
  lpEncodeInteger(value);
  return append(lp);
}

/** Adds a string at the start. */
export function lpPrepend(lp: ListpackPtr, s: usize, len: u32): ListpackPtr {
  lpEncode(s, len);
  return splice(lp, lp + LP_HDR_SIZE, 0);
}

/** Adds an integer at the start. */
export function lpPrependInteger(lp: ListpackPtr, value: i64): ListpackPtr {
  lpEncodeInteger(value);
  return splice(lp, lp + LP_HDR_SIZE, 0);
}

/** Puts a string before, after or in place of the element at `p`, as LP_* say. */
export function lpInsert(lp: ListpackPtr, p: usize, s: usize, len: u32, where: u32): ListpackPtr {
  lpEncode(s, len);
  return insert(lp, p, where);
}

/** Puts an integer before, after or in place of the element at `p`, as LP_* say. */
export function lpInsertInteger(lp: ListpackPtr, p: usize, value: i64, where: u32): ListpackPtr {
  lpEncodeInteger(value);
  return insert(lp, p, where);
}

export function lpReplace(lp: ListpackPtr, p: usize, s: usize, len: u32): ListpackPtr {
  return lpInsert(lp, p, s, len, LP_REPLACE);
}

export function lpReplaceInteger(lp: ListpackPtr, p: usize, value: i64): ListpackPtr {
  return lpInsertInteger(lp, p, value, LP_REPLACE);
}

function append(lp: ListpackPtr): ListpackPtr {
  const bytes = lpBytes(lp);
  const wanted = lpEncodedBytes + bytes;
  lp = reserve(lp, wanted);
  if (lp == 0) return 0;
  const p = lp + bytes - 1;
  lpWriteEncoded(p);
  store<u8>(p + <usize>lpEncodedBytes, LP_EOF);
  store<u32>(lp, <u32>wanted);
  changeCount(lp, 1);
  lpEntry = p;
  return lp;
}

function insert(lp: ListpackPtr, p: usize, where: u32): ListpackPtr {
  if (where == LP_BEFORE) return splice(lp, p, 0);
  const next = lpSkip(p);
  return where == LP_AFTER ? splice(lp, next, 0) : splice(lp, p, <u32>(next - p));
}

/** Writes the element taken last over the `replaced` bytes (0: none) of the one at `p`. */
function splice(lp: ListpackPtr, p: usize, replaced: u32): ListpackPtr {
  const bytes = lpBytes(lp);
  const offset = p - lp;
  const wanted = lpEncodedBytes + bytes - replaced;
  lp = reserve(lp, wanted);
  if (lp == 0) return 0;
  p = lp + offset;
  const added = <usize>lpEncodedBytes;
  if (added != replaced) copyTail(p + added, p + replaced, <usize>bytes - offset - replaced);
  lpWriteEncoded(p);
  store<u32>(lp, <u32>wanted);
  if (replaced == 0) changeCount(lp, 1);
  else lp = release(lp);
  lpEntry = lp + offset;
  return lp;
}

/** Moves the elements behind a place, of which there are often none. */
function copyTail(dst: usize, src: usize, len: usize): void {
  if (len == 1) store<u8>(dst, LP_EOF);
  else copySmall(dst, src, len);
}

// --- Removing ---

/** Removes the element at `p`. */
export function lpDelete(lp: ListpackPtr, p: usize): ListpackPtr {
  return cut(lp, p, lpSkip(p), 1);
}

/** Removes `num` elements, or all there are, from the one at `p` on. */
export function lpDeleteRangeWithEntry(lp: ListpackPtr, p: usize, num: u32): ListpackPtr {
  let end = p;
  let removed: u32 = 0;
  while (removed < num && load<u8>(end) != LP_EOF) {
    end = lpSkip(end);
    removed++;
  }
  return cut(lp, p, end, removed);
}

/** Removes `num` elements, or all there are, from a position on, which may count from the end. */
export function lpDeleteRange(lp: ListpackPtr, index: i64, num: u32): ListpackPtr {
  const p = num != 0 ? lpSeek(lp, index) : 0;
  if (p == 0) {
    lpEntry = 0;
    return lp;
  }
  const count: u32 = load<u16>(lp, COUNT_OFFSET);
  if (count != LP_COUNT_UNKNOWN) {
    const rest = <u32>(index < 0 ? -index : <i64>count - index);
    // Nothing needs to be looked at behind the place from which all goes.
    if (num >= rest) return cut(lp, p, lp + lpBytes(lp) - 1, rest);
  }
  return lpDeleteRangeWithEntry(lp, p, num);
}

/** Removes the elements whose addresses are in `addresses` (u32 each), in their order. */
export function lpBatchDelete(lp: ListpackPtr, addresses: usize, num: u32): ListpackPtr {
  if (num == 0) return lp;
  const end = lp + lpBytes(lp);
  const last = addresses + ((<usize>num - 1) << 2);
  let dst: usize = load<u32>(addresses);
  for (let at = addresses; at <= last; at += 4) {
    const from = lpSkip(load<u32>(at));
    const to = at < last ? <usize>load<u32>(at, 4) : end;
    assert(from <= to);
    copySmall(dst, from, to - from);
    dst += to - from;
  }
  store<u32>(lp, <u32>(dst - lp));
  changeCount(lp, -(<i32>num));
  lpEntry = 0;
  return release(lp);
}

/** Removes the `removed` elements from `p` up to `end`. */
function cut(lp: ListpackPtr, p: usize, end: usize, removed: u32): ListpackPtr {
  const bytes = lpBytes(lp);
  const offset = p - lp;
  copyTail(p, end, lp + bytes - end);
  store<u32>(lp, bytes - <u32>(end - p));
  changeCount(lp, -(<i32>removed));
  lp = release(lp);
  p = lp + offset;
  lpEntry = load<u8>(p) != LP_EOF ? p : 0;
  return lp;
}

// --- Two listpacks ---

/**
 * The elements of `first` followed by those of `second`, which both cease to exist. 0 when there is
 * no memory: then both are as before.
 */
export function lpMerge(first: ListpackPtr, second: ListpackPtr): ListpackPtr {
  assert(first != second);
  const firstBytes: usize = lpBytes(first);
  const secondBytes: usize = lpBytes(second);
  const bytes = <u64>firstBytes + secondBytes - LP_EMPTY_BYTES;
  const count = lpLength(first) + lpLength(second);
  let merged: ListpackPtr;
  if (firstBytes >= secondBytes) {
    merged = reserve(first, bytes);
    if (merged == 0) return 0;
    memory.copy(merged + firstBytes - 1, second + LP_HDR_SIZE, secondBytes - LP_HDR_SIZE);
    free(second);
  } else {
    merged = reserve(second, bytes);
    if (merged == 0) return 0;
    const start = merged + LP_HDR_SIZE;
    memory.copy(merged + firstBytes - 1, start, secondBytes - LP_HDR_SIZE);
    memory.copy(start, first + LP_HDR_SIZE, firstBytes - LP_EMPTY_BYTES);
    free(first);
  }
  setHeader(merged, <u32>bytes, count);
  return merged;
}

/** Bytes of a listpack that holds an integer so many times. */
export function lpEstimateBytesRepeatedInteger(value: i64, times: u32): u64 {
  return LP_EMPTY_BYTES + <u64>(integerSize(value) + 1) * times;
}

// --- Picking at random ---

/**
 * A random element, or with `step` 2 a random one of those at even positions. The listpack holds at
 * least `step` elements.
 */
export function lpRandom(lp: ListpackPtr, step: u32): usize {
  return lpSeek(lp, <i64>randomBelow(lpLength(lp) / step) * step);
}

/**
 * Walks on from `p`, at position `index`, to the next of `remaining` elements to be picked from there
 * to the end without repetition; returns it and sets `lpRandomIndex`. With `step` 2 only even positions
 * are picked. 0 at the end. Call it again with the element and position after the one returned.
 *
 * All choices are equally likely: an element is taken with the probability of what is wanted over
 * what is left.
 */
export function lpNextRandom(
  lp: ListpackPtr,
  p: usize,
  index: u32,
  remaining: u32,
  step: u32,
): usize {
  if (p == 0) return 0;
  const count = lpLength(lp);
  while (load<u8>(p) != LP_EOF) {
    if (index % step == 0) {
      const available = (count - index) / step;
      if (available != 0 && randomBelow(available) < remaining) {
        lpRandomIndex = index;
        return p;
      }
    }
    p = lpSkip(p);
    index++;
  }
  return 0;
}

/**
 * Writes the address of every `step`th element to `out`, u32 each, and returns how many they are:
 * for picks with repetition, shuffling and sorting.
 */
export function lpAddresses(lp: ListpackPtr, out: usize, step: u32): u32 {
  let written: u32 = 0;
  let index: u32 = 0;
  for (let p = lp + LP_HDR_SIZE; load<u8>(p) != LP_EOF; p = lpSkip(p)) {
    if (index == 0) {
      store<u32>(out + ((<usize>written) << 2), <u32>p);
      written++;
      index = step;
    }
    index--;
  }
  return written;
}

// --- Foreign bytes ---

/** Whether `size` bytes are a listpack: by header and end, and if `deep`, by every element. */
export function lpValidate(lp: usize, size: usize, deep: bool): bool {
  if (size < LP_EMPTY_BYTES || <usize>lpBytes(lp) != size || load<u8>(lp + size - 1) != LP_EOF)
    return false;
  if (!deep) return true;
  const end = lp + size - 1;
  let count: u32 = 0;
  let p = lp + LP_HDR_SIZE;
  while (p < end) {
    const length = validElementBytes(p, end);
    if (length == 0) return false;
    p += length;
    count++;
  }
  const stored: u32 = load<u16>(lp, COUNT_OFFSET);
  return stored == LP_COUNT_UNKNOWN || stored == count;
}

/** Bytes of the element at `p` if it is well-formed and ends at or before `end`; else 0. */
function validElementBytes(p: usize, end: usize): usize {
  const first: u32 = load<u8>(p);
  if (first > INT_64BIT) return 0;
  let header: usize = 1;
  if (first >= STR_12BIT && first < STR_32BIT) header = 2;
  else if (first == STR_32BIT) header = 5;
  if (header > end - p) return 0;
  if (first == STR_32BIT && load<u32>(p, 1) > <u32>(end - p)) return 0;
  const size = lpDataBytes(p);
  const backlen = lpBacklenBytes(size);
  const length = <usize>size + backlen;
  if (length > end - p) return 0;
  // It is read at most three bytes before the element, where the header still is.
  return readBacklen(p + length - 1) == size ? length : 0;
}
