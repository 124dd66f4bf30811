// Time, as an engine and its server see it: the system's, or one that stands still until somebody moves it.
//
// Whatever has to happen at a time is asked of the clock, so that with a manual one nothing happens by itself
// and everything happens in order. Durations (how long a command took) are not time in this sense.

import { detachTimer, isTimeFaked, realClearTimeout, realNow, realSetTimeout } from './timers.ts';

export interface Timer {
  cancel(): void;
}

export interface TimerOptions {
  /** The process may end although the timer waits. */
  readonly isBackground?: boolean;
  /** Work of which nobody was told a time: it goes on while tests fake the timers of the system. */
  readonly isInternal?: boolean;
  /** Work that comes again and again: a manual clock that moves far may leave some of it out. */
  readonly isPeriodic?: boolean;
}

export interface Clock {
  /** Whether it stands still unless it is moved. */
  readonly isManual: boolean;
  /**
   * Milliseconds by which times are over early. What ends at 5 ends behind 5, when the system's clock shows 6;
   * a manual clock can stay at 5 for ever, and whoever moves it there wants to see the end.
   */
  readonly slackMs: 0 | 1;
  /** Unix milliseconds. A function of its own, which may be passed on. */
  readonly now: () => number;
  /** Milliseconds since anything; never goes back. */
  monotonicMs(): number;
  /** Calls `run` after so many milliseconds. */
  after(ms: number, run: () => void, options?: TimerOptions): Timer;
}

/** Longest time a timer of the system can wait; it rings early then, and is set again by who looks. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export const systemClock: Clock = {
  isManual: false,
  get slackMs() {
    return isTimeFaked() ? 1 : 0;
  },
  now: () => Date.now(),
  monotonicMs: realNow,
  after(ms, run, options) {
    const isReal = options?.isInternal === true;
    const set = isReal ? realSetTimeout : setTimeout;
    // Fakes do not know the timers of the system, nor the other way round.
    const clear = isReal ? realClearTimeout : clearTimeout;
    const timer = set(run, Math.min(Math.max(ms, 0), TIMER_MS_MAX));
    if (options?.isBackground) detachTimer(timer);
    return { cancel: () => clear(timer) };
  },
};
