// Test files as bundles that run in a page: what they need of Node is replaced by what is in page/.

import { readdirSync } from 'node:fs';
import path from 'node:path';
import { build, type Plugin } from 'esbuild';
import { root } from '../support/chromium.ts';

const here = path.join(root, 'test/browser/page');

const REPLACED: Readonly<Record<string, string>> = {
  vitest: 'vitest.ts',
  'node:net': 'net.ts',
  'node:timers/promises': 'timers.ts',
  'node:fs': 'files.ts',
  'node:path': 'files.ts',
};

/** The same for files of test/support. */
const SUPPORT = new Set(['server.ts', 'targets.ts']);

const replacements: Plugin = {
  name: 'replacements',
  setup({ onResolve }) {
    onResolve({ filter: /^(vitest|node:.*)$/ }, ({ path: name }) => {
      const file = REPLACED[name];
      if (file === undefined) return { errors: [{ text: `${name} has no replacement in a page` }] };
      return { path: path.join(here, file) };
    });
    onResolve({ filter: /^(\.\/|\.\.\/support\/)(server|targets)\.ts$/ }, (found) => {
      const name = path.basename(found.path);
      const target = path.resolve(found.resolveDir, found.path);
      if (!SUPPORT.has(name) || target !== path.join(root, 'test/support', name)) return undefined;
      return { path: path.join(here, name) };
    });
  },
};

/** Files of test/family that have sentences; coverage.test.ts reads the sources of the others. */
export function familyFiles(): string[] {
  return readdirSync(path.join(root, 'test/family'))
    .filter((name) => name.endsWith('.test.ts') && name !== 'coverage.test.ts')
    .sort();
}

/**
 * A script that runs the files it was made of: `await runFamily(name, { program, isWorker })` of what it
 * exports resolves to the outcomes of one file.
 */
export async function bundleTests(folder: string, names: readonly string[]): Promise<string> {
  const cases = names.map(
    (name) => `${JSON.stringify(name)}: () => import(${JSON.stringify(path.join(folder, name))})`,
  );
  const result = await build({
    stdin: {
      contents: `
        import { runTests } from ${JSON.stringify(path.join(here, 'vitest.ts'))};
        import { setHome } from ${JSON.stringify(path.join(here, 'server.ts'))};
        const files = { ${cases.join(',\n')} };
        export async function runFile(name, home) {
          setHome(home);
          return runTests(name, files[name]);
        }`,
      resolveDir: root,
      loader: 'js',
    },
    absWorkingDir: root,
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    inject: [path.join(here, 'buffer.ts')],
    define: { 'process.env': '{}' },
    plugins: [replacements],
    logLevel: 'silent',
  });
  return result.outputFiles[0]!.text;
}
