// Snapshots of the data set: of the moment they begin, in the background while commands are served, or at
// once while nothing else is.
//
// In the background the core is asked for a step at a time, and between two steps the event loop turns.
// When clients keep it busy, the snapshot takes a thirteenth of the time, so that they hardly notice; when
// nobody wants anything it takes all. What is written goes to a sink, one buffer at a time: the walk does
// not go on before the sink has taken it, so a slow disk costs no memory.

import * as abi from '../../assembly/abi.ts';
import { databaseFigures } from '../core/database_figures.ts';
import { beginSnapshot, snapshotOutput, writeSnapshotHeader } from '../core/snapshot.ts';
import type { Engine } from '../engine.ts';
import { nextTurn } from '../util/next_turn.ts';
import { REDIS_VERSION } from '../version.ts';
import { type AuxFields, rdbHeader } from './rdb_header.ts';

/** Takes a snapshot's bytes, which are valid until the promise settles. */
export interface SnapshotSink {
  write(bytes: Uint8Array): Promise<void> | void;
}

export interface SnapshotRequest {
  readonly format: 'rdb' | 'commands';
  /** Facts for the file's header, behind the usual ones. */
  readonly aux: AuxFields;
  /** Compress strings. */
  readonly compress: boolean;
  readonly checksum: boolean;
  /** Microseconds to wait after each key; negative: one microsecond after so many keys. It may change. */
  keyDelayUs?(): number;
}

export interface SnapshotSummary {
  readonly keys: number;
  readonly bytes: number;
  readonly milliseconds: number;
  /** As in `SnapshotProgress`. */
  readonly copiedBytes: number;
}

export interface SnapshotProgress {
  readonly keysDone: number;
  readonly keysTotal: number;
  /** Bytes of keys and values written before their turn, or kept, because commands changed them. */
  readonly copiedBytes: number;
}

export type SnapshotErrorCode = 'ABORTED' | 'BUSY' | 'NO_MEMORY' | 'STORAGE';

/** Why there is no snapshot; `cause` is the sink's error behind STORAGE. */
export class SnapshotError extends Error {
  readonly code: SnapshotErrorCode;

  constructor(code: SnapshotErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

const US_PER_MS = 1000;
/** Time one step may take: no client waits much longer for its turn. */
const STEP_US = 250;
/** For each microsecond of a step, others get so many when they want them. */
const OTHERS_SHARE = 12;
/** A turn of the event loop that took less had nothing to do for clients. */
const IDLE_TURN_US = 50;
/** Bytes are handed to the sink when there are so many: copying them is part of a turn. */
const BUFFER_BYTES = 1 << 18;
/** Longest sleep between two looks at whether the snapshot was called off, or the delay changed. */
const SLEEP_MS_MAX = 10;

export class Snapshotter {
  private readonly engine: Engine;
  private job: Job | undefined;
  private keysTotal = 0;
  /** Snapshots begun in the background, since the start or CONFIG RESETSTAT. */
  begun = 0;
  /** How long it took to begin the last of them. */
  lastBeginUs = 0;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  get isRunning(): boolean {
    return this.job !== undefined;
  }

  /** How far the snapshot under way has come, or the last one. */
  get progress(): SnapshotProgress {
    return {
      keysDone: this.keysDone,
      keysTotal: this.keysTotal,
      copiedBytes: this.engine.core.exports.snapshotCopied(),
    };
  }

  private get keysDone(): number {
    return this.engine.core.exports.snapshotKeys();
  }

  /**
   * Writes a snapshot in the background. It is of the moment of the call: the walk has begun when this
   * returns. Throws SnapshotError BUSY while another one is under way; later failures reject.
   */
  background(request: SnapshotRequest, sink: SnapshotSink): Promise<SnapshotSummary> {
    const began = performance.now();
    const job = this.begin(request);
    this.begun += 1;
    this.lastBeginUs = Math.round((performance.now() - began) * US_PER_MS);
    return this.finish(job, this.walk(job, request, sink));
  }

  /** Writes a snapshot while nothing is served. Throws SnapshotError, and what the sink throws as its cause. */
  blocking(request: SnapshotRequest, sink: (bytes: Uint8Array) => void): SnapshotSummary {
    const began = performance.now();
    const job = this.begin(request);
    let bytes = 0;
    try {
      for (;;) {
        const status = this.step(Number.POSITIVE_INFINITY);
        const output = snapshotOutput(this.engine.core);
        const { length } = output;
        bytes += length;
        try {
          sink(output);
        } catch (error) {
          throw new SnapshotError('STORAGE', 'the snapshot could not be written', error);
        }
        this.taken(length);
        if (status === abi.SNAPSHOT_DONE) break;
      }
      this.end();
    } catch (error) {
      this.giveUp();
      throw error;
    } finally {
      this.over(job);
    }
    return this.summary(bytes, began);
  }

  private summary(bytes: number, began: number): SnapshotSummary {
    const { keysDone: keys, copiedBytes } = this.progress;
    return { keys, bytes, milliseconds: performance.now() - began, copiedBytes };
  }

  /** Calls off the snapshot in the background: its promise rejects with ABORTED. */
  abort(): void {
    if (this.job === undefined) return;
    this.job.isAborted = true;
    this.job = undefined;
    this.giveUp();
  }

  private begin(request: SnapshotRequest): Job {
    const { engine } = this;
    const { core } = engine;
    const version = core.exports.snapshotVersion();
    const begun = engine.call(
      () =>
        beginSnapshot(core, {
          compress: request.compress,
          checksum: request.checksum,
          commands: request.format === 'commands',
        }),
      'snapshot',
    );
    if (!begun) throw new SnapshotError('BUSY', 'another snapshot is under way');
    const job: Job = { isAborted: false };
    this.job = job;
    this.keysTotal = databaseFigures(core).reduce((sum, { keys }) => sum + keys, 0);
    if (request.format === 'rdb') {
      core.exports.refreshStats();
      const aux: AuxFields = [
        ['redis-ver', REDIS_VERSION],
        ['redis-bits', '64'],
        ['ctime', String(Math.floor(engine.now() / 1000))],
        ['used-mem', String(core.stat(abi.STAT_USED_MEMORY))],
        ...request.aux,
      ];
      writeSnapshotHeader(core, rdbHeader(version, aux));
    }
    return job;
  }

  private over(job: Job): void {
    if (this.job === job) this.job = undefined;
  }

  /** One step in the core. Throws when memory is exhausted. */
  private step(budgetUs: number): number {
    const { engine } = this;
    const { exports } = engine.core;
    const status = engine.call(() => exports.snapshotStep(engine.now(), budgetUs), 'snapshot');
    if (status === abi.SNAPSHOT_FAILED) {
      throw new SnapshotError('NO_MEMORY', 'memory for the snapshot is exhausted');
    }
    return status;
  }

  /** So much of the output was taken. */
  private taken(bytes: number): void {
    this.engine.call(() => this.engine.core.exports.snapshotTaken(bytes), 'snapshot');
  }

  private end(): void {
    this.engine.call(() => this.engine.core.exports.snapshotEnd(), 'snapshot');
    this.release();
  }

  private giveUp(): void {
    this.engine.call(() => this.engine.core.exports.snapshotAbort(), 'snapshot');
    this.release();
  }

  /** Lets commands go on that waited for the walk. */
  private release(): void {
    if (this.engine.core.exports.snapshotReleased() !== 0) this.engine.resumePaused();
  }

  private async walk(
    job: Job,
    request: SnapshotRequest,
    sink: SnapshotSink,
  ): Promise<SnapshotSummary> {
    const { engine } = this;
    const began = performance.now();
    let bytes = 0;
    let credit = 0;
    let done = false;
    let keys = 0;
    let handedOver: Promise<void> | undefined;
    const buffers = new BufferPair();
    while (!done) {
      const leftAt = performance.now();
      await nextTurn();
      check(job);
      const othersUs = (performance.now() - leftAt) * US_PER_MS;
      credit =
        othersUs < IDLE_TURN_US ? STEP_US : Math.min(credit + othersUs / OTHERS_SHARE, STEP_US);
      if (credit < STEP_US) continue;
      credit = 0;
      done = this.step(STEP_US) === abi.SNAPSHOT_DONE;
      const written = engine.core.word(abi.ABI_SNAPSHOT_LEN);
      if (done || written >= BUFFER_BYTES) {
        // At once: commands add to it as soon as they run again.
        const copy = buffers.copy(snapshotOutput(engine.core));
        this.taken(copy.length);
        bytes += copy.length;
        // One buffer is on its way while the next one fills.
        await handedOver;
        check(job);
        handedOver = sink.write(copy) ?? undefined;
        // It is waited for later.
        handedOver?.catch(() => {});
      }
      this.release();
      const before = keys;
      keys = this.keysDone;
      await sleep(job, () => delayOf(request.keyDelayUs?.() ?? 0, before, keys));
    }
    this.end();
    const summary = this.summary(bytes, began);
    await handedOver;
    return summary;
  }

  private async finish(job: Job, walk: Promise<SnapshotSummary>): Promise<SnapshotSummary> {
    try {
      return await walk;
    } catch (error) {
      if (!job.isAborted) this.giveUp();
      if (error instanceof SnapshotError) throw error;
      throw new SnapshotError('STORAGE', 'the snapshot could not be written', error);
    } finally {
      this.over(job);
    }
  }
}

/**
 * Two buffers in turn, one filled while the other is on its way. New ones each time would make the garbage
 * collector run, and be memory until it does.
 */
class BufferPair {
  private filling = Buffer.alloc(0);
  private leaving = Buffer.alloc(0);

  /** A copy, good until the call after the next. */
  copy(bytes: Uint8Array): Uint8Array {
    [this.filling, this.leaving] = [this.leaving, this.filling];
    if (this.filling.length < bytes.length) {
      this.filling = Buffer.allocUnsafeSlow(bytes.length + (bytes.length >> 2));
    }
    this.filling.set(bytes);
    return this.filling.subarray(0, bytes.length);
  }
}

/** A snapshot under way. */
interface Job {
  isAborted: boolean;
}

function check(job: Job): void {
  if (job.isAborted) throw new SnapshotError('ABORTED', 'the snapshot was called off');
}

/** Waits for as long as `milliseconds` says in the meantime, until the snapshot is called off. */
async function sleep(job: Job, milliseconds: () => number): Promise<void> {
  const began = performance.now();
  for (let left = milliseconds(); left > 0; left = began + milliseconds() - performance.now()) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(left, SLEEP_MS_MAX)));
    check(job);
  }
}

/** Milliseconds of delay for the keys between two counts. */
function delayOf(delayUs: number, before: number, after: number): number {
  if (delayUs === 0) return 0;
  if (delayUs > 0) return ((after - before) * delayUs) / US_PER_MS;
  return (Math.floor(after / -delayUs) - Math.floor(before / -delayUs)) / US_PER_MS;
}
