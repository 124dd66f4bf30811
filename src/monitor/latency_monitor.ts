// The latency monitor: for each kind of event that took too long, when that was and how long it
// took.
//
//   "command" -> ring of 160 samples { second, milliseconds }, worst ever
//
// One sample per second: several within one second leave the longest. What counts as too long is
// the setting latency-monitor-threshold; 0 turns the monitor off. The core leaves its events in a
// queue that is taken over whenever somebody looks, and regularly by the server's timer, which is
// precise enough for seconds.

import * as abi from '../../assembly/abi.ts';
import type { Core } from '../core/core.ts';
import { takeLatencyEvents } from '../core/statistics.ts';

export const SAMPLES_KEPT = 160;

const MS_PER_SECOND = 1000;

/** Names of the core's events, by LATENCY_EVENT_*. */
const CORE_EVENTS: Readonly<Record<number, string>> = {
  [abi.LATENCY_EVENT_COMMAND]: 'command',
  [abi.LATENCY_EVENT_FAST_COMMAND]: 'fast-command',
  [abi.LATENCY_EVENT_EXPIRE_CYCLE]: 'expire-cycle',
  [abi.LATENCY_EVENT_EVICTION_CYCLE]: 'eviction-cycle',
  [abi.LATENCY_EVENT_EVICTION_DEL]: 'eviction-del',
  [abi.LATENCY_EVENT_WHILE_BLOCKED_CRON]: 'while-blocked-cron',
};

export interface LatencySample {
  /** Unix seconds. */
  readonly time: number;
  readonly milliseconds: number;
}

/** What happened of one kind, oldest first. */
export interface LatencySeries {
  readonly event: string;
  readonly samples: readonly LatencySample[];
  /** Longest ever, also when its sample is gone. */
  readonly worstMs: number;
}

class Series implements LatencySeries {
  readonly event: string;
  readonly samples: LatencySample[] = [];
  worstMs = 0;

  constructor(event: string) {
    this.event = event;
  }

  add(sample: LatencySample): void {
    this.worstMs = Math.max(this.worstMs, sample.milliseconds);
    const last = this.samples.at(-1);
    if (last?.time === sample.time) {
      if (sample.milliseconds > last.milliseconds) this.samples[this.samples.length - 1] = sample;
      return;
    }
    this.samples.push(sample);
    if (this.samples.length > SAMPLES_KEPT) this.samples.shift();
  }
}

export interface LatencyMonitorOptions {
  readonly core: Core;
  /** latency-monitor-threshold, in milliseconds; 0 is off. */
  thresholdMs(): number;
  /** Unix milliseconds. */
  now(): number;
}

export class LatencyMonitor {
  private readonly options: LatencyMonitorOptions;
  private readonly byEvent = new Map<string, Series>();

  constructor(options: LatencyMonitorOptions) {
    this.options = options;
  }

  get thresholdMs(): number {
    return this.options.thresholdMs();
  }

  /** Unix seconds. */
  get nowSeconds(): number {
    return Math.floor(this.options.now() / MS_PER_SECOND);
  }

  /** Records work outside of the core, if it took long enough. */
  add(event: string, milliseconds: number): void {
    const { thresholdMs } = this;
    if (thresholdMs === 0 || milliseconds < thresholdMs) return;
    this.record(event, milliseconds);
  }

  /** Takes over what the core recorded. Called by the server's timer. */
  tick(): void {
    for (const { kind, milliseconds } of takeLatencyEvents(this.options.core)) {
      this.record(CORE_EVENTS[kind] ?? 'unknown', milliseconds);
    }
  }

  private record(event: string, milliseconds: number): void {
    const series = this.byEvent.get(event) ?? new Series(event);
    this.byEvent.set(event, series);
    series.add({ time: this.nowSeconds, milliseconds: Math.trunc(milliseconds) });
  }

  /** Undefined when nothing of that kind was recorded. */
  series(event: string): LatencySeries | undefined {
    this.tick();
    return this.byEvent.get(event);
  }

  all(): LatencySeries[] {
    this.tick();
    return [...this.byEvent.values()];
  }

  /** Forgets one kind of event, or all. Returns how many kinds were forgotten. */
  reset(event?: string): number {
    this.tick();
    if (event === undefined) {
      const count = this.byEvent.size;
      this.byEvent.clear();
      return count;
    }
    const names = [...this.byEvent.keys()].filter(
      (name) => name.toLowerCase() === event.toLowerCase(),
    );
    for (const name of names) this.byEvent.delete(name);
    return names.length;
  }
}
