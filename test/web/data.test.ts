// Charts, links, transfer, examples and benchmark, without a page.

import { deflateRawSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { findCommand } from '../../src/commands/index.ts';
import { Respite } from '../../src/index.ts';
import {
  BATCH_SIZES,
  type Measurement,
  runBenchmark,
  WORKLOADS,
} from '../../src/web/bench/benchmark.ts';
import { keysIn, numberIn, parseInfo, Sampler } from '../../src/web/charts/info.ts';
import {
  fromBase64Url,
  fromFragment,
  hasSnapshot,
  LINK_CHARACTERS_MAX,
  ShareLinkError,
  SNAPSHOT_BYTES_MAX,
  toBase64Url,
  toFragment,
} from '../../src/web/data/share_link.ts';
import { copyStore, countKeys, deleteOthers } from '../../src/web/data/transfer.ts';
import { commandsWithExamples, examplesOf } from '../../src/web/docs/examples.ts';
import { runExample } from '../../src/web/docs/run_example.ts';
import { userCommands } from '../../src/web/terminal/command_words.ts';
import { formatBytes, formatCount, formatDuration, formatShort } from '../../src/web/ui/format.ts';
import { Random } from '../support/random.ts';

const opened: Respite[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()));
});

async function open(...args: Parameters<typeof Respite.open>): Promise<Respite> {
  const store = await Respite.open(...args);
  opened.push(store);
  return store;
}

const info = (fields: Record<string, number | string>) =>
  `# Stats\r\n${Object.entries(fields)
    .map(([name, value]) => `${name}:${value}\r\n`)
    .join('')}`;

describe('INFO', () => {
  it('is read from a real store', async () => {
    const db = await open();
    await db.command('SET', 'a', 1);
    const session = await db.session({ database: 3 });
    await session.command('MSET', 'b', 1, 'c', 2);
    const fields = parseInfo((await db.command('INFO', 'everything')) as string);
    expect(keysIn(fields)).toBe(3);
    expect(numberIn(fields, 'used_memory')).toBeGreaterThan(0);
    expect(numberIn(fields, 'total_commands_processed')).toBeGreaterThan(2);
    expect(numberIn(fields, 'no_such_field')).toBe(0);
  });

  it('gives rates between two looks', () => {
    const sampler = new Sampler(10_000);
    const base = { total_commands_processed: 100, keyspace_hits: 10, keyspace_misses: 10 };
    sampler.add(info({ ...base, used_memory: 5 }), 0, 1);
    expect(sampler.samples).toEqual([]);
    const next = { total_commands_processed: 301, keyspace_hits: 40, keyspace_misses: 20 };
    sampler.add(info({ ...next, used_memory: 7, db0: 'keys=4,expires=0' }), 2000, 1);
    expect(sampler.samples[0]).toMatchObject({
      operationsPerSecond: 100,
      hitPercent: 75,
      memoryBytes: 7,
      keys: 4,
    });
  });

  it('counts from 0 after a reset, and has no hit rate without reads', () => {
    const sampler = new Sampler(10_000);
    sampler.add(info({ total_commands_processed: 1000, keyspace_hits: 9 }), 0, 0);
    sampler.add(info({ total_commands_processed: 5, keyspace_hits: 0 }), 1000, 0);
    expect(sampler.samples[0]).toMatchObject({ operationsPerSecond: 5, hitPercent: null });
  });

  it('keeps the latest samples only', () => {
    const sampler = new Sampler(3000);
    for (let i = 0; i < 10; i += 1) sampler.add(info({ used_memory: i }), i * 1000, 0);
    expect(sampler.samples.map(({ memoryBytes }) => memoryBytes)).toEqual([7, 8, 9]);
    // In a page that is not looked at there are fewer looks.
    sampler.add(info({ used_memory: 10 }), 11_500, 0);
    expect(sampler.samples.map(({ memoryBytes }) => memoryBytes)).toEqual([9, 10]);
  });
});

describe('figures', () => {
  it('read well', () => {
    expect(formatCount(1234567.4)).toBe('1,234,567');
    expect([0, 999, 1500, 2.5e6, 3e9].map(formatShort)).toEqual(['0', '999', '1.5k', '2.5M', '3G']);
    expect([0, 1023, 1536, 5 * 1024 ** 2].map(formatBytes)).toEqual([
      '0 B',
      '1,023 B',
      '1.5 KiB',
      '5 MiB',
    ]);
    expect([0, 900, 61_000, 3_600_000, 180_000_000].map(formatDuration)).toEqual([
      '0 s',
      '1 s',
      '1 min 1 s',
      '1 h',
      '2 d 2 h',
    ]);
  });
});

describe('a snapshot in a link', () => {
  it('comes out as it went in', async () => {
    const db = await open();
    await db.batch(Array.from({ length: 200 }, (_, i) => ['SET', `key:${i}`, `value ${i}`]));
    const rdb = await db.export();
    const fragment = await toFragment(rdb);
    expect(fragment).toMatch(/^#snapshot=1\.[\w-]+$/);
    expect(hasSnapshot(fragment)).toBe(true);
    expect(hasSnapshot('#/keys')).toBe(false);
    expect(await fromFragment(fragment)).toEqual(rdb);
  });

  it('spells any bytes so that they can stand in a link', () => {
    const random = Random.fresh();
    for (let length = 0; length < 70; length += 1) {
      const bytes = Uint8Array.from({ length }, () => random.below(256));
      const text = toBase64Url(bytes);
      expect(text, `seed ${random.seed}`).toMatch(/^[\w-]*$/);
      expect(fromBase64Url(text), `seed ${random.seed}`).toEqual(bytes);
    }
  });

  it('is refused when it would be too long', async () => {
    const random = Random.fresh();
    const noise = Uint8Array.from({ length: LINK_CHARACTERS_MAX }, () => random.below(256));
    await expect(toFragment(noise)).rejects.toThrow('64 KiB is the limit');
  });

  it.each([
    ['#snapshot=', 'part of it is missing'],
    ['#snapshot=1.abc def', 'part of it is missing'],
    ['#snapshot=9.abcd', 'newer version'],
    ['#snapshot=1.AAAA', 'cannot be unpacked'],
    ['#snapshot=1.A', 'cannot be unpacked'],
  ])('%j is damaged', async (fragment, message) => {
    await expect(fromFragment(fragment)).rejects.toThrow(ShareLinkError);
    await expect(fromFragment(fragment)).rejects.toThrow(message);
  });

  it('does not unpack without end', async () => {
    const bomb = `#snapshot=1.${toBase64Url(deflateRawSync(new Uint8Array(SNAPSHOT_BYTES_MAX + 1)))}`;
    await expect(fromFragment(bomb)).rejects.toThrow('unpacks to more than 64 MiB');
  });
});

describe('copying a store into another one', () => {
  const all = (store: Respite, databases = 16) => ({ store, databases });

  async function source(): Promise<Respite> {
    const db = await open();
    await db.batch([
      ['SET', 's', Uint8Array.of(0, 255)],
      ['SET', 'volatile', 'x', 'EX', 1000],
      ['HSET', 'h', 'a', 1],
      ['HEXPIRE', 'h', 500, 'FIELDS', 1, 'a'],
      ['RPUSH', 'l', 1, 2, 3],
      ['ZADD', 'z', 1.5, 'm'],
      ['XADD', 'x', '1-0', 'f', 'v'],
      ['SET', Uint8Array.of(254), 'binary name'],
    ]);
    const session = await db.session({ database: 5 });
    await session.command('SADD', 'other', 'a', 'b');
    return db;
  }

  it('brings everything there, with times to live, in every database', async () => {
    const from = await source();
    const to = await open();
    const progress: number[] = [];
    const result = await copyStore(all(from), all(to), {
      overwrite: true,
      onProgress: (copied) => progress.push(copied),
    });
    expect(result).toEqual({ copied: 8, kept: 0 });
    expect(progress.at(-1)).toBe(8);
    expect(await to.command('DEBUG', 'DIGEST')).toBe(await from.command('DEBUG', 'DIGEST'));
    expect(await to.command('PEXPIRETIME', 'volatile')).toBe(
      await from.command('PEXPIRETIME', 'volatile'),
    );
    expect(await countKeys(all(to))).toBe(8);
  });

  it.each([
    [true, 'theirs', { copied: 8, kept: 0 }],
    [false, 'mine', { copied: 7, kept: 1 }],
  ])('overwrites: %s', async (overwrite, value, wanted) => {
    const from = await source();
    await from.command('SET', 's', 'theirs');
    const to = await open();
    await to.command('SET', 's', 'mine');
    await to.command('SET', 'only', 'here');
    expect(await copyStore(all(from), all(to), { overwrite })).toEqual(wanted);
    expect(await to.command('MGET', 's', 'only')).toEqual([value, 'here']);
  });

  it.each([
    ['more keys than a step takes', 1200, 10],
    ['values that are more than a step together', 6, 3_000_000],
    ['values that are each more than a step', 3, 5_000_000],
  ])('takes %s', async (_what, count, length) => {
    const from = await open();
    await from.batch(Array.from({ length: count }, (_, i) => ['SETRANGE', `k${i}`, length, 'x']));
    const to = await open();
    const steps: number[] = [];
    let before = 0;
    await copyStore(all(from), all(to), {
      overwrite: true,
      onProgress: (done, total) => {
        steps.push(done - before);
        before = done;
        expect(total).toBe(count);
      },
    });
    expect(before).toBe(count);
    // SCAN may give some keys more than it is asked for.
    if (length > 1000) expect(Math.max(...steps)).toBe(1);
    else expect(Math.max(...steps)).toBeLessThan(600);
    expect(await to.command('DEBUG', 'DIGEST')).toBe(await from.command('DEBUG', 'DIGEST'));
  });

  it('puts the data of the source in place of others: these go last', async () => {
    const from = await source();
    const to = await open();
    await to.batch(Array.from({ length: 2000 }, (_, i) => ['SET', `mine:${i}`, i]));
    await to.command('SET', 's', 'mine');
    await (await to.session({ database: 5 })).command('SET', 'far', 'away');
    await copyStore(all(from), all(to), { overwrite: true });
    expect(await to.command('EXISTS', 'mine:7')).toBe(1);
    const others = await deleteOthers(all(from), all(to));
    expect(others).toBe(2001);
    expect(await to.command('DEBUG', 'DIGEST')).toBe(await from.command('DEBUG', 'DIGEST'));
  });

  it('deletes all in databases that the source has not', async () => {
    const [from, to] = [await open({ databases: 2 }), await open({ databases: 4 })];
    await from.command('SET', 'both', 1);
    await to.command('MSET', 'both', 1, 'other', 2);
    const beyond = await to.session({ database: 3 });
    await beyond.command('SET', 'k', 'v');
    expect(await deleteOthers(all(from, 2), all(to, 4))).toBe(2);
    expect(await countKeys(all(to, 4))).toBe(1);
    expect(await to.command('EXISTS', 'both')).toBe(1);
  });

  it('fails with the error of the target, when it has no room', async () => {
    const from = await open();
    await from.batch(Array.from({ length: 300 }, (_, i) => ['SET', `k${i}`, 'x'.repeat(30_000)]));
    const to = await open({ maxmemory: '2mb' });
    await expect(copyStore(all(from), all(to), { overwrite: true })).rejects.toThrow(/^OOM/);
  });
});

describe('examples', () => {
  const names = commandsWithExamples();

  /** These cannot run in a page, which has no files and no sockets, or have nothing to show there. */
  const IMPOSSIBLE =
    /^(backup\||bgrewriteaof|bgsave|config\|rewrite|lastsave|latency\|graph|migrate|psync|save|shutdown|sync)/;

  it('are there for all commands but those that have nothing to show', () => {
    for (const name of names) expect(findCommand(name), name).toBeDefined();
    const without = userCommands()
      .map(({ fullName }) => fullName)
      .filter((name) => !names.includes(name) && !IMPOSSIBLE.test(name) && !name.endsWith('|help'));
    expect(without).toEqual([]);
  });

  it.each(names)('of %s run, touch nothing but demo: keys, and show the command', async (name) => {
    for (const { lines } of examplesOf(name)) {
      const db = await open();
      const printed = await runExample(db, lines);
      for (const { line, reply } of printed) {
        expect(reply, line).not.toContain('(error)');
        expect(reply, line).not.toBe('');
      }
      const shown = lines.map((line) => line.toLowerCase());
      const words = name.replace('|', ' ');
      expect(shown.some((line) => line === words || line.startsWith(`${words} `))).toBe(true);
      const keys = (await db.command('KEYS', '*')) as string[];
      expect(keys.filter((key) => !key.startsWith('demo:'))).toEqual([]);
      // It can be run twice.
      for (const { line, reply } of await runExample(db, lines)) {
        expect(reply, line).not.toContain('(error)');
      }
    }
  });

  it('show their prompts as the terminal does', async () => {
    const printed = await runExample(await open(), ['MULTI', 'PING', 'EXEC']);
    expect(printed.map(({ prompt }) => prompt)).toEqual(['db> ', 'db(TX)> ', 'db(TX)> ']);
  });
});

describe('the benchmark', () => {
  /** Runs it with a clock that every look advances. */
  async function run(signal = new AbortController().signal, workloads = ['SET', 'GET']) {
    const measurements: Measurement[] = [];
    const progress: number[] = [];
    let now = 0;
    await runBenchmark(await open(), {
      workloads,
      batches: BATCH_SIZES,
      durationMs: 20,
      signal,
      onMeasurement: (measurement) => measurements.push(measurement),
      onProgress: (share) => progress.push(share),
      now: () => (now += 1),
      rest: () => Promise.resolve(),
    });
    return { measurements, progress };
  }

  it('measures each command in each size of batches', async () => {
    const { measurements, progress } = await run();
    expect(measurements.map(({ workload, batch }) => `${workload} ${batch}`)).toEqual([
      'SET 1',
      'SET 16',
      'SET 64',
      'SET 256',
      'GET 1',
      'GET 16',
      'GET 64',
      'GET 256',
    ]);
    // A millisecond for each batch.
    expect(measurements.map(({ operationsPerSecond }) => operationsPerSecond)).toEqual([
      1000, 16_000, 64_000, 256_000, 1000, 16_000, 64_000, 256_000,
    ]);
    expect(measurements[0]!.medianUs).toBe(1000);
    expect(progress.at(-1)).toBe(1);
  });

  it('ends when it is told to', async () => {
    const stop = new AbortController();
    stop.abort();
    expect((await run(stop.signal)).measurements).toEqual([]);
  });

  it.each(WORKLOADS)('$name does what it says', async ({ prepare = [], command }) => {
    const db = await open();
    const replies = await db.batch([
      ...prepare,
      ...Array.from({ length: 300 }, (_, n) => command(n)),
    ]);
    expect(replies.filter((reply) => reply instanceof Error || reply === null)).toEqual([]);
  });
});
