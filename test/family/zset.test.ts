// Sorted sets: members and scores, ranks, ranges, both ends, several sets at once, encodings.

import { expect } from 'vitest';
import { family } from '../support/family.ts';

const WRONGTYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';

family('sorted sets', [
  // --- ZADD ---
  [
    'ZADD adds members, and CH counts those that changed',
    `
      ZADD k 1 a 2 b => 2
      ZADD k 3 a 2 b => 0
      ZADD k CH 4 a 2 b 5 c => 2
      ZRANGE k 0 -1 => ["b", "a", "c"]
      TYPE k => +zset
      ZCARD k => 3
    `,
  ],
  [
    'ZADD NX and XX, GT and LT',
    `
      ZADD k XX 1 a => 0
      EXISTS k => 0
      ZADD k 5 a
      ZADD k NX 9 a 1 b => 1
      ZADD k XX CH 6 a 1 c => 1
      ZADD k GT CH 5 a => 0
      ZADD k LT CH 4 a => 1
      ZADD k GT 1 new => 1
      ZADD k NX XX 1 a => -ERR XX and NX options at the same time are not compatible
      ZADD k NX GT 1 a => -ERR GT, LT, and/or NX options at the same time are not compatible
      ZADD k 1 => -ERR wrong number of arguments for 'zadd' command
      ZADD k 1 a 2 => -ERR syntax error
      ZADD k x a => -ERR value is not a valid float
      ZADD k 1 a nan b => -ERR value is not a valid float
      ZSCORE k b => double(1)
    `,
    { resp: 3 },
  ],
  [
    'ZADD INCR and ZINCRBY add to scores',
    `
      ZINCRBY k 2 a => "2"
      ZADD k INCR 3 a => "5"
      ZADD k NX INCR 3 a => nil
      ZADD k INCR 1 a 2 b => -ERR INCR option supports a single increment-element pair
      ZADD k inf b
      ZINCRBY k -inf b => -ERR resulting score is not a number (NaN)
      ZSCORE k b => "inf"
      ZMSCORE k a nothing b => ["5", nil, "inf"]
    `,
    { resp: 2 },
  ],
  [
    'members of equal scores are ordered by their bytes',
    `
      ZADD k 1 b 1 a 1 10 1 9 0 z
      ZRANGE k 0 -1 => ["z", "10", "9", "a", "b"]
      ZRANK k 9 => 2
      ZREVRANK k 9 => 2
      ZRANK k nothing => nil
      ZREM k 9 z nothing => 2
      ZREM k a b 10 => 3
      EXISTS k => 0
    `,
  ],
  [
    'ZRANK WITHSCORE gives the score too',
    `
      ZADD k 1 a 2 b
      ZRANK k b WITHSCORE => [1, "2"]
      ZREVRANK k b WITHSCORE => [0, "2"]
      ZRANK k c WITHSCORE => nil-array
      ZRANK k b WITHSCORES => -ERR syntax error
    `,
    { since: '7.2.0', resp: 2 },
  ],
  // --- Ranges ---
  [
    'ZRANGE by rank, score and bytes, in both directions',
    `
      ZADD k 1 a 2 b 3 c 4 d
      ZRANGE k 1 -2 => ["b", "c"]
      ZRANGE k 0 1 REV => ["d", "c"]
      ZRANGE k (1 3 BYSCORE => ["b", "c"]
      ZRANGE k 3 -inf BYSCORE REV LIMIT 1 1 => ["b"]
      ZRANGE k 0 -1 WITHSCORES => ["a", "1", "b", "2", "c", "3", "d", "4"]
      ZRANGE k 0 -1 LIMIT 0 1
      => -ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX
      ZRANGE k - + BYLEX WITHSCORES
      => -ERR syntax error, WITHSCORES not supported in combination with BYLEX
      ZRANGE k a b BYLEX => -ERR min or max not valid string range item
      ZRANGE k x 1 BYSCORE => -ERR min or max is not a float
      ZREVRANGE k 0 0 => ["d"]
      ZRANGEBYSCORE k -inf +inf LIMIT 2 -1 => ["c", "d"]
      ZREVRANGEBYSCORE k 4 (2 => ["d", "c"]
      ZCOUNT k (1 3 => 2
      ZRANGESTORE d k 2 +inf BYSCORE => 3
      ZRANGE d 0 -1 => ["b", "c", "d"]
      ZRANGESTORE d k 9 10 => 0
      EXISTS d => 0
    `,
    { resp: 2 },
  ],
  [
    'ranges by lex',
    `
      ZADD k 0 a 0 b 0 c 0 d
      ZRANGEBYLEX k - + => ["a", "b", "c", "d"]
      ZRANGEBYLEX k (a [c => ["b", "c"]
      ZREVRANGEBYLEX k + (b LIMIT 0 1 => ["d"]
      ZLEXCOUNT k [b + => 3
      ZREMRANGEBYLEX k - (c => 2
      ZRANGE k 0 -1 => ["c", "d"]
    `,
  ],
  [
    'ZREMRANGEBYRANK and ZREMRANGEBYSCORE remove ranges, and the key with the last member',
    `
      ZADD k 1 a 2 b 3 c 4 d
      ZREMRANGEBYRANK k 0 0 => 1
      ZREMRANGEBYSCORE k (2 3 => 1
      ZRANGE k 0 -1 => ["b", "d"]
      ZREMRANGEBYRANK k 0 -1 => 2
      EXISTS k => 0
    `,
  ],
  // --- Both ends ---
  [
    'ZPOPMIN, ZPOPMAX and ZMPOP remove from the ends',
    `
      ZADD k 1 a 2 b 3 c 4 d 5 e
      ZPOPMIN k => ["a", "1"]
      ZPOPMAX k 2 => ["e", "5", "d", "4"]
      ZMPOP 2 nothing k MIN => ["k", [["b", "2"]]]
      ZMPOP 1 k MAX COUNT 9 => ["k", [["c", "3"]]]
      EXISTS k => 0
      ZPOPMIN k => []
      ZPOPMIN k -1 => -ERR value is out of range, must be positive
      ZMPOP 1 k MIN => nil-array
    `,
    { since: '7.0.0', resp: 2 },
  ],
  [
    'ZPOPMIN with a count nests pairs in RESP3',
    `
      ZADD k 1 a 2 b
      ZPOPMIN k 1 => [["a", double(1)]]
      ZPOPMIN k => ["b", double(2)]
    `,
    { resp: 3 },
  ],
  // --- Several sets ---
  [
    'ZUNION, ZINTER and ZDIFF combine scores',
    `
      ZADD a 1 x 2 y
      ZADD b 10 y 20 z
      ZUNION 2 a b WITHSCORES => ["x", "1", "y", "12", "z", "20"]
      ZINTER 2 a b WEIGHTS 2 1 AGGREGATE MAX WITHSCORES => ["y", "10"]
      ZDIFF 2 a b WITHSCORES => ["x", "1"]
      ZDIFFSTORE d 2 a b => 1
      EXISTS d => 1
      ZDIFFSTORE d 2 a a => 0
      EXISTS d => 0
      ZINTERCARD 2 a b LIMIT 5 => 1
      ZUNIONSTORE d 2 a b AGGREGATE MIN => 3
      ZRANGE d 0 -1 WITHSCORES => ["x", "1", "y", "2", "z", "20"]
      ZINTERSTORE d 2 a nothing => 0
      EXISTS d => 0
      ZUNION 0 a => -ERR at least 1 input key is needed for 'zunion' command
      ZUNION 2 a => -ERR syntax error
      ZUNION 1 a WEIGHTS x => -ERR weight value is not a float
    `,
    { resp: 2 },
  ],
  // --- Random and ZSCAN ---
  [
    'ZRANDMEMBER gives members that are there',
    async ({ client, run }) => {
      const pairs = Array.from({ length: 300 }, (_, i) => [String(i), `m${i}`]).flat();
      await client.call('ZADD', 'big', ...pairs);
      await client.call('ZADD', 'small', ...pairs.slice(0, 40));
      for (const key of ['big', 'small']) {
        for (const count of ['5', '15', '-30']) {
          const reply = await client.call('ZRANDMEMBER', key, count);
          const names = reply.kind === 'array' ? reply.items : [];
          const texts = names.map((item) => ('bytes' in item ? item.bytes.toString() : ''));
          expect(texts.length).toBe(Math.abs(Number(count)));
          expect(texts.every((name) => /^m\d+$/.test(name))).toBe(true);
          if (Number(count) > 0) expect(new Set(texts).size).toBe(texts.length);
        }
      }
      await run(`
        ZRANDMEMBER nothing => nil
        ZRANDMEMBER nothing 3 => []
        ZRANDMEMBER big 0 => []
        ZRANDMEMBER big 1 2 => -ERR syntax error
        ZRANDMEMBER big x => -ERR value is not an integer or out of range
      `);
    },
  ],
  [
    'ZSCAN returns every member with its score',
    async ({ client, run }) => {
      await run(`
        ZADD small 1 a 2.5 b
        ZSCAN small 0 => ["0", ["a", "1", "b", "2.5"]]
        ZSCAN small 0 MATCH b => ["0", ["b", "2.5"]]
        ZSCAN nothing 0 => ["0", []]
        ZSCAN small x => -ERR invalid cursor
        ZSCAN small 0 COUNT 0 => -ERR syntax error
      `);
      const pairs = Array.from({ length: 1000 }, (_, i) => [String(i), `m${i}`]).flat();
      await client.call('ZADD', 'big', ...pairs);
      const seen = new Set<string>();
      let cursor = '0';
      do {
        const reply = await client.call('ZSCAN', 'big', cursor, 'COUNT', '50');
        const [next, found] = reply.kind === 'array' ? reply.items : [];
        cursor = next && 'bytes' in next ? next.bytes.toString() : '0';
        const items = found?.kind === 'array' ? found.items : [];
        const texts = items.map((item) => ('bytes' in item ? item.bytes.toString() : ''));
        for (let i = 0; i < texts.length; i += 2) {
          expect(texts[i]).toBe(`m${texts[i + 1]}`);
          seen.add(texts[i] as string);
        }
      } while (cursor !== '0');
      expect(seen.size).toBe(1000);
    },
  ],
  // --- Encodings ---
  [
    'a sorted set is a listpack until it has too many members or too long a one',
    `
      ZADD k 1 a 2 b 3 c
      OBJECT ENCODING k => "listpack"
      ZADD k 4 d
      OBJECT ENCODING k => "skiplist"
      ZREM k a b c
      OBJECT ENCODING k => "skiplist"
      ZADD l 1 abcdefghijk
      OBJECT ENCODING l => "skiplist"
      ZRANGESTORE s k 0 -1 => 1
      OBJECT ENCODING s => "listpack"
      COPY k c => 1
      ZRANGE c 0 -1 => ["d"]
      RENAME c r
      OBJECT ENCODING r => "skiplist"
    `,
    { config: { 'zset-max-listpack-entries': '3', 'zset-max-listpack-value': '10' } },
  ],
  [
    'every command refuses a key of another type',
    `
      SET k v
      ZADD k 1 a => ${WRONGTYPE}
      ZREM k a => ${WRONGTYPE}
      ZCARD k => ${WRONGTYPE}
      ZSCORE k a => ${WRONGTYPE}
      ZMSCORE k a => ${WRONGTYPE}
      ZRANK k a => ${WRONGTYPE}
      ZCOUNT k 0 1 => ${WRONGTYPE}
      ZRANGE k 0 -1 => ${WRONGTYPE}
      ZPOPMIN k => ${WRONGTYPE}
      ZREMRANGEBYRANK k 0 1 => ${WRONGTYPE}
      ZUNION 1 k => ${WRONGTYPE}
      ZSCAN k 0 => ${WRONGTYPE}
      ZRANDMEMBER k => ${WRONGTYPE}
    `,
  ],
]);
