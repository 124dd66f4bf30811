// Products of 64-bit numbers that need 128 bits. WebAssembly has no such instruction; the low half
// is the ordinary product, and this gives the high half.

const LOW_HALF: u64 = 0xffffffff;

/** The high 64 bits of a * b. */
export function mulHigh(a: u64, b: u64): u64 {
  const aLow = a & LOW_HALF;
  const aHigh = a >> 32;
  const bLow = b & LOW_HALF;
  const bHigh = b >> 32;
  const lowHigh = aLow * bHigh;
  // At most (2^32 - 1)^2 + (2^32 - 1) + (2^32 - 1), so nothing carries out of 64 bits.
  const middle = aHigh * bLow + ((aLow * bLow) >> 32) + (lowHigh & LOW_HALF);
  return aHigh * bHigh + (lowHigh >> 32) + (middle >> 32);
}
