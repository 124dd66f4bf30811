// A key's entry: header, expiry, value and key in one block.
//
//   0        4       5        6         8
//   +--------+-------+--------+---------+----------+------------+---------+-----------------+
//   | head   | flags | embed  | key len | expiry   | value slot | key     | embedded value  |
//   | u32    | u8    | len u8 | u16     | i64, opt | 0, 4, 8 B  | bytes   | opt             |
//   +--------+-------+--------+---------+----------+------------+---------+-----------------+
//
//   head   bits 0..23 access clock (LRU seconds or LFU minutes+counter), 24..27 type,
//          28..31 encoding
//   flags  ENTRY_EXPIRE the expiry field is there; ENTRY_EMBEDDED the value's bytes follow the key;
//          ENTRY_LONG_KEY key len is a u32 placed before the key bytes (keys of 65,535 bytes on);
//          ENTRY_MARK whether a walk has written the entry, whose meaning changes (preserve.ts)
//   slot   integer encoding: the i64; embedded: nothing; else a u32 pointer to the value's block
//
// The encoding is the name OBJECT ENCODING prints, not the layout: a string of 45 to
// EMBED_MAX_BYTES bytes is "raw" to a client and still embedded. A string block outside the entry
// is [u32 length][bytes]; its capacity is what the allocator says.
//
// An entry moves whenever its size changes: nothing but the key table's slot may hold its address
// across a call that stores a value or sets an expiry. Keys and values are owned by the entry.
//
// A 16-byte key with a 3-byte value takes 8 + 16 + 3 = 27, a block of 32 bytes.

import { free, goodSize, tryAlloc, tryRealloc, usableSize } from '../memory/alloc';
import { bytesEqual, copySmall } from '../util/bytes';

export type EntryPtr = usize;

export const TYPE_STRING: u32 = 0;
export const TYPE_LIST: u32 = 1;
export const TYPE_SET: u32 = 2;
export const TYPE_ZSET: u32 = 3;
export const TYPE_HASH: u32 = 4;
export const TYPE_STREAM: u32 = 6;

export const ENCODING_RAW: u32 = 0;
export const ENCODING_INT: u32 = 1;
export const ENCODING_HASHTABLE: u32 = 2;
export const ENCODING_INTSET: u32 = 6;
export const ENCODING_SKIPLIST: u32 = 7;
export const ENCODING_EMBSTR: u32 = 8;
export const ENCODING_QUICKLIST: u32 = 9;
export const ENCODING_STREAM: u32 = 10;
export const ENCODING_LISTPACK: u32 = 11;
export const ENCODING_LISTPACK_EX: u32 = 12;

const ENTRY_KEY_LEN: usize = 6;
const ENTRY_FLAGS: usize = 4;
const ENTRY_EMBED_LEN: usize = 5;
const ENTRY_HEADER_BYTES: usize = 8;

const ENTRY_EXPIRE: u32 = 1;
const ENTRY_EMBEDDED: u32 = 2;
const ENTRY_LONG_KEY: u32 = 4;
const ENTRY_MARK: u32 = 8;

const LONG_KEY_BYTES: u32 = 0xffff;
/** Longest string that "embstr" names. */
export const EMBSTR_MAX_BYTES: u32 = 44;
/** Longest string kept inside the entry, whatever its encoding is called. */
export const EMBED_MAX_BYTES: u32 = 192;
/** Longest string there can be; address arithmetic below this does not wrap. */
export const STRING_MAX_BYTES: u32 = 0xffe00000;
const STRING_HEADER_BYTES: usize = 4;

const CLOCK_MASK: u32 = 0xffffff;

// --- Header fields ---

/** Accessors over an entry's packed fields; all O(1) and without side effects. */
export class Entry {
  @inline static type(e: EntryPtr): u32 {
    return (load<u32>(e) >> 24) & 15;
  }
  @inline static encoding(e: EntryPtr): u32 {
    return load<u32>(e) >> 28;
  }
  @inline static clock(e: EntryPtr): u32 {
    return load<u32>(e) & CLOCK_MASK;
  }
  @inline static setClock(e: EntryPtr, clock: u32): void {
    store<u32>(e, (load<u32>(e) & ~CLOCK_MASK) | clock);
  }
  @inline static setTypeEncoding(e: EntryPtr, type: u32, encoding: u32): void {
    store<u32>(e, (load<u32>(e) & CLOCK_MASK) | (type << 24) | (encoding << 28));
  }
  @inline static flags(e: EntryPtr): u32 {
    return load<u8>(e, ENTRY_FLAGS);
  }
  @inline static hasExpire(e: EntryPtr): bool {
    return (load<u8>(e, ENTRY_FLAGS) & ENTRY_EXPIRE) != 0;
  }
  /** Unix milliseconds; only valid when `hasExpire`. */
  @inline static expireAtMs(e: EntryPtr): i64 {
    return load<i64>(e, ENTRY_HEADER_BYTES);
  }
  @inline static setExpireAtMs(e: EntryPtr, atMs: i64): void {
    store<i64>(e, atMs, ENTRY_HEADER_BYTES);
  }
  @inline static slot(e: EntryPtr): usize {
    return e + ENTRY_HEADER_BYTES + ((Entry.flags(e) & ENTRY_EXPIRE) << 3);
  }
  @inline static slotBytes(e: EntryPtr): usize {
    if (Entry.flags(e) & ENTRY_EMBEDDED) return 0;
    return Entry.encoding(e) == ENCODING_INT ? 8 : 4;
  }
  @inline static keyLen(e: EntryPtr): u32 {
    const short: u32 = load<u16>(e, ENTRY_KEY_LEN);
    return short != LONG_KEY_BYTES ? short : load<u32>(Entry.slot(e) + Entry.slotBytes(e));
  }
  @inline static key(e: EntryPtr): usize {
    return Entry.slot(e) + Entry.slotBytes(e) + (Entry.flags(e) & ENTRY_LONG_KEY);
  }
  /** The value's block: a string's, or the structure of another type. Not for embedded or integer. */
  @inline static valuePtr(e: EntryPtr): usize {
    return load<u32>(Entry.slot(e));
  }
  @inline static setValuePtr(e: EntryPtr, ptr: usize): void {
    store<u32>(Entry.slot(e), <u32>ptr);
  }
  @inline static intValue(e: EntryPtr): i64 {
    return load<i64>(Entry.slot(e));
  }
  @inline static setIntValue(e: EntryPtr, value: i64): void {
    store<i64>(Entry.slot(e), value);
  }
  /** Whether the walk under way has written the entry, or the last one had. */
  @inline static isMarked(e: EntryPtr): bool {
    return (Entry.flags(e) & ENTRY_MARK) == entryMark;
  }
  @inline static mark(e: EntryPtr): void {
    store<u8>(e, (Entry.flags(e) & ~ENTRY_MARK) | entryMark, ENTRY_FLAGS);
  }
  @inline static isEmbedded(e: EntryPtr): bool {
    return (Entry.flags(e) & ENTRY_EMBEDDED) != 0;
  }
  /** Length in bytes of a string that is not integer encoded. */
  @inline static stringLen(e: EntryPtr): u32 {
    return Entry.isEmbedded(e) ? load<u8>(e, ENTRY_EMBED_LEN) : load<u32>(Entry.valuePtr(e));
  }
  /** Bytes of a string that is not integer encoded. */
  @inline static stringPtr(e: EntryPtr): usize {
    return Entry.isEmbedded(e)
      ? Entry.key(e) + Entry.keyLen(e)
      : Entry.valuePtr(e) + STRING_HEADER_BYTES;
  }
}

/** What the mark of a marked entry is: 0 or ENTRY_MARK. New entries are marked. */
let entryMark: u32 = 0;

/** Gives marks the other meaning. */
export function flipEntryMark(): void {
  entryMark ^= ENTRY_MARK;
}

/** True when the entry's key is these bytes. */
export function entryKeyEquals(e: EntryPtr, key: usize, keyLen: u32): bool {
  if (<u32>load<u16>(e, ENTRY_KEY_LEN) != min(keyLen, LONG_KEY_BYTES)) return false;
  if (keyLen >= LONG_KEY_BYTES && Entry.keyLen(e) != keyLen) return false;
  return bytesEqual(Entry.key(e), key, keyLen);
}

// --- Building and changing ---

/**
 * Allocates an entry and writes header and key; the value slot and the embedded bytes are left to
 * the caller. 0 when memory is exhausted.
 */
function tryBuild(
  key: usize,
  keyLen: u32,
  head: u32,
  embedBytes: u32,
  embedded: bool,
  slotBytes: u32,
  expireAtMs: i64,
): EntryPtr {
  const expires = expireAtMs >= 0;
  const long = keyLen >= LONG_KEY_BYTES;
  const total: u64 =
    <u64>ENTRY_HEADER_BYTES +
    ((<u64>expires) << 3) +
    slotBytes +
    ((<u64>long) << 2) +
    keyLen +
    embedBytes;
  if (total > 0xfffffff0) return 0;
  const e = tryAlloc(<usize>total);
  if (e == 0) return 0;
  store<u32>(e, head);
  store<u8>(
    e,
    (expires ? ENTRY_EXPIRE : 0) |
      (embedded ? ENTRY_EMBEDDED : 0) |
      (long ? ENTRY_LONG_KEY : 0) |
      entryMark,
    ENTRY_FLAGS,
  );
  store<u8>(e, <u8>embedBytes, ENTRY_EMBED_LEN);
  store<u16>(e, <u16>min(keyLen, LONG_KEY_BYTES), ENTRY_KEY_LEN);
  if (expires) store<i64>(e, expireAtMs, ENTRY_HEADER_BYTES);
  if (long) store<u32>(Entry.slot(e) + slotBytes, keyLen);
  copySmall(Entry.key(e), key, keyLen);
  return e;
}

/** A block for a string outside the entry, its bytes undefined; 0 when memory is exhausted. */
export function tryStringBlock(length: u32): usize {
  if (length > STRING_MAX_BYTES) return 0;
  const block = tryAlloc(STRING_HEADER_BYTES + <usize>length);
  if (block != 0) store<u32>(block, length);
  return block;
}

/** The bytes of a string block. */
export function stringBlockBytes(block: usize): usize {
  return block + STRING_HEADER_BYTES;
}

/** No expiry, for `expireAtMs` parameters. */
export const NO_EXPIRE: i64 = -1;

/**
 * An entry holding a copy of a string that is not to be integer encoded. `encoding` is
 * ENCODING_EMBSTR or ENCODING_RAW. 0 when memory is exhausted; then nothing is allocated.
 */
export function tryNewStringEntry(
  key: usize,
  keyLen: u32,
  value: usize,
  valueLen: u32,
  encoding: u32,
  clock: u32,
  expireAtMs: i64,
): EntryPtr {
  const head = clock | (TYPE_STRING << 24) | (encoding << 28);
  if (valueLen <= EMBED_MAX_BYTES) {
    const e = tryBuild(key, keyLen, head, valueLen, true, 0, expireAtMs);
    if (e != 0) copySmall(Entry.key(e) + keyLen, value, valueLen);
    return e;
  }
  const block = tryStringBlock(valueLen);
  if (block == 0) return 0;
  memory.copy(stringBlockBytes(block), value, valueLen);
  const e = tryBuild(key, keyLen, head, 0, false, 4, expireAtMs);
  if (e == 0) free(block);
  else Entry.setValuePtr(e, block);
  return e;
}

/** An entry of an integer-encoded string; 0 when memory is exhausted. */
export function tryNewIntEntry(
  key: usize,
  keyLen: u32,
  value: i64,
  clock: u32,
  expireAtMs: i64,
): EntryPtr {
  const head = clock | (TYPE_STRING << 24) | (ENCODING_INT << 28);
  const e = tryBuild(key, keyLen, head, 0, false, 8, expireAtMs);
  if (e != 0) Entry.setIntValue(e, value);
  return e;
}

/** An entry of any type whose value is `block`, which it then owns; 0 when memory is exhausted. */
export function tryNewBlockEntry(
  key: usize,
  keyLen: u32,
  type: u32,
  encoding: u32,
  block: usize,
  clock: u32,
  expireAtMs: i64,
): EntryPtr {
  const e = tryBuild(key, keyLen, clock | (type << 24) | (encoding << 28), 0, false, 4, expireAtMs);
  if (e != 0) Entry.setValuePtr(e, block);
  return e;
}

/**
 * Overwrites a string's value without moving the entry, when its layout and block allow it: same
 * embedded length class or a value that fits the block it has. Returns false when the caller has to
 * build a new entry; then nothing changed.
 */
export function overwriteInPlace(e: EntryPtr, value: usize, valueLen: u32, encoding: u32): bool {
  if (Entry.type(e) != TYPE_STRING) return false;
  if (!Entry.isEmbedded(e)) return overwriteBlock(e, value, valueLen, encoding);
  if (valueLen > EMBED_MAX_BYTES) return false;
  const at = Entry.key(e) + Entry.keyLen(e);
  if (<u32>load<u8>(e, ENTRY_EMBED_LEN) != valueLen) {
    const bytes = at - e + valueLen;
    const room = usableSize(e);
    // Also refuse to keep a block that is far too big for the new value.
    if (bytes > room || bytes + 16 < room) return false;
    store<u8>(e, <u8>valueLen, ENTRY_EMBED_LEN);
  }
  copySmall(at, value, valueLen);
  Entry.setTypeEncoding(e, TYPE_STRING, encoding);
  return true;
}

/** The same for a string outside the entry: its block is kept if a new one would be as big. */
function overwriteBlock(e: EntryPtr, value: usize, valueLen: u32, encoding: u32): bool {
  if (Entry.encoding(e) == ENCODING_INT || valueLen <= EMBED_MAX_BYTES) return false;
  const block = Entry.valuePtr(e);
  if (goodSize(STRING_HEADER_BYTES + <usize>valueLen) != usableSize(block)) return false;
  store<u32>(block, valueLen);
  memory.copy(block + STRING_HEADER_BYTES, value, valueLen);
  Entry.setTypeEncoding(e, TYPE_STRING, encoding);
  return true;
}

/**
 * Makes a string's bytes writable at a length of `length`, not below the old one, with room for
 * `spare` more bytes so that repeated growth is amortised; bytes beyond the old end are undefined.
 * The encoding becomes raw. Not for integers. Returns the entry's new address (it may move), 0 when
 * memory is exhausted; then the string is unchanged.
 */
export function tryGrowString(e: EntryPtr, length: u32, spare: u32): EntryPtr {
  if (!Entry.isEmbedded(e)) {
    const block = Entry.valuePtr(e);
    const wanted = STRING_HEADER_BYTES + <usize>length;
    let grown = block;
    if (wanted > usableSize(block)) {
      grown = spare == 0 ? 0 : tryRealloc(block, wanted + spare);
      if (grown == 0) grown = tryRealloc(block, wanted);
      if (grown == 0) return 0;
      Entry.setValuePtr(e, grown);
    }
    store<u32>(grown, length);
    Entry.setTypeEncoding(e, TYPE_STRING, ENCODING_RAW);
    return e;
  }
  if (length > EMBED_MAX_BYTES) return tryUnembed(e, length, spare);
  let moved = e;
  if (<u32>load<u8>(e, ENTRY_EMBED_LEN) != length) {
    moved = tryRealloc(e, Entry.key(e) + Entry.keyLen(e) - e + length);
    if (moved == 0) return 0;
    store<u8>(moved, <u8>length, ENTRY_EMBED_LEN);
  }
  Entry.setTypeEncoding(moved, TYPE_STRING, ENCODING_RAW);
  return moved;
}

/** Changes the length of a string that is not an integer, within the room it has where it is. */
export function setStringLen(e: EntryPtr, length: u32): void {
  if (Entry.isEmbedded(e)) store<u8>(e, <u8>length, ENTRY_EMBED_LEN);
  else store<u32>(Entry.valuePtr(e), length);
}

/** Moves an embedded string to a block of its own, `length` bytes long. */
function tryUnembed(e: EntryPtr, length: u32, spare: u32): EntryPtr {
  let block = tryAlloc(STRING_HEADER_BYTES + <usize>length + spare);
  if (block == 0 && spare != 0) block = tryAlloc(STRING_HEADER_BYTES + <usize>length);
  if (block == 0) return 0;
  store<u32>(block, length);
  memory.copy(block + STRING_HEADER_BYTES, Entry.stringPtr(e), Entry.stringLen(e));
  const head = Entry.clock(e) | (TYPE_STRING << 24) | (ENCODING_RAW << 28);
  const at = Entry.hasExpire(e) ? Entry.expireAtMs(e) : NO_EXPIRE;
  const moved = tryBuild(Entry.key(e), Entry.keyLen(e), head, 0, false, 4, at);
  if (moved == 0) {
    free(block);
    return 0;
  }
  Entry.setValuePtr(moved, block);
  free(e);
  return moved;
}

/**
 * Sets, changes or (with NO_EXPIRE) removes the expiry. Returns the entry's address, which moves
 * when the field appears or vanishes; 0 when memory is exhausted, then nothing changed. Changing and
 * removing never fail.
 */
export function tryEntrySetExpire(e: EntryPtr, atMs: i64): EntryPtr {
  const has = Entry.hasExpire(e);
  if (atMs >= 0 ? has : !has) {
    if (has) Entry.setExpireAtMs(e, atMs);
    return e;
  }
  const slot = Entry.slot(e);
  const tail = Entry.key(e) + Entry.keyLen(e) - slot + load<u8>(e, ENTRY_EMBED_LEN);
  const to = ENTRY_HEADER_BYTES + ((<usize>!has) << 3);
  const moved = tryAlloc(to + tail);
  if (moved == 0) {
    if (!has) return 0;
    // Without a smaller block the entry stays in the one it has.
    memory.copy(e + to, slot, tail);
    store<u8>(e, load<u8>(e, ENTRY_FLAGS) ^ <u8>ENTRY_EXPIRE, ENTRY_FLAGS);
    return e;
  }
  store<u64>(moved, load<u64>(e));
  store<u8>(moved, load<u8>(e, ENTRY_FLAGS) ^ <u8>ENTRY_EXPIRE, ENTRY_FLAGS);
  memory.copy(moved + to, slot, tail);
  if (!has) Entry.setExpireAtMs(moved, atMs);
  free(e);
  return moved;
}

/**
 * A copy of the entry under another key and with another access clock, sharing its value: one of the
 * two has to go by `entryFreeShell`. 0 when memory is exhausted.
 */
export function tryEntryRename(e: EntryPtr, key: usize, keyLen: u32, clock: u32): EntryPtr {
  const at = Entry.hasExpire(e) ? Entry.expireAtMs(e) : NO_EXPIRE;
  const head = (load<u32>(e) & ~CLOCK_MASK) | clock;
  const embedLen: u32 = load<u8>(e, ENTRY_EMBED_LEN);
  const slotBytes = <u32>Entry.slotBytes(e);
  const moved = tryBuild(key, keyLen, head, embedLen, Entry.isEmbedded(e), slotBytes, at);
  if (moved == 0) return 0;
  if (Entry.isEmbedded(e)) copySmall(Entry.key(moved) + keyLen, Entry.stringPtr(e), embedLen);
  else if (slotBytes == 8) Entry.setIntValue(moved, Entry.intValue(e));
  else Entry.setValuePtr(moved, Entry.valuePtr(e));
  return moved;
}

/**
 * A copy of a string's entry under another key, with a value of its own in the same encoding and the
 * same expiry. 0 when memory is exhausted.
 */
export function tryEntryCopyString(e: EntryPtr, key: usize, keyLen: u32, clock: u32): EntryPtr {
  assert(Entry.type(e) == TYPE_STRING);
  const at = Entry.hasExpire(e) ? Entry.expireAtMs(e) : NO_EXPIRE;
  const encoding = Entry.encoding(e);
  if (encoding == ENCODING_INT) return tryNewIntEntry(key, keyLen, Entry.intValue(e), clock, at);
  const value = Entry.stringPtr(e);
  return tryNewStringEntry(key, keyLen, value, Entry.stringLen(e), encoding, clock, at);
}

/** Frees the entry but not the value's block, which now belongs to someone else. */
export function entryFreeShell(e: EntryPtr): void {
  free(e);
}

/** True when the value lies in a block of its own. */
export function entryHasBlock(e: EntryPtr): bool {
  return !Entry.isEmbedded(e) && Entry.encoding(e) != ENCODING_INT;
}

/** Shrinks the block of a raw string to its length. Never fails: without memory it stays as it is. */
export function trimString(e: EntryPtr): void {
  if (!entryHasBlock(e)) return;
  const moved = tryRealloc(Entry.valuePtr(e), STRING_HEADER_BYTES + <usize>Entry.stringLen(e));
  if (moved != 0) Entry.setValuePtr(e, moved);
}
