// Packed nodes of a stream: what a listpack holds without what can be derived.
//
//   0           4       8         12         16
//   +-----------+-------+---------+----------+------------+-----------+-----------+-- ...
//   | bytes u32 | count | deleted | listpack | num-fields | field ... | entry ... |
//   | and 1<<31 | u32   | u32     | bytes u32|            |           |           |
//   +-----------+-------+---------+----------+------------+-----------+-----------+-- ...
//
//   entry     | flags | ms-diff | seq-diff | value ...              |   the fields of the master entry
//             | flags | ms-diff | seq-diff | num-fields | field ... |   fields and values in turn
//   listpack bytes: of the listpack, but for its elements count and deleted
//
// Elements are those of the listpack without their backlens; the master entry's 0 and the entries'
// lp-counts are left out, and the two counters have fixed places, so that deleting changes no sizes. With
// three short fields an entry has eight bytes less, a quarter.
//
// A packed node has no more than PACKED_MAX_ENTRIES entries and comes from a listpack of no more than
// LISTPACK_MAX_BYTES. It is not appended to: it becomes a
// listpack again. The listpack it came from comes back byte for byte, counters aside.

import { tryAlloc, tryRealloc, usableSize } from '../memory/alloc';
import { copySmall } from '../util/bytes';
import {
  ListpackPtr,
  LP_COUNT_UNKNOWN,
  LP_EOF,
  LP_HDR_SIZE,
  lpBacklenBytes,
  lpBytes,
  lpDataBytes,
  lpEncodedBytes,
  lpEncodeInteger,
  lpFirst,
  lpWriteBacklen,
  lpWriteEncoded,
} from './listpack';
import { Element } from './stream_element';

export const PACKED_MAX_ENTRIES: i64 = 512;
export const PACKED_HEADER_BYTES: usize = 16;

const LISTPACK_MAX_BYTES: u32 = 65536;
const PACKED: u32 = 1 << 31;
const COUNT: usize = 4;
const DELETED: usize = 8;
const LISTPACK_BYTES: usize = 12;
const FLAG_SAME_FIELDS: i64 = 2;
/** Elements of an entry besides fields and values: flags and the two differences. */
const FIXED_ELEMENTS: i64 = 3;

/** The parts of a packed node's head. */
export class Packed {
  /** Whether a node is packed: no listpack is that long. */
  @inline static is(node: usize): bool {
    return (load<u32>(node) & PACKED) != 0;
  }
  @inline static bytes(node: usize): u32 {
    return load<u32>(node) & ~PACKED;
  }
  @inline static count(node: usize): u32 {
    return load<u32>(node, COUNT);
  }
  @inline static deleted(node: usize): u32 {
    return load<u32>(node, DELETED);
  }
  /** Makes so many entries deleted ones. */
  @inline static countDeleted(node: usize, deleted: u32): void {
    store<u32>(node, Packed.count(node) - deleted, COUNT);
    store<u32>(node, Packed.deleted(node) + deleted, DELETED);
  }
}

// --- Packing ---

let from: usize = 0;
let to: usize = 0;

/** Copies elements without their backlens. */
function packElements(count: i64): void {
  for (let i = count; i > 0; i--) {
    const first: u32 = load<u8>(from);
    if (first < 0x80) {
      store<u8>(to, <u8>first);
      from += 2;
      to += 1;
      continue;
    }
    const size = lpDataBytes(from);
    copySmall(to, from, size);
    to += size;
    from += size + lpBacklenBytes(size);
  }
}

/**
 * A packed node of what a listpack holds, which is a node of at least one entry; 0 when memory is
 * exhausted or it has too many entries or bytes.
 */
export function tryPack(lp: ListpackPtr): usize {
  const size = lpBytes(lp);
  if (size > LISTPACK_MAX_BYTES) return 0;
  from = lpFirst(lp);
  const count = Element.integer(from);
  const deletedAt = Element.skip(from, 1);
  const deleted = Element.integer(deletedAt);
  if (count + deleted > PACKED_MAX_ENTRIES) return 0;
  const block = tryAlloc(size);
  if (block == 0) return 0;
  const master = Element.skip(deletedAt, 1);
  const counters = <u32>(master - from);
  from = master;
  to = block + PACKED_HEADER_BYTES;
  const masterFields = Element.integer(master);
  packElements(masterFields + 1);
  from = Element.skip(from, 1);
  while (<u32>load<u8>(from) != LP_EOF) {
    const same = (Element.integer(from) & FLAG_SAME_FIELDS) != 0;
    packElements(FIXED_ELEMENTS);
    packElements(same ? masterFields : (Element.integer(from) << 1) + 1);
    from = Element.skip(from, 1);
  }
  const bytes = <u32>(to - block);
  assert(bytes <= size);
  store<u32>(block, bytes | PACKED);
  store<u32>(block, <u32>count, COUNT);
  store<u32>(block, <u32>deleted, DELETED);
  store<u32>(block, size - counters, LISTPACK_BYTES);
  const fitting = tryRealloc(block, bytes);
  return fitting != 0 ? fitting : block;
}

/** A copy of a packed node, or 0 when memory is exhausted. */
export function tryPackedCopy(node: usize): usize {
  const bytes = Packed.bytes(node);
  const copy = tryAlloc(bytes);
  if (copy != 0) memory.copy(copy, node, bytes);
  return copy;
}

// --- Unpacking ---

/** Elements written so far. */
let written: u32 = 0;

function integerBytes(value: i64): u32 {
  lpEncodeInteger(value);
  return <u32>lpEncodedBytes;
}

/** Bytes of a packed node as a listpack. */
export function unpackedBytes(node: usize): u32 {
  const counters = integerBytes(Packed.count(node)) + integerBytes(Packed.deleted(node));
  return load<u32>(node, LISTPACK_BYTES) + counters;
}

function putInteger(value: i64): void {
  lpEncodeInteger(value);
  lpWriteEncoded(to);
  to += <usize>lpEncodedBytes;
  written += 1;
}

/** Copies elements and writes their backlens. */
function unpackElements(count: i64): void {
  for (let i = count; i > 0; i--) {
    const size = lpDataBytes(from);
    copySmall(to, from, size);
    lpWriteBacklen(to + size, size);
    from += size;
    to += size + lpBacklenBytes(size);
    written += 1;
  }
}

/** Writes a packed node as the listpack it is made of, `unpackedBytes` bytes. */
export function unpack(node: usize, out: usize): void {
  const end = node + Packed.bytes(node);
  from = node + PACKED_HEADER_BYTES;
  to = out + LP_HDR_SIZE;
  written = 0;
  putInteger(Packed.count(node));
  putInteger(Packed.deleted(node));
  const masterFields = Element.integer(from);
  unpackElements(masterFields + 1);
  putInteger(0);
  while (from < end) {
    const same = (Element.integer(from) & FLAG_SAME_FIELDS) != 0;
    unpackElements(FIXED_ELEMENTS);
    const rest = same ? masterFields : (Element.integer(from) << 1) + 1;
    unpackElements(rest);
    putInteger(FIXED_ELEMENTS + rest);
  }
  store<u8>(to, <u8>LP_EOF);
  store<u32>(out, <u32>(to + 1 - out));
  store<u16>(out, <u16>min(written, LP_COUNT_UNKNOWN), 4);
}

/** Asserts that a packed node is whole; for tests. */
export function packedVerify(node: usize): void {
  assert(usableSize(node) >= <usize>Packed.bytes(node));
  assert(<i64>Packed.count(node) + Packed.deleted(node) <= PACKED_MAX_ENTRIES);
}
