// What commands on keys do when memory is used up: those that need some are refused and change
// nothing, those that give some back work, and then there is room again.

import { beforeEach, describe, expect, it } from 'vitest';
import { STAT_LAZYFREE_PENDING, STAT_OVERHEAD_MEMORY } from '../../assembly/abi.ts';
import { CoreSession } from '../support/core_session.ts';
import { showReply } from '../support/reply_notation.ts';

const MEMORY_LIMIT_BYTES = 12 * 1024 * 1024;
const OOM = '-OOM out of memory: the 4 GiB of this engine are used up';
/** Small blocks come out of a reserve that takes this many keys to use up, and some more. */
const RESERVE_KEYS = 200_000;

let session: CoreSession;

function call(...args: Parameters<CoreSession['call']>): string {
  return showReply(session.call(...args));
}

/** Uses up what larger blocks may take. */
function fillLarge(): void {
  for (let i = 0; call('SET', `large:${i}`, 'v'.repeat(60_000)) === '+OK'; i++) {}
}

/** Uses up everything, by a command that is not refused beforehand. */
function fillAll(): void {
  fillLarge();
  for (let i = 0; i < RESERVE_KEYS; i++) {
    if (call('COPY', 'small', `copy:${i}`) === OOM) break;
  }
  // COPY may be refused before all is gone; RENAME to longer names takes the rest.
  let name = 'small';
  for (let i = 0; i < RESERVE_KEYS; i++) {
    const next = `small:${'n'.repeat(i % 200)}${i}`;
    if (call('RENAME', name, next) === OOM) break;
    name = next;
    session.call('SETRANGE', name, 0, '');
  }
  call('RENAME', name, 'small');
}

describe('with memory used up', () => {
  beforeEach(() => {
    session = new CoreSession({ memoryLimitBytes: MEMORY_LIMIT_BYTES });
    call('SET', 'small', 'value');
    call('SET', 'timed', 'value', 'PXAT', session.nowMs + 100_000);
  });

  it('COPY is refused, and source and destination stay', () => {
    fillLarge();
    call('SET', 'other', 'kept');
    expect(call('COPY', 'large:0', 'other', 'REPLACE')).toBe(OOM);
    expect(call('COPY', 'large:0', 'new', 'DB', 3)).toBe(OOM);
    expect(call('GETRANGE', 'large:0', 0, 3)).toBe('"vvvv"');
    expect(call('EXISTS', 'new', 'large:0')).toBe('1');
    expect(call('SELECT', 3)).toBe('+OK');
    expect(call('DBSIZE')).toBe('0');
  });

  it('what does not need memory works', () => {
    fillAll();
    const keys = call('DBSIZE');
    expect(call('PERSIST', 'timed')).toBe('1');
    expect(call('TTL', 'timed')).toBe('-1');
    expect(call('TYPE', 'large:0')).toBe('+string');
    expect(call('SWAPDB', 0, 5)).toBe('+OK');
    expect(call('DBSIZE')).toBe('0');
    expect(call('SWAPDB', 5, 0)).toBe('+OK');
    expect(call('DBSIZE')).toBe(keys);
    expect(call('DEL', 'large:0', 'large:1', 'large:2', 'large:3')).toBe('4');
    expect(call('RENAME', 'timed', 'a-name-that-is-longer')).toBe('+OK');
    expect(call('GET', 'a-name-that-is-longer')).toBe('"value"');
  });

  it.each(['SYNC', 'ASYNC'])('FLUSHALL %s makes room', (mode) => {
    fillAll();
    expect(call('FLUSHALL', mode)).toBe('+OK');
    expect(call('DBSIZE')).toBe('0');
    // What an asynchronous flush still holds is freed when a command needs it.
    expect(call('SET', 'large:0', 'v'.repeat(60_000))).toBe('+OK');
    fillLarge();
    while (session.core.exports.cron(session.nowMs, 1e9) !== 0) {}
    expect(session.core.stat(STAT_LAZYFREE_PENDING)).toBe(0);
    expect(Number(call('DBSIZE'))).toBeGreaterThan(30);
  });

  it('refused commands leave used memory as it was', () => {
    fillAll();
    let refused = 0;
    const round = (i: number) => {
      for (const args of [
        ['COPY', 'large:0', `copy:${i}:${'n'.repeat(i)}`],
        ['MOVE', 'large:0', 7],
        ['RENAME', 'large:0', 'n'.repeat(i * 50)],
        ['EXPIRE', 'large:0', 100],
      ]) {
        const before = session.usedBytes();
        if (call(...args) !== OOM) continue;
        refused++;
        expect(session.usedBytes()).toBe(before);
      }
      // What was not refused is undone.
      call('SELECT', 7);
      call('MOVE', 'large:0', 0);
      call('SELECT', 0);
      call('RENAME', 'n'.repeat(i * 50), 'large:0');
      call('PERSIST', 'large:0');
    };
    // The first call of a command takes memory for its latency histogram; whether linear memory grows
    // by some more pages, whose records count, depends on how large the module is.
    const blockBytes = () => session.usedBytes() - session.core.stat(STAT_OVERHEAD_MEMORY);
    round(1);
    const used = blockBytes();
    for (let i = 1; i < 200; i++) round(i);
    expect(refused).toBeGreaterThan(100);
    expect(blockBytes()).toBe(used);
    expect(call('STRLEN', 'large:0')).toBe('60000');
  });
});
