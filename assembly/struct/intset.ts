// Intset: a small set of integers as one sorted array.
//
//   0               4              8
//   +---------------+--------------+--------+--------+-- ... --+
//   | encoding u32  | length u32   | value  | value  |         |
//   +---------------+--------------+--------+--------+-- ... --+
//
//   encoding: bytes of each value, 2, 4 or 8. Values are signed, little-endian, ascending, unique.
//
// The bytes are Redis's: they go into DUMP payloads and files as they are. The encoding is the
// smallest that held all values there ever were: it widens when a value does not fit (such a value
// is less or greater than all others, so it goes to one end) and never narrows.
//
// An intset is addressed by its block, which the caller owns. `intsetAdd` returns the address from
// then on, or 0 when there is no memory: then nothing has changed. `intsetRemove` never fails. Both
// say in `intsetChanged` whether the set has changed.
//
// Finding O(log n), adding and removing O(n) in bytes moved. Values of 16 bits take 2 bytes each, a
// hundred of them a block of 224.
//
// Foreign bytes must pass `intsetValidate` before any other function sees them.
//
// Difference from Redis: a block shrinks only when a quarter of it is idle.

import { free, tryAlloc, tryRealloc, usableSize } from '../memory/alloc';
import { randomBelow } from '../util/prng';

/** The address of an intset's block. */
export type IntsetPtr = usize;

export const INTSET_HDR_SIZE: usize = 8;
export const INTSET_ENC_INT16: u32 = 2;
export const INTSET_ENC_INT32: u32 = 4;
export const INTSET_ENC_INT64: u32 = 8;

const LENGTH_OFFSET: usize = 4;

/** Whether the last `intsetAdd` or `intsetRemove` changed its set. */
export let intsetChanged: bool = false;

// --- The whole ---

/** An empty intset, or 0 when there is no memory. */
export function intsetNew(): IntsetPtr {
  const set = tryAlloc(INTSET_HDR_SIZE);
  if (set == 0) return 0;
  store<u32>(set, INTSET_ENC_INT16);
  store<u32>(set, 0, LENGTH_OFFSET);
  return set;
}

export function intsetFree(set: IntsetPtr): void {
  free(set);
}

/** A copy, or 0 when there is no memory. */
export function intsetDup(set: IntsetPtr): IntsetPtr {
  const bytes = intsetBytes(set);
  const copy = tryAlloc(bytes);
  if (copy != 0) memory.copy(copy, set, bytes);
  return copy;
}

/** How many values there are. */
export function intsetLen(set: IntsetPtr): u32 {
  return load<u32>(set, LENGTH_OFFSET);
}

/** Bytes of each value: INTSET_ENC_*. */
export function intsetEncoding(set: IntsetPtr): u32 {
  return load<u32>(set);
}

/** Size of the intset's contents. */
export function intsetBytes(set: IntsetPtr): usize {
  return INTSET_HDR_SIZE + <usize>intsetLen(set) * intsetEncoding(set);
}

/** Size of the intset's block: what it costs. */
export function intsetBlockBytes(set: IntsetPtr): usize {
  return usableSize(set);
}

// --- Reading ---

function valueAt(set: IntsetPtr, encoding: u32, position: u32): i64 {
  const values = set + INTSET_HDR_SIZE;
  if (encoding == INTSET_ENC_INT16) return load<i16>(values + ((<usize>position) << 1));
  if (encoding == INTSET_ENC_INT32) return load<i32>(values + ((<usize>position) << 2));
  return load<i64>(values + ((<usize>position) << 3));
}

/** The value at a position below the length, in ascending order. */
export function intsetGet(set: IntsetPtr, position: u32): i64 {
  assert(position < intsetLen(set));
  return valueAt(set, intsetEncoding(set), position);
}

/** The smallest value of a set that is not empty. */
export function intsetMin(set: IntsetPtr): i64 {
  return intsetGet(set, 0);
}

/** The largest value of a set that is not empty. */
export function intsetMax(set: IntsetPtr): i64 {
  return intsetGet(set, intsetLen(set) - 1);
}

/** Any value of a set that is not empty, all equally likely. */
export function intsetRandom(set: IntsetPtr): i64 {
  return intsetGet(set, randomBelow(intsetLen(set)));
}

export function intsetFind(set: IntsetPtr, value: i64): bool {
  const position = lowerBound(set, value);
  return position < intsetLen(set) && intsetGet(set, position) == value;
}

/** Position of the first value that is not less: where `value` is or belongs. */
function lowerBound(set: IntsetPtr, value: i64): u32 {
  const encoding = intsetEncoding(set);
  const length = intsetLen(set);
  if (length == 0 || value > valueAt(set, encoding, length - 1)) return length;
  if (encoding == INTSET_ENC_INT16) return search<i16>(set, length, value);
  if (encoding == INTSET_ENC_INT32) return search<i32>(set, length, value);
  return search<i64>(set, length, value);
}

/** `lowerBound` for one encoding; the last value is not less. */
function search<T>(set: IntsetPtr, length: u32, value: i64): u32 {
  const values = set + INTSET_HDR_SIZE;
  // The bound lies in [base, base + count].
  let base: usize = 0;
  let count: usize = length - 1;
  while (count > 0) {
    const half = (count + 1) >> 1;
    // A conditional move: what a comparison gives cannot be predicted here.
    base = select(
      base + half,
      base,
      <i64>load<T>(values + (base + half - 1) * sizeof<T>()) < value,
    );
    count -= half;
  }
  return <u32>base;
}

// --- Changing ---

function encodingOf(value: i64): u32 {
  if (value == <i64>(<i16>value)) return INTSET_ENC_INT16;
  return value == <i64>(<i32>value) ? INTSET_ENC_INT32 : INTSET_ENC_INT64;
}

function setValue(set: IntsetPtr, encoding: u32, position: u32, value: i64): void {
  const values = set + INTSET_HDR_SIZE;
  if (encoding == INTSET_ENC_INT16) store<i16>(values + ((<usize>position) << 1), <i16>value);
  else if (encoding == INTSET_ENC_INT32) store<i32>(values + ((<usize>position) << 2), <i32>value);
  else store<i64>(values + ((<usize>position) << 3), value);
}

/** The block with room for `length` values of an encoding, or 0: then it is as before. */
function reserve(set: IntsetPtr, encoding: u32, length: u32): IntsetPtr {
  const bytes = <u64>INTSET_HDR_SIZE + <u64>length * encoding;
  if (bytes <= usableSize(set)) return set;
  return bytes <= u32.MAX_VALUE ? tryRealloc(set, <usize>bytes) : 0;
}

/** Adds a value unless it is there. Returns the set's address, 0 when there is no memory. */
export function intsetAdd(set: IntsetPtr, value: i64): IntsetPtr {
  intsetChanged = false;
  const encoding = intsetEncoding(set);
  if (encodingOf(value) > encoding) return widenAndAdd(set, value);
  const length = intsetLen(set);
  const position = lowerBound(set, value);
  if (position < length && valueAt(set, encoding, position) == value) return set;
  set = reserve(set, encoding, length + 1);
  if (set == 0) return 0;
  const at = set + INTSET_HDR_SIZE + <usize>position * encoding;
  if (position < length) memory.copy(at + encoding, at, <usize>(length - position) * encoding);
  setValue(set, encoding, position, value);
  store<u32>(set, length + 1, LENGTH_OFFSET);
  intsetChanged = true;
  return set;
}

/** Adds a value that does not fit the encoding, at the end where it belongs. */
function widenAndAdd(set: IntsetPtr, value: i64): IntsetPtr {
  const narrow = intsetEncoding(set);
  const wide = encodingOf(value);
  const length = intsetLen(set);
  set = reserve(set, wide, length + 1);
  if (set == 0) return 0;
  const shift = u32(value < 0);
  // From the last on, so that none is overwritten before it was read.
  for (let i = length; i != 0; i--) setValue(set, wide, i - 1 + shift, valueAt(set, narrow, i - 1));
  setValue(set, wide, shift != 0 ? 0 : length, value);
  store<u32>(set, wide);
  store<u32>(set, length + 1, LENGTH_OFFSET);
  intsetChanged = true;
  return set;
}

/** Removes a value if it is there. Returns the set's address. */
export function intsetRemove(set: IntsetPtr, value: i64): IntsetPtr {
  const encoding = intsetEncoding(set);
  const length = intsetLen(set);
  const position = lowerBound(set, value);
  intsetChanged = position < length && valueAt(set, encoding, position) == value;
  if (!intsetChanged) return set;
  const at = set + INTSET_HDR_SIZE + <usize>position * encoding;
  memory.copy(at, at + encoding, <usize>(length - 1 - position) * encoding);
  store<u32>(set, length - 1, LENGTH_OFFSET);
  const usable = usableSize(set);
  if (intsetBytes(set) >= usable - (usable >> 2)) return set;
  const moved = tryRealloc(set, intsetBytes(set));
  return moved != 0 ? moved : set;
}

// --- Foreign bytes ---

/**
 * Whether `size` bytes are an intset that is not empty: by its header, and if `deep`, by the order of
 * its values. Only the bytes that `size` covers are read.
 */
export function intsetValidate(set: usize, size: usize, deep: bool): bool {
  if (size < INTSET_HDR_SIZE) return false;
  const encoding = intsetEncoding(set);
  const length = intsetLen(set);
  if (
    encoding != INTSET_ENC_INT16 &&
    encoding != INTSET_ENC_INT32 &&
    encoding != INTSET_ENC_INT64
  ) {
    return false;
  }
  if (length == 0 || <u64>INTSET_HDR_SIZE + <u64>length * encoding != size) return false;
  if (!deep) return true;
  let previous = valueAt(set, encoding, 0);
  for (let i: u32 = 1; i < length; i++) {
    const value = valueAt(set, encoding, i);
    if (value <= previous) return false;
    previous = value;
  }
  return true;
}
