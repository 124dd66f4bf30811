// Stores that are kept, in Chromium: in a page and in a worker, in OPFS and in IndexedDB.

import { describe, expect, it } from 'vitest';
import type { OpenOptions } from '../../src/browser/options.ts';
import { chromiumAvailable } from '../support/chromium.ts';
import { close, command, crash, openError, openIn, reload, useStorePages } from './store_page.ts';

/** Each file may take a mebibyte of the quota at once. */
const ROOM_BYTES = 6 << 20;

let last = 0;

const newName = () => {
  last += 1;
  return `store ${last}/ü`;
};

describe.skipIf(!chromiumAvailable())('a store that is kept', () => {
  const pages = useStorePages();

  const cases = (['opfs', 'indexeddb'] as const).flatMap((storage) =>
    [false, true].flatMap((worker) =>
      (['strict', 'relaxed'] as const).map((durability) => ({ storage, worker, durability })),
    ),
  );

  describe.each(cases)('in $storage, worker $worker, $durability', (options) => {
    it('has its data after a reload', async () => {
      const how = { name: newName(), ...options };
      const page = await pages.open(how);
      expect(await command(page, 'SET', 'text', 'valüe')).toBe('OK');
      expect(await command(page, 'RPUSH', 'list', 'a', 'b')).toBe(2);
      expect(await command(page, 'PEXPIRE', 'list', '100000000')).toBe(1);
      await close(page);
      await reload(page, pages.origin, how);
      expect(await command(page, 'GET', 'text')).toBe('valüe');
      expect(await command(page, 'LRANGE', 'list', '0', '-1')).toEqual(['a', 'b']);
      expect(await command(page, 'PTTL', 'list')).toBeGreaterThan(0);
      await page.close();
    });

    it('has what was acknowledged after a crash', async () => {
      const how = { name: newName(), ...options };
      const page = await pages.open(how);
      for (let i = 0; i < 19; i++) await command(page, 'RPUSH', 'list', String(i));
      await page.evaluate(async () => {
        const session = await window.stores.db!.session();
        await session.command('RPUSH', 'list', 'last');
        await session.command('WAITAOF', 1, 0, 0);
      });
      await crash(page);
      const second = await pages.open(how);
      expect(await command(second, 'LLEN', 'list')).toBe(20);
      await page.close();
      await second.close();
    });

    it('has everything after it was compacted', async () => {
      const how = { name: newName(), ...options };
      const page = await pages.open(how);
      await page.evaluate(async () => {
        const commands = Array.from({ length: 5000 }, (_, i) => ['SET', `key:${i}`, `value ${i}`]);
        await window.stores.db?.batch(commands);
      });
      expect(await command(page, 'SAVE')).toBe('OK');
      await command(page, 'SET', 'after', 'it');
      await close(page);
      await reload(page, pages.origin, how);
      expect(await command(page, 'DBSIZE')).toBe(5001);
      expect(await command(page, 'GET', 'key:4321')).toBe('value 4321');
      await page.close();
    });
  });

  it('begins with a dump, which a store that has data does not take', async () => {
    const name = newName();
    const page = await pages.open({ name: newName() });
    await command(page, 'SET', 'from', 'elsewhere');
    const reopened = await page.evaluate(async (other) => {
      const rdb = await window.stores.db!.export();
      window.stores.db = await window.openStore({ name: other, rdb });
      await window.stores.db.close();
      window.stores.db = await window.openStore({ name: other });
      const value = await window.stores.db.command('GET', 'from');
      await window.stores.db.close();
      const error = await window.openStore({ name: other, rdb }).catch((reason) => reason);
      return { value, code: error.code };
    }, name);
    expect(reopened).toEqual({ value: 'elsewhere', code: 'BAD_OPTION' });
    await page.close();
  });

  it('is found where it is, whatever auto would take for a new one', async () => {
    const name = newName();
    const page = await pages.open({ name, storage: 'indexeddb' });
    await command(page, 'SET', 'a', '1');
    await close(page);
    await reload(page, pages.origin, { name });
    expect(await command(page, 'GET', 'a')).toBe('1');
    await page.close();
  });

  it('is kept in IndexedDB where there is no private file system', async () => {
    const how: OpenOptions = { name: newName() };
    const page = await pages.open();
    await page.evaluate(async (options) => {
      navigator.storage.getDirectory = () =>
        Promise.reject(new DOMException('no', 'SecurityError'));
      window.Worker = class {
        constructor() {
          throw new DOMException('no', 'SecurityError');
        }
      } as unknown as typeof Worker;
      window.stores.db = await window.openStore(options);
    }, how);
    await command(page, 'SET', 'a', '1');
    await close(page);
    const names = await page.evaluate(async () =>
      (await indexedDB.databases()).map(({ name }) => name),
    );
    expect(names).toContain(`respite:${how.name}`);
    await page.close();
  });

  it.each(['opfs', 'indexeddb'] as const)(
    'in %s can be removed, once it is closed',
    async (storage) => {
      const how: OpenOptions = { name: newName(), storage, durability: 'strict' };
      const page = await pages.open(how);
      await command(page, 'SET', 'a', '1');
      const remove = () =>
        page.evaluate(
          (name) =>
            window.removeStore(name).then(
              () => 'removed',
              (error) => error.code,
            ),
          how.name!,
        );
      expect(await remove()).toBe('LOCKED');
      await close(page);
      expect(await remove()).toBe('removed');
      await openIn(page, how);
      expect(await command(page, 'GET', 'a')).toBe(null);
      await page.close();
    },
  );

  it('gives the store to the next tab when its engine fails', async () => {
    const name = newName();
    const page = await pages.open({ name, durability: 'strict' });
    await command(page, 'SET', 'a', '1');
    const second = await pages.open({ name });
    expect(await command(page, 'DEBUG', 'SEGFAULT')).toMatch(/^CRASHED: /);
    await expect.poll(() => page.evaluate(() => window.stores.db!.isClosed)).toBe(true);
    expect(await command(page, 'GET', 'a')).toMatch(/^CRASHED: /);
    await expect.poll(() => command(second, 'GET', 'a'), { timeout: 30_000 }).toBe('1');
    await page.close();
    await second.close();
  });

  it('cannot be opened where nothing can be stored: STORAGE', async () => {
    const page = await pages.open();
    await page.evaluate(() => {
      navigator.storage.getDirectory = () =>
        Promise.reject(new DOMException('no', 'SecurityError'));
      IDBFactory.prototype.open = () => {
        throw new DOMException('no', 'SecurityError');
      };
    });
    expect(await openError(page, { name: newName(), storage: 'indexeddb' })).toMatch(/^STORAGE: /);
    await page.close();
  });

  it('that is damaged is not opened, and not changed', async () => {
    const name = 'damaged';
    const how: OpenOptions = { name, storage: 'indexeddb', durability: 'strict' };
    const page = await pages.open(how);
    for (const value of ['1', '2', '3']) await command(page, 'SET', 'a', value);
    await close(page);
    const damage = () =>
      page.evaluate(
        () =>
          new Promise<number>((resolve) => {
            const opening = indexedDB.open('respite:damaged');
            opening.onsuccess = () => {
              const chunks = opening.result
                .transaction('chunks', 'readwrite')
                .objectStore('chunks');
              const all = chunks.getAllKeys(IDBKeyRange.bound(['log-0', 0], ['log-0', Infinity]));
              all.onsuccess = () => {
                const key = all.result[1]!;
                const found = chunks.get(key);
                found.onsuccess = () => {
                  const bytes: Uint8Array = found.result;
                  bytes[bytes.length - 3]! ^= 0x10;
                  chunks.put(bytes, key).onsuccess = () => {
                    opening.result.close();
                    resolve(all.result.length);
                  };
                };
              };
            };
          }),
      );
    expect(await damage()).toBe(4);
    expect(await openError(page, how)).toMatch(/^STORAGE: The stored data are damaged: log-0/);
    // The same again makes it whole.
    await damage();
    await reload(page, pages.origin, how);
    expect(await command(page, 'GET', 'a')).toBe('3');
    await page.close();
  });

  it.each(['opfs', 'indexeddb'] as const)(
    'refuses to write when the browser has no room in %s, and goes on when it has',
    async (storage) => {
      const how: OpenOptions = { name: newName(), storage, durability: 'strict' };
      const page = await pages.open();
      const session = await page.context().newCDPSession(page);
      const { origin } = pages;
      // Before it is opened, because the browser asks for the quota once in a while only.
      const used = await page.evaluate(async () => (await navigator.storage.estimate()).usage ?? 0);
      const quotaSize = used + ROOM_BYTES;
      await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize });
      await openIn(page, how);
      await command(page, 'SET', 'small', 'value');
      const { code, count } = await page.evaluate(async () => {
        // Nothing that can be compressed, in pieces that are none of the browser's large ones.
        const bytes = crypto.getRandomValues(new Uint8Array(50_000));
        for (let i = 1; ; i++) {
          try {
            await window.stores.db!.command('SET', `key:${i}`, bytes);
          } catch (error) {
            return { code: (error as { code: string }).code, count: i };
          }
        }
      });
      expect(code).toBe('QUOTA');
      expect(await command(page, 'SET', 'other', '1')).toMatch(/^MISCONF: /);
      expect(await command(page, 'GET', 'small')).toBe('value');
      await session.send('Storage.overrideQuotaForOrigin', { origin });
      await expect.poll(() => command(page, 'SET', 'other', '1'), { timeout: 90_000 }).toBe('OK');
      await close(page);
      await reload(page, origin, how);
      expect(await command(page, 'STRLEN', `key:${count}`)).toBe(50_000);
      await page.close();
    },
  );
});
