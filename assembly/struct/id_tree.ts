// Id tree: an ordered tree from stream ids to addresses. It holds the nodes of a stream, the pending
// entries of a consumer group and those of a consumer.
//
//   entry of a leaf   | milliseconds u64 | sequence u64 | address u32 |      24 in 512 bytes
//
// Ids are unsigned and compare by milliseconds, then by sequence. Addresses are of blocks the owner of
// the tree allocates and frees.
//
// Positions and complexity as in ordered_tree.ts. Ids mostly arrive in order, so trees are dense: 21
// bytes for an entry, where Redis's rax takes two to three times as much.

import {
  Node,
  Position,
  Tree,
  treeDropLastLeaf,
  treeFirst,
  treeFound,
  treeLast,
  treeLastLeaf,
  treePrev,
  treeRemove,
  treeSeek,
  treeVerify,
  tryTreeInsert,
} from './ordered_tree';

let wantedMs: u64 = 0;
let wantedSeq: u64 = 0;

/** An entry of a leaf; what the tree asks of its keys. */
@unmanaged
class IdEntry {
  ms: u64;
  seq: u64;
  address: u32;

  @inline keyBytes(): u32 {
    return 16;
  }
  @inline before(): bool {
    const ms = this.ms;
    return ms != wantedMs ? ms < wantedMs : this.seq < wantedSeq;
  }
  lookFor(): void {
    wantedMs = this.ms;
    wantedSeq = this.seq;
  }
}

/** An entry on its way into the tree. */
const entryBuffer: usize = memory.data(24, 8);

/** The entry at a position of an id tree. */
export class IdAt {
  @inline static ms(position: u64): u64 {
    return load<u64>(Position.entry<IdEntry>(position));
  }
  @inline static seq(position: u64): u64 {
    return load<u64>(Position.entry<IdEntry>(position), 8);
  }
  @inline static address(position: u64): usize {
    return load<u32>(Position.entry<IdEntry>(position), 16);
  }
  @inline static setAddress(position: u64, address: usize): void {
    store<u32>(Position.entry<IdEntry>(position), <u32>address, 16);
  }
  @inline static equals(position: u64, ms: u64, seq: u64): bool {
    return IdAt.ms(position) == ms && IdAt.seq(position) == seq;
  }
}

/** The position of the first entry whose id is not below this one, 0 when there is none. */
export function idTreeSeek(t: Tree, ms: u64, seq: u64): u64 {
  wantedMs = ms;
  wantedSeq = seq;
  treeSeek<IdEntry>(t);
  return treeFound<IdEntry>();
}

/** The position of an id, or 0. */
export function idTreeFind(t: Tree, ms: u64, seq: u64): u64 {
  const at = idTreeSeek(t, ms, seq);
  return at != 0 && IdAt.equals(at, ms, seq) ? at : 0;
}

/** The position of the last entry whose id is not above this one, 0 when there is none. */
export function idTreeFloor(t: Tree, ms: u64, seq: u64): u64 {
  const at = idTreeSeek(t, ms, seq);
  if (at == 0) return idTreeLast(t);
  return IdAt.equals(at, ms, seq) ? at : treePrev(at);
}

export function idTreeFirst(t: Tree): u64 {
  return treeFirst<IdEntry>(t);
}

export function idTreeLast(t: Tree): u64 {
  return treeLast<IdEntry>(t);
}

/** Adds an id that is known to be absent; false when memory is exhausted, then nothing changed. */
export function tryIdTreeInsert(t: Tree, ms: u64, seq: u64, address: usize): bool {
  wantedMs = ms;
  wantedSeq = seq;
  treeSeek<IdEntry>(t);
  store<u64>(entryBuffer, ms);
  store<u64>(entryBuffer, seq, 8);
  store<u32>(entryBuffer, <u32>address, 16);
  return tryTreeInsert<IdEntry>(t, entryBuffer);
}

/** Removes an id that is known to be there. */
export function idTreeRemove(t: Tree, ms: u64, seq: u64): void {
  const at = idTreeFind(t, ms, seq);
  assert(at != 0);
  treeRemove<IdEntry>(t, 1);
}

/**
 * The last leaf of a tree that nobody uses any more, for the owner to free what `idLeafAddress` gives;
 * 0: the tree is empty. `idTreeDropLeaf` must follow.
 */
export function idTreeLastLeaf(t: Tree): usize {
  return treeLastLeaf<IdEntry>(t);
}

export function idLeafCount(leaf: usize): u32 {
  return Node.count(leaf);
}

export function idLeafAddress(leaf: usize, index: u32): usize {
  return IdAt.address(Position.of(leaf, index));
}

export function idTreeDropLeaf(t: Tree): void {
  treeDropLastLeaf<IdEntry>(t);
}

/** Walks everything and asserts the invariants; for tests. */
export function idTreeVerify(t: Tree): void {
  treeVerify<IdEntry>(t);
}
