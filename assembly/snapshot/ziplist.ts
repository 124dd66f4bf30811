// Ziplists, what Redis had before listpacks: read, checked and made listpacks, never written.
//
//   | bytes u32 | offset of the last entry u32 | count u16 | entry ... | 0xff |
//
//   entry   size of the entry before (u8 below 254, else 0xfe and u32) | encoding | data
//
//     00llllll                    string of up to 63 bytes
//     01llllll llllllll           string of up to 16,383 bytes, high bits first
//     10000000 l l l l            string, u32 big-endian
//     11000000, 11010000,         integer of 2, 4,
//     11100000, 11110000,         8, 3
//     11111110                    or 1 bytes, little-endian
//     1111xxxx                    the integer xxxx - 1, 0 to 12
//
// `count` is 65,535 when there are that many entries or more.
//
// Everything is checked against the bytes at hand, also the sizes backwards, the last entry's offset
// and the count: as strictly as Redis does.

import { LP_EMPTY_BYTES, lpAppend, lpAppendInteger, lpFree, lpNew } from '../struct/listpack';
import { FAULT_CORRUPT, FAULT_MEMORY, FAULT_NONE, fail, inputFault } from './rdb_input';

const TAIL_OFFSET: usize = 4;
const COUNT_OFFSET: usize = 8;
const HEADER_BYTES: usize = 10;
const END: u32 = 0xff;
const COUNT_UNKNOWN: u32 = 0xffff;
const BIG_PREVIOUS: u32 = 0xfe;

let walkBase: usize = 0;
let walkEnd: usize = 0; // of the end mark
let walkAt: usize = 0;
let walkLast: usize = 0; // entry read last
let walkLastBytes: u32 = 0;
let walkCount: u32 = 0;

/** The entry that `ziplistNext` read: a string, or with an address of 0 an integer. */
export let ziplistString: usize = 0;
export let ziplistLen: u32 = 0;
export let ziplistInt: i64 = 0;

/** Begins a walk. False, with a fault, when the bytes are no ziplist at first sight. */
export function ziplistStart(ptr: usize, len: u32): bool {
  walkBase = ptr;
  walkAt = ptr + HEADER_BYTES;
  walkLast = 0;
  walkLastBytes = 0;
  walkCount = 0;
  if (
    <usize>len <= HEADER_BYTES ||
    load<u32>(ptr) != len ||
    <u32>load<u8>(ptr + len - 1) != END ||
    load<u32>(ptr, TAIL_OFFSET) > len - 1
  ) {
    fail(FAULT_CORRUPT);
    return false;
  }
  walkEnd = ptr + len - 1;
  return true;
}

/** Reads the next entry. False at the end, or with a fault when the bytes are no ziplist. */
export function ziplistNext(): bool {
  if (walkAt == walkEnd) {
    if (!endsWell()) fail(FAULT_CORRUPT);
    return false;
  }
  const next = readEntry(walkAt);
  if (next == 0) {
    fail(FAULT_CORRUPT);
    return false;
  }
  walkLast = walkAt;
  walkLastBytes = <u32>(next - walkAt);
  walkAt = next;
  walkCount += 1;
  return true;
}

/** Whether the header agrees with what was read. */
function endsWell(): bool {
  if (walkLast != 0 && walkBase + load<u32>(walkBase, TAIL_OFFSET) != walkLast) return false;
  const count: u32 = load<u16>(walkBase, COUNT_OFFSET);
  return count == COUNT_UNKNOWN || count == walkCount;
}

/** Reads the entry at `p`. Returns the address behind it, 0 when it is malformed. */
function readEntry(p: usize): usize {
  let previous: u32 = load<u8>(p);
  if (previous == END) return 0;
  p += 1;
  if (previous == BIG_PREVIOUS) {
    if (walkEnd - p < 4) return 0;
    previous = load<u32>(p);
    p += 4;
  }
  if (previous != walkLastBytes || p >= walkEnd) return 0;
  const first: u32 = load<u8>(p);
  return first >= 0xc0 ? readInteger(p, first) : readText(p, first);
}

function readText(p: usize, first: u32): usize {
  let head: usize = 1;
  if (first >= 0x80) head = 5;
  else if (first >= 0x40) head = 2;
  if (head > walkEnd - p) return 0;
  let len = first & 63;
  if (head == 2) len = (len << 8) | load<u8>(p, 1);
  else if (head == 5) len = bswap(load<u32>(p, 1));
  p += head;
  if (len > <u32>(walkEnd - p)) return 0;
  ziplistString = p;
  ziplistLen = len;
  return p + len;
}

/** Bytes of the integers that follow their encoding, by its bits 4 and 5; 0xf0 has three. */
function integerBytes(first: u32): u32 {
  if (first == 0xc0) return 2;
  if (first == 0xd0) return 4;
  if (first == 0xe0) return 8;
  if (first == 0xf0) return 3;
  return first == 0xfe ? 1 : 0;
}

function readInteger(p: usize, first: u32): usize {
  ziplistString = 0;
  p += 1;
  if (first > 0xf0 && first < 0xfe) {
    ziplistInt = (first & 15) - 1;
    return p;
  }
  const bytes = integerBytes(first);
  if (bytes == 0 || bytes > <u32>(walkEnd - p)) return 0;
  if (bytes == 1) ziplistInt = load<i8>(p);
  else if (bytes == 2) ziplistInt = load<i16>(p);
  else if (bytes == 3) ziplistInt = load<i32>(p - 1) >> 8;
  else if (bytes == 4) ziplistInt = load<i32>(p);
  else ziplistInt = load<i64>(p);
  return p + bytes;
}

/** A listpack with the same elements; 0 with a fault when the bytes are no ziplist. */
export function tryListpackOfZiplist(ptr: usize, len: u32): usize {
  if (!ziplistStart(ptr, len)) return 0;
  let lp = lpNew(max(len, LP_EMPTY_BYTES));
  while (lp != 0 && ziplistNext()) {
    const grown =
      ziplistString != 0
        ? lpAppend(lp, ziplistString, ziplistLen)
        : lpAppendInteger(lp, ziplistInt);
    if (grown == 0) lpFree(lp);
    lp = grown;
  }
  if (lp == 0) {
    fail(FAULT_MEMORY);
    return 0;
  }
  if (inputFault == FAULT_NONE) return lp;
  lpFree(lp);
  return 0;
}
