// Goal: stream commands that run out of memory say so and leave streams as they should be, and memory that
// is no longer used comes back.
// Method: an engine with little memory that one key takes up. Commands are called until they are refused;
// what they left is read back after some memory is free again.

import { describe, expect, it } from 'vitest';
import { CFG_SLOWLOG_SLOWER_US } from '../../assembly/abi.ts';
import { CoreSession } from '../support/core_session.ts';
import { showReply } from '../support/reply_notation.ts';

const MEMORY_LIMIT_BYTES = 12 * 1024 * 1024;
const OOM = 'OOM out of memory';

/** Takes memory until only pieces are left, in keys that start with "filler". */
function fill(session: CoreSession): void {
  for (const bytes of [300_000, 30_000, 3000, 300]) {
    for (let i = 0; ; i++) {
      const reply = showReply(session.call('SET', `filler${bytes}:${i}`, 'x'.repeat(bytes)));
      if (!reply.startsWith('+')) break;
    }
  }
}

function release(session: CoreSession): void {
  for (const bytes of [300_000, 30_000, 3000, 300]) {
    for (let i = 0; ; i++) {
      if (showReply(session.call('DEL', `filler${bytes}:${i}`)) === '0') break;
    }
  }
}

/** Makes streams with all there may be in them, and deletes them. */
function useStreams(session: CoreSession): void {
  for (let i = 1; i <= 1000; i++) {
    session.call('XADD', 's', `${i}`, 'f', `value ${i}`, 'g', 'x'.repeat(i % 50));
    session.call('XDEL', 's', `${i - (i % 7)}`);
  }
  for (let i = 1; i <= 200; i++) {
    session.call('XADD', 's', 'IDMP', `p${i % 3}`, `${i}`, '*', 'f', 'v');
  }
  session.call('XGROUP', 'CREATE', 's', 'g', '0');
  session.call('XGROUP', 'CREATE', 's', 'h', '0');
  session.call('XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 's', '>');
  session.call('XREADGROUP', 'GROUP', 'h', 'd', 'CLAIM', '0', 'STREAMS', 's', '>');
  session.call('XREADGROUP', 'GROUP', 'h', 'e', 'CLAIM', '0', 'COUNT', '5', 'STREAMS', 's', '>');
  session.call('XAUTOCLAIM', 's', 'g', 'd', '0', '0', 'COUNT', '100');
  session.call('COPY', 's', 't');
  expect(showReply(session.call('XLEN', 't'))).toBe(showReply(session.call('XLEN', 's')));
  session.call('XTRIM', 't', 'MAXLEN', '~', '300', 'DELREF');
  session.call('XGROUP', 'DESTROY', 't', 'g');
  session.call('DEL', 's', 't');
  while (session.core.exports.cron(session.nowMs, 1000) !== 0);
}

describe('stream commands without memory', () => {
  it('add an entry or nothing', () => {
    const session = new CoreSession({ memoryLimitBytes: MEMORY_LIMIT_BYTES });
    session.call('XADD', 's', '1', 'f', 'v');
    fill(session);
    expect(showReply(session.call('XADD', 's', '2', 'f', 'x'.repeat(200_000)))).toContain(OOM);
    expect(showReply(session.call('XADD', 't', '2', 'f', 'x'.repeat(200_000)))).toContain(OOM);
    expect(showReply(session.call('EXISTS', 't'))).toBe('0');
    expect(showReply(session.call('XLEN', 's'))).toBe('1');
    release(session);
    expect(showReply(session.call('XRANGE', 's', '-', '+'))).toBe('[["1-0", ["f", "v"]]]');
    expect(showReply(session.call('XADD', 's', '2', 'f', 'x'.repeat(200_000)))).toBe('"2-0"');
  });

  it('give all memory back with the key', () => {
    const session = new CoreSession({ memoryLimitBytes: MEMORY_LIMIT_BYTES });
    session.core.exports.setConfig(CFG_SLOWLOG_SLOWER_US, -1);
    // The first time, commands get what they keep for their statistics.
    useStreams(session);
    const before = session.usedBytes();
    useStreams(session);
    expect(session.usedBytes()).toBe(before);
  });
});
