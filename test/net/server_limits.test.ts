// Limits of clients and changes of the listening sockets over real connections: Respite with both
// transports, and redis-server, which has to behave the same.

import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeCommand } from '../support/arguments.ts';
import { showReply } from '../support/reply_notation.ts';
import { ConnectionEnded, RespClient } from '../support/resp_client.ts';
import { freePort, runServer, startServer, type TestServer } from '../support/server.ts';
import { selectedTargets } from '../support/targets.ts';

const MEBIBYTE = 1 << 20;
/** An address of this machine that is not of the loopback interface. */
const OUTER_ADDRESS = Object.values(networkInterfaces())
  .flat()
  .find((entry) => entry !== undefined && !entry.internal && entry.family === 'IPv4')?.address;

for (const target of selectedTargets()) {
  describe.skipIf(!target.available)(`limits on ${target.name}`, () => {
    let server: TestServer;
    let admin: RespClient;
    const clients: RespClient[] = [];

    const start = async (...args: string[]): Promise<void> => {
      server = await startServer({
        kind: target.kind,
        args: [...target.args, ...args],
        unixSocket: true,
      });
      admin = await connect();
    };
    const connect = async (host = '127.0.0.1'): Promise<RespClient> => {
      const client = await RespClient.connect({ port: server.port, host });
      clients.push(client);
      return client;
    };
    const call = async (client: RespClient, ...args: string[]): Promise<string> =>
      showReply(await client.call(...args));

    beforeEach(() => start());
    afterEach(async () => {
      await Promise.all(clients.splice(0).map((client) => client.close()));
      await server.stop();
    });

    it('maxclients: one too many is told so and closed, the others stay', async () => {
      const second = await connect();
      expect(await call(admin, 'CONFIG', 'SET', 'maxclients', '2')).toBe('+OK');
      for (let round = 0; round < 20; round++) {
        const refused = await connect();
        expect(showReply((await refused.read()).reply)).toBe('-ERR max number of clients reached');
        await refused.ended;
      }
      expect(await call(second, 'PING')).toBe('+PONG');
      await second.close();
      for (;;) {
        const client = await connect();
        const reply = await call(client, 'PING');
        if (reply === '+PONG') break;
      }
    });

    it('output: what clients do not read counts as used memory until they are gone', async () => {
      const used = async (): Promise<number> => {
        const info = showReply(await admin.call('INFO', 'memory'));
        return Number(/used_memory:(\d+)/.exec(info)?.[1]);
      };
      await call(admin, 'CONFIG', 'SET', 'client-output-buffer-limit', 'normal 0 0 0');
      await call(admin, 'SET', 'big', 'x'.repeat(100_000));
      const before = await used();
      const lazy = await connect();
      lazy.pause();
      // What the system buffers between two sockets is some megabytes.
      for (let round = 0; round < 400; round++) lazy.send(encodeCommand(['GET', 'big']));
      while ((await used()) < before + 10 * MEBIBYTE) await sleep(10);
      await lazy.close();
      while ((await used()) > before + MEBIBYTE) await sleep(10);
    });

    it('output: a client that never reads is closed, and nobody else notices', async () => {
      await call(admin, 'CONFIG', 'SET', 'client-output-buffer-limit', 'normal 4mb 0 0');
      await call(admin, 'SET', 'big', 'x'.repeat(100_000));
      const lazy = await connect();
      const asked = encodeCommand(['GET', 'big']);
      let isClosed = false;
      void lazy.ended.then(() => {
        isClosed = true;
      });
      lazy.pause();
      for (let round = 0; round < 1000 && !isClosed; round++) {
        lazy.send(asked);
        if (round % 50 === 0) expect(await call(admin, 'PING')).toBe('+PONG');
      }
      lazy.resume();
      await lazy.ended;
      expect(await call(admin, 'PING')).toBe('+PONG');
    });

    it('output: a reply beyond the hard limit closes instead of being sent', async () => {
      await call(admin, 'CONFIG', 'SET', 'client-output-buffer-limit', 'normal 100000 0 0');
      await call(admin, 'SET', 'big', 'x'.repeat(MEBIBYTE));
      const client = await connect();
      await expect(client.call('GET', 'big')).rejects.toThrow(ConnectionEnded);
      expect(await call(admin, 'PING')).toBe('+PONG');
    });

    it('output: the soft limit allows its seconds', async () => {
      await call(admin, 'CONFIG', 'SET', 'client-output-buffer-limit', 'normal 0 1mb 1');
      await call(admin, 'SET', 'big', 'x'.repeat(MEBIBYTE));
      const lazy = await connect();
      lazy.pause();
      for (let round = 0; round < 40; round++) lazy.send(encodeCommand(['GET', 'big']));
      // Whole, where showReply would shorten it.
      const isListed = async (): Promise<boolean> =>
        (await admin.callRaw(['CLIENT', 'LIST'])).bytes.includes(' cmd=get ');
      while (!(await isListed())) await sleep(10);
      while (await isListed()) await sleep(50);
      lazy.resume();
      await lazy.ended;
    });

    it('timeout: closes the idle client and not the busy one', async () => {
      const busy = await connect();
      const idle = await connect();
      await call(busy, 'CONFIG', 'SET', 'timeout', '1');
      let isClosed = false;
      void idle.ended.then(() => {
        isClosed = true;
      });
      while (!isClosed) {
        expect(await call(busy, 'PING')).toBe('+PONG');
        await sleep(50);
      }
    });

    it('a killed client gets nothing more of what was on its way', async () => {
      await call(admin, 'SET', 'big', 'x'.repeat(16 * MEBIBYTE));
      const lazy = await connect();
      const id = (await lazy.call('CLIENT', 'ID')) as { kind: 'integer'; value: bigint };
      lazy.pause();
      lazy.send(encodeCommand(['GET', 'big']));
      for (;;) {
        const line = await call(admin, 'CLIENT', 'LIST', 'ID', String(id.value));
        if (Number(/ omem=(\d+)/.exec(line)?.[1]) > 0) break;
      }
      expect(await call(admin, 'CLIENT', 'KILL', 'ID', String(id.value))).toBe('1');
      lazy.resume();
      await expect(lazy.read()).rejects.toThrow(ConnectionEnded);
    });

    it('a client on the Unix socket is shown as one and can be killed by its address', async () => {
      const client = await RespClient.connect({ path: server.unixSocket as string });
      clients.push(client);
      const info = await call(client, 'CLIENT', 'INFO');
      const address = `${server.unixSocket}:0`;
      expect(info).toContain(` addr=${address} laddr=${address} `);
      expect(info).toContain(' flags=U ');
      expect(await call(admin, 'CLIENT', 'KILL', 'LADDR', address)).toBe('1');
      await client.ended;
    });

    it('CONFIG SET port moves the server; connections stay', async () => {
      const port = await freePort();
      const oldPort = server.port;
      expect(await call(admin, 'CONFIG', 'SET', 'port', String(port))).toBe('+OK');
      await expect(RespClient.connect({ port: oldPort })).rejects.toThrow(/ECONNREFUSED/);
      const client = await RespClient.connect({ port });
      clients.push(client);
      expect(await call(client, 'PING')).toBe('+PONG');
      expect(await call(admin, 'PING')).toBe('+PONG');
      expect(await call(admin, 'CONFIG', 'SET', 'port', '0')).toBe('+OK');
      await expect(RespClient.connect({ port })).rejects.toThrow(/ECONNREFUSED/);
    });

    it('CONFIG SET port and bind say when they cannot, and leave everything as it was', async () => {
      const taken = await startServer({ kind: target.kind, args: target.args });
      const failed = (name: string, reason: string): string =>
        `-ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`;
      expect(await call(admin, 'CONFIG', 'SET', 'port', String(taken.port))).toBe(
        failed('port', 'Unable to listen on this port. Check server logs.'),
      );
      expect(await call(admin, 'CONFIG', 'SET', 'bind', '198.51.100.77')).toBe(
        failed('bind', 'Failed to bind to specified addresses.'),
      );
      expect(await call(await connect(), 'CONFIG', 'GET', 'port')).toContain(String(server.port));
      await taken.stop();
    });

    it.runIf(OUTER_ADDRESS)('protected mode: only this machine may connect', async () => {
      await server.stop();
      await start('--bind', '0.0.0.0');
      const outside = await connect(OUTER_ADDRESS);
      const refusal = showReply((await outside.read()).reply);
      expect(refusal).toMatch(/^-DENIED Redis is running in protected mode because /);
      await outside.ended;
      await call(admin, 'CONFIG', 'SET', 'protected-mode', 'no');
      expect(await call(await connect(OUTER_ADDRESS), 'PING')).toBe('+PONG');
    });

    it('a taken port ends the start with the words of Redis', async () => {
      const args = ['--port', String(server.port), '--bind', '*', '--save', ''];
      const { code, output } = await runServer({ kind: target.kind, args });
      expect(code).toBe(1);
      expect(output).toContain(
        `Could not create server TCP listening socket *:${server.port}: bind: Address already in use`,
      );
      expect(output).toMatch(/Failed listening on port \d+ \((tcp|TCP)\), aborting\./);
    });
  });
}
