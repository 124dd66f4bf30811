// LATENCY: samples of events that took too long (HISTORY, LATEST, GRAPH, DOCTOR, RESET) and how
// long commands take altogether (HISTOGRAM).

import type { Core } from '../core/core.ts';
import type { ReplyWriter } from '../core/reply_writer.ts';
import { latencyCounts } from '../core/statistics.ts';
import { CommandError, type HostCall, type HostCommands } from '../host_command.ts';
import { commandsByName, type NamedCommand } from './command_sections.ts';
import { type DoctorFacts, diagnoseLatency } from './latency_doctor.ts';
import { cumulativeCounts, totalCount } from './latency_histogram.ts';
import type { LatencyMonitor, LatencySeries } from './latency_monitor.ts';
import { drawBars } from './sparkline.ts';

export interface LatencySources {
  readonly core: Core;
  readonly monitor: LatencyMonitor;
  doctor(): DoctorFacts;
}

const GRAPH_COLUMNS = 80;
const GRAPH_ROWS = 4;
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

export function registerLatency(commands: HostCommands, sources: LatencySources): void {
  const { core, monitor } = sources;
  const known = commandsByName(core);
  commands.register('latency|help', ({ reply }) => {
    reply.help('LATENCY', HELP_LINES);
  });
  commands.register('latency|history', ({ args, reply }) => {
    writeHistory(reply, monitor.series(args[2]!.toString('latin1')));
  });
  commands.register('latency|latest', ({ reply }) => {
    writeLatest(reply, monitor.all());
  });
  commands.register('latency|graph', (call) => {
    writeGraph(call, monitor);
  });
  commands.register('latency|doctor', ({ reply }) => {
    reply.verbatim(diagnoseLatency(monitor, sources.doctor()));
  });
  commands.register('latency|reset', ({ args, reply }) => {
    const events = args.slice(2).map((event) => event.toString('latin1'));
    reply.integer(
      events.length === 0
        ? monitor.reset()
        : events.reduce((count, event) => count + monitor.reset(event), 0),
    );
  });
  commands.register('latency|histogram', ({ args, reply }) => {
    const names = args.slice(2).map((name) => name.toString('latin1'));
    writeHistograms(
      reply,
      core,
      names.length === 0 ? known : names.flatMap((name) => withSubcommands(known, name)),
    );
  });
}

const HELP_LINES = [
  'DOCTOR',
  '    Return a human readable latency analysis report.',
  'GRAPH <event>',
  '    Return an ASCII latency graph for the <event> class.',
  'HISTORY <event>',
  '    Return time-latency samples for the <event> class.',
  'LATEST',
  '    Return the latest latency samples for all events.',
  'RESET [<event> ...]',
  '    Reset latency data of one or more <event> classes.',
  '    (default: reset all data for all event classes)',
  'HISTOGRAM [COMMAND ...]',
  '    Return a cumulative distribution of latencies in the format of a histogram for the specified command names.',
  '    If no commands are specified then all histograms are replied.',
];

// --- Samples ---

function writeHistory(reply: ReplyWriter, series: LatencySeries | undefined): void {
  const samples = series?.samples ?? [];
  reply.array(samples.length);
  for (const { time, milliseconds } of samples) {
    reply.array(2).integer(time).integer(milliseconds);
  }
}

function writeLatest(reply: ReplyWriter, all: readonly LatencySeries[]): void {
  reply.array(all.length);
  for (const { event, samples, worstMs } of all) {
    const { time, milliseconds } = samples.at(-1)!;
    reply.array(4).bulk(event).integer(time).integer(milliseconds).integer(worstMs);
  }
}

function writeGraph({ args, reply }: HostCall, monitor: LatencyMonitor): void {
  const event = args[2]!.toString('latin1');
  const series = monitor.series(event);
  if (series === undefined) {
    throw new CommandError(`ERR No samples available for event '${event}'`);
  }
  const values = series.samples.map(({ milliseconds }) => milliseconds);
  const bars = series.samples.map(({ time, milliseconds }) => ({
    value: milliseconds,
    label: ageLabel(monitor.nowSeconds - time),
  }));
  reply.verbatim(
    `${event} - high ${Math.max(...values)} ms, low ${Math.min(...values)} ms ` +
      `(all time high ${series.worstMs} ms)\n${'-'.repeat(GRAPH_COLUMNS)}\n` +
      drawBars(bars, GRAPH_COLUMNS, GRAPH_ROWS),
  );
}

/** How long ago, in the largest unit that fits. */
function ageLabel(seconds: number): string {
  if (seconds < MINUTE) return `${seconds}s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)}m`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)}h`;
  return `${Math.floor(seconds / DAY)}d`;
}

// --- HISTOGRAM ---

/** The command and, for a container, its subcommands; nothing for an unknown name. */
function withSubcommands(known: readonly NamedCommand[], name: string): NamedCommand[] {
  const wanted = name.toLowerCase();
  return known.filter(({ fullName }) => fullName === wanted || fullName.startsWith(`${wanted}|`));
}

function writeHistograms(reply: ReplyWriter, core: Core, commands: readonly NamedCommand[]): void {
  const timed = commands.flatMap(({ id, fullName }) => {
    const counts = latencyCounts(core, id);
    return counts === undefined ? [] : [{ fullName, counts }];
  });
  reply.map(timed.length);
  for (const { fullName, counts } of timed) {
    const lines = cumulativeCounts(counts);
    reply.bulk(fullName).map(2).bulk('calls').integer(totalCount(counts));
    reply.bulk('histogram_usec').map(lines.length);
    for (const { microseconds, count } of lines) reply.integer(microseconds).integer(count);
  }
}
