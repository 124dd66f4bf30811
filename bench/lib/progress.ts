// Progress of a long run: one line per finished step on standard error, with the time that is left.

import { formatSeconds } from './stats.ts';

export class Progress {
  private readonly label: string;
  private readonly steps: number;
  private readonly startedAtMs = performance.now();
  private done = 0;

  constructor(label: string, steps: number) {
    this.label = label;
    this.steps = steps;
  }

  /** Prints `text` for a finished step and guesses the rest from the mean of the steps so far. */
  step(text: string): void {
    this.done++;
    const elapsedSeconds = (performance.now() - this.startedAtMs) / 1000;
    const leftSeconds = (elapsedSeconds / this.done) * (this.steps - this.done);
    const width = `${this.steps}`.length;
    process.stderr.write(
      `${this.label} ${`${this.done}`.padStart(width)}/${this.steps}  ${text}` +
        `${this.done < this.steps ? `  (${formatSeconds(leftSeconds)} left)` : ''}\n`,
    );
  }
}
