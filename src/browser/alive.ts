// Whether a worker lives: nobody tells that one was ended, but a lock that it held becomes free then.
//
//   page: name ──> worker: holdLock, tells that it has it ──> page: whenFree
//
// Pages that did not come over a secure connection have no locks: then nobody is told.

import { randomId } from '../util/random_id.ts';

export const newLockName = () => `respite-worker-${randomId()}`;

/** Holds the lock for ever. */
export function holdLock(name: string, onHeld: () => void): void {
  const hold = () => {
    onHeld();
    return new Promise(() => {});
  };
  navigator.locks?.request(name, hold)?.catch(() => {});
}

/** Calls back once a lock that is held is free, unless the signal comes first. */
export function whenFree(name: string, signal: AbortSignal, onFree: () => void): void {
  navigator.locks?.request(name, { signal }, onFree)?.catch(() => {});
}
