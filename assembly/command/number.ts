// Strings as numbers: INCR, DECR, INCRBY, DECRBY, INCRBYFLOAT, INCREX.
//
// An integer-encoded value is counted in place. A floating-point result is stored as text even when it
// is whole, and computed in 80-bit long doubles (util/long_double.ts), as Redis does on x86.

import {
  KEEP_EXPIRE,
  lookupKeyWrite,
  stringEncoding,
  tryStoreInt,
  tryStoreText,
} from '../keyspace/db';
import { NOTIFY_STRING } from '../keyspace/effects';
import { ENCODING_INT, Entry, EntryPtr, TYPE_STRING } from '../keyspace/entry';
import { opBytes, opText, propagating } from '../keyspace/propagation';
import { argEvent } from '../resp/arg_event';
import { argI64, argI64OrReply } from '../resp/arg_number';
import { Arg } from '../resp/args';
import {
  ERR_NOT_FLOAT,
  ERR_NOT_INTEGER,
  ERR_OOM_LIMIT,
  ERR_OVERFLOW,
  ERR_WRONG_TYPE,
  replyError,
} from '../resp/errors';
import { commandOp, opArg } from '../resp/propagate';
import { replyBulk, replyInt } from '../resp/writer';
import {
  addLongDouble,
  formatLongDouble,
  isFiniteLongDouble,
  LONG_DOUBLE_CHARS_MAX,
  LongDouble,
  longDoubleFromI64,
  parseLongDouble,
} from '../util/long_double';
import { parseI64, parseI64Value } from '../util/number_parse';

// --- Integers ---

/** The number that `readIntOrReply` found. */
export let intValue: i64 = 0;

/**
 * Reads the value of an entry, 0 for a missing one, into `intValue`. False after replying that it is
 * no string or no integer.
 */
export function readIntOrReply(e: EntryPtr): bool {
  intValue = 0;
  if (e == 0) return true;
  if (Entry.type(e) != TYPE_STRING) {
    replyError(ERR_WRONG_TYPE);
    return false;
  }
  if (Entry.encoding(e) == ENCODING_INT) {
    intValue = Entry.intValue(e);
    return true;
  }
  if (!parseI64(Entry.stringPtr(e), Entry.stringLen(e))) {
    replyError(ERR_NOT_INTEGER);
    return false;
  }
  intValue = parseI64Value;
  return true;
}

/** Whether value + delta, wrapped to `sum`, went beyond 64 bits. */
export function sumOverflows(value: i64, delta: i64, sum: i64): bool {
  return ((value ^ sum) & (delta ^ sum)) < 0;
}

function incrementBy(delta: i64): void {
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (!readIntOrReply(e)) return;
  const value = intValue;
  const sum = value + delta;
  if (sumOverflows(value, delta, sum)) replyError(ERR_OVERFLOW);
  else if (tryStoreInt(e, Arg.ptr(1), Arg.len(1), Arg.hash(1), sum, KEEP_EXPIRE)) {
    argEvent(1, NOTIFY_STRING, 'incrby', 1);
    replyInt(sum);
  } else replyError(ERR_OOM_LIMIT);
}

/** INCR key */
export function incrCommand(): void {
  incrementBy(1);
}

/** DECR key */
export function decrCommand(): void {
  incrementBy(-1);
}

/** INCRBY key increment */
export function incrbyCommand(): void {
  if (argI64OrReply(2)) incrementBy(argI64);
}

/** DECRBY key decrement */
export function decrbyCommand(): void {
  if (!argI64OrReply(2)) return;
  if (argI64 == i64.MIN_VALUE) replyError('ERR decrement would overflow');
  else incrementBy(-argI64);
}

// --- Long doubles ---

export const floatValue: LongDouble = changetype<LongDouble>(memory.data(16, 8));
const increment: LongDouble = changetype<LongDouble>(memory.data(16, 8));
const floatText: usize = memory.data(<i32>LONG_DOUBLE_CHARS_MAX, 8);

/**
 * Reads the value of an entry, 0 for a missing one, into `floatValue`. False after replying that it is
 * no string or no number.
 */
export function readFloatOrReply(e: EntryPtr): bool {
  if (e == 0) {
    longDoubleFromI64(0, floatValue);
    return true;
  }
  if (Entry.type(e) != TYPE_STRING) {
    replyError(ERR_WRONG_TYPE);
    return false;
  }
  if (Entry.encoding(e) == ENCODING_INT) {
    longDoubleFromI64(Entry.intValue(e), floatValue);
    return true;
  }
  if (parseLongDouble(Entry.stringPtr(e), Entry.stringLen(e), floatValue)) return true;
  replyError(ERR_NOT_FLOAT);
  return false;
}

/**
 * Stores a number as text at argument 1, where the last lookup found `e`. False: no memory, nothing
 * changed.
 */
export function tryStoreFloat(e: EntryPtr, value: LongDouble, expireAtMs: i64): bool {
  const len = formatLongDouble(value, floatText);
  return tryStoreText(
    e,
    Arg.ptr(1),
    Arg.len(1),
    Arg.hash(1),
    floatText,
    len,
    stringEncoding(len),
    expireAtMs,
  );
}

/** INCRBYFLOAT key increment */
export function incrbyfloatCommand(): void {
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (!readFloatOrReply(e)) return;
  if (!parseLongDouble(Arg.ptr(2), Arg.len(2), increment)) {
    replyError(ERR_NOT_FLOAT);
    return;
  }
  addLongDouble(floatValue, increment, floatValue);
  if (!isFiniteLongDouble(floatValue)) replyError('ERR increment would produce NaN or Infinity');
  else if (tryStoreFloat(e, floatValue, KEEP_EXPIRE)) {
    argEvent(1, NOTIFY_STRING, 'incrbyfloat', 1);
    const len = formatLongDouble(floatValue, floatText);
    replyBulk(floatText, len);
    if (!propagating) return;
    commandOp('SET', 4);
    opArg(1);
    opBytes(floatText, len);
    opText('KEEPTTL');
  } else replyError(ERR_OOM_LIMIT);
}
