// Sorted sets: adding, removing, scores, ranks and both ends. Ranges are in zset_range.ts, what takes
// several sets in zset_algebra.ts, picking at random in zset_random.ts, ZSCAN in zset_scan.ts.
//
// A sorted set that has become empty is deleted with its key. ZADD of several members that runs out of
// memory replies the error and keeps those it has added.

import { BLOCKED_ZSET, blockOnKeysOrReply, mayBlock } from '../client/blocked';
import { deleteFound, deleteKey, lookupKeyRead, lookupKeyWrite } from '../keyspace/db';
import { NOTIFY_GENERIC, NOTIFY_ZSET } from '../keyspace/effects';
import { ENCODING_SKIPLIST, Entry, EntryPtr, TYPE_ZSET } from '../keyspace/entry';
import { opInt, propagating } from '../keyspace/propagation';
import {
  cursorMember,
  cursorNext,
  cursorPrev,
  cursorScore,
  cursorSeek,
  foundScore,
  memberInt,
  memberLen,
  memberPtr,
  tryNewZsetKey,
  tryZsetAdd,
  tryZsetExpect,
  tryZsetUpdate,
  zsetFindHashed,
  zsetLength,
  zsetRankFound,
  zsetRemoveFound,
  zsetRemoveRange,
} from '../keyspace/zset_value';
import { argEvent } from '../resp/arg_event';
import { argAtLeastOrText, argCountOrReply, argI64 } from '../resp/arg_number';
import { argDeadlineMs, argTimeoutOrReply } from '../resp/arg_timeout';
import { Arg, argc, argIs } from '../resp/args';
import { client } from '../resp/connection';
import {
  ERR_NOT_FLOAT,
  ERR_OOM_LIMIT,
  ERR_SYNTAX,
  ERR_WRONG_TYPE,
  replyError,
  replyWrongArguments,
} from '../resp/errors';
import { commandOp, opArg, propagateFirst } from '../resp/propagate';
import {
  outputLost,
  replyArray,
  replyBulk,
  replyBulkInt,
  replyDouble,
  replyInt,
  replyNull,
  replyNullArray,
} from '../resp/writer';
import { parseF64, parseF64Value } from '../util/number_parse';
import { replyMpopSyntax } from './list';

/** False after replying that the entry is no sorted set. */
export function isZsetOrReply(e: EntryPtr): bool {
  if (Entry.type(e) == TYPE_ZSET) return true;
  replyError(ERR_WRONG_TYPE);
  return false;
}

// --- ZADD ---

export const ADD_NX: u32 = 1;
export const ADD_XX: u32 = 2;
const ADD_GT: u32 = 4;
const ADD_LT: u32 = 8;
export const ADD_CH: u32 = 16;
const ADD_INCR: u32 = 32;

/** ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...] */
export function zaddCommand(): void {
  add(0);
}

/** ZINCRBY key increment member */
export function zincrbyCommand(): void {
  add(ADD_INCR);
}

/** The option that argument `i` is, 0 for none. */
function addOption(i: u32): u32 {
  // Scores are longer or begin otherwise; most calls stop at the first byte.
  const len = Arg.len(i);
  if (len < 2 || len > 4 || load<u8>(Arg.ptr(i)) < 65) return 0;
  if (argIs(i, 'nx')) return ADD_NX;
  if (argIs(i, 'xx')) return ADD_XX;
  if (argIs(i, 'gt')) return ADD_GT;
  if (argIs(i, 'lt')) return ADD_LT;
  if (argIs(i, 'ch')) return ADD_CH;
  return argIs(i, 'incr') ? ADD_INCR : 0;
}

/** Whether options and pairs from argument `first` on make sense; else the error is sent. */
function isAddOrReply(flags: u32, first: u32): bool {
  const words = argc - first;
  if (words == 0 || words & 1) replyError(ERR_SYNTAX);
  else if ((flags & (ADD_NX | ADD_XX)) == (ADD_NX | ADD_XX)) {
    replyError('ERR XX and NX options at the same time are not compatible');
  } else if (popcnt(flags & (ADD_NX | ADD_GT | ADD_LT)) > 1) {
    replyError('ERR GT, LT, and/or NX options at the same time are not compatible');
  } else if (flags & ADD_INCR && words > 2) {
    replyError('ERR INCR option supports a single increment-element pair');
  } else return areScoresOrReply(first);
  return false;
}

/** Whether all scores are valid; the last one is then in `parseF64Value`. */
function areScoresOrReply(first: u32): bool {
  for (let i = first; i < argc; i += 2) {
    if (parseF64(Arg.ptr(i), Arg.len(i))) continue;
    replyError(ERR_NOT_FLOAT);
    return false;
  }
  return true;
}

// What `addOne` did.
let added: u32 = 0;
let updated: u32 = 0;
let skipped: bool = false;
let newScore: f64 = 0;

function add(flags: u32): void {
  let first: u32 = 2;
  while (first < argc) {
    const option = addOption(first);
    if (option == 0) break;
    flags |= option;
    first += 1;
  }
  if (!isAddOrReply(flags, first)) return;
  const pairs = (argc - first) >> 1;
  let score = parseF64Value;
  const e = addBegin(flags, pairs, first + 1);
  if (e == 0) return;
  let error: string = '';
  for (let i = first; i < argc && error.length == 0; i += 2) {
    if (pairs > 1) {
      parseF64(Arg.ptr(i), Arg.len(i));
      score = parseF64Value;
    }
    error = addOne(e, i + 1, score, flags);
    // What comes behind an error was not added, nor what it is about.
    if (propagating && error.length != 0 && added + updated > 0) propagateFirst(i);
  }
  addEnd(e, flags, error);
}

/**
 * The set that argument 1 names, for `addOne` of `members` members, of which the first is argument `i`;
 * there is a new one if need be. `addEnd` must follow. 0 when the reply is sent.
 */
export function addBegin(flags: u32, members: u32, i: u32): EntryPtr {
  added = 0;
  updated = 0;
  skipped = false;
  let e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) {
    if (flags & ADD_XX) {
      if (flags & ADD_INCR) replyNull();
      else replyInt(0);
      return 0;
    }
    e = tryNewZsetKey(Arg.ptr(1), Arg.len(1), Arg.hash(1), members, Arg.len(i));
  } else {
    if (!isZsetOrReply(e)) return 0;
    if (!tryZsetExpect(e, members)) e = 0;
  }
  if (e == 0) replyError(ERR_OOM_LIMIT);
  return e;
}

/** Reports and replies what was done since `addBegin`, or the error that ended it. */
export function addEnd(e: EntryPtr, flags: u32, error: string): void {
  if (added + updated > 0) {
    argEvent(1, NOTIFY_ZSET, flags & ADD_INCR ? 'zincr' : 'zadd', added + updated);
  } else if (zsetLength(e) == 0) deleteKey(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (error.length != 0) replyError(error);
  else if ((flags & ADD_INCR) == 0) replyInt(flags & ADD_CH ? added + updated : added);
  else if (skipped) replyNull();
  else replyDouble(newScore);
}

/** Whether the member in argument `i` is there, whose hash touching has computed for large sets. */
function findArg(e: EntryPtr, i: u32): bool {
  const hash: u64 = Entry.encoding(e) == ENCODING_SKIPLIST ? Arg.hash(i) : 0;
  return zsetFindHashed(e, Arg.ptr(i), Arg.len(i), hash);
}

/** Adds or changes the member in argument `i`. Returns the text of an error, empty for none. */
export function addOne(e: EntryPtr, i: u32, score: f64, flags: u32): string {
  const member = Arg.ptr(i);
  const len = Arg.len(i);
  newScore = score;
  if (!findArg(e, i)) {
    if (flags & ADD_XX) {
      skipped = true;
      return '';
    }
    if (!tryZsetAdd(e, member, len, score)) return ERR_OOM_LIMIT;
    added += 1;
    return '';
  }
  const old = foundScore;
  if (flags & ADD_NX) {
    skipped = true;
    return '';
  }
  if (flags & ADD_INCR) {
    newScore = score + old;
    if (isNaN(newScore)) return 'ERR resulting score is not a number (NaN)';
  }
  if ((flags & ADD_LT && newScore >= old) || (flags & ADD_GT && newScore <= old)) {
    skipped = true;
    return '';
  }
  if (newScore == old) return '';
  if (!tryZsetUpdate(e, member, len, newScore)) return ERR_OOM_LIMIT;
  updated += 1;
  return '';
}

// --- Removing ---

/** ZREM key member [member ...] */
export function zremCommand(): void {
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) {
    replyInt(0);
    return;
  }
  if (!isZsetOrReply(e)) return;
  let removed: u32 = 0;
  let left = zsetLength(e);
  for (let i: u32 = 2; i < argc && left > 0; i++) {
    if (!findArg(e, i)) continue;
    zsetRemoveFound(e);
    removed += 1;
    left -= 1;
  }
  if (removed > 0) membersRemoved(1, e, 'zrem', removed);
  replyInt(removed);
}

/**
 * Reports that members of the set that the last lookup found, in argument `i`, were removed, and
 * deletes it if none is left.
 */
export function membersRemoved(i: u32, e: EntryPtr, event: string, count: u32): void {
  argEvent(i, NOTIFY_ZSET, event, count);
  if (zsetLength(e) > 0) return;
  deleteFound(Arg.hash(i));
  argEvent(i, NOTIFY_GENERIC, 'del', 0);
}

// --- Both ends ---

/** ZPOPMIN key [count] */
export function zpopminCommand(): void {
  popEnd(false);
}

/** ZPOPMAX key [count] */
export function zpopmaxCommand(): void {
  popEnd(true);
}

function popEnd(highest: bool): void {
  if (argc > 3) {
    replyError(ERR_SYNTAX);
    return;
  }
  const hasCount = argc == 3;
  if (hasCount && !argCountOrReply(2)) return;
  const count = hasCount ? argI64 : 1;
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) replyArray(0);
  else if (!isZsetOrReply(e)) return;
  else if (count == 0) replyArray(0);
  else popMembers(1, e, highest, count, hasCount && client.resp == 3);
}

/** Removes up to `count` members from an end of the set that the last lookup found, and replies. */
function popMembers(i: u32, e: EntryPtr, highest: bool, count: i64, nested: bool): void {
  const range = <u32>min<i64>(count, zsetLength(e));
  replyArray(nested ? range : range << 1);
  popRange(i, e, highest, range, nested);
}

/** The same for `range` members that exist, without the array around them. */
function popRange(i: u32, e: EntryPtr, highest: bool, range: u32, nested: bool): void {
  const length = zsetLength(e);
  cursorSeek(e, highest ? length - 1 : 0);
  replyMembers(range, highest, true, nested);
  zsetRemoveRange(e, highest ? length - range : 0, range);
  membersRemoved(i, e, highest ? 'zpopmax' : 'zpopmin', range);
}

/** Replies with `count` members from the cursor on, with their scores, in pairs of their own. */
export function replyMembers(count: u32, backwards: bool, scores: bool, nested: bool): void {
  for (let left = count; left > 0 && !outputLost; left--) {
    if (nested) replyArray(2);
    replyMember();
    if (scores) replyDouble(cursorScore());
    if (left == 1) break;
    if (backwards) cursorPrev();
    else cursorNext();
  }
}

/** Replies with the member at the cursor. */
export function replyMember(): void {
  cursorMember();
  if (memberPtr != 0) replyBulk(memberPtr, memberLen);
  else replyBulkInt(memberInt);
}

/** BZPOPMIN key [key ...] timeout */
export function bzpopminCommand(): void {
  popEndOrWait(false);
}

/** BZPOPMAX key [key ...] timeout */
export function bzpopmaxCommand(): void {
  popEndOrWait(true);
}

function popEndOrWait(highest: bool): void {
  const keys = argc - 2;
  if (!argTimeoutOrReply(argc - 1)) return;
  for (let i: u32 = 1; i <= keys; i++) {
    const e = lookupKeyWrite(Arg.ptr(i), Arg.len(i), Arg.hash(i));
    if (e == 0) continue;
    if (!isZsetOrReply(e)) return;
    replyArray(3);
    replyBulk(Arg.ptr(i), Arg.len(i));
    popRange(i, e, highest, 1, false);
    if (!propagating) return;
    commandOp(highest ? 'ZPOPMAX' : 'ZPOPMIN', 2);
    opArg(i);
    return;
  }
  if (mayBlock()) blockOnKeysOrReply(BLOCKED_ZSET, 1, keys, argDeadlineMs, false);
  else replyNullArray();
}

/** ZMPOP numkeys key [key ...] MIN | MAX [COUNT count] */
export function zmpopCommand(): void {
  if (!readMpopOrReply(1)) return;
  if (!popFirstOrReply(2, mpopKeys)) replyNullArray();
}

/** BZMPOP timeout numkeys key [key ...] MIN | MAX [COUNT count] */
export function bzmpopCommand(): void {
  if (!readMpopOrReply(2) || !argTimeoutOrReply(1)) return;
  if (popFirstOrReply(3, mpopKeys)) return;
  if (mayBlock()) blockOnKeysOrReply(BLOCKED_ZSET, 3, mpopKeys, argDeadlineMs, false);
  else replyNullArray();
}

let mpopKeys: u32 = 0;
let mpopCount: i64 = 0;
let mpopHighest: bool = false;

/** Reads the number of keys, in argument `at`, and what comes behind the keys. */
function readMpopOrReply(at: u32): bool {
  if (!argAtLeastOrText(at, 1, 'ERR numkeys should be greater than 0')) return false;
  if (argI64 >= <i64>argc - at - 1) {
    replyError(ERR_SYNTAX);
    return false;
  }
  mpopKeys = <u32>argI64;
  const where: u32 = at + mpopKeys + 1;
  mpopHighest = argIs(where, 'max');
  if (!mpopHighest && !argIs(where, 'min')) {
    replyError(ERR_SYNTAX);
    return false;
  }
  mpopCount = 1;
  if (argc == where + 1) return true;
  if (argc != where + 3 || !argIs(where + 1, 'count')) {
    replyMpopSyntax(where);
    return false;
  }
  if (!argAtLeastOrText(where + 2, 1, 'ERR count should be greater than 0')) return false;
  mpopCount = argI64;
  return true;
}

/** Pops from the first of `count` keys that has a set. False without a reply when none has. */
function popFirstOrReply(first: u32, count: u32): bool {
  for (let i = first; i < first + count; i++) {
    const e = lookupKeyWrite(Arg.ptr(i), Arg.len(i), Arg.hash(i));
    if (e == 0) continue;
    if (!isZsetOrReply(e)) return true;
    const popped = min<i64>(mpopCount, zsetLength(e));
    replyArray(2);
    replyBulk(Arg.ptr(i), Arg.len(i));
    popMembers(i, e, mpopHighest, mpopCount, true);
    if (!propagating) return true;
    commandOp(mpopHighest ? 'ZPOPMAX' : 'ZPOPMIN', 3);
    opArg(i);
    opInt(popped);
    return true;
  }
  return false;
}

// --- Reading ---

/** ZCARD key */
export function zcardCommand(): void {
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) replyInt(0);
  else if (isZsetOrReply(e)) replyInt(zsetLength(e));
}

/** Replies with the score of the member in argument `i`, null for none. */
function replyScore(e: EntryPtr, i: u32): void {
  if (e != 0 && findArg(e, i)) replyDouble(foundScore);
  else replyNull();
}

/** ZSCORE key member */
export function zscoreCommand(): void {
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0 || isZsetOrReply(e)) replyScore(e, 2);
}

/** ZMSCORE key member [member ...] */
export function zmscoreCommand(): void {
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e != 0 && !isZsetOrReply(e)) return;
  replyArray(argc - 2);
  for (let i: u32 = 2; i < argc; i++) replyScore(e, i);
}

/** ZRANK key member [WITHSCORE] */
export function zrankCommand(): void {
  rank(false, 'zrank');
}

/** ZREVRANK key member [WITHSCORE] */
export function zrevrankCommand(): void {
  rank(true, 'zrevrank');
}

function rank(reverse: bool, command: string): void {
  const withScore = argc == 4;
  if (argc > 4) {
    replyWrongArguments(command);
    return;
  }
  if (withScore && !argIs(3, 'withscore')) {
    replyError(ERR_SYNTAX);
    return;
  }
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e != 0 && !isZsetOrReply(e)) return;
  if (e == 0 || !findArg(e, 2)) {
    if (withScore) replyNullArray();
    else replyNull();
    return;
  }
  const before = zsetRankFound(e);
  if (withScore) replyArray(2);
  replyInt(reverse ? zsetLength(e) - 1 - before : before);
  if (withScore) replyDouble(foundScore);
}
