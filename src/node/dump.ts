// Dumps of a store in a Node program.

import { RespiteError } from '../embedded/errors.ts';
import * as dumps from '../persistence/dump_bytes.ts';
import type { Persistence } from '../persistence/persistence.ts';
import type { Server } from '../server.ts';
import { realSleep } from '../util/timers.ts';

/** Between two looks at whether a rewrite may begin. */
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
  await makeDurable(persistence);
}

/** The log so far knows nothing of what was loaded: a new first part does. */
async function makeDurable({ appendOnly }: Persistence): Promise<void> {
  while (appendOnly.isOn) {
    // One that is under way began before.
    await appendOnly.rewriteEnd;
    const outcome = appendOnly.startRewrite();
    if (outcome === 'scheduled') {
      await realSleep(POLL_MS);
      continue;
    }
    const end = outcome === 'started' ? await appendOnly.rewriteEnd : outcome;
    if (end === 'done') return;
    const reason = end === 'called off' ? 'the rewrite of the log was called off' : end.error;
    throw new RespiteError('STORAGE', `The dump cannot be made durable: ${reason}`);
  }
}
