// A set as commands see it, whatever its encoding.
//
//   intset      all members integers, at most set-max-intset-entries
//   listpack    at most set-max-listpack-entries members of at most set-max-listpack-value bytes
//   hashtable   any; a member table of plain members
//
// A set only moves down this list, with one exception: the results of SINTERSTORE and SPOP are sets
// built anew (set_algebra.ts, set.ts). The thresholds are those of Redis 7.2.
//
// A SetValue says which block a set is at the moment; adding and removing change it. One that was
// taken from a key's entry (`setOpen`) has to be written back (`setClose`) before the entry is used
// otherwise. A set of its own, which no entry holds yet, is its caller's to free.
//
// Members are given as bytes, or as an integer where that is what is stored: a walk that finds an
// integer has `ptr` 0. Text of an integer and the integer are the same member.
//
// Costs are those of the structures: O(log n), O(bytes) of a small block, O(1).

import { CFG_SET_INTSET_ENTRIES, CFG_SET_LISTPACK_ENTRIES, CFG_SET_LISTPACK_VALUE } from '../abi';
import {
  intsetAdd,
  intsetChanged,
  intsetFind,
  intsetFree,
  intsetGet,
  intsetLen,
  intsetMax,
  intsetMin,
  intsetNew,
  intsetRandom,
  intsetRemove,
} from '../struct/intset';
import {
  LP_EMPTY_BYTES,
  LP_EOF,
  LP_HDR_SIZE,
  lpAppend,
  lpAppendInteger,
  lpDelete,
  lpEstimateBytesRepeatedInteger,
  lpFind,
  lpFree,
  lpGet,
  lpLength,
  lpNew,
  lpRandom,
  lpSafeToAdd,
  lpSkip,
  lpValueInt,
  lpValueLen,
} from '../struct/listpack';
import {
  MEMBERS_PLAIN,
  MEMBERS_START,
  Member,
  MemberTable,
  memberAt,
  memberFindHashed,
  memberNext,
  memberRandom,
  memberRemoveFound,
  memberTableFree,
  tryMemberInsert,
  tryMemberTableNew,
} from '../struct/member_table';
import { digits10Signed, formatI64 } from '../util/number_format';
import { parseI64, parseI64Value } from '../util/number_parse';
import { hashBytes } from '../util/siphash';
import {
  ENCODING_HASHTABLE,
  ENCODING_INTSET,
  ENCODING_LISTPACK,
  Entry,
  EntryPtr,
  TYPE_SET,
} from './entry';
import { Settings } from './settings';
import { valueLength } from './value';

/** What adding came to. */
export const SET_NO_MEMORY: i32 = -1;
export const SET_PRESENT: i32 = 0;
export const SET_ADDED: i32 = 1;

/** No set has more integers in an intset, whatever the setting says. */
const INTSET_ENTRIES_MAX: i64 = 1 << 30;
/** A block is sized for so many members at most before they are there. */
const RESERVED_MAX: u32 = 1 << 20;
/** Bytes of a listpack's element beside a string. */
const ELEMENT_OVERHEAD: u32 = 10;

@unmanaged
export class SetValue {
  encoding: u32;
  block: usize;
}

/** A walk through a set that nobody changes meanwhile, and the member it is at. */
@unmanaged
export class SetWalk {
  position: u64; // member table: position; listpack: address of the next element; intset: index
  value: i64; // the member, if `ptr` is 0
  ptr: usize; // its bytes
  len: u32;
  encoding: u32;
  block: usize;
}

const intText: usize = memory.data(24, 8);
/** Of its own, because a conversion may come in the midst of adding what is in `intText`. */
const appendText: usize = memory.data(24, 8);
const converted: SetValue = changetype<SetValue>(memory.data(8, 8));
const conversion: SetWalk = changetype<SetWalk>(memory.data(40, 8));

// --- Entries ---

/** Takes the set of an entry. */
export function setOpen(set: SetValue, e: EntryPtr): void {
  set.encoding = Entry.encoding(e);
  set.block = Entry.valuePtr(e);
}

/** Writes a set back to its entry, which stays where it is. */
export function setClose(set: SetValue, e: EntryPtr): void {
  Entry.setValuePtr(e, set.block);
  if (set.encoding != Entry.encoding(e)) Entry.setTypeEncoding(e, TYPE_SET, set.encoding);
}

// --- The whole ---

/** An empty set in a given encoding; `expected` members are a hint. False: no memory. */
export function trySetNew(set: SetValue, encoding: u32, expected: u32): bool {
  if (offsetof<SetWalk>() != 32) ERROR('SetWalk is 32 bytes');
  set.encoding = encoding;
  if (encoding == ENCODING_INTSET) set.block = intsetNew();
  else if (encoding == ENCODING_LISTPACK) set.block = lpNew(LP_EMPTY_BYTES);
  else set.block = tryMemberTableNew(MEMBERS_PLAIN, min(expected, RESERVED_MAX));
  return set.block != 0;
}

/** An empty set for `expected` members of which the first is given. False: no memory. */
export function trySetNewFor(set: SetValue, ptr: usize, len: u32, expected: u32): bool {
  let encoding = ENCODING_HASHTABLE;
  if (<i64>expected <= Settings.get(CFG_SET_INTSET_ENTRIES) && parseI64(ptr, len)) {
    encoding = ENCODING_INTSET;
  } else if (<i64>expected <= Settings.get(CFG_SET_LISTPACK_ENTRIES)) encoding = ENCODING_LISTPACK;
  return trySetNew(set, encoding, expected);
}

export function setFree(set: SetValue): void {
  if (set.encoding == ENCODING_INTSET) intsetFree(set.block);
  else if (set.encoding == ENCODING_LISTPACK) lpFree(set.block);
  else memberTableFree(set.block);
}

export function setSize(set: SetValue): u32 {
  return valueLength(TYPE_SET, set.encoding, set.block);
}

/** How many members an intset may have. */
export function intsetEntriesMax(): i64 {
  return min(Settings.get(CFG_SET_INTSET_ENTRIES), INTSET_ENTRIES_MAX);
}

// --- Conversion ---

/** Turns a set into a wider encoding with room for `expected` members. False: no memory. */
function tryConvert(set: SetValue, encoding: u32, expected: u32): bool {
  if (!trySetNew(converted, encoding, expected)) return false;
  setWalk(conversion, set);
  while (setNext(conversion)) {
    if (!tryAppend(converted, conversion)) {
      setFree(converted);
      return false;
    }
  }
  setFree(set);
  set.encoding = encoding;
  set.block = converted.block;
  return true;
}

/** Adds the member of a walk, which is known to be absent, to a listpack or a member table. */
function tryAppend(set: SetValue, walk: SetWalk): bool {
  if (set.encoding == ENCODING_LISTPACK) {
    const lp =
      walk.ptr != 0
        ? lpAppend(set.block, walk.ptr, walk.len)
        : lpAppendInteger(set.block, walk.value);
    if (lp == 0) return false;
    set.block = lp;
    return true;
  }
  const ptr = walk.ptr != 0 ? walk.ptr : appendText;
  const len = walk.ptr != 0 ? walk.len : formatI64(walk.value, appendText);
  return tryMemberInsert(changetype<MemberTable>(set.block), ptr, len, hashBytes(ptr, len)) != 0;
}

/**
 * Turns a set into a hash table at once if so many members are about to come that it would become
 * one. Only a short cut: without memory it stays as it is.
 */
export function setExpect(set: SetValue, added: u32): void {
  const most =
    set.encoding == ENCODING_LISTPACK
      ? Settings.get(CFG_SET_LISTPACK_ENTRIES)
      : Settings.get(CFG_SET_INTSET_ENTRIES);
  if (set.encoding != ENCODING_HASHTABLE && <i64>added > most) {
    tryConvert(set, ENCODING_HASHTABLE, max(added, setSize(set)));
  }
}

/** Turns a set whose members are all integers into an intset if that may hold them. */
export function tryConvertToIntset(set: SetValue): bool {
  if (set.encoding == ENCODING_INTSET || <i64>setSize(set) > intsetEntriesMax()) return true;
  let block = intsetNew();
  if (block == 0) return false;
  setWalk(conversion, set);
  while (setNext(conversion)) {
    let value = conversion.value;
    if (conversion.ptr != 0) {
      const isInt = parseI64(conversion.ptr, conversion.len);
      assert(isInt);
      value = parseI64Value;
    }
    const wider = intsetAdd(block, value);
    if (wider == 0) {
      intsetFree(block);
      return false;
    }
    block = wider;
  }
  setFree(set);
  set.encoding = ENCODING_INTSET;
  set.block = block;
  return true;
}

// --- Adding ---

/** Adds a member: SET_ADDED, SET_PRESENT, or SET_NO_MEMORY, then nothing changed. */
export function trySetAdd(set: SetValue, ptr: usize, len: u32): i32 {
  if (set.encoding == ENCODING_HASHTABLE) return tryTableAdd(set, ptr, len, hashBytes(ptr, len));
  if (set.encoding == ENCODING_INTSET) {
    if (parseI64(ptr, len)) return tryIntsetAdd(set, parseI64Value);
    return tryLeaveIntset(set, ptr, len);
  }
  const lp = set.block;
  if (lpFind(lp + LP_HDR_SIZE, ptr, len, 0) != 0) return SET_PRESENT;
  if (
    <i64>lpLength(lp) >= Settings.get(CFG_SET_LISTPACK_ENTRIES) ||
    <i64>len > Settings.get(CFG_SET_LISTPACK_VALUE) ||
    !lpSafeToAdd(lp, len)
  ) {
    return tryConvertAndAdd(set, lpLength(lp) + 1, ptr, len);
  }
  const grown = lpAppend(lp, ptr, len);
  if (grown == 0) return SET_NO_MEMORY;
  set.block = grown;
  return SET_ADDED;
}

/** As `trySetAdd` for an integer. */
export function trySetAddInt(set: SetValue, value: i64): i32 {
  if (set.encoding == ENCODING_INTSET) return tryIntsetAdd(set, value);
  return trySetAdd(set, intText, formatI64(value, intText));
}

/** As `trySetAdd` for the member of a walk through another set. */
export function trySetAddWalked(set: SetValue, walk: SetWalk): i32 {
  if (walk.ptr != 0) return trySetAdd(set, walk.ptr, walk.len);
  return trySetAddInt(set, walk.value);
}

/** As `trySetAdd`, to a hash table, with what `hashBytes` gives for the member. */
export function tryTableAdd(set: SetValue, ptr: usize, len: u32, hash: u64): i32 {
  const table = changetype<MemberTable>(set.block);
  if (memberFindHashed(table, ptr, len, hash) != 0) return SET_PRESENT;
  return tryMemberInsert(table, ptr, len, hash) != 0 ? SET_ADDED : SET_NO_MEMORY;
}

function tryConvertAndAdd(set: SetValue, expected: u32, ptr: usize, len: u32): i32 {
  if (!tryConvert(set, ENCODING_HASHTABLE, expected)) return SET_NO_MEMORY;
  return tryTableAdd(set, ptr, len, hashBytes(ptr, len));
}

function tryIntsetAdd(set: SetValue, value: i64): i32 {
  const block = intsetAdd(set.block, value);
  if (block == 0) return SET_NO_MEMORY;
  set.block = block;
  if (!intsetChanged) return SET_PRESENT;
  if (
    <i64>intsetLen(block) <= intsetEntriesMax() ||
    tryConvert(set, ENCODING_HASHTABLE, intsetLen(block))
  ) {
    return SET_ADDED;
  }
  set.block = intsetRemove(block, value);
  return SET_NO_MEMORY;
}

/** Adds a member that is no integer to an intset. */
function tryLeaveIntset(set: SetValue, ptr: usize, len: u32): i32 {
  const ints = set.block;
  const count = intsetLen(ints);
  let longest: u32 = 0;
  let bytes: u64 = 0;
  if (count != 0) {
    const first = intsetMin(ints);
    const last = intsetMax(ints);
    longest = max(digits10Signed(first), digits10Signed(last));
    bytes = max(
      lpEstimateBytesRepeatedInteger(first, count),
      lpEstimateBytesRepeatedInteger(last, count),
    );
  }
  const valueMax = Settings.get(CFG_SET_LISTPACK_VALUE);
  if (
    <i64>count >= Settings.get(CFG_SET_LISTPACK_ENTRIES) ||
    <i64>len > valueMax ||
    <i64>longest > valueMax ||
    !lpSafeToAdd(0, bytes + len)
  ) {
    return tryConvertAndAdd(set, count + 1, ptr, len);
  }
  let lp = lpNew(<usize>bytes + len + ELEMENT_OVERHEAD);
  for (let i: u32 = 0; i < count && lp != 0; i++) {
    const grown = lpAppendInteger(lp, intsetGet(ints, i));
    if (grown == 0) lpFree(lp);
    lp = grown;
  }
  if (lp == 0) return SET_NO_MEMORY;
  const grown = lpAppend(lp, ptr, len);
  if (grown == 0) {
    lpFree(lp);
    return SET_NO_MEMORY;
  }
  intsetFree(ints);
  set.encoding = ENCODING_LISTPACK;
  set.block = grown;
  return SET_ADDED;
}

// --- Looking and removing ---

/** As `setHas`, of a hash table, with what `hashBytes` gives for the member. */
export function tableHas(set: SetValue, ptr: usize, len: u32, hash: u64): bool {
  return memberFindHashed(changetype<MemberTable>(set.block), ptr, len, hash) != 0;
}

export function setHas(set: SetValue, ptr: usize, len: u32): bool {
  if (set.encoding == ENCODING_HASHTABLE) return tableHas(set, ptr, len, hashBytes(ptr, len));
  if (set.encoding == ENCODING_INTSET) {
    return parseI64(ptr, len) && intsetFind(set.block, parseI64Value);
  }
  return lpFind(set.block + LP_HDR_SIZE, ptr, len, 0) != 0;
}

/** Whether the member of a walk through another set is in this one. */
export function setHasWalked(set: SetValue, walk: SetWalk): bool {
  if (walk.ptr != 0) return setHas(set, walk.ptr, walk.len);
  if (set.encoding == ENCODING_INTSET) return intsetFind(set.block, walk.value);
  return setHas(set, intText, formatI64(walk.value, intText));
}

/** Removes a member; whether it was there. */
export function setRemove(set: SetValue, ptr: usize, len: u32): bool {
  if (set.encoding == ENCODING_HASHTABLE) {
    const table = changetype<MemberTable>(set.block);
    if (memberFindHashed(table, ptr, len, hashBytes(ptr, len)) == 0) return false;
    memberRemoveFound(table);
    return true;
  }
  if (set.encoding == ENCODING_INTSET) {
    return parseI64(ptr, len) && removeInt(set, parseI64Value);
  }
  const element = lpFind(set.block + LP_HDR_SIZE, ptr, len, 0);
  if (element == 0) return false;
  set.block = lpDelete(set.block, element);
  return true;
}

function removeInt(set: SetValue, value: i64): bool {
  set.block = intsetRemove(set.block, value);
  return intsetChanged;
}

/** Removes the member of a walk through another set. */
export function setRemoveWalked(set: SetValue, walk: SetWalk): bool {
  if (walk.ptr != 0) return setRemove(set, walk.ptr, walk.len);
  if (set.encoding == ENCODING_INTSET) return removeInt(set, walk.value);
  return setRemove(set, intText, formatI64(walk.value, intText));
}

// --- Walking ---

/** Begins a walk; `setNext` goes to the first member. */
export function setWalk(walk: SetWalk, set: SetValue): void {
  walk.encoding = set.encoding;
  walk.block = set.block;
  if (set.encoding == ENCODING_LISTPACK) walk.position = set.block + LP_HDR_SIZE;
  else walk.position = MEMBERS_START;
}

/** Goes to the next member; false when there is none. */
export function setNext(walk: SetWalk): bool {
  if (walk.encoding == ENCODING_HASHTABLE) {
    const at = memberNext(changetype<MemberTable>(walk.block), walk.position);
    if (at == 0) return false;
    walk.position = at;
    setAtMember(walk, memberAt(at));
    return true;
  }
  if (walk.encoding == ENCODING_INTSET) {
    const index = <u32>walk.position;
    if (index == intsetLen(walk.block)) return false;
    walk.position = index + 1;
    setAtInt(walk, intsetGet(walk.block, index));
    return true;
  }
  const element = <usize>walk.position;
  if (<u32>load<u8>(element) == LP_EOF) return false;
  walk.position = lpSkip(element);
  setAtElement(walk, element);
  return true;
}

/** Puts a walk at a block of a member table. */
export function setAtMember(walk: SetWalk, m: usize): void {
  walk.ptr = Member.ptr(m);
  walk.len = Member.len(m);
}

/** Puts a walk at a value of an intset. */
export function setAtInt(walk: SetWalk, value: i64): void {
  walk.ptr = 0;
  walk.value = value;
}

/** Puts a walk at an element of a listpack. */
export function setAtElement(walk: SetWalk, element: usize): void {
  walk.ptr = lpGet(element);
  walk.len = lpValueLen;
  walk.value = lpValueInt;
}

/** Gives an integer member its text, which is good until the next call on any set. */
export function setMemberText(walk: SetWalk): void {
  if (walk.ptr != 0) return;
  walk.len = formatI64(walk.value, intText);
  walk.ptr = intText;
}

// --- Picking at random ---

let randomElement: usize = 0;

/** Puts a walk at a member picked at random, all equally likely; the set must not be empty. */
export function setRandom(set: SetValue, walk: SetWalk): void {
  if (set.encoding == ENCODING_HASHTABLE) {
    setAtMember(walk, memberRandom(changetype<MemberTable>(set.block)));
  } else if (set.encoding == ENCODING_INTSET) setAtInt(walk, intsetRandom(set.block));
  else {
    randomElement = lpRandom(set.block, 1);
    setAtElement(walk, randomElement);
  }
}

/** Removes the member that `setRandom` has just found. */
export function setRemoveRandom(set: SetValue, walk: SetWalk): void {
  if (set.encoding == ENCODING_HASHTABLE) {
    memberRemoveFound(changetype<MemberTable>(set.block));
  } else if (set.encoding == ENCODING_INTSET) removeInt(set, walk.value);
  else set.block = lpDelete(set.block, randomElement);
}
