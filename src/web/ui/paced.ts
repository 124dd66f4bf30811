// Work that is asked for more often than it can be done: one run at a time, with a pause between two.

export class Paced {
  private readonly run: () => Promise<void>;
  private readonly pauseMs: number;
  private isWanted = false;
  private isBusy = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isDisposed = false;

  /** `run` handles its own errors. */
  constructor(run: () => Promise<void>, pauseMs: number) {
    this.run = run;
    this.pauseMs = pauseMs;
  }

  /** Runs now, or as soon as the run under way and the pause behind it are over: once for all who asked. */
  soon(): void {
    if (this.isDisposed) return;
    this.isWanted = true;
    if (!this.isBusy) void this.next();
  }

  dispose(): void {
    this.isDisposed = true;
    clearTimeout(this.timer);
  }

  private async next(): Promise<void> {
    this.isBusy = true;
    this.isWanted = false;
    await this.run();
    if (this.isDisposed) return;
    this.timer = setTimeout(() => {
      this.isBusy = false;
      if (this.isWanted) void this.next();
    }, this.pauseMs);
  }
}
