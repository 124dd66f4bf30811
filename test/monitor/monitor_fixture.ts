// An engine with the monitoring commands and made-up facts around them.

import { CFG_DEBUG_COMMAND } from '../../assembly/abi.ts';
import type { CoreOptions } from '../../src/core/core.ts';
import type { Engine } from '../../src/engine.ts';
import { CommandError } from '../../src/host_command.ts';
import type { CrashCause } from '../../src/monitor/crash_cause.ts';
import { type ReloadOptions, registerDebug } from '../../src/monitor/debug.ts';
import { DebugFlags } from '../../src/monitor/debug_flags.ts';
import type { LatencySettings, MemoryFacts, ServerFacts } from '../../src/monitor/facts.ts';
import { type InfoSection, registerInfo } from '../../src/monitor/info.ts';
import { infoSections } from '../../src/monitor/info_sections.ts';
import { KeySizes } from '../../src/monitor/key_sizes.ts';
import { registerLatency } from '../../src/monitor/latency.ts';
import type { DoctorFacts } from '../../src/monitor/latency_doctor.ts';
import { LatencyMonitor } from '../../src/monitor/latency_monitor.ts';
import { registerMemory } from '../../src/monitor/memory.ts';
import { MemoryReporter } from '../../src/monitor/memory_report.ts';
import { type MetricReadings, Metrics } from '../../src/monitor/metrics.ts';
import { createEngine, EngineTestClient } from '../support/engine_client.ts';

/** What the process takes before there is any data. */
export const START_RSS = 80 * 1024 * 1024;
export const NOW_MS = 1_700_000_123_456;

const SERVER: ServerFacts = {
  mode: 'standalone',
  os: 'Linux 6.1.0 x86_64',
  multiplexingApi: 'epoll',
  processId: 4711,
  supervised: 'no',
  runId: 'ab'.repeat(20),
  port: 6379,
  startedAtMs: NOW_MS - 200_000_000,
  hz: 10,
  configuredHz: 10,
  executable: '/usr/bin/respite-server',
  configFile: '/etc/redis.conf',
  listeners: [
    { name: 'tcp', bind: ['127.0.0.1', '-::1'], port: 6379 },
    { name: 'unix', bind: ['/run/respite.sock'], port: 0 },
  ],
};

/** What tests change between commands, and what commands did outside of the core. */
export class MonitorState {
  nowMs = NOW_MS;
  readings: MetricReadings = {
    commands: 0,
    netInputBytes: 0,
    netOutputBytes: 0,
    replicationInputBytes: 0,
    replicationOutputBytes: 0,
    loopCycles: 0,
    loopActiveUs: 0,
  };
  memoryFacts: Partial<MemoryFacts> = {};
  latency: LatencySettings = { tracking: true, percentiles: [50, 99, 99.9] };
  doctor: DoctorFacts = {
    slowlogSlowerThanUs: 10000,
    hz: 10,
    fsyncsAlways: false,
    hugePageBytes: 0,
  };
  latencyThresholdMs = 0;
  rss = START_RSS;
  replicas = 0;
  readonly flags = new DebugFlags();
  readonly log: string[] = [];
  readonly crashes: CrashCause[] = [];
  readonly sleeps: number[] = [];
  readonly reloads: ReloadOptions[] = [];
  reloadError: string | undefined;
}

export interface MonitorFixture {
  readonly engine: Engine;
  readonly client: EngineTestClient;
  readonly metrics: Metrics;
  readonly memory: MemoryReporter;
  readonly latency: LatencyMonitor;
  readonly sections: readonly InfoSection[];
  readonly state: MonitorState;
}

export function createMonitor(options: CoreOptions = {}): MonitorFixture {
  const state = new MonitorState();
  const engine = createEngine(options);
  engine.now = () => state.nowMs;
  const { core, commands } = engine;
  core.exports.setConfig(CFG_DEBUG_COMMAND, 1);
  const metrics = new Metrics(() => state.readings);
  const process = () => ({
    residentBytes: state.rss,
    systemBytes: 16 * 1024 ** 3,
    userCpuUs: 1_250_000,
    systemCpuUs: 250_001,
    mainThread: { userCpuUs: 1_000_000, systemCpuUs: 10_000 },
  });
  const memory = new MemoryReporter({ core, memory: () => state.memoryFacts, process });
  const latency = new LatencyMonitor({
    core,
    thresholdMs: () => state.latencyThresholdMs,
    now: () => state.nowMs,
  });
  const sections = infoSections({
    core,
    metrics,
    memory,
    keySizes: new KeySizes(core),
    server: () => SERVER,
    process,
    clients: () => ({ connected: 3, maxClients: 10000 }),
    traffic: () => ({ connectionsReceived: 5, netInputBytes: 1000, replicationInputBytes: 24 }),
    latency: () => state.latency,
  });
  registerInfo(commands, sections);
  registerMemory(commands, {
    core,
    memory,
    connectedClients: () => 2,
    connectedReplicas: () => state.replicas,
  });
  registerLatency(commands, { core, monitor: latency, doctor: () => state.doctor });
  registerDebug(commands, {
    core,
    flags: state.flags,
    rdbCompression: () => true,
    sleep: (milliseconds) => state.sleeps.push(milliseconds),
    log: (message) => state.log.push(message),
    crash: (cause) => {
      state.crashes.push(cause);
      throw new CommandError('ERR crashed');
    },
    restart: (isGraceful, delayMs) => state.log.push(`restart ${isGraceful} ${delayMs}`),
    rewriteConfig: () => 'Permission denied',
    clientBuckets: () => null,
    changeReplicationId: () => state.log.push('changed'),
    isClusterEnabled: () => false,
    reload: (_client, reload) => {
      state.reloads.push(reload);
      return state.reloadError;
    },
    loadAof: () => Promise.resolve(state.reloadError),
  });
  const client = new EngineTestClient(engine);
  return { engine, client, metrics, memory, latency, sections, state };
}
