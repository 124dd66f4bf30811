// Figures of the databases: keys, expiries, memory of their tables.

import type { Core } from './core.ts';

export interface DatabaseFigures {
  readonly index: number;
  readonly keys: number;
  /** Keys that have an expiry. */
  readonly expires: number;
  /** Hashes with fields that expire. */
  readonly subexpiry: number;
  /** Mean time to live of keys with an expiry, in milliseconds; an estimate. */
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
      subexpiry: exports.databaseSubexpiry(index) >>> 0,
      averageTtlMs: exports.databaseAverageTtl(index),
      tableBytes: exports.databaseTableBytes(index),
    });
  }
  return found;
}
