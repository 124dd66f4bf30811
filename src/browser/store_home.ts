// A store as `Respite` sees it, wherever it is: in this thread, in a worker, in another tab.

import type { OpenLink } from '../embedded/link.ts';

export interface StoreHome {
  readonly openLink: OpenLink;
  /** All data as a dump in the RDB format. Rejects with RespiteError. */
  export(): Promise<Uint8Array>;
  /** Ends the store; what is kept is durable when it resolves. */
  close(): Promise<void>;
}
