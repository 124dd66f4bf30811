// Bad input and large loads over real connections: Respite with both transports, and redis-server,
// which has to behave the same. Whatever one client does, the others are served.
//
// Set RESPITE_SLOW_TESTS to store a value of 512 MiB, which takes some gigabytes of memory.

import { execFileSync } from 'node:child_process';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeCommand } from '../support/arguments.ts';
import { Random } from '../support/random.ts';
import { showReply } from '../support/reply_notation.ts';
import { RespClient } from '../support/resp_client.ts';
import { runServer, startServer, type TestServer } from '../support/server.ts';
import { selectedTargets } from '../support/targets.ts';

const MEBIBYTE = 1 << 20;
const WANTED_CONNECTIONS = 10_000;
/** Files that a process has open for other things. */
const OTHER_FILES = 200;

/** A connection for bytes that are no commands. */
class RawConnection {
  readonly socket: net.Socket;
  private readonly chunks: Buffer[] = [];
  /** Everything received, once the server has ended the connection. */
  readonly ended: Promise<string>;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.chunks.push(chunk));
    socket.on('error', () => {}); // 'close' follows
    this.ended = new Promise((resolve) => {
      socket.once('close', () => resolve(Buffer.concat(this.chunks).toString('latin1')));
    });
  }

  static open(port: number): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RawConnection(socket));
      });
    });
  }
}

async function eventually(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (await isSo()) return;
    await sleep(20);
  }
  throw new Error(`never: ${what}`);
}

async function infoField(client: RespClient, section: string, field: string): Promise<string> {
  const reply = await client.call('INFO', section);
  const text = 'bytes' in reply ? Buffer.from(reply.bytes as Uint8Array).toString('latin1') : '';
  return new RegExp(`^${field}:(.*)\r$`, 'm').exec(text)?.[1] ?? '';
}

for (const target of selectedTargets()) {
  describe.skipIf(!target.available)(`bad input to ${target.name}`, () => {
    let server: TestServer;
    let witness: RespClient;

    const start = async (...args: string[]): Promise<TestServer> =>
      startServer({ kind: target.kind, args: [...target.args, ...args] });
    const ping = async (): Promise<void> => {
      expect(showReply(await witness.call('PING'))).toBe('+PONG');
    };
    /** What comes back for these bytes when the server then closes the connection. */
    const fatal = async (bytes: Uint8Array | string): Promise<string> => {
      const connection = await RawConnection.open(server.port);
      connection.socket.write(bytes);
      const reply = await connection.ended;
      await ping();
      return reply;
    };

    beforeAll(async () => {
      server = await start('--loglevel', 'verbose');
      witness = await RespClient.connect({ port: server.port });
    });
    afterAll(async () => {
      await witness.close();
      expect(await server.stop()).toBe(0);
    });

    it('random bytes end their connection at most', async () => {
      const random = Random.fresh();
      for (let round = 0; round < 20; round++) {
        const all = Array.from({ length: 10 }, async () => {
          const connection = await RawConnection.open(server.port);
          connection.socket.write(random.bytes(random.between(1, 20_000)));
          await ping();
          connection.socket.end('\r\n');
          await connection.ended;
        });
        await Promise.all(all);
      }
      await ping();
    });

    it.each([
      ['a bulk of more than 512 MiB', '*2\r\n$4\r\nECHO\r\n$600000000\r\n', 'invalid bulk length'],
      ['a negative length', '*1\r\n$-7\r\n', 'invalid bulk length'],
      ['too many arguments', '*2147483648\r\n', 'invalid multibulk length'],
      ['a number without digits', '*two\r\n', 'invalid multibulk length'],
      ['another type byte', '*1\r\n:5\r\n', "expected '$', got ':'"],
      ['an open quote', 'ECHO "abc\r\n', 'unbalanced quotes in request'],
      ['a line without an end', 'A'.repeat(70_000), 'too big inline request'],
      ['a count without an end', `*${'1'.repeat(70_000)}`, 'too big mbulk count string'],
      ['a length without an end', `*1\r\n$${'1'.repeat(70_000)}`, 'too big bulk count string'],
    ])('%s is answered and closes the connection', async (_, bytes, error) => {
      expect(await fatal(bytes)).toBe(`-ERR Protocol error: ${error}\r\n`);
    });

    it('an error behind good commands leaves their replies', async () => {
      expect(await fatal('PING\r\nECHO a\r\n*1\r\n!1\r\nPING\r\n')).toBe(
        "+PONG\r\n$1\r\na\r\n-ERR Protocol error: expected '$', got '!'\r\n",
      );
    });

    it('an HTTP request is cut off without a reply, and the log tells', async () => {
      const http = 'POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nFLUSHALL\r\n';
      expect(await fatal(http)).toBe('');
      await eventually('a warning', () => server.stdout().includes('Possible SECURITY ATTACK'));
    });

    it('protocol errors are in a verbose log', async () => {
      await fatal('*3\r\nHELLO there\r\n');
      const line =
        /Protocol error \(expected \$ but got something else\) from client: id=\d+ addr=/;
      await eventually('a log line', () => line.test(server.stdout()));
    });

    it('half a command is forgotten with its connection', async () => {
      const used = async () => Number(await infoField(witness, 'memory', 'used_memory'));
      const before = await used();
      const bytes = encodeCommand(['SET', 'half', Buffer.alloc(3 * MEBIBYTE)]);
      const connections = await Promise.all(
        Array.from({ length: 10 }, () => RawConnection.open(server.port)),
      );
      for (const { socket } of connections) socket.write(bytes.subarray(0, -5));
      await eventually('the bytes are held', async () => (await used()) > before + 20 * MEBIBYTE);
      for (const { socket } of connections) socket.destroy();
      await eventually('they are given back', async () => (await used()) < before + 2 * MEBIBYTE);
      expect(showReply(await witness.call('EXISTS', 'half'))).toBe('0');
    });

    it('a query beyond client-query-buffer-limit closes the connection, and the log tells', async () => {
      await witness.call('CONFIG', 'SET', 'client-query-buffer-limit', '1mb');
      const connection = await RawConnection.open(server.port);
      connection.socket.write(`*1\r\n$2097152\r\n${'x'.repeat(2_000_000)}`);
      expect(await connection.ended).toBe('');
      const line =
        /Closing client that reached max query buffer length: id=\d+ .*qbuf initial bytes: "/;
      await eventually('a log line', () => line.test(server.stdout()));
      const count = await infoField(witness, 'stats', 'client_query_buffer_limit_disconnections');
      // Counted since 7.2.
      expect(count).toBe(target.kind === 'respite' ? '1' : count);
      await witness.call('CONFIG', 'SET', 'client-query-buffer-limit', '1gb');
      await ping();
    });

    it('writes are refused with the words of Redis when maxmemory is reached', async () => {
      await witness.call('CONFIG', 'SET', 'maxmemory', '1');
      expect(showReply(await witness.call('SET', 'a', 'b'))).toBe(
        "-OOM command not allowed when used memory > 'maxmemory'.",
      );
      expect(showReply(await witness.call('GET', 'a'))).toBe('nil');
      await witness.call('CONFIG', 'SET', 'maxmemory', '0');
      expect(showReply(await witness.call('SET', 'a', 'b'))).toBe('+OK');
      await witness.call('DEL', 'a');
    });

    it('thousands of idle connections disturb nobody', async () => {
      const files = Number(execFileSync('sh', ['-c', 'ulimit -n']).toString()) || 1024;
      const count = Math.min(WANTED_CONNECTIONS, files - OTHER_FILES);
      if (count < WANTED_CONNECTIONS) console.warn(`only ${count} connections: ulimit -n ${files}`);
      const crowded = await start('--maxclients', `${count + 10}`);
      const client = await RespClient.connect({ port: crowded.port });
      const connected = (clients: number) => async () =>
        (await infoField(client, 'clients', 'connected_clients')) === `${clients}`;
      const idle: RawConnection[] = [];
      try {
        while (idle.length < count) {
          const some = Math.min(200, count - idle.length);
          const opened = Array.from({ length: some }, () => RawConnection.open(crowded.port));
          idle.push(...(await Promise.all(opened)));
        }
        await eventually('all are connected', connected(count + 1));
        // Half of them have begun a command.
        for (let i = 0; i < idle.length; i += 2) idle[i]?.socket.write('*1\r\n$4\r\nPI');
        expect(showReply(await client.call('PING'))).toBe('+PONG');
        const last = idle.at(-2);
        last?.socket.end('NG\r\n');
        expect(await last?.ended).toBe('+PONG\r\n');
      } finally {
        for (const { socket } of idle) socket.destroy();
      }
      await eventually('they are gone', connected(1));
      await client.close();
      expect(await crowded.stop()).toBe(0);
    }, 120_000);

    it.skipIf(!process.env.RESPITE_SLOW_TESTS)(
      'a value of 512 MiB is stored and comes back',
      async () => {
        const large = await start();
        const client = await RespClient.connect({ port: large.port });
        const value = Buffer.alloc(512 * MEBIBYTE, 'redis ');
        value.writeUInt32BE(0xdeadbeef, value.length - 4);
        expect(showReply(await client.call('SET', 'large', value))).toBe('+OK');
        expect(showReply(await client.call('STRLEN', 'large'))).toBe(`${value.length}`);
        expect(showReply(await client.call('APPEND', 'large', 'x'))).toMatch(
          /^-ERR string exceeds maximum allowed size/,
        );
        const reply = await client.call('GET', 'large');
        expect('bytes' in reply && value.equals(reply.bytes as Uint8Array)).toBe(true);
        expect(showReply(await client.call('DEL', 'large'))).toBe('1');
        await client.close();
        expect(await large.stop()).toBe(0);
      },
      300_000,
    );
  });

  describe.skipIf(!target.available)(`starting and stopping ${target.name}`, () => {
    it('an unknown directive ends the start with 1 and says where', async () => {
      const { code, output } = await runServer({
        kind: target.kind,
        config: 'port 0\nno-such-directive 1\n',
        args: [],
      });
      expect(code).toBe(1);
      expect(output).toMatch(/\*\*\* FATAL CONFIG FILE ERROR \(Redis \d+\.\d+\.\d+\) \*\*\*\n/);
      expect(output).toContain(
        "\nReading the configuration file, at line 2\n>>> 'no-such-directive 1'\n" +
          'Bad directive or wrong number of arguments\n',
      );
    });

    it('a bad value ends the start with 1 and says why', async () => {
      const { code, output } = await runServer({
        kind: target.kind,
        args: ['--port', '99999'],
      });
      expect(code).toBe(1);
      expect(output).toContain('argument must be between 0 and 65535 inclusive');
    });

    it('a second SIGTERM ends it at once, or finds it gone', async () => {
      const server = await startServer({ kind: target.kind, args: [...target.args] });
      server.kill('SIGTERM');
      server.kill('SIGTERM');
      expect([0, 1]).toContain(await server.exited);
      await server.stop();
    });

    it('clients in the middle of something do not keep it from ending', async () => {
      const server = await startServer({ kind: target.kind, args: [...target.args] });
      const connections = await Promise.all(
        Array.from({ length: 20 }, () => RawConnection.open(server.port)),
      );
      for (const { socket } of connections) socket.write('*2\r\n$4\r\nECHO\r\n$100\r\nabc');
      const client = await RespClient.connect({ port: server.port });
      await client.call('MULTI');
      expect(await server.stop()).toBe(0);
      for (const { ended } of connections) expect(await ended).toBe('');
    });
  });
}
