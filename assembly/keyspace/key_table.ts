// Key table: the hash table of one database, a Dict of entries. Layout, growth and scan order are
// described in struct/dict.ts; this file gives it the keyspace's entries and remembers what the last
// lookup found, so that a handler can act on it without searching again.
//
// Entry addresses are only stable until the next insert or delete in the same table.

import {
  DICT_SHARE_BYTES,
  Dict,
  dictBucket,
  dictBucketAt,
  dictBytes,
  dictClear,
  dictDetach,
  dictDropLast,
  dictFind,
  dictHint,
  dictRandom,
  dictRemove,
  dictReplace,
  dictScanBucket,
  dictScanNext,
  dictShrink,
  dictTidy,
  Slot,
  SlotPtr,
  tryDictInit,
  tryDictInsert,
} from '../struct/dict';
import { hashBytes } from '../util/siphash';
import { Entry, EntryPtr, entryKeyEquals } from './entry';

export { BUCKET_SLOTS, Bucket, reverseBits } from '../struct/dict';

export type BucketPtr = usize;

/** One database's table; lives inside its Db record. All fields are zero before `tableInit`. */
@unmanaged
export class KeyTable extends Dict {}

/** What the table asks of an entry; the address is `this`. */
@unmanaged
class TableEntry {
  @inline keyEquals(key: usize, keyLen: u32): bool {
    return entryKeyEquals(changetype<usize>(this), key, keyLen);
  }
  @inline keyHash(): u64 {
    const e = changetype<usize>(this);
    return hashBytes(Entry.key(e), Entry.keyLen(e));
  }
  @inline expires(): bool {
    return Entry.hasExpire(changetype<usize>(this));
  }
}

/** The slot that the last successful `tableFind` hit; dead after any insert or delete. */
export let foundSlot: SlotPtr = 0;

/** Bytes of a table that one key answers for. */
export const KEY_SHARE_BYTES: u32 = DICT_SHARE_BYTES;

// --- Lookup ---

/** The first bucket of the chain a hash belongs to, for touching its line ahead of execution. */
export function tableBucket(t: KeyTable, hash: u64): BucketPtr {
  return dictBucket(t, hash);
}

/** The entry most likely to hold the key (first tag match), or 0: a hint, no key is compared. */
export function bucketHint(b: BucketPtr, hash: u64): EntryPtr {
  return dictHint(b, hash);
}

/** The entry of a key or 0. Sets `foundSlot` when found. Expected O(1). */
export function tableFind(t: KeyTable, key: usize, keyLen: u32, hash: u64): EntryPtr {
  const slot = dictFind<TableEntry>(t, key, keyLen, hash);
  if (slot == 0) return 0;
  foundSlot = slot;
  return Slot.entry(slot);
}

/** Stores the entry's new address in the slot found last, and its expiry bit. */
export function tableReplaceFound(t: KeyTable, e: EntryPtr): void {
  dictReplace(t, foundSlot, e, Entry.hasExpire(e));
}

/**
 * An entry picked at random, all equally likely; the table must not be empty. Sets `foundSlot`, like
 * a lookup.
 */
export function tableRandom(t: KeyTable): EntryPtr {
  foundSlot = dictRandom(t);
  return Slot.entry(foundSlot);
}

// --- Insertion and deletion ---

/**
 * Adds an entry whose key is known to be absent. Splits at most one bucket. False when memory is
 * exhausted; then the table is unchanged and the entry still belongs to the caller.
 */
export function tryTableInsert(t: KeyTable, e: EntryPtr, hash: u64): bool {
  return tryDictInsert<TableEntry>(t, e, hash);
}

/** Does up to `steps` merges while the table is sparse. Returns true while more are due. */
export function tableShrink(t: KeyTable, steps: u32): bool {
  return dictShrink(t, steps);
}

/**
 * Takes the entry found last out of the table; it now belongs to the caller. The table shrinks by at
 * most two buckets, so `foundSlot` is dead afterwards.
 */
export function tableRemoveFound(t: KeyTable, hash: u64): EntryPtr {
  return dictRemove(t, foundSlot, hash);
}

/** As `tableRemoveFound`, but nothing moves: for walks over buckets. `tableTidy` must follow. */
export function tableDetachFound(t: KeyTable): EntryPtr {
  return dictDetach(t, Slot.bucket(foundSlot), Slot.index(foundSlot));
}

/** Empties a slot and returns its entry; nothing else moves. */
export function tableDetach(t: KeyTable, b: BucketPtr, slot: u32): EntryPtr {
  return dictDetach(t, b, slot);
}

/** Closes the holes that `tableDetach` left in a bucket's chain. */
export function tableTidy(t: KeyTable, first: BucketPtr): void {
  dictTidy(t, first);
}

// --- Walking ---

/** First bucket of the chain that the position `cursor` of the scan order falls into. */
export function scanBucket(t: KeyTable, cursor: u64): BucketPtr {
  return dictScanBucket(t, cursor);
}

/** The position behind that chain's interval; 0 when the order ends there. */
export function scanNext(t: KeyTable, cursor: u64): u64 {
  return dictScanNext(t, cursor);
}

/** Bucket `index` of 0..buckets-1, for sampling. */
export function bucketAt(t: KeyTable, index: u32): BucketPtr {
  return dictBucketAt(t, index);
}

// --- Life ---

/** An empty table of one bucket. False when memory is exhausted. */
export function tryTableInit(t: KeyTable): bool {
  return tryDictInit(t);
}

/**
 * Forgets the last bucket and whatever its slots refer to, which the caller has freed; nothing else
 * moves. False when there was only one: then the table itself is gone.
 */
export function tableDropLast(t: KeyTable): bool {
  return dictDropLast(t);
}

/** Makes a table empty whose last bucket is the first, and whose entries the caller has freed. */
export function tableClear(t: KeyTable): void {
  dictClear(t);
}

/** Bytes of directory, segments and overflow buckets. */
export function tableBytes(t: KeyTable): f64 {
  return dictBytes(t);
}
