// Freeing in steps: tables detached by FLUSHDB and FLUSHALL ASYNC are emptied bucket by bucket, in
// slices of time, so that no flush holds up other clients.
//
// A detached table is a copy of the database's KeyTable in a list; nobody looks keys up in it any
// more, so its buckets may be freed from the last to the first without moving anything.

import { STAT_LAZYFREE_PENDING, STAT_LAZYFREED } from '../abi';
import { alloc, free } from '../memory/alloc';
import { clockUs } from './clock';
import { entryFree } from './db';
import { Bucket, bucketAt, KeyTable, tableDropLast } from './key_table';
import { Stats } from './stats';

const NODE_NEXT: usize = 0;
const NODE_TABLE: usize = 8;
const NODE_BYTES: usize = 8 + 40;
const BUCKETS_PER_CLOCK: u32 = 16;

let head: usize = 0;

/** Takes over everything a table holds; the caller must give the database a new, empty one. */
export function lazyfreeTable(t: KeyTable): void {
  if (offsetof<KeyTable>() > 40) ERROR('a node has room for a KeyTable');
  const node = alloc(NODE_BYTES);
  memory.copy(node + NODE_TABLE, changetype<usize>(t), offsetof<KeyTable>());
  store<u32>(node, <u32>head, NODE_NEXT);
  head = node;
  Stats.add(STAT_LAZYFREE_PENDING, <f64>t.keys);
}

/** Frees the entries of the last bucket and drops it. False when the table is gone. */
function dropBucket(t: KeyTable): bool {
  for (let b = bucketAt(t, t.buckets - 1); b != 0; b = Bucket.next(b)) {
    let rest = Bucket.occupied(b);
    while (rest != 0) {
      entryFree(Bucket.entry(b, ctz(rest)));
      rest &= rest - 1;
      t.keys -= 1;
      Stats.add(STAT_LAZYFREE_PENDING, -1);
      Stats.add(STAT_LAZYFREED, 1);
    }
  }
  return tableDropLast(t);
}

/** Frees all of a table now, on the caller's time. */
export function freeTableNow(t: KeyTable): void {
  while (true) {
    for (let b = bucketAt(t, t.buckets - 1); b != 0; b = Bucket.next(b)) {
      let rest = Bucket.occupied(b);
      while (rest != 0) {
        entryFree(Bucket.entry(b, ctz(rest)));
        rest &= rest - 1;
      }
    }
    if (!tableDropLast(t)) return;
  }
}

/** Frees until `deadlineUs`. True while there is more to do. */
export function lazyfreeStep(deadlineUs: f64): bool {
  let buckets: u32 = 0;
  while (head != 0) {
    const node = head;
    if (!dropBucket(changetype<KeyTable>(node + NODE_TABLE))) {
      head = load<u32>(node, NODE_NEXT);
      free(node);
    }
    buckets += 1;
    if ((buckets & (BUCKETS_PER_CLOCK - 1)) == 0 && clockUs() >= deadlineUs) return head != 0;
  }
  return false;
}
