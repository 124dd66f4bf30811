// The timeout of a blocking command, as the time when it ends.
import { nowMs } from '../keyspace/clock';
import {
  LONG_DOUBLE_BYTES,
  LongDouble,
  longDoubleScaledCeil,
  parseLongDouble,
} from '../util/long_double';
import { argI64, argI64OrText } from './arg_number';
import { Arg } from './args';
import { replyError } from './errors';

const MS_PER_SECOND: u32 = 1000;
const seconds: LongDouble = changetype<LongDouble>(memory.data(<i32>LONG_DOUBLE_BYTES, 8));

/** What the last successful `arg...TimeoutOrReply` read, in Unix milliseconds; 0: never. */
export let argDeadlineMs: i64 = 0;

/** Reads argument `i`: seconds, which may have a fraction. Part of a millisecond counts as one. */
export function argTimeoutOrReply(i: u32): bool {
  if (!parseLongDouble(Arg.ptr(i), Arg.len(i), seconds)) {
    replyError('ERR timeout is not a float or out of range');
    return false;
  }
  return setDeadlineOrReply(longDoubleScaledCeil(seconds, MS_PER_SECOND));
}

/** Reads argument `i`: whole milliseconds. */
export function argTimeoutMsOrReply(i: u32): bool {
  if (!argI64OrText(i, 'ERR timeout is not an integer or out of range')) return false;
  return setDeadlineOrReply(argI64);
}

function setDeadlineOrReply(ms: i64): bool {
  if (ms < 0) replyError('ERR timeout is negative');
  else if (ms > i64.MAX_VALUE - nowMs) replyError('ERR timeout is out of range');
  else {
    argDeadlineMs = ms == 0 ? 0 : ms + nowMs;
    return true;
  }
  return false;
}
