// The store of a Node program: the calls, their replies and errors, and its data on disk.

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { CoreCrash } from '../../src/engine.ts';
import { type OpenOptions, ReplyError, Respite, RespiteError } from '../../src/index.ts';
import { serverOf } from '../../src/node/inside.ts';
import { RespClient } from '../support/resp_client.ts';
import { freePort } from '../support/server.ts';

const opened: Respite[] = [];
const folders: string[] = [];

async function open(...args: Parameters<typeof Respite.open>): Promise<Respite> {
  const store = await Respite.open(...args);
  opened.push(store);
  return store;
}

function scratchFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'respite-embedded-'));
  folders.push(folder);
  return folder;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close().catch(() => {})));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const coded = (code: string) => expect.objectContaining({ code });

describe('commands', () => {
  it('reply what RESP3 says, in shapes of the language', async () => {
    const db = await open();
    expect(await db.command('SET', 'k', 'värde')).toBe('OK');
    expect(await db.command('GET', 'k')).toBe('värde');
    expect(await db.command('GET', 'none')).toBe(null);
    expect(await db.command('INCRBY', 'n', 7)).toBe(7);
    expect(await db.command('SET', 'big', 2n ** 62n)).toBe('OK');
    expect(await db.command('INCR', 'big')).toBe(2n ** 62n + 1n);
    await db.command('HSET', 'h', 'a', 1, 'b', 2.5);
    expect(await db.command('HGETALL', 'h')).toEqual(
      new Map([
        ['a', '1'],
        ['b', '2.5'],
      ]),
    );
    await db.command('SADD', 's', 'x');
    expect(await db.command('SMEMBERS', 's')).toEqual(new Set(['x']));
    await db.command('ZADD', 'z', Number.POSITIVE_INFINITY, 'top', 1.5, 'low');
    expect(await db.command('ZRANGE', 'z', 0, -1, 'WITHSCORES')).toEqual([
      ['low', 1.5],
      ['top', Number.POSITIVE_INFINITY],
    ]);
    expect(await db.command('INFO', 'server')).toContain('redis_version:');
  });

  it('give bytes to who asks for them', async () => {
    const db = await open();
    const bytes = new Uint8Array([0, 255, 13, 10, 200]);
    await db.command('SET', bytes.slice() as never as string, 'x').catch(() => {});
    await db.command('SET', 'k', bytes);
    expect(await db.with({ buffers: true }).command('GET', 'k')).toEqual(bytes);
    expect(await db.command('GET', 'k')).toContain('\ufffd');
  });

  it('carry arguments of every length', async () => {
    const db = await open();
    for (const length of [0, 1, 23, 24, 25, 63, 64, 65, 1000, 262_144, 1_000_000]) {
      for (const character of ['a', 'é', '漢', '😀']) {
        const value = character.repeat(length);
        await db.command('SET', 'k', value);
        expect((await db.command('GET', 'k')) === value, `${length} times ${character}`).toBe(true);
      }
    }
    const many = Array.from({ length: 50_000 }, (_, i) => `item ${i}`);
    await db.command('RPUSH', 'list', ...many);
    expect(await db.command('LRANGE', 'list', 0, -1)).toEqual(many);
  });

  it('reject with the error they reply', async () => {
    const db = await open();
    await db.command('LPUSH', 'list', 'a');
    const failure = db.command('INCR', 'list');
    await expect(failure).rejects.toBeInstanceOf(ReplyError);
    await expect(failure).rejects.toMatchObject({
      code: 'WRONGTYPE',
      message: 'WRONGTYPE Operation against a key holding the wrong kind of value',
    });
    await expect(db.command('NONSENSE')).rejects.toMatchObject({ code: 'ERR' });
  });

  it('that are no use on a shared connection say what is', async () => {
    const db = await open();
    for (const name of [
      'MULTI',
      'exec',
      'WATCH',
      'SELECT',
      'SUBSCRIBE',
      'MONITOR',
      'QUIT',
      'RESET',
    ]) {
      await expect(db.command(name, 'x'), name).rejects.toMatchObject({
        code: 'BAD_OPTION',
        message: expect.stringContaining('use'),
      });
    }
    await expect(db.command('HELLO', 2)).rejects.toEqual(coded('BAD_OPTION'));
    await expect(db.command('CLIENT', 'REPLY', 'OFF')).rejects.toEqual(coded('BAD_OPTION'));
    await expect(db.command('')).rejects.toEqual(coded('BAD_OPTION'));
    await expect(db.command('SET', 'k', undefined as never)).rejects.toThrow(/not undefined/);
    expect(await db.command('EXISTS', 'k')).toBe(0);
  });
});

describe('many commands', () => {
  it('of a batch reply in order, errors in their place', async () => {
    const db = await open();
    const replies = await db.batch([
      ['SET', 'a', 1],
      ['LPUSH', 'a', 2],
      ['GET', 'a'],
    ]);
    expect(replies).toEqual(['OK', expect.any(ReplyError), '1']);
    expect(await db.batch([])).toEqual([]);
    await expect(db.batch([['BLPOP', 'a', 0]])).rejects.toEqual(coded('BAD_OPTION'));
    const large = Array.from({ length: 100_000 }, (_, i) => ['SET', `key:${i}`, i] as const);
    expect(new Set(await db.batch(large))).toEqual(new Set(['OK']));
    expect(await db.command('DBSIZE')).toBe(100_001);
  });

  it('that are prepared run as often as one likes', async () => {
    const db = await open();
    const prepared = db.prepare([
      ['INCR', 'n'],
      ['GET', 'n'],
      ['LPUSH', 'n', 'x'],
      ['SET', 'text', 'värde'.repeat(100)],
    ]);
    expect(prepared.length).toBe(4);
    expect(await prepared.run()).toEqual([1, '1', expect.any(ReplyError), 'OK']);
    expect(await Promise.all([prepared.run(), prepared.run()])).toEqual([
      [2, '2', expect.any(ReplyError), 'OK'],
      [3, '3', expect.any(ReplyError), 'OK'],
    ]);
    expect(await db.command('GET', 'text')).toBe('värde'.repeat(100));
    const bytes = db.with({ buffers: true }).prepare([['GET', 'n']]);
    expect(await bytes.run()).toEqual([new Uint8Array([51])]);
    expect(await db.prepare([]).run()).toEqual([]);
    const large = Array.from({ length: 20_000 }, (_, i) => ['SET', `key:${i}`, i] as const);
    expect(new Set(await db.prepare(large).run())).toEqual(new Set(['OK']));
    expect(() => db.prepare([['BLPOP', 'a', 0]])).toThrow(/hold back/);
    expect(() => db.prepare([['GET', {} as never]])).toThrow(/bytes, not an object/);
    await using session = await db.session({ database: 5 });
    expect(await session.prepare([['DBSIZE']]).run()).toEqual([0]);
    await db.close();
    await expect(prepared.run()).rejects.toEqual(coded('CLOSED'));
  });

  it('of a pipeline may be sent again', async () => {
    const db = await open();
    const pipeline = db.pipeline().command('INCR', 'n').command('GET', 'n');
    expect(pipeline.length).toBe(2);
    expect(await pipeline.run()).toEqual([1, '1']);
    expect(await pipeline.run()).toEqual([2, '2']);
  });

  it('of a transaction run together or not at all', async () => {
    const db = await open();
    expect(await db.transaction().command('SET', 'a', 1).command('INCR', 'a').run()).toEqual([
      'OK',
      2,
    ]);
    await expect(
      db
        .transaction()
        .command('SET', 'a', 5)
        .command('GET' as string)
        .run(),
    ).rejects.toMatchObject({
      code: 'EXECABORT',
      cause: { code: 'ERR' },
    });
    expect(await db.command('GET', 'a')).toBe('2');
    expect(await db.transaction().command('LPUSH', 'a', 1).command('GET', 'a').run()).toEqual([
      expect.any(ReplyError),
      '2',
    ]);
  });

  it('of a session see its state, and a watched key that changed', async () => {
    const db = await open();
    await using session = await db.session({ database: 3 });
    await session.command('SET', 'k', 'there');
    expect(await db.command('GET', 'k')).toBe(null);
    await session.command('SELECT', 0);
    await session.command('WATCH', 'k');
    await db.command('SET', 'k', 'changed');
    expect(await session.transaction().command('SET', 'k', 'mine').run()).toBe(null);
    expect(await session.transaction().command('GET', 'k').run()).toEqual(['changed']);
    await expect(db.session({ database: 99 })).rejects.toThrow(/out of range/);
  });
});

describe('waiting', () => {
  it('for data holds nobody else back', async () => {
    const db = await open();
    const waiting = db.command('BLPOP', 'queue', 0);
    const another = db.command('XREAD', 'BLOCK', 0, 'STREAMS', 'stream', '$');
    await db.command('RPUSH', 'queue', 'job');
    expect(await waiting).toEqual(['queue', 'job']);
    await db.command('XADD', 'stream', '1-1', 'f', 'v');
    expect(await another).toEqual(new Map([['stream', [['1-1', ['f', 'v']]]]]));
    expect(await db.command('BLPOP', 'queue', 0.01)).toBe(null);
  });

  it('can be called off, and what comes then goes to others', async () => {
    const db = await open();
    const controller = new AbortController();
    const waiting = db.with({ signal: controller.signal }).command('BLPOP', 'queue', 0);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError', code: 'ABORTED' });
    await db.command('RPUSH', 'queue', 'job');
    expect(await db.command('LLEN', 'queue')).toBe(1);
    expect(await db.command('INFO', 'clients')).toContain('blocked_clients:0');
    const late = db.with({ signal: controller.signal });
    await expect(late.command('SET', 'k', 'v')).rejects.toEqual(coded('ABORTED'));
    await expect(late.batch([['SET', 'k', 'v']])).rejects.toEqual(coded('ABORTED'));
    expect(await db.command('EXISTS', 'k')).toBe(0);
  });
});

describe('messages', () => {
  it('come to subscribers of channels, patterns and shards', async () => {
    const db = await open();
    const channel = await db.subscribe('a', 'b');
    const pattern = await db.psubscribe('*');
    const shard = await db.ssubscribe('a');
    expect(await db.command('PUBLISH', 'b', 'hello')).toBe(2);
    expect(await db.command('SPUBLISH', 'a', 'shard')).toBe(1);
    expect((await channel.next()).value).toEqual({ channel: 'b', message: 'hello' });
    expect((await pattern.next()).value).toEqual({ channel: 'b', message: 'hello', pattern: '*' });
    expect((await shard.next()).value).toEqual({ channel: 'a', message: 'shard' });
    await channel.unsubscribe('b');
    await channel.subscribe('c');
    expect(await db.command('PUBLISH', 'b', 'nobody')).toBe(1);
    await db.command('PUBLISH', 'c', 'last');
    // Messages are delivered when the event loop turns.
    await new Promise(setImmediate);
    await channel.close();
    const rest: string[] = [];
    for await (const { message } of channel) rest.push(message);
    expect(rest).toEqual(['last']);
    await expect(db.subscribe()).rejects.toEqual(coded('BAD_OPTION'));
    await expect(channel.subscribe('d')).rejects.toEqual(coded('CLOSED'));
  });

  it('end with the loop that reads them', async () => {
    const db = await open();
    const subscription = await db.subscribe('news');
    await db.command('PUBLISH', 'news', 1);
    for await (const { message } of subscription) {
      expect(message).toBe('1');
      break;
    }
    expect(await db.command('PUBSUB', 'NUMSUB', 'news')).toEqual(['news', 0]);
  });

  it('of MONITOR tell every command', async () => {
    const db = await open();
    const monitor = await db.monitor();
    await db.command('SET', 'k', 'v');
    const { value } = await monitor.next();
    expect(value).toMatch(/^\d+\.\d{6} \[0 127\.0\.0\.1:0\] "SET" "k" "v"$/);
    await monitor.close();
    expect(await monitor.next()).toEqual({ done: true, value: undefined });
  });
});

describe('the end', () => {
  it('of a store fails what waits and what comes later', async () => {
    const db = await open();
    const waiting = db.command('BLPOP', 'q', 0);
    const subscription = await db.subscribe('c');
    const session = await db.session();
    await db.close();
    await db.close();
    expect(db.isClosed).toBe(true);
    await expect(waiting).rejects.toEqual(coded('CLOSED'));
    expect((await subscription.next()).done).toBe(true);
    await expect(session.command('PING')).rejects.toEqual(coded('CLOSED'));
    await expect(db.command('PING')).rejects.toBeInstanceOf(RespiteError);
    await expect(db.command('PING')).rejects.toEqual(coded('CLOSED'));
    await expect(db.batch([['PING']])).rejects.toEqual(coded('CLOSED'));
    await expect(db.session()).rejects.toEqual(coded('CLOSED'));
    await expect(db.subscribe('c')).rejects.toEqual(coded('CLOSED'));
  });

  it('of a connection that was killed is told, and the next call has a new one', async () => {
    const db = await open();
    const session = await db.session();
    const id = await session.command('CLIENT', 'ID');
    const waiting = session.command('BLPOP', 'q', 0);
    expect(await db.command('CLIENT', 'KILL', 'ID', id as number)).toBe(1);
    await expect(waiting).rejects.toEqual(coded('CONNECTION_LOST'));
    expect(session.isClosed).toBe(true);
    expect(await db.command('CLIENT', 'KILL', 'SKIPME', 'no')).toBe(1);
    await new Promise(setImmediate);
    expect(await db.command('PING')).toBe('PONG');
  });
});

describe('close()', () => {
  it('saves all that clients were told is done', async () => {
    const dir = scratchFolder();
    const db = await open({ dir, appendonly: false });
    const fill = Array.from({ length: 50_000 }, (_, i) => ['SET', `key:${i}`, 'x'.repeat(50)]);
    await db.batch(fill);
    const port = await freePort();
    await db.listen({ port });
    const socket = connect(port, '127.0.0.1');
    let [asked, replies] = [0, ''];
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      replies += bytes;
      socket.write(`SET late ${++asked}\r\n`);
    });
    socket.write(`SET late ${++asked}\r\n`);
    await expect.poll(() => replies.length).toBeGreaterThan(0);
    const ended = once(socket, 'close');
    await db.close();
    await ended;
    const acknowledged = replies.split('+OK').length - 1;
    const again = await open({ dir, appendonly: false });
    const kept = Number(await again.command('GET', 'late'));
    expect(kept).toBeGreaterThanOrEqual(acknowledged);
  });
});

describe('an end that nobody asked close() for', () => {
  it('is that of SHUTDOWN', async () => {
    const dir = scratchFolder();
    const db = await open({ dir });
    await db.command('SET', 'k', 'v');
    const waiting = db.command('BLPOP', 'q', 0);
    const ended = db.command('SHUTDOWN');
    await expect(ended).rejects.toEqual(coded('CLOSED'));
    await expect(waiting).rejects.toEqual(coded('CLOSED'));
    await expect(db.command('GET', 'k')).rejects.toThrow(/SHUTDOWN/);
    expect(db.isClosed).toBe(true);
    expect(await db.ended).toEqual(coded('CLOSED'));
    await db.close();
    expect(await (await open({ dir })).command('GET', 'k')).toBe('v');
  });

  it('is that of an engine that fails', async () => {
    const db = await open();
    const waiting = db.command('BLPOP', 'q', 0);
    await expect(db.command('DEBUG', 'PANIC')).rejects.toEqual(coded('CRASHED'));
    await expect(waiting).rejects.toEqual(coded('CRASHED'));
    await expect(db.command('GET', 'k')).rejects.toEqual(coded('CRASHED'));
    await expect(db.fork()).rejects.toBeInstanceOf(RespiteError);
    for (const call of [db.export(), db.fork(), db.listen({ port: 1 }), db.nodeRedisOptions()]) {
      await expect(call).rejects.toEqual(coded('CRASHED'));
    }
    expect(await db.ended).toEqual(coded('CRASHED'));
    await db.close();
  });

  it('is not that of connections', async () => {
    const db = await open();
    let isEnded = false;
    void db.ended.then(() => {
      isEnded = true;
    });
    const session = await db.session();
    await session.command('CLIENT', 'KILL', 'SKIPME', 'no').catch(() => {});
    expect(await db.command('PING')).toBe('PONG');
    await db.close();
    await new Promise(setImmediate);
    expect(isEnded).toBe(false);
  });
});

describe('options', () => {
  it('that make no sense are refused', async () => {
    const wrong: OpenOptions[] = [
      { dri: 'x' } as never,
      { dir: '' },
      { appendonly: true },
      { databases: 0 },
      { maxmemory: 'much' },
      { config: { nonsense: 'yes' } },
      { config: { dir: '/tmp' } },
      { appendonly: 'no' as never },
      { config: null as never },
      { log: 'console' as never },
      null as never,
    ];
    for (const options of wrong) {
      await expect(Respite.open(options), JSON.stringify(options)).rejects.toEqual(
        coded('BAD_OPTION'),
      );
    }
  });

  it('reach the configuration', async () => {
    const db = await open({
      databases: 3,
      maxmemory: '10mb',
      config: {
        'maxmemory-policy': 'allkeys-lru',
        requirepass: 'secret "x"',
        'client-output-buffer-limit': 'pubsub 1mb 0 0',
        'rename-command': 'flushall wipe',
      },
    });
    expect(await db.command('CONFIG', 'GET', 'databases')).toEqual(new Map([['databases', '3']]));
    expect(await db.command('CONFIG', 'GET', 'maxmemory')).toEqual(
      new Map([['maxmemory', '10485760']]),
    );
    expect(await db.command('CONFIG', 'GET', 'requirepass')).toEqual(
      new Map([['requirepass', 'secret "x"']]),
    );
    const limits = await db.command('CONFIG', 'GET', 'client-output-buffer-limit');
    expect([...limits.values()][0]).toContain('pubsub 1048576 0 0');
    expect(await db.command('WIPE')).toBe('OK');
  });
});

describe('data on disk', () => {
  it.each([true, false])('are there again (appendonly %s)', async (appendonly) => {
    const dir = scratchFolder();
    const first = await open({ dir, appendonly });
    await first.command('SET', 'k', 'v');
    await expect(Respite.open({ dir, appendonly })).rejects.toMatchObject({
      code: 'LOCKED',
      message: expect.stringContaining('in use by process'),
    });
    await first.close();
    const second = await open({ dir, appendonly });
    expect(await second.command('GET', 'k')).toBe('v');
  });

  it.each([true, false])(
    'are loaded as the configuration says (appendonly %s)',
    async (appendonly) => {
      const how = {
        dir: scratchFolder(),
        appendonly,
        config: { 'hash-max-listpack-entries': 1000 },
      };
      const first = await open(how);
      const fields = Array.from({ length: 600 }, (_, i) => [`field ${i}`, i] as const);
      await first.command('HSET', 'hash', ...(fields.flat() as [string, number]));
      await first.close();
      const second = await open(how);
      // More fields than there may be without it.
      expect(await second.command('OBJECT', 'ENCODING', 'hash')).toBe('listpack');
    },
  );

  it('move as dumps', async () => {
    const first = await open();
    await first.command('SET', 'k', 'v');
    await first.command('ZADD', 'z', 1, 'm');
    const rdb = await first.export();
    const copy = await open({ rdb });
    expect(await copy.command('DEBUG', 'DIGEST')).toBe(await first.command('DEBUG', 'DIGEST'));
    const dir = scratchFolder();
    const onDisk = await open({ dir, rdb });
    await onDisk.close();
    const again = await open({ dir });
    expect(await again.command('GET', 'k')).toBe('v');
    await again.close();
    await expect(Respite.open({ dir, rdb })).rejects.toEqual(coded('BAD_OPTION'));
    await expect(Respite.open({ rdb: rdb.slice(0, 30) })).rejects.toEqual(coded('DUMP_FORMAT'));
    const newer = rdb.slice();
    newer.set(new TextEncoder().encode('REDIS0099'));
    await expect(Respite.open({ rdb: newer })).rejects.toEqual(coded('DUMP_VERSION'));
  });
});

it('listens for other programs', async () => {
  const db = await open();
  const port = await freePort();
  await db.listen({ port });
  await db.command('SET', 'from', 'inside');
  const client = await RespClient.connect({ port });
  expect((await client.call('GET', 'from')).kind).toBe('bulk');
  await client.call('SET', 'from', 'outside');
  expect(await db.command('GET', 'from')).toBe('outside');
  await expect((await open()).listen({ port })).rejects.toEqual(coded('BAD_OPTION'));
  await client.close();
});

describe('listening', () => {
  it('in flight while the store closes ends with it', async () => {
    const db = await open();
    const port = await freePort();
    const listening = db.listen({ port });
    const failed = expect(listening).rejects.toEqual(coded('CLOSED'));
    await db.close();
    await failed;
    // The port is free again.
    const other = await open();
    await other.listen({ port });
  });

  it('at one more address leaves the first', async () => {
    const db = await open();
    const [first, second, third] = [await freePort(), await freePort(), await freePort()];
    await db.listen({ port: first });
    await db.listen({ port: second });
    expect(await db.command('CONFIG', 'GET', 'port')).toEqual(new Map([['port', String(first)]]));
    // Only the one that the directives speak of moves.
    expect(await db.command('CONFIG', 'SET', 'port', third)).toBe('OK');
    for (const port of [second, third]) {
      const client = await RespClient.connect({ port });
      expect((await client.call('PING')).kind).toBe('simple');
      await client.close();
    }
    await expect(RespClient.connect({ port: first })).rejects.toThrow();
  });

  it('where it cannot leaves nothing behind', async () => {
    const db = await open();
    const port = await freePort();
    await (await open()).listen({ port });
    await expect(db.listen({ port })).rejects.toEqual(coded('BAD_OPTION'));
    expect(await db.command('CONFIG', 'GET', 'port')).toEqual(new Map([['port', '0']]));
    await db.listen({ port: await freePort() });
  });

  it('refuses options that are none', async () => {
    const db = await open();
    const wrong = [
      { prot: 1 },
      { port: 70_000 },
      { port: '7' },
      { port: 0 },
      { host: 1, port: 7 },
      null,
    ];
    for (const options of wrong) {
      await expect(db.listen(options as never)).rejects.toEqual(coded('BAD_OPTION'));
    }
  });
});

it('an engine that fails while it is exported is told of with a code', async () => {
  const db = await open();
  const { engine } = serverOf(db);
  vi.spyOn(engine, 'call').mockImplementation(() => {
    throw new CoreCrash('snapshot', 'somewhere', undefined);
  });
  onTestFinished(() => void vi.restoreAllMocks());
  await expect(db.export()).rejects.toEqual(coded('CRASHED'));
});

it('a store for which there is no memory is told of with a code', async () => {
  vi.spyOn(WebAssembly, 'Instance').mockImplementation(
    class {
      constructor() {
        throw new RangeError('could not allocate memory');
      }
    } as never,
  );
  onTestFinished(() => void vi.restoreAllMocks());
  await expect(Respite.open()).rejects.toEqual(coded('NO_MEMORY'));
});
