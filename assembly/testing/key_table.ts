// Test entry: one key table of integer entries, and a walk that checks its whole structure.

import { Entry, entryFreeShell, tryEntrySetExpire, tryNewIntEntry } from '../keyspace/entry';
import {
  Bucket,
  BucketPtr,
  bucketAt,
  foundSlot,
  KeyTable,
  scanBucket,
  scanNext,
  tableBucket,
  tableClear,
  tableDetach,
  tableDropLast,
  tableFind,
  tableRandom,
  tableRemoveFound,
  tableReplaceFound,
  tableShrink,
  tableTidy,
  tryTableInit,
  tryTableInsert,
} from '../keyspace/key_table';
import { allocInit, tryAlloc } from '../memory/alloc';
import { hashBytes } from '../util/siphash';

export { reverseBits, tableBytes } from '../keyspace/key_table';
export { free, tryAlloc, usedBytes } from '../memory/alloc';
export { seedRandom } from '../util/prng';
export { hashBytes, setHashSeed } from '../util/siphash';

const SCRATCH_BYTES: usize = 65536;

/** Where the test puts keys and finds the addresses of entries. */
let scratch: usize = 0;
let table: KeyTable = changetype<KeyTable>(0);

/** Sets memory up with a limit and makes the table. Returns the address of the scratch. */
export function start(limitPages: u32): usize {
  allocInit(limitPages);
  scratch = tryAlloc(SCRATCH_BYTES);
  const bytes = offsetof<KeyTable>();
  table = changetype<KeyTable>(tryAlloc(bytes));
  memory.fill(changetype<usize>(table), 0, bytes);
  const ready = tryTableInit(table);
  assert(ready);
  return scratch;
}

export function tablePtr(): usize {
  return changetype<usize>(table);
}

export function keys(): u32 {
  return table.keys;
}

export function expires(): u32 {
  return table.expires;
}

export function buckets(): u32 {
  return table.buckets;
}

export function overflow(): u32 {
  return table.overflow;
}

function hashOf(keyLen: u32): u64 {
  return hashBytes(scratch, keyLen);
}

/** Adds the key in the scratch, which must be absent. False when memory is exhausted. */
export function insert(keyLen: u32, value: i64, expireAtMs: i64): bool {
  const e = tryNewIntEntry(scratch, keyLen, value, 0, expireAtMs);
  if (e == 0) return false;
  if (tryTableInsert(table, e, hashOf(keyLen))) return true;
  entryFreeShell(e);
  return false;
}

/** The value of the key in the scratch, -1 when there is none. */
export function find(keyLen: u32): i64 {
  const e = tableFind(table, scratch, keyLen, hashOf(keyLen));
  return e == 0 ? -1 : Entry.intValue(e);
}

/** Sets or (-1) removes the expiry of a key that is there. False when memory is exhausted. */
export function expire(keyLen: u32, atMs: i64): bool {
  const e = tableFind(table, scratch, keyLen, hashOf(keyLen));
  assert(e != 0);
  const moved = tryEntrySetExpire(e, atMs);
  if (moved == 0) return false;
  tableReplaceFound(table, moved);
  return true;
}

/** Removes a key; false when it was not there. */
export function remove(keyLen: u32): bool {
  const hash = hashOf(keyLen);
  if (tableFind(table, scratch, keyLen, hash) == 0) return false;
  entryFreeShell(tableRemoveFound(table, hash));
  return true;
}

/** Removes all entries of one chain whose value is odd, without moving any other until the end. */
export function removeOdd(position: u64): u32 {
  const first = scanBucket(table, position);
  let removed: u32 = 0;
  for (let b = first; b != 0; b = Bucket.next(b)) {
    let rest = Bucket.occupied(b);
    while (rest != 0) {
      const slot: u32 = ctz(rest);
      rest &= rest - 1;
      if ((Entry.intValue(Bucket.entry(b, slot)) & 1) == 0) continue;
      entryFreeShell(tableDetach(table, b, slot));
      removed += 1;
    }
  }
  if (removed > 0) tableTidy(table, first);
  return removed;
}

export function shrink(steps: u32): bool {
  return tableShrink(table, steps);
}

/** Writes the values of one chain to the scratch, as i64, and returns how many. */
export function scanChain(position: u64): u32 {
  let count: u32 = 0;
  for (let b = scanBucket(table, position); b != 0; b = Bucket.next(b)) {
    let rest = Bucket.occupied(b);
    while (rest != 0) {
      store<i64>(scratch + (count << 3), Entry.intValue(Bucket.entry(b, ctz(rest))));
      rest &= rest - 1;
      count += 1;
    }
  }
  return count;
}

export function nextPosition(position: u64): u64 {
  return scanNext(table, position);
}

/** The value of a random entry. */
export function random(): i64 {
  const e = tableRandom(table);
  // The slot it names is the entry's.
  assert(load<u32>(foundSlot) == <u32>e);
  return Entry.intValue(e);
}

/** Frees all entries, bucket by bucket; `keep` leaves an empty table, else it goes as well. */
export function empty(keep: bool): void {
  while (true) {
    for (let b = bucketAt(table, table.buckets - 1); b != 0; b = Bucket.next(b)) {
      let rest = Bucket.occupied(b);
      while (rest != 0) {
        entryFreeShell(Bucket.entry(b, ctz(rest)));
        rest &= rest - 1;
      }
    }
    if (keep && table.buckets == 1) {
      tableClear(table);
      return;
    }
    if (!tableDropLast(table)) return;
  }
}

// --- The verifier ---

const SLOTS: u32 = 12;
const LINK_SLOT: u32 = 11;

/**
 * Walks everything and returns the number of the first rule that is broken, 0 when all hold:
 * 1 level and number of buckets do not fit; 2 an entry is in a chain that is not its own, or its tag
 * is not its hash's; 3 an expiry bit is wrong; 4 a chain's shape is wrong; 5 an entry cannot be found,
 * or is there twice; 6 a counter is wrong; 7 a bucket is not aligned to its size.
 */
export function verify(): u32 {
  const t = table;
  if (t.levelMask & (t.levelMask + 1) || t.buckets <= t.levelMask) return 1;
  if (<u64>t.buckets >= (<u64>t.levelMask + 1) << 1) return 1;
  let keysSeen: u32 = 0;
  let expiresSeen: u32 = 0;
  let overflowSeen: u32 = 0;
  for (let i: u32 = 0; i < t.buckets; i++) {
    const first = bucketAt(t, i);
    for (let b = first; b != 0; b = Bucket.next(b)) {
      const broken = verifyBucket(first, b);
      if (broken != 0) return broken;
      keysSeen += popcnt(Bucket.occupied(b));
      expiresSeen += popcnt(Bucket.expiring(b));
      if (b != first) overflowSeen += 1;
    }
  }
  const right = keysSeen == t.keys && expiresSeen == t.expires && overflowSeen == t.overflow;
  return right ? 0 : 6;
}

function verifyBucket(first: BucketPtr, b: BucketPtr): u32 {
  if (b & 63) return 7;
  const occupied = Bucket.occupied(b);
  const chained = Bucket.next(b) != 0;
  // Holes are only in the last bucket, which holds two at least: a lone one fits the slot before.
  if (chained && occupied != (1 << LINK_SLOT) - 1) return 4;
  if (!chained && b != first && popcnt(occupied) < 2) return 4;
  if (Bucket.expiring(b) & ~occupied) return 3;
  for (let slot: u32 = 0; slot < SLOTS; slot++) {
    if ((occupied & (1 << slot)) == 0) continue;
    const e = Bucket.entry(b, slot);
    const keyLen = Entry.keyLen(e);
    const hash = hashBytes(Entry.key(e), keyLen);
    if (tableBucket(table, hash) != first) return 2;
    if (<u32>load<u8>(b + slot) != max(<u32>(hash >> 56), 1)) return 2;
    if (((Bucket.expiring(b) >> slot) & 1) != <u32>Entry.hasExpire(e)) return 3;
    if (tableFind(table, Entry.key(e), keyLen, hash) != e) return 5;
  }
  return 0;
}
