// Walking member tables in steps: SSCAN, HSCAN and ZSCAN of large values.
//
// A step takes whole chains of buckets, with the guarantees of SCAN (scan.ts): what is there from the
// first call to the last is returned. COUNT is about how many members are looked at.

import { nowMs } from '../keyspace/clock';
import { outputLen, outputLost, replyBulk } from '../resp/writer';
import { Bucket, dictScanBucket, dictScanNext } from '../struct/dict';
import { MEMBERS_SCORE, Member, MemberPtr, MemberTable } from '../struct/member_table';
import { F64_CHARS_MAX, formatF64Precise } from '../util/number_format';
import {
  SCAN_FIELDS,
  scanChainsMax,
  scanCount,
  scanMatches,
  scanNoValues,
  scanPosition,
  scanReplyEnd,
} from './scan_options';

const scoreText: usize = memory.data(<i32>F64_CHARS_MAX, 8);

/** Replies with one member that passed, and what belongs to it. Returns how many elements that is. */
function replyMember(kind: u32, m: MemberPtr, what: u32): u32 {
  replyBulk(Member.ptr(m), Member.len(m));
  if (kind == MEMBERS_SCORE) {
    replyBulk(scoreText, formatF64Precise(Member.score(m), scoreText));
    return 2;
  }
  if (what != SCAN_FIELDS || scanNoValues) return 1;
  replyBulk(Member.valuePtr(m), Member.valueLen(m));
  return 2;
}

/** Whether it is a field whose time has come. */
function isOver(m: MemberPtr): bool {
  return Member.hasExpire(m) && Member.expireAtMs(m) < nowMs;
}

/** One step through a table, from the cursor and with the options that were read. */
export function scanTable(table: MemberTable, what: u32): void {
  const body = outputLen();
  const chainsMax = scanChainsMax();
  let position = scanPosition;
  let chains: u64 = 0;
  let sampled: u64 = 0;
  let returned: u32 = 0;
  do {
    for (let b = dictScanBucket(table, position); b != 0; b = Bucket.next(b)) {
      const occupied = Bucket.occupied(b);
      sampled += popcnt(occupied);
      for (let rest = occupied; rest != 0; rest &= rest - 1) {
        const m = Bucket.entry(b, ctz(rest));
        if (isOver(m)) continue;
        if (scanMatches(Member.ptr(m), Member.len(m))) {
          returned += replyMember(table.kind, m, what);
        }
      }
    }
    position = dictScanNext(table, position);
    chains += 1;
  } while (position != 0 && chains <= chainsMax && sampled < scanCount && !outputLost);
  scanReplyEnd(body, position, returned);
}
