// Replies in the words of TypeScript, where a command's record says less: what is in an array, and which
// options make which reply. Kept by hand, for the commands that programs use most; the others get the type
// that follows from their record.
//
//   B       what bulk strings are: string, or Uint8Array with `buffers`
//   Int     an integer that may not be exact as a number
//   Reply   anything
//
// A list is read from its start: `[condition, type]` holds when the condition does, and a text alone always.
// A condition is a word among the arguments, or the least number of arguments.

export type ReplyForm = readonly [condition: string | number, type: string];
export type ReplyType = string | readonly [...ReplyForm[], string];

const PAIRS = '[B, number][]';
const STREAM_ENTRY = '[id: B, fields: B[] | null]';
const STREAMS = `Map<B, ${STREAM_ENTRY}[]> | null`;
const RANGE_BY_SCORE: ReplyType = [['WITHSCORES', PAIRS], 'B[]'];
const GEO_SEARCH: ReplyType = [
  ['WITHCOORD', 'Reply[]'],
  ['WITHDIST', 'Reply[]'],
  ['WITHHASH', 'Reply[]'],
  'B[]',
];
const KEY_WALK = '[cursor: B, keys: B[]]';

export const replyTypes: Readonly<Record<string, ReplyType>> = {
  bitfield: '(Int | null)[]',
  bitfield_ro: 'Int[]',
  blmove: 'B | null',
  blmpop: '[key: B, elements: B[]] | null',
  blpop: '[key: B, element: B] | null',
  brpop: '[key: B, element: B] | null',
  brpoplpush: 'B | null',
  bzmpop: `[key: B, elements: ${PAIRS}] | null`,
  bzpopmax: '[key: B, member: B, score: number] | null',
  bzpopmin: '[key: B, member: B, score: number] | null',
  'config|get': 'Map<B, B>',
  decr: 'Int',
  decrby: 'Int',
  geohash: '(B | null)[]',
  geopos: '([longitude: number, latitude: number] | null)[]',
  georadius_ro: GEO_SEARCH,
  georadiusbymember_ro: GEO_SEARCH,
  geosearch: GEO_SEARCH,
  hexpire: 'number[]',
  hexpireat: 'number[]',
  hexpiretime: 'number[]',
  hgetall: 'Map<B, B>',
  hgetdel: '(B | null)[]',
  hgetex: '(B | null)[]',
  hincrby: 'Int',
  hkeys: 'B[]',
  hmget: '(B | null)[]',
  hpersist: 'number[]',
  hpexpire: 'number[]',
  hpexpireat: 'number[]',
  hpexpiretime: 'number[]',
  hpttl: 'number[]',
  hrandfield: [['WITHVALUES', '[B, B][]'], [2, 'B[]'], 'B | null'],
  hscan: '[cursor: B, fields: B[]]',
  httl: 'number[]',
  hvals: 'B[]',
  incr: 'Int',
  incrby: 'Int',
  increx: 'Reply[]',
  keys: 'B[]',
  lcs: [['LEN', 'number'], ['IDX', 'Map<B, Reply>'], 'B'],
  lmpop: '[key: B, elements: B[]] | null',
  lpop: [[2, 'B[] | null'], 'B | null'],
  lpos: [['COUNT', 'number[]'], 'number | null'],
  lrange: 'B[]',
  mget: '(B | null)[]',
  ping: [[1, 'B'], "'PONG'"],
  'pubsub|channels': 'B[]',
  'pubsub|numsub': '(B | number)[]',
  'pubsub|shardchannels': 'B[]',
  'pubsub|shardnumsub': '(B | number)[]',
  rpop: [[2, 'B[] | null'], 'B | null'],
  scan: KEY_WALK,
  set: [['GET', 'B | null'], "'OK' | null"],
  smismember: 'number[]',
  sort: [['STORE', 'number'], '(B | null)[]'],
  sort_ro: '(B | null)[]',
  spop: [[2, 'Set<B>'], 'B | null'],
  srandmember: [[2, 'B[]'], 'B | null'],
  sscan: '[cursor: B, members: B[]]',
  time: '[seconds: B, microseconds: B]',
  waitaof: '[local: number, replicas: number]',
  xadd: 'B | null',
  xautoclaim: [
    ['JUSTID', '[next: B, ids: B[], deleted: B[]]'],
    `[next: B, entries: ${STREAM_ENTRY}[], deleted: B[]]`,
  ],
  xclaim: [['JUSTID', 'B[]'], `${STREAM_ENTRY}[]`],
  xrange: `${STREAM_ENTRY}[]`,
  xread: STREAMS,
  xreadgroup: STREAMS,
  xrevrange: `${STREAM_ENTRY}[]`,
  zadd: [['INCR', 'number | null'], 'number'],
  zdiff: RANGE_BY_SCORE,
  zinter: RANGE_BY_SCORE,
  zmpop: `[key: B, elements: ${PAIRS}] | null`,
  zmscore: '(number | null)[]',
  zpopmax: [[2, PAIRS], '[B, number] | []'],
  zpopmin: [[2, PAIRS], '[B, number] | []'],
  zrandmember: [['WITHSCORES', PAIRS], [2, 'B[]'], 'B | null'],
  zrange: RANGE_BY_SCORE,
  zrangebylex: 'B[]',
  zrangebyscore: RANGE_BY_SCORE,
  zrank: [['WITHSCORE', '[rank: number, score: number] | null'], 'number | null'],
  zrevrange: RANGE_BY_SCORE,
  zrevrangebylex: 'B[]',
  zrevrangebyscore: RANGE_BY_SCORE,
  zrevrank: [['WITHSCORE', '[rank: number, score: number] | null'], 'number | null'],
  zscan: '[cursor: B, members: B[]]',
  zunion: RANGE_BY_SCORE,
};
