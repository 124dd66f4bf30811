// `respite/browser/inline`: the same as `respite/browser` in one file, for pages that are a single file: the
// module and the worker's program are texts in it. It is larger, and is not compiled while it comes.

import filesProgram from 'respite:files_worker';
import wasmText from 'respite:wasm';
import workerProgram from 'respite:worker';
import type { OpenOptions } from './browser/options.ts';
import { openHome, RespiteInBrowser, type Surroundings } from './browser/respite.ts';

export type { WasmSource } from './browser/load_core.ts';
export type { OpenOptions, StoreOptions } from './browser/options.ts';
export type { Keeping } from './browser/store_home.ts';
export * from './embedded/index.ts';

let compiled: Promise<WebAssembly.Module> | undefined;

/** The module of the text. It holds no state, so one will do. */
function module(): Promise<WebAssembly.Module> {
  compiled ??= WebAssembly.compile(Uint8Array.from(atob(wasmText), (byte) => byte.charCodeAt(0)));
  return compiled;
}

function startProgram(text: string): Worker {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
  const worker = new Worker(url);
  URL.revokeObjectURL(url);
  return worker;
}

const texts: Surroundings = {
  wasm: module,
  workerWasm: module,
  startWorker: () => startProgram(workerProgram),
  startFilesWorker: () => startProgram(filesProgram),
};

export class Respite extends RespiteInBrowser {
  /** As in `respite/browser`. */
  static async open(options: OpenOptions = {}): Promise<Respite> {
    return new Respite(await openHome(options, texts));
  }
}
