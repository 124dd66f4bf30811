// Commands that wait: BLPOP, BRPOP, BLMOVE, BRPOPLPUSH, BLMPOP, BZPOPMIN, BZPOPMAX, BZMPOP, and what
// else concerns clients that wait.

import { expect } from 'vitest';
import { encodeCommand } from '../support/arguments.ts';
import { family } from '../support/family.ts';
import { showReply } from '../support/reply_notation.ts';

const WRONGTYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const NOT_FLOAT = '-ERR timeout is not a float or out of range';
const NEGATIVE = '-ERR timeout is negative';
const OUT_OF_RANGE = '-ERR timeout is out of range';
const SYNTAX = '-ERR syntax error';

family('blocking commands', [
  // --- With something there, and arguments ---
  [
    'take at once what is there, from the first key that has something',
    `
      RPUSH b 1 2 3
      BLPOP a b 0 => ["b", "1"]
      BRPOP a b 0 => ["b", "3"]
      BLMPOP 0 2 a b LEFT COUNT 5 => ["b", ["2"]]
      EXISTS b => 0
      ZADD z 1 one 2 two 3 three 4 four
      BZPOPMIN y z 0 => ["z", "one", double(1)]
      BZPOPMAX y z 0 => ["z", "four", double(4)]
      BZMPOP 0 2 y z MIN COUNT 1 => ["z", [["two", double(2)]]]
      BZMPOP 0 1 z MAX => ["z", [["three", double(3)]]]
      RPUSH s a b
      BLMOVE s d LEFT RIGHT 0 => "a"
      BRPOPLPUSH s d 0 => "b"
      LRANGE d 0 -1 => ["b", "a"]
      EXISTS s => 0
    `,
  ],
  [
    'refuse keys of another type, in the order the keys are given',
    `
      SET string x
      RPUSH list a
      ZADD zset 1 a
      BLPOP none string list 0 => ${WRONGTYPE}
      BLPOP list string 0 => ["list", "a"]
      BZPOPMIN string zset 0 => ${WRONGTYPE}
      BZMPOP 0 1 string MIN => ${WRONGTYPE}
      BLMPOP 0 1 zset LEFT => ${WRONGTYPE}
      BLMOVE string d LEFT LEFT 0 => ${WRONGTYPE}
      RPUSH list a
      BLMOVE list string LEFT LEFT 0 => ${WRONGTYPE}
      LRANGE list 0 -1 => ["a"]
    `,
  ],
  [
    'check their timeout first',
    `
      SET string x
      BLPOP string foo => ${NOT_FLOAT}
      BLPOP string -1 => ${NEGATIVE}
      BLPOP string -0.001 => ${WRONGTYPE}
      BLPOP string -0.0011 => ${NEGATIVE}
      BLPOP string -inf => ${NEGATIVE}
      BLPOP string nan => ${NOT_FLOAT}
      BLPOP string "" => ${NOT_FLOAT}
      BLPOP string " 1" => ${NOT_FLOAT}
      BLPOP string 0x1p2 => ${WRONGTYPE}
      BRPOPLPUSH string d x => ${NOT_FLOAT}
      BLMOVE string d LEFT LEFT -1 => ${NEGATIVE}
      BLMOVE string d LEFT UP -1 => ${SYNTAX}
      BLMOVE string d UP LEFT x => ${SYNTAX}
      BZPOPMAX string x => ${NOT_FLOAT}
      BLMPOP x 1 string LEFT => ${NOT_FLOAT}
      BLMPOP -1 1 string LEFT => ${NEGATIVE}
      BLMPOP -1 0 string LEFT => -ERR numkeys should be greater than 0
      BLMPOP -1 1 string UP => ${SYNTAX}
      BLMPOP -1 2 string LEFT => ${SYNTAX}
      BLMPOP -1 1 string LEFT COUNT 0 => -ERR count should be greater than 0
      BLMPOP -1 1 string LEFT COUNT 1 COUNT 2 => ${SYNTAX}
      BZMPOP 0 1 string MID => ${SYNTAX}
      BZMPOP -1 1 string MAX => ${NEGATIVE}
      BZMPOP x 1 string MAX => ${NOT_FLOAT}
    `,
  ],
  [
    'refuse timeouts that end later than time itself',
    `
      SET string x
      BLPOP string 1e20 => ${OUT_OF_RANGE}
      BLPOP string 9223372036854775 => ${OUT_OF_RANGE}
      BLPOP string 9223372036854776 => ${OUT_OF_RANGE}
      BLPOP string inf => ${OUT_OF_RANGE}
      BLPOP string 9000000000000000 => ${WRONGTYPE}
      BLPOP string 9.0e15 => ${WRONGTYPE}
    `,
    { defectOf: '7.0' },
  ],
  [
    'give up when their time is over',
    `
      BLPOP k 0.01 => nil-array
      BRPOP k k2 0.01 => nil-array
      BLMPOP 0.01 1 k LEFT => nil-array
      BZPOPMIN k 0.01 => nil-array
      BZPOPMAX k 0.01 => nil-array
      BZMPOP 0.01 1 k MAX => nil-array
      BLMOVE k d LEFT LEFT 0.01 => nil-array
      BRPOPLPUSH k d 0.01 => nil-array
      BLPOP k 0.0001 => nil-array
      INFO commandstats => /cmdstat_blpop:calls=\\d+/
    `,
  ],
  [
    'do not wait inside a transaction',
    `
      MULTI
      BLPOP k 0 => +QUEUED
      BRPOP k 0 => +QUEUED
      BLMPOP 0 1 k LEFT => +QUEUED
      BLMOVE k d LEFT LEFT 0 => +QUEUED
      BRPOPLPUSH k d 0 => +QUEUED
      BZPOPMIN k 0 => +QUEUED
      BZMPOP 0 1 k MIN => +QUEUED
      BLPOP k x => +QUEUED
      RPUSH k v => +QUEUED
      BLPOP k 0 => +QUEUED
      EXEC => [nil-array, nil-array, nil-array, nil, nil, nil-array, nil-array,
      => ${NOT_FLOAT.replace('-', '-"')}", 1, ["k", "v"]]
    `,
  ],
  // --- Being served ---
  [
    'are served when an element comes',
    `
      @a blocks BLPOP k 0
      RPUSH k 1 => 1
      @a gets => ["k", "1"]
      @a blocks BRPOP j k 0
      RPUSH k 1 2 3 => 3
      @a gets => ["k", "3"]
      LRANGE k 0 -1 => ["1", "2"]
      DEL k
      @a blocks BLMPOP 0 2 j k RIGHT COUNT 2
      LPUSH k 1 2 3 => 3
      @a gets => ["k", ["1", "2"]]
      LRANGE k 0 -1 => ["3"]
      @a blocks BZPOPMIN z y 0
      ZADD y 2 b 1 a => 2
      @a gets => ["y", "a", double(1)]
      @a blocks BZPOPMAX z 0
      ZADD z 2 b 3 c => 2
      @a gets => ["z", "c", double(3)]
      DEL z
      @a blocks BZMPOP 0 1 z MAX COUNT 9
      ZINCRBY z 2.5 m => double(2.5)
      @a gets => ["z", [["m", double(2.5)]]]
      EXISTS z => 0
    `,
  ],
  [
    'are served in the order they came, one element each',
    `
      @a blocks BLPOP k 0
      @b blocks BRPOP k 0
      @c blocks BLPOP k 0
      RPUSH k 1 2 => 2
      @a gets => ["k", "1"]
      @b gets => ["k", "2"]
      EXISTS k => 0
      RPUSH k 3 => 1
      @c gets => ["k", "3"]
    `,
  ],
  [
    'serve keys in the order they became ready',
    `
      @a blocks BLMPOP 0 2 x y LEFT
      @b blocks BLMPOP 0 2 y x LEFT
      MULTI
      RPUSH y y1 => +QUEUED
      RPUSH x x1 => +QUEUED
      EXEC => [1, 1]
      # Both wait for y; a came first, and looks at x first.
      @a gets => ["x", ["x1"]]
      @b gets => ["y", ["y1"]]
    `,
    { defectOf: '7.0' },
  ],
  [
    'are served after the whole transaction',
    `
      @a blocks BLPOP k 0
      MULTI
      RPUSH k gone => +QUEUED
      DEL k => +QUEUED
      EXEC => [1, 1]
      MULTI
      RPUSH k 1 => +QUEUED
      LPUSH k 2 => +QUEUED
      LLEN k => +QUEUED
      EXEC => [1, 2, 2]
      @a gets => ["k", "2"]
      LRANGE k 0 -1 => ["1"]
    `,
  ],
  [
    'a key that changed its type in a transaction is no key to serve from',
    `
      @a blocks BLPOP k 0
      @b blocks BZPOPMIN k 0
      MULTI
      RPUSH k 1 => +QUEUED
      DEL k => +QUEUED
      SET k string => +QUEUED
      EXEC => [1, 1, +"OK"]
      MULTI
      DEL k => +QUEUED
      ZADD k 1 m => +QUEUED
      EXEC => [1, 1]
      @b gets => ["k", "m", double(1)]
      RPUSH k 2 => 1
      @a gets => ["k", "2"]
    `,
  ],
  [
    'wait on for a key that is overwritten or deleted',
    `
      @a blocks BLPOP k 0
      SET k x => +OK
      DEL k => 1
      ZADD k 1 m => 1
      GETDEL k => ${WRONGTYPE}
      FLUSHALL => +OK
      RPUSH k 1 => 1
      @a gets => ["k", "1"]
    `,
  ],
  [
    'may name a key several times',
    `
      @a blocks BLPOP k k k 0
      INFO clients => /blocked_clients:1/
      RPUSH k 1 2 => 2
      @a gets => ["k", "1"]
      LRANGE k 0 -1 => ["2"]
    `,
  ],
  [
    'wait in the database of their client',
    `
      @a SELECT 3 => +OK
      @a blocks BLPOP k 0
      RPUSH k 0 => 1
      SELECT 3
      RPUSH k 3 => 1
      @a gets => ["k", "3"]
      EXISTS k => 0
    `,
  ],
  // --- Ways for a key to become ready ---
  [
    'RENAME, COPY, MOVE and RESTORE make a key ready',
    `
      @a blocks BLPOP k 0
      RPUSH other 1 => 1
      RENAME other k => +OK
      @a gets => ["k", "1"]
      @a blocks BLPOP k 0
      RPUSH other 2 => 1
      RENAMENX other k => 1
      @a gets => ["k", "2"]
      @a blocks BZPOPMIN k 0
      ZADD other 1 m => 1
      COPY other k => 1
      @a gets => ["k", "m", double(1)]
      @a SELECT 2 => +OK
      @a blocks BZPOPMIN other 0
      MOVE other 2 => 1
      @a gets => ["other", "m", double(1)]
    `,
  ],
  [
    'SORT with STORE makes a key ready',
    `
      @a blocks BLPOP k 0
      RPUSH other 3 1 2
      SORT other STORE k => 3
      @a gets => ["k", "1"]
    `,
    { requires: ['sort'] },
  ],
  [
    'RESTORE makes a key ready',
    async ({ client, run }) => {
      await run('RPUSH other 1\n@a blocks BLPOP k 0');
      const dump = await client.call('DUMP', 'other');
      if (dump.kind !== 'bulk') throw new Error(showReply(dump));
      expect(showReply(await client.call('RESTORE', 'k', '0', dump.bytes))).toBe('+OK');
      await run('@a gets => ["k", "1"]');
    },
    { requires: ['restore', 'dump'] },
  ],
  [
    'stores of sets make a key ready',
    `
      ZADD z1 1 a 2 b
      ZADD z2 5 a
      @a blocks BZPOPMAX k 0
      ZUNIONSTORE k 2 z1 z2 => 2
      @a gets => ["k", "a", double(6)]
      DEL k
      @a blocks BZPOPMIN k 0
      ZRANGESTORE k z1 0 -1 => 2
      @a gets => ["k", "a", double(1)]
    `,
  ],
  [
    'SWAPDB makes keys ready, those that come and those that were there',
    `
      @a SELECT 5 => +OK
      @a blocks BLPOP k 0
      @b SELECT 6 => +OK
      @b RPUSH k 6 => 1
      @b SWAPDB 5 6 => +OK
      @a gets => ["k", "6"]
      @a blocks BLPOP k 0
      @b RPUSH k 7 => 1
      @b SWAPDB 6 5 => +OK
      @a gets => ["k", "7"]
      DBSIZE => 0
    `,
  ],
  [
    'an element moved to a key serves who waits there',
    `
      @a blocks BLPOP b 0
      @b blocks BLMOVE a b LEFT RIGHT 0
      RPUSH a 1 => 1
      @b gets => "1"
      @a gets => ["b", "1"]
      @a blocks BRPOPLPUSH x y 0
      @b blocks BRPOPLPUSH y z 0
      @c blocks BLPOP z 0
      RPUSH x 1 => 1
      @a gets => "1"
      @b gets => "1"
      @c gets => ["z", "1"]
      DBSIZE => 0
    `,
  ],
  [
    'two clients that move in a circle leave the element where it ends',
    `
      @a blocks BRPOPLPUSH x y 0
      @b blocks BRPOPLPUSH y x 0
      RPUSH x 1 => 1
      @a gets => "1"
      @b gets => "1"
      LRANGE x 0 -1 => ["1"]
      EXISTS y => 0
    `,
  ],
  [
    'a list rotated onto itself serves',
    `
      @a blocks BLMOVE k k LEFT RIGHT 0
      @b blocks BLPOP k 0
      RPUSH k 1 2 => 2
      @a gets => "1"
      @b gets => ["k", "2"]
      LRANGE k 0 -1 => ["1"]
    `,
  ],
  [
    'a destination of another type is an error when the element comes',
    `
      SET d string
      @a blocks BLMOVE s d LEFT RIGHT 0
      @b blocks BLPOP s 0
      RPUSH s 1 => 1
      @a gets => ${WRONGTYPE}
      @b gets => ["s", "1"]
      EXISTS s => 0
    `,
  ],
  [
    'elements that EXEC pushed and popped again serve nobody',
    `
      @a blocks BLPOP k 0
      MULTI
      RPUSH k 1 => +QUEUED
      LPOP k => +QUEUED
      EXEC => [1, "1"]
      EXISTS k => 0
      RPUSH k 2
      @a gets => ["k", "2"]
    `,
  ],
  // --- The connection that waits ---
  [
    'what is sent behind a command that waits is run after it',
    async ({ connect, run }) => {
      const a = await connect('a');
      await run('@a blocks BLPOP k 0');
      const commands = [
        ['SET', 'x', '1'],
        ['BLPOP', 'k2', '0'],
        ['GET', 'x'],
      ];
      a.send(Buffer.concat(commands.map(encodeCommand)));
      await run(`
        PING => +PONG
        EXISTS x => 0
        RPUSH k 1 => 1
        @a gets => ["k", "1"]
        @a gets => +OK
        eventually INFO clients => /blocked_clients:1/
        EXISTS x => 1
        RPUSH k2 2 => 1
        @a gets => ["k2", "2"]
        @a gets => "1"
      `);
    },
  ],
  [
    'a pipeline with several commands that wait stops at the first',
    async ({ connect, run }) => {
      const a = await connect('a');
      const before = ['RPUSH', 'k', 'one'];
      const waits = ['BLPOP', 'k', '0'];
      a.send(Buffer.concat([before, waits, waits, waits, ['PING']].map(encodeCommand)));
      await run(`
        @a gets => 1
        @a gets => ["k", "one"]
        eventually INFO clients => /blocked_clients:1/
        RPUSH k two three => 2
        @a gets => ["k", "two"]
        @a gets => ["k", "three"]
        @a gets => +PONG
      `);
    },
  ],
  [
    'half a command may be behind one that waits',
    async ({ connect, run }) => {
      const a = await connect('a');
      const half = encodeCommand(['SET', 'k2', 'value']);
      a.send(Buffer.concat([encodeCommand(['BLPOP', 'k', '0']), half.subarray(0, 20)]));
      await run(
        'eventually INFO clients => /blocked_clients:1/\nRPUSH k 1 => 1\n@a gets => ["k", "1"]',
      );
      a.send(half.subarray(20));
      await run('@a gets => +OK\nGET k2 => "value"');
    },
  ],
  [
    'a client that goes while it waits leaves nothing behind',
    async ({ connect, run }) => {
      const a = await connect('a');
      await run('@a blocks BLPOP k 0\n@b blocks BLPOP k 0');
      await a.close();
      await run(`
        eventually INFO clients => /blocked_clients:1/
        RPUSH k 1 => 1
        @b gets => ["k", "1"]
        INFO clients => /blocked_clients:0/
      `);
    },
  ],
  [
    'CLIENT KILL ends a client that waits',
    async ({ connect, run }) => {
      const a = await connect('a');
      const id = await a.call('CLIENT', 'ID');
      await run('@a blocks BLPOP k 0');
      if (id.kind !== 'integer') throw new Error(showReply(id));
      await run(`CLIENT KILL ID ${id.value} => 1\n@a closed`);
      await run('RPUSH k 1 => 1\nLRANGE k 0 -1 => ["1"]\nINFO clients => /blocked_clients:0/');
    },
  ],
  [
    'CLIENT LIST and INFO tell who waits',
    async ({ client, run, target }) => {
      await run(`
        @a blocks BLPOP j k 0
        @b blocks BZPOPMIN k 1000
        @a2 PING
      `);
      const list = await client.call('CLIENT', 'LIST');
      const text = 'bytes' in list ? list.bytes.toString() : '';
      expect(text).toMatch(/ flags=b .* cmd=blpop /);
      expect(text).toMatch(/ flags=b .* cmd=bzpopmin /);
      const info = await client.call('INFO', 'clients');
      const facts = 'bytes' in info ? info.bytes.toString() : '';
      expect(facts).toContain('blocked_clients:2\r\n');
      expect(facts).toContain('clients_in_timeout_table:1\r\n');
      if (target.behaviour.startsWith('7.0')) return;
      expect(facts).toContain('total_blocking_keys:2\r\n');
      expect(facts).toContain('total_blocking_keys_on_nokey:0\r\n');
    },
  ],
  [
    'CLIENT REPLY concerns the reply that comes late',
    async ({ connect, run }) => {
      const a = await connect('a');
      a.send(encodeCommand(['CLIENT', 'REPLY', 'SKIP']));
      await run(`
        @a blocks BLPOP k 0
        RPUSH k 1 => 1
        @a PING => +PONG
        EXISTS k => 0
      `);
      a.send(encodeCommand(['CLIENT', 'REPLY', 'OFF']));
      await run(`
        @a blocks BLPOP k 0
        RPUSH k 1 => 1
        @a CLIENT REPLY ON => +OK
        EXISTS k => 0
      `);
    },
  ],
  // --- CLIENT UNBLOCK, CLIENT PAUSE ---
  [
    'CLIENT UNBLOCK ends the waiting, as if the time were over or with an error',
    async ({ connect, run }) => {
      const a = await connect('a');
      const id = showReply(await a.call('CLIENT', 'ID'));
      await run(`
        CLIENT UNBLOCK ${id} => 0
        @a blocks BLPOP k 0
        CLIENT UNBLOCK ${id} => 1
        @a gets => nil-array
        @a blocks BLMOVE k d LEFT LEFT 0
        CLIENT UNBLOCK ${id} TIMEOUT => 1
        @a gets => nil-array
        @a blocks BZPOPMIN k 100
        CLIENT UNBLOCK ${id} error => 1
        @a gets => -UNBLOCKED client unblocked via CLIENT UNBLOCK
        CLIENT UNBLOCK ${id} ERROR => 0
        CLIENT UNBLOCK 999999 => 0
        CLIENT UNBLOCK ${id} other => -ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR
        RPUSH k 1 => 1
        LRANGE k 0 -1 => ["1"]
        INFO clients => /clients_in_timeout_table:0/
      `);
    },
  ],
  [
    'CLIENT UNBLOCK in a transaction, and what the client sent meanwhile',
    async ({ connect, run }) => {
      const a = await connect('a');
      const id = showReply(await a.call('CLIENT', 'ID'));
      await run('@a blocks BLPOP k 0');
      a.send(encodeCommand(['RPUSH', 'k', 'own']));
      await run(`
        MULTI
        CLIENT UNBLOCK ${id} => +QUEUED
        LLEN k => +QUEUED
        EXEC => [1, 0]
        @a gets => nil-array
        @a gets => 1
      `);
    },
  ],
  [
    'CLIENT PAUSE holds back who would be served, and who would wait',
    `
      @a blocks BLPOP k 0
      MULTI
      CLIENT PAUSE 100000 WRITE => +QUEUED
      RPUSH k 1 2 => +QUEUED
      EXEC => [+"OK", 2]
      @b blocks BLPOP other 0
      LRANGE k 0 -1 => ["1", "2"]
      CLIENT UNPAUSE => +OK
      @a gets => ["k", "1"]
      eventually INFO clients => /blocked_clients:1/
      RPUSH other x => 1
      @b gets => ["other", "x"]
      LRANGE k 0 -1 => ["2"]
    `,
    { defectOf: '7.0' },
  ],
  [
    'keys do not expire during CLIENT PAUSE, they only seem to',
    async ({ client, run }) => {
      const expired = async () => {
        const info = await client.call('INFO', 'stats');
        return 'bytes' in info && /expired_keys:(\d+)/.exec(info.bytes.toString())?.[1];
      };
      const before = await expired();
      await run(`
        MULTI
        SET a 1 PX 5 => +QUEUED
        SET b 1 PX 5 => +QUEUED
        CLIENT PAUSE 100000 WRITE => +QUEUED
        EXEC => [+"OK", +"OK", +"OK"]
        sleep 150
        GET a => nil
        EXISTS b => 0
        DBSIZE => 2
      `);
      expect(await expired()).toBe(before);
      await run('CLIENT UNPAUSE => +OK\nGET a => nil\nGET b => nil\nDBSIZE => 0');
      expect(await expired()).toBe(String(Number(before) + 2));
    },
  ],
  [
    'the slow log has the time that they ran, not that they waited',
    async ({ client, run }) => {
      await run(`
        SLOWLOG RESET
        @a blocks BLPOP k 0
        sleep 60
        RPUSH k 1 => 1
        @a gets => ["k", "1"]
        SLOWLOG LEN => 0
        CONFIG SET slowlog-log-slower-than 0
        SLOWLOG RESET
        @a blocks BRPOP j k 0
        RPUSH k 2 => 1
        @a gets => ["k", "2"]
        CONFIG SET slowlog-log-slower-than 50000
      `);
      const log = showReply(await client.call('SLOWLOG', 'GET', '-1'));
      expect(log.match(/"BRPOP", "j", "k", "0"/g)?.length).toBe(1);
    },
    { config: { 'slowlog-log-slower-than': '50000' }, defectOf: '7.0' },
  ],
  [
    'whoever would add data when served gets the error of full memory',
    `
      @a blocks BLMOVE s d LEFT RIGHT 0
      @b blocks BLPOP s 0
      MULTI
      RPUSH s 1 => +QUEUED
      CONFIG SET maxmemory 1 => +QUEUED
      EXEC => [1, +"OK"]
      @a gets => /^OOM command not allowed/
      @b gets => ["s", "1"]
      CONFIG SET maxmemory 0
      DBSIZE => 0
    `,
    { defectOf: '7.0', config: { maxmemory: '0' } },
  ],
  [
    'the time of a client that waits runs out during CLIENT PAUSE',
    `
      @a blocks BLPOP k 0.1
      CLIENT PAUSE 100000 WRITE => +OK
      @a gets => nil-array
      CLIENT UNPAUSE => +OK
    `,
  ],
  // --- What is counted and told ---
  [
    'keyspace notifications come as of the commands that do not wait',
    async ({ connect, run }) => {
      const a = await connect('a');
      await run(`
        @a PSUBSCRIBE __keyevent@0__:* => >["psubscribe", "__keyevent@0__:*", 1]
        @b blocks BLMOVE s d LEFT RIGHT 0
        @c blocks BZPOPMAX z 0
        RPUSH s 1 => 1
        @b gets => "1"
        ZADD z 1 m => 1
        @c gets => ["z", "m", double(1)]
      `);
      const events: string[] = [];
      for (let i = 0; i < 7; i++) {
        events.push(showReply((await a.read()).reply).replace(/.*@0__:(.*)", "(.*)".*/, '$1 $2'));
      }
      expect(events).toEqual([
        'rpush s',
        'rpush d',
        'lpop s',
        'del s',
        'zadd z',
        'zpopmax z',
        'del z',
      ]);
    },
    { config: { 'notify-keyspace-events': 'KEA' } },
  ],
  [
    'a watched key that another client was served from has changed',
    `
      @a blocks BLPOP k 0
      WATCH k => +OK
      @b RPUSH k 1 => 1
      @a gets => ["k", "1"]
      MULTI
      PING => +QUEUED
      EXEC => nil-array
    `,
  ],
  [
    'a client that waits in RESP3 gets messages meanwhile',
    async ({ connect, run }) => {
      const a = await connect('a');
      await run('@a SUBSCRIBE news => >["subscribe", "news", 1]\n@a blocks BLPOP k 0');
      await run('PUBLISH news hello => 1');
      expect(showReply((await a.read()).reply)).toBe('>["message", "news", "hello"]');
      await run('RPUSH k 1 => 1\n@a gets => ["k", "1"]');
    },
    { resp: 3 },
  ],
  [
    'are one call each, when they have been served',
    async ({ client, run }) => {
      const calls = async () => {
        const info = await client.call('INFO', 'commandstats');
        const text = 'bytes' in info ? info.bytes.toString() : '';
        return /cmdstat_brpop:calls=(\d+).*rejected_calls=(\d+),failed_calls=(\d+)/
          .exec(text)
          ?.slice(1)
          .join(' ');
      };
      await run('CONFIG RESETSTAT\n@a blocks BRPOP k 0');
      expect((await calls()) ?? '0 0 0').toBe('0 0 0');
      await run('RPUSH k 1 => 1\n@a gets => ["k", "1"]');
      expect(await calls()).toBe('1 0 0');
      await run('@a BRPOP k 0.01 => nil-array');
      expect(await calls()).toBe('2 0 0');
    },
    { defectOf: '7.0' },
  ],
  [
    'MONITOR shows them once, when they begin to wait',
    async ({ connect, run }) => {
      const monitor = await connect('m');
      await run(
        '@m MONITOR => +OK\n@a blocks BLPOP k 0\nRPUSH k 1 => 1\n@a gets => ["k", "1"]\nECHO end',
      );
      const shown: string[] = [];
      for (;;) {
        const line = showReply((await monitor.read()).reply);
        if (/"INFO"|"HELLO"/i.test(line)) continue;
        shown.push(/"([A-Za-z]+)\\?"/.exec(line.replaceAll('\\"', '"'))?.[1] ?? line);
        if (/ECHO/.test(line)) break;
      }
      expect(shown).toEqual(['BLPOP', 'RPUSH', 'ECHO']);
    },
  ],
]);
