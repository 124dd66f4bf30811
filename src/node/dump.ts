// Data sets as dumps in the RDB format, from bytes and to bytes.

import { RespiteError } from '../embedded/errors.ts';
import { loadRdbBytes } from '../persistence/rdb_loader.ts';
import { SnapshotError } from '../persistence/snapshotter.ts';
import type { Server } from '../server.ts';
import { concatBytes, copyBytes } from '../util/bytes.ts';
import { realSleep } from '../util/timers.ts';

/** Between two looks at whether a snapshot has ended. */
const POLL_MS = 1;

/** All data as a dump. Waits for a snapshot that is under way. */
export async function exportDump(server: Server): Promise<Uint8Array> {
  const { config, snapshots } = server;
  const request = {
    format: 'rdb',
    aux: [],
    compress: config.get('rdbcompression'),
    checksum: config.get('rdbchecksum'),
  } as const;
  while (snapshots.isRunning) await realSleep(POLL_MS);
  const pieces: Uint8Array[] = [];
  try {
    await snapshots.background(request, {
      write: (bytes) => {
        pieces.push(copyBytes(bytes));
      },
    });
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    const code = error.code === 'NO_MEMORY' ? 'NO_MEMORY' : 'ABORTED';
    throw new RespiteError(code, `The dump was given up: ${error.message}`, { cause: error });
  }
  return concatBytes(pieces);
}

/** Loads a dump into a store that has no data. Throws RdbLoadError, and RespiteError BAD_OPTION. */
export async function importDump(server: Server, rdb: Uint8Array): Promise<void> {
  const { engine, config, logger, persistence } = server;
  const { exports, databases } = engine.core;
  for (let database = 0; database < databases; database += 1) {
    if (exports.databaseKeys(database) === 0) continue;
    throw new RespiteError('BAD_OPTION', 'A dump can only be loaded into a store without data');
  }
  await loadRdbBytes(rdb, {
    engine,
    log: logger,
    keepExpired: false,
    allowDuplicates: false,
    checksum: config.get('rdbchecksum'),
    keyDelayUs: 0,
    onProgress: () => {},
  });
  // The log so far knows nothing of it: a new first part does.
  if (!persistence.appendOnly.isOn) return;
  const refusal = persistence.appendOnly.startRewrite();
  if (refusal !== 'started') {
    throw new RespiteError('STORAGE', `The dump cannot be made durable: ${refusal}`);
  }
  while (persistence.appendOnly.isRewriting) await realSleep(POLL_MS);
}
