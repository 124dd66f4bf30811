// What SCAN, SSCAN, HSCAN and ZSCAN have in common: cursor, options and the shape of the reply.
//
// Cursors are positions in the order of bit-reversed hashes (see struct/dict.ts), printed with their
// bits mirrored back, so that they have few digits.

import { argI64, argI64OrReply } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import { ERR_SYNTAX, replyError } from '../resp/errors';
import { outputLen, replyArray, replyBulkU64, replyHeadFirst } from '../resp/writer';
import { reverseBits } from '../struct/dict';
import { findByte } from '../util/bytes';
import { globMatch } from '../util/glob';
import { parseCursor, parseU64Value } from '../util/number_parse';
import { argType } from './type_names';

/** What is walked. */
export const SCAN_KEYS: u32 = 0;
export const SCAN_MEMBERS: u32 = 1;
export const SCAN_FIELDS: u32 = 2;

const COUNT_DEFAULT: i64 = 10;
/** Chains one call may walk for every element it is to look at. */
const CHAINS_PER_COUNT: u64 = 10;

/** Where to go on. */
export let scanPosition: u64 = 0;
/** COUNT: how many elements to look at. */
export let scanCount: u64 = 0;
/** MATCH: an argument, 0 when everything matches. */
export let scanPattern: u32 = 0;
/** TYPE, of keys only. */
export let scanHasType: bool = false;
export let scanType: u32 = 0;
/** NOVALUES, of fields only. */
export let scanNoValues: bool = false;

/** Whether the pattern in argument `i` matches everything. */
export function matchesAll(i: u32): bool {
  return Arg.len(i) == 1 && load<u8>(Arg.ptr(i)) == 42;
}

/** Whether a name passes MATCH. */
export function scanMatches(ptr: usize, len: u32): bool {
  if (scanPattern == 0) return true;
  return globMatch(Arg.ptr(scanPattern), Arg.len(scanPattern), ptr, len, false);
}

/** Most chains of buckets that one call may walk. */
export function scanChainsMax(): u64 {
  const wraps = scanCount > u64.MAX_VALUE / CHAINS_PER_COUNT;
  return wraps ? scanCount : scanCount * CHAINS_PER_COUNT;
}

/** Reads the cursor in argument `i`. False after replying that it is none. */
export function parseCursorOrReply(i: u32): bool {
  // As in Redis, where it is a string of C, it ends at the first zero byte.
  const zero = findByte(Arg.ptr(i), Arg.ptr(i) + Arg.len(i), 0);
  if (parseCursor(Arg.ptr(i), zero == 0 ? Arg.len(i) : <u32>(zero - Arg.ptr(i)))) {
    scanPosition = reverseBits(parseU64Value);
    return true;
  }
  replyError('ERR invalid cursor');
  return false;
}

/** Reads the options from argument `first` on. False after an error. */
export function parseScanOrReply(first: u32, what: u32): bool {
  scanCount = COUNT_DEFAULT;
  scanPattern = 0;
  scanHasType = false;
  scanNoValues = false;
  for (let i = first; i < argc; i += 2) {
    const hasValue = i + 1 < argc;
    if (argIs(i, 'count') && hasValue) {
      if (!argI64OrReply(i + 1)) return false;
      if (argI64 < 1) {
        replyError(ERR_SYNTAX);
        return false;
      }
      scanCount = argI64;
    } else if (argIs(i, 'match') && hasValue) {
      scanPattern = matchesAll(i + 1) ? 0 : i + 1;
    } else if (what == SCAN_KEYS && argIs(i, 'type') && hasValue) {
      scanHasType = true;
      scanType = argType(i + 1);
    } else if (argIs(i, 'novalues')) {
      if (what != SCAN_FIELDS) {
        replyError('ERR NOVALUES option can only be used in HSCAN');
        return false;
      }
      scanNoValues = true;
      i -= 1;
    } else {
      replyError(ERR_SYNTAX);
      return false;
    }
  }
  return true;
}

/** Completes a reply whose `returned` elements were written from `body` on. */
export function scanReplyEnd(body: u32, position: u64, returned: u32): void {
  const head = outputLen();
  replyArray(2);
  replyBulkU64(reverseBits(position));
  replyArray(returned);
  replyHeadFirst(body, head);
}

/** The reply of a walk through nothing. */
export function replyEmptyScan(): void {
  scanReplyEnd(outputLen(), 0, 0);
}
