// Writes the table of supported commands into README.md, between its two marker comments, from the
// records in src/commands. With --strict it writes nothing and fails if the table is out of date.

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { allCommands, type CompiledCommand } from '../commands/index.ts';
import type { Group } from '../commands/spec.ts';

const BEGIN = '<!-- commands:begin -->';
const END = '<!-- commands:end -->';

/** Groups in the order of the table. */
const GROUPS: readonly [group: Group, title: string][] = [
  ['string', 'Strings'],
  ['generic', 'Keys'],
  ['hash', 'Hashes'],
  ['list', 'Lists'],
  ['set', 'Sets'],
  ['sorted-set', 'Sorted sets'],
  ['stream', 'Streams'],
  ['bitmap', 'Bitmaps'],
  ['hyperloglog', 'HyperLogLog'],
  ['geo', 'Geo'],
  ['array', 'Arrays'],
  ['json', 'JSON'],
  ['timeseries', 'Time series'],
  ['bloom', 'Probabilistic'],
  ['search', 'Search'],
  ['vector-set', 'Vector sets'],
  ['pubsub', 'Pub/sub'],
  ['transactions', 'Transactions'],
  ['scripting', 'Scripting'],
  ['connection', 'Connection'],
  ['server', 'Server'],
  ['cluster', 'Cluster'],
];

/** "GET", or "OBJECT (ENCODING, FREQ)". */
function entry({ fullName, subcommands }: CompiledCommand): string {
  const name = fullName.toUpperCase();
  if (subcommands.length === 0) return name;
  return `${name} (${subcommands.map(({ spec }) => spec.name.toUpperCase()).join(', ')})`;
}

/** The table and, below it, what differs from Redis. */
export function renderCommandList(commands: readonly CompiledCommand[]): string {
  const lines = ['| Group | Commands |', '| --- | --- |'];
  for (const [group, title] of GROUPS) {
    const members = commands.filter(({ spec, parent }) => !parent && spec.group === group);
    if (members.length > 0) lines.push(`| ${title} | ${members.map(entry).join(', ')} |`);
  }
  const differing = commands.filter(({ spec }) => spec.notes !== undefined);
  if (differing.length > 0) lines.push('', 'Where a command differs from Redis:', '');
  for (const { fullName, spec } of differing)
    lines.push(`- ${fullName.toUpperCase().replace('|', ' ')}: ${spec.notes}`);
  return lines.join('\n');
}

/** README.md's text with its table replaced; throws when it has no place for one. */
export function replaceCommandList(readme: string, list: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`README.md lacks ${BEGIN} ... ${END}`);
  return `${readme.slice(0, begin + BEGIN.length)}\n${list}\n${readme.slice(end)}`;
}

function main(): void {
  const file = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../README.md');
  const readme = readFileSync(file, 'utf8');
  const updated = replaceCommandList(readme, renderCommandList(allCommands()));
  if (updated === readme) return;
  if (process.argv.includes('--strict')) {
    process.stderr.write('README.md: the table of commands is out of date\n');
    process.exit(1);
  }
  writeFileSync(file, updated);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
