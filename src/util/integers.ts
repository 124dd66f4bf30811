// Integers in arguments, as Redis reads them.

const I64_MAX = 9223372036854775807n;
const I64_MIN = -9223372036854775808n;
const TEXT_MAX = 20;

/** A canonical signed 64-bit integer ("0", "-5"; no "+5", "05" or blanks), else undefined. */
export function parseI64(text: Uint8Array | string): bigint | undefined {
  if (text.length > TEXT_MAX) return undefined;
  const characters = typeof text === 'string' ? text : Buffer.from(text).toString('latin1');
  if (!/^(0|-?[1-9][0-9]*)$/.test(characters)) return undefined;
  const value = BigInt(characters);
  return value < I64_MIN || value > I64_MAX ? undefined : value;
}

/** As C's atoi: the digits at the start, 0 when there are none. */
export function leadingInteger(text: Uint8Array): number {
  return Number.parseInt(Buffer.from(text).toString('latin1'), 10) || 0;
}
