// Reading hashes: see decode.ts.

import { CFG_HASH_LISTPACK_ENTRIES, RDB_FAULT_HASH_DUPLICATE, RDB_FAULT_HASH_EXPIRY } from '../abi';
import {
  ENCODING_HASHTABLE,
  ENCODING_LISTPACK,
  ENCODING_LISTPACK_EX,
  TYPE_HASH,
} from '../keyspace/entry';
import { tryExpiringFields } from '../keyspace/field_expiries';
import { tryHashExpire } from '../keyspace/hash_expiry';
import {
  fitsListpack,
  HASH_CREATED,
  HASH_NO_MEMORY,
  HASH_REPLACED,
  tryHashExpect,
  tryHashNew,
  tryHashSet,
} from '../keyspace/hash_value';
import { Settings } from '../keyspace/settings';
import { TRIPLE, tripleSkip } from '../struct/expiring_listpack';
import {
  LP_EOF,
  LP_HDR_SIZE,
  LP_INT_CHARS,
  lpFree,
  lpGet,
  lpGetText,
  lpLength,
  lpNew,
  lpSkip,
  lpValidate,
  lpValueInt,
  lpValueLen,
} from '../struct/listpack';
import {
  FIELD_NO_EXPIRE,
  MEMBERS_VALUE,
  MemberTable,
  memberFindHashed,
  tryFieldInsert,
  tryMemberTableNew,
} from '../struct/member_table';
import { hashBytes } from '../util/siphash';
import { Decoder, RESERVED_MAX, STAGE_ELEMENTS, STAGE_HEAD } from './decoder';
import {
  RDB_HASH,
  RDB_HASH_LISTPACK_EX,
  RDB_HASH_LISTPACK_EX_PRE_GA,
  RDB_HASH_METADATA,
  RDB_HASH_ZIPLIST,
  RDB_HASH_ZIPMAP,
} from './format';
import {
  FAULT_CORRUPT,
  FAULT_EMPTY,
  FAULT_MEMORY,
  FAULT_NONE,
  fail,
  failAs,
  inputFault,
  inputMark,
  itemString,
  nameString,
  plausible,
  readCount,
  readI64,
  readLength,
  readString,
  takeString,
} from './rdb_input';
import { hasUniqueNames } from './unique';
import { tryListpackOfZiplist } from './ziplist';
import { tryListpackOfZipmap, zipmapLongest } from './zipmap';

/** The latest time a field can expire at, as Redis has it. */
const EXPIRY_MAX: u64 = 0xfffffffffffe;
/** A field with its value takes as many bytes at least. */
const PAIR_BYTES_MIN: u32 = 2;

const fieldDigits: usize = memory.data(<i32>LP_INT_CHARS, 8);
const valueDigits: usize = memory.data(<i32>LP_INT_CHARS, 8);

/** RDB_HASH, RDB_HASH_METADATA and its predecessor */
export function decodeHash(d: Decoder): void {
  if (d.stage == STAGE_HEAD) {
    if (d.rdbType == RDB_HASH_METADATA) d.earliest = <u64>readI64();
    d.rest = readCount();
    if (inputFault != FAULT_NONE) return;
    startHash(d);
    if (inputFault != FAULT_NONE) return;
    d.stage = STAGE_ELEMENTS;
    inputMark();
  }
  while (d.rest != 0) {
    const expiry = d.rdbType == RDB_HASH ? 0 : readLength();
    readString(nameString);
    readString(itemString);
    if (inputFault != FAULT_NONE) return;
    if (d.rdbType == RDB_HASH) addField(d);
    else addExpiring(d, expiry);
    if (inputFault != FAULT_NONE) return;
    d.rest -= 1;
    inputMark();
  }
}

function startHash(d: Decoder): void {
  d.type = TYPE_HASH;
  const expected = plausible(d.rest, PAIR_BYTES_MIN);
  const many = !isSmall(d.rest);
  if (d.rdbType == RDB_HASH) {
    if (!tryHashNew(d.hash()) || !tryHashExpect(d.hash(), expected, 0, !many)) fail(FAULT_MEMORY);
  } else if (many) startTable(d, expected);
  else startTriples(d, lpNew(0));
}

/** Whether so many fields may be in a listpack. */
function isSmall(fields: u64): bool {
  return <i64>fields <= Settings.get(CFG_HASH_LISTPACK_ENTRIES);
}

/** Makes a listpack of triples the hash; 0 and a failure give a fault. */
function startTriples(d: Decoder, lp: usize): void {
  d.encoding = ENCODING_LISTPACK_EX;
  d.block = lp != 0 ? tryExpiringFields(lp) : 0;
  if (d.block != 0) return;
  if (lp != 0) lpFree(lp);
  fail(FAULT_MEMORY);
}

function startTable(d: Decoder, expected: u32): void {
  d.encoding = ENCODING_HASHTABLE;
  d.block = tryMemberTableNew(MEMBERS_VALUE, min(expected, RESERVED_MAX));
  if (d.block == 0) fail(FAULT_MEMORY);
}

/** Adds the field and the value that were read. */
function addField(d: Decoder): void {
  const name = nameString.ptr;
  const value = itemString.ptr;
  const came = tryHashSet(d.hash(), name, nameString.len, value, itemString.len, FIELD_NO_EXPIRE);
  if (came == HASH_NO_MEMORY) fail(FAULT_MEMORY);
  else if (came != HASH_CREATED) failAs(RDB_FAULT_HASH_DUPLICATE);
}

/** The same with an expiry: 0 for none, relative to the earliest unless that is 0. */
function addExpiring(d: Decoder, expiry: u64): void {
  let at: u64 = expiry;
  if (expiry != 0 && d.rdbType == RDB_HASH_METADATA) {
    if (expiry > EXPIRY_MAX || d.earliest > EXPIRY_MAX) {
      failAs(RDB_FAULT_HASH_EXPIRY);
      return;
    }
    at = d.earliest + expiry - 1;
  }
  insert(d, nameString.ptr, nameString.len, itemString.ptr, itemString.len, at);
}

/** Adds a field; an expiry of 0 is none. */
function insert(d: Decoder, name: usize, len: u32, value: usize, valueLen: u32, at: u64): void {
  if (d.encoding == ENCODING_LISTPACK_EX) insertSmall(d, name, len, value, valueLen, at);
  else insertLarge(d, name, len, value, valueLen, at);
}

function insertSmall(
  d: Decoder,
  name: usize,
  len: u32,
  value: usize,
  valueLen: u32,
  at: u64,
): void {
  const hash = d.hash();
  const came = tryHashSet(hash, name, len, value, valueLen, FIELD_NO_EXPIRE);
  if (came == HASH_REPLACED) failAs(RDB_FAULT_HASH_DUPLICATE);
  else if (at > EXPIRY_MAX) failAs(RDB_FAULT_HASH_EXPIRY);
  else if (came == HASH_NO_MEMORY) fail(FAULT_MEMORY);
  else if (at != 0 && !tryHashExpire(hash, name, len, <i64>at)) fail(FAULT_MEMORY);
}

function insertLarge(
  d: Decoder,
  name: usize,
  len: u32,
  value: usize,
  valueLen: u32,
  at: u64,
): void {
  const table = changetype<MemberTable>(d.block);
  const hash = hashBytes(name, len);
  if (at > EXPIRY_MAX) failAs(RDB_FAULT_HASH_EXPIRY);
  else if (memberFindHashed(table, name, len, hash) != 0) failAs(RDB_FAULT_HASH_DUPLICATE);
  if (inputFault != FAULT_NONE) return;
  const expireAtMs = at == 0 ? FIELD_NO_EXPIRE : <i64>at;
  if (tryFieldInsert(table, name, len, hash, value, valueLen, expireAtMs) == 0) fail(FAULT_MEMORY);
}

// --- Blocks ---

/** RDB_HASH_ZIPMAP, RDB_HASH_ZIPLIST, RDB_HASH_LISTPACK, RDB_HASH_LISTPACK_EX and its predecessor */
export function decodeHashBlock(d: Decoder): void {
  const type = d.rdbType;
  if (type == RDB_HASH_LISTPACK_EX) readI64();
  readString(itemString);
  if (inputFault != FAULT_NONE) return;
  const lp = readListpack(type);
  if (lp == 0) return;
  d.type = TYPE_HASH;
  if (type == RDB_HASH_LISTPACK_EX || type == RDB_HASH_LISTPACK_EX_PRE_GA) {
    takeTriples(d, lp);
    return;
  }
  d.encoding = ENCODING_LISTPACK;
  d.block = lp;
  const elements = lpLength(lp);
  if (elements == 0) fail(FAULT_EMPTY);
  else if ((elements & 1) != 0) fail(FAULT_CORRUPT);
  else hasUniqueNames(lp, 2);
  if (inputFault != FAULT_NONE) return;
  if (isSmall(elements >> 1) && (type != RDB_HASH_ZIPMAP || fitsListpack(zipmapLongest))) return;
  if (!tryHashExpect(d.hash(), 0, 0, false)) fail(FAULT_MEMORY);
}

/** The string that was read as a listpack of its own; 0 with a fault. */
function readListpack(type: u32): usize {
  const ptr = itemString.ptr;
  const len = itemString.len;
  if (type == RDB_HASH_ZIPMAP) return tryListpackOfZipmap(ptr, len);
  if (type == RDB_HASH_ZIPLIST) return tryListpackOfZiplist(ptr, len);
  if (lpValidate(ptr, len, true)) return takeString(itemString);
  fail(FAULT_CORRUPT);
  return 0;
}

/**
 * Makes a listpack of fields, values and expiries the hash: as it is, or (it is large, or not in order
 * of time) by filing its fields.
 */
function takeTriples(d: Decoder, lp: usize): void {
  const elements = lpLength(lp);
  if (elements == 0 || elements % TRIPLE != 0) {
    fail(elements == 0 ? FAULT_EMPTY : FAULT_CORRUPT);
  } else if (isSmall(elements / TRIPLE) && isInOrder(lp)) {
    if (hasUniqueNames(lp, TRIPLE)) {
      startTriples(d, lp);
      return;
    }
  } else if (inputFault == FAULT_NONE) {
    startTable(d, elements / TRIPLE);
    fileTriples(d, lp);
  }
  lpFree(lp);
}

/** Whether triples have expiries, the earliest first and those without one last. */
function isInOrder(lp: usize): bool {
  let last: u64 = 0;
  let over = false;
  for (let p = lp + LP_HDR_SIZE; <u32>load<u8>(p) != LP_EOF; p = tripleSkip(p)) {
    const isInteger = lpGet(lpSkip(lpSkip(p))) == 0;
    const at = <u64>lpValueInt;
    if (!isInteger || at > EXPIRY_MAX) {
      fail(FAULT_CORRUPT);
      return false;
    }
    if (at != 0 && (over || at < last)) return false;
    over = at == 0;
    last = at;
  }
  return true;
}

function fileTriples(d: Decoder, lp: usize): void {
  let p = lp + LP_HDR_SIZE;
  while (inputFault == FAULT_NONE && <u32>load<u8>(p) != LP_EOF) {
    const name = lpGetText(p, fieldDigits);
    const len = lpValueLen;
    p = lpSkip(p);
    const value = lpGetText(p, valueDigits);
    const valueLen = lpValueLen;
    p = lpSkip(p);
    if (lpGet(p) != 0) fail(FAULT_CORRUPT);
    else insert(d, name, len, value, valueLen, <u64>lpValueInt);
    p = lpSkip(p);
  }
}
