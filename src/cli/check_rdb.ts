// Checks a snapshot and tells what is in it.

import type { Engine } from '../engine.ts';
import {
  type DatabaseCount,
  type RdbScan,
  RdbScanError,
  type ScannedKey,
  scanRdb,
} from '../persistence/rdb_scan.ts';
import { VALUE_SHAPES } from '../persistence/rdb_shapes.ts';
import { checkValues } from '../persistence/rdb_values.ts';
import type { Storage, StorageFile } from '../storage/storage.ts';
import { quoteBytes } from '../util/quote.ts';
import { BiggestKeys } from './biggest_keys.ts';
import { bytesText, type Terminal } from './terminal.ts';

const NAME_BYTES_SHOWN = 100;

export interface SnapshotCheck {
  /** Undefined when it is damaged. */
  readonly scan: RdbScan | undefined;
  readonly fault: string | undefined;
}

export interface SnapshotCheckOptions {
  readonly storage: Storage;
  readonly terminal: Terminal;
  readonly nowMs: number;
  /** An engine that values can be loaded into; undefined leaves them unread. */
  readonly createEngine: ((databases: number) => Engine) | undefined;
}

/** Reads a file from its beginning to the end of the snapshot in it. */
export async function checkSnapshot(
  file: StorageFile,
  options: SnapshotCheckOptions,
): Promise<SnapshotCheck> {
  const { terminal, nowMs } = options;
  const biggest = new BiggestKeys();
  const progress = terminal.report.progress(`Reading ${file.path}`, file.size());
  let keys = 0;
  try {
    const scan = await scanRdb(file, {
      nowMs,
      onKey: (key) => {
        keys += 1;
        biggest.add(key);
      },
      onProgress: (at) => progress.update(at),
    });
    progress.end();
    printSummary(terminal, scan, biggest);
    return { scan, fault: await checkInsides(file, scan, options) };
  } catch (error) {
    progress.end();
    if (!(error instanceof RdbScanError)) throw error;
    printFault(terminal, error, keys);
    return { scan: undefined, fault: `damaged at offset ${error.offset}: ${error.message}` };
  }
}

/** Looks into the values. Returns what is wrong with them. */
async function checkInsides(
  file: StorageFile,
  scan: RdbScan,
  { storage, terminal, createEngine }: SnapshotCheckOptions,
): Promise<string | undefined> {
  if (createEngine === undefined) return undefined;
  const databases = Math.max(0, ...scan.databases.keys()) + 1;
  const progress = terminal.report.progress(`Looking into values of ${file.path}`, scan.endOffset);
  const fault = await checkValues(file.path, {
    storage,
    engine: createEngine(databases),
    onProgress: (at) => progress.update(at),
  });
  if (fault === undefined) progress.update(scan.endOffset);
  progress.end();
  if (fault === undefined) {
    terminal.print('Values           right');
    return undefined;
  }
  if (fault.kind !== 'damaged') {
    const why = fault.kind === 'module' ? 'a module has them' : 'one does not fit into memory';
    terminal.print(
      `Values           not all could be looked into: ${why}, at offset ${fault.offset}`,
    );
    return undefined;
  }
  terminal.print(`Fault at offset ${fault.offset}: ${fault.message}`);
  for (const line of fault.details) terminal.print(`  ${line}`);
  return `damaged at offset ${fault.offset}: ${fault.message}`;
}

function printFault(terminal: Terminal, error: RdbScanError, keys: number): void {
  terminal.print(`Fault at offset ${error.offset}: ${error.message}`);
  terminal.print(`  while doing    ${error.activity}`);
  if (error.key !== undefined) terminal.print(`  key            ${nameText(error.key)}`);
  if (error.type !== undefined) {
    terminal.print(
      `  type           ${error.type} (${VALUE_SHAPES.get(error.type)?.name ?? 'unknown'})`,
    );
  }
  terminal.print(`  keys before    ${keys}`);
}

function printSummary(terminal: Terminal, scan: RdbScan, biggest: BiggestKeys): void {
  terminal.print(`RDB version      ${scan.version}`);
  for (const [name, value] of scan.aux) terminal.print(`  ${name.padEnd(15)}${value}`);
  terminal.print(`Bytes            ${scan.endOffset}`);
  terminal.print(`Checksum         ${CHECKSUM_TEXT[scan.checksum]}`);
  terminal.print(
    `Keys             ${scan.keys}, ${scan.expires} with an expiry, ${scan.expired} of them already expired`,
  );
  for (const [database, count] of scan.databases) {
    terminal.print(`  db${String(database).padEnd(13)}${databaseText(count)}`);
  }
  if (scan.functions > 0) terminal.print(`Function libraries ${scan.functions}`);
  if (scan.keys > 0) terminal.print('Types');
  for (const [kind, keys] of biggest.list()) {
    terminal.print(`  ${kind.padEnd(15)}${scan.keysByKind.get(kind)}; the biggest:`);
    for (const key of keys) terminal.print(`    ${bytesText(key.bytes).padEnd(13)}${keyText(key)}`);
  }
}

const CHECKSUM_TEXT: Readonly<Record<RdbScan['checksum'], string>> = {
  ok: 'right',
  none: 'none: it was saved without one',
  absent: 'none: files of this version have none',
};

function databaseText({ keys, expires, announcedKeys }: DatabaseCount): string {
  const announced =
    announcedKeys === undefined || announcedKeys === keys
      ? ''
      : ` (${announcedKeys} were announced)`;
  return `${keys}${announced}, ${expires} with an expiry`;
}

function keyText({ name, database }: ScannedKey): string {
  return `db${database} ${nameText(name)}`;
}

function nameText(name: Buffer): string {
  const isLong = name.length > NAME_BYTES_SHOWN;
  return quoteBytes(name.subarray(0, NAME_BYTES_SHOWN)) + (isLong ? '...' : '');
}
