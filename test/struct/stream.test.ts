// Streams against a plain array: ranges, deleting, trimming, foreign nodes, little memory.

import { describe, expect, it } from 'vitest';
import { loadTestModule } from '../support/assembly.ts';
import { Random } from '../support/random.ts';
import {
  compareIds,
  type Entry,
  type Id,
  idText,
  MAX_ID,
  MIN_ID,
  nextId,
  randomItems,
  Stream,
  type StreamExports,
  U64_MAX,
} from './stream_model.ts';

/** Some id near those of the entries. */
function someId(random: Random, entries: readonly Id[], last: Id): Id {
  const dice = random.below(12);
  if (dice === 0) return MIN_ID;
  if (dice === 1) return MAX_ID;
  const { ms, seq } = entries.length > 0 && dice < 10 ? random.pick(entries) : last;
  const shift = random.below(3);
  if (shift === 1) return { ms, seq: seq + 1n };
  return shift === 2 && seq > 0n ? { ms, seq: seq - 1n } : { ms, seq };
}

describe('a stream', () => {
  it('holds what was added, through deleting and trimming', async () => {
    const random = Random.fresh();
    console.log(`seed ${random.seed}`);
    for (let round = 0; round < 8; round++) {
      const stream = await Stream.open();
      stream.nodeMaxEntries = random.pick([0, 1, 3, 10, 100, 300]);
      stream.nodeMaxBytes = random.pick([0, 50, 500, 4096]);
      let model: Entry[] = [];
      let last: Id = MIN_ID;
      let maxDeleted: Id = MIN_ID;
      let added = 0n;
      const check = () => {
        stream.verify();
        expect(stream.header()).toEqual({
          length: BigInt(model.length),
          last: { ms: last.ms, seq: last.seq },
          first: model[0] ? { ms: model[0].ms, seq: model[0].seq } : MIN_ID,
          maxDeleted: { ms: maxDeleted.ms, seq: maxDeleted.seq },
          entriesAdded: added,
        });
        expect(stream.all()).toEqual(model);
        expect(stream.range(MIN_ID, MAX_ID, true)).toEqual([...model].reverse());
        expect(stream.ids(false, true)).toEqual(model.map(idText).reverse());
      };
      for (let step = 0; step < 700; step++) {
        const dice = random.below(100);
        if (dice < 70) {
          last = nextId(random, last);
          const entry = { ...last, items: randomItems(random) };
          expect(stream.core.streamAccepts(stream.ptr, last.ms, last.seq)).toBe(1);
          expect(stream.add(entry)).toBe(true);
          model.push(entry);
          added++;
        } else if (dice < 85) {
          const id = someId(random, model, last);
          const index = model.findIndex((entry) => compareIds(entry, id) === 0);
          expect(stream.remove(id)).toBe(index >= 0);
          if (index < 0) continue;
          model.splice(index, 1);
          if (compareIds(id, maxDeleted) > 0) maxDeleted = id;
        } else if (dice < 87) {
          const length = random.below(model.length + 2);
          expect(stream.trimByLength(length)).toBe(Math.max(0, model.length - length));
          if (model.length > length) model = model.slice(model.length - length);
        } else if (dice < 89) {
          const id = someId(random, model.slice(0, 20), MIN_ID);
          const kept = model.filter((entry) => compareIds(entry, id) >= 0);
          expect(stream.trimById(id)).toBe(model.length - kept.length);
          model = kept;
        } else {
          const [start, end] = [someId(random, model, last), someId(random, model, last)];
          const count = random.pick([1, 2, 10, 1e9]);
          const reverse = random.chance(0.5);
          const expected = model.filter(
            (entry) => compareIds(entry, start) >= 0 && compareIds(entry, end) <= 0,
          );
          if (reverse) expected.reverse();
          expect(stream.range(start, end, reverse, count)).toEqual(expected.slice(0, count));
          const id = someId(random, model, last);
          const there = model.some((entry) => compareIds(entry, id) === 0);
          expect(stream.core.streamEntryExists(stream.ptr, id.ms, id.seq) !== 0).toBe(there);
        }
        if (step % 60 === 0) check();
      }
      check();
      stream.core.streamFree(stream.ptr);
      expect(stream.core.usedBytes()).toBe(stream.emptyBytes);
    }
  });

  it('finds the edges, with and without what was deleted', async () => {
    const stream = await Stream.open();
    const { core, ptr } = stream;
    const edge = (first: boolean, withTombstones: boolean) => {
      const found = core.streamEdgeId(ptr, first, withTombstones) !== 0;
      const id = `${BigInt.asUintN(64, core.idMs.value)}-${BigInt.asUintN(64, core.idSeq.value)}`;
      return found ? id : `none, ${id}`;
    };
    expect(edge(true, false)).toBe(`none, ${U64_MAX}-${U64_MAX}`);
    expect(edge(false, false)).toBe('none, 0-0');
    for (let i = 1n; i <= 5n; i++) stream.add({ ms: i, seq: 0n, items: ['f', 'v'] });
    stream.remove({ ms: 1n, seq: 0n });
    stream.remove({ ms: 5n, seq: 0n });
    expect([edge(true, false), edge(false, false)]).toEqual(['2-0', '4-0']);
    expect([edge(true, true), edge(false, true)]).toEqual(['1-0', '5-0']);
  });

  it('counts deleted entries beyond what one byte holds without needing memory', async () => {
    const stream = await Stream.open();
    stream.nodeMaxEntries = 0;
    stream.nodeMaxBytes = 0;
    const count = 4000n;
    for (let i = 1n; i <= count; i++) stream.add({ ms: i, seq: 0n, items: ['f', 'v'] });
    expect(stream.nodes().length).toBe(1);
    const before = stream.core.usedBytes();
    for (let i = 1n; i < count; i++) {
      // From both ends and the middle.
      const ms = i % 3n === 0n ? count - i / 3n : (i * 7n) % count;
      stream.remove({ ms, seq: 0n });
      if (i % 400n === 0n) stream.verify();
    }
    expect(stream.core.usedBytes()).toBe(before);
    expect(stream.trimByLength(0)).toBeGreaterThan(0);
    stream.verify();
    expect(stream.nodes()).toEqual([]);
  });

  it('may be deleted from while it is walked', async () => {
    const random = Random.fresh();
    console.log(`seed ${random.seed}`);
    for (const reverse of [false, true]) {
      const stream = await Stream.open();
      stream.nodeMaxEntries = 7;
      const kept: string[] = [];
      for (let i = 1n; i <= 500n; i++) stream.add({ ms: i, seq: i, items: ['f', 'v', 'g', 'w'] });
      const { core, iterator: it } = stream;
      core.streamIteratorStart(it, stream.ptr, 100n, 0n, 400n, U64_MAX, reverse);
      const visited: bigint[] = [];
      while (core.streamIteratorNext(it) !== 0) {
        const ms = core.iteratorMs(it);
        visited.push(ms);
        if (random.chance(0.3)) core.streamIteratorField(it);
        if (random.chance(0.9)) core.streamIteratorRemove(it);
        else kept.push(`${ms}-${ms}`);
      }
      const expected = Array.from({ length: 301 }, (_, i) => 100n + BigInt(i));
      expect(visited).toEqual(reverse ? expected.reverse() : expected);
      const left = stream.ids(false).slice(99, -100);
      expect(left).toEqual(reverse ? kept.reverse() : kept);
    }
  });

  it('trims whole nodes only when that is enough, and no more than the limit', async () => {
    const stream = await Stream.open();
    stream.nodeMaxEntries = 10;
    for (let i = 1n; i <= 100n; i++) stream.add({ ms: i, seq: 0n, items: ['f', 'v'] });
    expect(stream.trimByLength(95, true)).toBe(0);
    expect(stream.trimByLength(85, true)).toBe(10);
    expect(stream.trimByLength(0, true, 25)).toBe(20);
    expect(stream.trimByLength(0, true, 9)).toBe(0);
    expect(stream.trimById({ ms: 45n, seq: 0n }, true)).toBe(10);
    expect(stream.trimById({ ms: 1000n, seq: 0n }, true, 10)).toBe(10);
    expect(stream.trimById({ ms: 55n, seq: 0n })).toBe(4);
    expect(stream.header()).toMatchObject({ length: 46n, first: { ms: 55n, seq: 0n } });
    expect(stream.trimByLength(0)).toBe(46);
    expect(stream.header()).toMatchObject({ length: 0n, first: MIN_ID, entriesAdded: 100n });
    stream.verify();
  });

  it('keeps a node whose last entry is deleted when trimming leaves nothing else in it', async () => {
    const stream = await Stream.open();
    for (let i = 1n; i <= 3n; i++) stream.add({ ms: i, seq: 0n, items: ['f', 'v'] });
    stream.remove({ ms: 3n, seq: 0n });
    expect(stream.trimById({ ms: 3n, seq: 0n })).toBe(2);
    expect(stream.nodes().length).toBe(1);
    stream.verify();
    expect(stream.add({ ms: 4n, seq: 0n, items: ['f', 'w'] })).toBe(true);
    expect(stream.ids(false)).toEqual(['4-0']);
    expect(stream.ids(true)).toEqual(['1-0', '2-0', '3-0', '4-0']);
    stream.verify();
  });

  it('makes the next id of the clock or of the last id', async () => {
    const stream = await Stream.open();
    const { core, ptr } = stream;
    const next = (ok: number) =>
      ok === 0
        ? 'none'
        : `${BigInt.asUintN(64, core.idMs.value)}-${BigInt.asUintN(64, core.idSeq.value)}`;
    expect(next(core.streamNextSeq(ptr, 0n))).toBe('0-1');
    core.setLastId(ptr, 100n, 5n);
    expect(next(core.streamNextId(ptr, 101n))).toBe('101-0');
    expect(next(core.streamNextId(ptr, 100n))).toBe('100-6');
    expect(next(core.streamNextId(ptr, 3n))).toBe('100-6');
    expect(next(core.streamNextSeq(ptr, 99n))).toBe('none');
    expect(next(core.streamNextSeq(ptr, 100n))).toBe('100-6');
    expect(next(core.streamNextSeq(ptr, 102n))).toBe('102-0');
    core.setLastId(ptr, 100n, U64_MAX);
    expect(next(core.streamNextId(ptr, 3n))).toBe('101-0');
    expect(next(core.streamNextSeq(ptr, 100n))).toBe('none');
    core.setLastId(ptr, U64_MAX, U64_MAX);
    expect(next(core.streamNextId(ptr, 3n))).toBe('none');
    expect(next(core.streamIncrId(7n, U64_MAX))).toBe('8-0');
    expect(next(core.streamDecrId(7n, 0n))).toBe(`6-${U64_MAX}`);
    expect(next(core.streamDecrId(0n, 0n))).toBe('none');
  });

  it('holds ids of the full 128 bits', async () => {
    const stream = await Stream.open();
    const ids: Id[] = [
      { ms: 0n, seq: 1n },
      { ms: 0n, seq: U64_MAX },
      { ms: 1n, seq: 0n },
      { ms: 2n ** 63n, seq: 2n ** 63n },
      { ms: U64_MAX, seq: 0n },
      { ms: U64_MAX, seq: U64_MAX },
    ];
    for (const nodeMaxEntries of [100, 1]) {
      stream.ptr = stream.core.tryStreamNew() >>> 0;
      stream.nodeMaxEntries = nodeMaxEntries;
      for (const id of ids) expect(stream.add({ ...id, items: ['f', 'v'] })).toBe(true);
      expect(stream.ids(false)).toEqual(ids.map(idText));
      for (const id of ids) {
        expect(stream.range(id, id).map(idText)).toEqual([idText(id)]);
        expect(stream.range(id, id, true).map(idText)).toEqual([idText(id)]);
      }
      expect(stream.range(MAX_ID, MIN_ID)).toEqual([]);
      expect(stream.trimById(ids[4]!)).toBe(4);
      expect(stream.ids(false)).toEqual(ids.slice(4).map(idText));
    }
  });

  it('leaves everything as it was when memory runs out', async () => {
    const random = Random.fresh();
    console.log(`seed ${random.seed}`);
    const stream = await Stream.open(60);
    const model: Entry[] = [];
    let last: Id = { ms: 5n, seq: 0n };
    let refused = 0;
    for (let step = 0; step < 30_000 && refused < 2000; step++) {
      if (refused > 0 && model.length > 0 && random.chance(0.3)) {
        const [gone] = model.splice(random.below(Math.min(model.length, 50)), 1);
        expect(stream.remove(gone!)).toBe(true);
        continue;
      }
      const id = nextId(random, last);
      const entry = { ...id, items: randomItems(random, random.chance(0.1) ? 3000 : 60) };
      if (stream.add(entry)) {
        last = id;
        model.push(entry);
      } else {
        refused++;
        if (refused % 200 === 1) stream.verify();
      }
    }
    expect(refused).toBeGreaterThan(50);
    expect(stream.all()).toEqual(model);
    const before = stream.core.usedBytes();
    expect(stream.core.tryStreamCopy(stream.ptr)).toBe(0);
    expect(stream.core.usedBytes()).toBe(before);
    // Deleting needs no memory, so all of it goes.
    for (const entry of model) expect(stream.remove(entry)).toBe(true);
    expect(stream.header().length).toBe(0n);
    stream.verify();
  });

  it('takes less than Redis', async () => {
    const small = await Stream.open();
    small.add({ ms: 1_700_000_000_000n, seq: 0n, items: ['f', 'v'] });
    expect(small.core.streamBytes(small.ptr)).toBeLessThan(400);
    const large = await Stream.open();
    const count = 20_000;
    for (let i = 0; i < count; i++) {
      const items = ['field', `value:${String(i).padStart(10, '0')}`];
      large.add({ ms: 1_700_000_000_000n + BigInt(i >> 5), seq: BigInt(i & 31), items });
    }
    // Redis 7.0.15: 31.7.
    expect(large.core.streamBytes(large.ptr) / count).toBeLessThan(31.7);
  });

  it('is freed in steps', async () => {
    const stream = await Stream.open();
    stream.nodeMaxEntries = 2;
    for (let i = 1n; i <= 5000n; i++) stream.add({ ms: i, seq: 0n, items: ['f', 'v'] });
    let steps = 0;
    while (stream.core.streamFreeStep(stream.ptr, 50) === 0) steps++;
    expect(steps).toBeGreaterThan(40);
    expect(stream.core.usedBytes()).toBe(stream.emptyBytes);
  });
});

describe('foreign nodes', () => {
  async function sample(): Promise<{ stream: Stream; lp: Buffer }> {
    const stream = await Stream.open();
    const random = new Random(7);
    let last: Id = { ms: 1000n, seq: 0n };
    for (let i = 0; i < 12; i++) {
      last = nextId(random, last);
      stream.add({ ...last, items: randomItems(random, 20) });
    }
    for (const id of stream.range(MIN_ID, MAX_ID).filter((_, i) => i % 4 === 1)) stream.remove(id);
    return { stream, lp: stream.nodes()[0]!.lp };
  }

  it('make up a copy of the stream they come from', async () => {
    const { stream, lp } = await sample();
    const entries = stream.all();
    const [node] = stream.nodes();
    const at = stream.core.tryAlloc(lp.length) >>> 0;
    stream.module.write(at, lp);
    expect(stream.core.streamValidateNode(at, lp.length)).toBe(1);
    stream.core.streamFree(stream.ptr);
    stream.ptr = stream.core.tryStreamNew() >>> 0;
    expect(stream.core.streamAddNode(stream.ptr, node!.ms, node!.seq, at)).toBe(0);
    expect(stream.core.streamAddNode(stream.ptr, node!.ms, node!.seq, at)).toBe(1);
    expect(stream.all()).toEqual(entries);
    expect(stream.header().length).toBe(BigInt(entries.length));
  });

  it('are refused, or good for everything, whichever byte is wrong', async () => {
    const { stream, lp } = await sample();
    const { core, module } = stream;
    // Here the bytes end where memory ends: reading on would trap.
    const bare = await loadTestModule<StreamExports>('stream');
    let accepted = 0;
    const tryNode = (bytes: Buffer) => {
      const valid = bare.exports.streamValidateNode(bare.writeAtEnd(bytes), bytes.length);
      const at = core.tryAlloc(bytes.length) >>> 0;
      module.write(at, bytes);
      expect(core.streamValidateNode(at, bytes.length)).toBe(valid);
      if (valid !== 0) {
        accepted++;
        const ptr = core.tryStreamNew() >>> 0;
        expect(core.streamAddNode(ptr, 1000n, 1n, at)).toBe(0);
        for (const reverse of [false, true]) {
          core.streamIteratorStartAll(stream.iterator, ptr, reverse);
          core.iteratorWithTombstones(stream.iterator);
          while (core.streamIteratorNext(stream.iterator) !== 0) {
            while (core.streamIteratorField(stream.iterator) !== 0) {}
          }
        }
        core.streamTrimByLength(ptr, 3n, false, 0n);
        core.streamIteratorStartAll(stream.iterator, ptr, false);
        while (core.streamIteratorNext(stream.iterator) !== 0) {
          core.streamIteratorRemove(stream.iterator);
        }
        core.streamFree(ptr);
      }
      core.free(at);
    };
    for (let i = 0; i < lp.length; i++) {
      const whole = lp[i]!;
      for (const value of [0, 1, 2, 3, 127, 128, 200, 240, 244, 255, whole ^ 1, whole ^ 128]) {
        const bytes = Buffer.from(lp);
        bytes[i] = value;
        tryNode(bytes);
      }
    }
    for (let length = 0; length < lp.length; length++) {
      const bytes = Buffer.from(lp.subarray(0, length));
      tryNode(bytes);
      // With a header and an end that fit the shorter length.
      if (length < 7) continue;
      bytes.writeUInt32LE(length, 0);
      bytes.writeUInt16LE(0xffff, 4);
      bytes[length - 1] = 0xff;
      tryNode(bytes);
    }
    expect(accepted).toBeGreaterThan(100);
  });
});
