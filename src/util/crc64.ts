// CRC-64 "Jones", the checksum of RDB files: polynomial 0xad93d23594c935a9, least significant bit first,
// begun at 0, not inverted at the end. The core has its own (assembly/util/crc64.ts) for what it reads;
// this one is for files that no core reads.
//
// Integers of JavaScript's fast kind have 32 bits, so each table exists for the low and the high half.
// Eight bytes go in one step: table n says what a byte with n bytes behind it contributes.

/** The polynomial with its bits in reverse. */
const POLYNOMIAL = 0x95ac9329ac4bc9b5n;
const SLICES = 8;
const SLICE_ENTRIES = 256;

const LOW = new Int32Array(SLICES * SLICE_ENTRIES);
const HIGH = new Int32Array(SLICES * SLICE_ENTRIES);

function buildTables(): void {
  for (let byte = 0; byte < SLICE_ENTRIES; byte++) {
    let crc = BigInt(byte);
    for (let slice = 0; slice < SLICES; slice++) {
      for (let bit = 0; bit < 8; bit++)
        crc = (crc & 1n) !== 0n ? (crc >> 1n) ^ POLYNOMIAL : crc >> 1n;
      LOW[slice * SLICE_ENTRIES + byte] = Number(BigInt.asIntN(32, crc));
      HIGH[slice * SLICE_ENTRIES + byte] = Number(BigInt.asIntN(32, crc >> 32n));
    }
  }
}
buildTables();

/** The sum of bytes that come one piece after the other. */
export class Crc64 {
  private low = 0;
  private high = 0;

  update(bytes: Uint8Array): void {
    let { low, high } = this;
    let at = 0;
    for (; at + 8 <= bytes.length; at += 8) {
      const a = low ^ word(bytes, at);
      const b = high ^ word(bytes, at + 4);
      const e7 = 7 * SLICE_ENTRIES + (a & 0xff);
      const e6 = 6 * SLICE_ENTRIES + ((a >>> 8) & 0xff);
      const e5 = 5 * SLICE_ENTRIES + ((a >>> 16) & 0xff);
      const e4 = 4 * SLICE_ENTRIES + (a >>> 24);
      const e3 = 3 * SLICE_ENTRIES + (b & 0xff);
      const e2 = 2 * SLICE_ENTRIES + ((b >>> 8) & 0xff);
      const e1 = SLICE_ENTRIES + ((b >>> 16) & 0xff);
      const e0 = b >>> 24;
      low = LOW[e7]! ^ LOW[e6]! ^ LOW[e5]! ^ LOW[e4]! ^ LOW[e3]! ^ LOW[e2]! ^ LOW[e1]! ^ LOW[e0]!;
      high =
        HIGH[e7]! ^
        HIGH[e6]! ^
        HIGH[e5]! ^
        HIGH[e4]! ^
        HIGH[e3]! ^
        HIGH[e2]! ^
        HIGH[e1]! ^
        HIGH[e0]!;
    }
    for (; at < bytes.length; at++) {
      const entry = (low ^ bytes[at]!) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ LOW[entry]!;
      high = (high >>> 8) ^ HIGH[entry]!;
    }
    this.low = low;
    this.high = high;
  }

  value(): bigint {
    return (BigInt(this.high >>> 0) << 32n) | BigInt(this.low >>> 0);
  }
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
