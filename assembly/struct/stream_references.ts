// Deleting entries of a stream with regard to the consumer groups that may still need them.
//
//   KEEP_REFERENCES     what groups noted about the entry stays
//   DROP_REFERENCES     the entry is no longer pending anywhere
//   ONLY_UNREFERENCED   an entry goes only when every group has read and acknowledged it
//
// Trimming goes through a stream's nodes as streamTrimByLength and streamTrimById do, but entry by entry,
// so it costs O(log n) for each. Entries that have to stay do not stop it.

import { idTreeFirst, idTreeSeek } from './id_tree';
import { streamDropReferences, streamIsReferenced } from './stream_group';
import {
  idMs,
  idSeq,
  STREAM_ITERATOR_BYTES,
  Stream,
  StreamIterator,
  streamCompareId,
  streamFindFirst,
  streamIncrId,
  streamIteratorNext,
  streamIteratorRemove,
  streamIteratorStart,
  streamNodeFirstId,
  streamNodeLastId,
  streamNodeLength,
  streamNodeOf,
  streamTrimById,
  streamTrimByLength,
} from './stream_nodes';

export const KEEP_REFERENCES: u32 = 1;
export const DROP_REFERENCES: u32 = 2;
export const ONLY_UNREFERENCED: u32 = 3;

const iterator: usize = memory.data(<i32>STREAM_ITERATOR_BYTES, 8);

// The trim at hand: to a length, or (`byId`) to an id.
let byId: bool = false;
let maxLength: u64 = 0;
let minMs: u64 = 0;
let minSeq: u64 = 0;

/** `streamTrimByLength` that heeds references, KEEP_REFERENCES and so on. */
export function streamTrimLengthReferenced(
  s: Stream,
  length: u64,
  approximate: bool,
  limit: u64,
  references: u32,
): u64 {
  if (references == KEEP_REFERENCES) return streamTrimByLength(s, length, approximate, limit);
  byId = false;
  maxLength = length;
  return trim(s, approximate, limit, references);
}

/** `streamTrimById` that heeds references, KEEP_REFERENCES and so on. */
export function streamTrimIdReferenced(
  s: Stream,
  ms: u64,
  seq: u64,
  approximate: bool,
  limit: u64,
  references: u32,
): u64 {
  if (references == KEEP_REFERENCES) return streamTrimById(s, ms, seq, approximate, limit);
  byId = true;
  minMs = ms;
  minSeq = seq;
  return trim(s, approximate, limit, references);
}

function trim(s: Stream, approximate: bool, limit: u64, references: u32): u64 {
  let deleted: u64 = 0;
  let node = idTreeFirst(s.nodes());
  while (node != 0 && (byId || s.length > maxLength)) {
    const entries = streamNodeLength(streamNodeOf(node));
    if (limit != 0 && deleted + entries > limit) break;
    streamNodeLastId(node);
    const lastMs = idMs;
    const lastSeq = idSeq;
    const whole = byId
      ? streamCompareId(lastMs, lastSeq, minMs, minSeq) < 0
      : s.length - entries >= maxLength;
    if (!whole && approximate) break;
    deleted += trimNode(s, node, lastMs, lastSeq, references);
    if (byId && !whole) break;
    node = streamIncrId(lastMs, lastSeq) ? idTreeSeek(s.nodes(), idMs, idSeq) : 0;
  }
  if (deleted != 0) streamFindFirst(s);
  return deleted;
}

/** Deletes what may go of a node, and returns how many entries that are. */
function trimNode(s: Stream, node: u64, lastMs: u64, lastSeq: u64, references: u32): u64 {
  const it = changetype<StreamIterator>(iterator);
  streamNodeFirstId(node);
  streamIteratorStart(it, s, idMs, idSeq, lastMs, lastSeq, false);
  let deleted: u64 = 0;
  while (streamIteratorNext(it)) {
    const ms = it.ms;
    const seq = it.seq;
    if (byId ? streamCompareId(ms, seq, minMs, minSeq) >= 0 : s.length <= maxLength) break;
    if (references == ONLY_UNREFERENCED && streamIsReferenced(s, ms, seq)) continue;
    if (references == DROP_REFERENCES) streamDropReferences(s, ms, seq);
    streamIteratorRemove(it);
    deleted += 1;
  }
  return deleted;
}
