// What a server does with the snapshot that it finds at its start, and with DEBUG RELOAD.

import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { rdbSamples } from '../support/rdb_samples.ts';
import { RespClient } from '../support/resp_client.ts';
import { realRedisAvailable, runServer } from '../support/server.ts';
import { ask, eventually, files, info, type Served, scratchDirectory, serve } from './fixture.ts';

async function loaded(served: Served): Promise<void> {
  await eventually(async () => (await info(served.client, 'loading')) === '0');
}

/** Ends a server as its user would. */
async function end({ client, server }: Served, command = 'SHUTDOWN SAVE'): Promise<void> {
  client.send(`${command}\r\n`);
  expect(await server.exited).toBe(0);
}

async function fill({ client }: Served): Promise<void> {
  for (const [i, { name, payload }] of rdbSamples().entries()) {
    await client.call('SELECT', String(i % 16));
    expect((await client.call('RESTORE', name, '0', payload)).kind, name).toBe('simple');
    await client.call('RESTORE', `${name} later`, '4000000000000', payload, 'ABSTTL');
  }
  await ask(client, 'SELECT 0');
}

it('a server that is started again has its data back', async () => {
  const directory = scratchDirectory();
  const first = await serve(directory);
  await fill(first);
  const digest = await ask(first.client, 'DEBUG DIGEST');
  await end(first);
  const second = await serve(directory);
  await loaded(second);
  expect(await ask(second.client, 'DEBUG DIGEST')).toBe(digest);
  expect(await info(second.client, 'rdb_last_load_keys_loaded')).toBe(
    String(rdbSamples().length * 2),
  );
  expect(await info(second.client, 'rdb_changes_since_last_save')).toBe('0');
  await second.server.logged('Ready to accept connections tcp');
  const log = second.server.stdout();
  const order = [
    'Server initialized',
    'Loading RDB produced by version',
    'Done loading RDB, keys loaded:',
    'DB loaded from disk: ',
    'Ready to accept connections tcp',
  ].map((text) => log.indexOf(text));
  expect(order).not.toContain(-1);
  expect(order).toEqual([...order].sort((a, b) => a - b));
});

it('keys whose time came meanwhile are not loaded, and counted', async () => {
  const directory = scratchDirectory();
  const first = await serve(directory);
  await ask(first.client, 'DEBUG SET-ACTIVE-EXPIRE 0');
  for (let i = 0; i < 5; i++) await ask(first.client, `SET soon:${i} v PX 1`);
  await ask(first.client, 'SET stays v');
  await end(first);
  const second = await serve(directory);
  await loaded(second);
  expect(await ask(second.client, 'DBSIZE')).toBe('1');
  expect(await info(second.client, 'rdb_last_load_keys_expired')).toBe('5');
  expect(await info(second.client, 'rdb_last_load_keys_loaded')).toBe('1');
});

describe.skipIf(!realRedisAvailable())('against real Redis', () => {
  it('its snapshot is the same data here', async () => {
    const directory = scratchDirectory();
    const redis = await serve(directory, [], 'redis');
    for (const { name, payload, known } of rdbSamples()) {
      if (known) await redis.client.call('RESTORE', name, '0', payload);
    }
    await ask(redis.client, 'DEBUG POPULATE 1000');
    const digest = await ask(redis.client, 'DEBUG DIGEST');
    await end(redis);
    const ours = await serve(directory);
    await loaded(ours);
    expect(await ask(ours.client, 'DEBUG DIGEST')).toBe(digest);
  });
});

// --- While it loads ---

/** A server that will be loading for ten seconds. */
async function loadingSlowly(directory: string): Promise<Served> {
  const first = await serve(directory);
  await ask(first.client, 'DEBUG POPULATE 10000 key 100');
  await end(first);
  const args = [
    ...['--key-load-delay', '1000', '--loading-process-events-interval-bytes', '1024'],
    ...['--save', '3600 1'],
  ];
  return serve(directory, args, 'respite', true);
}

it('it answers while it loads, and tells how far it is', async () => {
  const { client, server } = await loadingSlowly(scratchDirectory());
  const LOADING = '-LOADING Redis is loading the dataset in memory';
  expect(await info(client, 'loading')).toBe('1');
  for (const command of ['GET key:1', 'SET k v', 'PING', 'DBSIZE', 'SAVE', 'BGSAVE', 'SYNC']) {
    expect(await ask(client, command), command).toBe(LOADING);
  }
  expect(await ask(client, 'CONFIG SET appendonly yes')).toBe(LOADING);
  expect(await ask(client, 'DEBUG RELOAD')).toBe(LOADING);
  expect(await ask(client, 'CLIENT ID')).toMatch(/^\d+$/);
  await eventually(async () => Number(await info(client, 'loading_loaded_bytes')) > 1024);
  const total = Number(await info(client, 'loading_total_bytes'));
  expect(Number(await info(client, 'loading_loaded_bytes'))).toBeLessThan(total);
  expect(Number(await info(client, 'loading_loaded_perc'))).toBeGreaterThan(0);
  expect(Number(await info(client, 'loading_rdb_used_mem'))).toBeGreaterThan(1_000_000);
  expect(await info(client, 'loading_start_time')).toMatch(/^\d{10}$/);
  expect(await info(client, 'loading_eta_seconds')).toMatch(/^\d+$/);
  expect(server.stdout()).not.toContain('Ready to accept connections');
  // Others come and go meanwhile.
  const other = await RespClient.connect({ port: server.port });
  await other.close();
  await eventually(async () => (await info(client, 'connected_clients')) === '1');
  expect(await info(client, 'loading')).toBe('1');
});

it.each(['SIGTERM', 'SHUTDOWN', 'SHUTDOWN SAVE'])(
  '%s while it loads does not touch the snapshot',
  async (how) => {
    const directory = scratchDirectory();
    const { client, server } = await loadingSlowly(directory);
    const before = readFileSync(path.join(directory, 'dump.rdb'));
    if (how === 'SIGTERM') server.kill(how);
    else client.send(`${how}\r\n`);
    expect(await server.exited).toBe(0);
    expect(readFileSync(path.join(directory, 'dump.rdb')).equals(before)).toBe(true);
    expect(server.stdout()).not.toContain('Saving the final RDB snapshot');
    if (how === 'SIGTERM') expect(server.stdout()).toContain('signal during loading');
  },
);

// --- Files that cannot be loaded ---

describe('a snapshot that cannot be loaded ends the process with 1', () => {
  async function goodFile(): Promise<string> {
    const directory = scratchDirectory();
    const first = await serve(directory);
    await ask(first.client, 'DEBUG POPULATE 100');
    await end(first);
    return directory;
  }

  async function start(directory: string): Promise<string[]> {
    const args = ['--dir', directory, '--port', '0', '--unixsocket', `${directory}/socket`];
    const { code, output } = await runServer({ kind: 'respite', args });
    expect(code).toBe(1);
    expect(output).toContain('Server initialized');
    expect(output).not.toContain('Ready to accept');
    expect(files(directory).filter((name) => name.endsWith('.rdb'))).toEqual(['dump.rdb']);
    return output.trim().split('\n');
  }

  it('with a wrong checksum', async () => {
    const directory = await goodFile();
    const file = path.join(directory, 'dump.rdb');
    const bytes = readFileSync(file);
    bytes.write('foobar00', bytes.length - 8);
    writeFileSync(file, bytes);
    const lines = await start(directory);
    expect(lines.slice(-10).join('\n')).toContain('CRC error');
    expect(lines.at(-1)).toMatch(/Terminating server after rdb file reading failure\.$/);
    // The checksum is not looked at when nobody wants it.
    const served = await serve(directory, ['--rdbchecksum', 'no']);
    await loaded(served);
    expect(await ask(served.client, 'DBSIZE')).toBe('100');
  });

  it('cut off in the middle, or empty', async () => {
    for (const size of [1000, 5, 0]) {
      const directory = await goodFile();
      truncateSync(path.join(directory, 'dump.rdb'), size);
      const lines = await start(directory);
      expect(lines.join('\n'), String(size)).toMatch(/Short read|Wrong signature/);
    }
  });

  it('of a newer version, or something else altogether', async () => {
    const directory = scratchDirectory();
    const file = path.join(directory, 'dump.rdb');
    writeFileSync(file, 'REDIS0099 and more');
    expect((await start(directory)).slice(-2).join('\n')).toMatch(
      /Can't handle RDB format version 99\n.*Fatal error loading the DB, check server logs\. Exiting\.$/,
    );
    writeFileSync(file, 'no snapshot at all');
    expect((await start(directory)).slice(-2).join('\n')).toMatch(
      /Wrong signature trying to load DB from file\n.*Fatal error loading the DB/,
    );
  });

  it('that is a directory', async () => {
    const directory = scratchDirectory();
    mkdirSync(path.join(directory, 'dump.rdb'));
    const lines = await start(directory);
    expect(lines.at(-2)).toMatch(
      /Fatal error: can't open the RDB file dump\.rdb for reading: Is a directory$/,
    );
    expect(lines.at(-1)).toMatch(/Fatal error loading the DB, check server logs\. Exiting\.$/);
  });
});

// --- Two servers ---

it('two servers that save cannot have one directory', async () => {
  const directory = scratchDirectory();
  const { server } = await serve(directory, ['--save', '3600 1']);
  const args = ['--dir', directory, '--port', '0', '--unixsocket', `${directory}/socket`];
  const { code, output } = await runServer({ kind: 'respite', args });
  expect(code).toBe(1);
  expect(output).toContain(`The data directory ${directory} is in use by process ${server.pid}`);
  // One that never saves may look at the data, but not change its mind.
  const other = await serve(directory);
  await loaded(other);
  expect(await ask(other.client, 'SAVE')).toBe('-ERR');
  await other.server.logged(`is in use by process ${server.pid}`);
  server.kill('SIGKILL');
  await server.exited;
  expect(await ask(other.client, 'SAVE')).toBe('+OK');
});

// --- DEBUG RELOAD ---

describe('DEBUG RELOAD', () => {
  it('keeps everything as it was', async () => {
    const served = await serve(scratchDirectory(), ['--maxmemory-policy', 'allkeys-lfu']);
    await fill(served);
    const { client } = served;
    await ask(client, 'SET k v EX 1000');
    for (let i = 0; i < 20; i++) await ask(client, 'GET k');
    const digest = await ask(client, 'DEBUG DIGEST');
    const frequency = await ask(client, 'OBJECT FREQ k');
    expect(await ask(client, 'DEBUG RELOAD')).toBe('+OK');
    expect(await ask(client, 'DEBUG DIGEST')).toBe(digest);
    expect(await ask(client, 'OBJECT FREQ k')).toBe(frequency);
    expect(await info(client, 'rdb_changes_since_last_save')).toBe('0');
    await served.server.logged('DB reloaded by DEBUG RELOAD');
  });

  it('NOSAVE goes back to what is in the file, NOFLUSH MERGE puts that on top', async () => {
    const { client } = await serve(scratchDirectory());
    await client.call('MSET', 'a', 'old', 'b', 'old');
    await ask(client, 'SAVE');
    await client.call('MSET', 'a', 'new', 'c', 'new');
    expect(await ask(client, 'DEBUG RELOAD NOSAVE NOFLUSH MERGE')).toBe('+OK');
    expect(await ask(client, 'MGET a b c')).toBe('["old", "old", "new"]');
    expect(await ask(client, 'DEBUG RELOAD NOSAVE')).toBe('+OK');
    expect(await ask(client, 'MGET a b c')).toBe('["old", "old", nil]');
    expect(await ask(client, 'DEBUG RELOAD SAVE')).toMatch(/^-ERR DEBUG RELOAD only supports/);
  });

  it('without a file it says so', async () => {
    const { client } = await serve(scratchDirectory());
    expect(await ask(client, 'DEBUG RELOAD NOSAVE')).toBe(
      '-ERR Error trying to load the RDB dump, check server logs.',
    );
  });

  it('breaks transactions that watch a key, and ends a background save', async () => {
    const directory = scratchDirectory();
    const { client, server } = await serve(directory);
    await ask(client, 'SET k v');
    const other = await RespClient.connect({ port: server.port });
    await ask(other, 'WATCH k');
    await ask(client, 'CONFIG SET rdb-key-save-delay 1000000');
    await ask(client, 'BGSAVE');
    expect(await ask(client, 'DEBUG RELOAD')).toBe('+OK');
    expect(await info(client, 'rdb_bgsave_in_progress')).toBe('0');
    await ask(other, 'MULTI');
    await ask(other, 'SET k w');
    expect(await ask(other, 'EXEC')).toBe('nil-array');
    await other.close();
    expect(files(directory)).toEqual(['dump.rdb']);
  });

  it('a file that is broken ends the process', async () => {
    const directory = scratchDirectory();
    const { client, server } = await serve(directory);
    await ask(client, 'DEBUG POPULATE 100');
    await ask(client, 'SAVE');
    truncateSync(path.join(directory, 'dump.rdb'), 500);
    client.send('DEBUG RELOAD NOSAVE\r\n');
    expect(await server.exited).toBe(1);
    expect(server.stdout()).toContain('Terminating server after rdb file reading failure.');
  });
});
