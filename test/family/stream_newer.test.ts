// Stream commands and options newer than Redis 7.2: deleting with regard to groups (8.2), claiming while
// reading (8.4), idempotent adding (8.6), giving back (8.8).
//
// Expectations come from the public documentation of Redis 8.8 and from what its test suite expects.

import { setTimeout as sleep } from 'node:timers/promises';
import { family } from '../support/family.ts';

const WRONGTYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const NOT_INTEGER = '-ERR value is not an integer or out of range';
const SYNTAX = '-ERR syntax error';
const BAD_ID = '-ERR Invalid stream ID specified as stream command argument';
const NOT_A_COUNT = '-ERR Number of IDs must be a positive integer';
const NOT_SO_MANY = '-ERR The `numids` parameter must match the number of arguments';
const NOTHING = '[0, nil, nil, nil-array]';

/** Two entries, read by two groups. */
const TWO_GROUPS = `
  XADD s 1 f v
  XADD s 2 f v
  XGROUP CREATE s g 0
  XGROUP CREATE s h 0
  XREADGROUP GROUP g c STREAMS s >
  XREADGROUP GROUP h d STREAMS s >
`;

family('newer stream commands', [
  // --- XDELEX, XACKDEL ---
  [
    'XDELEX deletes whatever groups hold, unless told to ask them',
    `${TWO_GROUPS}
      XDELEX s KEEPREF IDS 2 1 9 => [1, -1]
      XPENDING s g => [2, "1-0", "2-0", [["c", "2"]]]
      XDELEX s ACKED IDS 1 2 => [2]
      XACK s g 2 => 1
      XDELEX s ACKED IDS 1 2 => [2]
      XACK s h 2 => 1
      XDELEX s ACKED IDS 1 2 => [1]
      XLEN s => 0
      XPENDING s g => [1, "1-0", "1-0", [["c", "1"]]]
    `,
    { since: '8.2' },
  ],
  [
    'XDELEX DELREF forgets references, also to what is gone already',
    `${TWO_GROUPS}
      XDELEX s IDS 1 2-0 DELREF => [1]
      XDEL s 1 => 1
      XDELEX s DELREF IDS 1 1 => [-1]
      XPENDING s g => ${NOTHING}
      XPENDING s h => ${NOTHING}
    `,
    { since: '8.2' },
  ],
  [
    'entries that a group has yet to read are needed',
    `
      XADD s 1 f v
      XADD s 2 f v
      XGROUP CREATE s g 1
      XDELEX s ACKED IDS 2 1 2 => [1, 2]
    `,
    { since: '8.2' },
  ],
  [
    'XACKDEL acknowledges, and deletes what may go',
    `${TWO_GROUPS}
      XACKDEL s g ACKED IDS 1 1 => [2]
      XLEN s => 2
      XACKDEL s h ACKED IDS 2 1 9 => [1, -1]
      XLEN s => 1
      XACKDEL s g IDS 1 2 => [1]
      XLEN s => 0
      XPENDING s h => [1, "2-0", "2-0", [["d", "1"]]]
      XACKDEL s h KEEPREF IDS 1 2 => [1]
      XACKDEL s h KEEPREF IDS 1 2 => [-1]
      XPENDING s h => ${NOTHING}
    `,
    { since: '8.2' },
  ],
  [
    'XACKDEL DELREF forgets what all groups hold',
    `${TWO_GROUPS}
      XACKDEL s g DELREF IDS 2 1 2 => [1, 1]
      XPENDING s h => ${NOTHING}
      XACKDEL s h DELREF IDS 1 1 => [-1]
    `,
    { since: '8.2' },
  ],
  [
    'XDELEX and XACKDEL check their arguments',
    `
      SET k v
      XDELEX none IDS 2 1 2 => [-1, -1]
      XACKDEL none g IDS 2 1 2 => [-1, -1]
      XADD s 1 f v
      XACKDEL s none IDS 1 1 => [-1]
      XDELEX k IDS 1 1 => ${WRONGTYPE}
      XACKDEL k g IDS 1 1 => ${WRONGTYPE}
      XDELEX s IDS x 1 => ${NOT_A_COUNT}
      XDELEX s IDS 0 1 => ${NOT_A_COUNT}
      XACKDEL s g IDS -5 1 => ${NOT_A_COUNT}
      XDELEX s IDS 3 1 2 => ${NOT_SO_MANY}
      XDELEX s IDS 1 1 2 => ${SYNTAX}
      XDELEX s KEEPREF DELREF IDS 1 1 => ${SYNTAX}
      XACKDEL s g ACKED KEEPREF IDS 1 1 => ${SYNTAX}
      XDELEX s IDS 1 x => ${BAD_ID}
      XLEN s => 1
    `,
    { since: '8.2' },
  ],
  // --- Trimming ---
  [
    'trimming may forget references or wait for acknowledgements',
    `
      XADD s 1 f v
      XADD s 2 f v
      XADD s 3 f v
      XADD s 4 f v
      XADD s 5 f v
      XGROUP CREATE s g 0
      XREADGROUP GROUP g c STREAMS s >
      XACK s g 1 2 4
      XTRIM s MINID ~ 6 ACKED => 3
      XRANGE s - + => [["3-0", ["f", "v"]], ["5-0", ["f", "v"]]]
      XTRIM s MAXLEN 0 ACKED => 0
      XTRIM s DELREF MAXLEN 1 => 1
      XPENDING s g => [1, "5-0", "5-0", [["c", "1"]]]
      XADD s DELREF MAXLEN = 1 6 f v => "6-0"
      XPENDING s g => ${NOTHING}
      XADD s MAXLEN 0 ACKED 7 f v => "7-0"
      XLEN s => 2
      XREADGROUP GROUP g c NOACK STREAMS s >
      XTRIM s MAXLEN 1 ACKED => 1
      XTRIM s MAXLEN 0 KEEPREF ACKED => ${SYNTAX}
      XGROUP DESTROY s g
      XTRIM s MAXLEN 0 ACKED => 1
    `,
    { since: '8.2', config: { 'stream-node-max-entries': '2' } },
  ],
  // --- CLAIM ---
  [
    'XREADGROUP CLAIM takes over what was idle, then gives new entries',
    `
      XADD s 1 f a
      XADD s 2 f b
      XADD s 3 f c
      XGROUP CREATE s g 0
      XREADGROUP GROUP g c COUNT 2 STREAMS s >
      XCLAIM s g c 0 2 IDLE 50000 JUSTID => ["2-0"]
      XREADGROUP GROUP g d CLAIM 10000 STREAMS s >
      => [["s", [["2-0", ["f", "b"], <50000..51000>, 1], ["3-0", ["f", "c"], 0, 0]]]]
      XREADGROUP GROUP g d CLAIM 10000 STREAMS s > => nil-array
      XPENDING s g - + 10
      => [["1-0", "c", <0..1000>, 1], ["2-0", "d", <0..1000>, 2], ["3-0", "d", <0..1000>, 1]]
      XREADGROUP GROUP g e COUNT 2 CLAIM 0 NOACK STREAMS s >
      => [["s", [["1-0", ["f", "a"], <0..1000>, 1], <array>]]]
      XREADGROUP GROUP g e CLAIM 100000 STREAMS s 2 => [["s", <array>]]
      XREADGROUP GROUP g e CLAIM 9223372036854775807 STREAMS s > => nil-array
    `,
    { since: '8.4', resp: 2 },
  ],
  [
    'CLAIM needs a time and a group',
    `
      XGROUP CREATE s g 0 MKSTREAM
      XREADGROUP GROUP g c CLAIM x STREAMS s > => -ERR min-idle-time is not an integer
      XREADGROUP GROUP g c CLAIM -0 STREAMS s > => -ERR min-idle-time is not an integer
      XREADGROUP GROUP g c CLAIM -1 STREAMS s > => -ERR min-idle-time must be a positive integer
      XREAD CLAIM 5 STREAMS s 0
      => -ERR The CLAIM option is only supported by XREADGROUP. You called XREAD instead.
    `,
    { since: '8.4' },
  ],
  [
    'what is gone from the stream cannot be claimed',
    `
      XADD s 1 f a
      XADD s 2 f b
      XGROUP CREATE s g 0
      XREADGROUP GROUP g c STREAMS s >
      XDEL s 1
      XREADGROUP GROUP g d COUNT 1 CLAIM 0 STREAMS s >
      => [["s", [["2-0", ["f", "b"], <0..1000>, 1]]]]
    `,
    { since: '8.4', resp: 2 },
  ],
  [
    'who waits with CLAIM gets what becomes idle meanwhile',
    async ({ run }) => {
      await run(`
        XADD s 1 f a
        XGROUP CREATE s g 0
        XREADGROUP GROUP g c STREAMS s >
        @a blocks XREADGROUP GROUP g d BLOCK 0 CLAIM 1500 STREAMS s >
      `);
      await sleep(20);
      await run(`
        @a gets => [["s", [["1-0", ["f", "a"], <1500..20000>, 1]]]]
        @a blocks XREADGROUP GROUP g d BLOCK 0 CLAIM 10000000 STREAMS s >
        XNACK s g FAIL IDS 1 1 => 1
        @a gets => [["s", [["1-0", ["f", "a"], <integer>, 2]]]]
        XREADGROUP GROUP g d BLOCK 20 CLAIM 10000000 STREAMS s > => nil-array
      `);
    },
    { since: '8.8', resp: 2 },
  ],
  // --- Idempotent adding ---
  [
    'XADD IDMP adds a message of a producer once',
    `
      XADD s NOMKSTREAM IDMP p 1 * f v => nil
      XADD s IDMP p 1 * f v => <bulk>
      XADD s IDMP p 1 * g w => <bulk>
      XLEN s => 1
      XADD s IDMP q 1 MAXLEN ~ 100 * f v => <bulk>
      XADD s MAXLEN 100 IDMP p 2 KEEPREF * f v => <bulk>
      XLEN s => 3
      XINFO STREAM s => {"length": 3, "radix-tree-keys": 1, "radix-tree-nodes": 2,
      => "last-generated-id": <bulk>, "max-deleted-entry-id": "0-0", "entries-added": 3,
      => "recorded-first-entry-id": <bulk>, "idmp-duration": 100, "idmp-maxsize": 100,
      => "pids-tracked": 2, "iids-tracked": 3, "iids-added": 3, "iids-duplicates": 1,
      => "groups": 0, "first-entry": <array>, "last-entry": <array>}
    `,
    { since: '8.6' },
  ],
  [
    'XADD IDMPAUTO tells messages by their fields, in any order',
    `
      XADD s IDMPAUTO p * a 1 b 2
      XADD s IDMPAUTO p * b 2 a 1
      XLEN s => 1
      XADD s IDMPAUTO p * a 2 b 1
      XADD s IDMPAUTO p * a 1
      XADD s IDMPAUTO q * a 1 b 2
      XADD s IDMPAUTO p * "" ""
      XADD s IDMPAUTO p * "" ""
      XLEN s => 5
    `,
    { since: '8.6' },
  ],
  [
    'idempotent ids are forgotten with time, by number, and by a new configuration',
    `
      XADD s IDMP p 0 * f v
      XCFGSET s IDMP-MAXSIZE 2 IDMP-DURATION 1 => +OK
      XADD s IDMP p 1 * f v
      XADD s IDMP p 2 * f v
      XADD s IDMP p 3 * f v
      XLEN s => 4
      XADD s IDMP p 3 * f v
      XADD s IDMP p 2 * f v
      XLEN s => 4
      XADD s IDMP p 1 * f v
      XLEN s => 5
      XCFGSET s IDMP-MAXSIZE 2 => +OK
      XADD s IDMP p 1 * f v
      XLEN s => 5
      sleep 1100
      XADD s IDMP p 1 * f v
      XLEN s => 6
      XCFGSET s IDMP-MAXSIZE 3 => +OK
      XADD s IDMP p 1 * f v
      XLEN s => 7
      COPY s t
      XADD t IDMP p 1 * f v
      XLEN t => 7
    `,
    { since: '8.6' },
  ],
  [
    'idempotent adding checks its arguments',
    `
      XADD s IDMP p 1 1-1 f v
      => -ERR IDMP/IDMPAUTO can be used only with auto-generated IDs
      XADD s IDMPAUTO p IDMP q 1 * f v => -ERR IDMP/IDMPAUTO specified multiple times
      XADD s IDMP "" 1 * f v => -ERR IDMP requires a non-empty producer ID
      XADD s IDMP p "" * f v => -ERR IDMP requires a non-empty idempotent ID
      XADD s IDMPAUTO "" * f v => -ERR IDMPAUTO requires a non-empty producer ID
      XADD s IDMP p * f v => ${BAD_ID}
      XCFGSET s IDMP-MAXSIZE 5 => -ERR no such key
      XADD s 1 f v
      XCFGSET s => -ERR At least one parameter must be specified
      XCFGSET s IDMP-DURATION => ${SYNTAX}
      XCFGSET s FOO 1 => ${SYNTAX}
      XCFGSET s IDMP-DURATION 01 => ${NOT_INTEGER}
      XCFGSET s IDMP-DURATION 0 => -ERR IDMP-DURATION must be between 1 and 86400 seconds
      XCFGSET s IDMP-DURATION 86401 => -ERR IDMP-DURATION must be between 1 and 86400 seconds
      XCFGSET s IDMP-MAXSIZE 10001 => -ERR IDMP-MAXSIZE must be between 1 and 10000 entries
      SET k v
      XCFGSET k IDMP-MAXSIZE 5 => ${WRONGTYPE}
    `,
    { since: '8.6' },
  ],
  [
    'XIDMPRECORD remembers what a file says',
    `
      XADD s 1 f v
      XADD s 2 f v
      XIDMPRECORD s p i 1 => +OK
      XIDMPRECORD s p i 1 => +OK
      XIDMPRECORD s p i 2
      => -ERR The producer ID and idempotent ID already map to a different stream ID
      XIDMPRECORD s p j 9 => -ERR The specified stream ID was deleted or doesn't exist
      XIDMPRECORD s "" i 1 => <error>
      XIDMPRECORD s p "" 1 => <error>
      XIDMPRECORD none p i 1 => -ERR no such key
      XADD s IDMP p i * f v => "1-0"
    `,
    { since: '8.8' },
  ],
  // --- XNACK ---
  [
    'XNACK gives entries back, which are the first to be claimed, in that order',
    `
      XADD s 1 f a
      XADD s 2 f b
      XADD s 3 f c
      XGROUP CREATE s g 0
      XREADGROUP GROUP g c STREAMS s >
      XNACK s g FAIL IDS 2 3 9 => 1
      XNACK s g SILENT IDS 1 1 => 1
      XPENDING s g - + 10 => [["1-0", "", -1, 0], ["2-0", "c", <0..1000>, 1], ["3-0", "", -1, 1]]
      XPENDING s g => [3, "1-0", "3-0", [["c", "1"]]]
      XREADGROUP GROUP g d COUNT 1 CLAIM 1000000 STREAMS s >
      => [["s", [["3-0", ["f", "c"], <integer>, 1]]]]
      XCLAIM s g d 1000000 1 JUSTID => ["1-0"]
      XNACK s g FATAL IDS 1 1 => 1
      XPENDING s g 1 1 1 => [["1-0", "", -1, 9223372036854775807]]
      XNACK s g FATAL IDS 1 1 RETRYCOUNT 5 => 1
      XPENDING s g 1 1 1 => [["1-0", "", -1, 5]]
      XAUTOCLAIM s g e 1000000 0 JUSTID => ["0-0", ["1-0"], []]
      XACK s g 1 2 3 => 3
      XNACK s g FAIL IDS 1 1 => 0
      XNACK s g FAIL FORCE IDS 2 1 9 => 1
      XPENDING s g - + 10 => [["1-0", "", -1, 0]]
      XGROUP DELCONSUMER s g c => 0
      XGROUP DESTROY s g => 1
    `,
    { since: '8.8', resp: 2 },
  ],
  [
    'XNACK checks its arguments',
    `
      XADD s 1 f v
      XGROUP CREATE s g 0
      SET k v
      XNACK none g FAIL IDS 1 1 => -NOGROUP No such key 'none' or consumer group 'g'
      XNACK k g FAIL IDS 1 1 => ${WRONGTYPE}
      XNACK s g FOO IDS 1 1 => -ERR mode must be SILENT, FAIL, or FATAL
      XNACK s g FAIL FATAL IDS 1 1 => -ERR Unrecognized XNACK option 'FATAL'
      XNACK s g FAIL IDS x 1 => -ERR numids must be a positive integer
      XNACK s g FAIL IDS 2 1 => -ERR number of IDs doesn't match numids
      XNACK s g FAIL IDS 1 x => ${BAD_ID}
      XNACK s g FAIL IDS 1 1 RETRYCOUNT x => ${NOT_INTEGER}
      XNACK s g FAIL IDS 1 1 RETRYCOUNT -1 => -ERR Invalid RETRYCOUNT value, must be >= 0
      XNACK s g FAIL IDS 1 1 RETRYCOUNT => -ERR Unrecognized XNACK option 'RETRYCOUNT'
      XNACK s g FAIL FORCE RETRYCOUNT 5 => -ERR syntax error, expected IDS keyword
    `,
    { since: '8.8' },
  ],
]);
