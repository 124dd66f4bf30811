// Opens the store behind the page: respite/browser, from its sources, so that the page is one bundle.

import { Respite } from '../browser.ts';
import type { OpenedStore, OpenStoreOptions, StoreFacts } from './store.ts';

export async function openStore(options: OpenStoreOptions): Promise<OpenedStore> {
  const { name, durability, rdb } = options;
  const store = await Respite.open({
    ...(name === undefined ? {} : { name }),
    ...(durability === undefined ? {} : { durability }),
    ...(rdb === undefined ? {} : { rdb }),
  });
  return { store, name, facts: () => factsOf(store) };
}

function factsOf({ keeping }: Respite): StoreFacts {
  if (keeping === undefined) return { backend: 'memory', durability: 'relaxed', role: undefined };
  const { storage, durability, isLeader } = keeping;
  return { backend: storage, durability, role: isLeader ? 'leader' : 'follower' };
}
