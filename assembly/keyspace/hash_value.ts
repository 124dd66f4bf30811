// A hash as commands see it, whatever its encoding.
//
//   listpack    at most hash-max-listpack-entries fields, names and values of at most
//               hash-max-listpack-value bytes; fields and values in turn
//   listpackex  the same, once a field has had an expiry: fields, values and expiries in turn
//   hashtable   any; a member table with values
//
// A hash never goes back to a smaller encoding. The thresholds are those of Redis 7.2.
//
// A HashValue says which block a hash is at the moment; setting and removing fields change it. One
// that was taken from a key's entry (`hashOpen`) has to be written back (`hashClose`) before the entry
// is used otherwise. A hash of its own, which no entry holds yet, is its caller's to free.
//
// Fields whose time has come are there until somebody removes them, but not to be seen: neither
// `hashFind` nor a walk finds them. What goes by fields' expiries is in hash_expiry.ts.
//
// Values are given as bytes. What is found is told as a HashItem: bytes, or an integer where a
// listpack holds one.
//
// Costs are those of the structures: O(bytes) of a small block, O(1).

import { CFG_HASH_LISTPACK_ENTRIES, CFG_HASH_LISTPACK_VALUE } from '../abi';
import {
  TRIPLE,
  tripleExpiry,
  tripleFind,
  tryTripleAppend,
  tryTripleSetExpiry,
} from '../struct/expiring_listpack';
import { Filed, tryFile, unfile } from '../struct/expiry_tree';
import {
  ListpackPtr,
  LP_EMPTY_BYTES,
  LP_EOF,
  LP_HDR_SIZE,
  lpAppend,
  lpBytes,
  lpCompare,
  lpDeleteRangeWithEntry,
  lpFind,
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
  FIELD_KEEP_EXPIRE,
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
  tryTableExpiries,
} from '../struct/member_table';
import { formatI64 } from '../util/number_format';
import { hashBytes } from '../util/siphash';
import { expiryClockMs } from './clock';
import {
  ENCODING_HASHTABLE,
  ENCODING_LISTPACK,
  ENCODING_LISTPACK_EX,
  Entry,
  EntryPtr,
  TYPE_HASH,
} from './entry';
import { ExpiringFields, settleHash, unfileHash } from './field_expiries';
import { Settings } from './settings';
import { valueFree, valueLength } from './value';

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
  position: u64; // member table: position; listpacks: address of the next field
  encoding: u32;
  block: usize;
  all: u32; // whether fields whose time has come are to be seen
}

export const HASH_WALK_BYTES: i32 = 24;

/** The value that `hashFind` found, and the name and value of the field a walk or a pick is at. */
export const hashField: HashItem = changetype<HashItem>(memory.data(16, 8));
export const hashItem: HashItem = changetype<HashItem>(memory.data(16, 8));

/** When the field expires that a walk of a hash with field expiries is at. */
export let hashFieldExpiry: i64 = FIELD_NO_EXPIRE;
/** Whether `hashFind` met a field whose time has come; only ever set, for who asks to clear. */
export let hashMetExpired: bool = false;

export function clearMetExpired(): void {
  hashMetExpired = false;
}

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
  if (hash.encoding != ENCODING_LISTPACK) settleHash(hash.encoding, hash.block);
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
  unfileHash(hash.encoding, hash.block);
  valueFree(TYPE_HASH, hash.encoding, hash.block);
}

export function hashSize(hash: HashValue): u32 {
  return valueLength(TYPE_HASH, hash.encoding, hash.block);
}

/** The listpack of a hash that is no hash table. */
export function hashListpack(hash: HashValue): ListpackPtr {
  if (hash.encoding == ENCODING_LISTPACK) return hash.block;
  return changetype<ExpiringFields>(hash.block).listpack;
}

/** Gives such a hash its listpack's new address. */
export function setHashListpack(hash: HashValue, lp: ListpackPtr): void {
  if (hash.encoding == ENCODING_LISTPACK) hash.block = lp;
  else changetype<ExpiringFields>(hash.block).listpack = lp;
}

/** Turns a listpack into a hash table with room for `expected` fields. False: no memory. */
function tryConvert(hash: HashValue, expected: u32): bool {
  const block = tryMemberTableNew(MEMBERS_VALUE, min(expected, RESERVED_MAX));
  if (block == 0) return false;
  const table = changetype<MemberTable>(block);
  const triples = hash.encoding == ENCODING_LISTPACK_EX;
  let p = hashListpack(hash) + LP_HDR_SIZE;
  while (<u32>load<u8>(p) != LP_EOF) {
    const at = triples ? tripleExpiry(p) : FIELD_NO_EXPIRE;
    const field = lpGetText(p, fieldText);
    const len = lpValueLen;
    p = lpSkip(p);
    const value = lpGetText(p, itemText);
    const valueLen = lpValueLen;
    p = lpSkip(p);
    if (triples) p = lpSkip(p);
    const filed = hashBytes(field, len);
    if (tryFieldInsert(table, field, len, filed, value, valueLen, at) == 0) {
      memberTableFree(block);
      return false;
    }
  }
  if (triples && !tryHandOver(changetype<Filed>(hash.block), table)) {
    memberTableFree(block);
    return false;
  }
  valueFree(TYPE_HASH, hash.encoding, hash.block);
  hash.encoding = ENCODING_HASHTABLE;
  hash.block = block;
  return true;
}

/** Files the table that replaces a listpack with expiries where that was. False: no memory. */
function tryHandOver(old: Filed, table: MemberTable): bool {
  if (old.tree == 0) return true;
  // A hash that is about to get its first expiry is filed before it has one.
  const record = tryTableExpiries(table);
  if (record == 0) return false;
  const fresh = changetype<Filed>(record);
  if (!tryFile(fresh, old.tree, old.atMs)) return false;
  fresh.hash = old.hash;
  fresh.owner = changetype<usize>(table);
  unfile(old);
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
  if (hash.encoding == ENCODING_HASHTABLE) return true;
  const many = <i64>added > Settings.get(CFG_HASH_LISTPACK_ENTRIES);
  if (fit && !many && lpSafeToAdd(hashListpack(hash), bytes)) return true;
  return tryConvert(hash, hashSize(hash) + added);
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

/** Finds a field; its value is `hashItem` then. One whose time has come only sets `hashMetExpired`. */
export function hashFind(hash: HashValue, field: usize, len: u32): bool {
  return hashFindHashed(hash, field, len, 0);
}

/** As `hashFind` with what `hashBytes` gives for the field, 0 when nobody knows it yet. */
export function hashFindHashed(hash: HashValue, field: usize, len: u32, known: u64): bool {
  if (hash.encoding == ENCODING_HASHTABLE) {
    const table = changetype<MemberTable>(hash.block);
    const filed = known != 0 ? known : hashBytes(field, len);
    const m = memberFindHashed(table, field, len, filed);
    if (m == 0) return false;
    if (Member.hasExpire(m) && isOver(Member.expireAtMs(m))) return false;
    atValue(hashItem, m);
    return true;
  }
  if (hash.encoding == ENCODING_LISTPACK_EX) return findTriple(hash, field, len);
  const element = lpFind(hash.block + LP_HDR_SIZE, field, len, 1);
  if (element == 0) return false;
  atElement(hashItem, lpSkip(element));
  return true;
}

function findTriple(hash: HashValue, field: usize, len: u32): bool {
  const element = tripleFind(hashListpack(hash), field, len);
  if (element == 0) return false;
  const at = tripleExpiry(element);
  if (at >= 0 && isOver(at)) return false;
  atElement(hashItem, lpSkip(element));
  return true;
}

function isOver(atMs: i64): bool {
  if (atMs >= expiryClockMs) return false;
  hashMetExpired = true;
  return true;
}

/**
 * Sets a field: HASH_CREATED, HASH_REPLACED, or HASH_NO_MEMORY, then nothing changed. `expireAtMs` is
 * FIELD_NO_EXPIRE, or FIELD_KEEP_EXPIRE for a field that is there. Field and value must not lie in
 * the hash. A field whose time has come counts as being there, as in Redis.
 */
export function tryHashSet(
  hash: HashValue,
  field: usize,
  len: u32,
  value: usize,
  valueLen: u32,
  expireAtMs: i64,
): i32 {
  return tryHashSetHashed(hash, field, len, value, valueLen, expireAtMs, 0);
}

/** As `tryHashSet` with what `hashBytes` gives for the field, 0 when nobody knows it yet. */
export function tryHashSetHashed(
  hash: HashValue,
  field: usize,
  len: u32,
  value: usize,
  valueLen: u32,
  expireAtMs: i64,
  known: u64,
): i32 {
  if (hash.encoding != ENCODING_HASHTABLE) {
    if (fitsListpack(len) && fitsListpack(valueLen)) {
      return hash.encoding == ENCODING_LISTPACK
        ? tryListpackSet(hash, field, len, value, valueLen)
        : tryTripleSet(hash, field, len, value, valueLen, expireAtMs);
    }
    if (!tryConvert(hash, hashSize(hash) + 1)) return HASH_NO_MEMORY;
  }
  const table = changetype<MemberTable>(hash.block);
  const filed = known != 0 ? known : hashBytes(field, len);
  const m = memberFindHashed(table, field, len, filed);
  if (m != 0) {
    const replaced = tryFieldReplaceFound(table, m, value, valueLen, expireAtMs);
    return replaced != 0 ? HASH_REPLACED : HASH_NO_MEMORY;
  }
  const created = tryFieldInsert(table, field, len, filed, value, valueLen, FIELD_NO_EXPIRE);
  return created != 0 ? HASH_CREATED : HASH_NO_MEMORY;
}

/** Converts a hash of more fields than a listpack may have, and adds a field that is not there. */
function tryConvertAdd(
  hash: HashValue,
  fields: u32,
  field: usize,
  len: u32,
  value: usize,
  valueLen: u32,
): i32 {
  if (!tryConvert(hash, fields)) return HASH_NO_MEMORY;
  const table = changetype<MemberTable>(hash.block);
  const filed = hashBytes(field, len);
  const m = tryFieldInsert(table, field, len, filed, value, valueLen, FIELD_NO_EXPIRE);
  return m != 0 ? HASH_CREATED : HASH_NO_MEMORY;
}

function tryTripleSet(
  hash: HashValue,
  field: usize,
  len: u32,
  value: usize,
  valueLen: u32,
  expireAtMs: i64,
): i32 {
  const lp = hashListpack(hash);
  const element = tripleFind(lp, field, len);
  if (element == 0) {
    const fields = hashSize(hash) + 1;
    if (<i64>fields > Settings.get(CFG_HASH_LISTPACK_ENTRIES)) {
      return tryConvertAdd(hash, fields, field, len, value, valueLen);
    }
    const grown = tryTripleAppend(lp, field, len, value, valueLen);
    if (grown == 0) return HASH_NO_MEMORY;
    setHashListpack(hash, grown);
    return HASH_CREATED;
  }
  const offset = element - lp;
  const replaced = lpReplace(lp, lpSkip(element), value, valueLen);
  if (replaced == 0) return HASH_NO_MEMORY;
  setHashListpack(hash, replaced);
  const again = replaced + offset;
  if (expireAtMs != FIELD_KEEP_EXPIRE && tripleExpiry(again) >= 0) {
    setHashListpack(hash, tryTripleSetExpiry(replaced, again, FIELD_NO_EXPIRE));
  }
  shedListpack(hash);
  return HASH_REPLACED;
}

/** The setting may have been lowered. Without memory the hash stays what it is. */
function shedListpack(hash: HashValue): void {
  const fields = hashSize(hash);
  if (<i64>fields > Settings.get(CFG_HASH_LISTPACK_ENTRIES)) tryConvert(hash, fields);
}

function tryListpackReplace(hash: HashValue, at: usize, value: usize, valueLen: u32): i32 {
  // Writing what is there already would only move bytes.
  if (!lpCompare(at, value, valueLen)) {
    const replaced = lpReplace(hash.block, at, value, valueLen);
    if (replaced == 0) return HASH_NO_MEMORY;
    hash.block = replaced;
  }
  shedListpack(hash);
  return HASH_REPLACED;
}

function tryListpackSet(hash: HashValue, field: usize, len: u32, value: usize, valueLen: u32): i32 {
  const lp = hash.block;
  const element = lpFind(lp + LP_HDR_SIZE, field, len, 1);
  if (element != 0) return tryListpackReplace(hash, lpSkip(element), value, valueLen);
  const fields = lpLength(lp) / 2 + 1;
  if (<i64>fields > Settings.get(CFG_HASH_LISTPACK_ENTRIES)) {
    return tryConvertAdd(hash, fields, field, len, value, valueLen);
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

/** Removes a field, its time come or not; whether it was there. */
export function hashRemove(hash: HashValue, field: usize, len: u32): bool {
  if (hash.encoding == ENCODING_HASHTABLE) {
    const table = changetype<MemberTable>(hash.block);
    if (memberFindHashed(table, field, len, hashBytes(field, len)) == 0) return false;
    memberRemoveFound(table);
    return true;
  }
  const lp = hashListpack(hash);
  const width: u32 = hash.encoding == ENCODING_LISTPACK ? 2 : TRIPLE;
  const element = lpFind(lp + LP_HDR_SIZE, field, len, width - 1);
  if (element == 0) return false;
  setHashListpack(hash, lpDeleteRangeWithEntry(lp, element, width));
  return true;
}

// --- Walking and picking at random ---

/** Begins a walk; `hashNext` goes to the first field. */
export function hashWalk(walk: HashWalk, hash: HashValue): void {
  walk.encoding = hash.encoding;
  walk.block = hash.block;
  walk.all = 0;
  if (hash.encoding == ENCODING_HASHTABLE) walk.position = MEMBERS_START;
  else walk.position = hashListpack(hash) + LP_HDR_SIZE;
}

/** Begins a walk that also goes to fields whose time has come. */
export function hashWalkAll(walk: HashWalk, hash: HashValue): void {
  hashWalk(walk, hash);
  walk.all = 1;
}

/** Goes to the next field, then in `hashField` and `hashItem`; false when there is none. */
export function hashNext(walk: HashWalk): bool {
  if (walk.encoding == ENCODING_LISTPACK) {
    const field = <usize>walk.position;
    if (<u32>load<u8>(field) == LP_EOF) return false;
    walk.position = atPair(field);
    return true;
  }
  return walk.encoding == ENCODING_HASHTABLE ? nextMember(walk) : nextTriple(walk);
}

function nextMember(walk: HashWalk): bool {
  while (true) {
    const at = memberNext(changetype<MemberTable>(walk.block), walk.position);
    if (at == 0) return false;
    walk.position = at;
    const m = memberAt(at);
    hashFieldExpiry = Member.expiry(m);
    if (hashFieldExpiry >= 0 && hashFieldExpiry < expiryClockMs && walk.all == 0) continue;
    atMember(m);
    return true;
  }
}

function nextTriple(walk: HashWalk): bool {
  while (true) {
    const field = <usize>walk.position;
    if (<u32>load<u8>(field) == LP_EOF) return false;
    hashFieldExpiry = tripleExpiry(field);
    const behind = atPair(field);
    walk.position = lpSkip(behind);
    if (hashFieldExpiry < 0 || hashFieldExpiry >= expiryClockMs || walk.all != 0) return true;
  }
}

/** Takes the field at `p` and its value; returns the address behind them. */
function atPair(p: usize): usize {
  const value = lpSkip(p);
  atElement(hashField, p);
  atElement(hashItem, value);
  return lpSkip(value);
}

function atMember(m: MemberPtr): void {
  hashField.ptr = Member.ptr(m);
  hashField.len = Member.len(m);
  atValue(hashItem, m);
}

/**
 * Finds a field at random, all equally likely, as `hashNext` does; the hash must not be empty, and
 * fields whose time has come must be gone.
 */
export function hashRandom(hash: HashValue): void {
  if (hash.encoding == ENCODING_HASHTABLE) {
    atMember(memberRandom(changetype<MemberTable>(hash.block)));
    return;
  }
  atPair(lpRandom(hashListpack(hash), hash.encoding == ENCODING_LISTPACK ? 2 : TRIPLE));
}
