// GET, SET and their relatives: whole-value commands on strings.
import { lookupKeyRead, trySetString } from '../keyspace/db';
import { keyModified } from '../keyspace/effects';
import { ENCODING_INT, Entry, EntryPtr, NO_EXPIRE, TYPE_STRING } from '../keyspace/entry';
import { Arg } from '../resp/args';
import { ERR_OOM_LIMIT, ERR_WRONG_TYPE, replyError } from '../resp/errors';
import { replyBulk, replyBulkInt, replyNull, replyOk } from '../resp/writer';

function replyString(e: EntryPtr): void {
  if (Entry.encoding(e) == ENCODING_INT) replyBulkInt(Entry.intValue(e));
  else replyBulk(Entry.stringPtr(e), Entry.stringLen(e));
}

/** GET key */
export function getCommand(): void {
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) replyNull();
  else if (Entry.type(e) != TYPE_STRING) replyError(ERR_WRONG_TYPE);
  else replyString(e);
}

/** SET key value */
export function setCommand(): void {
  if (trySetString(Arg.ptr(1), Arg.len(1), Arg.hash(1), Arg.ptr(2), Arg.len(2), NO_EXPIRE)) {
    keyModified(1);
    replyOk();
  } else replyError(ERR_OOM_LIMIT);
}
