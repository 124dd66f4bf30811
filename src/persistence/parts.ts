// The parts that persistence.ts puts together, as the others see them. What only one of them knows is
// not here; tests put simple ones in their place.

import type { Snapshotter } from './snapshotter.ts';

/** Walks the data set: one walk at a time, which sees the data as they were when it began. */
export type Snapshots = Pick<
  Snapshotter,
  'isRunning' | 'progress' | 'begun' | 'lastBeginUs' | 'background' | 'blocking' | 'abort'
>;

/** Clock in Unix milliseconds. */
export type Clock = () => number;

export interface DirtyCounter {
  /** Changes since the last save. */
  get(): number;
  set(changes: number): void;
}
