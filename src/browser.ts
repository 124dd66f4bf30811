// `respite/browser`: the engine in a page or a worker. The module, the worker's program and the parts that
// are rarely needed lie beside this one and are fetched when they are.

import type { OpenOptions } from './browser/options.ts';
import { openHome, RespiteInBrowser, type Surroundings } from './browser/respite.ts';

export type { WasmSource } from './browser/load_core.ts';
export type { OpenOptions, StoreOptions } from './browser/options.ts';
export type { Keeping } from './browser/store_home.ts';
export * from './embedded/index.ts';

const files: Surroundings = {
  // Bundlers know this form, and bring the file along.
  wasm: () => new URL('./respite.browser.wasm', import.meta.url),
  workerWasm: () => undefined,
  startWorker: () => new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }),
  startFilesWorker: () =>
    new Worker(new URL('./files_worker.js', import.meta.url), { type: 'module' }),
};

export class Respite extends RespiteInBrowser {
  /**
   * Opens a store. Throws RespiteError: BAD_OPTION; UNSUPPORTED (the browser lacks something);
   * NOT_LOADED (the module cannot be fetched or compiled); NO_MEMORY; DUMP_VERSION and DUMP_FORMAT (the
   * `rdb` cannot be loaded); STORAGE, QUOTA and LOCKED (what is kept cannot be reached).
   */
  static async open(options: OpenOptions = {}): Promise<Respite> {
    return new Respite(await openHome(options, files));
  }
}
