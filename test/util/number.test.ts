import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadTestModule, type TestModule, type WasmGlobal } from '../support/assembly.ts';
import { Random } from '../support/random.ts';

interface Exports {
  parseOk: WasmGlobal<number>;
  parseI64Value: WasmGlobal<bigint>;
  parseU64Value: WasmGlobal<bigint>;
  parseI64(ptr: number, len: number): number;
  parseU64(ptr: number, len: number): number;
  parseCursor(ptr: number, len: number): number;
  digits10(value: bigint): number;
  digits10Signed(value: bigint): number;
  formatI64(value: bigint, out: number): number;
  formatU64(value: bigint, out: number): number;
}

const I64_MIN = -(2n ** 63n);
const I64_MAX = 2n ** 63n - 1n;
const U64_MAX = 2n ** 64n - 1n;

const inI64 = (value: bigint) => value >= I64_MIN && value <= I64_MAX;

/** string2ll: only the text that formatting gives back. */
function modelI64(text: string): bigint | undefined {
  if (!/^(0|-?[1-9][0-9]*)$/.test(text)) return undefined;
  const value = BigInt(text);
  return inI64(value) ? value : undefined;
}

/** strtoull on a whole string. */
function modelStrtoull(text: string): bigint | undefined {
  const match = /^[ \t\n\v\f\r]*([+-]?)([0-9]+)$/.exec(text);
  if (match === null) return undefined;
  const value = BigInt(match[2]!);
  if (value > U64_MAX) return undefined;
  return BigInt.asUintN(64, match[1] === '-' ? -value : value);
}

/** string2ull: strict first, then strtoull. */
function modelU64(text: string): bigint | undefined {
  const strict = modelI64(text);
  if (strict !== undefined) return strict >= 0n ? strict : undefined;
  return modelStrtoull(text);
}

function modelCursor(text: string): bigint | undefined {
  if (text === '') return 0n;
  return /^[ \t\n\v\f\r]/.test(text) ? undefined : modelStrtoull(text);
}

const BORDERS: bigint[] = [];
for (let power = 0n; power <= 20n; power++) {
  for (const near of [-1n, 0n, 1n]) BORDERS.push(10n ** power + near, -(10n ** power) + near);
}
for (let bit = 0n; bit <= 65n; bit++) {
  for (const near of [-1n, 0n, 1n]) BORDERS.push(2n ** bit + near, -(2n ** bit) + near);
}

describe('integers as text', () => {
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
  function check(text: string): void {
    const ptr = module.writeAtEnd(text);
    const { exports } = module;
    const cases = [
      ['parseI64', modelI64(text), () => exports.parseI64Value.value],
      ['parseU64', modelU64(text), () => BigInt.asUintN(64, exports.parseU64Value.value)],
      ['parseCursor', modelCursor(text), () => BigInt.asUintN(64, exports.parseU64Value.value)],
    ] as const;
    for (const [name, expected, value] of cases) {
      const ok = exports[name](ptr, text.length);
      const actual = ok === 1 ? value() : undefined;
      if (actual !== expected || exports.parseOk.value !== ok) {
        wrong.push(`${name}(${JSON.stringify(text)}) = ${actual}, expected ${expected}`);
      }
    }
  }

  it('parses every border of decimal and binary lengths, and refuses what lies beyond', () => {
    for (const value of BORDERS) check(`${value}`);
    for (const value of [I64_MIN, I64_MAX, U64_MAX]) {
      for (const near of [-2n, -1n, 0n, 1n, 2n, 10n]) check(`${value + near}`);
    }
    expect(wrong).toEqual([]);
  });

  it('is strict or lenient about sign, zeros, space and letters as Redis is', () => {
    const parts = ['', '0', '00', '-', '+', '--', '-0', ' ', '\t', '\n', '\0', 'x', '/', ':', '.'];
    for (const before of parts) {
      for (const digits of ['', '7', '12345678', '123456789012', '9223372036854775807']) {
        for (const after of parts) check(before + digits + after);
      }
    }
    for (const text of ['99999999999999999999', '100000000000000000000', '1e3', '0x10', '１']) {
      check(Buffer.from(text).toString('latin1'));
    }
    expect(wrong).toEqual([]);
  });

  it(`agrees with the model on random text (${seed})`, () => {
    for (let round = 0; round < 20_000; round++) {
      const digits = random.text(random.below(23), '0123456789');
      const damaged = random.chance(0.3)
        ? digits.replace(/.$/, String.fromCharCode(random.below(256)))
        : digits;
      check((random.chance(0.3) ? '-' : '') + damaged);
    }
    expect(wrong).toEqual([]);
  });

  it('notices a wrong byte at any place of any length', () => {
    for (let length = 1; length <= 19; length++) {
      for (let at = 0; at < length; at++) {
        for (let byte = 0; byte < 256; byte++) {
          const text = '1'.repeat(length);
          check(text.slice(0, at) + String.fromCharCode(byte) + text.slice(at + 1));
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  function checkFormat(value: bigint): void {
    const { exports, base } = module;
    const unsigned = BigInt.asUintN(64, value);
    const texts = [
      [`${BigInt.asIntN(64, value)}`, exports.formatI64, exports.digits10Signed],
      [`${unsigned}`, exports.formatU64, exports.digits10],
    ] as const;
    for (const [expected, format, digits] of texts) {
      module.write(base, '#'.repeat(24));
      const length = format(value, base + 1);
      const written = module.text(base, length + 2);
      if (written !== `#${expected}#` || digits(value) !== length) {
        wrong.push(`${expected}: wrote ${written}, counted ${digits(value)}`);
      }
    }
  }

  it(`formats borders and random values as BigInt does, and writes nothing else (${seed})`, () => {
    for (const value of BORDERS) checkFormat(value);
    for (let value = -1200n; value < 1200n; value++) checkFormat(value);
    for (let round = 0; round < 20_000; round++) {
      checkFormat(random.u64() >> BigInt(random.below(64)));
    }
    expect(wrong).toEqual([]);
  });
});
