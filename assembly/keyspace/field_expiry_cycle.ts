// Active expiry of hash fields: removes fields whose time has come without anybody asking for them.
//
// Each database knows its hashes with field expiries by the time they are due (field_expiries.ts), and
// each hash its fields, so the cycle never looks at anything that is not due: an idle tick reads the
// first entry of a tree per database. What is due is removed at once as far as time allows; a backlog
// asks to be called again, and goes on where it was, because the trees are the order of work.
//
// O(log n) per field.

import { CFG_ACTIVE_EXPIRE, STAT_EXPIRE_CYCLE_US } from '../abi';
import { dictCandidates } from '../struct/dict';
import { ExpiryAt, expiryTreeFrom, Filed, NEVER_DUE, tryFile } from '../struct/expiry_tree';
import { Tree } from '../struct/ordered_tree';
import { clockUs, nowMs } from './clock';
import { Db, database, databaseCount, entryEvent, entryRemoved } from './db';
import { NOTIFY_GENERIC, NOTIFY_HASH } from './effects';
import { Entry, EntryPtr, TYPE_HASH } from './entry';
import { filedOf, firstExpiry } from './field_expiries';
import { hashReap } from './hash_expiry';
import { HashValue, hashClose, hashOpen, hashSize } from './hash_value';
import { Bucket, tableBucket, tableFind, tableRemoveFound } from './key_table';
import { preserve, walking } from './preserve';
import { unitApart, unitEnd } from './propagation';
import { Settings } from './settings';
import { Stats } from './stats';
import { isBig } from './value';

const FIELDS_PER_CLOCK: u32 = 32;

/** What became of a hash that was due. */
const HASH_DONE: u32 = 0;
/** Time ran out. */
const HASH_LATE: u32 = 1;
/** Without memory to file it anew it stays where it is, and has its turn again at the next tick. */
const HASH_STUCK: u32 = 2;

const hash: HashValue = changetype<HashValue>(memory.data(8, 8));
let nextDatabase: u32 = 0;

/** The entry whose hash a record belongs to. */
function entryOf(which: Db, filed: Filed): EntryPtr {
  let b = tableBucket(which, filed.hash);
  while (true) {
    for (let rest = dictCandidates(b, filed.hash); rest != 0; rest &= rest - 1) {
      const e = Bucket.entry(b, ctz(rest));
      if (Entry.type(e) == TYPE_HASH && Entry.valuePtr(e) == filed.owner) return e;
    }
    b = Bucket.next(b);
    assert(b != 0);
  }
}

/** Removes an entry whose hash has no field left. */
function removeEmpty(which: Db, e: EntryPtr, keyHash: u64): void {
  entryEvent(which, e, NOTIFY_GENERIC, 'del');
  tableFind(which, Entry.key(e), Entry.keyLen(e), keyHash);
  entryRemoved(which, tableRemoveFound(which, keyHash));
}

/** Removes what is due of a hash, as much as time allows: HASH_*. */
function expireHash(which: Db, filed: Filed, deadlineUs: f64): u32 {
  const keyHash = filed.hash;
  const e = entryOf(which, filed);
  if (walking && !Entry.isMarked(e)) {
    // A walk that has not written a big hash yet comes to it in its own steps.
    if (isBig(e)) return HASH_STUCK;
    preserve(which.walkId, e);
  }
  hashOpen(hash, e);
  let reaped: u32 = 0;
  let late = false;
  unitApart();
  while (true) {
    const some = hashReap(hash, which, e, FIELDS_PER_CLOCK);
    reaped += some;
    if (some < FIELDS_PER_CLOCK) break;
    if (clockUs() >= deadlineUs) {
      late = true;
      break;
    }
  }
  unitEnd();
  if (reaped > 0) entryEvent(which, e, NOTIFY_HASH, 'hexpired');
  if (hashSize(hash) == 0) {
    removeEmpty(which, e, keyHash);
    return late ? HASH_LATE : HASH_DONE;
  }
  hashClose(hash, e);
  if (late) return HASH_LATE;
  const due = firstExpiry(hash.encoding, hash.block);
  if (due == NEVER_DUE) return HASH_DONE;
  const record = changetype<Filed>(filedOf(hash.encoding, hash.block));
  return tryFile(record, which.expiryTree, due) ? HASH_DONE : HASH_STUCK;
}

/** Works on one database. True when it was left with work to do. */
function expireDatabase(which: Db, deadlineUs: f64): bool {
  const tree = changetype<Tree>(which.expiryTree);
  let fromMs: i64 = 0;
  let from: usize = 0;
  let done: u32 = 0;
  while (true) {
    const first = expiryTreeFrom(tree, fromMs, from);
    if (first == 0) return false;
    const atMs = ExpiryAt.atMs(first);
    if (atMs >= nowMs) return false;
    const record = ExpiryAt.address(first);
    const outcome = expireHash(which, changetype<Filed>(record), deadlineUs);
    if (outcome == HASH_LATE) return true;
    if (outcome == HASH_STUCK) {
      fromMs = atMs;
      from = record + 1;
      continue;
    }
    done += 1;
    if ((done & (FIELDS_PER_CLOCK - 1)) == 0 && clockUs() >= deadlineUs) return true;
  }
}

/** One step of the cycle, until `deadlineUs`. True when fields are due that it had no time for. */
export function fieldExpireStep(deadlineUs: f64): bool {
  if (!Settings.on(CFG_ACTIVE_EXPIRE)) return false;
  let beganUs: f64 = 0;
  for (let n: u32 = 0; n < databaseCount; n++) {
    if (nextDatabase >= databaseCount) nextDatabase = 0;
    const which = database(nextDatabase);
    if (changetype<Tree>(which.expiryTree).size != 0) {
      if (beganUs == 0) beganUs = clockUs();
      if (expireDatabase(which, deadlineUs)) {
        Stats.add(STAT_EXPIRE_CYCLE_US, clockUs() - beganUs);
        return true;
      }
    }
    nextDatabase += 1;
  }
  if (beganUs != 0) Stats.add(STAT_EXPIRE_CYCLE_US, clockUs() - beganUs);
  return false;
}
