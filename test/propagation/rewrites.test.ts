// What each command leaves in the stream of changes: itself, or a form that gives the same at any time.
//
// A case is a row of lines: "> command" runs one, what it and those before it wrote follows. Times are given
// relative to the clock of the test: T+500 is the Unix time in milliseconds half a second later.

import { describe, expect, it } from 'vitest';
import { CFG_LAZYFREE_EXPIRE, CFG_LAZYFREE_SERVER_DEL } from '../../assembly/abi.ts';
import { ChangeRig, START_MS } from '../support/change_stream.ts';

function withTimes(text: string): string {
  return text.replace(/T([+-]\d+)(s?)/g, (_, offset: string, unit: string) =>
    String(unit === 's' ? START_MS / 1000 + Number(offset) : START_MS + Number(offset)),
  );
}

/** Runs a case; returns the lines as they really came. */
function play(rig: ChangeRig, lines: readonly string[]): string[] {
  const client = rig.connect();
  const seen: string[] = [];
  for (const line of lines) {
    if (!line.startsWith('> ')) continue;
    seen.push(line);
    client.run(withTimes(line.slice(2)));
    seen.push(...rig.takeLines());
  }
  return seen;
}

function started(): ChangeRig {
  const rig = new ChangeRig();
  rig.stream.turn(true);
  const client = rig.connect();
  client.run('SET first 1');
  rig.take();
  return rig;
}

function expectCase(text: string, rig = started()): void {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  expect(play(rig, lines)).toEqual(
    lines.map((line) => (line.startsWith('> ') ? line : withTimes(line))),
  );
}

describe('strings', () => {
  it('SET is written as it came, but for relative times and GET', () =>
    expectCase(`
      > set a 1
      set a 1
      > SET a 2 EX 10
      SET a 2 PXAT T+10000
      > SET a 2 PX 15
      SET a 2 PXAT T+15
      > SET a 2 EXAT T+100s
      SET a 2 PXAT T+100000
      > SET a 2 pxat T+100 XX
      SET a 2 pxat T+100 XX
      > SET a 3 NX
      > SET a 3 XX GET KEEPTTL get
      SET a 3 XX KEEPTTL
      > SET b 3 NX EX 1 GET
      SET b 3 PXAT T+1000
      > SET b 4 IFEQ 3
      SET b 4
      > SET b 5 IFEQ 4 KEEPTTL
      SET b 5 KEEPTTL
      > SET b 6 IFNE 4 PXAT T+9
      SET b 6 PXAT T+9
      > SET b 7 IFEQ 4
    `));

  it('SETEX and PSETEX become SET, GETSET too', () =>
    expectCase(`
      > SETEX a 5 v
      SET a v PXAT T+5000
      > PSETEX a 5 v
      SET a v PXAT T+5
      > SETNX b v
      SETNX b v
      > SETNX b v
      > GETSET b w
      SET b w
    `));

  it('GETEX and GETDEL are written as what they do to the key', () =>
    expectCase(`
      > SET a 1
      SET a 1
      > GETEX a
      > GETEX a EX 3
      PEXPIREAT a T+3000
      > GETEX a PERSIST
      PERSIST a
      > GETEX a PERSIST
      > GETEX a PXAT T-5
      DEL a
      > GETDEL a
      > SET a 1
      SET a 1
      > GETDEL a
      DEL a
      > SET a 1
      SET a 1
      > DELEX a IFEQ 2
      > DELEX a IFEQ 1
      DEL a
    `));

  it('numbers that are no integers are written as their result', () =>
    expectCase(`
      > INCR n
      INCR n
      > DECRBY n 5
      DECRBY n 5
      > INCRBYFLOAT n 0.5
      SET n -3.5 KEEPTTL
      > INCREX n BYFLOAT 0.25
      SET n -3.25 KEEPTTL
      > INCREX m BYINT 4 EX 10
      SET m 4 PXAT T+10000
      > INCREX m PERSIST
      SET m 5
      > INCREX m UBOUND 3
      > INCREX m PXAT T-1
      DEL m
    `));

  it('several strings: MSETEX in words that older servers know', () =>
    expectCase(`
      > MSET a 1 b 2
      MSET a 1 b 2
      > MSETNX a 1 c 2
      > MSETEX 2 a 1 b 2 NX
      > MSETEX 2 a 1 b 2 XX
      MSET a 1 b 2
      > MSETEX 2 a 1 b 2 EX 3
      MULTI
      SET a 1 PXAT T+3000
      SET b 2 PXAT T+3000
      EXEC
      > MSETEX 1 a 5 KEEPTTL
      SET a 5 KEEPTTL
    `));
});

describe('expiry', () => {
  it('every form becomes PEXPIREAT with its conditions, or DEL', () =>
    expectCase(`
      > SET a 1
      SET a 1
      > EXPIRE a 10
      PEXPIREAT a T+10000
      > pexpire a 20000 GT
      PEXPIREAT a T+20000 GT
      > EXPIRE a 10 NX
      > EXPIREAT a T+7s
      PEXPIREAT a T+7000
      > pexpireat a T+7777
      PEXPIREAT a T+7777
      > PERSIST a
      PERSIST a
      > PERSIST a
      > EXPIRE a -1
      DEL a
    `));

  it('UNLINK takes the place of DEL with lazyfree-lazy-expire', () => {
    const rig = started();
    rig.core.exports.setConfig(CFG_LAZYFREE_EXPIRE, 1);
    expectCase(
      `
      > SET a 1
      SET a 1
      > EXPIRE a 0
      UNLINK a
      > SET a 1
      SET a 1
      > GETEX a EXAT 1
      UNLINK a
    `,
      rig,
    );
  });

  it('a key found expired is deleted in front of the command that found it', () => {
    const rig = started();
    const client = rig.connect();
    client.run('SET a 1 PX 10');
    client.run('SADD s x');
    client.run('PEXPIRE s 10');
    client.run('SET b 1 PX 10');
    rig.take();
    rig.nowMs += 11;
    client.run('GET a');
    client.run('SET b 2');
    client.run('SUNIONSTORE t s first2');
    client.run('SADD s y');
    expect(rig.takeLines()).toEqual(
      ['DEL a', 'MULTI', 'DEL b', 'SET b 2', 'EXEC', 'DEL s', 'SADD s y'].concat(),
    );
  });

  it('keys that the cycle or SCAN come upon are deleted one by one', () => {
    const rig = started();
    const client = rig.connect();
    for (const key of ['a', 'b', 'c']) client.run(`SET ${key} 1 PX 10`);
    rig.take();
    rig.nowMs += 11;
    client.run('SCAN 0 COUNT 1000');
    expect(rig.takeLines().sort()).toEqual(['DEL a', 'DEL b', 'DEL c']);
    for (const key of ['a', 'b', 'c']) client.run(`SET ${key} 1 PX 10`);
    rig.take();
    rig.nowMs += 11;
    rig.cron();
    expect(rig.takeLines().sort()).toEqual(['DEL a', 'DEL b', 'DEL c']);
    // In a transaction what SCAN does belongs to it.
    for (const key of ['a', 'b']) client.run(`SET ${key} 1 PX 10`);
    rig.take();
    rig.nowMs += 11;
    client.run('MULTI');
    client.run('SCAN 0 COUNT 1000');
    client.run('EXEC');
    const lines = rig.takeLines();
    expect([lines[0], ...lines.slice(1, -1).sort(), lines.at(-1)]).toEqual([
      'MULTI',
      'DEL a',
      'DEL b',
      'EXEC',
    ]);
  });
});

describe('collections', () => {
  it('lists: what waited or took the first of several keys is written as the plain command', () =>
    expectCase(`
      > RPUSH l 1 2 3 4 5 6 7 8 9 10
      RPUSH l 1 2 3 4 5 6 7 8 9 10
      > LPOP l 2
      LPOP l 2
      > LMPOP 2 none l RIGHT COUNT 2
      RPOP l 2
      > BLMPOP 0 1 l LEFT
      LPOP l 1
      > BRPOP none l 0
      RPOP l
      > BLMOVE l m RIGHT left 0
      LMOVE l m RIGHT left
      > BRPOPLPUSH l m 0
      RPOPLPUSH l m
      > LMOVE l m LEFT LEFT
      LMOVE l m LEFT LEFT
      > LMPOP 1 l LEFT COUNT 100
      LPOP l 1
    `));

  it('SPOP is written as what chance took', () => {
    const rig = started();
    const client = rig.connect();
    client.run(`SADD s ${Array.from({ length: 3000 }, (_, i) => i).join(' ')}`);
    client.run('SADD t a b c');
    rig.take();
    const one = client.run('SPOP t').replaceAll('"', '');
    expect(rig.takeLines()).toEqual([`SREM t ${one}`]);
    const two = client.run('SPOP t 1').replace(/[^abc]/g, '');
    expect(rig.takeLines()).toEqual([`SREM t ${two}`]);
    client.run('SPOP t 5');
    expect(rig.takeLines()).toEqual(['DEL t']);
    client.run('SPOP s 2500');
    const lines = rig.takeLines().map((line) => line.split(' '));
    expect(lines.map((words) => words[0])).toEqual(['MULTI', 'SREM', 'SREM', 'SREM', 'EXEC']);
    expect(lines.map((words) => words.length)).toEqual([1, 1026, 1026, 454, 1]);
    rig.core.exports.setConfig(CFG_LAZYFREE_SERVER_DEL, 1);
    client.run('SPOP s 500');
    expect(rig.takeLines()).toEqual(['UNLINK s']);
  });

  it('sorted sets and places', () =>
    expectCase(`
      > ZADD z 1 a 2 b 3 c 4 d 5 e
      ZADD z 1 a 2 b 3 c 4 d 5 e
      > BZPOPMIN none z 0
      ZPOPMIN z
      > ZMPOP 1 z MAX COUNT 2
      ZPOPMAX z 2
      > BZMPOP 0 2 none z MIN COUNT 9
      ZPOPMIN z 2
      > ZINCRBY z 1.5 a
      ZINCRBY z 1.5 a
      > GEOADD g NX CH 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
      ZADD g NX CH 3479099956230698 Palermo 3479447370796909 Catania
      > GEOADD g NX 13 38 Palermo
      > GEOSEARCHSTORE h g FROMMEMBER Palermo BYRADIUS 10 km
      GEOSEARCHSTORE h g FROMMEMBER Palermo BYRADIUS 10 km
    `));

  it('hashes: expiries of fields are absolute, and only those fields are named that met it', () =>
    expectCase(`
      > HSET h a 1 b 2 c 3 d 4
      HSET h a 1 b 2 c 3 d 4
      > HINCRBYFLOAT h a 0.5
      HSET h a 1.5
      > HEXPIRE h 10 FIELDS 4 a none b c
      MULTI
      HPEXPIREAT h T+10000 FIELDS 1 a
      HPEXPIREAT h T+10000 FIELDS 2 b c
      EXEC
      > HINCRBYFLOAT h a 0.5
      HSETEX h KEEPTTL FIELDS 1 a 2
      > HEXPIRE h 20 NX FIELDS 2 a d
      HPEXPIREAT h T+20000 FIELDS 1 d
      > HEXPIRE h 20 NX FIELDS 2 a d
      > HPERSIST h FIELDS 3 a none d
      MULTI
      HPERSIST h FIELDS 1 a
      HPERSIST h FIELDS 1 d
      EXEC
      > HGETEX h FIELDS 1 a
      > HGETEX h PX 5 FIELDS 3 a none b
      MULTI
      HPEXPIREAT h T+5 FIELDS 1 a
      HPEXPIREAT h T+5 FIELDS 1 b
      EXEC
      > HGETEX h PERSIST FIELDS 3 a b d
      HPERSIST h FIELDS 2 a b
      > HGETEX h EXAT 1 FIELDS 1 d
      HDEL h d
      > HPEXPIREAT h 1 FIELDS 2 c none
      HDEL h c
      > HGETDEL h FIELDS 3 none a b
      HDEL h a b
      > HSETEX h EX 5 FNX FIELDS 2 a 1 b 2
      HSETEX h PXAT T+5000 FIELDS 2 a 1 b 2
      > HSETEX h KEEPTTL FIELDS 1 a 2
      HSETEX h KEEPTTL FIELDS 1 a 2
      > HSETEX h FXX FIELDS 1 a 3
      HSET h a 3
      > HSETEX h FXX FIELDS 1 none 3
      > HSETEX h EXAT 1 FIELDS 2 a 1 c 2
      HDEL h a c
    `));

  it('fields that expire are deleted one by one, in front of the command that met them', () => {
    const rig = started();
    const client = rig.connect();
    client.run('HSET h a 1 b 2 c 3 d 4 e 5');
    client.run('HPEXPIRE h 10 FIELDS 4 a b c d');
    rig.take();
    rig.nowMs += 11;
    client.run('HGET h a');
    expect(rig.takeLines()).toEqual(['HDEL h a']);
    client.run('HSETNX h b 7');
    expect(rig.takeLines()).toEqual(['MULTI', 'HDEL h b', 'HSETNX h b 7', 'EXEC']);
    // It is there, but its time has come.
    client.run('HPERSIST h FIELDS 1 c');
    expect(rig.takeLines()).toEqual([]);
    rig.cron();
    expect(rig.takeLines()).toEqual(['HDEL h c', 'HDEL h d']);
  });

  it('SORT with STORE is written as its result once it passed over an expired field', () => {
    const rig = started();
    const client = rig.connect();
    client.run('RPUSH l 1 2');
    client.run('HSET w_1 v 5 x 1');
    client.run('HSET w_2 v 3');
    client.run('SORT l BY w_*->v STORE out');
    client.run('HPEXPIRE w_1 10 FIELDS 1 v');
    expect(rig.takeLines()).toContain('SORT l BY w_*->v STORE out');
    rig.nowMs += 11;
    client.run('SORT l BY w_*->v GET w_*->v GET # STORE out');
    expect(rig.takeLines()).toEqual(['MULTI', 'DEL out', 'RPUSH out  1 3 2', 'EXEC']);
  });
});

describe('keys and databases', () => {
  it('RESTORE has an absolute time, SELECT comes before another database', () => {
    const rig = started();
    const client = rig.connect();
    client.run('SET a 1');
    const dump = client.call('DUMP', 'a');
    const payload = Buffer.from(JSON.parse(dump.replace(/\\x(..)/g, '\\u00$1')), 'latin1');
    rig.take();
    client.call('RESTORE', 'b', '500', payload);
    client.call('RESTORE', 'c', '0', payload);
    client.call('RESTORE', 'd', String(START_MS + 9), payload, 'ABSTTL');
    client.call('RESTORE', 'd', String(START_MS - 9), payload, 'ABSTTL', 'REPLACE');
    const lines = rig.takeLines().map((line) => line.replace(payload.toString('latin1'), 'BYTES'));
    expect(lines).toEqual([
      `RESTORE b ${START_MS + 500} BYTES ABSTTL`,
      'RESTORE c 0 BYTES',
      `RESTORE d ${START_MS + 9} BYTES ABSTTL`,
      'DEL d',
    ]);
    expectCase(
      `
      > COPY a e DB 2
      COPY a e DB 2
      > SELECT 2
      > RENAME e f
      SELECT 2
      RENAME e f
      > MOVE f 0
      MOVE f 0
      > SWAPDB 0 1
      SWAPDB 0 1
      > FLUSHDB
      FLUSHDB
      > SELECT 0
      > FLUSHALL ASYNC
      SELECT 0
      FLUSHALL ASYNC
      > DEL none
      > PFADD p a b
      PFADD p a b
      > PFCOUNT p
      PFCOUNT p
      > PFCOUNT p
      > PUBLISH ch message
      > SETBIT n 5 1
      SETBIT n 5 1
    `,
      rig,
    );
  });

  it('what is not written as Redis would write it is put right', () => {
    const rig = started();
    const client = rig.connect();
    // A line end that is none, which the parser takes as one, and an inline command.
    client.send(Buffer.from('*3\r\n$3\r\nSET\r\n$1\r\na\rX$1\r\n1\r\n'));
    client.send(Buffer.from('*3\r\n$3\r\nSET\rX$1\r\nb\r\n$1\r\n1\r\n'));
    client.send(Buffer.from('*3\r\n$3\r\nSET\r\n$1\r\nc\r\n$1\r\n1XY'));
    client.send(Buffer.from("*3\rX$3\r\nSET\r\n$1\r\nd\r\n$1\r\n1\r\nset 'e e' 1\r\n"));
    expect(rig.takeLines()).toEqual(['SET a 1', 'SET b 1', 'SET c 1', 'SET d 1', 'set e e 1']);
  });
});
