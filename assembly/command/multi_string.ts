// Several strings at once: MGET, MSET, MSETNX, MSETEX.
//
// Setting is all or nothing, also when memory runs out. While there is plenty, pairs are stored one by
// one, which overwrites in place where that is possible. When memory is scarce the entries of all
// pairs are built first and put into the table once the last of them exists.

import {
  entryFree,
  KEEP_EXPIRE,
  lookupKeyQuiet,
  lookupKeyRead,
  lookupKeyWrite,
  replaceFound,
  tryInsertNew,
  tryNewStringFor,
  trySetString,
} from '../keyspace/db';
import { NOTIFY_GENERIC, NOTIFY_STRING } from '../keyspace/effects';
import { Entry, EntryPtr, NO_EXPIRE, TYPE_STRING } from '../keyspace/entry';
import { opInt, opText, propagating } from '../keyspace/propagation';
import { free, tryAlloc } from '../memory/alloc';
import { isPlentyFor, memoryNearlyExhausted } from '../memory/pages';
import { argEvent } from '../resp/arg_event';
import { Arg, argc } from '../resp/args';
import { ERR_OOM_LIMIT, replyError, replyWrongArguments } from '../resp/errors';
import { commandOp, opArg, opArgs, propagateFirst } from '../resp/propagate';
import { replyArray, replyInt, replyNull, replyOk } from '../resp/writer';
import { parseI64, parseI64Value } from '../util/number_parse';
import { replyString } from './string';
import {
  expiryAtMs,
  OPTION_KEEPTTL,
  OPTION_NX,
  OPTION_XX,
  OPTIONS_OF_MSETEX,
  OPTIONS_TIME,
  options,
  parseExpiryOrReply,
  parseOptionsOrReply,
  timeArg,
} from './string_options';

/** MGET key [key ...] */
export function mgetCommand(): void {
  const count = argc;
  replyArray(count - 1);
  for (let i: u32 = 1; i < count; i++) {
    const e = lookupKeyRead(Arg.ptr(i), Arg.len(i), Arg.hash(i));
    if (e == 0 || Entry.type(e) != TYPE_STRING) replyNull();
    else replyString(e);
  }
}

/** MSET key value [key value ...] */
export function msetCommand(): void {
  if ((argc & 1) == 0) replyWrongArguments('mset');
  else if (storePairsOrReply(1, argc >> 1, NO_EXPIRE)) replyOk();
}

/** MSETNX key value [key value ...] */
export function msetnxCommand(): void {
  if ((argc & 1) == 0) replyWrongArguments('msetnx');
  else if (countExisting(1, argc >> 1, 1) != 0) replyInt(0);
  else if (storePairsOrReply(1, argc >> 1, NO_EXPIRE)) replyInt(1);
}

/** MSETEX numkeys key value [key value ...] [NX | XX] [expiry] */
export function msetexCommand(): void {
  if (!parseI64(Arg.ptr(1), Arg.len(1)) || parseI64Value < 1 || parseI64Value > i32.MAX_VALUE) {
    replyError('ERR invalid numkeys value');
    return;
  }
  const pairs = <u32>parseI64Value;
  if (pairs > (argc - 2) >> 1) {
    replyError('ERR wrong number of key-value pairs');
    return;
  }
  if (!parseOptionsOrReply(2 + (pairs << 1), OPTIONS_OF_MSETEX)) return;
  const given = options;
  let expireAtMs = given & OPTION_KEEPTTL ? KEEP_EXPIRE : NO_EXPIRE;
  if (timeArg != 0) {
    if (!parseExpiryOrReply(timeArg, given & OPTIONS_TIME, 'msetex')) return;
    expireAtMs = expiryAtMs;
  }
  let wanted = true;
  if (given & OPTION_NX) wanted = countExisting(2, pairs, 1) == 0;
  else if (given & OPTION_XX) wanted = countExisting(2, pairs, pairs) == pairs;
  if (!wanted) replyInt(0);
  else if (storePairsOrReply(2, pairs, expireAtMs)) replyInt(1);
}

/** Pairs from argument 2 on were set by MSETEX: what older servers understand is written. */
function propagateSetEx(pairs: u32, expireAtMs: i64): void {
  const end: u32 = 2 + (pairs << 1);
  if (expireAtMs == NO_EXPIRE) {
    commandOp('MSET', end - 1);
    opArgs(2, end);
    return;
  }
  for (let i: u32 = 2; i < end; i += 2) {
    const keeps = expireAtMs == KEEP_EXPIRE;
    commandOp('SET', keeps ? 4 : 5);
    opArg(i);
    opArg(i + 1);
    opText(keeps ? 'KEEPTTL' : 'PXAT');
    if (!keeps) opInt(expireAtMs);
  }
}

/** How many keys of the pairs from argument `first` on exist; not counted beyond `enough`. */
function countExisting(first: u32, pairs: u32, enough: u32): u32 {
  let existing: u32 = 0;
  for (let n: u32 = 0; n < pairs && existing < enough; n++) {
    const i = first + (n << 1);
    if (lookupKeyWrite(Arg.ptr(i), Arg.len(i), Arg.hash(i)) != 0) existing += 1;
  }
  return existing;
}

// --- Storing ---

/** Room that an entry may take besides key and value, its share of the table included. */
const PAIR_OVERHEAD_BYTES: u32 = 64;

/** Stores the pairs from argument `first` on. False after replying that memory is exhausted. */
function storePairsOrReply(first: u32, pairs: u32, expireAtMs: i64): bool {
  let bytes: u64 = 0;
  for (let i = first; i < first + (pairs << 1); i++) bytes += Arg.len(i);
  bytes += <u64>pairs * PAIR_OVERHEAD_BYTES;
  const stored = isPlentyFor(bytes)
    ? storeOneByOne(first, pairs, expireAtMs)
    : storeTogether(first, pairs, expireAtMs);
  if (propagating && stored > 0) {
    if (first == 2) propagateSetEx(stored, expireAtMs);
    else if (stored < pairs) propagateFirst(1 + (stored << 1));
  }
  if (stored == pairs) return true;
  replyError(ERR_OOM_LIMIT);
  return false;
}

/** Reports the pair at argument `i`, which has been stored. */
function reportPair(i: u32, expireAtMs: i64): void {
  argEvent(i, NOTIFY_STRING, 'set', 1);
  if (expireAtMs >= 0) argEvent(i, NOTIFY_GENERIC, 'expire', 0);
}

/** Returns how many pairs were stored: fewer than `pairs` only if the host refuses more memory. */
function storeOneByOne(first: u32, pairs: u32, expireAtMs: i64): u32 {
  for (let n: u32 = 0; n < pairs; n++) {
    const i = first + (n << 1);
    if (
      !trySetString(Arg.ptr(i), Arg.len(i), Arg.hash(i), Arg.ptr(i + 1), Arg.len(i + 1), expireAtMs)
    ) {
      return n;
    }
    reportPair(i, expireAtMs);
  }
  return pairs;
}

/** Returns `pairs`, or 0 when memory is exhausted; then nothing changed. */
function storeTogether(first: u32, pairs: u32, expireAtMs: i64): u32 {
  const list = tryAlloc((<usize>pairs) << 2);
  if (list == 0) return 0;
  let built: u32 = 0;
  while (built < pairs) {
    const e = tryBuildPair(first + (built << 1), expireAtMs);
    if (e == 0) break;
    store<u32>(list + ((<usize>built) << 2), <u32>e);
    built += 1;
  }
  // From here on memory is only needed for buckets of the table: the reserve must be whole for that.
  const fits = built == pairs && !memoryNearlyExhausted();
  let stored: u32 = 0;
  for (let n: u32 = 0; n < built; n++) {
    const e: EntryPtr = load<u32>(list + ((<usize>n) << 2));
    const i = first + (n << 1);
    if (!fits) entryFree(e);
    else if (tryPutPair(i, e)) {
      reportPair(i, expireAtMs);
      stored += 1;
    }
  }
  free(list);
  return stored;
}

function tryBuildPair(i: u32, expireAtMs: i64): EntryPtr {
  let at = expireAtMs;
  if (at == KEEP_EXPIRE) {
    const old = lookupKeyQuiet(Arg.ptr(i), Arg.len(i), Arg.hash(i));
    at = old != 0 && Entry.hasExpire(old) ? Entry.expireAtMs(old) : NO_EXPIRE;
  }
  return tryNewStringFor(Arg.ptr(i), Arg.len(i), Arg.ptr(i + 1), Arg.len(i + 1), at);
}

function tryPutPair(i: u32, e: EntryPtr): bool {
  const old = lookupKeyWrite(Arg.ptr(i), Arg.len(i), Arg.hash(i));
  if (old == 0) return tryInsertNew(e, Arg.hash(i));
  replaceFound(old, e);
  return true;
}
