// The connections of an embedded store: what is called off, refused or lost on one of them leaves the others, and
// what comes later, as they were.

import { describe, expect, it, onTestFinished } from 'vitest';
import { Connection } from '../../src/embedded/connection.ts';
import { Subscription } from '../../src/embedded/subscription.ts';
import { type OpenOptions, type Reply, Respite } from '../../src/index.ts';
import { startRespite } from '../../src/testing.ts';

async function open(options?: OpenOptions): Promise<Respite> {
  const db = await Respite.open(options);
  onTestFinished(() => db.close());
  return db;
}

const coded = (code: string) => expect.objectContaining({ code });
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

describe('a blocking command of a session', () => {
  const ways: [
    string,
    (session: Awaited<ReturnType<Respite['session']>>, signal: AbortSignal) => Promise<unknown>,
  ][] = [
    ['by itself', (session, signal) => session.with({ signal }).command('BLPOP', 'q', 0)],
    [
      'in a batch',
      (session, signal) => session.with({ signal }).batch([['BLPOP', 'q', 0], ['PING']]),
    ],
    [
      'prepared',
      (session, signal) =>
        session
          .with({ signal })
          .prepare([['BLPOP', 'q', 0]])
          .run(),
    ],
  ];
  it.each(ways)('%s is taken back when it is aborted', async (_, block) => {
    const db = await open();
    const session = await db.session();
    const controller = new AbortController();
    const waiting = block(session, controller.signal);
    const behind = session.command('PING');
    controller.abort();
    await expect(waiting).rejects.toEqual(coded('ABORTED'));
    await expect(behind).rejects.toEqual(coded('ABORTED'));
    expect(session.isClosed).toBe(true);
    await expect(session.command('PING')).rejects.toEqual(coded('ABORTED'));
    await db.command('RPUSH', 'q', 'job');
    expect(await db.command('LRANGE', 'q', 0, -1)).toEqual(['job']);
  });

  it('takes nothing any more once it is aborted', async () => {
    const db = await open();
    for (const where of [db, await db.session()]) {
      const controller = new AbortController();
      const waiting = where.with({ signal: controller.signal }).command('BLPOP', 'q', 0);
      await db.command('PING');
      controller.abort();
      // In the same turn.
      const pushed = db.command('RPUSH', 'q', 'job');
      await expect(waiting).rejects.toEqual(coded('ABORTED'));
      expect(await pushed).toBe(1);
      expect(await db.command('LPOP', 'q')).toBe('job');
    }
  });

  it('that has its reply has the session go on', async () => {
    const db = await open();
    const session = await db.session();
    const controller = new AbortController();
    await db.command('RPUSH', 'q', 'job');
    const view = session.with({ signal: controller.signal });
    expect(await view.command('BLPOP', 'q', 0)).toEqual(['q', 'job']);
    controller.abort();
    expect(await session.command('PING')).toBe('PONG');
  });
});

describe('a transaction', () => {
  it('refuses what a session cannot send, and what begins and ends it', async () => {
    const db = await open();
    const session = await db.session();
    for (const view of [db, session]) {
      for (const [name, ...args] of [
        ['SUBSCRIBE', 'c'],
        ['CLIENT', 'REPLY', 'OFF'],
        ['MULTI'],
        ['exec'],
        ['DISCARD'],
      ] as [string, ...string[]][]) {
        const transaction = view
          .transaction()
          .command('SET', 'k', 1)
          .command(name, ...args);
        await expect(transaction.run(), name).rejects.toEqual(coded('BAD_OPTION'));
      }
      expect(await view.command('EXISTS', 'k')).toBe(0);
      expect(await view.transaction().command('SET', 'k', 1).command('DEL', 'k').run()).toEqual([
        'OK',
        1,
      ]);
    }
  });
});

describe('a subscription', () => {
  it('survives a channel that is none', async () => {
    const db = await open();
    const subscription = await db.subscribe('a');
    await expect(subscription.subscribe(undefined as never)).rejects.toEqual(coded('BAD_OPTION'));
    await subscription.subscribe('b');
    expect(await db.command('PUBSUB', 'NUMSUB', 'b')).toEqual(['b', 1]);
    await subscription.close();
  });

  it('has left all its channels when the server has said so of each', async () => {
    let tell: (bytes: Uint8Array) => void = () => {};
    const subscription = new Subscription(
      (handlers) => {
        tell = handlers.onData;
        return { room: (length) => new Uint8Array(length), send: () => {}, close: () => {} };
      },
      'channel',
      () => {},
    );
    const order: string[] = [];
    const note = (what: string) => () => void order.push(what);
    void subscription.subscribe('a', 'b').then(note('a and b'));
    void subscription.unsubscribe().then(note('left'));
    void subscription.subscribe('c').then(note('c'));
    const word = async (what: string, channel: string, count: number) => {
      order.push(`${what} ${channel}`);
      tell(Buffer.from(`>3\r\n+${what}\r\n+${channel}\r\n:${count}\r\n`));
      await new Promise(setImmediate);
    };
    await word('subscribe', 'a', 1);
    await word('subscribe', 'b', 2);
    await word('unsubscribe', 'a', 1);
    await word('unsubscribe', 'b', 0);
    await word('subscribe', 'c', 1);
    expect(order).toEqual([
      'subscribe a',
      'subscribe b',
      'a and b',
      'unsubscribe a',
      'unsubscribe b',
      'left',
      'subscribe c',
      'c',
    ]);
  });

  it('has bytes for who asks for them', async () => {
    const db = await open();
    const bytes = new Uint8Array([0, 255, 13, 10, 200]);
    const [channel, pattern, shard] = await Promise.all([
      db.subscribe({ buffers: true }, 'c'),
      db.psubscribe({ buffers: true }, 'c*'),
      db.ssubscribe({ buffers: true }, 'c'),
    ]);
    await db.command('PUBLISH', 'c', bytes);
    await db.command('SPUBLISH', 'c', bytes);
    expect((await channel.next()).value).toEqual({ channel: 'c', message: bytes });
    expect((await pattern.next()).value).toEqual({ channel: 'c', pattern: 'c*', message: bytes });
    expect((await shard.next()).value).toEqual({ channel: 'c', message: bytes });
    await channel.unsubscribe();
    await expect(db.subscribe({ buffers: true })).rejects.toEqual(coded('BAD_OPTION'));
  });
});

it('a monitor that cannot begin leaves no connection', async () => {
  await using store = await startRespite();
  store.faults.error('MONITOR', 'not today');
  await expect(store.db.monitor()).rejects.toThrow('not today');
  await new Promise(setImmediate);
  expect(await store.command('CLIENT', 'LIST')).toMatch(/^[^\n]*\n$/);
});

describe('the end of a store by itself', () => {
  it('is the reason for whatever is used then', async () => {
    const db = await open();
    const [session, subscription, monitor] = [
      await db.session(),
      await db.subscribe('c'),
      await db.monitor(),
    ];
    const reading = subscription.next();
    await expect(db.command('DEBUG', 'PANIC')).rejects.toEqual(coded('CRASHED'));
    await expect(session.command('PING')).rejects.toEqual(coded('CRASHED'));
    await expect(reading).rejects.toEqual(coded('CRASHED'));
    const readAll = async () => {
      for await (const _ of monitor);
    };
    await expect(readAll()).rejects.toEqual(coded('CRASHED'));
  });

  it('is told to loops also when SHUTDOWN asked for it', async () => {
    const db = await open();
    const subscription = await db.subscribe('c');
    await expect(db.command('SHUTDOWN')).rejects.toEqual(coded('CLOSED'));
    await expect(subscription.next()).rejects.toThrow(/SHUTDOWN/);
  });
});

describe('a connection of the program', () => {
  it('may send while it receives', async () => {
    const db = await open();
    const received: string[] = [];
    const link = db.connect(
      {
        onData: (bytes) => {
          received.push(text(bytes));
          // A message, or the reply to this: more to be sent, here and elsewhere.
          if (received.length > 3) return;
          const request = Buffer.from('*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n');
          link.room(request.length).set(request);
          link.send(request.length);
          void db.command('SET', `seen:${received.length}`, 'x'.repeat(10));
        },
        onClose: () => {},
      },
      { resp: 3 },
    );
    const subscribe = Buffer.from('*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n');
    link.room(subscribe.length).set(subscribe);
    link.send(subscribe.length);
    await db.batch([
      ['PUBLISH', 'c', 'one'],
      ['PUBLISH', 'c', 'two'],
    ]);
    await expect.poll(() => received.join('')).toMatch(/one.*two/s);
    await expect.poll(() => db.command('EXISTS', 'seen:1', 'seen:2', 'seen:3')).toBe(3);
    await expect.poll(() => received.join('').match(/\$2\r\nhi\r\n/g)?.length).toBe(3);
    link.close();
  });

  it('hears nothing behind its close', async () => {
    const db = await open();
    const told: string[] = [];
    const link = db.connect({
      onData: () => told.push('data'),
      onClose: () => told.push('close'),
    });
    link.room(6).set(Buffer.from('PING\r\n'));
    link.send(6);
    link.close();
    await new Promise(setImmediate);
    expect(told).toEqual([]);
  });
});

it('a request that could not be sent takes nobody else’s reply', async () => {
  let answer: (bytes: Uint8Array) => void = () => {};
  let isBroken = true;
  const connection = new Connection((handlers) => {
    answer = handlers.onData;
    return {
      room: (length) => new Uint8Array(length),
      send: () => {
        if (isBroken) throw new Error('not sent');
      },
      close: () => {},
    };
  });
  const replies: unknown[] = [];
  const waiting = (name: string) => ({
    left: 1,
    wantsBuffers: false,
    onReply: (reply: Reply) => replies.push([name, reply]),
    onFailure: () => {},
  });
  expect(() => connection.send([['FIRST']], waiting('first'))).toThrow('not sent');
  expect(() => connection.sendOne(['SECOND'], waiting('second'))).toThrow('not sent');
  isBroken = false;
  connection.sendOne(['THIRD'], waiting('third'));
  answer(Buffer.from('+reply\r\n'));
  expect(replies).toEqual([['third', 'reply']]);
});
