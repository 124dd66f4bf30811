// Lists: both ends, reading and changing by index, moving between lists, encodings.

import { family } from '../support/family.ts';

const WRONGTYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const NOT_POSITIVE = '-ERR value is out of range, must be positive';
const NOT_INTEGER = '-ERR value is not an integer or out of range';

family('lists', [
  // --- Adding and removing at the ends ---
  [
    'LPUSH and RPUSH add elements one after the other and reply with the length',
    `
      RPUSH k a b => 2
      LPUSH k c d => 4
      LRANGE k 0 -1 => ["d", "c", "a", "b"]
      TYPE k => +list
      LLEN k => 4
    `,
  ],
  [
    'LPUSHX and RPUSHX add only to a list that exists',
    `
      LPUSHX k a => 0
      EXISTS k => 0
      RPUSH k a => 1
      RPUSHX k b c => 3
      LPUSHX k z => 4
      LRANGE k 0 -1 => ["z", "a", "b", "c"]
    `,
  ],
  [
    'LPOP and RPOP remove one element, and the key with the last one',
    `
      RPUSH k 1 two 3
      LPOP k => "1"
      RPOP k => "3"
      LPOP k => "two"
      EXISTS k => 0
      LPOP k => nil
    `,
  ],
  [
    'LPOP and RPOP with a count remove as many as there are',
    `
      RPUSH k a b c d e
      LPOP k 0 => []
      LPOP k 2 => ["a", "b"]
      RPOP k 2 => ["e", "d"]
      RPOP k 9 => ["c"]
      EXISTS k => 0
      LPOP k -1 => ${NOT_POSITIVE}
      LPOP k x => ${NOT_POSITIVE}
      LPOP k 1 2 => -ERR wrong number of arguments for 'lpop' command
    `,
  ],
  [
    'LMPOP takes from the first list that exists',
    `
      RPUSH b 1 2 3
      LMPOP 2 a b LEFT => ["b", ["1"]]
      LMPOP 2 a b RIGHT COUNT 5 => ["b", ["3", "2"]]
      EXISTS b => 0
      LMPOP 0 a LEFT => -ERR numkeys should be greater than 0
      LMPOP 1 a UP => -ERR syntax error
      LMPOP 1 a LEFT COUNT 0 => -ERR count should be greater than 0
      LMPOP 1 a LEFT COUNT 1 COUNT 2 => -ERR syntax error
      LMPOP 9223372036854775807 a LEFT => -ERR syntax error
    `,
    { since: '7.0.0' },
  ],
  // --- By index ---
  [
    'LINDEX and LSET count from both ends',
    `
      RPUSH k a b c
      LINDEX k 0 => "a"
      LINDEX k -1 => "c"
      LINDEX k 3 => nil
      LSET k -2 B => +OK
      LINDEX k 1 => "B"
      LSET k 3 x => -ERR index out of range
      LSET nothing 0 x => -ERR no such key
      LINDEX k x => ${NOT_INTEGER}
    `,
  ],
  [
    'LRANGE cuts the range to the list',
    `
      RPUSH k a b c d
      LRANGE k 1 2 => ["b", "c"]
      LRANGE k -100 100 => ["a", "b", "c", "d"]
      LRANGE k 3 1 => []
      LRANGE k 4 9 => []
      LRANGE nothing 0 -1 => []
    `,
  ],
  [
    'LTRIM keeps a range and deletes an empty list',
    `
      RPUSH k a b c d e
      LTRIM k 1 -2 => +OK
      LRANGE k 0 -1 => ["b", "c", "d"]
      LTRIM k 5 9 => +OK
      EXISTS k => 0
      LTRIM k 0 1 => +OK
    `,
  ],
  // --- By value ---
  [
    'LREM removes from either end, and the key with the last element',
    `
      RPUSH k a b a c a
      LREM k -1 a => 1
      LRANGE k 0 -1 => ["a", "b", "a", "c"]
      LREM k 1 a => 1
      LRANGE k 0 -1 => ["b", "a", "c"]
      LREM k 0 zz => 0
      DEL k
      RPUSH k 7 7
      LREM k 0 7 => 2
      EXISTS k => 0
    `,
  ],
  [
    'LINSERT puts an element beside the first match',
    `
      RPUSH k a c
      LINSERT k BEFORE c b => 3
      LINSERT k after c d => 4
      LINSERT k AFTER zz x => -1
      LINSERT nothing AFTER a x => 0
      LINSERT k BESIDE a x => -ERR syntax error
      LRANGE k 0 -1 => ["a", "b", "c", "d"]
    `,
  ],
  [
    'LPOS finds matches from either end',
    `
      RPUSH k a b c 1 2 3 c c
      LPOS k c => 2
      LPOS k c RANK -1 => 7
      LPOS k c RANK 2 COUNT 0 => [6, 7]
      LPOS k c COUNT 2 MAXLEN 7 => [2, 6]
      LPOS k c RANK -2 COUNT 2 => [6, 2]
      LPOS k zz => nil
      LPOS k zz COUNT 1 => []
      LPOS nothing a COUNT 0 => []
      LPOS k c COUNT -1 => -ERR COUNT can't be negative
      LPOS k c MAXLEN -1 => -ERR MAXLEN can't be negative
    `,
  ],
  // --- Moving ---
  [
    'LMOVE and RPOPLPUSH move one element',
    `
      RPUSH a 1 2 3
      RPOPLPUSH a b => "3"
      LMOVE a b LEFT RIGHT => "1"
      LRANGE b 0 -1 => ["3", "1"]
      LMOVE a b LEFT LEFT => "2"
      EXISTS a => 0
      LMOVE a b LEFT LEFT => nil
      LMOVE b b LEFT RIGHT => "2"
      LRANGE b 0 -1 => ["3", "1", "2"]
      LMOVE b c LEFT MIDDLE => -ERR syntax error
      SET s x
      LMOVE b s LEFT LEFT => ${WRONGTYPE}
    `,
  ],
  // --- Encodings ---
  [
    'a list is a listpack up to the limit and becomes one again at half of it',
    `
      RPUSH k a b c d
      OBJECT ENCODING k => "listpack"
      RPUSH k e
      OBJECT ENCODING k => "quicklist"
      RPOP k
      OBJECT ENCODING k => "quicklist"
      RPOP k 2
      OBJECT ENCODING k => "listpack"
      COPY k c => 1
      LRANGE c 0 -1 => ["a", "b"]
      RENAME c k2
      OBJECT ENCODING k2 => "listpack"
    `,
    { since: '7.2.0', config: { 'list-max-listpack-size': '4' } },
  ],
  [
    'every command refuses a key of another type',
    `
      SET k v
      LPUSH k a => ${WRONGTYPE}
      LPUSHX k a => ${WRONGTYPE}
      LPOP k => ${WRONGTYPE}
      LLEN k => ${WRONGTYPE}
      LINDEX k 0 => ${WRONGTYPE}
      LSET k 0 a => ${WRONGTYPE}
      LRANGE k 0 -1 => ${WRONGTYPE}
      LTRIM k 0 -1 => ${WRONGTYPE}
      LREM k 0 a => ${WRONGTYPE}
      LINSERT k BEFORE a b => ${WRONGTYPE}
      LPOS k a => ${WRONGTYPE}
      RPOPLPUSH k k => ${WRONGTYPE}
    `,
  ],
  [
    'long lists keep their order when they are walked, cut and emptied',
    async ({ client, run }) => {
      const elements = Array.from({ length: 5000 }, (_, i) => `element:${i}`);
      await client.call('RPUSH', 'k', ...elements);
      await run(`
        LLEN k => 5000
        LINDEX k 2500 => "element:2500"
        LRANGE k 4998 -1 => ["element:4998", "element:4999"]
        LTRIM k 10 -11 => +OK
        LRANGE k 0 0 => ["element:10"]
        LREM k 0 element:77 => 1
        LPOS k element:78 => 67
        LINSERT k BEFORE element:78 element:77 => 4980
        LPOP k 4979
        LRANGE k 0 -1 => ["element:4989"]
      `);
    },
  ],
]);
