// Bytes per key (or element): what a server's memory grows by when a dataset is loaded.
//
// Each dataset goes into a freshly started server. `used_memory` is read before and after, once the
// loading connection is closed and the figure has stopped moving, so that neither query buffers nor
// a table half way through its resize count. The resident set is reported beside it: it holds what
// an allocator wastes, but also what it keeps in reserve.

import { setTimeout as sleep } from 'node:timers/promises';
import { twelveDigits, WrongResult } from './benchmark_tests.ts';
import { ServerProcess } from './processes.ts';
import { Progress } from './progress.ts';
import {
  infoNumber,
  packCommands,
  type Reply,
  ReplyError,
  type RespClient,
} from './resp_client.ts';
import { isBaseline, type MemoryFigures, type MemoryRow, type ServerInfo } from './results.ts';
import { formatNumber, formatRatio } from './stats.ts';

const PER_COMMAND = 100;
const SETTLE_POLL_MS = 250;
/** A real server goes on resizing its tables for a millisecond in a hundred after the last write. */
const SETTLE_AFTER_LOAD_MS = 4000;
const SETTLE_POLLS_MAX = 40;
/** Far enough away that nothing expires during a run: ten days. */
const TTL_SECONDS = '864000';

interface Dataset {
  name: string;
  description: string;
  commands(elements: number): Iterable<string[]>;
  /** A command and the reply that shows that everything is there. */
  proof(elements: number): [command: string[], reply: Reply];
}

/** Sixteen bytes. */
function keyName(index: number): string {
  return `key:${twelveDigits(index)}`;
}

function* pairs(
  prefix: readonly string[],
  elements: number,
  pair: (index: number) => string[],
): Generator<string[]> {
  for (let index = 0; index < elements; ) {
    const args = [...prefix];
    for (const end = Math.min(elements, index + PER_COMMAND); index < end; index++)
      args.push(...pair(index));
    yield args;
  }
}

function* each(elements: number, command: (index: number) => string[]): Generator<string[]> {
  for (let index = 0; index < elements; index++) yield command(index);
}

function strings(name: string, valueBytes: number): Dataset {
  const value = 'v'.repeat(valueBytes);
  return {
    name,
    description: `16-byte key, ${valueBytes}-byte value`,
    commands: (elements) => pairs(['MSET'], elements, (index) => [keyName(index), value]),
    proof: (elements) => [['DBSIZE'], elements],
  };
}

function volatileStrings(name: string, valueBytes: number): Dataset {
  const value = 'v'.repeat(valueBytes);
  return {
    name,
    description: `16-byte key, ${valueBytes}-byte value, with a TTL`,
    commands: (elements) =>
      each(elements, (index) => ['SET', keyName(index), value, 'EX', TTL_SECONDS]),
    proof: (elements) => [['DBSIZE'], elements],
  };
}

/** One collection of many elements; small ones of ten elements each under many keys. */
function collections(
  type: string,
  command: string,
  length: string,
  element: (index: number) => string[],
): Dataset[] {
  return [
    {
      name: `${type}-large`,
      description: `per element of one large ${type}`,
      commands: (elements) => pairs([command, 'large'], elements, element),
      proof: (elements) => [[length, 'large'], elements],
    },
    {
      name: `${type}-small`,
      description: `per element of many ${type}s with 10 elements`,
      commands: (elements) =>
        each(Math.ceil(elements / 10), (index) => [
          ...[command, keyName(index)],
          ...Array.from({ length: 10 }, (_, digit) => element(digit)).flat(),
        ]),
      proof: (elements) => [['DBSIZE'], Math.ceil(elements / 10)],
    },
  ];
}

const member = (index: number) => `element:${twelveDigits(index)}`;

export const DATASETS: readonly Dataset[] = [
  strings('string-3', 3),
  strings('string-32', 32),
  volatileStrings('string-3-ttl', 3),
  volatileStrings('string-32-ttl', 32),
  ...collections('hash', 'HSET', 'HLEN', (index) => [member(index), 'vvv']),
  ...collections('set', 'SADD', 'SCARD', (index) => [member(index)]),
  ...collections('zset', 'ZADD', 'ZCARD', (index) => [`${index}`, member(index)]),
  ...collections('list', 'RPUSH', 'LLEN', (index) => [member(index)]),
  {
    name: 'stream-large',
    description: 'per entry of one large stream, two fields each',
    commands: (elements) => each(elements, (index) => ['XADD', 'large', ...entry(index)]),
    proof: (elements) => [['XLEN', 'large'], elements],
  },
  {
    name: 'stream-small',
    description: 'per entry of many streams with 10 entries',
    commands: (elements) =>
      each(elements, (index) => ['XADD', keyName(Math.floor(index / 10)), ...entry(index)]),
    proof: (elements) => [['DBSIZE'], Math.ceil(elements / 10)],
  },
];

function entry(index: number): string[] {
  return [`${1_700_000_000_000 + index}-0`, 'sensor', `${index % 1000}`, 'value', `${index}`];
}

class NotSupported extends Error {}

export interface MemoryPlan {
  servers: readonly ServerInfo[];
  directives: readonly string[];
  elements: number;
  datasets: readonly Dataset[];
}

export async function measureMemory(plan: MemoryPlan): Promise<MemoryRow[]> {
  const progress = new Progress('memory', plan.datasets.length);
  const rows: MemoryRow[] = [];
  for (const dataset of plan.datasets) {
    const row = await measureDataset(plan, dataset);
    rows.push(row);
    progress.step(describe(plan.servers, row));
  }
  return rows;
}

function describe(servers: readonly ServerInfo[], row: MemoryRow): string {
  const why = row.notSupported ?? row.refused;
  if (why !== undefined)
    return `${row.dataset}: ${row.refused ? 'REFUSED' : 'not supported'} (${why})`;
  const figures = servers.map(({ id }) => {
    const ratio = row.ratios[id];
    const bytes = formatNumber(row.servers[id]!.usedBytes, 1);
    return `${id} ${bytes}${ratio === undefined ? '' : ` ${formatRatio(ratio)}`}`;
  });
  return `${row.dataset}: ${figures.join('  ')}`;
}

/** Bytes of every contender that is no baseline over those of the leanest baseline. */
export function memoryRatios(
  servers: readonly ServerInfo[],
  figures: Record<string, MemoryFigures>,
): Record<string, number> {
  const used = (server: ServerInfo) => figures[server.id]?.usedBytes ?? Number.NaN;
  const leanest = Math.min(...servers.filter(isBaseline).map(used));
  const ratios: Record<string, number> = {};
  for (const server of servers)
    if (!isBaseline(server)) ratios[server.id] = leanest > 0 ? used(server) / leanest : Number.NaN;
  return ratios;
}

async function measureDataset(plan: MemoryPlan, dataset: Dataset): Promise<MemoryRow> {
  const { name, description } = dataset;
  const row: MemoryRow = {
    ...{ dataset: name, description, elements: plan.elements },
    ...{ servers: {}, ratios: {} },
  };
  for (const info of plan.servers) {
    const server = await ServerProcess.start(info, plan.directives);
    try {
      row.servers[info.id] = await fillAndWeigh(server, dataset, plan.elements);
    } catch (error) {
      const reason = `${info.id}: ${error instanceof Error ? error.message : error}`;
      row.servers = {};
      if (error instanceof NotSupported) return { ...row, notSupported: reason };
      return {
        ...row,
        refused: server.alive ? reason : `${info.id} died: ${server.lastOutput}`,
      };
    } finally {
      await server.stop();
    }
  }
  row.ratios = memoryRatios(plan.servers, row.servers);
  return row;
}

async function fillAndWeigh(
  server: ServerProcess,
  dataset: Dataset,
  elements: number,
): Promise<MemoryFigures> {
  const client = await server.connect();
  await probe(client, dataset);
  const before = await settledMemory(client);
  const residentBefore = server.residentBytes();
  const loader = await server.connect();
  await loader.load(packCommands(dataset.commands(elements)));
  await loader.close();
  await sleep(SETTLE_AFTER_LOAD_MS);
  const after = await settledMemory(client);
  const residentAfter = server.residentBytes();
  const [command, expected] = dataset.proof(elements);
  const reply = await client.must(...command);
  await client.close();
  if (reply !== expected)
    throw new WrongResult(`${command.join(' ')}: expected ${expected}, got ${reply}`);
  const known = residentBefore !== null && residentAfter !== null;
  return {
    usedBytes: (after - before) / elements,
    residentBytes: known ? (residentAfter - residentBefore) / elements : null,
  };
}

/** Tries a few elements: an error then means that the server lacks the commands. */
async function probe(client: RespClient, dataset: Dataset): Promise<void> {
  const few = 20;
  try {
    for (const command of dataset.commands(few)) await client.must(...command);
    await client.must(...dataset.proof(few)[0]);
    await client.must('FLUSHALL');
  } catch (error) {
    if (error instanceof ReplyError) throw new NotSupported(error.message);
    throw error;
  }
}

/** used_memory once it moves by less than one part in a thousand between two looks. */
async function settledMemory(client: RespClient): Promise<number> {
  let previous = Number.NaN;
  for (let poll = 0; poll < SETTLE_POLLS_MAX; poll++) {
    const used = await infoNumber(client, 'memory', 'used_memory');
    if (used === undefined) throw new WrongResult('INFO memory has no used_memory');
    if (Math.abs(used - previous) <= used / 1000) return used;
    previous = used;
    await sleep(SETTLE_POLL_MS);
  }
  return previous;
}
