// Loading when memory is used up: wherever it happens, it is said, nothing of what was being read
// is left, and the engine goes on with what it had.

import { beforeAll, describe, expect, it } from 'vitest';
import type { Argument } from '../support/arguments.ts';
import { LoadSession } from '../support/load_session.ts';
import { key, rdbFile, resize } from '../support/rdb_file.ts';
import { f64, length, lzf, lzfLiterals, plain, RDB, streamId } from '../support/rdb_payload.ts';

const MEMORY_LIMIT_BYTES = 64 * 1024 * 1024;
const FILLER_BYTES = 300_000;
const SKY = 4_000_000_000_000;
/** Database of the fillers; those of files are in 0. */
const FILLERS = 15;

/** A value takes more than the reserve below which no key is filed any more. */
const WORDS = Array.from(
  { length: 50_000 },
  (_, i) => `word:${i}:${(i * 7919) % 1000}:${'x'.repeat(100)}`,
);
const LONG = 'abcdefghijklmnopqrstuvwxyz'.repeat(300_000);

/** A part for each word, with its number. */
function parts(make: (word: string, i: number) => Buffer[]): Buffer {
  return Buffer.concat(WORDS.flatMap(make));
}

function small(name: string): Buffer {
  return key(RDB.string, name, plain('some value'));
}

/** A file with one key, whose value has an element for each word. */
function oneKey(type: number, make: (word: string, i: number) => Buffer[]): Buffer {
  return rdbFile(12, key(type, 'k', length(WORDS.length), parts(make)));
}

const smallKeys = parts((word) => [small(word), small(`${word}+`)]);

const FILES: readonly (readonly [string, Buffer])[] = [
  ['small keys', rdbFile(10, resize(2 * WORDS.length, 0), smallKeys)],
  ['small keys without a hint', rdbFile(10, smallKeys)],
  ['a long string', rdbFile(10, key(RDB.string, 'k', plain(LONG)))],
  [
    'a compressed string',
    rdbFile(10, key(RDB.string, 'k', lzf(lzfLiterals(LONG), LONG.length)), small('after')),
  ],
  ['a list', oneKey(RDB.list, (word) => [plain(`${word}${word}`)])],
  ['a set', oneKey(RDB.set, (word) => [plain(word)])],
  ['a sorted set', oneKey(RDB.zset2, (word, i) => [plain(word), f64(i)])],
  ['a hash', oneKey(RDB.hash, (word) => [plain(word), plain('value')])],
  [
    'a hash whose fields expire',
    oneKey(RDB.hashMetadataPreGa, (word, i) => [length(SKY + i), plain(word), plain('value')]),
  ],
  ['a stream with many pending entries', rdbFile(10, pendingStream())],
];

function pendingStream(): Buffer {
  const lengths = (...list: number[]) => Buffer.concat(list.map(length));
  const id = (i: number) => streamId(BigInt(i + 1), 0n);
  return key(
    RDB.stream2,
    'k',
    lengths(0, 0, WORDS.length, 0, 0, 0, 0, 0, WORDS.length, 1),
    plain('group'),
    lengths(WORDS.length, 0, WORDS.length, WORDS.length),
    parts((_, i) => [id(i), Buffer.alloc(8), length(1)]),
    length(1),
    plain('consumer'),
    Buffer.alloc(8),
    length(WORDS.length),
    parts((_, i) => [id(i)]),
  );
}

let session: LoadSession;

function call(...args: Argument[]): string {
  return session.call(...args);
}

/** Takes memory until there is none for a block of this size; how many it took. */
function fill(): number {
  call('SELECT', FILLERS);
  let taken = 0;
  while (call('SET', `filler:${taken}`, 'v'.repeat(FILLER_BYTES)) === '+OK') taken += 1;
  return taken;
}

/** Deletes everything, at once. */
function forget(): void {
  call('FLUSHALL');
  while (session.engine.cron(100_000));
}

describe.each(FILES)('%s', (_name, file) => {
  beforeAll(() => {
    session = new LoadSession({ memoryLimitBytes: MEMORY_LIMIT_BYTES });
    session.load(file);
    forget();
  });

  it.each([undefined, 65536])('load when there is room, and not before (%s)', (pieces) => {
    const more = { checksum: false, ...(pieces === undefined ? {} : { progressBytes: pieces }) };
    let fillers = fill();
    let refused = 0;
    for (;;) {
      call('SELECT', 0);
      call('FLUSHDB');
      let result: { keysLoaded: number } | undefined;
      try {
        result = session.load(file, more);
      } catch (error) {
        expect(error).toMatchObject({ code: 'NO_MEMORY' });
        expect(session.lines.join('\n')).toContain('Out of memory loading DB');
      }
      session.lines.length = 0;
      if (result !== undefined) break;
      refused += 1;
      // The keys before may stay, and the engine works.
      call('FLUSHDB');
      expect(call('DBSIZE')).toBe('0');
      call('SELECT', FILLERS);
      expect(call('DBSIZE')).toBe(`${fillers}`);
      fillers -= 1;
      call('DEL', `filler:${fillers}`);
    }
    expect(refused).toBeGreaterThan(3);
    forget();
  });
});

it('what is left behind takes no memory', () => {
  session = new LoadSession({ memoryLimitBytes: MEMORY_LIMIT_BYTES });
  const files = FILES.map(([, file]) => file);
  fill();
  for (const file of files) session.refused(file, { checksum: false });
  const before = session.bytesWithoutKeys();
  for (let round = 0; round < 3; round++) {
    fill();
    for (const file of files) session.refused(file, { checksum: false, allowDuplicates: true });
    expect(session.bytesWithoutKeys()).toBe(before);
  }
});
