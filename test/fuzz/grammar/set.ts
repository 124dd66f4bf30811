// Sets. SPOP is asked for whole sets only: what it takes of a larger one is chance, and the servers
// would go different ways from there.

import type { Argument } from '../../support/arguments.ts';
import type { Family, Gen } from './base.ts';

/** Few different members, mostly integers or mostly not, so that all encodings come by. */
function member(g: Gen): Argument {
  const { random } = g;
  if (random.oneIn(10)) return g.value();
  if (random.oneIn(2)) return String(random.between(-5, 40));
  return random.pick(['a', 'b', 'c', 'd', 'elephant', '007', '70000', '-9223372036854775808']);
}

function members(g: Gen): Argument[] {
  const { random } = g;
  if (random.oneIn(50)) {
    const from = random.between(-100, 100);
    const prefix = random.pick(['', '', 'member:']);
    return Array.from({ length: random.between(100, 700) }, (_, i) => `${prefix}${from + i}`);
  }
  const most = random.oneIn(8) ? 20 : 4;
  return Array.from({ length: random.between(1, most) }, () => member(g));
}

export const setFamily: Family = {
  name: 'set',
  rules: [
    {
      name: 'SADD',
      weight: 14,
      keyed: true,
      make: (g) => [g.token('SADD'), g.key(), ...members(g)],
    },
    {
      name: 'SREM',
      weight: 5,
      keyed: true,
      make: (g) => [g.token('SREM'), g.key(), ...members(g)],
    },
    {
      name: 'SISMEMBER',
      weight: 4,
      keyed: true,
      make: (g) => [g.token('SISMEMBER'), g.key(), member(g)],
    },
    {
      name: 'SMISMEMBER',
      weight: 3,
      keyed: true,
      make: (g) => [g.token('SMISMEMBER'), g.key(), ...members(g)],
    },
    {
      name: 'SMEMBERS',
      weight: 6,
      keyed: true,
      make: (g) => [g.token(g.random.pick(['SMEMBERS', 'SMEMBERS', 'SCARD'])), g.key()],
    },
    {
      name: 'SMOVE',
      weight: 4,
      make: (g) => [g.token('SMOVE'), g.key(), g.key(), member(g)],
    },
    {
      name: 'SPOP',
      weight: 1,
      keyed: true,
      make: (g) => [g.token('SPOP'), g.key(), g.random.pick(['5000', '0', '-1', 'x'])],
    },
    {
      name: 'SRANDMEMBER',
      weight: 4,
      keyed: true,
      make: (g) => [
        g.token('SRANDMEMBER'),
        g.key(),
        ...(g.random.oneIn(4) ? [] : [g.small(-20, 20)]),
      ],
    },
    {
      name: 'SINTER',
      weight: 6,
      make: (g) => {
        const name = g.random.pick(['SINTER', 'SUNION', 'SDIFF']);
        const store = g.random.oneIn(3);
        return [...(store ? [g.token(`${name}STORE`), g.key()] : [g.token(name)]), ...g.keys(4)];
      },
    },
    {
      name: 'SINTERCARD',
      weight: 4,
      since: '7.0',
      make: (g) => {
        const keys = g.keys(4);
        return [
          g.token('SINTERCARD'),
          g.random.oneIn(12) ? g.integer() : String(keys.length),
          ...keys,
          ...g.options(() => [g.token('LIMIT'), g.small(-1, 20)]),
        ];
      },
    },
    {
      name: 'SSCAN',
      weight: 4,
      keyed: true,
      make: (g) => [
        g.token('SSCAN'),
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
