// Writing a stream: see encode.ts.
//
//   len nodes    (id as str, listpack as str) ...
//   length, last id, first id, largest deleted id, entries added: nine lengths
//   len groups   (name str, last id, entries read: lengths,
//                 len pending    (id, delivery time i64, delivery count len) ...
//                 len consumers  (name str, seen time i64, active time i64 in version 3,
//                                 len pending    id ...) ...) ...
//
// Ids of nodes and pending entries are RAW_ID_BYTES. Every pending entry of a group belongs to one of
// its consumers; entries that were given back and are nobody's are something Redis up to 7.4 does
// not have and might not survive, so streams with such entries are written in version 3, with an RDB
// version that keeps older servers from reading them.
//
// What a stream remembers of idempotent producers (XADD IDMP) is not written: the format of 7.0 has no
// place for it, and it only lasts for minutes.

import { free, tryAlloc } from '../memory/alloc';
import { IdAt, idTreeFirst } from '../struct/id_tree';
import { lpBytes } from '../struct/listpack';
import { firstNamed, namedAt } from '../struct/name_tree';
import { treeNext } from '../struct/ordered_tree';
import { groupFirst, Nack, StreamConsumer, StreamGroup } from '../struct/stream_group';
import {
  Stream,
  StreamPtr,
  streamFirstNode,
  streamListpackBytes,
  streamNodeOf,
  streamWriteListpack,
} from '../struct/stream_nodes';
import { Packed } from '../struct/stream_packed';
import { Encoder, isPaused, putString } from './encoder';
import { RAW_ID_BYTES, RDB_STREAM_LISTPACKS_2, RDB_STREAM_LISTPACKS_3 } from './format';
import {
  RdbOutput,
  tryWriteShort,
  writeBytes,
  writeI64,
  writeLength,
  writeRawId,
} from './rdb_output';

const STAGE_HEAD: u32 = 0;
const STAGE_NODES: u32 = 1;
const STAGE_GROUP: u32 = 2;
const STAGE_GROUP_IDS: u32 = 3;
const STAGE_PENDING: u32 = 4;
const STAGE_CONSUMER: u32 = 5;
const STAGE_CONSUMER_TIMES: u32 = 6;
const STAGE_OWN_PENDING: u32 = 7;

export function streamRdbType(stream: StreamPtr): u32 {
  return hasUnowned(changetype<Stream>(stream)) ? RDB_STREAM_LISTPACKS_3 : RDB_STREAM_LISTPACKS_2;
}

/** Whether there are pending entries that belong to no consumer. O(consumers). */
function hasUnowned(s: Stream): bool {
  for (let at = groupFirst(s); at != 0; at = treeNext(at)) {
    const g = changetype<StreamGroup>(namedAt(at));
    let owned: u32 = 0;
    for (let c = firstNamed(g.consumers()); c != 0; c = treeNext(c)) {
      owned += changetype<StreamConsumer>(namedAt(c)).pelSize;
    }
    if (owned != g.pelSize) return true;
  }
  return false;
}

/** Writes on until the step is over. True when the stream is written. */
export function encodeStream(x: Encoder, out: RdbOutput): bool {
  const s = changetype<Stream>(x.block);
  if (x.stage == STAGE_HEAD) {
    // Nothing may change before the stream is written, so the version is decided once.
    x.half = hasUnowned(s);
    writeLength(out, s.nodesSize);
    x.position = streamFirstNode(s);
    x.stage = STAGE_NODES;
  }
  while (!isPaused(x, out)) {
    if (x.stage == STAGE_NODES) writeNode(x, out, s);
    else if (x.stage == STAGE_GROUP) {
      if (x.group == 0) return true;
      const g = changetype<StreamGroup>(namedAt(x.group));
      putString(x, out, g.namePtr, g.nameLen);
      x.stage = STAGE_GROUP_IDS;
    } else writeGroup(x, out);
  }
  return x.stage == STAGE_GROUP && x.group == 0;
}

function writeNode(x: Encoder, out: RdbOutput, s: Stream): void {
  if (x.position == 0) {
    writeMetadata(out, s);
    x.group = groupFirst(s);
    x.stage = STAGE_GROUP;
    return;
  }
  writeLength(out, RAW_ID_BYTES);
  writeRawId(out, IdAt.ms(x.position), IdAt.seq(x.position));
  const node = streamNodeOf(x.position);
  if (Packed.is(node)) writePacked(x, out);
  else putString(x, out, node, lpBytes(node));
  x.position = treeNext(x.position);
}

/** Writes a packed node as the listpack it stands for, at once: it is not long. */
function writePacked(x: Encoder, out: RdbOutput): void {
  const bytes = streamListpackBytes(x.position);
  const lp = tryAlloc(bytes);
  if (lp == 0) {
    out.lost = true;
    return;
  }
  streamWriteListpack(x.position, lp);
  if (!tryWriteShort(out, lp, bytes)) {
    writeLength(out, bytes);
    writeBytes(out, lp, bytes);
  }
  free(lp);
}

function writeMetadata(out: RdbOutput, s: Stream): void {
  writeLength(out, s.length);
  writeLength(out, s.lastMs);
  writeLength(out, s.lastSeq);
  writeLength(out, s.firstMs);
  writeLength(out, s.firstSeq);
  writeLength(out, s.maxDeletedMs);
  writeLength(out, s.maxDeletedSeq);
  writeLength(out, s.entriesAdded);
  writeLength(out, s.groupsSize);
}

/** One step within a group. */
function writeGroup(x: Encoder, out: RdbOutput): void {
  const g = changetype<StreamGroup>(namedAt(x.group));
  if (x.stage == STAGE_GROUP_IDS) {
    writeLength(out, g.lastMs);
    writeLength(out, g.lastSeq);
    writeLength(out, <u64>g.entriesRead);
    writeLength(out, g.pelSize);
    x.pending = idTreeFirst(g.pel());
    x.stage = STAGE_PENDING;
  } else if (x.stage == STAGE_PENDING) {
    writePending(x, out);
    if (x.pending != 0) return;
    writeLength(out, g.consumersSize);
    x.consumer = firstNamed(g.consumers());
    x.stage = STAGE_CONSUMER;
  } else writeConsumer(x, out);
}

/** Writes the next pending entry of a group, if there is one. */
function writePending(x: Encoder, out: RdbOutput): void {
  if (x.pending == 0) return;
  const n = changetype<Nack>(IdAt.address(x.pending));
  writeRawId(out, IdAt.ms(x.pending), IdAt.seq(x.pending));
  writeI64(out, n.deliveryTimeMs);
  writeLength(out, n.deliveryCount);
  x.pending = treeNext(x.pending);
}

function writeConsumer(x: Encoder, out: RdbOutput): void {
  if (x.consumer == 0) {
    x.group = treeNext(x.group);
    x.stage = STAGE_GROUP;
    return;
  }
  const c = changetype<StreamConsumer>(namedAt(x.consumer));
  if (x.stage == STAGE_CONSUMER) {
    putString(x, out, c.namePtr, c.nameLen);
    x.stage = STAGE_CONSUMER_TIMES;
  } else if (x.stage == STAGE_CONSUMER_TIMES) {
    writeI64(out, c.seenTimeMs);
    if (x.half) writeI64(out, c.activeTimeMs);
    writeLength(out, c.pelSize);
    x.pending = idTreeFirst(c.pel());
    x.stage = STAGE_OWN_PENDING;
  } else if (x.pending != 0) {
    writeRawId(out, IdAt.ms(x.pending), IdAt.seq(x.pending));
    x.pending = treeNext(x.pending);
  } else {
    x.consumer = treeNext(x.consumer);
    x.stage = STAGE_CONSUMER;
  }
}
