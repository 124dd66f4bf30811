// What an RDB file begins with: its version and facts about it, which readers may ignore.
//
//   "REDIS" | version, four digits | (0xFA | name | value) ...
//
// Names and values are strings: a length, below 64 in one byte, below 16,384 in two, and the bytes.

const OPCODE_AUX = 0xfa;
const SHORT_MAX = 63;
const MEDIUM_MAX = 16383;

export type AuxFields = ReadonlyArray<readonly [name: string, value: string]>;

function string(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length > MEDIUM_MAX) throw new RangeError(`an aux field of ${bytes.length} bytes`);
  const head =
    bytes.length <= SHORT_MAX ? [bytes.length] : [0x40 | (bytes.length >> 8), bytes.length & 0xff];
  return Buffer.concat([Buffer.from(head), bytes]);
}

/** The first bytes of an RDB file of a version. */
export function rdbHeader(version: number, aux: AuxFields): Buffer {
  const parts: Uint8Array[] = [Buffer.from(`REDIS${String(version).padStart(4, '0')}`)];
  for (const [name, value] of aux) {
    parts.push(Buffer.from([OPCODE_AUX]), string(name), string(value));
  }
  return Buffer.concat(parts);
}
