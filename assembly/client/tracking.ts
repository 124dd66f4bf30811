// CLIENT TRACKING: clients that keep copies of values are told when these go out of date.
//
//   default       the keys that the client's commands read are noted (tracking_table.ts); the first
//                 change of one takes it out of the table and is told to everyone noted with it
//   broadcasting  changes of all keys under the client's prefixes are collected (tracking_prefixes.ts)
//                 and told when the batch that made them ends
//
//   RESP3                  >2 "invalidate" [key ...]
//   redirected, RESP2      the same as a message in the channel __redis__:invalidate
//
// A null in place of the keys means all of them. Messages are pushed, so they follow the reply of the
// command that made the change, and of the transaction it belongs to. What cannot be noted or said for
// want of memory is never passed over: a key that cannot be noted is out of date at once, and a
// client that cannot be told is cut off.
//
// Whoever does not track pays for one test of a flag per command.
//
// Differences from Redis: a null that goes to another client is written in that client's protocol,
// and the table is dropped when no connected client has ever tracked anything.

import {
  CFG_TRACKING_MAX_KEYS,
  CLIENT_CLOSE_ASAP,
  CLIENT_PUBSUB,
  CLIENT_TRACKING,
  CLIENT_TRACKING_BCAST,
  CLIENT_TRACKING_BROKEN,
  CLIENT_TRACKING_CACHING,
  CLIENT_TRACKING_NOLOOP,
  CLIENT_TRACKING_OPTIN,
  CLIENT_TRACKING_OPTOUT,
} from '../abi';
import {
  DATABASE_FLUSHED,
  DATABASE_SWAPPED,
  Effect,
  EVENT_UNCHANGED,
  effectsBytes,
  effectsLost,
  NOTIFY_EVICTED,
  NOTIFY_EXPIRED,
  WANT_TRACKING,
  wantEffects,
} from '../keyspace/effects';
import { Settings } from '../keyspace/settings';
import { free, tryAlloc } from '../memory/alloc';
import { Conn, tryPush } from '../resp/connection';
import { copySmall } from '../util/bytes';
import { formatU64 } from '../util/number_format';
import { putText } from '../util/text';
import { clientById } from './client_ids';
import {
  allChangesLost,
  Change,
  changedPrefixes,
  changesDone,
  changesPending,
  leavePrefixes,
  noteAllLost,
  noteChange,
  Prefix,
  prefixCount,
  settleChanges,
  tryJoinPrefix,
  Words,
} from './tracking_prefixes';
import {
  dropAllTracked,
  TrackedKey,
  takeRandomTracked,
  takeTracked,
  trackedDone,
  trackedKeys,
  tryTrack,
} from './tracking_table';

/** What hangs off a connection that ever tracked. */
@unmanaged
class Tracking {
  redirect: u64; // id of the client that gets the messages, 0: itself
  prefixes: usize; // Words
  prefixCount: u32;
  prefixRoom: u32;
  next: usize; // list of all of them
  previous: usize;
  conn: usize;
}

/** Everything that CLIENT TRACKING sets. */
const MODE_FLAGS: u32 =
  CLIENT_TRACKING_BROKEN |
  CLIENT_TRACKING_BCAST |
  CLIENT_TRACKING_OPTIN |
  CLIENT_TRACKING_OPTOUT |
  CLIENT_TRACKING_NOLOOP;

/** Keys dropped per call while the table is too large; grows with every call that was not enough. */
const LIMIT_EFFORT: u32 = 100;

/** Clients that track now. */
export let trackingClients: u32 = 0;
let first: usize = 0;
let callsOverLimit: u32 = 0;

function trackingOf(c: Conn): Tracking {
  return changetype<Tracking>(c.tracking);
}

/** The client's prefixes, sorted; only for one that tracks. */
export function ownPrefixes(c: Conn): Words {
  return changetype<Words>(c.tracking + offsetof<Tracking>('prefixes'));
}

/** Id of the client that gets its messages; 0: itself, -1: it does not track. */
export function trackingRedirect(c: Conn): i64 {
  return c.flags & CLIENT_TRACKING ? <i64>trackingOf(c).redirect : -1;
}

function followWants(): void {
  wantEffects(WANT_TRACKING, trackingClients != 0 || trackedKeys() != 0);
}

// --- Turning it on and off ---

function tryAttach(c: Conn): bool {
  if (c.tracking != 0) return true;
  const ptr = tryAlloc(offsetof<Tracking>());
  if (ptr == 0) return false;
  memory.fill(ptr, 0, offsetof<Tracking>());
  const t = changetype<Tracking>(ptr);
  t.conn = changetype<usize>(c);
  t.next = first;
  if (first != 0) changetype<Tracking>(first).previous = ptr;
  first = ptr;
  c.tracking = ptr;
  return true;
}

/** Makes the client one that tracks, without prefixes. False when memory is exhausted. */
export function tryTrackingOn(c: Conn, redirect: u64, modes: u32): bool {
  if (!tryAttach(c)) return false;
  if ((c.flags & CLIENT_TRACKING) == 0) trackingClients += 1;
  c.flags = (c.flags & ~MODE_FLAGS) | CLIENT_TRACKING | modes;
  trackingOf(c).redirect = redirect;
  followWants();
  return true;
}

/** Adds a prefix to those of a client in broadcasting mode. False when memory is exhausted. */
export function tryTrackPrefix(c: Conn, name: usize, len: u32): bool {
  return tryJoinPrefix(c, ownPrefixes(c), name, len);
}

/** Ends tracking. Ids that the table has of the client stay until their keys change. */
export function trackingOff(c: Conn): void {
  if (c.tracking != 0) leavePrefixes(c, ownPrefixes(c));
  if (c.flags & CLIENT_TRACKING) trackingClients -= 1;
  c.flags &= ~(MODE_FLAGS | CLIENT_TRACKING | CLIENT_TRACKING_CACHING);
  followWants();
}

/** The connection goes. */
export function trackingForget(c: Conn): void {
  if (c.tracking == 0) return;
  trackingOff(c);
  const t = trackingOf(c);
  if (t.previous != 0) changetype<Tracking>(t.previous).next = t.next;
  else first = t.next;
  if (t.next != 0) changetype<Tracking>(t.next).previous = t.previous;
  free(c.tracking);
  c.tracking = 0;
  if (first == 0) {
    dropAllTracked();
    followWants();
  }
}

// --- Messages ---

/** The longest head; the value of a message is built behind it, since its head depends on who gets it. */
const HEAD_ROOM: usize = 64;
const REDIRECT_BROKEN_BYTES: usize = 64;

let message: usize = 0; // block under construction, 0 when there is no memory for it
let valueEnd: usize = 0;

/** Opens a message whose value takes up to `bytes`. */
function openMessage(bytes: u64): bool {
  message = bytes > 0xf0000000 ? 0 : tryAlloc(HEAD_ROOM + <usize>bytes);
  valueEnd = message + HEAD_ROOM;
  return message != 0;
}

function closeMessage(): void {
  free(message);
  message = 0;
}

function putArrayHead(count: u32): void {
  store<u8>(valueEnd, 42);
  valueEnd += 1;
  valueEnd += formatU64(count, valueEnd);
  store<u16>(valueEnd, 0x0a0d);
  valueEnd += 2;
}

function putBulk(ptr: usize, len: u32): void {
  store<u8>(valueEnd, 36);
  valueEnd += 1;
  valueEnd += formatU64(len, valueEnd);
  store<u16>(valueEnd, 0x0a0d);
  valueEnd += 2;
  copySmall(valueEnd, ptr, len);
  valueEnd += len;
  store<u16>(valueEnd, 0x0a0d);
  valueEnd += 2;
}

const RESP3_HEAD: string = '>2\r\n$10\r\ninvalidate\r\n';
const RESP2_HEAD: string = '*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n';

/** Whom the client's messages go to; 0 when nobody is there, which it is told if it can be. */
function receiverOf(c: Conn): usize {
  const redirect = trackingOf(c).redirect;
  if (redirect == 0) return c.resp == 3 ? changetype<usize>(c) : 0;
  const to = clientById(redirect);
  if (to == 0) {
    c.flags |= CLIENT_TRACKING_BROKEN;
    if (c.resp == 3) tellBroken(c, redirect);
    return 0;
  }
  const target = changetype<Conn>(to);
  return target.resp == 3 || target.flags & CLIENT_PUBSUB ? to : 0;
}

function tellBroken(c: Conn, redirect: u64): void {
  const buffer = tryAlloc(REDIRECT_BROKEN_BYTES);
  if (buffer == 0) return;
  let end = putText(buffer, '>2\r\n$21\r\ntracking-redir-broken\r\n:');
  end += formatU64(redirect, end);
  store<u16>(end, 0x0a0d);
  pushOrCutOff(c, buffer, <u32>(end + 2 - buffer));
  free(buffer);
}

/** A client that misses a message would go on serving old values. */
function pushOrCutOff(c: Conn, from: usize, bytes: u32): void {
  if (!tryPush(c, from, bytes)) c.flags |= CLIENT_CLOSE_ASAP;
}

/** Sends the message under construction to whom the client's messages go to. */
function send(c: Conn): void {
  const receiver = receiverOf(c);
  if (receiver == 0) return;
  const to = changetype<Conn>(receiver);
  if (message == 0) {
    to.flags |= CLIENT_CLOSE_ASAP;
    return;
  }
  const head = to.resp == 3 ? RESP3_HEAD : RESP2_HEAD;
  const from = message + HEAD_ROOM - <usize>head.length;
  putText(from, head);
  pushOrCutOff(to, from, <u32>(valueEnd - from));
}

/** Tells a client that all its copies are out of date. */
function sendEverything(c: Conn): void {
  const receiver = receiverOf(c);
  if (receiver == 0) return;
  if (openMessage(8)) {
    valueEnd = putText(valueEnd, changetype<Conn>(receiver).resp == 3 ? '_\r\n' : '$-1\r\n');
  }
  send(c);
  if (message != 0) closeMessage();
}

function sendEverythingToAll(): void {
  for (let at = first; at != 0; at = changetype<Tracking>(at).next) {
    const c = changetype<Conn>(changetype<Tracking>(at).conn);
    if (c.flags & CLIENT_TRACKING) sendEverything(c);
  }
}

// --- Keys that were read ---

/** Whether the client's reads are to be noted now. */
export function notesReads(c: Conn): bool {
  const flags = c.flags;
  if ((flags & CLIENT_TRACKING) == 0 || flags & CLIENT_TRACKING_BCAST) return false;
  const caching = (flags & CLIENT_TRACKING_CACHING) != 0;
  if (flags & CLIENT_TRACKING_OPTIN) return caching;
  return (flags & CLIENT_TRACKING_OPTOUT) == 0 || !caching;
}

/** Notes that the client has read a key. */
export function noteRead(c: Conn, key: usize, keyLen: u32, hash: u64): void {
  if (tryTrack(key, keyLen, hash, c.id)) return;
  // Nobody would tell it of a change later.
  openKeyMessage(key, keyLen);
  send(c);
  if (message != 0) closeMessage();
}

function openKeyMessage(key: usize, keyLen: u32): void {
  if (!openMessage(64 + <u64>keyLen)) return;
  putArrayHead(1);
  putBulk(key, keyLen);
}

// --- Changes ---

/** Tells everyone noted with a key, which is taken out of the table. `current` as in trackingDrain. */
function tellChanged(taken: usize, current: usize): void {
  const t = changetype<TrackedKey>(taken);
  openKeyMessage(t.name(), t.keyLen);
  for (let i: u32 = 0; i < t.clients; i++) {
    const at = clientById(t.idAt(i));
    if (at == 0) continue;
    const c = changetype<Conn>(at);
    if ((c.flags & CLIENT_TRACKING) == 0 || c.flags & CLIENT_TRACKING_BCAST) continue;
    if (c.flags & CLIENT_TRACKING_NOLOOP && at == current) continue;
    send(c);
  }
  if (message != 0) closeMessage();
  trackedDone(taken);
}

/** What the effects queue holds; `current` is the connection whose command it comes from, 0: none. */
export function trackingDrain(current: usize): void {
  if (trackingClients == 0 && trackedKeys() == 0) return;
  let flushed = effectsLost;
  if (effectsLost) noteAllLost();
  for (let at: usize = 0; at < effectsBytes(); at = Effect.next(at)) {
    const kind = Effect.kind(at);
    if (kind & (EVENT_UNCHANGED | DATABASE_SWAPPED)) continue;
    if (kind & DATABASE_FLUSHED) flushed = true;
    else keyChanged(at, current);
  }
  if (flushed) {
    sendEverythingToAll();
    dropAllTracked();
  }
  if (trackingClients == 0) followWants();
}

function keyChanged(at: usize, current: usize): void {
  const key = Effect.key(at);
  const keyLen = Effect.keyLen(at);
  if (prefixCount() != 0) {
    const byNobody = (Effect.kind(at) & (NOTIFY_EXPIRED | NOTIFY_EVICTED)) != 0 || current == 0;
    noteChange(key, keyLen, byNobody ? 0 : changetype<Conn>(current).id);
  }
  const taken = takeTracked(key, keyLen, Effect.hash(at));
  if (taken != 0) tellChanged(taken, current);
}

// --- Broadcasts ---

/** Whether a broadcast is due when the batch ends. */
export function broadcastPending(): bool {
  return changesPending();
}

/** Sends what was collected for clients in broadcasting mode. */
export function trackingBroadcast(): void {
  const prefixes = changedPrefixes();
  if (allChangesLost()) sendEverythingToAll();
  else {
    for (let i: u32 = 0; i < prefixes.count; i++) {
      broadcast(changetype<Prefix>(<usize>prefixes.get(i)));
    }
  }
  changesDone();
}

function broadcast(p: Prefix): void {
  const clients = p.clientWords();
  if (p.lost) {
    for (let i: u32 = 0; i < clients.count; i++) {
      sendEverything(changetype<Conn>(<usize>clients.get(i)));
    }
    return;
  }
  settleChanges(p);
  const bytes = changesBytes(p);
  // One message serves all but those who do not want to hear of their own changes.
  openChanges(p, bytes, 0);
  for (let i: u32 = 0; i < clients.count; i++) {
    const c = changetype<Conn>(<usize>clients.get(i));
    if ((c.flags & CLIENT_TRACKING_NOLOOP) == 0) send(c);
  }
  if (message != 0) closeMessage();
  for (let i: u32 = 0; i < clients.count; i++) {
    const c = changetype<Conn>(<usize>clients.get(i));
    if ((c.flags & CLIENT_TRACKING_NOLOOP) == 0) continue;
    if (openChanges(p, bytes, c.id) != 0) send(c);
    if (message != 0) closeMessage();
  }
}

function changesBytes(p: Prefix): u64 {
  const changes = p.changeWords();
  let bytes: u64 = 64;
  for (let i: u32 = 0; i < changes.count; i++) {
    bytes += 32 + <u64>changetype<Change>(<usize>changes.get(i)).keyLen;
  }
  return bytes;
}

/** A message of a prefix's changes but those that client `except` made. Returns how many it has. */
function openChanges(p: Prefix, bytes: u64, except: u64): u32 {
  const changes = p.changeWords();
  let count: u32 = 0;
  for (let i: u32 = 0; i < changes.count; i++) {
    const by = changetype<Change>(<usize>changes.get(i)).by;
    if (except == 0 || by != except) count += 1;
  }
  if (count == 0 || !openMessage(bytes)) return count;
  putArrayHead(count);
  for (let i: u32 = 0; i < changes.count; i++) {
    const change = changetype<Change>(<usize>changes.get(i));
    if (except == 0 || change.by != except) putBulk(change.key(), change.keyLen);
  }
  return count;
}

// --- The limit ---

/** Whether the table has more keys than tracking-table-max-keys allows. */
export function trackingOverLimit(): bool {
  if (trackingClients == 0) return false;
  const limit = Settings.get(CFG_TRACKING_MAX_KEYS);
  return limit != 0 && <i64>trackedKeys() > limit;
}

/**
 * Drops random keys until the table has no more than it may have, but not too many at once. Their
 * clients are told as if the keys had changed.
 */
export function trackingLimit(current: usize): void {
  let left = LIMIT_EFFORT * (callsOverLimit + 1);
  while (left > 0 && trackingOverLimit()) {
    tellChanged(takeRandomTracked(), current);
    left -= 1;
  }
  if (trackingOverLimit()) callsOverLimit += 1;
  else callsOverLimit = 0;
}
