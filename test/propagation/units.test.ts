// Units of the stream of changes: what is wrapped in MULTI and EXEC, where SELECT comes, what the host may
// take, and what happens when memory runs out.

import { describe, expect, it } from 'vitest';
import {
  CFG_GUARDS,
  CFG_LAZYFREE_EVICTION,
  CFG_MAXMEMORY,
  CFG_MAXMEMORY_POLICY,
  GUARD_PAUSE_WRITE,
  POLICY_ALLKEYS_RANDOM,
  STAT_USED_MEMORY,
} from '../../assembly/abi.ts';
import { encodeCommand } from '../support/arguments.ts';
import {
  ChangeRig,
  parseCommands,
  type RigConnection,
  showCommand,
} from '../support/change_stream.ts';

function started(): { rig: ChangeRig; client: RigConnection } {
  const rig = new ChangeRig();
  rig.stream.turn(true);
  return { rig, client: rig.connect() };
}

function usedMemory(rig: ChangeRig): number {
  rig.core.exports.refreshStats();
  return rig.core.stat(STAT_USED_MEMORY);
}

describe('transactions', () => {
  it('become MULTI and EXEC around what they changed', () => {
    const { rig, client } = started();
    for (const line of ['MULTI', 'SET a 1', 'GET a', 'SELECT 3', 'SET b 2 EX 1', 'EXEC']) {
      client.run(line);
    }
    expect(rig.takeLines()).toEqual([
      'MULTI',
      'SELECT 0',
      'SET a 1',
      'SELECT 3',
      `SET b 2 PXAT ${rig.nowMs + 1000}`,
      'EXEC',
    ]);
  });

  it('of one change, or none, are not wrapped', () => {
    const { rig, client } = started();
    for (const line of ['MULTI', 'SET a 1', 'GET a', 'EXEC', 'MULTI', 'GET a', 'EXEC']) {
      client.run(line);
    }
    expect(rig.takeLines()).toEqual(['SELECT 0', 'SET a 1']);
    for (const line of ['MULTI', 'SET a 2', 'DISCARD']) client.run(line);
    expect(rig.takeLines()).toEqual([]);
  });

  it('that are longer than a batch of replies stay whole', () => {
    const { rig, client } = started();
    client.call('SET', 'big', 'x'.repeat(500_000));
    rig.take();
    const lines = [
      'MULTI',
      'SET a 1',
      'GET big',
      'GET big',
      'GET big',
      'SET a 2',
      'EXEC',
      'SET a 3',
    ];
    client.send(Buffer.concat(lines.map((line) => encodeCommand(line.split(' ')))));
    expect(rig.takeLines()).toEqual(['MULTI', 'SET a 1', 'SET a 2', 'EXEC', 'SET a 3']);
  });

  it('with a host command in them are taken as a whole', () => {
    const { rig, client } = started();
    const lines = ['MULTI', 'SET a 1', 'CONFIG GET x', 'SET b 1', 'EXEC'];
    for (const line of lines) client.run(line);
    expect(rig.takeLines()).toEqual(['MULTI', 'SELECT 0', 'SET a 1', 'SET b 1', 'EXEC']);
  });
});

describe('clients that wait', () => {
  it('are units of their own, behind the command that served them', () => {
    const { rig, client } = started();
    const waits = rig.connect();
    const next = rig.connect();
    waits.run('BLMOVE l m LEFT RIGHT 0');
    next.run('BLPOP m 0');
    expect(rig.takeLines()).toEqual([]);
    for (const line of ['MULTI', 'RPUSH l x', 'SET a 1', 'EXEC']) client.run(line);
    expect(rig.takeLines()).toEqual([
      'MULTI',
      'SELECT 0',
      'RPUSH l x',
      'SET a 1',
      'EXEC',
      'LMOVE l m LEFT RIGHT',
      'LPOP m',
    ]);
    expect(next.unread()).toBe('["m", "x"]');
  });

  it('write in the database that they wait in', () => {
    const { rig, client } = started();
    const waits = rig.connect();
    waits.run('SELECT 2');
    waits.run('BZPOPMIN z 0');
    for (const line of ['ZADD z 1 m', 'COPY z z DB 2', 'GET a']) client.run(line);
    expect(rig.takeLines()).toEqual([
      'SELECT 0',
      'ZADD z 1 m',
      'COPY z z DB 2',
      'SELECT 2',
      'ZPOPMIN z',
    ]);
  });
});

describe('what nobody asked for', () => {
  it('evicted keys are deleted one by one, in front of the command they made room for', () => {
    const { rig, client } = started();
    for (let i = 0; i < 300; i++) client.call('SET', `key:${i}`, 'x'.repeat(100));
    rig.core.exports.setConfig(CFG_MAXMEMORY_POLICY, POLICY_ALLKEYS_RANDOM);
    // An empty stream has no buffer, so that all that is used counts.
    rig.stream.turn(true);
    rig.core.exports.setConfig(CFG_MAXMEMORY, usedMemory(rig) - 3000);
    client.run('SET more 1');
    const lines = rig.takeLines();
    expect(lines.shift()).toBe('SELECT 0');
    expect(lines.pop()).toBe('SET more 1');
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.filter((line) => !/^DEL key:\d+$/.test(line))).toEqual([]);
    rig.core.exports.setConfig(CFG_LAZYFREE_EVICTION, 1);
    rig.stream.turn(true);
    rig.core.exports.setConfig(CFG_MAXMEMORY, usedMemory(rig) - 3000);
    client.run('SET more 2');
    expect(rig.takeLines()[1]).toMatch(/^UNLINK key:\d+$/);
  });

  it('the stream itself evicts nothing', () => {
    const { rig, client } = started();
    client.run('SET a 1');
    rig.core.exports.setConfig(CFG_MAXMEMORY_POLICY, POLICY_ALLKEYS_RANDOM);
    rig.core.exports.setConfig(CFG_MAXMEMORY, usedMemory(rig) + 20_000);
    const filler = 'x'.repeat(1000);
    for (let i = 0; i < 5000; i++) client.call('SET', 'b', filler);
    expect(rig.stream.length).toBeGreaterThan(5_000_000);
    expect(client.run('DBSIZE')).toBe('2');
  });

  it('nothing expires in the stream while writes are held', () => {
    const { rig, client } = started();
    client.run('SET a 1 PX 10');
    rig.take();
    rig.nowMs += 20;
    rig.core.exports.setConfig(CFG_GUARDS, GUARD_PAUSE_WRITE);
    expect(client.run('GET a')).toBe('nil');
    rig.cron();
    expect(rig.takeLines()).toEqual([]);
    rig.core.exports.setConfig(CFG_GUARDS, 0);
    expect(client.run('GET a')).toBe('nil');
    expect(rig.takeLines()).toEqual(['DEL a']);
  });

  it('a key that was carried elsewhere is deleted', () => {
    const { rig, client } = started();
    client.run('SELECT 1');
    client.run('SET a 1');
    client.run('SELECT 0');
    client.run('SET b 1');
    rig.take();
    const { core } = rig;
    const key = core.exports.hostAlloc(8) >>> 0;
    core.bytes[key] = 97;
    expect(core.exports.transferDelete(1, key, 1, rig.nowMs)).toBeTruthy();
    expect(core.exports.transferDelete(1, key, 1, rig.nowMs)).toBeFalsy();
    expect(rig.takeLines()).toEqual(['SELECT 1', 'DEL a']);
  });
});

describe('taking', () => {
  it('drops what was taken and keeps the rest', () => {
    const { rig, client } = started();
    client.run('SET a 1');
    client.run('SET b 1');
    const bytes = Buffer.from(rig.stream.view());
    rig.stream.taken(23 + 27);
    expect(rig.stream.length).toBe(bytes.length - 50);
    expect(Buffer.from(rig.stream.view())).toEqual(bytes.subarray(50));
    client.run('SET c 1');
    expect(rig.takeLines()).toEqual(['SET b 1', 'SET c 1']);
    expect(rig.stream.length).toBe(0);
  });

  it('a new file begins with SELECT, and so does the stream when it is switched on again', () => {
    const { rig, client } = started();
    client.run('SET a 1');
    client.run('SET a 2');
    rig.stream.reset();
    client.run('SET a 3');
    expect(rig.takeLines()).toEqual(['SELECT 0', 'SET a 1', 'SET a 2', 'SELECT 0', 'SET a 3']);
    client.run('SET a 4');
    rig.stream.turn(false);
    expect(rig.stream.length).toBe(0);
    client.run('FLUSHALL');
    client.run('SCAN 0');
    rig.stream.turn(true);
    client.run('GET a');
    client.run('MSETEX 1 a 1 EX 1');
    client.run('SET b 1 PX 5');
    rig.nowMs += 2000;
    for (const line of ['MULTI', 'GET a', 'GET b', 'EXEC']) client.run(line);
    expect(rig.takeLines().slice(0, 1)).toEqual(['SELECT 0']);
  });

  it('costs nothing in memory that stays', () => {
    const { rig, client } = started();
    client.run('SET a 1');
    const before = usedMemory(rig);
    for (let i = 0; i < 20; i++) {
      client.call('SET', 'a', 'x'.repeat(300_000));
      client.run('SET a 1');
    }
    expect(usedMemory(rig)).toBeGreaterThan(before + 6_000_000);
    rig.take();
    expect(usedMemory(rig)).toBeLessThan(before + 100_000);
  });
});

describe('without memory', () => {
  it('the stream ends with whole units and says that it is lost, until it is switched on again', () => {
    const rig = new ChangeRig({ memoryLimitBytes: 24 * 1024 * 1024 });
    rig.stream.turn(true);
    const client = rig.connect();
    let sent = 0;
    while (!rig.stream.isLost && sent < 100) {
      sent += 1;
      const lines = ['MULTI', `SET n ${sent}`, `SET v ${'x'.repeat(200_000)}`, 'EXEC'];
      for (const line of lines) client.run(line);
    }
    expect(sent).toBeLessThan(100);
    expect(client.run('GET n')).toBe(`"${sent}"`);
    client.run('SET n after');
    const commands = parseCommands(rig.take()).map(showCommand);
    expect(commands.at(-1)).toBe('EXEC');
    expect(commands.at(-3)).toBe(`SET n ${sent - 1}`);
    expect(rig.stream.length).toBe(0);
    rig.stream.turn(true);
    expect(rig.stream.isLost).toBe(false);
    client.run('SET n again');
    expect(rig.takeLines()).toEqual(['SELECT 0', 'SET n again']);
  });
});
