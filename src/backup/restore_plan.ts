// What a restore would do: which files it keeps, and where it cuts the log.
//
//   base ──> incr 1 ──────────> incr 2 ──┬──────> incr 3
//            #TS:100 ... #TS:160 ...     │ #TS:161
//            kept                        │ left out        for "to 160"
//
// The log notes times in whole seconds, before the first command of a second. It is cut before the first
// one that is later than the moment, and never inside a transaction. The base has to be older than that.

import { RdbScanError } from '../persistence/rdb_scan.ts';
import type { Storage } from '../storage/storage.ts';
import { attemptLater, BackupError } from './backup_error.ts';
import { examineLogFile, type LogFindings } from './examine.ts';
import { JoinedFile } from './joined_file.ts';
import { type Moment, timeText } from './moment.ts';
import type { Origin, OriginFile } from './origin.ts';
import type { Report } from './report.ts';

export interface PlannedFile {
  readonly file: OriginFile;
  readonly sizeBytes: number;
  /** Bytes from the beginning that are restored; 0 leaves the file out. */
  readonly keptBytes: number;
}

export interface RestorePlan {
  readonly origin: Origin;
  readonly moment: Moment;
  readonly files: readonly PlannedFile[];
  /** Keys of the snapshot or the base. */
  readonly keys: number;
  readonly baseTime: number | undefined;
  /** What is kept of the log. */
  readonly commands: number;
  readonly transactions: number;
  /** The last time noted in what is kept; undefined when there is none. */
  readonly lastTime: number | undefined;
  /** What is cut off. */
  readonly cutCommands: number;
  readonly cutBytes: number;
}

interface LogPart {
  readonly file: OriginFile;
  readonly findings: LogFindings;
  readonly marks: Marks;
}

export async function planRestore(
  storage: Storage,
  origin: Origin,
  moment: Moment,
  report: Report,
): Promise<RestorePlan> {
  if (origin.kind === 'rdb') return planSnapshot(storage, origin, moment, report);
  const limit = moment.kind === 'offset' ? offsetLimit(origin, moment) : undefined;
  const parts: LogPart[] = [];
  for (const file of origin.files) {
    const marks = new Marks(moment, limit?.file === file ? limit.offset : undefined);
    const findings = await examine(storage, file, marks, report);
    const isLast = file === origin.files.at(-1);
    checkFault(file, findings, isLast);
    parts.push({ file, findings, marks });
  }
  if (moment.kind === 'time') checkTimes(parts, moment.unixSeconds, origin);
  return join(origin, moment, parts, limit?.file);
}

async function planSnapshot(
  storage: Storage,
  origin: Origin,
  moment: Moment,
  report: Report,
): Promise<RestorePlan> {
  const file = origin.files[0]!;
  if (moment.kind === 'offset') throw new BackupError(`${origin.description} has no log to cut`);
  const findings = await examine(storage, file, new Marks(moment, undefined), report);
  const endsAt = baseTimeOf(findings) ?? Math.floor(origin.endsAtMs / 1000);
  if (moment.kind === 'time' && moment.unixSeconds < endsAt) {
    throw new BackupError(
      `${origin.description} is a snapshot of ${timeText(endsAt)}: nothing earlier is in it`,
    );
  }
  const size = findings.sizeBytes;
  return {
    origin,
    moment,
    files: [{ file, sizeBytes: size, keptBytes: size }],
    keys: findings.rdb?.keys ?? 0,
    baseTime: endsAt,
    commands: 0,
    transactions: 0,
    lastTime: undefined,
    cutCommands: 0,
    cutBytes: 0,
  };
}

function baseTimeOf({ rdb }: LogFindings): number | undefined {
  const ctime = rdb?.aux.find(([name]) => name === 'ctime')?.[1];
  return ctime === undefined ? undefined : Number(ctime);
}

async function examine(
  storage: Storage,
  file: OriginFile,
  marks: Marks,
  report: Report,
): Promise<LogFindings> {
  return attemptLater(`read ${file.name}`, async () => {
    const joined = new JoinedFile(storage, file.spans);
    const progress = report.progress(`Reading ${file.name}`, joined.size());
    try {
      return await examineLogFile(joined, {
        nowMs: 0,
        visitor: marks,
        onProgress: (at) => progress.update(at),
      });
    } catch (error) {
      if (!(error instanceof RdbScanError)) throw error;
      throw new BackupError(`${file.name} is damaged at offset ${error.offset}: ${error.message}`);
    } finally {
      progress.end();
      joined.close();
    }
  });
}

/** The last file may end anywhere; everything else is damage. */
function checkFault(file: OriginFile, { scanner }: LogFindings, isLast: boolean): void {
  const { fault } = scanner;
  if (fault === undefined || (isLast && fault.kind === 'end')) return;
  throw new BackupError(
    `${file.name} is damaged at offset ${fault.offset}: ${fault.message}. See respite check --help`,
  );
}

function checkTimes(parts: readonly LogPart[], unixSeconds: number, origin: Origin): void {
  const [first] = parts;
  const began = first && (baseTimeOf(first.findings) ?? first.findings.firstTime ?? undefined);
  if (began !== undefined && began > unixSeconds) {
    throw new BackupError(
      `${origin.description} begins at ${timeText(began)}: nothing earlier is in it`,
    );
  }
  const hasCommands = parts.some(({ findings }) => findings.commands > 0);
  const hasTimes = parts.some(({ findings }) => findings.firstTime !== null);
  if (hasCommands && !hasTimes) {
    throw new BackupError(
      `${origin.description} has no times in its log, because aof-timestamp-enabled was off: only latest and offset:BYTES are possible`,
    );
  }
}

function offsetLimit(
  origin: Origin,
  { file, offset }: Extract<Moment, { kind: 'offset' }>,
): { readonly file: OriginFile; readonly offset: number } {
  const found =
    file === undefined
      ? origin.files.findLast(({ role }) => role === 'incr')
      : origin.files.find(({ name, role }) => role === 'incr' && name.split('/').at(-1) === file);
  if (found === undefined) {
    const names = origin.files.map(({ name }) => name.split('/').at(-1)).join(', ');
    throw new BackupError(
      `${origin.description} has no append-only file${file === undefined ? '' : ` '${file}'`} to cut: it has ${names}`,
    );
  }
  return { file: found, offset };
}

function join(
  origin: Origin,
  moment: Moment,
  parts: readonly LogPart[],
  limited: OriginFile | undefined,
): RestorePlan {
  let isCut = false;
  let commands = 0;
  let transactions = 0;
  let cutCommands = 0;
  let lastTime: number | undefined;
  const files = parts.map(({ file, findings, marks }): PlannedFile => {
    const end = findings.scanner.usableEnd;
    const kept = isCut ? 0 : Math.min(marks.cutAt ?? end, end);
    if (!isCut) {
      commands += marks.commands;
      transactions += marks.transactions;
      lastTime = marks.lastTime ?? lastTime;
    }
    cutCommands += findings.commands - (isCut ? 0 : marks.commands);
    isCut ||= marks.cutAt !== undefined || file === limited;
    return { file, sizeBytes: findings.sizeBytes, keptBytes: kept };
  });
  const first = parts[0]?.findings;
  return {
    origin,
    moment,
    files,
    keys: first?.rdb?.keys ?? 0,
    baseTime: first && baseTimeOf(first),
    commands,
    transactions,
    lastTime,
    cutCommands,
    cutBytes: files.reduce((sum, { sizeBytes, keptBytes }) => sum + sizeBytes - keptBytes, 0),
  };
}

/** Follows one file to where it has to be cut, and counts up to there. */
class Marks {
  /** Where to cut; undefined when everything is kept. */
  cutAt: number | undefined;
  commands = 0;
  transactions = 0;
  lastTime: number | undefined;
  private readonly moment: Moment;
  private readonly limit: number | undefined;
  private end = 0;
  private openMulti: number | undefined;
  /** Commands of the transaction that is open. */
  private openCommands = 0;

  constructor(moment: Moment, limit: number | undefined) {
    this.moment = moment;
    this.limit = limit;
  }

  command({ name, start, end }: { name: string; start: number; end: number }): void {
    if (this.cutAt !== undefined) return;
    if (this.limit !== undefined && end > this.limit) {
      this.cut(start);
      return;
    }
    if (name === 'multi') this.openMulti = start;
    this.openCommands += 1;
    if (name === 'exec') {
      this.openMulti = undefined;
      this.transactions += 1;
    }
    if (this.openMulti !== undefined) return;
    this.commands += this.openCommands;
    this.openCommands = 0;
    this.end = end;
  }

  timestamp(unixSeconds: number, start: number): void {
    if (this.cutAt !== undefined) return;
    const isLater = this.moment.kind === 'time' && unixSeconds > this.moment.unixSeconds;
    if (isLater || (this.limit !== undefined && start >= this.limit)) this.cut(start);
    else this.lastTime = unixSeconds;
  }

  private cut(start: number): void {
    this.cutAt = this.openMulti ?? Math.max(start, this.end);
  }
}
