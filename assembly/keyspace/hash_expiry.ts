// Expiries of the fields of a hash: asking, setting, and removing fields whose time has come.
//
// Setting takes two steps, so that running out of memory leaves nothing half done: `tryHashExpectExpiry`
// prepares the hash and files it in the database early enough, then `tryHashExpire` sets each field.
// Whoever changes an open hash ends with `hashClose`, which takes it off the files if it no longer
// belongs there.

import { STAT_EXPIRED_SUBKEYS } from '../abi';
import {
  tripleExpiry,
  tripleFind,
  tripleSkip,
  triplesRemoveFirst,
  tryTripleSetExpiry,
  tryTriplesOf,
} from '../struct/expiring_listpack';
import { Filed } from '../struct/expiry_tree';
import {
  LP_HDR_SIZE,
  LP_INT_CHARS,
  lpFind,
  lpFree,
  lpGetText,
  lpValueLen,
} from '../struct/listpack';
import {
  FIELD_NO_EXPIRE,
  Member,
  MemberTable,
  memberFind,
  memberFirstExpired,
  memberRemove,
  tryFieldExpireFound,
  tryTableExpiries,
} from '../struct/member_table';
import { expiryClockMs } from './clock';
import { Db, db } from './db';
import {
  ENCODING_HASHTABLE,
  ENCODING_LISTPACK,
  ENCODING_LISTPACK_EX,
  Entry,
  EntryPtr,
} from './entry';
import { expiredFields, tryExpiringFields, tryFileRecord } from './field_expiries';
import { HashValue, hashFree, hashListpack, hashSize, setHashListpack } from './hash_value';
import { opBytes, opStart, opText, propagating } from './propagation';
import { Stats } from './stats';

/** What `hashExpiry` gives for a field that is not there. */
export const FIELD_ABSENT: i64 = -2;

/** When a field expires, be that over: FIELD_NO_EXPIRE for never, FIELD_ABSENT without such a field. */
export function hashExpiry(hash: HashValue, field: usize, len: u32): i64 {
  if (hash.encoding == ENCODING_HASHTABLE) {
    const m = memberFind(changetype<MemberTable>(hash.block), field, len);
    return m != 0 ? Member.expiry(m) : FIELD_ABSENT;
  }
  if (hash.encoding == ENCODING_LISTPACK_EX) {
    const element = tripleFind(hashListpack(hash), field, len);
    return element != 0 ? tripleExpiry(element) : FIELD_ABSENT;
  }
  const found = lpFind(hash.block + LP_HDR_SIZE, field, len, 1) != 0;
  return found ? FIELD_NO_EXPIRE : FIELD_ABSENT;
}

/** Fields of a hash that are to be seen. */
export function hashLiveSize(hash: HashValue): u32 {
  return hashSize(hash) - expiredFields(hash.encoding, hash.block, expiryClockMs);
}

/**
 * Prepares the open hash, of a key with the hash `keyHash` in the current database, for fields that
 * expire at `atMs`. False without memory; then it is as it was.
 */
export function tryHashExpectExpiry(hash: HashValue, keyHash: u64, atMs: i64): bool {
  if (hash.encoding == ENCODING_LISTPACK && !tryConvertEx(hash)) return false;
  const record =
    hash.encoding == ENCODING_HASHTABLE
      ? tryTableExpiries(changetype<MemberTable>(hash.block))
      : hash.block;
  if (record == 0) return false;
  const filed = changetype<Filed>(record);
  const due = filed.tree != 0 ? min(filed.atMs, atMs) : atMs;
  return tryFileRecord(record, hash.block, keyHash, db.expiryTree, due);
}

function tryConvertEx(hash: HashValue): bool {
  const triples = tryTriplesOf(hash.block);
  if (triples == 0) return false;
  const block = tryExpiringFields(triples);
  if (block == 0) {
    lpFree(triples);
    return false;
  }
  hashFree(hash);
  hash.encoding = ENCODING_LISTPACK_EX;
  hash.block = block;
  return true;
}

/**
 * Sets the expiry of a field that is there, or takes it away (FIELD_NO_EXPIRE). False without memory;
 * then nothing changed. `tryHashExpectExpiry` has come before a time is set.
 */
export function tryHashExpire(hash: HashValue, field: usize, len: u32, atMs: i64): bool {
  if (hash.encoding == ENCODING_HASHTABLE) {
    const table = changetype<MemberTable>(hash.block);
    return tryFieldExpireFound(table, memberFind(table, field, len), atMs) != 0;
  }
  assert(hash.encoding == ENCODING_LISTPACK_EX);
  const lp = hashListpack(hash);
  const changed = tryTripleSetExpiry(lp, tripleFind(lp, field, len), atMs);
  if (changed == 0) return false;
  setHashListpack(hash, changed);
  return true;
}

/**
 * Removes up to `most` fields whose time has come of the open hash, which the entry `e` of a database
 * refers to, and returns how many.
 */
export function hashReap(hash: HashValue, which: Db, e: EntryPtr, most: u32): u32 {
  let reaped: u32 = 0;
  if (hash.encoding == ENCODING_HASHTABLE) {
    const table = changetype<MemberTable>(hash.block);
    for (; reaped < most; reaped++) {
      const m = memberFirstExpired(table, expiryClockMs);
      if (m == 0) break;
      if (propagating) propagateFieldGone(which, e, Member.ptr(m), Member.len(m));
      memberRemove(table, m);
    }
  } else {
    reaped = min(expiredFields(hash.encoding, hash.block, expiryClockMs), most);
    if (reaped > 0) {
      if (propagating) propagateTriplesGone(which, e, hashListpack(hash), reaped);
      setHashListpack(hash, triplesRemoveFirst(hashListpack(hash), reaped));
    }
  }
  countReaped(reaped);
  return reaped;
}

const digits: usize = memory.data(<i32>LP_INT_CHARS, 8);

function propagateTriplesGone(which: Db, e: EntryPtr, lp: usize, count: u32): void {
  let p = lp + LP_HDR_SIZE;
  for (; count > 0; count--) {
    const field = lpGetText(p, digits);
    propagateFieldGone(which, e, field, lpValueLen);
    p = tripleSkip(p);
  }
}

/** A field of an entry's hash is removed, its time having come. */
function propagateFieldGone(which: Db, e: EntryPtr, field: usize, len: u32): void {
  opStart(which.id, 3);
  opText('HDEL');
  opBytes(Entry.key(e), Entry.keyLen(e));
  opBytes(field, len);
}

/** Counts fields that were removed because their time had come. */
export function countReaped(fields: u32): void {
  Stats.add(STAT_EXPIRED_SUBKEYS, <f64>fields);
}
