// SET, GET and the commands that read or write whole strings or parts of them.

import { family } from '../support/family.ts';

const WRONGTYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';

family('strings', [
  // --- SET and GET ---
  [
    'SET stores a value that GET returns byte for byte',
    String.raw`
      SET k "a\x00\r\n\xff" => +OK
      GET k => "a\x00\r\n\xff"
      SET k "" => +OK
      GET k => ""
      SET "" empty-name => +OK
      GET "" => "empty-name"
      GET nothing-there => nil
    `,
  ],
  [
    'SET replaces the value, its type and its expiry',
    `
      SET k a EX 100
      SET k b => +OK
      TTL k => -1
      GET k => "b"
    `,
  ],
  [
    'SET replaces a key of another type',
    `
      RPUSH k x
      SET k v => +OK
      GET k => "v"
    `,
    { requires: ['RPUSH'] },
  ],
  [
    'SET NX sets only a missing key',
    `
      SET k a NX => +OK
      SET k b NX => nil
      SET k b nx => nil
      GET k => "a"
    `,
  ],
  [
    'SET XX sets only an existing key',
    `
      SET k a XX => nil
      EXISTS k => 0
      SET k a => +OK
      SET k b xX => +OK
      GET k => "b"
    `,
  ],
  [
    'SET GET returns the old value, set or not',
    `
      SET k a GET => nil
      SET k b GET => "a"
      SET k c NX GET => "b"
      SET k c GET XX => "b"
      SET other x GET XX => nil
      EXISTS other => 0
      SET other x GET NX => nil
      GET other => "x"
      GET k => "c"
    `,
  ],
  [
    'SET GET refuses a key of another type and leaves it alone',
    `
      RPUSH k x
      SET k v GET => ${WRONGTYPE}
      TYPE k => +list
      GET k => ${WRONGTYPE}
    `,
    { requires: ['RPUSH'] },
  ],
  [
    'SET takes an expiry in four forms',
    `
      SET k v EX 100 => +OK
      TTL k => <99..100>
      SET k v PX 100500 => +OK
      PTTL k => <99000..100500>
      SET k v EXAT 33177117420 => +OK
      EXPIRETIME k => 33177117420
      SET k v PXAT 33177117420123 => +OK
      PEXPIRETIME k => 33177117420123
      SET k v ex 100 => +OK
      TTL k => <99..100>
    `,
  ],
  [
    'SET with an expiry in the past leaves no key',
    `
      SET k v EXAT 1 => +OK
      EXISTS k => 0
      SET k v
      SET k w PXAT 1 => +OK
      GET k => nil
      DBSIZE => 0
    `,
  ],
  [
    'SET PX expires the key in time',
    `
      SET k v PX 30 => +OK
      eventually EXISTS k => 0
      GET k => nil
    `,
  ],
  [
    'SET KEEPTTL keeps the expiry',
    `
      SET k a EX 100
      SET k b KEEPTTL => +OK
      TTL k => <99..100>
      SET k c keepttl GET => "b"
      TTL k => <99..100>
      SET n v KEEPTTL => +OK
      TTL n => -1
    `,
  ],
  [
    'SET takes its options in any order and an option twice',
    `
      SET k v EX 100 NX GET => nil
      SET k w GET PX 100000 XX => "v"
      SET k w XX XX => +OK
      SET k w GET GET => "w"
      SET k w EX 10 EX 100 => +OK
      TTL k => <99..100>
    `,
  ],
  [
    'SET refuses options that exclude each other',
    `
      SET k v NX XX => -ERR syntax error
      SET k v XX NX => -ERR syntax error
      SET k v EX 1 PX 1 => -ERR syntax error
      SET k v EX 1 KEEPTTL => -ERR syntax error
      SET k v KEEPTTL PX 1 => -ERR syntax error
      SET k v EXAT 1 PXAT 1 => -ERR syntax error
      SET k v EX => -ERR syntax error
      SET k v EX 10 PX => -ERR syntax error
      SET k v NOSUCH => -ERR syntax error
      SET k v PERSIST => -ERR syntax error
      EXISTS k => 0
    `,
  ],
  [
    'SET refuses an expiry that is no positive integer or too far away',
    `
      SET k v EX 0 => -ERR invalid expire time in 'set' command
      SET k v EX -1 => -ERR invalid expire time in 'set' command
      SET k v PX 0 => -ERR invalid expire time in 'set' command
      SET k v EXAT 0 => -ERR invalid expire time in 'set' command
      SET k v PXAT -5 => -ERR invalid expire time in 'set' command
      SET k v EX 9223372036854775807 => -ERR invalid expire time in 'set' command
      SET k v PX 9223372036854775807 => -ERR invalid expire time in 'set' command
      SET k v EXAT 9223372036854775 => +OK
      SET k v EXAT 9223372036854776 => -ERR invalid expire time in 'set' command
      SET k v PXAT 9223372036854775807 => +OK
      SET k v EX 1.5 => -ERR value is not an integer or out of range
      SET k v EX x => -ERR value is not an integer or out of range
      SET k v EX "" => -ERR value is not an integer or out of range
      SET k v EX " 1" => -ERR value is not an integer or out of range
      SET k v EX +1 => -ERR value is not an integer or out of range
      SET k v EX 01 => -ERR value is not an integer or out of range
      SET k v EX 9223372036854775808 => -ERR value is not an integer or out of range
    `,
  ],
  [
    'SET checks its options before the key',
    `
      SET k a
      SET k b NX EX 0 => -ERR invalid expire time in 'set' command
      SET k b NX EX x => -ERR value is not an integer or out of range
      GET k => "a"
    `,
  ],
  [
    'a wrong number of arguments is an error that names the command as it was declared',
    `
      SET => -ERR wrong number of arguments for 'set' command
      set k => -ERR wrong number of arguments for 'set' command
      GET => -ERR wrong number of arguments for 'get' command
      Get a b => -ERR wrong number of arguments for 'get' command
      SETNX k => -ERR wrong number of arguments for 'setnx' command
      SETEX k 1 => -ERR wrong number of arguments for 'setex' command
      PSETEX k 1 v x => -ERR wrong number of arguments for 'psetex' command
      GETSET k => -ERR wrong number of arguments for 'getset' command
      GETDEL k x => -ERR wrong number of arguments for 'getdel' command
      GETEX => -ERR wrong number of arguments for 'getex' command
      MGET => -ERR wrong number of arguments for 'mget' command
      MSET k => -ERR wrong number of arguments for 'mset' command
      MSETNX k => -ERR wrong number of arguments for 'msetnx' command
      APPEND k => -ERR wrong number of arguments for 'append' command
      STRLEN => -ERR wrong number of arguments for 'strlen' command
      GETRANGE k 0 => -ERR wrong number of arguments for 'getrange' command
      SUBSTR k 0 => -ERR wrong number of arguments for 'substr' command
      SETRANGE k 0 => -ERR wrong number of arguments for 'setrange' command
      LCS a => -ERR wrong number of arguments for 'lcs' command
    `,
  ],

  // --- SETNX SETEX PSETEX GETSET GETDEL ---
  [
    'SETNX sets only a missing key',
    `
      SETNX k a => 1
      SETNX k b => 0
      GET k => "a"
      PEXPIRE k 1
      eventually EXISTS k => 0
      SETNX k b => 1
    `,
  ],
  [
    'SETEX and PSETEX set value and expiry',
    `
      SETEX k 100 v => +OK
      TTL k => <99..100>
      PSETEX k 100000 w => +OK
      PTTL k => <99000..100000>
      GET k => "w"
      SETEX k 0 x => -ERR invalid expire time in 'setex' command
      SETEX k -10 x => -ERR invalid expire time in 'setex' command
      SETEX k x x => -ERR value is not an integer or out of range
      SETEX k 9223372036854775807 x => -ERR invalid expire time in 'setex' command
      PSETEX k 0 x => -ERR invalid expire time in 'psetex' command
      PSETEX k 1.5 x => -ERR value is not an integer or out of range
      PSETEX k 9223372036854775807 x => -ERR invalid expire time in 'psetex' command
      GET k => "w"
    `,
  ],
  [
    'GETSET returns the old value and drops the expiry',
    `
      GETSET k a => nil
      EXPIRE k 100
      GETSET k b => "a"
      TTL k => -1
      GET k => "b"
    `,
  ],
  [
    'GETDEL returns the value and deletes the key',
    `
      GETDEL k => nil
      SET k v
      GETDEL k => "v"
      EXISTS k => 0
    `,
  ],
  [
    'the readers and replacers of strings refuse other types',
    `
      RPUSH k x
      GETSET k v => ${WRONGTYPE}
      GETDEL k => ${WRONGTYPE}
      GETEX k => ${WRONGTYPE}
      APPEND k v => ${WRONGTYPE}
      STRLEN k => ${WRONGTYPE}
      GETRANGE k 0 1 => ${WRONGTYPE}
      SUBSTR k 0 1 => ${WRONGTYPE}
      SETRANGE k 0 v => ${WRONGTYPE}
      SETRANGE k 0 "" => ${WRONGTYPE}
      LCS k k => -ERR The specified keys must contain string values
      SETNX k v => 0
      MSETNX k v => 0
      MGET k => [nil]
      TYPE k => +list
    `,
    { requires: ['RPUSH'] },
  ],

  // --- GETEX ---
  [
    'GETEX without an option leaves the expiry alone',
    `
      GETEX k => nil
      SET k v EX 100
      GETEX k => "v"
      TTL k => <99..100>
    `,
  ],
  [
    'GETEX sets or drops the expiry',
    `
      SET k v
      GETEX k EX 100 => "v"
      TTL k => <99..100>
      GETEX k px 50000 => "v"
      PTTL k => <49000..50000>
      GETEX k EXAT 33177117420 => "v"
      EXPIRETIME k => 33177117420
      GETEX k PXAT 33177117420123 => "v"
      PEXPIRETIME k => 33177117420123
      GETEX k PERSIST => "v"
      TTL k => -1
      GETEX k PERSIST => "v"
      GETEX k PXAT 1 => "v"
      EXISTS k => 0
    `,
  ],
  [
    'GETEX checks its options before and after it looks the key up as Redis does',
    `
      GETEX k EX 0 => nil
      GETEX k NOSUCH => -ERR syntax error
      GETEX k EX => -ERR syntax error
      SET k v
      GETEX k EX 0 => -ERR invalid expire time in 'getex' command
      GETEX k PX -1 => -ERR invalid expire time in 'getex' command
      GETEX k EX 9223372036854775807 => -ERR invalid expire time in 'getex' command
      GETEX k EX x => -ERR value is not an integer or out of range
      GETEX k EX 1 PX 1 => -ERR syntax error
      GETEX k EX 1 PERSIST => -ERR syntax error
      GETEX k PERSIST EX 1 => -ERR syntax error
      GETEX k KEEPTTL => -ERR syntax error
      GETEX k NX => -ERR syntax error
      TTL k => -1
    `,
  ],

  // --- MGET MSET MSETNX ---
  [
    'MSET sets and MGET gets several keys',
    `
      MSET a 1 b 2 => +OK
      MGET a none b a => ["1", nil, "2", "1"]
      MSET a 3 a 4 => +OK
      GET a => "4"
      EXPIRE a 100
      MSET a 5 => +OK
      TTL a => -1
      MSET a 1 b => -ERR wrong number of arguments for 'mset' command
      MSETNX a 1 b => -ERR wrong number of arguments for 'msetnx' command
    `,
  ],
  [
    'MSETNX sets all keys or none',
    `
      MSETNX a 1 b 2 => 1
      MSETNX b 3 c 4 => 0
      MGET a b c => ["1", "2", nil]
      MSETNX c 1 c 2 => 1
      GET c => "2"
    `,
  ],

  // --- APPEND STRLEN ---
  [
    'APPEND creates or extends the value and keeps the expiry',
    `
      APPEND k abc => 3
      EXPIRE k 100
      APPEND k "" => 3
      APPEND k def => 6
      GET k => "abcdef"
      TTL k => <99..100>
      APPEND e "" => 0
      EXISTS e => 1
      SET n 12
      APPEND n 3 => 3
      GET n => "123"
      INCR n => 124
    `,
  ],
  [
    'STRLEN counts bytes',
    `
      STRLEN none => 0
      SET k "\\xc3\\xa9\\x00"
      STRLEN k => 3
      SET n -12345
      STRLEN n => 6
    `,
  ],

  // --- GETRANGE SUBSTR SETRANGE ---
  [
    'GETRANGE counts from the start or the end and clips to the value',
    `
      SET k "Hello World"
      GETRANGE k 0 3 => "Hell"
      GETRANGE k 0 -1 => "Hello World"
      GETRANGE k -4 -1 => "orld"
      GETRANGE k 5 3 => ""
      GETRANGE k 5 5000 => " World"
      GETRANGE k -5000 10000 => "Hello World"
      GETRANGE k 0 -100 => "H"
      GETRANGE k -1 -5 => ""
      GETRANGE k -100 -99 => "H"
      GETRANGE k -99 -100 => ""
      GETRANGE k 100 200 => ""
      GETRANGE k -9223372036854775808 9223372036854775807 => "Hello World"
      SUBSTR k 6 -1 => "World"
      GETRANGE none 0 -1 => ""
      SET n 12345
      GETRANGE n 1 3 => "234"
      SET e ""
      GETRANGE e 0 -1 => ""
      GETRANGE k x 1 => -ERR value is not an integer or out of range
      GETRANGE k 0 1.0 => -ERR value is not an integer or out of range
      GETRANGE k 0 9223372036854775808 => -ERR value is not an integer or out of range
    `,
  ],
  [
    'SETRANGE overwrites, extends with zero bytes and keeps the expiry',
    String.raw`
      SETRANGE k 0 "" => 0
      EXISTS k => 0
      SETRANGE k 3 ab => 5
      GET k => "\x00\x00\x00ab"
      EXPIRE k 100
      SETRANGE k 1 XY => 5
      GET k => "\x00XYab"
      SETRANGE k 100 "" => 5
      TTL k => <99..100>
      SET n 1234
      SETRANGE n 1 9 => 4
      GET n => "1934"
      INCR n => 1935
    `,
  ],
  [
    'SETRANGE refuses an offset that is negative or too large',
    `
      SETRANGE k -1 a => -ERR offset is out of range
      SETRANGE k x a => -ERR value is not an integer or out of range
      SETRANGE k 536870912 a => -ERR string exceeds maximum allowed size (proto-max-bulk-len)
      SETRANGE k 536870911 ab => -ERR string exceeds maximum allowed size (proto-max-bulk-len)
      SETRANGE k 9223372036854775807 a
      => -ERR string exceeds maximum allowed size (proto-max-bulk-len)
      SETRANGE k 9223372036854775807 "" => 0
      EXISTS k => 0
    `,
  ],
  [
    'proto-max-bulk-len bounds what APPEND and SETRANGE may build',
    `
      SETRANGE k 1048575 a => 1048576
      APPEND k b => -ERR string exceeds maximum allowed size (proto-max-bulk-len)
      SETRANGE k 1048576 b => -ERR string exceeds maximum allowed size (proto-max-bulk-len)
      STRLEN k => 1048576
    `,
    { config: { 'proto-max-bulk-len': '1mb' } },
  ],

  // --- Encodings ---
  [
    'OBJECT ENCODING of a string tells integer, embedded and raw apart',
    `
      SET k 123
      OBJECT ENCODING k => "int"
      SET k -9223372036854775808
      OBJECT ENCODING k => "int"
      SET k 9223372036854775808
      OBJECT ENCODING k => "embstr"
      SET k 0123
      OBJECT ENCODING k => "embstr"
      SET k -0
      OBJECT ENCODING k => "embstr"
      SET k +1
      OBJECT ENCODING k => "embstr"
      SET k ""
      OBJECT ENCODING k => "embstr"
      SET k ${'x'.repeat(44)}
      OBJECT ENCODING k => "embstr"
      SET k ${'x'.repeat(45)}
      OBJECT ENCODING k => "raw"
      SET k ${'1'.repeat(19)}
      OBJECT ENCODING k => "int"
      SET k ${'1'.repeat(20)}
      OBJECT ENCODING k => "embstr"
    `,
  ],
  [
    'a string that was changed in place is raw, and back to integer through INCR',
    `
      SET k 12
      APPEND k 3
      OBJECT ENCODING k => "raw"
      INCR k => 124
      OBJECT ENCODING k => "int"
      SETRANGE k 0 9
      OBJECT ENCODING k => "raw"
      SET k abc
      SETRANGE k 0 x
      OBJECT ENCODING k => "raw"
      SETBIT k 0 1
      OBJECT ENCODING k => "raw"
      APPEND n 12
      OBJECT ENCODING n => "int"
      SETRANGE m 0 12
      OBJECT ENCODING m => "raw"
      SET f 1
      INCRBYFLOAT f 1
      OBJECT ENCODING f => "embstr"
      GETSET g 5
      OBJECT ENCODING g => "int"
      MSET h 7 i abc
      OBJECT ENCODING h => "int"
    `,
  ],

  // --- LCS ---
  [
    'LCS finds the longest common subsequence',
    `
      MSET a ohmytext b mynewtext
      LCS a b => "mytext"
      LCS a b LEN => 6
      LCS a none => ""
      LCS none none LEN => 0
      LCS a a => "ohmytext"
    `,
  ],
  [
    'LCS IDX tells where the matches are',
    `
      MSET a ohmytext b mynewtext
      LCS a b IDX => {"matches": [[[4, 7], [5, 8]], [[2, 3], [0, 1]]], "len": 6}
      LCS a b IDX MINMATCHLEN 4 => {"matches": [[[4, 7], [5, 8]]], "len": 6}
      LCS a b idx minmatchlen 4 withmatchlen => {"matches": [[[4, 7], [5, 8], 4]], "len": 6}
      LCS a b IDX WITHMATCHLEN
      => {"matches": [[[4, 7], [5, 8], 4], [[2, 3], [0, 1], 2]], "len": 6}
      LCS a b IDX MINMATCHLEN -1 => {"matches": [[[4, 7], [5, 8]], [[2, 3], [0, 1]]], "len": 6}
      LCS a none IDX => {"matches": [], "len": 0}
    `,
  ],
  [
    'LCS refuses bad options',
    `
      MSET a x b y
      LCS a b LEN IDX
      => -ERR If you want both the length and indexes, please just use IDX.
      LCS a b NOSUCH => -ERR syntax error
      LCS a b MINMATCHLEN => -ERR syntax error
      LCS a b IDX MINMATCHLEN x => -ERR value is not an integer or out of range
      LCS a b WITHMATCHLEN => ""
      LCS a b MINMATCHLEN 3 => ""
    `,
  ],
]);
