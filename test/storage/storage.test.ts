// The contract of Storage, kept by the file system and by the tree in memory alike.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { MemoryStorage } from '../../src/storage/memory_storage.ts';
import { NodeStorage } from '../../src/storage/node_storage.node.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { errorCode } from '../../src/util/system_error.ts';

const scratch = mkdtempSync(path.join(tmpdir(), 'respite-storage-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let made = 0;

interface Kind {
  readonly name: string;
  /** A storage and an empty directory in it. */
  make(): { storage: Storage; dir: string };
}

const kinds: Kind[] = [
  {
    name: 'MemoryStorage',
    make: () => {
      const storage = new MemoryStorage();
      storage.makeDirectory('/data');
      return { storage, dir: '/data' };
    },
  },
  {
    name: 'NodeStorage',
    make: () => {
      const storage = new NodeStorage();
      const dir = `${scratch}/${++made}`;
      storage.makeDirectory(dir);
      return { storage, dir };
    },
  },
];

const bytes = (text: string): Uint8Array => Buffer.from(text);
const textOf = (storage: Storage, file: string): string =>
  Buffer.from(storage.readFile(file)).toString();

function put(storage: Storage, file: string, text: string): void {
  const opened = storage.open(file, 'create');
  opened.write(bytes(text));
  opened.close();
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return errorCode(error);
  }
  return 'no error';
}

for (const kind of kinds) {
  describe(kind.name, () => {
    it('appends to a file it creates, and reads it at any position', () => {
      const { storage, dir } = kind.make();
      const file = storage.open(`${dir}/a`, 'create');
      file.write(bytes('hello '));
      file.write(bytes('world'));
      expect(file.size()).toBe(11);
      const into = new Uint8Array(4);
      expect(file.read(into, 9)).toBe(2);
      expect(Buffer.from(into).toString('latin1')).toBe('ld\0\0');
      expect(file.read(into, 11)).toBe(0);
      file.close();
      expect(textOf(storage, `${dir}/a`)).toBe('hello world');
    });

    it('create empties a file that is there, append goes on behind its end', () => {
      const { storage, dir } = kind.make();
      put(storage, `${dir}/a`, 'long ago');
      const again = storage.open(`${dir}/a`, 'create');
      expect(again.size()).toBe(0);
      again.write(bytes('new'));
      again.close();
      const more = storage.open(`${dir}/a`, 'append');
      expect(more.size()).toBe(3);
      more.write(bytes('er'));
      more.close();
      expect(textOf(storage, `${dir}/a`)).toBe('newer');
    });

    it('append makes a missing file; read and update refuse one', () => {
      const { storage, dir } = kind.make();
      storage.open(`${dir}/a`, 'append').close();
      expect(storage.status(`${dir}/a`)?.sizeBytes).toBe(0);
      expect(codeOf(() => storage.open(`${dir}/b`, 'read'))).toBe('ENOENT');
      expect(codeOf(() => storage.open(`${dir}/b`, 'update'))).toBe('ENOENT');
      expect(codeOf(() => storage.open(`${dir}/no/b`, 'create'))).toBe('ENOENT');
      expect(storage.status(`${dir}/b`)).toBeUndefined();
    });

    it('exclusive makes a file only where there is none', () => {
      const { storage, dir } = kind.make();
      const file = storage.open(`${dir}/a`, 'exclusive');
      file.write(bytes('mine'));
      file.close();
      expect(codeOf(() => storage.open(`${dir}/a`, 'exclusive'))).toBe('EEXIST');
      expect(textOf(storage, `${dir}/a`)).toBe('mine');
    });

    it('update writes from the beginning on', async () => {
      const { storage, dir } = kind.make();
      put(storage, `${dir}/a`, '0123456789');
      const file = storage.open(`${dir}/a`, 'update');
      file.write(bytes('ab'));
      await file.writeAsync(bytes('cd'));
      expect(textOf(storage, `${dir}/a`)).toBe('abcd456789');
      file.truncate(3);
      file.write(bytes('X'));
      expect(textOf(storage, `${dir}/a`)).toBe('abcX');
      file.close();
    });

    it('a file that was cut goes on behind its new end', () => {
      const { storage, dir } = kind.make();
      const file = storage.open(`${dir}/a`, 'append');
      file.write(bytes('one two'));
      file.truncate(4);
      file.write(bytes('three'));
      file.sync();
      file.close();
      expect(textOf(storage, `${dir}/a`)).toBe('one three');
    });

    it('writes and flushes in the background, in order', async () => {
      const { storage, dir } = kind.make();
      const file = storage.open(`${dir}/a`, 'create');
      await file.writeAsync(bytes('first,'));
      await file.writeAsync(bytes('second'));
      await file.syncAsync();
      file.close();
      expect(textOf(storage, `${dir}/a`)).toBe('first,second');
    });

    it('a file opened to be read cannot be written, a closed one not at all', () => {
      const { storage, dir } = kind.make();
      put(storage, `${dir}/a`, 'x');
      const file = storage.open(`${dir}/a`, 'read');
      expect(codeOf(() => file.write(bytes('y')))).toBe('EBADF');
      file.close();
      expect(codeOf(() => file.size())).toBe('EBADF');
    });

    it('lists names sorted and tells directories from files', () => {
      const { storage, dir } = kind.make();
      put(storage, `${dir}/b`, 'xyz');
      storage.makeDirectory(`${dir}/a/deep`);
      storage.makeDirectory(`${dir}/a/deep`);
      expect(storage.list(dir)).toEqual(['a', 'b']);
      expect(storage.status(`${dir}/a`)?.isDirectory).toBe(true);
      expect(storage.status(`${dir}/b`)).toMatchObject({ isDirectory: false, sizeBytes: 3 });
      expect(storage.status(`${dir}/b/c`)).toBeUndefined();
      expect(codeOf(() => storage.list(`${dir}/none`))).toBe('ENOENT');
      expect(codeOf(() => storage.list(`${dir}/b`))).toBe('ENOTDIR');
      expect(codeOf(() => storage.makeDirectory(`${dir}/b`))).toBe('EEXIST');
      expect(codeOf(() => storage.open(`${dir}/a`, 'append'))).toBe('EISDIR');
      expect(codeOf(() => storage.readFile(`${dir}/a`))).toBe('EISDIR');
    });

    it('renames in place of what is there, within and between directories', () => {
      const { storage, dir } = kind.make();
      put(storage, `${dir}/a`, 'A');
      put(storage, `${dir}/b`, 'B');
      storage.rename(`${dir}/a`, `${dir}/b`);
      expect(storage.list(dir)).toEqual(['b']);
      storage.makeDirectory(`${dir}/sub`);
      storage.rename(`${dir}/b`, `${dir}/sub/c`);
      expect(textOf(storage, `${dir}/sub/c`)).toBe('A');
      storage.syncDirectory(`${dir}/sub`);
      storage.syncDirectory(dir);
      expect(storage.list(dir)).toEqual(['sub']);
      expect(codeOf(() => storage.rename(`${dir}/a`, `${dir}/x`))).toBe('ENOENT');
      expect(codeOf(() => storage.rename(`${dir}/sub/c`, `${dir}/none/x`))).toBe('ENOENT');
    });

    it('a link is the same file under another name, and never replaces one', () => {
      const { storage, dir } = kind.make();
      put(storage, `${dir}/a`, 'one');
      storage.link(`${dir}/a`, `${dir}/b`);
      const file = storage.open(`${dir}/a`, 'append');
      file.write(bytes(' two'));
      file.close();
      storage.remove(`${dir}/a`);
      expect(textOf(storage, `${dir}/b`)).toBe('one two');
      put(storage, `${dir}/c`, 'other');
      expect(codeOf(() => storage.link(`${dir}/c`, `${dir}/b`))).toBe('EEXIST');
      expect(codeOf(() => storage.link(`${dir}/none`, `${dir}/d`))).toBe('ENOENT');
    });

    it('removes files and whole directories', () => {
      const { storage, dir } = kind.make();
      put(storage, `${dir}/a`, 'x');
      storage.remove(`${dir}/a`);
      expect(codeOf(() => storage.remove(`${dir}/a`))).toBe('ENOENT');
      storage.makeDirectory(`${dir}/sub/deep`);
      put(storage, `${dir}/sub/deep/b`, 'x');
      storage.removeTree(`${dir}/sub`);
      storage.removeTree(`${dir}/sub`);
      expect(storage.list(dir)).toEqual([]);
    });

    it('an open file outlives its name', () => {
      const { storage, dir } = kind.make();
      const file = storage.open(`${dir}/a`, 'create');
      storage.rename(`${dir}/a`, `${dir}/b`);
      file.write(bytes('still here'));
      expect(textOf(storage, `${dir}/b`)).toBe('still here');
      storage.remove(`${dir}/b`);
      expect(file.size()).toBe(10);
      file.close();
    });
  });
}
