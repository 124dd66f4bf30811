// Lets everything else that is waiting run before the work at hand goes on.

import { realSetImmediate, realSetTimeout } from './timers.ts';

/** Resolves in the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    // Not there in browsers; a timer of nothing costs them up to some milliseconds per turn.
    if (realSetImmediate !== undefined) realSetImmediate(resolve);
    else realSetTimeout(resolve, 0);
  });
}
