// Data sets as dumps in the RDB format, from bytes and to bytes. A part of the program of its own, fetched
// when it is first needed.

import { RespiteError } from '../embedded/errors.ts';
import type { Engine } from '../engine.ts';
import { Logger } from '../log.ts';
import { loadRdbBytes, RdbLoadError } from '../persistence/rdb_loader.ts';
import { SnapshotError, Snapshotter } from '../persistence/snapshotter.ts';
import { concatBytes, copyBytes } from '../util/bytes.ts';

/** All data as a dump, of this moment, while commands are served. */
export async function exportDump(engine: Engine): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const request = { format: 'rdb', aux: [], compress: true, checksum: true } as const;
  try {
    await new Snapshotter(engine).background(request, {
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

/** Loads a dump into an engine that has no data. Throws RespiteError; then the engine is of no use. */
export async function importDump(engine: Engine, rdb: Uint8Array): Promise<void> {
  const { exports, databases } = engine.core;
  for (let database = 0; database < databases; database += 1) {
    if (exports.databaseKeys(database) === 0) continue;
    throw new RespiteError('BAD_OPTION', 'A dump can only be loaded into a store without data');
  }
  const lines: string[] = [];
  const log = new Logger({ pid: 0, sink: { write: (line) => void lines.push(line) } });
  log.threshold = 'warning';
  try {
    await loadRdbBytes(rdb, {
      engine,
      log,
      keepExpired: false,
      allowDuplicates: false,
      checksum: true,
      keyDelayUs: 0,
      onProgress: () => {},
    });
  } catch (error) {
    if (!(error instanceof RdbLoadError)) throw error;
    throw explain(error);
  }
}

function explain(error: RdbLoadError): RespiteError {
  const options = { cause: error };
  switch (error.code) {
    case 'VERSION':
      return new RespiteError(
        'DUMP_VERSION',
        `The dump is of a version that is not known here: ${error.message}`,
        options,
      );
    case 'NO_MEMORY':
      return new RespiteError('NO_MEMORY', 'There is no memory for what is in the dump', options);
    default:
      return new RespiteError(
        'DUMP_FORMAT',
        `The dump cannot be read, at byte ${error.offset}: ${error.message}`,
        options,
      );
  }
}
