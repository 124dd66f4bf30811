// Walking the keyspace: SCAN and KEYS.
//
// A SCAN cursor is a position in the order of bit-reversed hashes (see key_table.ts), printed with
// its bits mirrored back, so that it has few digits. Each step takes one chain of buckets as a whole
// and goes on where the interval of hashes ends that the chain holds, whatever splits and merges
// happened since the call before. So a key that exists from the first call to the last is returned;
// one that comes or goes in between may be; a key may come twice only if the table shrank.
//
// As in Redis, COUNT is about how many keys are looked at, not returned, and expired keys that would
// have been returned are deleted. KEYS leaves them alone.
import { STAT_KEYSPACE_HITS, STAT_KEYSPACE_MISSES } from '../abi';
import { db, entryExpired, isExpired } from '../keyspace/db';
import { Entry, EntryPtr } from '../keyspace/entry';
import {
  Bucket,
  bucketAt,
  reverseBits,
  scanBucket,
  scanNext,
  tableDetach,
  tableShrink,
  tableTidy,
} from '../keyspace/key_table';
import { Stats } from '../keyspace/stats';
import { argI64, argI64OrReply } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import { ERR_SYNTAX, replyError } from '../resp/errors';
import {
  outputLen,
  outputLost,
  replyArray,
  replyArrayEnd,
  replyArrayStart,
  replyBulk,
  replyBulkU64,
  replyHeadFirst,
} from '../resp/writer';
import { findByte } from '../util/bytes';
import { globMatch } from '../util/glob';
import { parseCursor, parseU64Value } from '../util/number_parse';
import { argType } from './type_names';

const COUNT_DEFAULT: i64 = 10;
/** Chains one call may walk for every key it is to look at. */
const CHAINS_PER_COUNT: u64 = 10;

// SCAN's options, set by `parseScanOrReply`.
let count: u64 = 0;
let pattern: u32 = 0; // argument, 0 when every key matches
let hasType: bool = false;
let type: u32 = 0;

// What the SCAN under way has met.
let sampled: u64 = 0;
let returned: u32 = 0;
let dropped: u32 = 0;

/** Whether the pattern in argument `i` matches every key there is. */
function matchesAll(i: u32): bool {
  return Arg.len(i) == 1 && load<u8>(Arg.ptr(i)) == 42;
}

function keyMatches(e: EntryPtr, i: u32): bool {
  return globMatch(Arg.ptr(i), Arg.len(i), Entry.key(e), Entry.keyLen(e), false);
}

function parseScanOrReply(): bool {
  count = COUNT_DEFAULT;
  pattern = 0;
  hasType = false;
  for (let i: u32 = 2; i < argc; i += 2) {
    const hasValue = i + 1 < argc;
    if (argIs(i, 'count') && hasValue) {
      if (!argI64OrReply(i + 1)) return false;
      if (argI64 < 1) {
        replyError(ERR_SYNTAX);
        return false;
      }
      count = argI64;
    } else if (argIs(i, 'match') && hasValue) {
      pattern = matchesAll(i + 1) ? 0 : i + 1;
    } else if (argIs(i, 'type') && hasValue) {
      hasType = true;
      type = argType(i + 1);
    } else {
      replyError(ERR_SYNTAX);
      return false;
    }
  }
  return true;
}

/** Length of the cursor, which as in Redis, where it is a string of C, ends at the first zero byte. */
function cursorLen(): u32 {
  const zero = findByte(Arg.ptr(1), Arg.ptr(1) + Arg.len(1), 0);
  return zero == 0 ? Arg.len(1) : <u32>(zero - Arg.ptr(1));
}

/** SCAN cursor [MATCH pattern] [COUNT count] [TYPE type] */
export function scanCommand(): void {
  if (!parseCursor(Arg.ptr(1), cursorLen())) {
    replyError('ERR invalid cursor');
    return;
  }
  let position = reverseBits(parseU64Value);
  if (!parseScanOrReply()) return;
  sampled = 0;
  returned = 0;
  dropped = 0;
  const body = outputLen();
  let chains: u64 = 0;
  const chainsMax = count > u64.MAX_VALUE / CHAINS_PER_COUNT ? count : count * CHAINS_PER_COUNT;
  do {
    scanChain(position);
    position = scanNext(db, position);
    chains += 1;
  } while (position != 0 && chains <= chainsMax && sampled < count && !outputLost);
  if (dropped > 0) tableShrink(db, dropped << 1);
  const head = outputLen();
  replyArray(2);
  replyBulkU64(reverseBits(position));
  replyArray(returned);
  replyHeadFirst(body, head);
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
      if (pattern != 0 && !keyMatches(e, pattern)) continue;
      if (isExpired(e)) {
        entryExpired(db, tableDetach(db, b, slot));
        dropped += 1;
        if (hasType) Stats.add(STAT_KEYSPACE_MISSES, 1);
        continue;
      }
      // Redis looks the key up to learn its type, which counts as a hit or a miss.
      if (hasType) {
        Stats.add(STAT_KEYSPACE_HITS, 1);
        if (Entry.type(e) != type) continue;
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
