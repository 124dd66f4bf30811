// Keeps what an engine changes: a log of commands behind a snapshot, in the files of a backend.
//
//   core's stream ──take──> queue ──one frame at a time──> log ──durable──> replies leave (strict)
//
//   strict    no reply leaves before every change that it may tell of is durable
//   relaxed   replies leave at once while the oldest change that is not durable is younger than
//             WAITING_MS_MAX, and wait as in `strict` otherwise; the writing begins at the end of the turn
//
// So a crash takes nothing that was acknowledged, or with `relaxed` what was acknowledged in the last
// WINDOW_MS before it, and most often nothing: a write that has begun goes on when a page is killed, in the
// worker or the browser that has the files. The rest of the window is for a machine that is slow to begin.
// Frames are durable one by one (frames.ts), in both modes; while one is written,
// changes gather for the next one, so all clients of that time share a write.
//
// When the log is much longer than the snapshot, a new generation begins, in slices of time:
//
//   moment: queue closes log g, stream begins anew, walk begins ─> log g+1 goes on, snapshot g+1 is written
//           ─> both are durable ─> manifest: g+1 ─> what was before is removed
//
// A failure anywhere leaves generation g with the logs g and g+1, which are loaded one after the other.
//
// When a frame cannot be written (QUOTA most often), commands that write are refused with MISCONF
// (GUARD_DISK_ERROR), reading goes on, and the frame is tried again every RETRY_MS. The connections whose
// replies waited for it are closed with the error: what they changed is there for readers, and stored as
// soon as there is room, but it is not known to be. Memory that ran out for the stream itself is mended
// in the same state, by a new generation.
//
// Of an engine that has crashed nothing more is asked: what was taken from its stream before is written, the
// rest of the stream counts as not there.

import * as abi from '../../../assembly/abi.ts';
import type { Guards } from '../../core/guards.ts';
import { Propagation } from '../../core/propagation.ts';
import { RespiteError } from '../../embedded/errors.ts';
import type { Engine } from '../../engine.ts';
import type { SnapshotError, Snapshotter } from '../../persistence/snapshotter.ts';
import type { Journal, KeepOutcome } from '../../reply_gate.ts';
import type { Backend } from './backend.ts';
import { storageError } from './backend.ts';
import { frame } from './frames.ts';
import { beginLog, type LoadedStore, loadStore, type OpenLog } from './load_store.ts';
import { logName, type Manifest, snapshotName, writeManifest } from './manifest.ts';

export type Durability = 'relaxed' | 'strict';

export interface StoreOptions {
  readonly backend: Backend;
  /** Empty, without a journal. */
  readonly engine: Engine;
  readonly guards: Guards;
  /** What walks the data set: fetched when it is needed first. */
  snapshots(): Promise<Snapshotter>;
  readonly durability: Durability;
  /** The log is compacted from this size on; for tests. */
  readonly compactionBytesMin?: number;
}

/** What `relaxed` may lose, in milliseconds. */
export const WINDOW_MS = 1000;
/** Age of the oldest change that is not durable, in milliseconds, up to which replies do not wait for it. */
const WAITING_MS_MAX = 100;
const RETRY_MS = 1000;
/** A shorter log is left alone. */
const COMPACTION_BYTES_MIN = 4 << 20;
/** A longer one goes when it is so many times the snapshot. */
const COMPACTION_RATIO = 1;
/** A compaction that failed is not tried again before this time is over. */
const COMPACTION_RETRY_MS = 60_000;

/** Changes on their way to a log. */
interface Batch {
  readonly generation: number;
  readonly parts: Uint8Array[];
  /** Position behind them. */
  end: number;
  /** When the oldest of them came. */
  readonly sinceMs: number;
}

interface Waiter {
  readonly position: number;
  onKept(): void;
  onRefused(): void;
}

export class PersistentStore implements Journal {
  private readonly options: StoreOptions;
  private readonly backend: Backend;
  private readonly stream: Propagation;
  private manifest: Manifest;
  private log: OpenLog;
  /** Generation that changes belong to from now on. */
  private generation: number;
  private logBytes: number;
  /** Bytes taken from the stream, and how many of them are durable. */
  private taken = 0;
  private durable = 0;
  /** Position up to which the gate has asked. */
  private asked = 0;
  private queue: Batch[] = [];
  private waiters: Waiter[] = [];
  /** The writing under way or the last one, and the batch that it is at. */
  private writing: Promise<void> = Promise.resolve();
  private isWriting = false;
  private current: Batch | undefined;
  /** When the oldest change came that is still in the stream; relaxed only. */
  private gatheringSinceMs: number | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private snapshots: Snapshotter | undefined;
  private compaction: Promise<void> | undefined;
  private compactsAfterMs = 0;
  private isClosing = false;
  private isClosed = false;
  private failure: RespiteError | undefined;
  /** Position when that began. */
  private failedAt = 0;
  /** Something is in no log, so that nothing is to be written before a snapshot is. */
  private needsSnapshot = false;
  private readonly syncListeners = new Set<() => void>();
  /** Unix seconds of the last snapshot, or of the opening. */
  lastSaveSeconds = 0;

  /** Loads what is stored; from then on what the engine changes is kept. */
  static async open(options: StoreOptions): Promise<PersistentStore> {
    const store = new PersistentStore(options, await loadStore(options));
    store.stream.turn(true);
    options.engine.setJournal(store);
    return store;
  }

  private constructor(options: StoreOptions, { manifest, log, logBytes }: LoadedStore) {
    this.options = options;
    this.backend = options.backend;
    this.stream = new Propagation(options.engine.core);
    this.manifest = manifest;
    this.log = log;
    this.generation = log.generation;
    this.logBytes = logBytes;
    this.noteSaved();
  }

  private noteSaved(): void {
    this.lastSaveSeconds = Math.floor(this.options.engine.now() / 1000);
  }

  // --- Facts ---

  get isSaving(): boolean {
    return this.compaction !== undefined;
  }

  /** Resolves when no snapshot is being written. */
  async saved(): Promise<void> {
    await this.compaction?.catch(() => {});
  }

  get bytes(): { readonly log: number; readonly snapshot: number; readonly waiting: number } {
    const { snapshotBytes: snapshot } = this.manifest;
    return { log: this.logBytes, snapshot, waiting: this.position - this.durable };
  }

  isSynced(position: number): boolean {
    return this.durable >= position;
  }

  /** Calls back whenever more is durable. Returns what ends that. */
  onSynced(listener: () => void): () => void {
    this.syncListeners.add(listener);
    return () => this.syncListeners.delete(listener);
  }

  /** Why nothing can be stored now; undefined while all is well. */
  get error(): RespiteError | undefined {
    return this.failure;
  }

  // --- Journal ---

  get position(): number {
    return this.taken + this.streamBytes;
  }

  /** While nothing can be stored, only replies to what ran before that was known have to wait. */
  get hasChanges(): boolean {
    if (this.failure !== undefined) return this.asked < this.failedAt;
    return this.position !== this.asked || this.isLost;
  }

  keep(onKept: () => void, onRefused: () => void): KeepOutcome {
    const { position } = this;
    this.asked = position;
    if (this.options.durability === 'relaxed' && this.mayWait()) return 'kept';
    if (this.failure !== undefined) {
      queueMicrotask(onRefused);
      return 'pending';
    }
    this.waiters.push({ position, onKept, onRefused });
    this.write();
    return 'pending';
  }

  /** Has what waits written. Whether the oldest change that is not durable is young. */
  private mayWait(): boolean {
    const now = performance.now();
    if (this.streamBytes > 0) this.gatheringSinceMs ??= now;
    const oldestMs = (this.current ?? this.queue[0])?.sinceMs ?? this.gatheringSinceMs ?? now;
    this.write();
    return now - oldestMs < WAITING_MS_MAX && !this.isLost;
  }

  // --- The core ---

  /** Bytes of changes that can be taken. */
  private get streamBytes(): number {
    return this.options.engine.hasCrashed ? 0 : this.stream.length;
  }

  /** Memory for the stream ran out: something is missing behind what it holds. */
  private get isLost(): boolean {
    return this.ask(() => this.stream.isLost) ?? false;
  }

  /** Asks the core. Undefined when that has crashed, also just now: everybody is told of it elsewhere. */
  private ask<T>(run: () => T): T | undefined {
    try {
      return this.options.engine.call(run, 'keeping changes');
    } catch {
      return undefined;
    }
  }

  // --- Writing ---

  /** Begins to write what waits, unless that is being done or has just failed. */
  write(): void {
    if (this.isWriting || this.retry !== undefined || this.isClosed) return;
    this.isWriting = true;
    this.writing = this.writeAll();
  }

  /** The same without waiting for the time of the next trial. */
  private tryAgain(): void {
    clearTimeout(this.retry);
    this.retry = undefined;
    this.write();
  }

  /** Resolves once all changes so far are durable; rejects when they cannot be stored now. */
  flush(): Promise<void> {
    const { position } = this;
    if (this.failure === undefined && this.durable >= position) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const onRefused = () =>
        reject(
          this.failure ?? new RespiteError('CRASHED', 'The engine failed before all was kept'),
        );
      this.waiters.push({ position, onKept: resolve, onRefused });
      this.tryAgain();
    });
  }

  private async writeAll(): Promise<void> {
    // Whoever asked is not to hear of it before the call is over.
    await undefined;
    try {
      for (;;) {
        this.take();
        this.current = this.queue.shift();
        if (this.current === undefined) break;
        await this.writeBatch(this.current);
        this.durable = this.current.end;
        this.current = undefined;
        if (!this.isLost && !this.needsSnapshot) this.succeed();
      }
      if (this.isLost || this.needsSnapshot) throw this.lost();
      // Nothing is begun by what hears of it, before this is over.
      this.isWriting = false;
      this.succeed();
      // What they wait for has gone with the engine.
      if (this.options.engine.hasCrashed) this.refuse();
    } catch (error) {
      if (this.current !== undefined) this.queue.unshift(this.current);
      this.current = undefined;
      this.isWriting = false;
      this.fail(storageError(error, 'keeping changes'));
    }
    this.compactIfDue();
  }

  /** Puts what the stream has behind what waits. */
  private take(): void {
    const length = this.streamBytes;
    if (length === 0) return;
    const part = this.ask(() => {
      const bytes = this.stream.view().slice();
      this.stream.taken(length);
      return bytes;
    });
    if (part === undefined) return;
    this.taken += length;
    const sinceMs = this.gatheringSinceMs ?? performance.now();
    this.gatheringSinceMs = undefined;
    const last = this.queue.at(-1);
    if (last?.generation === this.generation) {
      last.parts.push(part);
      last.end = this.taken;
    } else {
      this.queue.push({ generation: this.generation, parts: [part], end: this.taken, sinceMs });
    }
  }

  private async writeBatch({ generation, parts }: Batch): Promise<void> {
    if (generation !== this.log.generation) this.log = await beginLog(this.backend, generation);
    if (parts.length === 0) return;
    const { log } = this;
    const bytes = frame(log.salt, log.frames + 1, parts);
    await this.backend.write(logName(log.generation), log.end, bytes, true);
    log.frames += 1;
    log.end += bytes.length;
    this.logBytes += bytes.length;
  }

  private succeed(): void {
    this.setFailure(undefined);
    const over = this.waiters.filter(({ position }) => position <= this.durable);
    this.waiters = this.waiters.filter(({ position }) => position > this.durable);
    for (const { onKept } of over) onKept();
    for (const listener of [...this.syncListeners]) listener();
  }

  private fail(error: RespiteError): void {
    if (this.failure === undefined) this.failedAt = this.position;
    this.setFailure(error);
    if (!this.isClosed) this.retry = setTimeout(() => this.tryAgain(), RETRY_MS);
    this.refuse();
  }

  private refuse(): void {
    for (const { onRefused } of this.waiters.splice(0)) onRefused();
  }

  private setFailure(failure: RespiteError | undefined): void {
    const text = failure === undefined ? '' : `MISCONF ${failure.message}`;
    const isSame = failure?.message === this.failure?.message;
    this.failure = failure;
    if (isSame) return;
    const { engine, guards } = this.options;
    const { core } = engine;
    this.ask(() => {
      core.exports.setDiskError(core.word(abi.ABI_SCRATCH), core.toScratch(text));
      guards.set(abi.GUARD_DISK_ERROR, failure !== undefined);
    });
  }

  /** Memory for the stream ran out: only a snapshot has everything now. */
  private lost(): RespiteError {
    this.needsSnapshot = true;
    this.compact().catch(() => {});
    return new RespiteError('NO_MEMORY', 'There was no memory to keep the last changes');
  }

  // --- Compaction ---

  private compactIfDue(): void {
    const { compactionBytesMin = COMPACTION_BYTES_MIN } = this.options;
    const least = Math.max(compactionBytesMin, this.manifest.snapshotBytes * COMPACTION_RATIO);
    if (this.logBytes < least || this.failure !== undefined || this.isClosing) return;
    if (performance.now() < this.compactsAfterMs) return;
    this.compact().catch(() => {
      this.compactsAfterMs = performance.now() + COMPACTION_RETRY_MS;
    });
  }

  /** Puts a snapshot of this moment in place of what is stored; rejects when that fails. */
  compact(): Promise<void> {
    this.compaction ??= this.beginGeneration().finally(() => {
      this.compaction = undefined;
    });
    return this.compaction;
  }

  private async beginGeneration(): Promise<void> {
    if (this.isClosing) throw new RespiteError('CLOSED', 'The store is closed');
    const { backend } = this;
    const next = this.generation + 1;
    const name = snapshotName(next);
    let snapshotBytes = 0;
    const request = {
      format: 'rdb',
      aux: [['aof-base', '1']],
      compress: true,
      checksum: true,
    } as const;
    this.snapshots ??= await this.options.snapshots();
    if (this.isClosing) throw new RespiteError('CLOSED', 'The store is closed');
    const walk = this.snapshots.background(request, {
      write: (bytes) => {
        const position = snapshotBytes;
        snapshotBytes += bytes.length;
        return backend.write(name, position, bytes, false);
      },
    });
    this.switchTo(next);
    try {
      await walk;
      await backend.write(name, snapshotBytes, new Uint8Array(0), true);
      await this.logBegun(next);
    } catch (error) {
      await backend.remove(name).catch(() => {});
      throw snapshotFailure(error);
    }
    // Should this fail, either record may be there: the files of both stay.
    const sequence = this.manifest.sequence + 1;
    const manifest = { sequence, base: next, snapshotBytes };
    await writeManifest(backend, manifest);
    await this.removeBefore(manifest);
  }

  /** What changes from this moment on belongs to the log of another generation. */
  private switchTo(generation: number): void {
    const { stream } = this;
    this.ask(() => stream.reset());
    this.take();
    if (this.isLost) this.ask(() => stream.turn(true));
    this.generation = generation;
    const sinceMs = performance.now();
    this.queue.push({ generation, parts: [], end: this.taken, sinceMs });
  }

  /** Resolves once all logs before this one are durable, and it is there. */
  private async logBegun(generation: number): Promise<void> {
    await this.writing;
    this.tryAgain();
    await this.writing;
    if (this.log.generation !== generation) throw this.failure;
  }

  private async removeBefore(manifest: Manifest): Promise<void> {
    const { base, snapshotBytes } = this.manifest;
    this.manifest = manifest;
    this.logBytes = this.log.end;
    this.needsSnapshot = false;
    this.noteSaved();
    this.tryAgain();
    const names = snapshotBytes > 0 ? [snapshotName(base)] : [];
    for (let at = base; at < manifest.base; at++) names.push(logName(at));
    // What stays is removed when the store is opened next.
    for (const name of names) await this.backend.remove(name).catch(() => {});
  }

  // --- The end ---

  /** Keeps what there is to be kept, and gives the files free; rejects when not all could be stored. */
  async close(): Promise<void> {
    const { engine } = this.options;
    if (this.isClosing) return;
    this.isClosing = true;
    try {
      if (this.compaction !== undefined && !engine.hasCrashed) this.snapshots?.abort();
      await this.compaction?.catch(() => {});
      await this.flush();
    } finally {
      this.isClosed = true;
      clearTimeout(this.retry);
      await this.backend.close();
      engine.setJournal(undefined);
      this.ask(() => this.stream.turn(false));
    }
  }
}

/** Why there is no snapshot: the backend's error, when that is it. */
function snapshotFailure(error: unknown): unknown {
  const { code, cause, message } = error as SnapshotError;
  if (code === 'STORAGE' && cause !== undefined) return storageError(cause, 'writing a snapshot');
  return code === 'NO_MEMORY' ? new RespiteError(code, message, { cause: error }) : error;
}
