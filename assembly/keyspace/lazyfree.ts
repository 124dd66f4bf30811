// Emptying databases: at once, or in steps.
//
// FLUSHDB and FLUSHALL ASYNC detach a database's table, which is then emptied bucket by bucket in
// slices of time, so that no flush holds up other clients. A detached table is a copy of the
// database's KeyTable in a list; nobody looks keys up in it any more, so its buckets may be freed from
// the last to the first without moving anything.
//
//   list node: next u32 | tree of hashes with field expiries u32 | KeyTable | walk id u32
//
// The tree goes along because hashes leave it one by one as they are freed.
//
// While a walk over the keyspace is under way (preserve.ts), every flush detaches, and what is detached
// is held back until the walk has gone through it.
//
// Detaching needs a little memory. When even that is not to be had, the database is emptied at once,
// which needs none; during a walk its entries are then removed one by one.

import { STAT_LAZYFREE_PENDING, STAT_LAZYFREED } from '../abi';
import { free, tryAlloc } from '../memory/alloc';
import { clockUs } from './clock';
import { Db, entryFree, tryExpiryTreeNew } from './db';
import { Bucket, bucketAt, KeyTable, tableClear, tableDropLast, tryTableInit } from './key_table';
import { lazyValuesStep } from './lazy_values';
import { tryBury, walking } from './preserve';
import { Stats } from './stats';

const NODE_NEXT: usize = 0;
const NODE_EXPIRY_TREE: usize = 4;
const NODE_TABLE: usize = 8;
const NODE_WALK_ID: usize = 48;
const NODE_BYTES: usize = 56;
const BUCKETS_PER_CLOCK: u32 = 16;
/** In place of a walk id: nothing is to be buried. */
const NO_WALK: u32 = u32.MAX_VALUE;

let head: usize = 0;
/** Tables that the walk has not gone through, in the order they came: it may be in the first one. */
let held: usize = 0;
let lastHeld: usize = 0;

/** Empties a database and returns how many keys it had. `later` leaves the freeing to the cron. */
export function flushDatabase(which: Db, later: bool): u32 {
  const removed = which.keys;
  if (which.buckets > 1 || removed > 0) {
    if (!(later || walking) || !tryDetachTable(which)) emptyTable(which);
  }
  which.expireCursor = 0;
  which.averageTtlMs = 0;
  return removed;
}

/** Puts a database's table into the list and gives it an empty one. False: memory is exhausted. */
function tryDetachTable(which: Db): bool {
  if (offsetof<KeyTable>() + NODE_TABLE > NODE_WALK_ID) ERROR('a node has room for a KeyTable');
  const node = tryAlloc(NODE_BYTES);
  if (node == 0) return false;
  memory.copy(node + NODE_TABLE, changetype<usize>(which), offsetof<KeyTable>());
  const expiryTree = which.expiryTree;
  store<u32>(node, <u32>expiryTree, NODE_EXPIRY_TREE);
  if (!tryExpiryTreeNew(which)) {
    free(node);
    return false;
  }
  if (!tryTableInit(which)) {
    free(which.expiryTree);
    which.expiryTree = expiryTree;
    memory.copy(changetype<usize>(which), node + NODE_TABLE, offsetof<KeyTable>());
    free(node);
    return false;
  }
  store<u32>(node, which.walkId, NODE_WALK_ID);
  if (walking) {
    store<u32>(node, 0, NODE_NEXT);
    if (held == 0) held = node;
    else store<u32>(lastHeld, <u32>node, NODE_NEXT);
    lastHeld = node;
  } else list(node);
  Stats.add(STAT_LAZYFREE_PENDING, <f64>changetype<KeyTable>(node + NODE_TABLE).keys);
  return true;
}

/** Leaves a table to the cron. */
function list(node: usize): void {
  store<u32>(node, <u32>head, NODE_NEXT);
  head = node;
}

// --- For the walk ---

/** A table that is held back, null when there is none. */
export function heldTable(): KeyTable {
  const table: usize = held == 0 ? 0 : held + NODE_TABLE;
  return changetype<KeyTable>(table);
}

/** The walk id of the database it was detached from. */
export function heldWalkId(): u32 {
  return load<u32>(held, NODE_WALK_ID);
}

/** That table may be freed. */
export function releaseHeldTable(): void {
  const node = held;
  held = load<u32>(node, NODE_NEXT);
  list(node);
}

// --- Freeing ---

/** Frees the entries of a table's last bucket and returns how many there were. */
function freeLastBucket(t: KeyTable, walkId: u32): u32 {
  let freed: u32 = 0;
  for (let b = bucketAt(t, t.buckets - 1); b != 0; b = Bucket.next(b)) {
    let rest = Bucket.occupied(b);
    while (rest != 0) {
      const e = Bucket.entry(b, ctz(rest));
      if (walkId == NO_WALK || !tryBury(walkId, e)) entryFree(e);
      rest &= rest - 1;
      freed += 1;
    }
  }
  return freed;
}

/** Frees all entries of a database, on the caller's time. */
function emptyTable(which: Db): void {
  while (which.buckets > 1) {
    freeLastBucket(which, which.walkId);
    tableDropLast(which);
  }
  freeLastBucket(which, which.walkId);
  tableClear(which);
}

/** Whether anything waits to be freed. */
export function lazyfreePending(): bool {
  return head != 0;
}

/** Frees until `deadlineUs`. True while there is more to do. */
export function lazyfreeStep(deadlineUs: f64): bool {
  let buckets: u32 = 0;
  while (head != 0) {
    const node = head;
    const table = changetype<KeyTable>(node + NODE_TABLE);
    const freed = <f64>freeLastBucket(table, NO_WALK);
    Stats.add(STAT_LAZYFREE_PENDING, -freed);
    Stats.add(STAT_LAZYFREED, freed);
    if (!tableDropLast(table)) {
      head = load<u32>(node, NODE_NEXT);
      free(load<u32>(node, NODE_EXPIRY_TREE));
      free(node);
    }
    buckets += 1;
    if ((buckets & (BUCKETS_PER_CLOCK - 1)) == 0 && clockUs() >= deadlineUs) return true;
  }
  return lazyValuesStep(deadlineUs);
}
