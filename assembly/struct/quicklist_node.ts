// A node of a quicklist: one listpack, or one large element alone ("plain"), raw or compressed.
//
//   0      4      8       12      16      20     22
//   +------+------+-------+-------+-------+------+-------+
//   | prev | next | block | bytes | count | gap  | flags |      24 bytes
//   +------+------+---+---+-------+-------+------+-------+
//                     v
//   raw listpack      | gap | header, elements, end | idle |
//   plain element     | data | idle |
//   compressed        | lzf bytes u32 | lzf data | idle |
//
// `bytes` is the size of the listpack or of the plain element, uncompressed; `count` the number of
// elements. The gap makes both ends cheap: what is pushed or popped at the head moves the
// listpack's header, not its elements. When the block is used up at one end and idle at the other,
// the listpack slides over.
//
// Compressed bytes are read through one static buffer, which holds the node that was read last;
// nodes larger than it stay raw. To be changed, a node is decompressed in place.
//
// Functions that need memory return false or 0 when there is none; the node is then as it was, though
// perhaps no longer compressed. Functions that remove never fail on a raw node. Links belong to
// quicklist.ts.
//
// Difference from Redis: Redis moves a whole listpack for a push or pop at its head, and
// decompresses nodes to read them.

import { free, tryAlloc, tryRealloc, usableSize } from '../memory/alloc';
import { lzfCompress, lzfDecompress } from '../util/lzf';
import {
  LP_COUNT_UNKNOWN,
  LP_EMPTY_BYTES,
  LP_EOF,
  LP_HDR_SIZE,
  lpBytes,
  lpDelete,
  lpDeleteRange,
  lpEncode,
  lpEncodedBytes,
  lpEntry,
  lpInsert,
  lpMerge,
  lpReplace,
  lpSeek,
  lpSkip,
  lpWriteEncoded,
} from './listpack';

/** The address of a node. */
export type NodePtr = usize;

@unmanaged
export class QuicklistNode {
  prev: NodePtr; // 0 for the head
  next: NodePtr; // 0 for the tail
  block: usize; // see the picture above
  bytes: u32; // uncompressed size of the contents
  count: u32; // elements
  gap: u16; // raw listpack: where it starts in the block; else 0
  flags: u16; // NODE_*
}
if (offsetof<QuicklistNode>() != 24) ERROR('a node is 24 bytes');

/** One element, not a listpack. */
export const NODE_PLAIN: u16 = 1;
export const NODE_LZF: u16 = 2;
/** Was compressed before somebody wanted to change it. */
export const NODE_RECOMPRESS: u16 = 4;
/** Compressing it was tried in vain, or is not wanted, until its contents change. */
export const NODE_KEEP_RAW: u16 = 8;

/** Smaller ones are not worth compressing. */
const COMPRESS_BYTES_MIN: u32 = 48;
/** Larger ones do not fit the buffer for reading. */
const COMPRESS_BYTES_MAX: u32 = 65536;
const GAP_MAX: usize = 0xffff;
const LZF_HDR_SIZE: usize = 4;
/** The compressor may give up when fewer bytes would be left over. */
const LZF_SPARE: u32 = 4;
const COUNT_OFFSET: usize = 4;

/** The contents of `readNode`, decompressed. */
const READ_BUFFER: usize = memory.data(65536, 8);
let readNode: NodePtr = 0;

export function nodeAt(node: NodePtr): QuicklistNode {
  return changetype<QuicklistNode>(node);
}

// --- Life ---

/** A node, not yet linked, that takes over a block with a listpack or a plain element. 0: no memory. */
export function nodeNew(block: usize, bytes: u32, count: u32, flags: u16): NodePtr {
  const node = tryAlloc(offsetof<QuicklistNode>());
  if (node == 0) return 0;
  const n = nodeAt(node);
  n.prev = 0;
  n.next = 0;
  n.block = block;
  n.bytes = bytes;
  n.count = count;
  n.gap = 0;
  n.flags = flags;
  return node;
}

/** A node, not yet linked, with one element. 0 when there is no memory. */
export function nodeNewElement(s: usize, len: u32, plain: bool): NodePtr {
  let bytes: u64 = len;
  if (!plain) {
    lpEncode(s, len);
    bytes = lpEncodedBytes + LP_EMPTY_BYTES;
    if (bytes > u32.MAX_VALUE) return 0;
  }
  const block = tryAlloc(<usize>bytes);
  if (block == 0) return 0;
  const node = nodeNew(block, <u32>bytes, 1, plain ? NODE_PLAIN : 0);
  if (node == 0) {
    free(block);
    return 0;
  }
  if (plain) {
    memory.copy(block, s, len);
  } else {
    lpWriteEncoded(block + LP_HDR_SIZE);
    store<u8>(block + <usize>bytes - 1, LP_EOF);
    writeHeader(node);
  }
  return node;
}

/** A copy, not yet linked. 0 when there is no memory. */
export function nodeDup(node: NodePtr): NodePtr {
  const n = nodeAt(node);
  const lzf = (n.flags & NODE_LZF) != 0;
  const size: usize = lzf ? LZF_HDR_SIZE + load<u32>(n.block) : n.bytes;
  const block = tryAlloc(size);
  if (block == 0) return 0;
  const copy = nodeNew(block, n.bytes, n.count, n.flags);
  if (copy == 0) {
    free(block);
    return 0;
  }
  memory.copy(block, n.block + n.gap, size);
  return copy;
}

export function nodeFree(node: NodePtr): void {
  forget(node);
  free(nodeAt(node).block);
  free(node);
}

/** What the node costs. */
export function nodeBlockBytes(node: NodePtr): usize {
  return usableSize(node) + usableSize(nodeAt(node).block);
}

// --- Reading ---

export function nodeIsPlain(node: NodePtr): bool {
  return (nodeAt(node).flags & NODE_PLAIN) != 0;
}

export function nodeIsCompressed(node: NodePtr): bool {
  return (nodeAt(node).flags & NODE_LZF) != 0;
}

/**
 * The address of the listpack or plain element, for reading only. If it is compressed, the bytes are
 * valid until another compressed node is read or this one changes.
 */
export function nodeRead(node: NodePtr): usize {
  const n = nodeAt(node);
  if ((n.flags & NODE_LZF) == 0) return n.block + n.gap;
  if (readNode != node) {
    unpack(node, READ_BUFFER);
    readNode = node;
  }
  return READ_BUFFER;
}

/** Decompresses a compressed node's contents to `out`. */
function unpack(node: NodePtr, out: usize): void {
  const n = nodeAt(node);
  const bytes = lzfDecompress(n.block + LZF_HDR_SIZE, load<u32>(n.block), out, n.bytes);
  assert(bytes == n.bytes);
}

/** The compressed bytes of a compressed node; they are `nodeLzfBytes` many. */
export function nodeLzf(node: NodePtr): usize {
  return nodeAt(node).block + LZF_HDR_SIZE;
}

export function nodeLzfBytes(node: NodePtr): u32 {
  return load<u32>(nodeAt(node).block);
}

/** Must be called when a node changes or goes: its bytes in the buffer are not its own any more. */
function forget(node: NodePtr): void {
  if (readNode == node) readNode = 0;
}

// --- Compression ---

/**
 * Compresses a raw node if that saves more than `saveBytes`. A node that cannot be compressed is not
 * tried again before it changes. Returns whether it is compressed now.
 */
export function nodeCompress(node: NodePtr, saveBytes: u32): bool {
  const n = nodeAt(node);
  if ((n.flags & NODE_LZF) != 0) return true;
  n.flags &= ~NODE_RECOMPRESS;
  if ((n.flags & NODE_KEEP_RAW) != 0) return false;
  const bytes = n.bytes;
  if (bytes < COMPRESS_BYTES_MIN || bytes > COMPRESS_BYTES_MAX || bytes <= saveBytes) return false;
  const capacity = bytes - saveBytes + LZF_SPARE;
  const block = tryAlloc(LZF_HDR_SIZE + capacity);
  if (block == 0) return false;
  const size = <u32>lzfCompress(n.block + n.gap, bytes, block + LZF_HDR_SIZE, capacity);
  if (size == 0 || size + saveBytes >= bytes) {
    free(block);
    n.flags |= NODE_KEEP_RAW;
    return false;
  }
  store<u32>(block, size);
  const fitted = tryRealloc(block, LZF_HDR_SIZE + size);
  free(n.block);
  n.block = fitted != 0 ? fitted : block;
  n.gap = 0;
  n.flags |= NODE_LZF;
  return true;
}

/** Makes the node raw. False when there is no memory: then it stays compressed. */
export function nodeDecompress(node: NodePtr): bool {
  const n = nodeAt(node);
  if ((n.flags & NODE_LZF) == 0) return true;
  const block = tryAlloc(n.bytes);
  if (block == 0) return false;
  if (readNode == node) {
    memory.copy(block, READ_BUFFER, n.bytes);
    forget(node);
  } else {
    // Not by way of the buffer: an element of another list may lie there, about to be pushed here.
    unpack(node, block);
  }
  free(n.block);
  n.block = block;
  n.flags &= ~NODE_LZF;
  return true;
}

/** As `nodeDecompress`, and remembers that it was compressed. */
export function nodeDecompressForUse(node: NodePtr): bool {
  if (!nodeIsCompressed(node)) return true;
  if (!nodeDecompress(node)) return false;
  nodeAt(node).flags |= NODE_RECOMPRESS;
  return true;
}

// --- The listpack in its block ---

/** Writes the header of a raw listpack from the node's fields. */
function writeHeader(node: NodePtr): void {
  const n = nodeAt(node);
  const lp = n.block + n.gap;
  store<u32>(lp, n.bytes);
  store<u16>(lp, <u16>min(n.count, LP_COUNT_UNKNOWN), COUNT_OFFSET);
}

/** Moves the listpack to the start of its block. */
function closeGap(node: NodePtr): void {
  const n = nodeAt(node);
  if (n.gap == 0) return;
  memory.copy(n.block, n.block + n.gap, n.bytes);
  n.gap = 0;
}

/** The listpack at the start of its block, ready to be changed by lp functions. 0: no memory. */
function listpackForUse(node: NodePtr): usize {
  if (!nodeDecompressForUse(node)) return 0;
  closeGap(node);
  nodeAt(node).flags &= ~NODE_KEEP_RAW;
  return nodeAt(node).block;
}

/** Takes over what an lp function returned. */
function setListpack(node: NodePtr, lp: usize, count: u32): void {
  const n = nodeAt(node);
  n.block = lp;
  n.bytes = lpBytes(lp);
  n.count = count;
}

/** Takes the listpack out of a node that is then freed. 0 when there is no memory: nothing changed. */
export function nodeTakeListpack(node: NodePtr): usize {
  const lp = listpackForUse(node);
  if (lp == 0) return 0;
  const bytes: usize = lpBytes(lp);
  const fitted = bytes < usableSize(lp) ? tryRealloc(lp, bytes) : lp;
  free(node);
  return fitted != 0 ? fitted : lp;
}

/** Moves the listpack into a block of `size` bytes, to its end or its start. */
function moveToBlock(node: NodePtr, size: usize, toEnd: bool): bool {
  const n = nodeAt(node);
  const block = tryAlloc(size);
  if (block == 0) return false;
  const gap = toEnd ? min(usableSize(block) - n.bytes, GAP_MAX) : 0;
  memory.copy(block + gap, n.block + n.gap, n.bytes);
  free(n.block);
  n.block = block;
  n.gap = <u16>gap;
  return true;
}

/** Makes the gap at least `added` wide. */
function reserveFront(node: NodePtr, added: u64): bool {
  const n = nodeAt(node);
  if (added > GAP_MAX || n.bytes + added > u32.MAX_VALUE) return false;
  const usable = usableSize(n.block);
  const wanted = <usize>n.bytes + <usize>added;
  if (wanted > usable) return moveToBlock(node, wanted, true);
  const gap = min(usable - n.bytes, GAP_MAX);
  memory.copy(n.block + gap, n.block + n.gap, n.bytes);
  n.gap = <u16>gap;
  return true;
}

/** Makes room for `added` bytes behind the listpack. */
function reserveBack(node: NodePtr, added: u64): bool {
  const n = nodeAt(node);
  const wanted = n.bytes + added;
  if (wanted > u32.MAX_VALUE) return false;
  if (wanted > usableSize(n.block)) {
    if (n.gap != 0) return moveToBlock(node, <usize>wanted, false);
    const grown = tryRealloc(n.block, <usize>wanted);
    if (grown == 0) return false;
    n.block = grown;
    return true;
  }
  closeGap(node);
  return true;
}

/** Moves the listpack to a smaller block when less than half of its own is in use. */
function shrink(node: NodePtr): void {
  const n = nodeAt(node);
  if (<usize>n.bytes < usableSize(n.block) >> 1) moveToBlock(node, n.bytes, false);
}

// --- Both ends ---

/** Adds an element before the first. */
export function nodePushHead(node: NodePtr, s: usize, len: u32): bool {
  if (!nodeDecompressForUse(node)) return false;
  lpEncode(s, len);
  const n = nodeAt(node);
  const added = lpEncodedBytes;
  if (added > n.gap && !reserveFront(node, added)) {
    return added > GAP_MAX && nodeInsert(node, nodeRead(node) + LP_HDR_SIZE, s, len, 0);
  }
  n.gap -= <u16>added;
  n.bytes += <u32>added;
  n.count += 1;
  n.flags &= ~NODE_KEEP_RAW;
  writeHeader(node);
  lpWriteEncoded(n.block + n.gap + LP_HDR_SIZE);
  return true;
}

/** Adds an element after the last. */
export function nodePushTail(node: NodePtr, s: usize, len: u32): bool {
  if (!nodeDecompressForUse(node)) return false;
  lpEncode(s, len);
  const n = nodeAt(node);
  const added = lpEncodedBytes;
  if (n.gap + n.bytes + added > usableSize(n.block) && !reserveBack(node, added)) return false;
  const end = n.block + n.gap + n.bytes - 1;
  n.bytes += <u32>added;
  n.count += 1;
  n.flags &= ~NODE_KEEP_RAW;
  lpWriteEncoded(end);
  store<u8>(end + <usize>added, LP_EOF);
  writeHeader(node);
  return true;
}

/**
 * Removes `num` elements from the first on, which end at `end`; some are left. The listpack is raw.
 */
function dropHead(node: NodePtr, end: usize, num: u32): void {
  const n = nodeAt(node);
  const removed = <u32>(end - (n.block + n.gap + LP_HDR_SIZE));
  const gap = <usize>n.gap + removed;
  n.bytes -= removed;
  n.count -= num;
  if (gap <= GAP_MAX) {
    n.gap = <u16>gap;
  } else {
    memory.copy(n.block + LP_HDR_SIZE, end, <usize>n.bytes - LP_HDR_SIZE);
    n.gap = 0;
  }
  writeHeader(node);
  shrink(node);
}

/** Removes all from `p` on, `num` elements; some are left before it. The listpack is raw. */
function dropTail(node: NodePtr, p: usize, num: u32): void {
  const n = nodeAt(node);
  store<u8>(p, LP_EOF);
  n.bytes = <u32>(p + 1 - (n.block + n.gap));
  n.count -= num;
  writeHeader(node);
  shrink(node);
}

// --- Anywhere ---

/** Adds an element before (`where` LP_BEFORE) or after the one at `p`, an address of `nodeRead`. */
export function nodeInsert(node: NodePtr, p: usize, s: usize, len: u32, where: u32): bool {
  const offset = p - nodeRead(node);
  const lp = listpackForUse(node);
  if (lp == 0) return false;
  const changed = lpInsert(lp, lp + offset, s, len, where);
  if (changed == 0) return false;
  setListpack(node, changed, nodeAt(node).count + 1);
  return true;
}

/** Replaces the element at `p`, an address of `nodeRead`. */
export function nodeReplace(node: NodePtr, p: usize, s: usize, len: u32): bool {
  const offset = p - nodeRead(node);
  const lp = listpackForUse(node);
  if (lp == 0) return false;
  const changed = lpReplace(lp, lp + offset, s, len);
  if (changed == 0) return false;
  setListpack(node, changed, nodeAt(node).count);
  return true;
}

/**
 * Removes the element at `p`, an address of `nodeRead`; it is not the only one. Returns the address of
 * the element behind it, or of the end; 0 when there is no memory.
 */
export function nodeDelete(node: NodePtr, p: usize): usize {
  const offset = p - nodeRead(node);
  if (!nodeDecompressForUse(node)) return 0;
  const n = nodeAt(node);
  n.flags &= ~NODE_KEEP_RAW;
  p = n.block + n.gap + offset;
  const next = lpSkip(p);
  if (offset == LP_HDR_SIZE) {
    dropHead(node, next, 1);
    return n.block + n.gap + LP_HDR_SIZE;
  }
  if (load<u8>(next) == LP_EOF) {
    dropTail(node, p, 1);
    return n.block + n.gap + n.bytes - 1;
  }
  closeGap(node);
  setListpack(node, lpDelete(n.block, n.block + offset), n.count - 1);
  return lpEntry;
}

/**
 * Removes `num` elements from a position on; they are there and some are left. False when there is no
 * memory to decompress.
 */
export function nodeDeleteRange(node: NodePtr, index: u32, num: u32): bool {
  if (!nodeDecompressForUse(node)) return false;
  const n = nodeAt(node);
  n.flags &= ~NODE_KEEP_RAW;
  if (index == 0) {
    let end = n.block + n.gap + LP_HDR_SIZE;
    for (let i = num; i != 0; i--) end = lpSkip(end);
    dropHead(node, end, num);
    return true;
  }
  if (index + num == n.count) {
    dropTail(node, lpSeek(n.block + n.gap, -(<i64>num)), num);
    return true;
  }
  closeGap(node);
  setListpack(node, lpDeleteRange(n.block, index, num), n.count - num);
  return true;
}

/** Replaces the contents of a plain node by another plain element. */
export function nodeReplacePlain(node: NodePtr, s: usize, len: u32): bool {
  const block = tryAlloc(len);
  if (block == 0) return false;
  memory.copy(block, s, len);
  const n = nodeAt(node);
  forget(node);
  free(n.block);
  n.block = block;
  n.bytes = len;
  n.flags = NODE_PLAIN;
  return true;
}

// --- Two nodes ---

/**
 * Moves the elements from position `index` on to a new node, not yet linked; both get some. 0 when
 * there is no memory.
 */
export function nodeSplit(node: NodePtr, index: u32): NodePtr {
  if (!nodeDecompressForUse(node)) return 0;
  const n = nodeAt(node);
  let p = n.block + n.gap + LP_HDR_SIZE;
  for (let i = index; i != 0; i--) p = lpSkip(p);
  const elementBytes = <u32>(n.block + n.gap + n.bytes - 1 - p);
  const bytes = elementBytes + LP_EMPTY_BYTES;
  const block = tryAlloc(bytes);
  if (block == 0) return 0;
  const rest = nodeNew(block, bytes, n.count - index, 0);
  if (rest == 0) {
    free(block);
    return 0;
  }
  memory.copy(block + LP_HDR_SIZE, p, elementBytes + 1);
  writeHeader(rest);
  n.flags &= ~NODE_KEEP_RAW;
  dropTail(node, p, n.count - index);
  return rest;
}

/**
 * Moves the elements of `second` to the end of `first`; of `second` only the record is left, for the
 * caller to unlink and free. False when there is no memory.
 */
export function nodeMerge(first: NodePtr, second: NodePtr): bool {
  if (!nodeDecompress(first) || !nodeDecompress(second)) return false;
  closeGap(first);
  closeGap(second);
  const a = nodeAt(first);
  const b = nodeAt(second);
  const merged = lpMerge(a.block, b.block);
  if (merged == 0) return false;
  setListpack(first, merged, a.count + b.count);
  a.flags &= ~(NODE_RECOMPRESS | NODE_KEEP_RAW);
  return true;
}
