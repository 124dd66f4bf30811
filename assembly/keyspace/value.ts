// What hangs off an entry: freeing, copying and measuring a value of any type.
//
//   type, encoding            the block is
//   string                    [u32 length][bytes] (entry.ts)
//   list, listpack/quicklist  a list of struct/list.ts, which knows its own form
//   set, intset               an intset
//   set, listpack             a listpack of members
//   set, hashtable            a member table of plain members
//   zset, listpack            a listpack of members and scores in turn
//   zset, skiplist            a sorted set ("skiplist" is only its name)
//   hash, listpack            a listpack of fields and values in turn
//   hash, listpackex          fields, values and expiries (field_expiries.ts)
//   hash, hashtable           a member table with values
//   stream                    a stream
//
// A new type is added here once; databases, COPY, MEMORY USAGE and freeing in steps follow.

import { free, usableSize } from '../memory/alloc';
import { intsetDup, intsetFree, intsetLen } from '../struct/intset';
import { listBytes, listDup, listFree, listFreeStep, listLength } from '../struct/list';
import { lpBlockBytes, lpDup, lpFree, lpLength } from '../struct/listpack';
import {
  MemberTable,
  memberTableBytes,
  memberTableFree,
  memberTableFreeStep,
  tryMemberTableCopy,
} from '../struct/member_table';
import { SortedSet, tryZslCopy, zslBytes, zslFree, zslFreeStep } from '../struct/sorted_set';
import {
  streamBytes,
  streamEffort,
  streamFree,
  streamFreeStep,
  tryStreamCopy,
} from '../struct/stream';
import { Stream } from '../struct/stream_nodes';
import {
  ENCODING_HASHTABLE,
  ENCODING_INTSET,
  ENCODING_LISTPACK,
  ENCODING_LISTPACK_EX,
  ENCODING_SKIPLIST,
  Entry,
  EntryPtr,
  entryHasBlock,
  NO_EXPIRE,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_STRING,
  tryEntryCopyString,
  tryNewBlockEntry,
} from './entry';
import {
  expiringFieldsBytes,
  expiringFieldsFree,
  expiringFieldsLength,
  tryExpiringFieldsCopy,
} from './field_expiries';

/** Frees a value's block, all of it now. A hash must not be filed any more (field_expiries.ts). */
export function valueFree(type: u32, encoding: u32, block: usize): void {
  if (type == TYPE_STRING) free(block);
  else if (type == TYPE_LIST) listFree(block);
  else if (encoding == ENCODING_LISTPACK) lpFree(block);
  else if (encoding == ENCODING_INTSET) intsetFree(block);
  else if (encoding == ENCODING_HASHTABLE) memberTableFree(block);
  else if (encoding == ENCODING_LISTPACK_EX) expiringFieldsFree(block);
  else if (type == TYPE_STREAM) streamFree(block);
  else {
    assert(encoding == ENCODING_SKIPLIST);
    zslFree(block);
  }
}

/**
 * Frees about `budget` elements of a value. True when nothing is left of it; until then nobody may
 * use it.
 */
export function valueFreeStep(type: u32, encoding: u32, block: usize, budget: u32): bool {
  if (type == TYPE_LIST) return listFreeStep(block, max(budget >> 6, 1));
  if (encoding == ENCODING_HASHTABLE) return memberTableFreeStep(block, budget);
  if (encoding == ENCODING_SKIPLIST) return zslFreeStep(block, budget);
  if (type == TYPE_STREAM) return streamFreeStep(block, max(budget >> 2, 1));
  valueFree(type, encoding, block);
  return true;
}

/** A copy of the block of a value that is no string, filed nowhere, or 0 when memory is exhausted. */
export function tryValueCopy(type: u32, encoding: u32, block: usize): usize {
  if (type == TYPE_LIST) return listDup(block);
  if (encoding == ENCODING_LISTPACK) return lpDup(block);
  if (encoding == ENCODING_INTSET) return intsetDup(block);
  if (encoding == ENCODING_HASHTABLE) return tryMemberTableCopy(changetype<MemberTable>(block));
  if (encoding == ENCODING_LISTPACK_EX) return tryExpiringFieldsCopy(block);
  if (type == TYPE_STREAM) return tryStreamCopy(changetype<Stream>(block));
  assert(encoding == ENCODING_SKIPLIST);
  return tryZslCopy(changetype<SortedSet>(block));
}

/** Number of elements of a value that is no string: fields, members, list elements, entries. */
export function valueLength(type: u32, encoding: u32, block: usize): u32 {
  if (type == TYPE_LIST) return listLength(block);
  if (type == TYPE_STREAM) return <u32>min<u64>(changetype<Stream>(block).length, u32.MAX_VALUE);
  if (encoding == ENCODING_INTSET) return intsetLen(block);
  if (encoding == ENCODING_LISTPACK_EX) return expiringFieldsLength(block);
  if (encoding != ENCODING_LISTPACK) return changetype<MemberTable>(block).keys;
  const elements = lpLength(block);
  return type == TYPE_SET ? elements : elements >> 1;
}

/**
 * A copy of an entry under another key, with a value of its own in the same encoding and the same
 * expiry. 0 when memory is exhausted.
 */
export function tryEntryCopy(e: EntryPtr, key: usize, keyLen: u32, clock: u32): EntryPtr {
  const type = Entry.type(e);
  if (type == TYPE_STRING) return tryEntryCopyString(e, key, keyLen, clock);
  const encoding = Entry.encoding(e);
  const block = tryValueCopy(type, encoding, Entry.valuePtr(e));
  if (block == 0) return 0;
  const at = Entry.hasExpire(e) ? Entry.expireAtMs(e) : NO_EXPIRE;
  const copy = tryNewBlockEntry(key, keyLen, type, encoding, block, clock, at);
  if (copy == 0) valueFree(type, encoding, block);
  return copy;
}

/**
 * Elements that freeing a value takes time for, which a stream may have in its groups, too.
 */
export function valueEffort(type: u32, encoding: u32, block: usize): u32 {
  return type == TYPE_STREAM ? streamEffort(block) : valueLength(type, encoding, block);
}

/** Elements, or bytes of a string, that take noticeable time to write. */
const BIG_ELEMENTS: u32 = 2048;
const BIG_STRING_BYTES: u32 = 262144;

/** Whether writing an entry's value takes so long that it is done in steps. */
export function isBig(e: EntryPtr): bool {
  if (!entryHasBlock(e)) return false;
  const type = Entry.type(e);
  if (type == TYPE_STRING) return Entry.stringLen(e) > BIG_STRING_BYTES;
  return valueEffort(type, Entry.encoding(e), Entry.valuePtr(e)) > BIG_ELEMENTS;
}

/** Bytes a value's blocks take; lists may look at `samples` nodes only, 0 for all. */
export function valueBytes(type: u32, encoding: u32, block: usize, samples: u32): f64 {
  if (type == TYPE_STRING || encoding == ENCODING_INTSET) return <f64>usableSize(block);
  if (type == TYPE_LIST) return <f64>listBytes(block, samples);
  if (encoding == ENCODING_LISTPACK) return <f64>lpBlockBytes(block);
  if (encoding == ENCODING_HASHTABLE) return memberTableBytes(block);
  if (encoding == ENCODING_LISTPACK_EX) return expiringFieldsBytes(block);
  if (type == TYPE_STREAM) return streamBytes(block);
  assert(encoding == ENCODING_SKIPLIST);
  return zslBytes(block);
}

/** Bytes of an entry and of its value, as the allocator counts them; `samples` as for `valueBytes`. */
export function entryBytes(e: EntryPtr, samples: u32): f64 {
  const bytes = <f64>usableSize(e);
  if (!entryHasBlock(e)) return bytes;
  return bytes + valueBytes(Entry.type(e), Entry.encoding(e), Entry.valuePtr(e), samples);
}

/** Whether a value's block begins with a table of members: large hashes, sets and sorted sets. */
export function hasMemberTable(e: EntryPtr): bool {
  const encoding = Entry.encoding(e);
  return encoding == ENCODING_HASHTABLE || encoding == ENCODING_SKIPLIST;
}
