// Idempotent adding: what producers lately added to a stream, so that a message sent twice is added once.
//
//   Stream ──> Idmp ── producers by id ──> Producer ── iids by name ──> Iid
//                                          |                             |
//                                          +-- oldest ... newest ────────+  a list in order of arrival
//
// An iid (idempotent id) is forgotten `durationSeconds` after it came, and when its producer sent
// `maxSize` newer ones. Forgetting happens when the producer is looked at, and for all producers when
// somebody asks for the counters; a producer without iids goes.
//
// Finding and adding are O(log p + log n), p producers and n iids of one. The stream owns all of it.
//
// Differences from Redis: none a client could see; the tables there are hash tables.

import { free, tryAlloc, usableSize } from '../memory/alloc';
import {
  findNamed,
  firstNamed,
  Named,
  namedAt,
  namesVerify,
  removeNamed,
  seekNamed,
  tryNewNamed,
} from './name_tree';
import { Tree, treeNext } from './ordered_tree';
import { Stream } from './stream_nodes';

@unmanaged
export class Idmp {
  durationSeconds: u32;
  maxSize: u32; // iids of one producer
  producersRoot: usize; // producers by id: a Tree
  producersSize: u32;
  producersBytes: u64;
  blockBytes: u64; // of producers with their trees, and iids
  tracked: u64; // iids that are known now
  added: u64; // iids that ever came
  duplicates: u64; // messages that came again

  @inline producers(): Tree {
    return changetype<Tree>(changetype<usize>(this) + PRODUCERS_OFFSET);
  }
}

@unmanaged
class Producer extends Named {
  iidsRoot: usize; // a Tree
  iidsSize: u32;
  iidsBytes: u64;
  oldest: usize; // an Iid, 0 when there is none
  newest: usize;

  @inline iids(): Tree {
    return changetype<Tree>(changetype<usize>(this) + IIDS_OFFSET);
  }
}

/** An idempotent id and the entry it stands for. */
@unmanaged
export class Iid extends Named {
  next: usize; // the one that came after it, 0 for the newest
  unused: u32;
  timeMs: i64;
  ms: u64; // id of the entry
  seq: u64;
}

const PRODUCERS_OFFSET: usize = 8;
const IIDS_OFFSET: usize = 8;
const IDMP_BYTES: usize = 56;
const PRODUCER_BYTES: usize = 32;
const IID_BYTES: usize = 40;

/** What a stream knows of its producers, 0 when none ever sent anything. */
export function streamIdmp(s: Stream): usize {
  return s.idmp;
}

/** Sees to it that a stream can know producers. False when memory is exhausted. */
export function tryIdmpOpen(s: Stream, durationSeconds: u32, maxSize: u32): bool {
  if (offsetof<Idmp>() != 56 || offsetof<Producer>() != 32 || offsetof<Iid>() != 40) {
    ERROR('blocks of idempotent adding');
  }
  if (s.idmp != 0) return true;
  const block = tryAlloc(IDMP_BYTES);
  if (block == 0) return false;
  memory.fill(block, 0, IDMP_BYTES);
  const idmp = changetype<Idmp>(block);
  idmp.durationSeconds = durationSeconds;
  idmp.maxSize = maxSize;
  s.idmp = block;
  return true;
}

/** Changes how long and how many iids are remembered; a change forgets those that are. */
export function idmpConfigure(idmp: Idmp, durationSeconds: u32, maxSize: u32): void {
  if (idmp.durationSeconds == durationSeconds && idmp.maxSize == maxSize) return;
  idmp.durationSeconds = durationSeconds;
  idmp.maxSize = maxSize;
  idmpDrainStep(idmp, u32.MAX_VALUE);
}

/** The iid of a producer, or 0; what is too old is forgotten first. */
export function idmpFind(
  idmp: Idmp,
  pid: usize,
  pidLen: u32,
  iid: usize,
  iidLen: u32,
  nowMs: i64,
): usize {
  const producer = findNamed(idmp.producers(), pid, pidLen);
  if (producer == 0) return 0;
  const p = changetype<Producer>(producer);
  forgetOld(idmp, p, nowMs);
  if (p.oldest != 0) return findNamed(p.iids(), iid, iidLen);
  dropProducer(idmp, p);
  return 0;
}

/**
 * Adds an iid that `idmpFind` did not find, for the entry of an id. False when memory is exhausted; then
 * nothing changed. `idmpSettle` or `idmpTakeBack` must follow.
 */
export function tryIdmpAdd(
  idmp: Idmp,
  pid: usize,
  pidLen: u32,
  iid: usize,
  iidLen: u32,
  timeMs: i64,
  ms: u64,
  seq: u64,
): bool {
  let producer = findNamed(idmp.producers(), pid, pidLen);
  if (producer == 0) {
    producer = tryNewNamed(idmp.producers(), pid, pidLen, PRODUCER_BYTES);
    if (producer == 0) return false;
    idmp.blockBytes += <u64>usableSize(producer);
  }
  const p = changetype<Producer>(producer);
  const treeBytes = p.iidsBytes;
  const block = tryNewNamed(p.iids(), iid, iidLen, IID_BYTES);
  idmp.blockBytes += p.iidsBytes - treeBytes;
  if (block == 0) {
    if (p.oldest == 0) dropProducer(idmp, p);
    return false;
  }
  idmp.blockBytes += <u64>usableSize(block);
  idmp.tracked += 1;
  const added = changetype<Iid>(block);
  added.timeMs = timeMs;
  added.ms = ms;
  added.seq = seq;
  if (p.oldest == 0) p.oldest = block;
  else changetype<Iid>(p.newest).next = block;
  p.newest = block;
  return true;
}

/** The entry of the iid added last to a producer is there: forgets what is too much now. */
export function idmpSettle(idmp: Idmp, pid: usize, pidLen: u32): void {
  const p = changetype<Producer>(findNamed(idmp.producers(), pid, pidLen));
  idmp.added += 1;
  while (p.iidsSize > idmp.maxSize) forgetOldest(idmp, p);
}

/** Removes the iid added last to a producer: its entry could not be added. O(iids). */
export function idmpTakeBack(idmp: Idmp, pid: usize, pidLen: u32): void {
  const p = changetype<Producer>(findNamed(idmp.producers(), pid, pidLen));
  const last = p.newest;
  let before: usize = 0;
  for (let at = p.oldest; at != last; at = changetype<Iid>(at).next) before = at;
  if (before == 0) {
    forgetOldest(idmp, p);
    dropProducer(idmp, p);
    return;
  }
  changetype<Iid>(before).next = 0;
  p.newest = before;
  release(idmp, p, last);
}

/** Forgets what is too old of all producers. O(producers) beside that. */
export function idmpForgetOld(idmp: Idmp, nowMs: i64): void {
  const producers = idmp.producers();
  let at = firstNamed(producers);
  while (at != 0) {
    const p = changetype<Producer>(namedAt(at));
    forgetOld(idmp, p, nowMs);
    if (p.oldest != 0) {
      at = treeNext(at);
      continue;
    }
    unlinkProducer(idmp, p);
    at = seekNamed(producers, p.namePtr, p.nameLen);
    free(changetype<usize>(p));
  }
}

function forgetOld(idmp: Idmp, p: Producer, nowMs: i64): void {
  const firstKept = nowMs - <i64>idmp.durationSeconds * 1000;
  while (p.oldest != 0 && changetype<Iid>(p.oldest).timeMs < firstKept) forgetOldest(idmp, p);
}

function forgetOldest(idmp: Idmp, p: Producer): void {
  const block = p.oldest;
  p.oldest = changetype<Iid>(block).next;
  if (p.oldest == 0) p.newest = 0;
  release(idmp, p, block);
}

/** Frees an iid that is in the list of its producer no more. */
function release(idmp: Idmp, p: Producer, block: usize): void {
  const treeBytes = p.iidsBytes;
  removeNamed(p.iids(), block);
  idmp.blockBytes -= treeBytes - p.iidsBytes;
  idmp.blockBytes -= <u64>usableSize(block);
  idmp.tracked -= 1;
  free(block);
}

/** Takes a producer without iids out of the tree. */
function unlinkProducer(idmp: Idmp, p: Producer): void {
  assert(p.iidsSize == 0);
  const block = changetype<usize>(p);
  removeNamed(idmp.producers(), block);
  idmp.blockBytes -= <u64>usableSize(block);
}

/** Frees a producer without iids. */
function dropProducer(idmp: Idmp, p: Producer): void {
  unlinkProducer(idmp, p);
  free(changetype<usize>(p));
}

/** Frees about `budget` iids and producers; returns what is left of it, 0 while there may be more. */
export function idmpDrainStep(idmp: Idmp, budget: u32): u32 {
  let left = budget;
  while (left > 0 && idmp.producersSize != 0) {
    const p = changetype<Producer>(namedAt(firstNamed(idmp.producers())));
    for (; left > 0 && p.oldest != 0; left--) forgetOldest(idmp, p);
    if (left == 0) return 0;
    dropProducer(idmp, p);
    left -= 1;
  }
  return left;
}

/** Exact bytes of what a stream knows of its producers. */
export function idmpBytes(idmp: Idmp): u64 {
  return <u64>usableSize(changetype<usize>(idmp)) + idmp.producersBytes + idmp.blockBytes;
}

/** Gives a stream that knows no producers a copy of what another one knows. False: no memory. */
export function tryIdmpCopy(from: Stream, to: Stream): bool {
  if (from.idmp == 0) return true;
  const source = changetype<Idmp>(from.idmp);
  if (!tryIdmpOpen(to, source.durationSeconds, source.maxSize)) return false;
  const copy = changetype<Idmp>(to.idmp);
  for (let at = firstNamed(source.producers()); at != 0; at = treeNext(at)) {
    const p = changetype<Producer>(namedAt(at));
    for (let each = p.oldest; each != 0; each = changetype<Iid>(each).next) {
      const i = changetype<Iid>(each);
      const name = p.namePtr;
      const nameLen = p.nameLen;
      const good = tryIdmpAdd(copy, name, nameLen, i.namePtr, i.nameLen, i.timeMs, i.ms, i.seq);
      if (!good) return false;
    }
  }
  copy.added = source.added;
  copy.duplicates = source.duplicates;
  return true;
}

/** Walks everything and asserts the invariants; for tests. */
export function idmpVerify(idmp: Idmp): void {
  namesVerify(idmp.producers());
  let tracked: u64 = 0;
  let bytes: u64 = 0;
  for (let at = firstNamed(idmp.producers()); at != 0; at = treeNext(at)) {
    const p = changetype<Producer>(namedAt(at));
    namesVerify(p.iids());
    bytes += <u64>usableSize(changetype<usize>(p)) + p.iidsBytes;
    let count: u32 = 0;
    for (let each = p.oldest; each != 0; each = changetype<Iid>(each).next) {
      const i = changetype<Iid>(each);
      assert(findNamed(p.iids(), i.namePtr, i.nameLen) == each);
      assert(i.next != 0 || p.newest == each);
      bytes += <u64>usableSize(each);
      count += 1;
    }
    assert(count == p.iidsSize && count != 0);
    tracked += count;
  }
  assert(tracked == idmp.tracked && bytes == idmp.blockBytes);
}
