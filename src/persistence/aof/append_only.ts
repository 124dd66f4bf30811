// The append-only log: every change is in it before, or soon after, it is acknowledged.
//
//                   turnOn: base and increment are begun               base is whole
//        off ─────────────────────────────────────────────> waiting ────────────────> on
//         ^                        turnOff                       │    turnOff          │
//         └──────────────────────────────────────────────────────┴─────────────────────┘
//
//   rewrite:  write out the stream ─> new increment, in the manifest ─> base of this moment, in the
//             background ─> base gets its name ─> manifest: new base, the increments before are history
//             ─> history is deleted
//
// The files on the disk make a whole log after each of these steps, so a failure or a crash anywhere
// leaves either the old files with the new increment behind them, or the new base with it. While `waiting`
// the increment has a temporary name, and what was there before counts until the first base is whole.
//
// Logging begins when `open` or a rewrite opens an increment: then the core writes its stream of changes,
// and the engine calls `keep` at the end of each turn. What is written when, and made durable
// when, is the writer's business (writer.ts).
//
// Names of files, order of steps and messages are Redis's. Differences: names are made durable before
// the manifest names them; a manifest whose rename cannot be made durable counts as new and as failed,
// so that neither of the two logs it may stand for is touched; a log that cannot be written is not
// rewritten, because what waits would come twice; failures to begin a rewrite count for its limit, too.

import type { Config } from '../../config/config.ts';
import type { Engine, Journal } from '../../engine.ts';
import type { Logger } from '../../log.ts';
import type { PersistenceFacts } from '../../monitor/facts.ts';
import type { KeepOutcome } from '../../reply_gate.ts';
import type { Storage, StorageFile } from '../../storage/storage.ts';
import { errorCode, systemErrorText } from '../../util/system_error.ts';
import { loadOptions } from '../load_options.ts';
import { loadRdb, type RdbLoadResult } from '../rdb_loader.ts';
import {
  AofLoadError,
  type LoadedLog,
  loadLog,
  makeLogDirectory,
  readManifestOrFail,
} from './loader.ts';
import { type AofFile, Manifest, type ManifestPlace, writeManifest } from './manifest.ts';
import {
  type BaseOptions,
  isCalledOff,
  RewriteLimiter,
  type Snapshots,
  writeBaseInBackground,
  writeBaseNow,
} from './rewrite.ts';
import { AofWriter, type ChangeStream, type WriterSettings } from './writer.ts';

const MS_PER_SECOND = 1000;
const PERCENT = 100;

/** The core's stream of changes. */
export interface Stream extends ChangeStream {
  turn(on: boolean): void;
  reset(): void;
  readonly isLost: boolean;
}

export interface AppendOnlyOptions {
  readonly engine: Engine;
  readonly config: Config;
  readonly storage: Storage;
  readonly log: Logger;
  readonly snapshots: Snapshots;
  readonly stream: Stream;
  readonly pid: number;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Ends the process. */
  exit(code: number): void;
  /** Whether other work in the background goes over the data set, or has not cleaned up yet. */
  isBusy?(): boolean;
  /** The log can be written again, or cannot any more. */
  onWriteStatus?(): void;
  addLatency?(event: string, milliseconds: number): void;
  /** DEBUG AOF-FLUSH-SLEEP: called before each write to the log. */
  beforeWrite?(): void;
  /** DEBUG SET-SKIP-CHECKSUM-VALIDATION */
  skipsChecksum?(): boolean;
  /** A base file that is a snapshot was loaded. */
  onBaseLoaded?(result: RdbLoadResult): void;
}

export type AofState = 'off' | 'waiting' | 'on';

/** 'nothing': there is no log. */
export type LoadOutcome = LoadedLog['outcome'] | 'failed';

export type RewriteOutcome = 'started' | 'scheduled' | { readonly error: string };

/** What became of a rewrite. */
export type RewriteEnd = 'done' | 'called off' | { readonly error: string };

/** A rewrite under way. */
interface Rewrite {
  readonly path: string;
  /** What the log was when it began: that decides what becomes of the new base. */
  readonly state: AofState;
  readonly format: 'rdb' | 'aof';
  readonly began: number;
  /** The increment that holds what changed since; what is older is in the base. */
  readonly firstKept: number;
  readonly tellEnd: (end: RewriteEnd) => void;
}

export class AppendOnly implements Journal {
  private readonly options: AppendOnlyOptions;
  private readonly writer: AofWriter;
  private readonly limiter: RewriteLimiter;
  private state: AofState;
  private place: ManifestPlace | undefined;
  /** The working directory of the log, which a later CONFIG SET dir does not move. */
  private directory = '';
  /** In place of `appenddirname`, for a log beside the one that the directives speak of. */
  private directoryName: string | undefined;
  private manifest: Manifest | undefined;
  private rewrite: Rewrite | undefined;
  /** How the rewrite under way is going to end, or how the last one has ended. */
  rewriteEnd: Promise<RewriteEnd> = Promise.resolve('done');
  private isScheduled = false;
  /** `shutdown` was called. */
  private hasEnded = false;
  /** Bytes of the files that are not being written. */
  private otherBytes = 0;
  private baseBytes = 0;
  private attempts = 0;
  private rewrites = 0;
  private failures = 0;
  private isLastRewriteOk = true;
  private lastRewriteSeconds = -1;
  private lastCopiedBytes = 0;
  private retriedAtSecond = 0;
  private reportedError: string | undefined;
  private lostError: string | undefined;
  private readonly syncListeners = new Set<() => void>();

  constructor(options: AppendOnlyOptions) {
    this.options = options;
    this.state = options.config.get('appendonly') ? 'on' : 'off';
    this.limiter = new RewriteLimiter(options.log);
    this.writer = new AofWriter({
      stream: options.stream,
      log: options.log,
      now: options.now,
      settings: () => this.writerSettings(),
      fatal: () => options.exit(1),
      onDoubt: () => {
        this.isScheduled = true;
      },
      onSynced: () => this.tellSynced(),
      addLatency: options.addLatency ?? (() => {}),
      beforeWrite: options.beforeWrite ?? (() => {}),
    });
  }

  // --- States ---

  /** Changes are logged, or will be once the first base is written. */
  get isOn(): boolean {
    return this.state !== 'off';
  }

  /** Nothing is missing from it, or it is off. */
  get isWhole(): boolean {
    return this.state !== 'waiting';
  }

  get isWritingFirstBase(): boolean {
    return this.rewrite?.state === 'waiting';
  }

  get isRewriting(): boolean {
    return this.rewrite !== undefined;
  }

  /** Why the last write or sync failed, in the system's words; undefined while all is well. */
  get writeError(): string | undefined {
    return this.isOn ? (this.lostError ?? this.writer.error) : undefined;
  }

  private get isBusy(): boolean {
    return this.options.snapshots.isRunning || this.options.isBusy?.() === true;
  }

  private second(): number {
    return Math.floor(this.options.now() / MS_PER_SECOND);
  }

  // --- Journal ---

  get hasChanges(): boolean {
    return this.writer.waitingBytes > 0 || this.writer.isFatal;
  }

  get position(): number {
    return this.writer.position;
  }

  /** Writes out what the turn changed; replies wait for the sync when the policy is `always`. */
  keep(onKept: () => void): KeepOutcome {
    return this.noteWritten(this.writer.commit(onKept));
  }

  /** Writes out what changed, durably when the policy is `always`. */
  keepNow(): boolean {
    return this.noteWritten(this.writer.flush() ? 'kept' : 'never') !== 'never';
  }

  private noteWritten(outcome: KeepOutcome): KeepOutcome {
    if (this.writer.isOpen && this.options.stream.isLost) {
      return this.loseStream() ? 'kept' : 'never';
    }
    this.reportError();
    return outcome;
  }

  private reportError(): void {
    const { writeError } = this;
    if (writeError === this.reportedError) return;
    this.reportedError = writeError;
    this.options.onWriteStatus?.();
  }

  /** Whether everything up to a position is durable. */
  isSynced(position: number): boolean {
    return this.state === 'on' && this.writer.syncedPosition >= position;
  }

  /** Calls back whenever more is durable, or the log was turned on or off. Returns what ends that. */
  onSynced(listener: () => void): () => void {
    this.syncListeners.add(listener);
    return () => this.syncListeners.delete(listener);
  }

  private tellSynced(): void {
    for (const listener of [...this.syncListeners]) listener();
  }

  private writerSettings(): WriterSettings {
    const { config, snapshots } = this.options;
    const isSaving = snapshots.isRunning;
    return {
      policy: config.get('appendfsync') as WriterSettings['policy'],
      timestamps: config.get('aof-timestamp-enabled'),
      sparesDisk: isSaving && config.get('no-appendfsync-on-rewrite'),
      isSaving,
    };
  }

  // --- Start ---

  /** Writes to the file what waits. False when that is impossible now. */
  writeOut(): boolean {
    return !this.writer.isOpen || this.writeEverything();
  }

  /** Loads the log. 'failed': the server cannot go on, and the log file tells why. */
  async load(
    onProgress: (loadedBytes: number, totalBytes: number) => Promise<void>,
  ): Promise<LoadOutcome> {
    const { engine, config, storage, log, stream } = this.options;
    const wasOpen = this.writer.isOpen;
    // DEBUG LOADAOF: what was not written yet belongs to the log, what is loaded does not.
    if (!this.writeOut()) return 'failed';
    stream.turn(false);
    try {
      const place = this.settlePlace();
      const loaded = await loadLog({
        engine,
        storage,
        log,
        place,
        directory: this.directory,
        mayTruncate: config.get('aof-load-truncated'),
        panicsOnErrors: config.get('propagation-error-behavior') === 'panic',
        keyDelayUs: () => config.get('key-load-delay'),
        progressBytes: config.get('loading-process-events-interval-bytes'),
        loadPreamble: (path, onPart) => this.loadPreamble(path, onPart),
        onProgress,
      });
      this.manifest = loaded.manifest;
      if (!wasOpen) this.noteSizes(loaded.totalBytes, loaded.baseBytes);
      return loaded.outcome;
    } catch (error) {
      if (!(error instanceof AofLoadError)) throw error;
      return 'failed';
    } finally {
      if (wasOpen) stream.turn(true);
    }
  }

  private async loadPreamble(
    path: string,
    onProgress: (loadedBytes: number) => Promise<void>,
  ): Promise<number> {
    const result = await loadRdb(path, {
      ...loadOptions(this.options),
      keepExpired: true,
      allowDuplicates: false,
      onProgress,
    });
    this.options.onBaseLoaded?.(result);
    return result.endOffset;
  }

  private noteSizes(totalBytes: number, baseBytes: number): void {
    this.otherBytes = totalBytes;
    this.baseBytes = baseBytes;
  }

  /** Where the log is: settled when it is first needed, and again when it is turned on. */
  private settlePlace(): ManifestPlace {
    const { config, storage } = this.options;
    if (this.place === undefined) {
      this.directory = config.get('dir');
      const name = this.directoryName ?? config.get('appenddirname');
      const directory = `${this.directory}/${name}`;
      this.place = { storage, directory, stem: config.get('appendfilename') };
      this.manifest = undefined;
    }
    return this.place;
  }

  /**
   * After `load`: goes on with the last increment, or begins a log for a data set that is empty. Ends the
   * process when that is impossible.
   */
  open(): void {
    if (this.state !== 'on' || this.writer.isOpen) return;
    const { log, exit } = this.options;
    try {
      this.openLog();
    } catch (error) {
      if (!(error instanceof CannotOpen)) {
        log.warning(`Can't open the append-only file: ${systemErrorText(error)}`);
      }
      this.state = 'off';
      exit(1);
      return;
    }
    this.deleteHistory();
  }

  private openLog(): void {
    const { storage, log, stream } = this.options;
    const place = this.settlePlace();
    this.tryMakeDirectory(place);
    this.removeStaleBases();
    let manifest = this.manifest ?? readManifestOrFail({ place, log });
    if (manifest.isEmpty) manifest = this.beginLog(manifest, place);
    const isNew = manifest.last === undefined;
    if (isNew) manifest = manifest.withIncrement(place.stem);
    const { name } = manifest.last as AofFile;
    const file = attempt(log, `Can't open the append-only file ${name}`, () =>
      storage.open(`${place.directory}/${name}`, 'append'),
    );
    if (manifest !== this.manifest && writeLogged(place, manifest, log) !== 'durable') {
      throw new CannotOpen();
    }
    this.manifest = manifest;
    this.makeDurable(place, manifest);
    const size = file.size();
    this.otherBytes -= isNew ? 0 : size;
    stream.turn(true);
    this.writer.switchTo(file, size);
    this.options.engine.setJournal(this);
    log.notice(`${isNew ? 'Creating' : 'Opening'} AOF incr file ${name} on server start`);
  }

  /** What the process before wrote and loading has read may be known to nobody but the system's memory. */
  private makeDurable({ directory }: ManifestPlace, manifest: Manifest): void {
    const { storage, log } = this.options;
    attempt(log, 'Fail to fsync the AOF files', () => {
      for (const { name } of manifest.files) {
        const file = storage.open(`${directory}/${name}`, 'append');
        try {
          file.sync();
        } finally {
          file.close();
        }
      }
      storage.syncDirectory(directory);
      storage.syncDirectory(this.directory);
    });
  }

  /** The base of an empty data set. */
  private beginLog(manifest: Manifest, place: ManifestPlace): Manifest {
    const { storage, log, pid } = this.options;
    const base = this.baseOptions();
    const next = manifest.withBase(place.stem, base.settings.format);
    const { name } = next.base as AofFile;
    const temp = `${this.directory}/temp-rewriteaof-${pid}.aof`;
    try {
      writeBaseNow(temp, base);
    } catch {
      this.removeQuietly(temp);
      throw new CannotOpen();
    }
    attempt(log, 'Error moving temp append only file on the final destination', () =>
      storage.rename(temp, `${place.directory}/${name}`),
    );
    log.notice(`Creating AOF base file ${name} on server start`);
    this.noteSizes(storage.status(`${place.directory}/${name}`)?.sizeBytes ?? 0, 0);
    this.baseBytes = this.otherBytes;
    return next;
  }

  private tryMakeDirectory({ directory }: ManifestPlace): void {
    const { storage, log } = this.options;
    attempt(log, `Can't open or create append-only dir ${directory}`, () =>
      makeLogDirectory(storage, this.directory, directory),
    );
  }

  /** What killed processes left: nobody else writes in this directory. */
  private removeStaleBases(): void {
    const { storage } = this.options;
    let names: readonly string[] = [];
    try {
      names = storage.list(this.directory);
    } catch {
      // They stay where they are.
    }
    for (const name of names) {
      if (!/^temp-rewriteaof-(bg-)?[\d-]+\.aof$/.test(name)) continue;
      this.removeQuietly(`${this.directory}/${name}`);
    }
  }

  private removeQuietly(path: string): void {
    try {
      this.options.storage.remove(path);
    } catch {
      // A file that is left over does no harm.
    }
  }

  private removeIfThere(path: string): void {
    try {
      if (this.options.storage.status(path) !== undefined) this.options.storage.remove(path);
    } catch {
      // As above.
    }
  }

  // --- Turning on and off ---

  /**
   * CONFIG SET appendonly yes. Returns why that is impossible. With a name, the log is kept in a directory
   * of its own, until it is turned off: it is not the one that a later start loads.
   */
  turnOn(directoryName?: string): string | undefined {
    if (this.isOn) return undefined;
    const { log, engine } = this.options;
    this.directoryName = directoryName;
    this.place = undefined;
    this.state = 'waiting';
    if (this.isBusy && this.rewrite === undefined) {
      this.isScheduled = true;
      log.notice(
        'AOF was enabled but there is already another background operation. An AOF background was ' +
          'scheduled to start when possible.',
      );
    } else if (engine.isInTransaction) {
      this.isScheduled = true;
      log.notice(
        'AOF was enabled during a transaction. An AOF background was scheduled to start when ' +
          'possible.',
      );
    } else {
      if (this.rewrite !== undefined) {
        log.notice(
          'AOF was enabled but there is already an AOF rewriting in background. Stopping ' +
            'background AOF and starting a rewrite now.',
        );
        this.cancelRewrite();
      }
      if (!this.begin()) {
        this.state = 'off';
        log.warning(
          "Redis needs to enable the AOF but can't trigger a background AOF rewrite operation. " +
            'Check the above logs for more info about the error.',
        );
        return 'Unable to turn on AOF. Check server logs.';
      }
    }
    this.writer.forgetErrors();
    return undefined;
  }

  /** CONFIG SET appendonly no: what is logged so far is made durable, then nothing is any more. */
  turnOff(): void {
    if (!this.isOn) return;
    const { stream, engine } = this.options;
    const isFirstBase = this.state === 'waiting';
    this.writer.close();
    engine.setJournal(undefined);
    stream.turn(false);
    this.state = 'off';
    this.isScheduled = false;
    this.lostError = undefined;
    this.cancelRewrite();
    if (isFirstBase) this.removeTempIncrement();
    if (this.directoryName !== undefined) {
      this.directoryName = undefined;
      this.place = undefined;
    }
    this.reportError();
    this.tellSynced();
  }

  // --- Backups ---

  /** The files that count now; undefined while there are none. */
  get files(): { readonly place: ManifestPlace; readonly manifest: Manifest } | undefined {
    const { place, manifest } = this;
    return place === undefined || manifest === undefined ? undefined : { place, manifest };
  }

  /** Goes on in a new increment: the one before is complete. False when that is impossible. */
  rotate(): boolean {
    const { files } = this;
    if (this.state !== 'on' || files === undefined) return false;
    try {
      this.openIncrement(files.place, files.manifest, 'for a backup');
      return true;
    } catch (error) {
      if (error instanceof CannotOpen) return false;
      throw error;
    }
  }

  /** Writes out everything, durably: the process is about to end. False when that failed. */
  shutdown(): boolean {
    if (!this.isOn) return true;
    const isGood = this.writer.close();
    this.options.engine.setJournal(undefined);
    this.options.stream.turn(false);
    this.hasEnded = true;
    return isGood;
  }

  // --- Ten times a second ---

  tick(): void {
    this.beginScheduled();
    this.rewriteGrown();
    if (!this.writer.isOpen) return;
    const second = this.second();
    if (this.writer.error !== undefined && second === this.retriedAtSecond) return;
    this.retriedAtSecond = second;
    // What a commit leaves comes with the next one, and not before.
    if (!this.writer.isCommitting) this.keepNow();
  }

  private beginScheduled(): void {
    if (this.isScheduled && !this.isRewriting && !this.isBusy && !this.isLimited()) this.begin();
  }

  private isLimited(): boolean {
    return this.limiter.isLimited(this.failures, this.second());
  }

  /** Starts a rewrite when the log has grown by as much as is allowed. */
  private rewriteGrown(): void {
    const { config, log } = this.options;
    const percentage = config.get('auto-aof-rewrite-percentage');
    if (this.state !== 'on' || this.isRewriting || percentage === 0 || this.isBusy) return;
    const bytes = this.currentBytes;
    if (!this.writer.isOpen || bytes <= config.get('auto-aof-rewrite-min-size')) return;
    const growth = Math.floor((bytes * PERCENT) / (this.baseBytes || 1)) - PERCENT;
    if (growth < percentage || this.isLimited()) return;
    log.notice(`Starting automatic rewriting of AOF on ${growth}% growth`);
    this.begin();
  }

  /** Another walk over the data set is over: a rewrite that waited for it can begin. */
  onSnapshotEnd(): void {
    this.beginScheduled();
  }

  // --- Rewriting ---

  /** BGREWRITEAOF. */
  startRewrite(): RewriteOutcome {
    if (this.hasEnded) return { error: 'ERR the log is closed' };
    if (this.isRewriting) {
      return { error: 'ERR Background append only file rewriting already in progress' };
    }
    if (this.isBusy || this.options.engine.isInTransaction) {
      this.isScheduled = true;
      this.failures = 0;
      return 'scheduled';
    }
    if (this.begin()) return 'started';
    return {
      error:
        "ERR Can't execute an AOF background rewriting. Please check the server logs for more " +
        'information.',
    };
  }

  /** Begins a rewrite: of this moment, when this returns. False when that is impossible. */
  private begin(): boolean {
    const { log, pid } = this.options;
    try {
      const place = this.settlePlace();
      this.tryMakeDirectory(place);
      this.manifest ??= readManifestOrFail({ place, log });
      if (this.state === 'on') this.openIncrement(place, this.manifest, 'on background rewrite');
      else if (this.state === 'waiting') this.openTempIncrement(place);
    } catch (error) {
      if (!(error instanceof CannotOpen || error instanceof AofLoadError)) throw error;
      this.noteFailure();
      return false;
    }
    this.rewrites += 1;
    this.attempts += 1;
    const path = `${this.directory}/temp-rewriteaof-bg-${pid}-${this.attempts}.aof`;
    const base = this.baseOptions();
    let tellEnd: Rewrite['tellEnd'] = () => {};
    this.rewriteEnd = new Promise((resolve) => {
      tellEnd = resolve;
    });
    const rewrite: Rewrite = {
      path,
      tellEnd,
      state: this.state,
      format: base.settings.format,
      began: this.second(),
      firstKept: (this.state === 'on' && this.manifest.last?.seq) || Number.POSITIVE_INFINITY,
    };
    this.rewrite = rewrite;
    this.isScheduled = false;
    log.notice(`Background append only file rewriting started by pid ${pid}`);
    const isCurrent = (): boolean => {
      if (this.rewrite === rewrite) return true;
      // It was called off, and another one may be under way.
      this.removeIfThere(path);
      return false;
    };
    writeBaseInBackground(path, base).then(
      ({ copiedBytes }) => isCurrent() && this.baseWritten(rewrite, copiedBytes),
      (error: unknown) => isCurrent() && this.baseFailed(rewrite, error),
    );
    return true;
  }

  private baseOptions(): BaseOptions {
    const { storage, snapshots, log, config } = this.options;
    return {
      storage,
      snapshots,
      log,
      settings: {
        format: config.get('aof-use-rdb-preamble') ? 'rdb' : 'aof',
        compress: config.get('rdbcompression'),
        checksum: config.get('rdbchecksum'),
        keyDelayUs: () => config.get('rdb-key-save-delay'),
        syncsWhileWriting: config.get('aof-rewrite-incremental-fsync'),
        timestamp: config.get('aof-timestamp-enabled') ? this.second() : undefined,
      },
    };
  }

  /** Writes all that waits to the present file. False when that is impossible now. */
  private writeEverything(): boolean {
    this.options.stream.reset();
    if (this.writer.flush(true) && this.writer.waitingBytes === 0) return true;
    this.options.log.warning('The append-only file cannot be written at the moment.');
    return false;
  }

  /** From now on changes go to a new increment, which the manifest has. Throws CannotOpen. */
  private openIncrement(place: ManifestPlace, manifest: Manifest, why: string): void {
    const { storage, log } = this.options;
    if (!this.writeEverything()) throw new CannotOpen();
    const next = manifest.withIncrement(place.stem);
    const { name } = next.last as AofFile;
    const path = `${place.directory}/${name}`;
    const file = attempt(log, `Can't open the append-only file ${name}`, () =>
      storage.open(path, 'create'),
    );
    let outcome: string;
    try {
      outcome = writeLogged(place, next, log);
    } catch (error) {
      this.discard(file, path);
      throw error;
    }
    this.manifest = next;
    if (outcome !== 'durable') {
      // A crash may leave the manifest without it, so nothing may be written there.
      file.close();
      throw new CannotOpen();
    }
    log.notice(`Creating AOF incr file ${name} ${why}`);
    this.otherBytes += this.writer.fileBytes;
    this.writer.switchTo(file, 0);
  }

  /** The increment for the time until the first base is whole. */
  private openTempIncrement(place: ManifestPlace): void {
    const { storage, log, stream, engine } = this.options;
    const name = tempIncrementName(place);
    const file = attempt(log, `Can't open the append-only file ${name}`, () =>
      storage.open(`${place.directory}/${name}`, 'create'),
    );
    log.notice(`Creating AOF incr file ${name} on background rewrite`);
    stream.turn(true);
    this.writer.switchTo(file, 0);
    engine.setJournal(this);
  }

  private discard(file: StorageFile, path: string): void {
    file.close();
    this.removeQuietly(path);
  }

  private noteFailure(): void {
    this.isLastRewriteOk = false;
    this.failures += 1;
  }

  /** The base is whole: it gets its name, and the log goes over to it. */
  private baseWritten(rewrite: Rewrite, copiedBytes: number): void {
    const { log } = this.options;
    this.lastCopiedBytes = copiedBytes;
    const place = this.settlePlace();
    log.notice(`Successfully created the temporary AOF base file ${nameOf(rewrite.path)}`);
    log.notice('Background AOF rewrite terminated with success');
    let isDone = false;
    try {
      isDone = this.install(rewrite, place);
    } catch (error) {
      if (!(error instanceof CannotOpen)) throw error;
    }
    if (!isDone) {
      this.noteFailure();
      this.endRewrite(rewrite, { error: 'the new base could not be put in its place' });
      return;
    }
    this.deleteHistory();
    this.isLastRewriteOk = true;
    this.failures = 0;
    log.notice('Background AOF rewrite finished successfully');
    if (rewrite.state === 'waiting') this.state = 'on';
    this.lostError = undefined;
    this.writer.endDoubt();
    this.endRewrite(rewrite, 'done');
    this.reportError();
    this.tellSynced();
  }

  /** Names the new base, and writes the manifest with it. False when a crash may still undo that. */
  private install(rewrite: Rewrite, place: ManifestPlace): boolean {
    const { storage, log } = this.options;
    const before = this.manifest ?? Manifest.EMPTY;
    let next = before.withBase(place.stem, rewrite.format);
    const base = (next.base as AofFile).name;
    const basePath = `${place.directory}/${base}`;
    const renamed: string[] = [];
    const rename = (from: string, to: string, kind: string): void => {
      const what = `Error trying to rename the temporary AOF ${kind} file ${from} into ${to}`;
      attempt(log, what, () => storage.rename(from, to));
      renamed.push(to);
      log.notice(
        `Successfully renamed the temporary AOF ${kind} file ${nameOf(from)} into ${nameOf(to)}`,
      );
    };
    let outcome: string;
    try {
      rename(rewrite.path, basePath, 'base');
      if (rewrite.state === 'waiting') {
        next = next.withRewritten(rewrite.firstKept).withIncrement(place.stem);
        const temp = `${place.directory}/${tempIncrementName(place)}`;
        rename(temp, `${place.directory}/${(next.last as AofFile).name}`, 'incr');
      } else next = next.withRewritten(rewrite.firstKept);
      outcome = writeLogged(place, next, log);
    } catch (error) {
      for (const path of renamed) this.removeQuietly(path);
      throw error;
    }
    this.manifest = next;
    if (outcome !== 'durable') return false;
    if (rewrite.state === 'off') return true;
    const sizes = next.files
      .slice(0, -1)
      .map(({ name }) => storage.status(`${place.directory}/${name}`)?.sizeBytes ?? 0);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    this.noteSizes(bytes, bytes + this.writer.fileBytes);
    return true;
  }

  private baseFailed(rewrite: Rewrite, error: unknown): void {
    const { log } = this.options;
    this.removeQuietly(rewrite.path);
    if (isCalledOff(error)) {
      log.warning('Background AOF rewrite terminated by signal 10');
      this.isScheduled = true;
      this.endRewrite(rewrite, 'called off');
    } else {
      this.noteFailure();
      log.warning('Background AOF rewrite terminated with error');
      this.endRewrite(rewrite, { error: systemErrorText((error as Error).cause ?? error) });
    }
  }

  /** Whatever became of it. While waiting for the first base, another try is due. */
  private endRewrite({ path, began, state, tellEnd }: Rewrite, end: RewriteEnd): void {
    tellEnd(end);
    this.removeIfThere(path);
    this.rewrite = undefined;
    this.lastRewriteSeconds = this.second() - began;
    if (state !== 'waiting' || this.state !== 'waiting') return;
    this.stopLogging();
    this.removeTempIncrement();
    this.isScheduled = true;
  }

  private stopLogging(): void {
    this.options.engine.setJournal(undefined);
    this.options.stream.turn(false);
    this.writer.abandon();
  }

  private removeTempIncrement(): void {
    if (this.place === undefined) return;
    const name = tempIncrementName(this.place);
    this.options.log.notice(`Removing the temp incr aof file ${name} in the background`);
    this.removeQuietly(`${this.place.directory}/${name}`);
  }

  private cancelRewrite(): void {
    const { rewrite } = this;
    if (rewrite === undefined) return;
    this.options.log.notice(`Killing running AOF rewrite child: ${this.options.pid}`);
    this.rewrite = undefined;
    rewrite.tellEnd('called off');
    this.options.snapshots.abort();
    this.removeQuietly(rewrite.path);
  }

  /** Deletes what rewrites have put aside, unless that is to stay (aof-disable-auto-gc). */
  deleteHistory(): void {
    const { config, storage, log } = this.options;
    const { manifest, place } = this;
    if (manifest === undefined || place === undefined || manifest.history.length === 0) return;
    if (config.get('aof-disable-auto-gc')) return;
    for (const { name } of manifest.history) {
      log.notice(`Removing the history file ${name} in the background`);
      try {
        storage.remove(`${place.directory}/${name}`);
      } catch (error) {
        if (errorCode(error) === 'ENOENT') continue;
        log.warning(`Can't remove the history file ${name}: ${systemErrorText(error)}`);
        return;
      }
    }
    const next = manifest.withoutHistory();
    try {
      writeManifest(place, next, log);
      this.manifest = next;
    } catch {
      // The manifest goes on naming what is gone, which nobody looks for.
    }
  }

  /**
   * The core had no memory for the stream: changes are missing behind what was written. The log ends there;
   * another one, with a base of the present data, is begun beside it. False when the process ends.
   */
  private loseStream(): boolean {
    const { log, exit } = this.options;
    if (this.options.config.get('appendfsync') === 'always') {
      log.warning(
        "Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting...",
      );
      exit(1);
      return false;
    }
    log.warning('Out of memory for the changes to be logged: the append-only file is begun anew');
    this.lostError = systemErrorText(Object.assign(new Error(), { code: 'ENOMEM' }));
    this.cancelRewrite();
    this.writer.close();
    this.stopLogging();
    this.state = 'waiting';
    this.isScheduled = true;
    this.reportError();
    return true;
  }

  // --- Figures ---

  private get currentBytes(): number {
    return this.otherBytes + (this.writer.isOpen ? this.writer.fileBytes : 0);
  }

  facts(): Partial<PersistenceFacts> {
    const { rewrite } = this;
    return {
      aofEnabled: this.isOn,
      aofRewriteInProgress: this.isRewriting,
      aofRewriteScheduled: this.isScheduled,
      aofLastRewriteSeconds: this.lastRewriteSeconds,
      aofCurrentRewriteSeconds: rewrite === undefined ? -1 : this.second() - rewrite.began,
      aofLastRewriteOk: this.isLastRewriteOk,
      aofLastRewriteCopiedBytes: this.lastCopiedBytes,
      aofRewrites: this.rewrites,
      aofRewriteFailures: this.failures,
      aofLastWriteOk: this.writeError === undefined,
      aofCurrentBytes: this.currentBytes,
      aofBaseBytes: this.baseBytes,
      aofBufferBytes: this.writer.waitingBytes,
      aofPendingFsyncs: this.writer.pendingSyncs,
      aofDelayedFsyncs: this.writer.delayed,
    };
  }

  /** CONFIG RESETSTAT. */
  resetStatistics(): void {
    this.writer.delayed = 0;
    this.rewrites = 0;
    this.failures = 0;
  }

  /** Resolves when what is under way in the background at the moment is done, but for a rewrite. */
  idle(): Promise<void> {
    return this.writer.idle();
  }
}

/** The reason has been logged. */
class CannotOpen extends Error {}

/** Does one step; what goes wrong is logged, and thrown as CannotOpen. */
function attempt<T>(log: Logger, what: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    log.warning(`${what}: ${systemErrorText(error)}`);
    throw new CannotOpen(what, { cause: error });
  }
}

/** As `writeManifest`, which logs by itself. */
function writeLogged(place: ManifestPlace, manifest: Manifest, log: Logger): string {
  try {
    return writeManifest(place, manifest, log);
  } catch (error) {
    throw new CannotOpen('the manifest cannot be written', { cause: error });
  }
}

function tempIncrementName({ stem }: ManifestPlace): string {
  return `temp-${stem}.incr`;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
