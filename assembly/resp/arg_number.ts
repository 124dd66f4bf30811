// Integers among the arguments of the running command.
import { parseI64, parseI64Value } from '../util/number_parse';
import { Arg } from './args';
import { ERR_NOT_INTEGER, ERR_NOT_POSITIVE, errorEnd, errorStart, replyError } from './errors';
import { replyDigits, replyText } from './writer';

/** The integer that the last successful `argI64OrReply` read. */
export let argI64: i64 = 0;

/** Reads argument `i` into `argI64`. False after replying that it is no integer of 64 bits. */
export function argI64OrReply(i: u32): bool {
  return argI64OrText(i, ERR_NOT_INTEGER);
}

/** As `argI64OrReply` with an error text of its own. */
export function argI64OrText(i: u32, text: string): bool {
  if (parseI64(Arg.ptr(i), Arg.len(i))) {
    argI64 = parseI64Value;
    return true;
  }
  replyError(text);
  return false;
}

/** As `argI64OrReply`, for an integer of 32 bits; one that is longer gets an error of its own. */
export function argI32OrReply(i: u32): bool {
  if (!argI64OrReply(i)) return false;
  if (argI64 == <i64>(<i32>argI64)) return true;
  replyOutOfRange(i32.MIN_VALUE, i32.MAX_VALUE);
  return false;
}

/** Reads a number of random elements, negative for repetitions: any but the least integer. */
export function argRandomCountOrReply(i: u32): bool {
  if (!argI64OrReply(i)) return false;
  if (argI64 != i64.MIN_VALUE) return true;
  replyOutOfRange(-i64.MAX_VALUE, i64.MAX_VALUE);
  return false;
}

function replyOutOfRange(least: i64, most: i64): void {
  const start = errorStart();
  replyText('ERR value is out of range, value must between ');
  replyDigits(least);
  replyText(' and ');
  replyDigits(most);
  errorEnd(start);
}

/** As `argI64OrText`, for an integer of 32 bits. */
export function argI32OrText(i: u32, text: string): bool {
  if (!argI64OrText(i, text)) return false;
  if (argI64 == <i64>(<i32>argI64)) return true;
  replyError(text);
  return false;
}

/** As `argI64OrText`, for an integer of at least `least`. */
export function argAtLeastOrText(i: u32, least: i64, text: string): bool {
  if (!argI64OrText(i, text)) return false;
  if (argI64 >= least) return true;
  replyError(text);
  return false;
}

/** As `argI64OrReply`, for a count: an integer that is not negative. */
export function argCountOrReply(i: u32): bool {
  return argAtLeastOrText(i, 0, ERR_NOT_POSITIVE);
}

/** As `argI64OrReply`, for an integer that has a negative counterpart. */
export function argSymmetricOrReply(i: u32): bool {
  if (!argI64OrReply(i)) return false;
  if (argI64 != i64.MIN_VALUE) return true;
  const start = errorStart();
  replyText('ERR value is out of range, value must between ');
  replyDigits(-i64.MAX_VALUE);
  replyText(' and ');
  replyDigits(i64.MAX_VALUE);
  errorEnd(start);
  return false;
}
