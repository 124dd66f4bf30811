// The example of README.md about browsers runs as it stands there.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  bundles,
  chromiumAvailable,
  complaintsOf,
  root,
  startChromium,
  startSite,
  stopChromium,
} from '../support/chromium.ts';

const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
const section = readme.split(/^## /m).find((each) => each.startsWith('Browser\n')) ?? '';
const example = /^```js\n(.*?)^```$/ms.exec(section)?.[1] ?? '';

const PAGE =
  '<!doctype html><link rel="icon" href="data:,">' +
  '<script type="importmap">{ "imports": { "respite/browser": "/bundle/respite.js" } }</script>' +
  `<script type="module">${example}\nconsole.log('done');</script>`;

describe.skipIf(!chromiumAvailable())('README.md about browsers', () => {
  afterAll(stopChromium);

  it('has an example that runs', async () => {
    const site = await startSite({ '/bundle/': bundles }, (name) =>
      name === '/example.html' ? { text: PAGE, type: 'text/html; charset=utf-8' } : undefined,
    );
    const browser = await startChromium();
    const page = await browser.newPage();
    const complaints = complaintsOf(page);
    const lines: string[] = [];
    page.on('console', (message) => lines.push(message.text()));
    await page.goto(`${site.origin}/example.html`);
    await expect.poll(() => [...lines, ...complaints].at(-1), { timeout: 60_000 }).toBe('done');
    expect(complaints).toEqual([]);
    expect(lines).toEqual(['Groceries', 'note:1', '1', 'done']);
    await site.close();
  });
});
