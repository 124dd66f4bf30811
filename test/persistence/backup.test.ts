// Backups of data directories: what is in them, what an incremental one shares, what goes and what stays.
// Method: directories in memory, with a disk that fails or a process that dies at each operation.

import { describe, expect, it } from 'vitest';
import { BackupError } from '../../src/backup/backup_error.ts';
import { BackupTarget, type StoredBackup } from '../../src/backup/backup_target.ts';
import { findData } from '../../src/backup/data_directory.ts';
import { DirectorySource } from '../../src/backup/from_directory.ts';
import { type Report, SILENT } from '../../src/backup/report.ts';
import { type BackupResult, takeBackup } from '../../src/backup/take_backup.ts';
import { verifyFiles } from '../../src/backup/verify.ts';
import { MemoryStorage } from '../../src/storage/memory_storage.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { tool } from '../support/captured_terminal.ts';
import { LOG, logged, put, putLog, snapshot, text, timestamp } from '../support/data_files.ts';
import { FaultyStorage } from '../support/faulty_storage.ts';
import { Random } from '../support/random.ts';

const SET = logged('SET', 'key', 'value');
const START_MS = Date.UTC(2026, 10, 23, 14, 40);

interface Settings {
  readonly incremental?: boolean;
  readonly keep?: number;
  readonly report?: Report;
  readonly nowMs?: number;
  readonly isRunning?: (pid: number) => boolean;
}

function targetOf(storage: Storage, isRunning: (pid: number) => boolean = () => false) {
  return new BackupTarget({ storage, path: 'backups', pid: 7, isRunning });
}

/** A backup of the directory "data" into "backups". */
function backup(storage: Storage, settings: Settings = {}): Promise<BackupResult> {
  const { incremental = false, keep, report = SILENT, nowMs = START_MS, isRunning } = settings;
  return takeBackup({
    source: new DirectorySource(storage, 'data', findData(storage, 'data')!),
    target: targetOf(storage, isRunning),
    report,
    now: () => nowMs,
    isIncremental: incremental,
    keep,
  });
}

function verify(storage: Storage, { path, record }: StoredBackup) {
  return verifyFiles(storage, path, record.files, SILENT);
}

function below(storage: Storage, path: string): string[] {
  return storage.list(path).flatMap((name) => {
    const each = `${path}/${name}`;
    return storage.status(each)?.isDirectory ? below(storage, each) : [each];
  });
}

describe('a backup', () => {
  it('of a log is its base, its increments and its manifest, as a data directory has them', async () => {
    const storage = new MemoryStorage();
    putLog(storage, 'data', { increments: [SET, timestamp(1000) + SET] });
    const { path, record } = await backup(storage);
    expect(path).toBe('backups/2026-11-23T14-40-00.000Z');
    expect(below(storage, path)).toEqual([
      `${path}/${LOG}.1.base.rdb`,
      `${path}/${LOG}.1.incr.aof`,
      `${path}/${LOG}.2.incr.aof`,
      `${path}/${LOG}.manifest`,
      `${path}/backup.json`,
    ]);
    for (const name of ['1.base.rdb', '1.incr.aof', '2.incr.aof', 'manifest']) {
      expect(text(storage, `${path}/${LOG}.${name}`)).toBe(text(storage, `data/${LOG}.${name}`));
    }
    expect(record).toMatchObject({
      kind: 'aof',
      takenAt: '2026-11-23T14:40:00.000Z',
      source: { kind: 'directory', address: 'data', redisVersion: '7.0.15' },
      databases: [{ database: 0, keys: 2, expires: 0 }],
      keys: 2,
      baseTime: 1000,
      log: { commands: 2, transactions: 0, firstTime: 1000, lastTime: 1000 },
      incrementalTo: null,
    });
    expect(record.files.map(({ sha256 }) => sha256.length)).toEqual([64, 64, 64, 64]);
  });

  it('of a snapshot is the snapshot', async () => {
    const storage = new MemoryStorage();
    put(storage, 'data/dump.rdb', snapshot({ keys: ['x', 'y', 'z'] }));
    const { path, record } = await backup(storage);
    expect(below(storage, path)).toEqual([`${path}/backup.json`, `${path}/dump.rdb`]);
    expect(record).toMatchObject({ kind: 'rdb', keys: 3, log: null });
  });

  it('ends behind the last whole command outside of a transaction', async () => {
    const storage = new MemoryStorage();
    const open = logged('MULTI') + SET;
    putLog(storage, 'data', { increments: [SET + open + SET.slice(0, 9)] });
    const { path, record } = await backup(storage);
    expect(text(storage, `${path}/${LOG}.1.incr.aof`)).toBe(SET);
    expect(record.log?.commands).toBe(1);
  });

  it('leaves files out that a rewrite made superfluous', async () => {
    const storage = new MemoryStorage();
    putLog(storage, 'data', { increments: [SET] });
    put(
      storage,
      `data/${LOG}.manifest`,
      'file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.0.incr.aof seq 9 type h\n' +
        'file appendonly.aof.1.incr.aof seq 1 type i\n',
    );
    const { path } = await backup(storage);
    expect(text(storage, `${path}/${LOG}.manifest`)).not.toContain('type h');
  });

  it('begins anew when the manifest changed while files were copied', async () => {
    const storage = new MemoryStorage();
    putLog(storage, 'data', { increments: [SET] });
    let changes = 0;
    const notes: string[] = [];
    const report: Report = {
      note: (line) => notes.push(line),
      progress: () => {
        if (changes++ === 0) {
          putLog(storage, 'data', { increments: [SET + SET, SET] });
        }
        return { update: () => {}, end: () => {} };
      },
    };
    const { path, record } = await backup(storage, { report });
    expect(notes).toEqual(['The append-only files changed meanwhile: beginning anew.']);
    expect(record.log?.commands).toBe(3);
    expect(text(storage, `${path}/${LOG}.2.incr.aof`)).toBe(SET);
  });

  it('gives up when the manifest changes each time', async () => {
    const storage = new MemoryStorage();
    putLog(storage, 'data', { increments: [SET] });
    let changes = 0;
    const report: Report = {
      note: () => {},
      progress: () => {
        putLog(storage, 'data', {
          increments: Array.from({ length: 1 + (changes++ % 5) }, () => SET),
        });
        return { update: () => {}, end: () => {} };
      },
    };
    await expect(backup(storage, { report })).rejects.toThrow(/changed each of 20 times/);
    expect(storage.list('backups')).toEqual([]);
  });

  it.each([
    ['a damaged base', { base: snapshot().subarray(0, 50) }, /base\.rdb is damaged at offset/],
    ['a damaged increment', { increments: [`${SET}x`, SET] }, /1\.incr\.aof is damaged at offset/],
    [
      'a damaged last increment',
      { increments: [`${SET}x`] },
      /is damaged at offset .* respite check/,
    ],
  ])('of %s is refused', async (_name, parts, message) => {
    const storage = new MemoryStorage();
    putLog(storage, 'data', parts);
    await expect(backup(storage)).rejects.toThrow(message);
    expect(storage.list('backups')).toEqual([]);
  });

  it('of a file that is gone says which', async () => {
    const storage = new MemoryStorage();
    putLog(storage, 'data', { increments: [SET] });
    storage.remove(`data/${LOG}.1.incr.aof`);
    await expect(backup(storage)).rejects.toThrow(
      /Can't open data\/appendonlydir\/appendonly.aof.1.incr.aof: No such file or directory/,
    );
  });
});

describe('an incremental backup', () => {
  it('writes what the last one does not have, and links the rest', async () => {
    const storage = new MemoryStorage();
    putLog(storage, 'data', { increments: [SET] });
    const first = await backup(storage);
    const more = logged('DEL', 'key');
    put(storage, `data/${LOG}.1.incr.aof`, SET + more);
    const second = await backup(storage, { incremental: true, nowMs: START_MS + 1000 });
    expect(second.record.incrementalTo).toBe(first.record.id);
    expect(text(storage, `${second.path}/${LOG}.1.incr.aof`)).toBe(SET);
    expect(text(storage, `${second.path}/${LOG}.1.incr.aof.from-${SET.length}`)).toBe(more);
    const manifest = text(storage, `data/${LOG}.manifest`);
    expect(second.record.writtenBytes).toBe(more.length + manifest.length);
    expect(second.record.log?.commands).toBe(2);
    expect(await verify(storage, second)).toMatchObject({ keys: 2, log: { commands: 2 } });
  });

  it('goes on and on, each one complete without those before', async () => {
    const storage = new MemoryStorage();
    let content = '';
    const all: StoredBackup[] = [];
    for (let i = 0; i < 5; i++) {
      content += logged('SET', `key${i}`, 'x');
      putLog(storage, 'data', { increments: [content] });
      all.push(await backup(storage, { incremental: true, nowMs: START_MS + i, keep: 1 }));
    }
    expect(storage.list('backups')).toEqual([all[4]!.record.id]);
    expect(await verify(storage, all[4]!)).toMatchObject({ log: { commands: 5 } });
    expect(all[4]!.record.files[1]!.pieces).toHaveLength(5);
  });

  it('is a full one when the log has other contents under the same names', async () => {
    const storage = new MemoryStorage();
    putLog(storage, 'data', { increments: [SET + SET] });
    await backup(storage);
    const other = logged('SET', 'KEY', 'VALUE') + SET + SET;
    putLog(storage, 'data', { base: snapshot({ keys: ['other'] }), increments: [other] });
    const { path, record } = await backup(storage, { incremental: true, nowMs: START_MS + 1 });
    expect(record.incrementalTo).toBe(null);
    expect(text(storage, `${path}/${LOG}.1.incr.aof`)).toBe(other);
  });

  it('is a full one when the last backup is damaged', async () => {
    const storage = new MemoryStorage();
    putLog(storage, 'data', { increments: [SET] });
    const first = await backup(storage);
    put(storage, `${first.path}/${LOG}.1.base.rdb`, 'rubbish');
    const notes: string[] = [];
    const report = { ...SILENT, note: (line: string) => notes.push(line) };
    const second = await backup(storage, { incremental: true, report, nowMs: START_MS + 1 });
    expect(notes.join()).toContain('Taking a full backup instead');
    expect(second.record.incrementalTo).toBe(null);
    await verify(storage, second);
  });

  it('copies where files cannot have two names', async () => {
    const storage = new MemoryStorage();
    putLog(storage, 'data', { increments: [SET] });
    await backup(storage);
    const linkless = Object.create(storage) as MemoryStorage;
    linkless.link = () => {
      throw Object.assign(new Error('no links'), { code: 'ENOTSUP' });
    };
    const second = await backup(linkless, { incremental: true, nowMs: START_MS + 1 });
    expect(second.record.incrementalTo).not.toBe(null);
    await verify(storage, second);
  });
});

describe('the folder of backups', () => {
  it('keeps the newest ones', async () => {
    const storage = new MemoryStorage();
    putLog(storage, 'data', { increments: [SET] });
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) {
      ids.push((await backup(storage, { nowMs: START_MS + i })).record.id);
    }
    const last = await backup(storage, { nowMs: START_MS + 9, keep: 2 });
    expect(last.removed).toEqual(ids.slice(0, 3));
    expect(storage.list('backups')).toEqual([ids[3], last.record.id]);
  });

  it('has names for two backups of one millisecond', async () => {
    const storage = new MemoryStorage();
    putLog(storage, 'data', { increments: [SET] });
    const first = await backup(storage);
    expect((await backup(storage)).record.id).toBe(`${first.record.id}-2`);
  });

  it('is rid of what interrupted backups left, but not of what others are writing', async () => {
    const storage = new MemoryStorage();
    putLog(storage, 'data', { increments: [SET] });
    put(storage, 'backups/2026-11-22T00-00-00.000Z.4711.partial/dump.rdb', 'half');
    put(storage, 'backups/2026-11-22T00-00-00.000Z.4712.partial/dump.rdb', 'half');
    put(storage, 'backups/notes.txt', 'mine');
    const { record } = await backup(storage, { isRunning: (pid) => pid === 4712 });
    expect(storage.list('backups')).toEqual([
      '2026-11-22T00-00-00.000Z.4712.partial',
      record.id,
      'notes.txt',
    ]);
  });

  it.each([
    ['no JSON', '{', /is not valid JSON/],
    ['another format', '{"format":2}', /has the format 2/],
    ['something else', '{"format":1}', /does not describe a backup/],
    [
      'a way out of the folder',
      '{"format":1,"id":"x","kind":"rdb","takenAt":"2026-01-01T00:00:00Z","source":{},"databases":[],"keys":0,' +
        '"files":[{"name":"../x","bytes":0,"sha256":"","pieces":[]}]}',
      /does not describe a backup/,
    ],
  ])('with a record of %s is not trusted', async (_name, content, message) => {
    const storage = new MemoryStorage();
    put(storage, 'backups/x/backup.json', content);
    expect(() => targetOf(storage).list()).toThrow(message);
  });
});

describe('whatever goes wrong with the disk', () => {
  it('leaves no half backup under a good name, and says what it was', async () => {
    let failures = 0;
    for (let at = 1; ; at++) {
      const storage = new MemoryStorage();
      putLog(storage, 'data', { increments: [SET] });
      const faulty = new FaultyStorage(storage, { at, code: 'ENOSPC', taken: 0.5 });
      try {
        await backup(faulty);
        break;
      } catch (error) {
        expect(error, `operation ${at}: ${faulty.log.at(-1)}`).toBeInstanceOf(BackupError);
        expect((error as Error).message).toMatch(/No space left on device/);
      }
      failures += 1;
      for (const each of targetOf(storage).list()) await verify(storage, each);
      // Its place is free again: the next backup succeeds.
      await verify(storage, await backup(storage, { nowMs: START_MS + 1 }));
    }
    expect(failures).toBeGreaterThan(20);
  });

  it('a crash leaves whole backups only', async () => {
    const random = Random.fresh();
    let crashes = 0;
    for (let at = 1; ; at++) {
      const storage = new MemoryStorage();
      putLog(storage, 'data', { increments: [SET] });
      const faulty = new FaultyStorage(storage, { at });
      try {
        await backup(faulty);
        break;
      } catch {
        crashes += 1;
      }
      const left = storage.crash(() => random.below(1000) / 1000);
      for (const each of targetOf(left).list()) {
        await verify(left, each).catch((error: Error) => {
          throw new Error(`seed ${random.seed}, operation ${at}: ${error.message}`);
        });
      }
    }
    expect(crashes).toBeGreaterThan(20);
  });
});

describe('respite backup', () => {
  it('tells where the backup is and what it holds', async () => {
    const storage = new MemoryStorage();
    putLog(storage, 'data', { increments: [SET] });
    const { code, output } = await tool(storage, 'backup data backups', { nowMs: START_MS });
    expect(code).toBe(0);
    expect(output).toBe(
      'Backup           backups/2026-11-23T14-40-00.000Z\n' +
        'Holds            2 keys and 1 commands, 199 bytes, verified\n',
    );
    expect((await tool(storage, 'check backups')).code).toBe(0);
  });

  it('takes the snapshot when that is asked for', async () => {
    const storage = new MemoryStorage();
    putLog(storage, 'data', { increments: [SET] });
    put(storage, 'data/dump.rdb', snapshot({ keys: ['only'] }));
    const { output } = await tool(storage, 'backup data backups --kind rdb');
    expect(output).toContain('Holds            1 keys, ');
  });

  it('fails with exit code 1 and one line when the target is full', async () => {
    const storage = new MemoryStorage();
    putLog(storage, 'data', { increments: [SET] });
    const faulty = new FaultyStorage(storage, { at: 14, code: 'ENOSPC' });
    const { code, errors } = await tool(faulty, '--quiet backup data backups');
    expect(code).toBe(1);
    expect(errors).toMatch(/^respite: Can't .*: No space left on device\n$/);
  });

  it.each([
    ['a bit that changed', (bytes: Buffer) => bytes.fill(1, 30, 31), /its SHA-256 is/],
    ['an end that is missing', (bytes: Buffer) => bytes.subarray(0, 30), /it has 30 bytes/],
  ])('is seen by respite check when it has %s', async (_name, damage, message) => {
    const storage = new MemoryStorage();
    putLog(storage, 'data', { increments: [SET] });
    const { path } = await backup(storage);
    const base = `${path}/${LOG}.1.base.rdb`;
    put(storage, base, damage(Buffer.from(storage.readFile(base))));
    const { code, errors } = await tool(storage, 'check backups');
    expect(code).toBe(1);
    expect(errors).toMatch(message);
  });
});
