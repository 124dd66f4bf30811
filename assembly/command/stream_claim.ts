// Giving pending entries to another consumer: XCLAIM and XAUTOCLAIM.
//
// An entry that is gone from the stream cannot be claimed: it stops being pending. When memory runs out on
// the way, the reply ends with the last entry that was claimed; it is an error only if there is none.

import { nowMs } from '../keyspace/clock';
import { lookupKeyRead } from '../keyspace/db';
import { keyModified } from '../keyspace/effects';
import { EntryPtr } from '../keyspace/entry';
import { propagating, replaceCommand } from '../keyspace/propagation';
import { streamOf } from '../keyspace/stream_value';
import { free, tryAlloc } from '../memory/alloc';
import { argI64, argI64OrText } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import {
  ERR_OOM_LIMIT,
  ERR_SYNTAX,
  errorBytes,
  errorEnd,
  errorStart,
  replyError,
} from '../resp/errors';
import {
  outputLen,
  outputLost,
  outputRewind,
  replyArray,
  replyArrayEnd,
  replyArrayStart,
  replyHeadFirst,
  replyText,
} from '../resp/writer';
import { IdAt, idTreeSeek } from '../struct/id_tree';
import { treeNext } from '../struct/ordered_tree';
import {
  groupFind,
  Nack,
  NackPtr,
  nackFind,
  nackRemove,
  nackSetDelivery,
  StreamConsumer,
  StreamGroup,
  tryNackAssign,
  tryNackCreate,
} from '../struct/stream_group';
import { Stream, streamCompareId, streamEntryExists } from '../struct/stream_nodes';
import { consumerIsNew, replyNoKeyOrGroup, tryFindOrAddConsumer } from './stream_consumer';
import {
  argIdOrReply,
  argIsId,
  argMs,
  argRangeIdOrReply,
  argSeq,
  replyStreamId,
} from './stream_id';
import {
  propagateClaim,
  propagateConsumer,
  propagateGone,
  propagateGroupId,
} from './stream_propagate';
import { isStreamOrReply, replyEntryOf } from './stream_reply';

// What both commands are told.
let justId: bool = false;
let minIdleMs: i64 = 0;
let deliveryTimeMs: i64 = 0;
let retryCount: i64 = -1; // -1: count on

/** The group of arguments 1 and 2, in an entry that may be 0; 0 after an error reply. */
function groupOrReply(e: EntryPtr): usize {
  if (e != 0 && !isStreamOrReply(e)) return 0;
  const group = e != 0 ? groupFind(streamOf(e), Arg.ptr(2), Arg.len(2)) : 0;
  if (group == 0) replyNoKeyOrGroup(1, 2);
  return group;
}

function argMinIdleOrReply(text: string): bool {
  if (!argI64OrText(4, text)) return false;
  minIdleMs = max<i64>(argI64, 0);
  return true;
}

/** Gives a pending entry, known to be in the stream, to a consumer, and replies with it. */
function tryClaim(
  s: Stream,
  g: StreamGroup,
  nack: NackPtr,
  ms: u64,
  seq: u64,
  c: StreamConsumer,
): bool {
  if (!tryNackAssign(nack, ms, seq, changetype<usize>(c))) return false;
  let count = changetype<Nack>(nack).deliveryCount;
  if (retryCount >= 0) count = retryCount;
  else if (!justId) count += 1;
  nackSetDelivery(g, nack, ms, seq, deliveryTimeMs, count);
  if (justId) replyStreamId(ms, seq);
  else replyEntryOf(s, ms, seq);
  c.activeTimeMs = nowMs;
  keyModified(1);
  if (propagating) propagateClaim(1, 2, g, nack, ms, seq);
  return true;
}

// --- XCLAIM ---

let idsEnd: u32 = 0; // the argument behind the ids
let force: bool = false;
let lastMs: u64 = 0; // LASTID
let lastSeq: u64 = 0;

function parseClaimOrReply(): bool {
  justId = false;
  force = false;
  retryCount = -1;
  deliveryTimeMs = -1;
  lastMs = 0;
  lastSeq = 0;
  idsEnd = 5;
  while (idsEnd < argc && argIsId(idsEnd)) idsEnd += 1;
  for (let i = idsEnd; i < argc; i++) {
    const hasValue = i + 1 < argc;
    if (argIs(i, 'force')) force = true;
    else if (argIs(i, 'justid')) justId = true;
    else if (hasValue && argIs(i, 'idle')) {
      i += 1;
      if (!argI64OrText(i, 'ERR Invalid IDLE option argument for XCLAIM')) return false;
      deliveryTimeMs = nowMs - argI64;
    } else if (hasValue && argIs(i, 'time')) {
      i += 1;
      if (!argI64OrText(i, 'ERR Invalid TIME option argument for XCLAIM')) return false;
      deliveryTimeMs = argI64;
    } else if (hasValue && argIs(i, 'retrycount')) {
      i += 1;
      if (!argI64OrText(i, 'ERR Invalid RETRYCOUNT option argument for XCLAIM')) return false;
      retryCount = argI64;
    } else if (hasValue && argIs(i, 'lastid')) {
      i += 1;
      if (!argIdOrReply(i)) return false;
      lastMs = argMs;
      lastSeq = argSeq;
    } else {
      const start = errorStart();
      replyText("ERR Unrecognized XCLAIM option '");
      errorBytes(Arg.ptr(i), Arg.len(i));
      replyText("'");
      errorEnd(start);
      return false;
    }
  }
  // A time that makes no sense is no error: clients' clocks differ.
  if (deliveryTimeMs < 0 || deliveryTimeMs > nowMs) deliveryTimeMs = nowMs;
  return true;
}

/**
 * XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-ms] [RETRYCOUNT count]
 * [FORCE] [JUSTID] [LASTID id]
 */
export function xclaimCommand(): void {
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  const group = groupOrReply(e);
  if (group == 0) return;
  if (!argMinIdleOrReply('ERR Invalid min-idle-time argument for XCLAIM')) return;
  if (!parseClaimOrReply()) return;
  const s = streamOf(e);
  const g = changetype<StreamGroup>(group);
  const goesOn = streamCompareId(lastMs, lastSeq, g.lastMs, g.lastSeq) > 0;
  if (goesOn) {
    g.lastMs = lastMs;
    g.lastSeq = lastSeq;
    keyModified(1);
  }
  const consumer = tryFindOrAddConsumer(g, 1, 3);
  if (consumer == 0) {
    if (propagating && goesOn) propagateGroupId(1, 2, g);
    replyError(ERR_OOM_LIMIT);
    return;
  }
  const start = outputLen();
  const array = replyArrayStart();
  let claimed: u32 = 0;
  let good = true;
  for (let i: u32 = 5; i < idsEnd && good && !outputLost; i++) {
    argIsId(i);
    const nack = claimable(s, g, consumer);
    if (nack == NOT_CLAIMABLE) continue;
    good = nack != 0 && tryClaim(s, g, nack, argMs, argSeq, changetype<StreamConsumer>(consumer));
    if (good) claimed += 1;
  }
  if (propagating) {
    // Claimed entries come with the group's last id.
    if (goesOn && claimed == 0) propagateGroupId(1, 2, g);
    propagateClaimer(consumer);
  }
  if (good || claimed != 0) {
    replyArrayEnd(array, claimed);
    return;
  }
  outputRewind(start);
  replyError(ERR_OOM_LIMIT);
}

/** Entries that were claimed have been written; they come with their consumer, which may be new. */
function propagateClaimer(consumer: usize): void {
  replaceCommand();
  const hasNothing = changetype<StreamConsumer>(consumer).pelSize == 0;
  if (consumerIsNew && hasNothing) propagateConsumer(1, 2, 3);
}

/** No address: blocks are aligned. */
const NOT_CLAIMABLE: usize = 1;

/**
 * The pending entry of the id read last, if XCLAIM may have it; NOT_CLAIMABLE if it is not there or not
 * idle, 0 when FORCE would make it but memory is exhausted.
 */
function claimable(s: Stream, g: StreamGroup, consumer: usize): NackPtr {
  const nack = nackFind(g, argMs, argSeq);
  if (!streamEntryExists(s, argMs, argSeq)) {
    if (nack != 0) {
      if (propagating) propagateGone(1, 2, g, nack, argMs, argSeq);
      nackRemove(g, nack, argMs, argSeq);
      keyModified(1);
    }
    return NOT_CLAIMABLE;
  }
  if (nack == 0) {
    if (!force) return NOT_CLAIMABLE;
    return tryNackCreate(g, argMs, argSeq, consumer, deliveryTimeMs, 1);
  }
  if (minIdleMs != 0 && changetype<Nack>(nack).idleMs(nowMs) < minIdleMs) return NOT_CLAIMABLE;
  return nack;
}

// --- XAUTOCLAIM ---

const DEFAULT_COUNT: i64 = 100;
const ATTEMPTS_PER_ENTRY: i64 = 10;
const COUNT_MAX: i64 = i64.MAX_VALUE / 16;
const ID_BYTES: u32 = 16;

let count: i64 = 0;

function parseAutoOrReply(): bool {
  count = DEFAULT_COUNT;
  justId = false;
  retryCount = -1;
  deliveryTimeMs = nowMs;
  for (let i: u32 = 6; i < argc; i++) {
    if (argIs(i, 'count') && i + 1 < argc) {
      i += 1;
      if (!argI64OrText(i, 'ERR COUNT must be > 0')) return false;
      if (argI64 < 1 || argI64 > COUNT_MAX) {
        replyError('ERR COUNT must be > 0');
        return false;
      }
      count = argI64;
    } else if (argIs(i, 'justid')) justId = true;
    else {
      replyError(ERR_SYNTAX);
      return false;
    }
  }
  return true;
}

/** XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID] */
export function xautoclaimCommand(): void {
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (!argMinIdleOrReply('ERR Invalid min-idle-time argument for XAUTOCLAIM')) return;
  if (!argRangeIdOrReply(5, true)) return;
  const ms = argMs;
  const seq = argSeq;
  if (!parseAutoOrReply()) return;
  const group = groupOrReply(e);
  if (group == 0) return;
  const g = changetype<StreamGroup>(group);
  // Ids of entries that turn out to be gone; there are no more than are pending.
  const gone = tryAlloc(max<usize>(<usize>min<i64>(count, g.pelSize) * ID_BYTES, ID_BYTES));
  if (gone == 0) {
    replyError('ERR Insufficient memory, failed allocating transient memory, COUNT too high.');
    return;
  }
  const consumer = tryFindOrAddConsumer(g, 1, 3);
  const start = outputLen();
  if (consumer == 0 || !tryClaimFrom(streamOf(e), g, consumer, ms, seq, gone)) {
    outputRewind(start);
    replyError(ERR_OOM_LIMIT);
  }
  if (propagating && consumer != 0) propagateClaimer(consumer);
  free(gone);
}

/** Claims idle entries from an id on and writes the whole reply. False when memory is exhausted. */
function tryClaimFrom(
  s: Stream,
  g: StreamGroup,
  consumer: usize,
  ms: u64,
  seq: u64,
  gone: usize,
): bool {
  replyArray(3);
  const body = outputLen();
  const array = replyArrayStart();
  let claimed: u32 = 0;
  let goneCount: u32 = 0;
  let attempts = count * ATTEMPTS_PER_ENTRY;
  let left = count;
  let at = idTreeSeek(g.pel(), ms, seq);
  for (; at != 0 && attempts > 0 && left > 0; attempts--) {
    const nack = IdAt.address(at);
    const idMs = IdAt.ms(at);
    const idSeq = IdAt.seq(at);
    if (!streamEntryExists(s, idMs, idSeq)) {
      if (propagating) propagateGone(1, 2, g, nack, idMs, idSeq);
      nackRemove(g, nack, idMs, idSeq);
      keyModified(1);
      store<u64>(gone + goneCount * ID_BYTES, idMs);
      store<u64>(gone + goneCount * ID_BYTES, idSeq, 8);
      goneCount += 1;
      left -= 1;
      at = idTreeSeek(g.pel(), idMs, idSeq);
      continue;
    }
    if (minIdleMs == 0 || changetype<Nack>(nack).idleMs(nowMs) >= minIdleMs) {
      if (!tryClaim(s, g, nack, idMs, idSeq, changetype<StreamConsumer>(consumer))) {
        if (claimed == 0) return false;
        break;
      }
      claimed += 1;
      left -= 1;
    }
    at = treeNext(at);
  }
  replyArrayEnd(array, claimed);
  const head = outputLen();
  if (at != 0) replyStreamId(IdAt.ms(at), IdAt.seq(at));
  else replyStreamId(0, 0);
  replyHeadFirst(body, head);
  replyArray(goneCount);
  for (let i: u32 = 0; i < goneCount && !outputLost; i++) {
    const id = gone + i * ID_BYTES;
    replyStreamId(load<u64>(id), load<u64>(id, 8));
  }
  return true;
}
