// Imports go one way. Each layer may import itself and the layers before it, nothing else; and what
// the browser shares with the server (everything up to and with src/engine.ts) imports nothing of
// Node, except in files that end in `.node.ts`.
//
// A new folder has to be given its place here.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** From the bottom to the top: folders, and single files of the folder above. */
const CORE_LAYERS = [
  'abi.ts',
  'memory',
  'util',
  'struct',
  'keyspace',
  'resp',
  'client',
  'snapshot',
  'command',
  'generated',
  'server',
  'index.ts',
  'testing',
];

/** Names on one line do not import each other. */
const HOST_LAYERS = [
  'util version.ts',
  'log.ts',
  'log.node.ts ascii_logo.ts system_checks.node.ts',
  'core',
  'host_command.ts reply_gate.ts',
  'commands',
  'storage',
  'engine.ts',
  'embedded',
  'config acl scripting monitor',
  'persistence',
  'backup',
  'replication',
  'cluster',
  'net',
  'server_facts.ts',
  'standard_commands.ts',
  'server.ts',
  'node browser',
  'testing',
  'cli',
  'bin index.ts testing.ts browser.ts browser_inline.ts browser_worker.ts build',
  'web',
];

/** Layers up to this one are shared with the browser. */
const LAST_SHARED_LAYER = 'embedded';

interface Import {
  from: string;
  to: string;
}

function sources(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|mjs)$/.test(name))
    .map((name) => path.join(folder, name).replaceAll(path.sep, '/'))
    .sort();
}

/** What the file imports: paths in the repository, or names of packages as they are. */
function importsOf(file: string): Import[] {
  const text = readFileSync(path.join(root, file), 'utf8');
  const found = text.matchAll(
    /^(?:import|(?:export|\}).* from) ?[^'\n]*'([^'\n]+)';|\bimport\('([^']+)'\)/gm,
  );
  return [...found].map((match) => {
    const target = match[1] ?? match[2] ?? '';
    const to = target.startsWith('.') ? path.posix.join(path.posix.dirname(file), target) : target;
    return { from: file, to };
  });
}

/** Position of the layer of `file` (relative to the repository), -1 when it has none. */
function layerOf(file: string, base: string, layers: readonly string[]): number {
  const top = file.slice(base.length + 1).split('/')[0]!;
  return layers.findIndex((names) =>
    names.split(' ').some((name) => name === top || name === `${top}.ts`),
  );
}

/** Folder within the layer, so that two of one layer can be told apart. */
function part(file: string): string {
  return file.split('/')[1]!.replace(/\.ts$/, '');
}

function violations(base: string, layers: readonly string[]): string[] {
  const wrong: string[] = [];
  for (const file of sources(base)) {
    const layer = layerOf(file, base, layers);
    if (layer < 0) wrong.push(`${file}: its folder has no layer`);
    for (const { to } of importsOf(file)) {
      if (!to.startsWith(`${base}/`)) continue;
      const below = layerOf(to, base, layers);
      if (below < layer || part(to) === part(file)) continue;
      wrong.push(`${file} imports ${to}`);
    }
  }
  return wrong;
}

describe('imports go one way', () => {
  it('in the core', () => {
    expect(violations('assembly', CORE_LAYERS)).toEqual([]);
  });

  it('in the host', () => {
    expect(violations('src', HOST_LAYERS)).toEqual([]);
  });
});

it('the core imports nothing from outside of itself', () => {
  const outside = sources('assembly')
    .flatMap(importsOf)
    .filter(({ to }) => !to.startsWith('assembly/'));
  expect(outside).toEqual([]);
});

it('the host takes nothing but constants from the core', () => {
  const wrong = sources('src')
    .flatMap(importsOf)
    .filter(({ to }) => to.startsWith('assembly/') && to !== 'assembly/abi.ts');
  expect(wrong).toEqual([]);
});

it('nothing under the engine needs Node, but for files that say so', () => {
  const last = HOST_LAYERS.indexOf(LAST_SHARED_LAYER);
  const wrong = sources('src')
    .filter((file) => layerOf(file, 'src', HOST_LAYERS) <= last && !file.endsWith('.node.ts'))
    .flatMap(importsOf)
    .filter(({ to }) => to.startsWith('node:') || to.endsWith('.node.ts'));
  expect(wrong).toEqual([]);
});

it('the imports of a file are found however they are written', () => {
  const here = importsOf('src/commands/index.ts').map(({ to }) => to);
  expect(here).toContain('assembly/abi.ts'); // import * as
  expect(here).toContain('src/commands/acl_categories.ts'); // named
  expect(here).toContain('src/commands/spec.ts'); // types only
  expect(importsOf('src/build/ensure.mjs').map(({ to }) => to)).toContain('node:path');
  expect(importsOf('test/util/host_glob.test.ts').map(({ to }) => to)).toContain(
    'src/util/glob.ts',
  );
});
