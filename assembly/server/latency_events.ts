// Latency samples for the host's latency monitor: work that took at least the threshold.

import {
  CFG_LATENCY_THRESHOLD_MS,
  EVENT_LATENCY,
  LATENCY_EVENT_EVICTION_CYCLE,
  LATENCY_EVENT_EXPIRE_CYCLE,
} from '../abi';
import { clockUs } from '../keyspace/clock';
import { evictionPending, tryFreeMemoryForWrite } from '../keyspace/evict';
import { expireStep } from '../keyspace/expire_cycle';
import { fieldExpireStep } from '../keyspace/field_expiry_cycle';
import { Settings } from '../keyspace/settings';
import { pushEvent } from './events';

const US_PER_MS: f64 = 1000;

/** Records work that began at `beganUs`, if it took long enough and somebody wants to know. */
function recordSince(kind: u32, beganUs: f64): void {
  const threshold = <f64>Settings.get(CFG_LATENCY_THRESHOLD_MS);
  const milliseconds = (clockUs() - beganUs) / US_PER_MS;
  if (threshold > 0 && milliseconds >= threshold) pushEvent(EVENT_LATENCY, kind, milliseconds);
}

/** As `tryFreeMemoryForWrite`; the clock is only read when there is something to evict. */
export function tryFreeMemoryTimed(): bool {
  if (!Settings.on(CFG_LATENCY_THRESHOLD_MS) || !evictionPending()) return tryFreeMemoryForWrite();
  const beganUs = clockUs();
  const isUnder = tryFreeMemoryForWrite();
  recordSince(LATENCY_EVENT_EVICTION_CYCLE, beganUs);
  return isUnder;
}

/** Both cycles of expiry, of keys and of fields; returns as they do. */
export function expireStepTimed(deadlineUs: f64): bool {
  const beganUs = clockUs();
  // Half of the time, so that keys get theirs when many fields are due.
  const fieldsLeft = fieldExpireStep(beganUs + (deadlineUs - beganUs) / 2);
  const more = expireStep(deadlineUs) || fieldsLeft;
  recordSince(LATENCY_EVENT_EXPIRE_CYCLE, beganUs);
  return more;
}
