// Reading and writing hash fields along with their expiries: HGETDEL, HGETEX, HSETEX.
//
// A command that runs out of memory in between keeps what it has done, and reports it as changes,
// before it replies the error.

import { NOTIFY_GENERIC, NOTIFY_HASH } from '../keyspace/effects';
import { hashExpiry, tryHashExpire } from '../keyspace/hash_expiry';
import { HASH_NO_MEMORY, hashItem, hashRemove, hashSize, tryHashSet } from '../keyspace/hash_value';
import { opInt, opText, propagating } from '../keyspace/propagation';
import { argEvent } from '../resp/arg_event';
import { argAtLeastOrText, argI64 } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import {
  ERR_OOM_LIMIT,
  errorBytes,
  errorEnd,
  errorStart,
  replyError,
  replyWrongArguments,
} from '../resp/errors';
import { commandOp, opArg, opArgs } from '../resp/propagate';
import {
  outputLen,
  outputRewind,
  replyArray,
  replyInt,
  replyNull,
  replyText,
} from '../resp/writer';
import { FIELD_KEEP_EXPIRE, FIELD_NO_EXPIRE } from '../struct/member_table';
import { EXPIRY_DELETED, EXPIRY_NO_MEMORY, propagateExpiry, trySetExpiry } from './hash_expire';
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
  FATE_NONE,
  FATE_PERSISTS,
  fieldMet,
  fieldsBegin,
  fieldsEnd,
  propagateDeletedFields,
} from './hash_propagate';
import {
  closeHash,
  findOrReap,
  hash,
  lookupHashWrite,
  openOrReply,
  openToSetOrReply,
  replyItem,
  reportReaped,
  target,
  tryExpectArgs,
  tryStoreHash,
} from './hash_target';

/** What becomes of expiries. */
const EXPIRY_NONE: u32 = 0;
const EXPIRY_SET: u32 = 1;
const EXPIRY_PERSIST: u32 = 2;
const EXPIRY_KEEP: u32 = 3;

/** How the time is given that `isTimeOption` met: TIME_*. */
let optionTime: u32 = 0;

/** Whether argument `i` is EX, PX, EXAT or PXAT; `optionTime` is TIME_* then. */
function isTimeOption(i: u32): bool {
  if (argIs(i, 'ex')) optionTime = TIME_RELATIVE | TIME_SECONDS;
  else if (argIs(i, 'px')) optionTime = TIME_RELATIVE;
  else if (argIs(i, 'exat')) optionTime = TIME_SECONDS;
  else if (argIs(i, 'pxat')) optionTime = 0;
  else return false;
  return true;
}

function replyNulls(): void {
  replyArray(argc - firstField);
  for (let i = firstField; i < argc; i++) replyNull();
}

// --- HGETDEL ---

/** HGETDEL key FIELDS numfields field [field ...] */
export function hgetdelCommand(): void {
  const e = lookupHashWrite();
  if (e != 0 && !openOrReply(e)) return;
  if (!fieldListOrReply(2, ERR_FIELD_COUNT)) return;
  if (e == 0) {
    replyNulls();
    return;
  }
  replyArray(argc - firstField);
  let deleted: u32 = 0;
  if (propagating) fieldsBegin();
  for (let i = firstField; i < argc; i++) {
    const found = findOrReap(i);
    if (propagating) fieldMet(i, found ? FATE_DELETED : FATE_NONE);
    if (!found) replyNull();
    else {
      replyItem(hashItem);
      hashRemove(hash, Arg.ptr(i), Arg.len(i));
      deleted += 1;
    }
  }
  if (propagating) fieldsEnd(argc);
  if (!reportReaped() && deleted == 0) return;
  if (deleted > 0) argEvent(1, NOTIFY_HASH, 'hdel', deleted);
  closeHash(e);
}

// --- HGETEX ---

let changed: u32 = 0;
let deleted: u32 = 0;
/** The running command is HSETEX. */
let isSetting: bool = false;

/** Gives the field in argument `i`, which is there, the time that was read. False without memory. */
function tryExpireArg(i: u32): bool {
  const outcome = trySetExpiry(i);
  if (propagating && !isSetting) propagateExpiry(i, outcome);
  if (outcome == EXPIRY_NO_MEMORY) return false;
  if (outcome == EXPIRY_DELETED) deleted += 1;
  else changed += 1;
  return true;
}

/** Takes the expiry of the field in argument `i`, if it has one, away. False without memory. */
function tryPersistArg(i: u32): bool {
  const field = Arg.ptr(i);
  const len = Arg.len(i);
  const expires = hashExpiry(hash, field, len) >= 0;
  const enough = !expires || tryHashExpire(hash, field, len, FIELD_NO_EXPIRE);
  if (propagating) fieldMet(i, expires && enough ? FATE_PERSISTS : FATE_NONE);
  if (expires && enough) changed += 1;
  return enough;
}

/** HGETEX key [EX | PX | EXAT | PXAT time | PERSIST] FIELDS numfields field [field ...] */
export function hgetexCommand(): void {
  const e = lookupHashWrite();
  if (e != 0 && !openOrReply(e)) return;
  let list: u32 = 2;
  let expiry = EXPIRY_NONE;
  if (isTimeOption(2)) {
    if (!fieldExpiryOrReply(3, optionTime, 'hgetex')) return;
    expiry = EXPIRY_SET;
    list = 4;
  } else if (argIs(2, 'persist')) {
    expiry = EXPIRY_PERSIST;
    list = 3;
  }
  if (argIs(list, 'fields') && list + 1 >= argc) {
    replyWrongArguments('hgetex');
    return;
  }
  if (!fieldListOrReply(list, ERR_FIELD_COUNT)) return;
  if (e == 0) {
    replyNulls();
    return;
  }
  const start = outputLen();
  if (propagating) fieldsBegin();
  const enough = tryReplyFields(expiry);
  if (propagating) fieldsEnd(argc);
  const reaped = reportReaped();
  if (changed > 0) {
    const event = expiry == EXPIRY_PERSIST ? 'hpersist' : 'hexpire';
    argEvent(1, NOTIFY_HASH, event, changed + deleted);
  } else if (deleted > 0) argEvent(1, NOTIFY_HASH, 'hdel', deleted);
  if (reaped || changed > 0 || deleted > 0) closeHash(e);
  if (enough) return;
  outputRewind(start);
  replyError(ERR_OOM_LIMIT);
}

/** Replies with the fields of the list, and changes their expiries. False without memory. */
function tryReplyFields(expiry: u32): bool {
  changed = 0;
  deleted = 0;
  isSetting = false;
  replyArray(argc - firstField);
  for (let i = firstField; i < argc; i++) {
    if (!findOrReap(i)) {
      if (propagating) fieldMet(i, FATE_NONE);
      replyNull();
      continue;
    }
    replyItem(hashItem);
    if (expiry == EXPIRY_SET && !tryExpireArg(i)) return false;
    if (expiry == EXPIRY_PERSIST && !tryPersistArg(i)) return false;
  }
  return true;
}

// --- HSETEX ---

const ANY_FIELDS: u32 = 0;
const ALL_THERE: u32 = 1;
const NONE_THERE: u32 = 2;

let setCondition: u32 = ANY_FIELDS;
let setExpiry: u32 = EXPIRY_NONE;
/** The first field that HSETEX sets. */
let firstPair: u32 = 0;

/** Reads `FIELDS n field value ...` from argument `i` on. False after an error. */
function pairsOrReply(i: u32): bool {
  if (i + 3 >= argc) {
    replyWrongArguments('hsetex');
    return false;
  }
  const invalid = 'ERR invalid number of fields';
  if (!argAtLeastOrText(i + 1, 1, invalid)) return false;
  if (argI64 > i32.MAX_VALUE) {
    replyError(invalid);
    return false;
  }
  firstPair = i + 2;
  if (argI64 << 1 == <i64>argc - firstPair) return true;
  replyWrongArguments('hsetex');
  return false;
}

function expiryTwiceOrReply(): bool {
  if (setExpiry == EXPIRY_NONE) return true;
  replyError('ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified');
  return false;
}

/** Reads the options up to and with the list of fields. False after an error. */
function parseSetOrReply(): bool {
  setCondition = ANY_FIELDS;
  setExpiry = EXPIRY_NONE;
  for (let i: u32 = 2; i < argc; i++) {
    if (argIs(i, 'fields')) return pairsOrReply(i);
    if (isTimeOption(i)) {
      if (!expiryTwiceOrReply()) return false;
      setExpiry = EXPIRY_SET;
      i += 1;
      if (i == argc) {
        replyError('ERR missing expire time');
        return false;
      }
      if (!fieldExpiryOrReply(i, optionTime, 'hsetex')) return false;
    } else if (argIs(i, 'keepttl')) {
      if (!expiryTwiceOrReply()) return false;
      setExpiry = EXPIRY_KEEP;
    } else if (argIs(i, 'fxx') || argIs(i, 'fnx')) {
      if (setCondition != ANY_FIELDS) {
        replyError('ERR Only one of FXX or FNX arguments can be specified');
        return false;
      }
      setCondition = argIs(i, 'fxx') ? ALL_THERE : NONE_THERE;
    } else {
      const start = errorStart();
      replyText('ERR unknown argument: ');
      errorBytes(Arg.ptr(i), Arg.len(i));
      errorEnd(start);
      return false;
    }
  }
  // The arity leaves room for no command that has all options and no fields.
  replyWrongArguments('hsetex');
  return false;
}

/** Whether the fields to be set are there, or not, as the condition wants. */
function conditionHolds(): bool {
  if (setCondition == ANY_FIELDS) return true;
  for (let i = firstPair; i < argc; i += 2) {
    if (findOrReap(i) != (setCondition == ALL_THERE)) return false;
  }
  return true;
}

/** Pairs that the running HSETEX has set. */
let pairsSet: u32 = 0;

/** Sets one pair and its expiry. False without memory. */
function trySetPair(i: u32): bool {
  const keep = setExpiry == EXPIRY_NONE ? FIELD_NO_EXPIRE : FIELD_KEEP_EXPIRE;
  const value = i + 1;
  const outcome = tryHashSet(hash, Arg.ptr(i), Arg.len(i), Arg.ptr(value), Arg.len(value), keep);
  if (outcome == HASH_NO_MEMORY) return false;
  pairsSet += 1;
  return setExpiry != EXPIRY_SET || tryExpireArg(i);
}

/** Writes that the first `pairsSet` pairs were set, on whatever condition. */
function propagateSet(): void {
  const end = firstPair + (pairsSet << 1);
  if (deleted > 0) propagateDeletedFields(firstPair, firstPair + (deleted << 1), 2);
  // Without memory the last one may have got its value but not its expiry.
  const expiring = setExpiry == EXPIRY_SET ? min(changed, pairsSet) : pairsSet;
  const whole = firstPair + (expiring << 1);
  if (deleted == 0 && whole > firstPair) propagatePairs(firstPair, whole, setExpiry);
  if (deleted == 0 && whole < end) propagatePairs(whole, end, EXPIRY_KEEP);
}

function propagatePairs(from: u32, end: u32, expiry: u32): void {
  const count = (end - from) >> 1;
  if (expiry == EXPIRY_NONE) {
    commandOp('HSET', 2 + end - from);
    opArg(1);
  } else {
    commandOp('HSETEX', end - from + (expiry == EXPIRY_SET ? 6 : 5));
    opArg(1);
    if (expiry == EXPIRY_SET) {
      opText('PXAT');
      opInt(fieldExpireAtMs);
    } else opText('KEEPTTL');
    opText('FIELDS');
    opInt(count);
  }
  opArgs(from, end);
}

/** HSETEX key [FNX | FXX] [EX | PX | EXAT | PXAT time | KEEPTTL] FIELDS numfields field value ... */
export function hsetexCommand(): void {
  if (!parseSetOrReply() || !openToSetOrReply()) return;
  if (!conditionHolds()) {
    if (target == 0) tryStoreHash();
    else if (reportReaped()) closeHash(target);
    replyInt(0);
    return;
  }
  changed = 0;
  deleted = 0;
  isSetting = true;
  pairsSet = 0;
  let enough = tryExpectArgs(firstPair);
  for (let i = firstPair; i < argc && enough; i += 2) enough = trySetPair(i);
  const emptied = hashSize(hash) == 0;
  const isNew = target == 0;
  if (isNew && !tryStoreHash()) {
    replyError(ERR_OOM_LIMIT);
    return;
  }
  if (propagating && pairsSet > 0) propagateSet();
  reportReaped();
  if (pairsSet > 0) argEvent(1, NOTIFY_HASH, 'hset', pairsSet);
  if (deleted > 0) argEvent(1, NOTIFY_HASH, 'hdel', 0);
  else if (changed > 0) argEvent(1, NOTIFY_HASH, 'hexpire', 0);
  if (!isNew) closeHash(target);
  else if (emptied && pairsSet > 0) argEvent(1, NOTIFY_GENERIC, 'del', 0);
  if (enough) replyInt(1);
  else replyError(ERR_OOM_LIMIT);
}
