// When changes are written, when they are durable, and when replies may leave.

import { describe, expect, it } from 'vitest';
import { nextTurn } from '../../src/util/next_turn.ts';
import {
  AofServer,
  type AofServerOptions,
  command,
  LOG_DIR,
  startLogged,
  textOf,
} from '../support/aof_server.ts';

const INCR = `${LOG_DIR}/appendonly.aof.1.incr.aof`;
const SELECT = command('SELECT', '0');

async function start(directives: AofServerOptions['directives'] = {}) {
  const logged = await startLogged(directives);
  return { ...logged, log: () => textOf(logged.disk, INCR) };
}

describe('changes', () => {
  it('are written once per turn, all in one piece', async () => {
    const { server, storage, log } = await start();
    const a = server.connect();
    const b = server.connect();
    const before = storage.operations;
    void a.call('SET', 'a', '1');
    void b.call('SET', 'b', '2');
    expect(log()).toBe('');
    server.endTurn();
    expect(log()).toBe(SELECT + command('SET', 'a', '1') + command('SET', 'b', '2'));
    expect(storage.log.slice(before)).toEqual([`write ${INCR}`]);
  });

  it('of the background are written, too', async () => {
    const { server, log } = await start();
    await server.call('SET', 'a', '1', 'PX', '10');
    server.nowMs += 1000;
    server.engine.cron(1000);
    server.endTurn();
    expect(log()).toMatch(/\r\nDEL\r\n\$1\r\na\r\n$|\r\nUNLINK\r\n\$1\r\na\r\n$/);
  });

  it('carry the time in front of them once a second when asked to', async () => {
    const { server, log } = await start({ 'aof-timestamp-enabled': 'yes' });
    const second = server.nowMs / 1000;
    await server.call('SET', 'a', '1');
    await server.call('SET', 'b', '2');
    server.nowMs += 1000;
    await server.call('SET', 'c', '3');
    expect(log()).toBe(
      `#TS:${second}\r\n${SELECT}${command('SET', 'a', '1')}${command('SET', 'b', '2')}` +
        `#TS:${second + 1}\r\n${command('SET', 'c', '3')}`,
    );
  });

  it('carry the time they were made at, though they are written later', async () => {
    const { server, storage, log } = await start({ 'aof-timestamp-enabled': 'yes' });
    const second = server.nowMs / 1000;
    storage.holdsSyncs = true;
    server.nowMs += 1000;
    await server.call('SET', 'a', '1');
    await Promise.resolve();
    expect(storage.pendingSyncs).toBe(1);
    const written = log();
    server.nowMs += 500;
    await server.call('SET', 'b', '2');
    server.nowMs += 1000;
    await server.call('SET', 'c', '3');
    expect(log()).toBe(written);
    storage.holdsSyncs = false;
    storage.releaseSyncs();
    await server.pass(100);
    server.nowMs += 1000;
    await server.call('SET', 'd', '4');
    expect(log().slice(written.length)).toBe(
      `${command('SET', 'b', '2')}#TS:${second + 2}\r\n${command('SET', 'c', '3')}` +
        `#TS:${second + 3}\r\n${command('SET', 'd', '4')}`,
    );
  });
});

describe('appendfsync always', () => {
  it('writes and syncs before any reply of the turn leaves', async () => {
    const { server, storage } = await start({ appendfsync: 'always' });
    const a = server.connect();
    const b = server.connect();
    const replies: string[] = [];
    void a.text('GET', 'x').catch(() => {});
    void a.call('SET', 'a', '1').then(() => replies.push('set'));
    void b.call('SET', 'b', '2').then(() => replies.push('other set'));
    void b.call('GET', 'a').then(() => replies.push('get'));
    await Promise.resolve();
    expect(replies).toEqual([]);
    const before = storage.operations;
    server.endTurn();
    expect(storage.log.slice(before)).toEqual([`write ${INCR}`]);
    expect(replies).toEqual([]);
    await nextTurn();
    expect(storage.log.slice(before)).toEqual([`write ${INCR}`, `sync ${INCR}`]);
    expect(replies).toEqual(['set', 'other set', 'get']);
    expect(server.latency.has('aof-fsync-always')).toBe(true);
  });

  it('lets replies leave at once when nothing changed', async () => {
    const { server } = await start({ appendfsync: 'always' });
    expect(await server.connect().text('PING')).toBe('PONG');
  });

  it('holds messages and replies of others back that tell of the change', async () => {
    const { server } = await start({ appendfsync: 'always' });
    const waiting = server.connect();
    const writer = server.connect();
    let popped = '';
    void waiting.call('BLPOP', 'l', '0').then(() => {
      popped = 'popped';
    });
    void writer.call('RPUSH', 'l', 'x');
    await Promise.resolve();
    expect(popped).toBe('');
    server.endTurn();
    expect(popped).toBe('');
    await nextTurn();
    expect(popped).toBe('popped');
  });

  it('closes a connection behind its held replies', async () => {
    const { server } = await start({ appendfsync: 'always' });
    const client = server.connect();
    const set = client.call('SET', 'a', '1');
    client.send(Buffer.from('QUIT\r\n'));
    expect(client.ended).toBe('no');
    server.endTurn();
    expect((await set).kind).toBe('simple');
    expect(client.ended).toBe('after writing');
  });

  it('does not hold more than some replies in memory', async () => {
    const { server, log } = await start({ appendfsync: 'always' });
    await server.call('SET', 'big', 'x'.repeat(300_000));
    const client = server.connect();
    void client.call('SET', 'a', '1');
    for (let i = 0; i < 5; i++) void client.call('GET', 'big');
    expect(log()).toContain(command('SET', 'a', '1'));
  });

  it('ends the process rather than promise what was not written', async () => {
    for (const [operation, message] of [
      [1, "Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting..."],
      [
        2,
        "Can't persist AOF for fsync error when the AOF fsync policy is 'always': Input/output error. Exiting...",
      ],
    ] as const) {
      const { server, storage } = await start({ appendfsync: 'always' });
      storage.plan({ in: operation, code: 'EIO' });
      let isAnswered = false;
      void server
        .connect()
        .call('SET', 'a', '1')
        .then(() => {
          isAnswered = true;
        });
      server.endTurn();
      await nextTurn();
      expect(server.exitCode).toBe(1);
      expect(server.lines.at(-1)).toBe(`# ${message}`);
      expect(isAnswered).toBe(false);
    }
  });

  it('makes durable what another policy left, once it is set', async () => {
    const { server, storage } = await start({ appendfsync: 'no' });
    await server.call('SET', 'a', '1');
    server.set('appendfsync', 'always');
    const before = storage.operations;
    server.aof.tick();
    expect(storage.log.slice(before)).toEqual([`sync ${INCR}`]);
    expect(server.aof.isSynced(server.aof.position)).toBe(true);
  });
});

describe('appendfsync everysec', () => {
  it.each(['everysec', 'no'])(
    'writes before any reply of the turn leaves, so that a killed process loses none, appendfsync %s',
    async (appendfsync) => {
      const { server, log } = await start({ appendfsync });
      const client = server.connect();
      const written: string[] = [];
      void client.call('SET', 'a', '1').then(() => written.push(log()));
      void client.call('GET', 'a').then(() => written.push(log()));
      await Promise.resolve();
      expect(written).toEqual([]);
      server.endTurn();
      await Promise.resolve();
      await Promise.resolve();
      const all = SELECT + command('SET', 'a', '1');
      expect(written).toEqual([all, all]);
      // What only reads does not wait for the end of a turn.
      expect(await client.text('GET', 'a')).toBe('1');
      expect(log()).toBe(all);
    },
  );

  it('lets replies leave when the write waits for a sync', async () => {
    const { server, storage, log } = await start();
    storage.holdsSyncs = true;
    server.nowMs += 1000;
    await server.call('SET', 'a', '1');
    await Promise.resolve();
    const written = log();
    expect(await server.call('SET', 'b', '2')).toBe('+OK');
    expect(log()).toBe(written);
    storage.releaseSyncs();
  });

  it('syncs once a second, also when no more changes come', async () => {
    const { server, storage } = await start();
    const syncs = () => storage.log.filter((name) => name === `sync ${INCR}`).length;
    const first = syncs();
    await server.call('SET', 'a', '1');
    expect(server.aof.isSynced(server.aof.position)).toBe(false);
    await server.pass(1000);
    expect(syncs()).toBe(first + 1);
    expect(server.aof.isSynced(server.aof.position)).toBe(true);
    for (let i = 0; i < 5; i++) await server.call('INCR', 'n');
    await server.pass(3000);
    expect(syncs()).toBe(first + 2);
  });

  it('waits with writing while a sync is slow, two seconds at most', async () => {
    const { server, storage, log } = await start();
    storage.holdsSyncs = true;
    server.nowMs += 1000;
    await server.call('SET', 'a', '1');
    await Promise.resolve();
    const written = log();
    await server.call('SET', 'b', '2');
    await server.pass(1500);
    expect(log()).toBe(written);
    expect(server.aof.facts().aofBufferBytes).toBe(command('SET', 'b', '2').length);
    expect(server.aof.facts().aofPendingFsyncs).toBe(1);
    expect(server.aof.facts().aofDelayedFsyncs).toBe(0);
    await server.pass(1000);
    expect(log()).toBe(written + command('SET', 'b', '2'));
    expect(server.aof.facts().aofDelayedFsyncs).toBe(1);
    expect(server.lines.at(-1)).toBe(
      '* Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer without ' +
        'waiting for fsync to complete, this may slow down Redis.',
    );
    storage.releaseSyncs();
  });

  it('spares the disk while a snapshot is written, when asked to', async () => {
    const { server, storage } = await start({ 'no-appendfsync-on-rewrite': 'yes' });
    await server.call('SET', 'a', '1');
    const syncs = () => storage.log.filter((name) => name === `sync ${INCR}`).length;
    const before = syncs();
    const snapshot = server.snapshots.background(
      { format: 'rdb', aux: [], compress: true, checksum: true },
      { write: () => {} },
    );
    server.nowMs += 2000;
    server.aof.tick();
    await Promise.resolve();
    expect(syncs()).toBe(before);
    await snapshot;
    await server.pass(1000);
    expect(syncs()).toBe(before + 1);
  });
});

describe('a log that cannot be written', () => {
  it('is cut back to its last whole write, tried again, and taken up again', async () => {
    const { server, storage, log } = await start();
    await server.call('SET', 'a', '1');
    const whole = log();
    storage.plan({ in: 1, code: 'ENOSPC', lasts: true, taken: 0.5 });
    await server.call('SET', 'b', '2');
    expect(log()).toBe(whole);
    expect(server.aof.writeError).toBe('No space left on device');
    expect(server.aof.facts().aofLastWriteOk).toBe(false);
    const bytes = command('SET', 'b', '2').length;
    expect(server.lines.at(-1)).toBe(
      `# Short write while writing to the AOF file: (nwritten=${Math.floor(bytes / 2)}, expected=${bytes})`,
    );
    const lines = server.lines.length;
    await server.pass(3000);
    expect(server.lines).toHaveLength(lines);
    storage.heal();
    await server.pass(1000);
    expect(server.lines.at(-1)).toBe('* AOF write error looks solved, Redis can write again.');
    expect(server.aof.writeError).toBeUndefined();
    expect(log()).toBe(whole + command('SET', 'b', '2'));
  });

  it('is tried once a second', async () => {
    const { server, storage } = await start();
    storage.plan({ in: 1, code: 'EIO', lasts: true });
    await server.call('SET', 'a', '1');
    expect(server.lines.at(-1)).toBe('# Error writing to the AOF file: Input/output error');
    const before = storage.operations;
    await server.pass(5000);
    expect(storage.operations - before).toBe(6);
  });

  it('goes on where it was left when it cannot even be cut', async () => {
    const { server, storage, log, disk } = await start();
    await server.call('SET', 'a', '1');
    const before = log();
    const cut = storage.operations;
    storage.plan({ in: 1, code: 'EIO', taken: 0.5 });
    // The write fails halfway, then the cut does.
    const original = storage.run.bind(storage);
    storage.run = (call, path, whole, partly) => {
      if (call === 'truncate') throw Object.assign(new Error('no'), { code: 'EIO' });
      return original(call, path, whole, partly);
    };
    await server.call('SET', 'b', '2');
    expect(storage.operations).toBeGreaterThan(cut);
    expect(server.lines.join('\n')).toContain('Could not remove short write');
    expect(log().length).toBeGreaterThan(before.length);
    await server.call('SET', 'c', '3');
    expect(log()).toBe(before + command('SET', 'b', '2') + command('SET', 'c', '3'));
    const again = await new AofServer({
      storage: disk,
      directives: { appendonly: 'yes' },
    }).start();
    expect(await again.call('GET', 'c')).toBe('"3"');
  });

  it('is begun anew when a sync failed, because nobody knows what became of the bytes', async () => {
    const { server, storage } = await start();
    await server.call('SET', 'a', '1');
    server.nowMs += 900;
    storage.plan({ in: 2, code: 'EIO' });
    server.nowMs += 1000;
    await server.call('SET', 'b', '2');
    await server.aof.idle();
    expect(server.aof.writeError).toBe('Input/output error');
    expect(server.lines.at(-1)).toBe('# Fail to fsync the AOF file: Input/output error');
    await server.pass(1500);
    await server.rewritten();
    expect(server.aof.writeError).toBeUndefined();
    expect(server.aof.facts().aofRewrites).toBe(1);
    await server.pass(2000);
    expect(server.aof.isSynced(server.aof.position)).toBe(true);
  });
});

describe('positions', () => {
  it('tell for each client which change was its last', async () => {
    const { server } = await start();
    const a = server.connect();
    const b = server.connect();
    void a.call('SET', 'a', '1');
    const first = server.aof.position;
    expect(a.client.changedUpTo).toBe(first);
    expect(b.client.changedUpTo).toBe(0);
    server.endTurn();
    expect(server.aof.position).toBe(first);
    void b.call('SET', 'b', '1');
    void a.call('GET', 'a');
    expect(a.client.changedUpTo).toBe(first);
    expect(b.client.changedUpTo).toBe(server.aof.position);
  });
});
