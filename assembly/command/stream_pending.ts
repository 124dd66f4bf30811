// Pending entries of a group: XACK, XNACK and XPENDING.

import { nowMs } from '../keyspace/clock';
import { db, lookupKeyRead, lookupKeyWrite } from '../keyspace/db';
import { EVENT_READY, EVENT_UNCHANGED, keyModified, NOTIFY_STREAM } from '../keyspace/effects';
import { opInt, opStart, propagating, replaceCommand } from '../keyspace/propagation';
import { streamOf } from '../keyspace/stream_value';
import { argEvent } from '../resp/arg_event';
import { argAtLeastOrText, argI64, argI64OrReply } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import {
  ERR_OOM_LIMIT,
  ERR_SYNTAX,
  errorBytes,
  errorEnd,
  errorStart,
  replyError,
} from '../resp/errors';
import { opArgs } from '../resp/propagate';
import {
  outputLost,
  replyArray,
  replyArrayEnd,
  replyArrayStart,
  replyBulk,
  replyBulkInt,
  replyInt,
  replyNull,
  replyNullArray,
  replyText,
} from '../resp/writer';
import { IdAt, idTreeFirst, idTreeLast, idTreeSeek } from '../struct/id_tree';
import { firstNamed, namedAt } from '../struct/name_tree';
import { treeNext } from '../struct/ordered_tree';
import {
  consumerFind,
  groupFind,
  Nack,
  nackFind,
  nackGiveBack,
  nackRemove,
  nextGivenBack,
  StreamConsumer,
  StreamGroup,
  tryNackCreate,
} from '../struct/stream_group';
import { streamCompareId, streamEntryExists } from '../struct/stream_nodes';
import { replyNoKeyOrGroup } from './stream_consumer';
import {
  argIdsOrReply,
  argIsId,
  argMs,
  argRangeIdOrReply,
  argSeq,
  replyStreamId,
} from './stream_id';
import { isStreamOrReply } from './stream_reply';

/** XACK key group id [id ...] */
export function xackCommand(): void {
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e != 0 && !isStreamOrReply(e)) return;
  const group = e != 0 ? groupFind(streamOf(e), Arg.ptr(2), Arg.len(2)) : 0;
  if (group == 0) {
    replyInt(0);
    return;
  }
  if (!argIdsOrReply(3, argc)) return;
  const g = changetype<StreamGroup>(group);
  let acknowledged: u32 = 0;
  for (let i: u32 = 3; i < argc; i++) {
    argIsId(i);
    const nack = nackFind(g, argMs, argSeq);
    if (nack == 0) continue;
    nackRemove(g, nack, argMs, argSeq);
    acknowledged += 1;
  }
  keyModified(acknowledged);
  replyInt(acknowledged);
}

// --- XNACK ---

const MODE_SILENT: u32 = 1;
const MODE_FAIL: u32 = 2;
const MODE_FATAL: u32 = 3;

let mode: u32 = 0;
let firstId: u32 = 0; // argument of the first id
let idCount: u32 = 0;
let retryCount: i64 = -1; // -1: not given
let force: bool = false;

function parseNackOrReply(): bool {
  mode = 0;
  firstId = 0;
  retryCount = -1;
  force = false;
  if (argIs(3, 'silent')) mode = MODE_SILENT;
  else if (argIs(3, 'fail')) mode = MODE_FAIL;
  else if (argIs(3, 'fatal')) mode = MODE_FATAL;
  else {
    replyError('ERR mode must be SILENT, FAIL, or FATAL');
    return false;
  }
  let i: u32 = 4;
  while (i < argc) {
    const hasValue = i + 1 < argc;
    if (hasValue && firstId == 0 && argIs(i, 'ids')) {
      if (!argAtLeastOrText(i + 1, 1, 'ERR numids must be a positive integer')) return false;
      firstId = i + 2;
      if (argI64 > <i64>argc - firstId) {
        replyError("ERR number of IDs doesn't match numids");
        return false;
      }
      idCount = <u32>argI64;
      if (!argIdsOrReply(firstId, firstId + idCount)) return false;
      i = firstId + idCount;
    } else if (hasValue && argIs(i, 'retrycount')) {
      if (!argI64OrReply(i + 1)) return false;
      if (argI64 < 0) {
        replyError('ERR Invalid RETRYCOUNT value, must be >= 0');
        return false;
      }
      retryCount = argI64;
      i += 2;
    } else if (argIs(i, 'force')) {
      force = true;
      i += 1;
    } else {
      const start = errorStart();
      replyText("ERR Unrecognized XNACK option '");
      errorBytes(Arg.ptr(i), Arg.len(i));
      replyText("'");
      errorEnd(start);
      return false;
    }
  }
  if (firstId == 0) replyError('ERR syntax error, expected IDS keyword');
  return firstId != 0;
}

/** XNACK key group SILENT | FAIL | FATAL IDS numids id [id ...] [RETRYCOUNT count] [FORCE] */
export function xnackCommand(): void {
  if (!parseNackOrReply()) return;
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e != 0 && !isStreamOrReply(e)) return;
  const group = e != 0 ? groupFind(streamOf(e), Arg.ptr(2), Arg.len(2)) : 0;
  if (group == 0) {
    replyNoKeyOrGroup(1, 2);
    return;
  }
  const s = streamOf(e);
  const g = changetype<StreamGroup>(group);
  let released: u32 = 0;
  for (let i: u32 = 0; i < idCount; i++) {
    argIsId(firstId + i);
    const nack = nackFind(g, argMs, argSeq);
    if (nack != 0) {
      const count = countAfter(changetype<Nack>(nack).deliveryCount);
      nackGiveBack(g, nack, argMs, argSeq, count);
    } else if (!force || !streamEntryExists(s, argMs, argSeq)) continue;
    else if (tryNackCreate(g, argMs, argSeq, 0, nextGivenBack(), countAfter(0)) == 0) {
      keyModified(released);
      if (propagating && released != 0) propagateIds(i);
      replyError(ERR_OOM_LIMIT);
      return;
    }
    released += 1;
  }
  // Who waits for entries to claim may have them now.
  if (released != 0) argEvent(1, NOTIFY_STREAM | EVENT_UNCHANGED | EVENT_READY, '', released);
  replyInt(released);
}

/** Only the first `count` ids came to their turn. */
function propagateIds(count: u32): void {
  replaceCommand();
  opStart(db.id, argc - idCount + count);
  opArgs(0, firstId - 1);
  opInt(count);
  opArgs(firstId, firstId + count);
  opArgs(firstId + idCount, argc);
}

/** The number of deliveries of an entry that is given back. */
function countAfter(before: u64): u64 {
  if (retryCount >= 0) return retryCount;
  if (mode == MODE_FATAL) return i64.MAX_VALUE;
  return mode == MODE_SILENT && before != 0 ? before - 1 : before;
}

// --- XPENDING ---

const LIST_ARGS_MIN: u32 = 6;
const LIST_ARGS_MAX: u32 = 9;
const IDLE_ARGS_MIN: u32 = 8;

// The list that is asked for.
let minIdleMs: i64 = 0;
let startMs: u64 = 0;
let startSeq: u64 = 0;
let endMs: u64 = 0;
let endSeq: u64 = 0;
let listCount: i64 = 0;
let consumerIndex: u32 = 0; // argument that names the consumer, 0 for all

function parsePendingOrReply(): bool {
  minIdleMs = 0;
  consumerIndex = 0;
  let i: u32 = 3;
  if (argIs(3, 'idle')) {
    if (!argI64OrReply(4)) return false;
    minIdleMs = argI64;
    if (argc < IDLE_ARGS_MIN) {
      replyError(ERR_SYNTAX);
      return false;
    }
    i = 5;
  }
  if (!argI64OrReply(i + 2)) return false;
  listCount = max<i64>(argI64, 0);
  if (!argRangeIdOrReply(i, true)) return false;
  startMs = argMs;
  startSeq = argSeq;
  if (!argRangeIdOrReply(i + 1, false)) return false;
  endMs = argMs;
  endSeq = argSeq;
  if (i + 3 < argc) consumerIndex = i + 3;
  return true;
}

/** XPENDING key group [[IDLE min-idle-time] start end count [consumer]] */
export function xpendingCommand(): void {
  const isList = argc != 3;
  if (isList && (argc < LIST_ARGS_MIN || argc > LIST_ARGS_MAX)) {
    replyError(ERR_SYNTAX);
    return;
  }
  if (isList && !parsePendingOrReply()) return;
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e != 0 && !isStreamOrReply(e)) return;
  const group = e != 0 ? groupFind(streamOf(e), Arg.ptr(2), Arg.len(2)) : 0;
  if (group == 0) {
    replyNoKeyOrGroup(1, 2);
    return;
  }
  const g = changetype<StreamGroup>(group);
  if (isList) replyPendingList(g);
  else replySummary(g);
}

function replySummary(g: StreamGroup): void {
  replyArray(4);
  replyInt(g.pelSize);
  if (g.pelSize == 0) {
    replyNull();
    replyNull();
    replyNullArray();
    return;
  }
  const first = idTreeFirst(g.pel());
  replyStreamId(IdAt.ms(first), IdAt.seq(first));
  const last = idTreeLast(g.pel());
  replyStreamId(IdAt.ms(last), IdAt.seq(last));
  const array = replyArrayStart();
  let consumers: u32 = 0;
  for (let at = firstNamed(g.consumers()); at != 0 && !outputLost; at = treeNext(at)) {
    const c = changetype<StreamConsumer>(namedAt(at));
    if (c.pelSize == 0) continue;
    replyArray(2);
    replyBulk(c.namePtr, c.nameLen);
    replyBulkInt(c.pelSize);
    consumers += 1;
  }
  replyArrayEnd(array, consumers);
}

function replyPendingList(g: StreamGroup): void {
  let pel = g.pel();
  if (consumerIndex != 0) {
    const consumer = consumerFind(g, Arg.ptr(consumerIndex), Arg.len(consumerIndex));
    if (consumer == 0) {
      replyArray(0);
      return;
    }
    pel = changetype<StreamConsumer>(consumer).pel();
  }
  const array = replyArrayStart();
  let replied: u32 = 0;
  let at = listCount != 0 ? idTreeSeek(pel, startMs, startSeq) : 0;
  for (; at != 0 && !outputLost; at = treeNext(at)) {
    if (streamCompareId(IdAt.ms(at), IdAt.seq(at), endMs, endSeq) > 0) break;
    const n = changetype<Nack>(IdAt.address(at));
    if (minIdleMs != 0 && n.idleMs(nowMs) < minIdleMs) continue;
    replyPending(IdAt.ms(at), IdAt.seq(at), n);
    replied += 1;
    if (<i64>replied == listCount) break;
  }
  replyArrayEnd(array, replied);
}

function replyPending(ms: u64, seq: u64, n: Nack): void {
  replyArray(4);
  replyStreamId(ms, seq);
  if (n.consumer == 0) {
    replyBulk(0, 0);
    replyInt(-1);
  } else {
    const c = changetype<StreamConsumer>(n.consumer);
    replyBulk(c.namePtr, c.nameLen);
    replyInt(max<i64>(n.idleMs(nowMs), 0));
  }
  replyInt(n.deliveryCount);
}
