// Lists: both ends, length, and reading by index: LPUSH, LPOP, LLEN, LINDEX, LRANGE, LMPOP and their
// relatives, those that wait for an element among them. What changes a list elsewhere is in list_edit.ts, LMOVE in list_move.ts.
//
// A list is stored as a listpack or a quicklist, by the rules of Redis 7.2: `listGrow` is asked before
// elements come, `listShrink` when some went. A list that has become empty is deleted with its key.
//
// A command that runs out of memory takes back what it did and replies nothing but the error.

import { BLOCKED_LIST, blockOnKeysOrReply, mayBlock } from '../client/blocked';
import { deleteFound, deleteKey, lookupKeyRead, lookupKeyWrite } from '../keyspace/db';
import { NOTIFY_GENERIC, NOTIFY_LIST } from '../keyspace/effects';
import { Entry, EntryPtr, TYPE_LIST } from '../keyspace/entry';
import { listOf, setList, tryNewListKey } from '../keyspace/list_value';
import { opInt, propagating } from '../keyspace/propagation';
import { argEvent } from '../resp/arg_event';
import { argAtLeastOrText, argCountOrReply, argI64, argI64OrReply } from '../resp/arg_number';
import { argDeadlineMs, argTimeoutOrReply } from '../resp/arg_timeout';
import { Arg, argc, argIs } from '../resp/args';
import {
  ERR_OOM_LIMIT,
  ERR_SYNTAX,
  ERR_WRONG_TYPE,
  replyError,
  replyWrongArguments,
} from '../resp/errors';
import { replyElements } from '../resp/listpack_reply';
import { commandOp, opArg } from '../resp/propagate';
import {
  outputLen,
  outputLost,
  outputRewind,
  replyArray,
  replyBulk,
  replyBulkInt,
  replyInt,
  replyNull,
  replyNullArray,
} from '../resp/writer';
import {
  ListIterator,
  ListPtr,
  listCurrent,
  listDeleteRange,
  listGrow,
  listIsQuicklist,
  listIteratorStart,
  listLength,
  listNext,
  listPeek,
  listPop,
  listPush,
  listRunLength,
  listShrink,
  listSkipRun,
  listValueInt,
  listValueLen,
} from '../struct/list';
import { ListpackPtr, lpGet, lpPrev, lpSeek, lpValueInt, lpValueLen } from '../struct/listpack';

const iterator: usize = memory.data(32, 8);

/** An iterator for one command at a time. */
export function commandIterator(): ListIterator {
  if (offsetof<ListIterator>() > 32) ERROR('ListIterator');
  return changetype<ListIterator>(iterator);
}

/** False after replying that the entry is no list. */
export function isListOrReply(e: EntryPtr): bool {
  if (Entry.type(e) == TYPE_LIST) return true;
  replyError(ERR_WRONG_TYPE);
  return false;
}

/** Replies with the element read last, whose string is at `string`, or 0 for an integer. */
function replyElement(string: usize): void {
  if (string != 0) replyBulk(string, listValueLen);
  else replyBulkInt(listValueInt);
}

// --- Adding ---

/** LPUSH key element [element ...] */
export function lpushCommand(): void {
  push(true, false);
}

/** RPUSH key element [element ...] */
export function rpushCommand(): void {
  push(false, false);
}

/** LPUSHX key element [element ...] */
export function lpushxCommand(): void {
  push(true, true);
}

/** RPUSHX key element [element ...] */
export function rpushxCommand(): void {
  push(false, true);
}

function push(atHead: bool, onlyExisting: bool): void {
  let e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  const isNew = e == 0;
  if (isNew) {
    if (onlyExisting) {
      replyInt(0);
      return;
    }
    e = tryNewListKey(Arg.ptr(1), Arg.len(1), Arg.hash(1));
    if (e == 0) {
      replyError(ERR_OOM_LIMIT);
      return;
    }
  } else if (!isListOrReply(e)) return;
  if (!tryPushArgs(e, atHead)) {
    if (isNew) deleteKey(Arg.ptr(1), Arg.len(1), Arg.hash(1));
    replyError(ERR_OOM_LIMIT);
    return;
  }
  argEvent(1, NOTIFY_LIST, atHead ? 'lpush' : 'rpush', argc - 2);
  replyInt(listLength(listOf(e)));
}

/** Adds all elements from argument 2 on; false when memory is exhausted: then none are added. */
function tryPushArgs(e: EntryPtr, atHead: bool): bool {
  let bytes: u64 = 0;
  for (let i: u32 = 2; i < argc; i++) bytes += Arg.len(i);
  let list = listGrow(listOf(e), bytes, argc - 2);
  if (list == 0) return false;
  for (let i: u32 = 2; i < argc; i++) {
    const grown = listPush(list, Arg.ptr(i), Arg.len(i), atHead);
    if (grown == 0) {
      setList(e, takeBack(list, i - 2, atHead));
      return false;
    }
    list = grown;
  }
  setList(e, list);
  return true;
}

function takeBack(list: ListPtr, count: u32, atHead: bool): ListPtr {
  while (count > 0) {
    const shrunk = listPop(list, atHead);
    if (shrunk == 0) break;
    list = shrunk;
    count -= 1;
  }
  return list;
}

// --- Removing from an end ---

/** LPOP key [count] */
export function lpopCommand(): void {
  pop(true, 'lpop');
}

/** RPOP key [count] */
export function rpopCommand(): void {
  pop(false, 'rpop');
}

function pop(atHead: bool, command: string): void {
  if (argc > 3) {
    replyWrongArguments(command);
    return;
  }
  const hasCount = argc == 3;
  if (hasCount && !argCountOrReply(2)) return;
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) {
    if (hasCount) replyNullArray();
    else replyNull();
  } else if (!isListOrReply(e)) return;
  else if (!hasCount) popOne(e, atHead);
  else if (argI64 == 0) replyArray(0);
  else popRange(1, e, atHead, argI64);
}

/** Removes an element from an end of the list that the last lookup found and replies with it. */
function popOne(e: EntryPtr, atHead: bool): void {
  const start = outputLen();
  if (tryPopElement(1, e, atHead)) return;
  outputRewind(start);
  replyError(ERR_OOM_LIMIT);
}

/**
 * Removes an element from an end of the list that the last lookup found, of the key in argument `i`,
 * and replies with it. False when memory is exhausted: nothing was removed.
 */
function tryPopElement(i: u32, e: EntryPtr, atHead: bool): bool {
  const list = listOf(e);
  replyElement(listPeek(list, atHead));
  if (listLength(list) > 1) {
    const shrunk = listPop(list, atHead);
    if (shrunk == 0) return false;
    setList(e, listShrink(shrunk));
    argEvent(i, NOTIFY_LIST, atHead ? 'lpop' : 'rpop', 1);
  } else deleteEmptied(i, atHead, 1);
  return true;
}

/** Deletes the key that the last lookup found, in argument `i`: its last elements were popped. */
function deleteEmptied(i: u32, atHead: bool, removed: u32): void {
  deleteFound(Arg.hash(i));
  argEvent(i, NOTIFY_LIST, atHead ? 'lpop' : 'rpop', removed);
  argEvent(i, NOTIFY_GENERIC, 'del', 0);
}

/**
 * Removes up to `count` elements from an end of the list that the last lookup found, of the key in
 * argument `i`, and replies with an array of them. False when memory is exhausted: nothing was done.
 */
function tryPopRange(i: u32, e: EntryPtr, atHead: bool, count: i64): bool {
  const list = listOf(e);
  const length = listLength(list);
  const range = <u32>min<i64>(count, length);
  replyRange(list, atHead ? 0 : length - 1, range, !atHead);
  if (range == length) {
    deleteEmptied(i, atHead, range);
    return true;
  }
  const shrunk = listDeleteRange(list, atHead ? 0 : -(<i64>range), range);
  if (shrunk == 0) return false;
  setList(e, listShrink(shrunk));
  argEvent(i, NOTIFY_LIST, atHead ? 'lpop' : 'rpop', range);
  return true;
}

function popRange(i: u32, e: EntryPtr, atHead: bool, count: i64): void {
  const start = outputLen();
  if (tryPopRange(i, e, atHead, count)) return;
  outputRewind(start);
  replyError(ERR_OOM_LIMIT);
}

/** The end that argument `i` names, into `argAtHead`. False after an error reply. */
export function argEndOrReply(i: u32): bool {
  argAtHead = argIs(i, 'left');
  if (argAtHead || argIs(i, 'right')) return true;
  replyError(ERR_SYNTAX);
  return false;
}

export let argAtHead: bool = false;

/** BLPOP key [key ...] timeout */
export function blpopCommand(): void {
  popOrWait(true);
}

/** BRPOP key [key ...] timeout */
export function brpopCommand(): void {
  popOrWait(false);
}

function popOrWait(atHead: bool): void {
  const keys = argc - 2;
  if (!argTimeoutOrReply(argc - 1)) return;
  for (let i: u32 = 1; i <= keys; i++) {
    const e = lookupKeyWrite(Arg.ptr(i), Arg.len(i), Arg.hash(i));
    if (e == 0) continue;
    if (!isListOrReply(e)) return;
    const start = outputLen();
    replyArray(2);
    replyBulk(Arg.ptr(i), Arg.len(i));
    if (tryPopElement(i, e, atHead)) {
      if (!propagating) return;
      commandOp(atHead ? 'LPOP' : 'RPOP', 2);
      opArg(i);
      return;
    }
    outputRewind(start);
    replyError(ERR_OOM_LIMIT);
    return;
  }
  if (mayBlock()) blockOnKeysOrReply(BLOCKED_LIST, 1, keys, argDeadlineMs, false);
  else replyNullArray();
}

/** LMPOP numkeys key [key ...] LEFT | RIGHT [COUNT count] */
export function lmpopCommand(): void {
  if (!readMpopOrReply(1)) return;
  if (!popFirstOrReply(2, mpopKeys)) replyNullArray();
}

/** BLMPOP timeout numkeys key [key ...] LEFT | RIGHT [COUNT count] */
export function blmpopCommand(): void {
  if (!readMpopOrReply(2) || !argTimeoutOrReply(1)) return;
  if (popFirstOrReply(3, mpopKeys)) return;
  if (mayBlock()) blockOnKeysOrReply(BLOCKED_LIST, 3, mpopKeys, argDeadlineMs, false);
  else replyNullArray();
}

let mpopKeys: u32 = 0;
let mpopCount: i64 = 0;

/** Reads the number of keys, in argument `at`, and what comes behind the keys. */
function readMpopOrReply(at: u32): bool {
  if (!argAtLeastOrText(at, 1, 'ERR numkeys should be greater than 0')) return false;
  if (argI64 >= <i64>argc - at - 1) {
    replyError(ERR_SYNTAX);
    return false;
  }
  mpopKeys = <u32>argI64;
  const where: u32 = at + mpopKeys + 1;
  if (!argEndOrReply(where)) return false;
  mpopCount = 1;
  if (argc == where + 1) return true;
  if (argc != where + 3 || !argIs(where + 1, 'count')) {
    replyMpopSyntax(where);
    return false;
  }
  if (!argAtLeastOrText(where + 2, 1, 'ERR count should be greater than 0')) return false;
  mpopCount = argI64;
  return true;
}

/** Pops from the first of `count` keys that has a list. False without a reply when none has. */
function popFirstOrReply(first: u32, count: u32): bool {
  for (let i = first; i < first + count; i++) {
    const e = lookupKeyWrite(Arg.ptr(i), Arg.len(i), Arg.hash(i));
    if (e == 0) continue;
    if (!isListOrReply(e)) return true;
    const start = outputLen();
    const popped = min<i64>(mpopCount, listLength(listOf(e)));
    replyArray(2);
    replyBulk(Arg.ptr(i), Arg.len(i));
    if (tryPopRange(i, e, argAtHead, mpopCount)) {
      if (!propagating) return true;
      commandOp(argAtHead ? 'LPOP' : 'RPOP', 3);
      opArg(i);
      opInt(popped);
      return true;
    }
    outputRewind(start);
    replyError(ERR_OOM_LIMIT);
    return true;
  }
  return false;
}

/** What is wrong with the options after argument `where`: a count comes before what follows it. */
export function replyMpopSyntax(where: u32): void {
  const hasCount = argc > where + 2 && argIs(where + 1, 'count');
  if (hasCount && !argAtLeastOrText(where + 2, 1, 'ERR count should be greater than 0')) return;
  replyError(ERR_SYNTAX);
}

// --- Reading ---

/** LLEN key */
export function llenCommand(): void {
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) replyInt(0);
  else if (isListOrReply(e)) replyInt(listLength(listOf(e)));
}

/** LINDEX key index */
export function lindexCommand(): void {
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) {
    replyNull();
    return;
  }
  if (!isListOrReply(e) || !argI64OrReply(2)) return;
  const it = commandIterator();
  listIteratorStart(it, listOf(e), argI64, false);
  if (listNext(it)) replyElement(listCurrent(it));
  else replyNull();
}

/** LRANGE key start stop */
export function lrangeCommand(): void {
  if (!argI64OrReply(2)) return;
  const first = argI64;
  if (!argI64OrReply(3)) return;
  const last = argI64;
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) replyArray(0);
  else if (isListOrReply(e)) {
    const list = listOf(e);
    const length: i64 = listLength(list);
    const from = first < 0 ? max<i64>(first + length, 0) : first;
    const to = min(last < 0 ? last + length : last, length - 1);
    if (from > to) replyArray(0);
    else replyRange(list, <u32>from, <u32>(to - from) + 1, false);
  }
}

/** Replies with an array of `count` elements from a position on, which all exist. */
function replyRange(list: ListPtr, from: u32, count: u32, backwards: bool): void {
  replyArray(count);
  if (!listIsQuicklist(list)) {
    if (backwards) replyBackwards(list, from, count);
    else replyElements(lpSeek(list, from), count);
    return;
  }
  const it = commandIterator();
  listIteratorStart(it, list, from, backwards);
  while (count > 0 && !outputLost) {
    listNext(it);
    const run = backwards ? 0 : min(listRunLength(it), count);
    if (run == 0) {
      replyElement(listCurrent(it));
      count -= 1;
    } else {
      replyElements(it.p, run);
      count -= run;
      if (count > 0) listSkipRun(it);
    }
  }
}

/** The same for a listpack, from its end to its start, without the head. */
function replyBackwards(lp: ListpackPtr, from: u32, count: u32): void {
  let p = lpSeek(lp, from);
  for (; count > 0 && !outputLost; count--) {
    const string = lpGet(p);
    if (string != 0) replyBulk(string, lpValueLen);
    else replyBulkInt(lpValueInt);
    p = lpPrev(lp, p);
  }
}
