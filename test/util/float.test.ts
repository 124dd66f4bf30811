// Goal: doubles are parsed as strtod parses them and printed with the bytes Redis prints.
// Method: parsing is compared with exact arithmetic on BigInts. Printing with as few digits as
// possible has fixed expectations taken from Redis 7.2, where they are not what JavaScript prints;
// "%.17g" is compared with exact arithmetic and with the scores a real server of 7.0 prints.
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadTestModule, type TestModule, type WasmGlobal } from '../support/assembly.ts';
import { Random } from '../support/random.ts';
import { RespClient } from '../support/resp_client.ts';
import { realRedisAvailable, realRedisVersion, startServer } from '../support/server.ts';
import { isOlder } from '../support/targets.ts';

interface Exports {
  parseF64Value: WasmGlobal<number>;
  parseF64OutOfRange: WasmGlobal<number>;
  parseF64(ptr: number, len: number): number;
  parseF64Lenient(ptr: number, len: number): number;
  formatF64(value: number, out: number): number;
  formatF64Precise(value: number, out: number): number;
  formatF64Fixed(value: number, fractionDigits: number, out: number): number;
}

const FLOAT = new Float64Array(1);
const BITS = new BigUint64Array(FLOAT.buffer);

function fromBits(bits: bigint): number {
  BITS[0] = bits;
  return FLOAT[0]!;
}

function toBits(value: number): bigint {
  FLOAT[0] = value;
  return BITS[0]!;
}

interface Rounded {
  value: number;
  exact: boolean;
  /** Below the smallest normal double, even if rounded to 53 bits. */
  tiny: boolean;
}

/** The double nearest to a fraction, ties to even. */
function roundRatio(numerator: bigint, denominator: bigint): Rounded {
  if (numerator === 0n) return { value: 0, exact: true, tiny: true };
  const tiny = numerator << 1076n < (2n ** 54n - 1n) * denominator;
  let exponent = BigInt(numerator.toString(2).length - denominator.toString(2).length) - 53n;
  if (exponent < -1074n) exponent = -1074n;
  for (;;) {
    const top = exponent < 0n ? numerator << -exponent : numerator;
    const bottom = exponent > 0n ? denominator << exponent : denominator;
    let mantissa = top / bottom;
    if (mantissa >= 2n ** 53n) {
      exponent++;
      continue;
    }
    const rest = 2n * (top % bottom);
    if (rest > bottom || (rest === bottom && mantissa % 2n === 1n)) mantissa++;
    if (exponent > 1000n) return { value: Number.POSITIVE_INFINITY, exact: false, tiny };
    // All factors and products are exact, but for one beyond all doubles, which is infinite.
    const half = 2 ** Number(exponent / 2n);
    const value = Number(mantissa) * half * 2 ** Number(exponent - exponent / 2n);
    return { value, exact: rest === 0n && Number.isFinite(value), tiny };
  }
}

const DECIMAL = /^([+-]?)(?=\.?[0-9])([0-9]*)\.?([0-9]*)(?:e([+-]?[0-9]+))?$/i;
const HEXADECIMAL = /^([+-]?)0x(?=\.?[0-9a-f])([0-9a-f]*)\.?([0-9a-f]*)(?:p([+-]?[0-9]+))?$/i;
const INFINITY = /^([+-]?)inf(inity)?$/i;

/** What the text means, or undefined if it is no number. */
function model(text: string): Rounded | undefined {
  const infinity = INFINITY.exec(text);
  if (infinity) return { value: Number(`${infinity[1]}Infinity`), exact: true, tiny: false };
  const hexadecimal = HEXADECIMAL.exec(text);
  const match = hexadecimal ?? DECIMAL.exec(text);
  if (!match) return undefined;
  const [, sign, whole, fraction, exponentText] = match as unknown as string[];
  const digits = BigInt(`${hexadecimal ? '0x' : ''}0${whole}${fraction}`);
  // Exponents far outside are cut to ones that are still outside, whatever the digits.
  const limit = 20_000n;
  let exponent = BigInt(exponentText ?? 0);
  exponent = exponent > limit ? limit : exponent < -limit ? -limit : exponent;
  const base = hexadecimal ? 2n : 10n;
  exponent -= BigInt(fraction!.length) * (hexadecimal ? 4n : 1n);
  const rounded =
    exponent < 0n
      ? roundRatio(digits, base ** -exponent)
      : roundRatio(digits * base ** exponent, 1n);
  return sign === '-' ? { ...rounded, value: -rounded.value } : rounded;
}

/** The exact decimal text of the point half way between a double and the next one. */
function halfwayText(bits: bigint): string {
  const field = bits >> 52n;
  const mantissa = (bits & (2n ** 52n - 1n)) | (field === 0n ? 0n : 2n ** 52n);
  const exponent = (field === 0n ? 1n : field) - 1076n;
  const doubled = 2n * mantissa + 1n;
  if (exponent >= 0n) return `${doubled << exponent}`;
  return `${doubled * 5n ** -exponent}e${exponent}`;
}

/** printf("%.17g") of a finite double that is not zero, by exact arithmetic. */
function printf17g(value: number): string {
  const bits = toBits(Math.abs(value));
  const field = bits >> 52n;
  const mantissa = (bits & (2n ** 52n - 1n)) | (field === 0n ? 0n : 2n ** 52n);
  const exponent = (field === 0n ? 1n : field) - 1075n;
  const numerator = mantissa << (exponent > 0n ? exponent : 0n);
  const denominator = 1n << (exponent < 0n ? -exponent : 0n);
  // One lower than it can be, as the logarithm is rounded.
  let power = Math.floor(Math.log10(Math.abs(value))) - 2;
  let digits: bigint;
  do {
    power++;
    const scale = BigInt(16 - power);
    const top = scale > 0n ? numerator * 10n ** scale : numerator;
    const bottom = scale < 0n ? denominator * 10n ** -scale : denominator;
    digits = top / bottom;
    const rest = 2n * (top % bottom);
    if (rest > bottom || (rest === bottom && digits % 2n === 1n)) digits++;
  } while (digits >= 10n ** 17n);
  const text = `${digits}`;
  const sign = value < 0 ? '-' : '';
  const trim = (number: string) => (number.includes('.') ? number.replace(/\.?0*$/, '') : number);
  if (power < -4 || power > 16) {
    const size = `${Math.abs(power)}`.padStart(2, '0');
    return `${sign}${trim(`${text[0]}.${text.slice(1)}`)}e${power < 0 ? '-' : '+'}${size}`;
  }
  if (power < 0) return `${sign}${trim(`0.${'0'.repeat(-power - 1)}${text}`)}`;
  return `${sign}${trim(`${text.slice(0, power + 1)}.${text.slice(power + 1)}`)}`;
}

/** Digits without sign, point, exponent and the zeros around. */
const digitsOf = (text: string) =>
  text
    .replace(/e.*/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+|0+$/g, '');

describe('doubles as text', () => {
  const random = Random.fresh();
  const seed = `seed ${random.seed}`;
  let module: TestModule<Exports>;
  beforeAll(async () => {
    module = await loadTestModule<Exports>('util');
  });

  const wrong: string[] = [];
  beforeEach(() => {
    wrong.length = 0;
  });
  function checkParse(text: string): void {
    const { exports } = module;
    const ptr = module.writeAtEnd(text);
    const expected = model(text);
    const lenient = exports.parseF64Lenient(ptr, text.length) === 1;
    const lenientValue = exports.parseF64Value.value;
    const outOfRange = exports.parseF64OutOfRange.value === 1;
    const strict = exports.parseF64(ptr, text.length) === 1;
    const strictValue = exports.parseF64Value.value;
    if (expected === undefined) {
      if (lenient || strict) wrong.push(`${text}: accepted`);
      return;
    }
    const { value, exact, tiny } = expected;
    const vanished = !exact && value === 0;
    const overflowed = !exact && !Number.isFinite(value);
    if (!lenient || !Object.is(lenientValue, value)) wrong.push(`${text}: ${lenientValue}`);
    if (strict !== !(vanished || overflowed)) wrong.push(`${text}: strict ${strict}`);
    if (strict && !Object.is(strictValue, value)) wrong.push(`${text}: strict ${strictValue}`);
    if (outOfRange !== (overflowed || (tiny && !exact))) wrong.push(`${text}: range ${outOfRange}`);
  }

  const randomBits = () => fromBits(random.u64() & (2n ** 63n - 1n));
  function randomDouble(): number {
    const kind = random.below(6);
    let value = 0;
    while (value === 0 || !Number.isFinite(value)) {
      if (kind === 0) value = randomBits();
      else if (kind === 1) value = random.u32() / 2 ** 32;
      else if (kind === 2) value = random.u32() / 100;
      else if (kind === 3) value = random.u32() * 10 ** random.between(-30, 30);
      else if (kind === 4)
        value = Number(`${random.text(4, '0123456789')}e${random.between(-9, 22)}`);
      else
        value = fromBits(toBits(2 ** random.between(-1074, 1023)) + BigInt(random.below(3)) - 1n);
    }
    return random.chance(0.3) ? -value : value;
  }

  it('has a model that agrees with JavaScript on decimals', () => {
    for (const text of ['0.1', '1e23', '5e-324', '2e-324', '1.7976931348623159e308', '123.456']) {
      expect(model(text)?.value).toBe(Number(text));
    }
  });

  it('accepts the forms strtod accepts and no others', () => {
    const texts = [
      ...['inf', '-inf', '+inf', 'Infinity', '-INFINITY', 'infinit', 'in', 'infx', 'nan', '-nan'],
      ...['nan(1)', '', '+', '-', '.', '-.', 'e5', '1e', '1e+', '1.e5', '.5', '5.', '+.5e-0'],
      ...['0x', '0x.', '0x1p', '0x1p+', '0x.8', '0x8.', '0x8.P-2', '0X1p3', '-0xFF', '0x1g', 'x1'],
      ...['--1', '+-1', '1 ', '1x', '1.2.3', '1e5.5', '1_0', '0b1', '1e5e5', '1,5', '00012', '1d5'],
      ...['0', '-0', '0e5', '-0x0p9', '0e-999999999999999999999', '0e999999999999999999999'],
    ];
    for (const text of texts) if (text !== '') checkParse(text);
    expect(wrong).toEqual([]);
  });

  it('refuses overflow and underflow only where Redis does', () => {
    const texts = [
      ...['1e308', '1.7976931348623157e308', '1.7976931348623158e308', '1.7976931348623159e308'],
      ...['1e309', '1e400', '-1e400', '1e99999999999999999999', '5e-324', '3e-324', '2.4e-324'],
      ...['2.5e-324', '1e-324', '1e-400', '-1e-99999999999999999999', '0x1p1024', '0x1p1023'],
      ...['0x1p-1074', '0x1p-1075', '0x1.8p-1075', '0x1.0000000000001p-1075', '0x1p-1076'],
      ...['0x0.fffffffffffffcp-1022', '0x0.fffffffffffff8p-1022', '0x0.ffffffffffffffp-1022'],
      ...['2.2250738585072011e-308', '2.2250738585072012e-308', '2.2250738585072014e-308'],
    ];
    for (const text of texts) checkParse(text);
    expect(wrong).toEqual([]);
  });

  it('reads the ends of a range as leniently as strtod', () => {
    const { exports } = module;
    const cases: [text: string, value: number | undefined][] = [
      ['', 0],
      [' 5', 5],
      ['\t\n\v\f\r -2.5', -2.5],
      ['5 ', undefined],
      [' ', undefined],
      ['7\0anything', 7],
      ['\0', 0],
      ['1e400', Number.POSITIVE_INFINITY],
      ['-1e400', Number.NEGATIVE_INFINITY],
      ['1e-400', 0],
      ['nan', undefined],
    ];
    for (const [text, value] of cases) {
      const ok = exports.parseF64Lenient(module.writeAtEnd(text), text.length) === 1;
      expect(ok ? exports.parseF64Value.value : undefined, JSON.stringify(text)).toBe(value);
    }
    for (const text of ['', ' 5', '7\0', '5 ']) {
      expect(exports.parseF64(module.writeAtEnd(text), text.length)).toBe(0);
    }
  });

  it(`rounds decimals of any length correctly (${seed})`, () => {
    const digits = (limit: number) => random.text(random.below(limit), '0123456789');
    const exponent = (limit: number) => `e${random.between(-limit, limit)}`;
    for (let round = 0; round < 4000; round++) {
      checkParse(`${digits(24)}.${digits(24)}${random.chance(0.5) ? exponent(340) : ''}`);
      checkParse(`0.${'0'.repeat(random.below(30))}${random.text(17, '0123456789')}`);
      checkParse(`${random.below(1000000)}${exponent(40)}`);
      checkParse(`-${digits(20)}${random.below(10)}${exponent(30)}`);
    }
    for (let round = 0; round < 100; round++) {
      checkParse(`${digits(1500)}.${digits(1500)}${random.below(10)}${exponent(1600)}`);
    }
    expect(wrong).toEqual([]);
  });

  it(`takes ties to even, and sees a difference in the last of 1000 digits (${seed})`, () => {
    for (let round = 0; round < 400; round++) {
      let bits = random.u64() & (2n ** 62n - 1n);
      if (round % 4 === 0) bits &= 2n ** 52n - 1n;
      const halfway = halfwayText(bits);
      const [digits, exponent = '0'] = halfway.split('e') as [string, string?];
      checkParse(halfway);
      checkParse(`${BigInt(digits) - 1n}e${exponent}`);
      checkParse(`${digits}${'0'.repeat(900)}1e${Number(exponent) - 901}`);
    }
    expect(wrong).toEqual([]);
  });

  it(`rounds hexadecimals correctly (${seed})`, () => {
    const hex = (limit: number) => random.text(random.below(limit), '0123456789abcdefABCDEF000');
    for (let round = 0; round < 5000; round++) {
      const exponent = random.chance(0.8) ? `p${random.between(-1150, 1100)}` : '';
      checkParse(`${random.chance(0.5) ? '-' : ''}0x${hex(20)}0.${hex(20)}${exponent}`);
      checkParse(`0x1.${random.text(12, '0f')}${hex(5)}p-${1018 + random.below(60)}`);
    }
    expect(wrong).toEqual([]);
  });

  function format(value: number): string {
    module.write(module.base, '#'.repeat(40));
    const length = module.exports.formatF64(value, module.base + 1);
    const written = module.text(module.base, length + 2);
    expect(written.startsWith('#') && written.endsWith('#')).toBe(true);
    return written.slice(1, -1);
  }

  it('prints doubles with the bytes of Redis 7.2', () => {
    const cases: [value: number, text: string][] = [
      [0, '0'],
      [-0, '-0'],
      [1, '1'],
      [-1, '-1'],
      [3.1, '3.1'],
      [0.1, '0.1'],
      [-0.5, '-0.5'],
      [1e-5, '0.00001'],
      [1.5e-5, '0.000015'],
      [1.5e-6, '1.5e-6'],
      [1e-6, '0.000001'],
      [1e-7, '1e-7'],
      [1.5e-7, '1.5e-7'],
      [0.0012345678901234567, '0.0012345678901234567'],
      [0.00012345678901234567, '1.2345678901234567e-4'],
      [-0.00012345678901234567, '-1.2345678901234567e-4'],
      [1e15, '1000000000000000'],
      [2 ** 62, '4611686018427387904'],
      [2 ** 62 + 1024, '4611686018427389000'],
      [2 ** 63, '9223372036854776000'],
      [1e19, '1e+19'],
      [1.2345678901234567e19, '12345678901234567000'],
      [1.2345678901234568e21, '1234567890123456800000'],
      [1e21, '1e+21'],
      [1.5e300, '1.5e+300'],
      [-1.7976931348623157e308, '-1.7976931348623157e+308'],
      [5e-324, '5e-324'],
      [2.2250738585072014e-308, '2.2250738585072014e-308'],
      [Number.POSITIVE_INFINITY, 'inf'],
      [Number.NEGATIVE_INFINITY, '-inf'],
      [Number.NaN, 'nan'],
      // Where the digits are not the fewest or not the nearest.
      [fromBits(0xf5db238979bdb169n), '-5.2158751050373037e+259'],
      [fromBits(0x4288288d6f162840n), '3320306328261.0313'],
      [fromBits(0xc2ecdf57934b351cn), '-253964580444584.87'],
    ];
    for (const [value, text] of cases) expect(format(value)).toBe(text);
  });

  it(`prints digits that give the double back, nearly always the fewest (${seed})`, () => {
    let rounds = 0;
    let same = 0;
    for (; rounds < 20_000; rounds++) {
      const value = randomDouble();
      const text = format(value);
      if (!Object.is(Number(text), value)) wrong.push(`${value} printed as ${text}`);
      const integer = Number.isInteger(value) && Math.abs(value) <= 2 ** 62;
      if (integer && text !== `${BigInt(value)}`) wrong.push(`${value} printed as ${text}`);
      if (!integer && digitsOf(text).length > 17) wrong.push(`${value} printed as ${text}`);
      if (integer || digitsOf(text) === digitsOf(`${value}`)) same++;
    }
    expect(wrong).toEqual([]);
    expect(same / rounds).toBeGreaterThan(0.99);
  });

  function formatPrecise(value: number): string {
    const length = module.exports.formatF64Precise(value, module.base);
    return module.text(module.base, length);
  }

  it(`prints 17 digits as %.17g does (${seed})`, () => {
    expect(formatPrecise(0.1)).toBe('0.10000000000000001');
    expect(formatPrecise(-0)).toBe('-0');
    expect(formatPrecise(0)).toBe('0');
    expect(formatPrecise(Number.NaN)).toBe('nan');
    expect(formatPrecise(Number.NEGATIVE_INFINITY)).toBe('-inf');
    const values = [1, 1e16, 1e17, 1e22, 1e23, 1e-4, 1e-5, 5e-324, 9.999999999999999e-5, 2 ** 70];
    for (let power = -1074; power < 1024; power++) values.push(2 ** power, -(2 ** power) * 1.1);
    for (let round = 0; round < 5000; round++) values.push(randomDouble());
    for (const value of values.filter(Number.isFinite)) {
      const text = formatPrecise(value);
      if (text !== printf17g(value)) wrong.push(`${printf17g(value)} printed as ${text}`);
    }
    expect(wrong).toEqual([]);
  });

  it('prints distances with a fixed number of digits', () => {
    const cases: [value: number, digits: number, text: string][] = [
      [166274.1516, 4, '166274.1516'],
      [0, 4, '0.0000'],
      [0.775, 4, '0.7750'],
      [-0.00001, 4, '0.0000'],
      [-12.34567, 4, '-12.3457'],
      [0.00005, 4, '0.0000'],
      [0.00025, 4, '0.0002'],
      [20015086.796, 1, '20015086.8'],
      [1.5, 17, '1.50000000000000000'],
    ];
    for (const [value, digits, text] of cases) {
      const length = module.exports.formatF64Fixed(value, digits, module.base);
      expect(module.text(module.base, length)).toBe(text);
    }
  });

  // Later releases print scores with as few digits as possible.
  const oracle = realRedisAvailable() && isOlder(realRedisVersion()!, '7.2');
  describe.skipIf(!oracle)('against redis-server 7.0', () => {
    it(`parses and prints the scores of a sorted set alike (${seed})`, async () => {
      const server = await startServer({ kind: 'redis' });
      const client = await RespClient.connect({ port: server.port });
      const texts: string[] = ['1e-320', '1e-330', '1e310', '0x1.8p3', 'inf', '-inf', '1e', '1_0'];
      for (let round = 0; round < 3000; round++) {
        const value = randomDouble();
        texts.push(
          random.pick([`${value}`, value.toPrecision(1 + random.below(40)), format(value)]),
        );
      }
      const replies = await client.pipeline([
        ...texts.map((text, i) => ['ZADD', 'scores', text, i]),
        ...texts.map((_, i) => ['ZSCORE', 'scores', i]),
      ]);
      texts.forEach((text, i) => {
        const added = replies[i]!;
        const ok = module.exports.parseF64(module.writeAtEnd(text), text.length) === 1;
        expect(added.kind, text).toBe(ok ? 'integer' : 'error');
        const score = replies[texts.length + i]!;
        if (!ok || score.kind !== 'bulk') return;
        expect(formatPrecise(module.exports.parseF64Value.value)).toBe(score.bytes.toString());
      });
      await client.close();
      await server.stop();
    });
  });
});
