// Ranges of sorted sets: by rank, by score and by the bytes of members. Counting them, replying with
// them, storing and removing them.
//
// Every range becomes a first rank and a count (zset_value.ts); LIMIT and REV are arithmetic on those.

import { deleteKey, lookupKeyRead, lookupKeyWrite } from '../keyspace/db';
import { NOTIFY_GENERIC, NOTIFY_ZSET } from '../keyspace/effects';
import { EntryPtr } from '../keyspace/entry';
import {
  cursorMemberText,
  cursorNext,
  cursorScore,
  cursorSeek,
  LexBound,
  memberLen,
  memberPtr,
  tryStoreZset,
  zsetLength,
  zsetLexRange,
  zsetRangeCount,
  zsetRangeFrom,
  zsetRemoveRange,
  zsetScoreRange,
} from '../keyspace/zset_value';
import { argEvent } from '../resp/arg_event';
import { argI64, argI64OrReply } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import { client } from '../resp/connection';
import { ERR_OOM_LIMIT, ERR_SYNTAX, replyError } from '../resp/errors';
import { replyArray, replyInt } from '../resp/writer';
import {
  LEX_EXCLUSIVE,
  LEX_FIRST,
  LEX_INCLUSIVE,
  LEX_LAST,
  SortedSet,
  tryZslInsert,
  tryZslNew,
  zslFree,
} from '../struct/sorted_set';
import { parseF64Lenient, parseF64Value } from '../util/number_parse';
import { hashBytes } from '../util/siphash';
import { isZsetOrReply, membersRemoved, replyMembers } from './zset';

const BY_RANK: u32 = 0;
const BY_SCORE: u32 = 1;
const BY_LEX: u32 = 2;
/** To be told by the options. */
const BY_OPTION: u32 = 3;

const PAREN_OPEN: u32 = 40;
const BRACKET_OPEN: u32 = 91;
const PLUS: u32 = 43;
const MINUS: u32 = 45;

// The range that `parseRangeOrReply` read.
let firstRank: i64 = 0;
let lastRank: i64 = 0;
let leastScore: f64 = 0;
let leastExclusive: bool = false;
let mostScore: f64 = 0;
let mostExclusive: bool = false;
const leastLex = changetype<LexBound>(memory.data(12, 8));
const mostLex = changetype<LexBound>(memory.data(12, 8));

/** Whether argument `i` begins with an opening parenthesis. */
function isExclusive(i: u32): bool {
  return Arg.len(i) > 0 && <u32>load<u8>(Arg.ptr(i)) == PAREN_OPEN;
}

function parseScore(i: u32): bool {
  const skip: u32 = isExclusive(i) ? 1 : 0;
  return parseF64Lenient(Arg.ptr(i) + skip, Arg.len(i) - skip);
}

function parseScores(least: u32, most: u32): bool {
  if (!parseScore(least)) return false;
  leastScore = parseF64Value;
  leastExclusive = isExclusive(least);
  if (!parseScore(most)) return false;
  mostScore = parseF64Value;
  mostExclusive = isExclusive(most);
  return true;
}

function parseLex(i: u32, bound: LexBound): bool {
  const ptr = Arg.ptr(i);
  const len = Arg.len(i);
  if (len == 0) return false;
  const first: u32 = load<u8>(ptr);
  bound.ptr = ptr + 1;
  bound.len = len - 1;
  if (first == PAREN_OPEN) bound.kind = LEX_EXCLUSIVE;
  else if (first == BRACKET_OPEN) bound.kind = LEX_INCLUSIVE;
  else if ((first == PLUS || first == MINUS) && (len == 1 || load<u8>(ptr, 1) == 0)) {
    bound.kind = first == PLUS ? LEX_LAST : LEX_FIRST;
  } else return false;
  return true;
}

/** Reads a range of this kind from two arguments. False after an error reply. */
function parseRangeOrReply(by: u32, least: u32, most: u32): bool {
  if (by == BY_RANK) {
    if (!argI64OrReply(least)) return false;
    firstRank = argI64;
    if (!argI64OrReply(most)) return false;
    lastRank = argI64;
  } else if (by == BY_SCORE) {
    if (!parseScores(least, most)) {
      replyError('ERR min or max is not a float');
      return false;
    }
  } else if (!parseLex(least, leastLex) || !parseLex(most, mostLex)) {
    replyError('ERR min or max not valid string range item');
    return false;
  }
  return true;
}

// The range as ranks, in the direction of the command: `from` may count from the end.
let from: u32 = 0;
let count: u32 = 0;

/** Finds the range that was read in a set: sets `from`, in ascending order, and `count`. */
function findRange(e: EntryPtr, by: u32): void {
  if (by == BY_SCORE) {
    zsetScoreRange(e, leastScore, leastExclusive, mostScore, mostExclusive);
  } else if (by == BY_LEX) zsetLexRange(e, leastLex, mostLex);
  if (by != BY_RANK) {
    from = zsetRangeFrom;
    count = zsetRangeCount;
    return;
  }
  const length: i64 = zsetLength(e);
  const first = firstRank < 0 ? max<i64>(firstRank + length, 0) : firstRank;
  const last = min(lastRank < 0 ? lastRank + length : lastRank, length - 1);
  count = first > last ? 0 : <u32>(last - first) + 1;
  from = <u32>first;
}

// --- Counting and removing ---

/** ZCOUNT key min max */
export function zcountCommand(): void {
  countRange(BY_SCORE);
}

/** ZLEXCOUNT key min max */
export function zlexcountCommand(): void {
  countRange(BY_LEX);
}

function countRange(by: u32): void {
  if (!parseRangeOrReply(by, 2, 3)) return;
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) replyInt(0);
  else if (isZsetOrReply(e)) {
    findRange(e, by);
    replyInt(count);
  }
}

/** ZREMRANGEBYRANK key start stop */
export function zremrangebyrankCommand(): void {
  removeRange(BY_RANK, 'zremrangebyrank');
}

/** ZREMRANGEBYSCORE key min max */
export function zremrangebyscoreCommand(): void {
  removeRange(BY_SCORE, 'zremrangebyscore');
}

/** ZREMRANGEBYLEX key min max */
export function zremrangebylexCommand(): void {
  removeRange(BY_LEX, 'zremrangebylex');
}

function removeRange(by: u32, event: string): void {
  if (!parseRangeOrReply(by, 2, 3)) return;
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) {
    replyInt(0);
    return;
  }
  if (!isZsetOrReply(e)) return;
  findRange(e, by);
  if (count > 0) {
    zsetRemoveRange(e, from, count);
    membersRemoved(1, e, event, count);
  }
  replyInt(count);
}

// --- ZRANGE ---

const FORWARD: u32 = 0;
const BACKWARD: u32 = 1;
const EITHER: u32 = 2;

/** ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES] */
export function zrangeCommand(): void {
  range(1, false, BY_OPTION, EITHER);
}

/** ZREVRANGE key start stop [WITHSCORES] */
export function zrevrangeCommand(): void {
  range(1, false, BY_RANK, BACKWARD);
}

/** ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count] */
export function zrangebyscoreCommand(): void {
  range(1, false, BY_SCORE, FORWARD);
}

/** ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count] */
export function zrevrangebyscoreCommand(): void {
  range(1, false, BY_SCORE, BACKWARD);
}

/** ZRANGEBYLEX key min max [LIMIT offset count] */
export function zrangebylexCommand(): void {
  range(1, false, BY_LEX, FORWARD);
}

/** ZREVRANGEBYLEX key max min [LIMIT offset count] */
export function zrevrangebylexCommand(): void {
  range(1, false, BY_LEX, BACKWARD);
}

/** ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count] */
export function zrangestoreCommand(): void {
  range(2, true, BY_OPTION, EITHER);
}

// The options of a range, set by `parseOptionsOrReply`; kind and direction are given in.
let rangeBy: u32 = BY_RANK;
let direction: u32 = FORWARD;
let withScores: bool = false;
let limitOffset: i64 = 0;
let limitCount: i64 = -1;

function parseOptionsOrReply(first: u32, store: bool): bool {
  withScores = false;
  limitOffset = 0;
  limitCount = -1;
  for (let i = first; i < argc; i++) {
    if (!store && argIs(i, 'withscores')) withScores = true;
    else if (argIs(i, 'limit') && i + 2 < argc) {
      if (!argI64OrReply(i + 1)) return false;
      limitOffset = argI64;
      if (!argI64OrReply(i + 2)) return false;
      limitCount = argI64;
      i += 2;
    } else if (direction == EITHER && argIs(i, 'rev')) direction = BACKWARD;
    else if (rangeBy == BY_OPTION && argIs(i, 'bylex')) rangeBy = BY_LEX;
    else if (rangeBy == BY_OPTION && argIs(i, 'byscore')) rangeBy = BY_SCORE;
    else {
      replyError(ERR_SYNTAX);
      return false;
    }
  }
  if (direction == EITHER) direction = FORWARD;
  if (rangeBy == BY_OPTION) rangeBy = BY_RANK;
  if (limitCount != -1 && rangeBy == BY_RANK) {
    replyError(
      'ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX',
    );
    return false;
  }
  if (withScores && rangeBy == BY_LEX) {
    replyError('ERR syntax error, WITHSCORES not supported in combination with BYLEX');
    return false;
  }
  return true;
}

/** Cuts the range found to the LIMIT and makes `from` the rank where the walk begins. */
function applyLimit(length: u32): void {
  const backward = direction == BACKWARD;
  if (rangeBy == BY_RANK) {
    if (backward) from = length - 1 - from;
    return;
  }
  const offset = limitOffset < 0 ? count : <u32>min<i64>(limitOffset, count);
  const rest = count - offset;
  if (backward) from = from + count - 1 - offset;
  else from += offset;
  count = limitCount < 0 ? rest : <u32>min<i64>(limitCount, rest);
}

function range(at: u32, store: bool, by: u32, towards: u32): void {
  rangeBy = by;
  direction = towards;
  if (!parseOptionsOrReply(at + 3, store)) return;
  const swapped = direction == BACKWARD && rangeBy != BY_RANK;
  if (!parseRangeOrReply(rangeBy, swapped ? at + 2 : at + 1, swapped ? at + 1 : at + 2)) return;
  const e = lookupKeyRead(Arg.ptr(at), Arg.len(at), Arg.hash(at));
  if (e != 0 && !isZsetOrReply(e)) return;
  count = 0;
  if (e != 0) {
    findRange(e, rangeBy);
    applyLimit(zsetLength(e));
  }
  if (store) storeRange(e);
  else replyRange(e);
}

function replyRange(e: EntryPtr): void {
  const nested = withScores && client.resp == 3;
  replyArray(withScores && !nested ? count << 1 : count);
  if (count == 0) return;
  cursorSeek(e, from);
  replyMembers(count, direction == BACKWARD, withScores, nested);
}

/** Stores the range at argument 1. */
function storeRange(e: EntryPtr): void {
  if (count == 0) {
    storeResult(0, 0, '');
    return;
  }
  const block = tryZslNew(count);
  if (block == 0 || !tryCopyRange(e, block)) {
    if (block != 0) zslFree(block);
    replyError(ERR_OOM_LIMIT);
    return;
  }
  storeResult(block, count, 'zrangestore');
}

function tryCopyRange(e: EntryPtr, block: usize): bool {
  const z = changetype<SortedSet>(block);
  // In which direction they are copied does not show.
  cursorSeek(e, direction == BACKWARD ? from + 1 - count : from);
  for (let left = count; left > 0; left--) {
    cursorMemberText();
    const hash = hashBytes(memberPtr, memberLen);
    if (tryZslInsert(z, memberPtr, memberLen, hash, cursorScore()) == 0) return false;
    if (left > 1) cursorNext();
  }
  return true;
}

/**
 * Stores the result of a command, a SortedSet, at argument 1 and replies with its size; 0 members
 * delete the key instead. Takes the block.
 */
export function storeResult(block: usize, members: u32, event: string): void {
  if (members == 0) {
    if (deleteKey(Arg.ptr(1), Arg.len(1), Arg.hash(1))) argEvent(1, NOTIFY_GENERIC, 'del', 1);
    replyInt(0);
  } else if (!tryStoreZset(Arg.ptr(1), Arg.len(1), Arg.hash(1), block)) replyError(ERR_OOM_LIMIT);
  else {
    argEvent(1, NOTIFY_ZSET, event, 1);
    replyInt(members);
  }
}
