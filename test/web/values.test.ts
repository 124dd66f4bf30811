// Values as they are edited: what was not typed stays as it is, byte for byte.

import { afterEach, describe, expect, it } from 'vitest';
import { Respite } from '../../src/index.ts';
import { openCollection } from '../../src/web/keys/collections.ts';
import { DatabaseSession } from '../../src/web/keys/database_session.ts';
import { type Element, PAGE_BYTES } from '../../src/web/keys/element_pages.ts';
import { isJson, layoutJson, layoutOf } from '../../src/web/keys/json_layout.ts';
import { bestForm, bytesOf, draftOf, reshaped } from '../../src/web/keys/value_draft.ts';
import {
  fromHex,
  fromText,
  fromTyped,
  glance,
  toHex,
  toLine,
  toText,
} from '../../src/web/keys/value_text.ts';
import { Random } from '../support/random.ts';

const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array) => new TextDecoder().decode(value);

describe('a value as text', () => {
  it('goes to hexadecimal and back', () => {
    const value = Uint8Array.from({ length: 20 }, (_, i) => i * 13);
    expect(toHex(value).split('\n')).toHaveLength(2);
    expect(fromHex(toHex(value))).toEqual(value);
    expect(fromHex('')).toEqual(new Uint8Array());
    expect(() => fromHex('0g')).toThrow('"g" is no hexadecimal digit');
    expect(() => fromHex('abc')).toThrow('one digit only');
  });

  it('says how bytes that are no text are written', () => {
    expect(() => fromText('plain words', true)).toThrow('between double quotes');
    expect(fromText('plain words', false)).toEqual(bytes('plain words'));
  });

  it('has carriage returns quoted, which a text field would lose', () => {
    expect(toText(bytes('ä\r\nb'))).toEqual({ text: '"ä\\r\\nb"', isQuoted: true });
    expect(toText(bytes('a\nb'))).toEqual({ text: 'a\nb', isQuoted: false });
  });

  it('comes back from any bytes as they were', () => {
    const random = Random.fresh();
    for (let round = 0; round < 500; round += 1) {
      const parts = ['\r', '\n', '"', '\\x0a', 'ä', ' ', '\\', 'a', '\0'];
      const value = random.chance(0.5)
        ? bytes(Array.from({ length: random.below(8) }, () => random.pick(parts)).join(''))
        : Uint8Array.from({ length: random.below(8) }, () => random.below(256));
      const shown = toText(value);
      // What a textarea makes of it.
      const kept = shown.text.replaceAll(/\r\n?/g, '\n');
      expect(fromText(kept, shown.isQuoted), `seed ${random.seed}`).toEqual(value);
      const line = toLine(value);
      const typed = line.isQuoted ? fromText(line.text, true) : fromTyped(line.text);
      expect(line.text, `seed ${random.seed}`).not.toMatch(/[\r\n]/);
      expect(typed, `seed ${random.seed}`).toEqual(value);
    }
  });

  it('is bytes where it was typed as bytes, and nothing else is', () => {
    expect(fromTyped('"\\xff\\x00"')).toEqual(Uint8Array.of(255, 0));
    for (const plain of ['"quoted"', '"a\\\\x41"', 'x "\\xff"', '"\\xff" "\\xff"']) {
      expect(fromTyped(plain)).toEqual(bytes(plain));
    }
  });

  it('is cut between characters at a glance', () => {
    expect(glance(bytes('abc'), 3)).toBe('abc');
    expect(glance(bytes('aäöü'), 4)).toBe('aä …');
  });
});

describe('a long value that begins with a quote', () => {
  // A search of quadratic time would take minutes.
  const many = (end: string) => `"${'\\x00'.repeat(200_000)}${end}`;

  it('and ends without one is text', () => {
    expect(toText(bytes(many('\n'))).isQuoted).toBe(false);
  });

  it('and ends with one is quoted again', () => {
    const shown = toText(bytes(many('"')));
    expect(shown.isQuoted).toBe(true);
    expect(fromText(shown.text, true)).toEqual(new TextEncoder().encode(many('"')));
  });
});

describe('JSON', () => {
  const EXACT = '{"id":12345678901234567890,"a":1.0,"a":1E2,"s":"\\u00e4 {[,:\\"","e":{},"l":[]}';

  it('keeps its literals and its names that occur twice in any layout', () => {
    const lines = layoutJson(EXACT, 'lines');
    expect(lines.split('\n').slice(0, 3)).toEqual([
      '{',
      '  "id": 12345678901234567890,',
      '  "a": 1.0,',
    ]);
    expect(layoutJson(lines, 'compact')).toBe(EXACT);
    expect(layoutJson(layoutJson(lines, 'spaced'), 'compact')).toBe(EXACT);
    expect(layoutJson('[1, [ ], {"a":[2]}]', 'spaced')).toBe('[1, [], {"a": [2]}]');
  });

  it('is laid out as JSON.stringify does where that loses nothing', () => {
    const random = Random.fresh();
    const value = (depth: number): unknown => {
      if (depth === 0) return random.pick([1, -0.5, 'a "b" \n', true, null]);
      const parts = Array.from({ length: random.below(4) }, () => value(depth - 1));
      return random.chance(0.5)
        ? parts
        : Object.fromEntries(parts.map((part, i) => [`k${i}`, part]));
    };
    for (let round = 0; round < 200; round += 1) {
      const made = value(random.below(5));
      const message = `seed ${random.seed}`;
      const compact = JSON.stringify(made);
      expect(layoutJson(compact, 'lines'), message).toBe(JSON.stringify(made, undefined, 2));
      expect(layoutJson(JSON.stringify(made, undefined, 3), 'compact'), message).toBe(compact);
    }
  });

  it('is refused when it is none', () => {
    expect(() => layoutJson('{"a":', 'lines')).toThrow(SyntaxError);
    expect(isJson(' {"a":1}')).toBe(true);
    expect(isJson('[1')).toBe(false);
    expect(isJson('42')).toBe(false);
  });

  it('may be nested as deep as it likes', () => {
    const deep = '['.repeat(5000) + ']'.repeat(5000);
    expect(layoutJson(layoutJson(deep, 'lines'), 'compact')).toBe(deep);
  });

  it('has a layout that is found again', () => {
    expect(layoutOf('{"a":1}')).toBe('compact');
    expect(layoutOf('{"a": 1, "b": [1, 2]}')).toBe('spaced');
    expect(layoutOf('{ "a":1}')).toBeUndefined();
  });
});

describe('a draft of a string', () => {
  it.each([
    ['{"id":12345678901234567890}', '{\n  "id": 12345678901234567890\n}'],
    ['{"a": 1, "b": 2}', '{\n  "a": 1,\n  "b": 2\n}'],
    ['{ "a":1 }', '{ "a":1 }'],
    ['[1,\n 2]', '[1,\n 2]'],
  ])('of the JSON %j is stored as it was when nothing was typed', (value, shown) => {
    const draft = draftOf(bytes(value), 'json');
    expect(draft.text).toBe(shown);
    expect(text(bytesOf(draft))).toBe(value);
  });

  it('of JSON in one line stays in one line when part of it is changed', () => {
    const draft = draftOf(bytes('{"a":1.0,"b":2}'), 'json');
    const edited = { ...draft, text: draft.text.replace('2', '3') };
    expect(text(bytesOf(edited))).toBe('{"a":1.0,"b":3}');
  });

  it('of JSON is stored as it was laid out on purpose', () => {
    const draft = reshaped(draftOf(bytes('{"a":1}'), 'json'), 'lines');
    expect(text(bytesOf(draft))).toBe('{\n  "a": 1\n}');
  });

  it('says when carriage returns between the parts of JSON will go', () => {
    const draft = draftOf(bytes('{\r\n"a":1}'), 'json');
    expect(draft.isReshaped).toBe(true);
    expect(draft.text).not.toContain('\r');
  });

  it('reads its text the way the text was made, whatever the value was before', () => {
    // Typed in hexadecimal, then looked at as text.
    const draft = draftOf(fromHex('ff 00'), 'text');
    expect(draft.text).toBe('"\\xff\\x00"');
    expect(bytesOf(draft)).toEqual(Uint8Array.of(255, 0));
    const plain = draftOf(bytes('abc'), 'text');
    expect(bytesOf({ ...plain, text: '"\\xff"' })).toEqual(bytes('"\\xff"'));
  });

  it('takes no text for JSON that is none', () => {
    const draft = draftOf(bytes('a\r\nb'), 'json');
    expect(() => bytesOf(draft)).toThrow(SyntaxError);
    expect(() => bytesOf({ ...draftOf(bytes('{}'), 'json'), text: '{' })).toThrow(SyntaxError);
  });

  it('has the form that suits the value', () => {
    expect(bestForm(Uint8Array.of(255))).toBe('hex');
    expect(bestForm(bytes('{"a":1}'))).toBe('json');
    expect(bestForm(bytes('a\r\nb'))).toBe('text');
  });
});

async function collection(type: string, ...setup: (string | number)[][]) {
  const db = await Respite.open();
  opened.push(db);
  for (const [name, ...args] of setup) await db.command(name as string, ...args);
  const session = new DatabaseSession(db, 0);
  opened.push({ close: () => session.close() });
  const made = openCollection(type, session, 'k')!;
  const find = async (wanted: string): Promise<Element> => {
    const { elements } = await made.page(undefined);
    return elements.find(({ cells }) => cells.some((cell) => text(cell) === wanted))!;
  };
  return { db, made, find };
}

const CHANGED = 'changed elsewhere meanwhile';

describe('an element that was changed elsewhere', () => {
  it('of a list is neither changed nor removed in place of another one', async () => {
    const { db, made, find } = await collection('list', ['RPUSH', 'k', 'a', 'b', 'c']);
    const shown = await find('b');
    await db.command('LPUSH', 'k', 'first');
    await expect(made.change(shown, 1, bytes('x'))).rejects.toThrow(CHANGED);
    await expect(made.remove(shown)).rejects.toThrow(CHANGED);
    expect(await db.command('LRANGE', 'k', 0, -1)).toEqual(['first', 'a', 'b', 'c']);
  });

  it('of a hash is not overwritten', async () => {
    const { db, made, find } = await collection('hash', ['HSET', 'k', 'f', 'old']);
    const shown = await find('f');
    await db.command('HSET', 'k', 'f', 'theirs');
    await expect(made.change(shown, 1, bytes('mine'))).rejects.toThrow(CHANGED);
    await expect(made.change(shown, 0, bytes('g'))).rejects.toThrow(CHANGED);
    expect(await db.command('HGETALL', 'k')).toEqual(new Map([['f', 'theirs']]));
    await db.command('DEL', 'k');
    await expect(made.change(shown, 1, bytes('mine'))).rejects.toThrow(CHANGED);
    expect(await db.command('EXISTS', 'k')).toBe(0);
  });

  it('of a sorted set or a set is not made again', async () => {
    const sorted = await collection('zset', ['ZADD', 'k', 1, 'a', 2, 'b']);
    const shown = await sorted.find('a');
    await sorted.db.command('ZADD', 'k', 5, 'a');
    await expect(sorted.made.change(shown, 0, bytes('9'))).rejects.toThrow(CHANGED);
    await sorted.db.command('ZREM', 'k', 'a');
    await expect(sorted.made.change(shown, 1, bytes('c'))).rejects.toThrow(CHANGED);
    const plain = await collection('set', ['SADD', 'k', 'a', 'b']);
    const member = await plain.find('a');
    await plain.db.command('SREM', 'k', 'a');
    await expect(plain.made.change(member, 0, bytes('c'))).rejects.toThrow(CHANGED);
  });
});

describe('renaming an element', () => {
  it.each([
    ['hash', ['HSET', 'k', 'a', '1'], 0],
    ['set', ['SADD', 'k', 'a'], 0],
    ['zset', ['ZADD', 'k', '1', 'a'], 1],
  ] as const)('of a %s keeps the key, and when it expires', async (type, setup, column) => {
    const { db, made, find } = await collection(type, [...setup], ['EXPIRE', 'k', 1000]);
    await made.change(await find('a'), column, bytes('b'));
    expect(await db.command('TTL', 'k')).toBeGreaterThan(900);
    expect(await find('a')).toBeUndefined();
    expect(await find('b')).toBeDefined();
  });

  it.each([
    ['hash', ['HSET', 'k', 'a', '1', 'b', '2'], 0],
    ['set', ['SADD', 'k', 'a', 'b'], 0],
    ['zset', ['ZADD', 'k', '1', 'a', '2', 'b'], 1],
  ] as const)('of a %s is refused when the name is taken', async (type, setup, column) => {
    const { made, find } = await collection(type, [...setup]);
    await expect(made.change(await find('a'), column, bytes('b'))).rejects.toThrow(' b already');
    expect(await made.count()).toBe(2);
  });

  it('of a hash, and changing its value, keep when the field expires', async () => {
    const { db, made, find } = await collection(
      'hash',
      ['HSET', 'k', 'a', '1'],
      ['HEXPIRE', 'k', 1000, 'FIELDS', 1, 'a'],
    );
    await made.change(await find('a'), 1, bytes('2'));
    const [changed] = (await db.command('HTTL', 'k', 'FIELDS', 1, 'a')) as number[];
    expect(changed).toBeGreaterThan(900);
    await made.change(await find('a'), 0, bytes('b'));
    const [renamed] = (await db.command('HTTL', 'k', 'FIELDS', 1, 'b')) as number[];
    expect(renamed).toBeGreaterThan(900);
    expect(await db.command('HGETALL', 'k')).toEqual(new Map([['b', '2']]));
  });
});

describe('adding an element', () => {
  it.each([
    ['hash', ['HSET', 'k', 'a', '1'], ['a', '2']],
    ['zset', ['ZADD', 'k', '1', 'a'], ['2', 'a']],
    ['set', ['SADD', 'k', 'a'], ['a']],
  ] as const)('to a %s changes none that is there', async (type, setup, values) => {
    const { made, find } = await collection(type, [...setup]);
    const before = await find('a');
    await expect(made.add(values.map(bytes))).rejects.toThrow(' a already');
    expect(await find('a')).toEqual(before);
  });
});

describe('elements', () => {
  it.each([
    ['hash', (i: number) => ['HSET', 'k', `field:${i}`, i], 'f*:77', ['field:77']],
    ['set', (i: number) => ['SADD', 'k', `m:${i}`], 'm:123', ['m:123']],
    ['zset', (i: number) => ['ZADD', 'k', i, `m:${i}`], ':456', ['m:456']],
    ['list', (i: number) => ['RPUSH', 'k', `e${i}`], '799', ['e799']],
    ['stream', (i: number) => ['XADD', 'k', `${i + 1}-0`, 'n', i], '1', ['1-0']],
  ] as const)('of a large %s are found', async (type, command, wanted, names) => {
    const setup = Array.from({ length: 800 }, (_, i) => [...command(i)]);
    const { made } = await collection(type, ...setup);
    const found: string[][] = [];
    let next: string | undefined;
    do {
      const page = await made.page(next, wanted);
      found.push(...page.elements.map(({ cells }) => cells.map(text)));
      next = page.next;
    } while (next !== undefined);
    const column = type === 'list' || type === 'zset' ? 1 : 0;
    expect(found.map((cells) => cells[column])).toEqual(names);
  });

  it('of any size come in pages of bounded size', async () => {
    const large = 'x'.repeat(PAGE_BYTES / 4);
    const setup = Array.from({ length: 20 }, () => ['RPUSH', 'k', large]);
    const { made } = await collection('list', ...setup);
    let next: string | undefined;
    let count = 0;
    do {
      const page = await made.page(next);
      expect(page.elements.length).toBeLessThanOrEqual(8);
      count += page.elements.length;
      next = page.next;
    } while (next !== undefined);
    expect(count).toBe(20);
  });
});
