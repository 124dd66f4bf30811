// Numbers to decimal text: integers, and doubles in the forms in which Redis prints them.
//
// Digits come in pairs from a table, and the value is first cut into groups of eight digits so that
// all but two divisions are on 32 bits. Output goes to `out`, which needs room for the longest
// result; nothing is terminated with a zero byte. All functions return how many bytes they wrote.

import {
  DIGITS,
  digitCount,
  digits17,
  digitsExponent,
  exactDigits17,
  shortDigits,
} from './float_digits';

/** The longest result of `formatU64`, "18446744073709551615". */
export const U64_CHARS_MAX: u32 = 20;
/** The longest result of `formatI64`, "-9223372036854775808". */
export const I64_CHARS_MAX: u32 = 20;

/** Room for any double: "-1.2345678901234567e-308", or 17 digits and seven zeros. */
export const F64_CHARS_MAX: u32 = 32;

const ASCII_PLUS: u8 = 43;
const ASCII_MINUS: u8 = 45;
const ASCII_DOT: u8 = 46;
const ASCII_E: u8 = 101;
/** "inf" and "nan" as bytes in memory order. */
const WORD_INF: u32 = 0x666e69;
const WORD_NAN: u32 = 0x6e616e;
const SPECIAL_CHARS: u32 = 3;
const ASCII_ZERO: u32 = 48;
const EIGHT_DIGITS: u64 = 100000000;

/** "00", "01" ... "99". */
const DIGIT_PAIRS: usize = memory.data<u8>([
  48, 48, 48, 49, 48, 50, 48, 51, 48, 52, 48, 53, 48, 54, 48, 55, 48, 56, 48, 57, 49, 48, 49, 49,
  49, 50, 49, 51, 49, 52, 49, 53, 49, 54, 49, 55, 49, 56, 49, 57, 50, 48, 50, 49, 50, 50, 50, 51,
  50, 52, 50, 53, 50, 54, 50, 55, 50, 56, 50, 57, 51, 48, 51, 49, 51, 50, 51, 51, 51, 52, 51, 53,
  51, 54, 51, 55, 51, 56, 51, 57, 52, 48, 52, 49, 52, 50, 52, 51, 52, 52, 52, 53, 52, 54, 52, 55,
  52, 56, 52, 57, 53, 48, 53, 49, 53, 50, 53, 51, 53, 52, 53, 53, 53, 54, 53, 55, 53, 56, 53, 57,
  54, 48, 54, 49, 54, 50, 54, 51, 54, 52, 54, 53, 54, 54, 54, 55, 54, 56, 54, 57, 55, 48, 55, 49,
  55, 50, 55, 51, 55, 52, 55, 53, 55, 54, 55, 55, 55, 56, 55, 57, 56, 48, 56, 49, 56, 50, 56, 51,
  56, 52, 56, 53, 56, 54, 56, 55, 56, 56, 56, 57, 57, 48, 57, 49, 57, 50, 57, 51, 57, 52, 57, 53,
  57, 54, 57, 55, 57, 56, 57, 57,
]);

/** How many decimal digits the value has; 0 has one. */
export function digits10(value: u64): u32 {
  if (value >= EIGHT_DIGITS) {
    const high = value / EIGHT_DIGITS;
    if (high >= EIGHT_DIGITS) return 16 + digits10Short(<u32>(high / EIGHT_DIGITS));
    return 8 + digits10Short(<u32>high);
  }
  return digits10Short(<u32>value);
}

/** How many decimal digits a value below 10^8 has. */
function digits10Short(value: u32): u32 {
  if (value < 10000) {
    if (value < 100) return value < 10 ? 1 : 2;
    return value < 1000 ? 3 : 4;
  }
  if (value < 1000000) return value < 100000 ? 5 : 6;
  return value < 10000000 ? 7 : 8;
}

/** How many bytes `formatI64` writes. */
export function digits10Signed(value: i64): u32 {
  return value < 0 ? 1 + digits10(0 - <u64>value) : digits10(<u64>value);
}

/** Writes exactly eight digits of a value below 10^8, zeros first. */
export function writeEightDigits(value: u32, out: usize): void {
  const high = value / 10000;
  const low = value % 10000;
  store<u16>(out, load<u16>(DIGIT_PAIRS + ((high / 100) << 1)));
  store<u16>(out + 2, load<u16>(DIGIT_PAIRS + ((high % 100) << 1)));
  store<u16>(out + 4, load<u16>(DIGIT_PAIRS + ((low / 100) << 1)));
  store<u16>(out + 6, load<u16>(DIGIT_PAIRS + ((low % 100) << 1)));
}

/** Writes a value below 10^8 without leading zeros and returns its number of digits. */
function writeShort(value: u32, out: usize): u32 {
  if (value < 10) {
    store<u8>(out, value + ASCII_ZERO);
    return 1;
  }
  const count = digits10Short(value);
  let end = out + count;
  while (value >= 100) {
    end -= 2;
    store<u16>(end, load<u16>(DIGIT_PAIRS + ((value % 100) << 1)));
    value /= 100;
  }
  if (value < 10) store<u8>(out, value + ASCII_ZERO);
  else store<u16>(out, load<u16>(DIGIT_PAIRS + (value << 1)));
  return count;
}

/** Writes the value in decimal at `out`, at most U64_CHARS_MAX bytes, and returns how many. */
export function formatU64(value: u64, out: usize): u32 {
  if (value < EIGHT_DIGITS) return writeShort(<u32>value, out);
  const high = value / EIGHT_DIGITS;
  const low = <u32>(value - high * EIGHT_DIGITS);
  let count: u32;
  if (high < EIGHT_DIGITS) {
    count = writeShort(<u32>high, out);
  } else {
    const top = high / EIGHT_DIGITS;
    count = writeShort(<u32>top, out);
    writeEightDigits(<u32>(high - top * EIGHT_DIGITS), out + count);
    count += 8;
  }
  writeEightDigits(low, out + count);
  return count + 8;
}

/** Writes the value in decimal at `out`, at most I64_CHARS_MAX bytes, and returns how many. */
export function formatI64(value: i64, out: usize): u32 {
  if (value >= 0) return formatU64(<u64>value, out);
  store<u8>(out, ASCII_MINUS);
  return 1 + formatU64(0 - <u64>value, out + 1);
}

// --- Doubles ---

const SIGN_BIT: u64 = 0x8000000000000000;
const F64_INFINITY_BITS: u64 = 0x7ff0000000000000;
/** Integers up to this size are printed as integers: half of what an i64 can hold. */
const INTEGER_MAX: f64 = 4611686018427387904.0;

/** Writes three letters, of which only three bytes of room are needed. */
function writeSpecial(word: u32, out: usize): u32 {
  store<u16>(out, <u16>word);
  store<u8>(out + 2, <u8>(word >> 16));
  return SPECIAL_CHARS;
}

/**
 * Writes a double as replies and scores have it since Redis 7.2: integers without a point, others
 * with as few digits as identify them, "inf", "-inf", "nan" and "-0". At most F64_CHARS_MAX bytes;
 * returns how many.
 */
export function formatF64(value: f64, out: usize): u32 {
  if (abs(value) <= INTEGER_MAX && value != 0) {
    const integer = <i64>value;
    if (<f64>integer == value) return formatI64(integer, out);
  }
  if (isNaN(value)) return writeSpecial(WORD_NAN, out);
  const bits = reinterpret<u64>(value);
  let sign: u32 = 0;
  if ((bits & SIGN_BIT) != 0) {
    store<u8>(out, ASCII_MINUS);
    sign = 1;
  }
  const magnitude = bits & ~SIGN_BIT;
  out += sign;
  if (magnitude == F64_INFINITY_BITS) return sign + writeSpecial(WORD_INF, out);
  if (magnitude == 0) {
    store<u8>(out, ASCII_ZERO);
    return sign + 1;
  }
  shortDigits(magnitude);
  return sign + layOutShort(sign, out);
}

/** Writes the digits of `shortDigits` with a point or an exponent where Redis puts them. */
function layOutShort(sign: u32, out: usize): u32 {
  const count = digitCount;
  const power = digitsExponent;
  // The power of ten of the first digit.
  const first = power + <i32>count - 1;
  const distance = abs(first);

  if (power >= 0 && distance < <i32>count + 7) {
    memory.copy(out, DIGITS, count);
    memory.fill(out + count, <u8>ASCII_ZERO, power);
    return count + power;
  }
  if (power < 0 && (power > -7 || distance < 4)) {
    const whole = <i32>count + power;
    if (whole > 0) {
      memory.copy(out, DIGITS, whole);
      store<u8>(out + whole, ASCII_DOT);
      memory.copy(out + whole + 1, DIGITS + whole, -power);
      return count + 1;
    }
    const zeros = -whole;
    store<u16>(out, ASCII_ZERO | ((<u32>ASCII_DOT) << 8));
    memory.fill(out + 2, <u8>ASCII_ZERO, zeros);
    memory.copy(out + 2 + zeros, DIGITS, count);
    return count + 2 + zeros;
  }
  // With an exponent there is room for 17 digits behind a minus and for 18 without one.
  return writeScientific(DIGITS, min(count, 18 - sign), first, 1, out);
}

/** Writes d.ddde+x with at least so many digits of exponent. */
function writeScientific(
  digits: usize,
  count: u32,
  exponent: i32,
  exponentDigits: u32,
  out: usize,
): u32 {
  store<u8>(out, load<u8>(digits));
  let length: u32 = 1;
  if (count > 1) {
    store<u8>(out + 1, ASCII_DOT);
    memory.copy(out + 2, digits + 1, count - 1);
    length = count + 1;
  }
  store<u8>(out + length, ASCII_E);
  store<u8>(out + length + 1, exponent < 0 ? ASCII_MINUS : ASCII_PLUS);
  length += 2;
  const size = <u32>abs(exponent);
  if (size < 10 && exponentDigits > 1) store<u8>(out + length++, ASCII_ZERO);
  return length + writeShort(size, out + length);
}

/** The 17 digits of `formatF64Precise` as text. */
const DIGITS_17: usize = memory.data(24, 8);

/**
 * Writes a double as "%.17g" does: what ZSCAN prints for large sorted sets. Other than C it writes
 * "nan" without a sign. At most F64_CHARS_MAX bytes; returns how many.
 */
export function formatF64Precise(value: f64, out: usize): u32 {
  if (isNaN(value)) return writeSpecial(WORD_NAN, out);
  const bits = reinterpret<u64>(value);
  let sign: u32 = 0;
  if ((bits & SIGN_BIT) != 0) {
    store<u8>(out, ASCII_MINUS);
    sign = 1;
  }
  const magnitude = bits & ~SIGN_BIT;
  out += sign;
  if (magnitude == F64_INFINITY_BITS) return sign + writeSpecial(WORD_INF, out);
  if (magnitude == 0) {
    store<u8>(out, ASCII_ZERO);
    return sign + 1;
  }
  exactDigits17(magnitude);
  let count = formatU64(digits17, DIGITS_17);
  const first = digitsExponent + 16;
  while (load<u8>(DIGITS_17 + count - 1) == ASCII_ZERO) count--;
  if (first < -4 || first > 16) {
    return sign + writeScientific(DIGITS_17, count, first, 2, out);
  }
  if (first < 0) {
    store<u16>(out, ASCII_ZERO | ((<u32>ASCII_DOT) << 8));
    memory.fill(out + 2, <u8>ASCII_ZERO, -first - 1);
    memory.copy(out + 1 - first, DIGITS_17, count);
    return sign + count + 1 - first;
  }
  const whole = <u32>first + 1;
  if (count <= whole) {
    memory.copy(out, DIGITS_17, count);
    memory.fill(out + count, <u8>ASCII_ZERO, whole - count);
    return sign + whole;
  }
  memory.copy(out, DIGITS_17, whole);
  store<u8>(out + whole, ASCII_DOT);
  memory.copy(out + whole + 1, DIGITS_17 + whole, count - whole);
  return sign + count + 1;
}

/**
 * Writes a double with a fixed number of digits after the point, 1 to 17, rounded half to even
 * after scaling in double precision: distances have it so. The value times 10^fractionDigits must
 * fit an i64. At most I64_CHARS_MAX + 2 bytes; returns how many.
 */
export function formatF64Fixed(value: f64, fractionDigits: u32, out: usize): u32 {
  assert(fractionDigits >= 1 && fractionDigits <= 17);
  let power: u64 = 1;
  for (let i: u32 = 0; i < fractionDigits; i++) power *= 10;
  const scaled = <i64>nearest(value * <f64>power);
  let sign: u32 = 0;
  if (scaled < 0) {
    store<u8>(out, ASCII_MINUS);
    sign = 1;
  }
  const size = scaled < 0 ? 0 - <u64>scaled : <u64>scaled;
  const fraction = size % power;
  const whole = formatU64(size / power, out + sign);
  const point = out + sign + whole;
  store<u8>(point, ASCII_DOT);
  memory.fill(point + 1, <u8>ASCII_ZERO, fractionDigits);
  const digits = digits10(fraction);
  formatU64(fraction, point + 1 + fractionDigits - digits);
  return sign + whole + 1 + fractionDigits;
}
