// The clock with a fraction of a millisecond, driven by clocks of the test.

import { expect, it } from 'vitest';
import { wallClock } from '../../src/util/wall_clock.ts';

const ORIGIN_MS = 1_700_000_000_000.4;

/** A world whose true time the test sets: a system clock that cuts off, and a fine one. */
function world() {
  const state = { trueMs: ORIGIN_MS, setBackMs: 0 };
  const clock = wallClock(
    () => Math.floor(state.trueMs - state.setBackMs),
    () => state.trueMs - ORIGIN_MS + 12.34,
  );
  return { state, clock };
}

it('comes close to the true time after readings at different fractions', () => {
  const { state, clock } = world();
  let reading = 0;
  for (let i = 0; i < 1000; i++) {
    state.trueMs += 7.613;
    reading = clock();
  }
  expect(Math.abs(reading - state.trueMs)).toBeLessThan(0.01);
});

it('never leaves the millisecond that the system clock shows', () => {
  const { state, clock } = world();
  for (let i = 0; i < 1000; i++) {
    state.trueMs += 0.37;
    expect(Math.floor(clock())).toBe(Math.floor(state.trueMs));
  }
});

it('does not run backwards while the system clock does not', () => {
  const { state, clock } = world();
  let last = clock();
  for (let i = 0; i < 5000; i++) {
    state.trueMs += 0.113;
    const next = clock();
    expect(next).toBeGreaterThanOrEqual(last);
    last = next;
  }
});

it('follows when the system clock is set, in either direction', () => {
  const { state, clock } = world();
  for (let i = 0; i < 100; i++) {
    state.trueMs += 3.21;
    clock();
  }
  for (const setBackMs of [3_600_000, -3_600_000]) {
    state.setBackMs = setBackMs;
    let reading = 0;
    for (let i = 0; i < 1000; i++) {
      state.trueMs += 7.613;
      reading = clock();
    }
    expect(Math.abs(reading - (state.trueMs - setBackMs))).toBeLessThan(0.01);
  }
});
