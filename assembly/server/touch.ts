// The touching stage: loads the cache lines that the commands of a round are going to need, so that
// their misses overlap instead of queueing up.
//
//   keys of the round -> hashes -> all bucket lines -> all entry lines -> all value lines
//
// Commands whose records say so name members of a key's collection (HSET, SADD, ZSCORE ...). Where that
// is a table, two stages more follow:
//
//   members of the round -> hashes -> all bucket lines of their tables -> all their blocks
//
// Loads of one stage do not depend on each other. Nothing read here is used for a decision: execution
// looks every key up again, so a key that an earlier command of the round changes is no special case.
// The sum of what was read goes to a global, which keeps the loads from being optimised away.

import {
  ARG_BYTES,
  KEYS_RANGE,
  RECORD_FIRST_KEY,
  RECORD_FIRST_MEMBER,
  RECORD_KEY_KIND,
  RECORD_KEY_STEP,
  RECORD_LAST_KEY,
  RECORD_MEMBER_STEP,
} from '../abi';
import { db } from '../keyspace/db';
import {
  ENCODING_HASHTABLE,
  ENCODING_SKIPLIST,
  Entry,
  EntryPtr,
  entryHasBlock,
} from '../keyspace/entry';
import { Bucket, bucketHint, tableBucket } from '../keyspace/key_table';
import { argHashAt } from '../resp/args';
import { Dict, dictBucket, dictHint } from '../struct/dict';
import { Record } from './command_lookup';

const MAX_KEYS: u32 = 384;
const TOUCH_BYTES: u32 = 16; // u64 hash, u32 bucket, u32 entry

const list: usize = memory.data(6144, 16);
let count: u32 = 0;

const MAX_MEMBERS: u32 = 384;
const MEMBER_BYTES: u32 = 12; // u32 its key in the list, u32 argument, u32 bucket

const memberList: usize = memory.data(4608, 16);
let memberCount: u32 = 0;
export let touchSink: u32 = 0;

/** Adds the keys of one parsed command, as far as there is room. */
export function touchCollect(id: u32, argv: usize, argc: u32): void {
  const record = Record.at(id);
  if (load<u8>(record, RECORD_KEY_KIND) != KEYS_RANGE) return;
  const first = <u32>load<u8>(record, RECORD_FIRST_KEY);
  if (first >= argc) return;
  const last = <i32>load<i8>(record, RECORD_LAST_KEY);
  const step = max<u32>(load<u8>(record, RECORD_KEY_STEP), 1);
  // Arity has not been checked yet: the range of a malformed command may end before its first key.
  const member: u32 = load<u8>(record, RECORD_FIRST_MEMBER);
  if (member != 0 && count < MAX_KEYS) collectMembers(record, member, argv, argc);
  const stop = last < 0 ? <i32>argc + last : min(last, <i32>argc - 1);
  for (let i = first; <i32>i <= stop && count < MAX_KEYS; i += step) {
    const at = list + count * TOUCH_BYTES;
    const hash = argHashAt(argv + i * ARG_BYTES);
    store<u64>(at, hash);
    store<u32>(at, <u32>tableBucket(db, hash), 8);
    count += 1;
  }
}

/** Adds the members that a command names of the key that is going to be the next in the list. */
function collectMembers(record: usize, first: u32, argv: usize, argc: u32): void {
  const step: u32 = load<u8>(record, RECORD_MEMBER_STEP);
  for (let i = first; i < argc && memberCount < MAX_MEMBERS; i += step) {
    const at = memberList + memberCount * MEMBER_BYTES;
    store<u32>(at, <u32>(list + count * TOUCH_BYTES));
    store<u32>(at, <u32>(argv + i * ARG_BYTES), 4);
    memberCount += 1;
    if (step == 0) return;
  }
}

/** The table of an entry's members, 0 when it has none. */
function tableOf(e: EntryPtr): usize {
  if (e == 0) return 0;
  const encoding = Entry.encoding(e);
  const isTable = encoding == ENCODING_HASHTABLE || encoding == ENCODING_SKIPLIST;
  return isTable ? Entry.valuePtr(e) : 0;
}

/** Touches the members collected, once their keys' values are. Returns the sum of what was read. */
function touchMembers(): u32 {
  const stop = memberList + memberCount * MEMBER_BYTES;
  memberCount = 0;
  let sum: u32 = 0;
  for (let at = memberList; at < stop; at += MEMBER_BYTES) {
    const table = tableOf(load<u32>(load<u32>(at), 12));
    if (table == 0) {
      store<u32>(at, 0, 8);
      continue;
    }
    const bucket = dictBucket(changetype<Dict>(table), argHashAt(load<u32>(at, 4)));
    store<u32>(at, <u32>bucket, 8);
    sum += load<u8>(bucket);
  }
  for (let at = memberList; at < stop; at += MEMBER_BYTES) {
    const bucket: usize = load<u32>(at, 8);
    if (bucket == 0) continue;
    const m = dictHint(bucket, argHashAt(load<u32>(at, 4)));
    if (m != 0) sum += load<u8>(m);
    else if (Bucket.next(bucket) != 0) sum += load<u8>(Bucket.next(bucket));
  }
  return sum;
}

/** Touches what was collected, unless it is a lone key with a lone member, and starts a new list. */
export function touchAll(): void {
  const stop = list + count * TOUCH_BYTES;
  const alone = count < 2 && memberCount < 2;
  count = 0;
  if (alone) {
    memberCount = 0;
    return;
  }
  let sum: u32 = 0;
  for (let at = list; at < stop; at += TOUCH_BYTES) sum += load<u8>(load<u32>(at, 8));
  for (let at = list; at < stop; at += TOUCH_BYTES) {
    const bucket: usize = load<u32>(at, 8);
    const e = bucketHint(bucket, load<u64>(at));
    store<u32>(at, <u32>e, 12);
    // No match in a chained bucket: the key, if there, is further down the chain.
    if (e != 0) sum += load<u8>(e);
    else if (Bucket.next(bucket) != 0) sum += load<u8>(Bucket.next(bucket));
  }
  for (let at = list; at < stop; at += TOUCH_BYTES) {
    const e: usize = load<u32>(at, 12);
    if (e != 0 && entryHasBlock(e)) sum += load<u8>(Entry.valuePtr(e));
  }
  if (memberCount != 0) sum += touchMembers();
  touchSink = sum;
}
