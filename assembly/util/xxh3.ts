// XXH3, 64 bits, seed 0: the hash behind DIGEST and the IFDEQ family of conditions.
//
// Every length class has its own way through:
//
//      0          a constant
//      1 -   3    all bytes in one word
//      4 -   8    two words of 4 that may overlap
//      9 -  16    two words of 8 that may overlap
//     17 - 128    pairs of 16 bytes from both ends towards the middle
//    129 - 240    all 16 bytes in order, and the last 16
//    241 -        stripes of 64 bytes into eight accumulators, scrambled after every 16 stripes
//
// The accumulators are four SIMD registers of two lanes. Nothing outside [ptr, ptr + len) is read.
// O(len).
//
// Source: Collet, "XXHash fast digest algorithm", version 0.8 of the specification.

import { mulHigh } from './wide';

const PRIME32_1: u64 = 0x9e3779b1;
const PRIME32_2: u64 = 0x85ebca77;
const PRIME32_3: u64 = 0xc2b2ae3d;
const PRIME64_1: u64 = 0x9e3779b185ebca87;
const PRIME64_2: u64 = 0xc2b2ae3d27d4eb4f;
const PRIME64_3: u64 = 0x165667b19e3779f9;
const PRIME64_4: u64 = 0x85ebca77c2b2ae63;
const PRIME64_5: u64 = 0x27d4eb2f165667c5;
const PRIME_MX1: u64 = 0x165667919e3779f9;
const PRIME_MX2: u64 = 0x9fb21c651e98df25;

/** The default secret. */
const SECRET: usize = memory.data<u8>([
  0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c,
  0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f,
  0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21,
  0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c,
  0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b, 0x1b, 0x53, 0x2e, 0xa3,
  0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac, 0xd8,
  0xa8, 0xfa, 0x76, 0x3f, 0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d,
  0x8a, 0x51, 0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31, 0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64,
  0xea, 0xc5, 0xac, 0x83, 0x34, 0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff, 0xfa, 0x13, 0x63, 0xeb,
  0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49, 0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e,
  0x2b, 0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc, 0x8f, 0xf8, 0xb8, 0xd1, 0x7a, 0xd0, 0x31, 0xce,
  0x45, 0xcb, 0x3a, 0x8f, 0x95, 0x16, 0x04, 0x28, 0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b, 0x40, 0x7e,
]);
const SECRET_BYTES: usize = 192;

const STRIPE_BYTES: usize = 64;
const STRIPES_PER_BLOCK: usize = 16;
/** The secret advances by so much from stripe to stripe. */
const SECRET_STEP: usize = 8;
/** Places in the secret where the specification starts some steps. */
const SECRET_SCRAMBLE: usize = SECRET + SECRET_BYTES - STRIPE_BYTES;
const SECRET_LAST_STRIPE: usize = SECRET_SCRAMBLE - 7;
const SECRET_MERGE: usize = SECRET + 11;
const SECRET_MIDDLE: usize = SECRET + 3;
const SECRET_MIDDLE_LAST: usize = SECRET + 136 - 17;

function avalanche(hash: u64): u64 {
  hash ^= hash >> 37;
  hash *= PRIME_MX1;
  return hash ^ (hash >> 32);
}

/** The older avalanche of XXH64. */
function avalanche64(hash: u64): u64 {
  hash ^= hash >> 33;
  hash *= PRIME64_2;
  hash ^= hash >> 29;
  hash *= PRIME64_3;
  return hash ^ (hash >> 32);
}

/** Both halves of a 128-bit product, exclusive or. */
function multiplyFold(a: u64, b: u64): u64 {
  return (a * b) ^ mulHigh(a, b);
}

function mix16(ptr: usize, secret: usize): u64 {
  return multiplyFold(load<u64>(ptr) ^ load<u64>(secret), load<u64>(ptr, 8) ^ load<u64>(secret, 8));
}

/** The hash of `len` bytes. */
export function xxh3(ptr: usize, len: usize): u64 {
  if (len <= 16) return hashUpTo16(ptr, len);
  if (len <= 128) return hashUpTo128(ptr, len);
  if (len <= 240) return hashUpTo240(ptr, len);
  return hashLong(ptr, len);
}

function hashUpTo16(ptr: usize, len: usize): u64 {
  if (len > 8) {
    const low = load<u64>(ptr) ^ (load<u64>(SECRET + 24) ^ load<u64>(SECRET + 32));
    const high = load<u64>(ptr + len - 8) ^ (load<u64>(SECRET + 40) ^ load<u64>(SECRET + 48));
    return avalanche(<u64>len + bswap(low) + high + multiplyFold(low, high));
  }
  if (len >= 4) {
    const joined = <u64>load<u32>(ptr + len - 4) + ((<u64>load<u32>(ptr)) << 32);
    let hash = joined ^ (load<u64>(SECRET + 8) ^ load<u64>(SECRET + 16));
    hash ^= rotl(hash, 49) ^ rotl(hash, 24);
    hash *= PRIME_MX2;
    hash ^= (hash >> 35) + <u64>len;
    hash *= PRIME_MX2;
    return hash ^ (hash >> 28);
  }
  if (len != 0) {
    const joined =
      ((<u32>load<u8>(ptr)) << 16) |
      ((<u32>load<u8>(ptr + (len >> 1))) << 24) |
      <u32>load<u8>(ptr + len - 1) |
      ((<u32>len) << 8);
    return avalanche64(<u64>(joined ^ (load<u32>(SECRET) ^ load<u32>(SECRET + 4))));
  }
  return avalanche64(load<u64>(SECRET + 56) ^ load<u64>(SECRET + 64));
}

function hashUpTo128(ptr: usize, len: usize): u64 {
  let hash = <u64>len * PRIME64_1;
  // As many pairs as cover the length, the innermost first.
  let offset = ((len - 1) >> 5) << 4;
  while (offset != 0) {
    hash += mix16(ptr + offset, SECRET + (offset << 1));
    hash += mix16(ptr + len - offset - 16, SECRET + (offset << 1) + 16);
    offset -= 16;
  }
  hash += mix16(ptr, SECRET);
  hash += mix16(ptr + len - 16, SECRET + 16);
  return avalanche(hash);
}

function hashUpTo240(ptr: usize, len: usize): u64 {
  let hash = <u64>len * PRIME64_1;
  for (let offset: usize = 0; offset < 128; offset += 16)
    hash += mix16(ptr + offset, SECRET + offset);
  hash = avalanche(hash);
  for (let offset: usize = 128; offset + 16 <= len; offset += 16) {
    hash += mix16(ptr + offset, SECRET_MIDDLE + offset - 128);
  }
  return avalanche(hash + mix16(ptr + len - 16, SECRET_MIDDLE_LAST));
}

class Lanes {
  /** Adds 16 bytes of a stripe to two accumulators. */
  @inline
  static accumulate(accumulators: v128, ptr: usize, secret: usize): v128 {
    const data = v128.load(ptr);
    const keyed = v128.xor(data, v128.load(secret));
    const swapped = v128.shuffle<u64>(data, data, 1, 0);
    // The low halves times the high halves, each pair in its own lane.
    const low = v128.shuffle<u32>(keyed, keyed, 0, 2, 0, 2);
    const high = v128.shuffle<u32>(keyed, keyed, 1, 3, 1, 3);
    const product = i64x2.extmul_low_i32x4_u(low, high);
    return i64x2.add(i64x2.add(accumulators, swapped), product);
  }

  @inline
  static scramble(accumulators: v128, secret: usize): v128 {
    const folded = v128.xor(accumulators, i64x2.shr_u(accumulators, 47));
    return i64x2.mul(v128.xor(folded, v128.load(secret)), i64x2.splat(PRIME32_1));
  }

  /** What two accumulators add to the result. */
  @inline
  static merge(accumulators: v128, secret: usize): u64 {
    return multiplyFold(
      <u64>i64x2.extract_lane(accumulators, 0) ^ load<u64>(secret),
      <u64>i64x2.extract_lane(accumulators, 1) ^ load<u64>(secret, 8),
    );
  }
}

function hashLong(ptr: usize, len: usize): u64 {
  let lanes0 = i64x2(PRIME32_3, PRIME64_1);
  let lanes1 = i64x2(PRIME64_2, PRIME64_3);
  let lanes2 = i64x2(PRIME64_4, PRIME32_2);
  let lanes3 = i64x2(PRIME64_5, PRIME32_1);

  // The last stripe is always the last 64 bytes, so it is left out here even if it is whole.
  const end = ptr + len;
  let stripe: usize = 0;
  for (let at = ptr; at + STRIPE_BYTES < end; at += STRIPE_BYTES) {
    const secret = SECRET + stripe * SECRET_STEP;
    lanes0 = Lanes.accumulate(lanes0, at, secret);
    lanes1 = Lanes.accumulate(lanes1, at + 16, secret + 16);
    lanes2 = Lanes.accumulate(lanes2, at + 32, secret + 32);
    lanes3 = Lanes.accumulate(lanes3, at + 48, secret + 48);
    if (++stripe == STRIPES_PER_BLOCK) {
      stripe = 0;
      lanes0 = Lanes.scramble(lanes0, SECRET_SCRAMBLE);
      lanes1 = Lanes.scramble(lanes1, SECRET_SCRAMBLE + 16);
      lanes2 = Lanes.scramble(lanes2, SECRET_SCRAMBLE + 32);
      lanes3 = Lanes.scramble(lanes3, SECRET_SCRAMBLE + 48);
    }
  }
  const last = end - STRIPE_BYTES;
  lanes0 = Lanes.accumulate(lanes0, last, SECRET_LAST_STRIPE);
  lanes1 = Lanes.accumulate(lanes1, last + 16, SECRET_LAST_STRIPE + 16);
  lanes2 = Lanes.accumulate(lanes2, last + 32, SECRET_LAST_STRIPE + 32);
  lanes3 = Lanes.accumulate(lanes3, last + 48, SECRET_LAST_STRIPE + 48);

  let hash = <u64>len * PRIME64_1;
  hash += Lanes.merge(lanes0, SECRET_MERGE);
  hash += Lanes.merge(lanes1, SECRET_MERGE + 16);
  hash += Lanes.merge(lanes2, SECRET_MERGE + 32);
  hash += Lanes.merge(lanes3, SECRET_MERGE + 48);
  return avalanche(hash);
}

/** Writes the hash as DIGEST prints it, 16 hex digits in lower case, and returns 16. */
export function formatDigest(hash: u64, out: usize): u32 {
  for (let i: usize = 0; i < 16; i++) {
    const digit = <u8>(hash >> 60);
    store<u8>(out + i, digit < 10 ? 48 + digit : 87 + digit);
    hash <<= 4;
  }
  return 16;
}
