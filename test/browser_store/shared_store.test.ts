// Several tabs with one store, all of them in this process: each has a home of its own in place of files.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { removeStore } from '../../src/browser/remove.ts';
import type { StoreHome } from '../../src/browser/store_home.ts';
import { lockName } from '../../src/browser/tabs/messages.ts';
import { openSharedStore } from '../../src/browser/tabs/shared_store.ts';
import { RespiteError } from '../../src/embedded/errors.ts';
import { MemoryLocks } from '../support/memory_locks.ts';

let locks: MemoryLocks;
let last = 0;
let store = '';
const opened: StoreHome[] = [];
/** Listeners for `pagehide`, which this process has none of. */
let hide: ((event: { persisted: boolean }) => void)[];

beforeEach(() => {
  locks = new MemoryLocks();
  hide = [];
  last += 1;
  store = `shared ${last}`;
  vi.stubGlobal('navigator', { locks, storage: {} });
  vi.stubGlobal('addEventListener', (_: string, listener: never) => hide.push(listener));
  vi.stubGlobal('removeEventListener', (_: string, listener: never) => {
    hide = hide.filter((other) => other !== listener);
  });
});

afterEach(async () => {
  for (const each of opened.splice(0)) await each.close().catch(() => {});
  vi.unstubAllGlobals();
});

interface Tab {
  readonly home: StoreHome;
  /** Lets its engine fail. */
  crash(): void;
}

/** Opens the store in one more tab. `loads` is waited for when it is to lead, `dumps` when it exports. */
async function openTab(
  name: string,
  loads: () => Promise<void> = async () => {},
  dumps: () => Promise<void> = async () => {},
): Promise<Tab> {
  let fail: (error: RespiteError) => void = () => {};
  const home = await openSharedStore({
    store,
    wanted: {},
    defaults: {},
    mustLead: false,
    openHere: async (settings, onFailure) => {
      await loads();
      fail = onFailure;
      const here: StoreHome = {
        openLink: (handlers) => ({
          room: (length) => new Uint8Array(length),
          send: () => handlers.onData(new TextEncoder().encode(name)),
          close: () => {},
        }),
        ended: new Promise(() => {}),
        export: async () => {
          await dumps();
          return new TextEncoder().encode(`dump of ${name}`);
        },
        close: async () => {},
      };
      return { home: here, settings };
    },
  });
  opened.push(home);
  return { home, crash: () => fail(new RespiteError('CRASHED', 'the engine failed')) };
}

const dumpOf = async ({ home }: Tab) => new TextDecoder().decode(await home.export());
/** Long enough for messages between tabs. */
const delivered = () => new Promise<void>((resolve) => setTimeout(resolve, 50));

it('a dump that is asked for while nobody leads comes from the next leader', async () => {
  let load = () => {};
  const loading = new Promise<void>((resolve) => {
    load = resolve;
  });
  const first = await openTab('first');
  const second = await openTab('second', () => loading);
  const third = await openTab('third');
  expect(await dumpOf(third)).toBe('dump of first');
  await first.home.close();
  await delivered();
  const dumps = Promise.all([dumpOf(second), dumpOf(third)]);
  await delivered();
  load();
  expect(await dumps).toEqual(['dump of second', 'dump of second']);
});

it('a dump that is waited for ends with the store', async () => {
  const first = await openTab('first');
  const second = await openTab('second', () => new Promise(() => {}));
  await first.home.close();
  await delivered();
  const dump = dumpOf(second).catch((error) => error.code);
  await second.home.close();
  expect(await dump).toBe('CLOSED');
});

describe('a leader whose page is hidden', () => {
  /** Whether the connection of another tab has ended. */
  async function endsWhenHidden(persisted: boolean): Promise<boolean> {
    await openTab('first');
    const listeners = [...hide];
    const second = await openTab('second');
    let isEnded = false;
    const onClose = () => {
      isEnded = true;
    };
    second.home.openLink({ onData: () => {}, onClose }, { resp: 3 });
    await delivered();
    for (const listener of listeners) listener({ persisted });
    await delivered();
    return isEnded;
  }

  it('ends the connections of other tabs', async () => {
    expect(await endsWhenHidden(false)).toBe(true);
  });

  it('goes on when it may come back', async () => {
    expect(await endsWhenHidden(true)).toBe(false);
  });
});

it('a leader whose engine fails tells it, and leaves the store to the next one', async () => {
  const first = await openTab('first');
  const second = await openTab('second');
  first.crash();
  expect(await first.home.ended).toMatchObject({ code: 'CRASHED' });
  await expect(first.home.export()).rejects.toMatchObject({ code: 'CRASHED' });
  await delivered();
  expect(await dumpOf(second)).toBe('dump of second');
});

describe('a dump under way when the engine of the leader fails', () => {
  /** A tab whose engine fails when it is to make a dump. */
  async function openFragile(name: string): Promise<Tab> {
    const tab: Tab = await openTab(name, undefined, async () => {
      tab.crash();
      throw new RespiteError('CRASHED', 'the engine failed');
    });
    return tab;
  }

  it('comes from the next leader', async () => {
    const first = await openFragile('first');
    // What the first one says meanwhile arrives.
    const second = await openTab('second', delivered);
    expect(await dumpOf(second)).toBe('dump of second');
    expect(await first.home.ended).toMatchObject({ code: 'CRASHED' });
  });

  it('is given up before every tab has failed with it', async () => {
    const tabs = [];
    for (const name of ['first', 'second', 'third', 'fourth']) tabs.push(await openFragile(name));
    const last = await openTab('last');
    await expect(last.home.export()).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    await delivered();
    expect(tabs.map(({ home }) => home.keeping?.isLeader)).toEqual([false, false, false, true]);
  });
});

it('data that no engine can load end the store in every tab, one after the other', async () => {
  const loads: string[] = [];
  const refuse = (name: string) => async () => {
    loads.push(name);
    throw new RespiteError('CRASHED', `the engine failed in ${name}`);
  };
  const first = await openTab('first');
  const second = await openTab('second', refuse('second'));
  const third = await openTab('third', refuse('third'));
  first.crash();
  expect(await second.home.ended).toMatchObject({ message: 'the engine failed in second' });
  expect(await third.home.ended).toMatchObject({ message: 'the engine failed in third' });
  await delivered();
  expect(loads).toEqual(['second', 'third']);
  expect(locks.isHeld(lockName(store))).toBe(false);
});

it('a tab that cannot load the data when its turn comes tells it', async () => {
  const first = await openTab('first');
  const second = await openTab('second', () =>
    Promise.reject(new RespiteError('STORAGE', 'nothing can be read')),
  );
  await first.home.close();
  expect(await second.home.ended).toMatchObject({ code: 'STORAGE' });
  await second.home.close();
});

it('a page that may not use locks is told so', async () => {
  locks.fault = 'SecurityError';
  const closed: string[] = [];
  const { BroadcastChannel: Real } = globalThis;
  vi.stubGlobal(
    'BroadcastChannel',
    class extends Real {
      override close(): void {
        closed.push(this.name);
        super.close();
      }
    },
  );
  await expect(openTab('first')).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  expect(closed).toEqual([`respite:${store}`]);
});

describe('removing a store', () => {
  it('is refused while it is open anywhere', async () => {
    const first = await openTab('first');
    const second = await openTab('second');
    await expect(removeStore(store)).rejects.toMatchObject({ code: 'LOCKED' });
    await first.home.close();
    await delivered();
    await expect(removeStore(store)).rejects.toMatchObject({ code: 'LOCKED' });
    await second.home.close();
    await delivered();
    await removeStore(store);
    expect(locks.isHeld(lockName(store))).toBe(false);
  });

  it('is refused without a name', async () => {
    await expect(removeStore('')).rejects.toMatchObject({ code: 'BAD_OPTION' });
  });
});
