// The longest time a client waits for a PING while the server has something big to do.
//
// A prober (prober.ts) sends PING back to back from the clients' core. Scenarios: nothing at all,
// which shows what the machine itself adds; inserting keys by pipelined load, so that the table
// grows through all its sizes; a million keys that expire in the same millisecond; FLUSHALL ASYNC;
// UNLINK and DEL of one value of each type with a million elements.
// Every scenario has a freshly started server and ends with a check of what it should have done.

import { setTimeout as sleep } from 'node:timers/promises';
import { twelveDigits, WrongResult } from './benchmark_tests.ts';
import { HelperProcess } from './helper_process.ts';
import { ServerProcess } from './processes.ts';
import { Progress } from './progress.ts';
import { infoNumber, packCommands, ReplyError, type RespClient } from './resp_client.ts';
import type { Gaps, ServerInfo, StallRow } from './results.ts';
import { formatNumber } from './stats.ts';

const IDLE_MS = 2000;
/** The window goes on for this long after an event has shown its effect. */
const AFTERMATH_MS = 1000;
const POLL_MS = 50;
const EXPIRY_TIMEOUT_MS = 120_000;

interface Scenario {
  name: string;
  description: string;
  prepare(stage: Stage): Promise<void>;
  /** What goes on while the prober measures. */
  run(stage: Stage): Promise<void>;
  keysLeft: number;
}

interface Stage {
  server: ServerProcess;
  client: RespClient;
  keys: number;
  /** Unix time at which the keys expire, in milliseconds. */
  deadlineMs: number;
}

export interface StallPlan {
  servers: readonly ServerInfo[];
  directives: readonly string[];
  keys: number;
}

function scenarios(keys: number): Scenario[] {
  const count = keys.toLocaleString('en-US');
  const double = (keys * 2).toLocaleString('en-US');
  return [
    {
      name: 'idle',
      description: 'nothing but the PINGs: what the machine itself adds',
      prepare: async () => {},
      run: async () => {
        await sleep(IDLE_MS);
      },
      keysLeft: 0,
    },
    {
      name: 'insert',
      description: `${double} keys inserted by pipelined load`,
      prepare: async () => {},
      run: insertKeys,
      keysLeft: keys * 2,
    },
    {
      name: 'expire',
      description: `${count} keys expire at once`,
      prepare: loadVolatileKeys,
      run: awaitExpiry,
      keysLeft: 0,
    },
    {
      name: 'flushall',
      description: `FLUSHALL ASYNC of ${count} keys`,
      prepare: loadKeys,
      run: flush,
      keysLeft: 0,
    },
    ...(['UNLINK', 'DEL'] as const).flatMap((command) =>
      Object.entries(LARGE_VALUES).map(([type, element]) => ({
        name: `${command.toLowerCase()}-${type}`,
        description: `${command} of a ${type} of ${count} elements`,
        prepare: (stage: Stage) => loadLarge(stage, element),
        run: async (stage: Stage) => {
          await stage.client.must(command, 'large');
          await awaitFreed(stage);
        },
        keysLeft: 0,
      })),
    ),
  ];
}

/** Per type, the command that adds the element of a number. */
const LARGE_VALUES: Record<string, (index: number) => string[]> = {
  hash: (index) => ['HSET', 'large', `element:${twelveDigits(index)}`, 'xxx'],
  set: (index) => ['SADD', 'large', `element:${twelveDigits(index)}`],
  zset: (index) => ['ZADD', 'large', `${index}`, `element:${twelveDigits(index)}`],
  list: (index) => ['RPUSH', 'large', `element:${twelveDigits(index)}`],
  stream: (index) => ['XADD', 'large', `${index + 1}-0`, 'field', `element:${twelveDigits(index)}`],
};

async function loadLarge(stage: Stage, element: (index: number) => string[]): Promise<void> {
  const { client, keys } = stage;
  function* commands(): Generator<string[]> {
    for (let index = 0; index < keys; index++) yield element(index);
  }
  await client.load(packCommands(commands()));
  await requireKeys(client, 1);
}

async function insertKeys({ server, keys }: Stage): Promise<void> {
  const inserter = new HelperProcess('inserter.ts', `${server.port}`, `${keys * 2}`);
  await inserter.receive<'done'>();
  await sleep(AFTERMATH_MS);
}

async function loadKeys({ client, keys }: Stage): Promise<void> {
  function* commands(): Generator<string[]> {
    for (let index = 0; index < keys; index++) yield ['SET', `key:${twelveDigits(index)}`, 'xxx'];
  }
  await client.load(packCommands(commands()));
  await requireKeys(client, keys);
}

/** Loads before the deadline, or starts again with one further away. */
async function loadVolatileKeys(stage: Stage): Promise<void> {
  const { client, keys } = stage;
  for (let leadMs = 2000 + keys / 100; ; leadMs *= 2) {
    stage.deadlineMs = Date.now() + Math.round(leadMs);
    function* commands(): Generator<string[]> {
      for (let index = 0; index < keys; index++)
        yield ['SET', `key:${twelveDigits(index)}`, 'xxx', 'PXAT', `${stage.deadlineMs}`];
    }
    await client.load(packCommands(commands()));
    const size = await client.must('DBSIZE');
    if (Date.now() < stage.deadlineMs) {
      if (size !== keys) throw new WrongResult(`DBSIZE: ${size} after loading ${keys} keys`);
      return;
    }
    await client.must('FLUSHALL');
  }
}

async function awaitExpiry({ client, deadlineMs }: Stage): Promise<void> {
  await sleep(Math.max(0, deadlineMs - Date.now()));
  for (let size: unknown; size !== 0; size = await client.must('DBSIZE')) {
    if (Date.now() > deadlineMs + EXPIRY_TIMEOUT_MS)
      throw new WrongResult(`${size} keys are left long after they expired`);
    await sleep(POLL_MS);
  }
  await sleep(AFTERMATH_MS);
}

async function flush(stage: Stage): Promise<void> {
  await stage.client.must('FLUSHALL', 'ASYNC');
  await awaitFreed(stage);
}

/** Lasts until the memory of what went has been given back, which takes longer than the reply. */
async function awaitFreed({ client }: Stage): Promise<void> {
  for (let previous = Number.POSITIVE_INFINITY; ; ) {
    await sleep(POLL_MS);
    const used = await infoNumber(client, 'memory', 'used_memory');
    if (used === undefined) throw new WrongResult('INFO memory has no used_memory');
    if (used > previous * 0.999) break;
    previous = used;
  }
  await sleep(AFTERMATH_MS);
}

async function requireKeys(client: RespClient, expected: number): Promise<void> {
  const size = await client.must('DBSIZE');
  if (size !== expected) throw new WrongResult(`DBSIZE: expected ${expected}, got ${size}`);
}

export async function measureStalls(plan: StallPlan): Promise<StallRow[]> {
  const all = scenarios(plan.keys);
  const progress = new Progress('stall', all.length);
  const rows: StallRow[] = [];
  for (const scenario of all) {
    const row = await measureScenario(plan, scenario);
    rows.push(row);
    progress.step(describe(plan.servers, row));
  }
  return rows;
}

function describe(servers: readonly ServerInfo[], row: StallRow): string {
  const why = row.notSupported ?? row.refused;
  if (why !== undefined)
    return `${row.scenario}: ${row.refused ? 'REFUSED' : 'not supported'} (${why})`;
  const figures = servers.map(
    ({ id }) => `${id} longest ${formatNumber(row.servers[id]!.maxMs, 2)} ms`,
  );
  return `${row.scenario}: ${figures.join('  ')}`;
}

async function measureScenario(plan: StallPlan, scenario: Scenario): Promise<StallRow> {
  const { name, description } = scenario;
  const row: StallRow = { scenario: name, description, servers: {} };
  for (const info of plan.servers) {
    const server = await ServerProcess.start(info, plan.directives);
    try {
      row.servers[info.id] = await perform(server, scenario, plan.keys);
    } catch (error) {
      const reason = `${info.id}: ${error instanceof Error ? error.message : error}`;
      row.servers = {};
      if (error instanceof ReplyError && server.alive) return { ...row, notSupported: reason };
      return {
        ...row,
        refused: server.alive ? reason : `${info.id} died: ${server.lastOutput}`,
      };
    } finally {
      await server.stop();
    }
  }
  return row;
}

async function perform(server: ServerProcess, scenario: Scenario, keys: number): Promise<Gaps> {
  const stage: Stage = {
    server,
    client: await server.connect(),
    keys,
    deadlineMs: 0,
  };
  await scenario.prepare(stage);
  const prober = new HelperProcess('prober.ts', `${server.port}`);
  try {
    await prober.receive<'ready'>();
    prober.send('begin');
    await scenario.run(stage);
    prober.send('end');
    const gaps = await prober.receive<Gaps>();
    await requireKeys(stage.client, scenario.keysLeft);
    return gaps;
  } finally {
    await prober.stop();
    await stage.client.close();
  }
}
