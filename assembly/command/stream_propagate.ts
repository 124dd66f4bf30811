// What commands did to consumer groups, for the stream of changes. Each entry that became somebody's is
// written by itself, with all that is to be known about it:
//
//   XCLAIM key group consumer 0 id TIME delivered RETRYCOUNT count FORCE JUSTID LASTID last-id
//
// XREADGROUP, XCLAIM and XAUTOCLAIM are written as such XCLAIMs, XGROUP SETID when the group has gone on, and
// XGROUP CREATECONSUMER for a consumer that is new and got nothing. In two points more is written than by
// Redis 7.2, where the figures are lost when the commands are replayed: SETID also when entries were claimed,
// because of ENTRIESREAD, and every new consumer. As in Redis, that entries are read again by their consumer
// is not written: how often, and when, is only known in memory.

import { opBytes, opInt, opText } from '../keyspace/propagation';
import { commandOp, opArg } from '../resp/propagate';
import { Nack, NackPtr, StreamConsumer, StreamGroup } from '../struct/stream_group';
import { formatStreamId, STREAM_ID_CHARS } from './stream_id';

const idText: usize = memory.data(48, 8);

/** An id as an argument. */
export function opId(ms: u64, seq: u64): void {
  if (STREAM_ID_CHARS != 48) ERROR('room for an id');
  opBytes(idText, formatStreamId(ms, seq, idText));
}

/** A pending entry of the group in argument `i`, of the stream in argument `k`, became its consumer's. */
export function propagateClaim(
  k: u32,
  i: u32,
  g: StreamGroup,
  nack: NackPtr,
  ms: u64,
  seq: u64,
): void {
  const n = changetype<Nack>(nack);
  const c = changetype<StreamConsumer>(n.consumer);
  commandOp('XCLAIM', 14);
  opArg(k);
  opArg(i);
  opBytes(c.namePtr, c.nameLen);
  opText('0');
  opId(ms, seq);
  opText('TIME');
  opInt(n.timeMs());
  opText('RETRYCOUNT');
  opInt(<i64>min<u64>(n.deliveryCount, i64.MAX_VALUE));
  opText('FORCE');
  opText('JUSTID');
  opText('LASTID');
  opId(g.lastMs, g.lastSeq);
}

/** A pending entry is about to be removed, because it is no longer in the stream. */
export function propagateGone(
  k: u32,
  i: u32,
  g: StreamGroup,
  nack: NackPtr,
  ms: u64,
  seq: u64,
): void {
  if (changetype<Nack>(nack).consumer != 0) {
    propagateClaim(k, i, g, nack, ms, seq);
    return;
  }
  commandOp('XACK', 4);
  opArg(k);
  opArg(i);
  opId(ms, seq);
}

/** The group in argument `i` has gone on. */
export function propagateGroupId(k: u32, i: u32, g: StreamGroup): void {
  commandOp('XGROUP', 7);
  opText('SETID');
  opArg(k);
  opArg(i);
  opId(g.lastMs, g.lastSeq);
  opText('ENTRIESREAD');
  opInt(g.entriesRead);
}

/** The group in argument `i` has a new consumer, that in argument `name`. */
export function propagateConsumer(k: u32, i: u32, name: u32): void {
  commandOp('XGROUP', 5);
  opText('CREATECONSUMER');
  opArg(k);
  opArg(i);
  opArg(name);
}
