// CLIENT PAUSE: for some time, commands of clients are held back, all of them or those that write.
//
// The core holds them back (GUARD_PAUSE_*); here is the clock. A new pause never ends an older one
// early, and does not make a pause of everything one of writes only. When less is paused than
// before, clients that were held back go on; they do so after the running batch, because the pause
// may have been ended by a command in the middle of it.

import * as abi from '../../assembly/abi.ts';
import type { Guards } from '../core/guards.ts';
import { type Clock, systemClock, type Timer } from '../util/clock.ts';

export type PauseMode = 'none' | 'write' | 'all';

const STRICTNESS: Readonly<Record<PauseMode, number>> = { none: 0, write: 1, all: 2 };

/** The engine's part. */
export interface PauseTarget {
  /** Unix milliseconds. */
  now(): number;
  /** Runs what clients sent that were held back. Must not be called while a batch runs. */
  resumePaused(): void;
}

export class ClientPause {
  private readonly guards: Guards;
  private readonly target: PauseTarget;
  private current: PauseMode = 'none';
  private endMs = 0;
  private readonly clock: Clock;
  private timer: Timer | undefined;

  constructor(guards: Guards, target: PauseTarget, clock: Clock = systemClock) {
    this.guards = guards;
    this.clock = clock;
    this.target = target;
  }

  get mode(): PauseMode {
    return this.current;
  }

  /** Time until the pause ends, in milliseconds; 0 when there is none. */
  get remainingMs(): number {
    return this.current === 'none' ? 0 : Math.max(0, this.endMs - this.target.now());
  }

  /** Holds commands back until `endMs` at least. */
  pause(endMs: number, mode: 'write' | 'all'): void {
    const isStricter = STRICTNESS[mode] > STRICTNESS[this.current];
    this.endMs = Math.max(this.endMs, endMs);
    this.apply(isStricter ? mode : this.current);
  }

  unpause(): void {
    this.endMs = 0;
    this.apply('none');
  }

  /** Forgets the timer, for the server's end. */
  stop(): void {
    this.timer?.cancel();
  }

  private apply(mode: PauseMode): void {
    this.timer?.cancel();
    const leftMs = this.endMs - this.target.now();
    const next = leftMs > 0 ? mode : 'none';
    const isLooser = STRICTNESS[next] < STRICTNESS[this.current];
    this.current = next;
    this.guards.set(abi.GUARD_PAUSE_ALL, next === 'all');
    this.guards.set(abi.GUARD_PAUSE_WRITE, next === 'write');
    if (next === 'none') {
      this.endMs = 0;
    } else {
      this.timer = this.clock.after(leftMs, () => this.apply(next), { isBackground: true });
    }
    if (isLooser) queueMicrotask(() => this.target.resumePaused());
  }
}
