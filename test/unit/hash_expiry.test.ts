// Expiries of hash fields in databases, against a plain model: what is filed where, whatever is done to
// hashes, keys and databases. Time only passes when a test says so.

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
  filed(index: number): number;
  setField(keyLen: number, len: number, valueLen: number, keep: number): number;
  expireField(keyLen: number, len: number, atMs: bigint): number;
  fieldExpiry(keyLen: number, len: number): bigint;
  seesField(keyLen: number, len: number): number;
  removeField(keyLen: number, len: number): number;
  fields(keyLen: number, live: number): number;
  encoding(keyLen: number): number;
  bytesOf(keyLen: number): number;
  remove(keyLen: number): number;
  move(keyLen: number, toDb: number, toKeyLen: number): number;
  copy(keyLen: number, toDb: number, toKeyLen: number): number;
  swap(a: number, b: number): void;
  flush(index: number, later: number): number;
  verify(index: number): void;
  lazyfreeStep(deadlineUs: number): number;
  fieldExpireStep(deadlineUs: number): number;
  usedBytes(): bigint;
}

const DATABASES = 3;
const SECOND = 65536;
const START_MS = 1_700_000_000_000;
const FOREVER = Number.POSITIVE_INFINITY;
const NONE = -1n;
const LISTPACK = 11;
const LISTPACK_EX = 12;
const HASHTABLE = 2;

/** Expiry of each field. */
type Fields = Map<string, bigint>;

class Subject {
  readonly core: Exports;
  readonly models: Map<string, Fields>[] = Array.from({ length: DATABASES }, () => new Map());
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
    const module = await loadTestModule<Exports>('hash_expiry', {
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

  put(text: string, at = 0): number {
    return this.module.write(this.scratch + at, text);
  }

  private at(index: number, key: string): number {
    this.core.select(index);
    return this.put(key);
  }

  set(index: number, key: string, field: string, valueLen: number, keep = false): boolean {
    const keyLen = this.at(index, key);
    if (!this.core.setField(keyLen, this.put(field, SECOND), valueLen, keep ? 1 : 0)) return false;
    const model = this.models[index]!;
    const fields = model.get(key) ?? new Map<string, bigint>();
    model.set(key, fields.set(field, keep ? (fields.get(field) ?? NONE) : NONE));
    return true;
  }

  expire(index: number, key: string, field: string, atMs: bigint): boolean {
    const fields = this.models[index]!.get(key);
    if (!fields?.has(field)) return true;
    const keyLen = this.at(index, key);
    if (!this.core.expireField(keyLen, this.put(field, SECOND), atMs)) return false;
    fields.set(field, atMs);
    return true;
  }

  removeField(index: number, key: string, field: string): void {
    const model = this.models[index]!;
    const fields = model.get(key);
    const keyLen = this.at(index, key);
    const removed = this.core.removeField(keyLen, this.put(field, SECOND)) !== 0;
    expect(removed).toBe(fields?.delete(field) ?? false);
    if (fields?.size === 0) model.delete(key);
  }

  remove(index: number, key: string): void {
    const removed = this.core.remove(this.at(index, key)) !== 0;
    expect(removed).toBe(this.models[index]!.delete(key));
  }

  transfer(how: 'move' | 'copy', from: number, key: string, to: number, toKey: string): boolean {
    const fields = this.models[from]!.get(key);
    if (!fields || (from === to && key === toKey)) return true;
    const keyLen = this.at(from, key);
    if (!this.core[how](keyLen, to, this.put(toKey, SECOND))) return false;
    this.models[to]!.set(toKey, new Map(fields));
    if (how === 'move') this.models[from]!.delete(key);
    return true;
  }

  swap(a: number, b: number): void {
    this.core.swap(a, b);
    [this.models[a], this.models[b]] = [this.models[b]!, this.models[a]!];
  }

  flush(index: number, later: boolean): void {
    this.core.flush(index, later ? 1 : 0);
    this.models[index]!.clear();
  }

  /** Lets the cycle run until it has nothing left to do, one step of the clock at a time. */
  reap(): void {
    for (let steps = 0; this.core.fieldExpireStep(0); steps++) expect(steps).toBeLessThan(100_000);
    for (const model of this.models) {
      for (const [key, fields] of model) {
        for (const [field, at] of fields) if (this.isOver(at)) fields.delete(field);
        if (fields.size === 0) model.delete(key);
      }
    }
  }

  isOver(atMs: bigint): boolean {
    return atMs >= 0n && atMs < this.nowMs;
  }

  verify(): void {
    for (const [index, model] of this.models.entries()) {
      this.core.verify(index);
      expect(this.core.keys(index)).toBe(model.size);
      const expiring = [...model.values()].filter((fields) =>
        [...fields.values()].some((at) => at >= 0n),
      );
      expect(this.core.filed(index)).toBe(expiring.length);
      for (const [key, fields] of model) this.compare(index, key, fields);
    }
  }

  private compare(index: number, key: string, fields: Fields): void {
    const keyLen = this.at(index, key);
    const live = [...fields.values()].filter((at) => !this.isOver(at)).length;
    expect([this.core.fields(keyLen, 0), this.core.fields(keyLen, 1)]).toEqual([fields.size, live]);
    for (const [field, at] of fields) {
      const len = this.put(field, SECOND);
      const found = this.core.fieldExpiry(keyLen, len);
      if (found !== at) expect.fail(`${field} of ${key} expires at ${found}, not ${at}`);
      if ((this.core.seesField(keyLen, len) !== 0) === this.isOver(at)) {
        expect.fail(`${field} of ${key} at ${at} is seen wrongly`);
      }
    }
  }

  encoding(index: number, key: string): number {
    return this.core.encoding(this.at(index, key));
  }
}

/** Does something to something. False when memory ran out. */
function step(subject: Subject, random: Random, flushes = true): boolean {
  const index = random.below(DATABASES);
  const key = `key:${random.below(8)}`;
  const field = `field:${random.below(random.chance(0.1) ? 400 : 12)}`;
  const soon = BigInt(subject.nowMs + random.below(2000));
  switch (random.below(24)) {
    case 0:
      subject.removeField(index, key, field);
      return true;
    case 1:
      if (random.chance(0.2)) subject.remove(index, key);
      return true;
    case 2:
      return subject.transfer('move', index, key, index, `key:${random.below(8)}`);
    case 3:
      return subject.transfer('move', index, key, random.below(DATABASES), key);
    case 4:
    case 5:
      return subject.transfer('copy', index, key, random.below(DATABASES), `k${random.below(8)}`);
    case 6:
      subject.swap(index, random.below(DATABASES));
      return true;
    case 7:
      if (flushes && random.chance(0.03)) subject.flush(index, random.chance(0.5));
      return true;
    case 8:
      if (random.chance(0.3)) subject.core.lazyfreeStep(0);
      return true;
    case 9:
      subject.pass(random.below(100));
      if (random.chance(0.3)) subject.reap();
      return true;
    case 10:
    case 11:
      return subject.expire(index, key, field, NONE);
    case 12:
    case 13:
    case 14:
    case 15:
    case 16:
      return subject.expire(index, key, field, soon);
    default:
      return subject.set(index, key, field, random.below(100), random.chance(0.5));
  }
}

describe('field expiries of many hashes', () => {
  it('are filed where the model says, whatever is done to hashes, keys and databases', async () => {
    const random = Random.fresh();
    console.log(`seed ${random.seed}`);
    const subject = await Subject.create(random);
    for (let n = 1; n <= 60_000; n++) {
      step(subject, random);
      if (n % 1000 === 0) subject.verify();
    }
    expect(subject.core.stat(abi.STAT_EXPIRED_SUBKEYS)).toBeGreaterThan(200);
    for (let index = 0; index < DATABASES; index++) subject.flush(index, index === 0);
    while (subject.core.lazyfreeStep(FOREVER));
    subject.verify();
  });

  it('stay as they are when memory runs out, and all memory comes back', async () => {
    const random = Random.fresh();
    console.log(`seed ${random.seed}`);
    const subject = await Subject.create(random, 100);
    const before = subject.core.usedBytes();
    let refused = 0;
    for (let n = 1; n <= 60_000 && refused < 2000; n++) {
      const index = random.below(DATABASES);
      const key = `key:${random.below(3000)}`;
      const field = `f${random.below(20)}`;
      const at = random.chance(0.2) ? NONE : BigInt(START_MS + random.below(9999));
      const done =
        subject.set(index, key, field, random.below(900), random.chance(0.3)) &&
        subject.expire(index, key, field, at) &&
        (refused === 0 || step(subject, random, false));
      if (!done && refused++ % 400 === 0) subject.verify();
    }
    expect(refused).toBeGreaterThan(100);
    subject.verify();
    for (let index = 0; index < DATABASES; index++) subject.flush(index, false);
    while (subject.core.lazyfreeStep(FOREVER));
    expect(subject.core.usedBytes()).toBeLessThanOrEqual(before);
  });
});

describe('the cycle', () => {
  it('removes what is due in order of time, as much as a step has time for', async () => {
    const random = Random.fresh();
    console.log(`seed ${random.seed}`);
    let clock = 0;
    const subject = await Subject.create(random, 0, () => clock++);
    for (let i = 0; i < 5000; i++) {
      subject.set(0, 'big', `f${i}`, 5);
      subject.expire(0, 'big', `f${i}`, BigInt(START_MS + i));
    }
    subject.pass(2500);
    expect(subject.core.fieldExpireStep(clock + 10)).toBe(1);
    const left = subject.core.stat(abi.STAT_EXPIRED_SUBKEYS);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(2500);
    // The first in time are gone.
    for (let i = 0; i < left; i++) subject.models[0]!.get('big')!.delete(`f${i}`);
    subject.verify();
    subject.reap();
    subject.verify();
    expect(subject.models[0]!.get('big')!.size).toBe(2500);
    subject.pass(10_000);
    subject.reap();
    subject.verify();
    expect(subject.core.keys(0)).toBe(0);
  });

  it('goes from database to database, and rests when nothing is due or it is switched off', async () => {
    const random = Random.fresh();
    const subject = await Subject.create(random);
    for (let index = 0; index < DATABASES; index++) {
      subject.set(index, 'h', 'f', 1);
      subject.expire(index, 'h', 'f', BigInt(START_MS + 10));
    }
    expect(subject.core.fieldExpireStep(0)).toBe(0);
    subject.verify();
    subject.pass(20);
    subject.core.setting(abi.CFG_ACTIVE_EXPIRE, 0);
    expect(subject.core.fieldExpireStep(FOREVER)).toBe(0);
    subject.verify();
    subject.core.setting(abi.CFG_ACTIVE_EXPIRE, 1);
    subject.reap();
    subject.verify();
    expect(subject.core.stat(abi.STAT_EXPIRED_SUBKEYS)).toBe(DATABASES);
  });
});

describe('a hash', () => {
  it('has the encoding that its size and its past ask for', async () => {
    const subject = await Subject.create(Random.fresh());
    subject.set(0, 'h', 'a', 1);
    expect(subject.encoding(0, 'h')).toBe(LISTPACK);
    subject.expire(0, 'h', 'a', BigInt(START_MS + 1000));
    expect(subject.encoding(0, 'h')).toBe(LISTPACK_EX);
    subject.expire(0, 'h', 'a', NONE);
    expect(subject.encoding(0, 'h')).toBe(LISTPACK_EX);
    subject.verify();
    subject.expire(0, 'h', 'a', BigInt(START_MS + 1000));
    for (let i = 0; i < 600; i++) subject.set(0, 'h', `f${i}`, 10);
    expect(subject.encoding(0, 'h')).toBe(HASHTABLE);
    subject.verify();
    subject.set(0, 'long', 'a', 1);
    subject.expire(0, 'long', 'a', BigInt(START_MS + 5));
    subject.set(0, 'long', 'a', 1000, true);
    expect(subject.encoding(0, 'long')).toBe(HASHTABLE);
    subject.verify();
  });

  it('costs nothing more without expiries, and little with them', async () => {
    const subject = await Subject.create(Random.fresh());
    const size = (key: string) => {
      subject.core.select(0);
      return subject.core.bytesOf(subject.put(key));
    };
    for (let i = 0; i < 10_000; i++) subject.set(0, 'h', `field:${i}`, 10);
    const plain = size('h');
    for (let i = 0; i < 10_000; i++) {
      subject.expire(0, 'h', `field:${i}`, BigInt(START_MS + 10_000 + i));
    }
    // Twelve bytes in the block, which are sixteen by its size class, and an entry of the tree.
    expect((size('h') - plain) / 10_000).toBeLessThan(16 + 16);
  });
});
