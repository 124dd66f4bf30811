// What a store keeps, when replies leave, and what happens when nothing can be stored.

import { describe, expect, it } from 'vitest';
import { ReplyError, RespiteError } from '../../src/embedded/errors.ts';
import type { Reply } from '../../src/embedded/reply.ts';
import { MemoryBackend } from '../support/memory_backend.ts';
import { StoreRig } from './rig.ts';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** Enough turns for whatever does not wait to be done. */
async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await nextTurn();
}

function withGate(): { backend: MemoryBackend; open: () => void } {
  const backend = new MemoryBackend();
  let open = () => {};
  backend.gate = new Promise((resolve) => {
    open = resolve;
  });
  return { backend, open };
}

/** The same files for a store that is opened anew. */
const again = (backend: MemoryBackend) => new MemoryBackend(undefined, backend.contents());

/** A store that was opened with all going well, whose backend then gets a gate. */
async function openedWithGate() {
  const backend = new MemoryBackend();
  const rig = await StoreRig.open(backend);
  const { backend: gated, open } = withGate();
  backend.gate = gated.gate;
  return { backend, rig, open };
}

describe('a store', () => {
  it('has everything when it is opened again', async () => {
    const backend = new MemoryBackend();
    const rig = await StoreRig.open(backend);
    await rig.call('SET', 'text', 'value', 'PX', 10_000_000);
    await rig.call('RPUSH', 'list', 'a', 'b', 'c');
    await rig.call('SELECT', 3);
    await rig.call('SET', 'other', 'database');
    await rig.call('SELECT', 0);
    const before = await rig.contents();
    await rig.store.close();
    expect(backend.isClosed).toBe(true);

    const second = await StoreRig.open(again(backend));
    expect(await second.contents()).toBe(before);
    await second.call('SELECT', 3);
    expect(await second.call('GET', 'other')).toBe('database');
  });

  it('goes on in the log it finds, over many openings', async () => {
    let backend = new MemoryBackend();
    for (let i = 0; i < 5; i++) {
      const rig = await StoreRig.open(backend);
      await rig.call('RPUSH', 'list', i);
      await rig.store.close();
      backend = again(backend);
    }
    const rig = await StoreRig.open(backend);
    expect(await rig.call('LRANGE', 'list', 0, -1)).toEqual(['0', '1', '2', '3', '4']);
  });

  it('compacts its log when that has grown, and has everything afterwards', async () => {
    const backend = new MemoryBackend();
    const rig = await StoreRig.open(backend, { compactionBytesMin: 20_000 });
    for (let i = 0; i < 2000; i++) await rig.call('SET', `key:${i % 50}`, 'x'.repeat(100));
    await rig.call('INCR', 'last');
    const before = await rig.contents();
    await rig.store.close();
    const files = backend.contents();
    expect([...files.keys()].some((name) => name.startsWith('snapshot-'))).toBe(true);
    const bytes = [...files.values()].reduce((sum, file) => sum + file.length, 0);
    // 2000 commands have more than 200,000 bytes.
    expect(bytes).toBeLessThan(60_000);
    expect(await (await StoreRig.open(again(backend))).contents()).toBe(before);
  });

  it('has in the new log what changes while it compacts', async () => {
    const backend = new MemoryBackend();
    const rig = await StoreRig.open(backend);
    for (let i = 0; i < 5000; i++) void rig.call('SET', `key:${i}`, `value ${i}`);
    await rig.store.flush();
    let isDone = false;
    const compaction = rig.store.compact().then(() => {
      isDone = true;
    });
    let count = 0;
    while (!isDone) {
      count++;
      await rig.call('RPUSH', 'meanwhile', count);
      await rig.call('DEL', `key:${count}`);
    }
    await compaction;
    await rig.call('SET', 'behind', 'it');
    const before = await rig.contents();
    await rig.store.close();
    expect([...backend.contents().keys()].sort()).toEqual([
      'log-1',
      'manifest-0',
      'manifest-1',
      'snapshot-1',
    ]);
    expect(await (await StoreRig.open(again(backend))).contents()).toBe(before);
  });

  it('keeps a transaction whole', async () => {
    const backend = new MemoryBackend();
    const rig = await StoreRig.open(backend);
    await rig.batch([['MULTI'], ['INCR', 'a'], ['INCR', 'b'], ['EXEC']]);
    const files = backend.contents();
    const log = files.get('log-0')!;
    for (let length = 16; length < log.length; length++) {
      const cut = new Map(files).set('log-0', log.subarray(0, length));
      const second = await StoreRig.open(new MemoryBackend(undefined, cut));
      expect(await second.contents()).toBe('');
      await second.call('SET', 'after', length);
      await second.store.close();
    }
    expect(await (await StoreRig.open(again(backend))).contents()).toContain('a ');
  });

  it('answers the calls that wait when it is closed', async () => {
    const { rig, open } = await openedWithGate();
    const reply = rig.call('SET', 'a', 1);
    await turns();
    const closing = rig.store.close();
    open();
    await closing;
    expect(await reply).toBe('OK');
  });
});

describe('strict', () => {
  it('holds a reply until its change is durable', async () => {
    const { rig, open } = await openedWithGate();
    let reply: Reply | undefined;
    const done = rig.call('SET', 'a', 1).then((value) => {
      reply = value;
    });
    await turns();
    expect(reply).toBeUndefined();
    open();
    await done;
    expect(reply).toBe('OK');
  });

  it('holds what another client could have read of it', async () => {
    const { rig, open } = await openedWithGate();
    void rig.call('SET', 'a', 1);
    const other = rig.connect();
    let reply: Reply | undefined;
    const done = new Promise<void>((resolve, reject) => {
      const onReply = (value: Reply) => {
        reply = value;
        resolve();
      };
      other.send([['GET', 'a']], { left: 1, wantsBuffers: false, onReply, onFailure: reject });
    });
    await turns();
    expect(reply).toBeUndefined();
    open();
    await done;
    expect(reply).toBe('1');
  });

  it('writes once for all clients of a time', async () => {
    const { backend, rig, open } = await openedWithGate();
    const first = rig.call('SET', 'a', 0);
    await turns();
    const others = Array.from({ length: 100 }, (_, i) => rig.call('SET', `k${i}`, i));
    await turns();
    open();
    await Promise.all([first, ...others]);
    expect(backend.log.filter((name) => name === 'write log-0')).toHaveLength(3);
  });
});

describe('relaxed', () => {
  it('answers before the change is durable', async () => {
    const { backend, open } = withGate();
    open();
    const rig = await StoreRig.open(backend, { durability: 'relaxed' });
    backend.gate = new Promise(() => {});
    expect(await rig.call('SET', 'a', 1)).toBe('OK');
  });

  it('begins to write with the turn', async () => {
    const backend = new MemoryBackend();
    const rig = await StoreRig.open(backend, { durability: 'relaxed' });
    const before = backend.log.length;
    await rig.call('SET', 'a', 1);
    await turns();
    expect(backend.log.length).toBe(before + 1);
    await rig.store.flush();
    expect(await (await StoreRig.open(again(backend))).call('GET', 'a')).toBe('1');
  });

  it('makes replies wait while an old change is not durable', async () => {
    const { backend, open } = withGate();
    const opened = withGate();
    opened.open();
    const rig = await StoreRig.open(opened.backend, { durability: 'relaxed' });
    opened.backend.gate = backend.gate;
    await rig.call('SET', 'a', 1);
    // More than the window.
    await new Promise((resolve) => setTimeout(resolve, 250));
    let isAnswered = false;
    const late = rig.call('SET', 'b', 2).then(() => {
      isAnswered = true;
    });
    await turns();
    expect(isAnswered).toBe(false);
    open();
    await late;
  });
});

it('a change is as old as it is, whatever was read long before it', async () => {
  const { backend, open } = withGate();
  const opened = withGate();
  opened.open();
  const rig = await StoreRig.open(opened.backend, { durability: 'relaxed' });
  rig.store.keep(
    () => {},
    () => {},
  );
  await new Promise((resolve) => setTimeout(resolve, 250));
  opened.backend.gate = backend.gate;
  let isAnswered = false;
  const reply = rig.call('SET', 'a', 1).then(() => {
    isAnswered = true;
  });
  await turns();
  expect(isAnswered).toBe(true);
  open();
  await reply;
});

describe('without room', () => {
  /** A store all of whose writes fail from the next one on. */
  async function fullStore(durability: 'strict' | 'relaxed') {
    const opening = new MemoryBackend();
    const first = await StoreRig.open(opening);
    await first.call('SET', 'old', 'value');
    await first.store.close();
    const steps = new MemoryBackend(undefined, opening.contents());
    await StoreRig.open(steps);
    const backend = new MemoryBackend(
      { at: steps.log.length + 1, kind: 'failures' },
      opening.contents(),
    );
    return { backend, rig: await StoreRig.open(backend, { durability }) };
  }

  it('a write fails with a coded error, later ones with MISCONF, and reading goes on', async () => {
    const { rig } = await fullStore('strict');
    await expect(rig.call('SET', 'new', 1)).rejects.toBeInstanceOf(RespiteError);
    expect(rig.store.error?.code).toBe('QUOTA');
    const refused = await rig.call('SET', 'new', 2);
    expect(refused).toBeInstanceOf(ReplyError);
    expect((refused as ReplyError).message).toMatch(/^MISCONF no room/);
    expect(await rig.call('GET', 'old')).toBe('value');
  });

  it('goes on when there is room again, and nothing is missing', async () => {
    const { backend, rig } = await fullStore('strict');
    await expect(rig.call('SET', 'new', 1)).rejects.toThrow();
    backend.heal();
    await rig.store.flush();
    expect(rig.store.error).toBeUndefined();
    expect(await rig.call('SET', 'newer', 2)).toBe('OK');
    const before = await rig.contents();
    await rig.store.close();
    expect(await (await StoreRig.open(again(backend))).contents()).toBe(before);
  });

  it('notices by itself that there is room again', async () => {
    const { backend, rig } = await fullStore('relaxed');
    await rig.call('SET', 'new', 1);
    while (rig.store.error === undefined) await new Promise((resolve) => setTimeout(resolve, 10));
    backend.heal();
    while (rig.store.error !== undefined) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await rig.call('SET', 'new', 2)).toBe('OK');
  });

  it('closing says that something is not stored, and lets the files go', async () => {
    const { backend, rig } = await fullStore('relaxed');
    await rig.call('SET', 'new', 1);
    await expect(rig.store.close()).rejects.toMatchObject({ code: 'QUOTA' });
    expect(backend.isClosed).toBe(true);
    expect(await (await StoreRig.open(again(backend))).call('GET', 'old')).toBe('value');
  });
});

describe('when the engine crashes', () => {
  /** As a trap: nothing in the core works from now on. */
  function trap(rig: StoreRig): void {
    const { core } = rig.engine;
    const exports = new Proxy(core.exports, {
      get: (target, name) =>
        name === 'memory'
          ? target.memory
          : () => {
              throw new WebAssembly.RuntimeError(`unreachable, in ${String(name)}`);
            },
    });
    Object.defineProperty(core, 'exports', { value: exports });
  }

  it.each(['strict', 'relaxed'] as const)(
    'closing writes what came before, and gives the files free; %s',
    async (durability) => {
      const backend = new MemoryBackend();
      const rig = await StoreRig.open(backend, { durability });
      await rig.call('SET', 'before', 'it');
      await rig.store.flush();
      void rig.call('SET', 'a', 1).catch(() => {});
      trap(rig);
      await rig.call('SET', 'b', 2).catch(() => {});
      expect(rig.engine.hasCrashed).toBe(true);
      await rig.store.close().catch(() => {});
      expect(backend.isClosed).toBe(true);
      expect(await (await StoreRig.open(again(backend))).call('GET', 'before')).toBe('it');
    },
  );

  it('nobody waits for ever for what it was about to keep', async () => {
    const { backend, rig, open } = await openedWithGate();
    void rig.call('SET', 'a', 1).catch(() => {});
    await turns();
    void rig.call('SET', 'b', 2).catch(() => {});
    const flushed = rig.store.flush().then(
      () => 'kept',
      () => 'refused',
    );
    trap(rig);
    open();
    expect(await flushed).toBe('refused');
    await rig.store.close();
    expect(backend.isClosed).toBe(true);
    expect(await (await StoreRig.open(again(backend))).call('GET', 'a')).toBe('1');
  });
});

describe('a snapshot', () => {
  it('for which there is no room is refused with QUOTA', async () => {
    const opening = new MemoryBackend();
    const first = await StoreRig.open(opening);
    await first.call('SET', 'a', 1);
    await first.store.close();
    const steps = new MemoryBackend(undefined, opening.contents());
    await StoreRig.open(steps);
    const fault = { at: steps.log.length + 1, kind: 'failures' } as const;
    const backend = new MemoryBackend(fault, opening.contents());
    const rig = await StoreRig.open(backend);
    await expect(rig.store.compact()).rejects.toMatchObject({
      code: 'QUOTA',
      message: expect.stringContaining('no room'),
    });
    backend.heal();
    await rig.store.compact();
    await rig.store.close();
    expect(await (await StoreRig.open(again(backend))).call('GET', 'a')).toBe('1');
  });
});
