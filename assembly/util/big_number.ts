// Natural numbers of any size up to a fixed bound, for exact conversion between decimal and binary.
//
//   offset 0       4          8                     4 + 4 * count
//          | count | limb 0   | limb 1   | ...  |
//          | u32   | u32, least significant first | top limb is not 0, so zero has count 0
//
// The numbers live in the three buffers below; nothing is allocated. They are scratch: a conversion
// fills them, takes its result and leaves the rest behind, so they must not be kept across calls.
//
// Bound: the largest number arises from a long double text of 5119 digits that is divided by a
// power of ten near its smallest value: 5^10072 has 731 limbs, and the dividend has at most three
// more.
//
// Source for the division: Knuth, The Art of Computer Programming, volume 2, algorithm D.

/** Address of a number. */
export type BigPtr = usize;

const LIMBS_OFFSET: usize = 4;
const LIMBS_MAX: u32 = 768;

export const BIG_A: BigPtr = memory.data(3076, 8);
export const BIG_B: BigPtr = memory.data(3076, 8);
export const BIG_C: BigPtr = memory.data(3076, 8);
if (LIMBS_OFFSET + LIMBS_MAX * 4 != 3076) ERROR('the buffers do not hold LIMBS_MAX limbs');

/** 5^13, the largest power of five in a limb. */
const FIVE_TO_13: u32 = 1220703125;
const TEN_TO_9: u32 = 1000000000;

/** The number of limbs; 0 for zero. */
export function bigCount(big: BigPtr): u32 {
  return load<u32>(big);
}

export function bigLimb(big: BigPtr, index: u32): u32 {
  return load<u32>(big + ((<usize>index) << 2), LIMBS_OFFSET);
}

function setLimb(big: BigPtr, index: u32, limb: u32): void {
  store<u32>(big + ((<usize>index) << 2), limb, LIMBS_OFFSET);
}

function setCount(big: BigPtr, count: u32): void {
  assert(count <= LIMBS_MAX);
  store<u32>(big, count);
}

/** Drops zero limbs at the top. */
function trim(big: BigPtr): void {
  let count = bigCount(big);
  while (count != 0 && bigLimb(big, count - 1) == 0) count--;
  store<u32>(big, count);
}

export function bigSet(big: BigPtr, value: u64): void {
  setLimb(big, 0, <u32>value);
  setLimb(big, 1, <u32>(value >> 32));
  setCount(big, 2);
  trim(big);
}

/** big = big * factor + addend. O(limbs). */
export function bigMultiplyAdd(big: BigPtr, factor: u32, addend: u32): void {
  const count = bigCount(big);
  let carry = <u64>addend;
  for (let i: u32 = 0; i < count; i++) {
    carry += <u64>bigLimb(big, i) * factor;
    setLimb(big, i, <u32>carry);
    carry >>= 32;
  }
  if (carry != 0) {
    setCount(big, count + 1);
    setLimb(big, count, <u32>carry);
  }
}

/** 5^exponent, for exponents that fit a limb: at most 13. */
function smallPowerOfFive(exponent: u32): u32 {
  let power: u32 = 1;
  while (exponent != 0) {
    power *= 5;
    exponent--;
  }
  return power;
}

/** big = big * 5^exponent. O(limbs * exponent). */
export function bigMultiplyPowerOfFive(big: BigPtr, exponent: u32): void {
  while (exponent >= 13) {
    bigMultiplyAdd(big, FIVE_TO_13, 0);
    exponent -= 13;
  }
  if (exponent != 0) bigMultiplyAdd(big, smallPowerOfFive(exponent), 0);
}

/** big = big * 2^bits. */
export function bigShiftLeft(big: BigPtr, bits: u32): void {
  const count = bigCount(big);
  if (count == 0 || bits == 0) return;
  const limbs = bits >> 5;
  const shift = <u64>(bits & 31);
  setCount(big, count + limbs + 1);
  // From the top down, as every limb moves up.
  let above: u64 = 0;
  for (let i = count; i != 0; i--) {
    const limb = <u64>bigLimb(big, i - 1);
    setLimb(big, i + limbs, <u32>(above | ((limb << shift) >> 32)));
    above = <u64>(<u32>(limb << shift));
  }
  setLimb(big, limbs, <u32>above);
  for (let i: u32 = 0; i < limbs; i++) setLimb(big, i, 0);
  trim(big);
}

/** The position of the highest set bit plus one; 0 for zero. */
export function bigBitLength(big: BigPtr): u32 {
  const count = bigCount(big);
  if (count == 0) return 0;
  return count * 32 - <u32>clz(bigLimb(big, count - 1));
}

/** big = big / divisor; returns the remainder. O(limbs). */
function divideByLimb(big: BigPtr, divisor: u32): u32 {
  let remainder: u64 = 0;
  for (let i = bigCount(big); i != 0; i--) {
    const part = (remainder << 32) | bigLimb(big, i - 1);
    setLimb(big, i - 1, <u32>(part / divisor));
    remainder = part % divisor;
  }
  trim(big);
  return <u32>remainder;
}

/** Takes the nine lowest decimal digits off: big = big / 10^9, returns the remainder. O(limbs). */
export function bigTakeNineDigits(big: BigPtr): u32 {
  return divideByLimb(big, TEN_TO_9);
}

/** One digit of the quotient: takes divisor * digit from the dividend's limbs at `at` and above. */
function divisionStep(dividend: BigPtr, divisor: BigPtr, at: u32): u32 {
  const count = bigCount(divisor);
  const top = <u64>bigLimb(divisor, count - 1);
  const second = <u64>bigLimb(divisor, count - 2);
  // The two top limbs give a guess that is too large by two at most, and hardly ever after the
  // third limb has been looked at.
  const part = ((<u64>bigLimb(dividend, at + count)) << 32) | bigLimb(dividend, at + count - 1);
  let digit = part / top;
  let rest = part % top;
  while (
    digit > u32.MAX_VALUE ||
    digit * second > ((rest << 32) | bigLimb(dividend, at + count - 2))
  ) {
    digit--;
    rest += top;
    if (rest > u32.MAX_VALUE) break;
  }

  let carry: u64 = 0;
  let borrow: u64 = 0;
  for (let i: u32 = 0; i < count; i++) {
    carry += digit * bigLimb(divisor, i);
    const difference = <u64>bigLimb(dividend, at + i) - <u64>(<u32>carry) - borrow;
    setLimb(dividend, at + i, <u32>difference);
    borrow = difference >> 63;
    carry >>= 32;
  }
  const difference = <u64>bigLimb(dividend, at + count) - carry - borrow;
  setLimb(dividend, at + count, <u32>difference);
  if (difference >> 63 == 0) return <u32>digit;

  // Still one too large: give one divisor back.
  carry = 0;
  for (let i: u32 = 0; i < count; i++) {
    carry += <u64>bigLimb(dividend, at + i) + bigLimb(divisor, i);
    setLimb(dividend, at + i, <u32>carry);
    carry >>= 32;
  }
  setLimb(dividend, at + count, bigLimb(dividend, at + count) + <u32>carry);
  return <u32>(digit - 1);
}

/**
 * quotient = dividend / divisor; the dividend becomes the remainder. The divisor's top bit must be
 * set: the caller shifts both numbers first. O(limbs of the quotient * limbs of the divisor).
 */
export function bigDivide(dividend: BigPtr, divisor: BigPtr, quotient: BigPtr): void {
  const count = bigCount(divisor);
  const dividendCount = bigCount(dividend);
  assert(count != 0 && bigLimb(divisor, count - 1) >> 31 != 0);
  if (dividendCount < count) {
    setCount(quotient, 0);
    return;
  }
  if (count == 1) {
    memory.copy(quotient, dividend, LIMBS_OFFSET + ((<usize>dividendCount) << 2));
    bigSet(dividend, divideByLimb(quotient, bigLimb(divisor, 0)));
    return;
  }
  const digits = dividendCount - count + 1;
  setCount(dividend, dividendCount + 1);
  setLimb(dividend, dividendCount, 0);
  setCount(quotient, digits);
  for (let at = digits; at != 0; at--) {
    setLimb(quotient, at - 1, divisionStep(dividend, divisor, at - 1));
  }
  trim(quotient);
  trim(dividend);
}

/** Twice the number compared with another: -1, 0 or 1. Tells a remainder from half a divisor. */
export function bigCompareDouble(big: BigPtr, other: BigPtr): i32 {
  bigShiftLeft(big, 1);
  const count = bigCount(big);
  const otherCount = bigCount(other);
  if (count != otherCount) return count < otherCount ? -1 : 1;
  for (let i = count; i != 0; i--) {
    const limb = bigLimb(big, i - 1);
    const otherLimb = bigLimb(other, i - 1);
    if (limb != otherLimb) return limb < otherLimb ? -1 : 1;
  }
  return 0;
}

/** The 32 bits from position `bit` on; bits outside the number are 0. */
function bitsAt(big: BigPtr, bit: i32): u32 {
  const index = bit >> 5;
  const shift = <u64>(bit & 31);
  const count = <i32>bigCount(big);
  const low = index >= 0 && index < count ? bigLimb(big, index) : 0;
  const high = index + 1 >= 0 && index + 1 < count ? bigLimb(big, index + 1) : 0;
  return <u32>((<u64>low | ((<u64>high) << 32)) >> shift);
}

/** The 64 highest bits, the first of them set; smaller numbers get zeros below. Not for zero. */
export function bigTop64(big: BigPtr): u64 {
  const start = <i32>bigBitLength(big) - 64;
  return <u64>bitsAt(big, start) | ((<u64>bitsAt(big, start + 32)) << 32);
}

/** Whether any bit below position `bit` is set. */
function anyBitBelow(big: BigPtr, bit: u32): bool {
  const whole = bit >> 5;
  for (let i: u32 = 0; i < whole; i++) {
    if (bigLimb(big, i) != 0) return true;
  }
  const rest = bit & 31;
  return rest != 0 && bigLimb(big, whole) << (32 - rest) != 0;
}

/** What is below a place where a number is cut, compared with half a unit of that place. */
export const TAIL_NONE: u32 = 0;
export const TAIL_BELOW_HALF: u32 = 1;
export const TAIL_HALF: u32 = 2;
export const TAIL_ABOVE_HALF: u32 = 3;

/** The part below `bigTop64` and, if `more`, below the number, compared with half its last bit. */
export function bigTail(big: BigPtr, more: bool): u32 {
  const length = bigBitLength(big);
  if (length <= 64) return more ? TAIL_BELOW_HALF : TAIL_NONE;
  const half = length - 65;
  const halfSet = (bigLimb(big, half >> 5) >> (half & 31)) & 1;
  const rest = more || anyBitBelow(big, half);
  if (halfSet != 0) return rest ? TAIL_ABOVE_HALF : TAIL_HALF;
  return rest ? TAIL_BELOW_HALF : TAIL_NONE;
}

/** The value of a number that fits 64 bits. */
export function bigToU64(big: BigPtr): u64 {
  assert(bigCount(big) <= 2);
  return <u64>bitsAt(big, 0) | ((<u64>bitsAt(big, 32)) << 32);
}
