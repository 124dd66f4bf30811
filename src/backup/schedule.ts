// Backups that a server takes by itself, at the times of `backup-schedule`.
//
// Only one backup is under way at a time: a time that comes while one is, is passed over. When another
// snapshot is being written, the backup waits for it. A failure is logged and counted, and the next time
// comes as if nothing had happened: serving goes on whatever becomes of backups.

import { nextTime } from '../config/cron_expression.ts';
import type { Logger } from '../log.ts';
import type { Storage } from '../storage/storage.ts';
import { reasonOf } from '../util/reason_of.ts';
import { BackupTarget } from './backup_target.ts';
import { EngineSource, type EngineSourceOptions, SnapshotBusy } from './from_engine.ts';
import { SILENT } from './report.ts';
import { takeBackup } from './take_backup.ts';

/** Timers do not reach further than 24 days. */
const SLEEP_MS_MAX = 3_600_000;
const BUSY_MS = 1000;

export interface ScheduleSettings {
  /** Empty: never. */
  readonly schedule: string;
  /** Absolute path; empty when none is set. */
  readonly directory: string;
  /** Backups to keep; 0 for all. */
  readonly keep: number;
}

export interface ScheduledBackupsOptions {
  readonly storage: Storage;
  readonly log: Logger;
  readonly pid: number;
  isRunning(pid: number): boolean;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Read whenever they matter. */
  settings(): ScheduleSettings;
  source(): EngineSourceOptions;
}

export interface ScheduleFacts {
  readonly isRunning: boolean;
  readonly taken: number;
  readonly failed: number;
  readonly isLastOk: boolean;
  /** Unix seconds of the last one that went well, 0 for never. */
  readonly lastTime: number;
  /** Unix seconds of the next one, 0 for never. */
  readonly nextTime: number;
}

export class ScheduledBackups {
  private readonly options: ScheduledBackupsOptions;
  private timer: NodeJS.Timeout | undefined;
  private nextMs: number | undefined;
  private running: Promise<void> | undefined;
  private isStopped = true;
  private taken = 0;
  private failed = 0;
  private isLastOk = true;
  private lastTime = 0;

  constructor(options: ScheduledBackupsOptions) {
    this.options = options;
  }

  facts(): ScheduleFacts {
    const { taken, failed, isLastOk, lastTime, nextMs } = this;
    return {
      isRunning: this.running !== undefined,
      taken,
      failed,
      isLastOk,
      lastTime,
      nextTime: nextMs === undefined ? 0 : Math.floor(nextMs / 1000),
    };
  }

  /** Follows the schedule from now on; to be called again when the directives change. */
  start(): void {
    this.isStopped = false;
    this.plan();
  }

  /** No backup begins any more; one under way may end, or fail when its snapshot is called off. */
  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
    this.nextMs = undefined;
  }

  /** Resolves when no backup is under way. */
  async idle(): Promise<void> {
    await this.running;
  }

  private plan(): void {
    clearTimeout(this.timer);
    const { schedule } = this.options.settings();
    this.nextMs = schedule === '' ? undefined : nextTime(schedule, this.options.now());
    this.sleep();
  }

  private sleep(): void {
    if (this.nextMs === undefined || this.isStopped) return;
    const left = this.nextMs - this.options.now();
    this.timer = setTimeout(() => this.wake(), Math.max(0, Math.min(left, SLEEP_MS_MAX)));
    // A backup to come is no reason for a process to stay.
    this.timer.unref();
  }

  private wake(): void {
    if (this.nextMs === undefined) return;
    if (this.options.now() < this.nextMs) {
      this.sleep();
      return;
    }
    void this.run();
    this.plan();
  }

  /** Takes a backup now, unless one is under way. Never rejects. */
  run(): Promise<void> {
    if (this.running !== undefined) {
      this.options.log.warning('Scheduled backup passed over: the one before is still under way');
      return this.running;
    }
    this.running = this.takeLogged().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  private async takeLogged(): Promise<void> {
    const { log, now } = this.options;
    const { directory } = this.options.settings();
    const began = now();
    try {
      if (directory === '') throw new Error('backup-dir is not set');
      log.notice(`Scheduled backup into ${directory} started`);
      const { path, record, removed } = await this.takeWhenFree();
      this.taken += 1;
      this.isLastOk = true;
      this.lastTime = Math.floor(now() / 1000);
      const seconds = ((now() - began) / 1000).toFixed(3);
      log.notice(`Scheduled backup ${path} done: ${record.keys} keys in ${seconds} seconds`);
      for (const id of removed) log.notice(`Old backup ${id} removed`);
    } catch (error) {
      this.failed += 1;
      this.isLastOk = false;
      const reason = reasonOf(error);
      log.warning(`Scheduled backup failed: ${reason}`);
    }
  }

  private async takeWhenFree(): ReturnType<typeof takeBackup> {
    for (;;) {
      try {
        return await this.take();
      } catch (error) {
        if (!(error instanceof SnapshotBusy) || this.isStopped) throw error;
        await new Promise((resolve) => {
          setTimeout(resolve, BUSY_MS).unref();
        });
      }
    }
  }

  private take(): ReturnType<typeof takeBackup> {
    const { storage, pid, isRunning, now } = this.options;
    const { directory, keep } = this.options.settings();
    return takeBackup({
      source: new EngineSource(this.options.source()),
      target: new BackupTarget({ storage, path: directory, pid, isRunning }),
      report: SILENT,
      now,
      isIncremental: false,
      keep: keep === 0 ? undefined : keep,
    });
  }
}
