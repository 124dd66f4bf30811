// Background work of an engine in a browser: a step of the core's cron ten times a second, again at once
// while work is left.
//
// Pages that nobody looks at get their timers once a second, later once a minute. Workers are spared: so a
// page that is hidden takes its beat from a small worker, where it may have one. In a worker a timer will do.

import { detachTimer } from '../util/timers.ts';

/** Background work per step, in microseconds: no frame is late for it. */
const STEP_US = 1000;
/** Pause between steps while work is left, in milliseconds. */
const BUSY_MS = 4;

const BEAT = 'setInterval(() => postMessage(0), 100)';

/** One step; true when the next one should not wait for the next beat. */
export type BackgroundStep = (budgetUs: number) => boolean;

export class Background {
  private readonly step: BackgroundStep;
  /** Milliseconds between two beats. */
  private readonly everyMs: () => number;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private worker: Worker | undefined;
  private readonly onVisibility = () => this.choose();

  constructor(everyMs: () => number, step: BackgroundStep) {
    this.everyMs = everyMs;
    this.step = step;
    this.schedule(0);
    if (typeof document === 'undefined') return;
    document.addEventListener('visibilitychange', this.onVisibility);
    this.choose();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.stopWorker();
    if (typeof document === 'undefined') return;
    document.removeEventListener('visibilitychange', this.onVisibility);
  }

  private schedule(delayMs: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.run(), delayMs);
    detachTimer(this.timer);
  }

  private run(): void {
    const hasMore = this.step(STEP_US);
    if (this.timer !== undefined) this.schedule(hasMore ? BUSY_MS : this.everyMs());
  }

  private choose(): void {
    if (!document.hidden) {
      this.stopWorker();
      return;
    }
    if (this.worker !== undefined) return;
    try {
      const url = URL.createObjectURL(new Blob([BEAT], { type: 'text/javascript' }));
      this.worker = new Worker(url);
      URL.revokeObjectURL(url);
      this.worker.onmessage = () => this.run();
      // The page's Content-Security-Policy may forbid it: timers go on, late.
      this.worker.onerror = () => this.stopWorker();
    } catch {
      this.stopWorker();
    }
  }

  private stopWorker(): void {
    this.worker?.terminate();
    this.worker = undefined;
  }
}
