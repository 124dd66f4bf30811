// Databases against a plain model, and what works on them in the background: expiry, eviction and
// freeing. Time only passes when a test says so.

import { describe, expect, it } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { loadTestModule, type TestModule } from '../support/assembly.ts';
import { Random } from '../support/random.ts';

interface Exports {
  start(databases: number, limitPages: number): number;
  setHashSeed(k0: bigint, k1: bigint): void;
  seedRandom(seed: bigint): void;
  setNow(ms: number): void;
  setting(id: number, value: number): void;
  stat(index: number): number;
  select(index: number): void;
  keys(index: number): number;
  expires(index: number): number;
  buckets(index: number): number;
  averageTtlMs(index: number): number;
  tableBytes(index: number): number;
  set(keyLen: number, valueLen: number, expireAtMs: bigint): number;
  peek(keyLen: number): number;
  read(keyLen: number): number;
  expireAtMs(e: number): bigint;
  encoding(e: number): number;
  intValue(e: number): bigint;
  stringPtr(e: number): number;
  stringLen(e: number): number;
  keyPtr(e: number): number;
  keyLength(e: number): number;
  idleSeconds(e: number): number;
  lfuCounter(e: number): number;
  remove(keyLen: number): number;
  expire(keyLen: number, atMs: bigint): number;
  move(keyLen: number, toDb: number, toKeyLen: number): number;
  copy(keyLen: number, toDb: number, toKeyLen: number): number;
  swap(a: number, b: number): void;
  flush(index: number, later: number): number;
  randomKey(): number;
  lazyfreePending(): number;
  lazyfreeStep(deadlineUs: number): number;
  expireStep(deadlineUs: number): number;
  tryFreeMemoryForWrite(): number;
  evictionPending(): number;
  evictionPolicyChanged(): void;
  usedMemory(): number;
  usedBytes(): bigint;
  tryAlloc(bytes: number): number;
  free(ptr: number): void;
}

const NONE = -1n;
const KEEP = -2n;
const INT = 1;
const DATABASES = 4;
const SECOND = 65536;
const START_MS = 1_700_000_000_000;
const PAGE_BYTES = 65536;
const FOREVER = Number.POSITIVE_INFINITY;
/** Leaves a few dozen pages to data beside what the module keeps for itself. */
const SMALL_LIMIT = 120;

interface Value {
  text: string;
  expireAtMs: bigint;
}

/** Databases in a module of their own, and the model they are held against. */
class Subject {
  readonly core: Exports;
  readonly models: Map<string, Value>[] = Array.from({ length: DATABASES }, () => new Map());
  nowMs = START_MS;
  private readonly module: TestModule<Exports>;
  private readonly scratch: number;

  private constructor(module: TestModule<Exports>, limitPages: number) {
    this.module = module;
    this.core = module.exports;
    this.scratch = this.core.start(DATABASES, limitPages) >>> 0;
    this.core.setNow(this.nowMs);
  }

  static async create(random: Random, limitPages = 0, clockUs?: () => number): Promise<Subject> {
    const module = await loadTestModule<Exports>('keyspace', {
      scratchPages: 0,
      ...(clockUs && { clockUs }),
    });
    const subject = new Subject(module, limitPages);
    subject.core.setHashSeed(random.u64(), random.u64());
    subject.core.seedRandom(random.u64());
    return subject;
  }

  pass(ms: number): void {
    this.nowMs += ms;
    this.core.setNow(this.nowMs);
  }

  /** The live value of a key by the model. */
  wanted(index: number, key: string): Value | undefined {
    const value = this.models[index]!.get(key);
    return value && this.isLive(value) ? value : undefined;
  }

  isLive(value: Value): boolean {
    return value.expireAtMs === NONE || value.expireAtMs >= this.nowMs;
  }

  set(index: number, key: string, text: string, expireAtMs = NONE): boolean {
    this.core.select(index);
    const keyLen = this.put(key);
    if (!this.core.set(keyLen, this.put(text, SECOND), expireAtMs)) return false;
    const kept = this.wanted(index, key)?.expireAtMs ?? NONE;
    this.models[index]!.set(key, { text, expireAtMs: expireAtMs === KEEP ? kept : expireAtMs });
    return true;
  }

  /** The entry of a key, 0 when there is none. */
  peek(index: number, key: string): number {
    this.core.select(index);
    return this.core.peek(this.put(key)) >>> 0;
  }

  read(index: number, key: string): number {
    this.core.select(index);
    return this.core.read(this.put(key)) >>> 0;
  }

  remove(index: number, key: string): void {
    this.core.select(index);
    const there = this.wanted(index, key) !== undefined;
    expect(this.core.remove(this.put(key)) !== 0).toBe(there);
    this.models[index]!.delete(key);
  }

  expire(index: number, key: string, atMs: bigint): boolean {
    if (this.peek(index, key) === 0) return true;
    if (!this.core.expire(this.put(key), atMs)) return false;
    this.models[index]!.get(key)!.expireAtMs = atMs;
    return true;
  }

  /** Moves or copies; false when it failed for memory. */
  transfer(how: 'move' | 'copy', from: number, key: string, to: number, toKey: string): boolean {
    const value = this.wanted(from, key);
    if (!value || (from === to && key === toKey)) return true;
    this.core.select(from);
    const keyLen = this.put(key);
    if (!this.core[how](keyLen, to, this.put(toKey, SECOND))) return false;
    this.models[to]!.set(toKey, { ...value });
    if (how === 'move') this.models[from]!.delete(key);
    return true;
  }

  flush(index: number, later: boolean): void {
    this.core.flush(index, later ? 1 : 0);
    this.models[index]!.clear();
  }

  swap(a: number, b: number): void {
    this.core.swap(a, b);
    const model = this.models[a]!;
    this.models[a] = this.models[b]!;
    this.models[b] = model;
  }

  check(index: number, key: string): void {
    const e = this.peek(index, key);
    const wanted = this.wanted(index, key);
    if (e === 0 || !wanted) {
      if (e !== 0 || wanted) throw new Error(`${key} in ${index}: ${e !== 0}, not ${!!wanted}`);
      return;
    }
    const text =
      this.core.encoding(e) === INT
        ? String(this.core.intValue(e))
        : this.module.text(this.core.stringPtr(e) >>> 0, this.core.stringLen(e));
    const expireAtMs = this.core.expireAtMs(e);
    if (text !== wanted.text || expireAtMs !== wanted.expireAtMs) {
      throw new Error(`${key} in ${index}: ${text} until ${expireAtMs}, not ${wanted.text}`);
    }
  }

  /** Looks every key up, which drops the expired ones, and compares the counts. */
  verify(): void {
    for (const [index, model] of this.models.entries()) {
      for (const key of [...model.keys()]) {
        this.check(index, key);
        if (!this.wanted(index, key)) model.delete(key);
      }
      expect(this.core.keys(index)).toBe(model.size);
      const expiring = [...model.values()].filter(({ expireAtMs }) => expireAtMs !== NONE);
      expect(this.core.expires(index)).toBe(expiring.length);
    }
  }

  keyOf(e: number): string {
    return this.module.text(this.core.keyPtr(e) >>> 0, this.core.keyLength(e));
  }

  private put(text: string, at = 0): number {
    return this.module.write(this.scratch + at, text);
  }
}

function someKey(random: Random): string {
  return `key:${random.below(400)}${random.chance(0.02) ? 'x'.repeat(70) : ''}`;
}

function someText(random: Random): string {
  const kind = random.below(10);
  if (kind < 3) return String(random.below(100_000) - 50_000);
  if (kind < 7) return random.text(random.below(50), 'abc ');
  return 'v'.repeat(random.pick([45, 192, 193, 1000, 20_000]));
}

function someExpiry(random: Random, nowMs: number): bigint {
  return random.chance(0.5) ? NONE : BigInt(nowMs + random.between(1, 2000));
}

/** One random operation. False when it failed for memory. */
function operate(random: Random, subject: Subject): boolean {
  const index = random.below(DATABASES);
  const key = someKey(random);
  switch (random.below(12)) {
    case 0:
      subject.remove(index, key);
      return true;
    case 1:
      return subject.expire(index, key, someExpiry(random, subject.nowMs));
    case 2:
    case 3: {
      const how = random.pick(['move', 'copy'] as const);
      return subject.transfer(how, index, key, random.below(DATABASES), someKey(random));
    }
    case 4:
      if (random.chance(0.02)) subject.flush(index, random.chance(0.5));
      else if (random.chance(0.05)) subject.swap(index, random.below(DATABASES));
      return true;
    case 5:
      subject.pass(random.below(30));
      return true;
    case 6:
      if (random.chance(0.2)) subject.core.expireStep(FOREVER);
      if (random.chance(0.2)) subject.core.lazyfreeStep(FOREVER);
      return true;
    case 7:
      subject.check(index, key);
      return true;
    default: {
      const expiry = random.chance(0.2) ? KEEP : someExpiry(random, subject.nowMs);
      return subject.set(index, key, someText(random), expiry);
    }
  }
}

describe('random use of databases', () => {
  const random = Random.fresh();

  it(`leaves them as the model says (seed ${random.seed})`, async () => {
    const subject = await Subject.create(random);
    const usedByEmpty = subject.core.usedBytes();
    for (let step = 0; step < 30_000; step++) {
      expect(operate(random, subject)).toBe(true);
      if (step % 1000 === 0) subject.verify();
    }
    subject.verify();
    for (let i = 0; i < DATABASES; i++) subject.flush(i, random.chance(0.5));
    while (subject.core.lazyfreeStep(FOREVER)) {}
    subject.verify();
    // All is given back but directories that have grown.
    expect(subject.core.usedBytes() - usedByEmpty).toBeLessThanOrEqual(64n);
  });

  it(`an operation that fails for memory changes nothing (seed ${random.seed})`, async () => {
    const subject = await Subject.create(random, SMALL_LIMIT);
    let failures = 0;
    for (let round = 0; round < 20; round++) {
      const pages: number[] = [];
      const wanted = random.between(80, 110);
      while (pages.length < wanted) {
        const ptr = subject.core.tryAlloc(PAGE_BYTES) >>> 0;
        if (ptr === 0) break;
        pages.push(ptr);
      }
      for (let step = 0; step < 500; step++) if (!operate(random, subject)) failures++;
      subject.verify();
      for (const ptr of pages) subject.core.free(ptr);
      for (let step = 0; step < 100; step++) operate(random, subject);
    }
    subject.verify();
    expect(failures).toBeGreaterThan(50);
  });
});

describe('flushing', () => {
  const random = Random.fresh();

  async function filled(count: number): Promise<Subject> {
    const subject = await Subject.create(random);
    for (let i = 0; i < count; i++) subject.set(1, `key:${i}`, 'v'.repeat(300), KEEP);
    return subject;
  }

  it('frees all at once, or later in steps, and the database is empty at once', async () => {
    const now = await filled(3000);
    const usedByEmpty = (await Subject.create(random)).core.usedBytes();
    now.flush(1, false);
    expect(now.core.usedBytes() - usedByEmpty).toBeLessThanOrEqual(64n);
    expect(now.core.lazyfreePending()).toBe(0);

    const later = await filled(3000);
    const used = later.core.usedBytes();
    later.flush(1, true);
    later.verify();
    expect(later.core.usedBytes()).toBeGreaterThanOrEqual(used);
    expect(later.core.stat(abi.STAT_LAZYFREE_PENDING)).toBe(3000);
    later.set(1, 'new', 'value');
    // The clock stands still, so a step whose time is over still does a slice of the work.
    let steps = 0;
    let left = used;
    while (later.core.lazyfreeStep(0)) {
      expect(later.core.usedBytes()).toBeLessThan(left);
      left = later.core.usedBytes();
      steps++;
    }
    expect(steps).toBeGreaterThan(5);
    expect(later.core.stat(abi.STAT_LAZYFREE_PENDING)).toBe(0);
    expect(later.core.stat(abi.STAT_LAZYFREED)).toBe(3000);
    later.verify();
  });

  it('several flushed tables wait together', async () => {
    const subject = await Subject.create(random);
    const usedByEmpty = subject.core.usedBytes();
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 200; i++) subject.set(2, `key:${i}`, 'v');
      subject.flush(2, true);
    }
    expect(subject.core.stat(abi.STAT_LAZYFREE_PENDING)).toBe(1000);
    while (subject.core.lazyfreeStep(FOREVER)) {}
    expect(subject.core.usedBytes()).toBe(usedByEmpty);
    expect(subject.core.flush(2, 1)).toBe(0);
    expect(subject.core.lazyfreePending()).toBe(0);
  });

  it('works without memory, then at once', async () => {
    const subject = await Subject.create(random, SMALL_LIMIT);
    for (let i = 0; subject.set(0, `key:${i}`, 'v'.repeat(500)); i++) {}
    while (subject.core.tryAlloc(8) !== 0) {}
    while (subject.core.tryAlloc(48) !== 0) {}
    subject.flush(0, true);
    expect(subject.core.lazyfreePending()).toBe(0);
    subject.verify();
    expect(subject.set(0, 'new', 'value')).toBe(true);
  });
});

describe('swapping', () => {
  const random = Random.fresh();

  it('exchanges all that belongs to the contents', async () => {
    const subject = await Subject.create(random);
    for (let i = 0; i < 3000; i++) subject.set(1, `key:${i}`, 'v', BigInt(START_MS + 60_000));
    subject.set(2, 'key', 'v');
    subject.core.expireStep(FOREVER);
    const figures = (index: number) => [
      subject.core.averageTtlMs(index),
      subject.core.buckets(index),
      subject.core.tableBytes(index),
    ];
    const before = [figures(1), figures(2)];
    expect(before[0]).not.toEqual(before[1]);
    subject.swap(1, 2);
    expect([figures(2), figures(1)]).toEqual(before);
    subject.verify();
    subject.swap(3, 3);
    subject.verify();
  });
});

describe('the expire cycle', () => {
  const random = Random.fresh();

  it('finds all keys whose time has come, in all databases, and no others', async () => {
    const subject = await Subject.create(random);
    for (let i = 0; i < 2000; i++) {
      const expiry = i % 4 === 0 ? NONE : BigInt(START_MS + (i % 4) * 1000);
      subject.set(i % DATABASES, `key:${i}`, 'v', expiry);
    }
    const keys = () => [0, 1, 2, 3].map((index) => subject.core.keys(index));
    subject.core.expireStep(FOREVER);
    expect(keys()).toEqual([500, 500, 500, 500]);
    // A key lives through the millisecond of its expiry.
    subject.pass(2000);
    subject.core.expireStep(FOREVER);
    expect(keys()).toEqual([500, 0, 500, 500]);
    subject.pass(1);
    subject.core.expireStep(FOREVER);
    expect(keys()).toEqual([500, 0, 0, 500]);
    expect(subject.core.stat(abi.STAT_EXPIRED_KEYS)).toBe(1000);
    expect(subject.core.stat(abi.STAT_DIRTY)).toBe(0);
    subject.verify();
  });

  it('shrinks what it empties', async () => {
    const subject = await Subject.create(random);
    for (let i = 0; i < 10_000; i++) subject.set(0, `key:${i}`, 'v', BigInt(START_MS + 10));
    expect(subject.core.buckets(0)).toBeGreaterThan(1000);
    subject.pass(1000);
    subject.core.expireStep(FOREVER);
    expect(subject.core.keys(0)).toBe(0);
    expect(subject.core.buckets(0)).toBe(1);
  });

  it('works in slices, goes on where it stopped, and is in a hurry while much has expired', async () => {
    let clock = 0;
    const subject = await Subject.create(random, 0, () => clock++);
    for (let i = 0; i < 5000; i++) {
      subject.set(0, `key:${i}`, 'v', BigInt(START_MS + (i % 2 === 0 ? 10 : 1_000_000)));
    }
    subject.pass(1000);
    let calls = 0;
    while (subject.core.keys(0) > 2500 && calls < 1000) {
      const before = subject.core.keys(0);
      const urgent = subject.core.expireStep(clock) !== 0;
      calls++;
      if (before - subject.core.keys(0) > 200) throw new Error('one slice did too much');
      if (subject.core.keys(0) > 2600) expect(urgent).toBe(true);
    }
    expect(subject.core.keys(0)).toBe(2500);
    expect(calls).toBeGreaterThan(20);
    expect(subject.core.stat(abi.STAT_EXPIRED_TIME_CAP)).toBeGreaterThan(10);
    // Nothing is left to find.
    for (let i = 0; i < 100; i++) subject.core.expireStep(clock);
    expect(subject.core.expireStep(clock)).toBe(0);
    subject.verify();
  });

  it('comes to every database, however long the walk of another one takes', async () => {
    let clock = 0;
    const subject = await Subject.create(random, 0, () => clock++);
    for (let i = 0; i < 5000; i++) subject.set(0, `key:${i}`, 'v', BigInt(START_MS + 1_000_000));
    subject.set(3, 'key', 'v', BigInt(START_MS + 10));
    subject.pass(1000);
    for (let i = 0; i < DATABASES; i++) subject.core.expireStep(clock);
    expect(subject.core.keys(3)).toBe(0);
    expect(subject.core.keys(0)).toBe(5000);
    subject.verify();
  });

  it('stays in a hurry while other databases have their turns', async () => {
    let clock = 0;
    const subject = await Subject.create(random, 0, () => clock++);
    for (let i = 0; i < 5000; i++) {
      subject.set(0, `key:${i}`, 'v', BigInt(START_MS + 10));
      subject.set(1, `key:${i}`, 'v', BigInt(START_MS + 1_000_000));
    }
    subject.pass(1000);
    let steps = 0;
    while (subject.core.expireStep(clock) !== 0 && steps < 1000) steps++;
    expect(steps).toBeLessThan(1000);
    expect(subject.core.keys(0)).toBeLessThan(500);
    expect(subject.core.keys(1)).toBe(5000);
    subject.verify();
  });

  it('goes once around, wherever the step before stopped', async () => {
    const subject = await Subject.create(random);
    for (let i = 0; i < 5000; i++) {
      subject.set(0, `key:${i}`, 'v', BigInt(START_MS + (i < 100 ? 1_000_000 : 10)));
    }
    // The clock stands still, so the time of this step is over from the start.
    subject.core.expireStep(0);
    subject.pass(1000);
    subject.core.expireStep(0);
    expect(subject.core.keys(0)).toBeGreaterThan(4000);
    subject.core.expireStep(FOREVER);
    expect(subject.core.keys(0)).toBe(100);
  });

  it('estimates how long keys have to live', async () => {
    const subject = await Subject.create(random);
    for (let i = 0; i < 500; i++) subject.set(0, `key:${i}`, 'v', BigInt(START_MS + 60_000));
    subject.core.expireStep(FOREVER);
    expect(subject.core.averageTtlMs(0)).toBe(60_000);
    subject.flush(0, false);
    expect(subject.core.averageTtlMs(0)).toBe(0);
  });

  it('can be turned off', async () => {
    const subject = await Subject.create(random);
    subject.set(0, 'key', 'v', BigInt(START_MS + 1));
    subject.pass(10);
    subject.core.setting(abi.CFG_ACTIVE_EXPIRE, 0);
    subject.core.expireStep(FOREVER);
    expect(subject.core.keys(0)).toBe(1);
    subject.core.setting(abi.CFG_ACTIVE_EXPIRE, 1);
    subject.core.expireStep(FOREVER);
    expect(subject.core.keys(0)).toBe(0);
  });
});

describe('eviction', () => {
  const random = Random.fresh();
  const COUNT = 2000;
  const VALUE = 'v'.repeat(180);

  /** Databases with COUNT keys, every second one with an expiry, under a policy. */
  async function filled(policy: number, clockUs?: () => number): Promise<Subject> {
    const subject = await Subject.create(random, 0, clockUs);
    subject.core.setting(abi.CFG_MAXMEMORY_POLICY, policy);
    subject.core.evictionPolicyChanged();
    for (let i = 0; i < COUNT; i++) {
      const expiry = i % 2 === 0 ? NONE : BigInt(START_MS + 1_000_000 + i * 1000);
      subject.set(i % DATABASES, `key:${i}`, VALUE, expiry);
    }
    return subject;
  }

  function total(subject: Subject): number {
    return [0, 1, 2, 3].reduce((sum, index) => sum + subject.core.keys(index), 0);
  }

  /** Lowers the limit so that about this share of the keys has to go, and evicts. */
  function evict(subject: Subject, share: number): boolean {
    const bytes = share * COUNT * 256;
    subject.core.setting(abi.CFG_MAXMEMORY, subject.core.usedMemory() - bytes);
    return subject.core.tryFreeMemoryForWrite() !== 0;
  }

  /** Which keys are left, by their numbers. */
  function left(subject: Subject): number[] {
    return Array.from({ length: COUNT }, (_, i) => i).filter(
      (i) => subject.peek(i % DATABASES, `key:${i}`) !== 0,
    );
  }

  it('does nothing below the limit, or without one', async () => {
    const subject = await filled(abi.POLICY_ALLKEYS_LRU);
    expect(subject.core.tryFreeMemoryForWrite()).toBe(1);
    subject.core.setting(abi.CFG_MAXMEMORY, subject.core.usedMemory() + 1000);
    expect(subject.core.tryFreeMemoryForWrite()).toBe(1);
    expect(total(subject)).toBe(COUNT);
  });

  it('refuses under noeviction', async () => {
    const subject = await filled(abi.POLICY_NOEVICTION);
    expect(evict(subject, 0.1)).toBe(false);
    expect(total(subject)).toBe(COUNT);
    expect(subject.core.evictionPending()).toBe(0);
  });

  for (const [name, policy] of [
    ['allkeys-lru', abi.POLICY_ALLKEYS_LRU],
    ['allkeys-lfu', abi.POLICY_ALLKEYS_LFU],
    ['allkeys-random', abi.POLICY_ALLKEYS_RANDOM],
    ['volatile-lru', abi.POLICY_VOLATILE_LRU],
    ['volatile-lfu', abi.POLICY_VOLATILE_LFU],
    ['volatile-random', abi.POLICY_VOLATILE_RANDOM],
    ['volatile-ttl', abi.POLICY_VOLATILE_TTL],
  ] as const) {
    const volatile = name.startsWith('volatile');

    it(`${name} evicts as much as is needed, of what qualifies`, async () => {
      const subject = await filled(policy);
      expect(evict(subject, 0.2)).toBe(true);
      expect(subject.core.evictionPending()).toBe(0);
      const evicted = COUNT - total(subject);
      expect(evicted).toBeGreaterThan(COUNT * 0.15);
      expect(evicted).toBeLessThan(COUNT * 0.3);
      expect(subject.core.stat(abi.STAT_EVICTED_KEYS)).toBe(evicted);
      expect(subject.core.stat(abi.STAT_DIRTY)).toBe(0);
      const remaining = left(subject);
      expect(remaining.length).toBe(total(subject));
      if (volatile) expect(remaining.filter((i) => i % 2 === 0).length).toBe(COUNT / 2);
      // All databases give their part.
      for (let index = volatile ? 1 : 0; index < DATABASES; index += volatile ? 2 : 1) {
        expect(subject.core.keys(index)).toBeLessThan(COUNT / DATABASES);
      }
      // When nothing is left that qualifies, writes are refused.
      expect(evict(subject, 2)).toBe(false);
      expect(total(subject)).toBe(volatile ? COUNT / 2 : 0);
    });
  }

  it('allkeys-lru prefers keys that were not used for long', async () => {
    const subject = await filled(abi.POLICY_ALLKEYS_LRU);
    subject.pass(100_000);
    for (let i = 0; i < COUNT; i += 4) subject.read(i % DATABASES, `key:${i}`);
    expect(evict(subject, 0.5)).toBe(true);
    const usedLately = left(subject).filter((i) => i % 4 === 0).length;
    expect(usedLately).toBeGreaterThan((COUNT / 4) * 0.9);
  });

  it('allkeys-lfu prefers keys that are used rarely', async () => {
    const subject = await filled(abi.POLICY_ALLKEYS_LFU);
    for (let round = 0; round < 50; round++) {
      for (let i = 0; i < COUNT; i += 4) subject.read(i % DATABASES, `key:${i}`);
    }
    expect(evict(subject, 0.5)).toBe(true);
    const usedOften = left(subject).filter((i) => i % 4 === 0).length;
    expect(usedOften).toBeGreaterThan((COUNT / 4) * 0.9);
  });

  it('volatile-ttl prefers keys that expire soon', async () => {
    const subject = await filled(abi.POLICY_VOLATILE_TTL);
    expect(evict(subject, 0.25)).toBe(true);
    const remaining = left(subject).filter((i) => i % 2 === 1);
    const late = remaining.filter((i) => i > COUNT / 2).length;
    expect(late / (COUNT / 4)).toBeGreaterThan(0.8);
    expect(remaining.length).toBeLessThan(COUNT * 0.35);
  });

  it('finds the few keys with an expiry among many without', async () => {
    const subject = await filled(abi.POLICY_VOLATILE_LRU);
    for (let i = 1; i < COUNT; i += 2) if (i !== 777) subject.remove(i % DATABASES, `key:${i}`);
    subject.core.setting(abi.CFG_MAXMEMORY, subject.core.usedMemory() - 100);
    expect(subject.core.tryFreeMemoryForWrite()).toBe(1);
    expect(subject.peek(777 % DATABASES, 'key:777')).toBe(0);
  });

  it('stops when its time is over and leaves the rest to the cron', async () => {
    let clock = 0;
    const subject = await filled(abi.POLICY_ALLKEYS_LRU, () => {
      clock += 100;
      return clock;
    });
    expect(evict(subject, 0.5)).toBe(true);
    const after = total(subject);
    expect(after).toBeLessThan(COUNT);
    expect(after).toBeGreaterThan(COUNT * 0.6);
    expect(subject.core.evictionPending()).toBe(1);
    expect(subject.core.stat(abi.STAT_EVICTION_STARTED_US)).toBeGreaterThan(0);
    while (subject.core.evictionPending()) expect(subject.core.tryFreeMemoryForWrite()).toBe(1);
    expect(subject.core.stat(abi.STAT_EVICTION_STARTED_US)).toBe(0);
    expect(subject.core.stat(abi.STAT_EVICT_EXCEEDED_US)).toBeGreaterThan(0);
  });

  it('frees what was flushed before it takes a live key', async () => {
    for (const policy of [abi.POLICY_ALLKEYS_LRU, abi.POLICY_NOEVICTION]) {
      const subject = await filled(policy);
      for (let i = 1; i < DATABASES; i++) subject.flush(i, true);
      expect(evict(subject, 0.5)).toBe(true);
      expect(total(subject)).toBe(COUNT / DATABASES);
      expect(subject.core.stat(abi.STAT_EVICTED_KEYS)).toBe(0);
    }
  });
});

describe('access clocks', () => {
  const random = Random.fresh();

  it('count the seconds since a key was used', async () => {
    const subject = await Subject.create(random);
    subject.set(0, 'key', 'v');
    subject.pass(10_000);
    expect(subject.core.idleSeconds(subject.peek(0, 'key'))).toBe(10);
    expect(subject.core.idleSeconds(subject.read(0, 'key'))).toBe(0);
    // The clock has 24 bits of seconds and goes round.
    subject.pass(0xffffff * 1000);
    expect(subject.core.idleSeconds(subject.peek(0, 'key'))).toBe(0xffffff);
  });

  it('count uses logarithmically and forget one every minute', async () => {
    const subject = await Subject.create(random);
    subject.core.setting(abi.CFG_MAXMEMORY_POLICY, abi.POLICY_ALLKEYS_LFU);
    subject.set(0, 'key', 'v');
    expect(subject.core.lfuCounter(subject.peek(0, 'key'))).toBe(5);
    for (let i = 0; i < 1000; i++) subject.read(0, 'key');
    const counter = subject.core.lfuCounter(subject.peek(0, 'key'));
    expect(counter).toBeGreaterThan(10);
    expect(counter).toBeLessThan(60);
    subject.pass(3 * 60_000);
    expect(subject.core.lfuCounter(subject.peek(0, 'key'))).toBe(counter - 3);
    subject.pass(1000 * 60_000);
    expect(subject.core.lfuCounter(subject.peek(0, 'key'))).toBe(0);
    subject.core.setting(abi.CFG_LFU_DECAY_MINUTES, 0);
    expect(subject.core.lfuCounter(subject.peek(0, 'key'))).toBe(counter);
  });
});

describe('a random key', () => {
  const random = Random.fresh();

  it('is live; the expired ones met on the way are deleted', async () => {
    const subject = await Subject.create(random);
    expect(subject.core.randomKey()).toBe(0);
    for (let i = 0; i < 50; i++) subject.set(0, `gone:${i}`, 'v', BigInt(START_MS + 5));
    subject.set(0, 'stays', 'v');
    subject.pass(10);
    for (let i = 0; i < 20; i++)
      expect(subject.keyOf(subject.core.randomKey() >>> 0)).toBe('stays');
    subject.remove(0, 'stays');
    expect(subject.core.randomKey()).toBe(0);
    expect(subject.core.keys(0)).toBe(0);
  });
});
