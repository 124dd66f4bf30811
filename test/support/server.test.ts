// Goal: the helper that starts servers for all other tests cleans up after itself and reports a
// start that failed. Method: real redis-server, and the processes and directories it leaves.

import { existsSync } from 'node:fs';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { realRedisAvailable, runServer, startServer, stopAllServers } from './server.ts';

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function ask(target: net.NetConnectOpts, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(target, () => socket.write(`${line}\r\n`));
    socket.once('error', reject);
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString());
    });
  });
}

describe.skipIf(!realRedisAvailable())('a server started for a test', () => {
  it('answers on its own loopback port and is gone after stop', async () => {
    const server = await startServer({ kind: 'redis' });
    expect(server.port).toBeGreaterThan(20000);
    expect(await ask({ host: '127.0.0.1', port: server.port }, 'PING')).toBe('+PONG\r\n');
    await server.logged('Ready to accept connections');
    expect(existsSync(server.dir)).toBe(true);
    expect(await server.stop()).toBe(0);
    expect(await server.stop()).toBe(0);
    expect(alive(server.pid)).toBe(false);
    expect(existsSync(server.dir)).toBe(false);
  });

  it('takes a configuration file, arguments that override it and a Unix socket', async () => {
    const server = await startServer({
      kind: 'redis',
      config: 'databases 3\nmaxclients 50\n',
      args: ['--maxclients', '60'],
      unixSocket: true,
      port: 0,
    });
    const target = { path: server.unixSocket ?? '' };
    expect(await ask(target, 'CONFIG GET databases')).toContain('\r\n3\r\n');
    expect(await ask(target, 'CONFIG GET maxclients')).toContain('\r\n60\r\n');
    await server.stop();
  });

  it('rejects with the output when it does not start', async () => {
    await expect(startServer({ kind: 'redis', args: ['--databases', 'x'] })).rejects.toThrow(
      /FATAL CONFIG FILE ERROR/,
    );
  });

  it('reports how a program that ends by itself ended', async () => {
    const version = await runServer({ kind: 'redis', args: ['--version'] });
    expect(version.code).toBe(0);
    expect(version.output).toMatch(/^Redis server v=/);
    const failure = await runServer({
      kind: 'redis',
      args: ['--nonsense', 'x'],
    });
    expect(failure.code).toBe(1);
  });

  it('reports a signal that ended it as 128 plus its number', async () => {
    const server = await startServer({ kind: 'redis' });
    server.kill('SIGKILL');
    expect(await server.exited).toBe(137);
    expect(await server.stop()).toBe(137);
  });

  it('is stopped with all others at the end of a test file', async () => {
    const servers = await Promise.all([1, 2].map(() => startServer({ kind: 'redis' })));
    await stopAllServers();
    for (const server of servers) {
      expect(alive(server.pid)).toBe(false);
      expect(existsSync(server.dir)).toBe(false);
    }
  });
});
