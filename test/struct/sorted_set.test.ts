// The structure behind large sorted sets, against a sorted array.

import { describe, expect, it } from 'vitest';
import { loadTestModule, type TestModule } from '../support/assembly.ts';
import { Random } from '../support/random.ts';

const LEX_FIRST = 0;
const LEX_INCLUSIVE = 1;
const LEX_EXCLUSIVE = 2;
const LEX_LAST = 3;

interface Exports {
  allocInit(limitPages: number): void;
  tryAlloc(bytes: number): number;
  usedBytes(): bigint;
  hashBytes(ptr: number, len: number): bigint;
  tryZslNew(expected: number): number;
  tryZslCopy(z: number): number;
  zslFree(z: number): void;
  zslFreeStep(z: number, budget: number): number;
  zslBytes(z: number): number;
  zslVerify(z: number): void;
  zslLength(z: number): number;
  zslFind(z: number, ptr: number, len: number): number;
  tryZslInsert(z: number, ptr: number, len: number, hash: bigint, score: number): number;
  tryZslUpdate(z: number, m: number, score: number): number;
  zslRemoveFound(z: number, m: number): void;
  zslRank(z: number, m: number): number;
  zslCountBelow(z: number, score: number, inclusive: boolean): number;
  zslScoreRange(
    z: number,
    min: number,
    minExclusive: boolean,
    max: number,
    maxExclusive: boolean,
  ): void;
  zslLexRange(
    z: number,
    minKind: number,
    minPtr: number,
    minLen: number,
    maxKind: number,
    maxPtr: number,
    maxLen: number,
  ): void;
  rangeFrom: { value: number };
  rangeCount: { value: number };
  zslSeek(z: number, rank: number): bigint;
  zslNext(position: bigint): bigint;
  zslPrev(position: bigint): bigint;
  zslMember(position: bigint): number;
  zslScore(position: bigint): number;
  zslRemoveRange(z: number, from: number, count: number): number;
  memberLen(m: number): number;
  memberPtr(m: number): number;
  memberScore(m: number): number;
  treeBytes(z: number): number;
  treeHeight(z: number): number;
}

interface Item {
  member: string;
  score: number;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compare(a: Item, b: Item): number {
  return a.score === b.score ? compareText(a.member, b.member) : a.score < b.score ? -1 : 1;
}

/** A sorted set with strings in and out. */
class SortedSet {
  readonly core: Exports;
  readonly module: TestModule<Exports>;
  readonly buffer: number;
  readonly emptyBytes: bigint;
  ptr: number;

  private constructor(module: TestModule<Exports>) {
    this.module = module;
    this.core = module.exports;
    this.buffer = this.core.tryAlloc(4096) >>> 0;
    this.emptyBytes = this.core.usedBytes();
    this.ptr = this.core.tryZslNew(0);
  }

  static async open(limitPages = 0): Promise<SortedSet> {
    const module = await loadTestModule<Exports>('sorted_set', { scratchPages: 0 });
    module.exports.allocInit(limitPages);
    return new SortedSet(module);
  }

  put(text: string, at = 0): [ptr: number, len: number] {
    return [this.buffer + at, this.module.write(this.buffer + at, text)];
  }

  find(member: string): number {
    return this.core.zslFind(this.ptr, ...this.put(member)) >>> 0;
  }

  /** Adds a member or changes its score; false when memory ran out. */
  set(member: string, score: number): boolean {
    const found = this.find(member);
    if (found !== 0) return this.core.tryZslUpdate(this.ptr, found, score) !== 0;
    const [ptr, len] = this.put(member);
    const hash = this.core.hashBytes(ptr, len);
    return this.core.tryZslInsert(this.ptr, ptr, len, hash, score) !== 0;
  }

  remove(member: string): boolean {
    const found = this.find(member);
    if (found !== 0) this.core.zslRemoveFound(this.ptr, found);
    return found !== 0;
  }

  item(position: bigint): Item {
    const m = this.core.zslMember(position);
    const member = this.module.text(this.core.memberPtr(m) >>> 0, this.core.memberLen(m));
    return { member, score: this.core.zslScore(position) };
  }

  /** Up to `count` items from a rank on. */
  items(from = 0, count = Number.POSITIVE_INFINITY, reverse = false): Item[] {
    const found: Item[] = [];
    let at = this.core.zslSeek(this.ptr, from);
    while (at !== 0n && found.length < count) {
      found.push(this.item(at));
      at = reverse ? this.core.zslPrev(at) : this.core.zslNext(at);
    }
    return found;
  }

  range(): Item[] {
    const { rangeFrom, rangeCount } = this.core;
    if (rangeCount.value === 0) return [];
    return this.items(rangeFrom.value >>> 0, rangeCount.value >>> 0);
  }

  get size(): number {
    return this.core.zslLength(this.ptr);
  }

  /** Checks invariants, and that the bytes it reports are those it took. */
  verify(): void {
    this.core.zslVerify(this.ptr);
    const taken = this.core.usedBytes() - this.emptyBytes;
    expect(this.core.zslBytes(this.ptr)).toBe(Number(taken));
  }
}

const SCORES = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 0, -0, 1e308, 5e-324, -1.5];

function randomScore(random: Random): number {
  const dice = random.below(10);
  if (dice === 0) return random.pick(SCORES);
  return dice < 6 ? random.below(50) : random.u32() / 7 - 3e8;
}

describe('a sorted set', () => {
  it('keeps the order of Redis through every kind of change', async () => {
    const random = Random.fresh();
    console.log(`seed ${random.seed}`);
    const set = await SortedSet.open();
    const model = new Map<string, number>();
    const check = () => {
      set.verify();
      const sorted = [...model].map(([member, score]) => ({ member, score })).sort(compare);
      expect(set.size).toBe(sorted.length);
      expect(set.items()).toEqual(sorted);
      expect(set.items(sorted.length - 1, 1e9, true)).toEqual([...sorted].reverse());
      for (let n = 0; n < 50 && sorted.length > 0; n++) {
        const rank = random.below(sorted.length);
        const item = sorted[rank] as Item;
        expect(set.core.zslRank(set.ptr, set.find(item.member))).toBe(rank);
        expect(set.item(set.core.zslSeek(set.ptr, rank))).toEqual(item);
        expect(Object.is(set.core.memberScore(set.find(item.member)), item.score)).toBe(true);
      }
    };
    for (let step = 0; step < 12_000; step++) {
      const member = random.text(1 + random.below(4), 'abcdef\0\xff');
      const shrinking = (step / 3000) % 2 >= 1;
      const old = model.get(member);
      if (random.chance(shrinking ? 0.7 : 0.2)) {
        if (set.remove(member) !== (old !== undefined)) expect.fail(`removal of ${member}`);
        model.delete(member);
      } else {
        const score = randomScore(random);
        if (!set.set(member, score)) expect.fail('out of memory');
        // A score that is equal does not replace the old one: -0 stays -0.
        if (old !== score) model.set(member, score);
      }
      if (step % 1000 === 0) check();
    }
    check();
    set.core.zslFree(set.ptr);
    expect(set.core.usedBytes()).toBe(set.emptyBytes);
  });

  it('counts and finds ranges of scores, ends included or not', async () => {
    const random = Random.fresh();
    console.log(`seed ${random.seed}`);
    const set = await SortedSet.open();
    const model: Item[] = [];
    for (let i = 0; i < 2000; i++) model.push({ member: `m${i}`, score: randomScore(random) });
    for (const { member, score } of model) set.set(member, score);
    model.sort(compare);
    for (let n = 0; n < 400; n++) {
      const min = randomScore(random);
      const max = randomScore(random);
      const minExclusive = random.chance(0.5);
      const maxExclusive = random.chance(0.5);
      set.core.zslScoreRange(set.ptr, min, minExclusive, max, maxExclusive);
      const expected = model.filter(
        ({ score }) =>
          (minExclusive ? score > min : score >= min) &&
          (maxExclusive ? score < max : score <= max),
      );
      expect(set.range()).toEqual(expected);
      expect(set.core.rangeCount.value).toBe(expected.length);
    }
  });

  it('counts and finds ranges by lex when all scores are the same', async () => {
    const random = Random.fresh();
    console.log(`seed ${random.seed}`);
    const set = await SortedSet.open();
    const model = new Set<string>();
    const text = () => random.text(random.below(5), 'ab\0\xff');
    for (let i = 0; i < 1500; i++) model.add(text());
    // Zero and minus zero are the same score.
    for (const member of model) set.set(member, random.chance(0.5) ? 0 : -0);
    const sorted = [...model].sort(compareText);
    expect(set.items().map(({ member }) => member)).toEqual(sorted);
    for (let n = 0; n < 400; n++) {
      const [min, max] = [text(), text()];
      const minKind = random.pick([LEX_FIRST, LEX_INCLUSIVE, LEX_EXCLUSIVE, LEX_LAST]);
      const maxKind = random.pick([LEX_FIRST, LEX_INCLUSIVE, LEX_EXCLUSIVE, LEX_LAST]);
      const low = set.put(min);
      set.core.zslLexRange(set.ptr, minKind, ...low, maxKind, ...set.put(max, 100));
      const expected = sorted.filter((member) => {
        const a = compareText(member, min);
        const b = compareText(member, max);
        const aboveMin = [true, a >= 0, a > 0, false][minKind];
        const belowMax = [false, b <= 0, b < 0, true][maxKind];
        return aboveMin && belowMax;
      });
      expect(set.range().map(({ member }) => member)).toEqual(expected);
    }
  });

  it('answers a range by lex over different scores with some range', async () => {
    const random = Random.fresh();
    console.log(`seed ${random.seed}`);
    const set = await SortedSet.open();
    for (let i = 0; i < 1000; i++) set.set(`m${random.below(100_000)}`, random.below(100));
    for (let n = 0; n < 300; n++) {
      const low = set.put(`m${random.below(100_000)}`);
      const high = set.put(`m${random.below(100_000)}`, 100);
      set.core.zslLexRange(set.ptr, LEX_INCLUSIVE, ...low, LEX_EXCLUSIVE, ...high);
      const { rangeFrom, rangeCount } = set.core;
      expect(rangeFrom.value + rangeCount.value).toBeLessThanOrEqual(set.size);
    }
  });

  it('removes ranges of any length anywhere', async () => {
    const random = Random.fresh();
    console.log(`seed ${random.seed}`);
    for (let round = 0; round < 12; round++) {
      const set = await SortedSet.open();
      const model: Item[] = [];
      const count = random.pick([1, 30, 300, 6000]);
      for (let i = 0; i < count; i++) model.push({ member: `m${i}`, score: random.below(count) });
      for (const { member, score } of model) set.set(member, score);
      model.sort(compare);
      while (model.length > 0) {
        const from = random.below(model.length);
        const length = random.pick([1, 2, 10, 50, 500, 1e6]);
        const removed = model.splice(from, length);
        expect(set.core.zslRemoveRange(set.ptr, from, length)).toBe(removed.length);
        if (random.chance(0.1)) set.verify();
        expect(set.items(0, 30)).toEqual(model.slice(0, 30));
      }
      expect(set.core.zslRemoveRange(set.ptr, 0, 10)).toBe(0);
      set.verify();
      expect(set.set('again', 1)).toBe(true);
      expect(set.items()).toEqual([{ member: 'again', score: 1 }]);
    }
  });

  it('stays balanced and dense in whatever order it is filled and emptied', async () => {
    const count = 20_000;
    const orders: [name: string, score: (i: number) => number, bytes: number][] = [
      ['ascending', (i) => i, 13.5],
      ['descending', (i) => -i, 13.5],
      ['both ends', (i) => (i % 2 === 0 ? i : -i), 13.5],
      ['inwards', (i) => (i % 2 === 0 ? i : 2 * count - i), 21],
      ['scattered', (i) => (i * 7919) % count, 18],
    ];
    for (const [name, score, bytes] of orders) {
      const set = await SortedSet.open();
      for (let i = 0; i < count; i++) set.set(`m${i}`, score(i));
      set.core.zslVerify(set.ptr);
      expect(set.core.treeBytes(set.ptr) / count, name).toBeLessThan(bytes);
      expect(set.core.treeHeight(set.ptr), name).toBeLessThanOrEqual(3);
      // Every member but each 50th goes, in the order it came.
      for (let i = 0; i < count; i++) if (i % 50 !== 0) set.remove(`m${i}`);
      set.verify();
      expect(set.core.treeBytes(set.ptr) / set.size, name).toBeLessThan(40);
      expect(set.core.treeHeight(set.ptr), name).toBeLessThanOrEqual(2);
    }
  });

  it('works as a queue without growing', async () => {
    const set = await SortedSet.open();
    for (let i = 0; i < 300; i++) set.set(`m${i}`, i);
    const before = set.core.zslBytes(set.ptr);
    for (let i = 300; i < 30_000; i++) {
      set.set(`m${i}`, i);
      expect(set.core.zslRemoveRange(set.ptr, 0, 1)).toBe(1);
    }
    set.verify();
    expect(set.core.zslBytes(set.ptr)).toBeLessThan(before * 1.25);
  });

  it('leaves everything as it was when memory runs out', async () => {
    const random = Random.fresh();
    console.log(`seed ${random.seed}`);
    const set = await SortedSet.open(64);
    const model = new Map<string, number>();
    // In order, so that the tree is dense and soon needs nodes when scores change.
    for (let i = 0; set.set(`member:${i}`, i); i++) model.set(`member:${i}`, i);
    set.verify();
    const refused = { inserts: 0, updates: 0 };
    for (let step = 0; step < 20_000; step++) {
      const member = `member:${random.below(2 * model.size)}`;
      if (random.chance(0.1)) {
        if (set.remove(member) !== model.has(member)) expect.fail(`removal of ${member}`);
        model.delete(member);
        continue;
      }
      const score = random.below(30_000);
      if (set.set(member, score)) model.set(member, score);
      else refused[model.has(member) ? 'updates' : 'inserts']++;
      if (step % 4000 === 0) set.verify();
    }
    expect(refused.inserts).toBeGreaterThan(10);
    expect(refused.updates).toBeGreaterThan(10);
    const sorted = [...model].map(([member, score]) => ({ member, score })).sort(compare);
    expect(set.items()).toEqual(sorted);
    const copied = set.core.usedBytes();
    expect(set.core.tryZslCopy(set.ptr)).toBe(0);
    expect(set.core.usedBytes()).toBe(copied);
    set.verify();
    set.core.zslFree(set.ptr);
    expect(set.core.usedBytes()).toBe(set.emptyBytes);
  });

  it('takes at most 0.6 of what a member costs in Redis', async () => {
    const random = new Random(1);
    for (const count of [300, 2000, 50_000]) {
      const set = await SortedSet.open();
      for (let i = 0; i < count; i++) set.set(`member:${String(i).padStart(9, '0')}`, random.u32());
      // Redis 7.0.15 takes 125.7 bytes for such a member of a million.
      expect(set.core.zslBytes(set.ptr) / count).toBeLessThan(0.6 * 125.7);
    }
  });

  it('copies itself, sharing nothing', async () => {
    const set = await SortedSet.open();
    for (let i = 0; i < 1000; i++) set.set(`m${i}`, i % 10);
    const items = set.items();
    const copy = set.core.tryZslCopy(set.ptr);
    set.core.zslFree(set.ptr);
    set.ptr = copy;
    set.verify();
    expect(set.items()).toEqual(items);
  });

  it('is freed in steps', async () => {
    const set = await SortedSet.open();
    for (let i = 0; i < 5000; i++) set.set(`m${i}`, i);
    let steps = 0;
    while (!set.core.zslFreeStep(set.ptr, 50)) steps++;
    expect(steps).toBeGreaterThan(90);
    expect(set.core.usedBytes()).toBe(set.emptyBytes);
  });
});
