// A set or a sorted set as ZUNION and its like read it: members with scores, those of a set being 1.
//
// There is one walk at a time, and nothing may change what it walks. A missing key is an empty source.

import { intsetFind, intsetGet, intsetLen } from '../struct/intset';
import {
  LP_EOF,
  LP_HDR_SIZE,
  LP_INT_CHARS,
  lpFind,
  lpGetText,
  lpSkip,
  lpValueLen,
} from '../struct/listpack';
import {
  MEMBERS_START,
  Member,
  MemberTable,
  memberAt,
  memberFind,
  memberNext,
} from '../struct/member_table';
import { formatI64 } from '../util/number_format';
import { parseI64, parseI64Value } from '../util/number_parse';
import { ENCODING_INTSET, ENCODING_LISTPACK, Entry, EntryPtr, TYPE_SET, TYPE_ZSET } from './entry';
import { valueLength } from './value';
import {
  cursorMemberText,
  cursorNext,
  cursorScore,
  cursorSeek,
  foundScore,
  memberLen,
  memberPtr,
  zsetFind,
} from './zset_value';

const digits: usize = memory.data(<i32>LP_INT_CHARS, 8);

/** Whether an entry can be a source. */
export function isSource(e: EntryPtr): bool {
  return Entry.type(e) == TYPE_ZSET || Entry.type(e) == TYPE_SET;
}

/** Number of members; 0 for no entry. */
export function sourceLength(e: EntryPtr): u32 {
  return e == 0 ? 0 : valueLength(Entry.type(e), Entry.encoding(e), Entry.valuePtr(e));
}

/** The score of the member that `sourceFind` found. */
export let sourceFoundScore: f64 = 0;

/** Whether a source has a member. */
export function sourceFind(e: EntryPtr, member: usize, len: u32): bool {
  if (e == 0) return false;
  if (Entry.type(e) == TYPE_ZSET) {
    if (!zsetFind(e, member, len)) return false;
    sourceFoundScore = foundScore;
    return true;
  }
  sourceFoundScore = 1;
  const block = Entry.valuePtr(e);
  const encoding = Entry.encoding(e);
  if (encoding == ENCODING_INTSET) return parseI64(member, len) && intsetFind(block, parseI64Value);
  if (encoding == ENCODING_LISTPACK) return lpFind(block + LP_HDR_SIZE, member, len, 0) != 0;
  return memberFind(changetype<MemberTable>(block), member, len) != 0;
}

// --- Walking ---

let walked: EntryPtr = 0;
let position: u64 = 0; // of a set: index, address or position of the member at hand

/** The member that the walk is at. */
export let sourceMember: usize = 0;
export let sourceMemberLen: u32 = 0;
export let sourceScore: f64 = 0;

/** Begins a walk. False when there is no member. */
export function sourceFirst(e: EntryPtr): bool {
  walked = e;
  if (e == 0) return false;
  if (Entry.type(e) == TYPE_ZSET) return readScored(cursorSeek(e, 0));
  const block = Entry.valuePtr(e);
  const encoding = Entry.encoding(e);
  if (encoding == ENCODING_INTSET) position = 0;
  else if (encoding == ENCODING_LISTPACK) position = block + LP_HDR_SIZE;
  else position = memberNext(changetype<MemberTable>(block), MEMBERS_START);
  return readPlain();
}

/** Goes to the next member. False at the end. */
export function sourceNext(): bool {
  if (Entry.type(walked) == TYPE_ZSET) return readScored(cursorNext());
  const encoding = Entry.encoding(walked);
  if (encoding == ENCODING_INTSET) position += 1;
  else if (encoding == ENCODING_LISTPACK) position = lpSkip(<usize>position);
  else position = memberNext(changetype<MemberTable>(Entry.valuePtr(walked)), position);
  return readPlain();
}

function readScored(more: bool): bool {
  if (!more) return false;
  cursorMemberText();
  sourceMember = memberPtr;
  sourceMemberLen = memberLen;
  sourceScore = cursorScore();
  return true;
}

function readPlain(): bool {
  sourceScore = 1;
  const block = Entry.valuePtr(walked);
  const encoding = Entry.encoding(walked);
  if (encoding == ENCODING_INTSET) {
    if (position >= <u64>intsetLen(block)) return false;
    sourceMember = digits;
    sourceMemberLen = formatI64(intsetGet(block, <u32>position), digits);
    return true;
  }
  if (encoding == ENCODING_LISTPACK) {
    const p = <usize>position;
    if (load<u8>(p) == LP_EOF) return false;
    sourceMember = lpGetText(p, digits);
    sourceMemberLen = lpValueLen;
    return true;
  }
  if (position == 0) return false;
  const m = memberAt(position);
  sourceMember = Member.ptr(m);
  sourceMemberLen = Member.len(m);
  return true;
}
