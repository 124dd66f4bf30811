// Starts a script of this folder as a process of its own on the clients' core, and speaks to it in
// messages. The prober and the loader of the stall benchmark are such helpers: in the benchmark's
// own process each would delay the other.

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { pinned, start } from './processes.ts';

export class HelperProcess {
  private readonly child: ChildProcess;

  /** `script` is a file name in bench/lib. The loader of TypeScript is the one this process has. */
  constructor(script: string, ...args: string[]) {
    const file = path.join(path.dirname(fileURLToPath(import.meta.url)), script);
    this.child = start(pinned('clients', [process.execPath, ...process.execArgv, file, ...args]), [
      'ignore',
      'ignore',
      'pipe',
      'ipc',
    ]);
    this.child.stderr!.pipe(process.stderr, { end: false });
  }

  send(message: string): void {
    this.child.send(message);
  }

  /** The next message; throws when the process ends without one. */
  async receive<T>(): Promise<T> {
    const stop = new AbortController();
    const { signal } = stop;
    try {
      return await Promise.race([
        once(this.child, 'message', { signal }).then(([message]) => message as T),
        once(this.child, 'exit', { signal }).then(([code]) => {
          throw new Error(`a helper process ended with ${code}`);
        }),
      ]);
    } finally {
      stop.abort();
    }
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await gone;
  }
}

/** In a helper: answers the process that started it. */
export function report(message: unknown): void {
  process.send!(message);
}
