// Backups of servers: over the network, as replicas get a snapshot, and by the BACKUP commands. Method: a
// server that sends what a test says, real redis-server, and the built respite-server.

import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { readRecord } from '../../src/backup/backup_target.ts';
import { NodeStorage } from '../../src/storage/node_storage.node.ts';
import { tool } from '../support/captured_terminal.ts';
import { snapshot } from '../support/data_files.ts';
import { realRedisAvailable, type ServerKind } from '../support/server.ts';
import { ask, eventually, info, scratchDirectory, serve } from './fixture.ts';

const storage = new NodeStorage();
const MARK = 'm'.repeat(40);
const DUMP = snapshot({ keys: ['a', 'b', 'c'] });

const servers: net.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Answers every command with OK, and SYNC with `pieces`; undefined breaks the connection. */
async function scripted(...pieces: readonly (Uint8Array | string | undefined)[]): Promise<string> {
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', async (bytes) => {
      if (!bytes.toString('latin1').includes('SYNC')) {
        socket.write('+OK\r\n'.repeat(bytes.toString('latin1').match(/^\*/gm)?.length ?? 1));
        return;
      }
      for (const piece of pieces) {
        if (piece === undefined) socket.destroy();
        else await new Promise((resolve) => socket.write(piece, resolve));
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as net.AddressInfo).port}`;
}

async function backupOf(address: string, ...more: string[]) {
  const target = scratchDirectory();
  const run = await tool(storage, ['--quiet', 'backup', address, target, ...more]);
  const [name] = storage.list(target);
  return {
    ...run,
    path: `${target}/${name}`,
    record: name === undefined ? undefined : readRecord(storage, `${target}/${name}`),
    left: storage.list(target),
  };
}

describe('a snapshot that a server sends', () => {
  it('is taken with its length said before', async () => {
    const address = await scripted('\n\n', `$${DUMP.length}\r\n`, DUMP, '*1\r\n$4\r\nPING\r\n');
    const { code, path, record } = await backupOf(address);
    expect(code).toBe(0);
    expect(Buffer.from(storage.readFile(`${path}/dump.rdb`)).equals(DUMP)).toBe(true);
    expect(record).toMatchObject({ kind: 'rdb', keys: 3, source: { kind: 'server', address } });
  });

  it('is taken with a mark behind it, however it is cut into pieces', async () => {
    const whole = Buffer.concat([Buffer.from(`$EOF:${MARK}\r\n`), DUMP, Buffer.from(MARK)]);
    for (const bytes of [1, 7, 45, whole.length]) {
      const pieces = Array.from({ length: Math.ceil(whole.length / bytes) }, (_, i) =>
        whole.subarray(i * bytes, (i + 1) * bytes),
      );
      const { code, path } = await backupOf(await scripted(...pieces));
      expect(code).toBe(0);
      expect(Buffer.from(storage.readFile(`${path}/dump.rdb`)).equals(DUMP)).toBe(true);
    }
  });

  it.each<[string, (Uint8Array | string | undefined)[], RegExp]>([
    [
      'that ends too soon',
      [`$${DUMP.length}\r\n`, DUMP.subarray(0, 40), undefined],
      /closed|broke/,
    ],
    ['that is refused', ['-NOMASTERLINK Can not SYNC\r\n'], /hand out a snapshot: NOMASTERLINK/],
    ['that is something else', ['+WHAT\r\n'], /it says '\+WHAT'/],
    ['that is damaged', ['$40\r\n', DUMP.subarray(0, 40)], /dump.rdb is damaged at offset/],
  ])('%s leaves nothing behind', async (_name, pieces, message) => {
    const { code, errors, left } = await backupOf(await scripted(...pieces));
    expect(code).toBe(1);
    expect(errors).toMatch(message);
    expect(left).toEqual([]);
  });

  it('from nobody says who could not be reached', async () => {
    const { code, errors, left } = await backupOf('127.0.0.1:1');
    expect([code, left]).toEqual([1, []]);
    expect(errors).toBe("respite: Can't connect to 127.0.0.1:1: Connection refused\n");
  });
});

const kinds: ServerKind[] = realRedisAvailable() ? ['respite', 'redis'] : ['respite'];

describe.each(kinds)('a running %s', (kind) => {
  it('is backed up over TCP, with its keys counted', async () => {
    const { client, server } = await serve(scratchDirectory(), ['--save', ''], kind);
    for (let i = 0; i < 50; i++) await ask(client, `SET key${i} value${i}`);
    await ask(client, 'SELECT 5');
    await ask(client, 'RPUSH list a b c');
    const { code, output, record } = await backupOf(`127.0.0.1:${server.port}`);
    expect(code).toBe(0);
    expect(output).toContain('Holds            51 keys');
    expect(record?.databases).toEqual([
      { database: 0, keys: 50, expires: 0 },
      { database: 5, keys: 1, expires: 0 },
    ]);
    expect(record?.source.redisVersion).toMatch(/^7\./);
  });

  it('asks for the password', async () => {
    const { server } = await serve(scratchDirectory(), ['--save', ''], kind).then(
      async (served) => {
        await ask(served.client, 'CONFIG SET requirepass secret');
        return served;
      },
    );
    const address = `127.0.0.1:${server.port}`;
    const without = await backupOf(address);
    expect([without.code, without.left]).toEqual([1, []]);
    expect(without.errors).toMatch(/NOAUTH Authentication required/);
    expect((await backupOf(address, '--pass', 'wrong')).errors).toMatch(/WRONGPASS/);
    expect((await backupOf(address, '--pass', 'secret')).code).toBe(0);
    const target = scratchDirectory();
    const environment = { REDISCLI_AUTH: 'secret' };
    expect((await tool(storage, ['backup', address, target], { environment })).code).toBe(0);
  });
});

describe('the BACKUP commands', () => {
  it.each(['yes', 'no'])('give a whole log with appendonly %s', async (appendOnly) => {
    const directory = scratchDirectory();
    const { client, server } = await serve(directory, ['--save', '', '--appendonly', appendOnly]);
    await ask(client, 'SET before 1');
    const { code, errors, path, record } = await backupOf(`127.0.0.1:${server.port}`, '--files');
    expect([code, errors]).toEqual([0, '']);
    expect(record).toMatchObject({ kind: 'aof', source: { kind: 'files' } });
    expect(await ask(client, 'BACKUP STATUS')).toContain('idle');
    expect(storage.list(`${directory}/backupdir`)).toEqual([]);
    expect(storage.status(`${directory}/temp-backup-aof`)).toBe(undefined);
    expect(await ask(client, 'CONFIG GET appendonly')).toContain(appendOnly);
    const into = scratchDirectory();
    const words = ['--quiet', 'restore', '--from', path, '--into', into];
    expect((await tool(storage, words)).code).toBe(0);
    const restored = await serve(into, ['--appendonly', 'yes']);
    expect(await ask(restored.client, 'GET before')).toBe('"1"');
  });

  it('hold what was written between START and SEAL', async () => {
    const directory = scratchDirectory();
    const { client } = await serve(directory, ['--save', '', '--appendonly', 'no']);
    await ask(client, 'SET base 1');
    expect(await ask(client, 'BACKUP START')).toBe('+OK');
    while (!(await ask(client, 'BACKUP STATUS')).includes('incrementing')) {
      await ask(client, 'PING');
    }
    await ask(client, 'SET between 1');
    expect(await ask(client, 'BACKUP SEAL')).toBe('+OK');
    await ask(client, 'SET after 1');
    const { output } = await tool(storage, ['--quiet', 'check', `${directory}/backupdir`]);
    expect(output).toContain('Keys             1,');
    const names = storage.list(`${directory}/backupdir`);
    const log = storage.readFile(`${directory}/backupdir/${names.find((n) => n.includes('incr'))}`);
    const words = Buffer.from(log).toString();
    expect([words.includes('between'), words.includes('after')]).toEqual([true, false]);
    expect(await ask(client, 'BACKUP CLEANUP')).toBe('+OK');
    expect(storage.list(`${directory}/backupdir`)).toEqual([]);
  });

  it.each(['pending', 'snapshotting', 'incrementing'])(
    'give way to CONFIG SET appendonly yes while %s, and the log stays on',
    async (state) => {
      const directory = scratchDirectory();
      const { client, server } = await serve(directory, ['--save', '', '--appendonly', 'no']);
      await ask(client, 'SET before 1');
      const delay = state === 'incrementing' ? 0 : 10_000_000;
      await ask(client, `CONFIG SET rdb-key-save-delay ${delay}`);
      if (state === 'pending') await ask(client, 'BGSAVE');
      expect(await ask(client, 'BACKUP START')).toBe('+OK');
      await eventually(async () => (await ask(client, 'BACKUP STATUS')).includes(state));
      await ask(client, 'SET during 1');
      // Nothing changes by this.
      expect(await ask(client, 'CONFIG SET appendonly no')).toBe('+OK');
      expect(await ask(client, 'BACKUP STATUS')).toContain(state);
      expect(await ask(client, 'CONFIG SET appendonly yes')).toBe('+OK');
      expect(await ask(client, 'BACKUP STATUS')).toContain('appendonly was changed');
      expect(storage.status(`${directory}/temp-backup-aof`)).toBe(undefined);
      expect(await ask(client, 'BACKUP CLEANUP')).toBe('+OK');
      await ask(client, 'CONFIG SET rdb-key-save-delay 0');
      await eventually(
        () => storage.status(`${directory}/appendonlydir/appendonly.aof.manifest`) !== undefined,
      );
      expect(await info(client, 'aof_enabled')).toBe('1');
      expect(await ask(client, 'SET after 1')).toBe('+OK');
      // The log is there for a backup as for everybody.
      expect(await ask(client, 'BACKUP START')).toBe('+OK');
      await eventually(async () => (await ask(client, 'BACKUP STATUS')).includes('incrementing'));
      expect(await ask(client, 'BACKUP SEAL')).toBe('+OK');
      expect(await info(client, 'aof_enabled')).toBe('1');
      expect(await ask(client, 'SET last 1')).toBe('+OK');
      server.kill('SIGKILL');
      await server.exited;
      const again = await serve(directory, ['--save', '', '--appendonly', 'yes']);
      expect(await ask(again.client, 'MGET before during after last')).toBe('["1", "1", "1", "1"]');
    },
  );

  it('a server without them says so', async () => {
    if (!kinds.includes('redis')) return;
    const { server } = await serve(scratchDirectory(), ['--save', ''], 'redis');
    const { code, errors, left } = await backupOf(`127.0.0.1:${server.port}`, '--files');
    expect([code, left]).toEqual([1, []]);
    expect(errors).toMatch(/unknown command 'BACKUP'/);
  });
});
