// What there is to load in a data directory: the append-only files that a manifest names, or a snapshot.

import { Manifest, ManifestError } from '../persistence/aof/manifest.ts';
import { joinPath } from '../storage/join_path.ts';
import type { Storage } from '../storage/storage.ts';
import { attempt, BackupError } from './backup_error.ts';
import type { BackupKind } from './backup_record.ts';

const MANIFEST_ENDING = '.manifest';
const TEMPORARY = 'temp-';
const SNAPSHOT_NAME = 'dump.rdb';

export interface SnapshotData {
  readonly kind: 'rdb';
  readonly name: string;
  readonly path: string;
}

export interface LogData {
  readonly kind: 'aof';
  /** The directory of the append-only files, and its name in the data directory. */
  readonly path: string;
  readonly name: string;
  /** What the files' names begin with. */
  readonly stem: string;
}

export type Data = SnapshotData | LogData;

/**
 * What `path` holds: the log unless `wanted` says otherwise, because a server that has one loads that.
 * `path` may be the directory of the append-only files, too. Undefined when there is nothing.
 */
export function findData(storage: Storage, path: string, wanted?: BackupKind): Data | undefined {
  const log = wanted === 'rdb' ? undefined : findLog(storage, path);
  return log ?? (wanted === 'aof' ? undefined : findSnapshot(storage, path));
}

function findLog(storage: Storage, path: string): LogData | undefined {
  const own = manifestIn(storage, path);
  if (own !== undefined) return { kind: 'aof', path, name: lastPart(path), stem: own };
  const found: LogData[] = [];
  for (const name of names(storage, path)) {
    const directory = joinPath(path, name);
    if (storage.status(directory)?.isDirectory !== true) continue;
    const stem = manifestIn(storage, directory);
    if (stem !== undefined) found.push({ kind: 'aof', path: directory, name, stem });
  }
  if (found.length > 1) {
    const all = found.map(({ name }) => name).join(', ');
    throw new BackupError(
      `${path} has several directories of append-only files: ${all}. Name one.`,
    );
  }
  return found[0];
}

function findSnapshot(storage: Storage, path: string): SnapshotData | undefined {
  const snapshots = names(storage, path).filter(
    (name) => name.endsWith('.rdb') && !name.startsWith(TEMPORARY),
  );
  const name = snapshots.includes(SNAPSHOT_NAME) ? SNAPSHOT_NAME : snapshots[0];
  if (name === undefined) return undefined;
  if (name !== SNAPSHOT_NAME && snapshots.length > 1) {
    throw new BackupError(`${path} has several snapshots: ${snapshots.join(', ')}`);
  }
  return { kind: 'rdb', name, path: joinPath(path, name) };
}

function names(storage: Storage, path: string): string[] {
  return attempt(`list ${path}`, () => storage.list(path));
}

/** The stem of the manifest in a directory. */
function manifestIn(storage: Storage, path: string): string | undefined {
  const found = names(storage, path).filter(
    (name) => name.endsWith(MANIFEST_ENDING) && !name.startsWith(TEMPORARY),
  );
  if (found.length > 1) throw new BackupError(`${path} has several manifests: ${found.join(', ')}`);
  return found[0]?.slice(0, -MANIFEST_ENDING.length);
}

function lastPart(path: string): string {
  return path.replace(/\/+$/, '').split('/').at(-1) ?? path;
}

export function manifestPath({ path, stem }: LogData): string {
  return joinPath(path, stem + MANIFEST_ENDING);
}

/** Throws BackupError, with the line at fault. */
export function parseManifestOf(content: Uint8Array, path: string): Manifest {
  try {
    return Manifest.parse(content);
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    const where = error.line === undefined ? '' : `, line ${error.lineNumber}: '${error.line}'`;
    throw new BackupError(`${path}${where}: ${error.message}`, error);
  }
}
