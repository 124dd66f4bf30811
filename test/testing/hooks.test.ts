// Stores with the hooks of test frameworks, and what tests expect of them.

import { AssertionError } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  afterAll,
  test as base,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  onTestFinished,
} from 'vitest';
import {
  expectCommand,
  expectKeys,
  expectTtl,
  expectValue,
  respiteFixture,
  useRespite,
} from '../../src/testing.ts';
import { openStore } from './support.ts';

const folder = path.dirname(fileURLToPath(import.meta.url));

describe('useRespite with the hooks of vitest', () => {
  const redis = useRespite({ beforeAll, beforeEach, afterAll }, { seed: { from: 'options' } });

  beforeAll(async () => {
    await redis.store.seed({ from2: 'the file' });
  });

  it.each([1, 2, 3])('begins each test with the same data (%i)', async () => {
    await expectKeys(redis.store, ['from', 'from2']);
    expect(redis.store.commands()).toEqual([]);
    expect(redis.store.faults.active).toEqual([]);
    await redis.store.db.command('SET', 'left', 'over');
    await redis.store.db.command('DEL', 'from');
    redis.store.faults.error('GET', 'left over');
    redis.store.command('CONFIG', 'SET', 'maxmemory', '50mb');
  });
});

describe('the fixture', () => {
  const test = base.extend<{ store: Awaited<ReturnType<typeof openStore>> }>({
    store: respiteFixture({ seed: { k: 'v' } }),
  });

  for (const name of ['one', 'two', 'three']) {
    test.concurrent(`gives each test a store, at the same time (${name})`, async ({ store }) => {
      await expectKeys(store, ['k']);
      await store.command('SET', name, 1);
      await expectKeys(store, ['k', name]);
    });
  }
});

describe('useRespite with hooks of that form', () => {
  /** Hooks that run when they are told to, in jest's form. */
  function fakeHooks() {
    const hooks: Record<string, (() => Promise<void>)[]> = { all: [], each: [], end: [] };
    return {
      run: async (name: 'all' | 'each' | 'end') => {
        for (const hook of hooks[name] ?? []) await hook();
      },
      beforeAll: (hook: () => Promise<void>, _timeout?: number) => void hooks.all?.push(hook),
      beforeEach: (hook: () => Promise<void>, _timeout?: number) => void hooks.each?.push(hook),
      afterAll: (hook: () => Promise<void>, _timeout?: number) => void hooks.end?.push(hook),
    };
  }

  it('opens, goes back and closes', async () => {
    const hooks = fakeHooks();
    const redis = useRespite(hooks);
    expect(() => redis.store).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }));
    await hooks.run('all');
    const { store } = redis;
    await store.command('SET', 'seeded', 1);
    await hooks.run('each');
    await store.command('SET', 'by the test', 1);
    await hooks.run('each');
    await expectKeys(store, ['seeded']);
    await hooks.run('end');
    expect(store.isClosed).toBe(true);
  });

  it('fails a file whose store cannot be opened, and its end is quiet', async () => {
    const hooks = fakeHooks();
    useRespite(hooks, { databases: 0 });
    await expect(hooks.run('all')).rejects.toMatchObject({ code: 'BAD_OPTION' });
    await hooks.run('end');
  });

  it('needs hooks for the beginning and the end', () => {
    expect(() => useRespite({ beforeEach: () => {} })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION' }),
    );
  });
});

it('useRespite serves node:test', () => {
  const file = path.join(folder, `node_test_${process.pid}.mts`);
  onTestFinished(() => rmSync(file, { force: true }));
  writeFileSync(
    file,
    `import assert from 'node:assert';
import { after, before, beforeEach, it } from 'node:test';
import { expectKeys, useRespite } from '../../src/testing.ts';
const redis = useRespite(
  { before, beforeEach, after },
  { listen: true, prepare: (store) => store.seed({ k: 'v' }) },
);
for (const name of ['one', 'two']) {
  it(name, async () => {
    await expectKeys(redis.store, ['k']);
    await redis.store.db.command('SET', name, 1);
    assert.equal(redis.store.commands().length, 1);
  });
}
`,
  );
  const run = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--test', '--test-reporter', 'tap', file],
    { encoding: 'utf8', cwd: path.join(folder, '../..') },
  );
  expect(run.stdout + run.stderr).toContain('# pass 2');
  expect(run.status).toBe(0);
});

describe('expectations', () => {
  it('of keys show what differs', async () => {
    const store = await openStore({ seed: { a: 1, b: 2 } });
    await expectKeys(store, new Set(['b', 'a']));
    await expectKeys(store, ['a'], { match: 'a*' });
    await expectKeys(store, [], { database: 1 });
    await expect(expectKeys(store, ['a', 'c'])).rejects.toMatchObject({
      name: 'AssertionError',
      actual: ['a', 'b'],
      expected: ['a', 'c'],
    });
  });

  it('of values take what data shows', async () => {
    const store = await openStore({ seed: { 'a*b': { f: 1 }, axb: 'other' } });
    await expectValue(store, 'a*b', { f: '1' });
    await expectValue(store, 'none', undefined);
    await expect(expectValue(store, 'axb', 'x')).rejects.toThrow(AssertionError);
  });

  it('of times to live say how long it is', async () => {
    const store = await openStore({ clock: 'manual', seed: { a: 1, b: 1 } });
    await store.command('PEXPIRE', 'b', 5_000);
    await expectTtl(store, 'a', null);
    await expectTtl(store, 'b', { minMs: 5_000, maxMs: 5_000 });
    await expect(expectTtl(store, 'b', null)).rejects.toThrow("'b' not to expire, but it has 5000");
    await expect(expectTtl(store, 'a', { maxMs: 1 })).rejects.toThrow('does not expire');
    await expect(expectTtl(store, 'c', { maxMs: 1 })).rejects.toThrow('is not there');
    await expect(expectTtl(store, 'b', { maxMs: 1 })).rejects.toThrow('has 5000 ms');
  });

  it('of commands show what was sent', async () => {
    const store = await openStore();
    const { db } = store;
    expect(() => expectCommand(store, 'SET')).toThrow('Nothing was sent');
    await db.command('SET', 'user:1', 'two words', 'EX', 60);
    await db.command('GET', 'user:1');
    expect(expectCommand(store, 'SET', [/^user:/, 'two words', 'EX', 60])).toHaveLength(1);
    expectCommand(store, 'GET', [], { times: 1 });
    expectCommand(store, 'DEL', [], { times: 0 });
    expect(() => expectCommand(store, 'DEL')).toThrow('Sent:\n  SET user:1 "two words" EX 60');
    expect(() => expectCommand(store, 'GET', ['user:2'])).toThrow(
      'Expected GET user:2 to be sent, but it was 0 times. Sent:\n  GET user:1',
    );
    expect(() => expectCommand(store, 'GET', [], { times: 2 })).toThrow(AssertionError);
  });
});
