// Starts a server process for a test: real redis-server (the oracle) or the built respite-server.
//
// Each server gets a free loopback port and a scratch directory, is waited for until it answers,
// and is gone with its directory when `stop()` was called, when the test file ends (setup.ts) or
// when this process exits, whichever comes first. Only processes started here are signalled, by
// pid. Usable outside vitest too (the fuzzers).

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export type ServerKind = 'redis' | 'respite';

export interface ServerOptions {
  kind: ServerKind;
  /** Appended after the defaults, so they win: `['--maxmemory', '10mb']`. */
  args?: readonly string[];
  /** Text of a configuration file that is given as the first argument. */
  config?: string;
  /** Listens on a Unix socket too; its path is `TestServer.unixSocket`. */
  unixSocket?: boolean;
  /** Default: a free one above 20000. 0 means no TCP, which needs `unixSocket`. */
  port?: number;
  /** Does not wait until it has loaded its data. */
  whileLoading?: boolean;
}

export interface TestServer {
  readonly kind: ServerKind;
  readonly port: number;
  readonly unixSocket?: string;
  readonly pid: number;
  /** Scratch directory: the server's `dir`. */
  readonly dir: string;
  /** All it wrote to standard output and standard error so far. */
  stdout(): string;
  /**
   * Waits until it wrote `text`: a reply can be here before the line that was logged for it, since both
   * come through pipes of their own. Rejects with all it wrote when that takes too long.
   */
  logged(text: string | RegExp): Promise<void>;
  /** Exit code, once the process ended; 128 + signal number when a signal ended it. */
  readonly exited: Promise<number>;
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, SIGKILL after ten seconds; resolves to the exit code. May be called again. */
  stop(): Promise<number>;
}

export interface ServerRun {
  code: number;
  output: string;
}

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const respiteEntry = path.join(root, 'dist/src/bin/respite-server.js');
const redisBinary = process.env.RESPITE_REDIS_SERVER ?? 'redis-server';

const FIRST_PORT = 20001;
const LAST_PORT = 32000; // below the range the system hands out to outgoing connections
const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;
const LOGGED_TIMEOUT_MS = 10_000;
const START_ATTEMPTS = 5;

const SIGNAL_NUMBERS: Partial<Record<NodeJS.Signals, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
};

let redisVersionKnown: string | null | undefined;

/** "7.0.15" or null when there is no real redis-server on this machine. */
export function realRedisVersion(): string | null {
  if (redisVersionKnown === undefined) {
    const result = spawnSync(redisBinary, ['--version'], { encoding: 'utf8' });
    redisVersionKnown = /v=(\d+\.\d+\.\d+)/.exec(result.stdout ?? '')?.[1] ?? null;
  }
  return redisVersionKnown;
}

/**
 * Whether tests against the oracle can run. Without one they are skipped, visibly; under CI its
 * absence is an error, because a run that judged nothing must not look green.
 */
export function realRedisAvailable(): boolean {
  if (realRedisVersion() !== null) return true;
  if (process.env.CI) throw new Error(`${redisBinary} is needed when CI is set, and was not found`);
  return false;
}

/** Whether `npm run build` has produced the server. */
export function respiteBuilt(): boolean {
  return existsSync(respiteEntry);
}

/** The program and the arguments that come before any of redis-server's own. */
export function serverCommand(kind: ServerKind): [program: string, ...args: string[]] {
  return kind === 'redis' ? [redisBinary] : [process.execPath, respiteEntry];
}

export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    const free = await new Promise<boolean>((resolve) => {
      const probe = net.createServer();
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

interface Running {
  child: ChildProcess;
  dir: string;
}

const running = new Set<Running>();

function release(entry: Running): void {
  running.delete(entry);
  rmSync(entry.dir, { recursive: true, force: true });
}

process.on('exit', () => {
  for (const entry of running) {
    entry.child.kill('SIGKILL');
    release(entry);
  }
});

interface Launch {
  child: ChildProcess;
  dir: string;
  output: () => string;
  exited: Promise<number>;
  entry: Running;
}

function launch(options: ServerOptions, defaults: (dir: string) => string[]): Launch {
  const dir = mkdtempSync(path.join(tmpdir(), 'respite-test-'));
  const args: string[] = [];
  if (options.config !== undefined) {
    const file = path.join(dir, 'redis.conf');
    writeFileSync(file, options.config);
    args.push(file);
  }
  const [program, ...before] = serverCommand(options.kind);
  const child = spawn(program, [...before, ...args, ...defaults(dir), ...(options.args ?? [])], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const entry = { child, dir };
  running.add(entry);
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8');
    stream?.on('data', (text: string) => chunks.push(text));
  }
  const exited = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    // 'close' comes after the last output, 'exit' need not.
    child.once('close', (code, signal) =>
      resolve(code ?? 128 + ((signal && SIGNAL_NUMBERS[signal]) ?? 0)),
    );
  });
  exited.catch(() => {});
  return { child, dir, output: () => chunks.join(''), exited, entry };
}

/**
 * Resolves to true once something answers PING, whatever the answer, but for that it is loading unless
 * that will do; false while nothing does.
 */
function answers(target: net.NetConnectOpts, whileLoading: boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(target);
    const finish = (up: boolean) => {
      socket.destroy();
      resolve(up);
    };
    socket.setTimeout(1000, () => finish(false));
    socket.once('error', () => finish(false));
    socket.once('close', () => finish(false));
    socket.once('data', (reply: Buffer) =>
      finish(whileLoading || !reply.toString('latin1').startsWith('-LOADING')),
    );
    socket.write('PING\r\n');
  });
}

async function waitForOutput(output: () => string, text: string | RegExp): Promise<void> {
  const isThere = () => (typeof text === 'string' ? output().includes(text) : text.test(output()));
  for (const deadline = Date.now() + LOGGED_TIMEOUT_MS; !isThere(); await sleep(10)) {
    if (Date.now() > deadline) throw new Error(`never logged ${text}:\n${output()}`);
  }
}

async function startOnce(options: ServerOptions): Promise<TestServer> {
  const port = options.port ?? (await freePort());
  let unixSocket: string | undefined;
  const started = launch(options, (dir) => {
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir];
    args.push('--save', '', '--appendonly', 'no');
    if (options.unixSocket) {
      unixSocket = path.join(dir, 'redis.sock');
      args.push('--unixsocket', unixSocket);
    }
    return args;
  });
  const { child, dir, output, exited, entry } = started;
  let ended = false;
  exited.then(
    () => {
      ended = true;
    },
    () => {
      ended = true;
    },
  );
  const target = port === 0 && unixSocket ? { path: unixSocket } : { host: '127.0.0.1', port };
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (!(await answers(target, options.whileLoading === true)) || ended) {
    if (!ended && Date.now() < deadline) {
      await sleep(10);
      continue;
    }
    child.kill('SIGKILL');
    const code = await exited.catch((error: Error) => error.message);
    release(entry);
    throw new Error(`${options.kind} server did not start (${code}):\n${output()}`);
  }
  let stopping: Promise<number> | undefined;
  const stop = async () => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    const code = await exited;
    clearTimeout(timer);
    release(entry);
    return code;
  };
  return {
    kind: options.kind,
    port,
    ...(unixSocket ? { unixSocket } : {}),
    pid: child.pid ?? 0,
    dir,
    stdout: output,
    logged: (text) => waitForOutput(output, text),
    exited,
    kill: (signal) => {
      child.kill(signal);
    },
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** Starts a server and resolves once it answers; rejects with its output when it does not start. */
export async function startServer(options: ServerOptions): Promise<TestServer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(options);
    } catch (error) {
      // Another process may take the port between the probe and the bind.
      const taken = error instanceof Error && /already in use|Failed listening/.test(error.message);
      if (!taken || options.port !== undefined || attempt === START_ATTEMPTS) throw error;
    }
  }
}

/**
 * Runs the server program with exactly these arguments until it ends by itself (`--version`, a
 * start that must fail); killed and rejected after `READY_TIMEOUT_MS`.
 */
export async function runServer(
  options: Pick<ServerOptions, 'kind' | 'args' | 'config'>,
): Promise<ServerRun> {
  const { child, output, exited, entry } = launch(options, () => []);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, READY_TIMEOUT_MS);
  try {
    const code = await exited;
    if (timedOut) throw new Error(`${options.kind} server did not end by itself:\n${output()}`);
    return { code, output: output() };
  } finally {
    clearTimeout(timer);
    release(entry);
  }
}

/** Stops every server that is still up: called after each test file. */
export async function stopAllServers(): Promise<void> {
  const left = [...running];
  for (const { child } of left) child.kill('SIGKILL');
  await Promise.all(
    left.map(
      ({ child }) =>
        new Promise<void>((resolve) => {
          if (child.exitCode !== null || child.signalCode !== null) resolve();
          else child.once('exit', () => resolve());
        }),
    ),
  );
  for (const entry of left) release(entry);
}
