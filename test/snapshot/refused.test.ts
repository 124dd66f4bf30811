// RESTORE says why a payload is no good: to the client what Redis says, to the log what Redis logs.

import { describe, expect, it } from 'vitest';
import { faultText } from '../../src/core/rdb_reasons.ts';
import { encodeCommand } from '../support/arguments.ts';
import { InProcessClient, newEngine } from '../support/in_process.ts';
import {
  length,
  listpack,
  payload,
  plain,
  RDB,
  u8,
  value,
  ziplist,
} from '../support/rdb_payload.ts';

const twice = ['a', '1', 'a', '2'];

describe('a payload is refused, and the log tells', () => {
  const told: string[] = [];
  const context = { version: 0, number: 0n, databases: 16 };
  const engine = newEngine(
    {},
    { onBadPayload: (fault, type) => told.push(faultText(fault, { ...context, type })) },
  );
  const client = new InProcessClient(engine);
  const restore = (bytes: Buffer) =>
    client.feed(encodeCommand(['RESTORE', 'k', 0, bytes])).reply.toString();

  it.each([
    ['Hash ziplist integrity check failed.', value(RDB.hashZiplist, plain(ziplist(twice)))],
    ['Hash listpack integrity check failed.', value(RDB.hashListpack, plain(listpack(twice)))],
    ['Zset ziplist integrity check failed.', value(RDB.zsetZiplist, plain(ziplist(twice)))],
    ['Set listpack integrity check failed.', value(RDB.setListpack, plain(listpack(twice)))],
    ['Zipmap integrity check failed.', value(RDB.hashZipmap, plain('\x02'))],
    ['Intset integrity check failed.', value(RDB.setIntset, plain('\x02'))],
    ['List ziplist integrity check failed.', value(RDB.listZiplist, plain('x'))],
    ['Ziplist integrity check failed.', value(RDB.listQuicklist, length(1), plain('x'))],
    ['Listpack integrity check failed.', value(RDB.listQuicklist2, u8(1), u8(2), plain('x'))],
    [
      'Stream listpack integrity check failed.',
      value(RDB.stream, u8(1), plain('0'.repeat(16)), plain('x')),
    ],
    ['Unknown RDB encoding type 200', value(200, plain('x'))],
    ['Unexpected EOF reading RDB file', value(RDB.set, length(3), plain('x'))],
  ])('%s', (words, bytes) => {
    told.length = 0;
    expect(restore(payload(bytes))).toBe('-ERR Bad data format\r\n');
    expect(told).toEqual([words]);
    client.feed('PING\r\n');
    expect(told).toHaveLength(1);
  });

  it('but not for what is well-formed or no payload at all', () => {
    told.length = 0;
    expect(restore(payload(value(RDB.string, plain('x'))))).toBe('+OK\r\n');
    expect(restore(Buffer.from('x'))).toContain('BUSYKEY');
    client.feed('DEL k\r\n');
    expect(restore(Buffer.from('x'))).toContain('checksum');
    expect(restore(payload(value(RDB.set, length(0))))).toBe('-ERR Bad data format\r\n');
    expect(told).toEqual([]);
  });
});
