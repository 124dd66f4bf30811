import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../../src/storage/memory_storage.ts';
import { errorCode } from '../../src/util/system_error.ts';
import { FaultyStorage, SimulatedCrash } from '../support/faulty_storage.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

function caught(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('FaultyStorage', () => {
  it('counts operations and names them', () => {
    const storage = new FaultyStorage(new MemoryStorage());
    const file = storage.open('a', 'create');
    file.write(bytes('x'));
    file.sync();
    file.close();
    storage.status('a');
    expect(storage.operations).toBe(3);
    expect(storage.log).toEqual(['open(create) a', 'write a', 'sync a']);
  });

  it('fails the chosen operation with the chosen error, once', () => {
    const inner = new MemoryStorage();
    const storage = new FaultyStorage(inner, { at: 2, code: 'ENOSPC', taken: 0.5 });
    const file = storage.open('a', 'create');
    expect(errorCode(caught(() => file.write(bytes('1234'))))).toBe('ENOSPC');
    expect(file.size()).toBe(2);
    file.write(bytes('5'));
    expect(Buffer.from(inner.readFile('a')).toString()).toBe('125');
  });

  it('goes on failing it until it is healed', () => {
    const storage = new FaultyStorage(new MemoryStorage());
    const file = storage.open('a', 'create');
    storage.plan({ in: 1, code: 'EIO', lasts: true });
    expect(errorCode(caught(() => file.sync()))).toBe('EIO');
    file.write(bytes('x'));
    expect(errorCode(caught(() => file.sync()))).toBe('EIO');
    storage.heal();
    file.sync();
  });

  it('a crash lets nothing through any more, whatever is tried', async () => {
    const inner = new MemoryStorage();
    const storage = new FaultyStorage(inner, { at: 2, taken: 0.5 });
    const file = storage.open('a', 'create');
    expect(caught(() => file.write(bytes('1234')))).toBeInstanceOf(SimulatedCrash);
    expect(storage.isDead).toBe(true);
    expect(caught(() => storage.remove('a'))).toBeInstanceOf(SimulatedCrash);
    await expect(file.syncAsync()).rejects.toBeInstanceOf(SimulatedCrash);
    expect(Buffer.from(inner.readFile('a')).toString()).toBe('12');
  });

  it('a crash may come right after the operation', () => {
    const inner = new MemoryStorage();
    const storage = new FaultyStorage(inner, { at: 1, after: true });
    expect(caught(() => storage.makeDirectory('d'))).toBeInstanceOf(SimulatedCrash);
    expect(inner.list('/')).toEqual(['d']);
  });

  it('holds background flushes until they are released', async () => {
    const storage = new FaultyStorage(new MemoryStorage());
    storage.holdsSyncs = true;
    const file = storage.open('a', 'create');
    let isDone = false;
    const syncing = file.syncAsync().then(() => {
      isDone = true;
    });
    await Promise.resolve();
    expect(storage.pendingSyncs).toBe(1);
    expect(isDone).toBe(false);
    storage.releaseSyncs();
    await syncing;
    expect(isDone).toBe(true);
  });
});
