// Whether a button of the mouse, or a finger, is down. What is drawn anew between press and release moves under the
// pointer, or goes: then no click comes of it, or one on something else.

export class PointerWatch {
  private readonly listening = new AbortController();
  private isDown = false;
  private waiting: (() => void)[] = [];

  constructor(page: Document = document) {
    const options = { capture: true, signal: this.listening.signal };
    page.addEventListener(
      'pointerdown',
      () => {
        this.isDown = true;
      },
      options,
    );
    // The click follows in the same task as the release.
    const release = () => setTimeout(() => this.release());
    page.addEventListener('pointerup', release, options);
    page.addEventListener('pointercancel', release, options);
  }

  /** Resolves when nothing is pressed, and the click that came of it has been heard. */
  released(): Promise<void> {
    if (!this.isDown) return Promise.resolve();
    return new Promise((resolve) => {
      this.waiting.push(resolve);
    });
  }

  dispose(): void {
    this.listening.abort();
    this.release();
  }

  private release(): void {
    this.isDown = false;
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
