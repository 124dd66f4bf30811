// The host's glob matcher: named cases, then random patterns against a real server's KEYS.

import { describe, expect, it } from 'vitest';
import { globMatch } from '../../src/util/glob.ts';
import { Random } from '../support/random.ts';
import { RespClient } from '../support/resp_client.ts';
import { realRedisAvailable, startServer } from '../support/server.ts';

function matches(pattern: string, text: string, nocase = false): boolean {
  return globMatch(Buffer.from(pattern, 'latin1'), Buffer.from(text, 'latin1'), nocase);
}

describe('a pattern', () => {
  it.each([
    ['*', 'abc', true],
    ['a*c', 'abbc', true],
    ['a*c', 'abcd', false],
    ['a*b*c', 'axbxbxc', true],
    ['*a*a*a*', 'aa', false],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['[abc]x', 'bx', true],
    ['[^abc]x', 'bx', false],
    ['[^abc]x', 'dx', true],
    ['[a-c]', 'b', true],
    ['[c-a]', 'b', true],
    ['[a-]', '-', false], // the range from ']' to 'a', and unclosed
    ['[a-]', '^', true],
    ['[\\]]', ']', true],
    ['[abc', 'c', true],
    ['[abc', 'd', false],
    ['[^', 'x', true],
    ['[]', ']', false],
    ['\\*', '*', true],
    ['\\*', 'x', false],
    ['\\', '\\', true],
    ['a', 'A', false],
    ['', '', true],
    ['*', '', false],
    ['a**', 'a', true],
  ])('%s matches %s: %s', (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected);
  });

  it('folds ASCII letters only when asked to', () => {
    expect(matches('GeT[R-S]ange', 'getrANGE', true)).toBe(true);
    expect(matches('\xc4', '\xe4', true)).toBe(false);
  });

  it('of many stars takes no exponential time', () => {
    expect(matches(`${'*a'.repeat(200)}b`, 'a'.repeat(5000))).toBe(false);
  });
});

describe.skipIf(!realRedisAvailable())('random patterns', () => {
  it('match what KEYS of a real server matches', async () => {
    const random = Random.fresh();
    const client = await RespClient.connect(await startServer({ kind: 'redis' }));
    const names = new Set<string>();
    while (names.size < 300) names.add(random.text(random.between(1, 6), 'ab-]^\\['));
    await client.call('MSET', ...[...names].flatMap((name) => [name, '']));
    for (let i = 0; i < 2000; i++) {
      const pattern = random.text(random.between(1, 8), 'ab-]^\\[*?');
      const reply = await client.call('KEYS', pattern);
      if (reply.kind !== 'array') throw new Error(`${pattern}: ${reply.kind}`);
      const theirs = reply.items.map((item) => (item.kind === 'bulk' ? `${item.bytes}` : ''));
      const mine = [...names].filter((name) => matches(pattern, name));
      expect(mine.sort(), `pattern ${pattern}, seed ${random.seed}`).toEqual(theirs.sort());
    }
    await client.close();
  });
});
