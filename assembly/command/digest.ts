// DIGEST, DELEX, and the conditions that compare a value or its digest: IFEQ, IFNE, IFDEQ, IFDNE.
//
// A digest is the XXH3 hash of a string's bytes in 16 hexadecimal digits, so a client can say which
// value it means without sending it. Of a digest that a client sends only the length is checked;
// one that is not hexadecimal equals none, as in Redis.

import { deleteFound, lookupKeyRead, lookupKeyWrite } from '../keyspace/db';
import { NOTIFY_GENERIC } from '../keyspace/effects';
import { Entry, EntryPtr, TYPE_STRING } from '../keyspace/entry';
import { propagating } from '../keyspace/propagation';
import { stringEquals, viewLen, viewPtr, viewString } from '../keyspace/string_value';
import { argEvent } from '../resp/arg_event';
import { Arg, argc } from '../resp/args';
import { ERR_WRONG_TYPE, replyError, replyWrongArguments } from '../resp/errors';
import { commandOp, opArg } from '../resp/propagate';
import { outputLen, outputRewind, replyBulk, replyInt, replyNull } from '../resp/writer';
import { equalsIgnoreCase } from '../util/bytes';
import { formatDigest, xxh3 } from '../util/xxh3';
import {
  OPTION_IFDNE,
  OPTION_IFEQ,
  OPTION_IFNE,
  OPTIONS_COMPARE,
  optionWord,
} from './string_options';

const DIGEST_CHARS: u32 = 16;
const ERR_DIGEST_LENGTH: string = 'ERR must be exactly 16 hexadecimal characters';

const text: usize = memory.data(16, 8);

/** Writes the digest of a string to `text`. */
function digestString(e: EntryPtr): void {
  viewString(e);
  formatDigest(xxh3(viewPtr, viewLen), text);
}

/** DIGEST key */
export function digestCommand(): void {
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) replyNull();
  else if (Entry.type(e) != TYPE_STRING) replyError(ERR_WRONG_TYPE);
  else {
    digestString(e);
    replyBulk(text, DIGEST_CHARS);
  }
}

// --- Conditions ---

export const COMPARE_FAILS: i32 = 0;
export const COMPARE_HOLDS: i32 = 1;
export const COMPARE_ERROR: i32 = 2;

/**
 * Whether the condition `option` (one of OPTIONS_COMPARE) with argument `i` holds for the value found,
 * 0 standing for a missing key: that equals nothing. COMPARE_ERROR after an error reply, which takes
 * the place of everything replied since `start`.
 */
export function compareOrReply(e: EntryPtr, option: u32, i: u32, start: u32): i32 {
  const negated = (option & (OPTION_IFNE | OPTION_IFDNE)) != 0;
  if (e == 0) return <i32>negated;
  if (Entry.type(e) != TYPE_STRING) {
    outputRewind(start);
    replyError(ERR_WRONG_TYPE);
    return COMPARE_ERROR;
  }
  if (option & (OPTION_IFEQ | OPTION_IFNE)) {
    return <i32>(stringEquals(e, Arg.ptr(i), Arg.len(i)) != negated);
  }
  if (Arg.len(i) != DIGEST_CHARS) {
    outputRewind(start);
    replyError(ERR_DIGEST_LENGTH);
    return COMPARE_ERROR;
  }
  digestString(e);
  return <i32>(equalsIgnoreCase(Arg.ptr(i), DIGEST_CHARS, text) != negated);
}

/** DELEX key [condition] */
export function delexCommand(): void {
  if (argc != 2 && argc != 4) {
    replyWrongArguments('delex');
    return;
  }
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) {
    replyInt(0);
    return;
  }
  if (argc == 4) {
    if (Entry.type(e) != TYPE_STRING) {
      replyError('ERR Key should be of string type if conditions are specified');
      return;
    }
    const option = optionWord(2) & OPTIONS_COMPARE;
    if (option == 0) {
      replyError('ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE');
      return;
    }
    const outcome = compareOrReply(e, option, 3, outputLen());
    if (outcome != COMPARE_HOLDS) {
      if (outcome == COMPARE_FAILS) replyInt(0);
      return;
    }
  }
  deleteFound(Arg.hash(1));
  argEvent(1, NOTIFY_GENERIC, 'del', 1);
  replyInt(1);
  if (!propagating) return;
  commandOp('DEL', 2);
  opArg(1);
}
