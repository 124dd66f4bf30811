// Consumer groups and their pending entries, against plain maps.

import { describe, expect, it } from 'vitest';
import { Random } from '../support/random.ts';
import { compareIds, type Id, idText, MIN_ID, Stream } from './stream_model.ts';

const NOBODY = '';

interface Pending extends Id {
  consumer: string;
  timeMs: bigint;
  count: bigint;
}

/** One group of a stream, with names and ids in and out. */
class Group {
  readonly stream: Stream;
  readonly ptr: number;

  private constructor(stream: Stream, ptr: number) {
    this.stream = stream;
    this.ptr = ptr;
  }

  static create(stream: Stream, name: string, last = MIN_ID, read = -1n): Group {
    const [ptr, len] = stream.put(name);
    const { core } = stream;
    expect(core.groupFind(stream.ptr, ptr, len)).toBe(0);
    const group = core.tryGroupCreate(stream.ptr, ptr, len, last.ms, last.seq, read) >>> 0;
    expect(core.groupFind(stream.ptr, ptr, len) >>> 0).toBe(group);
    return new Group(stream, group);
  }

  consumer(name: string, create = true): number {
    if (name === NOBODY) return 0;
    const { core } = this.stream;
    const [ptr, len] = this.stream.put(name);
    const found = core.consumerFind(this.ptr, ptr, len) >>> 0;
    if (found !== 0 || !create) return found;
    return core.tryConsumerCreate(this.ptr, ptr, len, 1n) >>> 0;
  }

  nack({ ms, seq }: Id): number {
    return this.stream.core.nackFind(this.ptr, ms, seq) >>> 0;
  }

  name(named: number): string {
    if (named === 0) return NOBODY;
    const { core, module, buffer } = this.stream;
    return module.text(buffer, core.nameOf(named, buffer));
  }

  pending(id: Id): Pending {
    const { core } = this.stream;
    const nack = this.nack(id);
    return {
      ms: id.ms,
      seq: id.seq,
      consumer: this.name(core.nackConsumer(nack) >>> 0),
      timeMs: core.nackTimeMs(nack),
      count: core.nackCount(nack),
    };
  }

  byTime(): string[] {
    const { core } = this.stream;
    const found: string[] = [];
    for (let at = core.groupOldest(this.ptr); at !== 0n; at = core.treeNext(at)) {
      found.push(idText({ ms: core.timeAtMs(at), seq: core.timeAtSeq(at) }));
    }
    return found;
  }
}

function randomId(random: Random): Id {
  return { ms: BigInt(random.below(60)), seq: BigInt(random.below(5)) };
}

describe('consumer groups', () => {
  it('are found by name and listed in the order of their bytes', async () => {
    const stream = await Stream.open();
    const names = ['b', 'a', '', 'ab', 'a\0', '\xff', 'zz', 'z', 'x'.repeat(300)];
    for (const name of names) Group.create(stream, name, { ms: 1n, seq: 2n });
    const listed: string[] = [];
    const { core, module, buffer } = stream;
    for (let at = core.groupFirst(stream.ptr); at !== 0n; at = core.treeNext(at)) {
      listed.push(module.text(buffer, core.nameOf(core.namedAt(at), buffer)));
    }
    expect(listed).toEqual([...names].sort());
    stream.verify();
    for (const name of names) {
      core.groupDelete(stream.ptr, core.groupFind(stream.ptr, ...stream.put(name)));
      expect(core.groupFind(stream.ptr, ...stream.put(name))).toBe(0);
      stream.verify();
    }
  });

  it('know what is pending, for whom and since when', async () => {
    const random = Random.fresh();
    console.log(`seed ${random.seed}`);
    const consumers = ['alice', 'bob', 'carol', 'd'.repeat(100)];
    for (const keepsTimes of [false, true]) {
      const stream = await Stream.open();
      const { core } = stream;
      const group = Group.create(stream, 'group');
      if (keepsTimes) expect(core.tryKeepTimes(group.ptr)).toBe(1);
      const model = new Map<string, Pending>();
      const check = () => {
        stream.verify();
        expect(core.pelSize(group.ptr)).toBe(model.size);
        for (const pending of model.values()) expect(group.pending(pending)).toEqual(pending);
        for (const name of consumers) {
          const consumer = group.consumer(name, false);
          const own = [...model.values()].filter((pending) => pending.consumer === name).length;
          expect(consumer === 0 ? 0 : core.consumerPelSize(consumer)).toBe(own);
        }
        if (core.timesKept(group.ptr) === 0) return;
        const sorted = [...model.values()].sort((a, b) =>
          a.timeMs === b.timeMs ? compareIds(a, b) : a.timeMs < b.timeMs ? -1 : 1,
        );
        expect(group.byTime()).toEqual(sorted.map(idText));
      };
      for (let step = 0; step < 4000; step++) {
        const id = randomId(random);
        const old = model.get(idText(id));
        const name = random.pick(consumers);
        const timeMs = BigInt(random.below(50));
        const dice = random.below(100);
        if (dice < 40) {
          const consumer = group.consumer(name);
          expect(core.tryNackDeliver(group.ptr, id.ms, id.seq, consumer, timeMs)).not.toBe(0);
          model.set(idText(id), { ...id, consumer: name, timeMs, count: 1n });
        } else if (old !== undefined && dice < 60) {
          core.nackRemove(group.ptr, group.nack(id), id.ms, id.seq);
          model.delete(idText(id));
        } else if (old !== undefined && dice < 75) {
          const owner = random.chance(0.3) ? NOBODY : name;
          const consumer = group.consumer(owner);
          expect(core.tryNackAssign(group.nack(id), id.ms, id.seq, consumer)).toBe(1);
          old.consumer = owner;
        } else if (old !== undefined && dice < 90) {
          const count = old.count + 1n;
          core.nackSetDelivery(group.ptr, group.nack(id), id.ms, id.seq, timeMs, count);
          old.timeMs = timeMs;
          old.count = count;
        } else if (dice < 92) {
          const consumer = group.consumer(name, false);
          if (consumer !== 0) core.consumerDelete(group.ptr, consumer);
          for (const [key, pending] of model) if (pending.consumer === name) model.delete(key);
        } else if (dice < 93 && random.chance(0.2)) {
          expect(core.tryKeepTimes(group.ptr)).toBe(1);
        } else if (old === undefined) {
          expect(group.nack(id)).toBe(0);
        }
        if (step % 250 === 0) check();
      }
      check();
      core.groupDelete(stream.ptr, group.ptr);
      stream.verify();
    }
  });

  it('are copied with their stream', async () => {
    const stream = await Stream.open();
    const { core } = stream;
    for (let i = 1n; i <= 50n; i++) stream.add({ ms: i, seq: 0n, items: ['f', 'v'] });
    const group = Group.create(stream, 'group', { ms: 50n, seq: 0n }, 7n);
    for (let i = 1n; i <= 50n; i++) {
      const owner = i % 3n === 0n ? 0 : group.consumer(`consumer ${i % 4n}`);
      expect(core.tryNackCreate(group.ptr, i, 0n, owner, i * 2n, i)).not.toBe(0);
    }
    const before = Array.from({ length: 50 }, (_, i) =>
      group.pending({ ms: BigInt(i + 1), seq: 0n }),
    );
    const entries = stream.all();
    const header = stream.header();
    const original = stream.ptr;
    const bytes = core.streamBytes(original);
    stream.ptr = core.tryStreamCopy(original) >>> 0;
    core.streamFree(original);
    stream.verify();
    expect(stream.all()).toEqual(entries);
    expect(stream.header()).toEqual(header);
    expect(core.streamBytes(stream.ptr)).toBeLessThanOrEqual(bytes);
    const [ptr, len] = stream.put('group');
    const copied = Object.assign(Object.create(Group.prototype), {
      stream,
      ptr: core.groupFind(stream.ptr, ptr, len) >>> 0,
    }) as Group;
    expect(core.entriesRead(copied.ptr)).toBe(7n);
    expect(before.map((pending) => copied.pending(pending))).toEqual(before);
  });

  it('tell which entries somebody has yet to read or acknowledge', async () => {
    const stream = await Stream.open();
    const { core } = stream;
    for (let i = 1n; i <= 9n; i++) stream.add({ ms: i, seq: 0n, items: ['f', 'v'] });
    const referenced = () =>
      Array.from({ length: 9 }, (_, i) =>
        core.streamIsReferenced(stream.ptr, BigInt(i + 1), 0n) !== 0 ? i + 1 : 0,
      ).filter((id) => id !== 0);
    expect(referenced()).toEqual([]);
    const first = Group.create(stream, 'first', { ms: 9n, seq: 0n });
    const second = Group.create(stream, 'second', { ms: 7n, seq: 0n });
    expect(referenced()).toEqual([8, 9]);
    core.tryNackCreate(first.ptr, 2n, 0n, first.consumer('a'), 1n, 1n);
    core.tryNackCreate(second.ptr, 2n, 0n, 0, 1n, 1n);
    core.tryNackCreate(second.ptr, 4n, 0n, second.consumer('b'), 1n, 1n);
    expect(referenced()).toEqual([2, 4, 8, 9]);
    expect(core.streamDropReferences(stream.ptr, 2n, 0n)).toBe(2);
    expect(core.streamDropReferences(stream.ptr, 2n, 0n)).toBe(0);
    expect(referenced()).toEqual([4, 8, 9]);
    stream.verify();
  });

  it('leave everything as it was when memory runs out', async () => {
    const random = Random.fresh();
    console.log(`seed ${random.seed}`);
    const stream = await Stream.open(60);
    const { core } = stream;
    const group = Group.create(stream, 'group');
    core.tryKeepTimes(group.ptr);
    const consumers = ['alice', 'bob'].map((name) => group.consumer(name));
    const model = new Map<string, number>();
    let refused = 0;
    for (let step = 0; step < 100_000 && refused < 2000; step++) {
      const id = { ms: BigInt(random.below(100_000)), seq: 0n };
      const consumer = random.pick(consumers);
      if (refused > 0 && random.chance(0.3) && model.size > 0) {
        const [key] = model.keys();
        const ms = BigInt(key!.split('-')[0]!);
        core.nackRemove(group.ptr, group.nack({ ms, seq: 0n }), ms, 0n);
        model.delete(key!);
        continue;
      }
      if (core.tryNackDeliver(group.ptr, id.ms, id.seq, consumer, BigInt(step)) !== 0) {
        model.set(idText(id), consumer);
        continue;
      }
      refused++;
      if (refused % 200 === 1) stream.verify();
    }
    expect(refused).toBeGreaterThan(50);
    // The order by time was the first thing to go.
    expect(core.timesKept(group.ptr)).toBe(0);
    expect(core.pelSize(group.ptr)).toBe(model.size);
    for (const [key, consumer] of model) {
      const nack = group.nack({ ms: BigInt(key.split('-')[0]!), seq: 0n });
      expect(core.nackConsumer(nack) >>> 0).toBe(consumer);
    }
    stream.verify();
    const before = core.usedBytes();
    expect(core.tryStreamCopy(stream.ptr)).toBe(0);
    expect(core.usedBytes()).toBe(before);
    core.streamFree(stream.ptr);
    expect(core.usedBytes()).toBe(stream.emptyBytes);
  });

  it('are freed in steps, with their stream or alone', async () => {
    for (const alone of [true, false]) {
      const stream = await Stream.open();
      const { core } = stream;
      const group = Group.create(stream, 'group');
      core.tryKeepTimes(group.ptr);
      for (let i = 0; i < 4000; i++) {
        const consumer = group.consumer(`consumer ${i % 50}`);
        core.tryNackCreate(group.ptr, BigInt(i), 0n, consumer, BigInt(i), 1n);
      }
      Group.create(stream, 'other');
      let steps = 0;
      if (alone) {
        core.groupDetach(stream.ptr, group.ptr);
        while (core.groupFreeStep(group.ptr, 40) === 0) steps++;
        stream.verify();
        core.streamFree(stream.ptr);
      } else {
        while (core.streamFreeStep(stream.ptr, 40) === 0) steps++;
      }
      expect(steps).toBeGreaterThan(90);
      expect(core.usedBytes()).toBe(stream.emptyBytes);
    }
  });

  it('take less for a pending entry than Redis', async () => {
    const stream = await Stream.open();
    const { core } = stream;
    const group = Group.create(stream, 'group');
    const consumer = group.consumer('consumer');
    const count = 10_000;
    const before = core.streamBytes(stream.ptr);
    for (let i = 0; i < count; i++) {
      core.tryNackDeliver(
        group.ptr,
        1_700_000_000_000n + BigInt(i >> 3),
        BigInt(i & 7),
        consumer,
        1n,
      );
    }
    // Redis 7.0.15: 87.
    expect((core.streamBytes(stream.ptr) - before) / count).toBeLessThan(0.8 * 87);
  });
});
