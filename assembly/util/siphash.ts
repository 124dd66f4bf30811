// SipHash-1-2 with a secret key: the hash of every key name, field and member.
//
// The key comes from the host's random source at start, so that nobody can choose names that
// collide. One round per word and two at the end is the variant Redis uses: weaker than SipHash-2-4
// as a signature, but nobody sees these hashes, and it is twice as fast.
//
// The rounds are written out and not shared: a function cannot give back four values without
// storing them, and this code runs for every key of every command. A name of 16 bytes takes two
// turns of the loop, one for the length word and the two last rounds.
//
// The words are read with overlapping loads at the end, never outside [ptr, ptr + len).
//
// Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF".

const INITIAL_0: u64 = 0x736f6d6570736575;
const INITIAL_1: u64 = 0x646f72616e646f6d;
const INITIAL_2: u64 = 0x6c7967656e657261;
const INITIAL_3: u64 = 0x7465646279746573;
const FINALIZE: u64 = 0xff;

/** The state before the first word, for the current key. */
let start0: u64 = INITIAL_0;
let start1: u64 = INITIAL_1;
let start2: u64 = INITIAL_2;
let start3: u64 = INITIAL_3;

/**
 * Sets the key: its first and last eight bytes, little-endian. Hashes made before do not compare.
 */
export function setHashSeed(k0: u64, k1: u64): void {
  start0 = INITIAL_0 ^ k0;
  start1 = INITIAL_1 ^ k1;
  start2 = INITIAL_2 ^ k0;
  start3 = INITIAL_3 ^ k1;
}

/** The last word: the bytes after the last whole word, and the length in the top byte. */
function lastWord(ptr: usize, len: usize): u64 {
  const top = (<u64>len) << 56;
  if (len >= 8) {
    // The eight bytes that end the run hold the wanted ones on top. Two shifts, because a shift by
    // 64 would be one by 0.
    const rest = <u64>(len & 7);
    return top | ((load<u64>(ptr + len - 8) >> 8) >> (56 - (rest << 3)));
  }
  if (len >= 4) {
    const offset = len - 4;
    return top | load<u32>(ptr) | ((<u64>load<u32>(ptr + offset)) << ((<u64>offset) << 3));
  }
  if (len == 0) return top;
  const middle = len >> 1;
  const tail = len - 1;
  return (
    top |
    load<u8>(ptr) |
    ((<u64>load<u8>(ptr + middle)) << ((<u64>middle) << 3)) |
    ((<u64>load<u8>(ptr + tail)) << ((<u64>tail) << 3))
  );
}

/** The hash of `len` bytes under the current key. O(len). */
export function hashBytes(ptr: usize, len: usize): u64 {
  let v0 = start0;
  let v1 = start1;
  let v2 = start2;
  let v3 = start3;

  const word = lastWord(ptr, len);
  const wordsEnd = ptr + (len & ~7);
  while (ptr < wordsEnd) {
    const whole = load<u64>(ptr);
    ptr += 8;
    v3 ^= whole;
    v0 += v1;
    v2 += v3;
    v1 = rotl(v1, 13) ^ v0;
    v3 = rotl(v3, 16) ^ v2;
    v0 = rotl(v0, 32) + v3;
    v2 += v1;
    v3 = rotl(v3, 21) ^ v0;
    v1 = rotl(v1, 17) ^ v2;
    v2 = rotl(v2, 32);
    v0 ^= whole;
  }

  v3 ^= word;
  v0 += v1;
  v2 += v3;
  v1 = rotl(v1, 13) ^ v0;
  v3 = rotl(v3, 16) ^ v2;
  v0 = rotl(v0, 32) + v3;
  v2 += v1;
  v3 = rotl(v3, 21) ^ v0;
  v1 = rotl(v1, 17) ^ v2;
  v2 = rotl(v2, 32);
  v0 ^= word;

  v2 ^= FINALIZE;
  v0 += v1;
  v2 += v3;
  v1 = rotl(v1, 13) ^ v0;
  v3 = rotl(v3, 16) ^ v2;
  v0 = rotl(v0, 32) + v3;
  v2 += v1;
  v3 = rotl(v3, 21) ^ v0;
  v1 = rotl(v1, 17) ^ v2;
  v2 = rotl(v2, 32);

  v0 += v1;
  v2 += v3;
  v1 = rotl(v1, 13) ^ v0;
  v3 = rotl(v3, 16) ^ v2;
  v0 = rotl(v0, 32) + v3;
  v2 += v1;
  v3 = rotl(v3, 21) ^ v0;
  v1 = rotl(v1, 17) ^ v2;
  v2 = rotl(v2, 32);
  return v0 ^ v1 ^ v2 ^ v3;
}
