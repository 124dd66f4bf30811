// The server inside of a store, for parts of the package that are more than its users: the test kit.

import { RespiteError } from '../embedded/errors.ts';
import type { RespiteBase } from '../embedded/respite.ts';
import type { Server } from '../server.ts';

/** Filled by whoever makes a store. */
export const servers = new WeakMap<RespiteBase, Server>();

/** Who is told when a store has ended, whoever asked for it. */
export const endListeners = new WeakMap<RespiteBase, (reason: RespiteError) => void>();

/** Throws RespiteError UNSUPPORTED for a store that has no server in this process. */
export function serverOf(store: RespiteBase): Server {
  const server = servers.get(store);
  if (server !== undefined) return server;
  throw new RespiteError('UNSUPPORTED', 'There is no server behind this store');
}
