// Writing the parts of RDB values to a buffer that grows: lengths, numbers, strings.
//
// When memory for the buffer is exhausted, `lost` is set and everything after that is dropped, so
// that writers need not ask after every byte.
//
// A string goes out in the shortest of its forms that Redis would choose: integer, LZF, plain. LZF
// takes room for the whole string at once; strings above `compressMax` stay plain, which is how
// whoever needs bounded memory gets it. 0 turns compression off.

import { free, tryAlloc, tryRealloc, usableSize } from '../memory/alloc';
import { copySmall } from '../util/bytes';
import { lzfCompress } from '../util/lzf';
import { formatI64 } from '../util/number_format';
import { parseI64, parseI64Value } from '../util/number_parse';
import {
  LENGTH_14BIT,
  LENGTH_32BIT,
  LENGTH_64BIT,
  LENGTH_ENCODED,
  STRING_INT8,
  STRING_INT16,
  STRING_INT32,
  STRING_LZF,
} from './format';

@unmanaged
export class RdbOutput {
  base: usize;
  used: usize;
  capacity: usize;
  compressMax: u32; // longest string that may be compressed
  lost: bool;
}

/** Bytes of the record. */
export const RDB_OUTPUT_BYTES: i32 = 20;

/** compressMax for strings of any length. */
export const COMPRESS_ANY: u32 = u32.MAX_VALUE;

const MIN_BYTES: usize = 256;
/** Longest string that may be an integer. */
const INT_CHARS_MAX: u32 = 11;
/** Shorter strings are never compressed. */
const COMPRESS_MIN_BYTES: u32 = 21;
/** Bytes that compression has to save. */
const COMPRESS_GAIN: u32 = 4;
/** Most bytes of an integer that stands for its text, and what is stored beyond them. */
const INTEGER_BYTES_MAX: usize = 8;
/** Most bytes of a length. */
const LENGTH_BYTES_MAX: usize = 9;
/** Most bytes of what comes before LZF data. */
const LZF_HEAD_BYTES: usize = 11;

/** Prepares an output without a buffer. */
export function outputInit(out: RdbOutput, compressMax: u32): void {
  if (offsetof<RdbOutput>() > <usize>RDB_OUTPUT_BYTES) ERROR('RDB_OUTPUT_BYTES');
  out.base = 0;
  out.used = 0;
  out.capacity = 0;
  out.compressMax = compressMax;
  out.lost = false;
}

/** Frees the buffer. */
export function outputFree(out: RdbOutput): void {
  if (out.base != 0) free(out.base);
  out.base = 0;
  out.used = 0;
  out.capacity = 0;
}

/** Makes room for `bytes`; false when memory is exhausted. */
function tryRoom(out: RdbOutput, bytes: usize): bool {
  if (out.lost) return false;
  if (bytes <= out.capacity - out.used) return true;
  const wanted = <u64>out.used + bytes;
  const roomy = max<u64>(wanted + min<u64>(wanted, out.used), MIN_BYTES);
  let grown: usize = 0;
  if (roomy <= u32.MAX_VALUE) grown = tryGrow(out, <usize>roomy);
  if (grown == 0 && wanted <= u32.MAX_VALUE) grown = tryGrow(out, <usize>wanted);
  if (grown == 0) {
    out.lost = true;
    return false;
  }
  out.base = grown;
  out.capacity = usableSize(grown);
  return true;
}

function tryGrow(out: RdbOutput, bytes: usize): usize {
  return out.base == 0 ? tryAlloc(bytes) : tryRealloc(out.base, bytes);
}

/**
 * Where up to `bytes` may be written, whose number `outputAdvance` then tells; 0 when memory is
 * exhausted.
 */
export function outputRoom(out: RdbOutput, bytes: usize): usize {
  return tryRoom(out, bytes) ? out.base + out.used : 0;
}

export function outputAdvance(out: RdbOutput, bytes: usize): void {
  out.used += bytes;
}

// --- Numbers ---

export function writeByte(out: RdbOutput, byte: u32): void {
  if (!tryRoom(out, 1)) return;
  store<u8>(out.base + out.used, byte);
  out.used += 1;
}

/** A length, or any number that is written as one. */
export function writeLength(out: RdbOutput, length: u64): void {
  if (!tryRoom(out, LENGTH_BYTES_MAX)) return;
  const at = out.base + out.used;
  out.used += putLength(at, length);
}

/** Writes a length to `at`, where there are LENGTH_BYTES_MAX, and returns how many bytes it took. */
function putLength(at: usize, length: u64): usize {
  if (length < 1 << 6) {
    store<u8>(at, <u8>length);
    return 1;
  }
  if (length < 1 << 14) {
    store<u16>(at, <u16>bswap<u16>(<u16>((LENGTH_14BIT << 8) | <u32>length)));
    return 2;
  }
  if (length <= u32.MAX_VALUE) {
    store<u8>(at, LENGTH_32BIT);
    store<u32>(at, bswap(<u32>length), 1);
    return 5;
  }
  store<u8>(at, LENGTH_64BIT);
  store<u64>(at, bswap(length), 1);
  return 9;
}

/** Eight bytes, little-endian: a time in milliseconds, or a checksum. */
export function writeI64(out: RdbOutput, value: i64): void {
  if (!tryRoom(out, 8)) return;
  store<i64>(out.base + out.used, value);
  out.used += 8;
}

export function writeF64(out: RdbOutput, value: f64): void {
  writeI64(out, reinterpret<i64>(value));
}

export function writeU16(out: RdbOutput, value: u32): void {
  writeByte(out, value & 255);
  writeByte(out, value >> 8);
}

/** A stream id: milliseconds and sequence, big-endian. */
export function writeRawId(out: RdbOutput, ms: u64, seq: u64): void {
  writeI64(out, bswap(ms));
  writeI64(out, bswap(seq));
}

// --- Strings ---

/** Bytes as they are. */
export function writeBytes(out: RdbOutput, ptr: usize, len: usize): void {
  if (!tryRoom(out, len)) return;
  copySmall(out.base + out.used, ptr, len);
  out.used += len;
}

/**
 * A string in one of its short forms. False when it has none: then nothing was written, and it is to
 * be written as its length and its bytes.
 */
export function tryWriteShort(out: RdbOutput, ptr: usize, len: u32): bool {
  if (len <= INT_CHARS_MAX) return parseI64(ptr, len) && tryWriteInteger(out, parseI64Value);
  return len >= COMPRESS_MIN_BYTES && len <= out.compressMax && tryWriteLzf(out, ptr, len);
}

/** An integer in place of its text, if it has at most 32 bits. */
export function tryWriteInteger(out: RdbOutput, value: i64): bool {
  if (value != <i64>(<i32>value)) return false;
  if (!tryRoom(out, INTEGER_BYTES_MAX)) return true;
  out.used += putInteger32(out.base + out.used, value);
  return true;
}

/** Writes an integer of at most 32 bits to `at`, where there are INTEGER_BYTES_MAX; returns its bytes. */
function putInteger32(at: usize, value: i64): usize {
  store<i32>(at, <i32>value, 1);
  if (value == <i64>(<i8>value)) {
    store<u8>(at, LENGTH_ENCODED | STRING_INT8);
    return 2;
  }
  if (value == <i64>(<i16>value)) {
    store<u8>(at, LENGTH_ENCODED | STRING_INT16);
    return 3;
  }
  store<u8>(at, LENGTH_ENCODED | STRING_INT32);
  return 5;
}

/** Whether a string is so short that its form depends on nothing but its bytes. */
export function isShort(len: u32): bool {
  return len < COMPRESS_MIN_BYTES;
}

/** Writes a string that `isShort` to `at`; returns its bytes. */
export function putShort(at: usize, ptr: usize, len: u32): usize {
  if (len <= INT_CHARS_MAX && parseI64(ptr, len) && parseI64Value == <i64>(<i32>parseI64Value)) {
    return putInteger32(at, parseI64Value);
  }
  store<u8>(at, <u8>len);
  copySmall(at + 1, ptr, len);
  return 1 + <usize>len;
}

/** The same for a string that is the text of an integer; at most 20 digits. */
export function putShortInteger(at: usize, value: i64): usize {
  if (value == <i64>(<i32>value)) return putInteger32(at, value);
  const len = formatI64(value, at + 1);
  store<u8>(at, <u8>len);
  return 1 + <usize>len;
}

/** Compresses straight into the buffer, behind the longest head there can be. */
function tryWriteLzf(out: RdbOutput, ptr: usize, len: u32): bool {
  const capacity: usize = len - COMPRESS_GAIN;
  if (!tryRoom(out, capacity + LZF_HEAD_BYTES)) return true;
  const at = out.base + out.used;
  const packed = lzfCompress(ptr, len, at + LZF_HEAD_BYTES, capacity);
  if (packed == 0) return false;
  store<u8>(at, LENGTH_ENCODED | STRING_LZF);
  // A length at its longest would reach into the data: the head is put together elsewhere.
  let head: usize = 1;
  head += putLength(headText, packed);
  head += putLength(headText + head - 1, len);
  memory.copy(at + 1, headText, head - 1);
  memory.copy(at + head, at + LZF_HEAD_BYTES, packed);
  out.used += head + packed;
  return true;
}

const headText: usize = memory.data(24, 8);

/** A string that is compressed already, `len` bytes long when it is not. */
export function writeLzf(out: RdbOutput, packedPtr: usize, packedLen: u32, len: u32): void {
  writeByte(out, LENGTH_ENCODED | STRING_LZF);
  writeLength(out, packedLen);
  writeLength(out, len);
  writeBytes(out, packedPtr, packedLen);
}
