// Blocked clients: who waits for which key, until when, and which of these keys are ready.
//
//   connection --> Blocked | argument records | waiters | argument bytes       one block
//                     |                          |
//              heap of deadlines                 v
//   table of keys: KeyQueue | key     first -> waiter <-> waiter <-> waiter <- last
//                     |
//              list of ready keys, in the order they became ready
//
// A handler that finds nothing to do calls `blockOnKeysOrReply` and returns without a reply. The
// state keeps a copy of the running command. When something happens to one of its keys, the command
// is run again from the start (server/unblock.ts): either it succeeds, or it blocks again, which
// leaves everything as it is, the place in every queue and the deadline included. So a command has one
// form, and what it waits for can be anything that its handler decides.
//
// Changes come from the effects queue (`blockedDrain`, after every command of a transaction, too); a
// key counts as ready when it now holds a value of a kind that somebody blocked on keys waits for, or
// for waiters "on no key" (XREADGROUP) whenever it changed. Served is after the whole command.
//
// A queue lives while somebody waits in it or it is in the list of ready keys.
//
// Costs: blocking and leaving O(keys of the client + log n), a change O(1) on top of its record.

import { CLIENT_BLOCKED } from '../abi';
import { database, isExpired } from '../keyspace/db';
import {
  DATABASE_FLUSHED,
  DATABASE_SWAPPED,
  Effect,
  EVENT_READY,
  EVENT_UNCHANGED,
  effectsBytes,
  effectsLost,
  WANT_BLOCKED,
  wantEffects,
} from '../keyspace/effects';
import { Entry, TYPE_LIST, TYPE_STREAM, TYPE_ZSET } from '../keyspace/entry';
import { tableFind } from '../keyspace/key_table';
import { free, tryAlloc } from '../memory/alloc';
import { memoryNearlyExhausted } from '../memory/pages';
import { Arg, argc, copyArgRecord } from '../resp/args';
import { Conn, client, mustObeyClient } from '../resp/connection';
import { ERR_OOM_LIMIT, replyError } from '../resp/errors';
import {
  DeadlineHeap,
  heapChanged,
  heapFirst,
  heapRemove,
  Timed,
  tryHeapAdd,
} from '../struct/deadline_heap';
import {
  Bucket,
  Dict,
  dictBucketAt,
  dictDropLast,
  dictFind,
  dictRemove,
  dictSlotOf,
  Slot,
  tryDictInit,
  tryDictInsert,
} from '../struct/dict';
import { bytesEqual, copySmall } from '../util/bytes';
import { isExecuting } from './transaction';

/** What a client waits for: a key that holds a value of this kind, or something else. */
export const BLOCKED_LIST: u32 = 1;
export const BLOCKED_ZSET: u32 = 2;
export const BLOCKED_STREAM: u32 = 3;
/** No key: whoever brings it about calls for the command to be run again. */
export const BLOCKED_OTHER: u32 = 4;
const KINDS: i32 = 5;

@unmanaged
export class Blocked extends Timed {
  conn: usize;
  kind: u32;
  argc: u32;
  keys: u32; // waiters
  onNoKey: u32; // whether changes that leave no value of its kind concern it
  bytes: u32;
  usedUs: f64; // time its command has run so far
  endMs: i64; // when waiting ends, 0 for never; `deadlineMs` may come before
}

@unmanaged
class Waiter {
  previous: usize;
  next: usize;
  queue: usize;
  blocked: usize;
}

@unmanaged
export class KeyQueue {
  hash: u64;
  first: usize;
  last: usize;
  count: u32;
  onNoKey: u32; // waiters of that kind
  databaseId: u32;
  keyLen: u32;
  isReady: u32; // in the list of ready keys, or held
  nextReady: usize;

  @inline keyEquals(key: usize, keyLen: u32): bool {
    return (
      this.keyLen == keyLen &&
      this.databaseId == wantedDatabase &&
      bytesEqual(changetype<usize>(this) + QUEUE_BYTES, key, keyLen)
    );
  }
  @inline keyHash(): u64 {
    return this.hash;
  }
  @inline expires(): bool {
    return false;
  }
}

const BLOCKED_BYTES: usize = 64;
const WAITER_BYTES: usize = 16;
const WAITER_SHIFT: usize = 4;
const QUEUE_BYTES: usize = 40;
const RECORD_SHIFT: usize = 4;
const MAX_BYTES: u64 = 0xf0000000;

const queues: Dict = changetype<Dict>(memory.data(48, 8));
const deadlines: DeadlineHeap = changetype<DeadlineHeap>(memory.data(24, 8));
/** Clients that wait, by kind. */
const waitingByKind: usize = memory.data(KINDS * 4, 8);
let wantedDatabase: u32 = 0;
let readyFirst: usize = 0;
let readyLast: usize = 0;
let heldFirst: usize = 0;
let unblockedFirst: usize = 0;
let unblockedLast: usize = 0;

/** Clients that wait. */
export let blockedClients: u32 = 0;
/** Keys somebody waits for "on no key". */
export let keysOnNoKey: u32 = 0;
/** The command that runs is one that had blocked. */
export let reprocessing: bool = false;
/** It blocked again. */
export let blockedAgain: bool = false;
let timeIsUp: bool = false;

function pinLayout(): void {
  if (offsetof<Blocked>() != BLOCKED_BYTES) ERROR('Blocked is BLOCKED_BYTES long');
  if (offsetof<Waiter>() != WAITER_BYTES) ERROR('Waiter is WAITER_BYTES long');
  if (offsetof<KeyQueue>() != QUEUE_BYTES) ERROR('KeyQueue is QUEUE_BYTES long');
  if (offsetof<Dict>() > 48) ERROR('Dict');
  if (offsetof<DeadlineHeap>() != 24) ERROR('DeadlineHeap');
}

function blockedOf(c: Conn): Blocked {
  return changetype<Blocked>(c.blocked);
}

/** The argument records of the command that a client waits in. */
export function blockedArgv(b: Blocked): usize {
  return changetype<usize>(b) + BLOCKED_BYTES;
}

function waiterAt(b: Blocked, index: u32): Waiter {
  const waiters = blockedArgv(b) + ((<usize>b.argc) << RECORD_SHIFT);
  return changetype<Waiter>(waiters + ((<usize>index) << WAITER_SHIFT));
}

/** Keys somebody waits for. */
export function blockingKeys(): u32 {
  return queues.keys;
}

/** Clients with a deadline. */
export function clientsWithDeadline(): u32 {
  return deadlines.count;
}

/** Bytes that a client's waiting takes, the copy of its command included. */
export function blockedBytes(c: Conn): u32 {
  return c.blocked == 0 ? 0 : blockedOf(c).bytes;
}

/** Adds to the time that the command a client waits in has run. */
export function addTimeUsed(c: Conn, us: f64): void {
  blockedOf(c).usedUs += us;
}

// --- Blocking ---

/**
 * Whether the running command may wait at all. It may not within EXEC, when it comes from the primary
 * or a file, and when it waited for something else than keys and its time is up: it has to answer now.
 */
export function mayBlock(): bool {
  return !timeIsUp && !isExecuting(client) && !mustObeyClient();
}

/**
 * Makes the running client wait for any of the `count` keys from argument `firstKey` on to hold a
 * value of `kind`, until `deadlineMs` (0: for ever). The command is kept as its arguments are now and
 * will be run again. Its handler must not have written anything and has to return at once. Without
 * memory the reply is the error.
 */
export function blockOnKeysOrReply(
  kind: u32,
  firstKey: u32,
  count: u32,
  deadlineMs: i64,
  onNoKey: bool,
): void {
  if (reprocessing) {
    blockedAgain = true;
    rearm(blockedOf(client), takeWakeMs());
    return;
  }
  if (!tryBlock(kind, firstKey, count, deadlineMs, onNoKey)) replyError(ERR_OOM_LIMIT);
}

/** For the next `blockOnKeysOrReply`: when its command is to be run again whatever happens; 0: never. */
let wakeMs: i64 = 0;

/**
 * The client that blocks next has its command run again at this time, too, and whenever it blocks again
 * says anew when. Without memory it may not be.
 */
export function setWakeMs(ms: i64): void {
  wakeMs = ms;
}

function takeWakeMs(): i64 {
  const ms = wakeMs;
  wakeMs = 0;
  return ms;
}

/** The earlier of two times, where 0 is never. */
function earlier(a: i64, b: i64): i64 {
  if (a == 0 || b == 0) return a + b;
  return min(a, b);
}

/** A client blocked again: its command is run again at `atMs` (0: not by itself), or its waiting ends. */
export function rearm(b: Blocked, atMs: i64): void {
  const next = earlier(b.endMs, atMs);
  if (next == b.deadlineMs) return;
  if (next == 0) heapRemove(deadlines, b);
  b.deadlineMs = next;
  if (b.slot != 0) heapChanged(deadlines, b);
  else if (next != 0) tryHeapAdd(deadlines, b);
}

/** Whether a client whose deadline came only wanted to look again. */
export function onlyWakes(b: Blocked, nowMs: i64): bool {
  return b.endMs == 0 || b.endMs >= nowMs;
}

/** The same for something else than keys. */
export function blockOrReply(deadlineMs: i64): void {
  blockOnKeysOrReply(BLOCKED_OTHER, 0, 0, deadlineMs, false);
}

function tryBlock(kind: u32, firstKey: u32, count: u32, deadlineMs: i64, onNoKey: bool): bool {
  pinLayout();
  const ptr = tryNewBlocked(count);
  if (ptr == 0) return false;
  const b = changetype<Blocked>(ptr);
  b.kind = kind;
  b.endMs = deadlineMs;
  b.deadlineMs = earlier(deadlineMs, takeWakeMs());
  b.onNoKey = <u32>onNoKey;
  const c = client;
  b.conn = changetype<usize>(c);
  for (let i: u32 = 0; i < count; i++) {
    if (tryJoin(b, c.db, firstKey + i)) continue;
    release(b);
    return false;
  }
  if (b.deadlineMs != 0 && !tryHeapAdd(deadlines, b)) {
    release(b);
    return false;
  }
  c.blocked = ptr;
  c.flags |= CLIENT_BLOCKED;
  blockedClients += 1;
  bumpKind(kind, 1);
  return true;
}

/** A state with a copy of the running command and room for `keys` waiters; 0: no memory. */
function tryNewBlocked(keys: u32): usize {
  let bytes: u64 = BLOCKED_BYTES + ((<u64>argc) << RECORD_SHIFT) + ((<u64>keys) << WAITER_SHIFT);
  const text = bytes;
  for (let i: u32 = 0; i < argc; i++) bytes += Arg.len(i);
  if (bytes > MAX_BYTES) return 0;
  const ptr = tryAlloc(<usize>bytes);
  if (ptr == 0) return 0;
  memory.fill(ptr, 0, BLOCKED_BYTES);
  const b = changetype<Blocked>(ptr);
  b.argc = argc;
  b.bytes = <u32>bytes;
  let record = blockedArgv(b);
  let at = ptr + <usize>text;
  for (let i: u32 = 0; i < argc; i++) {
    const len = Arg.len(i);
    memory.copy(at, Arg.ptr(i), len);
    copyArgRecord(record, i, at);
    record += 1 << RECORD_SHIFT;
    at += len;
  }
  return ptr;
}

/** Lines the client up for the key in argument `i`, unless it stands there already. */
function tryJoin(b: Blocked, databaseId: u32, i: u32): bool {
  const q = tryQueue(databaseId, Arg.ptr(i), Arg.len(i), Arg.hash(i));
  if (q == 0) return false;
  const queue = changetype<KeyQueue>(q);
  // Whoever stands there already is the last.
  if (queue.last != 0 && changetype<Waiter>(queue.last).blocked == changetype<usize>(b))
    return true;
  const w = waiterAt(b, b.keys);
  const ptr = changetype<usize>(w);
  w.queue = q;
  w.blocked = changetype<usize>(b);
  w.next = 0;
  w.previous = queue.last;
  if (queue.last != 0) changetype<Waiter>(queue.last).next = ptr;
  else queue.first = ptr;
  queue.last = ptr;
  queue.count += 1;
  if (b.onNoKey) {
    if (queue.onNoKey == 0) keysOnNoKey += 1;
    queue.onNoKey += 1;
  }
  b.keys += 1;
  return true;
}

function findQueue(databaseId: u32, key: usize, keyLen: u32, hash: u64): usize {
  wantedDatabase = databaseId;
  const slot = dictFind<KeyQueue>(queues, key, keyLen, hash);
  return slot == 0 ? 0 : Slot.entry(slot);
}

/** The queue of a key, a new one when it has none; 0: no memory. */
function tryQueue(databaseId: u32, key: usize, keyLen: u32, hash: u64): usize {
  if (queues.buckets == 0 && !tryDictInit(queues)) return 0;
  const found = findQueue(databaseId, key, keyLen, hash);
  if (found != 0) return found;
  // Who waits must not take what is kept for getting out of trouble.
  const ptr: usize = memoryNearlyExhausted() ? 0 : tryAlloc(QUEUE_BYTES + keyLen);
  if (ptr != 0) {
    memory.fill(ptr, 0, QUEUE_BYTES);
    const q = changetype<KeyQueue>(ptr);
    q.hash = hash;
    q.databaseId = databaseId;
    q.keyLen = keyLen;
    copySmall(ptr + QUEUE_BYTES, key, keyLen);
    if (tryDictInsert<KeyQueue>(queues, ptr, hash)) {
      wantEffects(WANT_BLOCKED, true);
      return ptr;
    }
    free(ptr);
  }
  dropTableIfEmpty();
  return 0;
}

function bumpKind(kind: u32, by: i32): void {
  const at = waitingByKind + (kind << 2);
  store<u32>(at, load<u32>(at) + by);
}

// --- Leaving ---

/** Takes a state out of everything it hangs in, and frees it. */
function release(b: Blocked): void {
  for (let i: u32 = 0; i < b.keys; i++) {
    const w = waiterAt(b, i);
    const q = changetype<KeyQueue>(w.queue);
    if (w.previous != 0) changetype<Waiter>(w.previous).next = w.next;
    else q.first = w.next;
    if (w.next != 0) changetype<Waiter>(w.next).previous = w.previous;
    else q.last = w.previous;
    q.count -= 1;
    if (b.onNoKey) {
      q.onNoKey -= 1;
      if (q.onNoKey == 0) keysOnNoKey -= 1;
    }
    freeIfUnused(q);
  }
  heapRemove(deadlines, b);
  free(changetype<usize>(b));
}

/** Frees a queue in which nobody stands and which is not in a list. */
function freeIfUnused(q: KeyQueue): void {
  if (q.count != 0 || q.isReady != 0) return;
  const ptr = changetype<usize>(q);
  dictRemove(queues, dictSlotOf(queues, ptr, q.hash), q.hash);
  free(ptr);
  dropTableIfEmpty();
}

function dropTableIfEmpty(): void {
  if (queues.keys != 0) return;
  while (dictDropLast(queues));
  wantEffects(WANT_BLOCKED, false);
}

/** The client waits no longer: its state is gone, and with it the copy of its command. */
export function unblock(c: Conn): void {
  const b = blockedOf(c);
  bumpKind(b.kind, -1);
  blockedClients -= 1;
  release(b);
  c.blocked = 0;
  c.flags &= ~CLIENT_BLOCKED;
}

/** Lists a client that waits no longer for the host to let it go on. */
export function listUnblocked(c: Conn): void {
  const ptr = changetype<usize>(c);
  if (c.nextUnblocked != 0 || unblockedLast == ptr) return;
  if (unblockedLast != 0) changetype<Conn>(unblockedLast).nextUnblocked = ptr;
  else unblockedFirst = ptr;
  unblockedLast = ptr;
}

/** Unlinks and returns the first client of that list, 0 when it is empty. */
export function popUnblocked(): usize {
  const ptr = unblockedFirst;
  if (ptr == 0) return 0;
  const c = changetype<Conn>(ptr);
  unblockedFirst = c.nextUnblocked;
  if (unblockedFirst == 0) unblockedLast = 0;
  c.nextUnblocked = 0;
  return ptr;
}

export function anyUnblocked(): bool {
  return unblockedFirst != 0;
}

/** The connection is going away. */
export function blockedForget(c: Conn): void {
  if (c.blocked != 0) unblock(c);
  const ptr = changetype<usize>(c);
  let previous: usize = 0;
  for (let at = unblockedFirst; at != 0; at = changetype<Conn>(at).nextUnblocked) {
    if (at != ptr) {
      previous = at;
      continue;
    }
    if (previous != 0) changetype<Conn>(previous).nextUnblocked = c.nextUnblocked;
    else unblockedFirst = c.nextUnblocked;
    if (unblockedLast == ptr) unblockedLast = previous;
    c.nextUnblocked = 0;
    return;
  }
}

// --- Keys that become ready ---

/** The kind of waiters that a value of this type is for, 0: nobody waits for such values. */
function kindOfType(type: u32): u32 {
  if (type == TYPE_LIST) return BLOCKED_LIST;
  if (type == TYPE_ZSET) return BLOCKED_ZSET;
  return type == TYPE_STREAM ? BLOCKED_STREAM : 0;
}

/** The kind of waiters that a queue's key has something for now; 0: none. */
export function kindReady(q: KeyQueue): u32 {
  const key = changetype<usize>(q) + QUEUE_BYTES;
  const e = tableFind(database(q.databaseId), key, q.keyLen, q.hash);
  return e == 0 || isExpired(e) ? 0 : kindOfType(Entry.type(e));
}

function append(q: KeyQueue): void {
  const ptr = changetype<usize>(q);
  q.isReady = 1;
  q.nextReady = 0;
  if (readyLast != 0) changetype<KeyQueue>(readyLast).nextReady = ptr;
  else readyFirst = ptr;
  readyLast = ptr;
}

/** Something happened to a queue's key: it is ready if that may concern somebody. */
function signal(q: KeyQueue): void {
  if (q.isReady) return;
  const kind = kindReady(q);
  if (q.onNoKey != 0 || (kind != 0 && load<u32>(waitingByKind + (kind << 2)) != 0)) append(q);
}

/** Something may have happened to every key, or (`which` at least 0) to those of one database. */
function signalAll(which: i32): void {
  for (let i: u32 = 0; i < queues.buckets; i++) {
    for (let bucket = dictBucketAt(queues, i); bucket != 0; bucket = Bucket.next(bucket)) {
      for (let rest = Bucket.occupied(bucket); rest != 0; rest &= rest - 1) {
        const q = changetype<KeyQueue>(Bucket.entry(bucket, ctz(rest)));
        if (which < 0 || q.databaseId == <u32>which) signal(q);
      }
    }
  }
}

/** Marks the keys in the effects queue as ready that somebody waits for. */
export function blockedDrain(): void {
  if (queues.keys == 0) return;
  if (effectsLost) signalAll(-1);
  for (let at: usize = 0; at < effectsBytes(); at = Effect.next(at)) {
    const kind = Effect.kind(at);
    if (kind & EVENT_UNCHANGED && (kind & EVENT_READY) == 0) continue;
    if (kind & (DATABASE_FLUSHED | DATABASE_SWAPPED)) {
      signalAll(<i32>Effect.database(at));
      continue;
    }
    const hash = Effect.hash(at);
    const q = findQueue(Effect.database(at), Effect.key(at), Effect.keyLen(at), hash);
    if (q != 0) signal(changetype<KeyQueue>(q));
  }
}

export function anyReady(): bool {
  return readyFirst != 0;
}

/**
 * Unlinks and returns the key that became ready first, 0 when there is none. It stays until
 * `readyDone`, whoever leaves, and can become ready again meanwhile.
 */
export function popReady(): usize {
  const ptr = readyFirst;
  if (ptr == 0) return 0;
  const q = changetype<KeyQueue>(ptr);
  readyFirst = q.nextReady;
  if (readyFirst == 0) readyLast = 0;
  q.isReady = 0;
  q.count += 1;
  return ptr;
}

/** The key that `popReady` gave has been dealt with. */
export function readyDone(q: KeyQueue): void {
  q.count -= 1;
  freeIfUnused(q);
}

/** CLIENT PAUSE keeps a waiter of this key from being served: it is ready again when that ends. */
export function hold(q: KeyQueue): void {
  if (q.isReady) return;
  q.isReady = 1;
  q.nextReady = heldFirst;
  heldFirst = changetype<usize>(q);
}

/** Makes the keys ready that were held, in the order they became so. */
export function releaseHeld(): void {
  let newest = heldFirst;
  let turned: usize = 0;
  while (newest != 0) {
    const q = changetype<KeyQueue>(newest);
    newest = q.nextReady;
    q.nextReady = turned;
    turned = changetype<usize>(q);
  }
  heldFirst = 0;
  while (turned != 0) {
    const q = changetype<KeyQueue>(turned);
    turned = q.nextReady;
    append(q);
  }
}

// --- Who stands in a queue, and whose time is up ---

/** First waiter of a queue, 0 when nobody stands there. */
export function firstWaiter(q: KeyQueue): usize {
  return q.first;
}

export function nextWaiter(waiter: usize): usize {
  return changetype<Waiter>(waiter).next;
}

export function waiterBlocked(waiter: usize): Blocked {
  return changetype<Blocked>(changetype<Waiter>(waiter).blocked);
}

/** Address of the state whose deadline comes first, 0 when none has one. */
export function firstDeadline(): usize {
  return heapFirst(deadlines);
}

/** That deadline, 0 when there is none. */
export function firstDeadlineMs(): i64 {
  const first = heapFirst(deadlines);
  return first == 0 ? 0 : changetype<Timed>(first).deadlineMs;
}

/** Opens another run of a command that had blocked; its last one if `isLast`. */
export function beginReprocessing(isLast: bool): void {
  reprocessing = true;
  blockedAgain = false;
  timeIsUp = isLast;
}

export function endReprocessing(): void {
  reprocessing = false;
  timeIsUp = false;
}
