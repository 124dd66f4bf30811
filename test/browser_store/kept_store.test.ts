// A store with a name as a page has it, in this process: engine, files and tabs are the real ones, the browser's
// storage and its worker are not.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openKeptStore } from '../../src/browser/kept_store.ts';
import type { StoreOptions } from '../../src/browser/options.ts';
import { ALIVE, type Port, serveBackend } from '../../src/browser/storage/port_backend.ts';
import type { StoreHome } from '../../src/browser/store_home.ts';
import { loadCoreModule } from '../../src/core/load.node.ts';
import { Connection } from '../../src/embedded/connection.ts';
import type { RespiteError } from '../../src/embedded/errors.ts';
import type { CommandArg, Reply } from '../../src/embedded/reply.ts';
import { request } from '../../src/embedded/requests.ts';
import { MemoryBackend } from '../support/memory_backend.ts';
import { MemoryLocks } from '../support/memory_locks.ts';
import { MemoryOpfs } from '../support/memory_opfs.ts';

/** Workers that were started, by what ends them: without a word, as a browser does. */
let workers: (() => void)[];
let files: MemoryBackend;
let locks: MemoryLocks;
const opened: StoreHome[] = [];

beforeEach(() => {
  workers = [];
  files = new MemoryBackend();
  locks = new MemoryLocks();
  vi.stubGlobal('navigator', { locks, storage: new MemoryOpfs() });
  // There are workers; those of a test come from `startFilesWorker`.
  vi.stubGlobal('Worker', class {});
});

afterEach(async () => {
  for (const home of opened.splice(0)) await home.close().catch(() => {});
  vi.unstubAllGlobals();
});

/** A worker that has the files, and holds a lock until it ends. */
function startFilesWorker(): Worker {
  const { port1, port2 } = new MessageChannel();
  let release = () => {};
  const life = new Promise<void>((resolve) => {
    release = resolve;
  });
  port2.onmessage = ({ data }) => {
    void locks.request(data.lock, () => {
      port2.postMessage({ id: ALIVE });
      return life;
    });
    files = new MemoryBackend(undefined, files.contents());
    void serveBackend(port2 as unknown as Port, async () => files);
  };
  const terminate = () => {
    port2.close();
    release();
  };
  workers.push(terminate);
  return Object.assign(port1, { terminate }) as unknown as Worker;
}

async function open(options: StoreOptions = {}): Promise<StoreHome> {
  const how = { name: 'kept', storage: 'opfs', durability: 'strict', ...options } as const;
  const home = await openKeptStore(how, loadCoreModule(), startFilesWorker);
  opened.push(home);
  return home;
}

function call(home: StoreHome, ...command: CommandArg[]): Promise<Reply> {
  return request(new Connection(home.openLink), command, {});
}

/** Waits until so many clients wait for something. */
async function blockedClients(home: StoreHome, count: number): Promise<void> {
  const stats = () => call(home, 'INFO', 'clients').then(String);
  while (!(await stats()).includes(`blocked_clients:${count}`));
}

it('a store whose files have gone with their worker ends, and the next tab leads', async () => {
  const first = await open();
  const second = await open();
  await call(second, 'SET', 'a', '1');
  const waiting = call(second, 'BLPOP', 'list', 0).catch((error: RespiteError) => error.code);
  await blockedClients(first, 1);
  const blocked = call(first, 'BLPOP', 'list', 0).catch((error: RespiteError) => error.code);
  workers[0]?.();
  expect(await first.ended).toMatchObject({
    code: 'STORAGE',
    message: 'The worker that has the files was ended',
  });
  expect([await waiting, await blocked]).toEqual(['CONNECTION_LOST', 'STORAGE']);
  expect(await call(second, 'INCR', 'a')).toBe(2);
  expect(second.keeping?.isLeader).toBe(true);
  expect(() => call(first, 'GET', 'a')).toThrow('The worker that has the files was ended');
  await first.close();
});

describe('a store with directives of its own', () => {
  /** Fields that need another encoding unless the directive holds. */
  const FIELDS = Array.from({ length: 600 }, (_, i) => [`field ${i}`, i]).flat();
  const config = { 'hash-max-listpack-entries': 1000 };

  it.each(['log', 'snapshot'])('has them before its data come from the %s', async (where) => {
    const first = await open({ config });
    await call(first, 'HSET', 'hash', ...FIELDS);
    if (where === 'snapshot') await call(first, 'SAVE');
    const encoding = await call(first, 'OBJECT', 'ENCODING', 'hash');
    await first.close();
    const second = await open({ config });
    expect(await call(second, 'OBJECT', 'ENCODING', 'hash')).toBe(encoding);
    expect(encoding).toBe('listpack');
  });

  it('knows what is durable, and no client that was not its own', async () => {
    const first = await open({ config });
    await call(first, 'SET', 'a', '1');
    await first.close();
    const second = await open({ config, durability: 'relaxed' });
    const connection = new Connection(second.openLink);
    await request(connection, ['INCR', 'a'], {});
    expect(await request(connection, ['WAITAOF', 1, 0, 0], {})).toEqual([1, 0]);
    expect(await request(connection, ['INFO', 'stats'], {})).toContain(
      'total_connections_received:1\r\n',
    );
  });

  it('that are none is not opened, and nothing is there of it', async () => {
    await expect(open({ config: { 'no-such-directive': 1 } })).rejects.toMatchObject({
      code: 'BAD_OPTION',
    });
    expect([...files.contents().keys()]).toEqual([]);
  });
});
