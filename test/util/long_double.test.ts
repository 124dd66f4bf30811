// Goal: INCRBYFLOAT gives the same bytes as Redis, which computes in 80-bit long doubles.
// Method: fixed cases that need their 64 bits of mantissa, their exponents and their rounding; then
// random pairs are added here and by a real server.
import { beforeAll, describe, expect, it } from 'vitest';
import { loadTestModule, type TestModule } from '../support/assembly.ts';
import { Random } from '../support/random.ts';
import { RespClient } from '../support/resp_client.ts';
import { realRedisAvailable, startServer } from '../support/server.ts';

interface Exports {
  parseLongDouble(ptr: number, len: number, out: number): number;
  addLongDouble(a: number, b: number, out: number): void;
  subtractLongDouble(a: number, b: number, out: number): void;
  compareLongDouble(a: number, b: number): number;
  copyLongDouble(value: number, out: number): void;
  longDoubleLimit(negative: number, out: number): void;
  isFiniteLongDouble(value: number): number;
  formatLongDouble(value: number, out: number): number;
  longDoubleFromI64(value: bigint, out: number): void;
  longDoubleFromF64(value: number, out: number): void;
}

const NOT_A_FLOAT = 'ERR value is not a valid float';
const NOT_FINITE = 'ERR increment would produce NaN or Infinity';
const PAIRS = 20_000;
const PAIRS_PER_PIPELINE = 2000;

const LARGEST = '1.18973149535723176502e+4932';
const SMALLEST = '3.6e-4951';

const SPECIAL = [
  ...['0', '-0', '1', '-1', '0.1', '0.2', '1e-17', '5e-18', '-5e-18', '1.5e-17', '2.5e-17'],
  ...['4.9e-18', '1e4932', LARGEST, `-${LARGEST}`, '1.18973149535723176503e+4932', '1e4933'],
  ...[SMALLEST, `-${SMALLEST}`, '1.8e-4951', '1.9e-4951', '3.36e-4932', '1e-4960', '0e-9999'],
  ...['9223372036854775807', '-9223372036854775808', '18446744073709551615'],
  ...['18446744073709551616', '36893488147419103231', '0x1p-16445', '0x1p-16446', '0x1.8p-16446'],
  ...['0xffffffffffffffff', '0x1.fffffffffffffffep16383', '0x1.ffffffffffffffffp16383'],
  ...['0.99999999999999999999', '0.999999999999999995', '0.999999999999999994', 'inf', '-inf'],
  ...['nan', '', ' 1', '1 ', '1x', '1e', '0x', '.', '1e+', 'infinity', '+5', '.5', '5.'],
];

describe('long doubles', () => {
  const random = Random.fresh();
  const seed = `seed ${random.seed}`;
  let module: TestModule<Exports>;
  beforeAll(async () => {
    module = await loadTestModule<Exports>('util');
  });

  const parse = (text: string, out: number) =>
    module.exports.parseLongDouble(module.writeAtEnd(text), text.length, out) === 1;

  function format(value: number): string {
    const out = module.base + 64;
    return module.text(out, module.exports.formatLongDouble(value, out));
  }

  /** What INCRBYFLOAT replies. */
  function increment(value: string, by: string): string {
    const { base, exports } = module;
    if (!parse(value, base) || !parse(by, base + 16)) return NOT_A_FLOAT;
    exports.addLongDouble(base, base + 16, base);
    return exports.isFiniteLongDouble(base) === 1 ? format(base) : NOT_FINITE;
  }

  it('adds and prints what needs more than a double', () => {
    const cases: [value: string, by: string, sum: string][] = [
      ['0.1', '0.2', '0.3'],
      ['10.50', '0.1', '10.6'],
      ['5.0e3', '2.0e2', '5200'],
      ['3', '1.1', '4.1'],
      ['9007199254740992', '1', '9007199254740993'],
      ['18446744073709551615', '1', '18446744073709551616'],
      ['18446744073709551616', '1', '18446744073709551616'],
      ['18446744073709551616', '3', '18446744073709551620'],
      ['36893488147419103232', '2', '36893488147419103232'],
      ['36893488147419103232', '2.1', '36893488147419103236'],
      ['36893488147419103236', '2', '36893488147419103240'],
      ['1', '-1', '0'],
      ['-1', '0.99999999999999999999', '0'],
      ['0', '-1e-20', '0'],
      ['1', '5e-20', '1'],
      ['0.5', '-0.5', '0'],
    ];
    for (const [value, by, sum] of cases) {
      expect(increment(value, by), `${value} + ${by}`).toBe(sum);
    }
    expect(increment(LARGEST, '0')).toMatch(/^118973149535723176502\d{4912}$/);
  });

  it('refuses what is no number, and sums that are none', () => {
    for (const text of ['', ' 1', '1 ', '1x', 'nan', '1e4933', '1e-4960', '0x', '.']) {
      expect(increment(text, '1'), text).toBe(NOT_A_FLOAT);
    }
    expect(increment('inf', '1')).toBe(NOT_FINITE);
    expect(increment('inf', '-inf')).toBe(NOT_FINITE);
    expect(increment(LARGEST, LARGEST)).toBe(NOT_FINITE);
    expect(increment(`0.${'0'.repeat(5117)}`, '1')).toBe('1');
    expect(increment(`0.${'0'.repeat(5118)}`, '1')).toBe(NOT_A_FLOAT);
  });

  it('prints infinity and NaN by name', () => {
    const { base, exports } = module;
    exports.longDoubleFromF64(Number.POSITIVE_INFINITY, base);
    exports.longDoubleFromF64(Number.NEGATIVE_INFINITY, base + 16);
    expect([format(base), format(base + 16)]).toEqual(['inf', '-inf']);
    exports.addLongDouble(base, base + 16, base + 32);
    expect(format(base + 32)).toBe('nan');
    exports.longDoubleFromI64(1n, base + 16);
    exports.addLongDouble(base + 16, base, base + 32);
    expect(format(base + 32)).toBe('inf');
  });

  it(`takes integers and doubles over exactly (${seed})`, () => {
    const { base, exports } = module;
    for (let round = 0; round < 2000; round++) {
      const integer = BigInt.asIntN(64, random.u64() >> BigInt(random.below(64)));
      exports.longDoubleFromI64(integer, base);
      expect(format(base)).toBe(`${integer}`);
      // With so few bits after the point, all digits are printed.
      const double = (random.below(2 ** 32) - 2 ** 31) / 2 ** random.below(18);
      exports.longDoubleFromF64(double, base);
      expect(format(base)).toBe(double.toFixed(17).replace(/\.?0+$/, ''));
    }
    exports.longDoubleFromI64(-(2n ** 63n), base);
    expect(format(base)).toBe('-9223372036854775808');
    exports.longDoubleFromF64(-0, base);
    expect(format(base)).toBe('0');
    exports.longDoubleFromF64(Number.MAX_VALUE, base);
    expect(format(base)).toBe(`${BigInt(Number.MAX_VALUE)}`);
    // The smallest double, 2^-1074, is far from vanishing here: 2^1060 of them give 2^-14.
    exports.longDoubleFromF64(Number.MIN_VALUE, base);
    for (let doubling = 0; doubling < 1060; doubling++) exports.addLongDouble(base, base, base);
    expect(format(base)).toBe('0.00006103515625');
  });

  it('orders numbers by value, from minus infinity to infinity', () => {
    const ascending = [
      ...['-inf', `-${LARGEST}`, '-1e300', '-1.5', '-1', '-0.1', `-${SMALLEST}`],
      ...['0', SMALLEST, '7.2e-4951', '3.36e-4932', '1e-17', '0.1', '1', '1.5', '2', '1e300'],
      ...[LARGEST, 'inf'],
    ];
    const { base, exports } = module;
    const [a, b] = [base, base + 16];
    for (const [i, first] of ascending.entries()) {
      for (const [j, second] of ascending.entries()) {
        expect(parse(first, a) && parse(second, b)).toBe(true);
        expect(exports.compareLongDouble(a, b), `${first} and ${second}`).toBe(Math.sign(i - j));
      }
    }
    expect(parse('0', a) && parse('-0', b)).toBe(true);
    expect([exports.compareLongDouble(a, b), exports.compareLongDouble(b, a)]).toEqual([0, 0]);
    for (const sign of ['', '-']) {
      exports.longDoubleLimit(sign ? 1 : 0, a);
      expect(parse(`${sign}${LARGEST}`, b)).toBe(true);
      expect(exports.compareLongDouble(a, b)).toBe(0);
    }
  });

  it('subtracts without changing its operands, and copies', () => {
    const { base, exports } = module;
    const [a, b, out] = [base, base + 16, base + 32];
    const cases: [value: string, by: string, difference: string][] = [
      ['1.75', '0.25', '1.5'],
      ['0.25', '1.75', '-1.5'],
      ['-1', '-1', '0'],
      ['10', '-inf', 'inf'],
      ['inf', 'inf', 'nan'],
    ];
    for (const [value, by, difference] of cases) {
      expect(parse(value, a) && parse(by, b)).toBe(true);
      exports.subtractLongDouble(a, b, out);
      expect([format(out), format(a), format(b)]).toEqual([difference, value, by]);
      exports.subtractLongDouble(a, b, b);
      expect(format(b)).toBe(difference);
    }
    exports.longDoubleFromI64(-12n, a);
    exports.copyLongDouble(a, b);
    expect(format(b)).toBe('-12');
  });

  const digits = (most: number) => random.text(1 + random.below(most), '0123456789');
  const hex = (most: number) => random.text(1 + random.below(most), '0123456789abcdef');

  function randomNumber(): string {
    const sign = random.pick(['', '', '-', '+']);
    switch (random.below(10)) {
      case 0:
        return random.pick(SPECIAL);
      case 1:
        return sign + digits(19);
      case 2:
        return `${sign}${digits(12)}.${digits(20)}`;
      case 3:
        return `${sign}${digits(25)}e${random.between(-40, 40)}`;
      case 4:
        return `${sign}${digits(10)}e${random.between(-4960, 4940)}`;
      case 5:
        return `${sign}0x${hex(20)}p${random.between(-100, 100)}`;
      case 6:
        return `${sign}0x${hex(20)}p${random.pick([-1, 1]) * random.between(16300, 16500)}`;
      case 7:
        return `${sign}${digits(300)}.${digits(300)}`;
      case 8:
        return `${sign}${2n ** BigInt(random.below(130)) + BigInt(random.between(-1, 1))}`;
      default:
        return `${sign}0.${'0'.repeat(random.below(20))}${digits(20)}`;
    }
  }

  function randomPair(): [value: string, by: string] {
    const value = randomNumber();
    // Often nearly the opposite, so that high bits cancel.
    if (random.chance(0.2)) return [value, value.startsWith('-') ? value.slice(1) : `-${value}`];
    return [value, randomNumber()];
  }

  const name = 'against redis-server (skipped when there is none on the path)';
  describe.skipIf(!realRedisAvailable())(name, () => {
    it(`adds ${PAIRS} pairs to the same bytes (${seed})`, async () => {
      const server = await startServer({ kind: 'redis' });
      const client = await RespClient.connect({ port: server.port });
      const pairs = SPECIAL.flatMap((value) => SPECIAL.map((by): [string, string] => [value, by]));
      while (pairs.length < PAIRS) pairs.push(randomPair());
      const wrong: string[] = [];
      for (let start = 0; start < pairs.length; start += PAIRS_PER_PIPELINE) {
        const part = pairs.slice(start, start + PAIRS_PER_PIPELINE);
        const commands = part.flatMap(([value, by]) => [
          ['SET', 'number', value],
          ['INCRBYFLOAT', 'number', by],
        ]);
        const replies = await client.pipeline(commands);
        part.forEach(([value, by], i) => {
          const reply = replies[2 * i + 1]!;
          const expected =
            reply.kind === 'bulk' ? reply.bytes.toString() : 'text' in reply ? reply.text : '';
          const actual = increment(value, by);
          if (actual !== expected) wrong.push(`${value} + ${by} = ${actual}, not ${expected}`);
        });
      }
      expect(wrong.slice(0, 10)).toEqual([]);
      await client.close();
      await server.stop();
    }, 90_000);
  });
});
