// respite check: what it recognises, what it says, and what it cuts.

import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../../src/storage/memory_storage.ts';
import { tool } from '../support/captured_terminal.ts';
import { LOG, logged, put, putLog, snapshot, text, timestamp } from '../support/data_files.ts';
import { expireMs, key, moduleKey, rdbFile, select } from '../support/rdb_file.ts';
import { length, listpack, plain } from '../support/rdb_payload.ts';

const SET = logged('SET', 'key', 'value');
const OPEN = logged('MULTI') + logged('SET', 'a', '1');

describe('a snapshot', () => {
  it('has its fields, keys, databases, types and biggest keys told', async () => {
    const storage = new MemoryStorage();
    put(
      storage,
      'dump',
      rdbFile(
        10,
        select(0),
        key(0, 'small', plain('x')),
        key(0, 'big', plain('x'.repeat(60))),
        select(7),
        expireMs(1000),
        key(2, 'members', length(2), plain('a'), plain('b')),
      ),
    );
    const { code, output, errors } = await tool(storage, '--quiet check dump', { nowMs: 2000 });
    expect(output).toBe(`File             dump
RDB version      10
Bytes            120
Checksum         right
Keys             3, 1 with an expiry, 1 of them already expired
  db0            2, 0 with an expiry
  db7            1, 1 with an expiry
Types
  set            1; the biggest:
    13 bytes     db7 "members"
  string         2; the biggest:
    65 bytes     db0 "big"
    8 bytes      db0 "small"
Values           right
dump is valid
`);
    expect([code, errors]).toEqual([0, '']);
  });

  it('has no more than ten keys of a type shown', async () => {
    const storage = new MemoryStorage();
    const keys = Array.from({ length: 30 }, (_, i) => `key${i}`);
    put(storage, 'dump', snapshot({ keys }));
    const { output } = await tool(storage, 'check dump');
    expect(output.match(/db0 "key/g)).toHaveLength(10);
  });

  it('that is damaged has the place, the key and the activity told', async () => {
    const storage = new MemoryStorage();
    put(
      storage,
      'dump',
      rdbFile(10, key(0, 'k', plain('v')), key(4, 'h\n', length(3), plain('f'))),
    );
    const { code, output, errors } = await tool(storage, '--quiet check dump');
    expect(output).toContain('Fault at offset');
    expect(output).toContain('while doing    read-object-value');
    expect(output).toContain('key            "h\\n"');
    expect(output).toContain('type           4 (hash-hashtable)');
    expect(output).toContain('keys before    1');
    expect(errors).toMatch(/^respite: dump is damaged at offset \d+: .+\n$/);
    expect(code).toBe(1);
  });
});

describe('the values of a snapshot', () => {
  const broken = listpack(['a', '1', 'b']);

  it('are looked into: their form may be right and their inside not', async () => {
    const storage = new MemoryStorage();
    put(storage, 'dump', rdbFile(10, key(0, 'fine', plain('x')), key(16, 'odd', plain(broken))));
    const { code, output, errors } = await tool(storage, '--quiet check dump');
    expect(code).toBe(1);
    expect(output).toMatch(/Fault at offset \d+: .*listpack/i);
    expect(output).toContain('odd');
    expect(errors).toMatch(/^respite: dump is damaged at offset \d+: .*\n$/);
    expect((await tool(storage, '--quiet check dump --quick')).code).toBe(0);
  });

  it('may be of a module, which cannot be told', async () => {
    const storage = new MemoryStorage();
    put(storage, 'dump', rdbFile(10, moduleKey('m', 'module--1')));
    const { code, output } = await tool(storage, '--quiet check dump');
    expect(output).toContain('Values           not all could be looked into: a module has them');
    expect(code).toBe(0);
  });

  it('may be many more than are kept at a time, in any database', async () => {
    const storage = new MemoryStorage();
    const value = 'x'.repeat(100_000);
    const many = Array.from({ length: 200 }, (_, i) => [
      select(i),
      key(0, `key${i}`, plain(`${i}${value}`)),
      key(1, `list${i}`, length(2), plain(value), plain('y')),
    ]).flat();
    put(storage, 'dump', rdbFile(10, ...many));
    const { code, output, errors } = await tool(storage, '--quiet check dump');
    expect([code, errors]).toEqual([0, '']);
    expect(output).toContain('Keys             400,');
    expect(output).toContain('Values           right');
  });
});

describe('an append-only file', () => {
  it('has its size, its end, its commands and times told', async () => {
    const storage = new MemoryStorage();
    const content = timestamp(100) + SET + OPEN + logged('EXEC') + timestamp(101) + SET;
    put(storage, 'x.aof', content);
    const { code, output } = await tool(storage, '--quiet check x.aof');
    expect(output).toContain(`Bytes            ${content.length}`);
    expect(output).toContain(`Valid up to      ${content.length}, line`);
    expect(output).toContain('Commands         5, 1 transactions');
    expect(output).toContain('Times            100 to 101');
    expect(output).toContain('x.aof is valid');
    expect(code).toBe(0);
  });

  it.each([
    ['a command that is not whole', SET + SET.slice(0, 20), SET.length, 'Unexpected end of file'],
    ['a transaction that is not whole', SET + OPEN, SET.length, 'Reached EOF before reading EXEC'],
    ['something else in it', `${SET}garbage`, SET.length, "Expected prefix '*', got: 'g'"],
  ])('with %s is valid up to there', async (_name, content, end, message) => {
    const storage = new MemoryStorage();
    put(storage, 'x.aof', content);
    const { code, output, errors } = await tool(storage, '--quiet check x.aof');
    expect(output).toContain(`Valid up to      ${end}, line`);
    expect(output).toContain(`${content.length - end} bytes are behind that`);
    expect(errors).toContain(`respite: x.aof is damaged at offset ${end}: ${message}`);
    expect(errors).toContain('--fix cuts it off');
    expect(code).toBe(1);
    expect(text(storage, 'x.aof')).toBe(content);
  });

  it('may begin with a snapshot', async () => {
    const storage = new MemoryStorage();
    const base = snapshot();
    put(storage, 'x.aof', Buffer.concat([base, Buffer.from(SET)]));
    const { code, output } = await tool(storage, '--quiet check x.aof');
    expect(output).toContain('Keys             2,');
    expect(output).toContain(`Valid up to      ${base.length + SET.length}, line`);
    expect(code).toBe(0);
  });

  it('is cut by --fix, when that is confirmed', async () => {
    const storage = new MemoryStorage();
    put(storage, 'x.aof', SET + OPEN);
    const refused = await tool(storage, 'check x.aof --fix', { answer: 'n\n' });
    expect(refused.code).toBe(1);
    expect(refused.output).toContain(
      `Cut x.aof at offset ${SET.length}? It loses ${OPEN.length} of its`,
    );
    expect(text(storage, 'x.aof')).toBe(SET + OPEN);
    const done = await tool(storage, 'check x.aof --fix', { answer: 'yes\n' });
    expect(done.code).toBe(0);
    expect(text(storage, 'x.aof')).toBe(SET);
    expect((await tool(storage, 'check x.aof')).code).toBe(0);
  });

  it('is not cut when nobody answers', async () => {
    const storage = new MemoryStorage();
    put(storage, 'x.aof', SET + OPEN);
    expect((await tool(storage, 'check x.aof --fix')).code).toBe(1);
    expect(text(storage, 'x.aof')).toBe(SET + OPEN);
  });

  it('is cut without a question with --yes', async () => {
    const storage = new MemoryStorage();
    put(storage, 'x.aof', `${SET}garbage`);
    expect((await tool(storage, 'check x.aof --fix --yes')).code).toBe(0);
    expect(text(storage, 'x.aof')).toBe(SET);
  });

  it('is cut before what is later than a time, and before its transaction', async () => {
    const storage = new MemoryStorage();
    const before = timestamp(100) + SET;
    put(storage, 'x.aof', before + OPEN + timestamp(102) + logged('EXEC'));
    const { code } = await tool(storage, 'check x.aof --yes --truncate-to-timestamp 101');
    expect(code).toBe(0);
    expect(text(storage, 'x.aof')).toBe(before);
  });

  it('that is all earlier or all later is left as it is', async () => {
    const storage = new MemoryStorage();
    const content = timestamp(100) + SET;
    put(storage, 'x.aof', content);
    const earlier = await tool(storage, 'check x.aof --yes --truncate-to-timestamp 100');
    expect(earlier.output).toContain('nothing is cut');
    expect(earlier.code).toBe(0);
    const later = await tool(storage, 'check x.aof --yes --truncate-to-timestamp 99');
    expect(later.errors).toContain('has nothing up to 99');
    expect(later.code).toBe(1);
    expect(text(storage, 'x.aof')).toBe(content);
  });
});

describe('several append-only files', () => {
  it('are checked in the order of the manifest', async () => {
    const storage = new MemoryStorage();
    putLog(storage, 'data', { increments: [SET, SET + SET] });
    for (const path of ['data', 'data/appendonlydir', `data/${LOG}.manifest`]) {
      const { code, output } = await tool(storage, ['--quiet', 'check', path]);
      expect(output.match(/^File .*$/gm)).toEqual(
        ['1.base.rdb', '1.incr.aof', '2.incr.aof'].map(
          (end) => `File             data/${LOG}.${end}`,
        ),
      );
      expect(code).toBe(0);
    }
  });

  it('are cut at the end of the last one only', async () => {
    const storage = new MemoryStorage();
    putLog(storage, 'data', { increments: [SET + OPEN, SET] });
    const early = await tool(storage, 'check data --fix --yes');
    expect(early.errors).toContain('Only the last file can be cut');
    expect(early.code).toBe(1);
    expect(text(storage, `data/${LOG}.1.incr.aof`)).toBe(SET + OPEN);
    putLog(storage, 'data', { increments: [SET, SET + OPEN] });
    expect((await tool(storage, 'check data --fix --yes')).code).toBe(0);
    expect(text(storage, `data/${LOG}.2.incr.aof`)).toBe(SET);
  });

  it('with one that is missing, or a manifest that is none, are faulty', async () => {
    const storage = new MemoryStorage();
    putLog(storage, 'data', { increments: [SET] });
    storage.remove(`data/${LOG}.1.incr.aof`);
    const missing = await tool(storage, 'check data');
    expect(missing.errors).toContain('1.incr.aof, which is not there');
    expect(missing.code).toBe(1);
    put(storage, `data/${LOG}.manifest`, 'file x seq 1\n');
    const invalid = await tool(storage, 'check data');
    expect(invalid.errors).toContain("line 1: 'file x seq 1': Invalid AOF manifest file format");
    expect(invalid.code).toBe(1);
  });

  it('whose base is damaged are not to be repaired by cutting', async () => {
    const storage = new MemoryStorage();
    putLog(storage, 'data', { base: snapshot().subarray(0, 40), increments: [SET] });
    const { code, errors } = await tool(storage, 'check data --fix --yes');
    expect(errors).toContain('A snapshot cannot be repaired');
    expect(code).toBe(1);
  });
});

describe('a path', () => {
  it('with a snapshot beside the log has both checked', async () => {
    const storage = new MemoryStorage();
    putLog(storage, 'data', { increments: [SET] });
    put(storage, 'data/dump.rdb', snapshot().subarray(0, 30));
    const { code, output, errors } = await tool(storage, 'check data');
    expect(output).toContain('manifest is valid');
    expect(errors).toContain('data/dump.rdb is damaged');
    expect(code).toBe(1);
  });

  it.each([
    ['that is not there', 'nothing', "Can't open nothing: No such file or directory"],
    ['with nothing in it', 'empty', 'has neither append-only files nor a snapshot nor backups'],
    ['of something else', 'notes.txt', 'is neither a snapshot nor an append-only file'],
  ])('%s cannot be read', async (_name, path, message) => {
    const storage = new MemoryStorage();
    storage.makeDirectory('empty');
    put(storage, 'notes.txt', 'notes');
    const { code, errors } = await tool(storage, ['check', path]);
    expect(errors).toContain(message);
    expect(code).toBe(2);
  });
});
