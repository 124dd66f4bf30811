// Expiries of hash fields: HEXPIRE and its kin, HTTL and its kin, HPERSIST.
//
// Replies are per field: -2 no such field, which a field whose time has come is to all but HEXPIRE (it
// gives it a new one, as in Redis); -1 no expiry; 0 the condition is not met; 1 done; 2 the time has
// passed and the field is deleted.
//
// A command that runs out of memory in between keeps what it has done, and reports it as changes,
// before it replies the error.

import { expiryClockMs, nowMs } from '../keyspace/clock';
import { NOTIFY_HASH } from '../keyspace/effects';
import { EntryPtr } from '../keyspace/entry';
import {
  countReaped,
  FIELD_ABSENT,
  hashExpiry,
  tryHashExpectExpiry,
  tryHashExpire,
} from '../keyspace/hash_expiry';
import { hashRemove } from '../keyspace/hash_value';
import { propagating } from '../keyspace/propagation';
import { argEvent } from '../resp/arg_event';
import { Arg, argc, argIs } from '../resp/args';
import { ERR_OOM_LIMIT, replyError } from '../resp/errors';
import { outputLen, outputRewind, replyArray, replyInt } from '../resp/writer';
import { FIELD_NO_EXPIRE } from '../struct/member_table';
import {
  ERR_FIELD_COUNT,
  fieldExpireAtMs,
  fieldExpiryOrReply,
  fieldListOrReply,
  firstField,
  TIME_RELATIVE,
  TIME_SECONDS,
} from './hash_field_args';
import {
  FATE_DELETED,
  FATE_EXPIRES,
  FATE_NONE,
  FATE_PERSISTS,
  fieldMet,
  fieldsBegin,
  fieldsEnd,
} from './hash_propagate';
import { closeHash, hash, lookupHashRead, lookupHashWrite, openOrReply } from './hash_target';
import { isPast } from './string';

const NOT_MET: i64 = 0;
export const EXPIRY_DONE: i64 = 1;
export const EXPIRY_DELETED: i64 = 2;
export const EXPIRY_NO_MEMORY: i64 = -3;

/** A reply of -2 for every field: there is no such key. */
function replyAllAbsent(): void {
  replyArray(argc - firstField);
  for (let i = firstField; i < argc; i++) replyInt(FIELD_ABSENT);
}

/** Takes back a reply begun at `start` for want of memory. */
function replyOutOfMemory(start: u32): void {
  outputRewind(start);
  replyError(ERR_OOM_LIMIT);
}

// --- HEXPIRE ---

const ALWAYS: u32 = 0;
const IF_NONE: u32 = 1;
const IF_SET: u32 = 2;
const IF_LATER: u32 = 3;
const IF_EARLIER: u32 = 4;

function conditionOf(i: u32): u32 {
  if (argIs(i, 'nx')) return IF_NONE;
  if (argIs(i, 'xx')) return IF_SET;
  if (argIs(i, 'gt')) return IF_LATER;
  return argIs(i, 'lt') ? IF_EARLIER : ALWAYS;
}

/** Whether a field that expires at `old` (negative: never) may be given the new time. */
function isMet(condition: u32, old: i64): bool {
  if (condition == ALWAYS) return true;
  if (old < 0) return condition == IF_NONE || condition == IF_EARLIER;
  if (condition == IF_LATER) return fieldExpireAtMs > old;
  if (condition == IF_EARLIER) return fieldExpireAtMs < old;
  return condition == IF_SET;
}

/** Gives the field in argument `i`, which is there, the time that was read: EXPIRY_*. */
export function trySetExpiry(i: u32): i64 {
  const field = Arg.ptr(i);
  const len = Arg.len(i);
  if (isPast(fieldExpireAtMs)) {
    hashRemove(hash, field, len);
    countReaped(1);
    return EXPIRY_DELETED;
  }
  if (!tryHashExpectExpiry(hash, Arg.hash(1), fieldExpireAtMs)) return EXPIRY_NO_MEMORY;
  return tryHashExpire(hash, field, len, fieldExpireAtMs) ? EXPIRY_DONE : EXPIRY_NO_MEMORY;
}

function tryExpireArg(i: u32, condition: u32): i64 {
  const old = hashExpiry(hash, Arg.ptr(i), Arg.len(i));
  if (old == FIELD_ABSENT) return FIELD_ABSENT;
  return isMet(condition, old) ? trySetExpiry(i) : NOT_MET;
}

function expireFields(time: u32, command: string): void {
  const e = lookupHashWrite();
  if (e != 0 && !openOrReply(e)) return;
  if (!fieldExpiryOrReply(2, time, command)) return;
  const condition = conditionOf(3);
  const list: u32 = condition == ALWAYS ? 3 : 4;
  if (!fieldListOrReply(list, 'ERR Parameter `numFields` should be greater than 0')) return;
  if (e == 0) replyAllAbsent();
  else expireArgs(e, condition);
}

function expireArgs(e: EntryPtr, condition: u32): void {
  const start = outputLen();
  replyArray(argc - firstField);
  let done: u32 = 0;
  let deleted: u32 = 0;
  let enough = true;
  if (propagating) fieldsBegin();
  for (let i = firstField; i < argc; i++) {
    const outcome = tryExpireArg(i, condition);
    if (propagating) propagateExpiry(i, outcome);
    if (outcome == EXPIRY_NO_MEMORY) {
      enough = false;
      break;
    }
    if (outcome == EXPIRY_DONE) done += 1;
    else if (outcome == EXPIRY_DELETED) deleted += 1;
    replyInt(outcome);
  }
  if (propagating) fieldsEnd(argc);
  if (deleted > 0) argEvent(1, NOTIFY_HASH, 'hdel', deleted + done);
  else if (done > 0) argEvent(1, NOTIFY_HASH, 'hexpire', done);
  closeHash(e);
  if (!enough) replyOutOfMemory(start);
}

/** What came of `trySetExpiry` for the field in argument `i`. */
export function propagateExpiry(i: u32, outcome: i64): void {
  if (outcome == EXPIRY_DONE) fieldMet(i, FATE_EXPIRES);
  else fieldMet(i, outcome == EXPIRY_DELETED ? FATE_DELETED : FATE_NONE);
}

/** HEXPIRE key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...] */
export function hexpireCommand(): void {
  expireFields(TIME_RELATIVE | TIME_SECONDS, 'hexpire');
}

/** HPEXPIRE key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...] */
export function hpexpireCommand(): void {
  expireFields(TIME_RELATIVE, 'hpexpire');
}

/** HEXPIREAT key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...] */
export function hexpireatCommand(): void {
  expireFields(TIME_SECONDS, 'hexpireat');
}

/** HPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...] */
export function hpexpireatCommand(): void {
  expireFields(0, 'hpexpireat');
}

// --- HTTL ---

/** When the field in argument `i` expires; one whose time has come is absent. */
function liveExpiry(i: u32): i64 {
  const at = hashExpiry(hash, Arg.ptr(i), Arg.len(i));
  return at >= 0 && at < expiryClockMs ? FIELD_ABSENT : at;
}

function replyExpiries(time: u32): void {
  const e = lookupHashRead();
  if (e != 0 && !openOrReply(e)) return;
  if (!fieldListOrReply(2, ERR_FIELD_COUNT)) return;
  if (e == 0) {
    replyAllAbsent();
    return;
  }
  const base: i64 = (time & TIME_RELATIVE) != 0 ? nowMs : 0;
  replyArray(argc - firstField);
  for (let i = firstField; i < argc; i++) {
    const at = liveExpiry(i);
    if (at < 0) replyInt(at);
    else replyInt((time & TIME_SECONDS) != 0 ? (at - base + 999) / 1000 : at - base);
  }
}

/** HTTL key FIELDS numfields field [field ...] */
export function httlCommand(): void {
  replyExpiries(TIME_RELATIVE | TIME_SECONDS);
}

/** HPTTL key FIELDS numfields field [field ...] */
export function hpttlCommand(): void {
  replyExpiries(TIME_RELATIVE);
}

/** HEXPIRETIME key FIELDS numfields field [field ...] */
export function hexpiretimeCommand(): void {
  replyExpiries(TIME_SECONDS);
}

/** HPEXPIRETIME key FIELDS numfields field [field ...] */
export function hpexpiretimeCommand(): void {
  replyExpiries(0);
}

// --- HPERSIST ---

/** HPERSIST key FIELDS numfields field [field ...] */
export function hpersistCommand(): void {
  const e = lookupHashWrite();
  if (e != 0 && !openOrReply(e)) return;
  if (!fieldListOrReply(2, ERR_FIELD_COUNT)) return;
  if (e == 0) {
    replyAllAbsent();
    return;
  }
  const start = outputLen();
  replyArray(argc - firstField);
  let changed = false;
  let enough = true;
  if (propagating) fieldsBegin();
  for (let i = firstField; i < argc && enough; i++) {
    const at = liveExpiry(i);
    let what = FATE_NONE;
    if (at < 0) replyInt(at);
    else if (tryHashExpire(hash, Arg.ptr(i), Arg.len(i), FIELD_NO_EXPIRE)) {
      changed = true;
      replyInt(EXPIRY_DONE);
      what = FATE_PERSISTS;
    } else enough = false;
    if (propagating) fieldMet(i, what);
  }
  if (propagating) fieldsEnd(argc);
  if (changed) argEvent(1, NOTIFY_HASH, 'hpersist', 1);
  closeHash(e);
  if (!enough) replyOutOfMemory(start);
}
