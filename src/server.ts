// The server: an engine, a configuration, listening sockets and a clock put together.
//
// Start order is Redis's, because people and tools read the log: configuration, banner, sockets,
// "Server initialized", data, "Ready to accept connections". Everything here is wiring; what a part
// does is in its own file.

import * as abi from '../assembly/abi.ts';
import { type BannerConditions, logStart } from './ascii_logo.ts';
import { registerCommandCommands } from './commands/command_command.ts';
import type { Config } from './config/config.ts';
import { registerConfigCommands } from './config/config_commands.ts';
import { bindCoreSettings } from './config/core_settings.ts';
import type { LoadedExtras } from './config/parse.ts';
import type { RewriteOptions } from './config/rewrite.ts';
import { Core } from './core/core.ts';
import { Guards } from './core/guards.ts';
import { type CoreCrash, Engine } from './engine.ts';
import type { HostCall } from './host_command.ts';
import type { Logger } from './log.ts';
import type { CrashCause } from './monitor/crash_cause.ts';
import { type DebugHooks, registerDebug } from './monitor/debug.ts';
import { DebugFlags } from './monitor/debug_flags.ts';
import { registerInfo } from './monitor/info.ts';
import { infoSections } from './monitor/info_sections.ts';
import { DefaultUser, registerAuthCommands } from './net/auth_commands.ts';
import { chooseTransport } from './net/choose.ts';
import type { ClientType } from './net/client.ts';
import { registerClientCommands } from './net/client_commands.ts';
import { ClientPause } from './net/client_pause.ts';
import { ClientRegistry, type ClientSettings, type OutputBufferLimit } from './net/clients.ts';
import { ListenError, Listener, type ListenerSettings } from './net/listener.ts';
import type { Transport } from './net/transport.ts';
import { ServerFigures } from './server_facts.ts';
import { REDIS_VERSION } from './version.ts';

/** Background work per step, in microseconds: no request waits longer than this for it. */
const CRON_STEP_US = 1000;
/** Pause between steps while work is left, in milliseconds: at most half the time goes to it. */
const CRON_BUSY_MS = 1;
/** Time between two looks at a share of the clients, in milliseconds. */
const CLIENTS_TICK_MS = 100;
/** A timer that fires a little early still counts as on time. */
const TICK_EARLY_MS = 5;

export interface ServerOptions {
  readonly config: Config;
  readonly extras: LoadedExtras;
  readonly logger: Logger;
  readonly module: WebAssembly.Module;
  readonly pid: number;
  readonly stdoutIsTerminal: boolean;
  readonly executable: string;
  /** Absolute path, empty when started without one. */
  readonly configFile: string;
  /** CONFIG REWRITE; undefined when the server was started without a file. */
  readonly rewriteFile?: (options?: RewriteOptions) => string | null;
  /** DEBUG: reports the crash and ends the process. */
  readonly crash: (cause: CrashCause) => never;
  /** DEBUG RESTART: replaces the process; returns only when that is impossible. */
  readonly restart: (isGraceful: boolean, delayMs: number) => void;
  /** The core trapped; the process must end. */
  readonly onCrash: (crash: CoreCrash) => void;
}

export class Server {
  readonly engine: Engine;
  readonly config: Config;
  readonly logger: Logger;
  readonly users: DefaultUser;
  readonly clients: ClientRegistry;
  readonly guards: Guards;
  readonly pause: ClientPause;
  readonly figures: ServerFigures;
  readonly debugFlags = new DebugFlags();
  private readonly options: ServerOptions;
  private listener: Listener | undefined;
  private transport: Transport | undefined;
  private timer: NodeJS.Timeout | undefined;
  private lastTickMs = 0;

  constructor(options: ServerOptions) {
    this.options = options;
    this.config = options.config;
    this.logger = options.logger;
    const core = new Core(options.module, { databases: Number(this.config.get('databases')) });
    this.engine = new Engine(core, {
      onCrash: options.onCrash,
      onHandlerError: (name, error) =>
        this.logger.warning(
          `Internal error in '${name}': ${error instanceof Error ? error.stack : error}`,
        ),
    });
    bindCoreSettings(this.config, core);
    this.users = new DefaultUser(() => this.config.get('requirepass'));
    this.clients = new ClientRegistry({
      engine: this.engine,
      settings: new ClientDirectives(this.config),
      log: this.logger,
      isOpen: () => this.users.isOpen,
    });
    this.guards = new Guards(core);
    this.pause = new ClientPause(this.guards, this.engine);
    this.figures = new ServerFigures({
      engine: this.engine,
      config: this.config,
      clients: this.clients,
      pid: options.pid,
      executable: options.executable,
      configFile: options.configFile,
    });
    this.config.subscribe('requirepass', () => this.applyRequirepass());
    this.applyRequirepass();
    this.registerCommands();
    this.renameCommands();
  }

  /** Name of the transport in use. */
  get transportName(): string {
    return this.transport?.name ?? '';
  }

  /** Opens the sockets and serves. Throws ListenError when they cannot be opened. */
  async start(): Promise<void> {
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
    this.transport = await chooseTransport(
      config.get('transport') as 'auto' | 'direct' | 'stream',
      {
        view: () => this.engine.input(),
      },
    );
    this.listener = new Listener(this.transport, new ListenerDirectives(config), {
      onConnection: (connection) => this.clients.accept(connection),
      log: (level, line) => logger.log(level, line),
    });
    await this.listener.open();
    config.subscribe(['port', 'bind'], (changed) => this.applyAddresses(changed.has('port')));
    logger.notice('Server initialized');
    this.scheduleCron(0);
    if (config.get('port') !== 0) logger.notice('Ready to accept connections tcp');
    if (config.get('unixsocket') !== '') logger.notice('Ready to accept connections unix');
  }

  /** Stops listening and closes every connection. */
  stop(): void {
    clearTimeout(this.timer);
    this.pause.stop();
    this.listener?.close();
    for (const client of [...this.engine.clients.values()]) client.output.destroy();
  }

  /** Listens where the configuration says now. Returns why that is impossible. */
  private async applyAddresses(isPortChanged: boolean): Promise<string | undefined> {
    try {
      await this.listener?.updateTcp();
      return undefined;
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      return isPortChanged
        ? 'Unable to listen on this port. Check server logs.'
        : 'Failed to bind to specified addresses.';
    }
  }

  /** New clients need no password without one; RESET in the core asks the same. */
  private applyRequirepass(): undefined {
    this.engine.core.exports.setConfig(abi.CFG_DEFAULT_USER_NOPASS, this.users.isOpen ? 1 : 0);
  }

  private scheduleCron(delayMs: number): void {
    this.timer = setTimeout(() => {
      if (this.debugFlags.cronPaused) {
        this.scheduleCron(1000 / this.config.get('hz'));
        return;
      }
      const began = performance.now();
      if (began - this.lastTickMs >= CLIENTS_TICK_MS - TICK_EARLY_MS) {
        this.lastTickMs = began;
        this.clients.tick(this.engine.now());
        this.figures.tick();
      }
      const more = this.engine.cron(CRON_STEP_US);
      this.figures.metrics.addCron((performance.now() - began) * 1000);
      this.scheduleCron(more ? CRON_BUSY_MS : 1000 / this.config.get('hz'));
    }, delayMs);
  }

  private registerCommands(): void {
    const { engine, config, logger } = this;
    const redactArgument = (_call: HostCall, index: number) =>
      engine.core.exports.redactArgument(index);
    registerCommandCommands(engine.commands);
    registerInfo(engine.commands, infoSections(this.figures));
    registerDebug(engine.commands, this.debugHooks());
    registerClientCommands(engine.commands, {
      registry: this.clients,
      pause: this.pause,
      hasUser: (name) => this.users.hasUser(name),
    });
    registerAuthCommands(engine.commands, {
      registry: this.clients,
      users: this.users,
      server: { version: REDIS_VERSION, mode: 'standalone', role: 'master' },
      redactArgument,
    });
    registerConfigCommands(engine.commands, config, {
      isLocalClient: (call) => this.clients.of(call.client).connection?.isLoopback ?? true,
      isLoading: () => false,
      resetStats: () => this.resetStats(),
      rewriteFile: () => this.options.rewriteFile,
      redactArgument,
      log: (level, text) => logger.log(level, text),
    });
  }

  private debugHooks(): DebugHooks {
    const { engine, config, logger, options } = this;
    return {
      core: engine.core,
      flags: this.debugFlags,
      rdbCompression: () => config.get('rdbcompression'),
      sleep: (milliseconds) => {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
      },
      log: (message) => logger.warning(`DEBUG LOG: ${message}`),
      crash: options.crash,
      restart: options.restart,
      rewriteConfig: () => options.rewriteFile?.({ forceAll: true }) ?? null,
      changeReplicationId: () => {},
      isClusterEnabled: () => config.get('cluster-enabled'),
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

  private resetStats(): void {
    const { core } = this.engine;
    core.exports.resetStats();
    for (const stat of RESET_STATS) core.setStat(stat, 0);
    const { traffic } = this.engine;
    traffic.inputBytes = 0;
    traffic.outputBytes = 0;
    traffic.reads = 0;
    traffic.writes = 0;
    const { counters } = this.clients;
    counters.totalConnections = 0;
    counters.rejectedConnections = 0;
    counters.outputLimitDisconnections = 0;
    this.figures.metrics.reset();
  }
}

/** Counters that CONFIG RESETSTAT clears. */
const RESET_STATS = [
  abi.STAT_COMMANDS,
  abi.STAT_KEYSPACE_HITS,
  abi.STAT_KEYSPACE_MISSES,
  abi.STAT_EXPIRED_KEYS,
  abi.STAT_EVICTED_KEYS,
  abi.STAT_ERROR_REPLIES,
  abi.STAT_EXPIRED_STALE_PERCENT,
  abi.STAT_EXPIRED_TIME_CAP,
  abi.STAT_LAZYFREED,
  abi.STAT_UNEXPECTED_ERRORS,
  abi.STAT_QUERYBUF_DISCONNECTS,
  abi.STAT_EVICT_EXCEEDED_US,
];

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

/** The limits of clients, read from the configuration each time. */
class ClientDirectives implements ClientSettings {
  private readonly config: Config;

  constructor(config: Config) {
    this.config = config;
  }

  get maxClients(): number {
    return this.config.get('maxclients');
  }

  get timeoutSeconds(): number {
    return this.config.get('timeout');
  }

  get protectedMode(): boolean {
    return this.config.get('protected-mode');
  }

  outputBufferLimit(type: Exclude<ClientType, 'master'>): OutputBufferLimit {
    const limit = this.config.get('client-output-buffer-limit')[
      type === 'replica' ? 'slave' : type
    ];
    return {
      hardBytes: Number(limit.hardBytes),
      softBytes: Number(limit.softBytes),
      softSeconds: limit.softSeconds,
    };
  }
}
