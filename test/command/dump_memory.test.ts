// DUMP and RESTORE when memory is used up: they are refused, nothing changes and nothing leaks, however
// far they got before they ran out of it.

import { beforeAll, describe, expect, it } from 'vitest';
import { CFG_SLOWLOG_SLOWER_US } from '../../assembly/abi.ts';
import type { Argument } from '../support/arguments.ts';
import { CoreSession } from '../support/core_session.ts';
import { showReply } from '../support/reply_notation.ts';

const MEMORY_LIMIT_BYTES = 64 * 1024 * 1024;
const OOM = '-OOM out of memory: the 4 GiB of this engine are used up';
const FILLER_BYTES = 500_000;

/** Values take more than the reserve below which RESTORE is refused before it starts. */

const WORDS = Array.from(
  { length: 50_000 },
  (_, i) => `word:${i}:${(i * 7919) % 1000}:${'x'.repeat(40)}`,
);
const LONG = 'abcdefghijklmnopqrstuvwxyz'.repeat(300_000);

const COMMAND_WORDS = 10_000;

/** Commands that add all words, some at a time. */
function inParts(name: string, words: (some: readonly string[]) => Argument[]): Argument[][] {
  const parts: Argument[][] = [];
  for (let at = 0; at < WORDS.length; at += COMMAND_WORDS) {
    parts.push([name, 'k', ...words(WORDS.slice(at, at + COMMAND_WORDS))]);
  }
  return parts;
}

const fields = (some: readonly string[]) => some.flatMap((word) => [word, 'some value']);
const scores = (some: readonly string[]) => some.flatMap((word) => [word.length / 7, word]);
const expiries = (some: readonly string[]) => [4_000_000_000_000, 'FIELDS', some.length, ...some];

const MAKERS: readonly (readonly [string, readonly (readonly Argument[])[]])[] = [
  ['a string that compresses', [['SET', 'k', LONG]]],
  ['a list', inParts('RPUSH', (some) => some.flatMap((word) => [word, `${word}${word}`]))],
  ['a set', inParts('SADD', (some) => some.flatMap((word) => [word, `${word}+`]))],
  ['a sorted set', inParts('ZADD', scores)],
  ['a hash', inParts('HSET', fields)],
  ['a hash whose fields expire', [...inParts('HSET', fields), ...inParts('HPEXPIREAT', expiries)]],
  [
    'a stream',
    WORDS.slice(0, 30_000).map((word, i) => ['XADD', 'k', `${i + 1}-1`, word, LONG.slice(0, 200)]),
  ],
];

let session: CoreSession;

function call(...args: readonly Argument[]): string {
  return showReply(session.call(...args));
}

/** The payload of the key; null when there is no memory for it, or none for the reply. */
function dumped(): Uint8Array | null {
  const reply = session.tryCall('DUMP', 'k');
  if (reply === null) return null;
  if (reply.kind === 'bulk') return Uint8Array.from(reply.bytes);
  expect(showReply(reply)).toBe(OOM);
  return null;
}

/** Takes memory until there is none for a block of this size; how many it took. */
function fill(bytes: number): number {
  let taken = 0;
  while (call('SET', `filler:${taken}`, 'v'.repeat(bytes)) === '+OK') taken += 1;
  return taken;
}

function usedBytes(): number {
  session.reconnect();
  return session.usedBytes();
}

describe.each(MAKERS)('%s', (_name, commands) => {
  let payload: Uint8Array;

  beforeAll(() => {
    session = new CoreSession({ memoryLimitBytes: MEMORY_LIMIT_BYTES });
    session.core.exports.setConfig(CFG_SLOWLOG_SLOWER_US, -1);
    for (const command of commands) session.call(...command);
    payload = dumped()!;
    call('DEL', 'k');
    call('RESTORE', 'k', 0, payload);
    call('FLUSHALL');
  });

  it('is restored when there is room, and not before', () => {
    call('SET', 'k', 'old');
    let fillers = fill(FILLER_BYTES);
    let refused = 0;
    for (;;) {
      const before = usedBytes();
      const reply = session.tryCall('RESTORE', 'k', 0, payload, 'REPLACE');
      if (reply !== null && showReply(reply) === '+OK') break;
      // Without memory for the argument itself the connection is closed.
      if (reply !== null) expect(showReply(reply)).toMatch(/^-OOM /);
      refused += 1;
      expect(usedBytes()).toBe(before);
      expect(call('GET', 'k')).toBe('"old"');
      fillers -= 1;
      call('DEL', `filler:${fillers}`);
    }
    expect(refused).toBeGreaterThan(0);
    expect(call('DEL', 'k')).toBe('1');
  });

  it('is dumped when there is room, and not before', () => {
    call('FLUSHALL');
    call('RESTORE', 'k', 0, payload);
    let fillers = fill(FILLER_BYTES);
    let again = dumped();
    for (; again === null; again = dumped()) {
      fillers -= 1;
      call('DEL', `filler:${fillers}`);
    }
    expect(again.length).toBeGreaterThan(0.9 * payload.length);
    call('FLUSHALL');
  });
});
