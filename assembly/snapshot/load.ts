// Reading whole RDB files of versions 1 to 12 into the databases.
//
//   "REDIS" version | part | part ... | OPCODE_END | CRC-64
//
//   part    what the next key has (expiry, idle time, frequency), or
//           RDB type, key, value; or what is no key (see format.ts)
//
//   loadBegin(flags, total)
//   while (loadStep(piece, len, isLast, keysMax) != LOAD_DONE) go on from LOAD_TAKEN, with more
//   loadEnd()
//
// The file comes in pieces of any size. A step takes the parts that are complete, and the next one
// begins with the rest; of values it takes the elements that are complete, and long strings are
// filled as their bytes come. What it found goes to a block of LOAD_BYTES (abi.ts). The status tells
// why a step ended: the piece is used up, the host has to look at something, or it is over.
//
// Bytes may be anything: what is no RDB file is LOAD_ERROR. Then nothing is left behind but the keys
// before; it is up to the host not to serve them. As decode.ts does, everything is checked, also what
// Redis leaves alone when it loads.
//
// Keys are filed as a window of them is full and at the end of each step (load_window.ts). Nothing is
// reported of them, nobody is served, and as in Redis no changes are counted.
//
// One file is read at a time. Between steps the engine may run commands that leave keys alone, and
// payloads may not be read (RESTORE), since there is one decoder input.

import {
  CFG_SKIP_CHECKSUM,
  LOAD_AUX,
  LOAD_BYTES,
  LOAD_CHECKSUM,
  LOAD_CRC,
  LOAD_CRC_FOUND,
  LOAD_DB,
  LOAD_DONE,
  LOAD_EMPTY,
  LOAD_EMPTY_KEY,
  LOAD_ERROR,
  LOAD_EXPIRED,
  LOAD_FAULT_AT,
  LOAD_FUNCTIONS,
  LOAD_KEEP_EXPIRED,
  LOAD_KEYS,
  LOAD_LEN,
  LOAD_MODULE_AUX,
  LOAD_MORE,
  LOAD_NO_TYPE,
  LOAD_NUMBER,
  LOAD_PAUSE,
  LOAD_PTR,
  LOAD_REASON,
  LOAD_REPLACE,
  LOAD_STATE,
  LOAD_TAKEN,
  LOAD_TYPE,
  LOAD_VALUE_LEN,
  LOAD_VALUE_PTR,
  LOAD_VERSION,
  LOAD_WANTED,
  LOADING_CHECKSUM,
  LOADING_END,
  LOADING_HEADER,
  LOADING_KEY,
  LOADING_MODULE,
  LOADING_OPCODE,
  LOADING_STRING,
  LOADING_VALUE,
  RDB_FAULT_CHECKSUM,
  RDB_FAULT_DATABASE,
  RDB_FAULT_DUPLICATE_KEY,
  RDB_FAULT_EOF,
  RDB_FAULT_MODULE_AUX,
  RDB_FAULT_MODULE_DATA,
  RDB_FAULT_MODULE_OLD,
  RDB_FAULT_MODULE_TYPE,
  RDB_FAULT_NO_MEMORY,
  RDB_FAULT_SIGNATURE,
  RDB_FAULT_TYPE,
  RDB_FAULT_VERSION,
} from '../abi';
import { initialClock, pastClock } from '../keyspace/access_clock';
import { clockUs, nowMs } from '../keyspace/clock';
import {
  Db,
  database,
  databaseCount,
  entryFree,
  reserveKeys,
  tryNewStringFor,
} from '../keyspace/db';
import {
  EMBED_MAX_BYTES,
  ENCODING_RAW,
  Entry,
  EntryPtr,
  NO_EXPIRE,
  stringBlockBytes,
  TYPE_STRING,
  tryNewBlockEntry,
  tryNewIntEntry,
  tryStringBlock,
} from '../keyspace/entry';
import { lazyfreeStep } from '../keyspace/lazyfree';
import { Settings } from '../keyspace/settings';
import { free, tryAlloc } from '../memory/alloc';
import { crc64 } from '../util/crc64';
import {
  DECODE_DONE,
  DECODE_EMPTY,
  DECODE_MORE,
  DECODE_NO_MEMORY,
  decodeAbort,
  decodedBytes,
  decodeReason,
  decodeStart,
  decodeStep,
  tryDecodedEntry,
} from './decode';
import { DECODER_BYTES, Decoder } from './decoder';
import {
  HEADER_BYTES,
  MAGIC_BYTES,
  MODULE_DOUBLE,
  MODULE_END,
  MODULE_FLOAT,
  MODULE_SINT,
  MODULE_STRING,
  MODULE_UINT,
  OPCODE_AUX,
  OPCODE_END,
  OPCODE_EXPIRE,
  OPCODE_EXPIRE_MS,
  OPCODE_FREQUENCY,
  OPCODE_FUNCTION,
  OPCODE_FUNCTION_PRE_GA,
  OPCODE_IDLE,
  OPCODE_MODULE_AUX,
  OPCODE_RESIZE,
  OPCODE_SELECT,
  OPCODE_SLOT_INFO,
  RDB_HASH_LISTPACK_EX,
  RDB_HASH_ZIPMAP,
  RDB_MODULE,
  RDB_MODULE_OLD,
  RDB_STRING,
  RDB_VERSION_CHECKSUM,
  RDB_VERSION_MAX,
  RDB_ZSET_2,
  STRING_LZF,
} from './format';
import {
  windowAdd,
  windowDrop,
  windowDuplicate,
  windowFiled,
  windowFlush,
  windowInit,
} from './load_window';
import {
  FAULT_MEMORY,
  FAULT_NONE,
  FAULT_SHORT,
  fail,
  failAs,
  headIsEncoding,
  inputAt,
  inputFault,
  inputMissing,
  inputReason,
  inputStart,
  itemString,
  nameString,
  RdbString,
  readByte,
  readHead,
  readI64,
  readInteger,
  readLength,
  readLzfLength,
  readString,
  releaseString,
  releaseStrings,
  takeBytes,
  unpackLzf,
} from './rdb_input';

const SLICE_US: f64 = 1000;
/** Goes on with the next part; no status of the host's. */
const GO_ON: u32 = u32.MAX_VALUE;
/** Strings from this length on are filled as they come, rather than waited for. */
const LONG_STRING_BYTES: u64 = 65536;
/** A key takes as many bytes at least: type, empty key, empty value. */
const KEY_BYTES_MIN: u64 = 3;
/** No more room than for so many keys is made when the file's length is not known. */
const RESERVED_KEYS_MAX: u64 = 1 << 20;

const found: usize = memory.data(LOAD_BYTES, 8);
const decoder: Decoder = changetype<Decoder>(memory.data(DECODER_BYTES, 8));
const keyString: RdbString = changetype<RdbString>(memory.data(40, 8));

let flags: u32 = 0;
/** Length of the file, 0 when it is not known. */
let total: u64 = 0;
/** Bytes taken by earlier steps. */
let taken: u64 = 0;
let state: u32 = LOADING_END;
let version: u32 = 0;
let crc: u64 = 0;
/** Keys whose time is before this are not loaded. */
let startMs: i64 = 0;
let db: Db = changetype<Db>(0);

/** The piece at hand: where it begins, how far it was read and summed, its end. */
let begin: usize = 0;
let at: usize = 0;
let summed: usize = 0;
let end: usize = 0;
let last: bool = false;
let keysLeft: u32 = 0;

/** The key that is being read, and its value's type. `keyBlock`: a copy of it, 0 while it is a view. */
let keyPtr: usize = 0;
let keyLen: u32 = 0;
let keyBlock: usize = 0;
let valueType: u32 = LOAD_NO_TYPE;
let expireAtMs: i64 = NO_EXPIRE;
let idleSeconds: i64 = -1;
let frequency: i64 = -1;
/** Clock of keys that come with neither. */
let freshClock: u32 = 0;

/** The long string that is being filled, 0 for none. */
let text: usize = 0;
let textLen: u32 = 0;
let textFilled: u32 = 0;
/** Entry whose key was there already. */
let duplicate: EntryPtr = 0;

let keysExpired: f64 = 0;
let keysEmpty: f64 = 0;

// --- Beginning and end ---

/**
 * Begins to read a file of `totalBytes` (0: not known); `options` are LOAD_* flags. Returns where
 * steps tell what they found.
 */
export function loadStart(options: u32, totalBytes: f64): usize {
  loadEnd();
  // What was flushed before has to make room: there may be as much of it as there is to come.
  while (lazyfreeStep(clockUs() + SLICE_US));
  memory.fill(found, 0, LOAD_BYTES);
  windowInit();
  flags = options;
  total = <u64>totalBytes;
  taken = 0;
  state = LOADING_HEADER;
  version = 0;
  crc = 0;
  startMs = nowMs;
  db = database(0);
  keysExpired = 0;
  keysEmpty = 0;
  nextKey();
  return found;
}

/** Gives back all that was needed to read; also in the middle of a file. */
export function loadEnd(): void {
  if (state == LOADING_VALUE) decodeAbort(decoder);
  state = LOADING_END;
  if (text != 0) free(text);
  text = 0;
  if (duplicate != 0) entryFree(duplicate);
  duplicate = 0;
  releaseKey();
  releaseString(keyString);
  releaseStrings();
}

/** Whether a file is being read. */
export function isReadingFile(): bool {
  return state != LOADING_END;
}

/** Forgets what the last key had. */
function nextKey(): void {
  expireAtMs = NO_EXPIRE;
  idleSeconds = -1;
  frequency = -1;
  valueType = LOAD_NO_TYPE;
}

function releaseKey(): void {
  if (keyBlock != 0) free(keyBlock);
  keyBlock = 0;
}

// --- Steps ---

/**
 * Reads on in a piece; `isLast` when no bytes come after it. Stops after `keysMax` keys unless that
 * is 0. Returns LOAD_*.
 */
export function loadStep(ptr: usize, len: usize, isLast: bool, keysMax: u32): u32 {
  assert(state != LOADING_END);
  begin = ptr;
  at = ptr;
  summed = ptr;
  end = ptr + len;
  last = isLast;
  keysLeft = keysMax;
  freshClock = initialClock();
  store<u32>(found, 0, LOAD_WANTED);
  let status: u32;
  do status = readPart();
  while (status == GO_ON);
  if (status == LOAD_ERROR) windowDrop();
  else if (!flushed()) status = LOAD_ERROR;
  sumUp(at);
  taken += at - begin;
  store<u32>(found, <u32>(at - begin), LOAD_TAKEN);
  store<f64>(found, windowFiled, LOAD_KEYS);
  store<f64>(found, keysExpired, LOAD_EXPIRED);
  store<f64>(found, keysEmpty, LOAD_EMPTY);
  store<u64>(found, crc, LOAD_CRC);
  return status;
}

function readPart(): u32 {
  switch (state) {
    case LOADING_HEADER:
      return readHeader();
    case LOADING_OPCODE:
      return readOpcode();
    case LOADING_VALUE:
      return readValue();
    case LOADING_STRING:
      return fillText();
    case LOADING_MODULE:
      return skipModulePart();
    default:
      return readChecksum();
  }
}

/** Files the window. False with an error when that cannot be. */
function flushed(): bool {
  const reason = windowFlush(db, (flags & LOAD_REPLACE) != 0);
  if (reason == 0) return true;
  duplicate = windowDuplicate;
  if (reason == RDB_FAULT_DUPLICATE_KEY) {
    releaseKey();
    keyPtr = Entry.key(duplicate);
    keyLen = Entry.keyLen(duplicate);
  }
  failed(reason);
  return false;
}

/** Takes the bytes up to `to` into the checksum. */
function sumUp(to: usize): void {
  if ((flags & LOAD_CHECKSUM) != 0) crc = crc64(crc, summed, to - summed);
  summed = to;
}

/** Ends everything for a reason RDB_FAULT_*. */
function failed(reason: u32): u32 {
  store<u32>(found, reason, LOAD_REASON);
  store<u32>(found, <u32>(max(at, min(inputAt, end)) - begin), LOAD_FAULT_AT);
  const ofKey =
    state == LOADING_VALUE || state == LOADING_STRING || reason == RDB_FAULT_DUPLICATE_KEY;
  store<u32>(found, ofKey ? <u32>keyPtr : 0, LOAD_PTR);
  store<u32>(found, ofKey ? keyLen : 0, LOAD_LEN);
  store<u32>(found, db.id, LOAD_DB);
  store<u32>(found, valueType, LOAD_TYPE);
  store<u32>(found, state, LOAD_STATE);
  return LOAD_ERROR;
}

/**
 * What comes of a part that could not be read, by the fault of the input. If bytes are missing it is
 * read again from `at` on when they are there.
 */
function unread(): u32 {
  if (inputFault == FAULT_SHORT && !last) {
    store<u32>(found, <u32>min(inputMissing, u32.MAX_VALUE), LOAD_WANTED);
    return LOAD_MORE;
  }
  return failed(inputFault == FAULT_MEMORY ? RDB_FAULT_NO_MEMORY : inputReason);
}

// --- Around the keys ---

function readHeader(): u32 {
  inputStart(at, end - at);
  const magic = takeBytes(HEADER_BYTES);
  if (magic == 0) return unread();
  if (load<u32>(magic) != 0x49444552 || <u32>load<u8>(magic, 4) != 0x53) {
    inputStart(at, 0);
    return failed(RDB_FAULT_SIGNATURE);
  }
  for (let i: u32 = MAGIC_BYTES; i < HEADER_BYTES; i++) {
    const digit = <u32>load<u8>(magic + i) - 48;
    if (digit > 9) break;
    version = version * 10 + digit;
  }
  store<u32>(found, version, LOAD_VERSION);
  if (version == 0 || version > RDB_VERSION_MAX) return failed(RDB_FAULT_VERSION);
  at = inputAt;
  state = LOADING_OPCODE;
  return GO_ON;
}

function readOpcode(): u32 {
  inputStart(at, end - at);
  const opcode = readByte();
  if (inputFault != FAULT_NONE) return unread();
  if (opcode < OPCODE_SLOT_INFO) return readKey(opcode);
  switch (opcode) {
    case OPCODE_EXPIRE_MS:
      setExpiry(readI64());
      break;
    case OPCODE_EXPIRE:
      readSeconds();
      break;
    case OPCODE_IDLE:
      idleSeconds = <i64>readLength();
      break;
    case OPCODE_FREQUENCY:
      frequency = readByte();
      break;
    case OPCODE_SELECT:
      return readSelect();
    case OPCODE_RESIZE:
      return readSize();
    case OPCODE_AUX:
      return readAux();
    case OPCODE_FUNCTION:
    case OPCODE_FUNCTION_PRE_GA:
      return readFunctions(opcode);
    case OPCODE_MODULE_AUX:
      return readModuleAux();
    case OPCODE_SLOT_INFO:
      readLength();
      readLength();
      readLength();
      break;
    default:
      assert(opcode == OPCODE_END);
      return readEnd();
  }
  return passed(GO_ON);
}

/** Goes past what was read, if it was there. */
function passed(status: u32): u32 {
  if (inputFault != FAULT_NONE) return unread();
  at = inputAt;
  return status;
}

/** A time before 1970 is one that is over, -1 is none. */
function setExpiry(ms: i64): void {
  expireAtMs = ms == -1 ? NO_EXPIRE : max<i64>(ms, 0);
}

function readSeconds(): void {
  const bytes = takeBytes(4);
  if (bytes != 0) setExpiry(<i64>load<i32>(bytes) * 1000);
}

function readSelect(): u32 {
  const index = readLength();
  if (inputFault != FAULT_NONE) return unread();
  if (index >= databaseCount) {
    store<u64>(found, index, LOAD_NUMBER);
    return failed(RDB_FAULT_DATABASE);
  }
  if (!flushed()) return LOAD_ERROR;
  db = database(<u32>index);
  return passed(GO_ON);
}

function readSize(): u32 {
  const keys = readLength();
  readLength();
  if (inputFault != FAULT_NONE) return unread();
  if (!flushed()) return LOAD_ERROR;
  const most = total == 0 ? RESERVED_KEYS_MAX : (total - taken) / KEY_BYTES_MIN;
  reserveKeys(db, <u32>min(min(keys, most), u32.MAX_VALUE));
  return passed(GO_ON);
}

function readAux(): u32 {
  readString(keyString);
  readString(itemString);
  if (inputFault != FAULT_NONE) return unread();
  store<u32>(found, <u32>keyString.ptr, LOAD_PTR);
  store<u32>(found, keyString.len, LOAD_LEN);
  return showItem(LOAD_AUX);
}

function showItem(status: u32): u32 {
  store<u32>(found, <u32>itemString.ptr, LOAD_VALUE_PTR);
  store<u32>(found, itemString.len, LOAD_VALUE_LEN);
  return passed(status);
}

/** A library of functions, which is not loaded. */
function readFunctions(opcode: u32): u32 {
  if (opcode == OPCODE_FUNCTION_PRE_GA) {
    readString(nameString);
    readString(nameString);
    if (readLength() != 0) readString(nameString);
  }
  readString(itemString);
  return inputFault != FAULT_NONE ? unread() : showItem(LOAD_FUNCTIONS);
}

function readEnd(): u32 {
  at = inputAt;
  sumUp(at);
  if (version < RDB_VERSION_CHECKSUM) return finish();
  state = LOADING_CHECKSUM;
  return GO_ON;
}

function readChecksum(): u32 {
  inputStart(at, end - at);
  const sum = <u64>readI64();
  if (inputFault != FAULT_NONE) return unread();
  store<u64>(found, sum, LOAD_CRC_FOUND);
  const isVerified = (flags & LOAD_CHECKSUM) != 0 && !Settings.on(CFG_SKIP_CHECKSUM);
  if (isVerified && sum != 0 && sum != crc) return failed(RDB_FAULT_CHECKSUM);
  at = inputAt;
  return finish();
}

function finish(): u32 {
  state = LOADING_END;
  return LOAD_DONE;
}

// --- Modules ---

function readModuleAux(): u32 {
  const id = readLength();
  const kind = readLength();
  readLength();
  if (inputFault != FAULT_NONE) return unread();
  store<u64>(found, id, LOAD_NUMBER);
  if (kind != MODULE_UINT) return failed(RDB_FAULT_MODULE_AUX);
  state = LOADING_MODULE;
  return passed(GO_ON);
}

/** Goes past one part of a module's data. */
function skipModulePart(): u32 {
  inputStart(at, end - at);
  const kind = readLength();
  if (kind == MODULE_SINT || kind == MODULE_UINT) readLength();
  else if (kind == MODULE_FLOAT) takeBytes(4);
  else if (kind == MODULE_DOUBLE) takeBytes(8);
  else if (kind == MODULE_STRING) readString(itemString);
  else if (kind != MODULE_END) failAs(RDB_FAULT_MODULE_DATA);
  if (inputFault != FAULT_NONE) return unread();
  if (kind != MODULE_END) return passed(GO_ON);
  state = LOADING_OPCODE;
  return passed(LOAD_MODULE_AUX);
}

/** A value of a module, which nobody here can read. */
function readModuleValue(): u32 {
  const id = readLength();
  if (inputFault != FAULT_NONE) return unread();
  store<u64>(found, id, LOAD_NUMBER);
  return failed(RDB_FAULT_MODULE_TYPE);
}

// --- Keys ---

function isKnownType(type: u32): bool {
  return type <= RDB_ZSET_2 || (type >= RDB_HASH_ZIPMAP && type <= RDB_HASH_LISTPACK_EX);
}

/** Reads a key and its value, as far as it is there. */
function readKey(type: u32): u32 {
  releaseKey();
  valueType = type;
  if (!isKnownType(type) && type != RDB_MODULE && type != RDB_MODULE_OLD) {
    return failed(RDB_FAULT_TYPE);
  }
  state = LOADING_KEY;
  readString(keyString);
  if (inputFault != FAULT_NONE) return unreadKey();
  keyPtr = keyString.ptr;
  keyLen = keyString.len;
  state = LOADING_VALUE;
  if (type == RDB_STRING) return readStringValue();
  if (type == RDB_MODULE_OLD) return failed(RDB_FAULT_MODULE_OLD);
  if (type == RDB_MODULE) {
    const came = readModuleValue();
    if (came == LOAD_MORE) state = LOADING_OPCODE;
    return came;
  }
  decodeStart(decoder, type);
  at = inputAt;
  return readValue();
}

/** As `unread`, for what is read anew from the type on. */
function unreadKey(): u32 {
  const came = unread();
  if (came == LOAD_MORE) state = LOADING_OPCODE;
  return came;
}

/** Keeps the key beyond the piece it is in. False without memory. */
function keepKey(): bool {
  if (keyBlock != 0) return true;
  keyBlock = tryAlloc(max(keyLen, 1));
  if (keyBlock == 0) return false;
  memory.copy(keyBlock, keyPtr, keyLen);
  keyPtr = keyBlock;
  return true;
}

/** Reads on in a value that is no string. */
function readValue(): u32 {
  const came = decodeStep(decoder, at, end - at, last);
  if (came == DECODE_MORE) {
    at += decodedBytes;
    if (keepKey()) return unread();
    decodeAbort(decoder);
    return failed(RDB_FAULT_NO_MEMORY);
  }
  if (came == DECODE_DONE) {
    at += decodedBytes;
    return storeDecoded();
  }
  if (came == DECODE_EMPTY) {
    at = inputAt;
    return skipEmpty();
  }
  // The decoder has nothing left to give back.
  if (came == DECODE_NO_MEMORY) return failed(RDB_FAULT_NO_MEMORY);
  return failed(inputFault == FAULT_SHORT ? RDB_FAULT_EOF : decodeReason(decoder));
}

function isExpired(): bool {
  return expireAtMs != NO_EXPIRE && (flags & LOAD_KEEP_EXPIRED) == 0 && expireAtMs < startMs;
}

function clockOfKey(): u32 {
  return idleSeconds < 0 && frequency < 0 ? freshClock : pastClock(idleSeconds, frequency);
}

function storeDecoded(): u32 {
  if (isExpired()) {
    decodeAbort(decoder);
    return skipExpired();
  }
  return storeEntry(tryDecodedEntry(decoder, keyPtr, keyLen, clockOfKey(), expireAtMs));
}

/** Puts a fresh entry into the window; 0 is one for which there was no memory. */
function storeEntry(e: EntryPtr): u32 {
  if (e == 0) return failed(RDB_FAULT_NO_MEMORY);
  state = LOADING_OPCODE;
  releaseKey();
  nextKey();
  if (windowAdd(e) && !flushed()) return LOAD_ERROR;
  return counted();
}

/** One more key is done. */
function counted(): u32 {
  if (keysLeft == 0) return GO_ON;
  keysLeft -= 1;
  return keysLeft == 0 ? LOAD_PAUSE : GO_ON;
}

function skipExpired(): u32 {
  keysExpired += 1;
  state = LOADING_OPCODE;
  releaseKey();
  nextKey();
  return counted();
}

/** The host has the name as long as it does not go on: `loadEnd` or the next key frees it. */
function skipEmpty(): u32 {
  keysEmpty += 1;
  store<u32>(found, <u32>keyPtr, LOAD_PTR);
  store<u32>(found, keyLen, LOAD_LEN);
  state = LOADING_OPCODE;
  nextKey();
  return LOAD_EMPTY_KEY;
}

// --- Strings ---

/** Reads the value of a string, which is next in the input. */
function readStringValue(): u32 {
  const head = readHead();
  let e: EntryPtr = 0;
  if (inputFault != FAULT_NONE) return unreadKey();
  const expired = isExpired();
  if (!headIsEncoding) {
    if (head >= LONG_STRING_BYTES && head > <u64>(end - inputAt)) return startText(head);
    const value = takeBytes(<u32>head);
    if (inputFault != FAULT_NONE) return unreadKey();
    if (!expired) e = tryNewStringFor(keyPtr, keyLen, value, <u32>head, expireAtMs);
  } else if (head == STRING_LZF) {
    e = tryUnpacked(expired);
  } else {
    const value = readInteger(<u32>head);
    if (inputFault != FAULT_NONE) return unreadKey();
    if (!expired) e = tryNewIntEntry(keyPtr, keyLen, value, freshClock, expireAtMs);
  }
  if (inputFault != FAULT_NONE) return unreadKey();
  at = inputAt;
  if (expired) return skipExpired();
  if (e != 0) Entry.setClock(e, clockOfKey());
  return storeEntry(e);
}

/**
 * An entry with the compressed string that is next, unpacked where it is to stay if it is long; 0 with
 * a fault, or when it is not wanted.
 */
function tryUnpacked(expired: bool): EntryPtr {
  const length = readLzfLength();
  if (inputFault != FAULT_NONE) return 0;
  const short = length <= EMBED_MAX_BYTES;
  const block = short ? tryAlloc(EMBED_MAX_BYTES) : tryStringBlock(length);
  if (block == 0) {
    fail(FAULT_MEMORY);
    return 0;
  }
  const to = short ? block : stringBlockBytes(block);
  unpackLzf(to, length);
  let e: EntryPtr = 0;
  if (inputFault == FAULT_NONE && !expired) {
    if (short) e = tryNewStringFor(keyPtr, keyLen, to, length, expireAtMs);
    else e = tryRawEntry(block);
    if (e == 0) fail(FAULT_MEMORY);
  }
  if (short || e == 0) free(block);
  return e;
}

function tryRawEntry(block: usize): EntryPtr {
  return tryNewBlockEntry(
    keyPtr,
    keyLen,
    TYPE_STRING,
    ENCODING_RAW,
    block,
    clockOfKey(),
    expireAtMs,
  );
}

/** Begins a long string of which only a part is there. */
function startText(length: u64): u32 {
  // Memory is taken only for what the file can hold.
  const rest = total - min(total, taken + (inputAt - begin));
  if (last || (total != 0 && length > rest)) return failed(RDB_FAULT_EOF);
  text = length <= u32.MAX_VALUE ? tryStringBlock(<u32>length) : 0;
  if (text == 0 || !keepKey()) return failed(RDB_FAULT_NO_MEMORY);
  textLen = <u32>length;
  textFilled = 0;
  at = inputAt;
  state = LOADING_STRING;
  return fillText();
}

function fillText(): u32 {
  const bytes = <u32>min(<usize>(textLen - textFilled), end - at);
  memory.copy(stringBlockBytes(text) + textFilled, at, bytes);
  textFilled += bytes;
  at += bytes;
  if (textFilled < textLen) {
    inputStart(at, 0);
    return last ? failed(RDB_FAULT_EOF) : LOAD_MORE;
  }
  if (isExpired()) {
    free(text);
    text = 0;
    return skipExpired();
  }
  const e = tryRawEntry(text);
  if (e != 0) text = 0;
  return storeEntry(e);
}
