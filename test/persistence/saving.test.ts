// Saving by a whole server: when it does, what it leaves, and what becomes of clients when it fails.

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { rdbSamples } from '../support/rdb_samples.ts';
import { realRedisAvailable } from '../support/server.ts';
import { ask, eventually, files, idle, info, scratchDirectory, serve } from './fixture.ts';

const MISCONF =
  "-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. " +
  'Commands that may modify the data set are disabled, because this instance is configured to ' +
  'report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). ' +
  'Please check the Redis logs for details about the RDB error.';

describe.skipIf(!realRedisAvailable())('against real Redis', () => {
  it.each(['yes', 'no'])(
    'a snapshot of every type and encoding is the same data there, rdbcompression %s',
    async (compression) => {
      const directory = scratchDirectory();
      const args = ['--rdbcompression', compression, '--maxmemory-policy', 'allkeys-lfu'];
      const { client, server } = await serve(directory, args);
      const samples = rdbSamples().filter(({ known }) => known);
      for (const [i, { name, payload }] of samples.entries()) {
        await client.call('SELECT', String(i % 16));
        expect((await client.call('RESTORE', name, '0', payload)).kind, name).toBe('simple');
        await client.call('RESTORE', `${name} later`, '4000000000000', payload, 'ABSTTL');
      }
      await ask(client, 'SELECT 3');
      await ask(client, 'DEBUG POPULATE 1000');
      expect(await ask(client, 'BGSAVE')).toBe('+Background saving started');
      await idle({ client });
      const digest = await ask(client, 'DEBUG DIGEST');
      await server.logged(
        /Background saving started by pid \d+\n.*DB saved on disk\n.*terminated with success\n/,
      );
      const copy = scratchDirectory();
      copyFileSync(path.join(directory, 'dump.rdb'), path.join(copy, 'dump.rdb'));
      const redis = await serve(copy, ['--maxmemory-policy', 'allkeys-lfu'], 'redis');
      await idle(redis);
      expect(await ask(redis.client, 'DEBUG DIGEST')).toBe(digest);
      expect(await info(redis.client, 'rdb_last_load_keys_loaded')).toBe(
        String(samples.length * 2 + 1000),
      );
    },
  );
});

it('changes are counted since the last save, those during a background save too', async () => {
  const directory = scratchDirectory();
  const { client } = await serve(directory);
  const changes = () => info(client, 'rdb_changes_since_last_save');
  await client.call('MSET', 'a', '1', 'b', '2', 'c', '3');
  expect(await changes()).toBe('3');
  expect(await ask(client, 'SAVE')).toBe('+OK');
  expect(await changes()).toBe('0');
  expect(await info(client, 'rdb_saves')).toBe('1');
  await ask(client, 'DEBUG POPULATE 100');
  await ask(client, 'SET d 4');
  await ask(client, 'CONFIG SET rdb-key-save-delay 2000');
  await ask(client, 'BGSAVE');
  await client.call('MSET', 'e', '5', 'f', '6');
  expect(await info(client, 'rdb_bgsave_in_progress')).toBe('1');
  await eventually(async () => Number(await info(client, 'current_save_keys_processed')) > 0);
  expect(await info(client, 'current_save_keys_total')).toBe('104');
  expect(files(directory).filter((name) => /^temp-\d+\.rdb$/.test(name))).toHaveLength(1);
  await idle({ client });
  expect(await changes()).toBe('2');
  expect(files(directory)).toEqual(['dump.rdb']);
  expect(await info(client, 'rdb_saves')).toBe('2');
  await ask(client, 'CONFIG RESETSTAT');
  expect(await info(client, 'rdb_saves')).toBe('0');
});

it.each([
  ['BGSAVE', 'rdb_bgsave_in_progress', 'rdb_last_cow_size', 'aof_last_cow_size'],
  ['BGREWRITEAOF', 'aof_rewrite_in_progress', 'aof_last_cow_size', 'rdb_last_cow_size'],
])(
  'INFO tells how far %s has come and what changes cost it',
  async (command, running, last, other) => {
    const { client } = await serve(scratchDirectory());
    const keys = 1000;
    const current = (text: string) => {
      const number = (field: string) =>
        Number(new RegExp(`^${field}:(.*)\r$`, 'm').exec(text)?.[1]);
      expect(number('current_cow_peak')).toBe(number('current_cow_size'));
      return {
        bytes: number('current_cow_size'),
        percent: number('current_fork_perc'),
        done: number('current_save_keys_processed'),
        total: number('current_save_keys_total'),
      };
    };
    const persistence = async () => {
      const reply = await client.call('INFO', 'persistence');
      return 'bytes' in reply ? reply.bytes.toString() : '';
    };
    const idle = { bytes: 0, percent: 0, done: 0, total: 0 };
    expect(current(await persistence())).toEqual(idle);
    await ask(client, `DEBUG POPULATE ${keys} key 1000`);
    await ask(client, 'CONFIG SET rdb-key-save-delay 1000');
    await ask(client, command);
    await eventually(async () => current(await persistence()).done > 0);
    // Without a step of the snapshot in between.
    const replies = await client.pipeline([
      ['MULTI'],
      ['INFO', 'persistence'],
      ...Array.from({ length: keys }, (_, i) => ['SETRANGE', `key:${i}`, '0', 'y']),
      ['INFO', 'persistence'],
      ['EXEC'],
    ]);
    const results = replies.at(-1);
    if (results?.kind !== 'array') throw new Error('the transaction failed');
    const [before, after] = [results.items.at(0), results.items.at(-1)].map((reply) => {
      if (reply === undefined || !('bytes' in reply)) throw new Error('no INFO');
      return current(reply.bytes.toString());
    });
    if (before === undefined || after === undefined) throw new Error('no INFO');
    expect(before.bytes).toBe(0);
    expect(before.total).toBe(keys);
    expect(before.percent).toBeCloseTo((before.done * 100) / keys, 2);
    // What was not written yet had to be written first.
    const left = keys - before.done;
    expect(after).toEqual({ bytes: after.bytes, percent: 100, done: keys, total: keys });
    expect(after.bytes).toBeGreaterThan(left * 1000);
    expect(after.bytes).toBeLessThan(left * 1300);
    await eventually(async () => (await info(client, running)) === '0');
    expect(current(await persistence())).toEqual(idle);
    expect(await info(client, last)).toBe(String(after.bytes));
    expect(await info(client, other)).toBe('0');
  },
);

it('snapshots begun in the background are counted where Redis counts forks', async () => {
  const { client } = await serve(scratchDirectory());
  await ask(client, 'DEBUG POPULATE 100');
  await ask(client, 'SAVE');
  expect(await info(client, 'total_forks')).toBe('0');
  expect(await info(client, 'latest_fork_usec')).toBe('0');
  for (const command of ['BGSAVE', 'BGREWRITEAOF']) {
    await ask(client, command);
    await idle({ client });
  }
  expect(await info(client, 'total_forks')).toBe('2');
  expect(Number(await info(client, 'latest_fork_usec'))).toBeGreaterThan(0);
  await ask(client, 'CONFIG RESETSTAT');
  expect(await info(client, 'total_forks')).toBe('0');
  expect(await info(client, 'latest_fork_usec')).toBe('0');
});

it('a change of rdb-key-save-delay holds for a save and a rewrite that are under way', async () => {
  const { client } = await serve(scratchDirectory());
  await ask(client, 'SET k v');
  for (const [command, running] of [
    ['BGSAVE', 'rdb_bgsave_in_progress'],
    ['BGREWRITEAOF', 'aof_rewrite_in_progress'],
  ] as const) {
    // Longer than the test may take.
    await ask(client, 'CONFIG SET rdb-key-save-delay 1000000000');
    await ask(client, command);
    await eventually(async () => (await info(client, 'current_save_keys_processed')) === '1');
    expect(await info(client, running)).toBe('1');
    await ask(client, 'CONFIG SET rdb-key-save-delay 0');
    await eventually(async () => (await info(client, running)) === '0');
  }
});

it('save points save, and LASTSAVE tells when', async () => {
  const directory = scratchDirectory();
  const { client, server } = await serve(directory, ['--save', '1 2']);
  const started = Number(await ask(client, 'LASTSAVE'));
  await ask(client, 'SET a 1');
  await ask(client, 'SET b 1');
  await eventually(() => existsSync(path.join(directory, 'dump.rdb')));
  await server.logged('2 changes in 1 seconds. Saving...');
  await eventually(async () => Number(await ask(client, 'LASTSAVE')) > started);
  expect(await info(client, 'rdb_changes_since_last_save')).toBe('0');
});

it('FLUSHALL with save points leaves an empty snapshot when it replies', async () => {
  const directory = scratchDirectory();
  const { client } = await serve(directory, ['--save', '3600 1']);
  await ask(client, 'SET a-key 1');
  await ask(client, 'SAVE');
  const content = () => readFileSync(path.join(directory, 'dump.rdb'), 'latin1');
  expect(content()).toContain('a-key');
  // In the middle of what a client sends at once, and of a transaction.
  const replies = await client.pipeline([
    ['SET', 'b-key', '2'],
    ['FLUSHALL'],
    ['INFO', 'persistence'],
    ['SET', 'c-key', '3'],
    ['MULTI'],
    ['FLUSHALL', 'ASYNC'],
    ['SET', 'd-key', '4'],
    ['EXEC'],
    ['DBSIZE'],
  ]);
  expect(replies.map(({ kind }) => kind)).toEqual([
    ...['simple', 'simple', 'bulk', 'simple', 'simple', 'simple', 'simple', 'array', 'integer'],
  ]);
  const [, , during] = replies;
  expect(during && 'bytes' in during && during.bytes.toString()).toContain(
    'rdb_changes_since_last_save:0\r\n',
  );
  expect(content()).not.toContain('a-key');
  expect(await ask(client, 'GET d-key')).toBe('"4"');
  expect(await info(client, 'rdb_changes_since_last_save')).toBe('0');
});

it('FLUSHALL without save points counts what it removed, and gives up a background save', async () => {
  const directory = scratchDirectory();
  const { client, server } = await serve(directory);
  await ask(client, 'CONFIG SET rdb-key-save-delay 100000');
  for (const key of ['a', 'b', 'c']) await ask(client, `SET ${key} 1`);
  await ask(client, 'BGSAVE');
  await ask(client, 'FLUSHALL');
  expect(await info(client, 'rdb_bgsave_in_progress')).toBe('0');
  expect(await info(client, 'rdb_changes_since_last_save')).toBe('6');
  expect(await info(client, 'rdb_last_bgsave_status')).toBe('ok');
  expect(files(directory)).toEqual([]);
  await server.logged('Background saving was given up');
});

it('a save that fails keeps the old file, and stops writes until one succeeds', async () => {
  const directory = scratchDirectory();
  const { client, server } = await serve(directory, ['--save', '3600 1']);
  await ask(client, 'SET k 1');
  await ask(client, 'SAVE');
  const before = readFileSync(path.join(directory, 'dump.rdb'));
  // A directory where the file would be written; permissions would not stop root.
  const blocker = path.join(directory, `temp-${server.pid}.rdb`);
  mkdirSync(blocker);
  await ask(client, 'SET k 2');
  expect(await ask(client, 'SAVE')).toBe('-ERR');
  expect(await ask(client, 'SET k 3')).toBe('+OK');
  expect(await ask(client, 'BGSAVE')).toBe('+Background saving started');
  await eventually(async () => (await info(client, 'rdb_last_bgsave_status')) === 'err');
  expect(await ask(client, 'SET k 4')).toBe(MISCONF);
  expect(await ask(client, 'PING')).toBe(MISCONF);
  expect(await ask(client, 'GET k')).toBe('"3"');
  await server.logged(
    `Failed opening the temp RDB file temp-${server.pid}.rdb (in server root dir ${directory}) ` +
      'for saving: Is a directory',
  );
  await server.logged('# Background saving error');
  expect(readFileSync(path.join(directory, 'dump.rdb'))).toEqual(before);

  await ask(client, 'CONFIG SET stop-writes-on-bgsave-error no');
  expect(await ask(client, 'SET k 5')).toBe('+OK');
  await ask(client, 'CONFIG SET stop-writes-on-bgsave-error yes');
  expect(await ask(client, 'SET k 6')).toBe(MISCONF);
  await client.call('CONFIG', 'SET', 'save', '');
  expect(await ask(client, 'SET k 7')).toBe('+OK');
  await client.call('CONFIG', 'SET', 'save', '3600 1');
  expect(await ask(client, 'SET k 8')).toBe(MISCONF);

  rmSync(blocker, { recursive: true });
  expect(await ask(client, 'SAVE')).toBe('+OK');
  expect(await ask(client, 'SET k 9')).toBe('+OK');
  expect(await info(client, 'rdb_last_bgsave_status')).toBe('ok');
});

it('temporary files of processes that ended are removed at the start, others stay', async () => {
  const directory = scratchDirectory();
  const ended = spawnSync(process.execPath, ['-e', '']).pid;
  const names = [`temp-${ended}.rdb`, `temp-${process.pid}.rdb`, 'temp-x.rdb', 'temp-1.rdb.bak'];
  for (const name of names) writeFileSync(path.join(directory, name), 'x');
  const { server } = await serve(directory, ['--save', '3600 1']);
  expect(files(directory).sort()).toEqual(names.slice(1).sort());
  await server.logged(`temp-${ended}.rdb`);
});

it('a save goes on where it began when dir changes meanwhile', async () => {
  const [directory, other] = [scratchDirectory(), scratchDirectory()];
  const { client } = await serve(directory, ['--enable-protected-configs', 'yes']);
  await ask(client, 'DEBUG POPULATE 50');
  await ask(client, 'CONFIG SET rdb-key-save-delay 2000');
  await ask(client, 'CONFIG SET dbfilename first.rdb');
  await ask(client, 'BGSAVE');
  await ask(client, `CONFIG SET dir ${other}`);
  await ask(client, 'CONFIG SET dbfilename second.rdb');
  await idle({ client });
  expect(files(directory)).toEqual(['first.rdb']);
  await ask(client, 'SAVE');
  expect(files(other)).toEqual(['second.rdb']);
  expect(await ask(client, 'CONFIG SET dbfilename a/b')).toMatch(
    /dbfilename can't be a path, just a filename$/,
  );
});
