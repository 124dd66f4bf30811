// What a backup is taken from: something that can put the files of a data set into a folder.

import type { BackupFile, BackupKind, BackupSourceRecord } from './backup_record.ts';
import type { BackupFolder, StoredBackup } from './backup_target.ts';
import type { Report } from './report.ts';

export interface TakeContext {
  readonly folder: BackupFolder;
  readonly report: Report;
  /** The backup whose files may be used again; undefined for a full backup. */
  readonly previous: StoredBackup | undefined;
  /** Unix milliseconds. */
  readonly now: () => number;
}

export interface TakenData {
  readonly kind: BackupKind;
  readonly files: readonly BackupFile[];
  /** The moment that the files show. */
  readonly takenAtMs: number;
  readonly source: BackupSourceRecord;
  readonly reusesPrevious: boolean;
  /** What had to be written: less than all when files of the previous backup are used again. */
  readonly writtenBytes: number;
  /** Keys there have to be; undefined when the source does not tell. */
  readonly keys?: number;
}

export interface BackupSource {
  take(context: TakeContext): Promise<TakenData>;
}

export function bytesOf(files: readonly BackupFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** A file of one piece. */
export function wholeFile(
  name: string,
  role: BackupFile['role'],
  { bytes, sha256 }: { readonly bytes: number; readonly sha256: string },
): BackupFile {
  return { name, role, bytes, sha256, pieces: [{ path: name, offset: 0, bytes, sha256 }] };
}
