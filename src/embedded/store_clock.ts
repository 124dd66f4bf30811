// The clock of a store, as its program sees and moves it.

import type { Clock } from '../util/clock.ts';
import { ManualClock } from '../util/manual_clock.ts';
import { RespiteError } from './errors.ts';

/** What a store is opened with: the system's time, or a time that stands still until it is moved. */
export type ClockOption =
  | 'real'
  /** Stands at the time of opening. */
  | 'manual'
  /** Stands at this Unix time. */
  | { readonly startMs: number };

export interface StoreClock {
  /** Whether it only moves when it is told to. */
  readonly isManual: boolean;
  /** Unix milliseconds. */
  now(): number;
  /**
   * Moves a manual clock on. Keys expire, blocked commands time out, pauses end, snapshots are begun, in the order
   * of their times; what ends at the new time has ended. Resolves when all of that is done.
   */
  advance(milliseconds: number): Promise<void>;
  /** Moves a manual clock to a time. Into the past it jumps, as when a system's clock is set. */
  set(time: number | Date): Promise<void>;
}

/** The clock for an option. Throws BAD_OPTION. */
export function clockOf(option: ClockOption | undefined, realTime: Clock): Clock {
  if (option === undefined || option === 'real') return realTime;
  if (option === 'manual') return new ManualClock(realTime.now());
  if (typeof option === 'object' && option !== null && isTime(option.startMs)) {
    return new ManualClock(option.startMs);
  }
  throw new RespiteError(
    'BAD_OPTION',
    "clock is 'real', 'manual' or { startMs }, a Unix time in whole milliseconds",
  );
}

/** The handle of a clock for programs. */
export function storeClock(clock: Clock): StoreClock {
  const manual = (): ManualClock => {
    if (clock instanceof ManualClock) return clock;
    throw new RespiteError(
      'BAD_OPTION',
      "This store has the system's clock: open it with { clock: 'manual' } to move its time",
    );
  };
  return {
    isManual: clock.isManual,
    now: () => clock.now(),
    async advance(milliseconds) {
      const moved = manual();
      if (!isTime(milliseconds)) {
        throw new RespiteError('BAD_OPTION', 'A clock advances by whole milliseconds, 0 or more');
      }
      await moved.moveBy(milliseconds);
    },
    async set(time) {
      const moved = manual();
      const unixMs = time instanceof Date ? time.getTime() : time;
      if (!isTime(unixMs)) {
        throw new RespiteError('BAD_OPTION', 'A clock is set to a Date or whole Unix milliseconds');
      }
      await moved.moveTo(unixMs);
    },
  };
}

function isTime(milliseconds: unknown): milliseconds is number {
  return Number.isSafeInteger(milliseconds) && (milliseconds as number) >= 0;
}
