// ZSCAN: walking a sorted set in steps.
//
// A set in one block comes as a whole, with the cursor 0. Of a larger one each step takes chains of its
// hash table, with a cursor as SCAN has it (scan.ts): what is there from the first call to the last is
// returned. Scores are text in both protocols, of large sets with 17 digits, as in Redis.

import { lookupKeyRead } from '../keyspace/db';
import { ENCODING_LISTPACK, Entry, EntryPtr } from '../keyspace/entry';
import { reverseBits } from '../keyspace/key_table';
import {
  cursorMemberText,
  cursorNext,
  cursorScore,
  cursorSeek,
  memberLen,
  memberPtr,
} from '../keyspace/zset_value';
import { argI64, argI64OrReply } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import { ERR_SYNTAX, replyError } from '../resp/errors';
import {
  outputLen,
  outputLost,
  replyArray,
  replyBulk,
  replyBulkU64,
  replyHeadFirst,
} from '../resp/writer';
import { Bucket, dictScanBucket, dictScanNext } from '../struct/dict';
import { Member } from '../struct/member_table';
import { SortedSet } from '../struct/sorted_set';
import { findByte } from '../util/bytes';
import { globMatch } from '../util/glob';
import { F64_CHARS_MAX, formatF64, formatF64Precise } from '../util/number_format';
import { parseCursor, parseU64Value } from '../util/number_parse';
import { isZsetOrReply } from './zset';

const COUNT_DEFAULT: i64 = 10;
const CHAINS_PER_COUNT: u64 = 10;

const text: usize = memory.data(<i32>F64_CHARS_MAX, 8);

// ZSCAN's options, set by `parseOptionsOrReply`, and what it has returned.
let wanted: u64 = 0;
let pattern: u32 = 0; // argument, 0 when every member matches
let returned: u32 = 0;

function parseOptionsOrReply(): bool {
  wanted = COUNT_DEFAULT;
  pattern = 0;
  for (let i: u32 = 3; i < argc; i += 2) {
    const hasValue = i + 1 < argc;
    if (argIs(i, 'count') && hasValue) {
      if (!argI64OrReply(i + 1)) return false;
      if (argI64 < 1) {
        replyError(ERR_SYNTAX);
        return false;
      }
      wanted = argI64;
    } else if (argIs(i, 'match') && hasValue) pattern = i + 1;
    else {
      replyError(ERR_SYNTAX);
      return false;
    }
  }
  return true;
}

/** Reads the cursor, which as in Redis ends at the first zero byte. */
function parseCursorArg(i: u32): bool {
  const zero = findByte(Arg.ptr(i), Arg.ptr(i) + Arg.len(i), 0);
  return parseCursor(Arg.ptr(i), zero == 0 ? Arg.len(i) : <u32>(zero - Arg.ptr(i)));
}

/** ZSCAN key cursor [MATCH pattern] [COUNT count] */
export function zscanCommand(): void {
  if (!parseCursorArg(2)) {
    replyError('ERR invalid cursor');
    return;
  }
  let position = reverseBits(parseU64Value);
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) {
    replyArray(2);
    replyBulkU64(0);
    replyArray(0);
    return;
  }
  if (!isZsetOrReply(e) || !parseOptionsOrReply()) return;
  returned = 0;
  const body = outputLen();
  if (Entry.encoding(e) == ENCODING_LISTPACK) {
    scanListpack(e);
    position = 0;
  } else position = scanTable(changetype<SortedSet>(Entry.valuePtr(e)), position);
  const head = outputLen();
  replyArray(2);
  replyBulkU64(reverseBits(position));
  replyArray(returned << 1);
  replyHeadFirst(body, head);
}

/** Replies with a member and a score already in `text`, if the pattern lets it through. */
function replyMatch(member: usize, len: u32, textLen: u32): void {
  const pass = pattern == 0 || globMatch(Arg.ptr(pattern), Arg.len(pattern), member, len, false);
  if (!pass) return;
  replyBulk(member, len);
  replyBulk(text, textLen);
  returned += 1;
}

function scanListpack(e: EntryPtr): void {
  for (let more = cursorSeek(e, 0); more; more = cursorNext()) {
    cursorMemberText();
    replyMatch(memberPtr, memberLen, formatF64(cursorScore(), text));
  }
}

/** Takes chains from a position on until enough members are found; returns where to go on. */
function scanTable(z: SortedSet, position: u64): u64 {
  const most = wanted > u64.MAX_VALUE / CHAINS_PER_COUNT ? wanted : wanted * CHAINS_PER_COUNT;
  let chains: u64 = 0;
  do {
    for (let b = dictScanBucket(z, position); b != 0; b = Bucket.next(b)) {
      for (let rest = Bucket.occupied(b); rest != 0; rest &= rest - 1) {
        const m = Bucket.entry(b, ctz(rest));
        replyMatch(Member.ptr(m), Member.len(m), formatF64Precise(Member.score(m), text));
      }
    }
    position = dictScanNext(z, position);
    chains += 1;
  } while (position != 0 && chains <= most && <u64>returned < wanted && !outputLost);
  return position;
}
