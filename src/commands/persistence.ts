// Snapshots: taking them, and handing one to whoever asks over a connection.

import { integer, string, token } from './grammar.ts';
import type { CommandSpec } from './spec.ts';

/** What all have in common that write a snapshot. */
const SAVE = {
  owner: 'host',
  arity: 1,
  flags: ['admin', 'noscript', 'no_async_loading', 'timed'],
  categories: [],
  keys: [],
  args: [],
  group: 'server',
} satisfies Partial<CommandSpec>;

/** And those that cannot be a part of a transaction. */
const ALONE = {
  ...SAVE,
  flags: ['admin', 'noscript', 'no_async_loading', 'no_multi', 'timed'],
} satisfies Partial<CommandSpec>;

const WAIT = {
  owner: 'host',
  flags: ['blocking', 'timed'],
  categories: ['connection'],
  keys: [],
  group: 'generic',
  complexity: 'O(1)',
  hints: ['request_policy:all_shards', 'response_policy:agg_min'],
  notes: 'There are no replicas: whoever wants one waits until the time is up.',
} satisfies Partial<CommandSpec>;

export const persistenceCommands: CommandSpec[] = [
  {
    ...SAVE,
    name: 'bgrewriteaof',
    since: '1.0.0',
    complexity: 'O(1)',
    summary: 'Rewrites the append-only file in the background.',
    reply: 'simple-string',
  },
  {
    ...SAVE,
    name: 'bgsave',
    arity: -1,
    args: [token('SCHEDULE', 'schedule', { optional: true, since: '3.2.2' })],
    since: '1.0.0',
    complexity: 'O(1)',
    summary: 'Saves a snapshot in the background.',
    history: [['3.2.2', 'Modifier `SCHEDULE`.']],
    notes: 'Without a child process: the data is walked in slices of time, between commands.',
    reply: 'simple-string',
  },
  {
    ...WAIT,
    name: 'wait',
    arity: 3,
    args: [integer('numreplicas'), integer('timeout')],
    since: '3.0.0',
    summary: 'Waits until replicas have what the client changed.',
    reply: 'integer',
  },
  {
    ...WAIT,
    name: 'waitaof',
    arity: 4,
    args: [integer('numlocal'), integer('numreplicas'), integer('timeout')],
    since: '7.2.0',
    summary: 'Waits until what the client changed is on the disk, here and on replicas.',
    reply: 'array',
  },
  {
    ...ALONE,
    name: 'save',
    since: '1.0.0',
    complexity: 'O(N), N being the number of keys in all databases',
    summary: 'Saves a snapshot while nothing else is served.',
    reply: 'ok',
  },
  {
    name: 'replconf',
    owner: 'host',
    arity: -1,
    flags: ['admin', 'noscript', 'loading', 'stale', 'allow_busy', 'timed'],
    categories: [],
    keys: [],
    args: [],
    group: 'server',
    since: '3.0.0',
    complexity: 'O(1)',
    summary: 'Tells what a replica, or a tool that asks for a snapshot, is and can do.',
    system: true,
    reply: ['ok', 'none'],
  },
  {
    ...ALONE,
    name: 'sync',
    since: '1.0.0',
    summary: 'Sends a snapshot.',
    notes: 'The connection ends with the snapshot: commands that follow are not sent yet.',
    reply: 'none',
  },
  {
    ...ALONE,
    name: 'psync',
    arity: -3,
    args: [string('replicationid'), integer('offset')],
    since: '2.8.0',
    summary: 'Sends a snapshot, with the identity of the history that it belongs to.',
    notes: 'As SYNC.',
    reply: 'none',
  },
];
