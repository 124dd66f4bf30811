// node-redis, unmodified, as an application uses it, in both protocol versions.

import { createClient, createClientPool, RESP_TYPES } from 'redis';
import { afterEach, describe, expect, it } from 'vitest';
import { withTargets } from './support.ts';

withTargets('node-redis', (fixture) => {
  const closers: (() => unknown)[] = [];
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });

  describe.each([2, 3] as const)('in RESP%i', (RESP) => {
    async function connect(options: { database?: number; name?: string } = {}) {
      const client = createClient({ RESP, socket: { port: fixture.server.port }, ...options });
      client.on('error', () => {}); // A lost connection; `connect` and commands reject by themselves.
      await client.connect();
      closers.push(() => client.destroy());
      return client;
    }

    it('connects with a name and a database, and closes', async () => {
      const client = await connect({ database: 2, name: 'a-name' });
      expect(client.isReady).toBe(true);
      const info = await client.clientInfo();
      expect(info).toMatchObject({ name: 'a-name', db: 2, resp: RESP });
      await client.close();
      expect(client.isOpen).toBe(false);
    });

    it('sets and gets with every option', async () => {
      const client = await connect();
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
      const client = await connect();
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
      const client = await connect();
      const replies = await Promise.all(Array.from({ length: 3000 }, () => client.incr('n')));
      expect(replies).toEqual(Array.from({ length: 3000 }, (_, index) => index + 1));
      const batch = client.multi();
      for (let index = 0; index < 100; index++) batch.set(`k:${index}`, `${index}`);
      expect(new Set(await batch.execAsPipeline())).toEqual(new Set(['OK']));
    });

    it('rejects with the text of the error', async () => {
      const client = await connect();
      await client.set('k', 'x');
      await expect(client.incr('k')).rejects.toThrow('ERR value is not an integer or out of range');
      await expect(client.sendCommand(['NOSUCH', 'a'])).rejects.toThrow(
        "ERR unknown command 'NOSUCH', with args beginning with: 'a' ",
      );
      expect(await client.get('k')).toBe('x');
    });

    it('iterates over every key that matches', async () => {
      const client = await connect();
      const keys = Array.from({ length: 1500 }, (_, index) => `a:${index}`);
      await client.mSet([...keys.map((key): [string, string] => [key, 'v']), ['other', 'v']]);
      const seen = new Set<string>();
      for await (const page of client.scanIterator({ MATCH: 'a:*', COUNT: 100, TYPE: 'string' }))
        for (const key of page) seen.add(key);
      expect([...seen].sort()).toEqual(keys.sort());
    });

    it('reads maps where the protocol has them and where it has not', async () => {
      const client = await connect();
      expect(await client.configGet('maxclients')).toEqual({ maxclients: '10000' });
      const hello = await client.hello();
      expect(hello).toMatchObject({ server: 'redis', proto: RESP, mode: 'standalone' });
    });

    it('reads what the server says of itself', async () => {
      const client = await connect();
      expect(await client.info('server')).toContain(`tcp_port:${fixture.server.port}`);
      const id = await client.clientId();
      expect((await client.clientList()).map((one) => one.id)).toContain(id);
      const [get] = await client.commandInfo(['get']);
      expect(get).toMatchObject({ name: 'get', arity: 2, firstKeyIndex: 1, step: 1 });
      expect(get?.flags).toEqual(new Set(['readonly', 'fast']));
      expect(await client.commandCount()).toBeGreaterThan(50);
      await client.set('k', 'x'.repeat(1000));
      expect(await client.memoryUsage('k')).toBeGreaterThan(1000);
      expect(await client.objectEncoding('k')).toBe('raw');
      expect(Number((await client.time())[0])).toBeGreaterThan(1_600_000_000);
    });

    it('connects again, to its database', async () => {
      const client = await connect({ database: 3 });
      await client.set('k', 'three');
      const id = await client.clientId();
      const again = new Promise((resolve) => client.once('ready', resolve));
      await fixture.admin.call('CLIENT', 'KILL', 'ID', `${id}`);
      await again;
      expect(await client.get('k')).toBe('three');
      expect(await client.clientId()).toBeGreaterThan(id);
    });

    it('works on bits', async () => {
      const client = await connect();
      await client.setBit('bits', 7, 1);
      expect(await client.bitCount('bits')).toBe(1);
      expect(await client.bitPos('bits', 1)).toBe(7);
      expect(await client.bitOp('NOT', 'inverse', 'bits')).toBe(1);
      const set = { operation: 'SET', encoding: 'u8', offset: '#1', value: 255 } as const;
      expect(await client.bitField('bits', [set])).toEqual([0]);
    });

    it('shares a pool of connections', async () => {
      const pool = createClientPool(
        { RESP, socket: { port: fixture.server.port } },
        { minimum: 2, maximum: 5 },
      );
      pool.on('error', () => {});
      await pool.connect();
      await Promise.all(Array.from({ length: 500 }, () => pool.incr('shared')));
      expect(await pool.get('shared')).toBe('500');
      await pool.close();
    });
  });
});

withTargets(
  'node-redis with a password',
  (fixture) => {
    it.each([2, 3] as const)('authenticates in RESP%i, by URL', async (RESP) => {
      const url = `redis://default:secret@127.0.0.1:${fixture.server.port}/1`;
      const client = createClient({ RESP, url });
      client.on('error', () => {});
      await client.connect();
      expect(await client.set('k', 'v')).toBe('OK');
      await client.close();
    });

    it.each([2, 3] as const)('says in RESP%i that the password is wrong', async (RESP) => {
      const client = createClient({
        RESP,
        password: 'wrong',
        socket: { port: fixture.server.port, reconnectStrategy: false },
      });
      client.on('error', () => {});
      await expect(client.connect()).rejects.toThrow('WRONGPASS');
    });
  },
  ['--requirepass', 'secret'],
);
