// Places in sorted sets.

import { block, double, integer, key, keyAt, oneof, string, token } from './grammar.ts';
import type { ArgSpec, CommandSpec, KeySpec } from './spec.ts';

const unit = oneof('unit', [token('M'), token('KM'), token('FT'), token('MI')]);

const order = oneof('order', [token('ASC'), token('DESC')], { optional: true });

const withPosition = token('WITHCOORD', 'withcoord', { optional: true });
const withDistance = token('WITHDIST', 'withdist', { optional: true });
const withHash = token('WITHHASH', 'withhash', { optional: true });

function count(anySince?: string): ArgSpec {
  const more = anySince === undefined ? {} : { since: anySince };
  return block(
    'count-block',
    [integer('count', { token: 'COUNT' }), token('ANY', 'any', { optional: true, ...more })],
    { optional: true },
  );
}

/** Where GEOSEARCH searches, and around what. */
const area: ArgSpec[] = [
  oneof('from', [
    string('member', { token: 'FROMMEMBER' }),
    block('fromlonlat', [double('longitude'), double('latitude')], { token: 'FROMLONLAT' }),
  ]),
  oneof('by', [
    block('circle', [double('radius', { token: 'BYRADIUS' }), unit]),
    block('box', [double('width', { token: 'BYBOX' }), double('height'), unit]),
  ]),
];

function stored(keyword: string, startFrom: number): KeySpec {
  return {
    flags: ['OW', 'update'],
    begin: { type: 'keyword', keyword, startFrom },
    find: { type: 'range', lastKey: 0, step: 1, limit: 0 },
  };
}

const store = oneof(
  'store',
  [
    key('storekey', 1, { token: 'STORE', display: 'key' }),
    key('storedistkey', 2, { token: 'STOREDIST', display: 'key' }),
  ],
  { optional: true },
);

const POSITION: ArgSpec[] = [double('longitude'), double('latitude')];

export const geoCommands: CommandSpec[] = [
  {
    name: 'geoadd',
    owner: 'core',
    file: 'geo',
    arity: -5,
    flags: ['write', 'denyoom'],
    categories: ['geo'],
    keys: [keyAt(1, ['RW', 'update'])],
    args: [
      key('key', 0),
      oneof('condition', [token('NX'), token('XX')], { optional: true, since: '6.2.0' }),
      token('CH', 'change', { optional: true, since: '6.2.0' }),
      block('data', [double('longitude'), double('latitude'), string('member')], {
        multiple: true,
      }),
    ],
    group: 'geo',
    since: '3.2.0',
    complexity: 'O(log(N)) for each member, N being the number of members',
    summary: 'Adds places to a sorted set, or moves them.',
    history: [['6.2.0', 'Options `CH`, `NX` and `XX`.']],
    reply: 'integer',
  },
  {
    name: 'geodist',
    owner: 'core',
    file: 'geo',
    arity: -4,
    flags: ['readonly'],
    categories: ['geo'],
    keys: [keyAt(1, ['RO', 'access'])],
    args: [key('key', 0), string('member1'), string('member2'), { ...unit, optional: true }],
    group: 'geo',
    since: '3.2.0',
    complexity: 'O(1)',
    summary: 'Gives the distance between two places.',
    reply: 'bulk-or-null',
  },
  {
    name: 'geohash',
    owner: 'core',
    file: 'geo',
    arity: -2,
    flags: ['readonly'],
    categories: ['geo'],
    keys: [keyAt(1, ['RO', 'access'])],
    args: [key('key', 0), string('member', { optional: true, multiple: true })],
    group: 'geo',
    since: '3.2.0',
    complexity: 'O(1) for each member',
    summary: 'Gives the geohashes of places.',
    reply: 'array',
  },
  {
    name: 'geopos',
    owner: 'core',
    file: 'geo',
    arity: -2,
    flags: ['readonly'],
    categories: ['geo'],
    keys: [keyAt(1, ['RO', 'access'])],
    args: [key('key', 0), string('member', { optional: true, multiple: true })],
    group: 'geo',
    since: '3.2.0',
    complexity: 'O(1) for each member',
    summary: 'Gives the longitudes and latitudes of places.',
    reply: 'array',
  },
  {
    name: 'georadius',
    owner: 'core',
    file: 'geo_search',
    arity: -6,
    flags: ['write', 'denyoom', 'timed'],
    categories: ['geo'],
    keys: [keyAt(1, ['RO', 'access']), stored('STORE', 6), stored('STOREDIST', 6)],
    args: [
      key('key', 0),
      ...POSITION,
      double('radius'),
      unit,
      withPosition,
      withDistance,
      withHash,
      count('6.2.0'),
      order,
      store,
    ],
    group: 'geo',
    since: '3.2.0',
    complexity: 'O(N+log(M)), N being the members in and around the area and M all of them',
    summary: 'Finds the places around a position.',
    deprecated: {
      since: '6.2.0',
      replacedBy: '`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument',
    },
    history: [
      ['6.2.0', 'Option `ANY` of `COUNT`.'],
      ['7.0.0', 'Distances with upper-case units.'],
    ],
    reply: ['array', 'integer'],
  },
  {
    name: 'georadiusbymember',
    owner: 'core',
    file: 'geo_search',
    arity: -5,
    flags: ['write', 'denyoom', 'timed'],
    categories: ['geo'],
    keys: [keyAt(1, ['RO', 'access']), stored('STORE', 5), stored('STOREDIST', 5)],
    args: [
      key('key', 0),
      string('member'),
      double('radius'),
      unit,
      withPosition,
      withDistance,
      withHash,
      count(),
      order,
      store,
    ],
    group: 'geo',
    since: '3.2.0',
    complexity: 'O(N+log(M)), N being the members in and around the area and M all of them',
    summary: 'Finds the places around a member.',
    deprecated: {
      since: '6.2.0',
      replacedBy: '`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments',
    },
    history: [
      ['6.2.0', 'Option `ANY` of `COUNT`.'],
      ['7.0.0', 'Distances with upper-case units.'],
    ],
    reply: ['array', 'integer'],
  },
  {
    name: 'georadiusbymember_ro',
    owner: 'core',
    file: 'geo_search',
    arity: -5,
    flags: ['readonly', 'timed'],
    categories: ['geo'],
    keys: [keyAt(1, ['RO', 'access'])],
    args: [
      key('key', 0),
      string('member'),
      double('radius'),
      unit,
      withPosition,
      withDistance,
      withHash,
      count(),
      order,
    ],
    group: 'geo',
    since: '3.2.10',
    complexity: 'O(N+log(M)), N being the members in and around the area and M all of them',
    summary: 'Finds the places around a member; never stores them.',
    deprecated: {
      since: '6.2.0',
      replacedBy: '`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments',
    },
    history: [
      ['6.2.0', 'Option `ANY` of `COUNT`.'],
      ['7.0.0', 'Distances with upper-case units.'],
    ],
    reply: 'array',
  },
  {
    name: 'georadius_ro',
    owner: 'core',
    file: 'geo_search',
    arity: -6,
    flags: ['readonly', 'timed'],
    categories: ['geo'],
    keys: [keyAt(1, ['RO', 'access'])],
    args: [
      key('key', 0),
      ...POSITION,
      double('radius'),
      unit,
      withPosition,
      withDistance,
      withHash,
      count('6.2.0'),
      order,
    ],
    group: 'geo',
    since: '3.2.10',
    complexity: 'O(N+log(M)), N being the members in and around the area and M all of them',
    summary: 'Finds the places around a position; never stores them.',
    deprecated: { since: '6.2.0', replacedBy: '`GEOSEARCH` with the `BYRADIUS` argument' },
    history: [
      ['6.2.0', 'Option `ANY` of `COUNT`.'],
      ['7.0.0', 'Distances with upper-case units.'],
    ],
    reply: 'array',
  },
  {
    name: 'geosearch',
    owner: 'core',
    file: 'geo_search',
    arity: -7,
    flags: ['readonly', 'timed'],
    categories: ['geo'],
    keys: [keyAt(1, ['RO', 'access'])],
    args: [key('key', 0), ...area, order, count(), withPosition, withDistance, withHash],
    group: 'geo',
    since: '6.2.0',
    complexity: 'O(N+log(M)), N being the members in and around the area and M all of them',
    summary: 'Finds the places in a circle or a rectangle.',
    history: [['7.0.0', 'Upper-case units.']],
    reply: 'array',
  },
  {
    name: 'geosearchstore',
    owner: 'core',
    file: 'geo_search',
    arity: -8,
    flags: ['write', 'denyoom', 'timed'],
    categories: ['geo'],
    keys: [keyAt(1, ['OW', 'update']), keyAt(2, ['RO', 'access'])],
    args: [
      key('destination', 0),
      key('source', 1),
      ...area,
      order,
      count(),
      token('STOREDIST', 'storedist', { optional: true }),
    ],
    group: 'geo',
    since: '6.2.0',
    complexity: 'O(N+log(M)), N being the members in and around the area and M all of them',
    summary: 'Stores the places in a circle or a rectangle.',
    history: [['7.0.0', 'Upper-case units.']],
    reply: 'integer',
  },
];
