// Looking into HyperLogLogs: PFDEBUG, and PFSELFTEST.

import { lookupKeyWrite } from '../keyspace/db';
import { keyModified } from '../keyspace/effects';
import { EntryPtr } from '../keyspace/entry';
import { hllLen, hllPtr, tryHllDense } from '../keyspace/hll_value';
import { free, tryAlloc } from '../memory/alloc';
import { Arg, argIs } from '../resp/args';
import { ERR_OOM_LIMIT, errorBytes, errorEnd, errorStart, replyError } from '../resp/errors';
import {
  outputLen,
  outputLost,
  outputRewind,
  replyArray,
  replyCrlf,
  replyDigits,
  replyHeadFirst,
  replyInt,
  replyOk,
  replySimple,
  replyText,
} from '../resp/writer';
import {
  HLL_CHANGED,
  HLL_CORRUPT,
  HLL_DENSE_BYTES,
  HLL_EMPTY_BYTES,
  HLL_PROMOTE,
  HLL_REGISTERS,
  HLL_SPARSE,
  HllPtr,
  hllAdd,
  hllBytes,
  hllCardinality,
  hllCount,
  hllDenseGet,
  hllDenseSet,
  hllEncoding,
  hllFirstRun,
  hllInit,
  hllReadRun,
  hllRunLength,
  hllRunValue,
  hllToDense,
} from '../struct/hyperloglog';
import { randomU64 } from '../util/prng';
import { ERR_CORRUPT, isHllOrReply, sparseMaxBytes } from './hyperloglog';

/** PFDEBUG GETREG | DECODE | ENCODING | TODENSE key */
export function pfdebugCommand(): void {
  const e = lookupKeyWrite(Arg.ptr(2), Arg.len(2), Arg.hash(2));
  if (e == 0) {
    replyError('ERR The specified key does not exist');
    return;
  }
  if (!isHllOrReply(e, true)) return;
  if (argIs(1, 'getreg')) {
    if (makeDenseOrReply(e) != HLL_CORRUPT) replyRegisters();
  } else if (argIs(1, 'decode')) {
    if (hllEncoding(hllPtr) == HLL_SPARSE) replyRuns();
    else replyError('ERR HLL encoding is not sparse');
  } else if (argIs(1, 'encoding')) {
    replySimple(hllEncoding(hllPtr) == HLL_SPARSE ? 'sparse' : 'dense');
  } else if (argIs(1, 'todense')) {
    const made = makeDenseOrReply(e);
    if (made != HLL_CORRUPT) replyInt(made == HLL_CHANGED ? 1 : 0);
  } else {
    const start = errorStart();
    replyText("ERR Unknown PFDEBUG subcommand '");
    errorBytes(Arg.ptr(1), Arg.len(1));
    replyText("'");
    errorEnd(start);
  }
}

/** HLL_CHANGED or HLL_UNCHANGED; HLL_CORRUPT after an error reply of whatever kind. */
function makeDenseOrReply(e: EntryPtr): u32 {
  const made = tryHllDense(e);
  if (made == HLL_CHANGED) keyModified(1);
  if (made <= HLL_CHANGED) return made;
  replyError(made == HLL_CORRUPT ? ERR_CORRUPT : ERR_OOM_LIMIT);
  return HLL_CORRUPT;
}

function replyRegisters(): void {
  replyArray(HLL_REGISTERS);
  for (let i: u32 = 0; i < HLL_REGISTERS; i++) replyInt(hllDenseGet(hllPtr, i));
}

const FIRST_TWO_BYTE_RUN: u32 = 0x40;
const RUN_LENGTH_MASK: u32 = 0x3f;

/**
 * Replies with the runs as text: z:64 and Z:16384 for registers of zero, by the form that the run has,
 * v:3,2 for two registers of 3.
 */
function replyRuns(): void {
  const body = outputLen();
  const end = hllPtr + hllLen;
  let p = hllFirstRun(hllPtr);
  while (p < end && !outputLost) {
    const first: u32 = load<u8>(p);
    const next = hllReadRun(p, end);
    // A run that the end of the string cuts off is shown as if a zero followed.
    const length = next != 0 ? hllRunLength : ((first & RUN_LENGTH_MASK) << 8) + 1;
    replyText(hllRunValue != 0 ? 'v:' : first < FIRST_TWO_BYTE_RUN ? 'z:' : 'Z:');
    if (hllRunValue != 0) {
      replyDigits(hllRunValue);
      replyText(',');
    }
    replyDigits(length);
    replyText(' ');
    p = next != 0 ? next : end;
  }
  if (outputLost) return;
  if (outputLen() > body) outputRewind(outputLen() - 1);
  const head = outputLen();
  replyText('$');
  replyDigits(head - body);
  replyCrlf();
  replyHeadFirst(body, head);
  replyCrlf();
}

// --- PFSELFTEST ---

const REGISTER_ROUNDS: u32 = 100;
const REGISTER_MAX: u32 = 63;
const ELEMENTS: u64 = 1000000;
/** Six times the standard error, 1.04 / sqrt(HLL_REGISTERS). */
const ERROR_MAX: f64 = 0.04875;
/** Large enough for a HyperLogLog and for one byte per register. */
const BUFFER_BYTES: u32 = 16384;

let denseOne: HllPtr = 0;
/** Sparse as long as it may be. */
let smallOne: HllPtr = 0;
let smallBytes: u32 = 0;
let spareBuffer: usize = 0;

/** PFSELFTEST */
export function pfselftestCommand(): void {
  const buffers = tryAlloc(<usize>BUFFER_BYTES * 3);
  if (buffers == 0) {
    replyError(ERR_OOM_LIMIT);
    return;
  }
  denseOne = buffers;
  smallOne = buffers + BUFFER_BYTES;
  spareBuffer = smallOne + BUFFER_BYTES;
  if (areRegistersGoodOrReply() && areCountsGoodOrReply()) replyOk();
  free(buffers);
}

function clearBoth(): void {
  hllInit(smallOne);
  smallBytes = HLL_EMPTY_BYTES;
  hllToDense(smallOne, smallBytes, denseOne);
}

/** Whether dense registers keep what they are set to, whatever their neighbours hold. */
function areRegistersGoodOrReply(): bool {
  for (let round: u32 = 0; round < REGISTER_ROUNDS; round++) {
    clearBoth();
    for (let i: u32 = 0; i < HLL_REGISTERS; i++) {
      const value = <u32>randomU64() & REGISTER_MAX;
      store<u8>(spareBuffer + i, value);
      hllDenseSet(denseOne, i, value);
    }
    for (let i: u32 = 0; i < HLL_REGISTERS; i++) {
      const expected: u32 = load<u8>(spareBuffer + i);
      const value = hllDenseGet(denseOne, i);
      if (value == expected) continue;
      const start = errorStart();
      replyText('ERR TESTFAILED Register ');
      replyDigits(i);
      replyText(' should be ');
      replyDigits(expected);
      replyText(' but is ');
      replyDigits(value);
      errorEnd(start);
      return false;
    }
  }
  return true;
}

/** Whether estimates of 1, 10, 100 ... elements are good, and the same in both forms. */
function areCountsGoodOrReply(): bool {
  clearBoth();
  const most = min(sparseMaxBytes(), BUFFER_BYTES);
  const seed = randomU64();
  let checkpoint: u64 = 1;
  for (let i: u64 = 1; i <= ELEMENTS; i++) {
    store<u64>(spareBuffer, i ^ seed);
    hllAdd(denseOne, HLL_DENSE_BYTES, HLL_DENSE_BYTES, spareBuffer, 8, most);
    addSmall(most);
    if (i != checkpoint) continue;
    if (i < <u64>most / 2 && hllEncoding(smallOne) != HLL_SPARSE) {
      replyError('ERR TESTFAILED sparse encoding not used');
      return false;
    }
    if (!isCountGoodOrReply(checkpoint)) return false;
    checkpoint *= 10;
  }
  return true;
}

/** Adds what `spareBuffer` holds to the small one. */
function addSmall(most: u32): void {
  const element = load<u64>(spareBuffer);
  if (hllAdd(smallOne, smallBytes, BUFFER_BYTES, spareBuffer, 8, most) == HLL_PROMOTE) {
    hllToDense(smallOne, smallBytes, spareBuffer);
    memory.copy(smallOne, spareBuffer, HLL_DENSE_BYTES);
    store<u64>(spareBuffer, element);
    hllAdd(smallOne, HLL_DENSE_BYTES, BUFFER_BYTES, spareBuffer, 8, most);
  }
  smallBytes = hllBytes;
}

function isCountGoodOrReply(elements: u64): bool {
  hllCount(smallOne, smallBytes);
  const small = hllCardinality;
  hllCount(denseOne, HLL_DENSE_BYTES);
  if (small != hllCardinality) {
    replyError('ERR TESTFAILED dense/sparse disagree');
    return false;
  }
  const error = abs(<f64>elements - <f64>hllCardinality);
  // Of ten elements two may share a register by chance.
  if (error <= (elements == 10 ? 1 : ceil(ERROR_MAX * <f64>elements))) return true;
  const start = errorStart();
  replyText('ERR TESTFAILED Too big error. card:');
  replyDigits(elements);
  replyText(' abserr:');
  replyDigits(<i64>error);
  errorEnd(start);
  return false;
}
