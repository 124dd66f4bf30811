// The shape of a benchmark's result: what `--json` writes, and what the chart and the tables are
// drawn from. A reader must refuse a file with another `version`.

export const RESULTS_VERSION = 1;

export type ServerKind = 'respite' | 'candidate' | 'redis' | 'valkey';

/** One contender. Everything of kind redis or valkey is a baseline; the others are compared to it. */
export interface ServerInfo {
  /** Key of this contender in every `servers` record: "respite-direct", "redis". */
  id: string;
  kind: ServerKind;
  /** As it introduces itself with --version. */
  version: string;
  command: string[];
}

export interface Machine {
  cpu: string;
  cores: number;
  memoryBytes: number;
  kernel: string;
  node: string;
  loadGenerator: string;
  /** Cores of server and clients; null when the processes could not be pinned. */
  pinned: { server: number; clients: number } | null;
}

export interface Settings {
  clients: number;
  keyspace: number;
  dataSizeBytes: number;
  rounds: number;
  durationSeconds: number;
  persistence: string;
  preload: boolean;
}

/** One run of redis-benchmark against one server. */
export interface Sample {
  requestsPerSecond: number;
  /** Server processor time per request; null where /proc cannot tell. */
  cpuMicros: number | null;
  p50Ms: number;
  p99Ms: number;
}

export interface ServerPoint {
  median: Sample;
  /** Largest distance of a round's requests per second from the median, as a share of it. */
  spread: number;
  samples: Sample[];
}

/** A test at one pipeline depth. */
export interface Point {
  test: string;
  pipeline: number;
  /** Requests per run, the same for every server; 0 when nothing was run. */
  requests: number;
  /** Set when the point was not measured: why. No figure of such a point counts. */
  notSupported?: string;
  /** Set when a server gave a wrong count or value: nothing is compared then. */
  refused?: string;
  servers: Record<string, ServerPoint>;
  /** Requests per second over those of the fastest baseline, for every contender that is none. */
  ratios: Record<string, number>;
}

export interface MemoryFigures {
  /** Growth of INFO's used_memory over the number of elements. */
  usedBytes: number;
  /** Growth of the process's resident set over the number of elements; null without /proc. */
  residentBytes: number | null;
}

export interface MemoryRow {
  dataset: string;
  description: string;
  elements: number;
  notSupported?: string;
  refused?: string;
  servers: Record<string, MemoryFigures>;
  /** usedBytes over that of the leanest baseline. */
  ratios: Record<string, number>;
}

export interface Gaps {
  pings: number;
  /** Length of the measured window. */
  seconds: number;
  p50Ms: number;
  p99Ms: number;
  p999Ms: number;
  /** The longest time between two served PINGs. */
  maxMs: number;
}

export interface StallRow {
  scenario: string;
  description: string;
  notSupported?: string;
  refused?: string;
  servers: Record<string, Gaps>;
}

export interface InProcessRow {
  operation: string;
  batch: number;
  keys: number;
  millionsPerSecond: number;
}

export interface Results {
  version: typeof RESULTS_VERSION;
  startedAt: string;
  seconds: number;
  commit: string;
  machine: Machine;
  settings: Settings;
  servers: ServerInfo[];
  throughput: Point[];
  memory: MemoryRow[];
  stall: StallRow[];
  inProcess: InProcessRow[];
}

/** Throws when the text is not a result file of this version. */
export function parseResults(text: string): Results {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null || !('version' in value))
    throw new Error('not a benchmark result file');
  if (value.version !== RESULTS_VERSION)
    throw new Error(
      `result file has version ${value.version}, this program reads ${RESULTS_VERSION}`,
    );
  return value as Results;
}

export function isBaseline(server: ServerInfo): boolean {
  return server.kind === 'redis' || server.kind === 'valkey';
}
