// redis-benchmark as the load generator: its command line, its CSV, its failures.
//
// The command of a test is given literally instead of by `-t`, so that every version of the tool
// sends the same bytes; they are the bytes `-t` sends in the versions that have the test. Inline
// PING is the exception: the tool sends it only for `-t ping_inline`.

import { once } from 'node:events';
import { findOnPath, pinned, start } from './processes.ts';

/** A run that takes longer is a hang. */
const RUN_TIMEOUT_MS = 180_000;

export interface Run {
  port: number;
  requests: number;
  clients: number;
  pipeline: number;
  keyspace: number;
  dataSizeBytes: number;
  /** Literal command with `__rand_int__` for the random part, or the name of a `-t` test. */
  command: readonly string[] | { test: string };
}

export interface Throughput {
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/** The load generator failed: an error reply, a lost connection, or output that makes no sense. */
export class LoadError extends Error {}

export function loadGeneratorPath(): string | null {
  return findOnPath('redis-benchmark') ?? findOnPath('valkey-benchmark');
}

export function benchmarkArguments(run: Run): string[] {
  const options: [string, number][] = [
    ['-p', run.port],
    ['-n', run.requests],
    ['-c', run.clients],
    ['-P', run.pipeline],
    ['-r', run.keyspace],
    ['-d', run.dataSizeBytes],
  ];
  return [
    ...['-h', '127.0.0.1'],
    ...options.flatMap(([name, value]) => [name, `${value}`]),
    '--csv',
    ...('test' in run.command ? ['-t', run.command.test] : run.command),
  ];
}

export async function runLoad(run: Run): Promise<Throughput> {
  const tool = loadGeneratorPath();
  if (tool === null) throw new LoadError('redis-benchmark is not on PATH');
  const child = start(pinned('clients', [tool, ...benchmarkArguments(run)]), [
    'ignore',
    'pipe',
    'pipe',
  ]);
  let output = '';
  let complaints = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, RUN_TIMEOUT_MS);
  try {
    const [code] = await once(child, 'close');
    if (timedOut) throw new LoadError('redis-benchmark did not end: a reply is missing');
    if (code !== 0)
      throw new LoadError(`redis-benchmark ended with ${code}: ${complaints.trim() || output}`);
  } finally {
    clearTimeout(timer);
  }
  return parseBenchmarkCsv(output);
}

/** The one result row of `redis-benchmark --csv`, whose columns its first line names. */
export function parseBenchmarkCsv(text: string): Throughput {
  const rows = text
    .split(/\r?\n/)
    .filter((line) => line.startsWith('"'))
    .map(parseCsvLine);
  const [head, row, ...more] = rows;
  if (!head || !row || more.length > 0 || head[0] !== 'test')
    throw new LoadError(`one result expected from redis-benchmark, got: ${text.trim()}`);
  const figure = (name: string): number => {
    const value = Number(row[head.indexOf(name)]);
    if (!head.includes(name) || !Number.isFinite(value))
      throw new LoadError(`redis-benchmark gave no ${name}: ${text.trim()}`);
    return value;
  };
  return {
    requestsPerSecond: figure('rps'),
    p50Ms: figure('p50_latency_ms'),
    p99Ms: figure('p99_latency_ms'),
  };
}

/**
 * Splits a line whose fields are all quoted. The tool does not escape quotes inside a title, so a
 * field ends only at a quote that a comma or the end of the line follows.
 */
export function parseCsvLine(line: string): string[] {
  return line.replace(/^"|"$/g, '').split('","');
}
