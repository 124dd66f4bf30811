import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Config, type DirectoryPort } from '../../src/config/config.ts';
import { nodeConfigFiles, rewriteConfigFile } from '../../src/config/config_files.node.ts';
import { DIRECTIVES } from '../../src/config/directives.ts';
import { loadConfig } from '../../src/config/parse.ts';
import { REWRITE_SIGNATURE, rewriteConfig } from '../../src/config/rewrite.ts';
import { ConfigHarness, hasOracle, Oracle, temporary } from './oracle.ts';

/** Lines that every rewrite has, because these directives are always written. */
const ALWAYS = [
  'dir "/"',
  'save 3600 1',
  'save 300 100',
  'save 60 10000',
  'latency-tracking-info-percentiles 50 99 99.9',
];

/** A configuration after the file `text`, with files from nowhere. */
function configOf(text: string, directory?: DirectoryPort): Config {
  const config = new Config(directory === undefined ? {} : { directory });
  const options = { ...nodeConfigFiles, checkAppend: () => undefined };
  loadConfig(
    config,
    { file: null, stdin: text, options: null },
    { files: options, log: () => undefined },
  );
  return config;
}

/** What a rewrite of `before` gives for a configuration that read `after`, without ALWAYS. */
function rewritten(before: string, after = before): string {
  return rewriteConfig(before, configOf(after))
    .split('\n')
    .filter((line) => !ALWAYS.includes(line))
    .join('\n');
}

describe('a rewritten configuration', () => {
  it('replaces lines in place and keeps comments and order', () => {
    const before = '# one\nport 1\n\n# two\ntimeout 2\n';
    expect(rewritten(before, 'port 5\ntimeout 6')).toBe(
      `# one\nport 5\n\n# two\ntimeout 6\n\n${REWRITE_SIGNATURE}\n`,
    );
  });

  it('appends what is not at its default below its own comment', () => {
    expect(rewritten('port 1', 'port 1\nhz 20')).toBe(`port 1\n${REWRITE_SIGNATURE}\nhz 20\n`);
  });

  it('writes the comment once, however often it runs', () => {
    const config = configOf('hz 20');
    const once = rewriteConfig('', config);
    expect(rewriteConfig(once, config)).toBe(`${once}\n`);
    expect(once.split(REWRITE_SIGNATURE)).toHaveLength(2);
  });

  it('keeps a line whose value is the default, but does not add one', () => {
    expect(rewritten('hz 20', '')).toBe(`hz 10\n${REWRITE_SIGNATURE}\n`);
  });

  it('removes lines that are not needed any more and joins blank lines', () => {
    const before = 'bind 1.2.3.4\nreplicaof h 1\n\n\nhz 1\nhz 2\n';
    expect(rewritten(before, 'hz 3')).toBe(`\nhz 3\n\n${REWRITE_SIGNATURE}\n`);
    expect(rewriteConfig('save 1 1\nsave 2 2\nhz 1', configOf('save ""'))).toMatch(
      /^save ""\n\nhz 10\n/,
    );
  });

  it('uses the newer name of a directive', () => {
    expect(rewritten('slave-priority 5\nSlaveOf h 1')).toContain(
      'replica-priority 5\nreplicaof h 1\n',
    );
    const both = 'hash-max-listpack-entries 20\nhash-max-ziplist-entries 21\n';
    expect(rewritten(both)).toContain('hash-max-listpack-entries 21\n\n');
  });

  it('leaves alone what only a file can say', () => {
    const lines = 'include x\nrename-command a b\nuser x on\nloadmodule m.so\nsentinel y z\n';
    expect(rewritten(lines, '')).toBe(`${lines}\n${REWRITE_SIGNATURE}\n`);
  });

  it('turns lines it cannot read into comments', () => {
    expect(rewritten('nothing 1\nport "1\nmod.x 1', '')).toBe(
      `# ??? nothing 1\n# ??? port "1\n# ??? mod.x 1\n${REWRITE_SIGNATURE}\n`,
    );
  });

  it('writes the users it is given, or none when they have their own file', () => {
    const before = 'user old on\nhz 10\n';
    const config = configOf('');
    expect(rewriteConfig(before, config, { users: ['default on', 'b off'] })).toMatch(
      /^user default on\nhz 10\n[\s\S]*\nuser b off\n$/,
    );
    expect(rewriteConfig(before, config, { users: [] })).toMatch(/^\nhz 10\n/);
    config.put('aclfile', '/x');
    expect(rewriteConfig(before, config, { users: ['default on'] })).not.toContain('user');
  });

  it('quotes texts and shortens byte counts', () => {
    const text = rewritten(
      '',
      'requirepass "a\\xff\\"b"\nmaxmemory 3221225472\nmaxmemory-clients 7%\n' +
        'client-output-buffer-limit slave 2097152 1025 9\nunixsocketperm 750\naclfile ""\n',
    );
    for (const line of [
      'requirepass "a\\xff\\"b"',
      'maxmemory 3gb',
      'maxmemory-clients 7%',
      'client-output-buffer-limit replica 2mb 1025 9',
      'unixsocketperm 750',
    ]) {
      expect(text).toContain(`\n${line}\n`);
    }
    expect(text).not.toContain('aclfile');
    expect(text).not.toContain('pidfile');
  });

  it('reads back as the same configuration, everything included', () => {
    const config = configOf(
      'save 5 6\nnotify-keyspace-events KEA\nbind 127.0.0.1 -::1\nreplicaof h 5\n' +
        'shutdown-on-sigterm nosave now\nlogfile "x y"\noom-score-adj-values 1 2 3\n' +
        'latency-tracking-info-percentiles ""\nclient-output-buffer-limit pubsub 5 6 7\n',
    );
    const again = configOf(rewriteConfig('', config, { forceAll: true }));
    for (const directive of DIRECTIVES) {
      expect(again.print(directive), directive.name).toBe(config.print(directive));
    }
  });
});

describe('the configuration file', () => {
  it('is replaced as a whole, with the rights of an ordinary file', () => {
    const directory = temporary();
    const path = join(directory, 'redis.conf');
    writeFileSync(path, '# kept \xff\nport 1\n', 'latin1');
    chmodSync(path, 0o600);
    const config = configOf('port 2');
    expect(rewriteConfigFile(config, path)).toBeNull();
    const text = readFileSync(path, 'latin1');
    expect(text).toMatch(/^# kept \xff\nport 2\n/);
    expect(statSync(path).mode & 0o777).toBe(0o644 & ~process.umask());
    expect(readdirSync(directory)).toEqual(['redis.conf']);
  });

  it('is created when it does not exist', () => {
    const path = join(temporary(), 'new.conf');
    expect(rewriteConfigFile(configOf('hz 20'), path)).toBeNull();
    expect(readFileSync(path, 'utf8')).toMatch(/^# Generated by CONFIG REWRITE\n[\s\S]*\nhz 20\n/);
  });

  it('stays as it is when it cannot be replaced', () => {
    const directory = temporary();
    const target = join(directory, 'is-a-directory');
    mkdirSync(target);
    expect(rewriteConfigFile(new Config(), target)).toBe('Is a directory');
    const nowhere = join(directory, 'none', 'x.conf');
    expect(rewriteConfigFile(new Config(), nowhere)).toBe('No such file or directory');
    expect(existsSync(nowhere)).toBe(false);
    expect(readdirSync(directory)).toEqual(['is-a-directory']);
  });
});

/** Old file, then the commands that change the configuration before it is rewritten. */
const SCENARIOS: readonly {
  readonly name: string;
  readonly file: string;
  readonly sets: readonly (readonly [string, string])[];
}[] = [
  { name: 'an empty file', file: '', sets: [['hz', '20']] },
  {
    name: 'comments and order',
    file: '# a\n\n\n\n# b\n  timeout 5\nhz 10 \n#c\n',
    sets: [
      ['timeout', '6'],
      ['maxmemory', '100mb'],
    ],
  },
  {
    name: 'a file without a last line break',
    file: 'hz 10\ntimeout 0',
    sets: [['timeout', '1']],
  },
  {
    name: 'several save lines becoming fewer',
    file: 'save 900 1\nsave 300 10\nsave 60 10000\n# end\n',
    sets: [['save', '100 1']],
  },
  {
    name: 'a save line becoming none',
    file: 'save 900 1\n# end\n',
    sets: [['save', '']],
  },
  {
    name: 'one save line becoming several',
    file: '# start\nsave 900 1 60 5\n# end\n',
    sets: [['save', '1 1 2 2 3 3']],
  },
  {
    name: 'aliases and repeated lines',
    file: 'slave-priority 5\nreplica-priority 6\nTIMEOUT 1\nlua-time-limit 5\n',
    sets: [['busy-reply-threshold', '7']],
  },
  {
    name: 'lines that are not directives of the table',
    file: 'rename-command flushall ""\nuser alice off\ninclude /nonexistent/*.conf\nlua-replicate-commands yes\n',
    sets: [],
  },
  {
    name: 'texts that need quoting',
    file: 'masterauth a\nproc-title-template "x {title}"\n',
    sets: [
      ['masterauth', 'a b"c\\d\n\x01\xff'],
      ['replica-announce-ip', "it's"],
      ['bind-source-addr', ''],
    ],
  },
  {
    name: 'numbers of all kinds',
    file: 'repl-backlog-size 1mb\nmaxmemory-clients 5%\nunixsocketperm 700\n',
    sets: [
      ['repl-backlog-size', '3221225472'],
      ['maxmemory-clients', '1025'],
      ['proto-max-bulk-len', '1048577'],
      ['auto-aof-rewrite-min-size', '0'],
      ['list-max-listpack-size', '-3'],
      ['hash-max-ziplist-value', '2048'],
    ],
  },
  {
    name: 'enumerations and lists',
    file: 'shutdown-on-sigterm save\nnotify-keyspace-events ""\noom-score-adj-values 0 200 800\n',
    sets: [
      ['shutdown-on-sigterm', 'force now nosave'],
      ['shutdown-on-sigint', 'default'],
      ['maxmemory-policy', 'ALLKEYS-LFU'],
      ['notify-keyspace-events', 'AKE'],
      ['latency-tracking-info-percentiles', ''],
      ['client-output-buffer-limit', 'pubsub 1gb 5 6'],
      ['oom-score-adj-values', '0 200 801'],
    ],
  },
  {
    name: 'a file that was rewritten before',
    file: '# a\nhz 20\n\n# Generated by CONFIG REWRITE\ntimeout 5\n',
    sets: [['slowlog-max-len', '5']],
  },
];

describe.skipIf(!hasOracle)('CONFIG REWRITE against redis-server', () => {
  it.each(SCENARIOS)('writes the same for $name', async ({ file, sets }) => {
    const directory = temporary();
    const path = join(directory, 'redis.conf');
    writeFileSync(path, file, 'latin1');
    const oracle = await Oracle.start([path], directory);
    const harness = new ConfigHarness({
      directory: { current: () => directory, change: () => undefined },
    });
    try {
      loadConfig(
        harness.config,
        { file: path, stdin: null, options: null },
        { files: nodeConfigFiles, log: () => undefined },
      );
      harness.config.put('bind', ['127.0.0.1']);
      harness.config.put('port', oracle.port);
      for (const [name, value] of sets) {
        expect((await oracle.send('config', 'set', name, value)).toString()).toBe('+OK\r\n');
        expect(harness.run('set', name, value)).toBe('OK');
      }
      expect((await oracle.send('config', 'rewrite')).toString()).toBe('+OK\r\n');
      const theirs = readFileSync(path, 'latin1');
      const users = [...theirs.matchAll(/^user (.*)$/gm)].map(([, text]) => text!);
      const ours = rewriteConfig(file, harness.config, { users });
      const [theirHead, theirTail] = theirs.split(REWRITE_SIGNATURE) as [string, string];
      const [ourHead, ourTail] = ours.split(REWRITE_SIGNATURE) as [string, string];
      expect(ourHead).toBe(theirHead);
      // Redis appends in the order of a hash table with a random seed.
      expect(ourTail.split('\n').sort()).toEqual(theirTail.split('\n').sort());
    } finally {
      await oracle.stop();
    }
  });
});
