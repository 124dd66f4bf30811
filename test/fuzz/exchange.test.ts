// DUMP and RESTORE both ways with real Redis: a sample of what
// `npm run fuzz -- exchange --keys 100000` does, and against the other transport.

import { expect, it } from 'vitest';
import { Random } from '../support/random.ts';
import { RespClient } from '../support/resp_client.ts';
import { realRedisAvailable } from '../support/server.ts';
import { runExchange } from './exchange.ts';
import { withSubjects } from './servers.ts';

const KEYS = 800;

it.skipIf(!realRedisAvailable())(
  'values of every type and encoding go to Redis and back',
  async () => {
    const { seed } = Random.fresh();
    await withSubjects(['redis', 'respite'], async (a, b) => {
      const one = await RespClient.connect(a.address);
      const other = await RespClient.connect(b.address);
      const { finding, encodings } = await runExchange(one, other, { keys: KEYS, seed });
      expect(finding, `seed ${seed}`).toBe(null);
      expect([...encodings.keys()].sort()).toEqual(
        ['embstr', 'hashtable', 'int', 'intset', 'listpack', 'quicklist', 'raw', 'skiplist']
          .concat('stream')
          .map((name) => `"${name}"`),
      );
      await Promise.all([one.close(), other.close()]);
    });
  },
  60_000,
);
