// Parts of the program that are files of their own, fetched when they are needed.

import { RespiteError } from '../embedded/errors.ts';
import { reasonOf } from '../util/reason_of.ts';

/** The part that is coming. Throws NOT_LOADED: the network is gone, or the site has a later release. */
export async function part<T>(coming: Promise<T>): Promise<T> {
  try {
    return await coming;
  } catch (cause) {
    const reason = reasonOf(cause);
    throw new RespiteError('NOT_LOADED', `A part of the program did not come: ${reason}`, {
      cause,
    });
  }
}

/** The same for a worker, which may be forbidden. */
export function startedWorker(start: () => Worker): Worker {
  try {
    return start();
  } catch (cause) {
    const reason = reasonOf(cause);
    throw new RespiteError('NOT_LOADED', `A worker could not be started: ${reason}`, { cause });
  }
}
