// MIGRATE: keys arrive as they were, and are nowhere lost when something goes wrong on the way.

import net from 'node:net';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Argument, encodeCommand } from '../support/arguments.ts';
import { showReply } from '../support/reply_notation.ts';
import { RespClient } from '../support/resp_client.ts';
import { realRedisAvailable, startServer, type TestServer } from '../support/server.ts';

let sourcePort: number;
let source: RespClient;
let other: RespClient;

beforeAll(async () => {
  const server = await startServer({ kind: 'respite', args: ['--enable-debug-command', 'yes'] });
  sourcePort = server.port;
  source = await RespClient.connect({ port: server.port });
  other = await RespClient.connect({ port: server.port });
});

beforeEach(async () => {
  await source.call('FLUSHALL');
});

async function ask(client: RespClient, ...args: Argument[]): Promise<string> {
  return showReply(await client.call(...args));
}

function migrate(port: number, keys: string[], ...options: Argument[]): Argument[] {
  const head = ['MIGRATE', '127.0.0.1', port];
  if (keys.length === 1) return [...head, keys[0]!, 0, 5000, ...options];
  return [...head, '', 0, 5000, ...options, 'KEYS', ...keys];
}

const KINDS = (['redis', 'respite'] as const).filter(
  (kind) => kind === 'respite' || realRedisAvailable(),
);

describe.each(KINDS)('to %s', (kind) => {
  let server: TestServer;
  let target: RespClient;

  beforeAll(async () => {
    server = await startServer({ kind, args: ['--enable-debug-command', 'yes'] });
    target = await RespClient.connect({ port: server.port });
  });
  beforeEach(async () => {
    await target.call('FLUSHALL');
  });

  it('carries keys of every type, several at once, and deletes them here', async () => {
    await source.pipeline([
      ['SET', 's', 'x'.repeat(100_000), 'PX', 100_000_000],
      ['RPUSH', 'l', ...Array.from({ length: 3000 }, (_, i) => `element ${i}`)],
      ['SADD', 'st', 1, 2, 'three'],
      ['ZADD', 'z', 1, 'a', 2, 'b'],
      ['HSET', 'h', 'f', 'v'],
    ]);
    const keys = ['s', 'l', 'st', 'z', 'h'];
    const digests = await ask(source, 'DEBUG', 'DIGEST-VALUE', ...keys);
    expect(await ask(source, ...migrate(server.port, [...keys, 'none']))).toBe('+OK');
    expect(await ask(target, 'DEBUG', 'DIGEST-VALUE', ...keys)).toBe(digests);
    expect(Number(await ask(target, 'PTTL', 's'))).toBeGreaterThan(99_000_000);
    expect(await ask(source, 'DBSIZE')).toBe('0');
  });

  it('leaves copies here when asked to, and replaces there only when asked to', async () => {
    await source.call('SET', 'k', 'here');
    await target.call('SET', 'k', 'there');
    expect(await ask(source, ...migrate(server.port, ['k']))).toBe(
      '-ERR Target instance replied with error: BUSYKEY Target key name already exists.',
    );
    expect(await ask(source, 'GET', 'k')).toBe('"here"');
    expect(await ask(source, ...migrate(server.port, ['k'], 'COPY', 'REPLACE'))).toBe('+OK');
    expect(await ask(target, 'GET', 'k')).toBe('"here"');
    expect(await ask(source, 'GET', 'k')).toBe('"here"');
  });

  it('deletes the keys that arrived when others were refused', async () => {
    await source.pipeline(['a', 'b', 'c'].map((key) => ['SET', key, 'v']));
    await target.call('SET', 'b', 'there');
    expect(await ask(source, ...migrate(server.port, ['a', 'b', 'c']))).toContain('BUSYKEY');
    expect(await ask(source, 'EXISTS', 'a', 'b', 'c')).toBe('1');
    expect(await ask(source, 'EXISTS', 'b')).toBe('1');
    expect(await ask(target, 'EXISTS', 'a', 'b', 'c')).toBe('3');
  });

  it('selects the database there, also over a connection that selected another before', async () => {
    for (const database of [3, 0, 3]) {
      await source.call('SET', 'k', database);
      const command = ['MIGRATE', '127.0.0.1', server.port, 'k', database, 5000, 'REPLACE'];
      expect(await ask(source, ...command)).toBe('+OK');
    }
    expect(await ask(target, 'GET', 'k')).toBe('"0"');
    await target.call('SELECT', 3);
    expect(await ask(target, 'GET', 'k')).toBe('"3"');
    await target.call('SELECT', 0);
  });

  it('connects anew when the target has closed a connection left from before', async () => {
    await source.call('SET', 'k', 1);
    expect(await ask(source, ...migrate(server.port, ['k']))).toBe('+OK');
    await target.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await source.call('SET', 'j', 1);
    expect(await ask(source, ...migrate(server.port, ['j']))).toBe('+OK');
    expect(await ask(target, 'EXISTS', 'k', 'j')).toBe('2');
  });

  it('gives a password, and says so when it is wrong', async () => {
    await target.call('CONFIG', 'SET', 'requirepass', 'secret');
    await source.call('SET', 'k', 'v');
    const wrong = await ask(source, ...migrate(server.port, ['k'], 'AUTH', 'wrong'));
    expect(wrong).toContain('-ERR Target instance replied with error: WRONGPASS');
    // A connection that was let in before the password was set is still in: it did RESTORE.
    const right = ['REPLACE', 'AUTH2', 'default', 'secret'];
    expect(await ask(source, ...migrate(server.port, ['k'], ...right))).toBe('+OK');
    await target.call('CONFIG', 'SET', 'requirepass', '');
    expect(await ask(target, 'GET', 'k')).toBe('"v"');
    expect(await ask(source, 'EXISTS', 'k')).toBe('0');
  });
});

describe('to a target that behaves badly', () => {
  let listener: net.Server;
  let port: number;
  const sockets: net.Socket[] = [];
  /** What the target does with a connection. */
  let behave: (socket: net.Socket) => void = () => {};

  beforeEach(async () => {
    listener = net.createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => {});
      behave(socket);
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    port = (listener.address() as net.AddressInfo).port;
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
    listener.close();
  });

  it('reads go on meanwhile, writes wait until the keys are gone', async () => {
    const asked = new Promise<net.Socket>((resolve) => {
      behave = (socket) => socket.once('data', () => resolve(socket));
    });
    await source.call('SET', 'k', 'v');
    source.send(encodeCommand(migrate(port, ['k'])));
    const socket = await asked;
    expect(await ask(other, 'GET', 'k')).toBe('"v"');
    other.send(encodeCommand(['APPEND', 'k', 'new']));
    const third = await RespClient.connect({ port: sourcePort });
    expect(await ask(third, 'GET', 'k')).toBe('"v"');
    socket.write('+OK\r\n+OK\r\n');
    expect(showReply((await source.read()).reply)).toBe('+OK');
    expect(showReply((await other.read()).reply)).toBe('3');
    expect(await ask(third, 'GET', 'k')).toBe('"new"');
    await third.close();
  });

  it('keeps the key when there is no answer in time', async () => {
    await source.call('SET', 'k', 'v');
    const command = ['MIGRATE', '127.0.0.1', port, 'k', 0, 50];
    expect(await ask(source, ...command)).toBe(
      '-IOERR error or timeout reading to target instance',
    );
    expect(await ask(source, 'GET', 'k')).toBe('"v"');
    expect(await ask(other, 'SET', 'k', 'w')).toBe('+OK');
  });

  it('tries once more, then gives up, when the connection is closed', async () => {
    behave = (socket) => socket.once('data', () => socket.destroy());
    await source.call('SET', 'k', 'v');
    expect(await ask(source, ...migrate(port, ['k']))).toContain('-IOERR error or timeout');
    expect(sockets.length).toBe(2);
    expect(await ask(source, 'GET', 'k')).toBe('"v"');
  });

  it('deletes what was acknowledged before the connection broke, and nothing else', async () => {
    behave = (socket) => socket.once('data', () => socket.end('+OK\r\n+OK\r\n'));
    await source.pipeline(['a', 'b'].map((key) => ['SET', key, 'v']));
    expect(await ask(source, ...migrate(port, ['a', 'b']))).toBe(
      '-IOERR error or timeout reading to target instance',
    );
    expect(sockets.length).toBe(1);
    expect(await ask(source, 'EXISTS', 'a')).toBe('0');
    expect(await ask(source, 'GET', 'b')).toBe('"v"');
  });

  it('transfers take turns', async () => {
    const connections: net.Socket[] = [];
    behave = (socket) => {
      connections.push(socket);
      socket.on('data', (bytes) => {
        const selects = bytes.toString('latin1').includes('SELECT');
        setTimeout(() => socket.write(selects ? '+OK\r\n+OK\r\n' : '+OK\r\n'), 20);
      });
    };
    await source.call('SET', 'k', 'v');
    source.send(encodeCommand(migrate(port, ['k'])));
    other.send(encodeCommand(migrate(port, ['k'])));
    expect(showReply((await source.read()).reply)).toBe('+OK');
    // The key is gone when the second one gets its turn: nothing is sent.
    expect(['+OK', '+NOKEY']).toContain(showReply((await other.read()).reply));
    expect(connections.length).toBe(1);
    expect(await ask(source, 'EXISTS', 'k')).toBe('0');
  });
});
