// The command line itself: help, versions, options, exit codes.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { MemoryStorage } from '../../src/storage/memory_storage.ts';
import { tool } from '../support/captured_terminal.ts';

const run = (words: string) => tool(new MemoryStorage(), words);

it('--help names the subcommands and the exit codes', async () => {
  const { code, output, errors } = await run('--help');
  expect(code).toBe(0);
  for (const word of ['backup', 'restore', 'check', 'Exit codes:']) expect(output).toContain(word);
  expect(errors).toBe('');
});

it.each(['backup', 'restore', 'check', 'playground'])(
  '%s --help explains its options',
  async (name) => {
    const { code, output } = await run(`${name} --help`);
    expect(code).toBe(0);
    expect(output).toContain(`Usage: respite ${name}`);
  },
);

it('--version tells the version of the package', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect((await run('--version')).output).toMatch(new RegExp(`^respite ${version} \\(Redis `));
});

it.each([
  ['', /Usage: respite/],
  ['bake', /unknown command 'bake'/],
  ['check', /missing required argument 'path'/],
  ['check x --bogus', /unknown option '--bogus'/],
  ['restore --into y', /required option '--from <path>'/],
  ['backup a b --keep 0', /'0' is invalid.*number from 1/],
  ['backup a b --kind tar', /Allowed choices are aof, rdb/],
  ['check x --truncate-to-timestamp soon', /'soon' is invalid.*has to be a time/],
])('"%s" is refused with exit code 2', async (words, message) => {
  const { code, output, errors } = await tool(
    new MemoryStorage(),
    words.split(' ').filter(Boolean),
  );
  expect(code).toBe(2);
  expect(errors).toMatch(message);
  expect(output).toBe('');
});

it.each([
  ['backup nowhere target', /nowhere is neither a server/],
  ['backup host:99999 target', /is neither a server/],
  ['backup 127.0.0.1:1 target --incremental', /--incremental needs a directory/],
  ['restore --from x --to soon --into y', /'soon' is no moment/],
])('"%s" cannot be done as it is written', async (words, message) => {
  const { code, errors } = await run(words);
  expect(code).toBe(2);
  expect(errors).toMatch(message);
});
