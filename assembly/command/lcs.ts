// LCS: the longest common subsequence of two strings.
//
//         b0  b1 ...            cell (i, j): length of the longest subsequence that the first i
//      0   0   0                bytes of a and the first j bytes of b have in common
//  a0  0   .   .
//  a1  0   .   .                u32 cells, row after row
//
// The table takes (|a| + 1) * (|b| + 1) * 4 bytes and as many steps; Redis limits it to
// proto-max-bulk-len. The sequence is read off backwards from the last cell; where there is a choice,
// Redis's decides, since clients see it. For LEN one row is enough, but the limit is the same.

import { CFG_PROTO_MAX_BULK } from '../abi';
import { lookupKeyQuiet, lookupKeyRead } from '../keyspace/db';
import { Entry, EntryPtr, TYPE_STRING } from '../keyspace/entry';
import { Settings } from '../keyspace/settings';
import { VIEW_SCRATCH_BYTES, viewLen, viewPtr, viewStringIn } from '../keyspace/string_value';
import { free, tryAlloc } from '../memory/alloc';
import { argI64, argI64OrReply } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import { ERR_SYNTAX, replyError } from '../resp/errors';
import {
  replyArray,
  replyArrayEnd,
  replyArrayStart,
  replyBulk,
  replyBulkText,
  replyInt,
  replyMap,
} from '../resp/writer';

const CELL_SHIFT: u32 = 2;
const ERR_NO_TABLE: string = 'ERR Insufficient memory, failed allocating transient memory for LCS';

const digitsA: usize = memory.data(24, 8);
const digitsB: usize = memory.data(24, 8);

let a: usize = 0;
let aLen: u32 = 0;
let b: usize = 0;
let bLen: u32 = 0;
let wantsLen: bool = false;
let wantsIdx: bool = false;
let withMatchLen: bool = false;
let minMatchLen: i64 = 0;

/** LCS key1 key2 [LEN] [IDX] [MINMATCHLEN length] [WITHMATCHLEN] */
export function lcsCommand(): void {
  if (!lookupStringsOrReply() || !parseOrReply()) return;
  const bytes = ((<u64>aLen + 1) * (<u64>bLen + 1)) << CELL_SHIFT;
  if (bytes > <u64>Settings.get(CFG_PROTO_MAX_BULK)) {
    replyError('ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len');
  } else if (bytes > <u64>u32.MAX_VALUE) replyError(ERR_NO_TABLE);
  else if (wantsLen) replyLength();
  else replyFromTable(<usize>bytes);
}

// --- Arguments ---

function isStringOrNone(e: EntryPtr): bool {
  return e == 0 || Entry.type(e) == TYPE_STRING;
}

function lookupStringsOrReply(): bool {
  if (VIEW_SCRATCH_BYTES > 24) ERROR('digitsA, digitsB');
  // Either lookup may delete an expired key, so that what they find is looked up again.
  const foundA = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  const fits = isStringOrNone(foundA);
  const foundB = lookupKeyRead(Arg.ptr(2), Arg.len(2), Arg.hash(2));
  if (!fits || !isStringOrNone(foundB)) {
    replyError('ERR The specified keys must contain string values');
    return false;
  }
  view(1, digitsA);
  a = viewed;
  aLen = viewedLen;
  view(2, digitsB);
  b = viewed;
  bLen = viewedLen;
  return true;
}

let viewed: usize = 0;
let viewedLen: u32 = 0;

/** The bytes of the string at argument `i`; none for a missing key. */
function view(i: u32, scratch: usize): void {
  const e = lookupKeyQuiet(Arg.ptr(i), Arg.len(i), Arg.hash(i));
  viewed = scratch;
  viewedLen = 0;
  if (e == 0) return;
  viewStringIn(e, scratch);
  viewed = viewPtr;
  viewedLen = viewLen;
}

function parseOrReply(): bool {
  wantsLen = false;
  wantsIdx = false;
  withMatchLen = false;
  minMatchLen = 0;
  for (let i: u32 = 3; i < argc; i++) {
    if (argIs(i, 'idx')) wantsIdx = true;
    else if (argIs(i, 'len')) wantsLen = true;
    else if (argIs(i, 'withmatchlen')) withMatchLen = true;
    else if (argIs(i, 'minmatchlen') && i + 1 < argc) {
      i += 1;
      if (!argI64OrReply(i)) return false;
      minMatchLen = argI64;
    } else {
      replyError(ERR_SYNTAX);
      return false;
    }
  }
  if (!wantsLen || !wantsIdx) return true;
  replyError('ERR If you want both the length and indexes, please just use IDX.');
  return false;
}

// --- Length only ---

/** One row, for the shorter string, is overwritten by the next. */
function replyLength(): void {
  const long = aLen > bLen ? a : b;
  const longLen = max(aLen, bLen);
  const short = aLen > bLen ? b : a;
  const shortLen = min(aLen, bLen);
  const rowBytes = (<usize>shortLen + 1) << CELL_SHIFT;
  const row = tryAlloc(rowBytes);
  if (row == 0) {
    replyError(ERR_NO_TABLE);
    return;
  }
  memory.fill(row, 0, rowBytes);
  for (let i: u32 = 0; i < longLen; i++) fillRow(row, row, load<u8>(long + i), short, shortLen);
  const length = load<u32>(row + ((<usize>shortLen) << CELL_SHIFT));
  free(row);
  replyInt(length);
}

/** Computes the row of one byte from the row above it, which may be the same memory. */
function fillRow(above: usize, row: usize, byte: u32, text: usize, len: u32): void {
  store<u32>(row, 0);
  let left: u32 = 0;
  let diagonal: u32 = 0;
  let cell: usize = 4;
  const end = text + len;
  for (let at = text; at < end; at++) {
    const up = load<u32>(above + cell);
    left = <u32>load<u8>(at) == byte ? diagonal + 1 : max(left, up);
    store<u32>(row + cell, left);
    diagonal = up;
    cell += 4;
  }
}

// --- The sequence or its ranges ---

function replyFromTable(bytes: usize): void {
  const table = tryAlloc(bytes);
  if (table == 0) {
    replyError(ERR_NO_TABLE);
    return;
  }
  const rowBytes = (<usize>bLen + 1) << CELL_SHIFT;
  memory.fill(table, 0, rowBytes);
  let row = table;
  for (let i: u32 = 0; i < aLen; i++) {
    fillRow(row, row + rowBytes, load<u8>(a + i), b, bLen);
    row += rowBytes;
  }
  const length = load<u32>(row + rowBytes - (1 << CELL_SHIFT));
  if (wantsIdx) replyRanges(table, rowBytes, length);
  else replySequence(table, rowBytes, length);
  free(table);
}

/** Whether the way back from cell (i, j), whose bytes differ, goes to the row above. */
function goesUp(table: usize, rowBytes: usize, i: u32, j: u32): bool {
  const cell = table + <usize>i * rowBytes + ((<usize>j) << CELL_SHIFT);
  return load<u32>(cell - rowBytes) > load<u32>(cell - (1 << CELL_SHIFT));
}

function replySequence(table: usize, rowBytes: usize, length: u32): void {
  const result = tryAlloc(max(length, 1));
  if (result == 0) {
    replyError(ERR_NO_TABLE);
    return;
  }
  let left = length;
  let i = aLen;
  let j = bLen;
  while (i > 0 && j > 0) {
    const byte = load<u8>(a + i - 1);
    if (byte == load<u8>(b + j - 1)) {
      left -= 1;
      store<u8>(result + left, byte);
      i -= 1;
      j -= 1;
    } else if (goesUp(table, rowBytes, i, j)) i -= 1;
    else j -= 1;
  }
  replyBulk(result, length);
  free(result);
}

/** Stretches of the sequence that lie together in both strings, the last one first. */
function replyRanges(table: usize, rowBytes: usize, length: u32): void {
  replyMap(2);
  replyBulkText('matches');
  const matches = replyArrayStart();
  let count: u32 = 0;
  let run: u32 = 0; // bytes of the stretch that begins at (i, j)
  let i = aLen;
  let j = bLen;
  while (i > 0 && j > 0) {
    if (load<u8>(a + i - 1) == load<u8>(b + j - 1)) {
      run += 1;
      i -= 1;
      j -= 1;
      if (i > 0 && j > 0) continue;
    } else if (run == 0) {
      if (goesUp(table, rowBytes, i, j)) i -= 1;
      else j -= 1;
      continue;
    }
    if (<i64>run >= minMatchLen) {
      replyRange(i, j, run);
      count += 1;
    }
    run = 0;
  }
  replyArrayEnd(matches, count);
  replyBulkText('len');
  replyInt(length);
}

function replyRange(aStart: u32, bStart: u32, length: u32): void {
  replyArray(withMatchLen ? 3 : 2);
  replyArray(2);
  replyInt(aStart);
  replyInt(aStart + length - 1);
  replyArray(2);
  replyInt(bStart);
  replyInt(bStart + length - 1);
  if (withMatchLen) replyInt(length);
}
