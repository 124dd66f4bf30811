// MEMORY: the fields of STATS against a live server, the allocator's figures against what was
// stored, and which figures the doctor remarks on.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONN_RESP } from '../../assembly/abi.ts';
import { allocatorFigures, PAGE_BYTES } from '../../src/core/allocator.ts';
import { diagnoseMemory } from '../../src/monitor/memory_doctor.ts';
import type { MemoryReport } from '../../src/monitor/memory_report.ts';
import { replyText } from '../support/engine_client.ts';
import { RespClient } from '../support/resp_client.ts';
import type { Reply } from '../support/resp_decoder.ts';
import { realRedisAvailable, startServer, type TestServer } from '../support/server.ts';
import { createMonitor, START_RSS } from './monitor_fixture.ts';

const MB = 1024 * 1024;

/** A map reply as names and kinds of values, nested maps included. */
function outline(reply: Reply): unknown {
  if (reply.kind !== 'map') return reply.kind;
  return reply.entries.map(([name, value]) => [
    name.kind === 'bulk' ? name.bytes.toString() : name.kind,
    outline(value),
  ]);
}

describe.skipIf(!realRedisAvailable())('compared with a live server', () => {
  let server: TestServer;
  let real: RespClient;

  beforeAll(async () => {
    server = await startServer({ kind: 'redis' });
    real = await RespClient.connect({ port: server.port });
    await real.call('hello', '3');
  });

  afterAll(async () => {
    await real.close();
    await server.stop();
  });

  it('STATS has the same entries of the same kinds in the same order', async () => {
    const { engine, client } = createMonitor();
    engine.core.data.setUint32(client.client.ptr + CONN_RESP, 3, true);
    for (const target of [real, client]) {
      for (const database of ['0', '9']) {
        await target.call('select', database);
        await target.call('set', 'key', 'value', 'ex', '1000');
      }
    }
    expect(outline(await client.call('memory', 'stats'))).toEqual(
      outline(await real.call('memory', 'stats')),
    );
  });

  it('HELP is the same', async () => {
    const { client } = createMonitor();
    const lines = async (target: RespClient | typeof client) => {
      const reply = await target.call('memory', 'help');
      if (reply.kind !== 'array') throw new Error('not an array');
      return reply.items.map(replyText);
    };
    const help = await lines(client);
    // Redis 7.2 changed the last line of every HELP.
    expect(help.at(-1)).toBe('    Print this help.');
    expect(help.slice(0, -1)).toEqual((await lines(real)).slice(0, -1));
  });

  it('errors are the same', async () => {
    const { client } = createMonitor();
    for (const args of [[], ['stats', 'x'], ['doctor', 'x'], ['purge', 'x'], ['nosuch']]) {
      expect(await client.call('memory', ...args)).toEqual(await real.call('memory', ...args));
    }
  });
});

describe('STATS', () => {
  it('is a flat array in RESP2', async () => {
    const { client } = createMonitor();
    const reply = await client.call('memory', 'stats');
    expect(reply).toMatchObject({ kind: 'array' });
    if (reply.kind === 'array') expect(reply.items).toHaveLength(2 * 27);
  });

  it('adds up', async () => {
    const { client, memory } = createMonitor();
    await client.call('debug', 'populate', '10000', 'key', '200');
    await client.call('expire', 'key:1', '1000');
    const report = memory.report();
    expect(report.keys).toBe(10000);
    expect(report.dataset + report.overhead).toBe(report.used);
    expect(report.bytesPerKey).toBeGreaterThan(200);
    expect(report.bytesPerKey).toBeLessThan(300);
    expect(report.databases).toHaveLength(1);
    expect(report.databases[0]!.expiresBytes).toBe(8);
    expect(report.databases[0]!.mainBytes).toBeGreaterThan(80_000);
  });
});

describe('MALLOC-STATS', () => {
  it('counts every block in use, and every page once', async () => {
    const { engine, client } = createMonitor();
    const used = () => {
      const { classes, runPages } = allocatorFigures(engine.core);
      const blocks = classes.reduce((sum, each) => sum + each.usedBlocks * each.blockBytes, 0);
      return blocks + runPages * PAGE_BYTES;
    };
    const before = used();
    const report = createMonitor().memory.report();
    expect(before).toBeLessThan(report.used);
    // Keys of 6 bytes, values of 100: 8 + 6 + 100 bytes, a block of 120.
    const blocks = (figures = allocatorFigures(engine.core)) =>
      figures.classes.find(({ blockBytes }) => blockBytes === 120)!.usedBlocks;
    const start = blocks();
    for (let i = 100; i < 200; i++) await client.call('set', `ab:${i}`, 'x'.repeat(100));
    expect(blocks()).toBe(start + 100);
    for (let i = 100; i < 150; i++) await client.call('del', `ab:${i}`);
    expect(blocks()).toBe(start + 50);
    await client.call('set', 'large', 'x'.repeat(1_000_000));
    const { classes, runPages, freePages } = allocatorFigures(engine.core);
    expect(runPages).toBeGreaterThanOrEqual(16);
    const slabs = classes.reduce((sum, each) => sum + each.slabs * each.pagesPerSlab, 0);
    const pages = engine.core.exports.memory.buffer.byteLength / PAGE_BYTES;
    const firstPage = pages - slabs - runPages - freePages;
    await client.call('flushall');
    const after = allocatorFigures(engine.core);
    const slabsAfter = after.classes.reduce((sum, each) => sum + each.slabs * each.pagesPerSlab, 0);
    const pagesAfter = engine.core.exports.memory.buffer.byteLength / PAGE_BYTES;
    expect(pagesAfter - slabsAfter - after.runPages - after.freePages).toBe(firstPage);
    expect(after.freePages).toBeGreaterThan(0);
  });

  it('prints one line per size of blocks in use', async () => {
    const { engine, client } = createMonitor();
    await client.call('debug', 'populate', '1000');
    const text = await client.text('memory', 'malloc-stats');
    expect(text).toMatch(/^___ Begin respite-\S+ statistics ___\n/);
    expect(text).toMatch(/--- End respite-\S+ statistics ---\n$/);
    const inUse = allocatorFigures(engine.core).classes.filter(({ slabs }) => slabs > 0);
    expect(text.match(/^( +\d+){5} +\d+%$/gm)).toHaveLength(inUse.length);
  });
});

it('PURGE succeeds', async () => {
  const { client } = createMonitor();
  expect(await client.text('memory', 'purge')).toBe('OK');
});

describe('DOCTOR', () => {
  const connections = { clients: 2, replicas: 0 };

  /** A report of 100 MB in which nothing is wrong, but for `changes`. */
  function reportWith(changes: Partial<MemoryReport>): MemoryReport {
    const report = createMonitor().memory.report();
    const used = 100 * MB;
    const rss = START_RSS + used;
    const healthy = { used, peak: used, active: used, resident: used, rss, startupRss: START_RSS };
    return { ...report, ...healthy, ...changes };
  }

  it('has nothing to say about an instance that is nearly empty', async () => {
    const { client } = createMonitor();
    expect(await client.text('memory', 'doctor')).toMatch(/^Hi Sam, this instance is empty/);
  });

  it('finds nothing wrong when all is well', () => {
    expect(diagnoseMemory(reportWith({}), connections)).toMatch(/^Hi Sam, I can't find any/);
  });

  it('remarks on each figure that is out of proportion', () => {
    const { facts } = reportWith({});
    const cases: [string, Partial<MemoryReport>, Partial<typeof connections>?][] = [
      ['Peak memory', { peak: 151 * MB }],
      ['High total RSS', { rss: START_RSS + 160 * MB, resident: 160 * MB, active: 150 * MB }],
      ['High allocator fragmentation', { active: 115 * MB, resident: 115 * MB }],
      ['High allocator RSS overhead', { resident: 115 * MB, rss: START_RSS + 115 * MB }],
      ['High process RSS overhead', { rss: START_RSS + 115 * MB }],
      ['Big client buffers', { facts: { ...facts, clientsNormal: 500 * 1024 } }],
      ['Big replica buffers', { facts: { ...facts, clientsReplicas: 11 * MB } }, { replicas: 1 }],
      ['Many scripts', { facts: { ...facts, cachedScripts: 1001 } }],
    ];
    for (const [title, changes, others] of cases) {
      const text = diagnoseMemory(reportWith(changes), { ...connections, ...others });
      expect(text, title).toContain(` * ${title}: `);
      expect(text, title).toMatch(/^Sam, I detected a few issues/);
    }
  });

  it('is a verbatim string in RESP3', async () => {
    const { engine, client } = createMonitor();
    engine.core.data.setUint32(client.client.ptr + CONN_RESP, 3, true);
    for (const name of ['doctor', 'malloc-stats']) {
      expect(await client.call('memory', name)).toMatchObject({ kind: 'verbatim', format: 'txt' });
    }
  });
});
