// LATENCY DOCTOR: what was slow, in figures, and what can be done about it, in words.
//
// Every kind of event has a line of figures and points at some of the advice; advice that several
// kinds point at is given once.

import type { LatencyMonitor, LatencySample, LatencySeries } from './latency_monitor.ts';

export interface DoctorFacts {
  /** slowlog-log-slower-than, in microseconds; negative when off. */
  readonly slowlogSlowerThanUs: number;
  readonly hz: number;
  /** Whether appendfsync is `always`. */
  readonly fsyncsAlways: boolean;
  /** Transparent huge pages in use by the process. */
  readonly hugePageBytes: number;
}

type Advice =
  | 'slowlog-enable'
  | 'slowlog-tune'
  | 'slowlog-inspect'
  | 'scheduler'
  | 'local-disk'
  | 'ssd'
  | 'writeback'
  | 'disk-contention'
  | 'no-fsync-on-rewrite'
  | 'relax-fsync'
  | 'write-load'
  | 'hz'
  | 'large-objects'
  | 'mass-eviction'
  | 'huge-pages';

const HZ_SUGGESTED = 100;
const US_PER_MS = 1000;

/** What each kind of event points at; `command` depends on the slow log besides. */
const ADVICE_BY_EVENT: Readonly<Record<string, readonly Advice[]>> = {
  command: ['slowlog-inspect', 'large-objects'],
  'fast-command': ['scheduler'],
  'aof-write-pending-fsync': ['local-disk', 'disk-contention', 'ssd', 'writeback'],
  'aof-write-active-child': ['no-fsync-on-rewrite', 'writeback', 'ssd'],
  'aof-write-alone': ['local-disk', 'writeback', 'ssd'],
  'aof-fsync-always': ['relax-fsync'],
  'aof-fstat': ['disk-contention', 'local-disk'],
  'rdb-unlink-temp-file': ['disk-contention', 'local-disk'],
  'aof-rewrite-diff-write': ['write-load', 'writeback', 'ssd', 'local-disk'],
  'aof-rename': ['write-load', 'writeback', 'ssd', 'local-disk'],
  'expire-cycle': ['hz', 'large-objects'],
  'eviction-del': ['large-objects'],
  'eviction-cycle': ['mass-eviction'],
};

const TEXTS: Readonly<Record<Advice, (thresholdMs: number) => string>> = {
  'slowlog-enable': (thresholdMs) =>
    'Some commands take long, and the slow log, which would name them, is off. Turn it on with ' +
    `'CONFIG SET slowlog-log-slower-than ${thresholdMs * US_PER_MS}'.`,
  'slowlog-tune': (thresholdMs) =>
    'The slow log only keeps commands that take longer than the threshold of the latency ' +
    `monitor. Let it keep all of them with 'CONFIG SET slowlog-log-slower-than ${thresholdMs * US_PER_MS}'.`,
  'slowlog-inspect': () =>
    'SLOWLOG GET shows which commands take long. Those whose work grows with the data are the ' +
    'first to look for.',
  scheduler: () =>
    'Even commands that do little work were slow, so the process does not get the processor when ' +
    'it needs it. You can try to:\n' +
    '  1) Lower the load of the machine.\n' +
    '  2) Give this server a machine of its own.\n' +
    '  3) Find out whether neighbours on the same hardware take processor time away.\n' +
    "  4) Measure what the system itself adds with 'redis-cli --intrinsic-latency 100'.\n" +
    '  5) Check that the process has no lower priority or quota than it needs.',
  'local-disk': () =>
    'Keep the files of persistence, the append-only file above all, on a local disk. Disks ' +
    'behind a network can be slow at any time.',
  ssd: () =>
    'A solid-state disk shortens fsync, snapshots and rewrites of the append-only file. An ' +
    'ordinary disk should do under ordinary load, so try the other suggestions first.',
  writeback: () =>
    'File systems of the ext family are faster when mounted with data=writeback instead of ' +
    'data=ordered. The price is a weaker promise: after a crash of the machine the append-only ' +
    'file may end in half a command that has to be cut off before the server starts.',
  'disk-contention': () =>
    'Something else keeps the disk busy. Look for other programs, other servers like this one ' +
    'included, that write to the same disk.',
  'no-fsync-on-rewrite': () =>
    "If you can afford to lose more data in a crash, set 'no-appendfsync-on-rewrite' to yes: " +
    'then no fsync waits for the disk while a rewrite or a snapshot keeps it busy.',
  'relax-fsync': () =>
    "'appendfsync always' makes every write wait for the disk. 'everysec' loses at most about a " +
    'second in a crash and waits much less.',
  'write-load': () =>
    'So much is written that ending a rewrite of the append-only file takes long. Fewer, larger ' +
    'commands, or scripts that do several writes at once, lower the load.',
  hz: () =>
    `Raise 'hz' with 'CONFIG SET hz ${HZ_SUGGESTED}', so that expired keys are deleted in ` +
    'smaller portions.',
  'large-objects': () =>
    'Deleting, expiring or evicting a very large value takes time during which nothing else ' +
    'runs. Split such values, or delete them with UNLINK and the lazyfree settings.',
  'mass-eviction': () =>
    "Memory ran short all at once, for example when 'maxmemory' was lowered or a command stored " +
    'a very large result, and many keys had to go before anything else could run. Lower the ' +
    'limit in small steps and avoid storing large results near it.',
  'huge-pages': () =>
    'The process uses transparent huge pages, which can stall it for a long time when memory is ' +
    "written to. Turn them off with 'echo never > /sys/kernel/mm/transparent_hugepage/enabled', " +
    'in the start files of the machine too, and restart the server.',
};

/** Advice in the order in which it is given. */
const ORDER = Object.keys(TEXTS) as Advice[];

export function diagnoseLatency(monitor: LatencyMonitor, facts: DoctorFacts): string {
  const all = monitor.all();
  const { thresholdMs, nowSeconds } = monitor;
  if (all.length === 0 && thresholdMs === 0) {
    return (
      "I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this instance, so there " +
      'is nothing I could have seen. "CONFIG SET latency-monitor-threshold <milliseconds>" turns it on.\n'
    );
  }
  const advice = collectAdvice(all, thresholdMs, facts);
  if (all.length === 0 && advice.length === 0) {
    return (
      'Dave, no latency spike was observed during the lifetime of this instance, not in the ' +
      'slightest bit. Whatever is slow, it is not here.\n'
    );
  }
  return `${figures(all, nowSeconds)}\n${suggestions(advice, thresholdMs)}`;
}

function figures(all: readonly LatencySeries[], nowSeconds: number): string {
  if (all.length === 0) return '';
  const lines = all.map((series, i) => {
    const { count, average, deviation, period } = analyze(series.samples, nowSeconds);
    return (
      `${i + 1}. ${series.event}: ${count} latency spikes (average ${average}ms, mean deviation ` +
      `${deviation}ms, period ${period.toFixed(2)} sec). Worst all time event ${series.worstMs}ms.\n`
    );
  });
  return (
    'Dave, I have observed latency spikes in this instance. ' +
    `You don't mind talking about it, do you Dave?\n\n${lines.join('')}`
  );
}

function analyze(samples: readonly LatencySample[], nowSeconds: number) {
  const count = samples.length;
  const mean = (values: readonly number[]) =>
    Math.trunc(values.reduce((sum, value) => sum + value, 0) / count);
  const average = mean(samples.map(({ milliseconds }) => milliseconds));
  const deviation = mean(samples.map(({ milliseconds }) => Math.abs(milliseconds - average)));
  const seconds = nowSeconds - Math.min(...samples.map(({ time }) => time)) || 1;
  return { count, average, deviation, period: seconds / count };
}

function collectAdvice(
  all: readonly LatencySeries[],
  thresholdMs: number,
  facts: DoctorFacts,
): Advice[] {
  const wanted = new Set(all.flatMap(({ event }) => ADVICE_BY_EVENT[event] ?? []));
  if (all.some(({ event }) => event === 'command')) {
    if (facts.slowlogSlowerThanUs < 0) wanted.add('slowlog-enable');
    else if (facts.slowlogSlowerThanUs / US_PER_MS > thresholdMs) wanted.add('slowlog-tune');
  }
  if (facts.hz >= HZ_SUGGESTED) wanted.delete('hz');
  if (!facts.fsyncsAlways) wanted.delete('relax-fsync');
  if (facts.hugePageBytes > 0) wanted.add('huge-pages');
  return ORDER.filter((each) => wanted.has(each));
}

function suggestions(advice: readonly Advice[], thresholdMs: number): string {
  if (advice.length === 0) {
    return (
      'There is no simple remedy that I know of for these events. Please ask the community, and ' +
      'add this report to your question.\n'
    );
  }
  const lines = advice.map((each) => `- ${TEXTS[each](thresholdMs)}\n`);
  return `I have a few advices for you:\n\n${lines.join('')}`;
}
