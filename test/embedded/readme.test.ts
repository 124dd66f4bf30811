// The examples of README.md about the embedded store run as they stand there.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');

const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
const section = readme.split(/^## /m).find((each) => each.startsWith('Embedded\n')) ?? '';
const examples = [...section.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) =>
  code.replaceAll("'respite'", "'../../../src/index.ts'"),
);

/** What the example prints, line by line. */
function run(index: number): string[] {
  const folder = path.join(here, `readme_${process.pid}_${index}`);
  mkdirSync(folder, { recursive: true });
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'example.ts');
  writeFileSync(file, examples[index] as string);
  const tsx = path.join(root, 'node_modules/tsx/dist/cli.mjs');
  const { stdout, stderr, status } = spawnSync(process.execPath, [tsx, file], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return stdout.trimEnd().split('\n');
}

it('README.md has three of them', () => {
  expect(examples).toHaveLength(3);
});

it('the first shows the calls', () => {
  const lines = run(0);
  expect(lines.slice(0, 2)).toEqual(['hello bob 1', 'hello ada 3']);
  expect(lines.join('\n')).toContain('WRONGTYPE');
  expect(lines).toContain("[ 'jobs', 'first' ]");
  expect(lines).toContain('it works');
  expect(lines.at(-1)).toMatch(/^\d+ 4$/);
});

it('the second shows clients', () => {
  expect(run(1)).toEqual(['v v']);
});

it('the third shows time', () => {
  expect(run(2)).toEqual(['null 3570', '0']);
});
