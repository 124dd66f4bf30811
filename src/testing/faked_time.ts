// A store's time under fake timers.
//
// The store reads the fakes' clock, but nobody tells it when a test moves that clock. So before a command runs
// it does what has fallen due meanwhile: a key whose time is up is gone for the first command that looks.

import type { Engine } from '../engine.ts';
import { isTimeFaked } from '../util/timers.ts';

/** Work done at a time, and how often at most before a command. */
const STEP_US = 100_000;
const STEPS_MAX = 100;

export class FakedTime {
  private readonly engine: Engine;
  private seenMs = 0;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Does what is due. The first `length` bytes of the input region stay as they are. */
  catchUp(length: number): void {
    if (!isTimeFaked()) return;
    const { engine } = this;
    const nowMs = engine.now();
    if (nowMs === this.seenMs) return;
    this.seenMs = nowMs;
    const input = engine.input().slice(0, length);
    for (let step = 0; step < STEPS_MAX && engine.cron(STEP_US); step += 1);
    engine.input().set(input);
  }
}
