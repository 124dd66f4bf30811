import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { banner, logStart, showsBanner } from '../../src/ascii_logo.ts';
import { createLogSink } from '../../src/log.node.ts';
import { Logger, type LogThreshold } from '../../src/log.ts';
import { systemErrorText } from '../../src/util/system_error.ts';
import { temporary } from './oracle.ts';

function memoryLogger(threshold: LogThreshold = 'debug') {
  const written: string[] = [];
  const logger = new Logger({
    pid: 42,
    sink: { write: (text) => written.push(text) },
    now: () => new Date(2026, 0, 3, 4, 5, 6, 7),
  });
  logger.threshold = threshold;
  return { logger, written };
}

describe('the log', () => {
  it('has the form of the log of Redis', () => {
    const { logger, written } = memoryLogger();
    logger.debug('a');
    logger.role = 'M';
    logger.verbose('b');
    logger.role = 'S';
    logger.notice('c');
    logger.role = 'X';
    logger.warning('d');
    logger.raw('notice', 'as it is\n');
    expect(written).toEqual([
      '42:C 03 Jan 2026 04:05:06.007 . a\n',
      '42:M 03 Jan 2026 04:05:06.007 - b\n',
      '42:S 03 Jan 2026 04:05:06.007 * c\n',
      '42:X 03 Jan 2026 04:05:06.007 # d\n',
      'as it is\n',
    ]);
  });

  it('leaves out what is less important than its level', () => {
    const counts = (['debug', 'verbose', 'notice', 'warning', 'nothing'] as const).map((level) => {
      const { logger, written } = memoryLogger(level);
      logger.debug('');
      logger.verbose('');
      logger.notice('');
      logger.warning('');
      logger.raw('warning', '');
      return written.length;
    });
    expect(counts).toEqual([5, 4, 3, 2, 0]);
  });

  it('appends to its file and goes on in a new one when that is moved away', () => {
    const path = join(temporary(), 'x.log');
    const sink = createLogSink(path);
    sink.write('one\n');
    sink.write('two\n');
    renameSync(path, `${path}.1`);
    sink.write('three\n');
    expect(readFileSync(`${path}.1`, 'utf8')).toBe('one\ntwo\n');
    expect(readFileSync(path, 'utf8')).toBe('three\n');
  });

  it('survives a file that cannot be written', () => {
    const path = join(temporary(), 'none', 'x.log');
    createLogSink(path).write('lost\n');
    expect(existsSync(path)).toBe(false);
  });

  const root = fileURLToPath(new URL('../..', import.meta.url));
  const program = (body: string) => [
    '--import',
    'tsx',
    '--input-type=module',
    '-e',
    `import { createLogSink } from './src/log.node.ts';
     const sink = createLogSink('');
     ${body}`,
  ];

  it('writes to standard output at once, even when the process dies right after', () => {
    const { stdout } = spawnSync(
      process.execPath,
      program(
        "sink.write('first\\n'); sink.write('last\\n'); process.kill(process.pid, 'SIGKILL');",
      ),
      { cwd: root, encoding: 'utf8' },
    );
    expect(stdout).toBe('first\nlast\n');
  });

  it('loses nothing when the reader of a pipe is slow', async () => {
    const child = spawn(
      process.execPath,
      program(`
        process.stdout._handle?.setBlocking(false);
        for (let i = 0; i < 2000; i++) sink.write('x'.repeat(199) + '\\n');
      `),
      { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let length = 0;
    for await (const chunk of child.stdout) {
      length += (chunk as Buffer).length;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(length).toBe(2000 * 200);
  });
});

describe('the start banner', () => {
  const facts = { mode: 'standalone', port: 7000, pid: 42 } as const;
  const hidden = {
    alwaysShowLogo: false,
    syslogEnabled: false,
    logfile: '',
    stdoutIsTerminal: false,
  };

  it('names pid, port and mode where tools look for them', () => {
    expect(banner(facts)).toMatch(/ PID: 42\n/);
    expect(banner(facts)).toMatch(/ Port: 7000\n/);
    expect(banner(facts)).toContain('Running in standalone mode');
    expect(banner(facts).split('\n').length).toBeGreaterThan(5);
  });

  it('is shown on a terminal, or always when told so', () => {
    const terminal = { ...hidden, stdoutIsTerminal: true };
    expect(showsBanner(hidden)).toBe(false);
    expect(showsBanner(terminal)).toBe(true);
    expect(showsBanner({ ...terminal, logfile: 'x' })).toBe(false);
    expect(showsBanner({ ...terminal, syslogEnabled: true })).toBe(false);
    expect(showsBanner({ ...hidden, logfile: 'x', alwaysShowLogo: true })).toBe(true);
  });

  it('is one line in a log', () => {
    const { logger, written } = memoryLogger('notice');
    logStart(logger, facts, hidden);
    expect(written).toEqual([
      '42:C 03 Jan 2026 04:05:06.007 * Running mode=standalone, port=7000.\n',
    ]);
    logStart(logger, facts, { ...hidden, alwaysShowLogo: true });
    expect(written[1]).toBe(banner(facts));
  });
});

it('errors of the system have the texts of the C library', () => {
  const error = (code: string, message: string) => Object.assign(new Error(message), { code });
  expect(systemErrorText(error('ENOENT', 'ENOENT: no such file or directory, open'))).toBe(
    'No such file or directory',
  );
  expect(systemErrorText(error('EOTHER', "EOTHER: something odd, open '/x'"))).toBe(
    'Something odd',
  );
  expect(systemErrorText('plain')).toBe('Plain');
});
