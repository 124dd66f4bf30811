// Expiry: EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT with their conditions, TTL and its relatives, PERSIST.
//
// Times are kept as Unix milliseconds. A time that is not in the future deletes the key at once.

import { CFG_LAZYFREE_EXPIRE } from '../abi';
import { nowMs } from '../keyspace/clock';
import {
  deleteFound,
  lookupKeyReadNoTouch,
  lookupKeyWrite,
  trySetExpireFound,
} from '../keyspace/db';
import { NOTIFY_GENERIC } from '../keyspace/effects';
import { Entry, EntryPtr, NO_EXPIRE } from '../keyspace/entry';
import { opInt, propagating } from '../keyspace/propagation';
import { argEvent } from '../resp/arg_event';
import { argI64, argI64OrReply } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import {
  ERR_OOM_LIMIT,
  errorBytes,
  errorEnd,
  errorStart,
  replyError,
  replyInvalidExpireTime,
} from '../resp/errors';
import { commandOp, opArg, opArgs, propagateDeletion } from '../resp/propagate';
import { replyInt, replyText } from '../resp/writer';
import { isPast } from './string';

const CONDITION_NX: u32 = 1;
const CONDITION_XX: u32 = 2;
const CONDITION_GT: u32 = 4;
const CONDITION_LT: u32 = 8;

const MS_PER_SECOND: i64 = 1000;

/** The conditions that `parseConditionsOrReply` found. */
let conditions: u32 = 0;

function conditionOf(i: u32): u32 {
  if (argIs(i, 'nx')) return CONDITION_NX;
  if (argIs(i, 'xx')) return CONDITION_XX;
  if (argIs(i, 'gt')) return CONDITION_GT;
  return argIs(i, 'lt') ? CONDITION_LT : 0;
}

function parseConditionsOrReply(): bool {
  conditions = 0;
  for (let i: u32 = 3; i < argc; i++) {
    const condition = conditionOf(i);
    if (condition == 0) {
      const start = errorStart();
      replyText('ERR Unsupported option ');
      errorBytes(Arg.ptr(i), Arg.len(i));
      errorEnd(start);
      return false;
    }
    conditions |= condition;
  }
  if (conditions & CONDITION_NX && conditions != CONDITION_NX) {
    replyError('ERR NX and XX, GT or LT options at the same time are not compatible');
    return false;
  }
  if (conditions & CONDITION_GT && conditions & CONDITION_LT) {
    replyError('ERR GT and LT options at the same time are not compatible');
    return false;
  }
  return true;
}

/** Whether the conditions allow `atMs` in place of the entry's expiry; none at all means never. */
function conditionsHold(e: EntryPtr, atMs: i64): bool {
  const has = Entry.hasExpire(e);
  if (conditions & CONDITION_NX && has) return false;
  if (conditions & CONDITION_XX && !has) return false;
  if (conditions & CONDITION_GT && (!has || atMs <= Entry.expireAtMs(e))) return false;
  return !(conditions & CONDITION_LT && has && atMs >= Entry.expireAtMs(e));
}

/** The four commands: argument 2 counts units of `unitMs` from `fromMs` on. */
function expireGeneric(fromMs: i64, unitMs: i64, command: string): void {
  if (!parseConditionsOrReply() || !argI64OrReply(2)) return;
  const units = argI64;
  const tooFar =
    units > i64.MAX_VALUE / unitMs ||
    units < i64.MIN_VALUE / unitMs ||
    units * unitMs > i64.MAX_VALUE - fromMs;
  if (tooFar) {
    replyInvalidExpireTime(command);
    return;
  }
  const atMs = units * unitMs + fromMs;
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0 || !conditionsHold(e, atMs)) {
    replyInt(0);
    return;
  }
  if (isPast(atMs)) {
    deleteFound(Arg.hash(1));
    argEvent(1, NOTIFY_GENERIC, 'del', 1);
    if (propagating) propagateDeletion(1, CFG_LAZYFREE_EXPIRE);
  } else if (trySetExpireFound(e, atMs) != 0) {
    argEvent(1, NOTIFY_GENERIC, 'expire', 1);
    if (propagating) propagateExpiry(atMs);
  } else {
    replyError(ERR_OOM_LIMIT);
    return;
  }
  replyInt(1);
}

/** Conditions were met and stay, as in Redis. */
function propagateExpiry(atMs: i64): void {
  commandOp('PEXPIREAT', argc);
  opArg(1);
  opInt(atMs);
  opArgs(3, argc);
}

/** EXPIRE key seconds [NX | XX | GT | LT] */
export function expireCommand(): void {
  expireGeneric(nowMs, MS_PER_SECOND, 'expire');
}

/** EXPIREAT key unix-time-seconds [NX | XX | GT | LT] */
export function expireatCommand(): void {
  expireGeneric(0, MS_PER_SECOND, 'expireat');
}

/** PEXPIRE key milliseconds [NX | XX | GT | LT] */
export function pexpireCommand(): void {
  expireGeneric(nowMs, 1, 'pexpire');
}

/** PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] */
export function pexpireatCommand(): void {
  expireGeneric(0, 1, 'pexpireat');
}

/** Replies with the expiry of argument 1 as time since `fromMs`; seconds are rounded. */
function replyExpiry(fromMs: i64, unitMs: i64): void {
  const e = lookupKeyReadNoTouch(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) replyInt(-2);
  else if (!Entry.hasExpire(e)) replyInt(-1);
  else replyInt((max<i64>(Entry.expireAtMs(e) - fromMs, 0) + unitMs / 2) / unitMs);
}

/** TTL key */
export function ttlCommand(): void {
  replyExpiry(nowMs, MS_PER_SECOND);
}

/** PTTL key */
export function pttlCommand(): void {
  replyExpiry(nowMs, 1);
}

/** EXPIRETIME key */
export function expiretimeCommand(): void {
  replyExpiry(0, MS_PER_SECOND);
}

/** PEXPIRETIME key */
export function pexpiretimeCommand(): void {
  replyExpiry(0, 1);
}

/** PERSIST key */
export function persistCommand(): void {
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0 || !Entry.hasExpire(e)) {
    replyInt(0);
    return;
  }
  trySetExpireFound(e, NO_EXPIRE);
  argEvent(1, NOTIFY_GENERIC, 'persist', 1);
  replyInt(1);
}
