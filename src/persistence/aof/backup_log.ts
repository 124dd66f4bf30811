// The append-only log as backups need it (backup_window.ts).
//
// With `appendonly no`, a log for the backup is kept in a directory of its own: what an earlier log left
// in `appenddirname` is not touched, and the next start finds nothing that it might load.

import { joinPath } from '../../storage/join_path.ts';
import type { Storage } from '../../storage/storage.ts';
import { systemErrorText } from '../../util/system_error.ts';
import type { BackupLog } from '../backup_window.ts';
import type { AppendOnly } from './append_only.ts';
import { Manifest } from './manifest.ts';

const DIRECTORY = 'temp-backup-aof';

export interface BackupLogOptions {
  readonly appendOnly: AppendOnly;
  readonly storage: Storage;
  /** `dir` and `appendfilename`. */
  workingDirectory(): string;
  stem(): string;
  /** Makes sure that no other process writes there. Returns why not. */
  claimDirectory(): string | undefined;
}

export class AppendOnlyBackupLog implements BackupLog {
  private readonly options: BackupLogOptions;

  constructor(options: BackupLogOptions) {
    this.options = options;
  }

  get isOn(): boolean {
    return this.options.appendOnly.isOn;
  }

  get rewriting(): BackupLog['rewriting'] {
    const { appendOnly } = this.options;
    if (appendOnly.isRewriting) return 'running';
    return appendOnly.facts().aofRewriteScheduled === true ? 'scheduled' : 'no';
  }

  get failures(): number {
    return this.options.appendOnly.facts().aofRewriteFailures ?? 0;
  }

  get directory(): string {
    return this.options.appendOnly.files?.place.directory ?? '';
  }

  get stem(): string {
    return this.options.stem();
  }

  get manifest(): Manifest {
    return this.options.appendOnly.files?.manifest ?? Manifest.EMPTY;
  }

  startRewrite(): string | undefined {
    const outcome = this.options.appendOnly.startRewrite();
    return typeof outcome === 'object' ? outcome.error.replace(/^ERR /, '') : undefined;
  }

  turnOnForBackup(): string | undefined {
    const { appendOnly } = this.options;
    return this.options.claimDirectory() ?? this.removeFiles() ?? appendOnly.turnOn(DIRECTORY);
  }

  turnOffForBackup(): void {
    this.options.appendOnly.turnOff();
    // What stays is removed by the next backup.
    this.removeFiles();
  }

  rotate(): string | undefined {
    return this.options.appendOnly.rotate()
      ? undefined
      : 'the append-only file could not be continued in a new one: see the log';
  }

  private removeFiles(): string | undefined {
    const path = joinPath(this.options.workingDirectory(), DIRECTORY);
    try {
      this.options.storage.removeTree(path);
      return undefined;
    } catch (error) {
      return `${path} cannot be removed: ${systemErrorText(error)}`;
    }
  }
}
