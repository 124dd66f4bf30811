// Opens the store behind the page: respite/browser, from its sources, so that the page is one bundle.

import { Respite } from '../browser.ts';
import type { Durability, OpenedStore, OpenStoreOptions, StoreFacts } from './store.ts';

export async function openStore(options: OpenStoreOptions): Promise<OpenedStore> {
  const { name, durability, rdb } = options;
  const store = await Respite.open({
    ...(name === undefined ? {} : { name, durability: durability ?? 'relaxed' }),
    ...(rdb === undefined ? {} : { rdb }),
  });
  return { store, name, facts: () => factsOf(store, name, durability ?? 'relaxed') };
}

function factsOf(_store: Respite, _name: string | undefined, durability: Durability): StoreFacts {
  return { backend: 'memory', durability, role: undefined };
}
