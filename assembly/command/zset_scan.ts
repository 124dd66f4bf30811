// ZSCAN: walking a sorted set in steps.
//
// A set in one block comes as a whole, with the cursor 0. Of a larger one each step takes chains of its
// hash table, with a cursor as SCAN has it (scan.ts): what is there from the first call to the last is
// returned. Scores are text in both protocols, of large sets with 17 digits, as in Redis.

import { lookupKeyRead } from '../keyspace/db';
import { ENCODING_LISTPACK, Entry, EntryPtr } from '../keyspace/entry';
import {
  cursorMemberText,
  cursorNext,
  cursorScore,
  cursorSeek,
  memberLen,
  memberPtr,
} from '../keyspace/zset_value';
import { Arg } from '../resp/args';
import { outputLen, outputLost, replyBulk } from '../resp/writer';
import { Bucket, dictScanBucket, dictScanNext } from '../struct/dict';
import { Member } from '../struct/member_table';
import { SortedSet } from '../struct/sorted_set';
import { F64_CHARS_MAX, formatF64, formatF64Precise } from '../util/number_format';
import {
  parseCursorOrReply,
  parseScanOrReply,
  replyEmptyScan,
  SCAN_MEMBERS,
  scanChainsMax,
  scanCount,
  scanMatches,
  scanPosition,
  scanReplyEnd,
} from './scan_options';
import { isZsetOrReply } from './zset';

const text: usize = memory.data(<i32>F64_CHARS_MAX, 8);

/** Elements of the reply so far: two per member. */
let returned: u32 = 0;

/** ZSCAN key cursor [MATCH pattern] [COUNT count] */
export function zscanCommand(): void {
  if (!parseCursorOrReply(2)) return;
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) {
    replyEmptyScan();
    return;
  }
  if (!isZsetOrReply(e) || !parseScanOrReply(3, SCAN_MEMBERS)) return;
  returned = 0;
  const body = outputLen();
  let position: u64 = 0;
  if (Entry.encoding(e) == ENCODING_LISTPACK) scanListpack(e);
  else position = scanTable(changetype<SortedSet>(Entry.valuePtr(e)));
  scanReplyEnd(body, position, returned);
}

/** Replies with a member and the score already in `text`. */
function replyPair(member: usize, len: u32, textLen: u32): void {
  replyBulk(member, len);
  replyBulk(text, textLen);
  returned += 2;
}

function scanListpack(e: EntryPtr): void {
  for (let more = cursorSeek(e, 0); more; more = cursorNext()) {
    cursorMemberText();
    if (!scanMatches(memberPtr, memberLen)) continue;
    replyPair(memberPtr, memberLen, formatF64(cursorScore(), text));
  }
}

/** Takes chains from the cursor on until enough members were looked at; returns where to go on. */
function scanTable(z: SortedSet): u64 {
  const chainsMax = scanChainsMax();
  let position = scanPosition;
  let chains: u64 = 0;
  let sampled: u64 = 0;
  do {
    for (let b = dictScanBucket(z, position); b != 0; b = Bucket.next(b)) {
      const occupied = Bucket.occupied(b);
      sampled += popcnt(occupied);
      for (let rest = occupied; rest != 0; rest &= rest - 1) {
        const m = Bucket.entry(b, ctz(rest));
        if (!scanMatches(Member.ptr(m), Member.len(m))) continue;
        replyPair(Member.ptr(m), Member.len(m), formatF64Precise(Member.score(m), text));
      }
    }
    position = dictScanNext(z, position);
    chains += 1;
  } while (position != 0 && chains <= chainsMax && sampled < scanCount && !outputLost);
  return position;
}
