// Reading the parts of RDB values from bytes that may be anything: lengths, numbers, strings.
//
// Nothing outside `inputAt` .. end is touched, and nothing larger is allocated than what the bytes at
// hand can expand to. What cannot be read sets `inputFault` and gives zeros; readers go on or stop as
// suits them, and look at the fault before they use what they read.
//
// There is one input at a time. `RdbString` is where a string goes: a view into the input, or into
// memory of the record when it had to be unpacked. It is good until the next string is read into the
// same record; `releaseStrings` gives the memory back.

import { RDB_FAULT_EOF, RDB_FAULT_LENGTH, RDB_FAULT_LZF, RDB_FAULT_STRING } from '../abi';
import { free, goodSize, tryAlloc, usableSize } from '../memory/alloc';
import { lzfDecompress } from '../util/lzf';
import { formatI64 } from '../util/number_format';
import {
  LENGTH_32BIT,
  LENGTH_64BIT,
  LENGTH_ENCODED,
  STRING_INT8,
  STRING_INT16,
  STRING_INT32,
  STRING_LZF,
} from './format';

/** What went wrong. */
export const FAULT_NONE: u32 = 0;
/** The bytes end too early. */
export const FAULT_SHORT: u32 = 1;
export const FAULT_CORRUPT: u32 = 2;
export const FAULT_MEMORY: u32 = 3;
/** A collection without elements, which is no key. */
export const FAULT_EMPTY: u32 = 4;

/** Where reading goes on. */
export let inputAt: usize = 0;
/** Where the part began that is being read: see `inputMark`. */
export let inputMarked: usize = 0;
/** FAULT_*: the first that occurred. */
export let inputFault: u32 = FAULT_NONE;

/** RDB_FAULT_*: more of what is corrupt, 0 where the type of the value says enough. */
export let inputReason: u32 = 0;
/** How many bytes more than there are the part at hand takes at least. */
export let inputMissing: u64 = 0;

let inputEnd: usize = 0;

/** Most bytes that a byte of LZF data can stand for: three give 264 at most. */
const LZF_EXPANSION_MAX: u64 = 88;

@unmanaged
export class RdbString {
  ptr: usize;
  len: u32;
  block: usize; // memory of its own, 0 when there is none
  blockBytes: u32;
  digits: u64; // text of an integer, 24 bytes from here on
  moreDigits: u64;
  evenMoreDigits: u64;
}

/** A name, member or field. */
export const nameString: RdbString = changetype<RdbString>(memory.data(40, 8));
/** A value or a block of elements. */
export const itemString: RdbString = changetype<RdbString>(memory.data(40, 8));

export function inputStart(ptr: usize, len: usize): void {
  inputAt = ptr;
  inputMarked = ptr;
  inputEnd = ptr + len;
  inputFault = FAULT_NONE;
  inputReason = 0;
  inputMissing = 0;
}

/** All that was read so far has been taken: a later input begins here if this one is too short. */
export function inputMark(): void {
  inputMarked = inputAt;
}

export function fail(fault: u32): void {
  if (inputFault == FAULT_NONE) inputFault = fault;
}

/** The bytes are no value of the format; `reason` is RDB_FAULT_*. */
export function failAs(reason: u32): void {
  if (inputFault != FAULT_NONE) return;
  inputFault = FAULT_CORRUPT;
  inputReason = reason;
}

/** Whether so many bytes are there; if not, a fault is set. */
function has(bytes: u64): bool {
  if (inputFault != FAULT_NONE) return false;
  const there = <u64>(inputEnd - inputAt);
  if (bytes <= there) return true;
  inputFault = FAULT_SHORT;
  inputReason = RDB_FAULT_EOF;
  inputMissing = bytes - there;
  return false;
}

/** Goes past so many bytes; their address, 0 with a fault when they are not there. */
export function takeBytes(bytes: u32): usize {
  if (!has(bytes)) return 0;
  inputAt += bytes;
  return inputAt - bytes;
}

// --- Numbers ---

export function readByte(): u32 {
  if (!has(1)) return 0;
  inputAt += 1;
  return load<u8>(inputAt - 1);
}

export function readI64(): i64 {
  if (!has(8)) return 0;
  inputAt += 8;
  return load<i64>(inputAt - 8);
}

export function readF64(): f64 {
  return reinterpret<f64>(readI64());
}

/** Eight bytes, big-endian: half of a raw stream id. */
export function readBigEndian(): u64 {
  return bswap(<u64>readI64());
}

/** Whether what `readHead` read is no length but the encoding of a string. */
export let headIsEncoding: bool = false;

/** The first part of a length or a string: a length, or the number of an encoding. */
export function readHead(): u64 {
  const first = readByte();
  headIsEncoding = (first & LENGTH_ENCODED) == LENGTH_ENCODED;
  if (headIsEncoding) return first & 63;
  if (first < 64) return first;
  if (first < LENGTH_32BIT) return ((first & 63) << 8) | readByte();
  if (first == LENGTH_64BIT) return readBigEndian();
  if (first != LENGTH_32BIT) {
    failAs(RDB_FAULT_LENGTH);
    return 0;
  }
  if (!has(4)) return 0;
  inputAt += 4;
  return bswap(load<u32>(inputAt - 4));
}

/** A length, or a number that is written as one. */
export function readLength(): u64 {
  const length = readHead();
  if (!headIsEncoding) return length;
  failAs(RDB_FAULT_LENGTH);
  return 0;
}

/** A number of elements; none is a fault. */
export function readCount(): u64 {
  const count = readLength();
  if (count == 0) fail(FAULT_EMPTY);
  return count;
}

/** How many of `count` elements of at least `minBytes` each the input can hold: room to reserve. */
export function plausible(count: u64, minBytes: u32): u32 {
  return <u32>min(count, <u64>(inputEnd - inputAt) / minBytes);
}

// --- Strings ---

function useDigits(s: RdbString, value: i64): void {
  s.ptr = changetype<usize>(s) + offsetof<RdbString>('digits');
  s.len = formatI64(value, s.ptr);
}

export function readString(s: RdbString): void {
  s.len = 0;
  s.ptr = inputAt;
  const head = readHead();
  if (!headIsEncoding) {
    if (!has(head)) return;
    s.ptr = inputAt;
    s.len = <u32>head;
    inputAt += <usize>head;
  } else if (head == STRING_LZF) readLzf(s);
  else {
    const value = readInteger(<u32>head);
    if (inputFault == FAULT_NONE) useDigits(s, value);
  }
}

/** The integer that stands for a string in one of these encodings, behind its head. */
export function readInteger(encoding: u32): i64 {
  if (encoding > STRING_INT32) {
    failAs(RDB_FAULT_STRING);
    return 0;
  }
  const bytes: u32 = 1 << encoding;
  if (!has(bytes)) return 0;
  inputAt += bytes;
  if (encoding == STRING_INT8) return load<i8>(inputAt - 1);
  return encoding == STRING_INT16 ? load<i16>(inputAt - 2) : load<i32>(inputAt - 4);
}

let lzfPacked: usize = 0;

/**
 * The lengths of a compressed string, behind its head; the length it has when it is unpacked. With
 * a fault when they cannot be true, or when not all of its bytes are there.
 */
export function readLzfLength(): u32 {
  const packed = readLength();
  const length = readLength();
  if (!has(packed)) return 0;
  if (length == 0 || length > packed * LZF_EXPANSION_MAX || length > u32.MAX_VALUE) {
    failAs(RDB_FAULT_LZF);
    return 0;
  }
  lzfPacked = <usize>packed;
  return <u32>length;
}

/** Unpacks the string whose lengths were read last to `to`. */
export function unpackLzf(to: usize, length: u32): void {
  const from = inputAt;
  inputAt += lzfPacked;
  if (lzfDecompress(from, lzfPacked, to, length) != <usize>length) failAs(RDB_FAULT_LZF);
}

function readLzf(s: RdbString): void {
  const length = readLzfLength();
  if (inputFault != FAULT_NONE) return;
  if (!tryEnsureBlock(s, length)) {
    fail(FAULT_MEMORY);
    return;
  }
  unpackLzf(s.block, length);
  s.ptr = s.block;
  s.len = length;
}

function tryEnsureBlock(s: RdbString, bytes: u32): bool {
  if (s.block != 0 && bytes <= s.blockBytes) return true;
  if (s.block != 0) free(s.block);
  s.block = tryAlloc(bytes);
  s.blockBytes = s.block != 0 ? bytes : 0;
  return s.block != 0;
}

/**
 * A string that was read in a block of its own: the one it was unpacked to if that fits, else a copy.
 * 0 with a fault when there is no memory. The string is not to be looked at after that.
 */
export function takeString(s: RdbString): usize {
  if (s.ptr == s.block && s.block != 0 && usableSize(s.block) == goodSize(s.len)) {
    s.block = 0;
    s.blockBytes = 0;
    return s.ptr;
  }
  const block = tryAlloc(max(s.len, 1));
  if (block == 0) fail(FAULT_MEMORY);
  else memory.copy(block, s.ptr, s.len);
  return block;
}

/** Gives back the memory of a string. */
export function releaseString(s: RdbString): void {
  if (s.block != 0) free(s.block);
  s.block = 0;
  s.blockBytes = 0;
}

/** Gives back the memory of both strings; what was read into them is gone, unless it was a view. */
export function releaseStrings(): void {
  releaseString(nameString);
  releaseString(itemString);
}
