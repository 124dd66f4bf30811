// Expiries of hash fields: setting, asking, taking away, what becomes of them under other commands.

import { expect } from 'vitest';
import { family, type Sentence } from '../support/family.ts';
import { showReply } from '../support/reply_notation.ts';
import type { RespClient } from '../support/resp_client.ts';

const WRONGTYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const NO_FIELDS = '-ERR Mandatory argument FIELDS is missing or not at the right position';
const MISMATCH = '-ERR The `numfields` parameter must match the number of arguments';
const BAD_COUNT = '-ERR Number of fields must be a positive integer';
const NOT_INTEGER = '-ERR value is not an integer or out of range';
/** Expiries of fields have 46 bits. */
const LAST_MS = 2 ** 46 - 1;
const FAR_S = 4_000_000_000;

const OPTIONS = { since: '7.4.0', requires: ['hexpire'] };
const OPTIONS_8 = { since: '8.0.0', requires: ['hsetex'] };
const LAZY = 'DEBUG SET-ACTIVE-EXPIRE 0';
const ACTIVE = 'DEBUG SET-ACTIVE-EXPIRE 1';

/** Sentences that hold for small hashes and for large ones. */
function bothEncodings(sentences: readonly Sentence[]): Sentence[] {
  return ['512', '0'].flatMap((entries) =>
    sentences.map(([title, script, options]): Sentence => {
      const size = entries === '0' ? 'large' : 'small';
      const config = { ...options?.config, 'hash-max-listpack-entries': entries };
      return [`${title} (${size})`, script, { ...options, config }];
    }),
  );
}

/** The next message a listener gets. */
async function message(client: RespClient): Promise<string> {
  return showReply((await client.read()).reply).replace(/^>/, '');
}

family('expiries of hash fields', [
  ...bothEncodings([
    [
      'HEXPIRE and its kin set the time of each field, by the clock or by the calendar',
      `
        HSET h a 1 b 2 c 3 => 3
        HEXPIRE h 100 FIELDS 2 a none => [1, -2]
        HPEXPIRE h 200000 FIELDS 1 b => [1]
        HTTL h FIELDS 4 a b c none => [<99..100>, <199..200>, -1, -2]
        HPTTL h FIELDS 3 a b c => [<99000..100000>, <199000..200000>, -1]
        HEXPIREAT h ${FAR_S} FIELDS 1 a => [1]
        HPEXPIREAT h ${FAR_S}001 FIELDS 2 b c => [1, 1]
        HEXPIRETIME h FIELDS 4 a b c none => [${FAR_S}, ${FAR_S + 1}, ${FAR_S + 1}, -2]
        HPEXPIRETIME h FIELDS 2 a b => [${FAR_S}000, ${FAR_S}001]
        HGETALL h => any-order{"a": "1", "b": "2", "c": "3"}
        TTL h => -1
      `,
      OPTIONS,
    ],
    [
      'conditions compare with what is there, no expiry being later than any',
      `
        HSET h a 1 b 2 => 2
        HEXPIREAT h ${FAR_S} XX FIELDS 1 a => [0]
        HEXPIREAT h ${FAR_S} GT FIELDS 1 a => [0]
        HEXPIREAT h ${FAR_S} NX FIELDS 1 a => [1]
        HEXPIREAT h ${FAR_S} nx FIELDS 2 a b => [0, 1]
        HEXPIREAT h ${FAR_S} GT FIELDS 1 a => [0]
        HEXPIREAT h ${FAR_S} LT FIELDS 1 a => [0]
        HEXPIREAT h ${FAR_S + 1} GT FIELDS 1 a => [1]
        HEXPIREAT h ${FAR_S + 5} LT FIELDS 1 a => [0]
        HEXPIREAT h ${FAR_S} LT FIELDS 1 a => [1]
        HEXPIREAT h ${FAR_S + 9} XX FIELDS 1 a => [1]
        HPERSIST h FIELDS 1 b => [1]
        HEXPIREAT h ${FAR_S} LT FIELDS 1 b => [1]
        HEXPIRETIME h FIELDS 2 a b => [${FAR_S + 9}, ${FAR_S}]
      `,
      OPTIONS,
    ],
    [
      'a time that has passed deletes the field, and the key with the last one',
      `
        HSET h a 1 b 2 c 3 => 3
        HEXPIRE h 0 FIELDS 1 a => [2]
        HEXPIREAT h 1 XX FIELDS 1 b => [0]
        HPEXPIREAT h 1 FIELDS 2 b none => [2, -2]
        HKEYS h => ["c"]
        HPEXPIRE h 0 FIELDS 2 c c => [2, -2]
        EXISTS h => 0
      `,
      OPTIONS,
    ],
    [
      'HPERSIST takes expiries away',
      `
        HSET h a 1 b 2 => 2
        HEXPIRE h 100 FIELDS 1 a => [1]
        HPERSIST h FIELDS 3 a b none => [1, -1, -2]
        HPERSIST h FIELDS 1 a => [-1]
        HTTL h FIELDS 1 a => [-1]
        HPERSIST none FIELDS 2 a b => [-2, -2]
      `,
      OPTIONS,
    ],
    [
      'a field whose time has come is not to be seen, and goes when somebody asks for it',
      `
        ${LAZY}
        CONFIG RESETSTAT
        HSET h a 1 b 2 c 3 d 4 e 5 f 6 => 6
        HPEXPIRE h 1 FIELDS 5 a b c d e => [1, 1, 1, 1, 1]
        sleep 10
        HLEN h => 6
        HGETALL h => {"f": "6"}
        HKEYS h => ["f"]
        HVALS h => ["6"]
        HSCAN h 0 COUNT 100 => ["0", ["f", "6"]]
        HTTL h FIELDS 2 a f => [-2, -1]
        HPERSIST h FIELDS 1 a => [-2]
        HLEN h => 6
        HGET h a => nil
        HEXISTS h b => 0
        HSTRLEN h c => 0
        HMGET h d f => [nil, "6"]
        HLEN h => 2
        HDEL h e => 1
        HLEN h => 1
        INFO stats => /expired_subkeys:4\\r/
        ${ACTIVE}
      `,
      OPTIONS,
    ],
    [
      'the key goes with the last field whose time had come',
      `
        ${LAZY}
        HSET h a 1 => 1
        HSET i a 1 b 2 => 2
        HSET j a 1 => 1
        HPEXPIRE h 1 FIELDS 1 a => [1]
        HPEXPIRE i 1 FIELDS 2 a b => [1, 1]
        HPEXPIRE j 1 FIELDS 1 a => [1]
        sleep 10
        EXISTS h i j => 3
        HGETALL h => {}
        HGET h a => nil
        EXISTS h => 0
        HMGET i a b c => [nil, nil, nil]
        EXISTS i => 0
        HRANDFIELD j => nil
        EXISTS j => 0
        ${ACTIVE}
      `,
      OPTIONS,
    ],
    [
      'HRANDFIELD removes all whose time has come before it picks',
      `
        ${LAZY}
        HSET h a 1 b 2 c 3 => 3
        HPEXPIRE h 1 FIELDS 2 a b => [1, 1]
        sleep 10
        HRANDFIELD h -5 => ["c", "c", "c", "c", "c"]
        HLEN h => 1
        HPEXPIRE h 1 FIELDS 1 c => [1]
        sleep 10
        HRANDFIELD h 5 => []
        EXISTS h => 0
        ${ACTIVE}
      `,
      OPTIONS,
    ],
    [
      'HSET discards the expiry, HINCRBY and HINCRBYFLOAT keep it',
      `
        HSET h a 1 b 2 c 3 => 3
        HEXPIREAT h ${FAR_S} FIELDS 3 a b c => [1, 1, 1]
        HSET h a 5 => 0
        HINCRBY h b 1 => 3
        HINCRBYFLOAT h c 0.5 => "3.5"
        HINCRBYFLOAT h c 1e17 => "100000000000000003.5"
        HEXPIRETIME h FIELDS 3 a b c => [-1, ${FAR_S}, ${FAR_S}]
        HSETNX h b 9 => 0
        HMSET h b 9 => +OK
        HEXPIRETIME h FIELDS 1 b => [-1]
      `,
      OPTIONS,
    ],
    [
      'a counter whose time has come starts anew, and so does what HSETNX sets',
      `
        ${LAZY}
        HSET h a 10 b 10 c 10 d x => 4
        HPEXPIRE h 1 FIELDS 4 a b c d => [1, 1, 1, 1]
        sleep 10
        HINCRBY h a 1 => 1
        HINCRBYFLOAT h b 1.5 => "1.5"
        HSETNX h c 7 => 1
        HTTL h FIELDS 3 a b c => [-1, -1, -1]
        HINCRBY h d 1 => 1
        HSET i a 10 => 1
        EXPIRE i 1000 => 1
        HPEXPIRE i 1 FIELDS 1 a => [1]
        sleep 10
        HINCRBY i a 1 => 1
        # The key was deleted with its last field, and is another one now.
        TTL i => -1
        ${ACTIVE}
      `,
      OPTIONS,
    ],
    [
      'what nobody asks for is removed in time, with keys that become empty',
      `
        CONFIG RESETSTAT
        HSET h a 1 b 2 => 2
        HSET i a 1 => 1
        HPEXPIRE h 5 FIELDS 1 a => [1]
        HPEXPIRE i 5 FIELDS 1 a => [1]
        eventually HLEN h => 1
        eventually EXISTS i => 0
        HGETALL h => {"b": "2"}
        INFO stats => /expired_subkeys:2\\r/
      `,
      OPTIONS,
    ],
    [
      'INFO keyspace counts hashes with fields that expire',
      `
        HSET h a 1 b 2 => 2
        HSET i a 1 => 1
        INFO keyspace => /subexpiry=0\\r/
        HEXPIRE h 100 FIELDS 2 a b => [1, 1]
        HEXPIRE i 100 FIELDS 1 a => [1]
        INFO keyspace => /subexpiry=2\\r/
        HDEL i a => 1
        HDEL h a => 1
        INFO keyspace => /subexpiry=1\\r/
        HDEL h b => 1
        HSET h a 1 => 1
        INFO keyspace => /subexpiry=0\\r/
        HEXPIRE h 100 FIELDS 1 a => [1]
        COPY h j => 1
        INFO keyspace => /subexpiry=2\\r/
        FLUSHALL
        HSET h a 1 => 1
        INFO keyspace => /subexpiry=0\\r/
      `,
      OPTIONS,
    ],
    [
      'COPY, RENAME, MOVE and SWAPDB take expiries along',
      `
        HSET h a 1 b 2 => 2
        HEXPIREAT h ${FAR_S} FIELDS 1 a => [1]
        COPY h copy => 1
        RENAME h renamed => +OK
        HEXPIRETIME copy FIELDS 2 a b => [${FAR_S}, -1]
        HEXPIRETIME renamed FIELDS 2 a b => [${FAR_S}, -1]
        MOVE copy 3 => 1
        SELECT 3
        HEXPIRETIME copy FIELDS 2 a b => [${FAR_S}, -1]
        HPEXPIRE copy 5 FIELDS 2 a b => [1, 1]
        eventually EXISTS copy => 0
        HSET h a 1 => 1
        HPEXPIRE h 300 FIELDS 1 a => [1]
        SWAPDB 3 4 => +OK
        EXISTS h => 0
        SELECT 4
        HGET h a => "1"
        eventually EXISTS h => 0
        SELECT 0
        HEXPIRETIME renamed FIELDS 1 a => [${FAR_S}]
        RENAME renamed again => +OK
        HPEXPIRE again 5 FIELDS 2 a b => [1, 1]
        eventually EXISTS again => 0
      `,
      OPTIONS,
    ],
    [
      'HGETDEL returns and deletes',
      `
        HSET h a 1 b two c 3 => 3
        HGETDEL h FIELDS 2 a none => ["1", nil]
        HGETDEL h fields 2 b b => ["two", nil]
        HGETDEL h FIELDS 1 c => ["3"]
        EXISTS h => 0
        HGETDEL h FIELDS 2 a b => [nil, nil]
        ${LAZY}
        HSET h a 1 b 2 => 2
        HPEXPIRE h 1 FIELDS 1 a => [1]
        sleep 10
        HGETDEL h FIELDS 2 a b => [nil, "2"]
        EXISTS h => 0
        ${ACTIVE}
      `,
      OPTIONS_8,
    ],
    [
      'HGETEX returns values and changes their expiry',
      `
        HSET h a 1 b 2 => 2
        HGETEX h FIELDS 3 a b none => ["1", "2", nil]
        HGETEX h EXAT ${FAR_S} FIELDS 2 a none => ["1", nil]
        HEXPIRETIME h FIELDS 2 a b => [${FAR_S}, -1]
        HGETEX h FIELDS 1 a => ["1"]
        HGETEX h PXAT ${FAR_S}001 FIELDS 1 b => ["2"]
        HPEXPIRETIME h FIELDS 2 a b => [${FAR_S}000, ${FAR_S}001]
        HGETEX h EX 100 FIELDS 1 a => ["1"]
        HGETEX h px 100000 FIELDS 1 b => ["2"]
        HTTL h FIELDS 2 a b => [<99..100>, <99..100>]
        HGETEX h PERSIST FIELDS 2 a b => ["1", "2"]
        HTTL h FIELDS 2 a b => [-1, -1]
        HGETEX h PXAT 1 FIELDS 2 a b => ["1", "2"]
        EXISTS h => 0
        HGETEX h EX 1 FIELDS 2 a b => [nil, nil]
      `,
      OPTIONS_8,
    ],
    [
      'HSETEX sets fields with or without expiry',
      `
        HSETEX h FIELDS 2 a 1 b 2 => 1
        HTTL h FIELDS 2 a b => [-1, -1]
        HSETEX h EXAT ${FAR_S} FIELDS 2 a 3 c 4 => 1
        HEXPIRETIME h FIELDS 3 a b c => [${FAR_S}, -1, ${FAR_S}]
        HSETEX h KEEPTTL FIELDS 2 a 5 b 6 => 1
        HEXPIRETIME h FIELDS 2 a b => [${FAR_S}, -1]
        HSETEX h FIELDS 1 a 7 => 1
        HEXPIRETIME h FIELDS 2 a c => [-1, ${FAR_S}]
        HGETALL h => any-order{"a": "7", "b": "6", "c": "4"}
        HSETEX h EX 100 FIELDS 1 a 8 => 1
        HSETEX h px 100000 FIELDS 1 b 9 => 1
        HTTL h FIELDS 2 a b => [<99..100>, <99..100>]
        HSETEX h PXAT 1 FIELDS 3 a 1 b 1 c 1 => 1
        EXISTS h => 0
        HSETEX new EXAT 1 FIELDS 1 a 1 => 1
        EXISTS new => 0
      `,
      OPTIONS_8,
    ],
    [
      'HSETEX sets all or nothing under a condition',
      `
        HSETEX h FXX FIELDS 1 a 1 => 0
        EXISTS h => 0
        HSETEX h FNX EX 100 FIELDS 2 a 1 b 2 => 1
        HSETEX h FNX FIELDS 2 b 3 c 3 => 0
        HSETEX h FXX FIELDS 2 b 3 c 3 => 0
        HGETALL h => any-order{"a": "1", "b": "2"}
        HSETEX h PX 5000 FXX FIELDS 2 a 5 b 6 => 1
        HSETEX h fnx keepttl FIELDS 1 c 7 => 1
        HTTL h FIELDS 3 a b c => [<4..5>, <4..5>, -1]
        ${LAZY}
        DEL h => 1
        HSETEX h PX 1 FIELDS 1 a 1 => 1
        sleep 10
        HSETEX h FXX FIELDS 1 a 2 => 0
        EXISTS h => 0
        HSETEX h PX 1 FIELDS 1 a 1 => 1
        sleep 10
        HSETEX h FNX FIELDS 1 a 2 => 1
        HTTL h FIELDS 1 a => [-1]
        ${ACTIVE}
      `,
      OPTIONS_8,
    ],
    [
      'DEBUG DIGEST tells fields with an expiry from others',
      async ({ client, run }) => {
        const digest = async () => showReply(await client.call('DEBUG', 'DIGEST-VALUE', 'h'));
        await run('HSET h a 1 b 2 => 2');
        const plain = await digest();
        await run(`HEXPIREAT h ${FAR_S} FIELDS 1 a => [1]`);
        const one = await digest();
        expect(one).not.toBe(plain);
        await run(`HEXPIREAT h ${FAR_S + 1} FIELDS 1 a => [1]`);
        expect(await digest()).toBe(one);
        await run('HPERSIST h FIELDS 1 a => [1]');
        expect(await digest()).toBe(plain);
      },
      OPTIONS,
    ],
  ]),
  [
    'OBJECT ENCODING tells small hashes with expiries from others',
    `
      HSET h a 1 b 2 => 2
      OBJECT ENCODING h => "listpack"
      HEXPIRE h 100 FIELDS 1 a => [1]
      OBJECT ENCODING h => "listpackex"
      HPERSIST h FIELDS 1 a => [1]
      OBJECT ENCODING h => "listpackex"
      MEMORY USAGE h => <40..400>
      DEBUG LISTPACK h => +Listpack structure printed on stdout
      HEXPIREAT h ${FAR_S} FIELDS 1 b => [1]
      HSET h long ${'x'.repeat(65)} => 1
      OBJECT ENCODING h => "hashtable"
      HEXPIRETIME h FIELDS 3 a b long => [-1, ${FAR_S}, -1]
      CONFIG SET hash-max-listpack-entries 3
      HSET i a 1 b 2 c 3 => 3
      HEXPIREAT i ${FAR_S} FIELDS 2 c b => [1, 1]
      OBJECT ENCODING i => "listpackex"
      HSET i d 4 => 1
      OBJECT ENCODING i => "hashtable"
      HEXPIRETIME i FIELDS 4 a b c d => [-1, ${FAR_S}, ${FAR_S}, -1]
    `,
    { ...OPTIONS, config: { 'hash-max-listpack-entries': '128' } },
  ],
  [
    'a small hash shows its fields in the order in which they expire',
    `
      HSET h a 1 b 2 c 3 d ${'x'.repeat(60)} e 5 => 5
      HEXPIREAT h ${FAR_S + 3} FIELDS 1 d => [1]
      HEXPIREAT h ${FAR_S + 1} FIELDS 1 e => [1]
      HEXPIREAT h ${FAR_S + 2} FIELDS 1 a => [1]
      HKEYS h => ["e", "a", "d", "b", "c"]
      HEXPIREAT h ${FAR_S + 3} FIELDS 1 e => [1]
      HKEYS h => ["a", "d", "e", "b", "c"]
      HPERSIST h FIELDS 1 d => [1]
      HKEYS h => ["a", "e", "b", "c", "d"]
      HSET h a 9 f 6 => 1
      HGETALL h => {"e": "5", "b": "2", "c": "3", "d": "${'x'.repeat(60)}", "a": "9", "f": "6"}
    `,
    OPTIONS,
  ],
  [
    'missing keys have no fields',
    `
      HEXPIRE none 10 FIELDS 2 a b => [-2, -2]
      HPEXPIREAT none 10 NX FIELDS 1 a => [-2]
      HTTL none FIELDS 1 a => [-2]
      HPTTL none FIELDS 1 a => [-2]
      HEXPIRETIME none FIELDS 1 a => [-2]
      HPEXPIRETIME none FIELDS 2 a a => [-2, -2]
      EXISTS none => 0
    `,
    OPTIONS,
  ],
  [
    'keys of another type are refused before anything else is looked at',
    `
      SET str v
      HEXPIRE str x y z a b => ${WRONGTYPE}
      HPEXPIREAT str 1 FIELDS 1 a => ${WRONGTYPE}
      HTTL str x y z => ${WRONGTYPE}
      HPEXPIRETIME str FIELDS 1 a => ${WRONGTYPE}
      HPERSIST str x y z => ${WRONGTYPE}
    `,
    OPTIONS,
  ],
  [
    'keys of another type are refused by the newer commands too',
    `
      SET str v
      HGETEX str x y z => ${WRONGTYPE}
      HGETDEL str x y z => ${WRONGTYPE}
      HSETEX str FIELDS 1 a b => ${WRONGTYPE}
      HSETEX str x FIELDS 1 a b => -ERR unknown argument: x
    `,
    OPTIONS_8,
  ],
  [
    'times that are none, negative or too far away are refused',
    `
      HSET h a 1 => 1
      HEXPIRE h x FIELDS 1 a => ${NOT_INTEGER}
      HEXPIRE h -1 FIELDS 1 a => -ERR invalid expire time, must be >= 0
      HPEXPIREAT h -9223372036854775808 FIELDS 1 a => -ERR invalid expire time, must be >= 0
      HEXPIRE h ${LAST_MS} FIELDS 1 a => -ERR invalid expire time in 'hexpire' command
      HPEXPIRE h ${LAST_MS} FIELDS 1 a => -ERR invalid expire time in 'hpexpire' command
      HEXPIREAT h ${Math.floor(LAST_MS / 1000) + 1} FIELDS 1 a
      => -ERR invalid expire time in 'hexpireat' command
      HPEXPIREAT h ${LAST_MS + 1} FIELDS 1 a => -ERR invalid expire time in 'hpexpireat' command
      HPEXPIREAT h ${LAST_MS} FIELDS 1 a => [1]
      HPEXPIRETIME h FIELDS 1 a => [${LAST_MS}]
      HEXPIREAT h ${Math.floor(LAST_MS / 1000)} FIELDS 1 a => [1]
    `,
    OPTIONS,
  ],
  [
    'lists of fields have to be as long as they say',
    `
      HSET h a 1 => 1
      HEXPIRE h 10 FIELDS 0 a => -ERR Parameter \`numFields\` should be greater than 0
      HEXPIRE h 10 FIELDS x a => -ERR Parameter \`numFields\` should be greater than 0
      HEXPIRE h 10 FIELDS 2 a => ${MISMATCH}
      HEXPIRE h 10 FIELDS 1 a b => ${MISMATCH}
      HEXPIRE h 10 NX 1 a b => ${NO_FIELDS}
      HEXPIRE h 10 ZZ FIELDS 1 a => ${NO_FIELDS}
      HEXPIRE h 10 FIELDS 1 => -ERR wrong number of arguments for 'hexpire' command
      HTTL h NOFIELDS 1 a => ${NO_FIELDS}
      HTTL h FIELDS 0 a => ${BAD_COUNT}
      HPTTL h FIELDS -1 a => ${BAD_COUNT}
      HEXPIRETIME h FIELDS 9223372036854775808 a => ${BAD_COUNT}
      HPEXPIRETIME h FIELDS 2 a => ${MISMATCH}
      HPERSIST h FIELDS 1 a b => ${MISMATCH}
      HPERSIST h FIELDS 1 => -ERR wrong number of arguments for 'hpersist' command
    `,
    OPTIONS,
  ],
  [
    'so do those of the newer commands',
    `
      HGETDEL h NOFIELDS 1 a => ${NO_FIELDS}
      HGETDEL h FIELDS 0 a => ${BAD_COUNT}
      HGETDEL h FIELDS 2 a => ${MISMATCH}
      HGETEX h FIELDS 2 a => ${MISMATCH}
      HGETEX h FIELDS x a => ${BAD_COUNT}
      HGETEX h XFIELDSX 1 a => ${NO_FIELDS}
      HGETEX h PXAT 1 1 => ${NO_FIELDS}
      HGETEX h PERSIST 1 FIELDS 1 a => ${NO_FIELDS}
      HGETEX h EX 10 FIELDS => -ERR wrong number of arguments for 'hgetex' command
      HGETEX h EX x FIELDS 1 a => ${NOT_INTEGER}
      HGETEX h PX -1 FIELDS 1 a => -ERR invalid expire time, must be >= 0
      HGETEX h PXAT ${LAST_MS + 1} FIELDS 1 a => -ERR invalid expire time in 'hgetex' command
      HSETEX h FIELDS 2 a b => -ERR wrong number of arguments for 'hsetex' command
      HSETEX h FIELDS 1 a b c => -ERR wrong number of arguments for 'hsetex' command
      HSETEX h FIELDS 0 a b => -ERR invalid number of fields
      HSETEX h FIELDS x a b => -ERR invalid number of fields
      HSETEX h FIELDS 2147483648 a b => -ERR invalid number of fields
      HSETEX h NX FIELDS 1 a b => -ERR unknown argument: NX
      HSETEX h FNX FXX FIELDS 1 a b => -ERR Only one of FXX or FNX arguments can be specified
      HSETEX h EX 1 KEEPTTL FIELDS 1 a b
      => -ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified
      HSETEX h KEEPTTL PXAT 1 FIELDS 1 a b
      => -ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified
      HSETEX h EX FIELDS 1 a b => ${NOT_INTEGER}
      HSETEX h EX -1 FIELDS 1 a b => -ERR invalid expire time, must be >= 0
      HSETEX h EX ${LAST_MS} FIELDS 1 a b => -ERR invalid expire time in 'hsetex' command
      EXISTS h => 0
    `,
    OPTIONS_8,
  ],
  [
    'listeners hear of every change',
    async ({ connect, run }) => {
      const a = await connect('a');
      await run(`
        ${LAZY}
        CONFIG SET notify-keyspace-events Ehg
        @a PSUBSCRIBE * => >["psubscribe", "*", 1]
        HSET h a 1 b 2 c 3 => 3
        HEXPIRE h 100 FIELDS 2 a none => [1, -2]
        HEXPIRE h 100 NX FIELDS 1 a => [0]
        HPERSIST h FIELDS 2 a b => [1, -1]
        HPERSIST h FIELDS 1 a => [-1]
        HEXPIRE h 0 FIELDS 1 a => [2]
        HPEXPIRE h 1 FIELDS 2 b c => [1, 1]
        sleep 10
        HGET h b => nil
        HGET h c => nil
      `);
      const heard = [
        'hset',
        'hexpire',
        'hpersist',
        'hdel',
        'hexpire',
        'hexpired',
        'hexpired',
        'del',
      ];
      for (const event of heard) {
        expect(await message(a)).toBe(`["pmessage", "*", "__keyevent@0__:${event}", "h"]`);
      }
      await run(`${ACTIVE}\nHSET h a 1 => 1\nHPEXPIRE h 5 FIELDS 1 a => [1]`);
      for (const event of ['hset', 'hexpire', 'hexpired', 'del']) {
        expect(await message(a)).toBe(`["pmessage", "*", "__keyevent@0__:${event}", "h"]`);
      }
    },
    { ...OPTIONS, config: { 'notify-keyspace-events': '' } },
  ],
  [
    'listeners hear of what the newer commands do',
    async ({ connect, run }) => {
      const a = await connect('a');
      await run(`
        CONFIG SET notify-keyspace-events Ehg
        @a PSUBSCRIBE * => >["psubscribe", "*", 1]
        HSETEX h EX 100 FIELDS 2 a 1 b 2 => 1
        HGETEX h FIELDS 1 a => ["1"]
        HGETEX h EX 200 FIELDS 1 a => ["1"]
        HGETEX h PERSIST FIELDS 1 a => ["1"]
        HGETEX h PERSIST FIELDS 1 a => ["1"]
        HSETEX h PXAT 1 FIELDS 1 a 1 => 1
        HGETDEL h FIELDS 1 b => ["2"]
      `);
      const heard = ['hset', 'hexpire', 'hexpire', 'hpersist', 'hset', 'hdel', 'hdel', 'del'];
      for (const event of heard) {
        expect(await message(a)).toBe(`["pmessage", "*", "__keyevent@0__:${event}", "h"]`);
      }
    },
    { ...OPTIONS_8, config: { 'notify-keyspace-events': '' } },
  ],
  [
    'a field that goes by itself breaks the transactions of those who watch its key',
    `
      ${LAZY}
      HSET h a 1 b 2 => 2
      HPEXPIRE h 1 FIELDS 1 a => [1]
      sleep 10
      @b WATCH h => +OK
      HGET h a => nil
      @b MULTI => +OK
      @b PING => +QUEUED
      @b EXEC => nil-array
      ${ACTIVE}
    `,
    OPTIONS,
  ],
]);
