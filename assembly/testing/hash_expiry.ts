// Test entry: hashes with field expiries in databases, as commands work on them, and the trees in which
// databases find them.
//
// The key is at the start of a scratch, a field or a second key behind it.

import {
  Db,
  database,
  databasesInit,
  deleteKey,
  hashKey,
  lookupKeyQuiet,
  lookupKeyWriteIn,
  selectDatabase,
  swapDatabases,
  tryCopyKey,
  tryInsertNew,
  tryMoveKey,
} from '../keyspace/db';
import {
  ENCODING_LISTPACK,
  Entry,
  EntryPtr,
  NO_EXPIRE,
  TYPE_HASH,
  tryNewBlockEntry,
} from '../keyspace/entry';
import { filedOf, firstExpiry } from '../keyspace/field_expiries';
import {
  hashExpiry,
  hashLiveSize,
  tryHashExpectExpiry,
  tryHashExpire,
} from '../keyspace/hash_expiry';
import {
  HASH_NO_MEMORY,
  HashValue,
  hashClose,
  hashFind,
  hashFree,
  hashListpack,
  hashOpen,
  hashRemove,
  hashSize,
  tryHashNew,
  tryHashSet,
} from '../keyspace/hash_value';
import { Bucket, bucketAt } from '../keyspace/key_table';
import { flushDatabase } from '../keyspace/lazyfree';
import { Settings, settingsInit } from '../keyspace/settings';
import { Stats } from '../keyspace/stats';
import { valueBytes } from '../keyspace/value';
import { allocInit, tryAlloc } from '../memory/alloc';
import { tripleExpiry, tripleSkip } from '../struct/expiring_listpack';
import { expiryTreeHas, expiryTreeVerify, Filed, NEVER_DUE } from '../struct/expiry_tree';
import { LP_EOF, LP_HDR_SIZE } from '../struct/listpack';
import { MemberTable, memberTableVerify } from '../struct/member_table';
import { Tree } from '../struct/ordered_tree';

export { setNow } from '../keyspace/clock';
export { fieldExpireStep } from '../keyspace/field_expiry_cycle';
export { lazyfreeStep } from '../keyspace/lazyfree';
export { free, tryAlloc, usedBytes } from '../memory/alloc';
export { seedRandom } from '../util/prng';
export { setHashSeed } from '../util/siphash';

const SCRATCH_BYTES: usize = 262144;
const SECOND: usize = 65536;
const FIELD_KEEP: i64 = -2;

const hash: HashValue = changetype<HashValue>(memory.data(8, 8));
let scratch: usize = 0;

/** Sets everything up. Returns the address of the scratch; the second text starts at 65,536. */
export function start(databases: u32, limitPages: u32): usize {
  allocInit(limitPages);
  settingsInit();
  scratch = tryAlloc(SCRATCH_BYTES);
  databasesInit(databases);
  return scratch;
}

export function setting(id: u32, value: f64): void {
  Settings.set(id, <i64>value);
}

export function stat(index: u32): f64 {
  return Stats.get(index);
}

export function select(index: u32): void {
  selectDatabase(index);
}

export function keys(index: u32): u32 {
  return database(index).keys;
}

/** Hashes filed in a database. */
export function filed(index: u32): u32 {
  return changetype<Tree>(database(index).expiryTree).size;
}

function peek(keyLen: u32): EntryPtr {
  return lookupKeyQuiet(scratch, keyLen, hashKey(scratch, keyLen));
}

/** Sets a field; false without memory. */
export function setField(keyLen: u32, len: u32, valueLen: u32, keep: bool): bool {
  const e = peek(keyLen);
  if (e != 0) hashOpen(hash, e);
  else if (!tryHashNew(hash)) return false;
  const at = keep ? FIELD_KEEP : NO_EXPIRE;
  const value = scratch + SECOND + 1024;
  const outcome = tryHashSet(hash, scratch + SECOND, len, value, valueLen, at);
  if (e != 0) {
    hashClose(hash, e);
    return outcome != HASH_NO_MEMORY;
  }
  if (outcome == HASH_NO_MEMORY) {
    hashFree(hash);
    return false;
  }
  const encoding = hash.encoding;
  const block = hash.block;
  const fresh = tryNewBlockEntry(scratch, keyLen, TYPE_HASH, encoding, block, 0, NO_EXPIRE);
  if (fresh == 0) {
    hashFree(hash);
    return false;
  }
  return tryInsertNew(fresh, hashKey(scratch, keyLen));
}

/** Sets or (negative) takes away the expiry of a field that is there; false without memory. */
export function expireField(keyLen: u32, len: u32, atMs: i64): bool {
  const e = peek(keyLen);
  hashOpen(hash, e);
  let good = true;
  if (atMs >= 0) good = tryHashExpectExpiry(hash, hashKey(scratch, keyLen), atMs);
  if (atMs < 0 && hash.encoding == ENCODING_LISTPACK) return true;
  if (good) good = tryHashExpire(hash, scratch + SECOND, len, atMs);
  hashClose(hash, e);
  return good;
}

/** When a field expires: -1 never, -2 there is no such field, -3 no such key. */
export function fieldExpiry(keyLen: u32, len: u32): i64 {
  const e = peek(keyLen);
  if (e == 0) return -3;
  hashOpen(hash, e);
  return hashExpiry(hash, scratch + SECOND, len);
}

/** Whether a field is to be seen. */
export function seesField(keyLen: u32, len: u32): bool {
  const e = peek(keyLen);
  if (e == 0) return false;
  hashOpen(hash, e);
  return hashFind(hash, scratch + SECOND, len);
}

export function removeField(keyLen: u32, len: u32): bool {
  const e = peek(keyLen);
  if (e == 0) return false;
  hashOpen(hash, e);
  const removed = hashRemove(hash, scratch + SECOND, len);
  hashClose(hash, e);
  if (hashSize(hash) == 0) remove(keyLen);
  return removed;
}

/** Fields, and those to be seen, of a key: 0 when there is none. */
export function fields(keyLen: u32, live: bool): u32 {
  const e = peek(keyLen);
  if (e == 0) return 0;
  hashOpen(hash, e);
  return live ? hashLiveSize(hash) : hashSize(hash);
}

export function encoding(keyLen: u32): u32 {
  return Entry.encoding(peek(keyLen));
}

export function bytesOf(keyLen: u32): f64 {
  const e = peek(keyLen);
  return valueBytes(Entry.type(e), Entry.encoding(e), Entry.valuePtr(e), 0);
}

export function remove(keyLen: u32): bool {
  return deleteKey(scratch, keyLen, hashKey(scratch, keyLen));
}

/** Moves a key that is there to the second text as key in another database. */
export function move(keyLen: u32, toDb: u32, toKeyLen: u32): bool {
  const hashFrom = hashKey(scratch, keyLen);
  const toHash = hashKey(scratch + SECOND, toKeyLen);
  const into = changetype<Db>(database(toDb));
  lookupKeyWriteIn(into, scratch + SECOND, toKeyLen, toHash);
  return tryMoveKey(scratch, keyLen, hashFrom, into, scratch + SECOND, toKeyLen, toHash);
}

/** The same, leaving the key where it is. */
export function copy(keyLen: u32, toDb: u32, toKeyLen: u32): bool {
  const toHash = hashKey(scratch + SECOND, toKeyLen);
  const into = changetype<Db>(database(toDb));
  return tryCopyKey(peek(keyLen), into, scratch + SECOND, toKeyLen, toHash);
}

export function swap(a: u32, b: u32): void {
  swapDatabases(database(a), database(b));
}

export function flush(index: u32, later: bool): u32 {
  return flushDatabase(database(index), later);
}

/** Asserts that the triples of a small hash are in order. */
function verifyTriples(): void {
  let last: i64 = 0;
  for (let p = hashListpack(hash) + LP_HDR_SIZE; load<u8>(p) != LP_EOF; p = tripleSkip(p)) {
    const at = tripleExpiry(p);
    const due = at >= 0 ? at : NEVER_DUE;
    assert(due >= last);
    last = due;
  }
}

/** Asserts what has to hold between one hash and the tree. Returns whether it is filed. */
function verifyEntry(which: Db, e: EntryPtr): bool {
  hashOpen(hash, e);
  assert(hashSize(hash) > 0);
  if (hash.encoding == ENCODING_LISTPACK) return false;
  const record = filedOf(hash.encoding, hash.block);
  if (record == hash.block) verifyTriples();
  else memberTableVerify(changetype<MemberTable>(hash.block));
  const due = firstExpiry(hash.encoding, hash.block);
  if (record == 0 || changetype<Filed>(record).tree == 0) {
    assert(due == NEVER_DUE);
    return false;
  }
  const at = changetype<Filed>(record);
  assert(due != NEVER_DUE && at.atMs <= due && at.tree == which.expiryTree);
  assert(at.owner == hash.block && at.hash == hashKey(Entry.key(e), Entry.keyLen(e)));
  const there = expiryTreeHas(changetype<Tree>(at.tree), at.atMs, record);
  assert(there);
  return true;
}

/** Walks a database and asserts that its tree has its hashes with field expiries and no others. */
export function verify(index: u32): void {
  const which = database(index);
  let count: u32 = 0;
  for (let i: u32 = 0; i < which.buckets; i++) {
    for (let b = bucketAt(which, i); b != 0; b = Bucket.next(b)) {
      for (let rest = Bucket.occupied(b); rest != 0; rest &= rest - 1) {
        count += <u32>verifyEntry(which, Bucket.entry(b, ctz(rest)));
      }
    }
  }
  expiryTreeVerify(changetype<Tree>(which.expiryTree));
  assert(changetype<Tree>(which.expiryTree).size == count);
}

export { assertLine } from '../memory/abort';
