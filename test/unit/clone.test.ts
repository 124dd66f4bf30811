// Copies of a core: the same data, none of the connections, and nothing shared afterwards.

import { describe, expect, it } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { databaseFigures } from '../../src/core/database_figures.ts';
import { populate } from '../../src/core/keyspace.ts';
import { RdbLoad } from '../../src/core/rdb_load.ts';
import { beginSnapshot, snapshotOutput } from '../../src/core/snapshot.ts';
import { CommandSource } from '../fuzz/grammar/index.ts';
import { ChangeRig, type RigConnection } from '../support/change_stream.ts';
import { createEngine, EngineTestClient, replyText } from '../support/engine_client.ts';
import { Random } from '../support/random.ts';

const FORM = { compress: false, checksum: true, commands: false };
const FAMILIES = ['string', 'list', 'hash', 'set', 'zset', 'stream', 'generic', 'dump', 'expire'];
const NEWEST = '8.10.0';
const BLOCKING = /^B[LRZ]|\bBLOCK\b/i;

function cloneOf(rig: ChangeRig): ChangeRig {
  const copy = new ChangeRig(rig.core.clone());
  copy.nowMs = rig.nowMs;
  return copy;
}

/** A core that keeps no record of what it ran, so that its memory shows what is held by what. */
function forgetfulRig(): ChangeRig {
  const rig = new ChangeRig();
  rig.core.exports.setConfig(abi.CFG_LATENCY_TRACKING, 0);
  rig.core.exports.setConfig(abi.CFG_SLOWLOG_SLOWER_US, -1);
  return rig;
}

function usedBytes(rig: ChangeRig): number {
  rig.core.exports.refreshStats();
  return rig.core.stat(abi.STAT_USED_MEMORY);
}

/** What clients are doing. */
function figures({ core: { exports } }: ChangeRig) {
  return {
    blocked: exports.blockedClientCount(),
    blockingKeys: exports.blockingKeyCount(),
    blockingKeysOnNoKey: exports.blockingKeyOnNoKeyCount(),
    deadlines: exports.deadlineCount(),
    pubsub: exports.pubsubClientCount(),
    topics: [exports.channelCount(), exports.patternCount(), exports.shardChannelCount()],
    watching: exports.watchingClientCount(),
    watched: exports.watchedKeyCount(),
    tracking: exports.trackingClientCount(),
    tracked: exports.trackedKeyCount(),
    prefixes: exports.trackedPrefixCount(),
  };
}

function fill(connection: RigConnection): void {
  for (let i = 0; i < 300; i++) {
    connection.run(`SET string:${i} ${'v'.repeat(i)}`);
    connection.run(`RPUSH list:${i % 7} ${i} ${'e'.repeat(i)}`);
    connection.run(`HSET hash:${i % 5} field:${i} ${i}`);
    connection.run(`ZADD zset:${i % 3} ${i} member:${i}`);
    connection.run(`XADD stream ${i + 1}-1 n ${i}`);
  }
  connection.run('SELECT 3');
  connection.run('SADD set a b c 1 2 3');
  connection.run('SELECT 0');
}

describe('a copy of a core', () => {
  it('holds the same data, and goes its own way', () => {
    const rig = new ChangeRig();
    const connection = rig.connect();
    fill(connection);
    const before = rig.digest();
    const copy = cloneOf(rig);
    expect(copy.digest()).toBe(before);
    expect(databaseFigures(copy.core)).toEqual(databaseFigures(rig.core));

    const other = copy.connect();
    expect(other.run('GET string:3')).toBe('"vvv"');
    other.run('SET string:3 copied');
    connection.run('DEL string:4');
    expect(connection.run('GET string:3')).toBe('"vvv"');
    expect(other.run('GET string:4')).toBe('"vvvv"');
    other.run('FLUSHALL');
    copy.cron();
    expect(other.run('DBSIZE')).toBe('0');
    expect(connection.run('DBSIZE')).toBe('315');
    connection.run('SET string:4 vvvv');
    expect(rig.digest()).toBe(before);
  });

  it('keeps settings, statistics and the slow log', () => {
    const rig = new ChangeRig();
    rig.core.exports.setConfig(abi.CFG_SLOWLOG_SLOWER_US, 0);
    rig.core.exports.setConfig(abi.CFG_MAXMEMORY, 12_345_678);
    const connection = rig.connect();
    connection.run('SET a 1');
    connection.run('GET a');
    const copy = cloneOf(rig);
    const hits = copy.core.stat(abi.STAT_KEYSPACE_HITS);
    expect(hits).toBe(1);
    const other = copy.connect();
    expect(other.run('SLOWLOG LEN')).toBe('2');
    other.run('GET a');
    expect(copy.core.stat(abi.STAT_KEYSPACE_HITS)).toBe(2);
    expect(rig.core.stat(abi.STAT_KEYSPACE_HITS)).toBe(1);
    expect(other.run(`SET b ${'x'.repeat(100)}`)).toBe('+OK');
    copy.core.exports.setConfig(abi.CFG_MAXMEMORY, 1000);
    expect(other.run('SET c 1')).toContain('OOM');
    expect(connection.run('SET c 1')).toBe('+OK');
  });

  it('has none of the clients, whatever they are doing, and the original keeps them', () => {
    const rig = forgetfulRig();
    const { exports } = rig.core;
    const writer = rig.connect();
    fill(writer);
    const blocked = rig.connect();
    blocked.run('BLPOP nothing 0');
    const timed = rig.connect();
    timed.run('BZPOPMIN nothing 5');
    const grouped = rig.connect();
    grouped.run('XGROUP CREATE stream group $');
    grouped.run('XREADGROUP GROUP group me BLOCK 0 STREAMS stream >');
    const subscribed = rig.connect();
    for (const kind of ['SUBSCRIBE', 'PSUBSCRIBE', 'SSUBSCRIBE']) subscribed.run(`${kind} news`);
    const queueing = rig.connect();
    for (const command of ['WATCH string:1', 'MULTI', 'SET string:1 x', 'INCR n']) {
      queueing.run(command);
    }
    const tracking = rig.connect();
    expect(tracking.run('CLIENT TRACKING ON')).toBe('+OK');
    tracking.run('GET string:2');
    const told = rig.connect();
    told.run('CLIENT TRACKING ON BCAST PREFIX string: PREFIX hash:');
    const unfinished = rig.connect();
    unfinished.send(Buffer.from('*3\r\n$3\r\nSET\r\n$9\r\nstring:20\r\n$5000\r\nabc'));
    const monitor = exports.connNew(1000, rig.nowMs, 1);
    exports.connMonitor(monitor, 1);
    // Output that the host has not taken yet.
    rig.core.bytes.set(Buffer.from('PUBLISH news hello\r\n'), rig.core.word(abi.ABI_INPUT));
    const speaker = exports.connNew(1001, rig.nowMs, 1);
    exports.feed(speaker, 20, rig.nowMs);

    const copy = cloneOf(rig);
    expect(copy.digest()).toBe(rig.digest());
    expect(figures(rig)).toEqual({
      blocked: 3,
      blockingKeys: 2,
      blockingKeysOnNoKey: 1,
      deadlines: 1,
      pubsub: 1,
      topics: [1, 1, 1],
      watching: 1,
      watched: 1,
      tracking: 2,
      tracked: 1,
      prefixes: 2,
    });
    expect(figures(copy)).toEqual({
      blocked: 0,
      blockingKeys: 0,
      blockingKeysOnNoKey: 0,
      deadlines: 0,
      pubsub: 0,
      topics: [0, 0, 0],
      watching: 0,
      watched: 0,
      tracking: 0,
      tracked: 0,
      prefixes: 0,
    });
    expect(rig.core.word(abi.ABI_SEQUEL) & abi.SEQUEL_PUSHED).not.toBe(0);
    expect(copy.core.exports.nextDirty()).toBe(0);
    expect(copy.core.exports.nextDeadline()).toBe(0);
    expect(copy.core.word(abi.ABI_SEQUEL)).toBe(0);
    expect(copy.core.word(abi.ABI_OUT_LEN)).toBe(0);

    // Nobody is served in the copy, and everybody in the original.
    const other = copy.connect();
    expect(other.run('RPUSH nothing 1')).toBe('1');
    expect(other.run('PUBLISH news hello')).toBe('0');
    other.run('SET string:1 changed');
    expect(writer.run('LPUSH nothing 7')).toBe('1');
    expect(blocked.unread()).toBe('["nothing", "7"]');
    rig.nowMs += 6000;
    rig.wake();
    expect(timed.unread()).toBe('nil-array');
    writer.run('XADD stream 9999-1 n last');
    expect(grouped.unread()).toContain('9999-1');
    expect(subscribed.unread()).toContain('hello');
    expect(queueing.run('EXEC')).toBe('[+"OK", 1]');
    writer.run('SET string:2 new');
    expect(exports.trackedKeyCount()).toBe(0);
    expect(unfinished.send(Buffer.from(`${'d'.repeat(4997)}\r\n`))).toBe('+OK');
    expect(writer.run('STRLEN string:20')).toBe('5000');
    expect(other.run('STRLEN string:20')).toBe('20');
  });

  it('takes no memory for clients it does not have', () => {
    const rig = forgetfulRig();
    const writer = rig.connect();
    fill(writer);
    writer.reconnect();
    const alone = usedBytes(rig);
    for (let i = 0; i < 50; i++) {
      const client = rig.connect();
      client.run('CLIENT TRACKING ON');
      client.run(`GET string:${i}`);
      client.run(`WATCH string:${i}`);
      client.run(`SUBSCRIBE channel:${i}`);
      rig.connect().run(`BLPOP nothing:${i} 0`);
    }
    expect(usedBytes(rig)).toBeGreaterThan(alone + 10_000);
    const copy = cloneOf(rig);
    copy.cron();
    copy.connect();
    // Tables that grew for the clients may keep their directories.
    expect(usedBytes(copy)).toBeLessThan(alone + 4000);
    expect(usedBytes(copy)).toBeGreaterThan(alone - 1000);
  });

  it('has no server state of the original: guards are for its own host to set', () => {
    const rig = new ChangeRig();
    rig.connect().run('SET a 1');
    rig.core.exports.setConfig(abi.CFG_GUARDS, abi.GUARD_DISK_ERROR);
    const copy = cloneOf(rig);
    expect(rig.connect().run('SET a 2')).toContain('MISCONF');
    expect(copy.connect().run('SET a 2')).toBe('+OK');
  });

  it('can be made while a snapshot is written, which goes on in the original alone', () => {
    const rig = new ChangeRig();
    populate(rig.core, 0, 5000, Buffer.from('key'), 100);
    const connection = rig.connect();
    fill(connection);
    const keys = 5317;
    const { exports } = rig.core;
    expect(beginSnapshot(rig.core, FORM)).toBe(true);
    expect(exports.snapshotStep(rig.nowMs, 0)).toBe(abi.SNAPSHOT_MORE);
    // Some entries are changed before their turn, some are kept although they were removed.
    connection.run('FLUSHDB');
    connection.run('SET key:1 new');
    const digest = rig.digest();
    const copy = cloneOf(rig);
    expect(copy.digest()).toBe(digest);
    expect(copy.core.word(abi.ABI_SNAPSHOT_LEN)).toBe(0);
    copy.connect().run('SET key:2 new');
    copy.cron();

    for (;;) {
      const status = exports.snapshotStep(rig.nowMs, 1e6);
      exports.snapshotTaken(snapshotOutput(rig.core).length);
      if (status === abi.SNAPSHOT_DONE) break;
      expect(status).toBe(abi.SNAPSHOT_MORE);
    }
    exports.snapshotEnd();
    expect(exports.snapshotKeys()).toBe(keys);
    // The copy can write one of its own, of all its keys.
    expect(beginSnapshot(copy.core, FORM)).toBe(true);
    expect(copy.core.exports.snapshotStep(copy.nowMs, 1e6)).toBe(abi.SNAPSHOT_DONE);
    expect(copy.core.exports.snapshotKeys()).toBe(3);
  });

  it('writes no stream of changes until it is told to', () => {
    const rig = new ChangeRig();
    rig.stream.turn(true);
    const connection = rig.connect();
    connection.run('SET a 1');
    connection.run('MULTI');
    connection.run('SET b 1');
    const copy = cloneOf(rig);
    expect(copy.stream.length).toBe(0);
    const other = copy.connect();
    other.run('SET c 1');
    expect(copy.stream.length).toBe(0);
    copy.stream.turn(true);
    other.run('SET d 1');
    expect(copy.takeLines()).toEqual(['SELECT 0', 'SET d 1']);
    connection.run('EXEC');
    expect(rig.takeLines()).toEqual(['SELECT 0', 'SET a 1', 'SET b 1']);
  });

  it('expires keys by its own time', () => {
    const rig = new ChangeRig();
    const connection = rig.connect();
    for (let i = 0; i < 500; i++) connection.run(`SET key:${i} v PX ${1000 + i}`);
    connection.run('HSET hash f 1 g 2');
    connection.run('HPEXPIRE hash 1200 FIELDS 1 f');
    const copy = cloneOf(rig);
    copy.nowMs += 1250;
    copy.cron();
    const other = copy.connect();
    expect(other.run('DBSIZE')).toBe('251');
    expect(other.run('HGETALL hash')).toBe('["g", "2"]');
    expect(connection.run('DBSIZE')).toBe('501');
    rig.nowMs += 5000;
    rig.cron();
    expect(connection.run('DBSIZE')).toBe('1');
    expect(other.run('DBSIZE')).toBe('251');
  });

  it('can be copied again, any number of times', () => {
    let rig = new ChangeRig({ memoryLimitBytes: 64 << 20 });
    rig.connect().run('SET generation 0');
    const seen: number[] = [];
    for (let i = 0; i < 20; i++) {
      rig = cloneOf(rig);
      const connection = rig.connect();
      expect(connection.run('INCR generation')).toBe(`${i + 1}`);
      seen.push(usedBytes(rig));
      connection.run(`SET padding:${i} ${'x'.repeat(1000)}`);
      connection.reconnect();
    }
    const steps = seen.slice(1).map((bytes, i) => bytes - seen[i]!);
    // Nothing but the data makes it larger, and the limit still holds.
    expect(Math.max(...steps)).toBeLessThan(3000);
    expect(populate(rig.core, 0, 1000, Buffer.from('big'), 1 << 20)).toBe(false);
  });

  it('runs on as the original does: the same commands give the same bytes', () => {
    const seed = Random.fresh().seed;
    console.log(`clone: seed ${seed}`);
    for (let round = 0; round < 4; round++) {
      const source = new CommandSource(new Random(seed + round), FAMILIES, NEWEST);
      // The original and its copy, and one core for each that runs the same without being copied.
      const rigs = [new ChangeRig(), new ChangeRig(), new ChangeRig()];
      const connections = rigs.map((rig) => rig.connect());
      const step = (which: readonly number[], count: number) => {
        for (let i = 0; i < count; i++) {
          const { args } = source.next();
          // Who waits in the original is not there to wait in the copy.
          if (BLOCKING.test(args.join(' '))) continue;
          const replies = which.map((index) => connections[index]!.call(...args));
          expect(new Set(replies).size, `${args.join(' ')}: ${replies.join(' / ')}`).toBe(1);
        }
      };
      step([0, 1, 2], 1500);
      // A table that shrinks, and is copied half-way.
      for (const [index, rig] of rigs.entries()) {
        populate(rig.core, 0, 3000, Buffer.from('many'), 3);
        for (let i = 0; i < 2900; i++) connections[index]!.run(`DEL many:${i}`);
        rig.core.exports.cron(rig.nowMs, 0);
      }
      rigs.push(cloneOf(rigs[0]!));
      connections.push(rigs[3]!.connect());
      expect(connections[3]!.run(`SELECT ${selected(rigs[0]!)}`)).toBe('+OK');
      step([0, 1], 1000);
      step([2, 3], 1000);
      const digests = rigs.map((rig) => rig.digest());
      expect(digests[0], `round ${round}`).toBe(digests[1]);
      expect(digests[2], `round ${round}`).toBe(digests[3]);
    }
  });
});

/** The database that the last connection of a rig has selected. */
function selected(rig: ChangeRig): number {
  const { core } = rig;
  return core.data.getUint32(core.word(abi.ABI_CURRENT_CONN) + abi.CONN_DB, true);
}

describe('a core is not copied', () => {
  it('while a command of the host is under way', async () => {
    const engine = createEngine();
    const said: string[] = [];
    engine.commands.register('info', ({ reply }) => {
      try {
        engine.core.clone();
      } catch (error) {
        said.push((error as Error).message);
      }
      reply.ok();
    });
    const client = new EngineTestClient(engine);
    expect(replyText(await client.call('INFO'))).toBe('OK');
    expect(said).toEqual([
      'a core cannot be copied while it loads data or runs a command of the host',
    ]);
    expect(() => engine.core.clone()).not.toThrow();
  });

  it('while a file is loaded', () => {
    const rig = new ChangeRig();
    const setup = { flags: 0, totalBytes: 0, pieceBytes: 4096, nowMs: rig.nowMs };
    const load = RdbLoad.begin(rig.core, setup);
    expect(load).toBeDefined();
    expect(() => rig.core.clone()).toThrow('while it loads data');
    load?.end();
    expect(() => rig.core.clone()).not.toThrow();
    rig.core.exports.setConfig(abi.CFG_GUARDS, abi.GUARD_LOADING);
    expect(() => rig.core.clone()).toThrow('while it loads data');
  });
});

it('a copy begins with a suspended command of the host forgotten', async () => {
  const engine = createEngine();
  let answer = () => {};
  engine.commands.register('info', async ({ reply }) => {
    await new Promise<void>((resolve) => {
      answer = resolve;
    });
    reply.ok();
  });
  const client = new EngineTestClient(engine);
  await client.call('MULTI');
  await client.call('INFO');
  await client.call('SET', 'a', '1');
  const replies = client.callRaw(['EXEC']);
  const copy = new ChangeRig(engine.core.clone());
  expect(copy.connect().run('SET a 2')).toBe('+OK');
  answer();
  expect((await replies).reply).toMatchObject({ kind: 'array' });
  expect(copy.connect().run('GET a')).toBe('"2"');
});
