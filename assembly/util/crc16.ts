// CRC-16/XMODEM, and the cluster slot of a key that is made from it.
//
// Polynomial 0x1021, most significant bit first, starting at 0: "123456789" gives 0x31c3.
//
// Eight bytes go in one step ("slicing by 8"): TABLES holds, for every byte value and every number
// of bytes that follow it in the step, what the byte contributes to the result. The contributions
// do not depend on each other, so the loads overlap.

const POLYNOMIAL: u32 = 0x1021;
const SLICES: u32 = 8;
/** u16 per byte value and slice; slice n is for a byte with n bytes after it. */
const TABLES: usize = memory.data(4096, 8);
const SLICE_BYTES: usize = 512;

const ASCII_OPEN: u8 = 123;
const ASCII_CLOSE: u8 = 125;

/** The number of slots of a cluster. */
export const SLOTS: u32 = 16384;

function buildTables(): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let crc = byte << 8;
    for (let slice: u32 = 0; slice < SLICES; slice++) {
      for (let bit = 0; bit < 8; bit++) {
        crc = (crc & 0x8000) != 0 ? (crc << 1) ^ POLYNOMIAL : crc << 1;
      }
      crc &= 0xffff;
      store<u16>(TABLES + <usize>slice * SLICE_BYTES + (byte << 1), crc);
    }
  }
}
buildTables();

/** What a byte contributes that is the lowest one of `bits`, with `slice` bytes after it. */
class Contribution {
  @inline
  static of(bits: u64, slice: usize): u32 {
    return load<u16>(TABLES + slice * SLICE_BYTES + ((<usize>bits & 0xff) << 1));
  }
}

/** The CRC of `len` bytes. O(len). */
export function crc16(ptr: usize, len: usize): u32 {
  let crc: u32 = 0;
  while (len >= 8) {
    // The CRC so far is added to the first two bytes, high byte first.
    const word = load<u64>(ptr) ^ ((crc >> 8) | ((crc & 0xff) << 8));
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
    crc = ((crc << 8) & 0xffff) ^ Contribution.of((crc >> 8) ^ load<u8>(ptr), 0);
    ptr++;
    len--;
  }
  return crc;
}

/**
 * The cluster slot of a key: of the part between its first "{" and the next "}", or of the whole
 * key if there is no such part or it is empty. Keys with the same part share a slot.
 */
export function keyHashSlot(ptr: usize, len: usize): u32 {
  const end = ptr + len;
  let open = ptr;
  while (open < end && load<u8>(open) != ASCII_OPEN) open++;
  if (open < end) {
    let close = open + 1;
    while (close < end && load<u8>(close) != ASCII_CLOSE) close++;
    if (close < end && close != open + 1) return crc16(open + 1, close - open - 1) & (SLOTS - 1);
  }
  return crc16(ptr, len) & (SLOTS - 1);
}
