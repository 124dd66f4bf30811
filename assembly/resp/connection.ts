// One connection's block: everything the core knows of a client.
//
// The host allocates it with `connNew`, reads fields at the CONN_* offsets of abi.ts and frees it
// with `connFree`. Buffers hang off it by pointer and length; 0 means none. The offsets are pinned
// below, so the two languages cannot drift apart.
//
// `query` holds input that could not be executed yet: the start of an unfinished command, or
// commands behind one that is held up.
//
//   query -> [ done | unread ... | room, of which BUFFER_SLACK bytes stay free ]
//            0      queryPos     queryPos + queryLen                         queryCap
//
// What was executed stays in front until room is needed and there is no less of it than of unread
// bytes, so that taking n commands one by one from a long query moves it O(1) times per byte.
//
// `push` holds output that other connections' commands wrote; connections with some are linked into
// the dirty list, in the order they got it, until the host takes it.

import {
  CFG_GUARDS,
  CLIENT_INTERNAL,
  CLIENT_PRIMARY,
  CONN_ADDR_PTR,
  CONN_ARGV_BYTES,
  CONN_ARGV_PTR,
  CONN_BYTES,
  CONN_COMMANDS,
  CONN_CREATED_MS,
  CONN_DB,
  CONN_FLAGS,
  CONN_LAST_ACTIVE_MS,
  CONN_MULTI_PTR,
  CONN_MULTIBULK_LEFT,
  CONN_NAME_PTR,
  CONN_NEXT_DIRTY,
  CONN_OWNED_BYTES,
  CONN_PARSE_POS,
  CONN_PUSH_PTR,
  CONN_QUERY_POS,
  CONN_QUERY_PTR,
  GUARD_LOADING,
} from '../abi';
import { Settings } from '../keyspace/settings';
import { free, goodSize, tryAlloc, tryRealloc, usableSize } from '../memory/alloc';
import { copySmall } from '../util/bytes';

@unmanaged
export class Conn {
  id: u64;
  flags: u32;
  resp: u32;
  db: u32;
  lastCommand: u32;
  query: usize;
  queryLen: u32; // bytes not executed yet, from `queryPos` on
  queryCap: u32;
  parsePos: u32; // where parsing of an unfinished command goes on, from the command's start
  multibulkLeft: i32; // arguments still to come, 0 between commands
  bulkLen: i32; // length of the argument being read, -1 when its header is not read yet
  argv: usize; // unfinished command: (u32 offset from its start, u32 length) per argument
  argc: u32;
  argvCap: u32;
  push: usize;
  pushLen: u32;
  pushCap: u32;
  nextDirty: usize; // 0 not in the list, 1 last of the list
  nextMonitor: usize;
  commands: u64;
  netIn: u64;
  netOut: u64;
  createdMs: i64;
  lastActiveMs: i64;
  addr: usize;
  addrLen: u32;
  name: usize;
  nameLen: u32;
  multi: usize;
  argvBytes: u32; // of the unfinished command
  watches: usize; // first of the keys it watches
  queryPos: u32;
  startedUs: f64; // when the host command under way began that answers later
  blocked: usize; // what it waits for, while a command of its blocks
  nextUnblocked: usize;
  spare3: u64;
  tracking: usize; // how it tracks keys, 0 when it never did
  nextOfId: usize; // chain of client/client_ids.ts
  listener: usize; // its subscriptions
  ownedBytes: u32; // of what it watches and listens to, and of its prefixes
}

const DIRTY_END: usize = 1;
const MAX_BUFFER_BYTES: u64 = 0xfff00000;
/** Buffers of long queries grow by a quarter, those of short ones by doubling. */
const QUERY_STEP_BYTES: u64 = 1048576;
/** A buffer is not cut to less than this. */
const QUERY_KEEP_BYTES: usize = 16384;
/** Readers may load a word at the last byte of a buffer. */
export const BUFFER_SLACK: usize = 16;

/** Connection whose command is running. */
export let client: Conn = changetype<Conn>(0);
let dirtyHead: usize = DIRTY_END;
let dirtyTail: usize = 0;

/** Whether it replays a file: it sends what has run before, and nobody reads its replies. */
export let replaying: bool = false;

export function setClient(c: Conn): void {
  client = c;
  replaying =
    (c.flags & CLIENT_INTERNAL) != 0 && (<u32>Settings.get(CFG_GUARDS) & GUARD_LOADING) != 0;
}

/**
 * Whether the running command must succeed whatever the limits say, because it succeeded before: it
 * comes from the primary or, during loading, from the append-only file.
 */
export function mustObeyClient(): bool {
  return replaying || (client.flags & CLIENT_PRIMARY) != 0;
}

function pinLayout(): void {
  if (offsetof<Conn>() != CONN_BYTES) ERROR('Conn is CONN_BYTES long');
  if (offsetof<Conn>('flags') != CONN_FLAGS) ERROR('flags');
  if (offsetof<Conn>('db') != CONN_DB) ERROR('db');
  if (offsetof<Conn>('query') != CONN_QUERY_PTR) ERROR('query');
  if (offsetof<Conn>('parsePos') != CONN_PARSE_POS) ERROR('parsePos');
  if (offsetof<Conn>('multibulkLeft') != CONN_MULTIBULK_LEFT) ERROR('multibulkLeft');
  if (offsetof<Conn>('argv') != CONN_ARGV_PTR) ERROR('argv');
  if (offsetof<Conn>('push') != CONN_PUSH_PTR) ERROR('push');
  if (offsetof<Conn>('nextDirty') != CONN_NEXT_DIRTY) ERROR('nextDirty');
  if (offsetof<Conn>('commands') != CONN_COMMANDS) ERROR('commands');
  if (offsetof<Conn>('createdMs') != CONN_CREATED_MS) ERROR('createdMs');
  if (offsetof<Conn>('lastActiveMs') != CONN_LAST_ACTIVE_MS) ERROR('lastActiveMs');
  if (offsetof<Conn>('addr') != CONN_ADDR_PTR) ERROR('addr');
  if (offsetof<Conn>('name') != CONN_NAME_PTR) ERROR('name');
  if (offsetof<Conn>('multi') != CONN_MULTI_PTR) ERROR('multi');
  if (offsetof<Conn>('argvBytes') != CONN_ARGV_BYTES) ERROR('argvBytes');
  if (offsetof<Conn>('queryPos') != CONN_QUERY_POS) ERROR('queryPos');
  if (offsetof<Conn>('ownedBytes') != CONN_OWNED_BYTES) ERROR('ownedBytes');
}

/** A fresh block in database 0 speaking RESP2, or 0 when memory is exhausted. */
export function tryConnNew(id: u64, nowMs: i64): usize {
  pinLayout();
  const ptr = tryAlloc(CONN_BYTES);
  if (ptr == 0) return 0;
  memory.fill(ptr, 0, CONN_BYTES);
  const c = changetype<Conn>(ptr);
  c.id = id;
  c.resp = 2;
  c.lastCommand = u32.MAX_VALUE;
  c.bulkLen = -1;
  c.createdMs = nowMs;
  c.lastActiveMs = nowMs;
  return ptr;
}

export function connFree(c: Conn): void {
  if (c.nextDirty != 0) unlinkDirty(c);
  if (c.query != 0) free(c.query);
  if (c.argv != 0) free(c.argv);
  if (c.push != 0) free(c.push);
  if (c.addr != 0) free(c.addr);
  if (c.name != 0) free(c.name);
  free(changetype<usize>(c));
}

// --- Query buffer ---

/** Address of the unread bytes. */
export function queryUnread(c: Conn): usize {
  return c.query + c.queryPos;
}

/** Moves the unread bytes to the front. */
function queryCompact(c: Conn): void {
  if (c.queryPos == 0) return;
  memory.copy(c.query, queryUnread(c), c.queryLen);
  c.queryPos = 0;
}

/** Makes room for `bytes` of unread query in total. False when memory is exhausted. */
export function tryQueryReserve(c: Conn, bytes: u64): bool {
  if (<u64>c.queryPos + bytes + BUFFER_SLACK <= <u64>c.queryCap) return true;
  if (bytes > MAX_BUFFER_BYTES) return false;
  queryCompact(c);
  const wanted = <usize>bytes + BUFFER_SLACK;
  if (wanted <= c.queryCap) return true;
  const ptr = c.query == 0 ? tryAlloc(wanted) : tryRealloc(c.query, wanted);
  if (ptr == 0) return false;
  c.query = ptr;
  c.queryCap = <u32>usableSize(ptr);
  return true;
}

/** Appends input. False when memory is exhausted. */
export function tryQueryAppend(c: Conn, from: usize, bytes: u32): bool {
  const total = <u64>c.queryLen + bytes;
  if (<u64>c.queryPos + total + BUFFER_SLACK > <u64>c.queryCap) {
    const compacts = c.queryPos >= c.queryLen && total + BUFFER_SLACK <= <u64>c.queryCap;
    const roomy = compacts ? total : min(total << 1, total + max(QUERY_STEP_BYTES, total >> 2));
    if (!tryQueryReserve(c, roomy) && !tryQueryReserve(c, total)) return false;
  }
  memory.copy(queryUnread(c) + c.queryLen, from, bytes);
  c.queryLen = <u32>total;
  return true;
}

/** Takes note that the unread bytes begin at `from` now. */
export function queryAdvance(c: Conn, from: usize): void {
  const read = <u32>(from - queryUnread(c));
  c.queryLen -= read;
  c.queryPos = c.queryLen == 0 ? 0 : c.queryPos + read;
}

/**
 * Fits the buffer to what it holds between batches, when no command points into it: an empty one is
 * freed, because most connections are idle most of the time, and one that is much too large is cut.
 * `comingBytes` is how long the query is known to become, 0 when nothing is known.
 *
 * A long argument is announced by its length alone, so room for it is made as it arrives, in steps
 * that leave little to copy: nobody gets gigabytes for a line of text.
 */
export function tryQueryFit(c: Conn, comingBytes: u64): bool {
  if (c.queryLen == 0) {
    queryFree(c);
    return true;
  }
  if (comingBytes != 0) {
    const step = min(comingBytes, ((<u64>c.queryLen) << 3) + QUERY_STEP_BYTES);
    return step <= <u64>c.queryLen || tryQueryReserve(c, step);
  }
  if (<usize>c.queryCap > QUERY_KEEP_BYTES && c.queryLen < c.queryCap >> 3) {
    queryCompact(c);
    const wanted = max<usize>(<usize>c.queryLen + BUFFER_SLACK, QUERY_KEEP_BYTES);
    const ptr = tryRealloc(c.query, wanted);
    if (ptr != 0) {
      c.query = ptr;
      c.queryCap = <u32>usableSize(ptr);
    }
  }
  return true;
}

/**
 * Gives back the room behind what the buffer holds, for a connection that has been idle. Room for the
 * rest of a long argument is made again when more of it comes.
 */
export function queryTrim(c: Conn): void {
  if (c.query == 0) return;
  queryCompact(c);
  const wanted = <usize>c.queryLen + BUFFER_SLACK;
  if (usableSize(c.query) <= goodSize(wanted)) return;
  const ptr = tryRealloc(c.query, wanted);
  if (ptr == 0) return;
  c.query = ptr;
  c.queryCap = <u32>usableSize(ptr);
}

/** Drops the query: what it holds will not be executed. */
export function queryFree(c: Conn): void {
  if (c.query != 0) free(c.query);
  c.query = 0;
  c.queryPos = 0;
  c.queryLen = 0;
  c.queryCap = 0;
}

/** Forgets the arguments of an unfinished command. */
export function resetParse(c: Conn): void {
  c.parsePos = 0;
  c.multibulkLeft = 0;
  c.bulkLen = -1;
  c.argc = 0;
  c.argvBytes = 0;
  if (c.argv != 0) free(c.argv);
  c.argv = 0;
  c.argvCap = 0;
}

// --- Output written by others ---

/** Appends to a connection's pushed output and lists it for the host. False: memory is exhausted. */
export function tryPush(c: Conn, from: usize, bytes: u32): bool {
  const total = <u64>c.pushLen + bytes;
  if (total > <u64>c.pushCap) {
    if (total > MAX_BUFFER_BYTES) return false;
    const wanted = <usize>min<u64>(total << 1, MAX_BUFFER_BYTES);
    const ptr = c.push == 0 ? tryAlloc(wanted) : tryRealloc(c.push, wanted);
    if (ptr == 0) return false;
    c.push = ptr;
    c.pushCap = <u32>usableSize(ptr);
  }
  copySmall(c.push + c.pushLen, from, bytes);
  c.pushLen = <u32>total;
  if (c.nextDirty == 0) {
    c.nextDirty = DIRTY_END;
    if (dirtyHead == DIRTY_END) dirtyHead = changetype<usize>(c);
    else changetype<Conn>(dirtyTail).nextDirty = changetype<usize>(c);
    dirtyTail = changetype<usize>(c);
  }
  return true;
}

/** Whether any connection is in the dirty list. */
export function anyDirty(): bool {
  return dirtyHead != DIRTY_END;
}

/** Unlinks and returns the first connection with pushed output, 0 when there is none. */
export function popDirty(): usize {
  if (dirtyHead == DIRTY_END) return 0;
  const c = changetype<Conn>(dirtyHead);
  dirtyHead = c.nextDirty;
  c.nextDirty = 0;
  return changetype<usize>(c);
}

/** The host has taken the pushed output. */
export function pushTaken(c: Conn): void {
  c.pushLen = 0;
  if (c.push != 0) {
    free(c.push);
    c.push = 0;
    c.pushCap = 0;
  }
}

function unlinkDirty(c: Conn): void {
  const ptr = changetype<usize>(c);
  if (dirtyHead == ptr) {
    dirtyHead = c.nextDirty;
    return;
  }
  let at = dirtyHead;
  while (at != DIRTY_END) {
    const each = changetype<Conn>(at);
    if (each.nextDirty == ptr) {
      each.nextDirty = c.nextDirty;
      if (dirtyTail == ptr) dirtyTail = at;
      return;
    }
    at = each.nextDirty;
  }
}

// --- Texts ---

/** A copy of a text, 0 when memory is exhausted. */
function tryCopyText(from: usize, bytes: u32): usize {
  const ptr = tryAlloc(bytes);
  if (ptr != 0) copySmall(ptr, from, bytes);
  return ptr;
}

/** Keeps the peer's address. False when memory is exhausted: the old one stays. */
export function trySetAddr(c: Conn, from: usize, bytes: u32): bool {
  const copy = tryCopyText(from, bytes);
  if (copy == 0) return false;
  if (c.addr != 0) free(c.addr);
  c.addr = copy;
  c.addrLen = bytes;
  return true;
}

/** Keeps the client's name, none when `bytes` is 0. False when memory is exhausted: nothing changed. */
export function trySetName(c: Conn, from: usize, bytes: u32): bool {
  const copy: usize = bytes == 0 ? 0 : tryCopyText(from, bytes);
  if (bytes != 0 && copy == 0) return false;
  if (c.name != 0) free(c.name);
  c.name = copy;
  c.nameLen = bytes;
  return true;
}
