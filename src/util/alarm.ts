// An alarm clock for one point in time, which may change at any moment.
//
// Moving the time further away leaves the timer as it is: it finds nothing to do and is set anew.
// Whoever sets alarms all the time, mostly to have them called off, thus costs few timers.

/** Longest time a timer can wait; a later alarm waits again. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export class Alarm {
  private readonly now: () => number;
  private readonly ring: () => void;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private firesAtMs = 0;

  /** `now` in Unix milliseconds; `ring` is called after the time, never before it. */
  constructor(now: () => number, ring: () => void) {
    this.now = now;
    this.ring = ring;
  }

  /** Rings now if that is overdue, whatever became of the timer. */
  ringIfLate(): void {
    if (this.timer === undefined || this.now() <= this.firesAtMs) return;
    clearTimeout(this.timer);
    this.timer = undefined;
    this.ring();
  }

  /** Rings once this Unix time in milliseconds is over; 0: never. */
  set(atMs: number): void {
    if (atMs === 0) {
      clearTimeout(this.timer);
      this.timer = undefined;
      return;
    }
    if (this.timer !== undefined && this.firesAtMs <= atMs + 1) return;
    clearTimeout(this.timer);
    const waitMs = Math.min(Math.max(atMs + 1 - this.now(), 0), TIMER_MS_MAX);
    this.firesAtMs = this.now() + waitMs;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.ring();
    }, waitMs);
  }
}
