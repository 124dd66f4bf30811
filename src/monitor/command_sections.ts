// INFO commandstats, errorstats and latencystats: what the core counts per command and per error.
//
// Commands come in the order of their names, a subcommand behind its container. Redis's order is that
// of a hash table.

import { commandNames } from '../core/command_names.ts';
import type { Core } from '../core/core.ts';
import { commandStatistics, errorStatistics, latencyCounts } from '../core/statistics.ts';
import type { LatencySettings } from './facts.ts';
import type { InfoSection } from './info.ts';
import { type InfoText, ratio, safeName, twoDecimals } from './info_text.ts';
import { percentileName, valueAtPercentile } from './latency_histogram.ts';

const NANOSECONDS_PER_MICROSECOND = 1000;

export interface NamedCommand {
  readonly id: number;
  /** "config|get" */
  readonly fullName: string;
}

/** All commands, sorted by name. */
export function commandsByName(core: Core): NamedCommand[] {
  return commandNames(core)
    .map((fullName, id) => ({ id, fullName }))
    .sort((a, b) => (a.fullName < b.fullName ? -1 : 1));
}

/** Time spent in commands, of all kinds, since the last reset. */
export function totalCommandMicroseconds(core: Core, commands: readonly NamedCommand[]): number {
  return commands.reduce((sum, { id }) => sum + commandStatistics(core, id).microseconds, 0);
}

/** The three sections, in INFO's order. */
export function commandSections(
  core: Core,
  commands: readonly NamedCommand[],
  latency: () => LatencySettings,
): InfoSection[] {
  return [
    {
      names: ['commandstats'],
      title: 'Commandstats',
      write(info) {
        for (const command of commands) writeCommand(info, core, command);
      },
    },
    {
      names: ['errorstats'],
      title: 'Errorstats',
      isDefault: true,
      write(info) {
        for (const { code, count } of errorStatistics(core)) {
          info.field(`errorstat_${safeName(code)}`, `count=${count}`);
        }
      },
    },
    {
      names: ['latencystats'],
      title: 'Latencystats',
      write(info) {
        const { tracking, percentiles } = latency();
        if (!tracking) return;
        for (const command of commands) writeLatency(info, core, command, percentiles);
      },
    },
  ];
}

function writeCommand(info: InfoText, core: Core, { id, fullName }: NamedCommand): void {
  const { calls, microseconds, rejected, failed } = commandStatistics(core, id);
  if (calls === 0 && rejected === 0 && failed === 0) return;
  const usec = Math.trunc(microseconds);
  const perCall = twoDecimals(ratio(microseconds, calls));
  info.field(
    `cmdstat_${safeName(fullName)}`,
    `calls=${calls},usec=${usec},usec_per_call=${perCall}` +
      `,rejected_calls=${rejected},failed_calls=${failed}`,
  );
}

function writeLatency(
  info: InfoText,
  core: Core,
  { id, fullName }: NamedCommand,
  percentiles: readonly number[],
): void {
  const counts = latencyCounts(core, id);
  if (counts === undefined) return;
  const values = percentiles.map((percentile) => {
    const microseconds = valueAtPercentile(counts, percentile) / NANOSECONDS_PER_MICROSECOND;
    return `p${percentileName(percentile)}=${microseconds.toFixed(3)}`;
  });
  info.field(`latency_percentiles_usec_${safeName(fullName)}`, values.join(','));
}
