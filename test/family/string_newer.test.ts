// String commands and options newer than Redis 7.2: conditional SET, DELEX, DIGEST, MSETEX, INCREX.
//
// Expectations come from the public documentation of Redis 8.4 and 8.8, error texts from what servers
// of these releases answer. The digests were computed with the reference implementation of XXH3
// (64 bits, seed 0).

import { expect } from 'vitest';
import { family } from '../support/family.ts';

const WRONGTYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';

/** Length of the input made by `pattern`, its digest. */
const DIGESTS: [sizeBytes: number, digest: string][] = [
  [0, '2d06800538d394c2'],
  [1, '4a4139caf4136257'],
  [2, '571a2ebb238829bb'],
  [3, '505118c313121c0e'],
  [4, '3f6889ef166b4ad1'],
  [5, '8b9a336a5cca24f5'],
  [8, '93f1200f9be82671'],
  [9, '05b2fd4d97edcdae'],
  [16, '2e4359e2a04a5e32'],
  [17, 'f60c53684bbc489d'],
  [32, '664864df0876efc6'],
  [33, 'aa998d6131d956aa'],
  [64, '8e7464ffdf82c775'],
  [65, '8e3ac0373892cc0a'],
  [96, 'dd8813a25295a5d5'],
  [97, 'ca141081637fc064'],
  [128, '5c6ab7b5b2360539'],
  [129, '45fabbd183de7649'],
  [160, '46209d72c7d8e02f'],
  [239, 'a1e83bcb725e5fbd'],
  [240, 'c0796428068cd12e'],
  [241, '859dc8ab6dd85c7c'],
  [256, '2998c04a18028d12'],
  [512, 'd02220e4b3bface7'],
  [1000, '35b90186550dbb50'],
  [1023, 'f35d4c7d308f7a40'],
  [1024, '7df7f049c0c1ad73'],
  [1025, '29adcfcac5492652'],
  [2049, '215115dee6e09597'],
  [5000, '3be1ff1b0768cfb2'],
];

function pattern(size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, (_, i) => (i * 37 + 11) & 255));
}

const V1_DIGEST = '699a96a965cd390d';
const V2_DIGEST = '2225df3932692638';

family('newer string commands', [
  // --- SET IFEQ IFNE IFDEQ IFDNE ---
  [
    'SET IFEQ sets only over an equal value',
    `
      SET k v2 IFEQ v1 => nil
      EXISTS k => 0
      SET k v1
      SET k v2 IFEQ other => nil
      SET k v2 ifeq v1 => +OK
      GET k => "v2"
      SET n 12
      SET n 13 IFEQ 12 => +OK
      SET n 14 IFEQ 013 => nil
    `,
    { since: '8.4' },
  ],
  [
    'SET IFNE sets over another value or none',
    `
      SET k v1 IFNE x => +OK
      SET k v2 IFNE v1 => nil
      SET k v2 IFNE v0 => +OK
      GET k => "v2"
    `,
    { since: '8.4' },
  ],
  [
    'SET IFDEQ and IFDNE compare digests',
    `
      SET k v2 IFDEQ ${V1_DIGEST} => nil
      EXISTS k => 0
      SET k v1 IFDNE ${V1_DIGEST} => +OK
      SET k v2 IFDNE ${V1_DIGEST} => nil
      SET k v2 IFDEQ ${V2_DIGEST} => nil
      SET k v2 IFDEQ ${V1_DIGEST} => +OK
      SET k v3 IFDNE ${V1_DIGEST} => +OK
      GET k => "v3"
    `,
    { since: '8.4' },
  ],
  [
    'conditional SET with GET returns the old value, set or not',
    `
      SET k v1
      SET k v2 IFEQ nope GET => "v1"
      SET k v2 GET IFEQ v1 => "v1"
      SET none v IFEQ x GET => nil
      EXISTS none => 0
      SET none v IFNE x GET => nil
      GET none => "v"
    `,
    { since: '8.4' },
  ],
  [
    'conditional SET goes with an expiry, which is left alone when nothing is set',
    `
      SET k v1 EX 1000
      SET k v2 IFEQ nope EX 10 => nil
      TTL k => <999..1000>
      SET k v2 IFEQ v1 KEEPTTL => +OK
      TTL k => <999..1000>
      SET k v3 EX 100 IFEQ v2 => +OK
      TTL k => <99..100>
      SET k v4 IFEQ v3 => +OK
      TTL k => -1
    `,
    { since: '8.4' },
  ],
  [
    'the conditions of SET exclude each other',
    `
      SET k v IFEQ a NX => -ERR syntax error
      SET k v XX IFEQ a => -ERR syntax error
      SET k v IFEQ a IFNE b => -ERR syntax error
      SET k v IFDEQ ${V1_DIGEST} IFDNE ${V1_DIGEST} => -ERR syntax error
      SET k v IFEQ => -ERR syntax error
      EXISTS k => 0
    `,
    { since: '8.4' },
  ],
  [
    'conditional SET refuses a key of another type',
    `
      RPUSH k x
      SET k v IFEQ x => ${WRONGTYPE}
      SET k v IFNE x => ${WRONGTYPE}
      TYPE k => +list
    `,
    { since: '8.4', requires: ['RPUSH'] },
  ],

  // --- DIGEST ---
  [
    'DIGEST is the 64-bit XXH3 of the value in 16 hexadecimal digits',
    async ({ client, run }) => {
      await run('DIGEST none => nil\nSET k "Hello world"\nDIGEST k => "b6acb9d84a38ff74"');
      for (const [size, digest] of DIGESTS) {
        await client.call('SET', 'k', pattern(size));
        const reply = await client.call('DIGEST', 'k');
        expect(reply, `${size} bytes`).toEqual({ kind: 'bulk', bytes: Buffer.from(digest) });
      }
      await run('SET n 123\nDIGEST n => "404a763b3f4c8c9a"');
      await run("DIGEST => -ERR wrong number of arguments for 'digest' command");
    },
    { since: '8.4' },
  ],
  [
    'DIGEST refuses a key of another type',
    `
      RPUSH k x
      DIGEST k => ${WRONGTYPE}
    `,
    { since: '8.4', requires: ['RPUSH'] },
  ],

  [
    'a digest has 16 digits, in either case, but only where it is looked at',
    `
      SET k v8lf0c11xh8ymlqztfd3eeq16kfn4sspw7fqmnuuq3k3t75em5wdizgcdw7uc26nnf961u2jkfzkjytls2kwlj7626sd
      DIGEST k => "00006c38adf31777"
      SET k v1
      SET k v2 IFDEQ ${V1_DIGEST.slice(1)} => -ERR must be exactly 16 hexadecimal characters
      SET k v2 IFDNE 0${V1_DIGEST} => -ERR must be exactly 16 hexadecimal characters
      SET k v2 GET IFDEQ "" => -ERR must be exactly 16 hexadecimal characters
      DELEX k IFDEQ 12 => -ERR must be exactly 16 hexadecimal characters
      DELEX k IFDEQ zzzzzzzzzzzzzzzz => 0
      GET k => "v1"
      SET none v IFDEQ 12 => nil
      DELEX none IFDNE 12 => 0
      SET none v IFDNE 12 => +OK
      SET k v2 IFDEQ ${V1_DIGEST.toUpperCase()} => +OK
      DELEX k IFDNE ${V2_DIGEST.toUpperCase()} => 0
      DELEX k IFDEQ ${V2_DIGEST.toUpperCase()} => 1
    `,
    { since: '8.4' },
  ],
  [
    'a condition of SET may be repeated, and the last one counts',
    `
      SET k v1
      SET k v2 IFEQ x IFEQ v1 => +OK
      SET k v3 IFEQ v2 IFEQ x => nil
    `,
    { since: '8.4' },
  ],

  // --- DELEX ---
  [
    'DELEX deletes when its condition holds',
    `
      DELEX k => 0
      SET k v1
      DELEX k => 1
      EXISTS k => 0
      DELEX k IFEQ v1 => 0
      SET k v1
      DELEX k IFEQ other => 0
      DELEX k ifeq v1 => 1
      SET k v1
      DELEX k IFNE v1 => 0
      DELEX k IFNE other => 1
      SET k v1
      DELEX k IFDEQ ${V2_DIGEST} => 0
      DELEX k IFDNE ${V1_DIGEST} => 0
      DELEX k IFDEQ ${V1_DIGEST} => 1
      SET k v1
      DELEX k IFDNE ${V2_DIGEST} => 1
      DBSIZE => 0
    `,
    { since: '8.4' },
  ],
  [
    'DELEX refuses bad options and takes one condition',
    `
      SET k v
      DELEX k NOSUCH x => -ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE
      DELEX k NX x => -ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE
      DELEX k IFEQ => -ERR wrong number of arguments for 'delex' command
      DELEX k IFEQ v IFNE w => -ERR wrong number of arguments for 'delex' command
      DELEX none IFEQ => -ERR wrong number of arguments for 'delex' command
      DELEX none NOSUCH x => 0
      DELEX => -ERR wrong number of arguments for 'delex' command
      EXISTS k => 1
    `,
    { since: '8.4' },
  ],
  [
    'DELEX with a condition needs a string, without one any key will do',
    `
      RPUSH k x
      DELEX k IFEQ x => -ERR Key should be of string type if conditions are specified
      DELEX k NOSUCH x => -ERR Key should be of string type if conditions are specified
      EXISTS k => 1
      DELEX k => 1
    `,
    { since: '8.4', requires: ['RPUSH'] },
  ],

  // --- MSETEX ---
  [
    'MSETEX sets several keys with one expiry',
    `
      MSETEX 2 a 1 b 2 => 1
      TTL a => -1
      MSETEX 2 a 3 b 4 EX 100 => 1
      MGET a b => ["3", "4"]
      TTL a => <99..100>
      TTL b => <99..100>
      MSETEX 1 a 5 KEEPTTL => 1
      TTL a => <99..100>
      MSETEX 1 a 5 => 1
      TTL a => -1
      MSETEX 1 a 5 PX 100000 => 1
      PTTL a => <99000..100000>
      MSETEX 1 a 5 exat 33177117420 => 1
      EXPIRETIME a => 33177117420
      MSETEX 1 a 5 PXAT 33177117420123 => 1
      PEXPIRETIME a => 33177117420123
    `,
    { since: '8.4' },
  ],
  [
    'MSETEX NX and XX hold for all keys or none',
    `
      MSETEX 2 a 1 b 2 XX => 0
      DBSIZE => 0
      MSETEX 2 a 1 b 2 NX => 1
      MSETEX 2 b 3 c 4 NX => 0
      MSETEX 2 b 3 c 4 XX => 0
      MGET a b c => ["1", "2", nil]
      MSETEX 2 a 5 b 6 XX EX 100 => 1
      MGET a b => ["5", "6"]
      MSETEX 1 c 7 EX 100 nx => 1
      TTL c => <99..100>
    `,
    { since: '8.4' },
  ],
  [
    'MSETEX refuses bad counts and options',
    `
      MSETEX 0 a 1 => -ERR invalid numkeys value
      MSETEX -1 a 1 => -ERR invalid numkeys value
      MSETEX x a 1 => -ERR invalid numkeys value
      MSETEX 2147483648 a 1 => -ERR invalid numkeys value
      MSETEX 2147483647 a 1 => -ERR wrong number of key-value pairs
      MSETEX 2 a 1 => -ERR wrong number of key-value pairs
      MSETEX 2 a 1 b => -ERR wrong number of key-value pairs
      MSETEX 1 a 1 NX XX => -ERR syntax error
      MSETEX 1 a 1 EX 1 PX 1 => -ERR syntax error
      MSETEX 1 a 1 EX 1 KEEPTTL => -ERR syntax error
      MSETEX 1 a 1 NOSUCH => -ERR syntax error
      MSETEX 1 a 1 GET => -ERR syntax error
      MSETEX 1 a 1 IFEQ 1 => -ERR syntax error
      MSETEX 1 a 1 EX => -ERR syntax error
      MSETEX 1 a 1 EX 0 => -ERR invalid expire time in 'msetex' command
      MSETEX 1 a 1 EX -1 => -ERR invalid expire time in 'msetex' command
      MSETEX 1 a 1 EX x => -ERR value is not an integer or out of range
      MSETEX 1 a => -ERR wrong number of arguments for 'msetex' command
      DBSIZE => 0
    `,
    { since: '8.4' },
  ],
  [
    'COMMAND GETKEYS knows where the keys of MSETEX are',
    `
      COMMAND GETKEYS MSETEX 2 a 1 b 2 EX 10 => ["a", "b"]
    `,
    { since: '8.4' },
  ],

  // --- INCREX ---
  [
    'INCREX replies the new value and what was added',
    `
      INCREX k => [1, 1]
      INCREX k => [2, 1]
      INCREX k BYINT 5 => [7, 5]
      INCREX k byint -10 => [-3, -10]
      GET k => "-3"
      SET f 1.5
      INCREX f BYFLOAT 0.25 => [double(1.75), double(0.25)]
      GET f => "1.75"
      INCREX k BYFLOAT 0.5 => [double(-2.5), double(0.5)]
      INCREX k BYINT 1 => -ERR value is not an integer or out of range
    `,
    { since: '8.8' },
  ],
  [
    'INCREX beyond a bound adds nothing, or up to the bound with SATURATE',
    `
      SET k 99
      INCREX k BYINT 5 UBOUND 100 => [99, 0]
      INCREX k BYINT 5 UBOUND 100 SATURATE => [100, 1]
      INCREX k UBOUND 100 SATURATE => [100, 0]
      INCREX k BYINT -200 LBOUND -50 => [100, 0]
      INCREX k BYINT -200 SATURATE LBOUND -50 => [-50, -150]
      INCREX k BYINT 5 LBOUND -50 UBOUND 0 => [-45, 5]
      SET k 9223372036854775807
      INCREX k => [9223372036854775807, 0]
      INCREX k BYINT 10 SATURATE => [9223372036854775807, 0]
      SET f 1.5
      INCREX f BYFLOAT 1 UBOUND 2 => [double(1.5), double(0)]
      INCREX f BYFLOAT 1 UBOUND 2 SATURATE => [double(2), double(0.5)]
    `,
    { since: '8.8' },
  ],
  [
    'INCREX sets, drops or keeps the expiry',
    `
      INCREX k EX 100 => [1, 1]
      TTL k => <99..100>
      INCREX k => [2, 1]
      TTL k => <99..100>
      INCREX k PX 500000 => [3, 1]
      TTL k => <499..500>
      INCREX k PERSIST => [4, 1]
      TTL k => -1
      INCREX k EXAT 33177117420 => [5, 1]
      EXPIRETIME k => 33177117420
      INCREX k PXAT 33177117420123 => [6, 1]
      PEXPIRETIME k => 33177117420123
    `,
    { since: '8.8' },
  ],
  [
    'INCREX ENX sets an expiry only where there is none',
    `
      INCREX k EX 100 ENX => [1, 1]
      TTL k => <99..100>
      INCREX k BYINT 2 EX 1000 ENX => [3, 2]
      TTL k => <99..100>
      SET p 1
      INCREX p ENX EX 100 => [2, 1]
      TTL p => <99..100>
    `,
    { since: '8.8' },
  ],
  [
    'INCREX that adds nothing at a bound leaves the expiry alone',
    `
      SET k 5 EX 1000
      INCREX k BYINT 1 UBOUND 5 EX 10 => [5, 0]
      TTL k => <999..1000>
      INCREX k BYINT 1 UBOUND 5 EX 100 SATURATE => [5, 0]
      TTL k => <99..100>
    `,
    { since: '8.8' },
  ],
  [
    'INCREX refuses bad options and values',
    `
      SET k 1
      INCREX k BYINT 1 BYFLOAT 1 => -ERR syntax error
      INCREX k NOSUCH => -ERR syntax error
      INCREX k BYINT => -ERR syntax error
      INCREX k BYINT 1 BYINT 1 => -ERR syntax error
      INCREX k SATURATE SATURATE => -ERR syntax error
      INCREX k LBOUND 1 LBOUND 1 => -ERR syntax error
      INCREX k UBOUND 1 UBOUND 1 => -ERR syntax error
      INCREX k UBOUND => -ERR syntax error
      INCREX k EX 1 EX 1 => -ERR syntax error
      INCREX k PERSIST PERSIST => -ERR syntax error
      INCREX k ENX ENX EX 1 => -ERR syntax error
      INCREX k KEEPTTL => -ERR syntax error
      INCREX k BYINT x => -ERR Increment is not an integer or out of range
      INCREX k BYINT 1.5 => -ERR Increment is not an integer or out of range
      INCREX k BYFLOAT x => -ERR Increment is not a valid float
      INCREX k BYFLOAT inf => -ERR BYFLOAT increment cannot be Infinity
      INCREX k EX 1 PX 1 => -ERR syntax error
      INCREX k EX 1 PERSIST => -ERR syntax error
      INCREX k ENX => -ERR ENX flag requires an expiration
      INCREX k ENX PERSIST => -ERR syntax error
      INCREX k PERSIST ENX => -ERR syntax error
      INCREX k EX 0 => -ERR invalid expire time in 'increx' command
      INCREX k EX x => -ERR value is not an integer or out of range
      INCREX k LBOUND 5 UBOUND 4 => -ERR LBOUND can't be greater than UBOUND
      INCREX k BYFLOAT 1 LBOUND inf => -ERR LBOUND can't be greater than UBOUND
      INCREX k BYINT 1 UBOUND x => -ERR UBOUND is not an integer or out of range
      INCREX k BYINT 1 LBOUND 0.5 => -ERR LBOUND is not an integer or out of range
      INCREX k BYFLOAT 1 UBOUND x => -ERR UBOUND is not a valid float
      INCREX => -ERR wrong number of arguments for 'increx' command
      SET k abc
      INCREX k => -ERR value is not an integer or out of range
      INCREX k BYFLOAT 1 => -ERR value is not a valid float
      GET k => "abc"
    `,
    { since: '8.8' },
  ],
  [
    'INCREX counts a value outside the bounds like one that was brought there',
    `
      INCREX k BYINT 5 LBOUND 10 => [0, 0]
      INCREX f BYFLOAT -0.5 UBOUND -1.5 => [double(0), double(0)]
      DBSIZE => 0
      SET k 50
      INCREX k BYINT 5 UBOUND 30 => [50, 0]
      INCREX k BYINT 5 UBOUND 30 SATURATE => [30, -20]
      SET k 50
      INCREX k BYINT -25 UBOUND 30 => [25, -25]
      SET f -50.5
      INCREX f BYFLOAT -5.5 LBOUND -30 SATURATE => [double(-30), double(20.5)]
    `,
    { since: '8.8' },
  ],
  [
    'INCREX saturates at the limits of the type, unless what it adds has no number',
    `
      SET k -9223372036854775800
      INCREX k BYINT -100 => [-9223372036854775800, 0]
      INCREX k BYINT -100 SATURATE => [-9223372036854775808, -8]
      SET k 10
      INCREX k BYINT 9223372036854775807 UBOUND 100 SATURATE => [100, 90]
      SET k 9223372036854775800
      INCREX k SATURATE UBOUND -9223372036854775808 => -ERR applied increment would overflow
      GET k => "9223372036854775800"
      SET f 10
      INCREX f BYFLOAT 1e4932 UBOUND 100 => [double(10), double(0)]
      INCREX f BYFLOAT 1e4932 UBOUND 100 SATURATE => [double(100), double(90)]
      INCREX f BYFLOAT 1 LBOUND inf UBOUND inf SATURATE =>
      => -ERR applied increment would be Infinity
      SET f inf
      INCREX f BYFLOAT 1 => -ERR value cannot be Infinity
      GET f => "inf"
    `,
    { since: '8.8' },
  ],
  [
    'INCREX with an expiry in the past deletes the key',
    `
      SET k 10
      INCREX k EXAT 1 => [11, 1]
      EXISTS k => 0
      INCREX k PXAT 1 => [1, 1]
      EXISTS k => 0
      SET k 10 EX 500
      INCREX k EXAT 1 ENX => [11, 1]
      TTL k => <499..500>
    `,
    { since: '8.8' },
  ],
  [
    'INCREX stores integers as such and floating-point results as text',
    `
      INCREX k
      OBJECT ENCODING k => "int"
      INCREX f BYFLOAT 3 => [double(3), double(3)]
      OBJECT ENCODING f => "embstr"
      APPEND k 2 => 2
      OBJECT ENCODING k => "raw"
      INCREX k => [13, 1]
      OBJECT ENCODING k => "int"
    `,
    { since: '8.8' },
  ],
  [
    'INCREX refuses a key of another type',
    `
      RPUSH k x
      INCREX k => ${WRONGTYPE}
      INCREX k BYFLOAT 1 => ${WRONGTYPE}
    `,
    { since: '8.8', requires: ['RPUSH'] },
  ],
]);
