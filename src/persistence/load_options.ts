// How RDB files are loaded as the directives say, whether they are snapshots or the bases of logs.

import type { Config } from '../config/config.ts';
import type { Engine } from '../engine.ts';
import type { Logger } from '../log.ts';
import type { Storage } from '../storage/storage.ts';
import type { RdbLoadOptions } from './rdb_loader.ts';

export interface LoadContext {
  readonly engine: Engine;
  readonly config: Config;
  readonly log: Logger;
  readonly storage: Storage;
  /** DEBUG SET-SKIP-CHECKSUM-VALIDATION */
  skipsChecksum?(): boolean;
}

/** All but what depends on the kind of file. */
export function loadOptions(
  context: LoadContext,
): Omit<RdbLoadOptions, 'allowDuplicates' | 'keepExpired' | 'onProgress'> {
  const { engine, config, log, storage } = context;
  return {
    engine,
    log,
    storage,
    checksum: config.get('rdbchecksum') && context.skipsChecksum?.() !== true,
    keyDelayUs: config.get('key-load-delay'),
    progressBytes: config.get('loading-process-events-interval-bytes'),
  };
}
