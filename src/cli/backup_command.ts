// respite backup SOURCE TARGET

import { BackupError } from '../backup/backup_error.ts';
import type { BackupKind } from '../backup/backup_record.ts';
import { BackupTarget } from '../backup/backup_target.ts';
import { findData } from '../backup/data_directory.ts';
import { BackupCommandSource } from '../backup/from_backup_command.ts';
import { DirectorySource } from '../backup/from_directory.ts';
import { ServerSource } from '../backup/from_server.ts';
import type { Credentials, ServerAddress } from '../backup/server_link.ts';
import type { BackupSource } from '../backup/source.ts';
import { type BackupResult, takeBackup } from '../backup/take_backup.ts';
import type { ProcessIdentity } from '../persistence/directory_lock.ts';
import type { Storage } from '../storage/storage.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import { bytesText, type Terminal } from './terminal.ts';

export interface BackupOptions {
  readonly credentials: Credentials;
  /** By the server's BACKUP commands and the files that they put aside. */
  readonly files: boolean;
  readonly incremental: boolean;
  readonly keep: number | undefined;
  /** Of a directory: what to take when both are there. */
  readonly kind: BackupKind | undefined;
}

export interface BackupSurroundings {
  readonly storage: Storage;
  readonly terminal: Terminal;
  readonly identity: ProcessIdentity;
  readonly now: () => number;
}

export async function runBackup(
  from: string,
  to: string,
  options: BackupOptions,
  { storage, terminal, identity, now }: BackupSurroundings,
): Promise<ExitCode> {
  let source: BackupSource;
  try {
    source = sourceOf(storage, from, options);
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    terminal.fail(error.message);
    return EXIT.unusable;
  }
  try {
    const target = new BackupTarget({
      storage,
      path: to,
      pid: identity.pid,
      isRunning: (pid) => identity.isRunning(pid, ''),
    });
    const { report } = terminal;
    const { incremental: isIncremental, keep } = options;
    print(terminal, await takeBackup({ source, target, report, now, isIncremental, keep }));
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    terminal.fail(error.message);
    return EXIT.failed;
  }
}

function sourceOf(storage: Storage, from: string, options: BackupOptions): BackupSource {
  const status = storage.status(from);
  if (status?.isDirectory === true) {
    if (options.files) throw new BackupError('--files needs a server, not a directory');
    const data = findData(storage, from, options.kind);
    if (data === undefined) {
      throw new BackupError(`${from} has neither append-only files nor a snapshot`);
    }
    return new DirectorySource(storage, from, data);
  }
  const address = status === undefined ? parseAddress(from) : { path: from };
  if (options.files) return new BackupCommandSource(address, options.credentials);
  if (options.incremental) {
    throw new BackupError(
      '--incremental needs a directory: a server sends all of its data each time',
    );
  }
  return new ServerSource(address, options.credentials);
}

function parseAddress(text: string): ServerAddress {
  const found = /^(?:redis:\/\/)?(?:\[([^\]]+)\]|([^:/\s]+)):(\d+)$/.exec(text);
  const port = Number(found?.[3]);
  if (found === null || port < 1 || port > 65535) {
    throw new BackupError(
      `${text} is neither a server (HOST:PORT) nor a Unix socket nor a directory`,
    );
  }
  return { host: found[1] ?? found[2]!, port };
}

function print(terminal: Terminal, { path, record, removed }: BackupResult): void {
  const bytes = record.files.reduce((sum, file) => sum + file.bytes, 0);
  const log = record.log === null ? '' : ` and ${record.log.commands} commands`;
  terminal.print(`Backup           ${path}`);
  terminal.print(`Holds            ${record.keys} keys${log}, ${bytesText(bytes)}, verified`);
  if (record.incrementalTo !== null) {
    terminal.print(
      `Shares files     with ${record.incrementalTo}, ${bytesText(record.writtenBytes)} are new`,
    );
  }
  for (const id of removed) terminal.print(`Removed          ${id}`);
}
