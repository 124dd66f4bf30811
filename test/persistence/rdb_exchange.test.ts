// RDB files that a real redis-server wrote are loaded, and hold what it had: equal digests, expiries,
// encodings, access frequencies, groups of streams.
//
// A seeded data set with every type goes into servers of different settings, so that all encodings
// of Redis 7.0 come to the file.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { loadRdb } from '../../src/persistence/rdb_loader.ts';
import { NodeStorage } from '../../src/storage/node_storage.node.ts';
import type { Argument } from '../support/arguments.ts';
import { LoadSession } from '../support/load_session.ts';
import { Random } from '../support/random.ts';
import { showReply } from '../support/reply_notation.ts';
import { RespClient } from '../support/resp_client.ts';
import { realRedisAvailable, startServer } from '../support/server.ts';

const DATABASES = [0, 1, 7, 15];
const KEYS_PER_DATABASE = 400;
const SKY_MS = 4_000_000_000_000;

interface Setting {
  readonly name: string;
  readonly args: readonly string[];
  /** The same for our engine, where the limits matter to encodings. */
  readonly config: readonly (readonly [id: number, value: number])[];
}

const SETTINGS: readonly Setting[] = [
  { name: 'as Redis comes', args: [], config: [] },
  {
    name: 'tiny limits of compact encodings, neither compression nor checksum',
    args: [
      ...['--hash-max-listpack-entries', '3', '--zset-max-listpack-entries', '3'],
      ...['--set-max-intset-entries', '3', '--list-max-listpack-size', '2'],
      ...['--stream-node-max-entries', '2', '--rdbcompression', 'no', '--rdbchecksum', 'no'],
    ],
    config: [
      [abi.CFG_HASH_LISTPACK_ENTRIES, 3],
      [abi.CFG_ZSET_MAX_LISTPACK_ENTRIES, 3],
      [abi.CFG_SET_INTSET_ENTRIES, 3],
      [abi.CFG_LIST_MAX_LISTPACK_SIZE, 2],
    ],
  },
  {
    name: 'large limits of compact encodings, an LFU policy',
    args: [
      ...['--hash-max-listpack-entries', '5000', '--zset-max-listpack-entries', '5000'],
      ...['--hash-max-listpack-value', '5000', '--zset-max-listpack-value', '5000'],
      ...['--set-max-intset-entries', '5000', '--list-max-listpack-size', '-5'],
      ...['--list-compress-depth', '1', '--stream-node-max-bytes', '0'],
      ...['--maxmemory-policy', 'allkeys-lfu', '--lfu-decay-time', '0', '--lfu-log-factor', '0'],
    ],
    config: [
      [abi.CFG_HASH_LISTPACK_ENTRIES, 5000],
      [abi.CFG_ZSET_MAX_LISTPACK_ENTRIES, 5000],
      [abi.CFG_HASH_LISTPACK_VALUE, 5000],
      [abi.CFG_ZSET_MAX_LISTPACK_VALUE, 5000],
      [abi.CFG_SET_INTSET_ENTRIES, 5000],
      [abi.CFG_LIST_MAX_LISTPACK_SIZE, -5],
      [abi.CFG_MAXMEMORY_POLICY, abi.POLICY_ALLKEYS_LFU],
      [abi.CFG_LFU_DECAY_MINUTES, 0],
    ],
  },
];

/** A word: number, text, binary, long or very long. */
function word(random: Random): Argument {
  switch (random.below(12)) {
    case 0:
      return String(random.between(-200, 200));
    case 1:
      return String(BigInt.asIntN(64, random.u64()));
    case 2:
      return Buffer.from(random.bytes(random.below(30)));
    case 3:
      return random.text(random.between(60, 70), 'ab');
    case 4:
      return 'repeat '.repeat(random.below(100));
    case 5:
      return random.oneIn(20) ? random.text(random.below(40_000), 'abcdefghij') : '';
    default:
      return random.text(random.between(1, 15), 'abcdefghijklmnop0123456789');
  }
}

function words(random: Random, most: number): Argument[] {
  return Array.from({ length: random.between(1, most) }, () => word(random));
}

/** Commands that make a value of some type. */
function makeValue(random: Random, key: string): Argument[][] {
  const most = random.pick([3, 20, 200, 700]);
  const members = words(random, most);
  const numbers = members.map(() => String(random.between(-100_000, 100_000)));
  const score = () => random.pick(['-inf', 'inf', '0', '-0', '3.5', '1e300', '17', '-2.25e-8']);
  switch (random.below(10)) {
    case 0:
    case 1:
      return [['SET', key, word(random)]];
    case 2:
      return [['SETBIT', key, random.below(100_000), 1]];
    case 3:
      return [['RPUSH', key, ...members]];
    case 4:
      return [['SADD', key, ...(random.oneIn(2) ? numbers : members)]];
    case 5:
      return [['ZADD', key, ...members.flatMap((member) => [score(), member])]];
    case 6:
      return [['HSET', key, ...members.flatMap((field) => [field, word(random)])]];
    case 7:
      return [['PFADD', key, ...members]];
    case 8:
      return [['GEOADD', key, 13.361389, 38.115556, 'Palermo', 15.087269, 37.502669, 'Catania']];
    default:
      return makeStream(random, key, most);
  }
}

function makeStream(random: Random, key: string, most: number): Argument[][] {
  const commands: Argument[][] = [];
  const entries = random.between(1, most);
  for (let i = 1; i <= entries; i++) {
    const fields = random.oneIn(3) ? words(random, 3) : ['sensor', 'temperature'];
    commands.push(['XADD', key, `${i}-${random.below(3)}`, ...fields.flatMap((f) => [f, i])]);
    if (random.oneIn(9)) commands.push(['XDEL', key, `${random.between(1, i)}-0`]);
  }
  for (const group of ['readers', 'idle group'].slice(0, random.below(3))) {
    commands.push(['XGROUP', 'CREATE', key, group, random.pick(['0', '$', '3-1'])]);
    for (const name of ['alice', 'bob']) {
      const count = random.between(1, 5);
      commands.push(
        ['XGROUP', 'CREATECONSUMER', key, group, `${name} idles`],
        ['XREADGROUP', 'GROUP', group, name, 'COUNT', count, 'STREAMS', key, '>'],
      );
    }
    commands.push(['XACK', key, group, '1-0', '1-1', '1-2']);
  }
  if (random.oneIn(5)) commands.push(['XTRIM', key, 'MAXLEN', 0]);
  if (random.oneIn(5)) commands.push(['XSETID', key, '5000-5']);
  return commands;
}

function makeDatabase(random: Random): Argument[][] {
  const commands: Argument[][] = [];
  for (let i = 0; i < KEYS_PER_DATABASE; i++) {
    const key = random.pick(['key', 'a rather long name of a key', '\xe9', '']) + i;
    commands.push(...makeValue(random, key));
    if (random.oneIn(4)) commands.push(['PEXPIREAT', key, SKY_MS + random.below(1_000_000)]);
    if (random.oneIn(4)) for (let n = random.below(9); n > 0; n--) commands.push(['TYPE', key]);
  }
  return commands;
}

/** What is asked of every key, by its type, beside the digest. */
function questions(type: string, key: string, isLfu: boolean): Argument[][] {
  const asked: Argument[][] = [['PEXPIRETIME', key]];
  if (isLfu) asked.push(['OBJECT', 'FREQ', key]);
  // Redis 7.0 has no listpacks of whole lists and sets.
  if (/string|hash|zset/.test(type)) asked.push(['OBJECT', 'ENCODING', key]);
  if (type.includes('stream')) {
    asked.push(['XINFO', 'STREAM', key]);
    for (const group of ['readers', 'idle group']) {
      for (const consumer of ['alice', 'bob']) {
        asked.push(['XPENDING', key, group, '-', '+', 100, consumer]);
      }
      asked.push(['XPENDING', key, group]);
    }
  }
  return asked;
}

/** Replies without what depends on the time, and on how a stream is kept. */
function comparable(question: readonly Argument[], reply: string): string {
  if (question[0] === 'XPENDING') return reply.replace(/(\d+-\d+", "\w+", )\d+/g, '$1idle');
  return reply.replace(/"radix-tree-(keys|nodes)", \d+/g, '');
}

describe.skipIf(!realRedisAvailable())('files of redis-server', () => {
  it.each(SETTINGS)('with $name', async ({ args, config }) => {
    const random = Random.fresh();
    const server = await startServer({
      kind: 'redis',
      args: ['--enable-debug-command', 'local', ...args],
    });
    const client = await RespClient.connect({ port: server.port });
    for (const database of DATABASES) {
      await client.call('SELECT', database);
      await client.pipeline(makeDatabase(random));
    }
    expect(showReply(await client.call('SAVE'))).toBe('+OK');

    const session = new LoadSession();
    for (const [id, value] of config) session.engine.core.exports.setConfig(id, value);
    const file = path.join(server.dir, 'dump.rdb');
    const storage = new NodeStorage();
    const result = await loadRdb(file, { ...session.options(), storage });
    const text = `seed ${random.seed}`;
    expect(result.version, text).toBe(10);
    expect(result.endOffset, text).toBe(readFileSync(file).length);
    expect(session.lines[0]).toMatch(/^Loading RDB produced by version 7\.0\.\d+$/);
    const digest = showReply(await client.call('DEBUG', 'DIGEST'));
    expect(`+${session.digest()}`, text).toBe(digest);

    // What the server has now is what it would have after a start.
    expect(showReply(await client.call('DEBUG', 'RELOAD', 'NOSAVE'))).toBe('+OK');
    const isLfu = args.includes('allkeys-lfu');
    for (const database of DATABASES) {
      await client.call('SELECT', database);
      session.call('SELECT', database);
      expect(session.call('DBSIZE'), text).toBe(showReply(await client.call('DBSIZE')));
      const names = await client.call('KEYS', '*');
      if (names.kind !== 'array') throw new Error(showReply(names));
      for (const name of names.items) {
        if (name.kind !== 'bulk') throw new Error(showReply(name));
        const key = Buffer.from(name.bytes);
        const type = showReply(await client.call('TYPE', key));
        for (const question of questions(type, '', isLfu)) {
          const asked = question.map((part) => (part === '' ? key : part));
          const theirs = comparable(question, showReply(await client.call(...asked)));
          const about = `${asked.join(' ')} (${text})`;
          expect(comparable(question, session.call(...asked)), about).toBe(theirs);
        }
      }
    }
    await client.close();
    await server.stop();
  });

  it('with strings and collections that take many pieces', async () => {
    const server = await startServer({
      kind: 'redis',
      args: ['--enable-debug-command', 'local'],
    });
    const client = await RespClient.connect({ port: server.port });
    const random = Random.fresh();
    const noise = Buffer.from(random.bytes(3_000_000));
    await client.call('SET', 'noise', noise);
    await client.call('SET', 'zeros', Buffer.alloc(20_000_000));
    await client.call('SETRANGE', 'hole', 5_000_000, 'end');
    await client.call('RPUSH', 'elements', noise, 'small', Buffer.alloc(2_000_000), noise);
    await client.call('HSET', 'fields', 'one', noise, noise, 'two');
    for (let part = 0; part < 40; part++) {
      const members = Array.from({ length: 2000 }, (_, i) => `member:${part}:${i}`);
      await client.pipeline([
        ['SADD', 'set', ...members],
        ['ZADD', 'zset', ...members.flatMap((member, i) => [i / 8, member])],
        ['HSET', 'hash', ...members.flatMap((member, i) => [member, i])],
        ['RPUSH', 'list', ...members],
        ['XADD', 'stream', '*', ...members],
      ]);
    }
    expect(showReply(await client.call('SAVE'))).toBe('+OK');
    const digest = showReply(await client.call('DEBUG', 'DIGEST'));
    const file = path.join(server.dir, 'dump.rdb');
    for (const progressBytes of [1 << 20, 10_000]) {
      const session = new LoadSession();
      const options = { ...session.options({ progressBytes }), storage: new NodeStorage() };
      expect(await loadRdb(file, options)).toMatchObject({ keysLoaded: 10 });
      expect(`+${session.digest()}`).toBe(digest);
    }
    await client.close();
    await server.stop();
  });
});
