// How fast the engine is in this tab: one command after the other, in batches of several sizes.
//
// It runs in a store of its own, in memory, so that no data are touched and no journal is measured. A measurement
// is made of slices of some milliseconds, between which the page lives on; only the slices count.

import type { CommandArg } from '../../embedded/reply.ts';
import type { Store } from '../store.ts';
import { pageTurn } from '../ui/turns.ts';

export interface Workload {
  readonly name: string;
  /** Commands that make what it needs. */
  readonly prepare?: readonly (readonly CommandArg[])[];
  /** The n-th command. */
  command(n: number): readonly CommandArg[];
}

export const BATCH_SIZES = [1, 16, 64, 256] as const;
const KEYS = 10_000;
const VALUE = 'x'.repeat(32);
/** The list that is popped from is kept long enough. */
const LIST_ITEMS = 1000;

const key = (n: number) => `key:${String((n * 7919) % KEYS).padStart(6, '0')}`;

export const WORKLOADS: readonly Workload[] = [
  { name: 'PING', command: () => ['PING'] },
  { name: 'SET', command: (n) => ['SET', key(n), VALUE] },
  {
    name: 'GET',
    prepare: Array.from({ length: KEYS }, (_, n) => ['SET', key(n), VALUE]),
    command: (n) => ['GET', key(n)],
  },
  { name: 'INCR', command: () => ['INCR', 'counter'] },
  {
    name: 'LPUSH + LPOP',
    prepare: [['RPUSH', 'list', ...new Array<string>(LIST_ITEMS).fill(VALUE)]],
    command: (n) => (n % 2 === 0 ? ['LPUSH', 'list', VALUE] : ['LPOP', 'list']),
  },
  { name: 'SADD', command: (n) => ['SADD', 'set', `member:${(n * 7919) % KEYS}`] },
  { name: 'HSET', command: (n) => ['HSET', `hash:${n % 100}`, `field:${n % 100}`, VALUE] },
  { name: 'ZADD', command: (n) => ['ZADD', 'zset', n % 1000, `member:${(n * 7919) % KEYS}`] },
  {
    name: 'LRANGE 100',
    prepare: [['RPUSH', 'long', ...new Array<string>(LIST_ITEMS).fill(VALUE)]],
    command: () => ['LRANGE', 'long', 0, 99],
  },
];

export interface Measurement {
  readonly workload: string;
  readonly batch: number;
  readonly operationsPerSecond: number;
  /** Median time of a batch. */
  readonly medianUs: number;
}

export interface BenchmarkOptions {
  readonly workloads: readonly string[];
  readonly batches: readonly number[];
  /** Measured time of each workload with each batch size. */
  readonly durationMs: number;
  readonly signal: AbortSignal;
  onMeasurement(measurement: Measurement): void;
  /** Between 0 and 1. */
  onProgress(share: number, label: string): void;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
  /** Lets the page have its turn. */
  readonly rest?: () => Promise<void>;
}

const SLICE_MS = 12;

export async function runBenchmark(store: Store, options: BenchmarkOptions): Promise<void> {
  const chosen = WORKLOADS.filter(({ name }) => options.workloads.includes(name));
  const total = chosen.length * options.batches.length;
  let done = 0;
  for (const workload of chosen) {
    for (const batch of options.batches) {
      if (options.signal.aborted) return;
      options.onProgress(done / total, `${workload.name}, ${batch} at a time`);
      const measurement = await measure(store, workload, batch, options);
      if (measurement !== undefined) options.onMeasurement(measurement);
      done += 1;
    }
  }
  options.onProgress(1, '');
}

async function measure(
  store: Store,
  workload: Workload,
  batch: number,
  options: BenchmarkOptions,
): Promise<Measurement | undefined> {
  const { now = () => performance.now(), rest = pageTurn, durationMs, signal } = options;
  await store.command('FLUSHALL');
  if (workload.prepare !== undefined) await store.batch(workload.prepare);
  // Made before, so that it is the store that is measured.
  const rounds = Math.max(1, Math.ceil(1024 / batch));
  const batches = Array.from({ length: rounds }, (_, round) =>
    Array.from({ length: batch }, (_, i) => workload.command(round * batch + i)),
  );
  const times: number[] = [];
  let spentMs = 0;
  let operations = 0;
  let round = 0;
  while (spentMs < durationMs) {
    if (signal.aborted) return undefined;
    const begin = now();
    let at = begin;
    do {
      const commands = batches[round % rounds]!;
      round += 1;
      if (batch === 1) {
        const [name, ...args] = commands[0]!;
        await store.command(name as string, ...args);
      } else {
        await store.batch(commands);
      }
      const end = now();
      times.push(end - at);
      at = end;
      operations += batch;
    } while (at - begin < SLICE_MS);
    spentMs += at - begin;
    await rest();
  }
  times.sort((a, b) => a - b);
  return {
    workload: workload.name,
    batch,
    operationsPerSecond: (operations / spentMs) * 1000,
    medianUs: (times[times.length >> 1] ?? 0) * 1000,
  };
}
