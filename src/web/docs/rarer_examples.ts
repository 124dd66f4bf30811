// Examples of commands on data that are used less often; examples.ts has the others, and says what they are for.

import type { Example } from './examples.ts';

export const RARER_EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  // --- Strings ---
  delex: [
    {
      title: 'Delete only what is still as it was',
      lines: ['SET demo:lock mine', 'DELEX demo:lock IFEQ yours', 'DELEX demo:lock IFEQ mine'],
    },
  ],
  digest: [
    {
      title: 'A short name for a value, for SET and DELEX with IFDEQ',
      lines: ['SET demo:text hello', 'DIGEST demo:text'],
    },
  ],
  increx: [
    {
      title: 'Count up to a limit, in a window of time',
      lines: [
        'DEL demo:calls',
        'INCREX demo:calls BYINT 1 UBOUND 3 EX 60 ENX',
        'INCREX demo:calls BYINT 5 SATURATE UBOUND 3 EX 60 ENX',
      ],
    },
  ],
  msetex: [
    {
      title: 'Several values that expire together',
      lines: ['MSETEX 2 demo:a 1 demo:b 2 EX 60', 'TTL demo:a'],
    },
  ],
  msetnx: [
    {
      title: 'All of them, or none',
      lines: [
        'DEL demo:a demo:b',
        'MSETNX demo:a 1 demo:b 2',
        'MSETNX demo:b 3 demo:c 4',
        'EXISTS demo:c',
      ],
    },
  ],
  psetex: [
    {
      title: 'A value for one and a half seconds',
      lines: ['PSETEX demo:code 1500 4711', 'PTTL demo:code'],
    },
  ],
  substr: [
    {
      title: 'The older name of GETRANGE',
      lines: ['SET demo:text "This is a string"', 'SUBSTR demo:text 0 3'],
    },
  ],
  // --- Keys ---
  expireat: [
    {
      title: 'At a point in time, in seconds since 1970',
      lines: ['SET demo:ticket x', 'EXPIREAT demo:ticket 4102444800', 'EXPIRETIME demo:ticket'],
    },
  ],
  expiretime: [
    {
      title: 'When it expires, -1 for a key that stays',
      lines: [
        'SET demo:ticket x EXAT 4102444800',
        'EXPIRETIME demo:ticket',
        'PERSIST demo:ticket',
        'EXPIRETIME demo:ticket',
      ],
    },
  ],
  pexpire: [
    {
      title: 'In milliseconds',
      lines: ['SET demo:flash x', 'PEXPIRE demo:flash 1500', 'PTTL demo:flash'],
    },
  ],
  pexpireat: [
    {
      title: 'At a point in time, in milliseconds since 1970',
      lines: [
        'SET demo:ticket x',
        'PEXPIREAT demo:ticket 4102444800000',
        'PEXPIRETIME demo:ticket',
      ],
    },
  ],
  pexpiretime: [
    {
      title: 'When it expires, in milliseconds since 1970',
      lines: ['SET demo:ticket x PXAT 4102444800123', 'PEXPIRETIME demo:ticket'],
    },
  ],
  move: [
    {
      title: 'To another database',
      lines: [
        'SET demo:box x',
        'SELECT 1',
        'DEL demo:box',
        'SELECT 0',
        'MOVE demo:box 1',
        'EXISTS demo:box',
      ],
    },
  ],
  'object|freq': [
    {
      title: 'How often it is used, when keys are evicted by that',
      lines: ['CONFIG SET maxmemory-policy allkeys-lfu', 'SET demo:a 1', 'OBJECT FREQ demo:a'],
    },
  ],
  'object|idletime': [
    { title: 'Seconds since it was used', lines: ['SET demo:a 1', 'OBJECT IDLETIME demo:a'] },
  ],
  'object|refcount': [
    { title: 'How many share the value', lines: ['SET demo:a hello', 'OBJECT REFCOUNT demo:a'] },
  ],
  renamenx: [
    {
      title: 'Only where nothing is in the way',
      lines: [
        'SET demo:old 1',
        'DEL demo:new',
        'RENAMENX demo:old demo:new',
        'SET demo:old 2',
        'RENAMENX demo:old demo:new',
      ],
    },
  ],
  restore: [
    {
      title: 'What DUMP gave, as a key again',
      lines: [
        'RESTORE demo:answer 0 "\\x00\\xc0*\\n\\x00\\x81\\xfb\\\\\\xfa\\x86cOP" REPLACE',
        'GET demo:answer',
      ],
    },
  ],
  sort_ro: [
    {
      title: 'SORT that stores nothing',
      lines: ['RPUSH demo:numbers 3 1 2', 'SORT_RO demo:numbers DESC'],
    },
  ],
  touch: [
    {
      title: 'Used, but not read; how many of them exist',
      lines: ['MSET demo:a 1 demo:b 2', 'TOUCH demo:a demo:b demo:nothing'],
    },
  ],
  wait: [
    {
      title: 'Replicas that have the writes so far: here are none',
      lines: ['SET demo:a 1', 'WAIT 0 100'],
    },
  ],
  waitaof: [
    { title: 'Where the writes so far are on disk', lines: ['SET demo:a 1', 'WAITAOF 0 0 100'] },
  ],
  // --- Bitmaps ---
  bitfield_ro: [
    {
      title: 'Read a field of bits',
      lines: ['BITFIELD demo:bits SET u8 0 200', 'BITFIELD_RO demo:bits GET u8 0 GET u4 0'],
    },
  ],
  bitop: [
    {
      title: 'Who was there on both days',
      lines: [
        'SETBIT demo:monday 3 1',
        'SETBIT demo:monday 5 1',
        'SETBIT demo:tuesday 5 1',
        'BITOP AND demo:both demo:monday demo:tuesday',
        'BITCOUNT demo:both',
      ],
    },
  ],
  bitpos: [
    { title: 'The first bit that is set', lines: ['SETBIT demo:bits 11 1', 'BITPOS demo:bits 1'] },
  ],
  // --- HyperLogLog ---
  pfmerge: [
    {
      title: 'Visitors of two days',
      lines: [
        'PFADD demo:monday Ada Bob',
        'PFADD demo:tuesday Bob Eve',
        'PFMERGE demo:days demo:monday demo:tuesday',
        'PFCOUNT demo:days',
      ],
    },
  ],
  // --- Lists ---
  blmove: [
    {
      title: 'Take a job and keep it until it is done; wait when there is none',
      lines: [
        'RPUSH demo:jobs clean',
        'BLMOVE demo:jobs demo:running LEFT RIGHT 1',
        'LRANGE demo:running 0 -1',
      ],
    },
  ],
  blmpop: [
    {
      title: 'From the first list that has something, waiting for it',
      lines: ['RPUSH demo:urgent call', 'BLMPOP 1 2 demo:jobs demo:urgent LEFT COUNT 2'],
    },
  ],
  brpop: [
    {
      title: 'The last one, waiting for it',
      lines: ['RPUSH demo:jobs clean cook', 'BRPOP demo:jobs 1'],
    },
  ],
  brpoplpush: [
    {
      title: 'The older form of BLMOVE',
      lines: ['RPUSH demo:jobs clean', 'BRPOPLPUSH demo:jobs demo:running 1'],
    },
  ],
  lmpop: [
    {
      title: 'Two from the first list that has something',
      lines: [
        'DEL demo:numbers',
        'RPUSH demo:numbers 1 2 3',
        'LMPOP 2 demo:empty demo:numbers LEFT COUNT 2',
      ],
    },
  ],
  lpushx: [
    {
      title: 'Only onto a list that is there',
      lines: ['DEL demo:list', 'LPUSHX demo:list a', 'RPUSH demo:list b', 'LPUSHX demo:list a'],
    },
  ],
  rpushx: [
    {
      title: 'Only onto a list that is there',
      lines: ['DEL demo:list', 'RPUSHX demo:list a', 'LPUSH demo:list b', 'RPUSHX demo:list a'],
    },
  ],
  rpoplpush: [
    {
      title: 'Turn a list by one',
      lines: [
        'DEL demo:ring',
        'RPUSH demo:ring a b c',
        'RPOPLPUSH demo:ring demo:ring',
        'LRANGE demo:ring 0 -1',
      ],
    },
  ],
  // --- Sets ---
  sdiffstore: [
    {
      title: 'Keep what only the first one has',
      lines: [
        'SADD demo:one a b c',
        'SADD demo:two b c d',
        'SDIFFSTORE demo:only demo:one demo:two',
        'SMEMBERS demo:only',
      ],
    },
  ],
  sinterstore: [
    {
      title: 'Keep what both have',
      lines: [
        'SADD demo:one a b c',
        'SADD demo:two b c d',
        'SINTERSTORE demo:both demo:one demo:two',
        'SMEMBERS demo:both',
      ],
    },
  ],
  sunionstore: [
    {
      title: 'Keep what either has',
      lines: [
        'SADD demo:one a b c',
        'SADD demo:two b c d',
        'SUNIONSTORE demo:all demo:one demo:two',
        'SCARD demo:all',
      ],
    },
  ],
  sintercard: [
    {
      title: 'How many both have, counting up to a limit',
      lines: [
        'SADD demo:one a b c',
        'SADD demo:two b c d',
        'SINTERCARD 2 demo:one demo:two',
        'SINTERCARD 2 demo:one demo:two LIMIT 1',
      ],
    },
  ],
  smismember: [
    {
      title: 'Ask for several at once',
      lines: ['SADD demo:tags red green', 'SMISMEMBER demo:tags red blue green'],
    },
  ],
  smove: [
    {
      title: 'From one set to another',
      lines: [
        'SADD demo:open task-1',
        'SREM demo:done task-1',
        'SMOVE demo:open demo:done task-1',
        'SMEMBERS demo:done',
      ],
    },
  ],
  sscan: [
    {
      title: 'Piece by piece, by a pattern',
      lines: ['SADD demo:tags red green grey', 'SSCAN demo:tags 0 MATCH gre*'],
    },
  ],
  // --- Hashes ---
  hexpireat: [
    {
      title: 'A field until a point in time',
      lines: [
        'HSET demo:user name Ada city London',
        'HEXPIREAT demo:user 4102444800 FIELDS 1 city',
        'HEXPIRETIME demo:user FIELDS 1 city',
      ],
    },
  ],
  hexpiretime: [
    {
      title: 'When fields expire: -1 for one that stays, -2 for one that is not there',
      lines: [
        'HSET demo:user name Ada city London',
        'HEXPIREAT demo:user 4102444800 FIELDS 1 city',
        'HEXPIRETIME demo:user FIELDS 3 city name age',
      ],
    },
  ],
  hgetdel: [
    {
      title: 'Read fields and delete them',
      lines: [
        'HSET demo:user name Ada city London',
        'HGETDEL demo:user FIELDS 1 city',
        'HGETALL demo:user',
      ],
    },
  ],
  hgetex: [
    {
      title: 'Read a field, and let it live for another minute',
      lines: [
        'HSET demo:user name Ada city London',
        'HGETEX demo:user EX 60 FIELDS 1 city',
        'HTTL demo:user FIELDS 1 city',
      ],
    },
  ],
  hsetex: [
    {
      title: 'Set fields that expire',
      lines: [
        'HSETEX demo:session EX 60 FIELDS 2 user Ada token x7',
        'HTTL demo:session FIELDS 1 token',
      ],
    },
  ],
  hincrbyfloat: [
    {
      title: 'Add a fraction to a field',
      lines: ['HSET demo:cart total 10.5', 'HINCRBYFLOAT demo:cart total 2.25'],
    },
  ],
  hmset: [
    {
      title: 'The older form of HSET',
      lines: ['HMSET demo:user name Ada city London', 'HGETALL demo:user'],
    },
  ],
  hpersist: [
    {
      title: 'A field that stays after all',
      lines: [
        'HSET demo:user name Ada city London',
        'HEXPIRE demo:user 60 FIELDS 1 city',
        'HPERSIST demo:user FIELDS 1 city',
        'HTTL demo:user FIELDS 1 city',
      ],
    },
  ],
  hpexpire: [
    {
      title: 'A field for some milliseconds',
      lines: [
        'HSET demo:user name Ada city London',
        'HPEXPIRE demo:user 1500 FIELDS 1 city',
        'HPTTL demo:user FIELDS 1 city',
      ],
    },
  ],
  hpexpireat: [
    {
      title: 'A field until a point in time, in milliseconds',
      lines: [
        'HSET demo:user name Ada city London',
        'HPEXPIREAT demo:user 4102444800000 FIELDS 1 city',
        'HPEXPIRETIME demo:user FIELDS 1 city',
      ],
    },
  ],
  hpexpiretime: [
    {
      title: 'When a field expires, in milliseconds',
      lines: [
        'HSET demo:user name Ada city London',
        'HPEXPIREAT demo:user 4102444800123 FIELDS 1 city',
        'HPEXPIRETIME demo:user FIELDS 1 city',
      ],
    },
  ],
  hpttl: [
    {
      title: 'Milliseconds that fields have left',
      lines: [
        'HSET demo:user name Ada city London',
        'HEXPIRE demo:user 60 FIELDS 1 city',
        'HPTTL demo:user FIELDS 2 city name',
      ],
    },
  ],
  httl: [
    {
      title: 'Seconds that fields have left',
      lines: [
        'HSET demo:user name Ada city London',
        'HEXPIRE demo:user 60 FIELDS 1 city',
        'HTTL demo:user FIELDS 2 city name',
      ],
    },
  ],
  hstrlen: [
    {
      title: 'Length of a field in bytes',
      lines: ['HSET demo:user name Ada city London', 'HSTRLEN demo:user city'],
    },
  ],
  // --- Sorted sets ---
  bzmpop: [
    {
      title: 'The lowest of the first one that has something, waiting for it',
      lines: [
        'DEL demo:scores',
        'ZADD demo:scores 70 Bob 90 Ada 120 Eve',
        'BZMPOP 1 2 demo:empty demo:scores MIN',
      ],
    },
  ],
  bzpopmax: [
    {
      title: 'The highest, waiting for it',
      lines: [
        'DEL demo:scores',
        'ZADD demo:scores 70 Bob 90 Ada 120 Eve',
        'BZPOPMAX demo:scores 1',
      ],
    },
  ],
  bzpopmin: [
    {
      title: 'The lowest, waiting for it',
      lines: [
        'DEL demo:scores',
        'ZADD demo:scores 70 Bob 90 Ada 120 Eve',
        'BZPOPMIN demo:scores 1',
      ],
    },
  ],
  zmpop: [
    {
      title: 'The two highest',
      lines: [
        'DEL demo:scores',
        'ZADD demo:scores 70 Bob 90 Ada 120 Eve',
        'ZMPOP 1 demo:scores MAX COUNT 2',
      ],
    },
  ],
  zpopmax: [
    {
      title: 'The highest, taken out',
      lines: ['DEL demo:scores', 'ZADD demo:scores 70 Bob 90 Ada 120 Eve', 'ZPOPMAX demo:scores'],
    },
  ],
  zdiff: [
    {
      title: 'What only the first one has',
      lines: [
        'ZADD demo:one 1 a 2 b',
        'ZADD demo:two 10 b 20 c',
        'ZDIFF 2 demo:one demo:two WITHSCORES',
      ],
    },
  ],
  zdiffstore: [
    {
      title: 'Keep what only the first one has',
      lines: [
        'ZADD demo:one 1 a 2 b',
        'ZADD demo:two 10 b 20 c',
        'ZDIFFSTORE demo:only 2 demo:one demo:two',
        'ZRANGE demo:only 0 -1',
      ],
    },
  ],
  zinter: [
    {
      title: 'What both have, with the sum of the scores',
      lines: [
        'ZADD demo:one 1 a 2 b',
        'ZADD demo:two 10 b 20 c',
        'ZINTER 2 demo:one demo:two WITHSCORES',
      ],
    },
  ],
  zintercard: [
    {
      title: 'How many both have',
      lines: ['ZADD demo:one 1 a 2 b', 'ZADD demo:two 10 b 20 c', 'ZINTERCARD 2 demo:one demo:two'],
    },
  ],
  zinterstore: [
    {
      title: 'Keep what both have, with the greater score',
      lines: [
        'ZADD demo:one 1 a 2 b',
        'ZADD demo:two 10 b 20 c',
        'ZINTERSTORE demo:both 2 demo:one demo:two AGGREGATE MAX',
        'ZRANGE demo:both 0 -1 WITHSCORES',
      ],
    },
  ],
  zunionstore: [
    {
      title: 'Keep what either has, one of them counting double',
      lines: [
        'ZADD demo:one 1 a 2 b',
        'ZADD demo:two 10 b 20 c',
        'ZUNIONSTORE demo:all 2 demo:one demo:two WEIGHTS 2 1',
        'ZRANGE demo:all 0 -1 WITHSCORES',
      ],
    },
  ],
  zlexcount: [
    {
      title: 'How many words are between two',
      lines: ['ZADD demo:words 0 apple 0 banana 0 cherry', 'ZLEXCOUNT demo:words [a (c'],
    },
  ],
  zmscore: [
    {
      title: 'Scores of several',
      lines: ['ZADD demo:scores 70 Bob 90 Ada 120 Eve', 'ZMSCORE demo:scores Ada Nobody Eve'],
    },
  ],
  zrandmember: [
    {
      title: 'One by chance, or several',
      lines: [
        'ZADD demo:scores 70 Bob 90 Ada 120 Eve',
        'ZRANDMEMBER demo:scores',
        'ZRANDMEMBER demo:scores 2 WITHSCORES',
      ],
    },
  ],
  zrangebylex: [
    {
      title: 'Words from one letter on; ZRANGE with BYLEX does it',
      lines: ['ZADD demo:words 0 apple 0 banana 0 cherry', 'ZRANGEBYLEX demo:words [b +'],
    },
  ],
  zrangestore: [
    {
      title: 'Keep the best two',
      lines: [
        'ZADD demo:scores 70 Bob 90 Ada 120 Eve',
        'ZRANGESTORE demo:best demo:scores 0 1 REV',
        'ZRANGE demo:best 0 -1 WITHSCORES',
      ],
    },
  ],
  zremrangebylex: [
    {
      title: 'Remove the words before a letter',
      lines: [
        'ZADD demo:words 0 apple 0 banana 0 cherry',
        'ZREMRANGEBYLEX demo:words - (b',
        'ZRANGE demo:words 0 -1',
      ],
    },
  ],
  zremrangebyrank: [
    {
      title: 'Keep the best two only',
      lines: [
        'ZADD demo:scores 70 Bob 90 Ada 120 Eve',
        'ZREMRANGEBYRANK demo:scores 0 -3',
        'ZRANGE demo:scores 0 -1',
      ],
    },
  ],
  zremrangebyscore: [
    {
      title: 'Remove what is below a score',
      lines: [
        'ZADD demo:scores 70 Bob 90 Ada 120 Eve',
        'ZREMRANGEBYSCORE demo:scores -inf (90',
        'ZRANGE demo:scores 0 -1',
      ],
    },
  ],
  zrevrange: [
    {
      title: 'From the highest on; ZRANGE with REV does it',
      lines: ['ZADD demo:scores 70 Bob 90 Ada 120 Eve', 'ZREVRANGE demo:scores 0 1 WITHSCORES'],
    },
  ],
  zrevrangebylex: [
    {
      title: 'Words backwards; ZRANGE with BYLEX and REV does it',
      lines: ['ZADD demo:words 0 apple 0 banana 0 cherry', 'ZREVRANGEBYLEX demo:words + [b'],
    },
  ],
  zrevrangebyscore: [
    {
      title: 'Scores downwards; ZRANGE with BYSCORE and REV does it',
      lines: ['ZADD demo:scores 70 Bob 90 Ada 120 Eve', 'ZREVRANGEBYSCORE demo:scores +inf 90'],
    },
  ],
  zrevrank: [
    {
      title: 'The place from the top, counted from 0',
      lines: ['ZADD demo:scores 70 Bob 90 Ada 120 Eve', 'ZREVRANK demo:scores Eve'],
    },
  ],
  zscan: [
    {
      title: 'Piece by piece, by a pattern',
      lines: ['ZADD demo:scores 70 Bob 90 Ada 120 Eve', 'ZSCAN demo:scores 0 MATCH *b*'],
    },
  ],
  // --- Streams ---
  xack: [
    {
      title: 'A job is done',
      lines: [
        'DEL demo:jobs',
        'XADD demo:jobs 1-1 task clean',
        'XGROUP CREATE demo:jobs workers 0',
        'XREADGROUP GROUP workers Ada STREAMS demo:jobs >',
        'XACK demo:jobs workers 1-1',
        'XPENDING demo:jobs workers',
      ],
    },
  ],
  xackdel: [
    {
      title: 'A job is done, and its entry goes when nobody else needs it',
      lines: [
        'DEL demo:jobs',
        'XADD demo:jobs 1-1 task clean',
        'XGROUP CREATE demo:jobs workers 0',
        'XREADGROUP GROUP workers Ada STREAMS demo:jobs >',
        'XACKDEL demo:jobs workers ACKED IDS 1 1-1',
        'XLEN demo:jobs',
      ],
    },
  ],
  xautoclaim: [
    {
      title: 'Take over what others have left lying',
      lines: [
        'DEL demo:jobs',
        'XADD demo:jobs 1-1 task clean',
        'XGROUP CREATE demo:jobs workers 0',
        'XREADGROUP GROUP workers Ada STREAMS demo:jobs >',
        'XAUTOCLAIM demo:jobs workers Bob 0 0',
      ],
    },
  ],
  xclaim: [
    {
      title: 'Take over a job from another one',
      lines: [
        'DEL demo:jobs',
        'XADD demo:jobs 1-1 task clean',
        'XGROUP CREATE demo:jobs workers 0',
        'XREADGROUP GROUP workers Ada STREAMS demo:jobs >',
        'XCLAIM demo:jobs workers Bob 0 1-1',
        'XPENDING demo:jobs workers - + 10',
      ],
    },
  ],
  xcfgset: [
    {
      title: 'How long a stream knows again what was added twice',
      lines: [
        'DEL demo:jobs',
        'XADD demo:jobs 1-1 task clean',
        'XCFGSET demo:jobs IDMP-DURATION 60',
      ],
    },
  ],
  xdelex: [
    {
      title: 'Delete an entry, and every reference to it',
      lines: [
        'DEL demo:jobs',
        'XADD demo:jobs 1-1 task clean',
        'XGROUP CREATE demo:jobs workers 0',
        'XREADGROUP GROUP workers Ada STREAMS demo:jobs >',
        'XDELEX demo:jobs DELREF IDS 1 1-1',
        'XPENDING demo:jobs workers',
      ],
    },
  ],
  xidmprecord: [
    {
      title: 'Note that an entry was added by a producer, under an id of its own',
      lines: [
        'DEL demo:jobs',
        'XADD demo:jobs 1-1 task clean',
        'XIDMPRECORD demo:jobs producer first 1-1',
      ],
    },
  ],
  xnack: [
    {
      title: 'Give a job back, for another worker',
      lines: [
        'DEL demo:jobs',
        'XADD demo:jobs 1-1 task clean',
        'XGROUP CREATE demo:jobs workers 0',
        'XREADGROUP GROUP workers Ada STREAMS demo:jobs >',
        'XNACK demo:jobs workers FAIL IDS 1 1-1',
        'XREADGROUP GROUP workers Bob STREAMS demo:jobs >',
      ],
    },
  ],
  xpending: [
    {
      title: 'What was handed out and is not done',
      lines: [
        'DEL demo:jobs',
        'XADD demo:jobs 1-1 task clean',
        'XGROUP CREATE demo:jobs workers 0',
        'XREADGROUP GROUP workers Ada STREAMS demo:jobs >',
        'XPENDING demo:jobs workers',
        'XPENDING demo:jobs workers - + 10 Ada',
      ],
    },
  ],
  'xgroup|createconsumer': [
    {
      title: 'A worker that has not read yet',
      lines: [
        'DEL demo:jobs',
        'XADD demo:jobs 1-1 task clean',
        'XGROUP CREATE demo:jobs workers 0',
        'XGROUP CREATECONSUMER demo:jobs workers Ada',
        'XINFO CONSUMERS demo:jobs workers',
      ],
    },
  ],
  'xgroup|delconsumer': [
    {
      title: 'A worker goes; how many jobs it had open',
      lines: [
        'DEL demo:jobs',
        'XADD demo:jobs 1-1 task clean',
        'XGROUP CREATE demo:jobs workers 0',
        'XREADGROUP GROUP workers Ada STREAMS demo:jobs >',
        'XGROUP DELCONSUMER demo:jobs workers Ada',
      ],
    },
  ],
  'xgroup|destroy': [
    {
      title: 'A group goes',
      lines: [
        'DEL demo:jobs',
        'XADD demo:jobs 1-1 task clean',
        'XGROUP CREATE demo:jobs workers 0',
        'XGROUP DESTROY demo:jobs workers',
      ],
    },
  ],
  'xgroup|setid': [
    {
      title: 'Read everything once more',
      lines: [
        'DEL demo:jobs',
        'XADD demo:jobs 1-1 task clean',
        'XGROUP CREATE demo:jobs workers 0',
        'XREADGROUP GROUP workers Ada STREAMS demo:jobs >',
        'XGROUP SETID demo:jobs workers 0',
        'XREADGROUP GROUP workers Bob STREAMS demo:jobs >',
      ],
    },
  ],
  'xinfo|consumers': [
    {
      title: 'The workers of a group',
      lines: [
        'DEL demo:jobs',
        'XADD demo:jobs 1-1 task clean',
        'XGROUP CREATE demo:jobs workers 0',
        'XREADGROUP GROUP workers Ada STREAMS demo:jobs >',
        'XINFO CONSUMERS demo:jobs workers',
      ],
    },
  ],
  'xinfo|groups': [
    {
      title: 'The groups of a stream',
      lines: [
        'DEL demo:jobs',
        'XADD demo:jobs 1-1 task clean',
        'XGROUP CREATE demo:jobs workers 0',
        'XINFO GROUPS demo:jobs',
      ],
    },
  ],
  'xinfo|stream': [
    {
      title: 'What there is to know of a stream',
      lines: ['DEL demo:jobs', 'XADD demo:jobs 1-1 task clean', 'XINFO STREAM demo:jobs'],
    },
  ],
  xsetid: [
    {
      title: 'Raise the last id, so that later entries are behind it',
      lines: [
        'DEL demo:jobs',
        'XADD demo:jobs 1-1 task clean',
        'XSETID demo:jobs 5-0',
        'XADD demo:jobs 5-* task cook',
      ],
    },
  ],
  // --- Places ---
  geodist: [
    {
      title: 'Distance of two places',
      lines: [
        'GEOADD demo:towns 13.361389 38.115556 Palermo 15.087269 37.502669 Catania',
        'GEODIST demo:towns Palermo Catania km',
      ],
    },
  ],
  geohash: [
    {
      title: 'Short names of places, as maps use them',
      lines: [
        'GEOADD demo:towns 13.361389 38.115556 Palermo 15.087269 37.502669 Catania',
        'GEOHASH demo:towns Palermo Catania',
      ],
    },
  ],
  geopos: [
    {
      title: 'Where a place is',
      lines: [
        'GEOADD demo:towns 13.361389 38.115556 Palermo 15.087269 37.502669 Catania',
        'GEOPOS demo:towns Palermo Nowhere',
      ],
    },
  ],
  georadius: [
    {
      title: 'Places around a point; GEOSEARCH does it',
      lines: [
        'GEOADD demo:towns 13.361389 38.115556 Palermo 15.087269 37.502669 Catania',
        'GEORADIUS demo:towns 15 37 100 km WITHDIST',
      ],
    },
  ],
  georadius_ro: [
    {
      title: 'The same, and it stores nothing',
      lines: [
        'GEOADD demo:towns 13.361389 38.115556 Palermo 15.087269 37.502669 Catania',
        'GEORADIUS_RO demo:towns 15 37 200 km ASC',
      ],
    },
  ],
  georadiusbymember: [
    {
      title: 'Places around a place; GEOSEARCH does it',
      lines: [
        'GEOADD demo:towns 13.361389 38.115556 Palermo 15.087269 37.502669 Catania',
        'GEORADIUSBYMEMBER demo:towns Palermo 200 km',
      ],
    },
  ],
  georadiusbymember_ro: [
    {
      title: 'The same, and it stores nothing',
      lines: [
        'GEOADD demo:towns 13.361389 38.115556 Palermo 15.087269 37.502669 Catania',
        'GEORADIUSBYMEMBER_RO demo:towns Palermo 100 km',
      ],
    },
  ],
  geosearchstore: [
    {
      title: 'Keep the places around a point, with their distance',
      lines: [
        'GEOADD demo:towns 13.361389 38.115556 Palermo 15.087269 37.502669 Catania',
        'GEOSEARCHSTORE demo:near demo:towns FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST',
        'ZRANGE demo:near 0 -1 WITHSCORES',
      ],
    },
  ],
};
