// The commands that the host runs, in a browser: CONFIG, INFO, CLIENT, COMMAND, MEMORY, DEBUG and so on,
// with the configuration and the registry of clients that they need. A part of the program of its own,
// fetched when the first of them is called; COMMAND is another one, for its many records.
//
// Differences from a server:
//   CONFIG REWRITE               there is no file
//   SAVE, BGSAVE, LASTSAVE       a snapshot where the data are kept; an error for a store in memory
//   BGREWRITEAOF, BACKUP         errors: what is kept is not an append-only file
//   SHUTDOWN                     an error: the program closes the store
//   MIGRATE, SYNC, PSYNC         errors: there are no sockets
//   DEBUG RELOAD                 without a file: the snapshot goes through memory
//   DEBUG RESTART, LOADAOF       errors

import * as abi from '../../assembly/abi.ts';
import type { Config } from '../config/config.ts';
import { storeDirectives } from '../config/store_directives.ts';
import { RespiteError } from '../embedded/errors.ts';
import type { Engine, EngineClient } from '../engine.ts';
import { CommandError, type HostCall, type HostHandler } from '../host_command.ts';
import { Logger } from '../log.ts';
import type { ReloadOptions } from '../monitor/debug.ts';
import { infoSections } from '../monitor/info_sections.ts';
import { InternalConnection } from '../net/internal_connection.ts';
import { loadRdbBytesBlocking } from '../persistence/rdb_loader.ts';
import { Snapshotter } from '../persistence/snapshotter.ts';
import { WaitingClients } from '../persistence/wait_commands.ts';
import { ServerFigures } from '../server_facts.ts';
import { StandardParts } from '../standard_commands.ts';
import { concatBytes, copyBytes } from '../util/bytes.ts';
import { reasonOf } from '../util/reason_of.ts';
import type { EngineHome, EngineSettings } from './engine_home.ts';
import type { HomeStorage } from './home_storage.ts';
import { pageFacts } from './page_facts.ts';

const MS_PER_SECOND = 1000;
/** Time between two looks at a share of the clients, in milliseconds. */
const CLIENTS_TICK_MS = 100;
const TICK_EARLY_MS = 5;

/** Commands that make no sense here, and why. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['backup', 'there is no directory in a browser: export() gives all data'],
  ['bgrewriteaof', 'there is no append-only file in a browser: BGSAVE writes a snapshot'],
  ['migrate', 'there are no sockets in a browser'],
  ['psync', 'there are no sockets in a browser: export() gives all data'],
  ['replconf', 'there are no sockets in a browser'],
  ['shutdown', 'the program closes the store, with close()'],
  ['sync', 'there are no sockets in a browser: export() gives all data'],
]);

export class HostParts {
  private readonly home: EngineHome;
  private readonly engine: Engine;
  private readonly config: Config;
  private readonly parts: StandardParts;
  private readonly figures: ServerFigures;
  private readonly waits: WaitingClients;
  private lastTickMs = 0;
  private readonly startedAtSeconds: number;

  /** Throws RespiteError BAD_OPTION for settings that are none. */
  constructor(home: EngineHome) {
    const { engine } = home;
    this.home = home;
    this.engine = engine;
    this.startedAtSeconds = Math.floor(engine.now() / MS_PER_SECOND);
    const { config } = storeDirectives(directivesOf(home.settings));
    this.config = config;
    const log = new Logger({ pid: 0, sink: { write: () => {} } });
    log.threshold = 'nothing';
    this.parts = new StandardParts({ engine, config, log, guards: home.guards });
    this.waits = new WaitingClients({
      engine,
      // These parts may be there before the storage is. In memory nothing is ever durable.
      log: {
        isSynced: (position) => home.storage?.log.isSynced(position) ?? false,
        onSynced: () => () => {},
      },
      isLogEnabled: () => home.storage !== undefined,
    });
    this.figures = new ServerFigures({
      engine,
      config,
      clients: this.parts.clients,
      machine: pageFacts(engine.core),
      migrateLinks: () => 0,
      transferRequests: () => 0,
      persistence: () => home.storage?.facts() ?? { lastSaveTime: this.startedAtSeconds },
      waits: this.waits,
      pid: 0,
      executable: '',
      configFile: '',
    });
    for (const client of engine.clients.values()) this.connected(client);
    this.register();
    if (home.storage !== undefined) this.keptIn(home.storage);
  }

  /** There is something now that keeps the data. */
  keptIn(storage: HomeStorage): void {
    storage.log.onSynced(() => this.waits.tick());
  }

  /** Milliseconds between two steps of background work. */
  beatMs(): number {
    return MS_PER_SECOND / this.config.get('hz');
  }

  get isCronPaused(): boolean {
    return this.parts.debugFlags.cronPaused;
  }

  /** To be called with every step of background work. */
  tick(): void {
    const now = performance.now();
    if (now - this.lastTickMs < CLIENTS_TICK_MS - TICK_EARLY_MS) return;
    this.lastTickMs = now;
    this.parts.clients.tick(this.engine.now());
    this.figures.tick();
    this.parts.latency.tick();
    this.waits.tick();
  }

  stop(): void {
    this.parts.pause.stop();
    this.waits.stop();
  }

  connected(client: EngineClient): void {
    this.parts.clients.adopt(client, new PageConnection(client, this.home.portOf(client)));
  }

  released(client: EngineClient): void {
    this.parts.clients.find(client.id)?.onClose(false);
  }

  /** Runs a command that came before its handler was there. */
  runLate(call: HostCall): void | Promise<void> {
    const handler = this.engine.commands.get(call.name);
    return this.parts.runLate(() => handler?.(call));
  }

  private register(): void {
    const { engine, parts, figures, home } = this;
    const { commands } = engine;
    commands.setFallback((call) => this.runOther(call));
    this.waits.register(commands);
    parts.register({
      figures,
      sections: infoSections(figures),
      hugePageBytes: () => 0,
      unblock: (client, withError) => this.waits.unblock(client.id, withError),
      isLoading: () => false,
      resetStats: () => {},
      rewriteFile: () => undefined,
      debug: {
        sleep: spin,
        log: (message) => console.info(`DEBUG LOG: ${message}`),
        crash: (cause) => {
          // As a trap of the core: nothing is served any more.
          throw new WebAssembly.RuntimeError(`DEBUG asked for it (${cause.kind})`);
        },
        restart: () => {},
        rewriteConfig: () => 'there is no configuration file in a browser',
        reload: (client, options) => this.reload(client.ptr, options),
        loadAof: async () => 'ERR there is no append-only file in a browser',
      },
    });
    commands.register('save', ({ reply }) => this.save().then(() => void reply.ok()));
    commands.register('bgsave', ({ reply }) => {
      // Its failure shows in INFO, and in the writes that are refused.
      this.save().catch(() => {});
      reply.simple('Background saving started');
    });
    commands.register('lastsave', ({ reply }) => {
      reply.integer(home.storage?.lastSaveSeconds ?? this.startedAtSeconds);
    });
  }

  /** Commands with no handler: COMMAND, which is fetched, and what makes no sense here. */
  private runOther(call: HostCall): Promise<void> {
    const container = call.name.replace(/\|.*/, '');
    const reason = REFUSED.get(container);
    if (reason !== undefined) {
      throw new CommandError(`ERR ${container.toUpperCase()} is not available here: ${reason}`);
    }
    if (container !== 'command') {
      throw new CommandError(`ERR the command '${call.name}' is not available here`);
    }
    return this.runCommandCommand(call);
  }

  private async runCommandCommand(call: HostCall): Promise<void> {
    const { commands } = this.engine;
    const { registerCommandCommands } = await import('../commands/command_command.ts');
    if (!commands.has('command')) registerCommandCommands(commands);
    await (commands.get(call.name) as HostHandler)(call);
  }

  private save(): Promise<void> {
    const { storage } = this.home;
    if (storage === undefined) {
      throw new CommandError('ERR this store is in memory: open it with a name to keep it');
    }
    if (storage.isSaving) throw new CommandError('ERR Background save already in progress');
    return storage.save().catch((error: unknown) => {
      throw new CommandError(`ERR ${reasonOf(error)}`);
    });
  }

  /** DEBUG RELOAD. Returns the error to reply with. */
  private reload(client: number, { saves, flushes, merges }: ReloadOptions): string | undefined {
    const { engine, config, parts } = this;
    if (!saves) return 'ERR there is no file in a browser that could be loaded';
    const pieces: Uint8Array[] = [];
    const request = {
      format: 'rdb',
      aux: [],
      compress: config.get('rdbcompression'),
      checksum: config.get('rdbchecksum'),
    } as const;
    try {
      new Snapshotter(engine).blocking(request, (bytes) => pieces.push(copyBytes(bytes)));
    } catch {
      return 'ERR';
    }
    if (flushes) engine.core.exports.emptyDataset(client);
    parts.guards.set(abi.GUARD_LOADING, true);
    try {
      loadRdbBytesBlocking(concatBytes(pieces), {
        engine,
        log: new Logger({ pid: 0, sink: { write: () => {} } }),
        keepExpired: false,
        allowDuplicates: merges,
        checksum: config.get('rdbchecksum'),
        keyDelayUs: 0,
        onProgress: () => {},
      });
    } catch {
      return 'ERR Error trying to load the RDB dump, check server logs.';
    } finally {
      parts.guards.set(abi.GUARD_LOADING, false);
    }
    return undefined;
  }
}

/** Stops the thread. Waiting without work needs shared memory, which few pages may have. */
function spin(milliseconds: number): void {
  for (const end = performance.now() + milliseconds; performance.now() < end; );
}

/** The directives that the store was opened with. */
function directivesOf({ databases, maxmemory, config = {} }: EngineSettings): [string, string][] {
  const values: [string, string][] = [
    ['port', '0'],
    ['save', ''],
    ['enable-debug-command', 'yes'],
  ];
  if (databases !== undefined) values.push(['databases', String(databases)]);
  if (maxmemory !== undefined) values.push(['maxmemory', String(maxmemory)]);
  for (const [name, value] of Object.entries(config)) {
    if (name === 'databases') {
      throw new RespiteError('BAD_OPTION', 'databases is an option of its own, not one of config');
    }
    values.push([name, value]);
  }
  return values;
}

/** A client's connection as the registry wants it. */
class PageConnection extends InternalConnection {
  private readonly client: EngineClient;

  constructor(client: EngineClient, port: number) {
    super(port);
    this.client = client;
  }

  write(bytes: Uint8Array): void {
    this.client.output.write(bytes);
  }

  end(): void {
    this.client.output.end();
  }

  destroy(): void {
    this.client.output.destroy();
  }
}
