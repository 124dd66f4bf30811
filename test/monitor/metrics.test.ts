// Rates from counters: the ring of samples, its period, and what a reset does.

import { expect, it } from 'vitest';
import { type MetricReadings, Metrics } from '../../src/monitor/metrics.ts';

const ZERO: MetricReadings = {
  commands: 0,
  netInputBytes: 0,
  netOutputBytes: 0,
  replicationInputBytes: 0,
  replicationOutputBytes: 0,
  loopCycles: 0,
  loopActiveUs: 0,
};

function createMetrics() {
  const state = { readings: ZERO, nowUs: 1_000_000 };
  const metrics = new Metrics(() => state.readings);
  const tick = (readings: Partial<MetricReadings>, elapsedUs = 100_000) => {
    state.nowUs += elapsedUs;
    state.readings = { ...state.readings, ...readings };
    metrics.tick(state.nowUs);
  };
  return { metrics, tick, state };
}

it('a steady rate is reported in full after sixteen samples', () => {
  const { metrics, tick } = createMetrics();
  tick({ loopCycles: 1 });
  for (let i = 1; i <= 16; i++) {
    const loop = { loopCycles: 1 + i * 2, loopActiveUs: i * 6000 };
    tick({ commands: i * 50, netInputBytes: i * 1024, ...loop });
    expect(metrics.opsPerSecond).toBe(Math.trunc((500 * i) / 16));
  }
  expect(metrics.inputBytesPerSecond).toBe(10240);
  expect(metrics.loopCyclesPerSecond).toBe(20);
  expect(metrics.loopDurationUs).toBe(3000);
});

it('old samples are forgotten', () => {
  const { metrics, tick } = createMetrics();
  tick({});
  tick({ netOutputBytes: 1_000_000 });
  expect(metrics.outputBytesPerSecond).toBe(625_000);
  for (let i = 0; i < 15; i++) tick({});
  expect(metrics.outputBytesPerSecond).toBe(625_000);
  tick({});
  expect(metrics.outputBytesPerSecond).toBe(0);
});

it('a timer that fires more often than needed adds no samples', () => {
  const { metrics, tick } = createMetrics();
  tick({});
  for (let i = 1; i <= 10; i++) tick({ commands: i * 10 }, 10_000);
  expect(metrics.opsPerSecond).toBe(Math.trunc(1000 / 16));
});

it('a late sample is divided by the time that really passed', () => {
  const { metrics, tick } = createMetrics();
  tick({});
  tick({ commands: 1000 }, 1_000_000);
  expect(metrics.opsPerSecond).toBe(Math.trunc(1000 / 16));
});

it('a counter that was set back gives no negative rate', () => {
  const { metrics, tick } = createMetrics();
  tick({ commands: 5000 });
  tick({ commands: 0 });
  expect(metrics.opsPerSecond).toBe(0);
});

it('a reset clears rates and maxima and counts turns of the event loop anew', () => {
  const { metrics, tick } = createMetrics();
  tick({});
  tick({ commands: 100, loopCycles: 4, loopActiveUs: 8000 });
  metrics.addCron(70);
  expect(metrics.loop()).toEqual({
    cycles: 4,
    activeUs: 8000,
    durationMaxUs: 2000,
    commandsPerCycleMax: 25,
    cronUs: 70,
  });
  metrics.reset();
  expect(metrics.opsPerSecond).toBe(0);
  expect(metrics.loop()).toEqual({
    cycles: 0,
    activeUs: 0,
    durationMaxUs: 0,
    commandsPerCycleMax: 0,
    cronUs: 0,
  });
});
