// What observers see of commands: MONITOR's lines, the slow log's entries and the counts of INFO
// commandstats and errorstats. One scripted sequence per observer, the same on real redis-server.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { showReply } from '../support/reply_notation.ts';
import { RespClient } from '../support/resp_client.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { selectedTargets } from '../support/targets.ts';

for (const target of selectedTargets()) {
  describe.skipIf(!target.available)(`observers on ${target.name}`, () => {
    let server: TestServer;
    let client: RespClient;
    const clients: RespClient[] = [];

    const connect = async (): Promise<RespClient> => {
      const next = await RespClient.connect({ port: server.port });
      clients.push(next);
      return next;
    };
    const text = async (...args: string[]): Promise<string> => {
      const reply = await client.call(...args);
      return 'bytes' in reply ? Buffer.from(reply.bytes as Uint8Array).toString('latin1') : '';
    };

    beforeEach(async () => {
      server = await startServer({ kind: target.kind, args: [...target.args] });
      client = await connect();
    });
    afterEach(async () => {
      await Promise.all(clients.splice(0).map((each) => each.close()));
      await server.stop();
    });

    it('MONITOR shows commands as quoted words, with time, database and address', async () => {
      const monitor = await connect();
      expect(showReply(await monitor.call('MONITOR'))).toBe('+OK');
      const before = Date.now() / 1000;
      const port = / addr=127\.0\.0\.1:(\d+) /.exec(await text('CLIENT', 'INFO'))?.[1];
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      await client.call('Set', 'key', bytes);
      await client.call('SELECT', '3');
      await client.call('NOSUCH', 'x');
      await client.call('GET');
      await client.call('AUTH', 'user', 'secret');
      await client.call('HELLO', '2', 'AUTH', 'default', 'pw', 'SETNAME', 'me');
      await client.pipeline([
        ['MULTI'],
        ['INCR', 'n'],
        ['ECHO', ''],
        ['EXEC'],
        ['CONFIG', 'GET', 'x'],
      ]);
      await client.call('PING');
      const lines: string[] = [];
      while (!lines.at(-1)?.includes(' "PING"')) {
        lines.push((await monitor.read()).bytes.toString('latin1'));
      }
      const seen = lines.map((line) => {
        const [, time, db, from, words] =
          /^\+(\d{10}\.\d{6}) \[(\d+) 127\.0\.0\.1:(\d+)\] (.*)\r\n$/s.exec(line) ?? [];
        expect(Number(time)).toBeGreaterThan(before - 1);
        expect(Number(time)).toBeLessThan(Date.now() / 1000 + 1);
        expect(from).toBe(port);
        return `${db} ${words}`;
      });
      const named: Record<number, string> = { 7: '\\a', 8: '\\b', 9: '\\t', 10: '\\n', 13: '\\r' };
      const quoted = [...bytes].map((byte) => {
        const char = String.fromCharCode(byte);
        if (char === '"' || char === '\\') return `\\${char}`;
        if (byte >= 32 && byte < 127) return char;
        return named[byte] ?? `\\x${byte.toString(16).padStart(2, '0')}`;
      });
      expect(seen).toEqual([
        '0 "CLIENT" "INFO"',
        `0 "Set" "key" "${quoted.join('')}"`,
        '3 "SELECT" "3"',
        '3 "AUTH" "(redacted)" "(redacted)"',
        '3 "HELLO" "2" "AUTH" "(redacted)" "(redacted)" "SETNAME" "me"',
        '3 "MULTI"',
        '3 "INCR" "n"',
        '3 "ECHO" ""',
        '3 "EXEC"',
        '3 "PING"',
      ]);
    });

    it('MONITOR tells every monitor, until it leaves or resets', async () => {
      const monitors = [await connect(), await connect(), await connect()] as const;
      for (const monitor of monitors) await monitor.call('MONITOR');
      await client.call('ECHO', '1');
      for (const monitor of monitors) {
        expect((await monitor.read()).bytes.toString()).toMatch(/ "ECHO" "1"\r\n$/);
      }
      await monitors[0].close();
      expect(showReply(await monitors[1].call('RESET'))).toBe('+RESET');
      await client.call('ECHO', '2');
      const lines = [await monitors[2].read(), await monitors[2].read()];
      expect(lines.map(({ bytes }) => bytes.toString().split('] ')[1])).toEqual([
        '"RESET"\r\n',
        '"ECHO" "2"\r\n',
      ]);
      expect(showReply(await monitors[1].call('PING'))).toBe('+PONG');
    });

    it('the slow log keeps arguments in part, with time, duration and client', async () => {
      await client.call('CLIENT', 'SETNAME', 'slow');
      await client.call('CONFIG', 'SET', 'slowlog-log-slower-than', '0');
      await client.call('SLOWLOG', 'RESET');
      const many = Array.from({ length: 40 }, (_, i) => `k${i}`);
      await client.call('EXISTS', ...many);
      await client.call('SET', 'key', 'v'.repeat(200));
      await client.call('NOSUCH');
      await client.call('GET', 'key');
      await client.call('CONFIG', 'SET', 'slowlog-log-slower-than', '-1');
      const reply = await client.call('SLOWLOG', 'GET', '-1');
      const entries = 'items' in reply ? reply.items : [];
      const shown = entries.map((entry) => {
        const fields = 'items' in entry ? entry.items : [];
        expect(fields.length).toBe(6);
        const [, time, duration, , address, name] = fields.map(showReply);
        expect(Math.abs(Number(time) - Date.now() / 1000)).toBeLessThan(60);
        expect(Number(duration)).toBeGreaterThanOrEqual(0);
        expect(address).toMatch(/127\.0\.0\.1:\d+/);
        expect(name).toContain('slow');
        const args = fields[3];
        return args && 'items' in args
          ? args.items.map((arg) => ('bytes' in arg ? `${Buffer.from(arg.bytes)}` : '?'))
          : [];
      });
      const ids = entries.map((entry) => ('items' in entry ? showReply(entry.items[0]!) : ''));
      expect(ids.map(Number)).toEqual([...ids.map(Number)].sort((a, b) => b - a));
      expect(shown).toEqual([
        ['GET', 'key'],
        ['SET', 'key', `${'v'.repeat(128)}... (72 more bytes)`],
        ['EXISTS', ...many.slice(0, 30), '... (10 more arguments)'],
        ['SLOWLOG', 'RESET'],
      ]);
      expect(showReply(await client.call('SLOWLOG', 'LEN'))).toBe(`${shown.length}`);
    });

    it('commandstats and errorstats count calls, failures and refusals', async () => {
      await client.call('CONFIG', 'RESETSTAT');
      await client.pipeline([
        ['SET', 'a', 'x'],
        ['GET', 'a'],
        ['GET', 'a', 'b'],
        ['GET'],
        ['INCR', 'a'],
        ['INCR', 'n'],
        ['NOSUCH', 'a'],
        ['CONFIG', 'NOSUCH'],
        ['CONFIG'],
        ['CONFIG', 'GET', 'port'],
        ['CONFIG', 'SET', 'port'],
        ['OBJECT', 'ENCODING', 'a'],
        ['OBJECT', 'ENCODING'],
        ['OBJECT', 'NOSUCH'],
        ['MULTI'],
        ['GET', 'a'],
        ['INCR', 'a'],
        ['EXEC'],
        ['MULTI'],
        ['GET'],
        ['SET', 'b', '1'],
        ['EXEC'],
        ['EXEC'],
        ['CLIENT', 'KILL', '1.2.3.4:5'],
        ['AUTH', 'nobody', 'wrong'],
        ['PING', '1', '2'],
        ['SELECT', '99'],
      ]);
      const lines = (await text('INFO', 'commandstats')).split('\r\n').slice(1, -1);
      const counts = lines.map((line) => {
        const [, name, calls, rejected, failed] =
          /^cmdstat_(.*):calls=(\d+),usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=(\d+),failed_calls=(\d+)$/.exec(
            line,
          ) ?? [];
        return `${name} ${calls} ${rejected} ${failed}`;
      });
      expect(counts.sort()).toEqual([
        'auth 1 0 1',
        'client|kill 1 0 1',
        'config 0 1 0',
        'config|get 1 0 0',
        'config|resetstat 1 0 0',
        'config|set 0 1 0',
        'exec 3 0 2',
        'get 2 3 0',
        'incr 3 0 2',
        'multi 2 0 0',
        'object|encoding 1 1 0',
        'ping 1 0 1',
        'select 1 0 1',
        'set 1 0 0',
      ]);
      const errors = (await text('INFO', 'errorstats')).split('\r\n').slice(1, -1);
      expect(errors).toEqual([
        'errorstat_ERR:count=15',
        'errorstat_EXECABORT:count=1',
        'errorstat_WRONGPASS:count=1',
      ]);
      expect(await text('INFO', 'stats')).toMatch(/^total_error_replies:17\r$/m);
    });
  });
}
