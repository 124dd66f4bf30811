// redis-cli in a terminal: prompt, hints, completion, help, and the modes that go on until they are
// stopped.

import { afterEach, describe, expect, it } from 'vitest';
import { isOlder } from '../support/targets.ts';
import { type Fixture, isInstalled, withTargets } from './support.ts';
import { Terminal } from './terminal.ts';

const installed = process.platform === 'linux' && isInstalled('redis-cli') && isInstalled('script');

describe.skipIf(!installed)('redis-cli in a terminal', () => {
  withTargets('interactive', (fixture) => {
    let current: Terminal | undefined;
    afterEach(async () => {
      await current?.stop();
      current = undefined;
    });

    /** redis-cli at its first prompt. */
    async function open(...args: string[]) {
      const opened = run(fixture, ...args);
      current = opened;
      const prompt = RegExp(`127\\.0\\.0\\.1:${fixture.server.port}(\\[\\d+\\])?> `);
      await opened.waitFor(prompt);
      const enter = async (line: string, expected: RegExp | string) => {
        opened.type(`${line}\r`);
        const match = await opened.waitFor(expected);
        const [shown] = await opened.waitFor(prompt);
        return { match, prompt: shown };
      };
      return { terminal: opened, enter };
    }

    it('shows replies in its readable form', async () => {
      const { enter } = await open();
      await enter('SET k "a b"', 'OK\r\n');
      await enter('GET k', '"a b"\r\n');
      await enter('GET none', '(nil)\r\n');
      await enter('INCR n', '(integer) 1\r\n');
      await enter('MGET k none', '1) "a b"\r\n2) (nil)\r\n');
      await enter('INCR k', '(error) ERR value is not an integer or out of range\r\n');
      await enter('PING', 'PONG\r\n');
    });

    it('hints at the arguments while a command is typed', async () => {
      const { terminal, enter } = await open();
      terminal.type('SET ');
      await terminal.waitFor(
        /SET key value \[NX\|XX(\|IFEQ [^\]]*)?\] \[GET\] \[EX seconds\|PX milliseconds\|EXAT /,
      );
      terminal.type('k ');
      await terminal.waitFor(/SET k value \[NX\|XX(\|IFEQ [^\]]*)?\]/);
      terminal.type('v ');
      await terminal.waitFor(/SET k v \[NX\|XX(\|IFEQ [^\]]*)?\]/);
      await enter('EX 100', 'OK\r\n');
      terminal.type('config get ');
      await terminal.waitFor('config get parameter [parameter ...]');
    });

    it('hints at commands that only the server knows', async ({ skip }) => {
      if (isOlder(fixture.target.commands, '8.4')) skip('the server has no command of its own');
      const { terminal } = await open();
      terminal.type('DELEX ');
      await terminal.waitFor(/DELEX (arg|key)/);
    });

    it('completes a command with the tab key', async () => {
      const { terminal, enter } = await open();
      terminal.type('getra\t');
      await terminal.waitFor('GETRANGE key start end');
      await enter(' none 0 1', '""\r\n');
    });

    it('explains a command', async () => {
      const { enter } = await open();
      const { match } = await enter('HELP GETEX', /GETEX key [\s\S]*?group: string/);
      expect(match[0]).toContain('since: 6.2.0');
      await enter('help @bitmap', 'BITCOUNT key');
    });

    it('has the database in its prompt', async () => {
      const { enter } = await open();
      const { port } = fixture.server;
      const promptAfter = async (line: string, reply: string) => (await enter(line, reply)).prompt;
      expect(await promptAfter('SELECT 1', 'OK\r\n')).toBe(`127.0.0.1:${port}[1]> `);
      await enter('SET k v', 'OK\r\n');
      const error = '(error) ERR DB index is out of range\r\n';
      expect(await promptAfter('SELECT 99', error)).toBe(`127.0.0.1:${port}[1]> `);
      expect(await promptAfter('SELECT 0', 'OK\r\n')).toBe(`127.0.0.1:${port}> `);
      await enter('EXISTS k', '(integer) 0\r\n');
    });

    it('connects again when the server has closed its connection', async () => {
      const { terminal, enter } = await open();
      const clientId = async () => (await enter('CLIENT ID', /\(integer\) (\d+)\r\n/)).match[1]!;
      const id = await clientId();
      await fixture.admin.call('CLIENT', 'KILL', 'ID', id);
      terminal.type('PING\r');
      // Some releases say that they lost the connection, others try again at once.
      await terminal.waitFor(/(not connected|PONG\r\n.*)> /);
      await enter('PING', 'PONG\r\n');
      expect(Number(await clientId())).toBeGreaterThan(Number(id));
    });

    it('speaks RESP3', async () => {
      const { enter } = await open('-3');
      await enter('CONFIG GET maxclients', '1# "maxclients" => "10000"\r\n');
      await enter('HELLO', /1# "server" => "redis"\r\n[\s\S]*"proto" => \(integer\) 3\r\n/);
    });

    it('ends with exit and with QUIT', async () => {
      for (const word of ['exit', 'QUIT']) {
        const { terminal } = await open();
        terminal.type(`${word}\r`);
        expect(await terminal.ended).toBe(0);
      }
    });

    it('shows what other clients do', async () => {
      const terminal = run(fixture, 'MONITOR');
      current = terminal;
      await terminal.waitFor('OK\r\n');
      await fixture.admin.call('SET', 'k', 'a b\n');
      await terminal.waitFor(/\d+\.\d{6} \[0 unix:\S+\] "SET" "k" "a b\\n"\r\n/);
    });

    it('--stat shows keys, clients and requests, again and again', async () => {
      await fixture.admin.call('MSET', 'a', '1', 'b', '2', 'c', '3');
      const terminal = run(fixture, '--stat', '-i', '0.05');
      current = terminal;
      await terminal.waitFor('keys       mem      clients blocked requests            connections');
      const line = (keys: number) =>
        RegExp(`^${keys} +\\d+\\.\\d\\d[BKMG] +(\\d+) +0 +(\\d+) \\(\\+\\d+\\) +\\d+ +\\r$`, 'm');
      const [, clients, requests] = await terminal.waitFor(line(3));
      expect(Number(clients)).toBeGreaterThanOrEqual(2);
      await fixture.admin.call('SET', 'd', '4');
      const later = await terminal.waitFor(line(4));
      expect(Number(later[2])).toBeGreaterThan(Number(requests));
    });

    it('--latency shows a line that changes in place', async () => {
      const terminal = run(fixture, '--latency');
      current = terminal;
      const shown = /min: (\d+), max: (\d+), avg: (\d+\.\d\d) \((\d+) samples\)/;
      const samples = Number((await terminal.waitFor(shown))[4]);
      expect(Number((await terminal.waitFor(shown))[4])).toBeGreaterThan(samples);
    });

    it('--latency-history begins again after each interval', async () => {
      const terminal = run(fixture, '--latency-history', '-i', '0.2');
      current = terminal;
      for (let ranges = 0; ranges < 2; ranges++)
        await terminal.waitFor(/samples\) -- \d\.\d\d seconds range/);
    });
  });
});

function run({ server }: Fixture, ...args: string[]): Terminal {
  return new Terminal(server, ['redis-cli', '-p', `${server.port}`, ...args]);
}
