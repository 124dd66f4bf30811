// The decimal digits of a double: as few as identify it, or exactly 17.
//
// `shortDigits` is Grisu2 as Redis uses it: digits that give the same double back when parsed, in
// more than 99.9% of all cases as few as possible, and otherwise one or two more. Another algorithm
// would not print the same bytes as Redis in those cases, so this one is kept with its imprecision.
//
// `exactDigits17` are the 17 digits of "%.17g", correctly rounded, ties to even.
//
// Both take the bits of a finite double above zero and leave their result in module variables:
//
//   value ~ digits * 10^digitsExponent       shortDigits: digitCount ASCII digits at DIGITS
//                                            exactDigits17: the number digits17
//
// Source: Loitsch, "Printing floating-point numbers quickly and accurately with integers".

import {
  BIG_A,
  BIG_B,
  BIG_C,
  bigBitLength,
  bigCompareDouble,
  bigDivide,
  bigMultiplyPowerOfFive,
  bigSet,
  bigShiftLeft,
  bigTail,
  bigTop64,
  bigToU64,
  TAIL_NONE,
} from './big_number';
import { mulHigh } from './wide';

/** Where `shortDigits` leaves its digits. */
export const DIGITS: usize = memory.data(24, 8);
export let digitCount: u32 = 0;
export let digitsExponent: i32 = 0;
export let digits17: u64 = 0;

const ASCII_ZERO: u64 = 48;
const MANTISSA_MASK: u64 = 0x000fffffffffffff;
const HIDDEN_BIT: u64 = 0x0010000000000000;
const EXPONENT_MASK: u64 = 0x7ff;
/** The value of a double is its mantissa * 2^(exponent field - EXPONENT_BIAS). */
const EXPONENT_BIAS: i32 = 1075;

/**
 * The 64 highest bits, rounded, of 10^-348, 10^-340 ... 10^340: as many as there are, and a factor
 * between any two neighbours small enough for the product with a double to have from 32 to 60 bits
 * below its point.
 */
const CACHED_POWERS: usize = memory.data<u64>([
  0xfa8fd5a0081c0288, 0xbaaee17fa23ebf76, 0x8b16fb203055ac76, 0xcf42894a5dce35ea,
  0x9a6bb0aa55653b2d, 0xe61acf033d1a45df, 0xab70fe17c79ac6ca, 0xff77b1fcbebcdc4f,
  0xbe5691ef416bd60c, 0x8dd01fad907ffc3c, 0xd3515c2831559a83, 0x9d71ac8fada6c9b5,
  0xea9c227723ee8bcb, 0xaecc49914078536d, 0x823c12795db6ce57, 0xc21094364dfb5637,
  0x9096ea6f3848984f, 0xd77485cb25823ac7, 0xa086cfcd97bf97f4, 0xef340a98172aace5,
  0xb23867fb2a35b28e, 0x84c8d4dfd2c63f3b, 0xc5dd44271ad3cdba, 0x936b9fcebb25c996,
  0xdbac6c247d62a584, 0xa3ab66580d5fdaf6, 0xf3e2f893dec3f126, 0xb5b5ada8aaff80b8,
  0x87625f056c7c4a8b, 0xc9bcff6034c13053, 0x964e858c91ba2655, 0xdff9772470297ebd,
  0xa6dfbd9fb8e5b88f, 0xf8a95fcf88747d94, 0xb94470938fa89bcf, 0x8a08f0f8bf0f156b,
  0xcdb02555653131b6, 0x993fe2c6d07b7fac, 0xe45c10c42a2b3b06, 0xaa242499697392d3,
  0xfd87b5f28300ca0e, 0xbce5086492111aeb, 0x8cbccc096f5088cc, 0xd1b71758e219652c,
  0x9c40000000000000, 0xe8d4a51000000000, 0xad78ebc5ac620000, 0x813f3978f8940984,
  0xc097ce7bc90715b3, 0x8f7e32ce7bea5c70, 0xd5d238a4abe98068, 0x9f4f2726179a2245,
  0xed63a231d4c4fb27, 0xb0de65388cc8ada8, 0x83c7088e1aab65db, 0xc45d1df942711d9a,
  0x924d692ca61be758, 0xda01ee641a708dea, 0xa26da3999aef774a, 0xf209787bb47d6b85,
  0xb454e4a179dd1877, 0x865b86925b9bc5c2, 0xc83553c5c8965d3d, 0x952ab45cfa97a0b3,
  0xde469fbd99a05fe3, 0xa59bc234db398c25, 0xf6c69a72a3989f5c, 0xb7dcbf5354e9bece,
  0x88fcf317f22241e2, 0xcc20ce9bd35c78a5, 0x98165af37b2153df, 0xe2a0b5dc971f303a,
  0xa8d9d1535ce3b396, 0xfb9b7cd9a4a7443c, 0xbb764c4ca7a44410, 0x8bab8eefb6409c1a,
  0xd01fef10a657842c, 0x9b10a4e5e9913129, 0xe7109bfba19c0c9d, 0xac2820d9623bf429,
  0x80444b5e7aa7cf85, 0xbf21e44003acdd2d, 0x8e679c2f5e44ff8f, 0xd433179d9c8cb841,
  0x9e19db92b4e31ba9, 0xeb96bf6ebadf77d9, 0xaf87023b9bf0ee6b,
]);
const CACHED_FIRST: i32 = -348;
const CACHED_STEP: i32 = 8;
const CACHED_COUNT: i32 = 87;
const PRODUCT_EXPONENT_MIN: i32 = -60;
const PRODUCT_EXPONENT_MAX: i32 = -32;
const LOG10_OF_2: f64 = 0.30102999566398114;

const TEN_TO_17: u64 = 100000000000000000;

/** The exponent of the cached power of ten: floor(log2(10^k)) - 63. */
function cachedExponent(index: i32): i32 {
  return (((CACHED_FIRST + index * CACHED_STEP) * 217706) >> 16) - 63;
}

/**
 * Which cached power brings a number of 64 bits with this exponent into the range of products.
 * Two may do; like Redis it takes the first that is met from an estimate on.
 */
function cachedIndex(exponent: i32): i32 {
  const estimate = <i32>(-(<f64>(exponent + CACHED_COUNT)) * LOG10_OF_2);
  let index = (estimate - CACHED_FIRST) / CACHED_STEP;
  while (true) {
    const product = exponent + cachedExponent(index) + 64;
    if (product < PRODUCT_EXPONENT_MIN) index++;
    else if (product > PRODUCT_EXPONENT_MAX) index--;
    else return index;
  }
}

/** The high 64 bits of a product, rounded to nearest. */
function mulHighRounded(a: u64, b: u64): u64 {
  // A carry out of the low half is counted only as far as its upper 32 bits can tell, as in the
  // paper.
  const aLow = a & 0xffffffff;
  const bLow = b & 0xffffffff;
  const highLow = (a >> 32) * bLow;
  const lowHigh = aLow * (b >> 32);
  const middle =
    (highLow & 0xffffffff) + (lowHigh & 0xffffffff) + ((aLow * bLow) >> 32) + 0x80000000;
  return (a >> 32) * (b >> 32) + (highLow >> 32) + (lowHigh >> 32) + (middle >> 32);
}

/** Finds digits that identify the double with these bits: finite, above zero. */
export function shortDigits(bits: u64): void {
  const field = <i32>((bits >> 52) & EXPONENT_MASK);
  const mantissa = field != 0 ? (bits & MANTISSA_MASK) | HIDDEN_BIT : bits & MANTISSA_MASK;
  const exponent = (field != 0 ? field : 1) - EXPONENT_BIAS;

  // The borders are half way to the neighbours. Below a power of two the neighbour is only half as
  // far. All three get the exponent that gives the upper border 64 bits.
  const shift = <u64>clz((mantissa << 1) + 1);
  const upper = ((mantissa << 1) + 1) << shift;
  const upperExponent = exponent - 1 - <i32>shift;
  const lower =
    mantissa == HIDDEN_BIT ? ((mantissa << 2) - 1) << (shift - 1) : ((mantissa << 1) - 1) << shift;
  const middleShift = <u64>clz(mantissa);

  const index = cachedIndex(upperExponent);
  const power = load<u64>(CACHED_POWERS + ((<usize>index) << 3));
  // Products are off by less than one, so the borders move in by one to stay inside.
  const scaledUpper = mulHighRounded(upper, power) - 1;
  const scaledLower = mulHighRounded(lower, power) + 1;
  const scaled = mulHighRounded(mantissa << middleShift, power);
  digitsExponent = -(CACHED_FIRST + index * CACHED_STEP);
  const pointShift = -(upperExponent + cachedExponent(index) + 64);
  generateDigits(scaledUpper, scaledUpper - scaledLower, scaledUpper - scaled, pointShift);
}

/**
 * Writes digits of `upper`, a number with `pointShift` bits after its point, until what is left is
 * below `delta`, so that the digits lie between the borders. Then moves the last one towards the
 * value, which lies `distance` below `upper`.
 */
function generateDigits(upper: u64, delta: u64, distance: u64, pointShift: i32): void {
  const bits = <u64>pointShift;
  const one = (<u64>1) << bits;
  let whole = <u32>(upper >> bits);
  let fraction = upper & (one - 1);
  let count: u32 = 0;

  let unit: u32 = 1000000000;
  for (let kappa = 9; kappa >= 0; kappa--) {
    const digit = whole / unit;
    if (digit != 0 || count != 0) store<u8>(DIGITS + count++, digit + ASCII_ZERO);
    whole -= digit * unit;
    const rest = ((<u64>whole) << bits) + fraction;
    if (rest <= delta) {
      digitCount = count;
      digitsExponent += kappa;
      roundLastDigit(delta, rest, (<u64>unit) << bits, distance);
      return;
    }
    unit /= 10;
  }

  let scale: u64 = 1;
  let kappa = 0;
  while (true) {
    fraction *= 10;
    delta *= 10;
    scale *= 10;
    kappa--;
    const digit = fraction >> bits;
    if (digit != 0 || count != 0) store<u8>(DIGITS + count++, digit + ASCII_ZERO);
    fraction &= one - 1;
    if (fraction < delta) {
      digitCount = count;
      digitsExponent += kappa;
      roundLastDigit(delta, fraction, one, distance * scale);
      return;
    }
  }
}

/**
 * Lowers the last digit by units while that brings it nearer to the value and inside the borders.
 */
function roundLastDigit(delta: u64, rest: u64, unit: u64, distance: u64): void {
  const last = DIGITS + digitCount - 1;
  while (
    rest < distance &&
    delta - rest >= unit &&
    (rest + unit < distance || distance - rest > rest + unit - distance)
  ) {
    store<u8>(last, load<u8>(last) - 1);
    rest += unit;
  }
}

// --- Exactly 17 digits ---

/** 5^exponent for exponents up to 27. */
function powerOfFive(exponent: u32): u64 {
  let power: u64 = 1;
  for (let i: u32 = 0; i < exponent; i++) power *= 5;
  return power;
}

/** One more if the part cut off, `low` of 2^64 and something more or nothing, asks for it. */
function roundHalfEven(kept: u64, low: u64, more: bool): u64 {
  const half: u64 = 0x8000000000000000;
  if (low > half || (low == half && (more || (kept & 1) != 0))) return kept + 1;
  return kept;
}

/** mantissa * 2^exponent * 10^scale as an integer of about 57 bits, rounded, ties to even. */
function scaleToInteger(mantissa: u64, exponent: i32, scale: i32): u64 {
  const shift = exponent + scale;
  if (scale >= 0 && scale <= 27) {
    // 5^27 has 63 bits, so the product has at most 116, and it is shifted by less than 64.
    const power = powerOfFive(scale);
    const high = mulHigh(mantissa, power);
    const low = mantissa * power;
    if (shift >= 0) return low << (<u64>shift);
    const right = <u64>-shift;
    return roundHalfEven((high << (64 - right)) | (low >> right), low << (64 - right), false);
  }
  bigSet(BIG_A, mantissa);
  if (scale > 0) {
    bigMultiplyPowerOfFive(BIG_A, scale);
    const kept = <u64>(<i32>bigBitLength(BIG_A) + shift);
    const top = bigTop64(BIG_A);
    return roundHalfEven(top >> (64 - kept), top << kept, bigTail(BIG_A, false) != TAIL_NONE);
  }
  bigSet(BIG_B, 1);
  bigMultiplyPowerOfFive(BIG_B, -scale);
  const align = (32 - (bigBitLength(BIG_B) & 31)) & 31;
  bigShiftLeft(BIG_B, align);
  bigShiftLeft(BIG_A, shift + align);
  bigDivide(BIG_A, BIG_B, BIG_C);
  const quotient = bigToU64(BIG_C);
  const order = bigCompareDouble(BIG_A, BIG_B);
  return order > 0 || (order == 0 && (quotient & 1) != 0) ? quotient + 1 : quotient;
}

/**
 * Finds the 17 digits, as `digits17`, nearest to the double with these bits: finite, above zero.
 */
export function exactDigits17(bits: u64): void {
  const field = <i32>((bits >> 52) & EXPONENT_MASK);
  const mantissa = field != 0 ? (bits & MANTISSA_MASK) | HIDDEN_BIT : bits & MANTISSA_MASK;
  const exponent = (field != 0 ? field : 1) - EXPONENT_BIAS;
  // The power of ten of the first digit is that of the highest bit, or one more. The product is
  // log10(2), exact enough for its floor to be right for all doubles.
  let power = ((63 - <i32>clz(mantissa) + exponent) * 315653) >> 20;
  let digits = scaleToInteger(mantissa, exponent, 16 - power);
  if (digits >= TEN_TO_17) {
    power++;
    digits = scaleToInteger(mantissa, exponent, 16 - power);
  }
  digits17 = digits;
  digitsExponent = power - 16;
}
