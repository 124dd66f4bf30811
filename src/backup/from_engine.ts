// Takes a backup of the engine in this process: a snapshot of the moment it begins, while commands are
// served.

import type { Snapshotter } from '../persistence/snapshotter.ts';
import { SnapshotError } from '../persistence/snapshotter.ts';
import { REDIS_VERSION, RESPITE_VERSION } from '../version.ts';
import { BackupError } from './backup_error.ts';
import { FileCopy } from './file_copy.ts';
import { type BackupSource, type TakeContext, type TakenData, wholeFile } from './source.ts';

const SNAPSHOT_NAME = 'dump.rdb';

export interface EngineSourceOptions {
  readonly snapshots: Pick<Snapshotter, 'background'>;
  readonly compress: boolean;
  readonly checksum: boolean;
  keyDelayUs(): number;
  /** What the record says of the server. */
  readonly address: string;
  readonly runId: string;
}

/** Another snapshot is under way: later is better. */
export class SnapshotBusy extends BackupError {}

export class EngineSource implements BackupSource {
  private readonly options: EngineSourceOptions;

  constructor(options: EngineSourceOptions) {
    this.options = options;
  }

  async take({ folder, now }: TakeContext): Promise<TakenData> {
    const { snapshots, compress, checksum, keyDelayUs, address, runId } = this.options;
    const copy = new FileCopy(folder.storage, folder.place(SNAPSHOT_NAME));
    const takenAtMs = now();
    try {
      const request = { format: 'rdb', aux: [], compress, checksum, keyDelayUs } as const;
      const summary = await snapshots.background(request, { write: (bytes) => copy.write(bytes) });
      const written = await copy.finish();
      return {
        kind: 'rdb',
        files: [wholeFile(SNAPSHOT_NAME, 'rdb', written)],
        takenAtMs,
        source: {
          kind: 'schedule',
          address,
          redisVersion: REDIS_VERSION,
          respiteVersion: RESPITE_VERSION,
          runId,
          replicationOffset: null,
        },
        reusesPrevious: false,
        writtenBytes: written.bytes,
        keys: summary.keys,
      };
    } catch (error) {
      copy.abandon();
      throw explain(error);
    }
  }
}

function explain(error: unknown): unknown {
  if (!(error instanceof SnapshotError)) return error;
  if (error.code === 'BUSY') return new SnapshotBusy('another snapshot is under way', error);
  if (error.cause instanceof BackupError) return error.cause;
  return new BackupError(error.message, error);
}
