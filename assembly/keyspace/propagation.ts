// What has to be written to an append-only file so that the data can be rebuilt: commands in RESP.
//
//   | SELECT 0 | SET a 1 | MULTI | DEL b | SELECT 1 | INCR c | EXEC | DEL d ...
//   |<------------- closed: the host may take it --------------->|<- open ->|
//
// Commands are written as they take effect, in the current form or in one that gives the same result at any
// later time: absolute times, the members that chance picked, what a blocking command did. Everything that
// happened at one go is a unit: one top-level command with the keys that expired for it, a transaction,
// one served client that was blocked. A unit of several commands is wrapped in MULTI and EXEC, so that it is
// replayed as a whole or not at all; the MULTI is put in front when the second command comes. SELECT
// is written in front of a command whose database is not that of the command before, inside the MULTI, and
// counts as no command.
//
// A command is an op: `opStart`, then as many arguments as it said. What a handler writes stands for the
// command it runs for, when it says so with `replaceCommand`; a handler that writes nothing has its command
// written as it came (server/propagate_command.ts), if it changed anything.
//
// The stream is a growing buffer that the host empties at the end of each turn of its event loop. Without
// memory for it the open unit is dropped and the stream is lost: nothing more is written until it is
// switched on anew, and the host has to save the data in another way. While it is off, each place that
// would write costs one test.
//
// Differences from Redis: none in the bytes, but for those that handlers mention.

import { free, tryAlloc, tryRealloc, usableSize } from '../memory/alloc';
import { copySmall } from '../util/bytes';
import { digits10, formatI64, I64_CHARS_MAX } from '../util/number_format';
import { ASTERISK, CRLF, DOLLAR, putHead, RESP_HEAD_MAX } from '../util/resp_head';
import { putText } from '../util/text';

const MIN_BYTES: usize = 65536;
/** A buffer that is larger is given back when everything in it was taken. */
const KEEP_BYTES: usize = 1048576;
const NO_DATABASE: u32 = 0xffffffff;

/** "*1\r\n$5\r\nMULTI\r\n" and "*1\r\n$4\r\nEXEC\r\n" */
const MULTI_BYTES: usize = 15;
const EXEC_BYTES: usize = 14;

/** Whether changes are written at all. */
export let propagating: bool = false;
/** Memory for the stream ran out since it was switched on. */
export let propagationIsLost: bool = false;
/** Bytes from the start of the buffer that belong to whole units. */
export let propagatedBytes: usize = 0;
/** The handler wrote what stands for its command, or wants nothing written. */
export let commandReplaced: bool = false;
/** The command is to be written though it changed nothing. */
export let commandForced: bool = false;

let buffer: usize = 0;
let capacity: usize = 0; // 0 once the stream is lost
let used: usize = 0;
let selected: u32 = NO_DATABASE; // of the command written last
let unitOps: u32 = 0; // commands of the open unit
let held: bool = false; // the open unit goes on
let apart: bool = false; // the commands of the open unit are units each

const digits: usize = memory.data(<i32>I64_CHARS_MAX, 8);

// --- The whole stream ---

/** Switches the stream on, empty and no longer lost, or off. */
export function setPropagating(on: bool): void {
  if (buffer != 0) free(buffer);
  buffer = 0;
  capacity = 0;
  used = 0;
  propagatedBytes = 0;
  unitOps = 0;
  selected = NO_DATABASE;
  apart = false;
  commandDone();
  propagationIsLost = false;
  propagating = on;
}

/**
 * What comes next goes somewhere else, and begins with SELECT. Everything written so far belongs to whole
 * units then, even if a transaction is under way: the rest of it becomes a unit of its own.
 */
export function propagationReset(): void {
  closeUnit();
  selected = NO_DATABASE;
}

/** Address of the stream; good until the next op. */
export function propagatedPtr(): usize {
  return buffer;
}

/** Drops the first `bytes` of what is closed. */
export function propagationTaken(bytes: usize): void {
  assert(bytes <= propagatedBytes);
  used -= bytes;
  propagatedBytes -= bytes;
  if (used != 0) {
    memory.copy(buffer, buffer + bytes, used);
    return;
  }
  if (capacity <= KEEP_BYTES) return;
  free(buffer);
  buffer = 0;
  capacity = 0;
}

/** Bytes of the buffer. */
export function propagationMemory(): usize {
  return buffer == 0 ? 0 : usableSize(buffer);
}

/** Address for `bytes` more; 0 when the stream is lost. */
function room(bytes: usize): usize {
  if (used + bytes <= capacity || tryGrow(bytes)) return buffer + used;
  return 0;
}

function tryGrow(bytes: usize): bool {
  if (propagationIsLost) return false;
  const needed = <u64>used + bytes;
  const wanted = max<u64>(min<u64>(needed << 1, needed + (1 << 26)), MIN_BYTES);
  let wider: usize = 0;
  if (wanted <= 0xfff00000) {
    wider = buffer == 0 ? tryAlloc(<usize>wanted) : tryRealloc(buffer, <usize>wanted);
  }
  if (wider == 0) {
    lose();
    return false;
  }
  buffer = wider;
  capacity = usableSize(wider);
  return true;
}

/** Gives up the open unit and all that would come behind it. */
function lose(): void {
  propagationIsLost = true;
  used = propagatedBytes;
  unitOps = 0;
  capacity = 0;
}

// --- Units ---

/** Ends the unit that is open, unless it is held. */
export function unitEnd(): void {
  if (held) return;
  if (unitOps != 0) closeUnit();
  else apart = false;
}

/** What is written from here on to `unitRelease` is one unit. */
export function unitHold(): void {
  held = true;
  apart = false;
}

/** Ends a unit that was held. */
export function unitRelease(): void {
  held = false;
  closeUnit();
}

/** The commands that the running one writes do not belong together; so it is for those that meet keys by chance. */
export function unitApart(): void {
  apart = !held;
}

function closeUnit(): void {
  if (unitOps > 1) {
    const at = room(EXEC_BYTES);
    if (at != 0) {
      putHead(putHead(at, ASTERISK, 1), DOLLAR, 4);
      putText(at + 8, 'EXEC');
      store<u16>(at, CRLF, 12);
      used += EXEC_BYTES;
    }
  }
  unitOps = 0;
  apart = false;
  propagatedBytes = used;
}

/** Puts MULTI in front of the open unit. */
function insertMulti(): void {
  if (room(MULTI_BYTES) == 0) return;
  const at = buffer + propagatedBytes;
  memory.copy(at + MULTI_BYTES, at, used - propagatedBytes);
  putHead(putHead(at, ASTERISK, 1), DOLLAR, 5);
  putText(at + 8, 'MULTI');
  store<u16>(at, CRLF, 13);
  used += MULTI_BYTES;
}

// --- Commands ---

/** Makes room in the open unit for one more command, of this database. */
function begin(databaseId: u32): void {
  if (unitOps == 1) {
    if (apart) {
      closeUnit();
      apart = true;
    } else insertMulti();
  }
  unitOps += 1;
  if (databaseId == selected) return;
  selected = databaseId;
  head(2);
  opText('SELECT');
  opInt(databaseId);
}

function head(count: u32): void {
  const at = room(RESP_HEAD_MAX);
  if (at != 0) used = putHead(at, ASTERISK, count) - buffer;
}

/** Begins a command in a database, of `count` arguments that must follow. */
export function opStart(databaseId: u32, count: u32): void {
  begin(databaseId);
  head(count);
}

/** An argument. */
export function opBytes(ptr: usize, len: u32): void {
  const at = room(<usize>len + RESP_HEAD_MAX);
  if (at == 0) return;
  const text = putHead(at, DOLLAR, len);
  copySmall(text, ptr, len);
  store<u16>(text + len, CRLF);
  used = text + len + 2 - buffer;
}

/** A literal as an argument. */
export function opText(text: string): void {
  const len = <u32>text.length;
  const at = room(<usize>len + RESP_HEAD_MAX);
  if (at == 0) return;
  const end = putText(putHead(at, DOLLAR, len), text);
  store<u16>(end, CRLF);
  used = end + 2 - buffer;
}

/** A number as an argument. */
export function opInt(value: i64): void {
  opBytes(digits, formatI64(value, digits));
}

/** A whole command in a database that has been written as RESP before. */
export function opRaw(databaseId: u32, ptr: usize, len: usize): void {
  begin(databaseId);
  const at = room(len);
  if (at == 0) return;
  copySmall(at, ptr, len);
  used += len;
}

/** Bytes of the head that stands before `value` arguments, or an argument of so many bytes. */
export function opHeadBytes(value: u32): usize {
  if (value < 100) return value < 10 ? 4 : 5;
  return 3 + <usize>digits10(value);
}

/** DEL or (`lazily`) UNLINK of a key. */
export function opDeletion(databaseId: u32, key: usize, keyLen: u32, lazily: bool): void {
  opStart(databaseId, 2);
  opText(lazily ? 'UNLINK' : 'DEL');
  opBytes(key, keyLen);
}

// --- The running command ---

/** What is written for the running command, be it nothing, stands for it. */
export function replaceCommand(): void {
  commandReplaced = true;
}

/** The running command is written whether it changes anything or not. */
export function forceCommand(): void {
  commandForced = propagating;
}

/** The next command has nothing of the last one's. */
export function commandDone(): void {
  commandReplaced = false;
  commandForced = false;
}
