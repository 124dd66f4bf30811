// The parts that persistence.ts puts together, as the others see them. What only one of them knows is
// not here; tests put simple ones in their place.

/** Takes the bytes of a snapshot in order. They are valid until the promise settles. */
export interface SnapshotSink {
  write(bytes: Uint8Array): Promise<void> | void;
}

export interface SnapshotRequest {
  /** A snapshot file, or the commands that make the same data. */
  readonly format: 'rdb' | 'commands';
  /** Further fields of the head. */
  readonly aux: ReadonlyArray<readonly [string, string]>;
  readonly compress: boolean;
  readonly checksum: boolean;
  /** `rdb-key-save-delay`. */
  readonly keyDelayUs?: number;
}

export interface SnapshotSummary {
  readonly keys: number;
  readonly bytes: number;
  readonly milliseconds: number;
}

/** Walks the data set: one walk at a time, which sees the data as they were when it began. */
export interface Snapshots {
  readonly isRunning: boolean;
  readonly progress: { readonly keysDone: number; readonly keysTotal: number };
  /** The walk has begun when this returns. Rejects with a SnapshotError, or what the sink threw. */
  background(request: SnapshotRequest, sink: SnapshotSink): Promise<SnapshotSummary>;
  /** Nothing is served meanwhile. Throws like `background` rejects. */
  blocking(request: SnapshotRequest, sink: (bytes: Uint8Array) => void): SnapshotSummary;
  /** Ends the walk at once; the promise of `background` rejects. */
  abort(): void;
}

/** Clock in Unix milliseconds. */
export type Clock = () => number;

export interface DirtyCounter {
  /** Changes since the last save. */
  get(): number;
  set(changes: number): void;
}
