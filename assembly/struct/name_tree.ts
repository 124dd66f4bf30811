// Name tree: an ordered tree of blocks that begin with their name: the consumer groups of a stream, the
// consumers of a group, the producers of a stream and what they sent.
//
//   block   | name length u32 | name address u32 | the owner's fields ... | name bytes |
//
// Names are ordered as bytes, a prefix first, as Redis lists them. A block never moves. O(log n) for
// everything. The owner of the tree frees the blocks.

import { free, tryAlloc } from '../memory/alloc';
import { stringCompare } from '../util/bytes';
import {
  Position,
  Tree,
  treeFirst,
  treeFound,
  treeLast,
  treeRemove,
  treeSeek,
  treeVerify,
  tryTreeInsert,
} from './ordered_tree';

/** What blocks begin with. */
@unmanaged
export class Named {
  nameLen: u32;
  namePtr: usize;
}

let wantedName: usize = 0;
let wantedNameLen: u32 = 0;

/** An entry of a name tree. */
@unmanaged
class NameEntry {
  block: u32;

  @inline keyBytes(): u32 {
    return 4;
  }
  @inline before(): bool {
    const named = changetype<Named>(<usize>this.block);
    return stringCompare(named.namePtr, named.nameLen, wantedName, wantedNameLen) < 0;
  }
  lookFor(): void {
    const named = changetype<Named>(<usize>this.block);
    wantedName = named.namePtr;
    wantedNameLen = named.nameLen;
  }
}

const nameBuffer: usize = memory.data(8, 8);

/** The block at a position. */
export function namedAt(position: u64): usize {
  return load<u32>(Position.entry<NameEntry>(position));
}

/** The position of the first name, 0 when there is none; `treeNext` gives the next. */
export function firstNamed(t: Tree): u64 {
  return treeFirst<NameEntry>(t);
}

/** The position of the last name, 0 when there is none. */
export function lastNamed(t: Tree): u64 {
  return treeLast<NameEntry>(t);
}

/** The position of the first name that is not before this one, 0 when there is none. */
export function seekNamed(t: Tree, name: usize, len: u32): u64 {
  wantedName = name;
  wantedNameLen = len;
  treeSeek<NameEntry>(t);
  return treeFound<NameEntry>();
}

/** The block of a name, or 0. */
export function findNamed(t: Tree, name: usize, len: u32): usize {
  const at = seekNamed(t, name, len);
  if (at == 0) return 0;
  const named = changetype<Named>(namedAt(at));
  if (stringCompare(named.namePtr, named.nameLen, name, len) != 0) return 0;
  return changetype<usize>(named);
}

/** A zeroed block with a name behind `headBytes`, filed under it; 0 when memory is exhausted. */
export function tryNewNamed(t: Tree, name: usize, len: u32, headBytes: usize): usize {
  const total = <u64>headBytes + len;
  const block = total <= u32.MAX_VALUE ? tryAlloc(<usize>total) : 0;
  if (block == 0) return 0;
  memory.fill(block, 0, headBytes);
  memory.copy(block + headBytes, name, len);
  const named = changetype<Named>(block);
  named.nameLen = len;
  named.namePtr = block + headBytes;
  if (tryAddNamed(t, block)) return block;
  free(block);
  return 0;
}

/** Files a block under its name, which is known to be absent. False when memory is exhausted. */
export function tryAddNamed(t: Tree, block: usize): bool {
  const named = changetype<Named>(block);
  wantedName = named.namePtr;
  wantedNameLen = named.nameLen;
  treeSeek<NameEntry>(t);
  store<u32>(nameBuffer, <u32>block);
  return tryTreeInsert<NameEntry>(t, nameBuffer);
}

/** Takes a block out of its tree; it lives on. */
export function removeNamed(t: Tree, block: usize): void {
  const found = findNamed(t, changetype<Named>(block).namePtr, changetype<Named>(block).nameLen);
  assert(found == block);
  treeRemove<NameEntry>(t, 1);
}

/** Asserts the invariants of the tree; for tests. */
export function namesVerify(t: Tree): void {
  treeVerify<NameEntry>(t);
}
