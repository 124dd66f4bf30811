// Sets: members in no order. SADD, SREM, SPOP and what asks about one set; set_algebra.ts combines
// several.
//
// A command that adds several members and runs out of memory in between keeps those it has added, and
// reports them as changes, before it replies the error; everything else happens as a whole or not at
// all.

import { CFG_LAZYFREE_SERVER_DEL } from '../abi';
import { initialClock } from '../keyspace/access_clock';
import {
  deleteFound,
  lookupKeyQuiet,
  lookupKeyRead,
  lookupKeyWrite,
  tryInsertNew,
} from '../keyspace/db';
import { NOTIFY_GENERIC, NOTIFY_SET } from '../keyspace/effects';
import {
  ENCODING_HASHTABLE,
  ENCODING_LISTPACK,
  EntryPtr,
  NO_EXPIRE,
  TYPE_SET,
  tryNewBlockEntry,
} from '../keyspace/entry';
import { opBytes, opInt, propagating } from '../keyspace/propagation';
import {
  PICK_NEW,
  PICK_NO_MEMORY,
  picksBegin,
  picksEnd,
  takesNext,
  tryPick,
} from '../keyspace/random_picks';
import {
  SET_ADDED,
  SET_NO_MEMORY,
  SetValue,
  SetWalk,
  setAtElement,
  setClose,
  setExpect,
  setFree,
  setHas,
  setHasWalked,
  setMemberText,
  setNext,
  setOpen,
  setRandom,
  setRemove,
  setRemoveRandom,
  setSize,
  setWalk,
  tableHas,
  trySetAdd,
  trySetAddWalked,
  trySetNew,
  trySetNewFor,
  tryTableAdd,
} from '../keyspace/set_value';
import { free, tryAlloc } from '../memory/alloc';
import { argEvent } from '../resp/arg_event';
import { argI64, argI64OrText, argRandomCountOrReply } from '../resp/arg_number';
import { Arg, argc } from '../resp/args';
import { ERR_OOM_LIMIT, ERR_SYNTAX, replyError } from '../resp/errors';
import { replyElements } from '../resp/listpack_reply';
import { commandOp, opArg, propagateDeletion, propagateFirst } from '../resp/propagate';
import {
  outputLen,
  outputLost,
  outputRewind,
  replyArray,
  replyBulk,
  replyBulkInt,
  replyInt,
  replyNull,
  replySet,
} from '../resp/writer';
import {
  LP_HDR_SIZE,
  lpBatchDelete,
  lpFirst,
  lpNextRandom,
  lpRandomIndex,
  lpSkip,
} from '../struct/listpack';
import { MemberTable } from '../struct/member_table';
import { scanTable } from './member_scan';
import {
  parseCursorOrReply,
  parseScanOrReply,
  replyEmptyScan,
  SCAN_MEMBERS,
  scanMatches,
  scanReplyEnd,
} from './scan_options';
import { hasTypeOrReply } from './type_check';

const set: SetValue = changetype<SetValue>(memory.data(8, 8));
const other: SetValue = changetype<SetValue>(memory.data(8, 8));
const walk: SetWalk = changetype<SetWalk>(memory.data(40, 8));

/** Replies with the member a walk is at. */
export function replyMember(at: SetWalk): void {
  if (at.ptr != 0) replyBulk(at.ptr, at.len);
  else replyBulkInt(at.value);
}

/** Replies with all members of a set, without a head. */
export function replyMembers(which: SetValue): void {
  setWalk(walk, which);
  while (!outputLost && setNext(walk)) replyMember(walk);
}

function lookupRead(): EntryPtr {
  return lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
}

function lookupWrite(i: u32): EntryPtr {
  return lookupKeyWrite(Arg.ptr(i), Arg.len(i), Arg.hash(i));
}

/** Opens the set of an entry. False after replying that it is none. */
function openOrReply(e: EntryPtr): bool {
  if (!hasTypeOrReply(e, TYPE_SET)) return false;
  setOpen(set, e);
  return true;
}

/** Files a set that belongs to no key yet under argument `i`; without memory it is freed. */
function tryFile(which: SetValue, i: u32): bool {
  const key = Arg.ptr(i);
  const len = Arg.len(i);
  const clock = initialClock();
  const e = tryNewBlockEntry(key, len, TYPE_SET, which.encoding, which.block, clock, NO_EXPIRE);
  if (e == 0) {
    setFree(which);
    return false;
  }
  return tryInsertNew(e, Arg.hash(i));
}

// --- Adding and removing ---

/** SADD key member [member ...] */
export function saddCommand(): void {
  const e = lookupWrite(1);
  if (e == 0) {
    addNew();
    return;
  }
  if (!openOrReply(e)) return;
  if (argc > 3) setExpect(set, argc - 2);
  const added = addArgs();
  setClose(set, e);
  finishAdding(added);
}

/** Adds the member in argument `i`, whose hash touching has computed for large sets: SET_*. */
function tryAddArg(i: u32): i32 {
  const ptr = Arg.ptr(i);
  const len = Arg.len(i);
  if (set.encoding == ENCODING_HASHTABLE) return tryTableAdd(set, ptr, len, Arg.hash(i));
  return trySetAdd(set, ptr, len);
}

function hasArg(i: u32): bool {
  const ptr = Arg.ptr(i);
  const len = Arg.len(i);
  if (set.encoding == ENCODING_HASHTABLE) return tableHas(set, ptr, len, Arg.hash(i));
  return setHas(set, ptr, len);
}

/** The argument for which memory ran out in the last `addArgs`, 0 when it sufficed. */
let exhaustedAt: u32 = 0;

/** Adds all members among the arguments to the open set; how many are new. */
function addArgs(): u32 {
  exhaustedAt = 0;
  let added: u32 = 0;
  for (let i: u32 = 2; i < argc; i++) {
    const outcome = tryAddArg(i);
    if (outcome == SET_NO_MEMORY) {
      exhaustedAt = i;
      break;
    }
    added += outcome;
  }
  return added;
}

function addNew(): void {
  if (!trySetNewFor(set, Arg.ptr(2), Arg.len(2), argc - 2)) {
    replyError(ERR_OOM_LIMIT);
    return;
  }
  const added = addArgs();
  if (added == 0) {
    setFree(set);
    replyError(ERR_OOM_LIMIT);
  } else if (!tryFile(set, 1)) replyError(ERR_OOM_LIMIT);
  else finishAdding(added);
}

function finishAdding(added: u32): void {
  if (added > 0) argEvent(1, NOTIFY_SET, 'sadd', added);
  if (propagating && added > 0 && exhaustedAt != 0) propagateFirst(exhaustedAt);
  if (exhaustedAt != 0) replyError(ERR_OOM_LIMIT);
  else replyInt(added);
}

/** Writes the open set back to the entry found last, or deletes its key when it is empty. */
function closeOrDelete(e: EntryPtr, i: u32): bool {
  setClose(set, e);
  if (setSize(set) > 0) return false;
  deleteFound(Arg.hash(i));
  return true;
}

/** SREM key member [member ...] */
export function sremCommand(): void {
  const e = lookupWrite(1);
  if (e == 0) {
    replyInt(0);
    return;
  }
  if (!openOrReply(e)) return;
  let removed: u32 = 0;
  for (let i: u32 = 2; i < argc; i++) {
    if (!setRemove(set, Arg.ptr(i), Arg.len(i))) continue;
    removed += 1;
    if (setSize(set) == 0) break;
  }
  if (removed > 0) {
    const gone = closeOrDelete(e, 1);
    argEvent(1, NOTIFY_SET, 'srem', removed);
    if (gone) argEvent(1, NOTIFY_GENERIC, 'del', 0);
  }
  replyInt(removed);
}

/** SMOVE source destination member */
export function smoveCommand(): void {
  const from = lookupWrite(1);
  const to = lookupWrite(2);
  if (from == 0) {
    replyInt(0);
    return;
  }
  if (!openOrReply(from) || (to != 0 && !hasTypeOrReply(to, TYPE_SET))) return;
  const ptr = Arg.ptr(3);
  const len = Arg.len(3);
  if (!setHas(set, ptr, len)) {
    replyInt(0);
    return;
  }
  if (from == to) {
    replyInt(1);
    return;
  }
  const outcome = to != 0 ? addTo(to) : addToNew();
  if (outcome == SET_NO_MEMORY) {
    replyError(ERR_OOM_LIMIT);
    return;
  }
  // The insertion of a key may have changed what was found last.
  const source = lookupKeyQuiet(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  setOpen(set, source);
  setRemove(set, ptr, len);
  const gone = closeOrDelete(source, 1);
  argEvent(1, NOTIFY_SET, 'srem', 1);
  if (gone) argEvent(1, NOTIFY_GENERIC, 'del', 0);
  if (outcome == SET_ADDED) argEvent(2, NOTIFY_SET, 'sadd', 1);
  replyInt(1);
}

/** Adds argument 3 to the set of an entry. */
function addTo(to: EntryPtr): i32 {
  setOpen(other, to);
  const outcome = trySetAdd(other, Arg.ptr(3), Arg.len(3));
  setClose(other, to);
  return outcome;
}

/** Makes argument 2 a set of argument 3. */
function addToNew(): i32 {
  if (!trySetNewFor(other, Arg.ptr(3), Arg.len(3), 1)) return SET_NO_MEMORY;
  if (trySetAdd(other, Arg.ptr(3), Arg.len(3)) == SET_NO_MEMORY) {
    setFree(other);
    return SET_NO_MEMORY;
  }
  return tryFile(other, 2) ? SET_ADDED : SET_NO_MEMORY;
}

// --- Asking ---

/** SISMEMBER key member */
export function sismemberCommand(): void {
  const e = lookupRead();
  if (e == 0) replyInt(0);
  else if (openOrReply(e)) replyInt(hasArg(2) ? 1 : 0);
}

/** SMISMEMBER key member [member ...] */
export function smismemberCommand(): void {
  const e = lookupRead();
  if (e != 0 && !openOrReply(e)) return;
  replyArray(argc - 2);
  for (let i: u32 = 2; i < argc; i++) {
    replyInt(e != 0 && hasArg(i) ? 1 : 0);
  }
}

/** SCARD key */
export function scardCommand(): void {
  const e = lookupRead();
  if (e == 0) replyInt(0);
  else if (openOrReply(e)) replyInt(setSize(set));
}

/** SMEMBERS key */
export function smembersCommand(): void {
  const e = lookupRead();
  if (e == 0) replySet(0);
  else if (openOrReply(e)) {
    const size = setSize(set);
    replySet(size);
    if (set.encoding == ENCODING_LISTPACK) replyElements(set.block + LP_HDR_SIZE, size);
    else replyMembers(set);
  }
}

/** SSCAN key cursor [MATCH pattern] [COUNT count] */
export function sscanCommand(): void {
  if (!parseCursorOrReply(2)) return;
  const e = lookupRead();
  if (e == 0) {
    replyEmptyScan();
    return;
  }
  if (!openOrReply(e) || !parseScanOrReply(3, SCAN_MEMBERS)) return;
  if (set.encoding == ENCODING_HASHTABLE) {
    scanTable(changetype<MemberTable>(set.block), SCAN_MEMBERS);
    return;
  }
  // Small sets come at once, whatever the cursor.
  const body = outputLen();
  let returned: u32 = 0;
  setWalk(walk, set);
  while (setNext(walk)) {
    setMemberText(walk);
    if (!scanMatches(walk.ptr, walk.len)) continue;
    replyMember(walk);
    returned += 1;
  }
  scanReplyEnd(body, 0, returned);
}

// --- SPOP ---

/** Members that one command of the stream of changes removes. */
const REMOVED_TOGETHER: u32 = 1024;

/** Members of the running SPOP that are still to be written to the stream, and to its last command. */
let unwritten: u32 = 0;
let unwrittenTogether: u32 = 0;

/** Writes that the member the walk is at was popped; `unwritten` are to come, it included. */
function propagatePopped(): void {
  if (unwrittenTogether == 0) {
    unwrittenTogether = min(unwritten, REMOVED_TOGETHER);
    commandOp('SREM', 2 + unwrittenTogether);
    opArg(1);
  }
  unwritten -= 1;
  unwrittenTogether -= 1;
  if (walk.ptr != 0) opBytes(walk.ptr, walk.len);
  else opInt(walk.value);
}

/** Replies with the member the walk is at, which is popped. */
function replyPopped(): void {
  replyMember(walk);
  if (propagating) propagatePopped();
}

/** When at most one in so many members stays, those that stay are picked rather than those that go. */
const KEEP_RATIO: u64 = 5;

/** SPOP key [count] */
export function spopCommand(): void {
  if (argc > 3) {
    replyError(ERR_SYNTAX);
    return;
  }
  if (argc == 3) {
    popWithCount();
    return;
  }
  const e = lookupWrite(1);
  if (e == 0) {
    replyNull();
    return;
  }
  if (!openOrReply(e)) return;
  unwritten = 1;
  setRandom(set, walk);
  replyPopped();
  setRemoveRandom(set, walk);
  finishPopping(e, 1);
}

function finishPopping(e: EntryPtr, popped: u32): void {
  const gone = closeOrDelete(e, 1);
  argEvent(1, NOTIFY_SET, 'spop', popped);
  if (gone) argEvent(1, NOTIFY_GENERIC, 'del', 0);
}

function popWithCount(): void {
  const outOfRange = 'ERR value is out of range, must be positive';
  if (!argI64OrText(2, outOfRange)) return;
  const wanted = argI64;
  if (wanted < 0) {
    replyError(outOfRange);
    return;
  }
  const e = lookupWrite(1);
  if (e == 0) {
    replySet(0);
    return;
  }
  if (!openOrReply(e)) return;
  const size = setSize(set);
  const count = <u32>min<i64>(wanted, size);
  replySet(count);
  if (count == 0) return;
  if (count == size) {
    replyMembers(set);
    deleteFound(Arg.hash(1));
    argEvent(1, NOTIFY_SET, 'spop', count);
    argEvent(1, NOTIFY_GENERIC, 'del', 0);
    if (propagating) propagateDeletion(1, CFG_LAZYFREE_SERVER_DEL);
    return;
  }
  unwritten = count;
  const few = <u64>(size - count) * KEEP_RATIO <= count;
  if (set.encoding == ENCODING_LISTPACK) popElements(count);
  else if (!few || !popAllBut(size - count)) popOneByOne(count);
  finishPopping(e, count);
}

function popOneByOne(count: u32): void {
  for (let i = count; i != 0; i--) {
    setRandom(set, walk);
    replyPopped();
    setRemoveRandom(set, walk);
  }
}

/** Pops from a listpack in one walk. */
function popElements(count: u32): void {
  const taken = tryAlloc((<usize>count) << 2);
  if (taken == 0) {
    popOneByOne(count);
    return;
  }
  let p = lpFirst(set.block);
  let index: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    p = lpNextRandom(set.block, p, index, count - i, 1);
    setAtElement(walk, p);
    replyPopped();
    store<u32>(taken + ((<usize>i) << 2), <u32>p);
    index = lpRandomIndex + 1;
    p = lpSkip(p);
  }
  set.block = lpBatchDelete(set.block, taken, count);
  free(taken);
}

/**
 * Makes the open set one of `remaining` members picked from it, in the encoding such a set would get
 * if it were filled anew, and replies with the others. False without memory: nothing happened.
 */
function popAllBut(remaining: u32): bool {
  const start: u32 = set.encoding == ENCODING_HASHTABLE ? ENCODING_LISTPACK : set.encoding;
  if (!trySetNew(other, start, remaining)) return false;
  let kept: u32 = 0;
  while (kept < remaining) {
    setRandom(set, walk);
    // One that is kept already comes by rarely: few are.
    const outcome = trySetAddWalked(other, walk);
    if (outcome == SET_NO_MEMORY) {
      setFree(other);
      return false;
    }
    kept += outcome;
  }
  setWalk(walk, set);
  while (setNext(walk)) {
    if (!setHasWalked(other, walk)) replyPopped();
  }
  setFree(set);
  set.encoding = other.encoding;
  set.block = other.block;
  return true;
}

// --- SRANDMEMBER ---

/** SRANDMEMBER key [count] */
export function srandmemberCommand(): void {
  if (argc > 3) {
    replyError(ERR_SYNTAX);
    return;
  }
  if (argc == 3 && !argRandomCountOrReply(2)) return;
  const wanted = argI64;
  const e = lookupRead();
  if (e == 0) {
    if (argc == 3) replyArray(0);
    else replyNull();
    return;
  }
  if (!openOrReply(e)) return;
  if (argc == 2) {
    setRandom(set, walk);
    replyMember(walk);
  } else if (wanted < 0) replyRepeated(-wanted);
  else {
    const size = setSize(set);
    replyDistinct(<u32>min<i64>(wanted, size), size);
  }
}

/** Replies with so many members, each picked anew from all. */
function replyRepeated(count: i64): void {
  replyArray(<u32>min<i64>(count, u32.MAX_VALUE));
  for (let i = count; i != 0 && !outputLost; i--) {
    setRandom(set, walk);
    replyMember(walk);
  }
}

/** Replies with so many different members. */
function replyDistinct(count: u32, size: u32): void {
  replyArray(count);
  if (set.encoding == ENCODING_HASHTABLE && picksBegin(count, size)) {
    const start = outputLen();
    const done = tryDraw(count);
    picksEnd();
    if (done) return;
    outputRewind(start);
  }
  let wanted = count;
  let left = size;
  setWalk(walk, set);
  while (wanted > 0 && setNext(walk)) {
    if (takesNext(wanted, left)) {
      replyMember(walk);
      wanted -= 1;
    }
    left -= 1;
  }
}

/** Replies with different members drawn at random. False without memory. */
function tryDraw(count: u32): bool {
  let wanted = count;
  while (wanted > 0) {
    setRandom(set, walk);
    const outcome = tryPick(<u32>walk.ptr);
    if (outcome == PICK_NO_MEMORY) return false;
    if (outcome != PICK_NEW) continue;
    replyMember(walk);
    wanted -= 1;
  }
  return true;
}
