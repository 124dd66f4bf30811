// Keys that hold a list: storing a changed list in its entry, and making new ones.
//
// A list's address changes as it grows and shrinks (struct/list.ts); whoever changes one hands the new
// address back with `setList`, which keeps the entry's encoding in step.

import { ListPtr, listFree, listIsQuicklist, listNew } from '../struct/list';
import { initialClock } from './access_clock';
import { tryInsertNew } from './db';
import {
  ENCODING_LISTPACK,
  ENCODING_QUICKLIST,
  Entry,
  EntryPtr,
  NO_EXPIRE,
  TYPE_LIST,
  tryNewBlockEntry,
} from './entry';

/** The list of an entry of type TYPE_LIST. */
export function listOf(e: EntryPtr): ListPtr {
  return Entry.valuePtr(e);
}

/** Makes `list` what the entry holds. */
export function setList(e: EntryPtr, list: ListPtr): void {
  Entry.setValuePtr(e, list);
  const encoding = listIsQuicklist(list) ? ENCODING_QUICKLIST : ENCODING_LISTPACK;
  if (Entry.encoding(e) != encoding) Entry.setTypeEncoding(e, TYPE_LIST, encoding);
}

/**
 * Adds a key, known to be absent, that holds an empty list. The caller fills it at once or deletes it.
 * Returns its entry, 0 when memory is exhausted.
 */
export function tryNewListKey(key: usize, keyLen: u32, hash: u64): EntryPtr {
  const list = listNew();
  if (list == 0) return 0;
  const clock = initialClock();
  const e = tryNewBlockEntry(key, keyLen, TYPE_LIST, ENCODING_LISTPACK, list, clock, NO_EXPIRE);
  if (e == 0) {
    listFree(list);
    return 0;
  }
  return tryInsertNew(e, hash) ? e : 0;
}
