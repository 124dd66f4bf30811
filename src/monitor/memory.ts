// MEMORY: where the memory goes (STATS), what may be wrong with that (DOCTOR), what the allocator
// holds (MALLOC-STATS). MEMORY USAGE belongs to the core.
//
// PURGE has nothing to do: linear memory never shrinks, and pages that were freed are used again
// before it grows. It succeeds, as in a Redis without jemalloc.

import { allocatorFigures, PAGE_BYTES } from '../core/allocator.ts';
import type { Core } from '../core/core.ts';
import type { ReplyWriter } from '../core/reply_writer.ts';
import type { HostCommands } from '../host_command.ts';
import { ALLOCATOR_NAME } from '../version.ts';
import { humanBytes, ratio } from './info_text.ts';
import { diagnoseMemory } from './memory_doctor.ts';
import type { MemoryReport, MemoryReporter } from './memory_report.ts';

export interface MemoryCommandSources {
  readonly core: Core;
  readonly memory: MemoryReporter;
  /** Replicas excluded. */
  connectedClients(): number;
  connectedReplicas(): number;
}

export function registerMemory(commands: HostCommands, sources: MemoryCommandSources): void {
  commands.register('memory|help', ({ reply }) => {
    reply.help('MEMORY', HELP_LINES);
  });
  commands.register('memory|stats', ({ reply }) => {
    writeStats(reply, sources.memory.report());
  });
  commands.register('memory|doctor', ({ reply }) => {
    const clients = sources.connectedClients();
    const replicas = sources.connectedReplicas();
    reply.verbatim(diagnoseMemory(sources.memory.report(), { clients, replicas }));
  });
  commands.register('memory|malloc-stats', ({ reply }) => {
    reply.verbatim(allocatorText(sources.core, sources.memory.report()));
  });
  commands.register('memory|purge', ({ reply }) => {
    reply.ok();
  });
}

const HELP_LINES = [
  'DOCTOR',
  '    Return memory problems reports.',
  'MALLOC-STATS',
  '    Return internal statistics report from the memory allocator.',
  'PURGE',
  '    Attempt to purge dirty pages for reclamation by the allocator.',
  'STATS',
  '    Return information about the memory usage of the server.',
  'USAGE <key> [SAMPLES <count>]',
  '    Return memory in bytes used by <key> and its value. Nested values are',
  '    sampled up to <count> times (default: 5, 0 means sample all).',
];

// --- STATS ---

/** A figure with a fraction. */
class Fraction {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

type StatValue = number | Fraction | Readonly<Record<string, number>>;

function writeStats(reply: ReplyWriter, report: MemoryReport): void {
  const entries = Object.entries(stats(report));
  reply.map(entries.length);
  for (const [name, value] of entries) {
    reply.bulk(name);
    if (typeof value === 'number') reply.integer(Math.trunc(value));
    else if (value instanceof Fraction) reply.double(value.value);
    else writeOverheads(reply, value);
  }
}

function writeOverheads(reply: ReplyWriter, overheads: Readonly<Record<string, number>>): void {
  const entries = Object.entries(overheads);
  reply.map(entries.length);
  for (const [name, bytes] of entries) reply.bulk(name).integer(bytes);
}

function stats(report: MemoryReport): Record<string, StatValue> {
  const { facts } = report;
  return {
    'peak.allocated': report.peak,
    'total.allocated': report.used,
    'startup.allocated': report.startup,
    'replication.backlog': facts.replicationBacklog,
    'clients.slaves': facts.clientsReplicas,
    'clients.normal': facts.clientsNormal,
    'cluster.links': facts.clusterLinks,
    'aof.buffer': facts.aofBuffer,
    'lua.caches': facts.scriptsCached,
    'functions.caches': facts.functionsCached,
    ...databaseStats(report),
    'overhead.total': report.overhead,
    'keys.count': report.keys,
    'keys.bytes-per-key': report.bytesPerKey,
    'dataset.bytes': report.dataset,
    'dataset.percentage': new Fraction(report.datasetPercent),
    'peak.percentage': new Fraction(report.peakPercent),
    'allocator.allocated': report.allocated,
    'allocator.active': report.active,
    'allocator.resident': report.resident,
    'allocator-fragmentation.ratio': new Fraction(report.allocatorFragmentation),
    'allocator-fragmentation.bytes': report.allocatorFragmentationBytes,
    'allocator-rss.ratio': new Fraction(report.allocatorRss),
    'allocator-rss.bytes': report.allocatorRssBytes,
    'rss-overhead.ratio': new Fraction(report.rssOverhead),
    'rss-overhead.bytes': report.rssOverheadBytes,
    fragmentation: new Fraction(report.fragmentation),
    'fragmentation.bytes': report.fragmentationBytes,
  };
}

function databaseStats({ databases }: MemoryReport): Record<string, StatValue> {
  return Object.fromEntries(
    databases.map(({ index, mainBytes, expiresBytes }) => [
      `db.${index}`,
      {
        'overhead.hashtable.main': mainBytes,
        'overhead.hashtable.expires': expiresBytes,
        'overhead.hashtable.slot-to-keys': 0,
      },
    ]),
  );
}

// --- MALLOC-STATS ---

/** A table with one line per size class in use. */
function allocatorText(core: Core, report: MemoryReport): string {
  const { classes, runs, runPages, freePages } = allocatorFigures(core);
  const columns = ['block', 'slabs', 'used', 'free', 'used bytes', 'fill'];
  const rows = classes
    .filter(({ slabs }) => slabs > 0)
    .map(({ blockBytes, slabs, blocksPerSlab, usedBlocks }) => {
      const blocks = slabs * blocksPerSlab;
      const fill = `${Math.round(ratio(usedBlocks * 100, blocks))}%`;
      return [blockBytes, slabs, usedBlocks, blocks - usedBlocks, usedBlocks * blockBytes, fill];
    });
  const table = [columns, ...rows].map((row) =>
    row.map((cell) => String(cell).padStart(12)).join(''),
  );
  const size = (pages: number) => `${pages} (${humanBytes(pages * PAGE_BYTES)})`;
  return [
    `___ Begin ${ALLOCATOR_NAME} statistics ___`,
    `Allocated: ${report.allocated}, active: ${report.active}, resident: ${report.resident}`,
    `Slabs by size of their blocks, of ${PAGE_BYTES} bytes or a few times as much:`,
    ...table,
    `Blocks of whole pages: ${runs}, pages: ${size(runPages)}`,
    `Free pages: ${size(freePages)}`,
    `--- End ${ALLOCATOR_NAME} statistics ---`,
    '',
  ].join('\n');
}
