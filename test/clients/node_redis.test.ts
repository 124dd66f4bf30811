// node-redis, unmodified, as an application uses it, in both protocol versions.

import { createClient } from 'redis';
import { afterEach, describe, expect, it } from 'vitest';
import { nodeRedisTests } from './node_redis_tests.ts';
import { withTargets } from './support.ts';

withTargets('node-redis', (fixture) => {
  const closers: (() => unknown)[] = [];
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });

  nodeRedisTests({
    options: () => ({ socket: { port: fixture.server.port } }),
    kill: (id) => fixture.admin.call('CLIENT', 'KILL', 'ID', `${id}`),
  });

  describe.each([2, 3] as const)('in RESP%i', (RESP) => {
    async function connect(options: { database?: number; name?: string } = {}) {
      const client = createClient({ RESP, socket: { port: fixture.server.port }, ...options });
      client.on('error', () => {}); // A lost connection; `connect` and commands reject by themselves.
      await client.connect();
      closers.push(() => client.destroy());
      return client;
    }

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
