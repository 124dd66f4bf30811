// Checks append-only files, and cuts the last one on request: behind its last whole command, or before
// the first command that is later than a time.

import { beginsWithSnapshot, examineLogFile, type LogFindings } from '../backup/examine.ts';
import type { RdbScan } from '../persistence/rdb_scan.ts';
import type { StorageFile } from '../storage/storage.ts';
import { systemErrorText } from '../util/system_error.ts';
import { checkSnapshot, type SnapshotCheckOptions } from './check_rdb.ts';
import { EXIT, type ExitCode } from './exit_codes.ts';
import type { Terminal } from './terminal.ts';

export interface LogCheckOptions extends SnapshotCheckOptions {
  /** Cut what is damaged off the last file. */
  readonly fix: boolean;
  /** Do not ask before a file is cut. */
  readonly yes: boolean;
  /** Unix seconds; cut the last file before what is later. */
  readonly truncateTo: number | undefined;
}

/** Whether going on with further files makes sense. */
interface FileResult {
  readonly code: ExitCode;
  readonly endsHere: boolean;
}

/** Files in the order in which they are loaded. */
export async function checkLog(
  paths: readonly string[],
  options: LogCheckOptions,
): Promise<ExitCode> {
  for (const [i, path] of paths.entries()) {
    const isLast = i === paths.length - 1;
    const result = await checkFile(path, isLast, options);
    if (result.code !== EXIT.ok || result.endsHere) return result.code;
  }
  return EXIT.ok;
}

const ENDED_WELL: FileResult = { code: EXIT.ok, endsHere: false };
const FAILED: FileResult = { code: EXIT.failed, endsHere: true };

async function checkFile(
  path: string,
  isLast: boolean,
  options: LogCheckOptions,
): Promise<FileResult> {
  const { storage, terminal } = options;
  let file: StorageFile;
  try {
    file = storage.open(path, 'read');
  } catch (error) {
    terminal.fail(`Can't open ${path}: ${systemErrorText(error)}`);
    return { code: EXIT.unusable, endsHere: true };
  }
  try {
    terminal.print(`File             ${path}`);
    let snapshot: RdbScan | undefined;
    if (beginsWithSnapshot(file)) {
      const { scan, fault } = await checkSnapshot(file, options);
      snapshot = scan;
      if (fault !== undefined) {
        terminal.fail(`${path} is ${fault}. A snapshot cannot be repaired by cutting it`);
        return FAILED;
      }
    }
    // Nothing behind the snapshot, as bases are.
    if (snapshot?.endOffset === file.size()) return ENDED_WELL;
    return await checkCommands(file, { isLast, snapshot }, options);
  } finally {
    file.close();
  }
}

async function checkCommands(
  file: StorageFile,
  { isLast, snapshot }: { readonly isLast: boolean; readonly snapshot: RdbScan | undefined },
  options: LogCheckOptions,
): Promise<FileResult> {
  const { terminal, truncateTo } = options;
  let openMulti: number | undefined;
  let laterAt: number | undefined;
  const progress = terminal.report.progress(`Reading ${file.path}`, file.size());
  const findings = await examineLogFile(file, {
    nowMs: options.nowMs,
    snapshot,
    onProgress: (at) => progress.update(at),
    visitor: {
      command: ({ name, start }) => {
        if (name === 'multi') openMulti = start;
        if (name === 'exec') openMulti = undefined;
      },
      timestamp: (time, start) => {
        if (truncateTo !== undefined && time > truncateTo) laterAt ??= openMulti ?? start;
      },
    },
  });
  progress.end();
  printFindings(terminal, findings);
  // What is later than the time goes, whatever is wrong with it.
  if (laterAt !== undefined) return truncateToTime(file, laterAt, isLast, options);
  if (findings.scanner.fault !== undefined) return repair(file, findings, isLast, options);
  if (truncateTo !== undefined && isLast) {
    terminal.print(`Nothing in the log is later than ${truncateTo}: nothing is cut`);
  }
  return ENDED_WELL;
}

function printFindings(terminal: Terminal, findings: LogFindings): void {
  const { scanner, sizeBytes } = findings;
  const end = scanner.usableEnd;
  terminal.print(`Bytes            ${sizeBytes}`);
  terminal.print(
    `Valid up to      ${end}, line ${scanner.wholeLines}; ${sizeBytes - end} bytes are behind that`,
  );
  terminal.print(`Commands         ${findings.commands}, ${findings.transactions} transactions`);
  if (findings.lastTime !== null) {
    terminal.print(`Times            ${findings.firstTime} to ${findings.lastTime}`);
  }
  const { fault, openMulti } = scanner;
  if (openMulti !== undefined) terminal.print(`Open MULTI       at offset ${openMulti}`);
  if (fault !== undefined)
    terminal.print(`Fault            at offset ${fault.offset}: ${fault.message}`);
}

async function repair(
  file: StorageFile,
  { scanner, sizeBytes }: LogFindings,
  isLast: boolean,
  options: LogCheckOptions,
): Promise<FileResult> {
  const { terminal } = options;
  const damage = `${file.path} is damaged at offset ${scanner.fault!.offset}: ${scanner.fault!.message}`;
  if (!options.fix) {
    terminal.fail(`${damage}. --fix cuts it off`);
    return FAILED;
  }
  if (!isLast) {
    terminal.fail(
      `${damage}. Only the last file can be cut: commands of the later ones would be missing theirs`,
    );
    return FAILED;
  }
  return cut(file, { end: scanner.usableEnd, sizeBytes }, options);
}

function truncateToTime(
  file: StorageFile,
  end: number,
  isLast: boolean,
  options: LogCheckOptions,
): Promise<FileResult> | FileResult {
  const { terminal, truncateTo } = options;
  if (end === 0) {
    terminal.fail(`${file.path} has nothing up to ${truncateTo}: it is not cut`);
    return FAILED;
  }
  if (!isLast) {
    terminal.fail(
      `${file.path} has what is later than ${truncateTo} from offset ${end} on, but is not the last file: respite restore --to does that`,
    );
    return FAILED;
  }
  return cut(file, { end, sizeBytes: file.size() }, options);
}

async function cut(
  file: StorageFile,
  { end, sizeBytes }: { readonly end: number; readonly sizeBytes: number },
  { storage, terminal, yes }: LogCheckOptions,
): Promise<FileResult> {
  const { path } = file;
  const loss = `${sizeBytes - end} of its ${sizeBytes} bytes`;
  if (!yes && !(await terminal.confirm(`Cut ${path} at offset ${end}? It loses ${loss}.`))) {
    terminal.fail(`${path} was left as it is`);
    return FAILED;
  }
  try {
    const writable = storage.open(path, 'append');
    try {
      writable.truncate(end);
      writable.sync();
    } finally {
      writable.close();
    }
  } catch (error) {
    terminal.fail(`Can't cut ${path}: ${systemErrorText(error)}`);
    return FAILED;
  }
  terminal.print(`${path} was cut at offset ${end}: it lost ${loss}`);
  return { code: EXIT.ok, endsHere: true };
}
