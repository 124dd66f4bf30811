// The 80-bit long doubles of x87, as far as INCRBYFLOAT and HINCRBYFLOAT need them: parse, add,
// print.
//
// Redis does this arithmetic in the C type `long double`, so its results depend on 64 bits of
// mantissa and on an exponent range far beyond that of doubles. WebAssembly has no such type; here
// is the same arithmetic on integers, with the same bytes as result.
//
//   offset 0          8          12         14        16
//          | mantissa | exponent | negative | kind    |
//          | u64      | i32      | u16      | u16     |
//
//   value = mantissa * 2^exponent        for kind FINITE, negated if `negative` is 1
//
// Invariants: the top bit of the mantissa is set unless the number is zero or subnormal; then the
// exponent is EXPONENT_MIN. Every result is rounded to nearest, ties to even.
//
// Numbers live where the caller puts them; nothing is allocated. `out` may be one of the operands.

import {
  BIG_A,
  BIG_B,
  bigCount,
  bigSet,
  bigShiftLeft,
  bigTakeNineDigits,
  TAIL_ABOVE_HALF,
  TAIL_HALF,
  TAIL_NONE,
} from './big_number';
import {
  FLOAT_FINITE,
  FLOAT_INFINITY,
  floatExponent,
  floatHex,
  floatKind,
  floatMantissa,
  floatNegative,
  floatTail,
  floatToBinary,
  scanFloat,
} from './float_scan';
import { digits10, formatU64 } from './number_format';
import { mulHigh } from './wide';

const FINITE: u16 = 0;
const INFINITE: u16 = 1;
const NOT_A_NUMBER: u16 = 2;

@unmanaged
export class LongDouble {
  /** The digits in binary; 0 for zero. */
  mantissa: u64;
  /** The power of two of the mantissa's last bit. */
  exponent: i32;
  /** 1 below zero, also for minus zero and minus infinity. */
  negative: u16;
  /** FINITE, INFINITE or NOT_A_NUMBER; if not FINITE, mantissa and exponent mean nothing. */
  kind: u16;
}

/** Bytes of a LongDouble. */
export const LONG_DOUBLE_BYTES: usize = 16;
if (offsetof<LongDouble>() != LONG_DOUBLE_BYTES) ERROR('LongDouble is not 16 bytes');

/** A text of this many bytes or more is no long double; no result is as long. */
export const LONG_DOUBLE_CHARS_MAX: u32 = 5120;

/** The power of two of the last bit of the smallest numbers. */
const EXPONENT_MIN: i32 = -16445;
/** The same for the largest finite numbers. */
const EXPONENT_MAX: i32 = 16320;
const TOP_BIT: u64 = 0x8000000000000000;

/** A decimal of at least 10^4933 overflows, one below 10^-4951 is less than half the smallest. */
const DECIMAL_TOO_LARGE: i64 = 4933;
const DECIMAL_TOO_SMALL: i64 = -4951;

const FRACTION_DIGITS: u32 = 17;
const TEN_TO_17: u64 = 100000000000000000;

const ASCII_MINUS: u8 = 45;
const ASCII_DOT: u8 = 46;
const ASCII_ZERO: u8 = 48;

function set(out: LongDouble, kind: u16, negative: bool, mantissa: u64, exponent: i32): void {
  out.mantissa = mantissa;
  out.exponent = exponent;
  out.negative = u16(negative);
  out.kind = kind;
}

/** Whether the number is neither infinite nor NaN. */
export function isFiniteLongDouble(value: LongDouble): bool {
  return value.kind == FINITE;
}

/** out = value. */
export function copyLongDouble(value: LongDouble, out: LongDouble): void {
  memory.copy(changetype<usize>(out), changetype<usize>(value), LONG_DOUBLE_BYTES);
}

/** out = value, exactly. */
export function longDoubleFromI64(value: i64, out: LongDouble): void {
  const size = value < 0 ? 0 - <u64>value : <u64>value;
  setNormalized(out, value < 0, size, 0);
}

/** out = value, exactly; infinities and NaN too. */
export function longDoubleFromF64(value: f64, out: LongDouble): void {
  const bits = reinterpret<u64>(value);
  const negative = bits >> 63 != 0;
  const field = <i32>((bits >> 52) & 0x7ff);
  const fraction = bits & 0x000fffffffffffff;
  if (field == 0x7ff) {
    set(out, fraction == 0 ? INFINITE : NOT_A_NUMBER, negative, 0, EXPONENT_MIN);
  } else if (field == 0) {
    setNormalized(out, negative, fraction, -1074);
  } else {
    setNormalized(out, negative, fraction | 0x0010000000000000, field - 1075);
  }
}

/** out = the largest finite number or, if `negative`, the smallest. */
export function longDoubleLimit(negative: bool, out: LongDouble): void {
  set(out, FINITE, negative, u64.MAX_VALUE, EXPONENT_MAX);
}

/** Sets mantissa * 2^exponent, which must be in the range of doubles; the mantissa may be 0. */
function setNormalized(out: LongDouble, negative: bool, mantissa: u64, exponent: i32): void {
  if (mantissa == 0) {
    set(out, FINITE, negative, 0, EXPONENT_MIN);
    return;
  }
  const shift = clz(mantissa);
  set(out, FINITE, negative, mantissa << shift, exponent - <i32>shift);
}

// --- Parsing ---

/**
 * Parses the whole text as strtold does, without space in front. Refused are texts of
 * LONG_DOUBLE_CHARS_MAX bytes and more, NaN, and numbers too large or, unless zero, too small;
 * "inf" is accepted. Returns whether that worked; only then `out` is set. O(len^2) at worst.
 */
export function parseLongDouble(ptr: usize, len: usize, out: LongDouble): bool {
  if (len >= <usize>LONG_DOUBLE_CHARS_MAX) return false;
  scanFloat(ptr, ptr + len);
  if (floatKind == FLOAT_INFINITY) {
    set(out, INFINITE, floatNegative, 0, EXPONENT_MIN);
    return true;
  }
  if (floatKind != FLOAT_FINITE) return false;
  // All digits are looked at: there are at most as many as the text has bytes.
  if (!floatHex) floatToBinary(DECIMAL_TOO_LARGE, DECIMAL_TOO_SMALL, LONG_DOUBLE_CHARS_MAX);
  if (floatMantissa == 0) {
    set(out, FINITE, floatNegative, 0, EXPONENT_MIN);
    return true;
  }
  return roundScanned(out);
}

/** Rounds what was scanned; false if it does not fit. */
function roundScanned(out: LongDouble): bool {
  let mantissa = floatMantissa;
  let exponent = floatExponent;
  if (exponent < EXPONENT_MIN) {
    // Subnormal: the bits below 2^EXPONENT_MIN are cut off.
    const dropped = <i64>EXPONENT_MIN - exponent;
    if (dropped > 64) return false;
    const half = (<u64>1) << (<u64>(dropped - 1));
    const rest = (mantissa & (half - 1)) != 0 || floatTail != TAIL_NONE;
    const roundUp = (mantissa & half) != 0;
    mantissa = dropped == 64 ? 0 : mantissa >> <u64>dropped;
    if (roundUp && (rest || (mantissa & 1) != 0)) mantissa++;
    if (mantissa == 0) return false;
    exponent = EXPONENT_MIN;
  } else if (floatTail == TAIL_ABOVE_HALF || (floatTail == TAIL_HALF && (mantissa & 1) != 0)) {
    mantissa++;
    if (mantissa == 0) {
      mantissa = TOP_BIT;
      exponent++;
    }
  }
  if (exponent > EXPONENT_MAX) return false;
  set(out, FINITE, floatNegative, mantissa, <i32>exponent);
  return true;
}

// --- Addition ---

/** out = a + b, rounded; too large a sum is infinite, and infinity minus infinity is NaN. */
export function addLongDouble(a: LongDouble, b: LongDouble, out: LongDouble): void {
  if (a.kind != FINITE || b.kind != FINITE) {
    addNotFinite(a, b, out);
    return;
  }
  if (a.mantissa == 0 || b.mantissa == 0) {
    const sum = a.mantissa == 0 ? b : a;
    // Two zeros are negative only if both are.
    const negative = sum.mantissa == 0 ? (a.negative & b.negative) != 0 : sum.negative != 0;
    set(out, FINITE, negative, sum.mantissa, sum.exponent);
    return;
  }
  // Subnormals get their top bit too; the exponent is not bounded until the result is stored.
  const shiftA = clz(a.mantissa);
  const shiftB = clz(b.mantissa);
  const mantissaA = a.mantissa << shiftA;
  const mantissaB = b.mantissa << shiftB;
  const exponentA = a.exponent - <i32>shiftA;
  const exponentB = b.exponent - <i32>shiftB;
  const sameSign = a.negative == b.negative;
  if (exponentA > exponentB || (exponentA == exponentB && mantissaA >= mantissaB)) {
    addMagnitudes(mantissaA, exponentA, a.negative != 0, mantissaB, exponentB, sameSign, out);
  } else {
    addMagnitudes(mantissaB, exponentB, b.negative != 0, mantissaA, exponentA, sameSign, out);
  }
}

/** out = a - b, as `addLongDouble`; b is changed for a moment, unless it is `out`. */
export function subtractLongDouble(a: LongDouble, b: LongDouble, out: LongDouble): void {
  b.negative ^= 1;
  addLongDouble(a, b, out);
  if (changetype<usize>(b) != changetype<usize>(out)) b.negative ^= 1;
}

/** -1, 0 or 1 as a is less than, equal to or greater than b; neither may be NaN. */
export function compareLongDouble(a: LongDouble, b: LongDouble): i32 {
  const zeroA = a.kind == FINITE && a.mantissa == 0;
  const zeroB = b.kind == FINITE && b.mantissa == 0;
  if (zeroA && zeroB) return 0;
  const signA = zeroA ? 0 : 1 - 2 * <i32>a.negative;
  const signB = zeroB ? 0 : 1 - 2 * <i32>b.negative;
  if (signA != signB) return signA < signB ? -1 : 1;
  return signA * compareMagnitudes(a, b);
}

function compareMagnitudes(a: LongDouble, b: LongDouble): i32 {
  if (a.kind != b.kind) return a.kind == INFINITE ? 1 : -1;
  if (a.kind == INFINITE) return 0;
  // Subnormals share the lowest exponent with the smallest normal numbers, so this order is right.
  if (a.exponent != b.exponent) return a.exponent < b.exponent ? -1 : 1;
  return i32(a.mantissa > b.mantissa) - i32(a.mantissa < b.mantissa);
}

function addNotFinite(a: LongDouble, b: LongDouble, out: LongDouble): void {
  const opposite = a.kind == INFINITE && b.kind == INFINITE && a.negative != b.negative;
  if (a.kind == NOT_A_NUMBER || b.kind == NOT_A_NUMBER || opposite) {
    set(out, NOT_A_NUMBER, false, 0, EXPONENT_MIN);
    return;
  }
  const negative = a.kind == INFINITE ? a.negative : b.negative;
  set(out, INFINITE, negative != 0, 0, EXPONENT_MIN);
}

/** Adds or subtracts two magnitudes with their top bits set, the first at least the second. */
function addMagnitudes(
  larger: u64,
  exponent: i32,
  negative: bool,
  smaller: u64,
  smallerExponent: i32,
  sameSign: bool,
  out: LongDouble,
): void {
  // The smaller one is aligned in 128 bits, high:low, 64 of which are below the larger one's last.
  // What is lost below those sets the lowest bit: it keeps a sum from looking exact or half way.
  const distance = exponent - smallerExponent;
  let high: u64 = 0;
  let low: u64 = 0;
  if (distance == 0) {
    high = smaller;
  } else if (distance < 64) {
    high = smaller >> <u64>distance;
    low = smaller << (<u64>(64 - distance));
  } else if (distance == 64) {
    low = smaller;
  } else if (distance < 128) {
    low = smaller >> <u64>(distance - 64);
    if (smaller << (<u64>(128 - distance)) != 0) low |= 1;
  } else {
    low = 1;
  }

  if (sameSign) {
    high += larger;
    if (high < larger) {
      low = (low >> 1) | (low & 1) | (high << 63);
      high = (high >> 1) | TOP_BIT;
      exponent++;
    }
  } else {
    high = larger - high - u64(low != 0);
    low = 0 - low;
    if (high == 0) {
      if (low == 0) {
        set(out, FINITE, false, 0, EXPONENT_MIN);
        return;
      }
      high = low;
      low = 0;
      exponent -= 64;
    }
    const shift = <u64>clz(high);
    if (shift != 0) {
      high = (high << shift) | (low >> (64 - shift));
      low <<= shift;
      exponent -= <i32>shift;
    }
  }

  if (low > TOP_BIT || (low == TOP_BIT && (high & 1) != 0)) {
    high++;
    if (high == 0) {
      high = TOP_BIT;
      exponent++;
    }
  }
  if (exponent > EXPONENT_MAX) {
    set(out, INFINITE, negative, 0, EXPONENT_MIN);
  } else if (exponent < EXPONENT_MIN) {
    // Both terms are multiples of 2^EXPONENT_MIN, so is the sum: only zeros are shifted out.
    set(out, FINITE, negative, high >> <u64>(EXPONENT_MIN - exponent), EXPONENT_MIN);
  } else {
    set(out, FINITE, negative, high, exponent);
  }
}

// --- Multiplication ---

/**
 * The least integer that is not below value * factor, the product being rounded to a long double
 * first. What does not fit is the largest or the smallest integer. Not for NaN.
 */
export function longDoubleScaledCeil(value: LongDouble, factor: u32): i64 {
  const negative = value.negative != 0;
  const limit = negative ? i64.MIN_VALUE : i64.MAX_VALUE;
  if (value.kind != FINITE) return limit;
  let exponent = value.exponent;
  let mantissa = value.mantissa * factor;
  const high = mulHigh(value.mantissa, factor);
  if (high != 0) {
    const shift = 64 - clz(high);
    const half = (<u64>1) << (shift - 1);
    const rest = mantissa & ((half << 1) - 1);
    mantissa = (high << (64 - shift)) | (mantissa >> shift);
    exponent += <i32>shift;
    if (rest > half || (rest == half && (mantissa & 1) != 0)) {
      mantissa++;
      if (mantissa == 0) {
        mantissa = TOP_BIT;
        exponent++;
      }
    }
  }
  if (mantissa == 0) return 0;
  // All but the tiniest numbers have their top bit set.
  if (exponent >= 0) return limit;
  if (exponent <= -64) return negative ? 0 : 1;
  const whole = mantissa >> <u64>-exponent;
  if (negative) return -(<i64>whole);
  const hasFraction = whole << (<u64>-exponent) != mantissa;
  return whole == <u64>i64.MAX_VALUE || !hasFraction ? <i64>whole : <i64>whole + 1;
}

// --- Printing ---

/**
 * Writes the number as the replies of INCRBYFLOAT have it: rounded to 17 digits after the point,
 * without an exponent, without zeros at the end, "inf", "-inf" or "nan". At most
 * LONG_DOUBLE_CHARS_MAX bytes; returns how many.
 */
export function formatLongDouble(value: LongDouble, out: usize): u32 {
  const start = out;
  if (value.kind == NOT_A_NUMBER) return writeWord(0x6e616e, out); // nan
  if (value.negative != 0) store<u8>(out++, ASCII_MINUS);
  if (value.kind == INFINITE) return <u32>(out - start) + writeWord(0x666e69, out); // inf
  const exponent = value.exponent;
  if (exponent > 0) {
    out += writeShifted(value.mantissa, exponent, out);
    return <u32>(out - start);
  }

  let whole: u64 = 0;
  let fraction: u64;
  if (exponent == 0) {
    whole = value.mantissa;
    fraction = 0;
  } else if (exponent > -64) {
    whole = value.mantissa >> <u64>-exponent;
    fraction = scaleFraction(value.mantissa << (<u64>(64 + exponent)), 0);
  } else {
    fraction = scaleFraction(value.mantissa, -64 - exponent);
  }
  if (fraction == TEN_TO_17) {
    fraction = 0;
    whole++;
  }
  // What rounds to zero loses its sign.
  if (whole == 0 && fraction == 0) out = start;
  out += formatU64(whole, out);
  if (fraction != 0) out += writeFraction(fraction, out);
  return <u32>(out - start);
}

function writeWord(word: u32, out: usize): u32 {
  store<u16>(out, <u16>word);
  store<u8>(out + 2, <u8>(word >> 16));
  return 3;
}

/** bits / 2^(64 + shift) * 10^17, rounded to an integer, ties to even. */
function scaleFraction(bits: u64, shift: i32): u64 {
  const high = mulHigh(bits, TEN_TO_17);
  const low = bits * TEN_TO_17;
  // 10^17 has 57 bits: beyond that shift less than a half is left.
  if (shift > 57) return 0;
  const count = <u64>shift;
  const kept = high >> count;
  // The bits cut off, moved to the top of a word; what falls out below is something or nothing.
  const below = shift == 0 ? low : (high << (64 - count)) | (low >> count);
  const lost = shift != 0 && low << (64 - count) != 0;
  const roundUp = below > TOP_BIT || (below == TOP_BIT && (lost || (kept & 1) != 0));
  return kept + u64(roundUp);
}

/** Writes the point and 17 digits without the zeros at their end. */
function writeFraction(fraction: u64, out: usize): u32 {
  store<u8>(out, ASCII_DOT);
  const digits = digits10(fraction);
  memory.fill(out + 1, ASCII_ZERO, FRACTION_DIGITS - digits);
  formatU64(fraction, out + 1 + FRACTION_DIGITS - digits);
  let length = FRACTION_DIGITS + 1;
  while (load<u8>(out + length - 1) == ASCII_ZERO) length--;
  return length;
}

/** Writes mantissa * 2^shift, an integer. */
function writeShifted(mantissa: u64, shift: i32, out: usize): u32 {
  bigSet(BIG_A, mantissa);
  bigShiftLeft(BIG_A, shift);
  // Groups of nine digits come out lowest first; they wait in a buffer that is not in use.
  let groups: usize = 0;
  while (bigCount(BIG_A) != 0) {
    store<u32>(BIG_B + (groups << 2), bigTakeNineDigits(BIG_A));
    groups++;
  }
  groups--;
  let length = formatU64(load<u32>(BIG_B + (groups << 2)), out);
  while (groups != 0) {
    groups--;
    const group = load<u32>(BIG_B + (groups << 2));
    const digits = digits10(group);
    memory.fill(out + length, ASCII_ZERO, 9 - digits);
    formatU64(group, out + length + 9 - digits);
    length += 9;
  }
  return length;
}
