// The calls of a store in a page, or in a worker: replies and errors, as programs see them.

import type { OpenOptions, Respite } from '../../../src/browser.ts';
import { currentHome, loadProgram } from './server.ts';
import { afterEach, describe, expect, it } from './vitest.ts';

const opened: Respite[] = [];

async function open(options: OpenOptions = {}): Promise<Respite> {
  const { Respite } = await loadProgram();
  const store = await Respite.open({ worker: currentHome().isWorker, ...options });
  opened.push(store);
  return store;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close().catch(() => {})));
});

const coded = (code: string) => expect.objectContaining({ code });

describe('commands', () => {
  it('reply in the shapes of RESP3', async () => {
    const db = await open();
    expect(await db.command('SET', 'k', 'värde ✓')).toBe('OK');
    expect(await db.command('GET', 'k')).toBe('värde ✓');
    expect(await db.command('GET', 'none')).toBe(null);
    expect(await db.command('INCRBY', 'n', 7)).toBe(7);
    await db.command('SET', 'big', 2n ** 62n);
    expect(await db.command('INCR', 'big')).toBe(2n ** 62n + 1n);
    await db.command('HSET', 'h', 'a', 1, 'b', 2.5);
    expect(await db.command('HGETALL', 'h')).toEqual(new Map(Object.entries({ a: '1', b: '2.5' })));
    await db.command('SADD', 's', 'x');
    expect(await db.command('SMEMBERS', 's')).toEqual(new Set(['x']));
    await db.command('ZADD', 'z', Number.POSITIVE_INFINITY, 'top', 1.5, 'low');
    expect(await db.command('ZRANGE', 'z', 0, -1, 'WITHSCORES')).toEqual([
      ['low', 1.5],
      ['top', Number.POSITIVE_INFINITY],
    ]);
  });

  it('give bytes to who asks for them', async () => {
    const db = await open();
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    await db.command('SET', 'k', bytes);
    const found = await db.with({ buffers: true }).command('GET', 'k');
    expect(Array.from(found as Uint8Array)).toEqual(Array.from(bytes));
  });

  it('take and give values that are larger than any buffer', async () => {
    const db = await open();
    const large = new Uint8Array(3_000_000).map((_, i) => (i * 31 + (i >> 8)) & 255);
    await db.command('SET', 'k', large);
    const found = (await db.with({ buffers: true }).command('GET', 'k')) as Uint8Array;
    expect(found.length).toBe(large.length);
    expect(found.every((byte, i) => byte === large[i])).toBe(true);
  });

  it('reject with the error they reply', async () => {
    const db = await open();
    await db.command('SET', 'k', 'v');
    await expect(db.command('LPUSH', 'k', 'x')).rejects.toEqual(coded('WRONGTYPE'));
    await expect(db.command('NOSUCH')).rejects.toEqual(coded('ERR'));
    await expect(db.command('SELECT', 1)).rejects.toEqual(coded('BAD_OPTION'));
  });

  it('of the host come when their part of the program has come', async () => {
    const db = await open();
    const first = await Promise.all([
      db.command('CONFIG', 'GET', 'maxmemory'),
      db.command('PING'),
      db.command('CLIENT', 'ID'),
      db.command('COMMAND', 'COUNT'),
      db.command('COMMAND', 'GETKEYS', 'SET', 'k', 'v'),
    ]);
    expect(first[0]).toEqual(new Map([['maxmemory', '0']]));
    expect(first[1]).toBe('PONG');
    expect(first[2]).toBeGreaterThan(0);
    expect(first[3]).toBeGreaterThan(240);
    expect(first[4]).toEqual(['k']);
  });

  it('keep secrets out of the slow log, also the first one', async () => {
    const db = await open();
    const lines = await db.monitor();
    await db.command('CONFIG', 'SET', 'requirepass', 'topsecret', 'slowlog-log-slower-than', '0');
    await db.command('CONFIG', 'SET', 'requirepass', 'topsecret');
    const log = JSON.stringify(await db.command('SLOWLOG', 'GET', -1));
    expect(log).toContain('requirepass');
    expect(log).not.toContain('topsecret');
    await db.command('ECHO', 'the end');
    for await (const line of lines) {
      expect(line).not.toContain('topsecret');
      if (line.includes('the end')) break;
    }
  });

  it('of the host that come first in a transaction run within it', async () => {
    const db = await open();
    const replies = await db
      .transaction()
      .command('SET', 'k', 1)
      .command('CONFIG', 'GET', 'hz')
      .command('INCR', 'k')
      .run();
    expect(replies).toEqual(['OK', new Map([['hz', '10']]), 2]);
  });

  it('that need something else than a page say so', async () => {
    const db = await open();
    for (const command of [
      ['SAVE'],
      ['BGREWRITEAOF'],
      ['SHUTDOWN'],
      ['MIGRATE', 'h', 1, 'k', 0, 1],
      ['CONFIG', 'REWRITE'],
      ['BACKUP', 'START'],
      ['REPLCONF', 'ACK', 1],
    ] as const) {
      const [name, ...args] = command;
      await expect(db.command(name, ...args), name).rejects.toEqual(coded('ERR'));
    }
  });
});

describe('many commands', () => {
  it('of a batch are answered in order, errors in place', async () => {
    const db = await open();
    const replies = await db.batch([
      ['SET', 'k', 'v'],
      ['LPUSH', 'k', 'x'],
      ['GET', 'k'],
    ]);
    expect(replies[0]).toBe('OK');
    expect(replies[1]).toEqual(coded('WRONGTYPE'));
    expect(replies[2]).toBe('v');
    const many = await db.batch(Array.from({ length: 50_000 }, () => ['INCR', 'n']));
    expect(many.at(-1)).toBe(50_000);
  });

  it('of a pipeline and a transaction', async () => {
    const db = await open();
    expect(await db.pipeline().command('SET', 'a', 1).command('INCR', 'a').run()).toEqual([
      'OK',
      2,
    ]);
    expect(await db.transaction().command('INCR', 'a').command('GET', 'a').run()).toEqual([3, '3']);
    const session = await db.session({ database: 3 });
    await session.command('WATCH', 'k');
    await (await db.session({ database: 3 })).command('SET', 'k', 'other');
    expect(await session.transaction().command('SET', 'k', 'mine').run()).toBe(null);
    expect(await db.command('GET', 'k')).toBe(null);
  });

  it('that wait get their reply when somebody serves them, and let others through', async () => {
    const db = await open();
    const waiting = db.command('BLPOP', 'list', 0);
    expect(await db.command('PING')).toBe('PONG');
    await db.command('RPUSH', 'list', 'x');
    expect(await waiting).toEqual(['list', 'x']);
    expect(await db.command('BLPOP', 'list', 0.01)).toBe(null);
  });

  it('that wait are taken back by an AbortSignal', async () => {
    const db = await open();
    const abort = new AbortController();
    const waiting = db.with({ signal: abort.signal }).command('BLPOP', 'list', 0);
    await db.command('PING');
    abort.abort();
    await expect(waiting).rejects.toEqual(coded('ABORTED'));
    // Who was taken back gets nothing.
    await db.command('RPUSH', 'list', 'x');
    expect(await db.command('LPOP', 'list')).toBe('x');
  });
});

describe('messages', () => {
  it('come to who subscribed', async () => {
    const db = await open();
    const channel = await db.subscribe('news');
    const pattern = await db.psubscribe('n?ws');
    expect(await db.command('PUBLISH', 'news', 'first')).toBe(2);
    expect((await channel.next()).value).toEqual({ channel: 'news', message: 'first' });
    const expected = { channel: 'news', message: 'first', pattern: 'n?ws' };
    expect((await pattern.next()).value).toEqual(expected);
    await channel.close();
    await pattern.close();
  });

  it('of keys that expire come without anybody looking at them', async () => {
    const db = await open({ config: { 'notify-keyspace-events': 'KEx' } });
    const events = await db.subscribe('__keyevent@0__:expired');
    await db.command('SET', 'k', 'v', 'PX', 20);
    expect((await events.next()).value).toEqual({
      channel: '__keyevent@0__:expired',
      message: 'k',
    });
  });

  it('MONITOR tells of every command', async () => {
    const db = await open();
    const lines = await db.monitor();
    await db.command('SET', 'k', 'v');
    const { value } = await lines.next();
    expect(value).toMatch(/^\d+\.\d{6} \[0 127\.0\.0\.1:\d+\] "SET" "k" "v"$/);
    await lines.close();
  });
});

describe('opening', () => {
  const refused: [string, OpenOptions | object][] = [
    ['an option that there is not', { nosuch: 1 }],
    ['a name that is none', { name: '' }],
    ['a kept store without a name', { durability: 'strict' }],
    ['no databases', { databases: 0 }],
    ['a memory limit that is none', { maxmemory: 'much' }],
    ['a directive that there is not', { config: { nosuch: '1' } }],
    ['a value that a directive cannot have', { config: { hz: 'fast' } }],
    ['a dump that is no bytes', { rdb: 'REDIS0011' }],
  ];
  it.each(refused)('refuses %s', async (_, options) => {
    await expect(open(options as OpenOptions)).rejects.toEqual(coded('BAD_OPTION'));
  });

  it('takes limits, databases and directives', async () => {
    const db = await open({ maxmemory: '3mb', databases: 3, config: { hz: 50 } });
    const found = await db.command('CONFIG', 'GET', 'maxmemory', 'databases', 'hz');
    expect(found).toEqual(
      new Map(Object.entries({ maxmemory: '3145728', databases: '3', hz: '50' })),
    );
    await expect(open({ maxmemory: '3mb', config: { maxmemory: '4mb' } })).resolves.toBeDefined();
    const session = db.session({ database: 3 });
    await expect(session).rejects.toEqual(coded('ERR'));
  });

  it('refuses writes beyond the limit of memory, and stays readable', async () => {
    const db = await open({ maxmemory: '3mb' });
    await db.command('SET', 'kept', 'v');
    const value = 'x'.repeat(100_000);
    const fill = async () => {
      for (let i = 0; i < 100; i++) await db.command('SET', `k${i}`, value);
    };
    await expect(fill()).rejects.toEqual(coded('OOM'));
    expect(await db.command('GET', 'kept')).toBe('v');
  });

  it('refuses dumps that cannot be read, each with its reason', async () => {
    const text = (dump: string) => new TextEncoder().encode(dump);
    await expect(open({ rdb: text('REDIS9999\xff') })).rejects.toEqual(coded('DUMP_VERSION'));
    await expect(open({ rdb: text('no dump at all') })).rejects.toEqual(coded('DUMP_FORMAT'));
    const db = await open();
    await db.command('SET', 'k', 'v');
    const dump = await db.export();
    const broken = dump.slice();
    broken[broken.length - 12]! ^= 1;
    await expect(open({ rdb: broken })).rejects.toEqual(coded('DUMP_FORMAT'));
    const short = dump.subarray(0, dump.length - 9);
    await expect(open({ rdb: short })).rejects.toEqual(coded('DUMP_FORMAT'));
  });

  it('makes dumps that are asked for at once, one behind the other', async () => {
    const db = await open();
    await db.command('DEBUG', 'POPULATE', 20_000);
    const digest = await db.command('DEBUG', 'DIGEST');
    for (const rdb of await Promise.all([db.export(), db.export(), db.export()])) {
      expect(await (await open({ rdb })).command('DEBUG', 'DIGEST')).toBe(digest);
    }
  });
  it('brings a dump back, with types, databases and times', async () => {
    const db = await open();
    await db.batch([
      ['SET', 's', 'v', 'PX', 1_000_000],
      ['RPUSH', 'l', 'a', 'b'],
      ['HSET', 'h', 'f', 'v'],
      ['XADD', 'x', '1-1', 'f', 'v'],
    ]);
    await (await db.session({ database: 5 })).command('SET', 'other', 'v');
    const digest = await db.command('DEBUG', 'DIGEST');
    const copy = await open({ rdb: await db.export() });
    expect(await copy.command('DEBUG', 'DIGEST')).toBe(digest);
    expect(await copy.command('PTTL', 's')).toBeGreaterThan(900_000);
    expect(await copy.command('DEBUG', 'RELOAD')).toBe('OK');
    expect(await copy.command('DEBUG', 'DIGEST')).toBe(digest);
  });

  it('makes stores that know nothing of each other', async () => {
    const [a, b] = await Promise.all([open(), open()]);
    await a.command('SET', 'k', 'a');
    expect(await b.command('GET', 'k')).toBe(null);
  });
});

describe('the end', () => {
  it('of a store ends every call that waits, and refuses later ones', async () => {
    const db = await open();
    const waiting = db.command('BLPOP', 'list', 0);
    const session = await db.session();
    const messages = await db.subscribe('c');
    waiting.catch(() => {});
    await db.close();
    await db.close();
    expect(db.isClosed).toBe(true);
    await expect(waiting).rejects.toEqual(coded('CLOSED'));
    await expect(db.command('PING')).rejects.toEqual(coded('CLOSED'));
    await expect(db.export()).rejects.toEqual(coded('CLOSED'));
    await expect(session.command('PING')).rejects.toEqual(coded('CLOSED'));
    await expect(db.session()).rejects.toEqual(coded('CLOSED'));
    expect((await messages.next()).done).toBe(true);
  });

  it('of a connection is told to who uses it; the others go on', async () => {
    const db = await open();
    const session = await db.session();
    const id = Number(await session.command('CLIENT', 'ID'));
    expect(await db.command('CLIENT', 'KILL', 'ID', id)).toBe(1);
    await expect(session.command('PING')).rejects.toEqual(coded('CONNECTION_LOST'));
    expect(await db.command('PING')).toBe('PONG');
  });

  it('of the engine by a trap is told to everybody', async () => {
    const db = await open();
    const waiting = db.command('BLPOP', 'list', 0);
    waiting.catch(() => {});
    await expect(db.command('DEBUG', 'SEGFAULT')).rejects.toEqual(coded('CRASHED'));
    await expect(waiting).rejects.toEqual(coded('CRASHED'));
    await expect(db.command('PING')).rejects.toEqual(coded('CRASHED'));
    await expect(db.export()).rejects.toEqual(coded('CRASHED'));
    expect(await db.ended).toEqual(coded('CRASHED'));
    await expect(db.session()).rejects.toEqual(coded('CRASHED'));
    await db.close();
    await expect(db.command('PING')).rejects.toEqual(coded('CRASHED'));
  });

  it('comes by itself with await using', async () => {
    let left: Respite;
    {
      await using db = await open();
      left = db;
      await db.command('PING');
    }
    await expect(left.command('PING')).rejects.toEqual(coded('CLOSED'));
  });
});
