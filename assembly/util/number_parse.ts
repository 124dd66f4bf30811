// Decimal integers from bytes.
//
// Two rules exist side by side, as in Redis. `parseI64` is strict: it accepts exactly the text that
// formatting the value would give back, so a string it accepts may be stored as an integer and
// still be returned byte for byte. `parseU64` and `parseCursor` are lenient, because Redis parses
// stream ids and SCAN cursors with the C library, and clients have come to rely on "0001" there.
//
// Results are left in module variables, valid until the next call: a function of WebAssembly
// returns one value, and these are read at once. All functions are O(len) and never read outside
// [ptr, ptr + len).
//
// Difference from Redis: a zero byte never ends a number here, while Redis reads a stream id or a
// cursor as far as the first one and ignores what follows.

/** Whether the last call of a `parse` function found a valid number. */
export let parseOk: bool = false;
/** The value found by `parseI64`, only if it succeeded. */
export let parseI64Value: i64 = 0;
/** The value found by `parseU64` or `parseCursor`, only if it succeeded. */
export let parseU64Value: u64 = 0;

const ASCII_TAB: u32 = 9;
const ASCII_CARRIAGE_RETURN: u32 = 13;
const ASCII_SPACE: u32 = 32;
const ASCII_PLUS: u32 = 43;
const ASCII_MINUS: u32 = 45;
const ASCII_ZERO: u32 = 48;

/** The longest i64, "-9223372036854775808". */
const I64_CHARS_MAX: usize = 20;
/** As many digits always fit 64 bits. */
const SAFE_DIGITS: usize = 19;

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
  if (end - ptr > SAFE_DIGITS) return false;
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
