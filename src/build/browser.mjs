// Bundles for browsers, in dist/browser:
//
//   respite.js              the store; parts that are rarely needed are chunks of their own
//   worker.js               the program of a worker with a store
//   files_worker.js         the program of a worker that owns a page's files
//   respite.browser.wasm    the core, small rather than fast
//   respite.inline.js       all of it in one file
//
// A module that needs Node makes the build fail: there is nothing to put in its place.
import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

/** What all bundles have in common. @param {string} root @returns {import('esbuild').BuildOptions} */
function common(root) {
  return {
    absWorkingDir: root,
    bundle: true,
    platform: 'browser',
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    inject: ['src/browser/buffer_shim.ts'],
    logLevel: 'silent',
    outdir: 'dist/browser',
  };
}

/** Texts in place of the modules `respite:...`. @param {Record<string, string>} texts */
function textModules(texts) {
  return {
    name: 'texts',
    /** @param {import('esbuild').PluginBuild} build */
    setup(build) {
      build.onResolve({ filter: /^respite:/ }, (args) => ({ path: args.path, namespace: 'text' }));
      build.onLoad({ filter: /./, namespace: 'text' }, (args) => ({
        contents: texts[args.path] ?? '',
        loader: 'text',
      }));
    },
  };
}

/**
 * Adds the entry to what parts that are fetched later import. They have it anyway, and so all that they share
 * with it gets into one file; otherwise each combination of sharers would have one.
 * @param {string} entry @param {ReadonlySet<string>} parts absolute paths
 */
function withEntry(entry, parts) {
  return {
    name: 'entry',
    /** @param {import('esbuild').PluginBuild} build */
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, ({ path: file }) =>
        parts.has(file)
          ? {
              contents: `${readFileSync(file, 'utf8')}\nimport ${JSON.stringify(entry)};`,
              loader: 'ts',
            }
          : undefined,
      );
    },
  };
}

/**
 * One entry, what it needs at once in one more file, and a file for each part that it imports later.
 * @param {string} root @param {string} name @param {string} entry
 */
async function buildSplit(root, name, entry) {
  const options = {
    ...common(root),
    entryPoints: { [name]: entry },
    format: /** @type {const} */ ('esm'),
    splitting: true,
    chunkNames: `${name}.[name]-[hash]`,
  };
  const { metafile } = await build({ ...options, metafile: true, write: false });
  const later = Object.values(metafile.inputs)
    .flatMap(({ imports }) => imports)
    .filter(({ kind }) => kind === 'dynamic-import')
    .map((found) => path.join(root, found.path));
  await build({ ...options, plugins: [withEntry(path.join(root, entry), new Set(later))] });
}

/** @param {string} root @param {string} wasm the module's file, relative to the root */
export async function buildBrowser(root, wasm) {
  const folder = path.join(root, 'dist/browser');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  copyFileSync(path.join(root, wasm), path.join(folder, 'respite.browser.wasm'));
  const options = common(root);
  // Each entry by itself, so that what is needed at the start is one file.
  for (const [name, entry] of [
    ['respite', 'src/browser.ts'],
    ['worker', 'src/browser_worker.ts'],
    ['files_worker', 'src/browser/storage/files_worker.ts'],
  ]) {
    await buildSplit(root, name, entry);
  }
  /** @param {string} entry */
  const program = async (entry) => {
    const built = await build({ ...options, entryPoints: [entry], format: 'iife', write: false });
    return built.outputFiles[0].text;
  };
  await build({
    ...options,
    entryPoints: { 'respite.inline': 'src/browser_inline.ts' },
    format: 'esm',
    plugins: [
      textModules({
        'respite:wasm': readFileSync(path.join(root, wasm)).toString('base64'),
        'respite:worker': await program('src/browser/inline_worker.ts'),
        'respite:files_worker': await program('src/browser/storage/files_worker.ts'),
      }),
    ],
  });
}
