// A HyperLogLog as the string value of a key: finding it, making it larger, making it dense.
//
//   hllPtr      its bytes, inside the entry or in the string's block
//   hllLen      how many there are
//   capacity    how many there is room for where they are
//
// Whatever is found here becomes a raw string, as in Redis. Growing may move the entry: its address is
// passed on.

import { usableSize } from '../memory/alloc';
import {
  HLL_CHANGED,
  HLL_CORRUPT,
  HLL_DENSE_BYTES,
  HLL_EMPTY_BYTES,
  HLL_GROW,
  HLL_PROMOTE,
  HLL_SPARSE,
  HLL_UNCHANGED,
  HllPtr,
  hllAdd,
  hllBytes,
  hllEncoding,
  hllInit,
  hllIsValid,
  hllToDense,
} from '../struct/hyperloglog';
import { entryMoved, lookupKeyQuiet } from './db';
import {
  EMBED_MAX_BYTES,
  ENCODING_INT,
  ENCODING_RAW,
  Entry,
  EntryPtr,
  setStringLen,
  TYPE_STRING,
  tryGrowString,
} from './entry';
import { tryAddRaw } from './string_value';

/** Room for growth that a sparse one gets ahead of its needs. */
const SPARE_BYTES: u32 = 64;

export let hllPtr: HllPtr = 0;
export let hllLen: u32 = 0;

/** The dense form while it is made. */
const dense: usize = memory.data(12304, 16);

/** Sets `hllPtr` and `hllLen` to the bytes of a string. False if it cannot be a HyperLogLog. */
export function viewHll(e: EntryPtr): bool {
  if (Entry.encoding(e) == ENCODING_INT) return false;
  locate(e);
  return hllIsValid(hllPtr, hllLen);
}

function locate(e: EntryPtr): void {
  hllPtr = Entry.stringPtr(e);
  hllLen = Entry.stringLen(e);
}

/** As `viewHll` for one that is about to change: its string becomes raw. */
export function ownHll(e: EntryPtr): bool {
  if (!viewHll(e)) return false;
  Entry.setTypeEncoding(e, TYPE_STRING, ENCODING_RAW);
  return true;
}

/** How many bytes the string could have where it is. */
function capacity(e: EntryPtr): u32 {
  if (!Entry.isEmbedded(e))
    return <u32>(usableSize(Entry.valuePtr(e)) - (hllPtr - Entry.valuePtr(e)));
  return <u32>min<usize>(usableSize(e) - (hllPtr - e), EMBED_MAX_BYTES);
}

/**
 * Adds a key that does not exist, without elements, and looks it up. Returns its entry, 0 when memory is
 * exhausted.
 */
export function tryNewHll(key: usize, keyLen: u32, hash: u64): EntryPtr {
  const e = tryAddRaw(key, keyLen, hash, HLL_EMPTY_BYTES);
  if (e == 0) return 0;
  locate(e);
  hllInit(hllPtr);
  // What comes next may move the entry that was looked up last.
  return lookupKeyQuiet(key, keyLen, hash);
}

/** Where the entry is after the last `tryHllAdd` or `tryHllDense`. */
export let hllEntry: EntryPtr = 0;

/**
 * Adds a string to the HyperLogLog of `e`, which the last lookup found and `hllPtr` and `hllLen` show.
 * Returns HLL_UNCHANGED, HLL_CHANGED or HLL_CORRUPT; HLL_GROW or HLL_PROMOTE when memory is exhausted,
 * then nothing changed.
 */
export function tryHllAdd(e: EntryPtr, s: usize, len: u32, maxBytes: u32): u32 {
  hllEntry = e;
  while (true) {
    const result = hllAdd(hllPtr, hllLen, capacity(hllEntry), s, len, maxBytes);
    if (result == HLL_GROW) {
      if (!tryGrow(hllBytes)) return result;
    } else if (result == HLL_PROMOTE) {
      const made = tryHllDense(hllEntry);
      if (made != HLL_CHANGED) return made;
    } else {
      setLength(hllBytes);
      return result;
    }
  }
}

/**
 * Makes the HyperLogLog of `e`, as for `tryHllAdd`, dense. Returns HLL_UNCHANGED when it is already,
 * HLL_CHANGED, HLL_CORRUPT, or HLL_PROMOTE when memory is exhausted; then nothing changed.
 */
export function tryHllDense(e: EntryPtr): u32 {
  hllEntry = e;
  if (hllEncoding(hllPtr) != HLL_SPARSE) return HLL_UNCHANGED;
  if (!hllToDense(hllPtr, hllLen, dense)) return HLL_CORRUPT;
  if (capacity(e) < HLL_DENSE_BYTES && !tryGrow(HLL_DENSE_BYTES)) return HLL_PROMOTE;
  memory.copy(hllPtr, dense, HLL_DENSE_BYTES);
  setLength(HLL_DENSE_BYTES);
  return HLL_CHANGED;
}

function setLength(bytes: u32): void {
  if (bytes == hllLen) return;
  hllLen = bytes;
  setStringLen(hllEntry, bytes);
}

/** Gives the string of `hllEntry` room for `bytes`; its length stays. */
function tryGrow(bytes: u32): bool {
  const length = hllLen;
  const spare = bytes < HLL_DENSE_BYTES ? SPARE_BYTES : 0;
  const moved = tryGrowString(hllEntry, bytes, spare);
  if (moved == 0) return false;
  if (moved != hllEntry) entryMoved(moved);
  hllEntry = moved;
  setStringLen(moved, length);
  locate(moved);
  return true;
}
