// LZF: how RDB files and DUMP payloads compress long strings.
//
//   000LLLLL                      literal run: the next L + 1 bytes (1-32)
//   LLLooooo oooooooo             copy: L + 2 bytes (3-8) from o + 1 bytes back (1-8192)
//   111ooooo LLLLLLLL oooooooo    copy: L + 9 bytes (9-264) from o + 1 bytes back
//
// A copy may reach into what it writes: one byte back repeats that byte. The compressor is greedy:
// a table remembers where each hash of three bytes was seen last. It makes the choices of the
// library that Redis uses, so that equal values give equal bytes.
//
// The table is never cleared. Its entries are positions counted on from call to call, so those that
// older calls left behind are recognized as such.
//
// Both directions check every length against the buffers' ends: input from outside may be anything.
// O(len).
//
// Source: the format of Lehmann, "LibLZF".

import { copySmall } from './bytes';

const LITERAL_MAX: u32 = 32;
const OFFSET_MAX: u32 = 8192;
const COPY_MAX: usize = 264;
/** A copy length of 9 or more has this in its first byte. */
const LONG_COPY: u32 = 7;

/** Positions seen last, u32 per hash. */
const SLOT_COUNT: u32 = 65536;
const SLOTS: usize = memory.data(262144, 8);
if (SLOT_COUNT * 4 != 262144) ERROR('the table does not hold SLOT_COUNT slots');

/** The position of the next call's first byte; positions below are from older calls. */
let nextPosition: u32 = 1;

/** The slot of the three bytes at `ptr`. */
function slotOf(ptr: usize): usize {
  const bytes = ((<u32>load<u8>(ptr)) << 16) | ((<u32>load<u8>(ptr + 1)) << 8) | load<u8>(ptr + 2);
  return SLOTS + ((((bytes >> 8) - bytes * 5) & (SLOT_COUNT - 1)) << 2);
}

/** Reserves positions for `len` bytes and returns the first. */
function reservePositions(len: usize): u32 {
  if (<u64>nextPosition + len > u32.MAX_VALUE) {
    memory.fill(SLOTS, 0, (<usize>SLOT_COUNT) << 2);
    nextPosition = 1;
  }
  const first = nextPosition;
  nextPosition += <u32>len;
  return first;
}

/**
 * How many bytes at `ptr` a copy from `from` takes, at least the three that are known to match.
 * Near the end and at the longest copy it stops a little early, where the library does.
 */
function matchLength(from: usize, ptr: usize, end: usize): usize {
  const limit = min(end - ptr - 2, COPY_MAX);
  let length: usize = 3;
  if (limit > 16) {
    while (length < 19) {
      if (load<u8>(from + length) != load<u8>(ptr + length)) return length;
      length++;
    }
  }
  while (length < limit && load<u8>(from + length) == load<u8>(ptr + length)) length++;
  return length;
}

/** Ends a literal run that was written up to `out`; an empty one gives its length byte back. */
function endRun(out: usize, literals: u32): usize {
  if (literals == 0) return out - 1;
  store<u8>(out - literals - 1, literals - 1);
  return out;
}

/**
 * Compresses `len` bytes to at most `capacity` bytes at `output` and returns how many they are, or
 * 0 if they do not fit; then `output` is partly written. Like the library it may give up when fewer
 * than four bytes would be to spare. The buffers must not overlap.
 */
export function lzfCompress(input: usize, len: usize, output: usize, capacity: usize): usize {
  if (len == 0 || capacity == 0) return 0;
  const end = input + len;
  const outEnd = output + capacity;
  const firstPosition = reservePositions(len);
  // Address + shift = position.
  const shift = firstPosition - <u32>input;

  let ptr = input;
  let out = output + 1; // a run's length comes before it
  let literals: u32 = 0;
  while (ptr + 2 < end) {
    const slot = slotOf(ptr);
    const seen = load<u32>(slot);
    store<u32>(slot, <u32>ptr + shift);
    const from = <usize>(seen - shift);
    const offset = <u32>(ptr - from - 1);
    // The first byte of all is never copied from.
    if (
      seen > firstPosition &&
      offset < OFFSET_MAX &&
      load<u8>(from + 2) == load<u8>(ptr + 2) &&
      load<u16>(from) == load<u16>(ptr)
    ) {
      if (out - usize(literals == 0) + 4 >= outEnd) return 0;
      out = endRun(out, literals);
      const length = matchLength(from, ptr, end);
      out = writeCopy(out, <u32>length - 2, offset);
      out++;
      literals = 0;
      ptr += length;
      if (ptr + 2 >= end) break;
      // Of the places inside the copy only the last two are remembered.
      store<u32>(slotOf(ptr - 2), <u32>ptr - 2 + shift);
      store<u32>(slotOf(ptr - 1), <u32>ptr - 1 + shift);
      continue;
    }
    if (out >= outEnd) return 0;
    store<u8>(out++, load<u8>(ptr++));
    literals++;
    if (literals == LITERAL_MAX) {
      out = endRun(out, literals) + 1;
      literals = 0;
    }
  }

  // Two bytes at most are left, and one for the length of another run.
  if (out + 3 > outEnd) return 0;
  while (ptr < end) {
    store<u8>(out++, load<u8>(ptr++));
    literals++;
    if (literals == LITERAL_MAX) {
      out = endRun(out, literals) + 1;
      literals = 0;
    }
  }
  return endRun(out, literals) - output;
}

/** Writes a copy of `code` + 2 bytes and returns the address after it. */
function writeCopy(out: usize, code: u32, offset: u32): usize {
  if (code < LONG_COPY) {
    store<u8>(out, (offset >> 8) + (code << 5));
    store<u8>(out + 1, offset);
    return out + 2;
  }
  store<u8>(out, (offset >> 8) + (LONG_COPY << 5));
  store<u8>(out + 1, code - LONG_COPY);
  store<u8>(out + 2, offset);
  return out + 3;
}

/**
 * Decompresses `len` bytes to at most `capacity` bytes at `output` and returns how many they are,
 * or 0 if the input is not well-formed or its contents do not fit; then `output` is partly written.
 * Nothing outside the two buffers is touched. The buffers must not overlap.
 */
export function lzfDecompress(input: usize, len: usize, output: usize, capacity: usize): usize {
  const end = input + len;
  const outEnd = output + capacity;
  let ptr = input;
  let out = output;
  while (ptr < end) {
    const control = <u32>load<u8>(ptr++);
    if (control < LITERAL_MAX) {
      const count = <usize>control + 1;
      if (count > outEnd - out || count > end - ptr) return 0;
      copySmall(out, ptr, count);
      ptr += count;
      out += count;
      continue;
    }
    let count = <usize>(control >> 5);
    if (count == LONG_COPY) {
      if (ptr >= end) return 0;
      count += load<u8>(ptr++);
    }
    count += 2;
    if (ptr >= end) return 0;
    const distance = ((<usize>control & 31) << 8) + load<u8>(ptr++) + 1;
    if (count > outEnd - out || distance > out - output) return 0;
    copyBack(out, distance, count);
    out += count;
  }
  return out - output;
}

/** Copies from `distance` bytes before `out`, repeating what it writes if that is near. */
function copyBack(out: usize, distance: usize, count: usize): void {
  const from = out - distance;
  if (distance >= count) {
    copySmall(out, from, count);
  } else if (distance == 1) {
    memory.fill(out, load<u8>(from), count);
  } else {
    for (let i: usize = 0; i < count; i++) store<u8>(out + i, load<u8>(from + i));
  }
}
