// Lists: finding, replacing, inserting and removing elements anywhere: LSET, LINSERT, LREM, LTRIM and
// LPOS. Encodings as in list.ts.

import { deleteFound, lookupKeyRead, lookupKeyWrite } from '../keyspace/db';
import { NOTIFY_GENERIC, NOTIFY_LIST } from '../keyspace/effects';
import { EntryPtr } from '../keyspace/entry';
import { listOf, setList } from '../keyspace/list_value';
import { argEvent } from '../resp/arg_event';
import { argAtLeastOrText, argI64, argI64OrReply, argSymmetricOrReply } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import {
  ERR_NO_SUCH_KEY,
  ERR_OOM_LIMIT,
  ERR_OUT_OF_RANGE,
  ERR_SYNTAX,
  replyError,
} from '../resp/errors';
import {
  outputLost,
  replyArray,
  replyArrayEnd,
  replyArrayStart,
  replyInt,
  replyNull,
  replyOk,
} from '../resp/writer';
import {
  ListIterator,
  listCurrentEquals,
  listDeleteRange,
  listGrow,
  listIteratorDelete,
  listIteratorEnd,
  listIteratorInsert,
  listIteratorStart,
  listLength,
  listNext,
  listReplace,
  listShrink,
} from '../struct/list';
import { commandIterator, isListOrReply } from './list';

/** Whether the element that the iterator is at equals argument `i`. */
function equalsArg(it: ListIterator, i: u32): bool {
  return listCurrentEquals(it, Arg.ptr(i), Arg.len(i));
}

// --- Changing ---

/** Makes the list ready for one more element, argument `i`. False after replying that it cannot. */
function tryGrowOrReply(e: EntryPtr, i: u32): bool {
  const grown = listGrow(listOf(e), Arg.len(i), 1);
  if (grown == 0) {
    replyError(ERR_OOM_LIMIT);
    return false;
  }
  setList(e, grown);
  return true;
}

/** LSET key index element */
export function lsetCommand(): void {
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) {
    replyError(ERR_NO_SUCH_KEY);
    return;
  }
  if (!isListOrReply(e) || !argI64OrReply(2) || !tryGrowOrReply(e, 3)) return;
  const list = listOf(e);
  const length: i64 = listLength(list);
  if (argI64 >= length || argI64 < -length) {
    replyError(ERR_OUT_OF_RANGE);
    return;
  }
  const changed = listReplace(list, argI64, Arg.ptr(3), Arg.len(3));
  if (changed == 0) {
    replyError(ERR_OOM_LIMIT);
    return;
  }
  setList(e, listShrink(changed));
  argEvent(1, NOTIFY_LIST, 'lset', 1);
  replyOk();
}

/** LINSERT key BEFORE | AFTER pivot element */
export function linsertCommand(): void {
  const after = argIs(2, 'after');
  if (!after && !argIs(2, 'before')) {
    replyError(ERR_SYNTAX);
    return;
  }
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) {
    replyInt(0);
    return;
  }
  // The encoding follows before the pivot is known to be there.
  if (!isListOrReply(e) || !tryGrowOrReply(e, 4)) return;
  const it = commandIterator();
  listIteratorStart(it, listOf(e), 0, false);
  while (listNext(it)) {
    if (!equalsArg(it, 3)) continue;
    const changed = listIteratorInsert(it, Arg.ptr(4), Arg.len(4), after);
    if (changed == 0) {
      replyError(ERR_OOM_LIMIT);
      return;
    }
    setList(e, changed);
    argEvent(1, NOTIFY_LIST, 'linsert', 1);
    replyInt(listLength(changed));
    return;
  }
  replyInt(-1);
}

// --- Removing ---

/** Shrinks the list that the last lookup found, in argument 1, after a removal, or deletes its key. */
function removed(e: EntryPtr): void {
  if (listLength(listOf(e)) == 0) {
    deleteFound(Arg.hash(1));
    argEvent(1, NOTIFY_GENERIC, 'del', 0);
  } else setList(e, listShrink(listOf(e)));
}

/** LREM key count element */
export function lremCommand(): void {
  if (!argI64OrReply(2)) return;
  const backwards = argI64 < 0;
  const limit = backwards ? <u64>0 - <u64>argI64 : <u64>argI64;
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) {
    replyInt(0);
    return;
  }
  if (!isListOrReply(e)) return;
  const it = commandIterator();
  listIteratorStart(it, listOf(e), backwards ? -1 : 0, backwards);
  let count: u32 = 0;
  let good = true;
  while (listNext(it)) {
    if (!equalsArg(it, 3)) continue;
    good = listIteratorDelete(it);
    if (!good) break;
    count += 1;
    if (<u64>count == limit) break;
  }
  listIteratorEnd(it);
  if (count > 0) {
    setList(e, it.list);
    argEvent(1, NOTIFY_LIST, 'lrem', count);
    removed(e);
  }
  if (good) replyInt(count);
  else replyError(ERR_OOM_LIMIT);
}

/** LTRIM key start stop */
export function ltrimCommand(): void {
  if (!argI64OrReply(2)) return;
  const first = argI64;
  if (!argI64OrReply(3)) return;
  const last = argI64;
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) {
    replyOk();
    return;
  }
  if (!isListOrReply(e)) return;
  const length: i64 = listLength(listOf(e));
  const from = first < 0 ? max<i64>(first + length, 0) : first;
  const to = min(last < 0 ? last + length : last, length - 1);
  if (from > to) {
    argEvent(1, NOTIFY_LIST, 'ltrim', <u32>length);
    deleteFound(Arg.hash(1));
    argEvent(1, NOTIFY_GENERIC, 'del', 0);
    replyOk();
    return;
  }
  const behind = <u32>(length - 1 - to);
  const good = tryRemoveRange(e, 0, <u32>from) && tryRemoveRange(e, -(<i64>behind), behind);
  argEvent(1, NOTIFY_LIST, 'ltrim', <u32>(length - listLength(listOf(e))));
  removed(e);
  if (good) replyOk();
  else replyError(ERR_OOM_LIMIT);
}

function tryRemoveRange(e: EntryPtr, from: i64, count: u32): bool {
  if (count == 0) return true;
  const list = listDeleteRange(listOf(e), from, count);
  if (list != 0) setList(e, list);
  return list != 0;
}

// --- Finding ---

// LPOS's options, set by `parseLposOrReply`.
let lposRank: i64 = 1;
let lposCount: i64 = -1; // none given
let lposMaxLen: i64 = 0;

function parseLposOrReply(): bool {
  lposRank = 1;
  lposCount = -1;
  lposMaxLen = 0;
  for (let i: u32 = 3; i < argc; i += 2) {
    const hasValue = i + 1 < argc;
    if (argIs(i, 'rank') && hasValue) {
      if (!argSymmetricOrReply(i + 1)) return false;
      if (argI64 == 0) {
        replyError(
          "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
        );
        return false;
      }
      lposRank = argI64;
    } else if (argIs(i, 'count') && hasValue) {
      if (!argAtLeastOrText(i + 1, 0, "ERR COUNT can't be negative")) return false;
      lposCount = argI64;
    } else if (argIs(i, 'maxlen') && hasValue) {
      if (!argAtLeastOrText(i + 1, 0, "ERR MAXLEN can't be negative")) return false;
      lposMaxLen = argI64;
    } else {
      replyError(ERR_SYNTAX);
      return false;
    }
  }
  return true;
}

/** LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len] */
export function lposCommand(): void {
  if (!parseLposOrReply()) return;
  const wantsArray = lposCount >= 0;
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) {
    if (wantsArray) replyArray(0);
    else replyNull();
    return;
  }
  if (!isListOrReply(e)) return;
  const array = wantsArray ? replyArrayStart() : 0;
  const found = findMatches(e, wantsArray ? lposCount : 1);
  if (wantsArray) replyArrayEnd(array, found);
  else if (found == 0) replyNull();
}

/** Replies with the positions of up to `count` matches, 0 for all, and returns how many they are. */
function findMatches(e: EntryPtr, count: i64): u32 {
  const list = listOf(e);
  const backwards = lposRank < 0;
  const length: i64 = listLength(list);
  const limit = lposMaxLen == 0 ? length : min(lposMaxLen, length);
  let toSkip = (backwards ? -lposRank : lposRank) - 1;
  let found: u32 = 0;
  const it = commandIterator();
  listIteratorStart(it, list, backwards ? -1 : 0, backwards);
  for (let index: i64 = 0; index < limit && listNext(it) && !outputLost; index++) {
    if (!equalsArg(it, 2)) continue;
    if (toSkip > 0) {
      toSkip -= 1;
      continue;
    }
    replyInt(backwards ? length - 1 - index : index);
    found += 1;
    if (<i64>found == count) break;
  }
  return found;
}
