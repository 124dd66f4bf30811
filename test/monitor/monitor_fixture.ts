// An engine with the monitoring commands and made-up facts around them.

import { CFG_DEBUG_COMMAND } from '../../assembly/abi.ts';
import type { CoreOptions } from '../../src/core/core.ts';
import type { Engine } from '../../src/engine.ts';
import { CommandError } from '../../src/host_command.ts';
import type { CrashCause } from '../../src/monitor/crash_cause.ts';
import { registerDebug } from '../../src/monitor/debug.ts';
import { DebugFlags } from '../../src/monitor/debug_flags.ts';
import type { LatencySettings, MemoryFacts, ServerFacts } from '../../src/monitor/facts.ts';
import { type InfoSection, registerInfo } from '../../src/monitor/info.ts';
import { infoSections } from '../../src/monitor/info_sections.ts';
import { KeySizes } from '../../src/monitor/key_sizes.ts';
import { MemoryReporter } from '../../src/monitor/memory_report.ts';
import { type MetricReadings, Metrics } from '../../src/monitor/metrics.ts';
import { createEngine, EngineTestClient } from '../support/engine_client.ts';

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

export interface MonitorFixture {
  readonly engine: Engine;
  readonly client: EngineTestClient;
  readonly metrics: Metrics;
  readonly memory: MemoryReporter;
  readonly sections: readonly InfoSection[];
  /** Change these between commands. */
  readings: MetricReadings;
  memoryFacts: Partial<MemoryFacts>;
  latency: LatencySettings;
  /** What DEBUG did outside of the core. */
  readonly flags: DebugFlags;
  readonly log: string[];
  readonly crashes: CrashCause[];
  readonly sleeps: number[];
}

const NO_READINGS: MetricReadings = {
  commands: 0,
  netInputBytes: 0,
  netOutputBytes: 0,
  replicationInputBytes: 0,
  replicationOutputBytes: 0,
  loopCycles: 0,
  loopActiveUs: 0,
};

export function createMonitor(options: CoreOptions = {}): MonitorFixture {
  const engine = createEngine(options);
  engine.now = () => NOW_MS;
  engine.core.exports.setConfig(CFG_DEBUG_COMMAND, 1);
  const { core } = engine;
  const flags = new DebugFlags();
  const metrics = new Metrics(() => fixture.readings);
  const processFacts = () => ({
    residentBytes: 100 * 1024 * 1024,
    systemBytes: 16 * 1024 ** 3,
    userCpuUs: 1_250_000,
    systemCpuUs: 250_001,
    mainThread: { userCpuUs: 1_000_000, systemCpuUs: 10_000 },
  });
  const memory = new MemoryReporter({
    core,
    memory: () => fixture.memoryFacts,
    process: processFacts,
  });
  const sections = infoSections({
    core,
    metrics,
    memory,
    keySizes: new KeySizes(core),
    server: () => SERVER,
    process: processFacts,
    clients: () => ({ connected: 3, maxClients: 10000 }),
    traffic: () => ({ connectionsReceived: 5, netInputBytes: 1000, replicationInputBytes: 24 }),
    latency: () => fixture.latency,
  });
  registerInfo(engine.commands, sections);
  registerDebug(engine.commands, {
    core,
    flags,
    rdbCompression: () => true,
    sleep: (milliseconds) => fixture.sleeps.push(milliseconds),
    log: (message) => fixture.log.push(message),
    crash: (cause) => {
      fixture.crashes.push(cause);
      throw new CommandError('ERR crashed');
    },
    restart: (isGraceful, delayMs) => fixture.log.push(`restart ${isGraceful} ${delayMs}`),
    rewriteConfig: () => 'Permission denied',
    changeReplicationId: () => fixture.log.push('changed'),
    isClusterEnabled: () => false,
  });
  const fixture: MonitorFixture = {
    engine,
    client: new EngineTestClient(engine),
    metrics,
    memory,
    sections,
    readings: NO_READINGS,
    memoryFacts: {},
    latency: { tracking: true, percentiles: [50, 99, 99.9] },
    flags,
    log: [],
    crashes: [],
    sleeps: [],
  };
  return fixture;
}
