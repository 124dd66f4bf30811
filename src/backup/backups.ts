// All that a server has to do with backups: the BACKUP commands and the scheduled ones, with the
// directives that they go by.

import type { Config } from '../config/config.ts';
import type { HostCommands } from '../host_command.ts';
import type { Logger } from '../log.ts';
import type { BackupFacts } from '../monitor/facts.ts';
import { registerBackupCommands } from '../persistence/backup_commands.ts';
import { type BackupLog, BackupWindow } from '../persistence/backup_window.ts';
import type { ProcessIdentity } from '../persistence/directory_lock.ts';
import type { Snapshotter } from '../persistence/snapshotter.ts';
import { joinPath } from '../storage/join_path.ts';
import type { Storage } from '../storage/storage.ts';
import { ScheduledBackups, type ScheduleSettings } from './schedule.ts';

export interface BackupsOptions {
  readonly config: Config;
  readonly log: Logger;
  readonly storage: Storage;
  readonly snapshots: Pick<Snapshotter, 'background'>;
  readonly appendOnly: BackupLog;
  readonly identity: ProcessIdentity;
  readonly runId: () => string;
  /** Unix milliseconds. */
  readonly now: () => number;
}

export class Backups {
  readonly window: BackupWindow;
  readonly scheduled: ScheduledBackups;
  private readonly options: BackupsOptions;
  /** A data set that is being loaded is nothing to take a backup of. */
  private isServing = false;

  constructor(options: BackupsOptions) {
    this.options = options;
    const { config, log, storage, appendOnly, identity, now } = options;
    this.window = new BackupWindow({
      storage,
      log,
      source: appendOnly,
      now,
      directory: () => joinPath(config.get('dir'), config.get('backupdirname')),
      sealedSeconds: () => config.get('backup-sealed-ttl'),
    });
    this.scheduled = new ScheduledBackups({
      storage,
      log,
      now,
      pid: identity.pid,
      isRunning: (pid) => identity.isRunning(pid, ''),
      settings: () => this.scheduleSettings(),
      source: () => ({
        snapshots: options.snapshots,
        compress: config.get('rdbcompression'),
        checksum: config.get('rdbchecksum'),
        keyDelayUs: () => config.get('rdb-key-save-delay'),
        address: `${identity.host}:${config.get('port')}`,
        runId: options.runId(),
      }),
    });
    config.subscribe('backup-schedule', () => {
      if (this.isServing) this.scheduled.start();
      return undefined;
    });
  }

  register(commands: HostCommands): void {
    registerBackupCommands(commands, this.window);
  }

  /** The data are there. */
  start(): void {
    this.isServing = true;
    this.scheduled.start();
  }

  /** The server ends. */
  stop(): void {
    this.isServing = false;
    this.scheduled.stop();
    this.window.giveUp('the server was shut down');
  }

  /** `appendonly` was set: a log that is there for a backup only is in the way. */
  beforeAppendOnly(): void {
    if (this.window.needsLog) this.window.giveUp('appendonly was changed');
  }

  /** Ten times a second. */
  tick(): void {
    this.window.follow();
  }

  facts(): BackupFacts {
    const { taken, failed, isLastOk, lastTime, nextTime, isRunning } = this.scheduled.facts();
    return {
      inProgress: this.window.isInProgress,
      scheduledInProgress: isRunning,
      scheduledTaken: taken,
      scheduledFailed: failed,
      isLastScheduledOk: isLastOk,
      lastScheduledTime: lastTime,
      nextScheduledTime: nextTime,
    };
  }

  private scheduleSettings(): ScheduleSettings {
    const { config } = this.options;
    const directory = config.get('backup-dir');
    const isAbsolute = directory === '' || /^([/\\]|[A-Za-z]:)/.test(directory);
    return {
      schedule: config.get('backup-schedule'),
      directory: isAbsolute ? directory : joinPath(config.get('dir'), directory),
      keep: config.get('backup-keep'),
    };
  }
}
