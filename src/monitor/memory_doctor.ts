// MEMORY DOCTOR: problems that the figures of memory point at, in words.
//
// Thresholds are Redis's; the advice is for this engine, whose memory behaves differently: it never
// goes back to the system, and the JavaScript engine needs some tens of megabytes besides. What the
// process took before the first key is not counted against it.

import { ALLOCATOR_NAME } from '../version.ts';
import { twoDecimals } from './info_text.ts';
import type { MemoryReport } from './memory_report.ts';

export interface Connections {
  readonly clients: number;
  readonly replicas: number;
}

/** Below this there is nothing to judge. */
const EMPTY_BYTES = 5 * 1024 * 1024;
/** Differences up to this are not worth a word, whatever the ratio. */
const NEGLIGIBLE_BYTES = 10 * 1024 * 1024;
const PEAK_RATIO = 1.5;
const TOTAL_FRAGMENTATION_RATIO = 1.4;
const PART_RATIO = 1.1;
const CLIENT_BYTES = 200 * 1024;
const REPLICA_BYTES = 10 * 1024 * 1024;
const CACHED_SCRIPTS = 1000;

interface Finding {
  readonly title: string;
  readonly text: string;
  applies(report: MemoryReport, connections: Connections): boolean;
}

/** Whether a whole is clearly larger than its part. */
function exceeds(whole: number, part: number, ratio: number): boolean {
  return whole / part > ratio && whole - part > NEGLIGIBLE_BYTES;
}

/** Resident memory that data can be the reason of. */
function grownRss({ rss, startupRss, startup }: MemoryReport): number {
  return rss - startupRss + startup;
}

const FINDINGS: readonly Finding[] = [
  {
    title: 'Peak memory',
    text:
      'at some time this instance used more than 1.5 times the memory it uses now. What was ' +
      'taken then stays with the process, so its resident memory looks too large. That is ' +
      'harmless: the room is filled first when data grows again. Only a restart gives it back to the system.',
    applies: ({ peak, used }) => peak / used > PEAK_RATIO,
  },
  {
    title: 'High total RSS',
    text:
      'the resident memory of the process is more than 1.4 times what the data and its ' +
      `structures take. If a peak is reported above, it is the reason. Otherwise look at the ` +
      `figures of the allocator (${ALLOCATOR_NAME}) in INFO memory and MEMORY MALLOC-STATS.`,
    applies: (report) => exceeds(grownRss(report), report.used, TOTAL_FRAGMENTATION_RATIO),
  },
  {
    title: 'High allocator fragmentation',
    text:
      'the pages that the allocator holds are more than 1.1 times the blocks in use. That is ' +
      'what a peak, or deleting many values of one size, leaves behind; new values of like size fill it.',
    applies: ({ active, used }) => exceeds(active, used, PART_RATIO),
  },
  {
    title: 'High allocator RSS overhead',
    text:
      'linear memory is more than 1.1 times the pages in use. Free pages inside it are used ' +
      'again before it grows; after a peak there can be many.',
    applies: ({ resident, active }) => exceeds(resident, active, PART_RATIO),
  },
  {
    title: 'High process RSS overhead',
    text:
      'the process has grown by more than 1.1 times the linear memory of the engine. The rest ' +
      'belongs to the JavaScript engine: compiled code, its heap, buffers of connections. Slow ' +
      'clients or very many connections can be the reason.',
    applies: (report) => exceeds(grownRss(report), report.resident, PART_RATIO),
  },
  {
    title: 'Big replica buffers',
    text:
      'the output buffers of the replicas take more than 10 MB each on average. A replica may be ' +
      'too slow, or the network to it. INFO replication shows which one lags behind, CLIENT LIST ' +
      'how much waits for it.',
    applies: ({ facts }, { replicas }) =>
      replicas > 0 && facts.clientsReplicas / replicas > REPLICA_BYTES,
  },
  {
    title: 'Big client buffers',
    text:
      'clients take more than 200 KB each on average. Subscribers that read too slowly, very ' +
      'large replies or very long pipelines can be the reason. CLIENT LIST shows how much each one takes.',
    applies: ({ facts }, { clients }) => facts.clientsNormal / Math.max(clients, 1) > CLIENT_BYTES,
  },
  {
    title: 'Many scripts',
    text:
      'more than 1000 scripts are cached. Perhaps scripts are generated with values in their ' +
      'text where they should take them as KEYS and ARGV. SCRIPT FLUSH empties the cache.',
    applies: ({ facts }) => facts.cachedScripts > CACHED_SCRIPTS,
  },
];

/** The report, with one entry per problem. */
export function diagnoseMemory(report: MemoryReport, connections: Connections): string {
  if (report.used < EMPTY_BYTES) {
    return (
      'Hi Sam, this instance is empty or nearly so. There is too little memory in use to judge ' +
      'how it is used: fill in some data, then ask me again.\n'
    );
  }
  const found = FINDINGS.filter((finding) => finding.applies(report, connections));
  if (found.length === 0) {
    return "Hi Sam, I can't find any memory issue in your instance. I only know its figures, though.\n";
  }
  const used = twoDecimals(report.used / 1024 ** 2);
  return (
    `Sam, I detected a few issues in the memory of this instance, which uses ${used} MB:\n\n` +
    found.map(({ title, text }) => ` * ${title}: ${text}\n\n`).join('') +
    "I'm here to keep you safe, Sam. I want to help you.\n"
  );
}
