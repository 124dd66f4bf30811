// How a server ends: what it saves, what its log says, and with which code.

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { RespClient } from '../support/resp_client.ts';
import { realRedisAvailable, type ServerKind } from '../support/server.ts';
import { ask, eventually, files, info, type Served, scratchDirectory, serve } from './fixture.ts';

/** The log's messages from the beginning of the shutdown on. */
function lastLines({ server }: Served): string[] {
  const lines = server
    .stdout()
    .split('\n')
    .map((line) => line.replace(/^\d+:(?:\w .*? [.\-*#]|signal-handler \(\d+\)) /, ''))
    .filter(Boolean);
  const first = lines.findIndex((line) => /^(Received SIG|User requested)/.test(line));
  return first < 0 ? [] : lines.slice(first);
}

const BYE = expect.stringMatching(/is now ready to exit, bye bye\.\.\.$/);
const FAILED = 'Errors trying to shut down the server. Check the logs for more information.';
const kinds: ServerKind[] = ['respite', ...(realRedisAvailable() ? (['redis'] as const) : [])];

/** Makes saving impossible, even for root. */
function block(served: Served, directory: string): void {
  mkdirSync(path.join(directory, `temp-${served.server.pid}.rdb`));
}

describe.each(kinds)('%s', (kind) => {
  it('SHUTDOWN saves when there are save points, SAVE always and NOSAVE never', async () => {
    const cases: [args: string[], command: string, saves: boolean][] = [
      [['--save', '3600 1'], 'SHUTDOWN', true],
      [['--save', '3600 1'], 'SHUTDOWN NOSAVE', false],
      [['--save', ''], 'SHUTDOWN', false],
      [['--save', ''], 'SHUTDOWN SAVE', true],
    ];
    for (const [args, command, saves] of cases) {
      const directory = scratchDirectory();
      const served = await serve(directory, args, kind);
      await ask(served.client, 'SET k v');
      served.client.send(`${command}\r\n`);
      expect(await served.server.exited).toBe(0);
      expect(files(directory), command).toEqual(saves ? ['dump.rdb'] : []);
      expect(lastLines(served), command).toEqual([
        'User requested shutdown...',
        ...(saves ? ['Saving the final RDB snapshot before exiting.', 'DB saved on disk'] : []),
        BYE,
      ]);
    }
  });

  it('SIGTERM and SIGINT do what their directives say', async () => {
    const args = ['--save', '3600 1', '--shutdown-on-sigint', 'nosave now'];
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const directory = scratchDirectory();
      const served = await serve(directory, args, kind);
      served.server.kill(signal);
      expect(await served.server.exited).toBe(0);
      const saves = signal === 'SIGTERM';
      expect(files(directory)).toEqual(saves ? ['dump.rdb'] : []);
      expect(lastLines(served).slice(0, 2)).toEqual([
        `Received ${signal} scheduling shutdown...`,
        'User requested shutdown...',
      ]);
    }
  });

  it('a server that cannot save goes on, and tells who asked', async () => {
    const directory = scratchDirectory();
    const served = await serve(directory, ['--save', '3600 1'], kind);
    const { client, server } = served;
    block(served, directory);
    expect(await ask(client, 'SHUTDOWN')).toBe('-ERR Errors trying to SHUTDOWN. Check logs.');
    expect(await ask(client, 'SET k v')).toBe('+OK');
    await server.logged(FAILED);
    expect(lastLines(served).slice(-2)).toEqual([
      "Error trying to save the DB, can't exit.",
      FAILED,
    ]);
    server.kill('SIGTERM');
    await eventually(() => lastLines(served).filter((line) => line === FAILED).length === 2);
    expect(await ask(client, 'GET k')).toBe('"v"');
    client.send('SHUTDOWN FORCE\r\n');
    expect(await server.exited).toBe(0);
    expect(lastLines(served).slice(-2)).toEqual(['Error trying to save the DB. Exit anyway.', BYE]);
  });

  it('a background save is given up and leaves nothing', async () => {
    const directory = scratchDirectory();
    const served = await serve(directory, ['--rdb-key-save-delay', '1000000'], kind);
    await ask(served.client, 'DEBUG POPULATE 100');
    await ask(served.client, 'BGSAVE');
    await eventually(async () => (await info(served.client, 'rdb_bgsave_in_progress')) === '1');
    served.client.send('SHUTDOWN NOSAVE\r\n');
    expect(await served.server.exited).toBe(0);
    expect(lastLines(served)).toContain('There is a child saving an .rdb. Killing it!');
    expect(files(directory)).toEqual([]);
  });

  it('the pid file goes with the process', async () => {
    const directory = scratchDirectory();
    const file = path.join(directory, 'pid');
    const served = await serve(directory, ['--pidfile', file], kind);
    expect(existsSync(file)).toBe(true);
    served.server.kill('SIGTERM');
    expect(await served.server.exited).toBe(0);
    expect(existsSync(file)).toBe(false);
    expect(lastLines(served)).toContain('Removing the pid file.');
  });
});

/** A server that is busy with its last save, which takes long. */
async function endingSlowly(signal: 'SIGTERM' | 'SIGINT') {
  const directory = scratchDirectory();
  const args = ['--save', '3600 1', '--rdb-key-save-delay', '1000000'];
  const served = await serve(directory, args);
  await ask(served.client, 'DEBUG POPULATE 100');
  served.server.kill(signal);
  await eventually(() =>
    lastLines(served).includes('Saving the final RDB snapshot before exiting.'),
  );
  return { ...served, directory, served };
}

it('a SIGINT during the last save ends the process with 1 and leaves nothing half written', async () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const { server, directory, served } = await endingSlowly(signal);
    server.kill('SIGINT');
    expect(await server.exited).toBe(1);
    expect(lastLines(served)).toContain('You insist... exiting now.');
    expect(files(directory)).toEqual([]);
  }
});

it('during the last save writes wait; when it is called off they go on', async () => {
  const { server, client, directory } = await endingSlowly('SIGTERM');
  const other = await RespClient.connect({ port: server.port });
  const asked = ask(other, 'SHUTDOWN');
  client.send('SET k v\r\n');
  const third = await RespClient.connect({ port: server.port });
  expect(await ask(third, 'GET k')).toBe('nil');
  expect(await ask(third, 'SHUTDOWN ABORT')).toBe('+OK');
  expect(await asked).toBe('-ERR Errors trying to SHUTDOWN. Check logs.');
  expect((await client.read()).reply).toEqual({ kind: 'simple', text: 'OK' });
  expect(files(directory)).toEqual([]);
  await server.logged('Shutdown manually aborted.');
  expect(await ask(third, 'SHUTDOWN ABORT')).toBe('-ERR No shutdown in progress.');
  await other.close();
  await third.close();
});

it('what was written right before SHUTDOWN is saved', async () => {
  const directory = scratchDirectory();
  const served = await serve(directory, ['--save', '3600 1']);
  await ask(served.client, 'DEBUG POPULATE 20000');
  served.client.send('SET last-key 1\r\nSHUTDOWN\r\n');
  expect(await served.server.exited).toBe(0);
  expect(readFileSync(path.join(directory, 'dump.rdb'), 'latin1')).toContain('last-key');
});
