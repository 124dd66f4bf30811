// Reading sorted sets: see decode.ts.

import {
  CFG_ZSET_MAX_LISTPACK_ENTRIES,
  RDB_FAULT_ZSET_DUPLICATE,
  RDB_FAULT_ZSET_NAN,
} from '../abi';
import { ENCODING_LISTPACK, ENCODING_SKIPLIST, TYPE_ZSET } from '../keyspace/entry';
import { Settings } from '../keyspace/settings';
import {
  fittingBlock,
  fittingEncoding,
  isSortedListpack,
  tryFitZset,
  trySkiplistOf,
} from '../keyspace/zset_value';
import { lpFree, lpLength, lpValidate } from '../struct/listpack';
import { memberFindHashed } from '../struct/member_table';
import { SortedSet, tryZslInsert, tryZslNew } from '../struct/sorted_set';
import { parseF64, parseF64Value } from '../util/number_parse';
import { hashBytes } from '../util/siphash';
import { Decoder, RESERVED_MAX, STAGE_ELEMENTS, STAGE_HEAD } from './decoder';
import { RDB_ZSET_2, RDB_ZSET_LISTPACK } from './format';
import {
  FAULT_CORRUPT,
  FAULT_EMPTY,
  FAULT_MEMORY,
  FAULT_NONE,
  fail,
  failAs,
  inputFault,
  inputMark,
  itemString,
  nameString,
  plausible,
  readByte,
  readCount,
  readF64,
  readString,
  takeBytes,
  takeString,
} from './rdb_input';
import { hasUniqueNames } from './unique';
import { tryListpackOfZiplist } from './ziplist';

/** Lengths of a score as text that stand for a score of their own. */
const SCORE_NAN: u32 = 253;
const SCORE_INFINITY: u32 = 254;
const SCORE_NEGATIVE_INFINITY: u32 = 255;

/** A member with its score takes as many bytes at least. */
const ELEMENT_BYTES_MIN: u32 = 2;

/** RDB_ZSET, RDB_ZSET_2 */
export function decodeZset(d: Decoder): void {
  if (d.stage == STAGE_HEAD) {
    d.rest = readCount();
    if (inputFault != FAULT_NONE) return;
    d.type = TYPE_ZSET;
    d.encoding = ENCODING_SKIPLIST;
    d.block = tryZslNew(min(plausible(d.rest, ELEMENT_BYTES_MIN), RESERVED_MAX));
    if (d.block == 0) {
      fail(FAULT_MEMORY);
      return;
    }
    d.stage = STAGE_ELEMENTS;
    inputMark();
  }
  while (d.rest != 0) {
    readString(nameString);
    const score = d.rdbType == RDB_ZSET_2 ? readF64() : readTextScore();
    if (isNaN(score)) failAs(RDB_FAULT_ZSET_NAN);
    if (inputFault == FAULT_NONE) insert(d, score);
    if (inputFault != FAULT_NONE) return;
    d.rest -= 1;
    inputMark();
  }
  const block = d.block;
  d.block = 0;
  if (!tryFitZset(block)) {
    fail(FAULT_MEMORY);
    return;
  }
  d.block = fittingBlock;
  d.encoding = fittingEncoding;
}

function insert(d: Decoder, score: f64): void {
  const z = changetype<SortedSet>(d.block);
  const ptr = nameString.ptr;
  const len = nameString.len;
  const hash = hashBytes(ptr, len);
  if (memberFindHashed(z, ptr, len, hash) != 0) failAs(RDB_FAULT_ZSET_DUPLICATE);
  else if (tryZslInsert(z, ptr, len, hash, score) == 0) fail(FAULT_MEMORY);
}

/** A score as Redis wrote it before version 8 of the format. */
function readTextScore(): f64 {
  const len = readByte();
  if (len == SCORE_NAN) return NaN;
  if (len == SCORE_INFINITY) return Infinity;
  if (len == SCORE_NEGATIVE_INFINITY) return -Infinity;
  const text = takeBytes(len);
  if (text == 0) return 0;
  return parseF64(text, len) ? parseF64Value : NaN;
}

/** RDB_ZSET_ZIPLIST, RDB_ZSET_LISTPACK */
export function decodeZsetBlock(d: Decoder): void {
  readString(itemString);
  if (inputFault != FAULT_NONE) return;
  const ptr = itemString.ptr;
  const len = itemString.len;
  let lp: usize = 0;
  if (d.rdbType != RDB_ZSET_LISTPACK) lp = tryListpackOfZiplist(ptr, len);
  else if (lpValidate(ptr, len, true)) lp = takeString(itemString);
  else fail(FAULT_CORRUPT);
  if (lp == 0) return;
  d.type = TYPE_ZSET;
  d.encoding = ENCODING_LISTPACK;
  d.block = lp;
  checkPairs(lp);
  if (inputFault != FAULT_NONE) return;
  const members = lpLength(lp) >> 1;
  if (<i64>members <= Settings.get(CFG_ZSET_MAX_LISTPACK_ENTRIES)) return;
  d.block = trySkiplistOf(lp, members);
  lpFree(lp);
  d.encoding = ENCODING_SKIPLIST;
  if (d.block == 0) fail(FAULT_MEMORY);
}

/** Sets a fault unless a listpack holds different members and their scores, in order. */
function checkPairs(lp: usize): void {
  const elements = lpLength(lp);
  if (elements == 0) fail(FAULT_EMPTY);
  else if ((elements & 1) != 0 || !isSortedListpack(lp)) fail(FAULT_CORRUPT);
  else hasUniqueNames(lp, 2);
}
