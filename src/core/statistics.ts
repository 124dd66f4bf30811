// The figures the core keeps, read out of linear memory: per command, per error code, and the events
// it left for the host. Nothing here changes them, but for `takeEvents` and `resetStatistics`.

import * as abi from '../../assembly/abi.ts';
import type { Core } from './core.ts';

export interface CommandStatistics {
  readonly calls: number;
  readonly microseconds: number;
  /** Refused before they ran: wrong arity, no memory, no permission. */
  readonly rejected: number;
  /** Ran and answered with an error. */
  readonly failed: number;
}

export interface ErrorStatistics {
  /** Code word of the error replies, "ERR". */
  readonly code: string;
  readonly count: number;
}

export interface LatencyEvent {
  /** LATENCY_EVENT_*. */
  readonly kind: number;
  readonly milliseconds: number;
}

/** Words of the statistics block that CONFIG RESETSTAT clears. */
const RESETTABLE = [
  abi.STAT_COMMANDS,
  abi.STAT_KEYSPACE_HITS,
  abi.STAT_KEYSPACE_MISSES,
  abi.STAT_EXPIRED_KEYS,
  abi.STAT_EVICTED_KEYS,
  abi.STAT_ERROR_REPLIES,
  abi.STAT_EXPIRED_STALE_PERCENT,
  abi.STAT_EXPIRE_CYCLE_US,
  abi.STAT_EXPIRED_TIME_CAP,
  abi.STAT_LAZYFREED,
  abi.STAT_UNEXPECTED_ERRORS,
  abi.STAT_QUERYBUF_DISCONNECTS,
  abi.STAT_EVICT_EXCEEDED_US,
  abi.STAT_EVICTION_STARTED_US,
  abi.STAT_EXPIRED_SUBKEYS,
];

/** 64-bit counters stay far below the limit of exact numbers. */
function counter(data: DataView, at: number): number {
  return Number(data.getBigUint64(at, true));
}

function commandRecord(core: Core, id: number): number {
  return core.word(abi.ABI_CMD_STATS) + id * abi.CMDSTAT_BYTES;
}

export function commandStatistics(core: Core, id: number): CommandStatistics {
  const at = commandRecord(core, id);
  const { data } = core;
  return {
    calls: counter(data, at + abi.CMDSTAT_CALLS),
    microseconds: data.getFloat64(at + abi.CMDSTAT_USEC, true),
    rejected: counter(data, at + abi.CMDSTAT_REJECTED),
    failed: counter(data, at + abi.CMDSTAT_FAILED),
  };
}

/** Counters of a command's latency histogram by bucket, or undefined when nothing was timed. */
export function latencyCounts(core: Core, id: number): number[] | undefined {
  const { data } = core;
  const at = data.getUint32(commandRecord(core, id) + abi.CMDSTAT_HISTOGRAM, true);
  if (at === 0) return undefined;
  return Array.from({ length: abi.LATENCY_BUCKETS }, (_, i) => counter(data, at + i * 8));
}

/** Error codes that were sent, in the order of their bytes. */
export function errorStatistics(core: Core): ErrorStatistics[] {
  const { data } = core;
  const found: ErrorStatistics[] = [];
  for (let i = 0; i < abi.ERRSTAT_SLOTS; i++) {
    const at = core.word(abi.ABI_ERROR_STATS) + i * abi.ERRSTAT_BYTES;
    const count = counter(data, at + abi.ERRSTAT_COUNT);
    if (count === 0) continue;
    const length = data.getUint32(at + abi.ERRSTAT_NAME_LEN, true);
    found.push({ code: core.copy(at + abi.ERRSTAT_NAME, length).toString('latin1'), count });
  }
  return found.sort((a, b) => (a.code < b.code ? -1 : 1));
}

/** Takes the latency events that the core queued since the last call. */
export function takeLatencyEvents(core: Core): LatencyEvent[] {
  const count = core.word(abi.ABI_EVENTS);
  if (count === 0) return [];
  const { data } = core;
  const events: LatencyEvent[] = [];
  for (let i = 0; i < count; i++) {
    const at = core.word(abi.ABI_EVENTS_PTR) + i * abi.EVENT_BYTES;
    if (data.getUint32(at + abi.EVENT_KIND, true) !== abi.EVENT_LATENCY) continue;
    events.push({
      kind: data.getUint32(at + abi.EVENT_A, true),
      milliseconds: data.getFloat64(at + abi.EVENT_B, true),
    });
  }
  core.exports.eventsTaken();
  return events;
}

/** What CONFIG RESETSTAT does in the core. */
export function resetStatistics(core: Core): void {
  for (const word of RESETTABLE) core.setStat(word, 0);
  core.exports.resetStats();
}
