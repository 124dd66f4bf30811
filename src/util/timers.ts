// The platform's timers as they were when the program began.
//
// Tests put fakes in the place of the global ones. What merely lets the event loop turn, or does work in
// the background, must go on then: it uses these. What waits for a time that somebody was told (a
// blocking command's timeout) uses the global ones, so that it follows the fakes.

export const realSetTimeout: typeof setTimeout = setTimeout;
export const realClearTimeout: typeof clearTimeout = clearTimeout;

/** Absent in browsers. */
export const realSetImmediate: typeof setImmediate | undefined =
  typeof setImmediate === 'function' ? setImmediate : undefined;

/** Milliseconds since anything. */
export const realNow: () => number = performance.now.bind(performance);

const RealDate = Date;

/** Whether somebody has put another clock in the place of the system's: it may stand still. */
export function isTimeFaked(): boolean {
  return Date !== RealDate;
}

/** Resolves after real time. */
export function realSleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    realSetTimeout(resolve, milliseconds);
  });
}

/** Under Node a timer that is pending keeps the process alive, unless told otherwise; pages have no such thing. */
export function detachTimer(timer: ReturnType<typeof setTimeout>): void {
  if (typeof timer === 'object') (timer as { unref?(): void }).unref?.();
}
