// Writes the stream of changes to the file at the end of the log, and makes it durable as the policy says.
//
//   stream in the core ──flush: one write per turn──> file ──sync──> disk
//   (position ............ writtenPosition ............ syncedPosition: bytes since the log was begun)
//
//   always     write, and sync in the background before replies leave: `commit`; or at once: `flush`
//   everysec   write, and sync in the background at most once a second; while one is under way the
//              write waits, for two seconds at most, and replies do not
//   no         write
//
// This is done once per turn of the event loop, before its replies leave: a process that is killed loses
// nothing it has acknowledged, but for what waits for a sync. The machine loses what was not synced.
//
// With `always` there is at most one commit at a time, as long as nobody is in a hurry (reply_gate.ts):
//
//   idle ──commit: write──> syncing ──synced: replies leave──> idle, or the next commit
//            ^                 │ changes of later turns stay in the stream
//            │                 │
//            │                 ├──flush: write, sync on the thread; what the commit has is durable, too
//            │                 └──the sync fails: the process ends, or when a flush has been faster, the
//            │                    log is rewritten
//
// A flush comes when files are changed or closed, when too many replies wait, and ten times a second while
// no commit is under way. Its sync says nothing wrong beside the one in the background, because they do
// not share a descriptor: each is told of every failure (storage/node_storage.node.ts).
//
// What could not be written stays in the stream, and a part that was is cut off again: the file ends with a
// whole command at all times, but for a crash. When even the cut fails, the rest of what was begun comes
// first in the next write.
//
// When the log goes on in another file (`switchTo`), the one before is made durable first: a crash may cut
// the end of the log but never take something out of its middle. Until that is done, in the background,
// writes wait as they do for a sync.
//
// Rules and messages are Redis's. Differences: a sync that failed is tried again every second, and
// once it succeeds the log is to be rewritten, because the system may have dropped what it could not
// write; the cut at the end, see above, also cares for the part of a write that could not be undone.

import type { Logger } from '../../log.ts';
import type { KeepOutcome } from '../../reply_gate.ts';
import type { StorageFile } from '../../storage/storage.ts';
import { systemErrorText } from '../../util/system_error.ts';

/** The stream of changes, as the core has it. */
export interface ChangeStream {
  readonly length: number;
  view(): Uint8Array;
  taken(bytes: number): void;
}

export interface WriterSettings {
  readonly policy: 'always' | 'everysec' | 'no';
  readonly timestamps: boolean;
  /** A snapshot is being written, and nothing is to be synced meanwhile. */
  readonly sparesDisk: boolean;
  /** A snapshot is being written. */
  readonly isSaving: boolean;
}

export interface WriterOptions {
  readonly stream: ChangeStream;
  readonly log: Logger;
  /** Unix milliseconds. */
  readonly now: () => number;
  settings(): WriterSettings;
  /** The data are not safe and never will be: the process has to end. */
  fatal(): void;
  /** Syncing failed for a while: what was written meanwhile may be missing. */
  onDoubt(): void;
  /** More is durable than before. */
  onSynced(): void;
  addLatency(event: string, milliseconds: number): void;
  /** DEBUG AOF-FLUSH-SLEEP: called before each write. */
  beforeWrite(): void;
}

const MS_PER_SECOND = 1000;
const ERROR_LOG_SECONDS = 30;
const POSTPONED_SECONDS_MAX = 2;

/** A moment that is to be noted in front of what comes at `at` in the stream. */
interface TimeMark {
  readonly at: number;
  readonly second: number;
}

/** The file before the present one, on its way to the disk. */
interface Retired {
  readonly file: StorageFile;
  isSynced: boolean;
}

export class AofWriter {
  private readonly options: WriterOptions;
  private file: StorageFile | undefined;
  /** Bytes in the file, and how many of them a sync has covered. */
  private size = 0;
  private syncedSize = 0;
  /** The rest of a write that could neither be finished nor undone. */
  private remainder: Uint8Array | undefined;
  private written = 0;
  private synced = 0;
  /** Position at which the present file begins. */
  private fileStart = 0;
  private isSyncing = false;
  /** Commits whose sync is not over. */
  private commits = 0;
  /** The process has to end: nothing is kept any more. */
  isFatal = false;
  private lastSyncSecond: number;
  private postponedSince: number | undefined;
  private retired: Retired | undefined;
  /** Work in the background, one after the other. */
  private background: Promise<void> = Promise.resolve();
  private pending = 0;
  private marks: TimeMark[] = [];
  private markedLength = 0;
  private lastMark = 0;
  private writeFailure: unknown;
  private syncFailure: unknown;
  /** A sync has failed: what was written before may never reach the disk, whatever later ones say. */
  private isDoubtful = false;
  private loggedErrorSecond = Number.NEGATIVE_INFINITY;
  /** Writes that did not wait for a sync any longer, since the last reset. */
  delayed = 0;

  constructor(options: WriterOptions) {
    this.options = options;
    this.lastSyncSecond = this.second();
  }

  // --- Figures ---

  get isOpen(): boolean {
    return this.file !== undefined;
  }

  /** Bytes in the present file. */
  get fileBytes(): number {
    return this.size;
  }

  /** Bytes that wait to be written. */
  get waitingBytes(): number {
    return this.options.stream.length + (this.remainder?.length ?? 0);
  }

  /** Everything up to now, in bytes of the stream since this writer was made. */
  get position(): number {
    return this.written + this.options.stream.length;
  }

  /** How much of that is durable. */
  get syncedPosition(): number {
    return this.synced;
  }

  get pendingSyncs(): number {
    return this.pending;
  }

  /** Why the last write or sync failed, in the system's words. */
  get error(): string | undefined {
    const failure = this.writeFailure ?? this.syncFailure;
    return failure === undefined ? undefined : systemErrorText(failure);
  }

  /** Forgets errors: the log is begun anew. */
  forgetErrors(): void {
    const { log } = this.options;
    if (this.syncFailure !== undefined) {
      log.warning('AOF reopen, just ignore the AOF fsync error in bio job');
    }
    if (this.writeFailure !== undefined) log.warning('AOF reopen, just ignore the last error.');
    this.syncFailure = undefined;
    this.writeFailure = undefined;
    this.remainder = undefined;
    this.isDoubtful = false;
  }

  private second(): number {
    return Math.floor(this.options.now() / MS_PER_SECOND);
  }

  // --- Files ---

  /**
   * From now on writes go to `file`, which has `size` durable bytes. What waits in the stream belongs to
   * it; everything before must have been written.
   */
  switchTo(file: StorageFile, size: number): void {
    const before = this.file;
    this.file = file;
    const isDurable = this.syncedSize === this.size;
    this.size = size;
    this.syncedSize = size;
    this.fileStart = this.written;
    this.lastMark = 0;
    this.marks = [];
    this.markedLength = 0;
    if (before === undefined) {
      this.synced = this.written;
      return;
    }
    this.lastSyncSecond = this.second();
    this.retire(before, isDurable);
  }

  private retire(file: StorageFile, isDurable: boolean): void {
    const retired: Retired = { file, isSynced: isDurable };
    const end = this.written;
    if (!isDurable) this.retired = retired;
    this.inBackground(async () => {
      try {
        if (!retired.isSynced) await file.syncAsync();
        this.endRetired(retired, end);
      } catch (error) {
        this.noteSyncFailure(error);
        // Trying again would find nothing to write: the system has dropped it.
        this.endRetired(retired, end);
        this.options.onDoubt();
      } finally {
        closeQuietly(file);
      }
    });
  }

  private endRetired(retired: Retired, end: number): void {
    retired.isSynced = true;
    if (this.retired === retired) this.retired = undefined;
    this.advance(end);
  }

  /** Writes and syncs everything, then lets go of the file. False when that failed. */
  close(): boolean {
    const { file } = this;
    if (file === undefined) return true;
    let isGood = this.flush(true) && this.waitingBytes === 0;
    this.finishRetired();
    try {
      file.sync();
      this.syncedSize = this.size;
      this.advance(this.written);
    } catch (error) {
      this.options.log.warning(`Fail to fsync the AOF file: ${systemErrorText(error)}`);
      isGood = false;
    }
    this.abandon();
    return isGood;
  }

  /** Lets go of the file as it is. */
  abandon(): void {
    const { file } = this;
    if (file === undefined) return;
    this.file = undefined;
    this.remainder = undefined;
    this.postponedSince = undefined;
    // A sync may be under way.
    this.inBackground(async () => closeQuietly(file));
  }

  // --- Writing ---

  /**
   * Writes what waits, unless it may wait longer; `force` does not let it. With `always` it is durable
   * when this returns. False when the process has to end, because something was promised that cannot be
   * kept.
   */
  flush(force = false): boolean {
    const { file } = this;
    if (file === undefined) return !this.isFatal;
    const settings = this.options.settings();
    const outcome = this.writeOut(file, settings, force);
    if (outcome !== 'written') return outcome === 'kept';
    if (settings.policy === 'always') return this.syncNow(file);
    if (settings.policy === 'everysec') this.syncInBackground(file);
    return true;
  }

  /**
   * As `flush`, but with `always` the sync is in the background, and `onKept` is called when it is over:
   * 'pending'. Otherwise replies may leave now, or never.
   */
  commit(onKept: () => void): KeepOutcome {
    const { file } = this;
    if (file === undefined) return this.isFatal ? 'never' : 'kept';
    const settings = this.options.settings();
    if (settings.policy !== 'always') return this.flush() ? 'kept' : 'never';
    const outcome = this.writeOut(file, settings, false);
    if (outcome !== 'written') return outcome;
    this.syncCommit(file, onKept);
    return 'pending';
  }

  /** A sync that replies wait for is under way. */
  get isCommitting(): boolean {
    return this.commits > 0;
  }

  /** Writes what waits. 'written': and there is something to be synced. */
  private writeOut(
    file: StorageFile,
    settings: WriterSettings,
    force: boolean,
  ): 'written' | 'kept' | 'never' {
    if (this.isFatal) return 'never';
    if (settings.timestamps) this.markTime();
    if (this.waitingBytes > 0) {
      if (this.mayPostpone(settings, force)) return 'kept';
      const written = this.write(file, settings);
      if (written !== 'written') return written === 'failed' ? 'kept' : 'never';
    }
    return this.syncedSize === this.size || settings.sparesDisk ? 'kept' : 'written';
  }

  /** Notes the time in front of what came since the last call, once a second. */
  private markTime(): void {
    const { length } = this.options.stream;
    const second = this.second();
    if (length > this.markedLength && second > this.lastMark) {
      this.marks.push({ at: this.markedLength, second });
      this.lastMark = second;
    }
    this.markedLength = length;
  }

  /** Whether the write is put off, because syncing is under way and the disk is busy with it. */
  private mayPostpone({ policy }: WriterSettings, force: boolean): boolean {
    const waitsForSync = policy === 'everysec' && this.isSyncing;
    const waitsForRetired = this.retired !== undefined;
    if (!waitsForSync && !waitsForRetired) return false;
    const second = this.second();
    const isPatient = policy !== 'always' && !force;
    this.postponedSince ??= isPatient ? second : undefined;
    if (isPatient && second - (this.postponedSince ?? second) < POSTPONED_SECONDS_MAX) return true;
    if (isPatient) {
      this.delayed += 1;
      this.options.log.notice(
        'Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer ' +
          'without waiting for fsync to complete, this may slow down Redis.',
      );
    }
    if (waitsForRetired) this.finishRetired();
    return false;
  }

  /** The file before has to be durable before anything is written to the present one. */
  private finishRetired(): void {
    const { retired } = this;
    if (retired === undefined) return;
    try {
      retired.file.sync();
      retired.isSynced = true;
    } catch (error) {
      this.noteSyncFailure(error);
      this.options.onDoubt();
    }
    this.retired = undefined;
  }

  private write(file: StorageFile, settings: WriterSettings): 'written' | 'failed' | 'fatal' {
    const { options } = this;
    const bytes = this.compose();
    options.beforeWrite();
    const began = performance.now();
    try {
      file.write(bytes);
    } catch (error) {
      return this.noteWriteFailure(file, bytes, error, settings);
    } finally {
      this.noteLatency(settings, performance.now() - began);
      this.postponedSince = undefined;
    }
    if (this.writeFailure !== undefined) {
      options.log.notice('AOF write error looks solved, Redis can write again.');
      this.writeFailure = undefined;
    }
    this.remainder = undefined;
    this.size += bytes.length;
    this.takeStream();
    return 'written';
  }

  /** All that waits, in the order it goes to the file; the stream itself when there is nothing else. */
  private compose(): Uint8Array {
    const stream = this.options.stream.view();
    if (this.marks.length === 0 && this.remainder === undefined) return stream;
    const parts: Uint8Array[] = this.remainder === undefined ? [] : [this.remainder];
    let at = 0;
    for (const mark of this.marks) {
      parts.push(stream.subarray(at, mark.at), timeAnnotation(mark.second));
      at = mark.at;
    }
    parts.push(stream.subarray(at));
    return Buffer.concat(parts);
  }

  /** Everything in the stream is in the file, or in the remainder. */
  private takeStream(): void {
    const { stream } = this.options;
    this.written += stream.length;
    stream.taken(stream.length);
    this.marks = [];
    this.markedLength = 0;
  }

  private noteLatency({ isSaving }: WriterSettings, milliseconds: number): void {
    const { options } = this;
    if (this.isSyncing) options.addLatency('aof-write-pending-fsync', milliseconds);
    else if (isSaving) options.addLatency('aof-write-active-child', milliseconds);
    else options.addLatency('aof-write-alone', milliseconds);
    options.addLatency('aof-write', milliseconds);
  }

  private noteWriteFailure(
    file: StorageFile,
    bytes: Uint8Array,
    error: unknown,
    { policy }: WriterSettings,
  ): 'failed' | 'fatal' {
    const { log } = this.options;
    const second = this.second();
    const isLogged = second - this.loggedErrorSecond > ERROR_LOG_SECONDS;
    if (isLogged) this.loggedErrorSecond = second;
    const written = this.writtenPart(file, bytes.length);
    if (written === 0) {
      if (isLogged) log.warning(`Error writing to the AOF file: ${systemErrorText(error)}`);
    } else {
      if (isLogged) {
        log.warning(
          `Short write while writing to the AOF file: (nwritten=${written}, expected=${bytes.length})`,
        );
      }
      this.cutShortWrite(file, bytes, written, isLogged);
    }
    this.writeFailure = error;
    if (policy !== 'always') return 'failed';
    log.warning(
      "Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting...",
    );
    this.end();
    return 'fatal';
  }

  private end(): void {
    this.isFatal = true;
    this.options.fatal();
  }

  /** How much of a write that failed is in the file. */
  private writtenPart(file: StorageFile, most: number): number {
    try {
      return Math.min(Math.max(file.size() - this.size, 0), most);
    } catch {
      return 0;
    }
  }

  private cutShortWrite(
    file: StorageFile,
    bytes: Uint8Array,
    written: number,
    isLogged: boolean,
  ): void {
    try {
      file.truncate(this.size);
    } catch (error) {
      if (isLogged) {
        this.options.log.warning(
          'Could not remove short write from the append-only file.  Redis may refuse to load ' +
            `the AOF the next time it starts.  ftruncate: ${systemErrorText(error)}`,
        );
      }
      this.remainder = Buffer.from(bytes.subarray(written));
      this.size += written;
      this.takeStream();
    }
  }

  // --- Making it durable ---

  private syncNow(file: StorageFile): boolean {
    const began = performance.now();
    try {
      file.sync();
    } catch (error) {
      this.endForSync(error);
      return false;
    }
    this.noteSynced(file, this.size, this.written, began);
    return true;
  }

  /** Syncs what is written now, for replies that wait for it. */
  private syncCommit(file: StorageFile, onKept: () => void): void {
    const { size, written } = this;
    const began = performance.now();
    this.commits += 1;
    this.inBackground(async () => {
      try {
        await file.syncAsync();
      } catch (error) {
        if (written > this.synced) this.endForSync(error);
        else this.noteNeedlessFailure(error);
        return;
      } finally {
        this.commits -= 1;
      }
      this.noteSynced(file, size, written, began);
      onKept();
    });
  }

  /** With `always`, `size` bytes of the file are durable, which is all up to a position. */
  private noteSynced(file: StorageFile, size: number, position: number, began: number): void {
    this.options.addLatency('aof-fsync-always', performance.now() - began);
    if (this.file === file) this.syncedSize = Math.max(this.syncedSize, size);
    this.lastSyncSecond = this.second();
    this.noteSyncSuccess();
    this.advance(position);
  }

  /** A sync has failed whose bytes a flush had made durable meanwhile. To be safe, the log is rewritten. */
  private noteNeedlessFailure(error: unknown): void {
    this.options.log.warning(`Fail to fsync the AOF file: ${systemErrorText(error)}`);
    this.options.onDoubt();
  }

  private endForSync(error: unknown): void {
    this.syncFailure = error;
    this.options.log.warning(
      "Can't persist AOF for fsync error when the AOF fsync policy is 'always': " +
        `${systemErrorText(error)}. Exiting...`,
    );
    this.end();
  }

  private syncInBackground(file: StorageFile): void {
    const second = this.second();
    if (second <= this.lastSyncSecond) return;
    this.lastSyncSecond = second;
    if (this.isSyncing) return;
    this.isSyncing = true;
    const { size, written } = this;
    this.inBackground(async () => {
      try {
        await file.syncAsync();
        if (this.file === file) this.syncedSize = Math.max(this.syncedSize, size);
        this.noteSyncSuccess();
        this.advance(written);
      } catch (error) {
        this.noteSyncFailure(error);
      } finally {
        this.isSyncing = false;
      }
    });
  }

  private noteSyncFailure(error: unknown): void {
    if (this.syncFailure === undefined) {
      this.options.log.warning(`Fail to fsync the AOF file: ${systemErrorText(error)}`);
    }
    this.syncFailure = error;
    this.isDoubtful = true;
  }

  private noteSyncSuccess(): void {
    if (this.syncFailure === undefined) return;
    this.syncFailure = undefined;
    this.options.onDoubt();
  }

  /** A new base is on the disk, which has all that came before the present file. */
  endDoubt(): void {
    this.isDoubtful = false;
    this.advance(this.syncedSize === this.size ? this.written : this.fileStart);
  }

  private advance(position: number): void {
    if (position <= this.synced || this.isDoubtful) return;
    this.synced = position;
    this.options.onSynced();
  }

  private inBackground(run: () => Promise<void>): void {
    this.pending += 1;
    this.background = this.background.then(run).finally(() => {
      this.pending -= 1;
      // Who waited for this need not wait for the next turn.
      if (this.postponedSince !== undefined) this.flush();
    });
  }

  /** Resolves when the work in the background at the time of the call is done. */
  idle(): Promise<void> {
    return this.background;
  }
}

/** "#TS:1700000000\r\n" */
export function timeAnnotation(second: number): Uint8Array {
  return Buffer.from(`#TS:${second}\r\n`);
}

function closeQuietly(file: StorageFile): void {
  try {
    file.close();
  } catch {
    // There is nothing left that could be lost.
  }
}
