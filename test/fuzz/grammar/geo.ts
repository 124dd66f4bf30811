// Places in sorted sets. Scores are theirs on keys of their own, so that searches find something.

import type { Argument } from '../../support/arguments.ts';
import type { Family, Gen } from './base.ts';

const SETS = ['geo:1', 'geo:2', 'geo:3'];
const NAMES = ['Palermo', 'Catania', 'Agrigento', 'edge1', 'edge2', '1', '2', '-3', '70000'];

function set(g: Gen): Argument {
  return g.random.oneIn(10) ? g.key() : g.random.pick(SETS);
}

function member(g: Gen): Argument {
  const { random } = g;
  if (random.oneIn(12)) return g.value();
  return random.oneIn(2) ? random.pick(NAMES) : `m${random.below(60)}`;
}

/** Mostly from a small area, on a grid, so that distances are equal now and then. */
function position(g: Gen): Argument[] {
  const { random } = g;
  if (random.oneIn(40)) return [random.pick(['200', 'x', '-180.1', 'nan', 'inf', '1e30']), '1'];
  if (random.oneIn(40)) return ['1', random.pick(['85.06', '', '-90', '99.9999996', '-1e-9x'])];
  if (random.oneIn(3)) return [String(13 + random.below(4)), String(37 + random.below(3))];
  if (random.oneIn(6)) {
    return [`${random.between(-180, 180)}`, `${random.between(-85, 85)}.${random.below(50000)}`];
  }
  return [`13.${random.below(1_000_000)}`, `38.${random.below(1_000_000)}`];
}

function unit(g: Gen): Argument {
  if (g.random.oneIn(25)) return g.random.pick(['', 'mm', 'ly', 'k']);
  return g.token(g.random.pick(['m', 'km', 'KM', 'ft', 'mi']));
}

function size(g: Gen): Argument {
  const { random } = g;
  if (random.oneIn(30)) return random.pick(['-1', 'x', '', 'nan', '-0', '1e400']);
  if (random.oneIn(15)) return random.pick(['0', '0.5', '20037']);
  // In an area that goes around the globe places are found twice, which Redis cannot store.
  return String(random.between(1, 3000) / random.pick([1, 10]));
}

function searchOptions(g: Gen): Argument[] {
  const withOption = (name: string) => () => [g.token(name)];
  return g.options(
    withOption('WITHDIST'),
    withOption('WITHCOORD'),
    withOption('WITHHASH'),
    () => [g.token(g.random.pick(['ASC', 'DESC']))],
    () => [g.token('COUNT'), g.small(-1, 12), ...(g.random.oneIn(4) ? [g.token('ANY')] : [])],
  );
}

function searchArea(g: Gen): Argument[] {
  const { random } = g;
  const center = random.oneIn(2)
    ? [g.token('FROMLONLAT'), ...position(g)]
    : [g.token('FROMMEMBER'), member(g)];
  const shape = random.oneIn(2)
    ? [g.token('BYRADIUS'), size(g), unit(g)]
    : [g.token('BYBOX'), size(g), size(g), unit(g)];
  const parts = [center, shape];
  if (random.oneIn(20)) parts.push(random.pick(parts));
  if (random.oneIn(20)) parts.pop();
  return random.oneIn(4) ? parts.reverse().flat() : parts.flat();
}

/** Orders only, for what is stored. */
function storeOptions(g: Gen): Argument[] {
  return g.options(
    () => [g.token(g.random.pick(['ASC', 'DESC']))],
    () => [g.token('COUNT'), g.small(-1, 12), ...(g.random.oneIn(4) ? [g.token('ANY')] : [])],
  );
}

export const geoFamily: Family = {
  name: 'geo',
  rules: [
    {
      name: 'GEOADD',
      weight: 10,
      make: (g) => [
        g.token('GEOADD'),
        set(g),
        ...g.options(
          () => [g.token(g.random.pick(['NX', 'XX']))],
          () => [g.token('CH')],
        ),
        ...Array.from({ length: g.random.oneIn(12) ? 150 : g.random.between(1, 4) }, () => [
          ...position(g),
          member(g),
        ]).flat(),
      ],
    },
    {
      name: 'GEODIST',
      weight: 4,
      make: (g) => [
        g.token('GEODIST'),
        set(g),
        member(g),
        member(g),
        ...(g.random.oneIn(2) ? [unit(g)] : []),
      ],
    },
    {
      name: 'GEOHASH',
      weight: 3,
      make: (g) => [g.token('GEOHASH'), set(g), member(g), member(g), member(g)],
    },
    { name: 'GEOPOS', weight: 3, make: (g) => [g.token('GEOPOS'), set(g), member(g), member(g)] },
    {
      name: 'GEOSEARCH',
      weight: 12,
      make: (g) => [g.token('GEOSEARCH'), set(g), ...searchArea(g), ...searchOptions(g)],
    },
    {
      name: 'GEOSEARCHSTORE',
      weight: 4,
      make: (g) => [
        g.token('GEOSEARCHSTORE'),
        set(g),
        set(g),
        ...searchArea(g),
        ...(g.random.oneIn(12) ? searchOptions(g) : storeOptions(g)),
        ...g.options(() => [g.token('STOREDIST')]),
      ],
    },
    {
      name: 'GEORADIUS',
      weight: 5,
      make: (g) => {
        const store = g.random.oneIn(3);
        const byMember = g.random.oneIn(2);
        const name = `GEORADIUS${byMember ? 'BYMEMBER' : ''}${store || g.random.oneIn(2) ? '' : '_RO'}`;
        return [
          g.token(name),
          set(g),
          ...(byMember ? [member(g)] : position(g)),
          size(g),
          unit(g),
          ...(store && !g.random.oneIn(8) ? storeOptions(g) : searchOptions(g)),
          ...(store ? [g.token(g.random.pick(['STORE', 'STOREDIST'])), set(g)] : []),
        ];
      },
    },
    {
      name: 'ZRANGE',
      weight: 3,
      make: (g) => [g.token('ZRANGE'), set(g), '0', '-1', g.token('WITHSCORES')],
    },
    { name: 'ZREM', weight: 1, make: (g) => [g.token('ZREM'), set(g), member(g), member(g)] },
    { name: 'DEL', weight: 1, make: (g) => [g.token('DEL'), set(g)] },
    {
      name: 'ZADD',
      weight: 1,
      make: (g) => [g.token('ZADD'), set(g), g.random.pick(['-1', '0', '1.5', '1e300']), member(g)],
    },
  ],
};
