// Files of both servers: a sample of what `npm run fuzz -- files --keys 1000000` does.

import { expect, it } from 'vitest';
import { Random } from '../support/random.ts';
import { realRedisAvailable } from '../support/server.ts';
import { type Direction, runFiles } from './files.ts';

const KEYS = 2000;
const ENCODINGS = [
  ...['hash hashtable', 'hash listpack', 'list quicklist', 'set hashtable', 'set intset'],
  ...['stream stream', 'string embstr', 'string int', 'string raw', 'zset listpack'],
  'zset skiplist',
];

it.skipIf(!realRedisAvailable()).each<[string, Direction]>([
  ['dump.rdb and append-only files of redis-server hold the same here', 'theirs'],
  ['dump.rdb and append-only files of ours hold the same in redis-server', 'ours'],
])('%s', async (_, direction) => {
  const { seed } = Random.fresh();
  const forms = ['rdb', 'aof'] as const;
  const result = await runFiles({ keys: KEYS, seed, directions: [direction], forms });
  expect(result.finding, `seed ${seed}`).toBe(null);
  expect(result.loaded.length).toBe(6);
  expect([...result.encodings.keys()], `seed ${seed}`).toEqual(expect.arrayContaining(ENCODINGS));
});
