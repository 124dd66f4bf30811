// BACKUP: every state and what leads to the next one. Method: a log that does what a test says, with files
// in memory.

import { describe, expect, it } from 'vitest';
import { Logger } from '../../src/log.ts';
import { Manifest } from '../../src/persistence/aof/manifest.ts';
import { type BackupLog, BackupWindow } from '../../src/persistence/backup_window.ts';
import { MemoryStorage } from '../../src/storage/memory_storage.ts';
import { put, text } from '../support/data_files.ts';
import { FaultyStorage } from '../support/faulty_storage.ts';

const STEM = 'appendonly.aof';

class Rig implements BackupLog {
  readonly storage = new MemoryStorage();
  readonly faulty = new FaultyStorage(this.storage);
  readonly lines: string[] = [];
  readonly stem = STEM;
  directory = 'data/appendonlydir';
  isOn = true;
  rewriting: BackupLog['rewriting'] = 'no';
  failures = 0;
  manifest = Manifest.EMPTY;
  nowMs = 1_717_921_800_000;
  ttl = 0;
  /** What `startRewrite` does. */
  startsAs: 'running' | 'scheduled' = 'running';
  refusal: string | undefined;
  readonly window = new BackupWindow({
    storage: this.faulty,
    log: new Logger({ pid: 1, sink: { write: (line) => this.lines.push(line) } }),
    source: this,
    directory: () => 'data/backupdir',
    sealedSeconds: () => this.ttl,
    now: () => this.nowMs,
  });

  constructor(isOn = true) {
    this.isOn = isOn;
    if (isOn) this.install();
  }

  /** What the end of a rewrite leaves. */
  install(): void {
    const next = this.manifest
      .withBase(STEM, 'rdb')
      .withRewritten(Number.POSITIVE_INFINITY)
      .withIncrement(STEM);
    put(this.storage, `${this.directory}/${next.base!.name}`, 'base');
    put(this.storage, `${this.directory}/${next.last!.name}`, 'incr');
    this.manifest = next.withoutHistory();
    this.rewriting = 'no';
  }

  startRewrite(): string | undefined {
    if (this.refusal === undefined) this.rewriting = this.startsAs;
    return this.refusal;
  }

  turnOnForBackup(): string | undefined {
    if (this.refusal !== undefined) return this.refusal;
    this.isOn = true;
    this.rewriting = 'running';
    return undefined;
  }

  turnOffForBackup(): void {
    this.isOn = false;
    this.manifest = Manifest.EMPTY;
    this.storage.removeTree(this.directory);
  }

  rotate(): string | undefined {
    if (this.refusal !== undefined) return this.refusal;
    this.manifest = this.manifest.withIncrement(STEM);
    put(this.storage, `${this.directory}/${this.manifest.last!.name}`, '');
    return undefined;
  }

  append(bytes: string): void {
    const file = this.storage.open(`${this.directory}/${this.manifest.last!.name}`, 'append');
    file.write(Buffer.from(bytes));
    file.close();
  }

  /** A backup whose base is written. */
  incrementing(): void {
    expect(this.window.start()).toBe(undefined);
    this.install();
    this.window.follow();
    expect(this.state).toBe('incrementing');
  }

  get state(): string {
    return this.window.status().state;
  }

  get files(): string[] {
    return this.storage.list('data/backupdir');
  }
}

const BACKUP = 'data/backupdir/appendonly.aof';

describe('a backup', () => {
  it('goes from idle over snapshotting and incrementing to sealed, and back', () => {
    const rig = new Rig();
    const { window } = rig;
    expect(window.status()).toEqual({ state: 'idle', error: '', startTime: 0, endTime: 0 });
    expect(window.start()).toBe(undefined);
    expect(window.status()).toEqual({
      state: 'snapshotting',
      error: '',
      startTime: 1_717_921_800,
      endTime: 0,
    });
    expect([window.isInProgress, window.list()]).toEqual([true, []]);
    rig.install();
    window.follow();
    expect(rig.state).toBe('incrementing');
    expect(window.list()).toEqual([`${BACKUP}.2.base.rdb`]);
    rig.append(' more');
    rig.nowMs += 5000;
    expect(window.seal()).toBe(undefined);
    expect(window.status()).toMatchObject({ state: 'sealed', endTime: 1_717_921_805 });
    expect(window.isInProgress).toBe(false);
    expect(window.list()).toEqual([
      `${BACKUP}.2.base.rdb`,
      `${BACKUP}.2.incr.aof`,
      `${BACKUP}.manifest`,
    ]);
    expect(window.cleanup()).toBe(undefined);
    expect(window.status()).toEqual({ state: 'idle', error: '', startTime: 0, endTime: 0 });
    expect([rig.files, window.list()]).toEqual([[], []]);
  });

  it('holds what was written up to SEAL, and nothing that is written later', () => {
    const rig = new Rig();
    rig.incrementing();
    rig.append(' before');
    rig.window.seal();
    rig.append(' later');
    expect(text(rig.storage, `${BACKUP}.2.incr.aof`)).toBe('incr before');
    expect(text(rig.storage, `${BACKUP}.manifest`)).toBe(
      'file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.2.incr.aof seq 2 type i\n',
    );
  });

  it('outlives rewrites, with their increments', () => {
    const rig = new Rig();
    rig.incrementing();
    rig.manifest = rig.manifest.withIncrement(STEM);
    put(rig.storage, `data/appendonlydir/${STEM}.3.incr.aof`, 'third');
    rig.window.follow();
    for (const name of rig.storage.list('data/appendonlydir')) {
      if (name.includes('.2.')) rig.storage.remove(`data/appendonlydir/${name}`);
    }
    rig.manifest = rig.manifest.withBase(STEM, 'rdb').withRewritten(3).withoutHistory();
    expect(rig.window.seal()).toBe(undefined);
    expect(text(rig.storage, `${BACKUP}.manifest`)).toBe(
      'file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.2.incr.aof seq 2 type i\n' +
        'file appendonly.aof.3.incr.aof seq 3 type i\n',
    );
    expect(text(rig.storage, `${BACKUP}.2.incr.aof`)).toBe('incr');
  });

  it('waits for other work, as pending', () => {
    const rig = new Rig();
    rig.startsAs = 'scheduled';
    rig.window.start();
    expect([rig.state, rig.window.isInProgress]).toEqual(['pending', true]);
    rig.rewriting = 'running';
    rig.window.follow();
    expect(rig.state).toBe('snapshotting');
  });

  it('joins a rewrite that is under way', () => {
    const rig = new Rig();
    rig.rewriting = 'running';
    rig.refusal = 'already in progress';
    expect(rig.window.start()).toBe(undefined);
    rig.install();
    rig.window.follow();
    expect(rig.state).toBe('incrementing');
  });

  it('has a log of its own when there is none, until it is sealed', () => {
    const rig = new Rig(false);
    rig.incrementing();
    expect([rig.isOn, rig.window.needsLog]).toEqual([true, true]);
    expect(rig.window.seal()).toBe(undefined);
    expect([rig.isOn, rig.window.needsLog]).toEqual([false, false]);
    expect(rig.files).toEqual([
      'appendonly.aof.1.base.rdb',
      'appendonly.aof.1.incr.aof',
      'appendonly.aof.manifest',
    ]);
  });

  it('that is sealed goes by itself after backup-sealed-ttl', () => {
    const rig = new Rig();
    rig.ttl = 60;
    rig.incrementing();
    rig.window.seal();
    rig.nowMs += 59_999;
    rig.window.follow();
    expect(rig.state).toBe('sealed');
    rig.nowMs += 1;
    rig.window.follow();
    expect([rig.state, rig.files]).toEqual(['idle', []]);
  });
});

describe('commands in the wrong state', () => {
  it('are refused', () => {
    const rig = new Rig();
    const { window } = rig;
    expect(window.seal()).toMatch(/it is idle/);
    expect(window.abort()).toMatch(/no backup to abort/);
    expect(window.cleanup()).toMatch(/no backup to clean up/);
    window.start();
    expect(window.start()).toMatch(/already in progress/);
    expect(window.seal()).toMatch(/it is snapshotting/);
    expect(window.cleanup()).toMatch(/it is snapshotting/);
    rig.install();
    window.follow();
    window.seal();
    expect(window.start()).toMatch(/BACKUP CLEANUP removes it/);
    expect(window.abort()).toMatch(/it is sealed/);
  });

  it('START wants an empty directory', () => {
    const rig = new Rig();
    put(rig.storage, 'data/backupdir/x', 'x');
    expect(rig.window.start()).toBe('the backup directory data/backupdir is not empty');
    expect(rig.state).toBe('idle');
  });

  it('START says why there can be no base', () => {
    for (const isOn of [true, false]) {
      const rig = new Rig(isOn);
      rig.refusal = 'no';
      expect(rig.window.start()).toBe('no');
      expect(rig.state).toBe('idle');
    }
  });
});

describe('a backup that comes to nothing', () => {
  it('leaves no files and no log of its own when it is aborted', () => {
    for (const isOn of [true, false]) {
      const rig = new Rig(isOn);
      rig.incrementing();
      expect(rig.window.abort()).toBe(undefined);
      expect(rig.window.status()).toMatchObject({ state: 'failed', error: 'aborted' });
      expect([rig.files, rig.isOn]).toEqual([[], isOn]);
      expect(rig.window.start()).toBe(undefined);
    }
  });

  it.each<[string, (rig: Rig) => void, RegExp]>([
    ['its base fails', (rig) => rig.failures++, /base could not be written/],
    [
      'its rewrite is called off',
      (rig) => {
        rig.rewriting = 'no';
      },
      /base could not be written/,
    ],
    [
      'the log is turned off',
      (rig) => {
        rig.isOn = false;
      },
      /append-only file was turned off/,
    ],
    [
      'an increment is gone',
      (rig) => {
        rig.install();
        rig.window.follow();
        rig.manifest = rig.manifest.withIncrement(STEM).withIncrement(STEM).withRewritten(4);
      },
      /increment 3 of the log was gone/,
    ],
    [
      'files cannot be linked',
      (rig) => {
        rig.install();
        rig.faulty.link = () => {
          throw Object.assign(new Error(), { code: 'EPERM' });
        };
      },
      /could not be put aside: Operation not permitted/,
    ],
  ])('fails when %s', (_name, break_, error) => {
    const rig = new Rig();
    rig.window.start();
    break_(rig);
    rig.window.follow();
    expect(rig.state).toBe('failed');
    expect(rig.window.status().error).toMatch(error);
    expect(rig.files).toEqual([]);
    expect(rig.window.cleanup()).toBe(undefined);
    expect(rig.state).toBe('idle');
  });

  it('fails when the log cannot go on in another file, or the disk is full at SEAL', () => {
    const stuck = new Rig();
    stuck.incrementing();
    stuck.refusal = 'no room';
    expect(stuck.window.seal()).toBe('no room');
    expect(stuck.state).toBe('failed');
    let failures = 0;
    for (let at = 1; ; at++) {
      const rig = new Rig();
      rig.incrementing();
      rig.faulty.plan({ in: at, code: 'ENOSPC' });
      if (rig.window.seal() === undefined) break;
      failures += 1;
      expect(rig.window.status().error).toMatch(/No space left on device/);
      expect([rig.state, rig.files.filter((name) => !name.endsWith('manifest'))]).toEqual([
        'failed',
        [],
      ]);
    }
    expect(failures).toBeGreaterThan(5);
  });
});
