// Moving an element from an end of one list to an end of another, or of the same: LMOVE, RPOPLPUSH,
// and BLMOVE and BRPOPLPUSH, which wait for an element.
//
// The element is added before it is removed, so that nothing is lost when memory runs out. In a list
// that is source and destination at once both happen to the same elements, in which order does not
// matter.

import { BLOCKED_LIST, blockOnKeysOrReply, mayBlock } from '../client/blocked';
import { deleteKey, lookupKeyWrite } from '../keyspace/db';
import { NOTIFY_GENERIC, NOTIFY_LIST } from '../keyspace/effects';
import { EntryPtr } from '../keyspace/entry';
import { listOf, setList, tryNewListKey } from '../keyspace/list_value';
import { propagating } from '../keyspace/propagation';
import { free, tryAlloc } from '../memory/alloc';
import { argEvent } from '../resp/arg_event';
import { argDeadlineMs, argTimeoutOrReply } from '../resp/arg_timeout';
import { Arg } from '../resp/args';
import { ERR_OOM_LIMIT, replyError } from '../resp/errors';
import { commandOp, opArgs } from '../resp/propagate';
import { outputLen, outputRewind, replyBulk, replyNull } from '../resp/writer';
import {
  listGrow,
  listIsQuicklist,
  listLength,
  listPeek,
  listPop,
  listPush,
  listShrink,
  listValueInt,
  listValueLen,
} from '../struct/list';
import { formatI64, I64_CHARS_MAX } from '../util/number_format';
import { argAtHead, argEndOrReply, isListOrReply } from './list';

const digits: usize = memory.data(<i32>I64_CHARS_MAX, 8);

/** LMOVE source destination LEFT | RIGHT LEFT | RIGHT */
export function lmoveCommand(): void {
  if (!argEndOrReply(3)) return;
  const fromHead = argAtHead;
  if (argEndOrReply(4)) move(fromHead, argAtHead, false);
}

/** RPOPLPUSH source destination */
export function rpoplpushCommand(): void {
  move(false, true, false);
}

/** BLMOVE source destination LEFT | RIGHT LEFT | RIGHT timeout */
export function blmoveCommand(): void {
  if (!argEndOrReply(3)) return;
  const fromHead = argAtHead;
  if (!argEndOrReply(4) || !argTimeoutOrReply(5)) return;
  if (!move(fromHead, argAtHead, true) || !propagating) return;
  commandOp('LMOVE', 5);
  opArgs(1, 5);
}

/** BRPOPLPUSH source destination timeout */
export function brpoplpushCommand(): void {
  if (!argTimeoutOrReply(3) || !move(false, true, true) || !propagating) return;
  commandOp('RPOPLPUSH', 3);
  opArgs(1, 3);
}

/** Whether an element was moved; else the client waits or has its reply. */
function move(fromHead: bool, toHead: bool, waits: bool): bool {
  const from = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (from == 0) {
    if (waits && mayBlock()) blockOnKeysOrReply(BLOCKED_LIST, 1, 1, argDeadlineMs, false);
    else replyNull();
    return false;
  }
  if (!isListOrReply(from)) return false;
  const to = lookupKeyWrite(Arg.ptr(2), Arg.len(2), Arg.hash(2));
  if (to != 0 && !isListOrReply(to)) return false;
  const start = outputLen();
  if (!(from == to ? tryRotate(from, fromHead, toHead) : tryMove(from, to, fromHead, toHead))) {
    outputRewind(start);
    replyError(ERR_OOM_LIMIT);
    return false;
  }
  argEvent(2, NOTIFY_LIST, toHead ? 'lpush' : 'rpush', 0);
  argEvent(1, NOTIFY_LIST, fromHead ? 'lpop' : 'rpop', 1);
  if (from == to || listLength(listOf(from)) > 0) return true;
  deleteKey(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  argEvent(1, NOTIFY_GENERIC, 'del', 0);
  return true;
}

/** The element at an end, as text: its length is in `textLen`. It may lie in the list. */
function peekText(e: EntryPtr, atHead: bool): usize {
  const string = listPeek(listOf(e), atHead);
  if (string != 0) {
    textLen = listValueLen;
    return string;
  }
  textLen = formatI64(listValueInt, digits);
  return digits;
}

let textLen: u32 = 0;

/** Moves between two lists, `to` being 0 for a missing key, and replies. False: no memory. */
function tryMove(from: EntryPtr, to: EntryPtr, fromHead: bool, toHead: bool): bool {
  const text = peekText(from, fromHead);
  const len = textLen;
  replyBulk(text, len);
  const isNew = to == 0;
  if (isNew) to = tryNewListKey(Arg.ptr(2), Arg.len(2), Arg.hash(2));
  if (to == 0) return false;
  const grown = listGrow(listOf(to), len, 1);
  const pushed = grown != 0 ? listPush(grown, text, len, toHead) : 0;
  if (grown != 0) setList(to, pushed != 0 ? pushed : grown);
  const shrunk = pushed != 0 ? listPop(listOf(from), fromHead) : 0;
  if (shrunk != 0) {
    setList(from, listShrink(shrunk));
    return true;
  }
  if (isNew) deleteKey(Arg.ptr(2), Arg.len(2), Arg.hash(2));
  else if (pushed != 0) {
    const back = listPop(pushed, toHead);
    if (back != 0) setList(to, back);
  }
  return false;
}

/** Moves within one list and replies. False when there is no memory. */
function tryRotate(e: EntryPtr, fromHead: bool, toHead: bool): bool {
  const text = peekText(e, fromHead);
  const len = textLen;
  replyBulk(text, len);
  if (fromHead == toHead) return true;
  const copy = tryAlloc(max<u32>(len, 1));
  if (copy == 0) return false;
  memory.copy(copy, text, len);
  const pushed = listPush(listOf(e), copy, len, toHead);
  free(copy);
  if (pushed == 0) return false;
  setList(e, pushed);
  const popped = listPop(pushed, fromHead);
  if (popped == 0) {
    const back = listPop(pushed, toHead);
    if (back != 0) setList(e, back);
    return false;
  }
  const shrunk = listShrink(popped);
  setList(e, shrunk);
  if (listIsQuicklist(shrunk)) return true;
  const grown = listGrow(shrunk, 0, 0);
  if (grown != 0) setList(e, grown);
  return true;
}
