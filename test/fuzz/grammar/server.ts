// Connections and the server itself: what has a reply that does not depend on time or machine.

import type { Argument } from '../../support/arguments.ts';
import type { Family, Gen } from './base.ts';

function getKeys(g: Gen): Argument[] {
  return g.random.pick<() => Argument[]>([
    () => ['SET', g.key(), g.value()],
    () => ['MSET', ...g.keys(3).flatMap((key) => [key, 'v'])],
    () => ['MGET', ...g.keys(3)],
    () => ['BITOP', 'AND', g.key(), ...g.keys(3)],
    () => ['COPY', g.key(), g.key(), 'DB', '1'],
    () => ['RENAME', g.key(), g.key()],
    () => ['OBJECT', 'ENCODING', g.key()],
    () => ['BITFIELD', g.key(), 'SET', 'u8', '0', '1'],
    () => ['LCS', g.key(), g.key()],
    () => ['EXPIRE', g.key(), '100'],
    () => ['SET', g.key()],
    () => ['NOSUCH', g.key()],
  ])();
}

const COMMAND_NAMES = [
  'get',
  'SET',
  'append',
  'bitcount',
  'bitfield',
  'bitop',
  'copy',
  'del',
  'exists',
  'expire',
  'getex',
  'incrbyfloat',
  'keys',
  'lcs',
  'mset',
  'object',
  'object|encoding',
  'rename',
  'scan',
  'touch',
  'nosuch',
  'object|nosuch',
];

const SETTINGS: [name: string, values: string[]][] = [
  ['maxmemory-policy', ['noeviction', 'allkeys-lru', 'volatile-ttl', 'nosuch', '']],
  ['maxmemory-samples', ['1', '5', '64', '0', '-1', 'x', '1.5', '2147483648']],
  ['hz', ['10', '50', '0', '501', 'x']],
  ['timeout', ['0', '100000', '-1', 'x']],
  ['lfu-log-factor', ['10', '0', '-1', 'x']],
  ['lfu-decay-time', ['1', '0', '-1']],
  ['lazyfree-lazy-expire', ['yes', 'no', 'YES', 'maybe', '']],
  ['lazyfree-lazy-server-del', ['yes', 'no', 'x']],
  ['maxmemory', ['0', '1gb', '512mb', '1GBx', '-1', 'x', '1e9']],
  ['slowlog-max-len', ['128', '0', '10', '-1']],
  ['proto-max-bulk-len', ['512mb', '1mb', '1', 'x']],
  ['notify-keyspace-events', ['', 'KEA', 'Kg', 'x$', 'gxe', '?']],
  ['save', ['', '900 1', '900 1 300 10', 'x', '1', '0 0']],
  ['latency-monitor-threshold', ['0', '-1', 'x']],
  ['databases', ['16', '20']],
  ['nosuch', ['1']],
];

/** Settings of an epoch's start, so that runs and replays begin alike. */
export const START_SETTINGS: [name: string, value: string][] = [
  ['maxmemory-policy', 'noeviction'],
  ['maxmemory-samples', '5'],
  ['hz', '10'],
  ['timeout', '0'],
  ['lfu-log-factor', '10'],
  ['lfu-decay-time', '1'],
  ['lazyfree-lazy-expire', 'no'],
  ['lazyfree-lazy-server-del', 'no'],
  ['maxmemory', '0'],
  ['slowlog-log-slower-than', '-1'],
  ['slowlog-max-len', '128'],
  ['proto-max-bulk-len', '512mb'],
  ['notify-keyspace-events', ''],
  ['save', ''],
  ['latency-monitor-threshold', '0'],
];

function setting(g: Gen): Argument[] {
  const [name, values] = g.random.pick(SETTINGS);
  return [g.token(name), g.random.pick(values)];
}

export const connectionFamily: Family = {
  name: 'connection',
  rules: [
    {
      name: 'PING',
      weight: 3,
      make: (g) => [g.token('PING'), ...(g.random.oneIn(2) ? [] : [g.value()])],
    },
    { name: 'ECHO', weight: 2, make: (g) => [g.token('ECHO'), g.value()] },
    {
      name: 'HELLO',
      weight: 2,
      make: (g) => [
        g.token('HELLO'),
        ...(g.random.oneIn(6) ? [] : [g.random.pick(['2', '3', '2', '3', '1', '4', 'x', ''])]),
        ...g.options(
          () => [g.token('SETNAME'), g.random.pick(['me', 'you', 'a b', '', 'x\n'])],
          () => [g.token('AUTH'), g.random.pick(['default', 'nosuch']), 'password'],
          () => [g.token('NOSUCH')],
        ),
      ],
    },
    { name: 'RESET', weight: 1, make: (g) => [g.token('RESET')] },
    { name: 'QUIT', weight: 1, make: () => ({ args: [Buffer.from('QUIT')], ends: true }) },
    {
      name: 'AUTH',
      weight: 1,
      make: (g) => [
        g.token('AUTH'),
        ...g.options(
          () => ['default'],
          () => ['secret'],
        ),
      ],
    },
    {
      name: 'CLIENT',
      weight: 4,
      make: (g) => [
        g.token('CLIENT'),
        ...g.random.pick<() => Argument[]>([
          () => [g.token('SETNAME'), g.random.pick(['me', 'you', 'a b', '', 'x\n', 'é'])],
          () => [g.token('GETNAME')],
          () => [g.token('ID')],
          () => [g.token('NO-EVICT'), g.token(g.random.pick(['ON', 'OFF', 'x']))],
          () => [g.token('GETREDIR')],
          () => [g.token('TRACKINGINFO')],
          () => [g.token('UNBLOCK'), g.random.pick(['99999', 'x', '-1']), g.token('ERROR')],
          () => [g.token('KILL'), g.token('ID'), g.random.pick(['0', '-1', 'x', '999999'])],
          () => [g.token('KILL'), '1.2.3.4:5'],
          () => [g.token('LIST'), g.token('TYPE'), g.random.pick(['nosuch', 'replica', 'pubsub'])],
          () => [g.token('LIST'), g.token('ID'), g.random.pick(['x', '999999'])],
          () => [g.token('NOSUCH')],
          () => [g.token('UNPAUSE')],
        ])(),
      ],
    },
    {
      name: 'CLIENT REPLY',
      weight: 1,
      make: (g) => [
        g.token('CLIENT'),
        g.token('REPLY'),
        g.token(g.random.pick(['ON', 'OFF', 'SKIP'])),
      ],
    },
    {
      name: 'unknown command',
      weight: 1,
      make: (g) => [g.random.pick(['nosuch', 'G\0T', '', 'get ', 'x'.repeat(200)]), g.value()],
    },
  ],
};

export const serverFamily: Family = {
  name: 'server',
  rules: [
    {
      name: 'COMMAND GETKEYS',
      weight: 3,
      make: (g) => [
        g.token('COMMAND'),
        g.token(g.random.pick(['GETKEYS', 'GETKEYSANDFLAGS'])),
        ...getKeys(g),
      ],
    },
    {
      name: 'COMMAND INFO',
      weight: 2,
      make: (g) => [g.token('COMMAND'), g.token('INFO'), g.random.pick(COMMAND_NAMES)],
    },
    {
      name: 'COMMAND LIST',
      weight: 1,
      make: (g) => [
        g.token('COMMAND'),
        g.token('LIST'),
        g.token('FILTERBY'),
        ...g.random.pick([
          ['PATTERN', 'setb*'],
          ['PATTERN', 'nosuch*'],
          ['ACLCAT', 'bitmap'],
          ['ACLCAT', 'nosuch'],
          ['MODULE', 'nosuch'],
          ['NOSUCH', 'x'],
        ]),
      ],
    },
    {
      name: 'CONFIG GET',
      weight: 3,
      make: (g) => {
        const names = [setting(g)[0], ...(g.random.oneIn(3) ? [setting(g)[0]] : [])];
        return [g.token('CONFIG'), g.token('GET'), ...names.map((name) => name ?? '')];
      },
    },
    {
      name: 'CONFIG SET',
      weight: 3,
      make: (g) => [
        g.token('CONFIG'),
        g.token('SET'),
        ...setting(g),
        ...(g.random.oneIn(3) ? setting(g) : []),
      ],
    },
    {
      name: 'SLOWLOG',
      weight: 1,
      make: (g) => [
        g.token('SLOWLOG'),
        g.token(g.random.pick(['LEN', 'RESET', 'GET', 'NOSUCH'])),
        ...g.options(() => [g.small(-2, 3)]),
      ],
    },
    {
      name: 'LATENCY',
      weight: 1,
      make: (g) => [
        g.token('LATENCY'),
        g.token(g.random.pick(['LATEST', 'RESET', 'HISTORY', 'GRAPH', 'NOSUCH', 'HISTOGRAM'])),
        ...g.options(() => ['nosuch']),
      ],
    },
    { name: 'TIME', weight: 1, make: (g) => [g.token('TIME')] },
    {
      name: 'LOLWUT',
      weight: 1,
      make: (g) => [g.token('LOLWUT'), g.token('VERSION'), g.random.pick(['x', '', '1.5'])],
    },
    {
      name: 'wrong subcommands',
      weight: 2,
      make: (g) => [
        g.token(g.random.pick(['OBJECT', 'MEMORY', 'CONFIG', 'COMMAND', 'CLIENT', 'SLOWLOG'])),
        ...g.options(
          () => [g.word()],
          () => [g.value()],
        ),
      ],
    },
  ],
};
