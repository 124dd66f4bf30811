// Consumer groups: XGROUP, XREADGROUP, XACK, XPENDING, XCLAIM, XAUTOCLAIM, XINFO, and waiting.

import { family } from '../support/family.ts';

const WRONGTYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const NOT_INTEGER = '-ERR value is not an integer or out of range';
const SYNTAX = '-ERR syntax error';
const BAD_ID = '-ERR Invalid stream ID specified as stream command argument';
const NO_STREAM =
  '-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.';
const MEANINGLESS =
  '-ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.';
const NO_GROUP = "-NOGROUP No such key 'none' or consumer group 'g'";
const NO_GROUP_OF_KEY = "-NOGROUP No such consumer group 'x' for key name 's'";

const THREE = `
  XADD s 1 f a
  XADD s 2 f b
  XADD s 3 f c
  XGROUP CREATE s g 0
`;
/** The three entries, pending for the consumer c. */
const THREE_PENDING = `${THREE}
  XREADGROUP GROUP g c STREAMS s >
`;

family('consumer groups', [
  // --- XGROUP ---
  [
    'XGROUP CREATE makes a group once, and a stream where that is wanted',
    `
      XGROUP CREATE s g 0 => ${NO_STREAM}
      XGROUP CREATE s g $ MKSTREAM => +OK
      XLEN s => 0
      XGROUP CREATE s g 0 => -BUSYGROUP Consumer Group name already exists
      XGROUP CREATE s h x => ${BAD_ID}
      XGROUP CREATE s h - => ${BAD_ID}
      XGROUP CREATE s h 5-5 ENTRIESREAD 3 => +OK
      XGROUP CREATE s i 0 ENTRIESREAD -2 => -ERR value for ENTRIESREAD must be positive or -1
      XGROUP CREATE s i 0 ENTRIESREAD x => ${NOT_INTEGER}
      XGROUP CREATE s i 0 FOO
      => -ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.
      SET k v
      XGROUP CREATE k g 0 => ${WRONGTYPE}
      XINFO GROUPS s
      => [{"name": "g", "consumers": 0, "pending": 0, "last-delivered-id": "0-0",
      => "entries-read": nil, "lag": 0},
      => {"name": "h", "consumers": 0, "pending": 0, "last-delivered-id": "5-5",
      => "entries-read": 3, "lag": 0}]
    `,
  ],
  [
    'XGROUP SETID moves a group',
    `${THREE}
      XGROUP SETID s g $ => +OK
      XREADGROUP GROUP g c STREAMS s > => nil-array
      XGROUP SETID s g 2 ENTRIESREAD 2 => +OK
      XINFO GROUPS s
      => [{"name": "g", "consumers": <0..1>, "pending": 0, "last-delivered-id": "2-0",
      => "entries-read": 2, "lag": 1}]
      XGROUP SETID s g - => +OK
      XGROUP SETID s x 0 => ${NO_GROUP_OF_KEY}
      XGROUP SETID s g y => ${BAD_ID}
      XGROUP SETID none g 0 => ${NO_STREAM}
      XGROUP SETID s g 0 MKSTREAM
      => -ERR unknown subcommand or wrong number of arguments for 'SETID'. Try XGROUP HELP.
    `,
  ],
  [
    'consumers are made and deleted, with what is pending for them',
    `${THREE_PENDING}
      XGROUP CREATECONSUMER s g d => 1
      XGROUP CREATECONSUMER s g d => 0
      XGROUP CREATECONSUMER s x d => ${NO_GROUP_OF_KEY}
      XGROUP DELCONSUMER s g c => 3
      XGROUP DELCONSUMER s g c => 0
      XPENDING s g => [0, nil, nil, nil-array]
      XGROUP DELCONSUMER s x c => ${NO_GROUP_OF_KEY}
      XGROUP DESTROY s g => 1
      XGROUP DESTROY s g => 0
      XGROUP DESTROY none g => ${NO_STREAM}
      XGROUP HELP => [+"XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", ...]
      XINFO HELP => [+"XINFO <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", ...]
    `,
  ],
  // --- XREADGROUP ---
  [
    'XREADGROUP gives each entry to one consumer, and again what it has not acknowledged',
    `${THREE}
      XREADGROUP GROUP g c COUNT 2 STREAMS s >
      => [["s", [["1-0", ["f", "a"]], ["2-0", ["f", "b"]]]]]
      XREADGROUP GROUP g d STREAMS s > => [["s", [["3-0", ["f", "c"]]]]]
      XREADGROUP GROUP g c STREAMS s > => nil-array
      XREADGROUP GROUP g c STREAMS s 0 => [["s", [["1-0", ["f", "a"]], ["2-0", ["f", "b"]]]]]
      XREADGROUP GROUP g c COUNT 1 STREAMS s 1 => [["s", [["2-0", ["f", "b"]]]]]
      XACK s g 1 => 1
      XDEL s 2 => 1
      XREADGROUP GROUP g c STREAMS s 0 => [["s", [["2-0", nil-array]]]]
      XREADGROUP GROUP g c STREAMS s 9 => [["s", []]]
      XPENDING s g - + 10 => [["2-0", "c", <0..1000>, 3], ["3-0", "d", <0..1000>, 1]]
    `,
    { resp: 2 },
  ],
  [
    'XREADGROUP replies with a map in RESP3',
    `${THREE}
      XREADGROUP GROUP g c COUNT 1 STREAMS s > => {"s": [["1-0", ["f", "a"]]]}
      XREADGROUP GROUP g c STREAMS s 9 => {"s": []}
    `,
    { resp: 3 },
  ],
  [
    'XREADGROUP NOACK leaves nothing pending',
    `${THREE}
      XREADGROUP GROUP g c NOACK COUNT 2 STREAMS s >
      XPENDING s g => [0, nil, nil, nil-array]
      XINFO GROUPS s
      => [{"name": "g", "consumers": 1, "pending": 0, "last-delivered-id": "2-0",
      => "entries-read": 2, "lag": 1}]
    `,
  ],
  [
    'an entry that is delivered anew belongs to the last who got it',
    `${THREE_PENDING}
      XGROUP SETID s g 1 => +OK
      XREADGROUP GROUP g d STREAMS s >
      XPENDING s g => [3, "1-0", "3-0", [["c", "1"], ["d", "2"]]]
    `,
  ],
  [
    'XREADGROUP refuses what it does not understand',
    `
      SET k v
      XREADGROUP GROUP g c STREAMS k > => ${WRONGTYPE}
      XREADGROUP GROUP g c STREAMS none >
      => -NOGROUP No such key 'none' or consumer group 'g' in XREADGROUP with GROUP option
      XGROUP CREATE s g 0 MKSTREAM
      XREADGROUP GROUP g c STREAMS s $
      => ${MEANINGLESS}
      XREADGROUP GROUP g c STREAMS s x => ${BAD_ID}
      XREADGROUP GROUP g c COUNT x STREAMS s > => ${NOT_INTEGER}
      XREADGROUP COUNT 1 NOACK STREAMS s > => -ERR Missing GROUP option for XREADGROUP
      XREADGROUP GROUP g c FOO STREAMS s > => ${SYNTAX}
      XREADGROUP GROUP g c COUNT 1 NOACK => ${SYNTAX}
    `,
  ],
  // --- Acknowledging, pending ---
  [
    'XACK counts what was pending',
    `${THREE_PENDING}
      XACK s g 1 1 9 3 => 2
      XACK s g 1 => 0
      XACK s g 2 x => ${BAD_ID}
      XACK s x 2 => 0
      XACK none g x => 0
      SET k v
      XACK k g 1 => ${WRONGTYPE}
      XPENDING s g => [1, "2-0", "2-0", [["c", "1"]]]
    `,
  ],
  [
    'XPENDING lists pending entries by range, owner and idle time',
    `${THREE_PENDING}
      XPENDING s g - + 10
      => [["1-0", "c", <0..1000>, 1], ["2-0", "c", <0..1000>, 1], ["3-0", "c", <0..1000>, 1]]
      XPENDING s g (1-0 (3-0 10 => [["2-0", "c", <0..1000>, 1]]
      XPENDING s g - + 0 => []
      XPENDING s g - + -1 => []
      XPENDING s g - + 10 d => []
      XPENDING s g - + 1 c => [["1-0", "c", <0..1000>, 1]]
      XPENDING s g IDLE 100000 - + 10 => []
      XPENDING s g IDLE 0 - + 1 c => [["1-0", "c", <0..1000>, 1]]
      XPENDING s g - + x => ${NOT_INTEGER}
      XPENDING s g x + 1 => ${BAD_ID}
      XPENDING s g - => ${SYNTAX}
      XPENDING s g IDLE 1 - + => ${SYNTAX}
      XPENDING s g IDLE x - + 1 => ${NOT_INTEGER}
      XPENDING none g => ${NO_GROUP}
      XPENDING none g - + 1 => ${NO_GROUP}
    `,
  ],
  // --- Claiming ---
  [
    'XCLAIM gives pending entries to another consumer',
    `${THREE_PENDING}
      XCLAIM s g d 0 1 9 => [["1-0", ["f", "a"]]]
      XCLAIM s g d 100000 2 => []
      XCLAIM s g d 0 2 JUSTID => ["2-0"]
      XPENDING s g - + 10
      => [["1-0", "d", <0..1000>, 2], ["2-0", "d", <0..1000>, 1], ["3-0", "c", <0..1000>, 1]]
      XCLAIM s g d 0 1 RETRYCOUNT 7 IDLE 50000 => [["1-0", ["f", "a"]]]
      XPENDING s g 1 1 1 => [["1-0", "d", <50000..51000>, 7]]
      XCLAIM s g d 0 1 TIME 1000 JUSTID => ["1-0"]
      XPENDING s g IDLE 1000000000000 - + 10 => [["1-0", "d", <integer>, 7]]
      XCLAIM s g c 1000000 1 2 3 JUSTID => ["1-0"]
    `,
  ],
  [
    'XCLAIM FORCE makes entries pending, and what is gone stops being so',
    `${THREE}
      XCLAIM s g c 0 1 => []
      XCLAIM s g c 0 1 9 FORCE JUSTID => ["1-0"]
      XPENDING s g - + 10 => [["1-0", "c", <0..1000>, 1]]
      XDEL s 1 => 1
      XCLAIM s g d 0 1 => []
      XPENDING s g => [0, nil, nil, nil-array]
      XCLAIM s g c 0 2 LASTID 2 JUSTID => []
      XINFO GROUPS s
      => [{"name": "g", "consumers": <integer>, "pending": 0, "last-delivered-id": "2-0",
      => "entries-read": <any>, "lag": <any>}]
    `,
  ],
  [
    'XCLAIM refuses what it does not understand',
    `
      XCLAIM none g c 0 1 => ${NO_GROUP}
      XGROUP CREATE s g 0 MKSTREAM
      XCLAIM s g c x 1 => -ERR Invalid min-idle-time argument for XCLAIM
      XCLAIM s g c 0 1 FOO => -ERR Unrecognized XCLAIM option 'FOO'
      XCLAIM s g c 0 1 FORCE 2 => -ERR Unrecognized XCLAIM option '2'
      XCLAIM s g c 0 1 IDLE x => -ERR Invalid IDLE option argument for XCLAIM
      XCLAIM s g c 0 1 TIME x => -ERR Invalid TIME option argument for XCLAIM
      XCLAIM s g c 0 1 RETRYCOUNT x => -ERR Invalid RETRYCOUNT option argument for XCLAIM
      XCLAIM s g c 0 1 LASTID x => ${BAD_ID}
      XCLAIM s g c 0 1 LASTID => -ERR Unrecognized XCLAIM option 'LASTID'
    `,
  ],
  [
    'XAUTOCLAIM goes through pending entries, with a cursor',
    `${THREE_PENDING}
      XAUTOCLAIM s g d 0 - COUNT 2
      => ["3-0", [["1-0", ["f", "a"]], ["2-0", ["f", "b"]]], []]
      XAUTOCLAIM s g d 0 3-0 COUNT 2 JUSTID => ["0-0", ["3-0"], []]
      XDEL s 1 3
      XAUTOCLAIM s g c 100000 0 => ["0-0", [], ["1-0", "3-0"]]
      XPENDING s g - + 10 => [["2-0", "d", <0..1000>, 2]]
      XAUTOCLAIM s g c 0 (2-0 => ["0-0", [], []]
      XAUTOCLAIM s g c 0 0 COUNT 0 => -ERR COUNT must be > 0
      XAUTOCLAIM s g c 0 0 COUNT x => -ERR COUNT must be > 0
      XAUTOCLAIM s g c 0 0 FOO => ${SYNTAX}
      XAUTOCLAIM s g c x 0 => -ERR Invalid min-idle-time argument for XAUTOCLAIM
      XAUTOCLAIM s g c 0 x => ${BAD_ID}
      XAUTOCLAIM none g c 0 0 => ${NO_GROUP}
    `,
  ],
  [
    'XAUTOCLAIM looks at ten times as many entries as it may claim',
    async ({ run }) => {
      const ids = Array.from({ length: 30 }, (_, i) => i + 1);
      await run(`
        ${ids.map((id) => `XADD s ${id} f v`).join('\n')}
        XGROUP CREATE s g 0
        XREADGROUP GROUP g c STREAMS s >
        XCLAIM s g c 0 15 25 IDLE 1000000 JUSTID => ["15-0", "25-0"]
        XAUTOCLAIM s g d 1000 0 COUNT 1 JUSTID => ["11-0", [], []]
        XAUTOCLAIM s g d 1000 11 COUNT 1 JUSTID => ["16-0", ["15-0"], []]
        XAUTOCLAIM s g d 1000 16 COUNT 1 JUSTID => ["26-0", ["25-0"], []]
      `);
    },
  ],
  // --- XINFO ---
  [
    'XINFO tells about streams, groups and consumers',
    `${THREE_PENDING}
      XDEL s 3
      XINFO STREAM s => {"length": 2, "radix-tree-keys": 1, "radix-tree-nodes": 2,
      => "last-generated-id": "3-0", "max-deleted-entry-id": "3-0", "entries-added": 3,
      => "recorded-first-entry-id": "1-0", "groups": 1, "first-entry": ["1-0", ["f", "a"]],
      => "last-entry": ["2-0", ["f", "b"]]}
      XINFO CONSUMERS s g => [{"name": "c", "pending": 3, "idle": <0..1000>, "inactive": <0..1000>}]
      XINFO CONSUMERS s x => ${NO_GROUP_OF_KEY}
      XINFO STREAM none => -ERR no such key
      XINFO GROUPS none => -ERR no such key
      XINFO CONSUMERS none g => -ERR no such key
      XINFO STREAM s FOO
      => -ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.
      XINFO STREAM s FULL COUNT
      => -ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.
      XINFO STREAM s FULL COUNT x => ${NOT_INTEGER}
      XGROUP CREATE e g $ MKSTREAM
      XINFO STREAM e => {"length": 0, "radix-tree-keys": 0, "radix-tree-nodes": 1,
      => "last-generated-id": "0-0", "max-deleted-entry-id": "0-0", "entries-added": 0,
      => "recorded-first-entry-id": "0-0", "groups": 1, "first-entry": nil, "last-entry": nil}
      XGROUP CREATECONSUMER e g c
      XINFO CONSUMERS e g => [{"name": "c", "pending": 0, "idle": <0..1000>, "inactive": -1}]
    `,
    { since: '7.2' },
  ],
  [
    'XINFO STREAM FULL tells everything',
    `${THREE_PENDING}
      XINFO STREAM s FULL COUNT 1 => {"length": 3, "radix-tree-keys": 1, "radix-tree-nodes": 2,
      => "last-generated-id": "3-0", "max-deleted-entry-id": "0-0", "entries-added": 3,
      => "recorded-first-entry-id": "1-0", "entries": [["1-0", ["f", "a"]]],
      => "groups": [{"name": "g", "last-delivered-id": "3-0", "entries-read": 3, "lag": 0,
      => "pel-count": 3, "pending": [["1-0", "c", <integer>, 1]],
      => "consumers": [{"name": "c", "seen-time": <integer>, "active-time": <integer>,
      => "pel-count": 3, "pending": [["1-0", <integer>, 1]]}], "nacked-count": 0}]}
    `,
    { since: '8.8' },
  ],
  [
    'how far a group has read is known unless entries ahead were deleted',
    `
      XADD s 1 f v
      XADD s 2 f v
      XADD s 3 f v
      XGROUP CREATE s g 0
      XREADGROUP GROUP g c COUNT 1 STREAMS s >
      XDEL s 3
      XINFO GROUPS s
      => [{"name": "g", "consumers": 1, "pending": 1, "last-delivered-id": "1-0",
      => "entries-read": 1, "lag": nil}]
      XADD s 4 f v
      XREADGROUP GROUP g c STREAMS s >
      XINFO GROUPS s
      => [{"name": "g", "consumers": 1, "pending": 3, "last-delivered-id": "4-0",
      => "entries-read": 4, "lag": 0}]
      XTRIM s MAXLEN 0
      XINFO GROUPS s
      => [{"name": "g", "consumers": 1, "pending": 3, "last-delivered-id": "4-0",
      => "entries-read": 4, "lag": 0}]
    `,
  ],
  // --- Waiting ---
  [
    'XREAD waits for entries behind its ids, and all who wait get them',
    `
      XADD s 1 f v
      @a blocks XREAD BLOCK 0 STREAMS s $
      @b blocks XREAD BLOCK 0 COUNT 1 STREAMS t s $ 1-5
      XADD s 1-1 f w
      @a gets => [["s", [["1-1", ["f", "w"]]]]]
      XADD s 2 f x
      @b gets => [["s", [["2-0", ["f", "x"]]]]]
      @a blocks XREAD BLOCK 0 STREAMS s $
      MULTI
      XADD s 3 f y
      XADD s 4 f z
      EXEC
      @a gets => [["s", [["3-0", ["f", "y"]], ["4-0", ["f", "z"]]]]]
    `,
    { resp: 2 },
  ],
  [
    'XREAD gets a stream as often as it asked for it',
    `
      @a blocks XREAD BLOCK 0 STREAMS s s $ $
      XADD s 3 f y
      @a gets => [["s", [["3-0", ["f", "y"]]]], ["s", [["3-0", ["f", "y"]]]]]
    `,
    { resp: 2, since: '7.2' },
  ],
  [
    'XREAD goes on waiting when nothing is left for it',
    `
      @a blocks XREAD BLOCK 0 STREAMS s $
      MULTI
      XADD s 1 f old
      DEL s
      LPUSH s x
      EXEC
      DEL s
      XADD s 2 f new
      @a gets => [["s", [["2-0", ["f", "new"]]]]]
      XREAD BLOCK 10 STREAMS s $ => nil-array
      XREAD BLOCK 0 STREAMS s 1 => [["s", [["2-0", ["f", "new"]]]]]
      MULTI
      XREAD BLOCK 0 STREAMS s $ => +QUEUED
      EXEC => [nil-array]
    `,
    { resp: 2 },
  ],
  [
    'XREADGROUP waits for entries nobody got, which only the first who waits gets',
    `
      XGROUP CREATE s g 0 MKSTREAM
      @a blocks XREADGROUP GROUP g c BLOCK 0 STREAMS s >
      @b blocks XREADGROUP GROUP g d BLOCK 0 STREAMS s >
      XADD s 1 f v
      @a gets => [["s", [["1-0", ["f", "v"]]]]]
      XADD s 2 f w
      @b gets => [["s", [["2-0", ["f", "w"]]]]]
      XPENDING s g => [2, "1-0", "2-0", [["c", "1"], ["d", "1"]]]
      XREADGROUP GROUP g c BLOCK 5 STREAMS s > => nil-array
    `,
    { resp: 2 },
  ],
  [
    'who waits in a group is told that it, or its stream, is gone',
    `
      XGROUP CREATE s g 0 MKSTREAM
      @a blocks XREADGROUP GROUP g c BLOCK 0 STREAMS s >
      XGROUP DESTROY s g => 1
      @a gets => /^NOGROUP/
      XGROUP CREATE s g 0
      @a blocks XREADGROUP GROUP g c BLOCK 0 STREAMS s >
      DEL s
      @a gets => /^NOGROUP/
      XGROUP CREATE s g 0 MKSTREAM
      @a blocks XREADGROUP GROUP g c BLOCK 0 STREAMS s >
      SET s v
      @a gets => ${WRONGTYPE}
    `,
    { since: '7.2' },
  ],
]);
