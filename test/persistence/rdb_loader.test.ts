// Loading RDB files made by hand: every opcode and type of every version, what the log says, what is
// refused, and in what pieces the bytes come. Files of a real server are in rdb_exchange.test.ts,
// broken ones in rdb_corrupt.test.ts.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import {
  CFG_GUARDS,
  CFG_MAXMEMORY,
  CFG_MAXMEMORY_POLICY,
  CFG_SKIP_CHECKSUM,
  GUARD_LOADING,
  POLICY_ALLKEYS_LFU,
  POLICY_ALLKEYS_LRU,
} from '../../assembly/abi.ts';
import { loadRdb, loadRdbBlocking, loadRdbBytes } from '../../src/persistence/rdb_loader.ts';
import { NodeStorage } from '../../src/storage/node_storage.node.ts';
import { LoadSession, NOW_MS } from '../support/load_session.ts';
import { Random } from '../support/random.ts';
import {
  aux,
  expireMs,
  expireSeconds,
  frequency,
  header,
  idle,
  key,
  keyOfPayload,
  library,
  MODULE_TYPE_OLD,
  moduleAux,
  moduleKey,
  OPCODE,
  oldLibrary,
  rdbFile,
  resize,
  select,
  signed,
  slotInfo,
} from '../support/rdb_file.ts';
import {
  crc64,
  integer,
  length,
  listpack,
  lzf,
  lzfLiterals,
  plain,
  RDB,
  u8,
  ziplist,
} from '../support/rdb_payload.ts';
import { rdbSamples } from '../support/rdb_samples.ts';

const text = (name: string, value = 'v') => key(RDB.string, name, plain(value));
const SKY = 4_000_000_000_000;

const directory = mkdtempSync(path.join(tmpdir(), 'respite-load-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function written(name: string, bytes: Uint8Array): string {
  const file = path.join(directory, name);
  writeFileSync(file, bytes);
  return file;
}

describe('versions', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])('%i is read', (version) => {
    const session = new LoadSession();
    const result = session.load(rdbFile(version, select(0), text('k', 'hello')));
    expect(result).toMatchObject({ version, keysLoaded: 1, keysExpired: 0, emptyKeysSkipped: 0 });
    expect(session.call('GET', 'k')).toBe('"hello"');
  });

  it.each([0, 13, 80, 9999])('%i is refused', (version) => {
    const session = new LoadSession();
    const error = session.refused(rdbFile(version, select(0), text('k')));
    expect(error.code).toBe('VERSION');
    expect(session.lines).toEqual([`Can't handle RDB format version ${version}`]);
    expect(error.lastWords).toBe('Fatal error loading the DB, check server logs. Exiting.');
    expect(session.call('DBSIZE')).toBe('0');
  });

  it('that are no numbers are refused', () => {
    const session = new LoadSession();
    const error = session.refused(Buffer.concat([header('abcd'), u8(OPCODE.end)]));
    expect(error.code).toBe('VERSION');
    expect(session.lines).toEqual(["Can't handle RDB format version 0"]);
  });

  it('of something else than an RDB file are not looked for', () => {
    const session = new LoadSession();
    const error = session.refused(Buffer.from('*3\r\n$3\r\nSET\r\n'));
    expect(error).toMatchObject({ code: 'FORMAT', offset: 0 });
    expect(session.lines).toEqual(['Wrong signature trying to load DB from file']);
  });

  it.each([0, 3, 8])('a file of %i bytes ends too early', (bytes) => {
    const session = new LoadSession();
    expect(session.refused(header(10).subarray(0, bytes)).code).toBe('SHORT_READ');
  });
});

describe('types and encodings', () => {
  const samples = rdbSamples();

  it.each(samples)('$name gives what the commands give', ({ payload, commands, version }) => {
    const loaded = new LoadSession();
    loaded.load(rdbFile(version, select(0), keyOfPayload('same', payload)));
    const made = new LoadSession();
    for (const command of commands) made.call(...command);
    // Groups of streams are no part of the digest, and the samples have some.
    expect(loaded.digest()).toBe(made.digest());
    loaded.call('RESTORE', 'again', 0, payload);
    for (const look of [['TYPE'], ['OBJECT', 'ENCODING'], ['DUMP']]) {
      expect(loaded.call(...look, 'same')).toBe(loaded.call(...look, 'again'));
    }
  });

  const all = rdbFile(
    12,
    select(0),
    ...samples.map(({ name, payload }) => keyOfPayload(name, payload)),
  );

  it('all of them fit into one file', () => {
    const session = new LoadSession();
    const result = session.load(all);
    expect(result).toMatchObject({ keysLoaded: samples.length, endOffset: all.length });
    for (const { name, payload } of samples) {
      session.call('RESTORE', 'again', 0, payload);
      expect(session.call('DUMP', name), name).toBe(session.call('DUMP', 'again'));
      session.call('DEL', 'again');
    }
  });

  it('keys may be integers and compressed', () => {
    const session = new LoadSession();
    const long = 'long '.repeat(30);
    const names = [
      Buffer.concat([u8(RDB.string), integer(-7, 1), plain('a')]),
      Buffer.concat([u8(RDB.set), integer(70000, 4), length(1), plain('m')]),
      Buffer.concat([u8(RDB.string), lzf(lzfLiterals(long), long.length), plain('c')]),
      Buffer.concat([u8(RDB.list), lzf(lzfLiterals(`${long}2`), 151), length(1), plain('m')]),
    ];
    for (const progressBytes of [1, 1 << 20]) {
      session.call('FLUSHALL');
      session.load(rdbFile(10, ...names), { progressBytes });
      expect(session.call('GET', '-7')).toBe('"a"');
      expect(session.call('SMEMBERS', '70000')).toBe('["m"]');
      expect(session.call('GET', long)).toBe('"c"');
      expect(session.call('LRANGE', `${long}2`, 0, -1)).toBe('["m"]');
    }
  });

  it('strings take the encodings that SET gives them', () => {
    const session = new LoadSession();
    const values = ['12', '-5', '9223372036854775807', '012', 'x'.repeat(44), 'x'.repeat(45)];
    const packed = 'y'.repeat(500);
    session.load(
      rdbFile(
        10,
        ...values.map((value, i) => text(`${i}`, value)),
        key(RDB.string, 'packed', lzf(lzfLiterals(packed), 500)),
        key(RDB.string, 'short', lzf(lzfLiterals('123'), 3)),
        key(RDB.string, 'empty', plain('')),
      ),
    );
    for (const [i, value] of values.entries()) {
      session.call('SET', 'same', value);
      expect(session.call('GET', `${i}`)).toBe(`"${value}"`);
      const encoding = session.call('OBJECT', 'ENCODING', `${i}`);
      expect(encoding).toBe(session.call('OBJECT', 'ENCODING', 'same'));
    }
    session.call('SET', 'same', packed);
    expect(session.call('GET', 'packed')).toBe(session.call('GET', 'same'));
    expect(session.call('OBJECT', 'ENCODING', 'short')).toBe('"int"');
    expect(session.call('GET', 'empty')).toBe('""');
  });
});

describe('around the keys', () => {
  it('databases are selected, and chosen again', () => {
    const session = new LoadSession();
    session.load(rdbFile(10, text('a'), select(15), text('b'), select(3), text('c'), select(15)));
    session.call('SELECT', 15);
    expect(session.call('KEYS', '*')).toBe('["b"]');
    session.call('SELECT', 3);
    expect(session.call('KEYS', '*')).toBe('["c"]');
    session.call('SELECT', 0);
    expect(session.call('KEYS', '*')).toBe('["a"]');
  });

  it.each([16, 1n << 40n])('database %s is one too many', (database) => {
    const session = new LoadSession();
    const error = session.refused(rdbFile(10, select(database), text('a')));
    expect(error.code).toBe('FORMAT');
    expect(session.lines).toEqual([
      'FATAL: Data file was created with a Redis server configured to handle more than 16 databases. Exiting',
    ]);
  });

  it('expiries are kept in milliseconds and in seconds', () => {
    const session = new LoadSession();
    session.load(
      rdbFile(
        3,
        expireMs(SKY + 5),
        text('ms'),
        expireSeconds(2_000_000_000),
        text('s'),
        expireMs(-1),
        text('never'),
        text('none'),
      ),
    );
    expect(session.call('PEXPIRETIME', 'ms')).toBe(`${SKY + 5}`);
    expect(session.call('PEXPIRETIME', 's')).toBe('2000000000000');
    expect(session.call('PEXPIRETIME', 'never')).toBe('-1');
    expect(session.call('PEXPIRETIME', 'none')).toBe('-1');
  });

  const expired = rdbFile(
    10,
    expireMs(NOW_MS - 1),
    text('past'),
    expireMs(NOW_MS),
    text('now'),
    expireMs(-5),
    key(RDB.set, 'long ago', length(2), plain('a'), plain('b')),
    expireMs(1),
    key(RDB.string, 'packed', lzf(lzfLiterals('z'.repeat(300)), 300)),
    expireMs(1),
    key(RDB.string, 'number', integer(5, 1)),
    text('stays'),
  );

  it('keys whose time has come are dropped', () => {
    const session = new LoadSession();
    expect(session.load(expired)).toMatchObject({ keysLoaded: 2, keysExpired: 4 });
    expect(session.call('DBSIZE')).toBe('2');
    expect(session.lines).toEqual(['Done loading RDB, keys loaded: 2, keys expired: 4.']);
  });

  it('they stay when a log follows that refers to them, and are there while it is loaded', () => {
    const session = new LoadSession();
    const { exports } = session.engine.core;
    exports.setConfig(CFG_GUARDS, GUARD_LOADING);
    expect(session.load(expired, { keepExpired: true })).toMatchObject({ keysLoaded: 6 });
    session.engine.cron(1000);
    expect(exports.databaseKeys(0)).toBe(6);
    exports.setConfig(CFG_GUARDS, 0);
    expect(session.call('EXISTS', 'past', 'packed', 'number', 'long ago')).toBe('0');
    expect(session.call('EXISTS', 'now', 'stays')).toBe('2');
  });

  it('nothing is evicted while data is loaded', () => {
    const session = new LoadSession();
    const { exports } = session.engine.core;
    exports.setConfig(CFG_GUARDS, GUARD_LOADING);
    exports.setConfig(CFG_MAXMEMORY_POLICY, POLICY_ALLKEYS_LRU);
    exports.setConfig(CFG_MAXMEMORY, 1);
    session.load(rdbFile(10, ...Array.from({ length: 500 }, (_, i) => text(`${i}`))));
    session.engine.cron(10_000);
    session.call('INFO');
    expect(exports.databaseKeys(0)).toBe(500);
    exports.setConfig(CFG_GUARDS, 0);
    for (let i = 0; i < 100 && exports.databaseKeys(0) > 0; i++) session.engine.cron(10_000);
    expect(exports.databaseKeys(0)).toBe(0);
  });

  const used = rdbFile(
    10,
    idle(1000),
    text('idle'),
    frequency(77),
    key(RDB.set, 'often', length(1), plain('a')),
    text('fresh'),
    idle(1n << 62n),
    text('absurd'),
  );

  it('idle times count under an LRU policy', () => {
    const session = new LoadSession();
    session.load(used);
    expect(session.call('OBJECT', 'IDLETIME', 'idle')).toBe('1000');
    expect(session.call('OBJECT', 'IDLETIME', 'often')).toBe('0');
    expect(session.call('OBJECT', 'IDLETIME', 'fresh')).toBe('0');
    session.call('RESTORE', 'same', 0, rdbSamples()[0]!.payload, 'IDLETIME', 1n << 62n);
    const idleTime = session.call('OBJECT', 'IDLETIME', 'same');
    expect(session.call('OBJECT', 'IDLETIME', 'absurd')).toBe(idleTime);
  });

  it('frequencies count under an LFU policy', () => {
    const session = new LoadSession();
    session.engine.core.exports.setConfig(CFG_MAXMEMORY_POLICY, POLICY_ALLKEYS_LFU);
    session.load(used);
    expect(session.call('OBJECT', 'FREQ', 'often')).toBe('77');
    expect(session.call('OBJECT', 'FREQ', 'idle')).toBe('5');
    expect(session.call('OBJECT', 'FREQ', 'fresh')).toBe('5');
  });

  it('what is said of the next key is not said of the one after it', () => {
    const session = new LoadSession();
    session.load(rdbFile(10, expireMs(SKY), idle(5), key(RDB.set, 'empty', length(0)), text('k')));
    expect(session.call('PTTL', 'k')).toBe('-1');
    expect(session.call('OBJECT', 'IDLETIME', 'k')).toBe('0');
  });

  it.each([0, 5, 1000, 1 << 20, 1n << 60n])('a table is made for %s keys', (keys) => {
    const session = new LoadSession();
    const names = Array.from({ length: 2000 }, (_, i) => text(`key:${i}`, `${i}`));
    session.load(rdbFile(10, select(0), resize(keys, keys), ...names, resize(keys, 0), text('k')));
    expect(session.call('DBSIZE')).toBe('2001');
    expect(session.call('GET', 'key:1999')).toBe('"1999"');
    expect(session.call('FLUSHALL')).toBe('+OK');
  });

  it('slots are passed over', () => {
    const session = new LoadSession();
    session.load(rdbFile(12, select(0), slotInfo(16383, 70000, 3), text('k'), slotInfo(1, 0, 0)));
    expect(session.call('DBSIZE')).toBe('1');
  });

  it('a second key of a name is an error', () => {
    const session = new LoadSession();
    const error = session.refused(rdbFile(10, text('a'), select(4), text('b'), text('b', 'w')));
    expect(error).toMatchObject({ code: 'DUPLICATE' });
    expect(session.lines[0]).toBe("RDB has duplicated key 'b' in DB 4");
    expect(error.lastWords).toBe('Terminating server after rdb file reading failure.');
  });

  it('a second key of a name replaces the first when that is allowed', () => {
    const session = new LoadSession();
    session.call('RPUSH', 'a', 'x');
    session.call('SET', 'other', 'y');
    const sets = [expireMs(SKY), text('a', '2')];
    session.load(rdbFile(10, text('a', '1'), ...sets), { allowDuplicates: true });
    expect(session.call('GET', 'a')).toBe('"2"');
    expect(session.call('PEXPIRETIME', 'a')).toBe(`${SKY}`);
    expect(session.call('DBSIZE')).toBe('2');
  });

  it('hashes whose fields expire are found when their time comes', () => {
    const session = new LoadSession();
    const samples = rdbSamples().filter(({ version }) => version === 12);
    session.load(
      rdbFile(
        12,
        ...samples.flatMap(({ payload }, i) => [
          select(i),
          keyOfPayload('same', payload),
          keyOfPayload('replaced', payload),
          keyOfPayload('replaced', payload),
        ]),
      ),
      { allowDuplicates: true },
    );
    const { exports } = session.engine.core;
    for (let i = 0; i < samples.length; i++) expect(exports.databaseSubexpiry(i)).toBe(2);
    session.engine.now = () => SKY + 10_000;
    while (session.engine.cron(10_000));
    for (let i = 0; i < samples.length; i++) expect(exports.databaseSubexpiry(i)).toBe(0);
    session.call('SELECT', 0);
    expect(session.call('HEXISTS', 'same', 'a')).toBe('0');
    expect(session.call('HEXISTS', 'replaced', 'b')).toBe('1');
  });
});

describe('keys without elements', () => {
  it('are passed over and counted', () => {
    const session = new LoadSession();
    const empty = [
      key(RDB.list, 'list', length(0)),
      key(RDB.listZiplist, 'ziplist', plain(ziplist([]))),
      key(RDB.listQuicklist, 'quicklist', length(0)),
      key(RDB.listQuicklist, 'nodes', length(1), plain(ziplist([]))),
      key(RDB.set, 'set', length(0)),
      key(RDB.setListpack, 'set listpack', plain(listpack([]))),
      key(RDB.zset2, 'zset', length(0)),
      key(RDB.zsetZiplist, 'zset ziplist', plain(ziplist([]))),
      key(RDB.hash, 'hash', length(0)),
      key(RDB.hashZiplist, 'hash ziplist', plain(ziplist([]))),
      key(RDB.hashListpack, 'hash\nlistpack', plain(listpack([]))),
    ];
    for (const progressBytes of [1, 1 << 20]) {
      session.lines.length = 0;
      const result = session.load(rdbFile(11, ...empty, text('k')), { progressBytes });
      expect(result).toMatchObject({ keysLoaded: 1, emptyKeysSkipped: empty.length });
      expect(session.lines).toEqual([
        ...['list', 'ziplist', 'quicklist', 'nodes', 'set', 'set listpack', 'zset'].map(
          (name) => `rdbLoadObject skipping empty key: ${name}`,
        ),
        'rdbLoadObject skipping empty key: zset ziplist',
        'rdbLoadObject skipping empty key: hash',
        'rdbLoadObject skipping empty key: hash ziplist',
        'Done loading RDB, keys loaded: 1, keys expired: 0, empty keys skipped: 11.',
      ]);
      expect(session.call('DBSIZE')).toBe('1');
      session.call('FLUSHALL');
    }
  });

  it('are told by names that stay in one line', () => {
    const session = new LoadSession();
    session.load(rdbFile(10, key(RDB.list, 'two\nlines', length(0))));
    expect(session.lines[0]).toBe('rdbLoadObject skipping empty key: two\\x0alines');
  });
});

describe('fields about the file', () => {
  it('are logged and given back', () => {
    const session = new LoadSession({}, 'debug');
    const result = session.load(
      rdbFile(
        10,
        aux('redis-ver', '7.0.15'),
        aux('redis-bits', '64'),
        aux('ctime', String(NOW_MS / 1000 - 17)),
        aux('used-mem', '1258291'),
        aux('aof-base', '1'),
        aux('aof-preamble', '1'),
        aux('%made by', 'hand'),
        aux('unheard-of', 'x'),
        aux('repl-id', '0123'),
      ),
    );
    expect(session.lines).toEqual([
      'Loading RDB produced by version 7.0.15',
      'RDB age 17 seconds',
      'RDB memory usage when created 1.20 Mb',
      'RDB is base AOF',
      'RDB has an AOF tail',
      "RDB '%made by': hand",
      "Unrecognized RDB AUX field: 'unheard-of'",
      'Done loading RDB, keys loaded: 0, keys expired: 0.',
    ]);
    expect(result.aux.get('redis-ver')).toBe('7.0.15');
    expect(result.aux.get('repl-id')).toBe('0123');
    expect(result.aux.size).toBe(9);
  });

  it('from the future have no age, and zeros say nothing', () => {
    const session = new LoadSession();
    session.load(rdbFile(10, aux('ctime', '9999999999'), aux('aof-base', '0')));
    expect(session.lines[0]).toBe('RDB age 0 seconds');
    expect(session.lines).toHaveLength(2);
  });
});

describe('functions', () => {
  it('are passed over, which is said', () => {
    const session = new LoadSession();
    const code = '#!lua name=lib\nredis.register_function("f", function() return 1 end)';
    const parts = [library(code), oldLibrary('one', code), oldLibrary('two', code, 'described')];
    for (const progressBytes of [1, 1 << 20]) {
      const result = session.load(rdbFile(10, ...parts, text('k')), { progressBytes });
      expect(result).toMatchObject({ libraries: 3, libraryBytes: 3 * code.length, keysLoaded: 1 });
      expect(session.lines[0]).toBe(
        `The RDB file has 3 libraries of functions (${3 * code.length} bytes): functions are not loaded yet`,
      );
      session.call('FLUSHALL');
    }
  });
});

describe('modules', () => {
  it('may have data that no key needs', () => {
    const session = new LoadSession();
    const parts = [moduleAux('ReJSON-RL'), text('k'), moduleAux('ft_index0')];
    for (const progressBytes of [1, 1 << 20]) {
      session.lines.length = 0;
      session.load(rdbFile(10, ...parts), { progressBytes });
      expect(session.lines).toEqual([
        "The RDB file contains AUX data of module 'ReJSON-RL', which is not loaded",
        "The RDB file contains AUX data of module 'ft_index0', which is not loaded",
        'Done loading RDB, keys loaded: 1, keys expired: 0.',
      ]);
      session.call('FLUSHALL');
    }
  });

  it.each([
    [
      'a value of theirs',
      moduleKey('doc', 'ReJSON-RL'),
      "The RDB file contains module data I can't load: no matching module type 'ReJSON-RL'",
    ],
    [
      'a value of the first kind',
      key(MODULE_TYPE_OLD, 'doc', length(1)),
      'Pre-release module format not supported',
    ],
    ['data of no kind', moduleAux('ReJSON-RL', 1), 'bad when_opcode'],
    [
      'a part of no kind',
      moduleAux('ReJSON-RL', 2, length(6)),
      "Error reading data of module 'ReJSON-RL'",
    ],
  ])('%s cannot be read', (_name, part, words) => {
    const session = new LoadSession();
    const error = session.refused(rdbFile(10, part));
    expect(error).toMatchObject({ code: 'MODULE', message: words });
    expect(session.lines[0]).toContain(words);
  });
});

describe('the checksum', () => {
  const good = rdbFile(10, text('k', 'value'));
  const body = good.subarray(0, -8);

  it('is verified', () => {
    const session = new LoadSession();
    const wrong = signed(body, 0xfeedn);
    const error = session.refused(wrong);
    expect(error.code).toBe('CHECKSUM');
    const expected = crc64(body).toString(16);
    expect(session.lines[0]).toBe(
      `Wrong RDB checksum expected: (${expected}) but got (feed). Aborting now.`,
    );
    expect(session.lines.slice(-10).join('\n')).toContain('RDB CRC error');
    expect(error.lastWords).toBe('Terminating server after rdb file reading failure.');
  });

  it.each([1, 7, 1 << 20])('is that of all pieces, of %i bytes', (progressBytes) => {
    const session = new LoadSession();
    const long = rdbFile(10, text('k', 'x'.repeat(20_000)), text('l', 'y'.repeat(70_000)));
    session.load(long, { progressBytes });
    session.refused(signed(long.subarray(0, -8), 1n), { progressBytes, allowDuplicates: true });
  });

  it('may be off in the file, which is said', () => {
    const session = new LoadSession();
    session.load(signed(body, 0n));
    expect(session.lines[0]).toBe('RDB file was saved with checksum disabled: no check performed.');
  });

  it('may be off in the configuration, and for DEBUG', () => {
    const session = new LoadSession();
    session.load(signed(body, 0xfeedn), { checksum: false });
    expect(session.lines).toHaveLength(1);
    session.call('FLUSHALL');
    session.engine.core.exports.setConfig(CFG_SKIP_CHECKSUM, 1);
    session.load(signed(body, 0xfeedn));
    expect(session.call('GET', 'k')).toBe('"value"');
  });
});

describe('faults', () => {
  it('a file that is cut says so', () => {
    const session = new LoadSession();
    const file = rdbFile(10, text('a'), key(RDB.listZiplist, 'list', plain(ziplist(['x', 'y']))));
    const error = session.refused(file.subarray(0, -12));
    expect(error.code).toBe('SHORT_READ');
    expect(session.lines.slice(0, 2)).toEqual([
      'Short read or OOM loading DB. Unrecoverable error, aborting now.',
      `Internal error in RDB reading offset ${error.offset}, function at load.ts -> Unexpected EOF reading RDB file`,
    ]);
  });

  it('a broken value names its key, its type and its place', () => {
    const session = new LoadSession();
    const bytes = ziplist(['field', 'value', 'field', 'value']);
    const before = rdbFile(10, text('a')).length - 9;
    const file = rdbFile(10, text('a'), key(RDB.hashZiplist, 'my hash', plain(bytes)));
    const error = session.refused(file);
    expect(error).toMatchObject({
      code: 'FORMAT',
      message: 'Hash ziplist integrity check failed.',
    });
    expect(error.offset).toBeGreaterThan(before);
    expect(error.offset).toBeLessThan(file.length);
    expect(session.lines).toEqual([
      `Internal error in RDB reading offset ${error.offset}, function at load.ts -> Hash ziplist integrity check failed.`,
      '--- RDB ERROR DETECTED ---',
      `[offset ${error.offset}] Hash ziplist integrity check failed.`,
      '[additional info] While doing: read-object-value',
      "[additional info] Reading key 'my hash'",
      '[additional info] Reading type 13 (hash-ziplist)',
      '[info] 0 keys read',
      '[info] 0 already expired',
    ]);
  });

  it.each([
    ['List ziplist integrity check failed.', RDB.listZiplist],
    ['Zipmap integrity check failed.', RDB.hashZipmap],
    ['Intset integrity check failed.', RDB.setIntset],
    ['Zset ziplist integrity check failed.', RDB.zsetZiplist],
    ['Hash ziplist integrity check failed.', RDB.hashZiplist],
    ['Hash listpack integrity check failed.', RDB.hashListpack],
    ['Zset listpack integrity check failed.', RDB.zsetListpack],
    ['Set listpack integrity check failed.', RDB.setListpack],
  ])('%s', (words, type) => {
    const session = new LoadSession();
    expect(session.refused(rdbFile(11, key(type, 'k', plain('nonsense')))).message).toBe(words);
  });

  it.each([
    ['Ziplist integrity check failed.', key(RDB.listQuicklist, 'k', length(1), plain('x'))],
    [
      'Listpack integrity check failed.',
      key(RDB.listQuicklist2, 'k', length(1), length(2), plain('x')),
    ],
    [
      'Quicklist integrity check failed.',
      key(RDB.listQuicklist2, 'k', length(1), length(3), plain('x')),
    ],
    ['Duplicate set members detected', key(RDB.set, 'k', length(2), plain('a'), plain('a'))],
    ['Zset with NAN score detected', key(RDB.zset, 'k', length(1), plain('a'), u8(253))],
    [
      'Duplicate zset fields detected',
      key(RDB.zset, 'k', length(2), plain('a'), u8(1), u8(0x31), plain('a'), u8(1), u8(0x32)),
    ],
    [
      'Duplicate hash fields detected',
      key(RDB.hash, 'k', length(2), plain('a'), plain('1'), plain('a'), plain('2')),
    ],
    [
      'Stream node key entry is not the size of a stream ID',
      key(RDB.stream2, 'k', length(1), plain('id'), plain('x')),
    ],
    [
      'Stream listpack integrity check failed.',
      key(RDB.stream2, 'k', length(1), plain('0123456789abcdef'), plain('x')),
    ],
    ['Unknown RDB encoding type 99', key(99, 'k', plain('x'))],
    ['Unknown RDB encoding type 8', key(8, 'k', plain('x'))],
    ['Unknown RDB string encoding type', key(RDB.string, 'k', u8(0xc4))],
    ['Unknown length encoding in rdbLoadLen()', key(RDB.string, 'k', u8(0x82))],
    ['Unknown length encoding in rdbLoadLen()', key(RDB.set, 'k', u8(0xc0))],
    ['Invalid LZF compressed string', key(RDB.string, 'k', lzf(Buffer.from([0x20, 0]), 9))],
  ])('%s (%#)', (words, part) => {
    const session = new LoadSession();
    const error = session.refused(rdbFile(11, text('before'), part));
    expect(error).toMatchObject({ code: 'FORMAT', message: words });
    expect(session.lines[0]).toContain(words);
  });

  it('leaves the engine usable, with the keys that came before', () => {
    const session = new LoadSession();
    const before = Array.from({ length: 200 }, (_, i) => text(`${i}`));
    session.refused(rdbFile(10, ...before, key(99, 'k', plain('x'))));
    expect(session.call('SET', 'k', 'v')).toBe('+OK');
    session.call('FLUSHALL');
    session.load(rdbFile(10, ...before));
    expect(session.call('DBSIZE')).toBe('200');
  });
});

describe('pieces', () => {
  const random = Random.fresh();
  const file = rdbFile(
    12,
    aux('redis-ver', '7.4.0'),
    select(0),
    resize(3, 1),
    ...rdbSamples().map(({ name, payload }) => keyOfPayload(name, payload)),
    library('code'.repeat(100)),
    moduleAux('ReJSON-RL'),
    select(9),
    text('long', random.text(300_000, 'abcdefgh')),
    expireMs(1),
    text('long and gone', 'z'.repeat(100_000)),
    key(
      RDB.hash,
      'of long values',
      length(3),
      ...['a', 'b', 'c'].flatMap((name) => [plain(name), plain(name.repeat(90_000))]),
    ),
    key(
      RDB.list,
      'many',
      length(20_000),
      ...Array.from({ length: 20_000 }, (_, i) => plain(`${i}`)),
    ),
    key(RDB.string, 'packed', lzf(lzfLiterals('q'.repeat(150_000)), 150_000)),
  );
  const whole = new LoadSession();
  whole.load(file);

  it.each([1, 4096, 5000, 65536, 1 << 20])('of %i bytes give the same', (progressBytes) => {
    const session = new LoadSession();
    const result = session.load(file, { progressBytes });
    expect(result.endOffset).toBe(file.length);
    expect(session.digest()).toBe(whole.digest());
    expect(session.bytesWithoutKeys()).toBeLessThan(1 << 20);
  });

  it(`as a storage gives them, at random (seed ${random.seed}), give the same`, async () => {
    const session = new LoadSession();
    const name = written('pieces.rdb', file);
    const inner = new NodeStorage();
    const storage = Object.create(inner, {
      open: {
        value: (...args: Parameters<typeof inner.open>) => {
          const opened = inner.open(...args);
          const read = opened.read.bind(opened);
          opened.read = (into, position) => {
            const most = Math.min(into.length, random.pick([1, 17, 3000, 200_000]));
            return read(into.subarray(0, most), position);
          };
          return opened;
        },
      },
    }) as NodeStorage;
    await loadRdb(name, { ...session.options(), storage });
    expect(session.digest()).toBe(whole.digest());
  });

  it('end with the RDB part when something follows it', async () => {
    const session = new LoadSession();
    const tail = Buffer.from('*1\r\n$4\r\nPING\r\n');
    const name = written('preamble.aof', Buffer.concat([file, tail]));
    const result = loadRdbBlocking(name, { ...session.options(), storage: new NodeStorage() });
    expect(result.endOffset).toBe(file.length);
    expect(session.digest()).toBe(whole.digest());
  });

  it('of a file that has become shorter are a short read', () => {
    const session = new LoadSession();
    const name = written('shorter.rdb', file);
    const inner = new NodeStorage();
    const storage = Object.create(inner, {
      open: {
        value: (...args: Parameters<typeof inner.open>) => {
          const opened = inner.open(...args);
          opened.size = () => file.length + 5_000_000;
          return opened;
        },
      },
    }) as NodeStorage;
    const cut = written('cut.rdb', file.subarray(0, 100_000));
    expect(() => loadRdbBlocking(cut, { ...session.options(), storage })).toThrow('Unexpected EOF');
    session.call('FLUSHALL');
    expect(loadRdbBlocking(name, { ...session.options(), storage }).endOffset).toBe(file.length);
  });

  it('that cannot be read end the load and leave nothing behind', async () => {
    const session = new LoadSession();
    const before = session.bytesWithoutKeys();
    const name = written('unreadable.rdb', file);
    const inner = new NodeStorage();
    const storage = Object.create(inner, {
      open: {
        value: (...args: Parameters<typeof inner.open>) => {
          const opened = inner.open(...args);
          const read = opened.read.bind(opened);
          opened.read = (into, position) => {
            if (position > 400_000) throw Object.assign(new Error('EIO'), { code: 'EIO' });
            return read(into.subarray(0, 4096), position);
          };
          return opened;
        },
      },
    }) as NodeStorage;
    const options = { ...session.options({ progressBytes: 4096 }), storage };
    await expect(loadRdb(name, options)).rejects.toThrow('EIO');
    // The tables of one database may have stayed larger than they were.
    expect(session.bytesWithoutKeys() - before).toBeLessThan(4096);
    await expect(loadRdb(path.join(directory, 'absent.rdb'), options)).rejects.toThrow('ENOENT');
  });
});

describe('while a file is loaded', () => {
  const file = rdbFile(
    10,
    ...Array.from({ length: 300 }, (_, i) => text(`${i}`, 'x'.repeat(1000))),
  );

  it('progress is told, and the event loop turns', async () => {
    const session = new LoadSession();
    const told: number[] = [];
    let turns = 0;
    let ended = false;
    const turn = () => {
      turns += 1;
      if (!ended) setImmediate(turn);
    };
    setImmediate(turn);
    await loadRdbBytes(file, {
      ...session.options({ progressBytes: 10_000 }),
      onProgress: async (bytes) => {
        told.push(bytes);
        await Promise.resolve();
      },
    });
    ended = true;
    expect(told.length).toBeGreaterThan(20);
    expect(told).toEqual([...told].sort((a, b) => a - b));
    expect(turns).toBeGreaterThanOrEqual(told.length);
    expect(told.at(-1)).toBeLessThanOrEqual(file.length);
  });

  it('commands that are let through see the keys that are there', async () => {
    const session = new LoadSession();
    const sizes: number[] = [];
    await loadRdbBytes(file, {
      ...session.options({ progressBytes: 50_000 }),
      onProgress: () => void sizes.push(Number(session.call('DBSIZE'))),
    });
    expect(sizes.length).toBeGreaterThan(3);
    expect(sizes[0]).toBeGreaterThan(0);
    expect(sizes.at(-1)).toBeLessThanOrEqual(300);
    expect(session.call('DBSIZE')).toBe('300');
  });

  it('progress is not told when nobody asks', () => {
    const session = new LoadSession();
    let told = 0;
    const tell = () => {
      told += 1;
    };
    session.load(file, { progressBytes: 0, onProgress: tell });
    expect(told).toBe(0);
  });

  it.each([
    [200, 60],
    [-100, 0],
    [10_000, 3000],
  ])('with a delay of %i a key it takes %i ms for 300 keys', async (keyDelayUs, ms) => {
    const session = new LoadSession();
    const timers = vi.spyOn(globalThis, 'setTimeout').mockImplementation((run) => {
      setImmediate(run);
      return undefined as unknown as ReturnType<typeof setTimeout>;
    });
    await loadRdbBytes(file, session.options({ keyDelayUs }));
    const waited = timers.mock.calls.reduce((sum, [, delay]) => sum + (delay ?? 0), 0);
    timers.mockRestore();
    expect(waited).toBe(ms);
    expect(session.call('DBSIZE')).toBe('300');
  });

  it('a delay is kept, too, when nothing else may run', () => {
    const session = new LoadSession();
    session.load(file, { keyDelayUs: 50 });
    expect(session.call('DBSIZE')).toBe('300');
  });

  it('the log tells how far a large one is', () => {
    const session = new LoadSession();
    const value = 'w'.repeat(10 << 20);
    const names = Array.from({ length: 10 }, (_, i) => text(`${i}`, value));
    const large = Buffer.concat([header(4), ...names, u8(OPCODE.end)]);
    session.load(large);
    const percents = session.lines.flatMap((line) => /Loading RDB: (\d+)%/.exec(line)?.[1] ?? []);
    expect(percents.length).toBe(9);
    expect(session.lines[4]).toMatch(
      /^Loading RDB: 5\d% \(5\d\.\d\d of 100\.00 Mb\), keys loaded: 5$/,
    );
  });
});
