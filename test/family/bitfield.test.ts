// BITFIELD and BITFIELD_RO: integers of any width inside a string.

import { family } from '../support/family.ts';

const BAD_TYPE =
  '-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.';
const BAD_OFFSET = '-ERR bit offset is not an integer or out of range';

family('bitfields', [
  [
    'GET and SET read and write signed and unsigned integers',
    String.raw`
      BITFIELD k SET i8 0 -100 SET i8 8 101 GET i8 0 GET i8 8 => [0, 0, -100, 101]
      BITFIELD k GET u8 0 GET u4 0 GET u4 4 => [156, 9, 12]
      BITFIELD k SET u8 0 255 => [156]
      BITFIELD k GET i8 0 => [-1]
      GET k => "\xffe"
      BITFIELD k => []
      BITFIELD none => []
      EXISTS none => 0
      BITFIELD none GET u8 0 => [0]
      EXISTS none => 0
    `,
  ],
  [
    'an offset with # counts in widths of the type',
    `
      BITFIELD k SET u8 #0 65 SET u8 #1 66 SET u8 #2 67 => [0, 0, 0]
      GET k => "ABC"
      BITFIELD k GET u4 #1 GET u16 #1 GET i5 #3 => [1, 17152, 4]
    `,
  ],
  [
    'fields may lie across bytes and beyond the end',
    `
      SET k "\\x12\\x34\\x56\\x78"
      BITFIELD k GET u12 4 GET u7 5 GET u32 0 GET i63 1 GET u8 28
      => [564, 35, 305419896, 1311768464867721216, 128]
      STRLEN k => 4
      BITFIELD k SET u8 28 0 => [128]
      STRLEN k => 5
    `,
  ],
  [
    'widths run from u1 and i1 to u63 and i64',
    `
      BITFIELD k SET u63 0 9223372036854775807 GET u63 0 GET i64 0
      => [0, 9223372036854775807, -2]
      BITFIELD k SET i64 0 -9223372036854775808 GET i64 0 => [-2, -9223372036854775808]
      BITFIELD k SET i1 0 0 GET i1 0 SET u1 0 1 GET i1 0 => [-1, 0, 0, -1]
      BITFIELD k GET u64 0 => ${BAD_TYPE}
      BITFIELD k GET i65 0 => ${BAD_TYPE}
      BITFIELD k GET u0 0 => ${BAD_TYPE}
      BITFIELD k GET i0 0 => ${BAD_TYPE}
      BITFIELD k GET x8 0 => ${BAD_TYPE}
      BITFIELD k GET U8 0 => ${BAD_TYPE}
      BITFIELD k GET 8 0 => ${BAD_TYPE}
      BITFIELD k GET u 0 => ${BAD_TYPE}
      BITFIELD k GET u-8 0 => ${BAD_TYPE}
      BITFIELD k GET u8x 0 => ${BAD_TYPE}
    `,
  ],

  // --- INCRBY and OVERFLOW ---
  [
    'INCRBY wraps around by default',
    `
      BITFIELD k SET u8 0 100 => [0]
      BITFIELD k INCRBY u8 0 200 GET u8 0 => [44, 44]
      BITFIELD k INCRBY u8 0 -45 => [255]
      BITFIELD k SET i8 8 100 INCRBY i8 8 100 => [0, -56]
      BITFIELD k INCRBY i8 8 -100 => [100]
      BITFIELD k SET i64 16 9223372036854775807 INCRBY i64 16 1 => [0, -9223372036854775808]
      BITFIELD k INCRBY i64 16 -1 => [9223372036854775807]
      BITFIELD k SET u63 16 9223372036854775807 INCRBY u63 16 1 => [4611686018427387903, 0]
    `,
  ],
  [
    'OVERFLOW SAT stops at the limits, FAIL leaves the field and replies null',
    `
      BITFIELD k OVERFLOW SAT SET u8 0 250 INCRBY u8 0 10 INCRBY u8 0 -300 => [0, 255, 0]
      BITFIELD k OVERFLOW SAT INCRBY i8 8 200 INCRBY i8 8 -300 => [127, -128]
      BITFIELD k OVERFLOW FAIL INCRBY u8 0 256 INCRBY u8 0 5 INCRBY u8 0 -6 => [nil, 5, nil]
      BITFIELD k OVERFLOW fail INCRBY i8 8 -1 GET i8 8 => [nil, -128]
      BITFIELD k OVERFLOW SAT SET i8 8 200 GET i8 8 => [-128, 127]
      BITFIELD k OVERFLOW FAIL SET i8 8 200 GET i8 8 => [nil, 127]
      BITFIELD k SET u8 0 256 GET u8 0 => [5, 0]
      BITFIELD k SET u8 0 -1 GET u8 0 => [0, 255]
      BITFIELD k OVERFLOW SAT SET u8 0 -1 GET u8 0 => [255, 255]
      BITFIELD k OVERFLOW SAT SET i8 0 -9000000000000000000 GET i8 0 => [-1, -128]
      BITFIELD k OVERFLOW SAT SET i8 0 -9223372036854775681 GET i8 0 => [-128, 127]
      BITFIELD k OVERFLOW SAT SET i8 0 -9223372036854775680 GET i8 0 => [127, -128]
      BITFIELD q OVERFLOW SAT SET i64 0 -9223372036854775808 GET i64 0 => [0, -9223372036854775808]
    `,
  ],
  [
    'OVERFLOW holds for what follows it',
    `
      BITFIELD k OVERFLOW SAT INCRBY u2 0 5 OVERFLOW WRAP INCRBY u2 0 5
      => [3, 0]
      BITFIELD k INCRBY u2 100 1 OVERFLOW SAT INCRBY u2 102 1 => [1, 1]
      BITFIELD k INCRBY u2 100 1 OVERFLOW SAT INCRBY u2 102 1 => [2, 2]
      BITFIELD k INCRBY u2 100 1 OVERFLOW SAT INCRBY u2 102 1 => [3, 3]
      BITFIELD k INCRBY u2 100 1 OVERFLOW SAT INCRBY u2 102 1 => [0, 3]
      BITFIELD k OVERFLOW SAT => []
    `,
  ],
  [
    'BITFIELD keeps the expiry and rewrites an integer as its digits',
    `
      SET k 1 EX 100
      BITFIELD k SET u8 0 50 => [49]
      GET k => "2"
      TTL k => <99..100>
    `,
  ],

  // --- Errors ---
  [
    'bad operations are refused before any of them runs',
    `
      BITFIELD k SET u8 0 1 NOSUCH => -ERR syntax error
      BITFIELD k SET u8 0 1 GET u8 => -ERR syntax error
      BITFIELD k SET u8 0 => -ERR syntax error
      BITFIELD k GET u8 => -ERR syntax error
      BITFIELD k INCRBY u8 0 => -ERR syntax error
      BITFIELD k OVERFLOW => -ERR syntax error
      BITFIELD k OVERFLOW NOSUCH => -ERR Invalid OVERFLOW type specified
      BITFIELD k SET u8 0 x => -ERR value is not an integer or out of range
      BITFIELD k INCRBY u8 0 1.5 => -ERR value is not an integer or out of range
      BITFIELD k SET u8 0 1 SET u8 x 1 => ${BAD_OFFSET}
      BITFIELD k GET u8 -1 => ${BAD_OFFSET}
      BITFIELD k GET u8 #-1 => ${BAD_OFFSET}
      BITFIELD k GET u8 # => ${BAD_OFFSET}
      BITFIELD k GET u8 4294967296 => ${BAD_OFFSET}
      BITFIELD k GET u8 #536870912 => ${BAD_OFFSET}
      BITFIELD k GET u8 4294967295 => [0]
      EXISTS k => 0
      BITFIELD => -ERR wrong number of arguments for 'bitfield' command
    `,
  ],

  // --- BITFIELD_RO ---
  [
    'BITFIELD_RO only reads',
    `
      SET k A
      BITFIELD_RO k GET u8 0 GET i4 #1 => [65, 1]
      BITFIELD_RO k => []
      BITFIELD_RO none GET u8 0 => [0]
      BITFIELD_RO k SET u8 0 1 => -ERR BITFIELD_RO only supports the GET subcommand
      BITFIELD_RO k GET u8 0 INCRBY u8 0 1
      => -ERR BITFIELD_RO only supports the GET subcommand
      BITFIELD_RO k OVERFLOW SAT GET u8 0 => [65]
      BITFIELD_RO => -ERR wrong number of arguments for 'bitfield_ro' command
      GET k => "A"
    `,
  ],
  [
    'random operations agree with a model on big integers',
    async ({ client, run }) => {
      // A fixed generator: the same operations in every run.
      let state = 12345;
      const random = (bound: number) => {
        state = (Math.imul(state, 1103515245) + 12345) >>> 0;
        return (state >>> 8) % bound;
      };
      let bits = '0'.repeat(512);
      await client.call('SETRANGE', 'k', 63, Buffer.from([0]));
      for (let i = 0; i < 300; i++) {
        const signed = random(2) === 1;
        const width = 1 + random(signed ? 64 : 63);
        const offset = random(512 - width);
        const size = 1n << BigInt(width);
        const raw = BigInt(`0b${bits.slice(offset, offset + width)}`);
        const old = signed && raw >= size / 2n ? raw - size : raw;
        const low = signed ? -(size / 2n) : 0n;
        const high = signed ? size / 2n - 1n : size - 1n;
        const delta = (BigInt(random(1 << 20)) * (size / 1000n + 1n)) % size;
        const by = BigInt.asIntN(64, random(2) ? delta / 2n : -(delta / 2n));
        const type = `${signed ? 'i' : 'u'}${width}`;
        const exact = old + by;
        const over = exact < low || exact > high;
        const mode = ['WRAP', 'SAT', 'FAIL'][random(3)];
        let next = exact;
        if (over && mode === 'SAT') next = exact < low ? low : high;
        if (over && mode === 'FAIL') next = old;
        if (over && mode === 'WRAP') {
          next = signed ? BigInt.asIntN(width, exact) : BigInt.asUintN(width, exact);
        }
        const shown = over && mode === 'FAIL' ? 'nil' : String(next);
        await run(`BITFIELD k OVERFLOW ${mode} INCRBY ${type} ${offset} ${by} => [${shown}]`);
        const field = BigInt.asUintN(width, next).toString(2).padStart(width, '0');
        bits = bits.slice(0, offset) + field + bits.slice(offset + width);
      }
      const hex = (bits.match(/.{8}/g) ?? []).map(
        (byte) => `\\x${Number.parseInt(byte, 2).toString(16).padStart(2, '0')}`,
      );
      await run(`GET k => "${hex.join('')}"`);
    },
  ],
]);
