// An engine in this thread of a browser, a page's or a worker's, with what keeps it going: background work,
// and the commands that the host runs.
//
//   openLink ─> engine ─ host command ─> host_commands.ts, fetched when the first of them comes
//
// The first host command takes as long as that part of the program takes to come; its connection waits,
// others go on. Settings that CONFIG would have are kept until then (EngineSettings); those by name hold before any
// data come, whose encodings they decide.

import * as abi from '../../assembly/abi.ts';
import { Core } from '../core/core.ts';
import { Guards } from '../core/guards.ts';
import { openEngineLink } from '../embedded/engine_link.ts';
import { RespiteError } from '../embedded/errors.ts';
import type { OpenLink } from '../embedded/link.ts';
import { CoreCrash, Engine, type EngineClient, type EngineHooks } from '../engine.ts';
import { CommandError, type HostCall } from '../host_command.ts';
import { reasonOf } from '../util/reason_of.ts';
import { Background } from './background.ts';
import { Deferred } from './deferred.ts';
import type { HomeStorage } from './home_storage.ts';
import type { HostParts } from './host_commands.ts';
import { part } from './part.ts';

/** What the engine is made with. */
export interface EngineSettings {
  /** Number of databases, 16 by default. */
  readonly databases?: number;
  /** Bytes; 0 for no limit. */
  readonly maxmemory?: number;
  /** Directives by name, in the form that CONFIG SET takes. */
  readonly config?: Readonly<Record<string, string>>;
}

/** Linear memory to begin with. */
const INITIAL_BYTES = 4 * 1024 * 1024;
/** Milliseconds between two beats, until a configuration says something else. */
const BEAT_MS = 100;
const PORT_MAX = 65535;
/** Commands whose arguments hold secrets, and the first argument that may be one. */
const SECRETS: ReadonlyMap<string, number> = new Map([
  ['auth', 1],
  ['hello', 2],
  ['config|set', 2],
]);

export class EngineHome {
  readonly engine: Engine;
  readonly settings: EngineSettings;
  readonly guards: Guards;
  private storage_: HomeStorage | undefined;
  private readonly background: Background;
  /** The ports in the addresses of clients: nothing listens there, but it tells them apart. */
  private readonly ports = new WeakMap<EngineClient, number>();
  private lastPort = 0;
  private host: HostParts | undefined;
  private hostComing: Promise<HostParts> | undefined;
  private failure: RespiteError | undefined;
  private readonly crashed = new Deferred<RespiteError>();
  /** Resolves when the engine has failed. */
  readonly ended = this.crashed.promise;
  /** All data are there. */
  private isComplete = false;

  /**
   * Throws RespiteError NO_MEMORY, NOT_LOADED for a module that is another one, CRASHED, and BAD_OPTION for
   * settings that are none. `prepare` brings the data, and calls `keepIn` where they are kept.
   */
  static async create(
    module: WebAssembly.Module,
    settings: EngineSettings = {},
    hooks: EngineHooks = {},
    prepare: (home: EngineHome) => Promise<void> = async () => {},
  ): Promise<EngineHome> {
    let core: Core;
    try {
      const { databases } = settings;
      core = await Core.instantiate(module, {
        initialBytes: INITIAL_BYTES,
        ...(databases === undefined ? {} : { databases }),
      });
    } catch (cause) {
      if (cause instanceof RangeError) {
        throw new RespiteError('NO_MEMORY', 'The browser has no memory for another store', {
          cause,
        });
      }
      throw new RespiteError('NOT_LOADED', `The module cannot be run: ${reasonOf(cause)}`, {
        cause,
      });
    }
    const home = new EngineHome(core, settings, hooks);
    try {
      if (settings.config !== undefined) await home.loadHost();
      await prepare(home);
      home.isComplete = true;
      return home;
    } catch (error) {
      const reason = home.failure ?? error;
      home.close();
      throw reason;
    }
  }

  private constructor(core: Core, settings: EngineSettings, hooks: EngineHooks) {
    this.settings = settings;
    this.engine = new Engine(core, {
      ...hooks,
      onConnect: (client) => {
        this.ports.set(client, this.lastPort);
        // Before that it is one that replays a log.
        if (this.isComplete) this.host?.connected(client);
      },
      onRelease: (client) => this.host?.released(client),
      onCrash: (crash) => this.crash(crash, hooks),
    });
    this.guards = new Guards(core);
    core.exports.setConfig(abi.CFG_MAXMEMORY, settings.maxmemory ?? 0);
    // The program that has the store may look at everything in it.
    core.exports.setConfig(abi.CFG_DEBUG_COMMAND, 1);
    this.engine.commands.setFallback((call) => this.runLate(call));
    this.background = new Background(
      () => this.host?.beatMs() ?? BEAT_MS,
      (budgetUs) => this.step(budgetUs),
    );
  }

  /** A new connection to the engine. */
  readonly openLink: OpenLink = (handlers, options) => {
    if (this.failure !== undefined) throw this.failure;
    this.lastPort = (this.lastPort % PORT_MAX) + 1;
    const link = openEngineLink(
      this.engine,
      {
        onData: (bytes) => handlers.onData(bytes),
        onClose: (reason) => handlers.onClose(reason ?? this.failure),
      },
      options,
      `127.0.0.1:${this.lastPort}`,
    );
    return {
      room: (length) => link.room(length),
      send: (length) => {
        try {
          link.send(length);
        } catch (error) {
          // The end of the connection tells of a crash.
          if (this.failure === undefined) throw error;
        }
      },
      close: () => link.close(),
    };
  };

  /** What keeps the data; undefined for a store in memory. */
  get storage(): HomeStorage | undefined {
    return this.storage_;
  }

  /** To be called once by whoever keeps the data, before commands run. */
  keepIn(storage: HomeStorage): void {
    this.storage_ = storage;
    this.host?.keptIn(storage);
  }

  portOf(client: EngineClient): number {
    return this.ports.get(client) ?? 0;
  }

  /** CONFIG, INFO, CLIENT and the like, fetched when they are not there yet. */
  private loadHost(): Promise<HostParts> {
    this.hostComing ??= this.fetchHost().catch((error: unknown) => {
      this.hostComing = undefined;
      throw error;
    });
    return this.hostComing;
  }

  /** All data as a dump. */
  async export(): Promise<Uint8Array> {
    if (this.failure !== undefined) throw this.failure;
    try {
      const { exportDump } = await part(import('./dump.ts'));
      return await exportDump(this.engine);
    } catch (error) {
      throw this.failure ?? error;
    }
  }

  close(): void {
    this.failure ??= new RespiteError('CLOSED', 'The store is closed');
    this.background.stop();
    this.host?.stop();
    for (const client of [...this.engine.clients.values()]) client.output.destroy();
  }

  private async fetchHost(): Promise<HostParts> {
    const { HostParts } = await part(import('./host_commands.ts'));
    this.host = new HostParts(this);
    return this.host;
  }

  /** Runs the first host commands, for which there is no handler yet. */
  private runLate(call: HostCall): Promise<void> {
    // Nobody can say later which of them are secret.
    const first = SECRETS.get(call.name) ?? call.args.length;
    for (let i = first; i < call.args.length; i++) this.engine.core.exports.redactArgument(i);
    return this.loadHost().then(
      (host) => host.runLate(call),
      (error: unknown) => {
        throw new CommandError(
          `ERR this part of the store could not be fetched: ${reasonOf(error)}`,
        );
      },
    );
  }

  private step(budgetUs: number): boolean {
    const { host } = this;
    // Nothing expires and nothing is evicted before all of it is there.
    if (!this.isComplete || host?.isCronPaused) return false;
    try {
      host?.tick();
      return this.engine.cron(budgetUs);
    } catch (error) {
      // It has been reported to everybody.
      if (error instanceof CoreCrash) return false;
      throw error;
    }
  }

  private crash(crash: CoreCrash, hooks: EngineHooks): void {
    this.failure = new RespiteError('CRASHED', `The engine failed: ${crash.message}`, {
      cause: crash,
    });
    this.background.stop();
    hooks.onCrash?.(crash);
    this.crashed.resolve(this.failure);
    for (const client of [...this.engine.clients.values()]) client.output.destroy();
  }
}
