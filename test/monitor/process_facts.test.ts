// Facts of the process under Node, and how a process ends after a crash.

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import {
  readHugePageBytes,
  readLoop,
  readProcess,
  systemName,
} from '../../src/monitor/process_facts.node.ts';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

it('memory and processor time are those of this process', () => {
  const facts = readProcess();
  expect(facts.residentBytes).toBeGreaterThan(10 * 1024 * 1024);
  expect(facts.systemBytes).toBeGreaterThan(facts.residentBytes);
  expect(facts.userCpuUs).toBeGreaterThan(0);
  expect(facts.systemCpuUs).toBeGreaterThanOrEqual(0);
});

it.skipIf(process.platform !== 'linux')('the main thread has its share of the time', () => {
  const { userCpuUs, mainThread } = readProcess();
  // The kernel counts the thread's time in hundredths of a second.
  expect(mainThread!.userCpuUs).toBeGreaterThan(0);
  expect(mainThread!.userCpuUs).toBeLessThanOrEqual(userCpuUs + 100_000);
  expect(readHugePageBytes()).toBeGreaterThanOrEqual(0);
});

it('turns of the event loop are counted, and time in them', async () => {
  const before = readLoop();
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 1));
  const after = readLoop();
  expect(after.activeUs).toBeGreaterThan(before.activeUs);
  // Releases of Node before 20.18 do not count.
  if (after.cycles > 0) expect(after.cycles).toBeGreaterThanOrEqual(before.cycles + 5);
});

it('the system is named by its kernel, release and machine', () => {
  expect(systemName()).toMatch(/^\S+ \S+ \S+$/);
});

it.skipIf(process.platform === 'win32')(
  'a crash ends the process in the way that tells why',
  () => {
    const end = (cause: string, usesExit: boolean) => {
      const script = `
      import { endAfterCrash } from './src/monitor/crash_exit.node.ts';
      process.on('SIGABRT', () => {});
      endAfterCrash(${cause}, ${usesExit});
      process.exit(55);`;
      const args = ['--import', 'tsx', '--input-type=module', '--eval', script];
      const { status, signal } = spawnSync(process.execPath, args, { cwd: ROOT });
      return signal ?? status;
    };
    const panic = "{ kind: 'panic', message: '', place: '' }";
    expect(end("{ kind: 'signal', signal: 'SIGSEGV', number: 11 }", false)).toBe('SIGSEGV');
    expect(end("{ kind: 'signal', signal: 'SIGABRT', number: 6 }", false)).toBe('SIGABRT');
    expect(end(panic, false)).toBe('SIGABRT');
    expect(end(panic, true)).toBe(1);
  },
);
