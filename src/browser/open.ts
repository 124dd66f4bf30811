// Opens a store in this thread.

import { EngineHome } from './engine_home.ts';
import { openKeptStore, type StartFilesWorker } from './kept_store.ts';
import { compileCore, type WasmSource } from './load_core.ts';
import { engineSettings, type StoreOptions } from './options.ts';
import { part } from './part.ts';
import type { StoreHome } from './store_home.ts';

/**
 * Throws RespiteError: UNSUPPORTED, NOT_LOADED, NO_MEMORY, CRASHED, BAD_OPTION, DUMP_VERSION, DUMP_FORMAT; with a name
 * STORAGE, QUOTA and LOCKED as well.
 */
export async function openStore(
  options: StoreOptions,
  wasm: WasmSource,
  startFilesWorker?: StartFilesWorker,
): Promise<StoreHome> {
  const settings = engineSettings(options);
  const module = await compileCore(wasm);
  if (options.name !== undefined && options.storage !== 'memory') {
    return openKeptStore(options, module, startFilesWorker);
  }
  const { rdb } = options;
  const home = await EngineHome.create(module, settings, {}, async (made) => {
    if (rdb === undefined) return;
    const { importDump } = await part(import('./dump.ts'));
    await importDump(made.engine, rdb);
  });
  return {
    openLink: home.openLink,
    ended: home.ended,
    export: () => home.export(),
    close: async () => home.close(),
  };
}
