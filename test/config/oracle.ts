// A real redis-server to compare with, and the means to run CONFIG handlers without a server.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Config, type ConfigOptions } from '../../src/config/config.ts';
import type { ConfigHooks } from '../../src/config/config_commands.ts';
import { registerConfigCommands } from '../../src/config/config_commands.ts';
import { ReplyWriter } from '../../src/core/reply_writer.ts';
import { type HostCall, HostCommands } from '../../src/host_command.ts';

export const ORACLE_VERSION = '7.0.15';

function installedVersion(): string | null {
  const result = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  return /v=([0-9.]+)/.exec(result.stdout ?? '')?.[1] ?? null;
}

export const hasOracle = installedVersion() === ORACLE_VERSION;
if (!hasOracle) {
  console.warn(`redis-server ${ORACLE_VERSION} is not installed: comparisons with it are skipped`);
}

// --- RESP ---

export type Reply = string | number | null | Error | Reply[] | Map<Reply, Reply>;

/** One reply at `at`, or null when it is not complete yet. */
export function parseReply(bytes: Buffer, at = 0): { value: Reply; end: number } | null {
  const lineEnd = bytes.indexOf('\r\n', at);
  if (lineEnd < 0) return null;
  const line = bytes.toString('latin1', at + 1, lineEnd);
  let end = lineEnd + 2;
  switch (String.fromCharCode(bytes[at]!)) {
    case '+':
      return { value: line, end };
    case '-':
      return { value: new Error(line), end };
    case ':':
      return { value: Number(line), end };
    case '_':
      return { value: null, end };
    case '$': {
      const length = Number(line);
      if (length < 0) return { value: null, end };
      if (bytes.length < end + length + 2) return null;
      return { value: bytes.toString('latin1', end, end + length), end: end + length + 2 };
    }
    default: {
      const isMap = bytes[at] === 0x25;
      const items: Reply[] = [];
      for (let i = 0; i < Number(line) * (isMap ? 2 : 1); i++) {
        const item = parseReply(bytes, end);
        if (item === null) return null;
        items.push(item.value);
        end = item.end;
      }
      if (!isMap) return { value: items, end };
      const map = new Map<Reply, Reply>();
      for (let i = 0; i < items.length; i += 2) map.set(items[i]!, items[i + 1]!);
      return { value: map, end };
    }
  }
}

/** A flat array of names and values as an object. */
export function pairsOf(reply: Reply): Record<string, string> {
  const items = reply instanceof Map ? [...reply].flat() : (reply as string[]);
  const pairs: Record<string, string> = {};
  for (let i = 0; i < items.length; i += 2) pairs[String(items[i])] = String(items[i + 1]);
  return pairs;
}

// --- The real server ---

async function freePort(): Promise<number> {
  for (;;) {
    const probe = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => probe.once('listening', resolve));
    const { port } = probe.address() as { port: number };
    await new Promise((resolve) => probe.close(resolve));
    if (port > 20000) return port;
  }
}

export class Oracle {
  readonly directory: string;
  readonly port: number;
  private readonly process: ChildProcess;
  private readonly socket: Socket;
  private received = Buffer.alloc(0);
  private waiting: ((reply: Buffer) => void)[] = [];

  private constructor(directory: string, port: number, process: ChildProcess, socket: Socket) {
    this.directory = directory;
    this.port = port;
    this.process = process;
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.received = Buffer.concat([this.received, chunk]);
      for (;;) {
        const reply = this.received.length > 0 ? parseReply(this.received) : null;
        if (reply === null) return;
        this.waiting.shift()?.(this.received.subarray(0, reply.end));
        this.received = this.received.subarray(reply.end);
      }
    });
  }

  /** `args` may name a configuration file; `directory` becomes the working directory. */
  static async start(args: readonly string[] = [], directory = temporary()): Promise<Oracle> {
    const port = await freePort();
    const words = [...args, '--port', `${port}`, '--bind', '127.0.0.1', '--appendonly', 'no'];
    const child = spawn('redis-server', words, { cwd: directory, stdio: 'ignore' });
    for (let tries = 0; tries < 200; tries++) {
      const socket = await tryConnect(port);
      if (socket !== null) return new Oracle(directory, port, child, socket);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    child.kill('SIGKILL');
    throw new Error('redis-server did not start');
  }

  /** The bytes of the reply. */
  send(...args: (string | Buffer)[]): Promise<Buffer> {
    const parts = args.map((arg) => (typeof arg === 'string' ? Buffer.from(arg, 'latin1') : arg));
    this.socket.write(
      Buffer.concat([
        Buffer.from(`*${parts.length}\r\n`),
        ...parts.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, Buffer.from('\r\n')]),
      ]),
    );
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.socket.destroy();
    this.process.kill('SIGKILL');
    await ended;
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function tryConnect(port: number): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(null));
  });
}

/** A new directory, deleted when the process ends. */
export function temporary(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'respite-config-')));
  process.once('exit', () => rmSync(path, { recursive: true, force: true }));
  return path;
}

// --- Our handlers ---

export class ConfigHarness {
  readonly config: Config;
  readonly logged: string[] = [];
  readonly redacted: number[] = [];
  isLocal = false;
  isLoading = false;
  resets = 0;
  rewrite: (() => string | null) | undefined = undefined;
  private readonly commands = new HostCommands();

  constructor(options: ConfigOptions = {}) {
    this.config = new Config({
      log: (level, text) => this.logged.push(`${level}: ${text}`),
      ...options,
    });
    const hooks: ConfigHooks = {
      isLocalClient: () => this.isLocal,
      isLoading: () => this.isLoading,
      resetStats: () => {
        this.resets++;
      },
      rewriteFile: () => this.rewrite,
      redactArgument: (_call, index) => {
        this.redacted.push(index);
      },
      log: (level, text) => {
        this.logged.push(`${level}: ${text}`);
      },
    };
    registerConfigCommands(this.commands, this.config, hooks);
  }

  /** `args` after CONFIG; the reply's bytes, or a promise of them when the handler waits. */
  start(args: readonly (string | Buffer)[], resp: 2 | 3 = 2): Buffer | Promise<Buffer> {
    const words = ['config', ...args].map((arg) =>
      typeof arg === 'string' ? Buffer.from(arg, 'latin1') : arg,
    );
    const name = `config|${String(args[0]).toLowerCase()}`;
    const reply = new ReplyWriter(resp);
    const call: HostCall = {
      name,
      args: words,
      client: { id: 1, ptr: 0, resp },
      nowMs: 0,
      reply,
    };
    const done = this.commands.get(name)!(call);
    const bytes = () => Buffer.from(reply.bytes());
    return done instanceof Promise ? done.then(bytes) : bytes();
  }

  /** The parsed reply of a handler that does not wait. */
  run(...args: (string | Buffer)[]): Reply {
    const bytes = this.start(args);
    if (bytes instanceof Promise) throw new Error('the handler waits');
    const reply = parseReply(bytes);
    if (reply === null || reply.end !== bytes.length) throw new Error(`bad reply: ${bytes}`);
    return reply.value;
  }

  /** The text of an error reply. */
  error(...args: (string | Buffer)[]): string {
    const reply = this.run(...args);
    if (!(reply instanceof Error)) throw new Error(`no error: ${String(reply)}`);
    return reply.message;
  }

  /** What CONFIG GET shows for one name. */
  value(name: string): string | undefined {
    return pairsOf(this.run('get', name))[name];
  }
}
