// Strings used as bit arrays: SETBIT, GETBIT, BITCOUNT, BITPOS, BITOP.

import { expect } from 'vitest';
import { family } from '../support/family.ts';
import { Random } from '../support/random.ts';

const WRONGTYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const NOT_INTEGER = '-ERR value is not an integer or out of range';
const BAD_OFFSET = '-ERR bit offset is not an integer or out of range';

family('bitmaps', [
  [
    'SETBIT sets, clears and extends; bit 0 is the highest of byte 0',
    String.raw`
      SETBIT k 1 1 => 0
      SETBIT k 1 1 => 1
      GET k => "@"
      SETBIT k 7 1 => 0
      GET k => "A"
      SETBIT k 7 0 => 1
      SETBIT k 23 0 => 0
      GET k => "@\x00\x00"
      STRLEN k => 3
      SETBIT new 9 0 => 0
      GET new => "\x00\x00"
    `,
  ],
  [
    'SETBIT keeps the expiry and works on an integer value',
    `
      SET k 1 EX 100
      SETBIT k 6 1 => 0
      GET k => "3"
      TTL k => <99..100>
      GETBIT k 7 => 1
    `,
  ],
  [
    'SETBIT refuses bad offsets and bits',
    `
      SETBIT k -1 1 => ${BAD_OFFSET}
      SETBIT k x 1 => ${BAD_OFFSET}
      SETBIT k 4294967296 1 => ${BAD_OFFSET}
      SETBIT k 9223372036854775808 1 => ${BAD_OFFSET}
      SETBIT k 0 2 => -ERR bit is not an integer or out of range
      SETBIT k 0 -1 => -ERR bit is not an integer or out of range
      SETBIT k 0 x => -ERR bit is not an integer or out of range
      SETBIT k -1 x => ${BAD_OFFSET}
      EXISTS k => 0
      SETBIT k 0 => -ERR wrong number of arguments for 'setbit' command
      GETBIT k => -ERR wrong number of arguments for 'getbit' command
    `,
  ],
  [
    'GETBIT reads 0 beyond the end and in a missing key',
    `
      GETBIT none 5 => 0
      SET k A
      GETBIT k 1 => 1
      GETBIT k 7 => 1
      GETBIT k 8 => 0
      GETBIT k 4294967295 => 0
      SET n 12
      GETBIT n 2 => 1
      GETBIT n 0 => 0
      GETBIT k -1 => ${BAD_OFFSET}
      GETBIT k 4294967296 => ${BAD_OFFSET}
      GETBIT k x => ${BAD_OFFSET}
    `,
  ],
  [
    'bit commands refuse other types',
    `
      RPUSH k x
      SETBIT k 0 1 => ${WRONGTYPE}
      GETBIT k 0 => ${WRONGTYPE}
      BITCOUNT k => ${WRONGTYPE}
      BITPOS k 1 => ${WRONGTYPE}
      BITOP NOT d k => ${WRONGTYPE}
      BITOP AND d k none => ${WRONGTYPE}
      BITFIELD k GET u8 0 => ${WRONGTYPE}
      BITFIELD k SET u8 0 1 => ${WRONGTYPE}
      BITFIELD_RO k GET u8 0 => ${WRONGTYPE}
      EXISTS d => 0
    `,
    { requires: ['RPUSH'] },
  ],

  // --- BITCOUNT ---
  [
    'BITCOUNT counts over bytes or bits',
    `
      SET k foobar
      BITCOUNT k => 26
      BITCOUNT k 0 0 => 4
      BITCOUNT k 1 1 => 6
      BITCOUNT k 1 1 BYTE => 6
      BITCOUNT k 5 30 BIT => 17
      BITCOUNT k 0 0 bit => 0
      BITCOUNT k 1 1 BIT => 1
      BITCOUNT k -2 -1 => 7
      BITCOUNT k -6 -5 BIT => 2
      BITCOUNT k 0 -1 => 26
      BITCOUNT k 0 1000 => 26
      BITCOUNT k -1000 -1000 => 4
      BITCOUNT k -1000 -1001 => 0
      BITCOUNT k 3 2 => 0
      BITCOUNT k 100 200 => 0
      BITCOUNT k -1 -2 BIT => 0
      BITCOUNT none => 0
      BITCOUNT none 0 -1 => 0
      SET n 123
      BITCOUNT n => 10
    `,
  ],
  [
    'BITCOUNT refuses bad arguments',
    `
      SET k foobar
      BITCOUNT => -ERR wrong number of arguments for 'bitcount' command
      BITCOUNT k 0 => -ERR syntax error
      BITCOUNT k 0 1 NOSUCH => -ERR syntax error
      BITCOUNT k 0 1 BIT x => -ERR syntax error
      BITCOUNT k x 1 => ${NOT_INTEGER}
      BITCOUNT k 0 1.5 => ${NOT_INTEGER}
    `,
  ],
  [
    'BITCOUNT of a missing key ignores bad arguments',
    `
      BITCOUNT none x 1 => 0
      BITCOUNT none 0 => 0
      BITCOUNT none 0 1 NOSUCH => 0
    `,
  ],
  [
    'BITCOUNT counts long values of every length around its word size',
    async ({ client, run }) => {
      for (const size of [1, 3, 4, 7, 8, 15, 27, 28, 29, 31, 32, 63, 64, 65, 127, 1000, 4097]) {
        const bytes = Buffer.from(Array.from({ length: size }, (_, i) => (i * 37 + 11) & 255));
        await client.call('SET', 'k', bytes);
        const ones = (part: Uint8Array) =>
          part.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);
        await run(`BITCOUNT k => ${ones(bytes)}`);
        await run(`BITCOUNT k 1 -1 => ${ones(bytes.subarray(1))}`);
      }
    },
  ],

  // --- BITPOS ---
  [
    'BITPOS finds the first bit that is set or clear',
    String.raw`
      SET k "\xff\xf0\x00"
      BITPOS k 0 => 12
      BITPOS k 1 => 0
      SET k "\x00\xff\xf0"
      BITPOS k 1 => 8
      BITPOS k 1 0 => 8
      BITPOS k 1 2 => 16
      BITPOS k 1 2 -1 BYTE => 16
      BITPOS k 1 7 15 BIT => 8
      BITPOS k 1 9 -1 bit => 9
      BITPOS k 0 8 -1 BIT => 20
      BITPOS k 1 -1 => 16
      SET k "\x00\x00\x00"
      BITPOS k 1 => -1
      BITPOS k 0 => 0
      BITPOS k 0 1 => 8
      BITPOS k 0 0 -1 => 0
    `,
  ],
  [
    'BITPOS for a clear bit goes beyond the value only without an end',
    String.raw`
      SET k "\xff\xff\xff"
      BITPOS k 0 => 24
      BITPOS k 0 0 => 24
      BITPOS k 0 1 => 24
      BITPOS k 0 0 -1 => -1
      BITPOS k 0 0 -1 BIT => -1
      BITPOS k 0 3 => -1
      BITPOS k 1 3 => -1
      BITPOS none 0 => 0
      BITPOS none 1 => -1
      BITPOS none 0 5 => 0
      SET e ""
      BITPOS e 0 => -1
      BITPOS e 1 => -1
    `,
  ],
  [
    'BITPOS refuses bad arguments',
    `
      SET k foobar
      BITPOS k => -ERR wrong number of arguments for 'bitpos' command
      BITPOS k 2 => -ERR The bit argument must be 1 or 0.
      BITPOS k -1 => -ERR The bit argument must be 1 or 0.
      BITPOS k x => ${NOT_INTEGER}
      BITPOS k 1 x => ${NOT_INTEGER}
      BITPOS k 1 0 x => ${NOT_INTEGER}
      BITPOS k 1 0 1 NOSUCH => -ERR syntax error
      BITPOS k 1 0 1 BIT x => -ERR syntax error
      BITPOS k 1 5 2 => -1
    `,
  ],

  // --- BITOP ---
  [
    'BITOP combines values, the shorter ones extended with zero bytes',
    String.raw`
      SET a "\xaa\x00\xff\x55"
      SET b "\xaa\xff"
      BITOP AND d a b => 4
      GET d => "\xaa\x00\x00\x00"
      BITOP OR d a b => 4
      GET d => "\xaa\xff\xff\x55"
      BITOP XOR d a b => 4
      GET d => "\x00\xff\xff\x55"
      BITOP NOT d a => 4
      GET d => "U\xff\x00\xaa"
      BITOP and d a => 4
      GET d => "\xaa\x00\xff\x55"
      BITOP AND d a none => 4
      GET d => "\x00\x00\x00\x00"
      BITOP OR a a b b => 4
      GET a => "\xaa\xff\xff\x55"
    `,
  ],
  [
    'BITOP with only missing or empty sources deletes the destination',
    `
      SET d v
      BITOP AND d none other => 0
      EXISTS d => 0
      SET d v
      SET e ""
      BITOP NOT d e => 0
      EXISTS d => 0
      BITOP XOR d none => 0
    `,
  ],
  [
    'BITOP replaces the destination and its expiry, and reads integers as their digits',
    `
      SET d v EX 100
      SET n 12
      BITOP OR d n => 2
      TTL d => -1
      GET d => "12"
      OBJECT ENCODING d => "raw"
    `,
  ],
  [
    'BITOP refuses bad arguments',
    `
      BITOP AND d => -ERR wrong number of arguments for 'bitop' command
      BITOP NOSUCH d a => -ERR syntax error
      BITOP NOT d a b => -ERR BITOP NOT must be called with a single source key.
    `,
  ],
  [
    'BITOP over many sources and lengths agrees with a plain computation',
    async ({ client, run }) => {
      const sources = [40, 33, 32, 64, 7, 100, 0, 31, 33].map((size, s) =>
        Buffer.from(Array.from({ length: size }, (_, i) => (i * 31 + s * 57 + 5) & 255)),
      );
      const names = sources.map((_, i) => `s${i}`);
      for (const [i, bytes] of sources.entries()) await client.call('SET', `s${i}`, bytes);
      for (const [name, apply] of [
        ['AND', (x: number, y: number) => x & y],
        ['OR', (x: number, y: number) => x | y],
        ['XOR', (x: number, y: number) => x ^ y],
      ] as const) {
        for (const count of [1, 2, 3, 6, 9]) {
          const used = sources.slice(0, count);
          const size = Math.max(...used.map((bytes) => bytes.length));
          const hex: string[] = [];
          for (let i = 0; i < size; i++) {
            const byte = used.map((bytes) => bytes[i] ?? 0).reduce(apply);
            hex.push(`\\x${byte.toString(16).padStart(2, '0')}`);
          }
          await run(`BITOP ${name} d ${names.slice(0, count).join(' ')} => ${size}
                     GET d => "${hex.join('')}"`);
        }
      }
    },
  ],
  [
    'BITOP DIFF, DIFF1, ANDOR and ONE',
    String.raw`
      SET x "\xf0\xff"
      SET y "\x3c"
      SET z "\x11\x0f\x80"
      BITOP DIFF d x y z => 3
      GET d => "\xc0\xf0\x00"
      BITOP DIFF1 d x y z => 3
      GET d => "\x0d\x00\x80"
      BITOP ANDOR d x y z => 3
      GET d => "0\x0f\x00"
      BITOP ONE d x y z => 3
      GET d => "\xcd\xf0\x80"
      BITOP ONE d x x => 2
      GET d => "\x00\x00"
      BITOP ONE d x => 2
      GET d => "\xf0\xff"
    `,
    { since: '8.2' },
  ],
  [
    'every BITOP over long sources of different lengths agrees with a plain computation',
    async ({ client }) => {
      const lengths = [5000, 9001, 4096, 0, 8193, 4095, 12, 193, 192];
      const random = Random.fresh();
      const sources = lengths.map((length) =>
        Buffer.from(Array.from({ length }, () => random.below(256) & random.below(256))),
      );
      for (const [i, bytes] of sources.entries())
        if (bytes.length > 0) await client.call('SET', `s${i}`, bytes);
      const some = (bytes: number[]) => bytes.reduce((x, y) => x | y, 0);
      const once = (bytes: number[]) => {
        let result = 0;
        for (let bit = 1; bit < 256; bit <<= 1)
          if (bytes.filter((byte) => byte & bit).length === 1) result |= bit;
        return result;
      };
      const operations: [name: string, apply: (first: number, others: number[]) => number][] = [
        ['AND', (x, ys) => ys.reduce((a, b) => a & b, x)],
        ['OR', (x, ys) => x | some(ys)],
        ['XOR', (x, ys) => ys.reduce((a, b) => a ^ b, x)],
        ['DIFF', (x, ys) => x & ~some(ys)],
        ['DIFF1', (x, ys) => some(ys) & ~x],
        ['ANDOR', (x, ys) => x & some(ys)],
        ['ONE', (x, ys) => once([x, ...ys])],
      ];
      for (const [name, apply] of operations) {
        for (const used of [
          [0, 1],
          [1, 0],
          [3, 4, 5],
          [7, 8],
          [6, 5, 4, 3, 2, 1, 0],
          [8, 8, 6],
        ]) {
          const size = Math.max(...used.map((k) => lengths[k]!));
          const expected = Buffer.alloc(size);
          for (let i = 0; i < size; i++) {
            const [first, ...others] = used.map((k) => sources[k]![i] ?? 0);
            expected[i] = apply(first!, others);
          }
          const about = `${name} of ${used}, seed ${random.seed}`;
          const reply = await client.call('BITOP', name, 'd', ...used.map((k) => `s${k}`));
          expect(reply, about).toEqual({ kind: 'integer', value: BigInt(size) });
          const result = await client.call('GET', 'd');
          expect(result, about).toEqual({ kind: 'bulk', bytes: expected });
        }
      }
    },
    { since: '8.2' },
  ],
  [
    'BITOP DIFF, DIFF1 and ANDOR need two sources',
    `
      SET x a
      BITOP diff d x => -ERR BITOP DIFF must be called with at least two source keys.
      BITOP DIFF1 d x => -ERR BITOP DIFF1 must be called with at least two source keys.
      BITOP ANDOR d x => -ERR BITOP ANDOR must be called with at least two source keys.
    `,
    { since: '8.2' },
  ],
]);
