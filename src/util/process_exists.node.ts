// Whether a process with some number is there.

import { errorCode } from './system_error.ts';

/** Also true for a process of another user. */
export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}
