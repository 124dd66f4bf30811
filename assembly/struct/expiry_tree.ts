// Expiry tree: an ordered tree of blocks by the time they are due. A large hash has one of its fields
// that expire, a database one of its hashes with such fields.
//
//   entry of a leaf   | due i64, milliseconds | address u32 |      41 in 512 bytes
//
// Blocks that are due at the same time lie in the order of their addresses, so every entry is found
// exactly: whoever knows when a block is due removes it in O(log n), and nothing stale is left behind.
// The number of blocks due before a time is a rank, O(log n) too.
//
// A block that moves, or is due at another time, is a new entry: the new one is added before the old
// one is removed, because only adding can fail.
//
// `Filed` is what a block begins with whose owner wants the tree to be remembered along with the time.
//
// Positions as in ordered_tree.ts. A tree filled in order takes 13 bytes for an entry.

import { usableSize } from '../memory/alloc';
import {
  Position,
  Tree,
  treeDropLastLeaf,
  treeFirst,
  treeFound,
  treeRemove,
  treeSeek,
  treeVerify,
  tryTreeInsert,
} from './ordered_tree';

export const EXPIRY_TREE_BYTES: usize = 16;

/** Later than anything is due. */
export const NEVER_DUE: i64 = i64.MAX_VALUE;

let wantedAtMs: i64 = 0;
let wantedAddress: u32 = 0;

/** An entry of a leaf; what the tree asks of its keys. */
@unmanaged
class ExpiryEntry {
  atMs: i64;
  address: u32;

  @inline keyBytes(): u32 {
    return 12;
  }
  @inline before(): bool {
    const atMs = this.atMs;
    return atMs != wantedAtMs ? atMs < wantedAtMs : this.address < wantedAddress;
  }
  lookFor(): void {
    wantedAtMs = this.atMs;
    wantedAddress = this.address;
  }
}

/** An entry on its way into the tree. */
const entryBuffer: usize = memory.data(16, 8);

/** The entry at a position of an expiry tree. */
export class ExpiryAt {
  @inline static atMs(position: u64): i64 {
    return load<i64>(Position.entry<ExpiryEntry>(position));
  }
  @inline static address(position: u64): usize {
    return load<u32>(Position.entry<ExpiryEntry>(position), 8);
  }
}

function seek(t: Tree, atMs: i64, address: usize): u32 {
  wantedAtMs = atMs;
  wantedAddress = <u32>address;
  return treeSeek<ExpiryEntry>(t);
}

/** The position of what is due first, 0 when the tree is empty. */
export function expiryTreeFirst(t: Tree): u64 {
  return treeFirst<ExpiryEntry>(t);
}

/** The position of the first entry that is not before this one, 0 when there is none. */
export function expiryTreeFrom(t: Tree, atMs: i64, address: usize): u64 {
  seek(t, atMs, address);
  return treeFound<ExpiryEntry>();
}

/** When the first block is due: NEVER_DUE when the tree is empty. */
export function expiryTreeMin(t: Tree): i64 {
  const first = treeFirst<ExpiryEntry>(t);
  return first != 0 ? ExpiryAt.atMs(first) : NEVER_DUE;
}

/** How many blocks are due before a time. */
export function expiryTreeRank(t: Tree, atMs: i64): u32 {
  return seek(t, atMs, 0);
}

/** Whether a block is filed under a time. */
export function expiryTreeHas(t: Tree, atMs: i64, address: usize): bool {
  seek(t, atMs, address);
  const at = treeFound<ExpiryEntry>();
  return at != 0 && ExpiryAt.atMs(at) == atMs && ExpiryAt.address(at) == address;
}

/** Adds a block that is not there under that time; false when memory is exhausted. */
export function tryExpiryTreeInsert(t: Tree, atMs: i64, address: usize): bool {
  seek(t, atMs, address);
  store<i64>(entryBuffer, atMs);
  store<u32>(entryBuffer, <u32>address, 8);
  return tryTreeInsert<ExpiryEntry>(t, entryBuffer);
}

/** Removes a block that is filed under that time. */
export function expiryTreeRemove(t: Tree, atMs: i64, address: usize): void {
  const there = expiryTreeHas(t, atMs, address);
  assert(there);
  treeRemove<ExpiryEntry>(t, 1);
}

/** Frees up to `leaves` leaves of a tree that nobody uses any more. True when it is empty. */
export function expiryTreeFreeStep(t: Tree, leaves: u32): bool {
  for (let left = leaves; t.root != 0; left--) {
    if (left == 0) return false;
    treeDropLastLeaf<ExpiryEntry>(t);
  }
  return true;
}

/** Walks everything and asserts the invariants; for tests. */
export function expiryTreeVerify(t: Tree): void {
  treeVerify<ExpiryEntry>(t);
}

// --- Records that know where they are filed ---

/** What a block begins with that is in one tree at most. */
@unmanaged
export class Filed {
  atMs: i64; // time it is filed under, while `tree` is not 0
  hash: u64; // for whoever files it, as is the owner
  tree: usize;
  owner: usize;
}

/**
 * Files a record in a tree, taking it out of where it was. False when memory is exhausted; then it
 * stays there.
 */
export function tryFile(r: Filed, tree: usize, atMs: i64): bool {
  if (r.tree == tree && r.atMs == atMs) return true;
  if (!tryExpiryTreeInsert(changetype<Tree>(tree), atMs, changetype<usize>(r))) return false;
  unfile(r);
  r.tree = tree;
  r.atMs = atMs;
  return true;
}

/** Takes a record out of its tree, if it is in one. */
export function unfile(r: Filed): void {
  if (r.tree == 0) return;
  expiryTreeRemove(changetype<Tree>(r.tree), r.atMs, changetype<usize>(r));
  r.tree = 0;
}

/** Bytes of a block that holds a tree, with its nodes. */
export function expiryTreeBytes(block: usize, t: Tree): f64 {
  return <f64>usableSize(block) + <f64>t.nodeBytes;
}
