// Many elements of a listpack as bulk strings: what LRANGE spends its time on.
//
//   element   10llllll data backlen     ──>   $ len \r \n data \r \n
//
// Short strings and integers are written right into the output, without a call for each; room is
// made for some dozens at a time. Longer ones take the usual way.

import { lpGet, lpSkip, lpValueInt, lpValueLen, STR_6BIT, STR_6BIT_END } from '../struct/listpack';
import { digits10Signed, formatI64 } from '../util/number_format';
import { outputCommit, outputReserve, replyBulk } from './writer';

const BATCH: u32 = 64;
/** The longest that one short element becomes: a head of 5, 63 bytes, an end of 2, and slack. */
const SHORT_MAX_BYTES: usize = 80;
const STRING_LEN_MASK: u32 = 63;
const CRLF: u16 = 0x0a0d;
/** "$0\r\n" and "$00\r\n" */
const HEAD_1: u32 = 0x0a0d3024;
const HEAD_2: u64 = 0x0a0d303024;

/**
 * Replies with `count` elements from the one at `p` on, which are all there, without a head. Nothing
 * that follows them is looked at.
 */
export function replyElements(p: usize, count: u32): void {
  while (count > 0) {
    const most = min(count, BATCH);
    const start = outputReserve(<usize>most * SHORT_MAX_BYTES);
    if (start == 0) return;
    let out = start;
    let left = most;
    while (left > 0) {
      const first: u32 = load<u8>(p);
      if (first - STR_6BIT < STR_6BIT_END - STR_6BIT) {
        const len = first & STRING_LEN_MASK;
        out = writeShort(p + 1, len, out);
        // The size, header and data, is 64 at most: one byte of it follows.
        p += <usize>len + 2;
      } else {
        const string = lpGet(p);
        if (string != 0) break;
        out = writeInteger(lpValueInt, out);
        p = lpSkip(p);
      }
      left -= 1;
    }
    outputCommit(out - start);
    count -= most - left;
    if (left == 0) continue;
    replyBulk(lpGet(p), lpValueLen);
    p = lpSkip(p);
    count -= 1;
  }
}

/** The head of a bulk string of less than 100 bytes. Returns the address behind it. */
function writeHead(len: u32, out: usize): usize {
  if (len < 10) {
    store<u32>(out, HEAD_1 + (len << 8));
    return out + 4;
  }
  const tens = (len * 205) >> 11;
  store<u64>(out, HEAD_2 + ((<u64>tens) << 8) + ((<u64>(len - tens * 10)) << 16));
  return out + 5;
}

/** A string of up to 63 bytes, which lies in a listpack: there are some bytes before it. */
function writeShort(s: usize, len: u32, out: usize): usize {
  out = writeHead(len, out);
  if (len <= 8) {
    // The last eight bytes up to its end, less those that are not its own.
    const word = load<u64>(s + len - 8) >> <u64>((8 - len) << 3);
    store<u64>(out, len == 0 ? 0 : word);
  } else if (len <= 16) {
    const last = load<u64>(s + len - 8);
    store<u64>(out, load<u64>(s));
    store<u64>(out + len - 8, last);
  } else {
    const end = len - 16;
    for (let at: u32 = 0; at < end; at += 16) v128.store(out + at, v128.load(s + at));
    v128.store(out + end, v128.load(s + end));
  }
  out += len;
  store<u16>(out, CRLF);
  return out + 2;
}

function writeInteger(value: i64, out: usize): usize {
  out = writeHead(digits10Signed(value), out);
  out += formatI64(value, out);
  store<u16>(out, CRLF);
  return out + 2;
}
