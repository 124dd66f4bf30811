// What tests of kept stores do in a page: opens stores under names of the test's own, by way of `evaluate`.

import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import type { OpenOptions, Respite } from '../../src/browser.ts';
import {
  bundles,
  type Chromium,
  type Site,
  startChromium,
  startSite,
  stopChromium,
} from '../support/chromium.ts';

declare global {
  interface Window {
    stores: Record<string, Respite>;
    openStore(options: OpenOptions): Promise<Respite>;
    removeStore(name: string): Promise<void>;
  }
}

/** A browser, and a site with the program, for the tests of a suite; there while they run. */
export function useStorePages() {
  let site: Site;
  let browser: Chromium;
  beforeAll(async () => {
    site = await startSite({ '/bundle/': bundles });
    browser = await startChromium();
  });
  afterAll(async () => {
    await stopChromium();
    await site?.close();
  });
  return {
    get origin(): string {
      return site.origin;
    },
    open: (options?: OpenOptions) => openStorePage(browser.context, site.origin, options),
  };
}

/** A page that has the store as `stores.db`, opened with these options. */
export async function openStorePage(
  context: BrowserContext,
  origin: string,
  options?: OpenOptions,
): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${origin}/empty.html`);
  await prepare(page, origin);
  if (options !== undefined) await openIn(page, options);
  return page;
}

async function prepare(page: Page, origin: string): Promise<void> {
  const content =
    `import { Respite } from '${origin}/bundle/respite.js';` +
    'window.stores = {}; window.openStore = (options) => Respite.open(options);' +
    'window.removeStore = (name) => Respite.remove(name);';
  await page.addScriptTag({ type: 'module', content });
  await page.waitForFunction(() => window.openStore !== undefined);
}

export async function openIn(page: Page, options: OpenOptions, as = 'db'): Promise<void> {
  await page.evaluate(
    async ([how, name]) => {
      window.stores[name] = await window.openStore(how);
    },
    [options, as] as const,
  );
}

/** Reloads the page and opens the store anew. */
export async function reload(page: Page, origin: string, options: OpenOptions): Promise<void> {
  await page.reload();
  await prepare(page, origin);
  await openIn(page, options);
}

/** One command; an error is its code and text. */
export function command(page: Page, name: string, ...args: string[]): Promise<unknown> {
  return commandOf(page, 'db', name, ...args);
}

export function commandOf(
  page: Page,
  store: string,
  name: string,
  ...args: string[]
): Promise<unknown> {
  return page.evaluate(
    ([which, words]) => {
      const [first = '', ...rest] = words;
      return window.stores[which]?.command(first, ...rest).then(
        (reply) => reply as unknown,
        (error) => `${error.code}: ${error.message}`,
      );
    },
    [store, [name, ...args]] as const,
  );
}

export function close(page: Page, store = 'db'): Promise<void> {
  return page.evaluate((which) => window.stores[which]?.close(), store);
}

/** What opening fails with, as its code and text. */
export function openError(page: Page, options: OpenOptions): Promise<string> {
  return page.evaluate(
    (how) =>
      window.openStore(how).then(
        () => 'it opened',
        (error) => `${error.code}: ${error.message}`,
      ),
    options,
  );
}

/** Kills the page's process, as the system does when memory is short. */
export async function crash(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const crashed = new Promise<void>((resolve) => {
    page.on('crash', () => resolve());
  });
  session.send('Page.crash').catch(() => {});
  await crashed;
}
