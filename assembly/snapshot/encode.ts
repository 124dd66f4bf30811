// Writing a value as RDB files and DUMP payloads have it, in pieces.
//
//   encodeStart(encoder, entry)
//   while (encodeStep(encoder, out, budget) == ENCODE_MORE) take what is in `out`
//
// A step appends about `budget` bytes. It goes beyond by one string at most that is short or
// compressed: a long one without compression is cut into pieces. So a hash of a million fields never
// exists as one block, and what a step may take in memory is bounded by the budget and by the
// output's `compressMax`. The value must not change between steps. Several encoders may be at work.
//
// The format is the lowest that holds the data, so that Redis 7.0 reads it: sets of Redis 7.2's
// listpack encoding are written as plain members. Only hashes with expiring fields need more.
//
//   string               str
//   list                 len nodes, (container, listpack or element) ...
//   set                  intset, or len, str ...
//   sorted set           listpack, or len, (str, f64) ... from the highest score down
//   hash                 listpack, or len, (field, value) ...
//   hash with expiries   earliest, listpack of triples, or len, (difference + 1 or 0, field, value) ...
//   stream               encode_stream.ts
//
// O(bytes) in all.

import {
  ENCODING_HASHTABLE,
  ENCODING_INT,
  ENCODING_INTSET,
  ENCODING_LISTPACK,
  ENCODING_LISTPACK_EX,
  Entry,
  EntryPtr,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_STRING,
  TYPE_ZSET,
} from '../keyspace/entry';
import { ExpiringFields, firstExpiry } from '../keyspace/field_expiries';
import { TRIPLE, tripleSkip } from '../struct/expiring_listpack';
import { NEVER_DUE } from '../struct/expiry_tree';
import { intsetBytes } from '../struct/intset';
import { listIsQuicklist } from '../struct/list';
import {
  LP_HDR_SIZE,
  lpBytes,
  lpGet,
  lpLength,
  lpSkip,
  lpValueInt,
  lpValueLen,
} from '../struct/listpack';
import {
  MEMBERS_START,
  Member,
  MemberTable,
  memberAt,
  memberMinExpiry,
  memberNext,
} from '../struct/member_table';
import { quicklistAt } from '../struct/quicklist';
import {
  NodePtr,
  nodeAt,
  nodeIsCompressed,
  nodeIsPlain,
  nodeLzf,
  nodeLzfBytes,
  nodeRead,
} from '../struct/quicklist_node';
import { SortedSet, zslMember, zslPrev, zslScore, zslSeek } from '../struct/sorted_set';
import { encodeStream, streamRdbType } from './encode_stream';
import { ENCODER_BYTES, Encoder, isPaused, putInteger, putString } from './encoder';
import {
  CONTAINER_PACKED,
  CONTAINER_PLAIN,
  RDB_HASH,
  RDB_HASH_LISTPACK,
  RDB_HASH_LISTPACK_EX,
  RDB_HASH_METADATA,
  RDB_LIST_QUICKLIST_2,
  RDB_SET,
  RDB_SET_INTSET,
  RDB_STREAM_LISTPACKS_2,
  RDB_STRING,
  RDB_VERSION_FIELD_EXPIRY,
  RDB_VERSION_MIN,
  RDB_ZSET_2,
  RDB_ZSET_LISTPACK,
} from './format';
import { RdbOutput, writeByte, writeF64, writeI64, writeLength, writeLzf } from './rdb_output';

/** What came of a step. */
export const ENCODE_DONE: u32 = 0;
export const ENCODE_MORE: u32 = 1;
/** Memory is exhausted: what was written is incomplete. */
export const ENCODE_NO_MEMORY: u32 = 2;

const STAGE_HEAD: u32 = 0;
const STAGE_ELEMENTS: u32 = 1;

/** The RDB type a value is written as. */
export function rdbTypeOf(e: EntryPtr): u32 {
  const type = Entry.type(e);
  const encoding = Entry.encoding(e);
  if (type == TYPE_STRING) return RDB_STRING;
  if (type == TYPE_LIST) return RDB_LIST_QUICKLIST_2;
  if (type == TYPE_SET) return encoding == ENCODING_INTSET ? RDB_SET_INTSET : RDB_SET;
  if (type == TYPE_ZSET) return encoding == ENCODING_LISTPACK ? RDB_ZSET_LISTPACK : RDB_ZSET_2;
  if (type == TYPE_STREAM) return streamRdbType(Entry.valuePtr(e));
  if (encoding == ENCODING_LISTPACK) return RDB_HASH_LISTPACK;
  if (firstExpiry(encoding, Entry.valuePtr(e)) == NEVER_DUE) return RDB_HASH;
  return encoding == ENCODING_LISTPACK_EX ? RDB_HASH_LISTPACK_EX : RDB_HASH_METADATA;
}

/** The RDB version that a reader of this type has to know. */
export function rdbVersionOf(rdbType: u32): u32 {
  return rdbType > RDB_STREAM_LISTPACKS_2 ? RDB_VERSION_FIELD_EXPIRY : RDB_VERSION_MIN;
}

/** Begins to write the value of an entry; its type, `rdbTypeOf`, is the caller's to write. */
export function encodeStart(x: Encoder, e: EntryPtr): void {
  if (offsetof<Encoder>() != <usize>ENCODER_BYTES) ERROR('ENCODER_BYTES');
  memory.fill(changetype<usize>(x), 0, ENCODER_BYTES);
  x.type = Entry.type(e);
  x.encoding = Entry.encoding(e);
  if (x.type != TYPE_STRING) {
    x.block = Entry.valuePtr(e);
  } else if (x.encoding == ENCODING_INT) {
    x.position = <u64>Entry.intValue(e);
  } else {
    x.block = Entry.stringPtr(e);
    x.rest = Entry.stringLen(e);
  }
}

/** Appends about `budget` bytes to `out`. Returns ENCODE_*. */
export function encodeStep(x: Encoder, out: RdbOutput, budget: usize): u32 {
  x.limit = out.used + min(budget, usize.MAX_VALUE - out.used);
  let done = false;
  if (!isPaused(x, out)) done = writeValue(x, out);
  if (out.lost) return ENCODE_NO_MEMORY;
  return done && x.tailLen == 0 ? ENCODE_DONE : ENCODE_MORE;
}

function writeValue(x: Encoder, out: RdbOutput): bool {
  if (x.type == TYPE_STREAM) return encodeStream(x, out);
  if (x.stage == STAGE_HEAD) {
    x.stage = STAGE_ELEMENTS;
    writeHead(x, out);
    if (isPaused(x, out)) return x.rest == 0;
  }
  if (x.rest == 0) return true;
  if (x.type == TYPE_LIST) return writeNodes(x, out);
  if (x.type == TYPE_ZSET) return writeScored(x, out);
  if (x.encoding == ENCODING_LISTPACK_EX) return writeTriples(x, out);
  if (x.type == TYPE_HASH) return writeFields(x, out);
  return x.encoding == ENCODING_HASHTABLE ? writeMembers(x, out) : writeElements(x, out);
}

/** Writes what comes before the elements, or the whole value when it is one string. */
function writeHead(x: Encoder, out: RdbOutput): void {
  if (x.type == TYPE_STRING) {
    const length = x.rest;
    x.rest = 0;
    if (x.encoding == ENCODING_INT) putInteger(x, out, <i64>x.position);
    else putString(x, out, x.block, length);
  } else if (x.type == TYPE_LIST) {
    writeListHead(x, out);
  } else if (x.encoding == ENCODING_INTSET) {
    putString(x, out, x.block, <u32>intsetBytes(x.block));
  } else if (x.encoding == ENCODING_LISTPACK_EX) {
    writeTriplesHead(x, out);
  } else if (x.encoding != ENCODING_LISTPACK) {
    writeTableHead(x, out);
  } else if (x.type == TYPE_SET) {
    x.rest = lpLength(x.block);
    x.position = x.block + LP_HDR_SIZE;
    writeLength(out, x.rest);
  } else {
    putString(x, out, x.block, lpBytes(x.block));
  }
}

function writeTableHead(x: Encoder, out: RdbOutput): void {
  const table = changetype<MemberTable>(x.block);
  x.rest = table.keys;
  if (x.type == TYPE_ZSET) x.position = zslSeek(changetype<SortedSet>(x.block), x.rest - 1);
  else x.position = memberNext(table, MEMBERS_START);
  if (x.type == TYPE_HASH) {
    x.earliest = memberMinExpiry(table);
    if (x.earliest != NEVER_DUE) writeI64(out, x.earliest);
  }
  writeLength(out, x.rest);
}

// --- Lists ---

function writeListHead(x: Encoder, out: RdbOutput): void {
  if (listIsQuicklist(x.block)) {
    x.rest = quicklistAt(x.block).len;
    x.position = quicklistAt(x.block).head;
    writeLength(out, x.rest);
    return;
  }
  writeLength(out, 1);
  writeLength(out, CONTAINER_PACKED);
  putString(x, out, x.block, lpBytes(x.block));
}

function writeNodes(x: Encoder, out: RdbOutput): bool {
  while (x.rest != 0) {
    const node = <NodePtr>x.position;
    const bytes = nodeAt(node).bytes;
    writeLength(out, nodeIsPlain(node) ? CONTAINER_PLAIN : CONTAINER_PACKED);
    if (nodeIsCompressed(node)) writeLzf(out, nodeLzf(node), nodeLzfBytes(node), bytes);
    else putString(x, out, nodeRead(node), bytes);
    x.position = nodeAt(node).next;
    x.rest -= 1;
    if (isPaused(x, out)) break;
  }
  return x.rest == 0;
}

// --- Sets ---

function writeMembers(x: Encoder, out: RdbOutput): bool {
  const table = changetype<MemberTable>(x.block);
  while (x.rest != 0) {
    const m = memberAt(x.position);
    putString(x, out, Member.ptr(m), Member.len(m));
    x.position = memberNext(table, x.position);
    x.rest -= 1;
    if (isPaused(x, out)) break;
  }
  return x.rest == 0;
}

function writeElement(x: Encoder, out: RdbOutput, p: usize): void {
  const string = lpGet(p);
  if (string != 0) putString(x, out, string, lpValueLen);
  else putInteger(x, out, lpValueInt);
}

/** The elements of a listpack, one by one. */
function writeElements(x: Encoder, out: RdbOutput): bool {
  while (x.rest != 0) {
    const p = <usize>x.position;
    writeElement(x, out, p);
    x.position = lpSkip(p);
    x.rest -= 1;
    if (isPaused(x, out)) break;
  }
  return x.rest == 0;
}

// --- Sorted sets ---

function writeScored(x: Encoder, out: RdbOutput): bool {
  while (x.rest != 0) {
    if (!x.half) {
      const m = zslMember(x.position);
      putString(x, out, Member.ptr(m), Member.len(m));
      x.half = true;
      if (isPaused(x, out)) break;
    }
    writeF64(out, zslScore(x.position));
    x.half = false;
    x.position = zslPrev(x.position);
    x.rest -= 1;
  }
  return x.rest == 0;
}

// --- Hashes ---

function writeFields(x: Encoder, out: RdbOutput): bool {
  const table = changetype<MemberTable>(x.block);
  while (x.rest != 0) {
    const m = memberAt(x.position);
    if (!x.half) {
      if (x.earliest != NEVER_DUE) writeExpiry(out, x.earliest, m);
      putString(x, out, Member.ptr(m), Member.len(m));
      x.half = true;
      if (isPaused(x, out)) break;
    }
    putString(x, out, Member.valuePtr(m), Member.valueLen(m));
    x.half = false;
    x.position = memberNext(table, x.position);
    x.rest -= 1;
    if (isPaused(x, out)) break;
  }
  return x.rest == 0;
}

/** How much later than the earliest a field expires, plus 1; 0 when it does not. */
function writeExpiry(out: RdbOutput, earliest: i64, m: usize): void {
  if (!Member.hasExpire(m)) writeByte(out, 0);
  else writeLength(out, <u64>(Member.expireAtMs(m) - earliest + 1));
}

/** A listpack of triples goes out as it is, unless no field has an expiry any more. */
function writeTriplesHead(x: Encoder, out: RdbOutput): void {
  const earliest = firstExpiry(x.encoding, x.block);
  const lp = changetype<ExpiringFields>(x.block).listpack;
  if (earliest != NEVER_DUE) {
    writeI64(out, earliest);
    putString(x, out, lp, lpBytes(lp));
    return;
  }
  x.rest = lpLength(lp) / TRIPLE;
  x.position = lp + LP_HDR_SIZE;
  writeLength(out, x.rest);
}

/** The fields and values of triples without expiries. */
function writeTriples(x: Encoder, out: RdbOutput): bool {
  while (x.rest != 0) {
    const p = <usize>x.position;
    if (!x.half) {
      writeElement(x, out, p);
      x.half = true;
      if (isPaused(x, out)) break;
    }
    writeElement(x, out, lpSkip(p));
    x.half = false;
    x.position = tripleSkip(p);
    x.rest -= 1;
    if (isPaused(x, out)) break;
  }
  return x.rest == 0;
}
