// Loading RDB files: Respite against the real redis-server, both of them started afresh for the same file.
//
// redis-server writes the files. Its time is what it logs at its start ("DB loaded from disk"), ours that
// of the loader in a new process (load_helper.ts): both without the start of the process itself. The
// digests of the data must be equal.

import { copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { load, twelveDigits, WrongResult } from './benchmark_tests.ts';
import { HelperProcess } from './helper_process.ts';
import { ServerProcess } from './processes.ts';
import type { Progress } from './progress.ts';
import type { RespClient } from './resp_client.ts';
import type { ServerInfo } from './results.ts';
import { median, spread } from './stats.ts';

export interface LoadRow {
  readonly dataset: string;
  readonly fileBytes: number;
  readonly keys: number;
  readonly redisMs: readonly number[];
  readonly respiteMs: readonly number[];
}

/** What a helper says of one load. */
export interface LoadReport {
  readonly milliseconds: number;
  readonly keys: number;
  readonly digest: string;
}

export interface Dataset {
  readonly name: string;
  readonly commands: (quick: boolean) => Generator<string[]>;
}

const ELEMENTS = 500;

function* smallKeys(quick: boolean): Generator<string[]> {
  const count = quick ? 100_000 : 1_000_000;
  for (let i = 0; i < count; i++) yield ['SET', `key:${twelveDigits(i)}`, `v${i % 100}`];
}

function* largeCollections(quick: boolean): Generator<string[]> {
  const count = quick ? 1000 : 10_000;
  const indexes = Array.from({ length: ELEMENTS }, (_, i) => i);
  for (let n = 0; n < count; n++) {
    const names = indexes.map((i) => `member:${n}:${i}`);
    const kind = n % 5;
    if (kind === 0) yield ['RPUSH', `list:${n}`, ...names];
    else if (kind === 1) yield ['SADD', `set:${n}`, ...names];
    else if (kind === 2)
      yield ['ZADD', `zset:${n}`, ...names.flatMap((name, i) => [`${i}.5`, name])];
    else if (kind === 3) yield ['HSET', `hash:${n}`, ...names.flatMap((name, i) => [name, `${i}`])];
    else {
      for (let i = 1; i <= ELEMENTS / 5; i++) {
        yield ['XADD', `stream:${n}`, `${i}-1`, 'sensor', `${n}`, 'temperature', `${i % 40}`];
      }
    }
  }
}

export const DATASETS: readonly Dataset[] = [
  { name: 'small keys', commands: smallKeys },
  { name: 'large collections', commands: largeCollections },
];

/** Steps of `measureLoad` for a progress bar. */
export function loadSteps(rounds: number): number {
  return DATASETS.length * (1 + 2 * rounds);
}

export async function measureLoad(
  redis: ServerInfo,
  rounds: number,
  quick: boolean,
  progress: Progress,
): Promise<LoadRow[]> {
  const rows: LoadRow[] = [];
  for (const dataset of DATASETS)
    rows.push(await measureDataset(redis, dataset, rounds, quick, progress));
  return rows;
}

async function measureDataset(
  redis: ServerInfo,
  dataset: Dataset,
  rounds: number,
  quick: boolean,
  progress: Progress,
): Promise<LoadRow> {
  const directory = mkdtempSync(path.join(tmpdir(), 'respite-bench-load-'));
  try {
    const file = path.join(directory, 'dump.rdb');
    const digest = await writeFile(redis, dataset.commands(quick), file);
    progress.step(`${dataset.name}: file written`);
    const redisMs: number[] = [];
    const respiteMs: number[] = [];
    let keys = 0;
    for (let round = 0; round < rounds; round++) {
      redisMs.push(await loadInRedis(redis, directory, digest));
      progress.step(`${dataset.name}: redis-server ${redisMs.at(-1)} ms`);
      const report = await loadInRespite(file, digest);
      keys = report.keys;
      respiteMs.push(report.milliseconds);
      progress.step(`${dataset.name}: respite ${report.milliseconds.toFixed(0)} ms`);
    }
    return { dataset: dataset.name, fileBytes: statSync(file).size, keys, redisMs, respiteMs };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const DIRECTIVES = ['--save', '', '--appendonly', 'no', '--enable-debug-command', 'local'];

/** Writes the data set as an RDB file. Returns its digest. */
async function writeFile(
  redis: ServerInfo,
  commands: Iterable<readonly string[]>,
  file: string,
): Promise<string> {
  const directory = mkdtempSync(path.join(tmpdir(), 'respite-bench-write-'));
  const server = await ServerProcess.start(redis, [...DIRECTIVES, '--dir', directory]);
  try {
    const client = await server.connect();
    await load(client, commands);
    await client.must('SAVE');
    const digest = await digestOf(client);
    await client.close();
    copyFileSync(path.join(directory, 'dump.rdb'), file);
    return digest;
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function digestOf(client: RespClient): Promise<string> {
  return String(await client.must('DEBUG', 'DIGEST'));
}

async function loadInRedis(redis: ServerInfo, directory: string, digest: string): Promise<number> {
  const directives = [...DIRECTIVES, '--dir', directory, '--loglevel', 'notice'];
  const server = await ServerProcess.start(redis, directives);
  try {
    const client = await server.connect();
    checkDigest(await digestOf(client), digest, 'redis-server');
    await client.close();
    const seconds = /DB loaded from disk: ([\d.]+) seconds/.exec(server.lastOutput)?.[1];
    if (seconds === undefined) throw new WrongResult('redis-server did not say how long it took');
    return Number(seconds) * 1000;
  } finally {
    await server.stop();
  }
}

async function loadInRespite(file: string, digest: string): Promise<LoadReport> {
  const helper = new HelperProcess('load_helper.ts', file);
  try {
    const report = await helper.receive<LoadReport>();
    checkDigest(report.digest, digest, 'respite');
    return report;
  } finally {
    await helper.stop();
  }
}

function checkDigest(found: string, expected: string, server: string): void {
  if (found !== expected) throw new WrongResult(`${server}: digest ${found}, expected ${expected}`);
}

/** Markdown rows: both times, throughputs and their ratio, above 1 when Respite is faster. */
export function showLoad(rows: readonly LoadRow[]): string {
  const lines = rows.map(({ dataset, fileBytes, keys, redisMs, respiteMs }) => {
    const figure = (ms: readonly number[]) => {
      const rate = fileBytes / 1e3 / median(ms);
      return `${median(ms).toFixed(0)} ms ±${(spread(ms) * 100).toFixed(0)}%, ${rate.toFixed(1)} MB/s`;
    };
    const ratio = median(redisMs) / median(respiteMs);
    const size = `${(fileBytes / 1e6).toFixed(1)} MB`;
    const count = keys.toLocaleString('en-US');
    const cells = [
      dataset,
      count,
      size,
      figure(respiteMs),
      figure(redisMs),
      `${ratio.toFixed(2)}x`,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '| load | keys | file | respite | redis-server | ratio |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
    ...lines,
    '',
  ].join('\n');
}
