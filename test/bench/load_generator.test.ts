import { describe, expect, test } from 'vitest';
import {
  benchmarkArguments,
  LoadError,
  parseBenchmarkCsv,
  parseCsvLine,
} from '../../bench/lib/load_generator.ts';

const HEAD =
  '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms",' +
  '"p99_latency_ms","max_latency_ms"';

describe('parseBenchmarkCsv', () => {
  test('reads the one result by the names of the columns', () => {
    const text = `${HEAD}\n"SET","500000.00","1.438","0.752","1.327","2.319","2.607","2.871"\n`;
    expect(parseBenchmarkCsv(text)).toEqual({
      requestsPerSecond: 500_000,
      p50Ms: 1.327,
      p99Ms: 2.607,
    });
  });

  test('ignores lines that are no result', () => {
    const text = `WARNING: Could not fetch server CONFIG\n${HEAD}\r\n"GET","10","1","1","2","3","4","5"\r\n`;
    expect(parseBenchmarkCsv(text).requestsPerSecond).toBe(10);
  });

  test('refuses output without a result, with two, without names and without numbers', () => {
    const row = '"GET","10","1","1","2","3","4","5"';
    for (const text of [
      '',
      HEAD,
      row,
      `${HEAD}\n${row}\n${row}`,
      '"test","rps"\n"GET","10"',
      `${HEAD}\n"GET","nan","1","1","2","3","4","5"`,
      `${HEAD}\n"GET","10"`,
    ])
      expect(() => parseBenchmarkCsv(text), text).toThrow(LoadError);
  });
});

test('a title may hold commas and quotes', () => {
  expect(parseCsvLine('"MSET a,b "c" d","1.5"')).toEqual(['MSET a,b "c" d', '1.5']);
});

describe('benchmarkArguments', () => {
  const run = { port: 7, requests: 3200, clients: 50, pipeline: 16, keyspace: 9, dataSizeBytes: 3 };
  const common = '-h 127.0.0.1 -p 7 -n 3200 -c 50 -P 16 -r 9 -d 3 --csv';

  test('gives a command literally', () => {
    const command = ['SET', 'key:__rand_int__', 'xxx'];
    expect(benchmarkArguments({ ...run, command }).join(' ')).toBe(
      `${common} SET key:__rand_int__ xxx`,
    );
  });

  test('names a test of the tool where only the tool has it', () => {
    expect(benchmarkArguments({ ...run, command: { test: 'ping_inline' } }).join(' ')).toBe(
      `${common} -t ping_inline`,
    );
  });
});
