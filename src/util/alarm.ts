// An alarm clock for one point in time, which may change at any moment.
//
// Moving the time further away leaves the timer as it is: it finds nothing to do and is set anew.
// Whoever sets alarms all the time, mostly to have them called off, thus costs few timers.

import { type Clock, systemClock, type Timer } from './clock.ts';

export class Alarm {
  private readonly now: () => number;
  private readonly ring: () => void;
  private readonly clock: Clock;
  private timer: Timer | undefined;
  private firesAtMs = 0;

  /** `now` in Unix milliseconds; `ring` is called after the time (see `slackMs`), never before it. */
  constructor(now: () => number, ring: () => void, clock: Clock = systemClock) {
    this.now = now;
    this.clock = clock;
    this.ring = ring;
  }

  /** Rings now if that is overdue, whatever became of the timer. */
  ringIfLate(): void {
    if (this.timer === undefined || this.now() <= this.firesAtMs) return;
    this.timer.cancel();
    this.timer = undefined;
    this.ring();
  }

  /** Rings once this Unix time in milliseconds is over; 0: never. */
  set(atMs: number): void {
    if (atMs === 0) {
      this.timer?.cancel();
      this.timer = undefined;
      return;
    }
    const overMs = atMs + 1 - this.clock.slackMs;
    if (this.timer !== undefined && this.firesAtMs <= overMs) return;
    this.timer?.cancel();
    const waitMs = Math.max(overMs - this.now(), 0);
    this.firesAtMs = this.now() + waitMs;
    this.timer = this.clock.after(waitMs, () => {
      this.timer = undefined;
      this.ring();
    });
  }
}
