// respite playground: what it serves, and how it says that it cannot.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MemoryStorage } from '../../src/storage/memory_storage.ts';
import { tool } from '../support/captured_terminal.ts';

let folder = '';

beforeAll(() => {
  const parent = mkdtempSync(path.join(tmpdir(), 'respite-playground-'));
  folder = path.join(parent, 'web');
  mkdirSync(folder);
  writeFileSync(path.join(parent, 'secret.txt'), 'not to be served');
  writeFileSync(path.join(folder, 'index.html'), '<title>here</title>');
  writeFileSync(path.join(folder, 'main.js'), 'export {};');
  writeFileSync(path.join(folder, 'chunk-3PZDUD2J.js'), 'export {};');
  writeFileSync(path.join(folder, 'respite.browser.wasm'), '\0asm');
});

afterAll(() => rmSync(path.dirname(folder), { recursive: true }));

/** Runs `visit` while the playground is served. */
async function served(visit: (url: string) => Promise<void>): Promise<number> {
  const stop = new AbortController();
  let arrived: (url: string) => void = () => undefined;
  const url = new Promise<string>((resolve) => {
    arrived = resolve;
  });
  const run = tool(new MemoryStorage(), 'playground --port 0', {
    playgroundFolder: folder,
    stop: stop.signal,
    onOutput: (text) => arrived(text.trim()),
  });
  try {
    await visit(await url);
  } finally {
    stop.abort();
  }
  return (await run).code;
}

describe('respite playground', () => {
  it('prints its address, serves the page there and ends with 0 when it is stopped', async () => {
    const code = await served(async (url) => {
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
      const page = await fetch(url);
      expect(page.status).toBe(200);
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(await page.text()).toBe('<title>here</title>');
    });
    expect(code).toBe(0);
  });

  it.each([
    ['main.js', 'text/javascript; charset=utf-8', 'no-cache'],
    ['chunk-3PZDUD2J.js', 'text/javascript; charset=utf-8', 'public, max-age=31536000, immutable'],
    ['respite.browser.wasm', 'application/wasm', 'no-cache'],
  ])('serves %s as %s', async (name, type, cache) => {
    await served(async (url) => {
      const { status, headers } = await fetch(`${url}${name}?x=1`, { method: 'HEAD' });
      expect(status).toBe(200);
      expect(headers.get('content-type')).toBe(type);
      expect(headers.get('cache-control')).toBe(cache);
    });
  });

  it.each(['missing.js', '%2e%2e/secret.txt', '..%2fsecret.txt', '%', 'web/index.html'])(
    'has nothing at /%s',
    async (name) => {
      await served(async (url) => {
        expect((await fetch(url + name)).status).toBe(404);
      });
    },
  );

  it('answers GET and HEAD only', async () => {
    await served(async (url) => {
      const { status, headers } = await fetch(url, { method: 'POST', body: 'x' });
      expect(status).toBe(405);
      expect(headers.get('allow')).toBe('GET, HEAD');
    });
  });

  it('says so when the port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', () => resolve()));
    const { port } = other.address() as AddressInfo;
    try {
      const { code, errors } = await tool(new MemoryStorage(), `playground --port ${port}`, {
        playgroundFolder: folder,
      });
      expect(code).toBe(1);
      expect(errors).toMatch(new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}`));
    } finally {
      other.close();
    }
  });

  it('says so when it is not built', async () => {
    const { code, errors } = await tool(new MemoryStorage(), 'playground');
    expect(code).toBe(1);
    expect(errors).toContain('npm run build');
  });

  it.each(['playground --port 70000', 'playground --port web'])('refuses "%s"', async (words) => {
    const { code, errors } = await tool(new MemoryStorage(), words);
    expect(code).toBe(2);
    expect(errors).toContain('number from 0 to 65535');
  });
});
