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
import { outputLen, replyBulk } from '../resp/writer';
import { MemberTable } from '../struct/member_table';
import { F64_CHARS_MAX, formatF64 } from '../util/number_format';
import { scanTable } from './member_scan';
import {
  parseCursorOrReply,
  parseScanOrReply,
  replyEmptyScan,
  SCAN_MEMBERS,
  scanMatches,
  scanReplyEnd,
} from './scan_options';
import { isZsetOrReply } from './zset';

const text: usize = memory.data(<i32>F64_CHARS_MAX, 8);

/** ZSCAN key cursor [MATCH pattern] [COUNT count] */
export function zscanCommand(): void {
  if (!parseCursorOrReply(2)) return;
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) {
    replyEmptyScan();
    return;
  }
  if (!isZsetOrReply(e) || !parseScanOrReply(3, SCAN_MEMBERS)) return;
  if (Entry.encoding(e) == ENCODING_LISTPACK) scanListpack(e);
  else scanTable(changetype<MemberTable>(Entry.valuePtr(e)), SCAN_MEMBERS);
}

function scanListpack(e: EntryPtr): void {
  const body = outputLen();
  let returned: u32 = 0;
  for (let more = cursorSeek(e, 0); more; more = cursorNext()) {
    cursorMemberText();
    if (!scanMatches(memberPtr, memberLen)) continue;
    replyBulk(memberPtr, memberLen);
    replyBulk(text, formatF64(cursorScore(), text));
    returned += 2;
  }
  scanReplyEnd(body, 0, returned);
}
