// The table behind large hashes, sets and sorted sets, against a plain Map.

import { describe, expect, it } from 'vitest';
import { loadTestModule, type TestModule } from '../support/assembly.ts';
import { Random } from '../support/random.ts';

const PLAIN = 0;
const VALUE = 1;
const SCORE = 2;
const NO_EXPIRE = -1n;
const KEEP_EXPIRE = -2n;
const NEVER = 2n ** 63n - 1n;

interface Exports {
  allocInit(limitPages: number): void;
  tryAlloc(bytes: number): number;
  free(ptr: number): void;
  usedBytes(): bigint;
  linearMemoryBytes(): number;
  seedRandom(seed: bigint): void;
  hashBytes(ptr: number, len: number): bigint;
  tryMemberTableNew(kind: number, expected: number): number;
  tryMemberTableCopy(table: number): number;
  memberTableFree(table: number): void;
  memberTableFreeStep(table: number, budget: number): number;
  memberTableBytes(table: number): number;
  memberTableVerify(table: number): void;
  memberFind(table: number, ptr: number, len: number): number;
  memberRandom(table: number): number;
  tryMemberInsert(table: number, ptr: number, len: number, hash: bigint): number;
  tryScoredInsert(table: number, ptr: number, len: number, hash: bigint, score: number): number;
  tryFieldInsert(
    table: number,
    ptr: number,
    len: number,
    hash: bigint,
    value: number,
    valueLen: number,
    at: bigint,
  ): number;
  tryFieldReplaceFound(
    table: number,
    m: number,
    value: number,
    valueLen: number,
    at: bigint,
  ): number;
  tryFieldExpireFound(table: number, m: number, at: bigint): number;
  memberRemoveFound(table: number): void;
  memberFirstExpired(table: number, nowMs: bigint): number;
  memberExpiredCount(table: number, nowMs: bigint): number;
  memberRemove(table: number, m: number): void;
  memberNext(table: number, position: bigint): bigint;
  memberAt(position: bigint): number;
  memberLen(m: number): number;
  memberPtr(m: number): number;
  memberExpiry(m: number): bigint;
  memberScore(m: number): number;
  memberValueLen(m: number): number;
  memberValuePtr(m: number): number;
  tableKeys(table: number): number;
  tableExpires(table: number): number;
  tableBuckets(table: number): number;
  tableChainMax(table: number): number;
  tableMinExpire(table: number): bigint;
  scanMembers(table: number, cursor: bigint, out: number): number;
  scanNext(table: number, cursor: bigint): bigint;
  dictShrink(table: number, steps: number): number;
}

const BUFFER_BYTES = 1 << 20;

/** A table with strings in and out. */
class Table {
  readonly core: Exports;
  readonly module: TestModule<Exports>;
  readonly buffer: number;
  readonly emptyBytes: bigint;
  ptr: number;

  private constructor(module: TestModule<Exports>, kind: number, expected: number) {
    this.module = module;
    this.core = module.exports;
    this.buffer = this.core.tryAlloc(BUFFER_BYTES) >>> 0;
    this.emptyBytes = this.core.usedBytes();
    this.ptr = this.core.tryMemberTableNew(kind, expected);
  }

  static async open(kind: number, limitPages = 0, expected = 0): Promise<Table> {
    const module = await loadTestModule<Exports>('member_table', { scratchPages: 0 });
    module.exports.allocInit(limitPages);
    return new Table(module, kind, expected);
  }

  private put(text: string, at = 0): [ptr: number, len: number] {
    return [this.buffer + at, this.module.write(this.buffer + at, text)];
  }

  find(member: string): number {
    return this.core.memberFind(this.ptr, ...this.put(member)) >>> 0;
  }

  add(member: string): number {
    const [ptr, len] = this.put(member);
    return this.core.tryMemberInsert(this.ptr, ptr, len, this.core.hashBytes(ptr, len)) >>> 0;
  }

  addScored(member: string, score: number): number {
    const [ptr, len] = this.put(member);
    const hash = this.core.hashBytes(ptr, len);
    return this.core.tryScoredInsert(this.ptr, ptr, len, hash, score) >>> 0;
  }

  /** Sets a field, present or not; false when memory ran out. */
  set(field: string, value: string, at: bigint = KEEP_EXPIRE): boolean {
    const found = this.find(field);
    const [ptr, len] = this.put(field);
    const [valuePtr, valueLen] = this.put(value, 300_000);
    if (found !== 0) {
      return this.core.tryFieldReplaceFound(this.ptr, found, valuePtr, valueLen, at) !== 0;
    }
    const hash = this.core.hashBytes(ptr, len);
    const expiry = at === KEEP_EXPIRE ? NO_EXPIRE : at;
    return this.core.tryFieldInsert(this.ptr, ptr, len, hash, valuePtr, valueLen, expiry) !== 0;
  }

  remove(member: string): boolean {
    if (this.find(member) === 0) return false;
    this.core.memberRemoveFound(this.ptr);
    return true;
  }

  name(m: number): string {
    return this.module.text(this.core.memberPtr(m) >>> 0, this.core.memberLen(m));
  }

  value(m: number): string {
    return this.module.text(this.core.memberValuePtr(m) >>> 0, this.core.memberValueLen(m));
  }

  get(field: string): string | undefined {
    const m = this.find(field);
    return m === 0 ? undefined : this.value(m);
  }

  all(): number[] {
    const found: number[] = [];
    for (
      let at = this.core.memberNext(this.ptr, 0n);
      at !== 0n;
      at = this.core.memberNext(this.ptr, at)
    ) {
      found.push(this.core.memberAt(at) >>> 0);
    }
    return found;
  }

  names(): string[] {
    return this.all().map((m) => this.name(m));
  }

  get size(): number {
    return this.core.tableKeys(this.ptr);
  }

  /** Checks invariants, and that the bytes it reports are those it took. */
  verify(): void {
    this.core.memberTableVerify(this.ptr);
    const taken = this.core.usedBytes() - this.emptyBytes;
    expect(this.core.memberTableBytes(this.ptr)).toBe(Number(taken));
  }
}

/** Lengths around every limit of the layout. */
const LENGTHS = [0, 1, 3, 7, 8, 15, 16, 31, 100, 238, 239, 240, 241, 253, 254, 255, 256, 300, 5000];

function randomText(random: Random): string {
  const length = random.chance(0.2) ? random.pick(LENGTHS) : random.below(24);
  return random.text(length, 'abcdefgh\0\xff');
}

interface Field {
  value: string;
  at: bigint;
}

function compareFields(table: Table, model: Map<string, Field>): void {
  table.verify();
  expect(table.size).toBe(model.size);
  expect(table.core.tableExpires(table.ptr)).toBe(
    [...model.values()].filter(({ at }) => at >= 0n).length,
  );
  const seen = table.all();
  expect(seen.length).toBe(model.size);
  for (const m of seen) {
    const field = model.get(table.name(m));
    expect(field && { value: field.value, at: field.at }).toEqual({
      value: table.value(m),
      at: table.core.memberExpiry(m),
    });
  }
}

describe('a table of fields and values', () => {
  it('holds what was put in, through every kind of change', async () => {
    const random = Random.fresh();
    console.log(`seed ${random.seed}`);
    const table = await Table.open(VALUE);
    const model = new Map<string, Field>();
    const names: string[] = [];
    for (let step = 0; step < 15_000; step++) {
      // Grows for a while, then shrinks, and so on.
      const shrinking = (step / 3000) % 2 >= 1;
      const known = names.length > 0 && random.chance(0.6);
      const name = known ? random.pick(names) : randomText(random);
      const old = model.get(name);
      const dice = random.below(100);
      if (dice < (shrinking ? 70 : 15)) {
        expect(table.remove(name)).toBe(old !== undefined);
        model.delete(name);
      } else if (dice < 85 || old === undefined) {
        const value = randomText(random);
        const choice = random.below(6);
        const at = choice === 0 ? BigInt(random.below(1e6)) : choice < 3 ? NO_EXPIRE : KEEP_EXPIRE;
        expect(table.set(name, value, at)).toBe(true);
        model.set(name, { value, at: at === KEEP_EXPIRE ? (old?.at ?? NO_EXPIRE) : at });
        if (old === undefined) names.push(name);
      } else {
        const at = random.chance(0.5) ? BigInt(random.below(1e6)) : NO_EXPIRE;
        expect(table.core.tryFieldExpireFound(table.ptr, table.find(name), at)).not.toBe(0);
        model.set(name, { value: old.value, at });
      }
      // `expect` for every step would take most of the time.
      if (table.get(name) !== model.get(name)?.value) expect.fail(`wrong value of ${name}`);
      if (step % 1500 === 0) compareFields(table, model);
    }
    compareFields(table, model);
    table.core.memberTableFree(table.ptr);
    expect(table.core.usedBytes()).toBe(table.emptyBytes);
  });

  it('keeps a value of any length, and gives back every byte it took', async () => {
    const table = await Table.open(VALUE);
    for (const length of LENGTHS) {
      for (const valueLength of LENGTHS) {
        const field = 'f'.repeat(length);
        const value = 'v'.repeat(valueLength);
        expect(table.set(field, value)).toBe(true);
        expect(table.get(field)).toBe(value);
        table.verify();
      }
    }
    for (const length of LENGTHS) expect(table.remove('f'.repeat(length))).toBe(true);
    table.core.memberTableFree(table.ptr);
    expect(table.core.usedBytes()).toBe(table.emptyBytes);
  });

  it('leaves everything as it was when memory runs out', async () => {
    const random = Random.fresh();
    console.log(`seed ${random.seed}`);
    const table = await Table.open(VALUE, 60);
    const model = new Map<string, Field>();
    let refused = 0;
    for (let step = 0; step < 20_000 && refused < 1000; step++) {
      const name = `field:${random.below(30_000)}`;
      const old = model.get(name);
      if (random.chance(refused > 0 ? 0.4 : 0.05)) {
        expect(table.remove(name)).toBe(old !== undefined);
        model.delete(name);
        continue;
      }
      const at = random.chance(0.2) ? BigInt(random.below(1000)) : KEEP_EXPIRE;
      const value = random.text(random.below(random.chance(0.1) ? 3000 : 200), 'xyz');
      if (table.set(name, value, at)) {
        model.set(name, { value, at: at === KEEP_EXPIRE ? (old?.at ?? NO_EXPIRE) : at });
      } else {
        refused++;
        if (refused % 100 === 1) compareFields(table, model);
      }
    }
    expect(refused).toBeGreaterThan(100);
    compareFields(table, model);
    table.core.memberTableFree(table.ptr);
    expect(table.core.usedBytes()).toBe(table.emptyBytes);
  });

  it('knows which field expires next, and how many do before any time', async () => {
    const random = Random.fresh();
    console.log(`seed ${random.seed}`);
    const table = await Table.open(VALUE);
    const { core, ptr } = table;
    const model = new Map<string, bigint>();
    expect(core.tableMinExpire(ptr)).toBe(NEVER);
    for (let i = 0; i < 3000; i++) {
      const at = i % 3 === 0 ? NO_EXPIRE : BigInt(1000 + random.below(1000));
      table.set(`f${i}`, 'v', at);
      model.set(`f${i}`, at);
    }
    for (let nowMs = 1000n; nowMs < 2100n; nowMs += 50n) {
      let last = 0n;
      while (true) {
        const m = core.memberFirstExpired(ptr, nowMs) >>> 0;
        if (m === 0) break;
        const name = table.name(m);
        const at = model.get(name)!;
        if (at < 0n || at >= nowMs || at < last) expect.fail(`${name} at ${at}`);
        last = at;
        model.delete(name);
        core.memberRemove(ptr, m);
        // Others come and go meanwhile.
        const other = `f${random.below(3000)}`;
        if (random.chance(0.2)) {
          if (model.has(other)) expect(table.remove(other)).toBe(true);
          model.delete(other);
        } else if (!model.has(other) || random.chance(0.3)) {
          const next = random.chance(0.5) ? NO_EXPIRE : nowMs + BigInt(random.below(500));
          table.set(other, 'v'.repeat(random.below(40)), next);
          model.set(other, next);
        }
      }
      const expiries = [...model.values()].filter((at) => at >= 0n);
      const first = expiries.reduce((least, at) => (at < least ? at : least), NEVER);
      expect(core.tableMinExpire(ptr)).toBe(first);
      for (const before of [nowMs, nowMs + 100n, nowMs + 1000n]) {
        const count = expiries.filter((at) => at < before).length;
        expect(core.memberExpiredCount(ptr, before)).toBe(count);
      }
      table.verify();
    }
    for (const [name, at] of model) if (at >= 0n) table.remove(name);
    expect(core.tableMinExpire(ptr)).toBe(NEVER);
    table.verify();
    core.memberTableFree(ptr);
    expect(core.usedBytes()).toBe(table.emptyBytes);
  });
});

describe('a table of members', () => {
  it('grows from one bucket to thousands and back, in even steps', async () => {
    const table = await Table.open(PLAIN);
    const count = 30_000;
    for (let i = 0; i < count; i++) {
      if (table.find(`m${i}`) !== 0 || table.add(`m${i}`) === 0) expect.fail(`m${i}`);
      const buckets = table.core.tableBuckets(table.ptr);
      if (buckets !== Math.floor(i / 7) + 1) expect.fail(`${buckets} buckets for ${i + 1}`);
      if (i % 5000 === 0) table.verify();
    }
    table.verify();
    expect(new Set(table.names()).size).toBe(count);
    for (let i = 0; i < count; i++) {
      if (!table.remove(`m${i}`)) expect.fail(`m${i} is not there`);
      if (i % 5000 === 0) table.verify();
    }
    table.verify();
    expect(table.core.tableBuckets(table.ptr)).toBe(1);
  });

  it('takes at most 0.6 of what a member costs in Redis', async () => {
    for (const [count, expected] of [
      [200, 0],
      [1000, 0],
      [6000, 0],
      [100_000, 0],
      [100_000, 100_000],
    ] as const) {
      const table = await Table.open(PLAIN, 0, expected);
      for (let i = 0; i < count; i++) table.add(`member:${String(i).padStart(9, '0')}`);
      // Redis 7.0.15 takes 72.4 bytes for such a member of a million, 88.7 of ten thousand.
      expect(table.core.memberTableBytes(table.ptr) / count).toBeLessThan(0.6 * 72.4);
      table.verify();
    }
  });

  it('copies itself, sharing nothing', async () => {
    const table = await Table.open(SCORE);
    for (let i = 0; i < 1000; i++) table.addScored(`m${i}`, i / 3);
    const original = table.ptr;
    const copy = table.core.tryMemberTableCopy(original);
    table.core.memberTableFree(original);
    table.ptr = copy;
    table.verify();
    for (let i = 0; i < 1000; i++) {
      expect(table.core.memberScore(table.find(`m${i}`))).toBe(i / 3);
    }
  });

  it('a copy that memory does not suffice for leaves nothing behind', async () => {
    const table = await Table.open(VALUE, 80);
    let count = 0;
    while (table.set(`f${count}`, 'v'.repeat(800))) count++;
    expect(count).toBeGreaterThan(500);
    const before = table.core.usedBytes();
    expect(table.core.tryMemberTableCopy(table.ptr)).toBe(0);
    expect(table.core.usedBytes()).toBe(before);
    table.verify();
  });

  it('is freed in steps, none much larger than asked for', async () => {
    const table = await Table.open(VALUE);
    for (let i = 0; i < 5000; i++) table.set(`f${i}`, 'v'.repeat(i % 400));
    let steps = 0;
    let before = table.core.usedBytes();
    while (!table.core.memberTableFreeStep(table.ptr, 50)) {
      steps++;
      const after = table.core.usedBytes();
      // 50 fields and a last chain, of at most a field block, a value block and a page of buckets.
      expect(Number(before - after)).toBeLessThan(80 * 1024 + 65536);
      before = after;
    }
    expect(steps).toBeGreaterThan(90);
    expect(table.core.usedBytes()).toBe(table.emptyBytes);
  });
});

describe('a scan', () => {
  it('returns every member that is there throughout, whatever comes and goes', async () => {
    const random = Random.fresh();
    console.log(`seed ${random.seed}`);
    const table = await Table.open(PLAIN);
    const out = table.core.tryAlloc(4096) >>> 0;
    for (let round = 0; round < 12; round++) {
      const stay = new Set<string>();
      for (let i = 0; i < 500; i++) stay.add(`stay${round}:${i}`);
      for (const name of stay) table.add(name);
      let extra = 0;
      const growing = round % 2 === 0;
      if (!growing) for (; extra < 8000; extra++) table.add(`extra${extra}`);
      const seen = new Set<string>();
      let cursor = 0n;
      do {
        const count = table.core.scanMembers(table.ptr, cursor, out);
        const list = new Uint32Array(table.module.memory.buffer, out, count);
        for (const m of list) seen.add(table.name(m));
        cursor = table.core.scanNext(table.ptr, cursor);
        for (let n = random.below(60); n > 0; n--) {
          if (growing) table.add(`extra${extra++}`);
          else if (extra > 0) table.remove(`extra${--extra}`);
        }
      } while (cursor !== 0n);
      expect([...stay].filter((name) => !seen.has(name))).toEqual([]);
      for (const name of table.names()) table.remove(name);
    }
  });

  it('cursors go up to the largest unsigned number and no further', async () => {
    const table = await Table.open(PLAIN);
    for (let i = 0; i < 1000; i++) table.add(`m${i}`);
    let cursor = 0n;
    let steps = 0;
    do {
      const next = BigInt.asUintN(64, table.core.scanNext(table.ptr, cursor));
      if (next !== 0n) expect(next > cursor).toBe(true);
      cursor = next;
      steps++;
    } while (cursor !== 0n);
    expect(steps).toBe(table.core.tableBuckets(table.ptr));
  });
});

describe('a random member', () => {
  it('is any of them with the same probability', async () => {
    const table = await Table.open(PLAIN);
    table.core.seedRandom(20_231_123n);
    // In the middle of a doubling some buckets hold twice as many as others, and some are chained.
    const count = 330;
    for (let i = 0; i < count; i++) table.add(`member ${i}`);
    expect(table.core.tableChainMax(table.ptr)).toBeGreaterThan(1);
    const drawn = new Map<string, number>();
    const draws = 400 * count;
    for (let i = 0; i < draws; i++) {
      const name = table.name(table.core.memberRandom(table.ptr));
      drawn.set(name, (drawn.get(name) ?? 0) + 1);
    }
    expect(drawn.size).toBe(count);
    let chiSquare = 0;
    for (const times of drawn.values()) chiSquare += (times - 400) ** 2 / 400;
    // count - 1 degrees of freedom: within six standard deviations of the mean.
    expect(Math.abs(chiSquare - (count - 1))).toBeLessThan(6 * Math.sqrt(2 * (count - 1)));
  });

  it('can be removed as if it had been looked up', async () => {
    const table = await Table.open(PLAIN);
    const left = new Set<string>();
    for (let i = 0; i < 2000; i++) left.add(`m${i}`);
    for (const name of left) table.add(name);
    while (left.size > 0) {
      const name = table.name(table.core.memberRandom(table.ptr));
      expect(left.delete(name)).toBe(true);
      table.core.memberRemoveFound(table.ptr);
      if (left.size % 250 === 0) table.verify();
    }
    expect(table.size).toBe(0);
  });
});
