// Numbers from bytes: integers, and doubles correctly rounded for any number of digits.
//
// Two rules exist side by side, as in Redis. `parseI64` is strict: it accepts exactly the text that
// formatting the value would give back, so a string it accepts may be stored as an integer and
// still be returned byte for byte. `parseU64` and `parseCursor` are lenient, because Redis parses
// stream ids and SCAN cursors with the C library, and clients have come to rely on "0001" there.
//
// Doubles follow strtod in the same two ways: `parseF64` takes a number and nothing else, and
// `parseF64Lenient` reads the ends of a range of scores. Short decimals are one exact
// multiplication or division (Clinger); the others go through float_scan.ts.
//
// Results are left in module variables, valid until the next call: a function of WebAssembly
// returns one value, and these are read at once. All functions are O(len) and never read outside
// [ptr, ptr + len).
//
// Difference from Redis: a zero byte never ends an integer here, while Redis reads a stream id or a
// cursor as far as the first one and ignores what follows.

import { TAIL_NONE } from './big_number';
import { findByte } from './bytes';
import {
  FLOAT_FINITE,
  FLOAT_INFINITY,
  floatDecimal,
  floatDecimalExponent,
  floatDigits,
  floatExponent,
  floatHex,
  floatKind,
  floatMantissa,
  floatNegative,
  floatTail,
  floatToBinary,
  SAFE_DIGITS,
  scanFloat,
} from './float_scan';

/** Whether the last call of a `parse` function found a valid number. */
export let parseOk: bool = false;
/** The value found by `parseI64`, only if it succeeded. */
export let parseI64Value: i64 = 0;
/** The value found by `parseU64` or `parseCursor`, only if it succeeded. */
export let parseU64Value: u64 = 0;
/** The value found by `parseF64` or `parseF64Lenient`, only if it succeeded. Never NaN. */
export let parseF64Value: f64 = 0;
/**
 * Whether the text of the last double means a number that doubles cannot hold with their usual
 * precision: too large, or inexact and below the smallest normal double. strtod says ERANGE then.
 */
export let parseF64OutOfRange: bool = false;

const ASCII_TAB: u32 = 9;
const ASCII_CARRIAGE_RETURN: u32 = 13;
const ASCII_SPACE: u32 = 32;
const ASCII_PLUS: u32 = 43;
const ASCII_MINUS: u32 = 45;
const ASCII_ZERO: u32 = 48;

/** Integers up to 2^53 and powers of ten up to 10^22 are doubles without rounding. */
const EXACT_INTEGER_MAX: u64 = 9007199254740992;
const EXACT_POWER_MAX: i64 = 22;
const POWERS_OF_TEN: usize = memory.data<f64>([
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
  1e18, 1e19, 1e20, 1e21, 1e22,
]);

/** A decimal of at least 10^309 overflows, one below 10^-324 is less than half the smallest. */
const F64_TOO_LARGE: i64 = 309;
const F64_TOO_SMALL: i64 = -324;
/** No number half way between two doubles has more than 767 digits. */
const F64_DIGITS_MAX: u32 = 768;
const F64_MANTISSA_BITS: i64 = 53;
/** The exponent of the last bit of the smallest doubles, which have fewer bits. */
const F64_EXPONENT_MIN: i64 = -1074;
const F64_INFINITY_BITS: u64 = 0x7ff0000000000000;

/** The longest i64, "-9223372036854775808". */
const I64_CHARS_MAX: usize = 20;

/** Whether the eight bytes are all digits. */
export function isEightDigits(word: u64): bool {
  // Digits are 0x30-0x39: the high half must be 3, and adding 6 must not carry out of the low half.
  return (
    ((word & 0xf0f0f0f0f0f0f0f0) | (((word + 0x0606060606060606) & 0xf0f0f0f0f0f0f0f0) >> 4)) ==
    0x3333333333333333
  );
}

/** The number that eight digits spell, first digit in the lowest byte. */
export function eightDigitsValue(word: u64): u64 {
  // Neighbours are joined three times: to pairs, to groups of four, to all eight.
  word = ((word & 0x0f0f0f0f0f0f0f0f) * 2561) >> 8;
  word = ((word & 0x00ff00ff00ff00ff) * 6553601) >> 16;
  return ((word & 0x0000ffff0000ffff) * 42949672960001) >> 32;
}

/**
 * Parses an i64 in its only canonical form: an optional minus, no plus, no space, no leading zero,
 * no "-0". Returns whether that worked, also in `parseOk`; the value is in `parseI64Value`.
 */
export function parseI64(ptr: usize, len: usize): bool {
  parseOk = false;
  if (len - 1 >= I64_CHARS_MAX) return false;
  const end = ptr + len;
  let first = <u32>load<u8>(ptr);
  const negative = first == ASCII_MINUS;
  if (negative) {
    ptr++;
    if (ptr == end) return false;
    first = load<u8>(ptr);
  }
  let value = <u64>(first - ASCII_ZERO);
  if (first - ASCII_ZERO > 9) return false;
  if (value == 0 && len != 1) return false;
  if (end - ptr > <usize>SAFE_DIGITS) return false;
  ptr++;

  while (ptr + 8 <= end) {
    const word = load<u64>(ptr);
    if (!isEightDigits(word)) return false;
    value = value * 100000000 + eightDigitsValue(word);
    ptr += 8;
  }
  while (ptr < end) {
    const digit = <u32>load<u8>(ptr) - ASCII_ZERO;
    if (digit > 9) return false;
    value = value * 10 + digit;
    ptr++;
  }
  if (value > <u64>i64.MAX_VALUE + <u64>negative) return false;
  parseI64Value = negative ? 0 - <i64>value : <i64>value;
  parseOk = true;
  return true;
}

/**
 * Parses a u64 as Redis reads one half of a stream id: the canonical form of a value that is not
 * negative, or else anything that strtoull accepts as a whole. Returns whether that worked, also
 * in `parseOk`; the value is in `parseU64Value`.
 */
export function parseU64(ptr: usize, len: usize): bool {
  if (parseI64(ptr, len)) {
    parseOk = parseI64Value >= 0;
    parseU64Value = parseI64Value;
    return parseOk;
  }
  if (len == 0) return false;
  parseOk = scanStrtoull(ptr, len) && scanDigits;
  return parseOk;
}

/**
 * Parses the cursor of a SCAN: as strtoull does, but without leading space. Nothing at all is 0.
 * Returns whether that worked, also in `parseOk`; the value is in `parseU64Value`.
 */
export function parseCursor(ptr: usize, len: usize): bool {
  parseU64Value = 0;
  if (len == 0) {
    parseOk = true;
    return true;
  }
  parseOk = !isSpace(load<u8>(ptr)) && scanStrtoull(ptr, len) && scanDigits;
  return parseOk;
}

/** isspace of the C locale. */
export function isSpace(byte: u32): bool {
  return byte == ASCII_SPACE || byte - ASCII_TAB <= ASCII_CARRIAGE_RETURN - ASCII_TAB;
}

/** Whether the last `scanStrtoull` saw a digit. */
let scanDigits: bool = false;

/**
 * Space, sign and digits up to the end, into `parseU64Value`; false if anything else occurs or the
 * digits exceed 64 bits. A minus negates in 64 bits, which strtoull does not take for an error.
 */
function scanStrtoull(ptr: usize, len: usize): bool {
  const end = ptr + len;
  while (ptr < end && isSpace(load<u8>(ptr))) ptr++;
  let negative = false;
  if (ptr < end) {
    const sign = <u32>load<u8>(ptr);
    negative = sign == ASCII_MINUS;
    if (negative || sign == ASCII_PLUS) ptr++;
  }
  scanDigits = ptr < end;
  let value: u64 = 0;
  while (ptr < end) {
    const digit = <u32>load<u8>(ptr) - ASCII_ZERO;
    if (digit > 9) return false;
    if (value > (u64.MAX_VALUE - digit) / 10) return false;
    value = value * 10 + digit;
    ptr++;
  }
  parseU64Value = negative ? 0 - value : value;
  return true;
}

// --- Doubles ---

/**
 * Parses a double that is the whole text: decimal or hexadecimal, "inf" or "infinity", no space.
 * A number too large for a double, or not zero and too small, is refused, and so is NaN. Returns
 * whether that worked, also in `parseOk`; the value is in `parseF64Value`.
 */
export function parseF64(ptr: usize, len: usize): bool {
  scanFloat(ptr, ptr + len);
  parseOk = takeF64();
  if (parseF64OutOfRange && (parseF64Value == 0 || isInfinity(parseF64Value))) parseOk = false;
  return parseOk;
}

/**
 * Parses a double as strtod does when only its end pointer and NaN are checked: space may come
 * first, no text at all is 0, the text ends at a zero byte, too large a number is infinite and too
 * small a one is zero. Returns whether that worked, also in `parseOk`; the value is in
 * `parseF64Value`.
 */
export function parseF64Lenient(ptr: usize, len: usize): bool {
  let end = ptr + len;
  const zeroByte = findByte(ptr, end, 0);
  if (zeroByte != 0) end = zeroByte;
  if (ptr == end) {
    parseF64Value = 0;
    parseF64OutOfRange = false;
    parseOk = true;
    return true;
  }
  while (ptr < end && isSpace(load<u8>(ptr))) ptr++;
  scanFloat(ptr, end);
  parseOk = takeF64();
  return parseOk;
}

function isInfinity(value: f64): bool {
  return reinterpret<u64>(abs(value)) == F64_INFINITY_BITS;
}

/** Rounds what was scanned to a double; false if it was no number. */
function takeF64(): bool {
  parseF64OutOfRange = false;
  if (floatKind != FLOAT_FINITE) {
    if (floatKind != FLOAT_INFINITY) return false;
    parseF64Value = floatNegative ? -Infinity : Infinity;
    return true;
  }
  let magnitude: f64;
  if (!floatHex && floatDigits <= SAFE_DIGITS && floatDecimal <= EXACT_INTEGER_MAX) {
    const exponent = floatDecimalExponent;
    if (exponent == 0 || floatDecimal == 0) {
      magnitude = <f64>floatDecimal;
    } else if (exponent > 0 && exponent <= EXACT_POWER_MAX) {
      magnitude = <f64>floatDecimal * load<f64>(POWERS_OF_TEN + ((<usize>exponent) << 3));
    } else if (exponent < 0 && exponent >= -EXACT_POWER_MAX) {
      magnitude = <f64>floatDecimal / load<f64>(POWERS_OF_TEN + ((<usize>-exponent) << 3));
    } else {
      magnitude = roundToF64();
    }
  } else {
    magnitude = roundToF64();
  }
  parseF64Value = floatNegative ? -magnitude : magnitude;
  return true;
}

/** The double nearest to what was scanned, ties to even; sets `parseF64OutOfRange`. */
function roundToF64(): f64 {
  if (!floatHex) floatToBinary(F64_TOO_LARGE, F64_TOO_SMALL, F64_DIGITS_MAX);
  const mantissa = floatMantissa;
  if (mantissa == 0) return 0;
  const normalExponent = floatExponent + 64 - F64_MANTISSA_BITS;
  const exponent = max(normalExponent, F64_EXPONENT_MIN);
  const dropped = exponent - floatExponent; // at least 11 bits
  let kept: u64 = 0;
  let inexact = true;
  if (dropped <= 64) {
    const half = (<u64>1) << (<u64>(dropped - 1));
    const below = mantissa & (half - 1);
    const rest = below != 0 || floatTail != TAIL_NONE;
    const halfSet = (mantissa & half) != 0;
    if (dropped < 64) kept = mantissa >> <u64>dropped;
    if (halfSet && (rest || (kept & 1) != 0)) kept++;
    inexact = halfSet || rest;
  }
  if (exponent > 2048) {
    parseF64OutOfRange = true;
    return Infinity;
  }
  // A mantissa that rounds up to the next power of two carries into the exponent, as it should.
  const bits = ((<u64>(exponent - F64_EXPONENT_MIN)) << 52) + kept;
  if (bits >= F64_INFINITY_BITS) {
    parseF64OutOfRange = true;
    return Infinity;
  }
  parseF64OutOfRange = inexact && isTiny(normalExponent);
  return reinterpret<f64>(bits);
}

/**
 * Whether the scanned number is below the smallest normal double also after rounding to 53 bits,
 * which may lift the largest of them to it.
 */
function isTiny(normalExponent: i64): bool {
  if (normalExponent != F64_EXPONENT_MIN - 1) return normalExponent < F64_EXPONENT_MIN;
  const roundsUpToNormal = floatMantissa >> 10 == u64.MAX_VALUE >> 10;
  return !roundsUpToNormal;
}
