// Idempotent adding: IDMP and IDMPAUTO of XADD, XCFGSET and XIDMPRECORD. What is remembered, and for how
// long: struct/stream_idmp.ts.
//
// The iid that IDMPAUTO stands for is a hash of 16 bytes of the fields and values, the same whatever their
// order.

import { CFG_STREAM_IDMP_DURATION, CFG_STREAM_IDMP_MAXSIZE } from '../abi';
import { nowMs } from '../keyspace/clock';
import { lookupKeyWrite } from '../keyspace/db';
import { keyModified } from '../keyspace/effects';
import { opBytes } from '../keyspace/propagation';
import { Settings } from '../keyspace/settings';
import { streamOf } from '../keyspace/stream_value';
import { argI64, argI64OrReply } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import { ERR_NO_SUCH_KEY, ERR_OOM_LIMIT, ERR_SYNTAX, replyError } from '../resp/errors';
import { commandOp, opArg } from '../resp/propagate';
import { replyOk } from '../resp/writer';
import {
  Idmp,
  Iid,
  idmpConfigure,
  idmpFind,
  idmpSettle,
  idmpTakeBack,
  tryIdmpAdd,
  tryIdmpOpen,
} from '../struct/stream_idmp';
import { Stream, streamEntryExists } from '../struct/stream_nodes';
import { xxh3 } from '../util/xxh3';
import { argIdOrReply, argMs, argSeq, replyStreamId } from './stream_id';
import { opId } from './stream_propagate';
import { isStreamOrReply } from './stream_reply';
import { idIndex, isIdmpAuto, producerIndex } from './stream_trim';

const DURATION_MAX: i64 = 86400;
const MAXSIZE_MAX: i64 = 10000;
const AUTO_BYTES: u32 = 16;
/** Odd numbers without pattern: they spread the bits of a hash over a product. */
const MIX_A: u64 = 0x9e3779b97f4a7c15;
const MIX_B: u64 = 0xc2b2ae3d27d4eb4f;

const autoIid: usize = memory.data(16, 8);

// The iid of the running XADD.
let iidPtr: usize = 0;
let iidLen: u32 = 0;

/** Computes the iid for the fields and values of the running command. */
function hashFields(): void {
  let low: u64 = 0;
  let high: u64 = 0;
  for (let i = idIndex + 1; i + 1 < argc; i += 2) {
    const field = xxh3(Arg.ptr(i), Arg.len(i)) + Arg.len(i);
    const value = xxh3(Arg.ptr(i + 1), Arg.len(i + 1)) + Arg.len(i + 1);
    const pair = (field ^ rotl<u64>(value * MIX_A, 29)) * MIX_B;
    // Sums do not depend on the order of their parts.
    low += pair ^ (pair >> 31);
    high += (rotl<u64>(field * MIX_B, 37) ^ value) * MIX_A;
  }
  store<u64>(autoIid, low);
  store<u64>(autoIid, high, 8);
  iidPtr = autoIid;
  iidLen = AUTO_BYTES;
}

function tryOpen(s: Stream): bool {
  const duration = <u32>Settings.get(CFG_STREAM_IDMP_DURATION);
  return tryIdmpOpen(s, duration, <u32>Settings.get(CFG_STREAM_IDMP_MAXSIZE));
}

/**
 * Whether the running XADD has a reply already: the id of the entry it would add again, or that memory
 * is exhausted.
 */
export function idempotentReplied(s: Stream): bool {
  if (isIdmpAuto) hashFields();
  else {
    iidPtr = Arg.ptr(producerIndex + 1);
    iidLen = Arg.len(producerIndex + 1);
  }
  if (!tryOpen(s)) {
    replyError(ERR_OOM_LIMIT);
    return true;
  }
  const idmp = changetype<Idmp>(s.idmp);
  const pid = Arg.ptr(producerIndex);
  const found = idmpFind(idmp, pid, Arg.len(producerIndex), iidPtr, iidLen, nowMs);
  if (found == 0) return false;
  idmp.duplicates += 1;
  const known = changetype<Iid>(found);
  replyStreamId(known.ms, known.seq);
  return true;
}

/** Remembers the iid of the running XADD for the entry it adds. False: memory is exhausted. */
export function tryRecordIdempotent(s: Stream, ms: u64, seq: u64): bool {
  const pid = Arg.ptr(producerIndex);
  const pidLen = Arg.len(producerIndex);
  return tryIdmpAdd(changetype<Idmp>(s.idmp), pid, pidLen, iidPtr, iidLen, nowMs, ms, seq);
}

/** The entry was added. */
export function settleIdempotent(s: Stream): void {
  idmpSettle(changetype<Idmp>(s.idmp), Arg.ptr(producerIndex), Arg.len(producerIndex));
}

/** The entry could not be added. */
export function undoIdempotent(s: Stream): void {
  idmpTakeBack(changetype<Idmp>(s.idmp), Arg.ptr(producerIndex), Arg.len(producerIndex));
}

/** The running XADD is remembered for its entry. */
export function propagateIid(ms: u64, seq: u64): void {
  commandOp('XIDMPRECORD', 5);
  opArg(1);
  opArg(producerIndex);
  opBytes(iidPtr, iidLen);
  opId(ms, seq);
}

/** XCFGSET key [IDMP-DURATION seconds] [IDMP-MAXSIZE count] */
export function xcfgsetCommand(): void {
  let duration: i64 = 0;
  let maxSize: i64 = 0;
  for (let i: u32 = 2; i < argc; i += 2) {
    const isDuration = argIs(i, 'idmp-duration');
    if ((!isDuration && !argIs(i, 'idmp-maxsize')) || i + 1 >= argc) {
      replyError(ERR_SYNTAX);
      return;
    }
    if (!argI64OrReply(i + 1)) return;
    if (argI64 < 1 || argI64 > (isDuration ? DURATION_MAX : MAXSIZE_MAX)) {
      replyError(
        isDuration
          ? 'ERR IDMP-DURATION must be between 1 and 86400 seconds'
          : 'ERR IDMP-MAXSIZE must be between 1 and 10000 entries',
      );
      return;
    }
    if (isDuration) duration = argI64;
    else maxSize = argI64;
  }
  if (duration == 0 && maxSize == 0) {
    replyError('ERR At least one parameter must be specified');
    return;
  }
  const s = lookupStreamOrReply();
  if (s == 0) return;
  const idmp = changetype<Idmp>(changetype<Stream>(s).idmp);
  if (duration == 0) duration = idmp.durationSeconds;
  if (maxSize == 0) maxSize = idmp.maxSize;
  idmpConfigure(idmp, <u32>duration, <u32>maxSize);
  keyModified(1);
  replyOk();
}

/** The stream of argument 1, ready to know producers; 0 after an error reply. */
function lookupStreamOrReply(): usize {
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) {
    replyError(ERR_NO_SUCH_KEY);
    return 0;
  }
  if (!isStreamOrReply(e)) return 0;
  const s = streamOf(e);
  if (tryOpen(s)) return changetype<usize>(s);
  replyError(ERR_OOM_LIMIT);
  return 0;
}

/** XIDMPRECORD key pid iid id: what an append-only file says about an entry added before. */
export function xidmprecordCommand(): void {
  if (Arg.len(2) == 0 || Arg.len(3) == 0) {
    replyError(
      Arg.len(2) == 0
        ? 'ERR XIDMPRECORD requires a non-empty producer ID'
        : 'ERR XIDMPRECORD requires a non-empty idempotent ID',
    );
    return;
  }
  if (!argIdOrReply(4)) return;
  const stream = lookupStreamOrReply();
  if (stream == 0) return;
  const s = changetype<Stream>(stream);
  if (!streamEntryExists(s, argMs, argSeq)) {
    replyError("ERR The specified stream ID was deleted or doesn't exist");
    return;
  }
  const idmp = changetype<Idmp>(s.idmp);
  const pid = Arg.ptr(2);
  const pidLen = Arg.len(2);
  const found = idmpFind(idmp, pid, pidLen, Arg.ptr(3), Arg.len(3), nowMs);
  if (found != 0) {
    const known = changetype<Iid>(found);
    if (known.ms == argMs && known.seq == argSeq) replyOk();
    else replyError('ERR The producer ID and idempotent ID already map to a different stream ID');
    return;
  }
  const iid = Arg.ptr(3);
  if (!tryIdmpAdd(idmp, pid, pidLen, iid, Arg.len(3), nowMs, argMs, argSeq)) {
    replyError(ERR_OOM_LIMIT);
    return;
  }
  idmpSettle(idmp, pid, pidLen);
  keyModified(1);
  replyOk();
}
