// The options that SET, GETEX, MSETEX and INCREX share: conditions, GET and expiries.
//
//   SET     NX XX GET  EX PX EXAT PXAT KEEPTTL          IFEQ IFNE IFDEQ IFDNE
//   GETEX              EX PX EXAT PXAT         PERSIST
//   MSETEX  NX XX      EX PX EXAT PXAT KEEPTTL
//
// Options come in any order. Of the conditions, and of the expiry options, only one may be given; the
// same one twice is no error and the last one counts, as in Redis. Results are left in module
// variables, valid until the next call.

import { nowMs } from '../keyspace/clock';
import { argI64, argI64OrReply } from '../resp/arg_number';
import { Arg, argc } from '../resp/args';
import { ERR_SYNTAX, replyError, replyInvalidExpireTime } from '../resp/errors';

export const OPTION_NX: u32 = 1;
export const OPTION_XX: u32 = 2;
export const OPTION_GET: u32 = 4;
export const OPTION_EX: u32 = 8;
export const OPTION_PX: u32 = 16;
export const OPTION_EXAT: u32 = 32;
export const OPTION_PXAT: u32 = 64;
export const OPTION_KEEPTTL: u32 = 128;
export const OPTION_PERSIST: u32 = 256;
export const OPTION_IFEQ: u32 = 512;
export const OPTION_IFNE: u32 = 1024;
export const OPTION_IFDEQ: u32 = 2048;
export const OPTION_IFDNE: u32 = 4096;

/** Options that set an expiry. */
export const OPTIONS_TIME: u32 = OPTION_EX | OPTION_PX | OPTION_EXAT | OPTION_PXAT;
/** Options that compare the value there is with an argument. */
export const OPTIONS_COMPARE: u32 = OPTION_IFEQ | OPTION_IFNE | OPTION_IFDEQ | OPTION_IFDNE;
const OPTIONS_CONDITION: u32 = OPTION_NX | OPTION_XX | OPTIONS_COMPARE;
const OPTIONS_EXPIRY: u32 = OPTIONS_TIME | OPTION_KEEPTTL | OPTION_PERSIST;

export const OPTIONS_OF_SET: u32 = OPTIONS_CONDITION | OPTION_GET | OPTIONS_TIME | OPTION_KEEPTTL;
export const OPTIONS_OF_GETEX: u32 = OPTIONS_TIME | OPTION_PERSIST;
export const OPTIONS_OF_MSETEX: u32 = OPTION_NX | OPTION_XX | OPTIONS_TIME | OPTION_KEEPTTL;

/** What the last `parseOptionsOrReply` found: OPTION_* bits. */
export let options: u32 = 0;
/** Argument behind the expiry option, 0 when none of OPTIONS_TIME was given. */
export let timeArg: u32 = 0;
/** Argument behind the IF... option, 0 when there was none. */
export let compareArg: u32 = 0;
/** Unix milliseconds that `parseExpiryOrReply` computed. */
export let expiryAtMs: i64 = 0;

// Option words as little-endian integers, in lower case. Setting the bit 0x20 of a byte turns a
// capital into its small letter and no other byte into a letter.
const LOWER_2: u32 = 0x2020;
const LOWER_4: u32 = 0x20202020;
const WORD_NX: u32 = 0x786e;
const WORD_XX: u32 = 0x7878;
const WORD_EX: u32 = 0x7865;
const WORD_PX: u32 = 0x7870;
const WORD_GE: u32 = 0x6567;
const WORD_EXAT: u32 = 0x74617865;
const WORD_PXAT: u32 = 0x74617870;
const WORD_IFEQ: u32 = 0x71656669;
const WORD_IFNE: u32 = 0x656e6669;
const WORD_IFDE: u32 = 0x65646669;
const WORD_IFDN: u32 = 0x6e646669;
const WORD_KEEP: u32 = 0x7065656b;
const WORD_PTTL: u32 = 0x6c747470;
const WORD_PERS: u32 = 0x73726570;
const WORD_SIST: u32 = 0x74736973;
const LETTER_E: u32 = 0x65;
const LETTER_Q: u32 = 0x71;
const LETTER_T: u32 = 0x74;

/** The OPTION_* bit of the word that argument `i` is, 0 when it is none. */
export function optionWord(i: u32): u32 {
  const ptr = Arg.ptr(i);
  const len = Arg.len(i);
  if (len == 2) {
    const word = <u32>load<u16>(ptr) | LOWER_2;
    if (word == WORD_EX) return OPTION_EX;
    if (word == WORD_NX) return OPTION_NX;
    if (word == WORD_PX) return OPTION_PX;
    return word == WORD_XX ? OPTION_XX : 0;
  }
  if (len == 3) {
    const isGet =
      (<u32>load<u16>(ptr) | LOWER_2) == WORD_GE && (<u32>load<u8>(ptr, 2) | 0x20) == LETTER_T;
    return isGet ? OPTION_GET : 0;
  }
  if (len < 4 || len > 7) return 0;
  const head = load<u32>(ptr) | LOWER_4;
  if (len == 4) {
    if (head == WORD_EXAT) return OPTION_EXAT;
    if (head == WORD_PXAT) return OPTION_PXAT;
    if (head == WORD_IFEQ) return OPTION_IFEQ;
    return head == WORD_IFNE ? OPTION_IFNE : 0;
  }
  if (len == 5) {
    const last = <u32>load<u8>(ptr, 4) | 0x20;
    if (head == WORD_IFDE && last == LETTER_Q) return OPTION_IFDEQ;
    return head == WORD_IFDN && last == LETTER_E ? OPTION_IFDNE : 0;
  }
  if (len == 6) return 0;
  const tail = load<u32>(ptr, 3) | LOWER_4;
  if (head == WORD_KEEP && tail == WORD_PTTL) return OPTION_KEEPTTL;
  return head == WORD_PERS && tail == WORD_SIST ? OPTION_PERSIST : 0;
}

/**
 * Reads arguments `first` and following as options, of which `allowed` are known to the command.
 * Sets `options`, `timeArg` and `compareArg`. False after replying with a syntax error.
 */
export function parseOptionsOrReply(first: u32, allowed: u32): bool {
  let found: u32 = 0;
  timeArg = 0;
  compareArg = 0;
  for (let i = first; i < argc; i++) {
    const option = optionWord(i) & allowed;
    let excluded: u32 = 0;
    if (option & OPTIONS_CONDITION) excluded = OPTIONS_CONDITION & ~option;
    else if (option & OPTIONS_EXPIRY) excluded = OPTIONS_EXPIRY & ~option;
    const takesValue = (option & (OPTIONS_TIME | OPTIONS_COMPARE)) != 0;
    if (option == 0 || found & excluded || (takesValue && i + 1 == argc)) {
      replyError(ERR_SYNTAX);
      return false;
    }
    found |= option;
    if (!takesValue) continue;
    i += 1;
    if (option & OPTIONS_TIME) timeArg = i;
    else compareArg = i;
  }
  options = found;
  return true;
}

/**
 * Reads argument `i` as the time of an expiry option, `option`, into `expiryAtMs`. False after
 * replying with an error that names the command.
 */
export function parseExpiryOrReply(i: u32, option: u32, command: string): bool {
  if (!argI64OrReply(i)) return false;
  let at = argI64;
  const seconds = (option & (OPTION_EX | OPTION_EXAT)) != 0;
  if (at <= 0 || (seconds && at > i64.MAX_VALUE / 1000)) {
    replyInvalidExpireTime(command);
    return false;
  }
  if (seconds) at *= 1000;
  if (option & (OPTION_EX | OPTION_PX)) at += nowMs;
  if (at <= 0) {
    // The sum went beyond 64 bits.
    replyInvalidExpireTime(command);
    return false;
  }
  expiryAtMs = at;
  return true;
}
