// Finds and compiles the core module under Node.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** From dist/src/core when built, from src/core when run from source. */
const PLACES = ['../../respite.wasm', '../../dist/respite.wasm'];

let compiled: WebAssembly.Module | undefined;

/** The compiled module. It holds no state, so one is shared by all engines of the process. */
export function loadCoreModule(): WebAssembly.Module {
  if (compiled) return compiled;
  for (const place of PLACES) {
    const path = fileURLToPath(new URL(place, import.meta.url));
    if (!existsSync(path)) continue;
    compiled = new WebAssembly.Module(readFileSync(path));
    return compiled;
  }
  throw new Error('respite.wasm is missing: run `npm run build`');
}
