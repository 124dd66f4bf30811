// Random numbers for sampling: RANDOMKEY, SPOP, eviction candidates, skiplist levels.
//
// The generator is xoshiro256**, which is fast, has a period of 2^256 - 1 and passes the usual
// statistical tests; it is not for secrets. The host seeds it, so that a run can be repeated.
//
// Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators".

let state0: u64 = 0x9e3779b97f4a7c15;
let state1: u64 = 0xbf58476d1ce4e5b9;
let state2: u64 = 0x94d049bb133111eb;
let state3: u64 = 0x2545f4914f6cdd1d;

/** One step of splitmix64: spreads a seed whose bits may be few over all bits of a word. */
function splitMix(seed: u64): u64 {
  let mixed = seed;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

/** Starts the sequence that belongs to a seed; any value will do. */
export function seedRandom(seed: u64): void {
  const step: u64 = 0x9e3779b97f4a7c15;
  // splitmix64 gives 0 for one of four neighbouring inputs at most, so the state is never all zero.
  state0 = splitMix(seed + step);
  state1 = splitMix(seed + step * 2);
  state2 = splitMix(seed + step * 3);
  state3 = splitMix(seed + step * 4);
}

/** 64 random bits. */
export function randomU64(): u64 {
  const result = rotl(state1 * 5, 7) * 9;
  const shifted = state1 << 17;
  state2 ^= state0;
  state3 ^= state1;
  state1 ^= state2;
  state0 ^= state3;
  state2 ^= shifted;
  state3 = rotl(state3, 45);
  return result;
}

/** A number from 0 to n - 1, all equally likely; n must not be 0. */
export function randomBelow(n: u32): u32 {
  assert(n != 0);
  // The high half of random * n is the result. It is uneven by 2^32 mod n products, which have the
  // lowest low halves; those are drawn again. (Lemire, "Fast random integer generation".)
  let product = (randomU64() >> 32) * <u64>n;
  if (<u32>product < n) {
    const threshold = <u32>(0 - n) % n;
    while (<u32>product < threshold) product = (randomU64() >> 32) * <u64>n;
  }
  return <u32>(product >> 32);
}

/** As `randomBelow`, for limits beyond 32 bits. */
export function randomBelow64(n: u64): u64 {
  assert(n != 0);
  if (n <= u32.MAX_VALUE) return randomBelow(<u32>n);
  // Numbers of as many bits as n - 1, until one is below n: two draws at most on average.
  const mask = u64.MAX_VALUE >> clz(n - 1);
  let drawn = randomU64() & mask;
  while (drawn >= n) drawn = randomU64() & mask;
  return drawn;
}

/** A number from 0 to just below 1, a multiple of 2^-53. */
export function randomF64(): f64 {
  return <f64>(randomU64() >> 11) * (1.0 / 9007199254740992.0);
}
