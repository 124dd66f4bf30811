// Entries against a plain model: key, value, encoding, expiry and access clock, whatever the layout.

import { beforeEach, describe, expect, it } from 'vitest';
import { loadTestModule, type TestModule } from '../support/assembly.ts';
import { Random } from '../support/random.ts';

interface Exports {
  allocInit(limitPages: number): void;
  tryAlloc(bytes: number): number;
  free(ptr: number): void;
  goodSize(bytes: number): number;
  usableSize(ptr: number): number;
  usedBytes(): bigint;
  tryNewStringEntry(
    key: number,
    keyLen: number,
    value: number,
    valueLen: number,
    encoding: number,
    clock: number,
    expireAtMs: bigint,
  ): number;
  tryNewIntEntry(key: number, keyLen: number, value: bigint, clock: number, at: bigint): number;
  overwriteInPlace(e: number, value: number, valueLen: number, encoding: number): number;
  tryGrowString(e: number, length: number, spare: number): number;
  trimString(e: number): void;
  tryEntrySetExpire(e: number, atMs: bigint): number;
  tryEntryRename(e: number, key: number, keyLen: number, clock: number): number;
  tryEntryCopyString(e: number, key: number, keyLen: number, clock: number): number;
  entryKeyEquals(e: number, key: number, keyLen: number): number;
  entryFreeShell(e: number): void;
  entryHasBlock(e: number): number;
  type(e: number): number;
  encoding(e: number): number;
  clock(e: number): number;
  setClock(e: number, clock: number): void;
  expireAtMs(e: number): bigint;
  keyPtr(e: number): number;
  keyLen(e: number): number;
  intValue(e: number): bigint;
  stringPtr(e: number): number;
  stringLen(e: number): number;
  isEmbedded(e: number): number;
  block(e: number): number;
  destroy(e: number): void;
}

const RAW = 0;
const INT = 1;
const EMBSTR = 8;
const NONE = -1n;
const EMBED_MAX_BYTES = 192;
const CLOCK_MAX = 0xffffff;
const SCRATCH_BYTES = 400_000;
const PAGE_BYTES = 65536;
/** Leaves a few pages to large values beside the scratch. */
const SMALL_LIMIT = 95;

interface Model {
  key: Buffer;
  value: Buffer | bigint;
  encoding: number;
  clock: number;
  expireAtMs: bigint;
}

let module: TestModule<Exports>;
let core: Exports;
let scratch = 0;
let plenty = true;

async function start(limitPages = 0): Promise<void> {
  module = await loadTestModule<Exports>('entry', { scratchPages: 0 });
  core = module.exports;
  core.allocInit(limitPages);
  plenty = limitPages === 0;
  scratch = core.tryAlloc(SCRATCH_BYTES) >>> 0;
  expect(scratch).not.toBe(0);
}

/** Puts bytes into the scratch and calls with their address and length. */
function withBytes<T>(bytes: Buffer, call: (ptr: number, length: number) => T): T {
  return call(scratch, module.write(scratch, bytes));
}

function create({ key, value, encoding, clock, expireAtMs }: Model): number {
  const keyLen = module.write(scratch, key);
  if (typeof value === 'bigint') {
    return core.tryNewIntEntry(scratch, keyLen, value, clock, expireAtMs) >>> 0;
  }
  const at = scratch + keyLen;
  const valueLen = module.write(at, value);
  return core.tryNewStringEntry(scratch, keyLen, at, valueLen, encoding, clock, expireAtMs) >>> 0;
}

function describeEntry(e: number): Model {
  const encoding = core.encoding(e);
  return {
    key: Buffer.from(module.read(core.keyPtr(e) >>> 0, core.keyLen(e))),
    value:
      encoding === INT
        ? core.intValue(e)
        : Buffer.from(module.read(core.stringPtr(e) >>> 0, core.stringLen(e))),
    encoding,
    clock: core.clock(e),
    expireAtMs: core.expireAtMs(e),
  };
}

/** Bytes the entry and its value take by the picture of the layout. */
function layoutBytes({ key, value, expireAtMs }: Model): { entry: number; block: number } {
  const head = 8 + (expireAtMs === NONE ? 0 : 8) + (key.length >= 0xffff ? 4 : 0) + key.length;
  if (typeof value === 'bigint') return { entry: head + 8, block: 0 };
  if (value.length <= EMBED_MAX_BYTES) return { entry: head + value.length, block: 0 };
  return { entry: head + 4, block: 4 + value.length };
}

function sameValue(a: Model['value'], b: Model['value']): boolean {
  return Buffer.isBuffer(a) && Buffer.isBuffer(b) ? a.equals(b) : a === b;
}

function check(e: number, model: Model): void {
  const found = describeEntry(e);
  const same =
    found.key.equals(model.key) &&
    sameValue(found.value, model.value) &&
    found.encoding === model.encoding &&
    found.clock === model.clock &&
    found.expireAtMs === model.expireAtMs;
  // Comparing everything with `expect` would take minutes; this shows what differs.
  if (!same) expect(found).toEqual(model);
  expect(core.type(e)).toBe(0);
  expect(withBytes(model.key, (ptr, length) => core.entryKeyEquals(e, ptr, length))).toBe(1);
  const { entry, block } = layoutBytes(model);
  expect(core.usableSize(e) >>> 0).toBeGreaterThanOrEqual(entry);
  const value = core.block(e) >>> 0;
  if (value === 0 || block === 0) return;
  expect(core.usableSize(value) >>> 0).toBeGreaterThanOrEqual(block);
}

function someKey(random: Random): Buffer {
  const length = random.chance(0.1)
    ? random.pick([0xfffe, 0xffff, 0x10000, 100_000])
    : random.pick([0, 1, 7, 16, 31, 200]);
  return Buffer.from(random.bytes(length));
}

function someLength(random: Random): number {
  return random.pick([0, 1, 3, 20, 44, 45, 100, 191, 192, 193, 500, 3000, 33_000, 70_000]);
}

function someModel(random: Random): Model {
  const model = {
    key: someKey(random),
    clock: random.u32() & CLOCK_MAX,
    expireAtMs: someExpiry(random),
  };
  if (random.chance(0.3)) {
    return { ...model, value: BigInt.asIntN(64, random.u64()), encoding: INT };
  }
  const value = Buffer.from(random.bytes(someLength(random)));
  return { ...model, value, encoding: value.length <= 44 ? random.pick([RAW, EMBSTR]) : RAW };
}

function someExpiry(random: Random): bigint {
  return random.chance(0.4) ? NONE : random.u64() >> BigInt(random.between(1, 40));
}

/** One change to an entry and its model. Returns the new address, 0 when it failed for memory. */
function change(random: Random, e: number, model: Model): number {
  switch (random.below(6)) {
    case 0: {
      const atMs = someExpiry(random);
      const moved = core.tryEntrySetExpire(e, atMs) >>> 0;
      if (moved !== 0) model.expireAtMs = atMs;
      // Only adding an expiry may fail.
      else expect(model.expireAtMs).toBe(NONE);
      return moved;
    }
    case 1: {
      const clock = random.u32() & CLOCK_MAX;
      core.setClock(e, clock);
      model.clock = clock;
      return e;
    }
    case 2:
      return grow(random, e, model);
    case 3: {
      const key = someKey(random);
      const clock = random.u32() & CLOCK_MAX;
      const moved =
        withBytes(key, (ptr, length) => core.tryEntryRename(e, ptr, length, clock)) >>> 0;
      if (moved === 0) return 0;
      core.entryFreeShell(e);
      Object.assign(model, { key, clock });
      return moved;
    }
    case 4: {
      const key = someKey(random);
      const copy =
        withBytes(key, (ptr, length) => core.tryEntryCopyString(e, ptr, length, 5)) >>> 0;
      if (copy === 0) return 0;
      check(copy, { ...model, key, clock: 5 });
      core.destroy(copy);
      return e;
    }
    default: {
      const value = Buffer.from(random.bytes(someLength(random)));
      const encoding = value.length <= 44 ? EMBSTR : RAW;
      const done = withBytes(value, (ptr, length) =>
        core.overwriteInPlace(e, ptr, length, encoding),
      );
      if (done) Object.assign(model, { value, encoding });
      return e;
    }
  }
}

function grow(random: Random, e: number, model: Model): number {
  if (typeof model.value === 'bigint') return e;
  if (random.chance(0.2)) {
    core.trimString(e);
    const value = core.block(e) >>> 0;
    // Without memory for a smaller block it stays in the one it has.
    if (value !== 0 && plenty) {
      const fitting = core.goodSize(4 + model.value.length) >>> 0;
      expect(core.usableSize(value) >>> 0).toBe(fitting);
    }
    return e;
  }
  const more = random.pick([0, 1, 10, 60, 200, 5000]);
  if (model.value.length + more > 100_000) return e;
  const moved =
    core.tryGrowString(e, model.value.length + more, random.pick([0, 100, 10_000])) >>> 0;
  if (moved === 0) return 0;
  const added = Buffer.from(random.bytes(more));
  module.write((core.stringPtr(moved) >>> 0) + model.value.length, added);
  model.value = Buffer.concat([model.value, added]);
  model.encoding = RAW;
  return moved;
}

describe('random changes', () => {
  const random = Random.fresh();

  it(`leave an entry as the model says (seed ${random.seed})`, async () => {
    await start();
    const before = core.usedBytes();
    for (let round = 0; round < 150; round++) {
      const model = someModel(random);
      let e = create(model);
      check(e, model);
      for (let step = 0; step < 25; step++) {
        e = change(random, e, model);
        expect(e).not.toBe(0);
        check(e, model);
      }
      core.destroy(e);
      expect(core.usedBytes()).toBe(before);
    }
  });

  it(`change nothing when they fail for memory (seed ${random.seed})`, async () => {
    await start(SMALL_LIMIT);
    let failures = 0;
    for (let round = 0; round < 150; round++) {
      const before = core.usedBytes();
      // All pages are taken, and of small blocks only those of some sizes can be had.
      const taken: number[] = [];
      const take = (bytes: number, most: number) => {
        for (let i = 0; i < most; i++) {
          const ptr = core.tryAlloc(bytes) >>> 0;
          if (ptr === 0) return;
          taken.push(ptr);
        }
      };
      for (let i = 0; i < 6; i++) take(random.pick([24, 48, 160, 320, 4096]), 1);
      take(PAGE_BYTES * random.below(6), 1);
      const model = someModel(random);
      let e = create(model);
      if (e === 0) failures++;
      else {
        take(PAGE_BYTES, 200);
        for (let step = 0; step < 20; step++) {
          const used = core.usedBytes();
          const moved = change(random, e, model);
          if (moved === 0) {
            failures++;
            expect(core.usedBytes()).toBe(used);
          } else e = moved;
          check(e, model);
        }
        core.destroy(e);
      }
      for (const ptr of taken) core.free(ptr);
      expect(core.usedBytes()).toBe(before);
    }
    expect(failures).toBeGreaterThan(100);
  });
});

describe('the layout', () => {
  beforeEach(() => start());

  const clock = 1;
  const key = Buffer.from('k'.repeat(16));

  it('takes the bytes of its picture and no more', () => {
    for (const value of [5n, Buffer.from('abc'), Buffer.alloc(192), Buffer.alloc(193)]) {
      for (const expireAtMs of [NONE, 1_700_000_000_000n]) {
        const encoding = typeof value === 'bigint' ? INT : RAW;
        const before = core.usedBytes();
        const model: Model = { key, value, encoding, clock, expireAtMs };
        const e = create(model);
        const { entry, block } = layoutBytes(model);
        const wanted = core.goodSize(entry) + (block === 0 ? 0 : core.goodSize(block));
        expect(core.usedBytes() - before).toBe(BigInt(wanted));
        core.destroy(e);
      }
    }
  });

  it('has room for all of its parts where the size of a block ends', () => {
    for (const value of [5n, Buffer.from('abc'), Buffer.alloc(193)]) {
      for (const expireAtMs of [NONE, 9n]) {
        for (const end of [64, 256, PAGE_BYTES / 2, 2 * PAGE_BYTES]) {
          const model = {
            value,
            encoding: typeof value === 'bigint' ? INT : RAW,
            clock,
            expireAtMs,
          };
          const { entry } = layoutBytes({
            ...model,
            key: Buffer.alloc(end > PAGE_BYTES ? end : 0),
          });
          const extra = end > PAGE_BYTES ? entry - end : entry;
          for (let size = end - 4; size <= end + 4; size++) {
            const e = create({ ...model, key: Buffer.alloc(size - extra, 65) });
            check(e, { ...model, key: Buffer.alloc(size - extra, 65) });
            expect(core.usableSize(e) >>> 0).toBe(core.goodSize(size) >>> 0);
            core.destroy(e);
          }
        }
      }
    }
  });

  it('a key of 16 bytes with a value of three takes 32 bytes', () => {
    const e = create({ key, value: Buffer.from('abc'), encoding: EMBSTR, clock, expireAtMs: NONE });
    expect(core.usableSize(e)).toBe(32);
    expect(core.entryHasBlock(e)).toBe(0);
  });

  it('a value moves out of the entry when it grows beyond 192 bytes, and stays out', () => {
    const model = { key, value: Buffer.alloc(192, 7), encoding: RAW, clock, expireAtMs: 5n };
    let e = create(model);
    expect(core.isEmbedded(e)).toBe(1);
    e = core.tryGrowString(e, 193, 0) >>> 0;
    expect(core.isEmbedded(e)).toBe(0);
    expect(core.entryHasBlock(e)).toBe(1);
    module.write((core.stringPtr(e) >>> 0) + 192, Buffer.of(7));
    check(e, { ...model, value: Buffer.alloc(193, 7) });
  });

  it('an overwrite keeps the block when it fits and is not far too big', () => {
    const model = { key, value: Buffer.from('abc'), encoding: EMBSTR, clock, expireAtMs: NONE };
    const e = create(model);
    const overwrite = (value: Buffer) =>
      withBytes(value, (ptr, length) => core.overwriteInPlace(e, ptr, length, EMBSTR)) !== 0;
    expect(overwrite(Buffer.from('12345678'))).toBe(true);
    check(e, { ...model, value: Buffer.from('12345678') });
    expect(overwrite(Buffer.from('123456789'))).toBe(false);
    check(e, { ...model, value: Buffer.from('12345678') });
    expect(overwrite(Buffer.alloc(0))).toBe(true);
    check(e, { ...model, value: Buffer.alloc(0) });
    const wide = create({ ...model, value: Buffer.alloc(100), encoding: RAW });
    const narrow = withBytes(Buffer.from('a'), (p, n) => core.overwriteInPlace(wide, p, n, EMBSTR));
    expect(narrow).toBe(0);
  });

  it('keys that differ in one byte or in length are not equal', () => {
    for (const length of [1, 8, 17, 0xfffe, 0xffff, 0x10000]) {
      const own = Buffer.alloc(length, 97);
      const e = create({ key: own, value: 1n, encoding: INT, clock, expireAtMs: NONE });
      const equals = (other: Buffer) =>
        withBytes(other, (ptr, len) => core.entryKeyEquals(e, ptr, len)) !== 0;
      expect(equals(own)).toBe(true);
      for (const at of [0, length >> 1, length - 1]) {
        const other = Buffer.from(own);
        other[at] = 98;
        expect(equals(other)).toBe(false);
      }
      expect(equals(own.subarray(1))).toBe(false);
      expect(equals(Buffer.concat([own, own.subarray(0, 1)]))).toBe(false);
      core.destroy(e);
    }
  });

  it('losing an expiry needs no memory', async () => {
    await start(SMALL_LIMIT);
    const model = { key, value: Buffer.from('abc'), encoding: EMBSTR, clock, expireAtMs: 9n };
    const e = create(model);
    while (core.tryAlloc(PAGE_BYTES) !== 0) {}
    while (core.tryAlloc(core.goodSize(27)) !== 0) {}
    expect(core.tryEntrySetExpire(e, NONE) >>> 0).toBe(e);
    check(e, { ...model, expireAtMs: NONE });
  });
});
