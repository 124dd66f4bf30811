import { describe, expect, test } from 'vitest';
import { memoryRatios } from '../../bench/lib/memory.ts';
import { captionLines, renderMarkdown, replaceInReadme } from '../../bench/lib/report.ts';
import {
  type Point,
  parseResults,
  RESULTS_VERSION,
  type Results,
  type Sample,
  type ServerInfo,
} from '../../bench/lib/results.ts';
import { ratiosOf, requestsFor, summarize } from '../../bench/lib/throughput.ts';
import { axisFor, renderSvg } from '../../bench/plot.ts';

const SERVERS: ServerInfo[] = [
  { id: 'respite-direct', kind: 'respite', version: 'Respite 0.1.0', command: ['node'] },
  { id: 'redis', kind: 'redis', version: 'Redis server v=7.0.15', command: ['redis-server'] },
  { id: 'valkey', kind: 'valkey', version: 'Valkey server v=8.1', command: ['valkey-server'] },
];

function sample(requestsPerSecond: number, cpuMicros: number | null = 1.25): Sample {
  return { requestsPerSecond, cpuMicros, p50Ms: 0.5, p99Ms: 2 };
}

function point(test: string, pipeline: number, rates: [number, number, number]): Point {
  const servers = Object.fromEntries(
    SERVERS.map(({ id }, index) => [id, summarize([sample(rates[index]!)])]),
  );
  return { test, pipeline, requests: 1000, servers, ratios: ratiosOf(SERVERS, servers) };
}

const RESULTS: Results = {
  version: RESULTS_VERSION,
  startedAt: '2024-05-06T07:08:09.000Z',
  seconds: 65,
  commit: 'abcdef0123',
  machine: {
    ...{ cpu: 'A <fast> & small CPU', cores: 2, memoryBytes: 24 * 2 ** 30, kernel: 'Linux 6.1' },
    ...{ node: 'v20.1.0', loadGenerator: 'redis-benchmark 7.0.15' },
    pinned: { server: 0, clients: 1 },
  },
  settings: {
    ...{ clients: 50, keyspace: 1_000_000, dataSizeBytes: 3, rounds: 3, durationSeconds: 1.5 },
    ...{ persistence: 'none', preload: true },
  },
  servers: SERVERS,
  throughput: [
    point('set', 1, [70_000, 68_000, 69_000]),
    point('set', 64, [2_200_000, 740_000, 800_000]),
    point('get', 1, [60_000, 68_000, 50_000]),
    {
      ...{ test: 'get', pipeline: 64, requests: 0, servers: {}, ratios: {} },
      refused: 'redis: GET: expected "x00", got null',
    },
    ...[1, 64].map((pipeline) => ({
      ...{ test: 'xadd', pipeline, requests: 0, servers: {}, ratios: {} },
      notSupported: 'respite-direct: ERR unknown command',
    })),
  ],
  memory: [
    {
      ...{ dataset: 'string-3', description: '16-byte key, 3-byte value', elements: 1_000_000 },
      servers: {
        'respite-direct': { usedBytes: 40, residentBytes: 44 },
        redis: { usedBytes: 100, residentBytes: null },
        valkey: { usedBytes: 80, residentBytes: 90 },
      },
      ratios: { 'respite-direct': 0.5 },
    },
  ],
  stall: [
    {
      ...{ scenario: 'idle', description: 'nothing' },
      servers: Object.fromEntries(
        SERVERS.map(({ id }, index) => [
          id,
          {
            ...{ pings: 10, seconds: 1, p50Ms: 0.02, p99Ms: 0.1, p999Ms: 0.25 },
            maxMs: index + 0.5,
          },
        ]),
      ),
    },
  ],
  inProcess: [{ operation: 'GET', batch: 64, keys: 1_000_000, millionsPerSecond: 8.129 }],
};

describe('requestsFor', () => {
  test('is a whole number of batches for every connection', () => {
    expect(requestsFor(1_000_000, 1, 50, 64) % (50 * 64)).toBe(0);
    expect(requestsFor(1_000_000, 1, 50, 64)).toBeCloseTo(1_000_000, -4);
  });

  test('is at least one batch for every connection', () => {
    expect(requestsFor(10, 0.1, 50, 256)).toBe(12_800);
  });
});

describe('summarize', () => {
  test('takes each median on its own', () => {
    const summary = summarize([
      { requestsPerSecond: 100, cpuMicros: 3, p50Ms: 1, p99Ms: 9 },
      { requestsPerSecond: 300, cpuMicros: 1, p50Ms: 2, p99Ms: 7 },
      { requestsPerSecond: 200, cpuMicros: 2, p50Ms: 3, p99Ms: 8 },
    ]);
    expect(summary.median).toEqual({ requestsPerSecond: 200, cpuMicros: 2, p50Ms: 2, p99Ms: 8 });
    expect(summary.spread).toBe(0.5);
  });

  test('has no processor time when a round has none', () => {
    expect(summarize([sample(1), sample(1, null)]).median.cpuMicros).toBeNull();
  });
});

test('ratios are to the fastest and to the leanest real server', () => {
  expect(ratiosOf(SERVERS, RESULTS.throughput[1]!.servers)).toEqual({ 'respite-direct': 2.75 });
  expect(memoryRatios(SERVERS, RESULTS.memory[0]!.servers)).toEqual({ 'respite-direct': 0.5 });
});

describe('the Markdown report', () => {
  const markdown = renderMarkdown(RESULTS);

  test('shows a ratio per test and depth, losses included', () => {
    expect(markdown).toContain('| test | P=1 | P=64 |');
    expect(markdown).toContain('| set | 1.01x | 2.75x |');
    expect(markdown).toContain('| get | 0.88x | **refused** |');
  });

  test('lists what was not measured once, with the reason', () => {
    expect(markdown).toContain('- get, refused: redis: GET: expected "x00", got null');
    expect(
      markdown.match(/- xadd, not supported: respite-direct: ERR unknown command/g),
    ).toHaveLength(1);
    expect(markdown).not.toContain('| xadd |');
  });

  test('shows all figures of every server', () => {
    expect(markdown).toContain(
      '| set | 70.0k ±0%, 1.25 us, 0.50/2.00 | 68.0k ±0%, 1.25 us, 0.50/2.00 | ' +
        '69.0k ±0%, 1.25 us, 0.50/2.00 |',
    );
    expect(markdown).toContain(
      '| 16-byte key, 3-byte value | 40.0 (44.0) 0.50x | 100.0 (-) | 80.0 (90.0) |',
    );
    expect(markdown).toContain('| nothing | 0.50 (0.25) | 1.50 (0.25) | 2.50 (0.25) |');
    expect(markdown).toContain('| GET | 64 | 1,000,000 | 8.13 |');
  });

  test('names the machine, the versions and the commit', () => {
    const caption = captionLines(RESULTS).join(' ');
    for (const part of [
      ...['A <fast> & small CPU', '24 GiB', 'Node v20.1.0', 'core 0', '50 connections'],
      ...['Respite 0.1.0', 'v=7.0.15', 'Valkey', 'redis-benchmark 7.0.15', 'abcdef0123'],
      ...['2024-05-06', '1m05s', 'persistence none', 'median of 3'],
    ])
      expect(caption).toContain(part);
  });

  test('leaves sections out that were not measured', () => {
    const empty = { ...RESULTS, throughput: [], memory: [], stall: [], inProcess: [] };
    expect(renderMarkdown(empty)).toBe(`${captionLines(RESULTS).join('  \n')}\n`);
  });
});

describe('replaceInReadme', () => {
  const readme = 'before\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nafter\n';

  test('replaces what is between the markers and nothing else', () => {
    const once = replaceInReadme(readme, 'new\n');
    expect(once).toBe('before\n<!-- bench:begin -->\nnew\n<!-- bench:end -->\nafter\n');
    expect(replaceInReadme(once, 'new\n')).toBe(once);
  });

  test('refuses a text without markers or with markers the wrong way round', () => {
    expect(() => replaceInReadme('nothing', 'x')).toThrow('bench:begin');
    expect(() => replaceInReadme('<!-- bench:end --><!-- bench:begin -->', 'x')).toThrow();
  });
});

describe('parseResults', () => {
  test('reads back what is written', () => {
    expect(parseResults(JSON.stringify(RESULTS))).toEqual(RESULTS);
  });

  test('refuses other versions and other files', () => {
    expect(() => parseResults(JSON.stringify({ ...RESULTS, version: 2 }))).toThrow('version 2');
    expect(() => parseResults('{}')).toThrow('not a benchmark result');
    expect(() => parseResults('[]')).toThrow('not a benchmark result');
  });
});

describe('the chart', () => {
  const svg = renderSvg(RESULTS);
  /** Element names in order, after checking that every element that is opened is closed. */
  function elements(source: string): string[] {
    const open: string[] = [];
    const names: string[] = [];
    for (const [, slash, name, rest] of source.matchAll(/<(\/?)([a-z]+)([^>]*)>/g)) {
      if (slash === '/') expect(open.pop()).toBe(name);
      else {
        names.push(name!);
        if (!rest!.endsWith('/')) open.push(name!);
      }
    }
    expect(open).toEqual([]);
    return names;
  }

  test('is well formed and escapes text', () => {
    expect(elements(svg)[0]).toBe('svg');
    expect(svg).toContain('A &lt;fast&gt; &amp; small CPU');
    expect(svg).not.toContain('NaN');
  });

  test('has a panel per depth, a bar per measured contender and a line at 1.0', () => {
    expect(svg.match(/>P=\d+</g)).toEqual(['>P=1<', '>P=64<']);
    // Background, one square of the legend, and a bar for each of the three measured points.
    expect(elements(svg).filter((name) => name === 'rect')).toHaveLength(2 + 3);
    expect(svg.match(/stroke-dasharray/g)).toHaveLength(1 + 2);
    expect(svg).toContain('>2.75<');
    expect(svg).toContain('>refused<');
    expect(svg.match(/>n\/a</g)).toHaveLength(2);
  });

  test('is drawn without any measured point', () => {
    expect(() => elements(renderSvg({ ...RESULTS, throughput: [] }))).not.toThrow();
  });

  test('has an axis that holds the largest ratio with a few round steps', () => {
    for (const largest of [0, 0.3, 1, 1.01, 2.8, 3.99, 9, 47]) {
      const { max, step } = axisFor(largest);
      expect(max).toBeGreaterThanOrEqual(Math.max(largest, 1));
      expect(max / step).toBeGreaterThanOrEqual(3);
      expect(max / step).toBeLessThanOrEqual(8);
    }
  });
});
