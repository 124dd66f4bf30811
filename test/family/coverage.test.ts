// No command without a sentence: every command the product declares is called by a family test.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { allCommands } from '../../src/commands/index.ts';

const folder = path.dirname(fileURLToPath(import.meta.url));
// Arguments of calls in code are brought into the form they have in scripts.
const text = readdirSync(folder)
  .filter((name) => name.endsWith('.test.ts') && name !== 'coverage.test.ts')
  .map((name) => readFileSync(path.join(folder, name), 'utf8').replaceAll("', '", ' '))
  .join('\n');

function isCalled(fullName: string): boolean {
  const words = fullName.split('|').map((word) => word.replace(/[.*+?^${}()[\]\\|]/g, '\\$&'));
  return new RegExp(`(?:^|[\\s'"@\`(\\[])${words.join('\\s+')}(?:$|[\\s'"\`\\\\,])`, 'im').test(
    text,
  );
}

it('every command is called by a sentence', () => {
  const parents = new Set(allCommands().map(({ parent }) => parent?.fullName));
  const missing = allCommands()
    .map(({ fullName }) => fullName)
    .filter((name) => !parents.has(name) && !isCalled(name));
  expect(missing).toEqual([]);
});
