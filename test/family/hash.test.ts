// Hashes: fields, counters, random picks, walks, encodings.

import { expect } from 'vitest';
import { family } from '../support/family.ts';
import { showReply } from '../support/reply_notation.ts';

const WRONGTYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const NOT_INTEGER = '-ERR value is not an integer or out of range';

function pairs(count: number): string {
  return Array.from({ length: count }, (_, i) => `f${i} v${i}`).join(' ');
}

family('hashes', [
  [
    'HSET sets fields and counts the new ones',
    `
      HSET h a 1 b 2 => 2
      HSET h a 3 c 4 => 1
      HGET h a => "3"
      HLEN h => 3
      HGETALL h => any-order{"a": "3", "b": "2", "c": "4"}
      TYPE h => +hash
      HSET h a => -ERR wrong number of arguments for 'hset' command
      HSET h a 1 b => -ERR wrong number of arguments for 'hset' command
      HMSET h a 1 b => -ERR wrong number of arguments for 'hmset' command
      HMSET h a 5 d 6 => +OK
      HMGET h a d none => ["5", "6", nil]
      HSET h a 1 a 2 a 3 => 0
      HGET h a => "3"
    `,
  ],
  [
    'missing keys and fields read as nothing',
    `
      HGET none a => nil
      HMGET none a b => [nil, nil]
      HGETALL none => {}
      HKEYS none => []
      HVALS none => []
      HLEN none => 0
      HEXISTS none a => 0
      HSTRLEN none a => 0
      HDEL none a => 0
      HSET h a 1 => 1
      HGET h b => nil
      HEXISTS h a => 1
      HEXISTS h b => 0
      HSTRLEN h b => 0
    `,
  ],
  [
    'names and values are any bytes; an integer prints back as it was given',
    String.raw`
      HSET h "" "" "\x00\xff" "\x00" 7 -15 007 0.10 => 4
      HGET h "" => ""
      HGET h "\x00\xff" => "\x00"
      HGET h 7 => "-15"
      HSTRLEN h 7 => 3
      HSTRLEN h 007 => 4
      HGET h 007 => "0.10"
      HSTRLEN h "" => 0
      HKEYS h => any-order["", "\x00\xff", "7", "007"]
      HVALS h => any-order["", "\x00", "-15", "0.10"]
    `,
  ],
  [
    'HSETNX sets only what is not there',
    `
      HSETNX h a 1 => 1
      HSETNX h a 2 => 0
      HGET h a => "1"
      HSETNX h b 2 => 1
      HLEN h => 2
    `,
  ],
  [
    'HDEL deletes fields, and the key with the last of them',
    `
      HSET h a 1 b 2 c 3 => 3
      HDEL h a x c => 2
      HGETALL h => {"b": "2"}
      HDEL h b b => 1
      EXISTS h => 0
    `,
  ],
  [
    'keys of another type are refused',
    `
      SET str v
      HSET str a 1 => ${WRONGTYPE}
      HMSET str a 1 => ${WRONGTYPE}
      HSETNX str a 1 => ${WRONGTYPE}
      HGET str a => ${WRONGTYPE}
      HMGET str a => ${WRONGTYPE}
      HGETALL str => ${WRONGTYPE}
      HKEYS str => ${WRONGTYPE}
      HVALS str => ${WRONGTYPE}
      HLEN str => ${WRONGTYPE}
      HEXISTS str a => ${WRONGTYPE}
      HSTRLEN str a => ${WRONGTYPE}
      HDEL str a => ${WRONGTYPE}
      HINCRBY str a 1 => ${WRONGTYPE}
      HINCRBYFLOAT str a 1 => ${WRONGTYPE}
      HRANDFIELD str => ${WRONGTYPE}
      HRANDFIELD str 0 => ${WRONGTYPE}
      HSCAN str 0 => ${WRONGTYPE}
      HINCRBY str a x => ${NOT_INTEGER}
      HSET h a 1 => 1
      GET h => ${WRONGTYPE}
      APPEND h x => ${WRONGTYPE}
    `,
  ],
  [
    'HINCRBY counts in 64 bits',
    `
      HINCRBY h a 5 => 5
      HINCRBY h a -7 => -2
      HGET h a => "-2"
      HSET h max 9223372036854775807 text abc spaced " 1" => 3
      HINCRBY h max 1 => -ERR increment or decrement would overflow
      HINCRBY h text 1 => -ERR hash value is not an integer
      HINCRBY h spaced 1 => -ERR hash value is not an integer
      HINCRBY h a 1.5 => ${NOT_INTEGER}
      HINCRBY h max -1 => 9223372036854775806
      HINCRBY none a x => ${NOT_INTEGER}
      EXISTS none => 0
    `,
  ],
  [
    'HINCRBYFLOAT counts in long doubles',
    `
      HINCRBYFLOAT h a 10.5 => "10.5"
      HINCRBYFLOAT h a 0.1 => "10.6"
      HINCRBYFLOAT h a -10.6 => "0"
      HSET h b 5.0e3 t abc i 3 => 3
      HINCRBYFLOAT h b 200 => "5200"
      HINCRBYFLOAT h i 1 => "4"
      HINCRBY h i 1 => 5
      HINCRBYFLOAT h t 1 => -ERR hash value is not a float
      HINCRBYFLOAT h a x => -ERR value is not a valid float
      HINCRBYFLOAT h a inf => -ERR value is NaN or Infinity
    `,
  ],
  [
    'HRANDFIELD returns fields, with a count several, with their values on demand',
    `
      HSET h a 1 => 1
      HRANDFIELD h => "a"
      HRANDFIELD h 5 => ["a"]
      HRANDFIELD h 0 => []
      HRANDFIELD h -3 => ["a", "a", "a"]
      HRANDFIELD none => nil
      HRANDFIELD none 3 => []
      HRANDFIELD none 3 WITHVALUES => []
      HRANDFIELD h x => ${NOT_INTEGER}
      HRANDFIELD h 1 NOSUCH => -ERR syntax error
      HRANDFIELD h 1 WITHVALUES x => -ERR syntax error
      HRANDFIELD h 4611686018427387904 WITHVALUES => -ERR value is out of range
      HRANDFIELD h -9223372036854775808 =>
        => -ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807
    `,
  ],
  [
    'HRANDFIELD WITHVALUES is flat in RESP2',
    'HSET h a 1\nHRANDFIELD h 1 WITHVALUES => ["a", "1"]',
    { resp: 2 },
  ],
  [
    'HRANDFIELD WITHVALUES pairs in RESP3',
    'HSET h a 1\nHRANDFIELD h 1 WITHVALUES => [["a", "1"]]',
    { resp: 3 },
  ],
  [
    'HRANDFIELD with a count returns different fields, few or many, in both encodings',
    async ({ client, run }) => {
      for (const size of [100, 900]) {
        await run('DEL h');
        await client.call('HSET', 'h', ...pairs(size).split(' '));
        for (const count of [2, 30, 70, size - 1]) {
          const reply = await client.call('HRANDFIELD', 'h', String(count));
          if (reply.kind !== 'array') throw new Error(showReply(reply));
          const found = new Set(reply.items.map(showReply));
          expect(found.size).toBe(count);
          for (const field of found) expect(field).toMatch(/^"f\d+"$/);
        }
      }
    },
  ],
  [
    'HSCAN returns small hashes at once and filters by the names of fields',
    `
      HSET h a1 x a2 a b1 a => 3
      HSCAN h 0 MATCH a* => ["0", any-order["a1", "x", "a2", "a"]]
      HSCAN h 0 MATCH x => ["0", []]
      HSCAN none 0 => ["0", []]
      HSCAN h x => -ERR invalid cursor
      HSCAN h 0 COUNT 0 => -ERR syntax error
    `,
  ],
  [
    'HSCAN NOVALUES returns names only',
    `
      HSET h a 1 b 2 => 2
      HSCAN h 0 NOVALUES => ["0", any-order["a", "b"]]
      HSCAN h 0 COUNT 10 NOVALUES MATCH a => ["0", ["a"]]
      HSET h long ${'x'.repeat(100)} => 1
      HSCAN h 0 NOVALUES COUNT 100 => ["0", any-order["a", "b", "long"]]
      SADD s a => 1
      SSCAN s 0 NOVALUES => -ERR NOVALUES option can only be used in HSCAN
    `,
    { since: '7.4.0' },
  ],
  [
    'HSCAN walks large hashes to the last field',
    async ({ client, run }) => {
      await run('DEL h');
      await client.call('HSET', 'h', ...pairs(2000).split(' '));
      const seen = new Map<string, string>();
      let cursor = '0';
      do {
        const reply = await client.call('HSCAN', 'h', cursor, 'COUNT', '50');
        if (reply.kind !== 'array') throw new Error(showReply(reply));
        const [next, page] = reply.items;
        if (next?.kind !== 'bulk' || page?.kind !== 'array') throw new Error(showReply(reply));
        const texts = page.items.map(showReply);
        for (let i = 0; i < texts.length; i += 2) seen.set(texts[i]!, texts[i + 1]!);
        cursor = next.bytes.toString();
      } while (cursor !== '0');
      expect(seen.size).toBe(2000);
      for (const [field, value] of seen) expect(value).toBe(field.replace('f', 'v'));
    },
  ],
  [
    'encodings go from listpack to hashtable',
    `
      HSET h a 1 => 1
      OBJECT ENCODING h => "listpack"
      HSET h a ${'x'.repeat(64)} => 0
      OBJECT ENCODING h => "listpack"
      HSET h b ${'x'.repeat(65)} => 1
      OBJECT ENCODING h => "hashtable"
      HGET h a => "${'x'.repeat(64)}"
      HSET n ${'x'.repeat(65)} 1 => 1
      OBJECT ENCODING n => "hashtable"
      HSET m ${pairs(512)} => 512
      OBJECT ENCODING m => "listpack"
      HSET m more 1 => 1
      OBJECT ENCODING m => "hashtable"
      HGET m f511 => "v511"
      HLEN m => 513
      COPY m m2 => 1
      HGET m2 f7 => "v7"
    `,
    { config: { 'hash-max-listpack-entries': '512', 'hash-max-listpack-value': '64' } },
  ],
  [
    'thresholds can be configured',
    `
      HSET h a 1 b 2 => 2
      OBJECT ENCODING h => "listpack"
      HSET h c 3 => 1
      OBJECT ENCODING h => "hashtable"
      HSET v a 1234 => 1
      OBJECT ENCODING v => "hashtable"
      HINCRBY c a 1000 => 1000
      OBJECT ENCODING c => "hashtable"
    `,
    { config: { 'hash-max-listpack-entries': '2', 'hash-max-listpack-value': '3' } },
  ],
  [
    'hashes move, copy and expire like other keys',
    `
      HSET h a 1 => 1
      COPY h t => 1
      HDEL h a => 1
      HGETALL t => {"a": "1"}
      RENAME t u => +OK
      EXPIRE u 100 => 1
      HSET u a 2 => 0
      TTL u => <99..100>
      SCAN 0 COUNT 1000 TYPE hash => ["0", ["u"]]
      SET u v => +OK
      GET u => "v"
    `,
  ],
]);
