// ioredis without a socket, beside the store in one process.

import { Redis, type RedisOptions } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Respite } from '../../src/index.ts';
import { ioredisTests } from '../clients/ioredis_tests.ts';

const open: Redis[] = [];
let db: Respite;

beforeAll(async () => {
  db = await Respite.open();
});
beforeEach(() => db.command('FLUSHALL'));
afterEach(() => {
  for (const redis of open.splice(0)) redis.disconnect();
});
afterAll(() => db.close());

function connect(options: RedisOptions = {}): Redis {
  const redis = new Redis({ Connector: db.connector, ...options });
  open.push(redis);
  return redis;
}

describe('the connector', () => {
  ioredisTests({
    connect,
    kill: (id) => db.command('CLIENT', 'KILL', 'ID', id),
    track: (redis) => open.push(redis),
  });

  describe('in RESP3', () => {
    ioredisTests({
      connect: (options) => connect({ protocol: 3, ...options }),
      kill: (id) => db.command('CLIENT', 'KILL', 'ID', id),
      track: (redis) => open.push(redis),
    });
  });

  it('serves the same data as the store itself', async () => {
    const redis = connect();
    await db.command('SET', 'from', 'inside');
    expect(await redis.get('from')).toBe('inside');
    await redis.set('from', 'outside');
    expect(await db.command('GET', 'from')).toBe('outside');
  });

  it('hands a duplicate of a client on', async () => {
    const redis = connect();
    const other = redis.duplicate();
    open.push(other);
    expect(await other.set('k', 'v')).toBe('OK');
    expect(await redis.get('k')).toBe('v');
  });

  it('follows the time of a manual clock', async () => {
    const still = await Respite.open({ clock: 'manual' });
    const redis = new Redis({ Connector: still.connector });
    await redis.set('k', 'v', 'EX', 10);
    const waiting = redis.blpop('queue', 60);
    const other = redis.duplicate();
    await other.ping();
    await still.clock.advance(60_000);
    expect(await waiting).toBeNull();
    expect(await redis.get('k')).toBeNull();
    redis.disconnect();
    other.disconnect();
    await still.close();
  });

  it('ends clients with the store, and refuses new ones', async () => {
    const other = await Respite.open();
    const complaints: string[] = [];
    const options = { Connector: other.connector, retryStrategy: () => null };
    const redis = new Redis(options);
    redis.on('error', (error) => complaints.push(error.message));
    await redis.set('k', 'v');
    const ended = new Promise((resolve) => redis.once('end', resolve));
    await other.close();
    await ended;
    await expect(redis.get('k')).rejects.toThrow('Connection is closed');
    const late = new Redis({ ...options, lazyConnect: true });
    late.on('error', () => {});
    await expect(late.connect()).rejects.toMatchObject({ code: 'CLOSED' });
    expect(complaints).toEqual([]);
  });

  it('takes a password', async () => {
    const other = await Respite.open({ config: { requirepass: 'secret' } });
    const redis = new Redis({ Connector: other.connector, password: 'secret' });
    expect(await redis.set('k', 'v')).toBe('OK');
    redis.disconnect();
    await other.close();
  });
});
