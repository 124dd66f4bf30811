// The commands that every home of the engine has, and the parts they work on: clients and their users,
// pauses, the latency monitor, what the configuration says of them. A home is a server process, a
// program with a store in it, a page; what differs between them comes in as hooks.
//
//   const parts = new StandardParts({ engine, config, log });
//   parts.register({ ... });      CONFIG, INFO, CLIENT, MEMORY, LATENCY, DEBUG, AUTH, HELLO, ROLE, LOLWUT
//
// COMMAND is registered apart, because the records of all commands are large.

import * as abi from '../assembly/abi.ts';
import type { Config } from './config/config.ts';
import { registerConfigCommands } from './config/config_commands.ts';
import { bindCoreSettings } from './config/core_settings.ts';
import { Guards } from './core/guards.ts';
import { resetStatistics } from './core/statistics.ts';
import type { Engine } from './engine.ts';
import type { HostCall } from './host_command.ts';
import { type DebugHooks, registerDebug } from './monitor/debug.ts';
import { DebugFlags } from './monitor/debug_flags.ts';
import { type InfoSection, registerInfo } from './monitor/info.ts';
import { registerLatency } from './monitor/latency.ts';
import { LatencyMonitor } from './monitor/latency_monitor.ts';
import { registerLolwut } from './monitor/lolwut.ts';
import { registerMemory } from './monitor/memory.ts';
import { registerStandalone } from './monitor/standalone.ts';
import { DefaultUser, registerAuthCommands } from './net/auth_commands.ts';
import type { Client } from './net/client.ts';
import { registerClientCommands } from './net/client_commands.ts';
import { ClientDirectives } from './net/client_directives.ts';
import { clientLimitBytes } from './net/client_eviction.ts';
import { type ClientDetails, NO_DETAILS } from './net/client_info.ts';
import { ClientPause } from './net/client_pause.ts';
import { type ClientLog, ClientRegistry } from './net/clients.ts';
import type { ServerFigures } from './server_facts.ts';
import { REDIS_VERSION } from './version.ts';

export interface StandardOptions {
  readonly engine: Engine;
  readonly config: Config;
  readonly log: ClientLog;
  /** Those that are in use already; new ones unless given. */
  readonly guards?: Guards;
}

/** What DEBUG does to the process it runs in. */
export type ProcessDebugHooks = Pick<
  DebugHooks,
  'sleep' | 'log' | 'crash' | 'restart' | 'rewriteConfig' | 'reload' | 'loadAof'
>;

export interface HomeHooks {
  readonly figures: ServerFigures;
  readonly sections: readonly InfoSection[];
  readonly debug: ProcessDebugHooks;
  hugePageBytes(): number;
  /** CLIENT UNBLOCK of a client that waits for something else than keys. False when it does not. */
  unblock(client: Client, withError: boolean): boolean;
  /** Whether a data set is being loaded. */
  isLoading(): boolean;
  /** Clears what CONFIG RESETSTAT clears and is not known here. */
  resetStats(): void;
  /** As in ConfigHooks. */
  rewriteFile(): (() => string | null) | undefined;
}

export class StandardParts {
  readonly users: DefaultUser;
  readonly clients: ClientRegistry;
  readonly guards: Guards;
  readonly pause: ClientPause;
  readonly latency: LatencyMonitor;
  readonly debugFlags = new DebugFlags();
  private readonly engine: Engine;
  private readonly config: Config;
  private readonly log: ClientLog;
  private isLate = false;

  constructor({ engine, config, log, guards }: StandardOptions) {
    this.engine = engine;
    this.config = config;
    this.log = log;
    const { core } = engine;
    bindCoreSettings(config, core);
    this.users = new DefaultUser(() => config.get('requirepass'));
    this.clients = new ClientRegistry({
      engine,
      settings: new ClientDirectives(config),
      log,
      isOpen: () => this.users.isOpen,
      details: (client) => this.detailsOf(client),
    });
    this.guards = guards ?? new Guards(core);
    this.pause = new ClientPause(this.guards, engine, engine.time);
    this.latency = new LatencyMonitor({
      core,
      thresholdMs: () => config.get('latency-monitor-threshold'),
      now: () => engine.now(),
    });
    this.follow(['min-replicas-to-write', 'min-replicas-max-lag'], () => this.applyReplicaNeed());
    this.follow(['maxmemory', 'maxmemory-clients'], () => this.applyClientLimit());
    this.follow(['requirepass'], () => this.applyRequirepass());
  }

  /** Registers the commands. */
  register(hooks: HomeHooks): void {
    const { engine, config, clients } = this;
    const { commands, core } = engine;
    const redactArgument = (call: HostCall, index: number) => this.redactArgument(call, index);
    registerInfo(commands, hooks.sections);
    registerLolwut(commands);
    registerStandalone(commands);
    registerMemory(commands, {
      core,
      memory: hooks.figures.memory,
      connectedClients: () => clients.size,
      connectedReplicas: () => 0,
    });
    registerLatency(commands, {
      core,
      monitor: this.latency,
      doctor: () => ({
        slowlogSlowerThanUs: config.get('slowlog-log-slower-than'),
        hz: config.get('hz'),
        fsyncsAlways: config.get('appendonly') && config.get('appendfsync') === 'always',
        hugePageBytes: hooks.hugePageBytes(),
      }),
    });
    registerDebug(commands, this.debugHooks(hooks.debug));
    registerClientCommands(commands, {
      registry: clients,
      pause: this.pause,
      hasUser: (name) => this.users.hasUser(name),
      unblock: (client, reason) => {
        const withError = reason === 'error';
        if (hooks.unblock(client, withError)) return true;
        return core.exports.unblockClient(client.block.ptr, withError ? 1 : 0) !== 0;
      },
    });
    registerAuthCommands(commands, {
      registry: clients,
      users: this.users,
      server: { version: REDIS_VERSION, mode: 'standalone', role: 'master' },
      redactArgument,
    });
    registerConfigCommands(commands, config, {
      isLocalClient: (call) => clients.of(call.client).connection?.isLoopback ?? true,
      isLoading: hooks.isLoading,
      resetStats: () => this.resetStats(hooks),
      rewriteFile: hooks.rewriteFile,
      redactArgument,
      log: (level, text) => this.log.log(level, text),
    });
  }

  /** Keeps an argument's value out of MONITOR and the slow log. */
  redactArgument(_call: HostCall, index: number): void {
    if (!this.isLate) this.engine.core.exports.redactArgument(index);
  }

  /** Runs a command that was put off: the core is not at its arguments any more. */
  runLate<T>(run: () => T): T {
    this.isLate = true;
    try {
      return run();
    } finally {
      this.isLate = false;
    }
  }

  private debugHooks(hooks: ProcessDebugHooks): DebugHooks {
    return {
      ...hooks,
      core: this.engine.core,
      flags: this.debugFlags,
      rdbCompression: () => this.config.get('rdbcompression'),
      clientBuckets: () => this.clients.eviction.describe(),
      changeReplicationId: () => {},
      isClusterEnabled: () => this.config.get('cluster-enabled'),
    };
  }

  /** Applies what directives say, now and whenever one of them changes. */
  private follow(names: Parameters<Config['subscribe']>[0], apply: () => undefined): void {
    this.config.subscribe(names, apply);
    apply();
  }

  /** New clients need no password without one; RESET in the core asks the same. */
  private applyRequirepass(): undefined {
    this.engine.core.exports.setConfig(abi.CFG_DEFAULT_USER_NOPASS, this.users.isOpen ? 1 : 0);
  }

  /** Clients over the new limit go behind the command that set it. */
  private applyClientLimit(): undefined {
    const value = Number(this.config.get('maxmemory-clients'));
    const limit = clientLimitBytes(value, Number(this.config.get('maxmemory')));
    this.clients.eviction.setLimit(limit, this.clients.all());
    queueMicrotask(() => this.clients.eviction.enforce());
  }

  /** Writes are refused while fewer replicas than wanted are there; so far there are none. */
  private applyReplicaNeed(): undefined {
    const isOn = this.config.get('min-replicas-max-lag') > 0;
    const wanted = this.config.get('min-replicas-to-write');
    this.guards.set(abi.GUARD_TOO_FEW_REPLICAS, isOn && wanted > 0);
  }

  /** What CLIENT LIST shows of transactions, subscriptions and tracking. */
  private detailsOf(client: Client): ClientDetails {
    const ptr = this.engine.clients.get(client.id)?.ptr;
    if (ptr === undefined) return NO_DETAILS;
    const { exports } = this.engine.core;
    return {
      ...NO_DETAILS,
      channels: exports.connSubscriptions(ptr, 0),
      patterns: exports.connSubscriptions(ptr, 1),
      shardChannels: exports.connSubscriptions(ptr, 2),
      queuedCommands: exports.connQueuedCommands(ptr),
      queuedBytes: exports.connQueuedBytes(ptr),
      blockedBytes: exports.connBlockedBytes(ptr),
      redirect: exports.connTrackingRedirect(ptr),
    };
  }

  private resetStats(hooks: HomeHooks): void {
    resetStatistics(this.engine.core);
    const { traffic } = this.engine;
    traffic.inputBytes = 0;
    traffic.outputBytes = 0;
    traffic.reads = 0;
    traffic.writes = 0;
    const { counters } = this.clients;
    counters.totalConnections = 0;
    counters.rejectedConnections = 0;
    counters.outputLimitDisconnections = 0;
    this.clients.eviction.evictedClients = 0;
    hooks.figures.metrics.reset();
    hooks.resetStats();
  }
}
