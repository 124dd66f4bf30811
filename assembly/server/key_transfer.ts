// Keys on their way to another server (MIGRATE): the host asks for their payloads, sends them, and has
// those deleted that arrived. Nothing writes in between: GUARD_HOLD_WRITES.

import {
  TRANSFER_DUMPED,
  TRANSFER_EXPIRE_AT,
  TRANSFER_LEN,
  TRANSFER_NO_KEY,
  TRANSFER_NO_MEMORY,
  TRANSFER_PTR,
} from '../abi';
import { db, deleteKey, lookupKeyQuiet, lookupKeyRead, selectDatabase } from '../keyspace/db';
import { keyEvent, NOTIFY_GENERIC } from '../keyspace/effects';
import { Entry, EntryPtr, NO_EXPIRE } from '../keyspace/entry';
import { opDeletion, propagating, unitEnd } from '../keyspace/propagation';
import { tryDump } from '../snapshot/payload';
import { outputFree, RDB_OUTPUT_BYTES, RdbOutput } from '../snapshot/rdb_output';
import { hashBytes } from '../util/siphash';

const payload: RdbOutput = changetype<RdbOutput>(memory.data(RDB_OUTPUT_BYTES, 8));

/** Looks a key of a database up; `counts` as a command that reads it would. */
function lookupIn(databaseId: u32, key: usize, keyLen: u32, counts: bool): EntryPtr {
  const current = db;
  const hash = hashBytes(key, keyLen);
  selectDatabase(databaseId);
  const e = counts ? lookupKeyRead(key, keyLen, hash) : lookupKeyQuiet(key, keyLen, hash);
  selectDatabase(current.id);
  unitEnd();
  return e;
}

/** Whether a key exists; counts as reading it. */
export function transferHasKey(databaseId: u32, key: usize, keyLen: u32): bool {
  return lookupIn(databaseId, key, keyLen, true) != 0;
}

/**
 * Makes the payload of a key and describes it at `out`, TRANSFER_BYTES. Returns TRANSFER_*; only after
 * TRANSFER_DUMPED there is one, until `transferEnd`.
 */
export function transferBegin(databaseId: u32, key: usize, keyLen: u32, out: usize): u32 {
  const e = lookupIn(databaseId, key, keyLen, false);
  if (e == 0) return TRANSFER_NO_KEY;
  if (!tryDump(e, payload)) return TRANSFER_NO_MEMORY;
  store<u32>(out, <u32>payload.base, TRANSFER_PTR);
  store<u32>(out, <u32>payload.used, TRANSFER_LEN);
  store<f64>(out, <f64>(Entry.hasExpire(e) ? Entry.expireAtMs(e) : NO_EXPIRE), TRANSFER_EXPIRE_AT);
  return TRANSFER_DUMPED;
}

export function transferEnd(): void {
  outputFree(payload);
}

/** Deletes a key that arrived. False when it was gone already. */
export function transferDelete(databaseId: u32, key: usize, keyLen: u32): bool {
  const current = db;
  const hash = hashBytes(key, keyLen);
  selectDatabase(databaseId);
  const deleted = deleteKey(key, keyLen, hash);
  if (deleted) keyEvent(databaseId, key, keyLen, hash, NOTIFY_GENERIC, 'del', 1);
  if (deleted && propagating) opDeletion(databaseId, key, keyLen, false);
  selectDatabase(current.id);
  unitEnd();
  return deleted;
}
