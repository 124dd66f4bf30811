// Reading streams: see decode.ts, and encode_stream.ts for the format.
//
// A stream is sound when the ids of its entries ascend through all nodes, none of them before its
// node's id or behind the stream's last one; when counters agree with what is there; and when every
// pending entry of a consumer is one of its group and nobody else's. The first id is found anew.
//
// Up to version 2 consumers have no active time (the time they were last seen stands for it), and
// every pending entry has to have an owner. Version 1 knows neither deletions nor what groups have
// read: both are estimated as Redis does.

import {
  RDB_FAULT_STREAM_CONSUMER,
  RDB_FAULT_STREAM_CONSUMER_PEL,
  RDB_FAULT_STREAM_EMPTY_NODE,
  RDB_FAULT_STREAM_GROUP,
  RDB_FAULT_STREAM_LENGTH,
  RDB_FAULT_STREAM_LISTPACK,
  RDB_FAULT_STREAM_NO_OWNER,
  RDB_FAULT_STREAM_NODE_KEY,
  RDB_FAULT_STREAM_NODE_ORDER,
  RDB_FAULT_STREAM_PEL,
} from '../abi';
import { IdAt, idTreeFirst } from '../struct/id_tree';
import { treeNext } from '../struct/ordered_tree';
import { tryStreamNew } from '../struct/stream';
import {
  consumerFind,
  ENTRIES_READ_UNKNOWN,
  groupFind,
  Nack,
  nackFind,
  StreamConsumer,
  StreamGroup,
  streamDistance,
  tryConsumerCreate,
  tryGroupCreate,
  tryNackAssign,
  tryNackCreate,
} from '../struct/stream_group';
import {
  idMs,
  idSeq,
  NODE_ADDED,
  NODE_NO_MEMORY,
  STREAM_ITERATOR_BYTES,
  Stream,
  StreamIterator,
  streamAddNode,
  streamCompareId,
  streamEdgeId,
  streamIteratorNext,
  streamIteratorStartAll,
  streamNodeEntries,
  streamValidateNode,
} from '../struct/stream_nodes';
import { Decoder, STAGE_HEAD } from './decoder';
import { RAW_ID_BYTES, RDB_STREAM_LISTPACKS, RDB_STREAM_LISTPACKS_3 } from './format';
import {
  FAULT_MEMORY,
  FAULT_NONE,
  fail,
  failAs,
  inputFault,
  inputMark,
  itemString,
  nameString,
  readBigEndian,
  readI64,
  readLength,
  readString,
} from './rdb_input';

const STAGE_NODES: u32 = 1;
const STAGE_METADATA: u32 = 2;
const STAGE_GROUPS: u32 = 3;
const STAGE_PENDING: u32 = 4;
const STAGE_CONSUMERS: u32 = 5;
const STAGE_OWN_PENDING: u32 = 6;
const STAGE_DONE: u32 = 7;

const iterator: StreamIterator = changetype<StreamIterator>(
  memory.data(<i32>STREAM_ITERATOR_BYTES, 8),
);

export function decodeStream(d: Decoder): void {
  while (d.stage != STAGE_DONE) {
    if (d.stage == STAGE_HEAD) readHead(d);
    else if (d.stage == STAGE_NODES) readNode(d);
    else if (d.stage == STAGE_METADATA) readMetadata(d);
    else if (d.stage == STAGE_GROUPS) readGroup(d);
    else if (d.stage == STAGE_PENDING) readPending(d);
    else if (d.stage == STAGE_CONSUMERS) readConsumer(d);
    else readOwnPending(d);
    if (inputFault != FAULT_NONE) return;
    inputMark();
  }
}

function streamOf(d: Decoder): Stream {
  return changetype<Stream>(d.block);
}

function groupOf(d: Decoder): StreamGroup {
  return changetype<StreamGroup>(d.group);
}

function readHead(d: Decoder): void {
  d.rest = readLength();
  if (inputFault != FAULT_NONE) return;
  d.block = tryStreamNew();
  if (d.block == 0) fail(FAULT_MEMORY);
  d.stage = STAGE_NODES;
}

// --- Entries ---

function readNode(d: Decoder): void {
  if (d.rest == 0) {
    d.stage = STAGE_METADATA;
    return;
  }
  readString(nameString);
  readString(itemString);
  if (inputFault != FAULT_NONE) return;
  const lp = itemString.ptr;
  if (nameString.len != RAW_ID_BYTES) failAs(RDB_FAULT_STREAM_NODE_KEY);
  else if (!streamValidateNode(lp, itemString.len)) failAs(RDB_FAULT_STREAM_LISTPACK);
  else if (streamNodeEntries(lp) == 0) failAs(RDB_FAULT_STREAM_EMPTY_NODE);
  if (inputFault != FAULT_NONE) return;
  const ms = bswap(load<u64>(nameString.ptr));
  const seq = bswap(load<u64>(nameString.ptr, 8));
  const came = streamAddNode(streamOf(d), ms, seq, lp);
  if (came == NODE_NO_MEMORY) fail(FAULT_MEMORY);
  else if (came != NODE_ADDED) failAs(RDB_FAULT_STREAM_NODE_ORDER);
  d.rest -= 1;
}

function readMetadata(d: Decoder): void {
  const s = streamOf(d);
  const length = readLength();
  s.lastMs = readLength();
  s.lastSeq = readLength();
  s.entriesAdded = length;
  if (d.rdbType != RDB_STREAM_LISTPACKS) {
    readLength();
    readLength();
    s.maxDeletedMs = readLength();
    s.maxDeletedSeq = readLength();
    s.entriesAdded = readLength();
  }
  d.groups = readLength();
  if (inputFault != FAULT_NONE) return;
  const deletedLast = streamCompareId(s.maxDeletedMs, s.maxDeletedSeq, s.lastMs, s.lastSeq) > 0;
  if (length != s.length || s.entriesAdded < length || deletedLast || !ascends(s)) {
    failAs(RDB_FAULT_STREAM_LENGTH);
    return;
  }
  if (streamEdgeId(s, true, false)) {
    s.firstMs = idMs;
    s.firstSeq = idSeq;
  }
  d.stage = d.groups == 0 ? STAGE_DONE : STAGE_GROUPS;
}

/** Whether the ids of all entries ascend, from their node's id to the last one of the stream. */
function ascends(s: Stream): bool {
  let node: u64 = 0;
  let ms: u64 = 0;
  let seq: u64 = 0;
  let isFirst = true;
  streamIteratorStartAll(iterator, s, false);
  iterator.withTombstones = true;
  while (streamIteratorNext(iterator)) {
    if (iterator.node != node) {
      node = iterator.node;
      const nodeMs = IdAt.ms(node);
      const nodeSeq = IdAt.seq(node);
      if (!isFirst && streamCompareId(nodeMs, nodeSeq, ms, seq) <= 0) return false;
      if (streamCompareId(iterator.ms, iterator.seq, nodeMs, nodeSeq) < 0) return false;
    } else if (streamCompareId(iterator.ms, iterator.seq, ms, seq) <= 0) return false;
    ms = iterator.ms;
    seq = iterator.seq;
    isFirst = false;
  }
  return streamCompareId(ms, seq, s.lastMs, s.lastSeq) <= 0;
}

// --- Groups ---

function readGroup(d: Decoder): void {
  readString(nameString);
  const ms = readLength();
  const seq = readLength();
  const isOld = d.rdbType == RDB_STREAM_LISTPACKS;
  let entriesRead = isOld ? 0 : <i64>readLength();
  d.rest = readLength();
  if (inputFault != FAULT_NONE) return;
  const s = streamOf(d);
  const name = nameString.ptr;
  const len = nameString.len;
  if (isOld) entriesRead = streamDistance(s, ms, seq);
  if (entriesRead < ENTRIES_READ_UNKNOWN || groupFind(s, name, len) != 0) {
    failAs(RDB_FAULT_STREAM_GROUP);
    return;
  }
  d.group = tryGroupCreate(s, name, len, ms, seq, entriesRead);
  if (d.group == 0) fail(FAULT_MEMORY);
  d.groups -= 1;
  d.stage = STAGE_PENDING;
}

function readPending(d: Decoder): void {
  if (d.rest == 0) {
    d.consumers = readLength();
    if (inputFault == FAULT_NONE) startConsumer(d);
    return;
  }
  const ms = readBigEndian();
  const seq = readBigEndian();
  const timeMs = readI64();
  const count = readLength();
  if (inputFault != FAULT_NONE) return;
  if (nackFind(groupOf(d), ms, seq) != 0) failAs(RDB_FAULT_STREAM_PEL);
  else if (tryNackCreate(groupOf(d), ms, seq, 0, timeMs, count) == 0) fail(FAULT_MEMORY);
  d.rest -= 1;
}

/** Goes on to the next consumer, or when there is none to the next group. */
function startConsumer(d: Decoder): void {
  if (d.consumers != 0) {
    d.stage = STAGE_CONSUMERS;
    return;
  }
  if (d.rdbType != RDB_STREAM_LISTPACKS_3 && !allOwned(groupOf(d))) {
    failAs(RDB_FAULT_STREAM_NO_OWNER);
    return;
  }
  d.stage = d.groups == 0 ? STAGE_DONE : STAGE_GROUPS;
}

function allOwned(g: StreamGroup): bool {
  for (let at = idTreeFirst(g.pel()); at != 0; at = treeNext(at)) {
    if (changetype<Nack>(IdAt.address(at)).consumer == 0) return false;
  }
  return true;
}

function readConsumer(d: Decoder): void {
  readString(nameString);
  const seenMs = readI64();
  const activeMs = d.rdbType == RDB_STREAM_LISTPACKS_3 ? readI64() : seenMs;
  d.rest = readLength();
  if (inputFault != FAULT_NONE) return;
  const name = nameString.ptr;
  const len = nameString.len;
  if (consumerFind(groupOf(d), name, len) != 0) {
    failAs(RDB_FAULT_STREAM_CONSUMER);
    return;
  }
  d.consumer = tryConsumerCreate(groupOf(d), name, len, seenMs);
  if (d.consumer == 0) {
    fail(FAULT_MEMORY);
    return;
  }
  changetype<StreamConsumer>(d.consumer).activeTimeMs = activeMs;
  d.consumers -= 1;
  d.stage = STAGE_OWN_PENDING;
}

function readOwnPending(d: Decoder): void {
  if (d.rest == 0) {
    startConsumer(d);
    return;
  }
  const ms = readBigEndian();
  const seq = readBigEndian();
  if (inputFault != FAULT_NONE) return;
  const nack = nackFind(groupOf(d), ms, seq);
  if (nack == 0 || changetype<Nack>(nack).consumer != 0) failAs(RDB_FAULT_STREAM_CONSUMER_PEL);
  else if (!tryNackAssign(nack, ms, seq, d.consumer)) fail(FAULT_MEMORY);
  d.rest -= 1;
}
