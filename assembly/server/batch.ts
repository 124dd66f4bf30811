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
// reply and calls `resume`, or `suspend` first when the command takes its time.

import {
  ABI_ARGC,
  ABI_ARGV,
  ABI_CMD_ID,
  ABI_CURRENT_CONN,
  CFG_GUARDS,
  CFG_LATENCY_THRESHOLD_MS,
  CFG_QUERY_BUFFER_LIMIT,
  CFG_SLOWLOG_SLOWER_US,
  CLIENT_AUTHENTICATED,
  CLIENT_BLOCKED,
  CLIENT_CLOSE_AFTER_REPLY,
  CLIENT_CLOSE_ASAP,
  CLIENT_NO_TOUCH,
  CLIENT_REPLY_OFF,
  CLIENT_REPLY_SKIP,
  CLIENT_REPLY_SKIP_NEXT,
  CMD_ADMIN,
  CMD_FAST,
  CMD_SKIP_MONITOR,
  CMD_SKIP_SLOWLOG,
  CMD_TIMED,
  EVENT_LATENCY,
  INPUT_BYTES,
  LATENCY_EVENT_COMMAND,
  LATENCY_EVENT_FAST_COMMAND,
  RECORD_OWNER,
  STAT_COMMANDS,
  STAT_QUERYBUF_DISCONNECTS,
  STATUS_ABORT,
  STATUS_BLOCKED,
  STATUS_CLOSE,
  STATUS_FLUSH,
  STATUS_HOST_COMMAND,
  STATUS_OK,
  STATUS_PAUSED,
} from '../abi';
import { monitorCount, monitorFeed } from '../client/monitor';
import { slowlogPushIfNeeded } from '../client/slowlog';
import {
  execRequested,
  isExecuting,
  queuedId,
  requestExec,
  transactionEnd,
  transactionNext,
} from '../client/transaction';
import { watchDrain } from '../client/watch';
import { dispatchCommand } from '../generated/command_table';
import { clockUs } from '../keyspace/clock';
import { selectDatabase, setTouchOnLookup } from '../keyspace/db';
import { effectsBytes, effectsClear, effectsLost } from '../keyspace/effects';
import { Settings } from '../keyspace/settings';
import { Stats } from '../keyspace/stats';
import { argc, argv, setArgs } from '../resp/args';
import {
  Conn,
  client,
  queryRelease,
  resetParse,
  setClient,
  tryQueryAppend,
  tryQueryReserve,
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
import { NO_COMMAND, Record } from './command_lookup';
import { countCalls, countFailed } from './command_stats';
import {
  admitAtOnce,
  admitCommand,
  commandFlags,
  isPaused,
  joinsTransaction,
  queueCommand,
  refreshGuards,
  resolveCommand,
} from './dispatch';
import { pushEvent } from './events';
import { touchAll, touchCollect, touchDiscard } from './touch';

/** Commands parsed and touched before the first of them runs. */
const ROUND_COMMANDS: u32 = 32;
/** The host gets to write out when a batch's replies exceed this. */
const FLUSH_BYTES: u32 = 1048576;
/** An idle connection's query buffer larger than this is given back. */
const QUERY_KEEP_BYTES: u32 = 16384;
/** From this argument size on the query buffer is sized for the whole argument at once. */
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
const slots: usize = memory.data(768, 8);

const SHARED_TIME: f64 = -1.0;
/** A command that dispatch refused: not a call. */
const NOT_RUN: f64 = -2.0;

let base: usize = 0; // the buffer being read: input region or query buffer
let end: usize = 0;
let next: usize = 0; // first byte not parsed
let parsed: u32 = 0; // commands in the round
let running: u32 = 0; // index of the command that runs or is next
let outcome: i32 = PARSE_MORE; // why parsing stopped
let queuedStartUs: f64 = 0; // when the running command of a transaction began
let interrupted: bool = false; // a host command of this batch is under way
let booked: u32 = 0; // commands of the round that the statistics know already
let batchStartUs: f64 = 0; // only kept while there are monitors
let roundStartUs: f64 = 0; // of the round, or of what is not booked of it
let commandStartUs: f64 = 0;
let timedUs: f64 = 0; // part of that time that was measured command by command
let sharing: u32 = 0; // commands that were not
let outputStart: u32 = 0; // where the running command's reply begins

function slotAt(i: u32): Slot {
  return changetype<Slot>(slots + i * SLOT_BYTES);
}

/** Runs `length` bytes that the host put into the input region at `input`. */
export function feed(c: Conn, input: usize, length: u32): i32 {
  if (offsetof<Slot>() != SLOT_BYTES) ERROR('Slot is SLOT_BYTES long');
  assert(!interrupted);
  c.netIn += length;
  if (c.flags & CLIENT_CLOSE_ASAP) return STATUS_ABORT;
  if (c.queryLen > 0 || c.flags & CLIENT_BLOCKED) {
    if (!tryQueryAppend(c, input, length)) return STATUS_ABORT;
    if (<i64>c.queryLen > Settings.get(CFG_QUERY_BUFFER_LIMIT)) {
      Stats.add(STAT_QUERYBUF_DISCONNECTS, 1);
      return STATUS_ABORT;
    }
    if (c.flags & CLIENT_BLOCKED) return STATUS_BLOCKED;
    return begin(c, c.query, c.queryLen);
  }
  return begin(c, input, length);
}

/** Goes on after a host command, or with what the connection's query buffer holds. */
export function resume(c: Conn): i32 {
  if (interrupted && client == c) {
    interrupted = false;
    // The host may have changed what the commands behind it run under, or asked for the end.
    refreshGuards();
    setTouchOnLookup((c.flags & CLIENT_NO_TOUCH) == 0);
    if (isExecuting(c)) {
      finishQueued(c);
      if (!runTransaction(c)) return STATUS_HOST_COMMAND;
    }
    // Behind a transaction that was suspended there is no EXEC left to finish.
    if (running < parsed) {
      finishCommand(running);
      running += 1;
    }
    if (c.flags & CLIENT_CLOSE_AFTER_REPLY) {
      account(running);
      return STATUS_CLOSE;
    }
    return runRounds();
  }
  c.flags &= ~CLIENT_BLOCKED;
  enter(c, c.query, c.queryLen);
  if (isExecuting(c) && !runTransaction(c)) return STATUS_HOST_COMMAND;
  return runRounds();
}

/**
 * The host command under way will be answered later: the rest of the batch is kept with the
 * connection until `resume`. Its reply must then be written by the host itself.
 */
export function suspend(c: Conn): void {
  assert(interrupted && client == c);
  interrupted = false;
  if (isExecuting(c)) finishQueued(c);
  if (running < parsed) finishCommand(running);
  c.flags |= CLIENT_BLOCKED;
  const rest = running + 1 < parsed ? slotAt(running + 1).start : next;
  account(min(running + 1, parsed));
  stash(rest);
}

function begin(c: Conn, buffer: usize, length: u32): i32 {
  enter(c, buffer, length);
  return runRounds();
}

/** Makes `c` the running client, with nothing parsed of its `length` bytes at `buffer`. */
function enter(c: Conn, buffer: usize, length: u32): void {
  setClient(c);
  abiSet(ABI_CURRENT_CONN, <u32>changetype<usize>(c));
  outputReset();
  selectDatabase(c.db);
  setTouchOnLookup((c.flags & CLIENT_NO_TOUCH) == 0);
  if (monitorCount != 0) batchStartUs = clockUs();
  base = buffer;
  next = buffer;
  end = buffer + length;
  parsed = 0;
  running = 0;
  booked = 0;
  outcome = PARSE_COMPLETE;
}

/** Finishes the round at hand and runs further ones until something ends the batch. */
function runRounds(): i32 {
  while (true) {
    const status = executeRound();
    if (status != STATUS_OK) return status;
    if (outcome == PARSE_ERROR) return protocolError();
    if (outcome == PARSE_NO_MEMORY) return STATUS_ABORT;
    if (outcome == PARSE_MORE || next >= end) return finishBatch();
    if (outputLen() > FLUSH_BYTES) {
      stash(next);
      return STATUS_FLUSH;
    }
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
    outcome = parseCommand(c, start, end);
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
    const id = resolveCommand(parsedArgv, parsedArgc);
    slot.id = id;
    if (id != NO_COMMAND) touchCollect(id, parsedArgv, parsedArgc);
    parsed += 1;
  }
  if (parsed > 1) touchAll();
  else touchDiscard();
  timedUs = 0;
  sharing = 0;
  refreshGuards();
  roundStartUs = clockUs();
}

// --- Executing ---

function executeRound(): i32 {
  const c = client;
  while (running < parsed) {
    const slot = slotAt(running);
    const id = slot.id;
    setArgs(slot.argc, slot.argv);
    if (Settings.on(CFG_GUARDS) && isPaused(id)) {
      account(running);
      stash(slot.start);
      return STATUS_PAUSED;
    }
    outputStart = outputLen();
    clearCommandErrors();
    if (!admitAtOnce(id, slot.argc) && !checkAdmission(id)) {
      slot.durationUs = NOT_RUN;
      afterReply(c);
    } else if (joinsTransaction(id)) {
      queueCommand(id);
      slot.durationUs = NOT_RUN;
      afterReply(c);
    } else {
      if (running > booked && readsStatistics(id)) book(running);
      slot.durationUs = SHARED_TIME;
      if (commandFlags(id) & CMD_TIMED) commandStartUs = clockUs();
      if (!runCommand(id)) return STATUS_HOST_COMMAND;
      if (execRequested && !runTransaction(c)) return STATUS_HOST_COMMAND;
      finishCommand(running);
    }
    running += 1;
    if (outputLost) return STATUS_ABORT;
    if (c.flags & CLIENT_CLOSE_AFTER_REPLY) {
      account(running);
      return STATUS_CLOSE;
    }
  }
  account(running);
  return STATUS_OK;
}

/** `admitCommand`; keys that were evicted for the command count as changed before it runs. */
function checkAdmission(id: u32): bool {
  const admitted = admitCommand(id);
  drainEffects();
  return admitted;
}

/** Runs the command whose arguments are set. False when it is the host's: the batch stops here. */
function runCommand(id: u32): bool {
  // For the host's commands, and to name the culprit should this one trap.
  abiSet(ABI_CMD_ID, id);
  abiSet(ABI_ARGC, argc);
  abiSet(ABI_ARGV, <u32>argv);
  if (load<u8>(Record.at(id), RECORD_OWNER) != 0) {
    interrupted = true;
    return false;
  }
  dispatchCommand(id);
  return true;
}

// --- Transactions ---

/** Runs what is left of the client's queue. False when a host command interrupts it. */
function runTransaction(c: Conn): bool {
  requestExec(false);
  while (transactionNext(c)) {
    clearCommandErrors();
    queuedStartUs = clockUs();
    if (!runCommand(queuedId)) return false;
    finishQueued(c);
  }
  transactionEnd(c);
  // The errors counted last were a queued command's, not EXEC's.
  clearCommandErrors();
  return true;
}

/** What follows a queued command that ran: it is a call of its own in all statistics. */
function finishQueued(c: Conn): void {
  const duration = clockUs() - queuedStartUs;
  if (commandErrors != 0) countFailed(queuedId);
  countCalls(queuedId, 1, duration);
  Stats.add(STAT_COMMANDS, 1);
  feedMonitors(c, queuedId, argv, argc);
  if ((commandFlags(queuedId) & CMD_SKIP_SLOWLOG) == 0) {
    slowlogPushIfNeeded(c, argv, argc, duration);
  }
  drainEffects();
}

/**
 * Shows monitors a command that ran. Only then: SELECT shows the database it chose, and secrets have
 * been blacked out.
 */
function feedMonitors(c: Conn, id: u32, args: usize, count: u32): void {
  if (monitorCount == 0 || (commandFlags(id) & (CMD_SKIP_MONITOR | CMD_ADMIN)) != 0) return;
  monitorFeed(c, args, count, batchStartUs == 0 ? 0 : clockUs() - batchStartUs);
}

/** Tells everyone concerned what the command, or background work, changed. */
export function drainEffects(): void {
  if (effectsBytes() == 0 && !effectsLost) return;
  watchDrain();
  effectsClear();
}

/** What follows a command that ran, core's or host's. */
function finishCommand(index: u32): void {
  const c = client;
  const slot = slotAt(index);
  if (commandFlags(slot.id) & CMD_TIMED) {
    slot.durationUs = clockUs() - commandStartUs;
    timedUs += slot.durationUs;
  } else sharing += 1;
  c.lastCommand = slot.id;
  c.commands += 1;
  if (commandErrors != 0) countFailed(slot.id);
  feedMonitors(c, slot.id, slot.argv, slot.argc);
  drainEffects();
  afterReply(c);
}

/** CLIENT REPLY OFF and SKIP take the reply back. */
function afterReply(c: Conn): void {
  const mode = c.flags & (CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP | CLIENT_REPLY_SKIP_NEXT);
  if (mode == 0) return;
  if (mode & (CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP)) outputRewind(outputStart);
  c.flags &= ~CLIENT_REPLY_SKIP;
  if (mode & CLIENT_REPLY_SKIP_NEXT) {
    c.flags = (c.flags & ~CLIENT_REPLY_SKIP_NEXT) | CLIENT_REPLY_SKIP;
  }
}

// --- Accounting ---

/** Ends the round after its first `count` commands, and books those that are not yet. */
function account(count: u32): void {
  if (count > booked) book(count);
  parsed = 0;
  running = 0;
  booked = 0;
}

/** Whether a command may show what those before it in the round have added to the statistics. */
function readsStatistics(id: u32): bool {
  return load<u8>(Record.at(id), RECORD_OWNER) != 0 || (commandFlags(id) & CMD_ADMIN) != 0;
}

/** Books what ran of the first `count` commands of the round. Their arguments are still in place. */
function book(count: u32): void {
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
    if (inspect) for (let k: u32 = 0; k < run; k++) inspectSlow(slotAt(i + k), share, latency);
    i += run;
  }
  Stats.add(STAT_COMMANDS, <f64>ran);
  booked = count;
  roundStartUs = now;
  timedUs = 0;
  sharing = 0;
}

function inspectSlow(slot: Slot, share: f64, latencyMs: i64): void {
  if (slot.durationUs == NOT_RUN) return;
  const duration = slot.durationUs == SHARED_TIME ? share : slot.durationUs;
  const flags = commandFlags(slot.id);
  if ((flags & CMD_SKIP_SLOWLOG) == 0) {
    slowlogPushIfNeeded(client, slot.argv, slot.argc, duration);
  }
  if (latencyMs > 0 && duration >= <f64>latencyMs * 1000.0) {
    const kind = flags & CMD_FAST ? LATENCY_EVENT_FAST_COMMAND : LATENCY_EVENT_COMMAND;
    pushEvent(EVENT_LATENCY, kind, duration / 1000.0);
  }
}

// --- Ends of a batch ---

/** Moves everything from `from` on to the front of the connection's query buffer. */
function stash(from: usize): void {
  const c = client;
  const length = <u32>(end - from);
  if (outcome == PARSE_MORE && from != next) resetParse(c);
  if (base == c.query && c.query != 0) {
    if (length > 0) memory.copy(c.query, from, length);
    c.queryLen = length;
    return;
  }
  c.queryLen = 0;
  if (length > 0 && !tryQueryAppend(c, from, length)) c.flags |= CLIENT_CLOSE_ASAP;
}

function finishBatch(): i32 {
  const c = client;
  stash(next);
  if (c.flags & CLIENT_CLOSE_ASAP) return STATUS_ABORT;
  // A big argument gets its whole room at once; only now, since no command points into the buffer.
  if (c.bulkLen >= BIG_ARG_BYTES) {
    const total = <u64>c.parsePos + <u64>c.bulkLen + 2 + INPUT_BYTES;
    if (!tryQueryReserve(c, total)) return STATUS_ABORT;
  }
  if (<i64>c.queryLen > Settings.get(CFG_QUERY_BUFFER_LIMIT)) {
    Stats.add(STAT_QUERYBUF_DISCONNECTS, 1);
    return STATUS_ABORT;
  }
  if (c.queryLen == 0) queryRelease(c, QUERY_KEEP_BYTES);
  return STATUS_OK;
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
  client.flags |= CLIENT_CLOSE_AFTER_REPLY;
  return STATUS_CLOSE;
}

/** Forgets a batch whose connection was closed by the host command it was interrupted by. */
export function abandon(c: Conn): void {
  if (client != c) return;
  if (interrupted) {
    interrupted = false;
    parsed = 0;
    running = 0;
  }
}
