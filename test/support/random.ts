// A seeded generator for randomised tests. The seed is printed by the test that uses it, and
// RESPITE_TEST_SEED repeats a run.

export class Random {
  readonly seed: number;
  private state: number;

  constructor(seed: number) {
    this.seed = seed >>> 0;
    this.state = this.seed;
  }

  /** A generator with a fresh seed, or with the one from the environment. */
  static fresh(): Random {
    const wanted = process.env.RESPITE_TEST_SEED;
    return new Random(
      wanted === undefined ? (Math.random() * 0x1_0000_0000) >>> 0 : Number(wanted),
    );
  }

  /** 32 random bits (mulberry32). */
  u32(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }

  /** An integer from 0 up to, but not including, the limit (at most 2^32). */
  below(limit: number): number {
    return Math.floor((this.u32() / 0x1_0000_0000) * limit);
  }

  /** An integer between two bounds, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.u32() < probability * 0x1_0000_0000;
  }

  /** True once in `n` calls, on average. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(choices: ArrayLike<T>): T {
    return choices[this.below(choices.length)]!;
  }

  /** Picks by weight. */
  weighted<T extends { weight: number }>(choices: readonly T[]): T {
    let at = this.below(choices.reduce((sum, choice) => sum + choice.weight, 0));
    for (const choice of choices) {
      if (at < choice.weight) return choice;
      at -= choice.weight;
    }
    throw new Error('nothing to pick from');
  }

  /** In place. */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [items[i], items[j]] = [items[j] as T, items[i] as T];
    }
    return items;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.u32() & 0xff);
  }

  /** A string of the given length over an alphabet. */
  text(length: number, alphabet: string): string {
    let result = '';
    for (let i = 0; i < length; i++) result += alphabet[this.below(alphabet.length)];
    return result;
  }
}
