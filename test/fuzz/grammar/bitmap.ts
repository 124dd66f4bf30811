// Bitmaps and bit fields.

import type { Argument } from '../../support/arguments.ts';
import type { Family, Gen } from './base.ts';

const OPERATIONS = ['AND', 'OR', 'XOR', 'NOT'];
const NEWER_OPERATIONS = ['DIFF', 'DIFF1', 'ANDOR', 'ONE'];

function fieldType(g: Gen): string {
  const { random } = g;
  if (random.oneIn(25)) {
    return random.pick(['u64', 'i65', 'u0', 'i0', 'x8', '8', 'u', '', 'U8', 'i-1', 'u8x']);
  }
  return random.oneIn(2) ? `u${random.between(1, 63)}` : `i${random.between(1, 64)}`;
}

function fieldOffset(g: Gen): string {
  const { random } = g;
  if (random.oneIn(25)) return random.pick(['-1', '#-1', '#', 'x', '', '#x', '1.5']);
  return random.oneIn(3) ? `#${random.below(8)}` : String(random.below(200));
}

function fieldOperation(g: Gen): Argument[] {
  const { random } = g;
  switch (random.below(5)) {
    case 0:
      return [
        g.token('OVERFLOW'),
        g.token(random.pick(['WRAP', 'SAT', 'FAIL', ...(random.oneIn(10) ? ['NOSUCH'] : [])])),
      ];
    case 1:
      return [g.token('SET'), fieldType(g), fieldOffset(g), g.integer()];
    case 2:
      return [g.token('INCRBY'), fieldType(g), fieldOffset(g), g.integer()];
    default:
      return [g.token('GET'), fieldType(g), fieldOffset(g)];
  }
}

function range(g: Gen): Argument[] {
  return g.random.oneIn(2) ? [] : [g.token(g.random.pick(['BYTE', 'BIT']))];
}

function bit(g: Gen): string {
  return g.random.oneIn(20) ? g.random.pick(['2', '-1', 'x', '']) : g.random.pick(['0', '1']);
}

export const bitmapFamily: Family = {
  name: 'bitmap',
  rules: [
    {
      name: 'SETBIT',
      weight: 5,
      keyed: true,
      make: (g) => [g.token('SETBIT'), g.key(), g.writeOffset(8000), bit(g)],
    },
    {
      name: 'GETBIT',
      weight: 3,
      keyed: true,
      make: (g) => [g.token('GETBIT'), g.key(), g.random.oneIn(6) ? g.integer() : g.small(0, 300)],
    },
    {
      name: 'BITCOUNT',
      weight: 4,
      keyed: true,
      make: (g) => [
        g.token('BITCOUNT'),
        g.key(),
        ...(g.random.oneIn(4) ? [] : [g.index(), g.index(), ...range(g)]),
      ],
    },
    {
      name: 'BITPOS',
      weight: 4,
      keyed: true,
      make: (g) => {
        const args: Argument[] = [g.token('BITPOS'), g.key(), bit(g)];
        if (g.random.oneIn(4)) return args;
        args.push(g.index());
        return g.random.oneIn(3) ? args : [...args, g.index(), ...range(g)];
      },
    },
    {
      name: 'BITOP',
      weight: 5,
      make: (g) => {
        const known = g.has('8.2') ? [...OPERATIONS, ...NEWER_OPERATIONS] : OPERATIONS;
        const name = g.random.oneIn(30) ? 'NOSUCH' : g.random.pick(known);
        const most = name === 'NOT' && !g.random.oneIn(5) ? 1 : 5;
        return [g.token('BITOP'), g.token(name), g.key(), ...g.keys(most)];
      },
    },
    {
      name: 'BITFIELD',
      weight: 6,
      keyed: true,
      make: (g) => {
        const operations = Array.from({ length: g.random.below(5) }, () => fieldOperation(g));
        return [g.token('BITFIELD'), g.key(), ...operations.flat()];
      },
    },
    {
      name: 'BITFIELD_RO',
      weight: 2,
      keyed: true,
      make: (g) => {
        const operations = Array.from({ length: g.random.below(4) }, () =>
          g.random.oneIn(8) ? fieldOperation(g) : [g.token('GET'), fieldType(g), fieldOffset(g)],
        );
        return [g.token('BITFIELD_RO'), g.key(), ...operations.flat()];
      },
    },
  ],
};
