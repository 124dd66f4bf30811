// A digest of the data, for DEBUG DIGEST and DEBUG DIGEST-VALUE: equal data gives equal digests in
// this server and in Redis, whatever order keys are stored in.
//
//   xor(d, x)   d ^= SHA1(x)                 order does not matter
//   mix(d, x)   d = SHA1(d ^ SHA1(x))        order matters
//
//   value    mix(type u32 big-endian), then the type's own part, then xor("!!expire!!") when the
//            key has an expiry. A string's part: mix(its bytes). A set's: xor(each member). A hash's:
//            for each field xor(d), d from zero: mix(field), mix(value), and xor("!!hexpire!!") if
//            the field has an expiry. A list's: mix(each element). A sorted set's: as a hash's, of
//            members and scores as "%.17g" has them. A stream's: for each entry mix("ms.seq"), then
//            mix(field), mix(value) for each field.
//   key      from zero: mix(name), value
//   all      from zero, per database that holds keys: mix(index u32 big-endian), xor(digest of each
//            key). That digest is hashed once more, as any bytes given to xor are.
//
// Expired keys that are still stored count, as in Redis. O(bytes stored).

import { database, databaseCount } from '../keyspace/db';
import {
  ENCODING_LISTPACK,
  Entry,
  EntryPtr,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_STRING,
  TYPE_ZSET,
} from '../keyspace/entry';
import {
  HASH_WALK_BYTES,
  HashValue,
  HashWalk,
  hashField,
  hashFieldExpiry,
  hashItem,
  hashNext,
  hashOpen,
  hashWalkAll,
  itemToText,
} from '../keyspace/hash_value';
import { Bucket, bucketAt, tableFind } from '../keyspace/key_table';
import { listOf } from '../keyspace/list_value';
import { SetValue, SetWalk, setMemberText, setNext, setOpen, setWalk } from '../keyspace/set_value';
import { streamOf } from '../keyspace/stream_value';
import { VIEW_SCRATCH_BYTES, viewLen, viewPtr, viewStringIn } from '../keyspace/string_value';
import {
  cursorMemberText,
  cursorNext,
  cursorScore,
  cursorSeek,
  memberLen,
  memberPtr,
} from '../keyspace/zset_value';
import {
  ListIterator,
  ListPtr,
  listCurrentText,
  listIteratorStart,
  listNext,
  listValueLen,
} from '../struct/list';
import { lpGetText, lpValueLen } from '../struct/listpack';
import {
  STREAM_ITERATOR_BYTES,
  StreamIterator,
  streamIteratorField,
  streamIteratorNext,
  streamIteratorStartAll,
} from '../struct/stream_nodes';
import { F64_CHARS_MAX, formatF64Precise, formatU64 } from '../util/number_format';
import { SHA1_BYTES, sha1 } from '../util/sha1';
import { hashBytes } from '../util/siphash';

/** "!!expire!!" */
const EXPIRE_MARK: usize = memory.data<u8>([33, 33, 101, 120, 112, 105, 114, 101, 33, 33]);
const EXPIRE_MARK_BYTES: u32 = 10;
/** "!!hexpire!!" */
const FIELD_EXPIRE_MARK: usize = memory.data<u8>([
  33, 33, 104, 101, 120, 112, 105, 114, 101, 33, 33,
]);
const FIELD_EXPIRE_MARK_BYTES: u32 = 11;

const hash: usize = memory.data(24, 8);
const keyDigest: usize = memory.data(24, 8);
const iterator: usize = memory.data(32, 8);
const memberDigest: usize = memory.data(24, 8);
const scoreText: usize = memory.data(<i32>F64_CHARS_MAX, 8);
const bigEndian: usize = memory.data(8, 8);
const set: SetValue = changetype<SetValue>(memory.data(8, 8));
const fields: HashValue = changetype<HashValue>(memory.data(8, 8));
const fieldWalk: HashWalk = changetype<HashWalk>(memory.data(HASH_WALK_BYTES, 8));
const fieldDigest: usize = memory.data(24, 8);
const members: SetWalk = changetype<SetWalk>(memory.data(40, 8));
const ASCII_POINT: u8 = 46;
const entryWalk: usize = memory.data(<i32>STREAM_ITERATOR_BYTES, 8);
const idText: usize = memory.data(48, 8);
const digits: usize = memory.data(<i32>VIEW_SCRATCH_BYTES, 8);

function xorDigest(digest: usize, ptr: usize, len: u32): void {
  sha1(ptr, len, hash);
  for (let i: u32 = 0; i < SHA1_BYTES; i += 4) {
    store<u32>(digest + i, load<u32>(digest + i) ^ load<u32>(hash + i));
  }
}

function mixDigest(digest: usize, ptr: usize, len: u32): void {
  xorDigest(digest, ptr, len);
  sha1(digest, SHA1_BYTES, digest);
}

function mixNumber(digest: usize, value: u32): void {
  store<u32>(bigEndian, bswap(value));
  mixDigest(digest, bigEndian, 4);
}

/** A list's part: mix(each element). */
function addList(digest: usize, list: ListPtr): void {
  const it = changetype<ListIterator>(iterator);
  listIteratorStart(it, list, 0, false);
  while (listNext(it)) {
    const text = listCurrentText(it, digits);
    mixDigest(digest, text, listValueLen);
  }
}

/** A sorted set's part: xor(of each member, from zero: mix(member), mix(its score, "%.17g")). */
function addZset(digest: usize, e: EntryPtr): void {
  for (let more = cursorSeek(e, 0); more; more = cursorNext()) {
    memory.fill(memberDigest, 0, SHA1_BYTES);
    cursorMemberText();
    mixDigest(memberDigest, memberPtr, memberLen);
    mixDigest(memberDigest, scoreText, formatF64Precise(cursorScore(), scoreText));
    xorDigest(digest, memberDigest, SHA1_BYTES);
  }
}

/** A stream's part: of each entry mix("ms.seq"), and of each of its fields mix(field), mix(value). */
function addStream(digest: usize, e: EntryPtr): void {
  const it = changetype<StreamIterator>(entryWalk);
  streamIteratorStartAll(it, streamOf(e), false);
  while (streamIteratorNext(it)) {
    let len = formatU64(it.ms, idText);
    store<u8>(idText + len, ASCII_POINT);
    len += 1;
    len += formatU64(it.seq, idText + len);
    mixDigest(digest, idText, len);
    while (streamIteratorField(it)) {
      const field = lpGetText(it.field, digits);
      mixDigest(digest, field, lpValueLen);
      const value = lpGetText(it.value, digits);
      mixDigest(digest, value, lpValueLen);
    }
  }
}

function addString(digest: usize, e: EntryPtr): void {
  viewStringIn(e, digits);
  mixDigest(digest, viewPtr, viewLen);
}

function addSet(digest: usize, e: EntryPtr): void {
  setOpen(set, e);
  setWalk(members, set);
  while (setNext(members)) {
    setMemberText(members);
    xorDigest(digest, members.ptr, members.len);
  }
}

function addHash(digest: usize, e: EntryPtr): void {
  hashOpen(fields, e);
  hashWalkAll(fieldWalk, fields);
  const canExpire = fields.encoding != ENCODING_LISTPACK;
  while (hashNext(fieldWalk)) {
    memory.fill(fieldDigest, 0, SHA1_BYTES);
    itemToText(hashField);
    mixDigest(fieldDigest, hashField.ptr, hashField.len);
    itemToText(hashItem);
    mixDigest(fieldDigest, hashItem.ptr, hashItem.len);
    if (canExpire && hashFieldExpiry >= 0) {
      xorDigest(fieldDigest, FIELD_EXPIRE_MARK, FIELD_EXPIRE_MARK_BYTES);
    }
    xorDigest(digest, fieldDigest, SHA1_BYTES);
  }
}

/** Adds a value, with its type and expiry, to a digest. */
function addValue(digest: usize, e: EntryPtr): void {
  const type = Entry.type(e);
  mixNumber(digest, type);
  if (type == TYPE_STRING) addString(digest, e);
  else if (type == TYPE_LIST) addList(digest, listOf(e));
  else if (type == TYPE_SET) addSet(digest, e);
  else if (type == TYPE_ZSET) addZset(digest, e);
  else if (type == TYPE_STREAM) addStream(digest, e);
  else {
    assert(type == TYPE_HASH);
    addHash(digest, e);
  }
  if (Entry.hasExpire(e)) xorDigest(digest, EXPIRE_MARK, EXPIRE_MARK_BYTES);
}

function addKey(digest: usize, e: EntryPtr): void {
  memory.fill(keyDigest, 0, SHA1_BYTES);
  mixDigest(keyDigest, Entry.key(e), Entry.keyLen(e));
  addValue(keyDigest, e);
  xorDigest(digest, keyDigest, SHA1_BYTES);
}

/** Writes the digest of all databases, SHA1_BYTES, to `out`. */
export function datasetDigest(out: usize): void {
  memory.fill(out, 0, SHA1_BYTES);
  for (let i: u32 = 0; i < databaseCount; i++) {
    const which = database(i);
    if (which.keys == 0) continue;
    mixNumber(out, i);
    for (let index: u32 = 0; index < which.buckets; index++) {
      for (let b = bucketAt(which, index); b != 0; b = Bucket.next(b)) {
        let rest = Bucket.occupied(b);
        while (rest != 0) {
          addKey(out, Bucket.entry(b, ctz(rest)));
          rest &= rest - 1;
        }
      }
    }
  }
}

/** Writes the digest of a key's value to `out`: zeros when there is no such key. */
export function valueDigest(databaseId: u32, key: usize, keyLen: u32, out: usize): void {
  memory.fill(out, 0, SHA1_BYTES);
  const e = tableFind(database(databaseId), key, keyLen, hashBytes(key, keyLen));
  if (e != 0) addValue(out, e);
}
