// The base of the log: the data set of one moment, written to a temporary file that gets its name when it
// is whole.
//
// In the background the file is flushed in steps while it is written, so that the last flush finds little to
// do and the disk is free for others in between.

import type { Logger } from '../../log.ts';
import type { Storage, StorageFile } from '../../storage/storage.ts';
import { systemErrorText } from '../../util/system_error.ts';
import type {
  SnapshotRequest,
  SnapshotSink,
  SnapshotSummary,
  Snapshotter,
} from '../snapshotter.ts';
import { timeAnnotation } from './writer.ts';

/** Takes snapshots of the data set. */
export type Snapshots = Pick<Snapshotter, 'isRunning' | 'background' | 'blocking' | 'abort'>;

/** Bytes between two flushes of a file that is being written. */
const FLUSH_BYTES = 4 << 20;

export interface BaseSettings {
  readonly format: 'rdb' | 'aof';
  readonly compress: boolean;
  readonly checksum: boolean;
  keyDelayUs(): number;
  /** Flush in steps. */
  readonly syncsWhileWriting: boolean;
  /** Unix seconds to note at the beginning, for a base of commands; undefined for none. */
  readonly timestamp: number | undefined;
}

export interface BaseOptions {
  readonly storage: Storage;
  readonly snapshots: Snapshots;
  readonly log: Logger;
  readonly settings: BaseSettings;
}

function requestOf({ format, compress, checksum, keyDelayUs }: BaseSettings): SnapshotRequest {
  return {
    format: format === 'rdb' ? 'rdb' : 'commands',
    aux: [['aof-base', '1']],
    compress,
    checksum,
    keyDelayUs,
  };
}

function head({ format, timestamp }: BaseSettings): Uint8Array | undefined {
  return format === 'aof' && timestamp !== undefined ? timeAnnotation(timestamp) : undefined;
}

class BaseSink implements SnapshotSink {
  private readonly file: StorageFile;
  private readonly syncsWhileWriting: boolean;
  private unsyncedBytes = 0;
  private last: Promise<void> = Promise.resolve();

  constructor(file: StorageFile, syncsWhileWriting: boolean) {
    this.file = file;
    this.syncsWhileWriting = syncsWhileWriting;
  }

  write(bytes: Uint8Array): Promise<void> {
    this.last = this.append(bytes);
    return this.last;
  }

  /** Resolves when nothing is on its way to the file any more. */
  async idle(): Promise<void> {
    await this.last.catch(() => {});
  }

  private async append(bytes: Uint8Array): Promise<void> {
    await this.file.writeAsync(bytes);
    this.unsyncedBytes += bytes.length;
    if (!this.syncsWhileWriting || this.unsyncedBytes < FLUSH_BYTES) return;
    this.unsyncedBytes = 0;
    await this.file.syncAsync();
  }
}

/**
 * Writes the data set as it is now to `path`, in the background, and makes it durable there. The snapshot
 * has begun when this returns. Rejects with what went wrong, which is logged unless it was called off.
 */
export function writeBaseInBackground(
  path: string,
  options: BaseOptions,
): Promise<SnapshotSummary> {
  const { storage, snapshots, log, settings } = options;
  let file: StorageFile;
  try {
    file = storage.open(path, 'create');
  } catch (error) {
    log.warning(
      `Opening the temp file for AOF rewrite in rewriteAppendOnlyFile(): ${systemErrorText(error)}`,
    );
    return Promise.reject(error);
  }
  const sink = new BaseSink(file, settings.syncsWhileWriting);
  const finish = async (): Promise<SnapshotSummary> => {
    try {
      const first = head(settings);
      if (first !== undefined) file.write(first);
      const summary = await snapshots.background(requestOf(settings), sink);
      await file.syncAsync();
      return summary;
    } catch (error) {
      if (!isCalledOff(error)) {
        log.warning(`Write error writing append only file on disk: ${reasonOf(error)}`);
      }
      throw error;
    } finally {
      await sink.idle();
      file.close();
    }
  };
  return finish();
}

/** The same while nothing is served, for the base of an empty data set. */
export function writeBaseNow(path: string, options: BaseOptions): void {
  const { storage, snapshots, log, settings } = options;
  try {
    const file = storage.open(path, 'create');
    try {
      const first = head(settings);
      if (first !== undefined) file.write(first);
      snapshots.blocking(requestOf(settings), (bytes) => file.write(bytes));
      file.sync();
    } finally {
      file.close();
    }
  } catch (error) {
    log.warning(`Write error writing append only file on disk: ${reasonOf(error)}`);
    throw error;
  }
}

/** Whether a snapshot ended because somebody called it off. */
export function isCalledOff(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ABORTED';
}

/** Snapshots wrap what their sink throws. */
function reasonOf(error: unknown): string {
  return systemErrorText(error instanceof Error && error.cause !== undefined ? error.cause : error);
}

// --- When to rewrite by itself ---

const FAILURES_MAX = 3;
const DELAY_MINUTES_MAX = 60;
const SECONDS_PER_MINUTE = 60;

/**
 * Keeps rewrites that start by themselves from failing over and over, each leaving one more file: after
 * three failures the next try waits a minute, then two, four, up to an hour.
 */
export class RewriteLimiter {
  private delayMinutes = 0;
  private nextSecond = 0;
  private readonly log: Logger;

  constructor(log: Logger) {
    this.log = log;
  }

  isLimited(failures: number, second: number): boolean {
    if (failures < FAILURES_MAX) {
      this.delayMinutes = 0;
      this.nextSecond = 0;
      return false;
    }
    if (this.nextSecond !== 0) {
      if (second < this.nextSecond) return true;
      this.nextSecond = 0;
      return false;
    }
    this.delayMinutes = Math.min(
      this.delayMinutes === 0 ? 1 : this.delayMinutes * 2,
      DELAY_MINUTES_MAX,
    );
    this.nextSecond = second + this.delayMinutes * SECONDS_PER_MINUTE;
    this.log.warning(
      'Background AOF rewrite has repeatedly failed and triggered the limit, will retry in ' +
        `${this.delayMinutes} minutes`,
    );
    return true;
  }
}
