// `daemonize yes`: the server goes on in a process of its own, without a terminal, and the one that was
// started ends.
//
//   respite-server ──reads the configuration──> spawns itself, detached ──> exits with 0
//                                                    └ a session of its own, /dev/null for input,
//                                                      output and errors; serves
//
// Node cannot fork a running process, so the second one starts afresh: with the same arguments, in
// the directory the first one was started in, and with what was read from standard input. An
// environment variable keeps it from doing the same again.

import { spawn } from 'node:child_process';

const MARK = 'RESPITE_DAEMON';
/** Redis's default when it runs in the background. */
export const DAEMON_PID_FILE = '/var/run/redis.pid';

const startDirectory = process.cwd();
const isMarked = process.env[MARK] === '1';
delete process.env[MARK];

export interface DaemonWish {
  readonly daemonize: boolean;
  readonly supervised: string;
}

/** Whether the server runs, or is to run, in the background: not when a supervisor started it. */
export function runsInBackground({ daemonize, supervised }: DaemonWish): boolean {
  const { UPSTART_JOB, NOTIFY_SOCKET } = process.env;
  const byUpstart = UPSTART_JOB !== undefined && ['auto', 'upstart'].includes(supervised);
  const bySystemd = NOTIFY_SOCKET !== undefined && ['auto', 'systemd'].includes(supervised);
  return daemonize && !byUpstart && !bySystemd;
}

/** Whether this is the process that the first one left behind. */
export function isDaemon(): boolean {
  return isMarked;
}

/**
 * Starts the process that serves, and ends this one once that is done. `input` is what was read from
 * standard input. Comes back only when it is impossible: then with the reason.
 */
export function becomeDaemon(input: Uint8Array | null): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
      cwd: startDirectory,
      env: { ...process.env, [MARK]: '1' },
      detached: true,
      stdio: [input === null ? 'ignore' : 'pipe', 'ignore', 'ignore'],
    });
    child.once('error', (error) => resolve(error.message));
    child.once('spawn', () => {
      if (child.stdin === null) process.exit(0);
      child.stdin.end(input, () => process.exit(0));
    });
  });
}
