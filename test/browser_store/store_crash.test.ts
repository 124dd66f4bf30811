// A store that fails or dies at any operation. One client sends numbers: number n is
//
//   RPUSH list n | MULTI, INCR left, INCR right, EXEC
//
// What is there afterwards must be whole, and with `strict` as much as was acknowledged.

import { describe, expect, it } from 'vitest';
import type { StoreOptions } from '../../src/browser/storage/persistent_store.ts';
import { ReplyError } from '../../src/embedded/errors.ts';
import { type BackendFault, MemoryBackend } from '../support/memory_backend.ts';
import { Random } from '../support/random.ts';
import { StoreRig } from './rig.ts';

type Files = ReadonlyMap<string, Uint8Array>;

interface Run {
  /** Numbers that were sent and acknowledged, over all runs on these files. */
  sent: number;
  acknowledged: number;
}

const OPTIONS: Partial<StoreOptions> = { compactionBytesMin: 600 };

/** Sends numbers until the backend ends it, or all of `count` are acknowledged. */
async function send(rig: StoreRig, run: Run, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    run.sent += 1;
    const number = String(run.sent);
    const replies = await rig.batch([
      ['RPUSH', 'list', number],
      ['MULTI'],
      ['INCR', 'left'],
      ['INCR', 'right'],
      ['EXEC'],
    ]);
    const refusal = replies.find((reply) => reply instanceof ReplyError);
    if (refusal !== undefined) throw refusal;
    run.acknowledged = run.sent;
  }
}

/** Checks what a store on these files has; returns the last number. */
async function check(files: Files, run: Run): Promise<number> {
  const rig = await StoreRig.open(new MemoryBackend(undefined, files));
  const list = (await rig.call('LRANGE', 'list', 0, -1)) as string[];
  const left = Number(await rig.call('GET', 'left'));
  const right = Number(await rig.call('GET', 'right'));
  expect(list).toEqual(Array.from({ length: list.length }, (_, i) => String(i + 1)));
  expect(left).toBe(right);
  expect([left, left + 1]).toContain(list.length);
  expect(left).toBeGreaterThanOrEqual(run.acknowledged);
  expect(list.length).toBeLessThanOrEqual(run.sent);
  await rig.store.close();
  return list.length;
}

/** One life of a store on these files, with compactions, that ends by the fault. */
async function live(files: Files, run: Run, fault?: BackendFault): Promise<MemoryBackend> {
  const backend = new MemoryBackend(fault, files);
  try {
    const rig = await StoreRig.open(backend, OPTIONS);
    await send(rig, run, 12);
    await rig.store.compact();
    await send(rig, run, 3);
  } catch (error) {
    if (fault === undefined) throw error;
  }
  return backend;
}

async function prepared(): Promise<{ files: Files; run: Run }> {
  const run = { sent: 0, acknowledged: 0 };
  const backend = await live(new Map(), run);
  return { files: backend.contents(), run };
}

describe('a crash at any operation', () => {
  it.each(['of a new store', 'of one with data'])(
    '%s takes nothing acknowledged',
    async (which) => {
      const random = Random.fresh();
      const start =
        which === 'of a new store'
          ? { files: new Map() as Files, run: { sent: 0, acknowledged: 0 } }
          : await prepared();
      const whole = await live(start.files, { ...start.run });
      const operations = whole.log.length;
      expect(operations).toBeGreaterThan(20);
      for (let at = 1; at <= operations; at++) {
        for (let trial = 0; trial < 3; trial++) {
          const run = { ...start.run };
          const backend = await live(start.files, run, { at, kind: 'crash' });
          const left = backend.afterCrash(random);
          const place = `seed ${random.seed}, operation ${at}: ${backend.log[at - 1]}`;
          await expect(check(left, run), place).resolves.toBeTypeOf('number');
        }
      }
    },
  );
});

describe('a failure of any operation', () => {
  it('takes nothing acknowledged, and the store can be opened again', async () => {
    const { files, run: before } = await prepared();
    const operations = (await live(files, { ...before })).log.length;
    const random = Random.fresh();
    for (let at = 1; at <= operations; at++) {
      const run = { ...before };
      const backend = await live(files, run, { at, kind: 'failure' });
      const place = `seed ${random.seed}, operation ${at}: ${backend.log[at - 1]}`;
      await expect(check(backend.afterCrash(random), run), place).resolves.toBeTypeOf('number');
    }
  });

  it('lets the store go on when it was one only', async () => {
    const { files, run: before } = await prepared();
    const opening = new MemoryBackend(undefined, files);
    await (await StoreRig.open(opening)).store.close();
    const operations = (await live(files, { ...before })).log.length;
    for (let at = opening.log.length + 1; at <= operations; at++) {
      const backend = new MemoryBackend({ at, kind: 'failure' }, files);
      const rig = await StoreRig.open(backend, OPTIONS);
      for (let i = 0; i < 20; i++) {
        await rig.call('INCR', 'count').catch(() => rig.store.flush());
        if (i % 6 === 5) await rig.store.compact().catch(() => {});
      }
      await rig.store.flush();
      const expected = await rig.contents();
      await rig.store.close();
      const second = await StoreRig.open(new MemoryBackend(undefined, backend.contents()));
      expect(await second.contents(), `operation ${at}`).toBe(expected);
    }
  });
});

it('many lives that end at random moments, each on what the one before left', async () => {
  const random = Random.fresh();
  console.log(`seed ${random.seed}`);
  let files: Files = new Map();
  const run = { sent: 0, acknowledged: 0 };
  for (let life = 0; life < 60; life++) {
    const fault: BackendFault = { at: 1 + random.below(60), kind: 'crash' };
    const backend = await live(files, run, fault);
    backend.crash();
    files = backend.afterCrash(random);
    const last = await check(files, run);
    run.sent = last;
    run.acknowledged = last;
    // The two counters of a number that came half.
    const rig = new MemoryBackend(undefined, files);
    const store = await StoreRig.open(rig);
    await store.batch([
      ['SET', 'left', String(last)],
      ['SET', 'right', String(last)],
    ]);
    await store.store.close();
    files = rig.contents();
  }
  expect(run.sent).toBeGreaterThan(50);
});
