// One or more payloads of every type and encoding, old and new, with the commands that make equal
// data in a Redis of any version.

import type { Argument } from './arguments.ts';
import {
  f64,
  i64,
  integer,
  intset,
  length,
  listpack,
  lzf,
  lzfLiterals,
  payload,
  plain,
  RDB,
  streamId,
  type Text,
  u8,
  value,
  ziplist,
  zipmap,
} from './rdb_payload.ts';

export interface Sample {
  readonly name: string;
  readonly payload: Buffer;
  /** Commands that make the same value under the key `same`. */
  readonly commands: readonly (readonly Argument[])[];
  /** Newest format version that is needed; the oracle reads up to 10. */
  readonly version: number;
  /** The type is one that Redis 7.0 knows. */
  readonly known: boolean;
}

const LONG = 'l'.repeat(70);
const LONGER = 'm'.repeat(300);
const BIG = 'n'.repeat(17000);

const elements: Text[] = [
  '',
  'a',
  '0',
  '12',
  '13',
  '-1',
  '127',
  '-128',
  '300',
  '-4000',
  '70000',
  '-9000000',
  '3000000000',
  '-9223372036854775808',
  LONG,
  LONGER,
  '007',
  '\xff\x00',
];
const pairs: [Text, Text][] = elements.map((name, i) => [name, elements[elements.length - 1 - i]!]);
const scored: [string, number][] = [
  ['low', -Infinity],
  ['minus', -2.5],
  ['a', 0],
  ['b', 0],
  ['12', 1],
  ['pi', 3.25],
  ['big', 1e20],
  ['top', Infinity],
];

const flat = (list: readonly (readonly Text[])[]): Text[] => list.flat();
const strings = (list: readonly Text[]): Buffer => Buffer.concat(list.map(plain));
const scoreText = (score: number): string =>
  Number.isFinite(score) ? String(score) : score > 0 ? 'inf' : '-inf';
const scoreList = (): Text[] => flat(scored.map(([name, score]) => [name, scoreText(score)]));
const zadd = (): Argument[] => [
  'ZADD',
  'same',
  ...scored.flatMap(([name, score]) => [scoreText(score), name]),
];
const hset = (): Argument[] => ['HSET', 'same', ...flat(pairs)];
const rpush = (...more: Text[]): Argument[] => ['RPUSH', 'same', ...elements, ...more];
const sadd = (): Argument[] => ['SADD', 'same', ...elements];

function sample(
  name: string,
  body: Buffer,
  commands: readonly (readonly Argument[])[],
  version = 10,
): Sample {
  return { name, payload: payload(body, version), commands, version, known: version <= 10 };
}

function textScore(score: number): Buffer {
  if (score === Infinity) return u8(254);
  if (score === -Infinity) return u8(255);
  return Buffer.concat([u8(String(score).length), Buffer.from(String(score))]);
}

const stringSamples = (): Sample[] => [
  sample('string', value(RDB.string, plain('hello')), [['SET', 'same', 'hello']]),
  sample('empty string', value(RDB.string, plain('')), [['SET', 'same', '']]),
  sample('string as u8', value(RDB.string, integer(-5, 1)), [['SET', 'same', '-5']]),
  sample('string as u16', value(RDB.string, integer(-500, 2)), [['SET', 'same', '-500']]),
  sample('string as u32', value(RDB.string, integer(70000, 4)), [['SET', 'same', '70000']]),
  sample('long string', value(RDB.string, plain(LONGER)), [['SET', 'same', LONGER]]),
  sample('string of lzf literals', value(RDB.string, lzf(lzfLiterals(LONG), 70)), [
    ['SET', 'same', LONG],
  ]),
  sample('string of an lzf copy', value(RDB.string, lzf(Buffer.from([0, 0x6c, 0xe0, 60, 0]), 70)), [
    ['SET', 'same', LONG],
  ]),
];

const listSamples = (): Sample[] => [
  sample('list', value(RDB.list, length(elements.length), strings(elements)), [rpush()]),
  sample('list of a ziplist', value(RDB.listZiplist, plain(ziplist([...elements, BIG]))), [
    rpush(BIG),
  ]),
  sample(
    'list of ziplists',
    value(
      RDB.listQuicklist,
      length(3),
      plain(ziplist(elements.slice(0, 3))),
      plain(ziplist([])),
      plain(ziplist(elements.slice(3))),
    ),
    [rpush()],
  ),
  sample(
    'list of listpacks and a large element',
    value(
      RDB.listQuicklist2,
      length(3),
      length(2),
      plain(listpack(elements)),
      length(1),
      plain(BIG),
      length(2),
      plain(listpack(['z'])),
    ),
    [rpush(BIG, 'z')],
  ),
];

const setSamples = (): Sample[] => [
  sample('set', value(RDB.set, length(elements.length), strings(elements)), [sadd()]),
  sample('set of numbers', value(RDB.set, length(3), integer(1, 1), plain('70000'), plain('2')), [
    ['SADD', 'same', '1', '2', '70000'],
  ]),
  sample('intset of i16', value(RDB.setIntset, plain(intset([-300n, 1n, 2n], 2))), [
    ['SADD', 'same', '1', '2', '-300'],
  ]),
  sample('intset of i32', value(RDB.setIntset, plain(intset([-70000n, 1n], 4))), [
    ['SADD', 'same', '1', '-70000'],
  ]),
  sample('intset of i64', value(RDB.setIntset, plain(intset([-7n, 1n << 40n], 8))), [
    ['SADD', 'same', '-7', String(1n << 40n)],
  ]),
  sample('set of a listpack', value(RDB.setListpack, plain(listpack(elements))), [sadd()], 11),
];

const zsetSamples = (): Sample[] => [
  sample(
    'zset of text scores',
    value(
      RDB.zset,
      length(scored.length),
      ...scored.flatMap(([name, score]) => [plain(name), textScore(score)]),
    ),
    [zadd()],
  ),
  sample(
    'zset',
    value(
      RDB.zset2,
      length(scored.length),
      ...scored.flatMap(([name, score]) => [plain(name), f64(score)]),
    ),
    [zadd()],
  ),
  sample('zset of a long member', value(RDB.zset2, length(1), plain(LONGER), f64(1)), [
    ['ZADD', 'same', '1', LONGER],
  ]),
  sample('zset of a ziplist', value(RDB.zsetZiplist, plain(ziplist(scoreList()))), [zadd()]),
  sample('zset of a listpack', value(RDB.zsetListpack, plain(listpack(scoreList()))), [zadd()]),
];

const EARLIEST = 4_000_000_000_000n;
const expireAt = (at: bigint, field: string): Argument[] => [
  ...['HPEXPIREAT', 'same', String(at)],
  ...['FIELDS', '1', field],
];

const hashSamples = (): Sample[] => [
  sample('hash', value(RDB.hash, length(pairs.length), strings(flat(pairs))), [hset()]),
  sample('hash of short fields', value(RDB.hash, length(2), strings(['a', '1', 'b', 'x'])), [
    ['HSET', 'same', 'a', '1', 'b', 'x'],
  ]),
  sample('hash of a zipmap', value(RDB.hashZipmap, plain(zipmap(pairs, 3))), [hset()]),
  sample('hash of a ziplist', value(RDB.hashZiplist, plain(ziplist(flat(pairs)))), [hset()]),
  sample('hash of a listpack', value(RDB.hashListpack, plain(listpack(flat(pairs)))), [hset()]),
  sample(
    'hash of a listpack of strings',
    value(RDB.hashListpack, plain(listpack(flat(pairs), true))),
    [hset()],
  ),
  sample(
    'hash with expiries before release',
    value(
      RDB.hashMetadataPreGa,
      length(2),
      length(EARLIEST),
      strings(['a', '1']),
      length(0),
      strings(['b', LONGER]),
    ),
    [['HSET', 'same', 'a', '1', 'b', LONGER], expireAt(EARLIEST, 'a')],
    12,
  ),
  sample(
    'listpack with expiries before release',
    value(RDB.hashListpackExPreGa, plain(listpack(['a', '1', String(EARLIEST), '7', 'x', '0']))),
    [['HSET', 'same', 'a', '1', '7', 'x'], expireAt(EARLIEST, 'a')],
    12,
  ),
  sample(
    'hash with expiries',
    value(
      RDB.hashMetadata,
      i64(EARLIEST),
      length(3),
      length(1),
      strings(['a', '1']),
      length(0),
      strings(['b', LONGER]),
      length(5000),
      strings(['c', '']),
    ),
    [
      ['HSET', 'same', 'a', '1', 'b', LONGER, 'c', ''],
      expireAt(EARLIEST, 'a'),
      expireAt(EARLIEST + 4999n, 'c'),
    ],
    12,
  ),
  sample(
    'listpack with expiries out of order',
    value(
      RDB.hashListpackEx,
      i64(EARLIEST),
      plain(listpack(['7', 'x', '0', 'b', 'y', String(EARLIEST + 1n), 'a', '1', String(EARLIEST)])),
    ),
    [
      ['HSET', 'same', 'a', '1', '7', 'x', 'b', 'y'],
      expireAt(EARLIEST, 'a'),
      expireAt(EARLIEST + 1n, 'b'),
    ],
    12,
  ),
  sample(
    'hash with short fields and expiries',
    value(
      RDB.hashMetadata,
      i64(EARLIEST),
      length(3),
      length(2),
      strings(['b', '1']),
      length(0),
      strings(['c', 'x']),
      length(1),
      strings(['a', '5']),
    ),
    [
      ['HSET', 'same', 'a', '5', 'b', '1', 'c', 'x'],
      expireAt(EARLIEST, 'a'),
      expireAt(EARLIEST + 1n, 'b'),
    ],
    12,
  ),
  sample(
    'listpack with expiries',
    value(
      RDB.hashListpackEx,
      i64(EARLIEST),
      plain(listpack(['a', '1', String(EARLIEST), '7', 'x', '0'])),
    ),
    [['HSET', 'same', 'a', '1', '7', 'x'], expireAt(EARLIEST, 'a')],
    12,
  ),
];

// --- Streams ---

/** A node of 1-1 and 1-2, both deleted, which XTRIM MINID leaves when the last entry was deleted before. */
function trimmedNode(): Buffer {
  return Buffer.concat([
    plain(streamId(1n, 1n)),
    plain(
      listpack([
        ...['0', '2', '1', 'a', '0'],
        ...['3', '0', '0', '1', '4'],
        ...['3', '0', '1', '2', '4'],
      ]),
    ),
  ]);
}

/** Two nodes: 1-1 a 1 b 2, 1-2 the same fields, 5-0 (deleted) c 3, 6-1 d 4; then 9-9 e 5. */
function streamNodes(): Buffer {
  const first = listpack([
    ...['3', '1', '2', 'a', 'b', '0'],
    ...['2', '0', '0', '1', '2', '5'],
    ...['2', '0', '1', 'x', 'y', '5'],
    ...['1', '4', '-1', '1', 'c', '3', '6'],
    ...['0', '5', '0', '1', 'd', '4', '6'],
  ]);
  const second = listpack(['1', '0', '1', 'e', '0', '2', '0', '0', '5', '4']);
  return Buffer.concat([
    length(2),
    plain(streamId(1n, 1n)),
    plain(first),
    plain(streamId(9n, 9n)),
    plain(second),
  ]);
}

const lengths = (...list: (number | bigint)[]): Buffer => Buffer.concat(list.map(length));
const SEEN = 1_700_000_000_000n;

function streamGroups(version: 1 | 2 | 3): Buffer {
  const pending = (ms: bigint, seq: bigint, count: number) =>
    Buffer.concat([streamId(ms, seq), i64(SEEN), length(count)]);
  const consumer = (name: string, ids: Buffer[]) =>
    Buffer.concat([
      plain(name),
      i64(SEEN),
      version === 3 ? i64(SEEN + 5n) : Buffer.alloc(0),
      length(ids.length),
      ...ids,
    ]);
  return Buffer.concat([
    length(2),
    plain('group'),
    lengths(6, 1),
    version > 1 ? length(3) : Buffer.alloc(0),
    length(2),
    pending(1n, 1n, 1),
    pending(6n, 1n, 3),
    length(2),
    consumer('alice', [streamId(1n, 1n)]),
    consumer('bob', [streamId(6n, 1n)]),
    plain('idle'),
    lengths(0, 0),
    version > 1 ? length(-1n) : Buffer.alloc(0),
    lengths(0, 0),
  ]);
}

const streamCommands: Argument[][] = [
  ['XADD', 'same', '1-1', 'a', '1', 'b', '2'],
  ['XADD', 'same', '1-2', 'a', 'x', 'b', 'y'],
  ['XADD', 'same', '6-1', 'd', '4'],
  ['XADD', 'same', '9-9', 'e', '5'],
];
const metadata = lengths(1, 1, 5, 0, 5);

const streamSamples = (): Sample[] => [
  sample(
    'stream',
    value(RDB.stream, streamNodes(), lengths(4, 9, 9), streamGroups(1)),
    streamCommands,
  ),
  sample(
    'stream 2',
    value(RDB.stream2, streamNodes(), lengths(4, 9, 9), metadata, streamGroups(2)),
    streamCommands,
  ),
  sample(
    'stream 3',
    value(RDB.stream3, streamNodes(), lengths(4, 9, 9), metadata, streamGroups(3)),
    streamCommands,
    11,
  ),
  sample(
    'stream that begins with a node of deleted entries',
    value(
      RDB.stream2,
      length(2),
      trimmedNode(),
      plain(streamId(3n, 0n)),
      plain(listpack(['1', '0', '1', 'e', '0', '2', '0', '0', '5', '4'])),
      lengths(1, 3, 0, 3, 0, 1, 2, 3, 0),
    ),
    [['XADD', 'same', '3-0', 'e', '5']],
  ),
  sample(
    'stream of deleted entries alone',
    value(RDB.stream2, length(1), trimmedNode(), lengths(0, 1, 2, 0, 0, 1, 2, 2, 0)),
    [
      ['XADD', 'same', '1-2', 'a', 'b'],
      ['XDEL', 'same', '1-2'],
    ],
  ),
  sample('empty stream', value(RDB.stream2, lengths(0, 0, 3, 4, 0, 0, 3, 4, 7, 0)), [
    ['XADD', 'same', '3-4', 'a', 'b'],
    ['XDEL', 'same', '3-4'],
  ]),
];

export function rdbSamples(): Sample[] {
  return [
    ...stringSamples(),
    ...listSamples(),
    ...setSamples(),
    ...zsetSamples(),
    ...hashSamples(),
    ...streamSamples(),
  ];
}
