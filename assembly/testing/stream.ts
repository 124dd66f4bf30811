// Entry file for unit tests of struct/stream*.ts and struct/id_tree.ts; it is in no product.

import { IdAt } from '../struct/id_tree';
import { lpGetText, lpValueLen } from '../struct/listpack';
import { Nack, StreamConsumer, StreamGroup, TimeAt } from '../struct/stream_group';
import { Stream, StreamIterator } from '../struct/stream_nodes';

export { assertLine } from '../memory/abort';
export { allocInit, free, tryAlloc, usedBytes } from '../memory/alloc';
export { namedAt } from '../struct/name_tree';
export { treeNext } from '../struct/ordered_tree';
export {
  streamBytes,
  streamFree,
  streamFreeStep,
  streamVerify,
  tryStreamCopy,
  tryStreamNew,
} from '../struct/stream';
export {
  consumerDelete,
  consumerFind,
  groupAdvance,
  groupDelete,
  groupDetach,
  groupFind,
  groupFirst,
  groupFreeStep,
  groupLag,
  groupOldest,
  lag,
  nackFind,
  nackRemove,
  nackSetDelivery,
  streamDistance,
  streamDropReferences,
  streamIsReferenced,
  tryConsumerCreate,
  tryGroupCreate,
  tryKeepTimes,
  tryNackAssign,
  tryNackCreate,
  tryNackDeliver,
} from '../struct/stream_group';
export {
  idMs,
  idSeq,
  streamAccepts,
  streamAddNode,
  streamDecrId,
  streamDelete,
  streamEdgeId,
  streamEntryExists,
  streamFirstNode,
  streamIncrId,
  streamIteratorField,
  streamIteratorNext,
  streamIteratorRemove,
  streamIteratorStart,
  streamIteratorStartAll,
  streamListpackBytes,
  streamNextId,
  streamNextSeq,
  streamTrimById,
  streamTrimByLength,
  streamValidateNode,
  streamWriteListpack,
  tryStreamAppend,
} from '../struct/stream_nodes';

/** Copies the fields of a stream's header to `out`, eight u64 from the length on. */
export function streamHeader(s: Stream, out: usize): void {
  store<u64>(out, s.length);
  store<u64>(out, s.lastMs, 8);
  store<u64>(out, s.lastSeq, 16);
  store<u64>(out, s.firstMs, 24);
  store<u64>(out, s.firstSeq, 32);
  store<u64>(out, s.maxDeletedMs, 40);
  store<u64>(out, s.maxDeletedSeq, 48);
  store<u64>(out, s.entriesAdded, 56);
}
export function setLastId(s: Stream, ms: u64, seq: u64): void {
  s.lastMs = ms;
  s.lastSeq = seq;
}
export function iteratorMs(it: StreamIterator): u64 {
  return it.ms;
}
export function iteratorSeq(it: StreamIterator): u64 {
  return it.seq;
}
export function iteratorFields(it: StreamIterator): u32 {
  return <u32>it.fields;
}
export function iteratorWithTombstones(it: StreamIterator): void {
  it.withTombstones = true;
}
/** Writes the text of the field (or value) given last to `out` and returns its length. */
export function iteratorText(it: StreamIterator, value: bool, out: usize): u32 {
  const text = lpGetText(value ? it.value : it.field, out);
  if (text != out) memory.copy(out, text, lpValueLen);
  return lpValueLen;
}
export function idAtMs(position: u64): u64 {
  return IdAt.ms(position);
}
export function idAtSeq(position: u64): u64 {
  return IdAt.seq(position);
}
export function idAtAddress(position: u64): usize {
  return IdAt.address(position);
}
export function timeAtMs(position: u64): u64 {
  return TimeAt.ms(position);
}
export function timeAtSeq(position: u64): u64 {
  return TimeAt.seq(position);
}
export function pelSize(g: StreamGroup): u32 {
  return g.pelSize;
}
export function consumerPelSize(c: StreamConsumer): u32 {
  return c.pelSize;
}
export function timesKept(g: StreamGroup): bool {
  return g.timesKept;
}
export function entriesRead(g: StreamGroup): i64 {
  return g.entriesRead;
}
/** Copies a group's last id to `out`. */
export function groupLastId(g: StreamGroup, out: usize): void {
  store<u64>(out, g.lastMs);
  store<u64>(out, g.lastSeq, 8);
}
export function nackConsumer(n: Nack): usize {
  return n.consumer;
}
export function nackTimeMs(n: Nack): i64 {
  return n.deliveryTimeMs;
}
export function nackCount(n: Nack): u64 {
  return n.deliveryCount;
}
/** Name of a group or consumer: its length, and its bytes at `out`. */
export function nameOf(named: StreamGroup, out: usize): u32 {
  memory.copy(out, named.namePtr, named.nameLen);
  return named.nameLen;
}
