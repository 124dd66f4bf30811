// What the loader makes of logs, whole and broken. Messages are Redis's.

import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../../src/storage/memory_storage.ts';
import {
  AofServer,
  type AofServerOptions,
  command,
  DATA_DIR,
  Exited,
  freshDisk,
  LOG_DIR,
  putFile,
  textOf,
} from '../support/aof_server.ts';

const INCR_1 = 'appendonly.aof.1.incr.aof';
const ONE_FILE = `file ${INCR_1} seq 1 type i\n`;

interface Log {
  /** Files by name, in the order of the manifest. */
  files: Record<string, string>;
  manifest?: string;
}

function diskWith({ files, manifest = ONE_FILE }: Log): MemoryStorage {
  const disk = new MemoryStorage();
  disk.makeDirectory(LOG_DIR);
  for (const [name, text] of Object.entries(files)) putFile(disk, `${LOG_DIR}/${name}`, text);
  putFile(disk, `${LOG_DIR}/appendonly.aof.manifest`, manifest);
  return disk;
}

function server(disk: MemoryStorage, directives: AofServerOptions['directives'] = {}): AofServer {
  return new AofServer({ storage: disk, directives: { appendonly: 'yes', ...directives } });
}

async function load(text: string, directives: AofServerOptions['directives'] = {}) {
  const disk = diskWith({ files: { [INCR_1]: text } });
  const loaded = server(disk, directives);
  let hasExited = false;
  try {
    await loaded.start();
  } catch (error) {
    if (!(error instanceof Exited)) throw error;
    hasExited = true;
  }
  return { disk, loaded, hasExited, last: loaded.lines.at(-1)?.slice(2) };
}

const SET = command('set', 'foo', 'hello');

describe('a whole log', () => {
  it('is loaded, and goes on behind its last command', async () => {
    const { disk, loaded } = await load(command('SELECT', '0') + SET + command('incr', 'n'));
    expect(await loaded.call('GET', 'foo')).toBe('"hello"');
    await loaded.call('INCR', 'n');
    expect(textOf(disk, `${LOG_DIR}/${INCR_1}`)).toBe(
      command('SELECT', '0') +
        SET +
        command('incr', 'n') +
        command('SELECT', '0') +
        command('INCR', 'n'),
    );
    expect(loaded.lines.join('\n')).toMatch(
      /\* DB loaded from incr file appendonly\.aof\.1\.incr\.aof: \d+\.\d{3} seconds/,
    );
  });

  it('may have commands longer than what is read at once', async () => {
    const long = 'x'.repeat(700_000);
    const { loaded } = await load(command('SET', 'a', long) + command('APPEND', 'a', 'y'));
    expect(await loaded.call('STRLEN', 'a')).toBe('700001');
  });

  it('may have annotations, transactions and other databases', async () => {
    const { loaded } = await load(
      `#TS:1\r\n${command('MULTI')}${command('SELECT', '3')}${command('INCR', 'a')}` +
        `${command('EXEC')}#\r\n${command('INCR', 'b')}`,
    );
    const client = loaded.connect();
    await client.call('SELECT', '3');
    expect(await client.text('GET', 'a')).toBe('1');
    expect(await client.text('GET', 'b')).toBe('1');
  });

  it('may be longer than proto-max-bulk-len and client-query-buffer-limit allow clients', async () => {
    const { loaded } = await load(command('SET', 'a', 'x'.repeat(2_000_000)), {
      'proto-max-bulk-len': '1mb',
      'client-query-buffer-limit': '1mb',
    });
    expect(await loaded.call('STRLEN', 'a')).toBe('2000000');
  });

  it('is no call in the statistics, and reaches no monitor or slow log', async () => {
    const { loaded } = await load(SET + command('get', 'foo'));
    const { core } = loaded.engine;
    core.exports.refreshStats();
    expect(core.stat(2)).toBe(0);
    expect(await loaded.call('SLOWLOG', 'LEN')).toBe('0');
  });

  it('keeps keys until it is loaded, whose time had come when it was written', async () => {
    const { loaded } = await load(
      command('rpush', 'list', 'foo') +
        command('pexpireat', 'list', '1000') +
        command('rpush', 'list', 'bar') +
        command('rpush', 'copy', 'x') +
        command('rpoplpush', 'list', 'copy'),
    );
    expect(await loaded.call('LLEN', 'list')).toBe('0');
    expect(await loaded.call('LRANGE', 'copy', '0', '-1')).toBe('["bar", "x"]');
  });

  it('may begin with nothing at all', async () => {
    const { loaded, hasExited } = await load('');
    expect(hasExited).toBe(false);
    expect(await loaded.call('DBSIZE')).toBe('0');
  });

  it('does not block in commands that block', async () => {
    const { loaded } = await load(command('blpop', 'none', '0') + command('incr', 'a'));
    expect(await loaded.call('GET', 'a')).toBe('"1"');
  });

  it('says when a command fails that did not when it was written', async () => {
    const { loaded } = await load(
      SET +
        command('lpush', 'foo', 'x') +
        command('multi') +
        command('incr', 'foo') +
        command('set', 'a', '1') +
        command('sadd', 'foo', 'y') +
        command('exec'),
    );
    const errors = loaded.lines.filter((line) => line.includes('== CRITICAL =='));
    const start = '# == CRITICAL == This server is sending an error to its AOF-loading-client: ';
    const wrongType = 'WRONGTYPE Operation against a key holding the wrong kind of value';
    expect(errors).toEqual([
      `${start}'${wrongType}' after processing the command 'lpush'`,
      `${start}'ERR value is not an integer or out of range' after processing the command 'incr'`,
      `${start}'${wrongType}' after processing the command 'sadd'`,
    ]);
    expect(await loaded.call('GET', 'a')).toBe('"1"');
  });

  it('counts errors that are too many to be told one by one', async () => {
    const { loaded } = await load(SET + command('lpush', 'foo', 'x').repeat(1000));
    const told = loaded.lines.filter((line) => line.includes("command 'lpush'")).length;
    const more = /== (\d+) more errors/.exec(loaded.lines.join('\n'))?.[1];
    expect(told + Number(more)).toBe(1000);
  });

  it('ends at the first error where propagation-error-behavior says so', async () => {
    const { hasExited, last } = await load(SET + command('lpush', 'foo', 'x'), {
      'propagation-error-behavior': 'panic',
    });
    expect(hasExited).toBe(true);
    expect(last).toMatch(/^This server panicked sending an error to its AOF-loading-client/);
  });

  it('ends when memory does', async () => {
    const big = command('APPEND', 'a', 'x'.repeat(1 << 20));
    const disk = diskWith({ files: { [INCR_1]: big.repeat(40) } });
    const small = new AofServer({
      storage: disk,
      directives: { appendonly: 'yes' },
      memoryLimitBytes: 24 << 20,
    });
    await expect(small.start()).rejects.toThrow(Exited);
    expect(small.lines.at(-1)).toBe(`# Out of memory reading the append only file ${INCR_1}`);
  });
});

describe('a log that ends too early', () => {
  const torn = SET + command('incr', 'foo2') + command('incr', 'foo2').slice(0, -1);

  it('is cut behind its last whole command', async () => {
    const { disk, loaded } = await load(torn);
    const end = torn.lastIndexOf('*');
    expect(loaded.lines).toEqual(
      expect.arrayContaining([
        `# !!! Warning: short read while loading the AOF file ${INCR_1}!!!`,
        `# !!! Truncating the AOF ${INCR_1} at offset ${end} !!!`,
        `# AOF ${INCR_1} loaded anyway because aof-load-truncated is enabled`,
      ]),
    );
    expect(textOf(disk, `${LOG_DIR}/${INCR_1}`)).toBe(torn.slice(0, end));
    await loaded.call('INCR', 'foo2');
    const again = await server(disk).start();
    expect(await again.call('GET', 'foo2')).toBe('"2"');
  });

  it('is not loaded without aof-load-truncated', async () => {
    const { disk, hasExited, last } = await load(torn, { 'aof-load-truncated': 'no' });
    expect(hasExited).toBe(true);
    expect(last).toBe(
      `Unexpected end of file reading the append only file ${INCR_1}. You can: 1) Make a backup of ` +
        'your AOF file, then use ./redis-check-aof --fix <filename.manifest>. 2) Alternatively you ' +
        "can set the 'aof-load-truncated' configuration option to yes and restart the server.",
    );
    expect(textOf(disk, `${LOG_DIR}/${INCR_1}`)).toBe(torn);
  });

  it('is cut in front of a transaction without its end, wherever that was cut', async () => {
    const transaction =
      command('multi') +
      command('set', 'bar', 'world') +
      command('set', 'bar', 'x') +
      command('exec');
    for (let cut = 1; cut < transaction.length; cut += 3) {
      const { disk, loaded } = await load(SET + transaction.slice(0, cut));
      expect(textOf(disk, `${LOG_DIR}/${INCR_1}`)).toBe(SET);
      expect(await loaded.call('EXISTS', 'bar')).toBe('0');
      const isOpen = cut >= command('multi').length;
      expect(
        loaded.lines.includes(`# Revert incomplete MULTI/EXEC transaction in AOF file ${INCR_1}`),
      ).toBe(isOpen);
    }
  });

  it('finds the beginning of a long transaction', async () => {
    const many = command('incr', 'counter').repeat(30_000);
    const { disk } = await load(many + command('multi') + many);
    expect(textOf(disk, `${LOG_DIR}/${INCR_1}`)).toBe(many);
  });

  it('is cut in front of half an annotation', async () => {
    const { disk, loaded } = await load(`${SET}#TS:17`);
    expect(textOf(disk, `${LOG_DIR}/${INCR_1}`)).toBe(SET);
    expect(await loaded.call('GET', 'foo')).toBe('"hello"');
  });

  it('must be the last one that is not empty', async () => {
    const two = `${ONE_FILE}file b.aof seq 2 type i\nfile c.aof seq 3 type i\n`;
    const files = { [INCR_1]: torn, 'b.aof': SET, 'c.aof': '' };
    const disk = diskWith({ files, manifest: two });
    await expect(server(disk).start()).rejects.toThrow(
      'Fatal error: the truncated file is not the last file',
    );
    expect(textOf(disk, `${LOG_DIR}/${INCR_1}`)).toBe(torn);
    putFile(disk, `${LOG_DIR}/b.aof`, '');
    await (await server(disk).start()).call('INCR', 'foo2');
    expect(textOf(disk, `${LOG_DIR}/c.aof`)).not.toBe('');
    const again = await server(disk).start();
    expect(await again.call('GET', 'foo2')).toBe('"2"');
  });
});

describe('a log that makes no sense', () => {
  it.each([
    ['!!!', 'Bad file format'],
    ['set foo bar\r\n', 'Bad file format'],
    ['*0\r\n', 'Bad file format'],
    ['*x\r\n', 'Bad file format'],
    ['*1\r\nabc\r\n', 'Bad file format'],
    ['*1\r\n$x\r\nabc\r\n', 'Bad file format'],
    ['\0\0\0\0', 'Bad file format'],
    [command('quit'), 'Bad file format'],
    [command('bla', 'foo'), "Unknown command 'bla'"],
    [command('object', 'bla', 'foo'), "Unknown command 'object'"],
    [command('SET', 'foo'), "Wrong number of arguments for command 'SET'"],
  ])('is not loaded: %j', async (bad, message) => {
    const { hasExited, last, disk } = await load(SET + bad + SET);
    expect(hasExited).toBe(true);
    expect(last).toMatch(new RegExp(`^${message} reading the append only file ${INCR_1}`));
    expect(textOf(disk, `${LOG_DIR}/${INCR_1}`)).toBe(SET + bad + SET);
  });

  it('is not loaded for an unknown command in a transaction either', async () => {
    const { hasExited, last } = await load(command('multi') + command('bla') + command('exec'));
    expect(hasExited).toBe(true);
    expect(last).toContain("Unknown command 'bla'");
  });
});

describe('files and manifests', () => {
  it('a file that is missing is fatal', async () => {
    const disk = diskWith({ files: {} });
    await expect(server(disk).start()).rejects.toThrow(
      `Unable to obtain the AOF file ${INCR_1} length. stat: No such file or directory`,
    );
  });

  it('a manifest that makes no sense is fatal', async () => {
    const disk = diskWith({ files: { [INCR_1]: '' }, manifest: 'file a seq 1 type x\n' });
    await expect(server(disk).start()).rejects.toThrow('Unknown AOF file type');
  });

  it('several increments are loaded in order', async () => {
    const disk = diskWith({
      files: {
        'appendonly.aof.1.base.aof': command('RPUSH', 'l', '1'),
        [INCR_1]: command('RPUSH', 'l', '2'),
        'appendonly.aof.4.incr.aof': command('RPUSH', 'l', '3'),
      },
      manifest:
        `file appendonly.aof.1.base.aof seq 1 type b\n${ONE_FILE}` +
        'file appendonly.aof.4.incr.aof seq 4 type i\n',
    });
    const loaded = await server(disk).start();
    expect(await loaded.call('LRANGE', 'l', '0', '-1')).toBe('["1", "2", "3"]');
    expect(loaded.aof.facts().aofCurrentBytes).toBe(command('RPUSH', 'l', '1').length * 3);
  });

  it('an empty directory begins a log with a base and an increment', async () => {
    const disk = freshDisk();
    const fresh = await server(disk).start();
    expect(textOf(disk, `${LOG_DIR}/appendonly.aof.manifest`)).toBe(
      `file appendonly.aof.1.base.rdb seq 1 type b\n${ONE_FILE}`,
    );
    expect(fresh.lines).toContain(
      '* Creating AOF base file appendonly.aof.1.base.rdb on server start',
    );
    expect(fresh.lines).toContain(`* Creating AOF incr file ${INCR_1} on server start`);
    await fresh.call('SET', 'a', '1');
    const again = await server(disk).start();
    expect(await again.call('GET', 'a')).toBe('"1"');
    expect(again.lines).toContain(`* Opening AOF incr file ${INCR_1} on server start`);
    expect(disk.list(DATA_DIR)).toEqual(['appendonlydir']);
  });

  it('a log may begin with a base of commands', async () => {
    const disk = freshDisk();
    const fresh = await server(disk, {
      'aof-use-rdb-preamble': 'no',
      'aof-timestamp-enabled': 'yes',
    }).start();
    const base = `${LOG_DIR}/appendonly.aof.1.base.aof`;
    expect(textOf(disk, base)).toBe(`#TS:${fresh.nowMs / 1000}\r\n`);
    await fresh.call('SET', 'a', '1');
    fresh.aof.startRewrite();
    await fresh.rewritten();
    expect(textOf(disk, `${LOG_DIR}/appendonly.aof.2.base.aof`)).toContain(
      command('SET', 'a', '1'),
    );
    expect((await server(disk).start()).digest()).toBe(fresh.digest());
  });

  it('names with blanks and the like are found again', async () => {
    const disk = freshDisk();
    const directives = { appendfilename: ' file "name" é.aof ', appenddirname: 'log dir' };
    await (await server(disk, directives).start()).call('SET', 'a', '1');
    expect(disk.list(`${DATA_DIR}/log dir`)).toContain(' file "name" é.aof .1.incr.aof');
    expect(await (await server(disk, directives).start()).call('GET', 'a')).toBe('"1"');
  });
});

describe('the one file of servers before Redis 7', () => {
  const old = command('SET', 'a', '1');

  it('becomes the base', async () => {
    const disk = freshDisk();
    putFile(disk, `${DATA_DIR}/appendonly.aof`, old);
    const loaded = await server(disk).start();
    expect(await loaded.call('GET', 'a')).toBe('"1"');
    expect(disk.list(DATA_DIR)).toEqual(['appendonlydir']);
    expect(textOf(disk, `${LOG_DIR}/appendonly.aof.manifest`)).toBe(
      `file appendonly.aof seq 1 type b\n${ONE_FILE}`,
    );
    expect(loaded.lines.join('\n')).toContain(
      'Successfully migrated an old-style AOF file (appendonly.aof) into the AOF directory',
    );
    await loaded.call('SET', 'b', '2');
    expect(await (await server(disk).start()).call('GET', 'b')).toBe('"2"');
  });

  it('is moved also when the last attempt got no further than the manifest', async () => {
    const disk = diskWith({ files: {}, manifest: 'file appendonly.aof seq 1 type b\n' });
    putFile(disk, `${DATA_DIR}/appendonly.aof`, old);
    expect(await (await server(disk).start()).call('GET', 'a')).toBe('"1"');
  });

  it('is left alone when there is a log already', async () => {
    const disk = diskWith({ files: { [INCR_1]: SET } });
    putFile(disk, `${DATA_DIR}/appendonly.aof`, old);
    const loaded = await server(disk).start();
    expect(await loaded.call('EXISTS', 'a')).toBe('0');
    expect(disk.list(DATA_DIR)).toContain('appendonly.aof');
  });

  it('is missed when the manifest has it and nobody else', async () => {
    const disk = diskWith({ files: {}, manifest: 'file appendonly.aof seq 1 type b\n' });
    await expect(server(disk).start()).rejects.toThrow(
      'Unable to obtain the AOF file appendonly.aof length. stat: No such file or directory',
    );
  });
});
