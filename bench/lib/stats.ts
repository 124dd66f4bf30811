// Figures drawn from samples, and how they are printed. Pure functions.

/** Middle value; the mean of the two middle ones for an even count. NaN for no values. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle]!;
  return sorted.length % 2 === 1 ? upper : (sorted[middle - 1]! + upper) / 2;
}

/** Largest distance of a value from the median, as a share of the median: the spread of rounds. */
export function spread(values: readonly number[]): number {
  const middle = median(values);
  if (!(middle > 0)) return Number.NaN;
  return Math.max(...values.map((value) => Math.abs(value - middle))) / middle;
}

/** `candidate` over the best (largest) of `baselines`; NaN when there is none. */
export function ratioToBest(candidate: number, baselines: readonly number[]): number {
  const best = Math.max(...baselines);
  return best > 0 && Number.isFinite(best) ? candidate / best : Number.NaN;
}

/** Expected count of distinct values among `draws` uniform draws out of `population`. */
export function expectedDistinct(population: number, draws: number): number {
  if (population <= 0) return 0;
  return population * -Math.expm1(draws * Math.log1p(-1 / population));
}

/**
 * Whether a count of random events can be `observed` where `expected` is its mean. Six standard
 * deviations of a Poisson count (never less than a binomial's or an occupancy count's) plus two,
 * so that a right result is refused less than once in a hundred million.
 */
export function isPlausibleCount(observed: number, expected: number): boolean {
  return Math.abs(observed - expected) <= 6 * Math.sqrt(Math.max(expected, 0)) + 2;
}

/** Histogram of microsecond durations in logarithmic steps of 1/16 octave, plus the exact maximum. */
export class DurationHistogram {
  private static readonly STEPS_PER_OCTAVE = 16;
  private readonly buckets = new Float64Array(40 * DurationHistogram.STEPS_PER_OCTAVE);
  private total = 0;
  private largest = 0;

  get count(): number {
    return this.total;
  }

  get maxMicros(): number {
    return this.largest;
  }

  record(micros: number): void {
    const step = Math.ceil(Math.log2(Math.max(micros, 1)) * DurationHistogram.STEPS_PER_OCTAVE);
    this.buckets[Math.min(step, this.buckets.length - 1)]!++;
    this.total++;
    if (micros > this.largest) this.largest = micros;
  }

  /** Upper bound of the step that holds the given share (0..1) of all durations; 0 for none. */
  percentileMicros(share: number): number {
    const wanted = Math.ceil(this.total * share);
    let seen = 0;
    for (let step = 0; step < this.buckets.length; step++) {
      seen += this.buckets[step]!;
      if (seen >= wanted && seen > 0)
        return Math.min(2 ** (step / DurationHistogram.STEPS_PER_OCTAVE), this.largest);
    }
    return this.largest;
  }
}

/** 1234567 -> "1.23M", 65432 -> "65.4k". */
export function formatRate(perSecond: number): string {
  if (!Number.isFinite(perSecond)) return '-';
  if (perSecond >= 999_500) return `${(perSecond / 1e6).toFixed(2)}M`;
  if (perSecond >= 999.5) return `${(perSecond / 1e3).toFixed(perSecond < 99_950 ? 1 : 0)}k`;
  return perSecond.toFixed(0);
}

export function formatRatio(ratio: number): string {
  return Number.isFinite(ratio) ? `${ratio.toFixed(2)}x` : '-';
}

/** Fixed digits, or a dash for a figure that could not be taken. */
export function formatNumber(value: number | null, digits: number): string {
  return value !== null && Number.isFinite(value) ? value.toFixed(digits) : '-';
}

/** 3725 -> "1h02m", 65 -> "1m05s", 9 -> "9s". */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => value.toString().padStart(2, '0');
  if (whole >= 3600) return `${Math.floor(whole / 3600)}h${two(Math.floor(whole / 60) % 60)}m`;
  return whole >= 60 ? `${Math.floor(whole / 60)}m${two(whole % 60)}s` : `${whole}s`;
}
