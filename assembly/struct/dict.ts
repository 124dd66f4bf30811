// Dict: a hash table of entry addresses, by linear hashing over cache-line buckets. Databases file
// their keys in one, large hashes, sets and sorted sets their members.
//
//   one bucket, 64 bytes, one cache line
//   0                    12        16                                              64
//   +--------------------+---------+-----------------------------------------------+
//   | 12 tags, u8        | meta u32| 12 entry addresses, u32                       |
//   +--------------------+---------+-----------------------------------------------+
//   tag   0: slot empty; else the top byte of the key's hash (1 stands for 0)
//   meta  bits 0..11: slot i holds an entry with an expiry; bit 12: chained, then slot 11 has tag 0
//         and its address is the next bucket of the chain
//
// All twelve tags are compared at once. A lookup reads the bucket's line, then the entry's.
//
// Linear hashing (W. Litwin, 1980): the table has n buckets, 2^L <= n < 2^(L+1). A key belongs to
// bucket h mod 2^(L+1), or h mod 2^L when that is not there yet. Growing by one splits bucket n - 2^L
// into itself and bucket n; shrinking undoes the last split. So the table is never twice in memory,
// no insert pays for more than one split, and the load stays even from the first key to the last
// (Redis rehashes into a second table of double the size).
//
//   directory: u32 per segment -> segment of 1,024 buckets = one page
//   below 1,024 buckets the only segment is a block that is reallocated from size class to size class
//
// SCAN orders keys by the bit-reversed hash. A bucket of depth d (d low bits fixed) holds one
// contiguous interval of that order, 2^(64-d) long; splits and merges refine or join intervals and
// never reorder them. A cursor is a position in the order, so a scan returns every key that is there
// throughout, whatever the resizes in between.
//
// The table neither allocates nor frees entries and knows nothing of their layout. What it has to
// ask, it asks a class E with the entry's address as `this`: does its key equal these bytes, what
// does its key hash to, has it an expiry. So the few functions that ask are compiled once per kind of
// entry, with the answers inlined.
//
// Expected O(1) for all but walks. A slot address is good until the next insert or delete in the same
// table; an entry's address is good until its owner moves or frees it.

import { free, goodSize, tryAlloc, tryRealloc, usableSize } from '../memory/alloc';
import { PAGE_BYTES } from '../memory/pages';
import { randomBelow } from '../util/prng';

export type BucketPtr = usize;
/** Address of a slot that holds an entry's address. */
export type SlotPtr = usize;

const BUCKET_BYTES: u32 = 64;
const BUCKET_SHIFT: u32 = 6;
export const BUCKET_SLOTS: u32 = 12;
const BUCKET_META: usize = 12;
const BUCKET_ENTRIES: usize = 16;
const META_CHAINED: u32 = 1 << 12;
const CHAIN_SLOT: u32 = 11;
const SLOT_MASK: u32 = 0xfff;

const SEGMENT_SHIFT: u32 = 10;
const SEGMENT_BUCKETS: u32 = 1 << SEGMENT_SHIFT;

/** A split is due above this many keys per bucket, a merge below SHRINK_LOAD. */
const GROW_LOAD: u64 = 7;
const SHRINK_LOAD: u64 = 2;

/**
 * Bytes of a table that one key answers for: its part of a bucket at the load the table keeps while
 * it grows. Room left by deleted keys is not divided among the others.
 */
export const DICT_SHARE_BYTES: u32 = (BUCKET_BYTES + <u32>GROW_LOAD / 2) / <u32>GROW_LOAD;

/** A table's header; it lies inside the header of whatever the table belongs to. */
@unmanaged
export class Dict {
  directory: usize; // u32 per segment
  directorySlots: u32;
  buckets: u32; // n
  levelMask: u32; // 2^L - 1
  segmentCapacity: u32; // buckets the first segment has room for, while it is the only one
  keys: u32;
  expires: u32; // entries with an expiry
  overflow: u32; // chained buckets
  chainMax: u32; // no chain has more buckets than this
}

export class Bucket {
  @inline static meta(b: BucketPtr): u32 {
    return load<u32>(b, BUCKET_META);
  }
  @inline static next(b: BucketPtr): BucketPtr {
    return Bucket.meta(b) & META_CHAINED
      ? <usize>load<u32>(b + BUCKET_ENTRIES + (CHAIN_SLOT << 2))
      : 0;
  }
  /** Bit i: slot i holds an entry. */
  @inline static occupied(b: BucketPtr): u32 {
    return ~i8x16.bitmask(i8x16.eq(v128.load(b), i8x16.splat(0))) & SLOT_MASK;
  }
  /** Bit i: slot i holds an entry with an expiry. */
  @inline static expiring(b: BucketPtr): u32 {
    return Bucket.meta(b) & SLOT_MASK;
  }
  @inline static entry(b: BucketPtr, slot: u32): usize {
    return load<u32>(b + BUCKET_ENTRIES + (slot << 2));
  }
  @inline static setEntry(b: BucketPtr, slot: u32, e: usize): void {
    store<u32>(b + BUCKET_ENTRIES + (slot << 2), <u32>e);
  }
  @inline static tag(b: BucketPtr, slot: u32): u32 {
    return load<u8>(b + slot);
  }
  @inline static matches(b: BucketPtr, tag: u32): u32 {
    return i8x16.bitmask(i8x16.eq(v128.load(b), i8x16.splat(<u8>tag))) & SLOT_MASK;
  }
  @inline static setMeta(b: BucketPtr, meta: u32): void {
    store<u32>(b, meta, BUCKET_META);
  }
  @inline static setExpiring(b: BucketPtr, slot: u32, expiring: bool): void {
    const meta = Bucket.meta(b) & ~(1 << slot);
    Bucket.setMeta(b, meta | ((<u32>expiring) << slot));
  }
  @inline static put(b: BucketPtr, slot: u32, e: usize, tag: u32, expiring: bool): void {
    store<u8>(b + slot, <u8>tag);
    Bucket.setEntry(b, slot, e);
    Bucket.setExpiring(b, slot, expiring);
  }
  @inline static clear(b: BucketPtr, slot: u32): void {
    store<u8>(b + slot, 0);
    Bucket.setExpiring(b, slot, false);
  }
  @inline static slotPtr(b: BucketPtr, slot: u32): SlotPtr {
    return b + BUCKET_ENTRIES + (slot << 2);
  }
}

/** What a slot's address tells: buckets lie at multiples of their size. */
export class Slot {
  @inline static entry(s: SlotPtr): usize {
    return load<u32>(s);
  }
  @inline static bucket(s: SlotPtr): BucketPtr {
    return s & ~(<usize>BUCKET_BYTES - 1);
  }
  @inline static index(s: SlotPtr): u32 {
    return (<u32>(s & (<usize>BUCKET_BYTES - 1)) - <u32>BUCKET_ENTRIES) >> 2;
  }
}

class Index {
  @inline static tag(hash: u64): u32 {
    return max(<u32>(hash >> 56), 1);
  }
  @inline static bucketAt(d: Dict, index: u32): BucketPtr {
    const segment = load<u32>(d.directory + ((index >> SEGMENT_SHIFT) << 2));
    return <usize>segment + ((index & (SEGMENT_BUCKETS - 1)) << BUCKET_SHIFT);
  }
  @inline static bucketOf(d: Dict, hash: u64): u32 {
    const wide = <u32>hash & ((d.levelMask << 1) | 1);
    return wide < d.buckets ? wide : <u32>hash & d.levelMask;
  }
  /** Number of hash bits that decide membership of bucket `index`. */
  @inline static depth(d: Dict, index: u32): u32 {
    const level: u32 = popcnt(d.levelMask);
    const size = d.levelMask + 1;
    // Buckets that were split this round, and their new halves, use one bit more.
    return index >= size || index < d.buckets - size ? level + 1 : level;
  }
}

// --- Lookup ---

/** The first bucket of the chain a hash belongs to, for touching its line ahead of execution. */
export function dictBucket(d: Dict, hash: u64): BucketPtr {
  return Index.bucketAt(d, Index.bucketOf(d, hash));
}

/** The entry most likely to hold the key (first tag match), or 0: a hint, no key is compared. */
export function dictHint(b: BucketPtr, hash: u64): usize {
  const match = Bucket.matches(b, Index.tag(hash));
  return match != 0 ? Bucket.entry(b, ctz(match)) : 0;
}

/** Which slots of a bucket may hold the key of a hash, by its tag: bit i for slot i. */
export function dictCandidates(b: BucketPtr, hash: u64): u32 {
  return Bucket.matches(b, Index.tag(hash));
}

/** The slot of a key's entry, or 0. */
export function dictFind<E>(d: Dict, key: usize, keyLen: u32, hash: u64): SlotPtr {
  let b = Index.bucketAt(d, Index.bucketOf(d, hash));
  const tag = Index.tag(hash);
  do {
    let match = Bucket.matches(b, tag);
    while (match != 0) {
      const slot: u32 = ctz(match);
      if (changetype<E>(Bucket.entry(b, slot)).keyEquals(key, keyLen)) {
        return Bucket.slotPtr(b, slot);
      }
      match &= match - 1;
    }
    b = Bucket.next(b);
  } while (b != 0);
  return 0;
}

/** The slot of an entry that is known to be in the table. */
export function dictSlotOf(d: Dict, e: usize, hash: u64): SlotPtr {
  let b = Index.bucketAt(d, Index.bucketOf(d, hash));
  const tag = Index.tag(hash);
  while (true) {
    for (let match = Bucket.matches(b, tag); match != 0; match &= match - 1) {
      const slot: u32 = ctz(match);
      if (Bucket.entry(b, slot) == e) return Bucket.slotPtr(b, slot);
    }
    b = Bucket.next(b);
    assert(b != 0);
  }
}

/** Stores an entry's new address, and whether it has an expiry now, in its slot. */
export function dictReplace(d: Dict, s: SlotPtr, e: usize, expiring: bool): void {
  store<u32>(s, <u32>e);
  const b = Slot.bucket(s);
  const bit: u32 = 1 << Slot.index(s);
  const meta = Bucket.meta(b);
  if (((meta & bit) != 0) == expiring) return;
  Bucket.setMeta(b, meta ^ bit);
  d.expires += expiring ? 1 : -1;
}

// --- Insertion ---

function tryNewBucket(): BucketPtr {
  const b = tryAlloc(BUCKET_BYTES);
  if (b != 0) memory.fill(b, 0, BUCKET_BYTES);
  return b;
}

/** Puts an entry into the first free slot of a chain, which is extended when full. */
function tryPlace(d: Dict, first: BucketPtr, e: usize, tag: u32, expiring: bool): bool {
  let b = first;
  let length: u32 = 1;
  while (true) {
    const chained = (Bucket.meta(b) & META_CHAINED) != 0;
    const empty = ~Bucket.occupied(b) & (chained ? SLOT_MASK >> 1 : SLOT_MASK);
    if (empty != 0) {
      Bucket.put(b, ctz(empty), e, tag, expiring);
      return true;
    }
    length += 1;
    if (chained) {
      b = Bucket.next(b);
      continue;
    }
    const more = tryNewBucket();
    if (more == 0) return false;
    // The entry in the slot that the link is going to take moves on.
    const meta = Bucket.meta(b);
    const displaced = Bucket.entry(b, CHAIN_SLOT);
    Bucket.put(more, 0, displaced, Bucket.tag(b, CHAIN_SLOT), ((meta >> CHAIN_SLOT) & 1) != 0);
    Bucket.clear(b, CHAIN_SLOT);
    Bucket.setMeta(b, Bucket.meta(b) | META_CHAINED);
    Bucket.setEntry(b, CHAIN_SLOT, more);
    d.overflow += 1;
    d.chainMax = max(d.chainMax, length);
    b = more;
  }
}

/**
 * Adds an entry whose key is known to be absent. Splits at most one bucket. False when memory is
 * exhausted; then the table is unchanged and the entry still belongs to the caller.
 */
export function tryDictInsert<E>(d: Dict, e: usize, hash: u64): bool {
  if (d.keys >= <u32>GROW_LOAD * d.buckets) trySplit<E>(d);
  const expiring: bool = changetype<E>(e).expires();
  const first = Index.bucketAt(d, Index.bucketOf(d, hash));
  if (!tryPlace(d, first, e, Index.tag(hash), expiring)) return false;
  d.keys += 1;
  if (expiring) d.expires += 1;
  return true;
}

// --- Growing and shrinking, one bucket at a time ---

/**
 * Gives an empty table the buckets that `keys` entries are going to need, so that filling it splits
 * none. Only a hint: without memory the table gets fewer.
 */
export function dictReserve(d: Dict, keys: u32): void {
  assert(d.keys == 0 && d.overflow == 0);
  const wanted = keys / <u32>GROW_LOAD + 1;
  const first = min(wanted, SEGMENT_BUCKETS);
  if (first > d.segmentCapacity) tryResizeSegment(d, first);
  while (d.buckets < wanted && tryReserveBucket(d, d.buckets)) countBucket(d);
}

/** Takes the bucket after the last one into the table. */
function countBucket(d: Dict): void {
  d.buckets += 1;
  if (d.buckets == (d.levelMask + 1) << 1) d.levelMask = (d.levelMask << 1) | 1;
}

/** Makes room for bucket number `index`, zeroed. */
function tryReserveBucket(d: Dict, index: u32): bool {
  if (index < SEGMENT_BUCKETS) {
    if (index >= d.segmentCapacity && !tryGrowSegment(d)) return false;
  } else if ((index & (SEGMENT_BUCKETS - 1)) == 0) {
    const slot = index >> SEGMENT_SHIFT;
    if (slot == d.directorySlots) {
      const wider = tryRealloc(d.directory, (<usize>(slot << 1)) << 2);
      if (wider == 0) return false;
      d.directory = wider;
      d.directorySlots = slot << 1;
    }
    const segment = tryAlloc(PAGE_BYTES);
    if (segment == 0) return false;
    store<u32>(d.directory + (slot << 2), <u32>segment);
  }
  memory.fill(Index.bucketAt(d, index), 0, BUCKET_BYTES);
  return true;
}

/** Gives the first segment the next larger block size, at least a quarter more in the long run. */
function tryGrowSegment(d: Dict): bool {
  return tryResizeSegment(d, d.segmentCapacity + 1);
}

function tryResizeSegment(d: Dict, buckets: u32): bool {
  const bytes = goodSize((<usize>buckets) << BUCKET_SHIFT);
  const moved = tryRealloc(load<u32>(d.directory), bytes);
  if (moved == 0) return false;
  store<u32>(d.directory, <u32>moved);
  d.segmentCapacity = <u32>(bytes >> BUCKET_SHIFT);
  return true;
}

/** True when `count` more buckets can be had; what follows then cannot fail half-way. */
function canExtendBy(count: u32): bool {
  let taken: BucketPtr = 0;
  let missing = count;
  while (missing > 0) {
    const b = tryAlloc(BUCKET_BYTES);
    if (b == 0) break;
    store<u32>(b, <u32>taken);
    taken = b;
    missing -= 1;
  }
  while (taken != 0) {
    const next: BucketPtr = load<u32>(taken);
    free(taken);
    taken = next;
  }
  return missing == 0;
}

/** Entries in a chain. */
function chainCount(first: BucketPtr): u32 {
  let count: u32 = 0;
  for (let b = first; b != 0; b = Bucket.next(b)) count += <u32>popcnt(Bucket.occupied(b));
  return count;
}

/** Splits the next bucket in turn. Without memory the table simply stays denser. */
function trySplit<E>(d: Dict): void {
  const target = d.buckets;
  const source = target - (d.levelMask + 1);
  const crowd = chainCount(Index.bucketAt(d, source));
  // One more than the entries can need: the directory may take a block of a bucket's size.
  if (crowd > BUCKET_SLOTS && !canExtendBy(crowd / CHAIN_SLOT + 1)) return;
  if (!tryReserveBucket(d, target)) return;
  const bit = <u64>(d.levelMask + 1);
  countBucket(d);
  const from = Index.bucketAt(d, source);
  const to = Index.bucketAt(d, target);
  for (let b = from; b != 0; b = Bucket.next(b)) {
    let rest = Bucket.occupied(b);
    while (rest != 0) {
      const slot: u32 = ctz(rest);
      rest &= rest - 1;
      const hash: u64 = changetype<E>(Bucket.entry(b, slot)).keyHash();
      if ((hash & bit) != 0) moveSlot(d, b, slot, to);
    }
  }
  compactChain(d, from);
}

/** Moves an entry to another chain; room is known to be. */
function moveSlot(d: Dict, b: BucketPtr, slot: u32, to: BucketPtr): void {
  const expiring = ((Bucket.meta(b) >> slot) & 1) != 0;
  const placed = tryPlace(d, to, Bucket.entry(b, slot), Bucket.tag(b, slot), expiring);
  assert(placed);
  Bucket.clear(b, slot);
}

/** Fills holes of a chain from its end and frees the overflow buckets that become empty. */
function compactChain(d: Dict, first: BucketPtr): void {
  while (Bucket.next(first) != 0) {
    let before = first;
    let last = Bucket.next(first);
    while (Bucket.next(last) != 0) {
      before = last;
      last = Bucket.next(last);
    }
    let rest = Bucket.occupied(last);
    while (rest != 0) {
      const b = bucketWithHole(first, last);
      if (b == 0) break;
      const slot: u32 = ctz(rest);
      rest &= rest - 1;
      const expiring = ((Bucket.meta(last) >> slot) & 1) != 0;
      const hole = ctz(~Bucket.occupied(b) & (SLOT_MASK >> 1));
      Bucket.put(b, hole, Bucket.entry(last, slot), Bucket.tag(last, slot), expiring);
      Bucket.clear(last, slot);
    }
    const left = Bucket.occupied(last);
    const lone = popcnt(left) == 1;
    if (left != 0 && !lone) return;
    // An only entry moves to the slot that the link to its bucket takes up.
    const slot: u32 = lone ? ctz(left) : 0;
    const e = lone ? Bucket.entry(last, slot) : 0;
    const tag = lone ? Bucket.tag(last, slot) : 0;
    const expiring = Bucket.expiring(last) != 0;
    free(last);
    d.overflow -= 1;
    if (d.overflow == 0) d.chainMax = 1;
    Bucket.setMeta(before, Bucket.meta(before) & ~META_CHAINED);
    Bucket.put(before, CHAIN_SLOT, e, tag, expiring);
  }
}

/** The first bucket of a chain before `last` that has a free slot, or 0. */
function bucketWithHole(first: BucketPtr, last: BucketPtr): BucketPtr {
  for (let b = first; b != last; b = Bucket.next(b)) {
    if ((~Bucket.occupied(b) & (SLOT_MASK >> 1)) != 0) return b;
  }
  return 0;
}

/** Joins the last bucket with the one it was split from. Returns false when there is but one. */
function tryMerge(d: Dict): bool {
  const last = d.buckets - 1;
  if (last == 0) return false;
  const half = last <= d.levelMask ? (d.levelMask + 1) >> 1 : d.levelMask + 1;
  const from = Index.bucketAt(d, last);
  const to = Index.bucketAt(d, last - half);
  const crowd = chainCount(from) + chainCount(to);
  if (crowd > BUCKET_SLOTS && !canExtendBy(crowd / CHAIN_SLOT)) return false;
  for (let b = from; b != 0; b = Bucket.next(b)) {
    for (let rest = Bucket.occupied(b); rest != 0; rest &= rest - 1) moveSlot(d, b, ctz(rest), to);
  }
  dropOverflow(d, from);
  d.buckets = last;
  if (last <= d.levelMask) d.levelMask >>= 1;
  if (last >= SEGMENT_BUCKETS) {
    if ((last & (SEGMENT_BUCKETS - 1)) == 0) {
      free(load<u32>(d.directory + ((last >> SEGMENT_SHIFT) << 2)));
    }
  } else if (last << 1 <= d.segmentCapacity) {
    // Without memory for the smaller block it stays as it is.
    tryResizeSegment(d, last + (last >> 2));
  }
  return true;
}

/** Does up to `steps` merges while the table is sparse. Returns true while more are due. */
export function dictShrink(d: Dict, steps: u32): bool {
  while (steps > 0) {
    if (<u64>d.keys >= SHRINK_LOAD * d.buckets || d.buckets == 1) return false;
    if (!tryMerge(d)) return false;
    steps -= 1;
  }
  return true;
}

// --- Deletion ---

/**
 * Takes the entry in a slot, whose key has that hash, out of the table; it now belongs to the caller.
 * The table shrinks by at most two buckets.
 */
export function dictRemove(d: Dict, s: SlotPtr, hash: u64): usize {
  const e = dictDetach(d, Slot.bucket(s), Slot.index(s));
  const first = Index.bucketAt(d, Index.bucketOf(d, hash));
  if (Bucket.next(first) != 0) compactChain(d, first);
  dictShrink(d, 2);
  return e;
}

/** As `dictRemove`, but nothing moves: for walks over buckets. `dictTidy` must follow. */
export function dictDetach(d: Dict, b: BucketPtr, slot: u32): usize {
  const e = Bucket.entry(b, slot);
  if (Bucket.expiring(b) & (1 << slot)) d.expires -= 1;
  Bucket.clear(b, slot);
  d.keys -= 1;
  return e;
}

/** Closes the holes that `dictDetach` left in a bucket's chain. */
export function dictTidy(d: Dict, first: BucketPtr): void {
  if (Bucket.next(first) != 0) compactChain(d, first);
}

// --- Walking ---

/** First bucket of the chain that the position `cursor` of the scan order falls into. */
export function dictScanBucket(d: Dict, cursor: u64): BucketPtr {
  return dictBucket(d, reverseBits(cursor));
}

/** The position behind that chain's interval; 0 when the order ends there. */
export function dictScanNext(d: Dict, cursor: u64): u64 {
  const index = Index.bucketOf(d, reverseBits(cursor));
  const depth = Index.depth(d, index);
  if (depth == 0) return 0;
  const step = (<u64>1) << (64 - depth);
  return (cursor & ~(step - 1)) + step;
}

/** Mirrors the 64 bits, so that a cursor printed for the client has few digits. */
export function reverseBits(x: u64): u64 {
  let v = x;
  v = ((v >> 1) & 0x5555555555555555) | ((v & 0x5555555555555555) << 1);
  v = ((v >> 2) & 0x3333333333333333) | ((v & 0x3333333333333333) << 2);
  v = ((v >> 4) & 0x0f0f0f0f0f0f0f0f) | ((v & 0x0f0f0f0f0f0f0f0f) << 4);
  return bswap<u64>(v);
}

/** Bucket `index` of 0..buckets-1, for sampling. */
export function dictBucketAt(d: Dict, index: u32): BucketPtr {
  return Index.bucketAt(d, index);
}

/**
 * A slot picked at random, all occupied ones equally likely; the table must not be empty.
 *
 * A random bucket alone would favour the keys of sparse chains. So a place in the chain is drawn as
 * well, out of as many as the longest chain has, and the draw is repeated until that place exists and
 * is taken: two to five times at the usual load. Every draw reads one line, and the next does not
 * depend on it.
 */
export function dictRandom(d: Dict): SlotPtr {
  const places = d.chainMax * BUCKET_SLOTS;
  while (true) {
    let b = Index.bucketAt(d, randomBelow(d.buckets));
    let place = randomBelow(places);
    while (place >= BUCKET_SLOTS && b != 0) {
      b = Bucket.next(b);
      place -= BUCKET_SLOTS;
    }
    if (b != 0 && Bucket.tag(b, place) != 0) return Bucket.slotPtr(b, place);
  }
}

// --- Life ---

/** An empty table of one bucket. False when memory is exhausted. */
export function tryDictInit(d: Dict): bool {
  d.directory = tryAlloc(4);
  if (d.directory == 0) return false;
  const segment = tryNewBucket();
  if (segment == 0) {
    free(d.directory);
    return false;
  }
  store<u32>(d.directory, <u32>segment);
  d.directorySlots = 1;
  d.buckets = 1;
  d.levelMask = 0;
  d.segmentCapacity = 1;
  d.keys = 0;
  d.expires = 0;
  d.overflow = 0;
  d.chainMax = 1;
  return true;
}

/**
 * Forgets the last bucket and whatever its slots refer to, which the caller has freed; nothing else
 * moves. False when there was only one: then the table itself is gone. Between calls the table can
 * only be walked by `dictBucketAt`, not searched.
 */
export function dictDropLast(d: Dict): bool {
  const last = d.buckets - 1;
  dropOverflow(d, Index.bucketAt(d, last));
  if (last == 0) {
    free(load<u32>(d.directory));
    free(d.directory);
    d.buckets = 0;
    return false;
  }
  if (last >= SEGMENT_BUCKETS && (last & (SEGMENT_BUCKETS - 1)) == 0) {
    free(load<u32>(d.directory + ((last >> SEGMENT_SHIFT) << 2)));
  }
  d.buckets = last;
  return true;
}

function dropOverflow(d: Dict, first: BucketPtr): void {
  let b = Bucket.next(first);
  while (b != 0) {
    const next = Bucket.next(b);
    free(b);
    d.overflow -= 1;
    b = next;
  }
}

/**
 * Makes a table empty whose last bucket is the first, and whose entries the caller has freed. Needs
 * no memory, so it cannot fail.
 */
export function dictClear(d: Dict): void {
  assert(d.buckets == 1);
  const first = Index.bucketAt(d, 0);
  dropOverflow(d, first);
  memory.fill(first, 0, BUCKET_BYTES);
  d.levelMask = 0;
  d.keys = 0;
  d.expires = 0;
  d.chainMax = 1;
  const small = d.segmentCapacity > 1 ? tryNewBucket() : 0;
  if (small == 0) return;
  free(first);
  store<u32>(d.directory, <u32>small);
  d.segmentCapacity = 1;
}

/** Bytes of directory, segments and overflow buckets. */
export function dictBytes(d: Dict): f64 {
  let bytes = <f64>usableSize(d.directory) + <f64>d.overflow * <f64>BUCKET_BYTES;
  if (d.buckets <= SEGMENT_BUCKETS) bytes += <f64>usableSize(load<u32>(d.directory));
  else bytes += <f64>((d.buckets + SEGMENT_BUCKETS - 1) >> SEGMENT_SHIFT) * <f64>PAGE_BYTES;
  return bytes;
}

// --- Verification ---

/** Walks everything and asserts the invariants; for tests. O(n). */
export function dictVerify<E>(d: Dict): void {
  const size = d.levelMask + 1;
  assert(popcnt(size) == 1 && d.buckets >= size && d.buckets < size << 1);
  assert(d.buckets > SEGMENT_BUCKETS || d.buckets <= d.segmentCapacity);
  let keys: u32 = 0;
  let expires: u32 = 0;
  let overflow: u32 = 0;
  for (let index: u32 = 0; index < d.buckets; index++) {
    const first = Index.bucketAt(d, index);
    let length: u32 = 0;
    for (let b = first; b != 0; b = Bucket.next(b)) {
      assert((b & (<usize>BUCKET_BYTES - 1)) == 0);
      length += 1;
      overflow += <u32>(b != first);
      if (Bucket.next(b) != 0) assert(Bucket.tag(b, CHAIN_SLOT) == 0);
      assert((Bucket.expiring(b) & ~Bucket.occupied(b)) == 0);
      for (let rest = Bucket.occupied(b); rest != 0; rest &= rest - 1) {
        const slot: u32 = ctz(rest);
        const e = changetype<E>(Bucket.entry(b, slot));
        const hash: u64 = e.keyHash();
        assert(Index.bucketOf(d, hash) == index && Index.tag(hash) == Bucket.tag(b, slot));
        assert((((Bucket.expiring(b) >> slot) & 1) != 0) == e.expires());
        keys += 1;
        expires += <u32>e.expires();
      }
    }
    assert(length <= d.chainMax);
  }
  assert(keys == d.keys && expires == d.expires && overflow == d.overflow);
}
