// What programs are tested with: Respite, ioredis-mock, redis-memory-server, redis-server. Prints what can be
// measured of the table in the README: commands, time to the first reply, isolation.
//
//     npm run build && npm install --prefix bench/mocks --ignore-scripts && npx tsx bench/compare_mocks.ts
//
// redis-memory-server is given the system's redis-server: what it would compile at its installation.

import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Redis } from 'ioredis';
import { startServer, stopAllServers } from '../test/support/server.ts';
import { loadMocks } from './lib/mocks.ts';
import { findOnPath, REPOSITORY } from './lib/processes.ts';
import { median } from './lib/stats.ts';

const ENTRY = pathToFileURL(path.join(REPOSITORY, 'dist/src/index.js')).href;
const { Respite }: typeof import('../src/index.ts') = await import(ENTRY);
const { RedisMock, RedisMemoryServer, version } = loadMocks();

const ROUNDS = 9;

/** Commands, without subcommands, that a client is offered by name. */
async function commandNames(redis: Redis): Promise<string[]> {
  const names = (await redis.call('COMMAND', 'LIST')) as string[];
  return names.map((name) => name.toLowerCase()).filter((name) => !name.includes('|'));
}

/** Whether the mock has more of a command than a function that says that it has not. */
function mockHas(mock: Redis, name: string): boolean {
  const method: unknown = (mock as unknown as Record<string, unknown>)[name];
  return typeof method === 'function' && !String(method).includes('Unsupported command');
}

async function firstReplyMs(start: () => Promise<() => Promise<unknown>>): Promise<string> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const began = performance.now();
    const stop = await start();
    times.push(performance.now() - began);
    await stop();
  }
  return `${median(times).toFixed(1)} ms`;
}

async function pinged(redis: Redis): Promise<Redis> {
  await redis.ping();
  return redis;
}

const server = await startServer({ kind: 'redis' });
const real = new Redis({ port: server.port });
const store = await Respite.open();
const ours = new Redis({ Connector: store.connector });
const mock = new RedisMock();

const wanted = await commandNames(real);
const present = new Set(await commandNames(ours));
const release = /redis_version:(\S+)/.exec(await real.info('server'))?.[1];
const missing = wanted.filter((name) => !present.has(name));
const mocked = wanted.filter((name) => mockHas(mock, name));
await mock.set('k', 'v');
const isShared = (await new RedisMock().get('k')) === 'v';

const binary = findOnPath('redis-server');
if (binary === null) throw new Error('redis-server is not on PATH');
const rows = [
  [`commands of redis-server ${release}`, wanted.length],
  ['... of them Respite has', wanted.length - missing.length],
  ['... and beyond them', [...present].filter((name) => !wanted.includes(name)).length],
  [`... of them ioredis-mock ${version('ioredis-mock')} has`, mocked.length],
  ['two clients of ioredis-mock share their data', isShared ? 'yes' : 'no'],
  [
    'Respite: first reply',
    await firstReplyMs(async () => {
      const db = await Respite.open();
      await db.command('PING');
      return () => db.close();
    }),
  ],
  [
    'ioredis-mock: first reply',
    await firstReplyMs(async () => {
      const redis = await pinged(new RedisMock());
      return async () => redis.disconnect();
    }),
  ],
  [
    `redis-memory-server ${version('redis-memory-server')}: first reply`,
    await firstReplyMs(async () => {
      const memory = await RedisMemoryServer.create({ binary: { systemBinary: binary } });
      const redis = await pinged(new Redis({ port: await memory.getPort() }));
      return async () => {
        redis.disconnect();
        await memory.stop();
      };
    }),
  ],
  [
    `redis-server ${release}: first reply`,
    await firstReplyMs(async () => {
      const one = await startServer({ kind: 'redis' });
      const redis = await pinged(new Redis({ port: one.port }));
      return async () => {
        redis.disconnect();
        await one.stop();
      };
    }),
  ],
] as const;
for (const redis of [real, ours, mock]) redis.disconnect();
await store.close();
await stopAllServers();
process.stdout.write(`${rows.map(([what, value]) => `${what}: ${value}`).join('\n')}\n`);
process.stdout.write(`not in Respite: ${missing.join(', ') || 'none'}\n`);
process.exit(0);
