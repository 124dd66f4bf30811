// Looks through a file of the append-only log: the snapshot it may begin with, then commands.

import { AofScanner, type ScanVisitor } from '../persistence/aof/scan.ts';
import { type RdbScan, type RdbScanOptions, scanRdb } from '../persistence/rdb_scan.ts';
import type { ReadableFile } from '../storage/piece_reader.ts';
import type { DatabaseRecord, LogRecord } from './backup_record.ts';
import { piecesOf } from './file_copy.ts';

const MAGIC = Buffer.from('REDIS');

export interface LogFindings extends LogRecord {
  readonly rdb: RdbScan | undefined;
  readonly sizeBytes: number;
  /** Where it ends, what is open there, what is wrong. */
  readonly scanner: AofScanner;
}

export interface ExamineOptions extends RdbScanOptions {
  readonly visitor?: ScanVisitor;
  /** The snapshot that it begins with, when that was scanned before. */
  readonly snapshot?: RdbScan | undefined;
  /** Offset behind the last byte to look at. */
  readonly end?: number;
}

export function beginsWithSnapshot(file: ReadableFile): boolean {
  const head = Buffer.alloc(MAGIC.length);
  return file.read(head, 0) === head.length && head.equals(MAGIC);
}

/** Throws RdbScanError when the snapshot at the beginning is damaged; other faults are in the result. */
export async function examineLogFile(
  file: ReadableFile,
  options: ExamineOptions,
): Promise<LogFindings> {
  const rdb =
    options.snapshot ?? (beginsWithSnapshot(file) ? await scanRdb(file, options) : undefined);
  const start = rdb?.endOffset ?? 0;
  const { visitor, onProgress } = options;
  let commands = 0;
  let transactions = 0;
  let firstTime: number | null = null;
  let lastTime: number | null = null;
  const scanner = new AofScanner(
    {
      command: (command) => {
        commands += 1;
        if (command.name === 'exec') transactions += 1;
        visitor?.command?.(command);
      },
      timestamp: (time, offset) => {
        firstTime ??= time;
        lastTime = time;
        visitor?.timestamp?.(time, offset);
      },
    },
    { start },
  );
  const end = Math.min(options.end ?? Number.POSITIVE_INFINITY, file.size());
  let at = start;
  for await (const piece of piecesOf(file, start, end)) {
    at += piece.length;
    onProgress?.(at);
    if (!scanner.push(piece)) break;
  }
  scanner.finish();
  return { rdb, sizeBytes: end, scanner, commands, transactions, firstTime, lastTime };
}

/** What several files hold together. */
export function joinLogs(logs: readonly LogRecord[]): LogRecord {
  const times = (pick: (log: LogRecord) => number | null) =>
    logs.map(pick).filter((time) => time !== null);
  return {
    commands: logs.reduce((sum, { commands }) => sum + commands, 0),
    transactions: logs.reduce((sum, { transactions }) => sum + transactions, 0),
    firstTime: times(({ firstTime }) => firstTime)[0] ?? null,
    lastTime: times(({ lastTime }) => lastTime).at(-1) ?? null,
  };
}

export function databasesOf(scan: RdbScan | undefined): DatabaseRecord[] {
  return [...(scan?.databases ?? [])].map(([database, { keys, expires }]) => ({
    database,
    keys,
    expires,
  }));
}
