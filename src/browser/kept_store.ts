// A store with a name: its data are kept in the browser, and all tabs that open it have the same one.
//
//   openKeptStore ─> openSharedStore: one tab leads ─> openHere: files ─> engine ─> what is stored

import type { RespiteError } from '../embedded/errors.ts';
import { EngineHome, type EngineSettings } from './engine_home.ts';
import type { HomeStorage } from './home_storage.ts';
import { engineSettings, type StoreOptions } from './options.ts';
import { part } from './part.ts';
import type { Backend } from './storage/backend.ts';
import { openBackend, type Storages } from './storage/choose.ts';
import { type Durability, PersistentStore } from './storage/persistent_store.ts';
import type { StoreHome } from './store_home.ts';
import { type OpenedHere, openSharedStore } from './tabs/shared_store.ts';

/** What the tabs of a store agree on. */
interface KeptSettings extends EngineSettings {
  readonly storage: Storages['storage'];
  readonly durability: Durability;
}

const DEFAULTS: KeptSettings = {
  storage: 'auto',
  durability: 'relaxed',
  databases: 16,
  maxmemory: 0,
};

export type StartFilesWorker = Storages['startFilesWorker'];

/** Opens the store `options.name`, as its leader or through the tab that is. */
export function openKeptStore(
  options: StoreOptions,
  module: WebAssembly.Module,
  startFilesWorker: StartFilesWorker,
): Promise<StoreHome> {
  const { name: store = '', storage, durability, rdb } = options;
  askForKeeping();
  let dump = rdb;
  return openSharedStore({
    store,
    wanted: {
      ...(storage === undefined || storage === 'auto' ? {} : { storage }),
      ...(durability === undefined ? {} : { durability }),
      ...engineSettings(options),
    },
    defaults: { ...DEFAULTS },
    mustLead: rdb !== undefined,
    openHere: async (settings, onFailure) => {
      const opening = openHere(
        { store, settings: settings as unknown as KeptSettings, module, startFilesWorker },
        dump,
        onFailure,
      );
      dump = undefined;
      return opening;
    },
  });
}

/** The browser may then keep the data when room gets short. It decides by itself, or asks the user. */
function askForKeeping(): void {
  // Pages only.
  void navigator.storage?.persist?.().catch(() => {});
}

interface Here {
  readonly store: string;
  readonly settings: KeptSettings;
  readonly module: WebAssembly.Module;
  readonly startFilesWorker: StartFilesWorker;
}

/** Brings the data into an engine in this thread. */
async function openHere(
  { store, settings, module, startFilesWorker }: Here,
  rdb: Uint8Array | undefined,
  onFailure: (error: RespiteError) => void,
): Promise<OpenedHere> {
  const { storage, durability } = settings;
  const files = await openBackend(store, { storage, startFilesWorker });
  let kept: PersistentStore | undefined;
  try {
    const hooks = {
      // What one task of the page sends is one turn.
      postpone: queueMicrotask,
    };
    const home = await EngineHome.create(module, settings, hooks, async (made) => {
      kept = await load(made, files.backend, durability, rdb);
      made.keepIn(homeStorage(kept));
    });
    void home.ended.then(onFailure);
    // Nothing could be kept any more: another tab may have more luck.
    void files.backend.ended?.then(onFailure);
    return {
      home: keptHome(home, kept as PersistentStore),
      settings: { ...settings, storage: files.name },
    };
  } catch (error) {
    await (kept ?? files.backend).close().catch(() => {});
    throw error;
  }
}

/** Brings what is stored, or the dump that the store begins with, into the engine. */
async function load(
  home: EngineHome,
  backend: Backend,
  durability: Durability,
  rdb: Uint8Array | undefined,
): Promise<PersistentStore> {
  const { engine, guards } = home;
  const kept = await PersistentStore.open({
    backend,
    engine,
    guards,
    snapshots: async () => {
      const { Snapshotter } = await part(import('../persistence/snapshotter.ts'));
      return new Snapshotter(engine);
    },
    durability,
  });
  if (rdb === undefined) return kept;
  try {
    const { importDump } = await part(import('./dump.ts'));
    await importDump(engine, rdb);
    await kept.compact();
    return kept;
  } catch (error) {
    await kept.close().catch(() => {});
    throw error;
  }
}

function keptHome(home: EngineHome, kept: PersistentStore): StoreHome {
  return {
    openLink: (handlers, options) =>
      home.openLink(
        {
          onData: (bytes) => handlers.onData(bytes),
          // Why replies could not leave, when that is it.
          onClose: (reason) => handlers.onClose(reason ?? kept.error),
        },
        options,
      ),
    ended: home.ended,
    export: async () => {
      await kept.saved();
      return home.export();
    },
    close: async () => {
      try {
        await kept.close();
      } finally {
        home.close();
      }
    },
  };
}

function homeStorage(kept: PersistentStore): HomeStorage {
  return {
    save: () => kept.compact(),
    get isSaving() {
      return kept.isSaving;
    },
    get lastSaveSeconds() {
      return kept.lastSaveSeconds;
    },
    log: kept,
    facts: () => {
      const { log, snapshot, waiting } = kept.bytes;
      return {
        aofEnabled: true,
        aofRewriteInProgress: kept.isSaving,
        aofLastWriteOk: kept.error === undefined,
        aofCurrentBytes: snapshot + log,
        aofBaseBytes: snapshot,
        aofBufferBytes: waiting,
        lastSaveTime: kept.lastSaveSeconds,
      };
    },
  };
}
