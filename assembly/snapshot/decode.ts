// Reading a value that an RDB file or a DUMP payload has, of any version up to 12.
//
//   decodeStart(decoder, rdbType)
//   while (decodeStep(decoder, bytes, len, whole) == DECODE_MORE) go on from `decodedBytes`, with more
//   tryDecodedEntry(decoder, key ...)
//
// Bytes may be anything: what is not a value is DECODE_CORRUPT and leaves nothing behind. That covers
// the inside of listpacks, ziplists, intsets and zipmaps, names that occur twice, scores that are no
// numbers or out of order, and everything else that commands rely on later. What Redis checks only
// with sanitize-dump-payload is checked always: a walk over each block costs less than unpacking it.
//
// A value need not be in memory as a whole: with `whole` unset, a step takes the elements that are
// complete, and the next one begins with the rest. Room is reserved for no more elements than the
// bytes at hand can hold.
//
// Encodings come out as Redis's do: a block is kept if its number of elements is within the limits.

import {
  RDB_FAULT_HASH_LISTPACK,
  RDB_FAULT_HASH_ZIPLIST,
  RDB_FAULT_INTSET,
  RDB_FAULT_LIST_ZIPLIST,
  RDB_FAULT_LISTPACK,
  RDB_FAULT_SET_LISTPACK,
  RDB_FAULT_STREAM_LISTPACK,
  RDB_FAULT_TYPE,
  RDB_FAULT_ZIPLIST,
  RDB_FAULT_ZIPMAP,
  RDB_FAULT_ZSET_LISTPACK,
  RDB_FAULT_ZSET_ZIPLIST,
} from '../abi';
import { tryNewStringFor } from '../keyspace/db';
import {
  ENCODING_STREAM,
  Entry,
  EntryPtr,
  TYPE_STREAM,
  TYPE_STRING,
  tryNewBlockEntry,
} from '../keyspace/entry';
import { valueFree } from '../keyspace/value';
import { decodeHash, decodeHashBlock } from './decode_hash';
import { decodeList, decodeListBlock, decodeNodes } from './decode_list';
import { decodeSet, decodeSetBlock } from './decode_set';
import { decodeStream } from './decode_stream';
import { decodeZset, decodeZsetBlock } from './decode_zset';
import { DECODER_BYTES, Decoder } from './decoder';
import {
  RDB_HASH,
  RDB_HASH_LISTPACK,
  RDB_HASH_LISTPACK_EX,
  RDB_HASH_LISTPACK_EX_PRE_GA,
  RDB_HASH_METADATA,
  RDB_HASH_METADATA_PRE_GA,
  RDB_HASH_ZIPLIST,
  RDB_HASH_ZIPMAP,
  RDB_LIST,
  RDB_LIST_QUICKLIST,
  RDB_LIST_QUICKLIST_2,
  RDB_LIST_ZIPLIST,
  RDB_SET,
  RDB_SET_INTSET,
  RDB_SET_LISTPACK,
  RDB_STREAM_LISTPACKS,
  RDB_STREAM_LISTPACKS_2,
  RDB_STREAM_LISTPACKS_3,
  RDB_STRING,
  RDB_ZSET,
  RDB_ZSET_2,
  RDB_ZSET_LISTPACK,
  RDB_ZSET_ZIPLIST,
} from './format';
import {
  FAULT_EMPTY,
  FAULT_MEMORY,
  FAULT_NONE,
  FAULT_SHORT,
  failAs,
  inputAt,
  inputFault,
  inputMark,
  inputMarked,
  inputReason,
  inputStart,
  itemString,
  readString,
  releaseStrings,
} from './rdb_input';

/** What came of a step. */
export const DECODE_DONE: u32 = 0;
export const DECODE_MORE: u32 = 1;
export const DECODE_CORRUPT: u32 = 2;
/** A well-formed collection without elements. */
export const DECODE_EMPTY: u32 = 3;
export const DECODE_NO_MEMORY: u32 = 4;

/** Bytes that the last step took. */
export let decodedBytes: usize = 0;

/** Begins to read a value of a type. */
export function decodeStart(d: Decoder, rdbType: u32): void {
  if (offsetof<Decoder>() != <usize>DECODER_BYTES) ERROR('DECODER_BYTES');
  if (offsetof<Decoder>('encoding') != 12) ERROR('VALUE_OFFSET');
  memory.fill(changetype<usize>(d), 0, DECODER_BYTES);
  d.rdbType = rdbType;
}

/**
 * Reads on. Returns DECODE_*; all but DECODE_MORE end it, and all but these two leave nothing behind.
 * After DECODE_DONE `tryDecodedEntry` or `decodeAbort` has to follow, while the bytes are still there
 * and before anything else is read.
 */
export function decodeStep(d: Decoder, ptr: usize, len: usize, whole: bool): u32 {
  inputStart(ptr, len);
  readValue(d);
  if (inputFault == FAULT_NONE) {
    inputMark();
    decodedBytes = inputAt - ptr;
    return DECODE_DONE;
  }
  decodedBytes = inputMarked - ptr;
  if (inputFault == FAULT_SHORT && !whole) return DECODE_MORE;
  const fault = inputFault;
  decodeAbort(d);
  if (fault == FAULT_MEMORY) return DECODE_NO_MEMORY;
  return fault == FAULT_EMPTY ? DECODE_EMPTY : DECODE_CORRUPT;
}

function readValue(d: Decoder): void {
  switch (d.rdbType) {
    case RDB_STRING:
      readString(itemString);
      d.type = TYPE_STRING;
      return;
    case RDB_LIST:
      decodeList(d);
      return;
    case RDB_LIST_ZIPLIST:
      decodeListBlock(d);
      return;
    case RDB_LIST_QUICKLIST:
    case RDB_LIST_QUICKLIST_2:
      decodeNodes(d);
      return;
    case RDB_SET:
      decodeSet(d);
      return;
    case RDB_SET_INTSET:
    case RDB_SET_LISTPACK:
      decodeSetBlock(d);
      return;
    case RDB_ZSET:
    case RDB_ZSET_2:
      decodeZset(d);
      return;
    case RDB_ZSET_ZIPLIST:
    case RDB_ZSET_LISTPACK:
      decodeZsetBlock(d);
      return;
    case RDB_HASH:
    case RDB_HASH_METADATA_PRE_GA:
    case RDB_HASH_METADATA:
      decodeHash(d);
      return;
    case RDB_HASH_ZIPMAP:
    case RDB_HASH_ZIPLIST:
    case RDB_HASH_LISTPACK:
    case RDB_HASH_LISTPACK_EX_PRE_GA:
    case RDB_HASH_LISTPACK_EX:
      decodeHashBlock(d);
      return;
    case RDB_STREAM_LISTPACKS:
    case RDB_STREAM_LISTPACKS_2:
    case RDB_STREAM_LISTPACKS_3:
      d.type = TYPE_STREAM;
      d.encoding = ENCODING_STREAM;
      decodeStream(d);
      return;
    default:
      failAs(RDB_FAULT_TYPE);
  }
}

/** RDB_FAULT_*: why the last step gave DECODE_CORRUPT, as Redis would put it. */
export function decodeReason(d: Decoder): u32 {
  if (inputReason != 0) return inputReason;
  switch (d.rdbType) {
    case RDB_LIST_ZIPLIST:
      return RDB_FAULT_LIST_ZIPLIST;
    case RDB_LIST_QUICKLIST:
      return RDB_FAULT_ZIPLIST;
    case RDB_LIST_QUICKLIST_2:
      return RDB_FAULT_LISTPACK;
    case RDB_SET_INTSET:
      return RDB_FAULT_INTSET;
    case RDB_SET_LISTPACK:
      return RDB_FAULT_SET_LISTPACK;
    case RDB_ZSET_ZIPLIST:
      return RDB_FAULT_ZSET_ZIPLIST;
    case RDB_ZSET_LISTPACK:
      return RDB_FAULT_ZSET_LISTPACK;
    case RDB_HASH_ZIPMAP:
      return RDB_FAULT_ZIPMAP;
    case RDB_HASH_ZIPLIST:
      return RDB_FAULT_HASH_ZIPLIST;
    case RDB_STREAM_LISTPACKS:
    case RDB_STREAM_LISTPACKS_2:
    case RDB_STREAM_LISTPACKS_3:
      return RDB_FAULT_STREAM_LISTPACK;
    default:
      return RDB_FAULT_HASH_LISTPACK;
  }
}

/** Gives back everything that was read. */
export function decodeAbort(d: Decoder): void {
  if (d.block != 0) valueFree(d.type, d.encoding, d.block);
  d.block = 0;
  releaseStrings();
}

/**
 * An entry of its own with the value that was read, in no table yet; 0 when memory is exhausted. The
 * decoder is done with in any case.
 */
export function tryDecodedEntry(
  d: Decoder,
  key: usize,
  keyLen: u32,
  clock: u32,
  expireAtMs: i64,
): EntryPtr {
  let e: EntryPtr;
  if (d.type == TYPE_STRING) {
    e = tryNewStringFor(key, keyLen, itemString.ptr, itemString.len, expireAtMs);
    if (e != 0) Entry.setClock(e, clock);
  } else {
    e = tryNewBlockEntry(key, keyLen, d.type, d.encoding, d.block, clock, expireAtMs);
    if (e != 0) d.block = 0;
  }
  decodeAbort(d);
  return e;
}
