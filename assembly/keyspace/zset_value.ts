// Keys that hold a sorted set: one way to use both encodings.
//
//   listpack    | member | score | member | score | ...    in ascending order; a score is an integer
//                                                          if it is one, else its shortest digits
//   skiplist    a SortedSet of struct/sorted_set.ts
//
// Redis's rules say which: a set begins as a listpack, and becomes a skiplist for good when it gets more
// than zset-max-listpack-entries members or one of more than zset-max-listpack-value bytes. Sets that
// are the result of a command are stored in the encoding that fits them.
//
// Functions take the entry; only the value's address and encoding change, the entry stays where it is.
// What a function found is in the exported variables beside it, until the next call of the same kind.
// There is one cursor: nothing may change the set it walks. Ranks count from 0 in ascending order.
//
// A listpack costs O(bytes) for everything; a skiplist as its header says.

import { CFG_ZSET_MAX_LISTPACK_ENTRIES, CFG_ZSET_MAX_LISTPACK_VALUE } from '../abi';
import {
  ListpackPtr,
  LP_AFTER,
  LP_BEFORE,
  LP_EOF,
  LP_HDR_SIZE,
  LP_INT_CHARS,
  lpAppend,
  lpAppendInteger,
  lpBytes,
  lpDeleteRange,
  lpDeleteRangeWithEntry,
  lpEntry,
  lpFind,
  lpFree,
  lpGet,
  lpGetText,
  lpInsert,
  lpInsertInteger,
  lpLength,
  lpNew,
  lpPrev,
  lpSafeToAdd,
  lpSeek,
  lpSkip,
  lpValueInt,
  lpValueLen,
} from '../struct/listpack';
import { Member, MemberPtr, memberFindHashed } from '../struct/member_table';
import {
  LEX_EXCLUSIVE,
  LEX_FIRST,
  LEX_LAST,
  rangeCount,
  rangeFrom,
  SortedSet,
  tryZslInsert,
  tryZslNew,
  tryZslUpdate,
  zslFree,
  zslLexRange,
  zslMember,
  zslNext,
  zslPrev,
  zslRank,
  zslRemoveFound,
  zslRemoveRange,
  zslScore,
  zslScoreRange,
  zslSeek,
} from '../struct/sorted_set';
import { stringCompare } from '../util/bytes';
import { F64_CHARS_MAX, formatF64 } from '../util/number_format';
import { parseF64, parseF64Lenient, parseF64Value } from '../util/number_parse';
import { hashBytes } from '../util/siphash';
import { initialClock } from './access_clock';
import { lookupKeyWrite, replaceFound, tryInsertNew } from './db';
import {
  ENCODING_LISTPACK,
  ENCODING_SKIPLIST,
  Entry,
  EntryPtr,
  NO_EXPIRE,
  TYPE_ZSET,
  tryNewBlockEntry,
} from './entry';
import { Settings } from './settings';

/** Integers up to this magnitude are stored as such. */
const INTEGER_SCORE_MAX: f64 = 4611686018427387904; // 2^62

const scoreText: usize = memory.data(<i32>F64_CHARS_MAX, 8);
const digits: usize = memory.data(<i32>LP_INT_CHARS, 8);

function isListpack(e: EntryPtr): bool {
  return Entry.encoding(e) == ENCODING_LISTPACK;
}

function sortedSet(e: EntryPtr): SortedSet {
  return changetype<SortedSet>(Entry.valuePtr(e));
}

/** Number of members. */
export function zsetLength(e: EntryPtr): u32 {
  return isListpack(e) ? lpLength(Entry.valuePtr(e)) >> 1 : sortedSet(e).keys;
}

// --- Listpacks ---

/** The score that the element at `p` holds. */
export function listpackScore(p: usize): f64 {
  const string = lpGet(p);
  if (string == 0) return <f64>lpValueInt;
  parseF64Lenient(string, lpValueLen);
  return parseF64Value;
}

/** How the member at `p` sorts against a string. */
function compareAt(p: usize, member: usize, len: u32): i32 {
  const text = lpGetText(p, digits);
  return stringCompare(text, lpValueLen, member, len);
}

/** Where a member of this score belongs: the address of the first greater one, or of the end. */
function placeOf(lp: ListpackPtr, member: usize, len: u32, score: f64): usize {
  let p = lp + LP_HDR_SIZE;
  while (load<u8>(p) != LP_EOF) {
    const at = lpSkip(p);
    const other = listpackScore(at);
    if (other > score || (other == score && compareAt(p, member, len) > 0)) break;
    p = lpSkip(at);
  }
  return p;
}

/** Puts a member and its score at an address. Returns the listpack's address, 0: no memory. */
function insertAt(lp: ListpackPtr, p: usize, member: usize, len: u32, score: f64): ListpackPtr {
  const atEnd = load<u8>(p) == LP_EOF;
  const grown = atEnd ? lpAppend(lp, member, len) : lpInsert(lp, p, member, len, LP_BEFORE);
  if (grown == 0) return 0;
  const offset = lpEntry - grown;
  const isInteger = abs(score) <= INTEGER_SCORE_MAX && trunc(score) == score;
  let full: ListpackPtr;
  if (isInteger) {
    const value = <i64>score;
    full = atEnd
      ? lpAppendInteger(grown, value)
      : lpInsertInteger(grown, grown + offset, value, LP_AFTER);
  } else {
    const bytes = formatF64(score, scoreText);
    full = atEnd
      ? lpAppend(grown, scoreText, bytes)
      : lpInsert(grown, grown + offset, scoreText, bytes, LP_AFTER);
  }
  if (full != 0) return full;
  lostBlock = lpDeleteRangeWithEntry(grown, grown + offset, 1);
  return 0;
}

/** Where the listpack is after an `insertAt` that failed; 0 where it was. */
let lostBlock: ListpackPtr = 0;

/** `insertAt` for an entry, which stays valid if it fails. */
function tryInsertAt(e: EntryPtr, p: usize, member: usize, len: u32, score: f64): bool {
  lostBlock = 0;
  const lp = insertAt(Entry.valuePtr(e), p, member, len, score);
  if (lp != 0) Entry.setValuePtr(e, lp);
  else if (lostBlock != 0) Entry.setValuePtr(e, lostBlock);
  return lp != 0;
}

/** Whether a listpack of so many members may get one of `len` bytes. */
function fitsListpack(lp: ListpackPtr, count: u32, len: u32): bool {
  return (
    <i64>count <= Settings.get(CFG_ZSET_MAX_LISTPACK_ENTRIES) &&
    <i64>len <= Settings.get(CFG_ZSET_MAX_LISTPACK_VALUE) &&
    lpSafeToAdd(lp, len)
  );
}

/**
 * Whether a listpack with an even number of elements is a sorted set: scores are numbers, and members
 * are in order. Whether one comes twice is not looked at.
 */
export function isSortedListpack(lp: ListpackPtr): bool {
  let previous: usize = 0;
  let previousScore: f64 = 0;
  for (let p = lp + LP_HDR_SIZE; load<u8>(p) != LP_EOF; ) {
    const at = lpSkip(p);
    const string = lpGet(at);
    if (string != 0 && !parseF64(string, lpValueLen)) return false;
    const score = string == 0 ? <f64>lpValueInt : parseF64Value;
    if (previous != 0) {
      if (score < previousScore) return false;
      if (score == previousScore) {
        const text = lpGetText(previous, scoreText);
        if (compareAt(p, text, lpValueLen) <= 0) return false;
      }
    }
    previous = p;
    previousScore = score;
    p = lpSkip(at);
  }
  return true;
}

// --- Encoding ---

/** A skiplist with the members of a listpack and room for `expected`; 0: no memory. */
export function trySkiplistOf(lp: ListpackPtr, expected: u32): usize {
  const block = tryZslNew(expected);
  if (block == 0) return 0;
  const z = changetype<SortedSet>(block);
  for (let p = lp + LP_HDR_SIZE; load<u8>(p) != LP_EOF; ) {
    const at = lpSkip(p);
    const score = listpackScore(at);
    const text = lpGetText(p, digits);
    const len = lpValueLen;
    if (tryZslInsert(z, text, len, hashBytes(text, len), score) == 0) {
      zslFree(block);
      return 0;
    }
    p = lpSkip(at);
  }
  return block;
}

/** Makes a listpack a skiplist with room for `expected`. False: no memory, nothing changed. */
function tryConvert(e: EntryPtr, expected: u32): bool {
  const lp = Entry.valuePtr(e);
  const block = trySkiplistOf(lp, expected);
  if (block == 0) return false;
  lpFree(lp);
  Entry.setValuePtr(e, block);
  Entry.setTypeEncoding(e, TYPE_ZSET, ENCODING_SKIPLIST);
  return true;
}

/** To be called before `count` members may be added at once. False: no memory, nothing changed. */
export function tryZsetExpect(e: EntryPtr, count: u32): bool {
  if (!isListpack(e) || <i64>count <= Settings.get(CFG_ZSET_MAX_LISTPACK_ENTRIES)) return true;
  return tryConvert(e, count);
}

/** Makes a sorted set a skiplist, whatever its size. False: no memory, nothing changed. */
export function tryZsetToSkiplist(e: EntryPtr): bool {
  return !isListpack(e) || tryConvert(e, zsetLength(e));
}

/**
 * Adds a key, known to be absent, for `count` members of which the first has `len` bytes. It is empty:
 * the caller fills it at once or deletes it. Returns its entry, 0 when memory is exhausted.
 */
export function tryNewZsetKey(key: usize, keyLen: u32, hash: u64, count: u32, len: u32): EntryPtr {
  const small = fitsListpack(0, count, len);
  const block = small ? lpNew(0) : tryZslNew(count);
  if (block == 0) return 0;
  const e = tryNewEntry(key, keyLen, block, small);
  return e != 0 && tryInsertNew(e, hash) ? e : 0;
}

/** An entry for a block, which is freed when that fails. */
function tryNewEntry(key: usize, keyLen: u32, block: usize, small: bool): EntryPtr {
  const encoding = small ? ENCODING_LISTPACK : ENCODING_SKIPLIST;
  const clock = initialClock();
  const e = tryNewBlockEntry(key, keyLen, TYPE_ZSET, encoding, block, clock, NO_EXPIRE);
  if (e != 0) return e;
  if (small) lpFree(block);
  else zslFree(block);
  return 0;
}

/** The block that `tryFitZset` made. */
export let fittingBlock: usize = 0;
/** ENCODING_LISTPACK or ENCODING_SKIPLIST. */
export let fittingEncoding: u32 = 0;

/**
 * Gives a SortedSet that is not empty the encoding that fits it, in `fittingBlock` and its fellow.
 * Takes `block` in any case. False: no memory.
 */
export function tryFitZset(block: usize): bool {
  const z = changetype<SortedSet>(block);
  let longest: u32 = 0;
  let bytes: u64 = 0;
  for (let at = zslSeek(z, 0); at != 0; at = zslNext(at)) {
    const len = Member.len(zslMember(at));
    longest = max(longest, len);
    bytes += len;
    if (!fitsListpack(0, z.keys, longest)) break;
  }
  fittingBlock = block;
  fittingEncoding = ENCODING_SKIPLIST;
  if (!fitsListpack(0, z.keys, longest) || !lpSafeToAdd(0, bytes)) return true;
  fittingBlock = listpackOf(z);
  fittingEncoding = ENCODING_LISTPACK;
  zslFree(block);
  return fittingBlock != 0;
}

/**
 * Sets a key to a result that is not empty, in the encoding that fits it, whatever the key held before
 * and without an expiry. Takes `block`, a SortedSet, in any case. False: no memory, nothing changed.
 */
export function tryStoreZset(key: usize, keyLen: u32, hash: u64, block: usize): bool {
  if (!tryFitZset(block)) return false;
  const small = fittingEncoding == ENCODING_LISTPACK;
  const fresh = tryNewEntry(key, keyLen, fittingBlock, small);
  if (fresh == 0) return false;
  const old = lookupKeyWrite(key, keyLen, hash);
  if (old == 0) return tryInsertNew(fresh, hash);
  replaceFound(old, fresh);
  return true;
}

/** A listpack with the same members, or 0. */
function listpackOf(z: SortedSet): ListpackPtr {
  let lp = lpNew(0);
  if (lp == 0) return 0;
  for (let at = zslSeek(z, 0); at != 0; at = zslNext(at)) {
    const m = zslMember(at);
    lostBlock = 0;
    const end = lp + lpBytes(lp) - 1;
    const grown = insertAt(lp, end, Member.ptr(m), Member.len(m), zslScore(at));
    if (grown == 0) {
      lpFree(lostBlock != 0 ? lostBlock : lp);
      return 0;
    }
    lp = grown;
  }
  return lp;
}

// --- One member ---

/** The score of the member that `zsetFind` found. */
export let foundScore: f64 = 0;
/** Where it is: an element of a listpack, or a block. */
let found: usize = 0;
/** What `hashBytes` gives for the member looked for, 0 when that was not needed. */
let soughtHash: u64 = 0;

/** Whether a member is there: its score is in `foundScore`. */
export function zsetFind(e: EntryPtr, member: usize, len: u32): bool {
  return zsetFindHashed(e, member, len, isListpack(e) ? 0 : hashBytes(member, len));
}

/** As `zsetFind` with what `hashBytes` gives for the member; only a small set needs none. */
export function zsetFindHashed(e: EntryPtr, member: usize, len: u32, hash: u64): bool {
  soughtHash = hash;
  if (isListpack(e)) {
    found = lpFind(Entry.valuePtr(e) + LP_HDR_SIZE, member, len, 1);
    if (found != 0) foundScore = listpackScore(lpSkip(found));
  } else {
    found = memberFindHashed(sortedSet(e), member, len, hash);
    if (found != 0) foundScore = Member.score(found);
  }
  return found != 0;
}

/** Adds a member that `zsetFind` has just not found. False: no memory, nothing changed. */
export function tryZsetAdd(e: EntryPtr, member: usize, len: u32, score: f64): bool {
  if (isListpack(e)) {
    const lp = Entry.valuePtr(e);
    const count = zsetLength(e) + 1;
    if (fitsListpack(lp, count, len)) {
      return tryInsertAt(e, placeOf(lp, member, len, score), member, len, score);
    }
    if (!tryConvert(e, count)) return false;
  }
  const hash = soughtHash != 0 ? soughtHash : hashBytes(member, len);
  return tryZslInsert(sortedSet(e), member, len, hash, score) != 0;
}

/**
 * Gives the member that `zsetFind` has just found, which is repeated, another score. False: no memory,
 * nothing changed.
 */
export function tryZsetUpdate(e: EntryPtr, member: usize, len: u32, score: f64): bool {
  if (!isListpack(e)) return tryZslUpdate(sortedSet(e), found, score);
  const lp = Entry.valuePtr(e);
  const bytes = lpBytes(lp);
  const old = found - lp;
  const place = placeOf(lp, member, len, score);
  const isBefore = place - lp <= old;
  // The new pair goes in first, for that may fail.
  if (!tryInsertAt(e, place, member, len, score)) return false;
  const grown = Entry.valuePtr(e);
  const shift: usize = isBefore ? <usize>lpBytes(grown) - bytes : 0;
  const at = grown + old + shift;
  Entry.setValuePtr(e, lpDeleteRangeWithEntry(grown, at, 2));
  return true;
}

/** Removes the member that `zsetFind` has just found. */
export function zsetRemoveFound(e: EntryPtr): void {
  if (isListpack(e)) Entry.setValuePtr(e, lpDeleteRangeWithEntry(Entry.valuePtr(e), found, 2));
  else zslRemoveFound(sortedSet(e), found);
}

/** The rank of the member that `zsetFind` has just found. */
export function zsetRankFound(e: EntryPtr): u32 {
  if (!isListpack(e)) return zslRank(sortedSet(e), found);
  let rank: u32 = 0;
  for (let p = Entry.valuePtr(e) + LP_HDR_SIZE; p != found; p = lpSkip(lpSkip(p))) rank += 1;
  return rank;
}

// --- Ranges ---

/** The range found last: its first rank and its count. */
export let zsetRangeFrom: u32 = 0;
export let zsetRangeCount: u32 = 0;

/** Finds the members within two scores, each included or not. */
export function zsetScoreRange(
  e: EntryPtr,
  least: f64,
  leastExclusive: bool,
  most: f64,
  mostExclusive: bool,
): void {
  if (!isListpack(e)) {
    zslScoreRange(sortedSet(e), least, leastExclusive, most, mostExclusive);
    zsetRangeFrom = rangeFrom;
    zsetRangeCount = rangeCount;
    return;
  }
  zsetRangeFrom = 0;
  zsetRangeCount = 0;
  let rank: u32 = 0;
  for (let p = Entry.valuePtr(e) + LP_HDR_SIZE; load<u8>(p) != LP_EOF; rank++) {
    const at = lpSkip(p);
    const score = listpackScore(at);
    if (mostExclusive ? score >= most : score > most) break;
    if (leastExclusive ? score > least : score >= least) {
      if (zsetRangeCount == 0) zsetRangeFrom = rank;
      zsetRangeCount += 1;
    }
    p = lpSkip(at);
  }
}

/** One end of a range by lex. */
@unmanaged
export class LexBound {
  kind: u32; // LEX_*
  ptr: usize; // bytes, unless it is the first or the last of all
  len: u32;
}

/** Whether the member at `p` is not below a lower bound. */
function isFromLex(p: usize, bound: LexBound): bool {
  if (bound.kind == LEX_FIRST) return true;
  if (bound.kind == LEX_LAST) return false;
  const order = compareAt(p, bound.ptr, bound.len);
  return order > 0 || (order == 0 && bound.kind != LEX_EXCLUSIVE);
}

/** Whether the member at `p` is not above an upper bound. */
function isToLex(p: usize, bound: LexBound): bool {
  if (bound.kind == LEX_FIRST) return false;
  if (bound.kind == LEX_LAST) return true;
  const order = compareAt(p, bound.ptr, bound.len);
  return order < 0 || (order == 0 && bound.kind != LEX_EXCLUSIVE);
}

/** Finds the members between two bounds by lex. */
export function zsetLexRange(e: EntryPtr, least: LexBound, most: LexBound): void {
  if (!isListpack(e)) {
    const z = sortedSet(e);
    zslLexRange(z, least.kind, least.ptr, least.len, most.kind, most.ptr, most.len);
    zsetRangeFrom = rangeFrom;
    zsetRangeCount = rangeCount;
    return;
  }
  zsetRangeFrom = 0;
  zsetRangeCount = 0;
  const lp = Entry.valuePtr(e);
  if (!isFromLex(lpSeek(lp, -2), least) || !isToLex(lp + LP_HDR_SIZE, most)) return;
  let p = lp + LP_HDR_SIZE;
  while (load<u8>(p) != LP_EOF && !isFromLex(p, least)) {
    zsetRangeFrom += 1;
    p = lpSkip(lpSkip(p));
  }
  while (load<u8>(p) != LP_EOF && isToLex(p, most)) {
    zsetRangeCount += 1;
    p = lpSkip(lpSkip(p));
  }
}

/** Removes `count` members, which are there, from a rank on. */
export function zsetRemoveRange(e: EntryPtr, from: u32, count: u32): void {
  if (isListpack(e)) {
    Entry.setValuePtr(e, lpDeleteRange(Entry.valuePtr(e), (<i64>from) << 1, count << 1));
  } else zslRemoveRange(sortedSet(e), from, count);
}

// --- The cursor ---

let cursorList: ListpackPtr = 0; // 0 while a skiplist is walked
let cursorPlace: usize = 0; // the member's element
let cursorPosition: u64 = 0;

/** Bytes of the member read last, or 0 when it is the integer `memberInt`. */
export let memberPtr: usize = 0;
export let memberLen: u32 = 0;
export let memberInt: i64 = 0;

/** Goes to a rank. False when there is no such member. */
export function cursorSeek(e: EntryPtr, rank: u32): bool {
  if (isListpack(e)) {
    cursorList = Entry.valuePtr(e);
    cursorPlace = lpSeek(cursorList, (<i64>rank) << 1);
    return cursorPlace != 0;
  }
  cursorList = 0;
  cursorPosition = zslSeek(sortedSet(e), rank);
  return cursorPosition != 0;
}

/** Goes to the next member. False at the end. */
export function cursorNext(): bool {
  if (cursorList == 0) {
    cursorPosition = zslNext(cursorPosition);
    return cursorPosition != 0;
  }
  cursorPlace = lpSkip(lpSkip(cursorPlace));
  return load<u8>(cursorPlace) != LP_EOF;
}

/** Goes to the member before. False at the start. */
export function cursorPrev(): bool {
  if (cursorList == 0) {
    cursorPosition = zslPrev(cursorPosition);
    return cursorPosition != 0;
  }
  const score = lpPrev(cursorList, cursorPlace);
  cursorPlace = score == 0 ? 0 : lpPrev(cursorList, score);
  return cursorPlace != 0;
}

/** Reads the member at the cursor into `memberPtr` and its fellows. */
export function cursorMember(): void {
  if (cursorList == 0) {
    const m: MemberPtr = zslMember(cursorPosition);
    memberPtr = Member.ptr(m);
    memberLen = Member.len(m);
    return;
  }
  memberPtr = lpGet(cursorPlace);
  if (memberPtr == 0) memberInt = lpValueInt;
  else memberLen = lpValueLen;
}

/** The element of a listpack that the cursor is at. */
export function cursorElement(): usize {
  assert(cursorList != 0);
  return cursorPlace;
}

/** As `cursorMember`, and `memberPtr` is text in any case. */
export function cursorMemberText(): void {
  if (cursorList == 0) {
    cursorMember();
    return;
  }
  memberPtr = lpGetText(cursorPlace, memberDigits);
  memberLen = lpValueLen;
}

const memberDigits: usize = memory.data(<i32>LP_INT_CHARS, 8);

/** The score of the member at the cursor. */
export function cursorScore(): f64 {
  return cursorList == 0 ? zslScore(cursorPosition) : listpackScore(lpSkip(cursorPlace));
}
