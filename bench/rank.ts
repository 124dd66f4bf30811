// Time of rank queries against the size of a sorted set: straight lines over a logarithmic axis are
// O(log n). In process, without sockets; batches of 64 commands on random members.
//
//     npx tsx bench/rank.ts CHART.svg

import { writeFileSync } from 'node:fs';
import { twelveDigits } from './lib/benchmark_tests.ts';
import { randomIndexes } from './lib/in_process.ts';
import { type BatchTarget, openBatchTarget } from './lib/in_process_target.ts';
import { Progress } from './lib/progress.ts';
import { encodeCommand } from './lib/resp_client.ts';
import { median } from './lib/stats.ts';
import { colour, FAINT, line, MUTED, round, text } from './lib/svg.ts';

const SIZES = [100, 1000, 10_000, 100_000, 300_000, 1_000_000];
const BATCH = 64;
const BATCHES = 2000;
const PASSES = 5;
const SEED = 20_241_105;

const member = (index: number) => `element:${twelveDigits(index)}`;
const QUERIES: readonly [name: string, command: (index: number) => string[]][] = [
  ['ZRANK', (index) => ['ZRANK', 'z', member(index)]],
  ['ZRANGE of one rank', (index) => ['ZRANGE', 'z', `${index}`, `${index}`]],
  ['ZCOUNT', (index) => ['ZCOUNT', 'z', `${index}`, '+inf']],
];

function fill(target: BatchTarget, from: number, to: number): void {
  for (let first = from; first < to; first += BATCH) {
    let batch = '';
    for (let index = first; index < Math.min(to, first + BATCH); index++)
      batch += encodeCommand(['ZADD', 'z', `${(index * 7_368_787) % 1_000_003}`, member(index)]);
    target.execute(Buffer.from(batch, 'latin1'));
  }
}

/** Nanoseconds per command: the median of some passes over the same batches. */
function measure(target: BatchTarget, size: number, command: (index: number) => string[]): number {
  const indexes = randomIndexes(SEED, size);
  const batches = Array.from({ length: BATCHES }, () => {
    let batch = '';
    for (let k = 0; k < BATCH; k++) batch += encodeCommand(command(indexes.next().value as number));
    return Buffer.from(batch, 'latin1');
  });
  const passes = Array.from({ length: PASSES }, () => {
    const startMs = performance.now();
    for (const batch of batches) target.execute(batch);
    return ((performance.now() - startMs) * 1e6) / (BATCHES * BATCH);
  });
  return median(passes);
}

function chart(rows: readonly number[][]): string {
  const [width, height, left, top, bottom] = [720, 420, 70, 60, 370];
  const longest = Math.max(...rows.flat()) * 1.1;
  const x = (size: number) => left + (Math.log10(size / 100) / 4) * (width - left - 30);
  const y = (ns: number) => bottom - (ns / longest) * (bottom - top);
  const step = 10 ** Math.floor(Math.log10(longest));
  const parts = [
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(left, 28, 'Sorted set: time of rank queries against size', { size: 16, weight: 600 }),
  ];
  for (let tick = 0; tick <= longest; tick += step / 2)
    parts.push(
      line(left, width - 30, y(tick), FAINT),
      text(left - 8, y(tick) + 4, `${tick} ns`, { size: 11, anchor: 'end', fill: MUTED }),
    );
  for (const size of [100, 1000, 10_000, 100_000, 1_000_000])
    parts.push(
      text(x(size), bottom + 20, size.toLocaleString('en-US'), { size: 11, anchor: 'middle' }),
    );
  rows.forEach((row, index) => {
    const points = row.map((ns, k) => `${round(x(SIZES[k]!))},${round(y(ns))}`).join(' ');
    parts.push(
      `<polyline points="${points}" fill="none" stroke="${colour(index)}" stroke-width="2"/>`,
      text(left + 12, top + 16 + index * 18, QUERIES[index]![0], { size: 12, fill: colour(index) }),
    );
  });
  parts.push(text(width / 2, height - 10, 'members', { size: 11, anchor: 'middle', fill: MUTED }));
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif">\n` +
    `${parts.join('\n')}\n</svg>\n`
  );
}

const [output] = process.argv.slice(2);
if (output === undefined) {
  process.stderr.write('Usage: npx tsx bench/rank.ts CHART.svg\n');
  process.exit(2);
}
const target = await openBatchTarget();
const progress = new Progress('rank', SIZES.length);
const rows: number[][] = QUERIES.map(() => []);
let filled = 0;
for (const size of SIZES) {
  fill(target, filled, size);
  filled = size;
  QUERIES.forEach(([, command], index) => {
    rows[index]!.push(measure(target, size, command));
  });
  progress.step(`${size}: ${rows.map((row) => `${row.at(-1)!.toFixed(0)} ns`).join('  ')}`);
}
process.stdout.write(
  '| members | ZRANK | ZRANGE of one rank | ZCOUNT |\n| ---: | ---: | ---: | ---: |\n',
);
SIZES.forEach((size, k) => {
  const figures = rows.map((row) => `${row[k]!.toFixed(0)} ns`).join(' | ');
  process.stdout.write(`| ${size.toLocaleString('en-US')} | ${figures} |\n`);
});
writeFileSync(output, chart(rows));
