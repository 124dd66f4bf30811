// Rates: what INFO calls instantaneous_*.
//
// Every 100 ms the server's timer hands in the counters as they are; each becomes a change per second
// (or per event loop cycle), and what is reported is the mean of the last 16 such samples, 1.6 s. The
// ring starts out as zeros, so a rate climbs to its value within the first 1.6 s, as in Redis.

const SAMPLES = 16;
const PERIOD_US = 100_000;
/** A timer that fires a little early still counts as on time. */
const EARLY_US = 10_000;
const MICROSECONDS = 1_000_000;

/** Counters that only grow, until CONFIG RESETSTAT sets them back. */
export interface MetricReadings {
  readonly commands: number;
  readonly netInputBytes: number;
  readonly netOutputBytes: number;
  readonly replicationInputBytes: number;
  readonly replicationOutputBytes: number;
  /** Turns of the event loop. */
  readonly loopCycles: number;
  /** Time the event loop did not spend waiting. */
  readonly loopActiveUs: number;
}

/** A ring of samples of one counter's change. */
class Rate {
  private readonly samples = new Float64Array(SAMPLES);
  private index = 0;
  private lastValue = 0;
  private lastBase = 0;

  /** `base` is what the change is divided by: time, or another counter. */
  sample(value: number, base: number, factor: number): void {
    if (this.lastBase > 0) {
      const elapsed = base - this.lastBase;
      // A counter that was set back in between has no meaningful change.
      const change = Math.max(value - this.lastValue, 0);
      this.samples[this.index] = elapsed > 0 ? Math.trunc((change * factor) / elapsed) : 0;
      this.index = (this.index + 1) % SAMPLES;
    }
    this.lastBase = base;
    this.lastValue = value;
  }

  get mean(): number {
    return Math.trunc(this.samples.reduce((sum, sample) => sum + sample, 0) / SAMPLES);
  }
}

function createRates() {
  return {
    commands: new Rate(),
    netInput: new Rate(),
    netOutput: new Rate(),
    replicationInput: new Rate(),
    replicationOutput: new Rate(),
    loopCycles: new Rate(),
    loopDuration: new Rate(),
  };
}

export class Metrics {
  private readonly read: () => MetricReadings;
  private rates = createRates();
  private lastUs = 0;
  private atReset: MetricReadings | undefined;
  private previous: MetricReadings | undefined;
  private loopDurationMaxUs = 0;
  private commandsPerCycleMax = 0;
  private cronUs = 0;

  constructor(read: () => MetricReadings) {
    this.read = read;
  }

  /** Called by the server's timer, at least ten times a second. `nowUs` is a monotonic time. */
  tick(nowUs: number): void {
    if (nowUs - this.lastUs < PERIOD_US - EARLY_US) return;
    this.lastUs = nowUs;
    const now = this.read();
    const { rates } = this;
    rates.commands.sample(now.commands, nowUs, MICROSECONDS);
    rates.netInput.sample(now.netInputBytes, nowUs, MICROSECONDS);
    rates.netOutput.sample(now.netOutputBytes, nowUs, MICROSECONDS);
    rates.replicationInput.sample(now.replicationInputBytes, nowUs, MICROSECONDS);
    rates.replicationOutput.sample(now.replicationOutputBytes, nowUs, MICROSECONDS);
    rates.loopCycles.sample(now.loopCycles, nowUs, MICROSECONDS);
    rates.loopDuration.sample(now.loopActiveUs, now.loopCycles, 1);
    this.trackMaxima(now);
  }

  /**
   * The event loop does not tell about single turns: the largest mean over the turns of one period
   * stands for the largest turn.
   */
  private trackMaxima(now: MetricReadings): void {
    const { previous } = this;
    this.previous = now;
    if (previous === undefined) return;
    const cycles = Math.max(now.loopCycles - previous.loopCycles, 1);
    const durationUs = (now.loopActiveUs - previous.loopActiveUs) / cycles;
    const commands = (now.commands - previous.commands) / cycles;
    this.loopDurationMaxUs = Math.max(this.loopDurationMaxUs, durationUs);
    this.commandsPerCycleMax = Math.max(this.commandsPerCycleMax, Math.ceil(commands));
  }

  /** Time the server's timer took. */
  addCron(durationUs: number): void {
    this.cronUs += durationUs;
  }

  /** CONFIG RESETSTAT. The event loop's own counters cannot be set back, so they are read anew. */
  reset(): void {
    this.rates = createRates();
    this.lastUs = 0;
    this.atReset = this.read();
    this.previous = this.atReset;
    this.loopDurationMaxUs = 0;
    this.commandsPerCycleMax = 0;
    this.cronUs = 0;
  }

  get opsPerSecond(): number {
    return this.rates.commands.mean;
  }

  get inputBytesPerSecond(): number {
    return this.rates.netInput.mean;
  }

  get outputBytesPerSecond(): number {
    return this.rates.netOutput.mean;
  }

  get replicationInputBytesPerSecond(): number {
    return this.rates.replicationInput.mean;
  }

  get replicationOutputBytesPerSecond(): number {
    return this.rates.replicationOutput.mean;
  }

  get loopCyclesPerSecond(): number {
    return this.rates.loopCycles.mean;
  }

  get loopDurationUs(): number {
    return this.rates.loopDuration.mean;
  }

  /** Turns and busy microseconds since the start or the last reset, and the maxima. */
  loop(): LoopFigures {
    const { loopCycles, loopActiveUs } = this.read();
    return {
      cycles: loopCycles - (this.atReset?.loopCycles ?? 0),
      activeUs: loopActiveUs - (this.atReset?.loopActiveUs ?? 0),
      durationMaxUs: this.loopDurationMaxUs,
      commandsPerCycleMax: this.commandsPerCycleMax,
      cronUs: this.cronUs,
    };
  }
}

export interface LoopFigures {
  readonly cycles: number;
  readonly activeUs: number;
  readonly durationMaxUs: number;
  readonly commandsPerCycleMax: number;
  readonly cronUs: number;
}
