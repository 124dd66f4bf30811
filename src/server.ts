// The server: an engine, a configuration, listening sockets and a clock put together.
//
// Start order is Redis's, because people and tools read the log: configuration, banner, sockets,
// "Server initialized", data, "Ready to accept connections". Everything here is wiring; what a part
// does is in its own file.

import * as abi from '../assembly/abi.ts';
import { type BannerConditions, logStart } from './ascii_logo.ts';
import { Backups } from './backup/backups.ts';
import { registerCommandCommands } from './commands/command_command.ts';
import type { Config } from './config/config.ts';
import type { LoadedExtras } from './config/parse.ts';
import type { RewriteOptions } from './config/rewrite.ts';
import { Core } from './core/core.ts';
import type { Guards } from './core/guards.ts';
import { Propagation } from './core/propagation.ts';
import { faultText } from './core/rdb_reasons.ts';
import { Engine } from './engine.ts';
import type { Logger } from './log.ts';
import { type CrashCause, causeOfCoreCrash } from './monitor/crash_cause.ts';
import { writeCrashReport } from './monitor/crash_report.ts';
import { blockThread } from './monitor/debug.ts';
import type { DebugFlags } from './monitor/debug_flags.ts';
import { DEFAULT_REPLICATION } from './monitor/facts.ts';
import type { InfoSection } from './monitor/info.ts';
import { infoSections } from './monitor/info_sections.ts';
import type { LatencyMonitor } from './monitor/latency_monitor.ts';
import {
  multiplexingApi,
  readHugePageBytes,
  readLoop,
  readProcess,
  systemName,
} from './monitor/process_facts.node.ts';
import { registerShutdown, type ShutdownRequest } from './monitor/shutdown.ts';
import type { DefaultUser } from './net/auth_commands.ts';
import { chooseTransport } from './net/choose.ts';
import type { Client } from './net/client.ts';
import type { ClientPause } from './net/client_pause.ts';
import { type ClientRegistry, REFUSED } from './net/clients.ts';
import type { Connection, Session } from './net/connection.ts';
import { DisconnectLog } from './net/disconnect_log.ts';
import { ListenError, Listener, type ListenerSettings } from './net/listener.ts';
import { registerMigrate } from './net/migrate.ts';
import { MigrateLinks } from './net/migrate_link.ts';
import type { Transport } from './net/transport.ts';
import { AppendOnlyBackupLog } from './persistence/aof/backup_log.ts';
import { Persistence } from './persistence/persistence.ts';
import { ownIdentity } from './persistence/process_identity.node.ts';
import type { TransferPeer } from './persistence/rdb_transfer.ts';
import { registerSave } from './persistence/save_commands.ts';
import { Shutdown } from './persistence/shutdown.ts';
import { Snapshotter } from './persistence/snapshotter.ts';
import { registerSync } from './persistence/sync_commands.ts';
import { WaitingClients } from './persistence/wait_commands.ts';
import { ServerFigures } from './server_facts.ts';
import { type ProcessDebugHooks, StandardParts } from './standard_commands.ts';
import { NodeStorage } from './storage/node_storage.node.ts';
import type { Storage } from './storage/storage.ts';
import type { Clock, Timer } from './util/clock.ts';
import { realNow, realSetImmediate } from './util/timers.ts';

/**
 * Linear memory at the start. Growing makes the garbage collector run, for some milliseconds: most
 * data sets of a few million keys then see none of it.
 */
const INITIAL_BYTES = 256 * 1024 * 1024;
/** Background work per step, in microseconds: no request waits longer than this for it. */
const CRON_STEP_US = 1000;
/** Long enough for all of it. */
const CRON_WHOLE_US = 60_000_000;
/** Pause between steps while work is left, in milliseconds: at most half the time goes to it. */
const CRON_BUSY_MS = 1;
/** Time between two looks at a share of the clients, in milliseconds. */
const CLIENTS_TICK_MS = 100;
/** A timer that fires a little early still counts as on time. */
const TICK_EARLY_MS = 5;
const US_PER_MS = 1000;

export interface ServerOptions {
  readonly config: Config;
  readonly extras: LoadedExtras;
  readonly logger: Logger;
  readonly module: WebAssembly.Module;
  /** A core to serve, with its data and the names of its commands; a new one by default. */
  readonly core?: Core;
  readonly pid: number;
  readonly stdoutIsTerminal: boolean;
  readonly executable: string;
  /** Absolute path, empty when started without one. */
  readonly configFile: string;
  /** CONFIG REWRITE; undefined when the server was started without a file. */
  readonly rewriteFile?: (options?: RewriteOptions) => string | null;
  /** DEBUG RESTART: replaces the process; returns only when that is impossible. */
  readonly restart: (isGraceful: boolean, delayMs: number) => void;
  /** Ends the process after a crash report. */
  readonly endAfterCrash: (cause: CrashCause, usesExit: boolean) => never;
  /** Removes the pid file. False when there is none. */
  readonly removePidFile: () => boolean;
  /** Ends the process. */
  readonly exit: (code: number) => void;
  /** Files of snapshots and logs; the system's by default. */
  readonly storage?: Storage;
  /** Linear memory at the start, in bytes; INITIAL_BYTES by default. */
  readonly initialBytes?: number;
  /** The time, and what rings; the system's by default. */
  readonly clock?: Clock;
  /** The process may end although there is background work; it may not by default. */
  readonly isBackground?: boolean;
}

export class Server {
  readonly engine: Engine;
  readonly config: Config;
  readonly logger: Logger;
  private readonly parts: StandardParts;
  private readonly migrateLinks: MigrateLinks;
  readonly figures: ServerFigures;
  readonly persistence: Persistence;
  readonly backups: Backups;
  readonly snapshots: Snapshotter;
  readonly ending: Shutdown;
  readonly waits: WaitingClients;
  private readonly sections: readonly InfoSection[];
  private readonly options: ServerOptions;
  private readonly disconnects: DisconnectLog;
  private readonly listeners: Listener[] = [];
  private transport: Transport | undefined;
  private timer: Timer | undefined;
  private lastTickMs = 0;
  private isStopped = false;
  /** Stands between new connections and `clients.accept`, for tests that watch or disturb them. */
  intercept: ((connection: Connection) => Session) | undefined;

  constructor(options: ServerOptions) {
    this.options = options;
    this.config = options.config;
    this.logger = options.logger;
    const core =
      options.core ??
      new Core(options.module, {
        databases: Number(this.config.get('databases')),
        initialBytes: options.initialBytes ?? INITIAL_BYTES,
      });
    this.engine = new Engine(
      core,
      {
        onCrash: (crash) => this.crash(causeOfCoreCrash(crash)),
        onHandlerError: (name, error) =>
          this.logger.warning(
            `Internal error in '${name}': ${error instanceof Error ? error.stack : error}`,
          ),
        onDisconnect: ({ id }, reason, error) => {
          const client = this.clients.find(id);
          if (client) this.disconnects.note(client, reason, error);
        },
        onBadPayload: (fault, type) => {
          const context = { type, version: 0, number: 0n, databases: core.databases };
          this.logger.verbose(
            `Internal error in RDB reading offset 0, function at decode.ts -> ${faultText(fault, context)}`,
          );
        },
        // Behind all reads of the event loop's turn.
        postpone: realSetImmediate,
        onFlushAll: () => this.persistence.flushedAll(),
      },
      options.clock,
    );
    this.parts = new StandardParts({
      engine: this.engine,
      config: this.config,
      log: this.logger,
    });
    this.disconnects = new DisconnectLog(this.clients, this.logger);
    this.migrateLinks = new MigrateLinks(() => this.engine.now());
    const storage = options.storage ?? new NodeStorage();
    this.snapshots = new Snapshotter(this.engine);
    this.persistence = this.createPersistence(storage, this.snapshots);
    this.backups = this.createBackups(storage, this.snapshots);
    this.ending = this.createShutdown();
    this.waits = new WaitingClients({
      engine: this.engine,
      log: this.persistence.appendOnly,
      isLogEnabled: () => this.config.get('appendonly'),
    });
    this.figures = new ServerFigures({
      engine: this.engine,
      config: this.config,
      clients: this.clients,
      machine: { readProcess, readLoop, systemName, multiplexingApi },
      migrateLinks: () => this.migrateLinks.size,
      transferRequests: () => this.persistence.transfers.requests,
      persistence: () => ({ ...this.persistence.facts(), backup: this.backups.facts() }),
      waits: this.waits,
      pid: options.pid,
      executable: options.executable,
      configFile: options.configFile,
    });
    this.sections = infoSections(this.figures);
    this.registerCommands();
    if (options.core === undefined) this.renameCommands();
  }

  get users(): DefaultUser {
    return this.parts.users;
  }

  get clients(): ClientRegistry {
    return this.parts.clients;
  }

  get guards(): Guards {
    return this.parts.guards;
  }

  get pause(): ClientPause {
    return this.parts.pause;
  }

  get latency(): LatencyMonitor {
    return this.parts.latency;
  }

  get debugFlags(): DebugFlags {
    return this.parts.debugFlags;
  }

  /** Name of the transport in use. */
  get transportName(): string {
    return this.transport?.name ?? '';
  }

  /**
   * Opens the sockets. Whoever connects finds a server that is loading. Throws ListenError when they
   * cannot be opened.
   */
  async listen(): Promise<void> {
    const { config, logger } = this;
    logger.role = 'M';
    const conditions: BannerConditions = {
      alwaysShowLogo: config.get('always-show-logo'),
      syslogEnabled: config.get('syslog-enabled'),
      logfile: config.get('logfile'),
      stdoutIsTerminal: this.options.stdoutIsTerminal,
    };
    logStart(
      logger,
      { mode: 'standalone', port: config.get('port'), pid: this.options.pid },
      conditions,
    );
    await this.openSockets();
    logger.notice('Server initialized');
    this.start();
  }

  /** Opens the sockets that the configuration names. Throws ListenError. */
  async openSockets(): Promise<void> {
    const { config } = this;
    const listener = await this.openListener(new ListenerDirectives(config));
    config.subscribe(['port', 'bind'], (changed) =>
      this.applyAddresses(listener, changed.has('port')),
    );
  }

  /** Opens sockets that the configuration does not name. Throws ListenError. */
  async openListener(settings: ListenerSettings): Promise<Listener> {
    const { config, logger } = this;
    this.transport ??= await chooseTransport(
      config.get('transport') as 'auto' | 'direct' | 'stream',
      { view: () => this.engine.input() },
    );
    const listener = new Listener(this.transport, settings, {
      onConnection: (connection) => this.accept(connection),
      log: (level, line) => logger.log(level, line),
    });
    await listener.open();
    if (this.isStopped) {
      listener.close();
      throw new ListenError('The server has been stopped.');
    }
    this.listeners.push(listener);
    return listener;
  }

  /** Takes a new connection in. One that comes when the server has been stopped is closed again. */
  accept(connection: Connection): Session {
    if (this.isStopped) {
      queueMicrotask(() => connection.destroy());
      return REFUSED;
    }
    return this.intercept?.(connection) ?? this.clients.accept(connection);
  }

  /** Begins with background work. */
  start(): void {
    this.scheduleCron(0);
  }

  /** Loads the data, and serves from then on. */
  async load(): Promise<void> {
    const { config, logger } = this;
    await this.persistence.load();
    this.backups.start();
    if (config.get('port') !== 0) logger.notice('Ready to accept connections tcp');
    if (config.get('unixsocket') !== '') logger.notice('Ready to accept connections unix');
  }

  /** Stops listening and closes every connection. */
  stop(): void {
    this.isStopped = true;
    this.timer?.cancel();
    this.pause.stop();
    this.migrateLinks.stop();
    this.waits.stop();
    for (const listener of this.listeners) listener.close();
    for (const client of [...this.engine.clients.values()]) client.output.destroy();
  }

  /** Listens where the configuration says now. Returns why that is impossible. */
  private async applyAddresses(
    listener: Listener,
    isPortChanged: boolean,
  ): Promise<string | undefined> {
    try {
      await listener.updateTcp();
      return undefined;
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      return isPortChanged
        ? 'Unable to listen on this port. Check server logs.'
        : 'Failed to bind to specified addresses.';
    }
  }

  /** Ends the process as SHUTDOWN does, with the next tick. Resolves only when the server goes on. */
  shutdown(request: ShutdownRequest): Promise<void> {
    const goesOn = this.ending.schedule(request);
    if (!this.debugFlags.cronPaused) this.ending.tick();
    return goesOn;
  }

  /** A second interrupt: ends the process without saving. */
  exitNow(): void {
    this.persistence.close();
    this.options.exit(1);
  }

  /** Reports why the process cannot go on, and ends it. */
  crash(cause: CrashCause): never {
    const { engine, config, logger } = this;
    const line = (client: Client): string => this.clients.info(client);
    writeCrashReport(cause, {
      logger,
      core: engine.core,
      sections: this.sections,
      now: () => engine.now(),
      clientList: () => [...this.clients.all()].map((client) => `${line(client)}\n`).join(''),
      currentClient: () => {
        const ptr = engine.core.word(abi.ABI_CURRENT_CONN);
        const current = [...engine.clients.values()].find((each) => each.ptr === ptr);
        const client = current && this.clients.find(current.id);
        return client === undefined ? undefined : line(client);
      },
      configDebugInfo: () => config.debugInfo(),
    });
    return this.options.endAfterCrash(cause, config.get('use-exit-on-panic'));
  }

  private scheduleCron(delayMs: number): void {
    const options = {
      isBackground: this.options.isBackground ?? false,
      isInternal: true,
      isPeriodic: delayMs > 0,
    };
    this.timer = this.engine.time.after(delayMs, () => this.tick(), options);
  }

  /** A turn of all background work at once, for a clock that has been moved. */
  catchUp(): void {
    this.timer?.cancel();
    this.lastTickMs = Number.NEGATIVE_INFINITY;
    this.tick();
  }

  /** One turn of background work; sees to it that there is a next one. */
  private tick(): void {
    const { time } = this.engine;
    const periodMs = 1000 / this.config.get('hz');
    if (this.debugFlags.cronPaused) {
      this.scheduleCron(periodMs);
      return;
    }
    this.ending.tick();
    const began = realNow();
    const nowMs = time.monotonicMs();
    if (nowMs - this.lastTickMs >= CLIENTS_TICK_MS - TICK_EARLY_MS) {
      this.lastTickMs = nowMs;
      this.clients.tick(this.engine.now());
      this.figures.tick();
      this.latency.tick();
      this.persistence.tick();
      if (!this.persistence.isLoading) this.backups.tick();
      this.waits.tick();
    }
    const more = this.backgroundStep();
    this.figures.metrics.addCron((realNow() - began) * 1000);
    this.scheduleCron(more ? (time.isManual ? 0 : CRON_BUSY_MS) : periodMs);
  }

  /** Expiry, eviction and freeing. True when there is more to do that should not wait for the next tick. */
  private backgroundStep(): boolean {
    // Nothing expires and nothing is evicted before all of it is there.
    if (this.persistence.isLoading) return false;
    // Where time stands still nobody is kept waiting, and all that is due is done.
    return this.engine.cron(this.engine.time.isManual ? CRON_WHOLE_US : CRON_STEP_US);
  }

  private createPersistence(storage: Storage, snapshots: Snapshotter): Persistence {
    const { engine, config, logger, guards } = this;
    return new Persistence({
      engine,
      config,
      guards,
      log: logger,
      storage,
      snapshots,
      identity: ownIdentity(),
      now: () => engine.now(),
      stream: new Propagation(engine.core),
      addLatency: (event, milliseconds) => this.latency.add(event, milliseconds),
      beforeAofWrite: () => {
        const { aofFlushSleepUs } = this.debugFlags;
        if (aofFlushSleepUs > 0) blockThread(aofFlushSleepUs / US_PER_MS);
      },
      beforeAppendOnly: () => this.backups.beforeAppendOnly(),
      skipsChecksum: () => this.debugFlags.skipChecksumValidation,
      exit: this.options.exit,
    });
  }

  private createBackups(storage: Storage, snapshots: Snapshotter): Backups {
    const { engine, config, logger, persistence } = this;
    return new Backups({
      config,
      log: logger,
      storage,
      snapshots,
      appendOnly: new AppendOnlyBackupLog({
        appendOnly: persistence.appendOnly,
        storage,
        workingDirectory: () => config.get('dir'),
        stem: () => config.get('appendfilename'),
        claimDirectory: () => persistence.claimDirectory(),
      }),
      identity: ownIdentity(),
      runId: () => this.figures.runId,
      now: () => engine.now(),
    });
  }

  private createShutdown(): Shutdown {
    const { engine, guards, persistence } = this;
    return new Shutdown({
      log: this.logger,
      isLoading: () => persistence.isLoading,
      hold: (on) => {
        guards.set(abi.GUARD_SHUTDOWN, on);
        if (!on) engine.resumePaused();
      },
      prepareExit: async (request) => {
        this.backups.stop();
        const outcome = await persistence.prepareExit(request);
        if (!outcome.mayEnd) this.backups.start();
        return outcome;
      },
      abortSave: () => persistence.abortSave(),
      stop: () => {
        this.stop();
        persistence.close();
      },
      removePidFile: this.options.removePidFile,
      exit: this.options.exit,
    });
  }

  /** A client that gets a snapshot: from now on it is no normal one. */
  private transferPeer(client: Client): TransferPeer {
    client.block.setFlag(abi.CLIENT_REPLICA, true);
    return {
      name: client.address,
      get isClosed() {
        return client.isClosed;
      },
      get queuedBytes() {
        return client.connection?.queuedBytes ?? 0;
      },
      write: (bytes) => client.write(bytes),
      end: () => client.end(),
      destroy: () => client.kill(),
    };
  }

  private registerCommands(): void {
    const { engine, parts } = this;
    const { commands } = engine;
    registerCommandCommands(commands);
    this.backups.register(commands);
    registerSave(commands, this.persistence.saveHooks());
    this.waits.register(commands);
    registerSync(commands, {
      peerOf: (client) => this.transferPeer(this.clients.of(client)),
      queuedBytes: (client) =>
        (this.clients.of(client).connection?.queuedBytes ?? 0) + engine.core.word(abi.ABI_OUT_LEN),
      request: (request) => this.persistence.transfers.request(request),
      log: (text) => this.logger.notice(text),
      replicationId: () => DEFAULT_REPLICATION.replicationId,
    });
    registerShutdown(commands, {
      begin: (request) => this.ending.begin(request),
      abort: () => this.ending.abort(),
    });
    registerMigrate(commands, {
      core: engine.core,
      links: this.migrateLinks,
      guards: this.guards,
      now: () => engine.now(),
      resumePaused: () => engine.resumePaused(),
      redactArgument: (call, index) => parts.redactArgument(call, index),
    });
    parts.register({
      figures: this.figures,
      sections: this.sections,
      hugePageBytes: readHugePageBytes,
      unblock: (client, withError) => this.waits.unblock(client.id, withError),
      debug: this.debugHooks(),
      isLoading: () => this.persistence.isLoading,
      resetStats: () => this.persistence.resetStatistics(),
      rewriteFile: () => this.options.rewriteFile,
    });
  }

  private debugHooks(): ProcessDebugHooks {
    const { logger, options } = this;
    return {
      sleep: (milliseconds) => {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
      },
      log: (message) => logger.warning(`DEBUG LOG: ${message}`),
      crash: (cause) => this.crash(cause),
      restart: options.restart,
      rewriteConfig: () => options.rewriteFile?.({ forceAll: true }) ?? null,
      reload: (client, options) => this.persistence.reload(client.ptr, options),
      loadAof: (client) => this.persistence.reloadAppendOnly(client.ptr),
    };
  }

  /** `rename-command`: a name may become another one, or unreachable. */
  private renameCommands(): void {
    const { core } = this.engine;
    const scratch = core.word(abi.ABI_SCRATCH);
    for (const { from, to } of this.options.extras.renamedCommands) {
      const fromLen = core.toScratch(from.toLowerCase());
      const toLen = core.toScratch(to.toLowerCase(), fromLen);
      core.exports.renameCommand(scratch, fromLen, scratch + fromLen, toLen);
    }
  }
}

/** The listener's settings, read from the configuration each time. */
class ListenerDirectives implements ListenerSettings {
  private readonly config: Config;

  constructor(config: Config) {
    this.config = config;
  }

  get port(): number {
    return this.config.get('port');
  }

  get bind(): readonly string[] {
    return this.config.get('bind');
  }

  get tcpBacklog(): number {
    return this.config.get('tcp-backlog');
  }

  get unixSocket(): string {
    return this.config.get('unixsocket');
  }

  get unixSocketPerm(): number {
    return this.config.get('unixsocketperm');
  }

  get keepAliveSeconds(): number {
    return this.config.get('tcp-keepalive');
  }
}
