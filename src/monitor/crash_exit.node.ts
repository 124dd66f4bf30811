// How a process ends after a crash report, so that whoever watches it sees why.

import type { CrashCause } from './crash_cause.ts';

const EXIT_CODE = 1;

/**
 * Ends the process: by the signal that hit it, by SIGABRT otherwise, or (use-exit-on-panic) with
 * exit code 1. Handlers for the signal must be gone.
 */
export function endAfterCrash(cause: CrashCause, usesExit: boolean): never {
  if (cause.kind === 'signal') {
    process.removeAllListeners(cause.signal);
    process.kill(process.pid, cause.signal);
    // A signal that is handled later, or ignored, must not keep the process alive.
    waitForSignal();
  } else if (!usesExit) process.abort();
  process.exit(EXIT_CODE);
}

const SIGNAL_WAIT_MS = 1000;

function waitForSignal(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SIGNAL_WAIT_MS);
}
