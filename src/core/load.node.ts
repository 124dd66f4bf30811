// Finds and compiles the core module under Node.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** From dist/src/core when built, from src/core when run from source, from a bundle when it is one. */
const PLACES = ['../../respite.wasm', '../../dist/respite.wasm', './respite.wasm'];

let compiled: WebAssembly.Module | undefined;

/** Files that may be the module. */
function candidates(): string[] {
  // Bundlers that make CommonJS leave `import.meta` empty; the program itself is beside the module then.
  const here: string | undefined = import.meta.url;
  if (here !== undefined) return PLACES.map((place) => fileURLToPath(new URL(place, here)));
  return [path.join(path.dirname(process.argv[1] ?? ''), 'respite.wasm')];
}

/** The compiled module. It holds no state, so one is shared by all engines of the process. */
export function loadCoreModule(): WebAssembly.Module {
  if (compiled) return compiled;
  const file = candidates().find((candidate) => existsSync(candidate));
  if (file === undefined) {
    throw new Error(
      'respite.wasm is missing: a bundle needs a copy of respite/dist/respite.wasm beside it, a checkout `npm run build`',
    );
  }
  compiled = new WebAssembly.Module(readFileSync(file));
  return compiled;
}
