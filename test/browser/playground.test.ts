// The playground, used as a person does: typing, clicking, dropping files, several tabs.
//
// It is served below a path of its own, by a plain file server. Every test has a browser profile of its own;
// a page that complains in its console fails its test.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { chromiumAvailable, startChromium } from '../support/chromium.ts';
import { RespClient } from '../support/resp_client.ts';
import { realRedisAvailable, startServer } from '../support/server.ts';
import {
  address,
  drop,
  folderRow,
  keyRow,
  openKey,
  openPlayground,
  openTab,
  press,
  run,
  screen,
  sees,
  servePlayground,
  WIDE,
} from './playground_page.ts';

const available = chromiumAvailable();
const NARROW = { width: 360, height: 720 };
const VIEWS = ['keys', 'terminal', 'charts', 'commands', 'benchmark', 'data'] as const;

const folders: string[] = [];

servePlayground();

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function scratchFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'respite-web-'));
  folders.push(folder);
  return folder;
}

/** A dump.rdb that a real redis-server wrote, of what these commands make. */
async function redisDump(...commands: string[][]): Promise<Uint8Array> {
  const server = await startServer({
    kind: 'redis',
    args: ['--enable-debug-command', 'yes', '--rdbcompression', 'yes', '--databases', '100'],
  });
  try {
    const client = await RespClient.connect({ port: server.port });
    for (const command of [...commands, ['SAVE']]) await client.call(...command);
    client.close();
    return readFileSync(path.join(server.dir, 'dump.rdb'));
  } finally {
    await server.stop();
  }
}

describe.skipIf(!available)('the terminal', () => {
  it('runs commands, shows hints and completes', async () => {
    const { page } = await openPlayground();
    await run(page, 'SET greeting "hello world"', 'OK');
    await run(page, 'GET greeting', '"hello world"');
    await run(page, 'LPUSH greeting x', '(error) WRONGTYPE');
    await press(page, 'EXPIRE ');
    await sees(page, 'EXPIRE key seconds [NX|XX|GT|LT]');
    await page.keyboard.type('gre');
    await page.keyboard.press('Tab');
    await sees(page, 'EXPIRE greeting seconds [NX|XX|GT|LT]');
    await page.keyboard.type('100 n');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await sees(page, 'EXPIRE greeting 100 nx');
    await sees(page, '(integer) 1');
    await press(page, 'getr');
    await page.keyboard.press('Tab');
    await sees(page, 'getrange key start end');
    await page.keyboard.press('Control+c');
    await run(page, 'help getrange', 'GETRANGE key start end');
    // What is printed is there for screen readers.
    expect(await page.locator('#terminal-log').textContent()).toContain('(error) WRONGTYPE');
  });

  it('has the state of the connection in its prompt, and in the keys', async () => {
    const { page } = await openPlayground();
    await run(page, 'MULTI', 'db(TX)>');
    await run(page, 'SET a 1', 'QUEUED');
    await run(page, 'EXEC', '1) OK');
    await run(page, 'SELECT 3', 'db[3]>');
    expect(await page.locator('#key-database').inputValue()).toBe('3');
    await page.locator('#key-database').selectOption('0');
    await keyRow(page, 'a').waitFor();
    await run(page, 'GET a', '"1"');
    await run(page, 'HELLO 3', '3# "proto" => (integer) 3');
    await run(page, 'SADD s x', '(integer) 1');
    await run(page, 'SMEMBERS s', '1~ "x"');
  });

  it('streams messages and commands until Ctrl-C', async () => {
    const { browser, page } = await openPlayground();
    const other = await openTab(browser);
    await run(page, 'SUBSCRIBE news', 'Reading messages');
    await run(other, 'PUBLISH news "from the other tab"', '(integer) 1');
    await sees(page, '3) "from the other tab"');
    await page.bringToFront();
    await page.keyboard.press('Control+c');
    await sees(page, '^C');
    await run(page, 'MONITOR', 'Watching all commands');
    await run(other, 'SET watched yes', 'OK');
    await sees(page, '"SET" "watched" "yes"');
    await page.bringToFront();
    await page.keyboard.press('Control+c');
    await run(page, 'PING', 'PONG');
  });

  it('keeps its history, and takes many lines at once', async () => {
    const { page } = await openPlayground();
    await screen(page).click();
    await page.evaluate(() => {
      const data = new DataTransfer();
      data.setData('text/plain', 'SET a 1\nSET b 2\nMGET a b\n');
      document
        .querySelector('.xterm-helper-textarea')!
        .dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }));
    });
    await sees(page, '2) "2"');
    await page.reload();
    await page.locator('#key-list').waitFor();
    await screen(page).click();
    await page.keyboard.press('ArrowUp');
    await sees(page, 'db> MGET a b');
    await page.keyboard.press('Control+c');
    await page.keyboard.press('Control+r');
    await page.keyboard.type('SET b');
    await sees(page, "(search) 'SET b': SET b 2");
    await page.keyboard.press('Enter');
    await sees(page, 'OK');
  });

  it('is pasted into with the keys of the browser, and copied from', async () => {
    const { browser, page } = await openPlayground();
    await browser.context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const copy = (text: string) => page.evaluate((t) => navigator.clipboard.writeText(t), text);
    await screen(page).click();
    await copy('SELECT 3\nSET pasted 1\nGET pasted');
    await page.keyboard.press('Control+v');
    // Each line has the prompt that was there when it began.
    await sees(page, 'db> SELECT 3');
    await sees(page, 'db[3]> SET pasted 1');
    await sees(page, 'db[3]> GET pasted');
    await page.keyboard.press('Enter');
    await sees(page, '"1"');
    await copy('ECHO shifted');
    await page.keyboard.press('Control+Shift+V');
    await page.keyboard.press('Enter');
    await sees(page, '"shifted"');
    await page.keyboard.type('selected');
    await screen(page).dblclick({ position: { x: 30, y: 8 } });
    await page.keyboard.press('Control+Shift+C');
    await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe('store');
  });

  it('stays usable while a line is repeated, until Ctrl-C', async () => {
    const { page } = await openPlayground();
    await press(page, '100000000 INCR n');
    await page.keyboard.press('Enter');
    await sees(page, '(integer) 100');
    await page.keyboard.press('Control+c');
    await sees(page, '^C');
    await run(page, 'STRLEN n', '(integer) ');
    const log = await page.locator('#terminal-log').textContent();
    expect(log).toContain('^C');
  });

  it('stays usable while many pasted lines run, until Ctrl-C', async () => {
    const { page } = await openPlayground();
    await screen(page).click();
    await page.evaluate(() => {
      const data = new DataTransfer();
      data.setData('text/plain', 'APPEND s x\n'.repeat(50_000));
      document
        .querySelector('.xterm-helper-textarea')!
        .dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }));
    });
    await sees(page, '(integer) ');
    await page.keyboard.press('Control+c');
    await sees(page, '^C');
    await run(page, 'GETRANGE s 0 0', '"x"');
    await run(page, 'GETRANGE s 49999 49999', '""');
  });

  it('tells screen readers of history, candidates and search', async () => {
    const { page } = await openPlayground();
    const log = page.locator('#terminal-log');
    await run(page, 'SET a 1', 'OK');
    await page.keyboard.press('ArrowUp');
    await log.getByText('SET a 1', { exact: true }).waitFor();
    await page.keyboard.press('Control+c');
    await page.keyboard.type('expire a 1 ');
    await page.keyboard.press('Tab');
    await log.getByText('NX, XX, GT, LT').waitFor();
    await page.keyboard.press('Control+c');
    await page.keyboard.press('Control+r');
    await sees(page, "(search) ''");
    await page.keyboard.press('Escape');
    await page.keyboard.type('PING');
    await page.keyboard.press('Enter');
    await sees(page, 'PONG');
  });
});

describe.skipIf(!available)('keys and values', () => {
  it('are shown as a tree that follows what happens', async () => {
    const { page } = await openPlayground();
    await run(page, 'MSET user:1:name Ada user:2:name Bob visits 1', 'OK');
    await folderRow(page, 'user').click();
    await folderRow(page, '1').click();
    await keyRow(page, 'user:1:name').waitFor();
    await run(page, 'DEL user:1:name', '(integer) 1');
    await folderRow(page, '1').waitFor({ state: 'detached' });
    await page.locator('#key-filter').fill('user:*');
    await page.locator('.pane-foot', { hasText: '1 of 2 keys' }).waitFor();
    await page.locator('#key-filter').press('ArrowDown');
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await page.locator('.key-name', { hasText: 'user:2:name' }).waitFor();
  });

  it('are edited: a string as text, JSON and bytes', async () => {
    const { page } = await openPlayground();
    await run(page, `SET doc '{"a":1}' EX 5000`, 'OK');
    await openKey(page, 'doc');
    const text = page.locator('.value-text');
    expect(await text.inputValue()).toBe('{\n  "a": 1\n}');
    await text.fill('{"a":');
    await page.locator('.fault', { hasText: 'JSON' }).waitFor();
    expect(await page.getByRole('button', { name: 'Save', exact: true }).isDisabled()).toBe(true);
    await text.fill('{"a":2}');
    await text.press('Control+s');
    await run(page, 'GET doc', '"{\\"a\\":2}"');
    await page.getByRole('button', { name: 'Hex' }).click();
    await text.fill('00 ff');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await run(page, 'GET doc', '"\\x00\\xff"');
    await run(page, 'TTL doc', '(integer) 4');
  });

  it('are edited: elements in place, added, removed', async () => {
    const { page } = await openPlayground();
    await run(page, 'HSET h name Ada', '(integer) 1');
    await openKey(page, 'h');
    await page.locator('.cell', { hasText: 'Ada' }).click();
    await page.locator('.cell-editor').fill('Ada Lovelace');
    await page.locator('.cell-editor').press('Enter');
    await page.locator('.cell', { hasText: 'Ada Lovelace' }).waitFor();
    await page.locator('.add-row').getByLabel('Field').fill('born');
    await page.locator('.add-row').getByLabel('Value').fill('1815');
    await page.getByRole('button', { name: 'Add field' }).click();
    await run(page, 'HGETALL h', '4) "1815"');
    await page.getByRole('button', { name: 'Remove born' }).click();
    await page.locator('.pane-foot', { hasText: '1 field' }).waitFor();
    // Changes from elsewhere come in.
    await run(page, 'HSET h langs 3', '(integer) 1');
    await page.locator('.cell', { hasText: 'langs' }).waitFor();
  });

  it('are made, renamed, given a time to live, and deleted', async () => {
    const { page } = await openPlayground();
    await page.locator('#keys h2').click();
    await page.keyboard.press('n');
    await page.locator('dialog').getByLabel('Name').fill('scores');
    await page.locator('dialog').getByLabel('Sorted set').check();
    await page.locator('dialog').getByLabel('Value').fill('120 Ada\n95 Bob');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.locator('.key-name', { hasText: 'scores' }).waitFor();
    await page.locator('.cell', { hasText: '95' }).waitFor();
    await page.getByRole('button', { name: 'Rename' }).click();
    await page.getByLabel('New name').fill('ranking');
    await page.keyboard.press('Enter');
    await keyRow(page, 'ranking').waitFor();
    await page.getByRole('button', { name: 'Set when it expires' }).click();
    await page.getByLabel('Seconds from now').fill('3600');
    await page.keyboard.press('Enter');
    await page.locator('.key-facts', { hasText: 'expires in' }).waitFor();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.locator('dialog').getByRole('button', { name: 'Delete' }).click();
    await keyRow(page, 'ranking').waitFor({ state: 'detached' });
    await run(page, 'DBSIZE', '(integer) 0');
  });

  it('say when they are gone', async () => {
    const { page } = await openPlayground();
    await run(page, 'SET a 1', 'OK');
    await openKey(page, 'a');
    await run(page, 'DEL a', '(integer) 1');
    await page.locator('.key-facts', { hasText: 'not there any more' }).waitFor();
  });
});

describe.skipIf(!available || !realRedisAvailable())('a dump.rdb of a real redis-server', () => {
  it('is dropped, explored, edited and saved back, for redis-server to read', async () => {
    const rdb = await redisDump(
      ['SET', 'title', 'from redis'],
      ['HSET', 'user:1', 'name', 'Ada'],
      ['ZADD', 'scores', '1.5', 'a'],
      ['XADD', 'log', '1-1', 'k', 'v'],
      ['SET', 'soon', 'x', 'EX', '9000'],
      ['SELECT', '2'],
      ['SADD', 'other', 'm'],
    );
    const { page } = await openPlayground();
    await drop(page, rdb);
    await page.locator('dialog', { hasText: 'dump.rdb holds 6 keys' }).waitFor();
    await page.getByRole('button', { name: 'Load', exact: true }).click();
    await page.locator('.toast', { hasText: '6 keys loaded from dump.rdb' }).waitFor();
    await openKey(page, 'title');
    await page.locator('.value-text').fill('from the browser');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.locator('.toast', { hasText: 'Saved' }).waitFor();
    await page.goto(`${address}#/data`);
    const downloading = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save dump.rdb' }).click();
    const folder = scratchFolder();
    await (await downloading).saveAs(path.join(folder, 'dump.rdb'));
    const saved = readFileSync(path.join(folder, 'dump.rdb'));
    const server = await startServer({
      kind: 'redis',
      args: ['--dir', folder, '--dbfilename', 'dump.rdb'],
    });
    try {
      const client = await RespClient.connect({ port: server.port });
      const text = async (...command: string[]) =>
        JSON.stringify(await client.call(...command), (_key, value) => {
          if (typeof value === 'bigint') return String(value);
          return value?.type === 'Buffer' ? Buffer.from(value.data).toString() : value;
        });
      expect(await text('GET', 'title')).toContain('from the browser');
      expect(await text('HGETALL', 'user:1')).toContain('Ada');
      expect(await text('TTL', 'soon')).toMatch(/"8\d\d\d"/);
      await text('SELECT', '2');
      expect(await text('SMEMBERS', 'other')).toContain('m');
      client.close();
    } finally {
      await server.stop();
    }
    expect(saved.subarray(0, 5).toString()).toBe('REDIS');
  });

  it('is added to what is there the way it is asked for, or looked at beside it', async () => {
    const rdb = await redisDump(['MSET', 'a', 'theirs', 'b', 'theirs']);
    const { page } = await openPlayground();
    await run(page, 'MSET a mine c mine', 'OK');
    await drop(page, rdb);
    await page.getByRole('button', { name: 'Add, mine win' }).click();
    await page.locator('.toast', { hasText: '1 key loaded from dump.rdb; 1 key kept' }).waitFor();
    await run(page, 'MGET a b c', '1) "mine"2) "theirs"3) "mine"');
    await drop(page, rdb);
    await page.getByRole('button', { name: 'Look at it separately' }).click();
    await page.locator('.pane-foot', { hasText: '2 keys' }).waitFor();
    expect(await page.locator('#store-chip').textContent()).toContain('In memory only');
    await run(page, 'FLUSHALL', 'OK');
    await page.goto(`${address}#/data`);
    const goBack = page.getByRole('button', { name: 'Return to the stored data' });
    await goBack.click();
    await page.locator('dialog', { hasText: 'They have changed' }).waitFor();
    await page.keyboard.press('Escape');
    const downloading = page.waitForEvent('download');
    await goBack.click();
    await page.locator('dialog').getByRole('button', { name: 'Save dump.rdb' }).click();
    await downloading;
    await page.locator('fieldset:enabled input[value=relaxed]:checked').waitFor();
    await page.goto(`${address}#/keys`);
    await page.locator('.pane-foot', { hasText: '3 keys' }).waitFor();
    await drop(page, rdb);
    await page.getByRole('button', { name: 'Replace my data' }).click();
    await page.locator('.pane-foot', { hasText: '2 keys' }).waitFor();
    await run(page, 'EXISTS c', '(integer) 0');
  });

  it('may have more databases than there are here', async () => {
    const rdb = await redisDump(['SET', 'a', '1'], ['SELECT', '42'], ['SET', 'far', 'away']);
    const { page } = await openPlayground();
    await drop(page, rdb);
    await page.locator('dialog', { hasText: 'holds 2 keys' }).waitFor();
    await page.locator('dialog', { hasText: 'Database 42 of it can only' }).waitFor();
    await page.getByRole('button', { name: 'Load', exact: true }).click();
    await page.locator('.toast', { hasText: '1 key loaded' }).waitFor();
    await drop(page, rdb);
    await page.getByRole('button', { name: 'Look at it separately' }).click();
    await page.locator('#key-database').selectOption('42');
    await keyRow(page, 'far').waitFor();
    await run(page, 'GET far', '"away"');
    // Nothing was changed: nothing is asked.
    await page.goto(`${address}#/data`);
    await page.getByRole('button', { name: 'Return to the stored data' }).click();
    await page.locator('fieldset:enabled input[value=relaxed]:checked').waitFor();
  });

  it('of 100,000 keys is shown without drawing them all', async () => {
    const rdb = await redisDump(['DEBUG', 'POPULATE', '100000', 'item', '8']);
    const { page } = await openPlayground();
    await drop(page, rdb);
    await page.getByRole('button', { name: 'Look at it separately' }).click();
    await page.locator('.pane-foot', { hasText: '100,000 keys' }).waitFor();
    await folderRow(page, 'item').click();
    await keyRow(page, 'item:0').waitFor();
    expect(await page.locator('.row').count()).toBeLessThan(100);
    await page.locator('#key-filter').fill('item:9999?');
    await page.locator('.pane-foot', { hasText: '10 of 100,000 keys' }).waitFor();
    await openKey(page, 'item:99999');
  });

  it('is pasted where nothing is typed, and not into a value', async () => {
    const rdb = await redisDump(['SET', 'a', '1']);
    const { page } = await openPlayground();
    await run(page, 'SET text x', 'OK');
    await openKey(page, 'text');
    const paste = (into: string) =>
      page.evaluate(
        ([base64, selector]) => {
          const clipboardData = new DataTransfer();
          const content = Uint8Array.from(atob(base64!), (each) => each.charCodeAt(0));
          clipboardData.items.add(new File([content], 'dump.rdb'));
          const event = new ClipboardEvent('paste', { clipboardData, bubbles: true });
          document.querySelector(selector!)!.dispatchEvent(event);
        },
        [Buffer.from(rdb).toString('base64'), into],
      );
    await paste('.value-text');
    await run(page, 'PING', 'PONG');
    expect(await page.locator('dialog').count()).toBe(0);
    await paste('.xterm-helper-textarea');
    await page.locator('dialog', { hasText: 'holds 1 key' }).waitFor();
  });

  it('that is broken is refused with the reason, and nothing is changed', async () => {
    const rdb = await redisDump(['SET', 'a', 'x'.repeat(200)]);
    const { page } = await openPlayground();
    await run(page, 'SET kept yes', 'OK');
    await drop(page, rdb.subarray(0, rdb.length - 20));
    await page.locator('.toast.error').waitFor();
    await run(page, 'DBSIZE', '(integer) 1');
    await drop(page, new TextEncoder().encode('no dump at all'), 'notes.txt');
    await page.locator('.toast.error').nth(1).waitFor();
    await run(page, 'GET kept', '"yes"');
  });
});

describe.skipIf(!available)('the data', () => {
  it('are there again when the page is loaded again, in either durability', async () => {
    const { page } = await openPlayground();
    await run(page, 'SET a relaxed', 'OK');
    await page.goto(`${address}#/data`);
    await page.getByText('when it is stored').click();
    await page.locator('fieldset:enabled input[value=strict]:checked').waitFor();
    await page.locator('dd', { hasText: /OPFS|IndexedDB/ }).waitFor();
    await page.goto(`${address}#/keys`);
    await run(page, 'SET b strict', 'OK');
    await page.reload();
    await keyRow(page, 'a').waitFor();
    await run(page, 'MGET a b', '1) "relaxed"2) "strict"');
    await page.goto(`${address}#/data`);
    await page.locator('fieldset:enabled input[value=strict]:checked').waitFor();
  });

  it('stay open when another tab keeps them in another way', async () => {
    const { browser, page } = await openPlayground();
    const second = await openTab(browser);
    await run(page, 'SET a 1', 'OK');
    await second.goto(`${address}#/data`);
    await second.getByText('when it is stored').click();
    await second.locator('.toast.error', { hasText: 'Another tab has the data open' }).waitFor();
    await second.locator('fieldset:enabled input[value=relaxed]:checked').waitFor();
    await second.goto(`${address}#/keys`);
    await run(second, 'GET a', '"1"');
  });

  it('are the same in a second tab, which goes on when the first one is closed', async () => {
    const { browser, page } = await openPlayground();
    const second = await openTab(browser);
    await run(page, 'SET shared "from the first"', 'OK');
    await keyRow(second, 'shared').waitFor();
    await run(second, 'SET shared "from the second"', 'OK');
    await run(page, 'GET shared', '"from the second"');
    await page.close();
    await run(second, 'PING', 'PONG');
    await run(second, 'GET shared', '"from the second"');
    await run(second, 'SET later 1', 'OK');
    await keyRow(second, 'later').waitFor();
  });

  it('are there when the tab that led has crashed', async () => {
    const { browser, page } = await openPlayground();
    await page.goto(`${address}#/data`);
    await page.getByText('when it is stored').click();
    await page.locator('fieldset:enabled input[value=strict]:checked').waitFor();
    await page.goto(`${address}#/keys`);
    await run(page, 'SET acknowledged yes', 'OK');
    const second = await openTab(browser);
    await keyRow(second, 'acknowledged').waitFor();
    const session = await browser.context.newCDPSession(page);
    session.send('Page.crash').catch(() => undefined);
    await sees(second, 'The tab that had the store is gone');
    await run(second, 'GET acknowledged', '"yes"');
    await run(second, 'SET after crash', 'OK');
    await keyRow(second, 'after').waitFor();
    await second.goto(`${address}#/data`);
    await second.locator('dd', { hasText: 'This tab runs the engine' }).waitFor();
  });

  it('are deleted only when that was confirmed', async () => {
    const { page } = await openPlayground();
    await run(page, 'SET a 1', 'OK');
    await page.goto(`${address}#/data`);
    await page.getByRole('button', { name: 'Delete everything …' }).click();
    await page.locator('dialog', { hasText: '1 key in all databases' }).waitFor();
    await page.keyboard.press('Escape');
    await page.goto(`${address}#/keys`);
    await keyRow(page, 'a').waitFor();
    await page.goto(`${address}#/data`);
    await page.getByRole('button', { name: 'Delete everything …' }).click();
    await page.getByRole('button', { name: 'Delete everything', exact: true }).click();
    await page.locator('.toast', { hasText: 'All keys were deleted' }).waitFor();
    await page.goto(`${address}#/keys`);
    await page.locator('.pane-foot', { hasText: '0 keys' }).waitFor();
  });

  it('travel in a link, which asks before it changes anything', async () => {
    const { browser, page } = await openPlayground();
    await run(page, 'HSET gift wrapped yes', '(integer) 1');
    await page.goto(`${address}#/data`);
    await page.getByRole('button', { name: 'Make a link' }).click();
    const link = await page.locator('#share-link').inputValue();
    expect(link.startsWith(`${address}#snapshot=1.`)).toBe(true);
    await page.goto(`${address}#/keys`);
    await run(page, 'DEL gift', '(integer) 1');
    await run(page, 'SET mine 1', 'OK');
    const other = await openTab(browser, link.slice(address.length));
    await other.locator('dialog', { hasText: 'The link you followed holds 1 key' }).waitFor();
    await other.keyboard.press('Escape');
    await other.locator('.pane-foot', { hasText: '1 key' }).waitFor();
    const third = await openTab(browser, link.slice(address.length));
    await third.getByRole('button', { name: 'Add, the file’s values win' }).click();
    await keyRow(third, 'gift').waitFor();
    expect(third.url()).not.toContain('snapshot');
    await keyRow(page, 'gift').waitFor();
    const damaged = await openTab(browser, link.slice(address.length, -30));
    await damaged.locator('.toast.error', { hasText: 'The link is damaged' }).waitFor();
  });
});

describe.skipIf(!available)('the other views', () => {
  it('draw what the store does, and say it in words', async () => {
    const { page } = await openPlayground();
    await run(page, 'SET a 1', 'OK');
    await run(page, '50 GET a', '"1"');
    await page.goto(`${address}#/charts`);
    await page.locator('#chart-0 canvas').waitFor();
    await page.locator('.legend', { hasText: /keys\s+1/ }).waitFor();
    await page.getByText('Figures').nth(3).click();
    await page.getByRole('columnheader', { name: 'expired per second' }).waitFor();
  });

  it('find commands, and run their examples in place', async () => {
    const { page } = await openPlayground();
    await page.goto(`${address}#/commands`);
    await page.locator('#doc-search').fill('zadd');
    await page.locator('#doc-search').press('Enter');
    await page.getByRole('heading', { name: 'ZADD', exact: true }).waitFor();
    expect(page.url()).toContain('#/commands/zadd');
    await page.getByRole('button', { name: 'Run' }).first().click();
    await page.locator('.example .reply', { hasText: '"Eve"' }).waitFor();
    await page.getByRole('button', { name: 'Try it in the terminal' }).click();
    await sees(page, 'ZADD key [NX|XX]');
    // Examples run in a store of their own.
    await page.keyboard.press('Control+c');
    await run(page, 'DBSIZE', '(integer) 0');
  });

  it('measure the engine beside the data, and stop when they are told to', async () => {
    const { page } = await openPlayground();
    await run(page, 'SET untouched 1', 'OK');
    await page.goto(`${address}#/benchmark`);
    const benchmark = page.locator('#benchmark');
    for (const name of ['INCR', 'LPUSH + LPOP', 'HSET', 'ZADD'])
      await benchmark.getByLabel(name, { exact: true }).uncheck();
    await benchmark.getByRole('button', { name: 'Run' }).click();
    await benchmark.getByText('Done.').waitFor();
    expect(await benchmark.locator('.bar').count()).toBe(8);
    await benchmark.getByLabel('Long').check();
    await benchmark.getByRole('button', { name: 'Run' }).click();
    await benchmark.getByRole('button', { name: 'Stop' }).click();
    await benchmark.getByText('Stopped.').waitFor();
    await page.goto(`${address}#/keys`);
    await run(page, 'DBSIZE', '(integer) 1');
  });

  it('are reached with the keyboard', async () => {
    const { page } = await openPlayground();
    for (const [i, name] of VIEWS.entries()) {
      await page.keyboard.press(`Alt+${i + 1}`);
      await page.waitForFunction((view) => document.body.dataset.view === view, name);
    }
    await page.keyboard.press('?');
    await page.locator('dialog', { hasText: 'Keyboard' }).waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Find' }).fill('hget');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'HGET', exact: true }).waitFor();
    await page.keyboard.press('Control+`');
    await page.keyboard.type('PING');
    await page.keyboard.press('Enter');
    await sees(page, 'PONG');
  });
});

describe.skipIf(!available)('the page', () => {
  it('fits narrow and wide windows in light and dark, and has no serious fault that axe finds', async () => {
    const { browser, page } = await openPlayground();
    // A stricter policy than that of the page would keep the checker out, not the page's own code.
    const require = createRequire(import.meta.url);
    const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
    await run(page, 'HSET h:1 name Ada', '(integer) 1');
    await run(page, 'SET s 1 EX 1000', 'OK');
    await openKey(page, 's');
    expect(browser.context.pages()).toContain(page);
    for (const size of [WIDE, NARROW, { width: 900, height: 700 }]) {
      await page.setViewportSize(size);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await page.waitForFunction(
          (theme) => document.documentElement.dataset.theme === theme,
          colorScheme,
        );
        for (const view of VIEWS) {
          await page.goto(`${address}#/${view}`);
          await page.waitForFunction((name) => document.body.dataset.view === name, view);
          const where = `${view}, ${size.width} px, ${colorScheme}`;
          // The terminal fits itself to its place a moment after that has changed.
          await expect.poll(() => overflow(page), { message: where, timeout: 10_000 }).toEqual([]);
          expect(await faults(page, axe), where).toEqual([]);
        }
      }
    }
  });

  it('skips to its content, and stays in its view', async () => {
    const { page } = await openPlayground();
    await page.goto(`${address}#/charts`);
    await page.locator('#skip').focus();
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
    expect(await page.evaluate(() => document.body.dataset.view)).toBe('charts');
    await page.evaluate(() => {
      location.hash = '#elsewhere';
    });
    await page.waitForFunction(() => location.hash === '#elsewhere');
    expect(await page.evaluate(() => document.body.dataset.view)).toBe('charts');
  });

  it('has panes of their usual size also when it was opened at another view', async () => {
    const browser = await startChromium();
    const page = await browser.newPage();
    await page.setViewportSize(WIDE);
    await page.goto(`${address}#/charts`);
    await page.getByRole('heading', { name: 'Charts' }).waitFor();
    await page.goto(`${address}#/keys`);
    await page.locator('#key-list').waitFor();
    expect(await page.locator('#split-keys').getAttribute('aria-valuenow')).toBe('320');
    await page.locator('#split-keys').press('ArrowRight');
    await page.setViewportSize({ width: 700, height: 800 });
    await expect
      .poll(async () => Number(await page.locator('#split-keys').getAttribute('aria-valuenow')))
      .toBeLessThan(300);
  });

  it('does without keys that work alone where they are in the way', async () => {
    const { page } = await openPlayground();
    await page.locator('#help').click();
    await page.getByLabel('Keys that work alone').uncheck();
    await page.keyboard.press('Escape');
    await page.locator('#keys h2').click();
    await page.keyboard.press('n');
    await page.keyboard.press('?');
    expect(await page.locator('dialog').count()).toBe(0);
    await page.locator('#help').click();
    expect(await page.getByLabel('Keys that work alone').isChecked()).toBe(false);
  });

  it('keeps the theme that was chosen', async () => {
    const { page } = await openPlayground();
    await page.emulateMedia({ colorScheme: 'light' });
    await page.getByRole('button', { name: 'Switch between light and dark' }).click();
    await page.reload();
    await page.locator('#key-list').waitFor();
    expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark');
  });

  it('is used on a phone: keys, a value, and back', async () => {
    const { page } = await openPlayground();
    await run(page, 'SET a 1', 'OK');
    await page.setViewportSize(NARROW);
    await page.locator('.view-keys').click();
    await openKey(page, 'a');
    expect(await page.locator('#key-list').isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Back to the keys' }).click();
    await page.locator('#key-list').waitFor();
    await page.locator('.view-terminal').click();
    await run(page, 'GET a', '"1"');
  });

  it('asks nothing of anybody but where it came from', async () => {
    const browser = await startChromium();
    const page = await browser.newPage();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(address);
    await page.locator('#key-list').waitFor();
    const foreign = asked.filter((url) => !url.startsWith(address.replace('index.html', '')));
    expect(foreign.filter((url) => !url.startsWith('data:') && !url.startsWith('blob:'))).toEqual(
      [],
    );
  });

  it('says that the store has come to an end, and opens it again', async () => {
    const browser = await startChromium();
    const page = await browser.newPage();
    await page.addInitScript(() => {
      // An engine that fails in the midst of a command when it is told to.
      const { instantiate } = WebAssembly;
      const state = globalThis as typeof globalThis & { mustFail?: boolean };
      const failing = async (module: WebAssembly.Module, imports: WebAssembly.Imports) => {
        const { exports } = await instantiate(module, imports);
        const feed = exports.feed as (...args: unknown[]) => unknown;
        return {
          exports: {
            ...exports,
            feed: (...args: unknown[]) => {
              if (!state.mustFail) return feed(...args);
              state.mustFail = false;
              throw new WebAssembly.RuntimeError('unreachable');
            },
          },
        };
      };
      WebAssembly.instantiate = failing as unknown as typeof WebAssembly.instantiate;
    });
    await page.goto(address);
    await page.locator('#key-list').waitFor();
    await page.evaluate(() => {
      (globalThis as typeof globalThis & { mustFail?: boolean }).mustFail = true;
    });
    await page.getByRole('heading', { name: 'The store has come to an end' }).waitFor();
    await page.locator('#failure', { hasText: 'CRASHED' }).waitFor();
    // The shortcuts of the views lead nowhere.
    await page.keyboard.press('Alt+3');
    expect(await page.locator('#charts').isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Try again' }).click();
    await run(page, 'PING', 'PONG');
    expect(await page.locator('#failure').isVisible()).toBe(false);
  });

  it('says what is missing when the store does not open, and goes on in memory where it can', async () => {
    const browser = await startChromium();
    const page = await browser.newPage();
    await page.addInitScript(() => {
      Object.defineProperty(navigator, 'locks', { value: undefined });
    });
    await page.goto(address);
    await page.getByRole('heading', { name: 'The store did not open' }).waitFor();
    await page.locator('#failure', { hasText: 'UNSUPPORTED' }).waitFor();
    await page.getByRole('button', { name: 'Try again' }).dblclick();
    await page.getByRole('button', { name: 'Go on in memory only' }).dblclick();
    await run(page, 'PING', 'PONG');
    expect(await page.locator('#store-chip').textContent()).toContain('In memory only');
    const without = await browser.newPage();
    await without.addInitScript(() => {
      Object.defineProperty(globalThis, 'WebAssembly', { value: undefined });
    });
    await without.goto(address);
    await without.locator('#failure', { hasText: 'UNSUPPORTED' }).waitFor();
  });
});

/** What sticks out of the page. */
function overflow(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    return [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > clientWidth + 1)
      .map((element) => `${element.tagName} ${element.className}`);
  });
}

/** Serious and critical findings of axe. */
async function faults(page: Page, axe: string): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    interface Finding {
      id: string;
      impact: string;
      nodes: { html: string; failureSummary: string }[];
    }
    const { axe: checker } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: Finding[] }> };
    };
    const { violations } = await checker.run();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes[0]!.html} ${nodes[0]!.failureSummary}`);
  });
}

// Kept for whoever looks at failures by hand: RESPITE_SHOTS names a folder for pictures of all views.
it.skipIf(!available || process.env.RESPITE_SHOTS === undefined)('is photographed', async () => {
  const { page } = await openPlayground();
  await run(page, 'MSET user:1:name Ada user:2:name Bob visits 42', 'OK');
  for (const [name, size] of Object.entries({ wide: WIDE, narrow: NARROW })) {
    await page.setViewportSize(size);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      for (const view of VIEWS) {
        await page.goto(`${address}#/${view}`);
        await page.waitForFunction((wanted) => document.body.dataset.view === wanted, view);
        const file = path.join(process.env.RESPITE_SHOTS!, `${view}-${name}-${colorScheme}.png`);
        writeFileSync(file, await page.screenshot());
      }
    }
  }
});
