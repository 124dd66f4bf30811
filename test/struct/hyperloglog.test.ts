// Goal: a HyperLogLog has Redis's bytes after any additions and mergers, counts what Redis counts, and
// no string whatever makes it step outside of itself.
// Method: an independent model of registers and estimate; the same commands on a real server, whose
// value is compared byte by byte; strings damaged at random between guards.
import { beforeAll, describe, expect, it } from 'vitest';
import { loadTestModule, type TestModule } from '../support/assembly.ts';
import { Random } from '../support/random.ts';
import { RespClient } from '../support/resp_client.ts';
import { realRedisAvailable, startServer } from '../support/server.ts';

interface Exports {
  hllBytes: { value: number };
  hllCardinality: { value: bigint };
  hllRunLength: { value: number };
  hllRunValue: { value: number };
  hllInit(hll: number): void;
  hllIsValid(hll: number, bytes: number): number;
  hllEncoding(hll: number): number;
  hllIsCached(hll: number): number;
  hllCached(hll: number): bigint;
  hllSetCached(hll: number, cardinality: bigint): void;
  hllInvalidateCache(hll: number): void;
  hllHash(s: number, len: number): bigint;
  hllAdd(hll: number, bytes: number, capacity: number, s: number, len: number, max: number): number;
  hllDenseGet(hll: number, index: number): number;
  hllFirstRun(hll: number): number;
  hllReadRun(p: number, end: number): number;
  hllToDense(hll: number, bytes: number, dense: number): number;
  hllUnionStart(): void;
  hllUnionAdd(hll: number, bytes: number): number;
  hllUnionWrite(hll: number, bytes: number, dense: number, maxBytes: number): number;
  hllUnionCount(): bigint;
  hllCount(hll: number, bytes: number): number;
}

const REGISTERS = 16384;
const DENSE_BYTES = 12304;
const EMPTY_BYTES = 18;
const DENSE = 0;
const UNCHANGED = 0;
const CHANGED = 1;
const GROW = 2;
const PROMOTE = 3;
const CORRUPT = 4;
const USUAL_MAX = 3000;
const CACHE_INVALID = 1n << 63n;

const random = Random.fresh();
const seed = `seed ${random.seed}`;
let module: TestModule<Exports>;
let run: Exports;

beforeAll(async () => {
  module = await loadTestModule<Exports>('lists');
  run = module.exports;
});

// --- Model ---

const u64 = (value: bigint) => BigInt.asUintN(64, value);

function murmur64A(data: Uint8Array): bigint {
  const m = 0xc6a4a7935bd1e995n;
  let h = u64(0xadc83b19n ^ (BigInt(data.length) * m));
  const whole = data.length - (data.length % 8);
  const word = (from: number, to: number) => {
    let value = 0n;
    for (let i = to - 1; i >= from; i--) value = (value << 8n) | BigInt(data[i]!);
    return value;
  };
  for (let i = 0; i < whole; i += 8) {
    let k = u64(word(i, i + 8) * m);
    k = u64((k ^ (k >> 47n)) * m);
    h = u64((h ^ k) * m);
  }
  if (whole < data.length) h = u64((h ^ word(whole, data.length)) * m);
  h = u64((h ^ (h >> 47n)) * m);
  return h ^ (h >> 47n);
}

/** The register a string belongs to and what it brings there. */
function pattern(data: Uint8Array): [index: number, value: number] {
  const hash = murmur64A(data);
  let value = 1;
  while (value <= 50 && ((hash >> BigInt(13 + value)) & 1n) === 0n) value++;
  return [Number(hash & 16383n), value];
}

function estimate(registers: ArrayLike<number>): bigint {
  const histogram = new Array<number>(64).fill(0);
  for (let i = 0; i < REGISTERS; i++) histogram[registers[i]!]!++;
  const m = REGISTERS;
  const tau = (x: number) => {
    if (x === 0 || x === 1) return 0;
    let [y, z, before] = [1, 1 - x, Number.NaN];
    while (before !== z) {
      x = Math.sqrt(x);
      before = z;
      y *= 0.5;
      z -= (1 - x) ** 2 * y;
    }
    return z / 3;
  };
  const sigma = (x: number) => {
    if (x === 1) return Number.POSITIVE_INFINITY;
    let [y, z, before] = [1, x, Number.NaN];
    while (before !== z) {
      x *= x;
      before = z;
      z += x * y;
      y += y;
    }
    return z;
  };
  let z = m * tau((m - histogram[51]!) / m);
  for (let value = 50; value >= 1; value--) z = (z + histogram[value]!) * 0.5;
  z += m * sigma(histogram[0]! / m);
  return BigInt(Math.round((0.7213475204444817 * m * m) / z));
}

// --- A value, as a handler keeps it ---

class Value {
  bytes: Buffer;

  constructor(bytes?: Buffer) {
    this.bytes = bytes ?? Buffer.alloc(EMPTY_BYTES);
    if (bytes !== undefined) return;
    run.hllInit(module.base);
    this.bytes = Buffer.from(module.read(module.base, EMPTY_BYTES));
  }

  /** Adds with as little room as possible; returns the last result. */
  add(element: Uint8Array, maxBytes = USUAL_MAX): number {
    let capacity = this.bytes.length;
    while (true) {
      const hll = module.base;
      module.write(hll, this.bytes);
      const s = module.base + 100_000;
      module.write(s, element);
      const result = run.hllAdd(hll, this.bytes.length, capacity, s, element.length, maxBytes);
      if (result === GROW) {
        expect(run.hllBytes.value).toBeGreaterThan(capacity);
        expect(run.hllBytes.value).toBeLessThanOrEqual(capacity + 3);
        capacity = run.hllBytes.value;
      } else if (result === PROMOTE) {
        const dense = module.base + 200_000;
        if (run.hllToDense(hll, this.bytes.length, dense) === 0) return CORRUPT;
        this.bytes = Buffer.from(module.read(dense, DENSE_BYTES));
        capacity = DENSE_BYTES;
      } else {
        if (result === CHANGED) this.bytes = Buffer.from(module.read(hll, run.hllBytes.value));
        return result;
      }
    }
  }

  /** Places it at the end of memory, so that a step beyond it traps. */
  private place(): number {
    return module.writeAtEnd(this.bytes);
  }

  count(): bigint | undefined {
    return run.hllCount(this.place(), this.bytes.length) === 1
      ? run.hllCardinality.value
      : undefined;
  }

  unite(): boolean {
    return run.hllUnionAdd(this.place(), this.bytes.length) === 1;
  }

  get isDense(): boolean {
    return this.bytes[4] === DENSE;
  }

  registers(): number[] {
    const hll = this.place();
    if (this.isDense) return Array.from({ length: REGISTERS }, (_, i) => run.hllDenseGet(hll, i));
    const registers: number[] = [];
    const end = hll + this.bytes.length;
    for (let p = run.hllFirstRun(hll); p < end; ) {
      p = run.hllReadRun(p, end);
      for (let i = run.hllRunLength.value; i > 0; i--) registers.push(run.hllRunValue.value);
    }
    return registers;
  }
}

const element = (i: number) => Buffer.from(`element:${i}`);

describe('hyperloglog', () => {
  it(`hashes as MurmurHash64A, for every length (${seed})`, () => {
    for (let length = 0; length < 70; length++) {
      const data = random.bytes(length);
      const hash = run.hllHash(module.writeAtEnd(data), length);
      expect(u64(hash)).toBe(murmur64A(data));
    }
  });

  it(`has the registers of the model, sparse and dense, and counts them alike (${seed})`, () => {
    for (const maxBytes of [0, 100, 1500, USUAL_MAX, 16_000]) {
      const model = new Uint8Array(REGISTERS);
      const value = new Value();
      for (let i = 0; i < 2500; i++) {
        const data = random.chance(0.9)
          ? element(random.below(100_000))
          : random.bytes(random.below(30));
        const [index, length] = pattern(data);
        const result = value.add(data, maxBytes);
        expect(result).toBe(length > model[index]! ? CHANGED : UNCHANGED);
        model[index] = Math.max(model[index]!, length);
        if (i % 500 === 0 || i < 5) {
          expect(value.registers()).toEqual([...model]);
          expect(value.count()).toBe(estimate(model));
        }
        if (!value.isDense) expect(value.bytes.length).toBeLessThanOrEqual(Math.max(maxBytes, 18));
      }
      expect(value.isDense).toBe(maxBytes < 16_000 || model.some((register) => register > 32));
      expect(value.registers()).toEqual([...model]);
      expect(value.count()).toBe(estimate(model));
      const error = Math.abs(Number(value.count()) - 2480) / 2480;
      expect(error).toBeLessThan(0.08);
    }
  });

  it('is empty at first, counts 0 and says so from the cache', () => {
    const value = new Value();
    expect(value.count()).toBe(0n);
    expect(run.hllIsCached(module.writeAtEnd(value.bytes))).toBe(1);
    expect(run.hllCached(module.writeAtEnd(value.bytes))).toBe(0n);
    value.add(element(1));
    const hll = module.writeAtEnd(value.bytes);
    expect(run.hllIsCached(hll)).toBe(0);
    run.hllSetCached(hll, 1n);
    expect([run.hllIsCached(hll), run.hllCached(hll)]).toEqual([1, 1n]);
    run.hllInvalidateCache(hll);
    expect([run.hllIsCached(hll), u64(run.hllCached(hll))]).toEqual([0, CACHE_INVALID | 1n]);
  });

  it('goes dense for a register that no run can have', () => {
    // No such element is known, so the register is forged.
    const forged = Buffer.alloc(DENSE_BYTES);
    new Value().bytes.copy(forged, 0, 0, 16);
    forged[4] = DENSE;
    for (const [register, dense] of [
      [32, false],
      [33, true],
    ] as const) {
      forged[16] = register;
      run.hllUnionStart();
      new Value(forged).unite();
      const { bytes } = new Value();
      for (const isNew of [true, false]) {
        const hll = isNew ? 0 : module.writeAtEnd(bytes);
        const at = run.hllUnionWrite(hll, bytes.length, 0, USUAL_MAX);
        const united = new Value(Buffer.from(module.read(at, run.hllBytes.value)));
        expect(united.isDense).toBe(dense);
        expect(united.registers()).toEqual([register, ...new Array<number>(REGISTERS - 1).fill(0)]);
      }
    }
  });

  it('keeps every dense register apart from its neighbours', () => {
    const registers = new Uint8Array(REGISTERS);
    const dense = new Value(Buffer.concat([Buffer.from('HYLL'), Buffer.alloc(DENSE_BYTES - 4)]));
    for (let i = 0; i < 3000; i++) {
      const data = random.bytes(8);
      const [index, length] = pattern(data);
      registers[index] = Math.max(registers[index]!, length);
      dense.add(data);
    }
    expect(dense.registers()).toEqual([...registers]);
  });

  it(`unites sparse and dense ones (${seed})`, () => {
    for (let round = 0; round < 12; round++) {
      const model = new Uint8Array(REGISTERS);
      const values = Array.from({ length: 1 + random.below(4) }, () => {
        const value = new Value();
        const maxBytes = random.pick([0, USUAL_MAX]);
        for (let i = random.below(800); i >= 0; i--) {
          const data = element(random.below(3000));
          const [index, length] = pattern(data);
          model[index] = Math.max(model[index]!, length);
          value.add(data, maxBytes);
        }
        return value;
      });
      run.hllUnionStart();
      expect(values.every((value) => value.unite())).toBe(true);
      expect(u64(run.hllUnionCount())).toBe(estimate(model));
      const anyDense = values.some((value) => value.isDense);
      for (const first of [undefined, values[0]!]) {
        const hll = first === undefined ? 0 : module.writeAtEnd(first.bytes);
        const at = run.hllUnionWrite(hll, first?.bytes.length ?? 0, anyDense ? 1 : 0, USUAL_MAX);
        const united = new Value(Buffer.from(module.read(at, run.hllBytes.value)));
        expect(united.registers()).toEqual([...model]);
        if (anyDense) expect(united.isDense).toBe(true);
        expect(united.bytes.readBigUInt64LE(8) & CACHE_INVALID).toBe(CACHE_INVALID);
      }
    }
  });
});

describe('strings that are no HyperLogLog', () => {
  const valid = (bytes: Buffer) => run.hllIsValid(module.writeAtEnd(bytes), bytes.length) === 1;

  it('are told by header and size', () => {
    const empty = new Value().bytes;
    expect(valid(empty)).toBe(true);
    for (let length = 0; length < 16; length++) {
      expect(valid(Buffer.from(empty.subarray(0, length)))).toBe(false);
    }
    for (let at = 0; at < 4; at++) {
      const changed = Buffer.from(empty);
      changed[at]! ^= 0x20;
      expect(valid(changed)).toBe(false);
    }
    const dense = Buffer.alloc(DENSE_BYTES);
    empty.copy(dense, 0, 0, 16);
    expect(valid(dense)).toBe(true); // sparse, though its runs are corrupt
    dense[4] = 0;
    expect(valid(dense)).toBe(true);
    dense[4] = 2;
    expect(valid(dense)).toBe(false);
    dense[4] = 0;
    expect(valid(Buffer.from(dense.subarray(1)))).toBe(false);
    expect(valid(Buffer.concat([dense, Buffer.of(0)]))).toBe(false);
  });

  it('are corrupt when their runs cover too little, too much or are cut off', () => {
    const { bytes } = new Value();
    const header = bytes.subarray(0, 16);
    for (const runs of [
      [],
      [0x7f],
      [0x7f, 0xfe],
      [0x7f, 0xff, 0x00],
      [0x00, 0x7f, 0xff],
      [0x7f, 0xfe, 0x83],
      [0x7f, 0xff, 0x7f, 0xff],
    ]) {
      const value = new Value(Buffer.concat([header, Buffer.from(runs)]));
      expect(value.count(), `${runs}`).toBeUndefined();
      run.hllUnionStart();
      expect(value.unite()).toBe(false);
      expect(run.hllToDense(module.writeAtEnd(value.bytes), value.bytes.length, module.base)).toBe(
        0,
      );
      const at = module.writeAtEnd(value.bytes);
      expect(run.hllUnionWrite(at, value.bytes.length, 1, USUAL_MAX)).toBe(0);
    }
    const cut = new Value(Buffer.concat([header, Buffer.of(0x40)]));
    expect(cut.add(element(1))).toBe(CORRUPT);
    expect(new Value(Buffer.from(header)).add(element(1))).toBe(CORRUPT);
  });

  it(`may be damaged anyhow (${seed})`, () => {
    const sample = new Value();
    for (let i = 0; i < 300; i++) sample.add(element(i));
    const guard = 0xa5;
    for (let round = 0; round < 3000; round++) {
      const bytes = Buffer.from(sample.bytes);
      for (let i = random.below(6); i >= 0; i--)
        bytes[16 + random.below(bytes.length - 16)] = random.u32();
      const damaged = new Value(
        random.chance(0.3)
          ? Buffer.from(bytes.subarray(0, 16 + random.below(bytes.length)))
          : bytes,
      );
      damaged.count();
      run.hllUnionStart();
      damaged.unite();

      const hll = module.base + 1000;
      const capacity = damaged.bytes.length + 3;
      module.bytes().fill(guard, hll - 64, hll + capacity + 64);
      module.write(hll, damaged.bytes);
      const s = module.writeAtEnd(element(round));
      run.hllAdd(hll, damaged.bytes.length, capacity, s, element(round).length, USUAL_MAX);
      expect(run.hllBytes.value).toBeLessThanOrEqual(capacity);
      const outside = [module.read(hll - 64, 64), module.read(hll + capacity, 64)];
      expect(outside.every((part) => part.every((byte) => byte === guard))).toBe(true);
    }
  });

  it('count as Redis does when no hash can have set their registers', () => {
    const dense = Buffer.alloc(DENSE_BYTES, 0xff);
    new Value().bytes.copy(dense, 0, 0, 16);
    dense[4] = 0;
    expect(u64(new Value(dense).count()!)).toBe(CACHE_INVALID);
  });
});

describe.skipIf(!realRedisAvailable())('a HyperLogLog beside redis-server', () => {
  async function withServer(body: (client: RespClient) => Promise<void>): Promise<void> {
    const server = await startServer({ kind: 'redis' });
    const client = await RespClient.connect({ port: server.port });
    await body(client);
    await client.close();
    await server.stop();
  }

  async function get(client: RespClient, key: string): Promise<Buffer> {
    const reply = await client.call('GET', key);
    if (reply.kind !== 'bulk') throw new Error(`GET gave ${reply.kind}`);
    return reply.bytes;
  }

  it(`has the same bytes after the same PFADDs, and the same count (${seed})`, async () => {
    await withServer(async (client) => {
      for (let round = 0; round < 12; round++) {
        const maxBytes = random.pick([0, 50, 300, USUAL_MAX, USUAL_MAX, 14_000]);
        await client.call('CONFIG', 'SET', 'hll-sparse-max-bytes', maxBytes);
        await client.call('DEL', 'hll');
        await client.call('PFADD', 'hll');
        const value = new Value();
        value.bytes[15]! |= 0x80; // PFADD that creates it
        const range = random.pick([500, 20_000]);
        for (let step = 0; step < 120; step++) {
          const elements = Array.from({ length: random.between(1, 20) }, () =>
            element(random.below(range)),
          );
          const reply = await client.call('PFADD', 'hll', ...elements);
          const results = elements.map((data) => value.add(data, maxBytes));
          expect(reply).toEqual({ kind: 'integer', value: results.includes(CHANGED) ? 1n : 0n });
          if (random.chance(0.1)) {
            const count = await client.call('PFCOUNT', 'hll');
            const cardinality = value.count()!;
            expect(count).toEqual({ kind: 'integer', value: cardinality });
            value.bytes.writeBigUInt64LE(cardinality, 8);
          }
          expect((await get(client, 'hll')).equals(value.bytes)).toBe(true);
        }
      }
    });
  });

  it(`has the same bytes after PFMERGE (${seed})`, async () => {
    await withServer(async (client) => {
      for (let round = 0; round < 40; round++) {
        const maxBytes = random.pick([300, USUAL_MAX, USUAL_MAX, 14_000]);
        await client.call('CONFIG', 'SET', 'hll-sparse-max-bytes', maxBytes);
        await client.call('FLUSHALL');
        const keys = Array.from({ length: random.between(1, 4) }, (_, i) => `hll${i}`);
        for (const key of keys) {
          if (key === 'hll0' && random.chance(0.3)) continue;
          const elements = Array.from({ length: 1 + random.below(700) }, () =>
            element(random.below(4000)),
          );
          await client.call('PFADD', key, ...elements);
        }
        run.hllUnionStart();
        let dense = false;
        let destination: Value | undefined;
        for (const key of keys) {
          const there = await client.call('EXISTS', key);
          if (there.kind !== 'integer' || there.value === 0n) continue;
          const value = new Value(await get(client, key));
          if (key === 'hll0') destination = value;
          dense ||= value.isDense;
          expect(value.unite()).toBe(true);
        }
        const union = await client.call('PFCOUNT', ...keys, ...keys);
        expect(union).toEqual({ kind: 'integer', value: run.hllUnionCount() });
        await client.call('PFMERGE', ...keys);
        const hll = destination === undefined ? 0 : module.writeAtEnd(destination.bytes);
        const size = destination?.bytes.length ?? 0;
        const at = run.hllUnionWrite(hll, size, dense ? 1 : 0, maxBytes);
        const merged = Buffer.from(module.read(at, run.hllBytes.value));
        expect((await get(client, 'hll0')).equals(merged)).toBe(true);
      }
    });
  });

  it('counts forged registers alike', async () => {
    await withServer(async (client) => {
      for (const fill of [0xff, 0xcc, 0x41, 0]) {
        const forged = Buffer.alloc(DENSE_BYTES, fill);
        new Value().bytes.copy(forged, 0, 0, 16);
        forged[4] = 0;
        forged[15]! |= 0x80;
        await client.call('SET', 'hll', forged);
        const reply = await client.call('PFCOUNT', 'hll');
        const value = BigInt.asIntN(64, new Value(forged).count()!);
        expect(reply).toEqual({ kind: 'integer', value });
      }
    });
  });
});
