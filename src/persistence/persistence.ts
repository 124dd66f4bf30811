// Persistence as a whole: what is loaded at the start, when the data set is saved, what becomes of
// writes when saving fails, and what INFO tells of all that.
//
//   start: lock the directory ─> load (append-only file, else snapshot) ─> serve
//   ten times a second: save points, scheduled saves, the append-only file's own work
//   FLUSHALL, DEBUG RELOAD, the last save of a shutdown: whatever walk is under way makes room; for DEBUG
//   LOADAOF only a rewrite does
//
// There is one walk over the data set at a time: a background save, a transfer to a connection or a
// rewrite of the append-only file. The parts know of each other only through this file.
//
// While the data set is loaded, commands that need it are refused (GUARD_LOADING) and nothing expires. A
// load that fails ends the process: half a data set is never served.

import * as abi from '../../assembly/abi.ts';
import type { Config } from '../config/config.ts';
import type { Guards } from '../core/guards.ts';
import { CoreCrash, type Engine } from '../engine.ts';
import type { Logger } from '../log.ts';
import { blockThread, type ReloadOptions } from '../monitor/debug.ts';
import { DEFAULT_PERSISTENCE, type PersistenceFacts } from '../monitor/facts.ts';
import { joinPath } from '../storage/join_path.ts';
import type { Storage } from '../storage/storage.ts';
import { leadingInteger } from '../util/integers.ts';
import { nextTurn } from '../util/next_turn.ts';
import { systemErrorText } from '../util/system_error.ts';
import { AppendOnly, type RewriteOutcome, type Stream } from './aof/append_only.ts';
import {
  DirectoryInUse,
  DirectoryLock,
  DirectoryLockError,
  type ProcessIdentity,
} from './directory_lock.ts';
import { loadOptions } from './load_options.ts';
import { Loading } from './loading.ts';
import type { Clock, Snapshots } from './parts.ts';
import {
  loadRdb,
  loadRdbBlocking,
  RdbLoadError,
  type RdbLoadOptions,
  type RdbLoadResult,
} from './rdb_loader.ts';
import { RdbSaver, type SaveOutcome, type SaveSettings } from './rdb_saver.ts';
import { RdbTransfers, type TransferSettings } from './rdb_transfer.ts';
import type { SaveHooks } from './save_commands.ts';
import { firstDueSavePoint, mayTrySave, type SaveHistory } from './save_points.ts';
import type { ExitOutcome, ExitRequest } from './shutdown.ts';

const MS_PER_SECOND = 1000;
/** `rdb-save-incremental-fsync` */
const SYNC_EVERY_BYTES = 4 << 20;
const LOADING = 'LOADING Redis is loading the dataset in memory';
const REFUSED_EXIT: ExitOutcome = { mayEnd: false, isStored: false };
const LOADAOF_FAILED = 'ERR Error trying to load the AOF files, check server logs.';

export interface PersistenceOptions {
  readonly engine: Engine;
  readonly config: Config;
  readonly guards: Guards;
  readonly log: Logger;
  readonly storage: Storage;
  readonly snapshots: Snapshots;
  /** The core's stream of changes. */
  readonly stream: Stream;
  readonly identity: ProcessIdentity;
  readonly now: Clock;
  /** DEBUG SET-SKIP-CHECKSUM-VALIDATION */
  skipsChecksum(): boolean;
  /** DEBUG AOF-FLUSH-SLEEP: called before each write to the append-only file. */
  beforeAofWrite(): void;
  addLatency(event: string, milliseconds: number): void;
  /** `appendonly` was set: a log that is there for a backup has to go. */
  beforeAppendOnly?(): void;
  /** Ends the process. */
  exit(code: number): void;
}

/** The process is about to end: nothing more is to be done. */
export class Ending extends Error {}

export class Persistence {
  readonly saver: RdbSaver;
  readonly transfers: RdbTransfers;
  readonly appendOnly: AppendOnly;
  private readonly options: PersistenceOptions;
  private readonly loading: Loading;
  private isSaveScheduled = false;
  /** See `replaced`. */
  private replacements = 0;
  private keysLoaded = 0;
  private keysExpired = 0;
  private lock: DirectoryLock | undefined;
  /** The error of refused writes, empty for the one about snapshots. */
  private diskErrorText = '';
  private readonly waitingForIdle: (() => void)[] = [];

  constructor(options: PersistenceOptions) {
    this.options = options;
    const { storage, snapshots, log, identity, now } = options;
    const { pid } = identity;
    const { core } = options.engine;
    this.loading = new Loading(now);
    this.saver = new RdbSaver({
      storage,
      snapshots,
      log,
      now,
      pid,
      dirty: {
        get: () => core.stat(abi.STAT_DIRTY),
        set: (changes) => {
          core.setStat(abi.STAT_DIRTY, changes);
          this.noteReplaced();
        },
      },
      settings: () => this.saveSettings(),
      claimDirectory: () => this.claimDirectory(),
      onChange: () => this.walkEnded(),
    });
    this.transfers = new RdbTransfers({
      snapshots,
      storage,
      log,
      pid,
      now,
      saver: this.saver,
      settings: () => this.transferSettings(),
      isIdle: () => !this.isWalking,
      onEnd: () => this.walkEnded(),
    });
    this.appendOnly = new AppendOnly({
      engine: options.engine,
      config: options.config,
      storage,
      log,
      snapshots,
      stream: options.stream,
      pid,
      now,
      exit: options.exit,
      isBusy: () => this.isSaving,
      onWriteStatus: () => this.refreshDiskGuard(),
      addLatency: options.addLatency,
      beforeWrite: options.beforeAofWrite,
      skipsChecksum: options.skipsChecksum,
      onBaseLoaded: (result) => this.noteLoaded(result),
    });
    options.guards.set(abi.GUARD_LOADING, true);
    this.followDirectives();
  }

  // --- States ---

  get isLoading(): boolean {
    return this.options.guards.has(abi.GUARD_LOADING);
  }

  /** A save in the background, to the disk or to a connection. */
  get isSaving(): boolean {
    return this.saver.isRunning || this.transfers.isRunning;
  }

  /** Anything goes over the data set, or has done so and is not through yet. */
  get isWalking(): boolean {
    return this.isSaving || this.options.snapshots.isRunning || this.appendOnly.isRewriting;
  }

  /**
   * Grows when data come from elsewhere than commands, or the figures that tell of changes are set back: while it is
   * the same, the core's figures tell whether data have changed.
   */
  get replaced(): number {
    return this.replacements;
  }

  noteReplaced(): void {
    this.replacements += 1;
  }

  /** Whether there are save points. */
  get hasSavePoints(): boolean {
    return this.options.config.get('save').length > 0;
  }

  // --- Loading ---

  /** Loads what was saved before. Throws Ending when the server cannot go on; the log tells why. */
  async load(): Promise<void> {
    const { guards, engine } = this.options;
    const { appendOnly } = this;
    if (this.hasSavePoints || appendOnly.isOn) this.requireDirectory();
    if (this.lock) this.saver.removeStaleFiles((pid) => this.options.identity.isRunning(pid, ''));
    if (appendOnly.isOn) await this.loadAppendOnly();
    else await this.loadSnapshot();
    appendOnly.open();
    engine.core.exports.setConfig(abi.CFG_TELL_FLUSHALL, 1);
    guards.set(abi.GUARD_LOADING, false);
  }

  private requireDirectory(): void {
    const reason = this.claimDirectory();
    if (reason === undefined) return;
    this.options.log.warning(reason);
    this.endWith(1);
  }

  /**
   * Makes sure that no other process writes where this one is going to. Returns why not. A server that
   * never saves does not get here: any number of them may run in one directory.
   */
  claimDirectory(): string | undefined {
    const { storage, identity, config, now } = this.options;
    const directory = config.get('dir');
    if (this.lock?.directory === directory) return undefined;
    try {
      const lock = DirectoryLock.take({ storage, directory, identity, now, pause: blockThread });
      this.lock?.release();
      this.lock = lock;
      return undefined;
    } catch (error) {
      if (error instanceof DirectoryInUse || error instanceof DirectoryLockError) {
        return error.message;
      }
      throw error;
    }
  }

  private async loadAppendOnly(): Promise<void> {
    const { appendOnly } = this;
    const began = performance.now();
    this.loading.begin(0);
    const outcome = await appendOnly.load((loadedBytes, totalBytes) => {
      this.loading.progress(loadedBytes, totalBytes);
      return nextTurn();
    });
    this.loading.end();
    if (outcome === 'failed') this.endWith(1);
    if (outcome === 'nothing') return;
    const seconds = secondsSince(began);
    this.options.log.notice(`DB loaded from append only file: ${seconds} seconds`);
  }

  private async loadSnapshot(): Promise<void> {
    const { log } = this.options;
    const began = performance.now();
    const path = this.snapshotPath();
    const bytes = this.snapshotBytes(path);
    if (bytes === undefined) return;
    this.loading.begin(bytes);
    try {
      this.noteLoaded(await loadRdb(path, this.snapshotOptions(bytes, false)));
    } catch (error) {
      this.endForLoad(error);
    } finally {
      this.loading.end();
    }
    log.notice(`DB loaded from disk: ${secondsSince(began)} seconds`);
  }

  private snapshotOptions(totalBytes: number, allowDuplicates: boolean): RdbLoadOptions {
    return {
      ...loadOptions(this.options),
      allowDuplicates,
      keepExpired: false,
      onProgress: (loadedBytes) => this.loading.progress(loadedBytes, totalBytes),
      onAux: (name, value) => {
        if (name === 'used-mem') this.loading.usedMemoryBytes = leadingInteger(Buffer.from(value));
      },
    };
  }

  private noteLoaded({ keysLoaded, keysExpired }: RdbLoadResult): void {
    this.keysLoaded = keysLoaded;
    this.keysExpired = keysExpired;
  }

  /** Zero bytes are a file that ends too early; undefined when there is no file. */
  private snapshotBytes(path: string): number | undefined {
    try {
      return this.options.storage.status(path)?.sizeBytes;
    } catch (error) {
      return this.endUnreadable(error);
    }
  }

  private endForLoad(error: unknown): never {
    if (error instanceof CoreCrash) throw error;
    if (error instanceof RdbLoadError) return this.endWith(1, error.lastWords);
    return this.endUnreadable(error);
  }

  private endUnreadable(error: unknown): never {
    const name = this.options.config.get('dbfilename');
    const reason = systemErrorText(error);
    this.options.log.warning(`Fatal error: can't open the RDB file ${name} for reading: ${reason}`);
    return this.endWith(1, 'Fatal error loading the DB, check server logs. Exiting.');
  }

  private endWith(code: number, message?: string): never {
    if (message !== undefined) this.options.log.warning(message);
    this.options.exit(code);
    throw new Ending('the process ends');
  }

  // --- Loading again: DEBUG RELOAD and LOADAOF ---

  /** Returns the error to reply with. `client`: address of the connection that asks. */
  reload(client: number, { saves, flushes, merges }: ReloadOptions): string | undefined {
    const { engine, log } = this.options;
    if (this.isLoading) return LOADING;
    this.makeRoom();
    if (saves && !this.saver.saveNow()) return 'ERR';
    if (flushes) engine.core.exports.emptyDataset(client);
    this.noteReplaced();
    const path = this.snapshotPath();
    const bytes = this.snapshotBytes(path);
    if (bytes === undefined) {
      return 'ERR Error trying to load the RDB dump, check server logs.';
    }
    try {
      const options = this.snapshotOptions(bytes, merges);
      this.noteLoaded(this.whileLoading(() => loadRdbBlocking(path, options)));
    } catch (error) {
      this.endForLoad(error);
    }
    log.notice('DB reloaded by DEBUG RELOAD');
    return undefined;
  }

  /**
   * As `reload`, with the append-only file. A save that is under way goes on: its walk keeps what it
   * has not written yet, and what is loaded is none of its business, so that no command of the log has
   * to wait for it.
   */
  async reloadAppendOnly(client: number): Promise<string | undefined> {
    const { engine, log, snapshots } = this.options;
    if (this.isLoading) return LOADING;
    // The log's commands could not run before the transaction is over.
    if (engine.isInTransaction) return 'ERR Command not allowed inside a transaction';
    // It would be of data that are not there any more: another one is due.
    if (this.appendOnly.isRewriting) snapshots.abort();
    if (!this.appendOnly.writeOut()) return LOADAOF_FAILED;
    this.noteReplaced();
    engine.core.exports.emptyDataset(client);
    const outcome = await this.whileLoading(() => this.appendOnly.load(() => nextTurn()));
    // What was there is gone.
    if (outcome === 'failed') this.endWith(1);
    if (outcome === 'nothing') return LOADAOF_FAILED;
    engine.core.setStat(abi.STAT_DIRTY, 0);
    log.notice('Append Only File loaded by DEBUG LOADAOF');
    return undefined;
  }

  /** Commands that need the data set are refused until `run`, or its promise, is through. */
  private whileLoading<T>(run: () => T): T {
    const { guards } = this.options;
    guards.set(abi.GUARD_LOADING, true);
    let isPending = false;
    const end = () => guards.set(abi.GUARD_LOADING, false);
    try {
      const result = run();
      if (!(result instanceof Promise)) return result;
      isPending = true;
      return result.finally(end) as T;
    } finally {
      if (!isPending) end();
    }
  }

  // --- Saving ---

  /** Ten times a second. */
  tick(): void {
    if (this.isLoading) return;
    const { log } = this.options;
    this.appendOnly.tick();
    this.transfers.tick();
    if (this.isWalking) return;
    for (const resolve of this.waitingForIdle.splice(0)) resolve();
    if (this.isWalking) return;
    const history = this.saveHistory();
    const due = firstDueSavePoint(this.options.config.get('save'), history);
    if (due !== undefined) {
      log.notice(`${due.changes} changes in ${due.seconds} seconds. Saving...`);
      void this.saver.startBackground();
    } else if (this.isSaveScheduled && mayTrySave(history)) {
      this.startBackground();
    }
  }

  private saveHistory(): SaveHistory {
    const { saver } = this;
    return {
      nowSeconds: Math.floor(this.options.now() / MS_PER_SECOND),
      lastSaveSeconds: saver.lastSaveSeconds,
      lastTrySeconds: saver.lastTrySeconds,
      wasLastOk: saver.isLastBackgroundOk,
      dirty: this.options.engine.core.stat(abi.STAT_DIRTY),
    };
  }

  private startBackground(): void {
    this.isSaveScheduled = false;
    void this.saver.startBackground();
  }

  /** What SAVE, BGSAVE and LASTSAVE work with. */
  saveHooks(): SaveHooks {
    const { saver } = this;
    const { engine } = this.options;
    return {
      isSaving: () => this.isSaving,
      isWalking: () => this.isWalking,
      whenIdle: () => new Promise((resolve) => this.waitingForIdle.push(resolve)),
      saveNow: () => {
        saver.saves += 1;
        return saver.saveNow();
      },
      startBackground: () => this.startBackground(),
      schedule: () => {
        this.isSaveScheduled = true;
      },
      lastSaveSeconds: () => saver.lastSaveSeconds,
      isInTransaction: () => engine.isInTransaction,
      startRewrite: () => this.startRewrite(),
    };
  }

  /**
   * FLUSHALL ran: a save that is under way would bring back what is gone, and the file of the last one
   * as well.
   */
  flushedAll(): void {
    this.transfers.abort();
    this.saver.abort();
    if (!this.hasSavePoints) return;
    this.makeRoom();
    this.saver.saveNow();
  }

  /** Ends every walk, so that another one may begin now. */
  private makeRoom(): void {
    this.transfers.abort();
    this.saver.abort();
    this.options.snapshots.abort();
  }

  private walkEnded(): void {
    this.refreshDiskGuard();
    this.appendOnly.onSnapshotEnd();
  }

  /** Writes are refused while what they change could not be saved. */
  private refreshDiskGuard(): void {
    const { config, guards, engine } = this.options;
    const isSnapshotLost =
      config.get('stop-writes-on-bgsave-error') &&
      this.hasSavePoints &&
      !this.saver.isLastBackgroundOk;
    const reason = isSnapshotLost ? undefined : this.appendOnly.writeError;
    const text = reason === undefined ? '' : `MISCONF Errors writing to the AOF file: ${reason}`;
    if (text !== this.diskErrorText) {
      this.diskErrorText = text;
      const { core } = engine;
      core.exports.setDiskError(core.word(abi.ABI_SCRATCH), core.toScratch(text));
    }
    guards.set(abi.GUARD_DISK_ERROR, isSnapshotLost || reason !== undefined);
  }

  // --- The end ---

  /** Saves what is to be saved before the process ends. Nothing may be written meanwhile. */
  async prepareExit({ save, isForced }: ExitRequest): Promise<ExitOutcome> {
    const { log } = this.options;
    if (this.saver.isRunning) log.warning('There is a child saving an .rdb. Killing it!');
    this.transfers.abort();
    this.saver.abort();
    let isStored = this.appendOnly.isWhole;
    if (!this.endRewrite(isForced)) return REFUSED_EXIT;
    if (!this.isLoading && (save === 'always' || (save === 'default' && this.hasSavePoints))) {
      const outcome = await this.saveLast(isForced);
      if (outcome === 'aborted' || (outcome === 'failed' && !isForced)) return REFUSED_EXIT;
      isStored = outcome === 'saved';
    }
    // Only now, because the server may have had to go on.
    if (this.appendOnly.isOn && !this.isLoading) {
      log.notice('Calling fsync() on the AOF file.');
      if (!this.appendOnly.shutdown()) isStored = false;
    }
    return { mayEnd: true, isStored };
  }

  /** What the append-only file has is whole without the rewrite, unless it is the first one. */
  private endRewrite(isForced: boolean): boolean {
    const { log } = this.options;
    const { appendOnly } = this;
    if (!appendOnly.isRewriting) return true;
    if (appendOnly.isWritingFirstBase) {
      log.warning(
        isForced ? 'Writing initial AOF. Exit anyway.' : "Writing initial AOF, can't exit.",
      );
      if (!isForced) return false;
    }
    log.warning('There is a child rewriting the AOF. Killing it!');
    this.options.snapshots.abort();
    return true;
  }

  private async saveLast(isForced: boolean): Promise<SaveOutcome> {
    const { log } = this.options;
    log.notice('Saving the final RDB snapshot before exiting.');
    this.options.snapshots.abort();
    const outcome = await this.saver.saveHeld();
    if (outcome === 'failed') {
      log.warning(
        isForced
          ? 'Error trying to save the DB. Exit anyway.'
          : "Error trying to save the DB, can't exit.",
      );
    }
    return outcome;
  }

  /** Gives up a save under way, so that nothing half written is left. */
  abortSave(): void {
    this.saver.abort();
  }

  /** The process is about to end: others may have the directory. */
  close(): void {
    this.abortSave();
    this.lock?.release();
    this.lock = undefined;
  }

  // --- Directives ---

  private followDirectives(): void {
    const { config } = this.options;
    config.subscribe(['save', 'stop-writes-on-bgsave-error'], () => {
      this.refreshDiskGuard();
      return undefined;
    });
    config.subscribe('appendonly', () => this.applyAppendOnly());
    config.subscribe('aof-disable-auto-gc', () => {
      this.appendOnly.deleteHistory();
      return undefined;
    });
    // The lock goes along.
    config.subscribe('dir', () => (this.lock ? this.claimDirectory() : undefined));
  }

  private applyAppendOnly(): string | undefined {
    const { appendOnly } = this;
    this.options.beforeAppendOnly?.();
    const wanted = this.options.config.get('appendonly');
    if (wanted === appendOnly.isOn) return undefined;
    if (!wanted) {
      appendOnly.turnOff();
      return undefined;
    }
    const owner = this.claimDirectory();
    if (owner === undefined) return appendOnly.turnOn();
    this.options.log.warning(owner);
    return 'Unable to turn on AOF. Check server logs.';
  }

  /** BGREWRITEAOF. */
  private startRewrite(): RewriteOutcome {
    const owner = this.claimDirectory();
    return owner === undefined ? this.appendOnly.startRewrite() : { error: `ERR ${owner}` };
  }

  private snapshotPath(): string {
    const { config } = this.options;
    return joinPath(config.get('dir'), config.get('dbfilename'));
  }

  private saveSettings(): SaveSettings {
    const { config } = this.options;
    return {
      directory: config.get('dir'),
      fileName: config.get('dbfilename'),
      compress: config.get('rdbcompression'),
      checksum: config.get('rdbchecksum'),
      syncEveryBytes: config.get('rdb-save-incremental-fsync') ? SYNC_EVERY_BYTES : 0,
      keyDelayUs: () => config.get('rdb-key-save-delay'),
    };
  }

  private transferSettings(): TransferSettings {
    const { config } = this.options;
    const isPersistent = this.hasSavePoints || this.appendOnly.isOn;
    return {
      ...this.saveSettings(),
      timeoutSeconds: config.get('repl-timeout'),
      removesFiles: config.get('rdb-del-sync-files') && !isPersistent,
    };
  }

  // --- Figures ---

  facts(): PersistenceFacts {
    const { saver, transfers } = this;
    const { snapshots } = this.options;
    const { keysDone, keysTotal, copiedBytes } = snapshots.isRunning
      ? snapshots.progress
      : { keysDone: 0, keysTotal: 0, copiedBytes: 0 };
    const load = this.loading.facts();
    return {
      ...DEFAULT_PERSISTENCE,
      ...this.appendOnly.facts(),
      loading: load !== undefined,
      saveKeysProcessed: keysDone,
      saveKeysTotal: keysTotal,
      saveCopiedBytes: copiedBytes,
      snapshotsBegun: snapshots.begun,
      lastSnapshotBeginUs: snapshots.lastBeginUs,
      lastSaveCopiedBytes: saver.lastCopiedBytes,
      bgsaveInProgress: this.isSaving,
      lastSaveTime: saver.lastSaveSeconds,
      lastBgsaveOk: saver.isLastBackgroundOk,
      lastBgsaveSeconds: saver.lastBackgroundSeconds,
      currentBgsaveSeconds: Math.max(saver.currentBackgroundSeconds, transfers.currentSeconds),
      saves: saver.saves,
      lastLoadKeysExpired: this.keysExpired,
      lastLoadKeysLoaded: this.keysLoaded,
      ...(load && { load }),
    };
  }

  /** CONFIG RESETSTAT. */
  resetStatistics(): void {
    this.noteReplaced();
    this.saver.saves = 0;
    this.options.snapshots.begun = 0;
    this.options.snapshots.lastBeginUs = 0;
    this.transfers.requests = 0;
    this.appendOnly.resetStatistics();
  }
}

function secondsSince(began: number): string {
  return ((performance.now() - began) / MS_PER_SECOND).toFixed(3);
}
