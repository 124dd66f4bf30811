// Walking the keyspace: SCAN and KEYS.
//
// A SCAN cursor is a position in the order of bit-reversed hashes (scan_options.ts). Each step
// takes one chain of buckets as a whole and goes on where the interval of hashes ends that the chain
// holds, whatever splits and merges happened since the call before. So a key that exists from the
// first call to the last is returned; one that comes or goes in between may be; a key may come twice
// only if the table shrank.
//
// As in Redis, COUNT is about how many keys are looked at, not returned, and expired keys that would
// have been returned are deleted. KEYS leaves them alone.
import { STAT_KEYSPACE_HITS, STAT_KEYSPACE_MISSES } from '../abi';
import { db, entryExpired, expiredAreKept, isExpired } from '../keyspace/db';
import { Entry, EntryPtr } from '../keyspace/entry';
import {
  Bucket,
  bucketAt,
  scanBucket,
  scanNext,
  tableDetach,
  tableShrink,
  tableTidy,
} from '../keyspace/key_table';
import { unitApart } from '../keyspace/propagation';
import { Stats } from '../keyspace/stats';
import { Arg } from '../resp/args';
import { outputLen, outputLost, replyArrayEnd, replyArrayStart, replyBulk } from '../resp/writer';
import { globMatch } from '../util/glob';
import {
  matchesAll,
  parseCursorOrReply,
  parseScanOrReply,
  SCAN_KEYS,
  scanChainsMax,
  scanCount,
  scanHasType,
  scanMatches,
  scanPosition,
  scanReplyEnd,
  scanType,
} from './scan_options';

// What the SCAN under way has met.
let sampled: u64 = 0;
let returned: u32 = 0;
let dropped: u32 = 0;

function keyMatches(e: EntryPtr, i: u32): bool {
  return globMatch(Arg.ptr(i), Arg.len(i), Entry.key(e), Entry.keyLen(e), false);
}

/** SCAN cursor [MATCH pattern] [COUNT count] [TYPE type] */
export function scanCommand(): void {
  if (!parseCursorOrReply(1) || !parseScanOrReply(2, SCAN_KEYS)) return;
  let position = scanPosition;
  unitApart();
  sampled = 0;
  returned = 0;
  dropped = 0;
  const body = outputLen();
  let chains: u64 = 0;
  const chainsMax = scanChainsMax();
  do {
    scanChain(position);
    position = scanNext(db, position);
    chains += 1;
  } while (position != 0 && chains <= chainsMax && sampled < scanCount && !outputLost);
  if (dropped > 0) tableShrink(db, dropped << 1);
  scanReplyEnd(body, position, returned);
}

/** Replies with the keys of one chain that pass the filters. */
function scanChain(position: u64): void {
  const first = scanBucket(db, position);
  const before = dropped;
  for (let b = first; b != 0; b = Bucket.next(b)) {
    let rest = Bucket.occupied(b);
    sampled += popcnt(rest);
    while (rest != 0) {
      const slot: u32 = ctz(rest);
      rest &= rest - 1;
      const e = Bucket.entry(b, slot);
      if (!scanMatches(Entry.key(e), Entry.keyLen(e))) continue;
      if (isExpired(e)) {
        if (expiredAreKept()) continue;
        entryExpired(db, tableDetach(db, b, slot));
        dropped += 1;
        if (scanHasType) Stats.add(STAT_KEYSPACE_MISSES, 1);
        continue;
      }
      // Redis looks the key up to learn its type, which counts as a hit or a miss.
      if (scanHasType) {
        Stats.add(STAT_KEYSPACE_HITS, 1);
        if (Entry.type(e) != scanType) continue;
      }
      replyBulk(Entry.key(e), Entry.keyLen(e));
      returned += 1;
    }
  }
  if (dropped != before) tableTidy(db, first);
}

/** KEYS pattern */
export function keysCommand(): void {
  const start = replyArrayStart();
  const all = matchesAll(1);
  let found: u32 = 0;
  for (let i: u32 = 0; i < db.buckets && !outputLost; i++) {
    for (let b = bucketAt(db, i); b != 0; b = Bucket.next(b)) {
      let rest = Bucket.occupied(b);
      while (rest != 0) {
        const e = Bucket.entry(b, ctz(rest));
        rest &= rest - 1;
        if ((!all && !keyMatches(e, 1)) || isExpired(e)) continue;
        replyBulk(Entry.key(e), Entry.keyLen(e));
        found += 1;
      }
    }
  }
  replyArrayEnd(start, found);
}
