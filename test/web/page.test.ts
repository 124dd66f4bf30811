// Parts of the page that need none: settings, shortcuts, the watch over a store.

import { afterEach, describe, expect, it } from 'vitest';
import { Respite } from '../../src/index.ts';
import { commandAddress, commandAt } from '../../src/web/docs/address.ts';
import { altDigit } from '../../src/web/ui/elements.ts';
import { readSetting, settingsStorage, writeSetting } from '../../src/web/ui/settings.ts';
import { watchStore } from '../../src/web/watch_store.ts';

const opened: Respite[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()));
});

async function open(): Promise<Respite> {
  const store = await Respite.open();
  opened.push(store);
  return store;
}

describe('a setting', () => {
  it('holds for the visit where nothing can be stored', () => {
    expect(settingsStorage()).toBeUndefined();
    expect(readSetting('theme')).toBeUndefined();
    writeSetting('theme', 'dark');
    expect(readSetting('theme')).toBe('dark');
    writeSetting('theme', 'light');
    expect(readSetting('theme')).toBe('light');
  });
});

describe('Alt and a digit', () => {
  const german = { code: 'Digit5', key: '[' };

  it('is one by its place on the keyboard', () => {
    expect(altDigit(german, false)).toBe('5');
  });

  it('types what it types in a field', () => {
    expect(altDigit(german, true)).toBeUndefined();
    expect(altDigit({ code: 'Digit5', key: '5' }, true)).toBe('5');
    // Codes of characters are typed so.
    expect(altDigit({ code: 'Numpad5', key: '5' }, true)).toBeUndefined();
  });
});

describe('the watch over a store', () => {
  it('tells of its end, with the reason', async () => {
    const store = await open();
    const ended = new Promise<Error>((resolve) => {
      watchStore(store, resolve);
    });
    await store.command('SHUTDOWN', 'NOSAVE').catch(() => {});
    expect(await ended).toMatchObject({ code: 'CLOSED' });
    expect(store.isClosed).toBe(true);
  });

  it('outlives its connection', async () => {
    const store = await open();
    const reasons: Error[] = [];
    const stop = watchStore(store, (reason) => reasons.push(reason));
    await store.command('CLIENT', 'KILL', 'TYPE', 'normal');
    await expect.poll(async () => (await clients(store)) > 1).toBe(true);
    expect(reasons).toEqual([]);
    stop();
    await expect.poll(() => clients(store)).toBe(1);
    await store.close();
    expect(reasons).toEqual([]);
  });
});

async function clients(store: Respite): Promise<number> {
  const list = String(await store.command('CLIENT', 'LIST'));
  return list.trim().split('\n').length;
}

describe('the address of a command', () => {
  it.each(['get', 'config|get', 'client|no-evict'])('leads to %s', (name) => {
    const [, , detail] = commandAddress(name).split('/');
    expect(commandAt(detail!)).toBe(name);
  });
});
