// Comparing, copying and searching short runs of raw bytes.
//
// Most keys, values and protocol lines are so short that calling memory.copy or looping byte by
// byte costs more than the work itself. So each function first splits on the length and covers a
// short run with two or four loads that may overlap:
//
//   len 11:   |-- first 8 --|
//                   |-- last 8 --|
//
// The overlap is read twice, which is harmless, and nothing outside [ptr, ptr + len) is ever read.
// Longer runs go in steps of 16 with SIMD and end with one overlapping step.
//
// All functions are O(len), allocate nothing and invalidate no pointer.

const CARRIAGE_RETURN: u8 = 13;

/** Whether the `len` bytes at `a` and at `b` are the same. */
export function bytesEqual(a: usize, b: usize, len: usize): bool {
  if (len <= 16) {
    if (len >= 8) {
      const tail = len - 8;
      return ((load<u64>(a) ^ load<u64>(b)) | (load<u64>(a + tail) ^ load<u64>(b + tail))) == 0;
    }
    if (len >= 4) {
      const tail = len - 4;
      return ((load<u32>(a) ^ load<u32>(b)) | (load<u32>(a + tail) ^ load<u32>(b + tail))) == 0;
    }
    if (len == 0) return true;
    // 1 to 3 bytes: the first, the middle and the last one cover them all.
    const middle = len >> 1;
    const tail = len - 1;
    return (
      ((load<u8>(a) ^ load<u8>(b)) |
        (load<u8>(a + middle) ^ load<u8>(b + middle)) |
        (load<u8>(a + tail) ^ load<u8>(b + tail))) ==
      0
    );
  }
  const last = len - 16;
  let offset: usize = 0;
  while (offset < last) {
    if (v128.any_true(v128.xor(v128.load(a + offset), v128.load(b + offset)))) return false;
    offset += 16;
  }
  return !v128.any_true(v128.xor(v128.load(a + last), v128.load(b + last)));
}

/** The sign of the first difference between two words that differ, in memory order. */
function firstDifference(a: u64, b: u64): i32 {
  const shift = ctz(a ^ b) & ~7;
  return ((a >> shift) & 0xff) < ((b >> shift) & 0xff) ? -1 : 1;
}

/** memcmp: -1, 0 or 1 as the bytes at `a` sort before, with or after those at `b`, unsigned. */
export function bytesCompare(a: usize, b: usize, len: usize): i32 {
  while (len >= 8) {
    const wordA = load<u64>(a);
    const wordB = load<u64>(b);
    if (wordA != wordB) return firstDifference(wordA, wordB);
    a += 8;
    b += 8;
    len -= 8;
  }
  if (len >= 4) {
    const wordA = load<u32>(a);
    const wordB = load<u32>(b);
    if (wordA != wordB) return firstDifference(wordA, wordB);
    a += 4;
    b += 4;
    len -= 4;
  }
  while (len != 0) {
    const byteA = load<u8>(a);
    const byteB = load<u8>(b);
    if (byteA != byteB) return byteA < byteB ? -1 : 1;
    a++;
    b++;
    len--;
  }
  return 0;
}

/** Orders two strings of any lengths: by bytes, and a prefix before what it is a prefix of. */
export function stringCompare(a: usize, lenA: usize, b: usize, lenB: usize): i32 {
  const order = bytesCompare(a, b, lenA < lenB ? lenA : lenB);
  if (order != 0) return order;
  return i32(lenA > lenB) - i32(lenA < lenB);
}

/** Copies `len` bytes, fast when they are few. The two runs may overlap. */
export function copySmall(dst: usize, src: usize, len: usize): void {
  // Every branch loads all it copies before it stores, which is what makes overlap safe.
  if (len > 16) {
    if (len > 64) {
      memory.copy(dst, src, len);
      return;
    }
    const tail = len - 16;
    const first = v128.load(src);
    const last = v128.load(src + tail);
    if (len > 32) {
      // The second and the last but one sixteen bytes.
      const second = v128.load(src, 16);
      const beforeLast = v128.load(src + tail - 16);
      v128.store(dst, second, 16);
      v128.store(dst + tail - 16, beforeLast);
    }
    v128.store(dst, first);
    v128.store(dst + tail, last);
    return;
  }
  if (len >= 8) {
    const tail = len - 8;
    const first = load<u64>(src);
    const last = load<u64>(src + tail);
    store<u64>(dst, first);
    store<u64>(dst + tail, last);
    return;
  }
  if (len >= 4) {
    const tail = len - 4;
    const first = load<u32>(src);
    const last = load<u32>(src + tail);
    store<u32>(dst, first);
    store<u32>(dst + tail, last);
    return;
  }
  if (len == 0) return;
  const middle = len >> 1;
  const tail = len - 1;
  const firstByte = load<u8>(src);
  const middleByte = load<u8>(src + middle);
  const lastByte = load<u8>(src + tail);
  store<u8>(dst, firstByte);
  store<u8>(dst + middle, middleByte);
  store<u8>(dst + tail, lastByte);
}

/** The eight bytes with A-Z turned into a-z, all others (also those above 127) unchanged. */
export function toLower8(word: u64): u64 {
  // Seven bits per byte leave room for a carry: the sums set a byte's top bit when its low seven
  // bits are at least 'A' and above 'Z'.
  const low = word & 0x7f7f7f7f7f7f7f7f;
  const fromA = low + 0x3f3f3f3f3f3f3f3f;
  const aboveZ = low + 0x2525252525252525;
  const upper = (fromA ^ aboveZ) & ~word & 0x8080808080808080;
  return word | (upper >> 2);
}

/** The byte in lower case if it is one of A-Z. */
export function toLower(byte: u8): u8 {
  return <u32>byte - 65 < 26 ? byte | 32 : byte;
}

/**
 * Whether the `len` bytes at `ptr` equal those at `lowerPtr` when A-Z and a-z are taken as the
 * same. The bytes at `lowerPtr` must hold no capitals.
 */
export function equalsIgnoreCase(ptr: usize, len: usize, lowerPtr: usize): bool {
  if (len >= 8) {
    const last = len - 8;
    let offset: usize = 0;
    while (offset < last) {
      if (toLower8(load<u64>(ptr + offset)) != load<u64>(lowerPtr + offset)) return false;
      offset += 8;
    }
    return toLower8(load<u64>(ptr + last)) == load<u64>(lowerPtr + last);
  }
  if (len >= 4) {
    const tail = len - 4;
    const word = ((<u64>load<u32>(ptr)) << 32) | load<u32>(ptr + tail);
    const lower = ((<u64>load<u32>(lowerPtr)) << 32) | load<u32>(lowerPtr + tail);
    return toLower8(word) == lower;
  }
  for (let i: usize = 0; i < len; i++) {
    if (toLower(load<u8>(ptr + i)) != load<u8>(lowerPtr + i)) return false;
  }
  return true;
}

/** The address of the first `byte` in [ptr, end), or 0. */
export function findByte(ptr: usize, end: usize, byte: u8): usize {
  const wanted = i8x16.splat(<i8>byte);
  while (ptr + 16 <= end) {
    const mask = i8x16.bitmask(i8x16.eq(v128.load(ptr), wanted));
    if (mask != 0) return ptr + ctz(mask);
    ptr += 16;
  }
  while (ptr < end) {
    if (load<u8>(ptr) == byte) return ptr;
    ptr++;
  }
  return 0;
}

/**
 * The address of the first \r in [ptr, end), or 0. The byte after it is left to the caller: it may
 * not have arrived yet, and Redis takes the line as ended whatever it is.
 */
export function findCrlf(ptr: usize, end: usize): usize {
  return findByte(ptr, end, CARRIAGE_RETURN);
}
