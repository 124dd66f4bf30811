// Prefixes of clients that track in broadcasting mode, and the keys that changed under them.
//
//   Prefix:  clients u32 -> connection u32 each | changes u32 -> Change u32 each | ... | name bytes
//   Change:  id of the client that changed the key u64 (0: none did) | order u32 | key length u32 | key
//
// A key that changed is looked up once per length that any prefix has: O(lengths), however many
// prefixes there are. Changes are collected until the batch ends and then sent together, each key
// once, in the order of their bytes. A client keeps its own prefixes sorted.
//
// Without memory to note a change the prefix is `lost`: its clients are told that everything changed.

import { free, tryAlloc, tryRealloc, usableSize } from '../memory/alloc';
import { Conn } from '../resp/connection';
import {
  Dict,
  dictFind,
  dictRemove,
  dictSlotOf,
  Slot,
  tryDictInit,
  tryDictInsert,
} from '../struct/dict';
import { bytesEqual, copySmall, stringCompare } from '../util/bytes';
import { hashBytes } from '../util/siphash';
import { sortAddresses } from '../util/sort';

/** A growing array of u32 words. */
@unmanaged
export class Words {
  at: usize;
  count: u32;
  room: u32;

  @inline get(i: u32): u32 {
    return load<u32>(this.at + (i << 2));
  }
  @inline set(i: u32, word: u32): void {
    store<u32>(this.at + (i << 2), word);
  }
  tryInsert(i: u32, word: u32): bool {
    if (this.count == this.room) {
      const bytes = (<usize>max<u32>(this.room + (this.room >> 1), 4)) << 2;
      const wider = this.at == 0 ? tryAlloc(bytes) : tryRealloc(this.at, bytes);
      if (wider == 0) return false;
      this.at = wider;
      this.room = <u32>(usableSize(wider) >> 2);
    }
    const place = this.at + (i << 2);
    memory.copy(place + 4, place, (<usize>(this.count - i)) << 2);
    store<u32>(place, word);
    this.count += 1;
    return true;
  }
  remove(i: u32): void {
    const place = this.at + (i << 2);
    this.count -= 1;
    memory.copy(place, place + 4, (<usize>(this.count - i)) << 2);
  }
  release(): void {
    if (this.at != 0) free(this.at);
    this.at = 0;
    this.count = 0;
    this.room = 0;
  }
}

@unmanaged
export class Change {
  by: u64;
  order: u32;
  keyLen: u32;

  @inline key(): usize {
    return changetype<usize>(this) + offsetof<Change>();
  }
  /** By key; the last change of a key comes first. */
  before(other: Change): bool {
    const sign = stringCompare(this.key(), this.keyLen, other.key(), other.keyLen);
    return sign != 0 ? sign < 0 : this.order > other.order;
  }
}

@unmanaged
export class Prefix {
  clients: usize; // Words: where they lie, and so on with the next two fields
  clientCount: u32;
  clientRoom: u32;
  changes: usize; // Words
  changeCount: u32;
  changeRoom: u32;
  lost: u32;
  nameLen: u32;

  @inline name(): usize {
    return changetype<usize>(this) + offsetof<Prefix>();
  }
  @inline clientWords(): Words {
    return changetype<Words>(changetype<usize>(this) + offsetof<Prefix>('clients'));
  }
  @inline changeWords(): Words {
    return changetype<Words>(changetype<usize>(this) + offsetof<Prefix>('changes'));
  }
  before(other: Prefix): bool {
    return stringCompare(this.name(), this.nameLen, other.name(), other.nameLen) < 0;
  }

  // What the table asks.
  @inline keyEquals(key: usize, keyLen: u32): bool {
    return this.nameLen == keyLen && bytesEqual(this.name(), key, keyLen);
  }
  @inline keyHash(): u64 {
    return hashBytes(this.name(), this.nameLen);
  }
  @inline expires(): bool {
    return false;
  }
}

/** What a client answers for per prefix, besides the name: its own word and the prefix's. */
const PREFIX_SHARE_BYTES: u32 = 8;

const table: Dict = changetype<Dict>(memory.data(40, 8));
let ready: bool = false;
/** Lengths that prefixes have, and how many prefixes have each: pairs of words. */
const lengths: Words = changetype<Words>(memory.data(12, 8));
/** Prefixes with changes to send. */
const changed: Words = changetype<Words>(memory.data(12, 8));
/** No memory even for that: all prefixes are lost. */
let allLost: bool = false;
let nextOrder: u32 = 0;

/** Prefixes that any client has. */
export function prefixCount(): u32 {
  return ready ? table.keys : 0;
}

function findPrefix(name: usize, len: u32): usize {
  const slot = dictFind<Prefix>(table, name, len, hashBytes(name, len));
  return slot == 0 ? 0 : Slot.entry(slot);
}

// --- Joining and leaving ---

function tryCountLength(len: u32): bool {
  for (let i: u32 = 0; i < lengths.count; i += 2) {
    if (lengths.get(i) != len) continue;
    lengths.set(i + 1, lengths.get(i + 1) + 1);
    return true;
  }
  if (!lengths.tryInsert(lengths.count, len)) return false;
  if (lengths.tryInsert(lengths.count, 1)) return true;
  lengths.remove(lengths.count - 1);
  return false;
}

function uncountLength(len: u32): void {
  for (let i: u32 = 0; i < lengths.count; i += 2) {
    if (lengths.get(i) != len) continue;
    lengths.set(i + 1, lengths.get(i + 1) - 1);
    if (lengths.get(i + 1) == 0) {
      lengths.remove(i);
      lengths.remove(i);
    }
    return;
  }
}

function tryNewPrefix(name: usize, len: u32): usize {
  if (!ready) ready = tryDictInit(table);
  if (!ready) return 0;
  const ptr = tryAlloc(offsetof<Prefix>() + len);
  if (ptr == 0) return 0;
  memory.fill(ptr, 0, offsetof<Prefix>());
  const p = changetype<Prefix>(ptr);
  p.nameLen = len;
  copySmall(p.name(), name, len);
  if (tryCountLength(len)) {
    if (tryDictInsert<Prefix>(table, ptr, p.keyHash())) return ptr;
    uncountLength(len);
  }
  free(ptr);
  return 0;
}

function dropPrefix(p: Prefix): void {
  const ptr = changetype<usize>(p);
  const hash = p.keyHash();
  dictRemove(table, dictSlotOf(table, ptr, hash), hash);
  uncountLength(p.nameLen);
  for (let i: u32 = 0; i < changed.count; i++) {
    if (<usize>changed.get(i) == ptr) {
      changed.remove(i);
      break;
    }
  }
  forgetChanges(p);
  p.clientWords().release();
  free(ptr);
}

/** Where a name is, or would be, in a client's sorted prefixes. */
function placeIn(own: Words, name: usize, len: u32): u32 {
  let low: u32 = 0;
  let high = own.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    const p = changetype<Prefix>(<usize>own.get(middle));
    if (stringCompare(p.name(), p.nameLen, name, len) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Adds a prefix to a client's; nothing happens when it has it. False when memory is exhausted. */
export function tryJoinPrefix(c: Conn, own: Words, name: usize, len: u32): bool {
  const place = placeIn(own, name, len);
  let at: usize = ready ? findPrefix(name, len) : 0;
  if (at != 0 && place < own.count && <usize>own.get(place) == at) return true;
  if (at == 0) at = tryNewPrefix(name, len);
  if (at == 0) return false;
  const p = changetype<Prefix>(at);
  const clients = p.clientWords();
  if (clients.tryInsert(clients.count, <u32>changetype<usize>(c))) {
    if (own.tryInsert(place, <u32>at)) {
      c.ownedBytes += PREFIX_SHARE_BYTES + len;
      return true;
    }
    clients.remove(clients.count - 1);
  }
  if (clients.count == 0) dropPrefix(p);
  return false;
}

/** Takes a client away from all its prefixes. */
export function leavePrefixes(c: Conn, own: Words): void {
  for (let i: u32 = 0; i < own.count; i++) {
    const p = changetype<Prefix>(<usize>own.get(i));
    c.ownedBytes -= PREFIX_SHARE_BYTES + p.nameLen;
    const clients = p.clientWords();
    for (let k: u32 = 0; k < clients.count; k++) {
      if (<usize>clients.get(k) == changetype<usize>(c)) {
        clients.remove(k);
        break;
      }
    }
    if (clients.count == 0) dropPrefix(p);
  }
  own.release();
}

/** The first of a client's prefixes that overlaps with a name, or 0. */
export function overlappingPrefix(own: Words, name: usize, len: u32): usize {
  for (let i: u32 = 0; i < own.count; i++) {
    const p = changetype<Prefix>(<usize>own.get(i));
    if (bytesEqual(p.name(), name, min(p.nameLen, len))) return changetype<usize>(p);
  }
  return 0;
}

// --- Collecting changes ---

/** A key changed; `by` is the id of the client that did it, 0 when none did. */
export function noteChange(key: usize, keyLen: u32, by: u64): void {
  for (let i: u32 = 0; i < lengths.count; i += 2) {
    const len = lengths.get(i);
    if (len > keyLen) continue;
    const p = findPrefix(key, len);
    if (p != 0) noteIn(changetype<Prefix>(p), key, keyLen, by);
  }
}

/** Everything may have changed. */
export function noteAllLost(): void {
  allLost = true;
}

function noteIn(p: Prefix, key: usize, keyLen: u32, by: u64): void {
  if (p.changeCount == 0 && p.lost == 0 && !tryListChanged(p)) {
    allLost = true;
    return;
  }
  if (p.lost != 0) return;
  const ptr = tryAlloc(offsetof<Change>() + keyLen);
  if (ptr != 0) {
    const change = changetype<Change>(ptr);
    change.by = by;
    change.order = nextOrder;
    change.keyLen = keyLen;
    copySmall(change.key(), key, keyLen);
    nextOrder += 1;
    const changes = p.changeWords();
    if (changes.tryInsert(changes.count, <u32>ptr)) return;
    free(ptr);
  }
  forgetChanges(p);
  p.lost = 1;
}

function tryListChanged(p: Prefix): bool {
  return changed.tryInsert(changed.count, <u32>changetype<usize>(p));
}

export function forgetChanges(p: Prefix): void {
  const changes = p.changeWords();
  for (let i: u32 = 0; i < changes.count; i++) free(changes.get(i));
  changes.release();
}

/** Whether there is anything to send. */
export function changesPending(): bool {
  return changed.count != 0 || allLost;
}

/** Whether the changes of all prefixes got lost. */
export function allChangesLost(): bool {
  return allLost;
}

/** The prefixes with changes, sorted by name; `changesDone` must follow. */
export function changedPrefixes(): Words {
  sortAddresses<Prefix>(changed.at, changed.count);
  return changed;
}

/** Sorts the changes of a prefix by key and leaves one, the last, of each. */
export function settleChanges(p: Prefix): void {
  const changes = p.changeWords();
  sortAddresses<Change>(changes.at, changes.count);
  let kept: u32 = 0;
  for (let i: u32 = 0; i < changes.count; i++) {
    const at: usize = changes.get(i);
    const change = changetype<Change>(at);
    const last = changetype<Change>(<usize>(kept == 0 ? 0 : changes.get(kept - 1)));
    const isSame =
      kept != 0 &&
      last.keyLen == change.keyLen &&
      bytesEqual(last.key(), change.key(), change.keyLen);
    if (isSame) free(at);
    else {
      changes.set(kept, <u32>at);
      kept += 1;
    }
  }
  changes.count = kept;
}

/** All changes have been sent. */
export function changesDone(): void {
  for (let i: u32 = 0; i < changed.count; i++) {
    const p = changetype<Prefix>(<usize>changed.get(i));
    forgetChanges(p);
    p.lost = 0;
  }
  changed.release();
  allLost = false;
  nextOrder = 0;
}
