// Where a restore gets its files from: a backup, the one of several backups that suits the moment, or a
// data directory.

import { joinPath } from '../storage/join_path.ts';
import type { Storage } from '../storage/storage.ts';
import { attempt, BackupError } from './backup_error.ts';
import { type BackupRecord, type FileRole, RECORD_NAME } from './backup_record.ts';
import { BackupTarget, readRecord, type StoredBackup } from './backup_target.ts';
import { findData, manifestPath, parseManifestOf } from './data_directory.ts';
import type { Span } from './joined_file.ts';
import { type Moment, timeText } from './moment.ts';
import type { Report } from './report.ts';
import { verifyFiles } from './verify.ts';

export interface OriginFile {
  /** In a data directory. */
  readonly name: string;
  readonly role: Exclude<FileRole, 'manifest'>;
  readonly spans: readonly Span[];
}

export interface Origin {
  readonly kind: 'rdb' | 'aof';
  /** "backup ID" or "data directory PATH" */
  readonly description: string;
  /** In the order in which they are loaded. */
  readonly files: readonly OriginFile[];
  /** Of the log: where its manifest goes. */
  readonly manifestName: string | undefined;
  /** Unix milliseconds of the last that is in it. */
  readonly endsAtMs: number;
  /** A data directory in use may change; throws BackupError then. */
  checkUnchanged(): void;
}

/** Throws BackupError when there is nothing to restore, or what there is is damaged. */
export async function findOrigin(
  storage: Storage,
  path: string,
  moment: Moment,
  report: Report,
): Promise<Origin> {
  if (storage.status(path)?.isDirectory !== true) throw new BackupError(`${path} is no directory`);
  if (storage.status(joinPath(path, RECORD_NAME)) !== undefined) {
    return fromBackup(storage, { path, record: readRecord(storage, path) }, report);
  }
  const target = new BackupTarget({ storage, path, pid: 0, isRunning: () => true });
  const backups = target.list();
  if (backups.length > 0) return fromBackup(storage, choose(backups, moment, report), report);
  return fromDirectory(storage, path);
}

// --- Backups ---

function choose(backups: readonly StoredBackup[], moment: Moment, report: Report): StoredBackup {
  const last = backups.at(-1)!;
  if (moment.kind !== 'time') return last;
  const { unixSeconds } = moment;
  const covering = backups.find(({ record }) => covers(record, unixSeconds));
  if (covering !== undefined) return covering;
  const before = backups.findLast(({ record }) => seconds(record) <= unixSeconds);
  if (before === undefined) {
    const first = backups[0]!.record;
    throw new BackupError(
      `No backup goes back to ${timeText(unixSeconds)}: the first one is of ${timeText(first.baseTime ?? seconds(first))}`,
    );
  }
  report.note(
    `No log covers ${timeText(unixSeconds)}: taking the last backup before, of ${timeText(seconds(before.record))}.`,
  );
  return before;
}

function seconds(record: BackupRecord): number {
  return Math.floor(Date.parse(record.takenAt) / 1000);
}

/** The log in it begins before the moment and ends behind it. */
function covers(record: BackupRecord, unixSeconds: number): boolean {
  if (record.kind !== 'aof' || record.log === null) return false;
  const begins = record.baseTime ?? record.log.firstTime ?? Number.POSITIVE_INFINITY;
  return begins <= unixSeconds && unixSeconds <= seconds(record);
}

async function fromBackup(
  storage: Storage,
  { path, record }: StoredBackup,
  report: Report,
): Promise<Origin> {
  await verifyFiles(storage, path, record.files, report);
  const files: OriginFile[] = [];
  for (const { name, role, pieces } of record.files) {
    if (role === 'manifest') continue;
    files.push({
      name,
      role,
      spans: pieces.map((piece) => ({ path: joinPath(path, piece.path) })),
    });
  }
  return {
    kind: record.kind,
    description: `backup ${record.id}`,
    files,
    manifestName: record.files.find(({ role }) => role === 'manifest')?.name,
    endsAtMs: Date.parse(record.takenAt),
    checkUnchanged: () => {},
  };
}

// --- Data directories ---

function fromDirectory(storage: Storage, path: string): Origin {
  const data = findData(storage, path);
  if (data === undefined) {
    throw new BackupError(`${path} has neither backups nor append-only files nor a snapshot`);
  }
  const description = `data directory ${path}`;
  if (data.kind === 'rdb') {
    return {
      kind: 'rdb',
      description,
      files: [{ name: 'dump.rdb', role: 'rdb', spans: [{ path: data.path }] }],
      manifestName: undefined,
      endsAtMs: storage.status(data.path)?.modifiedMs ?? 0,
      checkUnchanged: () => {},
    };
  }
  const manifest = manifestPath(data);
  const read = () => attempt(`read ${manifest}`, () => storage.readFile(manifest));
  const content = Buffer.from(read());
  const files = parseManifestOf(content, manifest).files.map(({ name, type }): OriginFile => {
    const from = joinPath(data.path, name);
    const status = attempt(`read ${from}`, () => storage.status(from));
    if (status === undefined)
      throw new BackupError(`${manifest} names ${name}, which is not there`);
    return {
      name: joinPath(data.name, name),
      role: type === 'b' ? 'base' : 'incr',
      // What a server adds meanwhile is not part of it.
      spans: [{ path: from, bytes: status.sizeBytes }],
    };
  });
  const last = files.at(-1);
  return {
    kind: 'aof',
    description,
    files,
    manifestName: joinPath(data.name, `${data.stem}.manifest`),
    endsAtMs: last === undefined ? 0 : (storage.status(last.spans[0]!.path)?.modifiedMs ?? 0),
    checkUnchanged: () => {
      if (content.equals(read())) return;
      throw new BackupError(`The append-only files in ${path} changed meanwhile: try again`);
    },
  };
}
