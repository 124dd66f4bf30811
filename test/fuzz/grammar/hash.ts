// Hashes, without expiries of fields: the oracle has none.

import type { Argument } from '../../support/arguments.ts';
import type { Family, Gen } from './base.ts';

/** Few different fields, so that commands meet them; now and then any bytes. */
function field(g: Gen): Buffer {
  const { random } = g;
  if (random.oneIn(8)) return g.value();
  return Buffer.from(random.pick(['a', 'b', 'c', 'd', '1', '2', '-3', '70000', 'elephant']));
}

function fieldValue(g: Gen): Argument {
  const { random } = g;
  if (random.oneIn(2)) return g.value();
  return random.oneIn(2) ? g.integer() : g.float();
}

/** Pairs, now and then so many or so long that the hash becomes a table. */
function pairs(g: Gen): Argument[] {
  const { random } = g;
  if (random.oneIn(60)) {
    const count = random.between(100, 600);
    return Array.from({ length: count }, (_, i) => [`field:${i}`, String(i)]).flat();
  }
  const most = random.oneIn(8) ? 20 : 3;
  return Array.from({ length: random.between(1, most) }, () => [field(g), fieldValue(g)]).flat();
}

function fields(g: Gen): Buffer[] {
  const most = g.random.oneIn(8) ? 20 : 3;
  return Array.from({ length: g.random.between(1, most) }, () => field(g));
}

export const hashFamily: Family = {
  name: 'hash',
  rules: [
    {
      name: 'HSET',
      weight: 14,
      keyed: true,
      make: (g) => [g.token(g.random.oneIn(4) ? 'HMSET' : 'HSET'), g.key(), ...pairs(g)],
    },
    {
      name: 'HSETNX',
      weight: 3,
      keyed: true,
      make: (g) => [g.token('HSETNX'), g.key(), field(g), fieldValue(g)],
    },
    {
      name: 'HINCRBY',
      weight: 6,
      keyed: true,
      make: (g) => [g.token('HINCRBY'), g.key(), field(g), g.integer()],
    },
    {
      name: 'HINCRBYFLOAT',
      weight: 6,
      keyed: true,
      make: (g) => [g.token('HINCRBYFLOAT'), g.key(), field(g), g.float()],
    },
    {
      name: 'HGET',
      weight: 6,
      keyed: true,
      make: (g) => [g.token(g.random.pick(['HGET', 'HEXISTS', 'HSTRLEN'])), g.key(), field(g)],
    },
    {
      name: 'HMGET',
      weight: 4,
      keyed: true,
      make: (g) => [g.token('HMGET'), g.key(), ...fields(g)],
    },
    {
      name: 'HDEL',
      weight: 4,
      keyed: true,
      make: (g) => [g.token('HDEL'), g.key(), ...fields(g)],
    },
    {
      name: 'HGETALL',
      weight: 6,
      keyed: true,
      make: (g) => [g.token(g.random.pick(['HGETALL', 'HKEYS', 'HVALS', 'HLEN'])), g.key()],
    },
    {
      name: 'HRANDFIELD',
      weight: 4,
      keyed: true,
      make: (g) => [
        g.token('HRANDFIELD'),
        g.key(),
        ...(g.random.oneIn(4) ? [] : [g.small(-20, 20)]),
        ...(g.random.oneIn(3) ? [g.token('WITHVALUES')] : []),
      ],
    },
    {
      name: 'HSCAN',
      weight: 4,
      keyed: true,
      make: (g) => [
        g.token('HSCAN'),
        g.key(),
        g.random.oneIn(10) ? g.integer() : '0',
        ...g.options(() => [g.token('MATCH'), g.pattern()]),
        ...(g.random.oneIn(10) ? [g.token('COUNT'), g.small(-1, 20)] : [g.token('COUNT'), '5000']),
      ],
    },
    {
      name: 'OBJECT ENCODING',
      weight: 2,
      make: (g) => [g.token('OBJECT'), g.token('ENCODING'), g.key()],
    },
    {
      name: 'DEL',
      weight: 2,
      keyed: true,
      make: (g) => [g.token(g.random.pick(['DEL', 'UNLINK'])), g.key()],
    },
    {
      name: 'COPY',
      weight: 2,
      make: (g) => [g.token('COPY'), g.key(), g.key(), ...g.options(() => [g.token('REPLACE')])],
    },
  ],
};
