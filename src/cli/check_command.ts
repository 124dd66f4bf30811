// respite check: finds out what a path is by what is in it, and checks that.
//
//   file that begins with "REDIS"            a snapshot; with commands behind it, an append-only file
//   file that begins with "*" or "#TS:"      an append-only file
//   file with lines of "file ... seq ..."    a manifest: the files that it names
//   folder with backup.json                  a backup
//   folder with backups                      each of them
//   folder with a manifest or a snapshot     a data directory

import { BackupError } from '../backup/backup_error.ts';
import { RECORD_NAME } from '../backup/backup_record.ts';
import { BackupTarget, readRecord } from '../backup/backup_target.ts';
import { findData, type LogData, manifestPath, parseManifestOf } from '../backup/data_directory.ts';
import { verifyFiles } from '../backup/verify.ts';
import { joinPath } from '../storage/join_path.ts';
import type { Storage, StorageFile } from '../storage/storage.ts';
import { systemErrorText } from '../util/system_error.ts';
import { checkLog, type LogCheckOptions } from './check_aof.ts';
import { checkSnapshot } from './check_rdb.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';

const HEAD_BYTES = 4096;

type FileKind = 'rdb' | 'aof' | 'manifest' | 'unknown';

export async function runCheck(path: string, options: LogCheckOptions): Promise<ExitCode> {
  const { storage, terminal } = options;
  try {
    const status = storage.status(path);
    if (status === undefined)
      throw new BackupError(`Can't open ${path}: No such file or directory`);
    return status.isDirectory
      ? await checkDirectory(path, options)
      : await checkAnyFile(path, options);
  } catch (error) {
    terminal.fail(
      error instanceof BackupError
        ? error.message
        : `Can't read ${path}: ${systemErrorText(error)}`,
    );
    return EXIT.unusable;
  }
}

// --- Files ---

async function checkAnyFile(path: string, options: LogCheckOptions): Promise<ExitCode> {
  const kind = kindOf(options.storage, path);
  switch (kind) {
    case 'rdb':
      return checkRdbFile(path, options);
    case 'aof':
      return endLog(path, await checkLog([path], options), options);
    case 'manifest':
      return checkManifest(path, options);
    default:
      throw new BackupError(`${path} is neither a snapshot nor an append-only file nor a manifest`);
  }
}

function kindOf(storage: Storage, path: string): FileKind {
  const file = storage.open(path, 'read');
  try {
    const head = Buffer.alloc(HEAD_BYTES);
    const text = head.toString('latin1', 0, file.read(head, 0));
    if (text.startsWith('REDIS')) return 'rdb';
    if (path.endsWith('.manifest') || /^(#[^\n]*\n)*file [^\n]*\bseq \d/.test(text))
      return 'manifest';
    if (/^(\*|#TS:)/.test(text)) return 'aof';
    return text === '' && path.endsWith('.aof') ? 'aof' : 'unknown';
  } finally {
    file.close();
  }
}

async function checkRdbFile(path: string, options: LogCheckOptions): Promise<ExitCode> {
  const { storage, terminal } = options;
  const file = storage.open(path, 'read');
  try {
    terminal.print(`File             ${path}`);
    const { scan, fault } = await checkSnapshot(file, options);
    if (fault !== undefined || scan === undefined) {
      terminal.fail(`${path} is ${fault}`);
      return EXIT.failed;
    }
    if (scan.endOffset < file.size()) return await checkBehind(file, scan.endOffset, options);
    terminal.print(`${path} is valid`);
    return EXIT.ok;
  } finally {
    file.close();
  }
}

/** What is behind the snapshot in a file: commands, or nothing that belongs there. */
async function checkBehind(
  file: StorageFile,
  offset: number,
  options: LogCheckOptions,
): Promise<ExitCode> {
  const first = Buffer.alloc(1);
  file.read(first, offset);
  if (!'*#'.includes(first.toString('latin1'))) {
    options.terminal.print(
      `Behind the end   ${file.size() - offset} bytes, which servers ignore\n${file.path} is valid`,
    );
    return EXIT.ok;
  }
  options.terminal.print('Commands follow the snapshot: this is an append-only file');
  return endLog(file.path, await checkLog([file.path], options), options);
}

async function checkManifest(path: string, options: LogCheckOptions): Promise<ExitCode> {
  const { storage, terminal } = options;
  const slash = path.lastIndexOf('/');
  const directory = slash < 0 ? '.' : path.slice(0, slash);
  terminal.print(`Manifest         ${path}`);
  let names: string[];
  try {
    names = parseManifestOf(storage.readFile(path), path).files.map(({ name }) => name);
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    terminal.fail(error.message);
    return EXIT.failed;
  }
  const paths = names.map((name) => joinPath(directory, name));
  const missing = paths.find((each) => storage.status(each) === undefined);
  if (missing !== undefined) {
    terminal.fail(`${path} names ${missing}, which is not there`);
    return EXIT.failed;
  }
  return endLog(path, await checkLog(paths, options), options);
}

function endLog(path: string, code: ExitCode, { terminal }: LogCheckOptions): ExitCode {
  if (code === EXIT.ok) terminal.print(`${path} is valid`);
  return code;
}

// --- Folders ---

async function checkDirectory(path: string, options: LogCheckOptions): Promise<ExitCode> {
  const { storage } = options;
  if (storage.status(joinPath(path, RECORD_NAME)) !== undefined) return checkBackup(path, options);
  const backups = new BackupTarget({ storage, path, pid: 0, isRunning: () => true }).list();
  if (backups.length > 0) {
    let worst: ExitCode = EXIT.ok;
    for (const backup of backups) {
      const code = await checkBackup(backup.path, options);
      if (code > worst) worst = code;
    }
    return worst;
  }
  const log = findData(storage, path, 'aof') as LogData | undefined;
  // In the directory of the log itself, a snapshot is its base.
  const snapshot = log?.path === path ? undefined : findData(storage, path, 'rdb');
  if (log === undefined && snapshot === undefined) {
    throw new BackupError(`${path} has neither append-only files nor a snapshot nor backups`);
  }
  const codes: ExitCode[] = [];
  if (log !== undefined) codes.push(await checkManifest(manifestPath(log), options));
  if (snapshot !== undefined) codes.push(await checkRdbFile(snapshot.path, options));
  return codes.find((code) => code !== EXIT.ok) ?? EXIT.ok;
}

async function checkBackup(path: string, options: LogCheckOptions): Promise<ExitCode> {
  const { storage, terminal } = options;
  try {
    const record = readRecord(storage, path);
    terminal.print(
      `Backup           ${path}, taken at ${record.takenAt} from ${record.source.address}`,
    );
    const { keys, log } = await verifyFiles(storage, path, record.files, terminal.report);
    const commands = log === null ? '' : ` and ${log.commands} commands`;
    terminal.print(`${path} is valid: ${keys} keys${commands}`);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    terminal.fail(error.message);
    return EXIT.failed;
  }
}
