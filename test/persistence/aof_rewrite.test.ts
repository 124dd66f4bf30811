// Rewrites, and logs that are turned on and off while commands are served.

import { describe, expect, it } from 'vitest';
import type { MemoryStorage } from '../../src/storage/memory_storage.ts';
import {
  AofServer,
  command,
  DATA_DIR,
  LOG_DIR,
  startLogged,
  textOf,
} from '../support/aof_server.ts';

const MANIFEST = `${LOG_DIR}/appendonly.aof.manifest`;

async function restart(disk: MemoryStorage): Promise<AofServer> {
  // The one that still runs keeps its files.
  return new AofServer({ storage: disk.copy(), directives: { appendonly: 'yes' } }).start();
}

function manifestOf(disk: MemoryStorage): string[] {
  return textOf(disk, MANIFEST)
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^file appendonly\.aof\.(\S+) seq \d+ type /, '$1 '));
}

describe('a rewrite', () => {
  it('puts a new base in the place of the files before', async () => {
    const { server, disk } = await startLogged();
    for (let i = 0; i < 100; i++) await server.call('INCR', 'n');
    expect(server.aof.startRewrite()).toBe('started');
    expect(server.aof.facts().aofRewriteInProgress).toBe(true);
    expect(manifestOf(disk)).toEqual(['1.base.rdb b', '1.incr.aof i', '2.incr.aof i']);
    await server.call('INCR', 'n');
    await server.rewritten();
    await server.call('INCR', 'n');
    expect(manifestOf(disk)).toEqual(['2.base.rdb b', '2.incr.aof i']);
    expect(disk.list(LOG_DIR)).toEqual([
      'appendonly.aof.2.base.rdb',
      'appendonly.aof.2.incr.aof',
      'appendonly.aof.manifest',
    ]);
    expect(disk.list(DATA_DIR)).toEqual(['appendonlydir']);
    expect(textOf(disk, `${LOG_DIR}/appendonly.aof.2.incr.aof`)).toBe(
      command('SELECT', '0') + command('INCR', 'n') + command('INCR', 'n'),
    );
    expect(server.aof.facts()).toMatchObject({
      aofRewriteInProgress: false,
      aofRewrites: 1,
      aofLastRewriteOk: true,
      aofLastRewriteSeconds: 0,
      aofBaseBytes: disk.status(`${LOG_DIR}/appendonly.aof.2.base.rdb`)!.sizeBytes + 44,
    });
    expect(server.lines.slice(-7)).toEqual([
      '* Background append only file rewriting started by pid 77',
      '* Successfully created the temporary AOF base file temp-rewriteaof-bg-77-1.aof',
      '* Background AOF rewrite terminated with success',
      '* Successfully renamed the temporary AOF base file temp-rewriteaof-bg-77-1.aof into appendonly.aof.2.base.rdb',
      '* Removing the history file appendonly.aof.1.incr.aof in the background',
      '* Removing the history file appendonly.aof.1.base.rdb in the background',
      '* Background AOF rewrite finished successfully',
    ]);
    const again = await restart(disk);
    expect(await again.call('GET', 'n')).toBe('"102"');
    expect(again.digest()).toBe(server.digest());
  });

  it('keeps the files before when asked to, and deletes them with the next one', async () => {
    const { server, disk } = await startLogged({ 'aof-disable-auto-gc': 'yes' });
    await server.call('SET', 'a', '1');
    server.aof.startRewrite();
    await server.rewritten();
    expect(manifestOf(disk)).toEqual([
      '2.base.rdb b',
      '1.incr.aof h',
      '1.base.rdb h',
      '2.incr.aof i',
    ]);
    expect(disk.list(LOG_DIR)).toContain('appendonly.aof.1.base.rdb');
    server.set('aof-disable-auto-gc', 'no');
    server.aof.startRewrite();
    await server.rewritten();
    expect(manifestOf(disk)).toEqual(['3.base.rdb b', '3.incr.aof i']);
    expect(disk.list(LOG_DIR)).toHaveLength(3);
  });

  it('cannot run twice, waits for other snapshots, and for the end of a transaction', async () => {
    const { server } = await startLogged();
    await server.call('SET', 'a', '1');
    server.aof.startRewrite();
    expect(server.aof.startRewrite()).toEqual({
      error: 'ERR Background append only file rewriting already in progress',
    });
    await server.rewritten();
    server.isBusy = true;
    expect(server.aof.startRewrite()).toBe('scheduled');
    expect(server.aof.facts().aofRewriteScheduled).toBe(true);
    await server.pass(500);
    expect(server.aof.isRewriting).toBe(false);
    server.isBusy = false;
    server.aof.onSnapshotEnd();
    expect(server.aof.isRewriting).toBe(true);
    expect(server.aof.facts().aofRewriteScheduled).toBe(false);
    await server.rewritten();
    let outcome: unknown;
    server.engine.commands.register('info', (call) => {
      outcome = server.aof.startRewrite();
      call.reply.ok();
    });
    const client = server.connect();
    await client.call('MULTI');
    await client.call('INFO');
    await client.call('EXEC');
    expect(outcome).toBe('scheduled');
    await server.pass(100);
    await server.rewritten();
    expect(server.aof.facts().aofRewrites).toBe(3);
  });

  it('starts by itself when the log has grown by enough', async () => {
    const { server } = await startLogged({
      'auto-aof-rewrite-percentage': '100',
      'auto-aof-rewrite-min-size': '1500',
    });
    for (let i = 0; i < 50; i++) await server.call('SET', 'k', 'v'.repeat(10));
    expect(server.aof.facts().aofCurrentBytes).toBeGreaterThan(1500);
    await server.pass(100);
    await server.rewritten();
    expect(server.lines.join('\n')).toMatch(/Starting automatic rewriting of AOF on \d+% growth/);
    const { aofCurrentBytes, aofBaseBytes } = server.aof.facts();
    expect(aofCurrentBytes).toBe(aofBaseBytes);
    await server.pass(1000);
    expect(server.aof.facts().aofRewrites).toBe(1);
  });

  it('that fails leaves a log with one more increment, and is limited after three times', async () => {
    const { server, storage, disk } = await startLogged({
      'auto-aof-rewrite-percentage': '1',
      'auto-aof-rewrite-min-size': '1',
    });
    const original = storage.run.bind(storage);
    storage.run = (call, path, whole, partly) => {
      if (call === 'write' && path.includes('temp-rewriteaof')) {
        throw Object.assign(new Error('no'), { code: 'ENOSPC' });
      }
      return original(call, path, whole, partly);
    };
    for (let i = 0; i < 3; i++) {
      await server.call('SET', 'a', 'x'.repeat(100));
      await server.pass(100);
      await server.rewritten();
    }
    expect(server.lines.at(-1)).toBe('# Background AOF rewrite terminated with error');
    expect(server.lines.at(-2)).toBe(
      '# Write error writing append only file on disk: No space left on device',
    );
    expect(server.aof.facts()).toMatchObject({ aofRewriteFailures: 3, aofLastRewriteOk: false });
    expect(manifestOf(disk)).toEqual([
      '1.base.rdb b',
      '1.incr.aof i',
      '2.incr.aof i',
      '3.incr.aof i',
      '4.incr.aof i',
    ]);
    expect(disk.list(DATA_DIR)).toEqual(['appendonlydir']);
    await server.pass(59_000);
    expect(server.aof.facts().aofRewriteFailures).toBe(3);
    expect(server.lines.at(-1)).toBe(
      '# Background AOF rewrite has repeatedly failed and triggered the limit, will retry in 1 minutes',
    );
    await server.pass(2000);
    await server.rewritten();
    expect(server.aof.facts().aofRewriteFailures).toBe(4);
    await server.pass(1000);
    expect(server.lines.at(-1)).toContain('will retry in 2 minutes');
    // Whoever asks for one gets it.
    storage.run = original;
    expect(server.aof.startRewrite()).toBe('started');
    await server.rewritten();
    expect(manifestOf(disk)).toEqual(['2.base.rdb b', '6.incr.aof i']);
    expect((await restart(disk)).digest()).toBe(server.digest());
  });

  it('without a log writes a base all the same', async () => {
    const { server, disk } = await startLogged({ appendonly: 'no' });
    await server.call('SET', 'a', '1');
    expect(server.aof.startRewrite()).toBe('started');
    await server.rewritten();
    expect(manifestOf(disk)).toEqual(['1.base.rdb b']);
    expect(await (await restart(disk)).call('GET', 'a')).toBe('"1"');
  });

  it('is not begun while the log cannot be written: what waits would come twice', async () => {
    const { server, storage, disk } = await startLogged();
    storage.plan({ in: 1, code: 'ENOSPC', lasts: true });
    await server.call('INCR', 'n');
    expect(server.aof.startRewrite()).toEqual({
      error:
        "ERR Can't execute an AOF background rewriting. Please check the server logs for more information.",
    });
    storage.heal();
    await server.pass(1000);
    expect(server.aof.startRewrite()).toBe('started');
    await server.rewritten();
    expect(await (await restart(disk)).call('GET', 'n')).toBe('"1"');
  });

  it('called off by others is begun again', async () => {
    const { server } = await startLogged();
    await server.call('SET', 'a', '1');
    server.aof.startRewrite();
    server.snapshots.abort();
    await server.rewritten();
    expect(server.lines.at(-1)).toBe('# Background AOF rewrite terminated by signal 10');
    expect(server.aof.facts()).toMatchObject({ aofRewriteScheduled: true, aofRewriteFailures: 0 });
    await server.pass(100);
    await server.rewritten();
    expect(server.aof.facts()).toMatchObject({
      aofRewriteScheduled: false,
      aofLastRewriteOk: true,
    });
  });

  it('waits with the new increment until the one before is durable', async () => {
    const { server, storage, disk } = await startLogged();
    await server.call('SET', 'a', '1');
    storage.holdsSyncs = true;
    server.aof.startRewrite();
    await server.call('SET', 'b', '2');
    const second = `${LOG_DIR}/appendonly.aof.2.incr.aof`;
    expect(textOf(disk, second)).toBe('');
    storage.holdsSyncs = false;
    storage.releaseSyncs();
    await server.aof.idle();
    await server.pass(100);
    expect(textOf(disk, second)).toContain(command('SET', 'b', '2'));
    await server.rewritten();
  });

  it('keeps all increments that were begun since it began', async () => {
    const { server, disk } = await startLogged();
    await server.call('INCR', 'n');
    server.aof.startRewrite();
    await server.call('INCR', 'n');
    expect(server.aof.rotate()).toBe(true);
    await server.call('INCR', 'n');
    await server.rewritten();
    await server.pass(100);
    expect(manifestOf(disk)).toEqual(['2.base.rdb b', '2.incr.aof i', '3.incr.aof i']);
    expect(await (await restart(disk)).call('GET', 'n')).toBe('"3"');
  });

  it('has the one before made durable at once when that takes too long', async () => {
    const { server, storage, disk } = await startLogged();
    await server.call('SET', 'a', '1');
    storage.holdsSyncs = true;
    server.aof.startRewrite();
    await server.call('SET', 'b', '2');
    await server.pass(2500);
    expect(textOf(disk, `${LOG_DIR}/appendonly.aof.2.incr.aof`)).toContain(
      command('SET', 'b', '2'),
    );
    expect(storage.log).toContain(`sync ${LOG_DIR}/appendonly.aof.1.incr.aof`);
    storage.holdsSyncs = false;
    storage.releaseSyncs();
    await server.rewritten();
  });
});

describe('turning the log on', () => {
  it('begins with a base, and with a temporary increment until that is whole', async () => {
    const { server, disk } = await startLogged({ appendonly: 'no' });
    await server.call('SET', 'a', '1');
    expect(server.aof.turnOn()).toBeUndefined();
    expect(server.aof.isOn).toBe(true);
    expect(server.aof.isWritingFirstBase).toBe(true);
    await server.call('SET', 'b', '2');
    expect(disk.list(LOG_DIR)).toEqual(['temp-appendonly.aof.incr']);
    expect(server.aof.isSynced(0)).toBe(false);
    await server.rewritten();
    expect(server.aof.isWritingFirstBase).toBe(false);
    expect(manifestOf(disk)).toEqual(['1.base.rdb b', '1.incr.aof i']);
    expect(disk.list(LOG_DIR)).not.toContain('temp-appendonly.aof.incr');
    await server.call('SET', 'c', '3');
    const again = await restart(disk);
    expect(again.digest()).toBe(server.digest());
    expect(await again.call('MGET', 'a', 'b', 'c')).toBe('["1", "2", "3"]');
  });

  it('keeps what was there until the new base is whole', async () => {
    const { server, disk } = await startLogged();
    await server.call('SET', 'old', '1');
    server.aof.turnOff();
    await server.call('SET', 'new', '2');
    server.aof.turnOn();
    expect(await (await restart(disk)).call('GET', 'old')).toBe('"1"');
    await server.rewritten();
    expect(manifestOf(disk)).toEqual(['2.base.rdb b', '2.incr.aof i']);
    expect(await (await restart(disk)).call('GET', 'new')).toBe('"2"');
  });

  it('is tried again when the base fails', async () => {
    const { server, storage, disk } = await startLogged({ appendonly: 'no' });
    await server.call('SET', 'a', '1');
    const original = storage.run.bind(storage);
    storage.run = (call, path, whole, partly) => {
      if (path.includes('temp-rewriteaof')) {
        throw Object.assign(new Error('no'), { code: 'EACCES' });
      }
      return original(call, path, whole, partly);
    };
    expect(server.aof.turnOn()).toBeUndefined();
    await server.call('SET', 'b', '2');
    await server.rewritten();
    expect(server.lines.at(-1)).toBe(
      '* Removing the temp incr aof file temp-appendonly.aof.incr in the background',
    );
    expect(disk.list(LOG_DIR)).toEqual([]);
    storage.run = original;
    await server.call('SET', 'c', '3');
    await server.pass(100);
    await server.rewritten();
    expect((await restart(disk)).digest()).toBe(server.digest());
  });

  it('is refused when the directory cannot be made', async () => {
    const { server, storage } = await startLogged({ appendonly: 'no' });
    storage.plan({ in: 1, code: 'EROFS' });
    expect(server.aof.turnOn()).toBe('Unable to turn on AOF. Check server logs.');
    expect(server.aof.isOn).toBe(false);
    expect(server.lines).toContain(
      `# Can't open or create append-only dir ${LOG_DIR}: Read-only file system`,
    );
  });

  it('waits for a snapshot that is being saved', async () => {
    const { server, disk } = await startLogged({ appendonly: 'no' });
    server.isBusy = true;
    expect(server.aof.turnOn()).toBeUndefined();
    expect(server.lines.at(-1)).toBe(
      '* AOF was enabled but there is already another background operation. An AOF background was ' +
        'scheduled to start when possible.',
    );
    await server.call('SET', 'a', '1');
    await server.pass(300);
    expect(disk.status(LOG_DIR)).toBeUndefined();
    server.isBusy = false;
    await server.pass(100);
    await server.rewritten();
    expect(await (await restart(disk)).call('GET', 'a')).toBe('"1"');
  });

  it('calls off a rewrite that does not know of the log', async () => {
    const { server, disk } = await startLogged({ appendonly: 'no' });
    await server.call('SET', 'a', '1');
    server.aof.startRewrite();
    expect(server.aof.turnOn()).toBeUndefined();
    expect(server.lines).toContain('* Killing running AOF rewrite child: 77');
    await server.call('SET', 'b', '2');
    await server.rewritten();
    await server.pass(200);
    expect(manifestOf(disk)).toEqual(['1.base.rdb b', '1.incr.aof i']);
    expect(disk.list(DATA_DIR)).toEqual(['appendonlydir']);
    expect((await restart(disk)).digest()).toBe(server.digest());
  });
});

describe('turning the log off', () => {
  it('makes durable what was logged, and logs no more', async () => {
    const { server, disk, storage } = await startLogged();
    void server.connect().call('SET', 'a', '1');
    server.aof.turnOff();
    expect(server.aof.isOn).toBe(false);
    const before = storage.operations;
    await server.call('SET', 'b', '2');
    expect(storage.operations).toBe(before);
    const again = await restart(disk.crash(() => 0));
    expect(await again.call('GET', 'a')).toBe('"1"');
    expect(await again.call('EXISTS', 'b')).toBe('0');
  });

  it('calls off the first base, and leaves nothing of it', async () => {
    const { server, disk } = await startLogged({ appendonly: 'no' });
    await server.call('SET', 'a', '1');
    server.aof.turnOn();
    server.aof.turnOff();
    await server.pass(500);
    expect(disk.list(LOG_DIR)).toEqual([]);
    expect(disk.list(DATA_DIR)).toEqual(['appendonlydir']);
    expect(server.aof.turnOn()).toBeUndefined();
    await server.rewritten();
    expect(await (await restart(disk)).call('GET', 'a')).toBe('"1"');
  });

  it('lets a rewrite that is called off leave nothing behind', async () => {
    const { server, disk } = await startLogged();
    await server.call('SET', 'a', '1');
    server.aof.startRewrite();
    server.aof.turnOff();
    await server.pass(500);
    expect(disk.list(DATA_DIR)).toEqual(['appendonlydir']);
    expect(await (await restart(disk)).call('GET', 'a')).toBe('"1"');
  });
});

describe('loading the log again', () => {
  it('writes out what waits first, and does not log what it loads', async () => {
    const { server, disk } = await startLogged();
    void server.connect().call('SET', 'a', '1');
    const path = `${LOG_DIR}/appendonly.aof.1.incr.aof`;
    server.guards.set(1, true);
    expect(await server.aof.load(async () => {})).toBe('loaded');
    server.guards.set(1, false);
    expect(textOf(disk, path)).toBe(command('SELECT', '0') + command('SET', 'a', '1'));
    await server.call('SET', 'b', '2');
    expect((await restart(disk)).digest()).toBe(server.digest());
  });
});

describe('without memory for the changes', () => {
  it('the log ends, and another one is begun beside it', async () => {
    const { server, disk } = await startLogged();
    await server.call('SET', 'a', '1');
    let isLost = false;
    Object.defineProperty(server.stream, 'isLost', { get: () => isLost, configurable: true });
    isLost = true;
    await server.call('SET', 'b', '2');
    expect(server.aof.writeError).toBe('Cannot allocate memory');
    isLost = false;
    await server.call('SET', 'c', '3');
    expect((await restart(disk)).digest()).not.toBe(server.digest());
    expect(server.aof.writeError).toBe('Cannot allocate memory');
    await server.pass(100);
    await server.rewritten();
    expect(server.aof.writeError).toBeUndefined();
    expect(manifestOf(disk)).toEqual(['2.base.rdb b', '2.incr.aof i']);
    expect((await restart(disk)).digest()).toBe(server.digest());
  });
});
