// BITOP: combines whole bitmaps.
//
//   AND OR XOR   of all sources              NOT     of the only source
//   DIFF         X and none of Y...          DIFF1   some of Y..., not X
//   ANDOR        X and some of Y...          ONE     exactly one of all sources
//
// Sources shorter than the longest count as padded with zeros. The result is computed piece by piece,
// each small enough to stay in the cache while all sources are worked into it, in memory of its own:
// the destination may be one of the sources.

import {
  deleteKey,
  lookupKeyQuiet,
  lookupKeyRead,
  lookupKeyWrite,
  trySetStringBlock,
  tryStoreText,
} from '../keyspace/db';
import { NOTIFY_GENERIC, NOTIFY_STRING } from '../keyspace/effects';
import {
  EMBED_MAX_BYTES,
  ENCODING_RAW,
  Entry,
  NO_EXPIRE,
  stringBlockBytes,
  TYPE_STRING,
  tryStringBlock,
} from '../keyspace/entry';
import { VIEW_SCRATCH_BYTES, viewLen, viewPtr, viewStringIn } from '../keyspace/string_value';
import { free, tryAlloc } from '../memory/alloc';
import { argEvent } from '../resp/arg_event';
import { Arg, argc, argIs } from '../resp/args';
import {
  ERR_OOM_LIMIT,
  ERR_SYNTAX,
  ERR_WRONG_TYPE,
  errorEnd,
  errorStart,
  replyError,
} from '../resp/errors';
import { replyInt, replyText } from '../resp/writer';
import {
  BITS_AND,
  BITS_AND_NOT,
  BITS_OR,
  BITS_XOR,
  combineBytes,
  invertBytes,
  tallyBytes,
} from '../util/bits';

const OP_AND: u32 = 0;
const OP_OR: u32 = 1;
const OP_XOR: u32 = 2;
const OP_NOT: u32 = 3;
const OP_DIFF: u32 = 4;
const OP_DIFF1: u32 = 5;
const OP_ANDOR: u32 = 6;
const OP_ONE: u32 = 7;
const OP_NONE: u32 = 8;

const FIRST_SOURCE: u32 = 3;

/** A source: where its bytes are, and room for the digits of an integer. */
@unmanaged
class Source {
  ptr: usize;
  len: u32;
  digits0: u64;
  digits1: u64;
  digits2: u64;
}

const SOURCE_BYTES: u32 = 32;
const SOURCE_DIGITS: usize = 8;
const FEW_SOURCES: u32 = 16;
const fewSources: usize = memory.data(512, 8);

const PIECE_BYTES: u32 = 4096;
/** Bits of the piece that ONE has met more than once. */
const twice: usize = memory.data(4096, 16);
/** A result that fits the entry. */
const smallResult: usize = memory.data(192, 16);

let sources: usize = 0;
let sourceCount: u32 = 0;
let longest: u32 = 0;

function sourceAt(k: u32): Source {
  return changetype<Source>(sources + k * SOURCE_BYTES);
}

/** BITOP operation destkey key [key ...] */
export function bitopCommand(): void {
  const op = readOperation();
  if (op == OP_NONE) {
    replyError(ERR_SYNTAX);
    return;
  }
  sourceCount = argc - FIRST_SOURCE;
  if (op == OP_NOT && sourceCount != 1) {
    replyError('ERR BITOP NOT must be called with a single source key.');
    return;
  }
  if (sourceCount < 2 && (op == OP_DIFF || op == OP_DIFF1 || op == OP_ANDOR)) {
    replyTooFewSources(op);
    return;
  }
  if (!checkSourcesOrReply()) return;
  sources = sourceCount <= FEW_SOURCES ? fewSources : tryAlloc(<usize>sourceCount * SOURCE_BYTES);
  if (sources == 0) {
    replyError(ERR_OOM_LIMIT);
    return;
  }
  viewSources();
  storeResult(op);
  if (sources != fewSources) free(sources);
}

function readOperation(): u32 {
  if (argIs(1, 'and')) return OP_AND;
  if (argIs(1, 'or')) return OP_OR;
  if (argIs(1, 'xor')) return OP_XOR;
  if (argIs(1, 'not')) return OP_NOT;
  if (argIs(1, 'diff')) return OP_DIFF;
  if (argIs(1, 'diff1')) return OP_DIFF1;
  if (argIs(1, 'andor')) return OP_ANDOR;
  return argIs(1, 'one') ? OP_ONE : OP_NONE;
}

function replyTooFewSources(op: u32): void {
  const start = errorStart();
  replyText('ERR BITOP ');
  replyText(op == OP_DIFF ? 'DIFF' : op == OP_DIFF1 ? 'DIFF1' : 'ANDOR');
  replyText(' must be called with at least two source keys.');
  errorEnd(start);
}

/** Looks all sources up once, for statistics, expiry and type. */
function checkSourcesOrReply(): bool {
  for (let i = FIRST_SOURCE; i < argc; i++) {
    const e = lookupKeyRead(Arg.ptr(i), Arg.len(i), Arg.hash(i));
    if (e != 0 && Entry.type(e) != TYPE_STRING) {
      replyError(ERR_WRONG_TYPE);
      return false;
    }
  }
  return true;
}

/** Notes where the bytes of the sources are. No lookup deletes anything now, so they stay there. */
function viewSources(): void {
  if (offsetof<Source>() != SOURCE_BYTES) ERROR('Source is SOURCE_BYTES long');
  if (offsetof<Source>('digits0') != SOURCE_DIGITS) ERROR('SOURCE_DIGITS');
  if (SOURCE_DIGITS + VIEW_SCRATCH_BYTES > SOURCE_BYTES) ERROR('room for digits');
  longest = 0;
  for (let k: u32 = 0; k < sourceCount; k++) {
    const i = FIRST_SOURCE + k;
    const source = sourceAt(k);
    const e = lookupKeyQuiet(Arg.ptr(i), Arg.len(i), Arg.hash(i));
    source.ptr = 0;
    source.len = 0;
    if (e == 0) continue;
    viewStringIn(e, changetype<usize>(source) + SOURCE_DIGITS);
    source.ptr = viewPtr;
    source.len = viewLen;
    longest = max(longest, viewLen);
  }
}

function storeResult(op: u32): void {
  if (longest == 0) {
    if (deleteKey(Arg.ptr(2), Arg.len(2), Arg.hash(2))) argEvent(2, NOTIFY_GENERIC, 'del', 1);
    replyInt(0);
    return;
  }
  let stored: bool;
  if (longest <= EMBED_MAX_BYTES) {
    compute(op, smallResult);
    const old = lookupKeyWrite(Arg.ptr(2), Arg.len(2), Arg.hash(2));
    stored = tryStoreText(
      old,
      Arg.ptr(2),
      Arg.len(2),
      Arg.hash(2),
      smallResult,
      longest,
      ENCODING_RAW,
      NO_EXPIRE,
    );
  } else {
    const block = tryStringBlock(longest);
    if (block != 0) compute(op, stringBlockBytes(block));
    stored = block != 0 && trySetStringBlock(Arg.ptr(2), Arg.len(2), Arg.hash(2), block);
    if (block != 0 && !stored) free(block);
  }
  if (stored) {
    argEvent(2, NOTIFY_STRING, 'set', 1);
    replyInt(longest);
  } else replyError(ERR_OOM_LIMIT);
}

// --- Computing ---

function compute(op: u32, out: usize): void {
  let at: u32 = 0;
  while (at < longest) {
    const size = min(PIECE_BYTES, longest - at);
    computePiece(op, out + at, at, size);
    at += size;
  }
}

/** Where in the piece that starts at `at` the source ends. */
function extent(source: Source, at: u32, size: u32): u32 {
  return source.len <= at ? 0 : min(source.len - at, size);
}

/** Works the sources from `first` on into a piece; what is beyond a source's end stays. */
function combineSources(op: u32, first: u32, dst: usize, at: u32, size: u32): void {
  for (let k = first; k < sourceCount; k++) {
    const source = sourceAt(k);
    const count = extent(source, at, size);
    combineBytes(op, dst, source.ptr + at, count);
    if (op == BITS_AND) memory.fill(dst + count, 0, size - count);
  }
}

function computePiece(op: u32, dst: usize, at: u32, size: u32): void {
  const x = sourceAt(0);
  const count = extent(x, at, size);
  if (op == OP_DIFF1 || op == OP_ANDOR) {
    memory.fill(dst, 0, size);
    combineSources(BITS_OR, 1, dst, at, size);
    combineBytes(op == OP_ANDOR ? BITS_AND : BITS_AND_NOT, dst, x.ptr + at, count);
    if (op == OP_ANDOR) memory.fill(dst + count, 0, size - count);
    return;
  }
  // A source that ended before has no address here: it may lie beyond the end of memory.
  if (count != 0) memory.copy(dst, x.ptr + at, count);
  memory.fill(dst + count, 0, size - count);
  if (op == OP_NOT) invertBytes(dst, size);
  else if (op == OP_ONE) keepSingles(dst, at, size);
  else if (op == OP_AND) combineSources(BITS_AND, 1, dst, at, size);
  else if (op == OP_OR) combineSources(BITS_OR, 1, dst, at, size);
  else if (op == OP_XOR) combineSources(BITS_XOR, 1, dst, at, size);
  else combineSources(BITS_AND_NOT, 1, dst, at, size);
}

/** Of a piece that holds the first source, leaves the bits that exactly one source has. */
function keepSingles(dst: usize, at: u32, size: u32): void {
  memory.fill(twice, 0, size);
  for (let k: u32 = 1; k < sourceCount; k++) {
    const source = sourceAt(k);
    tallyBytes(dst, twice, source.ptr + at, extent(source, at, size));
  }
  combineBytes(BITS_AND_NOT, dst, twice, size);
}
