// The result as Markdown: what the benchmark prints and what the README shows.
//
// A ratio under 1.0 is printed like any other, and what was not measured is listed with the reason.

import {
  type Gaps,
  isBaseline,
  type MemoryRow,
  type Point,
  type Results,
  type ServerInfo,
  type StallRow,
} from './results.ts';
import { formatNumber, formatRate, formatRatio, formatSeconds } from './stats.ts';

export const README_BEGIN = '<!-- bench:begin -->';
export const README_END = '<!-- bench:end -->';

export function renderMarkdown(results: Results): string {
  const { servers } = results;
  const parts = [
    caption(results),
    results.throughput.length > 0 ? throughputTables(servers, results.throughput) : '',
    results.memory.length > 0 ? memoryTable(servers, results.memory) : '',
    results.stall.length > 0 ? stallTable(servers, results.stall) : '',
    results.inProcess.length > 0 ? inProcessTable(results) : '',
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** `readme` with everything between the two markers replaced; throws when they are missing. */
export function replaceInReadme(readme: string, tables: string): string {
  const begin = readme.indexOf(README_BEGIN);
  const end = readme.indexOf(README_END);
  if (begin < 0 || end < begin)
    throw new Error(`README.md needs the lines ${README_BEGIN} and ${README_END}`);
  return `${readme.slice(0, begin + README_BEGIN.length)}\n${tables}${readme.slice(end)}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return [line(head), line(rule), ...rows.map(line)].join('\n');
}

interface Judged {
  notSupported?: string;
  refused?: string;
}

/** What stands in a row's cells instead of figures; undefined when there are figures. */
function verdict(row: Judged): string | undefined {
  if (row.refused !== undefined) return '**refused**';
  return row.notSupported === undefined ? undefined : 'not supported';
}

/** A list of what was not measured and why, each reason once; empty when everything was. */
function unmeasured<T extends Judged>(rows: readonly T[], name: (row: T) => string): string {
  const reasons = rows.flatMap((row) => {
    if (row.refused !== undefined) return [`- ${name(row)}, refused: ${row.refused.trim()}`];
    if (row.notSupported === undefined) return [];
    return [`- ${name(row)}, not supported: ${row.notSupported.trim()}`];
  });
  return reasons.length === 0 ? '' : `\n\nNot measured:\n\n${[...new Set(reasons)].join('\n')}`;
}

/** Two lines: the machine and how it was used; what ran. */
export function captionLines(results: Results): string[] {
  const { machine, settings, servers } = results;
  const gibibytes = Math.round(machine.memoryBytes / 2 ** 30);
  const pinning = machine.pinned
    ? `server on core ${machine.pinned.server}, clients on core ${machine.pinned.clients}`
    : 'processes not pinned';
  const versions = new Set([...servers.map((server) => server.version), machine.loadGenerator]);
  return [
    `${machine.cpu}, ${machine.cores} cores, ${gibibytes} GiB, ${machine.kernel}, ` +
      `Node ${machine.node}; ${pinning}; loopback TCP, ${settings.clients} connections, ` +
      `${settings.keyspace.toLocaleString('en-US')} random keys, ${settings.dataSizeBytes}-byte ` +
      `values, persistence ${settings.persistence}, median of ${settings.rounds}`,
    `${[...versions].join('; ')}; commit ${results.commit}; ${results.startedAt.slice(0, 10)}, ` +
      `took ${formatSeconds(results.seconds)}`,
  ];
}

function caption(results: Results): string {
  return captionLines(results).join('  \n');
}

function throughputTables(servers: readonly ServerInfo[], points: readonly Point[]): string {
  const pipelines = [...new Set(points.map((point) => point.pipeline))];
  const contenders = servers.filter((server) => !isBaseline(server));
  const overview = contenders.map(
    (server) =>
      `Requests per second of ${server.id} over the fastest real server:\n\n` +
      ratioTable(server, pipelines, points),
  );
  const details = pipelines.map(
    (pipeline) =>
      `P=${pipeline}: requests per second, server CPU microseconds per request, ` +
      `p50/p99 latency in ms\n\n` +
      detailTable(
        servers,
        points.filter((point) => point.pipeline === pipeline && point.notSupported === undefined),
      ),
  );
  return [
    ...overview,
    `<details>\n<summary>All figures</summary>\n\n${details.join('\n\n')}\n\n</details>`,
  ]
    .join('\n\n')
    .concat(unmeasured(points, (point) => point.test));
}

function ratioTable(
  server: ServerInfo,
  pipelines: readonly number[],
  points: readonly Point[],
): string {
  const tried = points.filter((point) => point.notSupported === undefined);
  const tests = [...new Set(tried.map((point) => point.test))];
  const rows = tests.map((test) => [
    test,
    ...pipelines.map((pipeline) => {
      const point = points.find((one) => one.test === test && one.pipeline === pipeline);
      if (point === undefined) return '-';
      return verdict(point) ?? formatRatio(point.ratios[server.id] ?? Number.NaN);
    }),
  ]);
  return table(['test', ...pipelines.map((pipeline) => `P=${pipeline}`)], rows);
}

function detailTable(servers: readonly ServerInfo[], points: readonly Point[]): string {
  const rows = points.map((point) => {
    const reason = verdict(point);
    if (reason !== undefined) return [point.test, ...servers.map(() => reason)];
    const cells = servers.map(({ id }) => {
      const { median, spread } = point.servers[id]!;
      return (
        `${formatRate(median.requestsPerSecond)} ±${formatNumber(spread * 100, 0)}%, ` +
        `${formatNumber(median.cpuMicros, 2)} us, ` +
        `${formatNumber(median.p50Ms, 2)}/${formatNumber(median.p99Ms, 2)}`
      );
    });
    return [point.test, ...cells];
  });
  return table(['test', ...servers.map((server) => server.id)], rows);
}

function memoryTable(servers: readonly ServerInfo[], rows: readonly MemoryRow[]): string {
  const cells = rows.map((row) => {
    const reason = verdict(row);
    return [
      row.description,
      ...servers.map(({ id }) => {
        if (reason !== undefined) return reason;
        const { usedBytes, residentBytes } = row.servers[id]!;
        const ratio = row.ratios[id];
        return (
          `${formatNumber(usedBytes, 1)} (${formatNumber(residentBytes, 1)})` +
          `${ratio === undefined ? '' : ` ${formatRatio(ratio)}`}`
        );
      }),
    ];
  });
  const count = rows[0]!.elements.toLocaleString('en-US');
  return (
    `Bytes per key or element by used_memory, in parentheses by resident set, ${count} of them; ` +
    `the ratio is that of used_memory to the leanest real server's:\n\n` +
    table(['dataset', ...servers.map((server) => server.id)], cells) +
    unmeasured(rows, (row) => row.description)
  );
}

function stallTable(servers: readonly ServerInfo[], rows: readonly StallRow[]): string {
  const cell = (gaps: Gaps) => `${formatNumber(gaps.maxMs, 2)} (${formatNumber(gaps.p999Ms, 2)})`;
  const cells = rows.map((row) => {
    const reason = verdict(row);
    return [row.description, ...servers.map(({ id }) => reason ?? cell(row.servers[id]!))];
  });
  return (
    `Longest gap between two served PINGs in ms, in parentheses the 99.9th percentile:\n\n` +
    table(['meanwhile', ...servers.map((server) => server.id)], cells) +
    unmeasured(rows, (row) => row.description)
  );
}

function inProcessTable(results: Results): string {
  const rows = results.inProcess.map((row) => [
    row.operation,
    `${row.batch}`,
    row.keys.toLocaleString('en-US'),
    row.millionsPerSecond.toFixed(2),
  ]);
  return `In-process, no sockets:\n\n${table(['command', 'batch', 'keys', 'M/s'], rows)}`;
}
