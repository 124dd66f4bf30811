// Sorted set: large sorted sets, a member table and an ordered tree over the same blocks.
//
//   SortedSet  +-- member table: member -> block     | len | member | score f64 |   one copy of each
//              |                                        ^
//              +-- ordered tree: (score, member) -> ----+
//                  entry of a leaf  | score f64 | block u32 |
//
// Order is that of Redis: by score, ties by the bytes of the members; -0 and 0 are the same score, no
// score is a NaN. A member's score stands in its block, for ZSCORE, and in the tree, so that searches
// read blocks only where scores are equal.
//
// Everything about ranges goes by rank. How many members lie below a score or a member takes one way
// down the tree, so ZCOUNT and ZLEXCOUNT are the difference of two, and every range, however it is
// given, becomes a first rank and a count; LIMIT and REV are arithmetic on those. A range by lex means
// something only when all scores are the same; otherwise the result is some range, as in Redis.
//
// A position is good until the next change of the set; blocks' addresses until their member is removed
// (a score that changes moves no block).
//
// OBJECT ENCODING says "skiplist". Redis has one because it is simple; a skiplist of the same layout as
// here (4-byte pointers, spans, a quarter of the nodes at each further level) was measured against the
// tree, as an index alone, by functions on a million members of 16 bytes, in one process:
//
//   ns per operation         random scores          equal scores          bytes per member
//                            tree     skiplist      tree     skiplist     tree     skiplist
//   insert                   527      1302          1234      2006         16.3     26.7
//   rank of a member         659      2053          1369      3190
//   10 members by rank       802      4852           465      3321
//   delete                   578      1672          1024      2067
//   insert in order           76       115                                 13.0     26.7
//
// Nodes of 256 to 1024 bytes were tried; 512 is as good as any.
//
// Bytes per member, of a million with random scores, against Redis 7.0.15:
//
//   16 bytes   58 : 126   0.46        8 bytes   50 : 110   0.45

import { free, tryAlloc, usableSize } from '../memory/alloc';
import { stringCompare } from '../util/bytes';
import { hashBytes } from '../util/siphash';
import { dictBytes } from './dict';
import {
  MEMBERS_SCORE,
  MEMBERS_START,
  Member,
  MemberPtr,
  MemberTable,
  memberAt,
  memberFind,
  memberNext,
  memberRemove,
  memberRemoveFound,
  memberTableDrainStep,
  memberTableVerify,
  tryMemberTableInit,
  tryScoredInsert,
} from './member_table';
import {
  Position,
  Tree,
  treeDropLastLeaf,
  treeFound,
  treeInit,
  treeKeyChanged,
  treeNext,
  treePrev,
  treeRemove,
  treeRunLength,
  treeSeek,
  treeSeekRank,
  treeVerify,
  tryTreeInsert,
} from './ordered_tree';

export type SortedSetPtr = usize;

/** A sorted set's header: the table's, then the tree's. */
@unmanaged
export class SortedSet extends MemberTable {
  treeRoot: usize;
  treeSize: u32;
  treeNodeBytes: u64;

  @inline tree(): Tree {
    return changetype<Tree>(changetype<usize>(this) + TREE_OFFSET);
  }
}

const TREE_OFFSET: usize = 56;
const SORTED_SET_BYTES: usize = 72;

/** What becomes of members whose score is the one looked for. */
const TIES_AFTER: u32 = 0;
const TIES_BEFORE: u32 = 1;
const TIES_BY_MEMBER: u32 = 2;

let wantedScore: f64 = 0;
let wantedTies: u32 = TIES_AFTER;
let wantedBlock: MemberPtr = 0;
let wantedPtr: usize = 0;
let wantedLen: u32 = 0;
/** Whether an equal member counts as lying before. */
let wantedPast: bool = false;

/** An entry of a leaf; what the tree asks of its keys. */
@unmanaged
class ScoredKey {
  score: f64;
  block: u32;

  @inline keyBytes(): u32 {
    return 12;
  }
  @inline before(): bool {
    const score = this.score;
    if (score != wantedScore) return score < wantedScore;
    if (wantedTies != TIES_BY_MEMBER) return wantedTies == TIES_BEFORE;
    const m: MemberPtr = this.block;
    if (m == wantedBlock) return false;
    return stringCompare(Member.ptr(m), Member.len(m), wantedPtr, wantedLen) < 0;
  }
  lookFor(): void {
    wantBlock(this.score, this.block);
  }
}

/**
 * As ScoredKey for searches that look at the member alone. Not derived from it: an overridden method
 * would be called through the class number of a header that entries do not have.
 */
@unmanaged
class LexKey {
  score: f64;
  block: u32;

  @inline keyBytes(): u32 {
    return 12;
  }
  @inline before(): bool {
    const m: MemberPtr = this.block;
    const order = stringCompare(Member.ptr(m), Member.len(m), wantedPtr, wantedLen);
    return order < 0 || (order == 0 && wantedPast);
  }
}

/** An entry on its way into the tree. */
const entryBuffer: usize = memory.data(16, 8);

function wantBlock(score: f64, m: MemberPtr): void {
  wantedScore = score;
  wantedTies = TIES_BY_MEMBER;
  wantedBlock = m;
  wantedPtr = Member.ptr(m);
  wantedLen = Member.len(m);
}

/** Goes to a block's entry, which is in the tree, and returns its rank. */
function seekBlock(z: SortedSet, m: MemberPtr): u32 {
  wantBlock(Member.score(m), m);
  const rank = treeSeek<ScoredKey>(z.tree());
  const at = treeFound<ScoredKey>();
  assert(at != 0 && zslMember(at) == m);
  return rank;
}

// --- Members ---

/** The block of a member, or 0; `Member.score` reads its score. Expected O(1). */
export function zslFind(z: SortedSet, member: usize, len: u32): MemberPtr {
  return memberFind(z, member, len);
}

/**
 * Adds a member that is known to be absent; `hash` is its `hashBytes`. Returns its block, 0 when
 * memory is exhausted; then nothing changed. O(log n).
 */
export function tryZslInsert(
  z: SortedSet,
  member: usize,
  len: u32,
  hash: u64,
  score: f64,
): MemberPtr {
  const m = tryScoredInsert(z, member, len, hash, score);
  if (m == 0) return 0;
  if (tryIndex(z, m, score)) return m;
  memberRemove(z, m);
  return 0;
}

/** Puts a block into the tree under a score. */
function tryIndex(z: SortedSet, m: MemberPtr, score: f64): bool {
  wantBlock(score, m);
  treeSeek<ScoredKey>(z.tree());
  store<f64>(entryBuffer, score);
  store<u32>(entryBuffer, <u32>m, 8);
  return tryTreeInsert<ScoredKey>(z.tree(), entryBuffer);
}

/**
 * Gives a member another score. An equal one, 0 for -0 included, changes nothing. False when memory is
 * exhausted; then nothing changed. O(log n), without moving anything if the rank stays the same.
 */
export function tryZslUpdate(z: SortedSet, m: MemberPtr, score: f64): bool {
  const old = Member.score(m);
  if (old == score) return true;
  seekBlock(z, m);
  const at = treeFound<ScoredKey>();
  const prev = treePrev(at);
  const next = treeNext(at);
  if ((prev == 0 || zslScore(prev) < score) && (next == 0 || score < zslScore(next))) {
    store<f64>(Position.entry<ScoredKey>(at), score);
    treeKeyChanged<ScoredKey>(z.tree());
  } else {
    // The new entry goes in first, for that may fail. Meanwhile both find their own: scores differ.
    if (!tryIndex(z, m, score)) return false;
    seekBlock(z, m);
    treeRemove<ScoredKey>(z.tree(), 1);
  }
  Member.setScore(m, score);
  return true;
}

/** Removes the member that the last `zslFind` found. O(log n). */
export function zslRemoveFound(z: SortedSet, m: MemberPtr): void {
  seekBlock(z, m);
  treeRemove<ScoredKey>(z.tree(), 1);
  memberRemoveFound(z);
}

// --- Ranks ---

/** Number of members before `m` in ascending order. O(log n). */
export function zslRank(z: SortedSet, m: MemberPtr): u32 {
  return seekBlock(z, m);
}

/** Number of members whose score is below `score`, or not above it when `inclusive`. O(log n). */
export function zslCountBelow(z: SortedSet, score: f64, inclusive: bool): u32 {
  wantedScore = score;
  wantedTies = inclusive ? TIES_BEFORE : TIES_AFTER;
  return treeSeek<ScoredKey>(z.tree());
}

/** Number of members that sort before these bytes, or not after them when `inclusive`. O(log n). */
export function zslCountBelowLex(z: SortedSet, member: usize, len: u32, inclusive: bool): u32 {
  wantedPtr = member;
  wantedLen = len;
  wantedPast = inclusive;
  return treeSeek<LexKey>(z.tree());
}

/** The range found last: its first rank and its count. */
export let rangeFrom: u32 = 0;
export let rangeCount: u32 = 0;

function setRange(from: u32, to: u32): void {
  rangeFrom = from;
  rangeCount = to > from ? to - from : 0;
}

/** Sets `rangeFrom` and `rangeCount` to the members within two scores, each included or not. */
export function zslScoreRange(
  z: SortedSet,
  min: f64,
  minExclusive: bool,
  max: f64,
  maxExclusive: bool,
): void {
  const from = zslCountBelow(z, min, minExclusive);
  setRange(from, zslCountBelow(z, max, !maxExclusive));
}

/** Kinds of a bound by lex: "-", "[bytes", "(bytes", "+". */
export const LEX_FIRST: u32 = 0;
export const LEX_INCLUSIVE: u32 = 1;
export const LEX_EXCLUSIVE: u32 = 2;
export const LEX_LAST: u32 = 3;

/** As `zslScoreRange` for two bounds by lex; bytes are not looked at for LEX_FIRST and LEX_LAST. */
export function zslLexRange(
  z: SortedSet,
  minKind: u32,
  minPtr: usize,
  minLen: u32,
  maxKind: u32,
  maxPtr: usize,
  maxLen: u32,
): void {
  const from = lexRank(z, minKind, minPtr, minLen, minKind == LEX_EXCLUSIVE);
  setRange(from, lexRank(z, maxKind, maxPtr, maxLen, maxKind == LEX_INCLUSIVE));
}

function lexRank(z: SortedSet, kind: u32, ptr: usize, len: u32, inclusive: bool): u32 {
  if (kind == LEX_FIRST) return 0;
  return kind == LEX_LAST ? z.keys : zslCountBelowLex(z, ptr, len, inclusive);
}

// --- Walking ---

/** The position of a rank, 0 when there is none. O(log n). */
export function zslSeek(z: SortedSet, rank: u32): u64 {
  return rank < z.keys ? treeSeekRank<ScoredKey>(z.tree(), rank) : 0;
}

/** The position after one, 0 at the end. */
export function zslNext(position: u64): u64 {
  return treeNext(position);
}

/** The position before one, 0 at the start. */
export function zslPrev(position: u64): u64 {
  return treePrev(position);
}

/** The block of the member at a position. */
export function zslMember(position: u64): MemberPtr {
  return load<u32>(Position.entry<ScoredKey>(position), 8);
}

/** The score at a position; does not read the block. */
export function zslScore(position: u64): f64 {
  return load<f64>(Position.entry<ScoredKey>(position));
}

// --- Removing ranges ---

/** Removes up to `count` members from a rank on and returns how many there were. O(log n + count). */
export function zslRemoveRange(z: SortedSet, from: u32, count: u32): u32 {
  const total = from < z.keys ? min(count, z.keys - from) : 0;
  let left = total;
  while (left > 0) {
    let at = treeSeekRank<ScoredKey>(z.tree(), from);
    const run = min(left, treeRunLength());
    for (let i: u32 = 0; i < run; i++, at++) memberRemove(z, zslMember(at));
    treeRemove<ScoredKey>(z.tree(), run);
    left -= run;
  }
  return total;
}

// --- Life ---

/**
 * An empty sorted set with room for `expected` members, which it may exceed; 0 when memory is
 * exhausted. The caller sees to it that `expected` is no promise of foreign bytes.
 */
export function tryZslNew(expected: u32): SortedSetPtr {
  if (offsetof<SortedSet>('treeRoot') != 56) ERROR('the tree lies behind the table');
  if (offsetof<SortedSet>() != 72) ERROR('SortedSet is 72 bytes');
  const block = tryAlloc(SORTED_SET_BYTES);
  if (block == 0) return 0;
  const z = changetype<SortedSet>(block);
  if (!tryMemberTableInit(z, MEMBERS_SCORE, expected)) {
    free(block);
    return 0;
  }
  treeInit(z.tree());
  return block;
}

/** A copy of a sorted set and all its blocks; 0 when memory is exhausted. O(n log n). */
export function tryZslCopy(z: SortedSet): SortedSetPtr {
  const block = tryZslNew(z.keys);
  if (block == 0) return 0;
  const copy = changetype<SortedSet>(block);
  for (let at = zslSeek(z, 0); at != 0; at = zslNext(at)) {
    const m = zslMember(at);
    const hash = hashBytes(Member.ptr(m), Member.len(m));
    if (tryZslInsert(copy, Member.ptr(m), Member.len(m), hash, zslScore(at)) == 0) {
      zslFree(block);
      return 0;
    }
  }
  return block;
}

/**
 * Frees about `budget` nodes and members of a sorted set that nobody uses any more. True when it is
 * gone; until then call again, and nothing else.
 */
export function zslFreeStep(sortedSet: SortedSetPtr, budget: u32): bool {
  const z = changetype<SortedSet>(sortedSet);
  for (let left = budget; z.treeRoot != 0; left--) {
    if (left == 0) return false;
    treeDropLastLeaf<ScoredKey>(z.tree());
  }
  if (!memberTableDrainStep(z, budget)) return false;
  free(sortedSet);
  return true;
}

/** Frees a sorted set at once. O(n). */
export function zslFree(sortedSet: SortedSetPtr): void {
  const gone = zslFreeStep(sortedSet, u32.MAX_VALUE);
  assert(gone);
}

/** Exact bytes of a sorted set: header, buckets, blocks and nodes. */
export function zslBytes(sortedSet: SortedSetPtr): f64 {
  const z = changetype<SortedSet>(sortedSet);
  const table = dictBytes(z) + <f64>z.blockBytes;
  return <f64>usableSize(sortedSet) + table + <f64>z.treeNodeBytes;
}

/** Walks everything and asserts the invariants; for tests. O(n log n). */
export function zslVerify(z: SortedSet): void {
  memberTableVerify(z);
  treeVerify<ScoredKey>(z.tree());
  assert(z.keys == z.treeSize);
  for (let at = memberNext(z, MEMBERS_START); at != 0; at = memberNext(z, at)) {
    const m = memberAt(at);
    seekBlock(z, m);
    assert(zslScore(treeFound<ScoredKey>()) == Member.score(m));
  }
}
