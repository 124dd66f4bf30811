// How the values of a database are distributed over sizes: what INFO keysizes reports.
//
//   row per type (string, list, set, zset, hash), KEYSIZES_BINS u32 each
//   bin 0: empty values; bin 1 + i: sizes from 2^i to 2^(i+1) - 1 (bytes of a string, else elements)
//
// Redis counts at every write. Here nothing is kept up: the figures are asked for rarely, writes
// happen all the time, and a walk of some milliseconds per hundred thousand keys answers exactly.
// The walk goes in steps, so that other clients are served in between; it follows the order of SCAN,
// with the same guarantee (keys that are there throughout are counted, whatever the table does
// meanwhile).
//
// One walk at a time. O(keys) altogether.

import { KEYSIZES_BINS, KEYSIZES_TYPES } from '../abi';
import { clockUs } from '../keyspace/clock';
import { database } from '../keyspace/db';
import { ENCODING_INT, Entry, EntryPtr, TYPE_STRING } from '../keyspace/entry';
import { Bucket, scanBucket, scanNext } from '../keyspace/key_table';
import { valueLength } from '../keyspace/value';
import { digits10Signed } from '../util/number_format';

const BUCKETS_PER_CLOCK: u32 = 16;

const bins: usize = memory.data(<i32>KEYSIZES_TYPES * <i32>KEYSIZES_BINS * 4, 8);
let walked: u32 = 0; // index of the database
let cursor: u64 = 0;
let finished: bool = true;

/** Starts the walk of a database with empty bins. Returns the address of the bins. */
export function keySizesBegin(index: u32): usize {
  memory.fill(bins, 0, KEYSIZES_TYPES * KEYSIZES_BINS * 4);
  walked = index;
  cursor = 0;
  finished = false;
  return bins;
}

/** Bytes of a string, number of elements of anything else. */
function valueSize(e: EntryPtr): u32 {
  if (Entry.type(e) != TYPE_STRING) {
    return valueLength(Entry.type(e), Entry.encoding(e), Entry.valuePtr(e));
  }
  if (Entry.encoding(e) == ENCODING_INT) return digits10Signed(Entry.intValue(e));
  return Entry.stringLen(e);
}

function countEntry(e: EntryPtr): void {
  // Streams have no row, as in Redis.
  if (Entry.type(e) >= <u32>KEYSIZES_TYPES) return;
  const size = valueSize(e);
  const bin: u32 = size == 0 ? 0 : 32 - clz(size);
  const at = bins + ((Entry.type(e) * KEYSIZES_BINS + bin) << 2);
  store<u32>(at, load<u32>(at) + 1);
}

/** Goes on for about `budgetUs`. True while there are keys left to count. */
export function keySizesStep(budgetUs: f64): bool {
  if (finished) return false;
  const which = database(walked);
  const deadlineUs = clockUs() + budgetUs;
  let buckets: u32 = 0;
  while (true) {
    for (let b = scanBucket(which, cursor); b != 0; b = Bucket.next(b)) {
      let rest = Bucket.occupied(b);
      while (rest != 0) {
        countEntry(Bucket.entry(b, ctz(rest)));
        rest &= rest - 1;
      }
    }
    cursor = scanNext(which, cursor);
    if (cursor == 0) {
      finished = true;
      return false;
    }
    buckets += 1;
    if ((buckets & (BUCKETS_PER_CLOCK - 1)) == 0 && clockUs() >= deadlineUs) return true;
  }
}
