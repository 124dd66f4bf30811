// The types of command(...), and that replies are what their types say. The types are checked by the compiler:
// lines that must not compile are marked, and a mark on a line that compiles is an error, too.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, expectTypeOf, it } from 'vitest';
import { renderCommandTypes } from '../../src/build/command_types.ts';
import { replyTypes } from '../../src/build/reply_types.ts';
import { allCommands, findCommand } from '../../src/commands/index.ts';
import { type Reply, Respite } from '../../src/index.ts';

let db: Respite;

beforeAll(async () => {
  db = await Respite.open();
});

afterAll(() => db.close());

/** Runs what must not compile; the engine refuses it, too. */
async function refused(call: () => Promise<unknown>): Promise<void> {
  await expect(call()).rejects.toMatchObject({ code: expect.any(String) });
}

it('the file of types is the one that the commands make', () => {
  const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
  const file = path.join(root, 'src/embedded/generated/command_types.ts');
  expect(readFileSync(file, 'utf8')).toBe(renderCommandTypes(allCommands()));
});

it('replies that are kept by hand are those of commands that exist', () => {
  for (const name of Object.keys(replyTypes)) expect(findCommand(name), name).toBeDefined();
});

it('commands have the reply of their record', async () => {
  const set = await db.command('SET', 'k', 'v');
  expectTypeOf(set).toEqualTypeOf<'OK' | null>();
  expect(set).toBe('OK');
  const get = await db.command('GET', 'k');
  expectTypeOf(get).toEqualTypeOf<string | null>();
  expect(get).toBe('v');
  const length = await db.command('APPEND', 'k', 5);
  expectTypeOf(length).toEqualTypeOf<number>();
  expect(length).toBe(2);
  expectTypeOf(db.command('INCR', 'n')).resolves.toEqualTypeOf<number | bigint>();
});

it('names may be in either case, and unknown ones take anything', async () => {
  expectTypeOf(db.command('get', 'k')).resolves.toEqualTypeOf<string | null>();
  const name: string = 'GET';
  const reply = await db.command(name, 'k');
  expectTypeOf(reply).toEqualTypeOf<Reply>();
  expect(reply).toBe('v5');
  await refused(() => db.command('NO.SUCH', 1, 2n, 'three', new Uint8Array(4)));
});

it('options decide on the reply', async () => {
  const before = await db.command('SET', 'k', 'w', 'EX', 100, 'GET');
  expectTypeOf(before).toEqualTypeOf<string | null>();
  expect(before).toBe('v5');
  await db.command('RPUSH', 'l', 'a', 'b', 'c');
  const one = await db.command('LPOP', 'l');
  expectTypeOf(one).toEqualTypeOf<string | null>();
  expect(one).toBe('a');
  const more = await db.command('LPOP', 'l', 2);
  expectTypeOf(more).toEqualTypeOf<string[] | null>();
  expect(more).toEqual(['b', 'c']);
  await db.command('ZADD', 'z', 1, 'a', 2, 'b');
  const members = await db.command('ZRANGE', 'z', 0, -1);
  expectTypeOf(members).toEqualTypeOf<string[]>();
  expect(members).toEqual(['a', 'b']);
  const scores = await db.command('ZRANGE', 'z', 0, -1, 'WITHSCORES');
  expectTypeOf(scores).toEqualTypeOf<[string, number][]>();
  expect(scores).toEqual([
    ['a', 1],
    ['b', 2],
  ]);
});

it('subcommands have replies of their own', async () => {
  const values = await db.command('CONFIG', 'GET', 'maxmemory');
  expectTypeOf(values).toEqualTypeOf<Map<string, string>>();
  expect(values).toEqual(new Map([['maxmemory', '0']]));
  const set = await db.command('CONFIG', 'SET', 'maxmemory', '1gb');
  expectTypeOf(set).toEqualTypeOf<'OK'>();
  expect(set).toBe('OK');
  expectTypeOf(db.command('CLIENT', 'ID')).resolves.toEqualTypeOf<number>();
});

it('bytes are in the type of who asks for them', async () => {
  const bytes = await db.with({ buffers: true }).command('GET', 'k');
  expectTypeOf(bytes).toEqualTypeOf<Uint8Array | null>();
  expect(bytes).toBeInstanceOf(Uint8Array);
  await db.command('HSET', 'h', 'f', 1);
  const map = await db.with({ buffers: true }).command('HGETALL', 'h');
  expectTypeOf(map).toEqualTypeOf<Map<Uint8Array, Uint8Array>>();
  expect([...map.values()]).toEqual([new Uint8Array([49])]);
  const { signal } = new AbortController();
  const still = db.with({ buffers: true }).with({ signal }).command('GET', 'k');
  expectTypeOf(still).resolves.toEqualTypeOf<Uint8Array | null>();
  expect(await still).toBeInstanceOf(Uint8Array);
});

it('options come in any order, and lists of any length', async () => {
  await db.command('SET', 'k', 'v', 'XX', 'GET', 'PX', 100_000);
  await db.command('SET', 'k', 'v', 'PX', 100_000, 'GET', 'XX');
  await db.command('SET', 'k', 'v', 'KEEPTTL');
  const keys: string[] = ['k', 'none'];
  const values = await db.command('MGET', ...keys);
  expectTypeOf(values).toEqualTypeOf<(string | null)[]>();
  expect(values).toEqual(['v', null]);
  expect(await db.command('EXISTS', ...keys, 'h')).toBe(2);
  await db.command('GEOADD', 'g', 13.36, 38.11, 'Palermo', 15.08, 37.5, 'Catania');
  const near = await db.command(
    'GEOSEARCH',
    'g',
    'FROMMEMBER',
    'Palermo',
    'BYRADIUS',
    200,
    'KM',
    'ASC',
    'COUNT',
    5,
  );
  expectTypeOf(near).toEqualTypeOf<string[]>();
  expect(near).toEqual(['Palermo', 'Catania']);
  await db.command('ZADD', 'z', 'GT', 'CH', '+inf', 'm');
  await db.command('ZRANGEBYSCORE', 'z', '(1', '+inf', 'WITHSCORES', 'LIMIT', 0, 5);
  const [cursor, some] = await db.command('SCAN', 0, 'COUNT', 1000);
  expect(some.length).toBeGreaterThan(3);
  await db.command('SCAN', cursor, 'TYPE', 'hash', 'MATCH', '*');
  await db.command('XADD', 's', 'MAXLEN', '~', 100, '*', 'field', 'value');
  await db.command('BITFIELD', 'bits', 'SET', 'u8', '#1', 255, 'GET', 'u8', 8);
  await db.command('HEXPIRE', 'h', 100, 'NX', 'FIELDS', 1, 'f');
  expect(await db.command('LMPOP', 2, 'x', 'y', 'LEFT', 'COUNT', 2)).toBe(null);
});

it('arguments that a command does not take do not compile', async () => {
  // @ts-expect-error: no key
  await refused(() => db.command('GET'));
  // @ts-expect-error: one key too many
  await refused(() => db.command('GET', 'k', 'k'));
  // @ts-expect-error: an option that there is not
  await refused(() => db.command('SET', 'k', 'v', 'EXX', 10));
  // @ts-expect-error: no number
  await refused(() => db.command('EXPIRE', 'k', 'soon'));
  // @ts-expect-error: no end of a list
  await refused(() => db.command('LMOVE', 'a', 'b', 'UP', 'LEFT'));
  // @ts-expect-error: an object
  await refused(async () => db.command('SET', 'k', { a: 1 }));
  // @ts-expect-error: no subcommand
  await refused(() => db.command('CONFIG', 'GOT', 'maxmemory'));
  // @ts-expect-error: also in a pipeline
  db.pipeline().command('GET');
});
