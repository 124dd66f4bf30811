// Commands on keys whatever they hold, and on whole databases: DEL, EXISTS, TYPE, RENAME, COPY, MOVE,
// RANDOMKEY, SELECT, SWAPDB, FLUSHALL and their relatives. Expiry is in expire.ts, SCAN and KEYS in
// scan.ts.
//
// A value is moved by RENAME and MOVE without being copied; only the entry, which holds the key, is
// built anew. COPY duplicates the value in its encoding.
import { CFG_LAZYFREE_USER_DEL, CFG_LAZYFREE_USER_FLUSH, CFG_TELL_FLUSHALL } from '../abi';
import { touchEntry } from '../keyspace/access_clock';
import {
  Db,
  database,
  databaseCount,
  db,
  deleteKey,
  lookupKeyRead,
  lookupKeyReadNoTouch,
  lookupKeyWrite,
  lookupKeyWriteIn,
  randomKey,
  selectDatabase,
  swapDatabases,
  tryCopyKey,
  tryMoveKey,
} from '../keyspace/db';
import {
  DATABASE_FLUSHED,
  DATABASE_SWAPPED,
  databaseEvent,
  keyModified,
  NOTIFY_GENERIC,
  noteFlushAll,
} from '../keyspace/effects';
import { Entry } from '../keyspace/entry';
import { freeLazily } from '../keyspace/lazy_values';
import { flushDatabase } from '../keyspace/lazyfree';
import { forceCommand, unitApart } from '../keyspace/propagation';
import { Settings } from '../keyspace/settings';
import { argEvent, argEventIn } from '../resp/arg_event';
import { argI32OrReply, argI32OrText, argI64 } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import { client } from '../resp/connection';
import {
  ERR_DB_INDEX,
  ERR_NO_SUCH_KEY,
  ERR_OOM_LIMIT,
  ERR_SAME_OBJECT,
  ERR_SYNTAX,
  replyError,
} from '../resp/errors';
import { replyBulk, replyInt, replyNull, replyOk, replySimple } from '../resp/writer';
import { bytesEqual } from '../util/bytes';
import { typeName } from './type_names';

// --- Several keys at once ---

/** DEL key [key ...] */
export function delCommand(): void {
  const before = freeLazily(Settings.on(CFG_LAZYFREE_USER_DEL));
  removeKeys();
  freeLazily(before);
}

function removeKeys(): void {
  let deleted: u32 = 0;
  for (let i: u32 = 1; i < argc; i++) {
    if (!deleteKey(Arg.ptr(i), Arg.len(i), Arg.hash(i))) continue;
    argEvent(i, NOTIFY_GENERIC, 'del', 1);
    deleted += 1;
  }
  replyInt(deleted);
}

/** UNLINK key [key ...]: values of many parts are freed later. */
export function unlinkCommand(): void {
  const before = freeLazily(true);
  removeKeys();
  freeLazily(before);
}

/** EXISTS key [key ...] */
export function existsCommand(): void {
  let found: u32 = 0;
  for (let i: u32 = 1; i < argc; i++) {
    if (lookupKeyReadNoTouch(Arg.ptr(i), Arg.len(i), Arg.hash(i)) != 0) found += 1;
  }
  replyInt(found);
}

/** TOUCH key [key ...]: counts as use even for a client that chose NO-TOUCH. */
export function touchCommand(): void {
  let found: u32 = 0;
  for (let i: u32 = 1; i < argc; i++) {
    const e = lookupKeyReadNoTouch(Arg.ptr(i), Arg.len(i), Arg.hash(i));
    if (e == 0) continue;
    touchEntry(e);
    found += 1;
  }
  replyInt(found);
}

// --- One key ---

/** TYPE key */
export function typeCommand(): void {
  const e = lookupKeyReadNoTouch(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  replySimple(e == 0 ? 'none' : typeName(Entry.type(e)));
}

/** RANDOMKEY */
export function randomkeyCommand(): void {
  unitApart();
  const e = randomKey();
  if (e == 0) replyNull();
  else replyBulk(Entry.key(e), Entry.keyLen(e));
}

/** Whether arguments 1 and 2 are the same key. */
function isSameKey(): bool {
  return Arg.len(1) == Arg.len(2) && bytesEqual(Arg.ptr(1), Arg.ptr(2), Arg.len(1));
}

/** Renames; `onlyNew` refuses to replace a key. False when it was refused, or the error is sent. */
function tryRenameOrReply(onlyNew: bool): bool {
  if (lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1)) == 0) {
    replyError(ERR_NO_SUCH_KEY);
    return false;
  }
  if (isSameKey()) {
    if (onlyNew) replyInt(0);
    return !onlyNew;
  }
  if (lookupKeyWrite(Arg.ptr(2), Arg.len(2), Arg.hash(2)) != 0 && onlyNew) {
    replyInt(0);
    return false;
  }
  if (!tryMoveTo(db, 2)) return false;
  argEvent(1, NOTIFY_GENERIC, 'rename_from', 1);
  argEvent(2, NOTIFY_GENERIC, 'rename_to', 0);
  return true;
}

/** Moves the key of argument 1 to that of argument `to` in `toDb`. False after an error reply. */
function tryMoveTo(toDb: Db, to: u32): bool {
  const moved = tryMoveKey(
    Arg.ptr(1),
    Arg.len(1),
    Arg.hash(1),
    toDb,
    Arg.ptr(to),
    Arg.len(to),
    Arg.hash(to),
  );
  if (!moved) replyError(ERR_OOM_LIMIT);
  return moved;
}

/** RENAME key newkey */
export function renameCommand(): void {
  if (tryRenameOrReply(false)) replyOk();
}

/** RENAMENX key newkey */
export function renamenxCommand(): void {
  if (tryRenameOrReply(true)) replyInt(1);
}

// --- Across databases ---

/** Reads argument `i` as the number of a database into `argI64`. False after an error reply. */
function databaseArgOrReply(i: u32): bool {
  if (!argI32OrReply(i)) return false;
  if (argI64 >= 0 && argI64 < <i64>databaseCount) return true;
  replyError(ERR_DB_INDEX);
  return false;
}

/** MOVE key db */
export function moveCommand(): void {
  if (!databaseArgOrReply(2)) return;
  const toDb = database(<u32>argI64);
  if (toDb == db) {
    replyError(ERR_SAME_OBJECT);
    return;
  }
  if (
    lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1)) == 0 ||
    lookupKeyWriteIn(toDb, Arg.ptr(1), Arg.len(1), Arg.hash(1)) != 0
  ) {
    replyInt(0);
    return;
  }
  if (!tryMoveTo(toDb, 1)) return;
  argEvent(1, NOTIFY_GENERIC, 'move_from', 1);
  argEventIn(toDb, 1, NOTIFY_GENERIC, 'move_to', 0);
  replyInt(1);
}

let copyReplaces: bool = false;
let copyDb: Db = changetype<Db>(0);

/** COPY's options, into `copyReplaces` and `copyDb`. False after an error reply. */
function parseCopyOrReply(): bool {
  copyReplaces = false;
  copyDb = db;
  let i: u32 = 3;
  while (i < argc) {
    if (argIs(i, 'replace')) copyReplaces = true;
    else if (argIs(i, 'db') && i + 1 < argc) {
      i += 1;
      if (!databaseArgOrReply(i)) return false;
      copyDb = database(<u32>argI64);
    } else {
      replyError(ERR_SYNTAX);
      return false;
    }
    i += 1;
  }
  return true;
}

/** COPY source destination [DB destination-db] [REPLACE] */
export function copyCommand(): void {
  if (!parseCopyOrReply()) return;
  const toDb = copyDb;
  if (toDb == db && isSameKey()) {
    replyError(ERR_SAME_OBJECT);
    return;
  }
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) {
    replyInt(0);
    return;
  }
  const taken = lookupKeyWriteIn(toDb, Arg.ptr(2), Arg.len(2), Arg.hash(2)) != 0;
  if (taken && !copyReplaces) replyInt(0);
  else if (!tryCopyKey(e, toDb, Arg.ptr(2), Arg.len(2), Arg.hash(2))) replyError(ERR_OOM_LIMIT);
  else {
    argEventIn(toDb, 2, NOTIFY_GENERIC, 'copy_to', 1);
    replyInt(1);
  }
}

// --- Whole databases ---

/** DBSIZE */
export function dbsizeCommand(): void {
  replyInt(db.keys);
}

/** SELECT index */
export function selectCommand(): void {
  if (!databaseArgOrReply(1)) return;
  client.db = <u32>argI64;
  selectDatabase(client.db);
  replyOk();
}

/** SWAPDB index1 index2 */
export function swapdbCommand(): void {
  if (!argI32OrText(1, 'ERR invalid first DB index')) return;
  const first = argI64;
  if (!argI32OrText(2, 'ERR invalid second DB index')) return;
  const second = argI64;
  if (min(first, second) < 0 || max(first, second) >= <i64>databaseCount) {
    replyError(ERR_DB_INDEX);
    return;
  }
  if (first != second) {
    swapDatabases(database(<u32>first), database(<u32>second));
    databaseEvent(<u32>first, DATABASE_SWAPPED);
    databaseEvent(<u32>second, DATABASE_SWAPPED);
  }
  keyModified(1);
  replyOk();
}

let flushLater: bool = false;

/** Reads the option of FLUSHDB and FLUSHALL into `flushLater`. False after an error reply. */
function parseFlushOrReply(): bool {
  if (argc == 1) flushLater = Settings.on(CFG_LAZYFREE_USER_FLUSH);
  else if (argc == 2 && argIs(1, 'sync')) flushLater = false;
  else if (argc == 2 && argIs(1, 'async')) flushLater = true;
  else {
    replyError(ERR_SYNTAX);
    return false;
  }
  return true;
}

/** Written to the stream also when there was nothing: a transaction is to be replayed as it was. */
function flush(which: Db): void {
  forceCommand();
  keyModified(flushDatabase(which, flushLater));
  databaseEvent(which.id, DATABASE_FLUSHED);
}

/** FLUSHDB [ASYNC | SYNC] */
export function flushdbCommand(): void {
  if (!parseFlushOrReply()) return;
  flush(db);
  replyOk();
}

/** FLUSHALL [ASYNC | SYNC] */
export function flushallCommand(): void {
  if (!parseFlushOrReply()) return;
  for (let i: u32 = 0; i < databaseCount; i++) flush(database(i));
  if (Settings.on(CFG_TELL_FLUSHALL)) noteFlushAll(true);
  replyOk();
}
