// Entries of streams in replies: [id, [field, value, ...]], and ranges of them.

import { EntryPtr, TYPE_STREAM } from '../keyspace/entry';
import {
  outputLost,
  replyArray,
  replyArrayEnd,
  replyArrayStart,
  replyBulk,
  replyBulkInt,
} from '../resp/writer';
import { lpGet, lpValueInt, lpValueLen } from '../struct/listpack';
import {
  STREAM_ITERATOR_BYTES,
  Stream,
  StreamIterator,
  streamIteratorField,
  streamIteratorNext,
  streamIteratorStart,
} from '../struct/stream_nodes';
import { replyStreamId } from './stream_id';
import { hasTypeOrReply } from './type_check';

const iterator: usize = memory.data(<i32>STREAM_ITERATOR_BYTES, 8);

/** An iterator for one walk at a time. */
export function commandIterator(): StreamIterator {
  return changetype<StreamIterator>(iterator);
}

/** False after replying that the entry is no stream. */
export function isStreamOrReply(e: EntryPtr): bool {
  return hasTypeOrReply(e, TYPE_STREAM);
}

function replyElement(p: usize): void {
  const string = lpGet(p);
  if (string != 0) replyBulk(string, lpValueLen);
  else replyBulkInt(lpValueInt);
}

/** Replies with the fields and values of the entry an iterator is at. */
export function replyFields(it: StreamIterator): void {
  replyArray((<u32>it.fields) << 1);
  while (streamIteratorField(it) && !outputLost) {
    replyElement(it.field);
    replyElement(it.value);
  }
}

/** Replies with the entry an iterator is at. */
export function replyEntry(it: StreamIterator): void {
  replyArray(2);
  replyStreamId(it.ms, it.seq);
  replyFields(it);
}

/** Replies with one entry, without anything when it is not there: false. */
export function replyEntryOf(s: Stream, ms: u64, seq: u64): bool {
  const it = commandIterator();
  streamIteratorStart(it, s, ms, seq, ms, seq, false);
  if (!streamIteratorNext(it)) return false;
  replyEntry(it);
  return true;
}

/** Replies with an array of up to `count` entries, 0 for all, from one id to another. Returns how many. */
export function replyRange(
  s: Stream,
  startMs: u64,
  startSeq: u64,
  endMs: u64,
  endSeq: u64,
  count: u64,
  reverse: bool,
): u32 {
  const array = replyArrayStart();
  const it = commandIterator();
  streamIteratorStart(it, s, startMs, startSeq, endMs, endSeq, reverse);
  let replied: u32 = 0;
  while (!outputLost && streamIteratorNext(it)) {
    replyEntry(it);
    replied += 1;
    if (<u64>replied == count) break;
  }
  replyArrayEnd(array, replied);
  return replied;
}
