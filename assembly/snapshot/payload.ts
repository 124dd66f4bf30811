// The payload of DUMP and RESTORE: a value with what tells that it is whole.
//
//   | RDB type u8 | value | RDB version u16 | CRC-64 of all before it u64 |
//
// The version is the lowest whose readers know the type, so that payloads move to older servers where
// that is possible.

import { CFG_RDB_COMPRESSION, CFG_SKIP_CHECKSUM } from '../abi';
import { EntryPtr } from '../keyspace/entry';
import { Settings } from '../keyspace/settings';
import { crc64 } from '../util/crc64';
import { DECODE_CORRUPT, decodeReason, decodeStart, decodeStep } from './decode';
import { Decoder } from './decoder';
import { ENCODE_DONE, encodeStart, encodeStep, rdbTypeOf, rdbVersionOf } from './encode';
import { ENCODER_BYTES, Encoder, encodeEnd } from './encoder';
import { RDB_VERSION_MAX } from './format';
import {
  COMPRESS_ANY,
  outputFree,
  outputInit,
  RdbOutput,
  writeByte,
  writeI64,
  writeU16,
} from './rdb_output';

const FOOTER_BYTES: u32 = 10;
const CHECKSUM_BYTES: u32 = 8;
/** A value whose size is only counted is written in pieces of this size. */
const PIECE_BYTES: usize = 65536;

const encoder: Encoder = changetype<Encoder>(memory.data(ENCODER_BYTES, 8));

function compressMax(compress: bool): u32 {
  return compress ? COMPRESS_ANY : 0;
}

/**
 * Writes the payload of an entry's value to an output, which the caller frees with `outputFree`.
 * False when memory is exhausted; then there is nothing to free.
 */
export function tryDump(e: EntryPtr, out: RdbOutput): bool {
  outputInit(out, compressMax(Settings.on(CFG_RDB_COMPRESSION)));
  const rdbType = rdbTypeOf(e);
  writeByte(out, rdbType);
  encodeStart(encoder, e);
  const came = encodeStep(encoder, out, usize.MAX_VALUE);
  writeU16(out, rdbVersionOf(rdbType));
  if (!out.lost) writeI64(out, crc64(0, out.base, out.used));
  if (came == ENCODE_DONE && !out.lost) return true;
  encodeEnd(encoder);
  outputFree(out);
  return false;
}

/** Whether bytes end as a payload does whose version is known and whose checksum is right. */
export function isPayload(ptr: usize, len: u32): bool {
  if (len < FOOTER_BYTES) return false;
  if (<u32>load<u16>(ptr + len - FOOTER_BYTES) > RDB_VERSION_MAX) return false;
  if (Settings.on(CFG_SKIP_CHECKSUM)) return true;
  const summed: usize = len - CHECKSUM_BYTES;
  return crc64(0, ptr, summed) == load<u64>(ptr + summed);
}

/** What was wrong with the last payload that was refused, as ABI_PAYLOAD_FAULT has it; 0 for nothing. */
export let payloadFault: u32 = 0;

/** The host has heard of it. */
export function forgetPayloadFault(): void {
  payloadFault = 0;
}

/** Reads the value of such a payload. Returns DECODE_*, never DECODE_MORE. */
export function decodePayload(d: Decoder, ptr: usize, len: u32): u32 {
  const bytes: usize = len - FOOTER_BYTES;
  if (bytes == 0) return DECODE_CORRUPT;
  decodeStart(d, load<u8>(ptr));
  const came = decodeStep(d, ptr + 1, bytes - 1, true);
  if (came == DECODE_CORRUPT) payloadFault = decodeReason(d) | (d.rdbType << 16);
  return came;
}

/** Bytes of an entry's value in an RDB file, its type not included; 0 when memory is exhausted. */
export function serializedBytes(e: EntryPtr, compress: bool): f64 {
  outputInit(counted, compressMax(compress));
  encodeStart(encoder, e);
  let bytes: f64 = 0;
  let came: u32;
  do {
    counted.used = 0;
    came = encodeStep(encoder, counted, PIECE_BYTES);
    bytes += <f64>counted.used;
  } while (came != ENCODE_DONE && !counted.lost);
  const lost = counted.lost;
  encodeEnd(encoder);
  outputFree(counted);
  return lost ? 0 : bytes;
}

const counted: RdbOutput = changetype<RdbOutput>(memory.data(24, 8));
