// The text of a floating point number, as strtod and strtold of the C library read it, and its
// exact binary value. Shared by the parsers of doubles (number_parse.ts) and long doubles
// (long_double.ts), which differ only in how they round.
//
//   [sign] digits [. digits] [e [sign] digits]          at least one digit before the e
//   [sign] 0x hex [. hex] [p [sign] digits]             at least one hex digit before the p
//   [sign] inf | infinity                               any case
//
// `scanFloat` reads the text; `floatToBinary` turns what it read into
//
//   value = (floatMantissa + tail) * 2^floatExponent, top bit of floatMantissa set, 0 <= tail < 1
//
// with the tail compared with a half, which is all that rounding to 64 bits or fewer needs. The
// conversion is exact for any number of digits. Results are in module variables, valid until the
// next scan.
//
// "nan" is taken as no number, since no caller accepts it.

import {
  BIG_A,
  BIG_B,
  BIG_C,
  bigBitLength,
  bigCount,
  bigDivide,
  bigMultiplyAdd,
  bigMultiplyPowerOfFive,
  bigSet,
  bigShiftLeft,
  bigTail,
  bigTop64,
  TAIL_ABOVE_HALF,
  TAIL_BELOW_HALF,
  TAIL_HALF,
  TAIL_NONE,
} from './big_number';
import { toLower } from './bytes';

export const FLOAT_INVALID: u32 = 0;
export const FLOAT_FINITE: u32 = 1;
export const FLOAT_INFINITY: u32 = 2;

/** FLOAT_*: what the last scanned text is. */
export let floatKind: u32 = FLOAT_INVALID;
export let floatNegative: bool = false;

/** The digits of a decimal text, if at most SAFE_DIGITS, as a number: value = it * 10^exponent. */
export let floatDecimal: u64 = 0;
export let floatDecimalExponent: i64 = 0;
/** Digits of a decimal text, from the first that is not 0. */
export let floatDigits: u32 = 0;
/** Whether the text is hexadecimal; then floatMantissa and the rest are set by the scan itself. */
export let floatHex: bool = false;

/** The exact value; the mantissa is 0 only for zero. */
export let floatMantissa: u64 = 0;
export let floatExponent: i64 = 0;
/** TAIL_*: what is below the mantissa's last bit. */
export let floatTail: u32 = TAIL_NONE;

/** So many decimal digits always fit 64 bits. */
export const SAFE_DIGITS: u32 = 19;

/** Exponents beyond any format: they stand for what is certain to overflow or to vanish. */
const EXPONENT_HUGE: i64 = 1000000;
/** Where the digits of an exponent stop counting; no text is long enough to make up for it. */
const EXPONENT_DIGITS_CAP: i64 = 100000000000;

const ASCII_PLUS: u32 = 43;
const ASCII_MINUS: u32 = 45;
const ASCII_DOT: u32 = 46;
const ASCII_ZERO: u32 = 48;
const ASCII_E: u32 = 101;
const ASCII_P: u32 = 112;
const ASCII_X: u32 = 120;

/** "infinity" as one word; its first three bytes are "inf". */
const WORD_INFINITY: u64 = 0x7974696e69666e69;
const INF_CHARS: usize = 3;
const INFINITY_CHARS: usize = 8;

/** Where the digits of the last decimal text start. */
let digitsStart: usize = 0;

function lowerAt(ptr: usize, end: usize): u32 {
  return ptr < end ? toLower(load<u8>(ptr)) : 0;
}

/** Reads the text in [ptr, end); all of it must be one number. O(end - ptr). */
export function scanFloat(ptr: usize, end: usize): void {
  floatKind = FLOAT_INVALID;
  floatHex = false;
  floatMantissa = 0;
  floatExponent = 0;
  floatTail = TAIL_NONE;
  if (ptr == end) return;
  const sign = <u32>load<u8>(ptr);
  floatNegative = sign == ASCII_MINUS;
  if (floatNegative || sign == ASCII_PLUS) ptr++;

  const first = lowerAt(ptr, end);
  if (first - ASCII_ZERO > 9 && first != ASCII_DOT) {
    if (isInfinity(ptr, end)) floatKind = FLOAT_INFINITY;
    return;
  }
  if (first == ASCII_ZERO && lowerAt(ptr + 1, end) == ASCII_X) {
    floatHex = true;
    scanHex(ptr + 2, end);
  } else {
    scanDecimal(ptr, end);
  }
}

function isInfinity(ptr: usize, end: usize): bool {
  const len = end - ptr;
  if (len != INF_CHARS && len != INFINITY_CHARS) return false;
  for (let i: usize = 0; i < len; i++) {
    if (toLower(load<u8>(ptr + i)) != <u8>(WORD_INFINITY >> ((<u64>i) << 3))) return false;
  }
  return true;
}

function scanDecimal(ptr: usize, end: usize): void {
  let significand: u64 = 0;
  let digits: u32 = 0;
  let anyDigit = false;
  let dot: usize = 0;
  digitsStart = ptr;
  while (ptr < end) {
    const digit = <u32>load<u8>(ptr) - ASCII_ZERO;
    if (digit <= 9) {
      anyDigit = true;
      // Zeros in front are no digits: they say nothing but where the dot is.
      if (digit != 0 || digits != 0) {
        if (digits == 0) digitsStart = ptr;
        if (digits < SAFE_DIGITS) significand = significand * 10 + digit;
        digits++;
      }
    } else if (digit == ASCII_DOT - ASCII_ZERO && dot == 0) {
      dot = ptr;
    } else {
      break;
    }
    ptr++;
  }
  if (!anyDigit) return;
  let exponent: i64 = dot != 0 ? -(<i64>(ptr - dot - 1)) : 0;
  if (ptr < end) {
    if (toLower(load<u8>(ptr)) != ASCII_E || !scanExponent(ptr + 1, end)) return;
    exponent += scannedExponent;
  }
  floatDecimal = significand;
  floatDecimalExponent = exponent;
  floatDigits = digits;
  floatKind = FLOAT_FINITE;
}

/** The exponent that `scanExponent` read last. */
let scannedExponent: i64 = 0;

/** Reads a sign and digits up to the end; false if there is anything else or nothing. */
function scanExponent(ptr: usize, end: usize): bool {
  const sign = lowerAt(ptr, end);
  if (sign == ASCII_MINUS || sign == ASCII_PLUS) ptr++;
  if (ptr == end) return false;
  let exponent: i64 = 0;
  while (ptr < end) {
    const digit = <u32>load<u8>(ptr) - ASCII_ZERO;
    if (digit > 9) return false;
    if (exponent < EXPONENT_DIGITS_CAP) exponent = exponent * 10 + digit;
    ptr++;
  }
  scannedExponent = sign == ASCII_MINUS ? -exponent : exponent;
  return true;
}

/** The value of a hex digit in lower case, or 16 for any other byte. */
function hexDigit(byte: u32): u32 {
  if (byte - ASCII_ZERO <= 9) return byte - ASCII_ZERO;
  return byte - 97 < 6 ? byte - 87 : 16;
}

/** Reads what follows "0x", straight into the mantissa, its exponent and the tail. */
function scanHex(ptr: usize, end: usize): void {
  let mantissa: u64 = 0;
  let digits: u32 = 0;
  let anyDigit = false;
  let dot: usize = 0;
  // The 17th digit completes the mantissa once its top bit is in place; later ones can only be
  // something or nothing.
  let seventeenth: u32 = 0;
  let rest: u32 = 0;
  while (ptr < end) {
    const byte = <u32>toLower(load<u8>(ptr));
    const digit = hexDigit(byte);
    if (digit < 16) {
      anyDigit = true;
      if (digit != 0 || digits != 0) {
        if (digits < 16) mantissa = (mantissa << 4) | digit;
        else if (digits == 16) seventeenth = digit;
        else rest |= digit;
        digits++;
      }
    } else if (byte == ASCII_DOT && dot == 0) {
      dot = ptr;
    } else {
      break;
    }
    ptr++;
  }
  if (!anyDigit) return;
  let exponent: i64 = dot != 0 ? -4 * <i64>(ptr - dot - 1) : 0;
  if (ptr < end) {
    if (toLower(load<u8>(ptr)) != ASCII_P || !scanExponent(ptr + 1, end)) return;
    exponent += scannedExponent;
  }
  floatKind = FLOAT_FINITE;
  if (mantissa == 0) return;
  if (digits > 16) exponent += <i64>(digits - 16) * 4;
  const shift = <u32>clz(mantissa);
  floatExponent = exponent - shift;
  floatMantissa = mantissa << shift;
  if (digits > 16) {
    // Sixteen digits leave less than four bits open, which the seventeenth fills from its top.
    floatMantissa |= seventeenth >> (4 - shift);
    const below = (seventeenth << (shift + 28)) | u32(rest != 0);
    const half: u32 = 0x80000000;
    if (below == half) floatTail = TAIL_HALF;
    else if (below > half) floatTail = TAIL_ABOVE_HALF;
    else floatTail = below != 0 ? TAIL_BELOW_HALF : TAIL_NONE;
  }
}

/**
 * Finds the exact value of the decimal text that was scanned last. The text must still be where it
 * was. Values of at least 10^tooLarge or below 10^tooSmall are not worked out: they get an exponent
 * that any rounding overflows or vanishes on. No more than `digitsMax` digits are taken one by one;
 * there must be so many that no two texts with equal digits up to there round differently, but for
 * the rest being zero or not. O(digits * (digits + exponent)).
 */
export function floatToBinary(tooLarge: i64, tooSmall: i64, digitsMax: u32): void {
  floatMantissa = 0;
  if (floatDigits == 0) return;
  // The value is below 10^magnitude, and at least a tenth of that.
  const magnitude = <i64>floatDigits + floatDecimalExponent;
  if (magnitude > tooLarge || magnitude <= tooSmall) {
    floatMantissa = (<u64>1) << 63;
    floatExponent = magnitude > 0 ? EXPONENT_HUGE : -EXPONENT_HUGE;
    return;
  }
  const exponent = <i32>magnitude - <i32>loadDigits(digitsMax);
  if (exponent >= 0) {
    // digits * 10^exponent = digits * 5^exponent * 2^exponent
    bigMultiplyPowerOfFive(BIG_A, exponent);
    setBinary(BIG_A, exponent, false);
    return;
  }
  // digits / 5^-exponent * 2^exponent, with the dividend shifted for 65 or 66 bits of quotient.
  bigSet(BIG_B, 1);
  bigMultiplyPowerOfFive(BIG_B, -exponent);
  const divisorShift = (32 - (bigBitLength(BIG_B) & 31)) & 31;
  bigShiftLeft(BIG_B, divisorShift);
  const wantedBits = bigBitLength(BIG_B) + 65;
  const bits = bigBitLength(BIG_A);
  const dividendShift = bits < wantedBits ? wantedBits - bits : 0;
  bigShiftLeft(BIG_A, dividendShift);
  bigDivide(BIG_A, BIG_B, BIG_C);
  const exact = bigCount(BIG_A) == 0;
  setBinary(BIG_C, exponent + <i32>divisorShift - <i32>dividendShift, !exact);
}

/** Loads the digits into BIG_A and returns how many digits it has now. */
function loadDigits(digitsMax: u32): u32 {
  if (floatDigits <= SAFE_DIGITS) {
    bigSet(BIG_A, floatDecimal);
    return floatDigits;
  }
  bigSet(BIG_A, 0);
  const wanted = min(floatDigits, digitsMax);
  let ptr = digitsStart;
  let taken: u32 = 0;
  while (taken < wanted) {
    // Nine digits at a time.
    let group: u32 = 0;
    let factor: u32 = 1;
    while (taken < wanted && factor < 1000000000) {
      const digit = <u32>load<u8>(ptr++) - ASCII_ZERO;
      if (digit > 9) continue; // the dot
      group = group * 10 + digit;
      factor *= 10;
      taken++;
    }
    bigMultiplyAdd(BIG_A, factor, group);
  }
  if (taken == floatDigits) return taken;
  // Of the rest it only matters whether it is zero; if not, one more digit stands for it.
  let left = floatDigits - taken;
  while (left != 0) {
    const digit = <u32>load<u8>(ptr++) - ASCII_ZERO;
    if (digit > 9) continue;
    if (digit != 0) {
      bigMultiplyAdd(BIG_A, 10, 1);
      return taken + 1;
    }
    left--;
  }
  return taken;
}

/** Takes the result from big * 2^exponent; `more` if there is a fraction below the number. */
function setBinary(big: usize, exponent: i32, more: bool): void {
  floatMantissa = bigTop64(big);
  floatExponent = <i64>exponent + <i64>bigBitLength(big) - 64;
  floatTail = bigTail(big, more);
}
