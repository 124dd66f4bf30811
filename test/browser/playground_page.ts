// The playground in a browser, for tests that use it as a person does.

import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import {
  type Chromium,
  chromiumAvailable,
  complaintsOf,
  root,
  type Site,
  startChromium,
  startSite,
  stopChromium,
} from '../support/chromium.ts';

export const WIDE = { width: 1360, height: 860 };

/** Where the page is, while `servePlayground` serves it. */
export let address = '';
const watched: { page: Page; complaints: string[] }[] = [];

/** Serves the playground while the tests of a file run. */
export function servePlayground(): void {
  let site: Site | undefined;
  beforeAll(async () => {
    if (!chromiumAvailable()) return;
    site = await startSite({ '/some/path/': path.join(root, 'dist/web') });
    address = `${site.origin}/some/path/index.html`;
  });
  afterEach(async () => {
    const complaints = watched.splice(0).flatMap((each) => each.complaints);
    await stopChromium();
    expect(complaints).toEqual([]);
  });
  afterAll(async () => {
    await site?.close();
  });
}

/** Opens the playground in another tab, and waits until it can be used. */
export async function openTab(browser: Chromium, fragment = ''): Promise<Page> {
  const page = await browser.newPage();
  watched.push({ page, complaints: complaintsOf(page) });
  await page.setViewportSize(WIDE);
  await page.goto(address + fragment);
  await page.locator('#key-list').waitFor();
  return page;
}

export async function openPlayground(): Promise<{ browser: Chromium; page: Page }> {
  const browser = await startChromium();
  return { browser, page: await openTab(browser) };
}

export const screen = (page: Page) => page.locator('.xterm-screen');

/** Waits until the terminal shows the text. */
export async function sees(page: Page, text: string): Promise<void> {
  await page.waitForFunction(
    (wanted) =>
      [...document.querySelectorAll('.xterm-rows > div')]
        .map((row) => row.textContent ?? '')
        .join('')
        .replaceAll('\u00a0', ' ')
        .includes(wanted),
    text,
  );
}

export async function press(page: Page, keys: string): Promise<void> {
  await screen(page).click();
  await page.keyboard.type(keys);
}

/** Runs a line in the terminal, and waits for what it prints. */
export async function run(page: Page, line: string, reply: string): Promise<void> {
  await press(page, line);
  await page.keyboard.press('Enter');
  await sees(page, reply);
}

export const keyRow = (page: Page, key: string) => page.locator(`.row.key[title="${key}"]`);
export const folderRow = (page: Page, name: string) =>
  page.locator('.row.folder', { has: page.locator(`.name:text-is("${name}")`) });

export async function openKey(page: Page, key: string): Promise<void> {
  await keyRow(page, key).click();
  await page.locator('.key-name', { hasText: key }).waitFor();
}

/** Drops a file onto the page, as from the desktop. */
export async function drop(page: Page, bytes: Uint8Array, name = 'dump.rdb'): Promise<void> {
  const transfer = await page.evaluateHandle(
    ([base64, title]) => {
      const made = new DataTransfer();
      const content = Uint8Array.from(atob(base64!), (character) => character.charCodeAt(0));
      made.items.add(new File([content], title!));
      return made;
    },
    [Buffer.from(bytes).toString('base64'), name],
  );
  await page.dispatchEvent('body', 'dragenter', { dataTransfer: transfer });
  expect(await page.locator('#drop').isVisible()).toBe(true);
  await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
  expect(await page.locator('#drop').isVisible()).toBe(false);
}
