// Fetches and compiles the core module in a browser.
//
// The module is compiled while it comes, when the server says that it is WebAssembly; some servers say
// something else, and then it is compiled when all of it is there.

import { RespiteError } from '../embedded/errors.ts';
import { reasonOf } from '../util/reason_of.ts';

/** The module, its bytes, or where they come from. */
export type WasmSource =
  | WebAssembly.Module
  | BufferSource
  | Response
  | URL
  | string
  | PromiseLike<WebAssembly.Module | BufferSource | Response>;

/** A module with one instruction of the vector extension, which the core is made of. */
const SIMD_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15,
  253, 98, 11,
]);

/** Throws UNSUPPORTED where the core cannot run. */
function checkPlatform(): void {
  if (typeof WebAssembly === 'undefined') {
    throw new RespiteError(
      'UNSUPPORTED',
      'There is no WebAssembly here: a browser from 2021 or later has it, unless it was switched off',
    );
  }
  if (!WebAssembly.validate(SIMD_PROBE)) {
    throw new RespiteError(
      'UNSUPPORTED',
      'This browser has no WebAssembly SIMD: Chrome 91, Firefox 89, Safari 16.4 and later have it',
    );
  }
}

/** Compiled modules by address: a module holds no state. */
const compiled = new Map<string, Promise<WebAssembly.Module>>();

/** The compiled module. Throws RespiteError UNSUPPORTED or NOT_LOADED. */
export async function compileCore(source: WasmSource): Promise<WebAssembly.Module> {
  checkPlatform();
  if (!(typeof source === 'string' || source instanceof URL)) return compile(source);
  const address = String(source);
  let module = compiled.get(address);
  if (module === undefined) {
    module = compile(fetched(address));
    compiled.set(address, module);
    // The next one tries again.
    module.catch(() => compiled.delete(address));
  }
  return module;
}

async function fetched(address: string): Promise<Response> {
  try {
    const response = await fetch(address, { credentials: 'same-origin' });
    if (response.ok) return response;
    throw new Error(`${response.status} ${response.statusText}`);
  } catch (cause) {
    const reason = reasonOf(cause);
    throw new RespiteError(
      'NOT_LOADED',
      `The module could not be fetched from ${address} (${reason}): put respite.browser.wasm there, ` +
        "or say where it is with the option 'wasm'",
      { cause },
    );
  }
}

async function compile(source: Exclude<WasmSource, string | URL>): Promise<WebAssembly.Module> {
  let found: WebAssembly.Module | BufferSource | Response;
  try {
    found = await source;
  } catch (cause) {
    throw cause instanceof RespiteError ? cause : notLoaded('did not come', cause);
  }
  if (found instanceof WebAssembly.Module) return found;
  try {
    if (!(found instanceof Response)) return await WebAssembly.compile(found);
    const type = found.headers.get('content-type') ?? '';
    if (/^application\/wasm\b/i.test(type) && WebAssembly.compileStreaming !== undefined) {
      return await WebAssembly.compileStreaming(found);
    }
    return await WebAssembly.compile(await found.arrayBuffer());
  } catch (cause) {
    const hint = /Content Security Policy/i.test(String(cause))
      ? "; the page's Content-Security-Policy must allow 'wasm-unsafe-eval'"
      : '; what is there may not be the module';
    throw notLoaded('cannot be compiled', cause, hint);
  }
}

function notLoaded(what: string, cause: unknown, hint = ''): RespiteError {
  const reason = reasonOf(cause);
  return new RespiteError('NOT_LOADED', `The module ${what}: ${reason}${hint}`, { cause });
}
