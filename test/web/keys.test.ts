// Keys and values without a page: the tree, the index that follows changes, what editors do.

import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Reply } from '../../src/embedded/reply.ts';
import { Respite } from '../../src/index.ts';
import { type Collection, openCollection } from '../../src/web/keys/collections.ts';
import { DatabaseSession } from '../../src/web/keys/database_session.ts';
import { PAGE_ELEMENTS } from '../../src/web/keys/element_pages.ts';
import { KeyIndex } from '../../src/web/keys/key_index.ts';
import { displayKey, keyArgument, nameOfKey } from '../../src/web/keys/key_names.ts';
import { KeyTree } from '../../src/web/keys/key_tree.ts';
import { matchKeys } from '../../src/web/keys/match_keys.ts';
import { newKeyCommand } from '../../src/web/keys/new_key_command.ts';
import type { Row } from '../../src/web/keys/tree_rows.ts';
import { fromText, toText } from '../../src/web/keys/value_text.ts';
import { Random } from '../support/random.ts';

const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});

const bytes = (text: string) => new TextEncoder().encode(text);
const texts = (cells: readonly Uint8Array[]) => cells.map((cell) => toText(cell).text);

function tree(...keys: string[]): KeyTree {
  const made = new KeyTree();
  for (const key of keys) made.add(key);
  return made;
}

const line = (row: Row) =>
  `${'  '.repeat(row.depth)}${row.kind === 'folder' ? `${row.name}/ ${row.count}` : row.name}`;

describe('the tree of keys', () => {
  it('has a folder for each part of a name, and shows what is in the open ones', () => {
    const keys = tree('user:1:name', 'user:1:mail', 'user:2:name', 'visits', 'user');
    expect([...keys.rows()].map(line)).toEqual(['user/ 3', 'user', 'visits']);
    keys.toggle('user:');
    keys.toggle('user:1:');
    expect([...keys.rows()].map(line)).toEqual([
      'user/ 3',
      '  1/ 2',
      '    mail',
      '    name',
      '  2/ 1',
      'user',
      'visits',
    ]);
  });

  it('counts as people do', () => {
    expect([...tree('k10', 'k9', 'k1').rows()].map(line)).toEqual(['k1', 'k9', 'k10']);
  });

  it('has names with empty parts', () => {
    const keys = tree(':', 'a:', ':b', '');
    keys.isAllOpen = true;
    expect([...keys.rows()].map(line)).toEqual(['/ 2', '  ', '  b', 'a/ 1', '  ', '']);
    for (const key of [':', 'a:', ':b', '']) expect(keys.delete(key)).toBe(true);
    expect([...keys.rows()]).toEqual([]);
  });

  it('opens the way to a key', () => {
    const keys = tree('a:b:c', 'x');
    keys.reveal('a:b:c');
    expect([...keys.rows()].map(line)).toEqual(['a/ 1', '  b/ 1', '    c', 'x']);
  });

  it('tells where a row is, and which one of how many it is in its folder', () => {
    const keys = tree('a:x', 'a:y', 'b:x', 'c');
    keys.toggle('a:');
    const rows = keys.rows();
    expect(rows.length).toBe(5);
    for (let i = 0; i < rows.length; i += 1) expect(rows.indexOf(rows.at(i)!)).toBe(i);
    expect([...rows].map(({ position, siblings }) => [position, siblings])).toEqual([
      [1, 3],
      [1, 2],
      [2, 2],
      [2, 3],
      [3, 3],
    ]);
    expect(rows.at(5)).toBeUndefined();
    expect(rows.indexOfKey('a:z')).toBe(-1);
  });

  it('shows a name of very many parts', () => {
    const name = ':'.repeat(100_000);
    const keys = tree(name);
    keys.reveal(name);
    expect(keys.rows().indexOfKey(name)).toBeGreaterThan(0);
    expect(keys.delete(name)).toBe(true);
    expect(keys.rows().length).toBe(0);
  });

  it('keeps the order of many names while some come and go', () => {
    const random = Random.fresh();
    const model = new Set<string>();
    const keys = new KeyTree();
    const change = (count: number) => {
      for (let i = 0; i < count; i += 1) {
        const name = `${random.below(1_000_000)}`;
        if (keys.add(name)) model.add(name);
        else if (random.chance(0.5)) {
          keys.delete(name);
          model.delete(name);
        }
      }
      for (const name of [...model].slice(0, count / 100)) {
        keys.delete(name);
        model.delete(name);
      }
    };
    change(8000);
    for (let round = 0; round < 5; round += 1) {
      const shown = [...keys.rows()].map(({ name }) => name);
      expect(shown, `seed ${random.seed}`).toEqual([...model].sort());
      change(500);
    }
  });

  it('opens the folders that are open in another tree', () => {
    const [one, two] = [tree('a:b', 'c:d'), tree('a:b', 'c:d', 'a:e')];
    one.toggle('a:');
    two.openAs(one);
    expect([...two.rows()].map(line)).toEqual(['a/ 2', '  b', '  e', 'c/ 1']);
  });

  it('holds what was added and not deleted, whatever the order', () => {
    const random = Random.fresh();
    const keys = new KeyTree();
    const model = new Set<string>();
    keys.isAllOpen = true;
    for (let step = 0; step < 3000; step += 1) {
      const key = Array.from({ length: random.between(1, 3) }, () => random.below(4)).join(':');
      const isAdded = random.chance(0.6);
      expect(isAdded ? keys.add(key) : keys.delete(key)).toBe(isAdded !== model.has(key));
      if (isAdded) model.add(key);
      else model.delete(key);
      if (step % 100 > 0) continue;
      const shown = [...keys.rows()].flatMap((row) => (row.kind === 'key' ? [row.key] : []));
      expect(shown.sort(), `seed ${random.seed}`).toEqual([...model].sort());
      for (const row of keys.rows()) {
        if (row.kind === 'key') continue;
        const inside = [...model].filter((each) => each.startsWith(row.path));
        expect(row.count, `seed ${random.seed}`).toBe(inside.length);
      }
    }
    expect(keys.size).toBe(model.size);
  });
});

describe('names of keys', () => {
  it('are text where they can be, and lead back to the same bytes', () => {
    expect(nameOfKey(bytes('user:ä'))).toBe('user:ä');
    for (const raw of [[255, 0, 97], [], [195], [97, 10], [239, 191, 190, 97]]) {
      const argument = keyArgument(nameOfKey(Uint8Array.from(raw)));
      expect([...(typeof argument === 'string' ? bytes(argument) : argument)]).toEqual(raw);
    }
  });

  it('are shown without what could not be seen', () => {
    expect(displayKey('a\nb')).toBe('a\\x0ab');
    expect(displayKey(nameOfKey(Uint8Array.of(255, 97)))).toBe('\\xffa');
    expect(displayKey('')).toBe('(empty)');
  });

  it.each([
    ['user', 'User:1', true],
    ['user', 'visits', false],
    ['user:*:name', 'user:1:name', true],
    ['user:*:name', 'User:1:name', false],
    ['u?er*', 'user', true],
    ['[ab]*', 'b:1', true],
  ])('the filter %j and the key %j: %s', (wanted, key, isFound) => {
    expect(matchKeys(wanted)(key)).toBe(isFound);
  });
});

async function store(): Promise<Respite> {
  const db = await Respite.open();
  opened.push(db);
  return db;
}

async function index(db: Respite, database = 0) {
  const changed: (string[] | 'all')[] = [];
  const errors: Error[] = [];
  const made = new KeyIndex(db, database, {
    onKeys() {},
    onFacts() {},
    onChanged: (keys) => changed.push(keys === undefined ? 'all' : [...keys]),
    onError: (error) => errors.push(error),
  });
  opened.push({ close: () => made.dispose() });
  await made.scanned();
  return { index: made, changed, errors };
}

/** Waits until it is so; the test's time is the limit. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('the index of keys', () => {
  it('has all keys of its database', async () => {
    const db = await store();
    await db.batch(Array.from({ length: 5000 }, (_, i) => ['SET', `k:${i}`, i]));
    const session = await db.session({ database: 1 });
    await session.command('SET', 'other', 1);
    expect((await index(db)).index.tree.size).toBe(5000);
    expect([...(await index(db, 1)).index.tree.keys()]).toEqual(['other']);
  });

  it('follows keys that come, change, go and expire', async () => {
    const db = await store();
    const { index: keys, changed } = await index(db);
    await db.command('SET', 'a', 1);
    await db.command('SET', 'b', 1, 'PX', 30);
    await until(() => keys.tree.has('a'));
    await until(() => changed.flat().includes('b'));
    await db.command('DEL', 'a');
    await until(() => !keys.tree.has('a') && !keys.tree.has('b'));
    await db.command('RPUSH', 'l', 'x');
    await until(() => keys.tree.has('l'));
    const before = changed.length;
    await db.command('RPUSH', 'l', 'y');
    await until(() => changed.length > before);
    expect(changed.at(-1)).toEqual(['l']);
  });

  it('scans again when all is flushed', async () => {
    const db = await store();
    await db.command('MSET', 'a', 1, 'b', 2);
    const { index: keys, changed } = await index(db);
    expect(keys.tree.size).toBe(2);
    await db.command('FLUSHALL');
    await until(() => keys.tree.size === 0);
    expect(changed).toContain('all');
  });

  it('knows type, time to live and size of keys it is asked for, until they change', async () => {
    const db = await store();
    await db.command('HSET', 'h', 'a', 1);
    await db.command('EXPIRE', 'h', 100);
    const { index: keys, errors } = await index(db);
    await keys.want(['h', 'gone']);
    const facts = keys.factsOf('h')!;
    expect(facts.type).toBe('hash');
    expect(facts.ttlMs).toBeGreaterThan(90_000);
    expect(facts.bytes).toBeGreaterThan(0);
    expect(keys.factsOf('gone')).toBeUndefined();
    await db.command('PERSIST', 'h');
    await until(() => keys.factsOf('h') === undefined);
    await keys.want(['h']);
    expect(keys.factsOf('h')!.ttlMs).toBe(-1);
    expect(errors).toEqual([]);
  });

  it('takes keys that are no text', async () => {
    const db = await store();
    await db.command('SET', Uint8Array.of(255, 254), 'x');
    const { index: keys } = await index(db);
    const [name] = keys.tree.keys();
    await keys.want([name!]);
    expect(keys.factsOf(name!)?.type).toBe('string');
    await db.command('DEL', keyArgument(name!));
    await until(() => keys.tree.size === 0);
  });

  it('forgets keys that are gone, and asks once for keys that are being asked for', async () => {
    const db = await store();
    const { index: keys } = await index(db);
    const asked = vi.spyOn(keys.session, 'batch');
    keys.tree.add('ghost');
    const { version } = keys;
    await Promise.all([keys.want(['ghost']), keys.want(['ghost'])]);
    expect(asked).toHaveBeenCalledTimes(1);
    expect(keys.tree.has('ghost')).toBe(false);
    expect(keys.version).toBe(version + 1);
    // It may have come again.
    await keys.want(['ghost']);
    expect(asked).toHaveBeenCalledTimes(2);
    expect(keys.version).toBe(version + 1);
  });

  it('tells of facts only when there are some', async () => {
    const db = await store();
    await db.command('SET', 'a', 1);
    let told = 0;
    const errors: Error[] = [];
    const keys = new KeyIndex(db, 0, {
      onKeys() {},
      onFacts: () => {
        told += 1;
      },
      onChanged() {},
      onError: (error) => errors.push(error),
    });
    await keys.scanned();
    await keys.want(['gone']);
    expect(told).toBe(0);
    await keys.want(['a']);
    expect(told).toBe(1);
    keys.session.close();
    await keys.want(['b']);
    expect(told).toBe(1);
    expect(errors).toHaveLength(1);
    keys.dispose();
  });

  it('scans again when its database was swapped', async () => {
    const db = await store();
    await db.command('MSET', 'a:b', 1, 'c', 2);
    const { index: keys, changed } = await index(db);
    await keys.checkSwaps();
    expect(changed).toEqual([]);
    await db.command('SWAPDB', 0, 1);
    await keys.checkSwaps();
    await until(() => keys.tree.size === 0);
    await db.command('SWAPDB', 0, 1);
    await keys.checkSwaps();
    await until(() => keys.tree.size === 2);
  });

  it('scans into a new tree, with the folders open as they were', async () => {
    const db = await store();
    await db.batch(Array.from({ length: 5000 }, (_, i) => ['SET', `k:${i}`, i]));
    const { index: keys } = await index(db);
    const before = keys.tree;
    before.toggle('k:');
    await db.command('FLUSHALL');
    await db.command('MSET', 'k:1', 1, 'other', 2);
    await until(() => keys.tree !== before && !keys.isScanning);
    expect([...keys.tree.keys()].sort()).toEqual(['k:1', 'other']);
    expect(keys.tree.isOpen('k:')).toBe(true);
  });

  it('says nothing more when it is left while it looks', async () => {
    const db = await store();
    const { index: keys, changed } = await index(db);
    let answer: (replies: Reply[]) => void = () => {};
    const looking = vi.spyOn(keys.session, 'batch').mockImplementation(
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    );
    await db.command('SET', 'new', 1);
    await until(() => looking.mock.calls.length > 0);
    keys.dispose();
    const { version } = keys;
    answer([1]);
    await until(() => keys.version > version);
    await new Promise((resolve) => setTimeout(resolve));
    expect(changed).toEqual([]);
  });

  it('goes on when its connections are killed', async () => {
    const db = await store();
    const { index: keys } = await index(db);
    await db.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await db.command('SET', 'later', 1);
    await until(() => keys.tree.has('later'));
    await keys.want(['later']);
    expect(keys.factsOf('later')?.type).toBe('string');
  });
});

async function collection(type: string, ...setup: (string | number)[][]) {
  const db = await store();
  for (const [name, ...args] of setup) await db.command(name as string, ...args);
  const session = new DatabaseSession(db, 0);
  opened.push({ close: () => session.close() });
  const made = openCollection(type, session, 'k')!;
  const rows = async () => (await made.page(undefined)).elements.map(({ cells }) => texts(cells));
  const element = async (i: number) => (await made.page(undefined)).elements[i]!;
  return { db, made, rows, element };
}

/** All pages. */
async function all(made: Collection): Promise<string[][]> {
  const found: string[][] = [];
  let next: string | undefined;
  do {
    const page = await made.page(next);
    found.push(...page.elements.map(({ cells }) => texts(cells)));
    next = page.next;
  } while (next !== undefined);
  return found;
}

describe('values of many elements', () => {
  it('of a hash are added, changed, renamed and removed', async () => {
    const { made, rows, element } = await collection('hash', ['HSET', 'k', 'a', '1']);
    await made.add([bytes('b'), bytes('2')]);
    await made.change(await element(0), 1, bytes('one'));
    expect(await rows()).toEqual([
      ['a', 'one'],
      ['b', '2'],
    ]);
    await made.change(await element(0), 0, bytes('c'));
    expect((await rows()).sort()).toEqual([
      ['b', '2'],
      ['c', 'one'],
    ]);
    await made.remove(await element(0));
    expect(await made.count()).toBe(1);
  });

  it('of a list are added at both ends, changed, and removed by their place', async () => {
    const { db, made, element } = await collection('list', ['RPUSH', 'k', 'x', 'y', 'x']);
    await made.add([bytes('last'), bytes('')]);
    await made.add([bytes('first'), bytes('start')]);
    await made.change(await element(2), 1, bytes('why'));
    await made.remove(await element(3));
    await expect(made.add([bytes('x'), bytes('3')])).rejects.toThrow('at the start, or at the end');
    expect(await db.command('LRANGE', 'k', 0, -1)).toEqual(['first', 'x', 'why', 'last']);
  });

  it('of a set are added, changed and removed', async () => {
    const { made, rows, element } = await collection('set', ['SADD', 'k', 'a']);
    await made.add([bytes('b')]);
    const [first] = (await rows())[0]!;
    await made.change(await element(0), 0, bytes('z'));
    expect((await rows()).flat()).not.toContain(first);
    expect((await rows()).flat()).toContain('z');
    await made.remove(await element(0));
    expect(await made.count()).toBe(1);
  });

  it('of a sorted set are in order, and keep their score when they are renamed', async () => {
    const { made, rows, element } = await collection('zset', [
      'ZADD',
      'k',
      '2.5',
      'b',
      '-inf',
      'a',
    ]);
    await made.add([bytes('7'), bytes('c')]);
    expect(await rows()).toEqual([
      ['-inf', 'a'],
      ['2.5', 'b'],
      ['7', 'c'],
    ]);
    await made.change(await element(1), 1, bytes('B'));
    await made.change(await element(0), 0, bytes('100'));
    expect(await rows()).toEqual([
      ['2.5', 'B'],
      ['7', 'c'],
      ['100', 'a'],
    ]);
    await made.remove(await element(1));
    expect(await made.count()).toBe(2);
    await expect(made.add([bytes('much'), bytes('x')])).rejects.toThrow('not a valid float');
  });

  it('of a stream are shown newest first, added and removed', async () => {
    const { made, rows, element } = await collection('stream', ['XADD', 'k', '1-0', 'a', '1']);
    await made.add([bytes('2-0'), bytes('b'), bytes('2'), bytes('c'), bytes('3')]);
    expect(await rows()).toEqual([
      ['2-0', 'b', '2', 'c', '3'],
      ['1-0', 'a', '1'],
    ]);
    await made.remove(await element(0));
    await made.add([bytes(''), bytes('d'), bytes('4')]);
    expect(await made.count()).toBe(2);
  });

  it.each([
    ['hash', (i: number) => ['HSET', 'k', `field ${i}`, 'x'.repeat(70)]],
    ['list', (i: number) => ['RPUSH', 'k', `${i}`]],
    ['set', (i: number) => ['SADD', 'k', `member ${i}`]],
    ['zset', (i: number) => ['ZADD', 'k', i, `member ${i}`]],
    ['stream', (i: number) => ['XADD', 'k', `${i + 1}-0`, 'n', i]],
  ] as const)('of a %s come in pages, each element once', async (type, command) => {
    const count = PAGE_ELEMENTS * 3 + 7;
    const { made } = await collection(type, ...Array.from({ length: count }, (_, i) => command(i)));
    const found = await all(made);
    expect(found).toHaveLength(count);
    expect(new Set(found.map((cells) => cells.join('\0'))).size).toBe(count);
    expect(await made.count()).toBe(count);
  });

  it('that are no text stay what they are', async () => {
    const { db, made, element } = await collection('hash');
    await db.command('HSET', 'k', Uint8Array.of(255), Uint8Array.of(0, 200));
    const { cells } = await element(0);
    const shown = toText(cells[1]!);
    expect(shown).toEqual({ text: '"\\x00\\xc8"', isQuoted: true });
    await made.change(await element(0), 1, fromText('"\\x01\\xc9"', true));
    const [value] = await db.with({ buffers: true }).batch([['HVALS', 'k']]);
    expect(value).toEqual([Uint8Array.of(1, 201)]);
  });
});

describe('a new key', () => {
  it.each([
    ['string', ' as it is\n', ['SET', 'k', ' as it is\n', 'NX']],
    ['list', 'a\nb c\n\n', ['RPUSH', 'k', 'a', 'b c']],
    ['set', 'a\nb', ['SADD', 'k', 'a', 'b']],
    [
      'hash',
      'name Ada Lovelace\n"two words" x',
      ['HSET', 'k', 'name', 'Ada Lovelace', 'two words', 'x'],
    ],
    ['zset', '1.5 Ada L', ['ZADD', 'k', '1.5', 'Ada L']],
    ['stream', 'celsius 21.5', ['XADD', 'k', '*', 'celsius', '21.5']],
  ] as const)('of type %s', (type, value, command) => {
    const made = newKeyCommand(type, 'k', value);
    expect(made.map((part) => (part instanceof Uint8Array ? toText(part).text : part))).toEqual(
      command,
    );
  });

  it('needs what it is made of', () => {
    expect(() => newKeyCommand('list', 'k', ' \n')).toThrow('at least one line');
    expect(() => newKeyCommand('hash', 'k', 'alone')).toThrow('Two words are needed');
  });
});
