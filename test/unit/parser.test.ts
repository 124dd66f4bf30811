// Input as the core takes it: in any pieces, in any number and size of arguments, up to its limits.
//
// Goal: the pieces never matter, nothing costs more than linear time, and no memory stays behind. The
// wire format itself is in test/protocol. Quadratic time shows as a test that does not end.

import { describe, expect, it } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import type { Engine } from '../../src/engine.ts';
import { encodeCommand } from '../support/arguments.ts';
import {
  InProcessClient,
  newForgetfulEngine as newEngine,
  usedBytes,
} from '../support/in_process.ts';
import { Random } from '../support/random.ts';

const NOAUTH = '-NOAUTH Authentication required.\r\n';

function command(...words: string[]): string {
  return encodeCommand(words).toString('latin1');
}

/** Sends the pieces over one new connection; the reply as text, with ' closed' if it was closed. */
function exchange(engine: Engine, pieces: readonly Uint8Array[], authenticated = true): string {
  const client = new InProcessClient(engine, authenticated);
  for (const piece of pieces) client.send(piece);
  const { reply, closed } = client.received();
  client.close();
  return `${reply.toString('latin1')}${closed ? ' closed' : ''}`;
}

/** The bytes of a block that a connection has beyond the block itself. */
function buffers(engine: Engine, { client }: InProcessClient): Record<string, number> {
  const word = (offset: number) => engine.core.data.getUint32(client.ptr + offset, true);
  return {
    query: word(abi.CONN_QUERY_CAP),
    unread: word(abi.CONN_QUERY_LEN),
    args: word(abi.CONN_ARGV_CAP),
    argBytes: word(abi.CONN_ARGV_BYTES),
  };
}

function inPieces(bytes: Uint8Array, size: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return pieces;
}

describe('pieces of input', () => {
  const stream = Buffer.from(
    [
      command('SET', 'key', 'value'),
      'GET key\r\n',
      '\r\n*0\r\n*-1\r\n',
      command('SET', 'key', '\r\n*1\r\n$4\r\nPING\r\n'),
      "APPEND key 'a \\' b'\n",
      command('GET', 'key'),
      command('SET', '', ''),
      command('GET', ''),
      'MULTI\r\n',
      command('INCR', 'n'),
      'ECHO "\\x00\\r\\n"\r\n',
      'EXEC\r\n',
      command('NOSUCH', 'a', 'b'),
      command('GET'),
      command('SELECT', '1'),
      'SET key other\r\n',
      command('DEL', 'key', '', 'n', ...Array.from({ length: 40 }, (_, i) => `k${i}`)),
      'FLUSHALL\r\nPING\r\n',
      '*1\r\n$4\r\nPING\r\n*x\r\nPING\r\n',
    ].join(''),
    'latin1',
  );
  const expected = [
    "+OK\r\n$5\r\nvalue\r\n+OK\r\n:21\r\n$21\r\n\r\n*1\r\n$4\r\nPING\r\na ' b\r\n",
    '+OK\r\n$0\r\n\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n$3\r\n\0\r\n\r\n',
    "-ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' \r\n",
    "-ERR wrong number of arguments for 'get' command\r\n",
    '+OK\r\n+OK\r\n:1\r\n+OK\r\n+PONG\r\n+PONG\r\n',
    '-ERR Protocol error: invalid multibulk length\r\n closed',
  ].join('');
  const engine = newEngine();

  it('give the same replies whole and byte by byte', () => {
    expect(exchange(engine, [stream])).toBe(expected);
    expect(exchange(engine, inPieces(stream, 1))).toBe(expected);
  });

  it('give the same replies cut in two anywhere', () => {
    for (let at = 1; at < stream.length; at++) {
      const cut = [stream.subarray(0, at), stream.subarray(at)];
      expect(exchange(engine, cut), `cut at ${at}`).toBe(expected);
    }
  });

  it('give the same replies cut in three anywhere', () => {
    const random = Random.fresh();
    for (let i = 0; i < 2000; i++) {
      const [a, b] = [random.below(stream.length), random.below(stream.length)].sort(
        (x, y) => x - y,
      );
      const cut = [stream.subarray(0, a), stream.subarray(a, b), stream.subarray(b)];
      expect(exchange(engine, cut), `seed ${random.seed}: cut at ${a}, ${b}`).toBe(expected);
    }
  });

  it('leave no memory behind', () => {
    exchange(engine, inPieces(stream, 7));
    const before = usedBytes(engine);
    for (let size = 1; size < 200; size++) exchange(engine, inPieces(stream, size));
    expect(usedBytes(engine)).toBe(before);
  });
});

describe('many arguments', () => {
  const WORDS = Array.from({ length: 100_000 }, (_, i) => `key:${i}`);

  it.each([3, 64, 1000, 65_536, 1e9])('100,000 of them arrive in pieces of %d bytes', (size) => {
    const engine = newEngine();
    const client = new InProcessClient(engine);
    client.feed('PING\r\n');
    const before = usedBytes(engine);
    const bytes = encodeCommand(['EXISTS', ...WORDS]);
    for (const piece of inPieces(bytes.subarray(0, -1), size)) client.send(piece);
    expect(client.received().reply.length).toBe(0);
    expect(client.feed(bytes.subarray(-1)).reply.toString()).toBe(':0\r\n');
    expect(buffers(engine, client)).toEqual({ query: 0, unread: 0, args: 0, argBytes: 0 });
    expect(usedBytes(engine)).toBe(before);
  });

  it('1,000,000 of them arrive in pieces of 64 bytes, in linear time', () => {
    const engine = newEngine();
    const client = new InProcessClient(engine);
    client.feed('PING\r\n');
    const before = usedBytes(engine);
    const words = Array.from({ length: 1_000_000 }, (_, i) => `k${i % 1000}`);
    client.feed(command('SET', 'k7', 'v'));
    for (const piece of inPieces(encodeCommand(['EXISTS', ...words]), 64)) client.send(piece);
    client.send(encodeCommand(['DEL', 'k7']));
    expect(client.received().reply.toString()).toBe(':1000\r\n:1\r\n');
    expect(usedBytes(engine)).toBe(before);
  });

  it('are in order, with their bytes', () => {
    const engine = newEngine();
    const pairs = WORDS.slice(0, 20_000).flatMap((word, i) => [word, `value ${i}`]);
    const bytes = encodeCommand(['MSET', ...pairs]);
    expect(exchange(engine, inPieces(bytes, 4099))).toBe('+OK\r\n');
    const client = new InProcessClient(engine);
    for (const i of [0, 1, 4095, 4096, 4097, 12_345, 19_999]) {
      const value = `value ${i}`;
      const { reply } = client.feed(command('GET', `key:${i}`));
      expect(reply.toString()).toBe(`$${value.length}\r\n${value}\r\n`);
    }
    expect(client.feed('DBSIZE\r\n').reply.toString()).toBe(':20000\r\n');
  });

  it('may follow and precede short commands in one piece', () => {
    const engine = newEngine();
    const long = command('EXISTS', ...WORDS.slice(0, 9000));
    const bytes = Buffer.from(`PING\r\n${long}${command('PING')}${long}PING\r\n`);
    const expected = '+PONG\r\n:0\r\n+PONG\r\n:0\r\n+PONG\r\n';
    expect(exchange(engine, [bytes])).toBe(expected);
    expect(exchange(engine, inPieces(bytes, 10_007))).toBe(expected);
  });

  it('that are announced and never come cost next to nothing', () => {
    const engine = newEngine();
    const client = new InProcessClient(engine);
    const before = usedBytes(engine);
    client.send(Buffer.from('*2147483647\r\n$3\r\nSET\r\n'));
    expect(usedBytes(engine) - before).toBeLessThan(1000);
    client.close();
  });
});

describe('large arguments', () => {
  const VALUE = Buffer.alloc(5_000_000);
  for (let i = 0; i < VALUE.length; i++) VALUE[i] = (i * 2_654_435_761) >>> 24;

  it.each([1000, 16_384, 262_144, 1e9])('arrive in pieces of %d bytes', (size) => {
    const engine = newEngine();
    const client = new InProcessClient(engine);
    const before = usedBytes(engine);
    const bytes = Buffer.concat([
      encodeCommand(['SET', 'key', VALUE]),
      encodeCommand(['GETDEL', 'key']),
      encodeCommand(['PING']),
    ]);
    for (const piece of inPieces(bytes, size)) client.send(piece);
    const { reply } = client.received();
    const head = `+OK\r\n$${VALUE.length}\r\n`;
    expect(reply.subarray(0, head.length).toString()).toBe(head);
    expect(reply.subarray(head.length, -9).equals(VALUE)).toBe(true);
    expect(reply.subarray(-9).toString()).toBe('\r\n+PONG\r\n');
    expect(buffers(engine, client)).toMatchObject({ query: 0, unread: 0 });
    expect(usedBytes(engine)).toBe(before);
  });

  it('that are announced and never come cost next to nothing', () => {
    const engine = newEngine();
    const clients = Array.from({ length: 100 }, () => new InProcessClient(engine));
    const before = usedBytes(engine);
    for (const client of clients) client.send(Buffer.from('*1\r\n$536870912\r\nabc'));
    expect((usedBytes(engine) - before) / clients.length).toBeLessThan(2_000_000);
    for (const client of clients) client.close();
  });

  it('give their room back although the next command has begun', () => {
    const engine = newEngine();
    const client = new InProcessClient(engine);
    const bytes = Buffer.concat([encodeCommand(['ECHO', VALUE]), Buffer.from('*1\r\n$4\r\nPI')]);
    for (const piece of inPieces(bytes, 100_000)) client.send(piece);
    expect(client.received().reply.length).toBe(VALUE.length + 12);
    expect(buffers(engine, client).query).toBeLessThan(50_000);
    expect(client.feed('NG\r\n').reply.toString()).toBe('+PONG\r\n');
  });
});

describe('inline commands', () => {
  it('longer together than the room for their arguments still all run', () => {
    const engine = newEngine();
    const lines = [50_000, 65_000, 10, 64_000, 30_000, 65_000].map((size, i) => {
      const text = String.fromCharCode(97 + i).repeat(size);
      return { sent: `ECHO "${text}"\r\n`, back: `$${size}\r\n${text}\r\n` };
    });
    const bytes = Buffer.from(lines.map((line) => line.sent).join(command('PING')));
    const expected = lines.map((line) => line.back).join('+PONG\r\n');
    for (const size of [1e9, 100_000, 999]) {
      expect(exchange(engine, inPieces(bytes, size)) === expected, `${size}`).toBe(true);
    }
  });

  it('may have tens of thousands of arguments', () => {
    const engine = newEngine();
    const line = `EXISTS${' k'.repeat(32_000)}\r\n`;
    expect(exchange(engine, [Buffer.from(`SET k v\r\nPING\r\n${line}PING\r\n`)])).toBe(
      '+OK\r\n+PONG\r\n:32000\r\n+PONG\r\n',
    );
  });

  it('by the hundred in one piece, with RESP in between', () => {
    const engine = newEngine();
    const parts = Array.from({ length: 300 }, (_, i) =>
      i % 3 === 0 ? command('ECHO', `${i}`) : `  ECHO\t'${i}' \r\n`,
    );
    const expected = parts.map((_, i) => `$${`${i}`.length}\r\n${i}\r\n`).join('');
    expect(exchange(engine, [Buffer.from(parts.join(''))])).toBe(expected);
    expect(exchange(engine, inPieces(Buffer.from(parts.join('')), 1))).toBe(expected);
  });

  it('with a zero byte never end', () => {
    const engine = newEngine();
    expect(exchange(engine, [Buffer.from('PING\r\nPI\0NG\r\nPING\r\n')])).toBe('+PONG\r\n');
    const garbage = inPieces(Buffer.from(`\0${'A'.repeat(1023)}\n`.padEnd(80_000, 'A\n')), 1024);
    expect(exchange(engine, garbage)).toBe(
      '-ERR Protocol error: too big inline request\r\n closed',
    );
  });
});

describe('names of commands', () => {
  it('are not mixed up with the ones before them that end alike', () => {
    const engine = newEngine();
    const client = new InProcessClient(engine);
    expect(client.feed(command('\0')).reply.toString()).toContain("unknown command ''");
    client.feed(command('GET', 'key'));
    const name = '\0\0\0\0\0GET';
    expect(client.feed(command(name, 'key')).reply.toString('latin1')).toBe(
      "-ERR unknown command '', with args beginning with: 'key' \r\n",
    );
    expect(client.feed(command('GET', 'key')).reply.toString()).toBe('$-1\r\n');
  });

  it('are shown in errors as far as their first zero byte, like their arguments', () => {
    const reply = exchange(newEngine(), [Buffer.from(command('f\0oo', 'a\0b', 'c\nd\r', ''))]);
    expect(reply).toBe("-ERR unknown command 'f', with args beginning with: 'a' 'c d ' '' \r\n");
  });

  it('and their arguments are shown in errors up to 128 bytes', () => {
    const long = 'x'.repeat(200);
    const reply = exchange(newEngine(), [Buffer.from(command(long, 'abc', long, 'never shown'))]);
    const shown = `'abc' '${'x'.repeat(122)}' `;
    expect(reply).toBe(
      `-ERR unknown command '${'x'.repeat(128)}', with args beginning with: ${shown}\r\n`,
    );
  });

  it('of HTTP requests close the connection without a word', () => {
    const engine = newEngine();
    const http = 'POST / HTTP/1.1\r\nHost: localhost\r\n\r\nSET key hacked\r\n';
    expect(exchange(engine, [Buffer.from(`PING\r\n${http}`)])).toBe(' closed');
    expect(exchange(engine, [Buffer.from(http.replace('POST', 'BREW'))])).toBe(' closed');
    expect(exchange(engine, [Buffer.from(command('pOsT'))])).toBe(' closed');
    expect(exchange(engine, [Buffer.from('EXISTS key\r\n')])).toBe(':0\r\n');
  });
});

describe('limits', () => {
  it('on an argument are those of proto-max-bulk-len', () => {
    const engine = newEngine();
    const error = '-ERR Protocol error: invalid bulk length\r\n closed';
    expect(exchange(engine, [Buffer.from('*1\r\n$536870912\r\n')])).toBe('');
    expect(exchange(engine, [Buffer.from('*1\r\n$536870913\r\n')])).toBe(error);
    engine.core.exports.setConfig(abi.CFG_PROTO_MAX_BULK, 1048576);
    expect(exchange(engine, [Buffer.from('*1\r\n$1048576\r\n')])).toBe('');
    expect(exchange(engine, [Buffer.from('*1\r\n$1048577\r\n')])).toBe(error);
    // More than an address can count is refused whatever the setting.
    engine.core.exports.setConfig(abi.CFG_PROTO_MAX_BULK, 2 ** 40);
    expect(exchange(engine, [Buffer.from('*1\r\n$2147483648\r\n')])).toBe(error);
  });

  it('on the unread query close the connection and nobody else', () => {
    const reasons: number[] = [];
    const engine = newEngine({}, { onDisconnect: (_, reason) => reasons.push(reason) });
    engine.core.exports.setConfig(abi.CFG_QUERY_BUFFER_LIMIT, 1048576);
    const other = new InProcessClient(engine);
    other.send(Buffer.from('*1\r\n$4\r\nPI'));
    const before = usedBytes(engine);
    const bytes = Buffer.from(`PING\r\n*1\r\n$2000000\r\n${'x'.repeat(1_900_000)}`);
    expect(exchange(engine, inPieces(bytes, 50_000))).toBe('+PONG\r\n closed');
    expect(reasons).toEqual([abi.CLOSE_QUERY_LIMIT]);
    expect(engine.core.stat(abi.STAT_QUERYBUF_DISCONNECTS)).toBe(1);
    expect(usedBytes(engine)).toBe(before);
    expect(other.feed('NG\r\n').reply.toString()).toBe('+PONG\r\n');
  });

  it('on the unread query do not concern what is executed at once', () => {
    const engine = newEngine();
    engine.core.exports.setConfig(abi.CFG_QUERY_BUFFER_LIMIT, 1048576);
    const bytes = Buffer.from(command('PING', 'x'.repeat(1000)).repeat(3000));
    const reply = exchange(engine, inPieces(bytes, 262_144));
    expect(reply).toBe(`$1000\r\n${'x'.repeat(1000)}\r\n`.repeat(3000));
  });
});

describe('before authentication', () => {
  it('a command may have ten arguments', () => {
    const engine = newEngine();
    const del = (count: number) => command('DEL', ...Array(count - 1).fill('x'));
    expect(exchange(engine, [Buffer.from(del(10))], false)).toBe(NOAUTH);
    expect(exchange(engine, [Buffer.from(del(11))], false)).toBe(
      '-ERR Protocol error: unauthenticated multibulk length\r\n closed',
    );
  });

  it('an argument may have 16,384 bytes', () => {
    const engine = newEngine();
    const echo = (bytes: number) => Buffer.from(command('ECHO', 'x'.repeat(bytes)));
    expect(exchange(engine, [echo(16_384)], false)).toBe(NOAUTH);
    expect(exchange(engine, inPieces(echo(16_384), 100), false)).toBe(NOAUTH);
    expect(exchange(engine, [echo(16_385)], false)).toBe(
      '-ERR Protocol error: unauthenticated bulk length\r\n closed',
    );
  });

  it('an AUTH that succeeds lifts the limits for what comes behind it', () => {
    const engine = newEngine();
    engine.commands.register('auth', ({ client, args, reply }) => {
      const good = args[1]?.toString() === 'secret';
      const own = engine.clients.get(client.id);
      if (own && good) own.flags |= abi.CLIENT_AUTHENTICATED;
      if (good) reply.ok();
      else reply.error('WRONGPASS no');
    });
    const long = command('EXISTS', ...Array(40).fill('x')) + command('ECHO', 'y'.repeat(20_000));
    const good = Buffer.from(`PING\r\n${command('AUTH', 'secret')}${long}PING\r\n`);
    const expected = `${NOAUTH}+OK\r\n:0\r\n$20000\r\n${'y'.repeat(20_000)}\r\n+PONG\r\n`;
    for (const size of [1e9, 1000, 1]) {
      expect(exchange(engine, inPieces(good, size), false)).toBe(expected);
    }
    const bad = Buffer.from(`${command('AUTH', 'guess')}${long}`);
    expect(exchange(engine, [bad], false)).toBe(
      '-WRONGPASS no\r\n-ERR Protocol error: unauthenticated multibulk length\r\n closed',
    );
  });
});
