// Test entry: entries on their own, in no table.

import { Entry, EntryPtr, entryFreeShell, entryHasBlock } from '../keyspace/entry';
import { free } from '../memory/alloc';

export {
  entryFreeShell,
  entryHasBlock,
  entryKeyEquals,
  overwriteInPlace,
  trimString,
  tryEntryCopyString,
  tryEntryRename,
  tryEntrySetExpire,
  tryGrowString,
  tryNewIntEntry,
  tryNewStringEntry,
} from '../keyspace/entry';
export { allocInit, free, goodSize, tryAlloc, usableSize, usedBytes } from '../memory/alloc';

export function type(e: EntryPtr): u32 {
  return Entry.type(e);
}

export function encoding(e: EntryPtr): u32 {
  return Entry.encoding(e);
}

export function clock(e: EntryPtr): u32 {
  return Entry.clock(e);
}

export function setClock(e: EntryPtr, value: u32): void {
  Entry.setClock(e, value);
}

/** Unix milliseconds, -1 without an expiry. */
export function expireAtMs(e: EntryPtr): i64 {
  return Entry.hasExpire(e) ? Entry.expireAtMs(e) : -1;
}

export function keyPtr(e: EntryPtr): usize {
  return Entry.key(e);
}

export function keyLen(e: EntryPtr): u32 {
  return Entry.keyLen(e);
}

export function intValue(e: EntryPtr): i64 {
  return Entry.intValue(e);
}

export function stringPtr(e: EntryPtr): usize {
  return Entry.stringPtr(e);
}

export function stringLen(e: EntryPtr): u32 {
  return Entry.stringLen(e);
}

export function isEmbedded(e: EntryPtr): bool {
  return Entry.isEmbedded(e);
}

/** The value's block, 0 when it has none. */
export function block(e: EntryPtr): usize {
  return entryHasBlock(e) ? Entry.valuePtr(e) : 0;
}

/** Frees an entry with its value. */
export function destroy(e: EntryPtr): void {
  if (entryHasBlock(e)) free(Entry.valuePtr(e));
  entryFreeShell(e);
}
