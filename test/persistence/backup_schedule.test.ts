// Backups that the server takes by itself. Method: an engine in this process with files in memory, and the
// built server with a schedule of every second.

import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { BackupTarget } from '../../src/backup/backup_target.ts';
import { SILENT } from '../../src/backup/report.ts';
import { ScheduledBackups, type ScheduleSettings } from '../../src/backup/schedule.ts';
import { verifyFiles } from '../../src/backup/verify.ts';
import { checkSchedule, nextTime } from '../../src/config/cron_expression.ts';
import { Logger } from '../../src/log.ts';
import { Snapshotter } from '../../src/persistence/snapshotter.ts';
import { MemoryStorage } from '../../src/storage/memory_storage.ts';
import { createEngine, EngineTestClient } from '../support/engine_client.ts';
import { FaultyStorage } from '../support/faulty_storage.ts';
import { ask, scratchDirectory, serve } from './fixture.ts';

class Rig {
  readonly storage = new MemoryStorage();
  readonly faulty = new FaultyStorage(this.storage);
  readonly engine = createEngine();
  readonly client = new EngineTestClient(this.engine);
  readonly snapshots = new Snapshotter(this.engine);
  readonly lines: string[] = [];
  nowMs = Date.UTC(2026, 10, 23, 14, 40);
  settings: ScheduleSettings = { schedule: '', directory: 'backups', keep: 2 };
  readonly scheduled = new ScheduledBackups({
    storage: this.faulty,
    log: new Logger({ pid: 1, sink: { write: (line) => this.lines.push(line) } }),
    pid: 1,
    isRunning: () => false,
    now: () => this.nowMs++,
    settings: () => this.settings,
    source: () => ({
      snapshots: this.snapshots,
      compress: true,
      checksum: true,
      keyDelayUs: () => 0,
      address: 'here:6379',
      runId: 'run',
    }),
  });

  get log(): string {
    return this.lines.join('');
  }

  get backups() {
    const { storage } = this;
    return new BackupTarget({ storage, path: 'backups', pid: 1, isRunning: () => false }).list();
  }
}

it('a backup has the keys of its moment, is read back, and noted', async () => {
  const rig = new Rig();
  for (let i = 0; i < 100; i++) await rig.client.call('SET', `key${i}`, 'x'.repeat(i));
  await rig.client.call('SELECT', '2');
  await rig.client.call('RPUSH', 'list', 'a', 'b');
  const taken = rig.scheduled.run();
  await rig.client.call('SET', 'later', 'x');
  await taken;
  const [backup] = rig.backups;
  expect(backup!.record).toMatchObject({
    kind: 'rdb',
    keys: 101,
    databases: [
      { database: 0, keys: 100, expires: 0 },
      { database: 2, keys: 1, expires: 0 },
    ],
    source: { kind: 'schedule', address: 'here:6379', runId: 'run' },
  });
  await verifyFiles(rig.storage, backup!.path, backup!.record.files, SILENT);
  expect(rig.log).toMatch(/\* Scheduled backup into backups started/);
  expect(rig.log).toMatch(/\* Scheduled backup backups\/2026\S+ done: 101 keys in [\d.]+ seconds/);
  expect(rig.scheduled.facts()).toMatchObject({ taken: 1, failed: 0, isLastOk: true });
});

it('backup-keep of them stay, and all with 0', async () => {
  const rig = new Rig();
  for (let i = 0; i < 4; i++) await rig.scheduled.run();
  expect(rig.backups).toHaveLength(2);
  expect(rig.log).toMatch(/Old backup 2026\S+ removed/);
  rig.settings = { ...rig.settings, keep: 0 };
  await rig.scheduled.run();
  expect(rig.backups).toHaveLength(3);
});

it('a failure is logged and counted, and serving goes on', async () => {
  const rig = new Rig();
  // A backup whose predecessor cannot be removed is there all the same, so with a limit there would be
  // one more to remove each time.
  rig.settings = { ...rig.settings, keep: 0 };
  await rig.client.call('SET', 'key', 'value');
  let failures = 0;
  for (let at = 1; ; at++) {
    rig.faulty.plan({ in: at, code: 'ENOSPC', taken: 0.5 });
    const { failed } = rig.scheduled.facts();
    await rig.scheduled.run();
    if (rig.scheduled.facts().failed === failed) break;
    failures += 1;
    expect(rig.snapshots.isRunning).toBe(false);
    expect(await rig.client.text('GET', 'key')).toBe('value');
  }
  expect(failures).toBeGreaterThan(8);
  expect(rig.log).toMatch(/# Scheduled backup failed: Can't .*: No space left on device/);
});

it('without backup-dir there is none', async () => {
  const rig = new Rig();
  rig.settings = { ...rig.settings, directory: '' };
  await rig.scheduled.run();
  expect(rig.log).toContain('Scheduled backup failed: backup-dir is not set');
  expect(rig.scheduled.facts()).toMatchObject({ failed: 1, isLastOk: false });
});

it('a snapshot that is called off fails the backup', async () => {
  const rig = new Rig();
  await rig.client.call('SET', 'key', 'value');
  const taken = rig.scheduled.run();
  while (!rig.snapshots.isRunning) await sleep(0);
  rig.snapshots.abort();
  await taken;
  expect(rig.log).toContain('Scheduled backup failed: the snapshot was called off');
  expect(rig.backups).toEqual([]);
});

it('one that is still under way lets the next time pass', async () => {
  const rig = new Rig();
  await Promise.all([rig.scheduled.run(), rig.scheduled.run()]);
  expect(rig.log).toContain('passed over');
  expect(rig.backups).toHaveLength(1);
});

it('a schedule is a cron expression in local time', () => {
  expect(checkSchedule('')).toBe(undefined);
  for (const good of ['0 3 * * *', '*/10 * * * * *', '@daily', '0 0 * * MON-FRI']) {
    expect(checkSchedule(good), good).toBe(undefined);
  }
  for (const bad of ['x', '61 * * * *', '* * *', '@never']) {
    expect(checkSchedule(bad), bad).toMatch(/^backup-schedule must be a cron expression/);
  }
  expect(checkSchedule('0 0 1 1 * 1999') ?? checkSchedule('0 0 0 1 1 * 1999')).toMatch(/backup-/);
  const noon = new Date(2026, 10, 23, 12).getTime();
  expect(nextTime('30 13 * * *', noon)).toBe(new Date(2026, 10, 23, 13, 30).getTime());
});

it('the server follows the directives, and tells of backups in INFO', async () => {
  const directory = scratchDirectory();
  const { client } = await serve(directory, ['--enable-protected-configs', 'yes']);
  await ask(client, 'SET key value');
  expect(await ask(client, 'CONFIG SET backup-schedule nonsense')).toContain('cron expression');
  await ask(client, 'CONFIG SET backup-dir backups backup-keep 2');
  await client.call('CONFIG', 'SET', 'backup-schedule', '* * * * * *');
  const read = async (field: string) => {
    const reply = await client.call('INFO', 'persistence');
    const text = 'bytes' in reply ? reply.bytes.toString() : '';
    return new RegExp(`^${field}:(.*)\\r$`, 'm').exec(text)?.[1];
  };
  expect(Number(await read('scheduled_backup_next_time'))).toBeGreaterThan(0);
  while (Number(await read('scheduled_backups')) < 3) await sleep(50);
  expect(await read('scheduled_backup_last_status')).toBe('ok');
  expect(await read('backup_in_progress')).toBe('0');
  await client.call('CONFIG', 'SET', 'backup-schedule', '');
  while ((await read('scheduled_backup_in_progress')) === '1') await sleep(50);
  expect(await read('scheduled_backup_next_time')).toBe('0');
  expect(readdirSync(`${directory}/backups`)).toHaveLength(2);
});
