// The tracking table: which clients may have which key in a cache of their own.
//
//   tracked key: clients u32 | key length u32 | one client: id u64                    | key bytes
//                                             | more: ids u32 -> u64 each, room u32   |
//
// Keys count in all databases alike, as in Redis. Ids are sorted, so a client that reads a key again
// finds itself in O(log n). A client that goes or stops tracking leaves its ids behind; they are
// dropped when the key changes, or when the list would have to grow for another client. A key with one
// client takes one block of 16 bytes and its name, and some 10 bytes of table.
//
// The table can be dropped as a whole: it is then emptied in steps, so that FLUSHALL waits for nothing.

import { CLIENT_TRACKING } from '../abi';
import { clockUs } from '../keyspace/clock';
import { free, tryAlloc, tryRealloc, usableSize } from '../memory/alloc';
import { Conn } from '../resp/connection';
import {
  Bucket,
  Dict,
  dictBucketAt,
  dictClear,
  dictDropLast,
  dictFind,
  dictRandom,
  dictRemove,
  Slot,
  tryDictInit,
  tryDictInsert,
} from '../struct/dict';
import { bytesEqual, copySmall } from '../util/bytes';
import { hashBytes } from '../util/siphash';
import { clientById } from './client_ids';

/** One key; its name follows. */
@unmanaged
export class TrackedKey {
  clients: u32;
  keyLen: u32;
  ids: usize; // of more than one client
  room: u32; // ids it has room for

  @inline name(): usize {
    return changetype<usize>(this) + TRACKED_BYTES;
  }
  @inline idAt(i: u32): u64 {
    const ids = this.clients == 1 ? changetype<usize>(this) + TRACKED_ID : this.ids;
    return load<u64>(ids + (i << 3));
  }

  // What the table asks.
  @inline keyEquals(key: usize, keyLen: u32): bool {
    return this.keyLen == keyLen && bytesEqual(this.name(), key, keyLen);
  }
  @inline keyHash(): u64 {
    return hashBytes(this.name(), this.keyLen);
  }
  @inline expires(): bool {
    return false;
  }
}

const TRACKED_BYTES: usize = 16;
const TRACKED_ID: usize = 8;
const BUCKETS_PER_CLOCK: u32 = 16;

/** A dropped table waits in a list: next u32 | (alignment) | Dict. */
const NODE_TABLE: usize = 8;

const table: Dict = changetype<Dict>(memory.data(40, 8));
let ready: bool = false;
let dropped: usize = 0;
/** Ids in the table. */
export let trackedItems: f64 = 0;

/** Keys in the table. */
export function trackedKeys(): u32 {
  return ready ? table.keys : 0;
}

function pinLayout(): void {
  if (offsetof<TrackedKey>() != TRACKED_BYTES) ERROR('TrackedKey');
  if (offsetof<TrackedKey>('ids') != TRACKED_ID) ERROR('ids');
  if (offsetof<Dict>() > 40) ERROR('a Dict');
}

function freeTracked(t: TrackedKey): void {
  if (t.clients > 1) free(t.ids);
  free(changetype<usize>(t));
}

/** Notes that a client has read a key. False when memory is exhausted: then it is not noted. */
export function tryTrack(key: usize, keyLen: u32, hash: u64, id: u64): bool {
  pinLayout();
  if (!ready) ready = tryDictInit(table);
  if (!ready) return false;
  const slot = dictFind<TrackedKey>(table, key, keyLen, hash);
  if (slot != 0) return tryAddId(changetype<TrackedKey>(Slot.entry(slot)), id);
  const ptr = tryAlloc(TRACKED_BYTES + keyLen);
  if (ptr == 0) return false;
  const t = changetype<TrackedKey>(ptr);
  t.clients = 1;
  t.keyLen = keyLen;
  store<u64>(ptr, id, TRACKED_ID);
  copySmall(t.name(), key, keyLen);
  if (!tryDictInsert<TrackedKey>(table, ptr, hash)) {
    free(ptr);
    return false;
  }
  trackedItems += 1;
  return true;
}

/** Index of the first id that is not below `id`. */
function idIndex(t: TrackedKey, id: u64): u32 {
  let low: u32 = 0;
  let high = t.clients;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (t.idAt(middle) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

function tryAddId(t: TrackedKey, id: u64): bool {
  let index = idIndex(t, id);
  if (index < t.clients && t.idAt(index) == id) return true;
  if (t.clients == 1) {
    const other = t.idAt(0);
    const ids = tryAlloc(32);
    if (ids == 0) return false;
    t.ids = ids;
    t.room = <u32>(usableSize(ids) >> 3);
    t.clients = 2;
    store<u64>(ids, min(id, other));
    store<u64>(ids, max(id, other), 8);
    trackedItems += 1;
    return true;
  }
  if (t.clients == t.room) {
    dropStaleIds(t);
    if (t.clients == t.room && !tryWiden(t)) return false;
    index = idIndex(t, id);
  }
  const at = t.ids + (index << 3);
  memory.copy(at + 8, at, (<usize>(t.clients - index)) << 3);
  store<u64>(at, id);
  t.clients += 1;
  trackedItems += 1;
  return true;
}

function tryWiden(t: TrackedKey): bool {
  const ids = tryRealloc(t.ids, ((<usize>t.room) << 3) + max<usize>((<usize>t.room) << 2, 32));
  if (ids == 0) return false;
  t.ids = ids;
  t.room = <u32>(usableSize(ids) >> 3);
  return true;
}

/** Forgets clients that are gone or do not track any more; two ids are kept in any case. */
function dropStaleIds(t: TrackedKey): void {
  const count = t.clients;
  let kept: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const id = load<u64>(t.ids + (i << 3));
    const c = clientById(id);
    const isStale = c == 0 || (changetype<Conn>(c).flags & CLIENT_TRACKING) == 0;
    if (isStale && kept + (count - i) > 2) continue;
    store<u64>(t.ids + (kept << 3), id);
    kept += 1;
  }
  t.clients = kept;
  trackedItems -= <f64>(count - kept);
}

/** Takes a key out of the table: an address to be passed to `trackedDone`, 0 when it is not there. */
export function takeTracked(key: usize, keyLen: u32, hash: u64): usize {
  if (!ready || table.keys == 0) return 0;
  const slot = dictFind<TrackedKey>(table, key, keyLen, hash);
  return slot == 0 ? 0 : dictRemove(table, slot, hash);
}

/** The same with a key picked at random; there must be one. */
export function takeRandomTracked(): usize {
  const slot = dictRandom(table);
  return dictRemove(table, slot, changetype<TrackedKey>(Slot.entry(slot)).keyHash());
}

/** Frees what was taken out of the table. */
export function trackedDone(taken: usize): void {
  const t = changetype<TrackedKey>(taken);
  trackedItems -= <f64>t.clients;
  freeTracked(t);
}

// --- Dropping everything ---

function freeLastBucket(d: Dict): void {
  for (let b = dictBucketAt(d, d.buckets - 1); b != 0; b = Bucket.next(b)) {
    for (let rest = Bucket.occupied(b); rest != 0; rest &= rest - 1) {
      freeTracked(changetype<TrackedKey>(Bucket.entry(b, ctz(rest))));
    }
  }
}

/** Forgets all keys. Their memory is given back in steps; at once when there is none to note that. */
export function dropAllTracked(): void {
  trackedItems = 0;
  if (!ready || table.keys == 0) return;
  const node = tryAlloc(NODE_TABLE + offsetof<Dict>());
  if (node != 0) {
    store<u32>(node, <u32>dropped);
    memory.copy(node + NODE_TABLE, changetype<usize>(table), offsetof<Dict>());
    dropped = node;
    ready = false;
    return;
  }
  while (table.buckets > 1) {
    freeLastBucket(table);
    dictDropLast(table);
  }
  freeLastBucket(table);
  dictClear(table);
}

/** Frees dropped tables until `deadlineUs`. True while there is more to do. */
export function trackedFreeStep(deadlineUs: f64): bool {
  let buckets: u32 = 0;
  while (dropped != 0) {
    const d = changetype<Dict>(dropped + NODE_TABLE);
    freeLastBucket(d);
    if (!dictDropLast(d)) {
      const node = dropped;
      dropped = load<u32>(node);
      free(node);
    }
    buckets += 1;
    if ((buckets & (BUCKETS_PER_CLOCK - 1)) == 0 && clockUs() >= deadlineUs) return true;
  }
  return false;
}
