// A backup from beginning to end: files are written, read back and compared, the record is put beside
// them, the folder gets its name, and old backups go.

import { RESPITE_VERSION } from '../version.ts';
import { BackupError } from './backup_error.ts';
import { type BackupRecord, RECORD_FORMAT } from './backup_record.ts';
import type { BackupTarget, StoredBackup } from './backup_target.ts';
import type { Report } from './report.ts';
import type { BackupSource, TakenData } from './source.ts';
import { type Verified, verifyFiles } from './verify.ts';

export interface TakeOptions {
  readonly source: BackupSource;
  readonly target: BackupTarget;
  readonly report: Report;
  readonly now: () => number;
  readonly isIncremental: boolean;
  /** Backups to keep; undefined keeps all. */
  readonly keep: number | undefined;
}

export interface BackupResult extends StoredBackup {
  /** Ids of old backups that were removed. */
  readonly removed: readonly string[];
}

/** Throws BackupError; the target is then as it was, but for leftovers of earlier failures. */
export async function takeBackup(options: TakeOptions): Promise<BackupResult> {
  const { target, report } = options;
  for (const name of target.removeLeftovers()) {
    report.note(`Removed ${name}, which an interrupted backup left behind.`);
  }
  const previous = options.isIncremental ? target.list().at(-1) : undefined;
  const stored = await takeOne(options, previous);
  const removed = options.keep === undefined ? [] : target.prune(options.keep);
  return { ...stored, removed };
}

async function takeOne(
  options: TakeOptions,
  previous: StoredBackup | undefined,
): Promise<StoredBackup> {
  const { source, target, report, now } = options;
  const folder = target.begin(now());
  let taken: TakenData | undefined;
  try {
    taken = await source.take({ folder, report, previous, now });
    const verified = await verifyFiles(target.storage, folder.path, taken.files, report);
    if (taken.keys !== undefined && taken.keys !== verified.keys) {
      throw new BackupError(
        `The backup has ${verified.keys} keys and should have ${taken.keys}: it is not kept`,
      );
    }
    const record = recordOf(folder.id, taken, verified, { previous, now });
    return { path: folder.finish(record), record };
  } catch (error) {
    folder.abandon();
    if (!(error instanceof BackupError) || taken?.reusesPrevious !== true) throw error;
    report.note(`${error.message}. Taking a full backup instead.`);
    return takeOne(options, undefined);
  }
}

/** A snapshot that was found shows the moment it was begun at, not the one it was copied at. */
function momentOf({ kind, source, takenAtMs }: TakenData, { baseTime }: Verified): number {
  const isFound = kind === 'rdb' && source.kind === 'directory';
  return isFound && baseTime !== undefined ? baseTime * 1000 : takenAtMs;
}

function recordOf(
  id: string,
  taken: TakenData,
  verified: Verified,
  { previous, now }: { previous: StoredBackup | undefined; now: () => number },
): BackupRecord {
  return {
    format: RECORD_FORMAT,
    id,
    kind: taken.kind,
    takenAt: new Date(momentOf(taken, verified)).toISOString(),
    finishedAt: new Date(now()).toISOString(),
    source: {
      ...taken.source,
      redisVersion: taken.source.redisVersion ?? verified.redisVersion ?? null,
    },
    takenBy: RESPITE_VERSION,
    databases: verified.databases,
    keys: verified.keys,
    baseTime: verified.baseTime ?? null,
    log: verified.log,
    incrementalTo: taken.reusesPrevious && previous ? previous.record.id : null,
    writtenBytes: taken.writtenBytes,
    files: taken.files,
  };
}
