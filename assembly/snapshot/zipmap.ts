// Zipmaps, the small hashes of Redis 2.4 and before: read, checked and made listpacks.
//
//   | count u8 | (len | field | len | free u8 | value | free bytes) ... | 0xff |
//
//   count  254 when there are that many fields or more
//   len    u8 below 254, or 254 and u32

import { ListpackPtr, LP_EMPTY_BYTES, lpAppend, lpFree, lpNew } from '../struct/listpack';
import { FAULT_CORRUPT, FAULT_MEMORY, fail } from './rdb_input';

const BIG: u32 = 254;
const END: u32 = 255;

let walkAt: usize = 0;
let walkEnd: usize = 0; // of the end mark
/** Length of the longest field or value that was read. */
export let zipmapLongest: u32 = 0;

/** Reads a length at `walkAt` that leaves room for itself; sets `walkAt` to 0 if there is none. */
function readLength(): u32 {
  if (walkAt == 0 || walkAt >= walkEnd) {
    walkAt = 0;
    return 0;
  }
  const short: u32 = load<u8>(walkAt);
  walkAt += 1;
  if (short < BIG) return short;
  if (short == END || walkEnd - walkAt < 4) {
    walkAt = 0;
    return 0;
  }
  walkAt += 4;
  return load<u32>(walkAt - 4);
}

/** Goes past bytes that have to be there; their address, 0 when they are not. */
function take(bytes: u64): usize {
  if (walkAt == 0 || bytes > <u64>(walkEnd - walkAt)) {
    walkAt = 0;
    return 0;
  }
  const at = walkAt;
  walkAt += <usize>bytes;
  return at;
}

/** Appends the next field and value. Returns the listpack, 0 when memory is exhausted. */
function appendPair(lp: ListpackPtr): ListpackPtr {
  const len = readLength();
  const field = take(len);
  const valueLen = readLength();
  const idle = take(1);
  const value = take(valueLen);
  if (walkAt == 0) return lp;
  take(<u64>load<u8>(idle));
  zipmapLongest = max(zipmapLongest, max(len, valueLen));
  const named = lpAppend(lp, field, len);
  if (named == 0) {
    lpFree(lp);
    return 0;
  }
  const grown = lpAppend(named, value, valueLen);
  if (grown == 0) lpFree(named);
  return grown;
}

/** A listpack with the same fields and values; 0 with a fault when the bytes are no zipmap. */
export function tryListpackOfZipmap(ptr: usize, len: u32): ListpackPtr {
  if (len < 2 || <u32>load<u8>(ptr + len - 1) != END) {
    fail(FAULT_CORRUPT);
    return 0;
  }
  walkAt = ptr + 1;
  walkEnd = ptr + len - 1;
  zipmapLongest = 0;
  let lp = lpNew(max(len, LP_EMPTY_BYTES));
  let fields: u32 = 0;
  while (lp != 0 && walkAt != 0 && walkAt != walkEnd) {
    lp = appendPair(lp);
    fields += 1;
  }
  if (lp == 0) {
    fail(FAULT_MEMORY);
    return 0;
  }
  const count: u32 = load<u8>(ptr);
  // As in Redis, an empty one is broken.
  if (fields != 0 && walkAt != 0 && (count == BIG || count == fields)) return lp;
  lpFree(lp);
  fail(FAULT_CORRUPT);
  return 0;
}
