// Restoring: which backup suits a moment, where the log is cut, and that data in the way are not lost.

import { describe, expect, it } from 'vitest';
import { parseMoment } from '../../src/backup/moment.ts';
import { MemoryStorage } from '../../src/storage/memory_storage.ts';
import { RUNNING_PID, tool } from '../support/captured_terminal.ts';
import { LOG, logged, put, putLog, snapshot, text, timestamp } from '../support/data_files.ts';
import { FaultyStorage } from '../support/faulty_storage.ts';

const NOW_MS = Date.UTC(2026, 10, 23, 14, 40);
const SET = logged('SET', 'key', 'value');
const FLUSH = logged('FLUSHALL');
const UNIT = logged('MULTI') + SET + timestamp(1006) + SET + logged('EXEC');

/** Base of 1000; commands at 1001 and 1004, a transaction from 1004 to 1006, FLUSHALL at 1008. */
const EARLY = timestamp(1001) + SET;
const MIDDLE = timestamp(1004) + SET + UNIT;
const LATE = timestamp(1008) + FLUSH;

function dataDirectory(increments = [EARLY + MIDDLE, LATE]): MemoryStorage {
  const storage = new MemoryStorage();
  putLog(storage, 'data', { increments });
  return storage;
}

function restore(storage: MemoryStorage | FaultyStorage, to: string, ...more: string[]) {
  const words = ['--quiet', 'restore', '--from', 'data', '--to', to, '--into', 'new', ...more];
  return tool(storage, words, { nowMs: NOW_MS });
}

describe('a moment', () => {
  it.each([
    ['latest', { kind: 'latest' }],
    ['1700000000', { kind: 'time', unixSeconds: 1_700_000_000 }],
    ['1700000000999', { kind: 'time', unixSeconds: 1_700_000_000 }],
    ['2026-11-23T14:39:58.7Z', { kind: 'time', unixSeconds: NOW_MS / 1000 - 2 }],
    ['2026-11-23T15:40:00+01:00', { kind: 'time', unixSeconds: NOW_MS / 1000 }],
    ['10 minutes ago', { kind: 'time', unixSeconds: NOW_MS / 1000 - 600 }],
    ['1 Hour ago', { kind: 'time', unixSeconds: NOW_MS / 1000 - 3600 }],
    ['offset:51', { kind: 'offset', file: undefined, offset: 51 }],
    ['offset:a.1.incr.aof:7', { kind: 'offset', file: 'a.1.incr.aof', offset: 7 }],
  ])('%s is read', (words, moment) => {
    expect(parseMoment(words, NOW_MS)).toEqual(moment);
  });

  it('of a day without a zone is local time', () => {
    const unixSeconds = new Date(2026, 0, 2).getTime() / 1000;
    expect(parseMoment('2026-01-02', NOW_MS)).toEqual({ kind: 'time', unixSeconds });
  });

  it.each(['', 'soon', '2026-13-45', 'offset:x', '10 ago', '-5'])('"%s" is none', (words) => {
    expect(() => parseMoment(words, NOW_MS)).toThrow(/is no moment/);
  });
});

describe('to a time', () => {
  it.each([
    [1000, '', 0, 0],
    [1001, EARLY, 1, 0],
    [1003, EARLY, 1, 0],
    // In the middle of the transaction: it is left out.
    [1005, EARLY + timestamp(1004) + SET, 2, 0],
    [1006, EARLY + MIDDLE, 6, 1],
    [1007, EARLY + MIDDLE, 6, 1],
  ])('%i, the log ends there', async (time, kept, commands, transactions) => {
    const storage = dataDirectory();
    const { code, output } = await restore(storage, String(time));
    expect(code).toBe(0);
    const manifest = text(storage, `new/${LOG}.manifest`);
    if (kept === '') expect(manifest).toBe('file appendonly.aof.1.base.rdb seq 1 type b\n');
    else expect(text(storage, `new/${LOG}.1.incr.aof`)).toBe(kept);
    expect(manifest).not.toContain('2.incr');
    expect(storage.status(`new/${LOG}.2.incr.aof`)).toBe(undefined);
    expect(text(storage, `new/${LOG}.1.base.rdb`)).toBe(text(storage, `data/${LOG}.1.base.rdb`));
    expect(output).toContain(`Log              ${commands} commands, ${transactions} transactions`);
    expect((await tool(storage, 'check new')).code).toBe(0);
  });

  it('behind everything, or to the latest, all of it is there', async () => {
    for (const moment of ['1008', '2000', 'latest']) {
      const storage = dataDirectory();
      expect((await restore(storage, moment)).code).toBe(0);
      expect(text(storage, `new/${LOG}.1.incr.aof`)).toBe(EARLY + MIDDLE);
      expect(text(storage, `new/${LOG}.2.incr.aof`)).toBe(LATE);
      expect(text(storage, `new/${LOG}.manifest`)).toBe(text(storage, `data/${LOG}.manifest`));
    }
  });

  it('before the base there is nothing', async () => {
    const { code, errors } = await restore(dataDirectory(), '999');
    expect(code).toBe(1);
    expect(errors).toContain('begins at 1970-01-01T00:16:40Z: nothing earlier is in it');
  });

  it('it needs times in the log', async () => {
    const { code, errors } = await restore(dataDirectory([SET]), '2000');
    expect(code).toBe(1);
    expect(errors).toContain('has no times in its log, because aof-timestamp-enabled was off');
  });

  it('an end that is not whole is left out', async () => {
    const storage = dataDirectory([EARLY + SET.slice(0, 9)]);
    expect((await restore(storage, 'latest')).code).toBe(0);
    expect(text(storage, `new/${LOG}.1.incr.aof`)).toBe(EARLY);
  });

  it('damage before is not passed over', async () => {
    const { code, errors } = await restore(dataDirectory([`${EARLY}x`, LATE]), 'latest');
    expect(code).toBe(1);
    expect(errors).toContain(`1.incr.aof is damaged at offset ${EARLY.length}`);
  });
});

describe('to an offset', () => {
  it('of the last file, or of one by its name, the log ends at the command before', async () => {
    const last = dataDirectory();
    expect((await restore(last, `offset:${LATE.length - 1}`)).code).toBe(0);
    expect(text(last, `new/${LOG}.1.incr.aof`)).toBe(EARLY + MIDDLE);
    expect(text(last, `new/${LOG}.2.incr.aof`)).toBe(timestamp(1008));
    const named = dataDirectory();
    const inside = EARLY.length + timestamp(1004).length + SET.length + 20;
    expect((await restore(named, `offset:appendonly.aof.1.incr.aof:${inside}`)).code).toBe(0);
    expect(text(named, `new/${LOG}.1.incr.aof`)).toBe(EARLY + timestamp(1004) + SET);
    expect(text(named, `new/${LOG}.manifest`)).not.toContain('2.incr');
  });

  it('of a file that is not there is refused', async () => {
    const { code, errors } = await restore(dataDirectory(), 'offset:x.aof:5');
    expect(code).toBe(1);
    expect(errors).toContain(
      "has no append-only file 'x.aof' to cut: it has appendonly.aof.1.base",
    );
  });
});

describe('the directory', () => {
  it('is made with everything above it', async () => {
    const storage = dataDirectory();
    const words = 'restore --from data --into a/b/c';
    expect((await tool(storage, words)).code).toBe(0);
    expect(storage.list('a/b/c')).toEqual(['appendonlydir']);
  });

  it('with data in it is not touched', async () => {
    const storage = dataDirectory();
    put(storage, 'new/dump.rdb', 'precious');
    const { code, errors } = await restore(storage, 'latest');
    expect(code).toBe(2);
    expect(errors).toContain('new is not empty (dump.rdb): --force moves what is there aside');
    expect(storage.list('new')).toEqual(['dump.rdb']);
  });

  it('has its data moved aside by --force', async () => {
    const storage = dataDirectory();
    put(storage, 'new/dump.rdb', 'precious');
    const { code, output } = await restore(storage, 'latest', '--force');
    expect(code).toBe(0);
    expect(output).toContain('Moved aside      to new/before-restore-2026-11-23T14-40-00Z');
    expect(storage.list('new')).toEqual(['appendonlydir', 'before-restore-2026-11-23T14-40-00Z']);
    expect(text(storage, 'new/before-restore-2026-11-23T14-40-00Z/dump.rdb')).toBe('precious');
  });

  it('that a server uses is left alone', async () => {
    const storage = dataDirectory();
    const holder = { pid: RUNNING_PID, host: 'here', startedAs: '', id: 'x', since: 0 };
    put(storage, 'new/respite.lock', `${JSON.stringify(holder)}\n`);
    const { code, errors } = await restore(storage, 'latest');
    expect(code).toBe(1);
    expect(errors).toContain('The data directory new is in use by process 4711');
    expect(storage.list('new')).toEqual(['respite.lock']);
  });

  it('stays as it is with --dry-run, which says what would be done', async () => {
    const storage = dataDirectory();
    put(storage, 'new/dump.rdb', 'precious');
    const { code, output } = await restore(storage, '1003', '--dry-run');
    expect(code).toBe(0);
    const size = (EARLY + MIDDLE).length;
    expect(output).toBe(`From             data directory data
  appendonlydir/appendonly.aof.1.base.rdb: all of its 78 bytes
  appendonlydir/appendonly.aof.1.incr.aof: ${EARLY.length} of its ${size} bytes
  appendonlydir/appendonly.aof.2.incr.aof: left out
Snapshot         2 keys as of 1970-01-01T00:16:40Z
Log              1 commands, 0 transactions
Last command     at or after 1970-01-01T00:16:41Z
Left out         6 commands, ${MIDDLE.length + LATE.length} bytes
Nothing was changed; new has 1 entries that are in the way
`);
    expect(storage.list('new')).toEqual(['dump.rdb']);
  });

  it('has the old data or the new, whatever goes wrong with the disk', async () => {
    let failures = 0;
    for (let at = 1; ; at++) {
      const storage = dataDirectory();
      put(storage, 'new/dump.rdb', 'precious');
      const faulty = new FaultyStorage(storage, { at, code: 'EIO', taken: 0.5 });
      const { code, errors } = await restore(faulty, '1003', '--force');
      if (code === 0 && faulty.operations < at) break;
      if (code === 0) continue; // Removing what is left over may fail unnoticed.
      failures += 1;
      expect(errors, faulty.log.at(-1)).toMatch(/^respite: .*Input\/output error\n$/);
      const names = storage.list('new');
      const isOld = names.includes('dump.rdb');
      const aside = names.find((name) => name.startsWith('before-restore'));
      if (!isOld) expect(text(storage, `new/${aside}/dump.rdb`)).toBe('precious');
      // Trying again works.
      expect((await restore(storage, '1003', '--force')).code).toBe(0);
      expect(text(storage, `new/${LOG}.1.incr.aof`)).toBe(EARLY);
    }
    expect(failures).toBeGreaterThan(20);
  });
});

describe('from backups', () => {
  /** Backups of the log at 1002, 1005 and 1009, and one of a snapshot of 500. */
  async function backups(): Promise<MemoryStorage> {
    const storage = new MemoryStorage();
    put(storage, 'old/dump.rdb', snapshot({ ctime: 500, keys: ['old'] }));
    await tool(storage, 'backup old backups', { nowMs: 500_000 });
    for (const [nowMs, content] of [
      [1_002_000, EARLY],
      [1_005_000, EARLY + timestamp(1004) + SET],
      [1_009_000, EARLY + timestamp(1004) + SET + LATE],
    ] as const) {
      putLog(storage, 'data', { increments: [content] });
      await tool(storage, 'backup data backups --incremental', { nowMs });
    }
    return storage;
  }

  const from = (storage: MemoryStorage, path: string, to: string) =>
    tool(storage, ['restore', '--from', path, '--to', to, '--into', 'new']);

  it.each([
    ['1001', '1970-01-01T00-16-42.000Z', EARLY],
    ['1004', '1970-01-01T00-16-45.000Z', EARLY + timestamp(1004) + SET],
    ['1007', '1970-01-01T00-16-49.000Z', EARLY + timestamp(1004) + SET],
    ['latest', '1970-01-01T00-16-49.000Z', EARLY + timestamp(1004) + SET + LATE],
  ])('of several, the one that suits %s is taken', async (to, id, kept) => {
    const storage = await backups();
    const { code, output } = await from(storage, 'backups', to);
    expect(code).toBe(0);
    expect(output).toContain(`From             backup ${id}`);
    expect(text(storage, `new/${LOG}.1.incr.aof`)).toBe(kept);
  });

  it('one by its name is taken', async () => {
    const storage = await backups();
    await from(storage, 'backups/1970-01-01T00-16-42.000Z', 'latest');
    expect(text(storage, `new/${LOG}.1.incr.aof`)).toBe(EARLY);
  });

  it('of a snapshot, the snapshot is restored, when it is not later', async () => {
    const storage = await backups();
    const [id] = storage.list('backups');
    const { code, output, errors } = await from(storage, 'backups', String(Date.now()));
    expect([code, errors.includes('No log covers')]).toEqual([0, true]);
    expect(output).toContain('From             backup 1970-01-01T00-16-49.000Z');
    const later = await tool(storage, `restore --from backups/${id} --to 499 --into other`);
    expect(later.code).toBe(1);
    expect(later.errors).toContain('nothing earlier is in it');
  });

  it('that all are later are of no use', async () => {
    const storage = new MemoryStorage();
    putLog(storage, 'data', { increments: [EARLY] });
    await tool(storage, 'backup data backups', { nowMs: 1_002_000 });
    const { code, errors } = await from(storage, 'backups', '900');
    expect(code).toBe(1);
    expect(errors).toContain('No backup goes back to 1970-01-01T00:15:00Z');
  });

  it('that are damaged are not restored', async () => {
    const storage = await backups();
    put(storage, `backups/1970-01-01T00-16-42.000Z/${LOG}.1.incr.aof`, EARLY.replace('key', 'kez'));
    const { code, errors } = await from(storage, 'backups', '1001');
    expect(code).toBe(1);
    expect(errors).toContain('1.incr.aof is damaged: its SHA-256 is');
    expect(storage.status('new')).toBe(undefined);
  });

  it('cannot be found where there are none', async () => {
    const storage = new MemoryStorage();
    storage.makeDirectory('empty');
    expect((await from(storage, 'empty', 'latest')).errors).toContain('has neither backups nor');
    expect((await from(storage, 'nothing', 'latest')).errors).toContain('is no directory');
  });
});
