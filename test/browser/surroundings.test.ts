// Where pages come from: servers that know no WebAssembly, a Content-Security-Policy, a single file on disk,
// dumps of a real Redis, a page nobody looks at.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bundles,
  type Chromium,
  chromiumAvailable,
  root,
  type Site,
  startChromium,
  startSite,
  stopChromium,
} from '../support/chromium.ts';
import { RespClient } from '../support/resp_client.ts';
import { realRedisAvailable, startServer } from '../support/server.ts';
import { failuresOf, PageTests } from './page_tests.ts';

const HTML = 'text/html; charset=utf-8';
const wasm = () => readFileSync(path.join(bundles, 'respite.browser.wasm'));

/** A page with a program, which leaves its result as the title. */
const pageWith = (program: string) =>
  `<!doctype html><link rel="icon" href="data:,"><title></title><script type="module">${program}</script>`;

/** Opens a store, uses it, and tells what came of it. */
const USE = `
  try {
    const db = await Respite.open(options);
    await db.command('SET', 'k', 'v');
    document.title = await db.command('GET', 'k') + ' ' + (await db.command('CLIENT', 'ID') > 0);
    await db.close();
  } catch (error) {
    document.title = error.code + ': ' + error.message;
  }`;

describe.skipIf(!chromiumAvailable())('a store in a page', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'respite-pages-'));
  let browser: Chromium;
  let site: Site;
  let policy = '';

  beforeAll(async () => {
    browser = await startChromium();
    site = await startSite({ '/': `${bundles}/` }, (name) => {
      if (name !== '/policy.html') return undefined;
      const program = `import { Respite } from '/respite.js'; const options = {};${USE}`;
      return {
        text: pageWith(program),
        type: HTML,
        headers: { 'content-security-policy': policy },
      };
    });
  });
  afterAll(async () => {
    await stopChromium();
    await site?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function titleOf(address: string): Promise<string> {
    const page = await browser.newPage();
    await page.goto(address);
    await page.waitForFunction(() => document.title !== '');
    const title = await page.title();
    await page.close();
    return title;
  }

  it('takes the module from where it is, and says what is missing', async () => {
    let isThere = false;
    const tests = await PageTests.open(
      path.join(root, 'test/browser/page'),
      ['surroundings.page.ts'],
      (name) => {
        if (name === '/plain/respite.browser.wasm') return { text: wasm(), type: 'text/plain' };
        if (name === '/now') isThere = true;
        if (name === '/now') return { text: '', type: 'text/plain' };
        if (name === '/later.wasm' && isThere) return { text: wasm(), type: 'application/wasm' };
        return undefined;
      },
    );
    try {
      const home = { program: '/respite.js', isWorker: false };
      const outcomes = await tests.run('surroundings.page.ts', home, [], /404/);
      expect(failuresOf(outcomes)).toEqual([]);
      expect(outcomes.length).toBeGreaterThan(7);
    } finally {
      await tests.close();
    }
  });

  it('runs under a policy that allows its module, and names what another one lacks', async () => {
    const scripts = "script-src 'self' 'unsafe-inline'";
    policy = `default-src 'none'; connect-src 'self'; ${scripts} 'wasm-unsafe-eval'`;
    expect(await titleOf(`${site.origin}/policy.html`)).toBe('v true');
    policy = `default-src 'none'; connect-src 'self'; ${scripts}`;
    const refused = await titleOf(`${site.origin}/policy.html`);
    expect(refused).toMatch(/^NOT_LOADED: .*must allow 'wasm-unsafe-eval'/);
  });

  it.each([false, true])('runs in a page that is one file on disk; worker: %s', async (worker) => {
    const program = path.join(bundles, 'respite.inline.js');
    const { outputFiles } = await build({
      stdin: {
        contents: `import { Respite } from ${JSON.stringify(program)};
          const options = { worker: ${worker} };
          (async () => {${USE}})();`,
        resolveDir: root,
      },
      bundle: true,
      write: false,
      format: 'iife',
    });
    const file = path.join(folder, `single-${worker}.html`);
    writeFileSync(file, pageWith(outputFiles[0]!.text));
    expect(await titleOf(pathToFileURL(file).href)).toBe('v true');
  });

  it('needs no headers that isolate the page', async () => {
    const page = await browser.newPage();
    await page.goto(`${site.origin}/empty.html`);
    expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(false);
    await page.close();
  });

  it.skipIf(!realRedisAvailable())('reads the dump of a real Redis, which reads its', async () => {
    const redis = await startServer({ kind: 'redis', args: ['--enable-debug-command', 'yes'] });
    const client = await RespClient.connect({ port: redis.port });
    for (const [index, command] of SAMPLE.entries()) {
      const reply = await client.call(...command);
      expect(reply.kind, `${index}: ${command.join(' ').slice(0, 50)}`).not.toBe('error');
    }
    const digest = await digestOf(client);
    expect(await client.call('SAVE')).toMatchObject({ kind: 'simple' });
    const dump = readFileSync(path.join(redis.dir, 'dump.rdb')).toString('base64');
    await client.close();
    await redis.stop();

    const page = await browser.newPage();
    await page.goto(`${site.origin}/exchange.html`).catch(() => {});
    await page.setContent(
      pageWith("import { Respite } from '/respite.js'; globalThis.Respite = Respite;"),
    );
    await page.waitForFunction(() => 'Respite' in globalThis);
    const found = await page.evaluate(exchange, dump);
    await page.close();
    expect(found.digest).toBe(digest);

    writeFileSync(path.join(folder, 'dump.rdb'), Buffer.from(found.dump, 'base64'));
    const other = await startServer({
      kind: 'redis',
      args: ['--dir', folder, '--enable-debug-command', 'yes'],
    });
    const reader = await RespClient.connect({ port: other.port });
    expect(await digestOf(reader)).toBe(digest);
    await reader.close();
    await other.stop();
  });
});

async function digestOf(client: RespClient): Promise<string> {
  const reply = await client.call('DEBUG', 'DIGEST');
  return reply.kind === 'simple' ? reply.text : JSON.stringify(reply);
}

/** In the page: loads a dump, tells its digest, and exports it from a worker that has loaded that. */
async function exchange(text: string): Promise<{ digest: string; dump: string }> {
  const { Respite } = globalThis as unknown as typeof import('../../src/browser.ts');
  const rdb = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const db = await Respite.open({ rdb });
  const other = await Respite.open({ rdb: await db.export(), worker: true });
  const dump = await other.export();
  let binary = '';
  for (const byte of dump) binary += String.fromCharCode(byte);
  return { digest: String(await db.command('DEBUG', 'DIGEST')), dump: btoa(binary) };
}

const range = (count: number, of: (i: number) => string[]) =>
  Array.from({ length: count }, (_, i) => of(i)).flat();

/** Values of all types, in small and in large encodings. */
const SAMPLE: string[][] = [
  ['SET', 'text', 'värde'],
  ['SET', 'number', '12345'],
  ['SET', 'compressible', 'abc'.repeat(5000)],
  ['SET', 'lasting', 'v', 'EX', '100000'],
  ['RPUSH', 'list', 'a', 'b', '3'],
  ['RPUSH', 'long list', ...range(3000, (i) => [`element ${i}`])],
  ['SADD', 'integers', '1', '2', '300'],
  ['SADD', 'set', ...range(1000, (i) => [`member ${i}`])],
  ['HSET', 'hash', 'f', 'v', 'g', '2'],
  ['HSET', 'large hash', ...range(1000, (i) => [`field ${i}`, `value ${i}`])],
  ['ZADD', 'scores', '1.5', 'a', '-inf', 'b', '2', 'c'],
  ['ZADD', 'many scores', ...range(1000, (i) => [`${i / 7}`, `member ${i}`])],
  ['XADD', 'stream', '1-1', 'f', 'v'],
  ['XADD', 'stream', '2-1', 'f', 'w', 'g', 'x'],
  ['XGROUP', 'CREATE', 'stream', 'group', '0'],
  ['XREADGROUP', 'GROUP', 'group', 'me', 'COUNT', '1', 'STREAMS', 'stream', '>'],
  ['PFADD', 'visitors', ...range(500, (i) => [`v${i}`])],
  ['SETBIT', 'bits', '100', '1'],
  ['SELECT', '7'],
  ['SET', 'elsewhere', 'v'],
];
