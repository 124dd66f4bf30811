// Lists.

import type { Family, Gen } from './base.ts';

/** Few different elements, so that searches find some; now and then any value. */
function element(g: Gen): Buffer {
  const { random } = g;
  if (random.oneIn(6)) return g.value();
  return Buffer.from(random.pick(['a', 'b', 'c', '1', '2', '-3', '70000', 'elephant']));
}

function elements(g: Gen): Buffer[] {
  const { random } = g;
  const most = random.oneIn(12) ? 60 : 5;
  return Array.from({ length: random.between(1, most) }, () => element(g));
}

/** A moment to wait, or what is refused. */
export function timeout(g: Gen): string {
  return g.random.oneIn(4) ? g.random.pick(['', '-1', 'x', '0x', '-0.5', 'nan']) : '0.001';
}

function end(g: Gen): string {
  return g.token(g.random.pick(['LEFT', 'RIGHT']));
}

export const listFamily: Family = {
  name: 'list',
  rules: [
    {
      name: 'LPUSH',
      weight: 12,
      keyed: true,
      make: (g) => [
        g.token(g.random.pick(['LPUSH', 'RPUSH', 'LPUSHX', 'RPUSHX'])),
        g.key(),
        ...elements(g),
      ],
    },
    {
      name: 'LPOP',
      weight: 4,
      keyed: true,
      make: (g) => [
        g.token(g.random.pick(['LPOP', 'RPOP'])),
        g.key(),
        ...(g.random.oneIn(2) ? [g.small(-1, 12)] : []),
      ],
    },
    { name: 'LLEN', weight: 2, keyed: true, make: (g) => [g.token('LLEN'), g.key()] },
    {
      name: 'LINDEX',
      weight: 3,
      keyed: true,
      make: (g) => [g.token('LINDEX'), g.key(), g.index()],
    },
    {
      name: 'LSET',
      weight: 3,
      keyed: true,
      make: (g) => [g.token('LSET'), g.key(), g.small(-12, 12), element(g)],
    },
    {
      name: 'LRANGE',
      weight: 5,
      keyed: true,
      make: (g) => [g.token('LRANGE'), g.key(), g.index(), g.index()],
    },
    {
      name: 'LTRIM',
      weight: 2,
      keyed: true,
      make: (g) => [g.token('LTRIM'), g.key(), g.small(-3, 3), g.small(-3, 30)],
    },
    {
      name: 'LREM',
      weight: 3,
      keyed: true,
      make: (g) => [g.token('LREM'), g.key(), g.small(-3, 3), element(g)],
    },
    {
      name: 'LINSERT',
      weight: 3,
      keyed: true,
      make: (g) => [
        g.token('LINSERT'),
        g.key(),
        g.token(g.random.pick(['BEFORE', 'AFTER'])),
        element(g),
        element(g),
      ],
    },
    {
      name: 'LPOS',
      weight: 4,
      keyed: true,
      make: (g) => [
        g.token('LPOS'),
        g.key(),
        element(g),
        ...g.options(
          () => [g.token('RANK'), g.small(-4, 4)],
          () => [g.token('COUNT'), g.small(-1, 4)],
          () => [g.token('MAXLEN'), g.small(-1, 20)],
        ),
      ],
    },
    {
      name: 'LMOVE',
      weight: 4,
      make: (g) => [g.token('LMOVE'), g.key(), g.key(), end(g), end(g)],
    },
    { name: 'RPOPLPUSH', weight: 2, make: (g) => [g.token('RPOPLPUSH'), g.key(), g.key()] },
    {
      name: 'BLPOP',
      weight: 1,
      make: (g) => [g.token(g.random.pick(['BLPOP', 'BRPOP'])), g.key(), timeout(g)],
    },
    {
      name: 'BLMOVE',
      weight: 1,
      make: (g) =>
        g.random.oneIn(2)
          ? [g.token('BLMOVE'), g.key(), g.key(), end(g), end(g), timeout(g)]
          : [g.token('BRPOPLPUSH'), g.key(), g.key(), timeout(g)],
    },
    {
      name: 'BLMPOP',
      weight: 1,
      since: '7.0',
      make: (g) => [
        g.token('BLMPOP'),
        timeout(g),
        g.random.oneIn(8) ? g.small(-1, 3) : '1',
        g.key(),
        end(g),
        ...g.options(() => [g.token('COUNT'), g.small(-1, 5)]),
      ],
    },
    {
      name: 'LMPOP',
      weight: 3,
      since: '7.0',
      make: (g) => {
        const keys = g.keys(3);
        return [
          g.token('LMPOP'),
          g.random.oneIn(8) ? g.small(-1, 5) : String(keys.length),
          ...keys,
          end(g),
          ...g.options(() => [g.token('COUNT'), g.small(-1, 5)]),
        ];
      },
    },
  ],
};
