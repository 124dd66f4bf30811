// Goal: counting, finding and combining bits agree with a bit-by-bit model at every length and
// alignment, and read nothing beyond their input: it ends where memory ends.
import { beforeAll, describe, expect, it } from 'vitest';
import { loadTestModule, type TestModule } from '../support/assembly.ts';
import { Random } from '../support/random.ts';

interface Exports {
  popcountBytes(ptr: number, len: number): bigint;
  popcountBits(ptr: number, first: bigint, last: bigint): bigint;
  findBit(ptr: number, first: bigint, last: bigint, one: number): bigint;
  combineBytes(op: number, dst: number, src: number, len: number): void;
  invertBytes(dst: number, len: number): void;
  tallyBytes(once: number, twice: number, src: number, len: number): void;
  BITS_AND: { value: number };
  BITS_OR: { value: number };
  BITS_XOR: { value: number };
  BITS_AND_NOT: { value: number };
}

const LENGTHS = [...Array.from({ length: 70 }, (_, i) => i), 127, 128, 1000];

/** '0' and '1' for each bit, the highest of the first byte first. */
const bitText = (bytes: Uint8Array) =>
  [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');

describe('bits', () => {
  const random = Random.fresh();
  const seed = `seed ${random.seed}`;
  let module: TestModule<Exports>;
  beforeAll(async () => {
    module = await loadTestModule<Exports>('util');
  });

  /** Mostly one bit value, so that runs are long. */
  function content(length: number): Uint8Array {
    const kind = random.below(4);
    if (kind === 0) return random.bytes(length);
    const bytes = new Uint8Array(length).fill(kind === 1 ? 0xff : 0);
    if (kind === 3) for (let i = 0; i < length; i += 7) bytes[i] = random.u32();
    for (let n = random.below(3); n > 0 && length > 0; n--)
      bytes[random.below(length)]! ^= 1 << random.below(8);
    return bytes;
  }

  it(`counts set bits of bytes and of ranges of bits (${seed})`, () => {
    for (const length of LENGTHS) {
      const bytes = content(length);
      const bits = bitText(bytes);
      const at = module.writeAtEnd(bytes);
      const ones = (text: string) => BigInt(text.replaceAll('0', '').length);
      expect(module.exports.popcountBytes(at, length), `${length}`).toBe(ones(bits));
      for (let round = 0; round < 20 && length > 0; round++) {
        const first = random.below(bits.length);
        const last = random.between(first, bits.length - 1);
        const count = module.exports.popcountBits(at, BigInt(first), BigInt(last));
        expect(count, `${first} to ${last} of ${bits}`).toBe(ones(bits.slice(first, last + 1)));
      }
    }
  });

  it(`finds the first bit of a range that is set, or clear (${seed})`, () => {
    for (const length of LENGTHS) {
      for (let round = 0; round < 20 && length > 0; round++) {
        const bytes = content(length);
        const bits = bitText(bytes);
        const at = module.writeAtEnd(bytes);
        const first = random.below(bits.length);
        const last = random.between(first, bits.length - 1);
        for (const one of [0, 1]) {
          const found = bits.slice(0, last + 1).indexOf(`${one}`, first);
          const result = module.exports.findBit(at, BigInt(first), BigInt(last), one);
          expect(result, `${one} in ${first} to ${last} of ${bits}`).toBe(BigInt(found));
        }
      }
    }
  });

  it(`combines, inverts and tallies bytes (${seed})`, () => {
    const { exports } = module;
    const operations: [name: keyof Exports, apply: (x: number, y: number) => number][] = [
      ['BITS_AND', (x, y) => x & y],
      ['BITS_OR', (x, y) => x | y],
      ['BITS_XOR', (x, y) => x ^ y],
      ['BITS_AND_NOT', (x, y) => x & ~y & 255],
    ];
    for (const length of LENGTHS) {
      const x = random.bytes(length);
      const y = random.bytes(length);
      const src = module.writeAtEnd(y);
      const dst = module.base + random.below(16);
      for (const [name, apply] of operations) {
        module.write(dst, x);
        exports.combineBytes((exports[name] as { value: number }).value, dst, src, length);
        const expected = x.map((byte, i) => apply(byte, y[i]!));
        expect(module.read(dst, length), `${name}, ${length}`).toEqual(expected);
      }
      module.write(dst, x);
      exports.invertBytes(dst, length);
      expect(module.read(dst, length)).toEqual(x.map((byte) => ~byte));

      const twice = dst + 2048;
      module.write(dst, x);
      module.write(twice, new Uint8Array(length));
      exports.tallyBytes(dst, twice, src, length);
      exports.tallyBytes(dst, twice, src, length);
      expect(module.read(dst, length)).toEqual(x.map((byte, i) => byte | y[i]!));
      expect(module.read(twice, length)).toEqual(y);
    }
  });
});
