// redis-benchmark: its own tests and literal commands, with every option that changes what a server
// sees. What it measured is nobody's business here, only that it got through and left the right data.

import { describe, expect, it } from 'vitest';
import { type Fixture, getText, isInstalled, runProgram, withTargets } from './support.ts';

const installed = isInstalled('redis-benchmark');

/** Runs it quietly; the names of the results it printed. */
async function benchmark({ server }: Fixture, ...args: string[]): Promise<string[]> {
  const result = await runProgram(server, 'redis-benchmark', [
    '-p',
    `${server.port}`,
    '--csv',
    ...args,
  ]);
  // It always warns of -k 0; it must not warn of a server that lacks CONFIG.
  const complaints = result.stderr.replace(/^WARNING: Keepalive disabled.*\n/m, '');
  expect({ ...result, complaints }).toMatchObject({ code: 0, complaints: '' });
  const [head, ...rows] = result.stdout.trimEnd().split('\n');
  expect(head).toMatch(/^"test","rps"/);
  return rows.map((row) => /^"(.*?)",/.exec(row)![1]!);
}

async function count({ admin }: Fixture, ...command: string[]): Promise<number> {
  const reply = await admin.call(...command);
  return reply.kind === 'integer' ? Number(reply.value) : Number.NaN;
}

describe.skipIf(!installed)('redis-benchmark', () => {
  withTargets('all options', (fixture) => {
    it('runs its tests of strings', async () => {
      const names = await benchmark(fixture, '-t', 'ping,set,get,incr,mset', '-n', '2000');
      expect(names).toEqual(['PING_INLINE', 'PING_MBULK', 'SET', 'GET', 'INCR', 'MSET (10 keys)']);
    });

    it.each([1, 16, 512])('sends every request once with %i in a pipeline', async (pipeline) => {
      const requests = 5120;
      await benchmark(fixture, '-t', 'incr', '-n', `${requests}`, '-P', `${pipeline}`);
      expect(await getText(fixture.admin, 'counter:__rand_int__')).toBe(`${requests}`);
    });

    it('writes random keys and large values', async () => {
      await benchmark(fixture, '-t', 'set', '-n', '5000', '-r', '100', '-d', '20000', '-P', '8');
      expect(await count(fixture, 'DBSIZE')).toBe(100);
      expect(await count(fixture, 'STRLEN', 'key:000000000042')).toBe(20_000);
    });

    it('opens a connection for each request', async () => {
      await benchmark(fixture, '-t', 'incr', '-n', '500', '-c', '10', '-k', '0');
      // It may send more requests than it waits for: one for each connection.
      const counted = Number(await getText(fixture.admin, 'counter:__rand_int__'));
      expect(counted).toBeGreaterThanOrEqual(500);
      expect(counted).toBeLessThanOrEqual(510);
    });

    it('uses several threads and hundreds of connections', async () => {
      await benchmark(fixture, '-t', 'incr', '-n', '8000', '-c', '400', '--threads', '2');
      const counted = Number(await getText(fixture.admin, 'counter:__rand_int__'));
      expect(counted).toBeGreaterThanOrEqual(8000);
    });

    it('speaks RESP3, selects a database and connects to a Unix socket', async () => {
      const socket = fixture.server.unixSocket!;
      await benchmark(fixture, '-3', '--dbnum', '2', '-s', socket, '-t', 'set', '-n', '1000');
      expect(await count(fixture, 'DBSIZE')).toBe(0);
      await fixture.admin.call('SELECT', '2');
      expect(await count(fixture, 'DBSIZE')).toBe(1);
      await fixture.admin.call('SELECT', '0');
    });

    it('runs a literal command', async () => {
      const command = ['SETRANGE', 'key:__rand_int__', '10', 'abc'];
      await benchmark(fixture, '-n', '2000', '-r', '50', '-P', '4', ...command);
      expect(await count(fixture, 'DBSIZE')).toBe(50);
      expect(await getText(fixture.admin, 'key:000000000007')).toBe(`${'\0'.repeat(10)}abc`);
    });

    it('ends with 1 when the server answers an error', async () => {
      const { server } = fixture;
      const args = ['-p', `${server.port}`, '-n', '10', 'NOSUCH', 'x'];
      const { code, stderr } = await runProgram(server, 'redis-benchmark', args);
      expect(code).toBe(1);
      expect(stderr).toContain("ERR unknown command 'NOSUCH', with args beginning with: 'x'");
    });
  });
});
