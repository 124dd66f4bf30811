// A browser for a test file, and a server for the pages it opens.
//
//   const site = await startSite({ '/': folder });      static files on loopback, as any file server has them
//   const browser = await startChromium();
//   const page = await browser.newPage();
//
// Chromium is Debian's, or what RESPITE_CHROMIUM names. Without one the tests are skipped, visibly; under CI
// that is an error, because a run that judged nothing must not look green. Each browser has a profile of its
// own, which goes with it. No page gets COOP or COEP headers: the store must not need them.

import { spawnSync } from 'node:child_process';
import { createReadStream, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BrowserContext, chromium, type Page } from 'playwright-core';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
/** The bundles: built before the tests run. */
export const bundles = path.join(root, 'dist/browser');

const binary = process.env.RESPITE_CHROMIUM ?? '/usr/bin/chromium';

/** Nothing of this reaches for the network. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let known: boolean | undefined;

/** Whether tests in a browser can run. */
export function chromiumAvailable(): boolean {
  known ??= spawnSync(binary, ['--version'], { encoding: 'utf8' }).status === 0;
  if (!known && process.env.CI) {
    throw new Error(`${binary} is needed when CI is set, and was not found`);
  }
  return known;
}

export interface Chromium {
  readonly context: BrowserContext;
  newPage(): Promise<Page>;
  /** Ends it as a crash of the machine would: nothing gets to say good-bye. Its profile stays. */
  close(): Promise<void>;
}

export interface ChromiumOptions {
  /** Profile to use and leave; without it the browser has a new one, and removes it. */
  readonly profile?: string;
}

const open = new Set<Chromium>();

/** Starts a browser. `stopChromium` ends it, also when a test has failed. */
export async function startChromium({ profile }: ChromiumOptions = {}): Promise<Chromium> {
  const folder = profile ?? mkdtempSync(path.join(tmpdir(), 'respite-chromium-'));
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: binary,
    args: FLAGS,
    ignoreDefaultArgs: ['--enable-automation'],
  });
  const browser: Chromium = {
    context,
    newPage: () => context.newPage(),
    close: async () => {
      if (!open.delete(browser)) return;
      await context.close();
      if (profile === undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  open.add(browser);
  return browser;
}

/** Ends all browsers of this test file. */
export async function stopChromium(): Promise<void> {
  for (const browser of [...open]) await browser.close();
}

export interface Site {
  /** "http://127.0.0.1:port" */
  readonly origin: string;
  /** Paths that were asked for, in order. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

/** What answers a path: a file, or text of a type. */
export type Content = { readonly file: string; readonly type?: string } | Text;

interface Text {
  readonly text: string | Uint8Array;
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/**
 * Serves folders of files: the longest prefix that fits a path names the folder. `find` may answer before
 * them. An empty page is at "/empty.html".
 */
export async function startSite(
  folders: Readonly<Record<string, string>>,
  find: (path: string) => Content | undefined = () => undefined,
): Promise<Site> {
  const requests: string[] = [];
  const prefixes = Object.keys(folders).sort((a, b) => b.length - a.length);
  const contentOf = (name: string): Content | undefined => {
    const found = find(name);
    if (found !== undefined) return found;
    if (name === '/empty.html') {
      return {
        text: '<!doctype html><link rel="icon" href="data:,"><title>empty</title>',
        type: TYPES['.html']!,
      };
    }
    const prefix = prefixes.find((each) => name.startsWith(each));
    if (prefix === undefined) return undefined;
    const folder = folders[prefix]!;
    const file = path.join(folder, name.slice(prefix.length) || 'index.html');
    return file.startsWith(folder) ? { file } : undefined;
  };
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const name = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    requests.push(name);
    const content = contentOf(name);
    if (content !== undefined && 'text' in content) {
      response.writeHead(200, { 'content-type': content.type, ...content.headers });
      response.end(content.text);
    } else if (
      content !== undefined &&
      existsSync(content.file) &&
      statSync(content.file).isFile()
    ) {
      const type = content.type ?? TYPES[path.extname(content.file)] ?? 'application/octet-stream';
      response.writeHead(200, { 'content-type': type, 'cache-control': 'no-cache' });
      createReadStream(content.file).pipe(response);
    } else {
      response.writeHead(404, { 'content-type': 'text/plain' });
      response.end('not found');
    }
  };
  const server = createServer(answer);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What a page said in its console that it should not have: errors and uncaught exceptions. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error.stack ?? error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  return complaints;
}
