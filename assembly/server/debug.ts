// What DEBUG looks at and does inside the core: how one key is stored, how the hash table is
// filled, and many keys at once.

import {
  CHAIN_COUNTERS,
  KEY_INFO_ADDRESS,
  KEY_INFO_BYTES,
  KEY_INFO_CLOCK,
  KEY_INFO_ENCODING,
  KEY_INFO_ENTRY_BYTES,
  KEY_INFO_IDLE_SECONDS,
  KEY_INFO_SERIALIZED,
  KEY_INFO_TYPE,
  KEY_INFO_VALUE_BYTES,
  KEY_INFO_VALUE_LEN,
} from '../abi';
import { idleSeconds } from '../keyspace/access_clock';
import {
  Db,
  database,
  db,
  lookupKeyWrite,
  selectDatabase,
  stringEncoding,
  tryStoreText,
} from '../keyspace/db';
import { keyEvent, NOTIFY_GENERIC } from '../keyspace/effects';
import { ENCODING_INT, Entry, entryHasBlock, NO_EXPIRE, TYPE_STRING } from '../keyspace/entry';
import { Bucket, bucketAt, tableFind } from '../keyspace/key_table';
import { unitEnd } from '../keyspace/propagation';
import { free, tryAlloc, usableSize } from '../memory/alloc';
import { memoryNearlyExhausted } from '../memory/pages';
import { serializedBytes } from '../snapshot/payload';
import { formatU64, U64_CHARS_MAX } from '../util/number_format';
import { hashBytes } from '../util/siphash';

// --- One key ---

/**
 * Writes KEY_INFO_BYTES about a key to `out`. `compress`: as rdbcompression. False when there is no
 * such key; expired keys that are still stored are found.
 */
export function describeKey(
  databaseId: u32,
  key: usize,
  keyLen: u32,
  compress: bool,
  out: usize,
): bool {
  const e = tableFind(database(databaseId), key, keyLen, hashBytes(key, keyLen));
  if (e == 0) return false;
  memory.fill(out, 0, KEY_INFO_BYTES);
  store<u32>(out, <u32>e, KEY_INFO_ADDRESS);
  store<u32>(out, Entry.type(e), KEY_INFO_TYPE);
  store<u32>(out, Entry.encoding(e), KEY_INFO_ENCODING);
  store<u32>(out, Entry.clock(e), KEY_INFO_CLOCK);
  store<u32>(out, idleSeconds(e), KEY_INFO_IDLE_SECONDS);
  store<u32>(out, <u32>usableSize(e), KEY_INFO_ENTRY_BYTES);
  if (entryHasBlock(e)) store<u32>(out, <u32>usableSize(Entry.valuePtr(e)), KEY_INFO_VALUE_BYTES);
  if (Entry.type(e) == TYPE_STRING && Entry.encoding(e) != ENCODING_INT) {
    store<u32>(out, Entry.stringLen(e), KEY_INFO_VALUE_LEN);
  }
  store<f64>(out, serializedBytes(e, compress), KEY_INFO_SERIALIZED);
  return true;
}

// --- The hash table ---

/**
 * Counts the buckets of a database by how many entries are in their chains (only those with an
 * expiry, if `expiring`): CHAIN_COUNTERS u32 at `out`. Returns the length of the longest chain.
 */
export function tableChains(databaseId: u32, expiring: bool, out: usize): u32 {
  memory.fill(out, 0, CHAIN_COUNTERS << 2);
  const which = database(databaseId);
  let longest: u32 = 0;
  for (let index: u32 = 0; index < which.buckets; index++) {
    let length: u32 = 0;
    for (let b = bucketAt(which, index); b != 0; b = Bucket.next(b)) {
      length += <u32>popcnt(expiring ? Bucket.expiring(b) : Bucket.occupied(b));
    }
    longest = max(longest, length);
    const counter = out + (min<u32>(length, CHAIN_COUNTERS - 1) << 2);
    store<u32>(counter, load<u32>(counter) + 1);
  }
  return longest;
}

// --- Many keys ---

/** "value:" */
const VALUE_PREFIX: usize = memory.data<u8>([118, 97, 108, 117, 101, 58]);
const VALUE_PREFIX_BYTES: u32 = 6;

/** Sets one of the keys unless it exists. False when memory is exhausted. */
function tryPopulateOne(which: Db, key: usize, keyLen: u32, value: usize, valueLen: u32): bool {
  if (memoryNearlyExhausted()) return false;
  const hash = hashBytes(key, keyLen);
  if (lookupKeyWrite(key, keyLen, hash) != 0) return true;
  const encoding = stringEncoding(valueLen);
  if (!tryStoreText(0, key, keyLen, hash, value, valueLen, encoding, NO_EXPIRE)) return false;
  keyEvent(which.id, key, keyLen, hash, NOTIFY_GENERIC, '', 0);
  return true;
}

/**
 * Sets the keys "<prefix>:0" up to, not including, "<prefix>:<count>" that do not exist, to
 * "value:<n>", cut or filled with zero bytes to `valueBytes` unless that is 0. Counts as no change
 * to be saved. False when memory is exhausted; then some keys are set.
 */
export function tryPopulate(
  databaseId: u32,
  count: u64,
  prefix: usize,
  prefixLen: u32,
  valueBytes: u32,
): bool {
  const key = tryAlloc(<usize>prefixLen + 1 + U64_CHARS_MAX);
  if (key == 0) return false;
  const room = max(valueBytes, VALUE_PREFIX_BYTES + U64_CHARS_MAX);
  const value = tryAlloc(room);
  if (value == 0) {
    free(key);
    return false;
  }
  memory.copy(key, prefix, prefixLen);
  store<u8>(key + prefixLen, 58);
  memory.fill(value, 0, room);
  memory.copy(value, VALUE_PREFIX, VALUE_PREFIX_BYTES);
  const current = db;
  selectDatabase(databaseId);
  let good = true;
  for (let n: u64 = 0; n < count && good; n++) {
    const keyLen = prefixLen + 1 + formatU64(n, key + prefixLen + 1);
    const textLen = VALUE_PREFIX_BYTES + formatU64(n, value + VALUE_PREFIX_BYTES);
    good = tryPopulateOne(db, key, keyLen, value, valueBytes == 0 ? textLen : valueBytes);
  }
  selectDatabase(current.id);
  unitEnd();
  free(value);
  free(key);
  return good;
}
