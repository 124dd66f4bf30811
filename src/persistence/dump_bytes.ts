// Data sets as dumps in the RDB format, from bytes and to bytes, for the store as a part of a program.

import { RespiteError } from '../embedded/errors.ts';
import { CoreCrash, type Engine } from '../engine.ts';
import type { Logger } from '../log.ts';
import { concatBytes, copyBytes } from '../util/bytes.ts';
import { realSleep } from '../util/timers.ts';
import {
  loadRdbBytes,
  loadRdbBytesBlocking,
  RdbLoadError,
  type RdbReadOptions,
} from './rdb_loader.ts';
import { SnapshotError, type Snapshotter } from './snapshotter.ts';

/** Between two looks at whether the snapshot under way has ended. */
const POLL_MS = 1;

export interface DumpForm {
  readonly compress: boolean;
  readonly checksum: boolean;
}

/**
 * All data, of the moment that the walk begins at: at once, or behind the snapshot under way. `onBegin` is called in
 * that moment. Throws RespiteError ABORTED, NO_MEMORY and CRASHED.
 */
export async function exportDump(
  snapshots: Pick<Snapshotter, 'background'>,
  form: DumpForm,
  onBegin: () => void = () => {},
): Promise<Uint8Array> {
  for (;;) {
    const pieces: Uint8Array[] = [];
    const write = (bytes: Uint8Array) => void pieces.push(copyBytes(bytes));
    try {
      const walk = snapshots.background({ format: 'rdb', aux: [], ...form }, { write });
      onBegin();
      await walk;
      return concatBytes(pieces);
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw crashed(error);
      if (error.code !== 'BUSY') throw givenUp(error);
    }
    await realSleep(POLL_MS);
  }
}

function givenUp(cause: SnapshotError): RespiteError {
  const code = cause.code === 'NO_MEMORY' ? 'NO_MEMORY' : 'ABORTED';
  return new RespiteError(code, `The dump was given up: ${cause.message}`, { cause });
}

export interface DumpImport {
  readonly log: Logger;
  readonly checksum: boolean;
}

/**
 * Loads a dump into an engine without data, which nobody may use meanwhile. Throws RespiteError: BAD_OPTION where
 * there are some, and DUMP_VERSION, DUMP_FORMAT, NO_MEMORY or CRASHED, behind which a part of the keys may be there.
 */
export async function importDump(
  engine: Engine,
  rdb: Uint8Array,
  options: DumpImport,
): Promise<void> {
  mustBeEmpty(engine);
  try {
    await loadRdbBytes(rdb, loadOptions(engine, options));
  } catch (error) {
    throw unreadable(error);
  }
}

/** As `importDump`, in one step: for an engine that is in use. */
export function importDumpAtOnce(engine: Engine, rdb: Uint8Array, options: DumpImport): void {
  mustBeEmpty(engine);
  try {
    loadRdbBytesBlocking(rdb, loadOptions(engine, options));
  } catch (error) {
    throw unreadable(error);
  }
}

function mustBeEmpty(engine: Engine): void {
  const { exports, databases } = engine.core;
  for (let database = 0; database < databases; database += 1) {
    if (exports.databaseKeys(database) === 0) continue;
    throw new RespiteError('BAD_OPTION', 'A dump can only be loaded into a store without data');
  }
}

function loadOptions(engine: Engine, options: DumpImport): RdbReadOptions {
  return {
    engine,
    ...options,
    keepExpired: false,
    allowDuplicates: false,
    keyDelayUs: 0,
    onProgress: () => {},
  };
}

/** What a program is told of an engine that has failed; other errors as they are. */
function crashed(error: unknown): unknown {
  if (!(error instanceof CoreCrash)) return error;
  return new RespiteError('CRASHED', `The engine failed: ${error.message}`, { cause: error });
}

function unreadable(cause: unknown): unknown {
  if (!(cause instanceof RdbLoadError)) return crashed(cause);
  switch (cause.code) {
    case 'VERSION':
      return new RespiteError(
        'DUMP_VERSION',
        `The dump is of a version that is not known here: ${cause.message}`,
        { cause },
      );
    case 'NO_MEMORY':
      return new RespiteError('NO_MEMORY', 'There is no memory for what is in the dump', { cause });
    default:
      return new RespiteError(
        'DUMP_FORMAT',
        `The dump cannot be read, at byte ${cause.offset}: ${cause.message}`,
        { cause },
      );
  }
}
