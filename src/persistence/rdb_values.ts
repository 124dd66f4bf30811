// Looks into the values of a snapshot: the core loads them, and what it has loaded is dropped again and
// again, so that a file may be larger than memory. What is wrong with the form of the file is told by the
// scanner (rdb_scan.ts) before; here it is about the insides of values.

import type { Engine } from '../engine.ts';
import { Logger } from '../log.ts';
import type { Storage } from '../storage/storage.ts';
import { loadRdb, RdbLoadError } from './rdb_loader.ts';

/** Keys of so many bytes of the file are there at a time, but for those that are larger. */
const KEPT_BYTES = 4 << 20;

export interface ValueCheckOptions {
  readonly storage: Storage;
  /** An engine that nobody else uses, with as many databases as the file has. */
  readonly engine: Engine;
  onProgress(offset: number): void;
}

export interface ValueFault {
  /** `damaged`: the file is; otherwise why it could not be found out. */
  readonly kind: 'damaged' | 'memory' | 'module';
  readonly offset: number;
  readonly message: string;
  /** What the loader says about the key and the place. */
  readonly details: readonly string[];
}

/** What is wrong with the values of a snapshot, or of the one that a file begins with. */
export async function checkValues(
  path: string,
  { storage, engine, onProgress }: ValueCheckOptions,
): Promise<ValueFault | undefined> {
  const details: string[] = [];
  const log = new Logger({ pid: 0, sink: { write: (line) => details.push(textOf(line)) } });
  log.threshold = 'warning';
  const { core } = engine;
  const drop = () => engine.call(() => core.exports.emptyDataset(0), 'check');
  try {
    await loadRdb(path, {
      storage,
      engine,
      log,
      keepExpired: true,
      // Those of before may be gone, so a name that is there twice is not always noticed anyway.
      allowDuplicates: true,
      checksum: false,
      keyDelayUs: 0,
      progressBytes: KEPT_BYTES,
      onProgress: (offset) => {
        onProgress(offset);
        drop();
      },
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof RdbLoadError)) throw error;
    const { code, offset, message } = error;
    const kind = code === 'NO_MEMORY' ? 'memory' : code === 'MODULE' ? 'module' : 'damaged';
    return { kind, offset, message, details };
  } finally {
    drop();
  }
}

/** A line of the log without its head. */
function textOf(line: string): string {
  return line.replace(/^\S+ \d+ \w+ \d+ [\d:.]+ \S /, '').trimEnd();
}
