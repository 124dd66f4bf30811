// What keeps a walk over the keyspace (snapshot/walk.ts) consistent as of its begin while commands run.
//
// Every entry carries a mark, one bit. A walk begins by giving the bit the other meaning, so that no
// entry is marked any more, and marks what it has written; new entries are born marked. An entry that is
// not marked still is as it was when the walk began, and before that changes it has to be written:
//
//   changed in place   `preserve` has it written at once; `lookupKey...` calls it for every key that a
//                      command looks up while `preserves` is set, which is so for those that may write
//   removed            `tryBury` keeps it, out of its table, until the walk has written it
//   emptied databases  the walk goes through their detached tables before these are freed (lazyfree.ts)
//
// Writing is the business of a layer above; `setPreserver` says who does it.
//
// `copiedBytes` is what changes cost the walk: the entries that had to be written before their turn, or
// kept although they were removed. Where Redis forks, copied pages are the counterpart.

import { free, tryAlloc } from '../memory/alloc';
import { Entry, EntryPtr, flipEntryMark } from './entry';
import { entryBytes } from './value';

const GRAVE_NEXT: usize = 0;
const GRAVE_ENTRY: usize = 4;
const GRAVE_DATABASE: usize = 8;
const GRAVE_BYTES: usize = 12;
/** Nodes of a list whose bytes are looked at. */
const SAMPLES: u32 = 5;

/** A walk is under way. */
export let walking: bool = false;
/** The running command may change what it looks up. */
export let preserves: bool = false;
/** Bytes of entries that the walk, or the last one, could not leave where they were. */
export let copiedBytes: f64 = 0;

let firstGrave: usize = 0;
let lastGrave: usize = 0;

function nobody(_databaseId: u32, _e: EntryPtr): void {}

let preserver: (databaseId: u32, e: EntryPtr) => void = nobody;

/** Who writes an entry, given the number its database had when the walk began. */
export function setPreserver(write: (databaseId: u32, e: EntryPtr) => void): void {
  preserver = write;
}

/** A walk begins: from here on nothing is marked but what is new. */
export function walkBegins(): void {
  flipEntryMark();
  copiedBytes = 0;
  walking = true;
}

/** The walk is over. What was buried must have been dug up. */
export function walkEnds(): void {
  assert(firstGrave == 0);
  walking = false;
  preserves = false;
}

export function setPreserves(on: bool): void {
  preserves = on;
}

/** Has an entry that is about to change written, if that is still to be done. */
export function preserve(databaseId: u32, e: EntryPtr): void {
  if (!walking || Entry.isMarked(e)) return;
  countCopied(e);
  preserver(databaseId, e);
}

/** Adds an entry to `copiedBytes`. */
export function countCopied(e: EntryPtr): void {
  copiedBytes += entryBytes(e, SAMPLES);
}

/**
 * Keeps an entry that was taken out of its table if the walk still needs it. False: it does not, or
 * memory is exhausted after the entry was written instead; then it is to be freed.
 */
export function tryBury(databaseId: u32, e: EntryPtr): bool {
  if (!walking || Entry.isMarked(e)) return false;
  countCopied(e);
  const grave = tryAlloc(GRAVE_BYTES);
  if (grave == 0) {
    preserver(databaseId, e);
    return false;
  }
  store<u32>(grave, 0, GRAVE_NEXT);
  store<u32>(grave, <u32>e, GRAVE_ENTRY);
  store<u32>(grave, databaseId, GRAVE_DATABASE);
  if (lastGrave == 0) firstGrave = grave;
  else store<u32>(lastGrave, <u32>grave, GRAVE_NEXT);
  lastGrave = grave;
  return true;
}

/** The entry that was buried first, 0 when there is none. */
export function buriedFirst(): EntryPtr {
  return firstGrave == 0 ? 0 : <usize>load<u32>(firstGrave, GRAVE_ENTRY);
}

/** The database it was in, when there is one. */
export function buriedDatabase(): u32 {
  return load<u32>(firstGrave, GRAVE_DATABASE);
}

/** Takes it out; it belongs to the caller. */
export function digUp(): EntryPtr {
  const grave = firstGrave;
  const e: EntryPtr = load<u32>(grave, GRAVE_ENTRY);
  firstGrave = load<u32>(grave, GRAVE_NEXT);
  if (firstGrave == 0) lastGrave = 0;
  free(grave);
  return e;
}
