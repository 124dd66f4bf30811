// What follows a command that ran, whoever ran it: monitors, effects, CLIENT REPLY, slow log. What the
// client itself is told goes behind its reply.

import {
  CFG_LATENCY_THRESHOLD_MS,
  CLIENT_BLOCKED,
  CLIENT_REPLY_OFF,
  CLIENT_REPLY_SKIP,
  CLIENT_REPLY_SKIP_NEXT,
  CMD_ADMIN,
  CMD_FAST,
  CMD_SKIP_MONITOR,
  CMD_SKIP_SLOWLOG,
  EVENT_LATENCY,
  LATENCY_EVENT_COMMAND,
  LATENCY_EVENT_FAST_COMMAND,
} from '../abi';
import { blockedDrain } from '../client/blocked';
import { monitorCount, monitorFeed } from '../client/monitor';
import { notifyDrain } from '../client/notify';
import { slowlogPushIfNeeded } from '../client/slowlog';
import { trackingDrain } from '../client/tracking';
import { watchDrain } from '../client/watch';
import {
  CMD_ID_PSUBSCRIBE,
  CMD_ID_PUNSUBSCRIBE,
  CMD_ID_SSUBSCRIBE,
  CMD_ID_SUBSCRIBE,
  CMD_ID_SUNSUBSCRIBE,
  CMD_ID_UNSUBSCRIBE,
} from '../generated/command_table';
import { clockUs } from '../keyspace/clock';
import { effectsBytes, effectsClear, effectsLost } from '../keyspace/effects';
import { Settings } from '../keyspace/settings';
import { Conn, pushTaken } from '../resp/connection';
import { clearCommandErrors, commandErrors } from '../resp/errors';
import { outputRewind, replyRaw } from '../resp/writer';
import { commandFlags } from './command_lookup';
import { countFailed } from './command_stats';
import { pushEvent } from './events';

export const REPLY_MODES: u32 = CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP | CLIENT_REPLY_SKIP_NEXT;
/** Modes in which the reply at hand is taken back. */
export const SILENT: u32 = CLIENT_REPLY_OFF | CLIENT_REPLY_SKIP;

/** A command that replied with an error failed. */
export function countErrors(id: u32): void {
  if (commandErrors == 0) return;
  countFailed(id);
  clearCommandErrors();
}

/**
 * Shows monitors a command that ran. Only then: SELECT shows the database it chose, and secrets have
 * been blacked out. `batchStartUs`: when the batch began, 0 if that is not known.
 */
export function feedMonitors(c: Conn, id: u32, args: usize, count: u32, batchStartUs: f64): void {
  if (monitorCount == 0 || (commandFlags(id) & (CMD_SKIP_MONITOR | CMD_ADMIN)) != 0) return;
  monitorFeed(c, args, count, batchStartUs == 0 ? 0 : clockUs() - batchStartUs);
}

/**
 * Tells everyone concerned what a command, or background work, changed. `current` is the connection
 * whose command it was, 0 for background work.
 */
export function drainEffects(current: usize): void {
  if (effectsBytes() == 0 && !effectsLost) return;
  watchDrain();
  trackingDrain(current);
  blockedDrain();
  notifyDrain();
  effectsClear();
}

/** Messages that a command sent to its own connection go into the output now. */
export function takeOwnPushes(c: Conn): void {
  replyRaw(c.push, c.pushLen);
  pushTaken(c);
}

/**
 * CLIENT REPLY OFF and SKIP take the reply back, which begins at `start`. A client that waits has none
 * yet.
 */
export function afterReply(c: Conn, start: u32): void {
  const mode = c.flags & REPLY_MODES;
  if (mode == 0 || (c.flags & CLIENT_BLOCKED) != 0) return;
  if (mode & SILENT && !confirmsByPush(c.lastCommand)) outputRewind(start);
  c.flags &= ~CLIENT_REPLY_SKIP;
  if (mode & CLIENT_REPLY_SKIP_NEXT) {
    c.flags = (c.flags & ~CLIENT_REPLY_SKIP_NEXT) | CLIENT_REPLY_SKIP;
  }
}

/** Confirmations of subscriptions are messages, which CLIENT REPLY does not silence. */
function confirmsByPush(id: u32): bool {
  return (
    id == CMD_ID_SUBSCRIBE ||
    id == CMD_ID_UNSUBSCRIBE ||
    id == CMD_ID_PSUBSCRIBE ||
    id == CMD_ID_PUNSUBSCRIBE ||
    id == CMD_ID_SSUBSCRIBE ||
    id == CMD_ID_SUNSUBSCRIBE
  );
}

/** Tells the slow log and the latency monitor of a command that may concern them. */
export function noteSlow(c: Conn, id: u32, args: usize, count: u32, durationUs: f64): void {
  const flags = commandFlags(id);
  if ((flags & CMD_SKIP_SLOWLOG) == 0) slowlogPushIfNeeded(c, args, count, durationUs);
  const latencyMs = Settings.get(CFG_LATENCY_THRESHOLD_MS);
  if (latencyMs > 0 && durationUs >= <f64>latencyMs * 1000.0) {
    const kind = flags & CMD_FAST ? LATENCY_EVENT_FAST_COMMAND : LATENCY_EVENT_COMMAND;
    pushEvent(EVENT_LATENCY, kind, durationUs / 1000.0);
  }
}
