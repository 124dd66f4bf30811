// Goal: globMatch gives what Redis's stringmatchlen gives, for any bytes.
// Method: the model below splits a pattern into tokens and tries all ways to spend the string on
// them, which shares no idea with the single pass of globMatch. The model itself is checked against
// a real server: KEYS for patterns with case, CONFIG GET for those without.
import { beforeAll, describe, expect, it } from 'vitest';
import { loadTestModule, type TestModule } from '../support/assembly.ts';
import { Random } from '../support/random.ts';
import { RespClient } from '../support/resp_client.ts';
import type { Reply } from '../support/resp_decoder.ts';
import { realRedisAvailable, startServer } from '../support/server.ts';

interface Exports {
  globMatch(
    pattern: number,
    patternLen: number,
    string: number,
    stringLen: number,
    nocase: number,
  ): number;
}

const STAR_RUNS_MAX = 1000;

type Token = '*' | ((byte: number) => boolean);

const signed = (byte: number) => (byte << 24) >> 24;
const lower = (byte: number) => (byte >= 65 && byte <= 90 ? byte + 32 : byte);

/** The class that starts at `at`, after its bracket, and where it ends. */
function classToken(pattern: Buffer, at: number, nocase: boolean): [Token, number] {
  const fold = nocase ? lower : (byte: number) => byte;
  const members: ((byte: number) => boolean)[] = [];
  const negated = pattern[at] === 0x5e;
  if (negated) at++;
  while (at < pattern.length && pattern[at] !== 0x5d) {
    const [first, second, third] = pattern.subarray(at, at + 3);
    if (first === 0x5c && second !== undefined) {
      members.push((byte) => byte === second);
      at += 2;
    } else if (second === 0x2d && third !== undefined) {
      const ends = [signed(first!), signed(third)].sort((a, b) => a - b).map(fold);
      members.push((byte) => {
        const folded = fold(signed(byte));
        return folded >= ends[0]! && folded <= ends[1]!;
      });
      at += 3;
    } else {
      members.push((byte) => fold(byte) === fold(first!));
      at++;
    }
  }
  return [(byte) => members.some((member) => member(byte)) !== negated, at + 1];
}

function tokenize(pattern: Buffer, nocase: boolean): Token[] {
  const fold = nocase ? lower : (byte: number) => byte;
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; ) {
    let byte = pattern[at]!;
    if (byte === 0x2a) {
      if (tokens.at(-1) !== '*') tokens.push('*');
      at++;
    } else if (byte === 0x3f) {
      tokens.push(() => true);
      at++;
    } else if (byte === 0x5b) {
      const [token, next] = classToken(pattern, at + 1, nocase);
      tokens.push(token);
      at = next;
    } else {
      if (byte === 0x5c && at + 1 < pattern.length) byte = pattern[++at]!;
      const wanted = fold(byte);
      tokens.push((actual) => fold(actual) === wanted);
      at++;
    }
  }
  return tokens;
}

/** Which prefixes of the string the tokens so far can cover, token by token. */
function model(pattern: Buffer, string: Buffer, nocase: boolean): boolean {
  if (string.length === 0) return pattern.length === 0;
  let reached = new Set([0]);
  for (const token of tokenize(pattern, nocase)) {
    const next = new Set<number>();
    for (const at of reached) {
      if (token === '*') for (let to = at; to <= string.length; to++) next.add(to);
      else if (at < string.length && token(string[at]!)) next.add(at + 1);
    }
    reached = next;
  }
  return reached.has(string.length);
}

const ALPHABET = 'aAbBzZ-[]^?*\\**[[]!\x00\x7f\x80\xff@`{';

/** The bulk strings of an array reply. */
function bulkTexts(reply: Reply): string[] {
  if (reply.kind !== 'array') throw new Error(`not an array: ${reply.kind}`);
  return reply.items.map((item) => (item.kind === 'bulk' ? item.bytes.toString('latin1') : ''));
}

describe('glob', () => {
  const random = Random.fresh();
  const seed = `seed ${random.seed}`;
  let module: TestModule<Exports>;
  beforeAll(async () => {
    module = await loadTestModule<Exports>('util');
  });

  function matches(pattern: string | Buffer, string: string | Buffer, nocase = false): boolean {
    const { base } = module;
    // Stars follow the string, and the pattern ends where memory does: neither may be read.
    const at = module.writeAtEnd(pattern);
    module.write(base, string);
    module.write(base + string.length, '**]');
    const { globMatch } = module.exports;
    return globMatch(at, pattern.length, base, string.length, nocase ? 1 : 0) === 1;
  }

  it('matches and refuses the textbook cases', () => {
    const cases: [pattern: string, string: string, expected: boolean][] = [
      ['', '', true],
      ['', 'a', false],
      ['*', '', false],
      ['*', 'a', true],
      ['a*', 'a', true],
      ['a**', 'a', true],
      ['*a', 'ba', true],
      ['h?llo', 'hello', true],
      ['h?llo', 'hllo', false],
      ['h[ae]llo', 'hallo', true],
      ['h[^e]llo', 'hello', false],
      ['h[a-b]llo', 'hbllo', true],
      ['h[b-a]llo', 'hbllo', true],
      ['h\\?llo', 'h?llo', true],
      ['h\\?llo', 'hello', false],
      ['user:*:name', 'user:1:2:name', true],
      ['user:*:name', 'user:1:2:names', false],
      ['*aab', 'aaaab', true],
      ['[', 'a', false],
      ['[^', 'a', true],
      ['[]', ']', false],
      ['[a', 'a', true],
      ['[\\', '\\', true],
      ['[\\]]', ']', true],
      ['[a-]', 'b', false],
      ['[a-]', '_', true],
      ['\\', '\\', true],
    ];
    for (const [pattern, string, expected] of cases) {
      expect(matches(pattern, string), `${pattern} on ${string}`).toBe(expected);
    }
  });

  it('ignores case only when told, and never for an escaped member of a class', () => {
    expect(matches('MAX[M]emory-[A-Z]*', 'maxmemory-policy')).toBe(false);
    expect(matches('MAX[M]emory-[A-Z]*', 'maxmemory-policy', true)).toBe(true);
    expect(matches('[\\M]', 'm', true)).toBe(false);
    expect(matches('\\M', 'm', true)).toBe(true);
  });

  it(`agrees with the model on random patterns and strings (${seed})`, () => {
    let matched = 0;
    for (let round = 0; round < 60_000; round++) {
      const alphabet = random.chance(0.5) ? ALPHABET : 'ab*?';
      const pattern = Buffer.from(random.text(random.below(9), alphabet), 'latin1');
      const string = Buffer.from(random.text(random.below(9), alphabet), 'latin1');
      const nocase = random.chance(0.5);
      const expected = model(pattern, string, nocase);
      if (expected) matched++;
      if (matches(pattern, string, nocase) !== expected) {
        expect.fail(`${pattern.toString('hex')} on ${string.toString('hex')}, nocase ${nocase}`);
      }
    }
    expect(matched).toBeGreaterThan(1000);
  });

  it('agrees with the model for every byte in ranges of every kind', () => {
    for (const [from, to] of ['az', 'AZ', 'Aa', 'Zz', '\x00\xff', 'a\x80', '\x80\xff', '@{']) {
      for (const pattern of [`[${from}-${to}]`, `[^${to}-${from}]`, `[${from}\\${to}]`]) {
        for (let byte = 0; byte < 256; byte++) {
          for (const nocase of [false, true]) {
            const string = Buffer.of(byte);
            const expected = model(Buffer.from(pattern, 'latin1'), string, nocase);
            if (matches(pattern, string, nocase) !== expected) {
              expect.fail(`${JSON.stringify(pattern)} on ${byte}, nocase ${nocase}`);
            }
          }
        }
      }
    }
  });

  it('gives up on patterns of more than a thousand runs of stars', () => {
    const string = 'a'.repeat(STAR_RUNS_MAX + 1);
    expect(matches('*a'.repeat(STAR_RUNS_MAX), string)).toBe(true);
    expect(matches('*a'.repeat(STAR_RUNS_MAX + 1), string)).toBe(false);
    // The last star needs no attempt of its own, so it does not count.
    expect(matches(`${'**a'.repeat(STAR_RUNS_MAX)}*`, string)).toBe(true);
  });

  it('does not try the places of one star again for every place of the star before it', () => {
    const pattern = `${'a*'.repeat(40)}b`;
    expect(matches(pattern, 'a'.repeat(20_000))).toBe(false);
  });

  describe.skipIf(!realRedisAvailable())('the model against redis-server', () => {
    it(`agrees with KEYS (${seed})`, async () => {
      const server = await startServer({ kind: 'redis' });
      const client = await RespClient.connect({ port: server.port });
      const strings = ['', '\x80', '[', '\\', '*'];
      for (let i = 0; i < 120; i++) strings.push(random.text(1 + random.below(5), ALPHABET));
      for (let i = 0; i < 40; i++) strings.push(random.text(1 + random.below(6), 'abAB'));
      const keys = [...new Set(strings)].map((text) => Buffer.from(text, 'latin1'));
      await client.pipeline(keys.map((key) => ['SET', key, '']));

      const patterns: Buffer[] = [];
      for (let i = 0; i < 3000; i++) {
        const alphabet = random.chance(0.5) ? ALPHABET : 'abAB*?[]-';
        patterns.push(Buffer.from(random.text(1 + random.below(8), alphabet), 'latin1'));
      }
      const replies = await client.pipeline(patterns.map((pattern) => ['KEYS', pattern]));
      patterns.forEach((pattern, i) => {
        if (pattern.toString('latin1') === '*') return; // KEYS does not match it, it takes all
        const expected = keys.filter((key) => model(pattern, key, false));
        expect(bulkTexts(replies[i]!).sort(), `pattern ${pattern.toString('hex')}`).toEqual(
          expected.map((key) => key.toString('latin1')).sort(),
        );
      });
      await client.close();
      await server.stop();
    });

    it(`agrees with CONFIG GET, which ignores case (${seed})`, async () => {
      const server = await startServer({ kind: 'redis' });
      const client = await RespClient.connect({ port: server.port });
      // Names and values alternate.
      const namesOf = (reply: Reply) => bulkTexts(reply).filter((_, i) => i % 2 === 0);
      const names = namesOf(await client.call('CONFIG', 'GET', '*'));
      const wrong: string[] = [];
      for (let i = 0; i < 500; i++) {
        const name = random.pick(names);
        const pattern = name
          .slice(random.below(name.length))
          .replace(/[a-z]/g, (letter) =>
            random.chance(0.6)
              ? letter
              : random.pick([letter.toUpperCase(), `[${letter}-Z]`, '?', '*', `\\${letter}`]),
          );
        const text = `*${pattern}*`;
        const found = namesOf(await client.call('CONFIG', 'GET', text)).sort();
        const expected = names.filter((each) => model(Buffer.from(text), Buffer.from(each), true));
        if (found.join() !== expected.sort().join()) wrong.push(text);
      }
      expect(wrong).toEqual([]);
      await client.close();
      await server.stop();
    });
  });
});
