// The checksum of an RDB file, fast enough for files of some megabytes. Not shared with the server, so
// that the two check each other.

const POLYNOMIAL = 0x95ac9329ac4bc9b5n;

const LOW = new Uint32Array(256);
const HIGH = new Uint32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let crc = BigInt(byte);
  for (let i = 0; i < 8; i++) crc = crc & 1n ? (crc >> 1n) ^ POLYNOMIAL : crc >> 1n;
  LOW[byte] = Number(crc & 0xffffffffn);
  HIGH[byte] = Number(crc >> 32n);
}

export function rdbChecksum(bytes: Uint8Array): bigint {
  let low = 0;
  let high = 0;
  for (let i = 0; i < bytes.length; i++) {
    const at = (low ^ bytes[i]!) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ LOW[at]!;
    high = (high >>> 8) ^ HIGH[at]!;
  }
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/** Whether the bytes begin and end as an RDB file does, with the checksum of all in between. */
export function isWholeRdb(bytes: Buffer): boolean {
  return (
    bytes.length > 17 &&
    bytes.subarray(0, 5).toString() === 'REDIS' &&
    bytes.at(-9) === 0xff &&
    bytes.readBigUInt64LE(bytes.length - 8) === rdbChecksum(bytes.subarray(0, -8))
  );
}
