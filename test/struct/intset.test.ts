// Goal: an intset holds what a set of numbers would, in Redis's bytes, and no foreign bytes are read
// out of range.
// Method: random operations beside a JavaScript set, whose contents an independent encoder turns into
// bytes; DUMP payloads of a real server.
import { beforeAll, describe, expect, it } from 'vitest';
import { loadTestModule, type TestModule } from '../support/assembly.ts';
import { Random } from '../support/random.ts';
import { RespClient } from '../support/resp_client.ts';
import { realRedisAvailable, startServer } from '../support/server.ts';
import { Harness, rdbString } from './model.ts';

interface Exports {
  intsetChanged: { value: number };
  intsetNew(): number;
  intsetFree(set: number): void;
  intsetDup(set: number): number;
  intsetLen(set: number): number;
  intsetEncoding(set: number): number;
  intsetBytes(set: number): number;
  intsetBlockBytes(set: number): number;
  intsetGet(set: number, position: number): bigint;
  intsetMin(set: number): bigint;
  intsetMax(set: number): bigint;
  intsetRandom(set: number): bigint;
  intsetFind(set: number, value: bigint): number;
  intsetAdd(set: number, value: bigint): number;
  intsetRemove(set: number, value: bigint): number;
  intsetValidate(set: number, size: number, deep: number): number;
}

const random = Random.fresh();
const seed = `seed ${random.seed}`;
let harness: Harness<Exports>;
let is: Exports;

beforeAll(async () => {
  harness = await Harness.load<Exports>();
  is = harness.exports;
  harness.exports.seedRandom(BigInt(random.seed));
});

const contents = (set: number) => harness.read(set, is.intsetBytes(set));
const fits = (value: bigint, bytes: number) => BigInt.asIntN(bytes * 8, value) === value;
const bytesFor = (value: bigint) => [2, 4, 8].find((bytes) => fits(value, bytes))!;

function encodeIntset(values: Iterable<bigint>, bytes: number): Buffer {
  const sorted = [...values].sort((a, b) => (a < b ? -1 : 1));
  const encoded = Buffer.alloc(8 + bytes * sorted.length + 8);
  encoded.writeUInt32LE(bytes, 0);
  encoded.writeUInt32LE(sorted.length, 4);
  sorted.forEach((value, i) => {
    encoded.writeBigInt64LE(value, 8 + i * bytes);
  });
  return encoded.subarray(0, 8 + bytes * sorted.length);
}

const randomValue = (bits: number) => BigInt.asIntN(bits, random.u64());

function build(values: Iterable<bigint>): number {
  let set = is.intsetNew();
  for (const value of values) set = is.intsetAdd(set, value);
  return set;
}

describe('intset', () => {
  it(`holds what a set holds after any operation, in sorted bytes (${seed})`, () => {
    for (let round = 0; round < 60; round++) {
      const model = new Set<bigint>();
      let bytes = 2;
      let set = is.intsetNew();
      for (let step = 0; step < 300; step++) {
        // Wider numbers come late, and in some rounds never.
        const bits = random.pick([
          6,
          8,
          16,
          step > 150 && round % 2 ? 32 : 7,
          step > 250 && round % 3 ? 64 : 9,
        ]);
        const value =
          model.size > 0 && random.chance(0.3) ? random.pick([...model]) : randomValue(bits);
        if (random.chance(0.6)) {
          set = is.intsetAdd(set, value);
          expect(is.intsetChanged.value === 1).toBe(!model.has(value));
          model.add(value);
          bytes = Math.max(bytes, bytesFor(value));
        } else {
          set = is.intsetRemove(set, value);
          expect(is.intsetChanged.value === 1).toBe(model.delete(value));
        }
        expect(contents(set).equals(encodeIntset(model, bytes))).toBe(true);
        expect(is.intsetEncoding(set)).toBe(bytes);
        expect(is.intsetLen(set)).toBe(model.size);
        const probe = randomValue(bits);
        expect(is.intsetFind(set, probe) === 1).toBe(model.has(probe));
      }
      const sorted = [...model].sort((a, b) => (a < b ? -1 : 1));
      expect(sorted.map((_, i) => is.intsetGet(set, i))).toEqual(sorted);
      expect(sorted.every((value) => is.intsetFind(set, value) === 1)).toBe(true);
      expect([is.intsetMin(set), is.intsetMax(set)]).toEqual([sorted[0], sorted.at(-1)]);
      const copy = is.intsetDup(set);
      expect(contents(copy).equals(contents(set))).toBe(true);
      is.intsetFree(copy);
      is.intsetFree(set);
    }
    expect(harness.usedBytes()).toBe(0);
  });

  it('widens at the borders of 16 and 32 bits, at either end', () => {
    for (const [value, bytes] of [
      [32767n, 2],
      [-32768n, 2],
      [32768n, 4],
      [-32769n, 4],
      [2147483647n, 4],
      [-2147483648n, 4],
      [2147483648n, 8],
      [-2147483649n, 8],
      [2n ** 63n - 1n, 8],
      [-(2n ** 63n), 8],
    ] as const) {
      const set = build([3n, -3n, value]);
      expect(contents(set).equals(encodeIntset([3n, -3n, value], bytes))).toBe(true);
      is.intsetFree(set);
    }
  });

  it('finds every value and no other, whatever their number', () => {
    for (const spread of [2n, 70_000n, 2n ** 40n]) {
      const values: bigint[] = [];
      let set = is.intsetNew();
      for (let i = 0n; i < 70n; i++) {
        for (let probe = -1n; probe <= i * 2n; probe++) {
          const expected = probe >= 0n && probe % 2n === 0n && probe < i * 2n;
          expect(is.intsetFind(set, probe * spread) === 1).toBe(expected);
        }
        values.push(i * 2n * spread);
        set = is.intsetAdd(set, values.at(-1)!);
      }
      is.intsetFree(set);
    }
  });

  it('finds no value beyond its width', () => {
    const set = build([1n, 2n]);
    for (const value of [65537n, 2n ** 32n + 1n, -65535n]) {
      expect(is.intsetFind(set, value)).toBe(0);
      expect(is.intsetRemove(set, value)).toBe(set);
      expect(is.intsetChanged.value).toBe(0);
    }
    is.intsetFree(set);
  });

  it('gives memory back when it shrinks', () => {
    let set = build(Array.from({ length: 2000 }, (_, i) => BigInt(i)));
    for (let i = 1999; i >= 0; i--) {
      set = is.intsetRemove(set, BigInt(i));
      const idle = is.intsetBlockBytes(set) - is.intsetBytes(set);
      expect(idle).toBeLessThanOrEqual(Math.max(8, is.intsetBlockBytes(set) / 4));
    }
    is.intsetFree(set);
    expect(harness.usedBytes()).toBe(0);
  });

  it(`draws all values equally often (${seed})`, () => {
    const values = Array.from({ length: 10 }, (_, i) => BigInt(i * i - 20));
    const set = build(values);
    const counts = new Map(values.map((value) => [value, 0]));
    const draws = 20_000;
    for (let i = 0; i < draws; i++) {
      const value = is.intsetRandom(set);
      counts.set(value, counts.get(value)! + 1);
    }
    const deviation = Math.sqrt(draws * 0.1 * 0.9);
    for (const count of counts.values()) {
      expect(Math.abs(count - draws / 10)).toBeLessThan(6 * deviation);
    }
    is.intsetFree(set);
  });

  it('stays as it was when there is no memory', async () => {
    const small = await Harness.small<Exports>();
    const run = small.exports;
    const values = Array.from({ length: 28 }, (_, i) => BigInt(i));
    const bytes = encodeIntset(values, 2);
    const set = small.allocBytes(bytes);
    const restore = small.exhaust();
    expect(run.intsetNew()).toBe(0);
    expect(run.intsetDup(set)).toBe(0);
    expect(run.intsetAdd(set, 100n)).toBe(0);
    expect(run.intsetAdd(set, 100_000n)).toBe(0);
    expect(run.intsetChanged.value).toBe(0);
    expect(run.intsetAdd(set, 5n)).toBe(set);
    expect(small.read(set, bytes.length).equals(bytes)).toBe(true);
    for (const value of values.slice(1)) expect(run.intsetRemove(set, value)).toBe(set);
    expect(small.read(set, 10).equals(encodeIntset([0n], 2))).toBe(true);
    restore();
    run.intsetFree(set);
    expect(small.usedBytes()).toBe(0);
  });
});

describe('foreign bytes of an intset', () => {
  let module: TestModule<Exports>;
  beforeAll(async () => {
    module = await loadTestModule<Exports>('lists', { scratchPages: 2 });
  });

  const valid = (bytes: Uint8Array, deep = 1) =>
    module.exports.intsetValidate(module.writeAtEnd(bytes), bytes.length, deep) === 1;

  function isWellFormed(bytes: Buffer): boolean {
    if (bytes.length < 10) return false;
    const width = bytes.readUInt32LE(0);
    const length = bytes.readUInt32LE(4);
    if (![2, 4, 8].includes(width) || length * width + 8 !== bytes.length) return false;
    const read = (i: number) =>
      width === 8 ? bytes.readBigInt64LE(8 + i * 8) : BigInt(bytes.readIntLE(8 + i * width, width));
    for (let i = 1; i < length; i++) if (read(i) <= read(i - 1)) return false;
    return true;
  }

  it(`are refused when truncated, and judged by a careful reader when changed (${seed})`, () => {
    for (let round = 0; round < 60; round++) {
      const bits = random.pick([8, 16, 32, 64]);
      const values = new Set(Array.from({ length: 1 + random.below(12) }, () => randomValue(bits)));
      const bytes = encodeIntset(values, bits === 8 ? 2 : bits / 8);
      expect(valid(bytes)).toBe(true);
      for (let length = 0; length < bytes.length; length++) {
        expect(valid(bytes.subarray(0, length))).toBe(false);
      }
      for (let at = 0; at < bytes.length; at++) {
        const changed = Buffer.from(bytes);
        changed[at]! ^= 1 + random.below(255);
        expect(valid(changed)).toBe(isWellFormed(changed));
      }
    }
  });

  it('are refused when empty, doubled, out of order or too many to be there', () => {
    const raw = (width: number, length: number, ...values: number[]) => {
      const bytes = Buffer.alloc(8 + values.length * 2);
      bytes.writeUInt32LE(width, 0);
      bytes.writeUInt32LE(length, 4);
      values.forEach((value, i) => {
        bytes.writeInt16LE(value, 8 + i * 2);
      });
      return bytes;
    };
    expect(valid(raw(2, 0))).toBe(false);
    expect(valid(raw(2, 2, 5, 5))).toBe(false);
    expect(valid(raw(2, 2, 6, 5))).toBe(false);
    expect(valid(raw(2, 2, 6, 5), 0)).toBe(true);
    expect(valid(raw(2, 0x80000001, 1))).toBe(false);
    expect(valid(raw(8, 0x20000000))).toBe(false);
    expect(valid(raw(3, 2, 1, 2, 3))).toBe(false);
  });
});

describe.skipIf(!realRedisAvailable())('an intset beside redis-server', () => {
  it(`is what DUMP gives for a set of integers (${seed})`, async () => {
    const server = await startServer({ kind: 'redis', args: ['--rdbcompression', 'no'] });
    const client = await RespClient.connect({ port: server.port });
    for (let round = 0; round < 200; round++) {
      await client.call('DEL', 'set');
      let set = is.intsetNew();
      for (let step = random.between(1, 40); step > 0; step--) {
        const value = randomValue(random.pick([7, 7, 16, round % 2 ? 32 : 9, round % 3 ? 64 : 8]));
        const adding = random.chance(0.8);
        await client.call(adding ? 'SADD' : 'SREM', 'set', `${value}`);
        set = adding ? is.intsetAdd(set, value) : is.intsetRemove(set, value);
        if (is.intsetLen(set) === 0) {
          // An empty set is no key: the next one starts narrow.
          is.intsetFree(set);
          set = is.intsetNew();
        }
      }
      const dump = await client.call('DUMP', 'set');
      if (dump.kind === 'bulk') {
        const [bytes] = rdbString(Buffer.from(dump.bytes), 1);
        expect(contents(set).equals(bytes)).toBe(true);
      } else {
        expect(is.intsetLen(set)).toBe(0);
      }
      is.intsetFree(set);
    }
    await client.close();
    await server.stop();
  });
});
