// Integers as command arguments write them.

const INTEGER_MIN = -(2n ** 63n);
const INTEGER_MAX = 2n ** 63n - 1n;
/** Length of the text of INTEGER_MIN, the longest there is. */
const TEXT_LENGTH_MAX = 20;

/**
 * The signed 64-bit integer that `text` is, else null. Only the canonical form counts, as in Redis:
 * "7", "-7" and "0", but not "+7", "07", "-0" or " 7".
 */
export function parseInteger64(text: string): bigint | null {
  if (text.length > TEXT_LENGTH_MAX || !/^(?:0|-?[1-9][0-9]*)$/.test(text)) return null;
  const value = BigInt(text);
  return value < INTEGER_MIN || value > INTEGER_MAX ? null : value;
}
