// The command line of the benchmark programs. All of them take the same options; a program only
// differs in the sections that it measures unless told otherwise.

import { parseArgs } from 'node:util';
import { ALL_TESTS } from './all_tests.ts';
import { DATASETS } from './memory.ts';

export const SECTIONS = ['throughput', 'memory', 'stall', 'in_process'] as const;
export type Section = (typeof SECTIONS)[number];
const TRANSPORTS = ['direct', 'stream', 'auto'] as const;
export type Transport = (typeof TRANSPORTS)[number];
const PERSISTENCE = ['none', 'everysec', 'always'] as const;
export type Persistence = (typeof PERSISTENCE)[number];

export interface Options {
  sections: readonly Section[];
  tests: readonly string[];
  datasets: readonly string[];
  pipelines: readonly number[];
  transports: readonly Transport[];
  persistence: Persistence;
  rounds: number;
  durationSeconds: number;
  clients: number;
  keyspace: number;
  dataSizeBytes: number;
  /** Keys of the memory, stall and in-process sections. */
  keys: number;
  preload: boolean;
  /** A server that is measured in Respite's place. */
  candidate: readonly string[] | null;
  jsonFile: string | null;
  svgFile: string | null;
  writeReadme: boolean;
}

export class UsageError extends Error {}

export const USAGE = `Usage: npm run bench -- [options]

Compares Respite with redis-server (and valkey-server when it is on PATH) in one run.

  --sections LIST      of ${SECTIONS.join(', ')}
  --tests LIST         redis-benchmark tests; default all
  --pipelines LIST     pipeline depths; default 1,16,64,256
  --rounds N           runs per server and point, alternated; default 3
  --duration SECONDS   wanted length of a run; default 1.5
  --transports LIST    of ${TRANSPORTS.join(', ')}; default direct,stream
  --persistence KIND   of ${PERSISTENCE.join(', ')} (append-only file); default none
  --clients N          connections; default 50
  --keyspace N         random keys of the throughput tests; default 1000000
  --data-size BYTES    size of values; default 3
  --keys N             keys of the other sections; default 1000000
  --datasets LIST      of the memory section; default all
  --no-preload         start the throughput tests with an empty database
  --candidate COMMAND  measure this server in Respite's place, e.g. "redis-server"
  --quick              a look at a few points with small numbers; no figure to publish
  --json FILE          write everything that was measured
  --svg FILE           write the chart of ratios
  --readme             replace the tables in README.md
  --help               print this help
`;

const QUICK = {
  tests: 'ping_mbulk,set,get',
  datasets: 'string-3',
  pipelines: '1,16',
  rounds: '1',
  duration: '0.2',
  keyspace: '20000',
  keys: '20000',
} as const;

const DEFAULTS = {
  tests: ALL_TESTS.map((test) => test.name).join(','),
  datasets: DATASETS.map((dataset) => dataset.name).join(','),
  pipelines: '1,16,64,256',
  rounds: '3',
  duration: '1.5',
  keyspace: '1000000',
  keys: '1000000',
} as const;

/** Null when help is asked for; throws UsageError on anything that makes no sense. */
export function parseOptions(
  args: readonly string[],
  sections: readonly Section[],
): Options | null {
  const values = parseValues(args);
  if (values.help) return null;
  const base = values.quick ? QUICK : DEFAULTS;
  const keyspace = positive('keyspace', values.keyspace ?? base.keyspace);
  const dataSizeBytes = positive('data-size', values['data-size'] ?? '3');
  if (keyspace > 1e12) throw new UsageError('--keyspace: twelve digits are the limit');
  if (dataSizeBytes < 3) throw new UsageError('--data-size: at least 3 bytes');
  return {
    sections: oneOrMore('sections', values.sections, SECTIONS) ?? sections,
    tests: oneOrMore('tests', values.tests ?? base.tests, DEFAULTS.tests.split(','))!,
    datasets: oneOrMore(
      'datasets',
      values.datasets ?? base.datasets,
      DEFAULTS.datasets.split(','),
    )!,
    pipelines: list(values.pipelines ?? base.pipelines).map((item) => positive('pipelines', item)),
    transports: oneOrMore('transports', values.transports ?? 'direct,stream', TRANSPORTS)!,
    persistence: one('persistence', values.persistence ?? 'none', PERSISTENCE),
    rounds: positive('rounds', values.rounds ?? base.rounds),
    durationSeconds: positiveNumber('duration', values.duration ?? base.duration),
    clients: positive('clients', values.clients ?? '50'),
    keyspace,
    dataSizeBytes,
    keys: positive('keys', values.keys ?? base.keys),
    preload: !values['no-preload'],
    candidate: values.candidate === undefined ? null : words(values.candidate),
    jsonFile: values.json ?? null,
    svgFile: values.svg ?? null,
    writeReadme: values.readme ?? false,
  };
}

function parseValues(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        sections: text,
        tests: text,
        datasets: text,
        pipelines: text,
        transports: text,
        persistence: text,
        rounds: text,
        duration: text,
        clients: text,
        keyspace: text,
        'data-size': text,
        keys: text,
        'no-preload': flag,
        candidate: text,
        quick: flag,
        json: text,
        svg: text,
        readme: flag,
        help: flag,
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : `${error}`);
  }
}

function list(text: string): string[] {
  return text.split(',').map((item) => item.trim());
}

function words(text: string): string[] {
  const parts = text.split(/\s+/).filter((part) => part !== '');
  if (parts.length === 0) throw new UsageError('--candidate: a command is missing');
  return parts;
}

function positiveNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0)
    throw new UsageError(`--${name}: a positive number expected, not "${text}"`);
  return value;
}

function positive(name: string, text: string): number {
  const value = positiveNumber(name, text);
  if (!Number.isSafeInteger(value))
    throw new UsageError(`--${name}: a whole number expected, not "${text}"`);
  return value;
}

function one<T extends string>(name: string, text: string, known: readonly T[]): T {
  const found = known.find((item) => item === text);
  if (found === undefined)
    throw new UsageError(`--${name}: "${text}" is none of ${known.join(', ')}`);
  return found;
}

function oneOrMore<T extends string>(
  name: string,
  text: string | undefined,
  known: readonly T[],
): T[] | undefined {
  return text === undefined ? undefined : list(text).map((item) => one(name, item, known));
}
