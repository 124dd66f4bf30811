// Eviction: keeping memory under maxmemory by dropping keys chosen by maxmemory-policy.
//
//   sample entries -> rank -> pool of the best candidates seen lately -> evict the best still there
//
// As in Redis the choice is an approximation: a few entries are sampled at random and the most
// evictable of them join a small pool that survives from one eviction to the next. A candidate is
// remembered by database and hash, never by address, and looked up again when its turn comes.
//
//   score, higher goes first:  LRU idle seconds; LFU 255 - counter; volatile-ttl earliest expiry
//
// Sampling walks a database's buckets on from where it stopped, so that keys come by in the order of
// their hashes, which is as good as random, and none is looked at again before all others were. Only
// buckets' lines are read to find entries with an expiry; where few keys have one, a walk is long.
//
// Work per command is bounded in time (maxmemory-eviction-tenacity); what is left over goes on in
// the cron while the command at hand is let through, as in Redis.

import {
  CFG_EVICTION_TENACITY,
  CFG_HOST_BYTES,
  CFG_LAZYFREE_EVICTION,
  CFG_MAXMEMORY,
  CFG_MAXMEMORY_POLICY,
  CFG_MAXMEMORY_SAMPLES,
  POLICY_ALLKEYS_LFU,
  POLICY_ALLKEYS_LRU,
  POLICY_ALLKEYS_RANDOM,
  POLICY_NOEVICTION,
  POLICY_VOLATILE_LFU,
  POLICY_VOLATILE_LRU,
  POLICY_VOLATILE_RANDOM,
  POLICY_VOLATILE_TTL,
  STAT_EVICT_EXCEEDED_US,
  STAT_EVICTED_KEYS,
  STAT_EVICTION_STARTED_US,
} from '../abi';
import { usedBytes } from '../memory/alloc';
import { memoryNearlyExhausted, staticBytes } from '../memory/pages';
import { randomBelow } from '../util/prng';
import { hashBytes } from '../util/siphash';
import { idleSeconds, lfuCounter } from './access_clock';
import { clockUs } from './clock';
import { Db, database, databaseCount, entryEvent, entryRemoved, propagateGone } from './db';
import { effectsMemory, NOTIFY_EVICTED } from './effects';
import { Entry, EntryPtr } from './entry';
import {
  Bucket,
  BucketPtr,
  bucketAt,
  tableBucket,
  tableDetach,
  tableShrink,
  tableTidy,
} from './key_table';
import { lazyfreePending, lazyfreeStep } from './lazyfree';
import { propagationMemory, unitEnd } from './propagation';
import { areKeysKept, Settings } from './settings';
import { Stats } from './stats';

const POOL_SIZE: u32 = 16;
const POOL_BYTES: u32 = 24;
const POOL_SCORE: usize = 8; // behind the u64 hash
const POOL_DATABASE: usize = 16;
const POOL_TAKEN: usize = 20;
const pool: usize = memory.data(384, 8);
/** The clock is read after so much work: an eviction counts EVICTION_WORK, a bucket walked 1. */
const WORK_PER_CLOCK: u32 = 4096;
const EVICTION_WORK: u32 = 256;
/** Buckets after which a walk that found something is long enough. */
const SAMPLE_BUCKETS: u32 = 1024;
/** Freeing in the background goes on in slices of this while a command waits for memory. */
const LAZYFREE_SLICE_US: f64 = 50.0;

let work: u32 = 0;

/** Bytes in use as INFO's used_memory counts them: also those of replies that wait in the host. */
export function usedMemory(): f64 {
  return <f64>usedBytes() + staticBytes() + <f64>Settings.get(CFG_HOST_BYTES);
}

/**
 * What maxmemory is compared with: without the queue of effects and the stream of changes, which grow by the
 * name of every key that is evicted and would have more of them evicted in turn.
 */
function countedMemory(): f64 {
  return usedMemory() - <f64>effectsMemory() - <f64>propagationMemory();
}

function isVolatile(policy: i64): bool {
  return (
    policy == POLICY_VOLATILE_LRU ||
    policy == POLICY_VOLATILE_LFU ||
    policy == POLICY_VOLATILE_RANDOM ||
    policy == POLICY_VOLATILE_TTL
  );
}

function score(e: EntryPtr, policy: i64): u64 {
  if (policy == POLICY_VOLATILE_TTL) return u64.MAX_VALUE - <u64>Entry.expireAtMs(e);
  if (policy == POLICY_ALLKEYS_LFU || policy == POLICY_VOLATILE_LFU) return 255 - lfuCounter(e);
  if (policy == POLICY_ALLKEYS_LRU || policy == POLICY_VOLATILE_LRU) return idleSeconds(e);
  return 0;
}

// --- The pool ---

/** Whether the candidate at `at` goes before another. Hashes decide among equals, as good as chance. */
function goesBefore(at: usize, value: u64, hash: u64): bool {
  const own = load<u64>(at, POOL_SCORE);
  return own != value ? own > value : load<u64>(at) > hash;
}

/** Offers a candidate; it replaces the least evictable one when the pool is full. */
function poolOffer(which: Db, e: EntryPtr, value: u64): void {
  const hash = hashBytes(Entry.key(e), Entry.keyLen(e));
  let worst: usize = 0;
  let room = false;
  for (let i: u32 = 0; i < POOL_SIZE; i++) {
    const at = pool + i * POOL_BYTES;
    if (load<u32>(at, POOL_TAKEN) == 0) {
      worst = at;
      room = true;
      continue;
    }
    if (load<u64>(at) == hash && load<u32>(at, POOL_DATABASE) == which.id) return;
    if (room) continue;
    if (worst == 0 || goesBefore(worst, load<u64>(at, POOL_SCORE), load<u64>(at))) worst = at;
  }
  if (!room && goesBefore(worst, value, hash)) return;
  store<u64>(worst, hash);
  store<u64>(worst, value, POOL_SCORE);
  store<u32>(worst, which.id, POOL_DATABASE);
  store<u32>(worst, 1, POOL_TAKEN);
}

/** Takes the best candidate out of the pool; 0 when it is empty. */
function poolTakeBest(): usize {
  let best: usize = 0;
  for (let i: u32 = 0; i < POOL_SIZE; i++) {
    const at = pool + i * POOL_BYTES;
    if (load<u32>(at, POOL_TAKEN) == 0) continue;
    if (best == 0 || goesBefore(at, load<u64>(best, POOL_SCORE), load<u64>(best))) best = at;
  }
  if (best != 0) store<u32>(best, 0, POOL_TAKEN);
  return best;
}

/** Scores mean something else under another policy. */
export function evictionPolicyChanged(): void {
  memory.fill(pool, 0, POOL_SIZE * POOL_BYTES);
}

// --- Sampling ---

/** Walks on until `wanted` entries were offered, or some and the walk is long, or once around. */
function sample(which: Db, policy: i64, wanted: u32): void {
  const onlyVolatile = isVolatile(policy);
  let index = which.evictCursor;
  let found: u32 = 0;
  let walked: u32 = 0;
  while (found < wanted && walked < which.buckets && (found == 0 || walked < SAMPLE_BUCKETS)) {
    if (index >= which.buckets) index = 0;
    for (let b = bucketAt(which, index); b != 0; b = Bucket.next(b)) {
      let rest = onlyVolatile ? Bucket.expiring(b) : Bucket.occupied(b);
      while (rest != 0) {
        const e = Bucket.entry(b, ctz(rest));
        rest &= rest - 1;
        poolOffer(which, e, score(e, policy));
        found += 1;
      }
    }
    index += 1;
    walked += 1;
  }
  which.evictCursor = index;
  work += walked;
}

/** Evicts the entry of this hash in a database, if it is still there and still qualifies. */
function evictHash(which: Db, hash: u64, onlyVolatile: bool): bool {
  const first = tableBucket(which, hash);
  for (let b = first; b != 0; b = Bucket.next(b)) {
    let rest = onlyVolatile ? Bucket.expiring(b) : Bucket.occupied(b);
    while (rest != 0) {
      const slot: u32 = ctz(rest);
      rest &= rest - 1;
      const e = Bucket.entry(b, slot);
      if (hashBytes(Entry.key(e), Entry.keyLen(e)) != hash) continue;
      evict(which, first, b, slot);
      return true;
    }
  }
  return false;
}

function evict(which: Db, first: BucketPtr, b: BucketPtr, slot: u32): void {
  const e = tableDetach(which, b, slot);
  entryEvent(which, e, NOTIFY_EVICTED, 'evicted');
  propagateGone(which, e, CFG_LAZYFREE_EVICTION);
  unitEnd();
  entryRemoved(which, e);
  tableTidy(which, first);
  tableShrink(which, 2);
  Stats.add(STAT_EVICTED_KEYS, 1);
  work += EVICTION_WORK;
}

/** Evicts a random entry; false when no database has one that qualifies. */
function evictRandom(onlyVolatile: bool): bool {
  for (let n: u32 = 0; n < databaseCount; n++) {
    const which = database(nextRandomDatabase);
    nextRandomDatabase = nextRandomDatabase + 1 == databaseCount ? 0 : nextRandomDatabase + 1;
    if ((onlyVolatile ? which.expires : which.keys) == 0) continue;
    let index = randomBelow(which.buckets);
    while (true) {
      const first = bucketAt(which, index);
      for (let b = first; b != 0; b = Bucket.next(b)) {
        const mask = onlyVolatile ? Bucket.expiring(b) : Bucket.occupied(b);
        if (mask == 0) continue;
        let skip = randomBelow(popcnt(mask));
        let rest = mask;
        while (skip > 0) {
          rest &= rest - 1;
          skip -= 1;
        }
        evict(which, first, b, ctz(rest));
        return true;
      }
      index = index + 1 == which.buckets ? 0 : index + 1;
      work += 1;
    }
  }
  return false;
}

let nextRandomDatabase: u32 = 0;

/** Evicts one key by the policy; false when none qualifies. */
function evictOne(policy: i64): bool {
  const onlyVolatile = isVolatile(policy);
  if (policy == POLICY_ALLKEYS_RANDOM || policy == POLICY_VOLATILE_RANDOM) {
    return evictRandom(onlyVolatile);
  }
  const samples = <u32>Settings.get(CFG_MAXMEMORY_SAMPLES);
  while (true) {
    let total: u64 = 0;
    for (let i: u32 = 0; i < databaseCount; i++) {
      const which = database(i);
      const keys = onlyVolatile ? which.expires : which.keys;
      if (keys == 0) continue;
      total += keys;
      sample(which, policy, samples);
    }
    if (total == 0) return false;
    for (let best = poolTakeBest(); best != 0; best = poolTakeBest()) {
      const which = database(load<u32>(best, POOL_DATABASE));
      if (evictHash(which, load<u64>(best), onlyVolatile)) return true;
    }
  }
}

/** Microseconds one command may spend evicting, by maxmemory-eviction-tenacity. */
function timeLimitUs(): f64 {
  const tenacity = Settings.get(CFG_EVICTION_TENACITY);
  if (tenacity <= 10) return 50.0 * <f64>tenacity;
  if (tenacity >= 100) return Infinity;
  let limit: f64 = 500.0;
  for (let n: i64 = 10; n < tenacity; n++) limit *= 1.15;
  return limit;
}

/**
 * Evicts until memory is under the limit. False when it is not and nothing more can be evicted: then
 * commands that may add data are refused. True also while eviction still has work for the cron.
 */
export function tryFreeMemoryForWrite(): bool {
  const limit = <f64>Settings.get(CFG_MAXMEMORY);
  if (limit == 0 || countedMemory() <= limit || areKeysKept()) {
    overLimitEnds();
    return true;
  }
  const policy = Settings.get(CFG_MAXMEMORY_POLICY);
  const began = clockUs();
  if (Stats.get(STAT_EVICTION_STARTED_US) == 0) Stats.set(STAT_EVICTION_STARTED_US, began);
  const deadline = began + timeLimitUs();
  work = 0;
  // What was flushed already is freed before anything else has to go.
  while (countedMemory() > limit && lazyfreePending()) {
    if (clockUs() >= deadline) return policy != POLICY_NOEVICTION;
    lazyfreeStep(clockUs() + LAZYFREE_SLICE_US);
  }
  while (countedMemory() > limit) {
    if (policy == POLICY_NOEVICTION || !evictOne(policy)) return false;
    if (work >= WORK_PER_CLOCK) {
      work = 0;
      if (clockUs() >= deadline) return true;
    }
  }
  overLimitEnds();
  return true;
}

/**
 * Frees flushed tables while so little linear memory is left that nothing may be added. False when
 * that stays so.
 */
export function tryFreePagesForWrite(): bool {
  const deadline = clockUs() + timeLimitUs();
  while (memoryNearlyExhausted()) {
    if (!lazyfreePending() || clockUs() >= deadline) return false;
    lazyfreeStep(clockUs() + LAZYFREE_SLICE_US);
  }
  return true;
}

/** True while memory is over the limit and a policy allows to do something about it. */
export function evictionPending(): bool {
  const limit = <f64>Settings.get(CFG_MAXMEMORY);
  if (limit == 0 || Settings.get(CFG_MAXMEMORY_POLICY) == POLICY_NOEVICTION) return false;
  if (areKeysKept()) return false;
  return countedMemory() > limit;
}

function overLimitEnds(): void {
  const started = Stats.get(STAT_EVICTION_STARTED_US);
  if (started == 0) return;
  Stats.add(STAT_EVICT_EXCEEDED_US, clockUs() - started);
  Stats.set(STAT_EVICTION_STARTED_US, 0);
}
