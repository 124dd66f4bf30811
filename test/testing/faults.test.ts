// Faults, however an application reaches the store.

import { describe, expect, it } from 'vitest';
import { RespiteError } from '../../src/index.ts';
import { zset } from '../../src/testing.ts';
import { failure, openApp, openStore, WAYS } from './support.ts';

const nextTurn = () => new Promise(setImmediate);

describe.each(WAYS)('a fault for $name', (way) => {
  it('replies an error in place of the command, and counts', async () => {
    const { store, app } = await openApp(way);
    const fault = store.faults.error('SET', 'ERR no luck');
    expect(await failure(app.call('SET', 'k', 'v'))).toBe('ERR no luck');
    expect(await failure(app.call('set', 'k', 'v'))).toBe('ERR no luck');
    expect(await app.call('GET', 'k')).toBe(null);
    expect(fault.hits).toBe(2);
    fault.remove();
    expect(await app.call('SET', 'k', 'v')).toBe('OK');
    expect(fault.hits).toBe(2);
  });

  it('ends after its times, and spares what it skips', async () => {
    const { store, app } = await openApp(way);
    const fault = store.faults.error('INCR', 'once', { skip: 1, times: 2 });
    expect(await app.call('INCR', 'n')).toBe(1);
    expect(await failure(app.call('INCR', 'n'))).toBe('ERR once');
    expect(await failure(app.call('INCR', 'n'))).toBe('ERR once');
    expect(await app.call('INCR', 'n')).toBe(2);
    expect(fault.isRetired).toBe(true);
    expect(store.faults.active).toEqual([]);
  });

  it('hits only the keys that are meant, and leaves the rest of a pipeline alone', async () => {
    const { store, app } = await openApp(way);
    store.faults.error({ command: ['SET', 'MSET'], key: 'user:*' }, 'OOM full');
    const replies = await app.pipeline([
      ['SET', 'a', '1'],
      ['SET', 'user:1', '1'],
      ['MSET', 'b', '2', 'user:2', '2'],
      ['GET', 'a'],
    ]);
    expect(replies.map((reply) => (reply instanceof Error ? reply.message : reply))).toEqual([
      'OK',
      'OOM full',
      'OOM full',
      '1',
    ]);
    expect(await store.command('KEYS', '*')).toEqual(['a']);
  });

  it('holds up a command, and what is behind it, until it is removed', async () => {
    const { store, app } = await openApp(way);
    const fault = store.faults.stall('SET');
    const done: string[] = [];
    const set = app.call('SET', 'k', 'v').then(() => done.push('SET'));
    const get = app.call('GET', 'k').then((value) => done.push(`GET ${value}`));
    await store.commandsSeen('SET');
    await nextTurn();
    expect(done).toEqual([]);
    expect(await store.command('EXISTS', 'k')).toBe(0);
    fault.remove();
    await Promise.all([set, get]);
    expect(done).toEqual(['SET', 'GET v']);
  });

  it('holds up a reply of a command that has run', async () => {
    const { store, app } = await openApp(way);
    const fault = store.faults.stall('SET', { when: 'after' });
    let isDone = false;
    const set = app.call('SET', 'k', 'v').then(() => {
      isDone = true;
    });
    await store.commandsSeen('SET');
    await nextTurn();
    expect(await store.command('GET', 'k')).toBe('v');
    expect(isDone).toBe(false);
    fault.remove();
    await set;
  });

  it('lets time go by', async () => {
    const { store, app } = await openApp(way);
    const fault = store.faults.latency('GET', { minMs: 20, maxMs: 30 });
    const began = performance.now();
    await app.call('GET', 'k');
    // Timers may ring a little early.
    expect(performance.now() - began).toBeGreaterThanOrEqual(19);
    expect(fault.hits).toBe(1);
  });

  it.each([
    ['before', null],
    ['during', 'v'],
    ['after', 'v'],
  ] as const)('drops the connection %s the command', async (when, value) => {
    const { store, app } = await openApp(way);
    const fault = store.faults.drop('SET', { when, times: 1 });
    expect(await failure(app.call('SET', 'k', 'v'))).not.toBe('no error');
    expect(await store.command('GET', 'k')).toBe(value);
    expect(fault.hits).toBe(1);
    await expect.poll(() => app.call('PING').catch(() => 'not yet')).toBe('PONG');
  });

  it('cuts replies into pieces at every byte, whatever they are', async () => {
    const { store, app } = await openApp(way, {
      seed: {
        text: 'värde',
        empty: '',
        list: ['a', '', 'ccc'],
        hash: { f: 'v' },
        scores: zset({ low: 1.5, high: 3 }),
      },
    });
    const commands = [
      ['GET', 'text'],
      ['GET', 'empty'],
      ['GET', 'none'],
      ['LRANGE', 'list', '0', '-1'],
      ['HGETALL', 'hash'],
      ['ZRANGE', 'scores', '0', '-1', 'WITHSCORES'],
      ['STRLEN', 'text'],
      ['INCR', 'list'],
      ['XREAD', 'COUNT', '1', 'STREAMS', 'none', '0'],
    ];
    const whole = await app.pipeline(commands);
    for (let bytes = 1; bytes < 12; bytes += 1) {
      using fault = store.faults.slice('*', { bytes });
      expect(await app.pipeline(commands), `${bytes} bytes`).toEqual(whole);
      expect(fault.hits).toBe(commands.length);
    }
  });

  it('meets a command that waits for data', async () => {
    const { store, app } = await openApp(way);
    const fault = store.faults.slice('BLPOP');
    const waiting = app.call('BLPOP', 'queue', '0');
    await store.commandsSeen('BLPOP');
    await nextTurn();
    await store.command('RPUSH', 'queue', 'job');
    expect(await waiting).toEqual(['queue', 'job']);
    expect(fault.hits).toBe(1);
    store.faults.stall('BLPOP', { when: 'after' });
    const late = app.call('BLPOP', 'queue', '0');
    await store.commandsSeen('BLPOP', { count: 2 });
    await store.command('RPUSH', 'queue', 'next');
    await expect.poll(() => store.command('EXISTS', 'queue')).toBe(0);
    store.faults.clear();
    expect(await late).toEqual(['queue', 'next']);
  });

  it('refuses new connections', async () => {
    const { store, app } = await openApp(way);
    expect(await app.call('PING')).toBe('PONG');
    const fault = store.faults.refuseConnections({ times: 2 });
    expect(store.dropConnections()).toBe(1);
    await expect.poll(() => app.call('PING').catch(() => 'not yet')).toBe('PONG');
    expect(fault.hits).toBe(2);
  });
});

describe.each(WAYS)('a server seen by $name', (way) => {
  it.each([
    ['loading', 'LOADING', ['GET', 'k'], ['ECHO', 'hi']],
    ['readonly', 'READONLY', ['SET', 'k', 'v'], ['GET', 'k']],
    ['oom', 'OOM', ['SET', 'k', 'v'], ['DEL', 'k']],
    ['misconf', 'MISCONF', ['DEL', 'k'], ['GET', 'k']],
    ['noReplicas', 'NOREPLICAS', ['SET', 'k', 'v'], ['GET', 'k']],
    ['masterDown', 'MASTERDOWN', ['GET', 'k'], ['INFO', 'server']],
    ['busy', 'BUSY', ['GET', 'k'], ['UNWATCH']],
    ['clusterDown', 'CLUSTERDOWN', ['GET', 'k'], ['DBSIZE']],
    ['noAuth', 'NOAUTH', ['GET', 'k'], ['AUTH', 'x']],
  ] as const)('that is %s refuses what it has to', async (state, code, refused, served) => {
    const { store, app } = await openApp(way);
    const fault = store.faults[state]();
    expect(await failure(app.call(...refused))).toMatch(new RegExp(`^${code} `));
    if (way.name !== 'the store itself' || served[0] !== 'AUTH') {
      expect(await failure(app.call(...served))).not.toMatch(new RegExp(`^${code} `));
    }
    fault.remove();
    expect(await failure(app.call(...refused))).toBe('no error');
  });
});

describe('in a transaction', () => {
  it.each(WAYS.filter(({ name }) => name !== 'the store itself'))(
    'an error for a queued command discards it, for $name',
    async (way) => {
      const { store, app } = await openApp(way);
      const fault = store.faults.oom({ target: { key: 'b' } });
      const replies = await app.pipeline([
        ['MULTI'],
        ['SET', 'a', '1'],
        ['SET', 'b', '1'],
        ['EXEC'],
      ]);
      expect(replies.map((reply) => (reply instanceof Error ? reply.message : reply))).toEqual([
        'OK',
        'QUEUED',
        "OOM command not allowed when used memory > 'maxmemory'.",
        'EXECABORT Transaction discarded because of previous errors.',
      ]);
      fault.remove();
      store.faults.error('EXEC', 'EXECABORT no', { times: 1 });
      await app.pipeline([['MULTI'], ['SET', 'a', '1'], ['EXEC']]);
      expect(await app.call('SET', 'c', '1')).toBe('OK');
      expect(await store.command('KEYS', '*')).toEqual(['c']);
      expect(store.commands('SET').map(({ isQueued }) => isQueued)).toEqual([
        true,
        true,
        true,
        false,
      ]);
    },
  );

  it('of the embedded store the error is the cause', async () => {
    const store = await openStore();
    store.faults.readonly();
    await expect(
      store.db.transaction().command('SET', 'a', 1).command('GET', 'a').run(),
    ).rejects.toMatchObject({ code: 'EXECABORT', cause: { code: 'READONLY' } });
  });
});

describe('faults', () => {
  it('with a probability are the same for the same seed', async () => {
    const run = async (randomSeed: number) => {
      await using store = await openStore({ randomSeed });
      store.faults.error('INCR', 'ERR unlucky', { probability: 0.3 });
      const replies = await store.db.batch(Array.from({ length: 200 }, () => ['INCR', 'n']));
      return replies.map((reply) => (reply instanceof Error ? 'x' : '.')).join('');
    };
    const first = await run(7);
    expect(await run(7)).toBe(first);
    expect(await run(8)).not.toBe(first);
    const hits = first.split('x').length - 1;
    expect(hits).toBeGreaterThan(20);
    expect(hits).toBeLessThan(120);
    await using store = await openStore();
    await using again = await openStore({ randomSeed: store.randomSeed });
    expect(again.randomSeed).toBe(store.randomSeed);
  });

  it('may concern one client only', async () => {
    const store = await openStore();
    await using slow = await store.db.session();
    await using other = await store.db.session();
    await slow.command('CLIENT', 'SETNAME', 'worker');
    store.faults.error({ client: 'worker' }, 'ERR not you');
    await expect(slow.command('PING')).rejects.toThrow('ERR not you');
    expect(await other.command('PING')).toBe('PONG');
    expect(await store.command('PING')).toBe('PONG');
    store.faults.clear();
    const id = (await other.command('CLIENT', 'ID')) as number;
    store.faults.error({ client: id, where: ({ args }) => args.includes('x') }, 'ERR nor you');
    await expect(other.command('ECHO', 'x')).rejects.toThrow('ERR nor you');
    expect(await other.command('ECHO', 'y')).toBe('y');
    expect(await slow.command('ECHO', 'x')).toBe('x');
  });

  it('leave messages in their order behind a reply in pieces', async () => {
    const store = await openStore();
    await using session = await store.db.session();
    const subscription = await store.db.subscribe('news');
    store.faults.slice('*');
    await session.command('PUBLISH', 'news', 'one');
    const joined = subscription.subscribe('more');
    await store.command('PUBLISH', 'news', 'two');
    await joined;
    expect((await subscription.next()).value).toMatchObject({ message: 'one' });
    expect((await subscription.next()).value).toMatchObject({ message: 'two' });
    await subscription.close();
  });

  it('that are set while half of a command has arrived begin with the next one', async () => {
    const store = await openStore({ record: false });
    const received: string[] = [];
    const link = store.db.connect({
      onData: (bytes) => received.push(Buffer.from(bytes).toString()),
      onClose: () => received.push('closed'),
    });
    const send = (text: string) => {
      const bytes = Buffer.from(text);
      link.room(bytes.length).set(bytes);
      link.send(bytes.length);
    };
    send('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nhel');
    store.faults.error('SET', 'ERR too late');
    send('lo\r\n');
    send('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nx\r\n');
    send('PING\r\nSET "k" \'y\'\r\n');
    await expect
      .poll(() => received.join(''))
      .toBe('+OK\r\n-ERR too late\r\n+PONG\r\n-ERR too late\r\n');
    expect(await store.command('GET', 'k')).toBe('hello');
    send('*1\r\n:1\r\n');
    await expect.poll(() => received.join('')).toContain('-ERR Protocol error: expected');
    await expect.poll(() => received.at(-1)).toBe('closed');
  });

  it('carry commands larger than what is read at once', async () => {
    const store = await openStore();
    store.faults.latency({ command: 'APPEND' }, 0);
    const value = 'x'.repeat(3_000_000);
    expect(await store.db.command('APPEND', 'k', value)).toBe(3_000_000);
    expect(await store.db.command('GET', 'k')).toBe(value);
  });

  it('that make no sense are refused', async () => {
    const { faults } = await openStore();
    for (const wrong of [
      () => faults.error('GTE', 'x'),
      () => faults.error('', 'x'),
      () => faults.error('GET', ''),
      () => faults.error('GET', 'two\r\nlines'),
      () => faults.error('GET', 'x', { times: 0 }),
      () => faults.error('GET', 'x', { skip: -1 }),
      () => faults.error('GET', 'x', { probability: 2 }),
      () => faults.latency('GET', -1),
      () => faults.latency('GET', { minMs: 5, maxMs: 1 }),
      () => faults.slice('GET', { bytes: 0 }),
      () => faults.drop('GET', { when: 'never' as 'after' }),
    ]) {
      expect(wrong, wrong.toString()).toThrow(
        expect.objectContaining({ name: 'RespiteError', code: 'BAD_OPTION' }),
      );
    }
    expect(() => faults.error('CONFIG SET', 'x')).not.toThrow(RespiteError);
    expect(() => faults.error('H*', 'x')).not.toThrow();
  });
});
