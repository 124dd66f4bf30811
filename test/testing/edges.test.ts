// The test kit where tests and applications get in each other's way: what one test leaves is gone for the next, and
// what a test gets wrong fails that test only.

import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Respite } from '../../src/index.ts';
import { serverOf } from '../../src/node/inside.ts';
import { openLocalLink } from '../../src/node/local_connection.ts';
import { readData } from '../../src/testing/data_view.ts';
import { expectKeys, startRespite, type TestStore } from '../../src/testing.ts';
import { openStore } from './support.ts';

const coded = (code: string) => expect.objectContaining({ code });
const turn = () => new Promise(setImmediate);

describe('a condition that throws', () => {
  const where = ({ keys }: { keys: readonly string[] }) => {
    if (keys.includes('bad')) throw new Error('no such\r\ncase');
    return false;
  };

  it('fails the command it was asked about, and no other', async () => {
    const store = await openStore();
    store.faults.error({ command: 'GET', where }, 'x');
    const calls = store.db.batch([
      ['SET', 'a', 1],
      ['GET', 'bad'],
      ['GET', 'a'],
    ]);
    expect(await calls).toEqual([
      'OK',
      expect.objectContaining({
        message: expect.stringMatching(/^ERR The condition .*: no such case$/),
      }),
      '1',
    ]);
    expect(await store.db.command('GET', 'a')).toBe('1');
  });

  it('fails who waits for a command', async () => {
    const store = await openStore();
    const waiting = store.commandsSeen({ where });
    const failed = expect(waiting).rejects.toThrow('no such');
    const other = store.commandsSeen('GET');
    expect(await store.db.command('GET', 'bad')).toBe(null);
    await failed;
    expect((await other).length).toBe(1);
    expect(await store.db.command('PING')).toBe('PONG');
  });
});

describe('a reset', () => {
  it('brings back what was changed while the base was taken', async () => {
    const store = await openStore({ seed: { k: 'v' } });
    const basing = store.setBase();
    await turn();
    await store.db.command('SET', 'leak', 1);
    await basing;
    await store.reset();
    // Whatever the base has, it has it now.
    const base = await store.data();
    await store.db.command('SET', 'later', 1);
    await store.reset();
    expect(await store.data()).toEqual(base);
  });

  it.each([
    ['SAVE', [['SAVE']]],
    ['DEBUG RELOAD', [['DEBUG', 'RELOAD']]],
  ])('is not deceived by %s', async (_, commands) => {
    const store = await openStore({ seed: { brief: 'v' } });
    await store.command('SAVE');
    await store.setBase();
    await store.db.command('SET', 'leak', 1);
    for (const command of commands) await store.db.command(...(command as [string, ...string[]]));
    await store.reset();
    await expectKeys(store, ['brief']);
  });

  it('is not deceived by keys that expired before CONFIG RESETSTAT', async () => {
    const store = await openStore({ clock: 'manual' });
    await store.command('SET', 'brief', 'v', 'PX', 1000);
    await store.command('CONFIG', 'RESETSTAT');
    await store.setBase();
    await store.clock.advance(2000);
    await store.db.command('CONFIG', 'RESETSTAT');
    await store.reset();
    await expectKeys(store, ['brief']);
  });

  it('removes a dump that was loaded', async () => {
    const source = await Respite.open();
    await source.command('SET', 'k', 'v');
    const rdb = await source.export();
    await source.close();
    const store = await openStore();
    await store.setBase();
    await store.seedDump(rdb);
    await expectKeys(store, ['k']);
    await store.reset();
    await expectKeys(store, []);
  });

  it('works under clients that go on writing, with data that take more than a turn to load', async () => {
    const store = await openStore({ listen: true });
    const large = Object.fromEntries(
      Array.from({ length: 60 }, (_, i) => [`large:${i}`, `${i}`.padEnd(100_000, 'x')]),
    );
    await store.command('CONFIG', 'SET', 'rdbcompression', 'no');
    await store.seed(large);
    await store.setBase();
    const app = new Redis(store.url);
    onTestFinished(() => app.disconnect());
    let isOver = false;
    const sizes = new Set<number>();
    const writing = (async () => {
      for (let i = 0; !isOver; i += 1) {
        await app.set('leak', i);
        sizes.add(await app.exists(...Object.keys(large)));
      }
    })();
    for (let round = 0; round < 5; round += 1) {
      await app.set('leak', 'again');
      await store.reset();
    }
    isOver = true;
    await writing;
    expect([...sizes]).toEqual([60]);
  });

  it('ends CLIENT PAUSE and the switches of DEBUG', async () => {
    for (const hasBase of [true, false]) {
      const store = await openStore();
      if (hasBase) await store.setBase();
      await store.db.command('DEBUG', 'PAUSE-CRON', 1);
      await store.db.command('DEBUG', 'SET-ACTIVE-EXPIRE', 0);
      await store.db.command('CLIENT', 'PAUSE', 600_000, 'ALL');
      const held = store.db.command('SET', 'k', 'v');
      await store.reset();
      expect(await held).toBe('OK');
      await store.db.command('SET', 'brief', 'v', 'PX', 1);
      await expect.poll(() => store.command('DBSIZE')).toBe(0);
    }
  });
});

it('expectKeys takes names that are numbers', async () => {
  const store = await openStore({ seed: { 9: 'a', 10: 'b', '-1': 'c' } });
  await expectKeys(store, ['9', '10', '-1']);
});

/** What `data()` shows when `change` comes between the n-th request for types and what is asked next. */
async function dataChanged(store: TestStore, change: (step: number) => Promise<void>) {
  const session = await store.admin.session();
  const bytes = session.with({ buffers: true });
  let step = 0;
  const batch: typeof bytes.batch = async (commands) => {
    const replies = await bytes.batch(commands);
    await change(step++);
    return replies;
  };
  const changing = {
    session: async () => ({
      with: () => ({ batch }),
      [Symbol.asyncDispose]: () => session.close(),
    }),
  };
  return readData(changing as never, {}, false);
}

it('data() shows keys that change while they are read as they are then', async () => {
  const store = await openStore({ seed: { a: ['list'], b: { hash: 1 }, c: 'text' } });
  const found = await dataChanged(store, async (step) => {
    // Behind SCAN and TYPE.
    if (step !== 1) return;
    await store.command('DEL', 'a', 'b');
    await store.command('SET', 'b', 'x');
  });
  expect(found).toEqual({
    b: { type: 'string', value: 'x' },
    c: { type: 'string', value: 'text' },
  });
});

it.each([2, 3])(
  'data() shows a hash and what of it expires of one moment, changed at step %i',
  async (at) => {
    const store = await openStore({
      seed: { h: { a: 1, b: 2 }, gone: { a: 1 } },
    });
    await store.command('HPEXPIRE', 'h', 60_000, 'FIELDS', 2, 'a', 'b');
    const found = await dataChanged(store, async (step) => {
      // Behind one of the two looks at values.
      if (step !== at) return;
      await store.command('HDEL', 'gone', 'a');
      await store.command('HDEL', 'h', 'b');
      await store.command('HPERSIST', 'h', 'FIELDS', 1, 'a');
      await store.command('HSETEX', 'h', 'PX', 60_000, 'FIELDS', 1, 'c', 3);
    });
    const [before, after] = [
      {
        gone: { type: 'hash', value: { a: '1' } },
        h: { type: 'hash', value: { a: '1', b: '2' }, expiringFields: ['a', 'b'] },
      },
      { h: { type: 'hash', value: { a: '1', c: '3' }, expiringFields: ['c'] } },
    ];
    expect(found).toEqual(at === 2 ? after : before);
  },
);

it('data() tells why it cannot look', async () => {
  const store = await openStore({ seed: { a: 'b' }, config: { 'rename-command': 'GET ""' } });
  await expect(store.data()).rejects.toThrow(/^EXECABORT /);
});

it('data() shows no key that has gone before its type was asked for', async () => {
  const store = await openStore({ seed: { here: 'a', gone: 'b' } });
  const found = await dataChanged(store, async (step) => {
    // Behind SCAN.
    if (step === 0) await store.command('DEL', 'gone');
  });
  expect(Object.keys(found)).toEqual(['here']);
});

describe('faults', () => {
  it('that are cleared keep no reply in pieces waiting', async () => {
    const store = await openStore({ clock: 'manual' });
    store.faults.slice('PING', { bytes: 1, delayMs: 1000 });
    const reply = store.db.command('PING');
    await turn();
    store.faults.clear();
    expect(await reply).toBe('PONG');
  });

  it('at a moment that there is not are refused', async () => {
    const store = await openStore();
    const during = { when: 'during' } as never;
    expect(() => store.faults.latency('GET', 5, during)).toThrow(coded('BAD_OPTION'));
    expect(() => store.faults.stall('GET', during)).toThrow(coded('BAD_OPTION'));
    expect(() => store.faults.error('CONFIG* SET', 'x')).toThrow(coded('BAD_OPTION'));
  });

  it('reply nothing where the client skips the reply', async () => {
    const store = await openStore();
    store.faults.error('GET', 'broken', { times: 1 });
    const received: string[] = [];
    const link = store.db.connect({
      onData: (bytes) => received.push(Buffer.from(bytes).toString()),
      onClose: () => {},
    });
    const request = Buffer.from('CLIENT REPLY SKIP\r\nGET k\r\nECHO one\r\nECHO two\r\n');
    link.room(request.length).set(request);
    link.send(request.length);
    await expect.poll(() => received.join('')).toBe('$3\r\none\r\n$3\r\ntwo\r\n');
    link.close();
  });
});

describe('isolated stores', () => {
  it('that are being made are closed with their store', async () => {
    const store = await openStore({ listen: true, seed: { k: 'v' } });
    const isolating = store.isolated();
    await store.close();
    const copy = await isolating.catch((error: unknown) => error);
    if (!(copy instanceof Error)) expect((copy as { isClosed: boolean }).isClosed).toBe(true);
    await expect(store.isolated()).rejects.toEqual(coded('CLOSED'));
  });
});

describe('a store that the application ends', () => {
  const ends: [string, (store: TestStore) => Promise<unknown>][] = [
    ['SHUTDOWN', ({ db }) => db.command('SHUTDOWN', 'NOSAVE')],
    ['SHUTDOWN by the test', (store) => store.command('SHUTDOWN', 'NOSAVE')],
    ['a failure of the engine', ({ db }) => db.command('DEBUG', 'SEGFAULT')],
    ['close()', ({ db }) => db.close()],
  ];

  it.each(ends)('by %s serves the test no longer', async (how, end) => {
    const store = await openStore({ listen: true, seed: { k: 'v' } });
    const server = serverOf(store.db);
    const dump = await store.db.export();
    const base = await store.snapshot();
    await store.setBase();
    const session = await store.admin.session();
    const waiting = expect(store.command('BLPOP', 'list', 0)).rejects.toBeInstanceOf(Error);
    await end(store).catch(() => {});
    await waiting;
    const code = how === 'a failure of the engine' ? 'CRASHED' : 'CLOSED';
    const calls: (() => Promise<unknown>)[] = [
      () => store.db.command('PING'),
      () => store.command('GET', 'k'),
      () => store.admin.batch([['SET', 'k', 'w']]),
      () => session.command('GET', 'k'),
      () => store.data(),
      () => store.seed({ a: 'b' }),
      () => store.seedDump(dump),
      () => store.snapshot(),
      () => store.rollback(base),
      () => store.reset(),
      () => store.listen(),
      () => store.isolated(),
    ];
    for (const call of calls) await expect(call(), `${call}`).rejects.toEqual(coded(code));
    expect(store.isClosed).toBe(true);
    await store.close();

    let isCut = false;
    const onClose = () => {
      isCut = true;
    };
    const link = openLocalLink(server, { onData: () => {}, onClose }, { resp: 3 });
    await turn();
    expect(isCut).toBe(true);
    link.close();
    expect(server.engine.clients.size).toBe(0);
  });

  it('ends what waits for its commands', async () => {
    const store = await openStore();
    const waiting = store.commandsSeen('GET');
    const failed = expect(waiting).rejects.toThrow(/SHUTDOWN/);
    store.faults.stall('INCR');
    await store.db.command('SHUTDOWN').catch(() => {});
    await failed;
    expect(store.faults.active).toEqual([]);
  });
});

it('options that are no object are told to be', async () => {
  await expect(startRespite(null as never)).rejects.toEqual(coded('BAD_OPTION'));
});

it('a host that is not here is a bad option', async () => {
  const store = await openStore();
  await expect(store.listen({ host: 'no.such.host.invalid' })).rejects.toEqual(coded('BAD_OPTION'));
  await expect(store.listen({ prot: 1 } as never)).rejects.toEqual(coded('BAD_OPTION'));
});

it('what clients sent is kept up to a bound of bytes', async () => {
  const store = await openStore();
  const value = Buffer.alloc(1 << 20);
  for (let i = 0; i < 100; i += 1) await store.db.command('SET', `k${i}`, value);
  const sent = store.commands();
  expect(sent.length).toBeLessThan(65);
  expect(sent.at(-1)?.keys).toEqual(['k99']);
});
