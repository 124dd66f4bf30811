// Percentiles and cumulative counts out of the core's buckets.

import { describe, expect, it } from 'vitest';
import { LATENCY_BUCKETS } from '../../assembly/abi.ts';
import {
  bucketStart,
  cumulativeCounts,
  percentileName,
  valueAtPercentile,
} from '../../src/monitor/latency_histogram.ts';
import { Random } from '../support/random.ts';

/** The rule of abi.ts, written down again. */
function bucketOf(nanoseconds: number): number {
  if (nanoseconds < 1024) return Math.floor(nanoseconds / 64);
  const power = Math.floor(Math.log2(nanoseconds));
  const step = Math.floor(nanoseconds / 2 ** (power - 4)) & 15;
  return Math.min((power - 9) * 16 + step, LATENCY_BUCKETS - 1);
}

function histogram(durations: readonly number[]): number[] {
  const counts = new Array<number>(LATENCY_BUCKETS).fill(0);
  for (const duration of durations) counts[bucketOf(duration)]! += 1;
  return counts;
}

it('a bucket starts at the shortest duration the core puts into it', () => {
  for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
    expect(bucketOf(bucketStart(bucket))).toBe(bucket);
    if (bucket > 0) expect(bucketOf(bucketStart(bucket) - 1)).toBe(bucket - 1);
  }
});

describe('the value at a percentile', () => {
  it('is at most a sixteenth above the true one', () => {
    const random = Random.fresh();
    for (let round = 0; round < 50; round++) {
      const count = random.between(1, 300);
      const durations = Array.from({ length: count }, () =>
        Math.floor(2 ** (10 + (random.u32() / 2 ** 32) * 20)),
      ).sort((a, b) => a - b);
      for (const percentile of [1, 50, 90, 99, 99.9, 100]) {
        const rank = Math.max(Math.trunc((percentile / 100) * count + 0.5), 1);
        const exact = durations[rank - 1]!;
        const found = valueAtPercentile(histogram(durations), percentile);
        expect(found, `seed ${random.seed}`).toBeGreaterThanOrEqual(exact);
        expect(found, `seed ${random.seed}`).toBeLessThan(exact * (1 + 1 / 16));
      }
    }
  });

  it('is the lower end of the first bucket at 0', () => {
    expect(valueAtPercentile(histogram([2048, 5000]), 0)).toBe(2048);
    expect(valueAtPercentile(histogram([3]), 0)).toBe(1);
  });
});

describe('cumulative counts', () => {
  it('carry the labels of a live server', () => {
    const oneEach = Array.from({ length: 20 }, (_, i) => 1000 * 2 ** i);
    expect(cumulativeCounts(histogram(oneEach)).map(({ microseconds }) => microseconds)).toEqual([
      ...[1, 2, 4, 8, 16, 33, 66, 132, 264, 528, 1056, 2113, 4227, 8454, 16908, 33816, 67633],
      ...[135266, 270532, 541065],
    ]);
  });

  it('only list bounds that something was added below', () => {
    expect(cumulativeCounts(histogram([500, 600, 5000, 5100, 100_000]))).toEqual([
      { microseconds: 1, count: 2 },
      { microseconds: 8, count: 4 },
      { microseconds: 132, count: 5 },
    ]);
    expect(cumulativeCounts(histogram([]))).toEqual([]);
  });

  it('end with one bound for everything beyond half a second', () => {
    expect(cumulativeCounts(histogram([600e6, 1.2e9, 60e9]))).toEqual([
      { microseconds: 1073741, count: 3 },
    ]);
  });
});

it('percentiles are named without useless digits', () => {
  expect([0, 50, 99.9, 12.3456789, 100].map(percentileName)).toEqual([
    ...['0', '50', '99.9', '12.345679', '100'],
  ]);
});
