// Parts of strings: APPEND, STRLEN, SETRANGE, GETRANGE, SUBSTR.

import { CFG_PROTO_MAX_BULK } from '../abi';
import { lookupKeyRead, lookupKeyWrite, tryStoreString } from '../keyspace/db';
import { NOTIFY_STRING } from '../keyspace/effects';
import { Entry, EntryPtr, NO_EXPIRE, TYPE_STRING } from '../keyspace/entry';
import { Settings } from '../keyspace/settings';
import {
  stringValueLen,
  tryAddRaw,
  tryGrowFound,
  viewLen,
  viewPtr,
  viewString,
} from '../keyspace/string_value';
import { argEvent } from '../resp/arg_event';
import { argI64, argI64OrReply } from '../resp/arg_number';
import { Arg } from '../resp/args';
import { mustObeyClient } from '../resp/connection';
import { ERR_OOM_LIMIT, ERR_TOO_LONG, ERR_WRONG_TYPE, replyError } from '../resp/errors';
import { replyBulk, replyInt } from '../resp/writer';
import { copySmall } from '../util/bytes';

/** Whether a string of `size` and `more` bytes may be built; both at least 0. Replies if not. */
function lengthAllowedOrReply(size: i64, more: i64): bool {
  if (mustObeyClient()) return true;
  const total = size + more;
  if (total >= 0 && total <= Settings.get(CFG_PROTO_MAX_BULK)) return true;
  replyError(ERR_TOO_LONG);
  return false;
}

/**
 * Makes the string found by the last lookup raw and `length` bytes long, or adds one where there is
 * none (`e` is 0), at argument 1. Bytes beyond the old end are undefined. Returns its entry; 0 after
 * replying that memory is exhausted, then nothing changed.
 */
export function growOrReply(e: EntryPtr, length: u64): EntryPtr {
  let grown: EntryPtr = 0;
  if (length <= <u64>u32.MAX_VALUE) {
    grown =
      e != 0
        ? tryGrowFound(e, <u32>length)
        : tryAddRaw(Arg.ptr(1), Arg.len(1), Arg.hash(1), <u32>length);
  }
  if (grown == 0) replyError(ERR_OOM_LIMIT);
  return grown;
}

/** APPEND key value */
export function appendCommand(): void {
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  const more = Arg.len(2);
  if (e == 0) {
    if (tryStoreString(0, Arg.ptr(1), Arg.len(1), Arg.hash(1), Arg.ptr(2), Arg.len(2), NO_EXPIRE)) {
      argEvent(1, NOTIFY_STRING, 'append', 1);
      replyInt(more);
    } else replyError(ERR_OOM_LIMIT);
    return;
  }
  if (Entry.type(e) != TYPE_STRING) {
    replyError(ERR_WRONG_TYPE);
    return;
  }
  const old = stringValueLen(e);
  if (!lengthAllowedOrReply(old, more)) return;
  const length = <u64>old + more;
  const grown = growOrReply(e, length);
  if (grown == 0) return;
  copySmall(Entry.stringPtr(grown) + old, Arg.ptr(2), more);
  argEvent(1, NOTIFY_STRING, 'append', 1);
  replyInt(length);
}

/** STRLEN key */
export function strlenCommand(): void {
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) replyInt(0);
  else if (Entry.type(e) != TYPE_STRING) replyError(ERR_WRONG_TYPE);
  else replyInt(stringValueLen(e));
}

/** SETRANGE key offset value */
export function setrangeCommand(): void {
  if (!argI64OrReply(2)) return;
  const offset = argI64;
  if (offset < 0) {
    replyError('ERR offset is out of range');
    return;
  }
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e != 0 && Entry.type(e) != TYPE_STRING) {
    replyError(ERR_WRONG_TYPE);
    return;
  }
  const old: u32 = e == 0 ? 0 : stringValueLen(e);
  const count = Arg.len(3);
  if (count == 0) {
    replyInt(old);
    return;
  }
  if (!lengthAllowedOrReply(offset, count)) return;
  const length = max<u64>(<u64>offset + count, old);
  const grown = growOrReply(e, length);
  if (grown == 0) return;
  const bytes = Entry.stringPtr(grown);
  const at = <u32>offset;
  if (at > old) memory.fill(bytes + old, 0, at - old);
  copySmall(bytes + at, Arg.ptr(3), count);
  argEvent(1, NOTIFY_STRING, 'setrange', 1);
  replyInt(length);
}

/** GETRANGE key start end, also by its old name SUBSTR */
export function getrangeCommand(): void {
  if (!argI64OrReply(2)) return;
  let start = argI64;
  if (!argI64OrReply(3)) return;
  let end = argI64;
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e != 0 && Entry.type(e) != TYPE_STRING) {
    replyError(ERR_WRONG_TYPE);
    return;
  }
  if (e == 0 || (start < 0 && end < 0 && start > end)) {
    replyBulk(0, 0);
    return;
  }
  viewString(e);
  const length = <i64>viewLen;
  if (start < 0) start = max<i64>(start + length, 0);
  if (end < 0) end = max<i64>(end + length, 0);
  end = min(end, length - 1);
  if (start > end) replyBulk(0, 0);
  else replyBulk(viewPtr + <usize>start, <u32>(end - start + 1));
}
