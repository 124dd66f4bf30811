// What an application does with ioredis, wherever the store is: the same sentences hold over sockets, to real
// servers as to ours, and without sockets.

import type { Redis, RedisOptions } from 'ioredis';
import { expect, it } from 'vitest';

export interface IoredisFixture {
  /** A client, with empty databases behind it; the fixture ends it after the test. */
  connect(options?: RedisOptions): Redis;
  /** Ends the client with this id, from the side of the server. */
  kill(id: number): Promise<unknown>;
  /** A client that the test made otherwise. */
  track(redis: Redis): void;
}

export function ioredisTests({ connect, kill, track }: IoredisFixture): void {
  it('gets ready, and closes with QUIT', async () => {
    const redis = connect({ lazyConnect: true, connectionName: 'a-name' });
    await redis.connect();
    expect(redis.status).toBe('ready');
    expect(await redis.client('GETNAME')).toBe('a-name');
    const ended = new Promise((resolve) => redis.once('end', resolve));
    expect(await redis.quit()).toBe('OK');
    await ended;
  });

  it('sets and gets with every option', async () => {
    const redis = connect();
    expect(await redis.set('k', 'one', 'EX', 100, 'NX')).toBe('OK');
    expect(await redis.set('k', 'two', 'NX')).toBeNull();
    expect(await redis.set('k', 'three', 'KEEPTTL', 'GET')).toBe('one');
    expect(await redis.ttl('k')).toBeGreaterThan(90);
    expect(await redis.getex('k', 'PERSIST')).toBe('three');
    expect(await redis.ttl('k')).toBe(-1);
    expect(await redis.getdel('k')).toBe('three');
    expect(await redis.get('k')).toBeNull();
  });

  it('keeps numbers, bytes and empty strings as they are', async () => {
    const redis = connect();
    const bytes = Buffer.from(Array.from({ length: 1024 }, (_, index) => index & 255));
    await redis.mset('bytes', bytes, 'empty', '');
    expect((await redis.getBuffer('bytes'))?.equals(bytes)).toBe(true);
    expect(await redis.mget('empty', 'none')).toEqual(['', null]);
    expect(await redis.incrby('n', 9_007_199_254_740_000)).toBe(9_007_199_254_740_000);
    expect(await redis.incrbyfloat('n', 0.5)).toBe('9007199254740000.5');
    expect(await redis.strlen('bytes')).toBe(1024);
  });

  it('carries a value of ten megabytes both ways', async () => {
    const redis = connect();
    const value = Buffer.alloc(10_000_000, 'abcdefg');
    await redis.set('large', value);
    expect((await redis.getBuffer('large'))?.equals(value)).toBe(true);
  });

  it('gets the replies of a pipeline in order, errors in their place', async () => {
    const redis = connect();
    const pipeline = redis.pipeline().set('text', 'x');
    for (let index = 0; index < 2000; index++) pipeline.incr('n');
    const replies = await pipeline.incr('text').get('n').exec();
    expect(replies).toHaveLength(2003);
    expect(replies?.slice(1, 2001).map(([, value]) => value)).toEqual(
      Array.from({ length: 2000 }, (_, index) => index + 1),
    );
    expect(replies?.[2001]?.[0]?.message).toBe('ERR value is not an integer or out of range');
    expect(replies?.[2002]).toEqual([null, '2000']);
  });

  it('pipelines by itself what is asked for at once', async () => {
    const redis = connect({ enableAutoPipelining: true });
    await Promise.all(
      Array.from({ length: 500 }, (_, index) => redis.set(`k:${index}`, `${index}`)),
    );
    const values = await Promise.all(
      Array.from({ length: 500 }, (_, index) => redis.get(`k:${index}`)),
    );
    expect(values).toEqual(Array.from({ length: 500 }, (_, index) => `${index}`));
  });

  it('rejects with the text of the error and the command', async () => {
    const redis = connect();
    await redis.set('k', 'x');
    await expect(redis.incr('k')).rejects.toMatchObject({
      name: 'ReplyError',
      message: 'ERR value is not an integer or out of range',
      command: { name: 'incr', args: ['k'] },
    });
    await expect(redis.call('NOSUCH', 'a')).rejects.toThrow(
      "ERR unknown command 'NOSUCH', with args beginning with: 'a' ",
    );
  });

  it('streams every key that matches', async () => {
    const redis = connect();
    const keys = Array.from({ length: 1500 }, (_, index) => `a:${index}`);
    await redis.mset(...keys.flatMap((key) => [key, 'v']), 'other', 'v');
    const seen = new Set<string>();
    for await (const page of redis.scanStream({ match: 'a:*', count: 100, type: 'string' }))
      for (const key of page as string[]) seen.add(key);
    expect([...seen].sort()).toEqual(keys.sort());
  });

  it('counts exactly with many connections at once', async () => {
    const clients = Array.from({ length: 40 }, () => connect());
    await Promise.all(
      clients.flatMap((redis) => Array.from({ length: 50 }, () => redis.incr('shared'))),
    );
    expect(await connect().get('shared')).toBe('2000');
  });

  it('connects again, selects its database again and sends what waited', async () => {
    const redis = connect({ db: 3, retryStrategy: () => 10 });
    await redis.set('k', 'three');
    const id = await redis.client('ID');
    const closed = new Promise((resolve) => redis.once('close', resolve));
    await kill(id);
    await closed;
    expect(await redis.get('k')).toBe('three');
    expect(await redis.client('ID')).toBeGreaterThan(id);
  });

  it('prefixes keys where the commands have them', async () => {
    const redis = connect({ keyPrefix: 'app:' });
    await redis.mset({ a: '1', b: '2' });
    await redis.bitop('OR', 'c', 'a', 'b');
    expect((await connect().keys('*')).sort()).toEqual(['app:a', 'app:b', 'app:c']);
  });

  it('works on bits', async () => {
    const redis = connect();
    expect(await redis.setbit('bits', 7, 1)).toBe(0);
    expect(await redis.bitcount('bits')).toBe(1);
    expect(await redis.bitpos('bits', 1)).toBe(7);
    const fields = 'SET u8 #1 255 OVERFLOW FAIL INCRBY u8 #1 1'.split(' ');
    expect(await redis.call('BITFIELD', 'bits', ...fields)).toEqual([0, null]);
  });

  it('monitors what others do', async () => {
    const monitor = await connect().monitor();
    track(monitor);
    const seen = new Promise<string[]>((resolve) => {
      monitor.on('monitor', (_time: string, args: string[]) => {
        if (args[0] === 'set') resolve(args);
      });
    });
    await connect().set('k', 'a "b"');
    expect(await seen).toEqual(['set', 'k', 'a "b"']);
  });

  it('works with hashes, lists, sets, sorted sets and streams', async () => {
    const redis = connect();
    await redis.hset('h', { a: '1', b: '2' });
    expect(await redis.hgetall('h')).toEqual({ a: '1', b: '2' });
    expect(await redis.hincrby('h', 'a', 4)).toBe(5);
    await redis.rpush('l', 'a', 'b', 'c');
    expect(await redis.lrange('l', 0, -1)).toEqual(['a', 'b', 'c']);
    await redis.sadd('s', 'x', 'y');
    expect((await redis.smembers('s')).sort()).toEqual(['x', 'y']);
    await redis.zadd('z', '1', 'one', '2.5', 'two');
    expect(await redis.zrange('z', '0', '-1', 'WITHSCORES')).toEqual(['one', '1', 'two', '2.5']);
    await redis.xadd('st', '1-1', 'f', 'v');
    expect(await redis.xrange('st', '-', '+')).toEqual([['1-1', ['f', 'v']]]);
  });

  it('runs transactions, and none when a watched key has changed', async () => {
    const redis = connect();
    const replies = await redis.multi().set('a', 1).incr('a').get('a').exec();
    expect(replies).toEqual([
      [null, 'OK'],
      [null, 2],
      [null, '2'],
    ]);
    await redis.watch('a');
    await connect().set('a', 'changed');
    expect(await redis.multi().set('a', 'mine').exec()).toBeNull();
    expect(await redis.get('a')).toBe('changed');
    await expect(redis.multi().set('a', 1).call('NOSUCH').exec()).rejects.toThrow('EXECABORT');
  });

  it('hears what is published, by channel and by pattern', async () => {
    const subscriber = connect();
    const messages: string[][] = [];
    let arrived = () => {};
    const all = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const note = (...message: string[]) => {
      messages.push(message);
      if (messages.length === 3) arrived();
    };
    subscriber.on('message', (channel: string, text: string) => note(channel, text));
    subscriber.on('pmessage', (...all: string[]) => note(...all));
    expect(await subscriber.subscribe('news', 'other')).toBe(2);
    expect(await subscriber.psubscribe('n*')).toBe(3);
    const publisher = connect();
    expect(await publisher.publish('news', 'hello')).toBe(2);
    expect(await publisher.publish('other', 'world')).toBe(1);
    await all;
    expect(messages.sort()).toEqual([
      ['n*', 'news', 'hello'],
      ['news', 'hello'],
      ['other', 'world'],
    ]);
    expect(await subscriber.unsubscribe('news', 'other')).toBe(1);
    expect(await subscriber.punsubscribe('n*')).toBe(0);
    expect(await publisher.publish('news', 'nobody')).toBe(0);
  });

  it('may answer a message from within its listener', async () => {
    const subscriber = connect();
    const worker = connect();
    await subscriber.subscribe('jobs');
    const done = new Promise((resolve) => {
      subscriber.on('message', (_channel: string, job: string) => {
        worker.set(job, 'done').then(resolve);
      });
    });
    await connect().publish('jobs', 'job:1');
    expect(await done).toBe('OK');
    expect(await worker.get('job:1')).toBe('done');
  });

  it('waits in blocking commands', async () => {
    const redis = connect();
    const waiting = connect().blpop('queue', 0);
    const stream = connect().xread('BLOCK', 0, 'STREAMS', 'st', '0');
    expect(await connect().brpop('none', 0.05)).toBeNull();
    await redis.rpush('queue', 'job');
    expect(await waiting).toEqual(['queue', 'job']);
    await redis.xadd('st', '1-1', 'f', 'v');
    expect(await stream).toEqual([['st', [['1-1', ['f', 'v']]]]]);
  });

  it('rejects what waits when it disconnects', async () => {
    const redis = connect();
    const waiting = redis.blpop('queue', 0);
    const refused = expect(waiting).rejects.toThrow('Connection is closed');
    await connect().ping();
    redis.disconnect();
    await refused;
  });
}
