// BITFIELD and BITFIELD_RO: integers of 1 to 64 bits anywhere in a string.
//
//   bit      0   1   2   3   4   5   6   7 | 8   9  10  11  12  13  14  15 |
//                            `-- u5 at 4: highest bit first ---'
//
// Operations are read twice: the first time to check all of them and to learn how far the writes reach,
// the second time to carry them out. So nothing is done unless everything is well-formed, and no list
// is kept.

import { lookupKeyRead, lookupKeyWrite } from '../keyspace/db';
import { NOTIFY_STRING } from '../keyspace/effects';
import { Entry, EntryPtr, TYPE_STRING } from '../keyspace/entry';
import { forceCommand } from '../keyspace/propagation';
import { viewLen, viewPtr, viewString } from '../keyspace/string_value';
import { argEvent } from '../resp/arg_event';
import { argI64, argI64OrReply } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import { ERR_SYNTAX, ERR_WRONG_TYPE, replyError } from '../resp/errors';
import { replyArray, replyInt, replyNull } from '../resp/writer';
import { copySmall } from '../util/bytes';
import { parseI64, parseI64Value } from '../util/number_parse';
import { bitOffset, bitOffsetOrReply, bitsGrew, writableBitsOrReply } from './bitmap';
import { sumOverflows } from './number';

const OP_GET: u32 = 0;
const OP_SET: u32 = 1;
const OP_INCRBY: u32 = 2;

const OVERFLOW_WRAP: u32 = 0;
const OVERFLOW_SAT: u32 = 1;
const OVERFLOW_FAIL: u32 = 2;

const ASCII_I: u8 = 105;
const ASCII_U: u8 = 117;

// The operation read last.
let op: u32 = OP_GET;
let signed: bool = false;
let width: u32 = 0;
let offset: u64 = 0;
let operand: i64 = 0;
/** How operations behave from here on, by the last OVERFLOW. */
let overflow: u32 = OVERFLOW_WRAP;

/** BITFIELD key [GET type offset | [OVERFLOW mode] SET type offset value | INCRBY ...] ... */
export function bitfieldCommand(): void {
  bitfieldGeneric(false);
}

/** BITFIELD_RO key [GET type offset] ... */
export function bitfieldRoCommand(): void {
  bitfieldGeneric(true);
}

function bitfieldGeneric(readonly: bool): void {
  let count: u32 = 0;
  let writes: u32 = 0;
  let last: u64 = 0;
  overflow = OVERFLOW_WRAP;
  let i: u32 = 2;
  while (i < argc) {
    if (readOverflow(i)) {
      if (!setOverflowOrReply(i + 1)) return;
      i += 2;
      continue;
    }
    const taken = readOperationOrReply(i);
    if (taken == 0) return;
    i += taken;
    count += 1;
    if (op == OP_GET) continue;
    writes += 1;
    last = max(last, offset + width - 1);
  }
  let e: EntryPtr;
  let grew = false;
  if (writes == 0) {
    e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
    if (e != 0 && Entry.type(e) != TYPE_STRING) {
      replyError(ERR_WRONG_TYPE);
      return;
    }
  } else {
    if (readonly) {
      replyError('ERR BITFIELD_RO only supports the GET subcommand');
      return;
    }
    const found = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
    e = writableBitsOrReply(found, <i64>last);
    if (e == 0) return;
    grew = bitsGrew;
  }
  replyArray(count);
  execute(e, count, grew);
}

/** Carries out all operations, known to be well-formed, on a string (0: none) that is long enough. */
function execute(e: EntryPtr, count: u32, grew: bool): void {
  let ptr: usize = 0;
  let len: u32 = 0;
  if (e != 0) {
    viewString(e);
    ptr = viewPtr;
    len = viewLen;
  }
  let changes: u32 = 0;
  if (count == 1 && argc <= 6) {
    // The only operation, without OVERFLOW: it is the one that was read last.
    changes = executeOperation(ptr, len, grew);
  } else {
    overflow = OVERFLOW_WRAP;
    let i: u32 = 2;
    while (i < argc) {
      if (readOverflow(i)) {
        setOverflowOrReply(i + 1);
        i += 2;
        continue;
      }
      i += readOperationOrReply(i);
      changes += executeOperation(ptr, len, grew);
    }
  }
  if (changes != 0) argEvent(1, NOTIFY_STRING, 'setbit', changes);
  // As in Redis the string is longer, or there, though that counts as no change; but it is written.
  else if (grew) forceCommand();
}

/** Carries out the operation read last; returns 1 when it changed the string, which may have grown. */
function executeOperation(ptr: usize, len: u32, grew: bool): u32 {
  const old = readField(ptr, len);
  if (op == OP_GET) {
    replyInt(old);
    return 0;
  }
  const fits = signed ? computeSigned(old) : computeUnsigned(old);
  if (!fits && overflow == OVERFLOW_FAIL) {
    replyNull();
    return 0;
  }
  replyInt(op == OP_SET ? old : computed);
  writeField(ptr, computed);
  return <u32>(grew || computed != old);
}

// --- Reading operations ---

function readOverflow(i: u32): bool {
  return i + 1 < argc && argIs(i, 'overflow');
}

function setOverflowOrReply(i: u32): bool {
  if (argIs(i, 'wrap')) overflow = OVERFLOW_WRAP;
  else if (argIs(i, 'sat')) overflow = OVERFLOW_SAT;
  else if (argIs(i, 'fail')) overflow = OVERFLOW_FAIL;
  else {
    replyError('ERR Invalid OVERFLOW type specified');
    return false;
  }
  return true;
}

/** Reads the operation at argument `i`; returns how many arguments it takes, 0 after an error reply. */
function readOperationOrReply(i: u32): u32 {
  const left = argc - i - 1;
  if (left >= 2 && argIs(i, 'get')) op = OP_GET;
  else if (left >= 3 && argIs(i, 'set')) op = OP_SET;
  else if (left >= 3 && argIs(i, 'incrby')) op = OP_INCRBY;
  else {
    replyError(ERR_SYNTAX);
    return 0;
  }
  if (!readTypeOrReply(i + 1) || !bitOffsetOrReply(i + 2, width)) return 0;
  offset = bitOffset;
  if (op == OP_GET) return 3;
  if (!argI64OrReply(i + 3)) return 0;
  operand = argI64;
  return 4;
}

function readTypeOrReply(i: u32): bool {
  const ptr = Arg.ptr(i);
  const len = Arg.len(i);
  const kind: u32 = len > 1 ? load<u8>(ptr) : 0;
  signed = kind == ASCII_I;
  if ((signed || kind == ASCII_U) && parseI64(ptr + 1, len - 1)) {
    width = <u32>parseI64Value;
    if (parseI64Value >= 1 && parseI64Value <= (signed ? 64 : 63)) return true;
  }
  replyError(
    'ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.',
  );
  return false;
}

// --- Fields ---

/** The bytes around a field, 9 at most, followed by zeros. */
const window: usize = memory.data(16, 8);

/** Copies the bytes of the field into the window; returns how many bytes there are to write back. */
function openWindow(ptr: usize, len: u32): u32 {
  const first = offset >> 3;
  const bytes = ((<u32>offset & 7) + width + 7) >> 3;
  const there = first >= <u64>len ? 0 : <u32>min<u64>(<u64>len - first, bytes);
  store<u64>(window, 0);
  store<u64>(window, 0, 8);
  copySmall(window, ptr + <usize>first, there);
  return bytes;
}

/** The value of the field; bits beyond the end of the string are 0. */
function readField(ptr: usize, len: u32): i64 {
  openWindow(ptr, len);
  const shift = offset & 7;
  // The 64 bits from the start of the field on: the first 8 bytes, and if it starts within a byte, the
  // bits of the ninth that complete them.
  let bits = bswap(load<u64>(window)) << shift;
  bits |= ((<u64>load<u8>(window, 8)) << shift) >> 8;
  const unused = <u64>(64 - width);
  return signed ? <i64>bits >> <i64>unused : <i64>(bits >> unused);
}

/** Writes the lowest bits of `value` into the field, which lies within the string. */
function writeField(ptr: usize, value: i64): void {
  const bytes = openWindow(ptr, u32.MAX_VALUE);
  const shift = offset & 7;
  const mask = u64.MAX_VALUE << (<u64>(64 - width));
  const bits = (<u64>value) << (<u64>(64 - width));
  const high = (bswap(load<u64>(window)) & ~(mask >> shift)) | (bits >> shift);
  store<u64>(window, bswap(high));
  if (bytes > 8) {
    // What was shifted out of the first 8 bytes goes to the top of the ninth.
    const spill = <u32>(8 - shift);
    const low = (<u32>load<u8>(window, 8) & ~((<u32>mask) << spill)) | ((<u32>bits) << spill);
    store<u8>(window, <u8>low, 8);
  }
  copySmall(ptr + <usize>(offset >> 3), window, bytes);
}

// --- Results ---

/** What SET or INCRBY makes of the field, brought into range as OVERFLOW says. */
let computed: i64 = 0;

/** Computes the new value of an unsigned field. False when it had to be brought into range. */
function computeUnsigned(old: i64): bool {
  const highest = <i64>(u64.MAX_VALUE >> <u64>(64 - width));
  if (op == OP_SET) {
    // A negative value counts as a large one.
    const above = <u64>operand > <u64>highest;
    computed = above && overflow == OVERFLOW_SAT ? highest : operand & highest;
    return !above;
  }
  const above = operand > 0 && operand > highest - old;
  const below = operand < 0 && operand < -old;
  computed = (old + operand) & highest;
  if (overflow == OVERFLOW_SAT && (above || below)) computed = above ? highest : 0;
  return !above && !below;
}

/** Computes the new value of a signed field. False when it had to be brought into range. */
function computeSigned(old: i64): bool {
  const unused = <i64>(64 - width);
  const highest = i64.MAX_VALUE >> unused;
  const lowest = ~highest;
  let value = operand;
  // The difference wraps for the lowest values, which Redis therefore takes for too high ones.
  let above = width < 64 && highest - value < 0;
  let below = !above && value < lowest;
  if (op == OP_INCRBY) {
    value = old + operand;
    // Wrapped sums of 64 bits show in their sign; for narrower fields the differences are exact.
    const wraps = width == 64 && sumOverflows(old, operand, value);
    above = width == 64 ? wraps && operand > 0 : operand > highest - old;
    below = width == 64 ? wraps && operand < 0 : operand < lowest - old;
  }
  computed = (value << unused) >> unused;
  if (overflow == OVERFLOW_SAT && (above || below)) computed = above ? highest : lowest;
  return !above && !below;
}
