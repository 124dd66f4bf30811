// An engine with an append-only log on a storage of the test's choice, and a clock that stands still
// unless it is moved. The event loop's turns end when the test says so: replies that have to wait for the
// log do wait.

import * as abi from '../../assembly/abi.ts';
import { toByteText } from '../../src/config/byte_text.ts';
import { Config } from '../../src/config/config.ts';
import type { DirectiveName } from '../../src/config/directives.ts';
import { findDirective } from '../../src/config/directives.ts';
import { Core } from '../../src/core/core.ts';
import { Guards } from '../../src/core/guards.ts';
import { loadCoreModule } from '../../src/core/load.node.ts';
import { Propagation } from '../../src/core/propagation.ts';
import { Engine } from '../../src/engine.ts';
import { Logger } from '../../src/log.ts';
import { AppendOnly } from '../../src/persistence/aof/append_only.ts';
import { Snapshotter } from '../../src/persistence/snapshotter.ts';
import { MemoryStorage } from '../../src/storage/memory_storage.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { nextTurn } from '../../src/util/next_turn.ts';
import type { Argument } from './arguments.ts';
import { EngineTestClient } from './engine_client.ts';
import { FaultyStorage } from './faulty_storage.ts';
import { showReply } from './reply_notation.ts';
import type { Reply } from './resp_decoder.ts';

export const DATA_DIR = 'data';
export const LOG_DIR = `${DATA_DIR}/appendonlydir`;
const SEED = new Uint8Array(16).fill(7);
const FIRST_MS = Date.UTC(2026, 0, 1);

export interface AofServerOptions {
  readonly storage: Storage;
  /** Directives with their values as in a configuration file. */
  readonly directives?: Partial<Record<DirectiveName, string>>;
  /** Another directory than DATA_DIR. */
  readonly directory?: string;
  readonly nowMs?: number;
  readonly memoryLimitBytes?: number;
}

/** The process under test has ended. */
export class Exited extends Error {}

export class AofServer {
  readonly engine: Engine;
  readonly config = new Config();
  readonly guards: Guards;
  readonly aof: AppendOnly;
  readonly log: Logger;
  readonly snapshots: Snapshotter;
  readonly stream: Propagation;
  /** Lines of the log without time and process. */
  readonly lines: string[] = [];
  nowMs: number;
  exitCode: number | undefined;
  /** Microseconds of latency noted, by event. */
  readonly latency = new Map<string, number>();
  isBusy = false;
  private readonly postponed: (() => void)[] = [];

  constructor(options: AofServerOptions) {
    this.nowMs = options.nowMs ?? FIRST_MS;
    this.config.put('dir', options.directory ?? DATA_DIR);
    for (const [name, value] of Object.entries(options.directives ?? {})) this.set(name, value);
    const core = new Core(loadCoreModule(), {
      seed: SEED,
      ...(options.memoryLimitBytes && { memoryLimitBytes: options.memoryLimitBytes }),
    });
    this.engine = new Engine(core, { postpone: (run) => this.postponed.push(run) });
    this.engine.now = () => this.nowMs;
    this.guards = new Guards(core);
    this.log = new Logger({
      pid: 77,
      sink: { write: (text) => this.lines.push(text.replace(/^\S+ .{24} /, '').trimEnd()) },
    });
    this.snapshots = new Snapshotter(this.engine);
    this.stream = new Propagation(core);
    this.aof = new AppendOnly({
      engine: this.engine,
      config: this.config,
      storage: options.storage,
      log: this.log,
      snapshots: this.snapshots,
      stream: this.stream,
      pid: 77,
      now: () => this.nowMs,
      exit: (code) => {
        this.exitCode ??= code;
      },
      isBusy: () => this.isBusy,
      addLatency: (event, ms) => this.latency.set(event, (this.latency.get(event) ?? 0) + ms),
    });
  }

  set(name: string, value: string): void {
    const handle = findDirective(name);
    if (handle === undefined) throw new Error(`no directive ${name}`);
    const error = this.config.load(handle, [toByteText(value)], {} as never);
    if (error !== undefined) throw new Error(`${name}: ${error}`);
  }

  /** Loads and opens the log, as a start does. Throws Exited when the server would end. */
  async start(): Promise<this> {
    this.guards.set(abi.GUARD_LOADING, true);
    if (this.aof.isOn && (await this.aof.load(async () => {})) === 'failed') this.exitCode ??= 1;
    if (this.exitCode !== undefined) throw new Exited(this.lines.join('\n'));
    this.guards.set(abi.GUARD_LOADING, false);
    this.aof.open();
    if (this.exitCode !== undefined) throw new Exited(this.lines.join('\n'));
    return this;
  }

  connect(): EngineTestClient {
    return new EngineTestClient(this.engine);
  }

  /** Ends the turn of the event loop: the log is written, replies leave. */
  endTurn(): void {
    for (const run of this.postponed.splice(0)) run();
  }

  /** One command in a turn of its own; the reply as text. */
  async call(...args: Argument[]): Promise<string> {
    const client = this.connect();
    const reply = client.call(...args);
    this.endTurn();
    const shown = showReply(await reply);
    client.client.close();
    return shown;
  }

  /** Moves the clock, ten ticks a second. */
  async pass(milliseconds: number): Promise<void> {
    for (let passed = 0; passed < milliseconds; passed += 100) {
      this.nowMs += 100;
      this.aof.tick();
      this.endTurn();
      await nextTurn();
    }
  }

  /** Waits until no rewrite is under way. */
  async rewritten(): Promise<void> {
    while (this.aof.isRewriting) {
      await nextTurn();
      this.endTurn();
    }
  }

  digest(): string {
    const { core } = this.engine;
    const at = core.word(abi.ABI_SCRATCH);
    core.exports.datasetDigest(at);
    return core.copy(at, 20).toString('hex');
  }
}

/** A disk with the data directory, and nothing in it. */
export function freshDisk(): MemoryStorage {
  const disk = new MemoryStorage();
  disk.makeDirectory(DATA_DIR);
  disk.syncDirectory('/');
  return disk;
}

export interface LoggedServer {
  readonly disk: MemoryStorage;
  /** The same, where operations can go wrong. */
  readonly storage: FaultyStorage;
  readonly server: AofServer;
}

/** A server with a new log. */
export async function startLogged(
  directives: AofServerOptions['directives'] = {},
): Promise<LoggedServer> {
  const disk = freshDisk();
  const storage = new FaultyStorage(disk);
  const options = { storage, directives: { appendonly: 'yes', ...directives } };
  return { disk, storage, server: await new AofServer(options).start() };
}

export type { Reply };

/** A command as it stands in the log. */
export function command(...args: string[]): string {
  return `*${args.length}\r\n${args.map((a) => `$${Buffer.byteLength(a)}\r\n${a}\r\n`).join('')}`;
}

export function putFile(storage: Storage, path: string, content: string | Uint8Array): void {
  const file = storage.open(path, 'create');
  file.write(typeof content === 'string' ? Buffer.from(content, 'latin1') : content);
  file.sync();
  file.close();
}

export function textOf(storage: Storage, path: string): string {
  return Buffer.from(storage.readFile(path)).toString('latin1');
}
