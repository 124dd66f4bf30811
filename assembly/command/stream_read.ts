// Reading on from an id: XREAD and XREADGROUP, whose arguments and replies are alike.
//
//   XREAD       [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]
//   XREADGROUP  GROUP group consumer [COUNT count] [BLOCK milliseconds] [CLAIM min-idle] [NOACK]
//               STREAMS key [key ...] id [id ...]
//
// All arguments are checked before anything is delivered. What groups deliver is in stream_deliver.ts.

import { ARG_BYTES } from '../abi';
import { BLOCKED_STREAM, blockOnKeysOrReply, mayBlock, setWakeMs } from '../client/blocked';
import { lookupKeyQuiet, lookupKeyRead } from '../keyspace/db';
import { propagating, replaceCommand } from '../keyspace/propagation';
import { streamOf } from '../keyspace/stream_value';
import { free, tryAlloc } from '../memory/alloc';
import { argAtLeastOrText, argI64, argI64OrReply, argI64OrText } from '../resp/arg_number';
import { argDeadlineMs, argTimeoutMsOrReply } from '../resp/arg_timeout';
import { Arg, argc, argIs, argv, setArgRecord } from '../resp/args';
import { client } from '../resp/connection';
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
  outputRewind,
  replyArray,
  replyArrayEnd,
  replyArrayStart,
  replyBulk,
  replyMapEnd,
  replyNullArray,
  replyText,
} from '../resp/writer';
import { groupFind, StreamConsumer, StreamGroup } from '../struct/stream_group';
import {
  idMs,
  idSeq,
  Stream,
  streamCompareId,
  streamEdgeId,
  streamIncrId,
} from '../struct/stream_nodes';
import { consumerIsNew, tryFindOrAddConsumer } from './stream_consumer';
import {
  deliverHistory,
  deliverNew,
  deliveryOutOfMemory,
  idleAtMs,
  NO_CLAIM,
} from './stream_deliver';
import {
  argIdOrReply,
  argIsChar,
  argIsId,
  argMs,
  argSeq,
  formatStreamId,
  STREAM_ID_CHARS,
} from './stream_id';

import { propagateConsumer } from './stream_propagate';
import { isStreamOrReply, replyRange } from './stream_reply';

const ASCII_DOLLAR: u32 = 36;
const ASCII_PLUS: u32 = 43;
const ASCII_GREATER: u32 = 62;

// The arguments of the running command.
let isGroup: bool = false; // XREADGROUP
let groupIndex: u32 = 0; // argument that names the group, 0 without GROUP; the consumer follows
let noAck: bool = false;
let claimIdleMs: i64 = NO_CLAIM;
let count: u64 = 0; // 0: no limit
let blocks: bool = false;
let streamsIndex: u32 = 0; // argument of the first key
let streams: u32 = 0;

/** XREAD: see above. */
export function xreadCommand(): void {
  isGroup = false;
  read();
}

/** XREADGROUP: see above. */
export function xreadgroupCommand(): void {
  isGroup = true;
  read();
}

function read(): void {
  if (!parseOrReply()) return;
  for (let i: u32 = 0; i < streams; i++) {
    if (!checkStreamOrReply(streamsIndex + i, streamsIndex + streams + i)) return;
  }
  if (serveOrReply()) return;
  if (blocks && mayBlock()) blockOrReply();
  else replyNullArray();
}

// --- Arguments ---

function parseOrReply(): bool {
  groupIndex = 0;
  noAck = false;
  claimIdleMs = NO_CLAIM;
  count = 0;
  blocks = false;
  streamsIndex = 0;
  for (let i: u32 = 1; i < argc && streamsIndex == 0; i++) {
    const more = argc - 1 - i;
    if (more > 0 && argIs(i, 'block')) {
      i += 1;
      if (!argTimeoutMsOrReply(i)) return false;
      blocks = true;
    } else if (more > 0 && argIs(i, 'count')) {
      i += 1;
      if (!argI64OrReply(i)) return false;
      count = max<i64>(argI64, 0);
    } else if (more > 0 && argIs(i, 'streams')) {
      streamsIndex = i + 1;
    } else if (more > 1 && argIs(i, 'group')) {
      if (
        !isGroupOrReply(
          'ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.',
        )
      )
        return false;
      groupIndex = i + 1;
      i += 2;
    } else if (argIs(i, 'noack')) {
      if (
        !isGroupOrReply(
          'ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.',
        )
      )
        return false;
      noAck = true;
    } else if (more > 0 && argIs(i, 'claim')) {
      if (
        !isGroupOrReply(
          'ERR The CLAIM option is only supported by XREADGROUP. You called XREAD instead.',
        )
      )
        return false;
      i += 1;
      if (!argI64OrText(i, 'ERR min-idle-time is not an integer')) return false;
      if (!argAtLeastOrText(i, 0, 'ERR min-idle-time must be a positive integer')) return false;
      claimIdleMs = argI64;
    } else {
      replyError(ERR_SYNTAX);
      return false;
    }
  }
  return isCompleteOrReply();
}

function isGroupOrReply(text: string): bool {
  if (!isGroup) replyError(text);
  return isGroup;
}

function isCompleteOrReply(): bool {
  if (streamsIndex == 0) {
    replyError(ERR_SYNTAX);
    return false;
  }
  const rest = argc - streamsIndex;
  if ((rest & 1) != 0) {
    replyError(
      isGroup
        ? "ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified."
        : "ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be specified.",
    );
    return false;
  }
  streams = rest >> 1;
  if (isGroup && groupIndex == 0) {
    replyError('ERR Missing GROUP option for XREADGROUP');
    return false;
  }
  return true;
}

/** Whether a key and its id, in arguments `k` and `i`, can be read from. False after an error reply. */
function checkStreamOrReply(k: u32, i: u32): bool {
  const e = lookupKeyRead(Arg.ptr(k), Arg.len(k), Arg.hash(k));
  if (e != 0 && !isStreamOrReply(e)) return false;
  if (isGroup) {
    const name = Arg.ptr(groupIndex);
    if (e == 0 || groupFind(streamOf(e), name, Arg.len(groupIndex)) == 0) {
      replyNoGroup(k);
      return false;
    }
  }
  if (argIsChar(i, ASCII_DOLLAR) || argIsChar(i, ASCII_PLUS)) {
    if (!isGroup) return true;
    replyError(
      argIsChar(i, ASCII_DOLLAR)
        ? 'ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.'
        : 'ERR The + ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The + ID would just return an empty result set.',
    );
    return false;
  }
  if (argIsChar(i, ASCII_GREATER)) {
    if (isGroup) return true;
    replyError(
      'ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.',
    );
    return false;
  }
  return argIdOrReply(i);
}

function replyNoGroup(k: u32): void {
  const start = errorStart();
  replyText("NOGROUP No such key '");
  errorBytes(Arg.ptr(k), Arg.len(k));
  replyText("' or consumer group '");
  errorBytes(Arg.ptr(groupIndex), Arg.len(groupIndex));
  replyText("' in XREADGROUP with GROUP option");
  errorEnd(start);
}

// --- Serving ---

/** Set when memory is exhausted: what was delivered before is the reply. */
let outOfMemory: bool = false;

/** Replies with what there is to read. False when there is nothing: then nothing was written. */
function serveOrReply(): bool {
  const start = outputLen();
  const head = replyArrayStart();
  outOfMemory = false;
  let served: u32 = 0;
  for (let i: u32 = 0; i < streams; i++) {
    const k = streamsIndex + i;
    const e = lookupKeyRead(Arg.ptr(k), Arg.len(k), Arg.hash(k));
    if (e == 0) continue;
    const before = outputLen();
    if (client.resp == 2) replyArray(2);
    replyBulk(Arg.ptr(k), Arg.len(k));
    const s = streamOf(e);
    const isServed = isGroup ? serveGroup(s, k) : serveStream(s, k + streams);
    if (isServed) served += 1;
    else outputRewind(before);
    if (outOfMemory && served == 0) {
      outputRewind(start);
      replyError(ERR_OOM_LIMIT);
      return true;
    }
    if (outOfMemory) break;
  }
  if (served == 0) {
    outputRewind(start);
    return false;
  }
  if (client.resp == 3) replyMapEnd(head, served);
  else replyArrayEnd(head, served);
  return true;
}

/** Replies with a stream's entries behind the id in argument `i`. False when there are none. */
function serveStream(s: Stream, i: u32): bool {
  if (s.length == 0 || argIsChar(i, ASCII_DOLLAR)) return false;
  if (argIsChar(i, ASCII_PLUS)) {
    streamEdgeId(s, false, false);
    replyRange(s, idMs, idSeq, idMs, idSeq, 1, false);
    return true;
  }
  argIsId(i);
  if (streamCompareId(s.lastMs, s.lastSeq, argMs, argSeq) <= 0) return false;
  streamIncrId(argMs, argSeq);
  return replyRange(s, idMs, idSeq, u64.MAX_VALUE, u64.MAX_VALUE, count, false) != 0;
}

/** The same for a group: new entries, or those pending for the consumer. */
function serveGroup(s: Stream, k: u32): bool {
  const i = k + streams;
  const g = changetype<StreamGroup>(groupFind(s, Arg.ptr(groupIndex), Arg.len(groupIndex)));
  let isNew = argIsChar(i, ASCII_GREATER);
  if (!isNew) {
    argIsId(i);
    isNew = argMs == u64.MAX_VALUE && argSeq == u64.MAX_VALUE;
  }
  const consumer = tryFindOrAddConsumer(g, k, groupIndex + 1);
  if (consumer == 0) {
    outOfMemory = true;
    return false;
  }
  if (propagating) {
    replaceCommand();
    // One that is given entries comes with them.
    if (consumerIsNew && (noAck || !isNew)) propagateConsumer(k, groupIndex, groupIndex + 1);
  }
  const c = changetype<StreamConsumer>(consumer);
  if (!isNew) {
    streamIncrId(argMs, argSeq);
    deliverHistory(s, g, c, idMs, idSeq, count);
    return true;
  }
  const isServed = deliverNew(k, groupIndex, s, g, c, count, noAck, claimIdleMs);
  if (propagating && consumerIsNew && !noAck && c.pelSize == 0) {
    propagateConsumer(k, groupIndex, groupIndex + 1);
  }
  outOfMemory = deliveryOutOfMemory;
  return isServed;
}

// --- Waiting ---

/** "$" */
const DOLLAR: usize = memory.data<u8>([36]);

/**
 * Makes the client wait for one of the streams. "$" becomes the last id of now, as the command will be
 * run again when there is a later one.
 */
function blockOrReply(): void {
  const first = streamsIndex + streams;
  let dollars: u32 = 0;
  for (let i = first; i < argc; i++) dollars += u32(argIsChar(i, ASCII_DOLLAR));
  let texts: usize = 0;
  if (dollars != 0) {
    texts = tryAlloc(dollars * STREAM_ID_CHARS);
    if (texts == 0) {
      replyError(ERR_OOM_LIMIT);
      return;
    }
  }
  let text = texts;
  for (let i = first; i < argc && dollars != 0; i++) {
    if (!argIsChar(i, ASCII_DOLLAR)) continue;
    const k = i - streams;
    const e = lookupKeyQuiet(Arg.ptr(k), Arg.len(k), Arg.hash(k));
    const len =
      e != 0
        ? formatStreamId(streamOf(e).lastMs, streamOf(e).lastSeq, text)
        : formatStreamId(0, 0, text);
    setArgRecord(argv + i * ARG_BYTES, text, len);
    text += STREAM_ID_CHARS;
  }
  if (claimIdleMs != NO_CLAIM) setWakeMs(nextIdleMs());
  blockOnKeysOrReply(BLOCKED_STREAM, streamsIndex, streams, argDeadlineMs, isGroup);
  if (texts == 0) return;
  // Monitors see the command as it came.
  for (let i = first; i < argc; i++) {
    const at = Arg.ptr(i);
    if (at >= texts && at < text) setArgRecord(argv + i * ARG_BYTES, DOLLAR, 1);
  }
  free(texts);
}

/** When the first pending entry of the streams has been idle long enough for CLAIM, 0: never. */
function nextIdleMs(): i64 {
  let next: i64 = 0;
  for (let i: u32 = 0; i < streams; i++) {
    const k = streamsIndex + i;
    const e = lookupKeyQuiet(Arg.ptr(k), Arg.len(k), Arg.hash(k));
    if (e == 0 || !argIsChar(k + streams, ASCII_GREATER)) continue;
    const group = groupFind(streamOf(e), Arg.ptr(groupIndex), Arg.len(groupIndex));
    const at = idleAtMs(changetype<StreamGroup>(group), claimIdleMs);
    if (at != 0 && (next == 0 || at < next)) next = at;
  }
  return next;
}
