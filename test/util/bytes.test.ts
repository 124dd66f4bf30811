import { beforeAll, describe, expect, it } from 'vitest';
import { loadTestModule, type TestModule } from '../support/assembly.ts';
import { Random } from '../support/random.ts';

interface Exports {
  bytesEqual(a: number, b: number, len: number): number;
  bytesCompare(a: number, b: number, len: number): number;
  stringCompare(a: number, lenA: number, b: number, lenB: number): number;
  copySmall(dst: number, src: number, len: number): void;
  equalsIgnoreCase(ptr: number, len: number, lowerPtr: number): number;
  toLower(byte: number): number;
  findByte(ptr: number, end: number, byte: number): number;
  findCrlf(ptr: number, end: number): number;
}

const LENGTHS = Array.from({ length: 81 }, (_, i) => i);
const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, i) => i);

const asciiLower = (bytes: Uint8Array) =>
  bytes.map((byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte));

describe('bytes', () => {
  const random = Random.fresh();
  const seed = `seed ${random.seed}`;
  let module: TestModule<Exports>;
  beforeAll(async () => {
    module = await loadTestModule<Exports>('util');
  });

  it(`finds equal bytes equal and every single difference different (${seed})`, () => {
    for (const length of LENGTHS) {
      const content = random.bytes(length);
      const a = module.writeAtEnd(content);
      const b = module.base + random.below(16);
      module.write(b, content);
      expect(module.exports.bytesEqual(a, b, length)).toBe(1);
      for (let i = 0; i < length; i++) {
        module.bytes()[b + i]! ^= 1 << random.below(8);
        expect(module.exports.bytesEqual(a, b, length), `length ${length}, byte ${i}`).toBe(0);
        module.bytes()[b + i] = content[i]!;
      }
      // Bytes around the run must not matter.
      module.bytes()[b + length] = 1;
      expect(module.exports.bytesEqual(a, b, length)).toBe(1);
    }
  });

  it(`orders bytes as memcmp does (${seed})`, () => {
    for (let round = 0; round < 4000; round++) {
      const left = random.bytes(random.below(40));
      const right = random.chance(0.7) ? left.slice() : random.bytes(random.below(40));
      if (right.length > 0 && random.chance(0.7)) right[random.below(right.length)] = random.u32();
      const a = module.writeAtEnd(left);
      const b = module.base;
      module.write(b, right);
      const shared = Math.min(left.length, right.length);
      expect(module.exports.bytesCompare(a, b, shared)).toBe(
        Buffer.compare(left.subarray(0, shared), right.subarray(0, shared)),
      );
      expect(module.exports.stringCompare(a, left.length, b, right.length)).toBe(
        Buffer.compare(left, right),
      );
      expect(module.exports.stringCompare(b, right.length, a, left.length)).toBe(
        Buffer.compare(right, left),
      );
    }
  });

  it(`copies exactly the bytes asked for, also between overlapping runs (${seed})`, () => {
    for (const length of LENGTHS) {
      for (const distance of [-33, -17, -8, -3, -1, 0, 1, 3, 8, 17, 33, 200]) {
        const start = module.base;
        const before = random.bytes(512);
        module.write(start, before);
        module.exports.copySmall(start + 128 + distance, start + 128, length);
        const expected = before.slice();
        expected.set(before.subarray(128, 128 + length), 128 + distance);
        expect(module.read(start, 512), `${length} bytes by ${distance}`).toEqual(expected);
      }
      const source = module.writeAtEnd(random.bytes(length));
      module.exports.copySmall(module.base, source, length);
      expect(module.read(module.base, length)).toEqual(module.read(source, length));
    }
  });

  it(`ignores the case of ASCII letters and of nothing else (${seed})`, () => {
    for (const byte of ALL_BYTES) {
      const lower = asciiLower(Uint8Array.of(byte))[0];
      expect(module.exports.toLower(byte)).toBe(lower);
      for (const length of [1, 3, 5, 8, 13]) {
        const at = random.below(length);
        const content = new Uint8Array(length).fill(0x41);
        content[at] = byte;
        const ptr = module.writeAtEnd(content);
        const expected = asciiLower(content);
        module.write(module.base, expected);
        expect(module.exports.equalsIgnoreCase(ptr, length, module.base)).toBe(1);
        for (const other of ALL_BYTES) {
          if (other >= 65 && other <= 90) continue;
          module.bytes()[module.base + at] = other;
          const equal = module.exports.equalsIgnoreCase(ptr, length, module.base) === 1;
          if (equal !== (other === lower)) expect.fail(`${byte} and ${other}, length ${length}`);
        }
      }
    }
    expect(module.exports.equalsIgnoreCase(module.base, 0, module.base + 9)).toBe(1);
  });

  it('finds the first of a byte, and 0 when it is absent or only behind the end', () => {
    for (const length of LENGTHS) {
      const ptr = module.writeAtEnd(new Uint8Array(length).fill(97));
      const end = ptr + length;
      expect(module.exports.findCrlf(ptr, end)).toBe(0);
      for (let i = 0; i < length; i++) {
        module.bytes().fill(97, ptr, end);
        module.bytes()[ptr + i] = 13;
        module.bytes()[end - 1] = 13;
        expect(module.exports.findCrlf(ptr, end)).toBe(ptr + i);
        expect(module.exports.findByte(ptr, end, 13)).toBe(ptr + i);
        expect(module.exports.findByte(ptr, ptr + i, 13)).toBe(0);
      }
    }
  });
});
