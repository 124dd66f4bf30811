// The parts that persistence.ts puts together, as the others see them. What only one of them knows is
// not here; tests put simple ones in their place.

import type { PersistenceFacts } from '../monitor/facts.ts';
import type { Snapshotter } from './snapshotter.ts';

/** Walks the data set: one walk at a time, which sees the data as they were when it began. */
export type Snapshots = Pick<
  Snapshotter,
  'isRunning' | 'progress' | 'background' | 'blocking' | 'abort'
>;

/** Clock in Unix milliseconds. */
export type Clock = () => number;

export interface DirtyCounter {
  /** Changes since the last save. */
  get(): number;
  set(changes: number): void;
}

/** The append-only file. */
export interface AppendOnlyPart {
  /** Commands are being logged, or will be as soon as the first base file is written. */
  readonly isOn: boolean;
  /** The first base file of a log that was turned on while serving is still being written. */
  readonly isWritingFirstBase: boolean;
  readonly isRewriting: boolean;
  /** Why the last write or fsync failed, in the system's words; undefined while all is well. */
  readonly writeError: string | undefined;
  /** Loads the files. False: the log tells why the server cannot go on. */
  load(onProgress: (loadedBytes: number, totalBytes: number) => Promise<void>): Promise<boolean>;
  /** After `load`: goes on with the files that are there, or makes the first ones. */
  open(): void;
  /** Returns why that is impossible. */
  turnOn(): string | undefined;
  turnOff(): void;
  tick(): void;
  startRewrite(): 'started' | 'scheduled' | { readonly error: string };
  /** The walk that kept a rewrite waiting is over. */
  onSnapshotEnd(): void;
  /** Writes out everything, durably, and lets go of the files. */
  shutdown(): void;
  facts(): Partial<PersistenceFacts>;
}
