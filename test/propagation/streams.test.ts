// Streams and consumer groups in the stream of changes.

import { expect, it } from 'vitest';
import { CFG_STREAM_NODE_MAX_ENTRIES } from '../../assembly/abi.ts';
import { ChangeRig, type RigConnection, START_MS } from '../support/change_stream.ts';

function started(): { rig: ChangeRig; client: RigConnection } {
  const rig = new ChangeRig();
  rig.core.exports.setConfig(CFG_STREAM_NODE_MAX_ENTRIES, 4);
  rig.stream.turn(true);
  const client = rig.connect();
  client.run('SET first 1');
  rig.take();
  return { rig, client };
}

const XCLAIM = (id: string, consumer: string, at: number, times: number, last = id) =>
  `XCLAIM s g ${consumer} 0 ${id} TIME ${at} RETRYCOUNT ${times} FORCE JUSTID LASTID ${last}`;

it('XADD has the id that was made, and trims exactly', () => {
  const { rig, client } = started();
  client.run('XADD s 1-1 f v');
  client.run('XADD s * f v');
  client.run(`XADD s ${START_MS}-* f v`);
  client.run('XADD s NOMKSTREAM maxlen 10 * f v');
  client.run('XADD none NOMKSTREAM * f v');
  expect(rig.takeLines()).toEqual([
    'XADD s 1-1 f v',
    `XADD s ${START_MS}-0 f v`,
    `XADD s ${START_MS}-1 f v`,
    `XADD s NOMKSTREAM maxlen 10 ${START_MS}-2 f v`,
  ]);
  for (let i = 1; i <= 6; i++) client.run(`XADD t ${i}-1 f v`);
  rig.take();
  client.run('XADD t MAXLEN ~ 3 LIMIT 4 7-1 f v');
  client.run('XADD t MINID ~ 1 8-* f v');
  client.run('XTRIM t MINID ~ 2 LIMIT 1');
  for (let i = 9; i <= 12; i++) client.run(`XADD t ${i}-1 f v`);
  client.run('XTRIM t MINID ~ 10 LIMIT 100');
  client.run('XTRIM t MAXLEN 2');
  expect(rig.takeLines()).toEqual([
    'XADD t MAXLEN = 3 7-1 f v',
    'XADD t MINID = 5-1 8-0 f v',
    'XADD t 9-1 f v',
    'XADD t 10-1 f v',
    'XADD t 11-1 f v',
    'XADD t 12-1 f v',
    'XTRIM t MINID = 9-1',
    'XTRIM t MAXLEN 2',
  ]);
});

it('an approximate trim that passes over entries is written as the number that was left', () => {
  const { rig, client } = started();
  client.run('XGROUP CREATE s g 0 MKSTREAM');
  for (let i = 1; i <= 9; i++) client.run(`XADD s ${i}-1 f v`);
  client.run('XREADGROUP GROUP g c COUNT 9 STREAMS s >');
  client.run('XACK s g 1-1 3-1 4-1 5-1 7-1');
  rig.take();
  client.run('XTRIM s MINID ~ 9 ACKED');
  expect(rig.takeLines()).toEqual(['XTRIM s MAXLEN = 4 ACKED']);
});

it('XADD IDMP leaves what makes a second one known', () => {
  const { rig, client } = started();
  client.run('XADD s IDMP producer one MAXLEN ~ 100 * f v');
  client.run('XADD s IDMP producer one * f v');
  expect(rig.takeLines()).toEqual([
    'MULTI',
    `XADD s ${START_MS}-0 f v`,
    `XIDMPRECORD s producer one ${START_MS}-0`,
    'EXEC',
  ]);
  client.run('XADD s IDMP producer limit MAXLEN 0 * f v');
  expect(rig.takeLines().slice(2)).toEqual([
    `XIDMPRECORD s producer limit ${START_MS}-1`,
    'XTRIM s MAXLEN = 0',
    'EXEC',
  ]);
  client.run('XCFGSET s IDMP-MAXSIZE 5');
  expect(rig.takeLines()).toEqual(['XCFGSET s IDMP-MAXSIZE 5']);
});

it('XREADGROUP is written entry by entry, and how far the group has come', () => {
  const { rig, client } = started();
  client.run('XGROUP CREATE s g 0 MKSTREAM');
  for (let i = 1; i <= 3; i++) client.run(`XADD s ${i}-1 f v`);
  rig.take();
  client.run('XREADGROUP GROUP g bob COUNT 2 STREAMS s >');
  expect(rig.takeLines()).toEqual([
    'MULTI',
    XCLAIM('1-1', 'bob', START_MS, 1),
    XCLAIM('2-1', 'bob', START_MS, 1),
    'XGROUP SETID s g 2-1 ENTRIESREAD 2',
    'EXEC',
  ]);
  client.run('XREADGROUP GROUP g carol NOACK STREAMS s >');
  expect(rig.takeLines()).toEqual([
    'MULTI',
    'XGROUP CREATECONSUMER s g carol',
    'XGROUP SETID s g 3-1 ENTRIESREAD 3',
    'EXEC',
  ]);
  // Nothing new, but a consumer; reading again is not written.
  client.run('XREADGROUP GROUP g dan STREAMS s >');
  client.run('XREADGROUP GROUP g bob STREAMS s 0');
  client.run('XREADGROUP GROUP g eve STREAMS s 0');
  expect(rig.takeLines()).toEqual([
    'XGROUP CREATECONSUMER s g dan',
    'XGROUP CREATECONSUMER s g eve',
  ]);
  // An entry that is gone is claimed for its consumer, which ends its pending.
  rig.nowMs += 50;
  client.run('XDEL s 1-1');
  client.run('XREADGROUP GROUP g dan CLAIM 40 STREAMS s >');
  expect(rig.takeLines()).toEqual([
    'XDEL s 1-1',
    'MULTI',
    XCLAIM('1-1', 'bob', START_MS, 2, '3-1'),
    XCLAIM('2-1', 'dan', START_MS + 50, 3, '3-1'),
    'EXEC',
  ]);
});

it('XCLAIM and XAUTOCLAIM are written entry by entry', () => {
  const { rig, client } = started();
  client.run('XGROUP CREATE s g 0 MKSTREAM');
  for (let i = 1; i <= 4; i++) client.run(`XADD s ${i}-1 f v`);
  client.run('XREADGROUP GROUP g bob STREAMS s >');
  client.run('XDEL s 2-1');
  rig.take();
  rig.nowMs += 10;
  client.run('XCLAIM s g carol 5 1-1 2-1 9-9 RETRYCOUNT 7 TIME 1234');
  expect(rig.takeLines()).toEqual([
    'MULTI',
    XCLAIM('1-1', 'carol', 1234, 7, '4-1'),
    XCLAIM('2-1', 'bob', START_MS, 1, '4-1'),
    'EXEC',
  ]);
  client.run('XCLAIM s g dan 1000 1-1');
  expect(rig.takeLines()).toEqual([XCLAIM('1-1', 'dan', START_MS + 10, 8, '4-1')]);
  client.run('XCLAIM s g eve 1000 1-1 LASTID 8-8');
  expect(rig.takeLines()).toEqual([
    'MULTI',
    'XGROUP SETID s g 8-8 ENTRIESREAD 4',
    'XGROUP CREATECONSUMER s g eve',
    'EXEC',
  ]);
  client.run('XAUTOCLAIM s g frank 5 2 COUNT 1');
  expect(rig.takeLines()).toEqual([XCLAIM('3-1', 'frank', START_MS + 10, 2, '8-8')]);
  // Given back, an entry is nobody's; when it is gone, it is acknowledged.
  client.run('XNACK s g SILENT IDS 1 3-1');
  client.run('XDEL s 3-1');
  client.run('XAUTOCLAIM s g frank 0 3 COUNT 1');
  expect(rig.takeLines()).toEqual(['XNACK s g SILENT IDS 1 3-1', 'XDEL s 3-1', 'XACK s g 3-1']);
  client.run('XACK s g 4-1 9-9');
  client.run('XACK s g 9-9');
  expect(rig.takeLines()).toEqual(['XACK s g 4-1 9-9']);
});
