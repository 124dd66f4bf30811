// Runs the micro benchmarks: every file of this folder that ends in .bench.ts and whose name holds
// the argument, if one is given.
//
//     npx tsx bench/micro/main.ts [FILTER] [--quick]
//
// A file exports `defineBenchmarks`, which adds its tasks to a tinybench `Bench`; each task is one
// call whose cost the table shows. Micro benchmarks find out where time goes and whether a change
// helps; no published figure comes from them.

import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Bench } from 'tinybench';
import { formatNumber, formatRate } from '../lib/stats.ts';

/** What a .bench.ts file exports. */
export interface MicroBenchmark {
  defineBenchmarks(bench: Bench): void | Promise<void>;
}

const FULL = { time: 1000, warmupTime: 250 };
const QUICK = { time: 50, warmupTime: 20 };

async function main(args: readonly string[]): Promise<void> {
  const quick = args.includes('--quick');
  const filter = args.find((arg) => !arg.startsWith('--')) ?? '';
  const folder = path.dirname(fileURLToPath(import.meta.url));
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.bench.ts') && file.includes(filter))
    .sort();
  if (files.length === 0) throw new Error(`no micro benchmark has "${filter}" in its name`);
  for (const file of files) {
    const module = (await import(pathToFileURL(path.join(folder, file)).href)) as MicroBenchmark;
    const bench = new Bench({ name: file, throws: true, ...(quick ? QUICK : FULL) });
    await module.defineBenchmarks(bench);
    await bench.run();
    print(bench);
  }
}

function print(bench: Bench): void {
  process.stdout.write(`\n${bench.name}\n`);
  const width = Math.max(...bench.tasks.map((task) => task.name.length));
  for (const { name, result } of bench.tasks) {
    if (result.state !== 'completed') throw new Error(`${name}: ${result.state}`);
    const nanoseconds = formatNumber(result.latency.p50 * 1e6, 0).padStart(9);
    const rate = formatRate(result.throughput.mean).padStart(8);
    const error = formatNumber(result.latency.rme, 1);
    process.stdout.write(`  ${name.padEnd(width)} ${nanoseconds} ns ${rate}/s  ±${error}%\n`);
  }
}

await main(process.argv.slice(2));
