// Where the memory goes, in one place for INFO memory, MEMORY STATS and MEMORY DOCTOR.
//
//   used: what maxmemory is compared with = startup + tables + clients ... (overhead) + data set
//   taken: pages of linear memory in use, i.e. used + the allocator's slack
//   resident: linear memory as far as the system backs it
//   rss: the whole process, JavaScript engine included
//
// Redis's terms are allocated, active, resident and rss. Linear memory never shrinks: pages that
// were freed stay with the process and are the first to be used again.

import * as abi from '../../assembly/abi.ts';
import type { Core } from '../core/core.ts';
import { type DatabaseFigures, databaseFigures } from '../core/database_figures.ts';
import { DEFAULT_MEMORY, type MemoryFacts, type ProcessFacts } from './facts.ts';
import { ratio } from './info_text.ts';

/** Bytes of an entry that are neither key nor value: its header, and the expiry when it has one. */
const ENTRY_HEADER_BYTES = 8;
const ENTRY_EXPIRY_BYTES = 8;

export interface DatabaseOverhead {
  readonly index: number;
  readonly mainBytes: number;
  readonly expiresBytes: number;
}

export interface MemoryReport {
  readonly facts: MemoryFacts;
  readonly used: number;
  readonly peak: number;
  readonly startup: number;
  readonly rss: number;
  /** The same before the first key: what the JavaScript engine needs anyway. */
  readonly startupRss: number;
  readonly system: number;
  readonly allocated: number;
  readonly active: number;
  readonly resident: number;
  readonly overhead: number;
  readonly dataset: number;
  readonly datasetPercent: number;
  readonly peakPercent: number;
  readonly keys: number;
  readonly bytesPerKey: number;
  readonly databases: readonly DatabaseOverhead[];
  /** rss / used, and the difference. */
  readonly fragmentation: number;
  readonly fragmentationBytes: number;
  readonly allocatorFragmentation: number;
  readonly allocatorFragmentationBytes: number;
  readonly allocatorRss: number;
  readonly allocatorRssBytes: number;
  readonly rssOverhead: number;
  readonly rssOverheadBytes: number;
}

export interface MemorySources {
  readonly core: Core;
  memory(): Partial<MemoryFacts>;
  process(): ProcessFacts;
}

/** Remembers what a server takes that holds nothing: create it before the first key. */
export class MemoryReporter {
  private readonly sources: MemorySources;
  private readonly startup: number;
  private readonly startupRss: number;

  constructor(sources: MemorySources) {
    this.sources = sources;
    sources.core.exports.refreshStats();
    this.startup = sources.core.stat(abi.STAT_USED_MEMORY);
    this.startupRss = sources.process().residentBytes;
  }

  report(): MemoryReport {
    const { core } = this.sources;
    core.exports.refreshStats();
    const facts: MemoryFacts = {
      ...DEFAULT_MEMORY,
      clientsNormal: core.stat(abi.STAT_CLIENT_MEMORY),
      ...this.sources.memory(),
    };
    const { residentBytes: rss, systemBytes: system } = this.sources.process();
    const used = core.stat(abi.STAT_USED_MEMORY);
    const peak = core.stat(abi.STAT_PEAK_MEMORY);
    const active = Math.max(core.stat(abi.STAT_TAKEN_MEMORY), used);
    const resident = Math.max(active, Math.min(core.stat(abi.STAT_SYSTEM_MEMORY), rss));
    const figures = databaseFigures(core);
    const databases = figures.map(databaseOverhead);
    const overhead = this.startup + overheadOf(facts, databases);
    const dataset = Math.max(used - overhead, 0);
    const net = Math.max(used - this.startup, 1);
    const keys = figures.reduce((sum, { keys }) => sum + keys, 0);
    return {
      facts,
      used,
      peak,
      startup: this.startup,
      rss,
      startupRss: this.startupRss,
      system,
      allocated: used,
      active,
      resident,
      overhead,
      dataset,
      datasetPercent: Math.min((dataset * 100) / net, 100),
      peakPercent: ratio(used * 100, peak),
      keys,
      bytesPerKey: keys === 0 ? 0 : Math.trunc(net / keys),
      databases,
      fragmentation: ratio(rss, used),
      fragmentationBytes: rss - used,
      allocatorFragmentation: ratio(active, used),
      allocatorFragmentationBytes: active - used,
      allocatorRss: ratio(resident, active),
      allocatorRssBytes: resident - active,
      rssOverhead: ratio(rss, resident),
      rssOverheadBytes: rss - resident,
    };
  }
}

function databaseOverhead({ index, keys, expires, tableBytes }: DatabaseFigures): DatabaseOverhead {
  return {
    index,
    mainBytes: tableBytes + keys * ENTRY_HEADER_BYTES,
    expiresBytes: expires * ENTRY_EXPIRY_BYTES,
  };
}

function overheadOf(facts: MemoryFacts, databases: readonly DatabaseOverhead[]): number {
  const tables = databases.reduce((sum, each) => sum + each.mainBytes + each.expiresBytes, 0);
  return (
    tables +
    facts.replicationBacklog +
    facts.clientsReplicas +
    facts.clientsNormal +
    facts.clusterLinks +
    facts.aofBuffer +
    facts.scriptsCached +
    facts.functionsCached
  );
}
