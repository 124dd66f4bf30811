// The hash that a command works on: opening it, reaping fields it meets after their time, and filing
// it back.
//
// Argument 1 is the key. There is one open hash at a time. Whoever changed it closes it: `closeHash`
// when it may have become empty, which deletes the key, `tryStoreHash` when fields were set, which may
// create it.

import { initialClock } from '../keyspace/access_clock';
import { nowMs } from '../keyspace/clock';
import { db, deleteFound, lookupKeyRead, lookupKeyWrite, tryInsertNew } from '../keyspace/db';
import { NOTIFY_GENERIC, NOTIFY_HASH } from '../keyspace/effects';
import {
  ENCODING_HASHTABLE,
  Entry,
  EntryPtr,
  NO_EXPIRE,
  TYPE_HASH,
  tryNewBlockEntry,
} from '../keyspace/entry';
import { firstExpiry, settleHash } from '../keyspace/field_expiries';
import { countReaped, hashReap } from '../keyspace/hash_expiry';
import {
  clearMetExpired,
  fitsListpack,
  HashItem,
  HashValue,
  hashClose,
  hashFindHashed,
  hashFree,
  hashMetExpired,
  hashOpen,
  hashRemove,
  hashSize,
  tryHashExpect,
  tryHashNew,
} from '../keyspace/hash_value';
import { preserve, walking } from '../keyspace/preserve';
import { opStart, opText, propagating } from '../keyspace/propagation';
import { argEvent } from '../resp/arg_event';
import { Arg, argc } from '../resp/args';
import { ERR_OOM_LIMIT, replyError } from '../resp/errors';
import { opArg } from '../resp/propagate';
import { replyBulk, replyBulkInt } from '../resp/writer';
import { hasTypeOrReply } from './type_check';

export const hash: HashValue = changetype<HashValue>(memory.data(8, 8));

/** The entry of the hash that was opened to set fields, 0 when that is new. */
export let target: EntryPtr = 0;

/** Fields met after their time that were removed and not yet reported. */
let reaped: u32 = 0;

export function replyItem(item: HashItem): void {
  if (item.ptr != 0) replyBulk(item.ptr, item.len);
  else replyBulkInt(item.value);
}

// --- Opening ---

export function lookupHashRead(): EntryPtr {
  return lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
}

export function lookupHashWrite(): EntryPtr {
  return lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
}

/** Opens the hash of an entry. False after replying that it is none. */
export function openOrReply(e: EntryPtr): bool {
  if (!hasTypeOrReply(e, TYPE_HASH)) return false;
  // Also commands that only read may remove fields.
  if (walking && firstExpiry(Entry.encoding(e), Entry.valuePtr(e)) < nowMs) preserve(db.walkId, e);
  hashOpen(hash, e);
  return true;
}

/** Opens argument 1 to set fields, an empty hash if there is no such key. False after an error. */
export function openToSetOrReply(): bool {
  target = lookupHashWrite();
  if (target != 0) return openOrReply(target);
  if (tryHashNew(hash)) return true;
  replyError(ERR_OOM_LIMIT);
  return false;
}

// --- Fields ---

/** The hash of argument `i` as a field of the open hash, as far as that needs one: else 0. */
export function fieldHash(i: u32): u64 {
  return hash.encoding == ENCODING_HASHTABLE ? Arg.hash(i) : 0;
}

/** Finds the field in argument `i`; one whose time has come is removed. `reportReaped` must follow. */
export function findOrReap(i: u32): bool {
  if (hashFindHashed(hash, Arg.ptr(i), Arg.len(i), fieldHash(i))) return true;
  if (!hashMetExpired) return false;
  clearMetExpired();
  if (hashRemove(hash, Arg.ptr(i), Arg.len(i))) {
    if (propagating) propagateReaped(i);
    countReaped(1);
    reaped += 1;
  }
  return false;
}

/** The field in argument `i` was removed, its time having come. The command is written besides. */
function propagateReaped(i: u32): void {
  opStart(db.id, 3);
  opText('HDEL');
  opArg(1);
  opArg(i);
}

/** Removes all fields whose time has come. True when the key is gone with them. */
export function reapAll(e: EntryPtr): bool {
  reaped = hashReap(hash, db, e, u32.MAX_VALUE);
  return closeReaped(e);
}

/** Reports fields that were reaped; whether there were any. */
export function reportReaped(): bool {
  if (reaped == 0) return false;
  reaped = 0;
  argEvent(1, NOTIFY_HASH, 'hexpired', 0);
  return true;
}

/** Closes the open hash if fields were reaped. True when the key is gone. */
export function closeReaped(e: EntryPtr): bool {
  return reportReaped() && closeHash(e);
}

/** Makes the open hash, whose last field was reaped, a new one as in Redis. False without memory. */
function tryStartAnew(): bool {
  target = 0;
  return tryHashNew(hash);
}

/** Whether the field that `findToSetOrReply` looked for is there. */
export let foundToSet: bool = false;

/**
 * Looks for the field in argument `i` of a hash opened to set fields: `foundToSet`. False after an
 * error.
 */
export function findToSetOrReply(i: u32): bool {
  foundToSet = findOrReap(i);
  if (foundToSet || target == 0 || !closeReaped(target) || tryStartAnew()) return true;
  replyError(ERR_OOM_LIMIT);
  return false;
}

// --- Closing ---

/** Files the open hash back, or deletes its key when no field is left. True when it is gone. */
export function closeHash(e: EntryPtr): bool {
  hashClose(hash, e);
  if (hashSize(hash) != 0) return false;
  deleteFound(Arg.hash(1));
  argEvent(1, NOTIFY_GENERIC, 'del', 0);
  return true;
}

/**
 * Files the open hash: back into its entry, or under argument 1 if it is new and has fields. False
 * without memory.
 */
export function tryStoreHash(): bool {
  if (target != 0) {
    hashClose(hash, target);
    return true;
  }
  if (hashSize(hash) == 0) {
    hashFree(hash);
    return true;
  }
  settleHash(hash.encoding, hash.block);
  const clock = initialClock();
  const key = Arg.ptr(1);
  const len = Arg.len(1);
  const e = tryNewBlockEntry(key, len, TYPE_HASH, hash.encoding, hash.block, clock, NO_EXPIRE);
  if (e == 0) {
    hashFree(hash);
    return false;
  }
  return tryInsertNew(e, Arg.hash(1));
}

/** Prepares the open hash for the fields and values from argument `first` on. False: no memory. */
export function tryExpectArgs(first: u32): bool {
  if (hash.encoding == ENCODING_HASHTABLE) return true;
  let bytes: u64 = 0;
  let fit = true;
  for (let i = first; i < argc; i++) {
    const len = Arg.len(i);
    bytes += len;
    if (!fitsListpack(len)) fit = false;
  }
  return tryHashExpect(hash, (argc - first) >> 1, bytes, fit);
}
