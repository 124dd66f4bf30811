// Writing a stream as commands: see command_form.ts. Each step of `stepOn` writes one command, or nothing
// when it only goes on to the next group or consumer.

import { IdAt, idTreeFirst } from '../struct/id_tree';
import { lpGetText, lpValueLen } from '../struct/listpack';
import { firstNamed, namedAt } from '../struct/name_tree';
import { treeNext } from '../struct/ordered_tree';
import { groupFirst, Nack, StreamConsumer, StreamGroup } from '../struct/stream_group';
import {
  idMs,
  idSeq,
  STREAM_ITERATOR_BYTES,
  Stream,
  StreamIterator,
  streamEntryExists,
  streamIncrId,
  streamIteratorField,
  streamIteratorNext,
  streamIteratorStart,
} from '../struct/stream_nodes';
import { CommandForm, formCommand, formKey } from './form_state';
import { RdbOutput } from './rdb_output';
import {
  respId,
  respInt,
  respPaused,
  respStart,
  respText,
  respU64,
  respWhole,
} from './resp_output';

const PART_ENTRIES: u32 = 0;
const PART_META: u32 = 1;
const PART_GROUP: u32 = 2;
const PART_CONSUMER: u32 = 3;
const PART_PENDING: u32 = 4;
const PART_UNOWNED: u32 = 5;
const PART_END: u32 = 6;

const iterator = changetype<StreamIterator>(memory.data(<i32>STREAM_ITERATOR_BYTES, 8));
const digits: usize = memory.data(32, 8);
const otherDigits: usize = memory.data(32, 8);

/** Writes on until the step is over. True when the stream is written. `together` is the part at hand. */
export function formStream(x: CommandForm, out: RdbOutput): bool {
  const s = changetype<Stream>(x.block);
  while (x.together != PART_END && !respPaused(x, out)) {
    if (x.together == PART_ENTRIES) writeEntries(x, out, s);
    else if (x.together == PART_META) writeMeta(x, out, s);
    else if (x.together == PART_GROUP) writeGroup(x, out);
    else if (x.together == PART_CONSUMER) writeConsumer(x, out);
    else if (x.together == PART_PENDING) writePending(x, out);
    else writeUnowned(x, out, s);
  }
  return x.together == PART_END;
}

function writeEntries(x: CommandForm, out: RdbOutput, s: Stream): void {
  streamIteratorStart(iterator, s, x.position, x.seq, u64.MAX_VALUE, u64.MAX_VALUE, false);
  while (!respPaused(x, out)) {
    if (!streamIteratorNext(iterator)) {
      x.together = PART_META;
      return;
    }
    formCommand(x, out, 'XADD', 3 + ((<u32>iterator.left) << 1));
    respId(out, iterator.ms, iterator.seq);
    while (streamIteratorField(iterator)) {
      const field = lpGetText(iterator.field, digits);
      respWhole(out, field, lpValueLen);
      const value = lpGetText(iterator.value, otherDigits);
      respWhole(out, value, lpValueLen);
    }
    const more = streamIncrId(iterator.ms, iterator.seq);
    x.position = idMs;
    x.seq = idSeq;
    if (!more) {
      x.together = PART_META;
      return;
    }
  }
}

function writeMeta(x: CommandForm, out: RdbOutput, s: Stream): void {
  if (s.length == 0) {
    formCommand(x, out, 'XADD', 7);
    respText(out, 'MAXLEN');
    respText(out, '0');
    respText(out, '0-1');
    respText(out, 'x');
    respText(out, 'y');
  }
  formCommand(x, out, 'XSETID', 7);
  respId(out, s.lastMs, s.lastSeq);
  respText(out, 'ENTRIESADDED');
  respU64(out, s.entriesAdded);
  respText(out, 'MAXDELETEDID');
  respId(out, s.maxDeletedMs, s.maxDeletedSeq);
  x.group = groupFirst(s);
  x.together = PART_GROUP;
}

function groupOf(x: CommandForm): StreamGroup {
  return changetype<StreamGroup>(namedAt(x.group));
}

/** Begins `name` with a subcommand, on the group at hand. */
function groupCommand(x: CommandForm, out: RdbOutput, subcommand: string, count: u32): void {
  const g = groupOf(x);
  respStart(out, count);
  respText(out, 'XGROUP');
  respText(out, subcommand);
  formKey(x, out);
  respWhole(out, g.namePtr, g.nameLen);
}

function writeGroup(x: CommandForm, out: RdbOutput): void {
  if (x.group == 0) {
    x.together = PART_END;
    return;
  }
  const g = groupOf(x);
  groupCommand(x, out, 'CREATE', 7);
  respId(out, g.lastMs, g.lastSeq);
  respText(out, 'ENTRIESREAD');
  respInt(out, g.entriesRead);
  x.consumer = firstNamed(g.consumers());
  x.together = PART_CONSUMER;
}

function writeConsumer(x: CommandForm, out: RdbOutput): void {
  if (x.consumer == 0) {
    x.pending = idTreeFirst(groupOf(x).pel());
    x.together = PART_UNOWNED;
    return;
  }
  const c = changetype<StreamConsumer>(namedAt(x.consumer));
  if (c.pelSize == 0) {
    groupCommand(x, out, 'CREATECONSUMER', 5);
    respWhole(out, c.namePtr, c.nameLen);
    x.consumer = treeNext(x.consumer);
    return;
  }
  x.pending = idTreeFirst(c.pel());
  x.together = PART_PENDING;
}

function writePending(x: CommandForm, out: RdbOutput): void {
  const ms = IdAt.ms(x.pending);
  const seq = IdAt.seq(x.pending);
  const n = changetype<Nack>(IdAt.address(x.pending));
  const c = changetype<StreamConsumer>(namedAt(x.consumer));
  const g = groupOf(x);
  formCommand(x, out, 'XCLAIM', 12);
  respWhole(out, g.namePtr, g.nameLen);
  respWhole(out, c.namePtr, c.nameLen);
  respText(out, '0');
  respId(out, ms, seq);
  respText(out, 'TIME');
  respInt(out, n.timeMs());
  respText(out, 'RETRYCOUNT');
  respInt(out, <i64>min<u64>(n.deliveryCount, i64.MAX_VALUE));
  respText(out, 'JUSTID');
  respText(out, 'FORCE');
  x.pending = treeNext(x.pending);
  if (x.pending != 0) return;
  x.consumer = treeNext(x.consumer);
  x.together = PART_CONSUMER;
}

/** The next entry that was given back by its consumer. */
function writeUnowned(x: CommandForm, out: RdbOutput, s: Stream): void {
  if (x.pending == 0) {
    x.group = treeNext(x.group);
    x.together = PART_GROUP;
    return;
  }
  const ms = IdAt.ms(x.pending);
  const seq = IdAt.seq(x.pending);
  const n = changetype<Nack>(IdAt.address(x.pending));
  x.pending = treeNext(x.pending);
  if (n.consumer != 0 || !streamEntryExists(s, ms, seq)) return;
  const g = groupOf(x);
  formCommand(x, out, 'XNACK', 10);
  respWhole(out, g.namePtr, g.nameLen);
  respText(out, 'FAIL');
  respText(out, 'IDS');
  respText(out, '1');
  respId(out, ms, seq);
  respText(out, 'RETRYCOUNT');
  respInt(out, <i64>min<u64>(n.deliveryCount, i64.MAX_VALUE));
  respText(out, 'FORCE');
}
