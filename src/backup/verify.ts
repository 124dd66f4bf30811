// Reads a backup's files back: their sums, the form of what is in them, and how many keys and commands
// that is.

import { RdbScanError, scanRdb } from '../persistence/rdb_scan.ts';
import { joinPath } from '../storage/join_path.ts';
import type { Storage } from '../storage/storage.ts';
import { attemptLater, BackupError } from './backup_error.ts';
import type { BackupFile, DatabaseRecord, LogRecord } from './backup_record.ts';
import { parseManifestOf } from './data_directory.ts';
import { databasesOf, examineLogFile, joinLogs, type LogFindings } from './examine.ts';
import { hashParts } from './file_copy.ts';
import { JoinedFile } from './joined_file.ts';
import type { Report } from './report.ts';

export interface Verified {
  readonly databases: readonly DatabaseRecord[];
  readonly keys: number;
  /** Null for a snapshot. */
  readonly log: LogRecord | null;
  /** Seconds of the snapshot or the base, as noted in it; undefined when they are not. */
  readonly baseTime: number | undefined;
  /** Version of the server that wrote the snapshot or the base. */
  readonly redisVersion: string | undefined;
}

/** Throws BackupError at the first thing that is not as it should be. */
export async function verifyFiles(
  storage: Storage,
  folder: string,
  files: readonly BackupFile[],
  report: Report,
): Promise<Verified> {
  const logs: LogFindings[] = [];
  let snapshot: LogFindings['rdb'];
  for (const file of files) {
    await withPieces(storage, folder, file, async (joined) => {
      const progress = report.progress(`Verifying ${file.name}`, file.bytes);
      try {
        await verifySums(joined, file, folder, (done) => progress.update(done / 2));
        const onProgress = (at: number) => progress.update((file.bytes + at) / 2);
        if (file.role === 'manifest') verifyManifest(storage, folder, file, files);
        else if (file.role === 'rdb') snapshot = await scanRdb(joined, { nowMs: 0, onProgress });
        else {
          const findings = await examineLogFile(joined, { nowMs: 0, onProgress });
          const { fault } = findings.scanner;
          if (fault) throw damaged(folder, file.name, fault.offset, fault.message);
          logs.push(findings);
          snapshot ??= findings.rdb;
        }
      } catch (error) {
        if (!(error instanceof RdbScanError)) throw error;
        throw damaged(folder, file.name, error.offset, error.message);
      } finally {
        progress.end();
      }
    });
  }
  const aux = new Map(snapshot?.aux ?? []);
  const ctime = aux.get('ctime');
  return {
    databases: databasesOf(snapshot),
    keys: snapshot?.keys ?? 0,
    log: logs.length === 0 ? null : joinLogs(logs),
    baseTime: ctime === undefined ? undefined : Number(ctime),
    redisVersion: aux.get('redis-ver'),
  };
}

function damaged(folder: string, name: string, offset: number, message: string): BackupError {
  return new BackupError(`${joinPath(folder, name)} is damaged at offset ${offset}: ${message}`);
}

/** Opens the pieces of a file as one. */
export async function withPieces<T>(
  storage: Storage,
  folder: string,
  file: BackupFile,
  use: (joined: JoinedFile) => Promise<T>,
): Promise<T> {
  return attemptLater(`read ${joinPath(folder, file.name)}`, async () => {
    const spans = file.pieces.map(({ path }) => ({ path: joinPath(folder, path) }));
    const joined = new JoinedFile(storage, spans);
    try {
      return await use(joined);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new BackupError(`${joinPath(folder, file.name)} is shorter than it should be`, error);
    } finally {
      joined.close();
    }
  });
}

async function verifySums(
  joined: JoinedFile,
  file: BackupFile,
  folder: string,
  onDone: (done: number) => void,
): Promise<void> {
  let done = 0;
  const size = joined.size();
  if (size !== file.bytes) {
    throw new BackupError(
      `${joinPath(folder, file.name)} is damaged: it has ${size} bytes and should have ${file.bytes}`,
    );
  }
  const lengths = file.pieces.map(({ bytes }) => bytes);
  const sums = await hashParts(joined, lengths, (count) => {
    done += count;
    onDone(done);
  });
  for (const [i, piece] of file.pieces.entries()) {
    if (sums.parts[i] === piece.sha256) continue;
    throw new BackupError(
      `${joinPath(folder, piece.path)} is damaged: its SHA-256 is ${sums.parts[i]} and should be ${piece.sha256}`,
    );
  }
  if (sums.whole !== file.sha256) {
    throw new BackupError(
      `${joinPath(folder, file.name)} is damaged: its pieces do not belong together`,
    );
  }
}

/** All files that the manifest names are there. */
function verifyManifest(
  storage: Storage,
  folder: string,
  manifest: BackupFile,
  files: readonly BackupFile[],
): void {
  const path = joinPath(folder, manifest.name);
  const directory = manifest.name.slice(0, manifest.name.lastIndexOf('/') + 1);
  for (const { name } of parseManifestOf(storage.readFile(path), path).files) {
    if (files.some((each) => each.name === directory + name)) continue;
    throw new BackupError(`${path} names ${name}, which is not in the backup`);
  }
}
