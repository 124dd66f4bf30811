// Hashes: fields with a value each.
//
// A command that sets several fields and runs out of memory in between keeps those it has set, and
// reports them as changes, before it replies the error; everything else happens as a whole or not at
// all.

import { NOTIFY_HASH } from '../keyspace/effects';
import { ENCODING_HASHTABLE, ENCODING_LISTPACK } from '../keyspace/entry';
import { hashExpiry, hashLiveSize } from '../keyspace/hash_expiry';
import {
  HASH_NO_MEMORY,
  HASH_WALK_BYTES,
  HashWalk,
  hashField,
  hashItem,
  hashNext,
  hashRandom,
  hashRemove,
  hashSize,
  hashWalk,
  itemToText,
  tryHashSet,
  tryHashSetHashed,
} from '../keyspace/hash_value';
import { opBytes, opText, propagating } from '../keyspace/propagation';
import {
  PICK_NEW,
  PICK_NO_MEMORY,
  picksBegin,
  picksEnd,
  takesNext,
  tryPick,
} from '../keyspace/random_picks';
import { argEvent } from '../resp/arg_event';
import { argI64, argI64OrReply, argRandomCountOrReply } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import { client } from '../resp/connection';
import {
  ERR_NOT_FLOAT,
  ERR_OOM_LIMIT,
  ERR_OVERFLOW,
  ERR_SYNTAX,
  replyError,
  replyWrongArguments,
} from '../resp/errors';
import { replyElements } from '../resp/listpack_reply';
import { commandOp, opArg, propagateFirst } from '../resp/propagate';
import {
  outputLen,
  outputLost,
  outputRewind,
  replyArray,
  replyBulk,
  replyInt,
  replyMap,
  replyNull,
  replyOk,
} from '../resp/writer';
import { LP_HDR_SIZE, lpLength } from '../struct/listpack';
import { FIELD_KEEP_EXPIRE, FIELD_NO_EXPIRE, MemberTable } from '../struct/member_table';
import {
  addLongDouble,
  formatLongDouble,
  isFiniteLongDouble,
  LONG_DOUBLE_CHARS_MAX,
  LongDouble,
  longDoubleFromI64,
  parseLongDouble,
} from '../util/long_double';
import { digits10Signed, formatI64 } from '../util/number_format';
import { parseI64, parseI64Value } from '../util/number_parse';
import {
  closeHash,
  closeReaped,
  fieldHash,
  findOrReap,
  findToSetOrReply,
  foundToSet,
  hash,
  lookupHashRead,
  lookupHashWrite,
  openOrReply,
  openToSetOrReply,
  reapAll,
  replyItem,
  tryExpectArgs,
  tryStoreHash,
} from './hash_target';
import { scanTable } from './member_scan';
import { sumOverflows } from './number';
import {
  parseCursorOrReply,
  parseScanOrReply,
  replyEmptyScan,
  SCAN_FIELDS,
  scanMatches,
  scanNoValues,
  scanReplyEnd,
} from './scan_options';

const walk: HashWalk = changetype<HashWalk>(memory.data(HASH_WALK_BYTES, 8));

// --- Setting ---

function trySetArgs(field: u32): i32 {
  const value = field + 1;
  return tryHashSetHashed(
    hash,
    Arg.ptr(field),
    Arg.len(field),
    Arg.ptr(value),
    Arg.len(value),
    FIELD_NO_EXPIRE,
    fieldHash(field),
  );
}

/** Fields that the last `setFieldsOrReply` added. */
let created: u32 = 0;

/** Sets all fields among the arguments. False after an error. */
function setFieldsOrReply(command: string): bool {
  if ((argc & 1) != 0) {
    replyWrongArguments(command);
    return false;
  }
  if (!openToSetOrReply()) return false;
  created = 0;
  let set: u32 = 0;
  let enough = tryExpectArgs(2);
  for (let i: u32 = 2; i < argc && enough; i += 2) {
    const outcome = trySetArgs(i);
    if (outcome == HASH_NO_MEMORY) enough = false;
    else {
      created += outcome;
      set += 1;
    }
  }
  if (!tryStoreHash()) {
    set = 0;
    enough = false;
  }
  if (set > 0) argEvent(1, NOTIFY_HASH, 'hset', set);
  if (propagating && set > 0 && !enough) propagateFirst(2 + (set << 1));
  if (!enough) replyError(ERR_OOM_LIMIT);
  return enough;
}

/** HSET key field value [field value ...] */
export function hsetCommand(): void {
  if (setFieldsOrReply('hset')) replyInt(created);
}

/** HMSET key field value [field value ...] */
export function hmsetCommand(): void {
  if (setFieldsOrReply('hmset')) replyOk();
}

/** HSETNX key field value */
export function hsetnxCommand(): void {
  if (!openToSetOrReply()) return;
  if (!findToSetOrReply(2)) return;
  if (foundToSet) {
    replyInt(0);
    return;
  }
  const done = tryExpectArgs(2) && trySetArgs(2) != HASH_NO_MEMORY;
  if (!tryStoreHash() || !done) replyError(ERR_OOM_LIMIT);
  else {
    argEvent(1, NOTIFY_HASH, 'hset', 1);
    replyInt(1);
  }
}

// --- Counting ---

const text: usize = memory.data(<i32>LONG_DOUBLE_CHARS_MAX, 8);
const total: LongDouble = changetype<LongDouble>(memory.data(16, 8));
const increment: LongDouble = changetype<LongDouble>(memory.data(16, 8));

/** Gives argument 2 of the open hash the text of a number. False after an error. */
function setTextOrReply(len: u32, event: string): bool {
  const outcome = tryHashSet(hash, Arg.ptr(2), Arg.len(2), text, len, FIELD_KEEP_EXPIRE);
  if (!tryStoreHash() || outcome == HASH_NO_MEMORY) {
    replyError(ERR_OOM_LIMIT);
    return false;
  }
  argEvent(1, NOTIFY_HASH, event, 1);
  return true;
}

/** Gives up the open hash unchanged. */
function replyRefused(error: string): void {
  tryStoreHash();
  replyError(error);
}

/** HINCRBY key field increment */
export function hincrbyCommand(): void {
  if (!argI64OrReply(3)) return;
  const delta = argI64;
  if (!openToSetOrReply()) return;
  if (!findToSetOrReply(2)) return;
  let value: i64 = 0;
  if (foundToSet) {
    if (hashItem.ptr == 0) value = hashItem.value;
    else if (parseI64(hashItem.ptr, hashItem.len)) value = parseI64Value;
    else {
      replyRefused('ERR hash value is not an integer');
      return;
    }
  }
  const sum = value + delta;
  if (sumOverflows(value, delta, sum)) replyRefused(ERR_OVERFLOW);
  else if (setTextOrReply(formatI64(sum, text), 'hincrby')) replyInt(sum);
}

/** HINCRBYFLOAT key field increment */
export function hincrbyfloatCommand(): void {
  if (!parseLongDouble(Arg.ptr(3), Arg.len(3), increment)) {
    replyError(ERR_NOT_FLOAT);
    return;
  }
  if (!isFiniteLongDouble(increment)) {
    replyError('ERR value is NaN or Infinity');
    return;
  }
  if (!openToSetOrReply()) return;
  if (!findToSetOrReply(2)) return;
  const expires = foundToSet && hashExpiry(hash, Arg.ptr(2), Arg.len(2)) >= 0;
  if (!foundToSet) longDoubleFromI64(0, total);
  else if (hashItem.ptr == 0) longDoubleFromI64(hashItem.value, total);
  else if (!parseLongDouble(hashItem.ptr, hashItem.len, total)) {
    replyRefused('ERR hash value is not a float');
    return;
  }
  addLongDouble(total, increment, total);
  if (!isFiniteLongDouble(total)) {
    replyRefused('ERR increment would produce NaN or Infinity');
    return;
  }
  const len = formatLongDouble(total, text);
  if (!setTextOrReply(len, 'hincrbyfloat')) return;
  replyBulk(text, len);
  if (propagating) propagateText(len, expires);
}

/** Argument 2 has a new text; HSET would take its expiry away. */
function propagateText(len: u32, expires: bool): void {
  commandOp(expires ? 'HSETEX' : 'HSET', expires ? 7 : 4);
  opArg(1);
  if (expires) {
    opText('KEEPTTL');
    opText('FIELDS');
    opText('1');
  }
  opArg(2);
  opBytes(text, len);
}

// --- Reading one field ---

/** Replies with a field of the open hash. */
function replyField(i: u32): void {
  if (findOrReap(i)) replyItem(hashItem);
  else replyNull();
}

/** HGET key field */
export function hgetCommand(): void {
  const e = lookupHashRead();
  if (e == 0) replyNull();
  else if (openOrReply(e)) {
    replyField(2);
    closeReaped(e);
  }
}

/** HMGET key field [field ...]: fields whose time has come are announced together. */
export function hmgetCommand(): void {
  const e = lookupHashRead();
  if (e != 0 && !openOrReply(e)) return;
  replyArray(argc - 2);
  for (let i: u32 = 2; i < argc; i++) {
    if (e != 0) replyField(i);
    else replyNull();
  }
  if (e != 0) closeReaped(e);
}

/** HEXISTS key field */
export function hexistsCommand(): void {
  const e = lookupHashRead();
  if (e == 0) replyInt(0);
  else if (openOrReply(e)) {
    replyInt(findOrReap(2) ? 1 : 0);
    closeReaped(e);
  }
}

/** HSTRLEN key field */
export function hstrlenCommand(): void {
  const e = lookupHashRead();
  if (e == 0) {
    replyInt(0);
    return;
  }
  if (!openOrReply(e)) return;
  if (!findOrReap(2)) replyInt(0);
  else replyInt(hashItem.ptr != 0 ? hashItem.len : digits10Signed(hashItem.value));
  closeReaped(e);
}

/** HLEN key: fields whose time has come count until they are removed. */
export function hlenCommand(): void {
  const e = lookupHashRead();
  if (e == 0) replyInt(0);
  else if (openOrReply(e)) replyInt(hashSize(hash));
}

/** HDEL key field [field ...] */
export function hdelCommand(): void {
  const e = lookupHashWrite();
  if (e == 0) {
    replyInt(0);
    return;
  }
  if (!openOrReply(e)) return;
  let deleted: u32 = 0;
  for (let i: u32 = 2; i < argc; i++) {
    if (!hashRemove(hash, Arg.ptr(i), Arg.len(i))) continue;
    deleted += 1;
    if (hashSize(hash) == 0) break;
  }
  if (deleted > 0) {
    argEvent(1, NOTIFY_HASH, 'hdel', deleted);
    closeHash(e);
  }
  replyInt(deleted);
}

// --- Reading all ---

/** HGETALL key */
export function hgetallCommand(): void {
  const e = lookupHashRead();
  if (e == 0) replyMap(0);
  else if (openOrReply(e)) {
    replyMap(hashLiveSize(hash));
    if (hash.encoding == ENCODING_LISTPACK) {
      // Fields and values in turn: just what the reply is.
      replyElements(hash.block + LP_HDR_SIZE, lpLength(hash.block));
    } else replyAll(true, true);
  }
}

/** HKEYS key */
export function hkeysCommand(): void {
  replyParts(true);
}

/** HVALS key */
export function hvalsCommand(): void {
  replyParts(false);
}

function replyParts(names: bool): void {
  const e = lookupHashRead();
  if (e == 0) replyArray(0);
  else if (openOrReply(e)) {
    replyArray(hashLiveSize(hash));
    replyAll(names, !names);
  }
}

function replyAll(names: bool, values: bool): void {
  hashWalk(walk, hash);
  while (!outputLost && hashNext(walk)) {
    if (names) replyItem(hashField);
    if (values) replyItem(hashItem);
  }
}

/** HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES] */
export function hscanCommand(): void {
  if (!parseCursorOrReply(2)) return;
  const e = lookupHashRead();
  if (e == 0) {
    replyEmptyScan();
    return;
  }
  if (!openOrReply(e) || !parseScanOrReply(3, SCAN_FIELDS)) return;
  if (hash.encoding == ENCODING_HASHTABLE) {
    scanTable(changetype<MemberTable>(hash.block), SCAN_FIELDS);
    return;
  }
  // Small hashes come at once, whatever the cursor.
  const body = outputLen();
  let returned: u32 = 0;
  hashWalk(walk, hash);
  while (hashNext(walk)) {
    itemToText(hashField);
    if (!scanMatches(hashField.ptr, hashField.len)) continue;
    replyItem(hashField);
    returned += 1;
    if (scanNoValues) continue;
    replyItem(hashItem);
    returned += 1;
  }
  scanReplyEnd(body, 0, returned);
}

// --- HRANDFIELD ---

let withValues: bool = false;

/** HRANDFIELD key [count [WITHVALUES]] */
export function hrandfieldCommand(): void {
  withValues = argc > 3;
  if (argc > 2) {
    if (!argRandomCountOrReply(2)) return;
    if (argc > 4 || (withValues && !argIs(3, 'withvalues'))) {
      replyError(ERR_SYNTAX);
      return;
    }
    const most = i64.MAX_VALUE / 2;
    if (withValues && (argI64 < -most || argI64 > most)) {
      replyError('ERR value is out of range');
      return;
    }
  }
  const wanted = argI64;
  const e = lookupHashRead();
  if (e == 0) {
    if (argc > 2) replyArray(0);
    else replyNull();
    return;
  }
  if (!openOrReply(e)) return;
  if (reapAll(e)) {
    if (argc > 2) replyArray(0);
    else replyNull();
    return;
  }
  if (argc == 2) {
    hashRandom(hash);
    replyItem(hashField);
  } else if (wanted < 0) replyRepeated(-wanted);
  else {
    const size = hashSize(hash);
    replyDistinct(<u32>min<i64>(wanted, size), size);
  }
}

/** The head of so many random fields: RESP3 pairs them with their values. */
function replyFieldsHead(count: u64): void {
  if (withValues && client.resp == 2) count <<= 1;
  replyArray(<u32>min<u64>(count, u32.MAX_VALUE));
}

function replyRandomField(): void {
  if (withValues && client.resp == 3) replyArray(2);
  replyItem(hashField);
  if (withValues) replyItem(hashItem);
}

/** Replies with so many fields, each picked anew from all. */
function replyRepeated(count: i64): void {
  replyFieldsHead(count);
  for (let i = count; i != 0 && !outputLost; i--) {
    hashRandom(hash);
    replyRandomField();
  }
}

/** Replies with so many different fields. */
function replyDistinct(count: u32, size: u32): void {
  replyFieldsHead(count);
  if (hash.encoding == ENCODING_HASHTABLE && picksBegin(count, size)) {
    const start = outputLen();
    const done = tryDraw(count);
    picksEnd();
    if (done) return;
    outputRewind(start);
  }
  let wanted = count;
  let left = size;
  hashWalk(walk, hash);
  while (wanted > 0 && hashNext(walk)) {
    if (takesNext(wanted, left)) {
      replyRandomField();
      wanted -= 1;
    }
    left -= 1;
  }
}

/** Replies with different fields drawn at random. False without memory. */
function tryDraw(count: u32): bool {
  let wanted = count;
  while (wanted > 0) {
    hashRandom(hash);
    const outcome = tryPick(<u32>hashField.ptr);
    if (outcome == PICK_NO_MEMORY) return false;
    if (outcome != PICK_NEW) continue;
    replyRandomField();
    wanted -= 1;
  }
  return true;
}
