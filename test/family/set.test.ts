// Sets: members, random picks, algebra, walks, encodings.

import { expect } from 'vitest';
import { family } from '../support/family.ts';
import { showReply } from '../support/reply_notation.ts';

const WRONGTYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const NOT_INTEGER = '-ERR value is not an integer or out of range';
const NOT_POSITIVE = '-ERR value is out of range, must be positive';

function numbers(from: number, to: number, prefix = ''): string {
  return Array.from({ length: to - from + 1 }, (_, i) => `${prefix}${from + i}`).join(' ');
}

family('sets', [
  [
    'SADD adds members once and counts the new ones',
    `
      SADD s a b a => 2
      SADD s b c => 1
      SCARD s => 3
      SMEMBERS s => any-order["a", "b", "c"]
      TYPE s => +set
      SADD s => -ERR wrong number of arguments for 'sadd' command
      SCARD none => 0
      SMEMBERS none => ~[]
    `,
  ],
  [
    'SMEMBERS is a set in RESP3 and an array in RESP2',
    `
      SADD s 1 => 1
      SMEMBERS s => ~["1"]
      SINTER s => ~["1"]
      SUNION s => ~["1"]
      SDIFF s => ~["1"]
      SPOP s 1 => ~["1"]
    `,
  ],
  [
    'members are any bytes, and an integer is the same member as its text',
    String.raw`
      SADD s "" "\x00\xff" 007 7 -0 +7 => 6
      SISMEMBER s 7 => 1
      SISMEMBER s "" => 1
      SISMEMBER s "\x00\xff" => 1
      SISMEMBER s 0 => 0
      SMISMEMBER s 7 007 "7 " +7 -0 => [1, 1, 0, 1, 1]
      SMISMEMBER none a b => [0, 0]
      SISMEMBER none a => 0
    `,
  ],
  [
    'SREM removes members, and the key with the last of them',
    `
      SADD s a b c => 3
      SREM s a x c => 2
      SMEMBERS s => ~["b"]
      SREM s b b => 1
      EXISTS s => 0
      SREM s a => 0
    `,
  ],
  [
    'SMOVE moves a member and its key when that becomes empty',
    `
      SADD a x y => 2
      SADD b x => 1
      SMOVE a b x => 1
      SMEMBERS b => ~["x"]
      SMOVE a c y => 1
      EXISTS a => 0
      SMEMBERS c => ~["y"]
      SMOVE c c y => 1
      SMOVE c c z => 0
      SMOVE none c y => 0
      SMOVE c b nope => 0
      SET str v
      SMOVE str b y => ${WRONGTYPE}
      SMOVE c str y => ${WRONGTYPE}
      SMOVE none str y => 0
    `,
  ],
  [
    'keys of another type are refused',
    `
      SET str v
      SADD str a => ${WRONGTYPE}
      SREM str a => ${WRONGTYPE}
      SISMEMBER str a => ${WRONGTYPE}
      SMISMEMBER str a => ${WRONGTYPE}
      SCARD str => ${WRONGTYPE}
      SMEMBERS str => ${WRONGTYPE}
      SPOP str => ${WRONGTYPE}
      SPOP str 3 => ${WRONGTYPE}
      SPOP str 0 => ${WRONGTYPE}
      SRANDMEMBER str => ${WRONGTYPE}
      SRANDMEMBER str 2 => ${WRONGTYPE}
      SSCAN str 0 => ${WRONGTYPE}
      SINTER none str => ${WRONGTYPE}
      SUNION none str => ${WRONGTYPE}
      SDIFF none str => ${WRONGTYPE}
      SINTERCARD 2 none str => ${WRONGTYPE}
      SINTERSTORE d none str => ${WRONGTYPE}
      SADD s a => 1
      GET s => ${WRONGTYPE}
      INCR s => ${WRONGTYPE}
    `,
  ],
  [
    'SPOP removes and returns members',
    `
      SADD s a => 1
      SPOP s => "a"
      EXISTS s => 0
      SPOP s => nil
      SPOP s 3 => ~[]
      SADD s a b c => 3
      SPOP s 0 => ~[]
      SPOP s 5 => any-order["a", "b", "c"]
      EXISTS s => 0
      SPOP s -1 => ${NOT_POSITIVE}
      SPOP s x => ${NOT_POSITIVE}
      SPOP s 1 2 => -ERR syntax error
    `,
  ],
  [
    'SPOP with a count takes different members and leaves the others, few or many, in all encodings',
    async ({ client, run }) => {
      for (const [from, to, prefix] of [
        [1, 100, ''],
        [1, 100, 'm'],
        [1, 1000, 'm'],
      ] as const) {
        const all = numbers(from, to, prefix).split(' ');
        for (const count of [1, 7, to - 40, to - 3]) {
          await run('DEL s');
          await client.call('SADD', 's', ...all);
          const popped = await client.call('SPOP', 's', String(count));
          const rest = await client.call('SMEMBERS', 's');
          const texts = [popped, rest].flatMap((reply) => {
            if (!('items' in reply)) throw new Error(showReply(reply));
            return reply.items.map(showReply);
          });
          expect(texts.sort()).toEqual(all.map((member) => JSON.stringify(member)).sort());
          expect('items' in popped && popped.items.length).toBe(count);
        }
      }
    },
  ],
  [
    'SRANDMEMBER returns members and removes none',
    `
      SADD s a b c => 3
      SRANDMEMBER s => /^[abc]$/
      SRANDMEMBER s 0 => []
      SRANDMEMBER s 10 => any-order["a", "b", "c"]
      SRANDMEMBER s 2 => [<bulk>, <bulk>]
      SRANDMEMBER s -4 => [<bulk>, <bulk>, <bulk>, <bulk>]
      SCARD s => 3
      SRANDMEMBER none => nil
      SRANDMEMBER none 2 => []
      SRANDMEMBER s x => ${NOT_INTEGER}
      SRANDMEMBER s -9223372036854775808 =>
        => -ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
      SRANDMEMBER s 1 2 => -ERR syntax error
    `,
  ],
  [
    'SRANDMEMBER with a count returns different members, few or many, in all encodings',
    async ({ client, run }) => {
      for (const members of [numbers(1, 100), numbers(1, 100, 'm'), numbers(1, 900, 'm')]) {
        await run('DEL s');
        const all = members.split(' ');
        await client.call('SADD', 's', ...all);
        for (const count of [2, 30, 70, all.length - 1]) {
          const reply = await client.call('SRANDMEMBER', 's', String(count));
          if (!('items' in reply)) throw new Error(showReply(reply));
          const found = new Set(reply.items.map(showReply));
          expect(found.size).toBe(count);
          for (const member of found) expect(all).toContain(JSON.parse(member));
        }
      }
    },
  ],
  [
    'SINTER, SUNION and SDIFF combine sets; missing ones are empty',
    `
      SADD a 1 2 3 x => 4
      SADD b 2 3 y => 3
      SADD c 3 x => 2
      SINTER a b => any-order["2", "3"]
      SINTER a b c => ~["3"]
      SINTER a a => any-order["1", "2", "3", "x"]
      SINTER a none => ~[]
      SUNION a b c none => any-order["1", "2", "3", "x", "y"]
      SUNION none => ~[]
      SDIFF a b c => ~["1"]
      SDIFF a none => any-order["1", "2", "3", "x"]
      SDIFF a b a => ~[]
      SDIFF none a => ~[]
    `,
  ],
  [
    'SDIFF of a large set and small ones takes the other way and gives the same',
    `
      SADD big ${numbers(1, 300, 'm')} => 300
      SADD x1 ${numbers(1, 100, 'm')} => 100
      SADD x2 ${numbers(90, 200, 'm')} => 111
      SADD x3 ${numbers(201, 298, 'm')} => 98
      SDIFF big x1 x2 x3 => any-order["m299", "m300"]
      SDIFFSTORE d big x1 x2 x3 => 2
      SMEMBERS d => any-order["m299", "m300"]
    `,
  ],
  [
    'the STORE forms replace what the destination held, also when it is a source',
    `
      SADD a 1 2 3 => 3
      SADD b 2 3 4 => 3
      SET d v EX 100
      SINTERSTORE d a b => 2
      SMEMBERS d => any-order["2", "3"]
      TTL d => -1
      SUNIONSTORE a a b => 4
      SMEMBERS a => any-order["1", "2", "3", "4"]
      SDIFFSTORE a a b => 1
      SMEMBERS a => ~["1"]
      SDIFFSTORE d a a => 0
      EXISTS d => 0
      SET d v
      SINTERSTORE d a none => 0
      EXISTS d => 0
      SUNIONSTORE d none => 0
    `,
  ],
  [
    'a result that outgrows its listpack with an integer keeps all members',
    `
      SADD ints ${numbers(1, 400)} => 400
      SADD text 5 a 34 => 3
      SUNIONSTORE d text ints => 401
      SCARD d => 401
      SMISMEMBER d ${numbers(1, 400)} a => [${Array(401).fill(1).join(', ')}]
      SUNIONSTORE d ints text => 401
      SMISMEMBER d ${numbers(1, 400)} a => [${Array(401).fill(1).join(', ')}]
    `,
  ],
  [
    'SINTERCARD counts up to a limit',
    `
      SADD a 1 2 3 4 => 4
      SADD b 2 3 4 5 => 4
      SINTERCARD 2 a b => 3
      SINTERCARD 2 a b LIMIT 0 => 3
      SINTERCARD 2 a b LIMIT 2 => 2
      SINTERCARD 2 a b LIMIT 9 => 3
      SINTERCARD 2 a none => 0
      SINTERCARD 0 a => -ERR numkeys should be greater than 0
      SINTERCARD x a => -ERR numkeys should be greater than 0
      SINTERCARD 3 a b => -ERR Number of keys can't be greater than number of args
      SINTERCARD 1 a b => -ERR syntax error
      SINTERCARD 1 a LIMIT => -ERR syntax error
      SINTERCARD 1 a LIMIT -1 => -ERR LIMIT can't be negative
      SINTERCARD 1 a LIMIT x => -ERR LIMIT can't be negative
    `,
  ],
  [
    'SSCAN returns small sets at once and filters by pattern',
    `
      SADD s a1 a2 b1 7 => 4
      SSCAN s 0 => ["0", any-order["a1", "a2", "b1", "7"]]
      SSCAN s 0 MATCH a* COUNT 100 => ["0", any-order["a1", "a2"]]
      SSCAN s 0 MATCH ? => ["0", ["7"]]
      SSCAN none 0 => ["0", []]
      SSCAN none 0 COUNT => ["0", []]
      SSCAN s x => -ERR invalid cursor
      SSCAN s 0 COUNT 0 => -ERR syntax error
      SSCAN s 0 COUNT x => ${NOT_INTEGER}
      SSCAN s 0 MATCH => -ERR syntax error
      SSCAN s 0 TYPE set => -ERR syntax error
    `,
  ],
  [
    'SSCAN walks large sets to the last member',
    async ({ client, run }) => {
      const all = numbers(1, 2000, 'm').split(' ');
      await run('DEL s');
      await client.call('SADD', 's', ...all);
      const seen = new Set<string>();
      let cursor = '0';
      do {
        const reply = await client.call('SSCAN', 's', cursor, 'COUNT', '50');
        if (reply.kind !== 'array') throw new Error(showReply(reply));
        const [next, page] = reply.items;
        if (next?.kind !== 'bulk' || page?.kind !== 'array') throw new Error(showReply(reply));
        expect(page.items.length).toBeLessThan(500);
        for (const item of page.items) seen.add(JSON.parse(showReply(item)));
        cursor = next.bytes.toString();
      } while (cursor !== '0');
      expect([...seen].sort()).toEqual([...all].sort());
    },
  ],
  [
    'encodings go from intset over listpack to hashtable',
    `
      SADD i 1 2 3 => 3
      OBJECT ENCODING i => "intset"
      SADD i x => 1
      OBJECT ENCODING i => "listpack"
      SADD i ${'y'.repeat(65)} => 1
      OBJECT ENCODING i => "hashtable"
      SADD n ${numbers(1, 512)} => 512
      OBJECT ENCODING n => "intset"
      SADD n 513 => 1
      OBJECT ENCODING n => "hashtable"
      SADD m ${numbers(1, 513)} => 513
      OBJECT ENCODING m => "hashtable"
      SADD l ${numbers(1, 128, 'm')} => 128
      OBJECT ENCODING l => "listpack"
      SADD l more => 1
      OBJECT ENCODING l => "hashtable"
      SADD p ${numbers(1, 200)} => 200
      SADD p x => 1
      OBJECT ENCODING p => "hashtable"
      COPY i i2 => 1
      OBJECT ENCODING i2 => "hashtable"
      SCARD i2 => 5
    `,
    { since: '7.2.0' },
  ],
  [
    'results of set algebra have the encodings of Redis 7.2',
    `
      SADD i 1 2 3 => 3
      SADD l 1 2 x => 3
      SADD h 1 2 ${'y'.repeat(65)} => 3
      SINTERSTORE d i l => 2
      OBJECT ENCODING d => "intset"
      SINTERSTORE d l h => 2
      OBJECT ENCODING d => "intset"
      SINTERSTORE d h h => 3
      OBJECT ENCODING d => "hashtable"
      SUNIONSTORE d i l => 4
      OBJECT ENCODING d => "listpack"
      SUNIONSTORE d i => 3
      OBJECT ENCODING d => "intset"
      SDIFFSTORE d h l => 1
      OBJECT ENCODING d => "hashtable"
      SDIFFSTORE d h i => 1
      SDIFFSTORE d l h => 1
      OBJECT ENCODING d => "listpack"
    `,
    { since: '7.2.0' },
  ],
  [
    'thresholds can be configured',
    `
      SADD i 1 2 => 2
      SADD i 3 => 1
      OBJECT ENCODING i => "hashtable"
      SADD l a b => 2
      OBJECT ENCODING l => "listpack"
      SADD l c => 1
      OBJECT ENCODING l => "hashtable"
      SADD v abcd => 1
      OBJECT ENCODING v => "hashtable"
    `,
    {
      since: '7.2.0',
      config: {
        'set-max-intset-entries': '2',
        'set-max-listpack-entries': '2',
        'set-max-listpack-value': '3',
      },
    },
  ],
  [
    'sets move, copy and expire like other keys',
    `
      SADD s a b => 2
      COPY s t => 1
      SREM s a => 1
      SMEMBERS t => any-order["a", "b"]
      RENAME t u => +OK
      SMEMBERS u => any-order["a", "b"]
      EXPIRE u 100 => 1
      SADD u c => 1
      TTL u => <99..100>
      SCAN 0 COUNT 1000 TYPE set => ["0", any-order["s", "u"]]
      SCAN 0 COUNT 1000 TYPE hash => ["0", []]
      SET s v => +OK
      GET s => "v"
    `,
  ],
  [
    'results of integers keep all members where they outgrow an encoding',
    async ({ client, run }) => {
      const integers = Array.from({ length: 300 }, (_, i) => String(i));
      for (const count of [127, 128, 129, 130, 300]) {
        const members = integers.slice(0, count);
        await client.call('DEL', 'a', 'b', 'ints');
        await client.call('SADD', 'a', 'x', 'y', ...members);
        await client.call('SADD', 'b', 'z', ...members);
        await client.call('SADD', 'ints', ...members);
        await run(`
          SINTERSTORE d a b => ${count}
          SCARD d => ${count}
          SDIFFSTORE d d none => ${count}
          SUNIONSTORE d ints a => ${count + 2}
          SUNIONSTORE d a ints => ${count + 2}
          SDIFFSTORE d a none => ${count + 2}
        `);
      }
    },
  ],
]);
