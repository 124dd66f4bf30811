// node-redis beside the store, in the same process. It makes its sockets itself and can be given none, so what is
// closest is a Unix socket (a named pipe on Windows) in a folder that only this user can enter: no port, and
// nothing that leaves the machine.
//
//   createClient(await db.nodeRedisOptions())

import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** What createClient and createClientPool of node-redis are given; more may be added. */
export interface NodeRedisOptions {
  readonly socket: { readonly path: string; readonly tls: false };
}

/** The way to the store that other programs do not know of. */
export interface PrivateSocket {
  readonly path: string;
  /** Removes what was made for it. */
  remove(): void;
}

export function privateSocket(platform: NodeJS.Platform = process.platform): PrivateSocket {
  if (platform === 'win32') {
    return { path: `\\\\.\\pipe\\respite-${randomUUID()}`, remove: () => {} };
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'respite-'));
  return {
    path: path.join(folder, 'socket'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
