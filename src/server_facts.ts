// Where the figures of INFO, MEMORY and LATENCY come from: each fact from whoever owns it.

import * as abi from '../assembly/abi.ts';
import type { Backups } from './backup/backups.ts';
import type { Config } from './config/config.ts';
import type { Engine } from './engine.ts';
import type { ListenerFacts, ServerFacts } from './monitor/facts.ts';
import type { InfoSources } from './monitor/info_sections.ts';
import { KeySizes } from './monitor/key_sizes.ts';
import { MemoryReporter } from './monitor/memory_report.ts';
import { Metrics } from './monitor/metrics.ts';
import {
  multiplexingApi,
  readLoop,
  readProcess,
  systemName,
} from './monitor/process_facts.node.ts';
import type { ClientRegistry } from './net/clients.ts';
import type { MigrateLinks } from './net/migrate_link.ts';
import type { Persistence } from './persistence/persistence.ts';
import type { WaitingClients } from './persistence/wait_commands.ts';
import { randomId } from './util/random_id.ts';

export interface FactOwners {
  readonly engine: Engine;
  readonly config: Config;
  readonly clients: ClientRegistry;
  readonly migrateLinks: MigrateLinks;
  readonly persistence: Persistence;
  readonly backups: Backups;
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
  readonly process = readProcess;
  readonly runId = randomId();
  private readonly owners: FactOwners;
  private readonly startedAtMs: number;

  constructor(owners: FactOwners) {
    this.owners = owners;
    const { engine } = owners;
    this.core = engine.core;
    this.startedAtMs = engine.now();
    this.metrics = new Metrics(() => ({
      commands: this.core.stat(abi.STAT_COMMANDS),
      netInputBytes: engine.traffic.inputBytes,
      netOutputBytes: engine.traffic.outputBytes,
      replicationInputBytes: 0,
      replicationOutputBytes: 0,
      ...loopReadings(),
    }));
    this.memory = new MemoryReporter({
      core: this.core,
      memory: () => ({
        maxMemory: owners.config.get('maxmemory'),
        maxMemoryPolicy: String(owners.config.get('maxmemory-policy')),
        aofBuffer: owners.persistence.facts().aofBufferBytes,
      }),
      process: readProcess,
    });
    this.keySizes = new KeySizes(this.core);
  }

  /** Called by the server's timer. */
  tick(): void {
    this.metrics.tick(this.owners.engine.time.monotonicMs() * 1000);
  }

  server(): ServerFacts {
    const { config, pid, executable, configFile } = this.owners;
    return {
      mode: 'standalone',
      os: systemName(),
      multiplexingApi: multiplexingApi(),
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
      migrateLinks: this.owners.migrateLinks.size,
      syncFull: this.owners.persistence.transfers.requests,
      trackedKeys: this.core.exports.trackedKeyCount(),
      trackedItems: this.core.exports.trackedItemCount(),
      trackedPrefixes: this.core.exports.trackedPrefixCount(),
      readsProcessed: traffic.reads,
      writesProcessed: traffic.writes,
    };
  }

  persistence(): ReturnType<NonNullable<InfoSources['persistence']>> {
    return { ...this.owners.persistence.facts(), backup: this.owners.backups.facts() };
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

function loopReadings(): { loopCycles: number; loopActiveUs: number } {
  const { cycles, activeUs } = readLoop();
  return { loopCycles: cycles, loopActiveUs: activeUs };
}
