// What sorting and searching do when memory is used up: they reply the error, change nothing and give
// back what they took.

import { beforeEach, describe, expect, it } from 'vitest';
import { CFG_SLOWLOG_SLOWER_US } from '../../assembly/abi.ts';
import { CoreSession } from '../support/core_session.ts';
import { showReply } from '../support/reply_notation.ts';

/** Enough for a part of it to be kept back for small blocks. */
const MEMORY_LIMIT_BYTES = 32 * 1024 * 1024;
const OOM = '-OOM out of memory: the 4 GiB of this engine are used up';
const ELEMENTS = 100_000;

let session: CoreSession;

function call(...args: Parameters<CoreSession['call']>): string {
  return showReply(session.call(...args));
}

/** Uses up what larger blocks may take. */
function fill(): void {
  for (let i = 0; call('SET', `large:${i}`, 'v'.repeat(60_000)) === '+OK'; i++) {}
}

function empty(): void {
  for (let i = 0; call('DEL', `large:${i}`) === '1'; i++) {}
}

/** Runs a command without memory for it, and again with memory. */
function isRefusedFor(args: string[]): string {
  // The first call takes memory for statistics.
  call(...args);
  fill();
  // Pages that the allocator keeps for small blocks are given up for a large one: they are used, too.
  call(...args);
  fill();
  const before = session.usedBytes();
  expect(call(...args)).toBe(OOM);
  expect(session.usedBytes()).toBe(before);
  empty();
  return call(...args);
}

describe('with memory used up', () => {
  beforeEach(() => {
    session = new CoreSession({ memoryLimitBytes: MEMORY_LIMIT_BYTES });
    // The slow log takes memory, too.
    session.core.exports.setConfig(CFG_SLOWLOG_SLOWER_US, -1);
    call('SET', 'd', 'kept');
  });

  it.each([
    [['SORT_RO', 'l', 'LIMIT', '0', '1'], '["0"]'],
    [['SORT_RO', 'l', 'BY', 'w:*', 'LIMIT', '5', '1'], '["10000"]'],
    [['SORT_RO', 'l', 'BY', 'nosort', 'LIMIT', '1', '90000', 'GET', 'none'], null],
  ])('%s is refused', (args, reply) => {
    for (let i = 0; i < ELEMENTS; i += 1000) {
      call('RPUSH', 'l', ...Array.from({ length: 1000 }, (_, k) => String(i + k)));
    }
    const again = isRefusedFor(args);
    if (reply !== null) expect(again).toBe(reply);
    expect(call('LLEN', 'l')).toBe(String(ELEMENTS));
    expect(call('GET', 'd')).toBe('"kept"');
  });

  it.each([
    ['GEOSEARCH', 'g', 'FROMLONLAT', '10', '10', 'BYRADIUS', '1000', 'km', 'COUNT', '1'],
    ['GEORADIUS_RO', 'g', '10', '10', '1000', 'km', 'COUNT', '1'],
  ])('%s is refused', (...args) => {
    for (let i = 0; i < ELEMENTS; i += 500) {
      const places = Array.from({ length: 500 }, (_, k) => [10, `10.${i + k}`, `m${i + k}`]);
      call('GEOADD', 'g', ...places.flat());
    }
    expect(isRefusedFor(args)).toBe('["m0"]');
    expect(call('ZCARD', 'g')).toBe(String(ELEMENTS));
  });
});
