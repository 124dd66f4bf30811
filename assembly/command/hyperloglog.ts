// HyperLogLog: counting different strings. The value is a string in Redis's format, which clients may
// read, keep and write back; so every command checks it, and damaged ones are an error.
//
// PFADD of several strings that runs out of memory, or finds that the runs are corrupt, replies the
// error and keeps what it has added; only the former counts as a change, as in Redis. PFDEBUG and
// PFSELFTEST are in hyperloglog_debug.ts.

import { CFG_HLL_SPARSE_MAX_BYTES } from '../abi';
import { KEEP_EXPIRE, lookupKeyRead, lookupKeyWrite, tryStoreText } from '../keyspace/db';
import { NOTIFY_GENERIC, NOTIFY_STRING } from '../keyspace/effects';
import { ENCODING_RAW, EntryPtr, TYPE_STRING } from '../keyspace/entry';
import {
  hllEntry,
  hllLen,
  hllPtr,
  ownHll,
  tryHllAdd,
  tryNewHll,
  viewHll,
} from '../keyspace/hll_value';
import { Settings } from '../keyspace/settings';
import { argEvent } from '../resp/arg_event';
import { Arg, argc } from '../resp/args';
import { ERR_OOM_LIMIT, replyError } from '../resp/errors';
import { replyInt, replyOk } from '../resp/writer';
import {
  HLL_CHANGED,
  HLL_CORRUPT,
  HLL_DENSE,
  HLL_UNCHANGED,
  hllBytes,
  hllCached,
  hllCardinality,
  hllCount,
  hllEncoding,
  hllInvalidateCache,
  hllIsCached,
  hllSetCached,
  hllUnionAdd,
  hllUnionCount,
  hllUnionStart,
  hllUnionWrite,
} from '../struct/hyperloglog';
import { hasTypeOrReply } from './type_check';

export const ERR_CORRUPT: string = 'INVALIDOBJ Corrupted HLL object detected';
const ERR_NO_HLL: string = 'WRONGTYPE Key is not a valid HyperLogLog string value.';

export function sparseMaxBytes(): u32 {
  return <u32>min<i64>(Settings.get(CFG_HLL_SPARSE_MAX_BYTES), u32.MAX_VALUE);
}

/** Whether an entry is a HyperLogLog, which `hllPtr` and `hllLen` then show; `own`: to be changed. */
export function isHllOrReply(e: EntryPtr, own: bool): bool {
  if (!hasTypeOrReply(e, TYPE_STRING)) return false;
  if (own ? ownHll(e) : viewHll(e)) return true;
  replyError(ERR_NO_HLL);
  return false;
}

/** PFADD key [element [element ...]] */
export function pfaddCommand(): void {
  let e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  let changes: u32 = 0;
  if (e == 0) {
    e = tryNewHll(Arg.ptr(1), Arg.len(1), Arg.hash(1));
    if (e == 0) {
      replyError(ERR_OOM_LIMIT);
      return;
    }
    hllInvalidateCache(hllPtr);
    changes = 1;
  } else if (!isHllOrReply(e, true)) return;
  const most = sparseMaxBytes();
  let result = HLL_UNCHANGED;
  for (let i: u32 = 2; i < argc; i++) {
    result = tryHllAdd(e, Arg.ptr(i), Arg.len(i), most);
    e = hllEntry;
    if (result == HLL_CHANGED) changes += 1;
    else if (result != HLL_UNCHANGED) break;
  }
  if (result == HLL_CORRUPT) {
    replyError(ERR_CORRUPT);
    return;
  }
  if (changes != 0) argEvent(1, NOTIFY_STRING, 'pfadd', changes);
  if (result > HLL_CHANGED) replyError(ERR_OOM_LIMIT);
  else replyInt(changes != 0 ? 1 : 0);
}

/** PFCOUNT key [key ...] */
export function pfcountCommand(): void {
  if (argc > 2) {
    if (!uniteOrReply()) return;
    replyInt(<i64>hllUnionCount());
    return;
  }
  const e = lookupKeyRead(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) {
    replyInt(0);
    return;
  }
  if (!isHllOrReply(e, true)) return;
  if (!hllIsCached(hllPtr)) {
    if (!hllCount(hllPtr, hllLen)) {
      replyError(ERR_CORRUPT);
      return;
    }
    hllSetCached(hllPtr, hllCardinality);
    // The value changed, though only by what it says of itself.
    argEvent(1, NOTIFY_GENERIC, '', 1);
  }
  replyInt(<i64>hllCached(hllPtr));
}

/** Whether one of those that `uniteOrReply` united is dense. */
let anyDense: bool = false;

/** Makes the union of all keys. False after an error reply. */
function uniteOrReply(): bool {
  anyDense = false;
  hllUnionStart();
  for (let i: u32 = 1; i < argc; i++) {
    const e = lookupKeyRead(Arg.ptr(i), Arg.len(i), Arg.hash(i));
    if (e == 0) continue;
    if (!isHllOrReply(e, false)) return false;
    if (hllEncoding(hllPtr) == HLL_DENSE) anyDense = true;
    if (!hllUnionAdd(hllPtr, hllLen)) {
      replyError(ERR_CORRUPT);
      return false;
    }
  }
  return true;
}

/** PFMERGE destkey [sourcekey [sourcekey ...]] */
export function pfmergeCommand(): void {
  if (!uniteOrReply()) return;
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e != 0) viewHll(e);
  const merged = hllUnionWrite(e == 0 ? 0 : hllPtr, hllLen, anyDense, sparseMaxBytes());
  if (merged == 0) {
    replyError(ERR_CORRUPT);
    return;
  }
  const stored = tryStoreText(
    e,
    Arg.ptr(1),
    Arg.len(1),
    Arg.hash(1),
    merged,
    hllBytes,
    ENCODING_RAW,
    KEEP_EXPIRE,
  );
  if (!stored) {
    replyError(ERR_OOM_LIMIT);
    return;
  }
  argEvent(1, NOTIFY_STRING, 'pfadd', 1);
  replyOk();
}
