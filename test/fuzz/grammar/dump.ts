// Values in their serialized form: what DUMP gives on one server need not be the same bytes on the
// other, so RESTORE is given payloads made beforehand, all of which both servers understand.

import { payload, plain, RDB, value } from '../../support/rdb_payload.ts';
import { rdbSamples } from '../../support/rdb_samples.ts';
import type { Family, Gen } from './base.ts';

/** Formats that Redis 7.0 reads; of streams those whose consumers have one time only. */
const PAYLOADS = rdbSamples()
  .filter(({ known }) => known)
  .map((sample) => sample.payload);

/** Payloads that no server takes, and that are looked at only when nothing else is wrong. */
const REFUSED = [
  Buffer.alloc(0),
  Buffer.from('123456789'),
  Buffer.from('not a payload at all'),
  payload(value(RDB.string, plain('x')), 14),
  payload(Buffer.from([RDB.list, 0])),
  payload(Buffer.from([RDB.hash, 0])),
  payload(Buffer.from([99, 1, 1, 1])),
];

function ttl(g: Gen): string {
  // No other number: where expiries are points in time, servers must not be asked for spans.
  if (g.random.oneIn(10)) return g.random.pick(['-1', '', 'x', '1.5', '-9223372036854775808']);
  return g.random.oneIn(2) || g.expiry !== 'relative' ? '0' : g.farTtl(1000);
}

export const dumpFamily: Family = {
  name: 'dump',
  rules: [
    { name: 'DUMP', weight: 3, keyed: true, make: (g) => [g.token('DUMP'), g.key()] },
    {
      name: 'RESTORE',
      weight: 8,
      keyed: true,
      make: (g) => [
        g.token('RESTORE'),
        g.key(),
        ttl(g),
        g.random.oneIn(12) ? g.random.pick(REFUSED) : g.random.pick(PAYLOADS),
        ...(g.random.oneIn(4) ? [] : [g.token('REPLACE')]),
        ...g.options(
          () => [g.token('IDLETIME'), g.small(-1, 100)],
          () => [g.token('FREQ'), g.small(-1, 300)],
        ),
      ],
    },
    {
      name: 'RESTORE ABSTTL',
      weight: 3,
      keyed: true,
      make: (g) => [
        g.token('RESTORE'),
        g.key(),
        g.random.oneIn(3) ? g.random.pick(['1', '1000']) : g.farTime(1000),
        g.random.pick(PAYLOADS),
        g.token('ABSTTL'),
        ...(g.random.oneIn(4) ? [] : [g.token('REPLACE')]),
      ],
    },
  ],
};
