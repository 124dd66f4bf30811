// Removes what a browser keeps of a store. A part of the program of its own, fetched when it is needed.

import { RespiteError } from '../embedded/errors.ts';
import { checkName } from './options.ts';
import { removeStored } from './storage/choose.ts';
import { lockName, locksRefused } from './tabs/messages.ts';

/** Throws BAD_OPTION, LOCKED while any tab has the store open, UNSUPPORTED and STORAGE. */
export async function removeStore(name: string): Promise<void> {
  checkName(name);
  if (navigator.locks === undefined) {
    throw new RespiteError('UNSUPPORTED', 'Without Web Locks there are no stores that are kept');
  }
  // Whoever opens it meanwhile waits.
  const remove = (lock: Lock | null) => {
    if (lock !== null) return removeStored(name);
    throw new RespiteError('LOCKED', 'This store is open, here or in another tab: close it first');
  };
  try {
    await navigator.locks.request(lockName(name), { ifAvailable: true }, remove);
  } catch (cause) {
    throw cause instanceof RespiteError ? cause : locksRefused(cause);
  }
}
