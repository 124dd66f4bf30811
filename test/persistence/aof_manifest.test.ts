import { describe, expect, it } from 'vitest';
import { Logger } from '../../src/log.ts';
import {
  Manifest,
  ManifestError,
  readManifest,
  writeManifest,
} from '../../src/persistence/aof/manifest.ts';
import { MemoryStorage } from '../../src/storage/memory_storage.ts';
import { FaultyStorage } from '../support/faulty_storage.ts';
import { Random } from '../support/random.ts';

const parse = (text: string): Manifest => Manifest.parse(Buffer.from(text));

function errorOf(text: string): ManifestError {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof ManifestError) return error;
    throw error;
  }
  throw new Error('no error');
}

function silentLog(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const log = new Logger({ pid: 1, sink: { write: (text) => lines.push(text) } });
  return { log, lines };
}

describe('a manifest', () => {
  it('is written as it was read', () => {
    const text =
      'file appendonly.aof.2.base.rdb seq 2 type b\n' +
      'file appendonly.aof.1.incr.aof seq 1 type h\n' +
      'file appendonly.aof.2.incr.aof seq 2 type i\n' +
      'file appendonly.aof.5.incr.aof seq 5 type i\n';
    const manifest = parse(text);
    expect(manifest.format()).toBe(text);
    expect(manifest.files.map(({ name }) => name)).toEqual([
      'appendonly.aof.2.base.rdb',
      'appendonly.aof.2.incr.aof',
      'appendonly.aof.5.incr.aof',
    ]);
    expect(manifest.baseSeq).toBe(2);
    expect(manifest.incrementSeq).toBe(5);
    expect(manifest.last?.name).toBe('appendonly.aof.5.incr.aof');
  });

  it('may have comments, further pairs, other case and other order', () => {
    const manifest = parse(
      '# a comment\nSEQ 1 Type i NEW "something else" FILE appendonly.aof.1.incr.aof\n',
    );
    expect(manifest.format()).toBe('file appendonly.aof.1.incr.aof seq 1 type i\n');
  });

  it('quotes names that need it', () => {
    const manifest = Manifest.EMPTY.withIncrement('a "b" é.aof');
    expect(manifest.format()).toBe('file "a \\"b\\" \\xc3\\xa9.aof.1.incr.aof" seq 1 type i\n');
    expect(parse(manifest.format()).last?.name).toBe('a "b" é.aof.1.incr.aof');
  });

  it.each([
    ['', 'Found an empty AOF manifest', undefined],
    ['\n', 'Invalid AOF manifest file format', ''],
    ['file a seq 1 type i\n\n', 'Invalid AOF manifest file format', ''],
    ['file a seq 1\n', 'Invalid AOF manifest file format', 'file a seq 1'],
    ['file a seq 1 type i more\n', 'Invalid AOF manifest file format', 'file a seq 1 type i more'],
    ['file a seq x type i\n', 'Invalid AOF manifest file format', 'file a seq x type i'],
    ['file "a seq 1 type i\n', 'Invalid AOF manifest file format', 'file "a seq 1 type i'],
    ['file a seq 1 type i', 'The AOF manifest file contains too long line', undefined],
    [
      `file ${'a'.repeat(1100)} seq 1 type i\n`,
      'The AOF manifest file contains too long line',
      undefined,
    ],
    ['file a/b seq 1 type i\n', "File can't be a path, just a filename", 'file a/b seq 1 type i'],
    ['file a seq 1 type x\n', 'Unknown AOF file type', 'file a seq 1 type x'],
    [
      'file a seq 1 type b\nfile b seq 2 type b\n',
      'Found duplicate base file information',
      'file b seq 2 type b',
    ],
    [
      'file a seq 2 type i\nfile b seq 2 type i\n',
      'Found a non-monotonic sequence number',
      'file b seq 2 type i',
    ],
  ])('a wrong one is refused (%#)', (text, message, line) => {
    const error = errorOf(text);
    expect(error.message).toBe(message);
    expect(error.line).toBe(line);
  });

  it('says on which line it is wrong, as Redis does', () => {
    const { log, lines } = silentLog();
    errorOf('#\nfile a seq 1 type x\n').logTo(log);
    const text = lines.join('');
    expect(text).toContain('# \n*** FATAL AOF MANIFEST FILE ERROR ***\n');
    expect(text).toContain('# Reading the manifest file, at line 2\n');
    expect(text).toContain("# >>> 'file a seq 1 type x'\n");
    expect(text).toContain('# Unknown AOF file type\n');
  });
});

describe('the life of a manifest', () => {
  const stem = 'appendonly.aof';
  const started = Manifest.EMPTY.withBase(stem, 'rdb').withIncrement(stem);

  it('begins with a base and an increment', () => {
    expect(started.format()).toBe(
      'file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n',
    );
  });

  it('a rewrite makes history of all but the increment that goes on', () => {
    const rewriting = started.withIncrement(stem);
    const done = rewriting.withBase(stem, 'aof').withRewritten(2);
    expect(done.format()).toBe(
      'file appendonly.aof.2.base.aof seq 2 type b\n' +
        'file appendonly.aof.1.incr.aof seq 1 type h\n' +
        'file appendonly.aof.1.base.rdb seq 1 type h\n' +
        'file appendonly.aof.2.incr.aof seq 2 type i\n',
    );
    expect(done.withoutHistory().history).toEqual([]);
    // Numbers are never used again.
    expect(done.withoutHistory().withBase(stem, 'rdb').base?.seq).toBe(3);
    expect(done.withRewritten(Number.POSITIVE_INFINITY).withIncrement(stem).last?.seq).toBe(3);
    expect(started.format()).toContain('seq 1 type i');
  });

  it('an old file becomes the base under its own name', () => {
    const upgraded = Manifest.upgraded(stem).withIncrement(stem);
    expect(upgraded.format()).toBe(
      'file appendonly.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n',
    );
  });
});

describe('on the disk', () => {
  const place = (storage: MemoryStorage | FaultyStorage) => ({
    storage,
    directory: 'aof',
    stem: 'a.aof',
  });
  const before = Manifest.EMPTY.withIncrement('a.aof');
  const after = before.withIncrement('a.aof');

  it('a missing one is undefined', () => {
    expect(readManifest(place(new MemoryStorage()))).toBeUndefined();
  });

  it('whatever fails or whenever the process dies, the old one or the new one is there', () => {
    const random = new Random(3);
    for (const kind of ['fail', 'crash'] as const) {
      for (let at = 1, done = false; !done; at++) {
        const disk = new MemoryStorage();
        disk.makeDirectory('aof');
        disk.syncDirectory('/');
        const { log, lines } = silentLog();
        expect(writeManifest(place(disk), before, log)).toBe('durable');
        const code = kind === 'fail' ? { code: 'EIO' } : {};
        const faulty = new FaultyStorage(disk, { at, taken: 0.5, ...code });
        let outcome: string;
        try {
          outcome = writeManifest(place(faulty), after, log);
        } catch {
          outcome = 'thrown';
        }
        done = faulty.operations < at;
        const now = readManifest(place(disk))?.format();
        if (outcome !== 'thrown') expect(now).toBe(after.format());
        else if (kind === 'fail') expect(now).toBe(before.format());
        if (kind === 'fail' && !done) expect(lines.join('')).toContain('Input/output error');
        for (let draw = 0; draw < 20; draw++) {
          const left = disk.crash(() => random.u32() / 2 ** 32);
          const found = readManifest(place(left))?.format();
          if (outcome === 'durable') expect(found).toBe(after.format());
          else expect([before.format(), after.format()]).toContain(found);
        }
        if (done) expect(outcome).toBe('durable');
      }
    }
  });
});
