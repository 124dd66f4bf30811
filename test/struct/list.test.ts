// Goal: a list holds what an array would after any commands, in whatever nodes and however compressed.
// Method: random commands with many limits, depths and thresholds; after each, all nodes are read
// from memory and every invariant is checked.
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../support/random.ts';
import { encodeListpack, Harness } from './model.ts';
import { HEAD, type ListExports, ListUnderTest, listElement, TAIL } from './quicklist_model.ts';

const random = Random.fresh();
const seed = `seed ${random.seed}`;
let harness: Harness<ListExports>;
let run: ListExports;

beforeAll(async () => {
  harness = await Harness.load<ListExports>();
  run = harness.exports;
});

const word = (text: string) => Buffer.from(text);
const words = (count: number, prefix = 'element:') =>
  Array.from({ length: count }, (_, i) => word(`${prefix}${String(i).padStart(12, '0')}`));

function fromWords(elements: readonly Buffer[]): ListUnderTest {
  const list = new ListUnderTest(harness);
  for (const element of elements) {
    list.grow([element]);
    list.push(element, TAIL);
  }
  return list;
}

/** One random command on both. */
function command(list: ListUnderTest, model: Buffer[], longest: number): void {
  const element = listElement(random, longest);
  const index = random.below(model.length);
  switch (model.length === 0 ? 0 : random.below(13)) {
    case 0:
    case 1:
    case 2: {
      const elements = Array.from({ length: random.between(1, 3) }, () =>
        listElement(random, longest),
      );
      const end = random.pick([HEAD, TAIL]);
      list.grow(elements);
      for (const one of elements) {
        list.push(one, end);
        if (end === HEAD) model.unshift(one);
        else model.push(one);
      }
      return;
    }
    case 3:
    case 4: {
      const end = random.pick([HEAD, TAIL]);
      expect(list.pop(end)).toEqual(end === HEAD ? model.shift() : model.pop());
      break;
    }
    case 5:
    case 6:
    case 7: {
      const pivot = random.chance(0.8) ? model[index]! : element;
      const after = random.chance(0.5);
      const at = model.findIndex((one) => one.equals(pivot));
      list.grow([element]);
      expect(list.insert(pivot, element, after)).toBe(at >= 0);
      if (at >= 0) model.splice(at + (after ? 1 : 0), 0, element);
      return;
    }
    case 8:
    case 9:
      list.grow([element]);
      list.replace(random.chance(0.5) ? index : index - model.length, element);
      model[index] = element;
      break;
    case 10: {
      const count = random.pick([0, 1, 2, -1, -2, 1, -1, 100, -100]);
      const wanted = random.chance(0.8) ? model[index]! : element;
      let matches = model.flatMap((one, i) => (one.equals(wanted) ? [i] : []));
      if (count > 0) matches = matches.slice(0, count);
      if (count < 0) matches = matches.slice(count);
      expect(list.remove(wanted, count)).toBe(matches.length);
      for (const i of matches.reverse()) model.splice(i, 1);
      break;
    }
    case 11: {
      const count = random.chance(0.02) ? 0xffffffff : random.below(random.chance(0.1) ? 50 : 5);
      list.deleteRange(random.chance(0.5) ? index : index - model.length, count);
      model.splice(index, count);
      break;
    }
    default: {
      const backwards = random.chance(0.5);
      const from = random.chance(0.5) ? index : index - model.length;
      const expected = backwards ? model.slice(0, index + 1).reverse() : model.slice(index);
      expect(list.walk(from, backwards)).toEqual(expected);
      return;
    }
  }
  list.shrink();
}

describe('list', () => {
  it(`holds what an array holds after any commands (${seed})`, () => {
    for (let round = 0; round < 40; round++) {
      const fill = random.pick([-1, -2, -3, -5, -9, 0, 1, 2, 3, 5, 20, 128]);
      const depth = random.pick([0, 0, 1, 1, 2, 3, 5]);
      const longest = fill < 0 ? random.pick([300, 2000]) : random.pick([10, 70, 1000]);
      const threshold = random.pick([0, 0, 5, 50, 200, 1500]);
      run.listSetOptions(fill, depth);
      expect(run.quicklistSetPackedThreshold(BigInt(threshold))).toBe(1);
      const model: Buffer[] = [];
      const list = new ListUnderTest(harness);
      for (let i = random.pick([0, 30, 200]); i > 0; i--) {
        const element = listElement(random, longest);
        list.grow([element]);
        list.push(element, TAIL);
        model.push(element);
      }
      const story = `fill ${fill}, depth ${depth}, longest ${longest}, threshold ${threshold}, ${seed}`;
      for (let step = 0; step < 150; step++) {
        try {
          command(list, model, longest);
          list.verify(model);
        } catch (error) {
          throw new Error(`step ${step} with ${story}`, { cause: error });
        }
      }
      const bytes = Number(run.listBytes(list.list, 0));
      expect(harness.usedBytes()).toBe(bytes);
      const copy = new ListUnderTest(harness, run.listDup(list.list));
      list.free();
      copy.verify(model);
      copy.free();
      expect(harness.usedBytes()).toBe(0);
    }
    run.quicklistSetPackedThreshold(0n);
  });

  it('becomes a quicklist beyond the limit of a node and a listpack again at half of it', () => {
    for (const [fill, most, half] of [
      [-1, 511, 255],
      [-2, 1023, 511],
      [-3, 2047, 1023],
      [128, 128, 64],
      [1, 1, 0],
      [0, 1, 0],
    ] as const) {
      // Each takes eight bytes beside the six of the header and one for the end.
      const element = word('sixsix');
      run.listSetOptions(fill, 0);
      const list = new ListUnderTest(harness);
      let count = 0;
      while (!list.isQuicklist) {
        list.grow([element]);
        list.push(element, TAIL);
        count++;
      }
      // What is added counts without its overhead of two bytes.
      expect(count, `fill ${fill}`).toBe(most + 1);
      while (list.isQuicklist && count > 0) {
        list.pop(TAIL);
        list.shrink();
        count--;
      }
      expect(count, `fill ${fill}`).toBe(half);
      list.free();
    }
  });

  it('is given the encoding its size calls for when it was built', () => {
    run.listSetOptions(4, 0);
    const elements = words(4);
    const list = run.quicklistNew(4, 0);
    expect(run.quicklistAppendListpack(list, harness.allocBytes(encodeListpack(elements)))).toBe(1);
    const small = new ListUnderTest(harness, run.listAuto(list));
    expect(small.isQuicklist).toBe(false);
    small.verify(elements);
    run.listSetOptions(3, 0);
    const large = new ListUnderTest(harness, run.listAuto(small.list));
    expect(large.isQuicklist).toBe(true);
    large.verify(elements);
    large.free();
    const empty = new ListUnderTest(harness, run.listAuto(run.quicklistNew(4, 0)));
    expect([empty.isQuicklist, run.listLength(empty.list)]).toEqual([true, 0]);
    empty.free();
  });

  it('takes nodes as a file has them: listpacks of any size, plain elements', () => {
    run.listSetOptions(-2, 1);
    const parts = [words(5), words(700, 'other:'), [Buffer.alloc(300, 120)], words(3, 'last:')];
    const list = new ListUnderTest(harness, run.quicklistNew(-2, 1));
    for (const part of parts) {
      if (part.length === 1) {
        expect(run.quicklistAppendPlain(list.list, harness.allocBytes(part[0]!), 300)).toBe(1);
      } else {
        const lp = harness.allocBytes(encodeListpack(part));
        expect(run.quicklistAppendListpack(list.list, lp)).toBe(1);
      }
    }
    list.verify(parts.flat());
    expect(list.nodes().map(({ plain }) => plain)).toEqual([false, false, true, false]);
    expect(list.nodes().map(({ compressed }) => compressed)).toEqual([false, true, true, false]);
    list.free();
  });

  it('takes a listpack of more elements than its header can tell', () => {
    run.listSetOptions(-5, 0);
    const elements = Array.from({ length: 70_000 }, (_, i) => word(`${i % 10}`));
    const list = new ListUnderTest(harness, run.quicklistNew(-5, 0));
    run.quicklistAppendListpack(list.list, harness.allocBytes(encodeListpack(elements)));
    list.pop(HEAD);
    list.pop(TAIL);
    list.replace(40_000, word('x'));
    list.deleteRange(50_000, 19_000);
    const model = elements.slice(1, -1);
    model[40_000] = word('x');
    model.splice(50_000, 19_000);
    list.verify(model);
    list.free();
  });

  it('serves as a queue in either direction without copying itself for each element', () => {
    run.listSetOptions(-2, 0);
    for (const [enter, leave] of [
      [HEAD, TAIL],
      [TAIL, HEAD],
    ] as const) {
      const list = fromWords(words(500));
      const model = list.walk();
      for (let i = 0; i < 5000; i++) {
        const element = word(`job ${i}`);
        list.push(element, enter);
        if (enter === HEAD) model.unshift(element);
        else model.push(element);
        expect(list.pop(leave)).toEqual(leave === HEAD ? model.shift() : model.pop());
        if (i % 100 === 0) list.verify(model);
      }
      list.verify(model);
      list.free();
    }
  });

  it('holds elements too large for the gap at its head', () => {
    run.listSetOptions(-5, 0);
    const list = new ListUnderTest(harness, run.quicklistNew(-5, 0));
    const model: Buffer[] = [];
    for (let i = 0; i < 6; i++) {
      const element = i % 2 === 0 ? Buffer.alloc(200_000, i) : word('small');
      list.push(element, HEAD);
      model.unshift(element);
      list.verify(model);
    }
    while (model.length > 0) {
      expect(list.pop(HEAD).equals(model.shift()!)).toBe(true);
      list.verify(model);
    }
    list.free();
  });

  it('drops a head that is too large for the gap', () => {
    run.listSetOptions(-5, 0);
    for (const rest of [3, 100]) {
      const model = words(rest);
      const list = new ListUnderTest(harness, run.quicklistNew(-5, 0));
      for (const element of model) list.push(element, TAIL);
      // Replacing is not bound by the limit, so these stay in a node with others.
      for (const [i, size] of [
        [0, 150_000],
        [1, 60_000],
        [2, 60_000],
      ] as const) {
        list.replace(i, Buffer.alloc(size, 98));
        model[i] = Buffer.alloc(size, 98);
        list.verify(model);
      }
      expect(list.nodes().length).toBe(1);
      while (model.length > 0) {
        expect(list.pop(HEAD).equals(model.shift()!)).toBe(true);
        list.verify(model);
      }
      list.free();
    }
  });

  it('is freed in steps', () => {
    run.listSetOptions(1, 0);
    const list = fromWords(words(100));
    let steps = 1;
    while (run.listFreeStep(list.list, 7) === 0) steps++;
    expect(steps).toBe(15);
    expect(harness.usedBytes()).toBe(0);
  });

  it('estimates its size from some nodes', () => {
    run.listSetOptions(-2, 0);
    const list = fromWords(words(20_000));
    const exact = Number(run.listBytes(list.list, 0));
    expect(exact).toBe(harness.usedBytes());
    const estimated = Number(run.listBytes(list.list, 3));
    expect(Math.abs(estimated - exact)).toBeLessThan(exact * 0.1);
    list.free();
  });

  it('refuses thresholds near 4 GiB', () => {
    expect(run.quicklistSetPackedThreshold(2n ** 32n - 2n ** 20n + 1n)).toBe(0);
    expect(run.quicklistSetPackedThreshold(2n ** 32n - 2n ** 20n)).toBe(1);
    expect(run.quicklistSetPackedThreshold(0n)).toBe(1);
  });
});

describe('cold nodes', () => {
  /** Nodes at each end that are never cold. */
  const END_NODES = 64;

  it('make a long list of similar elements smaller, and nobody else notices', () => {
    run.listSetOptions(-2, 0);
    const elements = words(80_000);
    const list = fromWords(elements);
    list.verify(elements, { strictCompression: false });
    const nodes = list.nodes();
    nodes.forEach(({ compressed }, i) => {
      expect(compressed).toBe(i >= END_NODES && i < nodes.length - END_NODES);
    });
    expect(Number(run.listBytes(list.list, 0))).toBeLessThan(0.75 * 22 * elements.length);

    const model = [...elements];
    const middle = 40_000;
    list.replace(middle, word('changed'));
    model[middle] = word('changed');
    expect(list.insert(model[middle + 1000]!, word('inserted'), true)).toBe(true);
    model.splice(middle + 1001, 0, word('inserted'));
    list.deleteRange(middle + 2000, 3000);
    model.splice(middle + 2000, 3000);
    expect(list.remove(model[middle - 5000]!, 0)).toBe(1);
    model.splice(middle - 5000, 1);
    list.verify(model, { strictCompression: false });
    expect(list.walk(middle, false, 10)).toEqual(model.slice(middle, middle + 10));
    expect(list.walk(-10, true, 30_000)).toEqual(model.slice(-30_009, -9).reverse());

    // From both ends to nothing: cold nodes become the ends.
    while (model.length > 0) {
      const end = model.length % 3 === 0 ? HEAD : TAIL;
      const expected = end === HEAD ? model.shift()! : model.pop()!;
      if (model.length % 64 === 0) expect(list.peek(end).equals(expected)).toBe(true);
      list.list = run.listPop(list.list, end) >>> 0;
    }
    expect(run.listLength(list.list)).toBe(0);
    list.free();
    expect(harness.usedBytes()).toBe(0);
  });

  it('give an element to a list that is about to be decompressed itself', () => {
    run.listSetOptions(-2, 0);
    /** A list whose first node is cold, and its elements. */
    const drained = (prefix: string): [ListUnderTest, Buffer[]] => {
      const model = words(80_000, prefix);
      const list = fromWords(model);
      const [coldAt] = list.nodes().flatMap(({ compressed }, i) => (compressed ? [i] : []));
      const above = list.nodes().slice(0, coldAt);
      for (let count = above.reduce((sum, node) => sum + node.count, 0); count > 0; count--) {
        list.list = run.listPop(list.list, HEAD) >>> 0;
        model.shift();
      }
      expect(list.nodes()[0]!.compressed).toBe(true);
      return [list, model];
    };
    // Shorter elements than those of the other list, so that one fits its first node.
    const [from, fromModel] = drained('e');
    const [to, toModel] = drained('another:');
    const before = to.nodes().length;
    const element = run.listPeek(from.list, HEAD);
    expect(run.listPush(to.list, element, run.listValueLen.value, HEAD)).not.toBe(0);
    expect(to.walk(0, false, 2)).toEqual([fromModel[0], toModel[0]]);
    expect(to.nodes().length).toBe(before);
    from.free();
    to.free();
  });

  it('are few where elements do not compress, and none where elements are long', () => {
    run.listSetOptions(-2, 0);
    const elements = Array.from({ length: 80_000 }, () => Buffer.from(random.bytes(20)));
    const list = fromWords(elements);
    const tried = list.nodes().filter(({ compressed, keepRaw }) => compressed || keepRaw);
    expect(tried.length).toBeGreaterThan(0);
    expect(tried.length).toBeLessThan(15);
    list.verify(elements, { strictCompression: false });
    list.free();

    const long = fromWords(Array.from({ length: 20_000 }, (_, i) => Buffer.alloc(200, i)));
    expect(long.nodes().length).toBeGreaterThan(400);
    expect(long.nodes().filter(({ compressed }) => compressed)).toEqual([]);
    long.free();
  });
});

describe('a list without memory', () => {
  it(`stays as it was when a command fails (${seed})`, async () => {
    let failures = 0;
    for (let round = 0; round < 20; round++) {
      const small = await Harness.small<ListExports>();
      const fill = random.pick([-2, -1, 3, 20, 128]);
      const depth = random.pick([0, 1, 1, 2]);
      small.exports.listSetOptions(fill, depth);
      small.exports.quicklistSetPackedThreshold(random.chance(0.5) ? 0n : 600n);
      const size = random.pick([10, 400, 1500]);
      const model = Array.from({ length: size }, () => listElement(random, 60));
      const list = new ListUnderTest(small);
      for (const element of model) {
        list.grow([element]);
        list.push(element, TAIL);
      }
      const large = Buffer.alloc(random.pick([40, 500, 3000]), 99);
      small.put(large);
      small.put(large, 'pivot');
      small.put('', 'integer');
      const restore = small.exhaust();
      for (let step = 0; step < 60 && model.length > 0; step++) {
        const index = random.below(model.length);
        const before = [...model];
        try {
          switch (random.below(5)) {
            case 0:
              list.push(large, HEAD);
              model.unshift(large);
              break;
            case 1:
              list.push(large, TAIL);
              model.push(large);
              break;
            case 2: {
              const after = random.chance(0.5);
              const at = model.findIndex((one) => one.equals(model[index]!));
              list.insert(model[index]!, large, after);
              model.splice(at + (after ? 1 : 0), 0, large);
              break;
            }
            case 3:
              list.replace(index, large);
              model[index] = large;
              break;
            default: {
              const count = random.below(40);
              list.deleteRange(index, count);
              model.splice(index, count);
            }
          }
        } catch (error) {
          if ((error as Error).message !== 'no memory') throw error;
          failures++;
          model.splice(0, model.length, ...before);
        }
        // A node that could not be decompressed stays compressed, wherever it is.
        list.verify(model, { strictCompression: false });
      }
      // The ranges deleted above gave memory back.
      const restoreAgain = small.exhaust();
      expect(small.exports.listDup(list.list)).toBe(0);
      expect(small.exports.listNew()).toBe(0);
      restoreAgain();
      restore();
      list.verify(model, { strictCompression: false });
      list.free();
      expect(small.usedBytes()).toBe(0);
    }
    expect(failures).toBeGreaterThan(50);
  });
});
