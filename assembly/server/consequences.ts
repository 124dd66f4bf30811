// What follows from a command's changes: everyone concerned is told, and what the client itself is
// told goes behind its reply.

import { notifyDrain } from '../client/notify';
import { trackingDrain } from '../client/tracking';
import { watchDrain } from '../client/watch';
import { effectsBytes, effectsClear, effectsLost } from '../keyspace/effects';
import { Conn, pushTaken } from '../resp/connection';
import { replyRaw } from '../resp/writer';

/**
 * Tells everyone concerned what a command, or background work, changed. `current` is the connection
 * whose command it was, 0 for background work.
 */
export function drainEffects(current: usize): void {
  if (effectsBytes() == 0 && !effectsLost) return;
  watchDrain();
  trackingDrain(current);
  notifyDrain();
  effectsClear();
}

/** Messages that a command sent to its own connection go into the output now. */
export function takeOwnPushes(c: Conn): void {
  replyRaw(c.push, c.pushLen);
  pushTaken(c);
}
