// Several tabs with one store, in Chromium: who leads, and what happens when that one goes.

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { chromiumAvailable } from '../support/chromium.ts';
import {
  close,
  command,
  commandOf,
  crash,
  openError,
  openIn,
  reload,
  useStorePages,
} from './store_page.ts';

declare global {
  interface Window {
    /** Ends the worker that has the files, as a browser does that is short of memory. */
    endFiles(): void;
  }
}

let last = 0;

const newName = () => {
  last += 1;
  return `shared ${last}`;
};

/** Waits until a tab knows its new leader: what it sends before may be lost with the old one. */
async function ledAnew(page: Page): Promise<void> {
  await expect.poll(() => command(page, 'PING'), { timeout: 30_000 }).toBe('PONG');
}

async function closePages(...pages: Page[]): Promise<void> {
  for (const page of pages) await page.close();
}

describe.skipIf(!chromiumAvailable())('several tabs with one store', () => {
  const site = useStorePages();
  const { open } = site;

  const kinds = (['opfs', 'indexeddb'] as const).flatMap((storage) =>
    [false, true].map((worker) => ({ storage, worker })),
  );

  describe.each(kinds)('in $storage, worker $worker', (kind) => {
    const how = () => ({ name: newName(), durability: 'strict' as const, ...kind });

    it('the second one sees what the first one writes, and the other way round', async () => {
      const options = how();
      const first = await open(options);
      await command(first, 'SET', 'a', '1');
      const second = await open(options);
      expect(await command(second, 'GET', 'a')).toBe('1');
      expect(await command(second, 'INCR', 'a')).toBe(2);
      expect(await command(first, 'GET', 'a')).toBe('2');
      await closePages(first, second);
    });

    it('a follower takes over when the leader is closed, and nothing is lost', async () => {
      const options = how();
      const first = await open(options);
      const second = await open(options);
      const third = await open(options);
      for (let i = 1; i <= 10; i++) {
        expect(await command(second, 'RPUSH', 'list', String(i))).toBe(i);
      }
      await first.close();
      await ledAnew(second);
      expect(await command(second, 'RPUSH', 'list', '11')).toBe(11);
      await ledAnew(third);
      expect(await command(third, 'LLEN', 'list')).toBe(11);
      await second.close();
      await ledAnew(third);
      expect(await command(third, 'LLEN', 'list')).toBe(11);
      await third.close();
    });

    it('a follower takes over when the engine of the leader fails', async () => {
      const options = how();
      const first = await open(options);
      const second = await open(options);
      await command(second, 'SET', 'a', '1');
      const waiting = command(second, 'BLPOP', 'list', '0');
      const dump = second.evaluate(() =>
        window.stores.db!.export().then(
          (bytes) => String.fromCharCode(...bytes.subarray(0, 5)),
          (error) => error.code,
        ),
      );
      expect(await command(first, 'DEBUG', 'SEGFAULT')).toMatch(/^CRASHED: /);
      expect(await waiting).toMatch(/^CONNECTION_LOST: /);
      expect(await dump).toBe('REDIS');
      expect(await command(second, 'INCR', 'a')).toBe(2);
      expect(await command(first, 'GET', 'a')).toMatch(/^CRASHED: /);
      await closePages(first, second);
    });

    it('a follower takes over when the leader crashes', async () => {
      const options = how();
      const first = await open(options);
      const second = await open(options);
      for (let i = 1; i <= 10; i++) await command(first, 'RPUSH', 'list', String(i));
      await crash(first);
      await ledAnew(second);
      expect(await command(second, 'RPUSH', 'list', '11')).toBe(11);
      await closePages(first, second);
    });
  });

  it('a follower takes over when the worker that has the files of the leader ends', async () => {
    const name = newName();
    const first = await open();
    await first.evaluate(() => {
      window.Worker = class extends Worker {
        constructor(url: string | URL, options?: WorkerOptions) {
          super(url, options);
          window.endFiles = () => this.terminate();
        }
      };
    });
    await openIn(first, { name, storage: 'opfs', durability: 'strict' });
    const second = await open({ name });
    await command(second, 'SET', 'a', '1');
    const waiting = command(second, 'BLPOP', 'list', '0');
    await expect.poll(() => command(first, 'INFO', 'clients')).toMatch(/blocked_clients:1/);
    const ended = await first.evaluate(() => {
      window.endFiles();
      return window.stores.db!.ended.then(({ code, message }) => `${code}: ${message}`);
    });
    expect(ended).toBe('STORAGE: The worker that has the files was ended');
    expect(await waiting).toMatch(/^CONNECTION_LOST: /);
    expect(await command(second, 'INCR', 'a')).toBe(2);
    expect(await command(first, 'GET', 'a')).toBe(ended);
    await closePages(first, second);
  });

  it('two that open at once have one store', async () => {
    const name = newName();
    const pages = await Promise.all([1, 2, 3, 4].map(() => open()));
    await Promise.all(pages.map((page) => openIn(page, { name })));
    await Promise.all(pages.map((page) => command(page, 'INCR', 'count')));
    for (const page of pages) expect(await command(page, 'GET', 'count')).toBe('4');
    await closePages(...pages);
  });

  it('a page may open the same store twice', async () => {
    const name = newName();
    const page = await open({ name });
    await openIn(page, { name }, 'other');
    await commandOf(page, 'other', 'SET', 'a', '1');
    expect(await command(page, 'GET', 'a')).toBe('1');
    await close(page);
    await expect.poll(() => commandOf(page, 'other', 'GET', 'a')).toBe('1');
    await page.close();
  });

  it('stores of other names are other stores', async () => {
    const first = await open({ name: newName() });
    await command(first, 'SET', 'a', '1');
    const second = await open({ name: newName() });
    expect(await command(second, 'GET', 'a')).toBe(null);
    await closePages(first, second);
  });

  it('other options are refused, and those that are not given are the leader’s', async () => {
    const name = newName();
    const first = await open({ name, durability: 'strict', databases: 4 });
    const second = await open();
    expect(await openError(second, { name, databases: 5 })).toMatch(
      /^BAD_OPTION: .*databases is 4, not 5/,
    );
    expect(await openError(second, { name, durability: 'relaxed' })).toMatch(/^BAD_OPTION: /);
    await openIn(second, { name });
    await first.close();
    await ledAnew(second);
    // The new leader has four databases, too.
    const outside = await second.evaluate(() =>
      window.stores.db!.session({ database: 4 }).catch((error) => error.message),
    );
    expect(outside).toMatch(/^ERR DB index is out of range/);
    await second.close();
  });

  it('what the leader had not answered fails with CONNECTION_LOST, and is not repeated', async () => {
    const name = newName();
    const first = await open({ name, durability: 'strict' });
    const second = await open({ name });
    await command(second, 'SET', 'count', '0');
    const waiting = command(second, 'BLPOP', 'list', '0');
    await expect.poll(() => command(first, 'INFO', 'clients')).toMatch(/blocked_clients:1/);
    await first.close();
    expect(await waiting).toMatch(/^CONNECTION_LOST: /);
    await ledAnew(second);
    expect(await command(second, 'RPUSH', 'list', 'a')).toBe(1);
    expect(await command(second, 'LLEN', 'list')).toBe(1);
    await second.close();
  });

  it('a subscription ends with CONNECTION_LOST when its leader goes', async () => {
    const name = newName();
    const first = await open({ name });
    const second = await open({ name });
    const messages = second.evaluate(async () => {
      const subscription = await window.stores.db!.subscribe('news');
      const seen: string[] = [];
      try {
        for await (const { message } of subscription) seen.push(String(message));
        return 'it ended';
      } catch (error) {
        return `${seen} ${(error as { code: string }).code}`;
      }
    });
    await expect.poll(() => command(first, 'PUBLISH', 'news', 'one')).toBe(1);
    await first.close();
    expect(await messages).toMatch(/^one CONNECTION_LOST$/);
    await second.close();
  });

  it('clients of a tab that dies are dropped', async () => {
    const name = newName();
    const first = await open({ name });
    const second = await open({ name });
    void command(second, 'BLPOP', 'list', '0').catch(() => {});
    await expect.poll(() => command(first, 'INFO', 'clients')).toMatch(/blocked_clients:1/);
    await crash(second);
    await expect.poll(() => command(first, 'INFO', 'clients')).toMatch(/blocked_clients:0/);
    expect(await command(first, 'RPUSH', 'list', 'a')).toBe(1);
    expect(await command(first, 'LLEN', 'list')).toBe(1);
    await closePages(first, second);
  });

  it('a follower exports the data of all', async () => {
    const name = newName();
    const first = await open({ name });
    await command(first, 'SET', 'a', '1');
    const second = await open({ name });
    const start = await second.evaluate(async () =>
      String.fromCharCode(...(await window.stores.db!.export()).subarray(0, 5)),
    );
    expect(start).toBe('REDIS');
    expect(await openError(second, { name, rdb: new Uint8Array(1) })).toMatch(/^BAD_OPTION: /);
    await closePages(first, second);
  });

  it('a leader in a worker and a follower in a page take turns', async () => {
    const name = newName();
    const first = await open({ name, worker: true });
    const second = await open({ name });
    await command(second, 'SET', 'a', '1');
    await close(first);
    await ledAnew(second);
    expect(await command(second, 'GET', 'a')).toBe('1');
    await reload(first, site.origin, { name, worker: true });
    await command(first, 'SET', 'a', '2');
    await second.close();
    await ledAnew(first);
    expect(await command(first, 'GET', 'a')).toBe('2');
    await first.close();
  });

  it('a closed one refuses calls', async () => {
    const name = newName();
    const first = await open({ name });
    const second = await open({ name });
    await close(second);
    expect(await command(second, 'GET', 'a')).toMatch(/^CLOSED: /);
    expect(await command(first, 'SET', 'a', '1')).toBe('OK');
    await closePages(first, second);
  });
});
