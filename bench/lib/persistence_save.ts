// Saving, Respite and the real redis-server in turn: how fast SAVE writes, and what BGSAVE does to others.
//
// SAVE     time from command to reply, the same data in both; the files' digests must be equal
// BGSAVE   a million keys while one pipelined connection overwrites them and another sends PINGs: writes
//          per second without and with the save, the longest time between two PONGs, and how much the
//          memory of all its processes grew. The file must hold the data as of the command: it is loaded
//          by redis-server, and its digest compared with that from before the writes.

import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { load, twelveDigits, WrongResult } from './benchmark_tests.ts';
import { HelperProcess } from './helper_process.ts';
import type { Overwritten } from './overwriter.ts';
import { DATASETS } from './persistence_load.ts';
import { ServerProcess } from './processes.ts';
import type { Progress } from './progress.ts';
import { infoNumber, type RespClient } from './resp_client.ts';
import type { Gaps, ServerInfo } from './results.ts';
import { median, spread } from './stats.ts';

const DIRECTIVES = ['--save', '', '--appendonly', 'no', '--enable-debug-command', 'local'];
/** How long the load runs before the save begins. */
const SETTLE_MS = 1500;
const POLL_MS = 20;

export interface SaveRow {
  readonly dataset: string;
  readonly fileBytes: number;
  readonly milliseconds: Readonly<Record<string, readonly number[]>>;
}

export function saveSteps(servers: readonly ServerInfo[]): number {
  return DATASETS.length * servers.length;
}

export async function measureSaves(
  servers: readonly ServerInfo[],
  rounds: number,
  quick: boolean,
  progress: Progress,
): Promise<SaveRow[]> {
  const rows: SaveRow[] = [];
  for (const dataset of DATASETS) {
    const milliseconds: Record<string, number[]> = {};
    let fileBytes = 0;
    for (const info of servers) {
      const server = await ServerProcess.start(info, DIRECTIVES);
      try {
        const client = await server.connect();
        await load(client, dataset.commands(quick));
        const times: number[] = [];
        for (let round = 0; round < rounds; round++) {
          const began = performance.now();
          await client.must('SAVE');
          times.push(performance.now() - began);
        }
        milliseconds[info.id] = times;
        fileBytes = statSync(path.join(server.directory, 'dump.rdb')).size;
        await client.close();
        progress.step(`SAVE of ${dataset.name}: ${info.id} ${median(times).toFixed(0)} ms`);
      } finally {
        await server.stop();
      }
    }
    rows.push({ dataset: dataset.name, fileBytes, milliseconds });
  }
  return rows;
}

/** Markdown: time and rate per server, and how much faster than redis-server. */
export function showSaves(rows: readonly SaveRow[]): string {
  const lines = rows.flatMap(({ dataset, fileBytes, milliseconds }) =>
    Object.entries(milliseconds).map(([id, times]) => {
      const ms = median(times);
      const ratio = median(milliseconds.redis ?? times) / ms;
      const rate = `${(fileBytes / 1e3 / ms).toFixed(1)} MB/s`;
      const time = `${ms.toFixed(0)} ms ±${(spread(times) * 100).toFixed(0)}%`;
      return `| ${[dataset, id, time, rate, `${ratio.toFixed(2)}x`].join(' | ')} |`;
    }),
  );
  return [
    '| SAVE | server | time | rate | over Redis |',
    '| --- | --- | ---: | ---: | ---: |',
    ...lines,
    '',
  ].join('\n');
}

export interface BgsaveRow {
  readonly server: string;
  readonly seconds: number;
  /** Writes per second before and during the save. */
  readonly before: number;
  readonly during: number;
  /** The longest time between PONGs in the same windows, in milliseconds. */
  readonly gapBeforeMs: number;
  readonly gapDuringMs: number;
  /** Memory of its processes before, and at most during the save, in bytes. */
  readonly memoryBefore: number;
  readonly memoryPeak: number;
}

export async function measureBgsaves(
  servers: readonly ServerInfo[],
  redis: ServerInfo,
  quick: boolean,
  progress: Progress,
): Promise<BgsaveRow[]> {
  const rows: BgsaveRow[] = [];
  for (const info of servers) {
    const row = await measureBgsave(info, redis, quick ? 100_000 : 1_000_000);
    rows.push(row);
    progress.step(
      `BGSAVE: ${info.id} ${row.seconds.toFixed(2)} s, ${(row.during / row.before).toFixed(2)} of the writes, gap ${row.gapDuringMs.toFixed(1)} ms`,
    );
  }
  return rows;
}

async function measureBgsave(
  info: ServerInfo,
  redis: ServerInfo,
  keys: number,
): Promise<BgsaveRow> {
  const server = await ServerProcess.start(info, DIRECTIVES);
  const client = await server.connect();
  function* commands(): Generator<string[]> {
    for (let i = 0; i < keys; i++) yield ['SET', `key:${twelveDigits(i)}`, `v${i % 90}`];
  }
  await load(client, commands());
  const writer = new HelperProcess('overwriter.ts', `${server.port}`, `${keys}`);
  const prober = new HelperProcess('prober.ts', `${server.port}`);
  try {
    await prober.receive<'ready'>();
    await writer.receive<'ready'>();
    const quiet = await window(writer, prober, () => sleep(SETTLE_MS));
    const memoryBefore = memoryOf(server.pid);
    let memoryPeak = memoryBefore;
    let seconds = 0;
    // All in one transaction: the data is what the digest says when the save begins.
    const busy = await window(writer, prober, async () => {
      const began = performance.now();
      await client.must('BGSAVE');
      while ((await infoNumber(client, 'persistence', 'rdb_bgsave_in_progress')) !== 0) {
        memoryPeak = Math.max(memoryPeak, memoryOf(server.pid));
        await sleep(POLL_MS);
      }
      seconds = (performance.now() - began) / 1000;
    });
    writer.send('stop');
    await writer.receive<Overwritten>();
    await requireSameData(server, client, redis);
    return {
      server: info.id,
      seconds,
      before: rate(quiet.written),
      during: rate(busy.written),
      gapBeforeMs: quiet.gaps.maxMs,
      gapDuringMs: busy.gaps.maxMs,
      memoryBefore,
      memoryPeak,
    };
  } finally {
    await prober.stop();
    await writer.stop();
    await client.close();
    await server.stop();
  }
}

function rate({ commands, milliseconds }: Overwritten): number {
  return (commands * 1000) / milliseconds;
}

/** What the helpers saw while `run` went on. */
async function window(
  writer: HelperProcess,
  prober: HelperProcess,
  run: () => Promise<unknown>,
): Promise<{ written: Overwritten; gaps: Gaps }> {
  const began = writer.receive<'began'>();
  writer.send('begin');
  await began;
  prober.send('begin');
  await run();
  const written = writer.receive<Overwritten>();
  writer.send('end');
  const gaps = prober.receive<Gaps>();
  prober.send('end');
  return { written: await written, gaps: await gaps };
}

/** A save that begins when nothing is written, with writes behind it, loads as what was there before. */
async function requireSameData(
  server: ServerProcess,
  client: RespClient,
  redis: ServerInfo,
): Promise<void> {
  const digest = await client.must('DEBUG', 'DIGEST');
  const saved = client.must('BGSAVE');
  const writes = Array.from({ length: 20_000 }, (_, i) =>
    client.must('SET', `key:${twelveDigits(i * 7)}`, 'later'),
  );
  await saved;
  await Promise.all(writes);
  while ((await infoNumber(client, 'persistence', 'rdb_bgsave_in_progress')) !== 0)
    await sleep(POLL_MS);
  const directory = mkdtempSync(path.join(tmpdir(), 'respite-bench-digest-'));
  copyFileSync(path.join(server.directory, 'dump.rdb'), path.join(directory, 'dump.rdb'));
  const reader = await ServerProcess.start(redis, [...DIRECTIVES, '--dir', directory]);
  try {
    const readerClient = await reader.connect();
    const found = await readerClient.must('DEBUG', 'DIGEST');
    await readerClient.close();
    if (found !== digest) throw new WrongResult(`the snapshot is not of its begin: ${found}`);
  } finally {
    await reader.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Memory of a process and its children that nobody shares twice: proportional set sizes, in bytes. */
function memoryOf(pid: number): number {
  let bytes = 0;
  for (const each of [pid, ...childrenOf(pid)]) {
    try {
      const text = readFileSync(`/proc/${each}/smaps_rollup`, 'latin1');
      bytes += Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
    } catch {
      // It has ended.
    }
  }
  return bytes;
}

function childrenOf(pid: number): number[] {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`);
    return tasks.flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1')
        .split(' ')
        .filter(Boolean)
        .map(Number),
    );
  } catch {
    return [];
  }
}

export function showBgsaves(rows: readonly BgsaveRow[]): string {
  const lines = rows.map((row) => {
    const grown = ((row.memoryPeak - row.memoryBefore) / row.memoryBefore) * 100;
    const cells = [
      row.server,
      `${row.seconds.toFixed(2)} s`,
      `${Math.round(row.before / 1000)}k/s`,
      `${Math.round(row.during / 1000)}k/s (${(row.during / row.before).toFixed(2)})`,
      `${row.gapBeforeMs.toFixed(1)} ms`,
      `${row.gapDuringMs.toFixed(1)} ms`,
      `${grown.toFixed(1)}%`,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '| BGSAVE under writes | takes | writes before | writes during | longest gap before | during | memory |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...lines,
    '',
  ].join('\n');
}
