// Random data of all types and encodings for the exchange of files, and commands that change it.
//
// A key is its index: name, database, type and value all come from a generator seeded with the run's
// seed and the index. So nothing has to be remembered of a million keys, and a command may be made for
// any of them at any time. Arguments are strings of bytes (latin1).
//
//   databases   DATABASES hold the keys, one database for each run of RUN_KEYS indexes
//               SHORT_LIVED holds what has expired by the time that a file is read
//   changes     never fail, whatever happened to their key before: its type never changes
//               and what they need is made by themselves

import { Random } from '../support/random.ts';

export type Command = string[];

export const DATABASES = [0, 1, 7, 14];
export const SHORT_LIVED_DATABASE = 15;
/** For SWAPDB and FLUSHDB. */
const SPARE_DATABASES = ['11', '12', '13'] as const;

const SIGNED_ZERO = 'signed zero';
const RUN_KEYS = 50;
const FAR_FUTURE_MS = 4_000_000_000_000;
const FAR_SECONDS = 100_000_000;
const NOISE_BYTES = 1 << 17;
const LARGE_BYTES = 100_000;
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789-_ ';
const ODD_SCORES = ['inf', '-inf', '0', '5e-324', '-2.2e-310', '1.7976931348623157e308', '0.1'];
const ODD_INTEGERS = ['0', '-1', '255', '256', '-129', '32767', '-32769', '2147483648'].concat(
  '-2147483649',
  '9223372036854775807',
  '-9223372036854775808',
  '9223372036854775808',
  '007',
  '-0',
);

type Kind =
  | 'string'
  | 'list'
  | 'set'
  | 'hash'
  | 'zset'
  | 'stream'
  | 'hyperloglog'
  | 'geo'
  | 'counter';

const KINDS: readonly { weight: number; kind: Kind }[] = [
  { weight: 36, kind: 'string' },
  { weight: 13, kind: 'list' },
  { weight: 13, kind: 'set' },
  { weight: 13, kind: 'hash' },
  { weight: 13, kind: 'zset' },
  { weight: 6, kind: 'stream' },
  { weight: 1, kind: 'hyperloglog' },
  { weight: 1, kind: 'geo' },
  { weight: 4, kind: 'counter' },
];

const SIZES = [
  { weight: 1500, most: 6 },
  { weight: 120, most: 40 },
  { weight: 25, most: 200 },
  { weight: 3, most: 1000 },
];

/** What is known of a key. `random` goes on with its value. */
interface Key {
  readonly random: Random;
  readonly name: string;
  readonly kind: Kind;
}

export class FilesData {
  readonly keys: number;
  private readonly seed: number;
  private readonly noise: string;
  private readonly random: Random;
  /** Counts what changes make, for names that nothing else has. */
  private made = 0;
  private database = -1;

  constructor(keys: number, seed: number) {
    this.keys = keys;
    this.seed = seed;
    this.random = new Random(seed ^ 0x5f3759df);
    this.noise = Buffer.from(this.random.bytes(NOISE_BYTES)).toString('latin1');
  }

  // --- All keys ---

  /** The commands that make all keys. */
  *fill(onProgress?: (keys: number) => void): Generator<Command> {
    this.database = -1;
    for (let i = 0; i < this.keys; i++) {
      yield* this.select(i);
      const key = this.key(i);
      yield* this.make(key);
      if (key.random.oneIn(6)) {
        yield ['PEXPIREAT', key.name, `${FAR_FUTURE_MS + key.random.below(1e9)}`];
      }
      onProgress?.(i + 1);
    }
  }

  /**
   * Sorted sets with a zero that has a sign, which survives in large ones only: not in what is made again
   * from commands of a rewritten file, which begins small.
   */
  *signedZeros(): Generator<Command> {
    for (const database of DATABASES) {
      yield ['SELECT', `${database}`];
      const members = Array.from({ length: 1200 }, (_, i) => [`${this.random.below(90)}`, `m${i}`]);
      yield ['ZADD', SIGNED_ZERO, ...members.flat(), '-0', 'zero'];
    }
  }

  *withoutSignedZeros(): Generator<Command> {
    for (const database of DATABASES)
      yield* [
        ['SELECT', `${database}`],
        ['DEL', SIGNED_ZERO],
      ];
  }

  /** Keys that live for a moment, whose time files have to keep. */
  *shortLived(count: number, milliseconds: number): Generator<Command> {
    yield ['SELECT', `${SHORT_LIVED_DATABASE}`];
    for (let i = 0; i < count; i++) {
      const time = `${1 + this.random.below(milliseconds)}`;
      const name = `short-lived:${i}`;
      if (i % 3 === 0) yield ['SET', name, this.element(this.random), 'PX', time];
      else {
        yield i % 3 === 1 ? ['SADD', name, 'a', `${i}`] : ['HSET', name, 'field', `${i}`];
        yield ['PEXPIRE', name, time];
      }
    }
  }

  /** `count` random changes; each may be several commands. */
  *changes(count: number): Generator<Command> {
    this.database = -1;
    const { random } = this;
    for (let n = 0; n < count; n++) {
      const index = random.below(this.keys);
      yield* this.select(index);
      const key = this.key(index);
      if (random.oneIn(12)) {
        yield ['MULTI'];
        yield* this.change(key);
        yield* this.expiryChange(key.name);
        yield ['EXEC'];
      } else if (random.oneIn(5)) yield* this.expiryChange(key.name);
      else if (random.oneIn(25)) yield* this.wide(key.name);
      else yield* this.change(key);
    }
    yield* this.otherDatabases();
  }

  private *select(index: number): Generator<Command> {
    const database = DATABASES[Math.floor(index / RUN_KEYS) % DATABASES.length]!;
    if (database === this.database) return;
    this.database = database;
    yield ['SELECT', `${database}`];
  }

  private key(index: number): Key {
    const random = new Random(Math.imul(this.seed + 1, 0x9e3779b1) ^ Math.imul(index, 0x85ebca6b));
    const { kind } = random.weighted(KINDS);
    const short = `${kind[0]}:${index}`;
    switch (random.below(40)) {
      case 0:
        return { random, kind, name: `${this.bytes(random, random.below(40))}${short}` };
      case 1:
        return { random, kind, name: `${random.text(60, ALPHABET)}${short}` };
      case 2:
        return { random, kind, name: `${'long name '.repeat(random.below(100))}${short}` };
      case 3:
        // Numbers, which RDB files hold as such.
        return { random, kind, name: `${index * 1009}` };
      default:
        return { random, kind, name: short };
    }
  }

  // --- Parts of values ---

  private bytes(random: Random, length: number): string {
    const start = random.below(NOISE_BYTES - length);
    return this.noise.slice(start, start + length);
  }

  private integer(random: Random): string {
    if (random.oneIn(10)) return random.pick(ODD_INTEGERS);
    const bits = random.pick([3, 7, 12, 15, 16, 23, 31, 32, 40, 52]);
    const value = Math.floor((random.u32() / 0x1_0000_0000) * 2 ** bits);
    return random.oneIn(3) ? `-${value + 1}` : `${value}`;
  }

  private element(random: Random): string {
    switch (random.below(10)) {
      case 0:
        return random.oneIn(10) ? '' : 'ab'.repeat(random.below(60));
      case 1:
      case 2:
      case 3:
        return this.integer(random);
      case 4:
        return this.bytes(random, random.below(30));
      case 5:
        return random.oneIn(8)
          ? this.bytes(random, random.pick([63, 64, 65, 127, 254, 255, 300, 4100]))
          : this.bytes(random, 12);
      default:
        return random.text(1 + random.below(12), ALPHABET);
    }
  }

  private elements(random: Random): string[] {
    const count = 1 + random.below(random.weighted(SIZES).most);
    const isNumeric = random.oneIn(3);
    const list: string[] = [];
    for (let i = 0; i < count; i++) {
      list.push(isNumeric ? this.integer(random) : this.element(random));
    }
    // Lists keep such an element in a node of its own.
    if (random.oneIn(300)) list.push(this.bytes(random, 9000));
    return list;
  }

  private score(random: Random): string {
    switch (random.below(5)) {
      case 0:
        return random.pick(ODD_SCORES);
      case 1:
        return `${(random.u32() / 0x1_0000_0000 - 0.5) * 10 ** random.below(20)}`;
      case 2:
        return `${random.u32() - 0x8000_0000}`;
      default:
        return `${random.below(10)}`;
    }
  }

  private text(random: Random): string {
    switch (random.below(12)) {
      case 0:
      case 1:
      case 2:
        return this.integer(random);
      case 3:
        return this.bytes(random, random.pick([0, 1, 20, 43, 44, 45, 64]));
      case 4:
        return random.text(4, ALPHABET).repeat(random.below(100));
      case 5:
        return this.bytes(random, random.below(random.oneIn(50) ? LARGE_BYTES : 1000));
      case 6:
        return random.oneIn(100) ? 'compressible '.repeat(random.below(10_000)) : 'x'.repeat(21);
      default:
        return random.text(1 + random.below(30), ALPHABET);
    }
  }

  // --- Values ---

  private *make({ random, name, kind }: Key): Generator<Command> {
    switch (kind) {
      case 'string':
        if (random.oneIn(40)) yield ['SETBIT', name, `${random.below(20_000)}`, '1'];
        else yield ['SET', name, this.text(random)];
        if (random.oneIn(20)) yield ['APPEND', name, random.pick(['', '1', 'appended'])];
        return;
      case 'list':
        yield [random.pick(['RPUSH', 'LPUSH']), name, ...this.elements(random)];
        return;
      case 'set':
        yield ['SADD', name, ...this.elements(random)];
        return;
      case 'hash':
        yield ['HSET', name, ...this.elements(random).flatMap((f) => [f, this.element(random)])];
        return;
      case 'zset':
        yield ['ZADD', name, ...this.elements(random).flatMap((m) => [this.score(random), m])];
        return;
      case 'stream':
        yield* this.stream(random, name);
        return;
      case 'hyperloglog':
        yield ['PFADD', name, ...this.elements(random)];
        return;
      case 'geo':
        yield ['GEOADD', name, '13.361389', '38.115556', 'Palermo', '15.08', '37.5', 'Catania'];
        return;
      case 'counter':
        yield ['SET', name, `${random.below(1e6)}`];
    }
  }

  private *stream(random: Random, name: string): Generator<Command> {
    const ids: string[] = [];
    const fields = [this.element(random), 'temperature'];
    const entries = 1 + random.below(random.weighted(SIZES).most);
    let ms = 1 + random.below(1000);
    for (let i = 0; i < entries; i++) {
      ms += random.below(3);
      ids.push(`${ms}-${i}`);
      const used = random.oneIn(5) ? [this.element(random)] : fields;
      yield ['XADD', name, `${ms}-${i}`, ...used.flatMap((f) => [f, this.element(random)])];
    }
    if (random.oneIn(3)) yield ['XDEL', name, random.pick(ids), random.pick(ids)];
    for (let group = random.below(3); group > 0; group--) {
      yield* this.group(random, name, `group${group}`, ids);
    }
    if (random.oneIn(8)) yield ['XTRIM', name, 'MAXLEN', `${random.below(entries + 1)}`];
    if (random.oneIn(8)) yield ['XDEL', name, random.pick(ids)];
    if (random.oneIn(10)) yield ['XSETID', name, `${ms + 5000}-5`];
  }

  private *group(random: Random, name: string, group: string, ids: string[]): Generator<Command> {
    yield ['XGROUP', 'CREATE', name, group, random.pick(['0', '0', '$', '5-5']), 'MKSTREAM'];
    for (let i = random.below(3); i > 0; i--) {
      const consumer = random.oneIn(9) ? this.bytes(random, 20) : `consumer${i}`;
      const count = `${1 + random.below(20)}`;
      yield ['XREADGROUP', 'GROUP', group, consumer, 'COUNT', count, 'STREAMS', name, '>'];
      if (random.oneIn(2)) yield ['XACK', name, group, random.pick(ids)];
      if (random.oneIn(4)) yield ['XCLAIM', name, group, `other${i}`, '0', random.pick(ids)];
      if (random.oneIn(6)) yield ['XAUTOCLAIM', name, group, `auto${i}`, '0', '0', 'COUNT', '3'];
    }
    if (random.oneIn(4)) yield ['XGROUP', 'CREATECONSUMER', name, group, 'idle'];
    if (random.oneIn(9)) yield ['XGROUP', 'DELCONSUMER', name, group, 'consumer1'];
    if (random.oneIn(9)) yield ['XGROUP', 'SETID', name, group, random.pick(ids)];
  }

  // --- Changes ---

  private *expiryChange(name: string): Generator<Command> {
    const { random } = this;
    const seconds = `${FAR_SECONDS + random.below(1e6)}`;
    switch (random.below(9)) {
      case 0:
        yield ['EXPIRE', name, seconds];
        return;
      case 1:
        yield ['PEXPIRE', name, `${seconds}123`];
        return;
      case 2:
        yield ['EXPIREAT', name, `${4_000_000_000 + random.below(1e6)}`];
        return;
      case 3:
        yield ['PERSIST', name];
        return;
      case 4:
        // In the past: a deletion.
        yield [random.pick(['PEXPIRE', 'EXPIREAT']), name, '-1'];
        return;
      case 5:
        yield [random.pick(['DEL', 'UNLINK']), name];
        return;
      case 6:
        yield ['COPY', name, `${name}:copy`, 'REPLACE'];
        return;
      case 7:
        yield ['MOVE', name, SPARE_DATABASES[0]];
        return;
      default:
        yield ['EXPIRE', name, seconds, random.pick(['NX', 'XX', 'GT'])];
    }
  }

  /** Commands that are about more than one key. */
  private *wide(name: string): Generator<Command> {
    const { random } = this;
    const own = `own:${this.made++}`;
    switch (random.below(7)) {
      case 0:
        yield ['SET', own, name];
        yield ['RENAME', own, `renamed:${own}`];
        return;
      case 1:
        yield ['RPUSH', own, '3', '1', '2', '10'];
        yield ['SORT', own, 'DESC', 'STORE', `sorted:${own}`];
        yield ['LMOVE', own, `moved:${own}`, 'LEFT', 'RIGHT'];
        yield ['BLPOP', own, '1'];
        return;
      case 2:
        yield ['SADD', own, 'a', 'b', 'c', name];
        yield ['SUNIONSTORE', `union:${own}`, own, `union:${own}`];
        yield ['SMOVE', own, `moved:${own}`, 'a'];
        yield ['SPOP', own, '2'];
        return;
      case 3:
        yield ['ZADD', own, '1', 'a', '2', 'b', '-inf', name];
        yield ['ZUNIONSTORE', `union:${own}`, '1', own, 'WEIGHTS', '3'];
        yield ['ZRANGESTORE', `range:${own}`, own, '0', '1'];
        yield ['BZPOPMIN', own, '1'];
        return;
      case 4:
        yield ['MSET', own, '1', `second:${own}`, name];
        yield ['BITOP', 'NOT', `bits:${own}`, own];
        return;
      case 5:
        yield ['SET', own, name, 'EX', `${FAR_SECONDS}`];
        yield ['GETEX', own, 'PX', `${FAR_SECONDS}000`];
        yield ['SET', own, 'kept', 'KEEPTTL', 'GET'];
        yield [random.pick(['GETDEL', 'GET']), own];
        return;
      default:
        yield ['PFADD', own, 'a', name];
        yield ['PFMERGE', `merged:${own}`, own];
    }
  }

  private *change({ name, kind }: Key): Generator<Command> {
    const { random } = this;
    const element = this.element(random);
    const count = `${1 + random.below(3)}`;
    switch (kind) {
      case 'string':
        yield random.pick([
          ['SET', name, this.text(random)],
          ['APPEND', name, element],
          ['SETRANGE', name, `${random.below(300)}`, element],
          ['SETEX', name, `${FAR_SECONDS}`, element],
          ['GETSET', name, element],
          ['SETBIT', name, `${random.below(3000)}`, '1'],
          ['BITFIELD', name, 'SET', 'u8', '#3', '77', 'INCRBY', 'i5', '100', '1'],
          ['SETNX', name, element],
          ['SET', name, element, 'XX', 'PX', `${FAR_SECONDS}777`],
        ]);
        return;
      case 'counter':
        yield random.pick([
          ['INCR', name],
          ['DECRBY', name, count],
          ['SET', name, '12'],
        ]);
        return;
      case 'list':
        yield random.pick([
          ['RPUSH', name, ...this.elements(random)],
          ['LPUSHX', name, element],
          ['LPOP', name, count],
          ['RPOP', name],
          ['LTRIM', name, '0', `${random.below(20)}`],
          ['LREM', name, '1', element],
          ['LINSERT', name, 'BEFORE', element, element],
          ['LMOVE', name, name, 'LEFT', 'RIGHT'],
        ]);
        if (!random.oneIn(9)) return;
        yield ['RPUSH', name, element];
        yield ['LSET', name, '-1', 'set'];
        return;
      case 'set':
        yield random.pick([
          ['SADD', name, ...this.elements(random)],
          ['SPOP', name],
          ['SPOP', name, count],
          ['SREM', name, element, '1', '2', '3'],
        ]);
        return;
      case 'hash':
        yield random.pick([
          ['HSET', name, ...this.elements(random).flatMap((field) => [field, element])],
          ['HDEL', name, element, '1'],
          ['HINCRBY', name, 'integer of its own', count],
          ['HINCRBYFLOAT', name, 'float of its own', '0.37'],
          ['HSETNX', name, element, element],
        ]);
        return;
      case 'zset':
        yield random.pick([
          ['ZADD', name, this.score(random), element, this.score(random), 'second'],
          ['ZADD', name, 'GT', this.score(random), element],
          ['ZADD', name, 'INCR', '1.1', 'sum of its own'],
          ['ZINCRBY', name, '0.1', 'sum of its own'],
          ['ZPOPMIN', name, count],
          ['ZPOPMAX', name],
          ['ZREM', name, element, 'second'],
          ['ZREMRANGEBYRANK', name, '0', '1'],
          ['ZREMRANGEBYSCORE', name, '3', '(5'],
        ]);
        return;
      case 'stream':
        yield* this.streamChange(name, element);
        return;
      case 'hyperloglog':
        yield ['PFADD', name, ...this.elements(random)];
        return;
      case 'geo':
        yield ['GEOADD', name, '2.35', '48.85', element];
        yield ['GEOSEARCHSTORE', `${name}:near`, name, 'FROMLONLAT', '15', '37'].concat(
          ...['BYRADIUS', '200', 'km'],
        );
    }
  }

  private *streamChange(name: string, element: string): Generator<Command> {
    const { random } = this;
    switch (random.below(6)) {
      case 0:
      case 1:
        yield ['XADD', name, '*', 'added', element];
        return;
      case 2:
        yield ['XADD', name, 'MAXLEN', '~', '10', '*', 'trimmed', element];
        return;
      case 3:
        yield ['XTRIM', name, 'MINID', `${random.below(1000)}`];
        return;
      case 4:
        yield ['XADD', name, 'NOMKSTREAM', '*', 'there', element];
        return;
      default:
        yield* this.group(random, name, `changes:${this.made++}`, ['100-1', '500-7', '1-0']);
    }
  }

  /** Databases as a whole. */
  private *otherDatabases(): Generator<Command> {
    const [one, other, flushed] = SPARE_DATABASES;
    yield ['SELECT', flushed];
    yield ['MSET', 'a', '1', 'b', '2'];
    yield [...['FLUSHDB'], ...(this.random.oneIn(2) ? ['ASYNC'] : [])];
    yield ['SET', 'after the flush', `${this.made}`];
    yield ['SWAPDB', one, other];
  }
}
