// BACKUP: what the server itself does for an online backup.
//
//            START             base written            SEAL            CLEANUP
//   idle ───> pending ───> snapshotting ───> incrementing ───> sealed ───> idle
//               └───────────────┴──── ABORT, errors ──┴──> failed ─┘ START, CLEANUP
//
// A backup is a base, the increments since, and a manifest of its own, put aside in a directory by giving
// the log's files a second name there (hard links). So nothing is copied, and rewrites may delete the
// files of the log meanwhile. An increment is put aside as soon as it is there and goes on growing under
// both names; SEAL has the log continue in another file, and from then on nothing in the backup changes.
//
// With `appendonly no` there is a log for as long as the backup needs it.
//
// Redis's documents tell of one increment. Here a backup that a rewrite happens in has one more for it:
// the manifest names them in order, and both servers load any number.

import type { Logger } from '../log.ts';
import { joinPath } from '../storage/join_path.ts';
import type { Storage } from '../storage/storage.ts';
import { systemErrorText } from '../util/system_error.ts';
import { type AofFile, Manifest } from './aof/manifest.ts';

export type BackupState =
  | 'idle'
  | 'pending'
  | 'snapshotting'
  | 'incrementing'
  | 'sealed'
  | 'failed';

/** The log as a backup needs it. */
export interface BackupLog {
  /** Changes are logged, for the backup only or anyhow. */
  readonly isOn: boolean;
  /** A new base is being written, or will be as soon as that is possible. */
  readonly rewriting: 'no' | 'scheduled' | 'running';
  /** Rewrites that went wrong. */
  readonly failures: number;
  /** Directory of the files, and what their names begin with. */
  readonly directory: string;
  readonly stem: string;
  /** What counts now. */
  readonly manifest: Manifest;
  /** Has a new base written. Returns why that is impossible. */
  startRewrite(): string | undefined;
  /** Begins a log that is there for the backup only, with a base. Returns why that is impossible. */
  turnOnForBackup(): string | undefined;
  /** Ends that log and removes its files. */
  turnOffForBackup(): void;
  /** Makes the last increment durable and goes on in a new one. Returns why that is impossible. */
  rotate(): string | undefined;
}

export interface BackupWindowOptions {
  readonly storage: Storage;
  readonly log: Logger;
  readonly source: BackupLog;
  /** Absolute path of the backup's directory. */
  directory(): string;
  /** `backup-sealed-ttl`. */
  sealedSeconds(): number;
  /** Unix milliseconds. */
  readonly now: () => number;
}

export interface BackupStatus {
  readonly state: BackupState;
  readonly error: string;
  /** Unix seconds, 0 for never. */
  readonly startTime: number;
  readonly endTime: number;
}

export class BackupWindow {
  private readonly options: BackupWindowOptions;
  private state: BackupState = 'idle';
  private error = '';
  private startTime = 0;
  private endTime = 0;
  /** Where this backup is, even when `dir` changes meanwhile. */
  private directory = '';
  /** The log is there for the backup only. */
  private isTemporary = false;
  /** The base of before: another one is the backup's. */
  private oldBase: string | undefined;
  /** Failures of rewrites until the backup began. */
  private oldFailures = 0;
  private base: AofFile | undefined;
  private increments: AofFile[] = [];
  /** Paths of what is put aside, in the order of the manifest. */
  private pinned: string[] = [];

  constructor(options: BackupWindowOptions) {
    this.options = options;
  }

  get isInProgress(): boolean {
    return (
      this.state === 'pending' || this.state === 'snapshotting' || this.state === 'incrementing'
    );
  }

  /** The log must stay on although `appendonly` is off. */
  get needsLog(): boolean {
    return this.isTemporary;
  }

  status(): BackupStatus {
    const { state, error, startTime, endTime } = this;
    return { state, error, startTime, endTime };
  }

  /** Paths of the files that will not change any more. */
  list(): readonly string[] {
    if (this.state === 'incrementing') return this.pinned.slice(0, 1);
    return this.state === 'sealed' ? this.pinned : [];
  }

  // --- Commands: each returns why it is impossible ---

  start(): string | undefined {
    if (this.isInProgress) return 'a backup is already in progress';
    if (this.state === 'sealed') return 'there is a sealed backup: BACKUP CLEANUP removes it';
    const directory = this.options.directory();
    const reason = this.prepare(directory) ?? this.begin();
    if (reason !== undefined) return reason;
    this.directory = directory;
    this.error = '';
    this.startTime = this.seconds();
    this.endTime = 0;
    this.options.log.notice(`Backup into ${directory} started`);
    this.follow();
    return undefined;
  }

  seal(): string | undefined {
    if (this.state !== 'incrementing') {
      return `a backup can be sealed while it is incrementing, and it is ${this.state}`;
    }
    const { source, log } = this.options;
    this.follow();
    if (this.status().state !== 'incrementing') return this.error;
    const reason = source.rotate();
    if (reason !== undefined) {
      this.fail(reason);
      return reason;
    }
    try {
      for (const path of this.pinned) this.makeDurable(path);
      this.pinned.push(this.writeManifest());
    } catch (error) {
      const text = `the files could not be made durable: ${systemErrorText(error)}`;
      this.fail(text);
      return text;
    }
    this.endTemporary();
    this.state = 'sealed';
    this.endTime = this.seconds();
    log.notice(`Backup into ${this.directory} sealed: ${this.pinned.length} files`);
    return undefined;
  }

  abort(): string | undefined {
    if (!this.isInProgress) return `there is no backup to abort: it is ${this.state}`;
    this.fail('aborted');
    return undefined;
  }

  cleanup(): string | undefined {
    if (this.state !== 'sealed' && this.state !== 'failed') {
      return `there is no backup to clean up: it is ${this.state}`;
    }
    const reason = this.removeFiles();
    if (reason !== undefined) return reason;
    this.state = 'idle';
    this.error = '';
    this.startTime = 0;
    this.endTime = 0;
    return undefined;
  }

  // --- What happens by itself ---

  /** To be called several times a second, and whenever the files of the log change. */
  follow(): void {
    const { source } = this.options;
    if (this.isInProgress && !source.isOn) this.fail('the append-only file was turned off');
    if (this.state === 'pending' || this.state === 'snapshotting') this.followRewrite();
    if (this.state === 'incrementing') this.pinIncrements();
    if (this.state === 'sealed') this.expire();
  }

  /** The server ends, or the log is about to be turned on for good. */
  giveUp(reason: string): void {
    if (this.isInProgress) this.fail(reason);
  }

  private begin(): string | undefined {
    const { source } = this.options;
    const { manifest, isOn } = source;
    this.oldBase = isOn ? manifest.base?.name : undefined;
    if (!isOn) {
      const reason = source.turnOnForBackup();
      if (reason !== undefined) return reason;
      this.isTemporary = true;
    } else if (source.rewriting === 'no') {
      const reason = source.startRewrite();
      if (reason !== undefined) return reason;
    }
    this.oldFailures = source.failures;
    this.state = source.rewriting === 'scheduled' ? 'pending' : 'snapshotting';
    return undefined;
  }

  private followRewrite(): void {
    const { rewriting, manifest, failures } = this.options.source;
    const { base } = manifest;
    if (rewriting !== 'running' && base !== undefined && base.name !== this.oldBase) {
      this.base = base;
      if (this.pin(base)) this.state = 'incrementing';
    } else if (failures > this.oldFailures || rewriting === 'no') {
      this.fail('the base could not be written: see the log');
    } else this.state = rewriting === 'scheduled' ? 'pending' : 'snapshotting';
  }

  private pinIncrements(): void {
    for (const file of this.options.source.manifest.increments) {
      const last = this.increments.at(-1);
      if (last !== undefined && file.seq <= last.seq) continue;
      if (last !== undefined && file.seq !== last.seq + 1) {
        this.fail(`increment ${last.seq + 1} of the log was gone before it could be put aside`);
        return;
      }
      if (!this.pin(file)) return;
      this.increments.push(file);
    }
  }

  private pin({ name }: AofFile): boolean {
    const { storage, source } = this.options;
    const path = joinPath(this.directory, name);
    try {
      storage.link(joinPath(source.directory, name), path);
      storage.syncDirectory(this.directory);
      this.pinned.push(path);
      return true;
    } catch (error) {
      this.fail(`${name} could not be put aside: ${systemErrorText(error)}`);
      return false;
    }
  }

  private writeManifest(): string {
    const { storage, source } = this.options;
    const path = joinPath(this.directory, `${source.stem}.manifest`);
    const manifest = new Manifest({ base: this.base, increments: this.increments });
    const file = storage.open(path, 'create');
    try {
      file.write(Buffer.from(manifest.format()));
      file.sync();
    } finally {
      file.close();
    }
    storage.syncDirectory(this.directory);
    return path;
  }

  /** What was written under the file's other name becomes durable as well. */
  private makeDurable(path: string): void {
    const file = this.options.storage.open(path, 'append');
    try {
      file.sync();
    } finally {
      file.close();
    }
  }

  private expire(): void {
    const seconds = this.options.sealedSeconds();
    if (seconds === 0 || this.seconds() - this.endTime < seconds) return;
    this.options.log.notice(
      `Sealed backup in ${this.directory} removed: nobody did for ${seconds} seconds`,
    );
    this.cleanup();
  }

  private fail(reason: string): void {
    this.options.log.warning(`Backup into ${this.directory} failed: ${reason}`);
    this.endTemporary();
    const left = this.removeFiles();
    if (left !== undefined) this.options.log.warning(left);
    this.state = 'failed';
    this.error = reason;
  }

  private endTemporary(): void {
    if (!this.isTemporary) return;
    this.isTemporary = false;
    this.options.source.turnOffForBackup();
  }

  // --- The directory ---

  /** It has to be there, and empty. */
  private prepare(directory: string): string | undefined {
    const { storage } = this.options;
    try {
      storage.makeDirectory(directory);
      return storage.list(directory).length === 0
        ? undefined
        : `the backup directory ${directory} is not empty`;
    } catch (error) {
      return `the backup directory ${directory} cannot be used: ${systemErrorText(error)}`;
    }
  }

  /** Removes what was put aside. Returns why that is impossible. */
  private removeFiles(): string | undefined {
    const { storage } = this.options;
    try {
      for (let path = this.pinned.at(-1); path !== undefined; path = this.pinned.at(-1)) {
        if (storage.status(path) !== undefined) storage.remove(path);
        this.pinned.pop();
      }
    } catch (error) {
      return `the files in ${this.directory} cannot be removed: ${systemErrorText(error)}`;
    }
    this.base = undefined;
    this.increments = [];
    return undefined;
  }

  private seconds(): number {
    return Math.floor(this.options.now() / 1000);
  }
}
