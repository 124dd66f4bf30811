// Requests per second, processor time and latency of every test at every pipeline depth.
//
// For each test all contenders are started afresh, side by side; at each depth they take turns
// (A B A B ...) and a contender's figure is the median of its rounds. Only the one whose turn it is
// has work; the others sleep in their event loop. The number of requests is the same for all of
// them, chosen from a short warm-up so that a run lasts about the wanted time.

import {
  type BenchmarkTest,
  type Check,
  type RunShape,
  valueOfRun,
  WrongResult,
} from './benchmark_tests.ts';
import { LoadError, runLoad, type Throughput } from './load_generator.ts';
import { ServerProcess } from './processes.ts';
import { Progress } from './progress.ts';
import { infoNumber, ReplyError, type RespClient } from './resp_client.ts';
import {
  isBaseline,
  type Point,
  type Sample,
  type ServerInfo,
  type ServerPoint,
  type Settings,
} from './results.ts';
import { formatRate, formatRatio, median, ratioToBest, spread } from './stats.ts';

/** Warm-up as a share of a run. */
const WARM_UP_SHARE = 0.15;
/** Simple commands per second that the first warm-up assumes, by pipeline depth. */
const ASSUMED_RATES: readonly [pipelineMax: number, perSecond: number][] = [
  [1, 60_000],
  [16, 500_000],
  [Number.POSITIVE_INFINITY, 750_000],
];

export interface ThroughputPlan {
  tests: readonly BenchmarkTest[];
  pipelines: readonly number[];
  servers: readonly ServerInfo[];
  directives: readonly string[];
  settings: Settings;
}

interface Contender {
  server: ServerProcess;
  client: RespClient;
  loaded: boolean;
  runs: number;
}

/** Requests per run: whole batches for every connection, so that exactly that many are sent. */
export function requestsFor(
  perSecond: number,
  seconds: number,
  clients: number,
  pipeline: number,
): number {
  const batch = clients * pipeline;
  return Math.max(1, Math.round((perSecond * seconds) / batch)) * batch;
}

/** Figures of a contender's rounds; each median is taken on its own. */
export function summarize(samples: Sample[]): ServerPoint {
  const of = (pick: (sample: Sample) => number) => median(samples.map(pick));
  const known = samples.every((sample) => sample.cpuMicros !== null);
  return {
    median: {
      requestsPerSecond: of((sample) => sample.requestsPerSecond),
      cpuMicros: known ? of((sample) => sample.cpuMicros!) : null,
      p50Ms: of((sample) => sample.p50Ms),
      p99Ms: of((sample) => sample.p99Ms),
    },
    spread: spread(samples.map((sample) => sample.requestsPerSecond)),
    samples,
  };
}

/** Requests per second of every contender that is no baseline over the fastest baseline's. */
export function ratiosOf(
  servers: readonly ServerInfo[],
  points: Record<string, ServerPoint>,
): Record<string, number> {
  const rate = (server: ServerInfo) => points[server.id]?.median.requestsPerSecond ?? Number.NaN;
  const baselines = servers.filter(isBaseline).map(rate);
  const ratios: Record<string, number> = {};
  for (const server of servers)
    if (!isBaseline(server)) ratios[server.id] = ratioToBest(rate(server), baselines);
  return ratios;
}

export async function measureThroughput(plan: ThroughputPlan): Promise<Point[]> {
  const progress = new Progress('throughput', plan.tests.length * plan.pipelines.length);
  const points: Point[] = [];
  for (const test of plan.tests) {
    for await (const point of measureTest(plan, test)) {
      points.push(point);
      progress.step(describe(plan.servers, point));
    }
  }
  return points;
}

function describe(servers: readonly ServerInfo[], point: Point): string {
  const head = `${point.test} P=${point.pipeline}`;
  if (point.notSupported !== undefined) return `${head}: not supported (${point.notSupported})`;
  if (point.refused !== undefined) return `${head}: REFUSED (${point.refused})`;
  const figures = servers.map(({ id }) => {
    const ratio = point.ratios[id];
    const rate = formatRate(point.servers[id]!.median.requestsPerSecond);
    return `${id} ${rate}${ratio === undefined ? '' : ` ${formatRatio(ratio)}`}`;
  });
  return `${head}: ${figures.join('  ')}`;
}

/** One point per pipeline depth, in order, whatever happens. */
async function* measureTest(plan: ThroughputPlan, test: BenchmarkTest): AsyncGenerator<Point> {
  const contenders: Contender[] = [];
  const blank = (pipeline: number): Point => ({
    test: test.name,
    pipeline,
    requests: 0,
    servers: {},
    ratios: {},
  });
  try {
    for (const info of plan.servers) {
      const server = await ServerProcess.start(info, plan.directives);
      contenders.push({
        server,
        client: await server.connect(),
        loaded: false,
        runs: 0,
      });
    }
    const missing = await whatIsMissing(plan, test, contenders);
    for (const pipeline of plan.pipelines) {
      if (missing !== undefined) yield { ...blank(pipeline), notSupported: missing };
      else yield await measurePoint(plan, test, contenders, blank(pipeline));
    }
  } finally {
    for (const { server, client } of contenders) {
      if (server.alive) await client.close();
      await server.stop();
    }
  }
}

/** Names the first contender that answers the test's command, or what prepares it, with an error. */
async function whatIsMissing(
  plan: ThroughputPlan,
  test: BenchmarkTest,
  contenders: readonly Contender[],
): Promise<string | undefined> {
  const value = valueOfRun(0, plan.settings.dataSizeBytes);
  for (const { server, client } of contenders) {
    try {
      const few = {
        requests: 10,
        keyspace: 100,
        value,
        preload: plan.settings.preload,
      };
      await test.preload(client, few);
      await test.observe(client, few);
      const command = test.command(value);
      if (Array.isArray(command))
        await client.must(...command.map((arg) => arg.replaceAll('__rand_int__', '000000000001')));
      await client.must('FLUSHALL');
    } catch (error) {
      if (error instanceof ReplyError) return `${server.info.id}: ${error.message}`;
      throw new Error(`${server.info.id} failed a ${test.name}: ${server.lastOutput}`, {
        cause: error,
      });
    }
  }
  return undefined;
}

async function measurePoint(
  plan: ThroughputPlan,
  test: BenchmarkTest,
  contenders: readonly Contender[],
  point: Point,
): Promise<Point> {
  const { settings } = plan;
  const seconds = settings.durationSeconds;
  const count = (perSecond: number, duration: number) =>
    requestsFor(perSecond, duration, settings.clients, point.pipeline);
  const assumed = ASSUMED_RATES.find(([pipelineMax]) => point.pipeline <= pipelineMax)![1];
  const samples = new Map<string, Sample[]>(contenders.map(({ server }) => [server.info.id, []]));
  try {
    let product = 1;
    for (const contender of contenders) {
      const warmUp = count(assumed / test.weight, seconds * WARM_UP_SHARE);
      const sample = await measureRun(plan, test, contender, point.pipeline, warmUp);
      product *= sample.requestsPerSecond;
    }
    // The geometric mean: the slowest takes longer than wanted and the fastest less.
    point.requests = count(product ** (1 / contenders.length), seconds);
    for (let round = 0; round < settings.rounds; round++)
      for (const contender of contenders) {
        const sample = await measureRun(plan, test, contender, point.pipeline, point.requests);
        samples.get(contender.server.info.id)!.push(sample);
      }
  } catch (error) {
    for (const contender of contenders) contender.loaded = false;
    const reason = error instanceof Error ? error.message : `${error}`;
    return { ...point, servers: {}, refused: reason };
  }
  for (const [id, rounds] of samples) point.servers[id] = summarize(rounds);
  point.ratios = ratiosOf(plan.servers, point.servers);
  return point;
}

/** Prepares, runs, and checks. Throws when the run failed or the server's data is wrong. */
async function measureRun(
  plan: ThroughputPlan,
  test: BenchmarkTest,
  contender: Contender,
  pipeline: number,
  requests: number,
): Promise<Sample> {
  const { server, client } = contender;
  const { keyspace, clients, dataSizeBytes, preload } = plan.settings;
  contender.runs++;
  const shape: RunShape = {
    requests,
    keyspace,
    value: valueOfRun(contender.runs, dataSizeBytes),
    preload,
  };
  try {
    if (test.reloads || !contender.loaded) {
      await client.must('FLUSHALL');
      await test.preload(client, shape);
      contender.loaded = true;
    }
    const leave = await test.join?.(server.port);
    const check: Check = await test.observe(client, shape);
    const servedBefore = await infoNumber(client, 'stats', 'total_commands_processed');
    const cpuBefore = server.cpuMicros();
    const figures: Throughput = await runLoad({
      ...{
        port: server.port,
        requests,
        clients,
        pipeline,
        keyspace,
        dataSizeBytes,
      },
      command: test.command(shape.value),
    });
    const cpuAfter = server.cpuMicros();
    const servedAfter = await infoNumber(client, 'stats', 'total_commands_processed');
    if (servedBefore !== undefined && servedAfter !== undefined)
      if (servedAfter - servedBefore < requests)
        throw new WrongResult(`${requests} replies, but ${servedAfter - servedBefore} commands`);
    await check();
    leave?.();
    const known = cpuBefore !== null && cpuAfter !== null;
    return {
      ...figures,
      cpuMicros: known ? (cpuAfter - cpuBefore) / requests : null,
    };
  } catch (error) {
    if (!server.alive)
      throw new LoadError(`${server.info.id} died: ${server.lastOutput}`, {
        cause: error,
      });
    const reason = error instanceof Error ? error.message : `${error}`;
    throw new WrongResult(`${server.info.id}: ${reason}`, { cause: error });
  }
}
