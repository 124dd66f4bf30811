// Goal: sine, cosine and arc sine are the doubles nearest to the true values.
// Method: series in integers of 240 bits; the arc sine is judged by the sines of what is half a unit in
// the last place on either side of it.
import { beforeAll, describe, expect, it } from 'vitest';
import { loadTestModule, type TestModule } from '../support/assembly.ts';
import { Random } from '../support/random.ts';

interface Exports {
  sin(x: number): number;
  cos(x: number): number;
  asin(y: number): number;
}

const BITS = 240n;
const ONE = 1n << BITS;
/** Results may be one unit off in so many of all cases. */
const WRONG_SHARE_MAX = 0.001;

const view = new DataView(new ArrayBuffer(8));
function bitsOf(value: number): bigint {
  view.setFloat64(0, value);
  return view.getBigInt64(0);
}
function fromBits(bits: bigint): number {
  view.setBigInt64(0, bits);
  return view.getFloat64(0);
}
/** The double further from zero, or nearer with -1. */
const neighbour = (value: number, step: bigint) => fromBits(bitsOf(value) + step);

/** A double as an integer of 2^-240ths. Exact for all that are not tiny. */
function fixed(value: number): bigint {
  const bits = BigInt.asUintN(64, bitsOf(value));
  const exponent = (bits >> 52n) & 0x7ffn;
  const mantissa = exponent === 0n ? 0n : (bits & 0xfffffffffffffn) | 0x10000000000000n;
  const shift = exponent - 1075n + BITS;
  const size = shift >= 0n ? mantissa << shift : mantissa >> -shift;
  return value < 0 ? -size : size;
}

const abs = (value: bigint) => (value < 0n ? -value : value);

function sineAndCosine(x: bigint): [sine: bigint, cosine: bigint] {
  let [sine, cosine, term] = [0n, 0n, ONE];
  for (let n = 0n; term !== 0n; n++) {
    const sign = n % 4n < 2n ? 1n : -1n;
    if (n % 2n === 0n) cosine += sign * term;
    else sine += sign * term;
    term = (term * x) / ((n + 1n) << BITS);
  }
  return [sine, cosine];
}

/** Pi by Machin's formula. */
function fixedPi(): bigint {
  const inverseTangent = (divisor: bigint) => {
    let [sum, power] = [0n, ONE / divisor];
    for (let n = 1n; power !== 0n; n += 2n) {
      sum += (n % 4n === 1n ? power : -power) / n;
      power /= divisor * divisor;
    }
    return sum;
  };
  return 4n * (4n * inverseTangent(5n) - inverseTangent(239n));
}

/** How many units in the last place the result is from the true value: 0.5 or less if nearest. */
function unitsOff(result: number, truth: bigint): number {
  const unit = abs(fixed(neighbour(result, 1n)) - fixed(result));
  return Number((abs(fixed(result) - truth) * 1_000_000n) / unit) / 1_000_000;
}

describe('trigonometry', () => {
  const random = Random.fresh();
  const seed = `seed ${random.seed}`;
  let run: Exports;
  beforeAll(async () => {
    const module: TestModule<Exports> = await loadTestModule<Exports>('util');
    run = module.exports;
  });

  const uniform = (range: number) => (random.u32() / 2 ** 32 + random.u32() / 2 ** 64) * range;
  const sign = () => (random.chance(0.5) ? 1 : -1);

  function argument(): number {
    switch (random.below(6)) {
      case 0:
        return sign() * uniform(1e-4);
      case 1:
        return sign() * (Math.PI / 2 + uniform(2e-3) - 1e-3);
      case 2:
        return sign() * (Math.PI - uniform(1e-6));
      case 3:
        return sign() * (random.below(200) / 64 + uniform(2e-9) - 1e-9);
      default:
        return sign() * uniform(Math.PI);
    }
  }

  it(`gives the nearest sine and cosine (${seed})`, () => {
    const rounds = 6000;
    let wrong = 0;
    for (let round = 0; round < rounds; round++) {
      const x = argument();
      const [sine, cosine] = sineAndCosine(fixed(x));
      for (const [result, truth] of [
        [run.sin(x), sine],
        [run.cos(x), cosine],
      ] as const) {
        const off = unitsOff(result, truth);
        expect(off, `${x}`).toBeLessThan(0.51);
        if (off > 0.5) wrong++;
      }
    }
    expect(wrong).toBeLessThanOrEqual(2 * rounds * WRONG_SHARE_MAX);
  });

  it(`gives the nearest arc sine (${seed})`, () => {
    const rounds = 6000;
    let wrong = 0;
    for (let round = 0; round < rounds; round++) {
      const size = random.pick([
        uniform(1),
        uniform(1e-5),
        1 - uniform(1e-5),
        Math.SQRT1_2 + uniform(2e-5) - 1e-5,
      ]);
      const y = sign() * size;
      const result = run.asin(y);
      expect(Math.sign(result)).toBe(Math.sign(y));
      const angle = abs(fixed(result));
      const wanted = fixed(size);
      // The sine rises, so the truth is within half a unit if its sine lies between theirs.
      const between = (share: bigint) => {
        const up = (abs(fixed(neighbour(result, 1n))) - angle) / share;
        const down = (angle - abs(fixed(neighbour(result, -1n)))) / share;
        return sineAndCosine(angle - down)[0] <= wanted && wanted <= sineAndCosine(angle + up)[0];
      };
      if (between(2n)) continue;
      wrong++;
      expect(between(1n), `${y}`).toBe(true);
    }
    expect(wrong).toBeLessThanOrEqual(rounds * WRONG_SHARE_MAX);
  });

  it('is exact where the result is', () => {
    expect([run.sin(0), run.cos(0), run.asin(0)]).toEqual([0, 1, 0]);
    expect(Object.is(run.sin(-0), -0)).toBe(true);
    expect(Object.is(run.asin(-0), -0)).toBe(true);
    expect([run.asin(1), run.asin(-1)]).toEqual([Math.PI / 2, -Math.PI / 2]);
    expect([run.sin(Math.PI / 2), run.cos(Math.PI)]).toEqual([1, -1]);
    expect(run.sin(1e-300)).toBe(1e-300);
  });

  it('takes large angles, and gives NaN where doubles are too far apart for one', () => {
    for (const x of [4, 5, 100, 12345.678, 1e6 + 0.1, 99_999_999.9, 1e8, -7, -1e7]) {
      const [sine, cosine] = sineAndCosine(fixed(x) % (2n * fixedPi()));
      expect(unitsOff(run.sin(x), sine), `${x}`).toBeLessThan(0.51);
      expect(unitsOff(run.cos(x), cosine), `${x}`).toBeLessThan(0.51);
    }
    for (const x of [
      1e8 + 1,
      1e300,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
    ])
      expect([run.sin(x), run.cos(x), run.asin(x)]).toEqual([NaN, NaN, NaN]);
    expect(run.asin(1 + 2 ** -52)).toBeNaN();
  });
});
