// Intersections, unions and differences of sets.
//
// Missing keys are empty sets; any key that is no set fails the command, whichever others are missing.
// A result that is stored is built beside everything else and then replaces what the destination
// held, so the destination may be one of the sources. Its encoding is what Redis 7.2 gives it, which
// depends on the way it is computed:
//
//   intersection   walks the smallest set; starts as an intset if that is one, else as a listpack, and
//                  becomes an intset in the end when all members are integers
//   union          adds everything to an empty intset
//   difference     adds members of the first set to an empty intset: those in no other set, or all,
//                  to remove those of the other sets; whichever is less work
//
// O(N * M) for M sets, of which the smallest (the first for a difference) has N members; O(sum of
// sizes) for unions and for differences by removal.

import { deleteKey, lookupKeyRead, trySetBlock } from '../keyspace/db';
import { NOTIFY_GENERIC, NOTIFY_SET } from '../keyspace/effects';
import {
  ENCODING_HASHTABLE,
  ENCODING_INTSET,
  ENCODING_LISTPACK,
  TYPE_SET,
} from '../keyspace/entry';
import {
  SET_NO_MEMORY,
  SetValue,
  SetWalk,
  setAtInt,
  setFree,
  setHasWalked,
  setNext,
  setOpen,
  setRemoveWalked,
  setSize,
  setWalk,
  tryConvertToIntset,
  trySetAddWalked,
  trySetNew,
} from '../keyspace/set_value';
import { free, tryAlloc } from '../memory/alloc';
import { argEvent } from '../resp/arg_event';
import { argI64, argI64OrText } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import { ERR_OOM_LIMIT, ERR_SYNTAX, replyError } from '../resp/errors';
import { outputLen, outputLost, replyHeadFirst, replyInt, replySet } from '../resp/writer';
import { lpShrinkToFit } from '../struct/listpack';
import { parseI64, parseI64Value } from '../util/number_parse';
import { replyMember, replyMembers } from './set';
import { hasTypeOrReply } from './type_check';

const SOURCE_SHIFT: u32 = 3;

/** The sets of the running command, a SetValue each, block 0 for a missing one. */
let sources: usize = 0;
let sourceCount: u32 = 0;
let missing: u32 = 0;

const result: SetValue = changetype<SetValue>(memory.data(8, 8));
const walk: SetWalk = changetype<SetWalk>(memory.data(40, 8));

function source(i: u32): SetValue {
  return changetype<SetValue>(sources + ((<usize>i) << SOURCE_SHIFT));
}

/** Looks up `count` sets from argument `first` on. False after an error. */
function openSourcesOrReply(first: u32, count: u32): bool {
  if (offsetof<SetValue>() != 1 << SOURCE_SHIFT) ERROR('SOURCE_SHIFT');
  sources = tryAlloc((<usize>count) << SOURCE_SHIFT);
  if (sources == 0) {
    replyError(ERR_OOM_LIMIT);
    return false;
  }
  sourceCount = count;
  missing = 0;
  for (let i: u32 = 0; i < count; i++) {
    const at = first + i;
    const e = lookupKeyRead(Arg.ptr(at), Arg.len(at), Arg.hash(at));
    if (e == 0) {
      source(i).block = 0;
      missing += 1;
    } else if (hasTypeOrReply(e, TYPE_SET)) setOpen(source(i), e);
    else {
      free(sources);
      return false;
    }
  }
  return true;
}

/** Gives up a result for lack of memory. */
function replyNoMemory(): void {
  setFree(result);
  replyError(ERR_OOM_LIMIT);
}

/** Makes the result the value of the key in argument 1, or deletes that when there are no members. */
function storeResult(event: string): void {
  const size = setSize(result);
  if (size == 0) {
    setFree(result);
    storeNothing();
    return;
  }
  const key = Arg.ptr(1);
  const len = Arg.len(1);
  if (!trySetBlock(key, len, Arg.hash(1), TYPE_SET, result.encoding, result.block)) {
    replyNoMemory();
    return;
  }
  argEvent(1, NOTIFY_SET, event, 1);
  replyInt(size);
}

function storeNothing(): void {
  if (deleteKey(Arg.ptr(1), Arg.len(1), Arg.hash(1))) argEvent(1, NOTIFY_GENERIC, 'del', 1);
  replyInt(0);
}

/** Replies with the result and frees it. */
function replyResult(): void {
  replySet(setSize(result));
  replyMembers(result);
  setFree(result);
}

// --- Intersection ---

/** Puts the smallest set first. */
function smallestFirst(): void {
  let smallest: u32 = 0;
  for (let i: u32 = 1; i < sourceCount; i++) {
    if (setSize(source(i)) < setSize(source(smallest))) smallest = i;
  }
  if (smallest == 0) return;
  const first = source(0);
  const other = source(smallest);
  const encoding = first.encoding;
  const block = first.block;
  first.encoding = other.encoding;
  first.block = other.block;
  other.encoding = encoding;
  other.block = block;
}

/** Goes to the next member of the first set that is in all others; false when there is none. */
function nextCommon(): bool {
  const first = source(0).block;
  while (setNext(walk)) {
    let i: u32 = 1;
    while (i < sourceCount && (source(i).block == first || setHasWalked(source(i), walk))) i++;
    if (i == sourceCount) return true;
  }
  return false;
}

/** SINTER key [key ...] */
export function sinterCommand(): void {
  if (!openSourcesOrReply(1, argc - 1)) return;
  const body = outputLen();
  let found: u32 = 0;
  if (missing == 0) {
    smallestFirst();
    setWalk(walk, source(0));
    while (!outputLost && nextCommon()) {
      replyMember(walk);
      found += 1;
    }
  }
  const head = outputLen();
  replySet(found);
  replyHeadFirst(body, head);
  free(sources);
}

/** SINTERCARD numkeys key [key ...] [LIMIT limit] */
export function sintercardCommand(): void {
  const notPositive = 'ERR numkeys should be greater than 0';
  if (!argI64OrText(1, notPositive)) return;
  const count = argI64;
  if (count < 1) {
    replyError(notPositive);
    return;
  }
  if (count > <i64>argc - 2) {
    replyError("ERR Number of keys can't be greater than number of args");
    return;
  }
  let limit: i64 = 0;
  for (let i: u32 = 2 + <u32>count; i < argc; i += 2) {
    if (!argIs(i, 'limit') || i + 1 >= argc) {
      replyError(ERR_SYNTAX);
      return;
    }
    const negative = "ERR LIMIT can't be negative";
    if (!argI64OrText(i + 1, negative)) return;
    limit = argI64;
    if (limit < 0) {
      replyError(negative);
      return;
    }
  }
  if (!openSourcesOrReply(2, <u32>count)) return;
  let found: i64 = 0;
  if (missing == 0) {
    smallestFirst();
    setWalk(walk, source(0));
    while ((limit == 0 || found < limit) && nextCommon()) found += 1;
  }
  replyInt(found);
  free(sources);
}

/** SINTERSTORE destination key [key ...] */
export function sinterstoreCommand(): void {
  if (!openSourcesOrReply(2, argc - 2)) return;
  if (missing != 0) storeNothing();
  else {
    smallestFirst();
    const start: u32 = source(0).encoding == ENCODING_INTSET ? ENCODING_INTSET : ENCODING_LISTPACK;
    if (!trySetNew(result, start, 0)) replyError(ERR_OOM_LIMIT);
    else if (!tryIntersect()) replyNoMemory();
    else storeResult('sinterstore');
  }
  free(sources);
}

/** Fills the result with the intersection. */
function tryIntersect(): bool {
  let onlyIntegers = true;
  setWalk(walk, source(0));
  while (nextCommon()) {
    if (walk.ptr != 0 && onlyIntegers) {
      if (walk.encoding != ENCODING_HASHTABLE || !parseI64(walk.ptr, walk.len)) {
        onlyIntegers = false;
      } else if (result.encoding != ENCODING_HASHTABLE) setAtInt(walk, parseI64Value);
    }
    if (trySetAddWalked(result, walk) == SET_NO_MEMORY) return false;
  }
  if (onlyIntegers && !tryConvertToIntset(result)) return false;
  if (result.encoding == ENCODING_LISTPACK) result.block = lpShrinkToFit(result.block);
  return true;
}

// --- Union ---

/** Adds all members of a source to the result. */
function tryAddSource(i: u32): bool {
  if (source(i).block == 0) return true;
  setWalk(walk, source(i));
  while (setNext(walk)) {
    if (trySetAddWalked(result, walk) == SET_NO_MEMORY) return false;
  }
  return true;
}

function tryUnite(): bool {
  for (let i: u32 = 0; i < sourceCount; i++) {
    if (!tryAddSource(i)) return false;
  }
  return true;
}

/** SUNION key [key ...] */
export function sunionCommand(): void {
  if (!openSourcesOrReply(1, argc - 1)) return;
  if (!trySetNew(result, ENCODING_INTSET, 0)) replyError(ERR_OOM_LIMIT);
  else if (!tryUnite()) replyNoMemory();
  else replyResult();
  free(sources);
}

/** SUNIONSTORE destination key [key ...] */
export function sunionstoreCommand(): void {
  if (!openSourcesOrReply(2, argc - 2)) return;
  if (!trySetNew(result, ENCODING_INTSET, 0)) replyError(ERR_OOM_LIMIT);
  else if (!tryUnite()) replyNoMemory();
  else storeResult('sunionstore');
  free(sources);
}

// --- Difference ---

/** Whether the first set, which is there, is one of the others too. */
function subtractsItself(): bool {
  for (let i: u32 = 1; i < sourceCount; i++) {
    if (source(i).block == source(0).block) return true;
  }
  return false;
}

/** Whether looking members up in all other sets is less work than walking through these. */
function lookupIsBetter(): bool {
  let lookups: u64 = 0;
  let walked: u64 = 0;
  for (let i: u32 = 0; i < sourceCount; i++) {
    if (source(i).block == 0) continue;
    lookups += setSize(source(0));
    walked += setSize(source(i));
  }
  return lookups / 2 <= walked;
}

/** Goes to the next member of the first set that is in no other; false when there is none. */
function nextUnique(): bool {
  while (setNext(walk)) {
    let i: u32 = 1;
    while (i < sourceCount && (source(i).block == 0 || !setHasWalked(source(i), walk))) i++;
    if (i == sourceCount) return true;
  }
  return false;
}

/** Fills the result with the difference. */
function trySubtract(): bool {
  if (source(0).block == 0 || subtractsItself()) return true;
  if (lookupIsBetter()) {
    setWalk(walk, source(0));
    while (nextUnique()) {
      if (trySetAddWalked(result, walk) == SET_NO_MEMORY) return false;
    }
    return true;
  }
  if (!tryAddSource(0)) return false;
  for (let i: u32 = 1; i < sourceCount; i++) {
    if (source(i).block == 0) continue;
    setWalk(walk, source(i));
    while (setNext(walk)) {
      setRemoveWalked(result, walk);
      if (setSize(result) == 0) return true;
    }
  }
  return true;
}

/** SDIFF key [key ...] */
export function sdiffCommand(): void {
  if (!openSourcesOrReply(1, argc - 1)) return;
  if (!trySetNew(result, ENCODING_INTSET, 0)) replyError(ERR_OOM_LIMIT);
  else if (!trySubtract()) replyNoMemory();
  else replyResult();
  free(sources);
}

/** SDIFFSTORE destination key [key ...] */
export function sdiffstoreCommand(): void {
  if (!openSourcesOrReply(2, argc - 2)) return;
  if (!trySetNew(result, ENCODING_INTSET, 0)) replyError(ERR_OOM_LIMIT);
  else if (!trySubtract()) replyNoMemory();
  else storeResult('sdiffstore');
  free(sources);
}
