// Keys of the wrong type.
import { Entry, EntryPtr } from '../keyspace/entry';
import { ERR_WRONG_TYPE, replyError } from '../resp/errors';

/** Whether an entry is of a type; if not, that is replied. */
export function hasTypeOrReply(e: EntryPtr, type: u32): bool {
  if (Entry.type(e) == type) return true;
  replyError(ERR_WRONG_TYPE);
  return false;
}
