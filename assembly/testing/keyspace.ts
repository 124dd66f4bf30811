// Test entry: databases with all that works on them without a client: expiry, eviction, flushing.
//
// Keys and values are passed in a scratch: the key at its start, the value or a second key behind.

import {
  Db,
  database,
  databasesInit,
  db,
  deleteKey,
  hashKey,
  lookupKeyQuiet,
  lookupKeyRead,
  lookupKeyWriteIn,
  randomKey as randomKeyOf,
  selectDatabase,
  swapDatabases,
  tryCopyKey,
  tryMoveKey,
  trySetExpireFound,
  trySetString,
} from '../keyspace/db';
import { Entry, EntryPtr } from '../keyspace/entry';
import { tableBytes as tableBytesOf } from '../keyspace/key_table';
import { flushDatabase } from '../keyspace/lazyfree';
import { Settings, settingsInit } from '../keyspace/settings';
import { Stats } from '../keyspace/stats';
import { allocInit, tryAlloc } from '../memory/alloc';

export { idleSeconds, lfuCounter } from '../keyspace/access_clock';
export { setNow } from '../keyspace/clock';
export {
  evictionPending,
  evictionPolicyChanged,
  tryFreeMemoryForWrite,
  usedMemory,
} from '../keyspace/evict';
export { expireStep } from '../keyspace/expire_cycle';
export { lazyfreePending, lazyfreeStep } from '../keyspace/lazyfree';
export { free, tryAlloc, usedBytes } from '../memory/alloc';
export { seedRandom } from '../util/prng';
export { setHashSeed } from '../util/siphash';

const SCRATCH_BYTES: usize = 262144;
const SECOND: usize = 65536;

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

export function expires(index: u32): u32 {
  return database(index).expires;
}

export function buckets(index: u32): u32 {
  return database(index).buckets;
}

export function averageTtlMs(index: u32): f64 {
  return database(index).averageTtlMs;
}

export function tableBytes(index: u32): f64 {
  return tableBytesOf(database(index));
}

function hashOf(keyLen: u32): u64 {
  return hashKey(scratch, keyLen);
}

/** Sets a key of the selected database; -1 for no expiry, -2 to keep it. */
export function set(keyLen: u32, valueLen: u32, expireAtMs: i64): bool {
  return trySetString(scratch, keyLen, hashOf(keyLen), scratch + SECOND, valueLen, expireAtMs);
}

/** The entry of a key, 0 when there is none; neither clocks nor counters move. */
export function peek(keyLen: u32): EntryPtr {
  return lookupKeyQuiet(scratch, keyLen, hashOf(keyLen));
}

/** The same as a use of the key. */
export function read(keyLen: u32): EntryPtr {
  return lookupKeyRead(scratch, keyLen, hashOf(keyLen));
}

export function expireAtMs(e: EntryPtr): i64 {
  return Entry.hasExpire(e) ? Entry.expireAtMs(e) : -1;
}

export function encoding(e: EntryPtr): u32 {
  return Entry.encoding(e);
}

export function intValue(e: EntryPtr): i64 {
  return Entry.intValue(e);
}

export function stringPtr(e: EntryPtr): usize {
  return Entry.stringPtr(e);
}

export function stringLen(e: EntryPtr): u32 {
  return Entry.stringLen(e);
}

export function keyPtr(e: EntryPtr): usize {
  return Entry.key(e);
}

export function keyLength(e: EntryPtr): u32 {
  return Entry.keyLen(e);
}

export function remove(keyLen: u32): bool {
  return deleteKey(scratch, keyLen, hashOf(keyLen));
}

/** Sets the expiry of a key that is there. */
export function expire(keyLen: u32, atMs: i64): bool {
  const e = peek(keyLen);
  assert(e != 0);
  return trySetExpireFound(e, atMs) != 0;
}

/** Moves a key that is there to the second text as key in another database. */
export function move(keyLen: u32, toDb: u32, toKeyLen: u32): bool {
  const toHash = hashKey(scratch + SECOND, toKeyLen);
  const into = changetype<Db>(database(toDb));
  lookupKeyWriteIn(into, scratch + SECOND, toKeyLen, toHash);
  return tryMoveKey(scratch, keyLen, hashOf(keyLen), into, scratch + SECOND, toKeyLen, toHash);
}

/** The same, leaving the key where it is. */
export function copy(keyLen: u32, toDb: u32, toKeyLen: u32): bool {
  const toHash = hashKey(scratch + SECOND, toKeyLen);
  const into = changetype<Db>(database(toDb));
  const e = peek(keyLen);
  lookupKeyWriteIn(into, scratch + SECOND, toKeyLen, toHash);
  return tryCopyKey(e, into, scratch + SECOND, toKeyLen, toHash);
}

export function swap(a: u32, b: u32): void {
  swapDatabases(database(a), database(b));
}

export function flush(index: u32, later: bool): u32 {
  return flushDatabase(database(index), later);
}

export function randomKey(): EntryPtr {
  return randomKeyOf();
}

/** The selected database's number. */
export function selected(): u32 {
  return db.id;
}
