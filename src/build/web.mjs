// The playground, in dist/web: a folder of files that any file server can serve at any path.
//
//   index.html, style.css, main.js    the page; parts that are rarely needed are chunks of their own
//   files_worker.js                   the worker that owns the files of what is kept
//   respite.browser.wasm              the core
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

/** @param {string} root @param {string} wasm the module's file, relative to the root */
export async function buildWeb(root, wasm) {
  const folder = path.join(root, 'dist/web');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await build({
    absWorkingDir: root,
    entryPoints: {
      main: 'src/web/main.ts',
      files_worker: 'src/browser/storage/files_worker.ts',
      style: 'src/web/style.css',
    },
    outdir: 'dist/web',
    bundle: true,
    format: 'esm',
    splitting: true,
    chunkNames: '[name]-[hash]',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    inject: ['src/browser/buffer_shim.ts'],
    logLevel: 'warning',
  });
  copyFileSync(path.join(root, 'src/web/index.html'), path.join(folder, 'index.html'));
  copyFileSync(path.join(root, wasm), path.join(folder, 'respite.browser.wasm'));
}
