// What a crash leaves of a storage in memory: never less than was made durable, never anything that was
// not there, and over many draws each of the outcomes between.

import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../../src/storage/memory_storage.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { Random } from '../support/random.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const DRAWS = 400;

/** What `look` finds in what crashes leave, each result once, sorted. */
function outcomes(storage: MemoryStorage, look: (left: Storage) => string): string[] {
  const random = new Random(1);
  const found = new Set<string>();
  for (let i = 0; i < DRAWS; i++) {
    const left = storage.crash(() => random.u32() / 2 ** 32);
    found.add(look(left));
  }
  return [...found].sort();
}

const content = (storage: Storage, path: string): string =>
  storage.status(path) === undefined ? 'none' : Buffer.from(storage.readFile(path)).toString();

function create(storage: Storage, path: string, text: string): void {
  const file = storage.open(path, 'create');
  file.write(bytes(text));
  file.sync();
  file.close();
}

describe('a crash', () => {
  it('leaves what was synced and any first part of what came after', () => {
    const storage = new MemoryStorage();
    const file = storage.open('a', 'create');
    file.write(bytes('kept'));
    file.sync();
    file.write(bytes('ab'));
    storage.syncDirectory('/');
    expect(outcomes(storage, (left) => content(left, 'a'))).toEqual(['kept', 'kepta', 'keptab']);
  });

  it('leaves a new file or none until its directory is synced', () => {
    const storage = new MemoryStorage();
    create(storage, 'a', 'x');
    expect(outcomes(storage, (left) => content(left, 'a'))).toEqual(['none', 'x']);
    storage.syncDirectory('/');
    expect(outcomes(storage, (left) => content(left, 'a'))).toEqual(['x']);
  });

  it('leaves the old file or the new one when a rename was not synced', () => {
    const storage = new MemoryStorage();
    create(storage, 'a', 'old');
    create(storage, 'temp', 'new');
    storage.syncDirectory('/');
    storage.rename('temp', 'a');
    const look = (left: Storage) => `${content(left, 'a')} ${content(left, 'temp')}`;
    expect(outcomes(storage, look)).toEqual(['new none', 'old new']);
    storage.syncDirectory('/');
    expect(outcomes(storage, look)).toEqual(['new none']);
  });

  it('leaves one name at least of a file renamed between directories', () => {
    const storage = new MemoryStorage();
    storage.makeDirectory('sub');
    create(storage, 'a', 'x');
    storage.syncDirectory('/');
    storage.rename('a', 'sub/b');
    const look = (left: Storage) => `${content(left, 'a')} ${content(left, 'sub/b')}`;
    expect(outcomes(storage, look)).toEqual(['none x', 'x none', 'x x']);
    storage.syncDirectory('sub');
    expect(outcomes(storage, look)).toEqual(['none x', 'x x']);
    storage.syncDirectory('/');
    expect(outcomes(storage, look)).toEqual(['none x']);
  });

  it('makes both halves of such a rename durable with the directory it came from', () => {
    const storage = new MemoryStorage();
    storage.makeDirectory('sub');
    create(storage, 'a', 'x');
    storage.syncDirectory('/');
    storage.rename('a', 'sub/b');
    storage.syncDirectory('/');
    expect(outcomes(storage, (left) => content(left, 'sub/b'))).toEqual(['x']);
  });

  it('leaves a removed file or not until the directory is synced', () => {
    const storage = new MemoryStorage();
    create(storage, 'a', 'x');
    storage.syncDirectory('/');
    storage.remove('a');
    expect(outcomes(storage, (left) => content(left, 'a'))).toEqual(['none', 'x']);
  });

  it('keeps changes of a directory apart: any of them may be missing', () => {
    const storage = new MemoryStorage();
    create(storage, 'a', '1');
    create(storage, 'b', '2');
    expect(outcomes(storage, (left) => left.list('/').join())).toEqual(['', 'a', 'a,b', 'b']);
  });

  it('takes a directory along that its parent does not know for sure', () => {
    const storage = new MemoryStorage();
    storage.makeDirectory('sub');
    create(storage, 'sub/a', 'x');
    storage.syncDirectory('sub');
    expect(outcomes(storage, (left) => content(left, 'sub/a'))).toEqual(['none', 'x']);
  });

  it('may bring back what was cut off after the last sync', () => {
    const storage = new MemoryStorage();
    const file = storage.open('a', 'create');
    file.write(bytes('abcd'));
    file.sync();
    storage.syncDirectory('/');
    file.truncate(2);
    expect(outcomes(storage, (left) => content(left, 'a'))).toEqual(['ab', 'abcd']);
    file.sync();
    expect(outcomes(storage, (left) => content(left, 'a'))).toEqual(['ab']);
  });

  it('may leave what was there when synced bytes were overwritten', () => {
    const storage = new MemoryStorage();
    create(storage, 'a', 'abcd');
    storage.syncDirectory('/');
    storage.open('a', 'update').write(bytes('X'));
    const found = outcomes(storage, (left) => content(left, 'a'));
    expect(found).toContain('abcd');
    expect(found).toContain('Xbcd');
  });

  it('leaves both names of a linked file with the same content', () => {
    const storage = new MemoryStorage();
    const file = storage.open('a', 'create');
    storage.link('a', 'b');
    storage.syncDirectory('/');
    file.write(bytes('xyz'));
    const look = (left: Storage) => String(content(left, 'a') === content(left, 'b'));
    expect(outcomes(storage, look)).toEqual(['true']);
  });

  it('is not what the end of a process is, which loses nothing', () => {
    const storage = new MemoryStorage();
    create(storage, 'a', 'old');
    const file = storage.open('a', 'append');
    file.truncate(2);
    file.write(bytes('!'));
    const copy = storage.copy();
    expect(content(copy, 'a')).toBe('ol!');
    file.write(bytes('more'));
    expect(outcomes(copy, (left) => content(left, 'a'))).toEqual(['ol!']);
  });

  it('leaves a storage in which everything is durable, and the old one as it was', () => {
    const storage = new MemoryStorage();
    create(storage, 'a', 'x');
    let left = storage;
    const random = new Random(5);
    while (left === storage || left.list('/').length === 0) {
      left = storage.crash(() => random.u32() / 2 ** 32);
    }
    expect(outcomes(left, (again) => content(again, 'a'))).toEqual(['x']);
    expect(storage.list('/')).toEqual(['a']);
  });
});
