// Payloads of DUMP and RESTORE made by hand, in every encoding that Redis ever wrote: what the server
// under test has to read and never writes itself.
//
// Formats: see assembly/snapshot/format.ts and the files beside it. Everything here is written anew
// from the format, not shared with the server, so that the two check each other.

import { type Argument, argumentBytes } from './arguments.ts';

export type Text = Argument;

/** Types of values. */
export const RDB = {
  string: 0,
  list: 1,
  set: 2,
  zset: 3,
  hash: 4,
  zset2: 5,
  hashZipmap: 9,
  listZiplist: 10,
  setIntset: 11,
  zsetZiplist: 12,
  hashZiplist: 13,
  listQuicklist: 14,
  stream: 15,
  hashListpack: 16,
  zsetListpack: 17,
  listQuicklist2: 18,
  stream2: 19,
  setListpack: 20,
  stream3: 21,
  hashMetadataPreGa: 22,
  hashListpackExPreGa: 23,
  hashMetadata: 24,
  hashListpackEx: 25,
} as const;

// --- Numbers ---

export function u8(value: number): Buffer {
  return Buffer.from([value & 0xff]);
}

export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u32be(value: number): Buffer {
  return u32(value).reverse();
}

export function i64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt.asIntN(64, value));
  return bytes;
}

export function f64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

export function streamId(ms: bigint, seq: bigint): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64BE(ms);
  bytes.writeBigUInt64BE(seq, 8);
  return bytes;
}

/** A length in its shortest form. */
export function length(value: number | bigint): Buffer {
  const n = BigInt.asUintN(64, BigInt(value));
  if (n < 64n) return u8(Number(n));
  if (n < 16384n) return Buffer.from([0x40 | Number(n >> 8n), Number(n & 255n)]);
  if (n < 1n << 32n) return Buffer.concat([u8(0x80), u32be(Number(n))]);
  const bytes = Buffer.alloc(9, 0x81);
  bytes.writeBigUInt64BE(n, 1);
  return bytes;
}

// --- Strings ---

/** A string as its length and its bytes. */
export function plain(text: Text): Buffer {
  const bytes = argumentBytes(text);
  return Buffer.concat([length(bytes.length), bytes]);
}

/** An integer of 1, 2 or 4 bytes in place of its text. */
export function integer(value: number, bytes: 1 | 2 | 4): Buffer {
  const data = Buffer.alloc(bytes);
  data.writeIntLE(value, 0, bytes);
  return Buffer.concat([u8(0xc0 | Math.log2(bytes)), data]);
}

/** LZF data that consists of nothing but literals. */
export function lzfLiterals(text: Text): Buffer {
  const bytes = argumentBytes(text);
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 32) {
    const run = bytes.subarray(at, at + 32);
    parts.push(u8(run.length - 1), run);
  }
  return Buffer.concat(parts);
}

/** A string as LZF data, which may be something else than what it claims to be. */
export function lzf(data: Uint8Array, claimedLength: number): Buffer {
  return Buffer.concat([u8(0xc3), length(data.length), length(claimedLength), data]);
}

// --- Blocks of elements ---

const isCanonical = (text: string) => /^(0|-?[1-9]\d{0,18})$/.test(text);

function asI64(text: Text): bigint | undefined {
  const word = argumentBytes(text).toString('latin1');
  if (!isCanonical(word)) return undefined;
  const value = BigInt(word);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

function signedBytes(value: bigint, bytes: number): Buffer {
  return i64(value).subarray(0, bytes);
}

function fits(value: bigint, bits: number): boolean {
  return BigInt.asIntN(bits, value) === value;
}

function ziplistData(text: Text): Buffer {
  const value = asI64(text);
  if (value !== undefined) {
    if (value >= 0n && value <= 12n) return u8(0xf1 + Number(value));
    if (fits(value, 8)) return Buffer.concat([u8(0xfe), signedBytes(value, 1)]);
    if (fits(value, 16)) return Buffer.concat([u8(0xc0), signedBytes(value, 2)]);
    if (fits(value, 24)) return Buffer.concat([u8(0xf0), signedBytes(value, 3)]);
    if (fits(value, 32)) return Buffer.concat([u8(0xd0), signedBytes(value, 4)]);
    return Buffer.concat([u8(0xe0), signedBytes(value, 8)]);
  }
  const bytes = argumentBytes(text);
  if (bytes.length < 64) return Buffer.concat([u8(bytes.length), bytes]);
  if (bytes.length < 16384) {
    return Buffer.concat([u8(0x40 | (bytes.length >> 8)), u8(bytes.length), bytes]);
  }
  return Buffer.concat([u8(0x80), u32be(bytes.length), bytes]);
}

export function ziplist(elements: readonly Text[]): Buffer {
  const entries: Buffer[] = [];
  let previous = 0;
  let tail = 10;
  let at = 10;
  for (const element of elements) {
    const head = previous < 254 ? u8(previous) : Buffer.concat([u8(254), u32(previous)]);
    const entry = Buffer.concat([head, ziplistData(element)]);
    entries.push(entry);
    tail = at;
    at += entry.length;
    previous = entry.length;
  }
  const count = Math.min(elements.length, 0xffff);
  return Buffer.concat([u32(at + 1), u32(tail), u16(count), ...entries, u8(255)]);
}

function zipmapLength(value: number): Buffer {
  return value < 254 ? u8(value) : Buffer.concat([u8(254), u32(value)]);
}

/** `idle` unused bytes follow every value. */
export function zipmap(pairs: readonly (readonly [Text, Text])[], idle = 0): Buffer {
  const entries = pairs.flatMap(([field, value]) => {
    const name = argumentBytes(field);
    const bytes = argumentBytes(value);
    return [
      zipmapLength(name.length),
      name,
      zipmapLength(bytes.length),
      u8(idle),
      bytes,
      Buffer.alloc(idle, 0x78),
    ];
  });
  return Buffer.concat([u8(Math.min(pairs.length, 254)), ...entries, u8(255)]);
}

function backlen(size: number): Buffer {
  const bytes: number[] = [];
  let steps = 1;
  for (const limit of [127, 16382, 2097150]) if (size > limit) steps += 1;
  for (let i = 0, rest = size; i < steps; i++, rest >>= 7) {
    bytes.unshift((rest & 127) | (i < steps - 1 ? 128 : 0));
  }
  return Buffer.from(bytes);
}

function listpackData(text: Text): Buffer {
  const value = asI64(text);
  if (value !== undefined) {
    if (value >= 0n && value <= 127n) return u8(Number(value));
    if (fits(value, 13)) {
      const bits = Number(BigInt.asUintN(13, value));
      return Buffer.from([0xc0 | (bits >> 8), bits & 255]);
    }
    if (fits(value, 16)) return Buffer.concat([u8(0xf1), signedBytes(value, 2)]);
    if (fits(value, 24)) return Buffer.concat([u8(0xf2), signedBytes(value, 3)]);
    if (fits(value, 32)) return Buffer.concat([u8(0xf3), signedBytes(value, 4)]);
    return Buffer.concat([u8(0xf4), signedBytes(value, 8)]);
  }
  return listpackString(text);
}

function listpackString(text: Text): Buffer {
  const bytes = argumentBytes(text);
  if (bytes.length < 64) return Buffer.concat([u8(0x80 | bytes.length), bytes]);
  if (bytes.length < 4096) {
    return Buffer.concat([u8(0xe0 | (bytes.length >> 8)), u8(bytes.length), bytes]);
  }
  return Buffer.concat([u8(0xf0), u32(bytes.length), bytes]);
}

/** With `asStrings`, numbers are kept as strings, which is not what Redis writes but allows. */
export function listpack(elements: readonly Text[], asStrings = false): Buffer {
  const entries = elements.map((element) => {
    const data = asStrings ? listpackString(element) : listpackData(element);
    return Buffer.concat([data, backlen(data.length)]);
  });
  const bytes = entries.reduce((sum, entry) => sum + entry.length, 7);
  const count = Math.min(elements.length, 0xffff);
  return Buffer.concat([u32(bytes), u16(count), ...entries, u8(255)]);
}

export function intset(values: readonly bigint[], width: 2 | 4 | 8): Buffer {
  const data = values.map((value) => signedBytes(value, width));
  return Buffer.concat([u32(width), u32(values.length), ...data]);
}

// --- The whole ---

const CRC_TABLE = Array.from({ length: 256 }, (_, byte) => {
  let crc = BigInt(byte);
  for (let i = 0; i < 8; i++) crc = crc & 1n ? (crc >> 1n) ^ 0x95ac9329ac4bc9b5n : crc >> 1n;
  return crc;
});

export function crc64(bytes: Uint8Array): bigint {
  let crc = 0n;
  for (const byte of bytes) crc = (crc >> 8n) ^ CRC_TABLE[Number(crc & 255n) ^ byte]!;
  return crc;
}

/** A payload with a footer that fits: `version` is that of the format. */
export function payload(body: Uint8Array, version = 10): Buffer {
  const signed = Buffer.concat([body, u16(version)]);
  return Buffer.concat([signed, i64(crc64(signed))]);
}

/** The same payload with the checksum that its bytes have now. */
export function resigned(bytes: Uint8Array): Buffer {
  const signed = Buffer.from(bytes.subarray(0, -8));
  return Buffer.concat([signed, i64(crc64(signed))]);
}

/** A value of a type as the parts it is made of. */
export function value(type: number, ...parts: Buffer[]): Buffer {
  return Buffer.concat([u8(type), ...parts]);
}
