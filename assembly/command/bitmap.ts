// Single bits and counts: SETBIT, GETBIT, BITCOUNT, BITPOS.
//
// A bitmap is a string; bit 0 is the highest bit of its first byte. Writing beyond the end extends the
// string with zero bytes, reading there finds zeros.

import { CFG_PROTO_MAX_BULK } from '../abi';
import { lookupKeyRead, lookupKeyWrite } from '../keyspace/db';
import { NOTIFY_STRING } from '../keyspace/effects';
import { ENCODING_INT, ENCODING_RAW, Entry, EntryPtr, TYPE_STRING } from '../keyspace/entry';
import { Settings } from '../keyspace/settings';
import { stringValueLen, viewLen, viewPtr, viewString } from '../keyspace/string_value';
import { argEvent } from '../resp/arg_event';
import { argI64, argI64OrReply, argI64OrText } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import { mustObeyClient } from '../resp/connection';
import { ERR_SYNTAX, ERR_WRONG_TYPE, replyError } from '../resp/errors';
import { replyInt } from '../resp/writer';
import { findBit, popcountBits, popcountBytes } from '../util/bits';
import { parseI64, parseI64Value } from '../util/number_parse';
import { growOrReply } from './string_range';

const ERR_BIT: string = 'ERR bit is not an integer or out of range';
const ASCII_HASH: u8 = 35;

/** The offset in bits that `bitOffsetOrReply` read. */
export let bitOffset: i64 = 0;

/**
 * Reads argument `i` as an offset in bits into `bitOffset`. With `width` above 0 it may also be
 * written as "#n", n fields of `width` bits. False after replying that it is no valid offset.
 */
export function bitOffsetOrReply(i: u32, width: u32): bool {
  const ptr = Arg.ptr(i);
  const len = Arg.len(i);
  const fields = width > 0 && len > 0 && load<u8>(ptr) == ASCII_HASH;
  const valid = parseI64(ptr + <usize>fields, len - <u32>fields);
  // The product wraps beyond 64 bits, as in Redis.
  bitOffset = fields ? parseI64Value * <i64>width : parseI64Value;
  const limit = Settings.get(CFG_PROTO_MAX_BULK);
  if (valid && bitOffset >= 0 && (bitOffset >> 3 < limit || mustObeyClient())) return true;
  replyError('ERR bit offset is not an integer or out of range');
  return false;
}

/** Whether growing for a write of bits changed the length of the string. */
export let bitsGrew: bool = false;

/**
 * The string at argument 1, raw and long enough for bit `last`; created or extended with zeros if need
 * be, which `bitsGrew` tells. `e` is what the last lookup found there. 0 after an error reply.
 */
export function writableBitsOrReply(e: EntryPtr, last: i64): EntryPtr {
  bitsGrew = false;
  if (e != 0 && Entry.type(e) != TYPE_STRING) {
    replyError(ERR_WRONG_TYPE);
    return 0;
  }
  const wanted = (<u64>last >> 3) + 1;
  const isText = e != 0 && Entry.encoding(e) != ENCODING_INT;
  if (isText && wanted <= <u64>Entry.stringLen(e)) {
    Entry.setTypeEncoding(e, TYPE_STRING, ENCODING_RAW);
    return e;
  }
  const old: u32 = e == 0 ? 0 : stringValueLen(e);
  const length = max<u64>(wanted, old);
  const grown = growOrReply(e, length);
  if (grown == 0 || length == old) return grown;
  memory.fill(Entry.stringPtr(grown) + old, 0, <usize>length - old);
  bitsGrew = true;
  return grown;
}

/** SETBIT key offset bit */
export function setbitCommand(): void {
  if (!bitOffsetOrReply(2, 0)) return;
  if (!argI64OrText(3, ERR_BIT)) return;
  const bit = <u32>argI64;
  if (<u64>argI64 > 1) {
    replyError(ERR_BIT);
    return;
  }
  const found = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  const e = writableBitsOrReply(found, bitOffset);
  if (e == 0) return;
  const at = Entry.stringPtr(e) + <usize>(bitOffset >> 3);
  const shift = 7 - (<u32>bitOffset & 7);
  const byte: u32 = load<u8>(at);
  const old = (byte >> shift) & 1;
  if (old != bit || bitsGrew) {
    store<u8>(at, <u8>((byte & ~(1 << shift)) | (bit << shift)));
    argEvent(1, NOTIFY_STRING, 'setbit', 1);
  }
  replyInt(old);
}

/** GETBIT key offset */
export function getbitCommand(): void {
  if (!bitOffsetOrReply(2, 0)) return;
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e != 0 && Entry.type(e) != TYPE_STRING) {
    replyError(ERR_WRONG_TYPE);
    return;
  }
  let bit: u32 = 0;
  if (e != 0) {
    viewString(e);
    const index = bitOffset >> 3;
    if (index < <i64>viewLen) {
      bit = (<u32>load<u8>(viewPtr + <usize>index) >> (7 - (<u32>bitOffset & 7))) & 1;
    }
  }
  replyInt(bit);
}

// --- Ranges ---

let rangeFirst: i64 = 0;
let rangeLast: i64 = 0;
/** Whether the range counts bits; bytes otherwise. */
let rangeOfBits: bool = false;

/** Reads argument `i` as the unit of a range. False after replying with a syntax error. */
function rangeUnitOrReply(i: u32): bool {
  rangeOfBits = argIs(i, 'bit');
  if (rangeOfBits || argIs(i, 'byte')) return true;
  replyError(ERR_SYNTAX);
  return false;
}

/**
 * Counts negative ends of the range from the end of the string that is viewed, clips it to the string,
 * and turns it into a range of bits. False when it is empty.
 */
function clipRange(): bool {
  const total = rangeOfBits ? (<i64>viewLen) << 3 : <i64>viewLen;
  if (rangeFirst < 0) rangeFirst = max<i64>(rangeFirst + total, 0);
  if (rangeLast < 0) rangeLast = max<i64>(rangeLast + total, 0);
  rangeLast = min(rangeLast, total - 1);
  if (rangeFirst > rangeLast) return false;
  if (!rangeOfBits) {
    rangeFirst <<= 3;
    rangeLast = (rangeLast << 3) + 7;
  }
  return true;
}

/** BITCOUNT key [start end [BYTE | BIT]] */
export function bitcountCommand(): void {
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  // A missing key hides errors in the arguments, as in Redis.
  if (e == 0) {
    replyInt(0);
    return;
  }
  if (Entry.type(e) != TYPE_STRING) {
    replyError(ERR_WRONG_TYPE);
    return;
  }
  if (argc == 2) {
    viewString(e);
    replyInt(popcountBytes(viewPtr, viewLen));
    return;
  }
  if (argc != 4 && argc != 5) {
    replyError(ERR_SYNTAX);
    return;
  }
  if (!argI64OrReply(2)) return;
  rangeFirst = argI64;
  if (!argI64OrReply(3)) return;
  rangeLast = argI64;
  rangeOfBits = false;
  // Nor is the unit looked at when the range is upside down.
  const empty = rangeFirst < 0 && rangeLast < 0 && rangeFirst > rangeLast;
  if (!empty && argc == 5 && !rangeUnitOrReply(4)) return;
  viewString(e);
  if (empty || !clipRange()) replyInt(0);
  else replyInt(popcountBits(viewPtr, rangeFirst, rangeLast));
}

/** BITPOS key bit [start [end [BYTE | BIT]]] */
export function bitposCommand(): void {
  if (!argI64OrReply(2)) return;
  const bit = argI64;
  if (<u64>bit > 1) {
    replyError('ERR The bit argument must be 1 or 0.');
    return;
  }
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) {
    replyInt(bit == 1 ? -1 : 0);
    return;
  }
  if (Entry.type(e) != TYPE_STRING) {
    replyError(ERR_WRONG_TYPE);
    return;
  }
  if (!readBitposRangeOrReply()) return;
  viewString(e);
  if (!clipRange()) {
    replyInt(-1);
    return;
  }
  const found = findBit(viewPtr, rangeFirst, rangeLast, bit == 1);
  // A string without end given counts as followed by zeros.
  if (found < 0 && bit == 0 && argc < 5) replyInt((<i64>viewLen) << 3);
  else replyInt(found);
}

function readBitposRangeOrReply(): bool {
  if (argc > 6) {
    replyError(ERR_SYNTAX);
    return false;
  }
  rangeFirst = 0;
  rangeLast = -1;
  rangeOfBits = false;
  if (argc > 3) {
    if (!argI64OrReply(3)) return false;
    rangeFirst = argI64;
  }
  if (argc > 5 && !rangeUnitOrReply(5)) return false;
  if (argc > 4) {
    if (!argI64OrReply(4)) return false;
    rangeLast = argI64;
  }
  return true;
}
