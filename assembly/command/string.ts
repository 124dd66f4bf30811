// GET, SET and their relatives: commands on whole values.
//
// GET and SET without options are the most frequent commands of all; they take the shortest way.
// What a command replies before it changes anything (the old value) is taken back when memory turns
// out to be exhausted, so an error is always the whole reply and means that nothing happened.

import { CFG_LAZYFREE_EXPIRE } from '../abi';
import { expiryClockMs } from '../keyspace/clock';
import {
  db,
  deleteFound,
  KEEP_EXPIRE,
  lookupKeyRead,
  lookupKeyWrite,
  trySetExpireFound,
  trySetString,
  tryStoreString,
} from '../keyspace/db';
import { NOTIFY_GENERIC, NOTIFY_STRING } from '../keyspace/effects';
import { ENCODING_INT, Entry, EntryPtr, NO_EXPIRE, TYPE_STRING } from '../keyspace/entry';
import { opInt, opStart, opText, propagating, replaceCommand } from '../keyspace/propagation';
import { argEvent } from '../resp/arg_event';
import { Arg, argc } from '../resp/args';
import { ERR_OOM_LIMIT, ERR_WRONG_TYPE, replyError } from '../resp/errors';
import { commandOp, opArg, opArgs, propagateDeletion } from '../resp/propagate';
import {
  outputLen,
  outputRewind,
  replyBulk,
  replyBulkInt,
  replyInt,
  replyNull,
  replyOk,
} from '../resp/writer';
import { COMPARE_ERROR, COMPARE_HOLDS, compareOrReply } from './digest';
import {
  compareArg,
  expiryAtMs,
  OPTION_EX,
  OPTION_EXAT,
  OPTION_GET,
  OPTION_KEEPTTL,
  OPTION_NX,
  OPTION_PERSIST,
  OPTION_PX,
  OPTION_PXAT,
  OPTION_XX,
  OPTIONS_COMPARE,
  OPTIONS_OF_GETEX,
  OPTIONS_OF_SET,
  OPTIONS_TIME,
  options,
  optionWord,
  parseExpiryOrReply,
  parseOptionsOrReply,
  timeArg,
} from './string_options';

/** Replies with the value of a string. */
export function replyString(e: EntryPtr): void {
  if (Entry.encoding(e) == ENCODING_INT) replyBulkInt(Entry.intValue(e));
  else replyBulk(Entry.stringPtr(e), Entry.stringLen(e));
}

/** Replies with the value of a key, null for none. False after an error: it is no string. */
function replyStringOrNull(e: EntryPtr): bool {
  if (e == 0) replyNull();
  else if (Entry.type(e) != TYPE_STRING) {
    replyError(ERR_WRONG_TYPE);
    return false;
  } else replyString(e);
  return true;
}

/** Takes back what was replied since `start`: the command failed for lack of memory. */
function replyNoMemory(start: u32): void {
  outputRewind(start);
  replyError(ERR_OOM_LIMIT);
}

/** GET key */
export function getCommand(): void {
  replyStringOrNull(lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1)));
}

// --- SET ---

/** SET key value [condition] [GET] [expiry] */
export function setCommand(): void {
  if (argc > 3) {
    setWithOptions();
    return;
  }
  if (trySetString(Arg.ptr(1), Arg.len(1), Arg.hash(1), Arg.ptr(2), Arg.len(2), NO_EXPIRE)) {
    argEvent(1, NOTIFY_STRING, 'set', 1);
    replyOk();
  } else replyError(ERR_OOM_LIMIT);
}

/** Stores argument `value` at argument 1, where the last lookup found `old`. */
function tryStoreArg(old: EntryPtr, value: u32, expireAtMs: i64): bool {
  return tryStoreString(
    old,
    Arg.ptr(1),
    Arg.len(1),
    Arg.hash(1),
    Arg.ptr(value),
    Arg.len(value),
    expireAtMs,
  );
}

function setWithOptions(): void {
  if (!parseOptionsOrReply(3, OPTIONS_OF_SET)) return;
  const given = options;
  let expireAtMs = given & OPTION_KEEPTTL ? KEEP_EXPIRE : NO_EXPIRE;
  if (timeArg != 0) {
    if (!parseExpiryOrReply(timeArg, given & OPTIONS_TIME, 'set')) return;
    expireAtMs = expiryAtMs;
  }
  const start = outputLen();
  const wantsOld = (given & OPTION_GET) != 0;
  let old: EntryPtr;
  if (wantsOld) {
    old = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
    if (!replyStringOrNull(old)) return;
  } else old = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));

  let wanted = true;
  if (given & OPTION_NX) wanted = old == 0;
  else if (given & OPTION_XX) wanted = old != 0;
  else if (given & OPTIONS_COMPARE) {
    const outcome = compareOrReply(old, given & OPTIONS_COMPARE, compareArg, start);
    if (outcome == COMPARE_ERROR) return;
    wanted = outcome == COMPARE_HOLDS;
  }
  if (!wanted) {
    if (!wantsOld) replyNull();
  } else if (!tryStoreArg(old, 2, expireAtMs)) replyNoMemory(start);
  else {
    argEvent(1, NOTIFY_STRING, 'set', 1);
    if (expireAtMs >= 0) argEvent(1, NOTIFY_GENERIC, 'expire', 0);
    if (!wantsOld) replyOk();
    if (propagating) propagateSet(given, expireAtMs);
  }
}

/**
 * A SET was done whatever it depended on: a time is written absolute, and what was compared with the old
 * value or asked for it is left out. One that gives a PXAT is written as it came.
 */
function propagateSet(given: u32, expireAtMs: i64): void {
  if (expireAtMs >= 0) {
    if ((given & OPTION_PXAT) == 0 || given & OPTIONS_COMPARE) propagateSetAt(2, expireAtMs);
  } else if (given & OPTIONS_COMPARE) {
    const keeps = expireAtMs == KEEP_EXPIRE;
    commandOp('SET', keeps ? 4 : 3);
    opArgs(1, 3);
    if (keeps) opText('KEEPTTL');
  } else if (given & OPTION_GET) {
    let rest: u32 = argc;
    for (let i: u32 = 3; i < argc; i++) if (optionWord(i) == OPTION_GET) rest -= 1;
    replaceCommand();
    opStart(db.id, rest);
    for (let i: u32 = 0; i < argc; i++) if (i < 3 || optionWord(i) != OPTION_GET) opArg(i);
  }
}

/** The key in argument 1 was set to argument `value`, with an expiry. */
function propagateSetAt(value: u32, expireAtMs: i64): void {
  commandOp('SET', 5);
  opArg(1);
  opArg(value);
  opText('PXAT');
  opInt(expireAtMs);
}

/** SETNX key value */
export function setnxCommand(): void {
  if (lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1)) != 0) replyInt(0);
  else if (!tryStoreArg(0, 2, NO_EXPIRE)) replyError(ERR_OOM_LIMIT);
  else {
    argEvent(1, NOTIFY_STRING, 'set', 1);
    replyInt(1);
  }
}

/** SETEX key seconds value */
export function setexCommand(): void {
  setWithTime(OPTION_EX, 'setex');
}

/** PSETEX key milliseconds value */
export function psetexCommand(): void {
  setWithTime(OPTION_PX, 'psetex');
}

function setWithTime(option: u32, command: string): void {
  if (!parseExpiryOrReply(2, option, command)) return;
  if (trySetString(Arg.ptr(1), Arg.len(1), Arg.hash(1), Arg.ptr(3), Arg.len(3), expiryAtMs)) {
    argEvent(1, NOTIFY_STRING, 'set', 1);
    argEvent(1, NOTIFY_GENERIC, 'expire', 0);
    replyOk();
    if (propagating) propagateSetAt(3, expiryAtMs);
  } else replyError(ERR_OOM_LIMIT);
}

// --- Reading and changing in one step ---

/** GETSET key value */
export function getsetCommand(): void {
  const start = outputLen();
  const old = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (!replyStringOrNull(old)) return;
  if (!tryStoreArg(old, 2, NO_EXPIRE)) {
    replyNoMemory(start);
    return;
  }
  argEvent(1, NOTIFY_STRING, 'set', 1);
  if (!propagating) return;
  commandOp('SET', 3);
  opArgs(1, 3);
}

/** GETDEL key */
export function getdelCommand(): void {
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (!replyStringOrNull(e) || e == 0) return;
  deleteFound(Arg.hash(1));
  argEvent(1, NOTIFY_GENERIC, 'del', 1);
  if (!propagating) return;
  commandOp('DEL', 2);
  opArg(1);
}

/** GETEX key [expiry | PERSIST] */
export function getexCommand(): void {
  if (argc > 2 && !parseOptionsOrReply(2, OPTIONS_OF_GETEX)) return;
  const given = argc > 2 ? options : 0;
  const start = outputLen();
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  // The time is looked at last, so a missing key hides an invalid one.
  if (e == 0) replyNull();
  else if (Entry.type(e) != TYPE_STRING) replyError(ERR_WRONG_TYPE);
  else if (given & OPTIONS_TIME) {
    if (parseExpiryOrReply(timeArg, given & OPTIONS_TIME, 'getex'))
      expireAfterReply(e, given, start);
  } else {
    replyString(e);
    if (given & OPTION_PERSIST && Entry.hasExpire(e)) setExpiryFound(e, NO_EXPIRE, start);
  }
}

function expireAfterReply(e: EntryPtr, given: u32, start: u32): void {
  replyString(e);
  if (given & (OPTION_EXAT | OPTION_PXAT) && isPast(expiryAtMs)) {
    deleteFound(Arg.hash(1));
    argEvent(1, NOTIFY_GENERIC, 'del', 1);
    if (propagating) propagateDeletion(1, CFG_LAZYFREE_EXPIRE);
  } else setExpiryFound(e, expiryAtMs, start);
}

/** Whether a key given this expiry is to be deleted at once; never while loading. */
export function isPast(atMs: i64): bool {
  return atMs <= expiryClockMs;
}

function setExpiryFound(e: EntryPtr, atMs: i64, start: u32): void {
  if (trySetExpireFound(e, atMs) == 0) {
    replyNoMemory(start);
    return;
  }
  argEvent(1, NOTIFY_GENERIC, atMs == NO_EXPIRE ? 'persist' : 'expire', 1);
  if (!propagating) return;
  if (atMs == NO_EXPIRE) {
    commandOp('PERSIST', 2);
    opArg(1);
  } else {
    commandOp('PEXPIREAT', 3);
    opArg(1);
    opInt(atMs);
  }
}
