// DUMP and RESTORE: a key's value as bytes that other servers understand.
//
// The format is that of snapshot/payload.ts. RESTORE checks all of it, whatever
// sanitize-dump-payload says.

import { CFG_LAZYFREE_SERVER_DEL, STAT_DUMP_SANITIZATIONS } from '../abi';
import { pastClock } from '../keyspace/access_clock';
import { nowMs } from '../keyspace/clock';
import {
  deleteFound,
  lookupKeyQuiet,
  lookupKeyRead,
  lookupKeyWrite,
  tryPutEntry,
} from '../keyspace/db';
import { NOTIFY_GENERIC } from '../keyspace/effects';
import { NO_EXPIRE } from '../keyspace/entry';
import { freeLazily } from '../keyspace/lazy_values';
import { opInt, opText, propagating } from '../keyspace/propagation';
import { Settings } from '../keyspace/settings';
import { Stats } from '../keyspace/stats';
import { argEvent } from '../resp/arg_event';
import { argI64, argI64OrReply } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import { ERR_OOM_LIMIT, ERR_SYNTAX, replyError } from '../resp/errors';
import { commandOp, opArg, opArgs, propagateDeletion } from '../resp/propagate';
import { replyBulk, replyNull, replyOk } from '../resp/writer';
import { DECODE_DONE, DECODE_NO_MEMORY, decodeAbort, tryDecodedEntry } from '../snapshot/decode';
import { DECODER_BYTES, Decoder } from '../snapshot/decoder';
import { decodePayload, isPayload, tryDump } from '../snapshot/payload';
import { outputFree, RDB_OUTPUT_BYTES, RdbOutput } from '../snapshot/rdb_output';
import { isPast } from './string';

const payload: RdbOutput = changetype<RdbOutput>(memory.data(RDB_OUTPUT_BYTES, 8));
const decoder: Decoder = changetype<Decoder>(memory.data(DECODER_BYTES, 8));

/** DUMP key */
export function dumpCommand(): void {
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) replyNull();
  else if (!tryDump(e, payload)) replyError(ERR_OOM_LIMIT);
  else {
    replyBulk(payload.base, <u32>payload.used);
    outputFree(payload);
  }
}

/** The options of RESTORE; -1 stands for an idle time or a frequency that is not given. */
let replaces: bool = false;
let isAbsolute: bool = false;
let idleSeconds: i64 = -1;
let frequency: i64 = -1;

/** Reads the value of an option into `argI64`. False after replying that it is out of range. */
function valueOrReply(i: u32, most: i64, error: string): bool {
  if (!argI64OrReply(i)) return false;
  if (argI64 >= 0 && argI64 <= most) return true;
  replyError(error);
  return false;
}

function optionsOrReply(): bool {
  replaces = false;
  isAbsolute = false;
  idleSeconds = -1;
  frequency = -1;
  for (let i: u32 = 4; i < argc; i++) {
    const hasValue = i + 1 < argc;
    if (argIs(i, 'replace')) replaces = true;
    else if (argIs(i, 'absttl')) isAbsolute = true;
    else if (argIs(i, 'idletime') && hasValue && frequency < 0) {
      i += 1;
      if (!valueOrReply(i, i64.MAX_VALUE, 'ERR Invalid IDLETIME value, must be >= 0')) return false;
      idleSeconds = argI64;
    } else if (argIs(i, 'freq') && hasValue && idleSeconds < 0) {
      i += 1;
      if (!valueOrReply(i, 255, 'ERR Invalid FREQ value, must be >= 0 and <= 255')) return false;
      frequency = argI64;
    } else {
      replyError(ERR_SYNTAX);
      return false;
    }
  }
  return true;
}

/**
 * RESTORE key ttl payload [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]; also
 * RESTORE-ASKING
 */
export function restoreCommand(): void {
  if (!optionsOrReply()) return;
  if (!replaces && lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1)) != 0) {
    replyError('BUSYKEY Target key name already exists.');
    return;
  }
  if (!valueOrReply(2, i64.MAX_VALUE, 'ERR Invalid TTL value, must be >= 0')) return;
  const ttl = argI64;
  if (!isPayload(Arg.ptr(3), Arg.len(3))) {
    replyError('ERR DUMP payload version or checksum are wrong');
    return;
  }
  Stats.add(STAT_DUMP_SANITIZATIONS, 1);
  const came = decodePayload(decoder, Arg.ptr(3), Arg.len(3));
  if (came == DECODE_NO_MEMORY) replyError(ERR_OOM_LIMIT);
  else if (came != DECODE_DONE) replyError('ERR Bad data format');
  else storeOrReply(ttl);
}

/** Stores what was decoded, with `ttl` milliseconds to live (0: for ever) or until that time. */
function storeOrReply(ttl: i64): void {
  const expireAtMs = ttl != 0 && !isAbsolute ? ttl + nowMs : ttl;
  const before = freeLazily(Settings.on(CFG_LAZYFREE_SERVER_DEL));
  if (ttl != 0 && isPast(expireAtMs)) {
    decodeAbort(decoder);
    if (replaces && lookupKeyQuiet(Arg.ptr(1), Arg.len(1), Arg.hash(1)) != 0) {
      deleteFound(Arg.hash(1));
      argEvent(1, NOTIFY_GENERIC, 'del', 1);
      if (propagating) propagateDeletion(1, CFG_LAZYFREE_SERVER_DEL);
    }
    replyOk();
  } else if (tryStore(ttl == 0 ? NO_EXPIRE : expireAtMs)) {
    argEvent(1, NOTIFY_GENERIC, 'restore', 1);
    replyOk();
    if (propagating && ttl != 0 && !isAbsolute) propagateAbsolute(expireAtMs);
  } else replyError(ERR_OOM_LIMIT);
  freeLazily(before);
}

/** The time to live becomes the time of expiry. */
function propagateAbsolute(expireAtMs: i64): void {
  commandOp('RESTORE', argc + 1);
  opArg(1);
  opInt(expireAtMs);
  opArgs(3, argc);
  opText('ABSTTL');
}

/** False when memory is exhausted; then nothing changed. */
function tryStore(expireAtMs: i64): bool {
  const key = Arg.ptr(1);
  const clock = pastClock(idleSeconds, frequency);
  const e = tryDecodedEntry(decoder, key, Arg.len(1), clock, expireAtMs);
  return tryPutEntry(e, key, Arg.len(1), Arg.hash(1));
}
