// RDB files of any version made by hand, part by part: what the loader has to read and nobody here
// writes any more. Values are those of rdb_payload.ts.
//
//   rdbFile(9, select(0), key(RDB.string, 'k', plain('v')))
//
// Everything is written anew from the format, not shared with the server, so that the two check each
// other.

import { crc64, f64, i64, length, plain, type Text, u8, u32 } from './rdb_payload.ts';

export const OPCODE = {
  slotInfo: 244,
  function: 245,
  functionPreGa: 246,
  moduleAux: 247,
  idle: 248,
  frequency: 249,
  aux: 250,
  resize: 251,
  expireMs: 252,
  expire: 253,
  select: 254,
  end: 255,
} as const;

/** The first version with a checksum behind the end. */
const VERSION_CHECKSUM = 5;

export function header(version: number | string): Buffer {
  const digits = typeof version === 'number' ? String(version).padStart(4, '0') : version;
  return Buffer.from(`REDIS${digits}`);
}

/** A whole file. `checksum`: another one than the right one. */
export function rdbFile(version: number, ...parts: Buffer[]): Buffer {
  const bytes = Buffer.concat([header(version), ...parts, u8(OPCODE.end)]);
  return version < VERSION_CHECKSUM ? bytes : signed(bytes, crc64(bytes));
}

/** Bytes with a checksum behind them. */
export function signed(bytes: Uint8Array, checksum: bigint): Buffer {
  return Buffer.concat([bytes, i64(checksum)]);
}

/** A key with its value, which begins behind its type. */
export function key(type: number, name: Text, ...value: Buffer[]): Buffer {
  return Buffer.concat([u8(type), plain(name), ...value]);
}

/** A key with the value of a payload of DUMP. */
export function keyOfPayload(name: Text, payload: Uint8Array): Buffer {
  return key(payload[0]!, name, Buffer.from(payload.subarray(1, -10)));
}

export function select(database: number | bigint): Buffer {
  return Buffer.concat([u8(OPCODE.select), length(database)]);
}

export function resize(keys: number | bigint, expires: number | bigint): Buffer {
  return Buffer.concat([u8(OPCODE.resize), length(keys), length(expires)]);
}

export function aux(name: Text, value: Text): Buffer {
  return Buffer.concat([u8(OPCODE.aux), plain(name), plain(value)]);
}

export function expireMs(at: bigint | number): Buffer {
  return Buffer.concat([u8(OPCODE.expireMs), i64(BigInt(at))]);
}

/** As versions 1 and 2 have it. */
export function expireSeconds(at: number): Buffer {
  return Buffer.concat([u8(OPCODE.expire), u32(at)]);
}

export function idle(seconds: number | bigint): Buffer {
  return Buffer.concat([u8(OPCODE.idle), length(seconds)]);
}

export function frequency(counter: number): Buffer {
  return Buffer.concat([u8(OPCODE.frequency), u8(counter)]);
}

export function library(code: Text): Buffer {
  return Buffer.concat([u8(OPCODE.function), plain(code)]);
}

/** As release candidates of Redis 7.0 wrote it. */
export function oldLibrary(name: Text, code: Text, description?: Text): Buffer {
  const described = description === undefined ? [length(0)] : [length(1), plain(description)];
  return Buffer.concat([
    u8(OPCODE.functionPreGa),
    plain(name),
    plain('LUA'),
    ...described,
    plain(code),
  ]);
}

/** What Redis 8 in cluster mode writes before the keys of a slot. */
export function slotInfo(slot: number, keys: number, expires: number): Buffer {
  return Buffer.concat([u8(OPCODE.slotInfo), length(slot), length(keys), length(expires)]);
}

// --- Modules ---

const NAME_CHARS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The id of a module's type: nine characters and a version. */
export function moduleId(name: string, version = 1): bigint {
  let id = 0n;
  for (const char of name) id = (id << 6n) | BigInt(NAME_CHARS.indexOf(char));
  return (id << 10n) | BigInt(version);
}

/** One of each kind of part, and the end. */
export function moduleData(): Buffer {
  const float = Buffer.alloc(4);
  float.writeFloatLE(1.5);
  return Buffer.concat([
    length(1),
    length(5n),
    length(2),
    length(1n << 40n),
    length(3),
    float,
    length(4),
    f64(2.5),
    length(5),
    plain('text of the module'),
    length(0),
  ]);
}

/** `kind` announces the number behind it and is 2 in files that are sound. */
export function moduleAux(name: string, kind = 2, data = moduleData()): Buffer {
  return Buffer.concat([
    u8(OPCODE.moduleAux),
    length(moduleId(name)),
    length(kind),
    length(1),
    data,
  ]);
}

export const MODULE_TYPE = 7;
export const MODULE_TYPE_OLD = 6;

export function moduleKey(name: Text, module: string): Buffer {
  return key(MODULE_TYPE, name, length(moduleId(module)), moduleData());
}
