// The crash report: all parts are there, broken ones do not stop it, and secrets stay out.

import { describe, expect, it } from 'vitest';
import type { CoreCrash } from '../../src/engine.ts';
import { Logger } from '../../src/log.ts';
import { type CrashCause, causeOfCoreCrash } from '../../src/monitor/crash_cause.ts';
import { type CrashReportSources, writeCrashReport } from '../../src/monitor/crash_report.ts';
import { encodeCommand } from '../support/arguments.ts';
import { createEngine, EngineTestClient } from '../support/engine_client.ts';
import { createMonitor } from './monitor_fixture.ts';

const SEGFAULT: CrashCause = { kind: 'signal', signal: 'SIGSEGV', number: 11 };
const BAD_CONFIG_ID = 9999;

function report(cause: CrashCause, changes: Partial<CrashReportSources> = {}): string {
  const { engine, sections } = createMonitor();
  let text = '';
  const sink = { write: (part: string) => (text += part) };
  writeCrashReport(cause, {
    logger: new Logger({ pid: 4711, sink: sink as { write(text: string): void } }),
    core: engine.core,
    sections,
    now: () => engine.now(),
    clientList: () => 'id=1 addr=127.0.0.1:50000\nid=2 addr=127.0.0.1:50001\n',
    currentClient: () => 'id=2 addr=127.0.0.1:50001\n',
    configDebugInfo: () => 'save ""\nappendonly no\n',
    ...changes,
  });
  return text;
}

it('goes from its start line to its end line, with every part in between', () => {
  const text = report(SEGFAULT);
  expect(text).toMatch(/^\n\n=== REDIS BUG REPORT START: Cut & paste starting from here ===\n/);
  expect(text).toContain(
    '\n=== REDIS BUG REPORT END. Make sure to include from START to END. ===\n',
  );
  const parts = [...text.matchAll(/^-{6} (.*) -{6}$/gm)].map((match) => match[1]);
  expect(parts).toEqual([
    ...['STACK TRACE', 'INFO OUTPUT', 'CLIENT LIST OUTPUT', 'CURRENT CLIENT INFO'],
    'CONFIG DEBUG OUTPUT',
  ]);
  expect(text).toContain('# Server\r\nredis_version:7.2.6\r\n');
  expect(text).toContain('# Commandstats\r\n');
  expect(text).not.toContain('# Keysizes');
  expect(text).toContain('id=1 addr=127.0.0.1:50000\n');
  expect(text).toContain('appendonly no\n');
});

it('names the cause', () => {
  expect(report(SEGFAULT)).toMatch(
    /# Redis 7\.2\.6 \(Respite \S+\) crashed by signal: 11, SIGSEGV\n/,
  );
  const assertion = report({ kind: 'assertion', expression: 'a == b', place: 'db.ts:12' });
  expect(assertion).toContain('# === ASSERTION FAILED ===\n');
  expect(assertion).toContain("# ==> db.ts:12 'a == b' is not true\n");
  const panic = report({ kind: 'panic', message: 'no way out', place: 'here' });
  expect(panic).toContain('# Guru Meditation: no way out #here\n');
  expect(report({ kind: 'trap', message: 'unreachable' })).toMatch(
    /crashed by a trap of the engine: unreachable\n/,
  );
});

it('goes on behind a part that fails', () => {
  const text = report(SEGFAULT, {
    clientList: () => {
      throw new Error('broken list');
    },
    sections: [
      {
        names: ['bad'],
        title: 'Bad',
        write() {
          throw new Error('broken section');
        },
      },
      { names: ['good'], title: 'Good', write: (info) => info.field('field', 1) },
    ],
  });
  expect(text).toContain('# Bad\r\nunavailable:broken section\r\n\r\n# Good\r\nfield:1\r\n');
  expect(text).toContain('CLIENT LIST OUTPUT ------\nnot available: broken list\n');
  expect(text).toContain('REPORT END');
});

it('leaves out the client when no command was running', () => {
  expect(report(SEGFAULT, { currentClient: () => undefined })).not.toContain('CURRENT CLIENT');
});

describe('arguments of the command', () => {
  function argumentsOf(...command: (string | Uint8Array)[]): string[] {
    const { engine, client } = createMonitor();
    void client.call(...command);
    const text = report(SEGFAULT, { core: engine.core });
    return [...text.matchAll(/^arg.*$/gm)].map(([line]) => line);
  }

  it('are printed with escapes, and cut', () => {
    const long = 'x'.repeat(500);
    expect(argumentsOf('set', Buffer.from('a"\\\n\x01\xff', 'latin1'), long)).toEqual([
      "argc: '3'",
      `argv[0]: '"set"'`,
      `argv[1]: '"a\\"\\\\\\n\\x01\\xff"'`,
      `argv[2]: '"${'x'.repeat(128)}"'`,
    ]);
  });

  it('are limited in number', () => {
    const lines = argumentsOf('mget', ...Array.from({ length: 200 }, (_, i) => `key:${i}`));
    expect(lines[0]).toBe("argc: '201'");
    expect(lines).toHaveLength(1 + 64);
  });

  it('end at AUTH', () => {
    expect(argumentsOf('echo', 'AUTH')).toHaveLength(3);
    expect(argumentsOf('mget', 'auth', 'user', 'secret')).toEqual([
      "argc: '4'",
      `argv[0]: '"mget"'`,
      `argv[1]: '"auth"'`,
    ]);
  });

  it('are harmless when the core is damaged', () => {
    const { engine } = createMonitor();
    const { core } = engine;
    const end = core.bytes.length;
    // The words of the ABI block that name the arguments.
    const damaged = Object.create(core, {
      word: { value: (index: number) => (index === 3 ? 5 : index === 4 ? end - 20 : 0) },
    });
    expect(report(SEGFAULT, { core: damaged })).toContain("argc: '5'\n");
  });
});

describe('a crash of the core', () => {
  function crashOf(fail: (core: ReturnType<typeof createEngine>['core']) => void): CoreCrash {
    const crashes: CoreCrash[] = [];
    const engine = createEngine({}, { onCrash: (crash) => crashes.push(crash) });
    engine.commands.register('info', () => fail(engine.core));
    const client = new EngineTestClient(engine);
    expect(() => client.send(encodeCommand(['info']))).toThrow();
    return crashes[0]!;
  }

  it('by an assertion names its place and the command', () => {
    const crash = crashOf((core) => core.exports.setConfig(BAD_CONFIG_ID, 0));
    const cause = causeOfCoreCrash(crash);
    expect(cause).toMatchObject({
      kind: 'assertion',
      place: expect.stringMatching(/^assembly\/index\.ts:\d+$/),
      expression: "assertion in 'info'",
    });
    expect(report(cause)).toMatch(/STACK TRACE ------\nRuntimeError/);
  });

  it('by a trap tells what WebAssembly said', () => {
    const crash = crashOf(() => {
      throw new WebAssembly.RuntimeError('memory access out of bounds');
    });
    expect(causeOfCoreCrash(crash)).toMatchObject({
      kind: 'trap',
      message: 'memory access out of bounds',
    });
  });
});
