// Arguments of the commands that deal with expiries of hash fields: times, and FIELDS lists.
import { nowMs } from '../keyspace/clock';
import { argAtLeastOrText, argI64, argI64OrReply } from '../resp/arg_number';
import { argc, argIs } from '../resp/args';
import { replyError, replyInvalidExpireTime } from '../resp/errors';

/** Redis keeps expiries of fields in 46 bits: up to the year 4199. */
const FIELD_EXPIRE_MAX_MS: i64 = (1 << 46) - 1;
const MS_PER_SECOND: i64 = 1000;

/** How an expiry is given. */
export const TIME_SECONDS: u32 = 1;
export const TIME_RELATIVE: u32 = 2;

/** The time that `fieldExpiryOrReply` read, in Unix milliseconds. */
export let fieldExpireAtMs: i64 = 0;
/** The first field of the list that `fieldListOrReply` read; fields go on to the last argument. */
export let firstField: u32 = 0;

/** Reads argument `i`, given in the way that `time` (TIME_*) says. False after an error. */
export function fieldExpiryOrReply(i: u32, time: u32, command: string): bool {
  if (!argI64OrReply(i)) return false;
  let value = argI64;
  if (value < 0) {
    replyError('ERR invalid expire time, must be >= 0');
    return false;
  }
  const base: i64 = (time & TIME_RELATIVE) != 0 ? nowMs : 0;
  const seconds = (time & TIME_SECONDS) != 0;
  const tooLong = seconds && value > FIELD_EXPIRE_MAX_MS / MS_PER_SECOND;
  if (seconds && !tooLong) value *= MS_PER_SECOND;
  if (tooLong || value > FIELD_EXPIRE_MAX_MS - base) {
    replyInvalidExpireTime(command);
    return false;
  }
  fieldExpireAtMs = value + base;
  return true;
}

/**
 * Reads `FIELDS n field ...` from argument `i` on, which is to be the rest of the command. `invalid` is
 * the error of a number that is none or not positive. False after an error.
 */
export function fieldListOrReply(i: u32, invalid: string): bool {
  if (!argIs(i, 'fields')) {
    replyError('ERR Mandatory argument FIELDS is missing or not at the right position');
    return false;
  }
  if (!argAtLeastOrText(i + 1, 1, invalid)) return false;
  firstField = i + 2;
  if (argI64 == <i64>argc - firstField) return true;
  replyError('ERR The `numfields` parameter must match the number of arguments');
  return false;
}

/** What most commands say of a number of fields that is none or not positive. */
export const ERR_FIELD_COUNT: string = 'ERR Number of fields must be a positive integer';
