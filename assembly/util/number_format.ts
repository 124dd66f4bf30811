// Integers to decimal text.
//
// Digits come in pairs from a table, and the value is first cut into groups of eight digits so that
// all but two divisions are on 32 bits. Output goes to `out`, which needs room for the longest
// result; nothing is terminated with a zero byte. All functions return how many bytes they wrote.

/** The longest result of `formatU64`, "18446744073709551615". */
export const U64_CHARS_MAX: u32 = 20;
/** The longest result of `formatI64`, "-9223372036854775808". */
export const I64_CHARS_MAX: u32 = 20;

const ASCII_MINUS: u8 = 45;
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
