import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Config } from '../../src/config/config.ts';
import { nodeConfigFiles } from '../../src/config/config_files.node.ts';
import {
  ConfigFileError,
  type ConfigFiles,
  ConfigLoadError,
  type ConfigSource,
  type LoadHost,
  loadConfig,
} from '../../src/config/parse.ts';
import { expandPath } from '../../src/config/path_glob.ts';
import { quote, splitArguments } from '../../src/config/quoting.ts';
import { REDIS_VERSION } from '../../src/version.ts';
import { hasOracle, ORACLE_VERSION, temporary } from './oracle.ts';

class FakeFiles implements ConfigFiles {
  readonly contents: Map<string, string>;

  constructor(contents: Record<string, string>) {
    this.contents = new Map(Object.entries(contents));
  }

  read(path: string): string {
    const text = this.contents.get(path);
    if (text === undefined) throw new ConfigFileError('No such file or directory');
    return text;
  }

  list(path: string): string[] {
    const prefix = path === '.' ? '' : `${path}/`;
    const below = [...this.contents.keys()].filter((name) => name.startsWith(prefix));
    return [...new Set(below.map((name) => name.slice(prefix.length).split('/')[0]!))].reverse();
  }

  exists(path: string): boolean {
    return [...this.contents.keys()].some((name) => name === path || name.startsWith(`${path}/`));
  }

  checkAppend(path: string): void {
    if (path.startsWith('/none')) throw new ConfigFileError('No such file or directory');
  }
}

function load(
  files: Record<string, string>,
  source: Partial<ConfigSource> = { file: 'main' },
  host: Partial<LoadHost> = {},
) {
  const logged: string[] = [];
  const log = (level: string, text: string) => {
    logged.push(`${level}: ${text}`);
  };
  const config = new Config({ log });
  const extras = loadConfig(
    config,
    { file: null, stdin: null, options: null, ...source },
    { files: new FakeFiles(files), log, ...host },
  );
  return { config, extras, logged };
}

function failure(...args: Parameters<typeof load>): ConfigLoadError {
  try {
    load(...args);
  } catch (error) {
    if (error instanceof ConfigLoadError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('quoting', () => {
  it('splits at blanks and knows both kinds of quotes', () => {
    expect(splitArguments('a  b\tc ')).toEqual(['a', 'b', 'c']);
    expect(splitArguments('')).toEqual([]);
    expect(splitArguments(' \t ')).toEqual([]);
    expect(splitArguments('"a b" \'c d\' e')).toEqual(['a b', 'c d', 'e']);
    expect(splitArguments('x"a b" y')).toEqual(['xa b', 'y']);
    expect(splitArguments('"" \'\'')).toEqual(['', '']);
  });

  it("reads the escapes of double quotes, and only \\' in single ones", () => {
    expect(splitArguments('"\\n\\r\\t\\b\\a\\"\\\\\\q"')).toEqual(['\n\r\t\b\x07"\\q']);
    expect(splitArguments('"\\x00\\xfF\\x4"')).toEqual(['\x00\xffx4']);
    expect(splitArguments("'\\n\\'\\x41'")).toEqual(["\\n'\\x41"]);
    expect(splitArguments('a\\nb')).toEqual(['a\\nb']);
  });

  it('refuses quotes that are not closed or not followed by a blank', () => {
    for (const line of ['"a', "'a", '"a\\"', '"a"b', "'a'b", '"a""b"', "x'"]) {
      expect(splitArguments(line), line).toBeNull();
    }
  });

  it('ends at a NUL byte', () => {
    expect(splitArguments('a b\0c')).toEqual(['a', 'b']);
  });

  it('quotes every byte so that it reads back as itself', () => {
    let all = '';
    for (let code = 0; code < 256; code++) all += String.fromCharCode(code);
    expect(splitArguments(quote(all))).toEqual([all]);
    expect(quote('a"\\\n\x00\xff')).toBe('"a\\"\\\\\\n\\x00\\xff"');
  });
});

describe('a configuration file', () => {
  it('may have comments, blank lines, indentation and CRLF', () => {
    const text = '# port 1\r\n\r\n  \t PORT  7000 \r\n  # x\ntimeout "5"\n';
    const { config } = load({ main: text });
    expect(config.get('port')).toBe(7000);
    expect(config.get('timeout')).toBe(5);
  });

  it('keeps the last of several values', () => {
    expect(load({ main: 'hz 5\nhz 7\n' }).config.get('hz')).toBe(7);
  });

  it('holds text as bytes', () => {
    const { config } = load({ main: 'requirepass "\\xff\\x00a"\nlogfile "\xc3\xbc.log"' });
    expect([...config.getBytes('requirepass')]).toEqual([255, 0, 97]);
    expect(config.get('logfile')).toBe('ü.log');
  });

  it('adds up `save` lines, and the first replaces the default', () => {
    const saves = (text: string, options: string | null = null) =>
      load({ main: text }, { file: 'main', options })
        .config.get('save')
        .map(({ seconds, changes }) => `${seconds} ${changes}`);
    expect(saves('')).toEqual(['3600 1', '300 100', '60 10000']);
    expect(saves('save 1 2\nsave 3 4 5 6')).toEqual(['1 2', '3 4', '5 6']);
    expect(saves('save "7 8 9 10"')).toEqual(['7 8', '9 10']);
    expect(saves('save 1 2\nsave ""')).toEqual([]);
    expect(saves('save ""\nsave 1 2')).toEqual(['1 2']);
    expect(saves('save 1 2', 'save "3" "4"')).toEqual(['1 2', '3 4']);
  });

  it('takes one argument that holds several', () => {
    const text = 'shutdown-on-sigterm "nosave force"\nbind 127.0.0.1 ::1\n';
    const { config } = load({ main: text });
    expect(config.get('shutdown-on-sigterm')).toEqual(['nosave', 'force']);
    expect(config.get('bind')).toEqual(['127.0.0.1', '::1']);
    expect(load({ main: 'bind ""' }).config.get('bind')).toEqual([]);
  });

  it('changes one class of output buffers per line', () => {
    const text =
      'client-output-buffer-limit replica 1mb 1kb 5\nclient-output-buffer-limit normal 1 2 3';
    const limits = load({ main: text }).config.get('client-output-buffer-limit');
    expect(limits.slave).toEqual({ hardBytes: 1048576n, softBytes: 1024n, softSeconds: 5 });
    expect(limits.normal).toEqual({ hardBytes: 1n, softBytes: 2n, softSeconds: 3 });
    expect(limits.pubsub.softSeconds).toBe(60);
  });

  it('accepts old names and directives that mean nothing any more', () => {
    const text = 'slave-read-only no\nlist-max-ziplist-value 5\nlua-replicate-commands no';
    expect(load({ main: text }).config.get('replica-read-only')).toBe(false);
    expect(failure({ main: 'lua-replicate-commands' }).message).toMatch(/^Bad directive/);
  });

  it('sets what CONFIG SET may not', () => {
    const { config } = load({ main: 'daemonize yes\nreplicaof 10.0.0.1 6380\nunixsocketperm 700' });
    expect(config.get('daemonize')).toBe(true);
    expect(config.get('replicaof')).toEqual({ host: '10.0.0.1', port: 6380 });
    expect(config.get('unixsocketperm')).toBe(0o700);
    const { config: undone } = load({ main: 'replicaof a 1\nreplicaof NO one' });
    expect(undone.get('replicaof')).toBeNull();
  });

  it('corrects values that cannot work together', () => {
    const { config, logged } = load({ main: 'hz 1000\ncluster-enabled yes' });
    expect(config.get('hz')).toBe(500);
    expect(config.get('databases')).toBe(1);
    expect(logged).toEqual([
      'warning: WARNING: Changing databases number from 16 to 1 since we are in cluster mode',
    ]);
    expect(failure({ main: 'cluster-enabled yes\nreplicaof h 1' }).report).toBe(
      `\n*** FATAL CONFIG FILE ERROR (Redis ${REDIS_VERSION}) ***\n` +
        'replicaof directive not allowed in cluster mode\n',
    );
  });

  it('collects users, modules, renamed commands and settings of modules', () => {
    const text = `
      user alice on >secret ~*
      user bob off
      loadmodule /a.so x "y z"
      rename-command FLUSHALL ""
      rename-command config hidden
      rename-command get config
      mod.setting a b
      MOD.setting c
    `;
    const hasCommand = (name: string) => ['flushall', 'config', 'get'].includes(name);
    const { extras } = load({ main: text }, { file: 'main' }, { hasCommand });
    expect(extras.users).toEqual([
      ['alice', 'on', '>secret', '~*'],
      ['bob', 'off'],
    ]);
    expect(extras.modules).toEqual([['/a.so', 'x', 'y z']]);
    expect(extras.renamedCommands).toEqual([
      { from: 'flushall', to: '' },
      { from: 'config', to: 'hidden' },
      { from: 'get', to: 'config' },
    ]);
    expect([...extras.moduleConfigs]).toEqual([['mod.setting', 'c']]);
  });

  it('keeps Sentinel lines for a Sentinel only', () => {
    const main = 'sentinel monitor m 127.0.0.1 1 2\nsentinel\n';
    expect(failure({ main }).message).toBe('sentinel directive while not in sentinel mode');
    const { extras } = load({ main }, { file: 'main' }, { sentinelMode: true });
    expect(extras.sentinelLines).toEqual([
      { args: ['monitor', 'm', '127.0.0.1', '1', '2'], line: 1, text: main.split('\n')[0] },
    ]);
  });

  it('reads standard input after the file, and options last', () => {
    const source = { file: 'main', stdin: 'hz 6\ntimeout 6', options: 'timeout "7" ' };
    const { config } = load({ main: 'hz 5\ntimeout 5\nport 5\n' }, source);
    const values = [config.get('port'), config.get('hz'), config.get('timeout')];
    expect(values).toEqual([5, 6, 7]);
  });
});

describe('include', () => {
  it('reads another file in place', () => {
    const files = { main: 'hz 5\ninclude other\ntimeout 9', other: 'hz 6\ntimeout 6' };
    const { config } = load(files);
    expect([config.get('hz'), config.get('timeout')]).toEqual([6, 9]);
  });

  it('expands patterns in byte order and accepts that nothing matches', () => {
    const files = {
      main: 'include conf.d/*.conf\ninclude none/*.conf\ninclude [x',
      'conf.d/10.conf': 'hz 10\n',
      'conf.d/B.conf': 'hz 11\n',
      'conf.d/a.conf': 'hz 12\n',
      'conf.d/.hidden.conf': 'hz 99\n',
      'conf.d/c.txt': 'hz 98\n',
    };
    expect(load(files).config.get('hz')).toBe(12);
  });

  it('fails when a plain file is missing', () => {
    const error = failure({ main: 'include nowhere' });
    expect(error.report).toBeNull();
    expect(error.message).toBe(
      "Fatal error, can't open config file 'nowhere': No such file or directory",
    );
    expect(error.exitCode).toBe(1);
  });

  it('reports the line within the included file', () => {
    expect(failure({ main: 'hz 1\nhz 2\ninclude b', b: '\nbad' }).report).toContain('at line 2\n');
  });

  it('does not follow a circle forever', () => {
    expect(failure({ main: 'include main' }).message).toContain('included too deeply');
  });
});

describe('file name patterns', () => {
  const names = ['a.conf', 'b.conf', 'ab', 'a]b', '[x', '-', 'a-b', '.dot', 'A1', 'a*b'];
  const expand = (pattern: string) =>
    expandPath(
      pattern,
      (path) => (path === '.' || path === '/d' ? names : []),
      (path) => names.includes(path.replace(/^\/d\//, '')),
    );

  it('follow the rules of glob(3)', () => {
    expect(expand('*.conf')).toEqual(['a.conf', 'b.conf']);
    expect(expand('/d/?.conf')).toEqual(['/d/a.conf', '/d/b.conf']);
    expect(expand('[!a].conf')).toEqual(['b.conf']);
    expect(expand('[^a].conf')).toEqual(['b.conf']);
    expect(expand('a[]]b')).toEqual(['a]b']);
    expect(expand('a[!]]b')).toEqual(['a*b', 'a-b']);
    expect(expand('[a-c]?')).toEqual(['ab']);
    expect(expand('[[:upper:]][[:digit:]]')).toEqual(['A1']);
    expect(expand('[x')).toEqual(['[x']);
    expect(expand('.*')).toEqual(['.dot']);
    expect(expand('[.]dot')).toEqual([]);
    expect(expand('a\\*[b]')).toEqual(['a*b']);
    expect(expand('*/x')).toEqual([]);
    expect(expand('a[,--]b')).toEqual(['a-b']);
    expect(expand('a[z-a]b')).toEqual([]);
  });
});

/** Content of a file that both must refuse, with the same report. */
const BAD_FILES = [
  '""',
  'save "',
  'invalid',
  'port',
  'port 1 2',
  'port x',
  'port 65536',
  '\n\n  port   "x y"  ',
  'port "1',
  "port '1'2",
  'daemonize maybe',
  'maxmemory 1x',
  'maxmemory -1',
  'maxmemory-clients 101%',
  'maxmemory-policy lru',
  'unixsocketperm 999',
  'unixsocketperm 1000',
  'shutdown-on-sigterm',
  'shutdown-on-sigterm ""',
  'shutdown-on-sigterm save nosave',
  'shutdown-on-sigterm "now',
  'save 1',
  'save 1 2 3',
  'save a b',
  'replicaof h',
  'replicaof h 99999',
  'replicaof h x',
  'replicaof "h 1 2"',
  'client-output-buffer-limit normal 1 2',
  'client-output-buffer-limit master 1 2 3',
  'client-output-buffer-limit normal x 2 3',
  'oom-score-adj-values 1 2',
  'oom-score-adj-values 1 2 x',
  'notify-keyspace-events KEQ',
  'latency-tracking-info-percentiles 101',
  'latency-tracking-info-percentiles x',
  'bind 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17',
  'appendfilename ""',
  'appendfilename a/b',
  'appenddirname ""',
  'appenddirname a/b',
  'dbfilename a/b',
  'dbfilename "a\\\\b"',
  'dir /nonexistent-directory',
  'dir /etc/passwd',
  'dir',
  'logfile /nonexistent-directory/x.log',
  'activedefrag yes',
  'proc-title-template "{nothing}"',
  'cluster-announce-hostname a_b',
  'cluster-enabled yes\nreplicaof h 1',
  'user',
  'user a\nuser a',
  'rename-command',
  'rename-command nothing-like-this x',
  'rename-command get set',
  'rename-command get x\nrename-command get y',
  'rename-command get x\nrename-command set x',
  'mod.x',
  'sentinel monitor',
  'include',
  'include a b',
  'loadmodule',
  'list-max-ziplist-entries',
  'lua-replicate-commands yes no',
  'hz 10\n# comment\ntimeout x # no comment here',
  'timeout 5 # 6',
  'requirepass "\\x41" extra',
];

/** Content that both must take. */
const GOOD_FILES = [
  '',
  '\r\n',
  '#\n  # x',
  '\v',
  'save ""\nsave',
  'shutdown-on-sigterm "nosave now"',
  'replicaof h ""\nreplicaof no one',
  'oom-score-adj-values "1 2 3"',
  'sentinel',
  'rename-command get "" ',
  'list-max-ziplist-entries 5',
  'include /nonexistent-directory/*.conf',
  'include .',
  "requirepass '\\''",
];

describe.skipIf(!hasOracle)('configuration files against redis-server', () => {
  const directory = temporary();
  const path = join(directory, 'redis.conf');

  /** Starts the real one without any socket to listen on, which ends it after the configuration. */
  function theirs(text: string): string {
    writeFileSync(path, text, 'latin1');
    const words = [path, '--port', '0', '--unixsocket', '/nonexistent-directory/socket'];
    const { stderr, stdout } = spawnSync('redis-server', words, {
      cwd: directory,
      encoding: 'latin1',
      timeout: 5000,
    });
    if (stderr !== '') return stderr.replace(ORACLE_VERSION, REDIS_VERSION);
    if (/Failed opening Unix socket|Redis is starting/.test(stdout)) return 'taken';
    return stdout.replace(/^.* # /, '');
  }

  function ours(text: string): string {
    writeFileSync(path, text, 'latin1');
    const before = process.cwd();
    const port = {
      current: () => process.cwd(),
      change: (to: string) => {
        try {
          process.chdir(to);
          return undefined;
        } catch (error) {
          return String(error).includes('ENOTDIR')
            ? 'Not a directory'
            : 'No such file or directory';
        }
      },
    };
    try {
      process.chdir(directory);
      loadConfig(
        new Config({ directory: port }),
        { file: path, stdin: null, options: 'port 0' },
        {
          files: nodeConfigFiles,
          log: () => undefined,
          hasCommand: (name) => ['get', 'set'].includes(name),
        },
      );
      return 'taken';
    } catch (error) {
      if (!(error instanceof ConfigLoadError)) throw error;
      return error.report ?? `${error.message}\n`;
    } finally {
      process.chdir(before);
    }
  }

  it.each(BAD_FILES)('refuses %j with the same report', (text) => {
    const report = theirs(text);
    expect(report).not.toBe('taken');
    expect(ours(text)).toBe(report);
  });

  it.each(GOOD_FILES)('takes %j', (text) => {
    expect(theirs(text)).toBe('taken');
    expect(ours(text)).toBe('taken');
  });

  it('opens the same files for a pattern', () => {
    mkdirSync(join(directory, 'conf.d'));
    for (const name of ['b.conf', 'a.conf', '.c.conf', 'd.cnf']) {
      writeFileSync(join(directory, 'conf.d', name), `bad-${name.replaceAll('.', '-')} x\n`);
    }
    for (const pattern of ['conf.d/*.conf', './conf.d/[!a]*', `${directory}/c*/*.cnf`]) {
      const report = theirs(`include ${pattern}`);
      expect(report).toContain('bad-');
      expect(ours(`include ${pattern}`)).toBe(report);
    }
    expect(theirs('include nothing.conf')).toBe(ours('include nothing.conf'));
  });
});
