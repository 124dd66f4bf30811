import { beforeAll, describe, expect, it } from 'vitest';
import { loadTestModule, type TestModule } from '../support/assembly.ts';
import { Random } from '../support/random.ts';

interface Exports {
  seedRandom(seed: bigint): void;
  randomU64(): bigint;
  randomBelow(n: number): number;
  randomBelow64(n: bigint): bigint;
  randomF64(): number;
}

const u64 = (value: bigint) => BigInt.asUintN(64, value);
const rotate = (value: bigint, by: bigint) => u64((value << by) | (value >> (64n - by)));

/** splitmix64 and xoshiro256** as published. */
function* reference(seed: bigint): Generator<bigint> {
  const s: bigint[] = [];
  for (let i = 0; i < 4; i++) {
    seed = u64(seed + 0x9e3779b97f4a7c15n);
    let z = seed;
    z = u64((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = u64((z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    s.push(z ^ (z >> 31n));
  }
  while (true) {
    yield u64(rotate(u64(s[1]! * 5n), 7n) * 9n);
    const t = u64(s[1]! << 17n);
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotate(s[3]!, 45n);
  }
}

/** How far the counts are from all being equal, as chi-square over its degrees of freedom. */
function unevenness(counts: number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  return chiSquare / (counts.length - 1);
}

describe('prng', () => {
  const random = Random.fresh();
  let module: TestModule<Exports>;
  beforeAll(async () => {
    module = await loadTestModule<Exports>('util');
  });

  it(`is the published generator, and a seed repeats its sequence (seed ${random.seed})`, () => {
    for (const seed of [0n, 1n, 2n ** 64n - 1n, random.u64()]) {
      const expected = reference(seed);
      module.exports.seedRandom(seed);
      for (let i = 0; i < 200; i++) {
        expect(u64(module.exports.randomU64())).toBe(expected.next().value);
      }
    }
  });

  it('draws every number below a limit equally often, and none beyond', () => {
    module.exports.seedRandom(42n);
    for (const n of [1, 2, 3, 7, 100]) {
      const narrow = new Array<number>(n).fill(0);
      const wide = new Array<number>(n).fill(0);
      for (let i = 0; i < 40_000; i++) {
        narrow[module.exports.randomBelow(n)]!++;
        wide[Number(module.exports.randomBelow64(BigInt(n)))]!++;
      }
      expect(narrow.length).toBe(n);
      if (n > 1) {
        expect(unevenness(narrow)).toBeLessThan(7);
        expect(unevenness(wide)).toBeLessThan(7);
      }
    }
  });

  it('is not biased by limits that do not divide the range', () => {
    module.exports.seedRandom(7n);
    // Of 3 * 2^30 numbers, plain scaling of 32 bits would give every third one twice as often.
    const narrow = [0, 0, 0];
    const n = 3 * 2 ** 30;
    const wide = [0, 0, 0];
    const n64 = 3n * 2n ** 61n;
    for (let i = 0; i < 30_000; i++) {
      const drawn = module.exports.randomBelow(n) >>> 0;
      if (drawn >= n) expect.fail(`${drawn} is not below ${n}`);
      narrow[drawn % 3]!++;
      const drawn64 = u64(module.exports.randomBelow64(n64));
      if (drawn64 >= n64) expect.fail(`${drawn64} is not below ${n64}`);
      wide[Number(drawn64 / 2n ** 61n)]!++;
    }
    expect(unevenness(narrow)).toBeLessThan(10);
    expect(unevenness(wide)).toBeLessThan(10);
  });

  it('refuses an empty range', () => {
    expect(() => module.exports.randomBelow(0)).toThrow();
  });

  it('gives fractions evenly spread over [0, 1)', () => {
    module.exports.seedRandom(11n);
    const tenths = new Array<number>(10).fill(0);
    for (let i = 0; i < 40_000; i++) {
      const drawn = module.exports.randomF64();
      if (drawn < 0 || drawn >= 1) expect.fail(`${drawn}`);
      tenths[Math.floor(drawn * 10)]!++;
    }
    expect(unevenness(tenths)).toBeLessThan(7);
  });
});
