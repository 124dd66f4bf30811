// Options of XADD and XTRIM: how far to trim, and what becomes of references to what goes.
//
//   XADD   key [NOMKSTREAM] [KEEPREF | DELREF | ACKED] [IDMPAUTO pid | IDMP pid iid]
//              [MAXLEN | MINID [= | ~] threshold [LIMIT count]] * | id field value [field value ...]
//   XTRIM  key  MAXLEN | MINID [= | ~] threshold [LIMIT count] [KEEPREF | DELREF | ACKED]

import { CFG_STREAM_NODE_MAX_ENTRIES } from '../abi';
import { lookupKeyWrite } from '../keyspace/db';
import { NOTIFY_STREAM } from '../keyspace/effects';
import { opInt, opText, propagating } from '../keyspace/propagation';
import { Settings } from '../keyspace/settings';
import { streamOf } from '../keyspace/stream_value';
import { argEvent } from '../resp/arg_event';
import { argAtLeastOrText, argI64, argI64OrReply } from '../resp/arg_number';
import { Arg, argc, argIs } from '../resp/args';
import { ERR_SYNTAX, replyError } from '../resp/errors';
import { commandOp, opArg } from '../resp/propagate';
import { replyInt } from '../resp/writer';
import { idMs, idSeq, Stream, streamEdgeId } from '../struct/stream_nodes';
import {
  DROP_REFERENCES,
  KEEP_REFERENCES,
  ONLY_UNREFERENCED,
  streamTrimIdReferenced,
  streamTrimLengthReferenced,
} from '../struct/stream_references';
import {
  argIdOrReply,
  argIsChar,
  argIsStar,
  argMs,
  argNewIdOrReply,
  argSeq,
  argSeqIsStar,
} from './stream_id';
import { opId } from './stream_propagate';
import { isStreamOrReply } from './stream_reply';

const TRIM_NONE: u32 = 0;
const TRIM_LENGTH: u32 = 1;
const TRIM_ID: u32 = 2;
const NODES_PER_TRIM: i64 = 100;
const LIMIT_MIN: i64 = 10000;
const LIMIT_MAX: i64 = 1000000;
const ASCII_TILDE: u32 = 126;
const ASCII_EQUALS: u32 = 61;

let strategy: u32 = 0;
let approximate: bool = false;
let limit: i64 = -1; // -1: not given
let thresholdIndex: u32 = 0; // its argument
let threshold: u64 = 0; // a length, or the first part of an id
let thresholdSeq: u64 = 0;
let references: u32 = 0;

/** XADD's: whether NOMKSTREAM was given. */
export let onlyExisting: bool = false;
/** XADD's: the argument that holds the id, and what kind of id it is. */
export let idIndex: u32 = 0;
export let idIsStar: bool = false;
export let idSeqIsStar: bool = false;
/** XADD's: the argument after IDMP or IDMPAUTO, 0 when neither was given. */
export let producerIndex: u32 = 0;
export let isIdmpAuto: bool = false;

/** What argument `i` says about references, 0 when it is about something else. */
export function argReferences(i: u32): u32 {
  if (argIs(i, 'keepref')) return KEEP_REFERENCES;
  if (argIs(i, 'delref')) return DROP_REFERENCES;
  return argIs(i, 'acked') ? ONLY_UNREFERENCED : 0;
}

/** Parses the options of XADD, up to its id. False after an error reply. */
export function parseAddOptionsOrReply(): bool {
  idIndex = 0;
  idIsStar = false;
  idSeqIsStar = false;
  // The case that matters most: nothing but "*".
  if (argIsStar(2)) {
    clear();
    idIndex = 2;
    idIsStar = true;
    return true;
  }
  return parseOrReply(true);
}

function clear(): void {
  strategy = TRIM_NONE;
  approximate = false;
  limit = -1;
  references = 0;
  onlyExisting = false;
  producerIndex = 0;
}

/** Parses options from argument 2 on. */
function parseOrReply(isAdd: bool): bool {
  clear();
  let i: u32 = 2;
  while (i < argc) {
    const more = argc - 1 - i;
    if (isAdd && argIsStar(i)) {
      idIndex = i;
      idIsStar = true;
      break;
    }
    if (more > 0 && (argIs(i, 'maxlen') || argIs(i, 'minid'))) {
      i = parseThresholdOrReply(i);
    } else if (more > 0 && argIs(i, 'limit')) {
      if (!argI64OrReply(i + 1)) return false;
      if (!argAtLeastOrText(i + 1, 0, 'ERR The LIMIT argument must be >= 0.')) return false;
      limit = argI64;
      i += 2;
    } else if (argReferences(i) != 0) {
      i = parseReferencesOrReply(i);
    } else if (isAdd && argIs(i, 'nomkstream')) {
      onlyExisting = true;
      i += 1;
    } else if (isAdd && argIs(i, 'idmp') && more >= 2) {
      i = parseProducerOrReply(i, false);
    } else if (isAdd && argIs(i, 'idmpauto') && more >= 1) {
      i = parseProducerOrReply(i, true);
    } else if (isAdd) {
      if (!argNewIdOrReply(i)) return false;
      idIndex = i;
      idSeqIsStar = argSeqIsStar;
      break;
    } else {
      replyError(ERR_SYNTAX);
      return false;
    }
    if (i == 0) return false;
  }
  return isConsistentOrReply(isAdd);
}

/** Reads MAXLEN or MINID at argument `i`. Returns the argument behind, 0 after an error reply. */
function parseThresholdOrReply(i: u32): u32 {
  if (strategy != TRIM_NONE) {
    replyError('ERR syntax error, MAXLEN and MINID options at the same time are not compatible');
    return 0;
  }
  strategy = argIs(i, 'maxlen') ? TRIM_LENGTH : TRIM_ID;
  i += 1;
  if (i + 1 < argc) {
    approximate = argIsChar(i, ASCII_TILDE);
    if (approximate || argIsChar(i, ASCII_EQUALS)) i += 1;
  }
  thresholdIndex = i;
  if (strategy == TRIM_ID) {
    if (!argIdOrReply(i)) return 0;
    threshold = argMs;
    thresholdSeq = argSeq;
    return i + 1;
  }
  if (!argI64OrReply(i)) return 0;
  if (!argAtLeastOrText(i, 0, 'ERR The MAXLEN argument must be >= 0.')) return 0;
  threshold = argI64;
  return i + 1;
}

function parseReferencesOrReply(i: u32): u32 {
  if (references != 0) {
    replyError(ERR_SYNTAX);
    return 0;
  }
  references = argReferences(i);
  return i + 1;
}

function parseProducerOrReply(i: u32, isAuto: bool): u32 {
  let problem = '';
  if (producerIndex != 0) problem = 'ERR IDMP/IDMPAUTO specified multiple times';
  else if (Arg.len(i + 1) == 0) {
    problem = isAuto
      ? 'ERR IDMPAUTO requires a non-empty producer ID'
      : 'ERR IDMP requires a non-empty producer ID';
  } else if (!isAuto && Arg.len(i + 2) == 0) {
    problem = 'ERR IDMP requires a non-empty idempotent ID';
  }
  if (problem.length != 0) {
    replyError(problem);
    return 0;
  }
  producerIndex = i + 1;
  isIdmpAuto = isAuto;
  return isAuto ? i + 2 : i + 3;
}

/** Checks options against each other and sets those left out. */
function isConsistentOrReply(isAdd: bool): bool {
  let problem = '';
  if (limit > 0 && strategy == TRIM_NONE) {
    problem = 'ERR syntax error, LIMIT cannot be used without specifying a trimming strategy';
  } else if (!isAdd && strategy == TRIM_NONE) {
    problem = 'ERR syntax error, XTRIM must be called with a trimming strategy';
  } else if (limit >= 0 && !approximate) {
    problem = 'ERR syntax error, LIMIT cannot be used without the special ~ option';
  } else if (producerIndex != 0 && idIndex != 0 && !idIsStar) {
    problem = 'ERR IDMP/IDMPAUTO can be used only with auto-generated IDs';
  }
  if (problem.length != 0) {
    replyError(problem);
    return false;
  }
  if (limit < 0) limit = approximate ? defaultLimit() : 0;
  if (references == 0) references = KEEP_REFERENCES;
  return true;
}

/** Entries that an approximate trim deletes at most, so that it does not take long. */
function defaultLimit(): i64 {
  const perNode = Settings.get(CFG_STREAM_NODE_MAX_ENTRIES);
  if (perNode <= 0) return LIMIT_MIN;
  return perNode > LIMIT_MAX / NODES_PER_TRIM ? LIMIT_MAX : NODES_PER_TRIM * perNode;
}

/** Trims a stream as the options parsed last say, and returns how many entries went. */
export function trimAsParsed(s: Stream): u64 {
  if (strategy == TRIM_NONE) return 0;
  if (strategy == TRIM_LENGTH) {
    return streamTrimLengthReferenced(s, threshold, approximate, limit, references);
  }
  return streamTrimIdReferenced(s, threshold, thresholdSeq, approximate, limit, references);
}

// --- For the stream of changes ---

/**
 * Writes XADD or XTRIM, its options ending before argument `end`, so that it does the same again: trimmed is
 * exactly to what was left, and there is no LIMIT. The id that XADD generated and its fields must follow:
 * `more` arguments.
 */
export function propagateTrim(name: string, s: Stream, end: u32, more: u32): void {
  let count: u32 = 1;
  for (let i: u32 = 1; i < end; i++) if (staysOption(i)) count += 1;
  commandOp(name, count + more);
  // Where trimming passes over entries that have to stay, only their number says how far it went.
  const byId = strategy == TRIM_ID && references == KEEP_REFERENCES && s.length != 0;
  for (let i: u32 = 1; i < end; i++) {
    if (!staysOption(i)) continue;
    if (!approximate || i + 2 < thresholdIndex || i > thresholdIndex) opArg(i);
    else if (i + 2 == thresholdIndex) opText(byId ? 'MINID' : 'MAXLEN');
    else if (i + 1 == thresholdIndex) opText('=');
    else if (byId) {
      streamEdgeId(s, true, false);
      opId(idMs, idSeq);
    } else opInt(s.length);
  }
}

/** Whether an option, or a part of one, is written: LIMIT only goes with what is approximate. */
function staysOption(i: u32): bool {
  return i < 2 || !approximate || !(argIs(i, 'limit') || (i > 2 && argIs(i - 1, 'limit')));
}

/** Writes by itself that XADD has trimmed the stream. */
export function propagateTrimmed(s: Stream): void {
  const keeps = references == KEEP_REFERENCES;
  commandOp('XTRIM', keeps ? 5 : 6);
  opArg(1);
  opText('MAXLEN');
  opText('=');
  opInt(s.length);
  if (!keeps) opText(references == DROP_REFERENCES ? 'DELREF' : 'ACKED');
}

/** Whether XADD's options say how to trim in a way that depends on how entries are stored. */
export function isTrimApproximate(): bool {
  return strategy != TRIM_NONE && approximate;
}

/** XTRIM key MAXLEN | MINID [= | ~] threshold [LIMIT count] [KEEPREF | DELREF | ACKED] */
export function xtrimCommand(): void {
  if (!parseOrReply(false)) return;
  const e = lookupKeyWrite(Arg.ptr(1), Arg.len(1), Arg.hash(1));
  if (e == 0) {
    replyInt(0);
    return;
  }
  if (!isStreamOrReply(e)) return;
  const deleted = trimAsParsed(streamOf(e));
  if (deleted != 0) argEvent(1, NOTIFY_STREAM, 'xtrim', <u32>deleted);
  replyInt(deleted);
  if (propagating && deleted != 0 && approximate) propagateTrim('XTRIM', streamOf(e), argc, 0);
}
