// Keys that hold a stream.
//
// A stream's header never moves (struct/stream.ts), and a stream without entries stays: only its key's
// deletion ends it.

import { CFG_STREAM_NODE_MAX_BYTES, CFG_STREAM_NODE_MAX_ENTRIES } from '../abi';
import { streamFree, tryStreamNew } from '../struct/stream';
import { Stream, tryStreamAppend } from '../struct/stream_nodes';
import { initialClock } from './access_clock';
import { tryInsertNew } from './db';
import {
  ENCODING_STREAM,
  Entry,
  EntryPtr,
  NO_EXPIRE,
  TYPE_STREAM,
  tryNewBlockEntry,
} from './entry';
import { Settings } from './settings';

/** The stream of an entry of type TYPE_STREAM. */
export function streamOf(e: EntryPtr): Stream {
  return changetype<Stream>(Entry.valuePtr(e));
}

/** Adds a key, known to be absent, that holds an empty stream; 0 when memory is exhausted. */
export function tryNewStreamKey(key: usize, keyLen: u32, hash: u64): EntryPtr {
  const stream = tryStreamNew();
  if (stream == 0) return 0;
  const clock = initialClock();
  const e = tryNewBlockEntry(key, keyLen, TYPE_STREAM, ENCODING_STREAM, stream, clock, NO_EXPIRE);
  if (e == 0) {
    streamFree(stream);
    return 0;
  }
  return tryInsertNew(e, hash) ? e : 0;
}

/** `tryStreamAppend` with the limits of nodes as configured. */
export function tryAppendEntry(
  s: Stream,
  ms: u64,
  seq: u64,
  at: usize,
  stride: u32,
  fields: u32,
): bool {
  const bytes = <u64>Settings.get(CFG_STREAM_NODE_MAX_BYTES);
  const entries = Settings.get(CFG_STREAM_NODE_MAX_ENTRIES);
  return tryStreamAppend(s, ms, seq, at, stride, fields, bytes, entries);
}
