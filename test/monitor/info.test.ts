// INFO: which sections a request shows, the fields in them against a live server, and the figures.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { replyText } from '../support/engine_client.ts';
import { RespClient } from '../support/resp_client.ts';
import { realRedisAvailable, startServer, type TestServer } from '../support/server.ts';
import { createMonitor } from './monitor_fixture.ts';

/** Fields of a section, in order; the value of each as text. */
type Section = Map<string, string>;

function parseInfo(text: string): Map<string, Section> {
  const sections = new Map<string, Section>();
  let current: Section = new Map();
  for (const line of text.split('\r\n')) {
    if (line === '') continue;
    if (line.startsWith('# ')) {
      current = new Map();
      sections.set(line.slice(2), current);
      continue;
    }
    const colon = line.indexOf(':');
    expect(colon, line).toBeGreaterThan(0);
    current.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return sections;
}

const DEFAULT_TITLES = [
  ...['Server', 'Clients', 'Memory', 'Persistence', 'Stats', 'Replication', 'CPU', 'Modules'],
  ...['Errorstats', 'Cluster', 'Keyspace'],
];

const ALL_TITLES = [
  ...['Server', 'Clients', 'Memory', 'Persistence', 'Stats', 'Replication', 'CPU', 'Modules'],
  ...['Commandstats', 'Errorstats', 'Latencystats', 'Cluster', 'Keyspace', 'Keysizes'],
];

async function titles(...words: string[]): Promise<string[]> {
  const { client } = createMonitor();
  return [...parseInfo(await client.text('info', ...words)).keys()];
}

describe('the sections that INFO shows', () => {
  it('are the default ones without an argument', async () => {
    expect(await titles()).toEqual(DEFAULT_TITLES);
    expect(await titles('default')).toEqual(DEFAULT_TITLES);
  });

  it('are all but debug with all or everything', async () => {
    expect(await titles('all')).toEqual(ALL_TITLES);
    expect(await titles('EVERYTHING')).toEqual(ALL_TITLES);
  });

  it('are those that were named, in the order of the server', async () => {
    expect(await titles('keyspace', 'CPU', 'Server', 'cpu')).toEqual(['Server', 'CPU', 'Keyspace']);
  });

  it('are the default ones and more when both are asked for', async () => {
    expect(await titles('default', 'commandstats')).toContain('Commandstats');
    expect(await titles('all', 'debug')).toEqual([...ALL_TITLES, 'Debug']);
  });

  it('are none for a name that does not exist', async () => {
    const { client } = createMonitor();
    expect(await client.text('info', 'nosuch')).toBe('');
  });

  it('are separated by an empty line, and nothing else is', async () => {
    const { client } = createMonitor();
    const text = await client.text('info');
    expect(text.startsWith('# Server\r\n')).toBe(true);
    expect(text.split('\r\n\r\n')).toHaveLength(DEFAULT_TITLES.length);
    expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    expect(text.endsWith('\r\n')).toBe(true);
  });
});

describe.skipIf(!realRedisAvailable())('compared with a live server', () => {
  let server: TestServer;
  let real: Map<string, Section>;

  beforeAll(async () => {
    server = await startServer({ kind: 'redis' });
    const connection = await RespClient.connect({ port: server.port });
    await connection.call('set', 'key', 'value');
    await connection.call('get', 'key');
    await connection.call('nosuchcommand');
    real = parseInfo(replyText(await connection.call('info', 'everything')));
    await connection.close();
  });

  afterAll(async () => {
    await server.stop();
  });

  it('every field it has is there, in the same order', async () => {
    const { client } = createMonitor();
    await client.call('set', 'key', 'value');
    await client.call('get', 'key');
    await client.call('nosuchcommand');
    await client.text('info');
    const ours = parseInfo(await client.text('info', 'everything'));
    expect([...ours.keys()].filter((title) => real.has(title))).toEqual([...real.keys()]);
    for (const [title, fields] of real) {
      const names = [...fields.keys()].filter((name) => !/^(cmdstat|latency_perc)/.test(name));
      const found = [...ours.get(title)!.keys()].filter((name) => names.includes(name));
      expect(found, title).toEqual(names);
    }
  });

  it('every value looks like its counterpart', async () => {
    const { client } = createMonitor();
    await client.call('set', 'key', 'value');
    await client.call('get', 'key');
    await client.call('nosuchcommand');
    await client.text('info');
    const ours = parseInfo(await client.text('info', 'everything'));
    const free = new Set(['redis_version', 'os', 'atomicvar_api', 'mem_allocator', 'gcc_version']);
    for (const [title, fields] of real) {
      for (const [name, theirs] of fields) {
        if (free.has(name) || /_human$/.test(name)) continue;
        // Fields of hashes that expire are counted since 7.4.
        const mine = ours
          .get(title)!
          .get(name)
          ?.replace(/,subexpiry=\d+$/, '');
        if (mine === undefined) continue; // statistics of commands that only the server ran
        expect(shape(mine), name).toBe(shape(theirs));
      }
    }
    const human = /^\d+(\.\d\dK|\.\d\dM|\.\d\dG|B)$/;
    for (const [name, value] of ours.get('Memory')!) {
      if (name.endsWith('_human')) expect(value, name).toMatch(human);
    }
  });

  /** The form of a value: which kind of number, which properties. */
  function shape(value: string): string {
    return value
      .replace(/[0-9a-f]{40}/g, 'ID')
      .replace(/-?\d+\.(\d+)/g, (_, decimals: string) => `F${decimals.length}`)
      .replace(/-?\d+/g, 'N')
      .replace(/^\/.*|^$/, 'PATH')
      .replace(/^[a-f0-9N]{1,20}$/, 'N');
  }
});

describe('figures', () => {
  it('of the server come from the facts', async () => {
    const { client } = createMonitor();
    const server = parseInfo(await client.text('info', 'server')).get('Server')!;
    expect(server.get('redis_version')).toBe('7.2.6');
    expect([...server.keys()].slice(0, 2)).toEqual(['redis_version', 'respite_version']);
    expect(server.get('server_time_usec')).toBe('1700000123456000');
    expect(server.get('uptime_in_seconds')).toBe('200000');
    expect(server.get('uptime_in_days')).toBe('2');
    expect(server.get('listener0')).toBe('name=tcp,bind=127.0.0.1,bind=-::1,port=6379');
    expect(server.get('listener1')).toBe('name=unix,bind=/run/respite.sock');
    expect(server.has('shutdown_in_milliseconds')).toBe(false);
  });

  it('of commands count calls, failures and refusals', async () => {
    const { client } = createMonitor();
    await client.call('set', 'a', '1');
    await client.call('set', 'a', '2');
    await client.call('set', 'a');
    await client.call('nosuchcommand');
    const info = parseInfo(await client.text('info', 'commandstats', 'errorstats', 'stats'));
    expect(info.get('Commandstats')!.get('cmdstat_set')).toMatch(
      /^calls=2,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=1,failed_calls=0$/,
    );
    expect(info.get('Errorstats')!.get('errorstat_ERR')).toBe('count=2');
    expect(info.get('Stats')!.get('total_error_replies')).toBe('2');
    expect(info.get('Stats')!.get('total_commands_processed')).toBe('2');
  });

  it('of latency follow the setting of the percentiles', async () => {
    const { client, state } = createMonitor();
    await client.call('set', 'a', '1');
    const read = async () => parseInfo(await client.text('info', 'latencystats'));
    const line = (await read()).get('Latencystats')!.get('latency_percentiles_usec_set');
    expect(line).toMatch(/^p50=\d+\.\d{3},p99=\d+\.\d{3},p99\.9=\d+\.\d{3}$/);
    state.latency = { tracking: true, percentiles: [0, 100, 12.345678901] };
    expect((await read()).get('Latencystats')!.get('latency_percentiles_usec_set')).toMatch(
      /^p0=\d+\.\d{3},p100=\d+\.\d{3},p12\.345679=\d+\.\d{3}$/,
    );
    state.latency = { tracking: false, percentiles: [50] };
    expect((await read()).get('Latencystats')!.size).toBe(0);
  });

  it('of the key space name the databases that hold keys', async () => {
    const { client } = createMonitor();
    expect(parseInfo(await client.text('info', 'keyspace')).get('Keyspace')!.size).toBe(0);
    await client.call('set', 'a', '1');
    await client.call('set', 'b', '1');
    const keyspace = parseInfo(await client.text('info', 'keyspace')).get('Keyspace')!;
    expect([...keyspace]).toEqual([['db0', 'keys=2,expires=0,avg_ttl=0,subexpiry=0']]);
  });

  it('of memory add up', async () => {
    const { client, state } = createMonitor();
    const read = async () => {
      const fields = parseInfo(await client.text('info', 'memory')).get('Memory')!;
      return (name: string) => Number(fields.get(name)!.replace('%', ''));
    };
    const empty = await read();
    expect(empty('used_memory')).toBeGreaterThanOrEqual(empty('used_memory_startup'));
    for (let i = 0; i < 5000; i++) await client.call('set', `key:${i}`, 'x'.repeat(100));
    state.memoryFacts = { maxMemory: 5_368_709_120, clientsNormal: 12345, aofBuffer: 5 };
    const full = await read();
    const growth = full('used_memory') - empty('used_memory');
    expect(growth).toBeGreaterThan(5000 * 110);
    expect(full('used_memory_dataset') + full('used_memory_overhead')).toBe(full('used_memory'));
    expect(full('used_memory_dataset_perc')).toBeGreaterThan(50);
    expect(full('mem_clients_normal')).toBe(12345);
    expect(full('used_memory_peak')).toBeGreaterThanOrEqual(full('used_memory'));
    expect(full('allocator_active')).toBeGreaterThanOrEqual(full('allocator_allocated'));
    expect(full('mem_fragmentation_bytes')).toBe(full('used_memory_rss') - full('used_memory'));
    const text = await client.text('info', 'memory');
    expect(text).toContain('maxmemory_human:5.00G\r\n');
    expect(text).toContain('total_system_memory_human:16.00G\r\n');
    expect(text).toMatch(/mem_allocator:respite-/);
  });

  it('of processor time have six decimals', async () => {
    const { client } = createMonitor();
    const cpu = parseInfo(await client.text('info', 'cpu')).get('CPU')!;
    expect(cpu.get('used_cpu_sys')).toBe('0.250001');
    expect(cpu.get('used_cpu_user')).toBe('1.250000');
    expect(cpu.get('used_cpu_user_main_thread')).toBe('1.000000');
  });

  it('of replication traffic are part of all traffic', async () => {
    const { client } = createMonitor();
    const stats = parseInfo(await client.text('info', 'stats')).get('Stats')!;
    expect(stats.get('total_net_input_bytes')).toBe('1024');
    expect(stats.get('total_net_repl_input_bytes')).toBe('24');
  });
});

it('INFO is a verbatim string in RESP3', async () => {
  const { engine, client } = createMonitor();
  engine.core.data.setUint32(client.client.ptr + 12, 3, true); // HELLO 3 in short
  const reply = await client.call('info', 'cluster');
  expect(reply).toMatchObject({ kind: 'verbatim', format: 'txt' });
  expect(replyText(reply)).toBe('# Cluster\r\ncluster_enabled:0\r\n');
});
