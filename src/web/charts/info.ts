// INFO read, and what it says over time.

export type Info = ReadonlyMap<string, string>;

export function parseInfo(text: string): Info {
  const fields = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

export function numberIn(info: Info, field: string): number {
  const value = Number(info.get(field));
  return Number.isFinite(value) ? value : 0;
}

/** The databases that have keys, with how many. */
export function databasesIn(info: Info): Map<number, number> {
  const databases = new Map<number, number>();
  for (const [field, value] of info) {
    const database = /^db(\d+)$/.exec(field)?.[1];
    const keys = /\bkeys=(\d+)/.exec(value)?.[1];
    if (database !== undefined) databases.set(Number(database), Number(keys ?? 0));
  }
  return databases;
}

/** Keys of all databases. */
export function keysIn(info: Info): number {
  return [...databasesIn(info).values()].reduce((sum, keys) => sum + keys, 0);
}

export interface Sample {
  readonly atMs: number;
  readonly operationsPerSecond: number;
  readonly memoryBytes: number;
  readonly peakMemoryBytes: number;
  /** Share of reads that found their key, 0 to 100; null when nothing was read. */
  readonly hitPercent: number | null;
  readonly keys: number;
  readonly expiredPerSecond: number;
}

/**
 * Makes samples of consecutive INFO texts, and keeps those of the last `windowMs`. Counters that were set back
 * count from 0.
 */
export class Sampler {
  private last: { atMs: number; info: Info } | undefined;
  private readonly windowMs: number;
  readonly samples: Sample[] = [];

  constructor(windowMs: number) {
    this.windowMs = windowMs;
  }

  /** `own` operations since the last text were INFO itself: they are not counted. */
  add(text: string, atMs: number, own: number): void {
    const info = parseInfo(text);
    const { last } = this;
    this.last = { atMs, info };
    if (last === undefined || atMs <= last.atMs) return;
    const seconds = (atMs - last.atMs) / 1000;
    const grown = (field: string) => {
      const now = numberIn(info, field);
      const before = numberIn(last.info, field);
      return now >= before ? now - before : now;
    };
    const hits = grown('keyspace_hits');
    const reads = hits + grown('keyspace_misses');
    this.samples.push({
      atMs,
      operationsPerSecond: Math.max(0, grown('total_commands_processed') - own) / seconds,
      memoryBytes: numberIn(info, 'used_memory'),
      peakMemoryBytes: numberIn(info, 'used_memory_peak'),
      hitPercent: reads === 0 ? null : (100 * hits) / reads,
      keys: keysIn(info),
      expiredPerSecond: grown('expired_keys') / seconds,
    });
    while (this.samples[0]!.atMs <= atMs - this.windowMs) this.samples.shift();
  }
}
