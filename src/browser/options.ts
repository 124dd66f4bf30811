// What a store in a browser is opened with, and the checks.

import { RespiteError } from '../embedded/errors.ts';
import type { EngineSettings } from './engine_home.ts';
import type { WasmSource } from './load_core.ts';

/** Options that say what the store is: they go with it to a worker or another tab. */
export interface StoreOptions {
  /** Keeps the data under this name in the browser. Without it the store is in memory, and gone with the page. */
  readonly name?: string;
  /** Where a store with a name is kept; `auto` takes the first of OPFS and IndexedDB that there is. */
  readonly storage?: 'auto' | 'opfs' | 'indexeddb' | 'memory';
  /**
   * `strict`: a reply comes when its change is durable. `relaxed`, the default: the change is written at once
   * and the reply does not wait for that, unless a change of a tenth of a second ago is not durable yet; what a
   * crash may take is a second at most.
   */
  readonly durability?: 'relaxed' | 'strict';
  /** Limit of memory for the data: bytes, or "100mb". */
  readonly maxmemory?: number | string;
  /** Number of databases, 16 by default. */
  readonly databases?: number;
  /** A dump to begin with, as `export` or SAVE of any Redis wrote it. Only for a store that has no data. */
  readonly rdb?: Uint8Array;
  /** More directives, as CONFIG SET takes them: `{ 'maxmemory-policy': 'allkeys-lru' }`. */
  readonly config?: Readonly<Record<string, string | number | boolean>>;
}

export interface OpenOptions extends StoreOptions {
  /** Where the module comes from, when respite.browser.wasm does not lie beside the program. */
  readonly wasm?: WasmSource;
  /**
   * Runs the engine in a worker: true for one of its own, or a worker that was made from
   * `respite/browser/worker` (`new Worker(url, { type: 'module' })`). The latter fails with NOT_LOADED when it has
   * been silent for two minutes, and with BAD_OPTION ten seconds after it showed that it runs something else.
   */
  readonly worker?: boolean | Worker;
}

const KNOWN: ReadonlySet<string> = new Set<keyof OpenOptions>([
  'name',
  'storage',
  'durability',
  'maxmemory',
  'databases',
  'rdb',
  'config',
  'wasm',
  'worker',
]);

const STORAGES: readonly unknown[] = ['auto', 'opfs', 'indexeddb', 'memory'];
const DURABILITIES: readonly unknown[] = ['relaxed', 'strict'];
const DATABASES_MAX = 65536;

function bad(message: string): RespiteError {
  return new RespiteError('BAD_OPTION', message);
}

/** Throws BAD_OPTION for options that are none, or make no sense together. */
export function checkOptions(options: OpenOptions): void {
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name))
      throw bad(`There is no option '${name}'; there are ${[...KNOWN].join(', ')}`);
  }
  const { name, storage, durability, databases, rdb, worker } = options;
  if (name !== undefined) checkName(name);
  if (storage !== undefined && !STORAGES.includes(storage)) {
    throw bad(`storage is one of ${STORAGES.join(', ')}`);
  }
  if (durability !== undefined && !DURABILITIES.includes(durability)) {
    throw bad(`durability is one of ${DURABILITIES.join(', ')}`);
  }
  if (name === undefined && (durability !== undefined || (storage ?? 'memory') !== 'memory')) {
    throw bad('A store that is to be kept needs a name');
  }
  if (
    databases !== undefined &&
    !(Number.isInteger(databases) && databases > 0 && databases <= DATABASES_MAX)
  ) {
    throw bad(`databases is a whole number from 1 to ${DATABASES_MAX}`);
  }
  if (rdb !== undefined && !(rdb instanceof Uint8Array)) throw bad('rdb is a Uint8Array');
  if (worker !== undefined && typeof worker !== 'boolean' && !isWorker(worker)) {
    throw bad('worker is true, false or a Worker');
  }
}

/** Throws BAD_OPTION for what is no name of a store. */
export function checkName(name: unknown): void {
  if (typeof name !== 'string' || name === '') throw bad('name is a text that is not empty');
}

function isWorker(value: object): boolean {
  return typeof Worker !== 'undefined' && value instanceof Worker;
}

/** The engine's share of the options. Throws BAD_OPTION. */
export function engineSettings({ databases, maxmemory, config }: StoreOptions): EngineSettings {
  return {
    ...(databases === undefined ? {} : { databases }),
    ...(maxmemory === undefined ? {} : { maxmemory: memoryBytes(maxmemory) }),
    ...(config === undefined
      ? {}
      : {
          config: Object.fromEntries(
            Object.entries(config).map(([name, value]) => [name, directiveText(value)]),
          ),
        }),
  };
}

function directiveText(value: string | number | boolean): string {
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value);
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1000,
  kb: 1024,
  m: 1000 ** 2,
  mb: 1024 ** 2,
  g: 1000 ** 3,
  gb: 1024 ** 3,
};

function memoryBytes(value: number | string): number {
  const [, digits, unit = ''] = /^(\d+)([a-z]*)$/.exec(String(value).toLowerCase()) ?? [];
  const bytes = Number(digits) * (UNITS[unit] ?? Number.NaN);
  if (!Number.isSafeInteger(bytes)) throw bad('maxmemory is a number of bytes, or like "100mb"');
  return bytes;
}
