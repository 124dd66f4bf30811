// Entries that were read from a file and are about to be filed in their database.
//
// Filing a key costs the miss on its bucket's line. So entries gather here, up to 64 of them, and
// their lines are loaded one after another before the first is filed: loads that do not depend on
// each other overlap. Entries belong to the window until they are filed.

import { RDB_FAULT_DUPLICATE_KEY, RDB_FAULT_NO_MEMORY } from '../abi';
import { clockUs } from '../keyspace/clock';
import { Db, entryFree, LOAD_DUPLICATE, LOADED, tryLoadEntry } from '../keyspace/db';
import { Entry, EntryPtr } from '../keyspace/entry';
import { tableBucket } from '../keyspace/key_table';
import { lazyfreeStep } from '../keyspace/lazyfree';
import { memoryNearlyExhausted } from '../memory/pages';
import { hashBytes } from '../util/siphash';

/** u64 hash, u32 entry. */
const ITEM_BYTES: u32 = 16;
const ITEM_ENTRY: usize = 8;
const WINDOW: u32 = 64;
const SLICE_US: f64 = 1000;

const items: usize = memory.data(1024, 16);
let count: u32 = 0;
/** Keeps the loads from being optimised away. */
export let windowSink: u32 = 0;
/** The entry whose key was there already, after RDB_FAULT_DUPLICATE_KEY; it is the caller's. */
export let windowDuplicate: EntryPtr = 0;
/** Keys that were filed since the count was set back. */
export let windowFiled: f64 = 0;

/** Empties the window, which holds nothing. */
export function windowInit(): void {
  if (WINDOW * ITEM_BYTES != 1024) ERROR('items');
  assert(count == 0);
  windowFiled = 0;
  windowDuplicate = 0;
}

/** Takes an entry in. True when the window is full: then `windowFlush` has to follow. */
export function windowAdd(e: EntryPtr): bool {
  const item = items + count * ITEM_BYTES;
  store<u64>(item, hashBytes(Entry.key(e), Entry.keyLen(e)));
  store<u32>(item, <u32>e, ITEM_ENTRY);
  count += 1;
  return count == WINDOW;
}

/** Files the entries. Returns 0, or an RDB_FAULT_* when not all could be filed; the others are freed. */
export function windowFlush(db: Db, replaces: bool): u32 {
  const stop = items + count * ITEM_BYTES;
  if (stop == items) return 0;
  if (memoryNearlyExhausted() && !tryFreeDeferred()) {
    windowDrop();
    return RDB_FAULT_NO_MEMORY;
  }
  count = 0;
  let sum: u32 = 0;
  for (let item = items; item < stop; item += ITEM_BYTES) {
    sum += load<u8>(tableBucket(db, load<u64>(item)));
  }
  windowSink = sum;
  for (let item = items; item < stop; item += ITEM_BYTES) {
    const came = tryLoadEntry(db, load<u32>(item, ITEM_ENTRY), load<u64>(item), replaces);
    if (came == LOADED) continue;
    windowFiled += <f64>((item - items) / ITEM_BYTES);
    if (came == LOAD_DUPLICATE) {
      windowDuplicate = load<u32>(item, ITEM_ENTRY);
      item += ITEM_BYTES;
    }
    freeFrom(item, stop);
    return came == LOAD_DUPLICATE ? RDB_FAULT_DUPLICATE_KEY : RDB_FAULT_NO_MEMORY;
  }
  windowFiled += <f64>((stop - items) / ITEM_BYTES);
  return 0;
}

function freeFrom(item: usize, stop: usize): void {
  for (; item < stop; item += ITEM_BYTES) entryFree(load<u32>(item, ITEM_ENTRY));
}

/** Frees the entries. */
export function windowDrop(): void {
  freeFrom(items, items + count * ITEM_BYTES);
  count = 0;
}

/** Frees what waits for it, as long as too little memory is left to serve from. */
function tryFreeDeferred(): bool {
  while (memoryNearlyExhausted() && lazyfreeStep(clockUs() + SLICE_US));
  return !memoryNearlyExhausted();
}
