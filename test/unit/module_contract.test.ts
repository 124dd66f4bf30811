// What the core module is made of: exactly these imports and exports, and nothing of the compiler's
// runtime that could allocate behind our back.

import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import asc from 'assemblyscript/asc';
import { describe, expect, it } from 'vitest';

const wasm = readFileSync(new URL('../../dist/respite.wasm', import.meta.url));

describe('the core module', () => {
  it('imports the clock and nothing else', () => {
    const imports = WebAssembly.Module.imports(new WebAssembly.Module(wasm));
    expect(imports).toEqual([{ module: 'clock', name: 'clockUs', kind: 'function' }]);
  });

  it('exports the functions of the ABI, the one that the build appends, and its memory', () => {
    const names = WebAssembly.Module.exports(new WebAssembly.Module(wasm)).map(({ name }) => name);
    const source = readFileSync(new URL('../../assembly/index.ts', import.meta.url), 'utf8');
    const functions = [...source.matchAll(/^export function (\w+)/gm)].map((match) => match[1]);
    const passedOn = [...source.matchAll(/^export \{([^}]*)\}/gm)].flatMap(
      (match) => match[1]?.match(/\w+/g) ?? [],
    );
    const declared = [...functions, ...passedOn];
    expect(names.sort()).toEqual([...declared, 'carryGlobals', 'memory'].sort());
  });

  it('stays within its size budget', () => {
    expect(wasm.length).toBeLessThan(408 * 1024);
    // Built for speed: with shrink level 1 it is an eighth smaller and a third slower.
    expect(gzipSync(wasm).length).toBeLessThan(168 * 1024);
  });

  it('contains no function of the managed runtime, so nothing can allocate a managed object', async () => {
    const text = join(tmpdir(), `respite-contract-${process.pid}.wat`);
    const { error, stderr } = await asc.main([
      'assembly/index.ts',
      '--config',
      'assembly/asconfig.json',
      '--target',
      'release',
      '-O0',
      '--debug',
      '--textFile',
      text,
      '--outFile',
      `${text}.wasm`,
    ]);
    expect(error, stderr.toString()).toBeNull();
    const listing = readFileSync(text, 'utf8');
    rmSync(text);
    rmSync(`${text}.wasm`);
    // The name section proves that names were kept, so an empty list means something.
    expect(listing).toContain('assembly/memory/alloc/tryAlloc');
    // Reading a literal's length is all that strings are used for.
    const allowed = ['~lib/string/String#get:length', '~lib/rt/common/OBJECT#get:rtSize'];
    const managed = /\(func \$(~lib\/(?!math|util\/math|polyfills|builtins)[^ ]*)/g;
    const called = [...listing.matchAll(managed)].map((match) => match[1]);
    expect(called.filter((name) => !allowed.includes(name ?? ''))).toEqual([]);
  });
});
