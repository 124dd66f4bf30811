// Examples of the commands that are used most: lines as they are typed into the terminal. They run in a store
// of their own, in memory. Whoever types them has other data, so their keys all begin with "demo:".
//
// Every line of every example runs in the tests.

import { RARER_EXAMPLES } from './rarer_examples.ts';
import { SERVER_EXAMPLES } from './server_examples.ts';

export interface Example {
  /** What it shows. */
  readonly title: string;
  readonly lines: readonly string[];
}

const FREQUENT_EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  // --- Strings ---
  set: [
    {
      title: 'Store a value and read it',
      lines: ['SET demo:greeting "hello world"', 'GET demo:greeting'],
    },
    {
      title: 'Only if there is none yet, for ten seconds: a lock',
      lines: ['SET demo:lock me NX EX 10', 'SET demo:lock you NX EX 10', 'TTL demo:lock'],
    },
  ],
  get: [
    {
      title: 'A key that is there, and one that is not',
      lines: ['SET demo:name Ada', 'GET demo:name', 'GET demo:nobody'],
    },
  ],
  mset: [
    {
      title: 'Several at once',
      lines: ['MSET demo:a 1 demo:b 2 demo:c 3', 'MGET demo:a demo:b demo:c'],
    },
  ],
  mget: [
    {
      title: 'What is missing is nil',
      lines: ['MSET demo:a 1 demo:b 2', 'MGET demo:a demo:missing demo:b'],
    },
  ],
  incr: [{ title: 'Count visits', lines: ['SET demo:visits 41', 'INCR demo:visits'] }],
  incrby: [{ title: 'By more than one', lines: ['SET demo:points 10', 'INCRBY demo:points 5'] }],
  incrbyfloat: [
    { title: 'With a fraction', lines: ['SET demo:balance 10.5', 'INCRBYFLOAT demo:balance 0.1'] },
  ],
  decr: [{ title: 'Count down', lines: ['SET demo:stock 3', 'DECR demo:stock'] }],
  decrby: [{ title: 'Take several away', lines: ['SET demo:stock 10', 'DECRBY demo:stock 4'] }],
  append: [
    {
      title: 'Make a value longer',
      lines: ['SET demo:log a', 'APPEND demo:log b', 'GET demo:log'],
    },
  ],
  strlen: [{ title: 'Length in bytes', lines: ['SET demo:word Grüße', 'STRLEN demo:word'] }],
  getrange: [
    {
      title: 'Part of a value',
      lines: [
        'SET demo:text "This is a string"',
        'GETRANGE demo:text 0 3',
        'GETRANGE demo:text -6 -1',
      ],
    },
  ],
  setrange: [
    {
      title: 'Write into a value',
      lines: ['SET demo:text "Hello World"', 'SETRANGE demo:text 6 Redis', 'GET demo:text'],
    },
  ],
  getset: [
    {
      title: 'The old value, for a new one',
      lines: ['SET demo:turn white', 'GETSET demo:turn black'],
    },
  ],
  getdel: [
    {
      title: 'Read once',
      lines: ['SET demo:token secret', 'GETDEL demo:token', 'EXISTS demo:token'],
    },
  ],
  getex: [
    {
      title: 'Read, and let it live longer',
      lines: ['SET demo:session data EX 10', 'GETEX demo:session EX 100', 'TTL demo:session'],
    },
  ],
  setex: [{ title: 'With a time to live', lines: ['SETEX demo:code 60 1234', 'TTL demo:code'] }],
  setnx: [
    {
      title: 'The first one wins',
      lines: ['SETNX demo:winner Ada', 'SETNX demo:winner Bob', 'GET demo:winner'],
    },
  ],
  lcs: [
    {
      title: 'What two texts share',
      lines: [
        'MSET demo:x ohmytext demo:y mynewtext',
        'LCS demo:x demo:y',
        'LCS demo:x demo:y IDX',
      ],
    },
  ],

  // --- Keys ---
  del: [{ title: 'Remove keys', lines: ['MSET demo:a 1 demo:b 2', 'DEL demo:a demo:b demo:c'] }],
  unlink: [
    { title: 'Remove, and free memory later', lines: ['SET demo:big value', 'UNLINK demo:big'] },
  ],
  exists: [
    {
      title: 'How many of these are there',
      lines: ['SET demo:a 1', 'EXISTS demo:a demo:none demo:a'],
    },
  ],
  expire: [
    {
      title: 'Let a key go after a while',
      lines: ['SET demo:page cached', 'EXPIRE demo:page 60', 'TTL demo:page'],
    },
  ],
  ttl: [
    {
      title: 'Seconds left; -1: stays, -2: is not there',
      lines: ['SET demo:a 1 EX 100', 'SET demo:b 1', 'TTL demo:a', 'TTL demo:b', 'TTL demo:none'],
    },
  ],
  pttl: [{ title: 'In milliseconds', lines: ['SET demo:a 1 PX 1500', 'PTTL demo:a'] }],
  persist: [
    { title: 'Keep it after all', lines: ['SET demo:a 1 EX 100', 'PERSIST demo:a', 'TTL demo:a'] },
  ],
  type: [
    {
      title: 'What a key holds',
      lines: ['LPUSH demo:queue job', 'TYPE demo:queue', 'DEL demo:queue'],
    },
  ],
  keys: [
    {
      title: 'Names by a pattern; SCAN is kinder to large data',
      lines: ['MSET demo:hello 1 demo:hallo 2 demo:hillo 3', 'KEYS demo:h[ae]llo'],
    },
  ],
  scan: [
    {
      title: 'Walk over keys in steps',
      lines: ['MSET demo:scan:1 a demo:scan:2 b', 'SCAN 0 MATCH demo:scan:* COUNT 1000'],
    },
  ],
  rename: [
    {
      title: 'Another name',
      lines: ['SET demo:draft text', 'RENAME demo:draft demo:final', 'GET demo:final'],
    },
  ],
  copy: [
    {
      title: 'A second one of it',
      lines: ['SET demo:from sheep', 'COPY demo:from demo:to REPLACE', 'GET demo:to'],
    },
  ],
  dump: [{ title: 'A value as bytes, and back', lines: ['SET demo:a 10', 'DUMP demo:a'] }],
  'object|encoding': [
    {
      title: 'How a value is kept',
      lines: [
        'SET demo:n 42',
        'SET demo:s text',
        'OBJECT ENCODING demo:n',
        'OBJECT ENCODING demo:s',
      ],
    },
  ],
  sort: [
    {
      title: 'A list in order',
      lines: ['DEL demo:numbers', 'RPUSH demo:numbers 3 1 2', 'SORT demo:numbers DESC'],
    },
  ],
  randomkey: [{ title: 'Any key', lines: ['SET demo:one 1', 'RANDOMKEY'] }],

  // --- Lists ---
  lpush: [
    {
      title: 'In front: the last one is the first',
      lines: ['DEL demo:list', 'LPUSH demo:list world hello', 'LRANGE demo:list 0 -1'],
    },
  ],
  rpush: [
    {
      title: 'At the end',
      lines: ['DEL demo:list', 'RPUSH demo:list hello world', 'LRANGE demo:list 0 -1'],
    },
  ],
  lpop: [
    {
      title: 'A queue',
      lines: [
        'DEL demo:jobs',
        'RPUSH demo:jobs first second third',
        'LPOP demo:jobs',
        'LPOP demo:jobs 2',
      ],
    },
  ],
  rpop: [
    {
      title: 'From the end',
      lines: ['DEL demo:stack', 'RPUSH demo:stack a b c', 'RPOP demo:stack'],
    },
  ],
  lrange: [
    {
      title: 'Parts of a list; -1 is the last',
      lines: [
        'DEL demo:list',
        'RPUSH demo:list a b c d',
        'LRANGE demo:list 1 2',
        'LRANGE demo:list -2 -1',
      ],
    },
  ],
  llen: [
    {
      title: 'How long it is',
      lines: ['DEL demo:list', 'RPUSH demo:list a b c', 'LLEN demo:list'],
    },
  ],
  lindex: [
    {
      title: 'One element',
      lines: ['DEL demo:list', 'RPUSH demo:list a b c', 'LINDEX demo:list -1'],
    },
  ],
  lset: [
    {
      title: 'Another value in its place',
      lines: [
        'DEL demo:list',
        'RPUSH demo:list a b c',
        'LSET demo:list 1 B',
        'LRANGE demo:list 0 -1',
      ],
    },
  ],
  linsert: [
    {
      title: 'Between two',
      lines: [
        'DEL demo:list',
        'RPUSH demo:list a c',
        'LINSERT demo:list BEFORE c b',
        'LRANGE demo:list 0 -1',
      ],
    },
  ],
  lrem: [
    {
      title: 'Remove by value',
      lines: [
        'DEL demo:list',
        'RPUSH demo:list a b a c a',
        'LREM demo:list 2 a',
        'LRANGE demo:list 0 -1',
      ],
    },
  ],
  ltrim: [
    {
      title: 'Keep the newest three',
      lines: [
        'DEL demo:log',
        'LPUSH demo:log 1 2 3 4 5',
        'LTRIM demo:log 0 2',
        'LRANGE demo:log 0 -1',
      ],
    },
  ],
  lmove: [
    {
      title: 'From one list to another',
      lines: [
        'DEL demo:todo demo:done',
        'RPUSH demo:todo write test',
        'LMOVE demo:todo demo:done LEFT RIGHT',
        'LRANGE demo:done 0 -1',
      ],
    },
  ],
  lpos: [
    {
      title: 'Where it is',
      lines: [
        'DEL demo:list',
        'RPUSH demo:list a b c b',
        'LPOS demo:list b',
        'LPOS demo:list b COUNT 0',
      ],
    },
  ],
  blpop: [
    {
      title: 'Wait for work; here there is some',
      lines: ['DEL demo:jobs', 'RPUSH demo:jobs job-1', 'BLPOP demo:jobs 1'],
    },
  ],

  // --- Hashes ---
  hset: [
    { title: 'A record', lines: ['HSET demo:user:1 name Ada born 1815', 'HGETALL demo:user:1'] },
  ],
  hget: [{ title: 'One field', lines: ['HSET demo:user:1 name Ada', 'HGET demo:user:1 name'] }],
  hmget: [
    {
      title: 'Some fields',
      lines: ['HSET demo:user:1 name Ada born 1815', 'HMGET demo:user:1 name died born'],
    },
  ],
  hgetall: [
    { title: 'All of it', lines: ['HSET demo:user:1 name Ada born 1815', 'HGETALL demo:user:1'] },
  ],
  hdel: [
    {
      title: 'Remove fields',
      lines: [
        'HSET demo:user:2 name Bob mail b@example.org',
        'HDEL demo:user:2 mail',
        'HGETALL demo:user:2',
      ],
    },
  ],
  hexists: [
    {
      title: 'Is there a field',
      lines: ['HSET demo:user:1 name Ada', 'HEXISTS demo:user:1 name', 'HEXISTS demo:user:1 mail'],
    },
  ],
  hincrby: [
    { title: 'Count in a field', lines: ['HSET demo:page views 9', 'HINCRBY demo:page views 1'] },
  ],
  hkeys: [
    {
      title: 'Names of the fields',
      lines: ['HSET demo:user:1 name Ada born 1815', 'HKEYS demo:user:1'],
    },
  ],
  hvals: [
    {
      title: 'Values of the fields',
      lines: ['HSET demo:user:1 name Ada born 1815', 'HVALS demo:user:1'],
    },
  ],
  hlen: [
    {
      title: 'How many fields',
      lines: ['HSET demo:user:1 name Ada born 1815', 'HLEN demo:user:1'],
    },
  ],
  hsetnx: [
    {
      title: 'Only a new field',
      lines: [
        'DEL demo:conf',
        'HSETNX demo:conf color blue',
        'HSETNX demo:conf color red',
        'HGET demo:conf color',
      ],
    },
  ],
  hscan: [
    {
      title: 'Walk over fields',
      lines: ['HSET demo:user:1 name Ada born 1815', 'HSCAN demo:user:1 0 MATCH n*'],
    },
  ],
  hexpire: [
    {
      title: 'A field that goes by itself',
      lines: [
        'HSET demo:cart item book',
        'HEXPIRE demo:cart 60 FIELDS 1 item',
        'HTTL demo:cart FIELDS 1 item',
      ],
    },
  ],
  hrandfield: [
    {
      title: 'Any field',
      lines: ['HSET demo:coin heads 1 tails 0', 'HRANDFIELD demo:coin 2 WITHVALUES'],
    },
  ],

  // --- Sets ---
  sadd: [
    {
      title: 'Each member once',
      lines: ['DEL demo:tags', 'SADD demo:tags red green red', 'SMEMBERS demo:tags'],
    },
  ],
  srem: [
    {
      title: 'Take members out',
      lines: [
        'DEL demo:tags',
        'SADD demo:tags red green blue',
        'SREM demo:tags red pink',
        'SCARD demo:tags',
      ],
    },
  ],
  smembers: [
    {
      title: 'All members',
      lines: ['DEL demo:tags', 'SADD demo:tags red green', 'SMEMBERS demo:tags'],
    },
  ],
  sismember: [
    {
      title: 'Is it one',
      lines: ['SADD demo:tags red', 'SISMEMBER demo:tags red', 'SISMEMBER demo:tags pink'],
    },
  ],
  scard: [
    { title: 'How many', lines: ['DEL demo:tags', 'SADD demo:tags a b c', 'SCARD demo:tags'] },
  ],
  sinter: [
    {
      title: 'In both',
      lines: [
        'DEL demo:a demo:b',
        'SADD demo:a 1 2 3',
        'SADD demo:b 2 3 4',
        'SINTER demo:a demo:b',
      ],
    },
  ],
  sunion: [
    {
      title: 'In any',
      lines: ['DEL demo:a demo:b', 'SADD demo:a 1 2', 'SADD demo:b 2 3', 'SUNION demo:a demo:b'],
    },
  ],
  sdiff: [
    {
      title: 'In the first only',
      lines: ['DEL demo:a demo:b', 'SADD demo:a 1 2 3', 'SADD demo:b 2', 'SDIFF demo:a demo:b'],
    },
  ],
  spop: [
    {
      title: 'Draw lots',
      lines: ['DEL demo:lots', 'SADD demo:lots a b c', 'SPOP demo:lots', 'SCARD demo:lots'],
    },
  ],
  srandmember: [
    {
      title: 'Look at any two',
      lines: ['DEL demo:lots', 'SADD demo:lots a b c', 'SRANDMEMBER demo:lots 2'],
    },
  ],

  // --- Sorted sets ---
  zadd: [
    {
      title: 'A ranking',
      lines: [
        'DEL demo:scores',
        'ZADD demo:scores 120 Ada 95 Bob 150 Eve',
        'ZRANGE demo:scores 0 -1 REV WITHSCORES',
      ],
    },
  ],
  zrange: [
    {
      title: 'By rank',
      lines: ['DEL demo:scores', 'ZADD demo:scores 1 one 2 two 3 three', 'ZRANGE demo:scores 0 1'],
    },
    {
      title: 'By score, the best first',
      lines: ['ZADD demo:scores 1 one 2 two 3 three', 'ZRANGE demo:scores +inf 2 BYSCORE REV'],
    },
  ],
  zrangebyscore: [
    {
      title: 'Between two scores; ( leaves one out',
      lines: [
        'DEL demo:scores',
        'ZADD demo:scores 1 one 2 two 3 three',
        'ZRANGEBYSCORE demo:scores (1 +inf',
      ],
    },
  ],
  zscore: [
    { title: 'A member’s score', lines: ['ZADD demo:scores 120 Ada', 'ZSCORE demo:scores Ada'] },
  ],
  zrank: [
    {
      title: 'A member’s place, from 0',
      lines: ['DEL demo:scores', 'ZADD demo:scores 1 one 2 two 3 three', 'ZRANK demo:scores two'],
    },
  ],
  zincrby: [
    {
      title: 'More points',
      lines: ['DEL demo:scores', 'ZADD demo:scores 10 Ada', 'ZINCRBY demo:scores 5 Ada'],
    },
  ],
  zrem: [
    { title: 'Take a member out', lines: ['ZADD demo:scores 1 one 2 two', 'ZREM demo:scores one'] },
  ],
  zcard: [
    {
      title: 'How many',
      lines: ['DEL demo:scores', 'ZADD demo:scores 1 one 2 two', 'ZCARD demo:scores'],
    },
  ],
  zcount: [
    {
      title: 'How many between two scores',
      lines: ['DEL demo:scores', 'ZADD demo:scores 1 a 5 b 9 c', 'ZCOUNT demo:scores 2 10'],
    },
  ],
  zpopmin: [
    {
      title: 'A queue by priority',
      lines: ['DEL demo:tasks', 'ZADD demo:tasks 2 later 1 now', 'ZPOPMIN demo:tasks'],
    },
  ],
  zunion: [
    {
      title: 'Scores added up',
      lines: [
        'DEL demo:a demo:b',
        'ZADD demo:a 1 x 2 y',
        'ZADD demo:b 10 x',
        'ZUNION 2 demo:a demo:b WITHSCORES',
      ],
    },
  ],

  // --- Streams ---
  xadd: [
    {
      title: 'Measurements',
      lines: [
        'DEL demo:sensor',
        'XADD demo:sensor * celsius 21.5',
        'XADD demo:sensor * celsius 21.7',
        'XLEN demo:sensor',
      ],
    },
  ],
  xrange: [
    {
      title: 'From the first to the last',
      lines: [
        'DEL demo:sensor',
        'XADD demo:sensor 1-0 celsius 21.5',
        'XADD demo:sensor 2-0 celsius 21.7',
        'XRANGE demo:sensor - +',
      ],
    },
  ],
  xrevrange: [
    {
      title: 'The newest one',
      lines: [
        'DEL demo:sensor',
        'XADD demo:sensor 1-0 celsius 21.5',
        'XADD demo:sensor 2-0 celsius 21.7',
        'XREVRANGE demo:sensor + - COUNT 1',
      ],
    },
  ],
  xread: [
    {
      title: 'What came after an ID',
      lines: [
        'DEL demo:sensor',
        'XADD demo:sensor 1-0 celsius 21.5',
        'XADD demo:sensor 2-0 celsius 21.7',
        'XREAD STREAMS demo:sensor 1-0',
      ],
    },
  ],
  'xgroup|create': [
    {
      title: 'Readers that share the work',
      lines: [
        'DEL demo:orders',
        'XGROUP CREATE demo:orders shop $ MKSTREAM',
        'XADD demo:orders 1-0 item book',
        'XREADGROUP GROUP shop Ada STREAMS demo:orders >',
        'XACK demo:orders shop 1-0',
      ],
    },
  ],
  xreadgroup: [
    {
      title: 'Take an entry, then say it is done',
      lines: [
        'DEL demo:orders',
        'XGROUP CREATE demo:orders shop 0 MKSTREAM',
        'XADD demo:orders 1-0 item pen',
        'XREADGROUP GROUP shop Bob COUNT 1 STREAMS demo:orders >',
        'XPENDING demo:orders shop',
        'XACK demo:orders shop 1-0',
      ],
    },
  ],
  xlen: [
    {
      title: 'How many entries',
      lines: ['DEL demo:sensor', 'XADD demo:sensor * a 1', 'XLEN demo:sensor'],
    },
  ],
  xdel: [
    {
      title: 'Remove an entry',
      lines: ['DEL demo:sensor', 'XADD demo:sensor 1-0 a 1', 'XDEL demo:sensor 1-0'],
    },
  ],
  xtrim: [
    {
      title: 'Keep the newest two',
      lines: [
        'DEL demo:sensor',
        'XADD demo:sensor * n 1',
        'XADD demo:sensor * n 2',
        'XADD demo:sensor * n 3',
        'XTRIM demo:sensor MAXLEN 2',
      ],
    },
  ],

  // --- Bits, HyperLogLog, places ---
  setbit: [
    {
      title: 'A bit for each day',
      lines: [
        'DEL demo:days',
        'SETBIT demo:days 3 1',
        'SETBIT demo:days 7 1',
        'BITCOUNT demo:days',
      ],
    },
  ],
  getbit: [
    {
      title: 'One bit',
      lines: ['DEL demo:days', 'SETBIT demo:days 7 1', 'GETBIT demo:days 7', 'GETBIT demo:days 8'],
    },
  ],
  bitcount: [{ title: 'Bits that are set', lines: ['SET demo:word foobar', 'BITCOUNT demo:word'] }],
  bitfield: [
    {
      title: 'Small counters in one value',
      lines: ['DEL demo:field', 'BITFIELD demo:field SET u8 0 200 INCRBY u8 8 1 GET u8 0'],
    },
  ],
  pfadd: [
    {
      title: 'Count visitors without keeping them',
      lines: ['DEL demo:visitors', 'PFADD demo:visitors Ada Bob Ada', 'PFCOUNT demo:visitors'],
    },
  ],
  pfcount: [
    {
      title: 'Of two days together',
      lines: [
        'DEL demo:mon demo:tue',
        'PFADD demo:mon Ada Bob',
        'PFADD demo:tue Bob Eve',
        'PFCOUNT demo:mon demo:tue',
      ],
    },
  ],
  geoadd: [
    {
      title: 'Places on a map',
      lines: [
        'GEOADD demo:cities 13.361389 38.115556 Palermo 15.087269 37.502669 Catania',
        'GEODIST demo:cities Palermo Catania km',
      ],
    },
  ],
  geosearch: [
    {
      title: 'What is near',
      lines: [
        'GEOADD demo:cities 13.361389 38.115556 Palermo 15.087269 37.502669 Catania',
        'GEOSEARCH demo:cities FROMLONLAT 15 37 BYRADIUS 200 km ASC WITHDIST',
      ],
    },
  ],

  // --- Transactions, messages, connection, server ---
  multi: [
    { title: 'All or nothing in between', lines: ['MULTI', 'SET demo:a 1', 'INCR demo:a', 'EXEC'] },
  ],
  exec: [
    { title: 'Replies come together', lines: ['MULTI', 'SET demo:x 10', 'GET demo:x', 'EXEC'] },
  ],
  discard: [
    {
      title: 'Forget what was queued',
      lines: ['SET demo:a 1', 'MULTI', 'SET demo:a 2', 'DISCARD', 'GET demo:a'],
    },
  ],
  watch: [
    {
      title: 'Only if nobody changed it',
      lines: [
        'SET demo:balance 100',
        'WATCH demo:balance',
        'MULTI',
        'DECRBY demo:balance 10',
        'EXEC',
      ],
    },
  ],
  publish: [
    {
      title: 'To whoever listens: try SUBSCRIBE demo:news in another tab',
      lines: ['PUBLISH demo:news hello'],
    },
  ],
  ping: [{ title: 'Is somebody there', lines: ['PING', 'PING "are you there?"'] }],
  echo: [{ title: 'Say it again', lines: ['ECHO "quoted \\"text\\""'] }],
  hello: [
    {
      title: 'Replies with types, then back',
      lines: ['HELLO 3', 'HSET demo:user:1 name Ada', 'HGETALL demo:user:1', 'HELLO 2'],
    },
  ],
  select: [
    {
      title: 'Another database',
      lines: ['SELECT 1', 'SET demo:here 1', 'SELECT 0', 'EXISTS demo:here'],
    },
  ],
  dbsize: [{ title: 'Keys in this database', lines: ['DBSIZE'] }],
  info: [{ title: 'How the memory is', lines: ['INFO memory'] }],
  'config|get': [{ title: 'A setting', lines: ['CONFIG GET maxmemory*'] }],
  'config|set': [
    {
      title: 'Change a setting',
      lines: [
        'CONFIG SET slowlog-log-slower-than 5000',
        'CONFIG GET slowlog-log-slower-than',
        'CONFIG SET slowlog-log-slower-than 10000',
      ],
    },
  ],
  'client|id': [{ title: 'Which connection this is', lines: ['CLIENT ID'] }],
  'command|count': [{ title: 'How many commands there are', lines: ['COMMAND COUNT'] }],
  'memory|usage': [
    { title: 'What a key takes', lines: ['SET demo:a value', 'MEMORY USAGE demo:a'] },
  ],
  time: [{ title: 'Seconds and microseconds', lines: ['TIME'] }],
  lolwut: [{ title: 'Something to look at', lines: ['LOLWUT'] }],
};

const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  ...FREQUENT_EXAMPLES,
  ...RARER_EXAMPLES,
  ...SERVER_EXAMPLES,
};

/** Examples of a command by its full name ("config|get"). */
export function examplesOf(fullName: string): readonly Example[] {
  return EXAMPLES[fullName] ?? [];
}

/** Names of all commands with examples. */
export function commandsWithExamples(): string[] {
  return Object.keys(EXAMPLES);
}
