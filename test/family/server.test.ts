// INFO, SLOWLOG, LATENCY, MEMORY, MONITOR, TIME, ROLE, LOLWUT, DEBUG, SHUTDOWN.

import { describe, expect, it } from 'vitest';
import { family } from '../support/family.ts';
import { showReply } from '../support/reply_notation.ts';
import { RespClient } from '../support/resp_client.ts';
import { startServer } from '../support/server.ts';
import { selectedTargets } from '../support/targets.ts';

/** The fields of INFO as a map, section titles left out. */
async function info(client: RespClient, ...sections: string[]): Promise<Map<string, string>> {
  const text = await infoText(client, ...sections);
  return new Map(
    text
      .split('\r\n')
      .filter((line) => line.includes(':'))
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  );
}

async function infoText(client: RespClient, ...sections: string[]): Promise<string> {
  const reply = await client.call('INFO', ...sections);
  if (!('bytes' in reply)) throw new Error(reply.kind);
  return reply.bytes.toString();
}

function titles(text: string): string[] {
  return [...text.matchAll(/^# (.*)\r$/gm)].map((match) => match[1] ?? '');
}

family('the server', [
  // --- INFO ---
  [
    'INFO has its sections in order, alone or together',
    async ({ client, run }) => {
      expect(titles(await infoText(client))).toEqual([
        'Server',
        'Clients',
        'Memory',
        'Persistence',
        'Stats',
        'Replication',
        'CPU',
        'Modules',
        'Errorstats',
        'Cluster',
        'Keyspace',
      ]);
      expect(titles(await infoText(client, 'default'))).toEqual(titles(await infoText(client)));
      expect(titles(await infoText(client, 'everything'))).toEqual(
        expect.arrayContaining(['Server', 'Commandstats', 'Latencystats', 'Keyspace']),
      );
      expect(titles(await infoText(client, 'CLIENTS', 'server'))).toEqual(['Server', 'Clients']);
      expect(titles(await infoText(client, 'clients', 'clients'))).toEqual(['Clients']);
      await run('INFO nosuch => txt""\nINFO => <verbatim>');
    },
  ],
  [
    'INFO server tells who it is',
    async ({ client, server }) => {
      const fields = await info(client, 'server');
      expect(fields.get('redis_version')).toMatch(/^\d+\.\d+\.\d+$/);
      expect(fields.get('redis_mode')).toBe('standalone');
      expect(fields.get('tcp_port')).toBe(String(server.port));
      expect(fields.get('process_id')).toBe(String(server.pid));
      expect(fields.get('run_id')).toMatch(/^[0-9a-f]{40}$/);
      expect(fields.get('arch_bits')).toMatch(/^\d+$/);
      expect(Number(fields.get('uptime_in_seconds'))).toBeGreaterThanOrEqual(0);
    },
  ],
  [
    'INFO stats, commandstats and errorstats count what happened',
    async ({ client, run }) => {
      await run(`
        CONFIG RESETSTAT
        SET k v
        GET k => "v"
        GET none => nil
        GET => <error>
        INCR k => <error>
        nosuch => <error>
      `);
      const stats = await info(client, 'stats');
      expect(stats.get('keyspace_hits')).toBe('1');
      expect(stats.get('keyspace_misses')).toBe('1');
      expect(stats.get('total_error_replies')).toBe('3');
      const commands = await info(client, 'commandstats');
      expect(commands.get('cmdstat_get')).toMatch(
        /^calls=2,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=1,failed_calls=0$/,
      );
      expect(commands.get('cmdstat_incr')).toMatch(
        /^calls=1,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=0,failed_calls=1$/,
      );
      expect(commands.get('cmdstat_config|resetstat')).toMatch(/^calls=1,/);
      const errors = await info(client, 'errorstats');
      expect(Object.fromEntries(errors)).toEqual({ errorstat_ERR: 'count=3' });
      const latency = await info(client, 'latencystats');
      expect(latency.get('latency_percentiles_usec_get')).toMatch(
        /^p50=\d+\.\d{3},p99=\d+\.\d{3},p99\.9=\d+\.\d{3}$/,
      );
    },
  ],
  [
    'INFO clients and keyspace tell the truth',
    async ({ client, connect, run }) => {
      const before = Number((await info(client, 'clients')).get('connected_clients'));
      await connect('b');
      await run('@b PING => +PONG');
      const after = Number((await info(client, 'clients')).get('connected_clients'));
      expect(after).toBe(before + 1);
      expect((await info(client, 'keyspace')).size).toBe(0);
      await run('SET a 1\nSELECT 7\nSET b 1 EX 100\nSET c 1');
      const keyspace = await info(client, 'keyspace');
      expect(keyspace.get('db0')).toMatch(/^keys=1,expires=0,avg_ttl=0/);
      expect(keyspace.get('db7')).toMatch(/^keys=2,expires=1,avg_ttl=\d+/);
    },
  ],
  [
    'used_memory follows what is stored',
    async ({ client, run }) => {
      const used = async () => Number((await info(client, 'memory')).get('used_memory'));
      const before = await used();
      await client.call('SETRANGE', 'big', '9999999', 'x');
      const during = await used();
      expect(during - before).toBeGreaterThan(9_000_000);
      await run('DEL big => 1');
      expect(during - (await used())).toBeGreaterThan(9_000_000);
    },
  ],

  // --- SLOWLOG ---
  [
    'SLOWLOG records commands slower than its threshold, newest first',
    async ({ run }) => {
      await run(`
        SLOWLOG RESET => +OK
        SLOWLOG LEN => 0
        CLIENT SETNAME slow
        CONFIG SET slowlog-log-slower-than 0
        SET k v
        GET k => "v"
        CONFIG SET slowlog-log-slower-than -1
      `);
      const entry = (args: string) =>
        `[<integer>, <integer>, <integer>, ${args}, /^127\\.0\\.0\\.1:\\d+$/, "slow"]`;
      await run(`
        SLOWLOG LEN => 3
        SLOWLOG GET 2 => [${entry('["GET", "k"]')}, ${entry('["SET", "k", "v"]')}]
        SLOWLOG GET 0 => []
        SLOWLOG RESET => +OK
        SLOWLOG GET => []
        SLOWLOG GET -1 => []
      `);
    },
    { config: { 'slowlog-log-slower-than': '-1' } },
  ],
  [
    'SLOWLOG cuts long commands and keeps no more than its length',
    async ({ client, run }) => {
      await run('SLOWLOG RESET\nCONFIG SET slowlog-log-slower-than 0');
      await client.call('MGET', ...Array.from({ length: 40 }, (_, i) => `k${i}`));
      await client.call('ECHO', 'x'.repeat(200));
      for (let i = 0; i < 10; i++) await client.call('PING');
      await run('CONFIG SET slowlog-log-slower-than -1');
      await run('SLOWLOG LEN => 5');
      await run('CONFIG SET slowlog-max-len 128 slowlog-log-slower-than 0');
      await client.call('MGET', ...Array.from({ length: 40 }, (_, i) => `k${i}`));
      await client.call('ECHO', 'x'.repeat(200));
      await run('CONFIG SET slowlog-log-slower-than -1');
      const log = await client.call('SLOWLOG', 'GET', '2');
      if (log.kind !== 'array') throw new Error(log.kind);
      const args = log.items.map((entry) => (entry.kind === 'array' ? entry.items[3] : undefined));
      const [echo, mget] = args;
      if (echo?.kind !== 'array' || mget?.kind !== 'array') throw new Error('no arguments');
      expect(showReply(echo)).toBe(`["ECHO", "${'x'.repeat(128)}... (72 more bytes)"]`);
      expect(mget.items.length).toBe(32);
      expect(mget.items[31]).toEqual({
        kind: 'bulk',
        bytes: Buffer.from('... (10 more arguments)'),
      });
      await run('SLOWLOG RESET');
    },
    { config: { 'slowlog-log-slower-than': '-1', 'slowlog-max-len': '5' } },
  ],
  [
    'SLOWLOG refuses what it does not know',
    `
      SLOWLOG GET -2 => -ERR count should be greater than or equal to -1
      SLOWLOG GET x => -ERR count should be greater than or equal to -1
      SLOWLOG NOSUCH => -ERR unknown subcommand 'NOSUCH'. Try SLOWLOG HELP.
      SLOWLOG => -ERR wrong number of arguments for 'slowlog' command
      SLOWLOG HELP
      => [+"SLOWLOG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", ...]
    `,
  ],

  // --- LATENCY ---
  [
    'LATENCY samples events above its threshold',
    `
      LATENCY RESET => <integer>
      LATENCY LATEST => []
      DEBUG SLEEP 0.3
      LATENCY LATEST => [["command", <integer>, <250..30000>, <250..30000>]]
      LATENCY HISTORY command => [[<integer>, <250..30000>]]
      LATENCY GRAPH command => /^command - high \\d+ ms, low \\d+ ms/
      LATENCY HISTORY nosuch => []
      LATENCY RESET command nosuch => 1
      LATENCY LATEST => []
    `,
    // High enough that a pause of a busy machine is no event of its own.
    { config: { 'latency-monitor-threshold': '250' } },
  ],
  [
    'LATENCY HISTOGRAM counts calls in growing buckets',
    `
      CONFIG RESETSTAT
      SET k v
      SET k v
      LATENCY HISTOGRAM set
      => {"set": {"calls": 2, "histogram_usec": <map>}}
      LATENCY HISTOGRAM nosuch get => {}
    `,
  ],
  [
    'LATENCY refuses what it does not know',
    `
      LATENCY RESET => <integer>
      LATENCY GRAPH nosuch => -ERR No samples available for event 'nosuch'
      LATENCY NOSUCH => -ERR unknown subcommand 'NOSUCH'. Try LATENCY HELP.
      LATENCY HISTORY => -ERR wrong number of arguments for 'latency|history' command
      LATENCY DOCTOR => /Latency monitoring is disabled/
      LATENCY HELP
      => [+"LATENCY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", ...]
    `,
  ],

  // --- MEMORY ---
  [
    'MEMORY STATS names its figures',
    async ({ client, run }) => {
      await run('SET k v');
      const reply = await client.call('MEMORY', 'STATS');
      const flat =
        reply.kind === 'map' ? reply.entries.flat() : reply.kind === 'array' ? reply.items : [];
      const names = flat
        .filter((_, i) => i % 2 === 0)
        .map((name) => ('bytes' in name ? name.bytes.toString() : ''));
      expect(names).toEqual(
        expect.arrayContaining([
          'peak.allocated',
          'total.allocated',
          'startup.allocated',
          'clients.normal',
          'db.0',
          'overhead.total',
          'keys.count',
          'keys.bytes-per-key',
          'dataset.bytes',
          'dataset.percentage',
          'peak.percentage',
          'fragmentation',
        ]),
      );
      const count = flat[names.indexOf('keys.count') * 2 + 1];
      expect(count).toEqual({ kind: 'integer', value: 1n });
    },
  ],
  [
    'MEMORY DOCTOR, PURGE, MALLOC-STATS and HELP answer',
    `
      MEMORY DOCTOR => <verbatim>
      MEMORY PURGE => +OK
      MEMORY MALLOC-STATS => <any>
      MEMORY NOSUCH => -ERR unknown subcommand 'NOSUCH'. Try MEMORY HELP.
      MEMORY => -ERR wrong number of arguments for 'memory' command
      MEMORY STATS x => -ERR wrong number of arguments for 'memory|stats' command
      MEMORY HELP
      => [+"MEMORY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", ...]
    `,
  ],

  // --- MONITOR ---
  [
    'MONITOR shows commands as they run, quoted, with database and address',
    async ({ connect, run }) => {
      await run('@viewer MONITOR => +OK');
      const watcher = await connect('viewer');
      await run(String.raw`
        SELECT 3
        SET k "a\x00\"\n\xff"
        get k => <bulk>
      `);
      const lines: string[] = [];
      for (let i = 0; i < 3; i++) {
        const { reply } = await watcher.read();
        lines.push(reply.kind === 'simple' ? reply.text : reply.kind);
      }
      expect(lines[0]).toMatch(/^\d+\.\d{6} \[3 127\.0\.0\.1:\d+\] "SELECT" "3"$/);
      expect(lines[1]).toMatch(/^\d+\.\d{6} \[3 127\.0\.0\.1:\d+\] "SET" "k" "a\\x00\\"\\n\\xff"$/);
      expect(lines[2]).toMatch(/ "get" "k"$/);
    },
  ],
  [
    'MONITOR does not show passwords or administrative commands',
    async ({ connect, run }) => {
      await run('@viewer MONITOR => +OK');
      const watcher = await connect('viewer');
      await run(`
        AUTH secret => <error>
        CONFIG GET maxmemory => <any>
        PING => +PONG
      `);
      const { reply } = await watcher.read();
      expect(reply.kind === 'simple' && reply.text).toMatch(/ "AUTH" "\(redacted\)"$/);
      const next = await watcher.read();
      expect(next.reply.kind === 'simple' && next.reply.text).toMatch(/ "PING"$/);
    },
  ],

  // --- The rest ---
  [
    'TIME, LASTSAVE and ROLE answer',
    `
      TIME => [/^\\d{10,}$/, /^\\d{1,6}$/]
      TIME x => -ERR wrong number of arguments for 'time' command
      LASTSAVE => <1000000000..99999999999>
      ROLE => ["master", <integer>, []]
    `,
  ],
  [
    'LOLWUT ends with the version',
    `
      LOLWUT => /ver\\. \\d+\\.\\d+\\.\\d+/
      LOLWUT VERSION 5 => /ver\\. \\d+\\.\\d+\\.\\d+/
      LOLWUT VERSION 6 1 1 1 => <verbatim>
      LOLWUT VERSION x => -ERR value is not an integer or out of range
    `,
  ],
  [
    'DEBUG works where it is enabled',
    `
      DEBUG SLEEP 0 => +OK
      DEBUG JMAP => -ERR unknown subcommand or wrong number of arguments for 'JMAP'. Try DEBUG HELP.
      DEBUG => -ERR wrong number of arguments for 'debug' command
      DEBUG POPULATE 3 k 5 => +OK
      DBSIZE => 3
      MGET k:0 k:1 k:2 => ["value", "value", "value"]
      STRLEN k:0 => 5
      DEBUG POPULATE 2 => +OK
      GET key:1 => "value:1"
      SET k v
      DEBUG OBJECT k
      => /^Value at:[^ ]+ refcount:1 encoding:embstr serializedlength:2 lru:\\d+
      => lru_seconds_idle:\\d+/
      DEBUG OBJECT none => -ERR no such key
      DEBUG CHANGE-REPL-ID => +OK
    `,
  ],
  [
    'DEBUG DIGEST is the same for the same data and differs for other data',
    async ({ client, run }) => {
      const digest = async () => showReply(await client.call('DEBUG', 'DIGEST'));
      expect(await digest()).toBe(`+${'0'.repeat(40)}`);
      await run('SET a 1\nSET b 2');
      const one = await digest();
      await run('FLUSHALL\nSET b 2\nSET a 1');
      expect(await digest()).toBe(one);
      await run('SET a 3');
      expect(await digest()).not.toBe(one);
    },
  ],
  [
    'DEBUG PROTOCOL shows each kind of reply',
    `
      DEBUG PROTOCOL string => "Hello World"
      DEBUG PROTOCOL integer => 12345
      DEBUG PROTOCOL double => double(3.141)
      DEBUG PROTOCOL null => nil
      DEBUG PROTOCOL bignum => <any>
      DEBUG PROTOCOL array => [0, 1, 2]
      DEBUG PROTOCOL set => ~[0, 1, 2]
      DEBUG PROTOCOL map => {0: false, 1: true, 2: false}
      DEBUG PROTOCOL true => true
      DEBUG PROTOCOL false => false
      DEBUG PROTOCOL verbatim => txt"This is a verbatim\\nstring"
      DEBUG PROTOCOL nosuch
      => -ERR Wrong protocol type name. Please use one of the following:
      => string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false
    `,
  ],
  [
    'SHUTDOWN refuses options that do not go together',
    `
      SHUTDOWN NOSUCH => -ERR syntax error
      SHUTDOWN NOSAVE SAVE => -ERR syntax error
      SHUTDOWN SAVE ABORT => -ERR syntax error
      SHUTDOWN ABORT => -ERR No shutdown in progress.
      PING => +PONG
    `,
  ],
]);

describe.each(selectedTargets())('ending $name', (target) => {
  const start = (args: string[] = []) =>
    startServer({ kind: target.kind, args: [...target.args, ...args] });

  it.skipIf(!target.available)('SHUTDOWN ends the process with 0 and no reply', async () => {
    for (const command of ['SHUTDOWN', 'SHUTDOWN NOSAVE', 'shutdown nosave now force']) {
      const server = await start();
      const client = await RespClient.connect({ port: server.port });
      client.send(`${command}\r\n`);
      expect(await server.exited).toBe(0);
      await client.ended;
      expect(client.takeUnread()).toEqual([]);
      await server.stop();
    }
  });

  it.skipIf(!target.available)('SIGTERM and SIGINT end it with 0 and a last log line', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const server = await start();
      server.kill(signal);
      expect(await server.exited).toBe(0);
      expect(server.stdout()).toContain('ready to exit, bye bye');
      await server.stop();
    }
  });

  it.skipIf(!target.available)('DEBUG is refused where it is not enabled', async () => {
    const server = await start(['--enable-debug-command', 'no']);
    const client = await RespClient.connect({ port: server.port });
    expect(showReply(await client.call('DEBUG', 'SLEEP', '0'))).toMatch(
      /^-ERR DEBUG command not allowed\. If the enable-debug-command option is set to "local"/,
    );
    await client.close();
    await server.stop();
  });
});
