// Snapshots and the append-only file in one server: who waits for whom, what is loaded, and how it ends.

import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { RespClient } from '../support/resp_client.ts';
import {
  ask,
  eventually,
  files,
  idle,
  info,
  type Served,
  scratchDirectory,
  serve,
} from './fixture.ts';

const AOF = ['--appendonly', 'yes'];

it('the append-only file is loaded when there is one, the snapshot otherwise', async () => {
  const directory = scratchDirectory();
  const first = await serve(directory);
  await ask(first.client, 'SET from snapshot');
  await ask(first.client, 'SAVE');
  expect(await ask(first.client, 'CONFIG SET appendonly yes')).toBe('+OK');
  await idle(first);
  await ask(first.client, 'SET from log');
  await ask(first.client, 'CONFIG SET appendfsync always');
  await ask(first.client, 'SET more 1');
  first.server.kill('SIGKILL');
  await first.server.exited;
  const second = await serve(directory, AOF);
  await idle(second);
  expect(await ask(second.client, 'MGET from more')).toBe('["log", "1"]');
  await second.server.logged(/DB loaded from append only file: \d+\.\d{3} seconds\n/);
  second.server.kill('SIGTERM');
  expect(await second.server.exited).toBe(0);
  expect(second.server.stdout()).toContain('Calling fsync() on the AOF file.');
  const third = await serve(directory);
  await idle(third);
  expect(await ask(third.client, 'MGET from more')).toBe('["snapshot", nil]');
});

it('what was acknowledged is in the log, whatever appendfsync says', async () => {
  for (const policy of ['always', 'everysec', 'no']) {
    const directory = scratchDirectory();
    const { client } = await serve(directory, [...AOF, '--appendfsync', policy]);
    const log = path.join(directory, 'appendonlydir', 'appendonly.aof.1.incr.aof');
    expect(await ask(client, `SET a ${policy}`)).toBe('+OK');
    const written = readFileSync(log, 'latin1');
    expect(written).toContain(`$1\r\na\r\n$${policy.length}\r\n${policy}\r\n`);
    await ask(client, 'GETEX a');
    expect(readFileSync(log, 'latin1')).toBe(written);
  }
});

it('aof-disable-auto-gc keeps what rewrites put aside, until it is set to no', async () => {
  const directory = scratchDirectory();
  const log = path.join(directory, 'appendonlydir');
  const served = await serve(directory, [...AOF, '--aof-disable-auto-gc', 'yes']);
  const { client } = served;
  for (let i = 0; i < 2; i++) {
    await ask(client, 'BGREWRITEAOF');
    await idle(served);
  }
  const manifest = () => readFileSync(path.join(log, 'appendonly.aof.manifest'), 'latin1');
  expect(manifest().match(/type h/g)).toHaveLength(4);
  expect(files(log)).toHaveLength(7);
  await ask(client, 'CONFIG SET aof-disable-auto-gc no');
  expect(manifest()).toMatch(
    /^file appendonly\.aof\.3\.base\.rdb seq 3 type b\nfile appendonly\.aof\.3\.incr\.aof seq 3 type i\n$/,
  );
  expect(files(log)).toHaveLength(3);
});

it('DEBUG LOADAOF goes back to what the log says', async () => {
  const served = await serve(scratchDirectory(), AOF);
  const { client } = served;
  for (let i = 0; i < 100; i++) await ask(client, `RPUSH list ${i}`);
  await ask(client, 'BGREWRITEAOF');
  await idle(served);
  await ask(client, 'SET after rewrite');
  const digest = await ask(client, 'DEBUG DIGEST');
  expect(await ask(client, 'DEBUG LOADAOF')).toBe('+OK');
  expect(await ask(client, 'DEBUG DIGEST')).toBe(digest);
  expect(await info(client, 'rdb_last_load_keys_loaded')).toBe('1');
  expect(await info(client, 'rdb_changes_since_last_save')).toBe('0');
  expect(await info(client, 'loading')).toBe('0');
  // What comes now is logged again.
  await ask(client, 'SET later 1');
  expect(await ask(client, 'DEBUG LOADAOF')).toBe('+OK');
  expect(await ask(client, 'GET later')).toBe('"1"');
});

/** Together more than may be written before its turn; each so small that it may be. */
const LARGE_VALUES = 96;
const LARGE_BYTES = 250_000;

/** A save that stays where it is until the delay is set to 0, and the data as of its begin. */
async function stalledSave(served: Served, rewrites: boolean): Promise<string> {
  const { client } = served;
  await ask(client, 'DEBUG POPULATE 20000 small 100');
  const piece = 'x'.repeat(LARGE_BYTES);
  for (let i = 0; i < LARGE_VALUES; i++) await client.call('SET', `large:${i}`, piece);
  await client.call('RPUSH', 'big', ...Array.from({ length: 6000 }, (_, n) => String(n)));
  if (rewrites) await ask(client, 'BGREWRITEAOF');
  await idle(served);
  await ask(client, 'INCR counter');
  const digest = await ask(client, 'DEBUG DIGEST');
  await ask(client, 'CONFIG SET rdb-key-save-delay 1000000000');
  expect(await ask(client, 'BGSAVE')).toBe('+Background saving started');
  await eventually(async () => (await info(client, 'current_save_keys_processed')) !== '0');
  return digest;
}

/** The data in the snapshot of a directory. */
async function digestOfSnapshot(directory: string): Promise<string> {
  const copy = scratchDirectory();
  copyFileSync(path.join(directory, 'dump.rdb'), path.join(copy, 'dump.rdb'));
  const loaded = await serve(copy);
  await idle(loaded);
  return ask(loaded.client, 'DEBUG DIGEST');
}

it('DEBUG LOADAOF leaves a save under way alone, which has the data of its begin', async () => {
  const directory = scratchDirectory();
  const served = await serve(directory, [...AOF, '--rdbcompression', 'no']);
  const { client } = served;
  const digest = await stalledSave(served, true);
  // Some of the values are written early, others are replaced by those that are loaded.
  for (let i = 0; i < 8; i++) await ask(client, `APPEND large:${i} y`);
  await ask(client, 'INCR counter');
  const later = await ask(client, 'DEBUG DIGEST');
  expect(later).not.toBe(digest);
  expect(await ask(client, 'DEBUG LOADAOF')).toBe('+OK');
  expect(await ask(client, 'DEBUG DIGEST')).toBe(later);
  expect(await info(client, 'rdb_bgsave_in_progress')).toBe('1');
  await ask(client, 'CONFIG SET rdb-key-save-delay 0');
  await idle(served);
  expect(await info(client, 'rdb_last_bgsave_status')).toBe('ok');
  expect(await info(client, 'rdb_changes_since_last_save')).toBe('0');
  expect(await ask(client, 'DEBUG DIGEST')).toBe(later);
  expect(await digestOfSnapshot(directory)).toBe(digest);
});

it('DEBUG LOADAOF does not wait as others do when a save is behind', async () => {
  const directory = scratchDirectory();
  const served = await serve(directory, [...AOF, '--rdbcompression', 'no']);
  const { client, server } = served;
  // Then the log is all commands.
  const digest = await stalledSave(served, false);
  const writer = await RespClient.connect({ port: server.port });
  const appends = Array.from({ length: LARGE_VALUES }, (_, i) =>
    ask(writer, `APPEND large:${i} y`),
  );
  await eventually(async () => (await info(client, 'blocked_clients')) === '1');
  const loaded = ask(client, 'DEBUG LOADAOF');
  const other = await RespClient.connect({ port: server.port });
  expect(await ask(other, 'CONFIG SET rdb-key-save-delay 0')).toBe('+OK');
  expect(await loaded).toBe('+OK');
  await Promise.all(appends);
  await idle(served);
  expect(await info(client, 'rdb_last_bgsave_status')).toBe('ok');
  expect(await ask(client, 'GET counter')).toBe('"1"');
  expect(await digestOfSnapshot(directory)).toBe(digest);
  await writer.close();
  await other.close();
});

it('DEBUG LOADAOF goes back while the first file of the log waits for a save', async () => {
  const served = await serve(scratchDirectory(), AOF);
  const { client } = served;
  await ask(client, 'SET logged 1');
  await ask(client, 'CONFIG SET appendonly no');
  await ask(client, 'CONFIG SET rdb-key-save-delay 10000000');
  await ask(client, 'SET k1 v1');
  await ask(client, 'BGSAVE');
  await ask(client, 'CONFIG SET appendonly yes');
  expect(await info(client, 'aof_rewrite_scheduled')).toBe('1');
  await ask(client, 'SET k2 v2');
  expect(await ask(client, 'DEBUG LOADAOF')).toBe('+OK');
  expect(await ask(client, 'EXISTS k1 k2')).toBe('0');
  expect(await ask(client, 'GET logged')).toBe('"1"');
  expect(await info(client, 'rdb_bgsave_in_progress')).toBe('1');
  await ask(client, 'CONFIG SET rdb-key-save-delay 0');
  await idle(served);
  await ask(client, 'SET k3 v3');
  expect(await ask(client, 'DEBUG LOADAOF')).toBe('+OK');
  expect(await ask(client, 'MGET logged k3')).toBe('["1", "v3"]');
});

it('DEBUG LOADAOF cannot be a part of a transaction', async () => {
  const served = await serve(scratchDirectory(), AOF);
  const { client } = served;
  await ask(client, 'SET a 1');
  await ask(client, 'MULTI');
  await ask(client, 'DEBUG LOADAOF');
  await ask(client, 'GET a');
  expect(await ask(client, 'EXEC')).toBe('[-"ERR Command not allowed inside a transaction", "1"]');
});

it('saves and rewrites take turns', async () => {
  const served = await serve(scratchDirectory(), AOF);
  const { client, server } = served;
  await ask(client, 'DEBUG POPULATE 100');
  await ask(client, 'CONFIG SET rdb-key-save-delay 3000');
  await ask(client, 'BGSAVE');
  expect(await ask(client, 'BGREWRITEAOF')).toBe(
    '+Background append only file rewriting scheduled',
  );
  expect(await info(client, 'aof_rewrite_scheduled')).toBe('1');
  await eventually(async () => (await info(client, 'aof_rewrite_in_progress')) === '1');
  expect(await info(client, 'rdb_bgsave_in_progress')).toBe('0');
  // A save that was asked for waits for the rewrite, others are served.
  const saver = await RespClient.connect({ port: server.port });
  const saved = ask(saver, 'SAVE');
  expect(await ask(client, 'GET key:1')).toBe('"value:1"');
  expect(await info(client, 'aof_rewrite_in_progress')).toBe('1');
  expect(await saved).toBe('+OK');
  expect(await info(client, 'aof_rewrite_in_progress')).toBe('0');
  expect(await info(client, 'aof_last_bgrewrite_status')).toBe('ok');
  await saver.close();
});

it('FLUSHALL with save points does not wait for a rewrite, which is done again', async () => {
  const directory = scratchDirectory();
  const served = await serve(directory, [...AOF, '--save', '3600 1']);
  const { client } = served;
  await ask(client, 'DEBUG POPULATE 100');
  await ask(client, 'CONFIG SET rdb-key-save-delay 1000000');
  await ask(client, 'BGREWRITEAOF');
  expect(await info(client, 'aof_rewrite_in_progress')).toBe('1');
  expect(await ask(client, 'FLUSHALL')).toBe('+OK');
  expect(readFileSync(path.join(directory, 'dump.rdb'), 'latin1')).not.toContain('key:1');
  await ask(client, 'CONFIG SET rdb-key-save-delay 0');
  await idle(served);
  await ask(client, 'SET only one');
  expect(await ask(client, 'DEBUG LOADAOF')).toBe('+OK');
  expect(await ask(client, 'DBSIZE')).toBe('1');
});

it('a server does not end before the first file of its log is whole, unless it is forced', async () => {
  const served = await serve(scratchDirectory());
  const { client, server } = served;
  await ask(client, 'DEBUG POPULATE 100');
  await ask(client, 'CONFIG SET rdb-key-save-delay 1000000');
  await ask(client, 'CONFIG SET appendonly yes');
  expect(await ask(client, 'SHUTDOWN')).toBe('-ERR Errors trying to SHUTDOWN. Check logs.');
  await server.logged("Writing initial AOF, can't exit.");
  expect(await ask(client, 'SET still writable')).toBe('+OK');
  client.send('SHUTDOWN FORCE\r\n');
  expect(await server.exited).toBe(0);
  expect(server.stdout()).toContain('Writing initial AOF. Exit anyway.');
});

it('when the last snapshot fails, the log goes on', async () => {
  const directory = scratchDirectory();
  const served = await serve(directory, [
    ...AOF,
    '--save',
    '3600 1',
    '--dbfilename',
    'nowhere.rdb',
  ]);
  const { client, server } = served;
  await ask(client, 'CONFIG SET appendfsync always');
  await ask(client, 'SET before 1');
  mkdirSync(path.join(directory, 'nowhere.rdb'));
  expect(await ask(client, 'SHUTDOWN')).toBe('-ERR Errors trying to SHUTDOWN. Check logs.');
  await ask(client, 'SET after 1');
  server.kill('SIGKILL');
  await server.exited;
  const again = await serve(directory, AOF);
  await idle(again);
  expect(await ask(again.client, 'MGET before after')).toBe('["1", "1"]');
});

it('two servers cannot have one log, not even later', async () => {
  const directory = scratchDirectory();
  const first = await serve(directory, AOF);
  const second = await serve(directory);
  expect(await ask(second.client, 'CONFIG SET appendonly yes')).toMatch(
    /Unable to turn on AOF\. Check server logs\.$/,
  );
  expect(await ask(second.client, 'CONFIG GET appendonly')).toMatch(/"no"/);
  expect(await ask(second.client, 'BGREWRITEAOF')).toMatch(/^-ERR The data directory/);
  await second.server.logged(`is in use by process ${first.server.pid}`);
  expect(await ask(first.client, 'SET k v')).toBe('+OK');
});

it('the lock goes along with dir, and goes away with the process', async () => {
  const [directory, other] = [scratchDirectory(), scratchDirectory()];
  const args = ['--save', '3600 1', '--enable-protected-configs', 'yes'];
  const { client, server } = await serve(directory, args);
  const lock = (where: string) => existsSync(path.join(where, 'respite.lock'));
  expect([lock(directory), lock(other)]).toEqual([true, false]);
  expect(await ask(client, `CONFIG SET dir ${other}`)).toBe('+OK');
  expect([lock(directory), lock(other)]).toEqual([false, true]);
  const third = await serve(directory, args);
  expect(await ask(client, `CONFIG SET dir ${directory}`)).toMatch(/is in use by process/);
  expect(await ask(client, 'CONFIG GET dir')).toContain(other);
  expect(lock(other)).toBe(true);
  third.server.kill('SIGTERM');
  server.kill('SIGTERM');
  expect(await server.exited).toBe(0);
  expect(files(other)).toEqual(['dump.rdb']);
  expect(lock(other)).toBe(false);
});
