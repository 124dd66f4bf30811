// What a command's change to the keyspace sets off besides its reply.
//
// Handlers say what happened to which key (`keyEvent`) and never act on it themselves. Whoever has to
// react (WATCH, blocked clients, keyspace notifications, tracking) finds it in a queue that the
// server drains after the command, in order. While nobody wants to know, only a counter moves.
//
//   record: event address u32 | kind u32 | database u32 | key length u32 | hash u64 | key bytes, padded to 8
//
// The queue copies keys, because arguments and entries may be gone when it is drained. It grows as
// needed; without memory for a record, `effectsLost` is set and everything that could depend on one
// is treated as changed.

import { STAT_DIRTY } from '../abi';
import { free, tryAlloc, tryRealloc, usableSize } from '../memory/alloc';
import { copySmall } from '../util/bytes';
import { Stats } from './stats';

/** Kinds of events, the bits of notify-keyspace-events. */
export const NOTIFY_GENERIC: u32 = 4;
export const NOTIFY_STRING: u32 = 8;
export const NOTIFY_LIST: u32 = 16;
export const NOTIFY_SET: u32 = 32;
export const NOTIFY_HASH: u32 = 64;
export const NOTIFY_ZSET: u32 = 128;
export const NOTIFY_EXPIRED: u32 = 256;
export const NOTIFY_EVICTED: u32 = 512;
export const NOTIFY_STREAM: u32 = 1024;
export const NOTIFY_KEY_MISS: u32 = 2048;
export const NOTIFY_NEW: u32 = 16384;
/** Added to a kind: the key's value did not change, only tell listeners. */
export const EVENT_UNCHANGED: u32 = 0x80000000;
/** Added to EVENT_UNCHANGED: who waits for the key has to look again nevertheless. */
export const EVENT_READY: u32 = 0x10000000;

/** Kinds without a key: all keys of a database are gone, or it was swapped with another one. */
export const DATABASE_FLUSHED: u32 = 0x40000000;
export const DATABASE_SWAPPED: u32 = 0x20000000;

/** Who wants to hear of changes: bits of `effectsWanted`. */
export const WANT_WATCH: u32 = 1;
export const WANT_NOTIFY: u32 = 2;
export const WANT_BLOCKED: u32 = 4;
export const WANT_TRACKING: u32 = 8;

const EFFECT_KIND: usize = 4;
const EFFECT_DATABASE: usize = 8;
const EFFECT_KEY_LEN: usize = 12;
const EFFECT_HASH: usize = 16;
const EFFECT_KEY: usize = 24;
const QUEUE_MIN_BYTES: usize = 4096;

export let effectsWanted: u32 = 0;
export let effectsLost: bool = false;

let queue: usize = 0;
let capacity: usize = 0;
let used: usize = 0;

/** Turns one kind of interest on or off. */
export function wantEffects(bit: u32, on: bool): void {
  effectsWanted = on ? effectsWanted | bit : effectsWanted & ~bit;
  if (effectsWanted == 0 && used == 0) freeQueue();
}

function freeQueue(): void {
  if (queue != 0) free(queue);
  queue = 0;
  capacity = 0;
}

/** Changes that belong to no single key, or whose keys nobody can be interested in. */
export function keyModified(changes: u32): void {
  Stats.add(STAT_DIRTY, <f64>changes);
}

/**
 * The running command changed a key in database `databaseId`. `event` is a literal, the name of the
 * keyspace notification, empty for none; `kind` one NOTIFY_*; `changes` is what Redis adds to its
 * count of changes since the last save.
 */
export function keyEvent(
  databaseId: u32,
  key: usize,
  keyLen: u32,
  hash: u64,
  kind: u32,
  event: string,
  changes: u32,
): void {
  Stats.add(STAT_DIRTY, <f64>changes);
  if (effectsWanted != 0) record(databaseId, key, keyLen, hash, kind, changetype<usize>(event));
}

/** A whole database changed: DATABASE_FLUSHED, or DATABASE_SWAPPED once for each of the two. */
export function databaseEvent(databaseId: u32, kind: u32): void {
  if (effectsWanted != 0) record(databaseId, 0, 0, 0, kind, 0);
}

/** Set by FLUSHALL, for who has to save what is left or to give up a save under way. */
export let flushedAll: bool = false;

export function noteFlushAll(yes: bool): void {
  flushedAll = yes;
}

function record(
  databaseId: u32,
  key: usize,
  keyLen: u32,
  hash: u64,
  kind: u32,
  event: usize,
): void {
  const bytes = EFFECT_KEY + ((<usize>keyLen + 7) & ~7);
  if (used + bytes > capacity && !tryGrow(bytes)) {
    effectsLost = true;
    return;
  }
  const at = queue + used;
  store<u32>(at, <u32>event);
  store<u32>(at, kind, EFFECT_KIND);
  store<u32>(at, databaseId, EFFECT_DATABASE);
  store<u32>(at, keyLen, EFFECT_KEY_LEN);
  store<u64>(at, hash, EFFECT_HASH);
  copySmall(at + EFFECT_KEY, key, keyLen);
  used += bytes;
}

function tryGrow(bytes: usize): bool {
  const wanted = max<usize>((used + bytes) << 1, QUEUE_MIN_BYTES);
  const wider = queue == 0 ? tryAlloc(wanted) : tryRealloc(queue, wanted);
  if (wider == 0) return false;
  queue = wider;
  capacity = usableSize(wider);
  return true;
}

/** Reading the queue: `at` runs from 0 while below `effectsBytes()`. */
export class Effect {
  @inline static event(at: usize): usize {
    return load<u32>(queue + at);
  }
  @inline static kind(at: usize): u32 {
    return load<u32>(queue + at, EFFECT_KIND);
  }
  @inline static database(at: usize): u32 {
    return load<u32>(queue + at, EFFECT_DATABASE);
  }
  @inline static keyLen(at: usize): u32 {
    return load<u32>(queue + at, EFFECT_KEY_LEN);
  }
  @inline static hash(at: usize): u64 {
    return load<u64>(queue + at, EFFECT_HASH);
  }
  @inline static key(at: usize): usize {
    return queue + at + EFFECT_KEY;
  }
  @inline static next(at: usize): usize {
    return at + EFFECT_KEY + ((<usize>Effect.keyLen(at) + 7) & ~7);
  }
}

export function effectsBytes(): usize {
  return used;
}

/** Bytes of the queue's block beyond those it keeps when it is empty. */
export function effectsMemory(): usize {
  return max(capacity, QUEUE_MIN_BYTES) - QUEUE_MIN_BYTES;
}

/** Everything queued has been acted on. */
export function effectsClear(): void {
  used = 0;
  effectsLost = false;
  if (effectsWanted == 0 || capacity > QUEUE_MIN_BYTES) freeQueue();
}
