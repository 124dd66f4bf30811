// SLOWLOG's entries: a list of the commands that took at least slowlog-log-slower-than.
//
//   entry block: older u32 | newer u32 | id u64 | time i64 (s) | duration i64 (us) |
//                addr len u32 | name len u32 | argc u32 | addr | name | argc * ([len u32][bytes])
//
// A list linked both ways, 0 at its ends, so that recording and dropping take constant time. An
// entry owns copies of at most 32 arguments of at most 128 bytes each, with Redis's
// "... (n more ...)" marks in place of the rest.

import { CFG_SLOWLOG_MAX_LEN, CFG_SLOWLOG_SLOWER_US, STAT_SLOWLOG_ENTRIES } from '../abi';
import { nowMs } from '../keyspace/clock';
import { Settings } from '../keyspace/settings';
import { Stats } from '../keyspace/stats';
import { free, tryAlloc } from '../memory/alloc';
import { Conn } from '../resp/connection';
import { replyArray, replyBulk, replyInt } from '../resp/writer';
import { formatU64 } from '../util/number_format';
import { putText } from '../util/text';

const MAX_ARGS: u32 = 32;
const MAX_ARG_BYTES: u32 = 128;
const MARK_MAX_BYTES: u32 = 48;

const ENTRY_OLDER: usize = 0;
const ENTRY_NEWER: usize = 4;
const ENTRY_ID: usize = 8;
const ENTRY_TIME: usize = 16;
const ENTRY_DURATION: usize = 24;
const ENTRY_ADDR_LEN: usize = 32;
const ENTRY_NAME_LEN: usize = 36;
const ENTRY_ARGC: usize = 40;
const ENTRY_TEXT: usize = 44;

let newest: usize = 0;
let oldest: usize = 0;
let nextId: u64 = 0;
export let slowlogLength: u32 = 0;

/** Writes "... (n more arguments)" or "... (n more bytes)". */
function putMark(out: usize, count: u32, what: string): usize {
  let at = putText(out, '... (');
  at += formatU64(count, at);
  return putText(at, what);
}

/** Records a command if it was slow enough. The records of its arguments are at `argv`. */
export function slowlogPushIfNeeded(c: Conn, argv: usize, argc: u32, durationUs: f64): void {
  const threshold = Settings.get(CFG_SLOWLOG_SLOWER_US);
  if (threshold < 0 || durationUs < <f64>threshold) return;
  if (!Settings.on(CFG_SLOWLOG_MAX_LEN)) return;
  const kept = min(argc, MAX_ARGS);
  const bytes = ENTRY_TEXT + c.addrLen + c.nameLen + kept * (4 + MAX_ARG_BYTES + MARK_MAX_BYTES);
  const scratch = tryAlloc(bytes);
  if (scratch == 0) return;
  store<u32>(scratch, kept, ENTRY_ARGC);
  store<u64>(scratch, nextId, ENTRY_ID);
  store<i64>(scratch, nowMs / 1000, ENTRY_TIME);
  store<i64>(scratch, <i64>durationUs, ENTRY_DURATION);
  store<u32>(scratch, c.addrLen, ENTRY_ADDR_LEN);
  store<u32>(scratch, c.nameLen, ENTRY_NAME_LEN);
  let out = scratch + ENTRY_TEXT;
  memory.copy(out, c.addr, c.addrLen);
  out += c.addrLen;
  memory.copy(out, c.name, c.nameLen);
  out += c.nameLen;
  for (let i: u32 = 0; i < kept; i++) {
    const text = out + 4;
    if (i == MAX_ARGS - 1 && argc > MAX_ARGS) {
      out = putMark(text, argc - MAX_ARGS + 1, ' more arguments)');
    } else {
      const ptr: usize = load<u32>(argv + (i << 4));
      const len = load<u32>(argv + (i << 4), 4);
      memory.copy(text, ptr, min(len, MAX_ARG_BYTES));
      out = text + min(len, MAX_ARG_BYTES);
      if (len > MAX_ARG_BYTES) out = putMark(out, len - MAX_ARG_BYTES, ' more bytes)');
    }
    store<u32>(text - 4, <u32>(out - text));
  }
  // The worst case was reserved; keep what is used.
  const used = <u32>(out - scratch);
  const entry = tryAlloc(used);
  if (entry != 0) {
    memory.copy(entry, scratch, used);
    link(entry);
    nextId += 1;
  }
  free(scratch);
  slowlogTrim();
}

function link(entry: usize): void {
  store<u32>(entry, <u32>newest, ENTRY_OLDER);
  store<u32>(entry, 0, ENTRY_NEWER);
  if (newest == 0) oldest = entry;
  else store<u32>(newest, <u32>entry, ENTRY_NEWER);
  newest = entry;
  slowlogLength += 1;
}

function dropOldest(): void {
  const entry = oldest;
  oldest = load<u32>(entry, ENTRY_NEWER);
  if (oldest == 0) newest = 0;
  else store<u32>(oldest, 0, ENTRY_OLDER);
  free(entry);
  slowlogLength -= 1;
}

/** Drops the oldest entries beyond slowlog-max-len. */
export function slowlogTrim(): void {
  dropBeyond(max<i64>(Settings.get(CFG_SLOWLOG_MAX_LEN), 0));
}

export function slowlogReset(): void {
  dropBeyond(0);
}

function dropBeyond(limit: i64): void {
  while (<i64>slowlogLength > limit) dropOldest();
  Stats.set(STAT_SLOWLOG_ENTRIES, <f64>slowlogLength);
}

/** Replies with up to `count` entries, newest first. */
export function slowlogReply(count: u32): void {
  const shown = min(count, slowlogLength);
  replyArray(shown);
  let at = newest;
  for (let n: u32 = 0; n < shown; n++) {
    replyArray(6);
    replyInt(load<i64>(at, ENTRY_ID));
    replyInt(load<i64>(at, ENTRY_TIME));
    replyInt(load<i64>(at, ENTRY_DURATION));
    const addrLen = load<u32>(at, ENTRY_ADDR_LEN);
    const nameLen = load<u32>(at, ENTRY_NAME_LEN);
    const kept = load<u32>(at, ENTRY_ARGC);
    let text = at + ENTRY_TEXT + addrLen + nameLen;
    replyArray(kept);
    for (let i: u32 = 0; i < kept; i++) {
      const len = load<u32>(text);
      replyBulk(text + 4, len);
      text += 4 + len;
    }
    replyBulk(at + ENTRY_TEXT, addrLen);
    replyBulk(at + ENTRY_TEXT + addrLen, nameLen);
    at = load<u32>(at, ENTRY_OLDER);
  }
}
