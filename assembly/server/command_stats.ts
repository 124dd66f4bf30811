// Calls, time and failures per command: what commandstats and latencystats report.
//
// Durations come from the host's clock, read once per group of commands and once more around every
// command that may take long (CMD_TIMED); the commands of a group that are not timed alone share the
// rest of its time evenly. A group of one, the usual case without pipelining, is exact.

import {
  CFG_LATENCY_TRACKING,
  CMDSTAT_BYTES,
  CMDSTAT_CALLS,
  CMDSTAT_FAILED,
  CMDSTAT_HISTOGRAM,
  CMDSTAT_REJECTED,
  CMDSTAT_USEC,
  LATENCY_BUCKETS,
} from '../abi';
import { COMMAND_COUNT } from '../generated/command_table';
import { Settings } from '../keyspace/settings';
import { alloc, free, tryAlloc } from '../memory/alloc';

export let commandStats: usize = 0;

export function commandStatsInit(): void {
  const bytes = COMMAND_COUNT * CMDSTAT_BYTES;
  commandStats = alloc(bytes);
  memory.fill(commandStats, 0, bytes);
}

export function resetCommandStats(): void {
  for (let id: u32 = 0; id < COMMAND_COUNT; id++) {
    const histogram: usize = load<u32>(commandStats + id * CMDSTAT_BYTES, CMDSTAT_HISTOGRAM);
    if (histogram != 0) free(histogram);
  }
  memory.fill(commandStats, 0, COMMAND_COUNT * CMDSTAT_BYTES);
}

/** Forgets one command's latency histogram. */
export function resetHistogram(id: u32): void {
  const at = commandStats + id * CMDSTAT_BYTES;
  const histogram: usize = load<u32>(at, CMDSTAT_HISTOGRAM);
  if (histogram != 0) free(histogram);
  store<u32>(at, 0, CMDSTAT_HISTOGRAM);
}

function bump(id: u32, field: usize): void {
  const at = commandStats + id * CMDSTAT_BYTES + field;
  store<u64>(at, load<u64>(at) + 1);
}

/** A command that dispatch refused to run. */
export function countRejected(id: u32): void {
  bump(id, CMDSTAT_REJECTED);
}

/** A command that ran and answered with an error. */
export function countFailed(id: u32): void {
  bump(id, CMDSTAT_FAILED);
}

/** Index of the histogram bucket of a duration: see LATENCY_BUCKETS in abi.ts. */
function bucketOf(nanoseconds: u64): u32 {
  if (nanoseconds < 1024) return <u32>(nanoseconds >> 6);
  const msb = 63 - clz(nanoseconds);
  const bucket = (<u32>msb - 9) * 16 + (<u32>(nanoseconds >> (msb - 4)) & 15);
  return min(bucket, LATENCY_BUCKETS - 1);
}

/** Counts `calls` runs of a command that took `microseconds` each. */
export function countCalls(id: u32, calls: u32, microseconds: f64): void {
  const at = commandStats + id * CMDSTAT_BYTES;
  store<u64>(at, load<u64>(at, CMDSTAT_CALLS) + calls, CMDSTAT_CALLS);
  store<f64>(at, load<f64>(at, CMDSTAT_USEC) + microseconds * <f64>calls, CMDSTAT_USEC);
  if (!Settings.on(CFG_LATENCY_TRACKING)) return;
  let histogram: usize = load<u32>(at, CMDSTAT_HISTOGRAM);
  if (histogram == 0) {
    histogram = tryAlloc(LATENCY_BUCKETS * 8);
    if (histogram == 0) return;
    memory.fill(histogram, 0, LATENCY_BUCKETS * 8);
    store<u32>(at, <u32>histogram, CMDSTAT_HISTOGRAM);
  }
  const bucket = histogram + (bucketOf(<u64>max(microseconds * 1000.0, 0.0)) << 3);
  store<u64>(bucket, load<u64>(bucket) + calls);
}
