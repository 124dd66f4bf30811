// The allocator against a plain model: a list of live blocks with what was written into them.

import { beforeEach, describe, expect, it } from 'vitest';
import { loadTestModule, type TestModule } from '../support/assembly.ts';
import { Random } from '../support/random.ts';

interface Exports {
  allocInit(limitPages: number): void;
  tryAlloc(bytes: number): number;
  tryRealloc(ptr: number, bytes: number): number;
  free(ptr: number): void;
  usableSize(ptr: number): number;
  goodSize(bytes: number): number;
  usedBytes(): bigint;
  peakBytes(): bigint;
  resetPeak(): void;
  linearMemoryBytes(): number;
  takenBytes(): number;
  memoryNearlyExhausted(): number;
  setFirstPage(ptr: number): void;
  verifyPages(): number;
}

const PAGE_BYTES = 65536;
const SLAB_MAX_BYTES = 32768;
const CLASS_MAX_BYTES = 262144;
/** Pages that blocks of more than one page leave to the others, unless the limit is small. */
const RESERVE_PAGES = 64;
/** The smallest limit with a reserve is 256 pages; this one leaves RUN_PAGES and some to large blocks. */
const RESERVING_LIMIT = 270;
const RUN_PAGES = 180;
/** A limit too small for a reserve. */
const SMALL_LIMIT = 105;

interface Block {
  ptr: number;
  bytes: number;
  fill: number;
}

let module: TestModule<Exports>;
let core: Exports;
/** Pages below the limit that nothing has taken yet. */
let freePages = 0;

async function start(limitPages: number): Promise<void> {
  module = await loadTestModule<Exports>('alloc', { scratchPages: 0 });
  core = module.exports;
  core.allocInit(limitPages);
  freePages = limitPages - core.takenBytes() / PAGE_BYTES;
  const first = core.tryAlloc(1) >>> 0;
  core.setFirstPage(first);
  core.free(first);
  // An empty slab stays with its class; nothing else is taken.
  expect(core.usedBytes()).toBe(0n);
}

function limitBytes(): number {
  return RESERVING_LIMIT * PAGE_BYTES;
}

class Model {
  readonly live: Block[] = [];
  private fill = 0;
  /** Blocks seen that have whole pages though their class is a span's. */
  wholePages = 0;
  private readonly nearLimit: boolean;

  constructor({ nearLimit = false }: { nearLimit?: boolean } = {}) {
    this.nearLimit = nearLimit;
  }

  /** Allocates and fills a block; null when memory is exhausted. */
  alloc(bytes: number): Block | null {
    const ptr = core.tryAlloc(bytes) >>> 0;
    if (ptr === 0) return null;
    const block = { ptr, bytes, fill: 0 };
    this.live.push(block);
    this.write(block);
    return block;
  }

  freeAt(index: number): void {
    const block = this.take(index);
    this.check(block, block.bytes);
    core.free(block.ptr);
  }

  /** Resizes a block; false when memory is exhausted, and then it must be as it was. */
  reallocAt(index: number, bytes: number): boolean {
    const block = this.live[index]!;
    const ptr = core.tryRealloc(block.ptr, bytes) >>> 0;
    if (ptr === 0) {
      this.check(block, block.bytes);
      return false;
    }
    const kept = { ...block, ptr };
    this.check(kept, Math.min(block.bytes, bytes));
    this.live[index] = { ...kept, bytes };
    this.write(this.live[index]!);
    return true;
  }

  freeAll(): void {
    while (this.live.length > 0) this.freeAt(this.live.length - 1);
  }

  verify(): void {
    const sorted = [...this.live].sort((a, b) => a.ptr - b.ptr);
    let end = 0;
    let used = 0;
    for (const { ptr, bytes } of sorted) {
      const size = core.usableSize(ptr) >>> 0;
      const right = this.isRight(size, bytes) && size >= bytes && ptr % 8 === 0;
      if (!right || ptr < end) throw new Error(`${bytes} bytes at ${ptr} (${size}), behind ${end}`);
      end = ptr + size;
      used += size;
    }
    expect(core.usedBytes()).toBe(BigInt(used));
    expect(end).toBeLessThanOrEqual(core.linearMemoryBytes());
    expect(core.verifyPages()).toBe(0);
  }

  /**
   * A block has the size of its class, or it is whole pages because no stretch for a span was left:
   * only near the limit.
   */
  private isRight(size: number, bytes: number): boolean {
    if (size === core.goodSize(bytes) >>> 0) return true;
    const pages = Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
    if (this.nearLimit && size === pages && isSpanSize(bytes)) {
      this.wholePages++;
      return true;
    }
    return false;
  }

  private take(index: number): Block {
    const block = this.live[index]!;
    const last = this.live.pop()!;
    if (index < this.live.length) this.live[index] = last;
    return block;
  }

  private write(block: Block): void {
    this.fill = (this.fill + 1) & 0xff;
    block.fill = this.fill;
    module.bytes().fill(block.fill, block.ptr, block.ptr + block.bytes);
  }

  private check(block: Block, bytes: number): void {
    const found = Buffer.from(module.memory.buffer, block.ptr, bytes);
    if (found.equals(Buffer.alloc(bytes, block.fill))) return;
    throw new Error(`block of ${block.bytes} bytes at ${block.ptr} was overwritten`);
  }
}

/** Whether a block of so many bytes is one of several in a span. */
function isSpanSize(bytes: number): boolean {
  return bytes > SLAB_MAX_BYTES && (core.goodSize(bytes) >>> 0) % PAGE_BYTES !== 0;
}

/** Sizes as they occur: mostly small, some at the edges of classes and pages, few large. */
function someSize(random: Random, largest: number): number {
  const kind = random.below(10);
  if (kind < 5) return random.between(1, 128);
  if (kind < 7) return random.between(129, 2048);
  if (kind < 8) return Math.max(1, (1 << random.between(3, 16)) + random.between(-1, 1));
  if (kind < 9) return random.between(2049, SLAB_MAX_BYTES);
  return random.between(SLAB_MAX_BYTES + 1, largest);
}

describe('sizes', () => {
  beforeEach(() => start(0));

  it('a block has the size of the smallest class that holds it', () => {
    const classes: number[] = [];
    for (let bytes = 8; bytes <= 128; bytes += 8) classes.push(bytes);
    for (let group = 128; group < CLASS_MAX_BYTES; group *= 2) {
      const parts = group >= 1024 && group < 8192 ? 8 : 4;
      for (let part = 1; part <= parts; part++) classes.push(group + (part * group) / parts);
    }
    for (let bytes = 1, i = 0; bytes <= CLASS_MAX_BYTES; bytes++) {
      if (bytes > classes[i]!) i++;
      if (core.goodSize(bytes) !== classes[i]) {
        throw new Error(`${bytes} bytes get ${core.goodSize(bytes)}, not ${classes[i]}`);
      }
    }
    expect(core.goodSize(CLASS_MAX_BYTES + 1)).toBe(CLASS_MAX_BYTES + PAGE_BYTES);
  });

  it('powers of two are aligned to themselves', () => {
    for (let bytes = 8; bytes <= PAGE_BYTES; bytes *= 2) {
      for (let i = 0; i < 5; i++) expect((core.tryAlloc(bytes) >>> 0) % bytes).toBe(0);
    }
  });

  it('an empty request gets a block, and sizes that no memory can hold get none', () => {
    expect(core.usableSize(core.tryAlloc(0))).toBe(8);
    for (const bytes of [0xffff0001, 0xffffffff, 0xffff0000]) {
      expect(core.tryAlloc(bytes)).toBe(0);
      const block = core.tryAlloc(100) >>> 0;
      expect(core.tryRealloc(block, bytes)).toBe(0);
      expect(core.usableSize(block)).toBe(104);
      core.free(block);
    }
    expect(core.usedBytes()).toBe(8n);
  });
});

describe('spans', () => {
  beforeEach(() => start(0));
  const KIB = 1024;

  it.each([
    { kib: 40, blocks: 8, pages: 5 },
    { kib: 48, blocks: 4, pages: 3 },
    { kib: 56, blocks: 8, pages: 7 },
    { kib: 80, blocks: 4, pages: 5 },
    { kib: 96, blocks: 2, pages: 3 },
    { kib: 112, blocks: 4, pages: 7 },
    { kib: 160, blocks: 2, pages: 5 },
    { kib: 224, blocks: 2, pages: 7 },
  ])('$blocks blocks of $kib KiB fill $pages pages', ({ kib, blocks, pages }) => {
    const before = core.takenBytes();
    const model = new Model();
    for (let i = 0; i < 3 * blocks; i++) {
      expect(core.takenBytes() - before).toBe(Math.ceil(i / blocks) * pages * PAGE_BYTES);
      expect(model.alloc(kib * KIB)).not.toBeNull();
      model.verify();
    }
    expect(core.usedBytes()).toBe(BigInt(3 * pages * PAGE_BYTES));
    expect(core.takenBytes() - before).toBe(3 * pages * PAGE_BYTES);
    // One of the middle span's blocks: the next one of this size gets its place.
    const [freed] = model.live.slice(blocks);
    model.freeAt(blocks);
    expect(model.alloc(kib * KIB)!.ptr).toBe(freed!.ptr);
    model.verify();
    model.freeAll();
    model.verify();
    expect(core.takenBytes()).toBe(before);
  });

  it('a block that grows or shrinks changes between slab, span and run, and keeps what it holds', () => {
    const model = new Model();
    model.alloc(30 * KIB);
    for (const kib of [33, 40, 64, 65, 128, 96, 64, 33, 200, 192, 300, 224, 16, 260, 1]) {
      expect(model.reallocAt(0, kib * KIB)).toBe(true);
      model.verify();
    }
    model.freeAll();
    model.verify();
  });

  it('a block gets whole pages where no stretch is long enough for a span', async () => {
    await start(SMALL_LIMIT);
    const model = new Model({ nearLimit: true });
    while (model.alloc(PAGE_BYTES) !== null) {}
    // Every other page is free now.
    for (let i = model.live.length - 1; i >= 0; i -= 2) {
      core.free(model.live[i]!.ptr);
      model.live.splice(i, 1);
    }
    const block = model.alloc(40 * KIB);
    expect(core.usableSize(block!.ptr)).toBe(PAGE_BYTES);
    expect(model.alloc(80 * KIB)).toBeNull();
    model.verify();
    expect(model.wholePages).toBe(1);
    model.freeAll();
    model.verify();
  });
});

describe('random use', () => {
  const random = Random.fresh();

  it(`keeps blocks apart, whole and counted (seed ${random.seed})`, async () => {
    await start(0);
    const model = new Model();
    for (let step = 0; step < 20_000; step++) {
      // Phases of growth and of decline, so that slabs and runs come and go.
      const growing = Math.floor(step / 2500) % 2 === 0;
      const choice = random.below(10);
      if (model.live.length === 0 || choice < (growing ? 6 : 2)) {
        expect(model.alloc(someSize(random, 400_000))).not.toBeNull();
      } else if (choice < 8) {
        model.freeAt(random.below(model.live.length));
      } else {
        model.reallocAt(random.below(model.live.length), someSize(random, 400_000));
      }
      if (step % 500 === 0) model.verify();
    }
    model.verify();
    expect(core.peakBytes()).toBeGreaterThan(core.usedBytes());
    model.freeAll();
    model.verify();
    expect(core.usedBytes()).toBe(0n);
    core.resetPeak();
    expect(core.peakBytes()).toBe(0n);
  });

  it(`refuses without harm when memory is short (seed ${random.seed})`, async () => {
    await start(SMALL_LIMIT);
    const model = new Model({ nearLimit: true });
    let refusals = 0;
    for (let step = 0; step < 20_000; step++) {
      const choice = random.below(10);
      if (model.live.length === 0 || choice < 6) {
        if (model.alloc(someSize(random, 300_000)) === null) {
          refusals++;
          // Mostly go on close to the limit, now and then make much room.
          const some = random.chance(0.01) ? model.live.length : 3;
          for (let i = 0; i < some && model.live.length > 0; i++) {
            model.freeAt(random.below(model.live.length));
          }
        }
      } else if (choice < 7) {
        model.freeAt(random.below(model.live.length));
      } else if (!model.reallocAt(random.below(model.live.length), someSize(random, 300_000))) {
        refusals++;
      }
      if (step % 500 === 0) model.verify();
    }
    expect(refusals).toBeGreaterThan(100);
    expect(model.wholePages).toBeGreaterThan(0);
    expect(core.linearMemoryBytes()).toBeLessThanOrEqual(SMALL_LIMIT * PAGE_BYTES);
    model.freeAll();
    model.verify();
  });
});

describe('the limit', () => {
  beforeEach(() => start(RESERVING_LIMIT));

  it('what is freed can be had again, in any size', () => {
    const capacity = (bytes: number) => {
      const model = new Model();
      while (model.alloc(bytes) !== null) {}
      model.verify();
      const blocks = model.live.length;
      model.freeAll();
      return blocks * (core.goodSize(bytes) >>> 0);
    };
    // One size after the other gets all there is, but for what is cut off at the end of pages.
    for (const bytes of [8, 64, 1000, PAGE_BYTES, 30_000, 5 * PAGE_BYTES, 160, 16, 8]) {
      const size = core.goodSize(bytes) >>> 0;
      const perPage = size < PAGE_BYTES ? Math.floor(PAGE_BYTES / size) * size : PAGE_BYTES;
      const runPages = Math.max(1, size / PAGE_BYTES);
      const pages = runPages > 1 ? freePages - RESERVE_PAGES : freePages;
      expect(capacity(bytes)).toBe(Math.floor(pages / runPages) * runPages * perPage);
    }
  });

  it('a run grows in place while there is room behind it, and shrinks in place', () => {
    const run = core.tryAlloc(PAGE_BYTES) >>> 0;
    expect(core.tryRealloc(run, 4 * PAGE_BYTES) >>> 0).toBe(run);
    const behind = core.tryAlloc(PAGE_BYTES) >>> 0;
    expect(behind).toBe(run + 4 * PAGE_BYTES);
    expect(core.tryRealloc(run, 2 * PAGE_BYTES) >>> 0).toBe(run);
    expect(core.usedBytes()).toBe(BigInt(3 * PAGE_BYTES));
    const between = core.tryAlloc(2 * PAGE_BYTES) >>> 0;
    expect(between).toBe(run + 2 * PAGE_BYTES);
    module.bytes().fill(7, run, run + 2 * PAGE_BYTES);
    const moved = core.tryRealloc(run, 3 * PAGE_BYTES) >>> 0;
    expect(moved).not.toBe(run);
    expect(module.read(moved, 2 * PAGE_BYTES).every((byte) => byte === 7)).toBe(true);
    expect(core.verifyPages()).toBe(0);
  });

  it('a run that cannot grow stays as it is', () => {
    expect(freePages - RESERVE_PAGES).toBeGreaterThanOrEqual(RUN_PAGES);
    const bytes = (RUN_PAGES / 2 + 3) * PAGE_BYTES;
    const run = core.tryAlloc(bytes) >>> 0;
    module.bytes().fill(7, run, run + bytes);
    const before = core.usedBytes();
    expect(core.tryRealloc(run, 2 * RUN_PAGES * PAGE_BYTES)).toBe(0);
    expect(core.usedBytes()).toBe(before);
    expect(module.read(run, bytes).every((byte) => byte === 7)).toBe(true);
    expect(core.verifyPages()).toBe(0);
  });

  it('blocks of more than one page leave a reserve to small ones', () => {
    const model = new Model();
    while (model.alloc(2 * PAGE_BYTES) !== null) {}
    const left = limitBytes() - core.takenBytes();
    expect(left).toBeGreaterThanOrEqual(RESERVE_PAGES * PAGE_BYTES);
    expect(left).toBeLessThan((RESERVE_PAGES + 2) * PAGE_BYTES);
    let small = 0;
    while (model.alloc(1000) !== null) small++;
    expect(small).toBeGreaterThan(RESERVE_PAGES * 60);
    expect(limitBytes() - core.takenBytes()).toBe(0);
    model.verify();
  });

  it('a small one has no reserve', async () => {
    await start(SMALL_LIMIT);
    const model = new Model();
    while (model.alloc(2 * PAGE_BYTES) !== null) {}
    // At most the odd page at the end is left, and that of the empty slab at the start.
    expect(SMALL_LIMIT * PAGE_BYTES - core.takenBytes()).toBeLessThanOrEqual(2 * PAGE_BYTES);
    model.verify();
  });

  it('is announced before it is reached', () => {
    const model = new Model();
    let early = 0;
    while (model.alloc(PAGE_BYTES) !== null) if (core.memoryNearlyExhausted() === 0) early++;
    expect(early).toBeGreaterThan(0);
    // The one more is a slab that was empty, and was given up at the end.
    expect(model.live.length - early).toBe(RESERVE_PAGES + 1);
    model.freeAll();
    expect(core.memoryNearlyExhausted()).toBe(0);
  });
});
