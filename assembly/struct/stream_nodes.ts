// Entries of a stream: in the order of their ids, packed into listpacks that an id tree leads to.
// stream.ts has the stream as a whole.
//
//   Stream ── id tree ──> id of the node's first entry ("master id") ──> listpack
//
//   listpack:  | count | deleted | num-fields | field ... field | 0 |   the master entry
//              | flags | ms-diff | seq-diff | value ... value | lp-count |               same fields
//              | flags | ms-diff | seq-diff | num-fields | field | value | ... | lp-count |
//
//   flags      1 deleted, 2 the fields are those of the master entry and not repeated
//   diffs      the entry's id minus the master id, as signed 64-bit numbers
//   lp-count   number of listpack elements of the entry before this one, to walk backwards; the 0 of
//              the master entry stops the walk
//   count      entries that are not deleted; deleted: those that are, and still take their place
//
// A node takes entries until its strings would reach stream-node-max-bytes, or it has
// stream-node-max-entries. It is a listpack as long as it is the last one, then it is packed
// (stream_packed.ts), which takes less room. What it stands for are the bytes of Redis: they go into
// DUMP payloads and files, and which entries share a node decides what trimming with "~" removes.
//
// Ids are unsigned 128-bit numbers; only ids above the last one ever used may be added, so adding
// happens in the last node. Deleting marks an entry; a node goes when its last entry is deleted. The
// block of a listpack has COUNTER_SLACK bytes to spare, for the counters of its master entry to grow: thus
// deleting and trimming never need memory.
//
// Iterators are made of a position in the id tree and element addresses: good until the stream changes,
// except by `streamIteratorRemove`. An entry's fields and values are given as listpack elements, for
// `lpGet`.
//
// Adding is O(1) beside the size of the entry and O(log n) in the number of nodes n; finding an id is
// O(log n) and a walk within its node, as in Redis.
//
// The stream owns its nodes.
//
// Bytes per entry, of a hundred thousand, against Redis 7.0.15:
//
//   three fields, 3 bytes each   15.9 : 26.1     one field, 16 bytes    21.0 : 31.2
//   three, up to 8 bytes         28.1 : 36.9     one field, 100 bytes  107.3 : 114.7

import { free, tryAlloc, tryRealloc, usableSize } from '../memory/alloc';
import {
  IdAt,
  idTreeFind,
  idTreeFirst,
  idTreeFloor,
  idTreeLast,
  idTreeRemove,
  idTreeSeek,
  tryIdTreeInsert,
} from './id_tree';
import {
  ListpackPtr,
  LP_EMPTY_BYTES,
  LP_EOF,
  lpAppend,
  lpAppendInteger,
  lpBytes,
  lpCompare,
  lpEncode,
  lpEncodedBytes,
  lpEncodeInteger,
  lpFirst,
  lpGet,
  lpInit,
  lpLast,
  lpPrev,
  lpSkip,
  lpValidate,
  lpValueInt,
  lpWriteEncoded,
} from './listpack';
import { Tree, treeNext, treePrev } from './ordered_tree';
import { Element, skipElements } from './stream_element';
import {
  PACKED_HEADER_BYTES,
  PACKED_MAX_ENTRIES,
  Packed,
  packedVerify,
  tryPack,
  tryPackedCopy,
  unpack,
  unpackedBytes,
} from './stream_packed';

export type StreamPtr = usize;

const FLAG_DELETED: i64 = 1;
const FLAG_SAME_FIELDS: i64 = 2;

/** Elements of an entry besides fields and values: flags and the two differences. */
const ENTRY_FIXED_ELEMENTS: i64 = 3;
/** A node's block is at least so much larger than its listpack. */
const COUNTER_SLACK: usize = 8;
/** No more bytes of strings than this in one entry, nor in one node. */
export const STREAM_LISTPACK_MAX_SIZE: u64 = 1 << 30;

/** No node is longer, with the strings of its last entry and what encoding them takes. */
const STREAM_NODE_MAX_BYTES: usize = 0x7fffffff;

/** A stream's header. */
@unmanaged
export class Stream {
  nodesRoot: usize; // the id tree of nodes: a Tree
  nodesSize: u32;
  nodesTreeBytes: u64;
  groupsRoot: usize; // consumer groups by name: a Tree, see stream_group.ts
  groupsSize: u32;
  groupsTreeBytes: u64;
  listpackBytes: u64; // sum of the sizes of the nodes' blocks
  length: u64; // entries that are not deleted
  lastMs: u64; // the last id ever used
  lastSeq: u64;
  firstMs: u64; // id of the first entry, 0-0 when there is none
  firstSeq: u64;
  maxDeletedMs: u64; // the largest id ever deleted by XDEL
  maxDeletedSeq: u64;
  entriesAdded: u64; // entries ever added
  idmp: usize; // what is known of producers, 0 for nothing: see stream_idmp.ts

  @inline nodes(): Tree {
    return changetype<Tree>(changetype<usize>(this));
  }
  @inline groups(): Tree {
    return changetype<Tree>(changetype<usize>(this) + GROUPS_OFFSET);
  }
}

const GROUPS_OFFSET: usize = 16;

// --- Ids ---

/** The id that functions here and in stream_group.ts leave behind. */
export let idMs: u64 = 0;
export let idSeq: u64 = 0;

function setId(ms: u64, seq: u64): void {
  idMs = ms;
  idSeq = seq;
}

/** -1, 0 or 1 as the first id is below, equal to or above the second. */
export function streamCompareId(msA: u64, seqA: u64, msB: u64, seqB: u64): i32 {
  if (msA != msB) return msA < msB ? -1 : 1;
  return i32(seqA > seqB) - i32(seqA < seqB);
}

/** Leaves the next id in `idMs` and `idSeq`; false after the largest, then it is 0-0. */
export function streamIncrId(ms: u64, seq: u64): bool {
  if (seq != u64.MAX_VALUE) setId(ms, seq + 1);
  else setId(ms + 1, 0);
  return seq != u64.MAX_VALUE || ms != u64.MAX_VALUE;
}

/** Leaves the id before in `idMs` and `idSeq`; false before 0-0, then it is the largest. */
export function streamDecrId(ms: u64, seq: u64): bool {
  if (seq != 0) setId(ms, seq - 1);
  else setId(ms - 1, u64.MAX_VALUE);
  return seq != 0 || ms != 0;
}

/**
 * Leaves the id that "*" stands for in `idMs` and `idSeq`: of the clock if that is ahead of the last
 * id, else the one after that. False when there is none.
 */
export function streamNextId(s: Stream, nowMs: u64): bool {
  if (nowMs > s.lastMs) {
    setId(nowMs, 0);
    return true;
  }
  return streamIncrId(s.lastMs, s.lastSeq);
}

/** As `streamNextId` for "ms-*". False when there is no such id above the last one. */
export function streamNextSeq(s: Stream, ms: u64): bool {
  if (ms != s.lastMs) {
    setId(ms, 0);
    return ms > s.lastMs;
  }
  setId(ms, s.lastSeq + 1);
  return s.lastSeq != u64.MAX_VALUE;
}

/** Whether an entry with this id may be added. */
export function streamAccepts(s: Stream, ms: u64, seq: u64): bool {
  return streamCompareId(ms, seq, s.lastMs, s.lastSeq) > 0;
}

// --- Counters ---

/**
 * Stores another integer in an element of a node, whose block has room for it to grow. Elements
 * behind may move.
 */
function setInteger(lp: ListpackPtr, p: usize, value: i64): void {
  lpEncodeInteger(value);
  const added = <usize>lpEncodedBytes;
  const old = Element.skip(p, 1) - p;
  if (added != old) {
    const bytes = lpBytes(lp);
    const grown = <usize>bytes + added - old;
    assert(grown <= usableSize(lp));
    memory.copy(p + added, p + old, lp + bytes - p - old);
    store<u32>(lp, <u32>grown);
  }
  lpWriteEncoded(p);
}

/** The parts of a node's master entry. */
class Master {
  @inline static count(lp: usize): i64 {
    return Packed.is(lp) ? <i64>Packed.count(lp) : Element.integer(lpFirst(lp));
  }
  @inline static deleted(lp: usize): i64 {
    if (Packed.is(lp)) return Packed.deleted(lp);
    return Element.integer(Element.skip(lpFirst(lp), 1));
  }
  @inline static fieldCountAt(lp: usize): usize {
    if (Packed.is(lp)) return lp + PACKED_HEADER_BYTES;
    return Element.skip(Element.skip(lpFirst(lp), 1), 1);
  }
}

/** Adds `deleted` to the entries that are marked and takes them from the others. */
function countDeleted(lp: usize, deleted: i64): void {
  if (Packed.is(lp)) {
    Packed.countDeleted(lp, <u32>deleted);
    return;
  }
  setInteger(lp, lpFirst(lp), Master.count(lp) - deleted);
  const at = Element.skip(lpFirst(lp), 1);
  setInteger(lp, at, Element.integer(at) + deleted);
}

// --- Adding ---

/** The strings of an entry on its way in: records of u32 address, u32 length, `itemStride` apart. */
let items: usize = 0;
let itemStride: u32 = 0;

function itemPtr(index: u32): usize {
  return load<u32>(items + index * itemStride);
}

function itemLen(index: u32): u32 {
  return load<u32>(items + index * itemStride, 4);
}

/** Bytes of the strings of an entry; above STREAM_LISTPACK_MAX_SIZE it cannot be added. */
export function streamItemBytes(at: usize, stride: u32, fields: u32): u64 {
  let bytes: u64 = 0;
  for (let i: u32 = 0; i < fields << 1; i++) bytes += load<u32>(at + i * stride, 4);
  return bytes;
}

/**
 * Adds an entry under an id that `streamAccepts`. Its fields and values alternate in the records from
 * `at` on, `stride` bytes apart, each an u32 address and an u32 length. `nodeMaxBytes` and
 * `nodeMaxEntries` as configured, 0 for no limit. False when memory is exhausted; then nothing
 * changed.
 */
export function tryStreamAppend(
  s: Stream,
  ms: u64,
  seq: u64,
  at: usize,
  stride: u32,
  fields: u32,
  nodeMaxBytes: u64,
  nodeMaxEntries: i64,
): bool {
  assert(streamAccepts(s, ms, seq));
  items = at;
  itemStride = stride;
  const tail = idTreeLast(s.nodes());
  let added = false;
  if (tail != 0 && hasRoom(IdAt.address(tail), fields, nodeMaxBytes, nodeMaxEntries)) {
    added = tryUnpackNode(s, tail) && tryAppendTo(s, tail, ms, seq, fields);
  } else {
    added = tryNewNode(s, ms, seq, fields);
    // The old node will not grow any more.
    if (added && tail != 0) packNode(s, treePrev(idTreeLast(s.nodes())));
  }
  if (!added) return false;
  s.length += 1;
  s.entriesAdded += 1;
  s.lastMs = ms;
  s.lastSeq = seq;
  if (s.length == 1) {
    s.firstMs = ms;
    s.firstSeq = seq;
  }
  return true;
}

/** Whether the last node takes the entry at hand. */
function hasRoom(lp: ListpackPtr, fields: u32, nodeMaxBytes: u64, nodeMaxEntries: i64): bool {
  let limit = nodeMaxBytes;
  if (limit == 0 || limit > STREAM_LISTPACK_MAX_SIZE) limit = STREAM_LISTPACK_MAX_SIZE;
  const bytes: u64 = Packed.is(lp) ? unpackedBytes(lp) : lpBytes(lp);
  if (bytes + streamItemBytes(items, itemStride, fields) >= limit) return false;
  if (nodeMaxEntries == 0) return true;
  return Master.count(lp) + Master.deleted(lp) < nodeMaxEntries;
}

/** Bytes of the elements that a node needs for an entry, its master entry aside. */
function entryBytes(ms: u64, seq: u64, fields: u32, same: bool): u64 {
  // The flags and, unless it has very many fields, the number of elements.
  let bytes: u64 = 2 + integerBytes(elementCount(fields, same));
  bytes += integerBytes(ms) + integerBytes(seq);
  if (!same) bytes += integerBytes(fields);
  for (let i: u32 = same ? 1 : 0; i < fields << 1; i += same ? 2 : 1) {
    lpEncode(itemPtr(i), itemLen(i));
    bytes += lpEncodedBytes;
  }
  return bytes;
}

function integerBytes(value: i64): u64 {
  lpEncodeInteger(value);
  return lpEncodedBytes;
}

/** What an entry's lp-count says. */
function elementCount(fields: i64, same: bool): i64 {
  return same ? ENTRY_FIXED_ELEMENTS + fields : ENTRY_FIXED_ELEMENTS + 1 + (fields << 1);
}

/** Appends the entry at hand to a listpack whose block has room; ids are relative to the master's. */
function appendEntry(lp: ListpackPtr, ms: i64, seq: i64, fields: u32, same: bool): void {
  const before = lp;
  lp = lpAppendInteger(lp, same ? FLAG_SAME_FIELDS : 0);
  lp = lpAppendInteger(lp, ms);
  lp = lpAppendInteger(lp, seq);
  if (!same) lp = lpAppendInteger(lp, fields);
  for (let i: u32 = same ? 1 : 0; i < fields << 1; i += same ? 2 : 1) {
    lp = lpAppend(lp, itemPtr(i), itemLen(i));
  }
  lp = lpAppendInteger(lp, elementCount(fields, same));
  assert(lp == before);
}

function tryAppendTo(s: Stream, tail: u64, ms: u64, seq: u64, fields: u32): bool {
  const old = IdAt.address(tail);
  const same = hasMasterFields(old, fields);
  const msDiff = ms - IdAt.ms(tail);
  const seqDiff = seq - IdAt.seq(tail);
  const count = Master.count(old) + 1;
  let bytes = <u64>lpBytes(old) + entryBytes(msDiff, seqDiff, fields, same) + COUNTER_SLACK;
  bytes += integerBytes(count) - integerBytes(count - 1);
  const before = <u64>usableSize(old);
  let lp = old;
  if (bytes > before) {
    lp = bytes <= u32.MAX_VALUE ? tryRealloc(old, <usize>bytes) : 0;
    if (lp == 0) return false;
    IdAt.setAddress(tail, lp);
    s.listpackBytes += <u64>usableSize(lp) - before;
  }
  appendEntry(lp, msDiff, seqDiff, fields, same);
  setInteger(lp, lpFirst(lp), count);
  return true;
}

/** Whether the entry at hand has the fields of a node's master entry. */
function hasMasterFields(lp: ListpackPtr, fields: u32): bool {
  let p = Master.fieldCountAt(lp);
  if (Element.integer(p) != fields) return false;
  for (let i: u32 = 0; i < fields; i++) {
    p = Element.skip(p, 1);
    if (!lpCompare(p, itemPtr(i << 1), itemLen(i << 1))) return false;
  }
  return true;
}

/** Adds a node that begins with the entry at hand. */
function tryNewNode(s: Stream, ms: u64, seq: u64, fields: u32): bool {
  let bytes: u64 = LP_EMPTY_BYTES + 2 * 3 + integerBytes(fields) + COUNTER_SLACK;
  for (let i: u32 = 0; i < fields << 1; i += 2) {
    lpEncode(itemPtr(i), itemLen(i));
    bytes += lpEncodedBytes;
  }
  bytes += entryBytes(0, 0, fields, true);
  if (bytes > u32.MAX_VALUE) return false;
  const block = tryAlloc(<usize>bytes);
  if (block == 0) return false;
  lpInit(block);
  let lp = lpAppendInteger(block, 1);
  lp = lpAppendInteger(lp, 0);
  lp = lpAppendInteger(lp, fields);
  for (let i: u32 = 0; i < fields << 1; i += 2) lp = lpAppend(lp, itemPtr(i), itemLen(i));
  lp = lpAppendInteger(lp, 0);
  assert(lp == block);
  appendEntry(lp, 0, 0, fields, true);
  return tryAdopt(s, ms, seq, lp);
}

/** Puts a node into the tree; frees its block when memory is exhausted. */
function tryAdopt(s: Stream, ms: u64, seq: u64, lp: ListpackPtr): bool {
  if (!tryIdTreeInsert(s.nodes(), ms, seq, lp)) {
    free(lp);
    return false;
  }
  s.listpackBytes += <u64>usableSize(lp);
  return true;
}

/** Puts another block in a node's place and frees the old one. */
function replaceNode(s: Stream, node: u64, block: usize): void {
  const old = IdAt.address(node);
  s.listpackBytes += <u64>usableSize(block) - <u64>usableSize(old);
  IdAt.setAddress(node, block);
  free(old);
}

/** Packs a node that will not grow any more, or gives back what its block has to spare. */
function packNode(s: Stream, node: u64): void {
  const lp = IdAt.address(node);
  if (Packed.is(lp)) return;
  const packed = tryPack(lp);
  if (packed != 0) {
    replaceNode(s, node, packed);
    return;
  }
  const before = <u64>usableSize(lp);
  const moved = tryRealloc(lp, <usize>lpBytes(lp) + COUNTER_SLACK);
  if (moved == 0) return;
  IdAt.setAddress(node, moved);
  s.listpackBytes += <u64>usableSize(moved) - before;
}

/** Makes a node a listpack, if it is packed. False when memory is exhausted. */
function tryUnpackNode(s: Stream, node: u64): bool {
  const packed = IdAt.address(node);
  if (!Packed.is(packed)) return true;
  const block = tryAlloc(<usize>unpackedBytes(packed) + COUNTER_SLACK);
  if (block == 0) return false;
  unpack(packed, block);
  replaceNode(s, node, block);
  return true;
}

// --- Iterating ---

/** An iteration over a stream; its memory is the caller's, STREAM_ITERATOR_BYTES of it. */
@unmanaged
export class StreamIterator {
  stream: usize;
  lp: ListpackPtr; // of the node; 0: the node has not been entered yet
  node: u64; // position in the id tree; 0: the iteration is over
  masterMs: u64;
  masterSeq: u64;
  startMs: u64;
  startSeq: u64;
  endMs: u64;
  endSeq: u64;
  masterFields: i64;
  firstField: usize; // the first element behind the master entry's number of fields
  back: usize; // bytes of backlen of a short element: 0 in a packed node
  end: usize; // the address behind the node's last element
  index: u32; // in reverse in a packed node: of the current entry
  reverse: bool;
  withTombstones: bool; // deleted entries come as well; may be set after the start
  entry: usize; // the element of the current entry's flags
  flags: i64;
  ms: u64; // the current entry's id
  seq: u64;
  fields: i64; // number of its fields
  values: usize; // the element behind its number of fields or its id
  left: i64; // fields that `streamIteratorField` has not given yet
  nextField: usize;
  nextValue: usize;
  field: usize; // the element of the field given last
  value: usize; // and of its value
}

export const STREAM_ITERATOR_BYTES: usize = 176;

/** Goes before the first entry from start to end, both included, or after the last in reverse. */
export function streamIteratorStart(
  it: StreamIterator,
  s: Stream,
  startMs: u64,
  startSeq: u64,
  endMs: u64,
  endSeq: u64,
  reverse: bool,
): void {
  if (offsetof<StreamIterator>() > 176) ERROR('an iterator has 176 bytes');
  it.stream = changetype<usize>(s);
  it.lp = 0;
  it.startMs = startMs;
  it.startSeq = startSeq;
  it.endMs = endMs;
  it.endSeq = endSeq;
  it.reverse = reverse;
  it.withTombstones = false;
  if (reverse) it.node = idTreeFloor(s.nodes(), endMs, endSeq);
  else {
    it.node = idTreeFloor(s.nodes(), startMs, startSeq);
    if (it.node == 0) it.node = idTreeFirst(s.nodes());
  }
}

/** As `streamIteratorStart` from one end of the stream to the other. */
export function streamIteratorStartAll(it: StreamIterator, s: Stream, reverse: bool): void {
  streamIteratorStart(it, s, 0, 0, u64.MAX_VALUE, u64.MAX_VALUE, reverse);
}

/** Goes to the next entry; false when there is none. */
export function streamIteratorNext(it: StreamIterator): bool {
  while (it.node != 0) {
    const entry = it.lp == 0 ? enterNode(it) : neighbour(it);
    if (entry == 0) {
      it.node = it.reverse ? treePrev(it.node) : treeNext(it.node);
      it.lp = 0;
      continue;
    }
    readEntry(it, entry);
    const afterStart = streamCompareId(it.ms, it.seq, it.startMs, it.startSeq) >= 0;
    const beforeEnd = streamCompareId(it.ms, it.seq, it.endMs, it.endSeq) <= 0;
    if (afterStart && beforeEnd) {
      if (!it.withTombstones && (it.flags & FLAG_DELETED) != 0) continue;
      it.left = it.fields;
      it.nextField = it.firstField;
      it.nextValue = it.values;
      return true;
    }
    if (it.reverse ? !afterStart : !beforeEnd) it.node = 0;
  }
  return false;
}

/** Reads a node's master entry and returns the flags of its first entry (the last one), or 0. */
function enterNode(it: StreamIterator): usize {
  const lp = IdAt.address(it.node);
  it.lp = lp;
  it.masterMs = IdAt.ms(it.node);
  it.masterSeq = IdAt.seq(it.node);
  const isPacked = Packed.is(lp);
  const back: usize = isPacked ? 0 : 1;
  it.back = back;
  it.end = isPacked ? lp + Packed.bytes(lp) : lp + lpBytes(lp) - 1;
  const count = Master.fieldCountAt(lp);
  it.masterFields = Element.integer(count);
  it.firstField = Element.skip(count, back);
  if (it.reverse) {
    if (!isPacked) return entryEndingAt(lp, lpLast(lp));
    findOffsets(it);
    it.index = offsetCount - 1;
    return lp + offsetAt(it.index);
  }
  return firstEntry(it);
}

/** The flags of the first entry of the node at hand, or 0. */
function firstEntry(it: StreamIterator): usize {
  // In a listpack the master entry ends with a 0.
  return entryFrom(it, skipElements(it.firstField, it.masterFields + it.back, it.back));
}

/** The flags of the entry after the current one in its node (before it), or 0. */
function neighbour(it: StreamIterator): usize {
  if (!it.reverse) return entryFrom(it, entryEnd(it));
  if (it.back != 0) return entryEndingAt(it.lp, lpPrev(it.lp, it.entry));
  if (it.index == 0) return 0;
  if (offsetsOf != changetype<usize>(it) || offsetsNode != it.lp) findOffsets(it);
  it.index -= 1;
  return it.lp + offsetAt(it.index);
}

/** The address behind the current entry; in a listpack, behind its lp-count. */
function entryEnd(it: StreamIterator): usize {
  const same = (it.flags & FLAG_SAME_FIELDS) != 0;
  return skipElements(it.values, (same ? it.fields : it.fields << 1) + it.back, it.back);
}

/** The element at `p` if there is one. */
function entryFrom(it: StreamIterator, p: usize): usize {
  return p < it.end ? p : 0;
}

/** The flags of the entry that ends with the lp-count at `p`; 0 if that is the master entry's. */
function entryEndingAt(lp: ListpackPtr, p: usize): usize {
  const count = Element.integer(p);
  if (count == 0) return 0;
  for (let i = count; i > 0; i--) p = lpPrev(lp, p);
  return p;
}

// A packed node cannot be read backwards, so where its entries are is noted first: u32 each, of the node
// that an iterator entered last.
const offsets: usize = memory.data(<i32>PACKED_MAX_ENTRIES * 4, 8);
let offsetCount: u32 = 0;
let offsetsOf: usize = 0; // the iterator
let offsetsNode: usize = 0;

function offsetAt(index: u32): usize {
  return load<u32>(offsets + (index << 2));
}

function findOffsets(it: StreamIterator): void {
  offsetsOf = changetype<usize>(it);
  offsetsNode = it.lp;
  offsetCount = 0;
  let p = firstEntry(it);
  while (p != 0) {
    store<u32>(offsets + (offsetCount << 2), <u32>(p - it.lp));
    offsetCount += 1;
    const same = (Element.integer(p) & FLAG_SAME_FIELDS) != 0;
    p = skipElements(p, ENTRY_FIXED_ELEMENTS, 0);
    const rest = same ? it.masterFields : (Element.integer(p) << 1) + 1;
    p = entryFrom(it, skipElements(p, rest, 0));
  }
}

function readEntry(it: StreamIterator, entry: usize): void {
  it.entry = entry;
  const back = it.back;
  it.flags = Element.integer(entry);
  let p = Element.skip(entry, back);
  it.ms = it.masterMs + <u64>Element.integer(p);
  p = Element.skip(p, back);
  it.seq = it.masterSeq + <u64>Element.integer(p);
  p = Element.skip(p, back);
  if ((it.flags & FLAG_SAME_FIELDS) != 0) it.fields = it.masterFields;
  else {
    it.fields = Element.integer(p);
    p = Element.skip(p, back);
  }
  it.values = p;
}

/** Gives the next field and its value of the current entry; false when there is none. */
export function streamIteratorField(it: StreamIterator): bool {
  if (it.left == 0) return false;
  it.left -= 1;
  if ((it.flags & FLAG_SAME_FIELDS) != 0) {
    it.field = it.nextField;
    it.nextField = Element.skip(it.nextField, it.back);
  } else {
    it.field = it.nextValue;
    it.nextValue = Element.skip(it.nextValue, it.back);
  }
  it.value = it.nextValue;
  it.nextValue = Element.skip(it.nextValue, it.back);
  return true;
}

/**
 * Deletes the current entry; the iteration goes on with the next one. The first and the largest
 * deleted id of the stream are left to the caller: see `streamDelete`.
 */
export function streamIteratorRemove(it: StreamIterator): void {
  const s = changetype<Stream>(it.stream);
  const lp = it.lp;
  assert((it.flags & FLAG_DELETED) == 0);
  s.length -= 1;
  if (Master.count(lp) == 1) {
    dropNode(s, it.masterMs, it.masterSeq, lp);
    const ms = it.masterMs;
    const seq = it.masterSeq;
    it.node = it.reverse ? idTreeFloor(s.nodes(), ms, seq) : idTreeSeek(s.nodes(), ms, seq);
    it.lp = 0;
    return;
  }
  it.flags |= FLAG_DELETED;
  // Flags have an element of one byte, and keep it.
  store<u8>(it.entry, <u8>it.flags);
  it.left = 0;
  const before = lpBytes(lp);
  countDeleted(lp, 1);
  if (Packed.is(lp)) return;
  // The counters may have become longer or shorter.
  const shift = <usize>lpBytes(lp) - before;
  it.entry += shift;
  it.values += shift;
  it.firstField += shift;
  it.end += shift;
}

// --- Deleting and trimming ---

/** For functions here; callers have their own. */
const ownIterator: usize = memory.data(176, 8);

function dropNode(s: Stream, ms: u64, seq: u64, lp: ListpackPtr): void {
  idTreeRemove(s.nodes(), ms, seq);
  s.listpackBytes -= <u64>usableSize(lp);
  free(lp);
}

/** Whether an entry is there and not deleted. O(log n). */
export function streamEntryExists(s: Stream, ms: u64, seq: u64): bool {
  const it = changetype<StreamIterator>(ownIterator);
  streamIteratorStart(it, s, ms, seq, ms, seq, false);
  return streamIteratorNext(it);
}

/**
 * Leaves the id of the first or last entry in `idMs` and `idSeq`; false when there is none, then they
 * are the largest (for the first) or smallest id.
 */
export function streamEdgeId(s: Stream, first: bool, withTombstones: bool): bool {
  const it = changetype<StreamIterator>(ownIterator);
  streamIteratorStartAll(it, s, !first);
  it.withTombstones = withTombstones;
  if (streamIteratorNext(it)) {
    setId(it.ms, it.seq);
    return true;
  }
  const edge: u64 = first ? u64.MAX_VALUE : 0;
  setId(edge, edge);
  return false;
}

/** Brings the stream's first id up to date. */
export function streamFindFirst(s: Stream): void {
  if (s.length == 0) setId(0, 0);
  else streamEdgeId(s, true, false);
  s.firstMs = idMs;
  s.firstSeq = idSeq;
}

/** Deletes an entry; false when it is not there. O(log n). */
export function streamDelete(s: Stream, ms: u64, seq: u64): bool {
  const it = changetype<StreamIterator>(ownIterator);
  streamIteratorStart(it, s, ms, seq, ms, seq, false);
  if (!streamIteratorNext(it)) return false;
  streamIteratorRemove(it);
  if (streamCompareId(ms, seq, s.maxDeletedMs, s.maxDeletedSeq) > 0) {
    s.maxDeletedMs = ms;
    s.maxDeletedSeq = seq;
  }
  if (s.length == 0 || (ms == s.firstMs && seq == s.firstSeq)) streamFindFirst(s);
  return true;
}

/**
 * Deletes entries from the start until at most `maxLength` are left, and returns how many. `approximate`
 * deletes whole nodes only, and `limit`, unless 0, no more entries than that.
 */
export function streamTrimByLength(s: Stream, maxLength: u64, approximate: bool, limit: u64): u64 {
  let deleted: u64 = 0;
  while (s.length > maxLength) {
    const node = idTreeFirst(s.nodes());
    if (node == 0) break;
    const lp = IdAt.address(node);
    const entries = <u64>Master.count(lp);
    if (limit != 0 && deleted + entries > limit) break;
    if (s.length - entries >= maxLength) {
      dropNode(s, IdAt.ms(node), IdAt.seq(node), lp);
      s.length -= entries;
      deleted += entries;
      continue;
    }
    if (!approximate) deleted += trimInside(s, node, s.length - maxLength, false, 0, 0);
    break;
  }
  if (deleted != 0) streamFindFirst(s);
  return deleted;
}

/** As `streamTrimByLength` for entries whose id is below this one. */
export function streamTrimById(
  s: Stream,
  minMs: u64,
  minSeq: u64,
  approximate: bool,
  limit: u64,
): u64 {
  let deleted: u64 = 0;
  while (true) {
    const node = idTreeFirst(s.nodes());
    if (node == 0) break;
    const lp = IdAt.address(node);
    const entries = <u64>Master.count(lp);
    if (limit != 0 && deleted + entries > limit) break;
    streamNodeLastId(node);
    if (streamCompareId(idMs, idSeq, minMs, minSeq) < 0) {
      dropNode(s, IdAt.ms(node), IdAt.seq(node), lp);
      s.length -= entries;
      deleted += entries;
      continue;
    }
    if (!approximate) deleted += trimInside(s, node, u64.MAX_VALUE, true, minMs, minSeq);
    break;
  }
  if (deleted != 0) streamFindFirst(s);
  return deleted;
}

/** Leaves the id of a node's first entry in `idMs` and `idSeq`. */
export function streamNodeFirstId(node: u64): void {
  setId(IdAt.ms(node), IdAt.seq(node));
}

/** Leaves the id of a node's last entry, deleted or not, in `idMs` and `idSeq`. */
export function streamNodeLastId(node: u64): void {
  const it = changetype<StreamIterator>(ownIterator);
  it.node = node;
  it.reverse = true;
  const entry = enterNode(it);
  if (entry == 0) {
    setId(0, 0);
    return;
  }
  readEntry(it, entry);
  setId(it.ms, it.seq);
}

/** Marks up to `wanted` entries at a node's start, or (`byId`) those below an id. */
function trimInside(s: Stream, node: u64, wanted: u64, byId: bool, minMs: u64, minSeq: u64): u64 {
  const it = changetype<StreamIterator>(ownIterator);
  it.node = node;
  it.reverse = false;
  let deleted: u64 = 0;
  let entry = enterNode(it);
  while (entry != 0 && deleted < wanted) {
    readEntry(it, entry);
    if (byId && streamCompareId(it.ms, it.seq, minMs, minSeq) >= 0) break;
    if ((it.flags & FLAG_DELETED) == 0) {
      store<u8>(entry, <u8>(it.flags | FLAG_DELETED));
      deleted += 1;
    }
    entry = neighbour(it);
  }
  countDeleted(it.lp, deleted);
  s.length -= deleted;
  return deleted;
}

// --- Nodes from and for elsewhere ---

/** The position of the first node in id order, 0 when there is none; `treeNext` gives the next. */
export function streamFirstNode(s: Stream): u64 {
  return idTreeFirst(s.nodes());
}

/** The node at a position: a listpack, or packed. */
export function streamNodeOf(node: u64): usize {
  return IdAt.address(node);
}

/** Number of a node's entries that are not deleted. */
export function streamNodeLength(lp: ListpackPtr): u64 {
  return Master.count(lp);
}

/** Number of a node's entries, deleted ones among them: trimming leaves nodes with nothing else. */
export function streamNodeEntries(lp: ListpackPtr): u64 {
  return <u64>Master.count(lp) + <u64>Master.deleted(lp);
}

/** What came of adding a node. */
export const NODE_ADDED: u32 = 0;
export const NODE_EXISTS: u32 = 1;
export const NODE_NO_MEMORY: u32 = 2;

/** Bytes of the listpack that the node at a position is or stands for. */
export function streamListpackBytes(node: u64): u32 {
  const block = IdAt.address(node);
  return Packed.is(block) ? unpackedBytes(block) : lpBytes(block);
}

/** Writes that listpack, `streamListpackBytes` bytes, to `out`. */
export function streamWriteListpack(node: u64, out: usize): void {
  const block = IdAt.address(node);
  if (Packed.is(block)) unpack(block, out);
  else memory.copy(out, block, lpBytes(block));
}

/**
 * Adds what a listpack holds that `streamValidateNode` accepts, as a node, and its entries to the
 * stream's length. Nothing but the length is taken from it: ids and counters of the stream are the
 * caller's.
 */
export function streamAddNode(s: Stream, ms: u64, seq: u64, lp: usize): u32 {
  if (idTreeFind(s.nodes(), ms, seq) != 0) return NODE_EXISTS;
  let block = Master.count(lp) + Master.deleted(lp) > 0 ? tryPack(lp) : 0;
  if (block == 0) block = tryListpackCopy(lp);
  if (block == 0 || !tryAdopt(s, ms, seq, block)) return NODE_NO_MEMORY;
  s.length += <u64>Master.count(block);
  return NODE_ADDED;
}

/** A copy of a node that is a listpack, with room for its counters; 0 when memory is exhausted. */
function tryListpackCopy(lp: ListpackPtr): usize {
  const bytes: usize = lpBytes(lp);
  const copy = tryAlloc(bytes + COUNTER_SLACK);
  if (copy != 0) memory.copy(copy, lp, bytes);
  return copy;
}

/** Adds a copy of another stream's node, behind all nodes there are. False: memory is exhausted. */
export function tryStreamAddCopy(s: Stream, node: u64): bool {
  const block = IdAt.address(node);
  const copy = Packed.is(block) ? tryPackedCopy(block) : tryListpackCopy(block);
  return copy != 0 && tryAdopt(s, IdAt.ms(node), IdAt.seq(node), copy);
}

let validAt: usize = 0;

/** The integer at the element `validAt`, which it goes past; sets `validAt` to 0 if it is none. */
function validInteger(): i64 {
  if (validAt == 0) return 0;
  const isInteger = <u32>load<u8>(validAt) != LP_EOF && lpGet(validAt) == 0;
  validAt = isInteger ? lpSkip(validAt) : 0;
  return lpValueInt;
}

/** Goes past so many elements; sets `validAt` to 0 if there are less. */
function validElements(count: i64): void {
  if (count < 0) validAt = 0;
  for (let i = count; i > 0 && validAt != 0; i--) {
    validAt = <u32>load<u8>(validAt) != LP_EOF ? lpSkip(validAt) : 0;
  }
}

/**
 * Whether `size` foreign bytes are a node: a listpack whose elements are a master entry and entries
 * that agree with its counters. Stricter than Redis in that flags have to agree, too. Nothing outside
 * is read.
 */
export function streamValidateNode(lp: usize, size: usize): bool {
  if (size > STREAM_NODE_MAX_BYTES || !lpValidate(lp, size, true)) return false;
  validAt = lpFirst(lp);
  const count = validInteger();
  const deleted = validInteger();
  const masterFields = validInteger();
  validElements(masterFields);
  if (validInteger() != 0 || validAt == 0 || count < 0 || deleted < 0) return false;
  let seen: i64 = 0;
  let seenDeleted: i64 = 0;
  while (<u32>load<u8>(validAt) != LP_EOF) {
    // Flags are changed in place, so they have to be in the one byte that every number below 128 gets.
    if (<i64>load<u8>(validAt) > FLAG_DELETED + FLAG_SAME_FIELDS) return false;
    const flags = validInteger();
    if (!validEntry(flags, masterFields)) return false;
    seen += 1;
    if ((flags & FLAG_DELETED) != 0) seenDeleted += 1;
  }
  return seenDeleted == deleted && seen - seenDeleted == count;
}

/** Goes past an entry whose flags were read; false if it is not one. */
function validEntry(flags: i64, masterFields: i64): bool {
  const same = (flags & FLAG_SAME_FIELDS) != 0;
  validInteger();
  validInteger();
  const fields = same ? masterFields : validInteger();
  validElements(same ? fields : fields << 1);
  const elements = validInteger();
  return validAt != 0 && elements == elementCount(fields, same);
}

/** Whether a node that entries were added to is what it should be; for tests. */
export function streamNodeVerify(node: u64): void {
  const block = IdAt.address(node);
  if (!Packed.is(block)) {
    assert(streamValidateNode(block, lpBytes(block)));
    assert(usableSize(block) >= <usize>lpBytes(block) + COUNTER_SLACK);
    return;
  }
  packedVerify(block);
  const bytes = unpackedBytes(block);
  const lp = tryAlloc(bytes);
  if (lp == 0) return;
  unpack(block, lp);
  assert(streamValidateNode(lp, bytes));
  free(lp);
}
