// Quicklist: a doubly linked list of nodes, each a listpack of some kilobytes; what a long list is
// made of.
//
//   0      4      8      12      16     20     22         24        25
//   +------+------+------+-------+------+------+----------+---------+-----------+
//   | mark | head | tail | count | len  | fill | compress | cold    | cold      |   28 bytes
//   | 0    |      |      |       |      |      |          | backoff | skip      |
//   +------+------+------+-------+------+------+----------+---------+-----------+
//
//   count  elements           fill      limit of a node: elements if positive, else one of five sizes
//   len    nodes              compress  nodes at each end that stay raw; 0: no compression asked for
//
// The mark tells it from a listpack, whose first word is its size (list.ts).
//
// Invariants: no node is empty; counts add up; a node holds one plain element if and only if that was
// at least the packed threshold when it came; with `compress` n, the n nodes at each end are raw.
// Where elements go, how full nodes get, when they split and merge is Redis's, so that DUMP gives
// the same nodes.
//
// Cold nodes: in long lists of short elements, nodes far from both ends are compressed even if
// nobody asked for it, when that saves an eighth. It happens once per node, as it passes out of the
// ends' reach; a node that somebody changes stays raw from then on. Where values do not compress,
// ever fewer nodes are tried. DUMP does not show it.
//
// Functions that need memory return false or 0 when there is none. The list is then as it was: an
// element is in or it is not; only a split or a merger may not have happened.
//
// Push and pop O(1); by position O(len) plus the walk in one node, from the nearer end; range deletion
// O(nodes in it). Elements of twenty bytes like "element:000000123456" take 22.2 bytes each, and 6.3
// in a list of a million, most of which is cold (Redis 7.0: 22.4).
//
// Differences from Redis: cold nodes; elements larger than 64 KiB are never compressed.

import { free, tryAlloc, usableSize } from '../memory/alloc';
import { LP_AFTER, LP_BEFORE, LP_EMPTY_BYTES, lpBytes, lpLength } from './listpack';
import {
  NODE_KEEP_RAW,
  NODE_PLAIN,
  NODE_RECOMPRESS,
  NodePtr,
  nodeAt,
  nodeBlockBytes,
  nodeCompress,
  nodeDecompress,
  nodeDecompressForUse,
  nodeDelete,
  nodeDeleteRange,
  nodeDup,
  nodeFree,
  nodeInsert,
  nodeIsCompressed,
  nodeIsPlain,
  nodeMerge,
  nodeNew,
  nodeNewElement,
  nodePushHead,
  nodePushTail,
  nodeReplace,
  nodeReplacePlain,
  nodeSplit,
} from './quicklist_node';

/** The address of a quicklist. */
export type QuicklistPtr = usize;

@unmanaged
export class Quicklist {
  mark: u32; // QUICKLIST_MARK
  head: NodePtr;
  tail: NodePtr;
  count: u32;
  len: u32;
  fill: i16;
  compress: u16;
  coldBackoff: u8; // how many nodes to pass over after the next failure
  coldSkip: u8; // how many are still to be passed over
  unused: u16;
}
if (offsetof<Quicklist>() != 28) ERROR('a quicklist is 28 bytes');

/** What a quicklist starts with and a listpack does not. */
export const QUICKLIST_MARK: u32 = 0;

/** Sizes of nodes for fill -1 to -5 are this, doubled for each step. */
const NODE_SIZE_MIN: u32 = 4096;
const NODE_SIZE_STEPS: i32 = 5;
/** Limit of a node's size where its number of elements is limited. */
const SIZE_SAFETY_LIMIT: u64 = 8192;
/** What an element may need beside its bytes, taken generously. */
const ELEMENT_OVERHEAD: u64 = 8;
const FILL_MIN: i32 = -5;
const FILL_MAX: i32 = 32767;
const COMPRESS_MAX: i32 = 65535;
/** Compressing must save more than this, where it was asked for. */
const COMPRESS_SAVES_MIN: u32 = 8;
const PACKED_THRESHOLD: u32 = 1 << 30;
const PACKED_THRESHOLD_MAX: u64 = (1 << 32) - (1 << 20);

/** Nodes at each end that are never cold. */
const COLD_DEPTH: u32 = 64;
/** Lists with fewer elements per node are left alone: compressing would take long for each. */
const COLD_COUNT_MIN: u32 = 64;
const COLD_BACKOFF_MAX: u32 = 63;

/** Elements of this size and more are kept alone in a plain node. */
let packedThreshold: u32 = PACKED_THRESHOLD;

/** The position within its node that the last `quicklistSeek` found. */
export let quicklistSeekOffset: u32 = 0;

export function quicklistAt(list: QuicklistPtr): Quicklist {
  return changetype<Quicklist>(list);
}

// --- Life ---

/** An empty quicklist, or 0 when there is no memory. */
export function quicklistNew(fill: i32, compress: i32): QuicklistPtr {
  const list = tryAlloc(offsetof<Quicklist>());
  if (list == 0) return 0;
  memory.fill(list, 0, offsetof<Quicklist>());
  const q = quicklistAt(list);
  q.fill = <i16>max(FILL_MIN, min(fill, FILL_MAX));
  q.compress = <u16>max(0, min(compress, COMPRESS_MAX));
  return list;
}

/**
 * Frees up to so many nodes, and the quicklist after the last. Returns whether it is gone; until then
 * it must not be used for anything else.
 */
export function quicklistFreeStep(list: QuicklistPtr, nodes: u32): bool {
  const q = quicklistAt(list);
  let node = q.head;
  while (node != 0 && nodes != 0) {
    const next = nodeAt(node).next;
    nodeFree(node);
    node = next;
    nodes--;
  }
  q.head = node;
  if (node != 0) return false;
  free(list);
  return true;
}

/** A copy with the same nodes, or 0 when there is no memory. */
export function quicklistDup(list: QuicklistPtr): QuicklistPtr {
  const q = quicklistAt(list);
  const copy = quicklistNew(q.fill, q.compress);
  if (copy == 0) return 0;
  for (let node = q.head; node != 0; node = nodeAt(node).next) {
    const twin = nodeDup(node);
    if (twin == 0) {
      quicklistFreeStep(copy, u32.MAX_VALUE);
      return 0;
    }
    link(copy, quicklistAt(copy).tail, twin, true);
    quicklistAt(copy).count += nodeAt(twin).count;
  }
  return copy;
}

/**
 * What the quicklist costs: exactly, or with `samples` other than 0 from the average of so many nodes.
 */
export function quicklistBytes(list: QuicklistPtr, samples: u32): u64 {
  const q = quicklistAt(list);
  let sampled: u32 = 0;
  let bytes: u64 = 0;
  for (let node = q.head; node != 0; node = nodeAt(node).next) {
    bytes += nodeBlockBytes(node);
    sampled++;
    if (sampled == samples) break;
  }
  if (sampled < q.len) bytes = (bytes * q.len) / sampled;
  return usableSize(list) + bytes;
}

/** Sum of the uncompressed sizes of all nodes. */
export function quicklistUncompressedBytes(list: QuicklistPtr): u64 {
  let bytes: u64 = 0;
  for (let node = quicklistAt(list).head; node != 0; node = nodeAt(node).next) {
    bytes += nodeAt(node).bytes;
  }
  return bytes;
}

/** Sets from which size on elements get a plain node, 0 for the usual. False if that is too large. */
export function quicklistSetPackedThreshold(bytes: u64): bool {
  if (bytes > PACKED_THRESHOLD_MAX) return false;
  packedThreshold = bytes != 0 ? <u32>bytes : PACKED_THRESHOLD;
  return true;
}

/** Adds a node at the tail that takes over a valid listpack with elements. False: no memory. */
export function quicklistAppendListpack(list: QuicklistPtr, lp: usize): bool {
  return appendNode(list, nodeNew(lp, lpBytes(lp), lpLength(lp), 0));
}

/** Adds a node at the tail that takes over a block with one large element. False: no memory. */
export function quicklistAppendPlain(list: QuicklistPtr, block: usize, bytes: u32): bool {
  return appendNode(list, nodeNew(block, bytes, 1, NODE_PLAIN));
}

function appendNode(list: QuicklistPtr, node: NodePtr): bool {
  if (node == 0) return false;
  link(list, quicklistAt(list).tail, node, true);
  quicklistAt(list).count += nodeAt(node).count;
  settle(list, node);
  return true;
}

// --- Limits ---

/** Limit of a node's size for a fill that limits it, else the greatest u32. */
export function quicklistSizeLimit(fill: i32): u32 {
  if (fill >= 0) return u32.MAX_VALUE;
  return NODE_SIZE_MIN << (<u32>(min(-fill, NODE_SIZE_STEPS) - 1));
}

/** Limit of a node's elements for a fill that limits them, else the greatest u32. */
export function quicklistCountLimit(fill: i32): u32 {
  return fill < 0 ? u32.MAX_VALUE : <u32>max(fill, 1);
}

/** Whether a node of such a size would be beyond the limits. */
export function quicklistExceedsLimit(fill: i32, bytes: u64, count: u32): bool {
  if (fill < 0) return bytes > quicklistSizeLimit(fill);
  return bytes > SIZE_SAFETY_LIMIT || count > quicklistCountLimit(fill);
}

function isLarge(len: u32): bool {
  return len >= packedThreshold;
}

function allowInsert(list: QuicklistPtr, node: NodePtr, len: u32): bool {
  if (node == 0 || nodeIsPlain(node) || isLarge(len)) return false;
  const n = nodeAt(node);
  const bytes = <u64>n.bytes + len + ELEMENT_OVERHEAD;
  return !quicklistExceedsLimit(quicklistAt(list).fill, bytes, n.count + 1);
}

function allowMerge(list: QuicklistPtr, a: NodePtr, b: NodePtr): bool {
  if (a == 0 || b == 0 || nodeIsPlain(a) || nodeIsPlain(b)) return false;
  const bytes = <u64>nodeAt(a).bytes + nodeAt(b).bytes - LP_EMPTY_BYTES;
  const count = nodeAt(a).count + nodeAt(b).count;
  return !quicklistExceedsLimit(quicklistAt(list).fill, bytes, count);
}

// --- Links ---

/** Puts a node after or before another; both 0 and the list empty: as the only one. */
function link(list: QuicklistPtr, old: NodePtr, node: NodePtr, after: bool): void {
  const q = quicklistAt(list);
  let prev = old;
  let next = old;
  if (old != 0) {
    if (after) next = nodeAt(old).next;
    else prev = nodeAt(old).prev;
  }
  nodeAt(node).prev = prev;
  nodeAt(node).next = next;
  if (prev != 0) nodeAt(prev).next = node;
  else q.head = node;
  if (next != 0) nodeAt(next).prev = node;
  else q.tail = node;
  q.len += 1;
}

function unlink(list: QuicklistPtr, node: NodePtr): void {
  const q = quicklistAt(list);
  const prev = nodeAt(node).prev;
  const next = nodeAt(node).next;
  if (prev != 0) nodeAt(prev).next = next;
  else q.head = next;
  if (next != 0) nodeAt(next).prev = prev;
  else q.tail = prev;
  q.len -= 1;
}

/** Removes a node with its elements. */
function removeNode(list: QuicklistPtr, node: NodePtr): void {
  unlink(list, node);
  quicklistAt(list).count -= nodeAt(node).count;
  nodeFree(node);
}

// --- Compression ---

/**
 * Puts things right after nodes came or went, or after `touched` (0: none) was changed: the ends are
 * raw, `touched` and the nodes beyond the ends are compressed.
 */
function settle(list: QuicklistPtr, touched: NodePtr): void {
  const q = quicklistAt(list);
  const depth: u32 = q.compress;
  if (depth == 0) {
    settleCold(list, touched);
    return;
  }
  let forward = q.head;
  let reverse = q.tail;
  let atEnd = false;
  for (let i: u32 = 0; i < depth && forward != 0; i++) {
    nodeDecompress(forward);
    nodeDecompress(reverse);
    if (forward == touched || reverse == touched) atEnd = true;
    if (forward == reverse || nodeAt(forward).next == reverse) return;
    forward = nodeAt(forward).next;
    reverse = nodeAt(reverse).prev;
  }
  if (forward == 0) return;
  if (!atEnd && touched != 0) nodeCompress(touched, COMPRESS_SAVES_MIN);
  // A split that makes room for a large element pushes two nodes out of an end's reach.
  nodeCompress(forward, COMPRESS_SAVES_MIN);
  nodeCompress(reverse, COMPRESS_SAVES_MIN);
  if (forward == reverse) return;
  nodeCompress(nodeAt(forward).next, COMPRESS_SAVES_MIN);
  nodeCompress(nodeAt(reverse).prev, COMPRESS_SAVES_MIN);
}

/**
 * Compresses the node that the ends have just left behind, if the list is one for that. Nothing to do
 * unless a node came or went at an end: `touched` is the one that came.
 */
function settleCold(list: QuicklistPtr, touched: NodePtr): void {
  const q = quicklistAt(list);
  if (q.len <= COLD_DEPTH * 2 || q.count / q.len < COLD_COUNT_MIN) return;
  if (touched != q.head && touched != q.tail) return;
  const atHead = touched == q.head;
  let node = touched;
  for (let i: u32 = 0; i < COLD_DEPTH; i++) {
    node = atHead ? nodeAt(node).next : nodeAt(node).prev;
  }
  if (nodeIsCompressed(node) || (nodeAt(node).flags & NODE_KEEP_RAW) != 0) return;
  if (q.coldSkip != 0) {
    q.coldSkip -= 1;
    return;
  }
  if (nodeCompress(node, nodeAt(node).bytes >> 3)) {
    q.coldBackoff = 0;
  } else {
    q.coldBackoff = <u8>min(((<u32>q.coldBackoff) << 1) + 1, COLD_BACKOFF_MAX);
    q.coldSkip = q.coldBackoff;
  }
}

/** As `settle` for a node that went: the one that comes into the reach of an end is made raw. */
function settleRemoved(list: QuicklistPtr): void {
  if (quicklistAt(list).compress != 0) settle(list, 0);
}

/** To be called when a walk leaves a node that it removed elements from. */
export function quicklistLeave(list: QuicklistPtr, node: NodePtr): void {
  if (quicklistAt(list).compress != 0) settle(list, node);
  else if ((nodeAt(node).flags & NODE_RECOMPRESS) != 0) nodeCompress(node, nodeAt(node).bytes >> 3);
}

// --- Both ends ---

/** Adds an element at the head or at the tail. False when there is no memory. */
export function quicklistPush(list: QuicklistPtr, s: usize, len: u32, atHead: bool): bool {
  const q = quicklistAt(list);
  const end = atHead ? q.head : q.tail;
  if (!allowInsert(list, end, len)) return insertNode(list, end, s, len, !atHead);
  if (!(atHead ? nodePushHead(end, s, len) : nodePushTail(end, s, len))) return false;
  q.count += 1;
  return true;
}

/** Adds a node with one element after or before another. False when there is no memory. */
function insertNode(list: QuicklistPtr, old: NodePtr, s: usize, len: u32, after: bool): bool {
  const node = nodeNewElement(s, len, isLarge(len));
  if (node == 0) return false;
  link(list, old, node, after);
  quicklistAt(list).count += 1;
  settle(list, node);
  if (old != 0 && quicklistAt(list).compress != 0) settle(list, old);
  return true;
}

/** Removes the first or the last element of a list that has one. False: no memory to decompress. */
export function quicklistPop(list: QuicklistPtr, atHead: bool): bool {
  const q = quicklistAt(list);
  const node = atHead ? q.head : q.tail;
  if (nodeAt(node).count == 1) {
    removeNode(list, node);
    settleRemoved(list);
    return true;
  }
  const index = atHead ? 0 : nodeAt(node).count - 1;
  if (!nodeDeleteRange(node, index, 1)) return false;
  q.count -= 1;
  return true;
}

// --- By position ---

/**
 * The node with the element at a position below `count`; its position in the node is in
 * `quicklistSeekOffset`.
 */
export function quicklistSeek(list: QuicklistPtr, index: u32): NodePtr {
  const q = quicklistAt(list);
  assert(index < q.count);
  if (index < q.count >> 1) {
    let node = q.head;
    while (index >= nodeAt(node).count) {
      index -= nodeAt(node).count;
      node = nodeAt(node).next;
    }
    quicklistSeekOffset = index;
    return node;
  }
  let node = q.tail;
  let behind = q.count - nodeAt(node).count;
  while (index < behind) {
    node = nodeAt(node).prev;
    behind -= nodeAt(node).count;
  }
  quicklistSeekOffset = index - behind;
  return node;
}

/**
 * Adds an element after or before the one at `p`, an address of `nodeRead`, with position `offset` in
 * its node. False when there is no memory.
 */
export function quicklistInsert(
  list: QuicklistPtr,
  node: NodePtr,
  offset: u32,
  p: usize,
  s: usize,
  len: u32,
  after: bool,
): bool {
  const atEdge = offset == (after ? nodeAt(node).count - 1 : 0);
  if (isLarge(len)) {
    if (nodeIsPlain(node) || atEdge) return insertNode(list, node, s, len, after);
    const large = splitForLarge(list, node, offset + u32(after), s, len);
    if (large == 0) return false;
    settleAround(list, large);
    return true;
  }
  let changed = node;
  if (allowInsert(list, node, len)) {
    if (!nodeInsert(node, p, s, len, after ? LP_AFTER : LP_BEFORE)) return false;
  } else if (!atEdge) {
    return splitAndInsert(list, node, offset, p, s, len, after);
  } else {
    changed = after ? nodeAt(node).next : nodeAt(node).prev;
    if (!allowInsert(list, changed, len)) return insertNode(list, node, s, len, after);
    if (!(after ? nodePushHead(changed, s, len) : nodePushTail(changed, s, len))) return false;
  }
  quicklistAt(list).count += 1;
  if (quicklistAt(list).compress != 0) settle(list, changed);
  return true;
}

/** Adds an element in the middle of a full node, which is then two, or merged with others. */
function splitAndInsert(
  list: QuicklistPtr,
  node: NodePtr,
  offset: u32,
  p: usize,
  s: usize,
  len: u32,
  after: bool,
): bool {
  // First into the full node, so that a failure leaves all as it was, or at worst a node too full.
  if (!nodeInsert(node, p, s, len, after ? LP_AFTER : LP_BEFORE)) return false;
  quicklistAt(list).count += 1;
  const rest = nodeSplit(node, offset + 1);
  if (rest == 0) return true;
  link(list, node, rest, true);
  // The element is at the inner end of the half that the other one is inserted next to.
  const center = mergeAround(list, after ? node : rest);
  settleAround(list, center);
  return true;
}

/**
 * Splits a packed node before position `index`, which is not at its ends, and puts a large element
 * between the halves. Returns its node, 0 when there is no memory.
 */
function splitForLarge(list: QuicklistPtr, node: NodePtr, index: u32, s: usize, len: u32): NodePtr {
  const large = nodeNewElement(s, len, true);
  if (large == 0) return 0;
  const rest = nodeSplit(node, index);
  if (rest == 0) {
    nodeFree(large);
    return 0;
  }
  link(list, node, large, true);
  link(list, large, rest, true);
  quicklistAt(list).count += 1;
  return large;
}

/** `settle` for a node and its neighbours. */
function settleAround(list: QuicklistPtr, node: NodePtr): void {
  if (quicklistAt(list).compress == 0) return;
  const prev = nodeAt(node).prev;
  const next = nodeAt(node).next;
  settle(list, node);
  if (prev != 0) settle(list, prev);
  if (next != 0) settle(list, next);
}

/** Merges two neighbours if they fit one node. Returns whether `second` is gone. */
function tryMerge(list: QuicklistPtr, first: NodePtr, second: NodePtr): bool {
  if (!allowMerge(list, first, second) || !nodeMerge(first, second)) return false;
  unlink(list, second);
  free(second);
  return true;
}

/** Merges nodes around one that was split, and returns the node that has its elements now. */
function mergeAround(list: QuicklistPtr, center: NodePtr): NodePtr {
  const prev = nodeAt(center).prev;
  const next = nodeAt(center).next;
  if (prev != 0) tryMerge(list, nodeAt(prev).prev, prev);
  if (next != 0) tryMerge(list, next, nodeAt(next).next);
  const before = nodeAt(center).prev;
  if (tryMerge(list, before, center)) center = before;
  tryMerge(list, center, nodeAt(center).next);
  return center;
}

/**
 * Replaces the element at `p`, an address of `nodeRead`, with position `offset` in its node. False when
 * there is no memory.
 */
export function quicklistReplace(
  list: QuicklistPtr,
  node: NodePtr,
  offset: u32,
  p: usize,
  s: usize,
  len: u32,
): bool {
  if (nodeIsPlain(node)) {
    if (isLarge(len)) {
      if (!nodeReplacePlain(node, s, len)) return false;
    } else {
      if (!quicklistInsert(list, node, offset, p, s, len, true)) return false;
      removeNode(list, node);
      settleRemoved(list);
      return true;
    }
  } else if (isLarge(len)) {
    return replaceByLarge(list, node, offset, s, len);
  } else if (!nodeReplace(node, p, s, len)) {
    return false;
  }
  if (quicklistAt(list).compress != 0) settle(list, node);
  return true;
}

/** Replaces an element of a packed node by one that needs its own. */
function replaceByLarge(list: QuicklistPtr, node: NodePtr, offset: u32, s: usize, len: u32): bool {
  // Raw, it will not fail to lose the element in the end.
  if (!nodeDecompressForUse(node)) return false;
  let large: NodePtr;
  if (offset < nodeAt(node).count - 1) {
    large = splitForLarge(list, node, offset + 1, s, len);
    if (large == 0) return false;
  } else {
    large = nodeNewElement(s, len, true);
    if (large == 0) return false;
    link(list, node, large, true);
    quicklistAt(list).count += 1;
  }
  if (nodeAt(node).count == 1) {
    removeNode(list, node);
  } else {
    nodeDeleteRange(node, nodeAt(node).count - 1, 1);
    quicklistAt(list).count -= 1;
    mergeAround(list, large);
  }
  settleAround(list, large);
  return true;
}

// --- Removing ---

/**
 * Removes the element at `p`, an address of `nodeRead`, from a node with others. Returns the address of
 * the element behind it or of the node's end; 0 when there is no memory.
 */
export function quicklistDelete(list: QuicklistPtr, node: NodePtr, p: usize): usize {
  const next = nodeDelete(node, p);
  if (next != 0) quicklistAt(list).count -= 1;
  return next;
}

/** Removes a node with its elements. */
export function quicklistDeleteNode(list: QuicklistPtr, node: NodePtr): void {
  removeNode(list, node);
  settleRemoved(list);
}

/**
 * Removes `num` elements from a position on; they are there. False when there is no memory to decompress
 * a node of which some stay: then none went.
 */
export function quicklistDeleteRange(list: QuicklistPtr, start: u32, num: u32): bool {
  const q = quicklistAt(list);
  assert(<u64>start + num <= q.count);
  if (num == 0) return true;
  let node = quicklistSeek(list, start);
  let offset = quicklistSeekOffset;
  if (!decompressPartial(node, offset, num)) return false;
  let first: NodePtr = 0;
  let last: NodePtr = 0;
  while (num != 0) {
    const next = nodeAt(node).next;
    const count = nodeAt(node).count;
    const removed = min(num, count - offset);
    if (removed == count) {
      removeNode(list, node);
    } else {
      nodeDeleteRange(node, offset, removed);
      q.count -= removed;
      if (first == 0) first = node;
      last = node;
    }
    num -= removed;
    node = next;
    offset = 0;
  }
  if (q.compress != 0) {
    settle(list, first);
    if (last != first) settle(list, last);
  }
  return true;
}

/** Decompresses the nodes of which a range, starting in `node`, has only a part. */
function decompressPartial(node: NodePtr, offset: u32, num: u32): bool {
  const count = nodeAt(node).count;
  if ((offset != 0 || num < count) && !nodeDecompressForUse(node)) return false;
  if (num <= count - offset) return true;
  num -= count - offset;
  node = nodeAt(node).next;
  while (num != 0 && num >= nodeAt(node).count) {
    num -= nodeAt(node).count;
    node = nodeAt(node).next;
  }
  return num == 0 || nodeDecompressForUse(node);
}
