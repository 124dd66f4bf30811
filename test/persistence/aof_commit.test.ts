// appendfsync always while the disk takes its time: syncs end when the test says so, and until then
// nothing of what they cover is durable.

import { describe, expect, it } from 'vitest';
import type { MemoryStorage } from '../../src/storage/memory_storage.ts';
import { nextTurn } from '../../src/util/next_turn.ts';
import {
  type AofServer,
  command,
  LOG_DIR,
  type LoggedServer,
  startLogged,
  textOf,
} from '../support/aof_server.ts';
import type { Argument } from '../support/arguments.ts';
import type { EngineTestClient } from '../support/engine_client.ts';
import type { FaultyStorage } from '../support/faulty_storage.ts';
import { showReply } from '../support/reply_notation.ts';

const INCR = `${LOG_DIR}/appendonly.aof.1.incr.aof`;
/** Draws the crash that takes most. */
const WORST = () => 0;

class Setup {
  readonly disk: MemoryStorage;
  readonly storage: FaultyStorage;
  readonly server: AofServer;
  /** Replies in the order in which they left, each with the client's name. */
  readonly replies: string[] = [];
  private readonly clients = new Map<string, EngineTestClient>();

  constructor({ disk, storage, server }: LoggedServer) {
    this.disk = disk;
    this.storage = storage;
    this.server = server;
    storage.holdsSyncs = true;
    // A base comes when its time has come.
    storage.heldSyncPaths = /\.incr\.aof$/;
  }

  client(name: string): EngineTestClient {
    let client = this.clients.get(name);
    if (client === undefined) {
      client = this.server.connect();
      this.clients.set(name, client);
    }
    return client;
  }

  send(name: string, ...args: Argument[]): void {
    void this.client(name)
      .call(...args)
      .then((reply) => this.replies.push(`${name} ${showReply(reply)}`));
  }

  /** Ends the turn; a sync begins when none is under way. */
  async endTurn(): Promise<void> {
    this.server.endTurn();
    await nextTurn();
  }

  /** Ends the sync under way. */
  async synced(): Promise<void> {
    expect(this.storage.pendingSyncs).toBe(1);
    this.storage.releaseSyncs();
    await nextTurn();
  }

  /** What a crash leaves of the log at least. */
  durable(path = INCR): string {
    return textOf(this.disk.crash(WORST), path);
  }

  countOf(operation: string): number {
    return this.storage.log.filter((name) => name === `${operation} ${INCR}`).length;
  }
}

async function start(): Promise<Setup> {
  return new Setup(await startLogged({ appendfsync: 'always' }));
}

describe('while a sync is under way', () => {
  it('commands run, and their replies leave with the next one', async () => {
    const setup = await start();
    setup.send('a', 'INCR', 'n');
    await setup.endTurn();
    setup.send('b', 'INCR', 'n');
    await setup.endTurn();
    setup.send('c', 'INCR', 'n');
    await setup.endTurn();
    expect(setup.replies).toEqual([]);
    expect(setup.countOf('write')).toBe(1);
    await setup.synced();
    expect(setup.replies).toEqual(['a 1']);
    expect(setup.durable()).toContain(command('INCR', 'n'));
    expect(setup.countOf('write')).toBe(1);
    await setup.endTurn();
    expect(setup.countOf('write')).toBe(2);
    expect(setup.replies).toEqual(['a 1']);
    await setup.synced();
    expect(setup.replies).toEqual(['a 1', 'b 2', 'c 3']);
    expect(setup.durable().split(command('INCR', 'n'))).toHaveLength(4);
    expect(setup.server.aof.isSynced(setup.server.aof.position)).toBe(true);
  });

  it('what only reads waits for it and not for another one', async () => {
    const setup = await start();
    setup.send('a', 'SET', 'k', '1');
    await setup.endTurn();
    setup.send('b', 'GET', 'k');
    await setup.endTurn();
    expect(setup.replies).toEqual([]);
    await setup.synced();
    expect(setup.replies).toEqual(['a +OK', 'b "1"']);
    await setup.endTurn();
    expect(setup.storage.pendingSyncs).toBe(0);
    setup.send('b', 'GET', 'k');
    await nextTurn();
    expect(setup.replies).toHaveLength(3);
  });

  it('what reads a change of a later turn waits for that', async () => {
    const setup = await start();
    setup.send('a', 'SET', 'k', '1');
    await setup.endTurn();
    setup.send('b', 'SET', 'k', '2');
    setup.send('c', 'GET', 'k');
    await setup.synced();
    expect(setup.replies).toEqual(['a +OK']);
    expect(setup.durable()).not.toContain(command('SET', 'k', '2'));
    await setup.endTurn();
    expect(setup.replies).toEqual(['a +OK']);
    await setup.synced();
    expect(setup.replies).toEqual(['a +OK', 'b +OK', 'c "2"']);
  });

  it('replies of one client keep their order', async () => {
    const setup = await start();
    setup.send('a', 'INCR', 'n');
    await setup.endTurn();
    setup.send('a', 'GET', 'n');
    setup.send('a', 'INCR', 'n');
    setup.send('a', 'GET', 'n');
    await setup.endTurn();
    await setup.synced();
    expect(setup.replies).toEqual(['a 1', 'a "1"']);
    setup.send('a', 'PING');
    await setup.endTurn();
    await setup.synced();
    expect(setup.replies).toEqual(['a 1', 'a "1"', 'a 2', 'a "2"', 'a +PONG']);
  });

  it('messages and replies of others wait that tell of a change', async () => {
    const setup = await start();
    setup.send('waiting', 'BLPOP', 'l', '0');
    setup.send('subscriber', 'SUBSCRIBE', 'ch');
    await setup.endTurn();
    setup.replies.length = 0;
    setup.send('a', 'RPUSH', 'l', 'x');
    void setup
      .client('subscriber')
      .read()
      .then(({ reply }) => setup.replies.push(`subscriber ${showReply(reply)}`));
    setup.send('b', 'PUBLISH', 'ch', 'm');
    await setup.endTurn();
    expect(setup.replies).toEqual([]);
    await setup.synced();
    await setup.endTurn();
    expect(setup.replies.map((line) => line.split(' ')[0]).sort()).toEqual([
      'a',
      'b',
      'subscriber',
      'waiting',
    ]);
  });

  it('QUIT closes the connection behind the last of its replies', async () => {
    const setup = await start();
    setup.send('a', 'INCR', 'n');
    await setup.endTurn();
    setup.send('a', 'INCR', 'n');
    setup.client('a').send(Buffer.from('QUIT\r\n'));
    await setup.endTurn();
    await setup.synced();
    expect(setup.replies).toEqual(['a 1']);
    expect(setup.client('a').ended).toBe('no');
    await setup.endTurn();
    await setup.synced();
    expect(setup.replies).toEqual(['a 1', 'a 2']);
    expect(setup.client('a').ended).toBe('after writing');
  });

  it('a client may leave without its replies', async () => {
    const setup = await start();
    setup.send('a', 'INCR', 'n');
    setup.send('b', 'INCR', 'n');
    await setup.endTurn();
    setup.client('a').client.close();
    await setup.synced();
    expect(setup.replies).toEqual(['b 2']);
  });

  it('another policy holds from the next commit on', async () => {
    const setup = await start();
    setup.send('a', 'INCR', 'n');
    await setup.endTurn();
    setup.server.set('appendfsync', 'no');
    setup.send('a', 'INCR', 'n');
    await setup.endTurn();
    expect(setup.replies).toEqual([]);
    await setup.synced();
    await setup.endTurn();
    expect(setup.replies).toEqual(['a 1', 'a 2']);
    expect(setup.storage.pendingSyncs).toBe(0);
  });

  it('the regular work of the log leaves it alone', async () => {
    const setup = await start();
    setup.send('a', 'INCR', 'n');
    await setup.endTurn();
    setup.send('b', 'INCR', 'n');
    setup.server.nowMs += 1000;
    setup.server.aof.tick();
    expect(setup.countOf('write')).toBe(1);
    expect(setup.server.aof.facts().aofPendingFsyncs).toBe(1);
    await setup.synced();
    expect(setup.replies).toEqual(['a 1']);
  });
});

describe('who cannot wait for a sync under way', () => {
  it.each<[string, (server: AofServer) => void]>([
    ['shutdown', (server) => server.aof.shutdown()],
    ['CONFIG SET appendonly no', (server) => server.aof.turnOff()],
    [
      'too many replies',
      (server) => {
        const client = server.connect();
        for (let i = 0; i < 5; i++) void client.call('GET', 'big');
      },
    ],
  ])('has all made durable at once, and replies leave: %s', async (_name, hurry) => {
    const setup = await start();
    setup.storage.holdsSyncs = false;
    await setup.server.call('SET', 'big', 'x'.repeat(300_000));
    setup.storage.holdsSyncs = true;
    setup.send('a', 'INCR', 'n');
    await setup.endTurn();
    setup.send('b', 'INCR', 'n');
    await setup.endTurn();
    hurry(setup.server);
    await Promise.resolve();
    await Promise.resolve();
    expect(setup.replies).toEqual(['a 1', 'b 2']);
    expect(setup.durable().split(command('INCR', 'n'))).toHaveLength(3);
    await setup.synced();
    expect(setup.server.exitCode).toBeUndefined();
    expect(setup.replies).toHaveLength(2);
  });

  it('does not let a later commit go when the earlier sync ends', async () => {
    const setup = await start();
    setup.storage.holdsSyncs = false;
    await setup.server.call('SET', 'big', 'x'.repeat(300_000));
    setup.storage.holdsSyncs = true;
    setup.send('a', 'INCR', 'n');
    await setup.endTurn();
    const reader = setup.server.connect();
    for (let i = 0; i < 5; i++) void reader.call('GET', 'big');
    await nextTurn();
    expect(setup.replies).toEqual(['a 1']);
    setup.send('b', 'INCR', 'n');
    await setup.endTurn();
    await setup.synced();
    expect(setup.replies).toEqual(['a 1']);
    expect(setup.durable().split(command('INCR', 'n'))).toHaveLength(2);
    await setup.synced();
    expect(setup.replies).toEqual(['a 1', 'b 2']);
  });

  it('is a rewrite: it goes on in a new file, and nothing is acknowledged early', async () => {
    const setup = await start();
    setup.send('a', 'INCR', 'n');
    await setup.endTurn();
    setup.send('b', 'INCR', 'n');
    await setup.endTurn();
    expect(setup.server.aof.startRewrite()).toBe('started');
    expect(setup.durable().split(command('INCR', 'n'))).toHaveLength(3);
    setup.send('c', 'INCR', 'n');
    await setup.endTurn();
    await setup.synced();
    expect(setup.replies).toEqual(['a 1']);
    await setup.endTurn();
    const next = `${LOG_DIR}/appendonly.aof.2.incr.aof`;
    expect(setup.replies).not.toContain('c 3');
    expect(setup.durable(next)).toBe('');
    await setup.synced();
    expect(setup.replies).toEqual(['a 1', 'b 2', 'c 3']);
    expect(setup.durable(next)).toContain(command('INCR', 'n'));
    setup.storage.holdsSyncs = false;
    await setup.server.rewritten();
    expect(await setup.server.call('GET', 'n')).toBe('"3"');
  });
});

describe('a sync in the background that fails', () => {
  it('ends the process, and no reply leaves any more', async () => {
    const setup = await start();
    setup.send('a', 'INCR', 'n');
    await setup.endTurn();
    setup.send('b', 'INCR', 'n');
    await setup.endTurn();
    setup.storage.plan({ in: 1, code: 'EIO' });
    await setup.synced();
    expect(setup.server.exitCode).toBe(1);
    expect(setup.server.lines.at(-1)).toBe(
      "# Can't persist AOF for fsync error when the AOF fsync policy is 'always': Input/output " +
        'error. Exiting...',
    );
    // The next one would succeed, but what this one lost is lost.
    await setup.endTurn();
    setup.server.aof.tick();
    setup.send('c', 'PING');
    await setup.endTurn();
    setup.server.aof.shutdown();
    expect(setup.replies).toEqual([]);
    expect(setup.storage.pendingSyncs).toBe(0);
  });

  it('is a matter of the log alone when the same was made durable on the thread', async () => {
    const setup = await start();
    setup.send('a', 'INCR', 'n');
    await setup.endTurn();
    setup.server.aof.startRewrite();
    setup.storage.plan({ in: 1, code: 'EIO' });
    await setup.synced();
    expect(setup.server.exitCode).toBeUndefined();
    expect(setup.server.lines.at(-1)).toBe('# Fail to fsync the AOF file: Input/output error');
    setup.storage.holdsSyncs = false;
    await setup.server.rewritten();
    // To be safe: another one.
    await setup.server.pass(1000);
    await setup.server.rewritten();
    expect(setup.server.aof.facts().aofRewrites).toBe(2);
    expect(setup.server.aof.writeError).toBeUndefined();
  });
});
