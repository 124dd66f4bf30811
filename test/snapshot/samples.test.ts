// Every encoding of every type, as Redis ever wrote it: this server reads what real Redis reads, and
// the same data comes of it.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CFG_SLOWLOG_SLOWER_US } from '../../assembly/abi.ts';
import { valueDigest } from '../../src/core/keyspace.ts';
import { CoreSession } from '../support/core_session.ts';
import { rdbSamples } from '../support/rdb_samples.ts';
import { showReply } from '../support/reply_notation.ts';
import { RespClient } from '../support/resp_client.ts';
import type { Reply } from '../support/resp_decoder.ts';
import { realRedisAvailable, startServer } from '../support/server.ts';

const session = new CoreSession();
// A record of the slow log would count as memory in use.
session.core.exports.setConfig(CFG_SLOWLOG_SLOWER_US, -1);

function digest(key: string): string {
  return valueDigest(session.core, 0, Buffer.from(key)).toString('hex');
}

function bulk(reply: Reply): Buffer {
  if (reply.kind !== 'bulk') throw new Error(showReply(reply));
  return Buffer.from(reply.bytes);
}

describe.each(rdbSamples())('$name', ({ payload, commands }) => {
  it('is what commands make', () => {
    session.call('FLUSHALL');
    for (const command of commands) {
      expect(session.call(...command).kind).not.toBe('error');
    }
    session.call('RESTORE', 'k', 0, payload);
    expect(digest('k')).toBe(digest('same'));
  });

  it('is restored, and comes back the same from what DUMP makes of it', () => {
    session.call('FLUSHALL');
    expect(showReply(session.call('RESTORE', 'first', 0, payload))).toBe('+OK');
    const dumped = bulk(session.call('DUMP', 'first'));
    expect(showReply(session.call('RESTORE', 'second', 0, dumped))).toBe('+OK');
    expect(digest('second')).toBe(digest('first'));
  });

  it('is copied, and leaves nothing behind', () => {
    const copied = () => {
      session.call('RESTORE', 'first', 0, payload);
      expect(showReply(session.call('COPY', 'first', 'second'))).toBe('1');
      expect(digest('second')).toBe(digest('first'));
      session.call('FLUSHALL');
      session.reconnect();
      return session.usedBytes();
    };
    session.call('FLUSHALL');
    const before = copied();
    expect(copied()).toBe(before);
  });
});

describe.skipIf(!realRedisAvailable())('against real Redis', () => {
  let redis: RespClient;

  beforeAll(async () => {
    const args = ['--enable-debug-command', 'yes', '--sanitize-dump-payload', 'yes'];
    redis = await RespClient.connect({ port: (await startServer({ kind: 'redis', args })).port });
  });
  afterAll(() => redis.close());

  const ask = async (...args: (string | Uint8Array)[]) => showReply(await redis.call(...args));

  const common = rdbSamples().filter(({ version }) => version < 12);

  it.each(common)('$name is the same data there', async ({ payload, commands, known }) => {
    await redis.call('FLUSHALL');
    session.call('FLUSHALL');
    for (const command of commands) {
      expect((await redis.call(...command)).kind).not.toBe('error');
    }
    expect(showReply(session.call('RESTORE', 'k', '0', payload))).toBe('+OK');
    expect(await ask('DEBUG', 'DIGEST-VALUE', 'same')).toBe(`[+"${digest('k')}"]`);
    if (known) {
      expect(await ask('RESTORE', 'theirs', '0', payload)).toBe('+OK');
      expect(await ask('DEBUG', 'DIGEST-VALUE', 'theirs')).toBe(`[+"${digest('k')}"]`);
    }
  });

  it.each(common)('$name goes there as DUMP gives it', async ({ payload }) => {
    await redis.call('FLUSHALL');
    session.call('FLUSHALL');
    session.call('RESTORE', 'k', '0', payload);
    expect(await ask('RESTORE', 'k', '0', bulk(session.call('DUMP', 'k')))).toBe('+OK');
    expect(await ask('DEBUG', 'DIGEST-VALUE', 'k')).toBe(`[+"${digest('k')}"]`);
  });
});
