// The data sets as INFO, MEMORY and DEBUG see them: figures of the databases, and walks over keys.

import * as abi from '../../assembly/abi.ts';
import type { Core } from './core.ts';

export interface DatabaseFigures {
  readonly index: number;
  readonly keys: number;
  /** Keys that have an expiry. */
  readonly expires: number;
  /** Mean time to live of the latter, in milliseconds; an estimate. */
  readonly averageTtlMs: number;
  /** Bytes of the hash table, entries excluded. */
  readonly tableBytes: number;
}

/** The databases that hold keys. */
export function databaseFigures(core: Core): DatabaseFigures[] {
  const { exports } = core;
  const found: DatabaseFigures[] = [];
  for (let index = 0; index < core.databases; index++) {
    const keys = exports.databaseKeys(index) >>> 0;
    if (keys === 0) continue;
    found.push({
      index,
      keys,
      expires: exports.databaseExpires(index) >>> 0,
      averageTtlMs: exports.databaseAverageTtl(index),
      tableBytes: exports.databaseTableBytes(index),
    });
  }
  return found;
}

/** A walk over the sizes of one database's values; a new one ends the one before. */
export class KeySizesWalk {
  private readonly core: Core;
  private readonly bins: number;

  constructor(core: Core, database: number) {
    this.core = core;
    this.bins = core.exports.keySizesBegin(database) >>> 0;
  }

  /** Counts for about `budgetUs` microseconds. False when all keys are counted. */
  step(budgetUs: number): boolean {
    return this.core.exports.keySizesStep(budgetUs) !== 0;
  }

  /** Per type (string, list, set, zset, hash) how many keys fall into each bin. */
  counts(): number[][] {
    const { data } = this.core;
    return Array.from({ length: abi.KEYSIZES_TYPES }, (_, type) =>
      Array.from({ length: abi.KEYSIZES_BINS }, (_, bin) =>
        data.getUint32(this.bins + (type * abi.KEYSIZES_BINS + bin) * 4, true),
      ),
    );
  }
}
