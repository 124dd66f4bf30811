// Commands on keys whatever they hold: DEL, EXISTS, TYPE, RENAME, COPY, MOVE, SWAPDB, OBJECT ...

import { expect } from 'vitest';
import { family } from '../support/family.ts';

family('keys', [
  [
    'DEL, UNLINK, EXISTS and TOUCH count keys',
    `
      MSET a 1 b 2 c 3 d 4
      EXISTS a b none a => 3
      TOUCH a none b => 2
      DEL a a none => 1
      UNLINK b b none => 1
      EXISTS a b => 0
      DBSIZE => 2
      DEL => -ERR wrong number of arguments for 'del' command
      UNLINK => -ERR wrong number of arguments for 'unlink' command
      EXISTS => -ERR wrong number of arguments for 'exists' command
      TOUCH => -ERR wrong number of arguments for 'touch' command
    `,
  ],
  [
    'TYPE names the type',
    `
      SET s 1
      TYPE s => +string
      TYPE none => +none
      TYPE => -ERR wrong number of arguments for 'type' command
    `,
  ],
  [
    'TYPE names every type',
    `
      RPUSH l 1
      SADD t 1
      ZADD z 1 a
      HSET h f v
      XADD x * f v
      TYPE l => +list
      TYPE t => +set
      TYPE z => +zset
      TYPE h => +hash
      TYPE x => +stream
    `,
    { requires: ['RPUSH', 'SADD', 'ZADD', 'HSET', 'XADD'] },
  ],
  [
    'DBSIZE counts the keys of the selected database',
    `
      DBSIZE => 0
      MSET a 1 b 2
      DBSIZE => 2
      SELECT 1
      DBSIZE => 0
      DBSIZE x => -ERR wrong number of arguments for 'dbsize' command
    `,
  ],
  [
    'RANDOMKEY returns some key',
    `
      RANDOMKEY => nil
      SET only 1
      RANDOMKEY => "only"
      SET two 1
      RANDOMKEY => /^(only|two)$/
    `,
  ],
  [
    'RANDOMKEY does not return a key that has expired',
    `
      DEBUG SET-ACTIVE-EXPIRE 0
      SET k 1 PX 1
      sleep 5
      RANDOMKEY => nil
      DEBUG SET-ACTIVE-EXPIRE 1
    `,
  ],

  // --- KEYS ---
  [
    'KEYS matches glob patterns',
    String.raw`
      MSET hello 1 hallo 1 hxllo 1 hllo 1 heeeello 1 "h*llo" 1 "h[llo" 1
      KEYS h?llo => any-order["hello", "hallo", "hxllo", "h*llo", "h[llo"]
      KEYS h[ae]llo => any-order["hello", "hallo"]
      KEYS h[^e]llo => any-order["hallo", "hxllo", "h*llo", "h[llo"]
      KEYS h[a-b]llo => ["hallo"]
      KEYS h[b-a]llo => ["hallo"]
      KEYS "h\\*llo" => ["h*llo"]
      KEYS "h\\[llo" => ["h[llo"]
      KEYS h*ello => any-order["hello", "heeeello"]
      KEYS "" => []
      KEYS HELLO => []
      KEYS hello => ["hello"]
      KEYS => -ERR wrong number of arguments for 'keys' command
    `,
  ],
  [
    'KEYS * returns all keys but those that have expired',
    `
      DEBUG SET-ACTIVE-EXPIRE 0
      MSET a 1 b 2
      SET gone 1 PX 1
      sleep 5
      KEYS * => any-order["a", "b"]
      DEBUG SET-ACTIVE-EXPIRE 1
    `,
  ],
  [
    'KEYS stays fast on patterns that make a naive matcher exponential',
    `
      SET ${'a'.repeat(200)} 1
      KEYS ${'a*'.repeat(30)}b => []
    `,
  ],

  // --- RENAME ---
  [
    'RENAME moves value and expiry, over what the new name held',
    `
      SET a 1 EX 100
      SET b 2
      RENAME a b => +OK
      GET b => "1"
      TTL b => <99..100>
      EXISTS a => 0
      SET c 3
      RENAME c b => +OK
      TTL b => -1
      RENAME b b => +OK
      GET b => "3"
      RENAME none x => -ERR no such key
      RENAME none none => -ERR no such key
      RENAME a => -ERR wrong number of arguments for 'rename' command
    `,
  ],
  [
    'RENAMENX moves only to a free name',
    `
      SET a 1 EX 100
      SET b 2
      RENAMENX a b => 0
      RENAMENX a c => 1
      TTL c => <99..100>
      RENAMENX c c => 0
      RENAMENX none x => -ERR no such key
      RENAMENX none none => -ERR no such key
      SET gone 1 PX 1
      sleep 5
      RENAMENX c gone => 1
    `,
  ],

  // --- COPY ---
  [
    'COPY duplicates value and expiry',
    `
      SET a 1 EX 100
      COPY a b => 1
      TTL b => <99..100>
      APPEND b x => 2
      GET a => "1"
      COPY a b => 0
      GET b => "1x"
      COPY a b REPLACE => 1
      GET b => "1"
      COPY none c => 0
      COPY none c REPLACE => 0
    `,
  ],
  [
    'COPY goes to another database',
    `
      SET a 1
      COPY a a DB 1 => 1
      COPY a a DB 1 => 0
      COPY a c db 1 replace => 1
      COPY a c REPLACE DB 1 => 1
      SELECT 1
      MGET a c => ["1", "1"]
    `,
  ],
  [
    'COPY refuses bad arguments',
    `
      SET a 1
      COPY a a => -ERR source and destination objects are the same
      COPY none none => -ERR source and destination objects are the same
      COPY a b NOSUCH => -ERR syntax error
      COPY a b DB => -ERR syntax error
      COPY a b DB x => -ERR value is not an integer or out of range
      COPY a b DB 16 => -ERR DB index is out of range
      COPY a b DB -1 => -ERR DB index is out of range
      COPY a b DB 9999999999
      => -ERR value is out of range, value must between -2147483648 and 2147483647
      COPY a b DB 0 => 1
      COPY a => -ERR wrong number of arguments for 'copy' command
    `,
  ],

  // --- MOVE SELECT SWAPDB ---
  [
    'MOVE takes the key with its expiry to another database',
    `
      SET a 1 EX 100
      MOVE a 1 => 1
      EXISTS a => 0
      MOVE a 1 => 0
      SET a 2
      MOVE a 1 => 0
      GET a => "2"
      SELECT 1
      GET a => "1"
      TTL a => <99..100>
    `,
  ],
  [
    'MOVE refuses bad databases',
    `
      SET a 1
      MOVE a 0 => -ERR source and destination objects are the same
      MOVE a 16 => -ERR DB index is out of range
      MOVE a -1 => -ERR DB index is out of range
      MOVE a x => -ERR value is not an integer or out of range
      MOVE none 0 => -ERR source and destination objects are the same
      MOVE a => -ERR wrong number of arguments for 'move' command
    `,
  ],
  [
    'SELECT changes the database of its connection only',
    `
      SELECT 9 => +OK
      SET k nine
      @other GET k => nil
      @other SELECT 9 => +OK
      @other GET k => "nine"
      SELECT 15 => +OK
      SELECT 16 => -ERR DB index is out of range
      SELECT -1 => -ERR DB index is out of range
      SELECT x => -ERR value is not an integer or out of range
      SELECT 99999999999 => -ERR value is out of range, value must between -2147483648 and 2147483647
      SELECT => -ERR wrong number of arguments for 'select' command
    `,
  ],
  [
    'SWAPDB exchanges two databases for everyone',
    `
      SET k zero EX 100
      @other SELECT 1
      @other SET k one
      SWAPDB 0 1 => +OK
      GET k => "one"
      TTL k => -1
      @other GET k => "zero"
      @other TTL k => <99..100>
      SWAPDB 0 0 => +OK
      GET k => "one"
      SWAPDB 1 0 => +OK
      GET k => "zero"
    `,
  ],
  [
    'SWAPDB refuses bad databases',
    `
      SWAPDB 0 16 => -ERR DB index is out of range
      SWAPDB -1 0 => -ERR DB index is out of range
      SWAPDB x 0 => -ERR invalid first DB index
      SWAPDB 0 x => -ERR invalid second DB index
      SWAPDB 0 => -ERR wrong number of arguments for 'swapdb' command
    `,
  ],

  // --- FLUSH ---
  [
    'FLUSHDB empties one database, FLUSHALL all',
    `
      SET a 1
      SELECT 1
      SET b 1
      FLUSHDB => +OK
      DBSIZE => 0
      SELECT 0
      DBSIZE => 1
      FLUSHALL => +OK
      DBSIZE => 0
      SET a 1
      FLUSHALL ASYNC => +OK
      SET a 1
      FLUSHDB async => +OK
      SET a 1
      FLUSHDB SYNC => +OK
      DBSIZE => 0
      FLUSHALL sync => +OK
      FLUSHALL NOSUCH => -ERR syntax error
      FLUSHDB ASYNC SYNC => -ERR syntax error
      FLUSHALL ASYNC x => -ERR syntax error
    `,
  ],

  // --- OBJECT ---
  [
    'OBJECT tells of a key without touching it',
    `
      OBJECT ENCODING none => nil
      OBJECT REFCOUNT none => nil
      OBJECT IDLETIME none => nil
      OBJECT FREQ none => nil
      SET k v
      OBJECT REFCOUNT k => 1
      OBJECT IDLETIME k => <0..1>
      OBJECT FREQ k
      => -ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note
      => that when switching between policies at runtime LRU and LFU data will take some time to
      => adjust.
      OBJECT encoding k => "embstr"
    `,
  ],
  [
    'OBJECT FREQ counts under an LFU policy, where IDLETIME is refused',
    `
      SET k v
      OBJECT FREQ k => <1..10>
      OBJECT IDLETIME k
      => -ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when
      => switching between policies at runtime LRU and LFU data will take some time to adjust.
    `,
    { config: { 'maxmemory-policy': 'allkeys-lfu' } },
  ],
  [
    'OBJECT refuses what it does not know',
    `
      OBJECT => -ERR wrong number of arguments for 'object' command
      OBJECT NOSUCH k => -ERR unknown subcommand 'NOSUCH'. Try OBJECT HELP.
      OBJECT ENCODING => -ERR wrong number of arguments for 'object|encoding' command
      OBJECT FREQ a b => -ERR wrong number of arguments for 'object|freq' command
      OBJECT HELP x => -ERR wrong number of arguments for 'object|help' command
      OBJECT HELP
      => [+"OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", ...]
    `,
  ],
  [
    'small integers are shared in Redis, which REFCOUNT may show',
    `
      SET k 5
      OBJECT REFCOUNT k => <1..2147483647>
      OBJECT ENCODING k => "int"
    `,
  ],
  [
    'MEMORY USAGE grows with the value',
    async ({ client, run }) => {
      await run(`
        MEMORY USAGE none => nil
        SET k v
        MEMORY USAGE k => <8..200>
        MEMORY USAGE k SAMPLES 0 => <8..200>
        MEMORY USAGE k SAMPLES 5 => <8..200>
        MEMORY USAGE k SAMPLES -1 => -ERR syntax error
        MEMORY USAGE k SAMPLES x => -ERR value is not an integer or out of range
        MEMORY USAGE k SAMPLES => -ERR syntax error
        MEMORY USAGE k NOSUCH => -ERR syntax error
        MEMORY USAGE => -ERR wrong number of arguments for 'memory|usage' command
      `);
      let last = 0n;
      for (const size of [100, 1000, 10_000, 100_000]) {
        await client.call('SET', 'k', 'x'.repeat(size));
        const reply = await client.call('MEMORY', 'USAGE', 'k');
        if (reply.kind !== 'integer') throw new Error(reply.kind);
        expect(reply.value).toBeGreaterThanOrEqual(BigInt(size));
        expect(reply.value).toBeLessThan(BigInt(size) * 2n + 100n);
        expect(reply.value).toBeGreaterThan(last);
        last = reply.value;
      }
    },
  ],
  [
    'key names are bytes of any value and length',
    String.raw`
      SET "\x00\xff\r\n" v
      EXISTS "\x00\xff\r\n" => 1
      KEYS "\x00*" => ["\x00\xff\r\n"]
      RENAME "\x00\xff\r\n" "" => +OK
      KEYS * => [""]
      RENAME "" ${'k'.repeat(5000)} => +OK
      STRLEN ${'k'.repeat(5000)} => 1
      KEYS k* => ["${'k'.repeat(5000)}"]
    `,
  ],
]);
