// ZRANDMEMBER: members of a sorted set picked at random, all choices equally likely.
//
// With repetition every member is a draw of its own. Without, few of many are drawn by rank (Floyd's
// method, with the ranks taken kept in a set); else a walk over all takes each member with the
// probability of what is wanted over what is left.

import { lookupKeyRead } from '../keyspace/db';
import { ENCODING_LISTPACK, Entry, EntryPtr } from '../keyspace/entry';
import { cursorNext, cursorScore, cursorSeek, zsetLength } from '../keyspace/zset_value';
import { argI64, argSymmetricOrReply } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import { client } from '../resp/connection';
import { ERR_SYNTAX, replyError } from '../resp/errors';
import {
  outputLen,
  outputLost,
  outputRewind,
  replyArray,
  replyDouble,
  replyNull,
} from '../resp/writer';
import {
  MEMBERS_PLAIN,
  MemberTable,
  memberFindHashed,
  memberTableFree,
  tryMemberInsert,
  tryMemberTableNew,
} from '../struct/member_table';
import { randomBelow } from '../util/prng';
import { hashBytes } from '../util/siphash';
import { isZsetOrReply, replyMember, replyMembers } from './zset';

/** A walk over all is no dearer than draws when so many times what is wanted is there. */
const DRAW_RATIO: u64 = 3;
const RANK_BYTES: u32 = 4;

const rankBytes: usize = memory.data(4, 4);

let withScores: bool = false;

/** ZRANDMEMBER key [count [WITHSCORES]] */
export function zrandmemberCommand(): void {
  withScores = false;
  const hasCount = argc > 2;
  if (hasCount && !parseCountOrReply()) return;
  const count = hasCount ? argI64 : 1;
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) {
    if (hasCount) replyArray(0);
    else replyNull();
  } else if (!isZsetOrReply(e)) return;
  else if (!hasCount) {
    cursorSeek(e, randomBelow(zsetLength(e)));
    replyMember();
  } else if (count < 0) replyWithRepetition(e, <u64>-count);
  else replyDistinct(e, <u32>min<i64>(count, zsetLength(e)));
}

/** Reads count and options; the count is in `argI64`. */
function parseCountOrReply(): bool {
  if (!argSymmetricOrReply(2)) return false;
  if (argc > 4 || (argc == 4 && !argIs(3, 'withscores'))) {
    replyError(ERR_SYNTAX);
    return false;
  }
  withScores = argc == 4;
  if (withScores && (argI64 < -(i64.MAX_VALUE / 2) || argI64 > i64.MAX_VALUE / 2)) {
    replyError('ERR value is out of range');
    return false;
  }
  return true;
}

function isNested(): bool {
  return withScores && client.resp == 3;
}

function replyOne(): void {
  if (isNested()) replyArray(2);
  replyMember();
  if (withScores) replyDouble(cursorScore());
}

/** As the reply's head, the count may be more than there can be: the reply then breaks off, lost. */
function replyHead(count: u64): void {
  const items = withScores && !isNested() ? count << 1 : count;
  replyArray(<u32>min<u64>(items, u32.MAX_VALUE));
}

function replyWithRepetition(e: EntryPtr, count: u64): void {
  const length = zsetLength(e);
  replyHead(count);
  for (let left = count; left > 0 && !outputLost; left--) {
    cursorSeek(e, randomBelow(length));
    replyOne();
  }
}

function replyDistinct(e: EntryPtr, count: u32): void {
  const length = zsetLength(e);
  replyHead(count);
  if (count == 0) return;
  if (count == length) {
    cursorSeek(e, 0);
    replyMembers(count, false, withScores, isNested());
    return;
  }
  const start = outputLen();
  const few = Entry.encoding(e) != ENCODING_LISTPACK && count * DRAW_RATIO <= <u64>length;
  if (few && tryReplyDrawn(e, count, length)) return;
  outputRewind(start);
  replyTaken(e, count, length);
}

/** Draws by rank. False when there is no memory to remember what was drawn. */
function tryReplyDrawn(e: EntryPtr, count: u32, length: u32): bool {
  const block = tryMemberTableNew(MEMBERS_PLAIN, count);
  if (block == 0) return false;
  const ranks = changetype<MemberTable>(block);
  let good = true;
  for (let last = length - count; last < length && good && !outputLost; last++) {
    store<u32>(rankBytes, randomBelow(last + 1));
    let hash = hashBytes(rankBytes, RANK_BYTES);
    if (memberFindHashed(ranks, rankBytes, RANK_BYTES, hash) != 0) {
      store<u32>(rankBytes, last);
      hash = hashBytes(rankBytes, RANK_BYTES);
    }
    good = tryMemberInsert(ranks, rankBytes, RANK_BYTES, hash) != 0;
    if (!good) break;
    cursorSeek(e, load<u32>(rankBytes));
    replyOne();
  }
  memberTableFree(block);
  return good;
}

/** Walks over all and takes some. */
function replyTaken(e: EntryPtr, count: u32, length: u32): void {
  cursorSeek(e, 0);
  let wanted = count;
  for (let left = length; wanted > 0 && !outputLost; left--) {
    if (randomBelow(left) < wanted) {
      replyOne();
      wanted -= 1;
    }
    cursorNext();
  }
}
