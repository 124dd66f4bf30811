// Two processes never have one directory. Besides single cases, all interleavings of two and three
// processes that want a directory at the same time are played through with a scheduler that stops each
// of them in front of every call to the storage.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  DirectoryInUse,
  DirectoryLock,
  DirectoryLockError,
  LOCK_NAME,
  type ProcessIdentity,
} from '../../src/persistence/directory_lock.ts';
import { ownIdentity } from '../../src/persistence/process_identity.node.ts';
import { MemoryStorage } from '../../src/storage/memory_storage.ts';
import { NodeStorage } from '../../src/storage/node_storage.node.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { FaultyStorage } from '../support/faulty_storage.ts';
import { Random } from '../support/random.ts';

const running = new Set<number>();

function identity(pid: number, host = 'here'): ProcessIdentity {
  running.add(pid);
  return {
    pid,
    host,
    startedAs: `start ${pid}`,
    isRunning: (other, startedAs) => running.has(other) && startedAs === `start ${other}`,
  };
}

function newDisk(): MemoryStorage {
  const disk = new MemoryStorage();
  disk.makeDirectory('data');
  return disk;
}

const now = () => Date.UTC(2026, 0, 2, 3, 4, 5);

function take(storage: Storage, who: ProcessIdentity): DirectoryLock {
  return DirectoryLock.take({ storage, directory: 'data', identity: who, now });
}

describe('a data directory', () => {
  it('belongs to the one who took it until it is released', () => {
    const disk = newDisk();
    const first = take(disk, identity(1));
    expect(first.isHeld).toBe(true);
    expect(() => take(disk, identity(2))).toThrow(
      'The data directory data is in use by process 1 on here since 2026-01-02T03:04:05.000Z. ' +
        'Stop it, or use another dir.',
    );
    first.release();
    expect(disk.list('data')).toEqual([]);
    const second = take(disk, identity(2));
    expect(() => take(disk, identity(1))).toThrow(DirectoryInUse);
    second.release();
  });

  it('cannot be opened twice in one process either', () => {
    const disk = newDisk();
    take(disk, identity(1));
    expect(() => take(disk, identity(1))).toThrow(DirectoryInUse);
  });

  it('is taken over from a process that is gone, and from one whose id was used again', () => {
    const disk = newDisk();
    take(disk, identity(7));
    running.delete(7);
    const second = take(disk, identity(8));
    expect(disk.list('data')).toEqual([LOCK_NAME]);
    // Process 8 is gone, and another one has its number now.
    const third = take(disk, {
      ...identity(9),
      isRunning: (_pid, startedAs) => startedAs === 'some other start',
    });
    // The one that lost it does not remove what is not its own.
    second.release();
    expect(disk.list('data')).toEqual([LOCK_NAME]);
    third.release();
    expect(disk.list('data')).toEqual([]);
  });

  it('is not taken from a process of another host, whose state nobody can tell', () => {
    const disk = newDisk();
    take(disk, identity(11, 'elsewhere'));
    running.delete(11);
    expect(() => take(disk, identity(12))).toThrow(
      /process 11 on elsewhere .* if it runs no more, remove data\/respite\.lock\./,
    );
  });

  it('is taken although a process died in the middle of taking it over', () => {
    for (let at = 1, done = false; !done; at++) {
      const disk = newDisk();
      take(disk, identity(21));
      running.delete(21);
      const faulty = new FaultyStorage(disk, { at });
      try {
        take(faulty, identity(22));
        done = true;
        continue;
      } catch {
        running.delete(22);
      }
      const lock = take(disk, identity(23));
      expect(() => take(disk, identity(24))).toThrow(DirectoryInUse);
      lock.release();
      expect(disk.status(`data/${LOCK_NAME}`)).toBeUndefined();
    }
  });

  it('needs no lock when nothing can be written there', () => {
    const faulty = new FaultyStorage(newDisk(), { at: 1, code: 'EROFS' });
    const lock = take(faulty, identity(31));
    expect(lock.isHeld).toBe(false);
    lock.release();
  });

  it('is not opened when its lock cannot be written', () => {
    const faulty = new FaultyStorage(newDisk(), { at: 2, code: 'ENOSPC' });
    expect(() => take(faulty, identity(32))).toThrow(DirectoryLockError);
    faulty.plan({ in: 2, code: 'ENOSPC' });
    expect(() => take(faulty, identity(32))).toThrow(
      "Can't lock the data directory data: No space left on device",
    );
    expect(faulty.list('data')).toEqual([]);
  });

  it('can be locked where files cannot be linked', () => {
    const disk = newDisk();
    const noLinks = new Proxy<Storage>(disk, {
      get(target, name: keyof Storage) {
        if (name === 'link') {
          return () => {
            throw Object.assign(new Error(), { code: 'EPERM' });
          };
        }
        return (...args: never[]) => (target[name] as (...all: never[]) => unknown)(...args);
      },
    });
    take(noLinks, identity(41));
    expect(() => take(noLinks, identity(42))).toThrow(DirectoryInUse);
    running.delete(41);
    take(noLinks, identity(42));
    expect(() => take(noLinks, identity(43))).toThrow(DirectoryInUse);
    expect(disk.list('data')).toEqual([LOCK_NAME]);
  });

  it.each(['', '{"pid":', 'rubbish\n'])(
    'an unfinished lock is waited for, then replaced: %j',
    (text) => {
      const disk = newDisk();
      const file = disk.open(`data/${LOCK_NAME}`, 'create');
      file.write(Buffer.from(text));
      let waited = 0;
      const pause = (milliseconds: number) => {
        waited += milliseconds;
      };
      const who = identity(51);
      DirectoryLock.take({ storage: disk, directory: 'data', identity: who, pause });
      expect(waited).toBeGreaterThanOrEqual(2000);
      expect(() => take(disk, identity(52))).toThrow(DirectoryInUse);
    },
  );
});

describe('several processes at once', () => {
  /**
   * `take` as a list of its calls to the storage: replayed from the start up to its n-th call, which is
   * how a synchronous function is stopped in the middle. The disk's calls happen once, their results are
   * remembered.
   */
  class Stepper {
    outcome: 'running' | 'held' | 'refused' = 'running';
    private readonly disk: Storage;
    private readonly who: ProcessIdentity;
    private readonly past: { value?: unknown; error?: unknown }[] = [];
    private readonly id: Uint8Array;

    constructor(disk: Storage, who: ProcessIdentity) {
      this.disk = disk;
      this.who = who;
      this.id = crypto.getRandomValues(new Uint8Array(20));
    }

    step(): void {
      let call = 0;
      const replay = (run: () => unknown): unknown => {
        if (call === this.past.length) {
          if (call === this.stopAt) {
            this.isPaused = true;
            throw new Error('stopped in front of a call');
          }
          try {
            this.past.push({ value: run() });
          } catch (error) {
            this.past.push({ error });
          }
        }
        const result = this.past[call]!;
        call += 1;
        if ('error' in result) throw result.error;
        return result.value;
      };
      this.stopAt = this.past.length + 1;
      this.isPaused = false;
      const original = crypto.getRandomValues;
      crypto.getRandomValues = ((into: Uint8Array) => {
        into.set(this.id);
        return into;
      }) as typeof crypto.getRandomValues;
      try {
        take(recorded(this.disk, replay), this.who);
        if (!this.isPaused) this.outcome = 'held';
      } catch (error) {
        if (this.isPaused) return;
        if (!(error instanceof DirectoryInUse)) throw error;
        this.outcome = 'refused';
      } finally {
        crypto.getRandomValues = original;
      }
    }

    private stopAt = 0;
    private isPaused = false;
  }

  function recorded(disk: Storage, replay: (run: () => unknown) => unknown): Storage {
    return new Proxy(disk, {
      get(target, name: keyof Storage) {
        return (...args: never[]) => {
          const run = () => (target[name] as (...all: never[]) => unknown)(...args);
          if (name !== 'open') return replay(run);
          const file = replay(run) as object;
          return new Proxy(file, {
            get(opened, method) {
              const inner = (opened as Record<string, (...all: never[]) => unknown>)[
                method as string
              ]!;
              return (...all: never[]) => replay(() => inner.apply(opened, all));
            },
          });
        };
      },
    });
  }

  it.each([
    [2, 'an empty directory', false],
    [3, 'an empty directory', false],
    [2, "a dead process's directory", true],
    [3, "a dead process's directory", true],
  ])('of %i that want %s exactly one gets it', (count, _what, hasDead) => {
    const random = Random.fresh();
    for (let round = 0; round < 400; round++) {
      const disk = newDisk();
      if (hasDead) {
        take(disk, identity(100));
        running.delete(100);
      }
      const all = Array.from({ length: count }, (_, i) => new Stepper(disk, identity(101 + i)));
      const order: number[] = [];
      while (all.some(({ outcome }) => outcome === 'running')) {
        const i = random.below(count);
        if (all[i]!.outcome !== 'running') continue;
        order.push(i);
        all[i]!.step();
      }
      const held = all.filter(({ outcome }) => outcome === 'held').length;
      expect(held, `seed ${random.seed}, round ${round}, order ${order}`).toBe(1);
      expect(disk.list('data')).toEqual([LOCK_NAME]);
    }
  });
});

describe('real processes', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'respite-lock-'));
  const children: ChildProcess[] = [];
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  });

  it('are told apart by their start, and a killed one has no directory any more', async () => {
    const storage = new NodeStorage();
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    children.push(child);
    const own = ownIdentity();
    const lock = DirectoryLock.take({ storage, directory: dir, identity: own });
    const file = path.join(dir, LOCK_NAME);
    const content = JSON.parse(readFileSync(file, 'utf8'));
    expect(content.pid).toBe(process.pid);
    expect(own.isRunning(process.pid, content.startedAs)).toBe(true);
    if (process.platform === 'linux') {
      expect(own.isRunning(process.pid, 'another boot/1')).toBe(false);
      expect(content.startedAs).not.toBe('');
    }
    lock.release();

    // The child's lock, as it would have written it.
    writeFileSync(file, JSON.stringify({ ...content, pid: child.pid, startedAs: '' }));
    expect(() => DirectoryLock.take({ storage, directory: dir, identity: own })).toThrow(
      `process ${child.pid}`,
    );
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    DirectoryLock.take({ storage, directory: dir, identity: own }).release();
  });
});
