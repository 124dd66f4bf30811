// A hash as commands see it, whatever its encoding.
//
//   listpack    at most hash-max-listpack-entries fields, names and values of at most
//               hash-max-listpack-value bytes; fields and values in turn
//   hashtable   any; a member table with values
//
// A hash never goes back to a listpack. The thresholds are those of Redis 7.2.
//
// A HashValue says which block a hash is at the moment; setting and removing fields change it. One
// that was taken from a key's entry (`hashOpen`) has to be written back (`hashClose`) before the entry
// is used otherwise. A hash of its own, which no entry holds yet, is its caller's to free.
//
// Values are given as bytes. What is found is told as a HashItem: bytes, or an integer where a
// listpack holds one.
//
// Costs are those of the structures: O(bytes) of a small block, O(1).

import { CFG_HASH_LISTPACK_ENTRIES, CFG_HASH_LISTPACK_VALUE } from '../abi';
import {
  LP_EMPTY_BYTES,
  LP_EOF,
  LP_HDR_SIZE,
  lpAppend,
  lpBytes,
  lpCompare,
  lpDeleteRangeWithEntry,
  lpFind,
  lpFree,
  lpGet,
  lpGetText,
  lpLength,
  lpNew,
  lpRandom,
  lpReplace,
  lpSafeToAdd,
  lpSkip,
  lpValueInt,
  lpValueLen,
} from '../struct/listpack';
import {
  FIELD_NO_EXPIRE,
  MEMBERS_START,
  MEMBERS_VALUE,
  Member,
  MemberPtr,
  MemberTable,
  memberAt,
  memberFindHashed,
  memberNext,
  memberRandom,
  memberRemoveFound,
  memberTableFree,
  tryFieldInsert,
  tryFieldReplaceFound,
  tryMemberTableNew,
} from '../struct/member_table';
import { formatI64 } from '../util/number_format';
import { hashBytes } from '../util/siphash';
import { ENCODING_HASHTABLE, ENCODING_LISTPACK, Entry, EntryPtr, TYPE_HASH } from './entry';
import { Settings } from './settings';
import { valueLength } from './value';

/** What setting a field came to. */
export const HASH_NO_MEMORY: i32 = -1;
export const HASH_REPLACED: i32 = 0;
export const HASH_CREATED: i32 = 1;

/** A block is sized for so many fields at most before they are there. */
const RESERVED_MAX: u32 = 1 << 20;

@unmanaged
export class HashValue {
  encoding: u32;
  block: usize;
}

/** A field's name or value: `len` bytes at `ptr`, or, if that is 0, an integer. */
@unmanaged
export class HashItem {
  value: i64;
  ptr: usize;
  len: u32;
}

/** A walk through a hash that nobody changes meanwhile. */
@unmanaged
export class HashWalk {
  position: u64; // member table: position; listpack: address of the next field
  encoding: u32;
  block: usize;
}

/** The value that `hashFind` found, and the name and value of the field a walk or a pick is at. */
export const hashField: HashItem = changetype<HashItem>(memory.data(16, 8));
export const hashItem: HashItem = changetype<HashItem>(memory.data(16, 8));

const itemText: usize = memory.data(24, 8);
const fieldText: usize = memory.data(24, 8);

// --- Entries ---

/** Takes the hash of an entry. */
export function hashOpen(hash: HashValue, e: EntryPtr): void {
  hash.encoding = Entry.encoding(e);
  hash.block = Entry.valuePtr(e);
}

/** Writes a hash back to its entry, which stays where it is. */
export function hashClose(hash: HashValue, e: EntryPtr): void {
  Entry.setValuePtr(e, hash.block);
  if (hash.encoding != Entry.encoding(e)) Entry.setTypeEncoding(e, TYPE_HASH, hash.encoding);
}

// --- The whole ---

/** An empty hash. False: no memory. */
export function tryHashNew(hash: HashValue): bool {
  hash.encoding = ENCODING_LISTPACK;
  hash.block = lpNew(LP_EMPTY_BYTES);
  return hash.block != 0;
}

export function hashFree(hash: HashValue): void {
  if (hash.encoding == ENCODING_LISTPACK) lpFree(hash.block);
  else memberTableFree(hash.block);
}

export function hashSize(hash: HashValue): u32 {
  return valueLength(TYPE_HASH, hash.encoding, hash.block);
}

/** Turns a listpack into a hash table with room for `expected` fields. False: no memory. */
function tryConvert(hash: HashValue, expected: u32): bool {
  const block = tryMemberTableNew(MEMBERS_VALUE, min(expected, RESERVED_MAX));
  if (block == 0) return false;
  const table = changetype<MemberTable>(block);
  let p = hash.block + LP_HDR_SIZE;
  while (<u32>load<u8>(p) != LP_EOF) {
    const field = lpGetText(p, fieldText);
    const len = lpValueLen;
    p = lpSkip(p);
    const value = lpGetText(p, itemText);
    const valueLen = lpValueLen;
    p = lpSkip(p);
    const filed = hashBytes(field, len);
    if (tryFieldInsert(table, field, len, filed, value, valueLen, FIELD_NO_EXPIRE) == 0) {
      memberTableFree(block);
      return false;
    }
  }
  lpFree(hash.block);
  hash.encoding = ENCODING_HASHTABLE;
  hash.block = block;
  return true;
}

/** Whether a field or a value of so many bytes may be in a listpack. */
export function fitsListpack(len: u32): bool {
  return <i64>len <= Settings.get(CFG_HASH_LISTPACK_VALUE);
}

/**
 * Turns a hash into a hash table before `added` fields come, of `bytes` bytes with their values: if
 * they are too many, or `fit` says that one of them is too long. False: no memory.
 */
export function tryHashExpect(hash: HashValue, added: u32, bytes: u64, fit: bool): bool {
  if (hash.encoding != ENCODING_LISTPACK) return true;
  const many = <i64>added > Settings.get(CFG_HASH_LISTPACK_ENTRIES);
  if (fit && !many && lpSafeToAdd(hash.block, bytes)) return true;
  return tryConvert(hash, lpLength(hash.block) / 2 + added);
}

// --- Fields ---

function atValue(item: HashItem, m: MemberPtr): void {
  item.ptr = Member.valuePtr(m);
  item.len = Member.valueLen(m);
}

function atElement(item: HashItem, element: usize): void {
  item.ptr = lpGet(element);
  item.len = lpValueLen;
  item.value = lpValueInt;
}

/** Gives an integer its text, which is good until the next call that deals with a value. */
export function itemToText(item: HashItem): void {
  if (item.ptr != 0) return;
  const text = item == hashField ? fieldText : itemText;
  item.len = formatI64(item.value, text);
  item.ptr = text;
}

/** Finds a field; its value is `hashItem` then. */
export function hashFind(hash: HashValue, field: usize, len: u32): bool {
  if (hash.encoding == ENCODING_HASHTABLE) {
    const table = changetype<MemberTable>(hash.block);
    const m = memberFindHashed(table, field, len, hashBytes(field, len));
    if (m == 0) return false;
    atValue(hashItem, m);
    return true;
  }
  const element = lpFind(hash.block + LP_HDR_SIZE, field, len, 1);
  if (element == 0) return false;
  atElement(hashItem, lpSkip(element));
  return true;
}

/**
 * Sets a field: HASH_CREATED, HASH_REPLACED, or HASH_NO_MEMORY, then nothing changed. `expireAtMs` is
 * FIELD_NO_EXPIRE, or FIELD_KEEP_EXPIRE for a field that is there. Field and value must not lie in
 * the hash.
 */
export function tryHashSet(
  hash: HashValue,
  field: usize,
  len: u32,
  value: usize,
  valueLen: u32,
  expireAtMs: i64,
): i32 {
  if (hash.encoding == ENCODING_LISTPACK) {
    if (fitsListpack(len) && fitsListpack(valueLen)) {
      return tryListpackSet(hash, field, len, value, valueLen);
    }
    if (!tryConvert(hash, lpLength(hash.block) / 2 + 1)) return HASH_NO_MEMORY;
  }
  const table = changetype<MemberTable>(hash.block);
  const filed = hashBytes(field, len);
  const m = memberFindHashed(table, field, len, filed);
  if (m != 0) {
    const replaced = tryFieldReplaceFound(table, m, value, valueLen, expireAtMs);
    return replaced != 0 ? HASH_REPLACED : HASH_NO_MEMORY;
  }
  const created = tryFieldInsert(table, field, len, filed, value, valueLen, FIELD_NO_EXPIRE);
  return created != 0 ? HASH_CREATED : HASH_NO_MEMORY;
}

function tryListpackReplace(hash: HashValue, at: usize, value: usize, valueLen: u32): i32 {
  // Writing what is there already would only move bytes.
  if (!lpCompare(at, value, valueLen)) {
    const replaced = lpReplace(hash.block, at, value, valueLen);
    if (replaced == 0) return HASH_NO_MEMORY;
    hash.block = replaced;
  }
  // The setting may have been lowered. Without memory it stays what it is.
  const fields = lpLength(hash.block) / 2;
  if (<i64>fields > Settings.get(CFG_HASH_LISTPACK_ENTRIES)) tryConvert(hash, fields);
  return HASH_REPLACED;
}

function tryListpackSet(hash: HashValue, field: usize, len: u32, value: usize, valueLen: u32): i32 {
  const lp = hash.block;
  const element = lpFind(lp + LP_HDR_SIZE, field, len, 1);
  if (element != 0) return tryListpackReplace(hash, lpSkip(element), value, valueLen);
  const fields = lpLength(lp) / 2 + 1;
  if (<i64>fields > Settings.get(CFG_HASH_LISTPACK_ENTRIES)) {
    if (!tryConvert(hash, fields)) return HASH_NO_MEMORY;
    const table = changetype<MemberTable>(hash.block);
    const filed = hashBytes(field, len);
    const m = tryFieldInsert(table, field, len, filed, value, valueLen, FIELD_NO_EXPIRE);
    return m != 0 ? HASH_CREATED : HASH_NO_MEMORY;
  }
  const named = lpAppend(lp, field, len);
  if (named == 0) return HASH_NO_MEMORY;
  hash.block = named;
  const before = lpBytes(named);
  const grown = lpAppend(named, value, valueLen);
  if (grown != 0) {
    hash.block = grown;
    return HASH_CREATED;
  }
  // Without its value the name has to go again.
  const again = lpFind(named + LP_HDR_SIZE, field, len, 1);
  assert(again != 0 && before == lpBytes(named));
  hash.block = lpDeleteRangeWithEntry(named, again, 1);
  return HASH_NO_MEMORY;
}

/** Removes a field; whether it was there. */
export function hashRemove(hash: HashValue, field: usize, len: u32): bool {
  if (hash.encoding == ENCODING_HASHTABLE) {
    const table = changetype<MemberTable>(hash.block);
    if (memberFindHashed(table, field, len, hashBytes(field, len)) == 0) return false;
    memberRemoveFound(table);
    return true;
  }
  const element = lpFind(hash.block + LP_HDR_SIZE, field, len, 1);
  if (element == 0) return false;
  hash.block = lpDeleteRangeWithEntry(hash.block, element, 2);
  return true;
}

// --- Walking and picking at random ---

/** Begins a walk; `hashNext` goes to the first field. */
export function hashWalk(walk: HashWalk, hash: HashValue): void {
  walk.encoding = hash.encoding;
  walk.block = hash.block;
  if (hash.encoding == ENCODING_LISTPACK) walk.position = hash.block + LP_HDR_SIZE;
  else walk.position = MEMBERS_START;
}

/** Goes to the next field, then in `hashField` and `hashItem`; false when there is none. */
export function hashNext(walk: HashWalk): bool {
  if (walk.encoding == ENCODING_HASHTABLE) {
    const at = memberNext(changetype<MemberTable>(walk.block), walk.position);
    if (at == 0) return false;
    walk.position = at;
    atMember(memberAt(at));
    return true;
  }
  const field = <usize>walk.position;
  if (<u32>load<u8>(field) == LP_EOF) return false;
  const value = lpSkip(field);
  atElement(hashField, field);
  atElement(hashItem, value);
  walk.position = lpSkip(value);
  return true;
}

function atMember(m: MemberPtr): void {
  hashField.ptr = Member.ptr(m);
  hashField.len = Member.len(m);
  atValue(hashItem, m);
}

/** Finds a field at random, all equally likely, as `hashNext` does; the hash must not be empty. */
export function hashRandom(hash: HashValue): void {
  if (hash.encoding == ENCODING_HASHTABLE) {
    atMember(memberRandom(changetype<MemberTable>(hash.block)));
    return;
  }
  const field = lpRandom(hash.block, 2);
  atElement(hashField, field);
  atElement(hashItem, lpSkip(field));
}
