// What a store makes of the page and the server it finds: what is missing is told by a coded error.

import type { OpenOptions } from '../../../src/browser.ts';
import { loadProgram } from './server.ts';
import { afterEach, describe, expect, it } from './vitest.ts';

async function open(options: OpenOptions = {}) {
  const { Respite } = await loadProgram();
  return Respite.open(options);
}

const coded = (code: string, words = '') =>
  expect.objectContaining({ code, message: expect.stringContaining(words) });

describe('the module', () => {
  it('comes from an address, a URL, a response, bytes, or compiled', async () => {
    const address = '/respite.browser.wasm';
    const bytes = await (await fetch(address)).arrayBuffer();
    const sources: OpenOptions['wasm'][] = [
      address,
      new URL(address, location.href),
      fetch(address),
      await fetch(address),
      bytes,
      new Uint8Array(bytes),
      await WebAssembly.compile(bytes),
      WebAssembly.compile(bytes),
    ];
    for (const wasm of sources) {
      const db = await open({ wasm });
      expect(await db.command('PING')).toBe('PONG');
      await db.close();
    }
    for (const wasm of [address, fetch(address), bytes]) {
      const db = await open({ wasm, worker: true });
      expect(await db.command('PING')).toBe('PONG');
      await db.close();
    }
  });

  it('is also taken from a server that does not know its type', async () => {
    const db = await open({ wasm: '/plain/respite.browser.wasm' });
    expect(await db.command('PING')).toBe('PONG');
    await db.close();
  });

  it('is missed where it is not', async () => {
    for (const worker of [false, true]) {
      const found = open({ wasm: '/nothing.wasm', worker });
      await expect(found).rejects.toEqual(coded('NOT_LOADED', '404'));
    }
  });

  it('is refused when it is something else', async () => {
    await expect(open({ wasm: '/empty.html' })).rejects.toEqual(coded('NOT_LOADED', 'compiled'));
    const found = open({ wasm: new Uint8Array(10) });
    await expect(found).rejects.toEqual(coded('NOT_LOADED', 'compiled'));
  });

  it('is missed when its promise fails, or it is another one', async () => {
    const lost = Promise.reject(new TypeError('gone'));
    lost.catch(() => {});
    await expect(open({ wasm: lost })).rejects.toEqual(coded('NOT_LOADED', 'gone'));
    const imports = new Uint8Array([
      0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 2, 7, 1, 1, 97, 1, 98, 0, 0,
    ]);
    const other = open({ wasm: await WebAssembly.compile(imports) });
    await expect(other).rejects.toEqual(coded('NOT_LOADED', 'cannot be run'));
  });

  it('can be had after a failure', async () => {
    await expect(open({ wasm: '/later.wasm' })).rejects.toEqual(coded('NOT_LOADED'));
    await fetch('/now');
    const db = await open({ wasm: '/later.wasm' });
    expect(await db.command('PING')).toBe('PONG');
    await db.close();
  });
});

describe('a browser', () => {
  const { validate } = WebAssembly;
  afterEach(() => {
    WebAssembly.validate = validate;
  });

  it('without vectors is told which have them', async () => {
    WebAssembly.validate = () => false;
    await expect(open()).rejects.toEqual(coded('UNSUPPORTED', 'SIMD'));
  });
});

describe('a page that is hidden', () => {
  const { setTimeout: real } = globalThis;
  afterEach(() => {
    globalThis.setTimeout = real;
    Reflect.deleteProperty(document, 'hidden');
  });

  it('has keys expire and waits end on time, although its timers do not come', async () => {
    const db = await open({ config: { 'notify-keyspace-events': 'Ex' } });
    const expired = await db.subscribe('__keyevent@0__:expired');
    Object.defineProperty(document, 'hidden', { value: true, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
    // As in a page that was hidden for long: a timer comes once a minute.
    globalThis.setTimeout = ((run: () => void, ms: number) =>
      real(run, Math.max(ms, 60_000))) as typeof setTimeout;
    await db.command('SET', 'k', 'v', 'PX', 150);
    expect((await expired.next()).value?.message).toBe('k');
    expect(await db.command('BLPOP', 'list', 0.15)).toBe(null);
    await db.close();
  });
});

describe('a worker', () => {
  it('of the program serves one store', async () => {
    const worker = new Worker('/worker.js', { type: 'module' });
    const db = await open({ worker });
    expect(await db.command('PING')).toBe('PONG');
    await expect(open({ worker })).rejects.toEqual(coded('BAD_OPTION'));
    await db.close();
    worker.terminate();
  });

  it('that was ended is noticed by every call', async () => {
    const worker = new Worker('/worker.js', { type: 'module' });
    const db = await open({ worker });
    const waiting = db.command('BLPOP', 'list', 0);
    await db.command('PING');
    worker.terminate();
    await expect(waiting).rejects.toEqual(coded('CRASHED'));
    await expect(db.command('PING')).rejects.toEqual(coded('CRASHED'));
    await expect(db.export()).rejects.toEqual(coded('CRASHED'));
    expect(db.isClosed).toBe(true);
    await db.close();
  });

  it('with another program is noticed', async () => {
    const worker = new Worker('/nothing.js', { type: 'module' });
    await expect(open({ worker })).rejects.toEqual(coded('NOT_LOADED', 'could not be loaded'));
  });

  describe('that lives and knows nothing of stores', () => {
    const { setTimeout: real } = globalThis;
    afterEach(() => {
      globalThis.setTimeout = real;
    });

    it.each([
      ['when it is silent for long', 'onmessage = () => {}', 'NOT_LOADED'],
      ['sooner when it says something else', 'onmessage = () => postMessage(0)', 'BAD_OPTION'],
    ])('is noticed, %s', async (_, program, code) => {
      // A second for a hundred.
      globalThis.setTimeout = ((run: () => void, ms: number) =>
        real(run, ms / 100)) as typeof setTimeout;
      const url = URL.createObjectURL(new Blob([program], { type: 'text/javascript' }));
      const worker = new Worker(url);
      await expect(open({ worker })).rejects.toEqual(coded(code, 'respite/browser/worker'));
      worker.terminate();
    });
  });

  it('serves another store when the engine of the first one has failed', async () => {
    const worker = new Worker('/worker.js', { type: 'module' });
    const db = await open({ worker });
    await expect(db.command('DEBUG', 'SEGFAULT')).rejects.toEqual(coded('CRASHED'));
    expect(await db.ended).toEqual(coded('CRASHED'));
    await db.close();
    const other = await open({ worker });
    expect(await other.command('PING')).toBe('PONG');
    await other.close();
    worker.terminate();
  });
});
