// Numbers as Redis reads and prints them in its configuration.
//
// Values live as bigint, because limits reach 2^64 - 1 and C's wrapping arithmetic decides which
// out-of-range inputs Redis takes. Every function works on byte text (byte_text.ts).

import { cString, lowerCase } from './byte_text.ts';

export const INT_MAX = 2147483647;
export const INT_MIN = -2147483648;
export const UINT_MAX = 4294967295;
/** Also LLONG_MAX and SSIZE_MAX: all three are 64-bit signed. */
export const LONG_MAX = 9223372036854775807n;
export const LONG_MIN = -9223372036854775808n;
export const ULONG_MAX = 18446744073709551615n;

/** Longest text of a 64-bit integer, as Redis bounds it before reading. */
const INTEGER_TEXT_MAX = 20;
/** Digits before the unit of a memory value. */
const MEMORY_DIGITS_MAX = 127;

const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['', 1n],
  ['b', 1n],
  ['k', 1000n],
  ['kb', 1024n],
  ['m', 1000n ** 2n],
  ['mb', 1024n ** 2n],
  ['g', 1000n ** 3n],
  ['gb', 1024n ** 3n],
]);

/** A canonical signed 64-bit integer ("0", "-5"; no "+5", "05" or blanks), else null. */
export function parseInteger(text: string): bigint | null {
  if (text.length > INTEGER_TEXT_MAX || !/^(0|-?[1-9][0-9]*)$/.test(text)) return null;
  const value = BigInt(text);
  return value < LONG_MIN || value > LONG_MAX ? null : value;
}

/**
 * A byte count such as "100", "64mb" or "1G": k, m, g are powers of 1000; kb, mb, gb of 1024. The
 * result is unsigned 64-bit; digits beyond that saturate and the unit's product wraps, as in C.
 * Returns null when the text is not of this form.
 */
export function parseMemory(text: string): bigint | null {
  const match = /^([0-9]*)([a-zA-Z]*)$/.exec(cString(text));
  const multiplier = match === null ? undefined : UNITS.get(lowerCase(match[2]!));
  if (match === null || multiplier === undefined) return null;
  const digits = match[1]!;
  if (digits.length > MEMORY_DIGITS_MAX) return null;
  const value = digits === '' ? 0n : BigInt(digits);
  return BigInt.asUintN(64, (value > ULONG_MAX ? ULONG_MAX : value) * multiplier);
}

/** The shortest exact form with a power-of-1024 unit, as written into a configuration file. */
export function formatMemory(bytes: bigint): string {
  if (bytes !== 0n) {
    if (bytes % 1073741824n === 0n) return `${bytes / 1073741824n}gb`;
    if (bytes % 1048576n === 0n) return `${bytes / 1048576n}mb`;
    if (bytes % 1024n === 0n) return `${bytes / 1024n}kb`;
  }
  return `${bytes}`;
}

/**
 * strtoll() with the usual check that nothing is left over: leading blanks and "+" are fine, the
 * empty text is 0, values beyond 64 bits saturate. Returns null when something is left over.
 */
export function parseLoose(text: string, base: 8 | 10 = 10): bigint | null {
  const source = cString(text);
  if (source === '') return 0n;
  const match = /^[ \t\n\v\f\r]*([+-]?)([0-9]+)$/.exec(source);
  if (match === null) return null;
  const digits = match[2]!;
  if (base === 8 && /[89]/.test(digits)) return null;
  const magnitude = BigInt(base === 8 ? `0o${digits}` : digits);
  const value = match[1] === '-' ? -magnitude : magnitude;
  return value > LONG_MAX ? LONG_MAX : value < LONG_MIN ? LONG_MIN : value;
}

/** strtoll() in base 8 where an overflow is an error too. */
export function parseOctal(text: string): bigint | null {
  const value = parseLoose(text, 8);
  return value === LONG_MAX || value === LONG_MIN ? null : value;
}

/** A double as strtod() reads it (decimal, hexadecimal, inf), or null; NaN is refused. */
export function parseDouble(text: string): number | null {
  const lower = lowerCase(text);
  if (/^[+-]?(inf|infinity)$/.test(lower)) return lower.startsWith('-') ? -Infinity : Infinity;
  if (/^[+-]?0x/.test(lower)) return parseHexDouble(lower);
  if (!/^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/.test(lower)) return null;
  const value = Number(lower);
  const underflowed = value === 0 && /[1-9]/.test(lower.split('e')[0]!);
  return Number.isFinite(value) && !underflowed ? value : null;
}

function parseHexDouble(text: string): number | null {
  const match = /^([+-]?)0x([0-9a-f]*)\.?([0-9a-f]*)(?:p([+-]?[0-9]+))?$/.exec(text);
  if (match === null || `${match[2]}${match[3]}` === '') return null;
  const fraction = match[3]!;
  const mantissa = Number(`0x${match[2]}${fraction}`);
  const value = mantissa * 2 ** (Number(match[4] ?? 0) - 4 * fraction.length);
  if (!Number.isFinite(value) || (value === 0 && mantissa !== 0)) return null;
  return match[1] === '-' ? -value : value;
}

/** printf("%f") with the trailing zeros, and then a trailing point, removed. */
export function formatDouble(value: number): string {
  return (Object.is(value, -0) ? '-' : '') + halfEvenFixed6(value).replace(/\.?0*$/, '');
}

/** toFixed(6) rounds an exact tie up; C rounds it to the even digit. */
function halfEvenFixed6(value: number): string {
  const text = value.toFixed(6);
  const doubled = value * 2e6;
  const isTie = Number.isInteger(doubled) && doubled % 2 !== 0 && doubled / 2e6 === value;
  const isOddDigit = Number(text.at(-1)) % 2 !== 0;
  return isTie && isOddDigit ? (value - 0.25e-6).toFixed(6) : text;
}
