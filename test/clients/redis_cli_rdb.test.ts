// redis-cli --rdb and --functions-rdb: a snapshot fetched over a connection is a file that real Redis
// loads.

import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { showReply } from '../support/reply_notation.ts';
import { RespClient } from '../support/resp_client.ts';
import { realRedisAvailable, startServer } from '../support/server.ts';
import { type Fixture, isInstalled, runProgram, withTargets } from './support.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'respite-rdb-'));
afterAll(() => rmSync(directory, { recursive: true }));

function fetch({ server }: Fixture, option: string, file: string) {
  return runProgram(server, 'redis-cli', ['-p', `${server.port}`, option, file]);
}

/** What real Redis makes of a file. */
async function loadedByRedis(file: string): Promise<{ digest: string; keys: string }> {
  copyFileSync(file, path.join(directory, 'dump.rdb'));
  const args = ['--dir', directory, '--enable-debug-command', 'yes'];
  const server = await startServer({ kind: 'redis', args });
  const client = await RespClient.connect({ port: server.port });
  const digest = showReply(await client.call('DEBUG', 'DIGEST'));
  const keys = showReply(await client.call('DBSIZE'));
  await client.close();
  await server.stop();
  return { digest, keys };
}

describe.skipIf(!isInstalled('redis-cli') || !realRedisAvailable())('redis-cli', () => {
  withTargets(
    'snapshots',
    (fixture) => {
      it('--rdb fetches all keys', async () => {
        const { admin, target } = fixture;
        await admin.call('DEBUG', 'POPULATE', '30000', 'key', '100');
        await admin.call('RPUSH', 'list', 'a', 'b');
        const file = path.join(directory, `${target.name}.rdb`);
        const result = await fetch(fixture, '--rdb', file);
        expect(result.code).toBe(0);
        expect(result.stderr).toContain('Transfer finished with success');
        expect(await loadedByRedis(file)).toEqual({
          digest: showReply(await admin.call('DEBUG', 'DIGEST')),
          keys: '30001',
        });
      });

      it('--functions-rdb fetches none of them', async () => {
        const { admin, target } = fixture;
        await admin.call('SET', 'some-key', 'v');
        const file = path.join(directory, `${target.name}-functions.rdb`);
        const result = await fetch(fixture, '--functions-rdb', file);
        expect(result.code).toBe(0);
        expect(result.stderr).toContain('Transfer finished with success');
        expect(readFileSync(file, 'latin1')).not.toContain('some-key');
        expect((await loadedByRedis(file)).keys).toBe('0');
      });

      it('a snapshot goes to its standard output, too', async () => {
        await fixture.admin.call('SET', 'some-key', 'v');
        const result = await fetch(fixture, '--rdb', '-');
        expect(result.code).toBe(0);
        expect(result.stdout).toContain('some-key');
      });
    },
    ['--repl-diskless-sync-delay', '0'],
  );
});
