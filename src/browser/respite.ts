// The store of a program in a browser: a page's, or a worker's.

import { RespiteBase } from '../embedded/respite.ts';
import type { WasmSource } from './load_core.ts';
import { openStore } from './open.ts';
import { checkOptions, type OpenOptions, type StoreOptions } from './options.ts';
import { part, startedWorker } from './part.ts';
import type { Keeping, StoreHome } from './store_home.ts';

/** Where the parts of the program are that are files of their own: it differs between the bundles. */
export interface Surroundings {
  /** The module, when the options do not say. */
  wasm(): WasmSource;
  /** The same for a worker; undefined: it knows. */
  workerWasm(): WasmSource | undefined;
  startWorker(): Worker;
  /** The program that owns files for a page (storage/files_worker.ts). */
  startFilesWorker(): Worker;
}

export class RespiteInBrowser extends RespiteBase {
  readonly #home: StoreHome;

  protected constructor(home: StoreHome) {
    super(home.openLink);
    this.#home = home;
    void home.ended.then((reason) => this.end(reason));
  }

  /**
   * Removes all that is kept of the store with this name; there need not be one. Throws RespiteError: LOCKED
   * while any tab has it open, STORAGE, UNSUPPORTED, BAD_OPTION.
   */
  static async remove(name: string): Promise<void> {
    const { removeStore } = await part(import('./remove.ts'));
    await removeStore(name);
  }

  /** All data as a dump in the RDB format, of this moment, while commands are served. */
  async export(): Promise<Uint8Array> {
    this.mustBeOpen();
    return this.#home.export();
  }

  /** How the data are kept; undefined for a store in memory, and for one in a worker. */
  get keeping(): Keeping | undefined {
    return this.#home.keeping;
  }

  protected closeStore(): Promise<void> {
    return this.#home.close();
  }
}

/** Opens what is behind a store. Throws RespiteError. */
export async function openHome(
  options: OpenOptions,
  surroundings: Surroundings,
): Promise<StoreHome> {
  checkOptions(options);
  const { wasm, worker = false, ...rest } = options;
  const storeOptions: StoreOptions = rest;
  if (worker === false) {
    return openStore(storeOptions, wasm ?? surroundings.wasm(), surroundings.startFilesWorker);
  }
  const isOwn = worker === true;
  const { openInWorker } = await part(import('./worker_home.ts'));
  return openInWorker(
    isOwn ? startedWorker(surroundings.startWorker) : worker,
    isOwn,
    storeOptions,
    wasm ?? surroundings.workerWasm(),
  );
}
