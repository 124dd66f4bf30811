// What bench/embedded.ts measures, in a process of plain Node: there nothing has rewritten the published package.
//
//     embedded_measures.js calls PORT | figures | batches
//
// Prints rows of tables. PORT is that of a redis-server.

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Redis } from 'ioredis';
import { Bench } from 'tinybench';
import { loadMocks } from './mocks.ts';
import { REPOSITORY } from './processes.ts';
import { median } from './stats.ts';

/** What is published, not its sources. */
const ENTRY = pathToFileURL(path.join(REPOSITORY, 'dist/src/index.js')).href;
const { Respite }: typeof import('../../src/index.ts') = await import(ENTRY);

const CALLS = 100;
const BATCH = 1000;
const FORKED_KEYS = 100_000;
const FORKS = 15;
const CPU_ROUNDS = 7;
const CPU_BATCHES = 500;
const PROCESSES = 7;

interface Client {
  get(key: string): Promise<unknown>;
  set(key: string, value: string): Promise<unknown>;
  hgetall(key: string): Promise<unknown>;
  zrange(key: string): Promise<unknown>;
}

const CALLS_OF: readonly [name: string, call: (client: Client, i: number) => Promise<unknown>][] = [
  ['GET', (client, i) => client.get(`key:${i}`)],
  ['SET', (client, i) => client.set(`key:${i}`, 'value')],
  ['HGETALL of 10 fields', (client) => client.hgetall('hash')],
  ['ZRANGE of 10 among 1,000', (client) => client.zrange('zset')],
];

function ioredisClient(redis: Redis): Client {
  return {
    get: (key) => redis.get(key),
    set: (key, value) => redis.set(key, value),
    hgetall: (key) => redis.hgetall(key),
    zrange: (key) => redis.zrange(key, '500', '509'),
  };
}

async function fill(redis: Redis): Promise<void> {
  for (let i = 0; i < CALLS; i += 1) await redis.set(`key:${i}`, 'value');
  await redis.hset('hash', Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`f${i}`, i])));
  for (let i = 0; i < 1000; i += 1) await redis.zadd('zset', i, `member:${i}`);
}

/** Microseconds per call, by client and call. */
async function sequential(clients: readonly (readonly [string, Client])[]): Promise<string[]> {
  const lines = [`| microseconds per call | ${clients.map(([name]) => name).join(' | ')} |`];
  lines.push(`| --- |${' ---: |'.repeat(clients.length)}`);
  for (const [what, call] of CALLS_OF) {
    const bench = new Bench({ time: 1000, warmupTime: 300, throws: true });
    for (const [name, client] of clients) {
      bench.add(name, async () => {
        for (let i = 0; i < CALLS; i += 1) await call(client, i);
      });
    }
    await bench.run();
    const cells = bench.tasks.map(({ result }) => {
      if (!('latency' in result)) throw new Error(`${what} was not measured`);
      return ((result.latency.p50 * 1000) / CALLS).toFixed(2);
    });
    lines.push(`| ${what} | ${cells.join(' | ')} |`);
  }
  return lines;
}

/** Millions of commands per second of processor time: what others take of it does not count. */
async function byCpuTime(run: () => Promise<unknown>): Promise<string> {
  const rates: number[] = [];
  for (let round = 0; round < CPU_ROUNDS; round += 1) {
    const { user } = process.cpuUsage();
    for (let i = 0; i < CPU_BATCHES; i += 1) await run();
    rates.push((CPU_BATCHES * BATCH) / (process.cpuUsage().user - user));
  }
  return median(rates).toFixed(2);
}

/** Millions of commands per second. */
async function batches(): Promise<string[]> {
  const db = await Respite.open();
  await db.batch(Array.from({ length: BATCH }, (_, i) => ['SET', `key:${i}`, `value${i}`]));
  const gets = Array.from({ length: BATCH }, (_, i) => ['GET', `key:${i}`]);
  const prepared = db.prepare(gets);
  const bench = new Bench({ time: 1500, warmupTime: 500, throws: true });
  bench.add('`db.batch` of 1,000 GET: encoded, run, decoded', async () => {
    await db.batch(gets);
  });
  bench.add('the same from `db.prepare`', async () => {
    await prepared.run();
  });
  await bench.run();
  const cpu = [await byCpuTime(() => db.batch(gets)), await byCpuTime(() => prepared.run())];
  await db.close();
  return bench.tasks.map(({ name, result }, i) => {
    if (!('latency' in result)) throw new Error(`${name} was not measured`);
    const rate = (BATCH / result.latency.p50 / 1000).toFixed(2);
    return `| ${name} | ${rate} million/s, ${cpu[i]} by processor time |`;
  });
}

async function forks(): Promise<string> {
  const db = await Respite.open();
  await db.batch(Array.from({ length: FORKED_KEYS }, (_, i) => ['SET', `key:${i}`, `value${i}`]));
  const times: number[] = [];
  for (let i = 0; i < FORKS; i += 1) {
    const began = performance.now();
    const fork = await db.fork();
    times.push(performance.now() - began);
    await fork.close();
  }
  await db.close();
  const keys = FORKED_KEYS.toLocaleString('en');
  const [fastest, slowest] = [Math.min(...times), Math.max(...times)];
  const range = `${fastest.toFixed(1)} to ${slowest.toFixed(1)}`;
  return `| \`db.fork()\` of ${keys} keys | ${median(times).toFixed(1)} ms (${range}) |`;
}

async function opens(): Promise<string> {
  const times: number[] = [];
  for (let i = 0; i < FORKS; i += 1) {
    const began = performance.now();
    const db = await Respite.open();
    await db.command('PING');
    times.push(performance.now() - began);
    await db.close();
  }
  return `| open to first reply, once the package is loaded | ${median(times).toFixed(1)} ms |`;
}

/** In a process of its own, which loads and compiles everything. */
function coldOpens(): string[] {
  const program = `const began = performance.now();
    const { Respite } = await import('${ENTRY}');
    const loaded = performance.now();
    const db = await Respite.open();
    await db.command('PING');
    console.log(JSON.stringify([loaded - began, performance.now() - loaded]));
    await db.close();`;
  const runs = Array.from({ length: PROCESSES }, () => {
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    return JSON.parse(stdout) as [number, number];
  });
  const ms = (index: 0 | 1) => `${median(runs.map((run) => run[index])).toFixed(1)} ms`;
  return [
    `| \`import\` of the package in a new process | ${ms(0)} |`,
    `| open to first reply in a new process | ${ms(1)} |`,
  ];
}

async function calls(port: number): Promise<string[]> {
  const { RedisMock } = loadMocks();
  const db = await Respite.open();
  const loopback = new Redis({ port });
  const mock = new RedisMock();
  const connected = new Redis({ Connector: db.connector });
  for (const redis of [loopback, mock, connected]) await fill(redis);
  const table = await sequential([
    [
      '`db.command`',
      {
        get: (key) => db.command('GET', key),
        set: (key, value) => db.command('SET', key, value),
        hgetall: (key) => db.command('HGETALL', key),
        zrange: (key) => db.command('ZRANGE', key, 500, 509),
      },
    ],
    ['ioredis with `db.connector`', ioredisClient(connected)],
    ['ioredis-mock', ioredisClient(mock)],
    ['ioredis, loopback, redis-server', ioredisClient(loopback)],
  ]);
  for (const redis of [loopback, mock, connected]) redis.disconnect();
  await db.close();
  return table;
}

async function figures(): Promise<string[]> {
  return [await opens(), ...coldOpens(), await forks()];
}

const [what, port] = process.argv.slice(2);
const measures = { calls: () => calls(Number(port)), figures, batches };
const rows = await measures[what as keyof typeof measures]();
process.stdout.write(`${rows.join('\n')}\n`);
