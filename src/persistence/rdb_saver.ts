// Saving the data set to its snapshot file: at once (SAVE, FLUSHALL), in the background (BGSAVE, save
// points), and before the server ends. Keeps what INFO and LASTSAVE tell of that.
//
// A save that ends well sets the count of changes back: to none, or to those made since it began when
// others were served meanwhile. One that fails leaves the file before as it is.
//
// Redis forks; here the background save is a walk in slices of time. So "pid" in the log is our own, and
// no signal can end the save alone; when the server itself gives one up, nothing counts as failed.

import type { Logger } from '../log.ts';
import { joinPath } from '../storage/join_path.ts';
import type { Storage } from '../storage/storage.ts';
import { systemErrorText } from '../util/system_error.ts';
import type { Clock, DirtyCounter, Snapshots } from './parts.ts';
import { RdbFile, RdbFileError, type RdbFileStep } from './rdb_file.ts';
import { SnapshotError, type SnapshotRequest, type SnapshotSummary } from './snapshotter.ts';

const MS_PER_SECOND = 1000;

/** What a save goes by, read when it begins. */
export interface SaveSettings {
  /** Where the file is; absolute, since the working directory may change while it is written. */
  readonly directory: string;
  readonly fileName: string;
  readonly compress: boolean;
  readonly checksum: boolean;
  /** Bytes between two fsyncs while it is written, 0 for none of them. */
  readonly syncEveryBytes: number;
  keyDelayUs(): number;
}

export interface RdbSaverOptions {
  readonly storage: Storage;
  readonly snapshots: Snapshots;
  readonly log: Logger;
  readonly dirty: DirtyCounter;
  readonly now: Clock;
  readonly pid: number;
  settings(): SaveSettings;
  /** Keeps other processes from writing where this one is going to. Returns who does. */
  claimDirectory(): string | undefined;
  /** A save ended, well or not: what depends on it has to be looked at again. */
  onChange(): void;
}

export type SaveOutcome = 'saved' | 'failed' | 'aborted';

/** Redis's names for the steps, as they stand in its log. */
const STEP_NAMES: Readonly<Partial<Record<RdbFileStep, string>>> = {
  write: 'rdbSaveRio',
  fsync: 'fsync',
  close: 'fclose',
};

interface BackgroundSave {
  readonly startedAtSeconds: number;
  readonly file: RdbFile | undefined;
  isWalking: boolean;
  isAborted: boolean;
}

export class RdbSaver {
  /** Unix seconds of the last save that ended well; of the start before any did. */
  lastSaveSeconds: number;
  /** When a background save was last begun, 0 for never. */
  lastTrySeconds = 0;
  isLastBackgroundOk = true;
  /** How long the last background save took, -1 when there was none. */
  lastBackgroundSeconds = -1;
  /** What the last snapshot in the background, here or to a connection, took before its turn. */
  lastCopiedBytes = 0;
  /** Saves begun since the start or CONFIG RESETSTAT. */
  saves = 0;
  private readonly options: RdbSaverOptions;
  private background: BackgroundSave | undefined;

  constructor(options: RdbSaverOptions) {
    this.options = options;
    this.lastSaveSeconds = this.seconds();
  }

  get isRunning(): boolean {
    return this.background !== undefined;
  }

  /** How long the background save has been running, -1 when there is none. */
  get currentBackgroundSeconds(): number {
    return this.background ? this.seconds() - this.background.startedAtSeconds : -1;
  }

  // --- Saving ---

  /** Saves while nothing else is served. False when that failed; the log tells why. */
  saveNow(): boolean {
    const { snapshots, dirty } = this.options;
    const settings = this.options.settings();
    let file: RdbFile | undefined;
    try {
      const target = this.open(settings);
      file = target;
      snapshots.blocking(request(settings), (bytes) => target.writeNow(bytes));
      target.commitNow();
    } catch (error) {
      file?.discard();
      this.logFailure(error, settings);
      return false;
    }
    this.noteSaved();
    dirty.set(0);
    this.options.onChange();
    return true;
  }

  /** Saves in the background the data as they are now. To be called only when no walk is under way. */
  async startBackground(): Promise<SaveOutcome> {
    const { dirty, log } = this.options;
    const dirtyBefore = dirty.get();
    this.lastTrySeconds = this.seconds();
    this.saves += 1;
    log.notice(`Background saving started by pid ${this.options.pid}`);
    const outcome = await this.begin();
    if (outcome === 'saved') {
      log.notice('Background saving terminated with success');
      // There may be fewer by now: DEBUG LOADAOF sets them back.
      dirty.set(Math.max(dirty.get() - dirtyBefore, 0));
    } else if (outcome === 'failed') {
      log.warning('Background saving error');
      this.isLastBackgroundOk = false;
    } else log.warning('Background saving was given up');
    this.options.onChange();
    return outcome;
  }

  /** Saves without holding up the thread, while the caller sees to it that nothing changes. */
  async saveHeld(): Promise<SaveOutcome> {
    const outcome = await this.begin();
    if (outcome === 'saved') this.options.dirty.set(0);
    return outcome;
  }

  /** Gives the background save up, if there is one; nothing is left of it. */
  abort(): void {
    const { background } = this;
    if (!background) return;
    background.isAborted = true;
    background.file?.discard();
    if (background.isWalking) this.options.snapshots.abort();
    this.end(background);
  }

  private begin(): Promise<SaveOutcome> {
    const settings = this.options.settings();
    let file: RdbFile | undefined;
    let walk: Promise<SnapshotSummary>;
    try {
      file = this.open(settings);
      walk = this.options.snapshots.background(request(settings), file);
    } catch (error) {
      walk = Promise.reject(error);
    }
    const background: BackgroundSave = {
      startedAtSeconds: this.seconds(),
      file,
      isWalking: true,
      isAborted: false,
    };
    this.background = background;
    return this.follow(background, walk, settings);
  }

  /** Sees a background save through to its end. */
  private async follow(
    background: BackgroundSave,
    walk: Promise<SnapshotSummary>,
    settings: SaveSettings,
  ): Promise<SaveOutcome> {
    const { file } = background;
    let failure: unknown;
    try {
      const { copiedBytes } = await walk;
      background.isWalking = false;
      this.lastCopiedBytes = copiedBytes;
      await file?.commit();
    } catch (error) {
      failure = error;
    }
    background.isWalking = false;
    this.end(background);
    if (background.isAborted || isAbort(failure)) {
      file?.discard();
      return 'aborted';
    }
    if (failure === undefined) {
      this.noteSaved();
      return 'saved';
    }
    file?.discard();
    this.logFailure(failure, settings);
    return 'failed';
  }

  private end(background: BackgroundSave): void {
    if (this.background !== background) return;
    this.background = undefined;
    this.lastBackgroundSeconds = this.seconds() - background.startedAtSeconds;
  }

  private noteSaved(): void {
    this.options.log.notice('DB saved on disk');
    this.lastSaveSeconds = this.seconds();
    this.isLastBackgroundOk = true;
  }

  // --- Files ---

  private get temporaryName(): string {
    return `temp-${this.options.pid}.rdb`;
  }

  private open({ directory, fileName, syncEveryBytes }: SaveSettings): RdbFile {
    const owner = this.options.claimDirectory();
    if (owner !== undefined) throw new RdbFileError('open', new Error(owner));
    return new RdbFile({
      storage: this.options.storage,
      directory,
      temporaryName: this.temporaryName,
      name: fileName,
      syncEveryBytes,
    });
  }

  /**
   * Removes what processes left that ended while they saved. `isAlive` tells of a process by its pid;
   * our own number belonged to another one before.
   */
  removeStaleFiles(isAlive: (pid: number) => boolean): void {
    const { storage, log, pid } = this.options;
    const { directory, fileName } = this.options.settings();
    for (const name of namesIn(storage, directory)) {
      const owner = Number(/^temp-(\d+)\.rdb$/.exec(name)?.[1] ?? Number.NaN);
      if (Number.isNaN(owner) || name === fileName) continue;
      if (owner !== pid && isAlive(owner)) continue;
      try {
        storage.remove(joinPath(directory, name));
        log.notice(`Removed ${name}, which process ${owner} left behind`);
      } catch (error) {
        log.warning(`Can't remove the stale file ${name}: ${systemErrorText(error)}`);
      }
    }
  }

  private logFailure(error: unknown, { directory, fileName }: SaveSettings): void {
    const { log } = this.options;
    const found = fileErrorIn(error);
    const step = found?.step ?? 'write';
    const noMemory = error instanceof SnapshotError && error.code === 'NO_MEMORY';
    const reason = noMemory ? 'Cannot allocate memory' : systemErrorText(found?.cause ?? error);
    const name = this.temporaryName;
    if (step === 'open') {
      log.warning(
        `Failed opening the temp RDB file ${name} (in server root dir ${directory}) for saving: ${reason}`,
      );
    } else if (step === 'rename') {
      log.warning(
        `Error moving temp DB file ${name} on the final destination ${fileName} (in server root dir ${directory}): ${reason}`,
      );
    } else if (step === 'directory') {
      log.warning(`Failed to fsync directory while saving DB: ${reason}`);
    } else {
      log.warning(`Write error while saving DB to the disk(${STEP_NAMES[step]}): ${reason}`);
    }
  }

  private seconds(): number {
    return Math.floor(this.options.now() / MS_PER_SECOND);
  }
}

function request({ compress, checksum, keyDelayUs }: SaveSettings): SnapshotRequest {
  return { format: 'rdb', aux: [], compress, checksum, keyDelayUs };
}

/** The walk was called off, not by `abort`: somebody else needs it more. */
function isAbort(error: unknown): boolean {
  return error instanceof SnapshotError && error.code === 'ABORTED';
}

/** The walk wraps what the file threw. */
function fileErrorIn(error: unknown): RdbFileError | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof RdbFileError) return at;
  }
  return undefined;
}

function namesIn(storage: Storage, directory: string): string[] {
  try {
    return storage.list(directory);
  } catch {
    // A directory that cannot be read shows up as soon as something is to be loaded or saved.
    return [];
  }
}
