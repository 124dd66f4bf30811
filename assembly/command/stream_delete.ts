// Deleting entries by id: XDEL, XDELEX and XACKDEL.

import { lookupKeyWrite } from '../keyspace/db';
import { keyModified, NOTIFY_STREAM } from '../keyspace/effects';
import { streamOf } from '../keyspace/stream_value';
import { argEvent } from '../resp/arg_event';
import { argAtLeastOrText, argI64 } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import { ERR_SYNTAX, replyError } from '../resp/errors';
import { replyArray, replyInt } from '../resp/writer';
import {
  groupFind,
  nackFind,
  nackRemove,
  StreamGroup,
  streamDropReferences,
  streamIsReferenced,
} from '../struct/stream_group';
import { Stream, streamDelete, streamEntryExists } from '../struct/stream_nodes';
import { DROP_REFERENCES, KEEP_REFERENCES, ONLY_UNREFERENCED } from '../struct/stream_references';
import { argIdsOrReply, argIsId, argMs, argSeq } from './stream_id';
import { isStreamOrReply } from './stream_reply';
import { argReferences } from './stream_trim';

/** XDEL key id [id ...] */
export function xdelCommand(): void {
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) {
    replyInt(0);
    return;
  }
  if (!isStreamOrReply(e) || !argIdsOrReply(2, argc)) return;
  const s = streamOf(e);
  let deleted: u32 = 0;
  for (let i: u32 = 2; i < argc; i++) {
    argIsId(i);
    if (streamDelete(s, argMs, argSeq)) deleted += 1;
  }
  if (deleted != 0) argEvent(1, NOTIFY_STREAM, 'xdel', deleted);
  replyInt(deleted);
}

// --- With regard to groups ---

// What XDELEX and XACKDEL say of an id.
const NOT_THERE: i64 = -1;
const DELETED: i64 = 1;
const STILL_REFERENCED: i64 = 2;

let references: u32 = 0;
let firstId: u32 = 0; // argument of the first id
let idCount: u32 = 0;

/** [KEEPREF | DELREF | ACKED] IDS numids id [id ...], from argument `i` on. False after an error. */
function parseIdsOrReply(i: u32): bool {
  references = 0;
  firstId = 0;
  while (i < argc) {
    const about = argReferences(i);
    if (about != 0 && references == 0) {
      references = about;
      i += 1;
    } else if (argIs(i, 'ids') && i + 1 < argc && firstId == 0) {
      if (!argAtLeastOrText(i + 1, 1, 'ERR Number of IDs must be a positive integer')) return false;
      firstId = i + 2;
      if (argI64 > <i64>argc - firstId) {
        replyError('ERR The `numids` parameter must match the number of arguments');
        return false;
      }
      idCount = <u32>argI64;
      i = firstId + idCount;
    } else {
      replyError(ERR_SYNTAX);
      return false;
    }
  }
  if (firstId == 0) {
    replyError('ERR IDS option is required');
    return false;
  }
  if (references == 0) references = KEEP_REFERENCES;
  return argIdsOrReply(firstId, firstId + idCount);
}

function replyNoneThere(): void {
  replyArray(idCount);
  for (let i: u32 = 0; i < idCount; i++) replyInt(NOT_THERE);
}

/** XDELEX key [KEEPREF | DELREF | ACKED] IDS numids id [id ...] */
export function xdelexCommand(): void {
  if (!parseIdsOrReply(2)) return;
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) {
    replyNoneThere();
    return;
  }
  if (!isStreamOrReply(e)) return;
  const s = streamOf(e);
  let deleted: u32 = 0;
  replyArray(idCount);
  for (let i: u32 = 0; i < idCount; i++) {
    argIsId(firstId + i);
    const result = deleteEntry(s);
    if (result == DELETED) deleted += 1;
    replyInt(result);
  }
  if (deleted != 0) argEvent(1, NOTIFY_STREAM, 'xdel', deleted);
}

/** Deletes the entry whose id was read last, as `references` says. */
function deleteEntry(s: Stream): i64 {
  if (references == DROP_REFERENCES) {
    // Also of an entry that is gone already.
    keyModified(streamDropReferences(s, argMs, argSeq));
  } else if (references == ONLY_UNREFERENCED && isNeeded(s)) {
    return streamEntryExists(s, argMs, argSeq) ? STILL_REFERENCED : NOT_THERE;
  }
  return streamDelete(s, argMs, argSeq) ? DELETED : NOT_THERE;
}

/** Whether the entry whose id was read last waits for a group. Without groups it waits for one to come. */
function isNeeded(s: Stream): bool {
  return s.groupsSize == 0 || streamIsReferenced(s, argMs, argSeq);
}

/** XACKDEL key group [KEEPREF | DELREF | ACKED] IDS numids id [id ...] */
export function xackdelCommand(): void {
  if (!parseIdsOrReply(3)) return;
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e != 0 && !isStreamOrReply(e)) return;
  const group = e != 0 ? groupFind(streamOf(e), Arg.ptr(2), Arg.len(2)) : 0;
  if (group == 0) {
    replyNoneThere();
    return;
  }
  const s = streamOf(e);
  const g = changetype<StreamGroup>(group);
  let deleted: u32 = 0;
  replyArray(idCount);
  for (let i: u32 = 0; i < idCount; i++) {
    argIsId(firstId + i);
    const nack = nackFind(g, argMs, argSeq);
    if (nack == 0) {
      replyInt(NOT_THERE);
      continue;
    }
    nackRemove(g, nack, argMs, argSeq);
    keyModified(1);
    const isLeft = deleteEntry(s) == STILL_REFERENCED;
    if (!isLeft) deleted += 1;
    replyInt(isLeft ? STILL_REFERENCED : DELETED);
  }
  if (deleted != 0) argEvent(1, NOTIFY_STREAM, 'xdel', deleted);
}
