// SORT and SORT_RO.

import { expect } from 'vitest';
import { family } from '../support/family.ts';
import { showReply } from '../support/reply_notation.ts';

const SYNTAX = '-ERR syntax error';
const NOT_NUMERIC = "-ERR One or more scores can't be converted into double";
const NOT_INTEGER = '-ERR value is not an integer or out of range';
const WRONGTYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';

family('SORT', [
  [
    'elements are sorted as numbers, up or down',
    `
      RPUSH l 10 9 -3 1.5 1e2 0x10 -inf
      SORT l => ["-inf", "-3", "1.5", "9", "10", "0x10", "1e2"]
      SORT l DESC => ["1e2", "0x10", "10", "9", "1.5", "-3", "-inf"]
      SORT l DESC ASC LIMIT 1 2 => ["-3", "1.5"]
      SADD s 3 1 2 20
      SORT s DESC => ["20", "3", "2", "1"]
      ZADD z 1 30 2 20 3 10
      SORT z => ["10", "20", "30"]
      SORT_RO z DESC => ["30", "20", "10"]
      SORT none => []
      SORT_RO none GET # BY * => []
    `,
  ],
  [
    'equal numbers are sorted as texts',
    `
      RPUSH l 1.0 1 01 1e0
      SORT l => ["01", "1", "1.0", "1e0"]
      SORT l DESC => ["1e0", "1.0", "1", "01"]
    `,
  ],
  [
    'what is no number is an error unless ALPHA is given',
    String.raw`
      RPUSH l a 1 B "" c
      SORT l => ${NOT_NUMERIC}
      SORT l LIMIT 0 0 => ${NOT_NUMERIC}
      SORT l STORE l => ${NOT_NUMERIC}
      SORT l ALPHA => ["", "1", "B", "a", "c"]
      SORT l ALPHA DESC => ["c", "a", "B", "1", ""]
      RPUSH m nan
      SORT m => ${NOT_NUMERIC}
      RPUSH o 1\x20
      SORT o => ${NOT_NUMERIC}
      RPUSH p " 2" "" 1
      SORT p => ["", "1", " 2"]
    `,
  ],
  [
    'a number out of range is none, and does not matter to the next command',
    `
      RPUSH n 1e400
      SORT n => ${NOT_NUMERIC}
      RPUSH m 2 1
      SORT m => ["1", "2"]
    `,
    { defectOf: '7.0' },
  ],
  [
    'LIMIT cuts the result, wherever it lies',
    `
      RPUSH l 5 1 4 2 3
      SORT l LIMIT 0 3 => ["1", "2", "3"]
      SORT l LIMIT 3 10 => ["4", "5"]
      SORT l LIMIT 5 1 => []
      SORT l LIMIT 2 0 => []
      SORT l LIMIT -3 2 => ["1", "2"]
      SORT l LIMIT 1 -1 => ["2", "3", "4", "5"]
      SORT l LIMIT 9223372036854775807 9223372036854775807 => []
      SORT l LIMIT 0 9223372036854775807 LIMIT 1 1 => ["2"]
      SORT l BY none LIMIT 1 2 => ["1", "4"]
      SORT l BY none LIMIT 1 2 DESC => ["2", "4"]
      SORT l BY w:* LIMIT 1 2 => ["2", "3"]
    `,
  ],
  [
    'BY compares what keys hold, 0 or nothing where there is none',
    `
      RPUSH l a b c d
      MSET w:a 3 w:b 1 w:c 2.5
      SORT l BY w:* => ["d", "b", "c", "a"]
      SORT l BY w:* DESC LIMIT 0 2 => ["a", "c"]
      SET w:d x
      SORT l BY w:* => ${NOT_NUMERIC}
      SORT l BY w:* ALPHA => ["b", "c", "a", "d"]
      DEL w:a
      SORT l BY w:* ALPHA => ["a", "b", "c", "d"]
      RPUSH w:a 1
      SORT l BY w:* ALPHA DESC => ["d", "c", "b", "a"]
    `,
  ],
  [
    'BY and GET reach fields of hashes',
    `
      RPUSH l a b c
      HSET h:a weight 3 name one
      HSET h:b weight 1 name two
      HSET h:c weight 20
      SORT l BY h:*->weight => ["b", "a", "c"]
      SORT l BY h:*->weight GET h:*->name GET # => ["two", "b", "one", "a", nil, "c"]
      SORT l BY h:*->weight GET h:*->none => [nil, nil, nil]
      SORT l GET h:* ALPHA => [nil, nil, nil]
      SET h:a-> arrow
      SORT l ALPHA GET h:*-> => ["arrow", nil, nil]
      SET x->a:y plain
      SORT l ALPHA LIMIT 0 1 GET x->*:y => ["plain"]
      SORT l ALPHA LIMIT 0 1 GET w GET "" GET ## => [nil, nil, nil]
    `,
  ],
  [
    'GET replies integers and texts as they are',
    `
      RPUSH l 1 2
      SET w:1 12345
      SET w:2 text
      SORT l GET w:* GET # => ["12345", "1", "text", "2"]
      SORT l BY nosort DESC GET w:* => ["text", "12345"]
    `,
  ],
  [
    'a BY without a star leaves lists and sorted sets in their order',
    `
      RPUSH l 3 1 2 x
      SORT l BY nosort => ["3", "1", "2", "x"]
      SORT l BY nosort DESC => ["x", "2", "1", "3"]
      SORT l BY w:* BY nosort ALPHA => ["3", "1", "2", "x"]
      SORT l BY nosort BY w:* => ["3", "1", "2", "x"]
      ZADD z 3 a 1 b 2 c
      SORT z BY nosort => ["b", "c", "a"]
      SORT z BY nosort DESC LIMIT 0 2 => ["a", "c"]
      SORT z BY nosort LIMIT 1 5 => ["c", "a"]
      SORT z BY nosort LIMIT 3 5 => []
    `,
  ],
  [
    'STORE makes a list of the result in place of what was there',
    `
      RPUSH l 3 1 2
      SET d v EX 100
      SORT l STORE d => 3
      LRANGE d 0 -1 => ["1", "2", "3"]
      TTL d => -1
      SORT l STORE l => 3
      LRANGE l 0 -1 => ["1", "2", "3"]
      SET w:2 two
      SORT l DESC GET # GET w:* STORE d => 6
      LRANGE d 0 -1 => ["3", "", "2", "two", "1", ""]
      SORT none STORE d => 0
      EXISTS d => 0
      SORT l LIMIT 5 5 STORE l => 0
      EXISTS l => 0
      SADD s b a C
      SORT s BY nosort STORE d => 3
      LRANGE d 0 -1 => ["C", "a", "b"]
      SORT s BY nosort STORE x STORE y => 3
      EXISTS x y => 1
    `,
  ],
  [
    'what is asked for wrongly is refused',
    `
      RPUSH l 1
      SORT => -ERR wrong number of arguments for 'sort' command
      SORT l LIMIT 1 => ${SYNTAX}
      SORT l LIMIT x 1 => ${NOT_INTEGER}
      SORT l LIMIT 1 x => ${NOT_INTEGER}
      SORT l BY => ${SYNTAX}
      SORT l GET => ${SYNTAX}
      SORT l STORE => ${SYNTAX}
      SORT l UP => ${SYNTAX}
      SORT_RO l STORE d => ${SYNTAX}
      SET k v
      SORT k => ${WRONGTYPE}
      SORT k STORE => ${SYNTAX}
      HSET h f v
      SORT_RO h => ${WRONGTYPE}
    `,
  ],
  [
    'a sorted set becomes a skiplist',
    `
      ZADD z 1 a
      OBJECT ENCODING z => "listpack"
      SORT z ALPHA => ["a"]
      OBJECT ENCODING z => "skiplist"
    `,
  ],
  [
    'compressed lists of long elements are sorted, too',
    async ({ client, run }) => {
      const elements = Array.from({ length: 3000 }, (_, i) =>
        `${(i * 7919) % 3000}`.padStart(40, '0'),
      );
      for (let i = 0; i < elements.length; i += 100) {
        await client.call('RPUSH', 'l', ...elements.slice(i, i + 100));
      }
      const sorted = [...elements].sort();
      const reply = await client.call('SORT', 'l', 'ALPHA');
      expect(showReply(reply)).toBe(`[${sorted.map((text) => `"${text}"`).join(', ')}]`);
      await run(`
        SORT l STORE d LIMIT 10 2000 => 2000
        OBJECT ENCODING d => "quicklist"
        LINDEX d 0 => "${sorted[10]}"
        LINDEX d -1 => "${sorted[2009]}"
        SORT l BY w:* LIMIT 2998 5 => ["${sorted[2998]}", "${sorted[2999]}"]
      `);
    },
    { config: { 'list-compress-depth': '1' } },
  ],
  [
    'listeners hear of the list that is stored',
    async ({ connect, run }) => {
      const listener = await connect('listener');
      await run(`
        @listener PSUBSCRIBE __key*@* => >["psubscribe", "__key*@*", 1]
        RPUSH l 2 1
        SORT l
        SORT l STORE d => 2
        SORT none STORE d => 0
        SORT none STORE d => 0
        DEL l
      `);
      for (const [event, key] of [
        ['rpush', 'l'],
        ['sortstore', 'd'],
        ['del', 'd'],
        ['del', 'l'],
      ]) {
        const shown = showReply((await listener.read()).reply).replace(/^>/, '');
        expect(shown).toBe(`["pmessage", "__key*@*", "__keyevent@0__:${event}", "${key}"]`);
      }
    },
    { config: { 'notify-keyspace-events': 'Elg' } },
  ],
]);
