import { describe, expect, it } from 'vitest';
import { OutputQueue } from '../../src/net/output_queue.ts';
import { Random } from '../support/random.ts';

describe('output queue', () => {
  it('gives back what was pushed, in order, whatever the sizes', () => {
    const random = Random.fresh();
    const seed = `seed ${random.seed}`;
    for (let run = 0; run < 50; run++) {
      const queue = new OutputQueue();
      const pushed: Buffer[] = [];
      const taken: Buffer[] = [];
      for (let step = 0; step < 100; step++) {
        if (random.chance(0.7)) {
          const length = random.chance(0.1) ? random.below(3_000_000) : random.below(3000);
          const bytes = Buffer.alloc(length, random.u32() & 0xff);
          pushed.push(Buffer.from(bytes));
          queue.push(bytes);
          bytes.fill(0);
        } else {
          const bytesBefore = queue.bytes;
          const limit = random.between(1, 200_000);
          const blocks = queue.take(limit);
          const length = blocks.reduce((sum, block) => sum + block.length, 0);
          expect(length, seed).toBe(bytesBefore - queue.bytes);
          // Blocks before the last one that was needed stay under the limit.
          const withoutLast = length - (blocks.at(-1)?.length ?? 0);
          expect(withoutLast, seed).toBeLessThan(limit);
          expect(blocks.length > 0, seed).toBe(bytesBefore > 0);
          taken.push(...blocks.map((block) => Buffer.from(block)));
        }
        expect(queue.memoryBytes, seed).toBeGreaterThanOrEqual(queue.bytes);
      }
      while (queue.bytes > 0) taken.push(...queue.take(1 << 20).map((block) => Buffer.from(block)));
      expect(queue.memoryBytes, seed).toBe(0);
      expect(Buffer.compare(Buffer.concat(taken), Buffer.concat(pushed)), seed).toBe(0);
    }
  });

  it('never touches blocks it gave away', () => {
    const queue = new OutputQueue();
    queue.push(Buffer.from('first'));
    const [block] = queue.take(100);
    queue.push(Buffer.from('second'));
    expect(Buffer.from(block!).toString()).toBe('first');
    expect(Buffer.concat(queue.take(100)).toString()).toBe('second');
  });

  it('puts many small pieces into few blocks and starts small', () => {
    const queue = new OutputQueue();
    queue.push(Buffer.from('x'));
    expect(queue.memoryBytes).toBeLessThanOrEqual(1024);
    for (let index = 0; index < 100_000; index++) queue.push(Buffer.from('0123456789'));
    expect(queue.bytes).toBe(1_000_001);
    expect(queue.memoryBytes - queue.bytes).toBeLessThanOrEqual(16384);
    expect(queue.take(1 << 30).length).toBeLessThan(70);
  });

  it('forgets everything when cleared', () => {
    const queue = new OutputQueue();
    queue.push(new Uint8Array(5000));
    queue.clear();
    expect([queue.bytes, queue.memoryBytes]).toEqual([0, 0]);
    expect(queue.take(10)).toEqual([]);
    queue.push(Buffer.from('again'));
    expect(Buffer.concat(queue.take(10)).toString()).toBe('again');
  });
});
