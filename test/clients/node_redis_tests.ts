// What an application does with node-redis, in both protocol versions, wherever the store is: the same sentences
// hold over TCP, to real servers as to ours, and inside of one process.

import { createClient, createClientPool, RESP_TYPES } from 'redis';
import { afterEach, describe, expect, it } from 'vitest';

export interface NodeRedisFixture {
  /** Options that lead to the store, which has empty databases at the beginning of a test. */
  options(): {
    readonly socket: { readonly path: string; readonly tls: false } | { readonly port: number };
  };
  /** Ends the client with this id, from the side of the server. */
  kill(id: number): Promise<unknown>;
}

export function nodeRedisTests({ options, kill }: NodeRedisFixture): void {
  const closers: (() => unknown)[] = [];
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });

  describe.each([2, 3] as const)('in RESP%i', (RESP) => {
    async function open(more: { database?: number; name?: string } = {}) {
      const client = createClient({ RESP, ...options(), ...more });
      client.on('error', () => {}); // A lost connection; `connect` and commands reject by themselves.
      await client.connect();
      closers.push(() => client.destroy());
      return client;
    }

    it('connects with a name and a database, and closes', async () => {
      const client = await open({ database: 2, name: 'a-name' });
      expect(client.isReady).toBe(true);
      const info = await client.clientInfo();
      expect(info).toMatchObject({ name: 'a-name', db: 2, resp: RESP });
      await client.close();
      expect(client.isOpen).toBe(false);
    });

    it('sets and gets with every option', async () => {
      const client = await open();
      const once = { condition: 'NX', expiration: { type: 'EX', value: 100 } } as const;
      expect(await client.set('k', 'one', once)).toBe('OK');
      expect(await client.set('k', 'two', once)).toBeNull();
      const keep = { expiration: 'KEEPTTL', GET: true } as const;
      expect(await client.set('k', 'three', keep)).toBe('one');
      expect(await client.ttl('k')).toBeGreaterThan(90);
      expect(await client.getEx('k', { type: 'PXAT', value: Date.now() + 5000 })).toBe('three');
      expect(await client.pTTL('k')).toBeLessThanOrEqual(5000);
      expect(await client.persist('k')).toBe(1);
      expect(await client.getDel('k')).toBe('three');
      expect(await client.exists(['k', 'none'])).toBe(0);
    });

    it('keeps numbers, bytes and empty strings as they are', async () => {
      const client = await open();
      const bytes = Buffer.from(Array.from({ length: 1024 }, (_, index) => index & 255));
      await client.set('bytes', bytes);
      const raw = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
      expect(bytes.equals((await raw.get('bytes')) as Buffer)).toBe(true);
      await client.mSet({ empty: '', n: '5' });
      expect(await client.mGet(['empty', 'none', 'n'])).toEqual(['', null, '5']);
      expect(await client.incrBy('n', 37)).toBe(42);
      expect(await client.incrByFloat('n', 0.5)).toBe('42.5');
      expect(await client.append('empty', 'x')).toBe(1);
      expect(await client.lcsLen('bytes', 'bytes')).toBe(1024);
    });

    it('answers many commands that were sent at once, in order', async () => {
      const client = await open();
      const replies = await Promise.all(Array.from({ length: 3000 }, () => client.incr('n')));
      expect(replies).toEqual(Array.from({ length: 3000 }, (_, index) => index + 1));
      const batch = client.multi();
      for (let index = 0; index < 100; index++) batch.set(`k:${index}`, `${index}`);
      expect(new Set(await batch.execAsPipeline())).toEqual(new Set(['OK']));
    });

    it('rejects with the text of the error', async () => {
      const client = await open();
      await client.set('k', 'x');
      await expect(client.incr('k')).rejects.toThrow('ERR value is not an integer or out of range');
      await expect(client.sendCommand(['NOSUCH', 'a'])).rejects.toThrow(
        "ERR unknown command 'NOSUCH', with args beginning with: 'a' ",
      );
      expect(await client.get('k')).toBe('x');
    });

    it('iterates over every key that matches', async () => {
      const client = await open();
      const keys = Array.from({ length: 1500 }, (_, index) => `a:${index}`);
      await client.mSet([...keys.map((key): [string, string] => [key, 'v']), ['other', 'v']]);
      const seen = new Set<string>();
      for await (const page of client.scanIterator({ MATCH: 'a:*', COUNT: 100, TYPE: 'string' }))
        for (const key of page) seen.add(key);
      expect([...seen].sort()).toEqual(keys.sort());
    });

    it('reads maps where the protocol has them and where it has not', async () => {
      const client = await open();
      expect(await client.configGet('maxclients')).toEqual({ maxclients: '10000' });
      const hello = await client.hello();
      expect(hello).toMatchObject({ server: 'redis', proto: RESP, mode: 'standalone' });
    });

    it('connects again, to its database', async () => {
      const client = await open({ database: 3 });
      await client.set('k', 'three');
      const id = await client.clientId();
      const again = new Promise((resolve) => client.once('ready', resolve));
      await kill(id);
      await again;
      expect(await client.get('k')).toBe('three');
      expect(await client.clientId()).toBeGreaterThan(id);
    });

    it('works on bits', async () => {
      const client = await open();
      await client.setBit('bits', 7, 1);
      expect(await client.bitCount('bits')).toBe(1);
      expect(await client.bitPos('bits', 1)).toBe(7);
      expect(await client.bitOp('NOT', 'inverse', 'bits')).toBe(1);
      const set = { operation: 'SET', encoding: 'u8', offset: '#1', value: 255 } as const;
      expect(await client.bitField('bits', [set])).toEqual([0]);
    });

    it('shares a pool of connections', async () => {
      const pool = createClientPool({ RESP, ...options() }, { minimum: 2, maximum: 5 });
      pool.on('error', () => {});
      await pool.connect();
      await Promise.all(Array.from({ length: 500 }, () => pool.incr('shared')));
      expect(await pool.get('shared')).toBe('500');
      await pool.close();
    });

    it('works with hashes, lists, sets, sorted sets and streams', async () => {
      const client = await open();
      await client.hSet('h', { a: '1', b: '2' });
      expect({ ...(await client.hGetAll('h')) }).toEqual({ a: '1', b: '2' });
      await client.rPush('l', ['a', 'b', 'c']);
      expect(await client.lRange('l', 0, -1)).toEqual(['a', 'b', 'c']);
      await client.sAdd('s', ['x', 'y']);
      expect([...(await client.sMembers('s'))].sort()).toEqual(['x', 'y']);
      await client.zAdd('z', [
        { score: 1, value: 'one' },
        { score: 2.5, value: 'two' },
      ]);
      expect(await client.zRangeWithScores('z', 0, -1)).toEqual([
        { score: 1, value: 'one' },
        { score: 2.5, value: 'two' },
      ]);
      await client.xAdd('st', '1-1', { f: 'v' });
      const entries = await client.xRange('st', '-', '+');
      expect(entries?.map(({ id }) => id)).toEqual(['1-1']);
    });

    it('runs transactions, and none when a watched key has changed', async () => {
      const client = await open();
      expect(await client.multi().set('a', 1).incr('a').get('a').exec()).toEqual(['OK', 2, '2']);
      await client.watch('a');
      await (await open()).set('a', 'changed');
      await expect(client.multi().set('a', 'mine').exec()).rejects.toThrow();
      expect(await client.get('a')).toBe('changed');
    });

    it('hears what is published, by channel and by pattern', async () => {
      const subscriber = await open();
      const messages: string[][] = [];
      let arrived = () => {};
      const all = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      const note = (message: string, channel: string) => {
        messages.push([channel, message]);
        if (messages.length === 2) arrived();
      };
      await subscriber.subscribe('news', note);
      await subscriber.pSubscribe('n*', note);
      const publisher = await open();
      expect(await publisher.publish('news', 'hello')).toBe(2);
      await all;
      expect(messages).toEqual([
        ['news', 'hello'],
        ['news', 'hello'],
      ]);
      await subscriber.unsubscribe('news');
      await subscriber.pUnsubscribe('n*');
      expect(await publisher.publish('news', 'nobody')).toBe(0);
    });

    it('waits in blocking commands', async () => {
      const client = await open();
      const waiting = (await open()).blPop('queue', 0);
      expect(await (await open()).brPop('none', 0.05)).toBeNull();
      await client.rPush('queue', 'job');
      expect({ ...(await waiting) }).toEqual({ key: 'queue', element: 'job' });
    });
  });
}
