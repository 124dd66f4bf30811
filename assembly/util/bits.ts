// Counting, finding and combining bits of byte strings.
//
// Bit 0 is the highest bit of the first byte, as in SETBIT. Long runs go in steps of 64 or 128 bits;
// nothing outside the given bytes is read. All functions are O(len) and allocate nothing.

/** How many bits of the `len` bytes are set. */
export function popcountBytes(ptr: usize, len: usize): u64 {
  let count: u64 = 0;
  let at = ptr;
  const end = ptr + len;
  if (len >= 32) {
    const last = end - 32;
    while (at <= last) {
      count +=
        popcnt(load<u64>(at)) +
        popcnt(load<u64>(at, 8)) +
        popcnt(load<u64>(at, 16)) +
        popcnt(load<u64>(at, 24));
      at += 32;
    }
  }
  while (end - at >= 8) {
    count += popcnt(load<u64>(at));
    at += 8;
  }
  while (at < end) {
    count += <u64>popcnt(<u32>load<u8>(at));
    at++;
  }
  return count;
}

/** How many of the bits `first` to `last`, both included, are set. */
export function popcountBits(ptr: usize, first: u64, last: u64): u64 {
  const from = ptr + <usize>(first >> 3);
  const to = ptr + <usize>(last >> 3);
  const before: u32 = load<u8>(from) & ~(<u32>0xff >> <u32>(first & 7));
  const after: u32 = load<u8>(to) & (<u32>0x7f >> <u32>(last & 7));
  return popcountBytes(from, to - from + 1) - <u64>(popcnt(before) + popcnt(after));
}

/** The first of the bits `first` to `last`, both included, that is 1 (or 0, if not `one`), or -1. */
export function findBit(ptr: usize, first: u64, last: u64, one: bool): i64 {
  const flip: u8 = one ? 0 : 0xff;
  const end = ptr + <usize>(last >> 3) + 1;
  let at = ptr + <usize>(first >> 3);
  let byte: u32 = (load<u8>(at) ^ flip) & (<u32>0xff >> <u32>(first & 7));
  if (byte == 0) {
    at = skipBytes(at + 1, end, flip);
    if (at == end) return -1;
    byte = load<u8>(at) ^ flip;
  }
  const found = ((<u64>(at - ptr)) << 3) + <u64>(clz(byte) - 24);
  return found <= last ? <i64>found : -1;
}

/** The first byte in [at, end) that is not `byte`, or `end`. */
function skipBytes(at: usize, end: usize, byte: u8): usize {
  const skipped = i8x16.splat(<i8>byte);
  while (end - at >= 16) {
    const same = i8x16.bitmask(i8x16.eq(v128.load(at), skipped));
    if (same != 0xffff) return at + ctz(~same);
    at += 16;
  }
  while (at < end && load<u8>(at) == byte) at++;
  return at;
}

// --- Combining ---

export const BITS_AND: u32 = 0;
export const BITS_OR: u32 = 1;
export const BITS_XOR: u32 = 2;
/** Clears what the source has set. */
export const BITS_AND_NOT: u32 = 3;

/** The loop, written once and expanded for each operation. */
class Combine {
  @inline static vector(op: u32, x: v128, y: v128): v128 {
    if (op == BITS_AND) return v128.and(x, y);
    if (op == BITS_OR) return v128.or(x, y);
    return op == BITS_XOR ? v128.xor(x, y) : v128.andnot(x, y);
  }
  @inline static byte(op: u32, x: u32, y: u32): u32 {
    if (op == BITS_AND) return x & y;
    if (op == BITS_OR) return x | y;
    return op == BITS_XOR ? x ^ y : x & ~y;
  }
  @inline static all(op: u32, dst: usize, src: usize, len: usize): void {
    const end = dst + len;
    while (end - dst >= 16) {
      v128.store(dst, Combine.vector(op, v128.load(dst), v128.load(src)));
      dst += 16;
      src += 16;
    }
    while (dst < end) {
      store<u8>(dst, <u8>Combine.byte(op, load<u8>(dst), load<u8>(src)));
      dst++;
      src++;
    }
  }
}

/** dst = dst op src, byte by byte; BITS_AND, BITS_OR, BITS_XOR or BITS_AND_NOT. */
export function combineBytes(op: u32, dst: usize, src: usize, len: usize): void {
  if (op == BITS_AND) Combine.all(BITS_AND, dst, src, len);
  else if (op == BITS_OR) Combine.all(BITS_OR, dst, src, len);
  else if (op == BITS_XOR) Combine.all(BITS_XOR, dst, src, len);
  else Combine.all(BITS_AND_NOT, dst, src, len);
}

/** Inverts every bit. */
export function invertBytes(dst: usize, len: usize): void {
  const end = dst + len;
  while (end - dst >= 16) {
    v128.store(dst, v128.not(v128.load(dst)));
    dst += 16;
  }
  while (dst < end) {
    store<u8>(dst, ~load<u8>(dst));
    dst++;
  }
}

/**
 * Counts the source's bits to two: `once` gets the bits that are set, `twice` those that `once` had
 * already.
 */
export function tallyBytes(once: usize, twice: usize, src: usize, len: usize): void {
  const end = src + len;
  while (end - src >= 16) {
    const bits = v128.load(src);
    const seen = v128.load(once);
    v128.store(twice, v128.or(v128.load(twice), v128.and(seen, bits)));
    v128.store(once, v128.or(seen, bits));
    once += 16;
    twice += 16;
    src += 16;
  }
  while (src < end) {
    const bits = load<u8>(src);
    const seen = load<u8>(once);
    store<u8>(twice, load<u8>(twice) | (seen & bits));
    store<u8>(once, seen | bits);
    once++;
    twice++;
    src++;
  }
}
