// A FLUSHALL by mistake: restoring to the second before brings everything back. Method: a server that notes
// times in its log is filled, flushed and used on; the log is cut, and each server starts from what is
// left.

import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { NodeStorage } from '../../src/storage/node_storage.node.ts';
import { tool } from '../support/captured_terminal.ts';
import { realRedisAvailable, type ServerKind } from '../support/server.ts';
import { ask, type Served, scratchDirectory, serve } from './fixture.ts';

const storage = new NodeStorage();
const kinds: ServerKind[] = realRedisAvailable() ? ['respite', 'redis'] : ['respite'];
const MS_PER_SECOND = 1000;

async function fill({ client }: Served): Promise<void> {
  for (let i = 0; i < 100; i++) await ask(client, `SET key${i} value${i}`);
  await ask(client, 'MULTI');
  for (let i = 0; i < 10; i++) await ask(client, `RPUSH list item${i}`);
  await ask(client, 'EXEC');
  await ask(client, 'SELECT 3');
  await ask(client, 'HSET hash field value');
  await ask(client, 'SELECT 0');
}

/** The next full second has begun. */
async function nextSecond(): Promise<number> {
  await sleep(MS_PER_SECOND - (Date.now() % MS_PER_SECOND) + 20);
  return Math.floor(Date.now() / MS_PER_SECOND);
}

describe.each(kinds)('a log of %s', (kind) => {
  it('restored to the second before a FLUSHALL has everything back', async () => {
    const directory = scratchDirectory();
    const backups = scratchDirectory();
    const options = ['--save', '', '--appendonly', 'yes', '--aof-timestamp-enabled', 'yes'];
    const served = await serve(directory, options, kind);
    await fill(served);
    const digest = await ask(served.client, 'DEBUG DIGEST');
    const flushedAt = await nextSecond();
    await nextSecond();
    await ask(served.client, 'FLUSHALL');
    await ask(served.client, 'SET other life');
    await served.server.stop();

    // From the data directory itself, and from a backup that was taken too late.
    expect((await tool(storage, ['backup', directory, backups])).code).toBe(0);
    const time = new Date(flushedAt * MS_PER_SECOND).toISOString();
    for (const from of [directory, backups]) {
      const into = `${scratchDirectory()}/restored`;
      const words = ['--quiet', 'restore', '--from', from, '--to', time, '--into', into];
      const dry = await tool(storage, [...words, '--dry-run']);
      expect(dry.output).toMatch(/Left out\s+[23] commands/);
      expect(storage.status(into)).toBe(undefined);
      const { code, output } = await tool(storage, words);
      expect([code, output.includes('1 transactions')]).toEqual([0, true]);
      for (const starting of kinds) {
        const restored = await serve(into, ['--save', '', '--appendonly', 'yes'], starting);
        expect(await ask(restored.client, 'DBSIZE')).toBe('101');
        expect(await ask(restored.client, 'DEBUG DIGEST')).toBe(digest);
        expect(await ask(restored.client, 'EXISTS other')).toBe('0');
        await restored.server.stop();
      }
    }

    // To the latest, the mistake is there as well.
    const into = `${scratchDirectory()}/latest`;
    await tool(storage, ['restore', '--from', backups, '--into', into]);
    const latest = await serve(into, ['--save', '', '--appendonly', 'yes']);
    expect(await ask(latest.client, 'KEYS *')).toContain('other');
  });
});
