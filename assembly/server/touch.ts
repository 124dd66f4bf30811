// The touching stage: loads the cache lines that the commands of a round are going to need, so that
// their misses overlap instead of queueing up.
//
//   keys of the round -> hashes -> all bucket lines -> all entry lines -> all value lines
//   members of large hashes, sets and sorted sets -> hashes -> all bucket lines -> all member lines
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
  RECORD_LAST_KEY,
  RECORD_MEMBER_STEP,
} from '../abi';
import { db } from '../keyspace/db';
import { Entry, entryHasBlock } from '../keyspace/entry';
import { Bucket, bucketHint, tableBucket } from '../keyspace/key_table';
import { hasMemberTable } from '../keyspace/value';
import { argHashAt } from '../resp/args';
import { Dict, dictBucket, dictHint } from '../struct/dict';
import { hashBytes } from '../util/siphash';
import { KeyRange, Record } from './command_lookup';

const MAX_KEYS: u32 = 384;
const TOUCH_BYTES: u32 = 16; // u64 hash, u32 bucket, u32 entry
const MAX_MEMBERS: u32 = 128;
/** Of one command: the more it brings, the less a round of others is there to overlap with. */
const MAX_MEMBERS_EACH: u32 = 8;
const MEMBER_TOUCH_BYTES: u32 = 12; // u32 item of its key in `list`, u32 argument record, u32 bucket

const list: usize = memory.data(6144, 16);
const members: usize = memory.data(1536, 16);
let count: u32 = 0;
let memberCount: u32 = 0;
export let touchSink: u32 = 0;

/** Whether a command's only key is its first argument, and no members come with it. */
export function hasLoneKey(id: u32): bool {
  const record = Record.at(id);
  return (
    load<u8>(record, RECORD_KEY_KIND) == KEYS_RANGE &&
    load<u8>(record, RECORD_FIRST_KEY) == 1 &&
    load<i8>(record, RECORD_LAST_KEY) == 1 &&
    load<u8>(record, RECORD_FIRST_MEMBER) == 0
  );
}

/** As `touchCollect` for such a command; `key` is the fresh record of its first argument. */
export function touchLoneKey(key: usize): void {
  if (count == MAX_KEYS) return;
  const hash = hashBytes(load<u32>(key), load<u32>(key, 4));
  store<u64>(key, hash, 8);
  const at = list + count * TOUCH_BYTES;
  store<u64>(at, hash);
  store<u32>(at, <u32>tableBucket(db, hash), 8);
  count += 1;
}

/** Adds the keys of one parsed command, as far as there is room. */
export function touchCollect(id: u32, argv: usize, argc: u32): void {
  const record = Record.at(id);
  if (load<u8>(record, RECORD_KEY_KIND) != KEYS_RANGE) return;
  const first = KeyRange.first(record);
  if (first >= argc) return;
  const firstMember = <u32>load<u8>(record, RECORD_FIRST_MEMBER);
  if (firstMember != 0) {
    const each = load<u8>(record, RECORD_MEMBER_STEP);
    collectMembers(argv + firstMember * ARG_BYTES, each * ARG_BYTES, argv + argc * ARG_BYTES);
  }
  // Arity has not been checked yet.
  const step = KeyRange.step(record);
  const stop = KeyRange.stop(record, argc);
  for (let i = first; i < stop && count < MAX_KEYS; i += step) {
    const at = list + count * TOUCH_BYTES;
    const hash = argHashAt(argv + i * ARG_BYTES);
    store<u64>(at, hash);
    store<u32>(at, <u32>tableBucket(db, hash), 8);
    count += 1;
  }
}

/** Adds the members among the argument records from `at` on, of the key that is added next. */
function collectMembers(at: usize, step: u32, stop: usize): void {
  const most = min(memberCount + MAX_MEMBERS_EACH, MAX_MEMBERS);
  while (at < stop && memberCount < most) {
    const item = members + memberCount * MEMBER_TOUCH_BYTES;
    store<u32>(item, <u32>(list + count * TOUCH_BYTES));
    store<u32>(item, <u32>at, 4);
    memberCount += 1;
    if (step == 0) break;
    at += step;
  }
}

/** Touches what was collected, unless it is a lone key, and starts a new list. */
export function touchAll(): void {
  const stop = list + count * TOUCH_BYTES;
  const membersStop = members + memberCount * MEMBER_TOUCH_BYTES;
  const alone = count < 2;
  count = 0;
  memberCount = 0;
  if (alone) return;
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
  touchSink = sum;
  if (membersStop != members) touchMembers(membersStop, stop);
}

/** Touches the members whose keys' values have been touched. */
function touchMembers(stop: usize, keysStop: usize): void {
  let sum: u32 = 0;
  for (let at = members; at < stop; at += MEMBER_TOUCH_BYTES) {
    const key: usize = load<u32>(at);
    // Behind the last one: the list had no room for the key, or the command has none.
    const e: usize = key < keysStop ? <usize>load<u32>(key, 12) : 0;
    let bucket: usize = 0;
    if (e != 0 && hasMemberTable(e)) {
      bucket = dictBucket(changetype<Dict>(Entry.valuePtr(e)), argHashAt(load<u32>(at, 4)));
      sum += load<u8>(bucket);
    }
    store<u32>(at, <u32>bucket, 8);
  }
  for (let at = members; at < stop; at += MEMBER_TOUCH_BYTES) {
    const bucket: usize = load<u32>(at, 8);
    if (bucket == 0) continue;
    const member = dictHint(bucket, argHashAt(load<u32>(at, 4)));
    if (member != 0) sum += load<u8>(member);
  }
  touchSink += sum;
}
