// The processes of a benchmark: servers on one core, clients on another, and what the kernel
// accounts to them.
//
// Servers listen on a free loopback port and keep their files in a directory of their own, which
// goes with them. Whatever is still running when the benchmark ends is stopped. Pinning needs
// `taskset` and two cores, accounting needs Linux's /proc; without them the benchmark runs, says so
// in its results, and the figures that depend on them are null.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { RespClient } from './resp_client.ts';
import type { ServerInfo } from './results.ts';

export const REPOSITORY = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 10_000;
const SERVER_CORE = 0;
const CLIENT_CORE = 1;

/** Where servers and clients may run; null when they cannot be pinned. */
export const cores: { server: number; clients: number } | null =
  findOnPath('taskset') !== null && os.availableParallelism() >= 2
    ? { server: SERVER_CORE, clients: CLIENT_CORE }
    : null;

/** Full path of an executable, or null. */
export function findOnPath(name: string): string | null {
  for (const directory of (process.env.PATH ?? '').split(path.delimiter)) {
    const full = path.join(directory, name);
    if (directory !== '' && existsSync(full)) return full;
  }
  return null;
}

/** First line that a command prints, or null when it cannot be run. */
export function firstLine(command: string, ...args: string[]): string | null {
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    cwd: REPOSITORY,
  });
  if (result.status !== 0) return null;
  return result.stdout.split('\n')[0]!.trim();
}

export function pinned(role: 'server' | 'clients', command: readonly string[]): string[] {
  return cores === null ? [...command] : ['taskset', '-c', `${cores[role]}`, ...command];
}

const running = new Set<ChildProcess>();
const directories = new Set<string>();
let cleansUp = false;

/** Whatever way the benchmark ends, its processes and directories go with it. */
function cleanUpAtExit(): void {
  if (cleansUp) return;
  cleansUp = true;
  process.on('exit', () => {
    for (const child of running) child.kill('SIGKILL');
    for (const directory of directories) rmSync(directory, { recursive: true, force: true });
  });
  process.on('SIGINT', () => process.exit(130));
  process.on('SIGTERM', () => process.exit(143));
}

/** Starts a process that ends with the benchmark at the latest. */
export function start(
  command: readonly string[],
  stdio: ('ignore' | 'pipe' | 'ipc')[],
): ChildProcess {
  cleanUpAtExit();
  const [file, ...args] = command;
  const child = spawn(file!, args, { stdio });
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.once('error', () => running.delete(child));
  return child;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const listener = net.createServer();
    listener.once('error', reject);
    listener.listen(0, '127.0.0.1', () => {
      const { port } = listener.address() as net.AddressInfo;
      listener.close(() => resolve(port));
    });
  });
}

export class ServerProcess {
  readonly info: ServerInfo;
  readonly port: number;
  private readonly child: ChildProcess;
  /** Where it keeps its files. */
  readonly directory: string;
  private output = '';

  private constructor(info: ServerInfo, port: number, child: ChildProcess, directory: string) {
    this.info = info;
    this.port = port;
    this.child = child;
    this.directory = directory;
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output = (this.output + text).slice(-4000);
      });
  }

  /** Starts a server with `directives` (`--name value ...`) and waits until it answers PING. */
  static async start(info: ServerInfo, directives: readonly string[]): Promise<ServerProcess> {
    const port = await freePort();
    const directory = mkdtempSync(path.join(os.tmpdir(), 'respite-bench-'));
    const command = pinned('server', [
      ...info.command,
      ...['--port', `${port}`, '--bind', '127.0.0.1', '--dir', directory, '--loglevel', 'warning'],
      ...directives,
    ]);
    directories.add(directory);
    const child = start(command, ['ignore', 'pipe', 'pipe']);
    const server = new ServerProcess(info, port, child, directory);
    try {
      await server.ready();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  get pid(): number {
    return this.child.pid!;
  }

  get alive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** What the server printed last, for the message about its death. */
  get lastOutput(): string {
    return this.output.trim();
  }

  connect(): Promise<RespClient> {
    return RespClient.connect(this.port);
  }

  /** Processor time of all live threads, in microseconds; null without /proc. */
  cpuMicros(): number | null {
    return processCpuMicros(this.pid);
  }

  /** Resident set in bytes; null without /proc. */
  residentBytes(): number | null {
    try {
      const status = readFileSync(`/proc/${this.pid}/status`, 'latin1');
      const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
      return kibibytes === undefined ? null : Number(kibibytes) * 1024;
    } catch {
      return null;
    }
  }

  async stop(): Promise<void> {
    if (this.alive && this.child.pid !== undefined) {
      const gone = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      await Promise.race([gone, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
      if (this.alive) {
        this.child.kill('SIGKILL');
        await gone;
      }
    }
    rmSync(this.directory, { recursive: true, force: true });
    directories.delete(this.directory);
  }

  private async ready(): Promise<void> {
    const failed = new Promise<never>((_, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code) =>
        reject(new Error(`${this.info.id} ended at its start (${code}): ${this.lastOutput}`)),
      );
    });
    const timeout = new AbortController();
    const late = sleep(START_TIMEOUT_MS, undefined, {
      signal: timeout.signal,
    }).then(() => {
      throw new Error(`${this.info.id} was not ready in time: ${this.lastOutput}`);
    });
    let waiting = true;
    const answers = async () => {
      while (waiting) {
        try {
          const client = await this.connect();
          const reply = await client.call('PING');
          await client.close();
          if (reply === 'PONG') return;
        } catch {
          // Not listening yet.
        }
        await sleep(20);
      }
    };
    try {
      await Promise.race([answers(), failed, late]);
    } finally {
      waiting = false;
      timeout.abort();
      late.catch(() => {});
      failed.catch(() => {});
    }
  }
}

/**
 * The scheduler's own account in nanoseconds where the kernel keeps one, else the user and system
 * time of /proc/PID/stat, which counts in ticks of 10 ms.
 */
function processCpuMicros(pid: number): number | null {
  try {
    let nanoseconds = 0;
    for (const task of readdirSync(`/proc/${pid}/task`))
      nanoseconds += Number(
        readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0],
      );
    return nanoseconds / 1000;
  } catch {
    return statCpuMicros(pid);
  }
}

function statCpuMicros(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name, in parentheses, may itself hold spaces; the fields after it are counted from 3.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[14 - 3]) + Number(fields[15 - 3])) * 10_000;
  } catch {
    return null;
  }
}
