// HyperLogLogs, which are strings: GET compares all of their bytes.

import type { Argument } from '../../support/arguments.ts';
import type { Family, Gen } from './base.ts';

/** From few or from many, so that registers meet and sparse ones become dense. */
function elements(g: Gen): Argument[] {
  const { random } = g;
  const most = random.oneIn(8) ? 400 : 5;
  const range = random.oneIn(2) ? 20 : 100_000;
  return Array.from({ length: random.below(most) }, () =>
    random.oneIn(10) ? g.value() : `e${random.below(range)}`,
  );
}

export const hyperloglogFamily: Family = {
  name: 'hyperloglog',
  rules: [
    {
      name: 'PFADD',
      weight: 10,
      keyed: true,
      make: (g) => [g.token('PFADD'), g.key(), ...elements(g)],
    },
    { name: 'PFCOUNT', weight: 6, make: (g) => [g.token('PFCOUNT'), ...g.keys(3)] },
    { name: 'PFMERGE', weight: 4, make: (g) => [g.token('PFMERGE'), ...g.keys(4)] },
    {
      name: 'PFDEBUG',
      weight: 2,
      make: (g) => [
        g.token('PFDEBUG'),
        g.token(g.random.pick(['GETREG', 'DECODE', 'DECODE', 'ENCODING', 'TODENSE', 'NOSUCH'])),
        g.key(),
      ],
    },
    { name: 'GET', weight: 5, keyed: true, make: (g) => [g.token('GET'), g.key()] },
    {
      name: 'damage',
      weight: 1,
      make: (g) => [
        g.token('SETRANGE'),
        g.key(),
        g.writeOffset(40),
        Buffer.from(g.random.bytes(g.random.between(1, 3))),
      ],
    },
  ],
};
