import { describe, expect, test } from 'vitest';
import {
  DurationHistogram,
  expectedDistinct,
  formatNumber,
  formatRate,
  formatRatio,
  formatSeconds,
  isPlausibleCount,
  median,
  ratioToBest,
  spread,
} from '../../bench/lib/stats.ts';

describe('median', () => {
  test('is the middle value whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([7])).toBe(7);
  });

  test('is the mean of the two middle values of an even count', () => {
    expect(median([4, 1, 3, 100])).toBe(3.5);
  });

  test('of nothing is no number', () => {
    expect(median([])).toBeNaN();
  });

  test('leaves its input as it was', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

test('spread is the largest distance from the median, as a share of it', () => {
  expect(spread([90, 100, 130])).toBeCloseTo(0.3);
  expect(spread([100])).toBe(0);
  expect(spread([0, 0])).toBeNaN();
});

describe('ratioToBest', () => {
  test('compares with the fastest baseline', () => {
    expect(ratioToBest(300, [100, 200])).toBe(1.5);
  });

  test('is no number without a baseline or with one that did nothing', () => {
    expect(ratioToBest(300, [])).toBeNaN();
    expect(ratioToBest(300, [0])).toBeNaN();
    expect(ratioToBest(300, [Number.NaN, 100])).toBeNaN();
  });
});

describe('expectedDistinct', () => {
  test('is exact for one draw and for a population of one', () => {
    expect(expectedDistinct(1000, 1)).toBeCloseTo(1);
    expect(expectedDistinct(1, 5)).toBe(1);
    expect(expectedDistinct(0, 5)).toBe(0);
  });

  test('is about 63% of the population when as many are drawn', () => {
    expect(expectedDistinct(1_000_000, 1_000_000)).toBeCloseTo(632_121, -1);
  });

  test('agrees with counting', () => {
    const seen = new Set<number>();
    let state = 12_345;
    for (let draw = 0; draw < 5000; draw++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      seen.add(Math.floor((state / 2 ** 32) * 2000));
    }
    expect(isPlausibleCount(seen.size, expectedDistinct(2000, 5000))).toBe(true);
  });
});

describe('isPlausibleCount', () => {
  test('accepts what chance does and refuses what it does not', () => {
    expect(isPlausibleCount(10_000, 10_000)).toBe(true);
    expect(isPlausibleCount(10_500, 10_000)).toBe(true);
    expect(isPlausibleCount(10_700, 10_000)).toBe(false);
    expect(isPlausibleCount(9_300, 10_000)).toBe(false);
  });

  test('takes nothing for nothing, and not much for nothing', () => {
    expect(isPlausibleCount(0, 0)).toBe(true);
    expect(isPlausibleCount(3, 0)).toBe(false);
    expect(isPlausibleCount(0, 100)).toBe(false);
  });

  test('refuses what is no number', () => {
    expect(isPlausibleCount(Number.NaN, 10)).toBe(false);
  });
});

describe('DurationHistogram', () => {
  test('knows the exact maximum and percentiles within a sixteenth of an octave', () => {
    const histogram = new DurationHistogram();
    for (let micros = 1; micros <= 1000; micros++) histogram.record(micros);
    expect(histogram.count).toBe(1000);
    expect(histogram.maxMicros).toBe(1000);
    for (const share of [0.5, 0.99, 0.999]) {
      const value = histogram.percentileMicros(share);
      expect(value).toBeGreaterThanOrEqual(share * 1000);
      expect(value).toBeLessThanOrEqual(share * 1000 * 2 ** (1 / 16));
    }
    expect(histogram.percentileMicros(1)).toBe(1000);
  });

  test('of nothing has no durations', () => {
    const histogram = new DurationHistogram();
    expect(histogram.percentileMicros(0.5)).toBe(0);
    expect(histogram.maxMicros).toBe(0);
  });

  test('takes durations below its first and beyond its last step', () => {
    const histogram = new DurationHistogram();
    histogram.record(0);
    histogram.record(1e15);
    expect(histogram.percentileMicros(0.5)).toBe(1);
    expect(histogram.maxMicros).toBe(1e15);
    expect(histogram.percentileMicros(1)).toBeLessThanOrEqual(1e15);
  });
});

test('rates, ratios and times are printed short', () => {
  expect(
    [0, 999.4, 999.6, 65_432, 99_949, 99_951, 999_499, 999_500, 3_090_000].map(formatRate),
  ).toEqual(['0', '999', '1.0k', '65.4k', '99.9k', '100k', '999k', '1.00M', '3.09M']);
  expect(formatRate(Number.NaN)).toBe('-');
  expect(formatRatio(2.846)).toBe('2.85x');
  expect(formatRatio(Number.NaN)).toBe('-');
  expect(formatNumber(null, 2)).toBe('-');
  expect(formatNumber(1.005, 1)).toBe('1.0');
  expect([0, 9.4, 65, 3725].map(formatSeconds)).toEqual(['0s', '9s', '1m05s', '1h02m']);
});
