// Commands that move values between servers in their serialized form.

import { block, integer, key, keyAt, oneof, string, token } from './grammar.ts';
import type { CommandSpec } from './spec.ts';

/** RESTORE, and what a node of a cluster uses in its place. */
const restore = {
  owner: 'core',
  file: 'dump',
  handler: 'restoreCommand',
  arity: -4,
  categories: ['keyspace', 'dangerous'],
  keys: [keyAt(1, ['OW', 'update'])],
  args: [
    key('key', 0),
    integer('ttl'),
    string('serialized-value'),
    token('REPLACE', 'replace', { optional: true, since: '3.0.0' }),
    token('ABSTTL', 'absttl', { optional: true, since: '5.0.0' }),
    integer('seconds', { token: 'IDLETIME', optional: true, since: '5.0.0' }),
    integer('frequency', { token: 'FREQ', optional: true, since: '5.0.0' }),
  ],
  complexity:
    'O(1) for strings; O(N*M) for N elements of M bytes, O(N*M*log(N)) for large sorted sets',
  history: [
    ['3.0.0', 'Added REPLACE.'],
    ['5.0.0', 'Added ABSTTL.'],
    ['5.0.0', 'Added IDLETIME and FREQ.'],
  ],
  reply: 'ok',
} satisfies Partial<CommandSpec>;

export const migrationCommands: CommandSpec[] = [
  {
    name: 'dump',
    owner: 'core',
    file: 'dump',
    arity: 2,
    flags: ['readonly', 'timed'],
    categories: ['keyspace'],
    keys: [keyAt(1, ['RO', 'access'])],
    args: [key('key', 0)],
    group: 'generic',
    since: '2.6.0',
    complexity: 'O(1) for strings; O(N*M) for N elements of M bytes',
    summary: 'Returns the value of a key in a form that RESTORE takes.',
    hints: ['nondeterministic_output'],
    notes: 'RDB version 10, which Redis 7.0 reads; 12 for hashes with expiring fields.',
    reply: 'bulk-or-null',
  },
  {
    name: 'migrate',
    owner: 'host',
    arity: -6,
    flags: ['write', 'timed'],
    categories: ['keyspace', 'dangerous'],
    keys: [
      keyAt(3, ['RW', 'access', 'delete']),
      {
        flags: ['RW', 'access', 'delete', 'incomplete'],
        begin: { type: 'keyword', keyword: 'KEYS', startFrom: -2 },
        find: { type: 'range', lastKey: -1, step: 1, limit: 0 },
      },
    ],
    keyExtractor: 'migrate',
    args: [
      string('host'),
      integer('port'),
      oneof('key-selector', [key('key', 0), token('""', 'empty-string')]),
      integer('destination-db'),
      integer('timeout'),
      token('COPY', 'copy', { optional: true, since: '3.0.0' }),
      token('REPLACE', 'replace', { optional: true, since: '3.0.0' }),
      oneof(
        'authentication',
        [
          string('auth', { token: 'AUTH', display: 'password', since: '4.0.7' }),
          block('auth2', [string('username'), string('password')], {
            token: 'AUTH2',
            since: '6.0.0',
          }),
        ],
        { optional: true },
      ),
      key('keys', 1, {
        token: 'KEYS',
        display: 'key',
        optional: true,
        multiple: true,
        since: '3.0.6',
      }),
    ],
    group: 'generic',
    since: '2.6.0',
    complexity: 'O(N*M) for N elements of M bytes here and at the target, and their way there',
    summary: 'Carries keys to another server and deletes them here.',
    history: [
      ['3.0.0', 'Added COPY and REPLACE.'],
      ['3.0.6', 'Added KEYS.'],
      ['4.0.7', 'Added AUTH.'],
      ['6.0.0', 'Added AUTH2.'],
    ],
    hints: ['nondeterministic_output'],
    notes:
      'Commands that only read are served meanwhile; those that write wait until the keys have arrived.',
    reply: ['ok', 'simple-string'],
  },
  {
    ...restore,
    name: 'restore',
    flags: ['write', 'denyoom', 'timed'],
    group: 'generic',
    since: '2.6.0',
    summary: 'Creates a key from what DUMP returned.',
    notes: 'Payloads are verified in depth, whatever `sanitize-dump-payload` says.',
  },
  {
    ...restore,
    name: 'restore-asking',
    flags: ['write', 'denyoom', 'asking', 'timed'],
    group: 'server',
    since: '3.0.0',
    system: true,
    summary: 'Creates a key that another node of the cluster hands over.',
  },
];
