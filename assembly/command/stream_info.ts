// XINFO: what there is to know about streams, groups and consumers.
//
// radix-tree-keys is the number of nodes that hold entries. radix-tree-nodes is what Redis's rax would
// have for the same keys; here is none.

import { nowMs } from '../keyspace/clock';
import { lookupKeyRead } from '../keyspace/db';
import { EntryPtr } from '../keyspace/entry';
import { streamOf } from '../keyspace/stream_value';
import { argI64, argI64OrReply } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import { ERR_NO_SUCH_KEY, replyError } from '../resp/errors';
import { helpEnd, helpLine, helpStart } from '../resp/help';
import {
  outputLost,
  replyArray,
  replyArrayEnd,
  replyArrayStart,
  replyBulk,
  replyBulkText,
  replyInt,
  replyMap,
  replyNull,
} from '../resp/writer';
import { IdAt, idTreeFirst } from '../struct/id_tree';
import { firstNamed, namedAt } from '../struct/name_tree';
import { Tree, treeNext } from '../struct/ordered_tree';
import {
  ENTRIES_READ_UNKNOWN,
  groupFind,
  groupFirst,
  groupLag,
  lag,
  Nack,
  StreamConsumer,
  StreamGroup,
} from '../struct/stream_group';
import { Idmp, idmpForgetOld } from '../struct/stream_idmp';
import { Stream, streamIteratorNext, streamIteratorStartAll } from '../struct/stream_nodes';
import { streamRaxNodes } from '../struct/stream_rax';
import { replyNoGroup } from './stream_consumer';
import { replyStreamId } from './stream_id';
import { commandIterator, isStreamOrReply, replyEntry, replyRange } from './stream_reply';
import { replySubcommandSyntax } from './subcommand_error';

const FULL_COUNT: i64 = 10;
const IDMP_FIELDS: u32 = 6;

/** The entry of the stream in argument 2; 0 after replying that there is none. */
function lookupOrReply(): EntryPtr {
  const e = lookupKeyRead(Arg.ptr(2), Arg.len(2), Arg.hash(2));
  if (e == 0) {
    replyError(ERR_NO_SUCH_KEY);
    return 0;
  }
  return isStreamOrReply(e) ? e : 0;
}

function replyNumber(field: string, value: i64): void {
  replyBulkText(field);
  replyInt(value);
}

function replyId(field: string, ms: u64, seq: u64): void {
  replyBulkText(field);
  replyStreamId(ms, seq);
}

/** XINFO STREAM key [FULL [COUNT count]] */
export function xinfoStreamCommand(): void {
  const e = lookupOrReply();
  if (e == 0) return;
  let full = false;
  let count = FULL_COUNT;
  if (argc > 3) {
    full = (argc == 4 || argc == 6) && argIs(3, 'full');
    if (!full || (argc == 6 && !argIs(4, 'count'))) {
      replySubcommandSyntax('XINFO');
      return;
    }
    if (argc == 6) {
      if (!argI64OrReply(5)) return;
      count = argI64 < 0 ? FULL_COUNT : argI64;
    }
  }
  const s = streamOf(e);
  replyMap((full ? 9 : 10) + (s.idmp != 0 ? IDMP_FIELDS : 0));
  replyNumber('length', s.length);
  replyNumber('radix-tree-keys', s.nodesSize);
  replyNumber('radix-tree-nodes', streamRaxNodes(s));
  replyId('last-generated-id', s.lastMs, s.lastSeq);
  replyId('max-deleted-entry-id', s.maxDeletedMs, s.maxDeletedSeq);
  replyNumber('entries-added', s.entriesAdded);
  replyId('recorded-first-entry-id', s.firstMs, s.firstSeq);
  if (s.idmp != 0) replyIdmp(changetype<Idmp>(s.idmp));
  if (full) replyFull(s, count);
  else {
    replyNumber('groups', s.groupsSize);
    replyBulkText('first-entry');
    replyEdge(s, false);
    replyBulkText('last-entry');
    replyEdge(s, true);
  }
}

function replyIdmp(idmp: Idmp): void {
  idmpForgetOld(idmp, nowMs);
  replyNumber('idmp-duration', idmp.durationSeconds);
  replyNumber('idmp-maxsize', idmp.maxSize);
  replyNumber('pids-tracked', idmp.producersSize);
  replyNumber('iids-tracked', idmp.tracked);
  replyNumber('iids-added', idmp.added);
  replyNumber('iids-duplicates', idmp.duplicates);
}

/** Replies with the first entry or the last. */
function replyEdge(s: Stream, last: bool): void {
  const it = commandIterator();
  streamIteratorStartAll(it, s, last);
  if (streamIteratorNext(it)) replyEntry(it);
  else replyNull();
}

// --- The whole stream ---

function replyFull(s: Stream, count: i64): void {
  replyBulkText('entries');
  replyRange(s, 0, 0, u64.MAX_VALUE, u64.MAX_VALUE, count, false);
  replyBulkText('groups');
  replyArray(s.groupsSize);
  for (let at = groupFirst(s); at != 0 && !outputLost; at = treeNext(at)) {
    replyFullGroup(s, changetype<StreamGroup>(namedAt(at)), count);
  }
}

function replyFullGroup(s: Stream, g: StreamGroup, count: i64): void {
  replyMap(8);
  replyGroupName(g);
  replyId('last-delivered-id', g.lastMs, g.lastSeq);
  replyProgress(s, g);
  replyNumber('pel-count', g.pelSize);
  replyBulkText('pending');
  replyPending(g.pel(), count, true);
  replyBulkText('consumers');
  replyArray(g.consumersSize);
  let owned: u32 = 0;
  for (let at = firstNamed(g.consumers()); at != 0 && !outputLost; at = treeNext(at)) {
    const c = changetype<StreamConsumer>(namedAt(at));
    owned += c.pelSize;
    replyMap(5);
    replyBulkText('name');
    replyBulk(c.namePtr, c.nameLen);
    replyNumber('seen-time', c.seenTimeMs);
    replyNumber('active-time', c.activeTimeMs);
    replyNumber('pel-count', c.pelSize);
    replyBulkText('pending');
    replyPending(c.pel(), count, false);
  }
  replyNumber('nacked-count', g.pelSize - owned);
}

/** Replies with up to `count` pending entries, 0 for all. */
function replyPending(pel: Tree, count: i64, withConsumer: bool): void {
  const array = replyArrayStart();
  let replied: u32 = 0;
  for (let at = idTreeFirst(pel); at != 0 && !outputLost; at = treeNext(at)) {
    const n = changetype<Nack>(IdAt.address(at));
    replyArray(withConsumer ? 4 : 3);
    replyStreamId(IdAt.ms(at), IdAt.seq(at));
    if (withConsumer) {
      const c = changetype<StreamConsumer>(n.consumer);
      if (n.consumer == 0) replyBulk(0, 0);
      else replyBulk(c.namePtr, c.nameLen);
    }
    replyInt(n.timeMs());
    replyInt(n.deliveryCount);
    replied += 1;
    if (<i64>replied == count) break;
  }
  replyArrayEnd(array, replied);
}

// --- Groups and consumers ---

function replyGroupName(g: StreamGroup): void {
  replyBulkText('name');
  replyBulk(g.namePtr, g.nameLen);
}

/** Replies how many entries a group has read, and how many it has yet to read, if that is known. */
function replyProgress(s: Stream, g: StreamGroup): void {
  replyBulkText('entries-read');
  if (g.entriesRead != ENTRIES_READ_UNKNOWN) replyInt(g.entriesRead);
  else replyNull();
  replyBulkText('lag');
  if (groupLag(s, g)) replyInt(lag);
  else replyNull();
}

/** XINFO GROUPS key */
export function xinfoGroupsCommand(): void {
  const e = lookupOrReply();
  if (e == 0) return;
  const s = streamOf(e);
  replyArray(s.groupsSize);
  for (let at = groupFirst(s); at != 0 && !outputLost; at = treeNext(at)) {
    const g = changetype<StreamGroup>(namedAt(at));
    replyMap(6);
    replyGroupName(g);
    replyNumber('consumers', g.consumersSize);
    replyNumber('pending', g.pelSize);
    replyId('last-delivered-id', g.lastMs, g.lastSeq);
    replyProgress(s, g);
  }
}

/** XINFO CONSUMERS key group */
export function xinfoConsumersCommand(): void {
  const e = lookupOrReply();
  if (e == 0) return;
  const group = groupFind(streamOf(e), Arg.ptr(3), Arg.len(3));
  if (group == 0) {
    replyNoGroup(2, 3);
    return;
  }
  const g = changetype<StreamGroup>(group);
  replyArray(g.consumersSize);
  for (let at = firstNamed(g.consumers()); at != 0 && !outputLost; at = treeNext(at)) {
    const c = changetype<StreamConsumer>(namedAt(at));
    replyMap(4);
    replyBulkText('name');
    replyBulk(c.namePtr, c.nameLen);
    replyNumber('pending', c.pelSize);
    replyNumber('idle', max<i64>(nowMs - c.seenTimeMs, 0));
    replyNumber('inactive', c.activeTimeMs != -1 ? nowMs - c.activeTimeMs : -1);
  }
}

/** XINFO HELP */
export function xinfoHelpCommand(): void {
  helpStart();
  helpLine('CONSUMERS <key> <groupname>');
  helpLine('    Show consumers of <groupname>.');
  helpLine('GROUPS <key>');
  helpLine('    Show the stream consumer groups.');
  helpLine('STREAM <key> [FULL [COUNT <count>]');
  helpLine('    Show information about the stream.');
  helpEnd();
}
