// What the core's latency histograms say: percentiles for INFO latencystats, cumulative counts for
// LATENCY HISTOGRAM.
//
//   bucket b < 16    durations of 64 b to 64 b + 63 ns
//   bucket b >= 16   sixteen per power of two: width 2^(m-4), m = b / 16 + 9
//
// Redis records into an HDR histogram of two significant digits, whose buckets are eight times finer;
// the figures here are the upper ends of coarser buckets, at most 6% above the true value. The bounds
// of LATENCY HISTOGRAM are powers of two in both, printed as the upper end of the HDR bucket that
// begins at the power, so the labels agree: 1, 2, 4, 8, 16, 33, 66 ... microseconds.

/** Buckets per power of two; below the first power all have its width. */
const STEPS = 16;
const FIRST_POWER = 9;
const LINEAR_WIDTH = 64;

/** Buckets of an HDR histogram of two digits per power of two. */
const HDR_STEPS = 128;
const FIRST_BOUND = 1024;
/** Redis takes longer durations for this one. */
const MAX_NANOSECONDS = 1e9;
/** The upper end of its histogram: the label of all that is beyond the last power below that. */
const LAST_LABEL = Math.trunc((2 ** 30 - 1) / 1000);

/** One line of a cumulative distribution: `count` runs took at most about `microseconds`. */
export interface CumulativeCount {
  readonly microseconds: number;
  readonly count: number;
}

/** The shortest duration of a bucket, in nanoseconds. */
export function bucketStart(bucket: number): number {
  if (bucket < STEPS) return bucket * LINEAR_WIDTH;
  const power = Math.floor(bucket / STEPS) + FIRST_POWER;
  return 2 ** power + (bucket % STEPS) * 2 ** (power - 4);
}

function bucketEnd(bucket: number): number {
  return bucketStart(bucket + 1) - 1;
}

export function totalCount(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The duration, in nanoseconds, that `percentile` percent of the runs did not exceed. */
export function valueAtPercentile(counts: readonly number[], percentile: number): number {
  const share = Math.min(percentile, 100) / 100;
  const wanted = Math.max(Math.trunc(share * totalCount(counts) + 0.5), 1);
  let seen = 0;
  for (const [bucket, count] of counts.entries()) {
    seen += count;
    if (seen < wanted) continue;
    return percentile === 0 ? Math.max(bucketStart(bucket), 1) : bucketEnd(bucket);
  }
  return 0;
}

/** Counts up to each power of two, in microseconds; a bound is left out where nothing was added. */
export function cumulativeCounts(counts: readonly number[]): CumulativeCount[] {
  const result: CumulativeCount[] = [];
  const total = totalCount(counts);
  let bound = FIRST_BOUND;
  let seen = 0;
  let reported = 0;
  for (const [bucket, count] of counts.entries()) {
    if (bucketStart(bucket) > MAX_NANOSECONDS) break;
    while (bucketStart(bucket) >= bound) {
      if (seen > reported) result.push({ microseconds: boundLabel(bound), count: seen });
      reported = seen;
      bound *= 2;
    }
    seen += count;
  }
  if (total > reported) result.push({ microseconds: LAST_LABEL, count: total });
  return result;
}

function boundLabel(bound: number): number {
  return Math.trunc((bound + bound / HDR_STEPS - 1) / 1000);
}

/** A percentile as INFO names it: "50", "99.9", at most six decimals. */
export function percentileName(percentile: number): string {
  return String(Number(percentile.toFixed(6)));
}
