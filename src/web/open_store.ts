// Opens the store behind the page: respite/browser, from its sources, so that the page is one bundle.

import { Respite } from '../browser.ts';
import { databasesIn, parseInfo } from './charts/info.ts';
import type { Durability, OpenedStore, OpenStoreOptions, StoreFacts } from './store.ts';

const DATABASES = 16;
/** Tried one after the other for a dump: the tables of a database take room, also without keys. */
const DATABASES_OF_DUMPS = [DATABASES, 1024, 65_536];

export async function openStore(options: OpenStoreOptions): Promise<OpenedStore> {
  const { name, durability, rdb } = options;
  if (rdb !== undefined) return openDump(rdb);
  const store = await (name === undefined ? Respite.open() : openKept(name, durability));
  return { store, name, databases: DATABASES, facts: () => factsOf(store) };
}

async function openKept(name: string, durability: Durability | undefined): Promise<Respite> {
  if (durability === undefined) return Respite.open({ name });
  try {
    return await Respite.open({ name, durability });
  } catch (error) {
    // Another tab has it open with the other durability: that holds then.
    if ((error as { code?: string }).code !== 'BAD_OPTION') throw error;
    return Respite.open({ name });
  }
}

async function openDump(rdb: Uint8Array): Promise<OpenedStore> {
  const store = await openWithDatabases(rdb, DATABASES_OF_DUMPS);
  const info = String(await store.command('INFO', 'keyspace'));
  const last = Math.max(0, ...databasesIn(parseInfo(info)).keys());
  const databases = Math.max(DATABASES, last + 1);
  return { store, name: undefined, databases, facts: () => factsOf(store) };
}

async function openWithDatabases(
  rdb: Uint8Array,
  [databases, ...more]: readonly number[],
): Promise<Respite> {
  try {
    return await Respite.open({ rdb, databases: databases! });
  } catch (error) {
    const hasMore = /more than \d+ databases/.test((error as Error).message);
    if (!hasMore || more.length === 0) throw error;
    return openWithDatabases(rdb, more);
  }
}

function factsOf({ keeping }: Respite): StoreFacts {
  if (keeping === undefined) return { backend: 'memory', durability: 'relaxed', role: undefined };
  const { storage, durability, isLeader } = keeping;
  return { backend: storage, durability, role: isLeader ? 'leader' : 'follower' };
}
