// INCREX: adds to a number within bounds and sets its expiry in the same step.
//
//   INCREX key [BYINT n | BYFLOAT x] [LBOUND n] [UBOUND n] [SATURATE]
//              [EX s | PX ms | EXAT s | PXAT ms | PERSIST] [ENX]
//
// A sum outside the bounds (those of the number type unless given) changes nothing, neither value nor
// expiry; with SATURATE it is replaced by the bound that it passed. The reply is the value and what
// was added. Unlike SET, the command takes no option twice.

import { CFG_LAZYFREE_EXPIRE } from '../abi';
import { deleteFound, KEEP_EXPIRE, lookupKeyWrite, tryStoreInt } from '../keyspace/db';
import { NOTIFY_GENERIC, NOTIFY_STRING } from '../keyspace/effects';
import { Entry, EntryPtr, NO_EXPIRE } from '../keyspace/entry';
import { opBytes, opInt, opText, propagating } from '../keyspace/propagation';
import { argEvent } from '../resp/arg_event';
import { Arg, argc, argIs } from '../resp/args';
import { client } from '../resp/connection';
import { ERR_OOM_LIMIT, ERR_SYNTAX, errorEnd, errorStart, replyError } from '../resp/errors';
import { commandOp, opArg, propagateDeletion } from '../resp/propagate';
import { replyArray, replyBulk, replyCrlf, replyInt, replyRaw, replyText } from '../resp/writer';
import {
  addLongDouble,
  compareLongDouble,
  copyLongDouble,
  formatLongDouble,
  isFiniteLongDouble,
  LONG_DOUBLE_CHARS_MAX,
  LongDouble,
  longDoubleFromI64,
  longDoubleLimit,
  parseLongDouble,
  subtractLongDouble,
} from '../util/long_double';
import { parseI64, parseI64Value } from '../util/number_parse';
import {
  floatValue,
  intValue,
  readFloatOrReply,
  readIntOrReply,
  sumOverflows,
  tryStoreFloat,
} from './number';
import { isPast } from './string';
import {
  expiryAtMs,
  OPTION_PERSIST,
  OPTIONS_TIME,
  optionWord,
  parseExpiryOrReply,
} from './string_options';

// Where the arguments of the options are, 0 for an option that is not given.
let byArg: u32 = 0;
let lowerArg: u32 = 0;
let upperArg: u32 = 0;
let timeArg: u32 = 0;
/** The expiry option given: one of OPTIONS_TIME, OPTION_PERSIST, or 0. */
let expiryOption: u32 = 0;
let byFloat: bool = false;
let saturate: bool = false;
let onlyWithoutExpiry: bool = false;

/** INCREX key [option ...] */
export function increxCommand(): void {
  if (!parseOrReply()) return;
  if (byFloat) {
    if (readFloatArgsOrReply() && readTimeOrReply()) incrementFloat();
  } else if (readIntArgsOrReply() && readTimeOrReply()) incrementInt();
}

// --- Options ---

function parseOrReply(): bool {
  byArg = 0;
  lowerArg = 0;
  upperArg = 0;
  timeArg = 0;
  expiryOption = 0;
  byFloat = false;
  saturate = false;
  onlyWithoutExpiry = false;
  let i: u32 = 2;
  while (i < argc) {
    const taken = takeOption(i);
    if (taken == 0) {
      replyError(ERR_SYNTAX);
      return false;
    }
    i += taken;
  }
  if (!onlyWithoutExpiry || timeArg != 0) return true;
  replyError('ERR ENX flag requires an expiration');
  return false;
}

/** Reads the option at argument `i`; returns how many arguments it takes, 0 when it is refused. */
function takeOption(i: u32): u32 {
  const hasValue = i + 1 < argc;
  const expiry = optionWord(i) & (OPTIONS_TIME | OPTION_PERSIST);
  if (expiry != 0) {
    if (expiryOption != 0) return 0;
    expiryOption = expiry;
    if (expiry == OPTION_PERSIST) return onlyWithoutExpiry ? 0 : 1;
    timeArg = i + 1;
    return hasValue ? 2 : 0;
  }
  if (argIs(i, 'enx')) {
    if (onlyWithoutExpiry || expiryOption == OPTION_PERSIST) return 0;
    onlyWithoutExpiry = true;
    return 1;
  }
  if (argIs(i, 'saturate')) {
    if (saturate) return 0;
    saturate = true;
    return 1;
  }
  if (!hasValue) return 0;
  if (argIs(i, 'byint') || argIs(i, 'byfloat')) {
    if (byArg != 0) return 0;
    byArg = i + 1;
    byFloat = Arg.len(i) == 7;
  } else if (argIs(i, 'lbound')) {
    if (lowerArg != 0) return 0;
    lowerArg = i + 1;
  } else if (argIs(i, 'ubound')) {
    if (upperArg != 0) return 0;
    upperArg = i + 1;
  } else return 0;
  return 2;
}

function readTimeOrReply(): bool {
  return timeArg == 0 || parseExpiryOrReply(timeArg, expiryOption, 'increx');
}

function replyNotNumber(option: string, problem: string): void {
  const start = errorStart();
  replyText('ERR ');
  replyText(option);
  replyText(problem);
  errorEnd(start);
}

function replyBoundsCrossed(): void {
  replyError("ERR LBOUND can't be greater than UBOUND");
}

// --- What both kinds do with the result ---

/** What happens to the expiry: an `expireAtMs` parameter for storing. */
function newExpiry(e: EntryPtr): i64 {
  if (expiryOption == OPTION_PERSIST) return NO_EXPIRE;
  if (timeArg == 0 || (onlyWithoutExpiry && e != 0 && Entry.hasExpire(e))) return KEEP_EXPIRE;
  return expiryAtMs;
}

/** Tells what became of the expiry of a key that had one before, or not. */
function expiryEvent(hadExpiry: bool, expireAtMs: i64): void {
  if (expireAtMs >= 0) argEvent(1, NOTIFY_GENERIC, 'expire', 0);
  else if (hadExpiry && expireAtMs == NO_EXPIRE) argEvent(1, NOTIFY_GENERIC, 'persist', 0);
}

/** Whether the new expiry has passed already; then the key, if there, is deleted. */
function deletedAsPast(e: EntryPtr, expireAtMs: i64): bool {
  if (expireAtMs < 0 || !isPast(expireAtMs)) return false;
  if (e != 0) {
    deleteFound(Arg.hash(1));
    argEvent(1, NOTIFY_GENERIC, 'del', 1);
    if (propagating) propagateDeletion(1, CFG_LAZYFREE_EXPIRE);
  }
  return true;
}

/** Begins the SET that stands for the command: `propagateExpiry` is to follow after the value. */
function propagateKey(expireAtMs: i64): void {
  if (expireAtMs == NO_EXPIRE) commandOp('SET', 3);
  else commandOp('SET', expireAtMs == KEEP_EXPIRE ? 4 : 5);
  opArg(1);
}

function propagateExpiry(expireAtMs: i64): void {
  if (expireAtMs == KEEP_EXPIRE) opText('KEEPTTL');
  else if (expireAtMs >= 0) {
    opText('PXAT');
    opInt(expireAtMs);
  }
}

// --- Integers ---

let intIncrement: i64 = 0;
let intLower: i64 = 0;
let intUpper: i64 = 0;

/** Reads argument `i` as an integer; `parseI64Value` then holds it. */
function readIntOptionOrReply(i: u32, option: string): bool {
  if (parseI64(Arg.ptr(i), Arg.len(i))) return true;
  replyNotNumber(option, ' is not an integer or out of range');
  return false;
}

function readIntArgsOrReply(): bool {
  intIncrement = 1;
  intLower = i64.MIN_VALUE;
  intUpper = i64.MAX_VALUE;
  if (byArg != 0) {
    if (!readIntOptionOrReply(byArg, 'Increment')) return false;
    intIncrement = parseI64Value;
  }
  if (lowerArg != 0) {
    if (!readIntOptionOrReply(lowerArg, 'LBOUND')) return false;
    intLower = parseI64Value;
  }
  if (upperArg != 0) {
    if (!readIntOptionOrReply(upperArg, 'UBOUND')) return false;
    intUpper = parseI64Value;
  }
  if (intLower <= intUpper) return true;
  replyBoundsCrossed();
  return false;
}

function replyInts(value: i64, added: i64): void {
  replyArray(2);
  replyInt(value);
  replyInt(added);
}

function incrementInt(): void {
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (!readIntOrReply(e)) return;
  const value = intValue;
  let sum = value + intIncrement;
  const wraps = sumOverflows(value, intIncrement, sum);
  const above = wraps ? intIncrement > 0 : sum > intUpper;
  const below = wraps ? intIncrement < 0 : sum < intLower;
  if (above || below) {
    if (!saturate) {
      replyInts(value, 0);
      return;
    }
    sum = above ? intUpper : intLower;
  }
  const added = sum - value;
  if (((sum ^ value) & (sum ^ added)) < 0) {
    replyError('ERR applied increment would overflow');
    return;
  }
  const expireAtMs = newExpiry(e);
  const expires = e != 0 && Entry.hasExpire(e);
  if (!deletedAsPast(e, expireAtMs)) {
    if (!tryStoreInt(e, Arg.ptr(1), Arg.len(1), Arg.hash(1), sum, expireAtMs)) {
      replyError(ERR_OOM_LIMIT);
      return;
    }
    argEvent(1, NOTIFY_STRING, 'incrby', 1);
    expiryEvent(expires, expireAtMs);
    if (propagating) {
      propagateKey(expireAtMs);
      opInt(sum);
      propagateExpiry(expireAtMs);
    }
  }
  replyInts(sum, added);
}

// --- Long doubles ---

const floatIncrement: LongDouble = changetype<LongDouble>(memory.data(16, 8));
const floatLower: LongDouble = changetype<LongDouble>(memory.data(16, 8));
const floatUpper: LongDouble = changetype<LongDouble>(memory.data(16, 8));
const floatSum: LongDouble = changetype<LongDouble>(memory.data(16, 8));
const floatAdded: LongDouble = changetype<LongDouble>(memory.data(16, 8));
const replyBytes: usize = memory.data(<i32>LONG_DOUBLE_CHARS_MAX, 8);

function readFloatOptionOrReply(i: u32, option: string, out: LongDouble): bool {
  if (parseLongDouble(Arg.ptr(i), Arg.len(i), out)) return true;
  replyNotNumber(option, ' is not a valid float');
  return false;
}

function readFloatArgsOrReply(): bool {
  longDoubleLimit(true, floatLower);
  longDoubleLimit(false, floatUpper);
  if (!readFloatOptionOrReply(byArg, 'Increment', floatIncrement)) return false;
  if (!isFiniteLongDouble(floatIncrement)) {
    replyError('ERR BYFLOAT increment cannot be Infinity');
    return false;
  }
  if (lowerArg != 0 && !readFloatOptionOrReply(lowerArg, 'LBOUND', floatLower)) return false;
  if (upperArg != 0 && !readFloatOptionOrReply(upperArg, 'UBOUND', floatUpper)) return false;
  if (compareLongDouble(floatLower, floatUpper) <= 0) return true;
  replyBoundsCrossed();
  return false;
}

function replyFloat(value: LongDouble): void {
  const len = formatLongDouble(value, replyBytes);
  if (client.resp == 2) {
    replyBulk(replyBytes, len);
    return;
  }
  replyText(',');
  replyRaw(replyBytes, len);
  replyCrlf();
}

function replyFloats(value: LongDouble, added: LongDouble): void {
  replyArray(2);
  replyFloat(value);
  replyFloat(added);
}

/**
 * Puts value + increment, or the bound it is brought to, into `floatSum` and what that adds into
 * `floatAdded`. False when the sum is out of bounds and not to be saturated.
 */
function sumFloats(): bool {
  addLongDouble(floatValue, floatIncrement, floatSum);
  const above = compareLongDouble(floatSum, floatUpper) > 0;
  const below = compareLongDouble(floatSum, floatLower) < 0;
  // The bound itself may be infinite; a sum must not.
  const wraps = !isFiniteLongDouble(floatSum);
  if (!above && !below && !wraps) {
    copyLongDouble(floatIncrement, floatAdded);
    return true;
  }
  longDoubleFromI64(0, floatAdded);
  if (!saturate) return false;
  const up = wraps ? floatSum.negative == 0 : above;
  copyLongDouble(up ? floatUpper : floatLower, floatSum);
  subtractLongDouble(floatSum, floatValue, floatAdded);
  return true;
}

function incrementFloat(): void {
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (!readFloatOrReply(e)) return;
  if (!isFiniteLongDouble(floatValue)) {
    replyError('ERR value cannot be Infinity');
    return;
  }
  if (!sumFloats()) {
    replyFloats(floatValue, floatAdded);
    return;
  }
  if (!isFiniteLongDouble(floatAdded)) {
    replyError('ERR applied increment would be Infinity');
    return;
  }
  const expireAtMs = newExpiry(e);
  const expires = e != 0 && Entry.hasExpire(e);
  if (!deletedAsPast(e, expireAtMs)) {
    if (!tryStoreFloat(e, floatSum, expireAtMs)) {
      replyError(ERR_OOM_LIMIT);
      return;
    }
    argEvent(1, NOTIFY_STRING, 'incrbyfloat', 1);
    expiryEvent(expires, expireAtMs);
    if (propagating) {
      propagateKey(expireAtMs);
      opBytes(replyBytes, formatLongDouble(floatSum, replyBytes));
      propagateExpiry(expireAtMs);
    }
  }
  replyFloats(floatSum, floatAdded);
}
