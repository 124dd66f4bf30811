// The value of a list key: a listpack while it is small, a quicklist from then on.
//
//   address ──> | bytes (7 or more) | ...      listpack.ts
//   address ──> | 0                 | ...      quicklist.ts
//
// The first word tells them apart, so a list is just its address. Which of them it is, OBJECT ENCODING
// shows, and it changes by Redis 7.2's rules only where the caller says so:
//
//   listGrow    before elements come: a listpack that would exceed the limit of one node becomes a
//               quicklist
//   listShrink  after elements went: a quicklist of one packed node becomes a listpack when it is
//               at most half that limit
//   listAuto    after a list was built: either way, by the whole limit
//
// Functions that change a list return its address from then on, or 0 when there is no memory: then
// the list is as it was. Elements are read as a string (address and `listValueLen`) or as an
// integer (0 and `listValueInt`); the address is valid until the list changes or another is read
// (it may be pushed to another). Strings to store must not lie in the list itself. A list that has
// become empty stays a valid list.
//
// Ten elements of twenty bytes are a block of 256 bytes.

import { free } from '../memory/alloc';
import { bytesEqual } from '../util/bytes';
import { formatI64 } from '../util/number_format';
import {
  LP_AFTER,
  LP_BEFORE,
  LP_EOF,
  LP_HDR_SIZE,
  lpAppend,
  lpBlockBytes,
  lpBytes,
  lpCompare,
  lpDelete,
  lpDeleteRange,
  lpDup,
  lpEntry,
  lpFirst,
  lpFree,
  lpGet,
  lpInsert,
  lpLast,
  lpLength,
  lpNew,
  lpPrepend,
  lpPrev,
  lpReplace,
  lpSeek,
  lpSkip,
  lpValueInt,
  lpValueLen,
} from './listpack';
import {
  QUICKLIST_MARK,
  quicklistAppendListpack,
  quicklistAt,
  quicklistBytes,
  quicklistCountLimit,
  quicklistDelete,
  quicklistDeleteNode,
  quicklistDeleteRange,
  quicklistDup,
  quicklistExceedsLimit,
  quicklistFreeStep,
  quicklistInsert,
  quicklistLeave,
  quicklistNew,
  quicklistPop,
  quicklistPush,
  quicklistReplace,
  quicklistSeek,
  quicklistSeekOffset,
  quicklistSizeLimit,
} from './quicklist';
import { NodePtr, nodeAt, nodeIsPlain, nodeRead, nodeTakeListpack } from './quicklist_node';

/** The address of a list: of a listpack's block or of a quicklist. */
export type ListPtr = usize;

/** list-max-listpack-size and list-compress-depth; quicklists keep what they were created with. */
let listFill: i32 = -2;
let listCompress: i32 = 0;

/** Length of the string that was read last. */
export let listValueLen: u32 = 0;
/** The integer that was read last, if it was no string. */
export let listValueInt: i64 = 0;

export function listSetOptions(fill: i32, compress: i32): void {
  listFill = fill;
  listCompress = compress;
}

// --- The whole ---

/** An empty list, or 0 when there is no memory. */
export function listNew(): ListPtr {
  return lpNew(0);
}

/** An empty list in its large form, for whoever appends nodes; `listAuto` settles its form. */
export function listNewQuicklist(): ListPtr {
  return quicklistNew(listFill, listCompress);
}

export function listIsQuicklist(list: ListPtr): bool {
  return load<u32>(list) == QUICKLIST_MARK;
}

export function listLength(list: ListPtr): u32 {
  return listIsQuicklist(list) ? quicklistAt(list).count : lpLength(list);
}

/** What the list costs: exactly, or with `samples` other than 0 from so many nodes. */
export function listBytes(list: ListPtr, samples: u32): u64 {
  return listIsQuicklist(list) ? quicklistBytes(list, samples) : lpBlockBytes(list);
}

/** A copy of the same encoding, or 0 when there is no memory. */
export function listDup(list: ListPtr): ListPtr {
  return listIsQuicklist(list) ? quicklistDup(list) : lpDup(list);
}

/**
 * Frees up to so many nodes of the list, and the list itself after the last. Returns whether it is
 * gone; until then it must not be used for anything else.
 */
export function listFreeStep(list: ListPtr, nodes: u32): bool {
  if (listIsQuicklist(list)) return quicklistFreeStep(list, nodes);
  lpFree(list);
  return true;
}

export function listFree(list: ListPtr): void {
  listFreeStep(list, u32.MAX_VALUE);
}

// --- Encoding ---

/**
 * To be called before `count` elements of `bytes` in all are added, or one element is replaced.
 */
export function listGrow(list: ListPtr, bytes: u64, count: u32): ListPtr {
  if (listIsQuicklist(list)) return list;
  const length = lpLength(list);
  if (!quicklistExceedsLimit(listFill, bytes + lpBytes(list), length + count)) return list;
  const quicklist = quicklistNew(listFill, listCompress);
  if (quicklist == 0) return 0;
  if (length == 0) {
    lpFree(list);
  } else if (!quicklistAppendListpack(quicklist, list)) {
    free(quicklist);
    return 0;
  }
  return quicklist;
}

/** To be called after elements were removed or replaced. Never fails. */
export function listShrink(list: ListPtr): ListPtr {
  return tryListpack(list, 1);
}

/** To be called when a list was built in any way. Never fails. */
export function listAuto(list: ListPtr): ListPtr {
  if (listIsQuicklist(list)) return tryListpack(list, 0);
  const grown = listGrow(list, 0, 0);
  return grown != 0 ? grown : list;
}

/** Makes a quicklist a listpack if it is not above the limits, halved if `shift` is 1. */
function tryListpack(list: ListPtr, shift: u32): ListPtr {
  if (!listIsQuicklist(list)) return list;
  const head = quicklistAt(list).head;
  if (quicklistAt(list).len != 1 || nodeIsPlain(head)) return list;
  if (
    nodeAt(head).bytes > quicklistSizeLimit(listFill) >> shift ||
    nodeAt(head).count > quicklistCountLimit(listFill) >> shift
  ) {
    return list;
  }
  const lp = nodeTakeListpack(head);
  if (lp == 0) return list;
  free(list);
  return lp;
}

// --- Both ends ---

/** Adds an element at the head or at the tail. */
export function listPush(list: ListPtr, s: usize, len: u32, atHead: bool): ListPtr {
  if (listIsQuicklist(list)) return quicklistPush(list, s, len, atHead) ? list : 0;
  return atHead ? lpPrepend(list, s, len) : lpAppend(list, s, len);
}

/** Reads the first or the last element of a list that has one. */
export function listPeek(list: ListPtr, atHead: bool): usize {
  if (!listIsQuicklist(list)) return readListpack(atHead ? lpFirst(list) : lpLast(list));
  const node = atHead ? quicklistAt(list).head : quicklistAt(list).tail;
  const base = nodeRead(node);
  if (nodeIsPlain(node)) return readPlain(node);
  return readListpack(atHead ? base + LP_HDR_SIZE : lpLast(base));
}

/** Removes the first or the last element of a list that has one. */
export function listPop(list: ListPtr, atHead: bool): ListPtr {
  if (listIsQuicklist(list)) return quicklistPop(list, atHead) ? list : 0;
  return lpDelete(list, atHead ? lpFirst(list) : lpLast(list));
}

function readListpack(p: usize): usize {
  const string = lpGet(p);
  listValueLen = lpValueLen;
  listValueInt = lpValueInt;
  return string;
}

function readPlain(node: NodePtr): usize {
  listValueLen = nodeAt(node).bytes;
  return nodeRead(node);
}

// --- By position ---

/** The position from the start for one that may count from the end; -1 when there is no element. */
function positionOf(list: ListPtr, index: i64): i64 {
  const length: i64 = listLength(list);
  if (index < 0) index += length;
  return index < 0 || index >= length ? -1 : index;
}

/**
 * Replaces the element at a position, which may count from the end; there must be one. Call `listGrow`
 * before, for one more element, and `listShrink` after it.
 */
export function listReplace(list: ListPtr, index: i64, s: usize, len: u32): ListPtr {
  if (!listIsQuicklist(list)) return lpReplace(list, lpSeek(list, index), s, len);
  const position = positionOf(list, index);
  assert(position >= 0);
  const node = quicklistSeek(list, <u32>position);
  const offset = quicklistSeekOffset;
  const p = addressIn(node, offset);
  return quicklistReplace(list, node, offset, p, s, len) ? list : 0;
}

/** Removes `count` elements, or as many as there are, from a position on, which may be negative. */
export function listDeleteRange(list: ListPtr, start: i64, count: u32): ListPtr {
  if (!listIsQuicklist(list)) return lpDeleteRange(list, start, count);
  const position = positionOf(list, start);
  if (position < 0) return list;
  const rest = listLength(list) - <u32>position;
  return quicklistDeleteRange(list, <u32>position, min(count, rest)) ? list : 0;
}

/** The element at a position of a node, as an address of `nodeRead`. */
function addressIn(node: NodePtr, offset: u32): usize {
  const base = nodeRead(node);
  if (nodeIsPlain(node)) return base;
  // From the nearer end, also where the listpack does not know how many elements it has.
  const backwards = offset > nodeAt(node).count >> 1;
  return lpSeek(base, backwards ? <i64>offset - nodeAt(node).count : offset);
}

// --- Walking ---

/** A place in a list. Its memory, of `offsetof<ListIterator>()` bytes, is the user's. */
@unmanaged
export class ListIterator {
  list: ListPtr; // as changed by `listIteratorDelete` and `listIteratorInsert`
  node: NodePtr; // 0 in a listpack, and at the end
  p: usize; // the current element, 0 at the end
  offset: u32; // its position in the node
  backwards: bool;
  ahead: bool; // `p` is what comes next, not what was returned last
  changed: bool; // elements were removed from the node
}

/** Places an iterator so that `listNext` finds the element at `index` (may be negative), if any. */
export function listIteratorStart(
  it: ListIterator,
  list: ListPtr,
  index: i64,
  backwards: bool,
): void {
  it.list = list;
  it.backwards = backwards;
  it.ahead = true;
  it.changed = false;
  it.node = 0;
  it.p = 0;
  if (!listIsQuicklist(list)) {
    it.p = lpSeek(list, index);
    return;
  }
  const position = positionOf(list, index);
  if (position < 0) return;
  it.node = quicklistSeek(list, <u32>position);
  it.offset = quicklistSeekOffset;
  it.p = addressIn(it.node, it.offset);
}

/** Goes to the next element. False when there is none. */
export function listNext(it: ListIterator): bool {
  if (it.ahead) {
    it.ahead = false;
    return it.p != 0;
  }
  if (it.p == 0) return false;
  if (it.node != 0) return nextInQuicklist(it);
  if (it.backwards) {
    it.p = lpPrev(it.list, it.p);
  } else {
    const next = lpSkip(it.p);
    it.p = load<u8>(next) != LP_EOF ? next : 0;
  }
  return it.p != 0;
}

function nextInQuicklist(it: ListIterator): bool {
  const node = it.node;
  if (!nodeIsPlain(node)) {
    // Another compressed node may have been read since; the same bytes come to the same place.
    const base = nodeRead(node);
    if (it.backwards) {
      const previous = lpPrev(base, it.p);
      if (previous != 0) {
        it.p = previous;
        it.offset -= 1;
        return true;
      }
    } else {
      const next = lpSkip(it.p);
      if (load<u8>(next) != LP_EOF) {
        it.p = next;
        it.offset += 1;
        return true;
      }
    }
  }
  goOn(it);
  return it.p != 0;
}

/** Goes to the first element of the next node that the walk comes to. */
function goOn(it: ListIterator): void {
  const node = it.node;
  const neighbour = it.backwards ? nodeAt(node).prev : nodeAt(node).next;
  if (it.changed) quicklistLeave(it.list, node);
  enterNode(it, neighbour);
}

/** Goes to the first element of a node, or the last when walking backwards; 0: to the end. */
function enterNode(it: ListIterator, node: NodePtr): void {
  it.node = node;
  it.p = 0;
  it.changed = false;
  if (node == 0) return;
  it.offset = it.backwards ? nodeAt(node).count - 1 : 0;
  const base = nodeRead(node);
  if (nodeIsPlain(node)) it.p = base;
  else it.p = it.backwards ? lpLast(base) : base + LP_HDR_SIZE;
}

/**
 * How many elements, from the one that `listNext` found on, lie one behind the other from `it.p` on; 0
 * when it lies alone and is no listpack element. Only for quicklists, and walks forwards.
 */
export function listRunLength(it: ListIterator): u32 {
  assert(it.node != 0);
  return nodeIsPlain(it.node) ? 0 : nodeAt(it.node).count - it.offset;
}

/** Goes behind these elements: `listNext` finds what follows. */
export function listSkipRun(it: ListIterator): void {
  it.ahead = true;
  goOn(it);
}

/** Reads the element that `listNext` found. */
export function listCurrent(it: ListIterator): usize {
  return it.node != 0 && nodeIsPlain(it.node) ? readPlain(it.node) : readListpack(it.p);
}

/** Reads the element that `listNext` found as text; integers are written to `buffer` (20 bytes). */
export function listCurrentText(it: ListIterator, buffer: usize): usize {
  const string = listCurrent(it);
  if (string != 0) return string;
  listValueLen = formatI64(listValueInt, buffer);
  return buffer;
}

/** Whether the element that `listNext` found is equal to a string. */
export function listCurrentEquals(it: ListIterator, s: usize, len: u32): bool {
  if (it.node == 0 || !nodeIsPlain(it.node)) return lpCompare(it.p, s, len);
  return nodeAt(it.node).bytes == len && bytesEqual(nodeRead(it.node), s, len);
}

/**
 * Removes the element that `listNext` found; `listNext` then finds the one after it. The list's
 * address is in the iterator. False when there is no memory to decompress: the element stays.
 */
export function listIteratorDelete(it: ListIterator): bool {
  const node = it.node;
  if (node == 0) {
    it.list = lpDelete(it.list, it.p);
    it.p = lpEntry;
    if (it.backwards) it.p = it.p != 0 ? lpPrev(it.list, it.p) : lpLast(it.list);
  } else if (nodeAt(node).count == 1) {
    const neighbour = it.backwards ? nodeAt(node).prev : nodeAt(node).next;
    quicklistDeleteNode(it.list, node);
    enterNode(it, neighbour);
  } else {
    const next = quicklistDelete(it.list, node, it.p);
    if (next == 0) return false;
    afterDeleted(it, next);
  }
  it.ahead = true;
  return true;
}

/** Goes on from where an element was removed from a node that has others; `next` is behind it. */
function afterDeleted(it: ListIterator, next: usize): void {
  it.changed = true;
  if (it.backwards ? it.offset == 0 : load<u8>(next) == LP_EOF) {
    goOn(it);
  } else if (it.backwards) {
    it.p = lpPrev(nodeRead(it.node), next);
    it.offset -= 1;
  } else {
    it.p = next;
  }
}

/**
 * Adds an element after or before the one that `listNext` found. The iterator ends. Returns the list's
 * address, 0 when there is no memory. Call `listGrow` before the iterator starts.
 */
export function listIteratorInsert(it: ListIterator, s: usize, len: u32, after: bool): ListPtr {
  const node = it.node;
  const p = it.p;
  it.p = 0;
  it.node = 0;
  if (node == 0) return lpInsert(it.list, p, s, len, after ? LP_AFTER : LP_BEFORE);
  return quicklistInsert(it.list, node, it.offset, p, s, len, after) ? it.list : 0;
}

/** To be called when a walk that removed elements ends before the list does. */
export function listIteratorEnd(it: ListIterator): void {
  if (it.node != 0 && it.changed) quicklistLeave(it.list, it.node);
  it.node = 0;
  it.p = 0;
}
