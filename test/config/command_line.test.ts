import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { absolutePath, parseCommandLine, type ServeAction } from '../../src/config/command_line.ts';
import { Config } from '../../src/config/config.ts';
import { nodeConfigFiles } from '../../src/config/config_files.node.ts';
import { ConfigLoadError, loadConfig } from '../../src/config/parse.ts';
import { checkSystem, testMemory } from '../../src/system_checks.node.ts';
import { ALLOCATOR_NAME, REDIS_VERSION, RESPITE_VERSION } from '../../src/version.ts';
import { hasOracle, ORACLE_VERSION, Oracle, pairsOf, parseReply, temporary } from './oracle.ts';

function serve(...args: string[]): ServeAction {
  const action = parseCommandLine(args);
  if (action.kind !== 'serve') throw new Error(action.kind);
  return action;
}

/** The configuration after `args`, without any file. */
function configOf(...args: string[]): Config {
  const config = new Config();
  const { options } = serve(...args);
  loadConfig(
    config,
    { file: null, stdin: null, options },
    { files: nodeConfigFiles, log: () => undefined },
  );
  return config;
}

/** The report that `args` cause. */
function reportOf(...args: string[]): string {
  try {
    configOf(...args);
  } catch (error) {
    if (error instanceof ConfigLoadError) return error.report ?? `${error.message}\n`;
    throw error;
  }
  throw new Error('the arguments were accepted');
}

describe('the command line', () => {
  it('is empty for a server with defaults', () => {
    expect(serve()).toEqual({
      kind: 'serve',
      configFile: null,
      readStdin: false,
      options: null,
      sentinelMode: false,
    });
  });

  it('takes a file first, and options that override it', () => {
    const action = serve('redis.conf', '--port', '7000', '--bind', '127.0.0.1', '::1');
    expect(action.configFile).toBe('redis.conf');
    expect(action.options).toBe('port "7000" \nbind "127.0.0.1" "::1" ');
  });

  it('reads standard input for a dash in the first or last place only', () => {
    expect(serve('-').readStdin).toBe(true);
    expect(serve('-', '--port', '1').readStdin).toBe(true);
    expect(serve('a.conf', '--port', '1', '-').readStdin).toBe(true);
    expect(serve('a.conf', '-').readStdin).toBe(true);
    const middle = serve('--logfile', '-', '--port', '1');
    expect(middle.readStdin).toBe(false);
    expect(middle.options).toBe('logfile "-" \nport "1" ');
  });

  it('takes name and value in one word', () => {
    const config = configOf('--maxmemory 700mb', "--maxmemory-policy 'volatile-lru'");
    expect(config.get('maxmemory')).toBe(734003200);
    expect(config.get('maxmemory-policy')).toBe('volatile-lru');
  });

  it('takes words without dashes after the file as a line', () => {
    const { options } = serve('a.conf', 'loglevel', 'verbose', "--maxmemory '700mb'");
    expect(options).toBe('"loglevel" "verbose" \nmaxmemory \'700mb\' ');
  });

  it('lets a value start with two dashes', () => {
    const title = '--my--title--template';
    const config = configOf('--proc-title-template', title, '--loglevel', 'verbose');
    expect(config.get('proc-title-template')).toBe(title);
    expect(config.get('loglevel')).toBe('verbose');
    expect(configOf(`--proc-title-template ${title}`).get('proc-title-template')).toBe(title);
  });

  it('takes `--save` without a value for no snapshots', () => {
    for (const args of [
      ['--save', '--loglevel', 'verbose'],
      ['--loglevel', 'verbose', '--save'],
      ['--SAVE', '', '--loglevel', 'verbose'],
      ['--loglevel', 'verbose', '--save', ''],
      ['--proc-title-template', '--save', '--save', '', '--loglevel', 'verbose'],
    ]) {
      const config = configOf(...args);
      expect(config.get('save'), args.join(' ')).toEqual([]);
      expect(config.get('loglevel'), args.join(' ')).toBe('verbose');
    }
    expect(configOf('--save', '100', '100').get('save')).toEqual([{ seconds: 100n, changes: 100 }]);
  });

  it('takes several values as words or as one word', () => {
    const config = configOf(
      ...['--shutdown-on-sigint', 'nosave', 'force', 'now'],
      ...['--shutdown-on-sigterm', 'nosave force'],
    );
    expect(config.get('shutdown-on-sigint')).toEqual(['nosave', 'now', 'force']);
    expect(config.get('shutdown-on-sigterm')).toEqual(['nosave', 'force']);
  });

  it('knows when a Sentinel is wanted', () => {
    expect(serve('s.conf', '--sentinel').sentinelMode).toBe(true);
    expect(serve('s.conf', '--sentinel', '--port', '1').options).toBe('sentinel \nport "1" ');
    expect(parseCommandLine(['s.conf'], '/usr/bin/redis-sentinel')).toMatchObject({
      sentinelMode: true,
    });
    expect(serve('s.conf').sentinelMode).toBe(false);
  });

  it('keeps words that are not ASCII', () => {
    expect(configOf('--logfile', '/tmp/ü').get('logfile')).toBe('/tmp/ü');
  });

  it('prints its version in a form that scripts know', () => {
    for (const flag of ['-v', '--version']) {
      const action = parseCommandLine([flag]);
      if (action.kind !== 'print') throw new Error(action.kind);
      expect(action).toMatchObject({ stderr: '', exitCode: 0 });
      expect(action.stdout).toMatch(
        /^Redis server v=\S+ sha=00000000:0 malloc=\S+ bits=32 build=[0-9a-f]+ respite=\S+\n$/,
      );
      expect([...action.stdout.matchAll(/v=([0-9.]+)/g)].map(([, v]) => v)).toEqual([
        REDIS_VERSION,
      ]);
      expect(action.stdout).toContain(` malloc=${ALLOCATOR_NAME} `);
    }
  });

  it('prints help with exit code 1, as Redis does', () => {
    for (const flag of ['-h', '--help']) {
      expect(parseCommandLine([flag])).toMatchObject({ kind: 'print', stdout: '', exitCode: 1 });
    }
  });

  it('checks memory and system on demand', () => {
    expect(parseCommandLine(['--test-memory'])).toMatchObject({ kind: 'print', exitCode: 1 });
    expect(parseCommandLine(['--test-memory', 'x'])).toMatchObject({ kind: 'print' });
    expect(parseCommandLine(['--test-memory', '3'])).toEqual({ kind: 'test-memory', megabytes: 3 });
    expect(parseCommandLine(['--check-system'])).toEqual({ kind: 'check-system' });
    let printed = '';
    const print = (text: string) => {
      printed += text;
    };
    expect(testMemory(2, print)).toBe(0);
    expect(printed).toContain('passed');
    printed = '';
    expect([0, 1]).toContain(checkSystem(print));
    expect(printed).toMatch(/^\[node-version\]\.\.\.OK\n\[wasm-simd\]\.\.\.OK\n/);
  });

  it('makes the path of the file absolute', () => {
    expect(absolutePath('/a/b.conf', '/x')).toBe('/a/b.conf');
    expect(absolutePath(' b.conf ', '/x/y')).toBe('/x/y/b.conf');
    expect(absolutePath('../../b.conf', '/x/y')).toBe('/b.conf');
    expect(absolutePath('../../../b.conf', '/x/y')).toBe('/b.conf');
    expect(absolutePath('./../b.conf', '/x')).toBe('/x/./../b.conf');
    expect(absolutePath('b.conf', '/')).toBe('/b.conf');
  });
});

/** Arguments that both must refuse with the same report. */
const BAD_ARGUMENTS: readonly (readonly string[])[] = [
  ['--invalid'],
  ['--port'],
  ['--port', '6380', '--loglevel'],
  ['--port', '6379', '6380'],
  ['--port', '--loglevel', 'verbose'],
  ['--port', '--bla', '--loglevel', 'verbose'],
  ['--port --bla', '--loglevel', 'verbose'],
  ['--logfile', '--my--log--file', '--appendfsync', '--bla'],
  ['--shutdown-on-sigint'],
  ['--shutdown-on-sigint', 'now force', '--shutdown-on-sigterm'],
  ['--replicaof', '127.0.0.1', 'abc'],
  ['--replicaof', '--127.0.0.1', 'abc'],
  ['--replicaof', '--127.0.0.1', '--abc'],
  ['--user', 'foo', '--user', 'foo'],
  ['--save', '100'],
  ['--save', '--port', 'x'],
  ['--port ', 'x'],
  ['--port "1', 'x'],
  ['--', 'x'],
  ['-x'],
  ['-', '-', '--port', 'x'],
  ['--port', '1', 'a\nb"c\\d\x01'],
  ['--hz', 'ü'],
  ['--sentinel', '--port', 'x'],
  ['--include', '/nonexistent-file'],
  ['--logfile', '/nonexistent-directory/x'],
];

/** Arguments for a server that starts; its values must be the same. */
const GOOD_ARGUMENTS: readonly (readonly string[])[] = [
  ['--maxmemory 700mb', '--maxmemory-policy volatile-lru', '--save', ''],
  ['--proc-title-template', '--my--title--template', '--save', '--loglevel', 'verbose'],
  ['--save', '100', '100', '--shutdown-on-sigint', 'nosave', 'force', 'now'],
  ['--save', '100 100 7 7', '--shutdown-on-sigterm', 'nosave force', '--replica-priority', '7'],
  [
    '--client-output-buffer-limit',
    'replica',
    '1mb',
    '1kb',
    '7',
    '--unixsocketperm',
    '700',
    '--save',
  ],
  ['--latency-tracking-info-percentiles', '', '--notify-keyspace-events', 'KEA', '--save', ''],
  ['--requirepass', '', '--maxmemory-clients', '5%', '--hz', '1000', '--save', ''],
];

describe.skipIf(!hasOracle)('the command line against redis-server', () => {
  it.each(BAD_ARGUMENTS)('refuses %s with the same report', (...args) => {
    const { stderr, stdout } = spawnSync('redis-server', args, {
      cwd: temporary(),
      encoding: 'utf8',
      timeout: 5000,
      input: '',
    });
    const theirs =
      stderr === ''
        ? stdout.replace(/^.* # /, '').replace(/^.*Reading config from stdin\n/, '')
        : stderr.replace(ORACLE_VERSION, REDIS_VERSION);
    expect(theirs).toMatch(/FATAL CONFIG|Fatal error/);
    expect(reportOf(...args)).toBe(theirs);
  });

  it.each(GOOD_ARGUMENTS)('gives %s the same values', async (...args) => {
    const oracle = await Oracle.start([...args]);
    try {
      const theirs = pairsOf(parseReply(await oracle.send('config', 'get', '*'))!.value);
      const config = configOf(...args);
      const { HANDLES } = await import('../../src/config/directives.ts');
      for (const { name, directive } of HANDLES) {
        if (theirs[name] === undefined || ['port', 'bind', 'dir'].includes(name)) continue;
        expect(config.print(directive), name).toBe(theirs[name]);
      }
    } finally {
      await oracle.stop();
    }
  });
});

it('the version is that of the package', async () => {
  const { readFileSync } = await import('node:fs');
  const path = join(import.meta.dirname, '../../package.json');
  expect(RESPITE_VERSION).toBe(JSON.parse(readFileSync(path, 'utf8')).version);
});
