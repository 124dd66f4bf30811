// Consumer groups of a stream: who reads it, up to where, and what was delivered but not acknowledged.
//
//   Stream ── groups by name ──> StreamGroup ── consumers by name ──> StreamConsumer
//                                  |                                    |
//                                  +-- pending by id ──┐                +-- pending by id ──┐
//                                  |                   v                                    v
//                                  |                 Nack <─────────── the same block ──────+
//                                  +-- pending by time of delivery (only while somebody asks for it)
//
//   group, consumer   | fixed fields | name bytes |      Nack   | time | count | consumer |
//
// A pending entry (Redis: NACK) is one block, listed in its group and in the consumer that owns it. A
// consumer of 0 means that it was given back (XNACK) and belongs to nobody until it is claimed; its time
// of delivery then is negative and counts up, so that by time such entries are first, in their order. Names
// are ordered as bytes, a prefix first, as Redis lists them.
//
// The order by time of delivery, oldest first, serves XREADGROUP CLAIM. It costs 32 bytes for a pending
// entry, so it is built when it is first asked for. It is a cache: when memory does not suffice to
// keep it up to date it is dropped, and no change of a pending entry fails because of it.
//
// A lookup by name or id, and every change, is O(log n). Blocks never move: their addresses are good
// until the group, the consumer or the pending entry is removed.
//
// Bytes of a pending entry: 67 against 87 in Redis 7.0.15, of ten thousand of one consumer; 100 with
// the order by time.

import { free, tryAlloc, usableSize } from '../memory/alloc';
import {
  IdAt,
  idLeafAddress,
  idLeafCount,
  idTreeDropLeaf,
  idTreeFind,
  idTreeFirst,
  idTreeLastLeaf,
  idTreeRemove,
  idTreeVerify,
  tryIdTreeInsert,
} from './id_tree';
import {
  findNamed,
  firstNamed,
  lastNamed,
  Named,
  namedAt,
  namesVerify,
  removeNamed,
  tryNewNamed,
} from './name_tree';
import {
  Position,
  Tree,
  treeDropLastLeaf,
  treeFirst,
  treeFound,
  treeInit,
  treeLastLeaf,
  treeNext,
  treeRemove,
  treeSeek,
  treeVerify,
  tryTreeInsert,
} from './ordered_tree';
import { Stream, streamCompareId } from './stream_nodes';

export type GroupPtr = usize;
export type ConsumerPtr = usize;
export type NackPtr = usize;

/** `entriesRead` of a group that does not know how many entries it has read. */
export const ENTRIES_READ_UNKNOWN: i64 = -1;

@unmanaged
export class StreamGroup extends Named {
  pelRoot: usize; // pending entries by id: a Tree
  pelSize: u32;
  pelBytes: u64;
  consumersRoot: usize; // consumers by name: a Tree
  consumersSize: u32;
  consumersBytes: u64;
  timesRoot: usize; // pending entries by time of delivery: a Tree, if `timesKept`
  timesSize: u32;
  timesBytes: u64;
  lastMs: u64; // the last id delivered
  lastSeq: u64;
  entriesRead: i64; // entries delivered since the stream began, or ENTRIES_READ_UNKNOWN
  timesKept: bool;

  @inline pel(): Tree {
    return changetype<Tree>(changetype<usize>(this) + PEL_OFFSET);
  }
  @inline consumers(): Tree {
    return changetype<Tree>(changetype<usize>(this) + CONSUMERS_OFFSET);
  }
  @inline times(): Tree {
    return changetype<Tree>(changetype<usize>(this) + TIMES_OFFSET);
  }
}

@unmanaged
export class StreamConsumer extends Named {
  pelRoot: usize; // its pending entries by id: a Tree
  pelSize: u32;
  pelBytes: u64;
  seenTimeMs: i64; // when it last tried to read or claim
  activeTimeMs: i64; // when it last got something; -1: never

  @inline pel(): Tree {
    return changetype<Tree>(changetype<usize>(this) + PEL_OFFSET);
  }
}

/** A pending entry. */
@unmanaged
export class Nack {
  deliveryTimeMs: i64; // negative: it was given back, the sooner the less
  deliveryCount: u64;
  consumer: ConsumerPtr; // 0: nobody's

  /** When it was delivered; 0 when it was given back. */
  @inline timeMs(): i64 {
    return max<i64>(this.deliveryTimeMs, 0);
  }
  /** Milliseconds since then; more than any other when it was given back. */
  @inline idleMs(nowMs: i64): i64 {
    return this.deliveryTimeMs < 0 ? i64.MAX_VALUE : nowMs - this.deliveryTimeMs;
  }
}

const PEL_OFFSET: usize = 8;
const CONSUMERS_OFFSET: usize = 24;
const TIMES_OFFSET: usize = 40;
const GROUP_BYTES: usize = 84;
const CONSUMER_BYTES: usize = 40;
const NACK_BYTES: usize = 20;

// --- Groups ---

/** The group of a name, or 0. */
export function groupFind(s: Stream, name: usize, len: u32): GroupPtr {
  return findNamed(s.groups(), name, len);
}

/** The position of the first group, 0 when there is none: for `treeNext` and `namedAt`. */
export function groupFirst(s: Stream): u64 {
  return firstNamed(s.groups());
}

/** Adds a group of a name that is known to be absent; 0 when memory is exhausted. */
export function tryGroupCreate(
  s: Stream,
  name: usize,
  len: u32,
  lastMs: u64,
  lastSeq: u64,
  entriesRead: i64,
): GroupPtr {
  if (offsetof<StreamGroup>('timesRoot') != 40) ERROR('the trees of a group');
  if (offsetof<StreamGroup>() > 84) ERROR('a group has 84 bytes');
  if (offsetof<StreamConsumer>() != 40) ERROR('a consumer has 40 bytes');
  const block = tryNewNamed(s.groups(), name, len, GROUP_BYTES);
  if (block == 0) return 0;
  const g = changetype<StreamGroup>(block);
  g.lastMs = lastMs;
  g.lastSeq = lastSeq;
  g.entriesRead = entriesRead;
  return block;
}

/** Takes a group out of its stream. It lives on for `groupFreeStep`. */
export function groupDetach(s: Stream, group: GroupPtr): void {
  removeNamed(s.groups(), group);
}

/**
 * Frees about `budget` parts of a group that was taken out of its stream. True when it is gone; until
 * then call again, and nothing else.
 */
export function groupFreeStep(group: GroupPtr, budget: u32): bool {
  if (groupDrainStep(group, budget) == 0) return false;
  free(group);
  return true;
}

/**
 * Frees about `budget` parts of what a group holds, while nobody uses it any more. Returns what is left
 * of the budget: while that is 0 there may be more to free.
 */
export function groupDrainStep(group: GroupPtr, budget: u32): u32 {
  const g = changetype<StreamGroup>(group);
  let left = budget;
  while (left > 0 && treeLastLeaf<TimeEntry>(g.times()) != 0) {
    treeDropLastLeaf<TimeEntry>(g.times());
    left -= 1;
  }
  while (left > 0 && g.consumersSize != 0) {
    const consumer = namedAt(lastNamed(g.consumers()));
    const pel = changetype<StreamConsumer>(consumer).pel();
    for (; left > 0 && idTreeLastLeaf(pel) != 0; left--) idTreeDropLeaf(pel);
    if (left == 0) return 0;
    removeNamed(g.consumers(), consumer);
    free(consumer);
    left -= 1;
  }
  while (left > 0) {
    const leaf = idTreeLastLeaf(g.pel());
    if (leaf == 0) return left;
    const count = idLeafCount(leaf);
    for (let i: u32 = 0; i < count; i++) free(idLeafAddress(leaf, i));
    idTreeDropLeaf(g.pel());
    left -= min(left, count);
  }
  return 0;
}

/** Removes a group and all it holds at once. O(n). */
export function groupDelete(s: Stream, group: GroupPtr): void {
  groupDetach(s, group);
  const gone = groupFreeStep(group, u32.MAX_VALUE);
  assert(gone);
}

/** Exact bytes of a group: its block, trees, consumers and pending entries. O(consumers). */
export function groupBytes(group: GroupPtr): f64 {
  const g = changetype<StreamGroup>(group);
  let bytes = <f64>usableSize(group) + <f64>(g.pelBytes + g.consumersBytes + g.timesBytes);
  // Pending entries are all of one size.
  const first = idTreeFirst(g.pel());
  if (first != 0) bytes += <f64>g.pelSize * <f64>usableSize(IdAt.address(first));
  for (let at = firstNamed(g.consumers()); at != 0; at = treeNext(at)) {
    const consumer = namedAt(at);
    bytes += <f64>usableSize(consumer) + <f64>changetype<StreamConsumer>(consumer).pelBytes;
  }
  return bytes;
}

// --- Consumers ---

/** The consumer of a name, or 0. */
export function consumerFind(g: StreamGroup, name: usize, len: u32): ConsumerPtr {
  return findNamed(g.consumers(), name, len);
}

/** Adds a consumer of a name that is known to be absent; 0 when memory is exhausted. */
export function tryConsumerCreate(
  g: StreamGroup,
  name: usize,
  len: u32,
  seenTimeMs: i64,
): ConsumerPtr {
  const block = tryNewNamed(g.consumers(), name, len, CONSUMER_BYTES);
  if (block == 0) return 0;
  const c = changetype<StreamConsumer>(block);
  c.seenTimeMs = seenTimeMs;
  c.activeTimeMs = -1;
  return block;
}

/** Removes a consumer and its pending entries. O(p log n). */
export function consumerDelete(g: StreamGroup, consumer: ConsumerPtr): void {
  const c = changetype<StreamConsumer>(consumer);
  while (c.pelSize != 0) {
    const at = idTreeFirst(c.pel());
    nackRemove(g, IdAt.address(at), IdAt.ms(at), IdAt.seq(at));
  }
  removeNamed(g.consumers(), consumer);
  free(consumer);
}

// --- Pending entries ---

/** The pending entry of an id, or 0. */
export function nackFind(g: StreamGroup, ms: u64, seq: u64): NackPtr {
  const at = idTreeFind(g.pel(), ms, seq);
  return at != 0 ? IdAt.address(at) : 0;
}

/**
 * Makes an id pending that is not yet, for a consumer or (0) for nobody. Returns the entry, 0 when
 * memory is exhausted; then nothing changed.
 */
export function tryNackCreate(
  g: StreamGroup,
  ms: u64,
  seq: u64,
  consumer: ConsumerPtr,
  deliveryTimeMs: i64,
  deliveryCount: u64,
): NackPtr {
  const block = tryAlloc(NACK_BYTES);
  if (block == 0) return 0;
  // Those given back from now on come after one that is copied or loaded.
  if (deliveryTimeMs < 0) givenBack = max(givenBack, deliveryTimeMs);
  const nack = changetype<Nack>(block);
  nack.deliveryTimeMs = deliveryTimeMs;
  nack.deliveryCount = deliveryCount;
  nack.consumer = consumer;
  if (!tryIdTreeInsert(g.pel(), ms, seq, block)) {
    free(block);
    return 0;
  }
  if (consumer != 0) {
    if (!tryIdTreeInsert(changetype<StreamConsumer>(consumer).pel(), ms, seq, block)) {
      idTreeRemove(g.pel(), ms, seq);
      free(block);
      return 0;
    }
  }
  addTime(g, nack, ms, seq);
  return block;
}

/**
 * Gives a pending entry to a consumer, or (0) to nobody. False when memory is exhausted; then nothing
 * changed.
 */
export function tryNackAssign(nack: NackPtr, ms: u64, seq: u64, consumer: ConsumerPtr): bool {
  const n = changetype<Nack>(nack);
  const old = n.consumer;
  if (old == consumer) return true;
  if (consumer != 0) {
    const pel = changetype<StreamConsumer>(consumer).pel();
    if (!tryIdTreeInsert(pel, ms, seq, nack)) return false;
  }
  if (old != 0) idTreeRemove(changetype<StreamConsumer>(old).pel(), ms, seq);
  n.consumer = consumer;
  if (consumer == 0) hadUnowned = true;
  return true;
}

/** Notes when and how often a pending entry was delivered. */
export function nackSetDelivery(
  g: StreamGroup,
  nack: NackPtr,
  ms: u64,
  seq: u64,
  timeMs: i64,
  count: u64,
): void {
  const n = changetype<Nack>(nack);
  n.deliveryCount = count;
  if (n.deliveryTimeMs == timeMs) return;
  removeTime(g, n, ms, seq);
  n.deliveryTimeMs = timeMs;
  addTime(g, n, ms, seq);
}

/** Pending entries may belong to nobody, here or there: one at least did at some time. */
export let hadUnowned: bool = false;

let givenBack: i64 = i64.MIN_VALUE;

/**
 * Gives a pending entry back to the group: it belongs to nobody, and is the first to be claimed behind
 * those given back before it.
 */
export function nackGiveBack(
  g: StreamGroup,
  nack: NackPtr,
  ms: u64,
  seq: u64,
  deliveryCount: u64,
): void {
  tryNackAssign(nack, ms, seq, 0);
  nackSetDelivery(g, nack, ms, seq, nextGivenBack(), deliveryCount);
}

/** The time of delivery for a pending entry that is made as if it had been given back. */
export function nextGivenBack(): i64 {
  givenBack += 1;
  return givenBack;
}

/**
 * What reading an entry does: makes its id pending for the consumer, delivered now for the first time,
 * also if it was pending for another one. Returns the entry, 0 when memory is exhausted; then nothing
 * changed.
 */
export function tryNackDeliver(
  g: StreamGroup,
  ms: u64,
  seq: u64,
  consumer: ConsumerPtr,
  nowMs: i64,
): NackPtr {
  const nack = nackFind(g, ms, seq);
  if (nack == 0) return tryNackCreate(g, ms, seq, consumer, nowMs, 1);
  if (!tryNackAssign(nack, ms, seq, consumer)) return 0;
  nackSetDelivery(g, nack, ms, seq, nowMs, 1);
  return nack;
}

/** Removes a pending entry: it was acknowledged, or is no more. */
export function nackRemove(g: StreamGroup, nack: NackPtr, ms: u64, seq: u64): void {
  const n = changetype<Nack>(nack);
  idTreeRemove(g.pel(), ms, seq);
  if (n.consumer != 0) idTreeRemove(changetype<StreamConsumer>(n.consumer).pel(), ms, seq);
  removeTime(g, n, ms, seq);
  free(nack);
}

/**
 * Whether a group has yet to read an entry, or to acknowledge it: such entries stay where only
 * acknowledged ones may be deleted. O(groups).
 */
export function streamIsReferenced(s: Stream, ms: u64, seq: u64): bool {
  for (let at = groupFirst(s); at != 0; at = treeNext(at)) {
    const g = changetype<StreamGroup>(namedAt(at));
    if (streamCompareId(ms, seq, g.lastMs, g.lastSeq) > 0 || nackFind(g, ms, seq) != 0) return true;
  }
  return false;
}

/** Removes an id from the pending entries of all groups and returns from how many. O(groups). */
export function streamDropReferences(s: Stream, ms: u64, seq: u64): u32 {
  let dropped: u32 = 0;
  for (let at = groupFirst(s); at != 0; at = treeNext(at)) {
    const g = changetype<StreamGroup>(namedAt(at));
    const nack = nackFind(g, ms, seq);
    if (nack == 0) continue;
    nackRemove(g, nack, ms, seq);
    dropped += 1;
  }
  return dropped;
}

// --- By time of delivery ---

let wantedTimeMs: i64 = 0;
let wantedMs: u64 = 0;
let wantedSeq: u64 = 0;

/** An entry of the order by time of delivery. */
@unmanaged
class TimeEntry {
  timeMs: i64;
  ms: u64;
  seq: u64;
  nack: u32;

  @inline keyBytes(): u32 {
    return 24;
  }
  @inline before(): bool {
    const time = this.timeMs;
    if (time != wantedTimeMs) return time < wantedTimeMs;
    const ms = this.ms;
    return ms != wantedMs ? ms < wantedMs : this.seq < wantedSeq;
  }
  lookFor(): void {
    wantedTimeMs = this.timeMs;
    wantedMs = this.ms;
    wantedSeq = this.seq;
  }
}

const timeBuffer: usize = memory.data(32, 8);

/** The pending entry at a position of a group's order by time. */
export class TimeAt {
  @inline static ms(position: u64): u64 {
    return load<u64>(Position.entry<TimeEntry>(position), 8);
  }
  @inline static seq(position: u64): u64 {
    return load<u64>(Position.entry<TimeEntry>(position), 16);
  }
  @inline static nack(position: u64): NackPtr {
    return load<u32>(Position.entry<TimeEntry>(position), 24);
  }
}

/**
 * Sees to it that a group keeps its pending entries by time of delivery. O(n log n) when it does not
 * yet. False when memory is exhausted.
 */
export function tryKeepTimes(g: StreamGroup): bool {
  if (g.timesKept) return true;
  g.timesKept = true;
  for (let at = idTreeFirst(g.pel()); at != 0 && g.timesKept; at = treeNext(at)) {
    addTime(g, changetype<Nack>(IdAt.address(at)), IdAt.ms(at), IdAt.seq(at));
  }
  return g.timesKept;
}

/** The position of the pending entry delivered longest ago, 0 when there is none; `treeNext` goes on. */
export function groupOldest(g: StreamGroup): u64 {
  assert(g.timesKept);
  return treeFirst<TimeEntry>(g.times());
}

function seekTime(g: StreamGroup, n: Nack, ms: u64, seq: u64): void {
  wantedTimeMs = n.deliveryTimeMs;
  wantedMs = ms;
  wantedSeq = seq;
  treeSeek<TimeEntry>(g.times());
}

/** Files a pending entry; without memory the order is given up. */
function addTime(g: StreamGroup, n: Nack, ms: u64, seq: u64): void {
  if (!g.timesKept) return;
  seekTime(g, n, ms, seq);
  store<i64>(timeBuffer, n.deliveryTimeMs);
  store<u64>(timeBuffer, ms, 8);
  store<u64>(timeBuffer, seq, 16);
  store<u32>(timeBuffer, <u32>changetype<usize>(n), 24);
  if (!tryTreeInsert<TimeEntry>(g.times(), timeBuffer)) dropTimes(g);
}

function removeTime(g: StreamGroup, n: Nack, ms: u64, seq: u64): void {
  if (!g.timesKept) return;
  seekTime(g, n, ms, seq);
  const at = treeFound<TimeEntry>();
  assert(at != 0 && TimeAt.nack(at) == changetype<usize>(n));
  treeRemove<TimeEntry>(g.times(), 1);
}

/** Gives the order by time up. O(n / 17). */
function dropTimes(g: StreamGroup): void {
  while (treeLastLeaf<TimeEntry>(g.times()) != 0) treeDropLastLeaf<TimeEntry>(g.times());
  treeInit(g.times());
  g.timesKept = false;
}

// --- How far a group has read ---

/**
 * How many entries were ever added up to an id, that one included; ENTRIES_READ_UNKNOWN where entries
 * were deleted in between or the id is of the future.
 */
export function streamDistance(s: Stream, ms: u64, seq: u64): i64 {
  if (s.entriesAdded == 0) return 0;
  const last = streamCompareId(ms, seq, s.lastMs, s.lastSeq);
  if (last == 0 || (last < 0 && s.length == 0)) return s.entriesAdded;
  if (last > 0) return ENTRIES_READ_UNKNOWN;
  const noneDeleted = s.maxDeletedMs == 0 && s.maxDeletedSeq == 0;
  const deleted = streamCompareId(s.maxDeletedMs, s.maxDeletedSeq, s.firstMs, s.firstSeq);
  if (noneDeleted || deleted < 0) {
    const first = streamCompareId(ms, seq, s.firstMs, s.firstSeq);
    if (first < 0) return s.entriesAdded - s.length;
    if (first == 0) return s.entriesAdded - s.length + 1;
  }
  return ENTRIES_READ_UNKNOWN;
}

/** Whether an entry from an id on, which is not above the last one, may have been deleted. */
function hasTombstonesFrom(s: Stream, ms: u64, seq: u64): bool {
  if (s.length == 0 || (s.maxDeletedMs == 0 && s.maxDeletedSeq == 0)) return false;
  if (streamCompareId(s.firstMs, s.firstSeq, s.maxDeletedMs, s.maxDeletedSeq) > 0) return false;
  return streamCompareId(ms, seq, s.maxDeletedMs, s.maxDeletedSeq) <= 0;
}

/** Moves a group on to an entry it was just given, if that is ahead of its last id. */
export function groupAdvance(s: Stream, g: StreamGroup, ms: u64, seq: u64): bool {
  if (streamCompareId(ms, seq, g.lastMs, g.lastSeq) <= 0) return false;
  if (g.entriesRead != ENTRIES_READ_UNKNOWN && !hasTombstonesFrom(s, ms, seq)) g.entriesRead += 1;
  else if (s.entriesAdded != 0) g.entriesRead = streamDistance(s, ms, seq);
  g.lastMs = ms;
  g.lastSeq = seq;
  return true;
}

/** The entries a group has yet to read, as the last `groupLag` found. */
export let lag: i64 = 0;

/** Computes `lag`; false when it is not known. */
export function groupLag(s: Stream, g: StreamGroup): bool {
  lag = 0;
  if (s.entriesAdded == 0) return true;
  let read = g.entriesRead;
  if (read == ENTRIES_READ_UNKNOWN || hasTombstonesFrom(s, g.lastMs, g.lastSeq)) {
    read = streamDistance(s, g.lastMs, g.lastSeq);
    if (read == ENTRIES_READ_UNKNOWN) return false;
  }
  lag = <i64>s.entriesAdded - read;
  return true;
}

// --- Verification ---

/** Walks a group and asserts the invariants; for tests. */
export function groupVerify(group: GroupPtr): void {
  const g = changetype<StreamGroup>(group);
  idTreeVerify(g.pel());
  namesVerify(g.consumers());
  treeVerify<TimeEntry>(g.times());
  assert(g.timesKept ? g.timesSize == g.pelSize : g.timesSize == 0);
  let owned: u32 = 0;
  for (let at = firstNamed(g.consumers()); at != 0; at = treeNext(at)) {
    const consumer = namedAt(at);
    const c = changetype<StreamConsumer>(consumer);
    idTreeVerify(c.pel());
    owned += c.pelSize;
    for (let own = idTreeFirst(c.pel()); own != 0; own = treeNext(own)) {
      assert(nackFind(g, IdAt.ms(own), IdAt.seq(own)) == IdAt.address(own));
      assert(changetype<Nack>(IdAt.address(own)).consumer == consumer);
    }
  }
  for (let at = idTreeFirst(g.pel()); at != 0; at = treeNext(at)) {
    const n = changetype<Nack>(IdAt.address(at));
    if (n.consumer == 0) owned += 1;
    if (!g.timesKept) continue;
    seekTime(g, n, IdAt.ms(at), IdAt.seq(at));
    const time = treeFound<TimeEntry>();
    assert(time != 0 && TimeAt.nack(time) == IdAt.address(at));
  }
  assert(owned == g.pelSize);
}
