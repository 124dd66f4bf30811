// Patterns of SORT: what BY compares and what GET replies for an element.
//
//   #                  the element itself
//   prefix*rest        the string at the key in which the element stands for the first '*'
//   prefix*rest->field the same with a field of a hash; an arrow at the very end is part of the key
//   anything else      nothing
//
// As in Redis a zero byte ends the search for '*' and for the arrow.

import { lookupKeyRead } from '../keyspace/db';
import { ENCODING_INT, Entry, EntryPtr, TYPE_HASH, TYPE_STRING } from '../keyspace/entry';
import {
  clearMetExpired,
  HashValue,
  hashFind,
  hashItem,
  hashMetExpired,
  hashOpen,
} from '../keyspace/hash_value';
import { free, tryAlloc } from '../memory/alloc';
import { Arg } from '../resp/args';
import { copySmall, findByte } from '../util/bytes';
import { hashBytes } from '../util/siphash';

const KIND_NONE: u32 = 0;
const KIND_SELF: u32 = 1;
const KIND_KEY: u32 = 2;
const KIND_FIELD: u32 = 3;

const STAR: u8 = 42;
const HASH_SIGN: u32 = 35;
const ARROW: u32 = 0x3e2d; // "->"

@unmanaged
export class SortPattern {
  kind: u32;
  ptr: usize;
  prefixLen: u32;
  restLen: u32; // of what follows the star in the key
  field: usize;
  fieldLen: u32;
}

export const PATTERN_BYTES: usize = 24;

/** Whether argument `i` has a star: patterns without one tell nothing about elements. */
export function hasStar(i: u32): bool {
  return findByte(Arg.ptr(i), textEnd(i), STAR) != 0;
}

/** The end of argument `i`, or its first zero byte. */
function textEnd(i: u32): usize {
  const end = Arg.ptr(i) + Arg.len(i);
  const zero = findByte(Arg.ptr(i), end, 0);
  return zero == 0 ? end : zero;
}

/** Reads argument `i` as a pattern. */
export function readPattern(pattern: SortPattern, i: u32): void {
  if (offsetof<SortPattern>() != 24) ERROR('SortPattern is 24 bytes');
  const ptr = Arg.ptr(i);
  const len = Arg.len(i);
  const end = textEnd(i);
  pattern.ptr = ptr;
  pattern.kind = KIND_NONE;
  if (end == ptr + 1 && <u32>load<u8>(ptr) == HASH_SIGN) {
    pattern.kind = KIND_SELF;
    return;
  }
  const star = findByte(ptr, end, STAR);
  if (star == 0) return;
  pattern.kind = KIND_KEY;
  pattern.prefixLen = <u32>(star - ptr);
  pattern.restLen = len - pattern.prefixLen - 1;
  for (let at = star + 1; at + 2 < end; at++) {
    if (<u32>load<u16>(at) != ARROW) continue;
    pattern.kind = KIND_FIELD;
    pattern.restLen = <u32>(at - star - 1);
    pattern.field = at + 2;
    pattern.fieldLen = <u32>(ptr + len - pattern.field);
    return;
  }
}

// What `lookupPattern` found: bytes, which stay where they are while no key changes, or an integer.
export let foundPtr: usize = 0; // 0: an integer
export let foundLen: u32 = 0;
export let foundInt: i64 = 0;

/** Set when a field was passed over because its time has come. */
export let patternMetExpired: bool = false;

/** Set when a key could not be put together for want of memory. */
export let patternOutOfMemory: bool = false;

const SMALL_KEY_BYTES: u32 = 256;
const smallKey: usize = memory.data(256, 8);
let largeKey: usize = 0;
let largeKeyBytes: u32 = 0;
const hash = changetype<HashValue>(memory.data(8, 8));

/** To be called before and after a command's lookups. */
export function patternsReset(): void {
  if (largeKey != 0) free(largeKey);
  largeKey = 0;
  largeKeyBytes = 0;
  patternOutOfMemory = false;
  patternMetExpired = false;
}

/** Looks up what a pattern stands for with an element. False if there is nothing. */
export function lookupPattern(pattern: SortPattern, element: usize, len: u32): bool {
  if (pattern.kind == KIND_NONE) return false;
  if (pattern.kind == KIND_SELF) {
    foundPtr = element;
    foundLen = len;
    return true;
  }
  const e = lookupSubstituted(pattern, element, len);
  if (e == 0) return false;
  if (pattern.kind == KIND_FIELD) return lookupField(e, pattern);
  if (Entry.type(e) != TYPE_STRING) return false;
  if (Entry.encoding(e) == ENCODING_INT) {
    foundPtr = 0;
    foundInt = Entry.intValue(e);
  } else {
    foundPtr = Entry.stringPtr(e);
    foundLen = Entry.stringLen(e);
  }
  return true;
}

function lookupField(e: EntryPtr, pattern: SortPattern): bool {
  if (Entry.type(e) != TYPE_HASH) return false;
  hashOpen(hash, e);
  if (!hashFind(hash, pattern.field, pattern.fieldLen)) {
    // A field whose time has come is left to the expire cycle.
    if (hashMetExpired) patternMetExpired = true;
    clearMetExpired();
    return false;
  }
  foundPtr = hashItem.ptr;
  foundLen = hashItem.len;
  foundInt = hashItem.value;
  return true;
}

function lookupSubstituted(pattern: SortPattern, element: usize, len: u32): EntryPtr {
  const bytes = <u64>pattern.prefixLen + len + pattern.restLen;
  if (bytes > 0xffff0000) {
    patternOutOfMemory = true;
    return 0;
  }
  const key = tryKeyBuffer(<u32>bytes);
  if (key == 0) {
    patternOutOfMemory = true;
    return 0;
  }
  copySmall(key, pattern.ptr, pattern.prefixLen);
  copySmall(key + pattern.prefixLen, element, len);
  const rest = pattern.ptr + pattern.prefixLen + 1;
  copySmall(key + pattern.prefixLen + len, rest, pattern.restLen);
  return lookupKeyRead(key, <u32>bytes, hashBytes(key, <usize>bytes));
}

/** Room for a key. */
function tryKeyBuffer(bytes: u32): usize {
  if (bytes <= SMALL_KEY_BYTES) return smallKey;
  if (bytes <= largeKeyBytes) return largeKey;
  const larger = tryAlloc(bytes);
  if (larger == 0) return 0;
  if (largeKey != 0) free(largeKey);
  largeKey = larger;
  largeKeyBytes = bytes;
  return larger;
}
