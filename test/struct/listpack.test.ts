// Goal: every operation of a listpack leaves the bytes Redis would have, and no foreign bytes are
// read out of range.
// Method: random operations beside an array of texts; after each, the bytes must equal those of an
// independent encoder, which itself is compared with DUMP payloads of a real server.
import { beforeAll, describe, expect, it } from 'vitest';
import { loadTestModule, type TestModule } from '../support/assembly.ts';
import { Random } from '../support/random.ts';
import { RespClient } from '../support/resp_client.ts';
import { realRedisAvailable, startServer } from '../support/server.ts';
import {
  encodeElement,
  encodeListpack,
  Harness,
  integerOf,
  joinElements,
  randomElement,
  rdbString,
} from './model.ts';

interface Exports {
  lpEntry: { value: number };
  lpValueLen: { value: number };
  lpValueInt: { value: bigint };
  lpRandomIndex: { value: number };
  lpNew(capacity: number): number;
  lpFree(lp: number): void;
  lpBytes(lp: number): number;
  lpBlockBytes(lp: number): number;
  lpDup(lp: number): number;
  lpShrinkToFit(lp: number): number;
  lpSafeToAdd(lp: number, bytes: bigint): number;
  lpLength(lp: number): number;
  lpSkip(p: number): number;
  lpFirst(lp: number): number;
  lpLast(lp: number): number;
  lpNext(p: number): number;
  lpPrev(lp: number, p: number): number;
  lpSeek(lp: number, index: bigint): number;
  lpGet(p: number): number;
  lpGetText(p: number, buffer: number): number;
  lpCompare(p: number, s: number, len: number): number;
  lpFind(p: number, s: number, len: number, skip: number): number;
  lpAppend(lp: number, s: number, len: number): number;
  lpAppendInteger(lp: number, value: bigint): number;
  lpPrepend(lp: number, s: number, len: number): number;
  lpPrependInteger(lp: number, value: bigint): number;
  lpInsert(lp: number, p: number, s: number, len: number, where: number): number;
  lpInsertInteger(lp: number, p: number, value: bigint, where: number): number;
  lpReplace(lp: number, p: number, s: number, len: number): number;
  lpReplaceInteger(lp: number, p: number, value: bigint): number;
  lpDelete(lp: number, p: number): number;
  lpDeleteRange(lp: number, index: bigint, num: number): number;
  lpDeleteRangeWithEntry(lp: number, p: number, num: number): number;
  lpBatchDelete(lp: number, addresses: number, num: number): number;
  lpMerge(first: number, second: number): number;
  lpEstimateBytesRepeatedInteger(value: bigint, times: number): bigint;
  lpRandom(lp: number, step: number): number;
  lpNextRandom(lp: number, p: number, index: number, remaining: number, step: number): number;
  lpAddresses(lp: number, out: number, step: number): number;
  lpValidate(lp: number, size: number, deep: number): number;
}

const BEFORE = 0;
const AFTER = 1;
const EMPTY_BYTES = 7;
const EOF_BYTE = 0xff;
const UNKNOWN = 65535;
/** How much of a block may be idle after a removal, and after an addition of a few bytes. */
const IDLE_SHARE = 0.25;

const random = Random.fresh();
const seed = `seed ${random.seed}`;
let harness: Harness<Exports>;
let lpx: Exports;

beforeAll(async () => {
  harness = await Harness.load<Exports>();
  lpx = harness.exports;
  harness.exports.seedRandom(BigInt(random.seed));
});

const contents = (lp: number) => harness.read(lp, lpx.lpBytes(lp));
const bufferAt = () => harness.put('', 'integer');

/** The element as text. */
function textAt(p: number): Buffer {
  const at = lpx.lpGetText(p, bufferAt());
  return harness.read(at, lpx.lpValueLen.value);
}

function forwards(lp: number): Buffer[] {
  const found: Buffer[] = [];
  for (let p = lpx.lpFirst(lp); p !== 0; p = lpx.lpNext(p)) found.push(textAt(p));
  return found;
}

function backwards(lp: number): Buffer[] {
  const found: Buffer[] = [];
  for (let p = lpx.lpLast(lp); p !== 0; p = lpx.lpPrev(lp, p)) found.push(textAt(p));
  return found.reverse();
}

function build(elements: readonly Uint8Array[]): number {
  return harness.allocBytes(encodeListpack(elements));
}

describe('listpack', () => {
  it(`has the bytes of an independent encoder after any operation (${seed})`, () => {
    for (let round = 0; round < 40; round++) {
      const longest = random.pick([8, 40, 300, 5000]);
      const model: Buffer[] = [];
      let lp = lpx.lpNew(0);
      for (let step = 0; step < 150; step++) {
        lp = operate(lp, model, longest, step);
        expect(lp).not.toBe(0);
        expect(contents(lp).equals(encodeListpack(model))).toBe(true);
        expect(lpx.lpValidate(lp, lpx.lpBytes(lp), 1)).toBe(1);
        expect(lpx.lpLength(lp)).toBe(model.length);
      }
      expect(forwards(lp)).toEqual(model);
      expect(backwards(lp)).toEqual(model);
      lpx.lpFree(lp);
    }
    expect(harness.usedBytes()).toBe(0);
  });

  /** One random operation on both; returns the listpack. */
  function operate(lp: number, model: Buffer[], longest: number, step: number): number {
    const text = randomElement(random, longest);
    const value = integerOf(text);
    const at = random.below(model.length);
    const p = model.length > 0 ? lpx.lpSeek(lp, BigInt(at)) : 0;
    const s = harness.put(text);
    switch (model.length === 0 || step < 10 ? random.below(2) : random.below(9)) {
      case 0:
        model.push(text);
        return value !== undefined && random.chance(0.5)
          ? lpx.lpAppendInteger(lp, value)
          : lpx.lpAppend(lp, s, text.length);
      case 1:
        model.unshift(text);
        return value !== undefined && random.chance(0.5)
          ? lpx.lpPrependInteger(lp, value)
          : lpx.lpPrepend(lp, s, text.length);
      case 2: {
        const where = random.pick([BEFORE, AFTER]);
        model.splice(at + where, 0, text);
        const grown =
          value !== undefined && random.chance(0.5)
            ? lpx.lpInsertInteger(lp, p, value, where)
            : lpx.lpInsert(lp, p, s, text.length, where);
        expect(textAt(lpx.lpEntry.value)).toEqual(text);
        return grown;
      }
      case 3: {
        model[at] = text;
        const changed =
          value !== undefined && random.chance(0.5)
            ? lpx.lpReplaceInteger(lp, p, value)
            : lpx.lpReplace(lp, p, s, text.length);
        expect(textAt(lpx.lpEntry.value)).toEqual(text);
        return changed;
      }
      case 4:
      case 5: {
        model.splice(at, 1);
        const shorter = lpx.lpDelete(lp, p);
        expectEntry(model[at]);
        return shorter;
      }
      case 6: {
        const count = random.below(6);
        model.splice(at, count);
        const shorter = lpx.lpDeleteRangeWithEntry(lp, p, count);
        expectEntry(model[at]);
        return shorter;
      }
      case 7: {
        const count = random.chance(0.1) ? 0xffffffff : random.below(6);
        const index = random.chance(0.5) ? at : at - model.length;
        model.splice(at, count);
        return lpx.lpDeleteRange(lp, BigInt(index), count);
      }
      default: {
        const chosen = model.map((_, i) => i).filter(() => random.chance(0.2));
        const addresses = chosen.map((i) => lpx.lpSeek(lp, BigInt(i)));
        const table = harness.put(new Uint8Array(Uint32Array.from(addresses).buffer), 'table');
        for (const i of chosen.reverse()) model.splice(i, 1);
        return lpx.lpBatchDelete(lp, table, chosen.length);
      }
    }
  }

  function expectEntry(text: Buffer | undefined): void {
    const entry = lpx.lpEntry.value;
    expect(entry === 0 ? undefined : textAt(entry)).toEqual(text);
  }

  it('finds nothing to delete beyond its ends', () => {
    const lp = build(['a', 'b', 'c'].map((text) => Buffer.from(text)));
    for (const index of [3n, 4n, -4n, 2n ** 62n, -(2n ** 62n)]) {
      expect(lpx.lpDeleteRange(lp, index, 1)).toBe(lp);
      expect(lpx.lpSeek(lp, index)).toBe(0);
    }
    expect(lpx.lpDeleteRange(lp, 0n, 0)).toBe(lp);
    expect(lpx.lpLength(lp)).toBe(3);
    lpx.lpFree(lp);
  });

  it('is empty at first and after its last element went', () => {
    let lp = lpx.lpNew(100);
    expect(lpx.lpBlockBytes(lp)).toBeGreaterThanOrEqual(100);
    expect([lpx.lpFirst(lp), lpx.lpLast(lp), lpx.lpSeek(lp, 0n)]).toEqual([0, 0, 0]);
    lp = lpx.lpShrinkToFit(lp);
    expect(lpx.lpBlockBytes(lp)).toBe(8);
    lp = lpx.lpAppendInteger(lp, 5n);
    lp = lpx.lpDelete(lp, lpx.lpFirst(lp));
    expect(lpx.lpEntry.value).toBe(0);
    expect(contents(lp).equals(encodeListpack([]))).toBe(true);
    lpx.lpFree(lp);
  });

  it('stores integers in as few bytes as hold them, at every border', () => {
    const borders: [bigint, number][] = [];
    for (const [bits, bytes] of [
      [13, 2],
      [16, 3],
      [24, 4],
      [32, 5],
      [64, 9],
    ] as const) {
      const top = 2n ** BigInt(bits - 1);
      borders.push([top - 1n, bytes], [-top, bytes]);
      if (bits === 64) continue;
      const more = { 13: 3, 16: 4, 24: 5, 32: 9 }[bits];
      borders.push([top, more], [-top - 1n, more]);
    }
    borders.push([0n, 1], [127n, 1], [128n, 2], [-1n, 2]);
    for (const [value, bytes] of borders) {
      const lp = lpx.lpAppendInteger(lpx.lpNew(0), value);
      expect(lpx.lpBytes(lp), `${value}`).toBe(EMPTY_BYTES + bytes + 1);
      expect(lpx.lpGet(lpx.lpFirst(lp))).toBe(0);
      expect(lpx.lpValueInt.value).toBe(value);
      expect(contents(lp).equals(encodeListpack([Buffer.from(`${value}`)]))).toBe(true);
      const estimate = lpx.lpEstimateBytesRepeatedInteger(value, 3);
      expect(estimate).toBe(BigInt(EMPTY_BYTES + 3 * (bytes + 1)));
      lpx.lpFree(lp);
    }
  });

  it('keeps texts that only resemble integers', () => {
    const texts = [
      '-',
      '-0',
      '01',
      '+1',
      '1 ',
      '1.0',
      '9223372036854775808',
      '-9223372036854775809',
    ];
    for (const text of [...texts, '18446744073709551616', '123456789012345678901', '']) {
      const lp = lpx.lpAppend(lpx.lpNew(0), harness.put(text), text.length);
      expect(lpx.lpGet(lpx.lpFirst(lp)), text).not.toBe(0);
      expect(textAt(lpx.lpFirst(lp)).toString()).toBe(text);
      lpx.lpFree(lp);
    }
  });

  it('writes sizes backwards in one byte more just where Redis does', () => {
    for (const size of [127, 128, 16382, 16383, 2097150, 2097151]) {
      const header = size < 4098 ? 2 : 5;
      const text = Buffer.alloc(size - header, 120);
      let lp = lpx.lpAppendInteger(lpx.lpNew(0), 1n);
      lp = lpx.lpAppend(lp, harness.put(text), text.length);
      lp = lpx.lpAppendInteger(lp, 2n);
      const expected = encodeListpack([Buffer.from('1'), text, Buffer.from('2')]);
      expect(contents(lp).equals(expected)).toBe(true);
      expect(lpx.lpPrev(lp, lpx.lpLast(lp))).toBe(lpx.lpNext(lpx.lpFirst(lp)));
      expect(lpx.lpValidate(lp, expected.length, 1)).toBe(1);
      lpx.lpFree(lp);
    }
  });

  it('counts itself above 65,534 elements and remembers the number when it fits again', () => {
    const countField = (lp: number) => contents(lp).readUInt16LE(4);
    let lp = lpx.lpNew(0);
    for (let i = 0; i < UNKNOWN + 1; i++) lp = lpx.lpAppendInteger(lp, 1n);
    expect(countField(lp)).toBe(UNKNOWN);
    expect(lpx.lpLength(lp)).toBe(UNKNOWN + 1);
    expect(lpx.lpSeek(lp, -1n)).toBe(lpx.lpLast(lp));
    expect(lpx.lpSeek(lp, BigInt(UNKNOWN))).toBe(lpx.lpLast(lp));
    expect(lpx.lpSeek(lp, BigInt(UNKNOWN + 1))).toBe(0);
    expect(lpx.lpSeek(lp, BigInt(-UNKNOWN - 1))).toBe(lpx.lpFirst(lp));
    expect(lpx.lpSeek(lp, BigInt(-UNKNOWN - 2))).toBe(0);
    lp = lpx.lpDeleteRange(lp, -2n, 2);
    expect(countField(lp)).toBe(UNKNOWN);
    expect(lpx.lpLength(lp)).toBe(UNKNOWN - 1);
    expect(countField(lp)).toBe(UNKNOWN - 1);
    lpx.lpFree(lp);
  });

  it(`finds what is equal and skips what is between (${seed})`, () => {
    for (let round = 0; round < 200; round++) {
      const model = Array.from({ length: random.below(30) }, () => randomElement(random, 70));
      const lp = build(model);
      const skip = random.below(3);
      const wanted =
        model.length > 0 && random.chance(0.7) ? random.pick(model) : randomElement(random, 70);
      const s = harness.put(wanted);
      const index = model.findIndex((text, i) => i % (skip + 1) === 0 && text.equals(wanted));
      const found = lpx.lpFind(lp + 6, s, wanted.length, skip);
      expect(found).toBe(index < 0 ? 0 : lpx.lpSeek(lp, BigInt(index)));
      for (let p = lpx.lpFirst(lp), i = 0; p !== 0; p = lpx.lpNext(p), i++) {
        expect(lpx.lpCompare(p, s, wanted.length) === 1).toBe(model[i]!.equals(wanted));
      }
      lpx.lpFree(lp);
    }
  });

  it('compares foreign encodings by value', () => {
    const one = Buffer.from('1');
    const long = Buffer.from([0xf4, 1, 0, 0, 0, 0, 0, 0, 0, 9]);
    const lp = harness.allocBytes(joinElements([encodeElement(one, true), long]));
    expect(lpx.lpValidate(lp, lpx.lpBytes(lp), 1)).toBe(1);
    const s = harness.put(one);
    expect(lpx.lpFind(lpx.lpFirst(lp), s, 1, 0)).toBe(lpx.lpFirst(lp));
    expect(lpx.lpFind(lpx.lpLast(lp), s, 1, 0)).toBe(lpx.lpLast(lp));
    expect(forwards(lp)).toEqual([one, one]);
    lpx.lpFree(lp);
  });

  it(`merges two into one, whichever is larger (${seed})`, () => {
    for (let round = 0; round < 100; round++) {
      const make = () => Array.from({ length: random.below(40) }, () => randomElement(random));
      const [first, second] = [make(), make()];
      const merged = lpx.lpMerge(build(first), build(second));
      expect(contents(merged).equals(encodeListpack([...first, ...second]))).toBe(true);
      const copy = lpx.lpDup(merged);
      lpx.lpFree(merged);
      expect(contents(copy).equals(encodeListpack([...first, ...second]))).toBe(true);
      lpx.lpFree(copy);
    }
    expect(harness.usedBytes()).toBe(0);
  });

  it('merges beyond the number it can store', () => {
    const many = Array.from({ length: 40_000 }, () => Buffer.from('7'));
    const merged = lpx.lpMerge(build(many), build(many));
    expect(lpx.lpLength(merged)).toBe(80_000);
    expect(contents(merged).equals(encodeListpack([...many, ...many]))).toBe(true);
    lpx.lpFree(merged);
  });

  it('gives memory back when it shrinks, and does not copy itself for each element', () => {
    let lp = build(Array.from({ length: 700 }, () => Buffer.alloc(8, 97)));
    let moves = 0;
    while (lpx.lpLength(lp) > 0) {
      const moved = lpx.lpDelete(lp, lpx.lpFirst(lp));
      if (moved !== lp) moves++;
      lp = moved;
      const idle = lpx.lpBlockBytes(lp) - lpx.lpBytes(lp);
      expect(idle).toBeLessThanOrEqual(Math.max(8, lpx.lpBlockBytes(lp) * IDLE_SHARE));
    }
    expect(moves).toBeLessThan(40);
    lpx.lpFree(lp);
    expect(harness.usedBytes()).toBe(0);
  });

  it('says what would be too large before it is', () => {
    const lp = lpx.lpNew(0);
    expect(lpx.lpSafeToAdd(0, 2n ** 30n)).toBe(1);
    expect(lpx.lpSafeToAdd(0, 2n ** 30n + 1n)).toBe(0);
    expect(lpx.lpSafeToAdd(lp, 2n ** 30n - 7n)).toBe(1);
    expect(lpx.lpSafeToAdd(lp, 2n ** 30n - 6n)).toBe(0);
    expect(lpx.lpSafeToAdd(lp, 2n ** 63n)).toBe(0);
    lpx.lpFree(lp);
  });
});

describe('random elements of a listpack', () => {
  it(`are picked with equal chances, alone or without repetition (${seed})`, () => {
    const pairs = 8;
    const elements = Array.from({ length: pairs * 2 }, (_, i) => Buffer.from(`${i}`));
    const lp = build(elements);
    const indexOf = (p: number) => Number(textAt(p).toString());
    const rounds = 8000;
    for (const step of [1, 2]) {
      const size = (pairs * 2) / step;
      const alone = new Array<number>(pairs * 2).fill(0);
      const together = new Array<number>(pairs * 2).fill(0);
      const wanted = 3;
      for (let round = 0; round < rounds; round++) {
        alone[indexOf(lpx.lpRandom(lp, step))]!++;
        let p = lpx.lpFirst(lp);
        let index = 0;
        const picked = new Set<number>();
        for (let remaining = wanted; remaining > 0; remaining--) {
          p = lpx.lpNextRandom(lp, p, index, remaining, step);
          expect(p).not.toBe(0);
          index = lpx.lpRandomIndex.value;
          expect(indexOf(p)).toBe(index);
          picked.add(index);
          p = lpx.lpNext(p);
          index++;
        }
        expect(picked.size).toBe(wanted);
        for (const one of picked) together[one]!++;
      }
      for (const [counts, share] of [
        [alone, 1 / size],
        [together, wanted / size],
      ] as const) {
        const deviation = Math.sqrt(rounds * share * (1 - share));
        counts.forEach((count, i) => {
          const expected = i % step === 0 ? rounds * share : 0;
          expect(Math.abs(count - expected)).toBeLessThanOrEqual(
            expected === 0 ? 0 : 6 * deviation,
          );
        });
      }
    }
    expect(lpx.lpNextRandom(lp, 0, 0, 1, 1)).toBe(0);
    expect(lpx.lpNextRandom(lp, lpx.lpFirst(lp), 0, 0, 1)).toBe(0);
    lpx.lpFree(lp);
  });

  it('can be looked up through a table of addresses', () => {
    const elements = Array.from({ length: 9 }, (_, i) => Buffer.from(`e${i}`));
    const lp = build(elements);
    for (const step of [1, 2]) {
      const table = harness.put(new Uint8Array(4 * elements.length), 'table');
      const count = lpx.lpAddresses(lp, table, step);
      const found = Array.from({ length: count }, (_, i) => textAt(harness.u32(table + 4 * i)));
      expect(found).toEqual(elements.filter((_, i) => i % step === 0));
    }
    lpx.lpFree(lp);
  });
});

describe('a listpack without memory', () => {
  it('stays as it was when an element does not fit any more', async () => {
    const small = await Harness.small<Exports>();
    const run = small.exports;
    const elements = Array.from({ length: 60 }, (_, i) => Buffer.from(`element ${i}`));
    const bytes = encodeListpack(elements);
    const lp = small.allocBytes(bytes);
    const other = small.allocBytes(bytes);
    const text = small.put(Buffer.alloc(2000, 98));
    const restore = small.exhaust();
    const p = run.lpSeek(lp, 7n);
    expect(run.lpNew(0)).toBe(0);
    expect(run.lpDup(lp)).toBe(0);
    expect(run.lpAppend(lp, text, 2000)).toBe(0);
    expect(run.lpPrepend(lp, text, 2000)).toBe(0);
    expect(run.lpInsert(lp, p, text, 2000, BEFORE)).toBe(0);
    expect(run.lpInsert(lp, p, text, 2000, AFTER)).toBe(0);
    expect(run.lpReplace(lp, p, text, 2000)).toBe(0);
    expect(run.lpMerge(lp, other)).toBe(0);
    expect(small.read(lp, bytes.length).equals(bytes)).toBe(true);
    expect(small.read(other, bytes.length).equals(bytes)).toBe(true);

    // What removes works all the same: the block keeps its size.
    const shorter = run.lpDeleteRange(lp, 1n, 1000);
    expect(small.read(shorter, run.lpBytes(shorter)).equals(encodeListpack([elements[0]!]))).toBe(
      true,
    );
    restore();
    const grown = run.lpAppend(shorter, text, 2000);
    expect(grown).not.toBe(0);
    run.lpFree(grown);
    run.lpFree(other);
    expect(small.usedBytes()).toBe(0);
  });
});

describe('foreign bytes', () => {
  let module: TestModule<Exports>;
  beforeAll(async () => {
    module = await loadTestModule<Exports>('lists', { scratchPages: 2 });
  });

  /** Validates bytes that end where memory ends, so that a step beyond them traps. */
  const valid = (bytes: Uint8Array, deep = 1) =>
    module.exports.lpValidate(module.writeAtEnd(bytes), bytes.length, deep) === 1;

  /** What a listpack holds according to a reader that checks all it reads. */
  function isWellFormed(bytes: Buffer): boolean {
    if (bytes.length < EMPTY_BYTES || bytes.readUInt32LE(0) !== bytes.length) return false;
    const end = bytes.length - 1;
    if (bytes[end] !== EOF_BYTE) return false;
    let at = 6;
    let count = 0;
    while (at < end) {
      const first = bytes[at]!;
      let size: number;
      if (first < 0x80) size = 1;
      else if (first < 0xc0) size = 1 + (first & 63);
      else if (first < 0xe0) size = 2;
      else if (first < 0xf0)
        size = at + 1 < end ? 2 + (((first & 15) << 8) | bytes[at + 1]!) : Infinity;
      else if (first === 0xf0) size = at + 4 < end ? 5 + bytes.readUInt32LE(at + 1) : Infinity;
      else size = [3, 4, 5, 9][first - 0xf1] ?? Infinity;
      const backBytes = size <= 127 ? 1 : size < 16383 ? 2 : size < 2097151 ? 3 : 4;
      const next = at + size + backBytes;
      if (next > end) return false;
      let value = 0;
      for (let i = next - 1, shift = 0; ; i--, shift += 7) {
        if (shift > 28) return false;
        value += (bytes[i]! & 127) * 2 ** shift;
        if (bytes[i]! < 128) break;
      }
      if (value !== size) return false;
      at = next;
      count++;
    }
    const stored = bytes.readUInt16LE(4);
    return stored === UNKNOWN || stored === count;
  }

  const sample = () => {
    const elements = Array.from({ length: 1 + random.below(8) }, () => randomElement(random));
    return encodeListpack(elements);
  };

  it(`are refused when truncated at any length (${seed})`, () => {
    for (let round = 0; round < 20; round++) {
      const bytes = sample();
      expect(valid(bytes)).toBe(true);
      for (let length = 0; length < bytes.length; length++) {
        const cut = Buffer.from(bytes.subarray(0, length));
        expect(valid(cut)).toBe(false);
        if (length < EMPTY_BYTES) continue;
        cut.writeUInt32LE(length, 0);
        expect(valid(cut)).toBe(isWellFormed(cut));
        cut[length - 1] = EOF_BYTE;
        expect(valid(cut)).toBe(isWellFormed(cut));
        expect(valid(cut, 0)).toBe(true);
      }
    }
  });

  it(`are judged as by a careful reader with any byte changed (${seed})`, () => {
    let accepted = 0;
    for (let round = 0; round < 40; round++) {
      const bytes = sample();
      for (let at = 0; at < bytes.length; at++) {
        for (const change of [1, 0x80, 0xff, 1 + random.below(255)]) {
          const changed = Buffer.from(bytes);
          changed[at]! ^= change;
          const expected = isWellFormed(changed);
          if (expected) accepted++;
          expect(valid(changed)).toBe(expected);
        }
      }
    }
    expect(accepted).toBeGreaterThan(0);
  });

  it(`can be anything at all (${seed})`, () => {
    for (let round = 0; round < 20_000; round++) {
      const bytes = Buffer.from(random.bytes(random.below(40)));
      if (bytes.length >= EMPTY_BYTES) {
        bytes.writeUInt32LE(bytes.length, 0);
        bytes[bytes.length - 1] = EOF_BYTE;
        if (random.chance(0.5)) bytes.writeUInt16LE(UNKNOWN, 4);
        if (random.chance(0.5)) bytes[6] = 0xe0 + random.below(32);
      }
      expect(valid(bytes)).toBe(isWellFormed(bytes));
    }
  });

  it('may hold a string length that wraps an address around', () => {
    for (const length of [0xffffffff, 0xfffffffa, 0xfffffff0, 0x80000000]) {
      const element = Buffer.from([0xf0, 0, 0, 0, 0, 1, 5, 1]);
      element.writeUInt32LE(length, 1);
      expect(valid(joinElements([element]))).toBe(false);
    }
  });
});

describe.skipIf(!realRedisAvailable())('beside redis-server', () => {
  it(`is what DUMP gives for a small hash (${seed})`, async () => {
    const server = await startServer({
      kind: 'redis',
      args: ['--rdbcompression', 'no', '--hash-max-listpack-value', '20000'],
    });
    const client = await RespClient.connect({ port: server.port });
    for (let round = 0; round < 300; round++) {
      const pairs = new Map<string, Buffer>();
      for (let i = random.below(10); i >= 0; i--) {
        pairs.set(randomElement(random, 100).toString('latin1'), randomElement(random, 5000));
      }
      const elements = [...pairs].flatMap(([field, value]) => [
        Buffer.from(field, 'latin1'),
        value,
      ]);
      await client.call('DEL', 'hash');
      await client.call('HSET', 'hash', ...elements);
      const dump = await client.call('DUMP', 'hash');
      if (dump.kind !== 'bulk') throw new Error(`DUMP gave ${dump.kind}`);
      const [bytes] = rdbString(Buffer.from(dump.bytes), 1);
      let lp = lpx.lpNew(0);
      for (const text of elements) lp = lpx.lpAppend(lp, harness.put(text), text.length);
      expect(contents(lp).equals(bytes)).toBe(true);
      expect(encodeListpack(elements).equals(bytes)).toBe(true);
      lpx.lpFree(lp);
    }
    await client.close();
    await server.stop();
  });
});
