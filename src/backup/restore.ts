// Carries out a plan: makes a data directory that a server starts from.
//
//   INTO/.restore.partial/appendonlydir/...     written and made durable first
//   INTO/appendonlydir                          then renamed, in one step
//   INTO/before-restore-2026-11-23T14-40-00Z/   what was there before, when that was forced
//
// All of it happens inside INTO, which may be a mount point. Whatever fails before the rename leaves the
// old data where they were.

import { Manifest } from '../persistence/aof/manifest.ts';
import {
  DirectoryInUse,
  DirectoryLock,
  DirectoryLockError,
  type ProcessIdentity,
} from '../persistence/directory_lock.ts';
import { joinPath } from '../storage/join_path.ts';
import type { Storage } from '../storage/storage.ts';
import { attempt, attemptLater, BackupError } from './backup_error.ts';
import { copyRange, writeWhole } from './file_copy.ts';
import { JoinedFile } from './joined_file.ts';
import type { Report } from './report.ts';
import type { PlannedFile, RestorePlan } from './restore_plan.ts';

const PARTIAL = '.restore.partial';
const BEFORE = 'before-restore-';
/** Belong to the file system or to who uses the directory, not to the data. */
const NO_DATA = /^(lost\+found|respite\.lock.*|\.restore\.partial|before-restore-.*)$/;
const SHOWN_MAX = 3;

export interface RestoreOptions {
  readonly storage: Storage;
  readonly into: string;
  /** Moves what is there out of the way. */
  readonly force: boolean;
  /** Who restores: no server may use the directory meanwhile. */
  readonly identity: ProcessIdentity;
  readonly nowMs: number;
  readonly report: Report;
}

export interface RestoreResult {
  /** Where the data of before went; undefined when there were none. */
  readonly movedTo: string | undefined;
}

/** Names of what is in the way of a restore. */
export function entriesInTheWay(storage: Storage, into: string): string[] {
  const status = storage.status(into);
  if (status === undefined) return [];
  if (!status.isDirectory) throw new BackupError(`${into} is no directory`);
  return attempt(`list ${into}`, () => storage.list(into)).filter((name) => !NO_DATA.test(name));
}

/** Throws BackupError when data are in the way and must not be touched. */
export function checkRoom(storage: Storage, into: string, force: boolean): string[] {
  const found = entriesInTheWay(storage, into);
  if (found.length > 0 && !force) {
    const more = found.length > SHOWN_MAX ? ', ...' : '';
    throw new BackupError(
      `${into} is not empty (${found.slice(0, SHOWN_MAX).join(', ')}${more}): --force moves what is there aside`,
    );
  }
  return found;
}

export async function restore(plan: RestorePlan, options: RestoreOptions): Promise<RestoreResult> {
  const { storage, into, force } = options;
  checkRoom(storage, into, force);
  attempt(`create ${into}`, () => storage.makeDirectory(into));
  const lock = takeDirectory(options);
  try {
    return await restoreLocked(plan, options);
  } finally {
    lock.release();
  }
}

function takeDirectory({ storage, into, identity }: RestoreOptions): DirectoryLock {
  try {
    return DirectoryLock.take({ storage, directory: into, identity });
  } catch (error) {
    if (!(error instanceof DirectoryInUse || error instanceof DirectoryLockError)) throw error;
    throw new BackupError(error.message, error);
  }
}

async function restoreLocked(plan: RestorePlan, options: RestoreOptions): Promise<RestoreResult> {
  const { storage, into, force } = options;
  const partial = joinPath(into, PARTIAL);
  attempt(`remove ${partial}`, () => storage.removeTree(partial));
  attempt(`create ${partial}`, () => storage.makeDirectory(partial));
  try {
    const root = await writeData(plan, partial, options);
    plan.origin.checkUnchanged();
    const old = checkRoom(storage, into, force);
    const movedTo = old.length === 0 ? undefined : moveAside(old, options);
    attempt(`rename ${joinPath(partial, root)}`, () => {
      storage.rename(joinPath(partial, root), joinPath(into, root));
      storage.syncDirectory(into);
    });
    return { movedTo };
  } finally {
    removeQuietly(storage, partial);
  }
}

/** Writes everything below `partial`. Returns the one entry there. */
async function writeData(
  plan: RestorePlan,
  partial: string,
  options: RestoreOptions,
): Promise<string> {
  const { storage } = options;
  const kept = plan.files.filter(({ file, keptBytes }) => keptBytes > 0 || file.role !== 'incr');
  const { manifestName } = plan.origin;
  const root = (manifestName ?? kept[0]!.file.name).split('/')[0]!;
  if (manifestName !== undefined) {
    const directory = joinPath(partial, root);
    attempt(`create ${directory}`, () => storage.makeDirectory(directory));
  }
  for (const each of kept) await writeFile(each, partial, options);
  if (manifestName !== undefined) {
    const path = joinPath(partial, manifestName);
    await writeWhole(storage, path, Buffer.from(manifestOf(kept)));
    attempt(`flush ${root}`, () => storage.syncDirectory(joinPath(partial, root)));
  }
  attempt(`flush ${partial}`, () => storage.syncDirectory(partial));
  return root;
}

async function writeFile(
  { file, keptBytes }: PlannedFile,
  partial: string,
  { storage, report }: RestoreOptions,
): Promise<void> {
  const progress = report.progress(`Writing ${file.name}`, keptBytes);
  let done = 0;
  try {
    await attemptLater(`copy ${file.name}`, async () => {
      const joined = new JoinedFile(storage, file.spans);
      try {
        const to = { storage, path: joinPath(partial, file.name) };
        await copyRange(joined, { start: 0, end: keptBytes }, to, (count) => {
          done += count;
          progress.update(done);
        });
      } finally {
        joined.close();
      }
    });
  } finally {
    progress.end();
  }
}

/** The manifest of the files that are kept, under the numbers that they have. */
function manifestOf(kept: readonly PlannedFile[]): string {
  const named = kept.map(({ file }) => {
    const name = file.name.split('/').at(-1)!;
    return { name, role: file.role, seq: Number(/\.(\d+)\.(?:base|incr)\./.exec(name)?.[1] ?? 1) };
  });
  const base = named.find(({ role }) => role === 'base');
  return new Manifest({
    base: base && { name: base.name, seq: base.seq, type: 'b' },
    increments: named
      .filter(({ role }) => role === 'incr')
      .map(({ name, seq }) => ({ name, seq, type: 'i' as const })),
  }).format();
}

function moveAside(names: readonly string[], { storage, into, nowMs }: RestoreOptions): string {
  const time = new Date(nowMs)
    .toISOString()
    .replaceAll(':', '-')
    .replace(/\.\d+Z$/, 'Z');
  let path = joinPath(into, BEFORE + time);
  for (let n = 2; storage.status(path) !== undefined; n++)
    path = joinPath(into, `${BEFORE}${time}-${n}`);
  attempt(`move what is in ${into} to ${path}`, () => {
    storage.makeDirectory(path);
    for (const name of names) storage.rename(joinPath(into, name), joinPath(path, name));
    storage.syncDirectory(path);
    storage.syncDirectory(into);
  });
  return path;
}

function removeQuietly(storage: Storage, path: string): void {
  try {
    storage.removeTree(path);
  } catch {
    // The next restore removes it.
  }
}
