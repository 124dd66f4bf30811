// XGROUP: making, moving and deleting consumer groups and their consumers.

import { nowMs } from '../keyspace/clock';
import { deleteKey, lookupKeyWrite } from '../keyspace/db';
import { EVENT_READY, EVENT_UNCHANGED, NOTIFY_STREAM } from '../keyspace/effects';
import { ENCODING_STREAM, EntryPtr, TYPE_STREAM } from '../keyspace/entry';
import { releaseValue } from '../keyspace/lazy_values';
import { streamOf, tryNewStreamKey } from '../keyspace/stream_value';
import { argEvent } from '../resp/arg_event';
import { argI64, argI64OrReply } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import { ERR_OOM_LIMIT, replyError } from '../resp/errors';
import { helpEnd, helpLine, helpStart } from '../resp/help';
import { replyInt, replyOk } from '../resp/writer';
import { tryStreamOfGroup } from '../struct/stream';
import {
  consumerDelete,
  consumerFind,
  ENTRIES_READ_UNKNOWN,
  GroupPtr,
  groupDelete,
  groupFind,
  StreamConsumer,
  StreamGroup,
  tryConsumerCreate,
  tryGroupCreate,
} from '../struct/stream_group';
import { replyNoGroup } from './stream_consumer';
import { argAnyIdOrReply, argIdOrReply, argIsChar, argMs, argSeq } from './stream_id';
import { isStreamOrReply } from './stream_reply';
import { replySubcommandSyntax } from './subcommand_error';

const ASCII_DOLLAR: u32 = 36;
const CREATE_ARGS_MAX: u32 = 8;
const SETID_ARGS_MAX: u32 = 7;

// Options, set by `parseOrReply`.
let makesStream: bool = false;
let entriesRead: i64 = 0;

/** [MKSTREAM] [ENTRIESREAD count] from argument 5 on. False after an error reply. */
function parseOrReply(mayMakeStream: bool): bool {
  makesStream = false;
  entriesRead = ENTRIES_READ_UNKNOWN;
  let i: u32 = 5;
  while (i < argc) {
    if (mayMakeStream && argIs(i, 'mkstream')) {
      makesStream = true;
      i += 1;
    } else if (argIs(i, 'entriesread') && i + 1 < argc) {
      if (!argI64OrReply(i + 1)) return false;
      entriesRead = argI64;
      if (entriesRead < 0 && entriesRead != ENTRIES_READ_UNKNOWN) {
        replyError('ERR value for ENTRIESREAD must be positive or -1');
        return false;
      }
      i += 2;
    } else {
      replySubcommandSyntax('XGROUP');
      return false;
    }
  }
  return true;
}

function replyNoStream(): void {
  replyError(
    'ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.',
  );
}

/** The entry of the stream in argument 2; 0 after replying that there is none. */
function lookupOrReply(): EntryPtr {
  const e = lookupKeyWrite(Arg.ptr(2), Arg.len(2), Arg.hash(2));
  if (e == 0) {
    replyNoStream();
    return 0;
  }
  return isStreamOrReply(e) ? e : 0;
}

/** The group that argument 3 names, of the stream in argument 2; 0 after replying that there is none. */
function lookupGroupOrReply(): GroupPtr {
  const e = lookupOrReply();
  if (e == 0) return 0;
  const group = groupFind(streamOf(e), Arg.ptr(3), Arg.len(3));
  if (group == 0) replyNoGroup(2, 3);
  return group;
}

/** XGROUP CREATE key group id | $ [MKSTREAM] [ENTRIESREAD count] */
export function xgroupCreateCommand(): void {
  if (!parseOrReply(true)) return;
  let e = lookupKeyWrite(Arg.ptr(2), Arg.len(2), Arg.hash(2));
  if (e != 0 && !isStreamOrReply(e)) return;
  if (e == 0 && !makesStream) {
    replyNoStream();
    return;
  }
  if (argc > CREATE_ARGS_MAX) {
    replySubcommandSyntax('XGROUP');
    return;
  }
  let ms: u64 = 0;
  let seq: u64 = 0;
  if (!argIsChar(4, ASCII_DOLLAR)) {
    if (!argIdOrReply(4)) return;
    ms = argMs;
    seq = argSeq;
  } else if (e != 0) {
    ms = streamOf(e).lastMs;
    seq = streamOf(e).lastSeq;
  }
  const isNew = e == 0;
  if (isNew) e = tryNewStreamKey(Arg.ptr(2), Arg.len(2), Arg.hash(2));
  if (e == 0) {
    replyError(ERR_OOM_LIMIT);
    return;
  }
  const s = streamOf(e);
  if (groupFind(s, Arg.ptr(3), Arg.len(3)) != 0) {
    replyError('BUSYGROUP Consumer Group name already exists');
    return;
  }
  if (tryGroupCreate(s, Arg.ptr(3), Arg.len(3), ms, seq, entriesRead) == 0) {
    if (isNew) deleteKey(Arg.ptr(2), Arg.len(2), Arg.hash(2));
    replyError(ERR_OOM_LIMIT);
    return;
  }
  argEvent(2, NOTIFY_STREAM | (isNew ? 0 : EVENT_UNCHANGED), 'xgroup-create', 1);
  replyOk();
}

/** XGROUP SETID key group id | $ [ENTRIESREAD count] */
export function xgroupSetidCommand(): void {
  if (!parseOrReply(false)) return;
  const group = lookupGroupOrReply();
  if (group == 0) return;
  if (argc > SETID_ARGS_MAX) {
    replySubcommandSyntax('XGROUP');
    return;
  }
  const g = changetype<StreamGroup>(group);
  if (argIsChar(4, ASCII_DOLLAR)) {
    const s = streamOf(lookupKeyWrite(Arg.ptr(2), Arg.len(2), Arg.hash(2)));
    g.lastMs = s.lastMs;
    g.lastSeq = s.lastSeq;
  } else {
    if (!argAnyIdOrReply(4, 0)) return;
    g.lastMs = argMs;
    g.lastSeq = argSeq;
  }
  g.entriesRead = entriesRead;
  argEvent(2, NOTIFY_STREAM | EVENT_UNCHANGED, 'xgroup-setid', 1);
  replyOk();
}

/** XGROUP DESTROY key group */
export function xgroupDestroyCommand(): void {
  const e = lookupOrReply();
  if (e == 0) return;
  const s = streamOf(e);
  const group = groupFind(s, Arg.ptr(3), Arg.len(3));
  if (group == 0) {
    replyInt(0);
    return;
  }
  // A large group is freed in steps, as the only content of a stream that no key leads to.
  const carrier = tryStreamOfGroup(s, group);
  if (carrier != 0) releaseValue(TYPE_STREAM, ENCODING_STREAM, carrier);
  else groupDelete(s, group);
  // Who waits to read as one of its consumers has to be told.
  argEvent(2, NOTIFY_STREAM | EVENT_UNCHANGED | EVENT_READY, 'xgroup-destroy', 1);
  replyInt(1);
}

/** XGROUP CREATECONSUMER key group consumer */
export function xgroupCreateconsumerCommand(): void {
  const group = lookupGroupOrReply();
  if (group == 0) return;
  const g = changetype<StreamGroup>(group);
  if (consumerFind(g, Arg.ptr(4), Arg.len(4)) != 0) {
    replyInt(0);
    return;
  }
  if (tryConsumerCreate(g, Arg.ptr(4), Arg.len(4), nowMs) == 0) {
    replyError(ERR_OOM_LIMIT);
    return;
  }
  argEvent(2, NOTIFY_STREAM | EVENT_UNCHANGED, 'xgroup-createconsumer', 1);
  replyInt(1);
}

/** XGROUP DELCONSUMER key group consumer */
export function xgroupDelconsumerCommand(): void {
  const group = lookupGroupOrReply();
  if (group == 0) return;
  const g = changetype<StreamGroup>(group);
  const consumer = consumerFind(g, Arg.ptr(4), Arg.len(4));
  if (consumer == 0) {
    replyInt(0);
    return;
  }
  replyInt(changetype<StreamConsumer>(consumer).pelSize);
  consumerDelete(g, consumer);
  argEvent(2, NOTIFY_STREAM | EVENT_UNCHANGED, 'xgroup-delconsumer', 1);
}

/** XGROUP HELP */
export function xgroupHelpCommand(): void {
  helpStart();
  helpLine('CREATE <key> <groupname> <id|$> [option]');
  helpLine('    Create a new consumer group. Options are:');
  helpLine('    * MKSTREAM');
  helpLine('      Create the empty stream if it does not exist.');
  helpLine('    * ENTRIESREAD entries_read');
  helpLine("      Set the group's entries_read counter (internal use).");
  helpLine('CREATECONSUMER <key> <groupname> <consumer>');
  helpLine('    Create a new consumer in the specified group.');
  helpLine('DELCONSUMER <key> <groupname> <consumer>');
  helpLine('    Remove the specified consumer.');
  helpLine('DESTROY <key> <groupname>');
  helpLine('    Remove the specified group.');
  helpLine('SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]');
  helpLine('    Set the current group ID and entries_read counter.');
  helpEnd();
}
