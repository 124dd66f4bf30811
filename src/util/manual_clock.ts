// A clock that stands still until it is moved, and then stops at every timer on its way.
//
//   moveTo(10) ─> timer of 3 ─> settled ─> timers of 7 ─> settled ─> 10 ─> settled
//
// - Timers of one time run in the order they were set; a timer may set others, also for times on the way.
// - Moves run one behind the other.
// - Periodic timers get at most `ticksMax` turns per move, in equal distances, when the way is long.

import type { Clock, Timer, TimerOptions } from './clock.ts';
import { nextTurn } from './next_turn.ts';

interface ManualTimer extends Timer {
  dueMs: number;
  readonly number: number;
  readonly run: () => void;
  readonly isPeriodic: boolean;
}

export interface ManualClockHooks {
  /** Turns of periodic timers in one move. */
  ticksMax?(): number;
  /** Whether work is under way that belongs to the present time. */
  isBusy?(): boolean;
  /** The clock stands where it was moved to: what is due by then and has no timer of its own. */
  onArrival?(): void;
}

const TICKS_MAX = 1000;
/** Turns of the event loop in which what a timer began goes on: replies, messages, who awaits them. */
const SETTLING_TURNS = 2;

export class ManualClock implements Clock {
  readonly isManual = true;
  readonly slackMs = 1;
  readonly now: () => number = () => this.nowMs;
  hooks: ManualClockHooks = {};
  private nowMs: number;
  /** What moves into the past took away. */
  private wentBackMs = 0;
  private timers: ManualTimer[] = [];
  private timersSet = 0;
  private moving: Promise<void> = Promise.resolve();
  private stopped: Error | undefined;

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  monotonicMs(): number {
    return this.nowMs + this.wentBackMs;
  }

  after(ms: number, run: () => void, { isPeriodic = false }: TimerOptions = {}): Timer {
    this.timersSet += 1;
    const timer: ManualTimer = {
      dueMs: this.nowMs + Math.max(ms, 0),
      number: this.timersSet,
      run,
      isPeriodic,
      cancel: () => {
        this.timers = this.timers.filter((other) => other !== timer);
      },
    };
    this.timers.push(timer);
    return timer;
  }

  /** Moves by so many milliseconds, once moves that are under way have ended. Resolves when all is settled. */
  moveBy(ms: number): Promise<void> {
    return this.enqueue(() => this.move(this.nowMs + ms));
  }

  /** Moves to a time. Backwards nothing rings: timers are what is left of them away. */
  moveTo(unixMs: number): Promise<void> {
    return this.enqueue(async () => {
      if (unixMs >= this.nowMs) return this.move(unixMs);
      const by = unixMs - this.nowMs;
      this.nowMs = unixMs;
      this.wentBackMs -= by;
      for (const timer of this.timers) timer.dueMs += by;
    });
  }

  /** No timer runs any more; moves reject with `reason`. */
  stop(reason: Error): void {
    this.stopped = reason;
    this.timers = [];
  }

  private enqueue(move: () => Promise<void>): Promise<void> {
    const moved = this.moving.then(() => {
      if (this.stopped !== undefined) throw this.stopped;
      return move();
    });
    // Who awaits this move still finds the time it went to.
    this.moving = moved.catch(() => {}).then(nextTurn);
    return moved;
  }

  private async move(toMs: number): Promise<void> {
    const stride = (toMs - this.nowMs) / (this.hooks.ticksMax?.() ?? TICKS_MAX);
    let nextTickMs = this.nowMs + stride;
    for (;;) {
      const timer = this.first(nextTickMs);
      if (timer === undefined || timer.dueMs > toMs) break;
      const atMs = timer.isPeriodic ? Math.max(timer.dueMs, nextTickMs) : timer.dueMs;
      if (atMs > toMs) break;
      this.nowMs = Math.max(this.nowMs, atMs);
      if (timer.isPeriodic) nextTickMs = this.nowMs + stride;
      timer.cancel();
      timer.run();
      await this.settle();
    }
    this.nowMs = toMs;
    this.hooks.onArrival?.();
    await this.settle();
  }

  /** The timer whose turn is next, when periodic ones have none before `nextTickMs`. */
  private first(nextTickMs: number): ManualTimer | undefined {
    let first: ManualTimer | undefined;
    let firstMs = Number.POSITIVE_INFINITY;
    for (const timer of this.timers) {
      const atMs = timer.isPeriodic ? Math.max(timer.dueMs, nextTickMs) : timer.dueMs;
      if (atMs > firstMs || (atMs === firstMs && timer.number > (first?.number ?? 0))) continue;
      first = timer;
      firstMs = atMs;
    }
    return first;
  }

  private async settle(): Promise<void> {
    for (let turn = 0; turn < SETTLING_TURNS || this.hooks.isBusy?.(); turn += 1) {
      await nextTurn();
      if (this.stopped !== undefined) throw this.stopped;
    }
  }
}
