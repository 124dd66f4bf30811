// Keys whatever they hold, their expiry, and the databases they live in.

import { argumentBytes } from '../../support/arguments.ts';
import { type Family, type Gen, SETTLE_MS } from './base.ts';

function conditions(g: Gen): string[] {
  const { random } = g;
  if (random.oneIn(2)) return [];
  const count = random.oneIn(4) ? 2 : 1;
  return Array.from({ length: count }, () =>
    g.token(random.pick(['NX', 'XX', 'GT', 'LT', ...(random.oneIn(10) ? ['NOSUCH'] : [])])),
  );
}

export const genericFamily: Family = {
  name: 'generic',
  rules: [
    {
      name: 'DEL',
      weight: 4,
      make: (g) => [g.token(g.random.pick(['DEL', 'UNLINK'])), ...g.keys(3)],
    },
    {
      name: 'EXISTS',
      weight: 3,
      make: (g) => [g.token(g.random.pick(['EXISTS', 'TOUCH'])), ...g.keys(4)],
    },
    { name: 'TYPE', weight: 2, keyed: true, make: (g) => [g.token('TYPE'), g.key()] },
    {
      name: 'RENAME',
      weight: 4,
      make: (g) => [g.token(g.random.pick(['RENAME', 'RENAMENX'])), g.key(), g.key()],
    },
    {
      name: 'COPY',
      weight: 5,
      make: (g) => [
        g.token('COPY'),
        g.key(),
        g.key(),
        ...g.options(
          () => [g.token('DB'), g.database()],
          () => [g.token('REPLACE')],
        ),
      ],
    },
    { name: 'MOVE', weight: 3, make: (g) => [g.token('MOVE'), g.key(), g.database()] },
    { name: 'SWAPDB', weight: 1, make: (g) => [g.token('SWAPDB'), g.database(), g.database()] },
    { name: 'SELECT', weight: 3, make: (g) => [g.token('SELECT'), g.database()] },
    { name: 'DBSIZE', weight: 2, make: (g) => [g.token('DBSIZE')] },
    { name: 'RANDOMKEY', weight: 1, make: (g) => [g.token('RANDOMKEY')] },
    { name: 'KEYS', weight: 2, make: (g) => [g.token('KEYS'), Buffer.from(g.pattern(), 'latin1')] },
    {
      name: 'SCAN',
      weight: 3,
      make: (g) => [
        g.token('SCAN'),
        g.random.oneIn(8) ? g.random.pick(['x', '', '-1', '5', '1x', ' 0']) : '0',
        ...g.options(
          () => [g.token('MATCH'), Buffer.from(g.pattern(), 'latin1')],
          () => [g.token('COUNT'), g.random.oneIn(8) ? g.integer() : '1000'],
          () => [g.token('TYPE'), g.token(g.random.pick(['STRING', 'LIST', 'HASH', 'STREAM']))],
        ),
      ],
    },
    {
      name: 'OBJECT',
      weight: 3,
      make: (g) => {
        const name = g.random.pick(['ENCODING', 'ENCODING', 'REFCOUNT', 'IDLETIME', 'FREQ']);
        return [g.token('OBJECT'), g.token(g.random.oneIn(20) ? 'NOSUCH' : name), g.key()];
      },
    },
    {
      name: 'MEMORY USAGE',
      weight: 1,
      make: (g) => [
        g.token('MEMORY'),
        g.token('USAGE'),
        g.key(),
        ...g.options(() => [g.token('SAMPLES'), g.small(-1, 5)]),
      ],
    },
    {
      name: 'FLUSH',
      weight: 1,
      make: (g) => [
        g.token(g.random.oneIn(4) ? 'FLUSHALL' : 'FLUSHDB'),
        ...g.options(
          () => [g.token('SYNC')],
          () => [g.token(g.random.oneIn(6) ? 'NOSUCH' : 'ASYNC')],
        ),
      ],
    },
  ],
};

export const expireFamily: Family = {
  name: 'expire',
  rules: [
    {
      name: 'EXPIRE',
      weight: 12,
      keyed: true,
      make: (g) => {
        const relative = g.expiry === 'relative' && g.random.oneIn(2);
        const milliseconds = g.random.oneIn(2);
        const name = `${milliseconds ? 'P' : ''}EXPIRE${relative ? '' : 'AT'}`;
        const unit = milliseconds ? 1000 : 1;
        let time = relative ? g.farTtl(unit) : g.farTime(unit);
        if (g.random.oneIn(10)) time = g.badTime();
        return [g.token(name), g.key(), time, ...conditions(g)];
      },
    },
    {
      name: 'EXPIRE in the past',
      weight: 2,
      keyed: true,
      make: (g) => [
        g.token(g.random.pick(['EXPIRE', 'PEXPIRE', 'EXPIREAT', 'PEXPIREAT'])),
        g.key(),
        g.random.pick(['0', '-1', '-1000000', '-9223372036854775808', '-9223372036854775807']),
        ...conditions(g),
      ],
    },
    {
      name: 'EXPIRE soon',
      weight: 1,
      make: (g) => ({
        args: [g.token('PEXPIRE'), g.key(), g.random.pick(['1', '2']), ...conditions(g)].map(
          argumentBytes,
        ),
        settleMs: SETTLE_MS,
      }),
    },
    {
      name: 'TTL',
      weight: 8,
      keyed: true,
      make: (g) => [g.token(g.random.pick(['TTL', 'PTTL', 'EXPIRETIME', 'PEXPIRETIME'])), g.key()],
    },
    { name: 'PERSIST', weight: 4, keyed: true, make: (g) => [g.token('PERSIST'), g.key()] },
  ],
};
