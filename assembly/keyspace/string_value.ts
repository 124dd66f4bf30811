// Strings by their bytes, whatever their encoding, and changes to part of a string.
//
//   int      the digits, written to a scratch buffer
//   embstr   bytes inside the entry
//   raw      bytes inside the entry or in a block of their own
//
// `viewString` leaves address and length in module variables, valid until the string changes or, for
// an integer, until the next view into the same scratch. A string that is changed in part becomes
// raw, as in Redis.

import { bytesEqual } from '../util/bytes';
import { digits10Signed, formatI64, I64_CHARS_MAX } from '../util/number_format';
import { initialClock } from './access_clock';
import { entryFree, entryMoved, replaceFound, tryInsertNew } from './db';
import {
  ENCODING_INT,
  ENCODING_RAW,
  Entry,
  EntryPtr,
  NO_EXPIRE,
  STRING_MAX_BYTES,
  tryGrowString,
  tryNewStringEntry,
} from './entry';

/** Bytes a scratch for `viewStringIn` needs. */
export const VIEW_SCRATCH_BYTES: u32 = 24;
/** A growing string gets at most this much room ahead of its needs. */
const SPARE_MAX_BYTES: u32 = 1024 * 1024;

export let viewPtr: usize = 0;
export let viewLen: u32 = 0;

const digits: usize = memory.data(24, 8);

/** Sets `viewPtr` and `viewLen` to the bytes of a string. */
export function viewString(e: EntryPtr): void {
  viewStringIn(e, digits);
}

/** As `viewString`, with the caller's scratch for the digits of an integer. */
export function viewStringIn(e: EntryPtr, scratch: usize): void {
  if (VIEW_SCRATCH_BYTES < I64_CHARS_MAX) ERROR('VIEW_SCRATCH_BYTES');
  if (Entry.encoding(e) == ENCODING_INT) {
    viewPtr = scratch;
    viewLen = formatI64(Entry.intValue(e), scratch);
    return;
  }
  viewPtr = Entry.stringPtr(e);
  viewLen = Entry.stringLen(e);
}

/** Length of a string in bytes. */
export function stringValueLen(e: EntryPtr): u32 {
  return Entry.encoding(e) == ENCODING_INT ? digits10Signed(Entry.intValue(e)) : Entry.stringLen(e);
}

/** Whether a string is these bytes. */
export function stringEquals(e: EntryPtr, ptr: usize, len: u32): bool {
  viewString(e);
  return viewLen == len && bytesEqual(viewPtr, ptr, len);
}

/**
 * Makes the string that the last lookup found raw and `length` bytes long, no shorter than it is.
 * Bytes beyond the old end are undefined. Growth leaves room for more of it. Returns the entry's new
 * address, 0 when memory is exhausted; then nothing changed.
 */
export function tryGrowFound(e: EntryPtr, length: u32): EntryPtr {
  if (length > STRING_MAX_BYTES) return 0;
  const spare = min(length, SPARE_MAX_BYTES);
  if (Entry.encoding(e) == ENCODING_INT) return tryGrowInt(e, length, spare);
  const moved = tryGrowString(e, length, spare);
  if (moved != 0 && moved != e) entryMoved(moved);
  return moved;
}

function tryGrowInt(e: EntryPtr, length: u32, spare: u32): EntryPtr {
  const at = Entry.hasExpire(e) ? Entry.expireAtMs(e) : NO_EXPIRE;
  const bytes = formatI64(Entry.intValue(e), digits);
  const clock = Entry.clock(e);
  const text = tryNewStringEntry(
    Entry.key(e),
    Entry.keyLen(e),
    digits,
    bytes,
    ENCODING_RAW,
    clock,
    at,
  );
  if (text == 0) return 0;
  const grown = tryGrowString(text, length, spare);
  if (grown == 0) {
    entryFree(text);
    return 0;
  }
  replaceFound(e, grown);
  return grown;
}

/**
 * Adds a key that does not exist: a raw string of `length` undefined bytes. Returns its entry, 0 when
 * memory is exhausted.
 */
export function tryAddRaw(key: usize, keyLen: u32, hash: u64, length: u32): EntryPtr {
  if (length > STRING_MAX_BYTES) return 0;
  const empty = tryNewStringEntry(key, keyLen, key, 0, ENCODING_RAW, initialClock(), NO_EXPIRE);
  if (empty == 0) return 0;
  const e = tryGrowString(empty, length, 0);
  if (e == 0) {
    entryFree(empty);
    return 0;
  }
  return tryInsertNew(e, hash) ? e : 0;
}
