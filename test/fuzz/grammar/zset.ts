// Sorted sets.

import type { Argument } from '../../support/arguments.ts';
import type { Family, Gen } from './base.ts';
import { timeout } from './list.ts';

/** Few different members, so that commands meet them; now and then any value. */
function member(g: Gen): Buffer {
  const { random } = g;
  if (random.oneIn(6)) return g.value();
  return Buffer.from(random.pick(['a', 'b', 'c', 'd', '1', '2', '-3', '70000', 'elephant']));
}

function score(g: Gen): string {
  const { random } = g;
  if (random.oneIn(30)) return random.pick(['nan', 'x', '', '1 ', '1e400']);
  if (random.oneIn(12)) return random.pick(['inf', '-inf', '+inf', '-0', '1e300', '4.5e18']);
  if (random.oneIn(3)) return random.pick(['0.5', '1.1', '-2.25', '3.0e2', '.1']);
  return String(random.between(-5, 10));
}

function pairs(g: Gen): Argument[] {
  const most = g.random.oneIn(20) ? 150 : 4;
  return Array.from({ length: g.random.between(1, most) }, () => [score(g), member(g)]).flat();
}

function scoreBound(g: Gen): string {
  return `${g.random.oneIn(3) ? '(' : ''}${score(g)}`;
}

function lexBound(g: Gen): Argument {
  const { random } = g;
  if (random.oneIn(15)) return random.pick(['', 'a', '++', '-a', '5']);
  if (random.oneIn(3)) return random.pick(['-', '+']);
  return Buffer.concat([Buffer.from(random.pick(['[', '('])), member(g)]);
}

function limit(g: Gen): Argument[] {
  return [g.token('LIMIT'), g.small(-2, 5), g.small(-2, 5)];
}

function rangeArguments(g: Gen): Argument[] {
  const byScore = g.random.oneIn(2);
  return [
    ...(byScore ? [scoreBound(g), scoreBound(g)] : [g.index(), g.index()]),
    ...(byScore ? [g.token('BYSCORE')] : []),
    ...g.options(
      () => [g.token('REV')],
      () => (byScore || g.random.oneIn(10) ? limit(g) : []),
    ),
  ];
}

/** The one key that is asked for ranges by lex. */
export const LEX_KEY = 'lex';

export const zsetFamily: Family = {
  name: 'zset',
  rules: [
    {
      name: 'ZADD',
      weight: 16,
      keyed: true,
      make: (g) => [
        g.token('ZADD'),
        g.key(),
        ...g.options(
          () => [g.token(g.random.pick(['NX', 'XX']))],
          () => [g.token(g.random.pick(['GT', 'LT']))],
          () => [g.token('CH')],
          () => (g.random.oneIn(3) ? [g.token('INCR')] : []),
        ),
        ...(g.random.oneIn(4) ? [score(g), member(g)] : pairs(g)),
      ],
    },
    {
      name: 'ZINCRBY',
      weight: 4,
      keyed: true,
      make: (g) => [g.token('ZINCRBY'), g.key(), score(g), member(g)],
    },
    {
      name: 'ZREM',
      weight: 4,
      keyed: true,
      make: (g) => [g.token('ZREM'), g.key(), member(g), member(g)],
    },
    { name: 'ZCARD', weight: 2, keyed: true, make: (g) => [g.token('ZCARD'), g.key()] },
    {
      name: 'ZSCORE',
      weight: 4,
      keyed: true,
      make: (g) => [g.token(g.random.pick(['ZSCORE', 'ZMSCORE'])), g.key(), member(g)],
    },
    {
      name: 'ZRANK',
      weight: 4,
      keyed: true,
      make: (g) => [g.token(g.random.pick(['ZRANK', 'ZREVRANK'])), g.key(), member(g)],
    },
    {
      name: 'ZCOUNT',
      weight: 3,
      keyed: true,
      make: (g) => [g.token('ZCOUNT'), g.key(), scoreBound(g), scoreBound(g)],
    },
    {
      name: 'ZRANGE',
      weight: 8,
      keyed: true,
      make: (g) => [
        g.token('ZRANGE'),
        g.key(),
        ...rangeArguments(g),
        ...(g.random.oneIn(2) ? [g.token('WITHSCORES')] : []),
      ],
    },
    {
      name: 'ZREVRANGE',
      weight: 2,
      keyed: true,
      make: (g) => [
        g.token('ZREVRANGE'),
        g.key(),
        g.index(),
        g.index(),
        ...g.options(() => [g.token('WITHSCORES')]),
      ],
    },
    {
      name: 'ZRANGEBYSCORE',
      weight: 4,
      keyed: true,
      make: (g) => [
        g.token(g.random.pick(['ZRANGEBYSCORE', 'ZREVRANGEBYSCORE'])),
        g.key(),
        scoreBound(g),
        scoreBound(g),
        ...g.options(
          () => [g.token('WITHSCORES')],
          () => limit(g),
        ),
      ],
    },
    {
      name: 'ZRANGESTORE',
      weight: 3,
      make: (g) => [g.token('ZRANGESTORE'), g.key(), g.key(), ...rangeArguments(g)],
    },
    {
      name: 'ZREMRANGEBYRANK',
      weight: 2,
      keyed: true,
      make: (g) => [g.token('ZREMRANGEBYRANK'), g.key(), g.small(-3, 5), g.small(-3, 5)],
    },
    {
      name: 'ZREMRANGEBYSCORE',
      weight: 2,
      keyed: true,
      make: (g) => [g.token('ZREMRANGEBYSCORE'), g.key(), scoreBound(g), scoreBound(g)],
    },
    {
      name: 'ZPOPMIN',
      weight: 4,
      keyed: true,
      make: (g) => [
        g.token(g.random.pick(['ZPOPMIN', 'ZPOPMAX'])),
        g.key(),
        ...(g.random.oneIn(2) ? [g.small(-1, 6)] : []),
      ],
    },
    {
      name: 'BZPOPMIN',
      weight: 1,
      make: (g) => [g.token(g.random.pick(['BZPOPMIN', 'BZPOPMAX'])), g.key(), timeout(g)],
    },
    {
      name: 'BZMPOP',
      weight: 1,
      since: '7.0',
      make: (g) => [
        g.token('BZMPOP'),
        timeout(g),
        g.random.oneIn(8) ? g.small(-1, 3) : '1',
        g.key(),
        g.token(g.random.pick(['MIN', 'MAX'])),
        ...g.options(() => [g.token('COUNT'), g.small(-1, 5)]),
      ],
    },
    {
      name: 'ZMPOP',
      weight: 2,
      since: '7.0',
      make: (g) => {
        const keys = g.keys(3);
        return [
          g.token('ZMPOP'),
          g.random.oneIn(8) ? g.small(-1, 5) : String(keys.length),
          ...keys,
          g.token(g.random.pick(['MIN', 'MAX'])),
          ...g.options(() => [g.token('COUNT'), g.small(-1, 5)]),
        ];
      },
    },
  ],
};

/** What reads several sets at once: the rules for one set give it something to read. */
export const zsetAlgebraFamily: Family = {
  name: 'zsetalgebra',
  rules: [
    {
      name: 'ZUNION',
      weight: 6,
      make: (g) => {
        const keys = g.keys(3);
        const count = g.random.oneIn(15) ? g.small(-1, 4) : String(keys.length);
        const weights = () => [g.token('WEIGHTS'), ...keys.map(() => score(g))];
        const aggregate = () => [
          g.token('AGGREGATE'),
          g.token(g.random.pick(['SUM', 'MIN', 'MAX', 'MEAN'])),
        ];
        const store = g.random.oneIn(2);
        const name = g.random.pick(['ZUNION', 'ZINTER']);
        return [
          ...(store ? [g.token(`${name}STORE`), g.key()] : [g.token(name)]),
          count,
          ...keys,
          ...g.options(weights, aggregate, () => [g.token('WITHSCORES')]),
        ];
      },
    },
    {
      name: 'ZDIFF',
      weight: 3,
      make: (g) => {
        const keys = g.keys(3);
        const store = g.random.oneIn(2);
        return [
          ...(store ? [g.token('ZDIFFSTORE'), g.key()] : [g.token('ZDIFF')]),
          String(keys.length),
          ...keys,
          ...g.options(() => [g.token('WITHSCORES')]),
        ];
      },
    },
    {
      name: 'ZINTERCARD',
      weight: 2,
      since: '7.0',
      make: (g) => {
        const keys = g.keys(3);
        return [
          g.token('ZINTERCARD'),
          String(keys.length),
          ...keys,
          ...g.options(() => [g.token('LIMIT'), g.small(-1, 3)]),
        ];
      },
    },
  ],
};

/** Members of equal scores, for which alone ranges by lex mean anything: on keys of their own. */
export const zsetLexFamily: Family = {
  name: 'zsetlex',
  rules: [
    {
      name: 'ZADD',
      weight: 6,
      make: (g) => [g.token('ZADD'), LEX_KEY, '0', member(g), '0', member(g), '0', g.word()],
    },
    {
      name: 'ZRANGEBYLEX',
      weight: 8,
      make: (g) => [
        g.token(g.random.pick(['ZRANGEBYLEX', 'ZREVRANGEBYLEX'])),
        LEX_KEY,
        lexBound(g),
        lexBound(g),
        ...g.options(() => limit(g)),
      ],
    },
    {
      name: 'ZRANGE',
      weight: 4,
      make: (g) => [
        g.token('ZRANGE'),
        LEX_KEY,
        lexBound(g),
        lexBound(g),
        g.token('BYLEX'),
        ...g.options(
          () => [g.token('REV')],
          () => limit(g),
        ),
      ],
    },
    {
      name: 'ZLEXCOUNT',
      weight: 4,
      make: (g) => [g.token('ZLEXCOUNT'), LEX_KEY, lexBound(g), lexBound(g)],
    },
    {
      name: 'ZREMRANGEBYLEX',
      weight: 1,
      make: (g) => [g.token('ZREMRANGEBYLEX'), LEX_KEY, lexBound(g), lexBound(g)],
    },
  ],
};
