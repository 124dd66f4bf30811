// BACKUP: online backups by putting the files of the append-only log aside.

import type { CommandSpec } from './spec.ts';

const ALL = {
  owner: 'host',
  categories: [],
  keys: [],
  args: [],
  group: 'server',
  since: '8.10.0',
} satisfies Partial<CommandSpec>;

/** What those have in common that change something. */
const CHANGE = {
  ...ALL,
  arity: 2,
  flags: ['admin', 'noscript', 'timed'],
  complexity: 'O(1)',
  reply: 'ok',
} satisfies Partial<CommandSpec>;

/** And those that only tell something. */
const QUESTION = { ...CHANGE, flags: ['admin', 'stale', 'timed'] } satisfies Partial<CommandSpec>;

export const backupCommands: CommandSpec[] = [
  {
    ...ALL,
    name: 'backup',
    arity: -2,
    flags: [],
    complexity: 'Depends on the subcommand.',
    summary: 'Groups the commands about backups.',
    reply: 'none',
    subcommands: [
      { ...CHANGE, name: 'abort', summary: 'Calls off a backup that is not sealed yet.' },
      { ...CHANGE, name: 'cleanup', summary: 'Removes the files of a backup that was copied.' },
      {
        ...QUESTION,
        name: 'help',
        flags: ['loading', 'stale', 'timed'],
        summary: 'Lists the subcommands of BACKUP.',
        reply: 'array',
      },
      {
        ...QUESTION,
        name: 'list',
        summary: 'Gives the paths of the files that belong to the backup so far.',
        reply: 'array',
      },
      {
        ...CHANGE,
        name: 'seal',
        summary: 'Ends a backup: its files do not change any more.',
      },
      {
        ...CHANGE,
        name: 'start',
        summary: 'Begins a backup in the directory of the directive `backupdirname`.',
      },
      {
        ...QUESTION,
        name: 'status',
        summary: 'Tells how far the backup is.',
        reply: { resp2: 'array', resp3: 'map' },
      },
    ],
  },
];
