// Opens a store in this thread.

import { EngineHome } from './engine_home.ts';
import { openKeptStore, type StartFilesWorker } from './kept_store.ts';
import { compileCore, type WasmSource } from './load_core.ts';
import { engineSettings, type StoreOptions } from './options.ts';
import type { StoreHome } from './store_home.ts';

/**
 * Throws RespiteError: UNSUPPORTED, NOT_LOADED, NO_MEMORY, BAD_OPTION, DUMP_VERSION, DUMP_FORMAT; with a name
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
  const home = await EngineHome.create(module, settings);
  try {
    if (options.rdb !== undefined) {
      const { importDump } = await import('./dump.ts');
      await importDump(home.engine, options.rdb);
    }
    return {
      openLink: home.openLink,
      export: async () => {
        const { exportDump } = await import('./dump.ts');
        return exportDump(home.engine);
      },
      close: async () => home.close(),
    };
  } catch (error) {
    home.close();
    throw error;
  }
}
