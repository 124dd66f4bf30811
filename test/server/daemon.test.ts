// `daemonize yes`: the started process ends with success, another one serves, and the pid file is its.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { RespClient } from '../support/resp_client.ts';
import { freePort, serverCommand } from '../support/server.ts';

const WAIT_MS = 20_000;

let dir = '';
let pid = 0;

async function eventually(isTrue: () => boolean): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error('it did not happen');
    await sleep(20);
  }
}

function isAlive(): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

interface Started {
  readonly port: number;
  readonly pidFile: string;
  readonly log: string;
}

/** Starts a server whose configuration comes from where `how` says. */
async function start(how: 'arguments' | 'input'): Promise<Started> {
  dir = mkdtempSync(path.join(tmpdir(), 'respite-daemon-'));
  const port = await freePort();
  const pidFile = path.join(dir, 'pid');
  const log = path.join(dir, 'log');
  const lines = [
    ['port', String(port)],
    ['daemonize', 'yes'],
    ['pidfile', pidFile],
    ['logfile', log],
    ['dir', dir],
    ['save', ''],
  ];
  const [program, ...args] = serverCommand('respite');
  const given =
    how === 'input' ? ['-'] : lines.flatMap(([name, value]) => [`--${name}`, value as string]);
  const run = spawnSync(program, [...args, ...given], {
    encoding: 'utf8',
    input: how === 'input' ? lines.map((words) => `${words[0]} "${words[1]}"\n`).join('') : '',
  });
  expect(run).toMatchObject({ status: 0, stdout: '', stderr: '' });
  await eventually(() => existsSync(pidFile) && readFileSync(pidFile, 'utf8').endsWith('\n'));
  pid = Number(readFileSync(pidFile, 'utf8'));
  return { port, pidFile, log };
}

describe('a daemon', () => {
  afterEach(() => {
    if (pid !== 0 && isAlive()) process.kill(pid, 'SIGKILL');
    pid = 0;
    rmSync(dir, { recursive: true, force: true });
  });

  it('serves after the process that was started has ended, and removes its pid file', async () => {
    const { port, pidFile, log } = await start('arguments');
    const client = await RespClient.connect({ port });
    expect(String((await client.call('INFO', 'server')).kind)).toBe('bulk');
    const info = await client.call('INFO', 'server');
    if (info.kind !== 'bulk') throw new Error('INFO');
    expect(info.bytes.toString()).toContain(`process_id:${pid}\r\n`);
    expect(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[3]).toBe(`${pid}`);
    await client.close();
    process.kill(pid, 'SIGTERM');
    await eventually(() => !isAlive());
    expect(existsSync(pidFile)).toBe(false);
    expect(readFileSync(log, 'utf8')).toContain('Ready to accept connections');
  });

  it('is given the configuration that came from standard input', async () => {
    const { port } = await start('input');
    const client = await RespClient.connect({ port });
    const reply = await client.call('CONFIG', 'GET', 'daemonize');
    expect(reply.kind === 'array' && reply.items.length).toBe(2);
    await client.close();
  });
});
