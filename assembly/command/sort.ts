// SORT and SORT_RO: the elements of a list, set or sorted set in another order, and what keys named
// after them hold.
//
//   elements ──> records of sort_items.ts ──> sorted ──> replied, or a new list
//
// Elements of lists are copied, for their nodes may be compressed; others stay where they are, as
// nothing changes while the command runs. Integers get their text in any case.
//
// With BY and LIMIT only what is wanted is sorted. With a BY that has no '*' nothing is, and of lists
// and sorted sets only the part that LIMIT asks for is looked at. A sorted set becomes a skiplist, as
// in Redis. Texts are collated as in the C locale: byte by byte, up to a zero byte.

import { deleteKey, lookupKeyRead, trySetBlock } from '../keyspace/db';
import { NOTIFY_GENERIC, NOTIFY_LIST } from '../keyspace/effects';
import {
  ENCODING_LISTPACK,
  ENCODING_QUICKLIST,
  Entry,
  EntryPtr,
  TYPE_LIST,
  TYPE_SET,
  TYPE_ZSET,
} from '../keyspace/entry';
import { opBytes, propagating } from '../keyspace/propagation';
import { SetValue, SetWalk, setNext, setOpen, setWalk } from '../keyspace/set_value';
import { valueLength } from '../keyspace/value';
import {
  cursorMember,
  cursorNext,
  cursorPrev,
  cursorSeek,
  memberInt,
  memberLen,
  memberPtr,
  tryZsetToSkiplist,
} from '../keyspace/zset_value';
import { free, tryAlloc } from '../memory/alloc';
import { argEvent } from '../resp/arg_event';
import { argI64, argI64OrReply } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import { ERR_OOM_LIMIT, ERR_SYNTAX, ERR_WRONG_TYPE, replyError } from '../resp/errors';
import { commandOp, opArg } from '../resp/propagate';
import {
  outputLost,
  replyArray,
  replyBulk,
  replyBulkInt,
  replyInt,
  replyNull,
} from '../resp/writer';
import {
  ListIterator,
  ListPtr,
  listAuto,
  listCurrent,
  listCurrentText,
  listFree,
  listGrow,
  listIsQuicklist,
  listIteratorStart,
  listNew,
  listNext,
  listPush,
  listValueInt,
  listValueLen,
} from '../struct/list';
import {
  ITEM_BYTES,
  ORDER_NUMBER_ANY,
  ORDER_TEXT,
  SortItem,
  trySortItems,
  trySortPart,
} from '../struct/sort_items';
import { arenaFree, tryArenaCopy, tryArenaRoom } from '../struct/text_arena';
import { findByte } from '../util/bytes';
import { formatI64, I64_CHARS_MAX } from '../util/number_format';
import { parseF64Lenient, parseF64OutOfRange, parseF64Value } from '../util/number_parse';
import {
  foundInt,
  foundLen,
  foundPtr,
  hasStar,
  lookupPattern,
  PATTERN_BYTES,
  patternMetExpired,
  patternOutOfMemory,
  patternsReset,
  readPattern,
  SortPattern,
} from './sort_pattern';

// What the arguments ask for.
let descending: bool = false;
let alphabetic: bool = false;
let byAt: u32 = 0; // argument with the pattern of BY; 0: none
let unsorted: bool = false;
let getCount: u32 = 0;
let storeAt: u32 = 0; // argument with the destination; 0: reply
let limitOffset: i64 = 0;
let limitCount: i64 = -1;

/** The elements, and which of them the result has. */
let items: usize = 0;
let itemCount: u32 = 0;
let first: u32 = 0;
let resultCount: u32 = 0;
/** An element that cannot be compared as a number. */
let notNumeric: bool = false;

const byPattern = changetype<SortPattern>(memory.data(24, 8));
let getPatterns: usize = 0;

const listWalk = changetype<ListIterator>(memory.data(32, 8));
const setValue = changetype<SetValue>(memory.data(8, 8));
const walk = changetype<SetWalk>(memory.data(40, 8));
const digits: usize = memory.data(24, 8);

// --- Commands ---

/** SORT key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA] [STORE destination] */
export function sortCommand(): void {
  sort(false);
}

/** SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA] */
export function sortRoCommand(): void {
  sort(true);
}

function sort(readonly: bool): void {
  if (!parseOptionsOrReply(readonly)) return;
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  const type = e == 0 ? TYPE_LIST : Entry.type(e);
  if (type != TYPE_LIST && type != TYPE_SET && type != TYPE_ZSET) {
    replyError(ERR_WRONG_TYPE);
    return;
  }
  // What a set without an order is stored as must not depend on the table's layout.
  if (unsorted && type == TYPE_SET && storeAt != 0) {
    unsorted = false;
    alphabetic = true;
    byAt = 0;
  }
  patternsReset();
  if (tryCollect(e, type) && tryReadGets() && tryWeigh() && trySort()) finish();
  else replyError(ERR_OOM_LIMIT);
  if (items != 0) free(items);
  if (getPatterns != 0) free(getPatterns);
  items = 0;
  getPatterns = 0;
  arenaFree();
  patternsReset();
}

// --- Arguments ---

function parseOptionsOrReply(readonly: bool): bool {
  descending = false;
  alphabetic = false;
  byAt = 0;
  unsorted = false;
  getCount = 0;
  storeAt = 0;
  limitOffset = 0;
  limitCount = -1;
  for (let i: u32 = 2; i < argc; i++) {
    const left = argc - i - 1;
    if (argIs(i, 'asc')) descending = false;
    else if (argIs(i, 'desc')) descending = true;
    else if (argIs(i, 'alpha')) alphabetic = true;
    else if (left >= 2 && argIs(i, 'limit')) {
      if (!argI64OrReply(i + 1)) return false;
      limitOffset = argI64;
      if (!argI64OrReply(i + 2)) return false;
      limitCount = argI64;
      i += 2;
    } else if (!readonly && left >= 1 && argIs(i, 'store')) {
      storeAt = i + 1;
      i += 1;
    } else if (left >= 1 && argIs(i, 'by')) {
      byAt = i + 1;
      // One pattern without a star is enough, whatever others there are.
      if (!hasStar(i + 1)) unsorted = true;
      i += 1;
    } else if (left >= 1 && argIs(i, 'get')) {
      getCount += 1;
      i += 1;
    } else {
      replyError(ERR_SYNTAX);
      return false;
    }
  }
  return true;
}

/** Reads the patterns of all GETs. False when memory is exhausted. */
function tryReadGets(): bool {
  if (getCount == 0) return true;
  getPatterns = tryAlloc(<usize>getCount * PATTERN_BYTES);
  if (getPatterns == 0) return false;
  let at: u32 = 0;
  for (let i: u32 = 2; i < argc; i++) {
    if (argIs(i, 'get')) {
      readPattern(getPattern(at), i + 1);
      at += 1;
      i += 1;
    } else if (argIs(i, 'limit')) i += 2;
    else if (argIs(i, 'by') || argIs(i, 'store')) i += 1;
  }
  return true;
}

function getPattern(i: u32): SortPattern {
  return changetype<SortPattern>(getPatterns + <usize>i * PATTERN_BYTES);
}

// --- Collecting ---

function item(i: u32): SortItem {
  return changetype<SortItem>(items + <usize>i * ITEM_BYTES);
}

/** Stands for the length of a text: the element is an integer, and its number is there. */
const NUMBER_KNOWN: u32 = 1;

/** Notes an element: bytes, or an integer if `ptr` is 0. False when memory is exhausted. */
function tryAddItem(ptr: usize, len: u32, value: i64, copied: bool): bool {
  const isInteger = ptr == 0;
  if (isInteger) {
    len = formatI64(value, digits);
    ptr = tryArenaCopy(digits, len);
  } else if (copied) ptr = tryArenaCopy(ptr, len);
  if (ptr == 0) return false;
  const added = item(itemCount);
  added.number = isInteger ? <f64>value : 0;
  added.text = 0;
  added.textLen = isInteger ? NUMBER_KNOWN : 0;
  added.ptr = ptr;
  added.len = len;
  itemCount += 1;
  return true;
}

/** Collects the elements of a key (0: there is none), and tells which of them the result has. */
function tryCollect(e: EntryPtr, type: u32): bool {
  if (offsetof<ListIterator>() > 32 || offsetof<SetWalk>() > 40) ERROR('room for walks');
  itemCount = 0;
  first = 0;
  resultCount = 0;
  if (e == 0) return true;
  if (type == TYPE_ZSET && !tryZsetToSkiplist(e)) return false;
  const length = valueLength(type, Entry.encoding(e), Entry.valuePtr(e));
  if (limitOffset < <i64>length) {
    first = <u32>max<i64>(limitOffset, 0);
    const rest = length - first;
    resultCount = limitCount < 0 ? rest : <u32>min<i64>(limitCount, rest);
  }
  // Of what has an order only the part that is wanted counts, if that is to be kept.
  const isPart = unsorted && type != TYPE_SET;
  const wanted = isPart ? resultCount : length;
  if (wanted == 0) return true;
  items = tryAlloc(<usize>wanted * ITEM_BYTES);
  if (items == 0) return false;
  const from = isPart ? first : 0;
  const backwards = isPart && descending;
  if (isPart) first = 0;
  if (type == TYPE_SET) return tryCollectSet(e);
  const start = backwards ? length - 1 - from : from;
  return type == TYPE_LIST
    ? tryCollectList(e, start, wanted, backwards)
    : tryCollectZset(e, start, wanted, backwards);
}

function tryCollectList(e: EntryPtr, start: u32, count: u32, backwards: bool): bool {
  const list = Entry.valuePtr(e);
  const copied = listIsQuicklist(list);
  listIteratorStart(listWalk, list, start, backwards);
  while (count > 0 && listNext(listWalk)) {
    const ptr = listCurrent(listWalk);
    if (!tryAddItem(ptr, listValueLen, listValueInt, copied)) return false;
    count -= 1;
  }
  return true;
}

function tryCollectSet(e: EntryPtr): bool {
  setOpen(setValue, e);
  setWalk(walk, setValue);
  while (setNext(walk)) {
    if (!tryAddItem(walk.ptr, walk.len, walk.value, false)) return false;
  }
  return true;
}

function tryCollectZset(e: EntryPtr, start: u32, count: u32, backwards: bool): bool {
  cursorSeek(e, start);
  while (true) {
    cursorMember();
    if (!tryAddItem(memberPtr, memberLen, memberInt, false)) return false;
    count -= 1;
    if (count == 0) return true;
    if (backwards) cursorPrev();
    else cursorNext();
  }
}

// --- Sorting ---

/** Finds what each element is compared by. False when memory is exhausted. */
function tryWeigh(): bool {
  notNumeric = false;
  if (unsorted) return true;
  if (byAt != 0) readPattern(byPattern, byAt);
  for (let i: u32 = 0; i < itemCount; i++) {
    const each = item(i);
    if (byAt == 0) {
      if (alphabetic) setText(each, each.ptr, each.len);
      else if (each.textLen != NUMBER_KNOWN) setNumber(each, each.ptr, each.len);
      continue;
    }
    setText(each, 0, 0);
    each.number = 0;
    if (lookupPattern(byPattern, each.ptr, each.len)) {
      if (!tryWeighFound(each)) return false;
    } else if (patternOutOfMemory) return false;
  }
  return true;
}

function tryWeighFound(each: SortItem): bool {
  if (!alphabetic) {
    if (foundPtr == 0) each.number = <f64>foundInt;
    else setNumber(each, foundPtr, foundLen);
  } else if (foundPtr == 0) {
    const text = tryArenaRoom(I64_CHARS_MAX);
    if (text == 0) return false;
    setText(each, text, formatI64(foundInt, text));
  } else setText(each, foundPtr, foundLen);
  return true;
}

/** What is stored is compared as bytes; what is replied is collated, which ends at a zero byte. */
function setText(each: SortItem, ptr: usize, len: u32): void {
  const zero: usize = storeAt != 0 || len == 0 ? 0 : findByte(ptr, ptr + len, 0);
  each.text = ptr;
  each.textLen = zero == 0 ? len : <u32>(zero - ptr);
}

function setNumber(each: SortItem, ptr: usize, len: u32): void {
  const good = parseF64Lenient(ptr, len) && !parseF64OutOfRange;
  if (good) each.number = parseF64Value;
  else notNumeric = true;
}

function trySort(): bool {
  if (unsorted || itemCount == 0 || notNumeric) return true;
  let order = ORDER_NUMBER_ANY;
  if (alphabetic) order = ORDER_TEXT;
  if (byAt == 0 || resultCount == itemCount) {
    return trySortItems(items, itemCount, order, descending);
  }
  if (resultCount == 0) return true;
  return trySortPart(items, itemCount, first, first + resultCount - 1, order, descending);
}

// --- The result ---

function finish(): void {
  if (notNumeric) replyError("ERR One or more scores can't be converted into double");
  else if (storeAt == 0) replyItems();
  else storeItems();
}

function replyItems(): void {
  replyArray(getCount == 0 ? resultCount : resultCount * getCount);
  for (let i: u32 = 0; i < resultCount && !outputLost; i++) {
    const each = item(first + i);
    if (getCount == 0) replyBulk(each.ptr, each.len);
    for (let g: u32 = 0; g < getCount; g++) {
      if (!lookupPattern(getPattern(g), each.ptr, each.len)) replyNull();
      else if (foundPtr != 0) replyBulk(foundPtr, foundLen);
      else replyBulkInt(foundInt);
    }
  }
}

function storeItems(): void {
  const at = storeAt;
  if (resultCount == 0) {
    const deleted = deleteKey(Arg.ptr(at), Arg.len(at), Arg.hash(at));
    if (deleted) argEvent(at, NOTIFY_GENERIC, 'del', 1);
    replyInt(0);
    if (!propagating || !deleted || !patternMetExpired) return;
    commandOp('DEL', 2);
    opArg(at);
    return;
  }
  const list = tryBuildList();
  if (list == 0) {
    replyError(ERR_OOM_LIMIT);
    return;
  }
  const encoding = listIsQuicklist(list) ? ENCODING_QUICKLIST : ENCODING_LISTPACK;
  if (!trySetBlock(Arg.ptr(at), Arg.len(at), Arg.hash(at), TYPE_LIST, encoding, list)) {
    listFree(list);
    replyError(ERR_OOM_LIMIT);
    return;
  }
  const elements = getCount == 0 ? resultCount : resultCount * getCount;
  argEvent(at, NOTIFY_LIST, 'sortstore', elements);
  replyInt(elements);
  if (propagating && patternMetExpired) propagateList(list, elements);
}

/**
 * Writes what was stored rather than how it came about: fields that have expired here may not have where the
 * command is replayed.
 */
function propagateList(list: ListPtr, elements: u32): void {
  commandOp('DEL', 2);
  opArg(storeAt);
  commandOp('RPUSH', 2 + elements);
  opArg(storeAt);
  listIteratorStart(listWalk, list, 0, false);
  while (listNext(listWalk)) {
    const text = listCurrentText(listWalk, digits);
    opBytes(text, listValueLen);
  }
}

/** The result as a list; 0 when memory is exhausted. */
function tryBuildList(): ListPtr {
  let list = listNew();
  for (let i: u32 = 0; i < resultCount && list != 0; i++) {
    const each = item(first + i);
    if (getCount == 0) list = tryAppend(list, each.ptr, each.len);
    for (let g: u32 = 0; g < getCount && list != 0; g++) {
      if (!lookupPattern(getPattern(g), each.ptr, each.len)) {
        // What is not there is stored as an empty string.
        if (patternOutOfMemory) {
          listFree(list);
          return 0;
        }
        list = tryAppend(list, each.ptr, 0);
      } else if (foundPtr != 0) list = tryAppend(list, foundPtr, foundLen);
      else list = tryAppend(list, digits, formatI64(foundInt, digits));
    }
  }
  return list == 0 ? 0 : listAuto(list);
}

/** Adds an element; the list is freed when memory is exhausted, and 0 returned. */
function tryAppend(list: ListPtr, ptr: usize, len: u32): ListPtr {
  const grown = listGrow(list, len, 1);
  if (grown == 0) {
    listFree(list);
    return 0;
  }
  const longer = listPush(grown, ptr, len, false);
  if (longer == 0) listFree(grown);
  return longer;
}
