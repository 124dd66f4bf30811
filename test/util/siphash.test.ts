import { beforeAll, describe, expect, it } from 'vitest';
import { loadTestModule, type TestModule } from '../support/assembly.ts';
import { Random } from '../support/random.ts';

interface Exports {
  setHashSeed(k0: bigint, k1: bigint): void;
  hashBytes(ptr: number, len: number): bigint;
}

const u64 = (value: bigint) => BigInt.asUintN(64, value);
const rotate = (value: bigint, by: bigint) => u64((value << by) | (value >> (64n - by)));

/** SipHash-c-d straight from the paper. */
function sipHash(c: number, d: number, k0: bigint, k1: bigint, data: Uint8Array): bigint {
  let v0 = k0 ^ 0x736f6d6570736575n;
  let v1 = k1 ^ 0x646f72616e646f6dn;
  let v2 = k0 ^ 0x6c7967656e657261n;
  let v3 = k1 ^ 0x7465646279746573n;
  const rounds = (count: number) => {
    for (let i = 0; i < count; i++) {
      v0 = u64(v0 + v1);
      v1 = rotate(v1, 13n) ^ v0;
      v0 = rotate(v0, 32n);
      v2 = u64(v2 + v3);
      v3 = rotate(v3, 16n) ^ v2;
      v0 = u64(v0 + v3);
      v3 = rotate(v3, 21n) ^ v0;
      v2 = u64(v2 + v1);
      v1 = rotate(v1, 17n) ^ v2;
      v2 = rotate(v2, 32n);
    }
  };
  const padded = new Uint8Array(data.length - (data.length % 8) + 8);
  padded.set(data);
  padded[padded.length - 1] = data.length;
  const view = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += 8) {
    const word = view.getBigUint64(at, true);
    v3 ^= word;
    rounds(c);
    v0 ^= word;
  }
  v2 ^= 0xffn;
  rounds(d);
  return v0 ^ v1 ^ v2 ^ v3;
}

describe('siphash', () => {
  const random = Random.fresh();
  let module: TestModule<Exports>;
  beforeAll(async () => {
    module = await loadTestModule<Exports>('util');
  });

  it('has a reference that gives the value published for SipHash-2-4', () => {
    const data = Uint8Array.from({ length: 15 }, (_, i) => i);
    expect(sipHash(2, 4, 0x0706050403020100n, 0x0f0e0d0c0b0a0908n, data)).toBe(0xa129ca6149be45e5n);
  });

  it(`equals the reference, reading no byte too many (seed ${random.seed})`, () => {
    for (let length = 0; length <= 300; length++) {
      const k0 = random.u64();
      const k1 = random.u64();
      const data = random.bytes(length);
      const expected = sipHash(1, 2, k0, k1, data);
      module.exports.setHashSeed(k0, k1);
      const ptr = module.writeAtEnd(data);
      expect(u64(module.exports.hashBytes(ptr, length)), `length ${length}`).toBe(expected);
      // The bytes around must not matter either.
      module.write(module.base, random.bytes(length + 16));
      module.write(module.base + 5, data);
      expect(u64(module.exports.hashBytes(module.base + 5, length))).toBe(expected);
    }
  });
});
