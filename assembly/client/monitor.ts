// MONITOR: a line about every command for each connection that asked for it.
//
//   +1700000000.123456 [0 127.0.0.1:50000] "set" "key" "value"\r\n
//
// The line is built once in a buffer of its own and pushed to every monitor; a monitor's own command
// puts it behind its reply (but not into the middle of EXEC's, as Redis does). A command too big for
// that (or memory too short) is left out, and so is everything for a monitor that wants no replies.

import { CLIENT_REPLY_OFF, CLIENT_REPLY_SKIP, CLIENT_UNIX_SOCKET } from '../abi';
import { nowUs } from '../keyspace/clock';
import { free, tryAlloc } from '../memory/alloc';
import { Conn, client, tryPush } from '../resp/connection';
import { replyRaw } from '../resp/writer';
import { formatU64 } from '../util/number_format';
import { isExecuting } from './transaction';

const US_PER_SECOND: i64 = 1000000;
const LINE_MAX_BYTES: u64 = 0x7fffffff;

let head: usize = 0;
export let monitorCount: u32 = 0;

export function monitorAdd(c: Conn): void {
  c.nextMonitor = head;
  head = changetype<usize>(c);
  monitorCount += 1;
}

export function monitorRemove(c: Conn): void {
  const ptr = changetype<usize>(c);
  if (head == ptr) {
    head = c.nextMonitor;
    monitorCount -= 1;
    return;
  }
  let at = head;
  while (at != 0) {
    const each = changetype<Conn>(at);
    if (each.nextMonitor == ptr) {
      each.nextMonitor = c.nextMonitor;
      monitorCount -= 1;
      return;
    }
    at = each.nextMonitor;
  }
}

let out: usize = 0;

function put(byte: u32): void {
  store<u8>(out, <u8>byte);
  out += 1;
}

function hexDigit(nibble: u32): u32 {
  return nibble < 10 ? 48 + nibble : 87 + nibble;
}

/** Writes one byte as it appears between double quotes. */
function putQuoted(byte: u32): void {
  let escaped: u32 = 0;
  if (byte == 34 || byte == 92) escaped = byte;
  else if (byte == 10) escaped = 110;
  else if (byte == 13) escaped = 114;
  else if (byte == 9) escaped = 116;
  else if (byte == 7) escaped = 97;
  else if (byte == 8) escaped = 98;
  if (escaped != 0) {
    put(92);
    put(escaped);
  } else if (byte >= 32 && byte < 127) put(byte);
  else {
    put(92);
    put(120);
    put(hexDigit(byte >> 4));
    put(hexDigit(byte & 15));
  }
}

/** Six digits, zeros in front. */
function putMicros(value: u32): void {
  let divisor: u32 = 100000;
  while (divisor > 0) {
    put(48 + ((value / divisor) % 10));
    divisor /= 10;
  }
}

/**
 * Tells every monitor about a command of the connection that ran; the records of its arguments are at
 * `argv`. `elapsedUs` is the time since the batch began.
 */
/** "ip:port", or "unix:" and the socket's path, whose address ends in a port of 0. */
function putAddress(c: Conn): void {
  let len = c.addrLen;
  if (c.flags & CLIENT_UNIX_SOCKET && len > 2) {
    store<u32>(out, 0x78696e75); // "unix"
    store<u8>(out, 58, 4);
    out += 5;
    len -= 2;
  }
  memory.copy(out, c.addr, len);
  out += len;
}

export function monitorFeed(c: Conn, argv: usize, argc: u32, elapsedUs: f64): void {
  let bytes: u64 = 96 + c.addrLen;
  for (let i: u32 = 0; i < argc; i++) bytes += 3 + <u64>load<u32>(argv + (i << 4), 4) * 4;
  if (bytes > LINE_MAX_BYTES) return;
  const line = tryAlloc(<usize>bytes);
  if (line == 0) return;
  out = line;
  put(43);
  const time = nowUs + <i64>elapsedUs;
  out += formatU64(time / US_PER_SECOND, out);
  put(46);
  putMicros(<u32>(time % US_PER_SECOND));
  put(32);
  put(91);
  out += formatU64(c.db, out);
  put(32);
  putAddress(c);
  put(93);
  for (let i: u32 = 0; i < argc; i++) {
    put(32);
    put(34);
    const record = argv + (i << 4);
    const ptr: usize = load<u32>(record);
    const len = load<u32>(record, 4);
    for (let k: u32 = 0; k < len; k++) putQuoted(load<u8>(ptr + k));
    put(34);
  }
  put(13);
  put(10);
  let at = head;
  while (at != 0) {
    const each = changetype<Conn>(at);
    const silent = (each.flags & (CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP)) != 0;
    if (!silent) {
      if (each == client && !isExecuting(c)) replyRaw(line, <u32>(out - line));
      else tryPush(each, line, <u32>(out - line));
    }
    at = each.nextMonitor;
  }
  free(line);
}
