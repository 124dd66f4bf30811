// Streams and consumer groups.
//
// Ids are given, not made from the clock, and mostly rise, so that entries are accepted and meet each
// other. Idle times that decide something are either none or far beyond what a run can take.

import type { Argument } from '../../support/arguments.ts';
import type { Family, Gen } from './base.ts';

const GROUPS = ['g1', 'g2', 'g\0', ''];
const CONSUMERS = ['alice', 'bob', ''];
const FAR_IDLE_MS = '100000000';
const MAX = '18446744073709551615';

/** How far ids have come. */
const clocks = new WeakMap<Gen, number>();

function tick(g: Gen): number {
  const now = (clocks.get(g) ?? 0) + g.random.below(3);
  clocks.set(g, now);
  return now;
}

const EDGE_IDS = [
  '0',
  '0-0',
  '0-1',
  `0-${MAX}`,
  `${MAX}-${MAX}`,
  MAX,
  '-',
  '+',
  '$',
  '>',
  '',
  '-1',
  '1-',
  '1--1',
  '01-02',
  '+1-+2',
  ' 1- 2',
  '1-1-1',
  '18446744073709551616',
  '1-*',
  'x',
  '5\0-1',
  '(1',
];

/** The id of an entry that may be there. */
function id(g: Gen): string {
  const { random } = g;
  if (random.oneIn(12)) return random.pick(EDGE_IDS);
  const ms = Math.max(0, (clocks.get(g) ?? 0) - random.below(random.oneIn(3) ? 120 : 12));
  if (random.oneIn(4)) return String(ms);
  return `${ms}-${random.below(3)}`;
}

function ids(g: Gen): string[] {
  return Array.from({ length: g.random.between(1, g.random.oneIn(10) ? 12 : 3) }, () => id(g));
}

function newId(g: Gen): string {
  const { random } = g;
  if (random.oneIn(25)) return id(g);
  return random.oneIn(3) ? `${tick(g)}-*` : `${tick(g) + 1}-${random.below(3)}`;
}

function bound(g: Gen): string {
  const { random } = g;
  if (random.oneIn(4)) return random.pick(['-', '+']);
  return random.oneIn(5) ? `(${id(g)}` : id(g);
}

function fields(g: Gen): Argument[] {
  const { random } = g;
  if (random.oneIn(3)) return ['f', String(random.below(200))];
  if (random.oneIn(3)) return ['name', g.value(), 'age', String(random.below(100))];
  const count = random.oneIn(15) ? 40 : 3;
  return Array.from({ length: random.between(1, count) }, () => [g.word(), g.value()]).flat();
}

function group(g: Gen): string {
  return g.random.oneIn(3) ? g.random.pick(GROUPS) : 'g1';
}

function consumer(g: Gen): string {
  return g.random.pick(CONSUMERS);
}

function trim(g: Gen): Argument[] {
  const { random } = g;
  const operator = random.pick([[], ['='], ['~'], ['~']]);
  const threshold = random.oneIn(2)
    ? [g.token('MAXLEN'), ...operator, g.small(-1, 20)]
    : [g.token('MINID'), ...operator, id(g)];
  const limited = operator[0] === '~' ? random.oneIn(2) : random.oneIn(15);
  return limited ? [...threshold, g.token('LIMIT'), g.small(-1, 60)] : threshold;
}

function idle(g: Gen): string {
  return g.random.oneIn(20) ? g.integer() : g.random.pick(['0', '0', FAR_IDLE_MS]);
}

function count(g: Gen): Argument[] {
  return [g.token('COUNT'), g.small(-1, 6)];
}

function claimOptions(g: Gen): Argument[] {
  return g.options(
    () => [g.token('IDLE'), FAR_IDLE_MS],
    () => [g.token('TIME'), String(1_700_000_000_000)],
    () => [g.token('RETRYCOUNT'), g.small(-1, 5)],
    () => [g.token('FORCE')],
    () => [g.token('JUSTID')],
    () => [g.token('LASTID'), id(g)],
  );
}

/** XREAD and XREADGROUP: keys, then as many ids. */
function streams(g: Gen, own: string): Argument[] {
  const keys = g.keys(3);
  const from = keys.map(() => (g.random.oneIn(2) ? own : id(g)));
  if (g.random.oneIn(20)) from.pop();
  return [g.token('STREAMS'), ...keys, ...from];
}

export const streamFamily: Family = {
  name: 'stream',
  rules: [
    {
      name: 'XADD',
      weight: 24,
      keyed: true,
      make: (g) => [
        g.token('XADD'),
        g.key(),
        ...g.options(
          () => [g.token('NOMKSTREAM')],
          () => (g.random.oneIn(4) ? trim(g) : []),
        ),
        newId(g),
        ...fields(g),
      ],
    },
    {
      name: 'XTRIM',
      weight: 3,
      keyed: true,
      make: (g) => [g.token('XTRIM'), g.key(), ...trim(g)],
    },
    { name: 'XLEN', weight: 2, keyed: true, make: (g) => [g.token('XLEN'), g.key()] },
    {
      name: 'XRANGE',
      weight: 5,
      keyed: true,
      make: (g) => [g.token('XRANGE'), g.key(), bound(g), bound(g), ...g.options(() => count(g))],
    },
    {
      name: 'XREVRANGE',
      weight: 5,
      keyed: true,
      make: (g) => [
        g.token('XREVRANGE'),
        g.key(),
        bound(g),
        bound(g),
        ...g.options(() => count(g)),
      ],
    },
    { name: 'XDEL', weight: 4, keyed: true, make: (g) => [g.token('XDEL'), g.key(), ...ids(g)] },
    {
      // Since 7.2 it looks at the largest deleted id, too.
      name: 'XSETID',
      since: '7.2',
      weight: 2,
      keyed: true,
      make: (g) => [
        g.token('XSETID'),
        g.key(),
        g.random.oneIn(2) ? newId(g) : id(g),
        ...g.options(
          () => [g.token('ENTRIESADDED'), g.small(-1, 60)],
          () => [g.token('MAXDELETEDID'), id(g)],
        ),
      ],
    },
    {
      name: 'XREAD',
      weight: 5,
      make: (g) => [
        g.token('XREAD'),
        ...g.options(() => count(g)),
        ...streams(g, g.random.pick(['0', '$'])),
      ],
    },
    {
      name: 'XREADGROUP',
      weight: 16,
      make: (g) => [
        g.token('XREADGROUP'),
        ...(g.random.oneIn(30) ? [] : [g.token('GROUP'), group(g), consumer(g)]),
        ...g.options(
          () => count(g),
          () => (g.random.oneIn(3) ? [g.token('NOACK')] : []),
        ),
        ...streams(g, '>'),
      ],
    },
    {
      name: 'XGROUP CREATE',
      weight: 8,
      make: (g) => [
        g.token('XGROUP'),
        g.token('CREATE'),
        g.key(),
        group(g),
        g.random.pick(['0', '$', id(g)]),
        ...g.options(
          () => [g.token('MKSTREAM')],
          () => [g.token('ENTRIESREAD'), g.small(-2, 30)],
        ),
      ],
    },
    {
      name: 'XGROUP SETID',
      weight: 2,
      make: (g) => [
        g.token('XGROUP'),
        g.token('SETID'),
        g.key(),
        group(g),
        g.random.pick(['0', '$', id(g)]),
        ...g.options(() => [g.token('ENTRIESREAD'), g.small(-2, 30)]),
      ],
    },
    {
      name: 'XGROUP DESTROY',
      weight: 1,
      make: (g) => [g.token('XGROUP'), g.token('DESTROY'), g.key(), group(g)],
    },
    {
      name: 'XGROUP CREATECONSUMER',
      weight: 2,
      make: (g) => [
        g.token('XGROUP'),
        g.token(g.random.pick(['CREATECONSUMER', 'DELCONSUMER'])),
        g.key(),
        group(g),
        consumer(g),
      ],
    },
    {
      name: 'XACK',
      weight: 6,
      keyed: true,
      make: (g) => [g.token('XACK'), g.key(), group(g), ...ids(g)],
    },
    {
      name: 'XPENDING',
      weight: 6,
      keyed: true,
      make: (g) => [
        g.token('XPENDING'),
        g.key(),
        group(g),
        ...(g.random.oneIn(3)
          ? []
          : [
              ...(g.random.oneIn(4) ? [g.token('IDLE'), idle(g)] : []),
              bound(g),
              bound(g),
              g.small(-1, 8),
              ...(g.random.oneIn(3) ? [consumer(g)] : []),
            ]),
      ],
    },
    {
      name: 'XCLAIM',
      weight: 6,
      keyed: true,
      make: (g) => [
        g.token('XCLAIM'),
        g.key(),
        group(g),
        consumer(g),
        idle(g),
        ...ids(g),
        ...claimOptions(g),
      ],
    },
    {
      name: 'XAUTOCLAIM',
      weight: 5,
      keyed: true,
      make: (g) => [
        g.token('XAUTOCLAIM'),
        g.key(),
        group(g),
        consumer(g),
        idle(g),
        g.random.oneIn(3) ? bound(g) : '0',
        ...g.options(
          () => count(g),
          () => [g.token('JUSTID')],
        ),
      ],
    },
    {
      name: 'XINFO STREAM',
      weight: 3,
      make: (g) => [g.token('XINFO'), g.token('STREAM'), g.key()],
    },
    {
      name: 'XINFO GROUPS',
      weight: 3,
      make: (g) => [g.token('XINFO'), g.token('GROUPS'), g.key()],
    },
    {
      name: 'XINFO HELP',
      weight: 1,
      make: (g) => [g.token(g.random.pick(['XINFO', 'XGROUP'])), g.token('HELP')],
    },
  ],
};
