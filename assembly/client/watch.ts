// WATCH: which connection watches which key, found by key when something changes.
//
//   node: chain u32 | of client u32 | connection u32 | database u32 | hash u64 | key length u32 |
//         flags u32 | key bytes
//
// Nodes hang in a table of chains by the key's hash and in a list per connection. A change to a
// watched key sets CLIENT_DIRTY_CAS, and EXEC then answers null.
//
// A node remembers whether the key existed and whether it had already expired when WATCH came.
// Deciding after the fact what FLUSHALL and SWAPDB changed needs no more: as long as no change was
// reported, the key still is as it was.

import { CLIENT_DIRTY_CAS } from '../abi';
import { database, isExpired } from '../keyspace/db';
import {
  DATABASE_FLUSHED,
  DATABASE_SWAPPED,
  Effect,
  EVENT_UNCHANGED,
  effectsBytes,
  effectsLost,
  WANT_WATCH,
  wantEffects,
} from '../keyspace/effects';
import { tableFind } from '../keyspace/key_table';
import { free, tryAlloc } from '../memory/alloc';
import { Conn } from '../resp/connection';
import { bytesEqual, copySmall } from '../util/bytes';

const CHAINS: u32 = 1024;
const chains: usize = memory.data(4096, 8);

const NODE_OF_CLIENT: usize = 4;
const NODE_CONN: usize = 8;
const NODE_DATABASE: usize = 12;
const NODE_HASH: usize = 16;
const NODE_KEY_LEN: usize = 24;
const NODE_FLAGS: usize = 28;
const NODE_KEY: usize = 32;

const WAS_THERE: u32 = 1;
const WAS_EXPIRED: u32 = 2;

/** Keys watched, counted once per connection. */
export let watchedKeys: u32 = 0;
/** Connections that watch at least one key. */
export let watchingClients: u32 = 0;

function chainOf(hash: u64): usize {
  return chains + ((<u32>(hash >> 20) & (CHAINS - 1)) << 2);
}

function sameKey(node: usize, databaseId: u32, key: usize, keyLen: u32, hash: u64): bool {
  return (
    load<u64>(node, NODE_HASH) == hash &&
    load<u32>(node, NODE_DATABASE) == databaseId &&
    load<u32>(node, NODE_KEY_LEN) == keyLen &&
    bytesEqual(node + NODE_KEY, key, keyLen)
  );
}

/** Starts watching a key of the connection's database. False when memory is exhausted. */
export function tryWatch(c: Conn, key: usize, keyLen: u32, hash: u64): bool {
  for (let node = c.watches; node != 0; node = load<u32>(node, NODE_OF_CLIENT)) {
    if (sameKey(node, c.db, key, keyLen, hash)) return true;
  }
  const node = tryAlloc(NODE_KEY + keyLen);
  if (node == 0) return false;
  const e = tableFind(database(c.db), key, keyLen, hash);
  store<u32>(node, load<u32>(chainOf(hash)));
  store<u32>(node, <u32>c.watches, NODE_OF_CLIENT);
  store<u32>(node, <u32>changetype<usize>(c), NODE_CONN);
  store<u32>(node, c.db, NODE_DATABASE);
  store<u64>(node, hash, NODE_HASH);
  store<u32>(node, keyLen, NODE_KEY_LEN);
  store<u32>(node, e == 0 ? 0 : isExpired(e) ? WAS_THERE | WAS_EXPIRED : WAS_THERE, NODE_FLAGS);
  copySmall(node + NODE_KEY, key, keyLen);
  store<u32>(chainOf(hash), <u32>node);
  if (c.watches == 0) watchingClients += 1;
  c.watches = node;
  c.ownedBytes += <u32>NODE_KEY + keyLen;
  watchedKeys += 1;
  wantEffects(WANT_WATCH, true);
  return true;
}

function unchain(node: usize): void {
  const link = chainOf(load<u64>(node, NODE_HASH));
  let at: usize = load<u32>(link);
  if (at == node) {
    store<u32>(link, load<u32>(node));
    return;
  }
  while (at != 0) {
    const next: usize = load<u32>(at);
    if (next == node) {
      store<u32>(at, load<u32>(node));
      return;
    }
    at = next;
  }
}

/** Forgets everything the connection watches. */
export function unwatchAll(c: Conn): void {
  let node = c.watches;
  if (node == 0) return;
  while (node != 0) {
    const next: usize = load<u32>(node, NODE_OF_CLIENT);
    unchain(node);
    c.ownedBytes -= <u32>NODE_KEY + load<u32>(node, NODE_KEY_LEN);
    free(node);
    watchedKeys -= 1;
    node = next;
  }
  c.watches = 0;
  watchingClients -= 1;
  if (watchedKeys == 0) wantEffects(WANT_WATCH, false);
}

/** True when a watched key has expired since, though nobody has noticed yet. */
export function watchedKeyExpired(c: Conn): bool {
  for (let node = c.watches; node != 0; node = load<u32>(node, NODE_OF_CLIENT)) {
    if (load<u32>(node, NODE_FLAGS) & WAS_EXPIRED) continue;
    const inside = database(load<u32>(node, NODE_DATABASE));
    const keyLen = load<u32>(node, NODE_KEY_LEN);
    const e = tableFind(inside, node + NODE_KEY, keyLen, load<u64>(node, NODE_HASH));
    if (e != 0 && isExpired(e)) return true;
  }
  return false;
}

function markDirty(node: usize): void {
  const c = changetype<Conn>(<usize>load<u32>(node, NODE_CONN));
  c.flags |= CLIENT_DIRTY_CAS;
}

/** A key changed. One that had already expired when it was watched may vanish without notice. */
function keyChanged(databaseId: u32, key: usize, keyLen: u32, hash: u64): void {
  for (let node: usize = load<u32>(chainOf(hash)); node != 0; node = load<u32>(node)) {
    if (!sameKey(node, databaseId, key, keyLen, hash)) continue;
    const flags = load<u32>(node, NODE_FLAGS);
    if (flags & WAS_EXPIRED) {
      // Its deletion is what WATCH already took for granted; a later change counts.
      store<u32>(node, 0, NODE_FLAGS);
      if (tableFind(database(databaseId), key, keyLen, hash) == 0) continue;
    }
    markDirty(node);
  }
}

/** All keys of a database went, or (when swapped) may have been replaced by others. */
function databaseChanged(databaseId: u32, swapped: bool): void {
  for (let i: u32 = 0; i < CHAINS; i++) {
    for (let node: usize = load<u32>(chains + (i << 2)); node != 0; node = load<u32>(node)) {
      if (load<u32>(node, NODE_DATABASE) != databaseId) continue;
      const flags = load<u32>(node, NODE_FLAGS);
      if ((flags & (WAS_THERE | WAS_EXPIRED)) == WAS_THERE) {
        markDirty(node);
        continue;
      }
      // It was as good as absent: what counts is what the swap put in its place.
      const keyLen = load<u32>(node, NODE_KEY_LEN);
      const hash = load<u64>(node, NODE_HASH);
      const e = swapped ? tableFind(database(databaseId), node + NODE_KEY, keyLen, hash) : 0;
      if (e == 0) store<u32>(node, 0, NODE_FLAGS);
      else if (isExpired(e)) store<u32>(node, WAS_THERE | WAS_EXPIRED, NODE_FLAGS);
      else markDirty(node);
    }
  }
}

function everythingChanged(): void {
  for (let i: u32 = 0; i < CHAINS; i++) {
    for (let node: usize = load<u32>(chains + (i << 2)); node != 0; node = load<u32>(node)) {
      markDirty(node);
    }
  }
}

/** Marks the watchers of everything in the effects queue. */
export function watchDrain(): void {
  if (watchedKeys == 0) return;
  if (effectsLost) everythingChanged();
  for (let at: usize = 0; at < effectsBytes(); at = Effect.next(at)) {
    const kind = Effect.kind(at);
    if (kind & EVENT_UNCHANGED) continue;
    if (kind & (DATABASE_FLUSHED | DATABASE_SWAPPED)) {
      databaseChanged(Effect.database(at), (kind & DATABASE_SWAPPED) != 0);
    } else keyChanged(Effect.database(at), Effect.key(at), Effect.keyLen(at), Effect.hash(at));
  }
}
