// Timers that do not keep a process alive.

/** Under Node a timer that is pending keeps the process alive, unless told otherwise; pages have no such thing. */
export function detachTimer(timer: ReturnType<typeof setTimeout>): void {
  if (typeof timer === 'object') (timer as { unref?(): void }).unref?.();
}
