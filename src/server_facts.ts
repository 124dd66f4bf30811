// Where the figures of INFO, MEMORY and LATENCY come from: each fact from whoever owns it.

import * as abi from '../assembly/abi.ts';
import type { Config } from './config/config.ts';
import type { Engine } from './engine.ts';
import type {
  ListenerFacts,
  PersistenceFacts,
  ProcessFacts,
  ServerFacts,
} from './monitor/facts.ts';
import type { InfoSources } from './monitor/info_sections.ts';
import { KeySizes } from './monitor/key_sizes.ts';
import { MemoryReporter } from './monitor/memory_report.ts';
import { Metrics } from './monitor/metrics.ts';
import type { ClientRegistry } from './net/clients.ts';
import type { WaitingClients } from './persistence/wait_commands.ts';
import { randomId } from './util/random_id.ts';

/** What the process, or the page, and its machine tell of themselves. */
export interface MachineFacts {
  readProcess(): ProcessFacts;
  /** Turns of the event loop, and the time that it did not spend waiting. */
  readLoop(): { readonly cycles: number; readonly activeUs: number };
  systemName(): string;
  multiplexingApi(): string;
}

export interface FactOwners {
  readonly engine: Engine;
  readonly config: Config;
  readonly clients: ClientRegistry;
  readonly machine: MachineFacts;
  /** Connections that MIGRATE keeps. */
  migrateLinks(): number;
  /** Snapshots that were asked for over connections. */
  transferRequests(): number;
  persistence(): Partial<PersistenceFacts>;
  readonly waits: WaitingClients;
  readonly pid: number;
  readonly executable: string;
  /** Absolute path, empty when there is none. */
  readonly configFile: string;
}

export class ServerFigures implements InfoSources {
  readonly core;
  readonly metrics: Metrics;
  readonly memory: MemoryReporter;
  readonly keySizes: KeySizes;
  readonly process: () => ProcessFacts;
  readonly runId = randomId();
  private readonly owners: FactOwners;
  private readonly startedAtMs: number;

  constructor(owners: FactOwners) {
    this.owners = owners;
    const { engine } = owners;
    this.core = engine.core;
    const { machine } = owners;
    this.process = () => machine.readProcess();
    this.startedAtMs = engine.now();
    this.metrics = new Metrics(() => ({
      commands: this.core.stat(abi.STAT_COMMANDS),
      netInputBytes: engine.traffic.inputBytes,
      netOutputBytes: engine.traffic.outputBytes,
      replicationInputBytes: 0,
      replicationOutputBytes: 0,
      ...loopReadings(machine),
    }));
    this.memory = new MemoryReporter({
      core: this.core,
      memory: () => ({
        maxMemory: owners.config.get('maxmemory'),
        maxMemoryPolicy: String(owners.config.get('maxmemory-policy')),
        aofBuffer: owners.persistence().aofBufferBytes ?? 0,
      }),
      process: this.process,
    });
    this.keySizes = new KeySizes(this.core);
  }

  /** Called by the server's timer. */
  tick(): void {
    this.metrics.tick(this.owners.engine.time.monotonicMs() * 1000);
  }

  server(): ServerFacts {
    const { config, machine, pid, executable, configFile } = this.owners;
    return {
      mode: 'standalone',
      os: machine.systemName(),
      multiplexingApi: machine.multiplexingApi(),
      processId: pid,
      supervised: 'no',
      runId: this.runId,
      port: config.get('port') || config.get('tls-port'),
      startedAtMs: this.startedAtMs,
      hz: config.get('hz'),
      configuredHz: config.get('hz'),
      executable,
      configFile,
      listeners: this.listeners(),
    };
  }

  clients(): ReturnType<InfoSources['clients']> {
    const { clients, config, engine, waits } = this.owners;
    return {
      connected: clients.size,
      maxClients: config.get('maxclients'),
      maxInputBuffer: clients.recentInputBytesMax,
      maxOutputBuffer: clients.recentOutputBytesMax,
      blocked: this.core.exports.blockedClientCount() + engine.pausedClients + waits.size,
      tracking: this.core.exports.trackingClientCount(),
      pubsub: this.core.exports.pubsubClientCount(),
      watching: this.core.exports.watchingClientCount(),
      inTimeoutTable: this.core.exports.deadlineCount() + waits.withTimeout,
      watchedKeys: this.core.exports.watchedKeyCount(),
      blockingKeys: this.core.exports.blockingKeyCount(),
      blockingKeysOnNoKey: this.core.exports.blockingKeyOnNoKeyCount(),
    };
  }

  traffic(): ReturnType<InfoSources['traffic']> {
    const { counters } = this.owners.clients;
    const { traffic } = this.owners.engine;
    return {
      connectionsReceived: counters.totalConnections,
      connectionsRejected: counters.rejectedConnections,
      evictedClients: this.owners.clients.eviction.evictedClients,
      outputBufferDisconnections: counters.outputLimitDisconnections,
      netInputBytes: traffic.inputBytes,
      netOutputBytes: traffic.outputBytes,
      pubsubChannels: this.core.exports.channelCount(),
      pubsubPatterns: this.core.exports.patternCount(),
      pubsubShardChannels: this.core.exports.shardChannelCount(),
      migrateLinks: this.owners.migrateLinks(),
      syncFull: this.owners.transferRequests(),
      trackedKeys: this.core.exports.trackedKeyCount(),
      trackedItems: this.core.exports.trackedItemCount(),
      trackedPrefixes: this.core.exports.trackedPrefixCount(),
      readsProcessed: traffic.reads,
      writesProcessed: traffic.writes,
    };
  }

  persistence(): ReturnType<NonNullable<InfoSources['persistence']>> {
    return this.owners.persistence();
  }

  latency(): ReturnType<InfoSources['latency']> {
    const { config } = this.owners;
    return {
      tracking: config.get('latency-tracking'),
      percentiles: config.get('latency-tracking-info-percentiles'),
    };
  }

  private listeners(): ListenerFacts[] {
    const { config } = this.owners;
    const port = config.get('port');
    const path = config.get('unixsocket');
    return [
      ...(port === 0 ? [] : [{ name: 'tcp', bind: config.get('bind'), port }]),
      ...(path === '' ? [] : [{ name: 'unix', bind: [path], port: 0 }]),
    ];
  }
}

function loopReadings(machine: MachineFacts): { loopCycles: number; loopActiveUs: number } {
  const { cycles, activeUs } = machine.readLoop();
  return { loopCycles: cycles, loopActiveUs: activeUs };
}
