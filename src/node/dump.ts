// Dumps of a store in a Node program.

import { RespiteError } from '../embedded/errors.ts';
import * as dumps from '../persistence/dump_bytes.ts';
import type { Server } from '../server.ts';
import { realSleep } from '../util/timers.ts';

/** Between two looks at whether a rewrite has ended. */
const POLL_MS = 1;

/** All data as a dump. Waits for a snapshot that is under way. */
export function exportDump({ config, snapshots }: Server): Promise<Uint8Array> {
  return dumps.exportDump(snapshots, {
    compress: config.get('rdbcompression'),
    checksum: config.get('rdbchecksum'),
  });
}

/** Loads a dump into a store that has no data, and makes it durable. Throws RespiteError. */
export async function importDump(server: Server, rdb: Uint8Array): Promise<void> {
  const { engine, config, logger, persistence } = server;
  await dumps.importDump(engine, rdb, { log: logger, checksum: config.get('rdbchecksum') });
  // The log so far knows nothing of it: a new first part does.
  if (!persistence.appendOnly.isOn) return;
  const refusal = persistence.appendOnly.startRewrite();
  if (refusal !== 'started') {
    throw new RespiteError('STORAGE', `The dump cannot be made durable: ${refusal}`);
  }
  while (persistence.appendOnly.isRewriting) await realSleep(POLL_MS);
}
