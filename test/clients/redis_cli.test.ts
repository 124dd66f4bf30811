// redis-cli as a program: commands on its command line and standard input, output formats, and its
// modes that examine or fill a whole server. redis_cli_interactive.test.ts has the rest.

import { describe, expect, it } from 'vitest';
import { encodeCommand } from '../support/arguments.ts';
import { startServer } from '../support/server.ts';
import { type Fixture, getText, isInstalled, runProgram, withTargets } from './support.ts';

const installed = isInstalled('redis-cli');

/** Runs redis-cli against the fixture's server. */
function cli({ server }: Fixture, args: readonly string[], input: string | Buffer = '') {
  return runProgram(server, 'redis-cli', ['-p', `${server.port}`, ...args], input);
}

/** Runs it and expects that it ends well and complains about nothing; its output. */
async function cliOutput(
  fixture: Fixture,
  args: readonly string[],
  input: string | Buffer = '',
): Promise<string> {
  const result = await cli(fixture, args, input);
  expect(result).toMatchObject({ code: 0, stderr: '' });
  return result.stdout;
}

async function fill({ admin }: Fixture, values: Record<string, string>): Promise<void> {
  await admin.call('MSET', ...Object.entries(values).flat());
}

describe.skipIf(!installed)('redis-cli', () => {
  withTargets('commands', (fixture) => {
    it('runs the command of its command line', async () => {
      expect(await cliOutput(fixture, ['SET', 'k', 'v'])).toBe('OK\n');
      expect(await cliOutput(fixture, ['GET', 'k'])).toBe('v\n');
      expect(await cliOutput(fixture, ['--no-raw', 'GET', 'none'])).toBe('(nil)\n');
      expect(await cliOutput(fixture, ['--no-raw', 'INCR', 'n'])).toBe('(integer) 1\n');
    });

    it('runs the commands of its standard input, one a line', async () => {
      const output = await cliOutput(fixture, [], 'SET a 1\nAPPEND a "2 3"\nGET a\nDBSIZE\n');
      expect(output).toBe('OK\n4\n12 3\n1\n');
    });

    it('prints errors, and ends with 1 only when it was told to', async () => {
      await cliOutput(fixture, ['SET', 'k', 'v']);
      const error = 'ERR value is not an integer or out of range';
      expect((await cli(fixture, ['INCR', 'k'])).stdout).toContain(error);
      expect(await cli(fixture, ['-e', 'INCR', 'k'])).toMatchObject({ code: 1 });
      expect(await cli(fixture, ['-e', 'GET', 'k'])).toMatchObject({ code: 0 });
    });

    it('formats arrays for readers, as CSV and as JSON', async () => {
      await fill(fixture, { a: 'x"y', b: '2' });
      const mget = ['MGET', 'a', 'none', 'b'];
      expect(await cliOutput(fixture, ['--no-raw', ...mget])).toBe(
        '1) "x\\"y"\n2) (nil)\n3) "2"\n',
      );
      expect(await cliOutput(fixture, ['--csv', ...mget])).toBe('"x\\"y",NULL,"2"\n');
      expect(await cliOutput(fixture, ['--json', ...mget])).toBe('["x\\"y",null,"2"]\n');
      expect(await cliOutput(fixture, ['--json', 'CONFIG', 'GET', 'maxclients'])).toBe(
        '{"maxclients":"10000"}\n',
      );
    });

    it('speaks RESP3, where a map is a map', async () => {
      const output = await cliOutput(fixture, ['-3', '--no-raw', 'CONFIG', 'GET', 'maxclients']);
      expect(output).toBe('1# "maxclients" => "10000"\n');
    });

    it('takes the last argument from standard input with all its bytes', async () => {
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
      expect(await cliOutput(fixture, ['-x', 'SET', 'k'], bytes)).toBe('OK\n');
      const reply = await fixture.admin.call('GET', 'k');
      expect(reply.kind === 'bulk' && reply.bytes.equals(bytes)).toBe(true);
    });

    it('repeats a command', async () => {
      expect(await cliOutput(fixture, ['-r', '5', '-i', '0.01', 'INCR', 'n'])).toBe(
        '1\n2\n3\n4\n5\n',
      );
    });

    it('selects a database by option and by URI', async () => {
      await cliOutput(fixture, ['-n', '3', 'SET', 'k', 'three']);
      expect(await cliOutput(fixture, ['GET', 'k'])).toBe('\n');
      const uri = `redis://127.0.0.1:${fixture.server.port}/3`;
      expect(await cliOutput(fixture, ['-u', uri, 'GET', 'k'])).toBe('three\n');
    });

    it('connects to a Unix socket', async () => {
      const { server } = fixture;
      const result = await runProgram(server, 'redis-cli', ['-s', server.unixSocket!, 'PING']);
      expect(result).toMatchObject({ code: 0, stdout: 'PONG\n' });
    });

    it('shows INFO and CLIENT LIST', async () => {
      const info = await cliOutput(fixture, ['INFO', 'server']);
      expect(info).toMatch(/^# Server\r?\n/);
      expect(info).toContain(`tcp_port:${fixture.server.port}`);
      expect(await cliOutput(fixture, ['CLIENT', 'LIST'])).toMatch(
        /^id=\d+ addr=.* cmd=client\|list /m,
      );
    });
  });

  withTargets('whole keyspace', (fixture) => {
    it('--scan lists every key once', async () => {
      const keys = Array.from({ length: 3000 }, (_, index) => `key:${index}`);
      await fill(fixture, Object.fromEntries(keys.map((key) => [key, 'v'])));
      const listed = (await cliOutput(fixture, ['--scan'])).trimEnd().split('\n');
      expect(listed.sort()).toEqual(keys.sort());
    });

    it('--scan with a pattern lists what matches', async () => {
      await fill(fixture, { 'a:1': '', 'a:2': '', 'b:1': '', 'x\n': '' });
      const listed = await cliOutput(fixture, ['--scan', '--pattern', 'a:*']);
      expect(listed.trimEnd().split('\n').sort()).toEqual(['a:1', 'a:2']);
      expect(await cliOutput(fixture, ['--scan', '--quoted-pattern', '"x\\n"'])).toBe('x\n\n');
    });

    it('--bigkeys names the longest string and counts all', async () => {
      await fill(fixture, { small: 'x', big: 'x'.repeat(5000), medium: 'x'.repeat(100) });
      const output = await cliOutput(fixture, ['--bigkeys']);
      expect(output).toContain('Sampled 3 keys in the keyspace!');
      expect(output).toContain('Total key length in bytes is 14 (avg len 4.67)');
      expect(output).toMatch(/^Biggest string found '"big"' has 5000 bytes$/m);
      expect(output).toMatch(
        /^3 strings with 5101 bytes \(100\.00% of keys, avg size 1700\.33\)$/m,
      );
      expect(output).toMatch(/^0 lists with 0 items/m);
    });

    it('--bigkeys follows the whole keyspace and a pattern', async () => {
      const keys = Array.from({ length: 2000 }, (_, index) => [
        `k:${index}`,
        'x'.repeat(index % 7),
      ]);
      await fill(fixture, { ...Object.fromEntries(keys), other: 'x'.repeat(50) });
      expect(await cliOutput(fixture, ['--bigkeys'])).toContain('Sampled 2001 keys');
      const some = await cliOutput(fixture, ['--bigkeys', '--pattern', 'k:*']);
      expect(some).toContain('Sampled 2000 keys');
      expect(some).not.toContain('other');
    });

    it('--memkeys names the key with most memory', async () => {
      await fill(fixture, { small: 'x', big: 'x'.repeat(50_000), medium: 'x'.repeat(100) });
      const output = await cliOutput(fixture, ['--memkeys']);
      expect(output).toContain('Sampled 3 keys in the keyspace!');
      const found = /^Biggest string found '"big"' has (\d+) bytes$/m.exec(output);
      expect(Number(found?.[1])).toBeGreaterThanOrEqual(50_000);
      expect(Number(found?.[1])).toBeLessThan(80_000);
    });

    it('--hotkeys says that it needs an LFU policy', async () => {
      await fill(fixture, { k: 'v' });
      const { code, stdout, stderr } = await cli(fixture, ['--hotkeys']);
      expect(code).toBe(1);
      expect(stdout + stderr).toContain('An LFU maxmemory policy is not selected');
    });

    it('--pipe transfers commands and counts replies', async () => {
      const commands = Array.from({ length: 20_000 }, (_, index) =>
        encodeCommand(['SET', `key:${index}`, `value\r\n${index}`]),
      );
      const output = await cliOutput(fixture, ['--pipe'], Buffer.concat(commands));
      expect(output).toContain('errors: 0, replies: 20000');
      expect(await cliOutput(fixture, ['DBSIZE'])).toBe('20000\n');
      expect(await getText(fixture.admin, 'key:19999')).toBe('value\r\n19999');
    });

    it('--pipe takes inline commands and counts errors', async () => {
      const { code, stdout, stderr } = await cli(
        fixture,
        ['--pipe'],
        'SET a 1\r\nSET b\r\nINCR a\r\n',
      );
      expect(code).toBe(1);
      expect(stdout).toContain('errors: 1, replies: 3');
      expect(stderr).toContain("ERR wrong number of arguments for 'set' command");
      expect(await getText(fixture.admin, 'a')).toBe('2');
    });

    it('--latency gives one line when it writes to no terminal', async () => {
      const plain = await cliOutput(fixture, ['--latency', '-i', '0.2']);
      expect(plain).toMatch(/^\d+ \d+ \d+\.\d\d \d+\n$/);
      const csv = await cliOutput(fixture, ['--latency', '--csv', '-i', '0.2']);
      expect(csv).toMatch(/^\d+,\d+,\d+\.\d\d,\d+\n$/);
    });
  });

  withTargets(
    'LFU policy',
    (fixture) => {
      it('--hotkeys puts the key that was read most first', async () => {
        await fill(fixture, { cold: 'x', hot: 'x', cool: 'x' });
        for (let read = 0; read < 2000; read++) await fixture.admin.call('GET', 'hot');
        const output = await cliOutput(fixture, ['--hotkeys']);
        expect(output).toContain('Sampled 3 keys in the keyspace!');
        const found = [
          ...output.matchAll(/^hot key found with counter: (\d+)\s+keyname: "(\w+)"$/gm),
        ];
        expect(found.map((match) => match[2]).sort()).toEqual(['cold', 'cool', 'hot']);
        expect(found[0]?.[2]).toBe('hot');
        expect(Number(found[0]?.[1])).toBeGreaterThan(Number(found[1]?.[1]));
      });
    },
    ['--maxmemory-policy', 'allkeys-lfu'],
  );

  withTargets('password', ({ target }) => {
    it('is asked for, taken as option, as URI and from the environment', async () => {
      const args = [...target.args, '--requirepass', 'secret'];
      const server = await startServer({ kind: target.kind, args });
      const asked = (...words: string[]) =>
        runProgram(server, 'redis-cli', ['-p', `${server.port}`, ...words]);
      expect((await asked('GET', 'k')).stdout).toContain('NOAUTH Authentication required.');
      const good = { code: 0, stdout: 'PONG\n' };
      expect(await asked('-a', 'secret', '--no-auth-warning', 'PING')).toMatchObject(good);
      expect(await asked('--user', 'default', '--pass', 'secret', 'PING')).toMatchObject(good);
      const uri = `redis://default:secret@127.0.0.1:${server.port}`;
      expect(await asked('-u', uri, 'PING')).toMatchObject(good);
      expect(await asked('-3', '-a', 'secret', 'PING')).toMatchObject(good);
      const wrong = await asked('-a', 'wrong', 'PING');
      expect(wrong.stdout + wrong.stderr).toContain(
        'WRONGPASS invalid username-password pair or user is disabled.',
      );
      await server.stop();
    });
  });
});
