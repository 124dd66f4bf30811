// The examples of README.md about tests run as they stand there.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');

/** Examples of a section, with its own sources in the place of the package. */
function examples(section: string): string[] {
  const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
  const text = readme.split(/^## /m).find((each) => each.startsWith(`${section}\n`)) ?? '';
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) =>
    code.replaceAll("'respite/testing'", "'../../../src/testing.ts'"),
  );
}

function scratchFolder(): string {
  const folder = path.join(here, `readme_${process.pid}`);
  mkdirSync(folder, { recursive: true });
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const all = examples('Tests');
const isForVitest = (code: string) => code.includes("from 'vitest'");

it('README.md has examples for vitest and node:test', () => {
  expect(all.filter(isForVitest)).toHaveLength(2);
  expect(all.filter((code) => code.includes("from 'node:test'"))).toHaveLength(1);
});

it('the examples for vitest pass', () => {
  const folder = scratchFolder();
  for (const [i, code] of all.filter(isForVitest).entries()) {
    writeFileSync(path.join(folder, `example_${i}.ts`), code);
  }
  // Not named like tests, which the suite around this one might take for its own.
  writeFileSync(
    path.join(folder, 'vitest.config.mjs'),
    "export default { test: { include: ['example_*.ts'], testTimeout: 60_000 } };\n",
  );
  const vitest = createRequire(import.meta.url).resolve('vitest/package.json');
  const program = path.join(path.dirname(vitest), 'vitest.mjs');
  const run = spawnSync(process.execPath, [program, 'run', '--root', folder, '--no-color'], {
    encoding: 'utf8',
    env: { ...process.env, VITEST: undefined, VITEST_WORKER_ID: undefined, CI: '1' },
  });
  expect(run.stdout + run.stderr).toMatch(/Tests\s+3 passed/);
  expect(run.status).toBe(0);
});

it('the example for node:test passes', () => {
  const folder = scratchFolder();
  const file = path.join(folder, 'example.mts');
  writeFileSync(file, all.find((code) => code.includes("from 'node:test'")) ?? '');
  const args = ['--import', 'tsx', '--test', '--test-reporter', 'tap', file];
  const run = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: root });
  expect(run.stdout + run.stderr).toContain('# pass 1');
  expect(run.status).toBe(0);
});
