// node-redis beside the store in one process, over the socket that only the two know of.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { createClient } from 'redis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type NodeRedisOptions, Respite } from '../../src/index.ts';
import { privateSocket } from '../../src/node/connectors/node_redis.ts';
import { nodeRedisTests } from '../clients/node_redis_tests.ts';

let db: Respite;
let options: NodeRedisOptions;

beforeAll(async () => {
  db = await Respite.open();
  options = await db.nodeRedisOptions();
});
beforeEach(() => db.command('FLUSHALL'));
afterAll(() => db.close());

describe('the options for node-redis', () => {
  nodeRedisTests({
    options: () => options,
    kill: (id) => db.command('CLIENT', 'KILL', 'ID', id),
  });

  it('are the same for all, and gone with the store', async () => {
    const other = await Respite.open();
    const [first, second] = await Promise.all([other.nodeRedisOptions(), other.nodeRedisOptions()]);
    expect(second).toEqual(first);
    expect(first).not.toEqual(options);
    const client = createClient({ ...first });
    client.on('error', () => {});
    await client.connect();
    await client.set('k', 'v');
    expect(await other.command('GET', 'k')).toBe('v');
    client.destroy();
    await other.close();
    expect(existsSync(path.dirname(first.socket.path))).toBe(false);
    await expect(other.nodeRedisOptions()).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('name a pipe on Windows', () => {
    expect(privateSocket('win32').path).toMatch(/^\\\\\.\\pipe\\respite-[0-9a-f-]{36}$/);
  });
});
