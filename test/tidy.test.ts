// House rules that no linter checks: see the messages. Generated files are exempt.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const FOLDERS = ['assembly', 'src', 'test', 'bench'].filter((name) =>
  existsSync(path.join(root, name)),
);
const LINE_CHARACTERS = 140;
const FILE_LINES = 1000;
// Spelled in two parts, so that this file does not name them.
const OPEN_ENDS = new RegExp(
  `\\b(${['TO' + 'DO', 'FIX' + 'ME', 'HA' + 'CK', 'XX' + 'X'].join('|')})\\b`,
);

interface Source {
  name: string;
  lines: string[];
}

const sources: Source[] = FOLDERS.flatMap((folder) =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|mjs)$/.test(name) && !name.includes('node_modules'))
    .map((name) => path.join(folder, name).replaceAll(path.sep, '/'))
    .filter((name) => !/^(assembly|src\/embedded)\/generated\//.test(name))
    .map((name) => ({ name, lines: readFileSync(path.join(root, name), 'utf8').split('\n') })),
);

function linesWhere(test: (line: string) => boolean): string[] {
  return sources.flatMap(({ name, lines }) =>
    lines.flatMap((line, i) => (test(line) ? [`${name}:${i + 1}`] : [])),
  );
}

it('there is something to check', () => {
  expect(sources.length).toBeGreaterThan(30);
});

it('no comment leaves something for later', () => {
  expect(linesWhere((line) => OPEN_ENDS.test(line))).toEqual([]);
});

it(`no line is longer than ${LINE_CHARACTERS} characters`, () => {
  // A text that goes over the wire or into the log stays in one piece, so that it can be found.
  const withoutTexts = (line: string) => line.replace(/(['"`])(?:(?!\1).)*\1/g, '');
  expect(linesWhere((line) => withoutTexts(line).length > LINE_CHARACTERS)).toEqual([]);
});

it(`no file is longer than ${FILE_LINES} lines`, () => {
  const long = sources.filter(({ lines }) => lines.length > FILE_LINES + 1);
  expect(long.map(({ name }) => name)).toEqual([]);
});

it('file names are lower case with underscores', () => {
  const odd = sources.filter(
    // A program's file bears the program's name.
    ({ name }) =>
      !/^src\/bin\/respite(-server)?\.ts$/.test(name) &&
      !/^([a-z0-9_]+\/)*[a-z0-9_]+(\.[a-z0-9_]+)+$/.test(name),
  );
  expect(odd.map(({ name }) => name)).toEqual([]);
});

it('every file of the product opens by saying what it is', () => {
  const silent = sources.filter(
    ({ name, lines }) => /^(src|assembly)\//.test(name) && !/^(\/\/ |\/\*\*?|#!)/.test(lines[0]!),
  );
  expect(silent.map(({ name }) => name)).toEqual([]);
});
