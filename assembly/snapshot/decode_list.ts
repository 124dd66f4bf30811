// Reading lists: see decode.ts.
//
//   elements         one by one, or all of a ziplist
//   nodes            each a listpack, formerly a ziplist, or one large element; they stay as they are
//
// The list is a quicklist while it is read, and becomes a listpack if it is small enough.

import { RDB_FAULT_LIST_NODES } from '../abi';
import { ENCODING_LISTPACK, ENCODING_QUICKLIST, TYPE_LIST } from '../keyspace/entry';
import { free } from '../memory/alloc';
import { listAuto, listIsQuicklist, listLength, listNewQuicklist } from '../struct/list';
import { lpFree, lpLength, lpValidate } from '../struct/listpack';
import { quicklistAppendListpack, quicklistAppendPlain, quicklistPush } from '../struct/quicklist';
import { formatI64, I64_CHARS_MAX } from '../util/number_format';
import { Decoder, STAGE_ELEMENTS, STAGE_HEAD } from './decoder';
import { CONTAINER_PACKED, CONTAINER_PLAIN, RDB_LIST_QUICKLIST_2 } from './format';
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
  readCount,
  readLength,
  readString,
  takeString,
} from './rdb_input';
import {
  tryListpackOfZiplist,
  ziplistInt,
  ziplistLen,
  ziplistNext,
  ziplistStart,
  ziplistString,
} from './ziplist';

const digits: usize = memory.data(<i32>I64_CHARS_MAX, 8);

function startList(d: Decoder): void {
  d.type = TYPE_LIST;
  d.encoding = ENCODING_QUICKLIST;
  d.block = listNewQuicklist();
  if (d.block == 0) fail(FAULT_MEMORY);
}

/** Gives the list the form that fits it. */
function endList(d: Decoder): void {
  if (listLength(d.block) == 0) {
    fail(FAULT_EMPTY);
    return;
  }
  d.block = listAuto(d.block);
  d.encoding = listIsQuicklist(d.block) ? ENCODING_QUICKLIST : ENCODING_LISTPACK;
}

function push(d: Decoder, ptr: usize, len: u32): void {
  if (!quicklistPush(d.block, ptr, len, false)) fail(FAULT_MEMORY);
}

/** RDB_LIST */
export function decodeList(d: Decoder): void {
  if (!readHead(d)) return;
  while (d.rest != 0) {
    readString(itemString);
    if (inputFault == FAULT_NONE) push(d, itemString.ptr, itemString.len);
    if (inputFault != FAULT_NONE) return;
    d.rest -= 1;
    inputMark();
  }
  endList(d);
}

/** Reads the number of elements, unless that is done. False with a fault. */
function readHead(d: Decoder): bool {
  if (d.stage != STAGE_HEAD) return true;
  d.rest = readCount();
  if (inputFault != FAULT_NONE) return false;
  startList(d);
  d.stage = STAGE_ELEMENTS;
  inputMark();
  return inputFault == FAULT_NONE;
}

/** RDB_LIST_ZIPLIST */
export function decodeListBlock(d: Decoder): void {
  readString(itemString);
  if (inputFault != FAULT_NONE) return;
  startList(d);
  if (!ziplistStart(itemString.ptr, itemString.len)) return;
  while (inputFault == FAULT_NONE && ziplistNext()) {
    if (ziplistString != 0) push(d, ziplistString, ziplistLen);
    else push(d, digits, formatI64(ziplistInt, digits));
  }
  if (inputFault == FAULT_NONE) endList(d);
}

/** RDB_LIST_QUICKLIST, RDB_LIST_QUICKLIST_2 */
export function decodeNodes(d: Decoder): void {
  if (!readHead(d)) return;
  while (d.rest != 0) {
    const withContainer = d.rdbType == RDB_LIST_QUICKLIST_2;
    const container = withContainer ? readLength() : CONTAINER_PACKED;
    readString(itemString);
    if (inputFault != FAULT_NONE) return;
    if (itemString.len == 0) failAs(RDB_FAULT_LIST_NODES);
    else if (container == CONTAINER_PLAIN) appendPlain(d);
    else if (container == CONTAINER_PACKED) appendPacked(d, withContainer);
    else failAs(RDB_FAULT_LIST_NODES);
    if (inputFault != FAULT_NONE) return;
    d.rest -= 1;
    inputMark();
  }
  endList(d);
}

function appendPlain(d: Decoder): void {
  const block = takeString(itemString);
  if (block == 0 || quicklistAppendPlain(d.block, block, itemString.len)) return;
  free(block);
  fail(FAULT_MEMORY);
}

/** Appends a listpack or ziplist; one without elements is left out, as in Redis. */
function appendPacked(d: Decoder, isListpack: bool): void {
  let lp: usize;
  if (!isListpack) lp = tryListpackOfZiplist(itemString.ptr, itemString.len);
  else if (lpValidate(itemString.ptr, itemString.len, true)) lp = takeString(itemString);
  else {
    fail(FAULT_CORRUPT);
    return;
  }
  if (lp == 0) return;
  if (lpLength(lp) == 0) lpFree(lp);
  else if (!quicklistAppendListpack(d.block, lp)) {
    lpFree(lp);
    fail(FAULT_MEMORY);
  }
}
