// backup.json: what a backup is and what it consists of. It is written last, so a folder without one is no
// backup.
//
//   2026-11-23T14-40-00.123Z/
//     backup.json
//     dump.rdb                                       a snapshot, or
//     appendonlydir/appendonly.aof.manifest          a log: the layout of a data directory
//     appendonlydir/appendonly.aof.1.base.rdb
//     appendonlydir/appendonly.aof.1.incr.aof
//     appendonlydir/appendonly.aof.1.incr.aof.from-5120   what came later, in an incremental backup
//
// A file is the concatenation of its pieces. An incremental backup has the pieces that did not change as
// further names of the files of the backup before (hard links), so every folder is complete by itself and
// any one can be deleted.

import { BackupError } from './backup_error.ts';

export const RECORD_NAME = 'backup.json';
const FORMAT = 1;

export type BackupKind = 'rdb' | 'aof';
export type FileRole = 'rdb' | 'base' | 'incr' | 'manifest';

export interface BackupPiece {
  /** Below the backup's folder. */
  readonly path: string;
  /** Where in the file it belongs. */
  readonly offset: number;
  readonly bytes: number;
  readonly sha256: string;
}

export interface BackupFile {
  /** Below a data directory. */
  readonly name: string;
  readonly role: FileRole;
  readonly bytes: number;
  readonly sha256: string;
  readonly pieces: readonly BackupPiece[];
}

export interface DatabaseRecord {
  readonly database: number;
  readonly keys: number;
  readonly expires: number;
}

/** What the log holds behind its base. */
export interface LogRecord {
  readonly commands: number;
  readonly transactions: number;
  /** Unix seconds of the first and the last time noted in the log; null when it has none. */
  readonly firstTime: number | null;
  readonly lastTime: number | null;
}

export interface BackupSourceRecord {
  readonly kind: 'server' | 'files' | 'directory' | 'schedule';
  /** Address or path. */
  readonly address: string;
  readonly redisVersion: string | null;
  readonly respiteVersion: string | null;
  readonly runId: string | null;
  readonly replicationOffset: number | null;
}

export interface BackupRecord {
  readonly format: typeof FORMAT;
  readonly id: string;
  readonly kind: BackupKind;
  /** ISO times: when the data were as they are in it, and when it was complete. */
  readonly takenAt: string;
  readonly finishedAt: string;
  readonly source: BackupSourceRecord;
  /** Version of Respite that took it. */
  readonly takenBy: string;
  /** Keys of the snapshot, or of the base of the log. */
  readonly databases: readonly DatabaseRecord[];
  readonly keys: number;
  /** Unix seconds that the snapshot, or the base of the log, notes of itself; null when it does not. */
  readonly baseTime: number | null;
  readonly log: LogRecord | null;
  /** Id of the backup whose pieces are used again; null when there is none. */
  readonly incrementalTo: string | null;
  /** What had to be written for it. */
  readonly writtenBytes: number;
  readonly files: readonly BackupFile[];
}

export const RECORD_FORMAT: typeof FORMAT = FORMAT;

export function formatRecord(record: BackupRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}

/** Throws BackupError when the text is not what `formatRecord` wrote. */
export function parseRecord(text: string, path: string): BackupRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new BackupError(`${path} is not valid JSON`);
  }
  if (!isObject(value)) throw new BackupError(`${path} does not describe a backup`);
  if (value.format !== FORMAT) {
    throw new BackupError(
      `${path} has the format ${String(value.format)}, which is not known here`,
    );
  }
  const isUsable =
    typeof value.id === 'string' &&
    (value.kind === 'rdb' || value.kind === 'aof') &&
    typeof value.takenAt === 'string' &&
    !Number.isNaN(Date.parse(value.takenAt)) &&
    isObject(value.source) &&
    Array.isArray(value.databases) &&
    typeof value.keys === 'number' &&
    Array.isArray(value.files) &&
    value.files.length > 0 &&
    value.files.every(isFile);
  if (!isUsable) throw new BackupError(`${path} does not describe a backup`);
  return value as unknown as BackupRecord;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isFile(value: unknown): boolean {
  return (
    isObject(value) &&
    isPathBelow(value.name) &&
    typeof value.bytes === 'number' &&
    typeof value.sha256 === 'string' &&
    Array.isArray(value.pieces) &&
    value.pieces.every(
      (piece) =>
        isObject(piece) &&
        isPathBelow(piece.path) &&
        typeof piece.offset === 'number' &&
        typeof piece.bytes === 'number' &&
        typeof piece.sha256 === 'string',
    )
  );
}

/** A record must not lead out of its folder. */
function isPathBelow(value: unknown): boolean {
  return (
    typeof value === 'string' &&
    value !== '' &&
    !value.startsWith('/') &&
    !value.includes('\\') &&
    !value.split('/').some((part) => part === '..' || part === '')
  );
}
