// Rare things the host has to hear of, queued until the call returns: latency samples.
//
// A bounded ring of EVENT_BYTES records; when the host does not keep up, further events are dropped
// rather than memory taken.

import { ABI_EVENTS, ABI_EVENTS_PTR, EVENT_A, EVENT_B, EVENT_BYTES, EVENT_KIND } from '../abi';
import { abiSet } from './abi_block';

const MAX_EVENTS: u32 = 64;
const events: usize = memory.data(2048, 8);
let count: u32 = 0;

export function eventsInit(): void {
  abiSet(ABI_EVENTS_PTR, <u32>events);
}

export function pushEvent(kind: u32, a: u32, b: f64): void {
  if (count == MAX_EVENTS) return;
  const at = events + count * EVENT_BYTES;
  store<u32>(at, kind, EVENT_KIND);
  store<u32>(at, a, EVENT_A);
  store<f64>(at, b, EVENT_B);
  count += 1;
  abiSet(ABI_EVENTS, count);
}

/** The host has read them. */
export function eventsTaken(): void {
  count = 0;
  abiSet(ABI_EVENTS, 0);
}
