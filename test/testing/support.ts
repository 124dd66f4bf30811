// What the tests of the test kit share: the ways an application reaches a store, each with the same few calls.

import { Redis } from 'ioredis';
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

export const WAYS: readonly Way[] = [
  {
    name: 'ioredis over TCP',
    async connect(store) {
      const redis = new Redis(store.url, {
        lazyConnect: true,
        enableReadyCheck: false,
        maxRetriesPerRequest: 0,
        retryStrategy: () => 1,
      });
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
    },
  },
  {
    name: 'node-redis over TCP',
    async connect(store) {
      const client = createClient({
        url: store.url,
        disableOfflineQueue: true,
        socket: { reconnectStrategy: () => 1 },
      });
      client.on('error', () => {});
      await client.connect();
      return {
        call: (...command) => client.sendCommand(command),
        pipeline: async (commands) =>
          settled(await Promise.allSettled(commands.map((c) => client.sendCommand(c)))),
        close: async () => client.destroy(),
      };
    },
  },
  {
    name: 'the store itself',
    async connect(store) {
      return {
        call: async (name = '', ...args) => store.db.command(name, ...args),
        pipeline: (commands) => store.db.batch(commands),
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
