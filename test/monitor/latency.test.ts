// LATENCY: samples and their graph, the histograms of commands, what the doctor makes of events.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CFG_LATENCY_THRESHOLD_MS, CFG_LATENCY_TRACKING } from '../../assembly/abi.ts';
import { SAMPLES_KEPT } from '../../src/monitor/latency_monitor.ts';
import { drawBars } from '../../src/monitor/sparkline.ts';
import { replyText } from '../support/engine_client.ts';
import { RespClient } from '../support/resp_client.ts';
import type { Reply } from '../support/resp_decoder.ts';
import { realRedisAvailable, startServer, type TestServer } from '../support/server.ts';
import { createMonitor, type MonitorFixture, NOW_MS } from './monitor_fixture.ts';

const NOW = Math.floor(NOW_MS / 1000);

/** A reply of arrays, integers and texts as plain values. */
function plain(reply: Reply): unknown {
  if (reply.kind === 'array') return reply.items.map(plain);
  if (reply.kind === 'integer') return Number(reply.value);
  return replyText(reply);
}

async function call({ client }: MonitorFixture, ...args: string[]): Promise<unknown> {
  return plain(await client.call('latency', ...args));
}

/** A monitor that records everything from 100 ms on. */
function createRecorder(): MonitorFixture {
  const fixture = createMonitor();
  fixture.state.latencyThresholdMs = 100;
  return fixture;
}

/** Records events of one kind, one per second, and ends at the present. */
function record({ latency, state }: MonitorFixture, event: string, durations: number[]): void {
  const end = state.nowMs;
  for (const [i, milliseconds] of durations.entries()) {
    state.nowMs = end - (durations.length - 1 - i) * 1000;
    latency.add(event, milliseconds);
  }
}

describe('samples', () => {
  it('below the threshold are not kept, and none while it is 0', async () => {
    const fixture = createRecorder();
    record(fixture, 'fork', [99]);
    fixture.state.latencyThresholdMs = 0;
    record(fixture, 'fork', [5000]);
    expect(await call(fixture, 'latest')).toEqual([]);
    expect(await call(fixture, 'history', 'fork')).toEqual([]);
  });

  it('come oldest first, with the second they were taken in', async () => {
    const fixture = createRecorder();
    record(fixture, 'fork', [100, 300.9, 200]);
    expect(await call(fixture, 'history', 'fork')).toEqual([
      [NOW - 2, 100],
      [NOW - 1, 300],
      [NOW, 200],
    ]);
    expect(await call(fixture, 'latest')).toEqual([['fork', NOW, 200, 300]]);
    expect(await call(fixture, 'history', 'FORK')).toEqual([]);
  });

  it('of one second leave the longest', async () => {
    const fixture = createRecorder();
    for (const milliseconds of [150, 400, 300]) fixture.latency.add('fork', milliseconds);
    expect(await call(fixture, 'history', 'fork')).toEqual([[NOW, 400]]);
  });

  it('are limited in number, the worst is remembered', async () => {
    const fixture = createRecorder();
    record(fixture, 'fork', [9000, ...new Array<number>(SAMPLES_KEPT).fill(100)]);
    const history = (await call(fixture, 'history', 'fork')) as number[][];
    expect(history).toHaveLength(SAMPLES_KEPT);
    expect(history.every(([, milliseconds]) => milliseconds === 100)).toBe(true);
    expect(await call(fixture, 'latest')).toEqual([['fork', NOW, 100, 9000]]);
  });

  it('are forgotten by RESET, by kind in any case or altogether', async () => {
    const fixture = createRecorder();
    for (const event of ['fork', 'aof-fstat', 'command']) record(fixture, event, [200]);
    expect(await call(fixture, 'reset', 'FORK', 'nosuch', 'fork')).toBe(1);
    expect(await call(fixture, 'reset')).toBe(2);
    expect(await call(fixture, 'reset')).toBe(0);
  });

  it('of slow commands, expiry and eviction come from the core', async () => {
    // Every look at this clock takes a while, when told so.
    const clock = { us: 1, stepUs: 0 };
    const fixture = createMonitor({
      clockUs: () => {
        clock.us += clock.stepUs;
        return clock.us;
      },
    });
    const { engine, client } = fixture;
    engine.core.exports.setConfig(CFG_LATENCY_THRESHOLD_MS, 100);
    clock.stepUs = 150_000;
    await client.call('get', 'key');
    await client.call('flushall');
    clock.stepUs = 30_000;
    await client.call('get', 'key');
    await client.call('set', 'key', 'value', 'ex', '1000');
    engine.cron(1000);
    clock.stepUs = 0;
    const latest = (await call(fixture, 'latest')) as unknown[][];
    expect(latest.map(([event]) => event)).toEqual(['fast-command', 'command']);
    clock.stepUs = 150_000;
    engine.cron(1000);
    clock.stepUs = 0;
    expect(await call(fixture, 'history', 'expire-cycle')).toEqual([[NOW, expect.any(Number)]]);
  });
});

describe('GRAPH', () => {
  it('draws the samples with how long ago they were', async () => {
    const fixture = createRecorder();
    const { latency, state } = fixture;
    const ages = [200_000, 7300, 119, 59, 3, 0];
    for (const [i, age] of ages.entries()) {
      state.nowMs = NOW_MS - age * 1000;
      latency.add('command', [1212, 300, 400, 500, 100, 1000][i]!);
    }
    expect(await call(fixture, 'graph', 'command')).toBe(
      [
        'command - high 1212 ms, low 100 ms (all time high 1212 ms)',
        '-'.repeat(80),
        '#    _',
        '|    |',
        '| _o |',
        '|#||_|',
        '      ',
        '221530',
        'dhm9ss',
        '   s  ',
        '',
      ].join('\n'),
    );
  });

  it('of an event without samples is an error', async () => {
    const fixture = createRecorder();
    expect(await call(fixture, 'graph', 'nosuch')).toBe(
      "ERR No samples available for event 'nosuch'",
    );
  });

  it('breaks after 80 samples', () => {
    const bars = Array.from({ length: 100 }, (_, i) => ({ value: i, label: '' }));
    const lines = drawBars(bars, 80, 4).split('\n');
    expect(lines.map((line) => line.length)).toEqual([
      80, 80, 80, 80, 80, 0, 20, 20, 20, 20, 20, 0,
    ]);
  });

  it('draws equal samples flat', () => {
    const bars = [7, 7, 7].map((value) => ({ value, label: '' }));
    expect(drawBars(bars, 80, 2)).toBe('   \n___\n   \n');
  });
});

describe('HISTOGRAM', () => {
  it('counts the calls of each command, in all and up to each bound', async () => {
    const fixture = createMonitor();
    const { client } = fixture;
    for (let i = 0; i < 5; i++) await client.call('get', 'key');
    const result = (await call(fixture, 'histogram', 'get')) as [string, unknown[]];
    expect(result).toHaveLength(2);
    expect(result[0]).toBe('get');
    const [calls, count, name, bounds] = result[1] as [string, number, string, number[]];
    expect([calls, count, name]).toEqual(['calls', 5, 'histogram_usec']);
    expect(bounds.at(-1)).toBe(5);
  });

  it('of a container has its subcommands, of an unknown name nothing', async () => {
    const fixture = createMonitor();
    await call(fixture, 'latest');
    await call(fixture, 'history', 'x');
    const names = async (...args: string[]) => {
      const result = (await call(fixture, 'histogram', ...args)) as unknown[];
      return result.filter((_, i) => i % 2 === 0);
    };
    expect(await names('LATENCY')).toEqual(['latency|history', 'latency|latest']);
    expect(await names('latency|latest', 'nosuch', 'get|x')).toEqual(['latency|latest']);
    expect(await names()).toEqual(['latency|histogram', 'latency|history', 'latency|latest']);
  });

  it('counts nothing while tracking is off', async () => {
    const fixture = createMonitor();
    fixture.engine.core.exports.setConfig(CFG_LATENCY_TRACKING, 0);
    await fixture.client.call('get', 'key');
    expect(await call(fixture, 'histogram')).toEqual([]);
  });
});

describe.skipIf(!realRedisAvailable())('compared with a live server', () => {
  let server: TestServer;
  let real: RespClient;

  beforeAll(async () => {
    server = await startServer({
      kind: 'redis',
      args: ['--latency-monitor-threshold', '1', '--enable-debug-command', 'yes'],
    });
    real = await RespClient.connect({ port: server.port });
  });

  afterAll(async () => {
    await real.close();
    await server.stop();
  });

  it('HELP and errors are the same', async () => {
    const { client } = createMonitor();
    const help = plain(await client.call('latency', 'help')) as string[];
    // Redis 7.2 changed the last line of every HELP.
    expect(help.at(-1)).toBe('    Print this help.');
    const expected = plain(await real.call('latency', 'help')) as string[];
    expect(help.slice(0, -1)).toEqual(expected.slice(0, -1));
    const lines = ['nosuch', 'history', 'graph x', 'latest x', 'doctor x', 'help x'];
    for (const line of lines) {
      const args = line.split(' ');
      expect(await client.call('latency', ...args), line).toEqual(
        await real.call('latency', ...args),
      );
    }
  });

  it('a graph of the same samples is the same', async () => {
    for (const seconds of ['0.004', '0.03', '0.015']) {
      await real.call('debug', 'sleep', seconds);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    const fixture = createRecorder();
    const { client, latency, state } = fixture;
    const graph = replyText(await real.call('latency', 'graph', 'command'));
    const samples = plain(await real.call('latency', 'history', 'command')) as number[][];
    state.latencyThresholdMs = 1;
    for (const [time, milliseconds] of samples) {
      state.nowMs = time! * 1000;
      latency.add('command', milliseconds!);
    }
    // The labels of the graph tell the server's time.
    const lines = graph.split('\n');
    const age = Number(lines[7]!.at(-1));
    state.nowMs = (samples.at(-1)![0]! + age) * 1000;
    expect(await client.text('latency', 'graph', 'command')).toBe(graph);
  });
});

describe('DOCTOR', () => {
  it('says when monitoring is off, and when nothing was slow', async () => {
    const fixture = createMonitor();
    expect(await call(fixture, 'doctor')).toContain('CONFIG SET latency-monitor-threshold');
    fixture.state.latencyThresholdMs = 100;
    expect(await call(fixture, 'doctor')).toMatch(/^Dave, no latency spike was observed/);
  });

  it('analyzes each kind of event', async () => {
    const fixture = createRecorder();
    record(fixture, 'command', [100, 200, 300, 600]);
    const text = await call(fixture, 'doctor');
    expect(text).toContain(
      '1. command: 4 latency spikes (average 300ms, mean deviation 150ms, period 0.75 sec). ' +
        'Worst all time event 600ms.\n',
    );
    expect(text).toContain('I have a few advices for you:\n\n- ');
    expect(text).toContain('- SLOWLOG GET');
  });

  it('looks at the slow log, at hz and at huge pages', async () => {
    const fixture = createRecorder();
    const { state } = fixture;
    record(fixture, 'command', [200]);
    record(fixture, 'expire-cycle', [200]);
    const advice = async (doctor: Partial<typeof state.doctor>) => {
      state.doctor = { ...state.doctor, ...doctor };
      return call(fixture, 'doctor');
    };
    expect(await advice({})).not.toContain('slowlog-log-slower-than');
    expect(await advice({ slowlogSlowerThanUs: -1 })).toContain('slowlog-log-slower-than 100000');
    expect(await advice({ slowlogSlowerThanUs: 200_000 })).toContain('only keeps commands');
    expect(await advice({ hz: 10 })).toContain('CONFIG SET hz 100');
    expect(await advice({ hz: 100 })).not.toContain('CONFIG SET hz 100');
    expect(await advice({ hugePageBytes: 1 })).toContain('transparent_hugepage');
  });

  it('admits when it has no advice', async () => {
    const fixture = createRecorder();
    record(fixture, 'something-new', [200]);
    expect(await call(fixture, 'doctor')).toContain('no simple remedy');
  });
});
