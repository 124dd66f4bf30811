// SORT over keys of its own: lists, sets and sorted sets of few different elements, with weights and
// hashes named after them.

import type { Argument } from '../../support/arguments.ts';
import type { Family, Gen } from './base.ts';

const SOURCES = ['sort:list', 'sort:set', 'sort:ints', 'sort:zset'];

function element(g: Gen): Argument {
  const { random } = g;
  if (random.oneIn(60)) return random.pick(['', ' 7', '0x1F', 'inf', 'nan', 'a*b']);
  if (random.oneIn(25)) return random.pick(['x', 'y', 'X', 'xx']);
  return String(random.between(-3, 25));
}

function pattern(g: Gen): Argument {
  return g.random.pick([
    'w:*',
    'w:*',
    'w:*',
    'h:*->f',
    'h:*->g',
    '#',
    'nosort',
    'w:',
    '*',
    'h:*->',
    'w*->f*',
    'w:\0*',
    '#x',
    '',
  ]);
}

/**
 * Sets, and sorted sets that are sorted, come in the order of a hash table, which would show where the
 * order asked for leaves something open: by weights as texts, and for sets without any order.
 */
function order(g: Gen, from: Argument): Argument[] {
  const { random } = g;
  const isSet = from === 'sort:set' || from === 'sort:ints';
  const alpha = random.oneIn(3) ? [g.token('ALPHA')] : [];
  if (random.oneIn(3)) return alpha;
  if (from === 'sort:list') return [g.token('BY'), pattern(g), ...alpha];
  if (isSet || random.oneIn(2)) return [g.token('BY'), random.pick(['w:*', 'h:*->f'])];
  return [g.token('BY'), random.pick(['nosort', 'w:', '']), ...alpha];
}

function sort(g: Gen): Argument[] {
  const { random } = g;
  const from = random.oneIn(15) ? g.key() : random.pick(SOURCES);
  const others = g.options(
    () => [g.token('LIMIT'), g.small(-2, 12), g.small(-2, 12)],
    () => [g.token('GET'), pattern(g)],
    () => [g.token('GET'), pattern(g), g.token('GET'), pattern(g)],
    () => [g.token(random.pick(['ASC', 'DESC']))],
  );
  const by = order(g, from);
  return [
    g.token(random.oneIn(4) && g.has('7.0') ? 'SORT_RO' : 'SORT'),
    from,
    ...(random.oneIn(2) ? [...by, ...others] : [...others, ...by]),
    ...(random.oneIn(4) ? [g.token('STORE'), random.pick(['sort:list', 'sort:out'])] : []),
  ];
}

export const sortFamily: Family = {
  name: 'sort',
  rules: [
    {
      name: 'SORT',
      weight: 14,
      make: sort,
    },
    {
      name: 'RPUSH',
      weight: 6,
      make: (g) => [
        g.token('RPUSH'),
        'sort:list',
        ...Array.from({ length: g.random.between(1, 20) }, () => element(g)),
        // The same as 1 where texts end at a zero byte: in sets the table would show.
        ...(g.random.oneIn(20) ? ['1\0b'] : []),
      ],
    },
    {
      name: 'SADD',
      weight: 3,
      make: (g) => [g.token('SADD'), 'sort:set', element(g), element(g), element(g)],
    },
    {
      name: 'SADD of integers',
      weight: 3,
      make: (g) => [
        g.token('SADD'),
        'sort:ints',
        ...Array.from({ length: g.random.between(1, 9) }, () => String(g.random.below(80))),
      ],
    },
    {
      name: 'ZADD',
      weight: 4,
      make: (g) => [
        g.token('ZADD'),
        'sort:zset',
        ...Array.from({ length: g.random.between(1, 9) }, () => [
          g.small(0, 9),
          String(g.random.below(60)),
        ]).flat(),
      ],
    },
    {
      name: 'SET',
      weight: 6,
      make: (g) => [
        g.token('SET'),
        `w:${g.random.between(-3, 25)}`,
        g.random.oneIn(20) ? g.value() : g.random.oneIn(2) ? g.small(0, 9) : g.word(),
      ],
    },
    {
      name: 'HSET',
      weight: 4,
      make: (g) => [
        g.token('HSET'),
        `h:${g.random.between(-3, 25)}`,
        g.random.pick(['f', 'g']),
        g.random.oneIn(3) ? g.word() : g.small(0, 9),
      ],
    },
    { name: 'LRANGE', weight: 4, make: (g) => [g.token('LRANGE'), 'sort:out', '0', '-1'] },
    { name: 'OBJECT', weight: 2, make: (g) => [g.token('OBJECT'), 'ENCODING', 'sort:zset'] },
    { name: 'LTRIM', weight: 2, make: (g) => [g.token('LTRIM'), 'sort:list', '0', g.small(5, 60)] },
    {
      name: 'DEL',
      weight: 1,
      make: (g) => [g.token('DEL'), g.random.pick([...SOURCES, 'sort:out', 'w:1', 'h:1'])],
    },
  ],
};
