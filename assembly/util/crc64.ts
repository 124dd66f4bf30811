// CRC-64 "Jones", the checksum of RDB files and DUMP payloads.
//
// Polynomial 0xad93d23594c935a9, least significant bit first, starting at 0, result not inverted:
// "123456789" gives 0xe9c6d914c4b8d9ca. The CRC of two parts is that of the second one, started
// with that of the first.
//
// Eight bytes go in one step ("slicing by 8"): TABLES holds, for every byte value and every number
// of bytes that follow it in the step, what the byte contributes to the result. The contributions
// do not depend on each other, so the loads overlap.

/** The polynomial with its bits in reverse. */
const POLYNOMIAL: u64 = 0x95ac9329ac4bc9b5;
const SLICES: u32 = 8;
/** u64 per byte value and slice; slice n is for a byte with n bytes after it. */
const TABLES: usize = memory.data(16384, 8);
const SLICE_BYTES: usize = 2048;

function buildTables(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let crc = <u64>byte;
    for (let slice: u32 = 0; slice < SLICES; slice++) {
      for (let bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ POLYNOMIAL : crc >> 1;
      store<u64>(TABLES + <usize>slice * SLICE_BYTES + (byte << 3), crc);
    }
  }
}
buildTables();

/** What a byte contributes that is the lowest one of `bits`, with `slice` bytes after it. */
class Contribution {
  @inline
  static of(bits: u64, slice: usize): u64 {
    return load<u64>(TABLES + slice * SLICE_BYTES + ((<usize>bits & 0xff) << 3));
  }
}

/** The CRC of what came before, 0 if nothing did, followed by `len` bytes. O(len). */
export function crc64(crc: u64, ptr: usize, len: usize): u64 {
  while (len >= 8) {
    const word = load<u64>(ptr) ^ crc;
    crc =
      Contribution.of(word, 7) ^
      Contribution.of(word >> 8, 6) ^
      Contribution.of(word >> 16, 5) ^
      Contribution.of(word >> 24, 4) ^
      Contribution.of(word >> 32, 3) ^
      Contribution.of(word >> 40, 2) ^
      Contribution.of(word >> 48, 1) ^
      Contribution.of(word >> 56, 0);
    ptr += 8;
    len -= 8;
  }
  while (len != 0) {
    crc = (crc >> 8) ^ Contribution.of(crc ^ load<u8>(ptr), 0);
    ptr++;
    len--;
  }
  return crc;
}
