// The 24 bits of every entry that tell how recently or how often it is used.
//
//   LRU   seconds modulo 2^24 of the last access
//   LFU   bits 8..23 minutes modulo 2^16 of the last decrement, bits 0..7 logarithmic counter
//
// Which one it is follows from maxmemory-policy; as in Redis, changing the policy reinterprets the
// bits of entries that are not touched afterwards. The counter's growth and decay are those of
// Redis: it grows with probability 1 / ((counter - 5) * lfu-log-factor + 1), and loses one for every
// lfu-decay-time minutes.

import {
  CFG_LFU_DECAY_MINUTES,
  CFG_LFU_LOG_FACTOR,
  CFG_MAXMEMORY_POLICY,
  POLICY_ALLKEYS_LFU,
  POLICY_VOLATILE_LFU,
} from '../abi';
import { randomF64 } from '../util/prng';
import { nowMs, nowSeconds } from './clock';
import { Entry, EntryPtr } from './entry';
import { Settings } from './settings';

const LFU_INIT: u32 = 5;
const LRU_MASK: i64 = 0xffffff;
const MINUTES_MASK: u32 = 0xffff;

export function policyIsLfu(): bool {
  const policy = Settings.get(CFG_MAXMEMORY_POLICY);
  return policy == POLICY_ALLKEYS_LFU || policy == POLICY_VOLATILE_LFU;
}

export function lruClock(): u32 {
  return <u32>(nowSeconds & LRU_MASK);
}

function minutesNow(): u32 {
  return <u32>(nowMs / 60000) & MINUTES_MASK;
}

/** The clock of an entry that is created now. */
export function initialClock(): u32 {
  return policyIsLfu() ? (minutesNow() << 8) | LFU_INIT : lruClock();
}

/** The clock of an entry that counts as used now and so often, under an LFU policy. */
function withFrequency(counter: u32): u32 {
  return (minutesNow() << 8) | counter;
}

/**
 * The clock of an entry that was used so many seconds ago, or so often, as far as the policy makes use
 * of it; negative figures are unknown.
 */
export function pastClock(idle: i64, frequency: i64): u32 {
  if (policyIsLfu()) return frequency >= 0 ? withFrequency(<u32>frequency) : initialClock();
  if (idle < 0) return initialClock();
  // Redis's arithmetic, which also for absurd idle times gives the same.
  const at = <i64>lruClock() - (idle * 1000) / 1000;
  return <u32>(at < 0 ? at + LRU_MASK : at) & <u32>LRU_MASK;
}

/** Seconds since the last access; only meaningful under an LRU policy. */
export function idleSeconds(e: EntryPtr): u32 {
  return (lruClock() - Entry.clock(e)) & <u32>LRU_MASK;
}

/** The LFU counter after decay; the entry is not changed. */
export function lfuCounter(e: EntryPtr): u32 {
  const clock = Entry.clock(e);
  const counter = clock & 255;
  const decayMinutes = <u32>Settings.get(CFG_LFU_DECAY_MINUTES);
  if (decayMinutes == 0) return counter;
  const periods = ((minutesNow() - (clock >> 8)) & MINUTES_MASK) / decayMinutes;
  return periods > counter ? 0 : counter - periods;
}

/** Records an access. */
export function touchEntry(e: EntryPtr): void {
  if (!policyIsLfu()) {
    // Within a second nothing changes, and a line that is only read need not be written back.
    if (Entry.clock(e) != lruClock()) Entry.setClock(e, lruClock());
    return;
  }
  let counter = lfuCounter(e);
  if (counter < 255) {
    const base = <f64>max(<i32>counter - <i32>LFU_INIT, 0);
    if (randomF64() < 1.0 / (base * <f64>Settings.get(CFG_LFU_LOG_FACTOR) + 1.0)) counter += 1;
  }
  Entry.setClock(e, (minutesNow() << 8) | counter);
}
