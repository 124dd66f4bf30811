// Goal: records come out in the order asked for, equal ones where they were, and input made to be hard
// for a quicksort costs no more than other input.
// Method: random records with few different keys against the sort of JavaScript, which is stable, and
// a count of comparisons by way of the time limit of a test that would otherwise take minutes.
import { beforeAll, describe, expect, it } from 'vitest';
import { loadTestModule, type TestModule } from '../support/assembly.ts';
import { Random } from '../support/random.ts';

interface Exports {
  allocInit(limitPages: number): void;
  tryAlloc(bytes: number): number;
  free(address: number): void;
  usedBytes(): bigint;
  trySortItems(items: number, count: number, by: number, descend: number): number;
  trySortPart(
    items: number,
    count: number,
    first: number,
    last: number,
    by: number,
    descend: number,
  ): number;
}

interface Item {
  number: number;
  text: string | null;
  index: number;
}

const ITEM_BYTES = 24;
const NUMBER = 0;
const NUMBER_ANY = 1;
const TEXT = 2;

const random = Random.fresh();
const seed = `seed ${random.seed}`;
let module: TestModule<Exports>;
let run: Exports;

beforeAll(async () => {
  module = await loadTestModule<Exports>('lists', { scratchPages: 0 });
  run = module.exports;
  run.allocInit(1024);
});

/** Places records; each stands for the text of its index, which has four digits. */
function place(items: readonly Item[]): { at: number; free(): void } {
  const texts = items.map(({ text, index }) => [
    text === null ? 0 : store(text),
    store(String(index).padStart(4, '0')),
  ]);
  const at = run.tryAlloc(Math.max(items.length, 1) * ITEM_BYTES);
  const view = new DataView(module.bytes().buffer);
  for (const [i, item] of items.entries()) {
    const record = at + i * ITEM_BYTES;
    view.setFloat64(record, item.number, true);
    view.setUint32(record + 8, texts[i]![0]!, true);
    view.setUint32(record + 12, item.text?.length ?? 0, true);
    view.setUint32(record + 16, texts[i]![1]!, true);
    view.setUint32(record + 20, 4, true);
  }
  const free = () => {
    for (const address of texts.flat()) if (address !== 0) run.free(address);
    run.free(at);
  };
  return { at, free };
}

function store(text: string): number {
  const address = run.tryAlloc(Math.max(text.length, 1));
  module.write(address, text);
  return address;
}

function indexes(at: number, count: number): number[] {
  const view = new DataView(module.bytes().buffer);
  return Array.from({ length: count }, (_, i) =>
    Number(module.text(view.getUint32(at + i * ITEM_BYTES + 16, true), 4)),
  );
}

const compare = <T>(a: T, b: T) => (a < b ? -1 : a > b ? 1 : 0);

function compareItems(by: number, a: Item, b: Item): number {
  if (by === NUMBER) return compare(a.number, b.number);
  if (by === NUMBER_ANY) return compare(a.number, b.number) || compare(a.index, b.index);
  if (a.text === null || b.text === null) return compare(a.text !== null, b.text !== null);
  return compare(a.text, b.text);
}

function randomItems(count: number): Item[] {
  const range = random.pick([1, 3, 20, 1_000_000]);
  return Array.from({ length: count }, (_, i) => ({
    number: random.below(range) - range / 2,
    text: random.oneIn(6) ? null : random.text(random.pick([0, 1, 2, 3, 8, 9]), 'ab\0'),
    index: i,
  }));
}

describe('sorting records', () => {
  it(`keeps equal ones in their order (${seed})`, () => {
    for (let round = 0; round < 150; round++) {
      const items = randomItems(random.pick([0, 1, 2, 7, 8, 9, 16, 17, 100, 500]));
      for (const by of [NUMBER, NUMBER_ANY, TEXT]) {
        const descend = random.oneIn(2);
        const placed = place(items);
        expect(run.trySortItems(placed.at, items.length, by, descend ? 1 : 0)).toBe(1);
        const sign = descend ? -1 : 1;
        const expected = [...items].sort((a, b) => sign * compareItems(by, a, b));
        expect(indexes(placed.at, items.length)).toEqual(expected.map(({ index }) => index));
        placed.free();
      }
    }
  });

  it(`finds the wanted part of the result (${seed})`, () => {
    for (let round = 0; round < 300; round++) {
      const items = randomItems(random.between(1, 400));
      const first = random.below(items.length);
      const last = random.between(first, items.length - 1);
      const descend = random.oneIn(2);
      const placed = place(items);
      const sorted = run.trySortPart(
        placed.at,
        items.length,
        first,
        last,
        NUMBER_ANY,
        descend ? 1 : 0,
      );
      expect(sorted).toBe(1);
      const sign = descend ? -1 : 1;
      const expected = [...items].sort((a, b) => sign * compareItems(NUMBER_ANY, a, b));
      const found = indexes(placed.at, items.length);
      expect(found.slice(first, last + 1)).toEqual(
        expected.slice(first, last + 1).map(({ index }) => index),
      );
      expect([...found].sort((a, b) => a - b)).toEqual(items.map(({ index }) => index));
      placed.free();
    }
  });

  it('is not slow where a quicksort would be', () => {
    const count = 9000;
    const shapes: ((i: number) => number)[] = [
      (i) => i,
      (i) => 0 - i,
      () => 1,
      (i) => Math.min(i, count - i),
      (i) => (i % 2 === 0 ? i : count - i),
      // The odd ones first, so that medians of three are small again and again.
      (i) => (i < count / 2 ? (i % 2 === 0 ? i : count / 2 + i) : 2 * (i - count / 2)),
    ];
    for (const shape of shapes) {
      const items = Array.from({ length: count }, (_, index) => ({
        number: shape(index),
        text: null,
        index,
      }));
      const placed = place(items);
      expect(run.trySortPart(placed.at, count, 0, count - 2, NUMBER, 0)).toBe(1);
      const view = new DataView(module.bytes().buffer);
      const numbers = items.map((_, i) => view.getFloat64(placed.at + i * ITEM_BYTES, true));
      expect(numbers).toEqual(items.map(({ number }) => number).sort((a, b) => a - b));
      placed.free();
    }
  });

  it('without memory changes nothing', () => {
    const items = randomItems(100);
    const placed = place(items);
    const taken: number[] = [];
    const sizes = Array.from({ length: 8 }, (_, i) => 1 << (22 - i));
    for (const bytes of [...sizes, items.length * ITEM_BYTES]) {
      for (let at = run.tryAlloc(bytes); at !== 0; at = run.tryAlloc(bytes)) taken.push(at);
    }
    const before = indexes(placed.at, items.length);
    expect(run.trySortItems(placed.at, items.length, NUMBER, 0)).toBe(0);
    expect(run.trySortPart(placed.at, items.length, 0, 5, NUMBER, 0)).toBe(0);
    expect(indexes(placed.at, items.length)).toEqual(before);
    for (const at of taken) run.free(at);
    expect(run.trySortItems(placed.at, items.length, NUMBER, 0)).toBe(1);
    placed.free();
  });
});
