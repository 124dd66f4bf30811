// What XREADGROUP gives to a consumer: entries that were pending too long (CLAIM), new entries, or again
// what it has not acknowledged.
//
// An entry is noted as pending before it is written to the reply. When memory runs out on the way, the
// reply ends with the last entry that was noted.

import { nowMs } from '../keyspace/clock';
import { keyModified } from '../keyspace/effects';
import { propagating } from '../keyspace/propagation';
import { free, tryAlloc } from '../memory/alloc';
import {
  outputLen,
  outputLost,
  outputRewind,
  replyArray,
  replyArrayEnd,
  replyArrayStart,
  replyInt,
  replyNullArray,
} from '../resp/writer';
import { IdAt, idTreeSeek } from '../struct/id_tree';
import { treeNext } from '../struct/ordered_tree';
import {
  groupAdvance,
  groupOldest,
  Nack,
  nackFind,
  nackRemove,
  nackSetDelivery,
  StreamConsumer,
  StreamGroup,
  TimeAt,
  tryKeepTimes,
  tryNackAssign,
  tryNackDeliver,
} from '../struct/stream_group';
import {
  idMs,
  idSeq,
  Stream,
  streamCompareId,
  streamEntryExists,
  streamIncrId,
  streamIteratorNext,
  streamIteratorStart,
} from '../struct/stream_nodes';
import { replyStreamId } from './stream_id';
import { propagateClaim, propagateGone, propagateGroupId } from './stream_propagate';
import { commandIterator, replyEntryOf, replyFields } from './stream_reply';

/** The idle time that stands for no CLAIM. */
export const NO_CLAIM: i64 = -1;

/** Set when the last delivery ended because memory is exhausted. */
export let deliveryOutOfMemory: bool = false;

/** Replies with the entries pending for a consumer from an id on, up to `count` (0: all). */
export function deliverHistory(
  s: Stream,
  g: StreamGroup,
  c: StreamConsumer,
  ms: u64,
  seq: u64,
  count: u64,
): void {
  const array = replyArrayStart();
  let replied: u32 = 0;
  for (let at = idTreeSeek(c.pel(), ms, seq); at != 0 && !outputLost; at = treeNext(at)) {
    if (count != 0 && replied == count) break;
    const ownMs = IdAt.ms(at);
    const ownSeq = IdAt.seq(at);
    if (replyEntryOf(s, ownMs, ownSeq)) {
      const nack = IdAt.address(at);
      const times = changetype<Nack>(nack).deliveryCount + 1;
      nackSetDelivery(g, nack, ownMs, ownSeq, nowMs, times);
    } else {
      replyArray(2);
      replyStreamId(ownMs, ownSeq);
      replyNullArray();
    }
    replied += 1;
  }
  replyArrayEnd(array, replied);
  keyModified(1);
}

// The arguments of the stream at hand and its group.
let streamArg: u32 = 0;
let groupArg: u32 = 0;

/**
 * Replies with what a consumer has not been given yet, up to `count` entries (0: all), of the stream in
 * argument `k` and the group in argument `i`. False when there is nothing.
 */
export function deliverNew(
  k: u32,
  i: u32,
  s: Stream,
  g: StreamGroup,
  c: StreamConsumer,
  count: u64,
  noAck: bool,
  claimIdleMs: i64,
): bool {
  deliveryOutOfMemory = false;
  streamArg = k;
  groupArg = i;
  const start = outputLen();
  const array = replyArrayStart();
  let replied: u32 = 0;
  if (claimIdleMs != NO_CLAIM) replied = claimIdle(s, g, c, count, claimIdleMs);
  if (!deliveryOutOfMemory && (count == 0 || replied < count) && mayHaveNew(s, g)) {
    replied += deliverRest(s, g, c, count == 0 ? 0 : count - replied, noAck, claimIdleMs);
  }
  if (replied == 0) {
    outputRewind(start);
    return false;
  }
  replyArrayEnd(array, replied);
  keyModified(1);
  return true;
}

/** Whether a stream may have entries that a group has not delivered; those that are left decide. */
function mayHaveNew(s: Stream, g: StreamGroup): bool {
  return s.length != 0 && streamCompareId(s.lastMs, s.lastSeq, g.lastMs, g.lastSeq) > 0;
}

/** Replies with entries behind the group's last id and returns how many. */
function deliverRest(
  s: Stream,
  g: StreamGroup,
  c: StreamConsumer,
  count: u64,
  noAck: bool,
  claimIdleMs: i64,
): u32 {
  streamIncrId(g.lastMs, g.lastSeq);
  const it = commandIterator();
  streamIteratorStart(it, s, idMs, idSeq, u64.MAX_VALUE, u64.MAX_VALUE, false);
  let replied: u32 = 0;
  while (!outputLost && streamIteratorNext(it)) {
    let nack: usize = 0;
    if (!noAck) {
      nack = tryNackDeliver(g, it.ms, it.seq, changetype<usize>(c), nowMs);
      if (nack == 0) {
        deliveryOutOfMemory = true;
        break;
      }
      c.activeTimeMs = nowMs;
    }
    groupAdvance(s, g, it.ms, it.seq);
    if (propagating && nack != 0) propagateClaim(streamArg, groupArg, g, nack, it.ms, it.seq);
    replyArray(claimIdleMs == NO_CLAIM ? 2 : 4);
    replyStreamId(it.ms, it.seq);
    replyFields(it);
    if (claimIdleMs != NO_CLAIM) {
      replyInt(0);
      replyInt(0);
    }
    replied += 1;
    if (<u64>replied == count) break;
  }
  if (propagating && replied != 0) propagateGroupId(streamArg, groupArg, g);
  return replied;
}

// --- CLAIM ---

const ID_BYTES: u32 = 16;

/** Whether the pending entry at a position of the order by time has been idle long enough. */
function isIdle(at: u64, minIdleMs: i64): bool {
  return changetype<Nack>(TimeAt.nack(at)).idleMs(nowMs) >= minIdleMs;
}

/** When a group's first pending entry will have been idle for so long, 0: never, or not known. */
export function idleAtMs(g: StreamGroup, minIdleMs: i64): i64 {
  if (g.pelSize == 0 || !tryKeepTimes(g)) return 0;
  const time = changetype<Nack>(TimeAt.nack(groupOldest(g))).timeMs();
  return minIdleMs > i64.MAX_VALUE - time ? 0 : time + minIdleMs;
}

/**
 * Gives entries to the consumer that nobody acknowledged for so long, replies with them and returns how
 * many. Claimed entries change their place in the order by time, so ids are noted first.
 */
function claimIdle(s: Stream, g: StreamGroup, c: StreamConsumer, count: u64, minIdleMs: i64): u32 {
  if (!tryKeepTimes(g)) {
    deliveryOutOfMemory = true;
    return 0;
  }
  let idle: u32 = 0;
  let there: u64 = 0;
  for (let at = groupOldest(g); at != 0 && isIdle(at, minIdleMs); at = treeNext(at)) {
    idle += 1;
    if (count != 0 && streamEntryExists(s, TimeAt.ms(at), TimeAt.seq(at))) there += 1;
    if (count != 0 && there == count) break;
  }
  if (idle == 0) return 0;
  const ids = <u64>idle * ID_BYTES <= u32.MAX_VALUE ? tryAlloc(<usize>idle * ID_BYTES) : 0;
  if (ids == 0) {
    deliveryOutOfMemory = true;
    return 0;
  }
  let at = groupOldest(g);
  for (let i: u32 = 0; i < idle; i++) {
    store<u64>(ids + i * ID_BYTES, TimeAt.ms(at));
    store<u64>(ids + i * ID_BYTES, TimeAt.seq(at), 8);
    at = treeNext(at);
  }
  let replied: u32 = 0;
  for (let i: u32 = 0; i < idle && !deliveryOutOfMemory && !outputLost; i++) {
    const id = ids + i * ID_BYTES;
    if (claimOne(s, g, c, load<u64>(id), load<u64>(id, 8))) replied += 1;
  }
  free(ids);
  return replied;
}

/** Claims one entry and replies with it. One that is gone is no longer pending: false. */
function claimOne(s: Stream, g: StreamGroup, c: StreamConsumer, ms: u64, seq: u64): bool {
  const nack = nackFind(g, ms, seq);
  const it = commandIterator();
  streamIteratorStart(it, s, ms, seq, ms, seq, false);
  if (!streamIteratorNext(it)) {
    if (propagating) propagateGone(streamArg, groupArg, g, nack, ms, seq);
    nackRemove(g, nack, ms, seq);
    keyModified(1);
    return false;
  }
  if (!tryNackAssign(nack, ms, seq, changetype<usize>(c))) {
    deliveryOutOfMemory = true;
    return false;
  }
  const n = changetype<Nack>(nack);
  replyArray(4);
  replyStreamId(ms, seq);
  replyFields(it);
  replyInt(nowMs - n.timeMs());
  replyInt(n.deliveryCount);
  nackSetDelivery(g, nack, ms, seq, nowMs, n.deliveryCount + 1);
  c.activeTimeMs = nowMs;
  if (propagating) propagateClaim(streamArg, groupArg, g, nack, ms, seq);
  return true;
}
