// Serving clients that wait in a blocking command (client/blocked.ts has who waits for what).
//
// Keys are served in the order they became ready, and the clients of a key in the order they came,
// each by running its command again; that may make further keys ready, which go to the end. A client
// whose command has something to say now stops waiting: the reply goes to its pushed output, the call
// is booked with the time its runs took, and what it sent meanwhile is run later, by the host.
//
// Another client's batch may be under way. Its reply is whole at that time; the replies made here are
// written behind it and taken away again.
//
// CLIENT PAUSE holds commands back that would run now; their keys are ready again when it ends.

import {
  ABI_ARGC,
  ABI_ARGV,
  ABI_CMD_ID,
  ABI_CURRENT_CONN,
  CLIENT_CLOSE_ASAP,
  CLIENT_NO_TOUCH,
  CLIENT_TRACKING,
  STAT_COMMANDS,
} from '../abi';
import {
  BLOCKED_OTHER,
  Blocked,
  beginReprocessing,
  blockedAgain,
  blockedArgv,
  endReprocessing,
  firstDeadline,
  firstWaiter,
  hold,
  KeyQueue,
  kindReady,
  listUnblocked,
  nextWaiter,
  onlyWakes,
  popReady,
  readyDone,
  rearm,
  releaseHeld,
  unblock,
  waiterBlocked,
} from '../client/blocked';
import { dispatchCommand } from '../generated/command_table';
import { clockUs, nowMs } from '../keyspace/clock';
import { selectDatabase, setTouchOnLookup } from '../keyspace/db';
import { walking } from '../keyspace/preserve';
import { propagating } from '../keyspace/propagation';
import { Stats } from '../keyspace/stats';
import { argc, argv, setArgs } from '../resp/args';
import { Conn, setClient, tryPush } from '../resp/connection';
import { clearCommandErrors, replyError } from '../resp/errors';
import {
  outputAt,
  outputLen,
  outputLost,
  outputReset,
  outputRewind,
  replyNullArray,
  setOutputLost,
} from '../resp/writer';
import { abiSet } from './abi_block';
import { countCalls } from './command_stats';
import { afterReply, countErrors, drainEffects, noteSlow } from './consequences';
import { ADMIT_HOLD, ADMIT_RUN, admitAtOnce, admitCommand, refreshGuards } from './dispatch';
import { dispatchPropagating } from './propagate_command';
import { afterTracked, noteReads } from './tracked_reads';
import { preserveFor } from './walk_guard';

/** A command that runs again by itself, and is held back by CLIENT PAUSE, is tried again so much later. */
const HELD_BACK_MS: i64 = 100;

/** Makes `c` the running client with these arguments. */
function become(c: Conn, count: u32, args: usize): void {
  setClient(c);
  selectDatabase(c.db);
  setTouchOnLookup((c.flags & CLIENT_NO_TOUCH) == 0);
  setArgs(count, args);
  abiSet(ABI_CURRENT_CONN, <u32>changetype<usize>(c));
  abiSet(ABI_ARGC, count);
  abiSet(ABI_ARGV, <u32>args);
}

// --- Serving ---

/** Serves everyone who can be, `c` being the client whose batch is under way. */
export function serveReady(c: Conn): void {
  const count = argc;
  const args = argv;
  const wasLost = outputLost;
  setOutputLost(false);
  refreshGuards();
  serveKeys();
  setOutputLost(wasLost);
  clearCommandErrors();
  become(c, count, args);
  abiSet(ABI_CMD_ID, c.lastCommand);
}

/** The same while no batch is under way. */
export function serveReadyAlone(): void {
  outputReset();
  refreshGuards();
  serveKeys();
}

/** CLIENT PAUSE has ended, or holds less back. */
export function serveHeld(): void {
  releaseHeld();
  serveReadyAlone();
}

function serveKeys(): void {
  for (let at = popReady(); at != 0; at = popReady()) {
    const q = changetype<KeyQueue>(at);
    serveKey(q);
    readyDone(q);
  }
}

function serveKey(q: KeyQueue): void {
  let waiter = firstWaiter(q);
  while (waiter != 0) {
    const kind = kindReady(q);
    // The rest of them go on waiting.
    if (kind == 0 && q.onNoKey == 0) return;
    const b = waiterBlocked(waiter);
    // Nobody comes or goes meanwhile but the client itself, which stands here only once.
    waiter = nextWaiter(waiter);
    if ((kind == b.kind || b.onNoKey != 0) && !tryRun(b, false)) hold(q);
  }
}

/** Runs a client's command again. False when CLIENT PAUSE holds it back. */
function tryRun(b: Blocked, isLast: bool): bool {
  const c = changetype<Conn>(b.conn);
  const id = c.lastCommand;
  become(c, b.argc, blockedArgv(b));
  abiSet(ABI_CMD_ID, id);
  const start = outputLen();
  clearCommandErrors();
  if (!admitAtOnce(id, argc)) {
    const admitted = admitCommand(id);
    if (admitted == ADMIT_HOLD) return false;
    if (admitted != ADMIT_RUN) {
      letGo(c, start);
      return true;
    }
  }
  const beganUs = clockUs();
  if (walking) preserveFor(id);
  beginReprocessing(isLast);
  if (propagating) dispatchPropagating(id, 0);
  else dispatchCommand(id);
  endReprocessing();
  b.usedUs += max(clockUs() - beganUs, 0.0);
  if (!blockedAgain) complete(c, b, start);
  drainEffects(changetype<usize>(c));
  return true;
}

/** The command has its reply, from `start` on: it was one call. */
function complete(c: Conn, b: Blocked, start: u32): void {
  const id = c.lastCommand;
  countErrors(id);
  countCalls(id, 1, b.usedUs);
  Stats.add(STAT_COMMANDS, 1);
  c.commands += 1;
  noteSlow(c, id, blockedArgv(b), b.argc, b.usedUs);
  if (c.flags & CLIENT_TRACKING) {
    noteReads(c, id, blockedArgv(b), b.argc);
    afterTracked(c);
  }
  letGo(c, start);
}

/** Ends the waiting, and sends what is written from `start` on. */
function letGo(c: Conn, start: u32): void {
  unblock(c);
  if (!outputLost) afterReply(c, start);
  const length = outputLen() - start;
  if (outputLost || (length > 0 && !tryPush(c, outputAt(start), length))) {
    c.flags |= CLIENT_CLOSE_ASAP;
    setOutputLost(false);
  }
  outputRewind(start);
  if (c.queryLen > 0 || (c.flags & CLIENT_CLOSE_ASAP) != 0) listUnblocked(c);
}

// --- Ends of waiting without a key ---

/** Something happened that a client with BLOCKED_OTHER waits for; no batch is under way. */
export function wake(c: Conn): void {
  outputReset();
  refreshGuards();
  if (c.blocked != 0) tryRun(changetype<Blocked>(c.blocked), false);
  serveKeys();
}

/** Answers as if the client's time were up. */
function timeOut(b: Blocked): void {
  const c = changetype<Conn>(b.conn);
  if (b.kind == BLOCKED_OTHER && tryRun(b, true)) return;
  become(c, b.argc, blockedArgv(b));
  const start = outputLen();
  clearCommandErrors();
  replyNullArray();
  complete(c, b, start);
}

/** Answers everyone whose time is up; no batch is under way. */
export function serveDeadlines(): void {
  outputReset();
  refreshGuards();
  for (let at = firstDeadline(); at != 0; at = firstDeadline()) {
    const b = changetype<Blocked>(at);
    if (b.deadlineMs >= nowMs) break;
    if (!onlyWakes(b, nowMs)) timeOut(b);
    else if (!tryRun(b, false)) rearm(b, nowMs + HELD_BACK_MS);
  }
  serveKeys();
}

/**
 * CLIENT UNBLOCK, from the host command of `by`: a client waits no longer, as if its time were up or
 * with an error. False when it does not wait.
 */
export function tryUnblock(by: Conn, c: Conn, withError: bool): bool {
  if (c.blocked == 0) return false;
  const count = argc;
  const args = argv;
  const b = changetype<Blocked>(c.blocked);
  if (withError) {
    become(c, b.argc, blockedArgv(b));
    const start = outputLen();
    clearCommandErrors();
    replyError('UNBLOCKED client unblocked via CLIENT UNBLOCK');
    complete(c, b, start);
  } else timeOut(b);
  clearCommandErrors();
  become(by, count, args);
  return true;
}
