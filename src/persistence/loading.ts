// How far the loading of a data set has come, for INFO.

import type { LoadProgress } from '../monitor/facts.ts';
import type { Clock } from './parts.ts';

const MS_PER_SECOND = 1000;

export class Loading {
  private readonly now: Clock;
  private startedAtSeconds = 0;
  private totalBytes = 0;
  private loadedBytes = 0;
  private isUnderWay = false;
  /** Memory that the data set took where the file was written, once the file has told. */
  usedMemoryBytes = 0;

  constructor(now: Clock) {
    this.now = now;
  }

  get isRunning(): boolean {
    return this.isUnderWay;
  }

  begin(totalBytes: number): void {
    this.isUnderWay = true;
    this.startedAtSeconds = this.seconds();
    this.totalBytes = totalBytes;
    this.loadedBytes = 0;
    this.usedMemoryBytes = 0;
  }

  progress(loadedBytes: number, totalBytes: number): void {
    this.loadedBytes = loadedBytes;
    this.totalBytes = totalBytes;
  }

  end(): void {
    this.isUnderWay = false;
  }

  /** Undefined while nothing is being loaded. */
  facts(): LoadProgress | undefined {
    if (!this.isUnderWay) return undefined;
    const elapsed = this.seconds() - this.startedAtSeconds;
    const left = this.totalBytes - this.loadedBytes;
    return {
      startTime: this.startedAtSeconds,
      totalBytes: this.totalBytes,
      usedMemoryBytes: this.usedMemoryBytes,
      loadedBytes: this.loadedBytes,
      // Within the first second there is nothing to reckon with.
      etaSeconds: elapsed === 0 ? 1 : Math.floor((elapsed * left) / (this.loadedBytes + 1)),
    };
  }

  private seconds(): number {
    return Math.floor(this.now() / MS_PER_SECOND);
  }
}
