// Commands that come with Redis 7.4 and later, and others that no comparison with an older server can have:
// times that pass while a run goes on, ids from the clock, members picked by chance, waiting.

import type { Argument } from '../../support/arguments.ts';
import type { Family, Gen } from './base.ts';

const FIELDS = ['f', 'name', 'age', 'a', 'b', 'c', '12', 'x'];
const GROUPS = ['g1', 'g1', 'g2'];
const CONSUMERS = ['alice', 'bob', 'carol'];
const MEMBERS = ['1', '2', '3', 'a', 'b', 'c', 'member'];

function near(g: Gen): number {
  return g.random.oneIn(3) ? g.random.between(1, 5) : g.random.between(1, 300);
}

/** The present is what the run says it is. */
export interface Times {
  nowMs: number;
}

function fields(g: Gen): string[] {
  return Array.from({ length: g.random.between(1, 4) }, () => g.random.pick(FIELDS));
}

function fieldList(g: Gen): Argument[] {
  const list = fields(g);
  return [g.token('FIELDS'), String(list.length), ...list];
}

function pairs(g: Gen): Argument[] {
  return fields(g).flatMap((field) => [field, g.value()]);
}

function timeOption(g: Gen, times: Times): Argument[] {
  const { random } = g;
  switch (random.below(4)) {
    case 0:
      return [g.token('EX'), String(random.between(1, 3))];
    case 1:
      return [g.token('PX'), String(near(g))];
    case 2:
      return [g.token('EXAT'), String(Math.floor(times.nowMs / 1000) + random.between(-1, 4))];
    default:
      return [g.token('PXAT'), String(times.nowMs + random.between(-20, 300))];
  }
}

function condition(g: Gen): Argument[] {
  return g.random.oneIn(3) ? [g.random.pick(['NX', 'XX', 'GT', 'LT'])] : [];
}

function expireCommand(g: Gen, times: Times, prefix: string): [string, string] {
  const { random } = g;
  switch (random.below(4)) {
    case 0:
      return [`${prefix}EXPIRE`, String(random.between(0, 3))];
    case 1:
      return [`${prefix === '' ? 'P' : 'HP'}EXPIRE`, String(near(g))];
    case 2:
      return [`${prefix}EXPIREAT`, String(Math.floor(times.nowMs / 1000) + random.between(-1, 3))];
    default:
      return [
        `${prefix === '' ? 'P' : 'HP'}EXPIREAT`,
        String(times.nowMs + random.between(-10, 300)),
      ];
  }
}

function trim(g: Gen): Argument[] {
  const { random } = g;
  const how = random.pick([[], ['='], ['~'], ['~']]);
  const oldest = Math.max(0, (ticks.get(g) ?? 0) - random.below(30));
  const threshold = random.oneIn(2)
    ? ['MAXLEN', ...how, String(random.below(30))]
    : ['MINID', ...how, String(oldest)];
  return how[0] === '~' && random.oneIn(3)
    ? [...threshold, 'LIMIT', String(random.below(40))]
    : threshold;
}

function references(g: Gen): Argument[] {
  return g.random.oneIn(3) ? [g.random.pick(['KEEPREF', 'DELREF', 'ACKED'])] : [];
}

/** How far the ids of the stream st have come; those of st2 come from the clock. */
const ticks = new WeakMap<Gen, number>();

function nextTick(g: Gen): number {
  const tick = (ticks.get(g) ?? 0) + g.random.below(2);
  ticks.set(g, tick);
  return tick;
}

/** Ids that entries of st may have. */
function ids(g: Gen): string[] {
  const { random } = g;
  const newest = ticks.get(g) ?? 0;
  return Array.from({ length: random.between(1, 5) }, () => {
    const ms = Math.max(0, newest - random.below(random.oneIn(4) ? 60 : 12));
    return `${ms}-${random.below(2)}`;
  });
}

function idList(g: Gen): Argument[] {
  const list = ids(g);
  return [g.token('IDS'), String(list.length), ...list];
}

/** Keys that these commands share with the others, so that types meet. */
function key(g: Gen): Argument {
  return g.random.oneIn(6) ? g.key() : g.random.pick(['h', 'h2', 'a', 'b']);
}

function streamKey(g: Gen): Argument {
  return g.random.oneIn(8) ? g.key() : g.random.pick(['st', 'st2']);
}

function timeout(g: Gen): string {
  return g.random.oneIn(3) ? '0' : String(g.random.between(1, 400) / 1000);
}

export function newerFamily(times: Times): Family {
  const make = (name: string, weight: number, of: (g: Gen) => Argument[]) => ({
    name,
    weight,
    make: of,
  });
  return {
    name: 'newer',
    rules: [
      make('HSET', 10, (g) => ['HSET', key(g), ...pairs(g)]),
      make('HEXPIRE', 14, (g) => {
        const [name, time] = expireCommand(g, times, 'H');
        return [name, key(g), time, ...condition(g), ...fieldList(g)];
      }),
      make('HPERSIST', 4, (g) => ['HPERSIST', key(g), ...fieldList(g)]),
      make('HGETEX', 8, (g) => [
        'HGETEX',
        key(g),
        ...(g.random.oneIn(4) ? ['PERSIST'] : timeOption(g, times)),
        ...fieldList(g),
      ]),
      make('HGETDEL', 3, (g) => ['HGETDEL', key(g), ...fieldList(g)]),
      make('HSETEX', 10, (g) => {
        const list = pairs(g);
        return [
          'HSETEX',
          key(g),
          ...(g.random.oneIn(3) ? [g.random.pick(['FXX', 'FNX'])] : []),
          ...(g.random.oneIn(3) ? ['KEEPTTL'] : g.random.oneIn(3) ? [] : timeOption(g, times)),
          'FIELDS',
          String(list.length / 2),
          ...list,
        ];
      }),
      make('H one', 10, (g) => [
        g.random.pick(['HGET', 'HEXISTS', 'HSTRLEN', 'HDEL', 'HMGET', 'HTTL']),
        key(g),
        g.random.pick(FIELDS),
      ]),
      make('HINCRBY', 6, (g) => [
        g.random.pick(['HINCRBY', 'HINCRBYFLOAT', 'HSETNX']),
        key(g),
        g.random.pick(FIELDS),
        g.random.pick(['1', '-3', '0.5']),
      ]),
      make('HRANDFIELD', 2, (g) => ['HRANDFIELD', key(g), '3', 'WITHVALUES']),
      make('SORT fields', 2, (g) => [
        'SORT',
        'sorted',
        'BY',
        `${g.random.pick(['h', 'no'])}*->f`,
        'GET',
        'h*->a',
        'GET',
        '#',
        'STORE',
        g.random.pick(['out', 'a']),
      ]),
      make('RPUSH sorted', 1, (g) => ['RPUSH', 'sorted', g.random.pick(['', '2', '3'])]),
      make('EXPIRE near', 12, (g) => {
        const [name, time] = expireCommand(g, times, '');
        return [name, g.random.oneIn(2) ? g.key() : key(g), time, ...condition(g)];
      }),
      make('SET near', 10, (g) => ['SET', g.key(), g.value(), ...timeOption(g, times)]),
      make('GETEX near', 5, (g) => [
        'GETEX',
        g.key(),
        ...(g.random.oneIn(4) ? ['PERSIST'] : timeOption(g, times)),
      ]),
      make('SETEX near', 3, (g) => ['PSETEX', g.key(), String(near(g)), g.value()]),
      make('MSETEX', 4, (g) => {
        const list = g.keys(3).flatMap((each) => [each, g.value()]);
        return [
          'MSETEX',
          String(list.length / 2),
          ...list,
          ...(g.random.oneIn(3) ? [g.random.pick(['NX', 'XX'])] : []),
          ...(g.random.oneIn(3) ? ['KEEPTTL'] : timeOption(g, times)),
        ];
      }),
      make('INCREX', 5, (g) => [
        'INCREX',
        g.key(),
        ...(g.random.oneIn(2) ? ['BYINT', g.integer()] : ['BYFLOAT', g.float()]),
        ...(g.random.oneIn(3) ? ['UBOUND', '100', 'SATURATE'] : []),
        ...(g.random.oneIn(3) ? ['PERSIST'] : timeOption(g, times)),
      ]),
      make('SET compare', 4, (g) => [
        'SET',
        g.key(),
        g.value(),
        g.random.pick(['IFEQ', 'IFNE']),
        g.random.pick(['1', 'abc', '']),
        ...(g.random.oneIn(2) ? ['GET'] : []),
        ...(g.random.oneIn(2) ? ['KEEPTTL'] : timeOption(g, times)),
      ]),
      make('DELEX', 2, (g) => ['DELEX', g.key()]),
      make('SADD', 6, (g) => [
        'SADD',
        g.random.pick(['s', 's2', 'a']),
        ...Array.from({ length: g.random.between(1, 30) }, () => String(g.random.below(200))),
      ]),
      make('SPOP', 6, (g) => [
        'SPOP',
        g.random.pick(['s', 's2', 'a']),
        ...(g.random.oneIn(2) ? [String(g.random.below(40))] : []),
      ]),
      make('removes', 12, (g) => {
        const { random } = g;
        const members = [random.pick(MEMBERS), random.pick(MEMBERS)];
        switch (random.below(8)) {
          case 0:
            return ['SREM', 's', String(random.below(200)), String(random.below(200))];
          case 1:
            return ['SMOVE', 's', 's2', String(random.below(200))];
          case 2:
            return ['ZREM', random.pick(['z', 'z2']), ...members];
          case 3:
            return ['ZREMRANGEBYRANK', 'z', '0', '1'];
          case 4:
            return ['LREM', 'l', '1', random.pick(['a', 'b', 'c'])];
          case 5:
            return ['LTRIM', random.pick(['l', 'l2']), '0', '5'];
          case 6:
            return ['ZUNIONSTORE', 'z2', '2', 'z', 's'];
          default:
            return [random.pick(['DEL', 'UNLINK']), random.pick(['st', 'h', 's', 'z'])];
        }
      }),
      make('SCAN', 3, () => ['SCAN', '0', 'COUNT', '100']),
      make('RANDOMKEY', 2, () => ['RANDOMKEY']),
      make('XADD', 22, (g) => [
        'XADD',
        g.random.oneIn(8) ? g.key() : 'st',
        ...references(g),
        ...(g.random.oneIn(8) ? trim(g) : []),
        `${nextTick(g)}-*`,
        g.random.pick(FIELDS),
        g.value(),
      ]),
      make('XADD *', 8, (g) => [
        'XADD',
        'st2',
        ...references(g),
        ...(g.random.oneIn(3) ? trim(g) : []),
        '*',
        g.random.pick(FIELDS),
        g.value(),
      ]),
      make('XADD IDMP', 6, (g) => [
        'XADD',
        'st2',
        ...(g.random.oneIn(2)
          ? ['IDMP', g.random.pick(CONSUMERS), g.random.pick(['limit', 'two', 'three'])]
          : ['IDMPAUTO', g.random.pick(['limit', 'p'])]),
        ...(g.random.oneIn(3) ? trim(g) : []),
        '*',
        g.random.pick(FIELDS),
        g.value(),
      ]),
      make('XTRIM', 3, (g) => ['XTRIM', streamKey(g), ...trim(g), ...references(g)]),
      make('XGROUP', 6, (g) => [
        'XGROUP',
        g.random.pick(['CREATE', 'CREATE', 'SETID']),
        streamKey(g),
        g.random.pick(GROUPS),
        g.random.pick(['0', '$', '5']),
      ]),
      make('XGROUP consumer', 3, (g) => [
        'XGROUP',
        g.random.pick(['CREATECONSUMER', 'DELCONSUMER']),
        streamKey(g),
        g.random.pick(GROUPS),
        g.random.pick(CONSUMERS),
      ]),
      make('XREADGROUP', 20, (g) => {
        const keys = g.random.oneIn(3) ? ['st', 'st2'] : [streamKey(g)];
        return [
          'XREADGROUP',
          'GROUP',
          g.random.pick(GROUPS),
          g.random.pick(CONSUMERS),
          ...(g.random.oneIn(2) ? ['COUNT', String(g.random.between(1, 5))] : []),
          ...(g.random.oneIn(4) ? ['BLOCK', String(g.random.between(1, 300))] : []),
          ...(g.random.oneIn(4) ? ['NOACK'] : []),
          ...(g.random.oneIn(4) ? ['CLAIM', String(g.random.below(200))] : []),
          'STREAMS',
          ...keys,
          ...keys.map(() => (g.random.oneIn(8) ? '0' : '>')),
        ];
      }),
      make('XACK', 4, (g) => ['XACK', streamKey(g), g.random.pick(GROUPS), ...ids(g)]),
      make('XNACK', 3, (g) => [
        'XNACK',
        streamKey(g),
        g.random.pick(GROUPS),
        g.random.pick(['SILENT', 'FAIL', 'FATAL']),
        ...idList(g),
        ...(g.random.oneIn(2) ? ['FORCE'] : []),
      ]),
      make('XDEL', 4, (g) => ['XDEL', streamKey(g), ...ids(g)]),
      make('XDELEX', 4, (g) => ['XDELEX', streamKey(g), ...references(g), ...idList(g)]),
      make('XACKDEL', 3, (g) => [
        'XACKDEL',
        streamKey(g),
        g.random.pick(GROUPS),
        ...references(g),
        ...idList(g),
      ]),
      make('XCLAIM', 6, (g) => [
        'XCLAIM',
        streamKey(g),
        g.random.pick(GROUPS),
        g.random.pick(CONSUMERS),
        String(g.random.below(100)),
        ...ids(g),
        ...(g.random.oneIn(3) ? ['FORCE'] : []),
        ...(g.random.oneIn(4) ? ['RETRYCOUNT', '3'] : []),
        ...(g.random.oneIn(4) ? ['IDLE', '50'] : []),
        ...(g.random.oneIn(5) ? ['LASTID', ids(g)[0] as string] : []),
      ]),
      make('XAUTOCLAIM', 5, (g) => [
        'XAUTOCLAIM',
        streamKey(g),
        g.random.pick(GROUPS),
        g.random.pick(CONSUMERS),
        String(g.random.below(100)),
        '0',
        ...(g.random.oneIn(2) ? ['JUSTID'] : []),
        ...(g.random.oneIn(2) ? ['COUNT', '3'] : []),
      ]),
      make('XCFGSET', 1, (g) => [
        'XCFGSET',
        streamKey(g),
        'IDMP-MAXSIZE',
        g.random.pick(['1', '3']),
      ]),
      make('waits', 16, (g) => {
        const { random } = g;
        switch (random.below(7)) {
          case 0:
            return [random.pick(['BLPOP', 'BRPOP']), 'l', 'l2', timeout(g)];
          case 1:
            return ['BLMOVE', 'l', random.pick(['l', 'l2']), 'LEFT', 'RIGHT', timeout(g)];
          case 2:
            return ['BRPOPLPUSH', 'l', 'l2', timeout(g)];
          case 3:
            return ['BLMPOP', timeout(g), '2', 'l', 'l2', 'RIGHT', 'COUNT', '3'];
          case 4:
            return [random.pick(['BZPOPMIN', 'BZPOPMAX']), 'z', 'z2', timeout(g)];
          case 5:
            return ['BZMPOP', timeout(g), '2', 'z', 'z2', 'MAX', 'COUNT', '2'];
          default:
            return [random.pick(['LMPOP', 'ZMPOP']), '1', random.pick(['l', 'z']), 'LEFT'];
        }
      }),
      make('gives', 16, (g) =>
        g.random.oneIn(2)
          ? [g.random.pick(['LPUSH', 'RPUSH']), g.random.pick(['l', 'l2']), ...g.keys(3)]
          : ['ZADD', g.random.pick(['z', 'z2']), String(g.random.below(9)), g.random.pick(MEMBERS)],
      ),
    ],
  };
}
