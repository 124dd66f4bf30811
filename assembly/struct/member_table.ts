// Member table: what large sets, hashes and sorted sets keep their members in, a Dict of blocks that
// hold a member and what belongs to it.
//
//   member, up to 239 bytes, no expiry            any other member
//   0       1            1+len                    0         1     5                13
//   +-------+------------+-----------+            +---------+-----+----------------+--------+---------+
//   | len   | bytes      | payload   |            | 0xf0    | len | expiry i64,    | bytes  | payload |
//   | u8    |            |           |            | | flags | u32 | when flags & 1 |        |         |
//   +-------+------------+-----------+            +---------+-----+----------------+--------+---------+
//
//   payload   set          nothing
//             sorted set   score f64
//             hash         value length u8, value bytes       up to 254 bytes
//                          or 0xff, u32 address of a block    [u32 length][bytes]
//
// Nothing is aligned: WebAssembly loads and stores do not care, and nearly all fit a cache line.
//
// An expiry belongs to one field (HEXPIRE). A table whose fields have ever had one has a tree of them
// by expiry (expiry_tree.ts), in a block of its own with room for what its owner remembers; so which
// field is due next, and how many are, is known at any time, and other tables pay nothing. The table
// itself treats expired fields as present: whether time has come is for the caller to say.
//
// A block moves when its size class changes: nothing but the table's slot (and the index of a sorted
// set) may hold its address across a call that stores a value or an expiry. The table owns blocks and
// value blocks.
//
// `...Found` functions act on the member that the last `memberFind` or `memberRandom` found, whatever
// table that was; any insert or delete in between makes it stale.
//
// Bytes per member, of a million, against Redis 7.0.15 (dictEntry, one or two sds, bucket):
//
//   set, 16 bytes         34 : 72   0.47        hash, 16 and 16 bytes   50 : 104   0.48
//   set, 8 bytes          26 : 56   0.46        hash, 8 and 4 bytes     26 : 64    0.40

import { free, goodSize, tryAlloc, tryRealloc, usableSize } from '../memory/alloc';
import { bytesEqual, copySmall } from '../util/bytes';
import { hashBytes } from '../util/siphash';
import {
  Bucket,
  BucketPtr,
  Dict,
  dictBucketAt,
  dictBytes,
  dictDropLast,
  dictFind,
  dictRandom,
  dictRemove,
  dictReplace,
  dictReserve,
  dictSlotOf,
  dictVerify,
  Slot,
  SlotPtr,
  tryDictInit,
  tryDictInsert,
} from './dict';
import {
  ExpiryAt,
  expiryTreeBytes,
  expiryTreeFirst,
  expiryTreeFreeStep,
  expiryTreeHas,
  expiryTreeMin,
  expiryTreeRank,
  expiryTreeRemove,
  expiryTreeVerify,
  Filed,
  NEVER_DUE,
  tryExpiryTreeInsert,
} from './expiry_tree';
import { Tree, treeInit } from './ordered_tree';

export type MemberPtr = usize;
export type MemberTablePtr = usize;

/** What the blocks of a table carry besides the member. */
export const MEMBERS_PLAIN: u32 = 0;
export const MEMBERS_VALUE: u32 = 1;
export const MEMBERS_SCORE: u32 = 2;

const HEAD_EXTENDED: u32 = 0xf0;
const HEAD_EXPIRES: u32 = 1;
const SHORT_HEAD_BYTES: u32 = 1;
const LONG_HEAD_BYTES: u32 = 5;
const EXPIRY_BYTES: u32 = 8;
const SCORE_BYTES: u32 = 8;

const VALUE_OUTSIDE: u32 = 0xff;
/** Longest value kept in its field's block. */
const VALUE_EMBED_MAX_BYTES: u32 = 0xfe;
const VALUE_ADDRESS_BYTES: u32 = 5;
const VALUE_HEADER_BYTES: usize = 4;

const BLOCK_MAX_BYTES: u64 = 0xfffffff0;

/** No expiry, for `expireAtMs` parameters. */
export const FIELD_NO_EXPIRE: i64 = -1;
/** Leaves the expiry of an existing field as it is. */
export const FIELD_KEEP_EXPIRE: i64 = -2;

/** A table's header. */
@unmanaged
export class MemberTable extends Dict {
  blockBytes: u64; // sum of the sizes of all members' and values' blocks
  kind: u32; // MEMBERS_*
  expiries: usize; // TableExpiries, 0 unless a field has ever had an expiry
}

export const MEMBER_TABLE_BYTES: usize = 56;

/** The fields of a table by expiry, behind what its owner files the table with. */
@unmanaged
export class TableExpiries extends Filed {
  treeRoot: usize;
  treeSize: u32;
  treeNodeBytes: u64;

  @inline order(): Tree {
    return changetype<Tree>(changetype<usize>(this) + EXPIRIES_TREE_OFFSET);
  }
}

const EXPIRIES_TREE_OFFSET: usize = 24;
const TABLE_EXPIRIES_BYTES: usize = 40;

/** Accessors over a member's block; all O(1) and without side effects. */
export class Member {
  @inline static hasExpire(m: MemberPtr): bool {
    return (<u32>load<u8>(m) & (HEAD_EXTENDED | HEAD_EXPIRES)) == (HEAD_EXTENDED | HEAD_EXPIRES);
  }
  /** Unix milliseconds; only valid when `hasExpire`. */
  @inline static expireAtMs(m: MemberPtr): i64 {
    return load<i64>(m, LONG_HEAD_BYTES);
  }
  /** The expiry, or FIELD_NO_EXPIRE. */
  @inline static expiry(m: MemberPtr): i64 {
    return Member.hasExpire(m) ? Member.expireAtMs(m) : FIELD_NO_EXPIRE;
  }
  @inline static len(m: MemberPtr): u32 {
    const head: u32 = load<u8>(m);
    return head < HEAD_EXTENDED ? head : load<u32>(m, SHORT_HEAD_BYTES);
  }
  @inline static ptr(m: MemberPtr): usize {
    const head: u32 = load<u8>(m);
    if (head < HEAD_EXTENDED) return m + SHORT_HEAD_BYTES;
    return m + LONG_HEAD_BYTES + ((head & HEAD_EXPIRES) << 3);
  }
  /** First byte after the member's own. */
  @inline static payload(m: MemberPtr): usize {
    return Member.ptr(m) + Member.len(m);
  }
  @inline static score(m: MemberPtr): f64 {
    return load<f64>(Member.payload(m));
  }
  @inline static setScore(m: MemberPtr, score: f64): void {
    store<f64>(Member.payload(m), score);
  }
  @inline static valueIsOutside(m: MemberPtr): bool {
    return load<u8>(Member.payload(m)) == VALUE_OUTSIDE;
  }
  /** The block of a value that lies outside. */
  @inline static valueBlock(m: MemberPtr): usize {
    return load<u32>(Member.payload(m), 1);
  }
  @inline static valueLen(m: MemberPtr): u32 {
    const short: u32 = load<u8>(Member.payload(m));
    return short != VALUE_OUTSIDE ? short : load<u32>(Member.valueBlock(m));
  }
  @inline static valuePtr(m: MemberPtr): usize {
    const payload = Member.payload(m);
    if (load<u8>(payload) != VALUE_OUTSIDE) return payload + 1;
    return <usize>load<u32>(payload, 1) + VALUE_HEADER_BYTES;
  }
}

/** What the Dict asks of a block; the address is `this`. */
@unmanaged
class TableMember {
  @inline keyEquals(key: usize, keyLen: u32): bool {
    const m = changetype<usize>(this);
    return Member.len(m) == keyLen && bytesEqual(Member.ptr(m), key, keyLen);
  }
  @inline keyHash(): u64 {
    const m = changetype<usize>(this);
    return hashBytes(Member.ptr(m), Member.len(m));
  }
  @inline expires(): bool {
    return Member.hasExpire(changetype<usize>(this));
  }
}

let foundSlot: SlotPtr = 0;
let foundHash: u64 = 0;

// --- Lookup ---

/** The block of a member, or 0. What it finds is what `...Found` functions act on. */
export function memberFind(t: MemberTable, member: usize, len: u32): MemberPtr {
  return memberFindHashed(t, member, len, hashBytes(member, len));
}

/** As `memberFind`, with a hash from `hashBytes` that served other tables already. */
export function memberFindHashed(t: MemberTable, member: usize, len: u32, hash: u64): MemberPtr {
  const slot = dictFind<TableMember>(t, member, len, hash);
  if (slot == 0) return 0;
  foundSlot = slot;
  foundHash = hash;
  return Slot.entry(slot);
}

/** A member picked at random, all equally likely; the table must not be empty. */
export function memberRandom(t: MemberTable): MemberPtr {
  foundSlot = dictRandom(t);
  const m = Slot.entry(foundSlot);
  foundHash = hashBytes(Member.ptr(m), Member.len(m));
  return m;
}

// --- Building blocks ---

/**
 * A block with its member written and room for the payload; 0 when memory is exhausted. The table
 * does not count it yet.
 */
function tryBuild(member: usize, len: u32, expireAtMs: i64, payloadBytes: u32): MemberPtr {
  const expires = expireAtMs >= 0;
  const short = len < HEAD_EXTENDED && !expires;
  const head = short ? SHORT_HEAD_BYTES : LONG_HEAD_BYTES + (expires ? EXPIRY_BYTES : 0);
  const total: u64 = <u64>head + len + payloadBytes;
  if (total > BLOCK_MAX_BYTES) return 0;
  const m = tryAlloc(<usize>total);
  if (m == 0) return 0;
  if (short) store<u8>(m, <u8>len);
  else {
    store<u8>(m, <u8>(HEAD_EXTENDED | (expires ? HEAD_EXPIRES : 0)));
    store<u32>(m, len, SHORT_HEAD_BYTES);
    if (expires) store<i64>(m, expireAtMs, LONG_HEAD_BYTES);
  }
  copySmall(m + head, member, len);
  return m;
}

function valuePayloadBytes(len: u32): u32 {
  return len <= VALUE_EMBED_MAX_BYTES ? 1 + len : VALUE_ADDRESS_BYTES;
}

/** A block [u32 length][bytes]; 0 when memory is exhausted. */
function tryValueBlock(value: usize, len: u32): usize {
  if (<u64>len > BLOCK_MAX_BYTES - VALUE_HEADER_BYTES) return 0;
  const block = tryAlloc(VALUE_HEADER_BYTES + <usize>len);
  if (block == 0) return 0;
  store<u32>(block, len);
  memory.copy(block + VALUE_HEADER_BYTES, value, len);
  return block;
}

/** A field's block; a value that does not fit in has a block of its own. 0: memory is exhausted. */
function tryBuildField(
  field: usize,
  len: u32,
  expireAtMs: i64,
  value: usize,
  valueLen: u32,
): MemberPtr {
  let block: usize = 0;
  if (valueLen > VALUE_EMBED_MAX_BYTES) {
    block = tryValueBlock(value, valueLen);
    if (block == 0) return 0;
  }
  const m = tryBuild(field, len, expireAtMs, valuePayloadBytes(valueLen));
  if (m == 0) {
    if (block != 0) free(block);
    return 0;
  }
  if (block != 0) storeValueBlock(m, block);
  else storeValue(m, value, valueLen);
  return m;
}

function storeValue(m: MemberPtr, value: usize, valueLen: u32): void {
  const payload = Member.payload(m);
  store<u8>(payload, <u8>valueLen);
  copySmall(payload + 1, value, valueLen);
}

function storeValueBlock(m: MemberPtr, block: usize): void {
  const payload = Member.payload(m);
  store<u8>(payload, <u8>VALUE_OUTSIDE);
  store<u32>(payload, <u32>block, 1);
}

/** Bytes of a member's blocks. */
function blockBytes(t: MemberTable, m: MemberPtr): u64 {
  let bytes = <u64>usableSize(m);
  if (t.kind == MEMBERS_VALUE && Member.valueIsOutside(m)) {
    bytes += <u64>usableSize(Member.valueBlock(m));
  }
  return bytes;
}

function freeBlocks(t: MemberTable, m: MemberPtr): void {
  if (t.kind == MEMBERS_VALUE && Member.valueIsOutside(m)) free(Member.valueBlock(m));
  free(m);
}

// --- Insertion ---

/** Files a new block (0 passes the failure on); on failure it is freed. */
function tryInsert(t: MemberTable, m: MemberPtr, hash: u64): MemberPtr {
  if (m == 0) return 0;
  const at = Member.expiry(m);
  if (at >= 0 && !tryOrder(t, m, at)) {
    freeBlocks(t, m);
    return 0;
  }
  if (!tryDictInsert<TableMember>(t, m, hash)) {
    if (at >= 0) unorder(t, m, at);
    freeBlocks(t, m);
    return 0;
  }
  t.blockBytes += blockBytes(t, m);
  return m;
}

/**
 * Adds a member of a set that is known to be absent; `hash` is its `hashBytes`. Returns its block, 0
 * when memory is exhausted; then nothing changed.
 */
export function tryMemberInsert(t: MemberTable, member: usize, len: u32, hash: u64): MemberPtr {
  return tryInsert(t, tryBuild(member, len, FIELD_NO_EXPIRE, 0), hash);
}

/** As `tryMemberInsert` for a member of a sorted set. */
export function tryScoredInsert(
  t: MemberTable,
  member: usize,
  len: u32,
  hash: u64,
  score: f64,
): MemberPtr {
  const m = tryBuild(member, len, FIELD_NO_EXPIRE, SCORE_BYTES);
  if (m != 0) Member.setScore(m, score);
  return tryInsert(t, m, hash);
}

/** As `tryMemberInsert` for a field of a hash; `expireAtMs` may be FIELD_NO_EXPIRE. */
export function tryFieldInsert(
  t: MemberTable,
  field: usize,
  len: u32,
  hash: u64,
  value: usize,
  valueLen: u32,
  expireAtMs: i64,
): MemberPtr {
  return tryInsert(t, tryBuildField(field, len, expireAtMs, value, valueLen), hash);
}

// --- Changing fields ---

/**
 * Gives the field `m`, found last, a value and an expiry (FIELD_KEEP_EXPIRE, FIELD_NO_EXPIRE or a
 * time). Returns its block, which may have moved; 0 when memory is exhausted, then nothing changed.
 * The value must not lie in the field's blocks.
 */
export function tryFieldReplaceFound(
  t: MemberTable,
  m: MemberPtr,
  value: usize,
  valueLen: u32,
  expireAtMs: i64,
): MemberPtr {
  const old = Member.expiry(m);
  const at = expireAtMs == FIELD_KEEP_EXPIRE ? old : max(expireAtMs, FIELD_NO_EXPIRE);
  if (at == old && tryOverwrite(t, m, value, valueLen)) return m;
  const fresh = tryBuildField(Member.ptr(m), Member.len(m), at, value, valueLen);
  if (fresh == 0) return 0;
  if (at >= 0 && !tryOrder(t, fresh, at)) {
    freeBlocks(t, fresh);
    return 0;
  }
  if (old >= 0) unorder(t, m, old);
  t.blockBytes += blockBytes(t, fresh) - blockBytes(t, m);
  dictReplace(t, foundSlot, fresh, at >= 0);
  freeBlocks(t, m);
  return fresh;
}

/** Writes a value over the old one when the blocks can stay; false when not, then nothing changed. */
function tryOverwrite(t: MemberTable, m: MemberPtr, value: usize, valueLen: u32): bool {
  const outside = Member.valueIsOutside(m);
  if (outside != valueLen > VALUE_EMBED_MAX_BYTES) return false;
  if (!outside) {
    const total = Member.payload(m) - m + 1 + valueLen;
    if (goodSize(total) != usableSize(m)) return false;
    storeValue(m, value, valueLen);
    return true;
  }
  if (<u64>valueLen > BLOCK_MAX_BYTES - VALUE_HEADER_BYTES) return false;
  const block = Member.valueBlock(m);
  const before = <u64>usableSize(block);
  const moved = tryRealloc(block, VALUE_HEADER_BYTES + <usize>valueLen);
  if (moved == 0) return false;
  t.blockBytes += <u64>usableSize(moved) - before;
  store<u32>(moved, valueLen);
  memory.copy(moved + VALUE_HEADER_BYTES, value, valueLen);
  storeValueBlock(m, moved);
  return true;
}

/**
 * Sets or (FIELD_NO_EXPIRE) removes the expiry of the field `m`, found last. Returns its block, which
 * may have moved; 0 when memory is exhausted, then nothing changed.
 */
export function tryFieldExpireFound(t: MemberTable, m: MemberPtr, atMs: i64): MemberPtr {
  const old = Member.expiry(m);
  const at = max(atMs, FIELD_NO_EXPIRE);
  if (at == old) return m;
  if (at >= 0 && old >= 0) {
    if (!tryOrder(t, m, at)) return 0;
    unorder(t, m, old);
    store<i64>(m, at, LONG_HEAD_BYTES);
    return m;
  }
  const payload = Member.payload(m);
  const bytes: u32 = Member.valueIsOutside(m) ? VALUE_ADDRESS_BYTES : 1 + Member.valueLen(m);
  const fresh = tryBuild(Member.ptr(m), Member.len(m), at, bytes);
  if (fresh == 0) return 0;
  if (at >= 0 && !tryOrder(t, fresh, at)) {
    free(fresh);
    return 0;
  }
  if (old >= 0) unorder(t, m, old);
  memory.copy(Member.payload(fresh), payload, bytes);
  t.blockBytes += <u64>usableSize(fresh) - <u64>usableSize(m);
  dictReplace(t, foundSlot, fresh, at >= 0);
  free(m);
  return fresh;
}

// --- The order of expiries ---

/** The block with the table's tree of fields by expiry, made if there is none; 0: no memory. */
export function tryTableExpiries(t: MemberTable): usize {
  if (offsetof<TableExpiries>('treeRoot') != 24) ERROR('the tree lies behind the record');
  if (offsetof<TableExpiries>() != 40) ERROR('TableExpiries is 40 bytes');
  if (t.expiries != 0) return t.expiries;
  const block = tryAlloc(TABLE_EXPIRIES_BYTES);
  if (block == 0) return 0;
  memory.fill(block, 0, TABLE_EXPIRIES_BYTES);
  treeInit(changetype<TableExpiries>(block).order());
  t.expiries = block;
  return block;
}

function orderOf(t: MemberTable): Tree {
  return changetype<TableExpiries>(t.expiries).order();
}

function tryOrder(t: MemberTable, m: MemberPtr, atMs: i64): bool {
  return tryTableExpiries(t) != 0 && tryExpiryTreeInsert(orderOf(t), atMs, m);
}

function unorder(t: MemberTable, m: MemberPtr, atMs: i64): void {
  expiryTreeRemove(orderOf(t), atMs, m);
}

/** When the first field expires: NEVER_DUE when none does. */
export function memberMinExpiry(t: MemberTable): i64 {
  return t.expires != 0 ? expiryTreeMin(orderOf(t)) : NEVER_DUE;
}

/** How many fields expire before a time. O(log n). */
export function memberExpiredCount(t: MemberTable, nowMs: i64): u32 {
  return t.expires != 0 ? expiryTreeRank(orderOf(t), nowMs) : 0;
}

/** The field that expires first, if that is before `nowMs`, for `memberRemove`; else 0. */
export function memberFirstExpired(t: MemberTable, nowMs: i64): MemberPtr {
  if (t.expires == 0) return 0;
  const first = expiryTreeFirst(orderOf(t));
  return ExpiryAt.atMs(first) < nowMs ? ExpiryAt.address(first) : 0;
}

// --- Deletion ---

/** Deletes the member found last. */
export function memberRemoveFound(t: MemberTable): void {
  const m = dictRemove(t, foundSlot, foundHash);
  if (Member.hasExpire(m)) unorder(t, m, Member.expireAtMs(m));
  t.blockBytes -= blockBytes(t, m);
  freeBlocks(t, m);
}

/** Deletes a member whose block is known. */
export function memberRemove(t: MemberTable, m: MemberPtr): void {
  foundHash = hashBytes(Member.ptr(m), Member.len(m));
  foundSlot = dictSlotOf(t, m, foundHash);
  memberRemoveFound(t);
}

// --- Walking ---

/** Position before the first member, for `memberNext`. */
export const MEMBERS_START: u64 = 0;

/**
 * The position of the member after `position`, 0 when there is none. Positions are good until the
 * next insert or delete in the table. Members come in no order that means anything.
 *
 *   bits 63..32   number of the bucket's chain
 *   bits 31..0    address of the bucket, and in its low six bits the slot + 1
 */
export function memberNext(t: MemberTable, position: u64): u64 {
  let index = <u32>(position >> 32);
  let b: BucketPtr = <usize>position & ~(<usize>63);
  let from = <u32>position & 63;
  if (b == 0) b = dictBucketAt(t, 0);
  while (true) {
    const rest = (Bucket.occupied(b) >> from) << from;
    if (rest != 0) return ((<u64>index) << 32) | (<u64>b + ctz(rest) + 1);
    from = 0;
    b = Bucket.next(b);
    if (b != 0) continue;
    index += 1;
    if (index == t.buckets) return 0;
    b = dictBucketAt(t, index);
  }
}

/** The member at a position that `memberNext` returned. */
export function memberAt(position: u64): MemberPtr {
  return Bucket.entry(<usize>position & ~(<usize>63), (<u32>position & 63) - 1);
}

// --- Life ---

/** Prepares a header for a table of MEMBERS_* blocks; false when memory is exhausted. */
export function tryMemberTableInit(t: MemberTable, kind: u32, expected: u32): bool {
  if (offsetof<MemberTable>() != 56) ERROR('MemberTable is 56 bytes');
  if (!tryDictInit(t)) return false;
  if (expected > 0) dictReserve(t, expected);
  t.blockBytes = 0;
  t.kind = kind;
  t.expiries = 0;
  return true;
}

/**
 * An empty table with room for `expected` members, which it may exceed; 0 when memory is exhausted.
 * The caller sees to it that `expected` is no promise of foreign bytes.
 */
export function tryMemberTableNew(kind: u32, expected: u32): MemberTablePtr {
  const block = tryAlloc(MEMBER_TABLE_BYTES);
  if (block == 0) return 0;
  if (tryMemberTableInit(changetype<MemberTable>(block), kind, expected)) return block;
  free(block);
  return 0;
}

/** A copy of a table and all its blocks; 0 when memory is exhausted. O(n). */
export function tryMemberTableCopy(t: MemberTable): MemberTablePtr {
  const block = tryMemberTableNew(t.kind, t.keys);
  if (block == 0) return 0;
  const copy = changetype<MemberTable>(block);
  for (let at = memberNext(t, MEMBERS_START); at != 0; at = memberNext(t, at)) {
    const m = memberAt(at);
    const hash = hashBytes(Member.ptr(m), Member.len(m));
    if (tryInsert(copy, tryCopyBlocks(t, m), hash) == 0) {
      memberTableFree(block);
      return 0;
    }
  }
  return block;
}

function tryCopyBlocks(t: MemberTable, m: MemberPtr): MemberPtr {
  const bytes = usableSize(m);
  const copy = tryAlloc(bytes);
  if (copy == 0) return 0;
  memory.copy(copy, m, bytes);
  if (t.kind != MEMBERS_VALUE || !Member.valueIsOutside(m)) return copy;
  const value = tryValueBlock(Member.valuePtr(m), Member.valueLen(m));
  if (value == 0) {
    free(copy);
    return 0;
  }
  storeValueBlock(copy, value);
  return copy;
}

/**
 * Frees about `budget` members of a table that nobody uses any more. True when it is gone, the header
 * excepted; until then call again, and nothing else.
 */
export function memberTableDrainStep(t: MemberTable, budget: u32): bool {
  if (t.expiries != 0) {
    // One leaf stands for as many fields as it may hold.
    if (!expiryTreeFreeStep(orderOf(t), max(budget / 32, 1))) return false;
    free(t.expiries);
    t.expiries = 0;
  }
  let left = budget;
  while (true) {
    for (let b = dictBucketAt(t, t.buckets - 1); b != 0; b = Bucket.next(b)) {
      const occupied = Bucket.occupied(b);
      for (let rest = occupied; rest != 0; rest &= rest - 1) {
        freeBlocks(t, Bucket.entry(b, ctz(rest)));
      }
      const count = <u32>popcnt(occupied);
      t.keys -= count;
      left -= min(left, count + 1);
    }
    if (!dictDropLast(t)) return true;
    if (left == 0) return false;
  }
}

/** As `memberTableDrainStep` for a table from `tryMemberTableNew`, whose header goes last. */
export function memberTableFreeStep(table: MemberTablePtr, budget: u32): bool {
  if (!memberTableDrainStep(changetype<MemberTable>(table), budget)) return false;
  free(table);
  return true;
}

/** Frees a table and everything in it at once. O(n). */
export function memberTableFree(table: MemberTablePtr): void {
  const gone = memberTableFreeStep(table, u32.MAX_VALUE);
  assert(gone);
}

/** Exact bytes of a table: header, buckets, blocks and the order of expiries. */
export function memberTableBytes(table: MemberTablePtr): f64 {
  const t = changetype<MemberTable>(table);
  const bytes = <f64>usableSize(table) + dictBytes(t) + <f64>t.blockBytes;
  return t.expiries != 0 ? bytes + expiryTreeBytes(t.expiries, orderOf(t)) : bytes;
}

/** Walks everything and asserts the invariants; for tests. O(n). */
export function memberTableVerify(t: MemberTable): void {
  dictVerify<TableMember>(t);
  let bytes: u64 = 0;
  for (let at = memberNext(t, MEMBERS_START); at != 0; at = memberNext(t, at)) {
    const m = memberAt(at);
    bytes += blockBytes(t, m);
    if (!Member.hasExpire(m)) continue;
    const ordered = expiryTreeHas(orderOf(t), Member.expireAtMs(m), m);
    assert(ordered);
  }
  assert(bytes == t.blockBytes);
  if (t.expiries == 0) assert(t.expires == 0);
  else {
    expiryTreeVerify(orderOf(t));
    assert(orderOf(t).size == t.expires);
  }
}
