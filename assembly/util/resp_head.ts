// Heads and line ends of RESP, for those who write commands: "*3\r\n", "$5\r\n".

import { formatU64 } from './number_format';

export const ASTERISK: u8 = 42;
export const DOLLAR: u8 = 36;
/** Two bytes in memory order. */
export const CRLF: u16 = 0x0a0d;

/** Most bytes of a head. */
export const RESP_HEAD_MAX: usize = 24;

/** Writes a head, RESP_HEAD_MAX bytes at most, and returns the address behind it. */
export function putHead(at: usize, kind: u8, value: u32): usize {
  store<u8>(at, kind);
  if (value < 10) {
    store<u8>(at, <u8>(48 + value), 1);
    store<u16>(at, CRLF, 2);
    return at + 4;
  }
  const len = formatU64(value, at + 1);
  store<u16>(at + 1 + len, CRLF);
  return at + 3 + len;
}
