// Keys written as commands, in pieces of any size: run in another engine they make the same data.

import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  CFG_LIST_COMPRESS_DEPTH,
  CFG_LIST_MAX_LISTPACK_SIZE,
  CFG_STREAM_NODE_MAX_ENTRIES,
} from '../../assembly/abi.ts';
import type { CoreExports } from '../../src/core/core.ts';
import { describeData, makeSteps, stringsOf } from '../fuzz/replay.ts';
import { encodeCommand } from '../support/arguments.ts';
import { testModuleFile } from '../support/assembly.ts';
import {
  ChangeRig,
  parseCommands,
  type RigConnection,
  START_MS,
  showCommand,
} from '../support/change_stream.ts';
import { Random } from '../support/random.ts';

interface FormExports extends CoreExports {
  formKey(database: number, key: number, keyLen: number): number;
  formMore(budget: number): number;
  encodedPtr(): number;
  encodedLen(): number;
  encodeEnd(): void;
}

const DONE = 0;
const MORE = 1;
const GROUPS = ['g1', 'g2', 'g\0', ''];
const CONNECTIONS = 4;

let module: WebAssembly.Module;

beforeAll(async () => {
  module = new WebAssembly.Module(readFileSync(await testModuleFile('snapshot')));
}, 120_000);

/** A key as commands, in pieces. */
function written(rig: ChangeRig, database: number, key: Buffer, budget: () => number): Buffer[] {
  const { core } = rig;
  const exports = core.exports as FormExports;
  const ptr = exports.hostAlloc(Math.max(key.length, 1)) >>> 0;
  core.bytes.set(key, ptr);
  const pieces: Buffer[] = [];
  expect(exports.formKey(database, ptr, key.length)).toBeTruthy();
  for (let status = MORE; status === MORE; ) {
    status = exports.formMore(budget());
    pieces.push(core.copy(exports.encodedPtr() >>> 0, exports.encodedLen() >>> 0));
    expect([MORE, DONE]).toContain(status);
  }
  exports.encodeEnd();
  exports.hostFree(ptr);
  return pieces;
}

function lines(rig: ChangeRig, key: string): string[] {
  return parseCommands(Buffer.concat(written(rig, 0, Buffer.from(key), () => 1))).map(showCommand);
}

/** Runs every key of a rig, as commands, in a new one. */
function rebuilt(rig: ChangeRig, client: RigConnection, budget: () => number): ChangeRig {
  const other = new ChangeRig();
  const reader = other.connect();
  for (let database = 0; database < 16; database++) {
    client.run(`SELECT ${database}`);
    reader.run(`SELECT ${database}`);
    for (const key of stringsOf(client.run('KEYS *'))) {
      for (const command of parseCommands(Buffer.concat(written(rig, database, key, budget)))) {
        expect(reader.send(encodeCommand(command)), showCommand(command)).not.toMatch(/^-/);
      }
    }
  }
  return other;
}

describe('as commands', () => {
  it('each type has its own, up to 64 elements at a time', () => {
    const rig = new ChangeRig({}, module);
    const client = rig.connect();
    const many = Array.from({ length: 65 }, (_, i) => String(i));
    client.run('SET n 17');
    client.run(`SET s text PXAT ${START_MS + 5}`);
    client.call('RPUSH', 'l', ...many);
    client.run('ZADD z 1.5 a -inf b 3 7');
    client.run('HSET h f 1 g text');
    client.run(`HPEXPIREAT h ${START_MS + 9} FIELDS 1 g`);
    expect(lines(rig, 'n')).toEqual(['SET n 17']);
    expect(lines(rig, 's')).toEqual(['SET s text', `PEXPIREAT s ${START_MS + 5}`]);
    expect(lines(rig, 'l')).toEqual([`RPUSH l ${many.slice(0, 64).join(' ')}`, 'RPUSH l 64']);
    expect(lines(rig, 'z')).toEqual(['ZADD z -inf b 1.5 a 3 7']);
    expect(lines(rig, 'h')).toEqual([
      'HMSET h g text f 1',
      `HPEXPIREAT h ${START_MS + 9} FIELDS 1 g`,
    ]);
  });

  it('a stream comes with its groups, consumers and pending entries', () => {
    const rig = new ChangeRig({}, module);
    const client = rig.connect();
    for (const command of [
      'XGROUP CREATE s g 0 MKSTREAM',
      'XADD s 1-1 f v',
      'XADD s 2-1 f v x 7',
      'XREADGROUP GROUP g bob STREAMS s >',
      'XGROUP CREATECONSUMER s g carol',
      'XNACK s g FAIL IDS 1 2-1',
      'XADD s 3-1 f v',
      'XDEL s 3-1',
      'XGROUP CREATE t g $ MKSTREAM',
    ]) {
      client.run(command);
    }
    expect(lines(rig, 's')).toEqual([
      'XADD s 1-1 f v',
      'XADD s 2-1 f v x 7',
      'XSETID s 3-1 ENTRIESADDED 3 MAXDELETEDID 3-1',
      'XGROUP CREATE s g 2-1 ENTRIESREAD 2',
      `XCLAIM s g bob 0 1-1 TIME ${START_MS} RETRYCOUNT 1 JUSTID FORCE`,
      'XGROUP CREATECONSUMER s g carol',
      'XNACK s g FAIL IDS 1 2-1 RETRYCOUNT 1 FORCE',
    ]);
    expect(lines(rig, 't')).toEqual([
      'XADD t MAXLEN 0 0-1 x y',
      'XSETID t 0-0 ENTRIESADDED 0 MAXDELETEDID 0-0',
      'XGROUP CREATE t g 0-0 ENTRIESREAD -1',
    ]);
  });

  it('long strings are cut, and steps take little more than their budget', () => {
    const rig = new ChangeRig({}, module);
    const client = rig.connect();
    const long = (size: number, fill: string) => Buffer.alloc(size, fill);
    client.call('SET', 's', long(300_000, 'abc'));
    client.call('RPUSH', 'l', long(20_000, 'x'), '5', long(30_000, 'y'));
    client.call('SADD', 'set', long(20_000, 'x'), '5');
    client.call('HSET', 'h', long(20_000, 'f'), long(25_000, 'v'), 'a', '1', long(9000, 'g'), '7');
    client.call('ZADD', 'z', '1', long(20_000, 'm'), '2.5', 'n');
    for (const key of ['s', 'l', 'set', 'h', 'z']) {
      const pieces = written(rig, 0, Buffer.from(key), () => 2000);
      expect(Math.max(...pieces.map((piece) => piece.length)), key).toBeLessThan(2000 + 4096 + 100);
      expect(pieces.length, key).toBeGreaterThan(5);
    }
    const other = rebuilt(rig, client, () => 2000);
    expect(other.digest()).toBe(rig.digest());
  });

  it('elements of compressed nodes are whole', () => {
    const rig = new ChangeRig({}, module);
    rig.core.exports.setConfig(CFG_LIST_COMPRESS_DEPTH, 1);
    rig.core.exports.setConfig(CFG_LIST_MAX_LISTPACK_SIZE, -1);
    const client = rig.connect();
    for (let i = 0; i < 60; i++) {
      client.call(
        'RPUSH',
        'l',
        Buffer.alloc(i % 7 === 0 ? 12_000 : 900, `element ${i}`),
        String(i),
      );
    }
    const other = rebuilt(rig, client, () => 700);
    expect(other.digest()).toBe(rig.digest());
  });

  it('random data is the same', () => {
    const random = Random.fresh();
    for (let round = 0; round < 4; round++) {
      const rig = new ChangeRig({}, module);
      rig.core.exports.setConfig(CFG_STREAM_NODE_MAX_ENTRIES, 4);
      const clients = Array.from({ length: CONNECTIONS }, () => rig.connect());
      for (const { what, passMs, connection } of makeSteps(random.u32(), 1500)) {
        rig.nowMs += passMs;
        if (Array.isArray(what)) clients[connection]?.call(...what);
      }
      // Nothing has expired at that time.
      rig.nowMs = START_MS;
      const client = rig.connect();
      forgetGone(client);
      const other = rebuilt(rig, client, () => random.between(1, 3000));
      const [one, two] = [rig, other].map((each) => describeData(each, each.connect()));
      expect(withoutProducers(two!), `seed ${random.seed}`).toBe(withoutProducers(one!));
    }
  });
});

/** Entries that are pending but gone from their stream cannot be written. */
function forgetGone(client: RigConnection): void {
  for (let database = 0; database < 16; database++) {
    client.run(`SELECT ${database}`);
    for (const key of stringsOf(client.run('KEYS *'))) {
      for (const group of GROUPS) {
        client.call('XAUTOCLAIM', key, group, 'alice', '0', '0', 'COUNT', '1000', 'JUSTID');
      }
    }
  }
}

/** How nodes are filled, and what producers sent, is not the same. */
function withoutProducers(text: string): string {
  return text.replace(/"(idmp|pids|iids|radix-tree)-[a-z]+"(, \d+)?, /g, '');
}
