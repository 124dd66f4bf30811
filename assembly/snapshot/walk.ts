// The walk over the keyspace that writes it as an RDB file, consistent as of its begin, while commands
// run between its steps.
//
//   walkBegin -> [ walkStep -> the host takes what is in `out` ] ... -> SNAPSHOT_DONE
//
// A step takes entries in the order of SCAN, which no resize disturbs: a window of them at a time, whose
// lines are touched together, since the misses are what the time goes to. A big value is written in
// pieces over several steps. In between, what is about to change is written before its turn
// (keyspace/preserve.ts has the rules and the marks): entries go into the file in any order, each behind
// a SELECTDB if its database is not that of the one before. While a big value is half written, others
// go to `side`, which follows it.
//
//   file: header by the host | databases in turn | detached tables | EOF checksum
//
// In place of a file it can be commands (command_form.ts): then SELECT stands for SELECTDB, and nothing at
// the end.
//
// Memory: what a step writes, what commands have written since, and removed entries that were not
// written yet. Commands that write are held back when that becomes much, and when they want a big value
// that was not written (`walkHolds`); it is written next.
//
// When memory for the output is exhausted the walk fails; commands go on.

import {
  CFG_MAXMEMORY_POLICY,
  POLICY_ALLKEYS_LFU,
  POLICY_ALLKEYS_LRU,
  POLICY_VOLATILE_LFU,
  POLICY_VOLATILE_LRU,
  SNAPSHOT_CHECKSUM,
  SNAPSHOT_COMMANDS,
  SNAPSHOT_COMPRESS,
  SNAPSHOT_DONE,
  SNAPSHOT_FAILED,
  SNAPSHOT_MORE,
} from '../abi';
import { idleSeconds, lfuCounter } from '../keyspace/access_clock';
import { clockUs } from '../keyspace/clock';
import { Db, database, databaseCount, entryFree } from '../keyspace/db';
import { ENCODING_INT, Entry, EntryPtr, entryHasBlock, TYPE_STRING } from '../keyspace/entry';
import {
  BUCKET_SLOTS,
  Bucket,
  BucketPtr,
  KeyTable,
  scanBucket,
  scanNext,
} from '../keyspace/key_table';
import { heldTable, heldWalkId, releaseHeldTable } from '../keyspace/lazyfree';
import {
  buriedDatabase,
  buriedFirst,
  countCopied,
  digUp,
  setPreserver,
  walkBegins,
  walkEnds,
  walking,
} from '../keyspace/preserve';
import { Settings } from '../keyspace/settings';
import { isBig } from '../keyspace/value';
import { Tree } from '../struct/ordered_tree';
import { hadUnowned } from '../struct/stream_group';
import { crc64 } from '../util/crc64';
import { formEnd, formStep, tryFormStart } from './command_form';
import { ENCODE_DONE, ENCODE_MORE, encodeStart, encodeStep, rdbTypeOf } from './encode';
import { ENCODER_BYTES, Encoder, encodeEnd } from './encoder';
import { COMMAND_FORM_BYTES, CommandForm } from './form_state';
import {
  OPCODE_END,
  OPCODE_EXPIRE_MS,
  OPCODE_FREQUENCY,
  OPCODE_IDLE,
  OPCODE_RESIZE,
  OPCODE_SELECT,
  RDB_STRING,
  RDB_VERSION_FIELD_EXPIRY,
  RDB_VERSION_MIN,
} from './format';
import {
  isShort,
  outputAdvance,
  outputFree,
  outputInit,
  outputRoom,
  putShort,
  putShortInteger,
  RDB_OUTPUT_BYTES,
  RdbOutput,
  tryWriteShort,
  writeByte,
  writeBytes,
  writeI64,
  writeLength,
} from './rdb_output';
import { respInt, respStart, respText } from './resp_output';

/** A step ends when it has written so much, whatever time is left. */
const STEP_BYTES: usize = 1 << 20;
/** Longer strings are not compressed: that is done in one go. */
const COMPRESS_MAX_BYTES: u32 = 1 << 20;
/** A piece of a big value. */
const PIECE_BYTES: usize = 65536;
/** Commands that write wait while so much was written before its turn and not taken. */
const HOLD_BYTES: usize = 16 << 20;
/** A buffer that grew beyond this is given back. */
const KEEP_BYTES: usize = 4 << 20;
/** Entries whose lines are touched together; a chain may add some. */
const WINDOW: u32 = 64;
const WINDOW_MAX: u32 = 128;
/** Most bytes of type, key and value of a short string. */
const SHORT_STRING_BYTES: usize = 80;
const NO_DATABASE: u32 = u32.MAX_VALUE;

const window: usize = memory.data(512, 16);
const encoder: Encoder = changetype<Encoder>(memory.data(ENCODER_BYTES, 8));
const form: CommandForm = changetype<CommandForm>(memory.data(COMMAND_FORM_BYTES, 8));
const sideForm: CommandForm = changetype<CommandForm>(memory.data(COMMAND_FORM_BYTES, 8));
const main: RdbOutput = changetype<RdbOutput>(memory.data(RDB_OUTPUT_BYTES, 8));
const side: RdbOutput = changetype<RdbOutput>(memory.data(RDB_OUTPUT_BYTES, 8));
const sideEncoder: Encoder = changetype<Encoder>(memory.data(ENCODER_BYTES, 8));

let flags: u32 = 0;
let failed: bool = false;
/** After a walk that did not come to its end marks are not even. */
let uneven: bool = false;
/** Where the walk is: a database (its walk id) and a position in its scan order. */
let walkId: u32 = 0;
let cursor: u64 = 0;
/** The entry that is half written, and who asked for a big one. */
let current: EntryPtr = 0;
let urgent: EntryPtr = 0;
let urgentDatabase: u32 = 0;
/** The database that a loader has selected behind `main`, and behind `side`. */
let mainDatabase: u32 = 0;
let sideDatabase: u32 = 0;
let checksum: u64 = 0;
let summed: usize = 0;
let keysWritten: f64 = 0;
let released: bool = false;
export let walkTouched: u32 = 0;

// --- Life ---

/** Begins a walk; `options` are SNAPSHOT_*. False when one is under way. */
export function walkBegin(options: u32): bool {
  if (walking) return false;
  if (uneven) markAll();
  setPreserver(writeBeforeChange);
  const compressMax: u32 = options & SNAPSHOT_COMPRESS ? COMPRESS_MAX_BYTES : 0;
  outputInit(main, compressMax);
  outputInit(side, compressMax);
  flags = options;
  failed = false;
  walkId = 0;
  cursor = 0;
  current = 0;
  urgent = 0;
  mainDatabase = NO_DATABASE;
  sideDatabase = NO_DATABASE;
  checksum = 0;
  summed = 0;
  keysWritten = 0;
  released = false;
  for (let i: u32 = 0; i < databaseCount; i++) database(i).walkId = i;
  walkBegins();
  return true;
}

/** The lowest version of the format that holds the data at this moment. */
export function walkVersion(): u32 {
  if (hadUnowned) return RDB_VERSION_FIELD_EXPIRY;
  for (let i: u32 = 0; i < databaseCount; i++) {
    if (changetype<Tree>(database(i).expiryTree).size != 0) return RDB_VERSION_FIELD_EXPIRY;
  }
  return RDB_VERSION_MIN;
}

/** Appends bytes that come before all entries. */
export function walkHeader(ptr: usize, len: u32): void {
  writeBytes(main, ptr, len);
}

/** Entries written so far. */
export function walkKeys(): f64 {
  return keysWritten;
}

export function walkOutput(): usize {
  return main.base;
}

export function walkOutputBytes(): u32 {
  return <u32>main.used;
}

/** The first `bytes` of the output, which a step has shown, were taken. More may have come since. */
export function walkTaken(bytes: usize): void {
  assert(bytes <= main.used);
  if (walkIsBehind()) released = true;
  main.used -= bytes;
  summed -= min(bytes, summed);
  if (main.used != 0) memory.copy(main.base, main.base + bytes, main.used);
  else if (main.capacity > KEEP_BYTES) outputFree(main);
}

/** Whether commands that were held back should be tried again; asking resets it. */
export function walkReleased(): bool {
  const was = released;
  released = false;
  return was;
}

/** Gives the walk up. */
export function walkAbort(): void {
  if (!walking) return;
  uneven = true;
  clear();
}

/** Ends the walk, come to its end or not. */
function clear(): void {
  encodeEnd(encoder);
  formEnd(form);
  outputFree(main);
  outputFree(side);
  current = 0;
  urgent = 0;
  while (buriedFirst() != 0) entryFree(digUp());
  while (changetype<usize>(heldTable()) != 0) releaseHeldTable();
  released = true;
  walkEnds();
}

/** Marks every entry, so that the next walk finds them alike. O(keys). */
function markAll(): void {
  for (let i: u32 = 0; i < databaseCount; i++) {
    const table = database(i);
    let at: u64 = 0;
    do {
      for (let b = scanBucket(table, at); b != 0; b = Bucket.next(b)) {
        for (let rest = Bucket.occupied(b); rest != 0; rest &= rest - 1) {
          Entry.mark(Bucket.entry(b, ctz(rest)));
        }
      }
      at = scanNext(table, at);
    } while (at != 0);
  }
  uneven = false;
}

// --- Steps ---

/**
 * Writes on until `deadlineUs` or until there is enough to be taken. Behind SNAPSHOT_DONE the output holds
 * the end of the file and the walk is over once it is taken and `walkAbort` or the next `walkBegin`
 * called; behind SNAPSHOT_FAILED it is over.
 */
export function walkStep(deadlineUs: f64): i32 {
  assert(walking);
  let done = false;
  while (!failed && main.used < STEP_BYTES) {
    if (!advance()) {
      done = true;
      break;
    }
    if (clockUs() >= deadlineUs) break;
  }
  if (!failed && !asCommands()) finishPiece(done);
  if (failed) {
    uneven = true;
    clear();
    return SNAPSHOT_FAILED;
  }
  if (!done) return SNAPSHOT_MORE;
  encodeEnd(encoder);
  outputFree(side);
  released = true;
  walkEnds();
  return SNAPSHOT_DONE;
}

/** Frees the output behind SNAPSHOT_DONE. */
export function walkFinished(): void {
  outputFree(main);
}

/** Sums up what a step wrote of a file, whose end follows the last one. */
function finishPiece(isLast: bool): void {
  if (isLast) writeByte(main, OPCODE_END);
  if (flags & SNAPSHOT_CHECKSUM) checksum = crc64(checksum, main.base + summed, main.used - summed);
  summed = main.used;
  if (isLast) writeI64(main, flags & SNAPSHOT_CHECKSUM ? checksum : 0);
  if (main.lost) fail();
}

function fail(): void {
  failed = true;
}

/** Does a little. False when everything is written. */
function advance(): bool {
  if (current != 0) {
    goOn(PIECE_BYTES);
    return true;
  }
  if (urgent != 0) {
    const e = urgent;
    urgent = 0;
    if (!Entry.isMarked(e)) begin(urgentDatabase, e);
    return true;
  }
  const buried = buriedFirst();
  if (buried != 0) {
    if (Entry.isMarked(buried)) entryFree(digUp());
    else writeEntry(buriedDatabase(), buried);
    return true;
  }
  if (walkId < databaseCount) {
    const next = walkWindow(liveTable(walkId), walkId);
    if (next && cursor == 0) walkId += 1;
    return true;
  }
  const held = heldTable();
  if (changetype<usize>(held) == 0) return false;
  const next = walkWindow(held, heldWalkId());
  if (next && cursor == 0) releaseHeldTable();
  return true;
}

/** The table of the database that had this number when the walk began. */
function liveTable(id: u32): KeyTable {
  for (let i: u32 = 0; i < databaseCount; i++) {
    if (database(i).walkId == id) return database(i);
  }
  assert(false);
  return database(0);
}

/** Writes the next entries of a table. True when `cursor` moved, to 0 at the end. */
function walkWindow(table: KeyTable, id: u32): bool {
  let at = cursor;
  let count: u32 = 0;
  let sink: u32 = 0;
  let whole = true;
  do {
    const first = scanBucket(table, at);
    for (let b = first; b != 0 && whole; b = Bucket.next(b)) {
      if (count + BUCKET_SLOTS > WINDOW_MAX) whole = false;
      else count = collect(b, count, at == cursor && b != first);
    }
    if (whole) at = scanNext(table, at);
  } while (whole && at != 0 && count < WINDOW);
  for (let i: u32 = 0; i < count; i++) sink += load<u8>(load<u32>(window + (i << 2)));
  for (let i: u32 = 0; i < count; i++) {
    const e: EntryPtr = load<u32>(window + (i << 2));
    if (entryHasBlock(e)) sink += load<u8>(Entry.valuePtr(e));
  }
  walkTouched = sink;
  let wrote = false;
  for (let i: u32 = 0; i < count; i++) {
    const e: EntryPtr = load<u32>(window + (i << 2));
    if (Entry.isMarked(e)) continue;
    wrote = true;
    // Detached tables are there for the walk alone.
    if (walkId == databaseCount) countCopied(e);
    writeEntry(id, e);
    // The rest of the window comes in the next steps, without those that are marked by now.
    if (current != 0 || failed || main.used >= STEP_BYTES) return false;
  }
  // A chain longer than the window is taken up again, without those that are marked by now.
  assert(whole || wrote || at != cursor);
  cursor = at;
  return whole;
}

/** Adds the entries of a bucket to the window, `unmarked`: only those. Returns how many are in it. */
function collect(b: BucketPtr, count: u32, unmarked: bool): u32 {
  for (let rest = Bucket.occupied(b); rest != 0; rest &= rest - 1) {
    const e = Bucket.entry(b, ctz(rest));
    if (unmarked && Entry.isMarked(e)) continue;
    store<u32>(window + (count << 2), <u32>e);
    count += 1;
  }
  return count;
}

// --- Entries ---

/** Writes an entry, or begins to if it is big. */
function writeEntry(databaseId: u32, e: EntryPtr): void {
  if (isBig(e)) begin(databaseId, e);
  else writeWhole(main, encoder, databaseId, e);
}

function begin(databaseId: u32, e: EntryPtr): void {
  if (!asCommands()) {
    writeHead(main, databaseId, e);
    encodeStart(encoder, e);
  } else if (!tryStartForm(main, form, databaseId, e)) {
    fail();
    return;
  }
  current = e;
}

function asCommands(): bool {
  return (flags & SNAPSHOT_COMMANDS) != 0;
}

function tryStartForm(out: RdbOutput, x: CommandForm, databaseId: u32, e: EntryPtr): bool {
  selectFor(out, databaseId);
  return tryFormStart(x, e);
}

/** Writes on at the entry that is half written. */
function goOn(budget: usize): void {
  const came = asCommands() ? formStep(form, main, budget) : encodeStep(encoder, main, budget);
  if (came == ENCODE_MORE) return;
  const e = current;
  current = 0;
  if (came != ENCODE_DONE) {
    fail();
    return;
  }
  written(e);
  released = true;
  if (side.used == 0) return;
  writeBytes(main, side.base, side.used);
  mainDatabase = sideDatabase;
  sideDatabase = NO_DATABASE;
  side.used = 0;
  if (side.capacity > KEEP_BYTES) outputFree(side);
  if (main.lost) fail();
}

function written(e: EntryPtr): void {
  Entry.mark(e);
  keysWritten += 1;
}

function writeWhole(out: RdbOutput, x: Encoder, databaseId: u32, e: EntryPtr): void {
  if (asCommands()) {
    const f = out == main ? form : sideForm;
    if (!tryStartForm(out, f, databaseId, e)) fail();
    else if (formStep(f, out, usize.MAX_VALUE) != ENCODE_DONE) {
      formEnd(f);
      fail();
    } else written(e);
    return;
  }
  if (isShortString(e)) {
    writeMark(out, databaseId, e);
    writeShortString(out, e);
  } else {
    writeHead(out, databaseId, e);
    encodeStart(x, e);
    encodeStep(x, out, usize.MAX_VALUE);
  }
  if (out.lost) {
    encodeEnd(x);
    fail();
  } else written(e);
}

/** Whether an entry is a short key with a short string: most are, and they take a shorter way. */
function isShortString(e: EntryPtr): bool {
  if (Entry.type(e) != TYPE_STRING || !isShort(Entry.keyLen(e))) return false;
  return Entry.encoding(e) == ENCODING_INT || isShort(Entry.stringLen(e));
}

/** Type, key and value of such an entry. */
function writeShortString(out: RdbOutput, e: EntryPtr): void {
  const from = outputRoom(out, SHORT_STRING_BYTES);
  if (from == 0) return;
  store<u8>(from, RDB_STRING);
  let at = from + 1;
  at += putShort(at, Entry.key(e), Entry.keyLen(e));
  if (Entry.encoding(e) == ENCODING_INT) at += putShortInteger(at, Entry.intValue(e));
  else at += putShort(at, Entry.stringPtr(e), Entry.stringLen(e));
  outputAdvance(out, at - from);
}

/** Everything in front of the value. */
function writeHead(out: RdbOutput, databaseId: u32, e: EntryPtr): void {
  writeMark(out, databaseId, e);
  writeByte(out, rdbTypeOf(e));
  writeText(out, Entry.key(e), Entry.keyLen(e));
}

/** Everything in front of the type. */
function writeMark(out: RdbOutput, databaseId: u32, e: EntryPtr): void {
  selectFor(out, databaseId);
  if (Entry.hasExpire(e)) {
    writeByte(out, OPCODE_EXPIRE_MS);
    writeI64(out, Entry.expireAtMs(e));
  }
  const policy = Settings.get(CFG_MAXMEMORY_POLICY);
  if (policy != 0) writeUse(out, policy, e);
}

function writeUse(out: RdbOutput, policy: i64, e: EntryPtr): void {
  if (policy == POLICY_ALLKEYS_LRU || policy == POLICY_VOLATILE_LRU) {
    writeByte(out, OPCODE_IDLE);
    writeLength(out, idleSeconds(e));
  } else if (policy == POLICY_ALLKEYS_LFU || policy == POLICY_VOLATILE_LFU) {
    writeByte(out, OPCODE_FREQUENCY);
    writeByte(out, lfuCounter(e));
  }
}

function writeText(out: RdbOutput, ptr: usize, len: u32): void {
  if (tryWriteShort(out, ptr, len)) return;
  writeLength(out, len);
  writeBytes(out, ptr, len);
}

/** The database of what follows, and how many keys a loader may expect there. */
function selectFor(out: RdbOutput, databaseId: u32): void {
  if (databaseId == (out == main ? mainDatabase : sideDatabase)) return;
  if (asCommands()) {
    respStart(out, 2);
    respText(out, 'SELECT');
    respInt(out, databaseId);
  } else writeSelect(out, databaseId);
  if (out == main) mainDatabase = databaseId;
  else sideDatabase = databaseId;
}

function writeSelect(out: RdbOutput, databaseId: u32): void {
  writeByte(out, OPCODE_SELECT);
  writeLength(out, databaseId);
  const table = liveTable(databaseId);
  writeByte(out, OPCODE_RESIZE);
  writeLength(out, table.keys);
  writeLength(out, table.expires);
}

// --- Before changes ---

/** Writes an entry that is about to change. */
function writeBeforeChange(databaseId: u32, e: EntryPtr): void {
  if (failed) return;
  if (e == urgent) urgent = 0;
  if (e == current) {
    while (current != 0) goOn(usize.MAX_VALUE);
  } else if (current == 0) writeWhole(main, encoder, databaseId, e);
  else writeWhole(side, sideEncoder, databaseId, e);
}

/** Whether a command has to wait that writes: too much was written before its turn. */
export function walkIsBehind(): bool {
  return walking && !failed && main.used + side.used > HOLD_BYTES;
}

/**
 * Whether a command has to wait that is about to change an entry: it is big and is not written. It is
 * then written next.
 */
export function walkHolds(which: Db, e: EntryPtr): bool {
  if (failed || Entry.isMarked(e) || !isBig(e)) return false;
  if (urgent == 0 && e != current) {
    urgent = e;
    urgentDatabase = which.walkId;
  }
  return true;
}
