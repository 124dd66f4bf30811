// What the tests of the test kit share: the ways an application reaches a store, each with the same few calls.

import { Redis, type RedisOptions } from 'ioredis';
import { createClient } from 'redis';
import { onTestFinished } from 'vitest';
import { ReplyError } from '../../src/index.ts';
import { startRespite, type TestStore, type TestStoreOptions } from '../../src/testing.ts';

/** A client of a store, whatever is behind it. */
export interface AppClient {
  /** Rejects with an error that has the error reply as its message. */
  call(...command: string[]): Promise<unknown>;
  /** Several commands in one write; replies, and errors as values. */
  pipeline(commands: string[][]): Promise<unknown[]>;
  close(): Promise<void>;
}

export interface Way {
  readonly name: string;
  connect(store: TestStore): Promise<AppClient>;
}

const settled = (results: PromiseSettledResult<unknown>[]) =>
  results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason));

/** Fails at once when there is no connection, and has another one soon. */
const IOREDIS_OPTIONS: RedisOptions = {
  lazyConnect: true,
  enableReadyCheck: false,
  maxRetriesPerRequest: 0,
  retryStrategy: () => 1,
};

async function overIoredis(redis: Redis): Promise<AppClient> {
  redis.on('error', () => {});
  await redis.connect();
  return {
    call: (name = '', ...args) => redis.call(name, ...args),
    pipeline: async (commands) => {
      const results = await redis.pipeline(commands.map((c) => ['call', ...c])).exec();
      return (results ?? []).map(([error, value]) => error ?? value);
    },
    close: async () => redis.disconnect(),
  };
}

async function overNodeRedis(socket: { path: string } | { port: number }): Promise<AppClient> {
  const client = createClient({
    disableOfflineQueue: true,
    socket: { ...socket, tls: false, reconnectStrategy: () => 1 },
  });
  client.on('error', () => {});
  await client.connect();
  return {
    call: (...command) => client.sendCommand(command),
    pipeline: async (commands) =>
      settled(await Promise.allSettled(commands.map((c) => client.sendCommand(c)))),
    close: async () => client.destroy(),
  };
}

export const WAYS: readonly Way[] = [
  {
    name: 'ioredis over TCP',
    connect: (store) => overIoredis(new Redis(store.url, IOREDIS_OPTIONS)),
  },
  {
    name: 'ioredis without a socket',
    connect: ({ db }) => overIoredis(new Redis({ Connector: db.connector, ...IOREDIS_OPTIONS })),
  },
  {
    name: 'node-redis over TCP',
    connect: ({ port }) => overNodeRedis({ port }),
  },
  {
    name: 'node-redis with the options of the store',
    connect: async ({ db }) => overNodeRedis((await db.nodeRedisOptions()).socket),
  },
  {
    name: 'the store itself',
    async connect({ db }) {
      return {
        call: async (name = '', ...args) => db.command(name, ...args),
        pipeline: (commands) => db.batch(commands),
        close: async () => {},
      };
    },
  },
];

/** A store that ends with the test. */
export async function openStore(options: TestStoreOptions = {}): Promise<TestStore> {
  const store = await startRespite(options);
  onTestFinished(() => store.close());
  return store;
}

/** A store and a client of it, both of which end with the test. */
export async function openApp(
  way: Way,
  options: TestStoreOptions = {},
): Promise<{ store: TestStore; app: AppClient }> {
  const store = await openStore({ listen: true, ...options });
  const app = await way.connect(store);
  onTestFinished(() => app.close());
  return { store, app };
}

/** The message of the error that a call ends with. */
export async function failure(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'no error';
}

export { ReplyError };
