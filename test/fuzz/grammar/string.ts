// Strings: whole values, parts of values, several at once, numbers, LCS.

import { argumentBytes } from '../../support/arguments.ts';
import { type Family, type Gen, SETTLE_MS } from './base.ts';

function setOptions(g: Gen) {
  return g.options(
    () => [g.token(g.random.pick(['NX', 'XX']))],
    () => [g.token('GET')],
    () => (g.random.oneIn(4) ? [g.token('KEEPTTL')] : g.expiryOption()),
    g.has('8.4') ? () => [g.token(g.random.pick(['IFEQ', 'IFNE'])), g.value()] : null,
    g.has('8.4') ? () => [g.token(g.random.pick(['IFDEQ', 'IFDNE'])), g.digest()] : null,
  );
}

/** A key that is gone a few milliseconds later: the run waits until it is. */
function shortLived(g: Gen) {
  const args = g.random.oneIn(2)
    ? [g.token('PSETEX'), g.key(), g.random.pick(['1', '2']), g.value()]
    : [g.token('SET'), g.key(), g.value(), g.token('PX'), g.random.pick(['1', '2'])];
  return { args: args.map(argumentBytes), settleMs: SETTLE_MS };
}

export const stringFamily: Family = {
  name: 'string',
  rules: [
    {
      name: 'SET',
      weight: 14,
      keyed: true,
      make: (g) => [
        g.token('SET'),
        g.key(),
        g.value(),
        ...(g.random.oneIn(2) ? setOptions(g) : []),
      ],
    },
    { name: 'GET', weight: 8, keyed: true, make: (g) => [g.token('GET'), g.key()] },
    { name: 'SETNX', weight: 2, keyed: true, make: (g) => [g.token('SETNX'), g.key(), g.value()] },
    {
      name: 'SETEX',
      weight: 2,
      keyed: true,
      make: (g) => [
        g.token('SETEX'),
        g.key(),
        g.random.oneIn(8) ? g.badTime() : g.farTtl(1),
        g.value(),
      ],
    },
    {
      name: 'PSETEX',
      weight: 2,
      keyed: true,
      make: (g) => [
        g.token('PSETEX'),
        g.key(),
        g.random.oneIn(8) ? g.badTime() : g.farTtl(1000),
        g.value(),
      ],
    },
    {
      name: 'GETSET',
      weight: 2,
      keyed: true,
      make: (g) => [g.token('GETSET'), g.key(), g.value()],
    },
    { name: 'GETDEL', weight: 2, keyed: true, make: (g) => [g.token('GETDEL'), g.key()] },
    {
      name: 'GETEX',
      weight: 4,
      keyed: true,
      make: (g) => [
        g.token('GETEX'),
        g.key(),
        ...g.options(
          () => g.expiryOption(),
          () => [g.token('PERSIST')],
        ),
      ],
    },
    { name: 'MGET', weight: 3, make: (g) => [g.token('MGET'), ...g.keys(5)] },
    {
      name: 'MSET',
      weight: 4,
      make: (g) => [
        g.token(g.random.pick(['MSET', 'MSETNX'])),
        ...g.keys(4).flatMap((key) => [key, g.value()]),
      ],
    },
    {
      name: 'APPEND',
      weight: 4,
      keyed: true,
      make: (g) => [g.token('APPEND'), g.key(), g.value()],
    },
    { name: 'STRLEN', weight: 2, keyed: true, make: (g) => [g.token('STRLEN'), g.key()] },
    {
      name: 'GETRANGE',
      weight: 4,
      keyed: true,
      make: (g) => [g.token(g.random.pick(['GETRANGE', 'SUBSTR'])), g.key(), g.index(), g.index()],
    },
    {
      name: 'SETRANGE',
      weight: 4,
      keyed: true,
      make: (g) => [g.token('SETRANGE'), g.key(), g.writeOffset(2000), g.value()],
    },
    {
      name: 'LCS',
      weight: 3,
      make: (g) => [
        g.token('LCS'),
        g.key(),
        g.key(),
        ...g.options(
          () => [g.token('LEN')],
          () => [g.token('IDX')],
          () => [g.token('MINMATCHLEN'), g.small(-1, 6)],
          () => [g.token('WITHMATCHLEN')],
        ),
      ],
    },
    {
      name: 'large values',
      weight: 1,
      make: (g) =>
        g.random.pick([
          () => ['SET', 'large', g.largeValue()],
          () => ['APPEND', 'large', g.largeValue()],
          () => ['GETRANGE', 'large', String(g.random.below(100_000)), '-1'],
          () => ['SETRANGE', 'large', String(g.random.below(200_000)), g.value()],
          () => ['STRLEN', 'large'],
          () => ['BITCOUNT', 'large', g.index(), g.index()],
          () => ['BITPOS', 'large', g.random.pick(['0', '1']), g.index()],
          () => ['SETBIT', 'large', String(g.random.below(1_000_000)), g.random.pick(['0', '1'])],
          () => ['GETBIT', 'large', String(g.random.below(1_000_000))],
          () => ['DEL', 'large'],
        ])(),
    },
    { name: 'short-lived', weight: 1, make: shortLived },
    {
      name: 'DIGEST',
      weight: 2,
      since: '8.4',
      keyed: true,
      make: (g) => [g.token('DIGEST'), g.key()],
    },
    {
      name: 'DELEX',
      weight: 3,
      since: '8.4',
      keyed: true,
      make: (g) => [
        g.token('DELEX'),
        g.key(),
        ...g.options(() => [g.token(g.random.pick(['IFEQ', 'IFNE', 'IFDEQ', 'IFDNE'])), g.value()]),
      ],
    },
    {
      name: 'MSETEX',
      weight: 3,
      since: '8.4',
      make: (g) => {
        const pairs = g.keys(3).flatMap((key) => [key, g.value()]);
        const count = g.random.oneIn(10) ? g.small(-1, 4) : String(pairs.length / 2);
        const options = g.options(
          () => [g.token(g.random.pick(['NX', 'XX']))],
          () => (g.random.oneIn(4) ? [g.token('KEEPTTL')] : g.expiryOption()),
        );
        return [g.token('MSETEX'), count, ...pairs, ...options];
      },
    },
  ],
};

export const numberFamily: Family = {
  name: 'number',
  rules: [
    {
      name: 'INCR',
      weight: 4,
      keyed: true,
      make: (g) => [g.token(g.random.pick(['INCR', 'DECR'])), g.key()],
    },
    {
      name: 'INCRBY',
      weight: 4,
      keyed: true,
      make: (g) => [g.token(g.random.pick(['INCRBY', 'DECRBY'])), g.key(), g.integer()],
    },
    {
      name: 'INCRBYFLOAT',
      weight: 4,
      keyed: true,
      make: (g) => [g.token('INCRBYFLOAT'), g.key(), g.float()],
    },
    {
      name: 'SET a number',
      weight: 3,
      keyed: true,
      make: (g) => [g.token('SET'), g.key(), g.random.oneIn(2) ? g.integer() : g.float()],
    },
    {
      name: 'INCREX',
      weight: 4,
      since: '8.8',
      keyed: true,
      make: (g) => [
        g.token('INCREX'),
        g.key(),
        ...g.options(
          () => [g.token('BYINT'), g.integer()],
          () => [g.token('LBOUND'), g.integer()],
          () => [g.token('UBOUND'), g.integer()],
          () => [g.token('SATURATE')],
          () => [g.token('ENX')],
          () => (g.random.oneIn(4) ? [g.token('PERSIST')] : g.expiryOption()),
        ),
      ],
    },
  ],
};
