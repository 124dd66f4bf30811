// Ordered tree: a counted B+tree, the index behind sorted sets and streams.
//
//   node, 512 bytes (a tree's only leaf starts smaller and grows)
//   0       1          2       3       4         8         12
//   +-------+----------+-------+-------+---------+---------+-----------------------------+
//   | count | capacity | level | 0     | next    | prev    | entries                     |
//   | u8    | u8       | u8    |       | u32     | u32     |                             |
//   +-------+----------+-------+-------+---------+---------+-----------------------------+
//   level   0 in leaves; leaves are linked to their neighbours on both sides
//
//   entry of a leaf         | key | what belongs to it |
//   entry of an inner node  | key | child u32 | size u32 |
//   key = the first key of the child's leaves, size = the number of entries in them
//
// All keys differ. Sizes make ranks cheap: the rank of an entry is the sum of the sizes to the left of
// the way down. First keys are exact at all times, because in a sorted set they refer to members that
// may be freed; keeping them costs nothing but for the first entry of a leaf.
//
//                    +-----------------------------+
//                    | a, child, 3 | d, child, 2   |                 rank of e = 3 + 1
//                    +----/--------------\---------+
//             +----------/--+       +-----\-------+
//             | a | b | c   | <---> | d | e       |
//             +-------------+       +-------------+
//
// A full leaf first gives entries to a neighbour with room, then splits. A leaf that is full when
// entries come in order stays full and the next one starts empty; so a tree filled in order is dense.
// Nodes are not kept half full: one joins a neighbour when both fit into three quarters of a node, and
// goes when it is empty. Any two neighbours of one parent together fill more than that after a delete
// there, so depth stays below 12 for 2^32 entries.
//
// The key's type K is a class whose `this` is the address of an entry. Its fields are the entry of a
// leaf, its methods tell how many bytes of it are the key, and whether it lies before the position
// that is being looked for; what that is, the owner keeps in variables of its own. So the functions
// are compiled once per kind of key, with the comparison inlined.
//
// All searches leave a path, the nodes from the root to a leaf with an index in each; changes are made
// where the path ends. A position (leaf, index) is good until the next change of the same tree.
//
// O(log n) for everything; O(1) for the next position, and for any but every 28th change of a node's
// neighbourhood. The tree owns its nodes and nothing that entries refer to.
//
// Source: Comer, "The ubiquitous B-tree" (1979); the counts are the usual order statistics.

import { free, tryAlloc, tryRealloc, usableSize } from '../memory/alloc';

export type NodePtr = usize;

const NODE_BYTES: u32 = 512;
const NODE_HEADER_BYTES: u32 = 12;
const SMALL_LEAF_ENTRIES: u32 = 4;
const CHILD_BYTES: u32 = 8; // child and size, behind the key
const DEPTH_MAX: u32 = 16;
/** A neighbour with less room than this is as good as full. */
const GIVE_ROOM_MIN: u32 = 6;

/** A tree's header; it lies inside the header of whatever the tree belongs to. */
@unmanaged
export class Tree {
  root: usize;
  size: u32; // entries
  nodeBytes: u64; // sum of the nodes' sizes
}

export class Node {
  @inline static count(n: NodePtr): u32 {
    return load<u8>(n);
  }
  @inline static setCount(n: NodePtr, count: u32): void {
    store<u8>(n, <u8>count);
  }
  @inline static capacity(n: NodePtr): u32 {
    return load<u8>(n, 1);
  }
  @inline static level(n: NodePtr): u32 {
    return load<u8>(n, 2);
  }
  @inline static next(n: NodePtr): NodePtr {
    return load<u32>(n, 4);
  }
  @inline static prev(n: NodePtr): NodePtr {
    return load<u32>(n, 8);
  }
  @inline static setNext(n: NodePtr, next: NodePtr): void {
    store<u32>(n, <u32>next, 4);
  }
  @inline static setPrev(n: NodePtr, prev: NodePtr): void {
    store<u32>(n, <u32>prev, 8);
  }
  @inline static at(n: NodePtr, index: u32, entryBytes: u32): usize {
    return n + NODE_HEADER_BYTES + index * entryBytes;
  }
}

/** Sizes of entries, and the fields of inner ones. */
class Entry {
  @inline static leafBytes<K>(): u32 {
    return offsetof<K>();
  }
  @inline static keyBytes<K>(): u32 {
    return changetype<K>(0).keyBytes();
  }
  @inline static innerBytes<K>(): u32 {
    return changetype<K>(0).keyBytes() + CHILD_BYTES;
  }
  @inline static bytes<K>(level: u32): u32 {
    return level == 0 ? Entry.leafBytes<K>() : Entry.innerBytes<K>();
  }
  @inline static inner<K>(n: NodePtr, index: u32): usize {
    return Node.at(n, index, Entry.innerBytes<K>());
  }
  @inline static child<K>(n: NodePtr, index: u32): NodePtr {
    return load<u32>(Entry.inner<K>(n, index) + Entry.keyBytes<K>());
  }
  @inline static size<K>(n: NodePtr, index: u32): u32 {
    return load<u32>(Entry.inner<K>(n, index) + Entry.keyBytes<K>(), 4);
  }
  @inline static setChild<K>(n: NodePtr, index: u32, child: NodePtr): void {
    store<u32>(Entry.inner<K>(n, index) + Entry.keyBytes<K>(), <u32>child);
  }
  @inline static setSize<K>(n: NodePtr, index: u32, size: u32): void {
    store<u32>(Entry.inner<K>(n, index) + Entry.keyBytes<K>(), size, 4);
  }
  /** Entries a full node has room for. */
  @inline static capacity<K>(level: u32): u32 {
    return (NODE_BYTES - NODE_HEADER_BYTES) / Entry.bytes<K>(level);
  }
}

/** The way down to a position: by level, a node and the index of the entry the way goes through. */
const path: usize = memory.data(128, 8);
/** Nodes taken ahead of a split, so that it cannot fail half-way. */
const spares: usize = memory.data(64, 8);

class Path {
  @inline static node(level: u32): NodePtr {
    return load<u32>(path + (level << 3));
  }
  @inline static index(level: u32): u32 {
    return load<u32>(path + (level << 3), 4);
  }
  @inline static set(level: u32, n: NodePtr, index: u32): void {
    store<u32>(path + (level << 3), <u32>n);
    store<u32>(path + (level << 3), index, 4);
  }
}

// --- Positions ---

/** The leaf and index of a position; 0 stands for none. */
export class Position {
  @inline static of(leaf: NodePtr, index: u32): u64 {
    return ((<u64>leaf) << 32) | index;
  }
  @inline static leaf(position: u64): NodePtr {
    return <usize>(position >> 32);
  }
  @inline static index(position: u64): u32 {
    return <u32>position;
  }
  /** Address of the entry there. */
  @inline static entry<K>(position: u64): usize {
    return Node.at(Position.leaf(position), Position.index(position), Entry.leafBytes<K>());
  }
}

/** The position after one, 0 at the end. */
export function treeNext(position: u64): u64 {
  const leaf = Position.leaf(position);
  if (Position.index(position) + 1 < Node.count(leaf)) return position + 1;
  const next = Node.next(leaf);
  return next != 0 ? Position.of(next, 0) : 0;
}

/** The position before one, 0 at the start. */
export function treePrev(position: u64): u64 {
  if (Position.index(position) > 0) return position - 1;
  const prev = Node.prev(Position.leaf(position));
  return prev != 0 ? Position.of(prev, Node.count(prev) - 1) : 0;
}

// --- Searching ---

/** The first index from `from` on whose entry is not before the position looked for. */
function lowerBound<K>(n: NodePtr, from: u32, entryBytes: u32): u32 {
  let low = from;
  let high = Node.count(n);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (changetype<K>(Node.at(n, middle, entryBytes)).before()) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Goes to the first entry that is not before the position K looks for, and returns its rank: the
 * number of entries before it.
 */
export function treeSeek<K>(t: Tree): u32 {
  let n = t.root;
  if (n == 0) {
    Path.set(0, 0, 0);
    return 0;
  }
  let rank: u32 = 0;
  for (let level = Node.level(n); level > 0; level--) {
    // The last child whose first key is before, for the wanted entry may be its end.
    const index = lowerBound<K>(n, 1, Entry.innerBytes<K>()) - 1;
    for (let i: u32 = 0; i < index; i++) rank += Entry.size<K>(n, i);
    Path.set(level, n, index);
    n = Entry.child<K>(n, index);
  }
  const index = lowerBound<K>(n, 0, Entry.leafBytes<K>());
  Path.set(0, n, index);
  return rank + index;
}

/**
 * The position of the entry that `treeSeek` went to, 0 when none follows. If the path ends behind the
 * last entry of its leaf, it is taken on to the next leaf.
 */
export function treeFound<K>(): u64 {
  const leaf = Path.node(0);
  if (leaf == 0) return 0;
  const index = Path.index(0);
  if (index < Node.count(leaf)) return Position.of(leaf, index);
  const next = Node.next(leaf);
  if (next == 0) return 0;
  let level: u32 = 1;
  while (Path.index(level) + 1 == Node.count(Path.node(level))) level += 1;
  Path.set(level, Path.node(level), Path.index(level) + 1);
  for (; level > 0; level--) {
    Path.set(level - 1, Entry.child<K>(Path.node(level), Path.index(level)), 0);
  }
  return Position.of(next, 0);
}

/** Goes to the entry of a rank below `size` and returns its position. */
export function treeSeekRank<K>(t: Tree, rank: u32): u64 {
  let n = t.root;
  let left = rank;
  for (let level = Node.level(n); level > 0; level--) {
    let index: u32 = 0;
    let size = Entry.size<K>(n, 0);
    while (left >= size) {
      left -= size;
      index += 1;
      size = Entry.size<K>(n, index);
    }
    Path.set(level, n, index);
    n = Entry.child<K>(n, index);
  }
  Path.set(0, n, left);
  return Position.of(n, left);
}

/** The position of the first entry, 0 when there is none. */
export function treeFirst<K>(t: Tree): u64 {
  return t.size != 0 ? treeSeekRank<K>(t, 0) : 0;
}

/** The position of the last entry, 0 when there is none. */
export function treeLast<K>(t: Tree): u64 {
  return t.size != 0 ? treeSeekRank<K>(t, t.size - 1) : 0;
}

// --- Nodes ---

function tryNewNode(t: Tree, capacity: u32, level: u32, entryBytes: u32): NodePtr {
  const n = tryAlloc(NODE_HEADER_BYTES + capacity * entryBytes);
  if (n == 0) return 0;
  t.nodeBytes += <u64>usableSize(n);
  store<u32>(n, (capacity << 8) | (level << 16));
  store<u64>(n, 0, 4);
  return n;
}

function freeNode(t: Tree, n: NodePtr): void {
  t.nodeBytes -= <u64>usableSize(n);
  free(n);
}

function linkAfter(n: NodePtr, fresh: NodePtr): void {
  const next = Node.next(n);
  Node.setPrev(fresh, n);
  Node.setNext(fresh, next);
  Node.setNext(n, fresh);
  if (next != 0) Node.setPrev(next, fresh);
}

function unlink(n: NodePtr): void {
  const next = Node.next(n);
  const prev = Node.prev(n);
  if (next != 0) Node.setPrev(next, prev);
  if (prev != 0) Node.setNext(prev, next);
}

/** Copies the front of an entry, a multiple of 4 bytes. */
function copyWords(to: usize, from: usize, bytes: u32): void {
  for (let i: u32 = 0; i < bytes; i += 4) store<u32>(to + i, load<u32>(from + i));
}

/** Moves the entries from `index` on up (or down) by `by` places. */
function shiftEntries(n: NodePtr, index: u32, by: i32, entryBytes: u32): void {
  const from = Node.at(n, index, entryBytes);
  const bytes = (Node.count(n) - index) * entryBytes;
  if (bytes != 0) memory.copy(from + by * <i32>entryBytes, from, bytes);
}

/** Brings the first keys above the path's node at `level` in line with its first entry. */
function fixFirst<K>(t: Tree, level: u32): void {
  const top = Node.level(t.root);
  const key = Node.at(Path.node(level), 0, Entry.bytes<K>(level));
  for (let above = level + 1; above <= top; above++) {
    copyWords(Entry.inner<K>(Path.node(above), Path.index(above)), key, Entry.keyBytes<K>());
    if (Path.index(above) != 0) return;
  }
}

/** Adds to the sizes along the path, above `level`. */
function addSizes<K>(t: Tree, by: i32): void {
  const top = Node.level(t.root);
  for (let level: u32 = 1; level <= top; level++) {
    const at = Entry.inner<K>(Path.node(level), Path.index(level)) + Entry.keyBytes<K>();
    store<u32>(at, load<u32>(at, 4) + by, 4);
  }
  t.size += by;
}

// --- Insertion ---

/**
 * Puts a copy of an entry where the path ends, which must be its place. False when memory is
 * exhausted; then nothing changed. The path leads to the entry afterwards.
 */
export function tryTreeInsert<K>(t: Tree, entry: usize): bool {
  if (t.root == 0) {
    const leaf = tryNewNode(t, SMALL_LEAF_ENTRIES, 0, Entry.leafBytes<K>());
    if (leaf == 0) return false;
    t.root = leaf;
    Path.set(0, leaf, 0);
  }
  let leaf = Path.node(0);
  if (Node.count(leaf) == Node.capacity(leaf)) {
    if (!tryMakeRoom<K>(t)) return false;
    leaf = Path.node(0);
  }
  const index = Path.index(0);
  shiftEntries(leaf, index, 1, Entry.leafBytes<K>());
  copyWords(Node.at(leaf, index, Entry.leafBytes<K>()), entry, Entry.leafBytes<K>());
  Node.setCount(leaf, Node.count(leaf) + 1);
  addSizes<K>(t, 1);
  if (index == 0) fixFirst<K>(t, 0);
  return true;
}

/** Makes room in the path's leaf; the path then leads to the same place, perhaps in another leaf. */
function tryMakeRoom<K>(t: Tree): bool {
  const leaf = Path.node(0);
  const full = Entry.capacity<K>(0);
  if (Node.capacity(leaf) < full) return tryGrowLeaf<K>(t, leaf);
  return giveRight<K>(t) || giveLeft<K>(t) || trySplitPath<K>(t);
}

/** Enlarges the only leaf. */
function tryGrowLeaf<K>(t: Tree, leaf: NodePtr): bool {
  const bytes = Entry.leafBytes<K>();
  const capacity = min(Node.capacity(leaf) << 1, Entry.capacity<K>(0));
  const before = <u64>usableSize(leaf);
  const moved = tryRealloc(leaf, NODE_HEADER_BYTES + capacity * bytes);
  if (moved == 0) return false;
  t.nodeBytes += <u64>usableSize(moved) - before;
  store<u8>(moved, <u8>capacity, 1);
  t.root = moved;
  Path.set(0, moved, Path.index(0));
  return true;
}

/** Entries that a full leaf gives to a neighbour, so that both have as much room; 0: too few. */
function surplus<K>(neighbour: NodePtr): u32 {
  const room = Entry.capacity<K>(0) - Node.count(neighbour);
  return room >= GIVE_ROOM_MIN ? (room + 1) >> 1 : 0;
}

function giveRight<K>(t: Tree): bool {
  if (Node.level(t.root) == 0) return false;
  const leaf = Path.node(0);
  const parent = Path.node(1);
  const at = Path.index(1);
  if (at + 1 == Node.count(parent)) return false;
  const right = Entry.child<K>(parent, at + 1);
  const given = surplus<K>(right);
  if (given == 0) return false;
  const bytes = Entry.leafBytes<K>();
  const kept = Node.count(leaf) - given;
  shiftEntries(right, 0, given, bytes);
  memory.copy(Node.at(right, 0, bytes), Node.at(leaf, kept, bytes), given * bytes);
  Node.setCount(right, Node.count(right) + given);
  Node.setCount(leaf, kept);
  Entry.setSize<K>(parent, at, kept);
  Entry.setSize<K>(parent, at + 1, Node.count(right));
  copyWords(Entry.inner<K>(parent, at + 1), Node.at(right, 0, bytes), Entry.keyBytes<K>());
  const index = Path.index(0);
  if (index > kept) {
    Path.set(0, right, index - kept);
    Path.set(1, parent, at + 1);
  }
  return true;
}

function giveLeft<K>(t: Tree): bool {
  if (Node.level(t.root) == 0) return false;
  const leaf = Path.node(0);
  const parent = Path.node(1);
  const at = Path.index(1);
  if (at == 0) return false;
  const left = Entry.child<K>(parent, at - 1);
  const given = surplus<K>(left);
  if (given == 0) return false;
  const bytes = Entry.leafBytes<K>();
  const before = Node.count(left);
  memory.copy(Node.at(left, before, bytes), Node.at(leaf, 0, bytes), given * bytes);
  Node.setCount(left, before + given);
  shiftEntries(leaf, given, -(<i32>given), bytes);
  Node.setCount(leaf, Node.count(leaf) - given);
  Entry.setSize<K>(parent, at - 1, before + given);
  Entry.setSize<K>(parent, at, Node.count(leaf));
  copyWords(Entry.inner<K>(parent, at), Node.at(leaf, 0, bytes), Entry.keyBytes<K>());
  const index = Path.index(0);
  if (index <= given) {
    Path.set(0, left, before + index);
    Path.set(1, parent, at - 1);
  } else Path.set(0, leaf, index - given);
  return true;
}

/** Splits the path's leaf and every full node above it. */
function trySplitPath<K>(t: Tree): bool {
  const top = Node.level(t.root);
  let levels: u32 = 1;
  while (levels <= top && Node.count(Path.node(levels)) == Entry.capacity<K>(levels)) levels += 1;
  const grows = levels > top;
  if (!tryTakeSpares<K>(t, levels + <u32>grows)) return false;
  const leaf = Path.node(0);
  const appending = Node.next(leaf) == 0 && Path.index(0) == Node.count(leaf);
  const prepending = Node.prev(leaf) == 0 && Path.index(0) == 0;
  if (grows) {
    const root: NodePtr = load<u32>(spares + (levels << 2));
    copyWords(
      Entry.inner<K>(root, 0),
      Node.at(t.root, 0, Entry.bytes<K>(top)),
      Entry.keyBytes<K>(),
    );
    Entry.setChild<K>(root, 0, t.root);
    Entry.setSize<K>(root, 0, t.size);
    Node.setCount(root, 1);
    t.root = root;
    Path.set(levels, root, 0);
  }
  let level = levels;
  while (level > 0) {
    level -= 1;
    const count = Node.count(Path.node(level));
    let kept = (count + 1) >> 1;
    // A leaf may be left empty, the entry at hand comes into it; an inner node keeps a child.
    if (appending) kept = level == 0 ? count : count - 1;
    else if (prepending) kept = level == 0 ? 0 : 1;
    splitNode<K>(level, load<u32>(spares + (level << 2)), kept, appending);
  }
  return true;
}

/** Allocates a node per level from the leaves up. */
function tryTakeSpares<K>(t: Tree, levels: u32): bool {
  assert(levels <= DEPTH_MAX);
  for (let level: u32 = 0; level < levels; level++) {
    const n = tryNewNode(t, Entry.capacity<K>(level), level, Entry.bytes<K>(level));
    if (n == 0) {
      while (level-- > 0) freeNode(t, load<u32>(spares + (level << 2)));
      return false;
    }
    store<u32>(spares + (level << 2), <u32>n);
  }
  return true;
}

/**
 * Splits the path's node of a level, whose parent has room: `kept` entries stay, the rest goes to
 * `fresh`, which becomes its right neighbour. The path follows its entry.
 */
function splitNode<K>(level: u32, fresh: NodePtr, kept: u32, appending: bool): void {
  const n = Path.node(level);
  const bytes = Entry.bytes<K>(level);
  const moved = Node.count(n) - kept;
  memory.copy(Node.at(fresh, 0, bytes), Node.at(n, kept, bytes), moved * bytes);
  Node.setCount(fresh, moved);
  Node.setCount(n, kept);
  if (level == 0) linkAfter(n, fresh);

  const parent = Path.node(level + 1);
  const at = Path.index(level + 1);
  const inner = Entry.innerBytes<K>();
  shiftEntries(parent, at + 1, 1, inner);
  Node.setCount(parent, Node.count(parent) + 1);
  const size = level == 0 ? moved : sizeSum<K>(fresh);
  if (moved != 0)
    copyWords(Entry.inner<K>(parent, at + 1), Node.at(fresh, 0, bytes), Entry.keyBytes<K>());
  Entry.setChild<K>(parent, at + 1, fresh);
  Entry.setSize<K>(parent, at + 1, size);
  Entry.setSize<K>(parent, at, Entry.size<K>(parent, at) - size);

  const index = Path.index(level);
  // In a leaf the place between the halves belongs to the left one, unless that is full.
  const right = level == 0 ? (appending ? index >= kept : index > kept) : index >= kept;
  if (!right) return;
  Path.set(level, fresh, index - kept);
  Path.set(level + 1, parent, at + 1);
}

function sizeSum<K>(n: NodePtr): u32 {
  let sum: u32 = 0;
  const count = Node.count(n);
  for (let i: u32 = 0; i < count; i++) sum += Entry.size<K>(n, i);
  return sum;
}

/** To be called when the entry at the path's end got another key that sorts to the same place. */
export function treeKeyChanged<K>(t: Tree): void {
  if (Path.index(0) == 0) fixFirst<K>(t, 0);
}

// --- Deletion ---

/**
 * Removes `count` entries from the path's end on, all in one leaf; `treeRunLength` tells how many
 * there are. The path is dead afterwards.
 */
export function treeRemove<K>(t: Tree, count: u32): void {
  const leaf = Path.node(0);
  const index = Path.index(0);
  assert(count > 0 && index + count <= Node.count(leaf));
  shiftEntries(leaf, index + count, -(<i32>count), Entry.leafBytes<K>());
  Node.setCount(leaf, Node.count(leaf) - count);
  addSizes<K>(t, -(<i32>count));
  if (index == 0 && Node.count(leaf) != 0) fixFirst<K>(t, 0);
  joinPath<K>(t);
}

/** Entries in the leaf from the path's end on. */
export function treeRunLength(): u32 {
  return Node.count(Path.node(0)) - Path.index(0);
}

/** Drops nodes of the path that are empty and joins those that have become sparse. */
function joinPath<K>(t: Tree): void {
  const top = Node.level(t.root);
  for (let level: u32 = 0; level < top; level++) {
    const n = Path.node(level);
    const count = Node.count(n);
    if (count << 1 >= Entry.capacity<K>(level)) return;
    const parent = Path.node(level + 1);
    const at = Path.index(level + 1);
    if (count == 0) {
      if (level == 0) unlink(n);
      freeNode(t, n);
      removeChild<K>(t, level + 1, at);
    } else if (at > 0 && fits<K>(Entry.child<K>(parent, at - 1), n, level)) {
      joinNext<K>(t, level, at - 1);
    } else if (at + 1 < Node.count(parent) && fits<K>(n, Entry.child<K>(parent, at + 1), level)) {
      joinNext<K>(t, level, at);
    } else return;
  }
  shrinkRoot<K>(t);
}

function fits<K>(left: NodePtr, right: NodePtr, level: u32): bool {
  return (Node.count(left) + Node.count(right)) << 2 <= Entry.capacity<K>(level) * 3;
}

/** Moves all of child `at + 1` of the path's parent of `level` to child `at` and drops it. */
function joinNext<K>(t: Tree, level: u32, at: u32): void {
  const parent = Path.node(level + 1);
  const bytes = Entry.bytes<K>(level);
  const left = Entry.child<K>(parent, at);
  const right = Entry.child<K>(parent, at + 1);
  const count = Node.count(left);
  const more = Node.count(right);
  memory.copy(Node.at(left, count, bytes), Node.at(right, 0, bytes), more * bytes);
  Node.setCount(left, count + more);
  Entry.setSize<K>(parent, at, Entry.size<K>(parent, at) + Entry.size<K>(parent, at + 1));
  if (level == 0) unlink(right);
  freeNode(t, right);
  removeChild<K>(t, level + 1, at + 1);
}

/** Takes an entry out of the path's inner node of a level. */
function removeChild<K>(t: Tree, level: u32, at: u32): void {
  const n = Path.node(level);
  shiftEntries(n, at + 1, -1, Entry.innerBytes<K>());
  Node.setCount(n, Node.count(n) - 1);
  if (at == 0 && Node.count(n) != 0) fixFirst<K>(t, level);
}

function shrinkRoot<K>(t: Tree): void {
  while (Node.level(t.root) > 0 && Node.count(t.root) <= 1) {
    const root = t.root;
    t.root = Node.count(root) == 1 ? Entry.child<K>(root, 0) : 0;
    freeNode(t, root);
    if (t.root == 0) return;
  }
  if (Node.count(t.root) != 0) return;
  freeNode(t, t.root);
  t.root = 0;
}

// --- Life ---

export function treeInit(t: Tree): void {
  if (offsetof<Tree>() != 16) ERROR('Tree is 16 bytes');
  t.root = 0;
  t.size = 0;
  t.nodeBytes = 0;
}

/** The last leaf, whose contents the owner may free before it drops the leaf; 0: the tree is gone. */
export function treeLastLeaf<K>(t: Tree): NodePtr {
  let n = t.root;
  if (n == 0) return 0;
  while (Node.level(n) > 0) n = Entry.child<K>(n, Node.count(n) - 1);
  return n;
}

/** Frees the last leaf. For trees that nobody uses any more: sizes are not kept. */
export function treeDropLastLeaf<K>(t: Tree): void {
  let n = t.root;
  for (let level = Node.level(n); level > 0; level--) {
    Path.set(level, n, 0);
    n = Entry.child<K>(n, Node.count(n) - 1);
  }
  const top = Node.level(t.root);
  freeNode(t, n);
  for (let level: u32 = 1; level <= top; level++) {
    const parent = Path.node(level);
    const left = Node.count(parent) - 1;
    Node.setCount(parent, left);
    if (left != 0) return;
    freeNode(t, parent);
  }
  t.root = 0;
  t.size = 0;
}

// --- Verification ---

/** Walks everything and asserts the invariants; for tests. O(n log n). */
export function treeVerify<K>(t: Tree): void {
  if (t.root == 0) {
    assert(t.size == 0 && t.nodeBytes == 0);
    return;
  }
  const bytes = verifyNode<K>(t.root, t.size);
  assert(bytes == t.nodeBytes);
  let rank: u32 = 0;
  let before: u64 = 0;
  for (let at = treeFirst<K>(t); at != 0; at = treeNext(at)) {
    assert(treePrev(at) == before);
    // Every entry is found where it is, which also says that the order is right.
    changetype<K>(Position.entry<K>(at)).lookFor();
    const found = treeSeek<K>(t);
    assert(found == rank && treeFound<K>() == at && Path.node(0) == Position.leaf(at));
    rank += 1;
    before = at;
  }
  assert(rank == t.size);
}

/** Checks a subtree of `size` entries and returns the bytes of its nodes. */
function verifyNode<K>(n: NodePtr, size: u32): u64 {
  const count = Node.count(n);
  const level = Node.level(n);
  assert(count > 0 && count <= Node.capacity(n) && Node.capacity(n) <= Entry.capacity<K>(level));
  let bytes = <u64>usableSize(n);
  if (level == 0) {
    assert(count == size);
    return bytes;
  }
  assert(sizeSum<K>(n) == size);
  for (let i: u32 = 0; i < count; i++) {
    const child = Entry.child<K>(n, i);
    assert(Node.level(child) == level - 1);
    const first = Node.at(child, 0, Entry.bytes<K>(level - 1));
    assert(memory.compare(Entry.inner<K>(n, i), first, Entry.keyBytes<K>()) == 0);
    bytes += verifyNode<K>(child, Entry.size<K>(n, i));
  }
  return bytes;
}
