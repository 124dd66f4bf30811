// Key table: the hash table of one database, by linear hashing over cache-line buckets.
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
//   below 1,024 buckets the only segment is a block of 2^k buckets that is reallocated
//
// SCAN orders keys by the bit-reversed hash. A bucket of depth d (d low bits fixed) holds one
// contiguous interval of that order, 2^(64-d) long; splits and merges refine or join intervals and
// never reorder them. A cursor is a position in the order, so a scan returns every key that is there
// throughout, whatever the resizes in between.
//
// Entry addresses are only stable until the next insert or delete in the same table.

import { free, tryAlloc, tryRealloc, usableSize } from '../memory/alloc';
import { PAGE_BYTES } from '../memory/pages';
import { randomBelow } from '../util/prng';
import { hashBytes } from '../util/siphash';
import { Entry, EntryPtr, entryKeyEquals } from './entry';

export type BucketPtr = usize;

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

/** One database's table; lives inside its Db record. All fields are zero before `tableInit`. */
@unmanaged
export class KeyTable {
  directory: usize; // u32 per segment
  directorySlots: u32;
  buckets: u32; // n
  levelMask: u32; // 2^L - 1
  segmentCapacity: u32; // buckets the first segment has room for, while it is the only one
  keys: u32;
  expires: u32; // entries with an expiry
  overflow: u32; // chained buckets
  reserved: u32;
}

/** Address of the slot that the last successful `tableFind` hit; dead after any insert or delete. */
export let foundSlot: usize = 0;
/** The bucket that slot is in. */
export let foundBucket: BucketPtr = 0;

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
  @inline static entry(b: BucketPtr, slot: u32): EntryPtr {
    return load<u32>(b + BUCKET_ENTRIES + (slot << 2));
  }
  @inline static setEntry(b: BucketPtr, slot: u32, e: EntryPtr): void {
    store<u32>(b + BUCKET_ENTRIES + (slot << 2), <u32>e);
  }
  @inline static matches(b: BucketPtr, tag: u32): u32 {
    return i8x16.bitmask(i8x16.eq(v128.load(b), i8x16.splat(<u8>tag))) & SLOT_MASK;
  }
  @inline static setMeta(b: BucketPtr, meta: u32): void {
    store<u32>(b, meta, BUCKET_META);
  }
}

class Index {
  @inline static tag(hash: u64): u32 {
    return max(<u32>(hash >> 56), 1);
  }
  @inline static bucketAt(t: KeyTable, index: u32): BucketPtr {
    const segment = load<u32>(t.directory + ((index >> SEGMENT_SHIFT) << 2));
    return <usize>segment + ((index & (SEGMENT_BUCKETS - 1)) << BUCKET_SHIFT);
  }
  @inline static bucketOf(t: KeyTable, hash: u64): u32 {
    const wide = <u32>hash & ((t.levelMask << 1) | 1);
    return wide < t.buckets ? wide : <u32>hash & t.levelMask;
  }
  /** Number of hash bits that decide membership of bucket `index`. */
  @inline static depth(t: KeyTable, index: u32): u32 {
    const level: u32 = popcnt(t.levelMask);
    const size = t.levelMask + 1;
    // Buckets that were split this round, and their new halves, use one bit more.
    return index >= size || index < t.buckets - size ? level + 1 : level;
  }
}

// --- Lookup ---

/** The first bucket of the chain a hash belongs to, for touching its line ahead of execution. */
export function tableBucket(t: KeyTable, hash: u64): BucketPtr {
  return Index.bucketAt(t, Index.bucketOf(t, hash));
}

/** The entry most likely to hold the key (first tag match), or 0: a hint, no key is compared. */
export function bucketHint(b: BucketPtr, hash: u64): EntryPtr {
  const match = Bucket.matches(b, Index.tag(hash));
  return match != 0 ? Bucket.entry(b, ctz(match)) : 0;
}

/** The entry of a key or 0. Sets `foundSlot` and `foundBucket` when found. Expected O(1). */
export function tableFind(t: KeyTable, key: usize, keyLen: u32, hash: u64): EntryPtr {
  let b = Index.bucketAt(t, Index.bucketOf(t, hash));
  const tag = Index.tag(hash);
  do {
    let match = Bucket.matches(b, tag);
    while (match != 0) {
      const slot: u32 = ctz(match);
      const e = Bucket.entry(b, slot);
      if (entryKeyEquals(e, key, keyLen)) {
        foundSlot = b + BUCKET_ENTRIES + (slot << 2);
        foundBucket = b;
        return e;
      }
      match &= match - 1;
    }
    b = Bucket.next(b);
  } while (b != 0);
  return 0;
}

/** Stores the entry's new address in the slot found last, and its expiry bit. */
export function tableReplaceFound(t: KeyTable, e: EntryPtr): void {
  store<u32>(foundSlot, <u32>e);
  const bit: u32 = 1 << (<u32>(foundSlot - foundBucket - BUCKET_ENTRIES) >> 2);
  const meta = Bucket.meta(foundBucket);
  const had = (meta & bit) != 0;
  const has = Entry.hasExpire(e);
  if (had == has) return;
  Bucket.setMeta(foundBucket, has ? meta | bit : meta & ~bit);
  t.expires += has ? 1 : -1;
}

// --- Insertion ---

function tryNewBucket(): BucketPtr {
  const b = tryAlloc(BUCKET_BYTES);
  if (b != 0) memory.fill(b, 0, BUCKET_BYTES);
  return b;
}

/** Puts an entry into the first free slot of a chain, which is extended when full. */
function tryPlace(t: KeyTable, first: BucketPtr, e: EntryPtr, tag: u32): bool {
  let b = first;
  while (true) {
    const meta = Bucket.meta(b);
    const chained = (meta & META_CHAINED) != 0;
    const empty = ~Bucket.occupied(b) & (chained ? SLOT_MASK >> 1 : SLOT_MASK);
    if (empty != 0) {
      putSlot(b, ctz(empty), e, tag);
      return true;
    }
    if (chained) {
      b = Bucket.next(b);
      continue;
    }
    const more = tryNewBucket();
    if (more == 0) return false;
    const displaced = Bucket.entry(b, CHAIN_SLOT);
    putSlot(more, 0, displaced, load<u8>(b + CHAIN_SLOT));
    store<u8>(b + CHAIN_SLOT, 0);
    Bucket.setMeta(b, (Bucket.meta(b) & (SLOT_MASK >> 1)) | META_CHAINED);
    Bucket.setEntry(b, CHAIN_SLOT, more);
    t.overflow += 1;
    b = more;
  }
}

function putSlot(b: BucketPtr, slot: u32, e: EntryPtr, tag: u32): void {
  store<u8>(b + slot, <u8>tag);
  Bucket.setEntry(b, slot, e);
  if (Entry.hasExpire(e)) Bucket.setMeta(b, Bucket.meta(b) | (1 << slot));
}

/**
 * Adds an entry whose key is known to be absent. Splits at most one bucket. False when memory is
 * exhausted; then the table is unchanged and the entry still belongs to the caller.
 */
export function tryTableInsert(t: KeyTable, e: EntryPtr, hash: u64): bool {
  if (t.keys >= <u32>GROW_LOAD * t.buckets) trySplit(t);
  if (!tryPlace(t, Index.bucketAt(t, Index.bucketOf(t, hash)), e, Index.tag(hash))) return false;
  t.keys += 1;
  if (Entry.hasExpire(e)) t.expires += 1;
  return true;
}

// --- Growing and shrinking, one bucket at a time ---

/** Makes room for bucket number `index`, zeroed. */
function tryReserveBucket(t: KeyTable, index: u32): bool {
  if (index < SEGMENT_BUCKETS) {
    if (index < t.segmentCapacity) {
      memory.fill(Index.bucketAt(t, index), 0, BUCKET_BYTES);
      return true;
    }
    const wanted = t.segmentCapacity << 1;
    const moved =
      wanted == SEGMENT_BUCKETS ? tryAlloc(PAGE_BYTES) : tryAlloc((<usize>wanted) << BUCKET_SHIFT);
    if (moved == 0) return false;
    const old: usize = load<u32>(t.directory);
    memory.copy(moved, old, (<usize>t.segmentCapacity) << BUCKET_SHIFT);
    free(old);
    store<u32>(t.directory, <u32>moved);
    t.segmentCapacity = wanted;
    memory.fill(Index.bucketAt(t, index), 0, BUCKET_BYTES);
    return true;
  }
  if ((index & (SEGMENT_BUCKETS - 1)) == 0) {
    const slot = index >> SEGMENT_SHIFT;
    if (slot == t.directorySlots) {
      const wider = tryRealloc(t.directory, (<usize>(slot << 1)) << 2);
      if (wider == 0) return false;
      t.directory = wider;
      t.directorySlots = slot << 1;
    }
    const segment = tryAlloc(PAGE_BYTES);
    if (segment == 0) return false;
    store<u32>(t.directory + (slot << 2), <u32>segment);
  }
  memory.fill(Index.bucketAt(t, index), 0, BUCKET_BYTES);
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
function trySplit(t: KeyTable): void {
  const target = t.buckets;
  const source = target - (t.levelMask + 1);
  const crowd = chainCount(Index.bucketAt(t, source));
  // One more than the entries can need: the directory may take a block of a bucket's size.
  if (crowd > BUCKET_SLOTS && !canExtendBy(crowd / CHAIN_SLOT + 1)) return;
  if (!tryReserveBucket(t, target)) return;
  const bit = <u64>(t.levelMask + 1);
  t.buckets = target + 1;
  if (t.buckets == (t.levelMask + 1) << 1) t.levelMask = (t.levelMask << 1) | 1;
  const from = Index.bucketAt(t, source);
  moveChain(t, from, Index.bucketAt(t, target), bit);
}

/** Moves the entries whose hash has `bit` set (all when 0) to another chain; room is known to be. */
function moveChain(t: KeyTable, from: BucketPtr, to: BucketPtr, bit: u64): void {
  for (let b = from; b != 0; b = Bucket.next(b)) {
    let rest = Bucket.occupied(b);
    while (rest != 0) {
      const slot: u32 = ctz(rest);
      rest &= rest - 1;
      const e = Bucket.entry(b, slot);
      if (bit != 0 && (hashBytes(Entry.key(e), Entry.keyLen(e)) & bit) == 0) continue;
      const placed = tryPlace(t, to, e, load<u8>(b + slot));
      assert(placed);
      store<u8>(b + slot, 0);
      Bucket.setMeta(b, Bucket.meta(b) & ~(1 << slot));
    }
  }
  compactChain(t, from);
}

/** Fills holes of a chain from its end and frees the overflow buckets that become empty. */
function compactChain(t: KeyTable, first: BucketPtr): void {
  while (Bucket.next(first) != 0) {
    let before = first;
    let last = Bucket.next(first);
    while (Bucket.next(last) != 0) {
      before = last;
      last = Bucket.next(last);
    }
    let rest = Bucket.occupied(last);
    while (rest != 0) {
      // A hole anywhere before the last bucket.
      let b = first;
      let empty: u32 = 0;
      while (b != last) {
        empty = ~Bucket.occupied(b) & (SLOT_MASK >> 1);
        if (empty != 0) break;
        b = Bucket.next(b);
      }
      if (b == last) break;
      const slot: u32 = ctz(rest);
      rest &= rest - 1;
      putSlot(b, ctz(empty), Bucket.entry(last, slot), load<u8>(last + slot));
      store<u8>(last + slot, 0);
      Bucket.setMeta(last, Bucket.meta(last) & ~(1 << slot));
    }
    const left = Bucket.occupied(last);
    const lone = popcnt(left) == 1;
    if (left != 0 && !lone) return;
    // An only entry moves to the slot that the link to its bucket takes up.
    const slot: u32 = lone ? ctz(left) : 0;
    const e = lone ? Bucket.entry(last, slot) : 0;
    const tag: u32 = lone ? load<u8>(last + slot) : 0;
    free(last);
    t.overflow -= 1;
    Bucket.setMeta(before, Bucket.meta(before) & ~META_CHAINED);
    Bucket.setEntry(before, CHAIN_SLOT, 0);
    if (lone) putSlot(before, CHAIN_SLOT, e, tag);
  }
}

/** Joins the last bucket with the one it was split from. Returns false when there is but one. */
function tryMerge(t: KeyTable): bool {
  const last = t.buckets - 1;
  if (last == 0) return false;
  const half = last <= t.levelMask ? (t.levelMask + 1) >> 1 : t.levelMask + 1;
  const into = last - half;
  const from = Index.bucketAt(t, last);
  const to = Index.bucketAt(t, into);
  const crowd = chainCount(from) + chainCount(to);
  if (crowd > BUCKET_SLOTS && !canExtendBy(crowd / CHAIN_SLOT)) return false;
  moveChain(t, from, to, 0);
  t.buckets = last;
  if (last <= t.levelMask) t.levelMask >>= 1;
  if (last >= SEGMENT_BUCKETS) {
    if ((last & (SEGMENT_BUCKETS - 1)) == 0) {
      free(load<u32>(t.directory + ((last >> SEGMENT_SHIFT) << 2)));
    }
  } else if (last >= 1 && last << 2 <= t.segmentCapacity && t.segmentCapacity > 1) {
    shrinkSegment(t);
  }
  return true;
}

/** Halves the first segment; without memory it stays as it is. */
function shrinkSegment(t: KeyTable): void {
  const wanted = t.segmentCapacity >> 1;
  const moved = tryAlloc((<usize>wanted) << BUCKET_SHIFT);
  if (moved == 0) return;
  const old: usize = load<u32>(t.directory);
  memory.copy(moved, old, (<usize>t.buckets) << BUCKET_SHIFT);
  free(old);
  store<u32>(t.directory, <u32>moved);
  t.segmentCapacity = wanted;
}

/** Does up to `steps` merges while the table is sparse. Returns true while more are due. */
export function tableShrink(t: KeyTable, steps: u32): bool {
  while (steps > 0) {
    if (<u64>t.keys >= SHRINK_LOAD * t.buckets || t.buckets == 1) return false;
    if (!tryMerge(t)) return false;
    steps -= 1;
  }
  return true;
}

// --- Deletion ---

/**
 * Takes the entry found last out of the table; it now belongs to the caller. The table shrinks by at
 * most two buckets, so `foundSlot` is dead afterwards.
 */
export function tableRemoveFound(t: KeyTable, hash: u64): EntryPtr {
  const e = tableDetachFound(t);
  const first = Index.bucketAt(t, Index.bucketOf(t, hash));
  if (Bucket.next(first) != 0) compactChain(t, first);
  tableShrink(t, 2);
  return e;
}

/** As `tableRemoveFound`, but nothing moves: for walks over buckets. `tableTidy` must follow. */
export function tableDetachFound(t: KeyTable): EntryPtr {
  const slot = <u32>(foundSlot - foundBucket - BUCKET_ENTRIES) >> 2;
  return tableDetach(t, foundBucket, slot);
}

/** Empties a slot and returns its entry; nothing else moves. */
export function tableDetach(t: KeyTable, b: BucketPtr, slot: u32): EntryPtr {
  const e = Bucket.entry(b, slot);
  const meta = Bucket.meta(b);
  if (meta & (1 << slot)) {
    Bucket.setMeta(b, meta & ~(1 << slot));
    t.expires -= 1;
  }
  store<u8>(b + slot, 0);
  t.keys -= 1;
  return e;
}

/** Closes the holes that `tableDetach` left in a bucket's chain. */
export function tableTidy(t: KeyTable, first: BucketPtr): void {
  if (Bucket.next(first) != 0) compactChain(t, first);
}

// --- Walking ---

/** First bucket of the chain that the position `cursor` of the scan order falls into. */
export function scanBucket(t: KeyTable, cursor: u64): BucketPtr {
  return tableBucket(t, reverseBits(cursor));
}

/** The position behind that chain's interval; 0 when the order ends there. */
export function scanNext(t: KeyTable, cursor: u64): u64 {
  const index = Index.bucketOf(t, reverseBits(cursor));
  const depth = Index.depth(t, index);
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

/** Entries a chain may hold for `tableRandom` to be fair to all: far more than any ever does. */
const RANDOM_CHAIN_MAX: u32 = 64;

/**
 * An entry picked at random, all equally likely; the table must not be empty. Sets `foundSlot` and
 * `foundBucket`, like a lookup.
 *
 * A random bucket alone would favour the keys of sparse chains. So a place in the chain is drawn as
 * well, out of more places than any chain has, and the draw is repeated until that place is taken:
 * about nine times at the usual load. Should memory have run out so early that splits failed and a
 * chain grew even longer, the number of places grows with it.
 */
export function tableRandom(t: KeyTable): EntryPtr {
  let places = RANDOM_CHAIN_MAX;
  while (true) {
    const first = Index.bucketAt(t, randomBelow(t.buckets));
    const count = chainCount(first);
    if (count > places) {
      places = count;
      continue;
    }
    const place = randomBelow(places);
    if (place < count) return entryAtPlace(first, place);
  }
}

/** Entry number `place` of a chain. */
function entryAtPlace(first: BucketPtr, place: u32): EntryPtr {
  let b = first;
  let skip = place;
  let occupied = Bucket.occupied(b);
  while (skip >= <u32>popcnt(occupied)) {
    skip -= <u32>popcnt(occupied);
    b = Bucket.next(b);
    occupied = Bucket.occupied(b);
  }
  for (; skip > 0; skip--) occupied &= occupied - 1;
  const slot: u32 = ctz(occupied);
  foundBucket = b;
  foundSlot = b + BUCKET_ENTRIES + (slot << 2);
  return Bucket.entry(b, slot);
}

/** Bucket `index` of 0..buckets-1, for sampling. */
export function bucketAt(t: KeyTable, index: u32): BucketPtr {
  return Index.bucketAt(t, index);
}

// --- Life ---

/** An empty table of one bucket. False when memory is exhausted. */
export function tryTableInit(t: KeyTable): bool {
  t.directory = tryAlloc(4);
  if (t.directory == 0) return false;
  const segment = tryNewBucket();
  if (segment == 0) {
    free(t.directory);
    return false;
  }
  store<u32>(t.directory, <u32>segment);
  t.directorySlots = 1;
  t.buckets = 1;
  t.levelMask = 0;
  t.segmentCapacity = 1;
  t.keys = 0;
  t.expires = 0;
  t.overflow = 0;
  return true;
}

/**
 * Forgets the last bucket and whatever its slots refer to, which the caller has freed; nothing else
 * moves. False when there was only one: then the table itself is gone. Between calls the table can
 * only be walked by `bucketAt`, not searched.
 */
export function tableDropLast(t: KeyTable): bool {
  const last = t.buckets - 1;
  dropOverflow(t, Index.bucketAt(t, last));
  if (last == 0) {
    free(load<u32>(t.directory));
    free(t.directory);
    t.buckets = 0;
    return false;
  }
  if (last >= SEGMENT_BUCKETS && (last & (SEGMENT_BUCKETS - 1)) == 0) {
    free(load<u32>(t.directory + ((last >> SEGMENT_SHIFT) << 2)));
  }
  t.buckets = last;
  return true;
}

function dropOverflow(t: KeyTable, first: BucketPtr): void {
  let b = Bucket.next(first);
  while (b != 0) {
    const next = Bucket.next(b);
    free(b);
    t.overflow -= 1;
    b = next;
  }
}

/**
 * Makes a table empty whose last bucket is the first, and whose entries the caller has freed. Needs
 * no memory, so it cannot fail.
 */
export function tableClear(t: KeyTable): void {
  assert(t.buckets == 1);
  const first = Index.bucketAt(t, 0);
  dropOverflow(t, first);
  memory.fill(first, 0, BUCKET_BYTES);
  t.levelMask = 0;
  t.keys = 0;
  t.expires = 0;
  const small = t.segmentCapacity > 1 ? tryNewBucket() : 0;
  if (small == 0) return;
  free(first);
  store<u32>(t.directory, <u32>small);
  t.segmentCapacity = 1;
}

/**
 * Bytes of a table that one key answers for: its part of a bucket at the load the table keeps while
 * it grows. Room left by deleted keys is not divided among the others.
 */
export const KEY_SHARE_BYTES: u32 = (BUCKET_BYTES + <u32>GROW_LOAD / 2) / <u32>GROW_LOAD;

/** Bytes of directory, segments and overflow buckets. */
export function tableBytes(t: KeyTable): f64 {
  let bytes = <f64>usableSize(t.directory) + <f64>t.overflow * <f64>BUCKET_BYTES;
  if (t.buckets <= SEGMENT_BUCKETS) bytes += <f64>(t.segmentCapacity << BUCKET_SHIFT);
  else bytes += <f64>((t.buckets + SEGMENT_BUCKETS - 1) >> SEGMENT_SHIFT) * <f64>PAGE_BYTES;
  return bytes;
}
