// Streams: adding entries, reading ranges, the last id: XADD, XLEN, XRANGE, XREVRANGE, XSETID.
// Options of XADD are parsed in stream_trim.ts, idempotent adding is in stream_idmp.ts.
//
// XADD that runs out of memory replies nothing but the error, and leaves no key behind that was not
// there before.

import { ARG_BYTES } from '../abi';
import { nowMs } from '../keyspace/clock';
import { deleteKey, lookupKeyRead, lookupKeyWrite } from '../keyspace/db';
import { EVENT_UNCHANGED, NOTIFY_STREAM } from '../keyspace/effects';
import { propagating } from '../keyspace/propagation';
import { streamOf, tryAppendEntry, tryNewStreamKey } from '../keyspace/stream_value';
import { argEvent } from '../resp/arg_event';
import { argAtLeastOrText, argI64, argI64OrReply } from '../resp/arg_number';
import { Arg, argc, argIs, argv } from '../resp/args';
import {
  ERR_NO_SUCH_KEY,
  ERR_OOM_LIMIT,
  ERR_SYNTAX,
  replyError,
  replyWrongArguments,
} from '../resp/errors';
import { commandOp, opArg, opArgs } from '../resp/propagate';
import { replyArray, replyInt, replyNull, replyNullArray, replyOk } from '../resp/writer';
import {
  idMs,
  idSeq,
  STREAM_LISTPACK_MAX_SIZE,
  Stream,
  streamAccepts,
  streamCompareId,
  streamEdgeId,
  streamItemBytes,
  streamNextId,
  streamNextSeq,
} from '../struct/stream_nodes';
import { argIdOrReply, argMs, argRangeIdOrReply, argSeq, replyStreamId } from './stream_id';
import {
  idempotentReplied,
  propagateIid,
  settleIdempotent,
  tryRecordIdempotent,
  undoIdempotent,
} from './stream_idmp';
import { opId } from './stream_propagate';
import { isStreamOrReply, replyRange } from './stream_reply';
import {
  idIndex,
  idIsStar,
  idSeqIsStar,
  isTrimApproximate,
  onlyExisting,
  parseAddOptionsOrReply,
  producerIndex,
  propagateTrim,
  propagateTrimmed,
  trimAsParsed,
} from './stream_trim';

/** XADD: see stream_trim.ts for its arguments. */
export function xaddCommand(): void {
  if (!parseAddOptionsOrReply()) return;
  const fieldIndex = idIndex + 1;
  if (idIndex == 0 || argc < fieldIndex + 2 || ((argc - fieldIndex) & 1) != 0) {
    replyWrongArguments('xadd');
    return;
  }
  if (!idIsStar && !idSeqIsStar && argMs == 0 && argSeq == 0) {
    replyError('ERR The ID specified in XADD must be greater than 0-0');
    return;
  }
  let e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  const isNew = e == 0;
  if (!isNew) {
    if (!isStreamOrReply(e)) return;
  } else {
    if (onlyExisting) {
      replyNull();
      return;
    }
    e = tryNewStreamKey(Arg.ptr(1), Arg.len(1), Arg.hash(1));
    if (e == 0) {
      replyError(ERR_OOM_LIMIT);
      return;
    }
  }
  const s = streamOf(e);
  if (addOrReply(s, fieldIndex)) {
    argEvent(1, NOTIFY_STREAM, 'xadd', 1);
    const trimmed = trimAsParsed(s) != 0;
    if (trimmed) argEvent(1, NOTIFY_STREAM, 'xtrim', 0);
    if (propagating) {
      if (producerIndex != 0) propagateIdempotent(s, trimmed);
      else if (idIsStar || idSeqIsStar || isTrimApproximate()) propagateAdd(s);
    }
  } else if (isNew) deleteKey(Arg.ptr(1), Arg.len(1), Arg.hash(1));
}

/** Adds the entry and replies with its id. False when another reply was due: nothing was added. */
function addOrReply(s: Stream, fieldIndex: u32): bool {
  if (producerIndex != 0 && idempotentReplied(s)) return false;
  if (!newIdOrReply(s)) return false;
  const ms = newMs;
  const seq = newSeq;
  const fields = (argc - fieldIndex) >> 1;
  const at = argv + fieldIndex * ARG_BYTES;
  if (streamItemBytes(at, ARG_BYTES, fields) > STREAM_LISTPACK_MAX_SIZE) {
    replyError('ERR Elements are too large to be stored');
    return false;
  }
  if (producerIndex != 0 && !tryRecordIdempotent(s, ms, seq)) {
    replyError(ERR_OOM_LIMIT);
    return false;
  }
  if (!tryAppendEntry(s, ms, seq, at, ARG_BYTES, fields)) {
    if (producerIndex != 0) undoIdempotent(s);
    replyError(ERR_OOM_LIMIT);
    return false;
  }
  if (producerIndex != 0) settleIdempotent(s);
  replyStreamId(ms, seq);
  return true;
}

/** Writes the XADD that was done, with the id that was made for it; one that was given stays as it is. */
function propagateAdd(s: Stream): void {
  if (idIndex == 2) {
    commandOp('XADD', argc);
    opArg(1);
  } else propagateTrim('XADD', s, idIndex, argc - idIndex);
  if (idIsStar || idSeqIsStar) opId(newMs, newSeq);
  else opArg(idIndex);
  opArgs(idIndex + 1, argc);
}

/**
 * The same for one that is idempotent: the entry, what it is remembered for, and then what was trimmed, which
 * may be the entry.
 */
function propagateIdempotent(s: Stream, trimmed: bool): void {
  commandOp('XADD', 2 + argc - idIndex);
  opArg(1);
  opId(newMs, newSeq);
  opArgs(idIndex + 1, argc);
  propagateIid(newMs, newSeq);
  if (trimmed) propagateTrimmed(s);
}

let newMs: u64 = 0;
let newSeq: u64 = 0;

/** Leaves the id of the new entry in `newMs` and `newSeq`. False after replying that there is none. */
function newIdOrReply(s: Stream): bool {
  if (s.lastMs == u64.MAX_VALUE && s.lastSeq == u64.MAX_VALUE) {
    replyError('ERR The stream has exhausted the last possible ID, unable to add more items');
    return false;
  }
  if (!idIsStar && !idSeqIsStar) {
    newMs = argMs;
    newSeq = argSeq;
    if (streamAccepts(s, newMs, newSeq)) return true;
  } else {
    const exists = idIsStar ? streamNextId(s, nowMs) : streamNextSeq(s, argMs);
    newMs = idMs;
    newSeq = idSeq;
    if (exists) return true;
  }
  replyError('ERR The ID specified in XADD is equal or smaller than the target stream top item');
  return false;
}

/** XLEN key */
export function xlenCommand(): void {
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) replyInt(0);
  else if (isStreamOrReply(e)) replyInt(streamOf(e).length);
}

// --- Ranges ---

/** XRANGE key start end [COUNT count] */
export function xrangeCommand(): void {
  range(false);
}

/** XREVRANGE key end start [COUNT count] */
export function xrevrangeCommand(): void {
  range(true);
}

function range(reverse: bool): void {
  if (!argRangeIdOrReply(reverse ? 3 : 2, true)) return;
  const startMs = argMs;
  const startSeq = argSeq;
  if (!argRangeIdOrReply(reverse ? 2 : 3, false)) return;
  const endMs = argMs;
  const endSeq = argSeq;
  let count: i64 = -1;
  for (let i: u32 = 4; i < argc; i += 2) {
    if (!argIs(i, 'count') || i + 1 >= argc) {
      replyError(ERR_SYNTAX);
      return;
    }
    if (!argI64OrReply(i + 1)) return;
    count = max<i64>(argI64, 0);
  }
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) replyArray(0);
  else if (!isStreamOrReply(e)) return;
  else if (count == 0) replyNullArray();
  else {
    const most = <u64>max<i64>(count, 0);
    replyRange(streamOf(e), startMs, startSeq, endMs, endSeq, most, reverse);
  }
}

// --- The last id ---

/** XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id] */
export function xsetidCommand(): void {
  if (!argIdOrReply(2)) return;
  const ms = argMs;
  const seq = argSeq;
  let entriesAdded: i64 = -1;
  let deletedMs: u64 = 0;
  let deletedSeq: u64 = 0;
  for (let i: u32 = 3; i < argc; i += 2) {
    const hasValue = i + 1 < argc;
    if (hasValue && argIs(i, 'entriesadded')) {
      if (!argI64OrReply(i + 1)) return;
      if (!argAtLeastOrText(i + 1, 0, 'ERR entries_added must be positive')) return;
      entriesAdded = argI64;
    } else if (hasValue && argIs(i, 'maxdeletedid')) {
      if (!argIdOrReply(i + 1)) return;
      deletedMs = argMs;
      deletedSeq = argSeq;
      if (streamCompareId(ms, seq, deletedMs, deletedSeq) < 0) {
        replyError(
          'ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id',
        );
        return;
      }
    } else {
      replyError(ERR_SYNTAX);
      return;
    }
  }
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) {
    replyError(ERR_NO_SUCH_KEY);
    return;
  }
  if (!isStreamOrReply(e)) return;
  const s = streamOf(e);
  if (!acceptsLastIdOrReply(s, ms, seq, entriesAdded)) return;
  s.lastMs = ms;
  s.lastSeq = seq;
  if (entriesAdded != -1) s.entriesAdded = entriesAdded;
  if (deletedMs != 0 || deletedSeq != 0) {
    s.maxDeletedMs = deletedMs;
    s.maxDeletedSeq = deletedSeq;
  }
  argEvent(1, NOTIFY_STREAM | EVENT_UNCHANGED, 'xsetid', 1);
  replyOk();
}

/** Whether a last id and number of entries agree with what a stream holds; if not, that is replied. */
function acceptsLastIdOrReply(s: Stream, ms: u64, seq: u64, entriesAdded: i64): bool {
  if (streamCompareId(ms, seq, s.maxDeletedMs, s.maxDeletedSeq) < 0) {
    replyError('ERR The ID specified in XSETID is smaller than current max_deleted_entry_id');
    return false;
  }
  if (s.length == 0) return true;
  streamEdgeId(s, false, false);
  if (streamCompareId(ms, seq, idMs, idSeq) < 0) {
    replyError('ERR The ID specified in XSETID is smaller than the target stream top item');
    return false;
  }
  if (entriesAdded != -1 && s.length > <u64>entriesAdded) {
    replyError(
      'ERR The entries_added specified in XSETID is smaller than the target stream length',
    );
    return false;
  }
  return true;
}
