// Active expiry: finds keys whose time has come without anybody asking for them.
//
// Each database is walked in scan order, a few buckets at a time. A bucket's meta word says which of
// its slots hold an expiry, so a walk over keys without one reads a line per seven keys and no entry.
// Redis samples a second table of expiries instead; walking finds every expired key once per round,
// and the round's pace follows what it finds: a step that meets many expired keys asks to be called
// again at once, one that meets few waits for the next tick. Databases take turns: one that is too
// large for a step goes on where it was when its turn comes again.

import {
  CFG_ACTIVE_EXPIRE,
  CFG_ACTIVE_EXPIRE_EFFORT,
  STAT_EXPIRE_CYCLE_US,
  STAT_EXPIRED_STALE_PERCENT,
  STAT_EXPIRED_TIME_CAP,
} from '../abi';
import { clockUs, nowMs } from './clock';
import { Db, database, databaseCount, entryExpired, isExpired } from './db';
import { Entry } from './entry';
import { Bucket, scanBucket, scanNext, tableDetach, tableShrink, tableTidy } from './key_table';
import { unitEnd } from './propagation';
import { areKeysKept, Settings } from './settings';
import { Stats } from './stats';

const BUCKETS_PER_CLOCK: u32 = 16;
/** Share of expired among seen keys above which the walk goes on at once, at effort 1. */
const STALE_PERCENT_ACCEPTED: u32 = 10;

let seen: u32 = 0;
let expired: u32 = 0;
let ttlSum: f64 = 0;
let nextDatabase: u32 = 0;
/** The database that time ran out in while it was full of expired keys, as far as is known; -1: none. */
let staleDatabase: i32 = -1;

/** Drops the expired entries of one chain. */
function expireChain(which: Db, cursor: u64): void {
  const first = scanBucket(which, cursor);
  let dropped = false;
  for (let b = first; b != 0; b = Bucket.next(b)) {
    let rest = Bucket.expiring(b);
    while (rest != 0) {
      const slot: u32 = ctz(rest);
      rest &= rest - 1;
      const e = Bucket.entry(b, slot);
      seen += 1;
      if (!isExpired(e)) {
        ttlSum += <f64>(Entry.expireAtMs(e) - nowMs);
        continue;
      }
      expired += 1;
      entryExpired(which, tableDetach(which, b, slot));
      unitEnd();
      dropped = true;
    }
  }
  if (dropped) tableTidy(which, first);
}

/** Walks one database until `deadlineUs` or once around. True when time ran out. */
function expireDatabase(which: Db, deadlineUs: f64): bool {
  seen = 0;
  expired = 0;
  ttlSum = 0;
  const start = which.expireCursor;
  let cursor = start;
  let buckets: u32 = 0;
  let late = false;
  let wrapped = false;
  while (true) {
    expireChain(which, cursor);
    cursor = scanNext(which, cursor);
    if (cursor == 0) wrapped = true;
    if (wrapped && cursor >= start) break;
    buckets += 1;
    if ((buckets & (BUCKETS_PER_CLOCK - 1)) == 0 && clockUs() >= deadlineUs) {
      late = true;
      break;
    }
  }
  which.expireCursor = cursor;
  const live = seen - expired;
  if (live > 0) {
    const average = ttlSum / <f64>live;
    which.averageTtlMs =
      which.averageTtlMs == 0 ? average : which.averageTtlMs * 0.98 + average * 0.02;
  }
  if (expired > 0) tableShrink(which, expired << 1);
  return late;
}

/**
 * One step of the cycle, until `deadlineUs`. True when a database was so full of expired keys that the
 * next step should not wait for the next tick.
 */
export function expireStep(deadlineUs: f64): bool {
  if (!Settings.on(CFG_ACTIVE_EXPIRE) || areKeysKept()) return false;
  const began = clockUs();
  const accepted =
    STALE_PERCENT_ACCEPTED - min<u32>(<u32>Settings.get(CFG_ACTIVE_EXPIRE_EFFORT) - 1, 9);
  for (let n: u32 = 0; n < databaseCount; n++) {
    if (nextDatabase >= databaseCount) nextDatabase = 0;
    const index = nextDatabase;
    const which = database(index);
    // Also when time runs out in this one: the others must not wait until it has been walked.
    nextDatabase += 1;
    if (staleDatabase == <i32>index) staleDatabase = -1;
    if (which.expires == 0) {
      which.averageTtlMs = 0;
      continue;
    }
    const late = expireDatabase(which, deadlineUs);
    const percent: u32 = seen == 0 ? 0 : (expired * 100) / seen;
    const known = Stats.get(STAT_EXPIRED_STALE_PERCENT);
    Stats.set(STAT_EXPIRED_STALE_PERCENT, known * 0.95 + <f64>percent * 0.05);
    if (late) {
      Stats.add(STAT_EXPIRED_TIME_CAP, 1);
      if (percent > accepted) staleDatabase = <i32>index;
      break;
    }
  }
  Stats.add(STAT_EXPIRE_CYCLE_US, clockUs() - began);
  return staleDatabase >= 0;
}
