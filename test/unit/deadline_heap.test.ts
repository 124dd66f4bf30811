// The heap of deadlines against a list that is searched through.

import { expect, it } from 'vitest';
import { loadTestModule } from '../support/assembly.ts';
import { Random } from '../support/random.ts';

interface Exports {
  allocInit(limitPages: number): void;
  tryAlloc(bytes: number): number;
  usedBytes(): bigint;
  tryHeapAdd(heap: number, item: number): number;
  heapRemove(heap: number, item: number): void;
  heapFirst(heap: number): number;
  heapVerify(heap: number): void;
}

const HEAP_BYTES = 24;
const ITEM_BYTES = 24;
/** A round of this many items is more than one size of block. */
const ITEMS = 300;
/** So many go into the heap's first block. */
const FIRST_BLOCK_ITEMS = 16;

interface Item {
  ptr: number;
  deadlineMs: bigint;
}

async function newHeap(limitPages = 0) {
  const module = await loadTestModule<Exports>('deadline_heap', { scratchPages: 0 });
  const { exports } = module;
  exports.allocInit(limitPages);
  const zeroed = (bytes: number) => {
    const ptr = exports.tryAlloc(bytes) >>> 0;
    expect(ptr).not.toBe(0);
    module.write(ptr, new Uint8Array(bytes));
    return ptr;
  };
  const heap = zeroed(HEAP_BYTES);
  const newItem = (deadlineMs: bigint): Item => {
    const ptr = zeroed(ITEM_BYTES);
    new DataView(module.memory.buffer).setBigInt64(ptr, deadlineMs, true);
    return { ptr, deadlineMs };
  };
  return { exports, heap, newItem };
}

it('gives what is due first, and of one time what came first, whatever leaves in between', async () => {
  const { exports, heap, newItem } = await newHeap();
  const random = Random.fresh();
  const items: Item[] = [];
  const empty = exports.usedBytes();
  let inUse = 0n;
  for (let step = 0; step < 6000; step++) {
    const isFilling = Math.floor(step / ITEMS) % 2 === 0;
    if (items.length === 0 || random.chance(isFilling ? 0.8 : 0.2)) {
      const before = exports.usedBytes();
      const item = newItem(BigInt(random.below(40)));
      inUse += exports.usedBytes() - before;
      expect(exports.tryHeapAdd(heap, item.ptr)).toBeTruthy();
      items.push(item);
    } else {
      const index = random.oneIn(2) ? firstOf(items) : random.below(items.length);
      exports.heapRemove(heap, items[index]!.ptr);
      items.splice(index, 1);
    }
    exports.heapVerify(heap);
    const expected = items.length === 0 ? 0 : items[firstOf(items)]!.ptr;
    expect(exports.heapFirst(heap) >>> 0, `seed ${random.seed}, step ${step}`).toBe(expected);
  }
  for (const { ptr } of items) exports.heapRemove(heap, ptr);
  expect(exports.heapFirst(heap)).toBe(0);
  expect(exports.usedBytes() - inUse, 'an empty heap has no memory').toBe(empty);
});

/** Items are in the order they came. */
function firstOf(items: readonly Item[]): number {
  let first = 0;
  items.forEach(({ deadlineMs }, i) => {
    if (deadlineMs < items[first]!.deadlineMs) first = i;
  });
  return first;
}

it('takes an item out that is in no heap without harm', async () => {
  const { exports, heap, newItem } = await newHeap();
  const [inside, outside] = [newItem(2n), newItem(1n)];
  exports.tryHeapAdd(heap, inside.ptr);
  exports.heapRemove(heap, outside.ptr);
  exports.heapVerify(heap);
  expect(exports.heapFirst(heap) >>> 0).toBe(inside.ptr);
});

it('says so when there is no memory to grow, and stays as it was', async () => {
  const { exports, heap, newItem } = await newHeap(80);
  const items = Array.from({ length: FIRST_BLOCK_ITEMS }, (_, i) => newItem(BigInt(i)));
  for (const { ptr } of items) expect(exports.tryHeapAdd(heap, ptr)).toBeTruthy();
  const another = newItem(-1n);
  while (exports.tryAlloc(FIRST_BLOCK_ITEMS * 4 * 2) !== 0);
  expect(exports.tryHeapAdd(heap, another.ptr)).toBeFalsy();
  exports.heapVerify(heap);
  expect(exports.heapFirst(heap) >>> 0).toBe(items[0]!.ptr);
  exports.heapRemove(heap, items[0]!.ptr);
  expect(exports.tryHeapAdd(heap, another.ptr)).toBeTruthy();
  expect(exports.heapFirst(heap) >>> 0).toBe(another.ptr);
});
