// The walk behind snapshots: whatever commands do between its steps, what it writes is the state at its
// begin.

import { describe, expect, it } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { datasetDigest } from '../../src/core/keyspace.ts';
import { RdbLoad } from '../../src/core/rdb_load.ts';
import { beginSnapshot, snapshotOutput } from '../../src/core/snapshot.ts';
import type { Engine } from '../../src/engine.ts';
import { rdbHeader } from '../../src/persistence/rdb_header.ts';
import { CommandSource } from '../fuzz/grammar/index.ts';
import { type Argument, encodeCommand } from '../support/arguments.ts';
import { createEngine, EngineTestClient } from '../support/engine_client.ts';
import { Random } from '../support/random.ts';
import { showReply } from '../support/reply_notation.ts';
import type { Reply } from '../support/resp_decoder.ts';

const FAMILIES = [
  'string',
  'number',
  'list',
  'hash',
  'set',
  'zset',
  'zsetalgebra',
  'zsetlex',
  'stream',
  'bitmap',
  'hyperloglog',
  'geo',
  'sort',
  'generic',
  'dump',
  'expire',
];
const NEWEST = '8.10.0';
const FORM = { compress: true, checksum: true, commands: false };

/** An engine with a clock of its own, and its snapshot under way. */
class Subject {
  readonly engine: Engine = createEngine();
  readonly client = new EngineTestClient(this.engine);
  nowMs = 1_800_000_000_000;
  isRunning = false;
  private readonly parts: Buffer[] = [];

  constructor() {
    this.engine.now = () => this.nowMs;
  }

  run(...args: Argument[]): void {
    this.client.send(encodeCommand(args));
  }

  get digest(): string {
    return datasetDigest(this.engine.core).toString('hex');
  }

  begin(commands = false): void {
    const { core } = this.engine;
    const version = core.exports.snapshotVersion();
    expect(beginSnapshot(core, { ...FORM, commands })).toBe(true);
    this.parts.length = 0;
    this.isRunning = true;
    if (commands) return;
    const header = rdbHeader(version, []);
    core.bytes.set(header, core.word(abi.ABI_SCRATCH));
    core.exports.snapshotHeader(core.word(abi.ABI_SCRATCH), header.length);
  }

  /**
   * The least that a step can do; `beforeTaken` runs while its output is still to be taken. False when the
   * snapshot is complete.
   */
  step(beforeTaken?: () => void): boolean {
    const { core } = this.engine;
    const status = core.exports.snapshotStep(this.nowMs, 0);
    expect(status).not.toBe(abi.SNAPSHOT_FAILED);
    const output = Buffer.from(snapshotOutput(core));
    this.parts.push(output);
    beforeTaken?.();
    core.exports.snapshotTaken(output.length);
    if (status === abi.SNAPSHOT_DONE) core.exports.snapshotEnd();
    if (core.exports.snapshotReleased() !== 0) this.engine.resumePaused();
    this.isRunning = status === abi.SNAPSHOT_MORE;
    return this.isRunning;
  }

  finish(): void {
    while (this.step());
  }

  get written(): Buffer {
    return Buffer.concat(this.parts);
  }
}

/** What a data set of these bytes digests to. */
function digestOf(rdb: Buffer, nowMs: number): string {
  const { core } = createEngine();
  const load = RdbLoad.begin(core, {
    flags: abi.LOAD_KEEP_EXPIRED,
    totalBytes: rdb.length,
    pieceBytes: 1 << 16,
    nowMs,
  });
  if (load === undefined) throw new Error('no memory');
  let at = 0;
  for (;;) {
    const piece = load.room();
    if (piece === undefined) throw new Error('no memory');
    const bytes = Math.min(piece.length, rdb.length - at);
    piece.set(rdb.subarray(at, at + bytes));
    load.filled(bytes);
    at += bytes;
    const status = load.step(at === rdb.length, 0, nowMs);
    if (status === abi.LOAD_DONE) break;
    if (status === abi.LOAD_ERROR) throw new Error(load.fault().text);
  }
  load.end();
  return datasetDigest(core).toString('hex');
}

/** The same for commands. */
function digestOfCommands(commands: Buffer, nowMs: number): string {
  const engine = createEngine();
  engine.now = () => nowMs;
  const client = new EngineTestClient(engine);
  client.client.flags |= abi.CLIENT_INTERNAL;
  engine.core.exports.setConfig(abi.CFG_GUARDS, abi.GUARD_LOADING);
  client.send(commands);
  return datasetDigest(engine.core).toString('hex');
}

/** Runs random commands between the steps of the snapshot that has begun, to its end. */
function finishAmidst(subject: Subject, source: CommandSource, random: Random): void {
  let more = true;
  while (more) {
    for (let i = random.below(6); i > 0; i--) {
      if (random.oneIn(300)) subject.run(random.pick(['FLUSHALL', 'FLUSHDB']));
      if (random.oneIn(60)) subject.run('SWAPDB', random.pick(['0', '1']), '15');
      if (random.oneIn(20)) subject.run('SELECT', random.pick(['0', '1', '2', '15']));
      if (random.oneIn(40)) subject.run('DEL', `filler:${random.below(1500)}`);
      if (random.oneIn(40)) subject.run('RENAME', `filler:${random.below(1500)}`, 'renamed');
      if (random.oneIn(10)) subject.run('HMGET', `filler:${random.below(1500)}`, 'f', 'g');
      if (random.oneIn(10)) subject.run('HGETALL', `filler:${random.below(1500)}`);
      subject.run(...source.next().args);
    }
    subject.nowMs += random.below(20);
    if (random.oneIn(5)) subject.engine.cron(1000);
    more = subject.step(() => {
      if (random.oneIn(3)) subject.run('APPEND', `filler:${random.below(1500)}`, 'x');
    });
  }
}

function fill(subject: Subject, random: Random): void {
  const commands: Buffer[] = [];
  for (const database of [0, 1, 2, 15]) {
    commands.push(encodeCommand(['SELECT', String(database)]));
    for (let i = 0; i < 1500; i++) {
      const key = `filler:${i}`;
      switch (random.below(6)) {
        case 0:
          commands.push(encodeCommand(['HSET', key, 'f', String(i), 'g', 'x'.repeat(i % 90)]));
          break;
        case 3:
          commands.push(encodeCommand(['HSET', key, 'f', 'due', 'g', 'later', 'h', 'never']));
          commands.push(
            encodeCommand(['HPEXPIRE', key, String(1 + random.below(3000)), 'FIELDS', '1', 'f']),
          );
          commands.push(encodeCommand(['HPEXPIRE', key, '10000', 'FIELDS', '1', 'g']));
          break;
        case 1:
          commands.push(encodeCommand(['SADD', key, 'a', 'b', String(i)]));
          break;
        case 2:
          commands.push(
            encodeCommand(['SET', key, String(i), 'PX', String(1 + random.below(4000))]),
          );
          break;
        default:
          commands.push(encodeCommand(['SET', key, 'v'.repeat(random.below(300))]));
      }
    }
  }
  commands.push(encodeCommand(['SELECT', '0']));
  subject.client.send(Buffer.concat(commands));
}

/** Values that are written in several steps. */
function fillBig(subject: Subject): void {
  const members = Array.from({ length: 5000 }, (_, i) => `member:${i}`);
  subject.run('SADD', 'a', ...members);
  subject.run('RPUSH', 'b', ...members);
  subject.run('HSET', 'c', ...members.flatMap((member) => [member, member]));
  subject.run('ZADD', 'd', ...members.flatMap((member, i) => [String(i), member]));
  for (let i = 0; i < 4000; i++) subject.run('XADD', 'tmp', `${i + 1}-1`, 'field', `value ${i}`);
  subject.run('SET', 'bits', Buffer.alloc(3_000_000, 7));
}

function bulks(reply: Reply): Buffer[] {
  if (reply.kind !== 'array') throw new Error(reply.kind);
  return reply.items.map((item) => (item.kind === 'bulk' ? item.bytes : Buffer.alloc(0)));
}

/** Gives scores of minus zero, whose sign commands do not always bring back, another value. */
async function replaceMinusZero({ engine }: Subject): Promise<void> {
  const client = new EngineTestClient(engine);
  for (let database = 0; database < 16; database++) {
    await client.call('SELECT', String(database));
    for (const key of bulks(await client.call('KEYS', '*'))) {
      if ((await client.text('TYPE', key)) !== 'zset') continue;
      for (const member of bulks(await client.call('ZRANGEBYSCORE', key, '0', '0'))) {
        await client.call('ZADD', key, '1', member);
        await client.call('ZADD', key, '0', member);
      }
    }
  }
}

describe('a snapshot', () => {
  const { seed } = Random.fresh();

  it(`is of the moment it began, whatever commands do meanwhile (seed ${seed})`, async () => {
    for (let round = 0; round < 12; round++) {
      const random = new Random(seed + round);
      const subject = new Subject();
      const source = new CommandSource(random, FAMILIES, NEWEST);
      fill(subject, random);
      if (round % 3 === 0) fillBig(subject);
      for (let i = 0; i < 1500; i++) subject.run(...source.next().args);
      const began = subject.nowMs;
      const before = subject.digest;
      subject.begin();
      finishAmidst(subject, source, random);
      expect(digestOf(subject.written, began), `round ${round}`).toBe(before);
      // Nothing is held back any more, and the next one is as good.
      const after = subject.digest;
      subject.begin();
      subject.finish();
      expect(digestOf(subject.written, subject.nowMs), `round ${round}, again`).toBe(after);
    }
  }, 120_000);

  it(`in the form of commands, too (seed ${seed})`, async () => {
    // A pending entry that is no longer in its stream cannot be made by commands.
    const families = FAMILIES.filter((family) => family !== 'stream');
    for (let round = 0; round < 6; round++) {
      const random = new Random(seed + round);
      const subject = new Subject();
      const source = new CommandSource(random, families, NEWEST);
      fill(subject, random);
      if (round % 3 === 0) fillBig(subject);
      for (let i = 0; i < 1500; i++) subject.run(...source.next().args);
      const began = subject.nowMs;
      await replaceMinusZero(subject);
      const before = subject.digest;
      subject.begin(true);
      finishAmidst(subject, source, random);
      expect(digestOfCommands(subject.written, began), `round ${round}`).toBe(before);
    }
  }, 120_000);

  it('takes keys along that are evicted meanwhile', async () => {
    const subject = new Subject();
    const random = new Random(seed);
    fill(subject, random);
    const before = subject.digest;
    subject.begin();
    const { core } = subject.engine;
    core.exports.setConfig(abi.CFG_MAXMEMORY, 1);
    core.exports.setConfig(abi.CFG_MAXMEMORY_POLICY, abi.POLICY_ALLKEYS_RANDOM);
    for (let i = 0; i < 5; i++) {
      subject.run('SET', 'x', 'y');
      subject.step();
    }
    core.exports.setConfig(abi.CFG_MAXMEMORY, 0);
    subject.finish();
    expect(digestOf(subject.written, subject.nowMs)).toBe(before);
    expect(subject.digest).not.toBe(before);
  });

  it('holds a command back that wants to change a big value, until that is written', async () => {
    const subject = new Subject();
    fillBig(subject);
    const before = subject.digest;
    subject.begin();
    subject.step();
    const other = new EngineTestClient(subject.engine);
    const held = other.call('HSET', 'c', 'new', 'field');
    let answered = false;
    void held.then(() => {
      answered = true;
    });
    await Promise.resolve();
    expect(answered).toBe(false);
    // Others go on.
    expect(await new EngineTestClient(subject.engine).text('SET', 'x', 'y')).toBe('OK');
    subject.finish();
    expect((await held).kind).toBe('integer');
    expect(digestOf(subject.written, subject.nowMs)).toBe(before);
  });

  it('can be given up, and the next one is whole', async () => {
    const subject = new Subject();
    const random = new Random(seed);
    fill(subject, random);
    fillBig(subject);
    subject.begin();
    for (let i = 0; i < 30; i++) {
      subject.step();
      subject.run('DEL', `filler:${i}`);
    }
    subject.engine.core.exports.snapshotAbort();
    subject.run('SET', 'after', 'it');
    const before = subject.digest;
    subject.begin();
    for (let i = 0; i < 30; i++) {
      subject.step();
      subject.run('SET', `filler:${i}`, 'changed');
    }
    subject.finish();
    expect(digestOf(subject.written, subject.nowMs)).toBe(before);
  });

  it('knows the bytes of what it had to take before its turn, or to keep, and takes nothing twice', async () => {
    const subject = new Subject();
    const { engine } = subject;
    const client = new EngineTestClient(engine);
    const copied = () => engine.core.exports.snapshotCopied();
    const value = 'x'.repeat(1000);
    const members = Array.from({ length: 100 }, (_, i) => `member:${i}`);
    await client.call('MSET', ...['a', 'b', 'c', 'd'].flatMap((key) => [key, value]));
    await client.call('SADD', 'set', ...members);
    await client.call('SELECT', '1');
    await client.call('SET', 'e', value);
    const began = subject.digest;
    subject.begin();
    expect(copied()).toBe(0);
    await client.call('GET', 'e');
    await client.call('SET', 'new', value);
    expect(copied()).toBe(0);
    await client.call('FLUSHDB');
    await client.call('SELECT', '0');
    const usage = async (key: string): Promise<number> => {
      const reply = await client.call('MEMORY', 'USAGE', key);
      if (reply.kind !== 'integer') throw new Error(showReply(reply));
      return Number(reply.value);
    };
    const string = await usage('a');
    const set = await usage('set');
    // MEMORY USAGE counts a share of the table, too.
    const near = (bytes: number) => expect(Math.abs(copied() - bytes)).toBeLessThan(100);
    await client.call('APPEND', 'a', 'y');
    near(string);
    await client.call('APPEND', 'a', 'y');
    near(string);
    await client.call('DEL', 'b');
    near(2 * string);
    await client.call('SET', 'c', 'y');
    near(3 * string);
    await client.call('SREM', 'set', 'member:0');
    near(3 * string + set);
    subject.finish();
    // What FLUSHDB detached was kept for the snapshot.
    near(4 * string + set);
    expect(digestOf(subject.written, subject.nowMs)).toBe(began);
    subject.begin();
    expect(copied()).toBe(0);
    subject.finish();
    expect(copied()).toBe(0);
  });

  it('goes through the tables of databases that are flushed one after the other', () => {
    for (let steps = 0; steps < 400; steps += 25) {
      const subject = new Subject();
      fill(subject, new Random(seed));
      const before = subject.digest;
      subject.begin();
      for (let i = 0; i < steps && subject.isRunning; i++) subject.step();
      for (const database of ['0', '1', '2', '15']) {
        subject.run('SELECT', database);
        subject.run('FLUSHDB');
        for (let i = 0; i < 5 && subject.isRunning; i++) subject.step();
      }
      while (subject.isRunning) subject.step();
      expect(digestOf(subject.written, subject.nowMs), `${steps} steps`).toBe(before);
    }
  });

  it('refuses a second one beside it', () => {
    const subject = new Subject();
    subject.begin();
    expect(beginSnapshot(subject.engine.core, FORM)).toBe(false);
    subject.finish();
    subject.begin();
    subject.finish();
  });
});
