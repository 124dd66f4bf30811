// The table of commands in README.md follows the records.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { renderCommandList, replaceCommandList } from '../../src/build/readme_table.ts';
import { allCommands, findCommand } from '../../src/commands/index.ts';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

it('README.md has the table that would be written now', () => {
  const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
  expect(replaceCommandList(readme, renderCommandList(allCommands()))).toBe(readme);
});

it('every command and subcommand is in the table once', () => {
  const listed: string[] = [];
  const rows = renderCommandList(allCommands()).split('\n').slice(2);
  for (const row of rows.slice(0, rows.indexOf(''))) {
    const cell = row.split('|')[2]!.trim();
    for (const [, name, subcommands] of cell.matchAll(/([^\s,(]+)(?: \(([^)]*)\))?/g)) {
      listed.push(name!);
      for (const sub of subcommands?.split(', ') ?? []) listed.push(`${name}|${sub}`);
    }
  }
  const names = allCommands().map(({ fullName }) => fullName.toUpperCase());
  expect(listed.sort()).toEqual(names.sort());
});

it('differences from Redis follow the table', () => {
  const get = findCommand('get')!;
  const differing = { ...get, spec: { ...get.spec, notes: 'is faster.' } };
  expect(renderCommandList([differing])).toBe(
    '| Group | Commands |\n| --- | --- |\n| Strings | GET |\n\n' +
      'Where a command differs from Redis:\n\n- GET: is faster.',
  );
});

it('only what is between the markers is replaced', () => {
  const readme = 'a\n<!-- commands:begin -->\nold\n<!-- commands:end -->\nb\n';
  expect(replaceCommandList(readme, 'new')).toBe(readme.replace('old', 'new'));
  expect(() => replaceCommandList('no place', 'new')).toThrow(/commands:begin/);
});
