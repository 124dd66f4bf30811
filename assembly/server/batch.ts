// The batch: from a connection's bytes to its replies, in rounds of up to ROUND_COMMANDS commands.
//
//   feed -> [ parse ahead -> touch -> execute in order -> account ] -> ... -> status
//
// Bytes are read where they lie: in the shared input region, or in the connection's query buffer when
// something was left over from before. Commands parsed ahead point into that memory. Whenever a batch
// stops early, the bytes of commands that did not run are moved to the query buffer first
// (`stash`), because the region belongs to the next connection that has input.
//
// One batch runs at a time. It may be interrupted by a host command: then the host acts, appends a
// reply and calls `resume`. When the command takes its time, the host calls `suspend` instead, which
// keeps the rest of the batch with the connection, and `answer` once it has the reply:
//
//   STATUS_HOST_COMMAND -> reply ------------------------------> resume -> ...
//                       -> suspend -> (others' batches) -> answer -> reply -> resume -> ...
//
// A suspended command is booked when it is answered, with all the time it took; the slow log never
// sees it, because its arguments are gone by then. One of a transaction still has them, and nobody
// else's commands run until it is answered (`frozenBy`): others' input is kept with their connections.

import {
  ABI_ARGC,
  ABI_ARGV,
  ABI_CLOSE_REASON,
  ABI_CMD_ID,
  ABI_CURRENT_CONN,
  ARG_BYTES,
  CFG_LATENCY_THRESHOLD_MS,
  CFG_QUERY_BUFFER_LIMIT,
  CFG_SLOWLOG_SLOWER_US,
  CLIENT_AUTHENTICATED,
  CLIENT_BLOCKED,
  CLIENT_CLOSE_AFTER_REPLY,
  CLIENT_CLOSE_ASAP,
  CLIENT_INTERNAL,
  CLIENT_NO_TOUCH,
  CLIENT_PAUSED,
  CLIENT_TRACKING,
  CLOSE_ASKED,
  CLOSE_CROSS_PROTOCOL,
  CLOSE_NO_MEMORY,
  CLOSE_PROTOCOL_ERROR,
  CLOSE_QUERY_LIMIT,
  CMD_ADMIN,
  CMD_TIMED,
  INPUT_BYTES,
  RECORD_OWNER,
  STAT_COMMANDS,
  STAT_QUERYBUF_DISCONNECTS,
  STATUS_ABORT,
  STATUS_BLOCKED,
  STATUS_CLOSE,
  STATUS_FLUSH,
  STATUS_FLUSHED_ALL,
  STATUS_HOST_COMMAND,
  STATUS_OK,
  STATUS_PAUSED,
} from '../abi';
import { addTimeUsed, anyReady } from '../client/blocked';
import { monitorCount } from '../client/monitor';
import {
  execRequested,
  isExecuting,
  queuedId,
  requestExec,
  transactionEnd,
  transactionNext,
  transactionReturn,
} from '../client/transaction';
import { dispatchCommand } from '../generated/command_table';
import { clockUs } from '../keyspace/clock';
import { selectDatabase, setTouchOnLookup } from '../keyspace/db';
import { effectsWanted, flushedAll, noteFlushAll } from '../keyspace/effects';
import { walking } from '../keyspace/preserve';
import { propagating, unitHold, unitRelease } from '../keyspace/propagation';
import { Settings } from '../keyspace/settings';
import { Stats } from '../keyspace/stats';
import { argc, argv, setArgRecord, setArgs } from '../resp/args';
import {
  Conn,
  client,
  queryAdvance,
  queryFree,
  queryUnread,
  replaying,
  resetParse,
  setClient,
  tryQueryAppend,
  tryQueryFit,
} from '../resp/connection';
import {
  clearCommandErrors,
  commandErrors,
  errorBytes,
  errorEnd,
  errorStart,
} from '../resp/errors';
import {
  PARSE_COMPLETE,
  PARSE_EMPTY,
  PARSE_ERROR,
  PARSE_MORE,
  PARSE_NO_MEMORY,
  parseBehindName,
  parseCommand,
  parsedArgc,
  parsedArgv,
  parsedEnd,
  parseErrorByte,
  parseErrorText,
  parserReset,
} from '../resp/parser';
import { outputLen, outputLost, outputReset, outputRewind, replyText } from '../resp/writer';
import { abiSet } from './abi_block';
import { commandFlags, dependsOnNameOnly, NO_COMMAND, Record } from './command_lookup';
import { countCalls } from './command_stats';
import {
  afterReply,
  countErrors,
  drainEffects,
  feedMonitors,
  noteSlow,
  REPLY_MODES,
  SILENT,
  takeOwnPushes,
} from './consequences';
import {
  ADMIT_CLOSE,
  ADMIT_HOLD,
  ADMIT_RUN,
  ADMIT_STOP,
  admitAtOnce,
  admitCommand,
  refreshGuards,
  replayRefusal,
  replyStart,
  resolveCommand,
} from './dispatch';
import { KnownHead, keepHead } from './known_heads';
import { dispatchPropagating } from './propagate_command';
import { noteReplayError } from './replay';
import { hasLoneKey, touchAll, touchCollect, touchLoneKey } from './touch';
import { afterTracked, noteReads } from './tracked_reads';
import { serveReady } from './unblock';
import { preserveFor } from './walk_guard';

/** Commands parsed and touched before the first of them runs. */
const ROUND_COMMANDS: u32 = 64;
/** The host gets to write out when a batch's replies exceed this. */
const FLUSH_BYTES: u32 = 1048576;
/** From this argument size on the query buffer grows towards the whole argument. */
const BIG_ARG_BYTES: i32 = 32768;

/** One parsed command of the round. */
@unmanaged
class Slot {
  argc: u32;
  argv: usize;
  id: u32;
  start: usize; // its bytes, for stashing it unexecuted
  durationUs: f64; // negative: shares the round's time
}

const SLOT_BYTES: u32 = 24;
const slots: usize = memory.data(1536, 8);

const SHARED_TIME: f64 = -1.0;
/** A command that dispatch refused or queued: not a call. */
const NOT_RUN: f64 = -2.0;

let fromQuery: bool = false; // reading the query buffer, not the input region
let end: usize = 0; // of what is read
let next: usize = 0; // first byte not parsed
let parsed: u32 = 0; // commands in the round
let running: u32 = 0; // index of the command that runs or is next
let booked: u32 = 0; // commands of the round that are in the statistics already
let outcome: i32 = PARSE_MORE; // why parsing stopped
let queuedStartUs: f64 = 0; // when the running command of a transaction began
let interrupted: bool = false; // a host command of this batch is under way
let frozenBy: usize = 0; // connection with a suspended command in a transaction
let batchStartUs: f64 = 0; // only kept while there are monitors
let roundStartUs: f64 = 0; // of the round, or of what is not booked of it
let commandStartUs: f64 = 0;
let timedUs: f64 = 0; // part of that time that was measured command by command
let sharing: u32 = 0; // commands that were not
let outputStart: u32 = 0; // where the running command's reply begins

function slotAt(i: u32): Slot {
  return changetype<Slot>(slots + i * SLOT_BYTES);
}

// --- Beginnings of a batch ---

/** Runs `length` bytes that the host put into the input region at `input`. */
export function feed(c: Conn, input: usize, length: u32): i32 {
  if (offsetof<Slot>() != SLOT_BYTES) ERROR('Slot is SLOT_BYTES long');
  assert(!interrupted);
  outputReset();
  c.netIn += length;
  if (c.flags & CLIENT_CLOSE_ASAP) return abort(c, CLOSE_ASKED);
  // Who was told goodbye is not listened to any more.
  if (c.flags & CLIENT_CLOSE_AFTER_REPLY) return STATUS_OK;
  if (c.queryLen == 0 && (c.flags & CLIENT_BLOCKED) == 0 && frozenBy == 0) {
    enter(c, input, length, false);
    return runRounds();
  }
  if (!tryQueryAppend(c, input, length)) return abort(c, CLOSE_NO_MEMORY);
  if (queryTooLong(c)) return abort(c, CLOSE_QUERY_LIMIT);
  if (c.flags & CLIENT_BLOCKED) return STATUS_BLOCKED;
  if (frozenBy != 0) return STATUS_PAUSED;
  enter(c, queryUnread(c), c.queryLen, true);
  return runRounds();
}

/** Goes on after a host command, or with what the connection's query buffer holds. */
export function resume(c: Conn): i32 {
  if (interrupted) {
    assert(client == c);
    interrupted = false;
    return afterHostCommand(c);
  }
  outputReset();
  c.flags &= ~CLIENT_PAUSED;
  if (c.flags & CLIENT_BLOCKED) return STATUS_BLOCKED;
  if (c.flags & CLIENT_CLOSE_ASAP) return abort(c, CLOSE_ASKED);
  if (c.flags & CLIENT_CLOSE_AFTER_REPLY) return STATUS_OK;
  if (frozenBy != 0) return STATUS_PAUSED;
  enter(c, queryUnread(c), c.queryLen, true);
  return runRounds();
}

function afterHostCommand(c: Conn): i32 {
  // The host may have changed what the commands behind it run under.
  refreshGuards();
  selectDatabase(c.db);
  setTouchOnLookup((c.flags & CLIENT_NO_TOUCH) == 0);
  const wasExecuting = isExecuting(c);
  if (wasExecuting) {
    finishQueued(c);
    if (!runTransaction(c)) return STATUS_HOST_COMMAND;
  }
  // A command that was suspended is no part of this round.
  if (running < parsed) {
    finishCommand(running);
    running += 1;
  } else finishAnswered(c, wasExecuting);
  const status = afterCommand(c);
  return status != STATUS_OK ? status : runRounds();
}

/**
 * The host command under way will be answered later: the rest of the batch is kept with the
 * connection until `answer`. What was replied before the command may be written.
 */
export function suspend(c: Conn): void {
  assert(interrupted && client == c);
  interrupted = false;
  c.flags |= CLIENT_BLOCKED;
  if (isExecuting(c)) {
    frozenBy = changetype<usize>(c);
    c.startedUs = queuedStartUs;
  } else {
    feedMonitors(c, c.lastCommand, argv, argc, batchStartUs);
    c.startedUs = commandStartUs;
  }
  // In a transaction a part of the reply is there already.
  if (c.flags & SILENT) outputRewind(outputStart);
  stash(running + 1 < parsed ? slotAt(running + 1).start : next);
}

/** The host is about to append the reply of a suspended command and to call `resume`. */
export function answer(c: Conn): void {
  assert(!interrupted && (c.flags & CLIENT_BLOCKED) != 0);
  c.flags &= ~CLIENT_BLOCKED;
  if (frozenBy == changetype<usize>(c)) frozenBy = 0;
  outputReset();
  enter(c, queryUnread(c), c.queryLen, true);
  outputStart = 0;
  clearCommandErrors();
  commandStartUs = c.startedUs;
  queuedStartUs = c.startedUs;
  if (isExecuting(c)) transactionReturn(c);
  interrupted = true;
}

/** Whether a host command is under way. */
export function isInterrupted(): bool {
  return interrupted;
}

/** The connection is going away, maybe closed by the host command its batch is interrupted by. */
export function abandon(c: Conn): void {
  if (isExecuting(c)) unitRelease();
  if (frozenBy == changetype<usize>(c)) frozenBy = 0;
  if (client != c) return;
  if (interrupted) {
    interrupted = false;
    if (running < parsed) {
      finishCommand(running);
      account(running + 1);
    }
  }
  outputReset();
  parsed = 0;
  running = 0;
  booked = 0;
}

/** Makes `c` the running client, with nothing parsed of its `length` bytes at `from`. */
function enter(c: Conn, from: usize, length: u32, isQuery: bool): void {
  setClient(c);
  abiSet(ABI_CURRENT_CONN, <u32>changetype<usize>(c));
  abiSet(ABI_CMD_ID, NO_COMMAND);
  selectDatabase(c.db);
  setTouchOnLookup((c.flags & CLIENT_NO_TOUCH) == 0);
  if (monitorCount != 0) batchStartUs = clockUs();
  fromQuery = isQuery;
  next = from;
  end = from + length;
  parsed = 0;
  running = 0;
  booked = 0;
  outcome = PARSE_COMPLETE;
  clearCommandErrors();
}

/** Finishes the round at hand and runs further ones until something ends the batch. */
function runRounds(): i32 {
  while (true) {
    const status = executeRound();
    if (status != STATUS_OK) return status;
    if (outcome == PARSE_ERROR) return protocolError();
    if (outcome == PARSE_NO_MEMORY) return abort(client, CLOSE_NO_MEMORY);
    if (outcome == PARSE_MORE || next >= end) return finishBatch();
    if (outputLen() > FLUSH_BYTES) return interrupt(next, STATUS_FLUSH);
    parseRound();
  }
}

// --- Parsing ahead ---

function parseRound(): void {
  const c = client;
  parserReset();
  parsed = 0;
  running = 0;
  booked = 0;
  // Before authentication limits depend on the command just before: look at one at a time.
  const most = c.flags & CLIENT_AUTHENTICATED ? ROUND_COMMANDS : 1;
  outcome = PARSE_COMPLETE;
  while (parsed < most && next < end) {
    const start = next;
    const head = most != 1 && c.multibulkLeft == 0 ? KnownHead.find(start, end) : 0;
    outcome =
      head != 0
        ? parseBehindName(
            c,
            start,
            KnownHead.length(head),
            KnownHead.nameLen(head),
            end,
            KnownHead.count(head),
          )
        : parseCommand(c, start, end);
    if (outcome == PARSE_EMPTY) {
      next = parsedEnd;
      outcome = PARSE_COMPLETE;
      continue;
    }
    if (outcome != PARSE_COMPLETE) break;
    next = parsedEnd;
    const slot = slotAt(parsed);
    slot.argc = parsedArgc;
    slot.argv = parsedArgv;
    slot.start = start;
    const id = head != 0 ? KnownHead.id(head) : resolveNew(start);
    slot.id = id;
    if (head != 0 && KnownHead.hasLoneKey(head)) touchLoneKey(parsedArgv + ARG_BYTES);
    else if (id != NO_COMMAND) touchCollect(id, parsedArgv, parsedArgc);
    parsed += 1;
  }
  touchAll();
  timedUs = 0;
  sharing = 0;
  refreshGuards();
  roundStartUs = clockUs();
}

/** Id of the command parsed last, whose head was not known. */
function resolveNew(start: usize): u32 {
  const id = resolveCommand(parsedArgv, parsedArgc);
  const name: usize = load<u32>(parsedArgv);
  // Inline commands lie in the parser's arena, and their heads have no fixed form.
  if (load<u8>(start) != 42 || !dependsOnNameOnly(id)) return id;
  const nameLen = load<u32>(parsedArgv, 4);
  const hasKey = parsedArgc > 1 && hasLoneKey(id);
  keepHead(start, name + nameLen + 2 - start, id, parsedArgc, nameLen, hasKey);
  return id;
}

// --- Executing ---

function executeRound(): i32 {
  const c = client;
  while (running < parsed) {
    const slot = slotAt(running);
    const id = slot.id;
    setArgs(slot.argc, slot.argv);
    outputStart = outputLen();
    c.lastCommand = id != NO_COMMAND ? id : u32.MAX_VALUE;
    if (admitAtOnce(id, slot.argc)) {
      slot.durationUs = SHARED_TIME;
      nameRunning(id);
      if (propagating) dispatchPropagating(id, slot.start);
      else dispatchCommand(id);
      if (!needsAttention(c)) {
        sharing += 1;
        c.commands += 1;
        running += 1;
        continue;
      }
      if (execRequested && !runTransaction(c)) return STATUS_HOST_COMMAND;
      finishCommand(running);
      running += 1;
      const status = afterCommand(c);
      if (status != STATUS_OK) return status;
      continue;
    }
    const admitted = admitCommand(id);
    outputStart = replyStart;
    if (admitted == ADMIT_RUN) {
      slot.durationUs = SHARED_TIME;
      if (commandFlags(id) & CMD_TIMED) commandStartUs = clockUs();
      if (!runCommand(id, slot.start)) return STATUS_HOST_COMMAND;
      if (execRequested && !runTransaction(c)) return STATUS_HOST_COMMAND;
      finishCommand(running);
    } else {
      if (admitted == ADMIT_HOLD) {
        c.flags |= CLIENT_PAUSED;
        return interrupt(slot.start, STATUS_PAUSED);
      }
      if (admitted == ADMIT_CLOSE) return abort(c, CLOSE_CROSS_PROTOCOL);
      if (admitted == ADMIT_STOP) return stopReplay(c, id);
      slot.durationUs = NOT_RUN;
      clearCommandErrors();
      if (c.flags & CLIENT_TRACKING) afterTracked(c);
      afterReply(c, outputStart);
    }
    running += 1;
    const status = afterCommand(c);
    if (status != STATUS_OK) return status;
  }
  account(running);
  return STATUS_OK;
}

/** Whether anything but the reply has to follow a command that ran: one test for all there may be. */
function needsAttention(c: Conn): bool {
  const unusual =
    REPLY_MODES | CLIENT_CLOSE_AFTER_REPLY | CLIENT_CLOSE_ASAP | CLIENT_BLOCKED | CLIENT_TRACKING;
  return (
    (effectsWanted |
      monitorCount |
      commandErrors |
      (c.flags & unusual) |
      c.pushLen |
      (<u32>execRequested | <u32>outputLost | <u32>(outputLen() > FLUSH_BYTES))) !=
    0
  );
}

/** STATUS_OK unless the batch has to stop behind the command that ran. */
function afterCommand(c: Conn): i32 {
  if (outputLost) return abort(c, CLOSE_NO_MEMORY);
  if (c.flags & (CLIENT_CLOSE_AFTER_REPLY | CLIENT_CLOSE_ASAP | CLIENT_BLOCKED)) {
    if (c.flags & CLIENT_CLOSE_ASAP) return abort(c, CLOSE_ASKED);
    if (c.flags & CLIENT_BLOCKED) return waits(c);
    account(running);
    queryFree(c);
    abiSet(ABI_CLOSE_REASON, CLOSE_ASKED);
    return STATUS_CLOSE;
  }
  if (flushedAll) {
    noteFlushAll(false);
    return interrupt(running < parsed ? slotAt(running).start : next, STATUS_FLUSHED_ALL);
  }
  if (outputLen() > FLUSH_BYTES && running < parsed) {
    return interrupt(slotAt(running).start, STATUS_FLUSH);
  }
  return STATUS_OK;
}

/** The command that ran waits: it is no call yet, and what comes behind it is kept. */
function waits(c: Conn): i32 {
  const slot = slotAt(running - 1);
  addTimeUsed(c, slot.durationUs);
  slot.durationUs = NOT_RUN;
  c.commands -= 1;
  const status = interrupt(running < parsed ? slotAt(running).start : next, STATUS_BLOCKED);
  // It may take long until somebody looks at the buffer again.
  parserReset();
  return tryQueryFit(c, 0) ? status : abort(c, CLOSE_NO_MEMORY);
}

/** For the host's commands, and to name the culprit should this one trap. */
function nameRunning(id: u32): void {
  abiSet(ABI_CMD_ID, id);
  abiSet(ABI_ARGC, argc);
  abiSet(ABI_ARGV, <u32>argv);
}

/**
 * Runs the command whose arguments are set; `start` is as for `dispatchPropagating`. False when it is the
 * host's: the batch stops here.
 */
function runCommand(id: u32, start: usize): bool {
  nameRunning(id);
  if (load<u8>(Record.at(id), RECORD_OWNER) != 0) {
    // INFO, SLOWLOG and their like must find the commands before them.
    account(running);
    interrupted = true;
    return false;
  }
  if (commandFlags(id) & CMD_ADMIN) account(running);
  if (walking) preserveFor(id);
  if (propagating) dispatchPropagating(id, start);
  else dispatchCommand(id);
  return true;
}

// --- Transactions ---

/** Runs what is left of the client's queue. False when a host command interrupts it. */
function runTransaction(c: Conn): bool {
  requestExec(false);
  unitHold();
  while (transactionNext(c)) {
    clearCommandErrors();
    queuedStartUs = clockUs();
    if (!runCommand(queuedId, 0)) return false;
    finishQueued(c);
  }
  unitRelease();
  transactionEnd(c);
  // The errors counted last were a queued command's, not EXEC's.
  clearCommandErrors();
  return true;
}

/** What follows a queued command that ran: it is a call of its own in all statistics. */
function finishQueued(c: Conn): void {
  if (replaying) {
    finishReplayed(c, queuedId);
    return;
  }
  const duration = max(clockUs() - queuedStartUs, 0.0);
  countErrors(queuedId);
  countCalls(queuedId, 1, duration);
  Stats.add(STAT_COMMANDS, 1);
  feedMonitors(c, queuedId, argv, argc, batchStartUs);
  noteSlow(c, queuedId, argv, argc, duration);
  drainEffects(changetype<usize>(c));
  if (c.flags & CLIENT_TRACKING) noteReads(c, queuedId, argv, argc);
}

/** What follows a replayed command: it is no call, and nobody but the log hears of it. */
function finishReplayed(c: Conn, id: u32): void {
  if (commandErrors != 0) noteReplayError(id);
  clearCommandErrors();
  drainEffects(changetype<usize>(c));
}

/** What follows a command that ran, core's or host's. */
function finishCommand(index: u32): void {
  const c = client;
  const slot = slotAt(index);
  if (replaying) {
    c.commands += 1;
    finishReplayed(c, slot.id);
    return;
  }
  if (commandFlags(slot.id) & CMD_TIMED) {
    slot.durationUs = max(clockUs() - commandStartUs, 0.0);
    timedUs += slot.durationUs;
  } else sharing += 1;
  c.commands += 1;
  countErrors(slot.id);
  if (monitorCount != 0) feedMonitors(c, slot.id, slot.argv, slot.argc, batchStartUs);
  if (effectsWanted != 0) drainEffects(changetype<usize>(c));
  if (c.flags & CLIENT_TRACKING) {
    noteReads(c, slot.id, slot.argv, slot.argc);
    afterTracked(c);
  }
  if (c.flags & REPLY_MODES) afterReply(c, outputStart);
  if (c.pushLen != 0) takeOwnPushes(c);
  if (anyReady()) serveOthers(c);
}

/** Serves those who waited for keys that the command made ready. */
function serveOthers(c: Conn): void {
  serveReady(c);
  if (c.pushLen != 0) takeOwnPushes(c);
}

const EXEC_RECORD: usize = memory.data(16, 8);
/** "EXEC" */
const EXEC_NAME: usize = memory.data<u8>([69, 88, 69, 67]);

/** What follows a command that was suspended, or an EXEC with one in it. */
function finishAnswered(c: Conn, isExec: bool): void {
  if (isExec) {
    // Its own argument is gone, but there is only this one.
    setArgRecord(EXEC_RECORD, EXEC_NAME, 4);
    feedMonitors(c, c.lastCommand, EXEC_RECORD, 1, batchStartUs);
  }
  countCalls(c.lastCommand, 1, max(clockUs() - c.startedUs, 0.0));
  Stats.add(STAT_COMMANDS, 1);
  c.commands += 1;
  countErrors(c.lastCommand);
  drainEffects(changetype<usize>(c));
  if (c.flags & CLIENT_TRACKING) afterTracked(c);
  afterReply(c, outputStart);
  if (anyReady()) serveOthers(c);
}

// --- Accounting ---

/** Books what is not booked yet of the round's first `count` commands; their arguments are in place. */
function account(count: u32): void {
  if (count <= booked) return;
  if (replaying) {
    booked = count;
    return;
  }
  const now = clockUs();
  const share = sharing == 0 ? 0.0 : max(now - roundStartUs - timedUs, 0.0) / <f64>sharing;
  const slowest = max(share, timedUs);
  const slower = Settings.get(CFG_SLOWLOG_SLOWER_US);
  const latency = Settings.get(CFG_LATENCY_THRESHOLD_MS);
  const inspect =
    (slower >= 0 && slowest >= <f64>slower) || (latency > 0 && slowest >= <f64>latency * 1000.0);
  let ran: u32 = 0;
  let i = booked;
  while (i < count) {
    const slot = slotAt(i);
    let run: u32 = 1;
    if (slot.durationUs == SHARED_TIME) {
      while (i + run < count && slotAt(i + run).id == slot.id) {
        if (slotAt(i + run).durationUs != SHARED_TIME) break;
        run += 1;
      }
      countCalls(slot.id, run, share);
      ran += run;
    } else if (slot.durationUs != NOT_RUN) {
      countCalls(slot.id, 1, slot.durationUs);
      ran += 1;
    }
    if (inspect && slot.durationUs != NOT_RUN) {
      const duration = slot.durationUs == SHARED_TIME ? share : slot.durationUs;
      for (let k = i; k < i + run; k++)
        noteSlow(client, slot.id, slotAt(k).argv, slotAt(k).argc, duration);
    }
    i += run;
  }
  Stats.add(STAT_COMMANDS, <f64>ran);
  booked = count;
  roundStartUs = now;
  timedUs = 0;
  sharing = 0;
}

// --- Ends of a batch ---

/** Keeps everything from `from` on with the connection, as its unread query. */
function stash(from: usize): void {
  const c = client;
  // The unfinished command behind others that did not run is parsed again in its turn.
  if (outcome == PARSE_MORE && from != next) resetParse(c);
  if (fromQuery) {
    queryAdvance(c, from);
    return;
  }
  const length = <u32>(end - from);
  if (length > 0 && !tryQueryAppend(c, from, length)) c.flags |= CLIENT_CLOSE_ASAP;
}

/** Stops in front of the command at `from`; the host calls `resume` to have it run. */
function interrupt(from: usize, status: i32): i32 {
  account(running);
  stash(from);
  return status;
}

/** Room for a long argument and some of what may come behind it in the same read. */
function roomForBulk(length: i32): u64 {
  return <u64>length + 2 + min<u64>(INPUT_BYTES, <u64>length >> 3);
}

function queryTooLong(c: Conn): bool {
  if (<i64>c.queryLen <= Settings.get(CFG_QUERY_BUFFER_LIMIT)) return false;
  if (c.flags & CLIENT_INTERNAL) return false;
  Stats.add(STAT_QUERYBUF_DISCONNECTS, 1);
  return true;
}

/** Ends the connection without a word: nothing it sent will run, nothing it was owed will be sent. */
function abort(c: Conn, reason: u32): i32 {
  account(running);
  outputReset();
  c.flags |= CLIENT_CLOSE_ASAP;
  parserReset();
  resetParse(c);
  // What was too long is kept for the host's log until the connection is deleted.
  if (reason != CLOSE_QUERY_LIMIT) queryFree(c);
  abiSet(ABI_CLOSE_REASON, reason);
  return STATUS_ABORT;
}

/** Ends a replay at a command that cannot run; its arguments stay for the host to name it. */
function stopReplay(c: Conn, id: u32): i32 {
  account(running);
  outputReset();
  nameRunning(id);
  c.flags |= CLIENT_CLOSE_ASAP;
  abiSet(ABI_CLOSE_REASON, replayRefusal);
  return STATUS_ABORT;
}

function finishBatch(): i32 {
  const c = client;
  stash(next);
  parserReset();
  if (c.query == 0 && (c.flags & CLIENT_CLOSE_ASAP) == 0) return STATUS_OK;
  // Only now, since no command points into the buffer.
  let coming: u64 = 0;
  if (c.bulkLen >= BIG_ARG_BYTES) coming = <u64>c.parsePos + roomForBulk(c.bulkLen);
  const kept = (c.flags & CLIENT_CLOSE_ASAP) == 0 && tryQueryFit(c, coming);
  if (!kept) return abort(c, CLOSE_NO_MEMORY);
  return queryTooLong(c) ? abort(c, CLOSE_QUERY_LIMIT) : STATUS_OK;
}

const foundByte: usize = memory.data(8, 8);

function protocolError(): i32 {
  const start = errorStart();
  replyText('ERR Protocol error: ');
  if (parseErrorText.length > 0) replyText(parseErrorText);
  else {
    replyText("expected '$', got '");
    store<u8>(foundByte, <u8>parseErrorByte);
    errorBytes(foundByte, 1);
    replyText("'");
  }
  errorEnd(start);
  const c = client;
  if (c.flags & SILENT) outputRewind(start);
  c.flags |= CLIENT_CLOSE_AFTER_REPLY;
  // What was wrong is kept for the host's log, too.
  stash(next);
  resetParse(c);
  abiSet(ABI_CLOSE_REASON, CLOSE_PROTOCOL_ERROR);
  return STATUS_CLOSE;
}
