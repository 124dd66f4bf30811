// CONFIG GET, SET, RESETSTAT and REWRITE.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { family } from '../support/family.ts';
import { showReply } from '../support/reply_notation.ts';
import { RespClient } from '../support/resp_client.ts';
import { startServer } from '../support/server.ts';
import { selectedTargets } from '../support/targets.ts';

function failed(name: string, reason: string): string {
  return `-ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`;
}

family('CONFIG', [
  // --- GET ---
  [
    'CONFIG GET returns the parameters that match any pattern, each once',
    `
      CONFIG GET maxmemory => {"maxmemory": "0"}
      CONFIG GET nosuch => {}
      CONFIG GET hz timeout nosuch => any-order{"hz": "10", "timeout": "0"}
      CONFIG GET maxmemory maxmemory maxm*y
      => any-order{"maxmemory": "0", "maxmemory-policy": "noeviction",
      => "maxmemory-eviction-tenacity": "10"}
      CONFIG GET maxmemory-sample? => {"maxmemory-samples": "5"}
      CONFIG GET maxmemory-[ps]*
      => any-order{"maxmemory-policy": "noeviction", "maxmemory-samples": "5"}
      CONFIG GET => -ERR wrong number of arguments for 'config|get' command
    `,
  ],
  [
    'CONFIG GET takes names in any case and shows a plain one as it was asked for',
    `
      CONFIG GET MaxMemory => {"MaxMemory": "0"}
      CONFIG GET MAXMEMORY-POL* => {"maxmemory-policy": "noeviction"}
    `,
  ],
  [
    'CONFIG GET * has all parameters with a name and a value',
    async ({ client, resp }) => {
      const reply = await client.call('CONFIG', 'GET', '*');
      const names =
        reply.kind === 'map'
          ? reply.entries.map(([name]) => name)
          : reply.kind === 'array'
            ? reply.items.filter((_, i) => i % 2 === 0)
            : [];
      expect(reply.kind).toBe(resp === 3 ? 'map' : 'array');
      const found = new Set(names.map((name) => ('bytes' in name ? name.bytes.toString() : '')));
      for (const name of [
        'appendonly',
        'bind',
        'client-output-buffer-limit',
        'databases',
        'dir',
        'hz',
        'lfu-decay-time',
        'lfu-log-factor',
        'logfile',
        'loglevel',
        'maxclients',
        'maxmemory',
        'maxmemory-policy',
        'port',
        'proto-max-bulk-len',
        'protected-mode',
        'requirepass',
        'save',
        'slowlog-log-slower-than',
        'slowlog-max-len',
        'tcp-backlog',
        'tcp-keepalive',
        'timeout',
        'unixsocket',
      ]) {
        expect(found, name).toContain(name);
      }
      expect(found.size).toBe(names.length);
    },
  ],

  // --- SET ---
  [
    'CONFIG SET changes several parameters at once or none',
    `
      CONFIG SET maxmemory-samples 7 timeout 100 => +OK
      CONFIG GET maxmemory-samples timeout => any-order{"maxmemory-samples": "7", "timeout": "100"}
      CONFIG SET maxmemory-samples 9 hz x
      => ${failed('hz', "argument couldn't be parsed into an integer")}
      CONFIG GET maxmemory-samples => {"maxmemory-samples": "7"}
      CONFIG SET maxmemory-samples 9 nosuch 1
      => -ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'
      CONFIG GET maxmemory-samples => {"maxmemory-samples": "7"}
      config set MAXMEMORY-SAMPLES 5 Timeout 0 => +OK
      CONFIG GET maxmemory-samples timeout => any-order{"maxmemory-samples": "5", "timeout": "0"}
    `,
  ],
  [
    'CONFIG SET refuses unknown, repeated and immutable parameters',
    `
      CONFIG SET nosuch 1 => -ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'
      CONFIG SET maxmemory => -ERR wrong number of arguments for 'config|set' command
      CONFIG SET maxmemory 1 timeout => -ERR syntax error
      CONFIG SET maxmemory 1 maxmemory 2 => ${failed('maxmemory', 'duplicate parameter')}
      CONFIG SET databases 5 => ${failed('databases', "can't set immutable config")}
      CONFIG SET dir /nowhere => ${failed('dir', "can't set protected config")}
      CONFIG GET maxmemory => {"maxmemory": "0"}
    `,
  ],
  [
    'sizes take units and are shown in bytes',
    `
      CONFIG SET maxmemory 1000000 => +OK
      CONFIG GET maxmemory => {"maxmemory": "1000000"}
      CONFIG SET maxmemory 1gb => +OK
      CONFIG GET maxmemory => {"maxmemory": "1073741824"}
      CONFIG SET maxmemory 1G => +OK
      CONFIG GET maxmemory => {"maxmemory": "1000000000"}
      CONFIG SET maxmemory 2MB => +OK
      CONFIG GET maxmemory => {"maxmemory": "2097152"}
      CONFIG SET maxmemory 3000k => +OK
      CONFIG GET maxmemory => {"maxmemory": "3000000"}
      CONFIG SET maxmemory 3000kb => +OK
      CONFIG SET maxmemory 99999999b => +OK
      CONFIG SET maxmemory 1gbx => ${failed('maxmemory', 'argument must be a memory value')}
      CONFIG SET maxmemory -1 => ${failed('maxmemory', 'argument must be a memory value')}
      CONFIG SET maxmemory "" => +OK
      CONFIG SET maxmemory 0 => +OK
    `,
  ],
  [
    'numbers, booleans and names are checked against what they may be',
    `
      CONFIG SET maxmemory-samples 0
      => ${failed('maxmemory-samples', 'argument must be between 1 and 2147483647 inclusive')}
      CONFIG SET timeout -1
      => ${failed('timeout', 'argument must be between 0 and 2147483647 inclusive')}
      CONFIG SET port 99999
      => ${failed('port', 'argument must be between 0 and 65535 inclusive')}
      CONFIG SET maxclients 0
      => ${failed('maxclients', 'argument must be between 1 and 4294967295 inclusive')}
      CONFIG SET slowlog-log-slower-than -2
      => ${failed(
        'slowlog-log-slower-than',
        'argument must be between -1 and 9223372036854775807 inclusive',
      )}
      CONFIG SET proto-max-bulk-len 1
      => ${failed(
        'proto-max-bulk-len',
        'argument must be between 1048576 and 9223372036854775807 inclusive',
      )}
      CONFIG SET hz 1.5 => ${failed('hz', "argument couldn't be parsed into an integer")}
      CONFIG SET lazyfree-lazy-expire maybe
      => ${failed('lazyfree-lazy-expire', "argument must be 'yes' or 'no'")}
      CONFIG SET lazyfree-lazy-expire YES => +OK
      CONFIG GET lazyfree-lazy-expire => {"lazyfree-lazy-expire": "yes"}
      CONFIG SET lazyfree-lazy-expire no => +OK
      CONFIG SET maxmemory-policy ALLKEYS-LRU => +OK
      CONFIG GET maxmemory-policy => {"maxmemory-policy": "allkeys-lru"}
      CONFIG SET maxmemory-policy noeviction => +OK
      CONFIG SET maxmemory-policy nosuch
      => ${failed(
        'maxmemory-policy',
        'argument(s) must be one of the following: volatile-lru, volatile-lfu, ' +
          'volatile-random, volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, noeviction',
      )}
    `,
  ],
  [
    'hz is kept between 1 and 500',
    `
      CONFIG SET hz 100000 => +OK
      CONFIG GET hz => {"hz": "500"}
      CONFIG SET hz 0 => +OK
      CONFIG GET hz => {"hz": "1"}
      CONFIG SET hz 10 => +OK
    `,
  ],
  [
    'client-output-buffer-limit takes classes one by one',
    `
      CONFIG GET client-output-buffer-limit
      => {"client-output-buffer-limit":
      => "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"}
      CONFIG SET client-output-buffer-limit "normal 1mb 2kb 3" => +OK
      CONFIG SET client-output-buffer-limit "replica 1 2 3 pubsub 4 5 6" => +OK
      CONFIG GET client-output-buffer-limit
      => {"client-output-buffer-limit": "normal 1048576 2048 3 slave 1 2 3 pubsub 4 5 6"}
      CONFIG SET client-output-buffer-limit "normal 1 2"
      => ${failed(
        'client-output-buffer-limit',
        'Wrong number of arguments in buffer limit configuration.',
      )}
      CONFIG SET client-output-buffer-limit "nosuch 0 0 0"
      => ${failed(
        'client-output-buffer-limit',
        'Invalid client class specified in buffer limit configuration.',
      )}
      CONFIG SET client-output-buffer-limit "normal x 0 0"
      => ${failed(
        'client-output-buffer-limit',
        'Error in hard, soft or soft_seconds setting in buffer limit configuration.',
      )}
    `,
    {
      config: {
        'client-output-buffer-limit':
          'normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60',
      },
    },
  ],
  [
    'save takes pairs or nothing',
    `
      CONFIG SET save "900 1 300 10" => +OK
      CONFIG GET save => {"save": "900 1 300 10"}
      CONFIG SET save "900 1 300" => ${failed('save', 'Invalid save parameters')}
      CONFIG SET save "0 1" => ${failed('save', 'Invalid save parameters')}
      CONFIG SET save "x 1" => ${failed('save', 'Invalid save parameters')}
      CONFIG SET save "" => +OK
      CONFIG GET save => {"save": ""}
    `,
  ],
  [
    'notify-keyspace-events is a set of letters',
    `
      CONFIG SET notify-keyspace-events KEA => +OK
      CONFIG GET notify-keyspace-events => {"notify-keyspace-events": "AKE"}
      CONFIG SET notify-keyspace-events Kg$
      CONFIG GET notify-keyspace-events => {"notify-keyspace-events": "g$K"}
      CONFIG SET notify-keyspace-events y
      => /^ERR CONFIG SET failed \\(possibly related to argument 'notify-keyspace-events'\\)/
      CONFIG SET notify-keyspace-events "" => +OK
      CONFIG GET notify-keyspace-events => {"notify-keyspace-events": ""}
    `,
  ],

  // --- RESETSTAT REWRITE HELP ---
  [
    'CONFIG RESETSTAT zeroes the counters of INFO',
    async ({ client, run }) => {
      const stats = async (field: string) => {
        const info = await client.call('INFO', 'stats');
        if (!('bytes' in info)) throw new Error(info.kind);
        return Number(new RegExp(`${field}:(\\d+)`).exec(info.bytes.toString())?.[1]);
      };
      await run('SET k v\nGET k => "v"\nGET none => nil\nnosuch => <error>');
      expect(await stats('keyspace_hits')).toBeGreaterThan(0);
      expect(await stats('keyspace_misses')).toBeGreaterThan(0);
      await run('CONFIG RESETSTAT => +OK');
      expect(await stats('keyspace_hits')).toBe(0);
      expect(await stats('keyspace_misses')).toBe(0);
      expect(await stats('total_error_replies')).toBe(0);
      await run(
        "CONFIG RESETSTAT x => -ERR wrong number of arguments for 'config|resetstat' command",
      );
    },
  ],
  [
    'CONFIG REWRITE needs a configuration file',
    `
      CONFIG REWRITE => -ERR The server is running without a config file
    `,
  ],
  [
    'CONFIG refuses what it does not know',
    `
      CONFIG => -ERR wrong number of arguments for 'config' command
      CONFIG NOSUCH => -ERR unknown subcommand 'NOSUCH'. Try CONFIG HELP.
      CONFIG HELP
      => [+"CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", ...]
    `,
  ],
]);

describe.each(selectedTargets())('CONFIG REWRITE on $name', (target) => {
  it.skipIf(!target.available)(
    'keeps comments and order, changes what was set and appends what is new',
    async () => {
      const config = [
        '# my comment',
        'maxmemory-samples 7',
        '',
        'timeout 5',
        'maxmemory-samples 8',
        '',
      ].join('\n');
      const server = await startServer({ kind: target.kind, args: target.args, config });
      const client = await RespClient.connect({ port: server.port });
      const call = async (...args: string[]) => showReply(await client.call(...args));
      expect(await call('CONFIG', 'GET', 'maxmemory-samples')).toBe('["maxmemory-samples", "8"]');
      expect(await call('CONFIG', 'SET', 'timeout', '9', 'maxmemory', '100mb')).toBe('+OK');
      expect(await call('CONFIG', 'REWRITE')).toBe('+OK');
      const lines = readFileSync(path.join(server.dir, 'redis.conf'), 'utf8').split('\n');
      expect(lines[0]).toBe('# my comment');
      expect(lines).toContain('timeout 9');
      expect(lines.filter((line) => line.startsWith('maxmemory-samples'))).toEqual([
        'maxmemory-samples 8',
      ]);
      expect(lines.indexOf('timeout 9')).toBeGreaterThan(lines.indexOf('maxmemory-samples 8'));
      expect(lines).toContain('maxmemory 100mb');
      await client.close();
      await server.stop();
    },
  );
});
