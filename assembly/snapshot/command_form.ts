// Writing a key as the commands that make it, in pieces: the base of an append-only file without RDB part.
//
//   if (tryFormStart(form, entry))
//     while (formStep(form, out, budget) == ENCODE_MORE) take what is in `out`
//
//   string       SET
//   list         RPUSH of up to 64 elements ...
//   set          SADD of up to 64 members ...
//   sorted set   ZADD of up to 64 scores and members ...
//   hash         HMSET of up to 64 fields and values ..., HPEXPIREAT for each field that expires
//   stream       XADD ... (an empty one: XADD MAXLEN 0), XSETID, then for each group XGROUP CREATE,
//                XCLAIM for each pending entry, XGROUP CREATECONSUMER for each consumer without one
//   an expiry    PEXPIREAT behind all that
//
// The same rules hold as for encode.ts: a step appends about `budget` bytes, and goes beyond by an argument
// that is short, an entry of a stream, or an element of a list with compressed nodes; the value must not
// change until ENCODE_DONE. The key may: it is copied. A form that is given up before has to be ended by
// `formEnd`. SELECT is the caller's to write.
//
// Not written, as in Redis: access clocks, and when consumers were last seen. An entry that is pending but no
// longer in its stream cannot be made pending again by any command. What a stream knows of idempotent producers
// is left out as in RDB files. A score of minus zero loses its sign when a listpack holds it before the set becomes
// a table. Entries that were given back (XNACK) are written by XNACK FORCE in the order of
// their ids.
//
// O(bytes) in all; a list costs O(nodes) per step in addition.

import {
  ENCODING_INT,
  ENCODING_LISTPACK,
  Entry,
  EntryPtr,
  NO_EXPIRE,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_STRING,
} from '../keyspace/entry';
import { firstExpiry } from '../keyspace/field_expiries';
import {
  HASH_WALK_BYTES,
  HashValue,
  HashWalk,
  hashField,
  hashFieldExpiry,
  hashItem,
  hashNext,
  hashSize,
  hashWalkAll,
  itemToText,
} from '../keyspace/hash_value';
import { SetValue, SetWalk, setNext, setSize, setWalk } from '../keyspace/set_value';
import { listpackScore } from '../keyspace/zset_value';
import { free, tryAlloc } from '../memory/alloc';
import { NEVER_DUE } from '../struct/expiry_tree';
import {
  ListIterator,
  listCurrent,
  listIteratorStart,
  listLength,
  listNext,
  listValueInt,
  listValueLen,
} from '../struct/list';
import { LP_HDR_SIZE, lpGet, lpLength, lpSkip, lpValueInt, lpValueLen } from '../struct/listpack';
import { Member } from '../struct/member_table';
import { nodeIsCompressed } from '../struct/quicklist_node';
import { SortedSet, zslMember, zslNext, zslScore, zslSeek } from '../struct/sorted_set';
import { copySmall } from '../util/bytes';
import { formStream } from './command_form_stream';
import { ENCODE_DONE, ENCODE_MORE, ENCODE_NO_MEMORY } from './encode';
import { COMMAND_FORM_BYTES, CommandForm, formCommand } from './form_state';
import { RdbOutput } from './rdb_output';
import {
  respBytes,
  respInt,
  respNumber,
  respPaused,
  respScore,
  respText,
  respWhole,
} from './resp_output';

/** Elements that one command adds. */
const TOGETHER: u32 = 64;

const STAGE_VALUE: u32 = 0;
const STAGE_ELEMENTS: u32 = 1;
const STAGE_EXPIRIES: u32 = 2;
const STAGE_KEY_EXPIRY: u32 = 3;
const STAGE_DONE: u32 = 4;

const list = changetype<ListIterator>(memory.data(32, 8));
const set = changetype<SetValue>(memory.data(8, 8));
const hash = changetype<HashValue>(memory.data(8, 8));

/** Begins to write a key. False when memory is exhausted. */
export function tryFormStart(x: CommandForm, e: EntryPtr): bool {
  if (offsetof<CommandForm>() > <usize>COMMAND_FORM_BYTES) ERROR('COMMAND_FORM_BYTES');
  if (offsetof<SetWalk>() > 40 || HASH_WALK_BYTES > 40) ERROR('room for a walk');
  if (offsetof<ListIterator>() > 32) ERROR('room for an iterator');
  memory.fill(changetype<usize>(x), 0, COMMAND_FORM_BYTES);
  const len = Entry.keyLen(e);
  x.key = tryAlloc(max<u32>(len, 1));
  if (x.key == 0) return false;
  copySmall(x.key, Entry.key(e), len);
  x.keyLen = len;
  x.type = Entry.type(e);
  x.encoding = Entry.encoding(e);
  x.expireAtMs = Entry.hasExpire(e) ? Entry.expireAtMs(e) : NO_EXPIRE;
  if (x.type != TYPE_STRING) x.block = Entry.valuePtr(e);
  else if (x.encoding == ENCODING_INT) x.position = <u64>Entry.intValue(e);
  else {
    x.block = Entry.stringPtr(e);
    x.rest = Entry.stringLen(e);
  }
  return true;
}

/** Frees what the form holds; to be called when a key is not written to its end. */
export function formEnd(x: CommandForm): void {
  if (x.key != 0) free(x.key);
  x.key = 0;
}

/** Appends about `budget` bytes to `out`. Returns ENCODE_*; after ENCODE_DONE nothing is held any more. */
export function formStep(x: CommandForm, out: RdbOutput, budget: usize): u32 {
  x.limit = out.used + min(budget, usize.MAX_VALUE - out.used);
  while (x.stage != STAGE_DONE && !respPaused(x, out)) {
    if (x.stage == STAGE_VALUE) begin(x, out);
    else if (x.stage == STAGE_ELEMENTS) {
      if (writeElements(x, out)) afterElements(x);
    } else if (x.stage == STAGE_EXPIRIES) writeFieldExpiry(x, out);
    else writeKeyExpiry(x, out);
  }
  if (out.lost) return ENCODE_NO_MEMORY;
  if (x.stage != STAGE_DONE || x.hasTail) return ENCODE_MORE;
  formEnd(x);
  return ENCODE_DONE;
}

class Walk {
  @inline static of(x: CommandForm): usize {
    return changetype<usize>(x) + offsetof<CommandForm>('walk0');
  }
}

function openHash(x: CommandForm): void {
  hash.encoding = x.encoding;
  hash.block = x.block;
}

/** Writes a string, or finds the first element of another value. */
function begin(x: CommandForm, out: RdbOutput): void {
  x.stage = STAGE_ELEMENTS;
  if (x.type == TYPE_STRING) {
    const len = x.rest;
    x.rest = 0;
    formCommand(x, out, 'SET', 3);
    if (x.encoding == ENCODING_INT) respInt(out, <i64>x.position);
    else respBytes(x, out, x.block, len);
  } else if (x.type == TYPE_LIST) {
    x.rest = listLength(x.block);
  } else if (x.type == TYPE_SET) {
    set.encoding = x.encoding;
    set.block = x.block;
    x.rest = setSize(set);
    setWalk(changetype<SetWalk>(Walk.of(x)), set);
  } else if (x.type == TYPE_HASH) {
    openHash(x);
    x.rest = hashSize(hash);
    hashWalkAll(changetype<HashWalk>(Walk.of(x)), hash);
  } else if (x.type != TYPE_STREAM) beginZset(x);
}

function beginZset(x: CommandForm): void {
  if (x.encoding == ENCODING_LISTPACK) {
    x.rest = lpLength(x.block) >> 1;
    x.position = x.block + LP_HDR_SIZE;
    return;
  }
  const z = changetype<SortedSet>(x.block);
  x.rest = z.keys;
  x.position = zslSeek(z, 0);
}

/** Writes elements until the step is over. True when all are written. */
function writeElements(x: CommandForm, out: RdbOutput): bool {
  if (x.type == TYPE_STREAM) return formStream(x, out);
  if (x.type == TYPE_LIST && x.rest != 0) {
    listIteratorStart(list, x.block, <i64>x.position, false);
  }
  while (x.rest != 0 && !respPaused(x, out)) {
    if (x.together == 0) beginCommand(x, out);
    x.rest -= 1;
    x.together -= 1;
    if (x.type == TYPE_LIST) writeListElement(x, out);
    else if (x.type == TYPE_SET) writeMember(x, out);
    else if (x.type == TYPE_HASH) writeField(x, out);
    else writeScored(x, out);
  }
  return x.rest == 0;
}

function beginCommand(x: CommandForm, out: RdbOutput): void {
  x.together = min(x.rest, TOGETHER);
  if (x.type == TYPE_LIST) formCommand(x, out, 'RPUSH', 2 + x.together);
  else if (x.type == TYPE_SET) formCommand(x, out, 'SADD', 2 + x.together);
  else formCommand(x, out, x.type == TYPE_HASH ? 'HMSET' : 'ZADD', 2 + (x.together << 1));
}

function writeListElement(x: CommandForm, out: RdbOutput): void {
  listNext(list);
  x.position += 1;
  const string = listCurrent(list);
  if (string == 0) respInt(out, listValueInt);
  // What is decompressed does not stay.
  else if (list.node != 0 && nodeIsCompressed(list.node)) respWhole(out, string, listValueLen);
  else respBytes(x, out, string, listValueLen);
}

function writeMember(x: CommandForm, out: RdbOutput): void {
  const walk = changetype<SetWalk>(Walk.of(x));
  setNext(walk);
  if (walk.ptr != 0) respBytes(x, out, walk.ptr, walk.len);
  else respInt(out, walk.value);
}

function writeField(x: CommandForm, out: RdbOutput): void {
  hashNext(changetype<HashWalk>(Walk.of(x)));
  if (hashField.ptr != 0) respBytes(x, out, hashField.ptr, hashField.len);
  else respInt(out, hashField.value);
  if (hashItem.ptr != 0) respBytes(x, out, hashItem.ptr, hashItem.len);
  else respNumber(x, out, hashItem.value);
}

function writeScored(x: CommandForm, out: RdbOutput): void {
  if (x.encoding != ENCODING_LISTPACK) {
    const m = zslMember(x.position);
    respScore(out, zslScore(x.position));
    respBytes(x, out, Member.ptr(m), Member.len(m));
    x.position = zslNext(x.position);
    return;
  }
  const p = <usize>x.position;
  const score = lpSkip(p);
  respScore(out, listpackScore(score));
  const string = lpGet(p);
  if (string != 0) respBytes(x, out, string, lpValueLen);
  else respInt(out, lpValueInt);
  x.position = lpSkip(score);
}

// --- Expiries ---

function afterElements(x: CommandForm): void {
  x.stage = STAGE_KEY_EXPIRY;
  if (x.type != TYPE_HASH || firstExpiry(x.encoding, x.block) == NEVER_DUE) return;
  openHash(x);
  x.rest = hashSize(hash);
  hashWalkAll(changetype<HashWalk>(Walk.of(x)), hash);
  x.stage = STAGE_EXPIRIES;
}

/** Writes the expiry of the next field, if it has one. */
function writeFieldExpiry(x: CommandForm, out: RdbOutput): void {
  if (x.rest == 0) {
    x.stage = STAGE_KEY_EXPIRY;
    return;
  }
  x.rest -= 1;
  hashNext(changetype<HashWalk>(Walk.of(x)));
  if (hashFieldExpiry < 0) return;
  formCommand(x, out, 'HPEXPIREAT', 6);
  respInt(out, hashFieldExpiry);
  respText(out, 'FIELDS');
  respText(out, '1');
  itemToText(hashField);
  respWhole(out, hashField.ptr, hashField.len);
}

function writeKeyExpiry(x: CommandForm, out: RdbOutput): void {
  x.stage = STAGE_DONE;
  if (x.expireAtMs == NO_EXPIRE) return;
  formCommand(x, out, 'PEXPIREAT', 3);
  respInt(out, x.expireAtMs);
}
