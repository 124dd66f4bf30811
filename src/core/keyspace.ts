// The data sets as MEMORY and DEBUG see them, key by key.

import * as abi from '../../assembly/abi.ts';
import type { Core } from './core.ts';

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

// --- For DEBUG ---

export const DIGEST_BYTES = 20;

/** What OBJECT ENCODING calls the encodings, by number. */
const ENCODING_NAMES: Readonly<Record<number, string>> = {
  0: 'raw',
  1: 'int',
  2: 'hashtable',
  6: 'intset',
  7: 'skiplist',
  8: 'embstr',
  9: 'quicklist',
  10: 'stream',
  11: 'listpack',
  12: 'listpackex',
};

const TYPE_STRING = 0;

/** How a key is stored. */
export interface KeyDescription {
  readonly address: number;
  readonly isString: boolean;
  readonly encoding: string;
  /** The 24 bits of the access clock. */
  readonly clock: number;
  readonly idleSeconds: number;
  /** Block of the entry: header, key and embedded value. */
  readonly entryBytes: number;
  /** Length of a string that is not an integer. */
  readonly valueLength: number;
  /** Block of a value outside the entry, else 0. */
  readonly valueBytes: number;
  /** Bytes of the value in an RDB file. */
  readonly serializedLength: number;
}

/** How full the chains of a hash table are. */
export interface TableChains {
  /** Chains with 0, 1, 2 ... entries. */
  readonly counts: readonly number[];
  readonly longest: number;
}

/** Index of the database a connection has selected. */
export function selectedDatabase(core: Core, clientPtr: number): number {
  return core.data.getUint32(clientPtr + abi.CONN_DB, true);
}

/** SHA-1 based digest of all data, equal to Redis's for equal data. */
export function datasetDigest(core: Core): Buffer {
  const out = core.word(abi.ABI_SCRATCH);
  core.exports.datasetDigest(out);
  return core.copy(out, DIGEST_BYTES);
}

/** Digest of one key's value; zeros when there is no such key. */
export function valueDigest(core: Core, database: number, key: Uint8Array): Buffer {
  return withKey(core, key, DIGEST_BYTES, (ptr, out) => {
    core.exports.valueDigest(database, ptr, key.length, out);
    return core.copy(out, DIGEST_BYTES);
  });
}

/** Undefined when there is no such key. `compress`: as the setting rdbcompression. */
export function describeKey(
  core: Core,
  database: number,
  key: Uint8Array,
  compress: boolean,
): KeyDescription | undefined {
  return withKey(core, key, abi.KEY_INFO_BYTES, (ptr, out) => {
    const { exports } = core;
    if (exports.describeKey(database, ptr, key.length, Number(compress), out) === 0) return;
    const { data } = core;
    const word = (offset: number) => data.getUint32(out + offset, true);
    return {
      address: word(abi.KEY_INFO_ADDRESS),
      isString: word(abi.KEY_INFO_TYPE) === TYPE_STRING,
      encoding: ENCODING_NAMES[word(abi.KEY_INFO_ENCODING)] ?? 'unknown',
      clock: word(abi.KEY_INFO_CLOCK),
      idleSeconds: word(abi.KEY_INFO_IDLE_SECONDS),
      entryBytes: word(abi.KEY_INFO_ENTRY_BYTES),
      valueLength: word(abi.KEY_INFO_VALUE_LEN),
      valueBytes: word(abi.KEY_INFO_VALUE_BYTES),
      serializedLength: data.getFloat64(out + abi.KEY_INFO_SERIALIZED, true),
    };
  });
}

/** Chains of a database's table; with `expiring` only entries that have an expiry count. */
export function tableChains(core: Core, database: number, expiring: boolean): TableChains {
  const out = core.word(abi.ABI_SCRATCH);
  const longest = core.exports.tableChains(database, Number(expiring), out) >>> 0;
  const counts = Array.from({ length: abi.CHAIN_COUNTERS }, (_, i) =>
    core.data.getUint32(out + i * 4, true),
  );
  return { counts, longest };
}

/** Adds keys "<prefix>:<n>"; see the core's `tryPopulate`. False when memory is exhausted. */
export function populate(
  core: Core,
  database: number,
  count: number,
  prefix: Uint8Array,
  valueBytes: number,
): boolean {
  return withKey(
    core,
    prefix,
    0,
    (ptr) => core.exports.populate(database, count, ptr, prefix.length, valueBytes) !== 0,
  );
}

// --- For MIGRATE ---

export interface DumpedKey {
  readonly payload: Buffer;
  /** Unix milliseconds, undefined for a key that lives for ever. */
  readonly expireAtMs: number | undefined;
}

/** Whether a key exists; counts as reading it. */
export function hasKey(core: Core, database: number, key: Uint8Array): boolean {
  return withKey(
    core,
    key,
    0,
    (ptr) => core.exports.transferHasKey(database, ptr, key.length) !== 0,
  );
}

/** What DUMP gives for a key; undefined when there is none, RangeError when memory is exhausted. */
export function dumpKey(core: Core, database: number, key: Uint8Array): DumpedKey | undefined {
  return withKey(core, key, abi.TRANSFER_BYTES, (ptr, out) => {
    const status = core.exports.transferBegin(database, ptr, key.length, out);
    if (status === abi.TRANSFER_NO_KEY) return undefined;
    if (status === abi.TRANSFER_NO_MEMORY) throw new RangeError('no memory for a payload');
    const { data } = core;
    const at = data.getFloat64(out + abi.TRANSFER_EXPIRE_AT, true);
    const payload = core.copy(
      data.getUint32(out + abi.TRANSFER_PTR, true),
      data.getUint32(out + abi.TRANSFER_LEN, true),
    );
    core.exports.transferEnd();
    return { payload, expireAtMs: at < 0 ? undefined : at };
  });
}

/** Deletes a key as DEL does. Must not be called while a batch runs. */
export function deleteKey(core: Core, database: number, key: Uint8Array, nowMs: number): boolean {
  return withKey(
    core,
    key,
    0,
    (ptr) => core.exports.transferDelete(database, ptr, key.length, nowMs) !== 0,
  );
}

/**
 * Runs `use` with the address of a copy of `key` in linear memory, and of `outBytes` behind it.
 * Throws when there is no memory for a key that the scratch region cannot hold.
 */
function withKey<T>(
  core: Core,
  key: Uint8Array,
  outBytes: number,
  use: (ptr: number, out: number) => T,
): T {
  const total = key.length + outBytes + ALIGNMENT;
  const isShort = total <= abi.SCRATCH_BYTES;
  const ptr = isShort ? core.word(abi.ABI_SCRATCH) : core.exports.hostAlloc(total) >>> 0;
  if (ptr === 0) throw new RangeError('no memory for a key');
  core.bytes.set(key, ptr);
  try {
    return use(ptr, Math.ceil((ptr + key.length) / ALIGNMENT) * ALIGNMENT);
  } finally {
    if (!isShort) core.exports.hostFree(ptr);
  }
}

const ALIGNMENT = 8;
