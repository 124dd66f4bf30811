// Save points: after so many seconds with so many changes a snapshot is due.

export interface SavePoint {
  readonly seconds: bigint;
  readonly changes: number;
}

export interface SaveHistory {
  readonly nowSeconds: number;
  /** Of the last save that ended well. */
  readonly lastSaveSeconds: number;
  /** When one was last begun in the background. */
  readonly lastTrySeconds: number;
  readonly wasLastOk: boolean;
  /** Changes since the last save. */
  readonly dirty: number;
}

/** After a save that failed the next one is not tried at once. */
const RETRY_SECONDS = 5;

/** Whether a save may be tried now: at any time, but not right after one that failed. */
export function mayTrySave({ nowSeconds, lastTrySeconds, wasLastOk }: SaveHistory): boolean {
  return wasLastOk || nowSeconds - lastTrySeconds > RETRY_SECONDS;
}

/** The first of the points that asks for a save now. */
export function firstDueSavePoint(
  points: readonly SavePoint[],
  history: SaveHistory,
): SavePoint | undefined {
  if (!mayTrySave(history)) return undefined;
  const elapsed = history.nowSeconds - history.lastSaveSeconds;
  return points.find(
    ({ seconds, changes }) => history.dirty >= changes && elapsed > Number(seconds),
  );
}
