// Error replies: the texts that more than one command sends, and the counting of all of them.
//
// Each starts with its code word, as clients match on it. Every error reply goes through
// `replyError` or `countError`, which feed total_error_replies, errorstats and the running command's
// failed_calls.

import {
  ERRSTAT_BYTES,
  ERRSTAT_COUNT,
  ERRSTAT_NAME,
  ERRSTAT_NAME_LEN,
  ERRSTAT_SLOTS,
  STAT_ERROR_REPLIES,
} from '../abi';
import { Stats } from '../keyspace/stats';
import { bytesEqual, findByte } from '../util/bytes';
import { replaying } from './connection';
import {
  outputAt,
  outputLen,
  outputLost,
  outputRewind,
  replyCrlf,
  replyRaw,
  replyText,
} from './writer';

export const ERR_SYNTAX: string = 'ERR syntax error';
export const ERR_WRONG_TYPE: string =
  'WRONGTYPE Operation against a key holding the wrong kind of value';
export const ERR_NOT_INTEGER: string = 'ERR value is not an integer or out of range';
export const ERR_NOT_POSITIVE: string = 'ERR value is out of range, must be positive';
export const ERR_NOT_FLOAT: string = 'ERR value is not a valid float';
export const ERR_NO_SUCH_KEY: string = 'ERR no such key';
export const ERR_OUT_OF_RANGE: string = 'ERR index out of range';
export const ERR_SAME_OBJECT: string = 'ERR source and destination objects are the same';
export const ERR_OVERFLOW: string = 'ERR increment or decrement would overflow';
export const ERR_OOM: string = "OOM command not allowed when used memory > 'maxmemory'.";
export const ERR_OOM_LIMIT: string = 'OOM out of memory: the 4 GiB of this engine are used up';
export const ERR_TOO_LONG: string = 'ERR string exceeds maximum allowed size (proto-max-bulk-len)';
export const ERR_DB_INDEX: string = 'ERR DB index is out of range';
export const ERR_LOADING: string = 'LOADING Redis is loading the dataset in memory';
export const ERR_NOAUTH: string = 'NOAUTH Authentication required.';
export const ERR_READONLY: string = "READONLY You can't write against a read only replica.";
export const ERR_MASTERDOWN: string =
  "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
export const ERR_MISCONF: string =
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.";
export const ERR_NOREPLICAS: string = 'NOREPLICAS Not enough good replicas to write.';
export const ERR_NO_MULTI: string = 'ERR Command not allowed inside a transaction';

export const errorStats: usize = memory.data(<i32>ERRSTAT_SLOTS * <i32>ERRSTAT_BYTES, 8);
/** Error replies sent by the running command; dispatch clears it. */
export let commandErrors: u32 = 0;

export function clearCommandErrors(): void {
  commandErrors = 0;
}

/** Sends a whole error text from a literal. */
export function replyError(text: string): void {
  const start = errorStart();
  replyText(text);
  errorEnd(start);
}

/** The error of a command whose number of arguments is wrong in a way that its arity does not tell. */
export function replyWrongArguments(command: string): void {
  const start = errorStart();
  replyText("ERR wrong number of arguments for '");
  replyText(command);
  replyText("' command");
  errorEnd(start);
}

/** The error of an expiry option whose time is not positive or too far away. */
export function replyInvalidExpireTime(command: string): void {
  const start = errorStart();
  replyText("ERR invalid expire time in '");
  replyText(command);
  replyText("' command");
  errorEnd(start);
}

/** Opens an error reply that is written in parts (`replyText`, `errorBytes`); see `errorEnd`. */
export function errorStart(): u32 {
  const start = outputLen();
  replyText('-');
  return start;
}

/**
 * Part of an error text that came from the client. As Redis formats these with the C library, they
 * end at the first zero byte; line breaks are dealt with by `errorEnd`.
 */
export function errorBytes(ptr: usize, len: u32): void {
  let shown: u32 = 0;
  while (shown < len && load<u8>(ptr + shown) != 0) shown += 1;
  replyRaw(ptr, shown);
  foreign = true;
}

/** Whether the error at hand quotes the client. */
let foreign: bool = false;

function isLineBreak(byte: u32): bool {
  return byte == 13 || byte == 10;
}

/** Keeps line breaks from splitting the reply: those at its end are cut off, others become spaces. */
function joinLines(start: u32): void {
  if (outputLost) return;
  let end = outputLen();
  while (end > start && isLineBreak(load<u8>(outputAt(end - 1)))) end -= 1;
  outputRewind(end);
  for (let at = outputAt(start); at < outputAt(end); at++) {
    if (isLineBreak(load<u8>(at))) store<u8>(at, 32);
  }
}

/** Ends the error reply opened at `start`, and counts it. */
export function errorEnd(start: u32): void {
  if (foreign) joinLines(start);
  foreign = false;
  replyCrlf();
  countError(outputAt(start), outputLen() - start);
}

const GENERIC_CODE: usize = memory.data<u8>([69, 82, 82]); // "ERR"
const GENERIC_CODE_BYTES: u32 = 3;
/** A code word is looked for in so many bytes of an error, its '-' included. */
const CODE_SEARCH_BYTES: u32 = 32;

/**
 * Counts the error reply of which `bytes` bytes, from its '-' on, are at `at`. The text up to the
 * first space is its code word; one without a space close enough counts as ERR.
 */
export function countError(at: usize, bytes: u32): void {
  if (counting) count(at, bytes);
}

/** Text of the last error that a replayed command replied with, without '-' and CRLF. */
export const keptError: usize = memory.data(256, 8);
export let keptErrorLen: u32 = 0;
const KEPT_ERROR_BYTES: u32 = 256;

function keep(at: usize, bytes: u32): void {
  keptErrorLen = min(bytes > 3 ? bytes - 3 : 0, KEPT_ERROR_BYTES);
  memory.copy(keptError, at + 1, keptErrorLen);
}

/** Off while errors are written that another one is going to replace. */
let counting: bool = true;

export function setErrorCounting(on: bool): void {
  counting = on;
}

function count(at: usize, bytes: u32): void {
  if (<u32>ERRSTAT_NAME + CODE_SEARCH_BYTES > <u32>ERRSTAT_BYTES) ERROR('ERRSTAT_BYTES');
  commandErrors += 1;
  if (replaying) keep(at, bytes);
  Stats.add(STAT_ERROR_REPLIES, 1);
  const space = findByte(at, at + min(bytes, CODE_SEARCH_BYTES), 32);
  if (space > at + 1) countCode(at + 1, <u32>(space - at - 1));
  else countCode(GENERIC_CODE, GENERIC_CODE_BYTES);
}

function countCode(code: usize, len: u32): void {
  for (let i: u32 = 0; i < <u32>ERRSTAT_SLOTS; i++) {
    const slot = errorStats + i * ERRSTAT_BYTES;
    const nameLen = load<u32>(slot, ERRSTAT_NAME_LEN);
    if (nameLen == 0) {
      store<u32>(slot, len, ERRSTAT_NAME_LEN);
      memory.copy(slot + ERRSTAT_NAME, code, len);
    } else if (nameLen != len || !bytesEqual(slot + ERRSTAT_NAME, code, len)) continue;
    store<u64>(slot, load<u64>(slot, ERRSTAT_COUNT) + 1, ERRSTAT_COUNT);
    return;
  }
}

export function resetErrorStats(): void {
  memory.fill(errorStats, 0, ERRSTAT_SLOTS * ERRSTAT_BYTES);
}

/** What ERR_MISCONF gives way to when it is not snapshots that fail. */
const diskError: usize = memory.data(256, 8);
const DISK_ERROR_BYTES: u32 = 256;
let diskErrorLen: u32 = 0;

/** Why writes are refused, code word included; empty for the text about snapshots. */
export function setDiskError(text: usize, len: u32): void {
  diskErrorLen = min(len, DISK_ERROR_BYTES);
  memory.copy(diskError, text, diskErrorLen);
}

/** Tells that writes are refused because what is written cannot be made durable. */
export function replyDiskError(): void {
  if (diskErrorLen == 0) {
    replyError(ERR_MISCONF);
    return;
  }
  const start = errorStart();
  replyRaw(diskError, diskErrorLen);
  errorEnd(start);
}
