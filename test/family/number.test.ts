// Strings used as numbers: INCR, DECR, INCRBY, DECRBY, INCRBYFLOAT.

import { family } from '../support/family.ts';

const WRONGTYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const NOT_INTEGER = '-ERR value is not an integer or out of range';
const NOT_FLOAT = '-ERR value is not a valid float';

family('numbers', [
  [
    'INCR and DECR count from zero',
    `
      INCR k => 1
      INCR k => 2
      DECR k => 1
      GET k => "1"
      DECR d => -1
      INCRBY i 10 => 10
      DECRBY j 10 => -10
      INCRBY i -3 => 7
      DECRBY i -3 => 10
      INCRBY i 0 => 10
    `,
  ],
  [
    'counting keeps the expiry',
    `
      SET k 1 EX 100
      INCR k => 2
      INCRBYFLOAT k 0.5 => "2.5"
      TTL k => <99..100>
    `,
  ],
  [
    'counting stops at the ends of 64 bits',
    `
      SET k 9223372036854775806
      INCR k => 9223372036854775807
      INCR k => -ERR increment or decrement would overflow
      INCRBY k 1 => -ERR increment or decrement would overflow
      SET k -9223372036854775807
      DECR k => -9223372036854775808
      DECR k => -ERR increment or decrement would overflow
      DECRBY k 1 => -ERR increment or decrement would overflow
      GET k => "-9223372036854775808"
      SET k 0
      DECRBY k -9223372036854775808 => -ERR decrement would overflow
      INCRBY k -9223372036854775808 => -9223372036854775808
      SET k 1
      INCRBY k 9223372036854775807 => -ERR increment or decrement would overflow
    `,
  ],
  [
    'a value or increment that is no 64-bit integer is refused',
    `
      SET k " 11"
      INCR k => ${NOT_INTEGER}
      SET k "11 "
      INCR k => ${NOT_INTEGER}
      SET k ""
      INCR k => ${NOT_INTEGER}
      SET k 1.0
      INCR k => ${NOT_INTEGER}
      SET k 007
      INCR k => ${NOT_INTEGER}
      SET k -0
      INCR k => ${NOT_INTEGER}
      SET k +1
      INCR k => ${NOT_INTEGER}
      SET k 9223372036854775808
      INCR k => ${NOT_INTEGER}
      SET k 0x10
      INCR k => ${NOT_INTEGER}
      SET k 1
      INCRBY k x => ${NOT_INTEGER}
      INCRBY k 1.5 => ${NOT_INTEGER}
      INCRBY k "" => ${NOT_INTEGER}
      DECRBY k " 1" => ${NOT_INTEGER}
      INCRBY k 9223372036854775808 => ${NOT_INTEGER}
      GET k => "1"
    `,
  ],
  [
    'the increment is checked before the key',
    `
      RPUSH k x
      INCRBY k y => ${NOT_INTEGER}
      INCR k => ${WRONGTYPE}
      DECR k => ${WRONGTYPE}
      INCRBY k 1 => ${WRONGTYPE}
      DECRBY k 1 => ${WRONGTYPE}
      INCRBYFLOAT k 1 => ${WRONGTYPE}
      INCRBYFLOAT k y => ${WRONGTYPE}
    `,
    { requires: ['RPUSH'] },
  ],
  [
    'wrong numbers of arguments',
    `
      INCR => -ERR wrong number of arguments for 'incr' command
      DECR a b => -ERR wrong number of arguments for 'decr' command
      INCRBY a => -ERR wrong number of arguments for 'incrby' command
      DECRBY a => -ERR wrong number of arguments for 'decrby' command
      INCRBYFLOAT a => -ERR wrong number of arguments for 'incrbyfloat' command
    `,
  ],
  [
    'counting over small and large integers leaves the encoding integer',
    `
      SET k 9999
      INCR k => 10000
      OBJECT ENCODING k => "int"
      INCRBY k 9000000000 => 9000010000
      OBJECT ENCODING k => "int"
    `,
  ],

  // --- INCRBYFLOAT ---
  [
    'INCRBYFLOAT prints 17 significant digits without an exponent or trailing zeros',
    `
      INCRBYFLOAT k 1 => "1"
      INCRBYFLOAT k 0.25 => "1.25"
      INCRBYFLOAT k -1.25 => "0"
      SET k 10.50
      INCRBYFLOAT k 0.1 => "10.6"
      SET k 5.0e3
      INCRBYFLOAT k 2.0e2 => "5200"
      SET k 3
      INCRBYFLOAT k 1.1 => "4.1"
      SET k 0.1
      INCRBYFLOAT k 0.2 => "0.3"
      SET k 3.0e3
      INCRBYFLOAT k 200 => "3200"
      SET k 17179869184
      INCRBYFLOAT k 1.5 => "17179869185.5"
      SET k 0
      INCRBYFLOAT k 1e-5 => "0.00001"
      INCRBYFLOAT k 1e-12 => "0.000010000001"
      SET k -0.0
      INCRBYFLOAT k 0 => "0"
    `,
  ],
  [
    'INCRBYFLOAT adds with 64 bits of mantissa, as a long double does',
    `
      SET k 9007199254740993
      INCRBYFLOAT k 1 => "9007199254740994"
      SET k 9223372036854775807
      INCRBYFLOAT k 0 => "9223372036854775807"
      SET k 18446744073709551615
      INCRBYFLOAT k 0 => "18446744073709551615"
      SET k 0.1
      INCRBYFLOAT k 0.7 => "0.8"
      SET k 1e20
      INCRBYFLOAT k 1 => "100000000000000000000"
    `,
  ],
  [
    'INCRBYFLOAT understands signs, exponents and hexadecimal as strtold does',
    `
      SET k 0
      INCRBYFLOAT k +1 => "1"
      INCRBYFLOAT k 0x10 => "17"
      INCRBYFLOAT k .5 => "17.5"
      INCRBYFLOAT k 5. => "22.5"
      INCRBYFLOAT k 1E1 => "32.5"
      SET h 0x1p3
      INCRBYFLOAT h 0 => "8"
    `,
  ],
  [
    'INCRBYFLOAT refuses what is no float',
    `
      SET k 1
      INCRBYFLOAT k x => ${NOT_FLOAT}
      INCRBYFLOAT k "" => ${NOT_FLOAT}
      INCRBYFLOAT k " 1" => ${NOT_FLOAT}
      INCRBYFLOAT k "1 " => ${NOT_FLOAT}
      INCRBYFLOAT k 1x => ${NOT_FLOAT}
      INCRBYFLOAT k nan => ${NOT_FLOAT}
      INCRBYFLOAT k "1\\x00" => ${NOT_FLOAT}
      INCRBYFLOAT k +inf => -ERR increment would produce NaN or Infinity
      INCRBYFLOAT k -inf => -ERR increment would produce NaN or Infinity
      SET k abc
      INCRBYFLOAT k 1 => ${NOT_FLOAT}
      SET k " 1"
      INCRBYFLOAT k 1 => ${NOT_FLOAT}
      SET k ""
      INCRBYFLOAT k 1 => ${NOT_FLOAT}
      SET k 1.2.3
      INCRBYFLOAT k 1 => ${NOT_FLOAT}
      GET k => "1.2.3"
    `,
  ],
  [
    'INCRBYFLOAT works on a key that does not exist and creates it',
    `
      INCRBYFLOAT k 3.0 => "3"
      GET k => "3"
      OBJECT ENCODING k => "embstr"
      INCR k => 4
    `,
  ],
]);
