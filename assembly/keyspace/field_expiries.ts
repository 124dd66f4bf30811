// Field expiries of a hash's block, whatever its encoding, and how a database finds hashes in time.
//
//   listpack      no field has an expiry
//   listpackex    an ExpiringFields record and the listpack of triples it refers to
//   hashtable     a member table; its TableExpiries once a field has had an expiry
//
// Both records begin with a Filed. A database has a tree of them by the time their hashes are due:
//
//   Db.expiryTree --> (due, record), (due, record) ...
//                            |
//                            +-- hash of the key, block of the value --> entry in the key table
//
// Entries move and are renamed, so a record does not refer to one: the key's hash and the value's
// block, which both stay, find it among the entries of one bucket.
//
// A hash is filed exactly while one of its fields has an expiry, and never later than the first of
// them; that it may be filed too early spares writers work, and the cycle that comes for it files it
// anew. Its record leaves the tree before the block is freed or goes elsewhere.

import { free, tryAlloc, usableSize } from '../memory/alloc';
import { TRIPLE, triplesExpired, triplesMinExpiry } from '../struct/expiring_listpack';
import { Filed, NEVER_DUE, tryFile, unfile } from '../struct/expiry_tree';
import { ListpackPtr, lpBlockBytes, lpDup, lpFree, lpLength } from '../struct/listpack';
import { MemberTable, memberExpiredCount, memberMinExpiry } from '../struct/member_table';
import { ENCODING_HASHTABLE, ENCODING_LISTPACK_EX } from './entry';

/** The block of a hash in its listpackex encoding. */
@unmanaged
export class ExpiringFields extends Filed {
  listpack: ListpackPtr;
}

const EXPIRING_FIELDS_BYTES: usize = 28;

// --- The listpackex encoding ---

/** A record that takes over a listpack of triples, filed nowhere; 0 without memory. */
export function tryExpiringFields(triples: ListpackPtr): usize {
  if (offsetof<ExpiringFields>() != 28) ERROR('ExpiringFields is 28 bytes');
  const block = tryAlloc(EXPIRING_FIELDS_BYTES);
  if (block == 0) return 0;
  memory.fill(block, 0, EXPIRING_FIELDS_BYTES);
  changetype<ExpiringFields>(block).listpack = triples;
  return block;
}

export function expiringFieldsFree(block: usize): void {
  lpFree(changetype<ExpiringFields>(block).listpack);
  free(block);
}

/** A copy that is filed nowhere; 0 without memory. */
export function tryExpiringFieldsCopy(block: usize): usize {
  const triples = lpDup(changetype<ExpiringFields>(block).listpack);
  if (triples == 0) return 0;
  const copy = tryExpiringFields(triples);
  if (copy == 0) lpFree(triples);
  return copy;
}

export function expiringFieldsBytes(block: usize): f64 {
  return <f64>usableSize(block) + <f64>lpBlockBytes(changetype<ExpiringFields>(block).listpack);
}

export function expiringFieldsLength(block: usize): u32 {
  return lpLength(changetype<ExpiringFields>(block).listpack) / TRIPLE;
}

// --- Any encoding ---

/** The record of a hash, 0 when it cannot have field expiries as it is. */
export function filedOf(encoding: u32, block: usize): usize {
  if (encoding == ENCODING_HASHTABLE) return changetype<MemberTable>(block).expiries;
  return encoding == ENCODING_LISTPACK_EX ? block : 0;
}

/** When the first field expires: NEVER_DUE when none does. */
export function firstExpiry(encoding: u32, block: usize): i64 {
  if (encoding == ENCODING_HASHTABLE) return memberMinExpiry(changetype<MemberTable>(block));
  if (encoding != ENCODING_LISTPACK_EX) return NEVER_DUE;
  const first = triplesMinExpiry(changetype<ExpiringFields>(block).listpack);
  return first >= 0 ? first : NEVER_DUE;
}

/** How many fields expire before a time. */
export function expiredFields(encoding: u32, block: usize, nowMs: i64): u32 {
  if (encoding == ENCODING_HASHTABLE) {
    return memberExpiredCount(changetype<MemberTable>(block), nowMs);
  }
  if (encoding != ENCODING_LISTPACK_EX) return 0;
  return triplesExpired(changetype<ExpiringFields>(block).listpack, nowMs);
}

// --- Filing ---

/** Files the record of a hash whose key has the hash `keyHash`. False without memory. */
export function tryFileRecord(
  record: usize,
  block: usize,
  keyHash: u64,
  tree: usize,
  atMs: i64,
): bool {
  const filed = changetype<Filed>(record);
  if (!tryFile(filed, tree, atMs)) return false;
  filed.hash = keyHash;
  filed.owner = block;
  return true;
}

/** Files a hash, if it has field expiries, under the first of them. False without memory. */
export function tryFileHash(encoding: u32, block: usize, keyHash: u64, tree: usize): bool {
  const atMs = firstExpiry(encoding, block);
  if (atMs == NEVER_DUE) return true;
  return tryFileRecord(filedOf(encoding, block), block, keyHash, tree, atMs);
}

/** Takes a hash out of the tree it is filed in, if any. */
export function unfileHash(encoding: u32, block: usize): void {
  const record = filedOf(encoding, block);
  if (record != 0) unfile(changetype<Filed>(record));
}

/** Takes a hash out of its tree when no field of it has an expiry any more. */
export function settleHash(encoding: u32, block: usize): void {
  const record = filedOf(encoding, block);
  if (record == 0 || changetype<Filed>(record).tree == 0) return;
  if (firstExpiry(encoding, block) == NEVER_DUE) unfile(changetype<Filed>(record));
}
