// Resumable RESP parser: turns bytes into argument records, in place.
//
//   *3\r\n $3\r\n SET\r\n $3\r\n key\r\n $5\r\n value\r\n      or an inline line:  SET key value\n
//
// A complete command costs no copy: its argument records point into the buffer it was read into. When
// a command is cut off, the records so far are saved with the connection as offsets from the
// command's start, the bytes are moved to its query buffer, and parsing goes on behind them with the
// next input, so that a command of any number of arguments is read in linear time.
//
// Limits are Redis's: PROTO_INLINE_MAX_BYTES for an inline line and for a length line, 2^31-1
// arguments, proto-max-bulk-len for an argument, and far less before authentication. Every size is
// held in 64 bits until it has passed its limit.
//
// Inline lines are unquoted into an arena of their own, since unquoting changes bytes that may have
// to be parsed again.

import { ARG_BYTES, CFG_PROTO_MAX_BULK, CLIENT_AUTHENTICATED } from '../abi';
import { Settings } from '../keyspace/settings';
import { alloc, tryAlloc, tryRealloc, usableSize } from '../memory/alloc';
import { findByte } from '../util/bytes';
import { parseI64, parseI64Value } from '../util/number_parse';
import { setArgRecord } from './args';
import { Conn, resetParse } from './connection';

const PROTO_INLINE_MAX_BYTES: u32 = 65536;
const MAX_ARGS: i64 = 2147483647;
const UNAUTHENTICATED_MAX_ARGS: i64 = 10;
const UNAUTHENTICATED_MAX_BULK: i64 = 16384;
const ARENA_BYTES: u32 = 131072;
const POOL_ARGS: u32 = 4096;

export const PARSE_COMPLETE: i32 = 1;
export const PARSE_MORE: i32 = 0;
export const PARSE_ERROR: i32 = -1;
/** An empty command (`*0`, an empty line): consumed, nothing to run. */
export const PARSE_EMPTY: i32 = 2;
/** No room for it in this round: run what is parsed so far, then come back. */
export const PARSE_LATER: i32 = 3;
/** Memory for the command's arguments ran out. */
export const PARSE_NO_MEMORY: i32 = 4;

/** Text of the protocol error found last, without "ERR Protocol error: ". */
export let parseErrorText: string = '';
/** The byte found instead of '$', 0 when the error is another one. */
export let parseErrorByte: u32 = 0;
/** Arguments of the command parsed last. */
export let parsedArgc: u32 = 0;
export let parsedArgv: usize = 0;
/** Behind the command parsed last. */
export let parsedEnd: usize = 0;

let pool: usize = 0; // argument records of the commands parsed ahead
let poolArgs: u32 = 0; // capacity
let poolUsed: u32 = 0;
let arena: usize = 0;
let arenaUsed: u32 = 0;

export function parserInit(): void {
  pool = alloc(<usize>POOL_ARGS * ARG_BYTES);
  poolArgs = POOL_ARGS;
  arena = alloc(ARENA_BYTES);
}

/** Forgets the records of commands that have been executed. */
export function parserReset(): void {
  poolUsed = 0;
  arenaUsed = 0;
  if (poolArgs > POOL_ARGS << 4) {
    // One huge command is no reason to keep its records' memory.
    const small = tryRealloc(pool, <usize>POOL_ARGS * ARG_BYTES);
    if (small != 0) {
      pool = small;
      poolArgs = POOL_ARGS;
    }
  }
}

function fail(text: string): i32 {
  parseErrorText = text;
  parseErrorByte = 0;
  return PARSE_ERROR;
}

/** Room for `more` records behind the `have` of the command being parsed, which are the pool's last. */
function tryPoolReserve(have: u32, more: u32): bool {
  if (<u64>poolUsed + have + more <= <u64>poolArgs) return true;
  // Records of commands parsed ahead are in use by address: only a lone command may move the pool.
  if (poolUsed != 0) return false;
  const wanted = (<u64>have + more) * 2 * ARG_BYTES;
  if (wanted > 0xfff00000) return false;
  const wider = tryRealloc(pool, <usize>wanted);
  if (wider == 0) return false;
  pool = wider;
  poolArgs = <u32>(usableSize(wider) / ARG_BYTES);
  return true;
}

class Pool {
  @inline static at(i: u32): usize {
    return pool + <usize>(poolUsed + i) * ARG_BYTES;
  }
}

/** Parses `\r\n`-terminated digits at `from`; result in `lineValue`, end in `lineEnd`. */
let lineValue: i64 = 0;
let lineEnd: usize = 0;
const LINE_OK: i32 = 1;
const LINE_MORE: i32 = 0;
const LINE_BAD: i32 = -1;
const LINE_LONG: i32 = -2;

function parseLengthLine(from: usize, end: usize): i32 {
  // One to three digits and CRLF cover nearly every length line.
  if (from + 3 <= end) {
    const d0: u32 = <u32>load<u8>(from) - 48;
    if (d0 < 10) {
      if (load<u16>(from, 1) == 0x0a0d) {
        lineValue = d0;
        lineEnd = from + 3;
        return LINE_OK;
      }
      const d1: u32 = <u32>load<u8>(from, 1) - 48;
      if (d0 != 0 && d1 < 10 && from + 4 <= end && load<u16>(from, 2) == 0x0a0d) {
        lineValue = d0 * 10 + d1;
        lineEnd = from + 4;
        return LINE_OK;
      }
    }
  }
  const stop = findByte(from, min(end, from + PROTO_INLINE_MAX_BYTES), 13);
  if (stop == 0) return end - from >= PROTO_INLINE_MAX_BYTES ? LINE_LONG : LINE_MORE;
  if (stop + 2 > end) return LINE_MORE;
  lineEnd = stop + 2;
  if (!parseI64(from, stop - from)) return LINE_BAD;
  lineValue = parseI64Value;
  return LINE_OK;
}

/**
 * Parses the command at `start`, of which `c` may already hold a part. On PARSE_COMPLETE the records
 * are at `parsedArgv`; on PARSE_MORE the connection remembers how far it came, and the caller must
 * move the bytes from `start` on to the front of its query buffer.
 */
export function parseCommand(c: Conn, start: usize, end: usize): i32 {
  let at = start + c.parsePos;
  if (c.multibulkLeft == 0) {
    if (load<u8>(start) != 42) return parseInline(start, end);
    const line = parseLengthLine(start + 1, end);
    if (line == LINE_MORE) return PARSE_MORE;
    if (line == LINE_LONG) return fail('too big mbulk count string');
    if (line == LINE_BAD || lineValue > MAX_ARGS) return fail('invalid multibulk length');
    if (lineValue > UNAUTHENTICATED_MAX_ARGS && (c.flags & CLIENT_AUTHENTICATED) == 0) {
      return fail('unauthenticated multibulk length');
    }
    at = lineEnd;
    if (lineValue <= 0) {
      parsedEnd = at;
      return PARSE_EMPTY;
    }
    c.multibulkLeft = <i32>lineValue;
    c.argc = 0;
    c.bulkLen = -1;
    c.argvBytes = 0;
  } else if (c.argc > 0) {
    assert(poolUsed == 0);
    if (!restoreArgs(c, start)) return PARSE_NO_MEMORY;
  }
  return parseBulks(c, start, at, end);
}

/** Turns the saved offsets of an unfinished command back into records. */
function restoreArgs(c: Conn, start: usize): bool {
  if (!tryPoolReserve(0, c.argc)) return false;
  for (let i: u32 = 0; i < c.argc; i++) {
    const saved = c.argv + ((<usize>i) << 3);
    setArgRecord(Pool.at(i), start + load<u32>(saved), load<u32>(saved, 4));
  }
  return true;
}

function parseBulks(c: Conn, start: usize, from: usize, end: usize): i32 {
  let at = from;
  let argc = c.argc;
  let left = c.multibulkLeft;
  let bulk: i64 = c.bulkLen;
  const first = argc;
  while (left > 0) {
    if (bulk < 0) {
      if (at >= end) return suspend(c, start, at, first, argc, left, -1);
      if (load<u8>(at) != 36) {
        parseErrorText = '';
        parseErrorByte = load<u8>(at);
        return PARSE_ERROR;
      }
      const line = parseLengthLine(at + 1, end);
      if (line == LINE_MORE) return suspend(c, start, at, first, argc, left, -1);
      if (line == LINE_LONG) return fail('too big bulk count string');
      if (line == LINE_BAD || lineValue < 0 || lineValue > Settings.get(CFG_PROTO_MAX_BULK)) {
        return fail('invalid bulk length');
      }
      if (lineValue > UNAUTHENTICATED_MAX_BULK && (c.flags & CLIENT_AUTHENTICATED) == 0) {
        return fail('unauthenticated bulk length');
      }
      if (lineValue > 0x7fffffff) return fail('invalid bulk length');
      bulk = lineValue;
      at = lineEnd;
    }
    if (<i64>(end - at) < bulk + 2) return suspend(c, start, at, first, argc, left, bulk);
    if (poolUsed + argc >= poolArgs && !tryPoolReserve(argc, 1)) {
      if (poolUsed == 0) return PARSE_NO_MEMORY;
      // Begin this command again when the pool is free. It is not a resumed one: those come first
      // in their round, when the pool is empty.
      assert(first == 0);
      resetParse(c);
      return PARSE_LATER;
    }
    setArgRecord(Pool.at(argc), at, <u32>bulk);
    argc += 1;
    c.argvBytes += <u32>bulk;
    at += <usize>bulk + 2;
    bulk = -1;
    left -= 1;
  }
  parsedArgc = argc;
  parsedArgv = Pool.at(0);
  parsedEnd = at;
  poolUsed += argc;
  c.multibulkLeft = 0;
  c.argc = 0;
  c.parsePos = 0;
  c.bulkLen = -1;
  return PARSE_COMPLETE;
}

/** Saves an unfinished command's progress; records before `first` are saved already. */
function suspend(
  c: Conn,
  start: usize,
  at: usize,
  first: u32,
  argc: u32,
  left: i32,
  bulk: i64,
): i32 {
  if (argc > c.argvCap) {
    const wanted = (<usize>max(argc, min(argc << 1, 1 << 28))) << 3;
    const wider = c.argv == 0 ? tryAlloc(wanted) : tryRealloc(c.argv, wanted);
    if (wider == 0) return PARSE_NO_MEMORY;
    c.argv = wider;
    c.argvCap = <u32>(usableSize(wider) >> 3);
  }
  for (let i = first; i < argc; i++) {
    const saved = c.argv + ((<usize>i) << 3);
    store<u32>(saved, load<u32>(Pool.at(i)) - <u32>start);
    store<u32>(saved, load<u32>(Pool.at(i), 4), 4);
  }
  c.argc = argc;
  c.multibulkLeft = left;
  c.bulkLen = <i32>bulk;
  c.parsePos = <u32>(at - start);
  return PARSE_MORE;
}

// --- Inline commands ---

function isSpaceByte(byte: u32): bool {
  return byte == 32 || byte - 9 < 5;
}

function hexDigit(byte: u32): i32 {
  if (byte - 48 < 10) return byte - 48;
  const lower = byte | 32;
  return lower - 97 < 6 ? lower - 87 : -1;
}

function escapedByte(byte: u32): u32 {
  switch (byte) {
    case 110:
      return 10;
    case 114:
      return 13;
    case 116:
      return 9;
    case 98:
      return 8;
    case 97:
      return 7;
    default:
      return byte;
  }
}

function parseInline(start: usize, end: usize): i32 {
  const newline = findByte(start, end, 10);
  if (newline == 0) {
    return end - start > PROTO_INLINE_MAX_BYTES ? fail('too big inline request') : PARSE_MORE;
  }
  const length = <u32>(newline - start);
  if (length > PROTO_INLINE_MAX_BYTES) return fail('too big inline request');
  if (arenaUsed + length > ARENA_BYTES) return PARSE_LATER;
  let stop = newline;
  if (stop > start && load<u8>(stop - 1) == 13) stop -= 1;
  parsedEnd = newline + 1;
  return splitInline(start, stop);
}

/** Splits a line at white space, honouring quotes, as redis-cli's users expect. */
function splitInline(from: usize, stop: usize): i32 {
  let at = from;
  let argc: u32 = 0;
  let out = arena + arenaUsed;
  while (true) {
    while (at < stop && isSpaceByte(load<u8>(at))) at += 1;
    if (at >= stop || load<u8>(at) == 0) break;
    const argStart = out;
    let quote: u32 = 0;
    while (true) {
      if (at >= stop || load<u8>(at) == 0) {
        if (quote != 0) return fail('unbalanced quotes in request');
        break;
      }
      const byte: u32 = load<u8>(at);
      if (quote == 0) {
        if (isSpaceByte(byte)) break;
        if (byte == 34 || byte == 39) quote = byte;
        else {
          store<u8>(out, <u8>byte);
          out += 1;
        }
        at += 1;
        continue;
      }
      if (byte == quote) {
        // A closing quote must end the argument.
        at += 1;
        if (at < stop && load<u8>(at) != 0 && !isSpaceByte(load<u8>(at))) {
          return fail('unbalanced quotes in request');
        }
        break;
      }
      at += unquoteByte(at, stop, quote, out);
      out += 1;
    }
    if (!tryPoolReserve(argc, 1)) return poolUsed != 0 ? PARSE_LATER : PARSE_NO_MEMORY;
    setArgRecord(Pool.at(argc), argStart, <u32>(out - argStart));
    argc += 1;
  }
  if (argc == 0) return PARSE_EMPTY;
  arenaUsed = <u32>(out - arena);
  parsedArgc = argc;
  parsedArgv = Pool.at(0);
  poolUsed += argc;
  return PARSE_COMPLETE;
}

/** Writes the one byte that the text at `at` inside quotes stands for; returns the bytes consumed. */
function unquoteByte(at: usize, stop: usize, quote: u32, out: usize): u32 {
  const byte: u32 = load<u8>(at);
  if (byte != 92 || at + 1 >= stop) {
    store<u8>(out, <u8>byte);
    return 1;
  }
  const next: u32 = load<u8>(at, 1);
  if (quote == 39) {
    store<u8>(out, next == 39 ? 39 : 92);
    return next == 39 ? 2 : 1;
  }
  if (next == 120 && at + 3 < stop) {
    const high = hexDigit(load<u8>(at, 2));
    const low = hexDigit(load<u8>(at, 3));
    if (high >= 0 && low >= 0) {
      store<u8>(out, <u8>(high * 16 + low));
      return 4;
    }
  }
  store<u8>(out, <u8>escapedByte(next));
  return 2;
}
