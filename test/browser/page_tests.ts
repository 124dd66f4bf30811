// Test files that run in a page, as bundles: what they need of Node is replaced by what is in page/.

import { readdirSync } from 'node:fs';
import path from 'node:path';
import { build, type Plugin } from 'esbuild';
import { expect } from 'vitest';
import {
  bundles,
  type Chromium,
  complaintsOf,
  root,
  type Site,
  startChromium,
  startSite,
} from '../support/chromium.ts';
import type { Home } from './page/server.ts';
import type { Outcome } from './page/vitest.ts';

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

/** A script that has the files, and makes the function that runs them. */
async function bundleTests(folder: string, names: readonly string[]): Promise<string> {
  const cases = names.map(
    (name) => `${JSON.stringify(name)}: () => import(${JSON.stringify(path.join(folder, name))})`,
  );
  const result = await build({
    stdin: {
      contents: `
        import { runTests } from ${JSON.stringify(path.join(here, 'vitest.ts'))};
        import { setHome } from ${JSON.stringify(path.join(here, 'server.ts'))};
        const files = { ${cases.join(',\n')} };
        globalThis.runFile = async (name, home, excepted) => {
          setHome(home);
          return runTests(name, files[name], (titles) => excepted.includes(titles.at(-1)));
        };`,
      resolveDir: root,
      loader: 'js',
    },
    absWorkingDir: root,
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    inject: [path.join(here, 'buffer.ts')],
    define: { 'process.env': '{}' },
    plugins: [replacements],
    logLevel: 'silent',
  });
  return result.outputFiles[0]!.text;
}

/** What the script puts into the page. */
interface WithRunFile {
  runFile(name: string, home: Home, excepted: readonly string[]): Promise<Outcome[]>;
}

/** A browser that runs test files of a folder, each in a page of its own. */
export class PageTests {
  private readonly site: Site;
  private readonly browser: Chromium;

  private constructor(site: Site, browser: Chromium) {
    this.site = site;
    this.browser = browser;
  }

  /** `find`: what else the site has. */
  static async open(
    folder: string,
    names: readonly string[],
    find: Parameters<typeof startSite>[1] = () => undefined,
  ): Promise<PageTests> {
    const script = await bundleTests(folder, names);
    const page = '<!doctype html><link rel="icon" href="data:,"><script src="/tests.js"></script>';
    const site = await startSite({ '/': `${bundles}/` }, (name) => {
      if (name === '/tests.js') return { text: script, type: 'text/javascript; charset=utf-8' };
      if (name === '/tests.html') return { text: page, type: 'text/html; charset=utf-8' };
      return find(name);
    });
    return new PageTests(site, await startChromium());
  }

  /** Runs one file. Tests with the titles `excepted` are not run; `known`: errors that the page may log. */
  async run(
    file: string,
    home: Home,
    excepted: readonly string[] = [],
    known = /^\b$/,
  ): Promise<Outcome[]> {
    const page = await this.browser.newPage();
    const complaints = complaintsOf(page);
    await page.goto(`${this.site.origin}/tests.html`);
    const outcomes = await page.evaluate(
      (asked) => (globalThis as unknown as WithRunFile).runFile(...asked),
      [file, home, excepted] as const,
    );
    await page.close();
    expect(
      complaints.filter((text) => !known.test(text)),
      'errors of the page',
    ).toEqual([]);
    return outcomes;
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.site.close();
  }
}

/** What went wrong, for a comparison with nothing. */
export function failuresOf(outcomes: readonly Outcome[]): string[] {
  return outcomes
    .filter(({ state }) => state === 'failed')
    .map(({ titles, error }) => `${titles.join(' > ')}\n${error}`);
}
