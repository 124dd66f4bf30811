// Dumps of a store in a Node program.

import { RespiteError } from '../embedded/errors.ts';
import * as dumps from '../persistence/dump_bytes.ts';
import type { Persistence } from '../persistence/persistence.ts';
import type { Server } from '../server.ts';
import { realSleep } from '../util/timers.ts';

/** Between two looks at whether a rewrite may begin. */
const POLL_MS = 1;

/** All data as a dump. Waits for a snapshot that is under way; `onBegin` is called when its own begins. */
export function exportDump(
  { config, snapshots }: Server,
  onBegin?: () => void,
): Promise<Uint8Array> {
  const form = { compress: config.get('rdbcompression'), checksum: config.get('rdbchecksum') };
  return dumps.exportDump(snapshots, form, onBegin);
}

/** Loads a dump into a store that has no data and no clients, and makes it durable. Throws RespiteError. */
export async function importDump(server: Server, rdb: Uint8Array): Promise<void> {
  await dumps.importDump(server.engine, rdb, importOptions(server));
  await makeDurable(server.persistence);
}

/** As `importDump`, for a store with clients: the data are there when this returns, durable when it resolves. */
export function importDumpAtOnce(server: Server, rdb: Uint8Array): Promise<void> {
  dumps.importDumpAtOnce(server.engine, rdb, importOptions(server));
  server.persistence.noteReplaced();
  return makeDurable(server.persistence);
}

function importOptions({ config, logger }: Server): dumps.DumpImport {
  return { log: logger, checksum: config.get('rdbchecksum') };
}

/**
 * The log so far knows nothing of what was loaded: a new first part does, whoever had it begun, if only it began behind
 * this call. One that was called off (FLUSHALL, DEBUG RELOAD ...) is done again.
 */
async function makeDurable({ appendOnly }: Persistence): Promise<void> {
  // One that is under way began before.
  await appendOnly.rewriteEnd;
  while (appendOnly.isOn) {
    const outcome = appendOnly.isRewriting ? 'started' : appendOnly.startRewrite();
    if (outcome === 'scheduled') {
      await realSleep(POLL_MS);
      continue;
    }
    const end = outcome === 'started' ? await appendOnly.rewriteEnd : outcome;
    if (end === 'done') return;
    if (end === 'called off') continue;
    throw new RespiteError('STORAGE', `The dump cannot be made durable: ${end.error}`);
  }
}
