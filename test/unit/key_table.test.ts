// The key table against a plain model: a Map from key to value and expiry.

import { describe, expect, it } from 'vitest';
import { loadTestModule, type TestModule } from '../support/assembly.ts';
import { Random } from '../support/random.ts';

interface Exports {
  start(limitPages: number): number;
  setHashSeed(k0: bigint, k1: bigint): void;
  seedRandom(seed: bigint): void;
  hashBytes(ptr: number, len: number): bigint;
  keys(): number;
  expires(): number;
  buckets(): number;
  overflow(): number;
  tablePtr(): number;
  tableBytes(table: number): number;
  insert(keyLen: number, value: bigint, expireAtMs: bigint): number;
  find(keyLen: number): bigint;
  expire(keyLen: number, atMs: bigint): number;
  remove(keyLen: number): number;
  removeOdd(position: bigint): number;
  shrink(steps: number): number;
  scanChain(position: bigint): number;
  nextPosition(position: bigint): bigint;
  random(): bigint;
  empty(keep: number): void;
  verify(): number;
  reverseBits(x: bigint): bigint;
  tryAlloc(bytes: number): number;
  free(ptr: number): void;
  usedBytes(): bigint;
}

const NONE = -1n;
const PAGE_BYTES = 65536;
/** A limit below what the module starts with: it then has its first 16 pages and no more. */
const SMALLEST_LIMIT = 1;

interface Value {
  id: bigint;
  expireAtMs: bigint;
}

/** The table in a module of its own, and the model it is held against. */
class Subject {
  readonly model = new Map<string, Value>();
  readonly core: Exports;
  private readonly module: TestModule<Exports>;
  private readonly scratch: number;
  private nextId = 0n;

  private constructor(module: TestModule<Exports>, scratch: number) {
    this.module = module;
    this.core = module.exports;
    this.scratch = scratch;
  }

  static async create(random: Random, limitPages = 0): Promise<Subject> {
    const module = await loadTestModule<Exports>('key_table', { scratchPages: 0 });
    const scratch = module.exports.start(limitPages) >>> 0;
    module.exports.setHashSeed(random.u64(), random.u64());
    module.exports.seedRandom(random.u64());
    return new Subject(module, scratch);
  }

  hash(key: string): bigint {
    return BigInt.asUintN(64, this.core.hashBytes(this.scratch, this.put(key)));
  }

  /** Adds a new key; false when memory is exhausted. */
  insert(key: string, expireAtMs = NONE): boolean {
    const id = this.nextId;
    if (!this.core.insert(this.put(key), id, expireAtMs)) return false;
    this.nextId += 1n;
    this.model.set(key, { id, expireAtMs });
    return true;
  }

  remove(key: string): void {
    const removed = this.core.remove(this.put(key)) !== 0;
    if (removed !== this.model.delete(key)) throw new Error(`remove ${key}: ${removed}`);
  }

  /** Changes the expiry of a key that is there; false when memory is exhausted. */
  expire(key: string, atMs: bigint): boolean {
    if (!this.core.expire(this.put(key), atMs)) return false;
    this.model.get(key)!.expireAtMs = atMs;
    return true;
  }

  check(key: string): void {
    const found = this.core.find(this.put(key));
    const wanted = this.model.get(key)?.id ?? NONE;
    if (found !== wanted) throw new Error(`${key} has ${found}, not ${wanted}`);
  }

  /** Compares all there is, and has the structure checked. */
  verify(): void {
    expect(this.core.verify()).toBe(0);
    expect(this.core.keys()).toBe(this.model.size);
    let expires = 0;
    for (const [key, { expireAtMs }] of this.model) {
      this.check(key);
      if (expireAtMs !== NONE) expires++;
    }
    expect(this.core.expires()).toBe(expires);
  }

  /** The ids in the chain at a position of the scan order. */
  chain(position: bigint): bigint[] {
    const count = this.core.scanChain(position);
    const view = new DataView(this.module.memory.buffer, this.scratch, count * 8);
    return Array.from({ length: count }, (_, i) => view.getBigInt64(i * 8, true));
  }

  next(position: bigint): bigint {
    return BigInt.asUintN(64, this.core.nextPosition(position));
  }

  someKey(random: Random): string {
    // Maps keep the order of insertion, so any index will do.
    let skip = random.below(Math.min(this.model.size, 50));
    for (const key of this.model.keys()) if (skip-- === 0) return key;
    throw new Error('empty');
  }

  private put(key: string): number {
    return this.module.write(this.scratch, key);
  }
}

/** Keys of all lengths, most of them new; some are long enough for the long form of an entry. */
function freshKey(random: Random, subject: Subject): string {
  for (;;) {
    const key = random.text(random.pick([0, 1, 3, 8, 16, 40]), 'abcdefghijklmnop');
    if (!subject.model.has(key)) return key;
    if (random.chance(0.2)) return `${key}${random.u32()}`;
  }
}

function someExpiry(random: Random): bigint {
  return random.chance(0.5) ? NONE : BigInt(random.u32());
}

describe('random use', () => {
  const random = Random.fresh();

  it(`finds what is there, through growth and decline (seed ${random.seed})`, async () => {
    const subject = await Subject.create(random);
    const { core } = subject;
    const usedByEmpty = core.usedBytes();
    let mostBuckets = 0;
    for (const [target, steps] of [
      [40, 400],
      [12_000, 16_000],
      [300, 20_000],
      [3000, 5000],
      [0, 6000],
    ] as const) {
      for (let step = 0; step < steps; step++) {
        const choice = random.below(10);
        const grow = subject.model.size < target ? choice < 8 : choice < 2;
        if (grow) {
          expect(subject.insert(freshKey(random, subject), someExpiry(random))).toBe(true);
        } else if (subject.model.size > 0) {
          const key = subject.someKey(random);
          if (choice === 9 && target > 0) subject.expire(key, someExpiry(random));
          else subject.remove(key);
        }
        if (step % 50 === 0) subject.check(freshKey(random, subject));
        if (step % 1000 === 0) subject.verify();
      }
      subject.verify();
      mostBuckets = Math.max(mostBuckets, core.buckets());
    }
    for (const key of [...subject.model.keys()]) subject.remove(key);
    subject.verify();
    // More than one segment was in use, and all of it was given back, bar the wider directory.
    expect(mostBuckets).toBeGreaterThan(1024);
    expect(core.buckets()).toBe(1);
    expect(core.usedBytes() - usedByEmpty).toBeLessThanOrEqual(64n);
  });

  it(`keeps its load between two and seven keys per bucket (seed ${random.seed})`, async () => {
    const subject = await Subject.create(random);
    for (let i = 0; i < 20_000; i++) {
      subject.insert(`key:${i}`);
      const load = subject.model.size / subject.core.buckets();
      if (load > 12) throw new Error(`${subject.model.size} keys in ${load}`);
    }
    expect(subject.model.size / subject.core.buckets()).toBeCloseTo(7, 0);
    const bytes = subject.core.tableBytes(subject.core.tablePtr());
    expect(bytes / subject.model.size).toBeLessThan(11);
    for (let i = 0; i < 20_000; i++) {
      subject.remove(`key:${i}`);
      if (subject.core.buckets() > Math.max(1, (subject.model.size + 2) / 2 + 2)) {
        throw new Error(`${subject.model.size} keys in ${subject.core.buckets()} buckets`);
      }
    }
    subject.verify();
  });

  it(`holds many keys whose hashes hardly differ (seed ${random.seed})`, async () => {
    const subject = await Subject.create(random);
    const crowd: string[] = [];
    for (let i = 0; crowd.length < 150; i++) {
      if ((subject.hash(`same:${i}`) & 0xffn) === 0x5an) crowd.push(`same:${i}`);
    }
    for (const [i, key] of crowd.entries()) {
      subject.insert(key, someExpiry(random));
      if (i % 10 === 0) subject.verify();
    }
    expect(subject.core.overflow()).toBeGreaterThan(3);
    for (let i = 0; i < 2000; i++) subject.insert(`other:${i}`);
    subject.verify();
    for (const [i, key] of crowd.entries()) {
      subject.remove(key);
      if (i % 10 === 0) subject.verify();
    }
    for (let i = 0; i < 2000; i++) subject.remove(`other:${i}`);
    subject.verify();
    expect(subject.core.overflow()).toBe(0);
  });

  it(`can be emptied in place and as a whole (seed ${random.seed})`, async () => {
    const subject = await Subject.create(random);
    const usedByEmpty = subject.core.usedBytes();
    for (const size of [0, 5, 100, 8000, 30]) {
      for (let i = 0; i < size; i++) subject.insert(`key:${i}`, someExpiry(random));
      subject.core.empty(1);
      subject.model.clear();
      subject.verify();
      expect(subject.core.buckets()).toBe(1);
      expect(subject.core.usedBytes() - usedByEmpty).toBeLessThanOrEqual(64n);
    }
    const directory = subject.core.usedBytes() - usedByEmpty;
    for (let i = 0; i < 3000; i++) subject.insert(`key:${i}`);
    subject.core.empty(0);
    // Directory and first bucket of the empty table are gone as well.
    expect(subject.core.usedBytes()).toBeLessThan(usedByEmpty - 64n + directory);
  });
});

describe('without memory', () => {
  const random = Random.fresh();

  /** Takes single pages away; they come back with `free`. */
  function takePages(core: Exports, count: number): number[] {
    const pages: number[] = [];
    while (pages.length < count) {
      const ptr = core.tryAlloc(PAGE_BYTES) >>> 0;
      if (ptr === 0) break;
      pages.push(ptr);
    }
    return pages;
  }

  it(`an operation that fails changes nothing (seed ${random.seed})`, async () => {
    const subject = await Subject.create(random, SMALLEST_LIMIT);
    let refusals = 0;
    for (let round = 0; round < 25; round++) {
      const ballast = takePages(subject.core, random.between(4, 11));
      for (let failures = 0; failures < 20; ) {
        const key = freshKey(random, subject);
        const done = random.chance(0.8)
          ? subject.insert(key, someExpiry(random))
          : subject.model.size === 0 || subject.expire(subject.someKey(random), BigInt(round));
        if (done) continue;
        failures++;
        refusals++;
        if (failures % 5 === 0) subject.verify();
      }
      const rest = random.chance(0.3) ? 0 : random.below(subject.model.size);
      for (const key of [...subject.model.keys()].slice(rest)) subject.remove(key);
      subject.verify();
      for (const ptr of ballast) subject.core.free(ptr);
    }
    expect(refusals).toBe(500);
  });

  it(`stays denser while there is no page for more buckets (seed ${random.seed})`, async () => {
    const subject = await Subject.create(random, SMALLEST_LIMIT);
    const { core } = subject;
    // Blocks for entries, and for buckets of chains, that can be had when no page can any more:
    // here and there one stays taken, and its page with it.
    const reserve: number[] = [];
    for (let i = 0; i < 6000; i++) reserve.push(core.tryAlloc(32) >>> 0);
    for (let i = 0; i < 1500; i++) reserve.push(core.tryAlloc(64) >>> 0);
    const pages = takePages(core, 100);
    for (const [i, ptr] of reserve.entries()) if (i % 200 !== 0) core.free(ptr);
    let inserted = 0;
    while (subject.insert(`some-key:${inserted}`)) inserted++;
    subject.verify();
    expect(subject.model.size / core.buckets()).toBeGreaterThan(1000);
    for (const ptr of pages) core.free(ptr);
    // With memory back the table catches up, one split per insert.
    for (let i = 0; i < 3000; i++) expect(subject.insert(`more:${i}`)).toBe(true);
    subject.verify();
    expect(subject.model.size / core.buckets()).toBeLessThan(8);
  });
});

describe('the scan order', () => {
  const random = Random.fresh();

  it('mirrors bits', async () => {
    const { core } = await Subject.create(random);
    const mirror = (x: bigint) =>
      BigInt(`0b${[...x.toString(2).padStart(64, '0')].reverse().join('')}`);
    for (let i = 0; i < 100; i++) {
      const x = random.u64() >> BigInt(random.below(64));
      expect(BigInt.asUintN(64, core.reverseBits(x))).toBe(mirror(x));
    }
  });

  it('passes every chain once, and positions grow', async () => {
    const subject = await Subject.create(random);
    for (let size = 0; size < 3000; size += 1 + (size >> 2)) {
      while (subject.model.size < size) subject.insert(`key:${subject.model.size}`);
      const seen: bigint[] = [];
      let chains = 0;
      for (let position = 0n, next = -1n; next !== 0n; position = next) {
        seen.push(...subject.chain(position));
        chains++;
        next = subject.next(position);
        if (next !== 0n) expect(next).toBeGreaterThan(position);
      }
      expect(chains).toBe(subject.core.buckets());
      expect(new Set(seen).size).toBe(size);
      expect(seen.length).toBe(size);
    }
  });

  it('any position at all can be gone on from', async () => {
    const subject = await Subject.create(random);
    for (let i = 0; i < 500; i++) subject.insert(`key:${i}`);
    for (let i = 0; i < 200; i++) {
      let position = random.u64();
      let steps = 0;
      while (position !== 0n && steps <= subject.core.buckets()) {
        subject.chain(position);
        position = subject.next(position);
        steps++;
      }
      expect(position).toBe(0n);
    }
  });

  it(`a key that stays is met, whatever comes and goes (seed ${random.seed})`, async () => {
    for (let round = 0; round < 12; round++) {
      const subject = await Subject.create(random);
      const staying = random.between(1, 400);
      for (let i = 0; i < staying; i++) subject.insert(`stay:${i}`);
      const others = random.below(3000);
      for (let i = 0; i < others; i++) subject.insert(`other:${i}`);
      const met = new Map<bigint, number>();
      const growing = random.chance(0.5);
      let passing = others;
      for (let position = 0n, next = -1n; next !== 0n; position = next) {
        for (const id of subject.chain(position)) met.set(id, (met.get(id) ?? 0) + 1);
        next = subject.next(position);
        const change = random.below(60);
        for (let i = 0; i < change; i++) {
          if (growing) subject.insert(`other:${passing++}`);
          else if (passing > 0) subject.remove(`other:${--passing}`);
        }
      }
      subject.verify();
      for (let i = 0; i < staying; i++) {
        const times = met.get(subject.model.get(`stay:${i}`)!.id) ?? 0;
        if (times === 0) throw new Error(`round ${round}: stay:${i} was not met`);
        // Only a merge can bring keys back that were passed already.
        if (growing && times > 1) throw new Error(`round ${round}: stay:${i} came ${times} times`);
      }
    }
  });

  it(`a walk may delete as it goes (seed ${random.seed})`, async () => {
    const subject = await Subject.create(random);
    for (let i = 0; i < 5000; i++) subject.insert(`key:${i}`, someExpiry(random));
    let removed = 0;
    for (let position = 0n, next = -1n; next !== 0n; position = next) {
      removed += subject.core.removeOdd(position);
      next = subject.next(position);
      if (random.chance(0.1)) subject.core.shrink(random.below(20));
    }
    for (const [key, { id }] of [...subject.model]) if (id & 1n) subject.model.delete(key);
    expect(removed).toBe(2500);
    subject.verify();
    while (subject.core.shrink(100));
    subject.verify();
  });
});

describe('a random entry', () => {
  const random = Random.fresh();

  it(`is any of them with the same probability (seed ${random.seed})`, async () => {
    for (const size of [1, 2, 13, 40, 300]) {
      const subject = await Subject.create(random);
      for (let i = 0; i < size; i++) subject.insert(`key:${i}`);
      const drawsEach = 400;
      const counts = new Array<number>(size).fill(0);
      for (let i = 0; i < size * drawsEach; i++) counts[Number(subject.core.random())]!++;
      // Chi-square over its degrees of freedom is near 1; ten standard deviations from it is not.
      const chiSquare = counts.reduce((sum, n) => sum + (n - drawsEach) ** 2 / drawsEach, 0);
      const freedom = Math.max(size - 1, 1);
      expect(chiSquare / freedom).toBeLessThan(1 + 10 * Math.sqrt(2 / freedom));
    }
  });

  it('can be drawn from a chain far longer than usual', async () => {
    const subject = await Subject.create(random);
    const crowd: string[] = [];
    for (let i = 0; crowd.length < 100; i++) {
      if ((subject.hash(`same:${i}`) & 0xffn) === 0n) crowd.push(`same:${i}`);
    }
    for (const key of crowd) subject.insert(key);
    const drawn = new Set<bigint>();
    for (let i = 0; i < 5000; i++) drawn.add(subject.core.random());
    expect(drawn.size).toBe(100);
  });
});
