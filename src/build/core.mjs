// Compiles the core: for servers to be fast, for browsers to be small.
//
//   dist/respite.wasm          assembly -> asc -O3 -> carry_globals
//   dist/respite.browser.wasm  assembly -> asc -O0 -> pack_texts -> without FOR_COPIES -> wasm-opt -Oz
//
// Both do the same, but for two things that would take 3 and 2 KiB of those that a browser has to load: there a
// core cannot be copied (`Core.clone`), and a broken invariant traps without leaving its place: the stack of the
// error tells the function.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { withCarriedGlobals } from './carry_globals.mjs';
import { withPackedTexts } from './pack_texts.mjs';
import { withoutExports } from './wasm_binary.mjs';

/** Exports that only `Core.clone` needs. */
const FOR_COPIES = [
  'isCopyable',
  'becomeCopy',
  'stretchEnd',
  'carryStart',
  'carryI32',
  'carryI64',
  'carryF64',
];

/** What asc allows, and what it makes of `memoryBase`. */
const FEATURES = [
  '--enable-simd',
  '--enable-bulk-memory',
  '--enable-nontrapping-float-to-int',
  '--enable-sign-ext',
  '--enable-mutable-globals',
  '--low-memory-unused',
];
/**
 * Data are packed already. Functions with one caller stay apart unless they are short: within another one their
 * locals have other numbers, and fewer of their bytes look like those of their neighbours, which are of the same
 * file thanks to the sorting. Both is for gzip.
 */
const SHRINKING = [
  '--skip-pass=memory-packing',
  '--generate-global-effects',
  '--merge-similar-functions',
  '-Oz',
  '--converge',
  '--one-caller-inline-max-function-size',
  '80',
  '--always-inline-max-function-size',
  '4',
  '--reorder-functions-by-name',
];

/** @param {(script: string, args: string[]) => void} run @param {string} target of asconfig.json */
function compile(run, target) {
  const config = ['--config', 'assembly/asconfig.json', '--target', target];
  run('assemblyscript/bin/asc.js', ['assembly/index.ts', ...config]);
}

/** @param {string} file @param {((wasm: Uint8Array) => Uint8Array)} change */
function rewrite(file, change) {
  writeFileSync(file, change(readFileSync(file)));
}

/** @param {(script: string, args: string[]) => void} run @param {string} root */
export function buildCore(run, root) {
  compile(run, 'release');
  rewrite(path.join(root, 'dist/respite.wasm'), withCarriedGlobals);
}

/** @param {(script: string, args: string[]) => void} run @param {string} root */
export function buildBrowserCore(run, root) {
  const file = path.join(root, 'dist/respite.browser.wasm');
  compile(run, 'browser');
  rewrite(file, (wasm) => withoutExports(withPackedTexts(wasm), FOR_COPIES));
  run('binaryen/bin/wasm-opt', [file, ...FEATURES, ...SHRINKING, '--output', file]);
}
