// The folder that backups are kept in, one folder each, named after the time.
//
//   TARGET/2026-11-23T14-40-00.123Z/               a backup: it has a backup.json
//   TARGET/2026-11-23T15-40-00.456Z.4711.partial/  one that process 4711 is writing, or left behind
//
// A backup gets its name when everything in it is on the disk. What is to be removed loses it first, so
// that nothing half gone ever looks like a backup.

import { joinPath } from '../storage/join_path.ts';
import type { Storage } from '../storage/storage.ts';
import { attempt, BackupError } from './backup_error.ts';
import { type BackupRecord, formatRecord, parseRecord, RECORD_NAME } from './backup_record.ts';

const PARTIAL = /\.(\d+)\.partial$/;

export interface BackupTargetOptions {
  readonly storage: Storage;
  readonly path: string;
  readonly pid: number;
  /** Whether another process still runs, which may be writing here. */
  isRunning(pid: number): boolean;
}

export interface StoredBackup {
  readonly path: string;
  readonly record: BackupRecord;
}

export class BackupTarget {
  readonly storage: Storage;
  readonly path: string;
  private readonly options: BackupTargetOptions;
  /** Partial folders that this object is writing. */
  private readonly open = new Set<string>();

  constructor(options: BackupTargetOptions) {
    this.options = options;
    this.storage = options.storage;
    this.path = options.path;
  }

  /** All backups, oldest first. Folders that are none are passed over. */
  list(): StoredBackup[] {
    const { storage, path } = this;
    if (storage.status(path)?.isDirectory !== true) return [];
    return attempt(`list ${path}`, () => storage.list(path))
      .filter((name) => !name.endsWith('.partial'))
      .map((name) => joinPath(path, name))
      .filter((folder) => storage.status(joinPath(folder, RECORD_NAME)) !== undefined)
      .map((folder) => ({ path: folder, record: readRecord(storage, folder) }))
      .sort((a, b) => (a.record.takenAt < b.record.takenAt ? -1 : 1));
  }

  /** Removes what interrupted backups left. Returns their names. */
  removeLeftovers(): string[] {
    const { storage, path } = this;
    if (storage.status(path) === undefined) return [];
    const left = attempt(`list ${path}`, () => storage.list(path)).filter((name) => {
      const pid = Number(PARTIAL.exec(name)?.[1] ?? Number.NaN);
      if (Number.isNaN(pid) || this.open.has(name)) return false;
      return pid === this.options.pid || !this.options.isRunning(pid);
    });
    for (const name of left) {
      const folder = joinPath(path, name);
      attempt(`remove ${folder}`, () => storage.removeTree(folder));
    }
    return left;
  }

  /** A new folder, which becomes a backup when it is finished. */
  begin(nowMs: number): BackupFolder {
    const { storage, path } = this;
    attempt(`create ${path}`, () => storage.makeDirectory(path));
    const time = new Date(nowMs).toISOString().replaceAll(':', '-');
    let id = time;
    for (let n = 2; storage.status(joinPath(path, id)) !== undefined; n++) id = `${time}-${n}`;
    const name = `${id}.${this.options.pid}.partial`;
    const folder = joinPath(path, name);
    attempt(`create ${folder}`, () => storage.makeDirectory(folder));
    this.open.add(name);
    return new BackupFolder({
      storage,
      id,
      target: path,
      partial: folder,
      onEnd: () => this.open.delete(name),
    });
  }

  /** Removes the oldest ones but `keep`. Returns the ids of those. */
  prune(keep: number): string[] {
    const all = this.list();
    const old = all.slice(0, Math.max(0, all.length - keep));
    for (const { path, record } of old) this.remove(path, record.id);
    return old.map(({ record }) => record.id);
  }

  private remove(folder: string, id: string): void {
    const { storage, path } = this;
    const partial = joinPath(path, `${id}.${this.options.pid}.partial`);
    attempt(`remove ${folder}`, () => {
      storage.rename(folder, partial);
      storage.syncDirectory(path);
      storage.removeTree(partial);
    });
  }
}

export function readRecord(storage: Storage, folder: string): BackupRecord {
  const path = joinPath(folder, RECORD_NAME);
  const bytes = attempt(`read ${path}`, () => storage.readFile(path));
  return parseRecord(Buffer.from(bytes).toString(), path);
}

interface FolderParts {
  readonly storage: Storage;
  readonly id: string;
  readonly target: string;
  readonly partial: string;
  onEnd(): void;
}

export class BackupFolder {
  readonly storage: Storage;
  readonly id: string;
  /** Where the files go while the backup is being written. */
  readonly path: string;
  private readonly parts: FolderParts;
  private readonly directories = new Set<string>();

  constructor(parts: FolderParts) {
    this.parts = parts;
    this.storage = parts.storage;
    this.id = parts.id;
    this.path = parts.partial;
  }

  /** The path of a file to be, with the folder it is in. */
  place(name: string): string {
    const path = joinPath(this.path, name);
    const directory = path.slice(0, path.lastIndexOf('/'));
    if (directory !== this.path && !this.directories.has(directory)) {
      attempt(`create ${directory}`, () => this.storage.makeDirectory(directory));
      this.directories.add(directory);
    }
    return path;
  }

  /** Makes everything durable and gives the folder its name, which is returned. */
  finish(record: BackupRecord): string {
    const { storage, path, parts } = this;
    if (record.id !== parts.id) throw new BackupError(`a record of ${record.id} for ${parts.id}`);
    for (const directory of this.directories) {
      attempt(`flush ${directory}`, () => storage.syncDirectory(directory));
    }
    const recordPath = joinPath(path, RECORD_NAME);
    attempt(`write ${recordPath}`, () => {
      const file = storage.open(recordPath, 'create');
      try {
        file.write(Buffer.from(formatRecord(record)));
        file.sync();
      } finally {
        file.close();
      }
    });
    attempt(`flush ${path}`, () => storage.syncDirectory(path));
    const final = joinPath(parts.target, parts.id);
    attempt(`rename ${path}`, () => storage.rename(path, final));
    attempt(`flush ${parts.target}`, () => storage.syncDirectory(parts.target));
    parts.onEnd();
    return final;
  }

  /** Removes what was written. */
  abandon(): void {
    try {
      this.storage.removeTree(this.path);
    } catch {
      // The next backup removes it.
    }
    this.parts.onEnd();
  }
}
