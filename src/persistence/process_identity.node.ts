// Which process this is, and whether another one still runs: what a lock file has to know.
//
// A process is known by its id and by when it started, because ids are used again. Linux tells the start
// in ticks since the system started, so the system's start belongs to it; elsewhere an id that is in use
// counts as the process that wrote it down.

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { errorCode } from '../util/system_error.ts';
import type { ProcessIdentity } from './directory_lock.ts';

/** "pid (name) state ppid ...": the name may hold blanks and brackets, the start is the 20th behind it. */
const START_TIME_FIELD = 19;

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Empty where the system does not tell, or when there is no such process. */
function startOf(pid: number): string {
  const stat = read(`/proc/${pid}/stat`);
  const ticks = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[START_TIME_FIELD];
  const boot = read('/proc/sys/kernel/random/boot_id')?.trim();
  return ticks === undefined || boot === undefined ? '' : `${boot}/${ticks}`;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process may not be signalled, but is there.
    return errorCode(error) === 'EPERM';
  }
}

/** The running process. */
export function ownIdentity(): ProcessIdentity {
  return {
    pid: process.pid,
    host: hostname(),
    startedAs: startOf(process.pid),
    isRunning: (pid, startedAs) => {
      if (!exists(pid)) return false;
      const now = startOf(pid);
      return startedAs === '' || now === '' || now === startedAs;
    },
  };
}
