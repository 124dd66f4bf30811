// Databases: lookup with expiry and access clocks, storing, deleting.
//
// Commands reach keys only through this file. Every lookup first drops the key if its time has come
// (lazy expiry), so a handler never sees an expired key. Addresses of entries are valid until the
// next call that stores, deletes or sets an expiry in the same database.
//
// Stored strings take the encodings Redis names: integers of up to 20 digits that print back to the
// same bytes become "int", strings of up to 44 bytes "embstr", longer ones "raw".

import {
  CFG_LAZYFREE_EXPIRE,
  STAT_EXPIRED_KEYS,
  STAT_KEYSPACE_HITS,
  STAT_KEYSPACE_MISSES,
} from '../abi';
import { alloc, tryAlloc } from '../memory/alloc';
import { dictReserve } from '../struct/dict';
import { EXPIRY_TREE_BYTES, Filed, tryExpiryTreeInsert, unfile } from '../struct/expiry_tree';
import { Tree, treeInit } from '../struct/ordered_tree';
import { parseI64, parseI64Value } from '../util/number_parse';
import { hashBytes } from '../util/siphash';
import { initialClock, policyIsLfu, touchEntry } from './access_clock';
import { expiryClockMs } from './clock';
import {
  EVENT_UNCHANGED,
  effectsWanted,
  keyEvent,
  NOTIFY_EXPIRED,
  NOTIFY_KEY_MISS,
  NOTIFY_NEW,
} from './effects';
import {
  EMBSTR_MAX_BYTES,
  ENCODING_EMBSTR,
  ENCODING_INT,
  ENCODING_RAW,
  Entry,
  EntryPtr,
  entryFreeShell,
  entryHasBlock,
  NO_EXPIRE,
  overwriteInPlace,
  TYPE_HASH,
  TYPE_STRING,
  tryEntryRename,
  tryEntrySetExpire,
  tryNewBlockEntry,
  tryNewIntEntry,
  tryNewStringEntry,
} from './entry';
import { filedOf, tryFileHash, unfileHash } from './field_expiries';
import {
  KeyTable,
  tableFind,
  tableRandom,
  tableRemoveFound,
  tableReplaceFound,
  tryTableInit,
  tryTableInsert,
} from './key_table';
import { releaseValue } from './lazy_values';
import { preserve, preserves, tryBury, walking } from './preserve';
import { opDeletion, propagating } from './propagation';
import { Settings } from './settings';
import { Stats } from './stats';
import { tryEntryCopy } from './value';

/** A database: its key table and what the expire cycle remembers of it. */
@unmanaged
export class Db extends KeyTable {
  expireCursor: u64; // scan position where the active expire cycle goes on
  averageTtlMs: f64; // estimate from the keys the cycle saw
  expiryTree: usize; // hashes with field expiries by the time they are due (field_expiries.ts)
  walkId: u32; // id when the walk over the keyspace began (SWAPDB exchanges it)
  id: u32;
  evictCursor: u32; // bucket where eviction's sampling goes on
}

const DB_BYTES: usize = 72;
const INT_MAX_DIGITS: u32 = 20;

let databases: usize = 0;
export let databaseCount: u32 = 0;
/** The database of the running command. */
export let db: Db = changetype<Db>(0);
/** Off while a client with NO-TOUCH runs a command. */
export let touchOnLookup: bool = true;

export function databasesInit(count: u32): void {
  if (offsetof<Db>() > 72) ERROR('Db is 72 bytes');
  databases = alloc(<usize>count * DB_BYTES);
  memory.fill(databases, 0, <usize>count * DB_BYTES);
  databaseCount = count;
  for (let i: u32 = 0; i < count; i++) {
    const each = database(i);
    each.id = i;
    each.walkId = i;
    const ok = tryTableInit(each) && tryExpiryTreeNew(each);
    assert(ok);
  }
  db = database(0);
}

/** Gives a database an empty tree of hashes with field expiries. False without memory. */
export function tryExpiryTreeNew(which: Db): bool {
  const tree = tryAlloc(EXPIRY_TREE_BYTES);
  if (tree == 0) return false;
  treeInit(changetype<Tree>(tree));
  which.expiryTree = tree;
  return true;
}

export function database(index: u32): Db {
  return changetype<Db>(databases + <usize>index * DB_BYTES);
}

export function selectDatabase(index: u32): void {
  db = database(index);
}

export function setTouchOnLookup(on: bool): void {
  touchOnLookup = on;
}

// --- Lookup ---

/** True when the entry's time has come; never while data is loaded. */
export function isExpired(e: EntryPtr): bool {
  return Entry.hasExpire(e) && Entry.expireAtMs(e) < expiryClockMs;
}

/** While true expired keys are passed over and stay: CLIENT PAUSE holds changes of all kinds back. */
let keepsExpired: bool = false;

export function setKeepsExpired(on: bool): void {
  keepsExpired = on;
}

export function expiredAreKept(): bool {
  return keepsExpired;
}

/** The live entry of a key or 0; an expired one is deleted. Neither counters nor clocks move. */
export function lookupKeyQuiet(key: usize, keyLen: u32, hash: u64): EntryPtr {
  const e = tableFind(db, key, keyLen, hash);
  if (e == 0) return 0;
  if (!isExpired(e)) {
    if (preserves) preserve(db.walkId, e);
    return e;
  }
  if (!keepsExpired) expireFound(db, hash);
  return 0;
}

/** Tells who listens that a command looked for a key in vain. */
function reportMiss(key: usize, keyLen: u32, hash: u64): void {
  if (effectsWanted == 0) return;
  keyEvent(db.id, key, keyLen, hash, NOTIFY_KEY_MISS | EVENT_UNCHANGED, 'keymiss', 0);
}

/** For commands that read: counts a hit or a miss and records the access. */
export function lookupKeyRead(key: usize, keyLen: u32, hash: u64): EntryPtr {
  const e = lookupKeyQuiet(key, keyLen, hash);
  if (e == 0) {
    Stats.add(STAT_KEYSPACE_MISSES, 1);
    reportMiss(key, keyLen, hash);
    return 0;
  }
  Stats.add(STAT_KEYSPACE_HITS, 1);
  if (touchOnLookup) touchEntry(e);
  return e;
}

/** For commands that read about a key without using it (TTL, TYPE, OBJECT ...): hits and misses only. */
export function lookupKeyReadNoTouch(key: usize, keyLen: u32, hash: u64): EntryPtr {
  const e = lookupKeyQuiet(key, keyLen, hash);
  Stats.add(e == 0 ? STAT_KEYSPACE_MISSES : STAT_KEYSPACE_HITS, 1);
  if (e == 0) reportMiss(key, keyLen, hash);
  return e;
}

/** As `lookupKeyReadNoTouch`, for commands whose misses are not reported (OBJECT). */
export function lookupKeyInspect(key: usize, keyLen: u32, hash: u64): EntryPtr {
  const e = lookupKeyQuiet(key, keyLen, hash);
  Stats.add(e == 0 ? STAT_KEYSPACE_MISSES : STAT_KEYSPACE_HITS, 1);
  return e;
}

/** For commands that are about to change the key: records the access, counts nothing. */
export function lookupKeyWrite(key: usize, keyLen: u32, hash: u64): EntryPtr {
  const e = lookupKeyQuiet(key, keyLen, hash);
  if (e != 0 && touchOnLookup) touchEntry(e);
  return e;
}

/** As `lookupKeyWrite` in a database of choice. */
export function lookupKeyWriteIn(which: Db, key: usize, keyLen: u32, hash: u64): EntryPtr {
  const current = db;
  db = which;
  const e = lookupKeyWrite(key, keyLen, hash);
  db = current;
  return e;
}

/** While expired keys stay, so often another one is drawn in place of one. */
const KEPT_DRAWS_MAX: u32 = 100;

/**
 * A key of the current database picked at random, all equally likely, 0 when there is none. Expired
 * keys that are met on the way are deleted; while they are to stay, one may be the answer.
 */
export function randomKey(): EntryPtr {
  let draws = KEPT_DRAWS_MAX;
  while (db.keys > 0) {
    const e = tableRandom(db);
    if (!isExpired(e)) return e;
    if (keepsExpired) {
      draws -= 1;
      if (draws == 0) return e;
      continue;
    }
    expireFound(db, hashKey(Entry.key(e), Entry.keyLen(e)));
  }
  return 0;
}

/** Removes the entry found last, whose time has come. */
function expireFound(which: Db, hash: u64): void {
  entryExpired(which, tableRemoveFound(which, hash));
}

/**
 * Counts, reports and frees an entry that was taken out of its table because its time had come. As in
 * Redis, that is no change that waits to be saved.
 */
export function entryExpired(which: Db, e: EntryPtr): void {
  Stats.add(STAT_EXPIRED_KEYS, 1);
  entryEvent(which, e, NOTIFY_EXPIRED, 'expired');
  propagateGone(which, e, CFG_LAZYFREE_EXPIRE);
  entryRemoved(which, e);
}

/** Reports what happened to an entry without anybody asking for it. */
export function entryEvent(which: Db, e: EntryPtr, kind: u32, event: string): void {
  if (effectsWanted == 0) return;
  const key = Entry.key(e);
  const keyLen = Entry.keyLen(e);
  keyEvent(which.id, key, keyLen, hashKey(key, keyLen), kind, event, 0);
}

/** An entry that nobody asked to delete is gone, with its value freed in the background if the setting says so. */
export function propagateGone(which: Db, e: EntryPtr, lazySetting: u32): void {
  if (!propagating) return;
  opDeletion(which.id, Entry.key(e), Entry.keyLen(e), Settings.on(lazySetting));
}

// --- Storing ---

/** Frees an entry that is in no table, with its value. */
export function entryFree(e: EntryPtr): void {
  if (entryHasBlock(e)) releaseValue(Entry.type(e), Entry.encoding(e), Entry.valuePtr(e));
  entryFreeShell(e);
}

/** Frees an entry that was taken out of its table, once a walk that needs it has written it. */
export function entryRemoved(which: Db, e: EntryPtr): void {
  if (!walking || !tryBury(which.walkId, e)) {
    entryFree(e);
    return;
  }
  // Its fields do not expire any more.
  if (Entry.type(e) == TYPE_HASH) unfileHash(Entry.encoding(e), Entry.valuePtr(e));
}

/** The encoding Redis gives a string that is not an integer. */
export function stringEncoding(length: u32): u32 {
  return length <= EMBSTR_MAX_BYTES ? ENCODING_EMBSTR : ENCODING_RAW;
}

/** Replaces the entry that the last lookup found by one of the same key, freeing the old one. */
export function replaceFound(old: EntryPtr, fresh: EntryPtr): void {
  tableReplaceFound(db, fresh);
  entryRemoved(db, old);
}

/**
 * Sets a key to a copy of a string, whatever it held before. `expireAtMs`: NO_EXPIRE removes an
 * expiry, KEEP_EXPIRE keeps it. False when memory is exhausted; then nothing changed. The value must
 * not lie in the entry being replaced.
 */
export function trySetString(
  key: usize,
  keyLen: u32,
  hash: u64,
  value: usize,
  valueLen: u32,
  expireAtMs: i64,
): bool {
  const old = lookupKeyWrite(key, keyLen, hash);
  return tryStoreString(old, key, keyLen, hash, value, valueLen, expireAtMs);
}

/** As `trySetString`, when the last lookup was of this key and gave `old` (0: there is none). */
export function tryStoreString(
  old: EntryPtr,
  key: usize,
  keyLen: u32,
  hash: u64,
  value: usize,
  valueLen: u32,
  expireAtMs: i64,
): bool {
  if (valueLen <= INT_MAX_DIGITS && parseI64(value, valueLen)) {
    return tryStoreInt(old, key, keyLen, hash, parseI64Value, expireAtMs);
  }
  const encoding = stringEncoding(valueLen);
  return tryStoreText(old, key, keyLen, hash, value, valueLen, encoding, expireAtMs);
}

/** As `tryStoreString` with a given encoding, which is not to be ENCODING_INT. */
export function tryStoreText(
  old: EntryPtr,
  key: usize,
  keyLen: u32,
  hash: u64,
  value: usize,
  valueLen: u32,
  encoding: u32,
  expireAtMs: i64,
): bool {
  if (old == 0) {
    const at = max(expireAtMs, NO_EXPIRE);
    const e = tryNewStringEntry(key, keyLen, value, valueLen, encoding, initialClock(), at);
    return tryInsertNew(e, hash);
  }
  const at = keptExpiry(old, expireAtMs);
  if (at >= 0 == Entry.hasExpire(old) && overwriteInPlace(old, value, valueLen, encoding)) {
    if (at >= 0) Entry.setExpireAtMs(old, at);
    refreshClock(old);
    return true;
  }
  const e = tryNewStringEntry(key, keyLen, value, valueLen, encoding, keptClock(old), at);
  if (e == 0) return false;
  replaceFound(old, e);
  return true;
}

/** As `tryStoreString` for a value in its integer encoding. */
export function tryStoreInt(
  old: EntryPtr,
  key: usize,
  keyLen: u32,
  hash: u64,
  value: i64,
  expireAtMs: i64,
): bool {
  if (old == 0) {
    const at = max(expireAtMs, NO_EXPIRE);
    return tryInsertNew(tryNewIntEntry(key, keyLen, value, initialClock(), at), hash);
  }
  const at = keptExpiry(old, expireAtMs);
  const isInt = Entry.encoding(old) == ENCODING_INT && Entry.type(old) == TYPE_STRING;
  if (isInt && at >= 0 == Entry.hasExpire(old)) {
    Entry.setIntValue(old, value);
    if (at >= 0) Entry.setExpireAtMs(old, at);
    refreshClock(old);
    return true;
  }
  const e = tryNewIntEntry(key, keyLen, value, keptClock(old), at);
  if (e == 0) return false;
  replaceFound(old, e);
  return true;
}

/**
 * An entry of its own, in no table yet, with the encoding that a string of these bytes gets; 0 when
 * memory is exhausted.
 */
export function tryNewStringFor(
  key: usize,
  keyLen: u32,
  value: usize,
  valueLen: u32,
  expireAtMs: i64,
): EntryPtr {
  const clock = initialClock();
  if (valueLen <= INT_MAX_DIGITS && parseI64(value, valueLen)) {
    return tryNewIntEntry(key, keyLen, parseI64Value, clock, expireAtMs);
  }
  const encoding = stringEncoding(valueLen);
  return tryNewStringEntry(key, keyLen, value, valueLen, encoding, clock, expireAtMs);
}

/**
 * Sets a key to the raw string in `block` (see `tryStringBlock`), whatever it held before, without an
 * expiry. The block then belongs to the entry. False when memory is exhausted; then nothing changed
 * and the block is still the caller's.
 */
export function trySetStringBlock(key: usize, keyLen: u32, hash: u64, block: usize): bool {
  return trySetBlock(key, keyLen, hash, TYPE_STRING, ENCODING_RAW, block);
}

/** The same for a value of any type. */
export function trySetBlock(
  key: usize,
  keyLen: u32,
  hash: u64,
  type: u32,
  encoding: u32,
  block: usize,
): bool {
  const old = lookupKeyWrite(key, keyLen, hash);
  const clock = old == 0 ? initialClock() : keptClock(old);
  if (type == TYPE_HASH && !tryFileHash(encoding, block, hash, db.expiryTree)) return false;
  const e = tryNewBlockEntry(key, keyLen, type, encoding, block, clock, NO_EXPIRE);
  if (e != 0 && old != 0) {
    replaceFound(old, e);
    return true;
  }
  if (e != 0 && tryTableInsert(db, e, hash)) {
    reportNew(db, e, hash);
    return true;
  }
  if (e != 0) entryFreeShell(e);
  if (type == TYPE_HASH) unfileHash(encoding, block);
  return false;
}

/** `expireAtMs` value that leaves the expiry of an existing key as it is. */
export const KEEP_EXPIRE: i64 = -2;

function keptExpiry(old: EntryPtr, expireAtMs: i64): i64 {
  if (expireAtMs != KEEP_EXPIRE) return expireAtMs;
  return Entry.hasExpire(old) ? Entry.expireAtMs(old) : NO_EXPIRE;
}

/** Clock for an entry that replaces `old`: a new value counts as used now, as often as the old one. */
function keptClock(old: EntryPtr): u32 {
  return policyIsLfu() ? Entry.clock(old) : initialClock();
}

/** The same for an entry whose value was replaced in place. */
function refreshClock(e: EntryPtr): void {
  if (!policyIsLfu()) Entry.setClock(e, initialClock());
}

/** Inserts a fresh entry (0 passes the failure on); on failure it is freed. */
export function tryInsertNew(e: EntryPtr, hash: u64): bool {
  if (e == 0) return false;
  if (tryTableInsert(db, e, hash)) {
    reportNew(db, e, hash);
    return true;
  }
  entryFree(e);
  return false;
}

/** Tells who listens that a key came into being. What was done to it is reported by the command. */
function reportNew(which: Db, e: EntryPtr, hash: u64): void {
  if (effectsWanted == 0) return;
  const kind = NOTIFY_NEW | EVENT_UNCHANGED;
  keyEvent(which.id, Entry.key(e), Entry.keyLen(e), hash, kind, 'new', 0);
}

/**
 * Stores the new address of the entry that the last lookup found, after it was changed by one of the
 * `try...` functions of entry.ts that may move it.
 */
export function entryMoved(e: EntryPtr): void {
  tableReplaceFound(db, e);
}

/**
 * Sets or (NO_EXPIRE) removes the expiry of the entry that the last lookup found. Returns its
 * address, 0 when memory is exhausted; then nothing changed.
 */
export function trySetExpireFound(e: EntryPtr, atMs: i64): EntryPtr {
  const moved = tryEntrySetExpire(e, atMs);
  if (moved != 0) tableReplaceFound(db, moved);
  return moved;
}

// --- Deleting and moving ---

/** Deletes the entry that the last lookup found. */
export function deleteFound(hash: u64): void {
  entryRemoved(db, tableRemoveFound(db, hash));
}

/** Deletes a key; false when there was none (an expired one counts as none). */
export function deleteKey(key: usize, keyLen: u32, hash: u64): bool {
  if (lookupKeyQuiet(key, keyLen, hash) == 0) return false;
  deleteFound(hash);
  return true;
}

/**
 * Files an entry under its key, in place of the one that may be there. In either case it counts as a
 * new key, as in Redis, which deletes the other one first. False: no memory.
 */
function tryPut(which: Db, fresh: EntryPtr, key: usize, keyLen: u32, hash: u64): bool {
  const old = tableFind(which, key, keyLen, hash);
  if (old == 0) {
    if (!tryTableInsert(which, fresh, hash)) return false;
  } else {
    tableReplaceFound(which, fresh);
    entryRemoved(which, old);
  }
  reportNew(which, fresh, hash);
  return true;
}

/** Files an entry that is about to be stored, if it is a hash with field expiries. False: no memory. */
function tryFileEntry(which: Db, e: EntryPtr, hash: u64): bool {
  if (Entry.type(e) != TYPE_HASH) return true;
  return tryFileHash(Entry.encoding(e), Entry.valuePtr(e), hash, which.expiryTree);
}

/**
 * Stores a fresh entry (0 passes the failure on) under its key in the current database, in place of the
 * one that may be there. False when memory is exhausted; then the entry is freed and nothing changed.
 */
export function tryPutEntry(e: EntryPtr, key: usize, keyLen: u32, hash: u64): bool {
  if (e == 0) return false;
  if (tryFileEntry(db, e, hash) && tryPut(db, e, key, keyLen, hash)) return true;
  entryFree(e);
  return false;
}

/** What came of `tryLoadEntry`. */
export const LOADED: u32 = 0;
export const LOAD_NO_MEMORY: u32 = 1;
export const LOAD_DUPLICATE: u32 = 2;

/**
 * Files an entry that comes from a file under its key in a database, in place of the one that may be
 * there if it `replaces`. Nobody is told. After another result than LOADED nothing changed, and the
 * entry is the caller's.
 */
export function tryLoadEntry(which: Db, e: EntryPtr, hash: u64, replaces: bool): u32 {
  const old = tableFind(which, Entry.key(e), Entry.keyLen(e), hash);
  if (old != 0 && !replaces) return LOAD_DUPLICATE;
  if (!tryFileEntry(which, e, hash)) return LOAD_NO_MEMORY;
  if (old != 0) {
    tableReplaceFound(which, e);
    entryRemoved(which, old);
    return LOADED;
  }
  if (tryTableInsert(which, e, hash)) return LOADED;
  if (Entry.type(e) == TYPE_HASH) unfileHash(Entry.encoding(e), Entry.valuePtr(e));
  return LOAD_NO_MEMORY;
}

/** Makes room in an empty database for keys that are about to be loaded. Only a hint. */
export function reserveKeys(which: Db, keys: u32): void {
  if (which.keys == 0 && which.overflow == 0) dictReserve(which, keys);
}

/** The record under which an entry's hash is filed for its field expiries, 0 when it is not. */
function filedRecord(e: EntryPtr): usize {
  if (Entry.type(e) != TYPE_HASH) return 0;
  const record = filedOf(Entry.encoding(e), Entry.valuePtr(e));
  return record != 0 && changetype<Filed>(record).tree != 0 ? record : 0;
}

/** Files a record of the current database in another one too. False without memory. */
function tryFileAlso(record: usize, which: Db): bool {
  if (which == db) return true;
  const filed = changetype<Filed>(record);
  return tryExpiryTreeInsert(changetype<Tree>(which.expiryTree), filed.atMs, record);
}

/** Ends what `tryFileAlso` began: the record stays in one of the two databases. */
function keepFiledIn(record: usize, which: Db, other: Db): void {
  if (which == other) return;
  const filed = changetype<Filed>(record);
  filed.tree = other.expiryTree;
  unfile(filed);
  filed.tree = which.expiryTree;
}

/**
 * Moves the entry of `key` in the current database, which must exist, to `toKey` in `toDb`, with its
 * expiry. A key that is there is replaced. As in Redis, the key counts as used now and its frequency
 * starts anew. False when memory is exhausted; then nothing changed.
 */
export function tryMoveKey(
  key: usize,
  keyLen: u32,
  hash: u64,
  toDb: Db,
  toKey: usize,
  toKeyLen: u32,
  toHash: u64,
): bool {
  const e = tableFind(db, key, keyLen, hash);
  assert(e != 0);
  const moved = tryEntryRename(e, toKey, toKeyLen, initialClock());
  if (moved == 0) return false;
  const filed = filedRecord(e);
  if (filed != 0 && !tryFileAlso(filed, toDb)) {
    entryFreeShell(moved);
    return false;
  }
  if (!tryPut(toDb, moved, toKey, toKeyLen, toHash)) {
    if (filed != 0) keepFiledIn(filed, db, toDb);
    entryFreeShell(moved);
    return false;
  }
  if (filed != 0) {
    keepFiledIn(filed, toDb, db);
    changetype<Filed>(filed).hash = toHash;
  }
  // The insert may have split buckets of the same table: look the old entry up again.
  const again = tableFind(db, key, keyLen, hash);
  assert(again == e);
  entryFreeShell(tableRemoveFound(db, hash));
  return true;
}

/**
 * Sets `toKey` in `toDb`, whatever it held before, to a copy of the value of `e`, an entry of any
 * database, with its expiry. False when memory is exhausted; then nothing changed.
 */
export function tryCopyKey(e: EntryPtr, toDb: Db, toKey: usize, toKeyLen: u32, toHash: u64): bool {
  const copy = tryEntryCopy(e, toKey, toKeyLen, initialClock());
  if (copy == 0) return false;
  if (tryFileEntry(toDb, copy, toHash) && tryPut(toDb, copy, toKey, toKeyLen, toHash)) return true;
  entryFree(copy);
  return false;
}

/** Exchanges the contents of two databases; who works on one of them goes on with the other's. */
export function swapDatabases(a: Db, b: Db): void {
  const bytes = offsetof<Db>('id');
  memory.copy(swapped, changetype<usize>(a), bytes);
  memory.copy(changetype<usize>(a), changetype<usize>(b), bytes);
  memory.copy(changetype<usize>(b), swapped, bytes);
}

const swapped: usize = memory.data(72, 8);

/** The hash under which a key is filed. */
export function hashKey(key: usize, keyLen: u32): u64 {
  return hashBytes(key, keyLen);
}
