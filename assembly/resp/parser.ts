// Resumable RESP parser: turns bytes into argument records, in place.
//
//   *3\r\n $3\r\n SET\r\n $3\r\n key\r\n $5\r\n value\r\n      or an inline line:  SET key value\n
//
// A complete command costs no copy: its argument records point into the buffer it was read into, and
// the connection's block is not touched. When a command is cut off, its arguments so far are saved
// with the connection as offsets from the command's start, and the bytes are moved to its query
// buffer. With the next input parsing goes on behind them; the records are made once, when the
// command is complete. So a command of any number of arguments, in pieces of any size, is read in
// linear time.
//
// Limits are Redis's: PROTO_INLINE_MAX_BYTES for an inline line and for a length line, 2^31-1
// arguments, proto-max-bulk-len for an argument, and far less before authentication. Every size is
// held in 64 bits until it has passed its limit. As in Redis a zero byte hides the end of its line,
// which then grows until it is too long: whoever sends one speaks another protocol.
//
// Inline lines are unquoted into an arena of their own, since unquoting changes bytes that may have
// to be parsed again.
//
// A file that is replayed holds nothing but arrays of at least one argument, with lines between them
// that begin with '#' and are skipped; its arguments may have any length.
//
// Difference from Redis: an argument is limited to 2 GiB whatever proto-max-bulk-len says.

import { ARG_BYTES, CFG_PROTO_MAX_BULK, CLIENT_AUTHENTICATED } from '../abi';
import { Settings } from '../keyspace/settings';
import { alloc, tryAlloc, tryRealloc, usableSize } from '../memory/alloc';
import { findByte } from '../util/bytes';
import { parseI64, parseI64Value } from '../util/number_parse';
import { setArgRecord } from './args';
import { Conn, replaying, resetParse } from './connection';

const PROTO_INLINE_MAX_BYTES: u32 = 65536;
const MAX_ARGS: i64 = 2147483647;
const UNAUTHENTICATED_MAX_ARGS: i64 = 10;
const UNAUTHENTICATED_MAX_BULK: i64 = 16384;
const MAX_BULK_BYTES: i64 = 0x7fffffff;
const ARENA_BYTES: u32 = 131072;
const POOL_ARGS: u32 = 4096;
/** More records than this are given back once their command is done. */
const POOL_KEEP_ARGS: u32 = 16384;
const SAVED_ARG_SHIFT: u32 = 3; // u32 offset from the command's start, u32 length

const CARRIAGE_RETURN: u8 = 13;
const LINE_FEED: u8 = 10;
const ASTERISK: u8 = 42;
const NUMBER_SIGN: u8 = 35;
const DOLLAR: u8 = 36;
const CRLF: u16 = 0x0a0d;

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
  if (poolArgs > POOL_KEEP_ARGS) {
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
  const wanted = (<u64>have * 2 + more) * ARG_BYTES;
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

// --- Commands as arrays ---

/** Value and end of the length line parsed last; `lineStop` is its \r. */
let lineValue: i64 = 0;
let lineStop: usize = 0;
let lineEnd: usize = 0;
const LINE_OK: i32 = 1;
const LINE_MORE: i32 = 0;
const LINE_BAD: i32 = -1;
const LINE_LONG: i32 = -2;

/** Where the line at `from` ends, 0 when that is not in sight. See the header about zero bytes. */
function findLineEnd(from: usize, end: usize, stop: u8): usize {
  const found = findByte(from, end, stop);
  return found != 0 && findByte(from, found, 0) == 0 ? found : 0;
}

/** Finds the end of the length line at `at`: LINE_OK sets `lineStop` to its \r and `lineEnd`. */
function scanLine(at: usize, end: usize): i32 {
  const isLong = end - at > PROTO_INLINE_MAX_BYTES;
  const stop = findLineEnd(at, isLong ? at + PROTO_INLINE_MAX_BYTES + 1 : end, CARRIAGE_RETURN);
  if (stop == 0) return isLong ? LINE_LONG : LINE_MORE;
  // Whatever the byte behind it is, it is taken for the line feed.
  if (stop + 2 > end) return LINE_MORE;
  lineStop = stop;
  lineEnd = stop + 2;
  return LINE_OK;
}

/** Parses the length line at `at`, whose first byte says what it counts. */
function parseLengthLine(at: usize, end: usize): i32 {
  // One or two digits and CRLF cover nearly every length line.
  if (at + 4 <= end) {
    const d0: u32 = <u32>load<u8>(at, 1) - 48;
    if (d0 < 10) {
      if (load<u16>(at, 2) == CRLF) {
        lineValue = d0;
        lineEnd = at + 4;
        return LINE_OK;
      }
      const d1: u32 = <u32>load<u8>(at, 2) - 48;
      if (d0 != 0 && d1 < 10 && at + 5 <= end && load<u16>(at, 3) == CRLF) {
        lineValue = d0 * 10 + d1;
        lineEnd = at + 5;
        return LINE_OK;
      }
    }
  }
  const found = scanLine(at, end);
  if (found != LINE_OK) return found;
  if (!parseI64(at + 1, lineStop - at - 1)) return LINE_BAD;
  lineValue = parseI64Value;
  return LINE_OK;
}

/**
 * Parses the command at `start`, of which `c` may already hold a part. On PARSE_COMPLETE the records
 * are at `parsedArgv`; on PARSE_MORE the connection remembers how far it came, and the caller must
 * move the bytes from `start` on to the front of its unread query.
 */
export function parseCommand(c: Conn, start: usize, end: usize): i32 {
  if (c.multibulkLeft != 0) return resumeBulks(c, start, end);
  if (load<u8>(start) != ASTERISK) {
    return replaying ? skipAnnotation(start, end) : parseInline(start, end);
  }
  const line = parseLengthLine(start, end);
  if (line == LINE_MORE) return PARSE_MORE;
  if (line == LINE_LONG) return fail('too big mbulk count string');
  if (line == LINE_BAD || lineValue > MAX_ARGS) return fail('invalid multibulk length');
  if (lineValue > UNAUTHENTICATED_MAX_ARGS && (c.flags & CLIENT_AUTHENTICATED) == 0) {
    return fail('unauthenticated multibulk length');
  }
  if (lineValue <= 0) {
    if (replaying) return fail('invalid multibulk length');
    parsedEnd = lineEnd;
    return PARSE_EMPTY;
  }
  return parseBulks(c, start, 0, lineEnd, end, <u32>lineValue);
}

/**
 * As `parseCommand` for a command of `count` arguments at `start`, no part of which is saved, whose
 * first `headLen` bytes are known to be complete: the name is their last `nameLen` but two.
 */
export function parseBehindName(
  c: Conn,
  start: usize,
  headLen: usize,
  nameLen: u32,
  end: usize,
  count: u32,
): i32 {
  if (poolUsed >= poolArgs) return PARSE_LATER;
  const at = start + headLen;
  setArgRecord(Pool.at(0), at - 2 - nameLen, nameLen);
  return parseBulks(c, start, 1, at, end, count);
}

const BULK_UNKNOWN: i64 = -1;
const BULK_ERROR: i64 = -2;

/** Length of the argument whose header is at `at`, behind which `lineEnd` then points. */
function parseBulkHeader(c: Conn, at: usize, end: usize): i64 {
  if (at >= end) return BULK_UNKNOWN;
  const isBulk = load<u8>(at) == DOLLAR;
  const line = isBulk ? parseLengthLine(at, end) : scanLine(at, end);
  if (line == LINE_MORE) return BULK_UNKNOWN;
  if (line == LINE_LONG) {
    fail('too big bulk count string');
    return BULK_ERROR;
  }
  if (!isBulk) {
    fail('');
    parseErrorByte = load<u8>(at);
    return BULK_ERROR;
  }
  const limit = replaying ? MAX_BULK_BYTES : min(Settings.get(CFG_PROTO_MAX_BULK), MAX_BULK_BYTES);
  if (line == LINE_BAD || lineValue < 0 || lineValue > limit) {
    fail('invalid bulk length');
    return BULK_ERROR;
  }
  if (lineValue > UNAUTHENTICATED_MAX_BULK && (c.flags & CLIENT_AUTHENTICATED) == 0) {
    fail('unauthenticated bulk length');
    return BULK_ERROR;
  }
  return lineValue;
}

/**
 * "$7\r\n" and "$16\r\n": nearly every header of an argument, and below every limit. BULK_UNKNOWN
 * leaves anything else to `parseBulkHeader`.
 */
function shortBulk(at: usize, end: usize): i64 {
  if (end - at < 5) return BULK_UNKNOWN;
  const word = load<u32>(at);
  const first = ((word >> 8) & 0xff) - 48;
  if ((word & 0xff) != DOLLAR || first > 9) return BULK_UNKNOWN;
  if (word >> 16 == 0x0a0d) {
    lineEnd = at + 4;
    return first;
  }
  const second = ((word >> 16) & 0xff) - 48;
  if (second > 9 || first == 0 || load<u16>(at, 3) != 0x0a0d) return BULK_UNKNOWN;
  lineEnd = at + 5;
  return first * 10 + second;
}

/** Parses a command from its argument number `first` on, which is at `from`. */
function parseBulks(c: Conn, start: usize, first: u32, from: usize, end: usize, count: u32): i32 {
  let at = from;
  for (let argc = first; argc < count; argc++) {
    let bulk = shortBulk(at, end);
    if (bulk >= 0) at = lineEnd;
    else {
      bulk = parseBulkHeader(c, at, end);
      if (bulk == BULK_ERROR) return PARSE_ERROR;
      if (bulk == BULK_UNKNOWN) return suspend(c, start, at, argc, count, -1);
      at = lineEnd;
    }
    if (<i64>(end - at) < bulk + 2) return suspend(c, start, at, argc, count, <i32>bulk);
    if (poolUsed + argc >= poolArgs && !tryPoolReserve(argc, 1)) {
      // With commands parsed ahead in the pool, begin this one again when they are done.
      return poolUsed != 0 ? PARSE_LATER : PARSE_NO_MEMORY;
    }
    setArgRecord(Pool.at(argc), at, <u32>bulk);
    at += <usize>bulk + 2;
  }
  parsedArgc = count;
  parsedArgv = Pool.at(0);
  parsedEnd = at;
  poolUsed += count;
  return PARSE_COMPLETE;
}

// --- Commands in pieces ---

function trySavedReserve(c: Conn, count: u32): bool {
  if (count <= c.argvCap) return true;
  const wanted = (<usize>max(count, min(c.argvCap << 1, 1 << 28))) << SAVED_ARG_SHIFT;
  const wider = c.argv == 0 ? tryAlloc(wanted) : tryRealloc(c.argv, wanted);
  if (wider == 0) return false;
  c.argv = wider;
  c.argvCap = <u32>(usableSize(wider) >> SAVED_ARG_SHIFT);
  return true;
}

function saveArg(c: Conn, i: u32, offset: usize, length: u32): void {
  const saved = c.argv + ((<usize>i) << SAVED_ARG_SHIFT);
  store<u32>(saved, <u32>offset);
  store<u32>(saved, length, 4);
  c.argvBytes += length;
}

/** Saves the first part of a command: `argc` of `count` arguments, and where the next one begins. */
function suspend(c: Conn, start: usize, at: usize, argc: u32, count: u32, bulk: i32): i32 {
  if (!trySavedReserve(c, argc)) return PARSE_NO_MEMORY;
  c.argvBytes = 0;
  for (let i: u32 = 0; i < argc; i++) {
    saveArg(c, i, <usize>load<u32>(Pool.at(i)) - start, load<u32>(Pool.at(i), 4));
  }
  return savePosition(c, at - start, argc, count - argc, bulk);
}

function savePosition(c: Conn, offset: usize, argc: u32, left: u32, bulk: i32): i32 {
  c.argc = argc;
  c.multibulkLeft = <i32>left;
  c.bulkLen = bulk;
  c.parsePos = <u32>offset;
  return PARSE_MORE;
}

/** Goes on with a command of which a part is saved. */
function resumeBulks(c: Conn, start: usize, end: usize): i32 {
  // Such a command is the first of its round.
  assert(poolUsed == 0);
  let at = start + c.parsePos;
  let argc = c.argc;
  let left = <u32>c.multibulkLeft;
  let bulk: i64 = c.bulkLen;
  while (left > 0) {
    if (bulk == BULK_UNKNOWN) {
      bulk = parseBulkHeader(c, at, end);
      if (bulk == BULK_ERROR) return PARSE_ERROR;
      if (bulk == BULK_UNKNOWN) return savePosition(c, at - start, argc, left, -1);
      at = lineEnd;
    }
    if (<i64>(end - at) < bulk + 2) return savePosition(c, at - start, argc, left, <i32>bulk);
    if (!trySavedReserve(c, argc + 1)) return PARSE_NO_MEMORY;
    saveArg(c, argc, at - start, <u32>bulk);
    argc += 1;
    left -= 1;
    at += <usize>bulk + 2;
    bulk = BULK_UNKNOWN;
  }
  if (!tryPoolReserve(0, argc)) return PARSE_NO_MEMORY;
  for (let i: u32 = 0; i < argc; i++) {
    const saved = c.argv + ((<usize>i) << SAVED_ARG_SHIFT);
    setArgRecord(Pool.at(i), start + load<u32>(saved), load<u32>(saved, 4));
  }
  resetParse(c);
  parsedArgc = argc;
  parsedArgv = Pool.at(0);
  parsedEnd = at;
  poolUsed = argc;
  return PARSE_COMPLETE;
}

// --- Annotations of files ---

/** A line of a replayed file that is no command. */
function skipAnnotation(start: usize, end: usize): i32 {
  if (load<u8>(start) != NUMBER_SIGN) return fail('not a command');
  const isLong = end - start > PROTO_INLINE_MAX_BYTES;
  const newline = findByte(start, isLong ? start + PROTO_INLINE_MAX_BYTES : end, LINE_FEED);
  if (newline == 0) return isLong ? fail('too long annotation') : PARSE_MORE;
  parsedEnd = newline + 1;
  return PARSE_EMPTY;
}

// --- Inline commands ---

/** isspace of the C locale: what may lie between arguments. */
function isSpaceByte(byte: u32): bool {
  return byte == 32 || byte - 9 < 5;
}

/** What ends an argument outside quotes: vertical tab and form feed do not. */
function endsArgument(byte: u32): bool {
  return byte == 32 || byte == 9 || byte == CARRIAGE_RETURN;
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
  const isLong = end - start > PROTO_INLINE_MAX_BYTES;
  const newline = findLineEnd(start, isLong ? start + PROTO_INLINE_MAX_BYTES + 1 : end, LINE_FEED);
  if (newline == 0) return isLong ? fail('too big inline request') : PARSE_MORE;
  if (arenaUsed + <u32>(newline - start) > ARENA_BYTES) return PARSE_LATER;
  let stop = newline;
  if (stop > start && load<u8>(stop - 1) == CARRIAGE_RETURN) stop -= 1;
  parsedEnd = newline + 1;
  return splitInline(start, stop);
}

/** Splits a line without zero bytes at white space, honouring quotes as redis-cli's users expect. */
function splitInline(from: usize, stop: usize): i32 {
  let at = from;
  let argc: u32 = 0;
  let out = arena + arenaUsed;
  while (true) {
    while (at < stop && isSpaceByte(load<u8>(at))) at += 1;
    if (at >= stop) break;
    const argStart = out;
    let quote: u32 = 0;
    while (true) {
      if (at >= stop) {
        if (quote != 0) return fail('unbalanced quotes in request');
        break;
      }
      const byte: u32 = load<u8>(at);
      if (quote == 0) {
        if (endsArgument(byte)) break;
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
        if (at < stop && !isSpaceByte(load<u8>(at))) {
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
