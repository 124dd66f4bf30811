// A store as `Respite` sees it, wherever it is: in this thread, in a worker, in another tab.

import type { RespiteError } from '../embedded/errors.ts';
import type { OpenLink } from '../embedded/link.ts';

/** How a store with a name is kept, at the moment. */
export interface Keeping {
  readonly storage: 'opfs' | 'indexeddb';
  readonly durability: 'relaxed' | 'strict';
  /** Whether this tab runs the engine for all tabs that have the store open. */
  readonly isLeader: boolean;
}

export interface StoreHome {
  readonly openLink: OpenLink;
  /** Resolves with the reason when the store comes to an end by itself. */
  readonly ended: Promise<RespiteError>;
  /** Undefined for a store in memory, and where it is not known. */
  readonly keeping?: Keeping | undefined;
  /** All data as a dump in the RDB format. Rejects with RespiteError. */
  export(): Promise<Uint8Array>;
  /** Ends the store, or what one that has ended has left; what is kept is durable when it resolves. */
  close(): Promise<void>;
}
