// What the playground needs of a store, wherever its engine runs.

import type { RespiteBase } from '../embedded/respite.ts';

export interface Store
  extends Pick<
    RespiteBase,
    'command' | 'batch' | 'with' | 'session' | 'connect' | 'close' | 'isClosed' | 'ended'
  > {
  /** All data as the bytes of a dump.rdb. */
  export(): Promise<Uint8Array>;
}

export type Backend = 'opfs' | 'indexeddb' | 'memory';
export type Durability = 'relaxed' | 'strict';

/** Where a store's data are, as far as its home tells. */
export interface StoreFacts {
  readonly backend: Backend;
  readonly durability: Durability;
  /** Whether this tab runs the engine for all tabs; undefined for a store that no other tab has. */
  readonly role: 'leader' | 'follower' | undefined;
}

export interface OpenedStore {
  readonly store: Store;
  /** Name of the stored data; undefined for a store that is gone with the page. */
  readonly name: string | undefined;
  /** How many databases are offered; the store may have more of them, without keys. */
  readonly databases: number;
  facts(): StoreFacts;
}

export interface OpenStoreOptions {
  /** Stored data; without it the store is in memory. */
  readonly name?: string;
  /** What is wanted. Where another tab has the data open, it decides: see `facts`. */
  readonly durability?: Durability;
  /** A dump to begin with, of any number of databases. */
  readonly rdb?: Uint8Array;
}

export type OpenStore = (options: OpenStoreOptions) => Promise<OpenedStore>;
