// Payloads with every byte changed, and cut at every length: each is refused, or makes a key that every
// command can deal with, and nothing of it stays in memory.

import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CFG_SKIP_CHECKSUM, CFG_SLOWLOG_SLOWER_US } from '../../assembly/abi.ts';
import { datasetDigest } from '../../src/core/keyspace.ts';
import type { Argument } from '../support/arguments.ts';
import { CoreSession } from '../support/core_session.ts';
import { crc64, payload as makePayload, resigned } from '../support/rdb_payload.ts';
import { rdbSamples } from '../support/rdb_samples.ts';
import { showReply } from '../support/reply_notation.ts';

const REFUSED = ['-ERR Bad data format', '-ERR DUMP payload version or checksum are wrong'];
const FOOTER_BYTES = 10;
/** Longer samples are looked at in steps, so that all of them together take seconds. */
const PLACES_MAX = 200;

const LONG_VALUE = 'v'.repeat(100);

/** What is done with a key that came of a broken payload: reads and changes everywhere in it. */
const PROBES: Readonly<Record<string, readonly (readonly Argument[])[]>> = {
  string: [
    ['APPEND', 'k', 'x'],
    ['GETRANGE', 'k', 0, -1],
  ],
  list: [
    ['LRANGE', 'k', 0, -1],
    ['LINSERT', 'k', 'BEFORE', 'a', 'new'],
    ['LSET', 'k', 0, 'changed'],
    ['LREM', 'k', 0, '13'],
    ['RPUSH', 'k', 'tail'],
    ['LTRIM', 'k', 1, -2],
  ],
  set: [
    ['SMEMBERS', 'k'],
    ['SADD', 'k', 'new', '5'],
    ['SREM', 'k', 'a', '13'],
    ['SRANDMEMBER', 'k', -5],
    ['SPOP', 'k', 2],
  ],
  zset: [
    ['ZRANGE', 'k', 0, -1, 'WITHSCORES'],
    ['ZRANGEBYSCORE', 'k', '-inf', '+inf'],
    ['ZADD', 'k', '1.5', 'new', '7', 'a'],
    ['ZRANK', 'k', 'pi'],
    ['ZREM', 'k', 'b', '12'],
    ['ZPOPMIN', 'k', 2],
  ],
  hash: [
    ['HGETALL', 'k'],
    ['HSET', 'k', 'new', 'x', 'a', LONG_VALUE],
    ['HINCRBY', 'k', 'counter', 1],
    ['HDEL', 'k', '13', '7'],
    ['HRANDFIELD', 'k', -5, 'WITHVALUES'],
  ],
  stream: [
    ['XRANGE', 'k', '-', '+'],
    ['XREVRANGE', 'k', '+', '-', 'COUNT', 3],
    ['XINFO', 'STREAM', 'k', 'FULL'],
    ['XADD', 'k', '*', 'f', 'v'],
    ['XREADGROUP', 'GROUP', 'group', 'alice', 'COUNT', 2, 'STREAMS', 'k', '>'],
    ['XPENDING', 'k', 'group', '-', '+', 10],
    ['XCLAIM', 'k', 'group', 'carol', 0, '6-1', '9-9'],
    ['XACK', 'k', 'group', '1-1'],
    ['XDEL', 'k', '1-2'],
    ['XTRIM', 'k', 'MAXLEN', 1],
    ['XGROUP', 'DELCONSUMER', 'k', 'group', 'bob'],
  ],
};

const session = new CoreSession();

/** Restores bytes and, if they were taken, uses the key in every way. */
function tryOut(bytes: Uint8Array): void {
  const reply = showReply(session.call('RESTORE', 'k', 0, bytes));
  if (reply !== '+OK') {
    expect(REFUSED).toContain(reply);
    return;
  }
  const type = showReply(session.call('TYPE', 'k')).slice(1);
  session.call('DUMP', 'k');
  datasetDigest(session.core);
  session.call('COPY', 'k', 'copy');
  for (const probe of PROBES[type] ?? []) session.call(...probe);
  datasetDigest(session.core);
  session.call('DEL', 'k', 'copy');
}

/** Where a payload is changed: everywhere, or evenly spread. */
function places(bytes: number): number[] {
  const step = Math.max(1, bytes / PLACES_MAX);
  const found: number[] = [];
  for (let at = 0; at < bytes; at += step) found.push(Math.floor(at));
  return found;
}

/** Bytes in use without any keys. */
function usedWithoutKeys(): number {
  session.core.exports.setConfig(CFG_SKIP_CHECKSUM, 0);
  session.call('FLUSHALL');
  session.reconnect();
  return session.usedBytes();
}

beforeAll(() => {
  // A record of the slow log is memory, too.
  session.core.exports.setConfig(CFG_SLOWLOG_SLOWER_US, -1);
  // What the first use of a command sets up for good is not to be counted.
  for (const { payload } of rdbSamples()) tryOut(payload);
  for (const probe of Object.values(PROBES).flat()) session.call(...probe);
});

describe.each(rdbSamples())('$name', ({ payload }) => {
  let before: number;

  beforeEach(() => {
    before = usedWithoutKeys();
  });
  afterEach(() => {
    expect(usedWithoutKeys(), 'bytes that are left').toBe(before);
  });

  it('with one byte changed and no checksum to tell', () => {
    session.core.exports.setConfig(CFG_SKIP_CHECKSUM, 1);
    for (const at of places(payload.length - FOOTER_BYTES)) {
      const was = payload[at]!;
      for (const now of [was ^ 1, was ^ 0x80, was + 1, was - 1, 0, 0xff]) {
        const changed = Buffer.from(payload);
        changed[at] = now;
        tryOut(changed);
      }
    }
  });

  it('with one byte changed and the checksum made anew', () => {
    for (const at of places(payload.length - 8)) {
      const changed = Buffer.from(payload);
      changed[at] = changed[at]! ^ (1 << (at % 8));
      tryOut(resigned(changed));
    }
  });

  it('with one byte changed is refused when the checksum stays', () => {
    for (const at of places(payload.length)) {
      const changed = Buffer.from(payload);
      changed[at] = changed[at]! ^ 0x10;
      expect(showReply(session.call('RESTORE', 'k', 0, changed))).toBe(REFUSED[1]);
    }
  });

  it('cut at any length', () => {
    const body = payload.subarray(0, -FOOTER_BYTES);
    for (const at of places(body.length)) {
      expect(REFUSED).toContain(
        showReply(session.call('RESTORE', 'k', 0, makePayload(body.subarray(0, at)))),
      );
      expect(REFUSED).toContain(
        showReply(session.call('RESTORE', 'k', 0, payload.subarray(0, at))),
      );
    }
  });

  it('with a length that promises the world', () => {
    session.core.exports.setConfig(CFG_SKIP_CHECKSUM, 1);
    const huge = [
      [0x80, 0xff, 0xff, 0xff, 0xff],
      [0x81, 0, 0, 0, 1, 0, 0, 0, 0],
      [0x81, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
      [0xc3, 0x05, 0x80, 0xff, 0xff, 0xff, 0xff],
    ];
    for (const at of places(payload.length - FOOTER_BYTES)) {
      for (const length of huge) {
        const head = payload.subarray(0, at);
        tryOut(Buffer.concat([head, Buffer.from(length), payload.subarray(at + 1)]));
        tryOut(Buffer.concat([head, Buffer.from(length), Buffer.alloc(64)]));
      }
    }
  });
});

it('the checksum of the tests is that of the format', () => {
  expect(crc64(Buffer.from('123456789'))).toBe(0xe9c6d914c4b8d9can);
});
