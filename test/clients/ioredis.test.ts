// ioredis, unmodified, as an application uses it.

import { Redis, type RedisOptions } from 'ioredis';
import { afterEach, expect, it } from 'vitest';
import { ioredisTests } from './ioredis_tests.ts';
import { withTargets } from './support.ts';

withTargets('ioredis', (fixture) => {
  const open: Redis[] = [];
  afterEach(() => {
    for (const redis of open.splice(0)) redis.disconnect();
  });

  function connect(options: RedisOptions = {}): Redis {
    const redis = new Redis({ host: '127.0.0.1', port: fixture.server.port, ...options });
    open.push(redis);
    return redis;
  }

  ioredisTests({
    connect,
    kill: (id) => fixture.admin.call('CLIENT', 'KILL', 'ID', `${id}`),
    track: (redis) => open.push(redis),
  });

  it('connects to a Unix socket', async () => {
    expect(await connect({ path: fixture.server.unixSocket! }).ping('hello')).toBe('hello');
  });
});

withTargets(
  'ioredis with a password',
  (fixture) => {
    it('authenticates', async () => {
      const redis = new Redis({
        port: fixture.server.port,
        username: 'default',
        password: 'secret',
      });
      expect(await redis.set('k', 'v')).toBe('OK');
      redis.disconnect();
    });

    it('says that the password is wrong', async () => {
      const redis = new Redis({
        ...{ port: fixture.server.port, password: 'wrong', lazyConnect: true },
        retryStrategy: () => null,
      });
      const complaints: string[] = [];
      redis.on('error', (error: Error) => complaints.push(error.message));
      await expect(redis.connect().then(() => redis.get('k'))).rejects.toThrow();
      expect(complaints.join()).toContain('WRONGPASS');
      redis.disconnect();
    });
  },
  ['--requirepass', 'secret'],
);
